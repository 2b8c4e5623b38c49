package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// commits lets pgbench make the two commits, and reads its log of every one of them.
func (p *postgres) commits(ctx context.Context, books string, callers int, d time.Duration) (sample, error) {
	folder, err := os.MkdirTemp("", "pgbench")
	if err != nil {
		return sample{}, err
	}
	defer func() { _ = os.RemoveAll(folder) }()
	script := filepath.Join(folder, "two-commits.sql")
	if err := os.WriteFile(script, []byte(pgbenchScript()), 0o600); err != nil {
		return sample{}, err
	}
	words, err := texts()
	if err != nil {
		return sample{}, err
	}
	seconds := int(math.Ceil((d + warmUp(d)).Seconds()))
	args := []string{"-n", "-M", "prepared", "-f", script, "-c", strconv.Itoa(callers), "-j", strconv.Itoa(min(callers, runtime.NumCPU())),
		"-T", strconv.Itoa(seconds), "-l", "--log-prefix", filepath.Join(folder, "log"), "-D", "n=0"}
	for _, w := range words {
		args = append(args, "-D", w.name+"="+w.value)
	}
	out, err := exec.CommandContext(ctx, p.pgbench, append(args, books)...).CombinedOutput()
	if err != nil {
		return sample{}, fmt.Errorf("pgbench: %w: %s", err, bytes.TrimSpace(out))
	}
	logs, err := filepath.Glob(filepath.Join(folder, "log*"))
	if err != nil {
		return sample{}, err
	}
	var all pgbenchLog
	for _, path := range logs {
		file, err := os.Open(path)
		if err != nil {
			return sample{}, err
		}
		err = errors.Join(all.read(file), file.Close())
		if err != nil {
			return sample{}, err
		}
	}
	return all.sample(warmUp(d)), nil
}

// pgbenchLog is what pgbench writes of every transaction:
//
//	client_id transaction_no time script_no time_epoch time_us …
//
// time is how long it took, in microseconds; the last two say when it ended.
type pgbenchLog struct {
	ends  []time.Time
	waits []time.Duration
}

func (l *pgbenchLog) read(r io.Reader) error {
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) < 6 {
			return fmt.Errorf("pgbench's log has a line of %d fields", len(fields))
		}
		var n [3]int64
		for i, field := range []string{fields[2], fields[4], fields[5]} {
			var err error
			if n[i], err = strconv.ParseInt(field, 10, 64); err != nil {
				return fmt.Errorf("pgbench's log: %w", err)
			}
		}
		l.waits = append(l.waits, time.Duration(n[0])*time.Microsecond)
		l.ends = append(l.ends, time.Unix(n[1], n[2]*int64(time.Microsecond)))
	}
	return lines.Err()
}

// sample leaves out the warm-up.
func (l *pgbenchLog) sample(warm time.Duration) sample {
	s := sample{all: len(l.waits), syncs: -1, unnumbered: -1}
	if len(l.ends) == 0 {
		return s
	}
	first, last := l.ends[0], l.ends[0]
	for _, end := range l.ends {
		if end.Before(first) {
			first = end
		}
		if end.After(last) {
			last = end
		}
	}
	from := first.Add(warm)
	for i, end := range l.ends {
		if end.After(from) {
			s.done++
			s.waits.add(l.waits[i])
		}
	}
	s.took = last.Sub(from)
	return s
}
