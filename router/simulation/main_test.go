package simulation

import (
	"flag"
	"os"
	"testing"
)

// Flags of this test binary. Seeds run in processes of their own, one for each core, each
// with a single thread: what goroutines do at one instant is then in one order.
var (
	seeds   = flag.Uint64("sim.seeds", 24, "how many seeds to run")
	first   = flag.Uint64("sim.first", 1, "the first of them")
	one     = flag.Uint64("sim.seed", 0, "run this seed alone and tell its story")
	worker  = flag.Bool("sim.worker", false, "run the seeds that come on standard input (used by the parent process)")
	quiet   = flag.Bool("sim.quiet", false, "no progress")
	failing = flag.Bool("sim.stop", false, "stop at the first seed that fails")
)

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(m.Run())
}
