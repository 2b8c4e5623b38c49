package office

import (
	"time"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router/payment"
)

// asked is what a provider is asked about an attempt.
func asked(p payment.Payment, a payment.Attempt) providers.Asked {
	ask := providers.Asked{Ref: p.Ref(a)}
	for _, o := range refundsOf(p, a) {
		ask.Refunds = append(ask.Refunds, providers.Refund{Ref: ask.Ref, ID: o.Reference, External: o.External, Amount: o.Amount,
			Before: providers.Money{Minor: o.Before, Currency: o.Amount.Currency}})
	}
	return ask
}

func refundsOf(p payment.Payment, a payment.Attempt) []payment.Operation {
	var all []payment.Operation
	for _, o := range p.Operations {
		if o.Attempt == a.N && o.Op == payment.OpRefund {
			all = append(all, o)
		}
	}
	return all
}

// toldLine is a line of a walk, with when our books begin what it tells of. That says which
// day's statement it is a line of, whatever its own date: a plan never moves, so that a
// movement is told on one day, however often days are read.
type toldLine struct {
	providers.StatementLine
	began time.Time
}

// linesOf makes lines of what a provider tells of an attempt.
//
//	told                               is                               and belongs to
//	the charge                         a line                           the attempt
//	a refund, by its id                a line                           that refund
//	a sum given back, besides those    a line for each refund of ours   that refund
//	                                   that it covers, oldest first
//	what is left of the sum            one line: nobody here made it    the attempt
//
// A refund whose outcome nobody knows is covered only if the sum is what was back before it
// and its own amount, as in a look-up; a refused one never is. Where no time is told a line
// has that of our books.
func linesOf(p payment.Payment, a payment.Attempt, told providers.Told) []toldLine {
	if !told.Known {
		return nil
	}
	charge := told.Charge
	charge.At = dated(charge.At, a.Taken, a.Planned)
	lines := []toldLine{{charge, a.Planned}}
	left, named := told.Returned.Minor, map[string]bool{}
	for _, l := range told.Refunds {
		began := a.Planned
		for _, o := range refundsOf(p, a) {
			if o.External != "" && o.External == l.External {
				began = o.At
			}
		}
		named[l.External] = true
		if l.Verdict == providers.Approved {
			left -= l.Amount.Minor
		}
		l.At = dated(l.At, began)
		lines = append(lines, toldLine{l, began})
	}
	back := func(minor int64, external string, at time.Time) {
		if minor <= 0 {
			return
		}
		left -= minor
		lines = append(lines, toldLine{providers.StatementLine{Kind: providers.LineRefund, Order: charge.Order, External: external, Verdict: providers.Approved,
			Amount: providers.Money{Minor: minor, Currency: told.Returned.Currency}, At: at, Code: charge.Code}, at})
	}
	for _, o := range refundsOf(p, a) {
		switch {
		case o.External != "" && named[o.External]:
		case o.Verdict == providers.Approved:
			back(min(left, o.Amount.Minor), o.External, o.At)
		case !o.Settled() && told.Returned.Minor == o.Before+o.Amount.Minor && left >= o.Amount.Minor:
			back(o.Amount.Minor, o.External, o.At)
		}
	}
	back(left, "", a.Planned)
	return lines
}

// dated is the first time that is one.
func dated(times ...time.Time) time.Time {
	for _, at := range times {
		if !at.IsZero() {
			return at
		}
	}
	return time.Time{}
}
