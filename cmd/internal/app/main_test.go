//go:build unix

package app_test

import (
	"os"
	"testing"

	"github.com/payrouter/payrouter/router/pgtest"
)

// TestMain makes this binary the service when a test started it as such: kill -9 needs
// a process of its own, and the step at which it dies must not exist in a production
// build.
func TestMain(m *testing.M) {
	if path := os.Getenv(childConfig); path != "" {
		os.Exit(beService(path))
	}
	os.Exit(pgtest.Main(m))
}
