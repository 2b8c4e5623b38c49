package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/payrouter/payrouter/cmd/internal/app"
)

// describe says what is measured, and on what machine.
func (b *benchmark) describe(ctx context.Context) *report {
	r := &report{Date: time.Now().UTC().Format(time.RFC3339), Commit: commit(ctx), Go: runtime.Version(), System: runtime.GOOS + "/" + runtime.GOARCH, CPU: cpu(ctx), Cores: runtime.GOMAXPROCS(0),
		Load: loadAverage(), DurationMS: b.duration.Milliseconds(), Repetitions: b.repetitions, Warnings: []string{}, Outages: []*outageCell{},
		Gateway: "not the simulated bank, which slows down as its ledger grows, but one of the benchmark's own in WayForPay's protocol: it answers after a set " +
			"time and remembers nothing; a fresh connection each call, as for all that moves money"}
	var err error
	if r.DiskSyncUS, err = diskSync(b.folder); err != nil {
		b.warn(r, "the disk could not be measured: "+err.Error())
	} else if r.DiskSyncUS < 10 {
		b.warn(r, "NOTHING IS DURABLE HERE: "+b.folder+" syncs faster than any disk; name another folder with -data")
	}
	return r
}

// commit is what is measured. A program started by go run does not know; git does.
func commit(ctx context.Context) string {
	if known := app.Commit(); !strings.HasPrefix(known, "unknown") {
		return known
	}
	out, err := exec.CommandContext(ctx, "git", "describe", "--always", "--dirty", "--exclude=*", "--abbrev=12").Output()
	if err != nil {
		return "of an unknown commit"
	}
	return strings.TrimSpace(string(out))
}

// cpu is the processor's name, where the system tells it.
func cpu(ctx context.Context) string {
	if info, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(info)) {
			if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == "model name" {
				return strings.TrimSpace(value)
			}
		}
	}
	if out, err := exec.CommandContext(ctx, "sysctl", "-n", "machdep.cpu.brand_string").Output(); err == nil {
		return strings.TrimSpace(string(out))
	}
	return "an unknown processor"
}

// loadAverage is how busy the machine is before we begin; empty where nobody says.
func loadAverage() string {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return ""
	}
	return strings.Join(strings.Fields(string(text))[:3], " ")
}

// diskSync is the median time to append 8 KiB and make them durable.
func diskSync(folder string) (microseconds int64, err error) {
	path := filepath.Join(folder, "sync")
	file, err := os.Create(path)
	if err != nil {
		return 0, err
	}
	defer func() { _ = file.Close(); _ = os.Remove(path) }()
	var took []int64
	page := make([]byte, 8<<10)
	for range 101 {
		began := time.Now()
		if _, err := file.Write(page); err != nil {
			return 0, err
		}
		if err := file.Sync(); err != nil {
			return 0, err
		}
		took = append(took, time.Since(began).Microseconds())
	}
	slices.Sort(took)
	return took[len(took)/2], nil
}
