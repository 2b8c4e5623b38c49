package main

import (
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"testing"

	payrouterv1 "github.com/payrouter/payrouter/proto/payrouter/v1"
)

// tamper does something to the books that only their owner can.
func (w *world) tamper(statement string) {
	w.Helper()
	db, err := sql.Open("sqlite", "file:"+w.books+"?_pragma=busy_timeout(5000)")
	w.must(err)
	defer db.Close()
	_, err = db.Exec(statement)
	w.must(err)
}

func TestWhoChangedWhatIsListed(t *testing.T) {
	w := newWorld(t)
	w.payctl("audit", "list").done("There are no such records.")
	w.payctl("--as", "aida", "drain", "kaspi-main", "--reason", "the bank is slow", "--request-id", "019ac000-0000-4000-8000-000000000001").done()
	w.payctl("--as", "berik", "restore", "kaspi-main").done()
	w.payctl("audit", "list").done("RECORD WHEN WHO WHAT PHASE OUTCOME ABOUT WHY", "aida CreateOverride asked gateways/kaspi-main/overrides/019ac000-0000-4000-8000-000000000001 the bank is slow",
		"aida CreateOverride ended (1) OK gateways/kaspi-main/overrides/019ac000-0000-4000-8000-000000000001", "berik EndOverride ended (3) OK")
	w.payctl("audit", "list", "--actor", "berik").done("berik").lacks("aida")
	w.payctl("audit", "list", "--act", "CreateOverride").done("aida").lacks("berik")
	w.payctl("audit", "list", "--act", "override expired").done("There are no such records.")
	w.payctl("audit", "list", "--subject", "gateways/kaspi-main/overrides/019ac000-0000-4000-8000-000000000001", "--since", "1h", "--limit", "3").done("There are more: raise --limit.")
	if all := read(w, &payrouterv1.ListAuditRecordsResponse{}, "audit", "list", "--actor", "operator:aida"); len(all.GetAuditRecords()) != 2 ||
		all.GetAuditRecords()[1].GetAct() != payrouterv1.Operations_CreateOverride_FullMethodName {
		t.Errorf("%v", all)
	}
	w.payctl("audit", "list", "--since", "-1h").fails(exitUsage, "--since -1h0m0s: it must be more than zero")
	w.payctl("audit", "list", "--limit", "0").fails(exitUsage, "--limit 0")
	w.payctl("audit", "list", "--actor", strings.Repeat("a", 100)).fails(exitRefused, "--actor has more than 80 characters")
}

func TestAnAuditThatHoldsGivesAnAnchor(t *testing.T) {
	w := newWorld(t)
	file := filepath.Join(t.TempDir(), "audit.anchor")
	w.payctl("drain", "kaspi-main", "--reason", "the bank is slow").done()
	w.payctl("audit", "verify").done("The audit holds: 2 records", "Whether newer records were cut off shows only by an anchor", "anchor payrouter-audit-1 2 ")
	w.payctl("audit", "anchor").done("payrouter-audit-1 2 ")
	w.payctl("audit", "anchor", "--out", file).done("the anchor of record 2")
	w.payctl("audit", "anchor", "--out", file).fails(exitUsage, "it is there already")
	w.payctl("restore", "kaspi-main").done()
	w.payctl("audit", "verify", "--anchor", file).done("The audit holds: 4 records").lacks("shows only by an anchor")
	w.payctl("audit", "anchor", "--out", file, "--force").done("the anchor of record 4")
	text, err := os.ReadFile(file)
	w.must(err)
	if v := read(w, &payrouterv1.VerifyAuditResponse{}, "audit", "verify"); !v.GetIntact() || v.GetAnchor()+"\n" != string(text) {
		t.Errorf("verified %v, the file holds %q", v, text)
	}
}

func TestABrokenAuditIsToldWithWhatToDo(t *testing.T) {
	w := newWorld(t)
	file := filepath.Join(t.TempDir(), "audit.anchor")
	for range 2 {
		w.payctl("drain", "kaspi-main", "--reason", "the bank is slow").done()
	}
	w.payctl("audit", "anchor", "--out", file).done()
	broken := func(args ...string) ran {
		t.Helper()
		r := w.payctl(append([]string{"audit"}, args...)...)
		if r.exit != exitNotMet || r.err != "" {
			t.Errorf("%s exits with %d: %s", r.line, r.exit, r.err)
		}
		return r
	}
	w.tamper(`DROP TRIGGER audit_update; DROP TRIGGER audit_delete; DELETE FROM audit WHERE number = 4`)
	w.payctl("audit", "verify").done("The audit holds: 3 records", "1 acts were asked and have no end")
	broken("verify", "--anchor", file).says("THE AUDIT IS BROKEN at record 4", "put back to an older state", "The records before it hold: 3.", "Do not mend it", "docs/runbook.md")
	w.tamper(`UPDATE audit SET actor = 'operator:somebody' WHERE number = 2`)
	broken("verify").says("THE AUDIT IS BROKEN at record 2", "Somebody changed what stands there")
	broken("verify", "-o", "json").says(`"broken_number": "2"`)
	broken("anchor").says("THE AUDIT IS BROKEN at record 2").lacks("payrouter-audit-1")
	other := filepath.Join(t.TempDir(), "other.anchor")
	broken("anchor", "--out", other)
	if _, err := os.Stat(other); err == nil {
		t.Error("an anchor of a broken chain was written")
	}
	w.tamper(`DELETE FROM audit WHERE number = 1`)
	broken("verify").says("THE AUDIT IS BROKEN at record 1", "Somebody removed it")
}

func TestAFileThatHoldsNoAnchorIsRefused(t *testing.T) {
	w := newWorld(t)
	file := func(text string) string {
		path := filepath.Join(t.TempDir(), "a.anchor")
		w.must(os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	w.payctl("audit", "verify", "--anchor", filepath.Join(t.TempDir(), "none")).fails(exitUsage, "--anchor: open")
	for _, text := range []string{"", "\n", "payrouter-audit-1 1\npayrouter-audit-1 2\n", strings.Repeat("x", 600)} {
		w.payctl("audit", "verify", "--anchor", file(text)).fails(exitUsage, "it holds no anchor")
	}
	w.payctl("audit", "verify", "--anchor", file("my shopping list\n")).fails(exitRefused, "--anchor cannot be read: an anchor is payrouter-audit-1")
}
