package robokassa

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/providers/internal/exchange"
)

// noRequest is how GetState says that it has no such refund (notes, section 4.5).
const noRequest = "Id is invalid or request id does not exist"

var errUntold = errors.New("robokassa: no answer that says how the payment stands")

// Tell asks OpStateExt by our number, and GetState about the refunds that Robokassa gave an
// id. No sum of what was given back is told before it is the whole. The date of a state is
// that of the charge only as long as nothing follows it.
func (g *Gateway) Tell(ctx context.Context, a providers.Asked) (providers.Told, error) {
	ref := a.Ref
	if !isNumber(ref.Order) {
		return providers.Told{}, nil // nothing of that name was ever sent
	}
	said, result, ok := g.state(ctx, ref.Order)
	if !ok {
		return providers.Told{}, untold(ref, result)
	}
	switch said.result {
	case resultOK, resultTwo:
	case resultNotFound:
		return providers.Told{}, nil
	default:
		refused, _ := said.unanswered()
		return providers.Told{}, untold(ref, refused)
	}
	told, err := g.told(said, ref)
	if err != nil {
		return providers.Told{}, fmt.Errorf("payment %s: %w", ref.Order, err)
	}
	for _, r := range a.Refunds {
		if r.External == "" || g.config.RefundBase == "" {
			continue
		}
		line, known, err := g.tellRefund(ctx, r)
		if err != nil {
			return providers.Told{}, fmt.Errorf("payment %s: %w", ref.Order, err)
		}
		if known {
			told.Refunds = append(told.Refunds, line)
		}
	}
	return told, nil
}

// told makes lines of a state: the table of the notes, section 5. A number that is another
// payment's, or of a test payment too, says nothing that can be read about ours.
func (g *Gateway) told(s standing, ref providers.Ref) (providers.Told, error) {
	line := providers.StatementLine{Kind: providers.LineCharge, Order: ref.Order, Amount: ref.Amount, Code: s.code()}
	told := providers.Told{Known: true, Charge: line}
	if s.result != resultOK {
		return told, nil
	}
	if s.sum != "" {
		sum, err := providers.ParseMoney(s.sum, g.config.Currency)
		if err != nil {
			return providers.Told{}, errOtherSum
		}
		line.Amount = sum
	}
	switch s.state {
	case stateStarted, stateStopped:
		line.Verdict = providers.Pending
	case stateNoMoney:
		line.Verdict = providers.Declined
		if ref.TwoStage && ref.External != "" && s.key == ref.External { // a hold that was seen under its key and is gone
			line.Reason, line.At = providers.Released, s.since
		}
	case stateHeld:
		line.Verdict, line.At = providers.Held, s.since
	case stateReceived, stateSuccess:
		line.Verdict, line.At = providers.Approved, s.since
	case stateReturned: // which is the refund's date
		line.Verdict = providers.Approved
		if g.config.ReturnedState == wholeBack {
			told.Returned = line.Amount
		}
	}
	switch {
	case s.foreign(ref) != nil, line.Verdict.HasMoney() && !s.ours(ref):
		return providers.Told{Known: true, Charge: told.Charge}, nil
	case line.Verdict.HasMoney() && s.sum == "":
		return providers.Told{}, errNoSum
	case line.Verdict.HasMoney() && !aKey.MatchString(s.key):
		return providers.Told{}, errNoKey
	case line.Verdict.HasMoney():
		line.External = s.key
	}
	told.Charge = line
	return told, nil
}

// ours reports whether money is known to be that of our attempt: by the key it was seen under,
// and by our parameter or its date.
func (s standing) ours(ref providers.Ref) bool {
	seen := ref.External == "" || isInvoice(ref) || s.key == ref.External
	return seen && (s.attempt != "" || !s.since.IsZero())
}

// tellRefund asks about one refund of ours. It reports false where Robokassa has none.
func (g *Gateway) tellRefund(ctx context.Context, r providers.Refund) (providers.StatementLine, bool, error) {
	body, result, ok := g.post(ctx, exchange.Call{
		Method: http.MethodGet, URL: g.config.RefundBase + "/RefundService/Refund/GetState?" + url.Values{"id": {r.External}}.Encode(),
		Timeout: g.config.Timeouts.Status,
	})
	if !ok {
		return providers.StatementLine{}, false, untold(r.Ref, result)
	}
	var said struct {
		refundState
		Message literal `json:"message"`
	}
	if err := json.Unmarshal(body, &said); err != nil {
		return providers.StatementLine{}, false, errRefundBody
	}
	if said.Label == "" && said.Message == noRequest {
		return providers.StatementLine{}, false, nil
	}
	sum, err := providers.ParseMoney(string(said.Amount), g.config.Currency)
	switch {
	case said.Label == "", err != nil:
		return providers.StatementLine{}, false, errRefundBody
	case string(said.RequestID) != r.External:
		return providers.StatementLine{}, false, errRefundID
	}
	line := providers.StatementLine{Kind: providers.LineRefund, Order: r.Ref.Order, External: r.External, Amount: sum, Code: shownLabel(string(said.Label))}
	switch said.Label {
	case refundUnderWay:
		line.Verdict = providers.Pending
	case refundDone:
		line.Verdict = providers.Approved
	case refundCanceled:
		line.Verdict = providers.Declined
	}
	return line, true, nil
}

func untold(ref providers.Ref, r providers.Result) error {
	return fmt.Errorf("payment %s: %s %s: %w", ref.Order, r.Reason, r.Code, errors.Join(errUntold, r.Err))
}
