package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	payrouterv1 "github.com/payrouter/payrouter/proto/payrouter/v1"
	"github.com/payrouter/payrouter/providers/sim"
)

// control opens the bank's control surface.
func (w *world) control() string {
	w.Helper()
	doors, err := sim.Serve(w.bank, sim.ServerOptions{Control: sim.Listen{Addr: "127.0.0.1:0"}})
	w.must(err)
	w.Cleanup(doors.Close)
	return "http://" + doors.ControlAddr()
}

func TestARehearsalBreaksAGatewayMendsItAndReports(t *testing.T) {
	w := newWorld(t)
	control, file := w.control(), filepath.Join(t.TempDir(), "rehearsal.md")
	rehearse := func(more ...string) ran {
		return w.payctl(append([]string{"rehearse", "kaspi-main", "--to", "halyk-main", "--control", control, "--for", "300ms", "--every", "20ms", "--patience", "1s"}, more...)...)
	}
	r := rehearse("--report", file)
	// This world's breakers open for a minute: the return is not seen, and the report says so.
	if r.exit != exitNotMet {
		t.Fatalf("it exits with %d\n%s%s", r.exit, r.out, r.err)
	}
	r.says("kaspi-main is broken (refuse) for 300ms", "kaspi-main is out of new payments", "kaspi-main is mended", "# Rehearsal: kaspi-main is down, halyk-main takes over",
		"Not passed:** kaspi-main does not yet take all of its payments again.").lacks("come to nothing 1", "not seen after the fault")
	if len(w.bank.Faults()) != 0 {
		t.Errorf("the gateway stays broken: %v", w.bank.Faults())
	}
	text, err := os.ReadFile(file)
	w.must(err)
	if !strings.Contains(r.out, string(text)) {
		t.Errorf("the file says something else:\n%s", text)
	}
	rehearse().fails(exitRefused, "nothing was broken: a payment does not go to kaspi-main now")
}

func TestARehearsalThatCannotBeMadeBreaksNothing(t *testing.T) {
	w := newWorld(t)
	w.payctl("rehearse", "kaspi-main").fails(exitUsage, "--to is required")
	w.payctl("rehearse", "kaspi-main", "--to", "halyk-main", "--fault", "earthquake").fails(exitUsage, "there are refuse, hang")
	w.payctl("rehearse", "kaspi-main", "--to", "halyk-main", "--control", "http://127.0.0.1:1").fails(exitRefused, "nothing was broken", "simulated bank's control surface")
	w.payctl("rehearse", "kapsi-main", "--to", "halyk-main").fails(exitRefused, "no such gateway")
}

func TestTheReportSaysWhatWasSeenAndWhatIsWrong(t *testing.T) {
	start := time.Date(2026, 11, 24, 14, 0, 0, 0, time.UTC)
	at := func(d time.Duration) time.Time { return start.Add(d) }
	good := func() rehearsal {
		return rehearsal{from: "kaspi-main", to: "halyk-main", fault: "hang", begun: start, broke: at(time.Second), ended: at(time.Minute), gone: at(4 * time.Second), whole: at(5 * time.Minute),
			samples: []sample{{at: start, took: 40 * time.Millisecond, gateway: "kaspi-main", tries: 1},
				{at: at(1100 * time.Millisecond), took: 3 * time.Second, gateway: "halyk-main", tries: 2},
				{at: at(5 * time.Second), took: 50 * time.Millisecond, gateway: "halyk-main", tries: 1},
				{at: at(2 * time.Minute), took: 50 * time.Millisecond, gateway: "kaspi-main", tries: 1}},
			exposed: []*payrouterv1.Payment{{Name: "payments/019ac", State: payrouterv1.Payment_STATE_PAID, Amount: &payrouterv1.Money{MinorUnits: 10000, CurrencyCode: "KZT"}}}}
	}
	r := good()
	text := r.report()
	for _, said := range []string{"| fault | hang, for 59s |", "| first payment at halyk-main | 3.1s after the fault |", "| kaspi-main out of new payments | 3s after the fault |",
		"| payments meanwhile | 2, of them at halyk-main 2, after trying kaspi-main first 1, come to nothing 0 |", "| slowest answer | 3s |",
		"| first payment at kaspi-main again | 1m0.1s after its return |", "| all of its payments again | 4m0s after its return |", "**Passed.**", "- exposed: 019ac, 100.00 KZT, now paid"} {
		if !strings.Contains(text, said) {
			t.Errorf("the report lacks %q:\n%s", said, text)
		}
	}
	for fault, change := range map[string]func(*rehearsal){
		"no payment came to halyk-main":       func(r *rehearsal) { r.samples = r.samples[:1] },
		"kaspi-main was never taken out":      func(r *rehearsal) { r.gone = time.Time{} },
		"1 of 2 payments came to nothing":     func(r *rehearsal) { r.samples[2].failed = "all are out" },
		"does not yet take all":               func(r *rehearsal) { r.whole = time.Time{} },
		"of 1 payments nobody knows how they": func(r *rehearsal) { r.open = 1 },
	} {
		r := good()
		change(&r)
		if text := r.report(); !strings.Contains(text, "**Not passed:**") || !strings.Contains(text, fault) {
			t.Errorf("the report lacks %q:\n%s", fault, text)
		}
	}
}
