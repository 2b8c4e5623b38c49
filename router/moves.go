package router

import (
	"slices"
	"time"

	"github.com/payrouter/payrouter/health"
	"github.com/payrouter/payrouter/providers"
)

// moves counts payments by the gateway where they go, and where they would go with an
// order; "" is nowhere.
type moves map[[2]string]int64

func (m moves) add(from, to string) { m[[2]string{from, to}]++ }

// at counts the payments of a gateway: side 0 is before, 1 after.
func (m moves) at(side int, gateway string) (n int64) {
	for move, count := range m {
		if move[side] == gateway {
			n += count
		}
	}
	return n
}

// shifts are the shares of the gateways that have one, in the order of names.
func (m moves) shifts(names []string, considered int64) (all []Shift) {
	for _, name := range names {
		if before, after := m.at(0, name), m.at(1, name); before+after > 0 {
			all = append(all, Shift{Gateway: name, Before: basisPoints(before, considered), After: basisPoints(after, considered)})
		}
	}
	return all
}

// basisPoints is a share in hundredths of a percent, rounded.
func basisPoints(part, whole int64) int32 { return int32((part*10000 + whole/2) / whole) }

// loads are what would be on its way to the gateways that get more: their own peak, and
// of the peaks of those that payments would leave the part of these payments. What goes
// nowhere has no peak, and is counted.
func (m moves) loads(board []health.Health) (all []Load) {
	for _, to := range board {
		l := Load{Gateway: to.Gateway, Peak: to.Peak, Nowhere: m[[2]string{"", to.Gateway}], Most: to.Most}
		more := l.Nowhere > 0
		for _, from := range board {
			moved := m[[2]string{from.Gateway, to.Gateway}]
			if from.Gateway == to.Gateway || moved == 0 {
				continue
			}
			had := m.at(0, from.Gateway)
			l.Moving += int((int64(from.Peak)*moved + had - 1) / had) // a part of a call is a call
			more = true
		}
		if more {
			all = append(all, l)
		}
	}
	return all
}

// feeShifts adds up what payments cost, before and after.
type feeShifts struct {
	fee     func(string, providers.Method, providers.Money, time.Time) (providers.Money, bool)
	at      time.Time
	all     []FeeShift
	unknown map[string][]string // gateways by currency
}

func (f *feeShifts) add(amount providers.Money, from, to Candidate) {
	i := slices.IndexFunc(f.all, func(s FeeShift) bool { return s.Currency == amount.Currency })
	if i < 0 {
		i = len(f.all)
		f.all = append(f.all, FeeShift{Currency: amount.Currency})
	}
	before, known := f.of(amount, from)
	after, both := f.of(amount, to)
	if !known || !both {
		f.all[i].Unknown++
		return
	}
	f.all[i].Known++
	f.all[i].Before += before
	f.all[i].After += after
}

// of is what a payment costs at a candidate, and whether that is known.
func (f *feeShifts) of(amount providers.Money, c Candidate) (int64, bool) {
	if c.Gateway == "" {
		return 0, true
	}
	if f.fee != nil {
		if fee, known := f.fee(c.Gateway, c.Method, amount, f.at); known && fee.Currency == amount.Currency {
			return fee.Minor, true
		}
	}
	if unknown := f.unknown[amount.Currency]; !slices.Contains(unknown, c.Gateway) {
		f.unknown[amount.Currency] = append(unknown, c.Gateway)
	}
	return 0, false
}
