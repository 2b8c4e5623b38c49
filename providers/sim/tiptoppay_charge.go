package sim

import (
	"strings"
)

// ttpACS is where the issuer's 3-D Secure page is.
const ttpACS = "/acs"

func (t *tiptoppay) readCharge(c *call, q *ttpRequest) {
	c.money, c.create = true, true
	t.readWish(c, q)
}

// chargeCard is /payments/cards/charge and auth: a payment by cryptogram.
func (t *tiptoppay) chargeCard(c *call, q *ttpRequest) ttpAnswer {
	s, o, refusal := t.wish(q)
	packet := q.text("CardCryptogramPacket")
	pan, _, _ := strings.Cut(packet, "/")
	card := ttpTestCard(pan)
	switch {
	case refusal != "":
	case s.ip == "":
		refusal = "IpAddress is required"
	case packet == "":
		refusal = "CardCryptogramPacket is required"
	case card == nil || t.packets[packet]:
		refusal = "Invalid CardCryptogramPacket value" // unreadable, or used up: each works once
	}
	if refusal != "" {
		return ttpRefusal(refusal)
	}
	t.packets[packet] = true
	s.saveCard = q.flag("SaveCard")
	return t.charge(c, q, s, o, card)
}

// chargeToken is /payments/tokens/charge and auth: a payment by a saved card. It knows no 3-D Secure.
func (t *tiptoppay) chargeToken(c *call, q *ttpRequest) ttpAnswer {
	s, o, refusal := t.wish(q)
	card := t.saved(q.text("Token"))
	initiator, scheduled := q.text("TrInitiatorCode"), q.text("PaymentScheduled")
	switch {
	case refusal != "":
	case s.accountID == "":
		refusal = "AccountId is required"
	case q.text("Token") == "":
		refusal = "Token is required"
	case initiator == "":
		refusal = "TrInitiatorCode is required"
	case initiator != "0" && initiator != "1":
		refusal = "Invalid TrInitiatorCode value"
	case initiator == "0" && scheduled != "0" && scheduled != "1":
		refusal = "PaymentScheduled is required"
	case card == nil || card.account != "" && card.account != s.accountID:
		refusal = "Invalid Token value"
	}
	if refusal != "" {
		return ttpRefusal(refusal)
	}
	return t.charge(c, q, s, o, card)
}

// saved finds a saved card; nil when this terminal has none such.
func (t *tiptoppay) saved(token string) *ttpCard {
	for _, card := range t.cards {
		if card.token == token {
			return card
		}
	}
	return nil
}

// charge makes a payment inside the call and answers what became of it.
func (t *tiptoppay) charge(c *call, q *ttpRequest, s *ttpSale, o *Object, card *ttpCard) ttpAnswer {
	s.hold = strings.HasSuffix(q.path, "/auth")
	s.Object = o // begin asks for the amount
	tx := t.begin(s, card)
	o.ID, o.Style, o.Status = tx.name(), StyleCharge, ttpAwaiting
	t.open(c, s, o)
	t.submit(tx, card.secure)
	if s.trying == nil {
		return t.verdict(tx)
	}
	return ttpAnswer{model: ttpObject{
		"TransactionId": tx.id, "PaReq": "eJx" + t.b.digits(24), "GoReq": nil, "AcsUrl": t.address(c.r, ttpACS), "ThreeDsSessionData": nil,
		"IFrameIsAllowed": true, "FrameWidth": nil, "FrameHeight": nil, "ThreeDsCallbackId": strings.ReplaceAll(t.b.guid(), "-", ""),
		"EscrowAccumulationId": nil,
	}}
}

// verdict answers with a decided transaction: accepted or declined.
func (t *tiptoppay) verdict(tx *ttpTransaction) ttpAnswer {
	return ttpAnswer{success: tx.status != ttpDeclined, model: t.model(tx)}
}

func (t *tiptoppay) readPost3DS(c *call, q *ttpRequest) {
	c.money = true
	t.readByID(c, q)
	if tx := t.named(q); tx != nil {
		c.once = ttpKey("post3ds", tx)
	}
}

// post3DS is /payments/cards/post3ds. Whoever has a PaRes has been at the bank, so any is a payer who agreed, unless they declined.
func (t *tiptoppay) post3DS(_ *call, q *ttpRequest) ttpAnswer {
	tx := t.named(q)
	switch {
	case tx == nil:
		return ttpRefusal(ttpNotFoundText)
	case q.text("PaRes") == "":
		return ttpRefusal("PaRes is required")
	case tx.status != ttpAwaiting || tx.sale.Style != StyleCharge:
		return t.wrongState("Transaction does not wait for authentication")
	case tx.denied:
		t.decline(tx, ttpNot3DS)
	default:
		t.decide(tx)
	}
	return t.verdict(tx)
}
