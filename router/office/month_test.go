package office

import (
	"context"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/providers/providertest/accounts"
	"github.com/payrouter/payrouter/router"
	"github.com/payrouter/payrouter/router/journal"
	"github.com/payrouter/payrouter/router/payment"
	"github.com/payrouter/payrouter/router/reconcile"
)

var monthDays = flag.Int("days", 30, "how many days the scripted month has, 9 at least")

// house is a gateway of the month: what its payers use, and what its contract says. Another
// gateway whose books are read is one more of these, its settings, and its reasons in the tables of plants.
type house struct {
	name   string
	offer  providers.Method
	card   bool // cards can be saved
	holds  bool // its terminal has two stages
	again  bool // its page may be tried again after a decline
	walked bool // it lists nothing, and is asked about payment by payment
	fees   reconcile.Fees
	backup string // where a payment goes that it did not take
}

var houses = []house{
	{"halyk", providers.Page, true, false, false, false, percent(150, reconcile.Down), "wayforpay"},
	{"wayforpay", providers.Link, true, true, true, false, percent(200, reconcile.HalfUp), "tiptoppay"},
	{"tiptoppay", providers.Page, true, true, true, false, percent(200, reconcile.HalfUp), "quickpay"},
	{"quickpay", providers.Page, true, true, true, false, nil, ""}, // its books tell no fee of the contract
	{"kaspi", providers.QR, false, false, false, true, nil, ""},
	{"freedompay", providers.Page, true, true, false, true, nil, ""},
	{"robokassa", providers.Page, true, true, true, true, nil, ""},
}

func percent(points int64, round reconcile.Rounding) reconcile.Fees {
	return reconcile.Fees{{Currency: "KZT", BasisPoints: points, Round: round}}
}

// month is a scripted month: what is to be done when, and the findings that it must come to.
type month struct {
	*town
	chance *rand.Rand
	agenda []errand
	serial int64
	names  map[string]string // of payments, for people
	want   []string
}

// errand is something to be done at a time.
type errand struct {
	at time.Time
	do func()
}

// later puts something on the agenda, behind what is to be done at the same time.
func (m *month) later(at time.Time, do func()) {
	i, _ := slices.BinarySearchFunc(m.agenda, at, func(e errand, at time.Time) int {
		if e.at.After(at) {
			return 1
		}
		return -1
	})
	m.agenda = slices.Insert(m.agenda, i, errand{at, do})
}

// in puts something on the agenda so long from now.
func (m *month) in(d time.Duration, do func()) { m.later(time.Now().Add(d), do) }

// goes through the agenda until it is empty.
func (m *month) goes() {
	for len(m.agenda) > 0 {
		e := m.agenda[0]
		m.agenda = m.agenda[1:]
		time.Sleep(time.Until(e.at))
		e.do()
	}
}

// on is some time of business on a day of November: after all books of the day before have been
// read, and before the day ends in any zone.
func (m *month) on(day int) time.Time {
	return time.Date(2026, 11, day, 14+m.chance.IntN(5), m.chance.IntN(60), 0, 0, almaty)
}

// buys opens a payment of a sum that no other has.
func (m *month) buys(h house, what string, method providers.Method, change ...func(*router.Wish)) payment.Payment {
	m.t.Helper()
	m.serial++
	price := tenge(1000000 + 100*m.serial)
	p := m.pays(h.name, method, append([]func(*router.Wish){func(w *router.Wish) { w.Amount = price }}, change...)...)
	m.names[p.ID] = fmt.Sprintf("%s %d", what, m.serial)
	return p
}

// now is a payment as it stands.
func (m *month) now(p payment.Payment) payment.Payment {
	m.t.Helper()
	p, err := m.router.Get(context.Background(), "shop", p.ID)
	m.must(err)
	return p
}

// day is the business day of a gateway's books at a moment.
func (m *month) day(h house, at time.Time) string {
	b := m.office.Books[accounts.Gateway(h.name)]
	return b.name(reconcile.Day(at, b.Zone))
}

// How a finding ends.
const (
	stays   = "open"
	taught  = "closed, healed"    // it became an observation
	settled = "closed, explained" // a later statement agrees
)

// shows says beforehand that the statement of a day brings a finding.
func (m *month) shows(kind reconcile.Kind, h house, at time.Time, about, end string) {
	m.want = append(m.want, fmt.Sprintf("%s at %s on %s about %s: %s", kind, h.name, m.day(h, at), about, end))
}

// raises says beforehand that a payment itself brings one.
func (m *month) raises(kind payment.FindingKind, h house, p payment.Payment) {
	m.want = append(m.want, fmt.Sprintf("%s at %s on  about %s: %s", kind, h.name, m.names[p.ID], stays))
}

// found lists all findings, in the words of shows and raises.
func (m *month) found() []string {
	m.t.Helper()
	var said []string
	for _, f := range m.all() {
		about, end := m.names[f.Payment], string(f.State)
		switch {
		case about != "":
		case f.Payment != "":
			about = f.Payment
		case f.Order != "":
			about = f.Order
		default:
			about = f.Theirs.String()
		}
		if f.Resolution != "" {
			end += ", " + string(f.Resolution)
		}
		said = append(said, fmt.Sprintf("%s at %s on %s about %s: %s", f.Kind, strings.TrimSuffix(f.Gateway, "-main"), f.Day, about, end))
	}
	return said
}

// tells logs what the findings say that nobody planted.
func (m *month) tells() {
	m.t.Helper()
	for i, said := range m.found() {
		if !slices.Contains(m.want, said) {
			f := m.all()[i]
			m.t.Logf("%s: %s%s", said, f.Detail, m.lines(f.Gateway, f.Payment))
			events, err := m.store.Events(context.Background(), f.Payment)
			m.must(err)
			for _, e := range events {
				m.t.Logf("    %s %s %s %+v", e.At.Format(time.RFC3339Nano), e.Actor, e.Body.Kind(), e.Body)
			}
		}
	}
}

func (m *month) all() []journal.Finding {
	m.t.Helper()
	all, err := m.store.Findings(context.Background(), journal.FindingFilter{}, journal.Cursor{}, 10000)
	m.must(err)
	return all
}

// state is all that a second reading could change.
func (m *month) state() []string {
	m.t.Helper()
	var said []string
	for _, f := range m.all() {
		said = append(said, fmt.Sprint(f.ID(), " ", f.State, f.Resolution, f.Version, f.Day, f.Ours, f.Theirs, f.Detail))
	}
	for id, name := range m.names {
		p, err := m.store.Get(context.Background(), id)
		m.must(err)
		said = append(said, fmt.Sprintf("%s %s %s after %d events", id, name, p.Status(), p.Seq))
	}
	slices.Sort(said)
	return said
}

// A month of ordinary life with disagreements of every kind planted among it comes to the
// findings that were planted: none is missed and none invented. Read again, it changes nothing.
func TestAMonthComesToThePlantedFindingsAndToNoOthersTwiceInARow(t *testing.T) {
	if testing.Short() {
		t.Skip("a whole month")
	}
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(time.Date(2026, 11, 1, 9, 0, 0, 0, almaty)))
		m := foundMonth(t, 1)
		m.goes()
		m.until(*monthDays+4, 14) // the last offers are over, and the last refunds made
		t.Logf("%d payments, %d findings", len(m.names), len(m.want))
		slices.Sort(m.want)
		if diff := cmp.Diff(m.want, slices.Sorted(slices.Values(m.found()))); diff != "" {
			m.tells()
			t.Fatalf("findings (-planted +found):\n%s", diff)
		}
		m.severalOfEachKind()
		before, runs := m.state(), m.runs()
		m.readsAgain()
		m.until(*monthDays+5, 14)
		if diff := cmp.Diff(before, m.state()); diff != "" {
			t.Errorf("read again, it changed (-before +after):\n%s", diff)
		}
		if again := m.runs() - runs; again < *monthDays*len(houses) {
			t.Errorf("only %d days were read again", again)
		}
	})
}

// foundMonth builds the town and writes the script of its month. The same seed is the same month.
func foundMonth(t *testing.T, seed uint64) *month {
	t.Helper()
	var names []string
	for _, h := range houses {
		names = append(names, h.name)
	}
	books := func(provider string) Books {
		b := settings(provider)
		b.Reread = 3 // nothing of this month changes later
		b.Fees = houses[slices.IndexFunc(houses, func(h house) bool { return h.name == provider })].fees
		return b
	}
	open := func(all *accounts.All) {
		all.Bank.BreakPromises() // for payers who come late
		all.Bank.Halyk.FeeBasisPoints = 150
	}
	m := &month{town: foundTownAs(t, plan{poll: 2 * time.Minute, books: books, accounts: open, limit: 2000000}, names...),
		chance: rand.New(rand.NewPCG(seed, 11)), names: map[string]string{}}
	for day := 1; day <= *monthDays; day++ {
		for _, h := range houses {
			m.lives(h, day)
		}
	}
	for _, p := range plants {
		for _, h := range houses {
			if _, not := p.not[h.name]; not || h.walked && !p.walked {
				continue
			}
			for range 2 {
				m.later(m.on(2+m.chance.IntN(*monthDays-7)), func() { p.does(m, h) })
			}
		}
	}
	return m
}

// severalOfEachKind makes sure that the month is about all that it should be.
func (m *month) severalOfEachKind() {
	m.t.Helper()
	kinds := map[string]int{}
	for _, w := range m.want {
		kind, _, _ := strings.Cut(w, " ")
		kinds[kind]++
	}
	for _, kind := range reconcile.Kinds() {
		if n := kinds[string(kind)]; n < 3 {
			m.t.Errorf("only %d of %s", n, kind)
		}
	}
	if len(kinds) < 12 {
		m.t.Errorf("only the kinds %v", slices.Sorted(maps.Keys(kinds)))
	}
}

// runs counts the runs, which must all have come to their end.
func (m *month) runs() int {
	m.t.Helper()
	all, err := m.store.Runs(context.Background(), journal.RunFilter{}, journal.Cursor{}, 10000)
	m.must(err)
	for _, r := range all {
		if r.State != journal.RunDone || r.Tries > 0 {
			m.t.Errorf("the run of %s at %s is %s after %d failures: %s", r.Day, r.Gateway, r.State, r.Tries, r.Error)
		}
	}
	return len(all)
}

// readsAgain orders every day of the month once more.
func (m *month) readsAgain() {
	m.t.Helper()
	for day := 1; day <= *monthDays; day++ {
		for _, h := range houses {
			_, err := m.office.Start(context.Background(), Order{Gateway: accounts.Gateway(h.name), Day: fmt.Sprintf("2026-11-%02d", day), Cause: CauseOperator, Actor: "aida", Reason: "once more"})
			m.must(err)
		}
	}
}
