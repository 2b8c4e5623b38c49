package sim

import (
	"cmp"
	"fmt"
	"time"
)

// pay lets the payer of a page do something; see FreedomPay for the acts.
func (f *freedompay) pay(id, act string) error {
	p := f.payment(id)
	if p == nil {
		return fmt.Errorf("freedompay has no payment %q", id)
	}
	stands := p.Style == StyleOffer && p.Status == fpProcess && !p.checking
	switch act {
	case ActScan:
		if f.start(p, false) {
			f.session(p)
		}
	case ActConfirm:
		if stands {
			f.decide(p)
		}
	case ActPay, ActPayLate:
		if stands || f.start(p, act == ActPayLate && f.sw.LateSuccess) {
			f.decide(p)
		}
	case ActDecline:
		if stands || f.start(p, false) {
			f.decline(p, cmp.Or(f.sw.DeclineCode, fpNoMoney))
		}
	case ActPayAgain: // one pg_payment_id is paid once
	default:
		return fmt.Errorf("a payer at freedompay cannot %q", act)
	}
	return nil
}

// start presents a card on a page, if the payer can: within the lifetime, or later where the switch breaks the promise.
func (f *freedompay) start(p *fpPayment, late bool) bool {
	if p.Style != StyleOffer {
		return false
	}
	card := p.saved
	if card == nil {
		card = &fpCard{pan: "4" + f.b.digits(3) + "-43XX-XXXX-" + f.b.digits(4), brand: fpUsualBrand}
	}
	switch inTime := time.Now().Before(p.LiveUntil); {
	case p.Phase == Live && inTime && (p.Status == fpNew || p.Status == fpError):
	case late && p.Phase == Dead && !inTime && p.Authorized == 0:
		p.Excused, p.Phase = true, Live
	default:
		return false
	}
	f.begin(p, card)
	return true
}
