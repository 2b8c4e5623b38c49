package journal

import (
	"context"
	"database/sql"
	"errors"

	"github.com/jackc/pgx/v5/pgconn"
)

// Where PostgreSQL has a synchronous standby, COMMIT waits until that has the write, too. If the
// wait is cancelled, as an operator may do with pg_cancel_backend when the standby hangs, COMMIT
// succeeds and a warning says that the write is at this server only: should it be lost with it,
// nobody is to have been told that it is durable (SAFETY section 3). The texts of warnings follow
// the server's language, and COMMIT has no other, so any of them counts.

// errUnconfirmed says that a write stands where it was made and may not survive that server. To
// look for it there would show it, and prove nothing.
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
