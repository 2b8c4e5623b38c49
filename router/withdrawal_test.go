package router_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/providers/providertest/accounts"
	"github.com/payrouter/payrouter/providers/sim"
	"github.com/payrouter/payrouter/router/payment"
)

// What is asked of a gateway to end an attempt may get lost, or meet another state than the
// one that was known when it was planned.

// withdrawable are offers that a gateway takes back at once.
var withdrawable = []struct {
	provider string
	method   providers.Method
}{{"wayforpay", providers.Link}, {"tiptoppay", providers.Page}}

// An offer that nobody has touched is "not found" at some gateways whether it was withdrawn
// or not, so that this proves neither.
func TestAWithdrawalThatNeverArrivedIsMadeAgain(t *testing.T) {
	for _, o := range withdrawable {
		t.Run(o.provider, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := build(t, first(accounts.Gateway(o.provider)), short, func(s *setup) { s.accounts.Bank.WayForPay.Switches.UnpaidInvoiceIs1127 = true })
				p := h.create(ask(o.method, providers.Page, providers.Link), patience)
				h.fault(sim.Fault{Face: o.provider, Op: sim.OpVoid, Kind: sim.FaultDrop, Times: 1}) // it never arrives
				_, err := h.router.Cancel(context.Background(), command(p), "changed their mind")
				h.must(err)
				time.Sleep(12 * time.Minute)
				h.visit(p.Attempts[0], sim.ActPay)
				time.Sleep(10 * time.Minute)
				p = h.get(p)
				if moved := len(h.bank.Ledger().Entries); moved != 0 || p.Attempts[0].Closed == nil || p.Attempts[0].Closed.Kind != payment.Withdrawn {
					t.Errorf("money moved %d times, and it is closed by %v\n%s", moved, p.Attempts[0].Closed, h.story(p))
				}
			})
		})
	}
}

// The withdrawal gets lost, and the payer pays by a hold: that it was withdrawn is disproved,
// and nothing waits until its loss would be.
func TestAHoldAfterALostWithdrawalIsReleasedSoon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := build(t, first(wayforpayMain), short, func(s *setup) { s.accounts.WayForPay.RefundSettle = 10 * time.Minute })
		w := ask(providers.Link)
		w.TwoStage = true
		p := h.create(w, patience)
		h.fault(sim.Fault{Face: "wayforpay", Op: sim.OpVoid, Kind: sim.FaultDrop, Times: 1})
		_, err := h.router.Cancel(context.Background(), command(p), "changed their mind")
		h.must(err)
		h.visit(p.Attempts[0], sim.ActPay)
		time.Sleep(5 * time.Minute)
		if p = h.get(p); p.Status() != payment.StatusCanceled {
			t.Errorf("it is %s after five minutes\n%s", p.Status(), h.story(p))
		}
	})
}

// A refund may take a day to be shown at Halyk. A release does not: made twice it is made once.
func TestALostReleaseIsMadeAgainWithinTheHour(t *testing.T) {
	for _, provider := range []string{"halyk", "wayforpay", "freedompay"} {
		t.Run(provider, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := build(t, first(accounts.Gateway(provider)), short, func(s *setup) {
					s.broken = true // the house counts releases by reference (I9), and this one is asked for twice
					s.accounts.Halyk.TwoStage = true
					s.accounts.Bank.Halyk.Terminals = []sim.HalykTerminal{{ID: sim.HalykDefaultTerminal, Client: sim.HalykDefaultClient,
						Secret: sim.HalykDefaultSecret, TwoStep: true}}
				})
				w := ask(providers.Page, providers.Link)
				w.TwoStage = true
				p := h.create(w, patience)
				h.visit(p.Attempts[0], sim.ActPay)
				time.Sleep(10 * time.Minute)
				if p = h.get(p); p.Attempts[0].Verdict != providers.Held {
					t.Fatalf("it is %s\n%s", p.Status(), h.story(p))
				}
				h.fault(sim.Fault{Face: provider, Op: sim.OpVoid, Kind: sim.FaultDrop, Times: 1})
				_, err := h.router.Cancel(context.Background(), command(p), "changed their mind")
				h.must(err)
				time.Sleep(time.Hour)
				if p = h.get(p); p.Status() != payment.StatusCanceled {
					t.Errorf("it is %s after an hour, and %d is held\n%s", p.Status(), p.Attempts[0].Held, h.story(p))
				}
			})
		})
	}
}

// A card that was declined on a page ends nothing there: the payer has more cards.
func TestAPayerWhoseCardWasDeclinedOnAPageIsMovedAsAnyOther(t *testing.T) {
	for _, o := range withdrawable {
		t.Run(o.provider, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				gateway := accounts.Gateway(o.provider)
				h := build(t, first(gateway), short)
				p := h.create(ask(o.method, providers.Page, providers.Link), patience)
				h.visit(p.Attempts[0], sim.ActDecline)
				time.Sleep(time.Minute)
				h.drain(gateway, true)
				time.Sleep(20 * time.Minute)
				if p = h.get(p); len(p.Attempts) != 2 || p.Attempts[0].Closed == nil || p.Attempts[0].Closed.Kind != payment.Withdrawn {
					t.Errorf("it is %s\n%s", p.Status(), h.story(p))
				}
			})
		})
	}
}

// At QuickPay a window that was open when its link was deleted may still be finished: nobody
// else is asked before open_window is over.
func TestAWindowThatMayStillBeFinishedIsNotReplaced(t *testing.T) {
	for name, refusal := range map[string]string{"a decline": "", "no decline": ":40003"} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				gateway := accounts.Gateway("quickpay")
				h := build(t, first(gateway), short, func(s *setup) {
					s.accounts.QuickPay.WithdrawLinks = true
					s.accounts.Bank.QuickPay.Switches.WindowOutlivesLink = true // for open_window, ten minutes
				})
				p := h.create(ask(providers.Page, providers.Link), patience)
				h.visit(p.Attempts[0], sim.ActDecline+refusal)
				time.Sleep(time.Minute)
				h.drain(gateway, true)
				time.Sleep(3 * time.Minute)
				if p = h.get(p); len(p.Attempts) != 1 || p.Attempts[0].Closed != nil {
					t.Fatalf("within open_window it is closed by %v, and there are %d attempts\n%s", p.Attempts[0].Closed, len(p.Attempts), h.story(p))
				}
				h.must(h.bank.Act("quickpay", p.Attempts[0].Reference, sim.ActConfirm)) // who stood in the window finishes
				time.Sleep(20 * time.Minute)
				h.want(p, payment.StatusPaid, p.Amount.Minor)
			})
		})
	}
}
