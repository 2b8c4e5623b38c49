package sim

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// What a TipTop Pay face knows when its options name nothing else: the made-up merchant of the notes' golden vectors.
const (
	TipTopPayDefaultPublicID = "pk_4b0e2d6a91c75f3e8d20a6b4c91f0"
	TipTopPayDefaultSecret   = "9c1f6a0d4be2478ea5f3d07b8c26e914"
)

// The types of notices. A terminal has one address for each, because nothing in a notice says its type (notes, section 7).
const (
	TipTopPayCheck   = "check"   // asks before a payment is authorised; the answer may refuse it
	TipTopPayPay     = "pay"     // authorised: taken or held
	TipTopPayFail    = "fail"    // refused
	TipTopPayConfirm = "confirm" // a hold was taken, by whomever
	TipTopPayRefund  = "refund"  // a refund was accepted
	TipTopPayCancel  = "cancel"  // a hold was released
)

// TipTopPayOptions are the settings of one TipTop Pay terminal. The zero value is a test terminal in tenge that tells nobody.
type TipTopPayOptions struct {
	PublicID   string   // user of Basic authentication; empty is TipTopPayDefaultPublicID
	Secret     string   // its password, and the key of every notice; empty is TipTopPayDefaultSecret
	Live       bool     // TestMode is false in everything the terminal says; otherwise it is true
	Currencies []string // ISO 4217 letters; empty is KZT
	PageURL    string   // where the links of orders point, without a slash at the end; empty is where the request came to

	// NotifyURL is where notices go, as a merchant would write it into the cabinet, once for each type. The word {type} in it
	// becomes the type: "http://payrouter/webhooks/NAME?type={type}". Without that word the type follows as a last step of the
	// path: ".../webhooks/NAME" makes ".../webhooks/NAME/pay". Empty sends nothing.
	NotifyURL string
	// NotifyTypes are the types that have an address. Empty is every type but check: a payment asks the merchant first only
	// where check is named here.
	NotifyTypes []string

	Tokens []TipTopPayToken // cards that were saved earlier
	// HoldLife is when a hold that nobody confirmed is released; zero is 7 days, the longest that is documented.
	HoldLife time.Duration
	// OrderLife is when an unpaid order becomes Expired: nobody can begin to pay it any more. Zero is never, because there is no field for
	// it and no document says when; the ledger then tells no LiveUntil.
	OrderLife time.Duration
	Switches  TipTopPaySwitches // where the documents leave a choice
}

// TipTopPayToken is a saved card: what /payments/tokens/charge and auth find behind a Token.
type TipTopPayToken struct {
	Token     string // as the merchant sends it
	AccountID string // whose card it is; a payment for another AccountId is refused. Empty is anybody's
	CardPAN   string // six digits, and four: "424242 4242"; empty is that
	CardType  string // empty is Visa
	Declines  int    // the ReasonCode that every payment with it ends with, such as 5051; 0 approves
}

// TipTopPaySwitches choose among the behaviours that the documents leave open, or change what is documented where a merchant must
// bear both. All are off at first; GET and PUT /tiptoppay/switches on the control surface read and replace them while the bank runs.
type TipTopPaySwitches struct {
	// DeclineCode is the ReasonCode of a payer's decline; 0 is 5051, InsufficientFunds.
	DeclineCode int `json:"decline_code"`
	// ReserveBank is how long after a technical refusal the gateway tries a second acquirer by itself: a new transaction, which
	// succeeds, with FallBackScenarioDeclinedTransactionId. Zero is never (notes, section 10).
	ReserveBank Duration `json:"reserve_bank"`
	// AutoConfirm is how long after its authorisation the terminal takes a hold by itself; zero is never (section 1).
	AutoConfirm Duration `json:"auto_confirm"`
	// ThreeDSCompletes lets a payer who agrees on the bank's page end a cryptogram payment without post3ds (section 10).
	ThreeDSCompletes bool `json:"three_ds_completes"`
	// LateSuccess lets the act pay-late take money on a cancelled or expired order, which breaks the gateway's promise.
	LateSuccess bool `json:"late_success"`

	// DeclinesRunAgain processes a repeat under one X-Request-ID anew when the first was not successful (section 8).
	DeclinesRunAgain bool `json:"declines_run_again"`
	// RunningIs429 answers 429 to a repeat that comes while the first is still running, instead of holding it.
	RunningIs429 bool `json:"running_is_429"`
	// RefusalStatus is the HTTP status of requests that are refused before a transaction exists; 0 is 200.
	RefusalStatus int `json:"refusal_status"`
	// EmailRequired refuses orders without Email (section 4.1).
	EmailRequired bool `json:"email_required"`
	// FoundIsSuccess answers Success:true for every transaction that get and find find, declined ones included (section 4.4).
	FoundIsSuccess bool `json:"found_is_success"`
	// ShortAmounts leaves zeros out of the amounts of the API: 14500 instead of 14500.00 (section 10).
	ShortAmounts bool `json:"short_amounts"`
	// RefundedAtFirstPartial sets Refunded from the first partial refund on, not only when all went back (section 4.7).
	RefundedAtFirstPartial bool `json:"refunded_at_first_partial"`
	// RefundsFail makes refunds fail after they were accepted: Success:true, then a row that is Declined, and no money moved.
	RefundsFail bool `json:"refunds_fail"`
	// ListsAwaiting puts transactions that wait for 3-D Secure into the lists (section 9).
	ListsAwaiting bool `json:"lists_awaiting"`
	// NoChargebacks takes /chargebacks/list away, which may not exist in Kazakhstan.
	NoChargebacks bool `json:"no_chargebacks"`

	// JSONNotices sends notices as JSON, and GetNotices as a query; otherwise they are forms. Not both.
	JSONNotices bool `json:"json_notices"`
	GetNotices  bool `json:"get_notices"`
	// PlusForSpace writes spaces of a form or query as + instead of %20.
	PlusForSpace bool `json:"plus_for_space"`
	// EmptyFields sends optional fields without a value as empty text instead of leaving them out (section 7).
	EmptyFields bool `json:"empty_fields"`
	// CheckDirect sends Check also for payments by card or token that the merchant's server makes. The documents speak only of a
	// payer who presses the button.
	CheckDirect bool `json:"check_direct"`
	// FailAfterCheck sends Fail also for payments that the answer to Check refused.
	FailAfterCheck bool `json:"fail_after_check"`
}

func (s TipTopPaySwitches) validate() error {
	switch {
	case s.DeclineCode < 0 || s.ReserveBank < 0 || s.AutoConfirm < 0:
		return fmt.Errorf("decline_code, reserve_bank and auto_confirm may not be negative")
	case s.RefusalStatus != 0 && (s.RefusalStatus < 200 || s.RefusalStatus > 499):
		return fmt.Errorf("refusal_status %d is not between 200 and 499", s.RefusalStatus)
	case s.JSONNotices && s.GetNotices:
		return fmt.Errorf("json_notices and get_notices exclude each other")
	}
	return nil
}

// tiptoppay is the face. Bank.mu guards everything that changes.
//
//	order Created ---payer submits the card---> [Check] --> AwaitingAuthentication --> Authorized --confirm--> Completed
//	   |   ^                                        |          (3-D Secure)       |        '---void, hold over--> Cancelled
//	   |   '--- Declined <--------------------------'-----------------------------'--> Completed --refund--> a row of its own
//	   |          '- the payer may try again, the gateway may try its reserve bank: a new transaction
//	   '--cancelled, expired: no new transaction; one that has begun goes on
type tiptoppay struct {
	opt      TipTopPayOptions
	b        *Bank
	sw       TipTopPaySwitches
	services map[string]ttpService // by path

	sales   []*ttpSale            // oldest first
	rows    []*ttpTransaction     // what the gateway knows of, by creation and id
	cards   []*ttpCard            // that have a token, oldest first
	packets map[string]bool       // cryptograms used up
	repeats map[string]*ttpRepeat // by X-Request-ID
	posts   map[string]*ttpPostBox
	claims  []ttpObject // rows of /chargebacks/list
	lastID  int64       // of transactions
	orders  int         // how many have been created
	refused int         // how many operations came in a wrong state
}

// TipTopPay makes the face that speaks TipTop Pay's protocol, which is CloudPayments': the API, and the pages its orders lead to.
// Its name is "tiptoppay". A cryptogram is the number of a test card (notes, section 2), and may go on after a slash:
// "4242424242424242/1". Each works once.
//
// Payers of an order who scan have submitted their card and stand before 3-D Secure, where confirm or decline ends it; pay does
// it all. After a decline they may try again; what is paid cannot be paid again. Payers of a cryptogram payment that waits for
// 3-D Secure agree (confirm, pay) or decline there, and post3ds fetches what they did. The act chargeback adds a row to
// /chargebacks/list and moves nothing in the ledger. Options that make no sense are a programming mistake and panic.
//
// While the merchant is asked by Check, and while a repeat waits for the first, the bank's lock is let go.
func TipTopPay(opt TipTopPayOptions) Face {
	opt.PublicID = cmp.Or(opt.PublicID, TipTopPayDefaultPublicID)
	opt.Secret = cmp.Or(opt.Secret, TipTopPayDefaultSecret)
	opt.PageURL = strings.TrimSuffix(opt.PageURL, "/")
	opt.HoldLife = cmp.Or(opt.HoldLife, ttpHoldLife)
	opt.Currencies = slices.Clone(opt.Currencies)
	if len(opt.Currencies) == 0 {
		opt.Currencies = []string{"KZT"}
	}
	if opt.HoldLife < 0 || opt.OrderLife < 0 {
		panic("sim: TipTopPayOptions.HoldLife or OrderLife is negative")
	}
	if err := opt.Switches.validate(); err != nil {
		panic("sim: TipTopPayOptions.Switches: " + err.Error())
	}
	t := &tiptoppay{
		opt: opt, sw: opt.Switches, services: ttpServices(), packets: map[string]bool{}, repeats: map[string]*ttpRepeat{},
		posts: ttpPostBoxes(opt), lastID: ttpFirstID,
	}
	for _, saved := range opt.Tokens {
		pan := cmp.Or(saved.CardPAN, "424242 4242")
		first, last, ok := strings.Cut(pan, " ")
		if !ok || saved.Token == "" {
			panic("sim: a TipTopPayToken has no Token, or a CardPAN other than six digits and four")
		}
		t.cards = append(t.cards, &ttpCard{
			token: saved.Token, account: saved.AccountID, first: first, last: last, brand: cmp.Or(saved.CardType, "Visa"), declines: saved.Declines,
		})
	}
	return t
}

const (
	ttpHoldLife = 7 * 24 * time.Hour // the longest life of a hold (notes, section 1)
	ttpFirstID  = 2_346_712_900      // beyond 32 bits, as in every published sample
)

func (t *tiptoppay) Name() string { return "tiptoppay" }

func (t *tiptoppay) attach(b *Bank) { t.b = b }

// retry follows section 7: five pauses, the last of them again and again, and a hundred attempts in all.
func (t *tiptoppay) retry(n int) (time.Duration, bool) {
	pauses := []time.Duration{time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute, 30 * time.Minute}
	return pauses[min(n, len(pauses))-1], n < 100
}

func (t *tiptoppay) routes() map[string]http.HandlerFunc {
	return map[string]http.HandlerFunc{
		"GET /tiptoppay/switches": func(w http.ResponseWriter, _ *http.Request) {
			t.b.mu.Lock()
			sw := t.sw
			t.b.mu.Unlock()
			writeJSON(w, http.StatusOK, sw)
		},
		"PUT /tiptoppay/switches": func(w http.ResponseWriter, r *http.Request) {
			var sw TipTopPaySwitches
			err := readJSON(r, &sw)
			if err == nil {
				err = sw.validate()
			}
			if err != nil {
				badRequest(w, err)
				return
			}
			t.b.mu.Lock()
			t.sw = sw
			t.b.mu.Unlock()
			writeJSON(w, http.StatusOK, sw)
		},
	}
}

// outside does something without the bank's lock, which the caller holds. Everything may have changed when it returns.
func (t *tiptoppay) outside(do func()) {
	t.b.mu.Unlock()
	defer t.b.mu.Lock()
	do()
}
