package health

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Op is an operation at a gateway. Each has a breaker of its own.
type Op string

// The operations.
const (
	OpCharge  Op = "charge"
	OpCreate  Op = "create" // an offer or a push
	OpCapture Op = "capture"
	OpStatus  Op = "status"
	OpRefund  Op = "refund"
	OpVoid    Op = "void"
)

// Ops lists the operations in a fixed order.
func Ops() []Op { return []Op{OpCharge, OpCreate, OpCapture, OpStatus, OpRefund, OpVoid} }

// gated reports whether the operation may be refused at all.
func (o Op) gated() bool { return o == OpCharge || o == OpCreate }

// moves reports whether the operation moves money that another call like it would move
// again: a void or a withdrawal does not.
func (o Op) moves() bool { return o.gated() || o == OpCapture || o == OpRefund }

// Signal is how one call went, for the breakers.
type Signal uint8

// The signals. The zero value says nothing about the gateway.
const (
	Neutral     Signal = iota // the caller gave up, our own limits, credentials, throttling
	Healthy                   // an approval, and every decline: the gateway works
	Fault                     // time-out, 5xx, unreadable, technical decline
	Throttled                 // asked to slow down: new payments pause for a moment, and no breaker counts it
	Unreachable               // no connection was obtained: a Fault, unless no gateway can be reached
)

// Signals lists the signals in their numeric order.
func Signals() []Signal { return []Signal{Neutral, Healthy, Fault, Throttled, Unreachable} }

// String returns the lower-case name.
func (s Signal) String() string {
	return [...]string{"neutral", "healthy", "fault", "throttled", "unreachable"}[s]
}

// Gateway is one gateway to watch.
type Gateway struct {
	Name string
	// Probe asks something read-only. Without one, time alone leads to half-open.
	Probe func(ctx context.Context) Signal
	// Timeout is the longest call of each operation; missing ones count as 30 s.
	Timeout map[Op]time.Duration
	// SlowAfter marks a call as slow, from Begin to Report; missing ones are never slow.
	SlowAfter map[Op]time.Duration
	// MaxConcurrent bounds charges and offers at once; 0 means 64.
	MaxConcurrent int
	// ObserveOnly meters and never refuses.
	ObserveOnly bool
}

// Options configure a Board. Durations left zero take the defaults in brackets.
type Options struct {
	Gateways     []Gateway
	Window       time.Duration // [4 × the longest time-out, at least 60 s] of the ratios
	Consecutive  int           // [5] faults in a row open
	Completed    int           // [20] completed calls before a ratio counts
	FaultShare   int           // [50] per cent of them
	SlowShare    int           // [80] per cent of them
	OpenFor      time.Duration // [15 s] doubled at each opening
	OpenAtMost   time.Duration // [5 min]
	ProbeEvery   time.Duration // [15 s] while all is well
	ProbeFast    time.Duration // [2 s] after an outage
	ProbeTimeout time.Duration // [5 s]
	ProbesNeeded int           // [3] in a row, bad ones to close and good ones to reopen
	Trials       int           // [3] real charges, one at a time, when half-open
	Ramp         []int         // [5, 20, 50, 100] per cent
	RampStep     time.Duration // [60 s]
	MaxOpenings  int           // [2] openings an hour (four transitions); beyond it the gateway stays out
	Forget       time.Duration // [1 h] when openings are forgotten
	// Rand gives numbers in [0, 1) for the jitter of open times. Default: math/rand's.
	Rand       func() float64
	Registerer prometheus.Registerer
	Log        *slog.Logger
}

func (o Options) defaults() Options {
	longest := time.Duration(0)
	for _, g := range o.Gateways {
		for _, op := range Ops() {
			longest = max(longest, g.timeout(op))
		}
	}
	set(&o.Window, max(4*longest, time.Minute))
	set(&o.Consecutive, 5)
	set(&o.Completed, 20)
	set(&o.FaultShare, 50)
	set(&o.SlowShare, 80)
	set(&o.OpenFor, 15*time.Second)
	set(&o.OpenAtMost, 5*time.Minute)
	set(&o.ProbeEvery, 15*time.Second)
	set(&o.ProbeFast, 2*time.Second)
	set(&o.ProbeTimeout, 5*time.Second)
	set(&o.ProbesNeeded, 3)
	set(&o.Trials, 3)
	set(&o.RampStep, time.Minute)
	set(&o.MaxOpenings, 2)
	set(&o.Forget, time.Hour)
	if o.Rand == nil {
		o.Rand = rand.Float64
	}
	if len(o.Ramp) == 0 {
		o.Ramp = []int{5, 20, 50, 100}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o
}

func set[T comparable](field *T, otherwise T) {
	var zero T
	if *field == zero {
		*field = otherwise
	}
}

func (g Gateway) timeout(op Op) time.Duration {
	if d := g.Timeout[op]; d != 0 {
		return d
	}
	return 30 * time.Second
}

// validate refuses settings under which an outage would go unseen.
func (o Options) validate() error {
	seen := map[string]bool{}
	for _, g := range o.Gateways {
		if g.Name == "" {
			return fmt.Errorf("health: a gateway has no name")
		}
		if seen[g.Name] {
			return fmt.Errorf("health: gateway %s appears twice", g.Name)
		}
		seen[g.Name] = true
		for _, op := range Ops() {
			t := g.timeout(op)
			if t < 0 {
				return fmt.Errorf("health: gateway %s: the %s time-out is negative", g.Name, op)
			}
			// gobreaker drops the outcome of a call that is older than the window.
			if o.Window < 4*t {
				return fmt.Errorf("health: window %s is shorter than 4 × the %s time-out %s of gateway %s: a slow outage would never trip; raise the window to %s or lower the time-out",
					o.Window, op, t, g.Name, 4*t)
			}
		}
	}
	// Below nothing, a pause is no pause, and a limit is reached before anything has happened.
	for name, d := range map[string]time.Duration{"open_for": o.OpenFor, "open_at_most": o.OpenAtMost, "probe_every": o.ProbeEvery, "probe_fast": o.ProbeFast,
		"probe_timeout": o.ProbeTimeout, "ramp_step": o.RampStep, "forget": o.Forget} {
		if d < 0 {
			return fmt.Errorf("health: %s: %s is less than nothing", name, d)
		}
	}
	for name, n := range map[string]int{"consecutive": o.Consecutive, "completed": o.Completed, "fault_share": o.FaultShare, "slow_share": o.SlowShare,
		"probes_needed": o.ProbesNeeded, "trials": o.Trials, "max_openings": o.MaxOpenings} {
		if n < 0 {
			return fmt.Errorf("health: %s: %d is less than nothing", name, n)
		}
	}
	if last := o.Ramp[len(o.Ramp)-1]; last != 100 {
		return fmt.Errorf("health: the ramp ends at %d %%, it must end at 100 %%", last)
	}
	return nil
}
