package sim

import (
	"fmt"
	"strconv"
	"time"
)

// Settle is the merchant's own people at work in the provider's cabinet, about one object: an offer is taken down, a hold
// released, and what was taken goes back. It reports whether the object holds nothing now and never will; a payer who stands
// before the bank at that moment is not stopped, so they must come again.
func (b *Bank) Settle(face, id string) (bool, error) {
	f := b.face(face)
	if f == nil {
		return false, fmt.Errorf("face %q is unknown; there are %q", face, b.Faces())
	}
	b.mu.Lock()
	o := b.find(face, id)
	if o == nil {
		b.mu.Unlock()
		return false, fmt.Errorf("%s has nothing with id or reference %q", face, id)
	}
	f.settleByHand(o)
	over := o.Phase == Dead || o.Phase == Charged && o.Captured == o.Refunded
	b.mu.Unlock()
	b.flush(face)
	return over, nil
}

const byHand = "by hand"

func (k *kaspi) settleByHand(o *Object) {
	switch p := k.purchase(kaspiID(o.ID)); {
	case o.Phase == Charged && o.Refunded < o.Captured:
		k.b.book(o, KindRefund, strconv.FormatInt(k.newID(), 10), o.Captured-o.Refunded, byHand)
	case p != nil && o.Phase == Live && o.Status != kaspiWait:
		k.end(p, kaspiError)
	}
}

func (h *halyk) settleByHand(o *Object) {
	p := h.payment(o.ID)
	switch {
	case p == nil:
	case o.Phase == Held:
		h.release(p, halykCancel)
	case o.Phase == Charged && p.payout() > 0:
		made := halykReturn{id: h.b.guid(), amount: p.payout(), at: time.Now()}
		p.refunds = append(p.refunds, made)
		h.b.book(o, KindRefund, made.id, made.amount, byHand)
		h.become(p, halykRefund, Charged)
	case o.Phase == Live && !p.begun():
		h.kill(p, halykExpired)
	}
}

func (w *wayforpay) settleByHand(o *Object) {
	ord := w.ids[o.ID]
	switch {
	case ord == nil:
	case o.Phase == Held:
		w.release(ord, byHand)
	case o.Phase == Charged && o.Captured-o.Refunded > ord.refunding:
		row := w.row(ord, wfpRefund, o.Captured-o.Refunded-ord.refunding, wfpRefunding, wfpRefundWaits)
		ord.refunding += row.amount
		w.refunded(ord, row, byHand)
	case o.Phase == Live:
		w.takeDown(ord)
	}
}
