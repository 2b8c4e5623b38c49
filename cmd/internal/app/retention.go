package app

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/payrouter/payrouter/router/audit"
	"github.com/payrouter/payrouter/router/journal"
	"github.com/payrouter/payrouter/router/office"
)

// Retention is how long is kept what may be removed. All may be left out; terms shorter than
// the least are refused.
type Retention struct {
	// Payments is how long records of money are kept: "forever", which is the default and, so
	// far, all there is.
	Payments string `yaml:"payments"`
	Notices  Term   `yaml:"notices"`  // inbound requests as they came; default 180d, least 30d
	Personal Term   `yaml:"personal"` // the payer of a payment, after its last change; default 550d, least 180d
	// ArchiveAfter is how long after its last change the history of a payment that is over moves
	// into the archive: default 180d, least 31d, or "never". It is read there as before.
	ArchiveAfter Rest   `yaml:"archive_after"`
	Schedule     string `yaml:"schedule"` // cron, in UTC; default "15 22 * * *"; "off": by hand only
}

// Term is a number of days, as 400d.
type Term struct{ time.Duration }

// A term of a hundred years is a mistake; more digits would not fit a duration.
var termPattern = regexp.MustCompile(`^[1-9][0-9]{0,4}d$`)

// UnmarshalText reads 400d.
func (t *Term) UnmarshalText(text []byte) error {
	if !termPattern.Match(text) {
		return fmt.Errorf("%q is no number of days; write it as 400d", text)
	}
	n, err := strconv.Atoi(strings.TrimSuffix(string(text), "d"))
	t.Duration = time.Duration(n) * 24 * time.Hour
	return err
}

// Rest is a Term, or never.
type Rest struct {
	Term
	Never bool
}

// UnmarshalText reads 400d, or never.
func (r *Rest) UnmarshalText(text []byte) error {
	if r.Never = string(text) == "never"; r.Never {
		return nil
	}
	if err := r.Term.UnmarshalText(text); err != nil {
		return fmt.Errorf("%w, or as never", err)
	}
	return nil
}

// office completes what was left out. Payers may dispute a charge for up to 540 days after
// it; a notice serves those who look into a dispute, and holds the payer's data besides.
func (r Retention) office() office.Retention {
	const day = 24 * time.Hour
	out := office.Retention{Personal: cmp.Or(r.Personal.Duration, 550*day), Schedule: cmp.Or(r.Schedule, "15 22 * * *")}
	out.Notices = cmp.Or(r.Notices.Duration, min(180*day, out.Personal))
	if !r.ArchiveAfter.Never {
		out.Archive = cmp.Or(r.ArchiveAfter.Duration, 180*day)
	}
	if out.Schedule == "off" {
		out.Schedule = ""
	}
	return out
}

func (r Retention) validate(say func(string, ...any)) {
	if r.Payments != "" && r.Payments != "forever" {
		least, term := office.LeastPayments, Term{}
		switch err := term.UnmarshalText([]byte(r.Payments)); {
		case err != nil:
			say("retention.payments: %w, or as forever", err)
		case term.Duration < least:
			say("retention.payments: %s is too short: records of money are kept for 5 years, which are %s, as banks and the law ask; leave it out to keep them for ever", r.Payments, office.Days(least))
		default:
			say("retention.payments: %s is not offered yet: records of money are kept for ever, which is at least 5 years; leave it out", r.Payments)
		}
	}
	if err := r.office().Check(); err != nil {
		for line := range strings.Lines(err.Error()) {
			say("retention.%s", strings.TrimSpace(line))
		}
	}
}

// Retain shows on out what has outlived its term, or removes or archives it, which the audit records, and
// shows that.
func Retain(ctx context.Context, c Config, store *journal.Store, actor string, remove bool, out io.Writer) error {
	k := office.Keeper{Journal: store, Retention: c.Retention.office(), Actor: actor, Hold: func() error { return timely(ctx, store) }}
	do, total := k.Look, map[string]int64{}
	if remove {
		k.Told = func(what string, done, _ int64) {
			if total[what] += done; done > 0 {
				fmt.Fprintf(out, "%s: %d\n", what, total[what])
			}
		}
		do = k.Pass
	}
	var all []office.Aging
	pass := func() (err error) {
		all, err = do(ctx)
		return err
	}
	if !remove {
		if err := pass(); err != nil {
			return err
		}
		return printAging(out, all, remove)
	}
	terms := fmt.Sprintf("notices after %s, payers after %s", office.Days(k.Retention.Notices), office.Days(k.Retention.Personal))
	if k.Retention.Archive > 0 {
		terms += ", histories to the archive after " + office.Days(k.Retention.Archive)
	}
	if err := recorded(ctx, store, audit.Record{Actor: actor, Act: audit.Retention, Reason: terms}, pass); err != nil {
		return err
	}
	return printAging(out, all, remove)
}

// timely refuses to go by a clock of the database's that a person would not believe.
func timely(ctx context.Context, store *journal.Store) error {
	theirs, err := store.Clock(ctx)
	if off := time.Since(theirs); err == nil && off.Abs() > time.Minute {
		err = fmt.Errorf("the database's clock is %s from this machine's: set it right first", off.Round(time.Second))
	}
	return err
}

func printAging(out io.Writer, all []office.Aging, removed bool) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	due := "DUE NOW"
	if removed {
		due = "REMOVED"
	}
	fmt.Fprintf(w, "WHAT\tKEPT FOR\tAT LEAST\tOLDEST\t%s\tOLD AND KEPT, FOR THEY\n", due)
	for _, a := range all {
		oldest, kept := "-", []string(nil)
		if !a.Oldest.IsZero() {
			oldest = a.Oldest.Format(time.DateOnly)
		}
		for _, why := range slices.Sorted(maps.Keys(a.Kept)) {
			kept = append(kept, fmt.Sprintf("%s: %d", why, a.Kept[why]))
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%d\t%s\n", a.What, office.Days(a.Term), office.Days(a.Least), oldest, a.Due, cmp.Or(strings.Join(kept, "; "), "-"))
	}
	return w.Flush()
}
