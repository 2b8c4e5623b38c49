package wayforpay

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/payrouter/payrouter/providers"
)

// Values of transactionStatus (notes, section 5).
const (
	created            literal = "Created"
	inProcess          literal = "InProcessing"
	pending            literal = "Pending"
	waitingComplete    literal = "WaitingAuthComplete"
	approved           literal = "Approved"
	statusDeclined     literal = "Declined"
	expired            literal = "Expired"
	voided             literal = "Voided"
	refundInProcessing literal = "RefundInProcessing"
	refunded           literal = "Refunded"
)

var (
	errNoAmount    = errors.New("wayforpay: the answer names no amount")
	errContradicts = errors.New("wayforpay: status and reason code contradict each other")
)

// Lookup asks CHECK_STATUS by our order number. 1127 is Unknown with Absent, although the
// status says Declined.
func (g *Gateway) Lookup(ctx context.Context, ref providers.Ref) providers.Result {
	_, result := g.look(ctx, ref)
	return result
}

// look also returns the answer, for those who need more of it than the Result.
func (g *Gateway) look(ctx context.Context, ref providers.Ref) (answer, providers.Result) {
	said, result, ok := g.ask(ctx, g.status(ref.Order), g.config.Timeouts.Status)
	if !ok {
		if result.Verdict == providers.Unserved {
			result.Verdict = providers.Unknown // the question did not leave; the charge may have
		}
		return said, result
	}
	if doubt, ok := g.vouch(said, ref.Order, eight); !ok {
		if doubt.Reason == providers.Ambiguous {
			doubt.Reason = providers.Misconfigured // the question was refused, and nothing is said about the payment
		}
		return said, doubt
	}
	return said, said.about(ref, view{offer: ref.Method != providers.Instrument, seen: true})
}

func (g *Gateway) status(order string) request {
	r := request{TransactionType: checkStatus, MerchantAccount: g.config.MerchantAccount, OrderReference: order, APIVersion: 1}
	return r.signed(g.config.MerchantSecret)
}

// view says how an answer about a payment is to be read.
type view struct {
	offer bool // an invoice: a payer whose card was declined may try again
	seen  bool // from CHECK_STATUS, which is the authority and always names the amount
}

// about reads an authentic answer about the payment that ref asked for. Any difference
// from what was asked for is doubt.
func (a answer) about(ref providers.Ref, v view) providers.Result {
	result := a.standing(v)
	if a.ReasonCode == notFound {
		return result // there is nothing whose amount could differ
	}
	if a.Amount == "" {
		if v.seen || result.Verdict.HasMoney() {
			// Error answers may lack the amount: they are about the call, not the payment.
			return providers.Doubt(providers.Unreadable, a.code(), errNoAmount)
		}
		return result
	}
	sum, err := providers.ParseMoney(string(a.Amount), string(a.Currency))
	captured := a.TransactionStatus == approved || a.TransactionStatus == refunded || a.TransactionStatus == refundInProcessing
	switch {
	case err != nil:
		return providers.Doubt(providers.Mismatch, a.code(), errors.New("wayforpay: amount or currency cannot be read"))
	case sum == ref.Amount:
		if ref.TwoStage && captured && v.seen {
			// Which amount is shown after a partial SETTLE is not documented: the whole may be
			// what was captured, or only what was held.
			result.Amount = providers.Money{}
		}
		return result
	case ref.TwoStage && captured && sum.Currency == ref.Amount.Currency && sum.Minor > 0 && sum.Minor < ref.Amount.Minor:
		return result // less than was held may have been captured
	}
	return providers.Doubt(providers.Mismatch, a.code(), fmt.Errorf("wayforpay: %s seen, %s asked for", sum, ref.Amount))
}

// standing is what status and reason code together say about a payment. It is the
// table of the notes, section 5, with the codes of section 6; whatever stands in
// neither is Unknown.
func (a answer) standing(v view) providers.Result {
	meant, result := a.onCharge(), providers.Result{Code: a.code()}
	switch {
	case a.ReasonCode == notFound: // before any status; only CHECK_STATUS can know it
		return a.unheardOf(v)
	case meant.class == undocumented:
		return providers.Doubt(providers.UnknownCode, a.code(), nil)
	}
	switch a.TransactionStatus {
	case created, inProcess, pending:
		result.Verdict, result.Reason = providers.Pending, a.waiting(v)
		return result
	case statusDeclined:
		return a.declined(v)
	case waitingComplete, approved, refunded, refundInProcessing, voided:
		if !a.completed() {
			return providers.Doubt(providers.Ambiguous, a.code(), errContradicts)
		}
	case expired:
		if meant.class != success && meant.class != declined {
			return providers.Doubt(providers.Ambiguous, a.code(), errContradicts)
		}
		result.Verdict, result.Reason = providers.Declined, providers.Expired
		return result
	case "": // an error answer that is about the call
		return providers.Doubt(meant.doubt(), a.code(), nil)
	default:
		return providers.Doubt(providers.UnknownCode, a.code(), nil)
	}
	if a.TransactionStatus == voided {
		result.Verdict, result.Reason = providers.Declined, providers.Released
		return result
	}
	return a.money(result)
}

// unheardOf reads 1127. The status that is documented beside it says Declined; one that tells
// of a payment contradicts it, and proves nothing.
func (a answer) unheardOf(v view) providers.Result {
	switch a.TransactionStatus {
	case statusDeclined, created, expired, "":
		return providers.Result{Reason: providers.Ambiguous, Absent: v.seen, Code: a.code()}
	}
	if documented(a.TransactionStatus) {
		return providers.Doubt(providers.Ambiguous, a.code(), errContradicts)
	}
	return providers.Doubt(providers.UnknownCode, a.code(), nil)
}

// money fills in a payment that is held or charged.
func (a answer) money(result providers.Result) providers.Result {
	result.Verdict = providers.Approved
	if a.TransactionStatus == waitingComplete {
		result.Verdict = providers.Held
	}
	sum, err := providers.ParseMoney(string(a.Amount), string(a.Currency))
	if err != nil {
		return providers.Doubt(providers.Unreadable, a.code(), errNoAmount)
	}
	result.Amount = sum
	if a.RefundAmount != "" {
		if result.Returned, err = providers.ParseMoney(string(a.RefundAmount), string(a.Currency)); err != nil {
			return providers.Doubt(providers.Unreadable, a.code(), errors.New("wayforpay: refundAmount cannot be read"))
		}
	}
	if a.RecToken != "" {
		result.Instrument = &providers.Token{Value: providers.NewSecret(string(a.RecToken)), Mask: string(a.CardPan), Brand: string(a.CardType)}
	}
	return result
}

// completed reports whether the code agrees with a status that speaks of money. After a
// refused or unfinished refund the code may be that of the refund.
func (a answer) completed() bool {
	if a.onCharge().class == success {
		return true
	}
	return a.onCharge().class == elsewhere &&
		slices.Contains([]class{success, refused, retryable, accepted}, a.onOperation().class)
}

// waiting says for whom or what a payment waits.
func (a answer) waiting(v view) providers.Reason {
	meant := a.onCharge().class
	switch {
	case a.ReasonCode == wantsThreeDS:
		return providers.StepUp // of a token charge nobody is there: it ends by itself
	case a.TransactionStatus == pending || a.ReasonCode == inReview:
		return providers.Review
	case !v.offer:
		return providers.Processing
	case a.TransactionStatus == created && (meant == success || meant == declined || a.ReasonCode == inProcessing):
		return providers.AwaitingPayer
	}
	return providers.PayerConfirming
}

// declined reads the status Declined, 1127 apart.
func (a answer) declined(v view) providers.Result {
	meant := a.onCharge()
	result := providers.Result{Code: a.code(), Reason: meant.reason}
	switch meant.class {
	case declined, safe, ours, safeOnceSeen:
		switch {
		case v.offer: // FAILOVER, row 11: the page lets the payer try again
			result.Verdict, result.Reason = providers.Pending, providers.AwaitingPayer
		case meant.class == declined:
			result.Verdict = providers.Declined
		case meant.class == safeOnceSeen && !v.seen:
			result.Reason = providers.Ambiguous
		default:
			result.Verdict = providers.Unserved
			if v.seen && result.Reason == providers.Misconfigured {
				result.Reason = providers.Unsupported // the question was answered, and is not to blame
			}
		}
	case success:
		return providers.Doubt(providers.Ambiguous, a.code(), errContradicts)
	}
	return result
}

// probeOrder is an order number that is never used: it has a dash, and no prefix of ours.
const probeOrder = "payrouter-probe"

// Probe asks for an order that does not exist. Being told so needs our account and our
// signature to be accepted, and moves nothing.
func (g *Gateway) Probe(ctx context.Context) providers.Result {
	said, result, ok := g.ask(ctx, g.status(probeOrder), g.config.Timeouts.Status)
	if !ok {
		return result
	}
	if meant := said.onOperation(); meant.class == ours {
		return providers.Result{Verdict: providers.Unserved, Reason: providers.Misconfigured, Code: said.code()}
	}
	// Nothing rests on the words of this answer, so an unsigned one shows life as well.
	if said.MerchantSignature != "" {
		if doubt, ok := g.vouch(said, probeOrder, eight); !ok {
			return doubt
		}
	}
	if said.ReasonCode != notFound {
		return providers.Doubt(said.onOperation().doubt(), said.code(), nil)
	}
	return providers.Result{Verdict: providers.Approved, Code: said.code()}
}
