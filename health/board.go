package health

import (
	"errors"
	"fmt"
	"hash/fnv"
	"sync"
	"sync/atomic"
	"time"
)

// Why a gateway is not admitted. Errors from Admit wrap exactly one of them.
var (
	ErrUnknownGateway = errors.New("unknown gateway")
	ErrDrained        = errors.New("drained by an operator")
	ErrProbeFailing   = errors.New("probes are failing")
	ErrBreakerOpen    = errors.New("breaker is open")
	ErrRamping        = errors.New("coming back, not this payment yet")
	ErrBusy           = errors.New("at its concurrency limit")
	ErrThrottled      = errors.New("asked us to slow down")
	ErrReconcile      = errors.New("the books lost a window that nobody has reconciled yet")
)

// Board knows the health of all gateways. It is safe for concurrent use.
type Board struct {
	options  Options
	made     time.Time
	gateways map[string]*gateway
	names    []string
	metrics  *metrics

	egressOut atomic.Bool // for the log: our own way out is down
	reconcile atomic.Bool // a gateway has an order to reconcile
}

type gateway struct {
	Gateway
	contact   contact
	mu        sync.Mutex
	guards    map[Op]*guard
	flying    int // charges and offers on their way
	peaks     peaks
	overrides []Override
	drained   bool // an active drain was seen last time
	probeBad  int  // in a row
	probeGood int
	probedAt  time.Time
	slowUntil time.Time // after a throttled answer
	throttles int       // in a row
	lastFault time.Time
	lastGood  time.Time
	incident  incident
	uncounted atomic.Bool // of the incident; read without the lock
}

// New makes a Board. Settings that would let an outage go unseen are refused.
func New(o Options) (*Board, error) {
	o = o.defaults()
	if err := o.validate(); err != nil {
		return nil, err
	}
	b := &Board{options: o, made: time.Now(), gateways: map[string]*gateway{}}
	for _, g := range o.Gateways {
		if g.MaxConcurrent == 0 {
			g.MaxConcurrent = 64
		}
		watched := &gateway{Gateway: g, guards: map[Op]*guard{}}
		for _, op := range Ops() {
			watched.guards[op] = newGuard(o, g, op)
		}
		b.gateways[g.Name] = watched
		b.names = append(b.names, g.Name)
	}
	b.metrics = newMetrics(b)
	return b, nil
}

// Permit lets one call through. It is safe for concurrent use.
type Permit struct {
	board   *Board
	gateway *gateway
	guard   *guard
	call    *call
	told    sync.Once
}

// Admit asks whether the operation may be sent for the payment named by key. When it may,
// the permit must be reported once. One that nobody reports within twice the time-out
// counts as a fault.
func (b *Board) Admit(name string, op Op, key string) (*Permit, error) {
	return b.admit(name, op, share(key))
}

// AdmitAlone is Admit for a payment that no other gateway can serve: a gateway that is
// coming back takes all of these, because refusing them protects nobody's sale.
func (b *Board) AdmitAlone(name string, op Op) (*Permit, error) {
	return b.admit(name, op, 0)
}

func (b *Board) admit(name string, op Op, place int) (*Permit, error) {
	g, ok := b.gateways[name]
	if !ok {
		return nil, fmt.Errorf("%s: %w", name, ErrUnknownGateway)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	now := time.Now()
	guard := g.guards[op]
	err := b.refusal(g, op, place, now)
	b.metrics.admitted(name, op, err)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	permit := &Permit{board: b, gateway: g, guard: guard, call: guard.take(now, g.free(op, now))}
	if op.gated() {
		g.flying++
		g.peaks.note(now, g.flying)
	}
	return permit, nil
}

// Begin says that the call is sent only now: what its caller did between Admit and this, at
// our own store, is not the gateway's slowness. Without it the call began at Admit.
func (p *Permit) Begin() {
	p.gateway.mu.Lock()
	defer p.gateway.mu.Unlock()
	p.call.began = time.Now()
}

// Report says how the call went. The first report counts.
func (p *Permit) Report(s Signal) {
	p.told.Do(func() {
		p.gateway.mu.Lock()
		defer p.gateway.mu.Unlock()
		if p.guard.op.gated() {
			p.gateway.flying--
		}
		p.board.record(p.gateway, p.guard, p.call, s, time.Now())
	})
}

// Peek gives the answer that Admit would give, and takes nothing.
func (b *Board) Peek(name string, op Op, key string) error {
	g, ok := b.gateways[name]
	if !ok {
		return fmt.Errorf("%s: %w", name, ErrUnknownGateway)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if err := b.refusal(g, op, share(key), time.Now()); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// Failing says why the gateway is believed to be down, whatever is ordered about it: an
// order that admits new payments all the same would send them there. It is nil while the
// gateway is well, coming back in steps, or watched only.
func (b *Board) Failing(name string) error {
	g, ok := b.gateways[name]
	if !ok {
		return fmt.Errorf("%s: %w", name, ErrUnknownGateway)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if err := g.failing(b.options); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

func (g *gateway) failing(o Options) error {
	switch {
	case g.ObserveOnly:
		return nil
	case g.Probe != nil && g.probeBad >= o.ProbesNeeded:
		return ErrProbeFailing
	}
	for _, op := range Ops() {
		if op.gated() && !g.guards[op].notBefore.IsZero() { // open, or being tried
			return ErrBreakerOpen
		}
	}
	return nil
}

// Forced names the order by which new payments go to a gateway that is believed to be
// down, or is empty.
func (b *Board) Forced(name string) string {
	g, ok := b.gateways[name]
	if !ok {
		return ""
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	o, ordered := g.active(time.Now())
	why := g.failing(b.options)
	if !ordered || why == nil || o.Mode != Admit && o.Mode != ObserveOnly {
		return ""
	}
	return fmt.Sprintf("though %s, by the order of %s", why, o.Actor)
}

// refusal says why the operation is refused now, or nil.
func (b *Board) refusal(g *gateway, op Op, place int, now time.Time) error {
	if op.moves() {
		if err := b.Reconciled(); err != nil {
			return err
		}
	}
	return g.refusal(b.options, op, place, now)
}

// refusal says why the operation is refused now, or nil. place is the payment's place
// in the ramp, 0 to 99: the share that is admitted takes the first places.
func (g *gateway) refusal(o Options, op Op, place int, now time.Time) error {
	g.notice(o, now)
	if !op.gated() {
		return nil
	}
	if g.mode(now) == Drain {
		return ErrDrained
	}
	if g.flying >= g.MaxConcurrent {
		return ErrBusy
	}
	if now.Before(g.slowUntil) {
		return ErrThrottled
	}
	if g.free(op, now) {
		return nil
	}
	if g.Probe != nil && g.probeBad >= o.ProbesNeeded {
		return ErrProbeFailing
	}
	if err := g.guards[op].refusal(now, g.Probe == nil || g.probeGood >= o.ProbesNeeded); err != nil {
		return err
	}
	if place >= g.guards[op].rampShare(o, now) {
		return ErrRamping
	}
	return nil
}

// notice takes in what time alone brings about: the end of a drain, and trials that are lost.
func (g *gateway) notice(o Options, now time.Time) {
	g.noticeDrainEnd(now)
	for _, op := range Ops() {
		if guard := g.guards[op]; guard.giveUp(o, now) {
			g.opened(o, guard)
		}
	}
}

// opened begins the way back after an opening: good probes count from here.
func (g *gateway) opened(o Options, guard *guard) {
	g.probeGood = 0
	o.Log.Warn("breaker opened", "gateway", g.Name, "op", string(guard.op), "until", guard.notBefore)
}

// free reports whether breakers and probes are metered only.
func (g *gateway) free(op Op, now time.Time) bool {
	mode := g.mode(now)
	return !op.gated() || g.ObserveOnly || mode == Admit || mode == ObserveOnly
}

// record feeds one outcome to the breaker.
func (b *Board) record(g *gateway, guard *guard, c *call, s Signal, now time.Time) {
	s = b.judge(g, s, now)
	switch s {
	case Fault:
		g.lastFault = now
		if guard.op.gated() {
			g.failed(b.options, c.began, now)
		}
	case Healthy:
		g.lastGood = now
		if guard.op.gated() {
			g.throttles = 0
		}
	case Throttled:
		if guard.op.gated() && !now.Before(g.slowUntil) { // the rest of one burst is not news
			g.slowUntil = now.Add(slowFor << min(g.throttles, 6))
			g.throttles++
		}
	}
	change := guard.record(b.options, c, s, now, g.probeBad)
	switch change {
	case opened:
		g.opened(b.options, guard)
	case closed:
		b.options.Log.Info("breaker closed, traffic ramps back", "gateway", g.Name, "op", string(guard.op))
	}
}

// slowFor is the first pause after a throttled answer; it doubles up to about a minute.
const slowFor = time.Second

// ramp begins the ramp of charges and of offers: the gateway comes back as a whole.
func (g *gateway) ramp(now time.Time) {
	for _, op := range Ops() {
		if op.gated() {
			g.guards[op].rampFrom = now
		}
	}
}

// rampShare is the share of payments, in per cent, that the gateway gets now: of charges or
// of offers, whichever get less. One that was never out must not hide the other.
func (g *gateway) rampShare(o Options, now time.Time) int {
	return min(g.guards[OpCharge].rampShare(o, now), g.guards[OpCreate].rampShare(o, now))
}

// share maps a key to 0…99. A key admitted at 5 % is admitted at 20 % too.
func share(key string) int {
	h := fnv.New32a()
	h.Write([]byte(key))
	x := h.Sum32()
	x ^= x >> 16 // FNV's low bits alone are uneven for keys that differ in their tail
	x *= 0x85ebca6b
	x ^= x >> 13
	return int(x % 100)
}
