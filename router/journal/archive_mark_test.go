package journal

import (
	"errors"
	"testing"
	"time"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router/payment"
)

// another is another process on the same books.
func (s shelf) another() shelf {
	s.t.Helper()
	store, err := Open(Options{URL: s.url, Due: func(payment.Payment, time.Time) time.Time { return time.Time{} }})
	s.must(err)
	s.t.Cleanup(func() { store.Close() })
	return shelf{store, s.t, s.url}
}

func (s shelf) looked() Look {
	s.t.Helper()
	look, err := s.LookOver(s.t.Context())
	s.must(err)
	return look
}

// archives archives all that is over, which are n.
func (s shelf) archives(n int64) {
	s.t.Helper()
	if got := s.archive("pass").Done; got != n {
		s.t.Fatalf("%d are archived, want %d", got, n)
	}
}

// seen adds to a payment what leaves it at rest.
func (s shelf) seen(p payment.Payment) payment.Payment {
	s.t.Helper()
	return s.add(p, payment.Observed{Attempt: 1, Source: payment.FromLookup, Verdict: providers.Approved, External: "x-1"})
}

// A process may have committed last a month ago. Wherever that commit is now, its books stand.
func TestArchivingMakesNoProcessBelieveThatTheBooksWentBack(t *testing.T) {
	for name, happens := range map[string]func(idle, other shelf, p payment.Payment){
		"its commit was the last of the payment": func(_, other shelf, _ payment.Payment) { other.archives(1) },
		"others wrote on, and it looked": func(idle, other shelf, p payment.Payment) {
			other.seen(other.seen(p))
			idle.looked()
			other.archives(1)
		},
		"others wrote on, and it was asleep": func(_, other shelf, p payment.Payment) {
			other.seen(other.seen(p))
			other.archives(1)
		},
		"it was archived again and again": func(_, other shelf, p payment.Payment) {
			for range 3 {
				p = other.seen(other.seen(p))
				other.archives(1)
			}
			other.seen(p)
		},
	} {
		for _, looks := range []bool{true, false} {
			t.Run(name, func(t *testing.T) {
				aging(t, func(idle shelf) {
					other := idle.another()
					kept := idle.write("kept", paid()[:2]...)
					happens(idle, other, idle.write("p", paid()...))
					if looks {
						if look := idle.looked(); look.Gone || look.Behind {
							t.Fatalf("%+v", look)
						}
						idle.write("new")
					}
					idle.add(kept, paid()[2])
					idle.write("newer")
					if look := idle.looked(); look.Gone || look.Behind {
						t.Errorf("after it wrote: %+v", look)
					}
				})
			})
		}
	}
}

// One that slept for a month is refused an opening once, and not for lost books.
func TestAnOpeningBehindAnArchivedMarkGoesWellTheSecondTime(t *testing.T) {
	aging(t, func(idle shelf) {
		other := idle.another()
		other.seen(idle.write("p", paid()...))
		other.archives(1)
		r, e := wish("new")
		if _, err := idle.Open(t.Context(), r, canary, e); err == nil || errors.Is(err, ErrWentBack) || errors.As(err, new(*OrderTakenError)) {
			t.Errorf("the first time: error %v", err)
		}
		if _, err := idle.Open(t.Context(), r, canary, e); err != nil {
			t.Errorf("the second time: %v", err)
		}
	})
}

// What the archive holds of a payment excuses no commit that is not in it.
func TestALostCommitIsNotTakenForAnArchivedOne(t *testing.T) {
	for name, loses := range map[string]func(s, other shelf, p payment.Payment){
		"the payment is gone": func(s, other shelf, p payment.Payment) {
			s.exec(`DELETE FROM events WHERE payment_id = $1`, p.ID)
			other.archives(1)
		},
		"the archive has the payment as it was before": func(s, other shelf, p payment.Payment) {
			s.exec(`DELETE FROM events WHERE payment_id = $1 AND seq = $2`, p.ID, p.Seq)
			s.exec(`UPDATE payments SET seq = $2 WHERE id = $1`, p.ID, p.Seq-1)
			other.archives(2)
		},
		"the archive has another commit of the same number": func(s, other shelf, p payment.Payment) {
			s.exec(`UPDATE events SET writer = 'another' WHERE payment_id = $1 AND seq = $2`, p.ID, p.Seq)
			other.archives(2)
		},
		"and others wrote on behind it": func(s, other shelf, p payment.Payment) {
			s.exec(`UPDATE events SET writer = 'another' WHERE payment_id = $1 AND seq = $2`, p.ID, p.Seq)
			q, err := other.Get(s.t.Context(), p.ID)
			s.must(err)
			q = other.seen(q)
			other.archives(2)
			other.seen(q)
		},
		"and nothing was archived": func(s, other shelf, p payment.Payment) {
			s.exec(`UPDATE events SET writer = 'another' WHERE payment_id = $1 AND seq = $2`, p.ID, p.Seq)
			q, err := other.Get(s.t.Context(), p.ID)
			s.must(err)
			other.seen(q)
		},
	} {
		t.Run(name, func(t *testing.T) {
			aging(t, func(s shelf) {
				other := s.another()
				kept := s.write("kept", paid()[:2]...)
				s.write("rests", paid()...)
				p := s.seen(s.write("p", paid()...))
				loses(s, other, p)
				_, err := s.Advance(t.Context(), kept, func(payment.Payment) ([]payment.Event, error) {
					return []payment.Event{{At: bought, Actor: "test", Body: paid()[2]}}, nil
				})
				if !errors.Is(err, ErrWentBack) {
					t.Errorf("it writes on: error %v", err)
				}
				if look := s.looked(); !look.Gone {
					t.Errorf("%+v", look)
				}
			})
		})
	}
}

// Whoever looks now and then is never refused, however long it writes nothing.
func TestAProcessThatLookedGoesOnAtOnce(t *testing.T) {
	aging(t, func(idle shelf) {
		other := idle.another()
		other.seen(idle.write("p", paid()...))
		idle.looked()
		other.archives(1)
		idle.write("new")
	})
}

// A look follows no history that was put in the place of the one that it knows, even where
// that happens between two of its questions.
func TestALookFollowsNoHistoryThatWasReplaced(t *testing.T) {
	aging(t, func(s shelf) {
		other := s.another()
		p := s.write("p", paid()...)
		s.exec(`UPDATE events SET writer = 'another' WHERE payment_id = $1 AND seq = $2`, p.ID, p.Seq)
		q, err := other.Get(t.Context(), p.ID)
		s.must(err)
		other.seen(q)
		s.must(s.follow(t.Context()))
		if look := s.looked(); !look.Gone {
			t.Errorf("%+v", look)
		}
	})
}
