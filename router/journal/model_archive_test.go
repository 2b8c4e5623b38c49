package journal_test

import (
	"pgregory.net/rapid"

	"github.com/payrouter/payrouter/router/journal"
)

// rests reports whether a payment's history may be archived, and is not.
func (k *kept) rests() bool {
	return k.p.Settled() && k.due == 0 && len(k.p.Findings) == 0 && k.archived < len(k.events)
}

// rest archives the histories of all payments that are over, of one tenant, or looks which
// they are. Nothing else that is asked or told may notice.
func (m *machine) rest(t *rapid.T) {
	m.tick(t)
	s, tenant, pass := m.replica(t), draw(t, "tenant", "shop", "shop", "cafe"), draw(t, "pass", "pass", "pass", "")
	m.remember()
	for _, s := range m.replicas { // as every process does all the time
		look, err := s.LookOver(m.ctx)
		m.same("LookOver", look, journal.Look{}, err, nil)
	}
	want, got := 0, journal.Aged{}
	for _, id := range m.model.ids() {
		if k := m.model.payments[id]; k.p.Tenant == tenant && k.rests() {
			want++
			if pass != "" {
				k.archived = len(k.events)
			}
		}
	}
	before, n := m.now.Add(1), some(t, 4) // nothing is young
	for w := (journal.ArchiveWalk{Tenant: tenant, Began: m.now}); ; {
		a, err := s.Archive(m.ctx, pass, w, before, m.now, n)
		m.told("Archive", err, nil)
		if a.Rows == 0 {
			break
		}
		w.After, got.Done = a.Last, got.Done+a.Done
	}
	m.same("archived", got.Done, int64(want), nil, nil)
}

// remember notes who wrote what, before it is in the archive.
func (m *machine) remember() {
	for id, k := range m.model.payments {
		for n := len(m.writers[id]) + 1; n <= len(k.events); n++ {
			m.writers[id] = append(m.writers[id], m.writer(id, n))
		}
	}
}

// writer is who wrote an event.
func (m *machine) writer(id string, seq int) (writer string) {
	if known := m.writers[id]; seq <= len(known) {
		return known[seq-1]
	}
	if err := m.rows.QueryRowContext(m.ctx, `SELECT writer FROM events WHERE payment_id = $1 AND seq = $2`, id, seq).Scan(&writer); err != nil {
		m.t.Fatal(err)
	}
	return writer
}
