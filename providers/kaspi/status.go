package kaspi

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/payrouter/payrouter/providers"
)

// standing is what a status name says.
type standing uint8

const (
	undocumented standing = iota // not final, may be charged
	awaiting                     // not charged, and still may be until its windows close
	confirming                   // the payer is at it
	paid                         // charged
	saidPaid                     // charged by a name that only details may confirm
	failed                       // final: not charged, or returned already
	withdrawn                    // final: the invoice was canceled
)

// standings are the names of the document, of live clients, and at the end those
// seen only in clients of the cashier's mobile app. The app's names for "not
// charged" are not documented as final, so they end nothing: the offer's own clock
// does. Its names for success need details beside them.
var standings = map[string]standing{
	"QrTokenCreated":       awaiting,
	"Wait":                 confirming,
	"Processed":            paid,
	"Error":                failed,
	"RemotePaymentCreated": awaiting,
	canceled:               withdrawn,

	"Paid":              saidPaid,
	"RemotePaymentPaid": saidPaid,

	"QrTokenScanned":          confirming,
	"PaymentConfirmation":     confirming,
	"RemotePaymentProcessing": confirming,

	"Expired":                   awaiting,
	"QrTokenDiscarded":          awaiting,
	"RemotePaymentExpired":      awaiting,
	"RemotePaymentRejected":     awaiting,
	"CancelledByUser":           awaiting,
	"CancelledByExternalSource": awaiting,
	"NotConfirmedByUser":        awaiting,
	"Rejected":                  awaiting,
	"InsufficientFunds":         awaiting,
	"InsufficientFundsError":    awaiting,
	"ProcessingFailed":          awaiting,
}

// Lookup asks payment/status by Kaspi's number. There is no other way to find a
// purchase, so an attempt without a number stays Unknown; an account payment
// without one was not debited yet, as far as we were told.
func (g *Gateway) Lookup(ctx context.Context, ref providers.Ref) providers.Result {
	deadline := time.Now().Add(g.config.Timeouts.Status)
	id := number(ref.External)
	switch {
	case ref.Method == providers.Account && ref.External == "":
		return providers.Result{Verdict: providers.Pending, Reason: providers.AwaitingPayer}
	case ref.Method == providers.Account || !id.valid():
		return providers.Doubt(providers.Ambiguous, "", errors.New("nothing to ask by"))
	}
	var answer standingNow
	result, ok := g.do(ctx, call{
		method: http.MethodGet, url: g.statusBase + "/payment/status/" + string(id),
		timeout: g.config.Timeouts.Status, codes: asking,
	}, &answer)
	if !ok {
		return undecided(result)
	}
	result = answer.judge(ref, time.Now(), g.life(ref.Method))
	result.External = ref.External
	switch {
	case standings[answer.Status] == saidPaid && result.Reason != providers.Mismatch:
		return g.confirm(ctx, deadline, ref, result)
	case result.Verdict == providers.Approved && g.config.Scheme != R1:
		return g.complete(ctx, deadline, ref, result)
	}
	return result
}

// life is how long an offer can be left alone before its silence alone ends it: the
// scan window, or an invoice's whole life.
func (g *Gateway) life(m providers.Method) time.Duration {
	if m == providers.Push {
		return g.config.PushLife
	}
	return g.config.OfferLife - g.config.ConfirmWindow
}

// standingNow is the Data of payment/status. Version v01 has the status alone. The
// TransactionId beside it is not documented to be our number, so it proves nothing.
type standingNow struct {
	Status string
	Amount tenge
}

// judge says what the status means. It is pure.
func (s standingNow) judge(ref providers.Ref, now time.Time, life time.Duration) providers.Result {
	result := providers.Result{Code: word(s.Status)}
	set := func(v providers.Verdict, r providers.Reason) { result.Verdict, result.Reason = v, r }
	money := standings[s.Status] == paid || standings[s.Status] == saidPaid
	// Before the money moves an amount of nothing is no contradiction.
	if s.Amount.told && s.Amount.money != ref.Amount && (money || !s.Amount.money.IsZero()) {
		set(providers.Unknown, providers.Mismatch)
		result.Amount = s.Amount.money
		return result
	}
	switch standings[s.Status] {
	case awaiting:
		set(providers.Pending, providers.AwaitingPayer)
	case confirming:
		set(providers.Pending, providers.PayerConfirming)
	case paid:
		set(providers.Approved, providers.NoReason)
		result.Amount = s.Amount.money
	case failed:
		// Kaspi has no decline code. An Error before the time to begin was over can
		// only be the payer's (or the payer's money's) refusal.
		if now.Before(ref.Planned.Add(life)) {
			set(providers.Declined, providers.CanceledByPayer)
		} else {
			set(providers.Declined, providers.Expired)
		}
	case withdrawn:
		set(providers.Declined, providers.Released)
	default:
		set(providers.Unknown, providers.UnknownCode)
	}
	return result
}

// confirm believes a cashier's success name only with details that match.
func (g *Gateway) confirm(ctx context.Context, deadline time.Time, ref providers.Ref, seen providers.Result) providers.Result {
	if g.config.Scheme == R1 {
		return seen // no details under r1
	}
	sums, result, ok := g.details(ctx, deadline, ref)
	if !ok {
		result.Code = seen.Code
		return result
	}
	seen.Verdict, seen.Reason = providers.Approved, providers.NoReason
	seen.Amount, seen.Returned = sums.total, sums.returned
	return seen
}

// complete adds what was given back so far. Details that contradict the status take
// the certainty away; details that cannot be read take nothing.
func (g *Gateway) complete(ctx context.Context, deadline time.Time, ref providers.Ref, seen providers.Result) providers.Result {
	sums, result, ok := g.details(ctx, deadline, ref)
	switch {
	case ok:
		seen.Amount, seen.Returned = sums.total, sums.returned
	case result.Reason == providers.Mismatch:
		result.External, result.Code = seen.External, seen.Code
		return result
	}
	return seen
}

// sums are what payment/details knows of a purchase.
type sums struct{ total, left, returned providers.Money }

// detailed is the Data of payment/details.
type detailed struct {
	ID    number `json:"QrPaymentId"`
	Total tenge  `json:"TotalAmount"`
	Left  tenge  `json:"AvailableReturnAmount"`
}

// details asks for the sums of a purchase (r2, r3) until the deadline. It reports
// false, with an Unknown Result, unless the answer is about our number and our amount.
func (g *Gateway) details(ctx context.Context, deadline time.Time, ref providers.Ref) (sums, providers.Result, bool) {
	ctx, done := context.WithDeadline(ctx, deadline) // a device may have to be registered first
	defer done()
	token, result, ok := g.desk(ctx)
	if !ok {
		return sums{}, undecided(result), false
	}
	query := url.Values{"QrPaymentId": {ref.External}, "DeviceToken": {token}}
	var answer detailed
	result, ok = g.do(ctx, call{
		method: http.MethodGet, url: g.base + "/payment/details?" + query.Encode(),
		timeout: time.Until(deadline), codes: asking,
	}, &answer)
	if !ok {
		return sums{}, undecided(result), false
	}
	return answer.judge(ref)
}

// judge checks the sums against what we know. It is pure.
func (d detailed) judge(ref providers.Ref) (sums, providers.Result, bool) {
	total, left := d.Total.money, d.Left.money
	switch {
	case d.ID == "" || !d.Total.told || !d.Left.told || left.Minor < 0 || left.Minor > total.Minor:
		return sums{}, providers.Doubt(providers.Unreadable, "", errors.New("details that do not add up")), false
	case string(d.ID) != ref.External:
		return sums{}, providers.Doubt(providers.Mismatch, "", errors.New("details of another purchase")), false
	case total != ref.Amount:
		result := providers.Doubt(providers.Mismatch, "", errors.New("details of another amount"))
		result.Amount = total
		return sums{}, result, false
	}
	returned := providers.Money{Minor: total.Minor - left.Minor, Currency: currency}
	return sums{total: total, left: left, returned: returned}, providers.Result{}, true
}
