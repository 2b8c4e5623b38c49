package bulk

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"
)

// postgres are books on PostgreSQL, written by COPY: the events by one connection, and all
// that follows from them, which is about as much, by another.
type postgres struct {
	conn    *pgx.Conn
	beside  *pgx.Conn
	indexes []string // the statements that make them anew
}

func openPostgres(ctx context.Context, url string) (_ books, err error) {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return nil, err
	}
	p := &postgres{conn: conn}
	defer func() {
		if err != nil {
			p.close()
		}
	}()
	if p.beside, err = pgx.Connect(ctx, url); err != nil {
		return nil, err
	}
	var any bool
	if err := conn.QueryRow(ctx, `SELECT EXISTS (SELECT 1 FROM payments)`).Scan(&any); err != nil {
		return nil, err
	}
	if any {
		return nil, ErrNotEmpty
	}
	return p, p.bare(ctx)
}

// bare takes off all keys and indexes of the tables.
func (p *postgres) bare(ctx context.Context) error {
	var drops []string
	note := func(query string) error {
		rows, err := p.conn.Query(ctx, query, names())
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var drop, create string
			if err := rows.Scan(&drop, &create); err != nil {
				return err
			}
			drops, p.indexes = append(drops, drop), append(p.indexes, create)
		}
		return rows.Err()
	}
	const keys = `SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname), format('ALTER TABLE %s ADD CONSTRAINT %I %s', conrelid::regclass, conname, pg_get_constraintdef(oid))
		FROM pg_constraint WHERE contype = 'p' AND connamespace = current_schema()::regnamespace AND conrelid::regclass::text = ANY($1) ORDER BY 1`
	const indexes = `SELECT format('DROP INDEX %I', indexname), indexdef FROM pg_indexes WHERE schemaname = current_schema() AND tablename = ANY($1)
		AND NOT EXISTS (SELECT 1 FROM pg_constraint WHERE conname = indexname AND connamespace = current_schema()::regnamespace) ORDER BY 1`
	if err := note(keys); err != nil {
		return err
	}
	if err := note(indexes); err != nil {
		return err
	}
	for _, drop := range drops {
		if _, err := p.conn.Exec(ctx, drop); err != nil {
			return fmt.Errorf("%s: %w", drop, err)
		}
	}
	return nil
}

func (p *postgres) write(ctx context.Context, b *batch) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return copyRows(ctx, p.conn, b, events, events+1) })
	group.Go(func() error { return copyRows(ctx, p.beside, b, events+1, len(b)) })
	return group.Wait()
}

// copyRows writes a batch's rows of the tables from one to another.
func copyRows(ctx context.Context, conn *pgx.Conn, b *batch, from, to int) error {
	return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		for i := from; i < to; i++ {
			if len(b[i]) == 0 {
				continue
			}
			if _, err := tx.CopyFrom(ctx, pgx.Identifier{tables[i].name}, tables[i].columns, pgx.CopyFromRows(b[i])); err != nil {
				return fmt.Errorf("copy into %s: %w", tables[i].name, err)
			}
		}
		return nil
	})
}

func (p *postgres) finish(ctx context.Context) error {
	statements := append([]string{`SET maintenance_work_mem = '1GB'`}, p.indexes...)
	// The visibility map, too, which a server of some age has.
	for _, name := range slices.Sorted(slices.Values(names())) {
		statements = append(statements, `VACUUM (ANALYZE) `+name)
	}
	for _, s := range append(statements, `CHECKPOINT`) {
		if _, err := p.conn.Exec(ctx, s); err != nil {
			return fmt.Errorf("%s: %w", s, err)
		}
	}
	return nil
}

func (p *postgres) close() {
	for _, conn := range []*pgx.Conn{p.conn, p.beside} {
		if conn != nil {
			_ = conn.Close(context.Background())
		}
	}
}
