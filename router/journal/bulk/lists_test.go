package bulk

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/payrouter/payrouter/router/journal"
	"github.com/payrouter/payrouter/router/payment"
)

// However a list is found (by an index that has few payments alone, by the few attempts of a
// gateway, or by going through all), its pages have what a look at every payment finds.
func TestListsHaveWhatALookAtEveryPaymentFinds(t *testing.T) {
	const payments, often = 4000, 2000 // a gateway with more attempts than that is looked for another way
	plan := Plan{Payments: payments, PerDay: 100_000, Until: until}.Default()
	on(t, func(t *testing.T, bulk, _ *kept) {
		if _, err := bulk.fill(t, plan); err != nil {
			t.Fatal(err)
		}
		var all []payment.Payment // newest first, as lists are
		attempts := map[string]int{}
		for n := payments - 1; n >= 0; n-- {
			h, err := plan.history(n, Terms())
			if err != nil {
				t.Fatal(err)
			}
			p := h.commits[len(h.commits)-1].p
			for _, a := range p.Attempts {
				attempts[a.Gateway]++
			}
			all = append(all, p)
		}
		if first, last := attempts[Gateways()[0]], attempts[Gateways()[2]]; first <= often || last == 0 || last >= often {
			t.Fatalf("the gateways have %v attempts: not both ways are looked at", attempts)
		}
		filters := []journal.Filter{{}, {AtRisk: true}, {CreatedFrom: plan.At(1000), CreatedBefore: plan.At(2000)}, {Gateway: "nobody-main"}, {Gateway: Gateways()[0], AtRisk: true},
			{Gateway: Gateways()[0], Status: payment.StatusDeclined, CreatedFrom: plan.At(1000)}, {Gateway: Gateways()[2], Status: payment.StatusPaid, CreatedBefore: plan.At(2000)}}
		for _, g := range Gateways() {
			filters = append(filters, journal.Filter{Gateway: g})
		}
		for _, s := range payment.Statuses() {
			filters = append(filters, journal.Filter{Status: s}, journal.Filter{Status: s, Gateway: Gateways()[2]})
		}
		for n := range 40 { // of some the order is open to another payment
			filters = append(filters, journal.Filter{Order: Order(n)})
		}
		for _, f := range filters {
			for _, f.Tenant = range Tenants() {
				var want, got []string
				for _, p := range all {
					if chosen(f, p) {
						want = append(want, p.ID)
					}
				}
				for after := (journal.Cursor{}); ; {
					page, err := bulk.store.List(t.Context(), f, after, 400)
					if err != nil {
						t.Fatal(err)
					}
					for _, p := range page {
						got, after = append(got, p.ID), journal.Cursor{Created: p.Created, ID: p.ID}
					}
					if len(page) < 400 {
						break
					}
				}
				if !slices.Equal(got, want) {
					t.Errorf("%s: %d payments, want %d", fmt.Sprintf("%+v", f), len(got), len(want))
				}
			}
		}
	})
}

// chosen reports whether a filter selects a payment.
func chosen(f journal.Filter, p payment.Payment) bool {
	there, risk := f.Gateway == "", false
	for _, a := range p.Attempts {
		there, risk = there || a.Gateway == f.Gateway, risk || a.AtRisk()
	}
	within := func(at time.Time) bool {
		return (f.CreatedFrom.IsZero() || !at.Before(f.CreatedFrom)) && (f.CreatedBefore.IsZero() || at.Before(f.CreatedBefore))
	}
	return p.Tenant == f.Tenant && there && within(p.Created) && (!f.AtRisk || risk) && (f.Status == "" || p.Status() == f.Status) && (f.Order == "" || p.Order == f.Order)
}
