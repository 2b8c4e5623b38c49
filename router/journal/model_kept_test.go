package journal_test

import (
	"slices"
	"time"

	"pgregory.net/rapid"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router/journal"
)

// keep tells a store something that it keeps beside the payments, and asks about it.
func (m *machine) keep(commands ...func(*rapid.T, *journal.Store, string)) func(*rapid.T) {
	return func(t *rapid.T) {
		m.tick(t)
		gateway := draw(t, "gateway", kaspi, halyk)
		for _, do := range commands {
			do(t, m.replica(t), gateway)
		}
	}
}

// keepNotice stores a notice, sometimes under an id that was used before, and marks one.
func (m *machine) keepNotice(t *rapid.T, s *journal.Store, gateway string) {
	m.heard += draw(t, "new", 1, 1, 1, 0)
	n := notice{id: name("n", m.heard), gateway: gateway, received: m.now, body: draw(t, "body", "", "paid")}
	err := s.StoreNotice(m.ctx, n.id, gateway, providers.Notice{Method: "POST", Body: []byte(n.body)}, m.now)
	m.told("StoreNotice", err, m.model.storeNotice(n))
	id := name("n", rapid.IntRange(1, m.heard+1).Draw(t, "notice"))
	state, p, detail := draw(t, "state", "hint", "hint", "followed", "refused"), draw(t, "about", name("p", 1), name("p", 2)), draw(t, "detail", "", "why")
	m.told("MarkNotice", s.MarkNotice(m.ctx, id, state, p, detail), nil)
	m.model.markNotice(id, state, p, detail)
}

func (m *machine) followHints(t *rapid.T, s *journal.Store, gateway string) {
	from, before := m.now.Add(-draw(t, "age", time.Hour, time.Minute)), m.now.Add(-draw(t, "but", 0, time.Second))
	n := some(t, 3)
	hints, err := s.WaitingHints(m.ctx, from, before, n)
	m.same("WaitingHints", hints, m.model.waitingHints(from, before, n), err, nil)
	p, asked := draw(t, "about", name("p", 1), name("p", 2)), m.now
	if n := len(m.model.notices); n > 0 && draw(t, "asked just when one came", false, true) {
		asked = m.model.notices[rapid.IntRange(0, n-1).Draw(t, "notice")].received
	}
	m.told("HintsFollowed", s.HintsFollowed(m.ctx, p, gateway, asked), nil)
	m.model.hintsFollowed(p, gateway, asked)
}

func (m *machine) keepAnswer(t *rapid.T, s *journal.Store, gateway string) {
	key, r := draw(t, "key", "t1", "t2"), providers.Reply{Status: draw(t, "status", 200, 409), ContentType: "text/plain", Body: []byte(draw(t, "body", "OK", ""))}
	got, err := s.Answer(m.ctx, gateway, key)
	want, wantErr := m.model.answer(gateway, key)
	m.same("Answer", got, want, err, wantErr)
	got, err = s.KeepAnswer(m.ctx, gateway, key, r)
	m.same("KeepAnswer", got, m.model.keepAnswer(gateway, key, r), err, nil)
}

func (m *machine) keepOverride(t *rapid.T, s *journal.Store, gateway string) {
	id := draw(t, "order", "d1", "d2", "d3")
	if draw(t, "end it", false, true) {
		version, by := draw[int64](t, "version", 1, 1, 2), draw(t, "by", "aida", "bek")
		ended, err := s.EndOverride(m.ctx, id, version, by, m.now)
		m.same("EndOverride", ended, m.model.endOverride(id, version, by, m.now), err, nil)
		return
	}
	o := journal.Override{ID: id, Gateway: gateway, Mode: draw(t, "mode", "drain", "admit"), MoveOpen: draw(t, "move open", false, true), Actor: "aida",
		Reason: "down", Created: draw(t, "created", m.now, m.now.Truncate(time.Hour)), Start: m.now, End: m.now.Add(draw(t, "for", time.Hour, time.Minute)), Version: draw[int64](t, "believed version", 0, 1, 7)}
	got, err := s.CreateOverride(m.ctx, o)
	m.same("CreateOverride", got, m.model.createOverride(o), err, nil)
}

func (m *machine) askOverrides(t *rapid.T, s *journal.Store, gateway string) {
	id := draw(t, "order", "d1", "d2", "d3")
	o, err := s.Override(m.ctx, gateway, id)
	want, wantErr := m.model.override(gateway, id)
	m.same("Override", o, want, err, wantErr)
	all, err := s.Overrides(m.ctx, m.now)
	m.same("Overrides", all, m.model.endingAfter(m.now), err, nil)
	of, end, cursor := draw(t, "of", "", gateway), draw(t, "end after", time.Time{}, m.now), journal.Cursor{}
	for {
		page, err := s.ListOverrides(m.ctx, of, end, cursor, 1)
		m.same("ListOverrides", page, m.model.listOverrides(of, end, cursor, 1), err, nil)
		if len(page) == 0 {
			return
		}
		cursor = journal.Cursor{Created: page[0].Created, ID: page[0].ID}
	}
}

func (m *machine) keepInstrument(t *rapid.T, s *journal.Store, gateway string) {
	tenant, id := draw(t, "tenant", "shop", "cafe"), draw(t, "instrument", "i1", "i2", "i3", "i4", "i5")
	if draw(t, "delete it", false, false, true) {
		gone, err := s.DeleteInstrument(m.ctx, tenant, id, m.now)
		m.same("DeleteInstrument", gone, m.model.deleteInstrument(tenant, id, m.now), err, nil)
		return
	}
	i := journal.Instrument{ID: id, Tenant: tenant, Customer: draw(t, "customer", "c1", "c2"), Gateway: gateway, Created: m.now,
		Token: providers.Token{Value: providers.NewSecret(draw(t, "token", "t1", "t2")), Mask: "4405…5096", Brand: "visa"}, Payment: draw(t, "by", name("p", 1), name("p", 2))}
	m.told("SaveInstrument", s.SaveInstrument(m.ctx, i), nil)
	m.model.saveInstrument(i)
}

func (m *machine) askInstruments(t *rapid.T, s *journal.Store, _ string) {
	tenant, customer := draw(t, "tenant", "shop", "cafe"), draw(t, "customer", "c1", "c2")
	id, p, n := draw(t, "instrument", "i1", "i2", "i3", "i4", "i5"), draw(t, "by", name("p", 1), name("p", 2)), some(t, 3)
	theirs := func(i journal.Instrument) bool { return i.Tenant == tenant && i.Customer == customer }

	found := m.model.saved(func(i journal.Instrument) bool { return i.Tenant == tenant && i.ID == id })
	want, wantErr := journal.Instrument{}, journal.ErrNotFound
	if len(found) == 1 {
		want, wantErr = found[0], nil
	}
	got, err := s.Instrument(m.ctx, tenant, id)
	m.same("Instrument", got, want, err, wantErr)

	later := m.model.saved(func(i journal.Instrument) bool { return theirs(i) && i.ID > id })
	page, err := s.Instruments(m.ctx, tenant, customer, id, n)
	m.same("Instruments", page, later[:min(n, len(later))], err, nil)
	all := m.model.saved(func(i journal.Instrument) bool { return i.Tenant == tenant })
	page, err = s.Instruments(m.ctx, tenant, "", "", n)
	m.same("Instruments of all", page, all[:min(n, len(all))], err, nil)

	before := draw(t, "before", "", id)
	newest := m.model.saved(func(i journal.Instrument) bool { return theirs(i) && (before == "" || i.ID < before) })
	slices.Reverse(newest)
	page, err = s.NewestInstruments(m.ctx, tenant, customer, before, n)
	m.same("NewestInstruments", page, newest[:min(n, len(newest))], err, nil)

	first := ""
	if saved := m.model.saved(func(i journal.Instrument) bool { return theirs(i) && i.Payment == p }); len(saved) > 0 {
		first = saved[0].ID
	}
	saved, err := s.SavedInstrument(m.ctx, tenant, customer, p)
	m.same("SavedInstrument", saved, first, err, nil)
}

func (m *machine) count(t *rapid.T, s *journal.Store, _ string) {
	counter, n := draw(t, "counter", "kaspi", "halyk"), rapid.Int64Range(1, 100).Draw(t, "numbers")
	first, err := s.Take(m.ctx, counter, n)
	m.same("Take", first, m.model.take(counter, n), err, nil)
	owner, d := draw(t, "owner", "a", "b"), draw(t, "lease", time.Second, time.Minute, 10*time.Minute)
	now := m.now
	if last, ok := m.model.leases["sequencer"]; ok && draw(t, "at the lease's end", false, true) {
		now = last.expires
	}
	got, err := s.Lease(m.ctx, "sequencer", owner, now, d)
	m.same("Lease", got, m.model.lease("sequencer", owner, now, d), err, nil)
	if draw(t, "gives it up", false, false, true) {
		owner = draw(t, "who gives up", "a", "b")
		m.model.release("sequencer", owner)
		m.same("Release", nil, nil, s.Release(m.ctx, "sequencer", owner), nil)
	}
}
