package sim

import (
	"cmp"
	"crypto/rsa"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// The shop of the published golden vectors (notes, section 11).
const (
	robokassaShop      = "sim-shop"
	robokassaPassword1 = "sim-pass-1"
	robokassaPassword2 = "sim-pass-2"
	robokassaPassword3 = "sim-pass-3"
)

const (
	robokassaHoldLife    = 7 * 24 * time.Hour // the longest life of a hold (section 1)
	robokassaInvoiceLife = 24 * time.Hour     // of an invoice's link; ours, nothing is documented
	robokassaSession     = 15 * time.Minute   // how long a payer may stay on a page that was deactivated under them; ours
)

// RobokassaOptions are the settings of the Robokassa face. The zero value is the shop of the golden vectors, which signs with
// MD5, takes tenge, and tells nobody about its payments.
type RobokassaOptions struct {
	Shop      string // MerchantLogin; empty is sim-shop
	Password1 string // start, recurring, holds, invoices, SuccessURL; empty is sim-pass-1
	Password2 string // ResultURL and OpStateExt; empty is sim-pass-2
	Password3 string // refunds; empty is sim-pass-3
	// TestPassword1 and TestPassword2 are the separate pair of IsTest=1. Empty: test payments are refused with error 23.
	TestPassword1, TestPassword2 string
	// Hash is the shop's algorithm: md5, ripemd160, sha1, sha256, sha384 or sha512. Empty is md5.
	Hash string
	// ResultURL is where the cabinet says that successes are told. Empty: nowhere.
	ResultURL string
	// ResultMethod is how: POST or GET. Empty is POST.
	ResultMethod string
	// SuccessURL and FailURL are where the cabinet says that browsers go afterwards. Empty: they stay.
	SuccessURL, FailURL string
	Currency            string // of OutSum, ISO 4217 letters; empty is KZT
	// Key signs the messages to ResultUrl2. Nil is RobokassaKey, the same in every process.
	Key *rsa.PrivateKey
	// PageURL is where links point, without a slash at the end; empty is where the request came to.
	PageURL string
	// Tokens are first payments of long ago, which /Merchant/Recurring may name. Payments made with Recurring=true join them.
	Tokens   []RobokassaToken
	Switches RobokassaSwitches // where the documents leave a choice, or say nothing
}

// RobokassaToken is a first payment that allows further ones.
type RobokassaToken struct {
	InvoiceID string // the PreviousInvoiceID of the charges
	Account   string // the masked card; empty is 440043******1234
	// Declines makes every charge end without money: it is accepted with OK, and then its state is 10.
	Declines bool
	// Refusal is the text that answers every charge in place of OK; nothing comes into being. Empty accepts.
	Refusal string
}

// RobokassaSwitches choose among the behaviours that Robokassa's documents leave open. All are off at first;
// GET and PUT /robokassa/switches on the control surface read and replace them while the bank runs.
type RobokassaSwitches struct {
	// Kazakhstan takes the refund and the invoice services away, as in the .kz documentation: HTTP 404 (notes, section 2).
	Kazakhstan bool `json:"kazakhstan"`
	// NoHolds and NoRecurring are a shop without these agreements: errors 64 and 34.
	NoHolds     bool `json:"no_holds"`
	NoRecurring bool `json:"no_recurring"`

	// Credit is how long money that was received stays in state 50. Zero goes to 100 at once. ResultURL comes with the money.
	Credit Duration `json:"credit"`
	// Review is how long every payment stands in state 80 before it is taken or held; a decline meanwhile ends it. Zero is no review.
	Review Duration `json:"review"`
	// RecurringTakes is how long an accepted recurring charge stays in state 5. Zero charges at once.
	RecurringTakes Duration `json:"recurring_takes"`
	// FinishLate lets a payer who opened the page before ExpirationDate pay for so long after it.
	FinishLate Duration `json:"finish_late"`
	// DeclineIs10 shows a declined card as state 10, with the bank's number of it, while the page can be opened again: what a decline
	// shows is not documented, and an unpaid number may be opened again (section 8).
	DeclineIs10 bool `json:"decline_is_10"`
	// StateLags is for how long OpStateExt does not know yet that a payer has opened the page.
	StateLags Duration `json:"state_lags"`
	// LateSuccess lets the act pay-late turn state 10, or an address that expired unopened, into 100: support may do so (section 5).
	LateSuccess bool `json:"late_success"`
	// HoldLife is how long a hold lives before it is released; 0 is 7 days.
	HoldLife Duration `json:"hold_life"`
	// InvoiceLife is how long the link of CreateInvoice can be paid; 0 is 24 h. Nothing is documented but the word Expired.
	InvoiceLife Duration `json:"invoice_life"`
	// InvoiceObeysExpirationDate makes CreateInvoice understand ExpirationDate, which is documented for Index.aspx only.
	InvoiceObeysExpirationDate bool `json:"invoice_obeys_expiration_date"`

	// StateShowsHold goes on naming what was held in OpStateExt once a part of it was captured. Which of the two sums stands there
	// is not documented; ResultURL names what was captured (section 4.3).
	StateShowsHold bool `json:"state_shows_hold"`
	// HoldAnswer is how Confirm and Cancel spell success: "" is {success:true}, "space" is {success: true}, "json" is
	// {"success":true} (section 4.3).
	HoldAnswer string `json:"hold_answer"`
	// RefundBody is the only form in which Refund/Create takes its token: "jwt" (raw, application/jwt) or "json" (a JSON string,
	// application/json). Empty takes both (section 4.5).
	RefundBody string `json:"refund_body"`
	// RefundsTake is how long a refund is "processing". Zero finishes it at once.
	RefundsTake Duration `json:"refunds_take"`
	// RefundsCancelled ends every refund with "canceled" and without money, after RefundsTake.
	RefundsCancelled bool `json:"refunds_cancelled"`
	// NoFunds refuses every refund with NotEnoughOperationFunds.
	NoFunds bool `json:"no_funds"`
	// PartialRefundIs60 shows state 60 from the first partial refund on, not only once everything went back (section 5).
	PartialRefundIs60 bool `json:"partial_refund_is_60"`

	// ShortSums writes the sums of ResultURL as 1500.50, not 1500.500000.
	ShortSums bool `json:"short_sums"`
	// OldNames adds out_summ, inv_id and crc to ResultURL (section 7.1).
	OldNames bool `json:"old_names"`
	// PayerPaysFee makes IncSum, what the payer paid, the amount plus the fee; OutSum stays ours.
	PayerPaysFee bool `json:"payer_pays_fee"`
	// OtherXML leaves the namespace out of OpStateExt and reverses the order of its elements (section 4.2).
	OtherXML bool `json:"other_xml"`
	// QuotedJWS wraps the body of ResultUrl2 in quotes (section 7.2).
	QuotedJWS bool `json:"quoted_jws"`
	// NumericJWS writes timestamp, invId and incSum of ResultUrl2 as numbers, not as text.
	NumericJWS bool `json:"numeric_jws"`
}

// validate says which switch makes no sense.
func (sw RobokassaSwitches) validate() error {
	for _, d := range []Duration{
		sw.Credit, sw.Review, sw.RecurringTakes, sw.FinishLate, sw.HoldLife, sw.InvoiceLife, sw.RefundsTake, sw.StateLags,
	} {
		if d < 0 {
			return errors.New("no duration may be negative")
		}
	}
	switch {
	case !slices.Contains([]string{"", "space", "json"}, sw.HoldAnswer):
		return fmt.Errorf(`hold_answer is "", "space" or "json", not %q`, sw.HoldAnswer)
	case !slices.Contains([]string{"", "jwt", "json"}, sw.RefundBody):
		return fmt.Errorf(`refund_body is "", "jwt" or "json", not %q`, sw.RefundBody)
	}
	return nil
}

// Robokassa makes the face that speaks Robokassa's protocol: the payment pages, Indexjson.aspx, recurring charges, Confirm and
// Cancel, the XML services, refunds and invoices. One listener stands for all of Robokassa's hosts. Its name is "robokassa".
//
// A merchant composes the address of Index.aspx alone, and the bank first hears of it when a payer comes. So that the ledger
// knows every offer and a [PayerRule] can move its payer, whoever shows such an address must tell the bank: the face has a method
// Open(address string) error, and the control surface has POST /robokassa/open {"url":"…"}. The offer is in the ledger from
// then on, alive until its ExpirationDate; its status is "unopened", and OpStateExt still answers 3, until its payer acts.
// A browser that opens the address on the listener does the same, and goes on to state 5.
// What the page would refuse is an error of Open. The addresses of Indexjson.aspx and CreateInvoice need none of this.
//
// The reference is InvId, and the bank's id is OpKey. The status in the ledger is the code of State. Besides the acts that every
// face knows, payers can scan (open the page: state 5) and confirm. A decline is followed by nothing, as the payer may try again.
//
// Options that make no sense are a programming mistake and panic.
func Robokassa(opt RobokassaOptions) Face {
	opt.Shop = cmp.Or(opt.Shop, robokassaShop)
	opt.Password1 = cmp.Or(opt.Password1, robokassaPassword1)
	opt.Password2 = cmp.Or(opt.Password2, robokassaPassword2)
	opt.Password3 = cmp.Or(opt.Password3, robokassaPassword3)
	opt.Hash = cmp.Or(opt.Hash, "md5")
	opt.ResultMethod = cmp.Or(opt.ResultMethod, http.MethodPost)
	opt.Currency = cmp.Or(opt.Currency, "KZT")
	opt.PageURL = strings.TrimSuffix(opt.PageURL, "/")
	if opt.Key == nil {
		opt.Key = RobokassaKey()
	}
	if robokassaHashes[opt.Hash] == nil {
		panic(fmt.Sprintf("sim: RobokassaOptions.Hash is %q", opt.Hash))
	}
	if opt.ResultMethod != http.MethodPost && opt.ResultMethod != http.MethodGet {
		panic(fmt.Sprintf("sim: RobokassaOptions.ResultMethod is %q", opt.ResultMethod))
	}
	if err := opt.Switches.validate(); err != nil {
		panic("sim: RobokassaOptions.Switches: " + err.Error())
	}
	r := &robokassa{
		opt: opt, sw: opt.Switches, routesOf: robokassaRoutes(),
		numbers: map[string]*robokassaPayment{}, tests: map[string]*robokassaPayment{}, cards: map[string]RobokassaToken{},
	}
	for _, t := range opt.Tokens {
		t.Account = cmp.Or(t.Account, robokassaCard)
		r.cards[t.InvoiceID] = t
	}
	return r
}

// robokassa is the face. Bank.mu guards everything that changes.
//
//	unopened --open--> 5 --pay--> [80] --> [50] --> 100 --all given back--> 60
//	    |              |           |  '--> 20 --Confirm--> [50] --> 100
//	    |              |           |       '--Cancel, or its life over--> 10
//	    |              |'--ExpirationDate--> 10 <--'
//	    |              '--declined, by a switch--> 10 --open--> 5
//	    '--ExpirationDate, or deactivated--> nothing that Robokassa knows of
type robokassa struct {
	opt      RobokassaOptions
	b        *Bank
	sw       RobokassaSwitches
	routesOf []robokassaRoute

	payments []*robokassaPayment          // oldest first, test payments too
	numbers  map[string]*robokassaPayment // by InvId
	tests    map[string]*robokassaPayment // test payments by InvId: they have numbers of their own
	cards    map[string]RobokassaToken    // by the InvId of the first payment
	refunds  []*robokassaRefund
}

func (r *robokassa) Name() string { return "robokassa" }

func (r *robokassa) attach(b *Bank) { r.b = b }

func (r *robokassa) routes() map[string]http.HandlerFunc {
	return map[string]http.HandlerFunc{
		"POST /robokassa/open":       r.serveOpen,
		"GET /robokassa/registry":    r.serveRegistry,
		"GET /robokassa/jwtsign.cer": r.serveCertificate,
		"GET /robokassa/switches": func(w http.ResponseWriter, _ *http.Request) {
			r.b.mu.Lock()
			sw := r.sw
			r.b.mu.Unlock()
			writeJSON(w, http.StatusOK, sw)
		},
		"PUT /robokassa/switches": func(w http.ResponseWriter, q *http.Request) {
			var sw RobokassaSwitches
			if err := readJSON(q, &sw); err != nil {
				badRequest(w, err)
				return
			}
			if err := sw.validate(); err != nil {
				badRequest(w, err)
				return
			}
			r.b.mu.Lock()
			r.sw = sw
			r.b.mu.Unlock()
			writeJSON(w, http.StatusOK, sw)
		},
	}
}
