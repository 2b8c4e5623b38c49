package readiness

import (
	"fmt"
	"strings"
	"time"
)

// unique needs an index too: that there is no duplicate yet says nothing of tomorrow.
func unique(f Facts) Item {
	u := f.Unique
	i := Item{State: Met, Query: u.Query, At: f.Now, Value: fmt.Sprintf("%s duplicates of the latest %s numbers", grouped(u.Duplicates), grouped(u.Latest)),
		Evidence: "every attempt is stored under its number before anything is sent, and the database refuses a number that is there already"}
	if !u.Index {
		i.Evidence = "the unique index of the numbers is missing in the database: migrate it, payrouter migrate"
	}
	if !u.Index || u.Duplicates > 0 {
		i.State = NotMet
	}
	return i
}

func notices(f Facts) Item {
	return f.kept(f.Notices, noticesKept, "notices of the gateway, stored as they came before anybody read them", "retention.notices")
}

func records(f Facts) Item {
	return f.kept(f.Records, recordsKept, "payments of all gateways, with every event", "retention.payments")
}

func (f Facts) kept(r Records, needed time.Duration, what, setting string) Item {
	i := Item{State: Met, Value: "kept for ever", At: r.Oldest, Query: joined(r.Query, "configuration: "+setting)}
	if r.Term > 0 {
		i.Value = fmt.Sprintf("kept %d days", days(r.Term))
		if r.Term < needed {
			i.State = NotMet
		}
	}
	i.Evidence = what + ": none yet"
	if !r.Oldest.IsZero() {
		i.Evidence = fmt.Sprintf("%s: the oldest of %s", what, f.local(r.Oldest))
	}
	return i
}

// egress is what an operator wrote: nothing is sent to find out.
func egress(f Facts) Item {
	i := Item{State: Met, Value: strings.Join(f.Egress, ", "), Evidence: "written in the configuration by whoever runs the network; nothing was sent to try it", Query: "configuration: readiness.egress"}
	if len(f.Egress) == 0 {
		i.State, i.Evidence = NoEvidence, "write the addresses from which the bank is called to readiness.egress in the configuration"
	}
	return i
}

// token needs a date of the credentials themselves: a certificate that lasts says nothing
// of a token.
func token(f Facts) Item {
	t := f.Token
	i := Item{Query: fmt.Sprintf("configuration: credentials_issued and credentials_expire of %s, and its client certificate", f.Gateway)}
	end, supposed := t.Expires, ""
	if end.IsZero() && !t.Issued.IsZero() {
		end, supposed = t.Issued.Add(year), ", supposing a year"
	}
	var found []string
	if !t.Issued.IsZero() {
		found = append(found, fmt.Sprintf("issued %s, %d days ago", t.Issued.Format(time.DateOnly), days(f.Now.Sub(t.Issued))))
	}
	if !end.IsZero() {
		found = append(found, f.left(end)+supposed)
	}
	if !t.Certificate.IsZero() {
		found = append(found, "certificate: "+f.left(t.Certificate))
	}
	i.Value = strings.Join(found, "; ")
	if end.IsZero() {
		i.Evidence = fmt.Sprintf("nobody said when they were issued or end: write credentials_issued or credentials_expire to %s in the configuration", f.Gateway)
		return i
	}
	i.State, i.At = Met, end
	if !t.Certificate.IsZero() && t.Certificate.Before(end) {
		i.At = t.Certificate
	}
	if i.At.Sub(f.Now) < renewed {
		i.State = NotMet
	}
	i.Evidence = "the days that stand in the configuration, and what the certificate says itself"
	if t.Version != "" {
		i.Evidence = fmt.Sprintf("credentials %s: %s", t.Version, i.Evidence)
	}
	return i
}

// left tells how long something lasts.
func (f Facts) left(end time.Time) string {
	if !end.After(f.Now) {
		return "ended " + end.Format(time.DateOnly)
	}
	return fmt.Sprintf("%d days left", days(end.Sub(f.Now)))
}

func disputes(f Facts) Item {
	d := f.Disputes
	if d.All == 0 {
		return Item{Evidence: "no dispute was recorded yet: payctl dispute record", Query: d.Query}
	}
	i := Item{State: Met, Value: fmt.Sprintf("%s of %s unanswered for longer", grouped(d.Overdue), grouped(d.All)), Evidence: "disputes in our books", Query: d.Query, At: f.Now}
	if d.Overdue > 0 {
		i.State, i.At = NotMet, d.Oldest
		i.Evidence += ", the oldest of " + f.local(d.Oldest)
	}
	return i
}

func reconciled(f Facts) Item {
	b := f.Books
	i := Item{State: Met, Query: b.Query, At: b.Ends}
	if b.Day == "" {
		i.State, i.Evidence = NoEvidence, fmt.Sprintf("none of its statements has been read: payctl reconcile import %s, or payctl reconcile run %s", f.Gateway, f.Gateway)
		return i
	}
	i.Value = fmt.Sprintf("read up to %s; %s open findings", b.Day, grouped(b.Open))
	i.Evidence = fmt.Sprintf("the gateway's own statements, line by line against ours; %s lines on the last day; payctl findings --gateway %s", grouped(b.Lines), f.Gateway)
	if b.Open > 0 || f.Now.Sub(b.Ends) > booksRead {
		i.State = NotMet
	}
	return i
}
