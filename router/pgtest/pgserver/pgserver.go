// Package pgserver starts a throw-away PostgreSQL from locally installed binaries, as
// root or not, reachable through a socket in a temporary folder and nowhere else. Tests
// use it without durability, the benchmark with all of it.
package pgserver

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

	_ "github.com/jackc/pgx/v5/stdlib" // the driver
)

// Options are what may differ between servers. The zero value is as durable as
// PostgreSQL is by itself.
type Options struct {
	Folder         string   // for the data; the temporary folder when empty. Everybody must be able to pass through it
	MaxConnections int      // default 200
	Volatile       bool     // nothing is made durable: quick, for tests
	Settings       []string // more of them, as name=value
}

// Server is a running server.
type Server struct {
	URL string // of the database postgres; add a search_path
	Bin string // the folder of its binaries

	socket, data string
	settings     []string // arguments besides the folders
	attributes   *syscall.SysProcAttr
	command      *exec.Cmd // nil while the server is halted
	frozen       []int     // its processes, while they are
}

// Launch makes a cluster and starts a server on it. Stop it when done.
func Launch(ctx context.Context, o Options) (_ *Server, err error) {
	bin, err := binaries(ctx)
	if err != nil {
		return nil, err
	}
	// Short, because a socket's path may have 107 bytes at most.
	socket, err := os.MkdirTemp("/tmp", "pg")
	if err != nil {
		return nil, err
	}
	if o.Folder == "" {
		o.Folder = socket
	}
	if o.MaxConnections == 0 {
		o.MaxConnections = 200
	}
	s := &Server{URL: address(socket), Bin: bin, socket: socket,
		data: filepath.Join(o.Folder, filepath.Base(socket)+"-data")}
	defer func() {
		if err != nil {
			s.Stop()
		}
	}()
	if err = os.Mkdir(s.data, 0o700); err != nil {
		return nil, err
	}
	if s.attributes, err = owner(socket, s.data); err != nil {
		return nil, err
	}
	initdb := exec.CommandContext(ctx, filepath.Join(bin, "initdb"), "-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C", "-D", s.data)
	s.settings = []string{"-c", "listen_addresses=", "-c", fmt.Sprintf("max_connections=%d", o.MaxConnections)}
	if o.Volatile {
		initdb.Args = append(initdb.Args, "-N")
		s.Set("fsync=off", "full_page_writes=off", "synchronous_commit=off")
	}
	s.Set(o.Settings...)
	initdb.SysProcAttr, initdb.Dir = s.attributes, socket
	if out, err := initdb.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("initdb: %w: %s", err, bytes.TrimSpace(out))
	}
	return s, s.Start(ctx)
}

// Set gives settings, as name=value, to the next start. The last word about one counts.
func (s *Server) Set(settings ...string) {
	for _, setting := range settings {
		s.settings = append(s.settings, "-c", setting)
	}
}

// Start starts a server that was halted, and returns when it answers.
func (s *Server) Start(ctx context.Context) error {
	command := exec.Command(filepath.Join(s.Bin, "postgres"), append([]string{"-D", s.data, "-k", s.socket}, s.settings...)...)
	command.SysProcAttr, command.Dir = s.attributes, s.socket
	if err := command.Start(); err != nil {
		return fmt.Errorf("start postgres: %w", err)
	}
	s.command = command
	return s.wait(ctx)
}

// address is the URL of the server behind a socket, or of several.
func address(sockets ...string) string {
	return "postgres://postgres@/postgres?host=" + url.QueryEscape(strings.Join(sockets, ","))
}

// wait returns when the server answers.
func (s *Server) wait(ctx context.Context) error {
	db, err := sql.Open("pgx", s.URL)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	for range 200 {
		if err = db.PingContext(ctx); err == nil || ctx.Err() != nil {
			return err
		}
		time.Sleep(50 * time.Millisecond)
	}
	return fmt.Errorf("postgres did not come up: %w", err)
}

// Stop ends the server and removes its folders.
func (s *Server) Stop() {
	_ = s.Thaw() // a frozen process hears nothing
	_ = s.Halt(Immediate)
	_ = os.RemoveAll(s.data)
	_ = os.RemoveAll(s.kept())
	_ = os.RemoveAll(s.socket)
}

// owner gives folders to somebody PostgreSQL agrees to run as.
func owner(folders ...string) (*syscall.SysProcAttr, error) {
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

// binaries finds the folder of initdb and postgres, behind links, for pgbench lies
// where they really are.
func binaries(ctx context.Context) (string, error) {
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
		if err == nil && Executable(path) && Executable(filepath.Join(filepath.Dir(path), "initdb")) {
			return filepath.Dir(path), nil
		}
	}
	return "", errors.New("initdb and postgres were not found (Debian: apt-get install -y --no-install-recommends postgresql)")
}

// Executable reports whether a program lies at the path.
func Executable(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Mode().Perm()&0o111 != 0
}
