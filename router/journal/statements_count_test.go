package journal_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router/payment"
	"github.com/payrouter/payrouter/router/pgtest"
)

// A charge is two commits: what is wished and planned, and what came of it. Every statement is
// work for the one writer of a file, or for a server that all replicas share: no more without
// a reason.
func TestAChargeIsNineStatementsInTwoCommits(t *testing.T) {
	for engine, url := range map[string]func() string{
		"sqlite":     func() string { return "sqlite:" + filepath.Join(t.TempDir(), "books.db") },
		"postgresql": func() string { return pgtest.URL(t) },
	} {
		t.Run(engine, func(t *testing.T) {
			var e ears
			s := overheard(t, url(), &e)
			request, opened := open("p", "order")
			plan := payment.Event{At: start, Actor: "router", Body: payment.Planned{Attempt: 1, Gateway: "kaspi-main", Provider: "kaspi", Method: providers.QR, Reference: "ref"}}
			p, err := s.Open(t.Context(), request, providers.Payer{}, opened, plan)
			must(t, err)
			e.expect(t, "opening it, planned", "INSERT INTO requests", "INSERT INTO payments", "INSERT INTO events", "INSERT INTO attempts", "INSERT INTO outbox")
			_, err = s.Advance(t.Context(), p, func(payment.Payment) ([]payment.Event, error) {
				return []payment.Event{
					{At: start, Actor: "router", Body: payment.Observed{Attempt: 1, Source: payment.FromResponse, Verdict: providers.Approved, Amount: opened.Body.(payment.Opened).Amount}},
				}, nil
			})
			must(t, err)
			e.expect(t, "what came of it", "UPDATE payments", "INSERT INTO events", "INSERT INTO attempts", "INSERT INTO outbox")
		})
	}
}

// expect fails the test unless the statements since it was called last begin so, in this order.
// What begins and ends a transaction is not counted.
func (e *ears) expect(t *testing.T, what string, want ...string) {
	t.Helper()
	var got []string
	for _, s := range e.take() {
		words := strings.Fields(s.text)
		if n := min(len(words), 3); slices.Contains([]string{"INSERT", "UPDATE", "DELETE", "SELECT", "WITH"}, words[0]) {
			if words[0] == "UPDATE" {
				n = 2
			}
			got = append(got, strings.Join(words[:n], " "))
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("%s: %d statements, want %d\n%s", what, len(got), len(want), strings.Join(got, "\n"))
	}
}
