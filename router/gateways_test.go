package router_test

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/providers/providertest/accounts"
	"github.com/payrouter/payrouter/providers/sim"
	"github.com/payrouter/payrouter/router"
	"github.com/payrouter/payrouter/router/payment"
)

// The tests of FAILOVER section 8 that are about offers, at every gateway: those in
// failover_test.go tell the story at Kaspi, and are about what only Kaspi has.

// offers are the offers of all gateways, that the payer opens by an address.
var offers = []struct {
	provider string
	method   providers.Method
}{
	{"kaspi", providers.Link}, {"halyk", providers.Page}, {"wayforpay", providers.Link}, {"tiptoppay", providers.Page}, {"freedompay", providers.Page},
	{"robokassa", providers.Link}, {"robokassa", providers.Page}, {"quickpay", providers.Page},
}

// offered runs a test for every gateway, in a house where it comes first and its first
// payment is an open offer that lives for minutes. The backup is Halyk's page, or Kaspi's
// link.
func offered(t *testing.T, test func(t *testing.T, h *house, p payment.Payment), change ...func(*setup)) {
	t.Helper()
	for _, o := range offers {
		t.Run(o.provider+"/"+string(o.method), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				gateway := accounts.Gateway(o.provider)
				h := build(t, append(change, first(gateway), short)...)
				p := h.create(ask(o.method, providers.Link, providers.Page), patience)
				if a := p.Attempts[0]; len(p.Attempts) != 1 || a.Gateway != gateway || p.Status() != payment.StatusAwaitingPayer {
					t.Fatalf("payment is %s\n%s", p.Status(), h.story(p))
				}
				test(t, h, p)
			})
		})
	}
}

// short keeps two gateways, and the lives of their offers within half an hour.
func short(s *setup) {
	const life = 20 * time.Minute
	s.gateways = s.gateways[:2]
	s.accounts.Halyk.PageTokenLife, s.accounts.Bank.Halyk.TokenLife = life, life
	s.accounts.Robokassa.InvoiceLife, s.accounts.Bank.Robokassa.Switches.InvoiceLife = life, sim.Duration(life)
}

// visit lets the payer of an attempt open the offer's address and act there.
func (h *house) visit(a payment.Attempt, act string) {
	h.t.Helper()
	if a.Action != nil && a.Action.Kind == providers.Redirect {
		_ = h.bank.Open(faceOf(a.Gateway), a.Action.URL) // a bank that lets nobody in any more says so, and then nobody acts
	}
	_ = h.bank.Act(faceOf(a.Gateway), a.Reference, act)
}

// moved lets time pass until the payment has left its first gateway.
func (h *house) moved(p payment.Payment) payment.Payment {
	h.t.Helper()
	for range 120 {
		if p = h.get(p); len(p.Attempts) == 2 && p.Attempts[1].Action != nil {
			return p
		}
		time.Sleep(time.Minute)
	}
	h.t.Fatalf("it never moved\n%s", h.story(p))
	return p
}

func TestShownOfferOfNoGatewayIsReplacedWhileItCanBePaid(t *testing.T) {
	offered(t, func(t *testing.T, h *house, p payment.Payment) {
		h.drain(p.Attempts[0].Gateway, true)
		p = h.moved(p)
		h.visit(p.Attempts[0], sim.ActPay)
		time.Sleep(time.Minute)
		if net := h.held(p.Attempts[0]); net != 0 {
			t.Fatalf("the first offer could be paid beside the second: %d\n%s", net, h.story(p))
		}
		h.visit(p.Attempts[1], sim.ActPay)
		time.Sleep(10 * time.Minute)
		h.want(p, payment.StatusPaid, p.Amount.Minor)
	})
}

func TestPayerWhoPaysBeforeTheMoveIsNotAskedAgain(t *testing.T) {
	offered(t, func(t *testing.T, h *house, p payment.Payment) {
		h.visit(p.Attempts[0], sim.ActPay)
		h.drain(p.Attempts[0].Gateway, true)
		time.Sleep(30 * time.Minute)
		if p = h.want(p, payment.StatusPaid, p.Amount.Minor); len(p.Attempts) != 1 {
			t.Fatalf("it was moved\n%s", h.story(p))
		}
	})
}

// A withdrawal finds a hold that nobody has told us of: the payer has paid. Released, and
// asked for once more at the next gateway, it would be two holds on one card for days.
func TestPayerWhosePaymentIsHeldWhileWeLeaveIsNotAskedAgain(t *testing.T) {
	for _, o := range []struct {
		provider string
		method   providers.Method
	}{{"wayforpay", providers.Link}, {"tiptoppay", providers.Page}, {"robokassa", providers.Page}} {
		t.Run(o.provider, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				gateway := accounts.Gateway(o.provider)
				h := build(t, first(gateway), short)
				_, err := h.bank.AddNotice(sim.NoticeRule{Face: o.provider, Mode: sim.NoticeLost})
				h.must(err)
				w := ask(o.method, providers.Page, providers.Link)
				w.TwoStage = true
				p := h.create(w, patience)
				if a := p.Attempts[0]; a.Gateway != gateway || a.Verdict != providers.Pending {
					t.Fatalf("it is %s at %s\n%s", a.Verdict, a.Gateway, h.story(p))
				}
				h.visit(p.Attempts[0], sim.ActPay)
				h.drain(gateway, true)
				time.Sleep(30 * time.Minute)
				p = h.get(p)
				released := slices.ContainsFunc(h.bank.Ledger().Entries, func(e sim.Entry) bool { return e.Kind == sim.KindVoid })
				if len(p.Attempts) != 1 || p.Status() != payment.StatusHeld || released {
					t.Fatalf("it is %s after %d attempts\n%s", p.Status(), len(p.Attempts), h.story(p))
				}
			})
		})
	}
}

func TestLateApprovalAtEveryGatewayIsGivenBackOnce(t *testing.T) {
	late := func(s *setup) {
		s.accounts.Bank.BreakPromises()
		s.broken = true
	}
	offered(t, func(t *testing.T, h *house, p payment.Payment) {
		h.must(h.bank.Open(faceOf(p.Attempts[0].Gateway), p.Attempts[0].Action.URL))
		h.drain(p.Attempts[0].Gateway, true)
		p = h.moved(p)
		h.visit(p.Attempts[1], sim.ActPay)
		time.Sleep(10 * time.Minute)
		h.want(p, payment.StatusPaid, p.Amount.Minor)
		h.visit(p.Attempts[0], sim.ActPayLate)
		if h.held(p.Attempts[0]) == 0 {
			t.Skip("nobody can pay there late: it asked us, or the offer was switched off")
		}
		time.Sleep(time.Hour)
		p = h.want(p, payment.StatusPaid, p.Amount.Minor)
		if a := p.Attempts[0]; h.bank.Ledger().Count(faceOf(a.Gateway), sim.OpRefund, a.Reference) != 1 {
			t.Errorf("%d refunds were sent", h.bank.Ledger().Count(faceOf(a.Gateway), sim.OpRefund, a.Reference))
		}
		if !p.Found(payment.MoneyAfterClose, 1) || p.Sums().Surplus != 0 {
			t.Errorf("findings %+v, surplus %d", p.Findings, p.Sums().Surplus)
		}
	}, late)
}

func TestDrainKeepsNoticesLooksAndRefundsOfEveryGateway(t *testing.T) {
	offered(t, func(t *testing.T, h *house, p payment.Payment) {
		gateway := p.Attempts[0].Gateway
		h.drain(gateway, false)
		h.visit(p.Attempts[0], sim.ActPay)
		time.Sleep(10 * time.Minute)
		p = h.want(p, payment.StatusPaid, p.Amount.Minor)
		_, _, err := h.router.Refund(t.Context(), router.Command{Tenant: "shop", Payment: p.ID, Actor: "caller:test", RequestID: uuid.NewString(), Hash: "r"},
			providers.Money{Minor: 500000, Currency: "KZT"}, "returned goods")
		h.must(err)
		time.Sleep(10 * time.Minute)
		if p = h.want(p, payment.StatusPaid, p.Amount.Minor-500000); p.Sums().Refunded != 500000 {
			t.Fatalf("sums %+v\n%s", p.Sums(), h.story(p))
		}
	})
}

func TestGatewayThatIsDownWhenItsOfferEndsLeavesThePaymentUndecided(t *testing.T) {
	offered(t, func(t *testing.T, h *house, p payment.Payment) {
		a := p.Attempts[0]
		time.Sleep(30 * time.Second)
		down := h.fault(sim.Fault{Face: faceOf(a.Gateway), Kind: sim.FaultRefuse})
		_, err := h.bank.AddNotice(sim.NoticeRule{Face: faceOf(a.Gateway), Mode: sim.NoticeLost}) // it tells us nothing, either
		h.must(err)
		h.drain(a.Gateway, true)
		time.Sleep(45 * time.Minute) // every window closes while nobody can be asked
		if p = h.get(p); len(p.Attempts) != 1 || p.Attempts[0].Closed != nil || p.Status().Final() {
			t.Fatalf("decided without having looked\n%s", h.story(p))
		}
		h.bank.RemoveFault(down)
		h.moved(p)
	})
}

func TestLostAnswerOfACreationIsReplacedAtOnceOrRepeatedWithoutASecondOffer(t *testing.T) {
	for _, o := range offers {
		t.Run(o.provider+"/"+string(o.method), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				gateway := accounts.Gateway(o.provider)
				h := build(t, first(gateway), short, func(s *setup) { s.accounts.Robokassa.Start = "json" })
				after := 0
				if o.provider == "halyk" {
					after = 1 // its token comes first, and counts as a create
				}
				h.fault(sim.Fault{Face: o.provider, Op: sim.OpCreate, Kind: sim.FaultActDrop, After: after, Times: 1})
				began := time.Now()
				p := h.create(ask(o.method, providers.Link, providers.Page), patience)
				if took := time.Since(began); took > 2*time.Second || p.Status() != payment.StatusAwaitingPayer {
					t.Fatalf("payment is %s after %s\n%s", p.Status(), took, h.story(p))
				}
				last, _ := p.Last()
				h.visit(last, sim.ActPay)
				time.Sleep(10 * time.Minute)
				h.want(p, payment.StatusPaid, p.Amount.Minor)
				if first := p.Attempts[0]; len(p.Attempts) > 1 && (first.Closed == nil || first.Closed.Kind != payment.NeverShown) {
					t.Errorf("attempt 1 closed by %+v", first.Closed)
				}
			})
		})
	}
}

// Whoever asks us before it takes money is told that a payment is over.
func TestPayAfterACancelIsRefusedWhereTheGatewayAsks(t *testing.T) {
	for _, provider := range []string{"tiptoppay", "freedompay"} {
		t.Run(provider, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := build(t, first(accounts.Gateway(provider)))
				p := h.create(ask(providers.Page), patience)
				h.fault(sim.Fault{Face: provider, Op: sim.OpVoid, Kind: sim.FaultHTTPError, Times: 1}) // it cannot be withdrawn now
				_, err := h.router.Cancel(context.Background(), command(p), "changed their mind")
				h.must(err)
				h.visit(p.Attempts[0], sim.ActPay)
				time.Sleep(3 * time.Hour)
				p = h.want(p, payment.StatusCanceled, 0)
				if slices.ContainsFunc(h.bank.Ledger().Entries, func(e sim.Entry) bool { return e.Face == provider }) {
					t.Errorf("money moved\n%s", h.story(p))
				}
			})
		})
	}
}
