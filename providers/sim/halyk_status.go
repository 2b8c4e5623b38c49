package sim

import (
	"net/http"
	"strconv"
)

// What a status question itself came to; the money is in transaction.statusName.
const (
	halykResultAnswered        = "100"
	halykResultRejected        = "101"
	halykResultUnknown         = "102"
	halykResultNoTerminal      = "104"
	halykResultWrongTerminal   = "106"
	halykResultForeignTerminal = "109"
)

var halykResults = map[string]string{
	halykResultAnswered: "SUCCESS", halykResultRejected: "REJECTED", halykResultUnknown: "INVOICE NOT FOUND", "103": "ERROR, REPEAT",
	halykResultNoTerminal: "TERMINAL IS MISSING IN THE TOKEN", halykResultWrongTerminal: "WRONG TERMINAL", "107": "IN PROGRESS",
	halykResultForeignTerminal: "TERMINAL BELONGS TO ANOTHER CLIENT",
}

func (h *halyk) readStatus(c *call, w *halykWish) {
	c.reference = w.id
	if w.grant != nil {
		c.account = w.grant.terminal
	}
}

// readOperation finds out which invoice a transaction's id is about.
func (h *halyk) readOperation(c *call, w *halykWish) {
	if w.grant == nil {
		return
	}
	if p := h.transaction(w.id, w.grant.client); p != nil {
		c.reference, c.account, c.currency = p.invoice, p.terminal.ID, p.currency
	}
}

func halykStatusAnswer(code string, transaction any) reply {
	answer := map[string]any{"resultCode": code, "resultMessage": halykResults[code]}
	if transaction != nil {
		answer["transaction"] = transaction
	}
	return halykJSON(http.StatusOK, answer)
}

// asker finds the terminal in whose name a status is asked. Nil goes with the resultCode that says what is wrong.
func (h *halyk) asker(g *halykGrant) (*HalykTerminal, string) {
	t := h.terminal(g.terminal)
	switch {
	case g.terminal == "":
		return nil, halykResultNoTerminal
	case t == nil:
		return nil, halykResultWrongTerminal
	case t.Client != g.client:
		return nil, halykResultForeignTerminal
	}
	return t, ""
}

func (h *halyk) showByInvoice(c *call, w *halykWish) reply {
	t, wrong := h.asker(w.grant)
	if t == nil {
		halykTwists(c)
		return halykStatusAnswer(wrong, nil)
	}
	for _, p := range h.payments {
		if p.begun() && p.terminal == t && p.invoice == w.id {
			return h.show(c, p)
		}
	}
	halykTwists(c)
	return halykStatusAnswer(halykResultUnknown, nil)
}

func (h *halyk) showByID(c *call, w *halykWish) reply {
	t, wrong := h.asker(w.grant)
	p := h.payment(w.id)
	switch {
	case t == nil:
	case p == nil || !p.begun():
		wrong = halykResultUnknown
	case p.terminal.Client != t.Client:
		wrong = halykResultForeignTerminal
	case p.terminal != t:
		wrong = halykResultWrongTerminal
	}
	if wrong != "" {
		halykTwists(c)
		return halykStatusAnswer(wrong, nil)
	}
	return h.show(c, p)
}

// show is the answer about a transaction.
func (h *halyk) show(c *call, p *halykPayment) reply {
	halykTwists(c, FaultWrongAmount, FaultWrongReference, FaultUnknownStatus)
	code := halykResultAnswered
	if p.status == halykReject {
		code = halykResultRejected
	}
	return halykStatusAnswer(code, h.transactionObject(c, p))
}

// transactionObject spells ids with a capital D, unlike requests and notices.
func (h *halyk) transactionObject(c *call, p *halykPayment) map[string]any {
	id, invoice := h.told(c, p)
	amount, currency := p.settled()-p.bonus, p.currency
	if h.opt.BlankFailures && (p.status == halykFailed || p.status == halykReject) {
		amount, currency = 0, ""
	}
	status := halykWord(c, p.status)
	o := map[string]any{
		"id": id, "createdDate": halykDate(p.created), "invoiceID": invoice, "amount": halykTenge(halykTold(c, amount)),
		"amountBonus": halykTenge(p.bonus), "payoutAmount": halykTenge(p.payout()), "orgAmount": halykTenge(p.amount),
		"approvalCode": p.approval, "data": p.data, "currency": currency, "terminal": p.terminal.Number, "terminalID": p.terminal.ID,
		"accountID": p.account, "description": p.description, "language": p.tongue(), "cardMask": p.card.mask(),
		"cardType": p.card.brand(), "issuer": halykIssuer, "reference": p.reference, "intReference": p.internal,
		"secure": p.secured(), "secureDetails": "", "statusID": h.statusID(status), "statusName": status,
		"reason": halykReason(p.code), "reasonCode": p.code, "name": p.name, "email": p.email, "phone": p.phone, "cardID": p.cardID,
		"xlsRRN": p.reference, "ip": "",
	}
	if h.opt.OtherSpellings {
		o["terminal"], o["secure"] = halykNumber(p.terminal.Number), strconv.FormatBool(p.secured())
	}
	return o
}

// settled is the amount of the transaction: what was captured, or else what was asked for. Refunds do not change it.
func (p *halykPayment) settled() int64 {
	if p.o.Captured > 0 {
		return p.o.Captured
	}
	return p.amount
}

// payout is what the merchant gets, before the fee.
func (p *halykPayment) payout() int64 { return p.o.Captured - p.o.Refunded }

// secured says that the payer went through 3-D Secure: the bank's pages see to it, a saved card never does.
func (p *halykPayment) secured() bool { return p.way != halykDirect || p.secret != "" }

func (p *halykPayment) tongue() string {
	if p.language == "" {
		return "rus"
	}
	return p.language
}

func halykReason(code string) string {
	if word := halykMessages[code]; word != "" {
		return word
	}
	return "error " + code
}
