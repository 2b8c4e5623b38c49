package journal

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router/payment"
)

// archive archives all that is over, and says how much that was.
func (s shelf) archive(pass string) (all Aged) {
	s.t.Helper()
	all.Kept = map[string]int64{}
	for w := (ArchiveWalk{Tenant: "shop", Began: later}); ; {
		a, err := s.Archive(s.t.Context(), pass, w, term, later, 3)
		s.must(err)
		if a.Rows == 0 {
			return all
		}
		w.After, all.Done = a.Last, all.Done+a.Done
		for why, n := range a.Kept {
			all.Kept[why] += n
		}
	}
}

// told is all that readers are told of some payments.
func (s shelf) told(ids ...string) string {
	s.t.Helper()
	var all strings.Builder
	say := func(what string, v any, err error) {
		text, unwritten := json.Marshal(v)
		s.must(unwritten)
		fmt.Fprintf(&all, "%s: %s, error %v\n", what, text, err)
	}
	for _, id := range ids {
		p, err := s.Get(s.t.Context(), id)
		say("payment", p, err)
		events, err := s.Events(s.t.Context(), id)
		say("events", events, err)
		n, err := s.Seq(s.t.Context(), id)
		say("seq", n, err)
		r, _ := wish(id)
		p, err = s.Repeated(s.t.Context(), r)
		say("repeated", p, err)
		found, _, err := s.FindAttempt(s.t.Context(), "bank", providers.Ref{Order: "ref-" + id})
		say("found", found, err)
	}
	many, err := s.GetMany(s.t.Context(), ids)
	say("many", many, err)
	page, err := s.List(s.t.Context(), Filter{Tenant: "shop"}, Cursor{}, 100)
	say("page", page, err)
	changes, err := s.Changes(s.t.Context(), "shop", 0, 1000)
	say("feed", changes, err)
	unknown, _, err := s.LatestUnknown(s.t.Context(), "bank", []string{"shop"}, 10)
	say("unknown", unknown, err)
	return all.String()
}

func (s shelf) rows(of string) (n int64) {
	s.t.Helper()
	s.must(s.Store.read.QueryRowContext(s.t.Context(), `SELECT COUNT(*) FROM `+of).Scan(&n))
	return n
}

func (s shelf) numbered() {
	s.t.Helper()
	for n := 1; n > 0; {
		var err error
		n, err = s.Number(s.t.Context(), bought, 100)
		s.must(err)
	}
}

// unsure is a payment whose outcome an answer left unknown for a while.
func unsure() []payment.Body {
	return []payment.Body{paid()[0],
		payment.Observed{Attempt: 1, Source: payment.FromResponse, Verdict: providers.Unknown, Reason: providers.Timeout},
		payment.Observed{Attempt: 1, Source: payment.FromLookup, Verdict: providers.Approved, External: "x-9"}}
}

func TestNobodyWhoReadsAnArchivedPaymentNotices(t *testing.T) {
	aging(t, func(s shelf) {
		ids := []string{"p1", "p2", "p3"}
		s.write("p1", paid()...)
		s.write("p2", unsure()...)
		s.write("p3", paid()[:2]...) // goes on
		s.numbered()
		before, rows, books := s.told(ids...), s.rows("events"), s.dump()
		s.want(s.archive(""), 2, map[string]int64{KeptUndecided: 1})
		if diff := cmp.Diff(books, s.dump()); diff != "" {
			t.Errorf("a look changed (-before +after):\n%s", diff)
		}
		s.want(s.archive("pass"), 2, map[string]int64{KeptUndecided: 1})
		if diff := cmp.Diff(before, s.told(ids...)); diff != "" {
			t.Errorf("readers are told (-before +after):\n%s", diff)
		}
		if now := s.rows("events"); rows != 7+4+3 || now != 1+1+3 || s.rows("archive") != 2 {
			t.Errorf("%d events became %d, and %d rows of the archive", rows, now, s.rows("archive"))
		}
		if now := s.rows("retention_passes WHERE archived = 2"); now != 1 {
			t.Error("the pass did not count them")
		}
		s.want(s.archive("pass"), 0, map[string]int64{KeptUndecided: 1})
	})
}

func TestWhatIsNotOverIsNotArchived(t *testing.T) {
	aging(t, func(s shelf) {
		want := map[string]int64{}
		for i, c := range notOver() {
			if c.why != KeptWithNotice { // a payment that rests may have notices
				c.make(s, fmt.Sprintf("p%02d", i))
				want[c.why]++
			}
		}
		young := s.write("young", paid()...)
		s.exec(`UPDATE payments SET updated_at = $1 WHERE id = $2`, micros(term), young.ID)
		before := s.dump()
		s.want(s.archive(""), 0, want)
		if diff := cmp.Diff(before, s.dump()); diff != "" {
			t.Errorf("a look changed (-before +after):\n%s", diff)
		}
		s.want(s.archive("pass"), 0, want)
		if n := s.rows("archive"); n != 0 {
			t.Errorf("%d are archived", n)
		}
	})
}

// A payment that something happens to goes on behind its stub, and is archived again.
func TestAnArchivedPaymentComesBackToLifeAndRestsAgain(t *testing.T) {
	aging(t, func(s shelf) {
		first := s.write("p", paid()...)
		wishes := []payment.Body{payment.RefundRequested{Refund: "g", RequestID: "g", Amount: providers.Money{Minor: 1000, Currency: "KZT"}},
			payment.OperationPlanned{Operation: 2, Op: payment.OpRefund, Attempt: 1, Amount: providers.Money{Minor: 1000, Currency: "KZT"}, Refund: "g"}}
		done := payment.OperationObserved{Operation: 2, Source: payment.FromResponse, Verdict: providers.Approved, External: "x-3"}
		s.want(s.archive("pass"), 1, nil)
		p, err := s.Get(t.Context(), "p")
		s.must(err)
		p = s.add(p, wishes...)
		if p.Seq != first.Seq+2 || len(p.Operations) != 2 {
			t.Errorf("it is at event %d with %d operations", p.Seq, len(p.Operations))
		}
		s.want(s.archive("pass"), 0, map[string]int64{KeptMoving: 1})
		p = s.add(p, done)
		s.numbered()
		before := s.told("p")
		if n := s.rows("events"); n != 1+3 {
			t.Errorf("%d rows of events", n)
		}
		s.want(s.archive("pass"), 1, nil)
		if diff := cmp.Diff(before, s.told("p")); diff != "" {
			t.Errorf("readers are told (-before +after):\n%s", diff)
		}
		if s.rows("events") != 1 || s.rows("archive") != 1 || !strings.Contains(before, p.Writer) {
			t.Errorf("%d events, %d rows of the archive", s.rows("events"), s.rows("archive"))
		}
		// Whoever knows less of it than there is reads again, as ever.
		if p, err = s.Advance(t.Context(), p, func(payment.Payment) ([]payment.Event, error) {
			return []payment.Event{{At: bought, Actor: "test", Body: payment.Noted{Finding: payment.MoneyFlipped, Attempt: 1}}}, nil
		}); err != nil || p.Seq != first.Seq+4 {
			t.Errorf("at event %d, error %v", p.Seq, err)
		}
	})
}

// After a pass no byte of the payer is left, in the archive neither, and all else is there.
func TestAPayerIsErasedFromAnArchivedPayment(t *testing.T) {
	aging(t, func(s shelf) {
		hidden := func(id string) (found []string) {
			history, err := archived(t.Context(), s.Store.read, id)
			s.must(err)
			for _, e := range history {
				found = append(found, sings([]string{e.body})...)
			}
			return found
		}
		p, back := s.write("p", paid()...), s.write("back", paid()...)
		s.want(s.archive("pass"), 2, nil)
		back = s.add(back, payment.Noted{Finding: payment.MoneyFlipped, Attempt: 1})
		s.exec(`UPDATE findings SET state = 'closed'`)
		if len(hidden(p.ID)) != 2 || len(hidden(back.ID)) != 2 || len(sings(s.dump())) != 2 {
			t.Fatalf("before: %q, %q", hidden(p.ID), sings(s.dump()))
		}
		s.want(s.erase(""), 2, nil)
		if len(hidden(p.ID)) != 2 {
			t.Error("a look erased")
		}
		s.want(s.erase("pass"), 2, nil)
		if left := append(append(hidden(p.ID), hidden(back.ID)...), sings(s.dump())...); len(left) != 0 {
			t.Errorf("left: %q", left)
		}
		for _, was := range []payment.Payment{p, back} {
			q, err := s.Get(t.Context(), was.ID)
			s.must(err)
			if diff := cmp.Diff(was.Impersonal(), q); diff != "" {
				t.Errorf("folded (-before +after):\n%s", diff)
			}
		}
		s.want(s.erase("pass"), 0, nil)
		s.want(s.archive("pass"), 1, nil) // the one that came back
		if left := hidden(back.ID); len(left) != 0 {
			t.Errorf("left: %q", left)
		}
	})
}

// A history that another pass archives, erases or adds to while it is looked at is whole
// afterwards, whoever was first.
func TestAPaymentThatChangesWhileItIsArchivedIsLeftAlone(t *testing.T) {
	changes := map[string]func(s shelf, p payment.Payment){
		"added to": func(s shelf, p payment.Payment) { s.add(p, payment.Noted{Finding: payment.MoneyFlipped, Attempt: 1}) },
		"woken":    func(s shelf, p payment.Payment) { s.must(s.Wake(s.t.Context(), p.ID, later)) },
		"archived": func(s shelf, p payment.Payment) { s.want(s.archive("pass"), 1, nil) },
		"erased":   func(s shelf, p payment.Payment) { s.want(s.erase("pass"), 1, nil) },
		"replaced": func(s shelf, p payment.Payment) {
			s.exec(`UPDATE events SET writer = 'other' WHERE payment_id = $1 AND seq = $2`, p.ID, p.Seq)
			s.StartAnew()
		},
	}
	for name, change := range changes {
		t.Run(name, func(t *testing.T) {
			aging(t, func(s shelf) {
				p := s.write("p", paid()...)
				r := resting{agedRow: agedRow{id: p.ID, seq: p.Seq}}
				why, err := s.packed(t.Context(), &r)
				s.must(err)
				e, whyNot, err := s.erasure(t.Context(), agedRow{id: p.ID, seq: p.Seq}, later)
				s.must(err)
				if why != "" || whyNot != "" {
					t.Fatal(why, whyNot)
				}
				change(s, p)
				before := s.dump()
				for what, do := range map[string]func(context.Context, *sql.Tx) (bool, error){
					"archived": func(ctx context.Context, tx *sql.Tx) (bool, error) { return r.move(ctx, tx, later) },
					"erased":   func(ctx context.Context, tx *sql.Tx) (bool, error) { return e.write(ctx, tx, "{}", later) },
				} {
					var done bool
					s.must(s.transact(t.Context(), func(ctx context.Context, tx *sql.Tx) (err error) {
						done, err = do(ctx, tx)
						return err
					}))
					if diff := cmp.Diff(before, s.dump()); done || diff != "" {
						t.Errorf("%s %t (-before +after):\n%s", what, done, diff)
					}
				}
			})
		})
	}
}

// A walk goes on where it was left, by whichever replica, and begins anew after a month.
func TestAWalkGoesOnWhereItWasLeftAndBeginsAnewAfterAMonth(t *testing.T) {
	aging(t, func(s shelf) {
		for i := range 5 {
			s.write(fmt.Sprint("p", i), paid()...)
		}
		s.must(s.Wake(t.Context(), "p0", later))
		walk := func(now time.Time) ArchiveWalk {
			walks, err := s.ArchiveWalks(t.Context(), now)
			if err != nil || len(walks) != 1 || walks[0].Tenant != "shop" {
				t.Fatalf("%+v, error %v", walks, err)
			}
			return walks[0]
		}
		a, err := s.Archive(t.Context(), "pass", walk(later), term, later, 2)
		s.must(err)
		s.want(a, 1, map[string]int64{KeptDue: 1})
		w := walk(later.Add(time.Hour))
		if w.After != (Cursor{Created: bought, ID: "p1"}) || !w.Began.Equal(later) {
			t.Errorf("left at %+v", w)
		}
		a, err = s.Archive(t.Context(), "pass", w, term, later, 10)
		s.must(err)
		s.want(a, 3, nil)
		s.must(s.Defer(t.Context(), "p0", 7, later, time.Time{}))
		a, err = s.Archive(t.Context(), "pass", walk(later.Add(rewalk-time.Hour)), term, later, 10)
		s.must(err)
		s.want(a, 0, nil)
		a, err = s.Archive(t.Context(), "pass", walk(later.Add(rewalk)), term, later, 10)
		s.must(err)
		s.want(a, 1, nil)
	})
}

// So few in one transaction that nobody who waits for it notices.
func TestAHandfulIsArchivedAtOnce(t *testing.T) {
	aging(t, func(s shelf) {
		for i := range AtRest + 3 {
			s.write(fmt.Sprintf("p%02d", i), paid()...)
		}
		a, err := s.Archive(t.Context(), "pass", ArchiveWalk{Tenant: "shop", Began: later}, term, later, 1000)
		if err != nil || a.Done != AtRest || a.Last.ID != fmt.Sprintf("p%02d", AtRest-1) {
			t.Errorf("%+v, error %v", a, err)
		}
	})
}

// Money that the archive lost is no payment that never was: whoever took it for one might
// charge again.
func TestAStubWithoutItsHistoryIsNoUnknownPayment(t *testing.T) {
	aging(t, func(s shelf) {
		s.write("p", paid()...)
		s.want(s.archive("pass"), 1, nil)
		s.exec(`DELETE FROM archive`)
		_, get := s.Get(t.Context(), "p")
		_, many := s.GetMany(t.Context(), []string{"p"})
		_, _, stored := s.storedEvents(t.Context(), "p")
		for _, err := range []error{get, many, stored} {
			if !errors.Is(err, errNoHistory) || errors.Is(err, ErrNotFound) {
				t.Errorf("error %v", err)
			}
		}
	})
}
