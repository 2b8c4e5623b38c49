package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	payrouterv1 "github.com/payrouter/payrouter/proto/payrouter/v1"
)

// markdown is the report: first what a manager reads, then what happened in order, then the money.
// What there is nothing of is left out, but for what somebody would look for.
func (f incidentFacts) markdown() string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("# Incident: %s, %s", cell(f.subject()), f.From.In(f.Made.Location()).Format("2 January 2006"))
	whose := "of the default tenant"
	if f.Tenant != "" {
		whose = "of the tenant " + cell(f.Tenant)
	}
	line("\n%s to %s (%s; in UTC %s to %s). Written at %s from the books of payrouter: payments are those %s, orders and findings everybody's.", f.at(f.From), f.at(f.To),
		f.From.In(f.Made.Location()).Format("-07:00"), f.From.UTC().Format("2006-01-02 15:04"), f.To.UTC().Format("2006-01-02 15:04"), f.at(f.Made), whose)
	line("\n## In short\n")
	for _, sentence := range f.short() {
		line("- %s", cell(sentence))
	}
	if len(f.Timeline) > 0 {
		line("\n## What happened\n\n| time | |\n|---|---|")
		for _, h := range f.Timeline {
			line("| %s | %s |", f.at(h.At), cell(h.Text))
		}
	}
	if f.Exposed.Payments > 0 {
		line("\n## Payments of which nobody knew how they stood\n\n| | payments | money |\n|---|---:|---:|")
		row := func(what string, t tally) {
			if t.Payments > 0 {
				line("| %s | %d | %s |", what, t.Payments, t.money())
			}
		}
		row("in all", f.Exposed)
		row(fmt.Sprintf("undecided at %s", f.at(f.To)), f.UndecidedThen)
		for _, now := range []string{becameCharged, becameElsewhere, becameOffered, becameLost, becameOpen} {
			row("now "+becameTexts[now], f.Became[now])
		}
	}
	if len(f.Open) > 0 {
		line("\n## Still open\n\n| payment | order | amount | state | at | since | decided, or with people, by | tell the payer |\n|---|---|---:|---|---|---|---|---|")
		for _, o := range f.Open {
			line("| %s | %s | %s | %s | %s | %s | %s | %s |", cell(o.Payment), cell(o.Order), o.Amount, o.State, cell(o.Where), f.at(o.Since), f.at(o.By), o.Tell)
		}
	}
	if len(f.Shares) > 0 {
		f.writeShares(line)
	}
	line("\n## What the books do not hold\n")
	line("- Calls that were refused at once because no gateway was left: see `increase(payrouter_api_errors_total{reason=\"ALL_GATEWAYS_UNAVAILABLE\"}[1h])`.")
	line("- When breakers and probes changed their mind: the times above are those of payments, and where few pay, later. See the dashboard, \"Gateways over time\".")
	return b.String()
}

// subject is what the report is about.
func (f incidentFacts) subject() string {
	var names []string
	for _, o := range f.Outages {
		names = append(names, o.Gateway)
	}
	if len(names) == 0 {
		return "no gateway failed"
	}
	return strings.Join(names, ", ")
}

// short is what a manager reads.
func (f incidentFacts) short() (sentences []string) {
	say := func(format string, args ...any) { sentences = append(sentences, fmt.Sprintf(format, args...)) }
	if len(f.Outages) == 0 {
		say("No payment stands as failed by a gateway in this time. One that was in doubt and is decided shows only when its gateway is named.")
	}
	for _, o := range f.Outages {
		f.shortOutage(o, say)
	}
	if n := f.Exposed.Payments; n > 0 {
		text := fmt.Sprintf("Of %s (%s) nobody knew for a while how they stood, up to %s.", payments(n), f.Exposed.money(), long(f.Longest))
		if open := f.Became[becameOpen].Payments; open > 0 {
			text += fmt.Sprintf(" **%d of them %s still open.**", open, map[bool]string{true: "is", false: "are"}[open == 1])
		} else {
			text += " All of them are decided."
		}
		say("%s", text)
	} else if len(f.Outages) > 0 {
		say("No payment was left in doubt.")
	}
	if f.GivenBack.Payments > 0 {
		say("Too much was paid %s, and %s was given back.", times(int64(f.GivenBack.Payments)), f.GivenBack.money())
	}
	if f.GivingBack.Payments > 0 {
		say("**%s more is being given back and not confirmed yet.**", f.GivingBack.money())
	}
	if f.Lost.Payments > 0 {
		text := fmt.Sprintf("%s (%s) came to nothing, proved not charged", payments(f.Lost.Payments), f.Lost.money())
		if f.LostBefore > 0 {
			text += fmt.Sprintf("; in the %s before it %d", long(f.Before[1].Sub(f.Before[0])), f.LostBefore)
		}
		say("%s.", text)
	} else if len(f.Outages) > 0 {
		say("No payment that was taken on came to nothing.")
	}
	return sentences
}

// shortOutage tells one gateway's outage in a few sentences.
func (f incidentFacts) shortOutage(o *outage, say func(string, ...any)) {
	began := begin(o)
	switch {
	case o.Failures == 1:
		say("%s failed a payment of %s: %s.", o.Gateway, f.at(o.Began), o.How)
	case o.Failures > 1:
		say("%s failed %s, the first of %s: %s.", o.Gateway, payments(o.Failures), f.at(o.Began), o.How)
	case o.Passed == 0:
		say("The books show no failure of %s in this time.", o.Gateway)
		return
	}
	switch {
	case o.Passed > 0 && o.Failures > 0:
		say("From %s on%s new payments passed it over, %d in all (%s).", f.at(o.Detected), after(began, o.Detected), o.Passed, why(o.Why, ""))
	case o.Passed > 0:
		say("From %s on new payments passed %s over, %d in all (%s); none had failed there in this time.", f.at(o.Detected), o.Gateway, o.Passed, why(o.Why, ""))
	}
	switch {
	case !o.Served.IsZero():
		say("%s served the first payment in its place at %s%s.", o.Backup, f.at(o.Served), after(began, o.Served))
	case o.Passed+o.Left > 0:
		say("**No other gateway served a payment in its place.**")
	default:
		say("No payment went to another gateway because of it.")
	}
	switch {
	case !o.Returned.IsZero():
		say("%s served again from %s on%s.", o.Gateway, f.at(o.Returned), after(began, o.Returned))
	case o.Tried > 0:
		say("**%s had not served again by %s.**", o.Gateway, f.at(f.After[1]))
	default:
		say("After its last failure, at %s, nothing was sent to %s up to %s.", f.at(o.lastFailed), o.Gateway, f.at(f.After[1]))
	}
}

// after says how long after one instant another came.
func after(from, to time.Time) string {
	if d := to.Sub(from); d > 0 {
		return " (" + long(d) + " after it began)"
	}
	return ""
}

// long is a duration as people say it: no fractions where they say nothing.
func long(d time.Duration) string {
	if d < time.Minute {
		return brief(d)
	}
	text := d.Round(time.Second).String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

func payments(n int) string {
	if n == 1 {
		return "1 payment"
	}
	return fmt.Sprintf("%d payments", n)
}

// money tells a tally's sums, by currency.
func (t tally) money() string {
	var texts []string
	for _, currency := range slices.Sorted(maps.Keys(t.Money)) {
		texts = append(texts, exactly(&payrouterv1.Money{MinorUnits: t.Money[currency], CurrencyCode: currency}))
	}
	return strings.Join(texts, ", ")
}

// writeShares writes who had the payments.
func (f incidentFacts) writeShares(line func(string, ...any)) {
	sums := share{}
	for _, s := range f.Shares {
		sums.Before, sums.During, sums.After = sums.Before+s.Before, sums.During+s.During, sums.After+s.After
	}
	part := func(n, of int) string {
		if n == 0 {
			return "0"
		}
		return fmt.Sprintf("%d (%d %%)", n, (n*100+of/2)/of)
	}
	over := f.After[0].Before(f.After[1])
	header, rule := "| payments at | before, from "+f.at(f.Before[0])+" | during |", "|---|---:|---:|"
	if over {
		header, rule = header+" after, until "+f.at(f.After[1])+" |", rule+"---:|"
	}
	line("\n## Who had the payments\n\n%s\n%s", header, rule)
	for _, s := range f.Shares {
		text := fmt.Sprintf("| %s | %s | %s |", cell(s.Gateway), part(s.Before, sums.Before), part(s.During, sums.During))
		if over {
			text += " " + part(s.After, sums.After) + " |"
		}
		line("%s", text)
	}
}

// at tells an instant in the person's zone: with its date where that is another than the incident's.
func (f incidentFacts) at(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	t, from := t.In(f.Made.Location()), f.From.In(f.Made.Location())
	if t.Format(time.DateOnly) == from.Format(time.DateOnly) {
		return t.Format(time.TimeOnly)
	}
	return t.Format(time.DateTime)
}

// cell makes a text harmless inside a table and a page: people, callers and gateways wrote parts of it.
func cell(text string) string {
	return strings.NewReplacer("|", `\|`, "<", "&lt;").Replace(plain(text))
}
