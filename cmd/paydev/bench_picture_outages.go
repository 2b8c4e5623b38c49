package main

import (
	"fmt"
	"slices"
)

// drawOutages draws what became of the charges of each outage, by when they began.
func (r *report) drawOutages(c *canvas, y float64) float64 {
	all := slices.DeleteFunc(slices.Clone(r.Outages), func(o *outageCell) bool { return !o.Timeline.drawn() })
	if len(all) == 0 {
		return y
	}
	const (
		left   = pictureMargin + 130
		width  = 500.0
		height = 26.0
		apart  = 38.0
	)
	c.text(pictureMargin, y, "head ink", atStart, "The first of two gateways breaks, %d charges a second: what became of those that began then", outageRate)
	legend(c, pictureMargin, y+22, [2]string{"calm", "paid at the first"}, [2]string{"c", "asked it, paid at the backup"}, [2]string{"b", "paid at the backup at once"},
		[2]string{"bad", "not paid within the call"}, [2]string{"d", "charged twice"}, [2]string{"hollow", "refused, failed"})
	y += 36
	top := y
	for i, o := range all {
		t := o.Timeline
		if i == 0 || all[i-1].Fault != o.Fault {
			y += 22
			c.text(pictureMargin, y-6, "bold ink", atStart, "%s", faultText(o.Fault))
		}
		c.text(left-10, y+height/2+4, "dim", atEnd, "%s", o.Router)
		each := width / float64(len(t.First))
		for step := range t.First {
			floor := y + height
			began := t.First[step] + t.Moved[step] + t.Backup[step] + t.Unpaid[step] + t.Twice[step] + t.Failed[step]
			for _, part := range []struct {
				n     int
				class string
			}{{t.First[step], "calm"}, {t.Backup[step], "b"}, {t.Moved[step], "c"}, {t.Unpaid[step], "bad"}, {t.Twice[step], "d"}, {t.Failed[step], "hollow"}} {
				if part.n == 0 {
					continue
				}
				tall := height * float64(part.n) / float64(began)
				floor -= tall
				c.rect(left+each*float64(step)+0.5, floor, each-1, tall, part.class, fmt.Sprintf("%d of %d", part.n, began))
			}
		}
		needed := "never spared"
		if o.SparedMS != nil {
			needed = fmt.Sprintf("%d failures needed", o.Needed)
		}
		if o.FirstMS != nil {
			needed += ", first paid at backup: " + span(*o.FirstMS)
		}
		c.text(left+width+16, y+10, "ink", atStart, "%s", needed)
		c.text(left+width+16, y+25, "tiny dim", atStart, "%d of %d penalized: p50 %s, max %s; %d charged twice", o.Penalized, o.Asked, span(o.PenaltyP50MS), span(o.PenaltyMaxMS), o.Twice)
		y += apart
	}
	t := all[0].Timeline
	from, to := float64(t.FromMS), float64(t.FromMS)+float64(t.StepMS)*float64(len(t.First))
	at := func(ms float64) float64 { return left + (ms-from)/(to-from)*width }
	c.line(at(0), top+10, at(0), y-apart+height+6, "limit")
	every := 1000.0
	if to < 2000 {
		every = 250
	}
	for ms := -every * float64(int(-from/every)); ms <= to; ms += every {
		text := fmt.Sprintf("%+g s", ms/1000)
		if ms == 0 {
			text = "breaks"
		}
		c.text(at(ms), y-apart+height+20, "tiny dim", atMiddle, "%s", text)
	}
	return y + 24
}

func faultText(fault string) string {
	switch fault {
	case faultRefuse:
		return "refuses connections"
	case faultHang:
		return "never answers"
	case fault5xx:
		return "answers 503"
	case faultLost:
		return "charges, hangs up"
	}
	return fault
}
