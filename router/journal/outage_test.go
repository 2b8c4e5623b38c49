package journal_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"testing"
	"time"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router/journal"
	"github.com/payrouter/payrouter/router/payment"
	"github.com/payrouter/payrouter/router/pgtest"
)

// Two replicas may decide the very same event in the same microsecond. The one whose
// write failed must not take the other's for its own: both would send.
func TestAnotherWritersEqualEventIsNotMine(t *testing.T) {
	on(t, func(t *testing.T, openStore func() *journal.Store) {
		a, b := openStore(), openStore()
		r, e := open("p", "")
		p, err := a.Open(t.Context(), r, providers.Payer{}, e)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		mine := false
		_, err = b.Advance(ctx, p, func(p payment.Payment) ([]payment.Event, error) {
			events, err := planned("ref")(p)
			if mine = len(events) > 0; mine {
				if _, err := a.Advance(context.Background(), p, planned("ref")); err != nil {
					t.Error(err)
				}
				cancel() // as if the connection were gone before anything was written
			}
			return events, err
		})
		if err == nil && mine {
			t.Fatal("a writer that wrote nothing believes that it planned the attempt")
		}
	})
}

// Text from outside may hold bytes that PostgreSQL's TEXT does not take. A fact is kept
// all the same, and by both engines (STYLE: commands may be refused, facts may not).
func TestTextFromOutsideNeverStopsAFact(t *testing.T) {
	for name, text := range map[string]string{"nul": "a\x00b", "not UTF-8": "a\xff\xfeb"} {
		t.Run(name, func(t *testing.T) {
			on(t, func(t *testing.T, openStore func() *journal.Store) {
				s, ctx := openStore(), t.Context()
				r, e := open("p", "")
				p, err := s.Open(ctx, r, providers.Payer{Name: text}, e)
				if err != nil {
					t.Fatal(err)
				}
				if p, err = s.Advance(ctx, p, planned("ref")); err != nil {
					t.Fatal(err)
				}
				fact := payment.Observed{Attempt: 1, Source: payment.FromLookup, Reason: providers.UnknownCode, Code: text, External: text}
				p, err = s.Advance(ctx, p, func(payment.Payment) ([]payment.Event, error) {
					return []payment.Event{{At: start, Actor: "gateway:kaspi-main", Body: fact}}, nil
				})
				if err != nil {
					t.Fatalf("a fact was refused: %v", err)
				}
				if id, n, err := s.FindAttempt(ctx, "kaspi-main", providers.Ref{External: text}); err != nil || id != p.ID || n != 1 {
					t.Fatalf("by the gateway's id: found %q/%d, error %v", id, n, err)
				}
				notice := providers.Notice{Method: "GET", Path: text, Query: "q=" + text, Source: text, Header: map[string][]string{"X": {text}}, Body: []byte(text)}
				if err := s.StoreNotice(ctx, "n1", "kaspi-main", notice, start); err != nil {
					t.Fatalf("a notice was refused: %v", err)
				}
				if err := s.MarkNotice(ctx, "n1", "unreadable", "", text); err != nil {
					t.Fatal(err)
				}
			})
		})
	}
}

// A database that hangs must not hang those who call without a deadline of their own:
// webhooks, workers, and whoever writes down what a gateway answered.
func TestADatabaseThatHangsIsGivenUp(t *testing.T) {
	url := pgtest.URL(t)
	s, err := journal.Open(journal.Options{URL: url, CommitTimeout: 150 * time.Millisecond,
		Due: func(payment.Payment, time.Time) time.Time { return time.Time{} }})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	other, err := sql.Open("pgx", url)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	tx, err := other.Begin()
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	if _, err := tx.Exec(`LOCK TABLE events, payments, attempts, notices, answers, leases, instruments, overrides, requests, feed, outbox, findings IN ACCESS EXCLUSIVE MODE`); err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	r, e := open("p", "")
	calls := map[string]func() error{
		"Open":         func() error { _, err := s.Open(ctx, r, providers.Payer{}, e); return err },
		"Get":          func() error { _, err := s.Get(ctx, "p"); return err },
		"Payer":        func() error { _, err := s.Payer(ctx, "p"); return err },
		"AtRisk":       func() error { _, err := s.AtRisk(ctx); return err },
		"LiveOffers":   func() error { _, _, err := s.LiveOffers(ctx, "g"); return err },
		"FindAttempt":  func() error { _, _, err := s.FindAttempt(ctx, "g", providers.Ref{Order: "o"}); return err },
		"Repeated":     func() error { _, err := s.Repeated(ctx, r); return err },
		"StoreNotice":  func() error { return s.StoreNotice(ctx, "n", "g", providers.Notice{}, start) },
		"MarkNotice":   func() error { return s.MarkNotice(ctx, "n", "hint", "", "") },
		"Answer":       func() error { _, err := s.Answer(ctx, "g", "k"); return err },
		"KeepAnswer":   func() error { _, err := s.KeepAnswer(ctx, "g", "k", providers.Reply{}); return err },
		"Claim":        func() error { _, err := s.Claim(ctx, start, start.Add(time.Minute), 1); return err },
		"Defer":        func() error { return s.Defer(ctx, "p", 1, start, start) },
		"Wake":         func() error { return s.Wake(ctx, "p", start) },
		"WakeOpen":     func() error { _, err := s.WakeOpen(ctx, "g", start, map[string]bool{}); return err },
		"Lease":        func() error { _, err := s.Lease(ctx, "l", "o", start, time.Minute); return err },
		"Release":      func() error { return s.Release(ctx, "l", "o") },
		"Overrides":    func() error { _, err := s.Overrides(ctx, start); return err },
		"Instrument":   func() error { _, err := s.Instrument(ctx, "t", "i"); return err },
		"Save":         func() error { return s.SaveInstrument(ctx, journal.Instrument{ID: "i"}) },
		"WaitingHints": func() error { _, err := s.WaitingHints(ctx, start, start, 1); return err },
	}
	for name, call := range calls {
		t.Run(name, func(t *testing.T) {
			done := make(chan error, 1)
			go func() { done <- call() }()
			select {
			case err := <-done:
				if err == nil || errors.Is(err, journal.ErrNotFound) {
					t.Errorf("error %v, though the table is locked", err)
				}
				if err != nil && !journal.Trouble(err) {
					t.Errorf("%v is not told to be the database's", err)
				}
			case <-time.After(5 * time.Second):
				t.Error("hangs with the database")
			}
		})
	}
}

// A server that goes away between a question and its answer leaves no error of its own.
func TestAConnectionThatEndsUnderAQuestionIsTrouble(t *testing.T) {
	for _, err := range []error{io.EOF, io.ErrUnexpectedEOF} {
		if !journal.Trouble(fmt.Errorf("read p: %w", err)) {
			t.Errorf("%v is not told to be the database's", err)
		}
	}
	if journal.Trouble(nil) || journal.Trouble(journal.ErrNotFound) {
		t.Error("no error, or no such row, is told to be the database's")
	}
}

// A process may still know a payment that the books, put back to an older state, do not:
// what it learns must not be written behind a gap. The rows of such an attempt would also
// keep its reference from the payment that is opened when the caller comes again.
func TestNothingIsWrittenBehindALostEvent(t *testing.T) {
	for engine, url := range map[string]func() string{
		"sqlite":     func() string { return "sqlite:" + filepath.Join(t.TempDir(), "books.db") },
		"postgresql": func() string { return pgtest.URL(t) },
	} {
		t.Run(engine, func(t *testing.T) {
			books := func() *journal.Store {
				s, err := journal.Open(journal.Options{URL: url(), Due: func(payment.Payment, time.Time) time.Time { return time.Time{} }})
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { s.Close() })
				if err := s.Migrate(t.Context()); err != nil {
					t.Fatal(err)
				}
				return s
			}
			r, e := open("p", "")
			p, err := books().Open(t.Context(), r, providers.Payer{}, e)
			if err != nil {
				t.Fatal(err)
			}
			restored := books()
			if _, err := restored.Advance(t.Context(), p, planned("ref")); !errors.Is(err, journal.ErrWentBack) {
				t.Errorf("an event of a payment that is lost: error %v", err)
			}
			restored.StartAnew()
			body, ok := e.Body.(payment.Opened)
			if !ok {
				t.Fatal("not the opening")
			}
			body.ID = "q"
			e.Body = body
			q, err := restored.Open(t.Context(), r, providers.Payer{}, e)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := restored.Advance(t.Context(), q, planned("ref")); err != nil {
				t.Errorf("the same reference, for the payment that was opened again: %v", err)
			}
		})
	}
}
