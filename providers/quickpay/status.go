package quickpay

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/payrouter/payrouter/providers"
)

var (
	errNoName      = providers.HeldBack(errors.New("quickpay: no order number to ask by")).Err
	errOther       = errors.New("quickpay: the answer is about another payment or account")
	errOperations  = errors.New("quickpay: the operations cannot be read")
	errContradicts = errors.New("quickpay: the payment contradicts itself")
	errUnfinished  = errors.New("quickpay: a capture or a cancel is not decided")
	errNoEnd       = errors.New("quickpay: the link is alive, and its deadline_at cannot be read")
	errTest        = errors.New("quickpay: test_mode is not as configured")
)

// Lookup asks by QuickPay's id, or by our order number where the id was lost. A payment
// without any operation that nobody can pay is Absent: it was made, and nothing else.
func (g *Gateway) Lookup(ctx context.Context, ref providers.Ref) providers.Result {
	_, result := g.look(ctx, ref, g.config.Timeouts.Status)
	return result
}

// look also returns the payment, for those who need more of it than the Result. It has an
// id where one was found.
func (g *Gateway) look(ctx context.Context, ref providers.Ref, limit time.Duration) (payment, providers.Result) {
	p, no := g.fetch(ctx, ref, limit)
	if no != nil {
		return payment{}, *no
	}
	result := p.about(ref, g.view(ref, true))
	result.External = string(p.ID)
	return p, result
}

// fetch finds the payment of a reference and vouches for it.
func (g *Gateway) fetch(ctx context.Context, ref providers.Ref, limit time.Duration) (payment, *providers.Result) {
	doubt := func(reason providers.Reason, err error) (payment, *providers.Result) {
		r := providers.Doubt(reason, "", err)
		return payment{}, &r
	}
	known := literal(ref.External).isID()
	path := "/payments/" + ref.External
	switch {
	case !orderly(ref.Order):
		return doubt(providers.NotSent, errNoName)
	case !known:
		path = "/payments?order_id=" + url.QueryEscape(ref.Order)
	}
	body, no := g.send(ctx, call{method: http.MethodGet, path: path, limit: limit})
	if no != nil {
		return payment{}, no.onLook()
	}
	if known {
		p, err := readPayment(body)
		if err != nil {
			return doubt(providers.Unreadable, err)
		}
		return g.vouch(p, ref)
	}
	all, err := readPayments(body)
	switch {
	case err != nil:
		return doubt(providers.Unreadable, err)
	case len(all) == 0:
		return payment{}, &providers.Result{Reason: providers.Ambiguous, Absent: true}
	case len(all) > 1: // order_id is unique
		return doubt(providers.Mismatch, errOther)
	}
	return g.vouch(all[0], ref)
}

// onLook is what a refusal says of a question: nothing about the payment.
func (r *refusal) onLook() *providers.Result {
	result := r.result
	result.Verdict = providers.Unknown
	if result.Reason == providers.NotFound {
		result.Reason = providers.Ambiguous // an id that we were told cannot be absent
	}
	return &result
}

// vouch checks that a payment is the one that ref means.
func (g *Gateway) vouch(p payment, ref providers.Ref) (payment, *providers.Result) {
	switch {
	case !p.ID.isID(), ref.External != "" && string(p.ID) != ref.External, string(p.OrderID) != ref.Order, !g.mine(p),
		string(p.Currency) != ref.Amount.Currency:
		r := providers.Doubt(providers.Mismatch, "", errOther)
		return payment{}, &r
	}
	return p, nil
}

// mine reports whether the object is a payment of this account.
func (g *Gateway) mine(p payment) bool { return p.Type == "Payment" && g.account(p.MerchantID) }

// account reports whether the number is that of this account, where it is configured.
func (g *Gateway) account(merchant literal) bool {
	return g.config.MerchantID == 0 || string(merchant) == strconv.FormatInt(g.config.MerchantID, 10)
}

// view says how a payment is to be read.
type view struct {
	offer bool // it has, or had, a link: a payer whose card was declined may try again
	seen  bool // from a look, after which nothing is on its way
	test  bool // only payments with test cards count
}

func (g *Gateway) view(ref providers.Ref, seen bool) view {
	return view{offer: ref.Method != providers.Instrument, seen: seen, test: g.config.TestMode}
}

// about reads a payment that ref asked for. It is the table of the notes, section 5;
// whatever does not fit is Unknown. A ref without an amount compares none.
func (p payment) about(ref providers.Ref, v view) providers.Result {
	t := p.count()
	doubt := func(reason providers.Reason, err error) providers.Result {
		return providers.Doubt(reason, p.code(), err)
	}
	acts := t.captured != 0 || t.refunded != 0 || t.canceled
	switch {
	case t.unreadable:
		return doubt(providers.Unreadable, errOperations)
	case t.strange:
		return doubt(providers.UnknownCode, nil)
	case !documented(p.State):
		return doubt(providers.UnknownCode, nil)
	case p.Accepted == nil, !*p.Accepted && t.held, *p.Accepted && !t.held && t.sessions == 0, !t.held && acts:
		// accepted stays true after a cancel and a refund; whether a session makes it so is not documented
		return doubt(providers.Ambiguous, errContradicts)
	case t.held:
		return p.moved(t, ref, v)
	}
	return p.unpaid(t, ref, v)
}

// documented reports whether the state stands in the notes, section 5. Nothing else is
// read in it but that something is pending.
func documented(state literal) bool {
	switch state {
	case "initial", "pending", "new", "rejected", "processed":
		return true
	}
	return false
}

// moved reads a payment whose authorize was approved.
func (p payment) moved(t tally, ref providers.Ref, v view) providers.Result {
	doubt := func(reason providers.Reason, err error) providers.Result {
		return providers.Doubt(reason, p.code(), err)
	}
	blind := ref.Amount.Currency == ""
	_, known := providers.Exponent(string(p.Currency))
	if !known || t.authorized <= 0 || !blind && t.authorized != ref.Amount.Minor {
		return doubt(providers.Mismatch, fmt.Errorf("quickpay: %s authorised, %s asked for", p.sum(t.authorized), ref.Amount))
	}
	balance, told := p.Balance.whole()
	unclear := cmp.Or(t.doubt[inCapture], t.doubt[inVoid])
	switch {
	case p.TestMode == nil || !told:
		return doubt(providers.Unreadable, errContradicts)
	case *p.TestMode != v.test:
		return doubt(providers.Mismatch, errTest)
	case t.operating, p.State == "pending" && !t.refunds:
		return doubt(providers.Ambiguous, errUnfinished)
	case balance != t.captured-t.refunded, t.refunded > t.captured, t.canceled && t.captured > 0:
		return doubt(providers.Ambiguous, errContradicts)
	case unclear.reason != "" && t.captured < t.authorized:
		return providers.Doubt(unclear.reason, shown(unclear.code), errUnfinished)
	case t.captured == 0 && (t.canceled || t.lapsed) && (t.authorizing || t.doubt[inAuthorize].reason != ""):
		return doubt(providers.Ambiguous, errContradicts) // the hold is gone, and another may be coming
	case t.captured == 0 && (t.canceled || t.lapsed):
		return providers.Result{Verdict: providers.Declined, Reason: providers.Released, Code: p.code()}
	case t.captured == 0 && !blind && !ref.TwoStage && !t.refused: // QuickPay is about to capture it
		return providers.Result{Verdict: providers.Pending, Reason: providers.Processing, Code: p.code()}
	case t.captured == 0:
		return providers.Result{Verdict: providers.Held, Amount: p.sum(t.authorized), Movement: p.operation(t.authorizer), Code: p.code()}
	case t.captured > t.authorized, !blind && !ref.TwoStage && t.captured != t.authorized:
		return doubt(providers.Mismatch, fmt.Errorf("quickpay: %s captured, %s authorised", p.sum(t.captured), p.sum(t.authorized)))
	}
	return providers.Result{Verdict: providers.Approved, Amount: p.sum(t.captured), Returned: p.sum(t.refunded), Movement: p.operation(t.authorizer), Code: p.code()}
}

// operation names one of the payment's operations among all of the account's.
func (p payment) operation(id literal) string { return string(p.ID) + "-" + shown(id) }

// unpaid reads a payment of which no authorize was approved.
func (p payment) unpaid(t tally, ref providers.Ref, v view) providers.Result {
	result := providers.Result{Verdict: providers.Pending, Reason: providers.AwaitingPayer, Code: p.code()}
	blind := ref.Amount.Currency == ""
	switch {
	case t.authorizing, t.operating, t.refunds, p.State == "pending":
		result.Reason = providers.Processing
		if v.offer {
			result.Reason = providers.PayerConfirming
		}
		return result
	case t.doubt[inAuthorize].reason != "":
		return providers.Doubt(t.doubt[inAuthorize].reason, shown(t.doubt[inAuthorize].code), nil)
	case t.doubt != [4]doubtful{}, p.Balance != "0" && p.Balance != "":
		return providers.Doubt(providers.Ambiguous, p.code(), errContradicts)
	case p.Link != nil && p.Link.Amount == "":
		return providers.Doubt(providers.Unreadable, p.code(), errors.New("quickpay: the link names no amount"))
	case p.Link != nil && !blind && string(p.Link.Amount) != strconv.FormatInt(ref.Amount.Minor, 10):
		return providers.Doubt(providers.Mismatch, p.code(), errors.New("quickpay: the link is for another amount"))
	case p.Link != nil && !v.offer: // somebody made a link for a card's payment: it can be paid
		result.Reason = providers.Processing
		return result
	case p.Link != nil:
		return p.alive(result)
	case len(*p.Operations) == 0 && p.State == "initial" && v.seen:
		return providers.Result{Reason: providers.Ambiguous, Absent: true, Code: p.code()}
	case t.tries == 0 && v.offer && t.sessions > 0 && t.sessions == len(*p.Operations):
		return result // somebody came by the link, which is gone, and tried nothing
	case t.tries == 0:
		return providers.Doubt(providers.Ambiguous, p.code(), errContradicts)
	case *p.Accepted && !v.offer:
		return providers.Doubt(providers.Ambiguous, p.code(), errContradicts)
	case v.offer: // the link is gone, and a window may still be open
		return result
	}
	return p.failed(t, v)
}

// alive reads a link that can be paid: whatever was declined, the payer may try again
// (FAILOVER, row 11). It lives until the end that QuickPay shows, which need not be the one
// that was asked for; without any it may live for ever.
func (p payment) alive(result providers.Result) providers.Result {
	end, told := p.DeadlineAt.instant()
	if !told {
		return providers.Doubt(providers.Ambiguous, p.code(), errNoEnd)
	}
	result.Until = end
	return result
}

// failed reads the last try where nobody can try again.
func (p payment) failed(t tally, v view) providers.Result {
	meant, result := t.last.meaning(), providers.Result{Code: p.code()}
	result.Reason = meant.reason
	switch {
	case meant.class == declined:
		result.Verdict = providers.Declined
	case meant.class == safe && !v.seen:
		result.Reason = providers.Ambiguous
	default:
		result.Verdict = providers.Unserved
	}
	return result
}

// code is QuickPay's words for people: "processed 20000".
func (p payment) code() string {
	code := shown(p.State)
	if p.Operations != nil && len(*p.Operations) > 0 {
		all := *p.Operations
		if last := all[len(all)-1]; last.Code != "" {
			code += " " + shown(last.Code)
		}
	}
	return code
}
