package sim

// emulate is the sandbox emulator: it plays the payer by id, also of a QR whose answer the merchant lost. A call in the wrong
// order changes nothing and is answered 0. The scan of a return QR is our addition: nothing published plays that customer.
func (k *kaspi) emulate(_ *call, q *kaspiRequest) kaspiAnswer {
	id := q.body.id("qrPaymentId")
	p, r := k.purchase(id), k.returnQR(id)
	if p == nil && r == nil {
		return kaspiAnswer{code: kaspiNotFound, small: true}
	}
	switch step := q.last; {
	case p == nil && step == "scan":
		k.identify(r)
	case p == nil:
	case step == "scan":
		k.scan(p)
	case step == "confirm":
		k.confirm(p)
	case step == "scanerror" && p.unscanned(), step == "confirmerror" && p.o.Status == kaspiWait:
		k.end(p, kaspiError)
	}
	return kaspiAnswer{small: true}
}
