package bulk

import (
	"encoding/json"
	"math"
	"time"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router/journal"
	"github.com/payrouter/payrouter/router/payment"
)

// table is one that a payment is written to, with the columns in the order of its rows.
type table struct {
	name    string
	columns []string
}

// The places of the tables in a batch.
const (
	events = iota
	payments
	attempts
	refunds
	findings
	findingChanges
	requests
	signals
	outbox
	feed
)

var tables = [...]table{
	events:   {"events", []string{"payment_id", "seq", "at", "actor", "kind", "body", "writer"}},
	payments: {"payments", []string{"id", "tenant", "order_ref", "order_open", "status", "gateway", "at_risk", "seq", "created_at", "updated_at", "due_at", "payer"}},
	attempts: {"attempts", []string{"payment_id", "n", "gateway", "provider", "reference", "external", "verdict", "amount", "currency", "planned_at", "unclosed", "at_risk", "live_until", "last_at"}},
	refunds:  {"refunds", []string{"payment_id", "operation", "attempt", "gateway", "own", "external", "verdict", "planned_at", "last_at"}},
	findings: {"findings", []string{"payment_id", "kind", "attempt", "about", "source", "tenant", "gateway", "detail", "state", "resolution", "owner",
		"note", "closed_by", "close_reason", "adopted_as", "at", "updated_at", "closed_at", "version"}},
	findingChanges: {"finding_changes", []string{"finding_id", "version", "at", "actor", "reason", "change"}},
	requests:       {"requests", []string{"tenant", "request_id", "kind", "hash", "payment_id", "object"}},
	signals:        {"signals", []string{"payment_id", "attempt", "gateway", "signal", "at"}},
	outbox:         {"outbox", []string{"payment_id", "seq", "tenant", "at"}},
	feed:           {"feed", []string{"tenant", "seq", "payment_id", "event_seq"}},
}

// batch is the rows of some payments, by table.
type batch [len(tables)][][]any

func (b *batch) add(table int, row ...any) { b[table] = append(b[table], row) }

// write adds the rows of a history, but for those of the feed.
func (b *batch) write(h history, due func(payment.Payment, time.Time) time.Time) error {
	p := h.commits[len(h.commits)-1].p
	for _, c := range h.commits {
		for _, e := range c.events {
			body, err := payment.EncodeBody(e.Body)
			if err != nil {
				return err
			}
			b.add(events, h.id, e.Seq, micros(e.At), e.Actor, e.Body.Kind(), string(body), c.writer)
		}
		if r := c.request; r != nil {
			b.add(requests, r.Tenant, r.ID, r.Kind, r.Hash, h.id, r.Object)
		}
		b.signals(c)
	}
	if err := b.payment(h, p, due); err != nil {
		return err
	}
	for _, a := range p.Attempts {
		_, last := p.Dated(a)
		b.add(attempts, h.id, int64(a.N), a.Gateway, a.Provider, a.Reference, a.External, a.Verdict.String(), p.Amount.Minor, p.Amount.Currency,
			micros(a.Planned), a.Closed == nil, a.AtRisk(), liveUntil(a), nextHour(last))
	}
	for _, o := range p.Operations {
		last := o.At
		if o.SettledAt.After(last) {
			last = o.SettledAt
		}
		b.add(refunds, h.id, int64(o.Operation), int64(o.Attempt), p.Attempts[o.Attempt-1].Gateway, o.Reference, o.External, o.Verdict.String(), micros(o.At), nextHour(last))
	}
	return b.findings(h, p)
}

func (b *batch) payment(h history, p payment.Payment, due func(payment.Payment, time.Time) time.Time) error {
	person, err := json.Marshal(h.payer)
	if err != nil {
		return err
	}
	gateway, risk := "", false
	for _, a := range p.Attempts {
		gateway, risk = a.Gateway, risk || a.AtRisk()
	}
	status := p.Status()
	unpaid := status == payment.StatusDeclined || status == payment.StatusFailed || status == payment.StatusCanceled
	b.add(payments, h.id, p.Tenant, p.Order, p.Order != "" && !unpaid, string(status), gateway, risk, p.Seq, micros(p.Created), micros(p.Updated),
		orNull(due(p, h.commits[len(h.commits)-1].at())), string(person))
	return nil
}

// findings are open unless a person closed them, which is their second version.
func (b *batch) findings(h history, p payment.Payment) error {
	for _, f := range p.Findings {
		row := journal.Finding{Payment: p.ID, Kind: string(f.Kind), Attempt: f.Attempt, About: f.About}
		state, resolution, by, why, updated, version := journal.FindingOpen, journal.Resolution(""), "", "", f.At, int64(1)
		if !h.closed.IsZero() {
			state, resolution, by, why, updated, version = journal.FindingClosed, journal.ByPerson, closer, closeReason, h.closed, 2
			change, err := json.Marshal(map[string]string{"state": string(state), "resolution": string(resolution), "owner": "", "note": "", "detail": f.Detail})
			if err != nil {
				return err
			}
			b.add(findingChanges, row.ID(), version, micros(h.closed), closer, closeReason, string(change))
		}
		gateway := ""
		if f.Attempt > 0 {
			gateway = p.Attempts[f.Attempt-1].Gateway
		}
		b.add(findings, p.ID, row.Kind, int64(f.Attempt), f.About, string(journal.OfPayment), p.Tenant, gateway, f.Detail, string(state), string(resolution), "", "",
			by, why, "", micros(f.At), micros(updated), orNull(h.closed), version)
	}
	return nil
}

// signals are what a commit tells of gateways' health.
func (b *batch) signals(c commit) {
	for _, e := range c.events {
		switch body := e.Body.(type) {
		case payment.Planned:
			for _, choice := range body.Route {
				if choice.Unwell() && choice.Gateway != body.Gateway {
					b.add(signals, c.p.ID, int64(body.Attempt), choice.Gateway, string(journal.Diverted), micros(e.At))
				}
			}
		case payment.Observed:
			if a := c.p.Attempts[body.Attempt-1]; a.InVain() && body.Verdict == providers.Unserved {
				b.add(signals, c.p.ID, int64(a.N), a.Gateway, string(journal.Unserved), micros(a.Planned))
			}
		}
	}
}

func liveUntil(a payment.Attempt) any {
	switch {
	case a.Closed != nil || !a.Shown || a.Verdict.HasMoney():
		return nil
	case a.Until.IsZero():
		return int64(math.MaxInt64)
	}
	return micros(a.Until)
}

// nextHour is the end of the hour of an instant.
func nextHour(at time.Time) int64 { return micros(at.Truncate(time.Hour).Add(time.Hour)) }

func micros(t time.Time) int64 { return t.UnixMicro() }

func orNull(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UnixMicro()
}
