package journal_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router/journal"
	"github.com/payrouter/payrouter/router/payment"
	"github.com/payrouter/payrouter/router/pgtest"
)

// Two replicas on one database are told and asked about payments whatever a router tells
// and asks, in any order, with stale books, rivals and callers who hang up. Every answer
// is the model's, so those of the engines are equal; and in the end every row follows from
// the events (SAFETY section 8).
func TestEveryStoreAnswersAsTheModelDoes(t *testing.T) {
	engines(t, func(t *rapid.T, m *machine) {
		for range 2 { // about sixty commands
			t.Repeat(map[string]func(*rapid.T){
				"open":   m.open,
				"plan":   m.advance(m.plan),
				"learn":  m.advance(m.learn),
				"hear":   m.advance(m.learn), // twice as often
				"wish":   m.advance(m.wish),
				"act":    m.advance(m.act),
				"leave":  m.advance(m.leave),
				"ask":    m.ask,
				"work":   m.work,
				"number": m.number,
				"rest":   m.rest,
			})
		}
	})
}

// The same for what a journal keeps beside the payments.
func TestEveryStoreKeepsWhatTheModelKeeps(t *testing.T) {
	engines(t, func(t *rapid.T, m *machine) {
		t.Repeat(map[string]func(*rapid.T){
			"notice": m.keep(m.keepNotice, m.followHints),
			"order":  m.keep(m.keepOverride, m.askOverrides),
			"save":   m.keep(m.keepInstrument, m.askInstruments),
			"count":  m.keep(m.count, m.keepAnswer),
			"argue":  m.keep(m.keepDispute, m.askDisputes),
		})
	})
}

// engine is a database with two replicas on it, and a way round them to its rows.
type engine struct {
	ctx      context.Context
	replicas []*journal.Store
	rows     *sql.DB
}

// engines draws histories and runs them on both engines.
func engines(t *testing.T, history func(*rapid.T, *machine)) {
	run := func(t *testing.T, url, driver, dsn string) {
		e := engine{ctx: t.Context()}
		for range 2 {
			store, err := journal.Open(journal.Options{URL: url, Due: due})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { store.Close() })
			journal.Few(store, 1) // or no gateway of so few payments had many
			e.replicas = append(e.replicas, store)
		}
		if err := e.replicas[0].Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		var err error
		if e.rows, err = sql.Open(driver, dsn); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { e.rows.Close() })
		rapid.Check(t, func(t *rapid.T) {
			m := &machine{engine: e, t: t, now: start, model: newBooks(), writers: map[string][]string{}}
			m.empty()
			history(t, m)
			m.compareRows()
		})
	}
	t.Run("sqlite", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "books.db")
		run(t, "sqlite:"+path, "sqlite", "file:"+path+"?_pragma=busy_timeout(5000)")
	})
	t.Run("postgresql", func(t *testing.T) {
		url := pgtest.URL(t)
		run(t, url, "pgx", url)
	})
}

// machine tells and asks a store and the model the same.
type machine struct {
	engine
	t      *rapid.T
	now    time.Time // moves with every command, so that nothing but an opening happens twice at one instant
	model  *books
	opened int // payments that were asked for
	heard  int // notices
	// Of what is in the archive, no row tells who wrote it.
	writers map[string][]string
}

// tables are all tables of the journal.
var tables = []string{"events", "payments", "attempts", "refunds", "findings", "requests", "outbox", "feed", "counters", "leases",
	"notices", "answers", "overrides", "instruments", "disputes", "dispute_changes", "archive", "archive_walks"}

func (m *machine) empty() {
	tx, err := m.rows.BeginTx(m.ctx, nil)
	if err != nil {
		m.t.Fatal(err)
	}
	for _, table := range tables {
		if _, err := tx.ExecContext(m.ctx, "DELETE FROM "+table); err != nil {
			m.t.Fatal(errors.Join(err, tx.Rollback()))
		}
	}
	if err := tx.Commit(); err != nil {
		m.t.Fatal(err)
	}
	for _, s := range m.replicas {
		s.StartAnew()
	}
}

// tick lets time pass.
func (m *machine) tick(t *rapid.T) {
	m.now = m.now.Add(draw(t, "after", time.Second, time.Second, time.Microsecond, 30*time.Second, 10*time.Minute, 2*time.Hour))
}

// rested lets so much time pass that a look finds also what bears an instant of long ago.
func (m *machine) rested() { m.now = m.now.Add(time.Minute) }

// replica draws who is told or asked.
func (m *machine) replica(t *rapid.T) *journal.Store { return m.replicas[draw(t, "replica", 0, 1)] }

// id draws a payment, or one that nobody knows.
func (m *machine) id(t *rapid.T) string {
	known := m.model.ids()
	return draw(t, "payment", append(slices.Repeat(known, 8), "nobody's")...)
}

// one does one of the named commands.
func (m *machine) one(t *rapid.T, names []string, do func(name string, s *journal.Store)) {
	name := draw(t, "command", names...)
	m.tick(t)
	do(name, m.replica(t))
}

func draw[V any](t *rapid.T, name string, from ...V) V { return rapid.SampledFrom(from).Draw(t, name) }

func some(t *rapid.T, most int) int { return rapid.IntRange(1, most).Draw(t, "at most") }

// same fails unless a store answered as the model did.
func (m *machine) same(what string, got, want any, err, wantErr error) {
	m.t.Helper()
	if kind(err) != kind(wantErr) {
		m.t.Fatalf("%s: error %v, the model says: %v", what, err, wantErr)
	}
	want, got = unsigned(want), unsigned(got)
	if reflect.DeepEqual(want, got) {
		return // nearly always, and much faster than to look for differences
	}
	secrets := cmp.Comparer(func(x, y providers.Secret) bool { return x.Reveal() == y.Reveal() })
	if diff := cmp.Diff(want, got, secrets, cmpopts.EquateEmpty()); diff != "" {
		m.t.Fatalf("%s (-model +store):\n%s", what, diff)
	}
}

// unsigned is a payment without its writer, which is made up by chance.
func unsigned(v any) any {
	if p, ok := v.(payment.Payment); ok {
		p.Writer = ""
		return p
	}
	return v
}

// told is same for what answers only whether it worked.
func (m *machine) told(what string, err, wantErr error) {
	m.t.Helper()
	m.same(what, nil, nil, err, wantErr)
}

// The gateways of the model: an offer that dies by its own clock, and direct charges.
const (
	kaspi = "kaspi-main"
	halyk = "halyk-main"
)

var terms = payment.Terms{Claims: func(gateway string) providers.Claims {
	method := providers.MethodClaims{Method: providers.QR, Flow: providers.Offer, OfferLife: 4 * time.Minute, NeverShown: true}
	if gateway == halyk {
		method = providers.MethodClaims{Method: providers.Instrument, Flow: providers.Direct}
	}
	return providers.Claims{Methods: []providers.MethodClaims{method}, Refund: providers.RefundClaims{API: true, Partial: true, SettleWait: time.Minute}}
}}

func due(p payment.Payment, now time.Time) time.Time { return p.Due(now, terms) }

func kzt(minor int64) providers.Money { return providers.Money{Minor: minor, Currency: "KZT"} }

// name numbers things that are told apart by their names, in the order of their birth.
func name(kind string, n int) string { return fmt.Sprintf("%s%03d", kind, n) }
