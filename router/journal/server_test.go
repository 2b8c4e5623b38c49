package journal_test

import (
	"errors"
	"os"
	"testing"
	"time"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router/journal"
	"github.com/payrouter/payrouter/router/payment"
	"github.com/payrouter/payrouter/router/pgtest/pgserver"
)

// launched is a PostgreSQL of the test's own, which may be stopped.
func launched(t *testing.T, settings ...string) *pgserver.Server {
	t.Helper()
	server, err := pgserver.Launch(t.Context(), pgserver.Options{Volatile: true, Settings: settings})
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skipf("NO POSTGRESQL THAT MAY BE STOPPED, so this test did not run: %v", err)
	}
	t.Cleanup(server.Stop)
	return server
}

// A server that takes over may be written to long before the next look: whoever reaches it
// knows at once.
func TestTheFirstConnectionToAServerThatWasStartedAnewTells(t *testing.T) {
	server := launched(t)
	s, err := journal.Open(journal.Options{URL: server.URL, Due: func(payment.Payment, time.Time) time.Time { return time.Time{} }})
	must(t, err)
	defer s.Close()
	must(t, s.Migrate(t.Context()))
	if look, err := s.LookOver(t.Context()); look.Moved || s.Moved() || err != nil {
		t.Fatalf("%+v, error %v, while nothing happened", look, err)
	}
	must(t, server.Halt(pgserver.Fast))
	must(t, server.Start(t.Context()))
	if s.Moved() {
		t.Fatal("it knows before it asked")
	}
	if _, err := s.Seq(t.Context(), "none"); err == nil {
		t.Fatal("there is no such payment")
	}
	if !s.Moved() {
		t.Error("a statement was answered by a server that nobody has looked over, and it does not know")
	}
	r, e := open("p", "")
	if _, err := s.Open(t.Context(), r, providers.Payer{}, e); !errors.Is(err, journal.ErrMoved) || !journal.Trouble(err) {
		t.Errorf("a payment was opened there: error %v", err)
	}
	if look, err := s.LookOver(t.Context()); !look.Moved || err != nil {
		t.Errorf("%+v, error %v", look, err)
	}
	s.Settle()
	if look, err := s.LookOver(t.Context()); look.Moved || s.Moved() || err != nil {
		t.Errorf("told once: %+v, error %v", look, err)
	}
	_, err = s.Open(t.Context(), r, providers.Payer{}, e)
	must(t, err)
}

// A server may take over between the look at the one before it and the conclusions from that look:
// what was concluded then is not about it.
func TestAServerThatTakesOverAfterTheLookIsLookedOverToo(t *testing.T) {
	server := launched(t)
	s, err := journal.Open(journal.Options{URL: server.URL, Due: func(payment.Payment, time.Time) time.Time { return time.Time{} }})
	must(t, err)
	defer s.Close()
	must(t, s.Migrate(t.Context()))
	takeOver := func() {
		t.Helper()
		must(t, server.Halt(pgserver.Fast))
		must(t, server.Start(t.Context()))
		for { // the connections to the one before fail first
			if _, err := s.Seq(t.Context(), "none"); errors.Is(err, journal.ErrNotFound) {
				return
			}
		}
	}
	_, err = s.LookOver(t.Context())
	must(t, err)
	takeOver()
	if look, err := s.LookOver(t.Context()); !look.Moved || err != nil {
		t.Fatalf("%+v, error %v", look, err)
	}
	takeOver()
	s.Settle()
	r, e := open("p", "")
	if _, err := s.Open(t.Context(), r, providers.Payer{}, e); !errors.Is(err, journal.ErrMoved) {
		t.Errorf("a payment was opened at a server that nobody has looked over: error %v", err)
	}
	if look, err := s.LookOver(t.Context()); !look.Moved || err != nil {
		t.Errorf("%+v, error %v", look, err)
	}
	s.Settle()
	_, err = s.Open(t.Context(), r, providers.Payer{}, e)
	must(t, err)
}
