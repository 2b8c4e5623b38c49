package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	payrouterv1 "github.com/payrouter/payrouter/proto/payrouter/v1"
)

// sample is one payment of a rehearsal.
type sample struct {
	at      time.Time
	took    time.Duration
	gateway string // of its last attempt; empty when nothing was sent anywhere
	tries   int
	failed  string // why it came to nothing, where it did
}

// rehearsal is what was seen, for the report: it decides nothing while it goes on.
type rehearsal struct {
	from, to, fault     string
	begun, broke, ended time.Time // begin, fault on, fault off
	gone, whole         time.Time // seen: out of new payments; all of them again
	samples             []sample
	exposed             []*payrouterv1.Payment // of the samples: nobody knew how they stood
	open                int                    // of these, at the end
}

// during are the payments that were made under the fault.
func (r *rehearsal) during() []sample {
	return slices.DeleteFunc(slices.Clone(r.samples), func(s sample) bool { return s.at.Before(r.broke) || !r.ended.IsZero() && s.at.After(r.ended) })
}

// first is how long after an instant the first payment that was made since came to a gateway.
func (r *rehearsal) first(gateway string, from time.Time) (after time.Duration, ok bool) {
	for _, s := range r.samples {
		if took := s.at.Add(s.took).Sub(from); s.gateway == gateway && s.failed == "" && !s.at.Before(from) && (!ok || took < after) {
			after, ok = took, true
		}
	}
	return after, ok
}

// faults are what a rehearsal must not show.
func (r *rehearsal) faults() (faults []string) {
	during := r.during()
	if _, ok := r.first(r.to, r.broke); !ok {
		faults = append(faults, "no payment came to "+r.to)
	}
	if r.gone.IsZero() {
		faults = append(faults, r.from+" was never taken out")
	}
	if n := count(int64(len(failedOf(during)))); n != "" {
		faults = append(faults, n+" of "+fmt.Sprint(len(during))+" payments came to nothing, the first because "+failedOf(during)[0].failed)
	}
	if r.whole.IsZero() {
		faults = append(faults, r.from+" does not yet take all of its payments again")
	}
	if r.open > 0 {
		faults = append(faults, fmt.Sprintf("of %d payments nobody knows how they stand", r.open))
	}
	return faults
}

func failedOf(samples []sample) []sample {
	return slices.DeleteFunc(slices.Clone(samples), func(s sample) bool { return s.failed == "" })
}

// report is a page of Markdown.
func (r *rehearsal) report() string {
	var b strings.Builder
	row := func(what, value string) { fmt.Fprintf(&b, "| %s | %s |\n", what, value) }
	since := func(t, from time.Time) string {
		if t.IsZero() {
			return "not seen"
		}
		return brief(t.Sub(from))
	}
	after := func(gateway string, from time.Time) string {
		if d, ok := r.first(gateway, from); ok {
			return brief(d)
		}
		return "not seen"
	}
	during := r.during()
	atBackup, slowest, tried := 0, time.Duration(0), 0
	for _, s := range during {
		slowest = max(slowest, s.took)
		if s.gateway == r.to {
			atBackup++
		}
		if s.tries > 1 {
			tried++
		}
	}
	fmt.Fprintf(&b, "# Rehearsal: %s is down, %s takes over\n\n| | |\n|---|---|\n", r.from, r.to)
	row("begun", r.begun.Format(time.RFC3339))
	row("fault", fmt.Sprintf("%s, for %s", r.fault, brief(r.ended.Sub(r.broke))))
	row("first payment at "+r.to, after(r.to, r.broke)+" after the fault")
	row(r.from+" out of new payments", since(r.gone, r.broke)+" after the fault")
	row("payments meanwhile", fmt.Sprintf("%d, of them at %s %d, after trying %s first %d, come to nothing %d", len(during), r.to, atBackup, r.from, tried, len(failedOf(during))))
	row("slowest answer", brief(slowest))
	row("exposed", fmt.Sprintf("%d, of which nobody knew for a while whether they were charged", len(r.exposed)))
	row("first payment at "+r.from+" again", after(r.from, r.ended)+" after its return")
	row("all of its payments again", since(r.whole, r.ended)+" after its return")
	row("still open", fmt.Sprint(r.open))
	b.WriteString("\n")
	if faults := r.faults(); len(faults) > 0 {
		b.WriteString("**Not passed:** " + strings.Join(faults, "; ") + ".\n")
	} else {
		b.WriteString("**Passed.**\n")
	}
	for _, p := range r.exposed {
		fmt.Fprintf(&b, "\n- exposed: %s, %s, now %s", last(p.GetName()), exactly(p.GetAmount()), stateOf(p))
	}
	return strings.TrimRight(b.String(), "\n") + "\n"
}

// brief is a duration as people say it.
func brief(d time.Duration) string {
	if d < time.Second {
		return d.Round(time.Millisecond).String()
	}
	return d.Round(100 * time.Millisecond).String()
}
