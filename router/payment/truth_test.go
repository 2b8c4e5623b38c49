package payment_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router/payment"
)

// Gateways tell the truth, each fact as it was when it was seen, and the facts arrive in
// any order and any number of times. When all are in and everything was looked at once
// more, the books hold what the gateways hold (I6), to the tiyn. Which of two amounts is
// the payment's may depend on the order; then a finding stands for the other one.
func TestTheTruthInAnyOrderAndAnyNumberOfTimesComesToTheSameMoney(t *testing.T) {
	for _, s := range scenes {
		t.Run(s.name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				facts := s.facts(t)
				one, two := s.told(t, facts), s.told(t, facts)
				if one.p.Sums() != two.p.Sums() {
					one.explained()
					two.explained()
				}
			})
		})
	}
}

const less = 400000 // a part of amount

// scene is what truly happens at the gateways after the router knew what set tells it.
type scene struct {
	name   string
	opened func(*payment.Opened)
	set    func(*book)
	truth  [][]payment.Observed // of each attempt, forward in time; the last is how it stays
	acted  bool                 // the first operation was carried out
	want   []figures            // of each attempt
}

// figures are what a gateway holds for one attempt, in minor units.
type figures struct{ held, captured, returned int64 }

var scenes = []scene{
	{name: "paid", set: sent, want: []figures{{captured: amount.Minor}},
		truth: [][]payment.Observed{{processing, approved}}},
	{name: "declined", set: sent, want: []figures{{}},
		truth: [][]payment.Observed{{processing, declined}}},
	{name: "given back in two parts at the cabinet", set: sent, want: []figures{{captured: amount.Minor, returned: amount.Minor}},
		truth: [][]payment.Observed{{processing, approved, returned(less, approved), returned(amount.Minor, approved)}}},
	{name: "a hold that its bank ends", opened: twoStage, set: sent, want: []figures{{}},
		truth: [][]payment.Observed{{processing, holding, released}}},
	{name: "a hold captured in part at the cabinet", opened: twoStage, set: sent, want: []figures{{captured: less}},
		truth: [][]payment.Observed{{holding, of(tenge(less), approved)}}},
	{name: "a hold captured in part by us", opened: twoStage, acted: true, want: []figures{{captured: less}},
		set: func(b *book) {
			sent(b)
			b.tell(lookup(providers.Held, ""), payment.CaptureRequested{RequestID: "c", Amount: tenge(less)})
			b.operate(payment.OpCapture, less)
		},
		truth: [][]payment.Observed{{holding, approved}}},
	{name: "a hold voided by us", opened: twoStage, acted: true, want: []figures{{}},
		set: func(b *book) {
			sent(b)
			b.tell(lookup(providers.Held, ""), payment.CancelRequested{RequestID: "c"})
			b.operate(payment.OpVoid, amount.Minor)
		},
		truth: [][]payment.Observed{{holding, released}}},
	{name: "refunded in part by us and then at the cabinet", acted: true, want: []figures{{captured: amount.Minor, returned: less + 1000}},
		set: func(b *book) {
			sent(b)
			b.tell(lookup(providers.Approved, ""), payment.RefundRequested{Refund: "f", RequestID: "r", Amount: tenge(less)})
			b.operate(payment.OpRefund, less)
		},
		truth: [][]payment.Observed{{approved, returned(less, approved), returned(less+1000, approved)}}},
	{name: "paid twice", set: moved, want: []figures{{captured: amount.Minor}, {captured: amount.Minor}},
		truth: [][]payment.Observed{{processing, approved}, {processing, approved}}},
	{name: "paid late and declined", set: moved, want: []figures{{captured: amount.Minor}, {}},
		truth: [][]payment.Observed{{approved}, {processing, declined}}},
	{name: "paid although refused", set: refused, want: []figures{{captured: amount.Minor}, {captured: amount.Minor}},
		truth: [][]payment.Observed{{approved}, {processing, approved}}},
	{name: "held late and released beside a hold", opened: twoStage, set: moved, want: []figures{{}, {held: amount.Minor}},
		truth: [][]payment.Observed{{holding, released}, {processing, holding}}},
	{name: "a surplus that goes back", acted: true, want: []figures{{captured: amount.Minor, returned: amount.Minor}, {captured: amount.Minor}},
		set: func(b *book) {
			moved(b)
			b.tell(on(2, lookup(providers.Approved, "")), lookup(providers.Approved, ""))
			b.operate(payment.OpRefund, amount.Minor)
		},
		truth: [][]payment.Observed{{approved, returned(amount.Minor, approved)}, {processing, approved}}},
}

// What an attempt can be like, told by nobody yet.
var (
	processing = payment.Observed{Verdict: providers.Pending, Reason: providers.Processing}
	approved   = payment.Observed{Verdict: providers.Approved}
	holding    = payment.Observed{Verdict: providers.Held}
	released   = payment.Observed{Verdict: providers.Declined, Reason: providers.Released}
	declined   = payment.Observed{Verdict: providers.Declined, Reason: providers.DeclinedHard}
)

// sent is a charge whose answer got lost.
func sent(b *book) {
	b.plan(card)
	b.tell(response(providers.Unknown, providers.Timeout))
}

// moved is a payment that left an offer which nobody got, it seems, for a charge whose
// answer got lost.
func moved(b *book) {
	b.plan(qr)
	b.tell(response(providers.Unknown, providers.Timeout))
	b.plan(backup)
	b.tell(on(2, response(providers.Unknown, providers.Timeout)))
}

// refused is the same, when it was the gateway that told us to go elsewhere.
func refused(b *book) {
	b.plan(card)
	b.tell(response(providers.Unserved, providers.Maintenance))
	b.plan(backup)
	b.tell(on(2, response(providers.Unknown, providers.Timeout)))
}

// facts draws who tells the truth about every stage, once or twice.
func (s scene) facts(t *rapid.T) (facts []payment.Body) {
	for n, stages := range s.truth {
		for i, o := range stages {
			for range rapid.IntRange(1, 2).Draw(t, "times") {
				o.Attempt, o.Asked = n+1, start.Add(time.Duration(i)*time.Second)
				from := []payment.Source{payment.FromLookup, payment.FromNotice, payment.FromStatement, payment.FromQuestion, payment.FromOperator}
				if o.Verdict == providers.Pending {
					from = from[:4] // a person decides, or says nothing
				}
				o.Source = rapid.SampledFrom(from).Draw(t, "source")
				if o.Verdict == providers.Approved && o.Amount.IsZero() && rapid.Bool().Draw(t, "names the amount") {
					o.Amount = tenge(s.want[n].captured)
				}
				facts = append(facts, o)
			}
		}
	}
	if s.acted {
		unseen := done(1, providers.Unknown, "") // too early to be shown
		unseen.Source, unseen.Absent, unseen.Asked = payment.FromLookup, true, start
		seen := done(1, providers.Approved, "")
		seen.Source = payment.FromLookup
		facts = append(facts, done(1, providers.Unknown, providers.Timeout), unseen, seen, done(1, providers.Approved, ""))
	}
	return facts
}

// told tells all facts in a drawn order, some of them again and again, and then looks once more.
func (s scene) told(t *rapid.T, facts []payment.Body) *book {
	b := open(t, func(o *payment.Opened) {
		if s.opened != nil {
			s.opened(o)
		}
	})
	s.set(b)
	many := append([]payment.Body{}, facts...)
	for range rapid.IntRange(0, len(facts)).Draw(t, "repeated") {
		many = append(many, rapid.SampledFrom(facts).Draw(t, "fact"))
	}
	for _, fact := range rapid.Permutation(many).Draw(t, "order") {
		before := b.p
		b.pass(time.Second)
		b.tell(fact)
		s.bounded(before, b)
	}
	for n, stages := range s.truth {
		b.pass(time.Second)
		last := stages[len(stages)-1]
		last.Attempt, last.Source = n+1, payment.FromLookup
		b.tell(last)
	}
	s.judge(b)
	return b
}

// bounded: in no order do the books ever hold more than the gateways ever held or know of
// more given back than was, nor do they forget what they knew.
func (s scene) bounded(before payment.Payment, b *book) {
	for i, a := range b.p.Attempts {
		if known := before.Attempts[i]; a.Captured < known.Captured || a.Returned < known.Returned {
			b.t.Fatalf("attempt %d: of %d captured and %d returned, %d and %d are left", a.N, known.Captured, known.Returned, a.Captured, a.Returned)
		}
		if a.Held > amount.Minor || a.Captured > s.want[i].captured || a.Returned > s.want[i].returned {
			b.t.Fatalf("attempt %d: %d captured and %d returned, of %+v", a.N, a.Captured, a.Returned, s.want[i])
		}
	}
}

// judge compares the books with what is true.
func (s scene) judge(b *book) {
	total := int64(0)
	for i, a := range b.p.Attempts {
		if got := (figures{a.Held, a.Captured, a.Returned}); got != s.want[i] || a.AtRisk() {
			b.t.Fatalf("attempt %d: %+v (at risk: %t), not %+v", a.N, got, a.AtRisk(), s.want[i])
		}
		total += s.want[i].held + s.want[i].captured - s.want[i].returned
	}
	sums := b.p.Sums()
	if got := sums.Held + sums.Paid - sums.Refunded + sums.Surplus; got != total {
		b.t.Fatalf("%d in the books (%+v), %d at the gateways", got, sums, total)
	}
	if sums.Surplus > 0 {
		b.explained()
	}
	if s.acted && b.p.Operations[0].Verdict != providers.Approved {
		b.t.Fatalf("the operation was carried out, and is called %s", b.p.Operations[0].Verdict)
	}
	for _, r := range b.p.Refunds {
		if r.State != payment.RefundDone {
			b.t.Fatalf("the refund was made, and is called %s", r.State)
		}
	}
}

// explained fails unless a finding tells people of money beside the payment's.
func (b *book) explained() {
	for _, f := range b.p.Findings {
		if f.Kind == payment.MoneyAfterClose || f.Kind == payment.MoneyTwice {
			return
		}
	}
	b.t.Fatalf("sums %+v, and no finding says why: %+v", b.p.Sums(), b.p.Findings)
}
