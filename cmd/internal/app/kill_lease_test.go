//go:build unix

package app_test

import (
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	pb "github.com/payrouter/payrouter/proto/payrouter/v1"
	"github.com/payrouter/payrouter/providers/sim"
	"github.com/payrouter/payrouter/router/payment"
	"github.com/payrouter/payrouter/router/pgtest"
)

// shortLease is how long a worker's claim lasts here: longer than the longest call, as it
// must be.
const shortLease = 6 * time.Second

// sleep is a step at which one of two replicas falls asleep, and sleeps until the other
// has done its work.
type sleep struct {
	name    string
	prepare func(*world, *replica) call
	kill    string // first of all a process dies at this step, so that a worker does what follows
	hangs   *sim.Fault
	at      string // the step; or empty: when the hanging request has arrived
	silent  bool   // look-ups fail until the sleeper has been heard: only it knows
	learnt  truth  // what the other knows before the sleeper wakes
	is      truth  // and what is known in the end
	op      sim.Op
	sent    []int
	adds    func(payment.Body) bool // what the sleeper writes down when it wakes, wherever it stands
}

func processing(_ *world, p *pb.Payment) bool { return p.GetState() == pb.Payment_STATE_PROCESSING }

func failed(_ *world, p *pb.Payment) bool { return p.GetState() == pb.Payment_STATE_FAILED }

// asked says that look-ups were tried, so that the other has taken over.
func asked(t truth) truth {
	return func(w *world, p *pb.Payment) bool {
		last := p.GetAttempts()[len(p.GetAttempts())-1]
		return t(w, p) && w.bank.Ledger().Count(last.GetProvider(), sim.OpStatus, last.GetReference()) > 1
	}
}

func observed(verdict string, source payment.Source) func(payment.Body) bool {
	return func(b payment.Body) bool {
		o, ok := b.(payment.Observed)
		return ok && o.Source == source && o.Verdict.String() == verdict
	}
}

func settledBy(verdict string) func(payment.Body) bool {
	return func(b payment.Body) bool {
		o, ok := b.(payment.OperationObserved)
		return ok && o.Source == payment.FromResponse && o.Verdict.String() == verdict
	}
}

// TestAReplicaThatSleptThroughItsLeaseOverwritesNothing stops one of two replicas with
// SIGSTOP in the middle of a call, or with an answer in its hands, for longer than its
// worker's claim lasts, and wakes it when the other has taken over (SAFETY section 6:
// stale owner, paused process). It sends nothing, takes nothing back, and what it knows
// counts.
func TestAReplicaThatSleptThroughItsLeaseOverwritesNothing(t *testing.T) {
	t.Parallel()
	pgtest.URL(t) // without a server the test ends here
	hang := func(op sim.Op, kind sim.FaultKind) *sim.Fault {
		return &sim.Fault{Face: "wayforpay", Op: op, Kind: kind, Times: 1}
	}
	var rows sync.WaitGroup
	for _, s := range []sleep{
		{name: "a worker before it charges the backup", prepare: charge(wayforpayCard), kill: "planned", at: "planned",
			learnt: undecided, is: failed, op: sim.OpCharge, sent: []int{0, 0}, adds: observed("unserved", payment.FromResponse)},
		{name: "a worker before it refunds", prepare: refund, kill: "wished", at: "operation planned",
			learnt: partReturned, is: partReturned, op: sim.OpRefund, sent: []int{1}, adds: settledBy("unserved")},
		{name: "a worker that refunds", prepare: refund, kill: "wished", hangs: hang(sim.OpRefund, sim.FaultActHang),
			learnt: partReturned, is: partReturned, op: sim.OpRefund, sent: []int{1}, adds: settledBy("unknown")},
		{name: "a worker that looks up", prepare: charge(wayforpayCard), kill: "answered", hangs: hang(sim.OpStatus, sim.FaultHang),
			learnt: paid, is: paid, op: sim.OpCharge, sent: []int{1}, adds: observed("unknown", payment.FromLookup)},
		{name: "a call that charges", prepare: charge(wayforpayCard), hangs: hang(sim.OpCharge, sim.FaultActHang),
			learnt: paid, is: paid, op: sim.OpCharge, sent: []int{1}, adds: observed("unknown", payment.FromResponse)},
		{name: "a call that charged", prepare: charge(wayforpayCard), at: "answered", silent: true,
			learnt: asked(processing), is: paid, op: sim.OpCharge, sent: []int{1}, adds: observed("approved", payment.FromResponse)},
		{name: "a call that refunded", prepare: refund, at: "operation answered", silent: true,
			learnt: asked(paid), is: partReturned, op: sim.OpRefund, sent: []int{1}, adds: settledBy("approved")},
	} {
		rows.Go(func() { t.Run(s.name, s.play) })
	}
	rows.Wait()
}

func (s sleep) play(t *testing.T) {
	w := newWorld(t, pgtest.URL(t))
	w.lease = shortLease
	at := trap{step: s.at, nth: 1, signal: syscall.SIGSTOP}
	var sleeper *replica
	var call call
	var answered <-chan answer
	if s.kill != "" {
		first := w.replica(trap{step: s.kill, nth: 1, signal: syscall.SIGKILL})
		call = s.prepare(w, first)
		<-inBackground(first, call, patience)
		first.ended()
		if s.hangs != nil {
			for _, h := range w.histories() { // a probe is a look-up, too, of no order of ours
				s.hangs.Match = h.now().Attempts[0].Reference
			}
			w.fault(*s.hangs)
		}
		sleeper = w.replica(at)
	} else {
		sleeper = w.replica(at)
		call = s.prepare(w, sleeper)
		if s.hangs != nil {
			w.fault(*s.hangs)
		}
		if s.silent {
			w.fault(sim.Fault{Face: "wayforpay", Op: sim.OpStatus, Kind: sim.FaultHTTPError})
		}
		answered = inBackground(sleeper, call, patience)
	}
	if s.hangs != nil {
		w.eventually("the request's arrival", func() bool { return w.bank.Faults()[0].Used > 0 })
		sleeper.signal(syscall.SIGSTOP)
	}
	w.eventually("sleep", sleeper.asleep)
	slept := time.Now()

	other := w.replica(trap{})
	var name string
	if s.kill == "" {
		name = w.repeat(other, call)
	}
	for id := range w.histories() { // a caller who came again would not wait for the lease
		name = "payments/" + id
	}
	w.follow(other, name, func(p *pb.Payment) bool { return s.learnt(w, p) })
	if s.kill != "" && time.Since(slept) < shortLease-2*time.Second {
		t.Errorf("the other took over after %v, within the lease", time.Since(slept))
	}
	before := w.histories()[id(&pb.Payment{Name: name})]
	sleeper.signal(syscall.SIGCONT)
	w.eventually("what the sleeper writes", func() bool {
		now := w.histories()[id(&pb.Payment{Name: name})]
		return slices.ContainsFunc(now.events[len(before.events):], func(e payment.Event) bool { return s.adds(e.Body) })
	})
	if answered != nil {
		if a := <-answered; a.err != nil || a.payment != name {
			t.Errorf("the caller of the process that slept heard of %q, error %v", a.payment, a.err)
		}
	}
	p := w.follow(sleeper, name, func(p *pb.Payment) bool { return s.is(w, p) })
	w.repeat(sleeper, call)
	w.sentSo(other, p, s.op, s.sent)
	w.audit(other, 1)
}
