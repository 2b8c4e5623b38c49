package evidence

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/payrouter/payrouter/providers"
)

// entry is one line of the timeline.
type entry struct {
	at      time.Time
	seq     int64 // of the payment's event; 0 for what is none
	about   string
	who     string
	what    string
	attempt int
}

// timeline puts everything that happened in order: the payment's events in their own, for
// that is the order in which we learnt them, and the rest beside them by its instant.
func (b Bundle) timeline() []entry {
	var all []entry
	for _, f := range b.Facts {
		all = append(all, entry{at: f.At, seq: f.Seq, about: "payment", who: actor(f.Who), what: plain(f.What), attempt: f.Attempt})
	}
	var beside []entry
	for _, f := range b.Findings {
		if f.FromStatement {
			beside = append(beside, entry{at: f.At, about: "statement", who: "statement", what: f.text(), attempt: f.Attempt})
		}
	}
	beside = append(beside, b.Dispute.milestones()...)
	slices.SortStableFunc(beside, func(x, y entry) int { return x.at.Compare(y.at) })
	for _, e := range beside {
		place := len(all) // after all that was not later
		for place > 0 && all[place-1].at.After(e.at) {
			place--
		}
		all = slices.Insert(all, place, e)
	}
	return all
}

// milestones are the dispute's own story.
func (d Dispute) milestones() []entry {
	of := func(at time.Time, who, what string) entry {
		return entry{at: at, about: "dispute", who: who, what: what, attempt: d.Attempt}
	}
	all := []entry{of(d.Opened, "bank or payer", fmt.Sprintf("raised the %s %s over %s%s", d.Kind, d.caseOf(), d.Amount, said(d.Detail))),
		of(d.Created, actor(d.RecordedBy), "recorded the dispute")}
	if !d.Answered.IsZero() {
		late := ", in time"
		if d.Answered.After(d.Due) {
			late = ", after the time for it"
		}
		all = append(all, of(d.Answered, actor(d.AnsweredBy), "answered the dispute"+late+said(d.Answer)))
	}
	if !d.Closed.IsZero() {
		all = append(all, of(d.Closed, actor(d.ClosedBy), "closed the dispute as "+d.Outcome+said(d.CloseCause)))
	}
	return all
}

func (f Finding) text() string {
	text := "finding " + strings.ReplaceAll(f.Kind, "_", " ")
	if f.Ours.Currency != "" || f.Theirs.Currency != "" {
		text += fmt.Sprintf(", ours %s, theirs %s", orNothing(f.Ours), orNothing(f.Theirs))
	}
	return text + said(f.Detail)
}

func orNothing(m providers.Money) string {
	if m.Currency == "" {
		return "nothing"
	}
	return m.String()
}

func said(text string) string {
	if text == "" {
		return ""
	}
	return ": " + plain(text)
}

// actor is who did something, as people say it: "gateway kaspi-main".
func actor(who string) string { return plain(strings.Replace(who, ":", " ", 1)) }

// timelineText tells the timeline to people. What only repeats the line before, like a
// look-up that found nothing new, is counted and not told again.
func (b Bundle) timelineText(all []entry) string {
	t := &strings.Builder{}
	fmt.Fprintf(t, "Timeline of payment %s\nTimes are of %s; in brackets of UTC.\n", b.Payment.ID, b.Zone)
	for i := 0; i < len(all); {
		first, end := all[i], i+1
		for end < len(all) && repeats(first, all[end]) {
			end++
		}
		fmt.Fprintf(t, "\n%s\n  %s%s\n", b.both(first.at), first.head(), first.what)
		if n := end - i; n > 1 {
			fmt.Fprintf(t, "  (%d times, until %s)\n", n, b.both(all[end-1].at))
		}
		i = end
	}
	section(t, "Proof that an attempt could not take money any more", b.Proofs)
	var disorder []string
	for _, f := range b.Findings {
		line := b.both(f.At) + ", " + f.text()
		if f.State == "closed" {
			line += ". Closed " + b.both(f.Closed) + by(f.ClosedBy) + said(f.Reason)
		}
		disorder = append(disorder, line)
	}
	section(t, "Out of order", disorder)
	return t.String()
}

func repeats(x, y entry) bool {
	return x.seq > 0 && y.seq > 0 && x.who == y.who && x.what == y.what && x.attempt == y.attempt
}

// head is what stands before the words of an entry.
func (e entry) head() string {
	parts := []string{e.who}
	if e.attempt > 0 {
		parts = append(parts, "attempt "+strconv.Itoa(e.attempt))
	}
	if e.seq > 0 {
		parts = append([]string{"#" + strconv.FormatInt(e.seq, 10)}, parts...)
	}
	return strings.Join(parts, ", ") + ": "
}

func by(who string) string {
	if who == "" {
		return ""
	}
	return " by " + actor(who)
}

func section(t *strings.Builder, title string, lines []string) {
	if len(lines) == 0 {
		return
	}
	fmt.Fprintf(t, "\n%s\n", title)
	for _, line := range lines {
		fmt.Fprintf(t, "  %s\n", plain(line))
	}
}

var timelineColumns = []string{"number", "time_local", "time_utc", "about", "who", "attempt", "what"}

// timelineRows are all entries, none left out.
func (b Bundle) timelineRows(all []entry) [][]string {
	var rows [][]string
	for _, e := range all {
		rows = append(rows, []string{ordinal(e.seq), b.local(e.at), exact(e.at), e.about, e.who, ordinal(int64(e.attempt)), e.what})
	}
	return rows
}

// ordinal is a number from 1, or nothing.
func ordinal(n int64) string {
	if n <= 0 {
		return ""
	}
	return strconv.FormatInt(n, 10)
}
