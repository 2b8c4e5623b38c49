package journal

import (
	"database/sql/driver"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
)

// Overheard opens books whose statements go through ears: a connector in place of SQLite's,
// a tracer of those of PostgreSQL.
func Overheard(o Options, connector driver.Connector, tracer pgx.QueryTracer) (*Store, error) {
	if connector != nil {
		o.Connector = connector
	}
	s, err := Open(o)
	if err != nil || connector != nil {
		return s, err
	}
	if err := s.Close(); err != nil {
		return nil, err
	}
	s.server.Tracer = tracer
	s.write = stdlib.OpenDB(*s.server, stdlib.OptionAfterConnect(s.recognise))
	s.read = s.write
	return s, nil
}

// Few sets how many attempts of a gateway are few.
func Few(s *Store, n int) { s.few = n }

// Doubt is a write of which nobody knows whether it is durable.
func Doubt(s *Store) { s.note(errUnconfirmed) }

// Doubted reports whether there is one.
func Doubted(s *Store) bool { return s.assured.Load() < s.doubts.Load() }
