package sim_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/payrouter/payrouter/providers/sim"
)

// watch are options under which every violation is noted, and pay_1a, pay_1b ... belong to one payment.
func watch(log *logbook) (sim.Options, func() []string) {
	var mu sync.Mutex
	var seen []string
	return sim.Options{
			Log:       log.logger(slog.LevelError),
			PaymentOf: func(_, reference string) string { return strings.TrimRight(reference, "abc") },
			OnViolation: func(v sim.Violation) {
				mu.Lock()
				defer mu.Unlock()
				seen = append(seen, v.Invariant+" "+v.Reference)
			},
		}, func() []string {
			mu.Lock()
			defer mu.Unlock()
			return append([]string(nil), seen...)
		}
}

func wantViolations(t *testing.T, b *sim.Bank, seen func() []string, log *logbook, want ...string) {
	t.Helper()
	wantEqual(t, "violations reported", strings.Join(seen(), ", "), strings.Join(want, ", "))
	wantEqual(t, "violations in the ledger", len(b.Ledger().Violations), len(want))
	wantEqual(t, "lines at error level", strings.Count(log.text(), "level=ERROR msg=\"invariant violated\""), len(want))
}

func TestSecondLiveOfferOfOnePaymentViolatesI7(t *testing.T) {
	var log logbook
	opt, seen := watch(&log)
	inBubble(t, opt, sim.KaspiOptions{}, func(t *testing.T, b *sim.Bank, s shop) {
		s.offer(t, "pay_1a")
		s.offer(t, "pay_2a") // another payment
		wantViolations(t, b, seen, &log)
		s.offer(t, "pay_1b")
		wantViolations(t, b, seen, &log, "I7 pay_1b")
	})
}

func TestOfferAfterAllWindowsClosedIsAllowedByI7(t *testing.T) {
	var log logbook
	opt, seen := watch(&log)
	inBubble(t, opt, sim.KaspiOptions{}, func(t *testing.T, b *sim.Bank, s shop) {
		s.offer(t, "pay_1a")
		pass(181 * time.Second)
		s.offer(t, "pay_1b")
		wantViolations(t, b, seen, &log)
	})
}

func TestOfferWhoseAnswerWasLostDoesNotCountForI7(t *testing.T) {
	for _, kind := range []sim.FaultKind{
		sim.FaultActHang, sim.FaultActDrop, sim.FaultActHTTPError, sim.FaultTruncate, sim.FaultHuge, sim.FaultSlow, sim.FaultUnknownStatus,
	} {
		t.Run(string(kind), func(t *testing.T) {
			var log logbook
			opt, seen := watch(&log)
			inBubble(t, opt, sim.KaspiOptions{}, func(t *testing.T, b *sim.Bank, s shop) {
				addFault(t, b, sim.Fault{Kind: kind, Times: 1})
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
				defer cancel()
				_, _, _ = s.send(ctx, "POST", "qr/create", createBody("pay_1a", "1.00"))
				s.offer(t, "pay_1b")
				synctest.Wait()
				wantViolations(t, b, seen, &log)
				wantEqual(t, "the lost offer is unseen", b.Ledger().Objects[0].Unseen, true)
				if err := b.Act("kaspi", "pay_1a", sim.ActPay); err == nil {
					t.Error("somebody paid an offer that nobody saw")
				}
			})
		})
	}
}

func TestPushedInvoiceCountsForI7EvenIfItsAnswerWasLost(t *testing.T) {
	var log logbook
	opt, seen := watch(&log)
	inBubble(t, opt, sim.KaspiOptions{}, func(t *testing.T, b *sim.Bank, s shop) {
		addFault(t, b, sim.Fault{Kind: sim.FaultActDrop, Times: 1})
		_, _, _ = s.send(t.Context(), "POST", "remote/create", invoiceBody("pay_1a", "1.00", "87011234567"))
		s.offer(t, "pay_1b")
		wantViolations(t, b, seen, &log, "I7 pay_1b")
	})
}

func TestRequestOnItsWayCountsForI7UnlessThePromiseIsBroken(t *testing.T) {
	for _, broken := range []bool{false, true} {
		var log logbook
		opt, seen := watch(&log)
		inBubble(t, opt, sim.KaspiOptions{}, func(t *testing.T, b *sim.Bank, s shop) {
			addFault(t, b, sim.Fault{Kind: sim.FaultActLate, Times: 1, BrokenPromise: broken})
			_, _, _ = s.send(t.Context(), "POST", "remote/create", invoiceBody("pay_1a", "1.00", "87011234567"))
			s.offer(t, "pay_1b")
			if broken {
				wantViolations(t, b, seen, &log)
			} else {
				wantViolations(t, b, seen, &log, "I7 pay_1b")
			}
		})
	}
}

func TestLateSuccessIsNotBlamedOnTheMerchantByI7(t *testing.T) {
	var log logbook
	opt, seen := watch(&log)
	inBubble(t, opt, sim.KaspiOptions{LateSuccess: true}, func(t *testing.T, b *sim.Bank, s shop) {
		addPayer(t, b, sim.PayerRule{Behaviour: sim.PayerLate, Match: "pay_1a"})
		s.offer(t, "pay_1a")
		pass(247 * time.Second)
		wantEqual(t, "money taken late", b.Ledger().Net("", "pay_1a"), 1549000)
		s.offer(t, "pay_1b")
		wantViolations(t, b, seen, &log)
	})
}

func TestRequestThatTheStoreDoesNotKnowViolatesI8(t *testing.T) {
	var log logbook
	opt, seen := watch(&log)
	var asked []sim.Move
	opt.Witness = func(m sim.Move) error {
		asked = append(asked, m)
		if m.Reference == "pay_1" {
			return nil
		}
		return errors.New("no such attempt")
	}
	inBubble(t, opt, sim.KaspiOptions{}, func(t *testing.T, b *sim.Bank, s shop) {
		id := s.offer(t, "pay_1")
		s.status(t, id) // moves no money: nobody is asked
		wantViolations(t, b, seen, &log)
		s.offer(t, "pay_2")
		wantViolations(t, b, seen, &log, "I8 pay_2")
		wantCode(t, s.call(t, "POST", "payment/return", returnBody(id, "1.00")), "-99000011")
	})
	if len(asked) != 3 {
		t.Fatalf("asked about %v", asked)
	}
	wantEqual(t, "the create as asked", asked[0], sim.Move{
		Face: "kaspi", Account: sim.KaspiDefaultBIN, Op: sim.OpCreate, Reference: "pay_1", AmountMinor: 1549000, Currency: "KZT",
	})
	wantEqual(t, "the refund as asked", asked[2], sim.Move{
		Face: "kaspi", Account: sim.KaspiDefaultBIN, Op: sim.OpRefund, Reference: "pay_1", AmountMinor: 100, Currency: "KZT",
	})
}

func TestRepeatedCreateViolatesI9(t *testing.T) {
	var log logbook
	opt, seen := watch(&log)
	inBubble(t, opt, sim.KaspiOptions{}, func(t *testing.T, b *sim.Bank, s shop) {
		s.offer(t, "pay_1")
		s.offer(t, "pay_1")
		wantViolations(t, b, seen, &log, "I9 pay_1")
		wantEqual(t, "arrivals", b.Ledger().Count("kaspi", sim.OpCreate, "pay_1"), 2)
		wantEqual(t, "purchases", len(b.Ledger().Objects), 2)
	})
}

func TestRepeatAfterAnUnprocessedAnswerIsAllowedByI9(t *testing.T) {
	var log logbook
	opt, seen := watch(&log)
	inBubble(t, opt, sim.KaspiOptions{}, func(t *testing.T, b *sim.Bank, s shop) {
		addFault(t, b, sim.Fault{Kind: sim.FaultUnauthorized, Times: 1})
		addFault(t, b, sim.Fault{Kind: sim.FaultThrottle, Times: 1})
		wantCode(t, s.call(t, "POST", "qr/create", createBody("pay_1", "1.00")), "-10000")
		wantEqual(t, "HTTP status", s.call(t, "POST", "qr/create", createBody("pay_1", "1.00")).HTTP, 429)
		s.offer(t, "pay_1")
		wantViolations(t, b, seen, &log)
	})
}
