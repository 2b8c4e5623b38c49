package sim

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"time"
	"unicode/utf8"
)

// PlainPayOptions are the settings of the PlainPay face. Where a provider's documents leave a choice, a face has a switch here.
type PlainPayOptions struct {
	Shop string // the merchant's account; required
	Key  string // of requests and of notices; required
}

// plainpay is the face of a provider that does not exist: the example that CONTRIBUTING.md walks through. Bank.mu guards it.
//
//	open --pay--> paid      open --decline--> declined      open --/cancel--> canceled      open --time over--> expired
type plainpay struct {
	opt     PlainPayOptions
	b       *Bank
	notices map[string]string // where the notices of an order go
}

// plainFields are a request, an answer or a notice: all fields of this protocol are text.
type plainFields map[string]string

// PlainPay makes the face that speaks the protocol of providers/providertest/plainpay/protocol.md. Its name is "plainpay".
func PlainPay(opt PlainPayOptions) Face { return &plainpay{opt: opt, notices: map[string]string{}} }

func (p *plainpay) Name() string                        { return "plainpay" }
func (p *plainpay) attach(b *Bank)                      { p.b = b }
func (p *plainpay) retry(n int) (time.Duration, bool)   { return 10 * time.Minute, n <= 24*6 }
func (p *plainpay) routes() map[string]http.HandlerFunc { return nil } // there is nothing to switch while it runs

// refuse is the provider's own no, for a fault under which nothing may happen.
func (p *plainpay) refuse(c *call, kind FaultKind, code string, _ int) reply {
	switch kind {
	case FaultUnauthorized:
		return plainNo(c, http.StatusUnauthorized, "bad_key")
	case FaultThrottle:
		return plainNo(c, http.StatusTooManyRequests, "slow_down")
	case FaultNotFound:
		return plainNo(c, http.StatusNotFound, "no_such_order")
	}
	return plainNo(c, http.StatusConflict, code)
}

// read sorts a request by operation, and says what the merchant has promised about it: an order is created once, and a refund, which
// only its comment tells from another, is asked for once.
func (p *plainpay) read(r *http.Request, body []byte) *call {
	q := plainFields{}
	_ = json.Unmarshal(body, &q) // act refuses what is missing
	c := &call{op: OpProbe, account: q["shop"], reference: q["order"], currency: q["currency"], wants: q}
	c.amount, _ = parseMinor(q["amount"])
	switch r.URL.Path {
	case "/create":
		c.op, c.money, c.create, c.inert = OpCreate, true, true, true
		c.once, c.unique = "create/"+c.reference, c.reference
	case "/status":
		c.op = OpStatus
	case "/cancel":
		c.op = OpVoid
	case "/refund":
		c.op, c.money, c.once = OpRefund, true, "refund/"+c.reference+"/"+q["comment"]
	}
	return c
}

// act does what is asked, or says why not. The order of the cases is the order in which PlainPay looks.
func (p *plainpay) act(c *call) reply {
	q, _ := c.wants.(plainFields)
	o, path := p.b.find(p.Name(), c.reference), c.r.URL.Path
	until, err := time.Parse(time.RFC3339, q["until"])
	switch {
	case c.r.Header.Get("Authorization") != "Bearer "+p.opt.Key || c.account != p.opt.Shop:
		return plainNo(c, http.StatusUnauthorized, "bad_key")
	case path == "/ping":
		c.twist = "" // it says nothing that could be spoiled
		return plainJSON(http.StatusOK, plainFields{"shop": p.opt.Shop, "state": "at your service"})
	case path == "/create" && o != nil:
		return plainNo(c, http.StatusConflict, "order_exists")
	case path == "/create" && (err != nil || c.reference == "" || len(c.reference) > 24 || utf8.RuneCountInString(q["text"]) > 100 || c.amount <= 0 || c.currency != "KZT"):
		return plainNo(c, http.StatusBadRequest, "malformed")
	case path == "/create":
		o = p.b.open(c, &Object{Face: p.Name(), Account: c.account, Reference: c.reference, ID: p.b.guid(), Style: StyleOffer,
			Status: "open", Phase: Live, Amount: c.amount, Currency: c.currency, LiveUntil: until})
		p.notices[o.Reference] = q["notice_url"]
		p.b.after(time.Until(until), func() { plainEnd(o, "expired") })
	case o == nil:
		return plainNo(c, http.StatusNotFound, "no_such_order")
	case path == "/cancel" && !plainEnd(o, "canceled") && o.Status != "canceled":
		return plainNo(c, http.StatusConflict, "not_open")
	case path == "/refund" && (c.amount <= 0 || c.amount > o.Captured-o.Refunded || c.currency != o.Currency):
		return plainNo(c, http.StatusConflict, "not_refundable")
	case path == "/refund":
		p.b.book(o, KindRefund, p.b.guid(), c.amount, q["comment"])
	}
	answer := p.stands(o)
	switch c.twist { // the lie that a fault asks for
	case FaultWrongAmount:
		answer["amount"] = "7" + answer["amount"]
	case FaultWrongReference:
		answer["order"] = "another"
	case FaultUnknownStatus:
		answer["state"] = cmp.Or(c.code, "levitating")
	default: // answers are not signed: there is no place for a bad signature
		c.twist = ""
	}
	return plainJSON(http.StatusOK, answer)
}

// pay lets the payer act. Who scans has opened the page, and changed nothing; nothing is taken late, and nothing twice.
func (p *plainpay) pay(id, act string) error {
	o := p.b.find(p.Name(), id)
	switch act {
	case ActScan, ActPayLate, ActPayAgain:
	case ActPay, ActConfirm:
		if o.Status == "open" {
			o.Status, o.Phase = "paid", Charged
			p.b.book(o, KindCharge, "", o.Amount, "")
			p.tell(o)
		}
	case ActDecline:
		if plainEnd(o, "declined") {
			p.tell(o)
		}
	default:
		return fmt.Errorf("a payer of plainpay cannot %q", act)
	}
	return nil
}

func (p *plainpay) settleByHand(o *Object) {
	if !plainEnd(o, "canceled") && o.Captured > o.Refunded {
		p.b.book(o, KindRefund, p.b.guid(), o.Captured-o.Refunded, byHand)
	}
}

// plainEnd ends a payment that is open, without money, and reports whether it was.
func plainEnd(o *Object, status string) bool {
	if o.Status != "open" {
		return false
	}
	o.Status, o.Phase = status, Dead
	return true
}

// stands is the payment as it stands now.
func (p *plainpay) stands(o *Object) plainFields {
	return plainFields{"shop": p.opt.Shop, "order": o.Reference, "id": o.ID, "state": o.Status, "amount": major(o.Amount), "currency": o.Currency,
		"returned": major(o.Refunded), "until": o.LiveUntil.Format(time.RFC3339), "url": "https://plainpay.example/" + o.ID}
}

// tell sends a notice. The forged copy speaks of other money under the true one's signature.
func (p *plainpay) tell(o *Object) {
	body, forged := plainJSON(0, p.stands(o)).body, p.stands(o)
	forged["state"], forged["amount"] = "paid", "7"+forged["amount"]
	mac := hmac.New(sha256.New, []byte(p.opt.Key))
	mac.Write(body)
	p.b.notify(&letter{
		Notice: Notice{Face: p.Name(), Reference: o.Reference, URL: p.notices[o.Reference], Body: string(body)},
		header: http.Header{"Plainpay-Signature": {fmt.Sprintf("%x", mac.Sum(nil))}}, forgery: plainJSON(0, forged).body,
	})
}

func plainNo(c *call, status int, code string) reply {
	c.twist = "" // a refusal names no money, order or state
	return plainJSON(status, plainFields{"error": code})
}

func plainJSON(status int, f plainFields) reply {
	body, _ := json.Marshal(f) // texts always can be
	return reply{status: status, body: body}
}
