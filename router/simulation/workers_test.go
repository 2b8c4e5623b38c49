package simulation

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestWorker runs the seeds that its parent names, one by one.
func TestWorker(t *testing.T) {
	if !*worker {
		t.Skip("the parent's business")
	}
	answers := json.NewEncoder(os.NewFile(3, "answers"))
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		seed, err := strconv.ParseUint(in.Text(), 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		var r result
		t.Run(in.Text(), func(t *testing.T) { r = simulate(t, seed) })
		if err := answers.Encode(r); err != nil {
			t.Fatal(err)
		}
	}
}

// hand is one worker process as its parent holds it.
type hand struct {
	cmd     *exec.Cmd
	seeds   *os.File
	answers *json.Decoder
	said    *bytes.Buffer
}

// died is what a seed is said to violate whose process came to no end of its own.
const died = "lives"

// longest is how long a seed may take before its process is given up.
const longest = 10 * time.Minute

func hire(binary string) (*hand, error) {
	h := &hand{said: &bytes.Buffer{}}
	in, seeds, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	answers, out, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	h.cmd = exec.Command(binary, "-test.run=^TestWorker$", "-sim.worker", "-test.timeout=0")
	h.cmd.Env = append(os.Environ(), "GOMAXPROCS=1", "GOGC=1600")
	h.cmd.Stdin, h.cmd.Stdout, h.cmd.Stderr = in, h.said, h.said
	h.cmd.ExtraFiles = []*os.File{out}
	if err := h.cmd.Start(); err != nil {
		return nil, err
	}
	_, _ = in.Close(), out.Close()
	h.seeds, h.answers = seeds, json.NewDecoder(answers)
	return h, nil
}

// run gives the worker a seed and waits for what came of it. A worker that dies of it, or
// does not come back, is the seed's failure.
func (h *hand) run(seed uint64) (result, bool) {
	var r result
	limit := time.AfterFunc(longest, func() { _ = h.cmd.Process.Kill() })
	defer limit.Stop()
	_, err := fmt.Fprintln(h.seeds, seed)
	if err == nil {
		err = h.answers.Decode(&r)
	}
	if err == nil && r.Seed == seed {
		return r, true
	}
	_ = h.cmd.Process.Kill()
	_ = h.cmd.Wait()
	said := strings.Split(strings.TrimSpace(h.said.String()), "\n")
	text := strings.Join(said[:min(len(said), 12)], " | ")
	return result{Seed: seed, Violations: []violation{{died, "the process died: " + text}}}, false
}

func (h *hand) dismiss() {
	_ = h.seeds.Close()
	_ = h.cmd.Wait()
}

// runAll runs seeds on all cores and hands out each result as it comes, until ctx ends.
func runAll(ctx context.Context, binary string, seeds []uint64, each func(result)) error {
	queue := make(chan uint64)
	var lock sync.Mutex
	var crew sync.WaitGroup
	failed := make(chan error, runtime.NumCPU())
	for range min(runtime.NumCPU(), len(seeds)) {
		crew.Go(func() {
			h, err := hire(binary)
			for seed := range queue {
				if err != nil {
					continue
				}
				r, alive := h.run(seed)
				lock.Lock()
				each(r)
				lock.Unlock()
				if !alive {
					h, err = hire(binary)
				}
			}
			if err != nil {
				failed <- err
				return
			}
			h.dismiss()
		})
	}
	for _, seed := range seeds {
		select {
		case queue <- seed:
		case <-ctx.Done():
		}
	}
	close(queue)
	crew.Wait()
	select {
	case err := <-failed:
		return err
	default:
		return nil
	}
}

// itself is this very test binary.
func itself(t *testing.T) string {
	t.Helper()
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return binary
}
