package journal_test

import (
	"fmt"
	"slices"
	"time"

	"github.com/payrouter/payrouter/router/payment"
)

// compareRows compares every by-product with what the events say, and what no question
// shows with the model.
func (m *machine) compareRows() {
	var payments, attempts, refunds, findings, requests, outbox, feed, notices, instruments []string
	for _, id := range m.model.ids() {
		k := m.model.payments[id]
		events, err := m.replicas[0].Events(m.ctx, id)
		m.same("Events", events, k.events, err, nil)
		p, err := payment.Fold(events)
		m.same("Fold", p, k.p, err, nil)
		payments = append(payments, line(id, p.Tenant, p.Order, orderOpen(p), p.Status(), lastGateway(p), atRisk(p, ""), p.Seq,
			micro(p.Created), micro(p.Updated), never(k.due), k.archived))
		for _, a := range p.Attempts {
			attempts = append(attempts, line(id, a.N, a.Gateway, a.Provider, a.Reference, a.External, a.Verdict, p.Amount.Minor, p.Amount.Currency,
				micro(a.Planned), a.Closed == nil, a.Open(), liveUntil(a), nextHour(p.Dated(a))))
		}
		for _, o := range p.Operations {
			if o.Op == payment.OpRefund {
				refunds = append(refunds, line(id, o.Operation, o.Attempt, p.Attempts[o.Attempt-1].Gateway, o.Reference, o.External, o.Verdict, micro(o.At), nextHour(o.At, later(o.At, o.SettledAt))))
			}
		}
		for _, f := range p.Findings {
			findings = append(findings, line("payment", p.Tenant, gatewayOf(p, f.Attempt), id, f.Attempt, f.Kind, f.About, f.Detail, "open", micro(f.At)))
		}
	}
	many, err := m.replicas[1].GetMany(m.ctx, m.model.ids())
	m.same("GetMany", len(many), len(m.model.payments), err, nil)
	for _, p := range many {
		m.same("one of many", p, m.model.payments[p.ID].p, nil, nil)
	}
	for _, r := range m.model.requests {
		requests = append(requests, line(r.Tenant, r.ID, r.Kind, r.Hash, r.payment, r.Object))
	}
	for _, c := range m.model.outbox {
		outbox = append(outbox, line(c.Payment, c.EventSeq, m.model.payments[c.Payment].p.Tenant, micro(m.model.at(c))))
	}
	for tenant, changes := range m.model.feed {
		for _, c := range changes {
			feed = append(feed, line(tenant, c.Seq, c.Payment, c.EventSeq))
		}
	}
	for _, n := range m.model.notices {
		notices = append(notices, line(n.id, n.gateway, micro(n.received), n.state, n.payment, n.detail, n.body))
	}
	for _, i := range m.model.instruments {
		instruments = append(instruments, line(i.ID, i.Tenant, i.Customer, i.Gateway, i.Token.Value.Reveal(), i.Token.Mask, i.Payment, never(stored(i.deleted))))
	}
	m.sameRows("payments", "id, tenant, order_ref, order_open, status, gateway, at_risk, seq, created_at, updated_at, due_at, archived_seq", payments)
	m.sameRows("attempts", "payment_id, n, gateway, provider, reference, external, verdict, amount, currency, planned_at, unclosed, at_risk, live_until, last_at", attempts)
	m.sameRows("refunds", "payment_id, operation, attempt, gateway, own, external, verdict, planned_at, last_at", refunds)
	m.sameRows("findings", "source, tenant, gateway, payment_id, attempt, kind, about, detail, state, at", findings)
	m.sameRows("requests", "tenant, request_id, kind, hash, payment_id, object", requests)
	m.sameRows("outbox", "payment_id, seq, tenant, at", outbox)
	m.sameRows("feed", "tenant, seq, payment_id, event_seq", feed)
	m.sameRows("notices", "id, gateway, received_at, state, payment_id, detail, body", notices)
	m.sameRows("instruments", "id, tenant, customer, gateway, token, mask, payment_id, deleted_at", instruments)
	m.compareDisputes()
}

// nextHour is the end of the hour in which a movement's range ends.
func nextHour(_, last time.Time) int64 { return micro(last.Truncate(time.Hour).Add(time.Hour)) }

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

func gatewayOf(p payment.Payment, attempt int) string {
	if attempt == 0 {
		return ""
	}
	return p.Attempts[attempt-1].Gateway
}

func micro(t time.Time) int64 { return t.UnixMicro() }

// never is how the absence of an instant is stored.
func never(us int64) any {
	if us == 0 {
		return nil
	}
	return us
}

// line writes a row the same way whichever engine it comes from.
func line(values ...any) string {
	for i, v := range values {
		switch v := v.(type) {
		case []byte:
			values[i] = string(v)
		case bool: // SQLite has numbers for it
			values[i] = map[bool]int{true: 1}[v]
		}
	}
	return fmt.Sprintf("%v", values)
}

func (m *machine) sameRows(table, columns string, want []string) {
	m.t.Helper()
	rows, err := m.rows.QueryContext(m.ctx, "SELECT "+columns+" FROM "+table)
	if err != nil {
		m.t.Fatal(err)
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		m.t.Fatal(err)
	}
	var got []string
	for rows.Next() {
		values, places := make([]any, len(names)), make([]any, len(names))
		for i := range values {
			places[i] = &values[i]
		}
		if err := rows.Scan(places...); err != nil {
			m.t.Fatal(err)
		}
		got = append(got, line(values...))
	}
	if err := rows.Err(); err != nil {
		m.t.Fatal(err)
	}
	slices.Sort(got)
	slices.Sort(want)
	m.same("rows of "+table, got, want, nil, nil)
}
