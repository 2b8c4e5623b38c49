package main

import (
	"bytes"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/payrouter/payrouter/router/audit"
	"github.com/payrouter/payrouter/router/journal"
	"github.com/payrouter/payrouter/router/payment"
)

const config = `
store: {url: "sqlite:%s"}
keys: {body: "0123456789abcdef"}
tenants:
  shop: {rules: [{gateway: wayforpay-main, priority: 1}]}
gateways:
  - name: wayforpay-main
    provider: wayforpay
    wayforpay: {api_base_url: "http://127.0.0.1:1", merchant_account: a, merchant_secret: "0123456789abcdef", merchant_domain: shop.example.kz, currencies: [KZT]}
  - name: halyk-main
    provider: halyk
    halyk: {token_url: "http://127.0.0.1:1/t", api_url: "http://127.0.0.1:1", script_url: "http://127.0.0.1:1/p.js", client_id: a,
      client_secret: "0123456789abcdef", terminal_id: 67e34d63-102f-4bd1-898e-370781d0074d, notice_key: "0123456789abcdef"}
`

// run is one call of the program.
func (p program) run(args ...string) (string, error) {
	var said bytes.Buffer
	cmd := root()
	cmd.SetArgs(append([]string{"--config", p.config}, args...))
	cmd.SetOut(&said)
	err := cmd.ExecuteContext(p.t.Context())
	return said.String(), err
}

type program struct {
	t      *testing.T
	config string
}

// auditOf is what the audit tells, whose chain holds.
func auditOf(t *testing.T, store *journal.Store) string {
	t.Helper()
	var said strings.Builder
	for r, err := range store.WalkAudit(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintln(&said, strings.Join(strings.Fields(fmt.Sprint(r.Actor, " ", r.Act, " ", r.Phase, " ", r.Outcome, " ", r.Reason)), " "))
	}
	if _, err := audit.Check(store.WalkAudit(t.Context()), audit.Anchor{}); err != nil {
		t.Error(err)
	}
	return said.String()
}

// A gateway is held whatever else fails: a payer who is charged twice is worse than a record
// that is missing, and the person is told of it.
func TestALostWindowIsHeldEvenWhereItCannotBeRecorded(t *testing.T) {
	folder := t.TempDir()
	p, books := program{t, filepath.Join(folder, "payrouter.yaml")}, filepath.Join(folder, "books.db")
	if err := os.WriteFile(p.config, fmt.Appendf(nil, config, books), 0o600); err != nil {
		t.Fatal(err)
	}
	if said, err := p.run("migrate"); err != nil || said != "The schema is up to date.\n" {
		t.Fatalf("%q, %v", said, err)
	}
	db, err := sql.Open("sqlite", "file:"+books)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(`DROP TABLE audit`); err != nil {
		t.Fatal(err)
	}
	if _, err := p.run("lost-window", "--reason", "the backup of noon is in place"); err == nil || !strings.Contains(err.Error(), "the audit has no record of it") {
		t.Errorf("error %v", err)
	}
	var held int
	if err := db.QueryRow(`SELECT COUNT(*) FROM overrides WHERE mode = 'reconcile'`).Scan(&held); err != nil || held != 2 {
		t.Errorf("%d gateways are held, error %v", held, err)
	}
	if _, err := p.run("retention", "--yes"); err == nil || !strings.Contains(err.Error(), "nothing was done, for it cannot be recorded") {
		t.Errorf("retention: error %v", err)
	}
}

// An operator who put a backup in place, perhaps one from before the last migration, says
// so: every gateway is to be reconciled, once, whoever says it how often.
func TestALostWindowIsToldBeforeTheServiceStarts(t *testing.T) {
	folder := t.TempDir()
	p, books := program{t, filepath.Join(folder, "payrouter.yaml")}, filepath.Join(folder, "books.db")
	if err := os.WriteFile(p.config, fmt.Appendf(nil, config, books), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PAYROUTER_OPERATOR", "aida")
	if _, err := p.run("lost-window"); err == nil || !strings.Contains(err.Error(), "--reason") {
		t.Errorf("without a reason: error %v", err)
	}
	for range 2 {
		said, err := p.run("lost-window", "--reason", "the backup of noon is in place")
		if err != nil || !strings.Contains(said, "wayforpay-main, halyk-main") || !strings.Contains(said, "payctl reconciled") {
			t.Errorf("says %q, error %v", said, err)
		}
	}
	store, err := journal.Open(journal.Options{URL: "sqlite:" + books, Due: func(payment.Payment, time.Time) time.Time { return time.Time{} }})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	orders, err := store.Overrides(t.Context(), time.Now())
	if err != nil || len(orders) != 2 {
		t.Fatalf("%d orders, error %v", len(orders), err)
	}
	for _, o := range orders {
		if o.Mode != "reconcile" || o.Actor != "operator:aida" || o.Reason != "the backup of noon is in place" {
			t.Errorf("%+v", o)
		}
	}
	if said := auditOf(t, store); said != "operator:aida lost window asked the backup of noon is in place\noperator:aida lost window ended OK the backup of noon is in place\n"+
		"operator:aida lost window asked the backup of noon is in place\noperator:aida lost window ended OK the backup of noon is in place\n" {
		t.Errorf("the audit tells\n%s", said)
	}
	if first, err := store.Take(t.Context(), "reference/halyk-main", 1); err != nil || first != 20_001 {
		t.Errorf("the next number is %d, after two skips of 10,000, error %v", first, err)
	}
}

// Where the service may not bring the schema up to date, it serves from none that lacks a step:
// callers would learn of it one by one.
func TestServeWithoutMigrateSaysWhatTheSchemaLacks(t *testing.T) {
	folder := t.TempDir()
	p := program{t, filepath.Join(folder, "payrouter.yaml")}
	text := strings.Replace(fmt.Sprintf(config, filepath.Join(folder, "books.db")), `.db"}`, `.db", migrate: false}
grpc: {address: "127.0.0.1:0"}
webhooks: {address: "127.0.0.1:0"}
ops: {address: "127.0.0.1:0"}`, 1)
	if err := os.WriteFile(p.config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := p.run("serve"); err == nil || !strings.Contains(err.Error(), `run "payrouter migrate" of this version first`) {
		t.Errorf("error %v", err)
	}
}
