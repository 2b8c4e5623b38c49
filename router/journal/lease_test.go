package journal_test

import (
	"database/sql"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router/journal"
	"github.com/payrouter/payrouter/router/payment"
	"github.com/payrouter/payrouter/router/pgtest"
)

// A replica asks for the sequencer's lease every second for as long as another one has it.
func TestWhoeverCannotHaveALeaseWritesNothing(t *testing.T) {
	for engine, url := range map[string]func(*testing.T) string{
		"sqlite":     func(t *testing.T) string { return "sqlite:" + filepath.Join(t.TempDir(), "books.db") },
		"postgresql": func(t *testing.T) string { return pgtest.URL(t) },
	} {
		t.Run(engine, func(t *testing.T) {
			e := &ears{}
			s := overheard(t, url(t), e)
			for _, c := range []struct {
				what, owner string
				after       time.Duration
				has, writes bool
			}{
				{"nobody has it", "a", 0, true, true},
				{"another one has it", "b", time.Second, false, false},
				{"its owner renews it", "a", 3 * time.Second, true, true},
				{"another one still has it", "b", 13 * time.Second, false, false},
				{"at its last instant", "b", 13 * time.Second, false, false},
				{"it ran out", "b", 13*time.Second + time.Microsecond, true, true},
				{"who had it comes late", "a", 14 * time.Second, false, false},
			} {
				e.take()
				got, err := s.Lease(t.Context(), "sequencer", c.owner, start.Add(c.after), 10*time.Second)
				if err != nil || got != c.has {
					t.Errorf("%s: %s has it: %t, error %v", c.what, c.owner, got, err)
				}
				wrote := false
				for _, sent := range e.take() {
					wrote = wrote || !strings.HasPrefix(sent.text, "SELECT ")
				}
				if wrote != c.writes {
					t.Errorf("%s: %s wrote: %t", c.what, c.owner, wrote)
				}
			}
		})
	}
}

// A process that was stopped while it wrote holds rows until somebody ends its connection, and its
// payments come due meanwhile. They are nobody's work, and in nobody's way.
func TestRowsThatAStoppedProcessHoldsKeepNobodyFromOtherWork(t *testing.T) {
	url := pgtest.URL(t)
	s, err := journal.Open(journal.Options{URL: url, CommitTimeout: time.Second, Due: func(payment.Payment, time.Time) time.Time { return start }})
	must(t, err)
	defer s.Close()
	must(t, s.Migrate(t.Context()))
	for _, id := range []string{"held", "free"} {
		r, e := open(id, "")
		_, err := s.Open(t.Context(), r, providers.Payer{}, e)
		must(t, err)
	}
	stopped := held(t, url, `UPDATE payments SET updated_at = updated_at + 1 WHERE id = 'held'`)
	if ids, err := s.Claim(t.Context(), start.Add(time.Minute), start.Add(2*time.Minute), 16); err != nil || !slices.Equal(ids, []string{"free"}) {
		t.Errorf("claimed %q, error %v", ids, err)
	}
	must(t, stopped.Rollback())
	if ids, err := s.Claim(t.Context(), start.Add(time.Minute), start.Add(2*time.Minute), 16); err != nil || !slices.Equal(ids, []string{"held"}) {
		t.Errorf("once it is let go: claimed %q, error %v", ids, err)
	}
}

// held is a transaction that has changed something and does not end, as of a process that was stopped.
func held(t *testing.T, url, statement string) *sql.Tx {
	t.Helper()
	tx := stoppedAt(t, url)
	_, err := tx.ExecContext(t.Context(), statement)
	must(t, err)
	return tx
}

// So it is with the runs of the back office, the files that people gave it, and the payments that an
// order wakes: whoever comes by takes the others.
func TestWhatAStoppedProcessHoldsKeepsNobodyFromOtherBooks(t *testing.T) {
	url := pgtest.URL(t)
	s, err := journal.Open(journal.Options{URL: url, CommitTimeout: time.Second, Due: func(payment.Payment, time.Time) time.Time { return time.Time{} }})
	must(t, err)
	defer s.Close()
	must(t, s.Migrate(t.Context()))
	ctx, gateways := t.Context(), []string{shop, "halyk-main"}

	other := newRun("free")
	other.Gateway, other.Due = "halyk-main", start.Add(time.Second)
	for _, r := range []journal.Run{newRun("held"), other} {
		_, _, err := s.StartRun(ctx, r)
		must(t, err)
	}
	stopped := held(t, url, `UPDATE runs SET tries = tries + 1 WHERE id = 'held'`)
	if r, err := s.ClaimRun(ctx, "me", start.Add(time.Minute), time.Minute, gateways); err != nil || r.ID != "free" {
		t.Errorf("claimed the run %q, error %v", r.ID, err)
	}
	must(t, stopped.Rollback())
	if r, err := s.ClaimRun(ctx, "me", start.Add(time.Minute), time.Minute, gateways); err != nil || r.ID != "held" {
		t.Errorf("once it is let go: claimed the run %q, error %v", r.ID, err)
	}

	for _, id := range []string{"held", "later"} {
		_, err := s.StartImport(ctx, journal.Import{ID: id, Gateway: shop, Size: 3, FromDay: "2026-11-22", ToDay: "2026-11-22", Created: start})
		must(t, err)
		_, err = s.AddPiece(ctx, id, 0, []byte("abc"), start)
		must(t, err)
	}
	stopped = held(t, url, `UPDATE imports SET tries = tries + 1 WHERE id = 'held'`)
	if i, err := s.ClaimImport(ctx, "me", start, time.Minute); err != nil || i.ID != "later" {
		t.Errorf("claimed the file %q, error %v", i.ID, err)
	}
	must(t, stopped.Rollback())
	if i, err := s.ClaimImport(ctx, "me", start, time.Minute); err != nil || i.ID != "held" {
		t.Errorf("once it is let go: claimed the file %q, error %v", i.ID, err)
	}

	for _, id := range []string{"held", "free"} {
		r, e := open(id, "")
		p, err := s.Open(ctx, r, providers.Payer{}, e)
		must(t, err)
		_, err = s.Advance(ctx, p, planned("ref-"+id))
		must(t, err)
	}
	due := func(now time.Time) []string {
		t.Helper()
		ids, err := s.Claim(ctx, now, now.Add(48*time.Hour), 16)
		must(t, err)
		return ids
	}
	woken := map[string]bool{}
	stopped = held(t, url, `UPDATE payments SET updated_at = updated_at + 1 WHERE id = 'held'`)
	if all, err := s.WakeOpen(ctx, shop, start, woken); all || err != nil {
		t.Errorf("one is held: woken all %t, error %v", all, err)
	}
	if ids := due(start); !slices.Equal(ids, []string{"free"}) {
		t.Errorf("woken are %q", ids)
	}
	must(t, stopped.Rollback())
	if all, err := s.WakeOpen(ctx, shop, start, woken); !all || err != nil {
		t.Errorf("once it is let go: woken all %t, error %v", all, err)
	}
	if ids := due(start); !slices.Equal(ids, []string{"held"}) { // the other one had its turn
		t.Errorf("once it is let go: woken are %q", ids)
	}
}
