package bulk

import (
	"fmt"
	"strconv"
	"time"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router/journal"
	"github.com/payrouter/payrouter/router/payment"
)

// history is one payment's life: its commits in their order, and what a person did after.
type history struct {
	id      string
	payer   providers.Payer
	commits []commit
	closed  time.Time // when a person closed its findings; the zero time: nobody did
}

// commit is what became durable at once.
type commit struct {
	events  []payment.Event
	request *journal.Request // the idempotency key that it was made under
	p       payment.Payment  // after it
	writer  string
}

// at is the instant of the commit's last event, which the books date the change with.
func (c commit) at() time.Time { return c.events[len(c.events)-1].At }

// Who closed a finding, and why.
const (
	closer      = "operator:aida"
	closeReason = "the bank confirmed by phone"
)

// life writes a history: each step as the router would append it, with the bookkeeping that
// the core draws from it. What would be later than the books' end has not happened.
type life struct {
	plan  Plan
	terms payment.Terms
	n     int
	p     payment.Payment
	h     history
	first *payment.Event   // the wish, which becomes durable together with the first attempt
	wish  *journal.Request // and under which key
	over  bool             // the books end before the next step
	err   error
}

// history makes payment n.
func (p Plan) history(n int, terms payment.Terms) (history, error) {
	l := &life{plan: p, terms: terms, n: n, h: history{id: p.id(n)}}
	l.live(p.At(n))
	if l.err != nil {
		return l.h, fmt.Errorf("payment %d: %w", n, l.err)
	}
	return l.h, nil
}

// does appends one event with what follows from it, in one commit.
func (l *life) does(at time.Time, actor string, body payment.Body, request *journal.Request) {
	if l.err != nil || l.over {
		return
	}
	if l.over = at.After(l.plan.Until) && len(l.h.commits) > 0; l.over { // all payments have begun
		return
	}
	p, events := l.p, []payment.Event(nil)
	apply := func(e payment.Event) {
		if l.err == nil {
			e.Seq = p.Seq + 1
			p, l.err = p.Apply(e)
			events = append(events, e)
		}
	}
	if l.first != nil {
		apply(*l.first)
		request, l.first = l.wish, nil
	}
	apply(payment.Event{At: payment.Instant(at), Actor: actor, Body: body})
	if l.err != nil {
		return
	}
	p, more, err := p.Settle(payment.Instant(at), l.terms, "router")
	if l.err = err; err != nil {
		return
	}
	p.Writer = letters(l.n, "writer "+strconv.Itoa(len(l.h.commits)))
	l.p = p
	l.h.commits = append(l.h.commits, commit{events: append(events, more...), request: request, p: p, writer: p.Writer})
}

// live decides what becomes of the payment. Of a thousand, about 700 are charges that
// succeed at once, 120 are offers that somebody pays, 80 are declined, 40 go to a second
// gateway, 20 to another from the start, 20 nobody hears of for hours, 20 are offers that
// nobody pays. Of those that were paid 30 are given back, and 2 are
// denied later.
func (l *life) live(at time.Time) {
	l.opens(at)
	second := func(n int) time.Time {
		return at.Add(time.Duration(n)*time.Second + time.Duration(draw(l.n, "pause")%900_000)*time.Microsecond)
	}
	soon := at.Add(3 * time.Millisecond)
	all, first := Gateways(), 0
	if d := draw(l.n, "gateway") % 10; d >= 6 { // six of ten begin at the first gateway, three at the second
		first = 1 + int(d/9)
	}
	usual, backup := all[first], all[(first+1)%len(all)]
	switch d := draw(l.n, "life") % 1000; {
	case d < 700:
		l.plans(soon, usual, providers.Instrument)
		l.paid(second(0), payment.FromResponse)
	case d < 820:
		l.plans(soon, usual, providers.QR)
		l.offered(second(0))
		l.paid(second(20+int(draw(l.n, "payer")%150)), payment.FromNotice)
	case d < 900:
		l.plans(soon, usual, providers.Instrument)
		l.sees(second(0), payment.Observed{Source: payment.FromResponse, Verdict: providers.Declined, Reason: providers.DeclinedHard, External: l.external(), Code: "insufficient_funds"})
	case d < 940:
		l.plans(soon, usual, providers.Instrument)
		l.sees(second(0), payment.Observed{Source: payment.FromResponse, Verdict: providers.Unserved, Reason: providers.Maintenance, Code: "503"})
		l.plans(second(0).Add(3*time.Millisecond), backup, providers.Instrument)
		l.paid(second(1), payment.FromResponse)
	case d < 960:
		l.plans(soon, backup, providers.Instrument, payment.Choice{Gateway: usual, Method: providers.Instrument, Why: payment.WhyBreakerOpen})
		l.paid(second(0), payment.FromResponse)
	case d < 980:
		l.plans(soon, usual, providers.Instrument)
		l.sees(second(30), payment.Observed{Source: payment.FromResponse, Verdict: providers.Unknown, Reason: providers.Timeout})
		l.paid(second(600+int(draw(l.n, "doubt")%(8*3600))), payment.FromLookup)
	default:
		l.plans(soon, usual, providers.QR)
		l.offered(second(0))
		l.sees(second(300), payment.Observed{Source: payment.FromNotice, Verdict: providers.Declined, Reason: providers.Expired, External: l.external()})
	}
	l.afterwards()
}

func (l *life) opens(at time.Time) {
	phone := fmt.Sprintf("+7701%07d", draw(l.n, "phone")%10_000_000)
	l.h.payer = providers.Payer{Phone: phone, Email: fmt.Sprintf("payer%d@example.kz", draw(l.n, "mail")%1_000_000), Name: "Aida", IP: "203.0.113.7"}
	of := tenant(l.n)
	l.wish = &journal.Request{Tenant: of, ID: RequestID(l.n), Kind: "create", Hash: letters(l.n, "hash create")}
	l.first = &payment.Event{At: payment.Instant(at), Actor: "caller:" + of, Body: payment.Opened{ID: l.h.id, Tenant: of, RequestID: RequestID(l.n), Order: Order(l.n),
		Amount:  providers.Money{Minor: int64(50_000 + draw(l.n, "amount")%5_000_000), Currency: "KZT"},
		Methods: []providers.Method{providers.Instrument, providers.QR}, Customer: fmt.Sprintf("c-%d", draw(l.n, "customer")%100_000),
		Description: "basket " + strconv.Itoa(l.n), Deadline: payment.Instant(at.Add(15 * time.Minute))}}
}

// plans commits an attempt, with the evidence that the earlier ones are over.
func (l *life) plans(at time.Time, gateway string, method providers.Method, skipped ...payment.Choice) {
	n, flow := len(l.p.Attempts)+1, providers.Direct
	if method == providers.QR {
		flow = providers.Offer
	}
	provider := map[string]string{"kaspi-main": "kaspi", "halyk-main": "halyk", "wayforpay-main": "wayforpay"}[gateway]
	route := append([]payment.Choice{{Gateway: gateway, Method: method, Taken: true, Why: "taken"}}, skipped...)
	l.does(at, "router", payment.Planned{Attempt: n, Gateway: gateway, Provider: provider, Credentials: "2026-11", Method: method, Flow: flow,
		Reference: letters(l.n, "reference "+strconv.Itoa(n)), Evidence: l.p.Evidence(), Route: route}, nil)
}

// sees records what was learnt about the newest attempt.
func (l *life) sees(at time.Time, o payment.Observed) {
	if len(l.p.Attempts) == 0 {
		return // the books end before it
	}
	a, _ := l.p.Last()
	if o.Attempt = a.N; o.Source == payment.FromLookup {
		o.Asked = payment.Instant(at.Add(-200 * time.Millisecond))
	}
	l.does(at, "gateway:"+a.Gateway, o, nil)
}

func (l *life) offered(at time.Time) {
	until := payment.Instant(at.Add(4 * time.Minute))
	l.sees(at, payment.Observed{Source: payment.FromResponse, Verdict: providers.Pending, Reason: providers.AwaitingPayer, External: l.external(), Until: until,
		Action: &providers.Action{Kind: providers.ShowQR, URL: "https://pay.example/" + l.external(), Expires: until}})
}

func (l *life) paid(at time.Time, source payment.Source) {
	l.sees(at, payment.Observed{Source: source, Verdict: providers.Approved, External: l.external(), Amount: l.p.Amount})
}

// external is the gateway's own number of the newest attempt.
func (l *life) external() string { return strconv.Itoa(1_000_000_000 + 8*l.n + len(l.p.Attempts)) }

// afterwards is what may follow days later: the payer gets it back, or the gateway takes its
// word back, which is a finding, and a person closes it.
func (l *life) afterwards() {
	if _, ok := l.p.Kept(); !ok {
		return
	}
	later := l.p.Updated.Add(time.Hour + time.Duration(draw(l.n, "later")%uint64(5*day)))
	// Another word would draw others; with this one, a test's few have findings of each state.
	switch d := draw(l.n, "after 16") % 10_000; {
	case d < 300:
		id := requestID(l.n, "refund id")
		r := journal.Request{Tenant: l.p.Tenant, ID: requestID(l.n, "refund"), Kind: "refund", Hash: letters(l.n, "hash refund"), Object: id}
		l.does(later, "caller:"+l.p.Tenant, payment.RefundRequested{Refund: id, RequestID: r.ID, Amount: l.p.Amount, Reason: "returned goods"}, &r)
		if l.over {
			return
		}
		step := l.p.Next(later, l.terms)
		if step.Do != payment.Operate {
			l.err = fmt.Errorf("a refund is not followed by its operation: step %d", step.Do)
			return
		}
		plan := step.Plan
		plan.Operation, plan.Reference = len(l.p.Operations)+1, "rf"+letters(l.n, "refund")[:18]
		l.does(later.Add(4*time.Millisecond), "router", plan, nil)
		a, _ := l.p.Last()
		l.does(later.Add(300*time.Millisecond), "gateway:"+a.Gateway, payment.OperationObserved{Operation: plan.Operation, Source: payment.FromResponse,
			Verdict: providers.Approved, External: "r" + l.external()}, nil)
	case d < 320:
		l.sees(later, payment.Observed{Source: payment.FromNotice, Verdict: providers.Declined, Reason: providers.DeclinedHard, External: l.external()})
		if at := later.Add(2 * day); !l.over && !at.After(l.plan.Until) {
			l.h.closed = payment.Instant(at)
		}
	}
}
