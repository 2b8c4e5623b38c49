package simulation

import (
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/providers/providertest/accounts"
	"github.com/payrouter/payrouter/providers/sim"
)

// swarm says which kinds of trouble a seed has at all: with all of them in every seed,
// the loud ones would hide what the quiet ones do.
type swarm struct {
	gateways       []sim.FaultKind // how gateways misbehave
	late           bool            // gateways act late, within what they declare
	lostAnswers    bool            // refunds and offers whose answers are lost, done then or later
	mute           bool            // kaspi has no address for its notices
	brokenPromises bool            // gateways act later than they declare, and take money for dead offers
	notices        []string        // how notices go wrong
	oddPayers      bool
	crashes        bool
	pauses         bool
	lostCommits    bool // commits are lost, or their answers are, or come late
	storeOut       bool
	storeSlow      bool
	storeFull      bool
	partitions     bool
	operator       bool
	flips          bool          // a status call denies money that it had shown
	doubleClicks   bool          // clients repeat a key on several replicas at once
	window         string        // how the books lose one, if they do
	rushes         int           // of callers who come at once
	disk           time.Duration // most that a commit takes, when it takes time
}

// faultKinds are the ways of gateways that a seed may draw.
var faultKinds = []sim.FaultKind{
	sim.FaultRefuse, sim.FaultHang, sim.FaultActHang, sim.FaultDrop, sim.FaultActDrop, sim.FaultHTTPError, sim.FaultActHTTPError, sim.FaultHTML,
	sim.FaultTruncate, sim.FaultSlow, sim.FaultRedirect, sim.FaultWrongAmount, sim.FaultWrongReference,
	sim.FaultBadSignature, sim.FaultThrottle, sim.FaultUnauthorized, sim.FaultUnknownStatus, sim.FaultNotFound,
}

var noticeModes = []string{sim.NoticeLost, sim.NoticeDouble, sim.NoticeBeforeAnswer, sim.NoticeReordered, sim.NoticeLate, sim.NoticeForged}

func drawSwarm(draw *rand.Rand) swarm {
	some := func() bool { return chance(draw, 50) }
	few := func() bool { return chance(draw, 25) }
	s := swarm{late: few(), brokenPromises: few(), oddPayers: some(), crashes: some(), pauses: some(), lostCommits: some(),
		storeOut: few(), storeSlow: few(), storeFull: few(), partitions: few(), operator: some(), flips: some(), doubleClicks: some(), lostAnswers: some(), mute: few()}
	if !few() {
		for _, kind := range faultKinds {
			if chance(draw, 35) {
				s.gateways = append(s.gateways, kind)
			}
		}
	}
	if some() {
		for _, mode := range noticeModes {
			if some() {
				s.notices = append(s.notices, mode)
			}
		}
	}
	switch draw.IntN(10) {
	case 0:
		s.window, s.storeOut, s.storeFull = putBack, false, false
	case 1: // those whose commits are lost must be there to see it
		s.window, s.storeOut, s.storeFull = failedOver, false, false
		s.crashes, s.pauses, s.partitions, s.lostCommits = false, false, false, false
	}
	return s
}

// operations are what a fault may be about.
var operations = []sim.Op{sim.OpCharge, sim.OpCharge, sim.OpCharge, sim.OpCharge, sim.OpCharge, sim.OpCreate, sim.OpCreate, sim.OpStatus, sim.OpStatus, sim.OpRefund, sim.OpRefund, sim.OpRefund, sim.OpCapture,
	sim.OpVoid, sim.OpToken, "*"}

// troubled is how long things go wrong.
const troubled = 5 * time.Minute

// trouble plans all that will go wrong.
func (w *world) trouble() {
	draw := w.draw("trouble")
	when := func() time.Duration { return between(draw, 0, troubled*2/3) }
	some := func() int { return 1 + draw.IntN(4) }
	for range len(w.swarm.gateways) {
		for range 1 + some() {
			w.gatewayFault(draw, when())
		}
	}
	if w.swarm.late {
		for range some() {
			w.lateAct(draw, when())
		}
	}
	if w.swarm.lostAnswers {
		for range 1 + some() {
			w.lostAnswer(draw, when())
		}
	}
	if w.swarm.brokenPromises {
		w.brokenPromise(draw, when())
	}
	for range len(w.swarm.notices) {
		for range some() {
			rule := sim.NoticeRule{Face: pick(draw, w.bank.Faces()...), Mode: pick(draw, w.swarm.notices...), Times: some()}
			w.later(when(), func() {
				w.must2(w.bank.AddNotice(rule))
				w.count("notices " + rule.Mode)
			})
		}
	}
	if w.swarm.flips {
		for range some() {
			nth := draw.IntN(50)
			w.later(between(draw, time.Minute, troubled), func() { w.flip(nth) })
		}
	}
	if w.swarm.window != "" {
		w.losesWindow(w.swarm.window)
	}
	w.storeTrouble(draw, when, some)
	w.processTrouble(draw, when, some)
}

func (w *world) must2(_ string, err error) { w.must(err) }

func (w *world) gatewayFault(draw *rand.Rand, at time.Duration) {
	f := sim.Fault{Face: pick(draw, slices.Concat(w.gateways, w.withCards())...), Op: pick(draw, operations...), Kind: pick(draw, w.swarm.gateways...)}
	lasts := between(draw, 10*time.Second, 150*time.Second)
	switch f.Kind {
	case sim.FaultRefuse:
		f.Op, f.Delay = "", sim.Duration(lasts)
	case sim.FaultNotFound:
		// A gateway that says so twice, half a minute apart, breaks its word: not here.
		f.Op, f.Times, lasts = sim.OpStatus, 1+draw.IntN(2), 20*time.Second
	case sim.FaultUnknownStatus:
		f.Code, f.Times = "NEVER_SEEN", 1+draw.IntN(3)
	case sim.FaultSlow:
		f.Delay, f.Times = sim.Duration(between(draw, time.Second, 20*time.Second)), 1+draw.IntN(4)
	default:
		if f.After = draw.IntN(2); chance(draw, 50) {
			f.Times = 1 + draw.IntN(5)
		}
	}
	w.later(at, func() {
		id, err := w.bank.AddFault(f)
		w.must(err)
		w.note("fault %s %s %s for %s", f.Face, f.Op, f.Kind, lasts.Round(time.Second))
		w.count("gateway " + string(f.Kind))
		if f.Kind != sim.FaultRefuse {
			w.later(lasts, func() { w.bank.RemoveFault(id) })
		}
	})
}

// lateAct makes a gateway act after the connection broke, within what it declares.
func (w *world) lateAct(draw *rand.Rand, at time.Duration) {
	f := sim.Fault{Face: pick(draw, w.bank.Faces()...), Op: pick(draw, sim.OpCharge, sim.OpCharge, sim.OpCreate, sim.OpRefund, sim.OpCapture, sim.OpVoid),
		Kind: sim.FaultActLate, Delay: sim.Duration(between(draw, time.Second, 50*time.Second)), Times: 1 + draw.IntN(3)}
	w.later(at, func() {
		w.must2(w.bank.AddFault(f))
		w.note("fault %s %s acts after %s", f.Face, f.Op, time.Duration(f.Delay).Round(time.Second))
		w.count("gateway acts late")
	})
}

// lostAnswer makes one answer get lost about what was done, then or within what the
// gateway declares: a refund, which whoever sends it again makes twice, or an offer, which
// whoever goes elsewhere makes a second one beside.
func (w *world) lostAnswer(draw *rand.Rand, at time.Duration) {
	f := sim.Fault{Face: pick(draw, w.bank.Faces()...), Op: sim.OpRefund, Kind: pick(draw, sim.FaultActHang, sim.FaultActDrop, sim.FaultActLate), Times: 1}
	if f.Kind == sim.FaultActLate {
		f.Delay = sim.Duration(between(draw, time.Second, 50*time.Second))
	}
	if chance(draw, 40) {
		f.Face, f.Op = w.gateways[0], sim.OpCreate
	}
	w.later(at, func() {
		w.must2(w.bank.AddFault(f))
		w.note("fault %s loses the answer of a %s, %s", f.Face, f.Op, f.Kind)
		w.count("answer of a " + string(f.Op) + " lost")
	})
}

// brokenPromise makes a gateway act later than it declares that it can.
func (w *world) brokenPromise(draw *rand.Rand, at time.Duration) {
	f := sim.Fault{Face: pick(draw, w.withCards()...), Op: sim.OpCharge, Kind: sim.FaultActLate, BrokenPromise: true,
		Delay: sim.Duration(between(draw, 8*time.Minute, 20*time.Minute)), Times: 1}
	w.later(at, func() {
		w.must2(w.bank.AddFault(f))
		w.note("fault %s acts after %s, against its word", f.Face, time.Duration(f.Delay).Round(time.Second))
		w.count("gateway breaks its promise")
	})
}

// flip makes Halyk deny, once, a charge that it had shown, and send its notice again, so
// that we look. The books must know that it was shown: of what they lose nobody can tell
// that the gateway contradicts itself.
func (w *world) flip(nth int) {
	if w.swarm.window != "" {
		return
	}
	var paid []string
	for _, p := range w.keep.all() {
		for _, a := range p.Attempts {
			if a.Gateway == accounts.Gateway("halyk") && a.Verdict == providers.Approved {
				paid = append(paid, a.Reference)
			}
		}
	}
	if len(paid) == 0 {
		return
	}
	reference := paid[nth%len(paid)]
	w.mu.Lock()
	heard := slices.IndexFunc(w.delivered, func(d delivered) bool { return strings.Contains(string(d.body), reference) })
	w.mu.Unlock()
	if heard < 0 {
		return
	}
	w.must2(w.bank.AddFault(sim.Fault{Face: "halyk", Op: sim.OpStatus, Kind: sim.FaultUnknownStatus, Code: "FAILED", Match: reference, Times: 1}))
	w.note("halyk denies %s", reference)
	w.count("gateway denies money it had shown")
	_, _ = w.deliver(w.delivered[heard], nth)
}

func (w *world) storeTrouble(draw *rand.Rand, when func() time.Duration, some func() int) {
	if w.swarm.storeOut {
		w.during(when(), between(draw, time.Second, 25*time.Second), "database down",
			func() { w.db.down.Store(true) }, func() { w.db.down.Store(false) })
	}
	if w.swarm.storeSlow {
		most := between(draw, 100*time.Millisecond, 4*time.Second)
		w.during(when(), between(draw, 5*time.Second, 40*time.Second), "database slow",
			func() { w.db.slow.Store(int64(most)) }, func() { w.db.slow.Store(0) })
	}
	if w.swarm.storeFull {
		w.during(when(), between(draw, 2*time.Second, 30*time.Second), "database full", w.db.fill, w.db.makeRoom)
	}
	if w.swarm.lostCommits {
		for range 2 * some() {
			name, at, f := pick(draw, w.names...), draw.IntN(40), pick(draw, answerLost, answerLost, answerLate, commitLost)
			w.later(when(), func() { w.doom(name, at, f) })
			unlucky, after := pick(draw, w.names...), draw.IntN(4)
			w.later(when(), func() { w.doomPlan(unlucky, after, commitLost) })
		}
	}
}

func (w *world) processTrouble(draw *rand.Rand, when func() time.Duration, some func() int) {
	if w.swarm.crashes {
		for range some() {
			name, at, f := pick(draw, w.names...), draw.IntN(25), pick(draw, dieBefore, dieAfter)
			w.later(when(), func() { w.doom(name, at, f) })
		}
		if name := pick(draw, w.names...); chance(draw, 50) {
			w.later(when(), func() { w.processOf(name).kill("at any time") })
		}
	}
	if w.swarm.pauses {
		for range some() {
			name, lasts := pick(draw, w.names...), between(draw, 2*time.Second, 150*time.Second)
			w.later(when(), func() { w.processOf(name).stopFor(lasts) })
			drowsy, after := pick(draw, w.names...), draw.IntN(4)
			w.later(when(), func() { w.doomPlan(drowsy, after, dozes) })
		}
	}
	if !w.swarm.partitions {
		return
	}
	for range some() {
		name, how, lasts := pick(draw, w.names...), pick(draw, refused, silent), between(draw, time.Second, 30*time.Second)
		w.cutOff(name, when(), lasts, "process cut off from the database", func(p *process) { p.noStore = how }, func(p *process) { p.noStore = connected })
		face := pick(draw, w.bank.Faces()...)
		w.cutOff(name, when(), lasts, "process cut off from a gateway", func(p *process) { p.noFace[face] = true }, func(p *process) { delete(p.noFace, face) })
	}
}

// during lets something be wrong for a while.
func (w *world) during(at, lasts time.Duration, what string, begin, end func()) {
	w.later(at, func() {
		begin()
		w.note("%s for %s", what, lasts.Round(time.Second))
		w.count(what)
		w.later(lasts, end)
	})
}

func (w *world) cutOff(name string, at, lasts time.Duration, what string, begin, end func(*process)) {
	var p *process
	w.during(at, lasts, what, func() { p = w.processOf(name); p.change(func() { begin(p) }) }, func() { p.change(func() { end(p) }) })
}

func (w *world) processOf(name string) *process {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.processes[name]
}

// doom says what happens to a process at one of its next effects.
func (w *world) doom(name string, after int, f fate) {
	p := w.processOf(name)
	p.change(func() { p.fates[p.effects+1+after] = f })
}

// doomPlan says what happens at the commit of one of its next plans: between it and the
// request that follows, most can go wrong.
func (w *world) doomPlan(name string, after int, f fate) {
	p := w.processOf(name)
	p.change(func() { p.planned[p.plans+1+after] = f })
}

// heal ends all trouble. What is late is still late, and who sleeps wakes in time.
func (w *world) heal() {
	w.healed.Store(true)
	w.bank.ClearFaults()
	w.bank.ClearNotices()
	w.db.down.Store(false)
	w.db.slow.Store(0)
	w.db.disk.Store(0)
	w.db.makeRoom()
	w.note("all is well again")
	for _, name := range w.names {
		p := w.processOf(name)
		p.change(func() {
			p.fates, p.planned, p.noStore, p.noFace = map[int]fate{}, map[int]fate{}, connected, map[string]bool{}
			p.shared, p.members, p.refused = dooms{}, dooms{}, map[string]fate{}
		})
		if p.dead.Load() {
			w.start(name)
		}
	}
}
