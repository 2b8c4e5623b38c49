package main

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/payrouter/payrouter/router/pgtest/pgserver"
)

// growthEngine is a database whose books are filled quickly at first, and are as durable as a
// real one's from settle on.
type growthEngine interface {
	name() string
	describe(ctx context.Context) (engineFacts, error)
	// place is where books of a size belong, and whether they are there already.
	place(ctx context.Context, size int) (books string, filled bool, err error)
	settle(ctx context.Context) error
	// bytes is how much disk some books take.
	bytes(ctx context.Context, books string) (int64, error)
	// pages counts the pages of tables and indexes that were touched in some books so far, by
	// whoever has left; -1 when that is not known.
	pages(ctx context.Context, books string) int64
	close()
}

func (g *growth) launch(ctx context.Context, name string) (growthEngine, error) {
	if name == "sqlite" {
		return &growthLite{lite{folder: g.folder}}, nil
	}
	if g.server != "" {
		return givenPostgres(g.server)
	}
	// wal_level=minimal spares the log for indexes that are built; nothing of it is needed.
	server, err := pgserver.Launch(ctx, pgserver.Options{Folder: g.folder, MaxConnections: 100, Volatile: true,
		Settings: []string{"shared_buffers=" + g.buffers, "wal_level=minimal", "max_wal_senders=0", "max_wal_size=4GB"}})
	if err != nil {
		return nil, err
	}
	p := &growthPostgres{postgres: postgres{server: server}}
	if p.db, err = sql.Open("pgx", p.url("public")); err != nil {
		p.close()
		return nil, err
	}
	p.db.SetMaxIdleConns(0) // a restart ends them
	return p, nil
}

// givenPostgres is a server that somebody else runs. It is as durable as they have it.
func givenPostgres(books string) (growthEngine, error) {
	db, err := sql.Open("pgx", books)
	if err != nil {
		return nil, err
	}
	db.SetMaxIdleConns(0)
	return &growthPostgres{postgres: postgres{db: db}, given: books}, nil
}

// growthLite is SQLite: it fills a file without a journal, and the store opens it with one.
type growthLite struct{ lite }

func (l *growthLite) place(ctx context.Context, _ int) (string, bool, error) {
	books, _, err := l.books(ctx)
	return books, false, err
}

func (l *growthLite) settle(context.Context) error { syscall.Sync(); return nil }

func (l *growthLite) bytes(_ context.Context, books string) (int64, error) {
	info, err := os.Stat(strings.TrimPrefix(books, "sqlite:"))
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

func (l *growthLite) pages(context.Context, string) int64 { return -1 }

func (l *growthLite) close() {
	for n := range l.files {
		for _, suffix := range []string{"", "-wal", "-shm"} {
			_ = os.Remove(filepath.Join(l.folder, fmt.Sprintf("books-%d.db%s", n+1, suffix)))
		}
	}
}

// growthPostgres is PostgreSQL: it fills without syncing, and starts anew with it.
type growthPostgres struct {
	postgres
	given string // the URL, where the server is not ours
}

// in is the URL of a schema.
func (p *growthPostgres) in(schema string) string {
	if p.given == "" {
		return p.url(schema)
	}
	mark := "?"
	if strings.Contains(p.given, "?") {
		mark = "&"
	}
	return p.given + mark + "options=" + url.QueryEscape("-csearch_path="+schema)
}

func (p *growthPostgres) describe(ctx context.Context) (engineFacts, error) {
	facts := engineFacts{Name: p.name(), Limit: "none"}
	err := p.durability(ctx, &facts)
	return facts, err
}

func (p *growthPostgres) place(ctx context.Context, size int) (string, bool, error) {
	schema := fmt.Sprintf("growth%d", size)
	if _, err := p.db.ExecContext(ctx, "CREATE SCHEMA IF NOT EXISTS "+schema); err != nil {
		return "", false, err
	}
	// Filling ends with the indexes.
	var filled bool
	err := p.db.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM pg_indexes WHERE schemaname = $1 AND indexname = 'signals_at')
		AND (SELECT COALESCE(SUM(n_live_tup), 0) > 0 FROM pg_stat_user_tables WHERE schemaname = $1 AND relname = 'payments')`, schema).Scan(&filled)
	return p.in(schema), filled, err
}

func (p *growthPostgres) close() {
	if p.given != "" {
		_ = p.db.Close()
		return
	}
	p.postgres.close()
}

func (p *growthPostgres) settle(ctx context.Context) error {
	if p.given != "" {
		return nil
	}
	if err := p.server.Halt(pgserver.Fast); err != nil { // which writes everything to its files
		return err
	}
	syscall.Sync()
	p.server.Set("fsync=on", "full_page_writes=on", "synchronous_commit=on")
	return p.server.Start(ctx)
}

// schema is the one that a URL of books names.
func schemaOf(books string) string {
	_, schema, _ := strings.Cut(books, "search_path%3D")
	return schema
}

func (p *growthPostgres) bytes(ctx context.Context, books string) (n int64, err error) {
	err = p.db.QueryRowContext(ctx, `SELECT SUM(pg_total_relation_size(oid)) FROM pg_class WHERE relkind = 'r' AND relnamespace = $1::regnamespace`, schemaOf(books)).Scan(&n)
	return n, err
}

func (p *growthPostgres) pages(ctx context.Context, books string) int64 {
	var n int64
	if err := p.db.QueryRowContext(ctx, `SELECT SUM(heap_blks_read + heap_blks_hit + COALESCE(idx_blks_read + idx_blks_hit, 0) + COALESCE(toast_blks_read + toast_blks_hit + tidx_blks_read + tidx_blks_hit, 0))
		FROM pg_statio_user_tables WHERE schemaname = $1`, schemaOf(books)).Scan(&n); err != nil {
		return -1
	}
	return n
}

// spareOf is how many bytes are free on the disk of a folder.
func spareOf(folder string) (int64, error) {
	var stat syscall.Statfs_t
	if err := syscall.Statfs(folder, &stat); err != nil {
		return 0, err
	}
	return int64(stat.Bavail) * int64(stat.Bsize), nil //nolint:unconvert // it is an uint32 elsewhere
}
