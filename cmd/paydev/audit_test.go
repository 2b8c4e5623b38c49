package main

import (
	"testing"

	payrouterv1 "github.com/payrouter/payrouter/proto/payrouter/v1"
	"github.com/payrouter/payrouter/providers/sim"
)

func paid(name string, minor int64, attempts ...*payrouterv1.Attempt) *payrouterv1.Payment {
	money := func(n int64) *payrouterv1.Money { return &payrouterv1.Money{MinorUnits: n, CurrencyCode: "KZT"} }
	return &payrouterv1.Payment{Name: "payments/" + name, State: payrouterv1.Payment_STATE_PAID, Amount: money(1000), Paid: money(minor), Attempts: attempts}
}

func attempt(provider, reference string) *payrouterv1.Attempt {
	return &payrouterv1.Attempt{Provider: provider, Reference: reference}
}

// ledger is a bank that took an amount under each reference.
func ledger(minor int64, references ...string) sim.Ledger {
	var l sim.Ledger
	for _, reference := range references {
		face := reference[:len(reference)-1]
		l.Entries = append(l.Entries, sim.Entry{Face: face, Reference: reference, Kind: sim.KindCharge, AmountMinor: minor})
		l.Objects = append(l.Objects, sim.Object{Face: face, Reference: reference, Captured: minor})
	}
	return l
}

func TestTheAuditSeesWhatIsWrong(t *testing.T) {
	for _, c := range []struct {
		name         string
		payment      *payrouterv1.Payment
		ledger       sim.Ledger
		double, lost int
	}{
		{"agreement", paid("1", 1000, attempt("kaspi", "kaspi1")), ledger(1000, "kaspi1"), 0, 0},
		{"charged at two gateways", paid("1", 1000, attempt("kaspi", "kaspi1"), attempt("halyk", "halyk1")), ledger(1000, "kaspi1", "halyk1"), 1, 1},
		{"more than the amount at one gateway", paid("1", 1000, attempt("kaspi", "kaspi1")), ledger(2000, "kaspi1"), 1, 1},
		{"paid here, not there", paid("1", 1000, attempt("kaspi", "kaspi1")), sim.Ledger{}, 0, 1},
		{"paid there, not here", paid("1", 0, attempt("kaspi", "kaspi1")), ledger(1000, "kaspi1"), 0, 1},
		{"money that nobody names", paid("1", 1000, attempt("kaspi", "kaspi1")), ledger(1000, "kaspi1", "kaspi2"), 0, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := compare([]*payrouterv1.Payment{c.payment}, c.ledger)
			if a.doubleCharged() != c.double || a.lost() != c.lost {
				t.Errorf("charged twice %d, lost %d, want %d and %d: %+v", a.doubleCharged(), a.lost(), c.double, c.lost, a)
			}
		})
	}
}
