package quickpay_test

import (
	"context"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/providers/quickpay"
	"github.com/payrouter/payrouter/providers/sim"
)

// house is a simulated QuickPay and a gateway in front of it, in one bubble.
type house struct {
	t    *testing.T
	bank *sim.Bank
	*quickpay.Gateway
}

func inside(t *testing.T, o sim.QuickPayOptions, c quickpay.Config, do func(h house)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		bank := sim.New(sim.Options{Seed: 1}, sim.QuickPay(o))
		t.Cleanup(bank.Close)
		c.APIBaseURL = "http://127.0.0.1:1"
		c.APIKey, c.PrivateKey = providers.NewSecret(sim.QuickPayDefaultAPIKey), providers.NewSecret(sim.QuickPayDefaultPrivateKey)
		g, err := quickpay.New(c, quickpay.Options{Dial: func(ctx context.Context, _, _ string) (net.Conn, error) { return bank.Dial(ctx, "quickpay") }})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(g.Close)
		do(house{t, bank, g})
	})
}

func wish(m providers.Method, twoStage bool) providers.Charge {
	return providers.Charge{Instrument: card("900000000001"), Ref: providers.Ref{Order: "rt-00000000000000001", Method: m, TwoStage: twoStage,
		Amount: providers.Money{Minor: 150050, Currency: "DKK"}, Planned: time.Now()}}
}

// shown is an offer that waits for its payer.
func (h house) shown(twoStage bool) (providers.Ref, sim.Object) {
	h.t.Helper()
	c := wish(providers.Link, twoStage)
	r := h.Charge(h.t.Context(), c)
	if r.Verdict != providers.Pending {
		h.t.Fatalf("it is %+v", r)
	}
	c.Ref.External = r.External
	return c.Ref, h.bank.Ledger().Of("quickpay").Objects[0]
}

func (h house) act(o sim.Object, act string) error { return h.bank.Act("quickpay", o.ID, act) }

func (h house) says(ref providers.Ref, want providers.Verdict, reason providers.Reason) providers.Result {
	h.t.Helper()
	got := h.Lookup(h.t.Context(), ref)
	if got.Verdict != want || got.Reason != reason {
		h.t.Errorf("a look says %+v, want %s %s", got, want, reason)
	}
	return got
}

// A bank that ignores the deadline leaves an offer that can be paid for ever: it is never seen
// as over by itself, and can be withdrawn.
func TestLinkThatShowsNoEndIsNotOver(t *testing.T) {
	inside(t, sim.QuickPayOptions{Switches: sim.QuickPaySwitches{IgnoresDeadline: true}}, trusted, func(h house) {
		ref, o := h.shown(false)
		h.says(ref, providers.Unknown, providers.Ambiguous)
		time.Sleep(48 * time.Hour)
		if got := h.says(ref, providers.Unknown, providers.Ambiguous); got.Absent {
			h.t.Errorf("a look says %+v", got)
		}
		if r := h.Cancel(h.t.Context(), ref); r.Verdict != providers.Approved {
			h.t.Errorf("a withdrawal is %+v", r)
		}
		_ = h.act(o, sim.ActPay)
		if got := h.says(ref, providers.Unknown, providers.Ambiguous); !got.Absent {
			h.t.Errorf("a look after it says %+v", got)
		}
	})
}

// Between the authorize and the capture of one stage nobody may void or capture by hand.
func TestOneStageIsNoHoldUntilItIsCaptured(t *testing.T) {
	options := sim.QuickPayOptions{Cards: []sim.QuickPayCard{{ID: goodCard}}, Switches: sim.QuickPaySwitches{CaptureTakes: sim.Duration(time.Minute)}}
	inside(t, options, quickpay.Config{}, func(h house) {
		ref, o := h.shown(false)
		if err := h.act(o, sim.ActPay); err != nil {
			t.Fatal(err)
		}
		h.says(ref, providers.Pending, providers.Processing)
		if r := h.Cancel(h.t.Context(), ref); r.Verdict != providers.Unserved {
			h.t.Errorf("a cancel is %+v", r)
		}
		c := wish(providers.Instrument, false)
		c.Ref.Order = "rt-00000000000000002"
		if r := h.Charge(h.t.Context(), c); r.Verdict != providers.Pending || r.Reason != providers.Processing {
			h.t.Errorf("a charge is %+v", r)
		}
		time.Sleep(61 * time.Second)
		h.says(ref, providers.Approved, "")
		h.says(c.Ref, providers.Approved, "")
	})
}

var trusted = quickpay.Config{WithdrawLinks: true}

func TestWithdrawnLinkCannotBePaid(t *testing.T) {
	inside(t, sim.QuickPayOptions{}, trusted, func(h house) {
		ref, o := h.shown(false)
		if r := h.Cancel(h.t.Context(), ref); r.Verdict != providers.Approved {
			t.Fatalf("a withdrawal is %+v", r)
		}
		if got := h.says(ref, providers.Unknown, providers.Ambiguous); !got.Absent {
			h.t.Errorf("a look after it says %+v", got)
		}
		for _, act := range []string{sim.ActScan, sim.ActPay, sim.ActConfirm, sim.ActPayLate} {
			_ = h.act(o, act)
		}
		if o := h.bank.Ledger().Of("quickpay").Objects[0]; o.Captured+o.Authorized != 0 && o.Phase != sim.Dead {
			h.t.Errorf("it was paid: %+v", o)
		}
		if r := h.Cancel(h.t.Context(), ref); r.Verdict != providers.Unserved || r.Reason != providers.NotFound {
			h.t.Errorf("the second withdrawal is %+v", r)
		}
	})
}

func TestWithdrawnLinkOfADeclinedPayerWaitsForWindowsThatAreOpen(t *testing.T) {
	inside(t, sim.QuickPayOptions{}, trusted, func(h house) {
		ref, o := h.shown(false)
		if err := h.act(o, sim.ActDecline); err != nil {
			t.Fatal(err)
		}
		h.says(ref, providers.Pending, providers.AwaitingPayer)
		if r := h.Cancel(h.t.Context(), ref); r.Verdict != providers.Approved {
			t.Fatalf("a withdrawal is %+v", r)
		}
		h.says(ref, providers.Pending, providers.AwaitingPayer)
	})
}

// A window that was open may be finished after all: whoever believed the withdrawal finds
// the money at the next look.
func TestMoneyOfAWindowThatOutlivedItsLinkIsSeen(t *testing.T) {
	inside(t, sim.QuickPayOptions{Switches: sim.QuickPaySwitches{WindowOutlivesLink: true}}, trusted, func(h house) {
		ref, o := h.shown(true)
		if err := h.act(o, sim.ActScan); err != nil {
			t.Fatal(err)
		}
		h.Cancel(h.t.Context(), ref)
		if err := h.act(o, sim.ActConfirm); err != nil {
			t.Fatal(err)
		}
		h.says(ref, providers.Held, "")
		if r := h.Cancel(h.t.Context(), ref); r.Verdict != providers.Approved {
			h.t.Errorf("the void is %+v", r)
		}
		h.says(ref, providers.Declined, providers.Released)
	})
}

func TestPaidLinkIsNotWithdrawn(t *testing.T) {
	inside(t, sim.QuickPayOptions{}, trusted, func(h house) {
		ref, o := h.shown(false)
		if err := h.act(o, sim.ActPay); err != nil {
			t.Fatal(err)
		}
		if r := h.Cancel(h.t.Context(), ref); r.Verdict != providers.Declined || r.Reason != providers.Refused {
			h.t.Errorf("it is %+v", r)
		}
		h.says(ref, providers.Approved, "")
	})
}

// The test card that stays queued for a minute (notes, section 2).
func TestQueuedChargeIsPendingUntilTheAcquirerAnswers(t *testing.T) {
	options := sim.QuickPayOptions{TestMode: true, Cards: []sim.QuickPayCard{{ID: goodCard, Number: sim.QuickPayQueued}}}
	inside(t, options, quickpay.Config{TestMode: true}, func(h house) {
		c := wish(providers.Instrument, true)
		r := h.Charge(h.t.Context(), c)
		if r.Verdict != providers.Pending || r.Reason != providers.Processing {
			t.Fatalf("it is %+v", r)
		}
		c.Ref.External = r.External
		h.says(c.Ref, providers.Pending, providers.Processing)
		if again := h.Charge(h.t.Context(), c); again.Verdict != providers.Unknown || again.Reason != providers.Duplicate {
			h.t.Errorf("the second time it is %+v", again)
		}
		time.Sleep(61 * time.Second)
		h.says(c.Ref, providers.Held, "")
	})
}

// Every operation may come back unfinished although it was to be waited for.
func TestOperationsThatAreNotWaitedFor(t *testing.T) {
	options := sim.QuickPayOptions{Cards: []sim.QuickPayCard{{ID: goodCard}}, Switches: sim.QuickPaySwitches{SynchronizedStillPending: true}}
	inside(t, options, quickpay.Config{}, func(h house) {
		c := wish(providers.Instrument, true)
		r := h.Charge(h.t.Context(), c)
		c.Ref.External = r.External
		if r.Verdict != providers.Pending {
			t.Fatalf("the charge is %+v", r)
		}
		time.Sleep(2 * time.Second)
		h.says(c.Ref, providers.Held, "")
		if r := h.Capture(h.t.Context(), c.Ref, c.Ref.Amount); r.Verdict != providers.Pending || r.Reason != providers.Processing {
			h.t.Errorf("the capture is %+v", r)
		}
		h.says(c.Ref, providers.Unknown, providers.Ambiguous) // neither held, nor taken yet
		if r := h.Capture(h.t.Context(), c.Ref, c.Ref.Amount); r.Verdict != providers.Unserved || r.Reason != providers.Throttled {
			h.t.Errorf("another capture meanwhile is %+v", r)
		}
		time.Sleep(2 * time.Second)
		h.says(c.Ref, providers.Approved, "")
		give := providers.Refund{Ref: c.Ref, ID: "rf-1", Amount: c.Ref.Amount, Before: providers.Money{Currency: "DKK"}}
		if r := h.Refund(h.t.Context(), give); r.Verdict != providers.Pending {
			h.t.Errorf("the refund is %+v", r)
		}
		if r := h.LookupRefund(h.t.Context(), give); r.Verdict != providers.Pending {
			h.t.Errorf("a look at the refund says %+v", r)
		}
		time.Sleep(2 * time.Second)
		if r := h.LookupRefund(h.t.Context(), give); r.Verdict != providers.Approved || r.Amount != c.Ref.Amount {
			h.t.Errorf("a look at the refund says %+v", r)
		}
	})
}

// The test cards whose later operations are refused (notes, section 2), and the one that
// wants 3-D Secure.
func TestTestCards(t *testing.T) {
	for number, check := range map[string]func(h house, c providers.Charge, r providers.Result){
		sim.QuickPayCaptureRejected: func(h house, c providers.Charge, r providers.Result) {
			if r := h.Capture(h.t.Context(), c.Ref, c.Ref.Amount); r.Verdict != providers.Declined || r.Reason != providers.Refused {
				h.t.Errorf("the capture is %+v", r)
			}
			h.says(c.Ref, providers.Held, "")
		},
		sim.QuickPayCancelRejected: func(h house, c providers.Charge, r providers.Result) {
			if r := h.Cancel(h.t.Context(), c.Ref); r.Verdict != providers.Declined || r.Reason != providers.Refused {
				h.t.Errorf("the void is %+v", r)
			}
			h.says(c.Ref, providers.Held, "")
		},
		sim.QuickPayRefundRejected: func(h house, c providers.Charge, r providers.Result) {
			h.Capture(h.t.Context(), c.Ref, c.Ref.Amount)
			give := providers.Refund{Ref: c.Ref, ID: "rf-1", Amount: c.Ref.Amount, Before: providers.Money{Currency: "DKK"}}
			if r := h.Refund(h.t.Context(), give); r.Verdict != providers.Declined || r.Reason != providers.Refused {
				h.t.Errorf("the refund is %+v", r)
			}
			if r := h.LookupRefund(h.t.Context(), give); !r.Absent {
				h.t.Errorf("a look at the refund says %+v", r)
			}
		},
		sim.QuickPayWants3DS: func(h house, c providers.Charge, r providers.Result) {
			if r.Verdict != providers.Declined || r.Reason != providers.DeclinedSoft {
				h.t.Errorf("the charge is %+v", r)
			}
		},
		sim.QuickPayExpired: func(h house, c providers.Charge, r providers.Result) {
			h.says(c.Ref, providers.Declined, providers.DeclinedSoft)
		},
	} {
		options := sim.QuickPayOptions{TestMode: true, Cards: []sim.QuickPayCard{{ID: goodCard, Number: number}}}
		inside(t, options, quickpay.Config{TestMode: true}, func(h house) {
			c := wish(providers.Instrument, true)
			r := h.Charge(h.t.Context(), c)
			c.Ref.External = r.External
			check(h, c, r)
		})
	}
}

// A payment with a test card is no money on a real account.
func TestTestPaymentIsNotMoney(t *testing.T) {
	options := sim.QuickPayOptions{TestMode: true, Cards: []sim.QuickPayCard{{ID: goodCard}}}
	inside(t, options, quickpay.Config{}, func(h house) {
		if r := h.Charge(h.t.Context(), wish(providers.Instrument, false)); r.Verdict != providers.Unknown || r.Reason != providers.Mismatch {
			h.t.Errorf("it is %+v", r)
		}
	})
}

// A missing permission is refused in words, and nothing was done.
func TestMissingPermissionIsMisconfigured(t *testing.T) {
	for _, call := range []string{"POST /payments", "PUT /payments/:id/link", "POST /payments/:id/authorize", "POST /cards/:id/tokens"} {
		options := sim.QuickPayOptions{Cards: []sim.QuickPayCard{{ID: goodCard}}, Switches: sim.QuickPaySwitches{Forbidden: []string{call}}}
		for _, m := range []providers.Method{providers.Page, providers.Instrument} {
			if m == providers.Page && call != "POST /payments" && call != "PUT /payments/:id/link" || m == providers.Instrument && call == "PUT /payments/:id/link" {
				continue
			}
			inside(t, options, quickpay.Config{}, func(h house) {
				if r := h.Charge(h.t.Context(), wish(m, false)); r.Verdict != providers.Unserved || r.Reason != providers.Misconfigured {
					h.t.Errorf("%s: by %s it is %+v", call, m, r)
				}
			})
		}
	}
}

// A hold that lapsed shows itself when somebody wants its money.
func TestLapsedHoldIsSeenOnceACaptureWasRefused(t *testing.T) {
	options := sim.QuickPayOptions{Cards: []sim.QuickPayCard{{ID: goodCard}}, Switches: sim.QuickPaySwitches{HoldLife: sim.Duration(7 * 24 * time.Hour)}}
	inside(t, options, quickpay.Config{}, func(h house) {
		c := wish(providers.Instrument, true)
		c.Ref.External = h.Charge(h.t.Context(), c).External
		time.Sleep(8 * 24 * time.Hour)
		if r := h.Capture(h.t.Context(), c.Ref, c.Ref.Amount); r.Verdict != providers.Declined || r.Reason != providers.Refused {
			h.t.Errorf("the capture is %+v", r)
		}
		h.says(c.Ref, providers.Declined, providers.Released)
	})
}
