package journal

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Replicas of the version before go on with payments while the schema is brought up to date.
// A step that waits for a table makes all wait who come after it, so it waits for less than
// any of them does, lets them pass, and comes again.
const (
	stepWaits  = time.Second     // for a lock: less than Options.CommitTimeout
	stepPauses = time.Second     // before it comes again; longer each time
	stepsTry   = 5 * time.Minute // before a person is asked
)

// ErrSchemaBehind says that the database lacks steps that this program needs.
var ErrSchemaBehind = errors.New("the schema is behind this program")

// ErrSchemaParted says that the database has later steps, and not all the earlier ones of
// this program: it was brought up to date by a release that this one is no part of.
var ErrSchemaParted = errors.New("the schema has gone another way than this program")

// Migrate brings the schema up to date. Several starters at once apply each step once. A
// schema that is further than this program is left as it is: releases only add to it. It
// returns ErrSchemaParted where a step is missing below one that is there.
func (s *Store) Migrate(ctx context.Context) error {
	if lacks, err := s.lacks(ctx); err != nil || len(lacks) == 0 {
		return err
	}
	db := s.write
	if s.postgres {
		db = stdlib.OpenDB(*s.server, stdlib.OptionAfterConnect(func(ctx context.Context, conn *pgx.Conn) error {
			_, err := conn.Exec(ctx, fmt.Sprintf("SET lock_timeout = %d", stepWaits.Milliseconds()))
			return err
		}))
		defer db.Close()
	}
	provider, err := s.provider(db)
	if err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	began := time.Now()
	for wait := stepPauses; ; wait = min(2*wait, 10*stepPauses) {
		_, err := provider.Up(ctx)
		switch {
		case err == nil:
			return nil
		case !heldUp(err):
			return fmt.Errorf("migrate: %w", err)
		case time.Since(began) > stepsTry:
			return fmt.Errorf("migrate: for %s a table that a step needs was never free; the step changed nothing, come again in a quieter hour: %w", stepsTry, err)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("migrate: %w", errors.Join(ctx.Err(), err))
		case <-time.After(wait):
		}
	}
}

// heldUp reports whether a step was rolled back for want of a lock: it waited too long, or it
// and somebody else waited for each other.
func heldUp(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && (pg.Code == "55P03" || pg.Code == "40P01")
}

// SchemaReady returns ErrSchemaBehind, and names the steps, when the database lacks steps of
// this program. It changes nothing.
func (s *Store) SchemaReady(ctx context.Context) error {
	lacks, err := s.lacks(ctx)
	if err == nil && len(lacks) > 0 {
		err = fmt.Errorf("%w: it lacks step %s; run \"payrouter migrate\" of this version first", ErrSchemaBehind, list(lacks))
	}
	return err
}

// lacks lists the steps of this program that the database does not have.
func (s *Store) lacks(ctx context.Context) ([]int64, error) {
	provider, err := s.provider(s.write)
	if err != nil {
		return nil, fmt.Errorf("migrate: %w", err)
	}
	has, err := s.steps(ctx)
	if err != nil {
		return nil, fmt.Errorf("migrate: read the schema's steps: %w", err)
	}
	newest := int64(0)
	for step := range has {
		newest = max(newest, step)
	}
	var lacks, below []int64
	for _, source := range provider.ListSources() {
		if !has[source.Version] {
			lacks = append(lacks, source.Version)
			if source.Version < newest {
				below = append(below, source.Version)
			}
		}
	}
	if len(below) > 0 {
		return nil, fmt.Errorf("%w: it is at step %d and lacks step %s; start a release that has them all, and undo no step by hand", ErrSchemaParted, newest, list(below))
	}
	return lacks, nil
}

// steps are those that the database has.
func (s *Store) steps(ctx context.Context) (map[int64]bool, error) {
	ctx, cancel := s.limit(ctx)
	defer cancel()
	var tables int
	if err := s.write.QueryRowContext(ctx, s.table(), "goose_db_version").Scan(&tables); err != nil || tables == 0 {
		return nil, err
	}
	rows, err := s.write.QueryContext(ctx, `SELECT version_id FROM goose_db_version WHERE is_applied`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	has := map[int64]bool{}
	for rows.Next() {
		var step int64
		if err := rows.Scan(&step); err != nil {
			return nil, err
		}
		has[step] = true
	}
	return has, rows.Err()
}

func list(steps []int64) string {
	words := make([]string, len(steps))
	for i, step := range steps {
		words[i] = fmt.Sprint(step)
	}
	return strings.Join(words, ", ")
}

func (s *Store) provider(db *sql.DB) (*goose.Provider, error) {
	dialect, options := goose.DialectSQLite3, []goose.ProviderOption{goose.WithExcludeNames(notFor("sqlite"))}
	if s.postgres {
		locker, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, 300))
		if err != nil {
			return nil, err
		}
		dialect, options = goose.DialectPostgres, []goose.ProviderOption{goose.WithSessionLocker(locker), goose.WithExcludeNames(notFor("postgresql"))}
	}
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, err
	}
	return goose.NewProvider(dialect, db, files, options...)
}
