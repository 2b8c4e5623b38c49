package sim

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// wfpCard is a payer's card: saved under a recToken, or in the payer's hand.
type wfpCard struct {
	token    string // empty until a payment with it succeeded
	pan      string // masked
	brand    string
	declines int // the reason code it always ends with; 0 approves
}

// wfpOrder is one orderReference. Status and Phase of its Object are the truth, code belongs to the status.
type wfpOrder struct {
	*Object
	kind      string // CREATE_INVOICE, PURCHASE or CHARGE
	code      int
	hold      bool // AUTH
	holdFor   time.Duration
	removed   bool // no new attempt can begin
	card      *wfpCard
	authCode  string
	processed time.Time
	attempt   *wfpRow // the newest attempt, nil while nobody has tried
	tries     int
	refunding int64 // accepted with 1138 and not paid back yet

	link                  string // of an offer: where its payer goes
	ticket, md            string // of 3-D Secure
	serviceURL, returnURL string
	email, phone, client  string
	products              []wfpProduct
	version2              bool
}

// draft reads an order from a request, without beginning it.
func (w *wayforpay) draft(q *wfpRequest) (*wfpOrder, wfpRefusal) {
	minor, err := parseMinor(q.text("amount"))
	if err != nil || minor <= 0 {
		return nil, wfpRefusal{code: wfpBadAmount}
	}
	if !slices.Contains(w.opt.Currencies, q.text("currency")) {
		return nil, wfpRefusal{code: wfpBadCurrency}
	}
	if _, ok := wfpUnix(q.text("orderDate")); !ok {
		return nil, wfpRefusal{wfpFormat, "orderDate"}
	}
	products, no := q.products(minor)
	if no.code != 0 {
		return nil, no
	}
	held, ok := q.life("holdTimeout", wfpHoldLife)
	if !ok {
		return nil, wfpRefusal{wfpFormat, "holdTimeout"}
	}
	ord := &wfpOrder{
		Object: &Object{Account: w.opt.Account, Reference: q.text("orderReference"), Amount: minor, Currency: q.text("currency")},
		kind:   q.kind, holdFor: min(held, wfpHoldLife), products: products, version2: q.text("apiVersion") == "2",
		serviceURL: q.text("serviceUrl"), returnURL: q.text("returnUrl"), email: q.text("clientEmail"), phone: q.text("clientPhone"),
		client: q.text("clientFirstName") + " " + q.text("clientLastName"),
	}
	switch q.text("merchantTransactionType") {
	case "AUTH":
		ord.hold = true
	case "", "SALE", "AUTO": // AUTO is the merchant's default, which is SALE here
	default:
		return nil, wfpRefusal{wfpFormat, "merchantTransactionType"}
	}
	return ord, wfpRefusal{}
}

// open begins a drafted order; o brings what its kind adds.
func (w *wayforpay) open(c *call, ord *wfpOrder, o *Object) {
	o.Face, o.Phase = w.Name(), Live
	o.Account, o.Reference, o.Amount, o.Currency = ord.Account, ord.Reference, ord.Amount, ord.Currency
	ord.Object = w.b.open(c, o)
	w.orders[ord.Reference], w.ids[ord.ID] = ord, ord
}

// move is the only way from one status to the next once there was an attempt. It writes the attempt's row along, until the
// attempt is decided: refunds and captures have rows of their own.
func (w *wayforpay) move(ord *wfpOrder, status string, code int, phase Phase) {
	ord.Status, ord.code, ord.Phase, ord.processed = status, code, phase, time.Now()
	if row := ord.attempt; row != nil && !row.decided {
		row.status, row.code, row.processed = status, code, ord.processed
		row.decided = status != wfpInProcessing && status != wfpPending
	}
	w.tell(ord)
}

// begin opens an attempt to pay with card.
func (w *wayforpay) begin(ord *wfpOrder, card *wfpCard) {
	kind := wfpPurchase
	if ord.kind == wfpCharge {
		kind = wfpCharge
	}
	ord.card, ord.authCode = card, ""
	ord.tries++
	ord.attempt = w.row(ord, kind, ord.Amount, wfpInProcessing, wfpProcessing)
}

// decide ends an attempt, or hands it to the antifraud review first.
func (w *wayforpay) decide(ord *wfpOrder) {
	if w.sw.Review == 0 {
		w.finish(ord)
		return
	}
	try := ord.tries
	w.move(ord, wfpPending, wfpReview, Live)
	w.b.after(time.Duration(w.sw.Review), func() {
		if ord.tries == try && ord.Status == wfpPending {
			w.finish(ord)
		}
	})
}

// finish asks the card, and takes or holds the money.
func (w *wayforpay) finish(ord *wfpOrder) {
	if ord.card.declines != 0 {
		w.decline(ord, ord.card.declines)
		return
	}
	ord.authCode = w.b.digits(6)
	if ord.card.token == "" {
		ord.card.token = w.b.guid()
		w.cards[ord.card.token] = ord.card
	}
	if !ord.hold {
		w.b.book(ord.Object, KindCharge, "", ord.Amount, "")
		w.move(ord, wfpApproved, wfpOK, Charged)
		return
	}
	w.b.book(ord.Object, KindAuthorize, "", ord.Amount, "")
	w.move(ord, wfpHeld, wfpOK, Held)
	w.b.after(ord.holdFor, func() {
		if ord.Phase == Held {
			w.release(ord, "hold over")
		}
	})
}

// decline ends an attempt without money. An offer stays payable: callbacks carry a repayUrl for this (notes, section 5).
func (w *wayforpay) decline(ord *wfpOrder, code int) {
	phase := Dead
	if ord.Style == StyleOffer && !ord.removed && time.Now().Before(ord.LiveUntil) {
		phase = Live
	}
	w.move(ord, wfpDeclined, code, phase)
}

// release gives a whole hold back.
func (w *wayforpay) release(ord *wfpOrder, note string) {
	w.b.book(ord.Object, KindVoid, "", ord.Authorized, note)
	w.row(ord, wfpRefund, ord.Authorized, wfpVoided, wfpOK)
	w.move(ord, wfpVoided, wfpOK, Dead)
}

// expire is the end of an offer's time. Only an offer that nobody tried becomes Expired; a declined one stays declined, and an
// attempt under way goes on.
func (w *wayforpay) expire(ord *wfpOrder) {
	switch ord.Status {
	case wfpCreated:
		w.move(ord, wfpExpired, wfpSessionOver, Dead)
	case wfpDeclined:
		ord.Phase = Dead
	}
}

// session ends an attempt whose payer has left the card form or the bank's 3-D Secure page.
func (w *wayforpay) session(ord *wfpOrder) {
	try := ord.tries
	w.b.after(wfpSession, func() {
		if ord.tries == try && ord.Status == wfpInProcessing {
			w.decline(ord, wfpSessionOver)
		}
	})
}

// waiting3DS finds the order of a 3-D Secure ticket.
func (w *wayforpay) waiting3DS(ticket string) *wfpOrder {
	for _, ord := range w.orders { // tickets are unique, so the order of the map decides nothing
		if ticket != "" && ord.ticket == ticket {
			return ord
		}
	}
	return nil
}

// pay lets the payer of an order do something; see WayForPay for the acts. A decline also ends an antifraud review.
func (w *wayforpay) pay(id, act string) error {
	ord := w.ids[id]
	if ord == nil {
		return fmt.Errorf("wayforpay has no object %q", id)
	}
	switch act {
	case ActScan:
		if w.start(ord, false) {
			w.move(ord, wfpInProcessing, wfpProcessing, Live)
			w.session(ord)
		}
	case ActConfirm:
		if ord.Status == wfpInProcessing {
			w.decide(ord)
		}
	case ActPay, ActPayLate:
		if ord.Status == wfpInProcessing || w.start(ord, act == ActPayLate && w.sw.LateSuccess) {
			w.decide(ord)
		}
	case ActDecline:
		switch {
		case ord.Status == wfpPending:
			w.decline(ord, wfpFraud)
		case ord.Status == wfpInProcessing && ord.code == wfpWaits3DS:
			w.decline(ord, wfpThreeDSFail)
		case ord.Status == wfpInProcessing || w.start(ord, false):
			w.decline(ord, cmp.Or(w.sw.DeclineCode, wfpInsufficient))
		}
	case ActPayAgain: // one orderReference is paid once
	default:
		return fmt.Errorf("a payer at wayforpay cannot %q", act)
	}
	return nil
}

// start begins an attempt on an offer, if the payer can: while it is payable, or late where the switch breaks the promise that
// an expired or removed offer can no longer be paid.
func (w *wayforpay) start(ord *wfpOrder, late bool) bool {
	payable := ord.Style == StyleOffer && ord.Phase == Live && (ord.Status == wfpCreated || ord.Status == wfpDeclined)
	if !payable {
		if !late || ord.Style != StyleOffer || ord.Phase != Dead || ord.Authorized > 0 {
			return false
		}
		ord.Excused = true
	}
	card := &wfpCard{pan: "4" + w.b.digits(1) + "****" + w.b.digits(4), brand: "Visa"}
	w.begin(ord, card)
	return true
}
