package server

import (
	"context"
	"sync"
	"time"

	pb "github.com/payrouter/payrouter/proto/payrouter/v1"

	"github.com/payrouter/payrouter/providers"
)

const (
	// storeSlow is how long one may wait for the store before fewer charges are let in, and
	// storeTooSlow before none is. A charge waits for it four times and a webhook about
	// three, so both are still answered within seconds.
	storeSlow    = 250 * time.Millisecond
	storeTooSlow = time.Second
	askEvery     = 250 * time.Millisecond // the store, while charges come
	askedLately  = 2 * time.Second        // an older answer says nothing
	// step is the share of seats, one in so many, that each good answer opens again, within
	// 4 s all of them, and that stays open while answers are slow.
	step = 16

	countEvery    = 5 * time.Second // undecided payments: a query over all of them
	countedLately = 20 * time.Second
	// afterBacklog is how long look-ups may need to make a full gateway's backlog smaller.
	afterBacklog = 15 * time.Second
)

// pressure is what stands before new charges where seats do not tell: how long one waits
// for the store, and how many payments the gateways have left undecided. It is found out
// by asking, one question at a time and only while charges come, so that an idle process
// asks nothing. A store that fails at once is not slow: each charge hears it for itself.
//
// How many charges a store bears depends on disk and neighbours, and nobody configures
// that right. So it is learnt as TCP learns what a line bears: each slow answer halves
// how many charges may be in progress, each other one lets in a few more, up to all seats.
type pressure struct {
	seats int                                             // of charges
	wait  func(context.Context) error                     // for the store's writer
	count func(context.Context) (map[string]int64, error) // undecided attempts by gateway

	mu        sync.Mutex
	asking    bool
	asked     time.Time // when the last question was put
	answered  time.Time
	waited    time.Duration
	bears     int // so many charges in progress
	counted   time.Time
	undecided map[string]int64
}

// look tells what is known, and asks anew in a goroutine of run's when it is time to. A
// question that is still out tells too.
func (p *pressure) look(now time.Time, run func(func())) (wait time.Duration, bears int, undecided map[string]int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.asking && now.Sub(p.answered) >= askedLately {
		p.waited, p.bears = 0, p.seats
	}
	if now.Sub(p.counted) >= countedLately {
		p.undecided = nil
	}
	if !p.asking && now.Sub(p.asked) >= askEvery {
		p.asking, p.asked = true, now
		run(p.ask)
	}
	wait = p.waited
	if p.asking {
		wait = max(wait, now.Sub(p.asked))
	}
	return wait, p.bears, p.undecided
}

// ask puts the questions.
func (p *pressure) ask() {
	ctx := context.Background() // each question has the store's own limit
	began := time.Now()
	_ = p.wait(ctx)
	now := time.Now()
	p.mu.Lock()
	p.asking, p.answered, p.waited = false, now, now.Sub(began)
	if few := max(p.seats/step, 1); p.waited > storeSlow {
		p.bears = max(p.bears/2, few)
	} else {
		p.bears = min(p.bears+few, p.seats)
	}
	count := now.Sub(p.counted) >= countEvery
	if count {
		p.counted = now
	}
	p.mu.Unlock()
	if !count {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, countEvery)
	defer cancel()
	undecided, err := p.count(ctx)
	if err != nil {
		undecided = nil // what is not known refuses nobody
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.undecided = undecided
}

// newPressure asks the server's store.
func (s *Server) newPressure() *pressure {
	return &pressure{seats: s.options.MaxCharges, bears: s.options.MaxCharges,
		wait: func(ctx context.Context) error {
			// Nobody's request: what takes time is the turn, behind all who write.
			_, _, err := s.router.Journal.Request(ctx, "", "")
			return err
		},
		count: func(ctx context.Context) (map[string]int64, error) {
			exposed, err := s.router.Journal.AtRisk(ctx)
			undecided := map[string]int64{}
			for _, e := range exposed {
				if e.Verdict == providers.Unknown.String() {
					undecided[e.Gateway] += e.Count
				}
			}
			return undecided, err
		},
	}
}

// pressed refuses a new charge while the store bears no more, one whose caller would
// wait for less than the store takes, and one for which every gateway has too many undecided payments
// already: those wait for look-ups, and each more is money that nobody can tell of.
func (s *Server) pressed(ctx context.Context, r *pb.CreatePaymentRequest) *fault {
	wait, bears, undecided := s.pressure.look(time.Now(), s.working.Go)
	deadline, limited := ctx.Deadline()
	switch {
	case wait > storeTooSlow, bears < s.options.MaxCharges && len(s.seats[charges]) >= bears:
		s.metrics.overloaded(causeStore)
		return newFault(pb.ErrorReason_ERROR_REASON_STORE_UNAVAILABLE, "the database does not keep up; nothing was done, and the same request may come again",
			nil, comeBack(retryAfter))
	case limited && wait > time.Until(deadline):
		s.metrics.overloaded(causeDeadline)
		return newFault(pb.ErrorReason_ERROR_REASON_STORE_UNAVAILABLE, "the database takes longer than the call's deadline leaves; nothing was done, and the same request may come again",
			nil, comeBack(retryAfter))
	case s.backlogged(ctx, r, undecided):
		s.metrics.overloaded(causeUndecided)
		return newFault(pb.ErrorReason_ERROR_REASON_ALL_GATEWAYS_UNAVAILABLE, "every gateway that could take this payment has too many undecided ones; nothing was done, and the same request may come again",
			nil, comeBack(afterBacklog))
	}
	return nil
}

// backlogged reports whether all gateways that the wish may go to are at the cap.
func (s *Server) backlogged(ctx context.Context, r *pb.CreatePaymentRequest, undecided map[string]int64) bool {
	only := map[string]bool{}
	for _, name := range r.GetGateways() {
		gateway, _ := parseGateway(name)
		only[gateway] = true
	}
	full := false
	for _, rule := range s.router.Tenants[identityOf(ctx).tenant].Rules {
		if len(only) > 0 && !only[rule.Gateway] {
			continue
		}
		if undecided[rule.Gateway] < int64(s.options.MaxUndecided) {
			return false
		}
		full = true
	}
	return full
}
