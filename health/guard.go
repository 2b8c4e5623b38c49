package health

import (
	"errors"
	"time"

	"github.com/sony/gobreaker/v2"
)

// guard is the breaker of one operation: gobreaker for the states, and beside it
// what gobreaker does not do (LIBRARIES section 3): counting faults in a row over
// quiet hours, slowness, growing open times, and giving up permits nobody reports.
// The gateway's lock guards it.
type guard struct {
	op        Op
	timeout   time.Duration
	slowAfter time.Duration
	breaker   *gobreaker.TwoStepCircuitBreaker[struct{}]
	trip      *bool // what ReadyToTrip answers; set before each report

	faults    int         // in a row
	recent    []bool      // of the last completed calls: was it slow
	openings  []time.Time // from closed, within Forget
	penalties []time.Time // openings and failed trials within Forget: each doubles the open time
	openedAt  time.Time   // the last time, from closed or by a trial
	notBefore time.Time
	rampFrom  time.Time // when its traffic began to come back; zero: all of it is admitted
	trial     *call     // the one real charge on its way while half-open
}

// call is one that was let through.
type call struct {
	at    time.Time // when it was let through
	began time.Time // when it was sent; at, unless its caller said otherwise
	done  func(error)
	free  bool
}

type change uint8

const (
	same change = iota
	opened
	closed
)

var errFault, errExcluded = errors.New("fault"), errors.New("excluded")

func newGuard(o Options, g Gateway, op Op) *guard {
	trip := new(bool)
	guard := &guard{op: op, timeout: g.timeout(op), slowAfter: g.SlowAfter[op], trip: trip}
	guard.breaker = gobreaker.NewTwoStepCircuitBreaker[struct{}](gobreaker.Settings{
		Name:        g.Name + "/" + string(op),
		MaxRequests: uint32(o.Trials),
		Interval:    o.Window,
		Timeout:     min(o.OpenFor, o.OpenAtMost) * 8 / 10, // notBefore, with its jitter, is what really holds
		IsExcluded:  func(err error) bool { return errors.Is(err, errExcluded) },
		ReadyToTrip: func(c gobreaker.Counts) bool {
			completed := c.TotalSuccesses + c.TotalFailures
			return *trip || int(completed) >= o.Completed && int(c.TotalFailures)*100 >= int(completed)*o.FaultShare
		},
	})
	return guard
}

// refusal says why this breaker refuses, or nil. probed reports that enough good
// probes came since it opened.
func (g *guard) refusal(now time.Time, probed bool) error {
	if g.notBefore.IsZero() {
		return nil // closed
	}
	if now.Before(g.notBefore) {
		return ErrBreakerOpen
	}
	if !probed {
		return ErrProbeFailing
	}
	if g.trial != nil {
		return ErrBreakerOpen // one trial at a time
	}
	return nil
}

// giveUp fails a trial that nobody reported in time, and reports whether it did. It goes
// before refusal: who notices the loss finds the breaker open.
func (g *guard) giveUp(o Options, now time.Time) bool {
	if g.trial == nil || now.Sub(g.trial.began) < 2*g.timeout {
		return false
	}
	g.trial.done(errFault)
	g.trial = nil
	g.reopen(o, now)
	return true
}

// take begins a call that refusal has let through.
func (g *guard) take(now time.Time, free bool) *call {
	c := &call{at: now, began: now, free: free}
	if free {
		return c
	}
	done, err := g.breaker.Allow()
	if err != nil {
		return c // counted by us alone; gobreaker's clock is a moment behind ours
	}
	c.done = done
	if !g.notBefore.IsZero() {
		g.trial = c
	}
	return c
}

// record takes in how a call went.
func (g *guard) record(o Options, c *call, s Signal, now time.Time, probeBad int) change {
	trial := g.trial == c
	if trial {
		g.trial = nil
	}
	if !trial && !c.free && (!g.notBefore.IsZero() || !c.at.After(g.openedAt)) {
		return same // it began before the breaker opened: old news, also once the trials have closed it again
	}
	slow := g.slowAfter > 0 && now.Sub(c.began) >= g.slowAfter
	switch s {
	case Fault:
		g.faults++
	case Healthy:
		g.faults = 0
	}
	if s == Healthy || s == Fault {
		if g.recent = append(g.recent, slow); len(g.recent) > o.Completed {
			g.recent = g.recent[1:]
		}
	}
	*g.trip = g.faults >= o.Consecutive || g.faults >= 3 && probeBad >= 2 || g.tooSlow(o)
	if c.done == nil {
		return same
	}
	before := g.breaker.State()
	switch {
	case s == Neutral, s == Throttled:
		c.done(errExcluded)
	case s == Fault, *g.trip:
		c.done(errFault)
	default:
		c.done(nil)
	}
	after := g.breaker.State()
	switch {
	case after == gobreaker.StateOpen && before != gobreaker.StateOpen:
		g.reopen(o, now)
		return opened
	case after == gobreaker.StateClosed && before == gobreaker.StateHalfOpen:
		g.notBefore, g.rampFrom, g.faults, g.recent = time.Time{}, now, 0, nil
		return closed
	}
	return same
}

func (g *guard) tooSlow(o Options) bool {
	if len(g.recent) < o.Completed {
		return false
	}
	n := 0
	for _, slow := range g.recent {
		if slow {
			n++
		}
	}
	return n*100 >= len(g.recent)*o.SlowShare
}

// reopen notes an opening and how long it lasts: 15 s doubled for each one before it, up
// to five minutes, ±20 %, or longer where there were too many. What is older than Forget no
// longer counts.
func (g *guard) reopen(o Options, now time.Time) {
	g.openings, g.penalties = within(o.Forget, g.openings, now), within(o.Forget, g.penalties, now)
	if g.notBefore.IsZero() { // from closed: a transition that payers notice
		g.openings = append(g.openings, now)
	}
	pause := min(o.OpenFor<<min(len(g.penalties), 10), o.OpenAtMost)
	g.penalties = append(g.penalties, now)
	g.openedAt, g.rampFrom = now, time.Time{} // the next ramp begins when it closes
	g.notBefore = now.Add(pause*8/10 + time.Duration(o.Rand()*float64(pause)*4/10))
	if len(g.openings) > o.MaxOpenings { // it stays out until the first of them is forgotten
		g.notBefore = latest(g.notBefore, g.openings[0].Add(o.Forget))
	}
	g.faults, g.recent = 0, nil
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// within drops the instants, in their order, that are as old as span or older.
func within(span time.Duration, instants []time.Time, now time.Time) []time.Time {
	for len(instants) > 0 && now.Sub(instants[0]) >= span {
		instants = instants[1:]
	}
	return instants
}

// rampShare is the share of this operation's payments, in per cent, that may be sent now.
func (g *guard) rampShare(o Options, now time.Time) int {
	if g.rampFrom.IsZero() {
		return 100
	}
	n := int(now.Sub(g.rampFrom) / o.RampStep)
	if n >= len(o.Ramp) {
		return 100
	}
	return o.Ramp[n]
}

// state names the breaker's state for people and metrics. gobreaker half-opens after the first
// open time, however long the later ones are.
func (g *guard) state(now time.Time) string {
	switch {
	case g.notBefore.IsZero():
		return "closed"
	case now.Before(g.notBefore):
		return "open"
	}
	return "half_open"
}
