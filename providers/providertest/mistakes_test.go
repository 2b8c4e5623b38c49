package providertest_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/providers/providertest"
	"github.com/payrouter/payrouter/providers/sim"
	"github.com/payrouter/payrouter/providers/wayforpay"
)

const (
	merchantKey = "flk3409refn54t54t*FNJRET"
	goodCard    = "1a2b3c4d-0000-4000-8000-00000000c0de"
	hardCard    = "1a2b3c4d-0000-4000-8000-000000001101"
	softCard    = "1a2b3c4d-0000-4000-8000-000000001104"
)

// account is a correct adapter with one mistake, or with none.
type account struct {
	*wayforpay.Gateway
	mistake

	mu   sync.Mutex
	last providers.Ref
}

// mistake changes what a correct adapter says or does. Nil fields change nothing.
type mistake struct {
	question string // the path of a question that must find it, for -test.run
	claims   func(*providers.Claims)
	wish     func(*providers.Charge)
	charge   func(a *account, ctx context.Context, c providers.Charge, r providers.Result) providers.Result
	lookup   func(providers.Result) providers.Result
	cancel   func(providers.Result) providers.Result
	refund   func(providers.Result) providers.Result
	settle   func(providers.Result) providers.Result
	probe    func(providers.Result) providers.Result
	hear     func(providers.Notice, providers.Heard) providers.Heard
	answer   func(*providers.Ruling)
	report   func(error) error
}

func (a *account) Claims() providers.Claims {
	c := a.Gateway.Claims()
	if a.claims != nil {
		a.claims(&c)
	}
	return c
}

func (a *account) Charge(ctx context.Context, c providers.Charge) providers.Result {
	if a.wish != nil {
		a.wish(&c)
	}
	r := a.Gateway.Charge(ctx, c)
	if a.mistake.charge != nil {
		return a.mistake.charge(a, ctx, c, r)
	}
	return r
}

func bent(change func(providers.Result) providers.Result, r providers.Result) providers.Result {
	if change == nil {
		return r
	}
	return change(r)
}

func (a *account) Lookup(ctx context.Context, ref providers.Ref) providers.Result {
	return bent(a.mistake.lookup, a.Gateway.Lookup(ctx, ref))
}

func (a *account) Cancel(ctx context.Context, ref providers.Ref) providers.Result {
	return bent(a.mistake.cancel, a.Gateway.Cancel(ctx, ref))
}

func (a *account) Refund(ctx context.Context, r providers.Refund) providers.Result {
	return bent(a.mistake.refund, a.Gateway.Refund(ctx, r))
}

func (a *account) LookupRefund(ctx context.Context, r providers.Refund) providers.Result {
	return bent(a.mistake.settle, a.Gateway.LookupRefund(ctx, r))
}

func (a *account) Probe(ctx context.Context) providers.Result {
	return bent(a.mistake.probe, a.Gateway.Probe(ctx))
}

func (a *account) Hear(n providers.Notice) providers.Heard {
	heard := a.Gateway.Hear(n)
	if a.mistake.hear != nil {
		return a.mistake.hear(n, heard)
	}
	return heard
}

func (a *account) Answer(h providers.Heard, r providers.Ruling) providers.Reply {
	if a.mistake.answer != nil {
		a.mistake.answer(&r)
	}
	return a.Gateway.Answer(h, r)
}

func (a *account) Report(ctx context.Context, w providers.Window, line func(providers.StatementLine) error) error {
	err := a.Gateway.Report(ctx, w, line)
	if a.mistake.report != nil {
		return a.mistake.report(err)
	}
	return err
}

// when bends Results with a reason into something else.
func when(reason providers.Reason, into providers.Result) func(providers.Result) providers.Result {
	return func(r providers.Result) providers.Result {
		if r.Verdict == providers.Unknown && r.Reason == reason {
			return into
		}
		return r
	}
}

func onCharge(change func(providers.Result) providers.Result) func(*account, context.Context, providers.Charge, providers.Result) providers.Result {
	return func(_ *account, _ context.Context, _ providers.Charge, r providers.Result) providers.Result {
		return change(r)
	}
}

var (
	unsent   = providers.Unsent(nil)
	declined = providers.Result{Verdict: providers.Declined, Reason: providers.DeclinedSoft}
	approved = providers.Result{Verdict: providers.Approved}
)

// mistakes are known ways to lose money, promises or secrets. Each names a question that
// must find it.
var mistakes = map[string]mistake{
	"none": {},
	"a time-out is taken for not sent": {question: "charge_by_instrument$/silence_is_doubt",
		charge: onCharge(when(providers.Timeout, unsent))},
	"a lost connection is taken for not sent": {question: "charge_by_link$/a_connection_that_breaks_is_doubt",
		charge: onCharge(when(providers.Broken, unsent))},
	"a server error is taken for a decline": {question: "charge_by_instrument$/HTTP_500_after_the_bank_acted",
		charge: onCharge(when(providers.ServerError, declined))},
	"an unknown status is taken for a decline": {question: "charge_by_instrument$/a_status_that_nobody_knows",
		charge: onCharge(when(providers.UnknownCode, declined))},
	"a signature is not checked": {question: "charge_by_instrument$/an_answer_with_a_bad_signature",
		charge: onCharge(when(providers.BadSignature, approved))},
	"another's answer is believed": {question: "charge_by_instrument$/an_answer_about_something_else",
		charge: onCharge(when(providers.Mismatch, approved))},
	"an unreadable answer is a refusal": {question: "charge_by_instrument$/an_answer_that_says_nothing",
		charge: onCharge(when(providers.Unreadable, declined))},
	"a damaged answer is a refusal": {question: "charge_by_instrument$/a_true_answer_with_one_thing_damaged",
		charge: onCharge(when(providers.BadSignature, declined))},
	"a broken charge is sent again": {question: "charge_by_instrument$/a_connection_that_breaks_is_doubt",
		charge: func(a *account, ctx context.Context, c providers.Charge, r providers.Result) providers.Result {
			if r.Reason == providers.Broken {
				return a.Gateway.Charge(ctx, c)
			}
			return r
		}},
	"a caller's haste ends a charge": {question: "charge_by_instrument$/a_caller_who_gives_up_after_sending",
		charge: func(_ *account, ctx context.Context, _ providers.Charge, r providers.Result) providers.Result {
			if ctx.Err() != nil {
				return providers.Unsent(ctx.Err())
			}
			return r
		}},
	"amounts pass through floating point": {question: "charge_by_link$/is_done_once_as_asked",
		wish: func(c *providers.Charge) { c.Ref.Amount.Minor = int64(float32(c.Ref.Amount.Minor)*100.1) / 100 }},
	"a payment's end is not told to the bank": {question: "offer_by_link$/it_never_outlives_the_payment$",
		wish: func(c *providers.Charge) { c.Expires = time.Time{} }},
	"the payer's address is handed on": {question: "offer_by_link$/the_provider_learns_nothing",
		wish: func(c *providers.Charge) { c.Description = c.Payer.Email }},
	"an offer is said to end too early": {question: "offer_by_link$/it_says_what_to_do",
		charge: onCharge(func(r providers.Result) providers.Result { r.Until = r.Until.Add(-time.Second); return r })},
	"callers share a reference": {question: "a_crowd_by_instrument$/64_callers",
		charge: func(a *account, ctx context.Context, c providers.Charge, r providers.Result) providers.Result {
			a.mu.Lock()
			defer a.mu.Unlock()
			if a.last.Order != "" && r.Verdict == providers.Approved {
				return a.Gateway.Lookup(ctx, a.last)
			}
			a.last = c.Ref
			return r
		}},
	"the merchant's key is logged": {question: "charge_by_instrument$/silence_is_doubt",
		charge: onCharge(func(r providers.Result) providers.Result { r.Err = fmt.Errorf("signed with %s", merchantKey); return r })},
	"the payer's phone is kept": {question: "charge_by_instrument$/is_done_once_as_asked",
		charge: func(_ *account, _ context.Context, c providers.Charge, r providers.Result) providers.Result {
			r.Code = c.Payer.Phone
			return r
		}},
	"the first not found is trusted": {question: "look-up_of_instrument$/not_found_closes_nothing",
		lookup: func(r providers.Result) providers.Result {
			if r.Absent {
				return declined
			}
			return r
		}},
	"a failed look-up is an absence": {question: "look-up_of_instrument$/when_it_is_paid,_silence_is_doubt",
		lookup: func(r providers.Result) providers.Result { r.Absent = r.Verdict == providers.Unknown; return r }},
	"a decline on a page is final": {question: "offer_by_link$/a_decline_is_final",
		lookup: func(r providers.Result) providers.Result {
			if r.Reason == providers.AwaitingPayer && r.Code != "Created 1131" {
				return declined
			}
			return r
		}},
	"a void of nothing is a proof": {question: "withdrawal_by_link$/of_something_that_never_was",
		cancel: func(r providers.Result) providers.Result {
			if r.Reason == providers.NotFound {
				return approved
			}
			return r
		}},
	"a lost withdrawal is a withdrawal": {question: "withdrawal_of_link$/a_connection_that_breaks_is_doubt",
		cancel: when(providers.Broken, approved)},
	"what is withdrawn is not claimed": {question: "withdrawal_by_link$/nothing_is_withdrawn",
		claims: func(c *providers.Claims) { c.Methods[1].Withdraw = providers.NoWithdrawal }},
	"a lost refund is a refund": {question: "refund_of_instrument$/a_connection_that_breaks_is_doubt",
		refund: when(providers.Broken, approved)},
	"a refund that was made is absent": {question: "refunds_by_instrument$/the_whole_goes_back_once",
		settle: func(r providers.Result) providers.Result {
			if r.Verdict == providers.Approved {
				return providers.Result{Absent: true}
			}
			return r
		}},
	"limits are claimed too short": {question: "void_of_instrument$/it_keeps_its_limit",
		claims: func(c *providers.Claims) { c.Timeouts.Refund = c.Timeouts.Status }},
	"a charge is claimed to be idempotent": {question: "repeats$/a_repeated_charge",
		claims: func(c *providers.Claims) {
			c.Idempotent = []providers.IdempotentClaim{{Operation: "charge", Window: time.Minute}}
		}},
	"absences are believed at once": {question: "claims$/are_those_of_one_method",
		claims: func(c *providers.Claims) { c.Methods[3].Absent.After = 0 }},
	"facts are claimed to be hints": {question: "notice_of_instrument$/a_genuine_one",
		claims: func(c *providers.Claims) { c.Webhook = providers.HintOnly }},
	"a forged notice is a fact": {question: "notice_of_instrument$/a_forged_one",
		hear: func(_ providers.Notice, h providers.Heard) providers.Heard {
			if h.Forged {
				h.Kind, h.Forged, h.Result = providers.Fact, false, approved
			}
			return h
		}},
	"a notice's amount is not under the signature": {question: "forgeries$/no_changed_byte",
		hear: func(n providers.Notice, h providers.Heard) providers.Heard {
			if h.Forged && bytes.Contains(n.Body, []byte(`"amount":15490.3`)) {
				return providers.Heard{Kind: providers.Fact, Ref: providers.Ref{Order: "x"}, Result: approved}
			}
			return h
		}},
	"a strange notice panics": {question: "strange_notices$",
		hear: func(n providers.Notice, h providers.Heard) providers.Heard {
			if bytes.HasPrefix(n.Body, []byte("[")) {
				panic("a list")
			}
			return h
		}},
	"what is not stored is acknowledged": {question: "notice_of_instrument$/one_that_was_not_stored",
		answer: func(r *providers.Ruling) {
			if r.Kind == providers.TryLater {
				r.Kind = providers.Accepted
			}
		}},
	"a dead gateway looks alive": {question: "probe$/no_life_is_seen",
		probe: func(providers.Result) providers.Result { return approved }},
	"a broken statement is whole": {question: "statement$/it_is_not_taken_for_whole",
		report: func(err error) error {
			if errors.Is(err, context.Canceled) {
				return err
			}
			return nil
		}},
}

// with is the subject with one mistake in it.
func with(m mistake) providertest.Subject {
	token := func(value string) providers.Token { return providers.Token{Value: providers.NewSecret(value)} }
	return providertest.Subject{
		Gateway: "planted",
		Bank: func(providers.Method) sim.Face {
			return sim.WayForPay(sim.WayForPayOptions{Tokens: []sim.WayForPayToken{
				{Token: goodCard}, {Token: hardCard, Declines: 1101}, {Token: softCard, Declines: 1104}}})
		},
		New: func(dial providertest.Dial) (providers.Provider, error) {
			g, err := wayforpay.New(wayforpay.Config{APIBaseURL: "http://127.0.0.1:1", MerchantAccount: "test_merch_n1",
				MerchantSecret: providers.NewSecret(merchantKey), MerchantDomain: "shop.example.kz"}, wayforpay.Options{Dial: dial})
			return &account{Gateway: g, mistake: m}, err
		},
		Only:    []providers.Method{providers.Link, providers.Instrument},
		Secrets: []string{merchantKey, goodCard, hardCard, softCard},
		Card:    token(goodCard), Hard: token(hardCard), Soft: token(softCard), Customer: "c-88",
	}
}
