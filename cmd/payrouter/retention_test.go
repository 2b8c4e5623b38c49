package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router/journal"
	"github.com/payrouter/payrouter/router/payment"
)

// Who wants to remove what is old sees it first, and must say so.
func TestWhatIsOldIsShownAndThenRemovedOnDemandOnly(t *testing.T) {
	folder := t.TempDir()
	p, books := program{t, filepath.Join(folder, "payrouter.yaml")}, filepath.Join(folder, "books.db")
	if err := os.WriteFile(p.config, fmt.Appendf(nil, config, books), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := p.run("migrate"); err != nil {
		t.Fatal(err)
	}
	store, err := journal.Open(journal.Options{URL: "sqlite:" + books, Due: func(payment.Payment, time.Time) time.Time { return time.Time{} }})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	old := time.Now().AddDate(-2, 0, 0)
	for i, state := range []string{"fact", "fact", "hint"} {
		if err := store.StoreNotice(t.Context(), fmt.Sprint(i), "halyk-main", providers.Notice{}, old); err != nil {
			t.Fatal(err)
		}
		if err := store.MarkNotice(t.Context(), fmt.Sprint(i), state, "p", ""); err != nil {
			t.Fatal(err)
		}
	}
	row := func(due string) string {
		return "notices 180d 30d " + old.UTC().Format(time.DateOnly) + " " + due + " wait for a look-up: 1"
	}
	said, err := p.run("retention", "--dry-run")
	plain := strings.Join(strings.Fields(said), " ")
	if err != nil || !strings.Contains(plain, "DUE NOW") || !strings.Contains(plain, row("2")) || !strings.Contains(plain, "payments forever 1827d - 0 -") {
		t.Errorf("a dry run says %s, error %v", said, err)
	}
	for _, args := range [][]string{{"retention"}, {"retention", "--dry-run", "--yes"}} {
		if _, err := p.run(args...); err == nil || !strings.Contains(err.Error(), "--dry-run") || !strings.Contains(err.Error(), "--yes") {
			t.Errorf("%q: error %v", args, err)
		}
	}
	if said := auditOf(t, store); said != "" {
		t.Errorf("a look is recorded: %s", said)
	}
	t.Setenv("PAYROUTER_OPERATOR", "aida")
	said, err = p.run("retention", "--yes")
	plain = strings.Join(strings.Fields(said), " ")
	if err != nil || !strings.HasPrefix(said, "notices: 2\n") || !strings.Contains(plain, "REMOVED") || !strings.Contains(plain, row("2")) {
		t.Errorf("a pass says %s, error %v", said, err)
	}
	const terms = "notices after 180d, payers after 550d, histories to the archive after 180d"
	if said := auditOf(t, store); said != "operator:aida retention asked "+terms+"\noperator:aida retention ended OK "+terms+"\n" {
		t.Errorf("the audit tells %s", said)
	}
	if said, err = p.run("retention", "--dry-run"); err != nil || !strings.Contains(strings.Join(strings.Fields(said), " "), row("0")) {
		t.Errorf("after it a dry run says %s, error %v", said, err)
	}
}
