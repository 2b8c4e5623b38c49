package pgserver

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// tick is the unit in which Linux tells processes' times, whatever its kernel counts in.
const tick = time.Second / 100

// Processor is the processor time that all processes of the server have spent so far, those
// that ended included. Only Linux tells.
func (s *Server) Processor() (time.Duration, error) {
	if s.command == nil {
		return 0, fmt.Errorf("the server is halted")
	}
	postmaster := s.command.Process.Pid
	own, err := readTimes(filepath.Join("/proc", strconv.Itoa(postmaster), "stat"))
	if err != nil {
		return 0, err
	}
	spent := own.self + own.ended
	all, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return 0, err
	}
	for _, path := range all {
		// One that ends meanwhile is not counted: its time went to its parent too late for this look.
		if one, err := readTimes(path); err == nil && one.parent == postmaster {
			spent += one.self
		}
	}
	return spent, nil
}

// times are what Linux tells of a process: see proc_pid_stat(5).
type times struct {
	parent      int
	self, ended time.Duration // of itself, and of its children that ended
}

func readTimes(path string) (t times, err error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return t, err
	}
	return parseTimes(string(text))
}

// parseTimes reads a line of numbers behind the program's name, which may hold anything.
func parseTimes(line string) (t times, err error) {
	fields := strings.Fields(line[strings.LastIndexByte(line, ')')+1:])
	const parent, user, system, endedUser, endedSystem = 1, 11, 12, 13, 14
	if len(fields) <= endedSystem {
		return t, fmt.Errorf("a process's times are not to be read in %q", line)
	}
	if t.parent, err = strconv.Atoi(fields[parent]); err != nil {
		return t, err
	}
	read := func(field int) (d time.Duration) {
		n, wrong := strconv.ParseInt(fields[field], 10, 64)
		if wrong != nil {
			err = wrong
		}
		return time.Duration(n) * tick
	}
	t.self, t.ended = read(user)+read(system), read(endedUser)+read(endedSystem)
	return t, err
}
