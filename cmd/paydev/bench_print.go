package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// grid is one table of the report.
type grid struct {
	title string
	words bool // it is read like sentences, and not down its columns
	heads []string
	rows  [][]string
	below []string // sentences after the table
}

func (g *grid) add(fields ...string) { g.rows = append(g.rows, fields) }

// lines are the rows with their heads; none without rows.
func (g *grid) lines() [][]string {
	if len(g.rows) == 0 {
		return nil
	}
	return append([][]string{g.heads}, g.rows...)
}

// print writes the report for people: first whether targets are met, then ratios, because
// they say least about the machine.
func (r *report) print(out io.Writer) error {
	for _, text := range r.preamble() {
		fmt.Fprintln(out, text)
	}
	for _, g := range r.grids(false) {
		fmt.Fprintf(out, "\n%s\n\n", g.title)
		flags := tabwriter.AlignRight
		if g.words {
			flags = 0
		}
		table := tabwriter.NewWriter(out, 0, 0, 2, ' ', flags)
		for _, row := range g.lines() {
			fmt.Fprintln(table, strings.Join(row, "\t")+"\t")
		}
		if err := table.Flush(); err != nil {
			return err
		}
		for _, text := range g.below {
			fmt.Fprintf(out, "\n%s\n", text)
		}
	}
	for _, w := range r.Warnings {
		fmt.Fprintf(out, "\n%s\n", w)
	}
	return nil
}

// preamble says what was measured on what.
func (r *report) preamble() []string {
	all := []string{fmt.Sprintf("payrouter %s, %s, %s; %s", r.Commit, r.Go, r.System, r.Date),
		fmt.Sprintf("%s, %d cores, load average %s at the start and %s at the end; making 8 KiB durable takes %s", r.CPU, r.Cores, cmp.Or(r.Load, "unknown"), cmp.Or(r.LoadAtEnd, "unknown"),
			time.Duration(r.DiskSyncUS)*time.Microsecond)}
	for _, e := range r.Engines {
		all = append(all, fmt.Sprintf("%s %s: %s; commits alone: %s", e.Name, e.Version, strings.Join(e.Settings, ", "), e.Limit))
	}
	var settings []string
	for _, name := range slices.Sorted(maps.Keys(r.Settings)) {
		if r.Settings[name] != "" {
			settings = append(settings, "-"+name+" "+r.Settings[name])
		}
	}
	return append(all, "gateway: "+r.Gateway, "settings: "+strings.Join(settings, " "),
		fmt.Sprintf("%s a run, %d repetitions of what targets rest on and %s of the rest, interleaved; medians; %s in all", time.Duration(r.DurationMS)*time.Millisecond, r.Repetitions,
			cmp.Or(r.Settings["sweeps"], "as many"), (time.Duration(r.TookMS)*time.Millisecond).Round(time.Second)))
}

// grids are the tables of the report; brief ones have the columns that most readers look at.
func (r *report) grids(brief bool) []grid {
	order := append([]string{""}, allEngines()...)
	slices.SortStableFunc(r.Cells, func(a, b *cell) int {
		return cmp.Or(cmp.Compare(slices.Index(order, a.Engine), slices.Index(order, b.Engine)), cmp.Compare(a.Flow, b.Flow),
			cmp.Compare(a.GatewayMS, b.GatewayMS), cmp.Compare(a.Callers, b.Callers), cmp.Compare(a.What, b.What))
	})
	all := []grid{r.targetGrid(),
		r.cellGrid("the service as a share of what this machine can do", shareColumns(), false, func(c *cell) bool { return c.What == whatPayrouter && c.Rate == "" }),
		r.cellGrid("callers who wait for their answers", slices.Concat(nameColumns(), runColumns()), brief, func(c *cell) bool { return c.Rate == "" }),
		r.cellGrid("a fixed rate, waits counted from the intended start", slices.Concat(rateColumns(), runColumns()), brief, func(c *cell) bool { return c.Rate != "" }),
		r.outageGrid(), r.scaleGrid()}
	return slices.DeleteFunc(all, func(g grid) bool { return len(g.rows)+len(g.below) == 0 })
}

// targetGrid says which targets are met.
func (r *report) targetGrid() grid {
	met, missed, unknown := r.met()
	g := grid{title: fmt.Sprintf("targets: %d met, %d missed, %d not measured", met, missed, unknown), words: true, heads: []string{"what", "target", "measured", "", "made of"}}
	for _, t := range r.Targets {
		verdict := t.Verdict
		if verdict != verdictMet {
			verdict = strings.ToUpper(verdict)
		}
		g.add(t.What, t.wanted(), t.measured(), verdict, t.Note)
	}
	return g
}

func (r *report) cellGrid(title string, columns []column, brief bool, chosen func(*cell) bool) grid {
	if brief {
		columns = slices.DeleteFunc(columns, func(c column) bool { return c.detail })
	}
	g := grid{title: title}
	for _, c := range columns {
		g.heads = append(g.heads, c.head)
	}
	for _, cell := range r.Cells {
		if chosen(cell) {
			g.add(over(columns, func(c column) string { return c.of(cell) })...)
		}
	}
	return g
}
