package main

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
)

// growthReport is everything that was measured, and on what.
type growthReport struct {
	Commit      string            `json:"commit"`
	Go          string            `json:"go"`
	System      string            `json:"system"`
	CPU         string            `json:"cpu"`
	Cores       int               `json:"cores"`
	Load        string            `json:"load_average"`
	LoadAtEnd   string            `json:"load_average_end"`
	DiskSyncUS  int64             `json:"disk_sync_us"`
	Settings    map[string]string `json:"settings"` // the flags
	Calls       int               `json:"calls"`
	Repetitions int               `json:"repetitions"`
	PerDay      int               `json:"payments_per_day"` // of the histories
	TookMS      int64             `json:"took_ms"`
	Engines     []engineFacts     `json:"engines"`
	Books       []bookFacts       `json:"books"`
	Cells       []*growthCell     `json:"cells"`
	Warnings    []string          `json:"warnings"`
}

// bookFacts are what some books hold, and what filling them took.
type bookFacts struct {
	Engine   string           `json:"engine"`
	Payments int              `json:"payments"`
	Bytes    int64            `json:"bytes"`
	FillMS   int64            `json:"fill_ms"`
	Rows     map[string]int64 `json:"rows"` // by table
}

// growthCell is one operation in all books of an engine.
type growthCell struct {
	Engine    string `json:"engine"`
	Operation string `json:"operation"`
	What      string `json:"what"`
	// Ratio is the median cost in the largest books over that in the smallest: the median of
	// the repetitions' own ratios.
	Ratio float64 `json:"ratio"`
	// Quiet is the same of what one call in ten does not exceed, which a busy machine disturbs
	// least. What costs more in large books does so in both.
	Quiet float64 `json:"quiet_ratio"`
	// Each is the ratio of what one found costs: less than Ratio where more was found in the
	// largest books, 0 where nothing was in the smallest.
	Each  float64         `json:"each_ratio"`
	Over  bool            `json:"over"` // all three are more than 1.2
	Books []growthFigures `json:"books"`
}

// growthFigures are one operation in books of one size.
type growthFigures struct {
	Payments int     `json:"payments"`
	Found    float64 `json:"found"` // or changed, by a call
	P10US    int64   `json:"p10_us"`
	P50US    int64   `json:"p50_us"`
	P90US    int64   `json:"p90_us"`
	Pages    float64 `json:"pages"` // of tables and indexes touched by a call; -1 when that is not known
}

// line is the cell while the run goes on.
func (c *growthCell) line() string {
	text := fmt.Sprintf("%s, %s: %.2f, quiet %.2f", c.Engine, c.Operation, c.Ratio, c.Quiet)
	for _, f := range c.Books {
		text += fmt.Sprintf("; %s %s ms", sizeText(f.Payments), millis(f.P50US))
		if f.Pages >= 0 {
			text += fmt.Sprintf(" %.1f pages", f.Pages)
		}
	}
	return text
}

// print writes the report for people, ratios first.
func (r *growthReport) print(out io.Writer) error {
	line := func(format string, args ...any) { fmt.Fprintf(out, format+"\n", args...) }
	line("payrouter %s, %s, %s", r.Commit, r.Go, r.System)
	line("%s, %d cores, load average %s at the start and %s at the end; making 8 KiB durable takes %s", r.CPU, r.Cores, cmp.Or(r.Load, "unknown"), cmp.Or(r.LoadAtEnd, "unknown"),
		time.Duration(r.DiskSyncUS)*time.Microsecond)
	for _, e := range r.Engines {
		line("%s %s: %s", e.Name, e.Version, strings.Join(e.Settings, ", "))
	}
	for _, b := range r.Books {
		line("%s, %s payments: %.1f GB, %d bytes each, filled in %s", b.Engine, sizeText(b.Payments), float64(b.Bytes)/1e9, b.Bytes/int64(b.Payments), (time.Duration(b.FillMS) * time.Millisecond).Round(time.Second))
	}
	line("%d payments a day; %d calls in each books, %d times, alternating; medians; %s in all", r.PerDay, r.Calls, r.Repetitions, (time.Duration(r.TookMS) * time.Millisecond).Round(time.Second))
	for _, e := range r.Engines {
		line("\n%s: cost in the largest books over cost in the smallest\n", e.Name)
		table := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
		headed := false
		for _, c := range r.Cells {
			if c.Engine != e.Name {
				continue
			}
			if !headed {
				headed = true
				fmt.Fprintln(table, c.heads())
			}
			fmt.Fprintln(table, c.row())
		}
		if err := table.Flush(); err != nil {
			return err
		}
	}
	for _, w := range r.Warnings {
		line("\n%s", w)
	}
	return nil
}

func (c *growthCell) heads() string {
	heads := "operation\tratio\tquiet\teach\t\t"
	for _, f := range c.Books {
		heads += sizeText(f.Payments) + " p50 ms\tp90 ms\tpages\tfound\t"
	}
	return heads + " \t"
}

func (c *growthCell) row() string {
	mark := ""
	if c.Over {
		mark = "over"
	}
	row := fmt.Sprintf("%s\t%.2f\t%.2f\t%.2f\t%s\t", c.Operation, c.Ratio, c.Quiet, c.Each, mark)
	for _, f := range c.Books {
		pages := "-"
		if f.Pages >= 0 {
			pages = fmt.Sprintf("%.1f", f.Pages)
		}
		row += fmt.Sprintf("%s\t%s\t%s\t%.0f\t", millis(f.P50US), millis(f.P90US), pages, f.Found)
	}
	return row + c.What + "\t"
}

// sizeText is a number of payments as the flag has it.
func sizeText(n int) string {
	switch {
	case n%1_000_000 == 0:
		return fmt.Sprintf("%dM", n/1_000_000)
	case n%1000 == 0:
		return fmt.Sprintf("%dk", n/1000)
	}
	return fmt.Sprint(n)
}
