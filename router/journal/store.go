package journal

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/payrouter/payrouter/router/payment"
)

// Options configure a Store.
type Options struct {
	// URL is "sqlite:PATH" for a file, "sqlite:" alone for a database in memory, or a
	// postgres:// URL.
	URL string
	// Due says when the worker should look at a payment again; the zero time
	// means never. Required.
	Due func(payment.Payment, time.Time) time.Time
	// MaxConns bounds the connections to PostgreSQL, default 16. SQLite has one writer.
	MaxConns int
	// Connector, when set, gives the connections to SQLite in place of the URL: tests put
	// faults between the journal and its database there. May be nil.
	Connector driver.Connector
	// GroupCommit is how many payments may share one commit, default 64. With 1 each has
	// its own.
	GroupCommit int
	// CommitTimeout bounds one write, COMMIT included, and one read, default 5 s.
	CommitTimeout time.Duration
}

// Store is the journal on one database. It is safe for concurrent use.
type Store struct {
	write, read *sql.DB
	postgres    bool
	server      *pgx.ConnConfig // of PostgreSQL
	due         func(payment.Payment, time.Time) time.Time
	timeout     time.Duration
	last        atomic.Pointer[mark]
	back        atomic.Bool               // the books hold less than was read from them
	started     atomic.Pointer[time.Time] // the server, as last looked over
	moved       atomic.Pointer[time.Time] // another one that answers since; nil: none
	lookedOver  atomic.Pointer[time.Time] // which of these the last look was about
	few         int                       // attempts of a gateway, to be found by these
	group       *group                    // nil when each payment has a commit of its own
	behindLocks chan struct{}             // the places of those who wait for one alone
	work        floor                     // of what is due
	waiting     floor                     // of what waits for its number in the feed
	assurance                             // that what was written is durable
}

// ErrNotFound says that there is no such payment, reference or row.
var ErrNotFound = errors.New("not found")

// errURL quotes nothing: where a URL is misspelt, nobody can say what of it is the password.
var errURL = errors.New("journal: the postgres:// URL cannot be read; check host, port and parameters, and write special characters of the password as %XX")

// Open connects to the database. It does not migrate.
func Open(o Options) (*Store, error) {
	if o.Due == nil {
		return nil, errors.New("journal: Options.Due is required")
	}
	if o.CommitTimeout == 0 {
		o.CommitTimeout = 5 * time.Second
	}
	if o.MaxConns == 0 {
		o.MaxConns = 16
	}
	if o.GroupCommit == 0 {
		o.GroupCommit = 64
	}
	s := &Store{due: o.Due, timeout: o.CommitTimeout, few: fewAttempts, behindLocks: make(chan struct{}, max(1, o.MaxConns/2))}
	if o.GroupCommit > 1 {
		s.group = &group{most: o.GroupCommit, leaders: 1, run: s.runSQLite}
	}
	if o.Connector != nil {
		s.write = sql.OpenDB(o.Connector)
		s.write.SetMaxOpenConns(o.MaxConns)
		s.write.SetMaxIdleConns(o.MaxConns)
		s.read = s.write
		return s, nil
	}
	path, isFile := strings.CutPrefix(o.URL, "sqlite:")
	switch {
	case isFile:
		return s, s.openSQLite(path)
	case strings.HasPrefix(o.URL, "postgres://"), strings.HasPrefix(o.URL, "postgresql://"):
		server, err := pgx.ParseConfig(o.URL)
		if err != nil {
			return nil, errURL
		}
		server.OnNotice = remark
		s.postgres, s.server = true, server
		db := stdlib.OpenDB(*server, stdlib.OptionAfterConnect(s.recognise))
		db.SetMaxOpenConns(o.MaxConns)
		db.SetMaxIdleConns(o.MaxConns)
		s.write, s.read = db, db
		if s.group != nil {
			s.group.leaders, s.group.run = 2, s.runPostgres
		}
		return s, nil
	}
	return nil, errors.New("journal: the URL must begin with sqlite: or postgres://")
}

// openSQLite opens one writing connection and, for a file, a pool of readers, so that
// reads do not queue behind commits.
func (s *Store) openSQLite(path string) error {
	const pragmas = "_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=busy_timeout(5000)&_pragma=foreign_keys(1)"
	dsn := "file:" + path + "?" + pragmas + "&_txlock=immediate"
	if path == "" {
		dsn = "file::memory:?" + pragmas + "&_txlock=immediate"
	}
	db := sql.OpenDB(liteConnector{dsn})
	db.SetMaxOpenConns(1)
	s.write, s.read = db, db
	if path == "" {
		return nil
	}
	if err := db.Ping(); err != nil { // creates the file, so that readers find one
		return fmt.Errorf("open journal %s: %w", path, err)
	}
	s.read = sql.OpenDB(liteConnector{"file:" + path + "?mode=ro&" + pragmas})
	s.read.SetMaxOpenConns(max(2, runtime.GOMAXPROCS(0)))
	s.read.SetMaxIdleConns(max(2, runtime.GOMAXPROCS(0)))
	return nil
}

// Close releases the connections.
func (s *Store) Close() error {
	if s.read != s.write {
		return errors.Join(s.read.Close(), s.write.Close())
	}
	return s.write.Close()
}

// Engine names the database: "sqlite" or "postgresql".
func (s *Store) Engine() string {
	if s.postgres {
		return "postgresql"
	}
	return "sqlite"
}

// Patience is how long one write or one read may take: Options.CommitTimeout.
func (s *Store) Patience() time.Duration { return s.timeout }

// limit bounds one use of the database. A caller may have no deadline: what was learnt
// is written whether its caller waits or not.
func (s *Store) limit(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, s.timeout)
}

// Ping reports whether the database answers.
func (s *Store) Ping(ctx context.Context) error { return s.read.PingContext(ctx) }

func micros(t time.Time) int64 { return t.UnixMicro() }

func instant(us int64) time.Time { return time.UnixMicro(us).UTC() }

func nullMicros(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UnixMicro()
}
