package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	payrouterv1 "github.com/payrouter/payrouter/proto/payrouter/v1"
	"github.com/payrouter/payrouter/providers/sim"
)

// audit compares our books with the bank's ledger.
type audit struct {
	Lines  []auditLine
	Strays []string // money of the bank's that no payment of ours names
}

// auditLine is one payment in both books, in minor units.
type auditLine struct {
	Payment  string
	State    string
	Gateways []string // where money is
	Returned []string // where money was and went back
	Amount   int64
	Books    int64 // what we say the gateways hold for us
	Ledger   int64 // what they do
}

func (l auditLine) agrees() bool { return l.Books == l.Ledger }

// compare goes through both books, every line of each.
func compare(payments []*payrouterv1.Payment, ledger sim.Ledger) audit {
	var a audit
	type key struct{ face, reference string }
	named := map[key]bool{}
	for _, p := range payments {
		l := auditLine{Payment: tail(p.GetName()), State: strings.ToLower(strings.TrimPrefix(p.GetState().String(), "STATE_")), Amount: p.GetAmount().GetMinorUnits()}
		l.Books = p.GetPaid().GetMinorUnits() - p.GetRefunded().GetMinorUnits() + p.GetSurplus().GetMinorUnits()
		for _, attempt := range p.GetAttempts() {
			named[key{attempt.GetProvider(), attempt.GetReference()}] = true
			if net := ledger.Net(attempt.GetProvider(), attempt.GetReference()); net != 0 {
				l.Ledger += net
				l.Gateways = append(l.Gateways, attempt.GetProvider())
			} else if took(ledger, attempt) {
				l.Returned = append(l.Returned, attempt.GetProvider()+" (given back)")
			}
		}
		a.Lines = append(a.Lines, l)
	}
	for _, o := range ledger.Objects {
		if k := (key{o.Face, o.Reference}); o.Captured != o.Refunded && !named[k] {
			a.Strays = append(a.Strays, fmt.Sprintf("%s %s %s", o.Face, o.Reference, decimal(o.Captured-o.Refunded)))
			named[k] = true
		}
	}
	slices.SortFunc(a.Lines, func(x, y auditLine) int { return cmp.Compare(x.Payment, y.Payment) })
	return a
}

// took reports whether the bank ever took money under the attempt's reference.
func took(ledger sim.Ledger, a *payrouterv1.Attempt) bool {
	return slices.ContainsFunc(ledger.Objects, func(o sim.Object) bool {
		return o.Face == a.GetProvider() && o.Reference == a.GetReference() && o.Captured > 0
	})
}

// doubleCharged counts payments for which more than their amount, or money at more
// than one gateway, is held.
func (a audit) doubleCharged() int {
	n := 0
	for _, l := range a.Lines {
		if l.Ledger > l.Amount || len(l.Gateways) > 1 {
			n++
		}
	}
	return n
}

// lost counts money on which the two books differ.
func (a audit) lost() int {
	n := len(a.Strays)
	for _, l := range a.Lines {
		if !l.agrees() {
			n++
		}
	}
	return n
}

// tail is the end of a payment's id, enough to tell payments apart on a screen.
func tail(name string) string { return name[max(0, len(name)-8):] }
