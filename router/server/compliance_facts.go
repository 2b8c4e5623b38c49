package server

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router"
	"github.com/payrouter/payrouter/router/journal"
	"github.com/payrouter/payrouter/router/payment"
	"github.com/payrouter/payrouter/router/readiness"
)

// mostCases is how many payments are read to find one that shows what is asked for.
const mostCases = 50

// inquiry gathers what is known of one gateway at one moment. It only reads.
type inquiry struct {
	compliance
	readiness.Facts
	known   []journal.Known // the gateways in the books
	tenants []string
}

// facts asks the books, the configuration and what people recorded.
func (s compliance) facts(ctx context.Context, g router.Gateway, now time.Time) (readiness.Facts, error) {
	o := s.options.Readiness
	q := &inquiry{compliance: s, tenants: slices.Sorted(maps.Keys(s.router.Tenants)), Facts: readiness.Facts{Gateway: g.Name, Now: now, Zone: o.Zone, Egress: o.Egress, Token: tokenOf(g)}}
	for _, ask := range []func(context.Context) error{q.volume, q.paid, q.canceled, q.refunded, q.undecided, q.repeated, q.kept, q.drained, q.reconciled, q.disputed, q.shown} {
		if err := ask(ctx); err != nil {
			return q.Facts, err
		}
	}
	return q.Facts, nil
}

// tokenOf is what is known of the credentials of new attempts.
func tokenOf(g router.Gateway) readiness.Token {
	t := readiness.Token{Version: g.Version, Issued: g.Issued, Expires: g.Expires}
	if e, ok := g.Provider.(providers.Expirer); ok {
		t.Certificate = e.Expires()
	}
	return t
}

// others are the gateways in the books that are another provider's.
func (q *inquiry) others() []string {
	var names []string
	for _, k := range q.known {
		if k.Provider != checklistOf {
			names = append(names, k.Gateway)
		}
	}
	return names
}

func (q *inquiry) volume(ctx context.Context) (err error) {
	if q.known, q.Volume.Query, err = q.router.Journal.KnownGateways(ctx); err != nil {
		return err
	}
	months := readiness.Months(q.Now, q.Zone)
	counts, asked, err := q.router.Journal.Successes(ctx, q.others(), providers.Window{From: months[0], To: months[2]})
	for _, c := range counts {
		q.Volume.Counts = append(q.Volume.Counts, readiness.Count(c))
	}
	if asked != "" {
		q.Volume.Query = asked
	}
	return err
}

func (q *inquiry) paid(ctx context.Context) error {
	id, n, asked, err := q.router.Journal.LatestPaid(ctx, q.Gateway)
	q.Paid.Query = asked
	if errors.Is(err, journal.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	return q.among(ctx, []string{id}, func(p payment.Payment) (bool, error) {
		a := p.Attempts[n-1]
		q.Paid = q.of(p, a, a.Taken, asked, fmt.Sprintf("the latest payment that was paid, %s, number %s", p.Amount, a.Reference))
		return true, nil
	})
}

// of is a case of a payment's attempt.
func (q *inquiry) of(p payment.Payment, a payment.Attempt, at time.Time, asked, detail string) readiness.Case {
	return readiness.Case{Payment: paymentName(p.ID), Gateway: a.Gateway, At: at, Detail: detail, Query: asked}
}

// among reads payments until one shows what is looked for. One that is not kept any more
// shows nothing.
func (q *inquiry) among(ctx context.Context, ids []string, shows func(payment.Payment) (bool, error)) error {
	for _, id := range ids {
		p, err := q.router.Journal.Get(ctx, id)
		if errors.Is(err, journal.ErrNotFound) {
			continue
		}
		if err != nil {
			return err
		}
		if enough, err := shows(p); enough || err != nil {
			return err
		}
	}
	return nil
}

func (q *inquiry) canceled(ctx context.Context) error {
	ids, asked, err := q.router.Journal.LatestCanceled(ctx, q.Gateway, q.tenants, mostCases)
	q.Cancel.Query = asked
	if err != nil {
		return err
	}
	return q.among(ctx, ids, func(p payment.Payment) (bool, error) {
		if p.Cancel == nil || len(p.Attempts) == 0 {
			return false, nil
		}
		a := p.Attempts[len(p.Attempts)-1]
		detail := "the latest payment that its caller canceled"
		if a.Closed != nil {
			detail += ", proved not charged: " + string(a.Closed.Kind)
		}
		q.Cancel = q.of(p, a, p.CanceledAt, asked, detail)
		return true, nil
	})
}

// refunded looks at the gateway first, and for a part and a whole at all others.
func (q *inquiry) refunded(ctx context.Context) error {
	names := []string{q.Gateway}
	for _, k := range q.known {
		if k.Gateway != q.Gateway {
			names = append(names, k.Gateway)
		}
	}
	for _, name := range names {
		ids, asked, err := q.router.Journal.LatestRefunds(ctx, name, mostCases)
		if err != nil {
			return err
		}
		if name == q.Gateway {
			q.Refund.Query, q.Partial.Query, q.Full.Query = asked, asked, asked
		}
		err = q.among(ctx, ids, func(p payment.Payment) (bool, error) {
			q.refundsOf(p, name, asked)
			return q.Partial.Payment != "" && q.Full.Payment != "", nil
		})
		if err != nil || q.Partial.Payment != "" && q.Full.Payment != "" {
			return err
		}
	}
	return nil
}

// refundsOf takes what a payment's refunds at a gateway show that nothing has shown yet.
func (q *inquiry) refundsOf(p payment.Payment, gateway, asked string) {
	kept, ok := p.Kept()
	if !ok || kept.Gateway != gateway {
		return
	}
	fill := func(c *readiness.Case, at time.Time, detail string) {
		if c.Payment == "" {
			*c = q.of(p, kept, at, asked, detail)
		}
	}
	sums := p.Sums()
	of := func(minor int64) providers.Money {
		return providers.Money{Minor: minor, Currency: p.Amount.Currency}
	}
	for _, r := range p.Refunds {
		if r.State != payment.RefundDone {
			continue
		}
		told := fmt.Sprintf("refunded %s of %s", r.Amount, of(sums.Paid))
		if gateway == q.Gateway {
			fill(&q.Refund, r.Updated, told)
		}
		if r.Amount.Minor < sums.Paid {
			fill(&q.Partial, r.Updated, told)
		}
		if sums.Paid > 0 && sums.Refunded >= sums.Paid {
			fill(&q.Full, r.Updated, fmt.Sprintf("refunded %s of %s in all", of(sums.Refunded), of(sums.Paid)))
		}
	}
}

func (q *inquiry) undecided(ctx context.Context) error {
	ids, asked, err := q.router.Journal.LatestUnknown(ctx, q.Gateway, q.tenants, mostCases)
	q.Timeout.Query = asked
	if err != nil {
		return err
	}
	return q.among(ctx, ids, func(p payment.Payment) (bool, error) {
		events, err := q.router.Journal.Events(ctx, p.ID)
		if err != nil {
			return false, err
		}
		for _, a := range p.Attempts {
			d, found := doubtOf(events, a.N)
			if a.Gateway != q.Gateway || !found {
				continue
			}
			q.Timeout = q.of(p, a, d.began, asked, fmt.Sprintf("the answer left the outcome unknown (%s), and %s later it was %s", d.why, d.ended.Sub(d.began).Round(time.Second), d.became))
			return true, nil
		}
		return false, nil
	})
}

// doubt is a time in which nobody knew an attempt's outcome.
type doubt struct {
	began, ended time.Time
	why          providers.Reason
	became       string
}

// doubtOf finds whether an attempt's own answer left its outcome unknown, and what became of
// it. One that nobody knows yet shows nothing.
func doubtOf(events []payment.Event, n int) (doubt, bool) {
	var d doubt
	for _, e := range events {
		switch b := e.Body.(type) {
		case payment.Observed:
			switch {
			case b.Attempt != n:
			case d.began.IsZero() && b.Verdict == providers.Unknown && b.Source == payment.FromResponse:
				d.began, d.why = e.At, b.Reason
			case !d.began.IsZero() && b.Verdict != providers.Unknown && b.Verdict != providers.Pending:
				d.ended, d.became = e.At, fmt.Sprintf("%s by %s", b.Verdict, b.Source)
				return d, true
			}
		case payment.Closed:
			if b.Attempt == n && !d.began.IsZero() {
				d.ended, d.became = e.At, fmt.Sprintf("proved not charged: %s", b.Evidence.Kind)
				return d, true
			}
		}
	}
	return d, false
}

func (q *inquiry) repeated(ctx context.Context) error {
	found, asked, err := q.router.Journal.LatestTwice(ctx, q.Gateway, mostCases)
	q.Double.Query = asked
	if err != nil {
		return err
	}
	var ids []string
	times := map[string]journal.Twice{}
	for _, t := range found {
		if _, known := times[t.Payment]; !known {
			ids, times[t.Payment] = append(ids, t.Payment), t
		}
	}
	return q.among(ctx, ids, func(p payment.Payment) (bool, error) {
		charged := slices.DeleteFunc(slices.Clone(p.Attempts), func(a payment.Attempt) bool { return !a.Verdict.HasMoney() })
		if len(charged) != 1 || charged[0].Gateway != q.Gateway {
			return false, nil
		}
		t := times[p.ID]
		q.Double = q.of(p, charged[0], t.Last, asked, fmt.Sprintf("the gateway sent one notice %d times, and the payment was charged once", t.Times))
		return true, nil
	})
}

func (q *inquiry) kept(ctx context.Context) (err error) {
	u, n, r := &q.Unique, &q.Notices, &q.Records
	if u.Latest, u.Duplicates, u.Index, u.Query, err = q.router.Journal.References(ctx, q.Gateway); err != nil {
		return err
	}
	if n.Oldest, n.Query, err = q.router.Journal.NoticesKept(ctx, q.Gateway); err != nil {
		return err
	}
	if q.options.Office != nil {
		n.Term = q.options.Office.Retention.Notices
	}
	r.Oldest, r.Query, err = q.router.Journal.PaymentsKept(ctx) // nobody removes them
	return err
}

// drained looks for the latest drain under which others were charged.
func (q *inquiry) drained(ctx context.Context) error {
	orders, asked, err := q.router.Journal.LatestDrains(ctx, q.Gateway, q.Now, mostCases)
	q.Drain.Query = asked
	if err != nil {
		return err
	}
	for _, d := range orders {
		w := providers.Window{From: d.Start, To: d.End}
		if w.To.After(q.Now) {
			w.To = q.Now
		}
		if !w.From.Before(w.To) {
			continue
		}
		counts, also, err := q.router.Journal.Successes(ctx, q.others(), w)
		if err != nil {
			return err
		}
		elsewhere := int64(0)
		for _, c := range counts {
			elsewhere += c.N
		}
		if elsewhere > 0 {
			q.Drain = readiness.Drain{Start: w.From, End: w.To, Actor: d.Actor, Elsewhere: elsewhere, Query: asked + "; " + also}
			return nil
		}
	}
	return nil
}

func (q *inquiry) reconciled(ctx context.Context) error {
	day, open, asked, err := q.router.Journal.LastStatement(ctx, q.Gateway)
	if errors.Is(err, journal.ErrNotFound) {
		err = nil
		day = journal.StatementDay{}
	}
	q.Books = readiness.Books{Day: day.Day, Ends: day.Span.To, Lines: day.Lines, Open: open, Query: asked}
	return err
}

func (q *inquiry) disputed(ctx context.Context) (err error) {
	d := &q.Disputes
	d.All, d.Overdue, d.Oldest, d.Query, err = q.router.Journal.Contested(ctx, q.Gateway, q.Now.Add(-journal.AnswerWithin))
	return err
}

func (q *inquiry) shown(ctx context.Context) error {
	found, asked, err := q.router.Journal.NewestEvidence(ctx, q.Gateway)
	q.ShownQuery, q.Shown = asked, map[string]readiness.Shown{}
	for _, e := range found {
		q.Shown[e.Item] = readiness.Shown{Actor: e.Actor, Reference: e.Reference, Detail: e.Detail, At: e.Shown}
	}
	return err
}
