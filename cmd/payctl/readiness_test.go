package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jedib0t/go-pretty/v6/text"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/payrouter/payrouter/cmd/internal/paper"
	"github.com/payrouter/payrouter/health"
	payrouterv1 "github.com/payrouter/payrouter/proto/payrouter/v1"
	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/providers/kaspi"
	"github.com/payrouter/payrouter/providers/sim"
	"github.com/payrouter/payrouter/router"
	"github.com/payrouter/payrouter/router/journal"
	"github.com/payrouter/payrouter/router/payment"
	"github.com/payrouter/payrouter/router/readiness"
	"github.com/payrouter/payrouter/router/server"
)

var update = flag.Bool("update", false, "write the golden files anew")

// almaty is where the bank's days begin.
var almaty = time.FixedZone("Asia/Almaty", 5*60*60)

// today is when the checklist is answered: September and October are the two whole months.
var today = time.Date(2026, 11, 10, 14, 0, 0, 0, almaty)

// ledger writes books as they would stand after two months of trade.
type ledger struct {
	*testing.T
	store *journal.Store
	n     int
}

// payment writes one with an attempt at a gateway, and what became of it, second by second.
func (l *ledger) payment(gateway, provider string, at time.Time, became ...payment.Body) string {
	l.Helper()
	l.n++
	id := fmt.Sprintf("019ac000-0000-7000-8000-%012d", l.n)
	p, err := l.store.Open(l.Context(), journal.Request{Tenant: "shop", ID: id, Kind: "create", Hash: "h"}, providers.Payer{}, payment.Event{At: at, Actor: "caller:shop",
		Body: payment.Opened{ID: id, Tenant: "shop", RequestID: id, Amount: tenge(1549000), Methods: []providers.Method{providers.QR}, Deadline: at.Add(time.Hour)}})
	if err != nil {
		l.Fatal(err)
	}
	_, err = l.store.Advance(l.Context(), p, func(payment.Payment) ([]payment.Event, error) {
		events := []payment.Event{{At: at, Actor: "router", Body: payment.Planned{Attempt: 1, Gateway: gateway, Provider: provider, Method: providers.QR, Flow: providers.Offer,
			Reference: fmt.Sprintf("%012d", l.n)}}}
		for i, body := range became {
			events = append(events, payment.Event{At: at.Add(time.Duration(i+1) * 10 * time.Second), Actor: "gateway:" + gateway, Body: body})
		}
		return events, nil
	})
	if err != nil {
		l.Fatal(err)
	}
	return id
}

func tenge(minor int64) providers.Money { return providers.Money{Minor: minor, Currency: "KZT"} }

func seen(v providers.Verdict, source payment.Source) payment.Observed {
	return payment.Observed{Attempt: 1, Source: source, Verdict: v, Reason: map[providers.Verdict]providers.Reason{providers.Unknown: providers.Timeout}[v]}
}

// refunded is a refund from its wish to its end.
func refunded(minor int64) []payment.Body {
	return []payment.Body{seen(providers.Approved, payment.FromLookup), payment.RefundRequested{Refund: "r", RequestID: "r", Amount: tenge(minor)},
		payment.OperationPlanned{Operation: 1, Op: payment.OpRefund, Attempt: 1, Amount: tenge(minor), Refund: "r", Reference: "own"},
		payment.OperationObserved{Operation: 1, Source: payment.FromResponse, Verdict: providers.Approved}}
}

// write fills the books: 35 charges a day elsewhere but on one, the scenarios at Kaspi, and
// a drain.
func (l *ledger) write() {
	l.Helper()
	approved := seen(providers.Approved, payment.FromNotice)
	for day := time.Date(2026, 9, 1, 8, 0, 0, 0, almaty); day.Month() < time.November; day = day.AddDate(0, 0, 1) {
		if day.Month() == time.September && day.Day() == 13 {
			continue
		}
		for i := range 35 {
			gateway, provider := "halyk-main", "halyk"
			if i%7 == 0 {
				gateway, provider = "wayforpay-main", "wayforpay"
			}
			l.payment(gateway, provider, day.Add(time.Duration(i)*20*time.Minute), approved)
		}
	}
	at := time.Date(2026, 11, 2, 10, 0, 0, 0, almaty)
	l.payment("kaspi-main", "kaspi", at, refunded(500000)...)
	l.payment("kaspi-main", "kaspi", at.Add(time.Hour), refunded(1549000)...)
	l.payment("kaspi-main", "kaspi", at.Add(2*time.Hour), payment.CancelRequested{RequestID: "c"},
		payment.Closed{Attempt: 1, Evidence: payment.Evidence{Attempt: 1, Kind: payment.Withdrawn, Source: payment.FromLookup, At: at}}, payment.Finished{Outcome: payment.OutcomeCanceled})
	l.payment("kaspi-main", "kaspi", at.Add(3*time.Hour), seen(providers.Unknown, payment.FromResponse), seen(providers.Approved, payment.FromLookup))
	twice := l.payment("kaspi-main", "kaspi", at.Add(4*time.Hour), approved)
	for i := range 2 {
		id := fmt.Sprintf("notice-%d", i)
		came := at.Add(4*time.Hour + time.Duration(i)*time.Minute)
		if err := l.store.StoreNotice(l.Context(), id, "kaspi-main", providers.Notice{Method: "POST", Path: "/webhook", Body: []byte("paid")}, came); err != nil {
			l.Fatal(err)
		}
		if err := l.store.MarkNotice(l.Context(), id, "fact", twice, ""); err != nil {
			l.Fatal(err)
		}
	}
	_, err := l.store.CreateOverride(l.Context(), journal.Override{ID: "019ac000-0000-7000-8000-00000000dead", Gateway: "kaspi-main", Mode: string(health.Drain), Actor: "operator:aida",
		Reason: "rehearsal", Created: at, Start: time.Date(2026, 10, 20, 10, 0, 0, 0, almaty), End: time.Date(2026, 10, 20, 11, 0, 0, 0, almaty)})
	if err != nil {
		l.Fatal(err)
	}
}

// house serves written books at an address. Nothing in it works: it only answers.
func house(t *testing.T) (address string) {
	t.Helper()
	forget(t)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	store, err := journal.Open(journal.Options{URL: "sqlite:", Due: func(payment.Payment, time.Time) time.Time { return time.Time{} }})
	must(err)
	t.Cleanup(func() { store.Close() })
	must(store.Migrate(t.Context()))
	(&ledger{T: t, store: store}).write()
	adapter, err := kaspi.Config{BaseURL: "http://127.0.0.1:1/r3/v01", OrganizationBIN: sim.KaspiDefaultBIN, DeviceToken: providers.NewSecret(sim.KaspiDefaultDevice),
		NoticeSources: []string{"127.0.0.1"}, Biller: kaspi.Biller{Service: "Qazaq Books"}}.Open(nil)
	must(err)
	gateways := []router.Gateway{{Name: "kaspi-main", Credentials: router.Credentials{Version: "2026", Provider: adapter, Issued: time.Date(2026, 2, 28, 0, 0, 0, 0, time.UTC)}}}
	board, err := health.New(health.Options{Gateways: []health.Gateway{{Name: "kaspi-main", Timeout: map[health.Op]time.Duration{health.OpCharge: time.Second}}}})
	must(err)
	r, err := router.New(router.Options{Journal: store, Board: board, Gateways: gateways, Tenants: map[string]router.Tenant{"shop": {Rules: []router.Rule{{Gateway: "kaspi-main"}}}},
		Clock: func(context.Context) (time.Time, error) { return today, nil }})
	must(err)
	s, err := server.New(server.Options{Router: r, Board: board, BodyKey: providers.NewSecret("only good for these tests"), DefaultTenant: "shop", Readiness: server.Readiness{Egress: []string{"203.0.113.7"}}})
	must(err)
	return served(t, s.GRPC())
}

// served is where a server listens until the test ends.
func served(t *testing.T, s *grpc.Server) string {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = s.Serve(listener) }()
	t.Cleanup(s.Stop)
	return listener.Addr().String()
}

// The golden files are what a person and a program read of these books.
func TestReadinessOfWrittenBooksIsPrintedWithTheQueryBehindEachLine(t *testing.T) {
	here, err := filepath.Abs("testdata")
	if err != nil {
		t.Fatal(err)
	}
	address := house(t)
	ask := func(args ...string) ran {
		return payctl(t, append([]string{"--address", address, "kaspi"}, args...)...)
	}
	ask("evidence", "list").done("Nothing was recorded.")
	ask("evidence", "record", "alerts", "--shown", "2026-11-05T12:00:00+05:00", "--reference", "case 81", "--detail", "KaspiDown fired within 40 s", "--reason", "quarterly test", "--as", "aida",
		"--request-id", "019ac000-0000-4000-8000-000000000081").done("item alerts", "reference case 81", "aida: quarterly test")
	ask("evidence", "list", "alerts", "--gateway", "kaspi-main").done("kaspi-main alerts", "aida case 81")

	report := ask("readiness")
	if report.exit != exitNotMet || report.err != "" {
		t.Fatalf("exits with %d, standard error:\n%s", report.exit, report.err)
	}
	golden(t, filepath.Join(here, "readiness.txt"), report.out)
	for line := range strings.Lines(report.out) {
		if n := text.StringWidth(strings.TrimRight(line, "\n")); n > reportWidth {
			t.Errorf("a line has %d columns: %s", n, line)
		}
	}
	program := ask("readiness", "--gateway", "kaspi-main", "-o", "json")
	var tidy bytes.Buffer
	if err := json.Compact(&tidy, []byte(program.out)); err != nil || program.exit != exitNotMet {
		t.Fatalf("exits with %d, %v: %s", program.exit, err, program.out)
	}
	var pretty bytes.Buffer
	if err := json.Indent(&pretty, tidy.Bytes(), "", "  "); err != nil { // the library spaces at random
		t.Fatal(err)
	}
	golden(t, filepath.Join(here, "readiness.json"), pretty.String()+"\n")

	t.Chdir(t.TempDir())
	for _, l := range paper.Languages() {
		name := "readiness-" + string(l) + ".pdf"
		if r := ask("readiness", "-o", name, "--lang", string(l)); r.exit != exitNotMet || !strings.Contains(r.out, name+": readiness of kaspi-main, met: ") {
			t.Errorf("exits with %d: %s%s", r.exit, r.out, r.err)
		}
		if content, err := os.ReadFile(name); err != nil || !bytes.HasPrefix(content, []byte("%PDF-")) {
			t.Errorf("%s is no document: %v", name, err)
		}
	}
	ask("readiness", "-o", "report.docx").fails(exitUsage, "there are text and json, and the name of a file that ends with .pdf")
	ask("readiness", "--lang", "de").fails(exitUsage, "there are ru, kk and en")
	ask("readiness", "--gateway", "nobody").fails(exitRefused, "no such gateway")
	ask("evidence", "record", "volume", "--reference", "x", "--reason", "because").fails(exitRefused, `"volume" is none of sandbox.pay`)
	ask("evidence", "record", "alerts", "--reason", "because").fails(exitUsage, "--reference and --reason are required")
	ask("evidence", "record", "alerts", "--reference", "x", "--reason", "because", "--shown", "today").fails(exitUsage, "--shown today: write a time as 2026-11-20T14:00:00+05:00")
	ask("evidence", "record", "alerts", "--reference", "x", "--reason", "because", "--shown", "2026-12-01T00:00:00Z").fails(exitRefused, "--shown is in the future")
	ask("evidence", "record", "alerts", "--reference", "x", "--reason", "because", "--request-id", "019ac000-0000-4000-8000-000000000081").
		fails(exitRefused, "REQUEST_ID_REUSED", "payctl kaspi evidence list")
}

func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-golden +now):\n%s", path, diff)
	}
}

// ready answers that everything is met.
type ready struct {
	payrouterv1.UnimplementedComplianceServer
	items []*payrouterv1.Readiness_Item
}

func (r ready) GetReadiness(context.Context, *payrouterv1.GetReadinessRequest) (*payrouterv1.Readiness, error) {
	return &payrouterv1.Readiness{Gateway: "gateways/kaspi-main", TimeZone: "Asia/Almaty", CreateTime: timestamppb.New(today), Items: r.items}, nil
}

func TestAScriptSeesByTheExitStatusWhetherAllIsMet(t *testing.T) {
	met, of := payrouterv1.Readiness_Item_STATE_MET, func(states ...payrouterv1.Readiness_Item_State) string {
		s := grpc.NewServer()
		var items []*payrouterv1.Readiness_Item
		for i, state := range states {
			items = append(items, &payrouterv1.Readiness_Item{Id: fmt.Sprintf("item-%d", i), Title: "A requirement", State: state})
		}
		payrouterv1.RegisterComplianceServer(s, ready{items: items})
		return served(t, s)
	}
	payctl(t, "--address", of(met, met), "kaspi", "readiness").done("Met: 2 of 2", "met item-0 A requirement")
	for state, want := range map[payrouterv1.Readiness_Item_State]string{
		payrouterv1.Readiness_Item_STATE_NOT_MET: "NOT MET item-1", payrouterv1.Readiness_Item_STATE_NO_EVIDENCE: "no evidence item-1", 0: "no evidence item-1", 99: "99 item-1"} {
		r := payctl(t, "--address", of(met, state), "kaspi", "readiness").says("Met: 1 of 2", want)
		if r.exit != exitNotMet || r.err != "" {
			t.Errorf("%s: exits with %d, %s", state, r.exit, r.err)
		}
	}
}

// What the service asks for has its words in every language, and the English ones are its own.
func TestEveryRequirementHasItsWordsOnPaper(t *testing.T) {
	for _, i := range readiness.Judge(readiness.Facts{Now: today, Zone: almaty}) {
		name, needed, known := paper.Requirement(i.ID, paper.English)
		if !known || name != i.Title || needed != i.Needed {
			t.Errorf("%s is %q, %q on paper, and %q, %q in the report", i.ID, name, needed, i.Title, i.Needed)
		}
	}
	if _, _, known := paper.Requirement("invented", paper.English); known {
		t.Error("an invented requirement has words")
	}
}
