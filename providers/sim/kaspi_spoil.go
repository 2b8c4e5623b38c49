package sim

import (
	"cmp"
	"strconv"
)

// spoil bends a true answer as c.twist asks, and clears c.twist where it has no place for that lie.
func (k *kaspi) spoil(c *call, q *kaspiRequest, a *kaspiAnswer) {
	twist := c.twist
	if twist == "" || a.code != kaspiOK || a.bare != "" {
		c.twist = ""
		return
	}
	other := int64(0)
	if twist == FaultWrongReference {
		other = k.otherID(q.purchase)
	}
	switch data := a.data.(type) {
	case *kaspiStatus:
		switch {
		case twist == FaultUnknownStatus && kaspiID(c.code) == 0:
			data.Status = cmp.Or(c.code, "PaymentFrozen")
			return
		case twist == FaultWrongAmount && data.Amount != nil:
			data.Amount = k.numberOut(major(q.purchase.o.Amount + 100))
			return
		case twist == FaultWrongReference && data.TransactionID != "":
			data.TransactionID = strconv.FormatInt(other, 10)
			return
		}
	case *kaspiDetails:
		switch twist {
		case FaultWrongAmount:
			data.TotalAmount = kaspiTenge(q.purchase.o.Amount + 100)
			return
		case FaultWrongReference:
			data.QrPaymentID = k.idOut(other)
			return
		}
	case *kaspiOffer:
		if twist == FaultWrongReference {
			data.misname(k.idOut(other))
			c.twist = "" // nobody can see it in this answer: the merchant shows the offer
			return
		}
	}
	if twist == FaultUnknownStatus {
		a.code, a.word, a.data = kaspiNobodyKnows, c.code, nil
		return
	}
	c.twist = ""
}

// otherID is the id of somebody else's purchase, or of none.
func (k *kaspi) otherID(mine *kaspiPurchase) int64 {
	for _, p := range k.purchases {
		if mine != nil && p.id != mine.id {
			return p.id
		}
	}
	return k.lastID + 7
}
