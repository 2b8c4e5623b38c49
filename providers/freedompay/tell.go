package freedompay

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/payrouter/payrouter/providers"
)

var errUntold = errors.New("freedompay: no answer that says how the payment stands")

// Tell asks get_status3 by Freedom Pay's id, or by our order number before it is known. It
// says what was given back in sum. A failure is told as it is seen: unlike a look-up's, it
// decides nothing.
func (g *Gateway) Tell(ctx context.Context, a providers.Asked) (providers.Told, error) {
	ref := a.Ref
	c := call{path: "get_status3.php", timeout: g.config.Timeouts.Status, fields: flat("pg_order_id", ref.Order)}
	if ref.External != "" {
		c.fields = flat("pg_payment_id", ref.External)
	}
	said, result, ok := g.ask(ctx, c)
	switch {
	case !ok:
		return providers.Told{}, untold(ref, result)
	case said.ok() && said.text("pg_payment_id") == "0", !said.ok() && said.refusal().class == missing:
		return providers.Told{}, nil
	case !said.ok():
		return providers.Told{}, untold(ref, said.unread())
	}
	seen, err := said.reading()
	if err == nil && (seen.order != ref.Order || ref.External != "" && seen.id != ref.External) {
		err = errOther
	}
	if err == nil && seen.amount.Minor < 0 {
		err = errAmounts
	}
	if err != nil {
		return providers.Told{}, fmt.Errorf("payment %s: %w", ref.Order, err)
	}
	told, err := said.lines(seen, ref)
	if err != nil {
		return providers.Told{}, fmt.Errorf("payment %s: %w", ref.Order, err)
	}
	return told, nil
}

// lines makes lines of a status: the table of the notes, section 5, sums first as ever.
func (a answer) lines(seen reading, ref providers.Ref) (providers.Told, error) {
	result := seen.standing(ref, true)
	line := providers.StatementLine{Kind: providers.LineCharge, Order: ref.Order, External: seen.id, Verdict: result.Verdict,
		Amount: seen.amount, At: a.paidAt(), Code: seen.code()}
	if result.Verdict == providers.Declined && result.Reason == providers.Released {
		line.Reason = providers.Released
	}
	if !result.Verdict.HasMoney() {
		return providers.Told{Known: true, Charge: line}, nil
	}
	line.Amount = result.Amount
	told := providers.Told{Known: true}
	if result.Verdict == providers.Approved {
		told.Returned = providers.Money{Minor: result.Returned.Minor, Currency: seen.currency} // it is told from the first refund on
		fee, err := a.fee(seen, line)
		if err != nil {
			return providers.Told{}, err
		}
		if told.Returned.Minor == 0 { // nobody has shown whether the net sum shrinks with a refund
			line.Fee = fee
		}
	}
	told.Charge = line
	return told, nil
}

// fee is what is missing from an approved line's amount; the zero Money where none is told.
func (a answer) fee(seen reading, line providers.StatementLine) (providers.Money, error) {
	net := a.text("pg_net_amount")
	if net == "" {
		return providers.Money{}, nil
	}
	kept, err := providers.ParseMoney(net, seen.currency)
	if err != nil {
		return providers.Money{}, errAmounts
	}
	if fee := line.Amount.Minor - kept.Minor; line.Verdict == providers.Approved && kept.Minor > 0 && fee > 0 {
		return providers.Money{Minor: fee, Currency: seen.currency}, nil
	}
	return providers.Money{}, nil
}

// paidAt is when the payer paid; zero where that cannot be read.
func (a answer) paidAt() time.Time {
	at, err := parseMoment(a.text("pg_payment_date"))
	if err != nil {
		return time.Time{}
	}
	return at
}

func untold(ref providers.Ref, r providers.Result) error {
	return fmt.Errorf("payment %s: %s %s: %w", ref.Order, r.Reason, r.Code, errors.Join(errUntold, r.Err))
}
