package sim

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// Types of operations.
const (
	qpAuthorize = "authorize"
	qpCapture   = "capture"
	qpRefund    = "refund"
	qpCancel    = "cancel"
	qpRenew     = "renew"
)

// qpOperation is one step on a payment, decided by the acquirer.
type qpOperation struct {
	n        int // from 1 within the payment
	kind     string
	amount   int64
	pending  bool
	code     string // qp_status_code; empty while pending
	why      string // the acquirer's words
	callback string // where its callback goes; empty is the account-wide address
	created  time.Time

	plastic *qpPlastic // of authorize
	capture bool       // of authorize: auto_capture
	forced  string     // a code that is decided already
	note    string     // for the books
	missign bool       // its callbacks do not verify
}

type qpOperationView struct {
	ID           int             `json:"id"`
	Type         string          `json:"type"`
	Amount       *int64          `json:"amount"`
	Pending      bool            `json:"pending"`
	StatusCode   json.RawMessage `json:"qp_status_code"`
	StatusMsg    *string         `json:"qp_status_msg"`
	AcquirerCode *string         `json:"aq_status_code"`
	AcquirerMsg  *string         `json:"aq_status_msg"`
	Data         struct{}        `json:"data"`
	CallbackURL  *string         `json:"callback_url"`
	CreatedAt    string          `json:"created_at"`
}

func (q *quickpay) viewOperation(op *qpOperation) qpOperationView {
	v := qpOperationView{
		ID: op.n, Type: op.kind, Pending: op.pending, CallbackURL: qpOrNull(op.callback), CreatedAt: qpTime(op.created),
	}
	if op.kind != qpRenew && (op.kind != qpCancel || q.sw.CancelHasAmount) {
		v.Amount = &op.amount
	}
	code := op.code
	if op.pending && q.sw.PendingHasCode {
		code = qpWaiting
	}
	v.StatusCode = q.statusCode(code)
	if code != "" {
		v.StatusMsg = qpOrNull(qpMessages[code])
	}
	if !op.pending {
		aq := code
		v.AcquirerCode, v.AcquirerMsg = &aq, qpOrNull(op.why)
	}
	return v
}

// statusCode writes a qp_status_code; none is null.
func (q *quickpay) statusCode(code string) json.RawMessage {
	switch {
	case code == "":
		return json.RawMessage("null")
	case q.sw.NumericCodes && isDigits(code) && code[0] != '0':
		return json.RawMessage(code)
	}
	return qpText(code)
}

// authorized says that an authorize was approved, whatever became of the money since.
func (p *qpPayment) authorized() bool {
	return slices.ContainsFunc(p.operations, func(op *qpOperation) bool { return op.kind == qpAuthorize && op.code == qpApproved })
}

// lastGood is the type of the newest approved operation.
func (p *qpPayment) lastGood() string {
	kind := ""
	for _, op := range p.operations {
		if op.code == qpApproved && op.kind != qpRenew {
			kind = op.kind
		}
	}
	return kind
}

// uncaptured is what the operations leave of the hold; the acquirer may have dropped it.
func (p *qpPayment) uncaptured() int64 {
	if p.o == nil || p.lastGood() == qpCancel {
		return 0
	}
	return p.o.Authorized - p.o.Captured
}

// held is what the acquirer holds.
func (p *qpPayment) held() int64 {
	if p.expired {
		return 0
	}
	return p.uncaptured()
}

// count says how many operations of a type there are, whatever became of them.
func (p *qpPayment) count(kind string) int {
	n := 0
	for _, op := range p.operations {
		if op.kind == kind {
			n++
		}
	}
	return n
}

// begin writes a new operation down as pending.
func (q *quickpay) begin(p *qpPayment, kind string, amount int64, callback string) *qpOperation {
	op := &qpOperation{n: len(p.operations) + 1, kind: kind, amount: amount, pending: true, callback: callback, created: time.Now()}
	p.operations = append(p.operations, op)
	p.updated = op.created
	return op
}

// perform hands an operation to the acquirer, and reports whether the acquirer has answered.
func (q *quickpay) perform(p *qpPayment, op *qpOperation, wait bool) bool {
	delay := orDefault(q.sw.AcquirerTakes, time.Second)
	switch {
	case op.kind == qpAuthorize && op.plastic.number == QuickPayQueued && op.forced == "":
		delay = qpQueue
	case wait:
		q.finish(p, op)
		return true
	}
	q.settle(p)
	if q.sw.PendingCallbacks {
		q.tell(p, op)
	}
	q.b.after(delay, func() { q.finish(p, op) })
	return false
}

// decide is the acquirer's answer.
func (q *quickpay) decide(p *qpPayment, op *qpOperation) (code, why string) {
	switch {
	case op.forced != "":
		return op.forced, qpMessages[op.forced]
	case op.kind == qpAuthorize && !slices.Contains(q.opt.Currencies, p.currency):
		return qpInvalidData, "Currency is not supported"
	case op.kind == qpAuthorize:
		return q.answers(op.plastic, op.kind)
	case p.expired && op.kind != qpRefund:
		return qpHoldExpired, qpMessages[qpHoldExpired]
	}
	return q.answers(p.plastic, op.kind)
}

// finish ends an operation, moves the money, and goes on to the capture that was asked for together with an authorize.
func (q *quickpay) finish(p *qpPayment, op *qpOperation) {
	op.code, op.why = q.decide(p, op)
	approved := op.code == qpApproved
	if approved {
		q.execute(p, op)
	}
	op.pending, p.updated = false, time.Now()
	q.settle(p)
	q.tell(p, op)
	if approved && op.capture {
		q.captureAfter(p, op, time.Duration(q.sw.CaptureTakes))
	}
}

// captureAfter captures what an authorize was to capture by itself, unless the merchant was faster.
func (q *quickpay) captureAfter(p *qpPayment, op *qpOperation, wait time.Duration) {
	if wait > 0 {
		q.b.after(wait, func() {
			if p.lastGood() == qpAuthorize && p.state != qpPending {
				q.captureAfter(p, op, 0)
			}
		})
		return
	}
	next := q.begin(p, qpCapture, op.amount, op.callback)
	next.missign = op.missign
	q.perform(p, next, true)
}

// execute moves the money of an approved operation.
func (q *quickpay) execute(p *qpPayment, op *qpOperation) {
	p.accepted = true
	id := fmt.Sprintf("%d-%d", p.id, op.n)
	switch op.kind {
	case qpAuthorize:
		op.plastic.spent = op.plastic.number == QuickPayOnce
		q.b.book(p.o, KindAuthorize, id, op.amount, op.note)
		q.hold(p)
	case qpCapture:
		q.b.book(p.o, KindCapture, id, op.amount, op.note)
	case qpRefund:
		q.b.book(p.o, KindRefund, id, op.amount, op.note)
	case qpCancel:
		q.b.book(p.o, KindVoid, id, op.amount, op.note)
		q.b.cancel(p.holdEnds)
	case qpRenew:
		q.hold(p)
	}
}

// hold starts the acquirer's clock. Nothing tells the merchant when it ends: only a capture finds out.
func (q *quickpay) hold(p *qpPayment) {
	q.b.cancel(p.holdEnds)
	if q.sw.HoldLife == 0 {
		return
	}
	p.holdEnds = q.b.after(time.Duration(q.sw.HoldLife), func() {
		if rest := p.held(); rest > 0 {
			q.b.book(p.o, KindVoid, "", rest, "hold over")
			p.expired = true
			q.settle(p)
		}
	})
}
