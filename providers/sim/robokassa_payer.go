package sim

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
)

// pay lets the payer of an offer do something; see Robokassa for the acts. What cannot be paid any more takes no act.
func (r *robokassa) pay(id, act string) error {
	p := r.byKey(id)
	if p == nil {
		return fmt.Errorf("robokassa has nothing with the key %q", id)
	}
	switch act {
	case ActScan:
		r.begin(p)
	case ActConfirm:
		if p.state == robokassaStarted {
			r.payNow(p)
		}
	case ActPay:
		r.payNow(p)
	case ActDecline:
		switch {
		case p.state == robokassaStopped: // the check ends badly
			r.move(p, robokassaCancelled, Dead)
		case p.Style == StyleOffer:
			r.decline(p)
		}
	case ActPayLate:
		r.payLate(p)
	case ActPayAgain: // one number is paid once: the page says 40
	default:
		return fmt.Errorf("a payer at robokassa cannot %q", act)
	}
	return nil
}

func (r *robokassa) payNow(p *robokassaPayment) {
	if p.Style == StyleOffer && p.payable() {
		r.begin(p)
		r.pursue(p)
	}
}

// payLate takes money for what was over without any, if the switch lets support do so.
func (r *robokassa) payLate(p *robokassaPayment) {
	over := p.state == robokassaCancelled || p.Status == robokassaWordExpired
	switch {
	case p.payable():
		r.payNow(p)
	case r.sw.LateSuccess && over && p.Phase == Dead && p.Authorized == 0:
		p.Excused = true // the merchant was free to go elsewhere
		p.declines = false
		r.take(p)
	}
}

func (r *robokassa) byKey(opKey string) *robokassaPayment {
	for _, p := range r.payments {
		if p.ID == opKey {
			return p
		}
	}
	return nil
}

// Open tells the bank that a payer was handed an address which the merchant composed; see Robokassa. The same address again
// changes nothing. The error says what its page would refuse, or that it is none.
func (r *robokassa) Open(address string) error {
	q, err := http.NewRequest(http.MethodGet, address, http.NoBody)
	if err != nil {
		return fmt.Errorf("the address of a page: %w", err)
	}
	g := &gate{b: r.b, f: r}
	r.b.mu.Lock()
	c := r.read(q, nil)
	c.r, c.body = q, nil
	w, _ := c.wants.(*robokassaWish)
	r.b.mu.Unlock()
	switch {
	case w.payment != nil:
		return nil // the bank has made the page itself
	case w.route == nil || w.route.path != robokassaIndexPath:
		return errors.New("robokassa has no such page")
	}
	c.op, c.money = OpCreate, c.create // for the ledger the merchant made an offer here, although no request was needed
	witness := g.ask(c)
	r.b.mu.Lock()
	var found []Violation
	if c.create {
		found = r.b.arrive(r.Name(), c, witness)
	}
	_, code := r.arrived(c, w)
	r.b.shown(r, c, true)
	r.b.mu.Unlock()
	r.b.report(found)
	if code != "" {
		return fmt.Errorf("the page of robokassa says error %s", code)
	}
	return nil
}

// serveOpen is Open on the control surface.
func (r *robokassa) serveOpen(w http.ResponseWriter, q *http.Request) {
	var wish struct {
		URL string `json:"url"`
	}
	err := readJSON(q, &wish)
	if err == nil {
		err = r.Open(wish.URL)
	}
	if err != nil {
		badRequest(w, err)
		return
	}
	writeJSON(w, http.StatusOK, map[string]bool{"done": true})
}

// settleByHand is the merchant's people in the cabinet. What a composed address leads to is nothing the cabinet knows, and a
// payer who has opened the page is not stopped: such an offer only ends by its time.
func (r *robokassa) settleByHand(o *Object) {
	p := r.byKey(o.ID)
	switch {
	case p == nil:
	case o.Phase == Held:
		r.release(p, byHand)
	case o.Phase == Charged && o.Captured-o.Refunded > p.refunding:
		back := r.refundOf(p, o.Captured-o.Refunded-p.refunding)
		r.giveBack(back, byHand)
	case o.Phase == Live && p.invoice != "" && p.state == robokassaUnopened:
		r.deactivate(p)
	}
}

// accepts says whether an answer to ResultURL is the one that Robokassa waits for.
func robokassaAccepts(number string) func(status int, body []byte) bool {
	return func(status int, body []byte) bool {
		return status == http.StatusOK && bytes.Equal(body, []byte("OK"+number))
	}
}
