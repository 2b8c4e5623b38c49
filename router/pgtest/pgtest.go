// Package pgtest gives tests a real PostgreSQL: the one that PAYROUTER_TEST_POSTGRES
// names, or a throw-away server started from locally installed binaries, as root
// or not. Where neither is to be had, tests skip loudly; under CI they fail.
package pgtest

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/payrouter/payrouter/router/pgtest/pgserver"
)

var (
	once    sync.Once
	server  *pgserver.Server
	base    string
	why     error
	schemas atomic.Int64
)

// Main runs a package's tests and stops the server they started. Use it in TestMain.
func Main(m *testing.M) int {
	defer func() {
		if server != nil {
			server.Stop()
		}
	}()
	return m.Run()
}

// URL returns a connection URL whose search_path is a schema of the test's own.
func URL(t testing.TB) string {
	t.Helper()
	once.Do(func() {
		if base = os.Getenv("PAYROUTER_TEST_POSTGRES"); base == "" {
			server, why = pgserver.Launch(context.Background(), pgserver.Options{Volatile: true})
			if why == nil {
				base = server.URL
			}
		}
	})
	if why != nil {
		text := fmt.Sprintf("NO POSTGRESQL, so its half of the tests did not run: %v\n    install it with: apt-get install -y --no-install-recommends postgresql   (or set PAYROUTER_TEST_POSTGRES to a URL)", why)
		if os.Getenv("CI") == "true" {
			t.Fatal(text)
		}
		t.Skip(text)
	}
	db, err := sql.Open("pgx", base)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	schema := fmt.Sprintf("t%d_%d", os.Getpid(), schemas.Add(1))
	if _, err := db.ExecContext(context.Background(), "CREATE SCHEMA "+schema); err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	query := u.Query()
	query.Set("search_path", schema)
	u.RawQuery = query.Encode()
	return u.String()
}
