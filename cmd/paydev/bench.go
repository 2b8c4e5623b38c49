package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"
)

// benchmark measures the whole service, and beside it what this machine can do at all:
//
//	gRPC ─► payrouter ─► commit ─► gateway ─► commit ─► answer      what: payrouter
//	                     commit             + commit                what: commits
//	                               gateway                          what: gateway
//
// The runs of a repetition follow each other closely, so that a ratio compares what met
// the same machine at the same time. Nothing here is ever a gate: figures differ by half
// between hours, and the exit status only says whether there was anything to measure.
type benchmark struct {
	duration    time.Duration // of one measured run, after a warm-up
	callers     []int
	engines     []string
	repetitions int
	folder      string // where the databases lie; a temporary one when empty
	profiles    string // where CPU profiles go; none when empty
	errs        io.Writer
	gateway     *quickGateway
}

// allEngines are the databases, in the order of the report.
func allEngines() []string { return []string{"sqlite", "postgresql"} }

// bench is the command paydev bench.
func bench(ctx context.Context, args []string, out, errs io.Writer) int {
	b := &benchmark{errs: errs}
	flags := flag.NewFlagSet("paydev bench", flag.ContinueOnError)
	flags.SetOutput(errs)
	callers := flags.String("callers", "1,16,64", "how many callers at once, one cell each")
	engine := flags.String("engine", "all", "sqlite, postgresql or all")
	asJSON := flags.Bool("json", false, "print the report as one JSON object")
	flags.DurationVar(&b.duration, "duration", 3*time.Second, "how long one run is measured, after a warm-up")
	flags.IntVar(&b.repetitions, "repetitions", 3, "how often each cell is run; the report is of medians")
	flags.StringVar(&b.folder, "data", "", "folder on the disk to measure; a temporary one when empty")
	flags.StringVar(&b.profiles, "profiles", "", "folder for CPU profiles of the service's first runs; none when empty")
	flags.Usage = func() {
		fmt.Fprintf(errs, "paydev bench measures the whole service with a gateway that answers at once, and beside it what\nthis machine can do at all. docs/benchmark.md says how to read it.\n\nFlags:\n")
		flags.PrintDefaults()
	}
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		return 2
	}
	if err := b.understand(*callers, *engine, flags.Args()); err != nil {
		fmt.Fprintln(errs, "paydev bench:", err)
		return 2
	}
	r, err := b.run(ctx)
	if err != nil {
		fmt.Fprintln(errs, "paydev bench:", err)
		return 1
	}
	if *asJSON {
		e := json.NewEncoder(out)
		e.SetIndent("", "  ")
		err = e.Encode(r)
	} else {
		err = r.print(out)
	}
	if err != nil {
		fmt.Fprintln(errs, "paydev bench:", err)
		return 1
	}
	return 0
}

// understand checks the flags.
func (b *benchmark) understand(callers, engine string, rest []string) error {
	for _, text := range strings.Split(callers, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(text))
		if err != nil || n < 1 || n > mostCallers {
			return fmt.Errorf("-callers: %q is not a number from 1 to %d", text, mostCallers)
		}
		b.callers = append(b.callers, n)
	}
	b.engines = allEngines()
	if engine != "all" {
		b.engines = []string{engine}
	}
	switch {
	case !slices.Contains(allEngines(), b.engines[0]):
		return fmt.Errorf("-engine: %q is unknown; there are all, %s", engine, strings.Join(allEngines(), ", "))
	case b.duration < 100*time.Millisecond:
		return errors.New("-duration: less than 100ms measures nothing")
	case b.repetitions < 1:
		return errors.New("-repetitions: at least one is needed")
	case len(rest) > 0:
		return fmt.Errorf("%q is not understood (see paydev bench -h)", rest[0])
	}
	return nil
}

// mostCallers stays below the connections that the throw-away PostgreSQL takes.
const mostCallers = 256

// run measures all cells and reports them.
func (b *benchmark) run(ctx context.Context) (*report, error) {
	if b.folder == "" {
		folder, err := os.MkdirTemp("", "paydev-bench")
		if err != nil {
			return nil, err
		}
		defer func() { _ = os.RemoveAll(folder) }()
		b.folder = folder
		if err := os.Chmod(folder, 0o711); err != nil { // PostgreSQL may run as somebody else
			return nil, err
		}
	} else if err := os.MkdirAll(b.folder, 0o700); err != nil {
		return nil, err
	}
	var err error
	if b.gateway, err = openQuickGateway(ctx); err != nil {
		return nil, err
	}
	defer b.gateway.close()
	r := b.describe(ctx)
	engines, closeAll := b.open(ctx, r)
	defer closeAll()
	if len(engines) == 0 {
		return nil, errors.New("there is no database to measure with")
	}
	for n := range b.repetitions {
		for _, callers := range b.callers {
			if engines = b.repeat(ctx, r, engines, n, callers); ctx.Err() != nil {
				return nil, ctx.Err()
			}
		}
	}
	r.conclude()
	return r, nil
}

// open brings the databases up. One that is not to be had is reported, loudly, and left out.
func (b *benchmark) open(ctx context.Context, r *report) (all []engine, closeAll func()) {
	for _, name := range b.engines {
		e, facts, err := b.launch(ctx, name)
		if err != nil {
			b.warn(r, fmt.Sprintf("NOT MEASURED: %s: %v", name, err))
			continue
		}
		all, r.Engines = append(all, e), append(r.Engines, facts)
		for _, text := range facts.warnings {
			b.warn(r, text)
		}
	}
	return all, func() {
		for _, e := range all {
			e.close()
		}
	}
}

// launch starts one database and asks it what it is.
func (b *benchmark) launch(ctx context.Context, name string) (engine, engineFacts, error) {
	var e engine = &lite{folder: b.folder}
	if name == "postgresql" {
		server, err := launchPostgres(ctx, b.folder)
		if err != nil {
			return nil, engineFacts{}, err
		}
		e = server
	}
	facts, err := e.describe(ctx)
	if err != nil {
		e.close()
	}
	return e, facts, err
}

// warn says at once, and again in the report, what is missing in it.
func (b *benchmark) warn(r *report, text string) {
	fmt.Fprintln(b.errs, "paydev bench: "+text)
	r.Warnings = append(r.Warnings, text)
}

// repeat runs every cell for so many callers once, one right after the other, and returns
// the engines to go on with. One that breaks is left out of the whole report.
func (b *benchmark) repeat(ctx context.Context, r *report, engines []engine, n, callers int) []engine {
	b.progress(n, callers, whatGateway)
	r.cell("", callers, whatGateway).add(b.gateway.bare(ctx, callers, b.duration))
	return slices.DeleteFunc(slices.Clone(engines), func(e engine) bool {
		err := b.pair(ctx, r, e, n, callers)
		if err != nil && ctx.Err() == nil {
			b.warn(r, fmt.Sprintf("NOT MEASURED: %s: %v", e.name(), err))
			r.forget(e.name())
		}
		return err != nil
	})
}

// pair runs the commits alone and the service on one engine.
func (b *benchmark) pair(ctx context.Context, r *report, e engine, n, callers int) error {
	if e.canCommit() {
		b.progress(n, callers, e.name()+" "+whatCommits)
		s, err := b.commits(ctx, e, callers)
		if err != nil {
			return err
		}
		r.cell(e.name(), callers, whatCommits).add(s)
	}
	b.progress(n, callers, e.name()+" "+whatPayrouter)
	profile := ""
	if b.profiles != "" && n == 0 {
		profile = filepath.Join(b.profiles, fmt.Sprintf("%s-%d.pprof", e.name(), callers))
	}
	s, err := b.house(ctx, e, callers, profile)
	if err != nil {
		return err
	}
	r.cell(e.name(), callers, whatPayrouter).add(s)
	return nil
}

// progress tells what is running. It begins every run with a swept heap.
func (b *benchmark) progress(n, callers int, what string) {
	runtime.GC()
	fmt.Fprintf(b.errs, "repetition %d of %d, callers %d: %s\n", n+1, b.repetitions, callers, what)
}
