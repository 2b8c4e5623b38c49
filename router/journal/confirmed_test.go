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

// The standby hangs, and the waits of commits for it come to an end: each stands at a server that
// may be lost with it.
func TestACommitThatNoStandbyConfirmedIsNoSuccess(t *testing.T) {
	server := launched(t, "synchronous_commit=local")
	restart := func(standbys string, patience time.Duration) *journal.Store {
		t.Helper()
		must(t, server.Halt(pgserver.Fast))
		server.Set("synchronous_standby_names=" + standbys)
		must(t, server.Start(t.Context()))
		s, err := journal.Open(journal.Options{URL: server.URL + "&synchronous_commit=on", CommitTimeout: patience,
			Due: func(payment.Payment, time.Time) time.Time { return time.Time{} }})
		must(t, err)
		t.Cleanup(func() { s.Close() })
		return s
	}
	s := restart("", time.Minute)
	must(t, s.Migrate(t.Context()))
	must(t, s.Close())
	for way, c := range map[string]struct {
		order    string
		patience time.Duration
	}{
		"canceled":   {`SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'`, time.Minute},
		"terminated": {`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'`, time.Minute},
		"given up":   {`SELECT 1`, 300 * time.Millisecond},
	} {
		t.Run(way, func(t *testing.T) {
			s := restart("", time.Minute)
			r, e := open("before "+way, "")
			before, err := s.Open(t.Context(), r, providers.Payer{}, e)
			must(t, err)
			must(t, s.Close())
			s = restart("nobody", c.patience)
			operator, err := sql.Open("pgx", server.URL)
			must(t, err)
			defer operator.Close()

			// ends runs a write while the operator ends whatever waits for the standby.
			ends := func(write func(context.Context) error) error {
				t.Helper()
				ended := make(chan error)
				go func() { ended <- write(context.Background()) }()
				for {
					select {
					case err := <-ended:
						return err
					default:
						_, err := operator.ExecContext(t.Context(), c.order)
						must(t, err)
					}
				}
			}
			r, e = open("alone "+way, "")
			opens := func(ctx context.Context) error {
				_, err := s.Open(ctx, r, providers.Payer{}, e)
				return err
			}
			goesOn := func(ctx context.Context) error {
				_, err := s.Advance(ctx, before, planned("reference "+way))
				return err
			}
			for _, w := range []struct {
				name  string
				write func(context.Context) error
			}{
				{"a payment is opened", opens},
				{"and asked for again", opens},
				{"a payment goes on", goesOn},
				{"and there is nothing more to do", func(ctx context.Context) error {
					_, err := s.Advance(ctx, before, func(payment.Payment) ([]payment.Event, error) { return nil, nil })
					return err
				}},
				{"a notice is stored", func(ctx context.Context) error {
					return s.StoreNotice(ctx, "notice "+way, shop, providers.Notice{}, start)
				}},
				{"an order is given", func(ctx context.Context) error {
					return s.Hold(ctx, []journal.Override{{ID: "order " + way, Gateway: shop + way, Mode: "reconcile", Actor: "operator:aida", Reason: "a test",
						Created: start, Start: start, End: start.Add(time.Hour)}}, func(string) string { return "orders" }, 10, false)
				}},
			} {
				if err := ends(w.write); err == nil || !journal.Trouble(err) {
					t.Errorf("%s, and no standby has it: error %v", w.name, err)
				}
			}

			must(t, operator.Close())
			must(t, s.Close())
			s = restart("", time.Minute)
			if p, err := s.Open(t.Context(), r, providers.Payer{}, e); !errors.Is(err, journal.ErrRepeated) || p.ID != e.Body.(payment.Opened).ID {
				t.Errorf("asked for again it is %q, error %v", p.ID, err)
			}
			p, err := s.Get(t.Context(), before.ID)
			must(t, err)
			if _, err = s.Advance(t.Context(), p, planned("the next of "+way)); err != nil && !errors.Is(err, payment.ErrNotAllowed) {
				t.Errorf("the books do not go on: %v", err)
			}
		})
	}
}

func TestWhatWasInDoubtIsToldOnceALaterCommitIsConfirmed(t *testing.T) {
	on(t, func(t *testing.T, openStore func() *journal.Store) {
		s := openStore()
		r, e := open("p", "")
		_, err := s.Open(t.Context(), r, providers.Payer{}, e)
		must(t, err)
		journal.Doubt(s)
		for range 2 {
			if _, err := s.Open(t.Context(), r, providers.Payer{}, e); !errors.Is(err, journal.ErrRepeated) {
				t.Errorf("error %v", err)
			}
		}
		if journal.Doubted(s) {
			t.Error("it is in doubt for ever")
		}
	})
}
