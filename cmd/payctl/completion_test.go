package main

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// completed runs what a shell runs for a line, and returns the names without what is said
// about them.
func completed(t *testing.T, line ...string) []string {
	t.Helper()
	r := payctl(t, append([]string{"__complete"}, line...)...)
	if r.exit != exitDone || r.lines("rror") > 0 {
		t.Fatalf("%s exits with %d: %s", r.line, r.exit, r.err)
	}
	var names []string
	for said := range strings.Lines(r.out) {
		if name, _, _ := strings.Cut(strings.TrimSpace(said), "\t"); !strings.HasPrefix(name, ":") && name != "" {
			names = append(names, name)
		}
	}
	return names
}

func TestAShellCompletesWhatTheServiceKnows(t *testing.T) {
	w := newWorld(t)
	all := []string{"halyk-main", "kaspi-main", "wayforpay-main"}
	at := func(line ...string) []string { return append([]string{"--address", w.address}, line...) }
	w.payctl("drain", "halyk-main", "--reason", "rehearsal").done()
	for line, want := range map[string][]string{
		"drain ":                         all,
		"gateways k":                     {"kaspi-main"},
		"failover kaspi-main --to w":     {"wayforpay-main"},
		"failover ":                      all,
		"payment list --gateway h":       {"halyk-main"},
		"restore ":                       {"halyk-main"},
		"reconciled ":                    nil,
		"drain kaspi-main ":              nil,
		"payment list --state p":         {"processing", "paid"},
		"resolve 019ac/1 --verdict not":  {"not-charged"},
		"gateways -o ":                   {"table", "json"},
		"reconcile show ":                nil,
		"finding show ":                  nil,
		"dispute show ":                  nil,
		"stat":                           {"statement"},
		"dispute list --state an":        {"answered"},
		"reconcile list --state q":       {"queued"},
		"payment create --method p":      {"page", "push"},
		"statement k":                    {"kaspi-main"},
		"reconcile run kaspi":            {"kaspi-main"},
		"findings --gateway wayforpay":   {"wayforpay-main"},
		"import kaspi":                   nil,
		"rehearse kaspi-main --to halyk": {"halyk-main"},
		"stuck w":                        {"wayforpay-main"},
		"statement k --language k":       {"kk"},
		"rehearse kaspi-main --fault h":  {"hang", "http-error"},
		"observe h":                      {"halyk-main"},
		"admit k":                        {"kaspi-main"},
		"overrides k":                    {"kaspi-main"},
		"kaspi evidence record uniqueness --gateway k": {"kaspi-main"},
	} {
		words := strings.Split(line, " ")
		got := completed(t, at(words...)...)
		if slices.Sort(got); !slices.Equal(got, sorted(want)) {
			t.Errorf("%q completes to %q, want %q", line, got, want)
		}
	}
}

func sorted(all []string) []string {
	out := slices.Clone(all)
	slices.Sort(out)
	return out
}

// Ids are long and nobody types them.
func TestAShellCompletesIds(t *testing.T) {
	w := newWorld(t)
	p := w.paid("--amount", "15490")
	w.payctl("dispute", "record", p.GetName(), "--kind", "claim").done()
	if got := completed(t, "--address", w.address, "dispute", "show", ""); len(got) != 1 || len(got[0]) < 20 {
		t.Errorf("disputes %q", got)
	}
	w.payctl("reconcile", "run", "kaspi-main", "--reason", "rehearsal", "--day", time.Now().AddDate(0, 0, -2).Format(time.DateOnly))
	if got := completed(t, "--address", w.address, "reconcile", "show", ""); len(got) != 1 || len(got[0]) < 20 {
		t.Errorf("runs %q", got)
	}
}

// Whoever types must not wait, nor read errors between their words.
func TestAShellIsToldNothingByAServiceThatIsNotThere(t *testing.T) {
	began := time.Now()
	for _, line := range [][]string{{"drain", ""}, {"restore", ""}, {"finding", "show", ""}, {"failover", "a", "--to", ""}} {
		if got := completed(t, append([]string{"--address", "127.0.0.1:1"}, line...)...); len(got) != 0 {
			t.Errorf("%v completes to %q", line, got)
		}
	}
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("it took %v", took)
	}
	t.Setenv("PAYROUTER_OPERATOR", "Айда") // a name that no command takes
	if got := completed(t, "drain", ""); len(got) != 0 {
		t.Errorf("completes to %q", got)
	}
}

func TestEveryShellGetsItsScriptWithoutAService(t *testing.T) {
	t.Setenv("PAYROUTER_OPERATOR", "Айда")
	for shell, text := range map[string]string{"bash": "complete -o default", "zsh": "#compdef payctl", "fish": "complete -c payctl"} {
		payctl(t, "completion", shell).done(text, "__complete")
	}
	payctl(t, "completion", "--help").done("bash", "zsh", "fish")
	if r := payctl(t, "completion", "nosuch"); r.exit == exitDone && !strings.Contains(r.out, "Usage") {
		t.Errorf("exits with %d: %s%s", r.exit, r.out, r.err)
	}
}
