//go:build unix

package app_test

import (
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	pb "github.com/payrouter/payrouter/proto/payrouter/v1"
	"github.com/payrouter/payrouter/providers/sim"
	"github.com/payrouter/payrouter/router/journal"
	"github.com/payrouter/payrouter/router/payment"
	"github.com/payrouter/payrouter/router/pgtest"
)

// TestAProcessThatSleptThroughItsSendWindowSendsNothing stops one of two replicas between
// committing to a request and sending it, and wakes it when the other has taken over.
func TestAProcessThatSleptThroughItsSendWindowSendsNothing(t *testing.T) {
	t.Parallel()
	pgtest.URL(t) // without a server the test ends here
	asked := func(w *world, p *pb.Payment) bool {
		return w.bank.Ledger().Count("wayforpay", sim.OpStatus, p.GetAttempts()[0].GetReference()) > 0
	}
	var rows sync.WaitGroup
	for _, c := range []struct {
		name          string
		prepare       func(*world, *replica) call
		step          string
		meanwhile, is truth
		op            sim.Op
		sent          []int
	}{
		{"the other has asked about the charge", charge(wayforpayCard), "planned", asked, paid, sim.OpCharge, []int{0, 1}},
		{"the other has charged elsewhere", charge(wayforpayCard), "planned", paid, paid, sim.OpCharge, []int{0, 1}},
		{"the other has refunded", refund, "operation planned", partReturned, partReturned, sim.OpRefund, []int{1}},
	} {
		rows.Go(func() {
			t.Run(c.name, func(t *testing.T) {
				w := newWorld(t, pgtest.URL(t))
				sleeper := w.replica(trap{step: c.step, nth: 1, signal: syscall.SIGSTOP})
				call := c.prepare(w, sleeper)
				answered := inBackground(sleeper, call, patience)
				w.eventually("the intent in the books", w.intends)

				other := w.replica(trap{})
				name := w.repeat(other, call)
				w.follow(other, name, func(p *pb.Payment) bool { return c.meanwhile(w, p) })
				if !sleeper.asleep() {
					t.Fatal("the process woke by itself")
				}
				sleeper.signal(syscall.SIGCONT)
				if a := <-answered; a.err != nil || a.payment != name {
					t.Errorf("the caller of the process that slept heard of %q, error %v", a.payment, a.err)
				}
				p := w.follow(other, name, func(p *pb.Payment) bool { return c.is(w, p) })
				if sent := w.sent(p, c.op); !slices.Equal(sent, c.sent) {
					t.Errorf("the gateways of the attempts got the request %v times, want %v\n%s", sent, c.sent, w.story(other, name))
				}
				w.audit(other, 1)
			})
		})
	}
	rows.Wait()
}

// intends reports whether the books hold a request that nobody has recorded an answer to.
func (w *world) intends() (does bool) {
	w.t.Helper()
	w.must(w.read(func(s *journal.Store) error {
		all, err := s.List(w.t.Context(), journal.Filter{Tenant: "shop"}, journal.Cursor{}, 1)
		for _, p := range all {
			does = slices.ContainsFunc(p.Attempts, func(a payment.Attempt) bool { return !a.Answered }) ||
				slices.ContainsFunc(p.Operations, func(o payment.Operation) bool { return !o.Answered })
		}
		return err
	}))
	return does
}

// asleep reports whether the process is stopped.
func (r *replica) asleep() bool {
	state, err := exec.Command("ps", "-o", "stat=", "-p", strconv.Itoa(r.process.Pid)).Output()
	return err == nil && strings.HasPrefix(strings.TrimSpace(string(state)), "T")
}

// TestSIGTERMLetsACallInFlightFinish: the caller who still waits is answered, what the
// call learnt is in the books either way, and the process ends well.
func TestSIGTERMLetsACallInFlightFinish(t *testing.T) {
	t.Parallel()
	for engine, books := range stores {
		for caller, waits := range map[string]time.Duration{"a caller who waits": patience, "a caller who gave up": 2 * time.Second} {
			t.Run(engine+"/"+caller, func(t *testing.T) {
				w := newWorld(t, books(t))
				r := w.replica(trap{})
				w.fault(sim.Fault{Face: "wayforpay", Op: sim.OpCharge, Kind: sim.FaultSlow, Delay: sim.Duration(4 * time.Second)})
				call := charge(wayforpayCard)(w, r)
				answered := inBackground(r, call, waits)
				w.eventually("the charge's arrival", func() bool { return w.arrived("wayforpay", sim.OpCharge) > 0 })
				if waits < patience {
					<-answered
				}
				r.signal(syscall.SIGTERM)
				if waits == patience {
					if a := <-answered; a.err != nil {
						t.Errorf("the caller of a process that was told to stop heard %v", a.err)
					}
				}
				if end := r.ended(); !end.Exited() || end.ExitStatus() != 0 {
					t.Errorf("the process ended with %v", r.state)
				}
				next := w.replica(trap{})
				name := w.repeat(next, call)
				p, err := next.payments.GetPayment(t.Context(), &pb.GetPaymentRequest{Name: name})
				w.must(err)
				if p.GetState() != pb.Payment_STATE_PAID {
					t.Errorf("the next process finds the payment %v\n%s", p.GetState(), w.story(next, name))
				}
				w.audit(next, 1)
			})
		}
	}
}
