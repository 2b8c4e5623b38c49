package journal

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"io/fs"
	"net"
	"path"
	"strings"
	"unicode/utf8"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
)

// retryable reports whether a transaction failed only because of another one and
// certainly did not commit: PostgreSQL's serialization failure and deadlock.
func retryable(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && (pg.Code == "40001" || pg.Code == "40P01")
}

// taken reports whether a row was refused because a unique index has its key.
func taken(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == "23505"
}

// storable is text from outside as a TEXT column takes it: PostgreSQL refuses NUL and what
// is not UTF-8, and a fact must not be refused. JSON writes invalid bytes the same way.
func storable(text string) string {
	return strings.Map(func(r rune) rune {
		if r == 0 {
			return utf8.RuneError
		}
		return r
	}, text)
}

// Trouble reports whether an error is the database's: it could not be reached, was too
// slow, or refused a statement. Whoever gets one knows nothing about what was stored.
func Trouble(err error) bool {
	var (
		pg      *pgconn.PgError
		connect *pgconn.ConnectError
		lite    *sqlite.Error
		network net.Error
	)
	return errors.As(err, &pg) || errors.As(err, &connect) || errors.As(err, &lite) || errors.As(err, &network) ||
		errors.Is(err, driver.ErrBadConn) || errors.Is(err, sql.ErrConnDone) || errors.Is(err, sql.ErrTxDone) ||
		errors.Is(err, ErrWentBack) || errors.Is(err, ErrMoved) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || // the connection ended under a question
		errors.Is(err, context.DeadlineExceeded) || pgconn.SafeToRetry(err) || pgconn.Timeout(err) ||
		err != nil && strings.HasSuffix(err.Error(), "sql: database is closed") // an error that database/sql keeps to itself
}

// notFor are the migrations that are meant for the other engine. Most are one text for both;
// where the engines have no words in common, as for triggers, each has a file of its own,
// 00011_audit.sqlite.sql and 00011_audit.postgresql.sql.
func notFor(engine string) []string {
	own, err := fs.Glob(migrations, "migrations/*.*.sql")
	if err != nil {
		panic(err) // the pattern is a constant
	}
	var others []string
	for _, name := range own {
		if name = path.Base(name); !strings.HasSuffix(name, "."+engine+".sql") {
			others = append(others, name)
		}
	}
	return others
}

// skipLocked is for a choice of rows to change: it passes over those that somebody else is changing,
// who may have been stopped and be at it for hours. SQLite has one writer.
func (s *Store) skipLocked() string {
	if s.postgres {
		return `FOR UPDATE SKIP LOCKED`
	}
	return ""
}

// uniqueIndex asks whether the database has a unique index of a name.
func (s *Store) uniqueIndex() string {
	if s.postgres {
		return `SELECT COUNT(*) FROM pg_indexes WHERE schemaname = current_schema() AND indexname = $1 AND indexdef LIKE 'CREATE UNIQUE INDEX %'`
	}
	return `SELECT COUNT(*) FROM sqlite_master WHERE type = 'index' AND name = $1 AND sql LIKE 'CREATE UNIQUE INDEX %'`
}

// table asks whether the database has a table of a name.
func (s *Store) table() string {
	if s.postgres {
		return `SELECT COUNT(*) FROM pg_tables WHERE schemaname = current_schema() AND tablename = $1`
	}
	return `SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name = $1`
}
