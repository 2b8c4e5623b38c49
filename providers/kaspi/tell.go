package kaspi

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/payrouter/payrouter/providers"
)

// telling: payment/status and payment/details, asked for the books. Here -1601 is what the
// bank's own books say, and closes nothing: it makes a finding.
var telling = codes{denied: misconfigured, known: map[int64]outcome{
	-999: maintenance, -10000: misconfigured, -1601: notFound,
}}

var (
	errUntold  = errors.New("kaspi: no answer that says how the payment stands")
	errDetails = errors.New("kaspi: details that do not add up, or of another purchase")
)

// Tell asks payment/status by Kaspi's number and, once money was taken, payment/details, whose
// sum counts before the status' amount. Of refunds it knows the sum alone. An attempt without
// a number has nothing to be asked by, and money by the other protocol has no look-up.
func (g *Gateway) Tell(ctx context.Context, a providers.Asked) (providers.Told, error) {
	ref := a.Ref
	if ref.Method == providers.Account || !number(ref.External).valid() {
		return providers.Told{}, nil
	}
	var answer standingNow
	result, ok := g.do(ctx, call{
		method: http.MethodGet, url: g.statusBase + "/payment/status/" + ref.External,
		timeout: g.config.Timeouts.Status, codes: telling,
	}, &answer)
	switch {
	case !ok && result.Reason == providers.NotFound:
		return providers.Told{}, nil
	case !ok:
		return providers.Told{}, untold(ref, "status", result)
	}
	told := providers.Told{Known: true, Charge: providers.StatementLine{
		Kind: providers.LineCharge, Order: ref.Order, External: ref.External, Amount: ref.Amount, Code: word(answer.Status),
	}}
	if answer.Amount.told && !answer.Amount.money.IsZero() { // before the payer confirms it may be nothing
		told.Charge.Amount = answer.Amount.money
	}
	switch standings[answer.Status] {
	case awaiting, confirming:
		told.Charge.Verdict = providers.Pending
	case failed, withdrawn:
		told.Charge.Verdict = providers.Declined
	case paid, saidPaid:
		return g.tellSums(ctx, ref, told)
	case undocumented:
	}
	return told, nil
}

// tellSums completes what is told of a purchase that was paid.
func (g *Gateway) tellSums(ctx context.Context, ref providers.Ref, told providers.Told) (providers.Told, error) {
	token, result, ok := g.desk(ctx)
	if !ok {
		return providers.Told{}, untold(ref, "device", result)
	}
	var answer struct {
		detailed
		Date perhaps `json:"TransactionDate"`
	}
	query := url.Values{"QrPaymentId": {ref.External}, "DeviceToken": {token}}
	result, ok = g.do(ctx, call{
		method: http.MethodGet, url: g.base + "/payment/details?" + query.Encode(),
		timeout: g.config.Timeouts.Status, codes: telling,
	}, &answer)
	if !ok { // also where it is not found, which the status has just denied
		return providers.Told{}, untold(ref, "details", result)
	}
	total, left := answer.Total.money, answer.Left.money
	if string(answer.ID) != ref.External || !answer.Total.told || !answer.Left.told || left.Minor < 0 || left.Minor > total.Minor {
		return providers.Told{}, fmt.Errorf("payment %s: %w", ref.Order, errDetails)
	}
	told.Charge.Verdict, told.Charge.Amount, told.Charge.At = providers.Approved, total, answer.Date.Time
	told.Returned = providers.Money{Minor: total.Minor - left.Minor, Currency: currency}
	return told, nil
}

func untold(ref providers.Ref, what string, r providers.Result) error {
	return fmt.Errorf("payment %s: %s: %s %s: %w", ref.Order, what, r.Reason, r.Code, errors.Join(errUntold, r.Err))
}

// perhaps is a date that takes nothing away where it cannot be read.
type perhaps struct{ moment }

func (p *perhaps) UnmarshalJSON(literal []byte) error {
	if err := p.moment.UnmarshalJSON(literal); err != nil {
		p.moment = moment{}
	}
	return nil
}
