package payment

import (
	"hash/fnv"
	"time"

	"github.com/payrouter/payrouter/providers"
)

// Terms are the rules that Next goes by besides the events: what the adapters
// claim and how patient we are. The zero value works, carefully: no claims.
type Terms struct {
	// Claims gives a gateway's claims; a gateway that is gone from the
	// configuration claims nothing, so nothing closes by claim.
	Claims func(gateway string) providers.Claims
	// Ladder is when to look after sending, where a gateway prescribes nothing. The
	// last step repeats. Default 2, 5, 10, 20, 40, 80, 160, 300 s.
	Ladder []time.Duration
	// ResolveLimit (T) is how long an attempt may stay undecided before a person
	// is called. Default 24 h, for offers counted from their end.
	ResolveLimit time.Duration
	// SlowLook is the pace after the ladder's patience is over. Default 1 h.
	SlowLook time.Duration
	// StartWithin is how long a payment without any attempt waits for its caller
	// to repeat the call. Default 15 min.
	StartWithin time.Duration
	// MaxAttempts bounds the attempts of one payment. Default 5.
	MaxAttempts int
	// LostAt is when the books were last seen to have lost a window, the zero time if never.
	// What they do not say of an attempt from before proves nothing.
	LostAt time.Time
	// GiveBackLimit: a surplus above it (minor units) waits for a person; 0 means no limit.
	GiveBackLimit int64
}

// Default fills the fields that are zero.
func (t Terms) Default() Terms {
	if t.Claims == nil {
		t.Claims = func(string) providers.Claims { return providers.Claims{} }
	}
	if len(t.Ladder) == 0 {
		for _, s := range []int{2, 5, 10, 20, 40, 80, 160, 300} {
			t.Ladder = append(t.Ladder, time.Duration(s)*time.Second)
		}
	}
	if t.ResolveLimit == 0 {
		t.ResolveLimit = 24 * time.Hour
	}
	if t.SlowLook == 0 {
		t.SlowLook = time.Hour
	}
	if t.StartWithin == 0 {
		t.StartWithin = 15 * time.Minute
	}
	if t.MaxAttempts == 0 {
		t.MaxAttempts = 5
	}
	return t
}

func (t Terms) claims(gateway string) providers.Claims {
	if t.Claims == nil {
		return providers.Claims{}
	}
	return t.Claims(gateway)
}

// sendWindow is how long after its commit an attempt's request may still be
// leaving or running: connect, handshake and answer, with a little for us.
func (t Terms) sendWindow(c providers.Claims, a *Attempt) time.Duration {
	answer := c.Timeouts.Charge
	if a.Flow == providers.Offer {
		answer = c.Timeouts.Create
	}
	if answer == 0 {
		answer = 30 * time.Second
	}
	return answer + 5*time.Second
}

func (t Terms) operationWindow(c providers.Claims) time.Duration {
	if c.Timeouts.Refund == 0 {
		return 35 * time.Second
	}
	return c.Timeouts.Refund + 5*time.Second
}

// step is the n-th pause of a schedule, the last one repeating, moved by up to
// 20 % either way by the payment's own id, so that payments do not march in step.
func step(schedule []time.Duration, n int, id string) time.Duration {
	pause := schedule[min(n, len(schedule)-1)]
	h := fnv.New32a()
	h.Write([]byte(id))
	share := int64(h.Sum32()%401) - 200 // -200 … 200 per mille
	return pause + pause*time.Duration(share)/1000
}

// lost reports whether the books may have lost what they knew of the attempt.
func (t Terms) lost(a *Attempt) bool { return !t.LostAt.IsZero() && !a.Planned.After(t.LostAt) }
