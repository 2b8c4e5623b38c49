package journal_test

import (
	"context"
	"database/sql"
	"errors"
	"testing"
	"time"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router/journal"
	"github.com/payrouter/payrouter/router/payment"
	"github.com/payrouter/payrouter/router/pgtest/pgserver"
)

// The standby hangs, and somebody cancels the commits that wait for it: each succeeds with a
// warning, and stands at a server that may be lost with it.
func TestACommitThatNoStandbyConfirmedIsNoSuccess(t *testing.T) {
	server := launched(t, "synchronous_commit=local")
	restart := func(standbys string) *journal.Store {
		t.Helper()
		must(t, server.Halt(pgserver.Fast))
		server.Set("synchronous_standby_names=" + standbys)
		must(t, server.Start(t.Context()))
		s, err := journal.Open(journal.Options{URL: server.URL + "&synchronous_commit=on", CommitTimeout: 30 * time.Second,
			Due: func(payment.Payment, time.Time) time.Time { return time.Time{} }})
		must(t, err)
		t.Cleanup(func() { s.Close() })
		return s
	}
	s := restart("")
	must(t, s.Migrate(t.Context()))
	r, e := open("before", "")
	before, err := s.Open(t.Context(), r, providers.Payer{}, e)
	must(t, err)
	must(t, s.Close())
	s = restart("nobody")
	operator, err := sql.Open("pgx", server.URL)
	must(t, err)
	defer operator.Close()

	// canceled runs a write while the operator cancels whatever waits for the standby.
	canceled := func(write func(context.Context) error) error {
		t.Helper()
		ended := make(chan error)
		go func() { ended <- write(context.Background()) }()
		for {
			select {
			case err := <-ended:
				return err
			default:
				_, err := operator.ExecContext(t.Context(), `SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'`)
				must(t, err)
			}
		}
	}
	r, e = open("alone", "")
	for name, write := range map[string]func(context.Context) error{
		"a payment is opened": func(ctx context.Context) error {
			_, err := s.Open(ctx, r, providers.Payer{}, e)
			return err
		},
		"a payment goes on": func(ctx context.Context) error {
			_, err := s.Advance(ctx, before, planned("reference"))
			return err
		},
		"a notice is stored": func(ctx context.Context) error {
			return s.StoreNotice(ctx, "notice", shop, providers.Notice{}, start)
		},
		"an order is given": func(ctx context.Context) error {
			return s.Hold(ctx, []journal.Override{{ID: "o", Gateway: shop, Mode: "reconcile", Actor: "operator:aida", Reason: "a test", Created: start, Start: start, End: start.Add(time.Hour)}}, func(string) string { return "orders" }, 10, false)
		},
	} {
		if err := canceled(write); err == nil || !journal.Trouble(err) {
			t.Errorf("%s, and no standby has it: error %v", name, err)
		}
	}

	must(t, operator.Close())
	must(t, s.Close())
	s = restart("")
	if p, err := s.Open(t.Context(), r, providers.Payer{}, e); !errors.Is(err, journal.ErrRepeated) || p.ID != "alone" {
		t.Errorf("asked for again it is %q, error %v", p.ID, err)
	}
	p, err := s.Get(t.Context(), before.ID)
	must(t, err)
	if _, err = s.Advance(t.Context(), p, planned("the next")); err != nil && !errors.Is(err, payment.ErrNotAllowed) {
		t.Errorf("the books do not go on: %v", err)
	}
}
