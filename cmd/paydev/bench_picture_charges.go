package main

import (
	"fmt"
	"math"
)

// drawShares draws throughput as a share of the machine's limits, one bar for each limit.
func (r *report) drawShares(c *canvas, y float64) float64 {
	const height = 190.0
	bars := []struct {
		class, name string
		of          func(*cell) float64
	}{
		{"a", "of the two commits alone", func(c *cell) float64 { return c.OfCommits }},
		{"b", "of commits and gateway call in turn", func(c *cell) float64 { return c.OfBoth }},
		{"c", "of commits, gateway call and gRPC in turn", func(c *cell) float64 { return c.OfAll }},
	}
	gateway := r.soonestMS()
	closed := func(c *cell) bool { return c.Rate == "" && c.GatewayMS == gateway && c.OfCommits+c.OfBoth+c.OfAll > 0 }
	top := 1.0
	any := false
	for _, p := range r.panels() {
		for _, cell := range r.charges(p.engine, closed) {
			any = true
			for _, b := range bars {
				top = max(top, b.of(cell))
			}
		}
	}
	if !any {
		return y
	}
	top = math.Ceil(top*1.08*4) / 4
	c.text(pictureMargin, y, "head ink", atStart, "Charges a second, as a share of what the machine can do (gateway answers after %d ms)", gateway)
	legend(c, pictureMargin, y+22, [2]string{"a", bars[0].name}, [2]string{"b", bars[1].name}, [2]string{"c", bars[2].name},
		[2]string{"limit", "target for the first, 64 callers"})
	y += 62
	base := y + height
	for _, p := range r.panels() {
		c.text(p.x, y-10, "bold ink", atStart, "%s", engineName(p.engine))
		step := 0.25
		if top > 2 {
			step = 0.5
		}
		for share := 0.0; share <= top; share += step {
			at := base - share/top*height
			c.line(p.x, at, p.x+p.width, at, map[bool]string{true: "axis", false: "rule"}[share == 0 || share == 1])
			c.text(p.x-8, at+4, "tiny dim", atEnd, "%.2f", share)
		}
		cells := r.charges(p.engine, closed)
		group := p.width / float64(len(cells))
		for i, cell := range cells {
			width := min(30, group*0.8/float64(len(bars)))
			x := p.x + group*(float64(i)+0.5) - width*float64(len(bars))/2
			for n, b := range bars {
				value := b.of(cell)
				if value <= 0 {
					continue
				}
				at := x + width*float64(n)
				c.rect(at+1, base-value/top*height, width-2, value/top*height, b.class, fmt.Sprintf("%s: %.3f %s", cell.key, value, b.name))
				c.text(at+width/2, base-value/top*height-4, "tiny ink", atMiddle, "%.2f", value)
			}
			c.text(p.x+group*(float64(i)+0.5), base+17, "ink", atMiddle, "%s", callersText(cell))
			c.text(p.x+group*(float64(i)+0.5), base+32, "tiny dim", atMiddle, "%.0f a second", cell.PerSecond)
			if p.engine == "postgresql" && cell.Callers == targetCallers { // of commits
				at := base - commitsTarget/top*height
				c.line(x-4, at, x+width+3, at, "limit")
			}
		}
	}
	return base + 72
}

func callersText(c *cell) string {
	switch {
	case c.Rate != "":
		return fmt.Sprintf("%.0f/s", c.Asked)
	case c.Callers == 1:
		return "1 caller"
	}
	return fmt.Sprintf("%d callers", c.Callers)
}

// drawWaits draws the quantiles of waiting on a logarithmic scale: a box from p50 to p99, and a
// line on to p99.9.
func (r *report) drawWaits(c *canvas, y float64) float64 {
	const height = 230.0
	shown := func(c *cell) bool { return c.P50US > 0 && (c.Rate == "" || c.Rate == targetRate) }
	least, most := math.Inf(1), 0.0
	pauses := map[int64]int{}
	for _, p := range r.panels() {
		for _, cell := range r.charges(p.engine, shown) {
			least, most = min(least, float64(cell.P50US)/1000), max(most, float64(cell.P999US)/1000)
			if _, known := pauses[cell.GatewayMS]; !known {
				pauses[cell.GatewayMS] = len(pauses)
			}
		}
	}
	if most == 0 {
		return y
	}
	low, high := math.Log10(least/1.8), math.Log10(most*1.5)
	c.text(pictureMargin, y, "head ink", atStart, "How long a charge takes, for its caller")
	entries := [][2]string{}
	for pause, n := range pauses {
		entries = append(entries, [2]string{waitClass(n), fmt.Sprintf("gateway answers after %d ms", pause)})
	}
	if len(entries) > 1 && entries[0][0] > entries[1][0] {
		entries[0], entries[1] = entries[1], entries[0]
	}
	legend(c, pictureMargin, y+22, append(entries, [2]string{"calm", "dot p50, tick p90, box to p99, line to p99.9; figures are p50 and p99 in ms"})...)
	y += 62
	base := y + height
	at := func(ms float64) float64 { return base - (math.Log10(ms)-low)/(high-low)*height }
	for _, p := range r.panels() {
		c.text(p.x, y-10, "bold ink", atStart, "%s", engineName(p.engine))
		for power := math.Ceil(low); power <= high; power++ {
			ms := math.Pow(10, power)
			c.line(p.x, at(ms), p.x+p.width, at(ms), "rule")
			c.text(p.x-8, at(ms)+4, "tiny dim", atEnd, "%s", plainSpan(ms))
		}
		c.line(p.x, base, p.x+p.width, base, "axis")
		cells := r.charges(p.engine, shown)
		var groups []string
		column := map[string]int{}
		for _, cell := range cells {
			if _, known := column[callersText(cell)]; !known {
				column[callersText(cell)] = len(groups)
				groups = append(groups, callersText(cell))
			}
		}
		group := p.width / float64(len(groups))
		for i, name := range groups {
			c.text(p.x+group*(float64(i)+0.5), base+17, "ink", atMiddle, "%s", name)
		}
		for _, cell := range cells {
			n := pauses[cell.GatewayMS]
			x := p.x + group*(float64(column[callersText(cell)])+(float64(n)+0.5)/float64(len(pauses)))
			drawWait(c, x, waitClass(n), cell, at)
		}
	}
	return base + 60
}

func waitClass(n int) string { return []string{"a", "b", "c", "d"}[n%4] }

func drawWait(c *canvas, x float64, class string, cell *cell, at func(float64) float64) {
	ms := func(us int64) float64 { return float64(us) / 1000 }
	p50, p90, p99, p999 := at(ms(cell.P50US)), at(ms(cell.P90US)), at(ms(cell.P99US)), at(ms(cell.P999US))
	hint := fmt.Sprintf("%s: p50 %s ms, p90 %s, p99 %s, p99.9 %s", cell.key, millis(cell.P50US), millis(cell.P90US), millis(cell.P99US), millis(cell.P999US))
	c.rect(x-0.8, p999, 1.6, p99-p999, class, "")
	c.rect(x-5, p99, 10, max(p50-p99, 1), class, hint)
	c.line(x-5, p90, x+5, p90, "axis")
	c.dot(x, p50, 5.5, class)
	c.text(x, p50+18, "tiny ink", atMiddle, "%s", bare(ms(cell.P50US)))
	c.text(x, p999-4, "tiny ink", atMiddle, "%s", bare(ms(cell.P99US)))
}

// plainSpan names a power of ten.
func plainSpan(ms float64) string {
	if ms >= 1000 {
		return fmt.Sprintf("%.0f s", ms/1000)
	}
	return fmt.Sprintf("%v ms", ms)
}
