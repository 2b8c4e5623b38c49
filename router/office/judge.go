package office

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/base32"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router/journal"
	"github.com/payrouter/payrouter/router/payment"
	"github.com/payrouter/payrouter/router/reconcile"
)

// mostLines is how many lines of one order are looked at: more of them are one finding, and
// not the end of a run's memory.
const mostLines = 1000

// mostRounds is how often the lines of an order teach something new at most.
const mostRounds = 3

// judge judges orders of one gateway, by the statements that were there when it began.
type judge struct {
	*Office
	books   Books
	claims  providers.Claims
	options reconcile.Options
	days    []journal.StatementDay
}

func (b Books) options(claims providers.Claims) reconcile.Options {
	shown := claims.Statement == providers.StatementWalk && claims.StatusShowsAll // whatever a list would hide
	return reconcile.Options{Edge: b.Edge, Late: b.Late, Payout: b.Payout, Fees: b.Fees, NetFees: b.NetFees, HidesRefunds: b.HidesRefunds && !shown,
		NamesMovements: b.NamesMovements, Parts: claims.Capture.Partial}
}

// page judges some orders: what their lines teach is taken in, and what differs after that
// is found. It is kept in one commit with how far the run is, which it returns.
func (j judge) page(ctx context.Context, run journal.Run, groups []string, at cursor) (journal.Run, cursor, error) {
	next, err := j.renewed(ctx, run)
	if err != nil {
		return run, at, err
	}
	j.options.Now = next.Updated
	lines, err := j.Journal.LinesOf(ctx, run.Gateway, groups, mostLines)
	if err != nil {
		return run, at, err
	}
	ours, err := j.paymentsOf(ctx, groups)
	if err != nil {
		return run, at, err
	}
	own := map[providers.StatementLine]bool{} // of the run's day
	for i, l := range lines {
		if l.FoundBy == journal.ByAmount { // what it does not say, we do
			lines[i].Order = referenceOf(l.Group, ours)
		}
		own[lines[i].StatementLine] = own[lines[i].StatementLine] || l.Day == run.Day
		if reconcile.Taking(l.StatementLine) {
			at.Worked.Add(l.At, run.Span)
		}
	}
	before := j.judge(run.Gateway, groups, lines, ours)
	after := before
	for round := 0; round < mostRounds && len(after.Steps) > 0; round++ { // what is taken in may teach more, as how much of it went back
		for _, s := range after.Steps {
			if err := j.take(ctx, ours, s); err != nil {
				return run, at, err
			}
		}
		if ours, err = j.paymentsOf(ctx, groups); err != nil {
			return run, at, err
		}
		after = j.judge(run.Gateway, groups, lines, ours)
	}
	for _, p := range ours {
		after.Findings = append(after.Findings, j.twice(p, run, groups)...)
	}
	place, err := json.Marshal(at)
	if err != nil {
		return run, at, err
	}
	next.Cursor = string(place)
	next.Counts.Groups += int64(len(groups))
	for _, p := range after.Matched { // neighbours' pairs, and those of later passes, were or will be counted elsewhere
		if own[*p.Line] && at.Pass == 0 {
			next.Counts.Matched++
		}
	}
	for _, p := range after.Carried {
		if p.Entry != nil && within(p.Entry.At, run.Span) {
			next.Counts.Carried++
		}
	}
	judged := journal.Judged{Groups: groups, Findings: append(j.found(run, after.Findings, ours), j.endless(run, lines, ours)...)}
	for _, f := range j.found(run, before.Findings, ours) {
		if !slices.ContainsFunc(judged.Findings, func(still journal.Finding) bool { return still.ID() == f.ID() }) {
			judged.Healed = append(judged.Healed, f)
		}
	}
	next.Counts.Healed += int64(len(judged.Healed))
	kept, err := j.Journal.KeepJudged(ctx, next, judged, "the statements and our books agree, as of the run of "+run.Day)
	if err != nil {
		return run, at, err // nothing of this page is kept: it is judged again
	}
	return kept, at, nil
}

func within(at time.Time, span providers.Window) bool {
	return !at.Before(span.From) && at.Before(span.To)
}

// paymentsOf reads the payments that orders belong to, by id.
func (o *Office) paymentsOf(ctx context.Context, groups []string) (map[string]payment.Payment, error) {
	var ids []string
	for _, g := range groups {
		if id := journal.PaymentOf(g); id != "" {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return o.payments(ctx, slices.Compact(ids))
}

// payments reads some payments, by id.
func (o *Office) payments(ctx context.Context, ids []string) (map[string]payment.Payment, error) {
	all, err := o.Journal.GetMany(ctx, ids)
	ours := map[string]payment.Payment{}
	for _, p := range all {
		ours[p.ID] = p
	}
	return ours, err
}

// judge holds the lines of some orders against the attempts that they are.
func (j judge) judge(gateway string, groups []string, lines []journal.StagedLine, ours map[string]payment.Payment) reconcile.Judgement {
	asked, spoken, guessed := map[string]bool{}, map[string]bool{}, map[string]bool{}
	for _, g := range groups {
		asked[g] = true
	}
	told := map[string][]providers.StatementLine{}
	for _, l := range lines {
		guessed[l.Group] = guessed[l.Group] || l.FoundBy == journal.ByAmount
		told[l.Day] = append(told[l.Day], l.StatementLine)
		spoken[l.Group] = true
	}
	var entries []reconcile.Entry
	for _, p := range ours {
		for _, e := range reconcile.EntriesOf(p, gateway) {
			if group := journal.GroupOf(e.Payment, e.Attempt); asked[group] && (spoken[group] || !j.unasked(e)) {
				entries = append(entries, e)
			}
		}
	}
	var statements []reconcile.Statement
	for _, d := range j.days {
		statements = append(statements, reconcile.Statement{Gateway: gateway, Span: d.Span, Lines: told[d.Day], Read: d.Read})
	}
	judgement := reconcile.Judge(statements, entries, j.options)
	// A sum and a time are no evidence: what was found by nothing else teaches nothing (SAFETY I10).
	judgement.Steps = slices.DeleteFunc(judgement.Steps, func(s reconcile.Step) bool { return guessed[journal.GroupOf(s.Payment, s.Attempt)] })
	return judgement
}

// referenceOf is our order number of the attempt that a group is.
func referenceOf(group string, ours map[string]payment.Payment) string {
	for _, a := range ours[journal.PaymentOf(group)].Attempts {
		if journal.GroupOf(journal.PaymentOf(group), a.N) == group {
			return a.Reference
		}
	}
	return ""
}

// unasked reports whether a walk that could not ask about an entry is among what would tell of
// it: silence says nothing then.
func (j judge) unasked(e reconcile.Entry) bool {
	if !j.claims.Method(e.Method).Unasked {
		return false
	}
	edge := cmp.Or(j.options.Edge, reconcile.DefaultEdge)
	from, to := e.At.Add(-edge), e.At.Add(edge)
	if e.Last.After(e.At) {
		to = e.Last.Add(edge)
	}
	return slices.ContainsFunc(j.days, func(d journal.StatementDay) bool {
		return d.Source == providers.StatementWalk && d.Span.From.Before(to) && d.Span.To.After(from)
	})
}

// take takes in what a line teaches, through the payment's own door.
func (j judge) take(ctx context.Context, ours map[string]payment.Payment, s reconcile.Step) error {
	p := ours[s.Payment]
	if s.Operation > 0 {
		return j.Router.ObserveOperation(ctx, p, s.Operation, payment.FromStatement, s.Result)
	}
	return j.Router.Observe(ctx, p, s.Attempt, payment.FromStatement, s.Result)
}

// twice is what a payment holds too much of at the run's gateway. What was seen only after
// the last day that has been read may be on its way back.
func (j judge) twice(p payment.Payment, run journal.Run, groups []string) []reconcile.Finding {
	newest := j.days[len(j.days)-1].Span.To // not the run's own day: an older day explains nothing
	return slices.DeleteFunc(reconcile.Twice(p, newest), func(f reconcile.Finding) bool {
		return f.Gateway != run.Gateway || !slices.Contains(groups, journal.GroupOf(f.Payment, f.Attempt))
	})
}

// endless finds the orders of which more is told than anybody looks at.
func (j judge) endless(run journal.Run, lines []journal.StagedLine, ours map[string]payment.Payment) []journal.Finding {
	told := map[string]int{}
	var found []journal.Finding
	for _, l := range lines {
		if told[l.Group]++; told[l.Group] == mostLines {
			of := journal.PaymentOf(l.Group)
			found = append(found, journal.Finding{
				Payment: of, Kind: string(reconcile.DuplicateLine), About: short("endless/" + run.Gateway + "/" + l.Group), Source: journal.OfStatement, Tenant: ours[of].Tenant,
				Gateway: run.Gateway, Group: l.Group, Day: run.Day, Run: run.ID, Order: l.Order, External: l.External, State: journal.FindingOpen, At: run.Updated,
				Detail: fmt.Sprintf("%d lines or more tell of it, and no more of them are looked at", mostLines),
			})
		}
	}
	return found
}

// found are findings as the books keep them.
func (j judge) found(run journal.Run, all []reconcile.Finding, ours map[string]payment.Payment) []journal.Finding {
	var kept []journal.Finding
	for _, f := range all {
		k := journal.Finding{
			Payment: f.Payment, Kind: string(f.Kind), Attempt: f.Attempt, About: short(f.Key), Source: journal.OfStatement, Tenant: ours[f.Payment].Tenant,
			Gateway: run.Gateway, Day: run.Day, Run: run.ID, Detail: f.Detail(), State: journal.FindingOpen, At: run.Updated,
		}
		if f.Entry != nil {
			k.Ours, k.Order = f.Entry.Amount, f.Entry.Reference
		}
		if f.Line != nil {
			k.Theirs, k.Order, k.External = f.Line.Amount, f.Line.Order, f.Line.External
		}
		if f.Payment != "" {
			k.Group = journal.GroupOf(f.Payment, f.Attempt)
		} else {
			k.Group = journal.StrayOf(*f.Line)
		}
		kept = append(kept, k)
	}
	return kept
}

// short is a finding's key in a form for names.
func short(key string) string {
	sum := sha256.Sum256([]byte(key))
	return strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(sum[:10]))
}
