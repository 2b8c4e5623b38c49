package readiness

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// volume counts the charges of each month, of each other gateway and of all.
func volume(f Facts) Item {
	months := Months(f.Now, f.Zone)
	i := Item{State: Met, Query: f.Volume.Query, At: months[2]}
	gateways := map[string]bool{}
	var found []string
	least := int64(priority)
	for n, begins := range months[:2] {
		of, all := map[string]int64{}, int64(0)
		for _, c := range f.Volume.Counts {
			if c.At.Before(begins) || !c.At.Before(months[n+1]) {
				continue
			}
			gateways[c.Gateway] = true
			of[c.Gateway] += c.N
			all += c.N
		}
		least = min(least, all)
		found = append(found, fmt.Sprintf("%s: %s", begins.Format("2006-01"), withParts(all, of)))
	}
	i.Value = strings.Join(found, "; ")
	switch {
	case least >= priority:
		i.Value += "; priority"
	case least < enough:
		i.State = NotMet
	}
	i.Evidence = "approved charges in our books at gateways of other providers, dated by when the attempt began"
	if len(gateways) > 0 {
		var commands []string
		for _, name := range slices.Sorted(maps.Keys(gateways)) {
			commands = append(commands, fmt.Sprintf("payctl statement %s --from %s --to %s --format csv", name, months[0].Format(time.DateOnly), lastDay(months[2])))
		}
		i.Evidence += "; to attach: " + strings.Join(commands, "; ")
	}
	return i
}

// withParts tells a sum, and what it is made of where that is more than one.
func withParts(all int64, of map[string]int64) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(of)) {
		parts = append(parts, fmt.Sprintf("%s %s", name, grouped(of[name])))
	}
	if len(parts) == 0 {
		return "0"
	}
	return fmt.Sprintf("%s (%s)", grouped(all), strings.Join(parts, ", "))
}

// grouped writes a number with its thousands apart.
func grouped(n int64) string {
	if n < 1000 {
		return fmt.Sprint(n)
	}
	return fmt.Sprintf("%s,%03d", grouped(n/1000), n%1000)
}

// uninterrupted names the days of the months without any charge.
func uninterrupted(f Facts) Item {
	months := Months(f.Now, f.Zone)
	charged := map[string]bool{}
	for _, c := range f.Volume.Counts {
		if c.N > 0 {
			charged[c.At.In(f.Zone).Format(time.DateOnly)] = true
		}
	}
	var all int
	var silent []time.Time
	for d := months[0]; d.Before(months[2]); d = d.AddDate(0, 0, 1) {
		if all++; !charged[d.Format(time.DateOnly)] {
			silent = append(silent, d)
		}
	}
	i := Item{State: Met, Value: fmt.Sprintf("yes: %d of %d days", all, all), Query: f.Volume.Query, At: months[2],
		Evidence: "the same charges as above, by days of " + f.Zone.String()}
	if len(silent) > 0 {
		i.State, i.Value = NotMet, fmt.Sprintf("no: %d of %d days without any: %s", len(silent), all, spans(silent))
	}
	return i
}

// mostSpans is how many spans of days are named.
const mostSpans = 6

// spans names days, those that follow each other together.
func spans(days []time.Time) string {
	var all []string
	for first := 0; first < len(days); {
		last := first
		for last+1 < len(days) && days[last].AddDate(0, 0, 1).Equal(days[last+1]) {
			last++
		}
		text := days[first].Format(time.DateOnly)
		if last > first {
			text += " to " + days[last].Format(time.DateOnly)
		}
		if first = last + 1; len(all) == mostSpans {
			return strings.Join(all, ", ") + ", and others"
		}
		all = append(all, text)
	}
	return strings.Join(all, ", ")
}

// lastDay is the day before an instant that begins one.
func lastDay(end time.Time) string { return end.AddDate(0, 0, -1).Format(time.DateOnly) }
