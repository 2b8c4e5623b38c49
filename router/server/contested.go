package server

import (
	"time"

	pb "github.com/payrouter/payrouter/proto/payrouter/v1"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router/payment"
)

// acted is who did something, and when.
type acted struct {
	who string
	at  time.Time
}

// contested is the attempt that a dispute is about: the one that it names, else the one whose
// money is the payment's, else the only one that ever showed money.
func contested(p payment.Payment, name string) (payment.Attempt, error) {
	if name != "" {
		_, n, _ := parseAttempt(name)
		if n > len(p.Attempts) {
			return payment.Attempt{}, notFound(pb.ErrorReason_ERROR_REASON_NOT_FOUND, name)
		}
		return p.Attempts[n-1], nil
	}
	if p.Keeps > 0 {
		return p.Attempts[p.Keeps-1], nil
	}
	var showed []payment.Attempt
	for _, a := range p.Attempts {
		if tookOf(a) > 0 {
			showed = append(showed, a)
		}
	}
	if len(showed) != 1 {
		return payment.Attempt{}, nothingTaken(p)
	}
	return showed[0], nil
}

// tookOf is what an attempt took, in minor units, before anything was given back.
func tookOf(a payment.Attempt) int64 { return max(a.Captured, a.Held) }

// contestable is how much of an attempt may be contested: what it took. A payer may contest
// one that took nothing by our books, too: then it is what it was to take.
func contestable(p payment.Payment, a payment.Attempt) providers.Money {
	if took := tookOf(a); took > 0 {
		return providers.Money{Minor: took, Currency: p.Amount.Currency}
	}
	return p.Amount
}
