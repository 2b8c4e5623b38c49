package journal_test

import (
	"context"
	"fmt"
	"time"

	"pgregory.net/rapid"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router/journal"
	"github.com/payrouter/payrouter/router/payment"
)

// keys are the request ids of openings.
var keys = []string{"k1", "k2", "k3", "k4", "k5", "k6"}

// request draws a caller's request id with what it is used for.
func (m *machine) request(t *rapid.T, ids ...string) journal.Request {
	return journal.Request{Tenant: draw(t, "tenant", "shop", "shop", "cafe"), ID: draw(t, "request", ids...),
		Kind: draw(t, "kind", "create", "create", "create", "refund"), Hash: draw(t, "hash", "h1", "h1", "h1", "h2"),
		Object: draw(t, "object", "", "refund-1")}
}

// caller draws the context of a caller, who may have hung up already.
func (m *machine) caller(t *rapid.T) (ctx context.Context, hungUp bool) {
	if hungUp = draw(t, "hung up", false, false, false, false, false, false, false, false, true); !hungUp {
		return m.ctx, false
	}
	ctx, cancel := context.WithCancel(m.ctx)
	cancel()
	return ctx, true
}

func (m *machine) open(t *rapid.T) {
	m.tick(t)
	r, payer := m.request(t, keys...), providers.Payer{Phone: draw(t, "phone", "", "+77010000000")}
	m.opened++
	e := payment.Event{Seq: 1, Actor: "caller:test", At: draw(t, "at", m.now, m.now.Truncate(time.Hour)), Body: payment.Opened{
		ID: name("p", m.opened), Tenant: r.Tenant, RequestID: r.ID, Order: draw(t, "order", "", "o1", "o2"), Amount: kzt(1500),
		Methods: []providers.Method{providers.QR}, TwoStage: draw(t, "two stage", false, true), Deadline: m.now.Add(100 * time.Hour)}}
	ctx, hungUp := m.caller(t)
	got, err := m.replica(t).Open(ctx, r, payer, e)
	want, wantErr := m.model.open(hungUp, r, payer, e)
	m.same("Open", got, want, err, wantErr)
}

// intent draws what a writer decides about a payment.
type intent func(t *rapid.T, id string) journal.Decide

// advance lets one replica advance a payment, while another may be faster.
func (m *machine) advance(draws intent) func(*rapid.T) {
	return func(t *rapid.T) {
		if m.opened == 0 {
			t.Skip("there are no payments")
		}
		m.tick(t)
		id := m.id(t)
		from, mine := m.from(t, id), draws(t, id)
		rivals := draw(t, "a rival is faster", intent(nil), nil, nil, m.plan, m.learn, m.wish, m.act)
		var rival journal.Decide
		if rivals != nil {
			rival = rivals(t, id)
		}
		var once *journal.Request
		if draw(t, "once", false, false, true) {
			r := m.request(t, "a1", "a2", "a3", "k1")
			once = &r
		}
		m.compete(t, from, once, mine, rival)
	}
}

// compete has the store and the model advance a payment; the rival writes while the
// first decision is made.
func (m *machine) compete(t *rapid.T, from payment.Payment, once *journal.Request, mine, rival journal.Decide) {
	ctx, hungUp := m.caller(t)
	us, them := m.replica(t), m.replica(t)
	known := payment.Payment{Opened: payment.Opened{ID: from.ID}}
	var rivals [2]payment.Payment // the rival's answers: the store's and the model's
	var errs [2]error
	got, err := advance(ctx, us, once, from, contested(mine, rival, func() {
		rivals[0], errs[0] = advance(m.ctx, them, once, known, rival)
	}))
	want, wantErr := m.model.advance(hungUp, once, from, contested(mine, rival, func() {
		rivals[1], errs[1] = m.model.advance(false, once, known, rival)
	}))
	m.same("Advance of a rival", rivals[0], rivals[1], errs[0], errs[1])
	m.same("Advance", got, want, err, wantErr)
}

func advance(ctx context.Context, s *journal.Store, once *journal.Request, from payment.Payment, decide journal.Decide) (payment.Payment, error) {
	if once == nil {
		return s.Advance(ctx, from, decide)
	}
	return s.AdvanceOnce(ctx, *once, from, decide)
}

// contested is a decision during which a rival writes, the first time it is made.
func contested(decide, rival journal.Decide, write func()) journal.Decide {
	return func(p payment.Payment) ([]payment.Event, error) {
		if rival != nil {
			rival = nil
			write()
		}
		return decide(p)
	}
}

// from draws what the writer knows of the payment: all, its id alone, or less than all.
func (m *machine) from(t *rapid.T, id string) payment.Payment {
	k := m.model.payments[id]
	if k == nil || draw(t, "knows", "payment", "id") == "id" {
		return payment.Payment{Opened: payment.Opened{ID: id}}
	}
	known := max(len(k.events)-draw(t, "behind", 0, 0, 0, 1, 2, 3), 1, k.archived) // nobody remembers for a month
	p, err := payment.Fold(k.events[:known])
	if err != nil {
		t.Fatal(err)
	}
	p.Writer = m.writer(id, known) // was told with it
	return p
}

// leave decides to do nothing, or cannot decide.
func (m *machine) leave(t *rapid.T, _ string) journal.Decide {
	err := draw(t, "fails", nil, errOwn)
	return func(payment.Payment) ([]payment.Event, error) { return nil, err }
}

// settled decides to append facts or wishes and, as the router does, what follows from
// them. What the payment refuses is left to the store to refuse.
func (m *machine) settled(bodies ...payment.Body) journal.Decide {
	now := m.now
	return func(p payment.Payment) ([]payment.Event, error) {
		var events []payment.Event
		for _, body := range bodies {
			e := payment.Event{At: now, Actor: "router", Body: body}
			events = append(events, e)
			next, err := p.Apply(e)
			if err != nil {
				return events, nil
			}
			p = next
		}
		_, more, err := p.Settle(now, terms, "router")
		return append(events, more...), err
	}
}

// plan decides to plan the next attempt, proved or not, under one of a few references.
func (m *machine) plan(t *rapid.T, _ string) journal.Decide {
	gateway, reference := draw(t, "gateway", kaspi, halyk), draw(t, "reference", "r1", "r2", "r3", "r4", "r5", "r6")
	method := terms.Claims(gateway).Methods[0]
	return func(p payment.Payment) ([]payment.Event, error) {
		return m.settled(payment.Planned{Attempt: len(p.Attempts) + 1, Gateway: gateway, Provider: gateway[:5], Method: method.Method,
			Flow: method.Flow, Reference: reference, Evidence: p.Evidence()})(p)
	}
}

// act decides to do the operation that is next, if there is one, and may know its outcome.
func (m *machine) act(t *rapid.T, _ string) journal.Decide {
	now := m.now
	outcome := draw(t, "outcome", providers.Approved, providers.Unknown, providers.Declined)
	return func(p payment.Payment) ([]payment.Event, error) {
		s := p.Next(now, terms)
		if s.Do != payment.Operate {
			return nil, nil
		}
		s.Plan.Operation = len(p.Operations) + 1
		return m.settled(s.Plan, payment.OperationObserved{Operation: s.Plan.Operation, Source: payment.FromResponse, Verdict: outcome})(p)
	}
}

func (m *machine) wish(t *rapid.T, id string) journal.Decide {
	sum := kzt(draw[int64](t, "sum", 500, 1500))
	return m.settled(draw[payment.Body](t, "wish", payment.SwitchRequested{Attempt: 1, Reason: "drained"}, payment.CaptureRequested{RequestID: "c", Amount: sum},
		payment.RefundRequested{Refund: fmt.Sprint(id, m.now.UnixMicro()), RequestID: "r", Amount: sum}, payment.CancelRequested{RequestID: "x"},
		payment.Finished{Outcome: payment.OutcomeFailed}))
}

// learn decides to write down a fact: about an operation, or about an attempt. Of a
// payment without any there is seldom something to learn.
func (m *machine) learn(t *rapid.T, id string) journal.Decide {
	k := m.model.payments[id]
	if k != nil && len(k.p.Attempts) == 0 && draw(t, "plan instead", true, true, true, false) {
		return m.plan(t, id)
	}
	if k == nil || len(k.p.Operations) == 0 || draw(t, "about an attempt", true, false) {
		return m.settled(m.observation(t, k))
	}
	return m.settled(payment.OperationObserved{Operation: rapid.IntRange(1, len(k.p.Operations)).Draw(t, "operation"), Source: payment.FromLookup,
		Verdict: draw(t, "outcome", providers.Approved, providers.Unknown, providers.Declined, providers.Unserved)})
}

// verdicts, those that lead on before those that end a payment: rapid draws what comes
// first more often.
var verdicts = []providers.Verdict{providers.Unserved, providers.Pending, providers.Held, providers.Approved, providers.Unknown, providers.Declined}

// observation draws a fact about an attempt, mostly of one that there is.
func (m *machine) observation(t *rapid.T, k *kept) payment.Observed {
	attempts := []int{1}
	if k != nil {
		for _, a := range k.p.Attempts {
			attempts = append(attempts, a.N, a.N)
		}
	}
	o := payment.Observed{Attempt: draw(t, "attempt", attempts...), Verdict: draw(t, "verdict", verdicts...),
		Source:   draw(t, "source", payment.FromResponse, payment.FromLookup, payment.FromNotice, payment.FromStatement, payment.FromOperator),
		External: draw(t, "external", "", "e1", "e2", "e3"), Returned: draw(t, "returned", providers.Money{}, providers.Money{}, kzt(700))}
	switch o.Verdict {
	case providers.Unknown:
		o.Reason = draw(t, "reason", providers.Timeout, providers.UnknownCode)
		o.Code = draw(t, "code", "E-1", "E-2")
		o.Absent = o.Source == payment.FromLookup
	case providers.Pending:
		o.Reason = draw(t, "reason", providers.AwaitingPayer, providers.PayerConfirming)
		o.Action = draw(t, "action", &providers.Action{Kind: providers.ShowQR, Text: "qr"}, nil)
		o.Until = draw(t, "until", m.now.Add(5*time.Minute), time.Time{})
	case providers.Declined:
		o.Reason = draw(t, "reason", providers.Expired, providers.DeclinedHard)
	case providers.Unserved:
		o.Reason = draw(t, "reason", providers.NotSent, providers.Maintenance)
	}
	return o
}
