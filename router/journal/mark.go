package journal

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/payrouter/payrouter/router/payment"
)

// ErrWentBack says that the books do not hold what this process had committed: they were
// put back to an older state, or a failover lost commits.
var ErrWentBack = errors.New("the books went back: they do not hold what was committed")

// ErrMoved says that another server answers than was looked over, or the same one after a
// start: no payment is opened there before the next look.
var ErrMoved = errors.New("another database server answers, and was not looked over yet")

// mark is a commit of this process, the last one as far as it knows: of two that ended
// at the same instant either may be it. While it stands, the earlier ones do.
type mark struct {
	payment string
	seq     int64
	writer  string
}

// Look is what a look at the books shows.
type Look struct {
	Gone   bool // they do not hold this process' last commit
	Behind bool // since the last look they held less of a payment than it had read
	Moved  bool // another server answers than at the last look, or the same one was started anew
}

// LookOver sees whether the books still hold what this process knows of them.
func (s *Store) LookOver(ctx context.Context) (look Look, err error) {
	ctx, cancel := s.limit(ctx)
	defer cancel()
	look.Behind = s.back.Swap(false)
	defer func() {
		if err != nil && look.Behind {
			s.TellAgain() // whoever made this look learns nothing from it
		}
	}()
	if s.postgres {
		moved := s.moved.Load()
		started, err := s.greet(s.write.QueryRowContext(ctx, server, s.idle()))
		if err != nil {
			return look, err
		}
		last := s.started.Swap(&started)
		look.Moved = s.Moved() || last != nil && !last.Equal(started)
		if newest := s.moved.Load(); newest != nil && newest.Equal(started) {
			moved = newest // the question itself made the connection
		}
		s.lookedOver.Store(moved)
	}
	look.Gone, _, err = s.gone(ctx, s.lastMark(), s.write)
	if err == nil && !look.Gone {
		err = s.follow(ctx)
	}
	return look, err
}

// follow moves the mark to the last event of its payment, if others have written on since:
// while that stands, the mark does, and it stays in events when the payment is archived. Both
// are seen at once, so that no history is followed that was put in the place of the mark's.
func (s *Store) follow(ctx context.Context) error {
	last := s.last.Load()
	if last == nil {
		return nil
	}
	newest := mark{payment: last.payment}
	err := s.write.QueryRowContext(ctx, `SELECT e.seq, e.writer FROM events e WHERE e.payment_id = $1 AND e.seq > $2
		AND EXISTS (SELECT 1 FROM events WHERE payment_id = $1 AND seq = $2 AND writer = $3) ORDER BY e.seq DESC LIMIT 1`,
		last.payment, last.seq, last.writer).Scan(&newest.seq, &newest.writer)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil
	case err != nil:
		return fmt.Errorf("follow the last commit: %w", err)
	}
	s.last.CompareAndSwap(last, &newest)
	return nil
}

// server tells one server from another, and from itself before it was started anew, and whether
// COMMIT waits there for a standby. Should that not confirm it, a warning is all that says so: a
// connection that was set up to hear of none is set right.
//
// A process that is stopped within a transaction keeps what it has locked, and its machine answers for
// it for as long as it is: its connection is ended once the transaction has been idle for longer than
// any of ours may take. Where somebody gave the session a time for that, it is left.
const server = `SELECT pg_postmaster_start_time(), COALESCE(current_setting('synchronous_standby_names', true), '') <> ''
	AND COALESCE(current_setting('synchronous_commit', true), '') NOT IN ('', 'off', 'local'),
	CASE current_setting('client_min_messages', true) WHEN 'error' THEN set_config('client_min_messages', 'warning', false) END,
	CASE current_setting('idle_in_transaction_session_timeout', true) WHEN '0' THEN set_config('idle_in_transaction_session_timeout', $1, false) END`

// idle is how long a transaction of ours may do nothing, as PostgreSQL takes it. Zero would be for ever.
func (s *Store) idle() string { return strconv.FormatInt(max(1, s.timeout.Milliseconds()), 10) + "ms" }

// greet reads what server tells, and returns when the server was started.
func (s *Store) greet(row interface{ Scan(...any) error }) (started time.Time, err error) {
	var awaits bool
	var hears, idle *string
	if err := row.Scan(&started, &awaits, &hears, &idle); err != nil {
		return started, fmt.Errorf("look for the server: %w", err)
	}
	s.awaits.Store(awaits)
	return started, nil
}

// recognise looks at the server behind a new connection, before anything is asked of it: a
// server that takes over may be there and gone between two looks.
func (s *Store) recognise(ctx context.Context, conn *pgx.Conn) error {
	started, err := s.greet(conn.QueryRow(ctx, server, s.idle()))
	if err != nil {
		return err
	}
	forget(conn.PgConn()) // it may have been warned of something else as it connected
	moved := s.moved.Load()
	if last := s.started.Load(); last != nil && !last.Equal(started) && (moved == nil || !moved.Equal(started)) {
		s.moved.Store(&started)
	}
	return nil
}

// Moved reports whether a connection reached another server than the last look did, or the
// same one after a start, since Settle. Whoever read something from it may have read less
// than was committed.
func (s *Store) Moved() bool { return s.moved.Load() != nil }

// Settle is for whoever has drawn the consequences of the last look's Look.Moved. A server that
// took over since is not settled with it.
func (s *Store) Settle() {
	if moved := s.lookedOver.Load(); moved != nil {
		s.moved.CompareAndSwap(moved, nil)
	}
}

// StartAnew forgets what was committed: the books are taken as they are now.
func (s *Store) StartAnew() { s.last.Store(nil) }

// TellAgain is for a look that found the books behind and could do nothing about it: the
// next one finds the same.
func (s *Store) TellAgain() { s.back.Store(true) }

type querier interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// gone asks even where there is no mark: an answer shows that the books can be read. A mark
// that others wrote behind, and that the process has not looked after since, may have been
// archived: then it moves to the last event of its payment that the archive has, which stands
// in events, too.
func (s *Store) gone(ctx context.Context, m mark, from querier) (gone, moved bool, err error) {
	var n int
	err = from.QueryRowContext(ctx, `SELECT COUNT(*) FROM events WHERE payment_id = $1 AND seq = $2 AND writer = $3`,
		m.payment, m.seq, m.writer).Scan(&n)
	if err != nil {
		return false, false, fmt.Errorf("look for the last commit: %w", err)
	}
	if n > 0 || m.payment == "" {
		return false, false, nil
	}
	history, err := archived(ctx, from, m.payment)
	switch {
	case errors.Is(err, ErrNotFound):
		return true, false, nil
	case err != nil:
		return false, false, fmt.Errorf("look for the last commit in the archive: %w", err)
	case m.seq > int64(len(history)) || history[m.seq-1].writer != m.writer:
		return true, false, nil
	}
	if kept := s.last.Load(); kept != nil && *kept == m {
		newest := history[len(history)-1]
		s.last.CompareAndSwap(kept, &mark{m.payment, newest.Seq, newest.writer})
	}
	return false, true, nil
}

// lastMark is the mark as a condition takes it: no row has the payment "", and without a
// mark the condition must hold. Take it before the transaction that goes by it begins: one
// that sees the books as of its beginning would take what others commit meanwhile for lost.
func (s *Store) lastMark() mark {
	if last := s.last.Load(); last != nil {
		return *last
	}
	return mark{}
}

// markStands is the condition that the mark stands, for a statement whose places $10 to $12
// are what places gives.
const markStands = `($10 = '' OR EXISTS (SELECT 1 FROM events WHERE payment_id = $10 AND seq = $11 AND writer = $12))`

func (m mark) places() []any { return []any{m.payment, m.seq, m.writer} }

// remember makes a commit the mark.
func (s *Store) remember(p payment.Payment) { s.last.Store(&mark{p.ID, p.Seq, p.Writer}) }

// behind is for books that hold less of a payment than this process had read.
func (s *Store) behind() error {
	s.back.Store(true)
	return ErrWentBack
}
