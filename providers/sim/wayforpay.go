package sim

import (
	"cmp"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"
)

// The public test merchant, which WayForPay publishes because it has no sandbox (notes, section 2).
const (
	wfpTestAccount = "test_merch_n1"
	wfpTestKey     = "flk3409refn54t54t*FNJRET"
)

const (
	wfpLinkLife = time.Hour           // documented life of a link without orderTimeout
	wfpHoldLife = 21 * 24 * time.Hour // the longest life of a hold, after which it is cancelled automatically
	wfpSession  = 15 * time.Minute    // how long a payer may stand before the card form or 3-D Secure; ours, nothing is documented
)

// WayForPayOptions are the settings of the WayForPay face. The zero value is the public test merchant, which takes UAH only.
type WayForPayOptions struct {
	Account    string            // merchantAccount; empty is test_merch_n1
	Key        string            // the secret of every signature; empty is the public test merchant's
	Currencies []string          // the merchant's currencies, ISO 4217 letters; empty is UAH, the only documented one
	PageURL    string            // where the links of offers point, without a slash at the end; empty is where the request came to
	Tokens     []WayForPayToken  // cards that were saved earlier
	Switches   WayForPaySwitches // where the documents leave a choice, or contradict themselves
}

// WayForPayToken is a saved card: what a CHARGE finds behind a recToken.
type WayForPayToken struct {
	Token    string // the recToken
	CardPan  string // masked as WayForPay does it, two digits and four; empty is 51****5977
	CardType string // empty is MasterCard
	Declines int    // the reason code that every charge of this card ends with; 0 approves
}

// WayForPaySwitches choose among the behaviours that WayForPay's documents leave open. All are off at first;
// GET and PUT /wayforpay/switches on the control surface read and replace them while the bank runs.
type WayForPaySwitches struct {
	// UnpaidInvoiceIs1127 makes CHECK_STATUS answer 1127 and Declined for an invoice that nobody has opened,
	// instead of 1131 and Created (notes, 4.4: not documented).
	UnpaidInvoiceIs1127 bool `json:"unpaid_invoice_is_1127"`
	// TwoDecimals writes, and so signs, amounts as 1500.50 instead of 1500.5 (section 3).
	TwoDecimals bool `json:"two_decimals"`
	// TextNumbers writes amounts, dates and reason codes as strings in every answer and callback (section 10).
	TextNumbers bool `json:"text_numbers"`
	// SettleSignsEight signs the answer of SETTLE over eight fields, as the wiki says, instead of four, as the official SDK does.
	SettleSignsEight bool `json:"settle_signs_eight"`
	// ThreeDS makes every CHARGE ask for 3-D Secure (5100), NON3DS or not.
	ThreeDS bool `json:"three_ds"`
	// Review is how long the antifraud review of every payment takes: Pending, 1134. Zero is no review.
	Review Duration `json:"review"`
	// RefundsTake makes refunds wait for the merchant's balance: RefundInProcessing, 1138, and so much later Refunded.
	RefundsTake Duration `json:"refunds_take"`
	// RefundsShowAfter is how long CHECK_STATUS does not show a refund that was accepted; TRANSACTION_LIST shows it at once.
	// Nobody documents when a status follows (section 4.6).
	RefundsShowAfter Duration `json:"refunds_show_after"`
	// NoRefundAmount leaves refundAmount out of CHECK_STATUS.
	NoRefundAmount bool `json:"no_refund_amount"`
	// SettledShowsHold goes on naming what was held once a part of it was captured, in CHECK_STATUS and callbacks. Which of the two
	// sums is shown is not documented (section 4.5).
	SettledShowsHold bool `json:"settled_shows_hold"`
	// DeclineCode is the reason code of a payer's decline; 0 is 1104, insufficient funds.
	DeclineCode int `json:"decline_code"`
	// OnlyApprovedAndDeclined sends callbacks for these two statuses alone, the only ones that public clients have seen (section 7).
	OnlyApprovedAndDeclined bool `json:"only_approved_and_declined"`
	// LateSuccess lets the act pay-late take money on an expired or removed offer, which breaks WayForPay's own promise.
	LateSuccess bool `json:"late_success"`
	// ListIgnoresDates makes TRANSACTION_LIST answer every row whatever the window, as the test merchant's does (section 2).
	ListIgnoresDates bool `json:"list_ignores_dates"`
}

// wayforpay is the face. Bank.mu guards everything that changes.
//
//	Created --pay--> [InProcessing] --> [Pending] --> Approved ------> [RefundInProcessing] --> Refunded
//	   |                    |               |    '--> WaitingAuthComplete --SETTLE--> Approved
//	   |                    '-> Declined <--'                 '--REFUND, hold over--> Voided
//	   |                           '-- an offer can be paid again until its time is over or it is removed
//	   '--time over--> Expired
type wayforpay struct {
	opt    WayForPayOptions
	b      *Bank
	sw     WayForPaySwitches
	orders map[string]*wfpOrder // by orderReference
	ids    map[string]*wfpOrder // by the bank's id
	cards  map[string]*wfpCard  // by recToken
	rows   []*wfpRow            // for TRANSACTION_LIST, oldest first
}

// WayForPay makes the face that speaks WayForPay's protocol: the API at /api, the hosted form at /pay, and the payer's pages
// its links lead to. One listener stands for both of WayForPay's hosts. Its name is "wayforpay".
//
// Besides the acts that every face knows, payers can scan (stand before the card form: InProcessing) and confirm. What is paid
// cannot be paid again. On a CHARGE that waits for 3-D Secure, pay and confirm end it as if the merchant had sent COMPLETE_3DS.
func WayForPay(opt WayForPayOptions) Face {
	opt.Account = cmp.Or(opt.Account, wfpTestAccount)
	opt.Key = cmp.Or(opt.Key, wfpTestKey)
	opt.PageURL = strings.TrimSuffix(opt.PageURL, "/")
	opt.Currencies = slices.Clone(opt.Currencies)
	if len(opt.Currencies) == 0 {
		opt.Currencies = []string{"UAH"}
	}
	w := &wayforpay{
		opt: opt, sw: opt.Switches,
		orders: map[string]*wfpOrder{}, ids: map[string]*wfpOrder{}, cards: map[string]*wfpCard{},
	}
	for _, t := range opt.Tokens {
		w.cards[t.Token] = &wfpCard{
			token: t.Token, pan: cmp.Or(t.CardPan, "51****5977"), brand: cmp.Or(t.CardType, "MasterCard"), declines: t.Declines,
		}
	}
	return w
}

func (w *wayforpay) Name() string { return "wayforpay" }

func (w *wayforpay) attach(b *Bank) { w.b = b }

// retry follows section 7: quick at first, then hourly, and for four days in all.
func (w *wayforpay) retry(n int) (time.Duration, bool) {
	quick := []time.Duration{5 * time.Second, 30 * time.Second, 2 * time.Minute, 10 * time.Minute}
	var waited time.Duration
	for _, pause := range quick {
		waited += pause
	}
	if n <= len(quick) {
		return quick[n-1], true
	}
	waited += time.Duration(n-len(quick)) * time.Hour
	return time.Hour, waited <= 4*24*time.Hour
}

func (w *wayforpay) routes() map[string]http.HandlerFunc {
	return map[string]http.HandlerFunc{
		"GET /wayforpay/switches": func(rw http.ResponseWriter, _ *http.Request) {
			writeJSON(rw, http.StatusOK, w.switches())
		},
		"PUT /wayforpay/switches": func(rw http.ResponseWriter, r *http.Request) {
			var sw WayForPaySwitches
			if err := readJSON(r, &sw); err != nil {
				badRequest(rw, err)
				return
			}
			if sw.Review < 0 || sw.RefundsTake < 0 || sw.RefundsShowAfter < 0 || sw.DeclineCode < 0 {
				badRequest(rw, errors.New("review, refunds_take, refunds_show_after and decline_code may not be negative"))
				return
			}
			w.b.mu.Lock()
			w.sw = sw
			w.b.mu.Unlock()
			writeJSON(rw, http.StatusOK, sw)
		},
	}
}

func (w *wayforpay) switches() WayForPaySwitches {
	w.b.mu.Lock()
	defer w.b.mu.Unlock()
	return w.sw
}
