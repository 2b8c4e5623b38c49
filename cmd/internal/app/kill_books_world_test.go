//go:build unix

package app_test

import (
	"bytes"
	"database/sql"
	"encoding/binary"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/payrouter/payrouter/providers/sim"
	"github.com/payrouter/payrouter/router/journal"
	"github.com/payrouter/payrouter/router/payment"
	"github.com/payrouter/payrouter/router/pgtest"
	"github.com/payrouter/payrouter/router/reconcile"
)

// yesterday is a business day that is over: some hundred payments in the books, and the
// bank's list of them, in which disagreements are planted. It ended a moment ago in a time
// zone of its own, so that nobody waits for midnight.
type yesterday struct {
	*world
	day     string   // as it is written
	told    int      // how many lines the bank tells of it
	planted []string // what is to be found: its kind, and the payment or the stranger's order
	taught  []string // the payments of which the bank's list knows more than the books
}

// charged is an attempt as the books have it.
type charged struct{ payment, reference, verdict string }

// newYesterday lets a service take the payments, and ends the day. Nobody asks the bank about
// single payments, so that nothing but its list can teach anything.
func newYesterday(t *testing.T) *yesterday {
	t.Helper()
	y := &yesterday{world: newWorld(t, pgtest.URL(t))}
	y.configure("provider: wayforpay\n", "provider: wayforpay\n    observe_only: true\n")
	y.configure("ladder: [500ms, 1s]", "ladder: [1h]")
	var err error
	y.kept, err = journal.Open(journal.Options{URL: y.url, Due: func(payment.Payment, time.Time) time.Time { return time.Time{} }})
	y.must(err)
	t.Cleanup(func() { y.kept.Close() })
	r := y.replica(trap{})
	y.charges(r, 100)
	y.fault(sim.Fault{Face: "wayforpay", Op: sim.OpCharge, Kind: sim.FaultActHTTPError, Times: 4})
	y.charges(r, 4) // of which nobody hears
	noon := time.Now().Truncate(time.Second).Add(time.Second)
	y.eventually("noon", func() bool { return time.Now().After(noon) })
	y.charges(r, 100)

	y.plant(y.open(t, y.url).charged())
	r.signal(syscall.SIGTERM)
	r.ended()
	y.end(noon)
	return y
}

// charges takes so many payments, of callers who come again until they are answered.
func (y *yesterday) charges(r *replica, n int) {
	y.t.Helper()
	callers := make(chan struct{}, 8)
	var all sync.WaitGroup
	for range n {
		callers <- struct{}{}
		all.Go(func() {
			defer func() { <-callers }()
			call := charge(wayforpayCard, "gateways/wayforpay-main")(y.world, r)
			a := <-inBackground(r, call, 5*time.Second)
			for late := time.Now().Add(patience); a.err != nil && time.Now().Before(late); {
				a = <-inBackground(r, call, 5*time.Second)
			}
			if a.err != nil {
				y.t.Errorf("a charge of the day: %v", a.err)
			}
		})
	}
	all.Wait()
	if y.t.Failed() {
		y.t.FailNow()
	}
}

// plant makes the bank's list disagree with the books, in the morning and in the afternoon.
func (y *yesterday) plant(all []charged) {
	y.t.Helper()
	y.told = len(all)
	var paid []charged
	for _, c := range all {
		if c.verdict == "approved" {
			paid = append(paid, c)
		} else {
			y.taught = append(y.taught, c.payment)
		}
	}
	expect := func(kind reconcile.Kind, about string) { y.planted = append(y.planted, string(kind)+":"+about) }
	for i, p := range []struct {
		finding reconcile.Kind
		tamper  sim.Tamper
		lines   int // more or fewer
	}{
		{reconcile.UnknownToThem, sim.Tamper{Kind: sim.TamperOmit}, -1},
		{reconcile.DuplicateLine, sim.Tamper{Kind: sim.TamperAgain}, 1},
		{reconcile.UnknownToUs, sim.Tamper{Kind: sim.TamperForeign, Word: "stranger"}, 1},
		{reconcile.AmountDiffers, sim.Tamper{Kind: sim.TamperAmount, Amount: 100}, 0},
		{reconcile.StateDiffers, sim.Tamper{Kind: sim.TamperDeclined}, 0},
		{reconcile.RefundUnknownToUs, sim.Tamper{}, 1}, // somebody gave it back in the bank's own cabinet
	} {
		for n, c := range []charged{paid[10*i+10], paid[len(paid)-10*i-10]} {
			rule, about := p.tamper, c.payment
			rule.Face, rule.Match = "wayforpay", c.reference
			if rule.Word != "" {
				rule.Word += fmt.Sprint("-", n)
				about = rule.Word
			}
			var err error
			if rule.Kind == "" {
				y.taught = append(y.taught, c.payment)
				_, err = y.bank.Settle("wayforpay", c.reference)
			} else {
				_, err = y.bank.AddTamper(rule)
			}
			y.must(err)
			y.told += p.lines
			expect(p.finding, about)
		}
	}
	slices.Sort(y.planted)
	slices.Sort(y.taught)
}

// end makes the day one that ends now, in slices of which the last two have the payments
// before noon and those after it.
func (y *yesterday) end(noon time.Time) {
	y.t.Helper()
	midnight := time.Now().Truncate(time.Second).Add(3 * time.Second) // the edge is between it and the last payment
	east := int32(86400 - midnight.Unix()%86400)
	zones := filepath.Join(y.dir, "zones")
	y.must(os.MkdirAll(filepath.Join(zones, "Test"), 0o700))
	y.must(os.WriteFile(filepath.Join(zones, "Test", "Midnight"), zoneFile(east), 0o600))
	y.env = append(y.env, "ZONEINFO="+zones)
	y.day = midnight.Add(-time.Second).In(time.FixedZone("", int(east))).Format(time.DateOnly)
	y.configure("observe_only: true\n", fmt.Sprintf(`observe_only: true
    books:
      {zone: Test/Midnight, schedule: "off", lag: 1ms, edge: 1s, slice: %s, formats: {cabinet: {separator: ";", currency: KZT, zone: UTC,
        dates: ["2006-01-02 15:04:05"], columns: {order: order, amount: sum, fee: fee, kind: kind, state: state, at: date},
        kinds: {charge: charge, refund: refund}, states: {Approved: approved, Refunded: approved, Declined: declined}}}}
`, (24*time.Hour-midnight.Sub(noon))/2))
}

// zoneFile is a time zone that is so many seconds east of Greenwich, and always was (RFC
// 9636, version 1): one type, no transitions.
func zoneFile(east int32) []byte {
	var b bytes.Buffer
	b.WriteString("TZif")
	b.Write(make([]byte, 16))
	for _, field := range []any{[6]uint32{0, 0, 0, 0, 1, 4}, east, [2]byte{}, []byte("NOW\x00")} {
		_ = binary.Write(&b, binary.BigEndian, field) // a buffer takes everything
	}
	return b.Bytes()
}

// books are a test's own, seen from beside the service.
type books struct {
	*world
	db *sql.DB
}

// open opens the books of a world for questions.
func (w *world) open(t *testing.T, address string) books {
	t.Helper()
	db, err := sql.Open("pgx", address)
	w.must(err)
	t.Cleanup(func() { db.Close() })
	return books{w, db}
}

// copied are books of a test's own with all that the day's have, and no process on them.
func (y *yesterday) copied(t *testing.T) books {
	t.Helper()
	address := pgtest.URL(t)
	w := &world{t: t, bank: y.bank, dir: t.TempDir(), config: y.config, url: address, env: y.env, lease: 3 * time.Second, page: 10,
		excuse: y.excuse, inert: y.inert}
	b := w.open(t, address)
	w.migrate()
	from, into := searchPath(w, y.url), searchPath(w, address)
	for _, table := range b.rows(`SELECT table_name FROM information_schema.tables WHERE table_schema = $1 AND table_name NOT LIKE 'goose%' AND table_name <> 'leases'`, from) {
		b.do(fmt.Sprintf(`DELETE FROM %s.%s`, into, table))
		b.do(fmt.Sprintf(`INSERT INTO %s.%s SELECT * FROM %s.%s`, into, table, from, table))
	}
	return b
}

func searchPath(w *world, address string) string {
	w.t.Helper()
	u, err := url.Parse(address)
	w.must(err)
	return u.Query().Get("search_path")
}

func (b books) do(statement string) {
	b.t.Helper()
	_, err := b.db.ExecContext(b.t.Context(), statement)
	b.must(err)
}

// rows are the first columns of an answer, as text.
func (b books) rows(query string, args ...any) (all []string) {
	b.t.Helper()
	rows, err := b.db.QueryContext(b.t.Context(), query, args...)
	b.must(err)
	defer rows.Close()
	for rows.Next() {
		var text string
		b.must(rows.Scan(&text))
		all = append(all, text)
	}
	b.must(rows.Err())
	return all
}

func (b books) number(query string, args ...any) (n int) {
	b.t.Helper()
	b.must(b.db.QueryRowContext(b.t.Context(), query, args...).Scan(&n))
	return n
}

// charged lists the attempts, oldest first.
func (b books) charged() (all []charged) {
	b.t.Helper()
	for _, row := range b.rows(`SELECT payment_id || ' ' || reference || ' ' || verdict FROM attempts ORDER BY planned_at, payment_id`) {
		fields := strings.Fields(row)
		all = append(all, charged{fields[0], fields[1], fields[2]})
	}
	return all
}

// left is all that a reconciliation leaves behind: the lines that count, the findings and
// what became of them, and what the payments learnt. What differs between two runs that did
// the same is not in it: moments, and the names of runs and readings.
func (b books) left() []string {
	b.t.Helper()
	var all []string
	for _, query := range []string{
		`SELECT 'line ' || ROW(l.seq, l.gateway, l.day, l.grp, l.found_by, l.kind, l.order_ref, l.external, l.verdict, l.amount, l.currency, l.fee, l.fee_currency, l.at, l.settled_at, l.code,
			l.reason)::text FROM statement_lines l JOIN statement_days d ON d.gateway = l.gateway AND d.day = l.day AND d.reading = l.reading ORDER BY l.seq`,
		`SELECT 'finding ' || ROW(payment_id, kind, attempt, about, source, tenant, gateway, grp, day, ours, ours_currency, theirs, theirs_currency, order_ref, external, detail, state,
			resolution, owner, note, closed_by, close_reason, adopted_as, version)::text FROM findings ORDER BY 1`,
		`SELECT 'change ' || ROW(finding_id, version, actor, reason, change)::text FROM finding_changes ORDER BY 1`,
		`SELECT 'observation ' || ROW(payment_id, kind, body)::text FROM events WHERE body LIKE '%"statement"%' ORDER BY 1`,
		`SELECT 'payment ' || ROW(id, status)::text FROM payments ORDER BY 1`,
	} {
		all = append(all, b.rows(query)...)
	}
	return all
}

// everything is what reconciliations wrote, to the last column.
func (b books) everything() []string {
	b.t.Helper()
	var all []string
	for _, table := range []string{"runs", "imports", "statement_days", "statement_lines", "findings", "finding_changes"} {
		all = append(all, b.rows(fmt.Sprintf(`SELECT '%s ' || x::text FROM %s x ORDER BY 1`, table, table))...)
	}
	return append(all, b.rows(`SELECT 'event ' || e::text FROM events e WHERE body LIKE '%"statement"%' ORDER BY 1`)...)
}

// found lists the open findings: their kinds, and the payment or the order of each.
func (b books) found() []string {
	b.t.Helper()
	all := b.rows(`SELECT kind || ':' || CASE payment_id WHEN '' THEN order_ref ELSE payment_id END FROM findings WHERE state = 'open' AND source = 'statement'`)
	slices.Sort(all) // as a server may not
	return all
}

// file is the list of the bank as a file that people export from its cabinet.
func (b books) file() string {
	b.t.Helper()
	rows := b.rows(`SELECT to_char(to_timestamp(at / 1000000) AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS') || ';' || kind || ';' || order_ref || ';' ||
		(amount / 100) || '.' || lpad((amount % 100)::text, 2, '0') || ';' || (fee / 100) || '.' || lpad((fee % 100)::text, 2, '0') || ';' || code
		FROM statement_lines ORDER BY seq`)
	return "date;kind;order;sum;fee;state\n" + strings.Join(rows, "\n") + "\n"
}
