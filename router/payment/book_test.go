package payment_test

import (
	"errors"
	"fmt"
	"time"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router/payment"
)

// start is when the payments of these tests are opened.
var start = time.Date(2026, 3, 14, 9, 0, 0, 0, time.UTC)

// amount is what they ask for: 15 490 tenge.
var amount = tenge(1549000)

func tenge(minor int64) providers.Money { return providers.Money{Minor: minor, Currency: "KZT"} }

// The gateways of these tests, one for each shape of payment. Timeouts of 15 s make a
// send window of 20 s.
const (
	card    = "card"    // direct; "no such order" counts from 1 min after the window
	backup  = "backup"  // direct, the same
	qr      = "qr"      // an offer: no withdrawal, lives 245 s and 15 s of margin
	order   = "order"   // an offer: a binding withdrawal, after which a try may show for a minute
	page    = "page"    // an offer: withdrawal is binding; says its own end; sends e-mail; knows it only once opened
	push    = "push"    // an invoice that rings at the payer's phone; withdrawal is binding
	account = "account" // the payer starts it and the gateway asks us
)

const (
	window = 20 * time.Second // how long a request may be on its way
	absent = time.Minute      // H of card and backup
	settle = 2 * time.Minute  // how long a refund that was made may stay unseen
)

func claims(gateway string) providers.Claims {
	counts := providers.AbsentRule{Counts: true, After: absent, Times: 2, Apart: 30 * time.Second}
	methods := map[string]providers.MethodClaims{
		card:    {Method: providers.Instrument, Flow: providers.Direct, Absent: counts},
		qr:      {Method: providers.QR, Flow: providers.Offer, OfferLife: 245 * time.Second, Margin: 15 * time.Second, NeverShown: true},
		page:    {Method: providers.Page, Flow: providers.Offer, Margin: 15 * time.Second, Withdraw: providers.Binding, Absent: counts},
		order:   {Method: providers.Page, Flow: providers.Offer, Margin: 15 * time.Second, Withdraw: providers.Binding, WithdrawWait: time.Minute},
		push:    {Method: providers.Push, Flow: providers.Pushed, OfferLife: 24 * time.Hour, Withdraw: providers.Binding},
		account: {Method: providers.Account, Flow: providers.AskFirst, Withdraw: providers.Veto},
	}
	methods[backup] = methods[card]
	m, ok := methods[gateway]
	if !ok {
		return providers.Claims{}
	}
	trust := providers.Signed
	if gateway == qr || gateway == push {
		trust = providers.HintOnly
	}
	limit := 15 * time.Second
	return providers.Claims{
		Provider: gateway, Currencies: []string{"KZT"}, Methods: []providers.MethodClaims{m},
		Refund:   providers.RefundClaims{API: true, Partial: true, SettleWait: settle},
		Webhook:  trust,
		Timeouts: providers.Timeouts{Charge: limit, Create: limit, Status: limit, Refund: limit},
	}
}

// book is a payment that a test writes facts into and asks for the next step. It
// stands in for the router's loop: every fact is settled as the router settles it.
type book struct {
	t      tester
	now    time.Time
	terms  payment.Terms
	p      payment.Payment
	events []payment.Event
}

// tester is what a test and a property have in common.
type tester interface {
	Helper()
	Fatal(...any)
	Fatalf(string, ...any)
}

// open starts a book with a payment of amount and a deadline in 15 minutes. Its id is
// one whose jitter is none, so that schedules are exact.
func open(t tester, change ...func(*payment.Opened)) *book {
	t.Helper()
	opened := payment.Opened{ID: "p-82", Tenant: "shop", RequestID: "r-1", Amount: amount,
		Methods: []providers.Method{providers.QR, providers.Instrument}, Deadline: start.Add(15 * time.Minute)}
	for _, c := range change {
		c(&opened)
	}
	b := &book{t: t, now: start, terms: payment.Terms{Claims: claims}}
	b.tell(opened)
	return b
}

func twoStage(o *payment.Opened)  { o.TwoStage = true }
func softRetry(o *payment.Opened) { o.SoftRetry = true }
func noDeadline(o *payment.Opened) {
	o.Deadline = time.Time{}
}

// try applies one event and, if it is accepted, what follows from it.
func (b *book) try(body payment.Body) error { return b.say("test", body) }

func (b *book) say(actor string, body payment.Body) error {
	b.t.Helper()
	e := payment.Event{Seq: b.p.Seq + 1, At: payment.Instant(b.now), Actor: actor, Body: body}
	next, err := b.p.Apply(e)
	if err != nil {
		return err
	}
	b.p, b.events = next, append(b.events, e)
	b.settle()
	return nil
}

// settle appends the bookkeeping, and fails the test when there is no end of it.
func (b *book) settle() {
	b.t.Helper()
	for range 50 {
		s := b.p.Next(b.now, b.terms)
		if s.Do != payment.Append {
			return
		}
		next, events, err := b.p.Settle(b.now, b.terms, "router")
		if err != nil {
			b.t.Fatalf("settling %T: %v", s.Event, err)
		}
		b.p, b.events = next, append(b.events, events...)
	}
	b.t.Fatal("the bookkeeping does not end")
}

// tell is try for what must be accepted.
func (b *book) tell(bodies ...payment.Body) {
	b.t.Helper()
	for _, body := range bodies {
		if err := b.try(body); err != nil {
			b.t.Fatalf("%T refused: %v", body, err)
		}
	}
}

// refuse is try for what must not be.
func (b *book) refuse(body payment.Body) {
	b.t.Helper()
	if err := b.try(body); !errors.Is(err, payment.ErrNotAllowed) {
		b.t.Fatalf("%T was not refused: %v", body, err)
	}
}

// pass lets time pass.
func (b *book) pass(d time.Duration) {
	b.t.Helper()
	b.now = b.now.Add(d)
	b.settle()
}

// plan plans the next attempt at a gateway, with the evidence that there is.
func (b *book) plan(gateway string) {
	b.t.Helper()
	b.want(payment.Route)
	b.tell(b.planned(gateway))
}

func (b *book) planned(gateway string) payment.Planned {
	m := claims(gateway).Methods[0]
	n := len(b.p.Attempts) + 1
	return payment.Planned{Attempt: n, Gateway: gateway, Provider: gateway, Method: m.Method, Flow: m.Flow,
		Reference: fmt.Sprintf("ref-%d", n), Evidence: b.p.Evidence()}
}

// want asks for the next step and fails unless it is the given one.
func (b *book) want(do payment.Do) payment.Step {
	b.t.Helper()
	s := b.p.Next(b.now, b.terms)
	if s.Do != do {
		b.t.Fatalf("at %s the next step is %s, not %s", b.now.Sub(start), describe(s), names[do])
	}
	return s
}

// rest asserts that nothing is to be done before a time from now.
func (b *book) rest(d time.Duration) {
	b.t.Helper()
	if s := b.want(payment.Rest); !s.Until.Equal(b.now.Add(d)) {
		b.t.Fatalf("rests until %s from now, not %s", s.Until.Sub(b.now), d)
	}
}

// look lets time pass until end and answers every look when it is due. It stops at a
// step that is neither a look nor a rest, and when there is nothing to do any more.
func (b *book) look(end time.Time, answer func() payment.Body) {
	b.t.Helper()
	for range 5000 {
		s := b.p.Next(b.now, b.terms)
		switch {
		case s.Do == payment.Ask || s.Do == payment.AskOp:
			b.tell(answer())
		case s.Do != payment.Rest || s.Until.IsZero() || s.Until.After(end):
			return
		default:
			b.pass(s.Until.Sub(b.now))
		}
	}
	b.t.Fatalf("at %s the looks have no end", b.now.Sub(start))
}

func unpaid() payment.Body { return lookup(providers.Pending, providers.AwaitingPayer) }

// operate does the operation that is next, of the given kind, and returns its number. The
// look before a refund shows nothing new.
func (b *book) operate(op payment.OperationKind, amount int64) int {
	b.t.Helper()
	if s := b.p.Next(b.now, b.terms); op == payment.OpRefund && s.Do == payment.Ask {
		b.tell(on(s.Attempt, lookup(providers.Approved, "")))
	}
	s := b.want(payment.Operate)
	if s.Plan.Op != op || s.Plan.Amount.Minor != amount {
		b.t.Fatalf("the next operation is %s of %s, not %s of %d", s.Plan.Op, s.Plan.Amount, op, amount)
	}
	plan := s.Plan
	plan.Operation = len(b.p.Operations) + 1
	b.tell(plan)
	return plan.Operation
}

func (b *book) closed(n int) payment.EvidenceKind {
	if c := b.p.Attempts[n-1].Closed; c != nil {
		return c.Kind
	}
	return ""
}

func (b *book) wantStatus(want payment.Status) {
	b.t.Helper()
	if got := b.p.Status(); got != want {
		b.t.Fatalf("status %s, not %s", got, want)
	}
}

func (b *book) wantClosed(n int, want payment.EvidenceKind) {
	b.t.Helper()
	if got := b.closed(n); got != want {
		b.t.Fatalf("attempt %d closed as %q, not %q", n, got, want)
	}
}

func (b *book) wantFindings(want ...payment.FindingKind) {
	b.t.Helper()
	var got []payment.FindingKind
	for _, f := range b.p.Findings {
		got = append(got, f.Kind)
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		b.t.Fatalf("findings %v, not %v", got, want)
	}
}

func (b *book) wantSums(want payment.Sums) {
	b.t.Helper()
	if got := b.p.Sums(); got != want {
		b.t.Fatalf("sums %+v, not %+v", got, want)
	}
}

// The facts. Each is about attempt 1; on names another one.

func response(v providers.Verdict, r providers.Reason) payment.Observed {
	return payment.Observed{Attempt: 1, Source: payment.FromResponse, Verdict: v, Reason: r}
}

func lookup(v providers.Verdict, r providers.Reason) payment.Observed {
	return payment.Observed{Attempt: 1, Source: payment.FromLookup, Verdict: v, Reason: r}
}

func notice(v providers.Verdict, r providers.Reason) payment.Observed {
	return payment.Observed{Attempt: 1, Source: payment.FromNotice, Verdict: v, Reason: r}
}

func statement(v providers.Verdict, r providers.Reason) payment.Observed {
	return payment.Observed{Attempt: 1, Source: payment.FromStatement, Verdict: v, Reason: r}
}

func operator(v providers.Verdict, r providers.Reason) payment.Observed {
	return payment.Observed{Attempt: 1, Source: payment.FromOperator, Verdict: v, Reason: r, Note: "called the bank"}
}

// notThere is a look-up that says "no such order".
func notThere() payment.Observed {
	o := lookup(providers.Unknown, providers.NoReason)
	o.Absent = true
	return o
}

// shown is the answer that creates an offer the payer has before him.
func shown(until time.Time) payment.Observed {
	o := response(providers.Pending, providers.AwaitingPayer)
	o.Action, o.Until = &providers.Action{Kind: providers.ShowQR, Text: "qr"}, until
	return o
}

func on(n int, o payment.Observed) payment.Observed {
	o.Attempt = n
	return o
}

func of(m providers.Money, o payment.Observed) payment.Observed {
	o.Amount = m
	return o
}

func returned(minor int64, o payment.Observed) payment.Observed {
	o.Returned = tenge(minor)
	return o
}

// done is the answer to an operation's request.
func done(operation int, v providers.Verdict, r providers.Reason) payment.OperationObserved {
	return payment.OperationObserved{Operation: operation, Source: payment.FromResponse, Verdict: v, Reason: r}
}

// undone is a look that shows no trace of an operation.
func undone(operation int) payment.OperationObserved {
	return payment.OperationObserved{Operation: operation, Source: payment.FromLookup, Absent: true}
}

var names = map[payment.Do]string{payment.Rest: "rest", payment.Route: "route", payment.Ask: "ask",
	payment.AskOp: "ask about an operation", payment.Operate: "operate", payment.Append: "append"}

func describe(s payment.Step) string {
	switch s.Do {
	case payment.Rest:
		return "rest until " + s.Until.Sub(start).String()
	case payment.Operate:
		return fmt.Sprintf("%s of %s on attempt %d", s.Plan.Op, s.Plan.Amount, s.Plan.Attempt)
	case payment.Ask:
		return fmt.Sprintf("ask about attempt %d", s.Attempt)
	case payment.Append:
		return fmt.Sprintf("append %+v", s.Event)
	}
	return names[s.Do]
}
