package reconcile

import (
	"errors"

	"github.com/payrouter/payrouter/providers"
)

// Errors of money that is nobody's and cannot become a payment as it stands.
var (
	ErrNoCharge = errors.New("no money was taken under this name")
	ErrSeveral  = errors.New("more than one movement bears this name: nobody can say which of them it is")
	ErrUnclear  = errors.New("a line of it cannot be read, or says that the money is gone")
	ErrNameless = errors.New("the gateway names neither an order nor an id of its own for it")
)

// Orphan is the one charge that lines of nobody's tell of, and how much of it went back, in
// minor units: too much rather than too little. A charge that is told twice is one.
func Orphan(lines []providers.StatementLine) (charge providers.StatementLine, returned int64, err error) {
	told := map[said]bool{}
	found := false
	for _, l := range lines {
		if read(l) != money || l.Kind != providers.LineCharge {
			continue
		}
		if found && (l.External != charge.External || l.Amount != charge.Amount || l.Verdict != charge.Verdict) {
			return charge, 0, ErrSeveral
		}
		charge, found = l, true
	}
	switch {
	case !found, charge.Verdict != providers.Approved:
		return charge, 0, ErrNoCharge
	case charge.Order == "" && charge.External == "":
		return charge, 0, ErrNameless
	}
	for _, l := range lines {
		switch is := read(l); {
		case is == unclear, is == quiet && l.Verdict == providers.Declined && l.External == charge.External && !l.At.Before(charge.At):
			return charge, 0, ErrUnclear
		case is == money && l.Kind == providers.LineRefund:
			if l.Amount.Currency != charge.Amount.Currency {
				return charge, 0, ErrUnclear
			}
			own := l.External != "" && l.External != charge.External // else two that are alike are two
			if once := (said{id: l.External, amount: l.Amount}); !own || !told[once] {
				told[once] = true
				returned += l.Amount.Minor
			}
		}
	}
	if returned > charge.Amount.Minor {
		return charge, 0, ErrUnclear
	}
	return charge, returned, nil
}
