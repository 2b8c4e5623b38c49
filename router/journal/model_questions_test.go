package journal_test

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router/journal"
	"github.com/payrouter/payrouter/router/payment"
)

// This file is the model's half of what can be asked about payments, and of their work.

func (b *books) get(id string) (payment.Payment, error) {
	k, ok := b.payments[id]
	if !ok {
		return payment.Payment{}, journal.ErrNotFound
	}
	return k.p, nil
}

func (b *books) payer(id string) (providers.Payer, error) {
	k, ok := b.payments[id]
	if !ok {
		return providers.Payer{}, journal.ErrNotFound
	}
	return k.payer, nil
}

func (b *books) findAttempt(gateway string, ref providers.Ref) (id string, n int, err error) {
	var planned time.Time
	for _, owner := range b.ids() {
		for _, a := range b.payments[owner].p.Attempts {
			same := a.Reference == ref.Order
			if ref.Order == "" {
				same = a.External != "" && a.External == ref.External
			}
			if same && a.Gateway == gateway && a.Planned.After(planned) {
				id, n, planned = owner, a.N, a.Planned
			}
		}
	}
	if n == 0 {
		return "", 0, journal.ErrNotFound
	}
	return id, n, nil
}

func (b *books) list(f journal.Filter, after journal.Cursor, n int) (page []string) {
	all := b.ids()
	slices.SortFunc(all, func(x, y string) int { // newest first
		return cmp.Or(b.payments[y].p.Created.Compare(b.payments[x].p.Created), cmp.Compare(y, x))
	})
	for _, id := range all {
		p := b.payments[id].p
		switch {
		case p.Tenant != f.Tenant, f.Status != "" && p.Status() != f.Status, f.Order != "" && p.Order != f.Order,
			f.AtRisk && !atRisk(p, ""), !f.CreatedFrom.IsZero() && p.Created.Before(f.CreatedFrom),
			!f.CreatedBefore.IsZero() && !p.Created.Before(f.CreatedBefore):
			continue
		case f.Gateway != "" && !slices.ContainsFunc(p.Attempts, func(a payment.Attempt) bool { return a.Gateway == f.Gateway }):
			continue
		case after.ID != "" && (p.Created.After(after.Created) || p.Created.Equal(after.Created) && id >= after.ID):
			continue
		}
		if len(page) < n {
			page = append(page, id)
		}
	}
	return page
}

func (b *books) exposures() (all []journal.Exposure) {
	for _, id := range b.ids() {
		for _, a := range b.payments[id].p.Attempts {
			if !a.Open() {
				continue
			}
			amount := b.payments[id].p.Amount
			i := slices.IndexFunc(all, func(e journal.Exposure) bool {
				return e.Gateway == a.Gateway && e.Verdict == a.Verdict.String() && e.Currency == amount.Currency
			})
			if i < 0 {
				i, all = len(all), append(all, journal.Exposure{Gateway: a.Gateway, Verdict: a.Verdict.String(), Currency: amount.Currency, Oldest: a.Planned})
			}
			all[i].Count++
			all[i].Amount += amount.Minor
			if a.Planned.Before(all[i].Oldest) {
				all[i].Oldest = a.Planned
			}
		}
	}
	slices.SortFunc(all, func(x, y journal.Exposure) int {
		return cmp.Or(cmp.Compare(x.Gateway, y.Gateway), cmp.Compare(x.Verdict, y.Verdict), cmp.Compare(x.Currency, y.Currency))
	})
	return all
}

// liveOffers lists the payments whose offer at the gateway can still be paid, the oldest
// offers first, and when the last offer ends, if each has an end.
func (b *books) liveOffers(gateway string) (ids []string, last time.Time) {
	planned, endless := map[string]time.Time{}, false
	for _, id := range b.ids() {
		for _, a := range b.payments[id].p.Attempts {
			if a.Gateway != gateway || !live(a) {
				continue
			}
			ids, planned[id] = append(ids, id), a.Planned
			endless = endless || a.Until.IsZero()
			if a.Until.After(last) {
				last = a.Until
			}
		}
	}
	if endless {
		last = time.Time{}
	}
	slices.SortFunc(ids, func(x, y string) int { return cmp.Or(planned[x].Compare(planned[y]), cmp.Compare(x, y)) })
	return ids, last
}

func (b *books) unknownCodes(gateway string, n int) (all []journal.UnknownCode) {
	for _, k := range b.payments {
		for _, f := range k.p.Findings {
			if f.Kind != payment.UnknownCodeSeen || k.p.Attempts[f.Attempt-1].Gateway != gateway {
				continue
			}
			i := slices.IndexFunc(all, func(c journal.UnknownCode) bool { return c.Code == f.Detail })
			if i < 0 {
				i, all = len(all), append(all, journal.UnknownCode{Code: f.Detail})
			}
			all[i].Count++
			if f.At.After(all[i].Last) {
				all[i].Last = f.At
			}
		}
	}
	slices.SortFunc(all, func(x, y journal.UnknownCode) int { return cmp.Or(y.Last.Compare(x.Last), cmp.Compare(x.Code, y.Code)) })
	return all[:min(n, len(all))]
}

func (b *books) isDue(id string, now time.Time, gateways []string) bool {
	k := b.payments[id]
	return k.due != 0 && k.due <= now.UnixMicro() && (len(gateways) == 0 || slices.Contains(gateways, lastGateway(k.p)))
}

func (b *books) dueAt(now time.Time) (gateways []string) {
	for _, id := range b.ids() {
		if b.isDue(id, now, nil) {
			gateways = append(gateways, lastGateway(b.payments[id].p))
		}
	}
	slices.Sort(gateways)
	return slices.Compact(gateways)
}

// claimed takes over what a store leased, or says why that was wrong. Which of the
// payments that have been due equally long come first is the store's choice.
func (b *books) claimed(ids []string, now time.Time, lease time.Duration, n int, gateways []string) error {
	latest, waiting := int64(0), 0
	for i, id := range ids {
		if slices.Contains(ids[:i], id) || b.payments[id] == nil || !b.isDue(id, now, gateways) {
			return fmt.Errorf("claimed %v, and %s was not to be had", ids, id)
		}
		latest = max(latest, b.payments[id].due)
	}
	for id, k := range b.payments {
		if slices.Contains(ids, id) || !b.isDue(id, now, gateways) {
			continue
		}
		if waiting++; k.due < latest {
			return fmt.Errorf("claimed %v, and %s has waited longer", ids, id)
		}
	}
	if len(ids) != min(n, len(ids)+waiting) {
		return fmt.Errorf("claimed %v of at most %d, and %d more are due", ids, n, waiting)
	}
	for _, id := range ids {
		b.payments[id].due = now.Add(lease).UnixMicro()
	}
	return nil
}

// wakeOpen is WakeOpen.
func (b *books) wakeOpen(gateway string, now time.Time) {
	for _, k := range b.payments {
		if atRisk(k.p, gateway) {
			k.due = now.UnixMicro()
		}
	}
}
