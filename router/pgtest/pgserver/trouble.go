package pgserver

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
)

// What may happen to a database while others use it, for tests of those others.

// Shutdown is a way to stop a server, by the signal that PostgreSQL gives it.
type Shutdown syscall.Signal

// The ways to stop a server.
const (
	Fast      = Shutdown(syscall.SIGINT)  // sends its clients away, writes everything down, and goes
	Immediate = Shutdown(syscall.SIGQUIT) // drops everything, as a crash does: the next start recovers
)

// Halt stops the server and keeps its data. Halting one that is halted does nothing.
func (s *Server) Halt(how Shutdown) error {
	if s.command == nil {
		return nil
	}
	command := s.command
	s.command = nil
	if err := command.Process.Signal(syscall.Signal(how)); err != nil {
		return fmt.Errorf("halt postgres: %w", err)
	}
	err := command.Wait()
	if asked := (*exec.ExitError)(nil); errors.As(err, &asked) {
		return nil // to end at once, which it calls an error
	}
	return err
}

// Freeze stops every process of the server where it stands: connections stay open and
// nobody answers on them.
func (s *Server) Freeze() error {
	// The postmaster first: after that no process is added. The others lead groups of
	// their own, so no one signal reaches all.
	postmaster := s.command.Process.Pid
	s.frozen = append(s.frozen, postmaster)
	if err := syscall.Kill(postmaster, syscall.SIGSTOP); err != nil {
		return fmt.Errorf("freeze postgres: %w", err)
	}
	all, err := exec.Command("ps", "-A", "-o", "pid=,ppid=").Output()
	if err != nil {
		return fmt.Errorf("list processes: %w", err)
	}
	for line := range strings.Lines(string(all)) {
		var process, parent int
		if _, err := fmt.Sscan(line, &process, &parent); err != nil || parent != postmaster {
			continue
		}
		s.frozen = append(s.frozen, process)
		if err := syscall.Kill(process, syscall.SIGSTOP); err != nil && !errors.Is(err, syscall.ESRCH) {
			return fmt.Errorf("freeze postgres: %w", err)
		}
	}
	return nil
}

// Thaw lets a frozen server go on. Thawing one that is not frozen does nothing.
func (s *Server) Thaw() error {
	var wrong []error
	for _, process := range s.frozen {
		if err := syscall.Kill(process, syscall.SIGCONT); !errors.Is(err, syscall.ESRCH) {
			wrong = append(wrong, err)
		}
	}
	s.frozen = nil
	return errors.Join(wrong...)
}

// Keep copies the data of a halted server aside, in place of what was kept before.
func (s *Server) Keep() error {
	if err := os.RemoveAll(s.kept()); err != nil {
		return err
	}
	if out, err := exec.Command("cp", "-pPR", s.data, s.kept()).CombinedOutput(); err != nil {
		return fmt.Errorf("keep the data: %w: %s", err, out)
	}
	return nil
}

// PutBack gives a halted server the data that was kept, once: what was written since is
// gone, as after the restoration of a backup.
func (s *Server) PutBack() error {
	if _, err := os.Stat(s.kept()); err != nil {
		return fmt.Errorf("nothing was kept: %w", err)
	}
	if err := os.RemoveAll(s.data); err != nil {
		return err
	}
	return os.Rename(s.kept(), s.data)
}

func (s *Server) kept() string { return s.data + "-kept" }
