package readiness

import (
	"fmt"
	"strings"
	"time"
)

// scenario is met by the books where they show it, else by what a person recorded.
func scenario(f Facts, id string, c Case) Item {
	i := Item{State: Met, Query: c.Query}
	if c.Payment != "" {
		i.Value, i.At = c.Payment, c.At
		i.Evidence = fmt.Sprintf("our books of %s: %s", c.Gateway, c.Detail)
		return i
	}
	i.Query = joined(c.Query, f.ShownQuery)
	return f.recorded(id, i, "our books do not show it")
}

// recorded is met by a person's record, or says how to make one.
func (f Facts) recorded(id string, i Item, otherwise string) Item {
	s, ok := f.Shown[id]
	if !ok {
		i.State, i.Value = NoEvidence, ""
		i.Evidence = fmt.Sprintf("%s, and nobody recorded it: payctl kaspi evidence record %s --gateway %s", otherwise, id, f.Gateway)
		return i
	}
	i.State, i.Value, i.At = Met, s.Reference, s.At
	i.Evidence = "recorded by " + s.Actor
	if s.Detail != "" {
		i.Evidence += ": " + s.Detail
	}
	return i
}

// alerts are nothing that the books know of.
func alerts(f Facts) Item {
	return f.recorded("alerts", Item{Query: f.ShownQuery}, "alerts fire outside of our books")
}

// backup is proven by charges that others took while nothing was sent to the gateway, or by
// a person's record; the newer counts, for both grow old.
func backup(f Facts) Item {
	i := f.recorded("backup", Item{}, "our books show no order to drain it under which others were charged")
	if d := f.Drain; d.Elsewhere > 0 && (i.State == NoEvidence || d.Start.After(i.At)) {
		i.State, i.At = Met, d.Start
		i.Value = fmt.Sprintf("%s charges at other gateways", grouped(d.Elsewhere))
		i.Evidence = fmt.Sprintf("drained by %s from %s to %s", d.Actor, f.local(d.Start), f.local(d.End))
	}
	i.Query = joined(f.Drain.Query, f.ShownQuery)
	if i.State == Met && f.Now.Sub(i.At) > rehearsed {
		i.State = NotMet
		i.Value += fmt.Sprintf(", %d days ago", days(f.Now.Sub(i.At)))
	}
	return i
}

// local tells an instant in the zone of the report.
func (f Facts) local(t time.Time) string { return t.In(f.Zone).Format(time.DateTime) }

// days is a span in whole days.
func days(d time.Duration) int64 { return int64(d / day) }

// joined is what was asked in several questions.
func joined(queries ...string) string {
	var asked []string
	for _, q := range queries {
		if q != "" {
			asked = append(asked, q)
		}
	}
	return strings.Join(asked, "; ")
}
