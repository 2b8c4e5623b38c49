package journal_test

import (
	"database/sql"
	"errors"
	"testing"
	"time"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router/journal"
	"github.com/payrouter/payrouter/router/payment"
	"github.com/payrouter/payrouter/router/pgtest/pgserver"
)

// forsaken is a server whose standby hangs: what is committed there stands, and no standby has it.
type forsaken struct {
	*testing.T
	url string
}

// forsake makes books and then lets them wait for a standby that is not there.
func forsake(t *testing.T, before ...func(*journal.Store)) forsaken {
	t.Helper()
	server := launched(t, "synchronous_commit=local")
	f := forsaken{T: t, url: server.URL}
	s := f.replica()
	must(t, s.Migrate(t.Context()))
	for _, write := range before {
		write(s)
	}
	must(t, s.Close())
	must(t, server.Halt(pgserver.Fast))
	server.Set("synchronous_standby_names=nobody")
	must(t, server.Start(t.Context()))
	f.url += "&synchronous_commit=on"
	return f
}

// replica is a process of its own on the books.
func (f forsaken) replica() *journal.Store {
	f.Helper()
	s, err := journal.Open(journal.Options{URL: f.url, CommitTimeout: 300 * time.Millisecond, Due: func(payment.Payment, time.Time) time.Time { return time.Time{} }})
	must(f.T, err)
	f.Cleanup(func() { s.Close() })
	return s
}

// isSeen returns when a row that was written can be seen: the server hears later than the writer
// that the wait is over.
func (f forsaken) isSeen(row string) {
	f.Helper()
	db, err := sql.Open("pgx", f.url)
	must(f.T, err)
	defer db.Close()
	for n := 0; n == 0; time.Sleep(5 * time.Millisecond) {
		must(f.T, db.QueryRowContext(f.Context(), "SELECT COUNT(*) FROM "+row).Scan(&n))
	}
}

// An operator who repeats an order, and a gateway that repeats its report, change nothing. What
// they are told stands is to be durable all the same.
func TestARepetitionThatChangesNothingIsNoSuccessWhileNoStandbyHasTheFirst(t *testing.T) {
	f := forsake(t)
	type writes = func(s *journal.Store) error
	keeps := func(key string) writes {
		return func(s *journal.Store) error {
			_, err := s.KeepAnswer(t.Context(), shop, key, providers.Reply{Status: 200})
			return err
		}
	}
	orders := func(id string) writes {
		return func(s *journal.Store) error {
			_, err := s.CreateOverride(t.Context(), journal.Override{ID: id, Gateway: shop, Mode: "drain", Actor: "operator:aida", Reason: "a test", Created: start, Start: start, End: start.Add(time.Hour)})
			return err
		}
	}
	disputes := func(id string) writes {
		return func(s *journal.Store) error {
			_, err := s.RecordDispute(t.Context(), journal.Dispute{ID: id, Gateway: shop, Kind: journal.Claim, Amount: price, Opened: start, Created: start})
			return err
		}
	}
	for name, c := range map[string]struct {
		row   string
		first writes
		again writes // where it is another call
	}{
		"an order":                     {row: `overrides WHERE id = 'made'`, first: orders("made")},
		"an order that is looked for":  {row: `overrides WHERE id = 'found'`, first: orders("found"), again: func(s *journal.Store) error { _, err := s.Override(t.Context(), shop, "found"); return err }},
		"an answer":                    {row: `answers WHERE answer_key = 'kept'`, first: keeps("kept")},
		"an answer that is looked for": {row: `answers WHERE answer_key = 'found'`, first: keeps("found"), again: func(s *journal.Store) error { _, err := s.Answer(t.Context(), shop, "found"); return err }},
		"evidence": {row: `evidence WHERE id = 'e'`, first: func(s *journal.Store) error {
			_, err := s.RecordEvidence(t.Context(), journal.Evidence{ID: "e", Gateway: shop, Item: "refund", Shown: start, Actor: "operator:aida", Created: start})
			return err
		}},
		"a dispute":                    {row: `disputes WHERE id = 'made'`, first: disputes("made")},
		"a dispute that is looked for": {row: `disputes WHERE id = 'found'`, first: disputes("found"), again: func(s *journal.Store) error { _, err := s.Dispute(t.Context(), "found"); return err }},
		"a run": {row: `runs WHERE id = 'r'`, first: func(s *journal.Store) error {
			_, _, err := s.StartRun(t.Context(), journal.Run{ID: "r", Gateway: shop, Day: "2026-11-23", RequestID: "r", State: journal.RunQueued, Due: start, Created: start})
			return err
		}},
	} {
		t.Run(name, func(t *testing.T) {
			s := f.replica()
			if err := c.first(s); err == nil || !journal.Trouble(err) {
				t.Fatalf("no standby has it, and the error is %v", err)
			}
			f.isSeen(c.row)
			if c.again == nil {
				c.again = c.first
			}
			if err := c.again(s); err == nil || !journal.Trouble(err) {
				t.Errorf("asked for again, and no standby has it: error %v", err)
			}
		})
	}
}

// A caller who was told that nobody knows comes again, and is answered by another replica, or by
// the same one after a start. Neither knows of a write that is in doubt.
func TestAnotherProcessTellsOfNoWriteThatNoStandbyHas(t *testing.T) {
	f := forsake(t)
	s := f.replica()
	r, e := open("p", "")
	if _, err := s.Open(t.Context(), r, providers.Payer{}, e); err == nil || !journal.Trouble(err) {
		t.Fatalf("no standby has it, and the error is %v", err)
	}
	f.isSeen(`payments WHERE id = 'p'`)
	other := f.replica()
	if p, err := other.Open(t.Context(), r, providers.Payer{}, e); errors.Is(err, journal.ErrRepeated) || err == nil || !journal.Trouble(err) {
		t.Errorf("asked for again it is told as %q, error %v", p.ID, err)
	}
	nothing := func(payment.Payment) ([]payment.Event, error) { return nil, nil }
	if _, err := other.Advance(t.Context(), payment.Payment{Opened: payment.Opened{ID: "p"}}, nothing); err == nil || !journal.Trouble(err) {
		t.Errorf("and there is nothing more to do: error %v", err)
	}
}

// A change keeps its number for those who were told it: after a failover that lacks the numbers, a
// change that came late could have it, and whoever follows the feed would never see that one.
func TestNobodyIsToldANumberThatNoStandbyHas(t *testing.T) {
	f := forsake(t, func(s *journal.Store) {
		r, e := open("p", "")
		_, err := s.Open(t.Context(), r, providers.Payer{}, e)
		must(t, err)
	})
	s := f.replica()
	if n, err := s.Number(t.Context(), start.Add(time.Minute), 10); n > 0 || err == nil || !journal.Trouble(err) {
		t.Fatalf("no standby has the %d numbers, and the error is %v", n, err)
	}
	f.isSeen(`feed`)
	for name, replica := range map[string]*journal.Store{"who gave it": s, "another": f.replica()} {
		if changes, err := replica.Changes(t.Context(), "shop", 0, 10); err == nil || !journal.Trouble(err) {
			t.Errorf("%s tells of %v, error %v", name, changes, err)
		}
		if changes, err := replica.Changes(t.Context(), "shop", 1, 10); err != nil || len(changes) > 0 {
			t.Errorf("%s, asked for what comes after all: %v, error %v", name, changes, err)
		}
	}
}

// That a wait was canceled is told by a warning alone, and a role may be set up to hear of none.
func TestACommitThatNoStandbyConfirmedIsNoSuccessWhereWarningsAreTurnedOff(t *testing.T) {
	f := forsake(t)
	operator, err := sql.Open("pgx", f.url)
	must(t, err)
	defer operator.Close()
	s, err := journal.Open(journal.Options{URL: f.url + "&client_min_messages=error", CommitTimeout: time.Minute, Due: func(payment.Payment, time.Time) time.Time { return time.Time{} }})
	must(t, err)
	defer s.Close()
	ended := make(chan error)
	go func() { ended <- s.StoreNotice(t.Context(), "n", shop, providers.Notice{}, start) }()
	for {
		select {
		case err := <-ended:
			if err == nil || !journal.Trouble(err) {
				t.Errorf("no standby has it, and the error is %v", err)
			}
			return
		case <-time.After(5 * time.Millisecond):
			_, err := operator.ExecContext(t.Context(), `SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'`)
			must(t, err)
		}
	}
}
