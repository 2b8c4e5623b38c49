package journal_test

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

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
