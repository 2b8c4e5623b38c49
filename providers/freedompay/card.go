package freedompay

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/payrouter/payrouter/providers"
)

// chargeCard takes the money of a saved card:
//
//	get_status3   no such order yet? init would make a second payment of one that is there
//	card/init     a payment; no money moves
//	card/direct   the money; sent once, never again
//
// Whatever fails before card/direct has left proves that nothing was taken. What fails
// after it is doubt. A refusal is believed only when a status says so as well: an error
// was seen of a payment that had been charged (EX-1001, notes, section 10).
func (g *Gateway) chargeCard(ctx context.Context, c providers.Charge) providers.Result {
	if result, ok := g.fresh(ctx, c.Ref); !ok {
		return result
	}
	id, result, ok := g.open(ctx, c)
	switch {
	case !ok:
		return result
	case !c.Expires.IsZero() && !time.Now().Before(c.Expires):
		return providers.Unable(errLate)
	}
	ref := c.Ref
	ref.External = id
	said, result, ok := g.ask(ctx, call{path: g.cards("direct"), fields: flat("pg_payment_id", id),
		movesMoney: true, timeout: g.config.Timeouts.Charge, card: true})
	result.External = id
	switch {
	case !ok:
		return result
	case !said.ok():
		return g.refused(ctx, ref, said)
	}
	return g.answered(ctx, ref, said)
}

// cards is the path of a call about saved cards.
func (g *Gateway) cards(name string) string {
	return "v1/merchant/" + g.config.MerchantID + "/card/" + name
}

// fresh asks whether the order number is unknown there, as it must be before a first
// charge. init does not refuse a number that exists.
func (g *Gateway) fresh(ctx context.Context, ref providers.Ref) (providers.Result, bool) {
	_, seen, ok := g.read(ctx, ref, g.config.Timeouts.Status)
	switch {
	case seen.Absent:
		return providers.Result{}, true
	case ok, seen.Reason == providers.Mismatch:
		return providers.Doubt(providers.Duplicate, seen.Code, errors.New("freedompay: the order number exists already")), false
	case seen.Reason == providers.Misconfigured:
		return providers.Result{Verdict: providers.Unserved, Reason: providers.Misconfigured, Code: seen.Code}, false
	}
	return notBegun(seen), false
}

// notBegun is the Result of a charge or an operation of which nothing that moves money has
// left, since what comes before it got no good answer.
func notBegun(before providers.Result) providers.Result {
	return providers.Result{Verdict: providers.Unserved, Reason: providers.NotSent, Code: before.Code,
		Err: errors.Join(fmt.Errorf("freedompay: not begun: %s before it", before.Reason), before.Err)}
}

// open makes the payment that card/direct will charge. Until then no money can move, so an
// answer that is lost proves that nothing was taken.
func (g *Gateway) open(ctx context.Context, c providers.Charge) (string, providers.Result, bool) {
	m := g.order(c)
	m.add("pg_user_id", c.CustomerID)
	m.add("pg_card_token", c.Instrument.Value.Reveal())
	said, result, ok := g.ask(ctx, call{path: g.cards("init"), fields: m, movesMoney: true, timeout: g.config.Timeouts.Create, card: true})
	switch {
	case !ok && result.Verdict == providers.Unserved:
		return "", result, false
	case !ok:
		return "", notBegun(result), false
	case !said.ok():
		return "", said.refusal().onCreate(said.code()), false
	}
	id := said.text("pg_payment_id")
	if order, told := said.told("pg_order_id"); !number(id) || told && order != c.Ref.Order {
		return "", notBegun(providers.Doubt(providers.Unreadable, said.code(), errIncomplete)), false
	}
	return id, providers.Result{}, true
}

// answered reads an answer of card/direct that the call was accepted. Where it shows the
// payment whole it is the outcome; where it shows less, a look-up will tell.
func (g *Gateway) answered(ctx context.Context, ref providers.Ref, said answer) providers.Result {
	doubt := func(reason providers.Reason, err error) providers.Result {
		result := providers.Doubt(reason, said.code(), err)
		result.External = ref.External
		return result
	}
	if said.text("pg_payment_id") != ref.External {
		return doubt(providers.Mismatch, errOther)
	}
	if order, told := said.told("pg_order_id"); told && order != ref.Order {
		return doubt(providers.Mismatch, errOther)
	}
	if _, told := said.told("pg_payment_status"); !told {
		return doubt(providers.Ambiguous, errIncomplete)
	}
	// The payment is the one that card/init made for us, so what the answer leaves out is as asked.
	whole := said.node
	for _, part := range [][2]string{{"pg_order_id", ref.Order}, {"pg_amount", ref.Amount.Decimal()}, {"pg_currency", ref.Amount.Currency}} {
		if _, told := said.told(part[0]); !told {
			whole.add(part[0], part[1])
		}
	}
	seen, err := answer{whole}.reading()
	if err != nil {
		return doubt(providers.Unreadable, err)
	}
	result := seenResult{seen.about(ref, g.config.OneTry), seen.state()}
	switch {
	case result.failed():
		return g.settled(ctx, ref, said.code())
	case result.Verdict.HasMoney() && seen.captured == "" && !seen.cleared.told && ref.TwoStage:
		return doubt(providers.Ambiguous, errIncomplete) // held or taken: a status tells
	}
	result.External = ref.External
	return result.Result
}

// settled reads the status of a payment that card/direct called failed.
func (g *Gateway) settled(ctx context.Context, ref providers.Ref, code string) providers.Result {
	_, seen := g.confirm(ctx, ref, time.Now().Add(g.config.Timeouts.Status))
	if seen.Verdict == providers.Unknown && seen.Code == "" {
		seen.Code = code
	}
	seen.Absent, seen.External = false, ref.External
	return seen
}

// refused reads what an error of card/direct means: the status says, asked twice. Where it
// shows a payment that nobody has touched, the code is believed.
func (g *Gateway) refused(ctx context.Context, ref providers.Ref, said answer) providers.Result {
	deadline := time.Now().Add(g.config.Timeouts.Status)
	seen, first := g.once(ctx, ref, g.config.Timeouts.Status)
	result := first.Result
	if untouched := first.Verdict == providers.Pending && first.word == unopened; untouched || first.failed() {
		seen, result = g.confirm(ctx, ref, deadline)
	}
	result.Absent, result.External = false, ref.External
	if result.Verdict != providers.Pending || seen.state() != unopened {
		return result
	}
	refusal := said.refusal()
	believed := refusal.onCreate(said.code())
	if believed.Verdict == providers.Unknown || refusal.class == clash {
		return result
	}
	believed.External = ref.External
	return believed
}
