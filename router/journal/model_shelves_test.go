package journal_test

import (
	"cmp"
	"slices"
	"time"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router/journal"
)

// shelves are the model's half of what a journal keeps beside the payments. Everything
// lies there in the order in which it came.
type shelves struct {
	notices     []notice
	answers     map[[2]string]providers.Reply // by gateway and key
	overrides   []journal.Override
	instruments []instrument
	disputes    []dispute
	counters    map[string]int64
	leases      map[string]leased
}

type notice struct {
	id, gateway            string
	received               time.Time
	state, payment, detail string
	body                   string
}

type instrument struct {
	journal.Instrument
	deleted time.Time
}

type leased struct {
	owner   string
	expires time.Time
}

func newShelves() shelves {
	return shelves{answers: map[[2]string]providers.Reply{}, counters: map[string]int64{}, leases: map[string]leased{}}
}

func (s *shelves) storeNotice(n notice) error {
	if slices.ContainsFunc(s.notices, func(o notice) bool { return o.id == n.id }) {
		return errRefused
	}
	n.state = "stored"
	s.notices = append(s.notices, n)
	return nil
}

func (s *shelves) markNotice(id, state, payment, detail string) {
	for i := range s.notices {
		if n := &s.notices[i]; n.id == id {
			n.state, n.payment, n.detail = state, payment, detail
		}
	}
}

// waitingHints: no two notices come at one instant, for the clock of the machine moves.
func (s *shelves) waitingHints(from, before time.Time, n int) (all []journal.Hint) {
	for _, o := range slices.Backward(s.notices) { // the latest first
		hint := journal.Hint{Payment: o.payment, Gateway: o.gateway}
		if o.state == "hint" && !o.received.Before(from) && o.received.Before(before) && !slices.Contains(all, hint) && len(all) < n {
			all = append(all, hint)
		}
	}
	return all
}

func (s *shelves) hintsFollowed(payment, gateway string, asked time.Time) {
	for i := range s.notices {
		if n := &s.notices[i]; n.state == "hint" && n.payment == payment && n.gateway == gateway && !n.received.After(asked) {
			n.state = "followed"
		}
	}
}

func (s *shelves) answer(gateway, key string) (providers.Reply, error) {
	first, ok := s.answers[[2]string{gateway, key}]
	if !ok {
		return first, journal.ErrNotFound
	}
	return first, nil
}

func (s *shelves) keepAnswer(gateway, key string, r providers.Reply) providers.Reply {
	if first, err := s.answer(gateway, key); err == nil {
		return first
	}
	s.answers[[2]string{gateway, key}] = r
	return r
}

func (s *shelves) createOverride(o journal.Override) journal.Override {
	for _, first := range s.overrides {
		if first.ID == o.ID {
			return first
		}
	}
	o.Version = 1
	s.overrides = append(s.overrides, o)
	return o
}

func (s *shelves) endOverride(id string, version int64, by string, now time.Time) bool {
	for i := range s.overrides {
		if o := &s.overrides[i]; o.ID == id && o.Version == version && o.Ended.IsZero() {
			o.Ended, o.EndedBy, o.Version = now, by, version+1
			return true
		}
	}
	return false
}

func (s *shelves) override(gateway, id string) (journal.Override, error) {
	for _, o := range s.overrides {
		if o.Gateway == gateway && o.ID == id {
			return o, nil
		}
	}
	return journal.Override{}, journal.ErrNotFound
}

func (s *shelves) endingAfter(end time.Time) (all []journal.Override) {
	for _, o := range s.overrides {
		if o.End.After(end) {
			all = append(all, o)
		}
	}
	slices.SortFunc(all, olderOverride)
	return all
}

func (s *shelves) listOverrides(gateway string, endAfter time.Time, after journal.Cursor, n int) (page []journal.Override) {
	all := slices.Clone(s.overrides)
	slices.SortFunc(all, func(x, y journal.Override) int { return olderOverride(y, x) })
	for _, o := range all {
		over := !endAfter.IsZero() && (!o.Ended.IsZero() || !o.End.After(endAfter))
		shown := after.ID != "" && olderOverride(o, journal.Override{Created: after.Created, ID: after.ID}) >= 0
		if (gateway == "" || o.Gateway == gateway) && !over && !shown && len(page) < n {
			page = append(page, o)
		}
	}
	return page
}

func olderOverride(x, y journal.Override) int {
	return cmp.Or(x.Created.Compare(y.Created), cmp.Compare(x.ID, y.ID))
}

// saveInstrument: one token of one customer is one instrument, until it is deleted.
func (s *shelves) saveInstrument(i journal.Instrument) {
	for _, o := range s.instruments {
		same := o.Tenant == i.Tenant && o.Gateway == i.Gateway && o.Customer == i.Customer && o.Token.Value.Reveal() == i.Token.Value.Reveal()
		if o.ID == i.ID || same && o.deleted.IsZero() {
			return
		}
	}
	s.instruments = append(s.instruments, instrument{Instrument: i})
}

func (s *shelves) deleteInstrument(tenant, id string, now time.Time) bool {
	for i := range s.instruments {
		if o := &s.instruments[i]; o.Tenant == tenant && o.ID == id && o.deleted.IsZero() {
			o.deleted, o.Token.Value, o.Token.Mask = now, providers.Secret{}, ""
			return true
		}
	}
	return false
}

// saved lists the instruments that are not deleted and that which says yes to, by id.
func (s *shelves) saved(which func(journal.Instrument) bool) (all []journal.Instrument) {
	for _, o := range s.instruments {
		if o.deleted.IsZero() && which(o.Instrument) {
			all = append(all, o.Instrument)
		}
	}
	slices.SortFunc(all, func(x, y journal.Instrument) int { return cmp.Compare(x.ID, y.ID) })
	return all
}

func (s *shelves) take(counter string, n int64) int64 {
	s.counters[counter] += n
	return s.counters[counter] - n + 1
}

// lease: whoever has it keeps it through its very last instant.
func (s *shelves) lease(name, owner string, now time.Time, d time.Duration) bool {
	if l, ok := s.leases[name]; ok && l.owner != owner && !l.expires.Before(now) {
		return false
	}
	s.leases[name] = leased{owner, now.Add(d)}
	return true
}

func (s *shelves) release(name, owner string) {
	if s.leases[name].owner == owner {
		delete(s.leases, name)
	}
}
