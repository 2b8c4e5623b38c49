package router_test

import (
	"context"
	"database/sql"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	_ "modernc.org/sqlite"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/providers/sim"
	"github.com/payrouter/payrouter/providers/wayforpay"
	"github.com/payrouter/payrouter/router"
	"github.com/payrouter/payrouter/router/journal"
	"github.com/payrouter/payrouter/router/payment"
)

// inFile keeps the books in a file, which a test can open beside the house.
func inFile(t *testing.T) (change func(*setup), beside func(statement string, args ...any)) {
	path := filepath.Join(t.TempDir(), "books.db")
	return func(s *setup) { s.store = "sqlite:" + path }, func(statement string, args ...any) {
		t.Helper()
		db, err := sql.Open("sqlite", "file:"+path+"?_pragma=busy_timeout(5000)")
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		if _, err := db.Exec(statement, args...); err != nil {
			t.Fatal(err)
		}
	}
}

// copied is the wiring of another house that goes on from a copy of the books: the
// first house's workers do not reach it.
func (h *house) copied(beside func(string, ...any)) (o router.Options, file string) {
	h.t.Helper()
	file = filepath.Join(h.t.TempDir(), "copy.db")
	beside(`VACUUM INTO ?`, file)
	o = h.router.Options
	o.Registerer = nil
	terms := router.TermsOf(o.Terms, o.Gateways)
	var err error
	o.Journal, err = journal.Open(journal.Options{URL: "sqlite:" + file, Due: func(p payment.Payment, now time.Time) time.Time { return p.Due(now, terms) }})
	h.must(err)
	return o, file
}

// Without the payer's phone a push must not go out, nor be refused as our mistake: a
// store that cannot be read now is no reason to end a payment.
func TestAPayerThatCannotBeReadIsNoReasonToPlan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		file, beside := inFile(t)
		h := build(t, file)
		wish := ask(providers.Push)
		h.openedAndNoMore(wish)
		beside(`UPDATE payments SET payer = 'unreadable'`)
		_, err := h.router.Create(context.Background(), wish)
		if err == nil {
			t.Error("no error, though the payer could not be read")
		}
		if n := h.arrivals(kaspiMain); n != 0 {
			t.Errorf("%d requests were sent", n)
		}
		beside(`UPDATE payments SET payer = '{"Phone":"+77011234567"}'`)
		p := h.create(wish, patience)
		if p.Status() != payment.StatusAwaitingPayer || len(p.Attempts) != 1 {
			t.Fatalf("payment is %s\n%s", p.Status(), h.story(p))
		}
	})
}

// What was learnt of a refund is kept while the store is away for a moment: asking
// again may need people, where the gateway shows no single refunds.
func TestARefundsAnswerOutlivesAShortOutageOfTheStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		file, beside := inFile(t)
		h := build(t, file)
		p := h.paidAt(kaspiMain, providers.QR)
		r := h.stepped(func(point string) {
			if point != "operation answered" {
				return
			}
			beside(`CREATE TRIGGER away BEFORE INSERT ON events BEGIN SELECT RAISE(ABORT, 'away'); END`)
			time.AfterFunc(time.Second, func() { beside(`DROP TRIGGER away`) })
		})
		refunded, _, err := r.Refund(context.Background(), command(p), providers.Money{Minor: 500000, Currency: "KZT"}, "returned goods")
		h.must(err)
		if o := refunded.Operations[0]; o.Verdict != providers.Approved {
			t.Fatalf("the answer was lost: %s\n%s", o.Verdict, h.story(h.get(p)))
		}
		if n := h.bank.Ledger().Count("kaspi", sim.OpRefund, p.Attempts[0].Reference); n != 1 {
			t.Fatalf("%d refunds", n)
		}
	})
}

// That a capture was made and that its money is there is one fact: a process that dies between
// the two would leave a payment that is held, and can be neither canceled nor given back.
func TestACaptureAndItsMoneyAreOneCommit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		file, beside := inFile(t)
		h := build(t, file)
		p := h.onHold()
		r := h.stepped(func(point string) {
			if point != "operation answered" {
				return
			}
			beside(`CREATE TRIGGER away BEFORE INSERT ON events WHEN NEW.kind = 'observed' BEGIN SELECT RAISE(ABORT, 'away'); END`)
			time.AfterFunc(time.Minute, func() { beside(`DROP TRIGGER away`) }) // longer than an answer is kept in memory
		})
		_, err := r.Capture(t.Context(), command(p), providers.Money{})
		h.must(err)
		if p = h.get(p); p.Operations[0].Settled() != (p.Status() == payment.StatusPaid) {
			t.Errorf("the capture is %s and the payment %s", p.Operations[0].Verdict, p.Status())
		}
		time.Sleep(10 * time.Minute)
		h.want(p, payment.StatusPaid, p.Amount.Minor)
		if n := h.bank.Ledger().Count("wayforpay", sim.OpCapture, p.Attempts[0].Reference); n != 1 {
			t.Errorf("%d captures were sent\n%s", n, h.story(h.get(p)))
		}
	})
}

// Once an attempt is planned the answer is the payment, even when the books cannot be
// read again: on an error the caller might charge the payer another way (SAFETY section 6, "calling").
func TestAnAttemptThatWasSentIsNeverAnsweredByAnError(t *testing.T) {
	for _, away := range []struct{ name, break_, mend string }{
		{"reads", `ALTER TABLE events RENAME TO hidden`, `ALTER TABLE hidden RENAME TO events`},
		{"writes", `CREATE TRIGGER away BEFORE INSERT ON events BEGIN SELECT RAISE(ABORT, 'away'); END`, `DROP TRIGGER away`},
	} {
		for _, at := range []string{"planned", "answered", "recorded"} {
			t.Run(away.name+" after "+at, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					file, beside := inFile(t)
					h := build(t, file, first(halykMain), func(s *setup) { s.broken = true }) // the bank's witness cannot read either
					h.fault(sim.Fault{Face: "halyk", Op: sim.OpCharge, Kind: sim.FaultActDrop, Times: 1})
					broken := false
					r := h.stepped(func(point string) {
						if point == at && !broken {
							broken = true
							beside(away.break_)
						}
					})
					ctx, cancel := context.WithTimeout(context.Background(), patience)
					defer cancel()
					p, err := r.Create(ctx, byCard(halykMain))
					beside(away.mend)
					if err != nil || len(p.Attempts) != 1 || p.Status() != payment.StatusProcessing {
						t.Errorf("answered %s with %d attempts, error %v", p.Status(), len(p.Attempts), err)
					}
					time.Sleep(5 * time.Minute)
					h.want(payment.Payment{Opened: payment.Opened{ID: h.only().ID}}, payment.StatusPaid, 1549000)
				})
			})
		}
	}
}

// only is the one payment in the books.
func (h *house) only() payment.Payment {
	h.t.Helper()
	all, err := h.store.List(context.Background(), journal.Filter{Tenant: "shop"}, journal.Cursor{}, 2)
	h.must(err)
	if len(all) != 1 {
		h.t.Fatalf("%d payments", len(all))
	}
	return all[0]
}

// A token that the payer agreed to save comes once, with the charge's answer: an outage
// of the store in that moment does not lose it.
func TestASavedCardOutlivesAShortOutageOfTheStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		file, beside := inFile(t)
		h := build(t, file, func(s *setup) {
			s.claims = func(_ string, p providers.Provider) providers.Provider {
				if g, ok := p.(*wayforpay.Gateway); ok {
					return saving{g}
				}
				return p
			}
		})
		r := h.stepped(func(point string) {
			if point != "answered" {
				return
			}
			beside(`CREATE TRIGGER away BEFORE INSERT ON events BEGIN SELECT RAISE(ABORT, 'away'); END`)
			beside(`CREATE TRIGGER gone BEFORE INSERT ON instruments BEGIN SELECT RAISE(ABORT, 'away'); END`)
			time.AfterFunc(time.Second, func() { beside(`DROP TRIGGER away`); beside(`DROP TRIGGER gone`) })
		})
		wish := at(byCard(wayforpayMain), wayforpayMain)
		wish.Save = true
		p, err := r.Create(context.Background(), wish)
		h.must(err)
		if saved, err := h.store.SavedInstrument(t.Context(), "shop", customer, p.ID); err != nil || saved == "" {
			t.Errorf("the card is not saved, error %v", err)
		}
	})
}

// saving is a gateway that gives a token with its answer.
type saving struct{ *wayforpay.Gateway }

func (g saving) Charge(ctx context.Context, c providers.Charge) providers.Result {
	r := g.Gateway.Charge(ctx, c)
	r.Instrument = &providers.Token{Value: providers.NewSecret("a-new-token"), Mask: "5169…1111"}
	return r
}
