package freedompay

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/payrouter/payrouter/providers"
)

// pause is between two status calls about one payment: "1.5 to 2 seconds" is the
// official guidance (notes, section 10).
const pause = 2 * time.Second

var (
	errNothing     = providers.HeldBack(errors.New("freedompay: there is neither an order number nor a payment id to ask by")).Err
	errAmounts     = errors.New("freedompay: the sums of the answer cannot be read or contradict each other")
	errUnconfirmed = errors.New("freedompay: seen as failed once, and not confirmed")
	errContradicts = errors.New("freedompay: word and sums of the answer contradict each other")
	errNoTime      = errors.New("freedompay: there was no time left to ask a second time")
)

// Lookup asks get_status3 by Freedom Pay's id, or by our order number before it is known.
// "Not found" is Unknown with Absent. A payment seen as failed is asked about a second
// time: one of them had been charged (EX-1001, notes, section 10).
func (g *Gateway) Lookup(ctx context.Context, ref providers.Ref) providers.Result {
	_, result := g.look(ctx, ref)
	return result
}

// look also returns what was read last, for those who need more of it than the Result.
func (g *Gateway) look(ctx context.Context, ref providers.Ref) (reading, providers.Result) {
	deadline := time.Now().Add(g.config.Timeouts.Status)
	seen, result := g.once(ctx, ref, g.config.Timeouts.Status)
	if !result.failed() {
		return seen, result.Result
	}
	return g.confirm(ctx, ref, deadline)
}

// confirm reads the status of a payment that was just seen as failed.
func (g *Gateway) confirm(ctx context.Context, ref providers.Ref, deadline time.Time) (reading, providers.Result) {
	budget := time.Until(deadline) - pause
	if budget <= 0 {
		return reading{}, providers.Doubt(providers.Ambiguous, "", errNoTime)
	}
	wait := time.NewTimer(pause)
	defer wait.Stop()
	select {
	case <-wait.C:
	case <-ctx.Done():
		return reading{}, providers.Doubt(providers.Ambiguous, "", errUnconfirmed)
	}
	seen, result := g.once(ctx, ref, budget)
	return seen, result.Result
}

// seenResult is a Result and whether it says that a payment failed.
type seenResult struct {
	providers.Result
	word state
}

func (s seenResult) failed() bool {
	return s.word == failed && (s.Verdict == providers.Declined || s.Verdict == providers.Unserved)
}

// once makes one status call about the payment that ref names.
func (g *Gateway) once(ctx context.Context, ref providers.Ref, limit time.Duration) (reading, seenResult) {
	seen, result, ok := g.read(ctx, ref, limit)
	if !ok {
		return seen, seenResult{Result: result}
	}
	return seen, seenResult{seen.about(ref, g.config.OneTry), seen.state()}
}

// read makes one status call. It reports false when there is nothing to judge; the
// Result is then Unknown.
func (g *Gateway) read(ctx context.Context, ref providers.Ref, limit time.Duration) (reading, providers.Result, bool) {
	if ref.Order == "" {
		return reading{}, providers.Doubt(providers.NotSent, "", errNothing), false
	}
	c := call{path: "get_status3.php", timeout: limit}
	if ref.External != "" {
		c.fields.add("pg_payment_id", ref.External)
	} else {
		c.fields.add("pg_order_id", ref.Order)
	}
	said, result, ok := g.ask(ctx, c)
	switch {
	case !ok:
		if result.Verdict == providers.Unserved {
			result.Verdict = providers.Unknown // the question did not leave; the charge may have
		}
		return reading{}, result, false
	case !said.ok():
		result = said.unread()
	case said.text("pg_payment_id") == "0":
		result = absent(statusOK + " 0")
	}
	if result.Absent && ref.External != "" { // they gave it this number themselves
		result = providers.Doubt(providers.Ambiguous, result.Code, errForgotten)
	}
	if !said.ok() || said.text("pg_payment_id") == "0" {
		return reading{}, result, false
	}
	seen, err := said.reading()
	if err != nil {
		return reading{}, providers.Doubt(providers.Unreadable, said.code(), err), false
	}
	if seen.order != ref.Order || ref.External != "" && seen.id != ref.External {
		return reading{}, providers.Doubt(providers.Mismatch, seen.code(), errOther), false
	}
	return seen, providers.Result{}, true
}

// unread is a status call that was refused.
func (a answer) unread() providers.Result {
	switch m := a.refusal(); m.class {
	case missing:
		return absent(a.code())
	case setup, undocumented:
		return providers.Doubt(m.reason, a.code(), nil)
	case unclear: // about the question, which was not answered
		return providers.Doubt(providers.ServerError, a.code(), nil)
	}
	return providers.Doubt(providers.Ambiguous, a.code(), nil)
}

func absent(code string) providers.Result {
	return providers.Result{Absent: true, Reason: providers.Ambiguous, Code: code}
}

// reading is what a status answer says about a payment.
type reading struct {
	id, order string
	word      string // pg_payment_status
	captured  string // 1 taken, 0 held, empty until a card was presented
	failure   string
	currency  string
	amount    providers.Money
	cleared   sum // captured
	refunded  sum // given back; negative on the wire
	revoked   sum // of a hold, released
	refunds   []refundRow
}

// sum is an amount that an answer may not tell.
type sum struct {
	told bool
	providers.Money
}

// refundRow is one refund as a status lists it.
type refundRow struct {
	word   string
	amount providers.Money // positive
}

// reading reads an answer's fields. What is needed must be there and readable.
func (a answer) reading() (reading, error) {
	r := reading{id: a.text("pg_payment_id"), order: a.text("pg_order_id"), word: a.text("pg_payment_status"),
		captured: a.text("pg_captured"), failure: a.text("pg_failure_code"), currency: a.text("pg_currency")}
	if r.failure == "" {
		r.failure = a.text("pg_error_code")
	}
	if !number(r.id) || r.order == "" || r.word == "" || a.text("pg_amount") == "" {
		return reading{}, errIncomplete
	}
	var err error
	if r.amount, err = providers.ParseMoney(a.text("pg_amount"), r.currency); err != nil {
		return reading{}, errAmounts
	}
	for _, s := range []struct {
		name string
		into *sum
	}{{"pg_clearing_amount", &r.cleared}, {"pg_refund_amount", &r.refunded}, {"pg_revoke_amount", &r.revoked}} {
		text := a.text(s.name)
		if text == "" {
			continue
		}
		if *s.into, err = unsigned(text, r.currency); err != nil {
			return reading{}, errAmounts
		}
	}
	if strings.HasPrefix(a.text("pg_clearing_amount"), "-") {
		return reading{}, errAmounts // what was captured has no other direction
	}
	for _, row := range a.list("pg_refund_payments", "pg_refund_payment") {
		amount, err := unsigned(row.text("pg_amount"), r.currency)
		if err != nil {
			return reading{}, errAmounts
		}
		r.refunds = append(r.refunds, refundRow{word: row.text("pg_payment_status"), amount: amount.Money})
	}
	return r, nil
}

// unsigned reads an amount whose sign only tells the direction, which its field tells too.
func unsigned(text, currency string) (sum, error) {
	m, err := providers.ParseMoney(text, currency)
	if m.Minor < 0 {
		m.Minor = -m.Minor
	}
	return sum{true, m}, err
}

// code is the provider's words for people: "error 10009".
func (r reading) code() string {
	return strings.TrimSpace(shown(r.word) + " " + shown(r.failure))
}

// state is what a word says about a payment.
type state uint8

// The states. The zero value is that of a word nobody documented.
const (
	strange       state = iota
	unopened            // nobody has presented a card
	underWay            // not charged, and may be
	paid                // held or charged
	failed              // not charged, once confirmed
	released            // a hold was given back
	returnedWhole       // charged, and given back whole
	expired             // its lifetime ended without a payment
)

// states are the words of pg_payment_status, and those of older calls (notes, section 5).
var states = map[string]state{
	"new": unopened, "waiting": unopened, "need data": unopened,
	"pending": underWay, "process": underWay, "processing": underWay, "partial": underWay,
	"success": paid, "ok": paid,
	"error": failed, "failed": failed, "rejected": failed,
	"revoked": released, "canceled": released, "cancelled": released,
	"refunded":   returnedWhole,
	"incomplete": expired, "expired": expired,
}

func (r reading) state() state { return states[r.word] }

// about reads how the payment that ref asked for stands. Any difference from what was
// asked for is doubt.
func (r reading) about(ref providers.Ref, oneTry bool) providers.Result {
	if r.amount != ref.Amount {
		return providers.Doubt(providers.Mismatch, r.code(), fmt.Errorf("freedompay: %s seen, %s asked for", r.amount, ref.Amount))
	}
	result := r.standing(ref, oneTry)
	if result.Verdict == providers.Approved {
		part := ref.TwoStage && result.Amount.Minor < ref.Amount.Minor // less than was held may have been captured
		if result.Amount != ref.Amount && !part {
			return providers.Doubt(providers.Mismatch, r.code(), fmt.Errorf("freedompay: %s charged, %s asked for", result.Amount, ref.Amount))
		}
		if result.Returned.Minor > result.Amount.Minor {
			return providers.Doubt(providers.Ambiguous, r.code(), errAmounts)
		}
	}
	result.External, result.Movement = r.id, r.id
	return result
}

// standing is the table of the notes, section 5. Where a sum says that money was taken,
// it beats a word that says otherwise; a word that nobody documented stays unknown.
//
//	word                     sums, pg_captured                 verdict
//	new, need data, …        nothing taken                     Pending
//	success, ok              captured sum, or captured 1       Approved
//	                         nothing taken, captured 0         Held; released if the revoked sum is whole
//	                         neither                           Approved: "treat as charged"
//	error, failed, rejected  captured sum                      Approved
//	                         nothing taken                     Declined or Unserved by its code (a page: Pending)
//	revoked, canceled        nothing taken                     Declined, released
//	refunded                                                   Approved, all of it returned
//	incomplete, expired      nothing taken                     Declined, expired
func (r reading) standing(ref providers.Ref, oneTry bool) providers.Result {
	code, taken := r.code(), r.cleared.Minor > 0
	offer := ref.Method != providers.Instrument
	switch r.state() {
	case unopened, underWay:
		if taken {
			return providers.Doubt(providers.Ambiguous, code, errContradicts)
		}
		result := providers.Result{Verdict: providers.Pending, Reason: providers.Processing, Code: code}
		if offer {
			result.Reason = providers.PayerConfirming
			if r.state() == unopened && r.captured == "" { // it is told once a card was presented
				result.Reason = providers.AwaitingPayer
			}
		}
		return result
	case paid:
		return r.paid(code)
	case failed:
		switch {
		case taken:
			return r.charged(r.cleared.Money, code)
		case offer && !oneTry: // FAILOVER, row 11: the page may let the payer try again
			return providers.Result{Verdict: providers.Pending, Reason: providers.AwaitingPayer, Code: code}
		}
		return meant(r.failure).onFailure(r.failure, code)
	case released:
		if taken {
			if !r.refunded.told {
				return providers.Doubt(providers.Ambiguous, code, errContradicts)
			}
			return r.charged(r.cleared.Money, code)
		}
		return providers.Result{Verdict: providers.Declined, Reason: providers.Released, Code: code}
	case returnedWhole:
		whole := r.amount
		if taken {
			whole = r.cleared.Money
		}
		result := r.charged(whole, code)
		if !r.refunded.told {
			result.Returned = whole
		}
		return result
	case expired:
		if taken {
			return r.charged(r.cleared.Money, code)
		}
		return providers.Result{Verdict: providers.Declined, Reason: providers.Expired, Code: code}
	}
	return providers.Doubt(providers.UnknownCode, code, nil)
}

// paid reads a payment that succeeded: held or charged.
func (r reading) paid(code string) providers.Result {
	taken := r.cleared.Minor > 0
	switch r.captured {
	case "1":
		if r.cleared.told && !taken {
			return providers.Doubt(providers.Ambiguous, code, errContradicts)
		}
	case "0", "":
		whole := r.revoked.Minor > 0 && r.revoked.Money == r.amount
		switch {
		case taken, !r.cleared.told && r.captured == "" && !whole:
		case whole:
			return providers.Result{Verdict: providers.Declined, Reason: providers.Released, Code: code}
		default:
			return providers.Result{Verdict: providers.Held, Amount: r.amount, Code: code}
		}
	default:
		return providers.Doubt(providers.UnknownCode, code, errIncomplete)
	}
	if taken {
		return r.charged(r.cleared.Money, code)
	}
	return r.charged(r.amount, code)
}

func (r reading) charged(amount providers.Money, code string) providers.Result {
	result := providers.Result{Verdict: providers.Approved, Amount: amount, Code: code}
	if r.refunded.told {
		result.Returned = r.refunded.Money
	}
	return result
}
