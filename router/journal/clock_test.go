package journal_test

import (
	"database/sql"
	"net/url"
	"path/filepath"
	"testing"
	"time"

	"github.com/payrouter/payrouter/router/journal"
	"github.com/payrouter/payrouter/router/payment"
	"github.com/payrouter/payrouter/router/pgtest"
)

// clockOf asks the database behind a URL for its time.
func clockOf(t *testing.T, address string) time.Time {
	t.Helper()
	store, err := journal.Open(journal.Options{URL: address, Due: func(payment.Payment, time.Time) time.Time { return time.Time{} }})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	now, err := store.Clock(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return now
}

// The time that replicas compare themselves with is the database server's, and not that
// of the machine which asks (SAFETY section 6, "clock").
func TestTheClockIsTheDatabasesAndNotTheProcesss(t *testing.T) {
	address, err := url.Parse(pgtest.URL(t))
	if err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("pgx", address.String())
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	// A server whose clock is an hour ahead: its function comes before the built-in one.
	if _, err := db.ExecContext(t.Context(), `CREATE FUNCTION clock_timestamp() RETURNS timestamptz LANGUAGE sql
		AS $$ SELECT pg_catalog.clock_timestamp() + interval '1 hour' $$`); err != nil {
		t.Fatal(err)
	}
	query := address.Query()
	query.Set("search_path", query.Get("search_path")+",pg_catalog")
	address.RawQuery = query.Encode()

	from := time.Now().Truncate(time.Microsecond)
	theirs := clockOf(t, address.String()).Add(-time.Hour)
	if until := time.Now(); theirs.Before(from) || theirs.After(until) {
		t.Errorf("an hour before the database's time is %s, which was asked for between %s and %s", theirs, from, until)
	}
}

// Behind a file there is no other clock.
func TestTheClockOfAFileIsTheProcesss(t *testing.T) {
	from := time.Now()
	now := clockOf(t, "sqlite:"+filepath.Join(t.TempDir(), "books.db"))
	if until := time.Now(); now.Before(from) || now.After(until) {
		t.Errorf("%s, which was asked for between %s and %s", now, from, until)
	}
}
