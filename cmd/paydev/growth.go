package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/payrouter/payrouter/router/journal/bulk"
)

// growth measures what the journal's operations cost as the books grow.
//
//	fill 10 thousand ─┐
//	fill 1 million   ─┼─► durable from here on ─► each operation, one call in each books in turn ─► ratios
//	fill 10 million  ─┘
//
// All books of an engine are there at the same time, and calls alternate between them, so that
// a ratio compares what met the same machine in the same second. It is a measurement and no
// gate: the exit status only says whether there was anything to measure.
type growth struct {
	sizes       []int
	engines     []string
	operations  []string // empty: all
	calls       int      // of each operation in each books, in one repetition
	repetitions int
	folder      string
	spare       int64 // bytes that stay free on the disk
	buffers     string
	server      string // the URL of PostgreSQL; a throw-away server when empty
	errs        io.Writer
}

// flat is how much more an operation may cost in the largest books than in the smallest.
const flat = 1.2

const growthHelp = `paydev growth fills books with honest histories, as many payments as each of -sizes says, and
measures what the journal's operations cost in the largest books against the smallest. The
target is 1.2 at most. A payment takes about 4 KB of disk; filling 10 million takes about half
an hour, so begin with fewer:

  paydev growth -sizes 10k,100k -engine postgresql

docs/growth.md says how to read it.

Flags:
`

// growthCommand is the command paydev growth.
func growthCommand(ctx context.Context, args []string, out, errs io.Writer) int {
	g := &growth{errs: errs}
	flags := flag.NewFlagSet("paydev growth", flag.ContinueOnError)
	flags.SetOutput(errs)
	asJSON := flags.Bool("json", false, "print the report as one JSON object")
	understand := g.flags(flags)
	flags.Usage = func() {
		fmt.Fprint(errs, growthHelp)
		flags.PrintDefaults()
	}
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		return 2
	}
	if err := understand(); err != nil {
		fmt.Fprintln(errs, "paydev growth:", err)
		return 2
	}
	settings := map[string]string{}
	flags.VisitAll(func(f *flag.Flag) { settings[f.Name] = f.Value.String() })
	r, err := g.run(ctx)
	if err == nil {
		r.Settings = settings
		if *asJSON {
			e := json.NewEncoder(out)
			e.SetIndent("", "  ")
			err = e.Encode(r)
		} else {
			err = r.print(out)
		}
	}
	if err != nil {
		fmt.Fprintln(errs, "paydev growth:", err)
		return 1
	}
	return 0
}

// flags declares the flags; the function that it returns reads what they were set to.
func (g *growth) flags(flags *flag.FlagSet) (understand func() error) {
	sizes := flags.String("sizes", "10k,1M,10M", "how many payments the books have, k for thousands and M for millions")
	engine := flags.String("engine", "all", strings.Join(allEngines(), ", ")+" or all: databases")
	only := flags.String("operations", "all", "which to measure, by name; -sizes 1k prints all names")
	flags.IntVar(&g.calls, "calls", 40, "how often an operation is called in each books in one repetition")
	flags.IntVar(&g.repetitions, "repetitions", 5, "how often that is done; the report is of medians")
	flags.StringVar(&g.folder, "data", "", "folder for the databases; a temporary one when empty. It is the disk that is measured")
	flags.StringVar(&g.buffers, "shared-buffers", "1GB", "shared_buffers of PostgreSQL")
	flags.StringVar(&g.server, "postgresql", "", "postgres:// URL of a server to measure, in schemas named growth10000 and so on, which are filled where they are\nmissing and stay; a throw-away server when empty")
	spare := flags.Int64("spare", 12, "GiB that stay free on the disk: filling ends with an error before")
	return func() error {
		var wrong [3]error
		g.sizes, wrong[0] = each("sizes", strings.Split(*sizes, ","), sizeOf)
		g.engines, wrong[1] = choose("engine", *engine, allEngines())
		if *only != "all" {
			g.operations, wrong[2] = choose("operations", *only, operationNames())
		}
		slices.Sort(g.sizes)
		g.spare = *spare << 30
		switch err := errors.Join(wrong[:]...); {
		case err != nil:
			return err
		case g.calls < 1 || g.repetitions < 1:
			return errors.New("-calls and -repetitions: at least one is needed")
		case flags.NArg() > 0:
			return fmt.Errorf("%q is not understood (see paydev growth -h)", flags.Arg(0))
		}
		return nil
	}
}

// sizeOf reads 10k, 1M or a plain number.
func sizeOf(text string) (int, error) {
	digits, times := text, 1
	switch {
	case strings.HasSuffix(text, "k"):
		digits, times = strings.TrimSuffix(text, "k"), 1000
	case strings.HasSuffix(text, "M"):
		digits, times = strings.TrimSuffix(text, "M"), 1_000_000
	}
	n, err := strconv.Atoi(digits)
	if err != nil || n < 1 || n > 100_000_000/times || n*times < leastBooks {
		return 0, fmt.Errorf("%q is not a number from %d to 100M", text, leastBooks)
	}
	return n * times, nil
}

// leastBooks have enough of everything that is asked for.
const leastBooks = 1000

// run measures all engines and reports them.
func (g *growth) run(ctx context.Context) (*growthReport, error) {
	began := time.Now()
	if g.folder == "" {
		folder, err := os.MkdirTemp("", "paydev-growth")
		if err != nil {
			return nil, err
		}
		defer func() { _ = os.RemoveAll(folder) }()
		g.folder = folder
	} else if err := os.MkdirAll(g.folder, 0o700); err != nil {
		return nil, err
	}
	if err := os.Chmod(g.folder, 0o711); err != nil { // PostgreSQL may run as somebody else
		return nil, err
	}
	r := &growthReport{Commit: commit(ctx), Go: runtime.Version(), System: runtime.GOOS + "/" + runtime.GOARCH, CPU: cpu(ctx), Cores: runtime.GOMAXPROCS(0),
		Load: loadAverage(), Calls: g.calls, Repetitions: g.repetitions, PerDay: bulk.Plan{}.Default().PerDay, Warnings: []string{}}
	var err error
	if r.DiskSyncUS, err = diskSync(g.folder); err != nil {
		return nil, err
	}
	for _, name := range g.engines {
		if err := g.engine(ctx, name, r); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	r.LoadAtEnd, r.TookMS = loadAverage(), time.Since(began).Milliseconds()
	return r, nil
}

// engine fills books of all sizes, and measures them.
func (g *growth) engine(ctx context.Context, name string, r *growthReport) error {
	e, err := g.launch(ctx, name)
	if err != nil {
		return err
	}
	defer e.close()
	var all []*grown
	defer func() {
		for _, b := range all {
			_ = b.store.Close()
		}
	}()
	for _, n := range g.sizes {
		b, err := g.grown(ctx, e, n)
		if err != nil {
			return fmt.Errorf("%d payments: %w", n, err)
		}
		all = append(all, b)
	}
	if err := e.settle(ctx); err != nil {
		return err
	}
	facts, err := e.describe(ctx)
	if err != nil {
		return err
	}
	r.Engines, r.Warnings = append(r.Engines, facts), append(r.Warnings, facts.warnings...)
	for _, b := range all {
		if err := b.open(ctx); err != nil {
			return err
		}
		r.Books = append(r.Books, b.facts)
	}
	return g.measure(ctx, e, all, r)
}

// say tells how far it is.
func (g *growth) say(format string, args ...any) {
	fmt.Fprintf(g.errs, "%s paydev growth: "+format+"\n", append([]any{time.Now().UTC().Format(time.TimeOnly)}, args...)...)
}
