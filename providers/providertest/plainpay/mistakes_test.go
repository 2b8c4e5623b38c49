package plainpay

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The five mistakes of CONTRIBUTING.md, in its order: one line of this adapter each, and
// the test that finds it.
var mistakes = []struct{ name, file, right, wrong, foundBy string }{
	{"silence is taken for a refusal", "wire_test.go",
		"return answer{}, result, false // not sent, or doubt",
		"return answer{}, providers.Unsent(result.Err), false", "TestConformance/charge_by_link"},
	{"no such order is taken for proof", "status_test.go",
		"{Verdict: providers.Unknown, Reason: providers.Ambiguous, Absent: true}",
		"{Verdict: providers.Declined, Reason: providers.Expired}", "TestConformance/look-up_of_link"},
	{"the request is sent again", "wire_test.go",
		"got := g.client.Do(ctx, call)",
		"got := g.client.Do(ctx, call); if got.Outcome == exchange.Sent { got = g.client.Do(ctx, call) }", "TestConformance/charge_by_link"},
	{"an offer is called dead while somebody can still pay it", "charge_test.go",
		"result.Until = until",
		"result.Until = until.Add(-10 * time.Minute)", "TestConformance/offer_by_link"},
	{"this order exists already is taken for a refusal", "charge_test.go",
		"{Verdict: providers.Unknown, Reason: providers.Duplicate}",
		"{Verdict: providers.Declined, Reason: providers.InvalidRequest}", "TestAnOrderThatExistsAlreadyIsDoubt"},
}

// Each is planted by an overlay, so that no file changes, and must make a test fail.
func TestEachOfTheFiveMistakesIsFound(t *testing.T) {
	if _, err := exec.LookPath("go"); err != nil || testing.Short() {
		t.Skip("it compiles the adapter five times")
	}
	for _, m := range mistakes {
		t.Run(m.name, func(t *testing.T) {
			text, err := os.ReadFile(m.file)
			if err != nil {
				t.Fatal(err)
			}
			if n := strings.Count(string(text), m.right); n != 1 {
				t.Fatalf("%s holds %d times what the mistake replaces", m.file, n)
			}
			folder := t.TempDir()
			place, err := filepath.Abs(m.file)
			if err != nil {
				t.Fatal(err)
			}
			planted, overlay := filepath.Join(folder, m.file), filepath.Join(folder, "overlay.json")
			list, err := json.Marshal(map[string]any{"Replace": map[string]string{place: planted}})
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(planted, []byte(strings.Replace(string(text), m.right, m.wrong, 1)), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(overlay, list, 0o600); err != nil {
				t.Fatal(err)
			}
			out, err := exec.CommandContext(t.Context(), "go", "test", "-overlay", overlay, "-run", "^"+strings.Replace(m.foundBy, "/", "$/^", 1)+"$", ".").CombinedOutput()
			if err == nil || !strings.Contains(string(out), "--- FAIL: "+m.foundBy) {
				t.Errorf("nobody found it: %v\n%s", err, out)
			}
		})
	}
}
