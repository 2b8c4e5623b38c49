package kaspi

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/payrouter/payrouter/providers"
)

// Refund gives back part or all of a purchase by payment/return, under r3. No id of
// ours can be sent, so a repeat would give back again: it is sent once, and a lost
// answer is settled by LookupRefund.
func (g *Gateway) Refund(ctx context.Context, r providers.Refund) providers.Result {
	id := number(r.Ref.External)
	switch {
	case g.config.Scheme != R3, r.Ref.Method == providers.Account:
		// r1 has no such call, r2 needs the payer (see BeginReturn), and the number of
		// an account payment belongs to the bank's other system.
		return refused.result(notOffered)
	case !id.valid():
		return notFound.result("")
	case !payable(r.Amount):
		return cannot("Kaspi gives back positive amounts of tenge only")
	}
	return g.giveBack(ctx, r, "")
}

// giveBack calls payment/return; under r2 with the number of the scanned refund QR.
func (g *Gateway) giveBack(ctx context.Context, r providers.Refund, scanned number) providers.Result {
	token, result, ok := g.desk(ctx)
	if !ok {
		return result
	}
	request := struct {
		DeviceToken     string
		OrganizationBIN string `json:"OrganizationBin,omitempty"`
		ID              number `json:"QrPaymentId"`
		Scanned         number `json:"QrReturnId,omitempty"`
		Amount          tenge
	}{token, g.bin(), number(r.Ref.External), scanned, tenge{money: r.Amount}}
	var answer struct {
		ID number `json:"ReturnOperationId"`
	}
	result, ok = g.do(ctx, call{
		method: http.MethodPost, url: g.base + "/payment/return", body: request,
		timeout: g.config.Timeouts.Refund, codes: returning, moves: true,
	}, &answer)
	switch {
	case !ok && result.Code == strconv.Itoa(exceedsPaid):
		return g.exceeded(ctx, r, result)
	case !ok:
		return result
	case answer.ID == "":
		return providers.Doubt(providers.Unreadable, "", errors.New("a refund without its number"))
	}
	return providers.Result{Verdict: providers.Approved, External: string(answer.ID)}
}

// exceeded looks before it believes that a refund is more than what is left. If so
// it is refused for good: what is left only shrinks. If not, the code and the sums
// contradict each other and the refund is in doubt.
func (g *Gateway) exceeded(ctx context.Context, r providers.Refund, doubt providers.Result) providers.Result {
	sums, _, ok := g.details(ctx, time.Now().Add(g.config.Timeouts.Status), r.Ref)
	if !ok || sums.left.Minor >= r.Amount.Minor || sums.returned.Minor == r.Before.Minor+r.Amount.Minor {
		return doubt
	}
	result := refused.result(doubt.Code)
	result.Returned = sums.returned
	return result
}

// LookupRefund compares the sum returned now with the sum before the refund: the
// only trace that a refund leaves.
func (g *Gateway) LookupRefund(ctx context.Context, r providers.Refund) providers.Result {
	if g.config.Scheme == R1 || r.Ref.Method == providers.Account || !number(r.Ref.External).valid() {
		return providers.Doubt(providers.Ambiguous, "", errors.New("nothing to ask by"))
	}
	sums, result, ok := g.details(ctx, time.Now().Add(g.config.Timeouts.Status), r.Ref)
	if !ok {
		return result
	}
	result = providers.Doubt(providers.Ambiguous, "", nil)
	result.Returned = sums.returned
	switch sums.returned.Minor {
	case r.Before.Minor:
		result.Absent = true
	case r.Before.Minor + r.Amount.Minor:
		result.Verdict, result.Reason = providers.Approved, providers.NoReason
	}
	return result
}
