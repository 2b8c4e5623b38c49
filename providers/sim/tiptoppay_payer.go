package sim

import "fmt"

// pay lets the payer of a sale do something; see TipTopPay for the acts. What they cannot do comes to nothing.
func (t *tiptoppay) pay(id, act string) error {
	s := t.sale(id)
	if s == nil {
		return fmt.Errorf("tiptoppay has no object %q", id)
	}
	if s.trying != nil {
		return t.authenticate(s.trying, act)
	}
	switch act {
	case ActScan:
		if tx := t.start(s, false); tx != nil {
			t.submit(tx, true)
		}
	case ActPay, ActPayLate:
		if tx := t.start(s, act == ActPayLate && t.sw.LateSuccess); tx != nil {
			t.submit(tx, false)
		}
	case ActDecline:
		if tx := t.start(s, false); tx != nil {
			tx.card.declines = t.sw.DeclineCode
			if tx.card.declines == 0 {
				tx.card.declines = ttpNoMoney
			}
			t.submit(tx, false)
		}
	case ttpActChargeback:
		if s.Phase == Charged {
			t.claim(s.paid)
		}
	case ActConfirm, ActPayAgain: // nothing to agree to; what is paid is paid
	default:
		return fmt.Errorf("a payer at tiptoppay cannot %q", act)
	}
	return nil
}

// start begins a transaction on an order, if its payer can: late only where the switch breaks the promise that a cancelled or
// expired order can no longer be paid.
func (t *tiptoppay) start(s *ttpSale, late bool) *ttpTransaction {
	if s.Style == StyleCharge || s.reserve || s.paid != nil || s.closed && !late {
		return nil
	}
	if s.closed {
		s.Excused = true // the merchant was free to go elsewhere
	}
	s.Phase = Live
	card := *ttpTestCard("4242424242424242")
	return t.begin(s, &card)
}

// authenticate is a payer before the bank's 3-D Secure page. A payment by cryptogram waits for the merchant's post3ds after it.
func (t *tiptoppay) authenticate(tx *ttpTransaction, act string) error {
	ours := tx.sale.Style != StyleCharge || t.sw.ThreeDSCompletes // the gateway itself hears from the issuer
	standing := tx.sale.Status == ttpAwaiting && len(tx.sale.tries) > 0 && tx.sale.tries[len(tx.sale.tries)-1] == tx
	switch act {
	case ActPay, ActConfirm, ActPayLate:
		if !standing {
			return nil // the merchant is being asked
		}
		tx.agreed, tx.denied = true, false
		if ours {
			t.decide(tx)
		}
	case ActDecline:
		if !standing {
			return nil
		}
		tx.agreed, tx.denied = false, true
		if ours {
			t.decline(tx, ttpNot3DS)
		}
	case ActScan, ActPayAgain, ttpActChargeback:
	default:
		return fmt.Errorf("a payer at tiptoppay cannot %q", act)
	}
	return nil
}
