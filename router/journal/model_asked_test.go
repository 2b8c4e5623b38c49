package journal_test

import (
	"errors"
	"slices"
	"time"

	"pgregory.net/rapid"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router/journal"
	"github.com/payrouter/payrouter/router/payment"
)

// ask asks about payments.
func (m *machine) ask(t *rapid.T) {
	gateway := draw(t, "gateway", kaspi, halyk)
	m.one(t, []string{"payment", "request", "attempt", "page", "sums"}, func(name string, s *journal.Store) {
		switch name {
		case "payment":
			m.askPayment(s, m.id(t))
		case "request":
			m.askRequest(s, m.request(t, keys...))
		case "attempt":
			ref := providers.Ref{Order: draw(t, "reference", "", "r1", "r2", "r3"), External: draw(t, "external", "", "e1", "e2", "e3")}
			id, n, err := s.FindAttempt(m.ctx, gateway, ref)
			wantID, wantN, wantErr := m.model.findAttempt(gateway, ref)
			m.same("FindAttempt", []any{id, n}, []any{wantID, wantN}, err, wantErr)
		case "page":
			m.askPages(t, s)
		case "sums":
			m.askSums(s, gateway, some(t, 3))
		}
	})
}

func (m *machine) askPayment(s *journal.Store, id string) {
	p, err := s.Get(m.ctx, id)
	want, wantErr := m.model.get(id)
	m.same("Get", p, want, err, wantErr)
	payer, err := s.Payer(m.ctx, id)
	wantPayer, wantErr := m.model.payer(id)
	m.same("Payer", payer, wantPayer, err, wantErr)
}

func (m *machine) askRequest(s *journal.Store, r journal.Request) {
	p, err := s.Repeated(m.ctx, r)
	want, wantErr := m.model.repeated(r)
	m.same("Repeated", p, want, err, wantErr)
	first, id, err := s.Request(m.ctx, r.Tenant, r.ID)
	wantFirst, wantID, wantErr := m.model.request(r.Tenant, r.ID)
	m.same("Request", []any{first, id}, []any{wantFirst, wantID}, err, wantErr)
}

// askPages reads a list from its beginning to its end.
func (m *machine) askPages(t *rapid.T, s *journal.Store) {
	hour := m.now.Truncate(time.Hour)
	f := journal.Filter{Tenant: draw(t, "tenant", "shop", "cafe", "nobody"), Status: draw(t, "status", append([]payment.Status{"", "", ""}, payment.Statuses()...)...),
		Gateway: draw(t, "at", "", "", kaspi, halyk), Order: draw(t, "order", "", "", "o1"), AtRisk: draw(t, "at risk", false, false, true),
		CreatedFrom: draw(t, "from", time.Time{}, time.Time{}, hour), CreatedBefore: draw(t, "before", time.Time{}, time.Time{}, hour)}
	cursor, n := journal.Cursor{}, some(t, 3)
	for {
		page, err := s.List(m.ctx, f, cursor, n)
		want := m.model.list(f, cursor, n)
		m.same("List", idsOf(page), want, err, nil)
		if len(page) < n {
			return
		}
		last := page[n-1]
		m.same("a payment of a page", last, m.model.payments[last.ID].p, nil, nil)
		cursor = journal.Cursor{Created: last.Created, ID: last.ID}
	}
}

func idsOf(page []payment.Payment) (ids []string) {
	for _, p := range page {
		ids = append(ids, p.ID)
	}
	return ids
}

func (m *machine) askSums(s *journal.Store, gateway string, n int) {
	exposures, err := s.AtRisk(m.ctx)
	m.same("AtRisk", exposures, m.model.exposures(), err, nil)
	count, last, err := s.LiveOffers(m.ctx, gateway)
	ids, wantLast := m.model.liveOffers(gateway)
	m.same("LiveOffers", []any{count, last}, []any{int64(len(ids)), wantLast}, err, nil)
	payments, err := s.LiveOfferPayments(m.ctx, gateway, n)
	m.same("LiveOfferPayments", idsOf(payments), ids[:min(n, len(ids))], err, nil)
	codes, err := s.UnknownCodes(m.ctx, gateway, n)
	m.same("UnknownCodes", codes, m.model.unknownCodes(gateway, n), err, nil)
}

// work leases payments that are due, and says when others are.
func (m *machine) work(t *rapid.T) {
	m.one(t, []string{"claim", "claim", "defer", "wake", "wake open"}, func(name string, s *journal.Store) {
		switch name {
		case "claim":
			m.claim(t, s)
		case "defer":
			id, due := m.id(t), draw(t, "due", m.now.Add(time.Minute), m.now.Add(-time.Minute), time.Time{})
			seq := rapid.Int64Range(1, 4).Draw(t, "seq")
			lease := m.now
			if k := m.model.payments[id]; k != nil {
				seq = k.p.Seq - draw[int64](t, "behind", 0, 0, 1)
				lease = draw(t, "lease", time.UnixMicro(k.due), time.UnixMicro(k.due), m.now)
				if k.p.Seq == seq && k.due != 0 && k.due == stored(lease) {
					k.due = stored(due)
				}
			}
			m.told("Defer", s.Defer(m.ctx, id, seq, lease, due), nil)
		case "wake":
			id := m.id(t)
			if k := m.model.payments[id]; k != nil {
				k.due = stored(m.now)
			}
			m.told("Wake", s.Wake(m.ctx, id, m.now), nil)
		case "wake open":
			gateway := draw(t, "gateway", kaspi, halyk)
			m.model.wakeOpen(gateway, m.now)
			all, err := s.WakeOpen(m.ctx, gateway, m.now, map[string]bool{})
			m.same("WakeOpen", all, true, err, nil)
		}
	})
}

func (m *machine) claim(t *rapid.T, s *journal.Store) {
	m.rested()
	gateways, err := s.DueAt(m.ctx, m.now)
	slices.Sort(gateways)
	m.same("DueAt", gateways, m.model.dueAt(m.now), err, nil)
	only := draw(t, "gateways", nil, []string{kaspi}, []string{""}, []string{halyk, kaspi})
	lease, n := draw(t, "lease", time.Second, time.Minute), some(t, 4)
	ids, err := s.Claim(m.ctx, m.now, m.now.Add(lease), n, only...)
	m.told("Claim", errors.Join(err, m.model.claimed(ids, m.now, lease, n, only)), nil)
}

// number gives the feed its numbers, and reads it.
func (m *machine) number(t *rapid.T) {
	m.tick(t)
	m.rested()
	n := some(t, 5)
	numbered, err := m.replica(t).Number(m.ctx, m.now, n)
	m.same("Number", numbered, m.model.number(n), err, nil)
	tenant, after, n := draw(t, "tenant", "shop", "cafe"), rapid.Int64Range(0, 5).Draw(t, "after"), some(t, 9)
	changes, err := m.replica(t).Changes(m.ctx, tenant, after, n)
	m.same("Changes", changes, m.model.changes(tenant, after, n), err, nil)
}
