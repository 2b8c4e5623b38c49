package halyk

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/providers/internal/exchange"
)

// operationAnswer is all that is known of the answer to an operation: errors are
// {code, message}; the body of a success is not specified.
type operationAnswer struct {
	Code       text `json:"code"`
	ExternalID text `json:"externalID"`
}

var errNoRecall = errors.New("an unpaid offer cannot be withdrawn")

// Capture takes a hold, wholly or partly. The amount is always said, in the query
// and in the body: without one the bank takes the whole.
func (g *Gateway) Capture(ctx context.Context, ref providers.Ref, amount providers.Money) providers.Result {
	if amount.Currency != currency || amount.Minor <= 0 {
		return providers.Result{Verdict: providers.Declined, Reason: providers.Refused, Err: errors.New("not an amount the terminal can capture")}
	}
	query := url.Values{"amount": {amount.Shortest()}}
	body := encode(struct {
		Amount number `json:"amount"`
	}{number(amount)})
	r, _ := g.operate(ctx, ref, "charge", query, body)
	if r.Verdict == providers.Approved {
		r.Amount = amount
	}
	return r
}

// Cancel releases a hold, always the whole. Unpaid offers cannot be withdrawn at
// ePay: for them there is no transaction, hence NotFound, which proves nothing.
func (g *Gateway) Cancel(ctx context.Context, ref providers.Ref) providers.Result {
	if ref.KeepHold {
		return providers.Unable(errNoRecall)
	}
	r, _ := g.operate(ctx, ref, "cancel", nil, nil)
	return r
}

// operate sends one operation on the attempt's transaction, once. Before it, an
// unknown transaction is looked up and a token is fetched, both within one status
// limit; if either fails the operation never began.
func (g *Gateway) operate(ctx context.Context, ref providers.Ref, verb string, query url.Values, body []byte) (providers.Result, operationAnswer) {
	deadline := time.Now().Add(g.config.Timeouts.Status)
	id, missing := g.transactionID(ctx, deadline, ref)
	if missing != nil {
		return *missing, operationAnswer{}
	}
	t, lost := g.renew(ctx, time.Until(deadline))
	if lost != nil {
		return *lost, operationAnswer{}
	}
	path := "/operation/" + url.PathEscape(id) + "/" + verb
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	return carriedOut(g.move(ctx, g.api(http.MethodPost, path, t, body), g.config.Timeouts.Refund))
}

// transactionID finds the UUID that operations go by. A QR's own id is its bill
// number, so its transaction is always looked up.
func (g *Gateway) transactionID(ctx context.Context, deadline time.Time, ref providers.Ref) (string, *providers.Result) {
	if ref.External != "" && ref.Method != providers.QR {
		return ref.External, nil
	}
	unsent := func(reason providers.Reason, code string, err error) (string, *providers.Result) {
		return "", &providers.Result{Verdict: providers.Unserved, Reason: reason, Code: code, Err: err}
	}
	status, failed := g.inquire(ctx, deadline, ref.Order)
	if failed != nil {
		reason := providers.NotSent
		if failed.Reason == providers.Misconfigured {
			reason = failed.Reason
		}
		return unsent(reason, failed.Code, because("the transaction could not be looked up", failed.Err))
	}
	seen := g.read(ref, status, time.Now())
	switch {
	case seen.Verdict.HasMoney() && seen.External != "":
		return seen.External, nil
	case seen.Verdict == providers.Unknown && !seen.Absent:
		return unsent(providers.NotSent, seen.Code, fmt.Errorf("the look-up of the transaction is no use: %s", seen.Reason))
	}
	return unsent(providers.NotFound, seen.Code, errors.New("no transaction with money"))
}

// carriedOut reads the answer to an operation: HTTP 200 is success, a final code is
// a refusal, and everything else may have happened.
func carriedOut(answer exchange.Answer) (providers.Result, operationAnswer) {
	var said operationAnswer
	if r, settled := answer.Settle(); settled {
		return r, said
	}
	code := strconv.Itoa(answer.Status)
	switch answer.Status {
	case http.StatusUnauthorized, http.StatusForbidden:
		return refused(code), said
	case http.StatusOK, http.StatusBadRequest:
	default:
		return providers.Doubt(providers.Unreadable, code, errors.New("undocumented HTTP status")), said
	}
	if answer.Status == http.StatusOK && len(bytes.TrimSpace(answer.Body)) == 0 {
		return providers.Result{Verdict: providers.Approved}, said
	}
	if err := readObject(answer.Body, &said); err != nil {
		return providers.Doubt(providers.Unreadable, code, err), said
	}
	m, known := meaningOf(said.Code)
	if answer.Status == http.StatusOK && known && m.class == success {
		return providers.Result{Verdict: providers.Approved, Code: word(said.Code)}, said
	}
	return operationRefusal(said.Code), said
}
