package sim

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// What a QuickPay face knows when its options name nothing else: the keys of the notes' golden vectors (section 11).
const (
	QuickPayDefaultAPIKey     = "sim-api-key-1"
	QuickPayDefaultPrivateKey = "sim-private-key-0123456789abcdef0123456789abcdef0123456789abcdef"
	QuickPayDefaultMerchant   = 1234
)

// The test cards of section 2. They are known everywhere; whether they may pay is QuickPayOptions.TestMode.
const (
	QuickPayApproved        = "1000000000000008"
	QuickPayRejected        = "1000000000000016"
	QuickPayExpired         = "1000000000000024"
	QuickPayCaptureRejected = "1000000000000032"
	QuickPayRefundRejected  = "1000000000000040"
	QuickPayCancelRejected  = "1000000000000057"
	QuickPayNoRecurring     = "1000000000000065" // only subscriptions mind, and the face has none: it is approved
	QuickPayWants3DS        = "1000000000000073"
	QuickPayOnce            = "1000000000000081" // a saved one pays once and is rejected afterwards
	QuickPayQueued          = "1000000000000099" // stays pending for 60 s, ?synchronized or not, and is approved then
	QuickPayMastercard      = "1000010000000007"
)

// QuickPayOptions are the settings of the QuickPay face. The zero value works: the account of the notes' examples.
type QuickPayOptions struct {
	APIKey     string   // of the one API user; empty is QuickPayDefaultAPIKey
	PrivateKey string   // signs callbacks; empty is QuickPayDefaultPrivateKey
	MerchantID int64    // the account's number, in objects and callbacks; 0 is QuickPayDefaultMerchant
	Currencies []string // what the acquirer settles, ISO 4217 letters; empty is DKK EUR SEK NOK USD GBP. A payment in another one ends with 40004
	// CallbackURL is the account-wide address of callbacks: for operations whose request or link named none. Empty sends those nowhere.
	CallbackURL string
	PageURL     string // where payment windows are, without a slash at the end; empty is where the request came to
	// TestMode allows test cards, and lets the payers at the window and the saved cards below use them: their payments say
	// test_mode: true. Otherwise these use real cards, test_mode stays false, and test cards are rejected.
	TestMode bool
	Cards    []QuickPayCard   // saved before the first request
	Switches QuickPaySwitches // where the documents leave a choice
}

// QuickPayCard is a saved card: what POST /cards/{id}/tokens makes one-time tokens of.
type QuickPayCard struct {
	ID int64
	// Number is a test card's, which decides how its payments end; empty is the approved one, or a real card without TestMode.
	Number string
	// Code is the qp_status_code that every authorize with this card ends with, such as 40000, 41000 or 42300. Empty leaves it to Number.
	Code string
}

// QuickPaySwitches choose among the behaviours that QuickPay's documents leave open. All are off at first;
// GET and PUT /quickpay/switches on the control surface read and replace them while the bank runs.
type QuickPaySwitches struct {
	// SynchronizedIs202 answers a finished synchronized operation with 202 instead of 200 (open question 4).
	SynchronizedIs202 bool `json:"synchronized_is_202"`
	// SynchronizedStillPending answers ?synchronized as if the flag were not there: 202 and pending: true (section 4).
	SynchronizedStillPending bool `json:"synchronized_still_pending"`
	// AcquirerTakes is how long an operation stays pending where the call does not wait for it. Zero is 1 s.
	AcquirerTakes Duration `json:"acquirer_takes"`
	// PendingHasCode gives operations under way the code 20200 instead of none (section 6.1).
	PendingHasCode bool `json:"pending_has_code"`
	// PendingCallbacks sends a callback when an operation begins to be pending, too (section 7).
	PendingCallbacks bool `json:"pending_callbacks"`
	// NumericCodes writes qp_status_code as a number (section 10).
	NumericCodes bool `json:"numeric_codes"`
	// CancelHasAmount shows what a cancel released as its amount, instead of null: not documented.
	CancelHasAmount bool `json:"cancel_has_amount"`
	// BusyIs409 refuses an operation while another one of its payment is under way with 409 instead of 400: when the documented
	// 409 comes is not documented.
	BusyIs409 bool `json:"busy_is_409"`
	// NewerStateText refuses a wrong state in the newer of the two wordings of section 6.2.
	NewerStateText bool `json:"newer_state_text"`
	// MissingLinkIs404 refuses to delete a link that is not there, instead of 204: not documented.
	MissingLinkIs404 bool `json:"missing_link_is_404"`
	// WindowOutlivesLink lets a payer who stood in the window when its link was deleted, or replaced, finish there (section 5).
	// What they pay is excused: the merchant was free to go elsewhere.
	WindowOutlivesLink bool `json:"window_outlives_link"`
	// IgnoresDeadline makes links that live until they are deleted, whatever deadline says, and show no deadline_at.
	IgnoresDeadline bool `json:"ignores_deadline"`
	// CaptureTakes is how long what a link or a card authorised with auto_capture waits for its capture. Zero captures at once.
	CaptureTakes Duration `json:"capture_takes"`
	// LateSuccess lets the act pay-late take money after the window's deadline or without a link, which breaks the promise of section 10.
	LateSuccess bool `json:"late_success"`
	// HoldLife is how long the acquirer keeps a hold. It ends unseen: the payment stays new, and a capture, cancel or renew is
	// refused with 40002. Zero is for ever, because nothing is documented.
	HoldLife Duration `json:"hold_life"`
	// DeclineCode is the qp_status_code of a payer's decline; empty is 40000.
	DeclineCode string `json:"decline_code"`
	// Forbidden are the calls that the API user has no permission for, as the 403 names them: "PUT /payments/:id/link".
	Forbidden []string `json:"forbidden"`
	// TimesAreUpdates makes min_time and max_time of the list compare updated_at instead of created_at (open question 3).
	TimesAreUpdates bool `json:"times_are_updates"`
}

func (sw QuickPaySwitches) validate() error {
	switch {
	case sw.AcquirerTakes < 0 || sw.HoldLife < 0 || sw.CaptureTakes < 0:
		return errors.New("acquirer_takes, capture_takes and hold_life may not be negative")
	case sw.DeclineCode != "" && (!isDigits(sw.DeclineCode) || sw.DeclineCode < "30000" || len(sw.DeclineCode) != 5):
		return fmt.Errorf("decline_code is five digits from 30000 on, not %q", sw.DeclineCode)
	}
	return nil
}

// quickpay is the face. Bank.mu guards everything that changes.
//
//	POST /payments     PUT link, window / authorize      capture, refund, cancel
//	initial ---------------> pending ----------> new --------------> processed
//	                           |  ^
//	                           v  | the payer tries again while the link lives
//	                         rejected
type quickpay struct {
	opt      QuickPayOptions
	b        *Bank
	sw       QuickPaySwitches
	lastID   int64        // of payments and of cards that were made by a call
	payments []*qpPayment // by id
	cards    []*qpCard
	tokens   map[string]*qpToken
}

// QuickPay makes the face that speaks QuickPay's API v10, and shows the payment windows its links lead to: one listener stands
// for both of QuickPay's hosts. Its name is "quickpay".
//
// The reference is order_id, an object's id the payment's number. POST /payments alone makes no object, because nothing can be
// paid by it; it counts as OpToken, as do cards and renew. The link is OpCreate, authorize OpCharge, DELETE link and cancel OpVoid.
//
// Besides the acts that every face knows, payers can scan (open the window) and confirm (pay in it), "pay:<card number>" and
// "decline:<qp_status_code>". What is paid cannot be paid again.
//
// Options that make no sense are a programming mistake and panic.
func QuickPay(opt QuickPayOptions) Face {
	opt.APIKey = cmp.Or(opt.APIKey, QuickPayDefaultAPIKey)
	opt.PrivateKey = cmp.Or(opt.PrivateKey, QuickPayDefaultPrivateKey)
	opt.MerchantID = cmp.Or(opt.MerchantID, QuickPayDefaultMerchant)
	opt.PageURL = strings.TrimSuffix(opt.PageURL, "/")
	opt.Currencies = slices.Clone(opt.Currencies)
	if len(opt.Currencies) == 0 {
		opt.Currencies = []string{"DKK", "EUR", "SEK", "NOK", "USD", "GBP"}
	}
	if err := opt.Switches.validate(); err != nil {
		panic("sim: QuickPayOptions.Switches: " + err.Error())
	}
	q := &quickpay{opt: opt, sw: opt.Switches, lastID: qpFirstID, tokens: map[string]*qpToken{}}
	for _, saved := range opt.Cards {
		if saved.ID <= 0 || saved.Code != "" && !isDigits(saved.Code) || q.card(saved.ID) != nil {
			panic(fmt.Sprintf("sim: QuickPayOptions.Cards: %d is no id or taken, or its code is no code", saved.ID))
		}
		q.cards = append(q.cards, &qpCard{id: saved.ID, plastic: q.plastic(saved.Number, saved.Code), accepted: true, variables: json.RawMessage("{}")})
		q.lastID = max(q.lastID, saved.ID)
	}
	return q
}

func (q *quickpay) Name() string { return "quickpay" }

func (q *quickpay) attach(b *Bank) {
	q.b = b
	for _, card := range q.cards {
		card.created = time.Now()
	}
}

func (q *quickpay) routes() map[string]http.HandlerFunc {
	return map[string]http.HandlerFunc{
		"GET /quickpay/switches": func(w http.ResponseWriter, _ *http.Request) {
			q.b.mu.Lock()
			sw := q.sw
			q.b.mu.Unlock()
			writeJSON(w, http.StatusOK, sw)
		},
		"PUT /quickpay/switches": func(w http.ResponseWriter, r *http.Request) {
			var sw QuickPaySwitches
			err := readJSON(r, &sw)
			if err == nil {
				err = sw.validate()
			}
			if err != nil {
				badRequest(w, err)
				return
			}
			q.b.mu.Lock()
			q.sw = sw
			q.b.mu.Unlock()
			writeJSON(w, http.StatusOK, sw)
		},
	}
}
