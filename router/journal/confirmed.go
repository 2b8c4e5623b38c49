package journal

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/jackc/pgx/v5/pgconn"
)

// Where PostgreSQL has a synchronous standby, COMMIT waits until that has the write, too. If the
// wait is cancelled, as an operator may do with pg_cancel_backend when the standby hangs, COMMIT
// succeeds and a warning says that the write is at this server only: should it be lost with it,
// nobody is to have been told that it is durable (SAFETY section 3). The texts of warnings follow
// the server's language, and COMMIT has no other, so any of them counts. If the connection ends
// while it waits, by our own time-out or somebody's word, nothing is said, and the write stands
// there all the same.
//
// So what a look finds after a commit that went wrong proves nothing by itself. It does after one
// more commit, of whatever: the server's log is one, and a standby that confirms the later write
// has the earlier one.

// errUnconfirmed says that a write stands where it was made and may not survive that server.
var errUnconfirmed = errors.Join(errors.New("the commit was not confirmed by the standby"), context.DeadlineExceeded)

const warned = "payrouter: warned"

// remark keeps on a connection that the server warned there.
func remark(conn *pgconn.PgConn, n *pgconn.Notice) {
	if n.SeverityUnlocalized == "WARNING" {
		conn.CustomData()[warned] = true
	}
}

// forget takes what was remarked off a connection, and reports whether there was anything.
func forget(conn *pgconn.PgConn) bool {
	_, was := conn.CustomData()[warned]
	delete(conn.CustomData(), warned)
	return was
}

// confirmed is errUnconfirmed when the server warned about the commit that has just succeeded.
func confirmed(conn *pgconn.PgConn) error {
	if forget(conn) {
		return errUnconfirmed
	}
	return nil
}

// assurance counts the commits of a process of which it is not known whether they are durable, and
// up to which of them that was made up for. Of other processes' it knows nothing: where COMMIT waits
// for a standby at all, whatever is read may be one that nobody confirmed.
type assurance struct {
	doubts, assured atomic.Int64
	awaits          atomic.Bool // a standby, as far as the server was asked

	askers   atomic.Int64 // of a commit, so far
	making   sync.Mutex   // held by who makes it
	answered int64        // up to which of them it was made,
	answer   error        // and how it ended
}

// note takes in how a write ended. Whatever may have left something behind is a doubt.
func (s *Store) note(err error) {
	if err != nil && s.postgres && mayStand(err) {
		s.doubts.Add(1)
	}
}

// mayStand reports whether a write that went wrong may have been made all the same: not where the
// server refused a statement of it, nor where it never came to the server.
func mayStand(err error) bool {
	if pg := (*pgconn.PgError)(nil); errors.As(err, &pg) {
		return strings.HasPrefix(pg.Code, "57") || strings.HasPrefix(pg.Code, "08") // it ended the connection
	}
	return Trouble(err) && !errors.Is(err, errWaited) && !errors.Is(err, ErrMoved) && !errors.Is(err, ErrWentBack)
}

// assure makes sure that what was read is durable, whoever wrote it. Whoever tells of a success
// that it only read asks for it first.
func (s *Store) assure(ctx context.Context) error {
	if !s.awaits.Load() {
		return s.assureOwn(ctx)
	}
	return s.confirm(ctx)
}

// assureOwn makes sure of what this process may have written.
func (s *Store) assureOwn(ctx context.Context) error {
	if s.assured.Load() >= s.doubts.Load() {
		return nil
	}
	return s.confirm(ctx)
}

// confirm returns when a commit has ended that began after it was called. One at a time makes it, for
// all who have asked by then: they may be many, who were all told that nobody knows.
func (s *Store) confirm(ctx context.Context) error {
	place := s.askers.Add(1)
	s.making.Lock()
	defer s.making.Unlock()
	if s.answered >= place {
		return s.answer
	}
	asked, doubts, ctx := s.askers.Load(), s.doubts.Load(), context.WithoutCancel(ctx)
	err := s.again(ctx, func() error {
		return s.transact(ctx, func(ctx context.Context, tx *sql.Tx) error {
			_, err := take(ctx, tx, "assured", 1) // any write would do
			return err
		})
	})
	if err != nil {
		err = fmt.Errorf("make sure of what was written: %w", err)
	} else {
		s.assured.Store(doubts)
	}
	s.answered, s.answer = asked, err
	return err
}

// confirmed is likewise about the last commit of a connection, on either engine.
func (s *Store) confirmed(conn *sql.Conn) error {
	if !s.postgres {
		return nil
	}
	return conn.Raw(func(raw any) error {
		c, err := postgresOf(raw)
		if err != nil {
			return err
		}
		return confirmed(c.PgConn())
	})
}
