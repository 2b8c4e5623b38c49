package main

import (
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	payrouterv1 "github.com/payrouter/payrouter/proto/payrouter/v1"
	"github.com/payrouter/payrouter/providers/sim"
)

func TestADayIsRunByHandAndSeenToItsEnd(t *testing.T) {
	w := newWorld(t)
	run := []string{"reconcile", "run", "halyk-main", "--reason", "month end", "--as", "aida"}
	w.payctl(append(run, "--dry-run")...).done("gateway halyk-main", "state queued", "Nothing was started.")
	w.payctl("reconcile", "list").done("There are no such runs.")
	w.payctl(append(run, "--wait")...).done("halyk-main 2", "state done", "aida: month end", "findings 0 opened, 0 closed").lacks("payctl findings")
	w.payctl("reconcile", "run", "kaspi-main", "--reason", "it lists nothing, and is asked", "--wait").done("kaspi-main 2", "state done", "findings 0 opened, 0 closed")
	all := read(w, &payrouterv1.ListReconciliationsResponse{}, "reconcile", "list", "halyk-main", "--state", "done")
	if len(all.GetReconciliations()) != 1 {
		t.Fatalf("runs: %v", all)
	}
	r := all.GetReconciliations()[0]
	w.payctl("reconcile", "list", "--from", r.GetDay(), "--to", r.GetDay()).done("halyk-main "+r.GetDay()+" done", "aida", last(r.GetName()))
	w.payctl("reconcile", "show", r.GetName()).done("state done")
	w.payctl("reconcile", "watch", last(r.GetName())).done(": done", "state done")
	watched := read(w, &payrouterv1.Reconciliation{}, "reconcile", "watch", last(r.GetName()))
	if watched.GetState() != payrouterv1.Reconciliation_STATE_DONE {
		t.Errorf("watched: %v", watched)
	}
	w.payctl("reconcile", "cancel", last(r.GetName()), "--reason", "too late").fails(exitRefused, "the run has ended already", "RECONCILIATION_ENDED")
}

func TestARunThatCannotBeIsRefusedWithTheWayOut(t *testing.T) {
	w := newWorld(t)
	tomorrow := time.Now().AddDate(0, 0, 2).Format(time.DateOnly)
	w.payctl("reconcile", "run", "halyk-main", "--reason", "early", "--day", tomorrow).fails(exitRefused, "the business day is not over", "ready_time")
	w.payctl("reconcile", "run", "nobody-main", "--reason", "no gateway").fails(exitRefused, "no such gateway")
	w.payctl("reconcile", "run", "halyk-main").fails(exitUsage, "--reason is required")
	w.payctl("reconcile", "run", "halyk-main", "--reason", "x", "--day", "1.5.").fails(exitUsage, "--day 1.5.: write a day as 2026-11-24")
	w.payctl("reconcile", "list", "--state", "over").fails(exitUsage, "there are queued, reading, matching, done, failed and canceled")
	w.payctl("reconcile", "list", "--from", "may", "--to", "june").fails(exitUsage, "--from may", "--to june")
	w.payctl("reconcile", "show", "019ac").fails(exitRefused, `"019ac" is not the name of a reconciliation`)
}

func TestAFindingIsOwnedClosedAndOpenedAgain(t *testing.T) {
	w := newWorld(t)
	w.payctl("findings").done("There are no such findings.")
	w.fault(sim.Fault{Face: "kaspi", Op: sim.OpCreate, Kind: sim.FaultCode, Code: "-777", Times: 1}) // which no table knows
	p := w.create("--amount", "15490", "--method", "qr")
	found := read(w, &payrouterv1.ListFindingsResponse{}, "findings", "--gateway", "kaspi-main", "--kind", "unknown_code", "--payment", last(p.GetName()), "--since", "1h")
	if len(found.GetFindings()) != 1 {
		t.Fatalf("found %v", found)
	}
	id := findingID(found.GetFindings()[0].GetName())
	w.payctl("findings").done("kaspi-main unknown code open " + id)
	w.payctl("findings", "--kind", "unknown code").done("kaspi-main unknown code open " + id) // as the table writes it
	w.payctl("findings", "--kind", "money_twise").done("There are no such findings of the kind money_twise. Of other kinds: unknown_code (1).")
	w.payctl("finding", "show", id).done("kind unknown_code", "state open", "payment "+p.GetName())
	w.payctl("finding", "note", id, "--owner", "bolat", "--note", "asked the bank").done("owner bolat", "note asked the bank")
	w.payctl("finding", "note", id, "--owner", "").done("note asked the bank").lacks("bolat")
	w.payctl("finding", "note", id).fails(exitUsage, "give --owner, --note or both")
	w.payctl("finding", "close", id).fails(exitUsage, "--reason is required")
	w.payctl("finding", "close", id, "--reason", "a test of the bank's", "--as", "aida").done("state closed by aida", "a test of the bank's")
	w.payctl("findings").done("There are no such findings.")
	w.payctl("findings", "--all").done("closed by aida " + id)
	w.payctl("finding", "close", id, "--reason", "once more").fails(exitRefused, "FINDING_CLOSED", "payctl finding show "+id)
	w.payctl("finding", "reopen", id, "--reason", "it was ours").done("state open")
	w.payctl("finding", "show", "nobody").fails(exitRefused, "no such finding")
	w.payctl("findings", "--since", "0s").fails(exitUsage, "--since 0s")
}

func TestFindingsAreToldForPeople(t *testing.T) {
	var b strings.Builder
	c := &client{out: &b, output: "table"}
	money := func(minor int64) *payrouterv1.Money {
		return &payrouterv1.Money{MinorUnits: minor, CurrencyCode: "KZT"}
	}
	f := &payrouterv1.Finding{Name: "findings/-.unknown_to_us.0.jqq4", Kind: "unknown_to_us", Detail: "nothing in our books, approved 7.00 KZT in theirs", State: payrouterv1.Finding_STATE_OPEN,
		Gateway: "gateways/halyk-main", TheirAmount: money(700), Order: "stranger\x1b[2J", ExternalId: "x-9", Day: "2026-11-24", Owner: "bolat", Note: "asked", Etag: `"3"`, CreateTime: timestamppb.Now()}
	c.printFindings(&payrouterv1.ListFindingsResponse{Findings: []*payrouterv1.Finding{f}, NextPageToken: "more"})
	c.printFinding(f)
	for _, text := range []string{"halyk-main  unknown to us  7.00 KZT  open", "bolat  findings/-.unknown_to_us.0.jqq4", "There are more", "their order", "on the statement of"} {
		if !strings.Contains(b.String(), text) {
			t.Errorf("%q is not in\n%s", text, b.String())
		}
	}
	if strings.Contains(b.String(), "\x1b") {
		t.Error("a gateway's words can steer the terminal")
	}
	for resolution, want := range map[payrouterv1.Finding_Resolution]string{payrouterv1.Finding_RESOLUTION_PERSON: "closed by aida",
		payrouterv1.Finding_RESOLUTION_HEALED: "healed", payrouterv1.Finding_RESOLUTION_EXPLAINED: "explained", 77: "77"} {
		f.State, f.Resolution, f.ClosedBy = payrouterv1.Finding_STATE_CLOSED, resolution, "operator:aida"
		if got := findingState(f); got != want {
			t.Errorf("%s is told as %q", resolution, got)
		}
	}
}
