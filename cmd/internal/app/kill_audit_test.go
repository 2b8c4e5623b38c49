//go:build unix

package app_test

import (
	"fmt"
	"slices"

	"github.com/payrouter/payrouter/providers/sim"
	"github.com/payrouter/payrouter/router/journal"
	"github.com/payrouter/payrouter/router/payment"
)

// history is a payment's event log, and how the payment stood after each event.
type history struct {
	events []payment.Event
	after  []payment.Payment
}

// now is the payment as it stands.
func (h history) now() payment.Payment { return h.after[len(h.after)-1] }

// histories reads the event log of every payment.
func (w *world) histories() map[string]history {
	w.t.Helper()
	all := map[string]history{}
	w.must(w.read(func(s *journal.Store) error {
		payments, err := s.List(w.t.Context(), journal.Filter{Tenant: "shop"}, journal.Cursor{}, 1000)
		if err != nil {
			return err
		}
		for _, p := range payments {
			var h history
			if h.events, err = s.Events(w.t.Context(), p.ID); err != nil {
				return err
			}
			var then payment.Payment
			for _, e := range h.events {
				if then, err = then.Apply(e); err != nil {
					return err
				}
				h.after = append(h.after, then)
			}
			all[p.ID] = h
		}
		return nil
	}))
	return all
}

// audit compares the event log, the bank's ledger and the callers' own log, when all has
// come to rest. There are so many payments; each one's money is at one gateway at most,
// as much as the books say and never more than it may have; the ledger and the event log
// hold the same, line by line; and nobody was told what is not so.
func (w *world) audit(r *replica, payments int) {
	w.t.Helper()
	books, ledger := w.histories(), w.bank.Ledger()
	if len(books) != payments {
		w.t.Errorf("%d payments, want %d", len(books), payments)
	}
	owners := map[[2]string]payment.Payment{}
	for id, h := range books {
		for _, a := range h.now().Attempts {
			owners[[2]string{a.Provider, a.Reference}] = h.now()
		}
		for _, wrong := range append(h.slips(), h.imbalance(ledger)...) {
			w.t.Errorf("%s %s\n%s", id, wrong, w.story(r, "payments/"+id))
		}
	}
	for _, o := range ledger.Objects {
		if w.lost[o.Reference] {
			continue
		}
		if _, ours := owners[[2]string{o.Face, o.Reference}]; !ours {
			w.t.Errorf("no attempt of ours: %s %s %s", o.Face, o.Reference, o.Status)
		}
	}
	for _, e := range ledger.Entries {
		if w.lost[e.Reference] {
			continue
		}
		p, ours := owners[[2]string{e.Face, e.Reference}]
		if !ours || e.Currency != p.Amount.Currency || e.AmountMinor > p.Amount.Minor {
			w.t.Errorf("no attempt of ours: %+v", e)
		}
	}
	for _, wrong := range w.heard.disagreements(books) {
		w.t.Errorf("a caller heard what is not so: %s", wrong)
	}
}

// imbalance compares a payment with the ledger.
func (h history) imbalance(ledger sim.Ledger) (wrong []string) {
	p := h.now()
	var there int64
	var at []string
	for _, a := range p.Attempts {
		taken, returned := 0, []int64{}
		for _, e := range ledger.Entries {
			if e.Face != a.Provider || e.Reference != a.Reference {
				continue
			}
			switch e.Kind {
			case sim.KindAuthorize, sim.KindCharge:
				taken++
			case sim.KindRefund:
				returned = append(returned, e.AmountMinor)
			}
		}
		if taken > 1 {
			wrong = append(wrong, fmt.Sprintf("took money %d times at %s", taken, a.Provider))
		}
		if ours := h.returned(a.N); !slices.Equal(ours, returned) {
			wrong = append(wrong, fmt.Sprintf("gave back %v at %s, the ledger says %v", ours, a.Provider, returned))
		}
		if net := ledger.Net(a.Provider, a.Reference); net != 0 {
			there += net
			at = append(at, a.Provider)
		}
	}
	sums := p.Sums()
	if here := sums.Paid - sums.Refunded + sums.Surplus; here != there || there > p.Amount.Minor || len(at) > 1 || sums.Surplus != 0 {
		wrong = append(wrong, fmt.Sprintf("has %d of %d, the ledgers %d, at %v", here, p.Amount.Minor, there, at))
	}
	return wrong
}

// returned lists what an attempt's refunds gave back, in the order of their settling.
func (h history) returned(attempt int) []int64 {
	amounts := []int64{}
	p := h.now()
	settled := slices.Clone(p.Operations)
	slices.SortStableFunc(settled, func(a, b payment.Operation) int { return a.SettledAt.Compare(b.SettledAt) })
	for _, o := range settled {
		if o.Attempt == attempt && o.Op == payment.OpRefund && o.Settled() && o.Verdict.HasMoney() {
			amounts = append(amounts, o.Amount.Minor)
		}
	}
	return amounts
}

// slips lists where the event log went backward (I5): a final state that was left for
// another than PAID, and money given back that was not given back afterwards.
func (h history) slips() (wrong []string) {
	for i := 1; i < len(h.after); i++ {
		was, is := h.after[i-1], h.after[i]
		if was.Status().Final() && is.Status() != was.Status() && (was.Status() == payment.StatusPaid || is.Status() != payment.StatusPaid) {
			wrong = append(wrong, fmt.Sprintf("was %s and became %s by event %d", was.Status(), is.Status(), i+1))
		}
		if is.Sums().Refunded < was.Sums().Refunded {
			wrong = append(wrong, fmt.Sprintf("had refunded %d and then %d by event %d", was.Sums().Refunded, is.Sums().Refunded, i+1))
		}
	}
	return wrong
}
