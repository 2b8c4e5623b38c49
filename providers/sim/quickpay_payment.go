package sim

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// qpFirstID is below every id, and does not fit 32 bits (section 10).
const qpFirstID = 7_140_000_000

// States of a payment (section 5).
const (
	qpInitial   = "initial"
	qpPending   = "pending"
	qpNew       = "new"
	qpDeclined  = "rejected"
	qpProcessed = "processed"
)

// qpPayment is one payment. Its Object is nil until it can be paid.
type qpPayment struct {
	o        *Object
	id       int64
	ulid     string
	order    string
	currency string
	data     qpFields // what the merchant put in and gets back: qpPatched, and the basket
	state    string
	accepted bool // an operation was approved at least once; never false again

	link       *qpLink
	offered    *qpLink // the newest link, deleted or not
	window     *qpLink // the link by which a payer stands in the window now; nil when nobody does
	operations []*qpOperation
	plastic    *qpPlastic // of the newest authorize
	holdEnds   *time.Timer
	expired    bool // the acquirer has dropped the hold

	created, updated time.Time
	callbacks        []*letter // not accepted yet; the first is on its way
}

// qpPatched are the fields that PATCH may change.
var qpPatched = []string{"text_on_statement", "branding_id", "variables", "shipping_address", "invoice_address", "shipping", "shopsystem"}

func (q *quickpay) payment(id int64) *qpPayment {
	for _, p := range q.payments {
		if p.id == id {
			return p
		}
	}
	return nil
}

// ordered finds a payment by order_id, which is compared exactly.
func (q *quickpay) ordered(order string) *qpPayment {
	for _, p := range q.payments {
		if p.order == order {
			return p
		}
	}
	return nil
}

// newID counts up with gaps: other merchants are served, too. The caller holds the lock.
func (q *quickpay) newID() int64 {
	q.lastID += int64(1 + q.b.rng.IntN(50))
	return q.lastID
}

// newULID makes an id that sorts by time: 48 bits of milliseconds and 80 of chance, in Crockford's base 32.
func (q *quickpay) newULID() string {
	const alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
	out := make([]byte, 26)
	ms := time.Now().UnixMilli()
	for i := 9; i >= 0; i-- {
		out[i] = alphabet[ms&31]
		ms >>= 5
	}
	for i := 10; i < len(out); i++ {
		out[i] = alphabet[q.b.rng.IntN(32)]
	}
	return string(out)
}

// create is POST /payments: nothing is charged or offered yet.
func (q *quickpay) create(c *call, w *qpWish) reply {
	order, currency := w.fields.text("order_id"), w.fields.text("currency")
	switch {
	case len(order) < 4 || len(order) > 20:
		return qpHonest(c, qpInvalid("order_id", "must have length between 4 and 20"))
	case strings.Trim(order, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 ._-") != "":
		return qpHonest(c, qpInvalid("order_id", "is invalid"))
	case len(currency) != 3 || strings.Trim(currency, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "":
		return qpHonest(c, qpInvalid("currency", "must be three uppercase letters"))
	case q.ordered(order) != nil:
		return qpHonest(c, qpInvalid("order_id", "already exists on another payment"))
	}
	now := time.Now()
	p := &qpPayment{
		id: q.newID(), ulid: q.newULID(), order: order, currency: currency, data: qpFields{}, state: qpInitial, created: now, updated: now,
	}
	for _, name := range append([]string{"basket"}, qpPatched...) {
		if w.fields.given(name) {
			p.data[name] = w.fields[name]
		}
	}
	q.payments = append(q.payments, p)
	return q.tellPayment(c, http.StatusCreated, p)
}

func (q *quickpay) get(c *call, w *qpWish) reply {
	return q.tellPayment(c, http.StatusOK, w.payment)
}

func (q *quickpay) patch(c *call, w *qpWish) reply {
	for _, name := range []string{"order_id", "basket", "currency"} {
		if w.fields.given(name) {
			return qpHonest(c, qpInvalid(name, "cannot be changed"))
		}
	}
	for _, name := range qpPatched {
		if w.fields.given(name) {
			w.payment.data[name] = w.fields[name]
		}
	}
	w.payment.updated = time.Now()
	return q.tellPayment(c, http.StatusOK, w.payment)
}

// qpPaymentView is a payment as answers and callbacks show it.
type qpPaymentView struct {
	ID              int64             `json:"id"`
	ULID            string            `json:"ulid"`
	MerchantID      int64             `json:"merchant_id"`
	OrderID         string            `json:"order_id"`
	Accepted        bool              `json:"accepted"`
	Type            string            `json:"type"`
	TextOnStatement json.RawMessage   `json:"text_on_statement"`
	BrandingID      json.RawMessage   `json:"branding_id"`
	Variables       json.RawMessage   `json:"variables"`
	Currency        string            `json:"currency"`
	State           string            `json:"state"`
	Metadata        qpMetadata        `json:"metadata"`
	Link            *qpLinkView       `json:"link"`
	ShippingAddress json.RawMessage   `json:"shipping_address"`
	InvoiceAddress  json.RawMessage   `json:"invoice_address"`
	Basket          json.RawMessage   `json:"basket"`
	Shipping        json.RawMessage   `json:"shipping"`
	Operations      []qpOperationView `json:"operations"`
	TestMode        bool              `json:"test_mode"`
	Acquirer        *string           `json:"acquirer"`
	Balance         int64             `json:"balance"`
	Fee             *int64            `json:"fee"`
	CreatedAt       string            `json:"created_at"`
	UpdatedAt       string            `json:"updated_at"`
	DeadlineAt      *string           `json:"deadline_at"`
}

func (q *quickpay) view(p *qpPayment) qpPaymentView {
	raw := func(name, none string) json.RawMessage {
		if v, ok := p.data[name]; ok {
			return v
		}
		return json.RawMessage(none)
	}
	v := qpPaymentView{
		ID: p.id, ULID: p.ulid, MerchantID: q.opt.MerchantID, OrderID: p.order, Accepted: p.accepted, Type: "Payment",
		TextOnStatement: raw("text_on_statement", "null"), BrandingID: raw("branding_id", "null"), Variables: raw("variables", "{}"),
		Currency: p.currency, State: p.state, ShippingAddress: raw("shipping_address", "null"), InvoiceAddress: raw("invoice_address", "null"),
		Basket: raw("basket", "[]"), Shipping: raw("shipping", "null"), Operations: []qpOperationView{}, Balance: p.balance(),
		CreatedAt: qpTime(p.created), UpdatedAt: qpTime(p.updated),
	}
	for _, op := range p.operations {
		v.Operations = append(v.Operations, q.viewOperation(op))
	}
	if p.link != nil {
		v.Link = p.link.view()
		if !p.link.until.IsZero() {
			at := qpTime(p.link.until)
			v.DeadlineAt = &at
		}
	}
	if p.plastic != nil {
		acquirer, fee := qpAcquirer, int64(0)
		v.Metadata, v.TestMode, v.Acquirer, v.Fee = p.plastic.metadata(), p.plastic.test(), &acquirer, &fee
	}
	return v
}

// tellPayment answers with a payment, spoiled as the call asks.
func (q *quickpay) tellPayment(c *call, status int, p *qpPayment) reply {
	v := q.view(p)
	q.spoil(c, &v)
	return qpJSON(status, v)
}

// balance is what the merchant has: captured less refunded.
func (p *qpPayment) balance() int64 {
	if p.o == nil {
		return 0
	}
	return p.o.Captured - p.o.Refunded
}

// open makes what the bank's books know of a payment, once it can be paid; a later link changes it.
func (q *quickpay) open(c *call, p *qpPayment, style string, amount int64, until time.Time) {
	if p.o == nil {
		p.o = q.b.open(c, &Object{
			Face: q.Name(), Account: strconv.FormatInt(q.opt.MerchantID, 10), Reference: p.order, ID: strconv.FormatInt(p.id, 10),
			Style: style, Currency: p.currency,
		})
	}
	p.o.Amount, p.o.LiveUntil = amount, until
}

// settle brings the state of a payment, and what the books say of it, in line with its operations and its link.
func (q *quickpay) settle(p *qpPayment) {
	last := ""
	for _, op := range p.operations {
		switch {
		case op.pending:
			last = qpPending
		case op.kind == qpAuthorize && op.code == qpApproved:
			last = qpNew
		case op.kind == qpAuthorize && last != qpNew && last != qpProcessed:
			last = qpDeclined
		case op.code == qpApproved && op.kind != qpRenew:
			last = qpProcessed
		}
	}
	if last != "" {
		p.state = last
	}
	switch {
	case p.o == nil:
		return
	case p.o.Captured > 0:
		p.o.Phase = Charged
	case p.held() > 0:
		p.o.Phase = Held
	case p.state == qpPending || p.payable():
		p.o.Phase = Live
	default:
		p.o.Phase = Dead
	}
	p.o.Status = p.state
}
