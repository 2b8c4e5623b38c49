package plainpay

import (
	"context"
	"errors"

	"github.com/payrouter/payrouter/providers"
)

// Lookup asks how the attempt stands. It is what settles every doubt, so it must never
// say more than the answer does.
func (g *Gateway) Lookup(ctx context.Context, ref providers.Ref) providers.Result {
	if !orderly(ref.Order) {
		return providers.Doubt(providers.Ambiguous, "", errors.New("plainpay: no order to ask about"))
	}
	a, result, ok := g.ask(ctx, "/status", fields{"order": ref.Order}, g.config.Timeouts.Status, false, refusals{
		"404 no_such_order": {Verdict: providers.Unknown, Reason: providers.Ambiguous, Absent: true},
	})
	if ok {
		return g.about(a, ref)
	}
	if result.Verdict == providers.Unserved {
		result.Verdict = providers.Unknown // the question was not served; the charge may have been
	}
	return result
}

// about reads an answer about the payment that ref asked for. One about another account,
// order, payment, sum or currency is not believed, whatever it says.
func (g *Gateway) about(a answer, ref providers.Ref) providers.Result {
	amount, err := providers.ParseMoney(a.Amount, a.Currency)
	if err != nil || a.Shop != g.config.Shop || a.Order != ref.Order || amount != ref.Amount || a.ID == "" || ref.External != "" && a.ID != ref.External {
		return providers.Doubt(providers.Mismatch, word(a.State), errors.New("plainpay: the answer is about something else"))
	}
	return a.stands(amount)
}

// stands is the table of states. What is not in it is Unknown.
func (a answer) stands(amount providers.Money) providers.Result {
	result := providers.Result{External: a.ID, Code: word(a.State)}
	switch a.State {
	case "open":
		result.Verdict, result.Reason = providers.Pending, providers.AwaitingPayer
	case "declined":
		result.Verdict, result.Reason = providers.Declined, providers.DeclinedSoft // final: there is no second try
	case "canceled":
		result.Verdict, result.Reason = providers.Declined, providers.Released
	case "expired":
		result.Verdict, result.Reason = providers.Declined, providers.Expired
	case "paid":
		returned, err := providers.ParseMoney(a.Returned, a.Currency)
		if err != nil || returned.Minor < 0 || returned.Minor > amount.Minor {
			return providers.Doubt(providers.Unreadable, result.Code, errors.New("plainpay: the sum returned cannot be read"))
		}
		result.Verdict, result.Amount, result.Returned = providers.Approved, amount, returned
	default:
		return providers.Doubt(providers.UnknownCode, result.Code, nil)
	}
	return result
}

// Probe asks something that needs our key and moves nothing.
func (g *Gateway) Probe(ctx context.Context) providers.Result {
	a, result, ok := g.ask(ctx, "/ping", fields{}, g.config.Timeouts.Status, false, nil)
	switch {
	case !ok:
		return result
	case a.Shop != g.config.Shop || a.State != "at your service":
		return providers.Doubt(providers.Mismatch, word(a.State), errors.New("plainpay: it answers for another account, or does not work"))
	}
	return providers.Result{Verdict: providers.Approved}
}
