package journal

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/payrouter/payrouter/providers"
)

// What a bank's checklist asks of the books. Each answer comes with its question, word for
// word: whoever doubts the answer can ask the database again.

// question is a query as it was asked, its values in their places.
func question(query string, args ...any) string {
	for n := len(args); n > 0; n-- { // $12 before $1
		value := fmt.Sprint(args[n-1])
		if text, ok := args[n-1].(string); ok {
			value = "'" + strings.ReplaceAll(text, "'", "''") + "'"
		}
		query = strings.ReplaceAll(query, fmt.Sprintf("$%d", n), value)
	}
	return strings.Join(strings.Fields(query), " ")
}

// Known is a gateway that attempts were made at, and whose it is.
type Known struct{ Gateway, Provider string }

// KnownGateways lists the gateways that stand in the books, those too that are not
// configured any more. It looks at one attempt of each.
func (s *Store) KnownGateways(ctx context.Context) ([]Known, string, error) {
	const query = `WITH RECURSIVE known(gateway) AS (SELECT MIN(gateway) FROM attempts
		UNION ALL SELECT (SELECT MIN(a.gateway) FROM attempts a WHERE a.gateway > known.gateway) FROM known WHERE known.gateway IS NOT NULL)
		SELECT gateway, (SELECT a.provider FROM attempts a WHERE a.gateway = known.gateway ORDER BY a.planned_at LIMIT 1) FROM known WHERE gateway IS NOT NULL ORDER BY gateway`
	var all []Known
	err := s.each(ctx, func(scan func(...any) error) error {
		var k Known
		err := scan(&k.Gateway, &k.Provider)
		all = append(all, k)
		return err
	}, query)
	return all, question(query), err
}

// Success is how many charges succeeded at a gateway that began within the quarter of an
// hour that begins at an instant.
type Success struct {
	Gateway string
	At      time.Time
	N       int64
}

// Successes counts the approved charges of gateways, dated by when the attempt began.
func (s *Store) Successes(ctx context.Context, gateways []string, w providers.Window) ([]Success, string, error) {
	if len(gateways) == 0 {
		return nil, "", nil
	}
	const quarter = int64(15 * time.Minute / time.Microsecond)
	places, names := in(4, gateways)
	query := `SELECT gateway, planned_at / $1 AS quarter, COUNT(*) FROM attempts WHERE gateway IN (` + places + `)
		AND verdict IN ('approved', 'held') AND verdict = 'approved' AND planned_at >= $2 AND planned_at < $3 GROUP BY gateway, quarter ORDER BY gateway, quarter`
	args := append([]any{quarter, micros(w.From), micros(w.To)}, names...)
	var all []Success
	err := s.each(ctx, func(scan func(...any) error) error {
		var c Success
		var n int64
		err := scan(&c.Gateway, &n, &c.N)
		c.At = instant(n * quarter)
		all = append(all, c)
		return err
	}, query, args...)
	return all, question(query, args...), err
}

// newest is how many rows are looked through for what no index finds.
const newest = 5000

// LatestPaid finds the latest payment that was paid at a gateway, and its attempt there.
func (s *Store) LatestPaid(ctx context.Context, gateway string) (id string, n int, asked string, err error) {
	const query = `SELECT payment_id, n FROM attempts WHERE gateway = $1 AND verdict IN ('approved', 'held') AND verdict = 'approved' ORDER BY last_at DESC, payment_id DESC LIMIT 1`
	err = s.one(ctx, []any{&id, &n}, query, gateway)
	return id, n, question(query, gateway), err
}

// LatestCanceled finds the newest payments of tenants that were canceled while a gateway had
// them, newest first, up to n.
func (s *Store) LatestCanceled(ctx context.Context, gateway string, tenants []string, n int) ([]string, string, error) {
	if len(tenants) == 0 {
		return nil, "", nil
	}
	from, names := newestOf("id, created_at, gateway, status", 4, tenants)
	query := `SELECT id FROM (` + from + `) AS newest
		WHERE gateway = $2 AND status = 'canceled' ORDER BY created_at DESC, id DESC LIMIT $3`
	return s.asked(ctx, query, append([]any{newest, gateway, n}, names...)...)
}

// newestOf is a query of the newest payments of tenants, at most $1. No index has those of
// several tenants in their order, so it takes as many of each and the newest of these.
func newestOf(columns string, from int, tenants []string) (query string, names []any) {
	places, names := in(from, tenants)
	if len(tenants) == 1 {
		return fmt.Sprintf(`SELECT %s FROM payments WHERE tenant = %s ORDER BY created_at DESC, id DESC LIMIT $1`, columns, places), names
	}
	var each []string
	for i, place := range strings.Split(places, ", ") {
		each = append(each, fmt.Sprintf(`SELECT * FROM (SELECT %s FROM payments WHERE tenant = %s ORDER BY created_at DESC, id DESC LIMIT $1) AS t%d`, columns, place, i))
	}
	return strings.Join(each, ` UNION ALL `) + ` ORDER BY created_at DESC, id DESC LIMIT $1`, names
}

// LatestUnknown finds the newest payments of tenants that went to a gateway and of which some
// answer once left the outcome unknown, newest first, up to n. Whether it was the answer of
// that gateway, the events must tell. Each payment is asked about by itself:
// without the OFFSET PostgreSQL may read all events.
func (s *Store) LatestUnknown(ctx context.Context, gateway string, tenants []string, n int) ([]string, string, error) {
	if len(tenants) == 0 {
		return nil, "", nil
	}
	from, names := newestOf("id, created_at", 4, tenants)
	query := `SELECT newest.id FROM (` + from + `) AS newest
		WHERE $2 IN (SELECT a.gateway FROM attempts a WHERE a.payment_id = newest.id)
		AND (EXISTS (SELECT 1 FROM events e WHERE e.payment_id = newest.id AND e.kind = 'observed'
			AND e.body LIKE '%"source":"response"%' AND e.body LIKE '%"verdict":"unknown"%' LIMIT 1 OFFSET 0)
			OR EXISTS (SELECT 1 FROM archive h WHERE h.payment_id = newest.id AND h.once_unknown LIMIT 1 OFFSET 0))
		ORDER BY newest.created_at DESC, newest.id DESC LIMIT $3`
	return s.asked(ctx, query, append([]any{newest, gateway, n}, names...)...)
}

// LatestRefunds finds the payments of which a refund was done at a gateway last, up to n, among
// the newest refunds that were. The limit is no parameter, of which PostgreSQL would suppose that
// it takes a tenth of all.
func (s *Store) LatestRefunds(ctx context.Context, gateway string, n int) ([]string, string, error) {
	const query = `SELECT payment_id FROM (SELECT payment_id, planned_at FROM refunds WHERE gateway = $1 AND verdict = 'approved' ORDER BY last_at DESC LIMIT 200) AS newest
		GROUP BY payment_id ORDER BY MAX(planned_at) DESC, payment_id DESC LIMIT $2`
	return s.asked(ctx, query, gateway, n)
}

// Twice is a notice that came more than once, word for word.
type Twice struct {
	Payment string
	Times   int64
	Last    time.Time
}

// LatestTwice finds the payments about which a gateway sent one notice more than once, the
// latest first, up to n. A question is no report, and may come as often as a payer looks.
func (s *Store) LatestTwice(ctx context.Context, gateway string, n int) ([]Twice, string, error) {
	const query = `SELECT MAX(payment_id), COUNT(*), MAX(received_at) FROM (SELECT payment_id, received_at, method, path, query, body, state FROM notices
		WHERE gateway = $1 ORDER BY received_at DESC LIMIT $2) AS newest WHERE state IN ('fact', 'debit', 'repeated', 'hint', 'followed')
		GROUP BY method, path, query, body HAVING COUNT(*) > 1 AND MAX(payment_id) <> '' ORDER BY MAX(received_at) DESC LIMIT $3`
	var all []Twice
	err := s.each(ctx, func(scan func(...any) error) error {
		var t Twice
		var last int64
		err := scan(&t.Payment, &t.Times, &last)
		t.Last = instant(last)
		all = append(all, t)
		return err
	}, query, gateway, newest, n)
	return all, question(query, gateway, newest, n), err
}

// References counts a gateway's latest attempts, up to a thousand, and those of them whose number
// another one of them has too. That all others are unique the index says, which takes no number
// that is there: whether the database has it is told, too.
func (s *Store) References(ctx context.Context, gateway string) (all, duplicates int64, refuses bool, asked string, err error) {
	const query = `SELECT COUNT(*), COUNT(*) - COUNT(DISTINCT reference) FROM (SELECT reference FROM attempts WHERE gateway = $1 ORDER BY planned_at DESC LIMIT 1000) AS latest`
	if err = s.one(ctx, []any{&all, &duplicates}, query, gateway); err != nil {
		return 0, 0, false, "", err
	}
	var found int
	unique := s.uniqueIndex()
	err = s.one(ctx, []any{&found}, unique, "attempts_reference")
	return all, duplicates, found == 1, question(query, gateway) + "; " + question(unique, "attempts_reference"), err
}

// NoticesKept says when the oldest notice of a gateway came. The zero time: none did.
func (s *Store) NoticesKept(ctx context.Context, gateway string) (time.Time, string, error) {
	const query = `SELECT MIN(received_at) FROM notices WHERE gateway = $1`
	oldest, err := s.earliest(ctx, query, gateway)
	return oldest, question(query, gateway), err
}

// PaymentsKept says when the oldest payment of all was opened. The zero time: none was.
func (s *Store) PaymentsKept(ctx context.Context) (time.Time, string, error) {
	return s.oldestPayment(ctx)
}

// Contested counts a gateway's disputes, and those of them that were raised before an instant
// and wait for our answer, and says when the oldest of these was raised.
func (s *Store) Contested(ctx context.Context, gateway string, before time.Time) (all, waiting int64, oldest time.Time, asked string, err error) {
	const query = `SELECT COUNT(*), COUNT(CASE WHEN state = 'open' AND opened_at < $2 THEN 1 END), MIN(CASE WHEN state = 'open' AND opened_at < $2 THEN opened_at END)
		FROM disputes WHERE gateway = $1`
	var at *int64
	err = s.one(ctx, []any{&all, &waiting, &at}, query, gateway, micros(before))
	if at != nil {
		oldest = instant(*at)
	}
	return all, waiting, oldest, question(query, gateway, micros(before)), err
}

// Drained is an order to send nothing to a gateway, from when to when it was in force.
type Drained struct {
	Start, End time.Time
	Actor      string
}

// LatestDrains lists the orders to drain a gateway that had begun by an instant, the latest
// first, up to n.
func (s *Store) LatestDrains(ctx context.Context, gateway string, now time.Time, n int) ([]Drained, string, error) {
	const query = `SELECT start_at, COALESCE(ended_at, end_at), actor FROM overrides WHERE gateway = $1 AND mode = 'drain' AND start_at <= $2 ORDER BY start_at DESC, id DESC LIMIT $3`
	var all []Drained
	err := s.each(ctx, func(scan func(...any) error) error {
		var d Drained
		var start, end int64
		err := scan(&start, &end, &d.Actor)
		d.Start, d.End = instant(start), instant(end)
		all = append(all, d)
		return err
	}, query, gateway, micros(now), n)
	return all, question(query, gateway, micros(now), n), err
}

// LastStatement is the newest business day of a gateway that has been read, and how many
// findings of it nobody has closed. ErrNotFound: none has been read.
func (s *Store) LastStatement(ctx context.Context, gateway string) (day StatementDay, open int64, asked string, err error) {
	const findings = `SELECT COUNT(*) FROM findings WHERE gateway = $1 AND state = 'open'`
	const query = `SELECT day, from_at, to_at, lines FROM statement_days WHERE gateway = $1 ORDER BY from_at DESC LIMIT 1`
	asked = question(query, gateway) + "; " + question(findings, gateway)
	if err = s.one(ctx, []any{&open}, findings, gateway); err != nil {
		return day, 0, asked, err
	}
	var from, to int64
	err = s.one(ctx, []any{&day.Day, &from, &to, &day.Lines}, query, gateway)
	day.Gateway, day.Span = gateway, providers.Window{From: instant(from), To: instant(to)}
	return day, open, asked, err
}
