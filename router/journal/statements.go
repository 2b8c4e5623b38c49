package journal

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/payrouter/payrouter/providers"
)

// StagedLine is a line of a gateway's own books as ours keep it.
type StagedLine struct {
	providers.StatementLine
	Day     string // the business day that it was read for, 2026-11-24
	Seq     int64  // where it stands in its reading, from 0
	Group   string // whose it is: [PaymentOf] knows
	FoundBy FoundBy
}

// FoundBy says how a line found its attempt.
type FoundBy string

// The ways, surest first. The zero value is that it found none.
const (
	ByReference FoundBy = "reference" // our order number of an attempt
	ByOwn       FoundBy = "own"       // our order number of a refund
	ByExternal  FoundBy = "external"  // the gateway's id
	ByAmount    FoundBy = "amount"    // nothing but the money and the time
	ByAdoption  FoundBy = "adoption"  // a person gave it to a payment of its own
)

// stray begins the groups of lines that are nobody's.
const stray = "?"

// StatementDay is a business day whose statement has been read to its end.
type StatementDay struct {
	Gateway, Day string
	Reading      string // which reading it is
	Source       providers.StatementSource
	Span         providers.Window
	Lines        int64
	Read         time.Time // as of when it is what the gateway says
}

// stage inserts lines of a reading, numbered from their Seq, whose groups are known.
func stage(ctx context.Context, tx *sql.Tx, gateway, reading string, lines []StagedLine) error {
	const columns, page = 18, 100
	for len(lines) > 0 {
		n := min(page, len(lines))
		var rows []string
		var args []any
		for _, l := range lines[:n] {
			row := []any{reading, gateway, l.Day, l.Seq, l.Group, string(l.FoundBy), storable(string(l.Kind)), storable(l.Order), storable(l.External), l.Verdict.String(),
				l.Amount.Minor, storable(l.Amount.Currency), l.Fee.Minor, storable(l.Fee.Currency), nullMicros(l.At), nullMicros(l.Settled), storable(l.Code), string(l.Reason)}
			var places []string
			for i := range columns {
				places = append(places, "$"+strconv.Itoa(len(args)+i+1))
			}
			rows, args = append(rows, "("+strings.Join(places, ", ")+")"), append(args, row...)
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO statement_lines (reading, gateway, `+lineColumns+`) VALUES `+strings.Join(rows, ", "), args...)
		if err != nil {
			return err
		}
		lines = lines[n:]
	}
	return nil
}

// owners tells whose names are, in the order in which a line's names count.
type owners struct{ reference, own, external map[string]string }

// Assign says whose the lines are: by our reference, then by a refund's own number, then by
// the gateway's id. What is nobody's stays with the lines that bear the same name.
func (s *Store) Assign(ctx context.Context, gateway string, lines []StagedLine) error {
	o, err := s.owners(ctx, gateway, lines)
	if err != nil {
		return err
	}
	for i := range lines {
		lines[i].Group, lines[i].FoundBy = o.of(lines[i].StatementLine)
	}
	return nil
}

func (o owners) of(l providers.StatementLine) (string, FoundBy) {
	if g := o.reference[l.Order]; l.Order != "" && g != "" {
		return g, ByReference
	}
	if g := o.own[l.Order]; l.Kind == providers.LineRefund && l.Order != "" && g != "" {
		return g, ByOwn
	}
	if g := o.external[l.External]; l.External != "" && g != "" {
		return g, ByExternal
	}
	return StrayOf(l), ""
}

// StrayOf names the lines that are nobody's and belong together: those that bear the same
// names, on one day where the gateway's id is not among them, or, without any, say the same.
// A name that half a statement bears brings few lines together all the same.
func StrayOf(l providers.StatementLine) string {
	name := []string{"line", string(l.Kind), l.At.UTC().Format(time.RFC3339Nano), l.Verdict.String(), l.Amount.String(), l.Code}
	switch {
	case l.External != "":
		name = []string{"id", l.External, l.Order}
	case l.Order != "":
		name = []string{"order", l.Order, l.At.UTC().Format(time.DateOnly)}
	}
	return stray + bounded(strings.Join(name, "/"))
}

// bounded is a name from outside as an index takes it: a longer one is cut, and told from
// others by a hash.
func bounded(name string) string {
	const most = 120
	name = storable(name)
	if len(name) <= most {
		return name
	}
	sum := sha256.Sum256([]byte(name))
	return strings.ToValidUTF8(name[:most-33], "") + "#" + hex.EncodeToString(sum[:16])
}

func (s *Store) owners(ctx context.Context, gateway string, lines []StagedLine) (owners, error) {
	orders, ids := map[string]bool{}, map[string]bool{}
	for _, l := range lines {
		orders[l.Order], ids[l.External] = true, true
	}
	o := owners{reference: map[string]string{}, own: map[string]string{}, external: map[string]string{}}
	// The plus keeps SQLite from reading all that the gateway has for the sake of the order.
	for _, q := range []struct {
		into  map[string]string
		names map[string]bool
		query string
	}{
		{o.reference, orders, `SELECT reference, payment_id, n FROM attempts WHERE gateway = $1 AND reference IN (%s)`},
		{o.own, orders, `SELECT own, payment_id, attempt FROM refunds WHERE gateway = $1 AND own <> '' AND own IN (%s) ORDER BY +planned_at`},
		{o.external, ids, `SELECT external, payment_id, n FROM attempts WHERE gateway = $1 AND external <> '' AND external IN (%s) ORDER BY +planned_at`},
		{o.external, ids, `SELECT external, payment_id, attempt FROM refunds WHERE gateway = $1 AND external <> '' AND external IN (%s) ORDER BY +planned_at`},
	} {
		if err := s.own(ctx, q.into, q.query, gateway, q.names); err != nil {
			return o, fmt.Errorf("whose lines of %s: %w", gateway, err)
		}
	}
	return o, nil
}

// own fills in whose the names are that are not known yet.
func (s *Store) own(ctx context.Context, into map[string]string, query, gateway string, names map[string]bool) error {
	var texts []string
	for name := range names {
		if name != "" && into[name] == "" {
			texts = append(texts, name)
		}
	}
	if len(texts) == 0 {
		return nil
	}
	ctx, cancel := s.limit(ctx)
	defer cancel()
	places, args := in(2, texts)
	rows, err := s.read.QueryContext(ctx, fmt.Sprintf(query, places), append([]any{gateway}, args...)...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var name, payment string
		var attempt int
		if err := rows.Scan(&name, &payment, &attempt); err != nil {
			return err
		}
		if into[name] == "" {
			into[name] = GroupOf(payment, attempt)
		}
	}
	return rows.Err()
}

// StatementDays lists the days of a gateway that have been read to their end, oldest first.
func (s *Store) StatementDays(ctx context.Context, gateway string) ([]StatementDay, error) {
	ctx, cancel := s.limit(ctx)
	defer cancel()
	rows, err := s.read.QueryContext(ctx, `SELECT day, reading, source, from_at, to_at, lines, read_at FROM statement_days WHERE gateway = $1 ORDER BY from_at`, gateway)
	if err != nil {
		return nil, fmt.Errorf("statements of %s: %w", gateway, err)
	}
	defer rows.Close()
	var all []StatementDay
	for rows.Next() {
		d := StatementDay{Gateway: gateway}
		var from, to, read int64
		if err := rows.Scan(&d.Day, &d.Reading, &d.Source, &from, &to, &d.Lines, &read); err != nil {
			return nil, fmt.Errorf("statements of %s: %w", gateway, err)
		}
		d.Span, d.Read = providers.Window{From: instant(from), To: instant(to)}, instant(read)
		all = append(all, d)
	}
	return all, rows.Err()
}

// Analyze lets PostgreSQL look at the lines that have just come. By itself it does so within a
// minute or so, and until then it may choose plans for a table that it takes for empty.
func (s *Store) Analyze(ctx context.Context) error {
	if !s.postgres {
		return nil
	}
	ctx, cancel := s.limit(ctx)
	defer cancel()
	if _, err := s.exec(ctx, `ANALYZE statement_lines`); err != nil {
		return fmt.Errorf("look at the lines of statements: %w", err)
	}
	return nil
}

// Groups lists up to n groups of the lines of a reading's day, in their order after one.
// Where a span is given, only those with a line that is dated in it.
func (s *Store) Groups(ctx context.Context, reading, day string, dated providers.Window, after string, n int) ([]string, error) {
	condition, args := "", []any{reading, day, after, n}
	if !dated.From.IsZero() {
		condition, args = "AND at >= $5 AND at < $6", append(args, micros(dated.From), micros(dated.To))
	}
	groups, err := s.ids(ctx, `SELECT DISTINCT grp FROM statement_lines WHERE reading = $1 AND day = $2 AND grp > $3 `+condition+` ORDER BY grp LIMIT $4`, args...)
	if err != nil {
		return nil, fmt.Errorf("groups of a statement: %w", err)
	}
	return groups, nil
}

// LinesOf reads what the statements of all days tell of some groups. Of one group it reads
// no more than most lines, the first ones: an order that is told of without end is one
// finding, and not the end of a run.
func (s *Store) LinesOf(ctx context.Context, gateway string, groups []string, most int) ([]StagedLine, error) {
	if len(groups) == 0 {
		return nil, nil
	}
	ctx, cancel := s.limit(ctx)
	defer cancel()
	places, args := in(3, groups)
	rows, err := s.read.QueryContext(ctx, `SELECT `+lineColumns+` FROM (
		SELECT l.*, ROW_NUMBER() OVER (PARTITION BY l.grp ORDER BY l.day, l.seq) AS place FROM statement_lines l
		JOIN statement_days d ON d.gateway = l.gateway AND d.day = l.day AND d.reading = l.reading
		WHERE l.gateway = $1 AND l.grp IN (`+places+`)) numbered WHERE place <= $2 ORDER BY grp, day, seq`, append([]any{gateway, most}, args...)...)
	if err != nil {
		return nil, fmt.Errorf("lines of %s: %w", gateway, err)
	}
	return scanLines(rows)
}

// Movements reads up to n lines of a day's statement that tell of money that moved, in the
// gateway's own order, after the line with a number; -1 begins.
func (s *Store) Movements(ctx context.Context, reading, day string, after int64, n int) ([]StagedLine, error) {
	ctx, cancel := s.limit(ctx)
	defer cancel()
	rows, err := s.read.QueryContext(ctx, `SELECT `+lineColumns+`
		FROM statement_lines WHERE reading = $1 AND seq > $3 AND day = $2 AND verdict = 'approved' ORDER BY seq LIMIT $4`, reading, day, after, n)
	if err != nil {
		return nil, fmt.Errorf("movements of %s: %w", day, err)
	}
	return scanLines(rows)
}

// Orders reads the merchants' order numbers of payments.
func (s *Store) Orders(ctx context.Context, ids []string) (map[string]string, error) {
	orders := map[string]string{}
	if len(ids) == 0 {
		return orders, nil
	}
	ctx, cancel := s.limit(ctx)
	defer cancel()
	places, args := in(1, ids)
	rows, err := s.read.QueryContext(ctx, `SELECT id, order_ref FROM payments WHERE id IN (`+places+`)`, args...)
	if err != nil {
		return nil, fmt.Errorf("read orders: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var id, order string
		if err := rows.Scan(&id, &order); err != nil {
			return nil, fmt.Errorf("read orders: %w", err)
		}
		orders[id] = order
	}
	return orders, rows.Err()
}

// lineColumns are what scanLine reads, in its order. stage writes them behind the reading and
// its gateway.
const lineColumns = `day, seq, grp, found_by, kind, order_ref, external, verdict, amount, currency, fee, fee_currency, at, settled_at, code, reason`

// scanLines reads and closes rows of lines.
func scanLines(rows *sql.Rows) ([]StagedLine, error) {
	defer rows.Close()
	var all []StagedLine
	for rows.Next() {
		l, err := scanLine(rows)
		if err != nil {
			return nil, fmt.Errorf("read a line of a statement: %w", err)
		}
		all = append(all, l)
	}
	return all, rows.Err()
}

func scanLine(rows *sql.Rows) (StagedLine, error) {
	var l StagedLine
	var verdict string
	var at, settled *int64
	err := rows.Scan(&l.Day, &l.Seq, &l.Group, &l.FoundBy, &l.Kind, &l.Order, &l.External, &verdict, &l.Amount.Minor, &l.Amount.Currency,
		&l.Fee.Minor, &l.Fee.Currency, &at, &settled, &l.Code, &l.Reason)
	if err != nil {
		return l, err
	}
	if at != nil {
		l.At = instant(*at)
	}
	if settled != nil {
		l.Settled = instant(*settled)
	}
	return l, l.Verdict.UnmarshalText([]byte(verdict))
}

// DropReplaced deletes up to n lines of a day that an older reading left behind, and says
// how many it deleted.
func (s *Store) DropReplaced(ctx context.Context, gateway, day string, n int) (int64, error) {
	var dropped int64
	err := s.settle(ctx, func(ctx context.Context, tx *sql.Tx) (err error) {
		dropped, err = affected(tx.ExecContext(ctx, `DELETE FROM statement_lines WHERE (reading, seq) IN (
			SELECT l.reading, l.seq FROM runs r JOIN statement_lines l ON l.reading = r.reading AND l.day = r.day
			WHERE r.gateway = $1 AND r.day = $2 AND r.ended_at IS NOT NULL
			AND NOT EXISTS (SELECT 1 FROM statement_days d WHERE d.gateway = $1 AND d.day = $2 AND d.reading = l.reading) LIMIT $3)`, gateway, day, n))
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("drop lines of %s, %s: %w", gateway, day, err)
	}
	return dropped, nil
}
