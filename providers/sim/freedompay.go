package sim

import (
	"cmp"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"
)

// The merchant of the notes' computed vectors (section 11), which exists nowhere else.
const (
	FreedomPayDefaultMerchant = "541027"
	FreedomPayDefaultSecret   = "k7mQ2wXr9TzB4nVd"
)

// FreedomPayOptions are the settings of the Freedom Pay face. The zero value is the merchant of the notes' vectors, whose
// payments are real ones, in tenge.
type FreedomPayOptions struct {
	MerchantID string   // pg_merchant_id, digits; empty is FreedomPayDefaultMerchant
	Secret     string   // the secret of every signature; empty is FreedomPayDefaultSecret
	TestMode   bool     // the shop has test status: every payment is a test, whatever pg_testing_mode says (section 2)
	Currencies []string // the merchant's currencies, ISO 4217 letters, the first being the default; empty is KZT
	PageURL    string   // where the hosted pages are, without a slash at the end; empty is where the request came to
	// The addresses of the cabinet, for payments that bring none of their own (section 7). Empty is none.
	CheckURL, ResultURL, RefundURL, CaptureURL string
	Tokens                                     []FreedomPayToken  // cards that were saved earlier
	Switches                                   FreedomPaySwitches // where the documents leave a choice
}

// FreedomPayToken is a saved card: what card/init finds behind pg_card_token.
type FreedomPayToken struct {
	Token    string // pg_card_token
	UserID   string // pg_user_id of its owner; only together do they pay
	CardPan  string // masked as Freedom Pay does it; empty is 4400-43XX-XXXX-1234
	Declines string // pg_failure_code that every payment with this card ends with; empty pays
	Profile  string // pg_recurring_profile that names the same card in make_recurring_payment; empty is none
}

// FreedomPaySwitches choose among the behaviours that the documents leave open. The zero value is what the notes call the
// default; GET and PUT /freedompay/switches on the control surface read and replace them while the bank runs.
type FreedomPaySwitches struct {
	// StatusLag is how long after a capture or a refund the status still says what it said before. Zero is 2 s, negative is not
	// at all (sections 4.3, 12).
	StatusLag Duration `json:"status_lag"`
	// HiddenFor is how long a new payment is not found by status calls (section 12).
	HiddenFor Duration `json:"hidden_for"`
	// ZeroID answers a status call about what is not found with ok and pg_payment_id 0 instead of an error. With HiddenFor of
	// a minute it is the official note of section 4.3.
	ZeroID bool `json:"zero_id"`
	// LegacyNotFound is code 340 instead of 11068 for what is not found (section 4.3).
	LegacyNotFound bool `json:"legacy_not_found"`
	// UniqueOrders refuses a second init of one pg_order_id with 9991, instead of making another payment (section 8).
	UniqueOrders bool `json:"unique_orders"`
	// IgnoreKeys ignores pg_idempotency_key, instead of repeating the first answer (section 8).
	IgnoreKeys bool `json:"ignore_keys"`
	// SoftUnauthorized answers a bad signature with HTTP 200 and 9998, instead of HTTP 401 and 1100 (section 12).
	SoftUnauthorized bool `json:"soft_unauthorized"`
	// EmptyScript signs the answers of card/init, card/direct and card/pay with an empty script name (section 3).
	EmptyScript bool `json:"empty_script"`
	// WrongStatus is EX-1001: card/direct does its work and answers error 120, and the result callback comes a minute later.
	WrongStatus bool `json:"wrong_status"`
	// DirectPends is how long card/direct and make_recurring_payment stay in process after their answer. Zero is final at once.
	DirectPends Duration `json:"direct_pends"`
	// BareErrors answers a declined card/direct with pg_status error and pg_error_code alone, instead of ok with
	// pg_payment_status error and pg_failure_code; the documents do not say which it is.
	BareErrors bool `json:"bare_errors"`
	// RetryAfterDecline keeps a page payable after a decline: error, then perhaps success, until its lifetime is over
	// (section 10).
	RetryAfterDecline bool `json:"retry_after_decline"`
	// RefundsTake makes refunds wait: pg_refund_status pending, and so much later they are paid out (section 4.6).
	RefundsTake Duration `json:"refunds_take"`
	// RefundedIsSuccess keeps the word success after a full refund, instead of refunded (section 12).
	RefundedIsSuccess bool `json:"refunded_is_success"`
	// ResultAfterRefund holds a success callback back until a refund callback is out, at most for ten minutes (section 12).
	ResultAfterRefund bool `json:"result_after_refund"`
	// TellIncomplete sends a result callback with pg_result 2 when a lifetime ends without a payment (section 7, one client).
	TellIncomplete bool `json:"tell_incomplete"`
	// NeverRejectable sends pg_can_reject 0 with the first delivery, too.
	NeverRejectable bool `json:"never_rejectable"`
	// ShortAmounts writes amounts as 100 and 100.5 instead of 100.00 and 100.50 (section 10).
	ShortAmounts bool `json:"short_amounts"`
	// StatusWord, if not empty, stands instead of every pg_payment_status: a word that no document knows (section 12).
	StatusWord string `json:"status_word"`
	// DeclineCode is pg_failure_code of a payer's decline; empty is 10009, not enough money.
	DeclineCode string `json:"decline_code"`
	// LateSuccess lets the act pay-late take money after the lifetime, which breaks the gateway's own promise.
	LateSuccess bool `json:"late_success"`
}

// validate says what a switch cannot be.
func (sw FreedomPaySwitches) validate() error {
	if sw.HiddenFor < 0 || sw.DirectPends < 0 || sw.RefundsTake < 0 {
		return errors.New("hidden_for, direct_pends and refunds_take may not be negative")
	}
	if sw.DeclineCode != "" && !isDigits(sw.DeclineCode) {
		return errors.New("decline_code is a number such as 10009")
	}
	return nil
}

// lag is StatusLag as it counts.
func (sw FreedomPaySwitches) lag() time.Duration {
	if sw.StatusLag == 0 {
		return 2 * time.Second
	}
	return max(time.Duration(sw.StatusLag), 0)
}

// freedompay is the face. Bank.mu guards everything that changes.
//
//	new --scan--> process --pay--> success, captured 1 --refunds--> refunded
//	 |               |    '------> success, captured 0 --capture, 5 days--> success, captured 1
//	 |               |                    '--cancel--> revoked
//	 |               '--decline--> error
//	 '--lifetime over--> incomplete
type freedompay struct {
	opt      FreedomPayOptions
	b        *Bank
	sw       FreedomPaySwitches
	payments []*fpPayment        // oldest first
	cards    []*fpCard           // saved ones
	profiles map[string]*fpCard  // by pg_recurring_profile
	pages    map[string]*fpPage  // by the customer parameter of their address
	kept     map[string]*fpReuse // by pg_idempotency_key
}

// FreedomPay makes the face that speaks Freedom Pay's protocol: the Merchant API (init_payment.php and its kin), saved cards
// under /v1/merchant, the status, clearing, cancel and refund calls of /g2g, and the payer's pages at /pay.html. One listener
// stands for the API's and the pages' hosts. Its name is "freedompay".
//
// Besides the acts that every face knows, payers can scan (stand before the card form: process) and confirm. What is paid
// cannot be paid again. A payment begun by card/init is the merchant's to finish: it is unseen until card/direct or card/pay.
// Check callbacks, and callbacks that are wanted by GET, stand among the deliveries and heed no NoticeRule.
func FreedomPay(opt FreedomPayOptions) Face {
	opt.MerchantID = cmp.Or(opt.MerchantID, FreedomPayDefaultMerchant)
	opt.Secret = cmp.Or(opt.Secret, FreedomPayDefaultSecret)
	opt.PageURL = strings.TrimSuffix(opt.PageURL, "/")
	opt.Currencies = slices.Clone(opt.Currencies)
	if len(opt.Currencies) == 0 {
		opt.Currencies = []string{"KZT"}
	}
	f := &freedompay{
		opt: opt, sw: opt.Switches, profiles: map[string]*fpCard{}, pages: map[string]*fpPage{}, kept: map[string]*fpReuse{},
	}
	for _, t := range opt.Tokens {
		card := &fpCard{token: t.Token, user: t.UserID, pan: cmp.Or(t.CardPan, fpUsualPan), brand: fpUsualBrand, declines: t.Declines}
		f.cards = append(f.cards, card)
		if t.Profile != "" {
			f.profiles[t.Profile] = card
		}
	}
	return f
}

func (f *freedompay) Name() string { return "freedompay" }

func (f *freedompay) attach(b *Bank) { f.b = b }

func (f *freedompay) routes() map[string]http.HandlerFunc {
	return map[string]http.HandlerFunc{
		"GET /freedompay/switches": func(rw http.ResponseWriter, _ *http.Request) {
			f.b.mu.Lock()
			sw := f.sw
			f.b.mu.Unlock()
			writeJSON(rw, http.StatusOK, sw)
		},
		"PUT /freedompay/switches": func(rw http.ResponseWriter, r *http.Request) {
			var sw FreedomPaySwitches
			err := readJSON(r, &sw)
			if err == nil {
				err = sw.validate()
			}
			if err != nil {
				badRequest(rw, err)
				return
			}
			f.b.mu.Lock()
			f.sw = sw
			f.b.mu.Unlock()
			writeJSON(rw, http.StatusOK, sw)
		},
	}
}
