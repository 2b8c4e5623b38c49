package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// print writes the report for people: ratios first, because they say least about the machine.
func (r *report) print(out io.Writer) error {
	line := func(format string, args ...any) { fmt.Fprintf(out, format+"\n", args...) }
	line("payrouter %s, %s, %s", r.Commit, r.Go, r.System)
	line("%s, %d cores, load average %s at the start and %s at the end; making 8 KiB durable takes %s", r.CPU, r.Cores, cmp.Or(r.Load, "unknown"), cmp.Or(r.LoadAtEnd, "unknown"),
		time.Duration(r.DiskSyncUS)*time.Microsecond)
	for _, e := range r.Engines {
		line("%s %s: %s; commits alone: %s", e.Name, e.Version, strings.Join(e.Settings, ", "), e.Limit)
	}
	line("gateway: %s", r.Gateway)
	line("%s a run, %d repetitions, interleaved; medians; %s in all", time.Duration(r.DurationMS)*time.Millisecond, r.Repetitions, (time.Duration(r.TookMS) * time.Millisecond).Round(time.Second))
	order := append([]string{""}, allEngines()...)
	slices.SortStableFunc(r.Cells, func(a, b *cell) int {
		return cmp.Or(cmp.Compare(slices.Index(order, a.Engine), slices.Index(order, b.Engine)), cmp.Compare(a.Flow, b.Flow),
			cmp.Compare(a.GatewayMS, b.GatewayMS), cmp.Compare(a.Callers, b.Callers), cmp.Compare(a.What, b.What))
	})
	for _, part := range []struct {
		title string
		of    func(*cell) bool
		heads string
		row   func(*cell) string
	}{
		{"the service as a share of what this machine can do", func(c *cell) bool { return c.What == whatPayrouter && c.Rate == "" },
			"engine\tflow\tgateway ms\tcallers\tof all\tof both\tof commits\tof batch\tof gateway\tof echo\t", (*cell).ratios},
		{"callers who wait for their answers", func(c *cell) bool { return c.Rate == "" }, "what\t" + headsOfRuns, (*cell).closedRow},
		{"a fixed rate, waits counted from the intended start", func(c *cell) bool { return c.Rate != "" },
			"rate\tasked\tof asked\tlate\tnot started\t" + headsOfRuns, (*cell).openRow},
	} {
		if !slices.ContainsFunc(r.Cells, part.of) {
			continue
		}
		line("\n%s\n", part.title)
		table := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
		fmt.Fprintln(table, part.heads)
		for _, c := range r.Cells {
			if part.of(c) {
				fmt.Fprintln(table, part.row(c))
			}
		}
		if err := table.Flush(); err != nil {
			return err
		}
	}
	if err := r.printOutages(out); err != nil {
		return err
	}
	if err := r.printScale(out); err != nil {
		return err
	}
	for _, w := range r.Warnings {
		line("\n%s", w)
	}
	return nil
}

func (c *cell) ratios() string {
	row := fmt.Sprintf("%s\t%s\t%d\t%d\t", c.Engine, c.Flow, c.GatewayMS, c.Callers)
	for _, share := range []float64{c.OfAll, c.OfBoth, c.OfCommits, c.OfBatch, c.OfGateway, c.OfEcho} {
		text := "-"
		if share > 0 {
			text = fmt.Sprintf("%.3f", share)
		}
		row += text + "\t"
	}
	return row
}

func (c *cell) closedRow() string { return c.What + "\t" + c.runs() }

func (c *cell) openRow() string {
	return fmt.Sprintf("%s\t%.0f\t%s\t%d\t%d\t%s", c.Rate, c.Asked, orDash(c.OfAsked), c.Late, c.Unstarted, c.runs())
}

const headsOfRuns = "engine\tflow\tgateway ms\tcallers\tper second\tleast\tmost\tp50 ms\tp90 ms\tp99 ms\tp99.9 ms\tmax ms\tcpu us\tload us\tobjects\tKB\tpeak MB\tready ms\tsyncs\tfeed behind\trefused\tfailed\t"

func (c *cell) runs() string {
	behind, gateway, callers := "-", "-", "-"
	if c.Behind != nil {
		behind = fmt.Sprint(*c.Behind)
	}
	if c.What == whatGateway || c.What == whatPayrouter {
		gateway = fmt.Sprint(c.GatewayMS)
	}
	if c.Callers > 0 {
		callers = fmt.Sprint(c.Callers)
	}
	return fmt.Sprintf("%s\t%s\t%s\t%s\t%.0f\t%.0f\t%.0f\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%d\t%d\t", cmp.Or(c.Engine, "-"), cmp.Or(c.Flow, "-"), gateway, callers,
		c.PerSecond, c.Least, c.Most, millis(c.P50US), millis(c.P90US), millis(c.P99US), millis(c.P999US), millis(c.MaxUS),
		whole(c.CPUUS), whole(c.LoadCPUUS), whole(c.Objects), whole(c.Bytes/1024), whole(float64(c.Peak)/(1<<20)), whole(c.ReadyMS), orDash(c.Syncs), behind, c.Refused, c.Failed)
}

func millis(us int64) string { return fmt.Sprintf("%.2f", float64(us)/1000) }

func whole(x float64) string {
	if x == 0 {
		return "-"
	}
	return fmt.Sprintf("%.0f", x)
}

func orDash(x float64) string {
	if x == 0 {
		return "-"
	}
	return fmt.Sprintf("%.2f", x)
}
