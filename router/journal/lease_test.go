package journal_test

import (
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
	stopped := stoppedAt(t, url)
	_, err = stopped.ExecContext(t.Context(), `UPDATE payments SET updated_at = updated_at + 1 WHERE id = 'held'`)
	must(t, err)
	if ids, err := s.Claim(t.Context(), start.Add(time.Minute), start.Add(2*time.Minute), 16); err != nil || !slices.Equal(ids, []string{"free"}) {
		t.Errorf("claimed %q, error %v", ids, err)
	}
	must(t, stopped.Rollback())
	if ids, err := s.Claim(t.Context(), start.Add(time.Minute), start.Add(2*time.Minute), 16); err != nil || !slices.Equal(ids, []string{"held"}) {
		t.Errorf("once it is let go: claimed %q, error %v", ids, err)
	}
}
