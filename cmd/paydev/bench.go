package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"time"
)

// benchmark measures the whole service, and beside it what this machine can do at all:
//
//	gRPC ─► payrouter ─► commit ─► gateway ─► commit ─► answer      what: payrouter
//	gRPC ──────────────────────────────────────────────► answer      what: echo
//	                     commit             + commit                what: commits, batch
//	                               gateway                          what: gateway
//
// The runs of a repetition follow each other closely, so that a ratio compares what met
// the same machine at the same time. Nothing here is ever a gate: figures differ by half
// between hours, and the exit status only says whether there was anything to measure.
type benchmark struct {
	duration    time.Duration // of one measured run, after a warm-up
	outage      time.Duration // how long one is watched
	callers     []int
	engines     []string
	flows       []string
	pauses      []time.Duration // before the gateway answers
	rates       []string
	parts       []string
	faults      []string
	replicas    []int
	repetitions int    // of the cells that targets rest on
	sweeps      int    // the repetitions in which all other cells are run too
	folder      string // where the databases lie; a temporary one when empty
	profiles    string // where CPU profiles go; none when empty
	errs        io.Writer

	gateways map[time.Duration]*quickGateway // by pause
	answer   []byte                          // a true answer, for the echo; empty when there is none
}

// bench is the command paydev bench.
func bench(ctx context.Context, args []string, out, errs io.Writer) int {
	if slices.Equal(args, []string{"serve"}) {
		return benchServe(ctx, os.Stdin, out, errs)
	}
	b := &benchmark{errs: errs}
	flags := flag.NewFlagSet("paydev bench", flag.ContinueOnError)
	flags.SetOutput(errs)
	asJSON := flags.Bool("json", false, "print the report as one JSON object")
	asMarkdown := flags.Bool("markdown", false, "print the report as the tables of docs/benchmark.md")
	picture := flags.String("picture", "", "file that gets the report as a picture, an SVG; none when empty")
	keep := flags.String("keep", "", "file that gets the report as JSON, whatever is printed; none when empty")
	kept := flags.String("report", "", "file with a report as JSON: it is shown, and nothing is measured")
	understand := b.flags(flags)
	flags.Usage = func() {
		fmt.Fprintf(errs, "paydev bench measures the whole service with a gateway of the benchmark's own, and beside it what\nthis machine can do at all. docs/benchmark.md says how to read it.\n\nFlags:\n")
		flags.PrintDefaults()
	}
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		return 2
	}
	if err := understand(); err != nil {
		fmt.Fprintln(errs, "paydev bench:", err)
		return 2
	}
	settings := map[string]string{}
	flags.VisitAll(func(f *flag.Flag) {
		if !slices.Contains([]string{"json", "keep", "markdown", "picture", "report"}, f.Name) { // they change no figure
			settings[f.Name] = f.Value.String()
		}
	})
	r, err := keptReport(*kept)
	if *kept == "" {
		r, err = b.run(ctx, settings)
	}
	if err == nil {
		err = r.files(*keep, *picture)
	}
	switch {
	case err != nil:
	case *asJSON:
		_, err = out.Write(r.json())
	case *asMarkdown:
		err = r.markdown(out, *picture)
	default:
		err = r.print(out)
	}
	if err != nil {
		fmt.Fprintln(errs, "paydev bench:", err)
		return 1
	}
	return 0
}

// files writes the report as JSON and as a picture, where one is wanted.
func (r *report) files(keep, picture string) (err error) {
	if keep != "" {
		err = os.WriteFile(keep, r.json(), 0o644)
	}
	if picture != "" {
		err = errors.Join(err, os.WriteFile(picture, r.picture(), 0o644))
	}
	return err
}

// json is the whole report.
func (r *report) json() []byte {
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		panic("a report of plain values: " + err.Error())
	}
	return append(text, '\n')
}

// keptReport reads a report that was printed as JSON; none without a file.
func keptReport(path string) (*report, error) {
	if path == "" {
		return nil, nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	r := &report{}
	if err := json.Unmarshal(text, r); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return r, nil
}

// mostCallers stays below the connections that the throw-away PostgreSQL takes.
const mostCallers = 256

// run measures all cells and reports them.
func (b *benchmark) run(ctx context.Context, settings map[string]string) (*report, error) {
	began := time.Now()
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
	b.gateways = map[time.Duration]*quickGateway{}
	for _, pause := range b.pauses {
		g, err := openQuickGateway(ctx, pause)
		if err != nil {
			return nil, err
		}
		defer g.close()
		b.gateways[pause] = g
	}
	r := b.describe(ctx)
	r.Settings = settings
	engines, closeAll := b.open(ctx, r)
	defer closeAll()
	if len(engines) == 0 {
		return nil, errors.New("there is no database to measure with")
	}
	if b.measures(partScale) && !slices.ContainsFunc(engines, func(e engine) bool { _, ok := e.(*postgres); return ok }) {
		b.warn(r, "NOT MEASURED: "+partScale+": it needs PostgreSQL; SQLite is one file of one process")
	}
	if b.measures(partLimits) {
		var err error
		if b.answer, err = b.rehearse(ctx); err != nil {
			b.warn(r, "NOT MEASURED: "+whatEcho+": "+err.Error())
		}
	}
	for n := range b.repetitions {
		if b.repeat(ctx, r, engines, n); ctx.Err() != nil {
			return nil, ctx.Err()
		}
	}
	r.LoadAtEnd, r.TookMS = loadAverage(), time.Since(began).Milliseconds()
	r.conclude()
	if len(r.Cells)+len(r.Outages) == 0 && r.Scale == nil {
		return nil, errors.New("nothing could be measured")
	}
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
