package main

import (
	"cmp"
	"fmt"
)

// column is one of a table of cells.
type column struct {
	head   string
	detail bool // left out of a brief table
	of     func(*cell) string
}

// whereColumns say which cell of the service it is.
func whereColumns() []column {
	return []column{
		{"engine", false, func(c *cell) string { return cmp.Or(c.Engine, "-") }},
		{"flow", false, func(c *cell) string { return cmp.Or(c.Flow, "-") }},
		{"gateway ms", false, func(c *cell) string {
			if !c.calls() {
				return "-"
			}
			return fmt.Sprint(c.GatewayMS)
		}},
		{"callers", false, func(c *cell) string { return whole(float64(c.Callers)) }},
	}
}

func nameColumns() []column {
	return []column{{"what", false, func(c *cell) string { return c.What }}}
}

func rateColumns() []column {
	return append(nameColumns(),
		column{"rate", false, func(c *cell) string { return c.Rate }},
		column{"asked", false, func(c *cell) string { return whole(c.Asked) }},
		column{"of asked", false, func(c *cell) string { return orDash(c.OfAsked) }},
		column{"late", true, func(c *cell) string { return fmt.Sprint(c.Late) }},
		column{"not started", true, func(c *cell) string { return fmt.Sprint(c.Unstarted) }})
}

func shareColumns() []column {
	share := func(head string, of func(*cell) float64) column {
		return column{head, false, func(c *cell) string {
			if of(c) <= 0 {
				return "-"
			}
			return fmt.Sprintf("%.3f", of(c))
		}}
	}
	return append(whereColumns(),
		share("of all", func(c *cell) float64 { return c.OfAll }), share("of both", func(c *cell) float64 { return c.OfBoth }),
		share("of commits", func(c *cell) float64 { return c.OfCommits }), share("of batch", func(c *cell) float64 { return c.OfBatch }),
		share("of gateway", func(c *cell) float64 { return c.OfGateway }), share("of echo", func(c *cell) float64 { return c.OfEcho }))
}

// runColumns are what every cell has.
func runColumns() []column {
	wait := func(head string, detail bool, of func(*cell) int64) column {
		return column{head, detail, func(c *cell) string { return millis(of(c)) }}
	}
	number := func(head string, detail bool, of func(*cell) float64) column {
		return column{head, detail, func(c *cell) string { return whole(of(c)) }}
	}
	return append(whereColumns(),
		number("per second", false, func(c *cell) float64 { return c.PerSecond }),
		number("least", true, func(c *cell) float64 { return c.Least }), number("most", true, func(c *cell) float64 { return c.Most }),
		wait("p50 ms", false, func(c *cell) int64 { return c.P50US }), wait("p90 ms", true, func(c *cell) int64 { return c.P90US }),
		wait("p99 ms", false, func(c *cell) int64 { return c.P99US }), wait("p99.9 ms", false, func(c *cell) int64 { return c.P999US }),
		wait("max ms", true, func(c *cell) int64 { return c.MaxUS }),
		number("cpu us", false, func(c *cell) float64 { return c.CPUUS }), number("load us", true, func(c *cell) float64 { return c.LoadCPUUS }),
		number("objects", false, func(c *cell) float64 { return c.Objects }), number("KB", true, func(c *cell) float64 { return c.Bytes / 1024 }),
		number("peak MB", false, func(c *cell) float64 { return float64(c.Peak) / (1 << 20) }), number("ready ms", true, func(c *cell) float64 { return c.ReadyMS }),
		column{"syncs", false, func(c *cell) string { return orDash(c.Syncs) }},
		column{"feed behind", true, func(c *cell) string {
			if c.Behind == nil {
				return "-"
			}
			return fmt.Sprint(*c.Behind)
		}},
		column{"refused", false, func(c *cell) string { return fmt.Sprint(c.Refused) }}, column{"failed", false, func(c *cell) string { return fmt.Sprint(c.Failed) }})
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
