package main

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// postgres is a throw-away PostgreSQL that is as durable as a real one: nothing about
// writing to the disk is changed. Every run gets a schema of its own.
type postgres struct {
	dir     string // of the socket
	data    string
	bin     string
	pgbench string // empty when there is none
	command *exec.Cmd
	db      *sql.DB
	schemas int
}

// launchPostgres starts a server from locally installed binaries, as root or not, with
// its data in a folder that everybody may pass through.
func launchPostgres(ctx context.Context, folder string) (_ *postgres, err error) {
	bin, err := postgresBinaries(ctx)
	if err != nil {
		return nil, err
	}
	// Short, because a socket's path may have 107 bytes at most.
	dir, err := os.MkdirTemp("", "pg")
	if err != nil {
		return nil, err
	}
	p := &postgres{dir: dir, bin: bin, data: filepath.Join(folder, filepath.Base(dir))}
	defer func() {
		if err != nil {
			p.close()
		}
	}()
	if err = os.Mkdir(p.data, 0o700); err != nil {
		return nil, err
	}
	if pgbench := filepath.Join(bin, "pgbench"); executable(pgbench) {
		p.pgbench = pgbench
	}
	attributes, err := ownedForPostgres(dir, p.data)
	if err != nil {
		return nil, err
	}
	initdb := exec.CommandContext(ctx, filepath.Join(bin, "initdb"), "-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C", "-D", p.data)
	initdb.SysProcAttr, initdb.Dir = attributes, dir
	if out, err := initdb.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("initdb: %w: %s", err, bytes.TrimSpace(out))
	}
	p.command = exec.Command(filepath.Join(bin, "postgres"), "-D", p.data, "-k", dir, "-c", "listen_addresses=", "-c", fmt.Sprintf("max_connections=%d", mostCallers+50))
	p.command.SysProcAttr, p.command.Dir = attributes, dir
	if err := p.command.Start(); err != nil {
		return nil, fmt.Errorf("start postgres: %w", err)
	}
	if p.db, err = sql.Open("pgx", p.url("public")); err != nil {
		return nil, err
	}
	p.db.SetMaxIdleConns(0) // a backend hands in its statistics when it leaves
	for range 200 {
		if err = p.db.PingContext(ctx); err == nil || ctx.Err() != nil {
			return p, err
		}
		time.Sleep(50 * time.Millisecond)
	}
	return nil, fmt.Errorf("postgres did not come up: %w", err)
}

// ownedForPostgres gives folders to somebody PostgreSQL agrees to run as.
func ownedForPostgres(folders ...string) (*syscall.SysProcAttr, error) {
	if os.Geteuid() != 0 {
		return &syscall.SysProcAttr{}, nil
	}
	person, err := user.Lookup("postgres")
	if err != nil {
		if person, err = user.Lookup("nobody"); err != nil {
			return nil, err
		}
	}
	uid, err := strconv.ParseUint(person.Uid, 10, 32)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.ParseUint(person.Gid, 10, 32)
	if err != nil {
		return nil, err
	}
	for _, folder := range folders {
		if err := os.Chown(folder, int(uid), int(gid)); err != nil {
			return nil, err
		}
	}
	return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}, nil
}

// postgresBinaries finds the folder of initdb and postgres, behind links, for pgbench
// lies where they really are.
func postgresBinaries(ctx context.Context) (string, error) {
	var folders []string
	if path, err := exec.LookPath("initdb"); err == nil {
		folders = append(folders, filepath.Dir(path))
	}
	if out, err := exec.CommandContext(ctx, "pg_config", "--bindir").Output(); err == nil {
		folders = append(folders, strings.TrimSpace(string(out)))
	}
	for _, pattern := range []string{"/usr/lib/postgresql/*/bin", "/opt/homebrew/opt/postgresql*/bin", "/usr/local/opt/postgresql*/bin", "/usr/pgsql-*/bin"} {
		if found, err := filepath.Glob(pattern); err == nil {
			folders = append(folders, found...)
		}
	}
	for _, folder := range folders {
		path, err := filepath.EvalSymlinks(filepath.Join(folder, "postgres"))
		if err == nil && executable(path) && executable(filepath.Join(filepath.Dir(path), "initdb")) {
			return filepath.Dir(path), nil
		}
	}
	return "", errors.New("initdb and postgres were not found (Debian: apt-get install -y --no-install-recommends postgresql)")
}

func executable(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Mode().Perm()&0o111 != 0
}

func (p *postgres) name() string    { return "postgresql" }
func (p *postgres) canCommit() bool { return p.pgbench != "" }

// url names a schema in a way that both pgx and libpq understand.
func (p *postgres) url(schema string) string {
	return "postgres://postgres@/postgres?host=" + url.QueryEscape(p.dir) + "&options=" + url.QueryEscape("-csearch_path="+schema)
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
		facts.warnings = append(facts.warnings, "NOT MEASURED: the limit of postgresql, for there is no pgbench in "+p.bin+" (Debian: apt-get install -y postgresql-contrib)")
	}
	show := func(name string) (value string, err error) {
		err = p.db.QueryRowContext(ctx, "SHOW "+name).Scan(&value)
		return value, err
	}
	var err error
	if facts.Version, err = show("server_version"); err != nil {
		return facts, err
	}
	for _, name := range []string{"fsync", "synchronous_commit", "full_page_writes", "wal_sync_method", "shared_buffers"} {
		value, err := show(name)
		if err != nil {
			return facts, err
		}
		facts.Settings = append(facts.Settings, name+" "+value)
		if value == "off" {
			facts.warnings = append(facts.warnings, "POSTGRESQL IS NOT DURABLE HERE: "+name+" is off")
		}
	}
	return facts, nil
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
	if p.command != nil && p.command.Process != nil {
		_ = p.command.Process.Signal(syscall.SIGQUIT)
		_ = p.command.Wait()
	}
	_ = os.RemoveAll(p.data)
	_ = os.RemoveAll(p.dir)
}
