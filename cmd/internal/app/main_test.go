//go:build unix

package app_test

import (
	"flag"
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
	flag.Parse()
	asked := false
	flag.Visit(func(f *flag.Flag) { asked = asked || f.Name == "test.parallel" })
	if !asked { // tests that wait for the truth do little else, and cost no processor
		_ = flag.Set("test.parallel", "8")
	}
	os.Exit(pgtest.Main(m))
}
