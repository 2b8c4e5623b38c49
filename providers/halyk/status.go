package halyk

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/payrouter/payrouter/providers"
)

// statusAnswer is the answer of check-status. Its code is about the question.
type statusAnswer struct {
	ResultCode  text         `json:"resultCode"`
	Transaction *transaction `json:"transaction"`
	Code        text         `json:"code"` // of an API error, instead of the above
}

// transaction is what the bank shows of a payment.
type transaction struct {
	ID           text `json:"id"`
	InvoiceID    text `json:"invoiceID"`
	Amount       text `json:"amount"`
	AmountBonus  text `json:"amountBonus"`
	PayoutAmount text `json:"payoutAmount"`
	Currency     text `json:"currency"`
	TerminalID   text `json:"terminalID"` // the UUID; terminal is another, numeric name
	StatusName   text `json:"statusName"`
	ReasonCode   text `json:"reasonCode"`
	CardID       text `json:"cardID"`
	CardMask     text `json:"cardMask"`
	CardType     text `json:"cardType"`
}

// Lookup asks how the attempt stands.
func (g *Gateway) Lookup(ctx context.Context, ref providers.Ref) providers.Result {
	deadline := time.Now().Add(g.config.Timeouts.Status)
	status, failed := g.inquire(ctx, deadline, ref.Order)
	if failed != nil {
		return *failed
	}
	seen := g.read(ref, status, time.Now())
	untouched := seen.Absent || seen.Verdict == providers.Pending && seen.Reason == providers.AwaitingPayer
	if ref.Method == providers.QR && ref.External != "" && untouched {
		return g.askQR(ctx, deadline, ref)
	}
	return seen
}

// inquire asks check-status about an order number.
func (g *Gateway) inquire(ctx context.Context, deadline time.Time, order string) (statusAnswer, *providers.Result) {
	var status statusAnswer
	answer, failed := g.ask(ctx, deadline, http.MethodGet, "/check-status/payment/transaction/"+url.PathEscape(order), nil)
	if failed != nil {
		return status, failed
	}
	if err := readObject(answer.Body, &status); err != nil {
		return status, question(providers.Doubt(providers.Unreadable, "", err))
	}
	if status.ResultCode == "" {
		if status.Code == "" {
			return status, question(providers.Doubt(providers.Unreadable, "", errors.New("no resultCode")))
		}
		return status, question(doubt(status.Code))
	}
	return status, nil
}

// read makes sense of an answer of check-status.
func (g *Gateway) read(ref providers.Ref, status statusAnswer, now time.Time) providers.Result {
	var t transaction
	if status.Transaction != nil {
		t = *status.Transaction
	}
	code := word(status.ResultCode)
	switch status.ResultCode {
	case "100": // answered
		if t == (transaction{}) {
			return providers.Doubt(providers.Unreadable, code, errors.New("answered, but no transaction"))
		}
		return g.judge(ref, t, now)
	case "101": // rejected: only a transaction that says so is believed
		if s := standings[t.StatusName]; s == failed || s == released {
			return g.judge(ref, t, now)
		}
		return providers.Doubt(providers.Ambiguous, code, nil)
	case "102": // no such number
		if t != (transaction{}) {
			return providers.Doubt(providers.Unreadable, code, errors.New("no such number, yet a transaction"))
		}
		return providers.Result{Absent: true, Code: code}
	case "103": // error, ask again
		return providers.Doubt(providers.Ambiguous, code, nil)
	case "104", "106", "109": // terminal missing, wrong, another client's: the question was refused, which proves nothing
		return providers.Doubt(providers.Misconfigured, code, nil)
	case "107": // in progress, whatever else is present
		return providers.Result{Verdict: providers.Pending, Reason: providers.Processing, Code: code}
	}
	return providers.Doubt(providers.UnknownCode, code, nil)
}

// standing is what a statusName says about the money.
type standing uint8

// The standings. The zero value is a name that nobody documented.
const (
	unheard   standing = iota
	moving             // not charged yet, may be
	stepUp             // at the 3-D Secure page, or failed it
	held               // authorised, not captured
	charged            // charged
	givenBack          // charged, then returned wholly or partly
	released           // a hold was given back
	failed             // not charged, for good
	checked            // a card check, which is no payment
)

// standings are the values of statusName ("status-tranzakcii"). PARTIAL_REFUND is
// expected by one client; like REFUND it can only follow a charge.
var standings = map[text]standing{
	"NEW": moving, "FINGERPRINT": stepUp, "3D": stepUp,
	"AUTH": held, "CHARGE": charged, "REFUND": givenBack, "PARTIAL_REFUND": givenBack,
	"CANCEL": released, "CANCEL_OLD": released, "FAILED": failed, "REJECT": failed, "VERIFIED": checked,
}

// judge turns a transaction that is ours into a verdict.
func (g *Gateway) judge(ref providers.Ref, t transaction, now time.Time) providers.Result {
	stands, code := standings[t.StatusName], word(t.StatusName)
	amount, reason, err := g.compare(ref, t, stands)
	if reason != providers.NoReason {
		return providers.Doubt(reason, code, err)
	}
	switch stands {
	case moving:
		return providers.Result{Verdict: providers.Pending, Reason: providers.Processing, Code: code}
	case stepUp:
		return g.judgeStepUp(ref, t, now)
	case held:
		return providers.Result{Verdict: providers.Held, External: string(t.ID), Amount: amount, Instrument: saved(ref, t), Code: code}
	case charged:
		if ref.TwoStage && amount == ref.Amount {
			// What the bank shows as amount after a partial capture is not documented: less
			// than was held is what was captured, but the whole may be either.
			amount = providers.Money{}
		}
		return providers.Result{Verdict: providers.Approved, External: string(t.ID), Amount: amount, Instrument: saved(ref, t), Code: code}
	case givenBack:
		// How much came back is not told: the name may appear with the first partial
		// refund, and payoutAmount is less by the fee.
		return providers.Result{Verdict: providers.Approved, External: string(t.ID), Code: code}
	case released:
		return providers.Result{Verdict: providers.Declined, Reason: providers.Released, External: string(t.ID), Code: code}
	case failed:
		r := failure(t.ReasonCode)
		r.Code = codes(code, t.ReasonCode)
		if end, offer := g.offerEnd(ref); offer && !g.config.OneTry && (end.IsZero() || !now.After(end)) {
			return providers.Result{Verdict: providers.Pending, Reason: providers.AwaitingPayer, Code: r.Code}
		}
		return r
	case checked:
		return providers.Doubt(providers.Mismatch, code, errors.New("a card check under our number"))
	}
	return providers.Doubt(providers.UnknownCode, code, nil)
}

// judgeStepUp reads 3D, which says that the customer was sent to 3-D Secure, or
// failed there: pending while that can still end well, failed afterwards.
func (g *Gateway) judgeStepUp(ref providers.Ref, t transaction, now time.Time) providers.Result {
	code := word(t.StatusName)
	end, offer := g.offerEnd(ref)
	if !offer && !ref.Planned.IsZero() {
		end = ref.Planned.Add(g.claims.Timeouts.Charge + g.config.PageTokenLife)
	}
	if t.StatusName != "3D" || end.IsZero() || !now.After(end.Add(g.config.StepUpWindow)) {
		return providers.Result{Verdict: providers.Pending, Reason: providers.StepUp, Code: code}
	}
	if m, known := meaningOf(t.ReasonCode); known && m.class == declined {
		return taken(m, codes(code, t.ReasonCode))
	}
	return providers.Result{Verdict: providers.Declined, Reason: providers.Expired, Code: code}
}

// offerEnd is when nobody can begin to pay the attempt any more and what was begun
// shows in the status. It reports an offer with the zero time when it was planned
// at no known time; such an offer never ends.
func (g *Gateway) offerEnd(ref providers.Ref) (end time.Time, offer bool) {
	var life time.Duration
	switch ref.Method {
	case providers.Page:
		life = g.config.PageTokenLife
	case providers.Link:
		life = g.config.LinkLife
	case providers.QR:
		life = qrLife
	default:
		return time.Time{}, false
	}
	if ref.Planned.IsZero() {
		return time.Time{}, true
	}
	return ref.Planned.Add(g.claims.Timeouts.Create + life + visible), true
}

// saved is the token of a card that the payer's page was asked to save. The
// router knows whether it was asked for; a charge of a saved card names that one.
func saved(ref providers.Ref, t transaction) *providers.Token {
	if t.CardID == "" || ref.Method != providers.Page {
		return nil
	}
	return &providers.Token{Value: providers.NewSecret(string(t.CardID)), Mask: string(t.CardMask), Brand: string(t.CardType)}
}

// codes joins a status with the code that explains it: "FAILED 484".
func codes(status string, reason text) string {
	if reason == "" || reason == "0" {
		return status
	}
	return status + " " + word(reason)
}
