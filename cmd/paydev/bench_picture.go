package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// pictureStyle has every colour twice, for light and for dark surroundings.
const pictureStyle = `
text{font-size:12px} .title{font-size:20px;font-weight:600} .head{font-size:15px;font-weight:600} .bold{font-weight:600} .tiny{font-size:10.5px}
.ground{fill:#ffffff} .ink{fill:#1d2430} .dim{fill:#5c6675} .rule{stroke:#e2e6eb;stroke-width:1} .axis{stroke:#8d97a5;stroke-width:1}
.limit{stroke:#1d2430;stroke-width:1.4;stroke-dasharray:5 4}
.a{fill:#2f6fdb} .b{fill:#12978a} .c{fill:#d5851a} .d{fill:#8a5cd6} .bad{fill:#d63e48} .calm{fill:#b4bdc9} .hollow{fill:none;stroke:#8d97a5;stroke-width:1}
@media (prefers-color-scheme:dark){
.ground{fill:#12161d} .ink{fill:#e8ecf2} .dim{fill:#9aa5b4} .rule{stroke:#2a313c} .axis{stroke:#6b7686} .limit{stroke:#e8ecf2}
.a{fill:#6ea6ff} .b{fill:#45c9ba} .c{fill:#f0b050} .d{fill:#bb98f5} .bad{fill:#ff6f76} .calm{fill:#4c5665} .hollow{stroke:#6b7686}}
`

// The measures of the picture.
const (
	pictureWidth  = 1040.0
	pictureMargin = 32.0
	panelGap      = 40.0
	panelWidth    = (pictureWidth - 2*pictureMargin - panelGap) / 2
	panelAxis     = 44.0 // left of a panel, for the words of its axis
)

// picture draws the report: what the service is to the limits, how long callers wait, and what
// becomes of charges while a gateway breaks. What was not measured is left out.
func (r *report) picture() []byte {
	c := &canvas{width: pictureWidth}
	met, missed, unknown := r.met()
	c.text(pictureMargin, 42, "title ink", atStart, "payrouter, measured")
	c.text(pictureMargin, 64, "dim", atStart, "commit %s · %s, %d cores, load %s at the start, %s at the end", r.Commit, r.CPU, r.Cores, cmp.Or(r.Load, "unknown"), cmp.Or(r.LoadAtEnd, "unknown"))
	c.text(pictureMargin, 81, "dim", atStart, "%s · %d targets met, %d missed, %d not measured · service, gateway, callers and database share the cores", strings.Replace(r.Date, "T", " ", 1), met, missed, unknown)
	y := 120.0
	for _, draw := range []func(*canvas, float64) float64{r.drawShares, r.drawWaits, r.drawOutages} {
		y = draw(c, y)
	}
	c.height = y
	return c.svg("The benchmark of payrouter", "Throughput as a share of the machine's limits, quantiles of waiting, and the course of outages. docs/benchmark.md has the figures as tables.", pictureStyle)
}

// legend explains colours in one line, and returns where it ends.
func legend(c *canvas, x, y float64, entries ...[2]string) {
	for _, e := range entries {
		if e[0] == "limit" {
			c.line(x-2, y-4, x+14, y-4, e[0])
		} else {
			c.rect(x, y-9, 11, 11, e[0], "")
		}
		c.text(x+16, y, "dim", atStart, "%s", e[1])
		x += 16 + 6.6*float64(len([]rune(e[1]))) + 22
	}
}

// panel is one engine's half of a drawing.
type panel struct {
	engine string
	x      float64 // of its axis
	width  float64
}

// panels stand side by side.
func (r *report) panels() (all []panel) {
	for _, engine := range allEngines() {
		if slices.ContainsFunc(r.Cells, func(c *cell) bool { return c.What == whatPayrouter && c.Engine == engine }) {
			all = append(all, panel{engine, pictureMargin + panelAxis + float64(len(all))*(panelWidth+panelGap), panelWidth - panelAxis})
		}
	}
	return all
}

// engineName is how an engine writes itself.
func engineName(engine string) string {
	switch engine {
	case "sqlite":
		return "SQLite"
	case "postgresql":
		return "PostgreSQL"
	}
	return engine
}

// charges are the cells of charges on an engine, in order.
func (r *report) charges(engine string, chosen func(*cell) bool) []*cell {
	var all []*cell
	for _, c := range r.Cells {
		if c.What == whatPayrouter && c.Engine == engine && c.Flow == flowCharge && chosen(c) {
			all = append(all, c)
		}
	}
	slices.SortStableFunc(all, func(a, b *cell) int {
		return cmp.Or(cmp.Compare(len(a.Rate), len(b.Rate)), cmp.Compare(a.Callers, b.Callers), cmp.Compare(a.GatewayMS, b.GatewayMS))
	})
	return all
}

// span writes milliseconds as briefly as a picture needs.
func span(ms float64) string {
	if ms >= 995 {
		return bare(ms)
	}
	return bare(ms) + " ms"
}

// bare leaves the unit out where it is milliseconds.
func bare(ms float64) string {
	switch {
	case ms >= 9950:
		return fmt.Sprintf("%.0f s", ms/1000)
	case ms >= 995:
		return fmt.Sprintf("%.1f s", ms/1000)
	case ms >= 9.95:
		return fmt.Sprintf("%.0f", ms)
	}
	return fmt.Sprintf("%.1f", ms)
}
