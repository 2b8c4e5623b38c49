package simulation

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

var (
	plant   = flag.Bool("sim.bugs", false, "plant every known mistake and find it")
	only    = flag.String("sim.bug", "", "plant only the mistakes whose name holds this text")
	doubles = flag.Uint64("sim.doubles", 400, "seeds in which the double charges of the first mistake are counted")
)

// within is how many seeds may pass until a mistake is found.
const within = 200

// Every known mistake, planted one by one, is found by the simulation within 200 seeds: of those
// in which it can show, where it is about a fault that few of them draw.
func TestPlantedBugsAreFound(t *testing.T) {
	if !*plant {
		t.Skip("run it with make sim-bugs: each mistake is a build of its own")
	}
	fmt.Printf("%-62s %6s  %-6s %s\n", "planted mistake", "seed", "caught", "by what")
	for _, b := range bugs {
		if !strings.Contains(b.name, *only) {
			continue
		}
		t.Run(b.name, func(t *testing.T) {
			binary := b.build(t)
			r, found := b.find(t, binary)
			if !found {
				fmt.Printf("%-62s %6s  not found within %d seeds\n", b.name, "-", within)
				t.Fatalf("not found within %d seeds", within)
			}
			v := r.Violations[0]
			fmt.Printf("%-62s %6d  %-6s %s\n", b.name, r.Seed, v.Invariant, clip(v.Text, 90))
		})
	}
	if *only == "" {
		t.Run("double charges", func(t *testing.T) { countDoubles(t) })
	}
}

// The texts that mistakes replace stand in the code, once each: a mistake that can no
// longer be planted would be found by nobody.
func TestEveryKnownMistakeCanBePlanted(t *testing.T) {
	for _, b := range bugs {
		t.Run(b.name, func(t *testing.T) { b.overlay(t) })
	}
}

// countDoubles says what the first mistake, the most common rule of routers, costs.
func countDoubles(t *testing.T) {
	theirs, ours := doublesOf(t, bugs[0].build(t)), doublesOf(t, itself(t))
	for _, side := range []struct {
		name string
		*tally
	}{{bugs[0].name, theirs}, {"ours: a time-out is looked into", ours}} {
		n := side.counts[chargedTwice]
		fmt.Printf("%-62s %d double charges in %d ambiguous attempts: %.0f in 10,000\n", side.name, n, side.ambiguous, 10000*float64(n)/float64(max(side.ambiguous, 1)))
	}
	if ours.counts[chargedTwice] > 0 || theirs.counts[chargedTwice] == 0 {
		t.Error("the comparison shows nothing")
	}
}

func doublesOf(t *testing.T, binary string) *tally {
	t.Helper()
	var list []uint64
	for seed := uint64(1); seed <= *doubles; seed++ {
		list = append(list, seed)
	}
	sum := newTally(len(list))
	if err := runAll(context.Background(), binary, list, sum.add); err != nil {
		t.Fatal(err)
	}
	return sum
}

// find runs seeds until one fails, and gives the lowest that did.
func (b bug) find(t *testing.T, binary string) (found result, ok bool) {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	var list []uint64
	for seed := uint64(1); len(list) < within; seed++ {
		if can := among[b.name]; can == nil || can(swarmOf(seed)) {
			list = append(list, seed)
		}
	}
	err := runAll(ctx, binary, list, func(r result) {
		told := slices.ContainsFunc(r.Violations, func(v violation) bool { return v.Invariant != died })
		if told && (!ok || r.Seed < found.Seed) {
			found, ok = r, true
			stop()
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return found, ok
}

// build makes the simulation with the mistake in it.
func (b bug) build(t *testing.T) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "simulation.test")
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, "go", "test", "-c", "-overlay", b.overlay(t), "-o", binary, ".").CombinedOutput()
	if err != nil {
		t.Fatalf("the mistake does not compile: %v\n%s", err, out)
	}
	return binary
}

// overlay writes the changed files beside the real ones and says which stands for which.
func (b bug) overlay(t *testing.T) string {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	texts := map[string]string{}
	for _, e := range b.edits {
		path := filepath.Join(root, e.file)
		if _, read := texts[path]; !read {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			texts[path] = string(text)
		}
		if n := strings.Count(texts[path], e.old); n != 1 {
			t.Fatalf("%s holds %d times what the mistake replaces:\n%s", e.file, n, e.old)
		}
		texts[path] = strings.Replace(texts[path], e.old, e.new, 1)
	}
	replace := map[string]string{}
	for path, text := range texts {
		changed := filepath.Join(folder, fmt.Sprintf("%d-%s", len(replace), filepath.Base(path)))
		if err := os.WriteFile(changed, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		replace[path] = changed
	}
	text, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(folder, "overlay.json")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func clip(text string, most int) string {
	if r := []rune(text); len(r) > most {
		return string(r[:most-1]) + "…"
	}
	return text
}
