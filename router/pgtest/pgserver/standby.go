package pgserver

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// Standby copies a running server and starts the copy as its standby: it follows whatever the
// first commits, after the fact, and can be read. Stop it when done.
func (s *Server) Standby(ctx context.Context) (_ *Server, err error) {
	socket, err := os.MkdirTemp("/tmp", "pg")
	if err != nil {
		return nil, err
	}
	standby := &Server{URL: address(socket), Bin: s.Bin, socket: socket, settings: s.settings,
		data: filepath.Join(filepath.Dir(s.data), filepath.Base(socket)+"-data"), attributes: s.attributes}
	defer func() {
		if err != nil {
			standby.Stop()
		}
	}()
	if err = os.Mkdir(standby.data, 0o700); err != nil {
		return nil, err
	}
	if _, err = owner(socket, standby.data); err != nil {
		return nil, err
	}
	backup := exec.CommandContext(ctx, filepath.Join(s.Bin, "pg_basebackup"), "-h", s.socket, "-U", "postgres", "-D", standby.data,
		"--write-recovery-conf", "--wal-method=stream", "--checkpoint=fast")
	backup.SysProcAttr, backup.Dir = s.attributes, socket
	if out, err := backup.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("pg_basebackup: %w: %s", err, bytes.TrimSpace(out))
	}
	return standby, standby.Start(ctx)
}

// Follows waits until a standby has all that its first server has committed so far.
func (s *Server) Follows(ctx context.Context, first *Server) error {
	var until string
	if err := first.ask(ctx, &until, "SELECT pg_current_wal_flush_lsn()::text"); err != nil {
		return err
	}
	for range 200 {
		var there bool
		if err := s.ask(ctx, &there, "SELECT COALESCE(pg_last_wal_replay_lsn() >= $1::pg_lsn, FALSE)", until); err != nil || there {
			return err
		}
		time.Sleep(50 * time.Millisecond)
	}
	return fmt.Errorf("the standby does not come up to %s", until)
}

// Promote makes a standby a server of its own, which can be written.
func (s *Server) Promote(ctx context.Context) error {
	var done bool
	if err := s.ask(ctx, &done, "SELECT pg_promote()"); err != nil {
		return fmt.Errorf("promote the standby: %w", err)
	}
	if !done {
		return errors.New("the standby was not promoted in time")
	}
	return nil
}

// Either is the URL of whichever of two servers can be written.
func Either(a, b *Server) string {
	return address(a.socket, b.socket) + "&target_session_attrs=read-write"
}

// ask reads one value.
func (s *Server) ask(ctx context.Context, into any, question string, args ...any) error {
	db, err := sql.Open("pgx", s.URL)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	return db.QueryRowContext(ctx, question, args...).Scan(into)
}
