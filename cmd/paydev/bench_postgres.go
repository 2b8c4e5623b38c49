package main

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"path/filepath"

	"github.com/payrouter/payrouter/router/pgtest/pgserver"
)

// postgres is a throw-away PostgreSQL that is as durable as a real one: nothing about
// writing to the disk is changed. Every run gets a schema of its own.
type postgres struct {
	server  *pgserver.Server
	pgbench string // empty when there is none
	db      *sql.DB
	schemas int
}

// launchPostgres starts a server with its data in a folder that everybody may pass through.
func launchPostgres(ctx context.Context, folder string) (*postgres, error) {
	server, err := pgserver.Launch(ctx, pgserver.Options{Folder: folder, MaxConnections: mostCallers + 50})
	if err != nil {
		return nil, err
	}
	p := &postgres{server: server}
	if pgbench := filepath.Join(server.Bin, "pgbench"); pgserver.Executable(pgbench) {
		p.pgbench = pgbench
	}
	if p.db, err = sql.Open("pgx", p.url("public")); err != nil {
		p.close()
		return nil, err
	}
	p.db.SetMaxIdleConns(0) // a backend hands in its statistics when it leaves
	return p, nil
}

func (p *postgres) name() string    { return "postgresql" }
func (p *postgres) canCommit() bool { return p.pgbench != "" }

// url names a schema in a way that both pgx and libpq understand.
func (p *postgres) url(schema string) string {
	return p.server.URL + "&options=" + url.QueryEscape("-csearch_path="+schema)
}

func (p *postgres) books(ctx context.Context) (string, func() error, error) {
	p.schemas++
	schema := fmt.Sprintf("bench%d", p.schemas)
	if _, err := p.db.ExecContext(ctx, "CREATE SCHEMA "+schema); err != nil {
		return "", nil, err
	}
	return p.url(schema), func() error {
		_, err := p.db.ExecContext(context.WithoutCancel(ctx), "DROP SCHEMA "+schema+" CASCADE")
		return err
	}, nil
}

func (p *postgres) describe(ctx context.Context) (engineFacts, error) {
	facts := engineFacts{Name: p.name(), Limit: "pgbench, prepared, one connection for each caller"}
	if p.pgbench == "" {
		facts.Limit = "none"
		facts.warnings = append(facts.warnings, "NOT MEASURED: the limit of postgresql, for there is no pgbench in "+p.server.Bin+" (Debian: apt-get install -y postgresql-contrib)")
	}
	err := p.durability(ctx, &facts)
	return facts, err
}

// durability asks the server which version it is, and whether it writes through to the disk.
func (p *postgres) durability(ctx context.Context, facts *engineFacts) (err error) {
	show := func(name string) (value string, err error) {
		err = p.db.QueryRowContext(ctx, "SHOW "+name).Scan(&value)
		return value, err
	}
	if facts.Version, err = show("server_version"); err != nil {
		return err
	}
	for _, name := range []string{"fsync", "synchronous_commit", "full_page_writes", "wal_sync_method", "shared_buffers"} {
		value, err := show(name)
		if err != nil {
			return err
		}
		facts.Settings = append(facts.Settings, name+" "+value)
		if value == "off" {
			facts.warnings = append(facts.warnings, "POSTGRESQL IS NOT DURABLE HERE: "+name+" is off")
		}
	}
	return nil
}

// syncs counts them from PostgreSQL 14 to 17; the view of the same name in 18 lacks them.
func (p *postgres) syncs(ctx context.Context) int64 {
	var n int64
	if err := p.db.QueryRowContext(ctx, `SELECT wal_sync FROM pg_stat_wal`).Scan(&n); err != nil {
		return -1
	}
	return n
}

func (p *postgres) close() {
	if p.db != nil {
		_ = p.db.Close()
	}
	p.server.Stop()
}
