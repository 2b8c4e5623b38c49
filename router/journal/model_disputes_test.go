package journal_test

import (
	"cmp"
	"slices"
	"time"

	"pgregory.net/rapid"

	"github.com/payrouter/payrouter/router/journal"
)

// dispute is a dispute of the model, with who made each version of it.
type dispute struct {
	journal.Dispute
	actors []string
}

func (s *shelves) recordDispute(d journal.Dispute) (journal.Dispute, error) {
	for _, o := range s.disputes {
		if o.ID == d.ID {
			return o.Dispute, nil
		}
	}
	if s.caseTaken(d) {
		return journal.Dispute{}, &journal.CaseTakenError{}
	}
	d.State, d.Updated, d.Version = journal.DisputeOpen, d.Created, 1
	s.disputes = append(s.disputes, dispute{d, []string{d.RecordedBy}})
	return d, nil
}

func (s *shelves) caseTaken(d journal.Dispute) bool {
	return d.Case != "" && slices.ContainsFunc(s.disputes, func(o dispute) bool { return o.ID != d.ID && o.Gateway == d.Gateway && o.Case == d.Case })
}

func (s *shelves) changeDispute(id string, version int64, actor string, now time.Time, change func(*journal.Dispute) error) (journal.Dispute, error) {
	for i := range s.disputes {
		d := s.disputes[i].Dispute
		if d.ID != id {
			continue
		}
		if d.Version != version {
			return journal.Dispute{}, journal.ErrStale
		}
		if err := change(&d); err != nil {
			return journal.Dispute{}, err
		}
		if s.caseTaken(d) {
			return journal.Dispute{}, &journal.CaseTakenError{}
		}
		d.Updated, d.Version = now, version+1
		s.disputes[i] = dispute{d, append(s.disputes[i].actors, actor)}
		return d, nil
	}
	return journal.Dispute{}, journal.ErrNotFound
}

func (s *shelves) listDisputes(which func(journal.Dispute) bool, after journal.Cursor, n int) (page []journal.Dispute) {
	order := func(x, y journal.Dispute) int { return cmp.Or(y.Created.Compare(x.Created), cmp.Compare(y.ID, x.ID)) }
	var all []journal.Dispute
	for _, d := range s.disputes {
		all = append(all, d.Dispute)
	}
	slices.SortFunc(all, order)
	for _, d := range all {
		shown := after.ID != "" && order(d, journal.Dispute{Created: after.Created, ID: after.ID}) <= 0
		if !shown && which(d) && len(page) < n {
			page = append(page, d)
		}
	}
	return page
}

func (m *machine) keepDispute(t *rapid.T, s *journal.Store, gateway string) {
	id, number := draw(t, "dispute", "d1", "d2", "d3", "d4"), draw(t, "case", "", "81", "82")
	if draw(t, "change it", false, true, true) {
		version, actor, state := draw[int64](t, "version", 1, 1, 2, 3), draw(t, "by", "aida", "bek"), draw(t, "state", journal.DisputeStates()...)
		change := func(d *journal.Dispute) error {
			if state == journal.DisputeOpen && d.State != state {
				return errOwn
			}
			if d.State, d.Case, d.Owner = state, cmp.Or(number, d.Case), actor; state == journal.DisputeClosed {
				d.Outcome, d.Closed = journal.Won, m.now
			}
			return nil
		}
		got, err := s.ChangeDispute(m.ctx, id, version, actor, "why", m.now, change)
		want, wantErr := m.model.changeDispute(id, version, actor, m.now, change)
		m.same("ChangeDispute", got, want, err, wantErr)
		return
	}
	d := journal.Dispute{ID: id, Said: draw(t, "said", "this", "that"), Payment: draw(t, "payment", name("p", 1), name("p", 2)), Attempt: 1, Tenant: "shop", Gateway: gateway,
		Kind: draw(t, "kind", journal.DisputeKinds()...), Case: number, Amount: kzt(1500), Opened: m.now.Add(-draw(t, "raised", 0, time.Hour, journal.AnswerWithin)), RecordedBy: "aida",
		Created: draw(t, "created", m.now, m.now.Truncate(time.Hour))}
	got, err := s.RecordDispute(m.ctx, d)
	want, wantErr := m.model.recordDispute(d)
	m.same("RecordDispute", got, want, err, wantErr)
}

func (m *machine) askDisputes(t *rapid.T, s *journal.Store, gateway string) {
	f := journal.DisputeFilter{Gateway: draw(t, "of", "", gateway), State: draw(t, "state", "", journal.DisputeOpen, journal.DisputeClosed), Owner: draw(t, "owner", "", "bek")}
	if draw(t, "overdue", false, true) {
		f.OverdueAt = m.now
	}
	which := func(d journal.Dispute) bool {
		late := f.OverdueAt.IsZero() || d.State == journal.DisputeOpen && d.Due().Before(f.OverdueAt)
		return late && (f.Gateway == "" || d.Gateway == f.Gateway) && (f.State == "" || d.State == f.State) && (f.Owner == "" || d.Owner == f.Owner)
	}
	for cursor := (journal.Cursor{}); ; {
		page, err := s.Disputes(m.ctx, f, cursor, 1)
		m.same("Disputes", page, m.model.listDisputes(which, cursor, 1), err, nil)
		if len(page) == 0 {
			return
		}
		cursor = journal.Cursor{Created: page[0].Created, ID: page[0].ID}
	}
}

// compareDisputes compares the record of who did what, which no question shows.
func (m *machine) compareDisputes() {
	var changes []string
	for _, d := range m.model.disputes {
		for i, actor := range d.actors {
			changes = append(changes, line(d.ID, int64(i+1), actor))
		}
	}
	m.sameRows("dispute_changes", "dispute_id, version, actor", changes)
}
