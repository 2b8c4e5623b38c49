package robokassa

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/providers/internal/exchange"
)

// noFunds is the one refusal of a refund that is documented: the shop has too little
// turnover now, and may ask again.
const noFunds = "NotEnoughOperationFunds"

// Labels of a refund (notes, section 4.5).
const (
	refundUnderWay = "processing"
	refundDone     = "finished"
	refundCanceled = "canceled"
)

type (
	// newRefund is the payload of Refund/Create. The sum is always named: its absence would
	// mean everything.
	newRefund struct {
		OpKey     string
		RefundSum json.Number
	}
	refundAnswer struct {
		Success   *bool   `json:"success"`
		Message   literal `json:"message"`
		RequestID literal `json:"requestId"`
	}
	refundState struct {
		RequestID literal `json:"requestId"`
		Amount    literal `json:"amount"`
		Label     literal `json:"label"`
	}
)

var (
	errNoService  = errors.New("robokassa: refund_base is not set; refunds are made in the cabinet")
	errTooMuch    = errors.New("robokassa: more than is left of the payment")
	errRefundBody = errors.New("robokassa: the answer about a refund cannot be read")
	errRefundTold = errors.New("robokassa: nothing tells whether the refund was made")
	errRefundSum  = errors.New("robokassa: the refund is of another sum")
	errRefundID   = errors.New("robokassa: the answer is about another refund")
)

// Refund gives captured money back. It looks first, for the operation's key, which is all
// that a refund is named by. Robokassa accepts a refund and makes it later: Pending. There
// is no guard against a repeat, so after a lost answer LookupRefund alone may tell.
func (g *Gateway) Refund(ctx context.Context, r providers.Refund) providers.Result {
	switch {
	case g.config.RefundBase == "":
		return providers.Result{Verdict: providers.Declined, Reason: providers.Refused, Err: errNoService}
	case !r.Amount.PartOf(r.Ref.Amount) || !g.claims.Carries(r.Amount.Currency):
		return providers.Result{Verdict: providers.Declined, Reason: providers.InvalidRequest, Err: errNotPart}
	}
	said, seen := g.look(ctx, r.Ref)
	switch {
	case seen.Absent:
		return providers.Result{Verdict: providers.Unserved, Reason: providers.NotFound, Code: seen.Code}
	case seen.Verdict == providers.Unknown:
		return notBegun(seen)
	case seen.Verdict != providers.Approved, said.wholeBack(g.config):
		return providers.Result{Verdict: providers.Declined, Reason: providers.Refused, Code: seen.Code}
	case r.Before.Minor+r.Amount.Minor > r.Ref.Amount.Minor, seen.Amount.Currency != "" && r.Before.Minor+r.Amount.Minor > seen.Amount.Minor:
		return providers.Result{Verdict: providers.Declined, Reason: providers.Refused, Code: seen.Code, Err: errTooMuch}
	}
	return g.giveBack(ctx, r, said.key)
}

func (g *Gateway) giveBack(ctx context.Context, r providers.Refund, key string) providers.Result {
	signed, err := token(refundHeader, newRefund{OpKey: key, RefundSum: json.Number(r.Amount.Shortest())}, hashes["sha256"], g.config.Password3)
	if err != nil {
		return providers.HeldBack(err)
	}
	call := exchange.Call{Method: http.MethodPost, URL: g.config.RefundBase + "/RefundService/Refund/Create", ContentType: jwtType,
		Body: []byte(signed), Timeout: g.config.Timeouts.Refund, MovesMoney: true}
	if g.config.RefundBody == bodyJSON {
		call.ContentType, call.Body = jsonType, []byte(`"`+signed+`"`)
	}
	got := g.client.Do(ctx, call)
	if result, settled := got.Settle(); settled {
		return result
	}
	switch got.Status {
	case http.StatusOK:
		return g.givenBack(r, got.Body)
	case http.StatusUnauthorized: // documented: password 3 is missing or wrong
		return providers.Result{Verdict: providers.Unserved, Reason: providers.Misconfigured, Code: "http 401",
			Err: errors.New("robokassa: the refund was refused; look at password_3")}
	}
	return providers.Doubt(providers.Unreadable, httpCode(got.Status), nil)
}

// givenBack reads the answer to Refund/Create.
func (g *Gateway) givenBack(r providers.Refund, body []byte) providers.Result {
	var said refundAnswer
	if err := json.Unmarshal(body, &said); err != nil || said.Success == nil {
		return providers.Doubt(providers.Unreadable, "", errRefundBody)
	}
	message, id := string(said.Message), string(said.RequestID)
	switch {
	case *said.Success && !aKey.MatchString(id), !*said.Success && id != "":
		return providers.Doubt(providers.Unreadable, "", errRefundBody)
	case *said.Success:
		return providers.Result{Verdict: providers.Pending, Reason: providers.Processing, External: id}
	case message == noFunds:
		return providers.Result{Verdict: providers.Unserved, Reason: providers.Throttled, Code: message}
	case aWord.MatchString(message) && strings.HasSuffix(message, "NotFound"):
		return providers.Result{Verdict: providers.Unserved, Reason: providers.NotFound, Code: message}
	case aWord.MatchString(message): // refused, in a word that is documented nowhere
		return providers.Result{Verdict: providers.Declined, Reason: providers.Refused, Code: message}
	}
	return providers.Doubt(providers.UnknownCode, shown(message), nil)
}

// LookupRefund asks GetState where Robokassa told its id of the refund (requestId), and
// else the state of the payment, which shows no sum returned:
//
//	state      before + amount    the refund is
//	60         the whole          Approved, where the whole is known: not of a hold that may
//	                              have been captured in part
//	anything else                 Unknown: a person must look in the cabinet
//
// It is never Absent: no answer proves that a refund was not made.
func (g *Gateway) LookupRefund(ctx context.Context, r providers.Refund) providers.Result {
	if r.External != "" && g.config.RefundBase != "" {
		return g.refundState(ctx, r, r.External)
	}
	_, seen := g.look(ctx, r.Ref)
	switch {
	case seen.Absent:
		return providers.Doubt(providers.Ambiguous, seen.Code, errors.New("robokassa: the refunded payment is not found"))
	case seen.Verdict == providers.Unknown:
		return seen
	case seen.Verdict != providers.Approved:
		return providers.Doubt(providers.Ambiguous, seen.Code, errors.New("robokassa: the refunded payment is not charged"))
	}
	whole := providers.Money{Minor: r.Before.Minor + r.Amount.Minor, Currency: r.Amount.Currency}
	if r.Amount.Minor <= 0 || seen.Returned.IsZero() || seen.Returned != whole {
		return providers.Doubt(providers.Ambiguous, seen.Code, errRefundTold)
	}
	return providers.Result{Verdict: providers.Approved, Amount: r.Amount, Returned: seen.Returned, Code: seen.Code}
}

// refundState asks GetState, which needs no credentials and signs nothing.
func (g *Gateway) refundState(ctx context.Context, r providers.Refund, id string) providers.Result {
	body, result, ok := g.post(ctx, exchange.Call{
		Method: http.MethodGet, URL: g.config.RefundBase + "/RefundService/Refund/GetState?" + url.Values{"id": {id}}.Encode(),
		Timeout: g.config.Timeouts.Status,
	})
	if !ok {
		if result.Verdict == providers.Unserved {
			result.Verdict = providers.Unknown
		}
		return result
	}
	var said refundState
	if err := json.Unmarshal(body, &said); err != nil || said.Label == "" {
		return providers.Doubt(providers.Unreadable, "", errRefundBody)
	}
	code := shownLabel(string(said.Label))
	sum, err := providers.ParseMoney(string(said.Amount), g.config.Currency)
	switch {
	case string(said.RequestID) != id:
		return providers.Doubt(providers.Mismatch, code, errRefundID)
	case err != nil || sum != r.Amount:
		return providers.Doubt(providers.Mismatch, code, errRefundSum)
	}
	switch said.Label {
	case refundUnderWay:
		return providers.Result{Verdict: providers.Pending, Reason: providers.Processing, External: id, Code: code}
	case refundDone:
		return providers.Result{Verdict: providers.Approved, Amount: sum, External: id, Code: code}
	case refundCanceled:
		return providers.Result{Verdict: providers.Declined, Reason: providers.Refused, External: id, Code: code}
	}
	return providers.Doubt(providers.UnknownCode, code, nil)
}

func shownLabel(label string) string {
	switch label {
	case refundUnderWay, refundDone, refundCanceled:
		return label
	}
	return "?"
}
