// Package pgtest gives tests a real PostgreSQL: the one that PAYROUTER_TEST_POSTGRES
// names, or a throw-away server started from locally installed binaries, as root
// or not. Where neither is to be had, tests skip loudly; under CI they fail.
package pgtest

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
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver
)

var (
	once    sync.Once
	server  *throwaway
	base    string
	why     error
	schemas atomic.Int64
)

// Main runs a package's tests and stops the server they started. Use it in TestMain.
func Main(m *testing.M) int {
	defer func() {
		if server != nil {
			server.stop()
		}
	}()
	return m.Run()
}

// URL returns a connection URL whose search_path is a schema of the test's own.
func URL(t testing.TB) string {
	t.Helper()
	once.Do(func() {
		if base = os.Getenv("PAYROUTER_TEST_POSTGRES"); base == "" {
			server, why = launch()
			if why == nil {
				base = server.url
			}
		}
	})
	if why != nil {
		text := fmt.Sprintf("NO POSTGRESQL, so its half of the tests did not run: %v\n    install it with: apt-get install -y --no-install-recommends postgresql   (or set PAYROUTER_TEST_POSTGRES to a URL)", why)
		if os.Getenv("CI") == "true" {
			t.Fatal(text)
		}
		t.Skip(text)
	}
	db, err := sql.Open("pgx", base)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	schema := fmt.Sprintf("t%d_%d", os.Getpid(), schemas.Add(1))
	if _, err := db.ExecContext(context.Background(), "CREATE SCHEMA "+schema); err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	query := u.Query()
	query.Set("search_path", schema)
	u.RawQuery = query.Encode()
	return u.String()
}

type throwaway struct {
	url     string
	dir     string
	command *exec.Cmd
}

func launch() (*throwaway, error) {
	bin, err := findBinaries()
	if err != nil {
		return nil, err
	}
	// Short, because a socket's path may have 107 bytes at most.
	dir, err := os.MkdirTemp("/tmp", "pg")
	if err != nil {
		return nil, err
	}
	t := &throwaway{dir: dir}
	attributes, err := t.owner()
	if err != nil {
		return nil, err
	}
	data := filepath.Join(dir, "data")
	initdb := exec.Command(filepath.Join(bin, "initdb"), "-N", "-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C", "-D", data)
	initdb.SysProcAttr, initdb.Dir = attributes, dir
	if out, err := initdb.CombinedOutput(); err != nil {
		t.stop()
		return nil, fmt.Errorf("initdb: %w: %s", err, bytes.TrimSpace(out))
	}
	t.command = exec.Command(filepath.Join(bin, "postgres"), "-D", data, "-k", dir, "-c", "listen_addresses=",
		"-c", "fsync=off", "-c", "full_page_writes=off", "-c", "synchronous_commit=off", "-c", "max_connections=200")
	t.command.SysProcAttr, t.command.Dir = attributes, dir
	if err := t.command.Start(); err != nil {
		t.stop()
		return nil, fmt.Errorf("start postgres: %w", err)
	}
	t.url = "postgres://postgres@/postgres?host=" + url.QueryEscape(dir)
	db, err := sql.Open("pgx", t.url)
	if err != nil {
		t.stop()
		return nil, err
	}
	defer db.Close()
	for range 200 {
		if err = db.Ping(); err == nil {
			return t, nil
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.stop()
	return nil, fmt.Errorf("postgres did not come up: %w", err)
}

// owner makes the folder belong to somebody PostgreSQL agrees to run as.
func (t *throwaway) owner() (*syscall.SysProcAttr, error) {
	if os.Geteuid() != 0 {
		return &syscall.SysProcAttr{}, nil
	}
	person, err := user.Lookup("postgres")
	if err != nil {
		if person, err = user.Lookup("nobody"); err != nil {
			return nil, err
		}
	}
	uid, _ := strconv.Atoi(person.Uid)
	gid, _ := strconv.Atoi(person.Gid)
	if err := os.Chown(t.dir, uid, gid); err != nil {
		return nil, err
	}
	return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}, nil
}

func (t *throwaway) stop() {
	if t.command != nil && t.command.Process != nil {
		_ = t.command.Process.Signal(syscall.SIGQUIT)
		_ = t.command.Wait() // stopped by a signal, which it calls an error
	}
	os.RemoveAll(t.dir)
}

func findBinaries() (string, error) {
	var folders []string
	if path, err := exec.LookPath("initdb"); err == nil {
		folders = append(folders, filepath.Dir(path))
	}
	if out, err := exec.Command("pg_config", "--bindir").Output(); err == nil {
		folders = append(folders, strings.TrimSpace(string(out)))
	}
	for _, pattern := range []string{"/usr/lib/postgresql/*/bin", "/opt/homebrew/opt/postgresql*/bin", "/usr/local/opt/postgresql*/bin", "/usr/pgsql-*/bin"} {
		found, _ := filepath.Glob(pattern)
		folders = append(folders, found...)
	}
	for _, folder := range folders {
		_, initdb := os.Stat(filepath.Join(folder, "initdb"))
		_, postgres := os.Stat(filepath.Join(folder, "postgres"))
		if initdb == nil && postgres == nil {
			return folder, nil
		}
	}
	return "", errors.New("initdb and postgres were not found")
}
