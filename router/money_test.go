package router_test

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/providers/kaspi"
	"github.com/payrouter/payrouter/providers/sim"
	"github.com/payrouter/payrouter/providers/wayforpay"
	"github.com/payrouter/payrouter/router"
	"github.com/payrouter/payrouter/router/journal"
	"github.com/payrouter/payrouter/router/payment"
)

// stepped is one more process on the same books, which calls step at its named
// points. It does no work of its own: only its callers move it.
func (h *house) stepped(step func(point string)) *router.Router {
	h.t.Helper()
	o := h.router.Options
	o.Step, o.Registerer = step, nil
	r, err := router.New(o)
	h.must(err)
	return r
}

// command is a caller's wish about a payment, under a request id of its own.
func command(p payment.Payment) router.Command {
	return router.Command{Tenant: "shop", Payment: p.ID, Actor: "caller:test", RequestID: uuid.NewString(), Hash: "h"}
}

// paidAt is a payment that its payer has paid at the gateway.
func (h *house) paidAt(gateway string, method providers.Method) payment.Payment {
	h.t.Helper()
	p := h.create(at(ask(method), gateway), patience)
	h.payer(gateway, p.Attempts[0].Reference, sim.ActPay)
	time.Sleep(10 * time.Second)
	return h.want(p, payment.StatusPaid, p.Amount.Minor)
}

func TestAProcessThatWokeTooLateRefundsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := build(t)
		p := h.paidAt(wayforpayMain, providers.Link)
		paused := h.stepped(func(point string) {
			if point == "operation planned" {
				time.Sleep(10 * time.Minute) // stopped by the machine, while the others go on
			}
		})
		amount := providers.Money{Minor: 500000, Currency: "KZT"}
		_, _, err := paused.Refund(context.Background(), command(p), amount, "returned goods")
		h.must(err)
		time.Sleep(time.Minute)
		if n := h.bank.Ledger().Count("wayforpay", sim.OpRefund, p.Attempts[0].Reference); n != 1 {
			t.Errorf("%d refunds were sent for one wish\n%s", n, h.story(h.get(p)))
		}
		h.want(p, payment.StatusPaid, p.Amount.Minor-amount.Minor)
	})
}

// look stands in for an adapter's look-up; ask is the adapter's own. While one is set,
// WayForPay's notices cannot be read either.
type look func(ask func() providers.Result) providers.Result

// answering is a look-up's answer, whatever the gateway says.
func answering(r providers.Result) look {
	return func(func() providers.Result) providers.Result { return r }
}

type lookedKaspi struct {
	*kaspi.Gateway
	look *atomic.Pointer[look]
}

func (g lookedKaspi) Lookup(ctx context.Context, ref providers.Ref) providers.Result {
	return looked(g.look, func() providers.Result { return g.Gateway.Lookup(ctx, ref) })
}

type lookedWayForPay struct {
	*wayforpay.Gateway
	look *atomic.Pointer[look]
}

func (g lookedWayForPay) Lookup(ctx context.Context, ref providers.Ref) providers.Result {
	return looked(g.look, func() providers.Result { return g.Gateway.Lookup(ctx, ref) })
}

func (g lookedWayForPay) Hear(n providers.Notice) providers.Heard {
	if g.look.Load() != nil {
		return providers.Heard{}
	}
	return g.Gateway.Hear(n)
}

func looked(l *atomic.Pointer[look], ask func() providers.Result) providers.Result {
	if f := l.Load(); f != nil {
		return (*f)(ask)
	}
	return ask()
}

// lookingBy lets a test stand in for the look-ups of Kaspi and WayForPay.
func lookingBy(l *atomic.Pointer[look]) func(*setup) {
	return func(s *setup) {
		s.claims = func(_ string, p providers.Provider) providers.Provider {
			switch g := p.(type) {
			case *wayforpay.Gateway:
				return lookedWayForPay{g, l}
			case *kaspi.Gateway:
				return lookedKaspi{g, l}
			}
			return p
		}
	}
}

// A look-up that the gateway refused (throttled, bad credentials, maintenance of the
// status service) is no look: it proves neither that an operation was carried out nor
// that it was not.
func TestARefusedLookUpProvesNothingAboutAnOperation(t *testing.T) {
	refusals := []providers.Result{
		{Verdict: providers.Unserved, Reason: providers.Throttled},
		{Verdict: providers.Unserved, Reason: providers.Misconfigured},
	}
	for _, refusal := range refusals {
		refused := answering(refusal)
		t.Run("capture/"+string(refusal.Reason), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var l atomic.Pointer[look]
				h := build(t, lookingBy(&l))
				p := h.onHold()
				l.Store(&refused)
				h.fault(sim.Fault{Face: "wayforpay", Op: sim.OpCapture, Kind: sim.FaultActDrop, Times: 1})
				_, err := h.router.Capture(t.Context(), command(p), providers.Money{Minor: 500000, Currency: "KZT"})
				h.must(err)
				time.Sleep(10 * time.Minute)
				if n := h.bank.Ledger().Count("wayforpay", sim.OpCapture, p.Attempts[0].Reference); n != 1 {
					t.Fatalf("%d captures were sent for one wish\n%s", n, h.story(h.get(p)))
				}
				l.Store(nil)
				time.Sleep(5 * time.Minute)
				h.want(p, payment.StatusPaid, 500000)
			})
		})
		t.Run("void/"+string(refusal.Reason), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var l atomic.Pointer[look]
				// A void that was not carried out is made anew, which the bank takes for a repeat.
				h := build(t, lookingBy(&l), func(s *setup) { s.broken = true })
				p := h.onHold()
				h.fault(sim.Fault{Face: "wayforpay", Op: sim.OpVoid, Kind: sim.FaultHang, Times: 1})
				l.Store(&refused)
				_, err := h.router.Cancel(t.Context(), command(p), "changed their mind")
				h.must(err)
				time.Sleep(2 * time.Minute)
				if o := h.get(p).Operations; o[0].Verdict == providers.Approved {
					t.Errorf("a void whose answer was lost counts as done, because a look-up was refused\n%s", h.story(h.get(p)))
				}
				l.Store(nil)
				time.Sleep(10 * time.Minute)
				h.want(p, payment.StatusCanceled, 0)
				for _, o := range h.bank.Ledger().Of("wayforpay").Objects {
					if o.Phase == sim.Held {
						t.Errorf("the payer's money is still held\n%s", h.story(h.get(p)))
					}
				}
			})
		})
	}
}

// Which sum WayForPay's notice of a partial capture names is not documented: what was captured,
// or what was held.
func TestANoticeThatNamesTheHoldTakesNoMoreThanWasCaptured(t *testing.T) {
	for _, showsHold := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			h := build(t, func(s *setup) { s.accounts.Bank.WayForPay.Switches.SettledShowsHold = showsHold })
			p := h.onHold()
			p, err := h.router.Capture(t.Context(), command(p), providers.Money{Minor: 500000, Currency: "KZT"})
			h.must(err)
			time.Sleep(time.Hour)
			p = h.want(p, payment.StatusPaid, 500000)
			if a := p.Attempts[0]; a.Captured != 500000 || len(p.Findings) > 0 {
				t.Errorf("the hold shown: %t: %d captured, found %+v\n%s", showsHold, a.Captured, p.Findings, h.story(p))
			}
		})
	}
}

// A refund whose answer is lost is told by what it adds to the sum returned, so that sum must
// have been read before. A gateway that is closed for the moment, or that takes nothing from
// us, has told nothing.
func TestAGatewayThatRefusedTheQuestionHasNotToldWhatWasReturned(t *testing.T) {
	for _, c := range []struct {
		gateway, code string
		method        providers.Method
	}{{kaspiMain, "-999", providers.QR}, {kaspiMain, "-10000", providers.QR}, {wayforpayMain, "1113", providers.Link}, {wayforpayMain, "1109", providers.Link}} {
		synctest.Test(t, func(t *testing.T) {
			h := build(t)
			p := h.paidAt(c.gateway, c.method)
			h.fault(sim.Fault{Face: faceOf(c.gateway), Op: sim.OpStatus, Kind: sim.FaultCode, Code: c.code, Times: 1})
			amount := providers.Money{Minor: 500000, Currency: "KZT"}
			_, _, err := h.router.Refund(t.Context(), command(p), amount, "returned goods")
			h.must(err)
			time.Sleep(10 * time.Minute)
			p = h.want(p, payment.StatusPaid, p.Amount.Minor-amount.Minor)
			events, err := h.store.Events(t.Context(), p.ID)
			h.must(err)
			asked, read := false, false
			for _, e := range events {
				switch b := e.Body.(type) {
				case payment.RefundRequested:
					asked = true
				case payment.Observed:
					read = read || asked && b.Source == payment.FromLookup && b.Verdict == providers.Approved
				case payment.OperationPlanned:
					if !read {
						t.Errorf("%s: a refund is sent, and nobody has read the sum returned\n%s", c.code, h.story(p))
					}
				}
			}
		})
	}
}

// onHold is a payment that WayForPay holds money for.
func (h *house) onHold() payment.Payment {
	h.t.Helper()
	wish := at(ask(providers.Link), wayforpayMain)
	wish.TwoStage = true
	p := h.create(wish, patience)
	h.payer(wayforpayMain, p.Attempts[0].Reference, sim.ActPay)
	time.Sleep(time.Minute)
	if p = h.get(p); p.Status() != payment.StatusHeld {
		h.t.Fatalf("payment is %s\n%s", p.Status(), h.story(p))
	}
	return p
}

// Robokassa's notice names what was captured. Which sum its state shows is not documented.
func TestAStateThatShowsTheHoldTakesNoMoreThanWasCaptured(t *testing.T) {
	for _, showsHold := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			h := build(t, func(s *setup) {
				s.gateways, s.accounts.Bank.Robokassa.Switches.StateShowsHold = []string{"robokassa"}, showsHold
			})
			w := at(ask(providers.Page), "robokassa-main")
			w.TwoStage = true
			p := h.create(w, patience)
			h.visit(p.Attempts[0], sim.ActPay)
			time.Sleep(time.Hour)
			part, back := providers.Money{Minor: 500000, Currency: "KZT"}, providers.Money{Minor: 200000, Currency: "KZT"}
			p, err := h.router.Capture(t.Context(), command(p), part)
			h.must(err)
			time.Sleep(time.Hour)
			p = h.want(p, payment.StatusPaid, part.Minor)
			if a := p.Attempts[0]; a.Captured != part.Minor || len(p.Findings) > 0 {
				t.Errorf("the hold shown: %t: %d captured, found %+v\n%s", showsHold, a.Captured, p.Findings, h.story(p))
			}
			_, _, err = h.router.Refund(t.Context(), command(p), back, "returned goods")
			h.must(err)
			time.Sleep(time.Hour)
			h.want(p, payment.StatusPaid, part.Minor-back.Minor)
		})
	}
}

// Freedom Pay's status lags: for some seconds it shows the hold that a capture has ended. Its
// notice of the capture has it looked at just then.
func TestAStatusThatLagsBehindACaptureDeniesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := build(t, func(s *setup) { s.gateways = []string{"freedompay"} })
		w := at(ask(providers.Page), "freedompay-main")
		w.TwoStage = true
		p := h.create(w, patience)
		h.visit(p.Attempts[0], sim.ActPay)
		time.Sleep(time.Hour)
		p, err := h.router.Capture(t.Context(), command(p), p.Amount)
		h.must(err)
		time.Sleep(time.Hour)
		if p = h.want(p, payment.StatusPaid, p.Amount.Minor); len(p.Findings) > 0 {
			t.Errorf("found %+v\n%s", p.Findings, h.story(p))
		}
		lagged := func(o payment.Event) bool {
			seen, ok := o.Body.(payment.Observed)
			return ok && seen.Source == payment.FromLookup && seen.Verdict == providers.Held && o.At.After(p.Operations[0].At)
		}
		events, err := h.store.Events(t.Context(), p.ID)
		if h.must(err); !slices.ContainsFunc(events, lagged) {
			t.Errorf("nobody looked while the status lagged\n%s", h.story(p))
		}
	})
}

// A look that was put before an offer's death and answered after it saw an offer that
// could still be paid, so it proves nothing (SAFETY I10).
func TestALookThatTookLongSpeaksOfWhenItWasPut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l atomic.Pointer[look]
		h := build(t, lookingBy(&l), func(s *setup) { s.accounts.Bank.Kaspi.NotifyURL = "" })
		p := h.create(ask(providers.QR, providers.Page), patience)
		a := p.Attempts[0]
		dead := a.Until.Add(15 * time.Second)
		slow := look(func(func() providers.Result) providers.Result {
			time.Sleep(9 * time.Second)
			return providers.Result{Verdict: providers.Pending, Reason: providers.AwaitingPayer}
		})
		l.Store(&slow)
		time.Sleep(time.Until(dead) + 8*time.Second)
		// Looks are put five seconds after each other and take nine: one of before the death
		// is answered by now, and none of after it.
		if p = h.get(p); p.Attempts[0].Closed != nil {
			t.Fatalf("closed by a look of before its death\n%s", h.story(p))
		}
		time.Sleep(30 * time.Second)
		if p = h.get(p); p.Attempts[0].Closed == nil || p.Attempts[0].Closed.Kind != payment.ExpiredUnpaid {
			t.Fatalf("not closed by a look after its death\n%s", h.story(p))
		}
	})
}

// Money of another amount is never "known already": it must become a finding, from
// whatever source (SAFETY I6, FAILOVER section 2 row 18).
func TestADifferentAmountOnAPaidAttemptIsAFinding(t *testing.T) {
	for _, source := range []payment.Source{payment.FromNotice, payment.FromStatement} {
		t.Run(string(source), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := build(t)
				p := h.paidAt(kaspiMain, providers.QR)
				other := providers.Result{Verdict: providers.Approved, Amount: providers.Money{Minor: p.Amount.Minor - 100, Currency: "KZT"}}
				h.must(h.router.Observe(t.Context(), p, 1, source, other))
				once := h.get(p)
				if !once.Found(payment.AmountDiffers, 1) {
					t.Fatalf("no finding\n%s", h.story(once))
				}
				for range 3 {
					h.must(h.router.Observe(t.Context(), h.get(p), 1, source, other))
				}
				if again := h.get(p); again.Seq != once.Seq {
					t.Errorf("what was known became %d events more", again.Seq-once.Seq)
				}
			})
		})
	}
}

// What was decided on older knowledge is decided anew: money that has become the
// payment's own in the meantime is not given back.
func TestMoneyThatBecameThePaymentsOwnIsNotGivenBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := build(t, first(halykMain), func(s *setup) { s.broken = true })
		h.fault(sim.Fault{Face: "halyk", Kind: sim.FaultRefuse})
		wish := ask(providers.Page)
		p := h.create(wish, patience)
		if len(p.Attempts) != 2 || p.Attempts[1].Gateway != wayforpayMain {
			t.Fatalf("payment is %s\n%s", p.Status(), h.story(p))
		}
		var r *router.Router
		r = h.stepped(func(point string) {
			if point == "before operation" { // the surplus is about to be released, and the kept hold is gone
				gone := providers.Result{Verdict: providers.Declined, Reason: providers.Released}
				h.must(r.Observe(t.Context(), h.get(p), 2, payment.FromNotice, gone))
			}
		})
		held := providers.Result{Verdict: providers.Held, Amount: p.Amount}
		h.must(r.Observe(t.Context(), h.get(p), 2, payment.FromNotice, held))
		h.must(r.Observe(t.Context(), h.get(p), 1, payment.FromStatement, held))
		_, err := r.Create(t.Context(), wish) // the caller asks again, and the loop goes on
		h.must(err)
		if p = h.get(p); p.Status() != payment.StatusHeld || len(p.Operations) != 0 {
			t.Fatalf("payment is %s with %d operations\n%s", p.Status(), len(p.Operations), h.story(p))
		}
	})
}

// An instrument can be charged wherever a token of it is held, and no other card of the
// payer's in its place (proto: Instrument).
func TestFailoverNeverChargesAnotherCardOfThePayer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := build(t, first(halykMain))
		h.fault(sim.Fault{Face: "halyk", Kind: sim.FaultRefuse})
		h.must(h.store.SaveInstrument(t.Context(), journal.Instrument{ID: "i-other-card", Tenant: "shop", Customer: customer, Gateway: halykMain,
			Token: providers.Token{Value: providers.NewSecret("another-card"), Mask: "5169…1111"}, Payment: "earlier", Created: time.Now()}))
		wish := ask(providers.Instrument)
		wish.Instrument = "i-other-card"
		if p, err := h.router.Create(t.Context(), wish); err == nil && p.Status() != payment.StatusFailed {
			t.Fatalf("payment is %s\n%s", p.Status(), h.story(p))
		}
		if n := h.arrivals(wayforpayMain); n != 0 {
			t.Errorf("another card was charged %d times", n)
		}
		p := h.create(byCard(halykMain), patience) // the same card is held there too
		h.want(p, payment.StatusPaid, p.Amount.Minor)
	})
}

// The number of an account payment belongs to another system of the bank, where nothing
// can be given back by API: a caller hears that at once, and a surplus comes to a person.
func TestMoneyOfAnAccountPaymentIsNotPromisedBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := build(t)
		p := h.create(ask(providers.Account), patience)
		if got := h.biller("pay", p.Attempts[0].Reference, "t1"); got != `"result":0` {
			t.Fatalf("a debit is answered %s", got)
		}
		_, _, err := h.router.Refund(context.Background(), command(p), providers.Money{}, "returned goods")
		if !errors.Is(err, router.ErrNotOffered) {
			t.Errorf("a refund: %v", err)
		}
		if p = h.get(p); len(p.Refunds) > 0 {
			t.Errorf("accepted\n%s", h.story(p))
		}
	})
}
