package main

import (
	"context"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/payrouter/payrouter/cmd/internal/app"
	payrouterv1 "github.com/payrouter/payrouter/proto/payrouter/v1"
	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/providers/halyk"
	"github.com/payrouter/payrouter/providers/kaspi"
	"github.com/payrouter/payrouter/providers/sim"
	"github.com/payrouter/payrouter/providers/wayforpay"
	"github.com/payrouter/payrouter/router/statement"
)

// scanWindow is how long a payer may take to scan a QR in these tests, for those that
// wait until one is dead.
const scanWindow = time.Second

// world is a simulated bank on loopback sockets and the real service beside it. payctl
// runs against it in this process. Nobody pays until a test says so.
type world struct {
	*testing.T
	bank    *sim.Bank
	address string
	books   string // the file
}

func newWorld(t *testing.T, changes ...func(*app.Config)) *world {
	t.Helper()
	w := &world{T: t, books: filepath.Join(t.TempDir(), "books.db")}
	// Kaspi is told where to send notices when it is made, and the service's port is known
	// only later: in between stands a relay.
	service := make(chan *app.App, 1)
	toService := sync.OnceValue(func() http.Handler {
		proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: (<-service).WebhooksAddr()})
		proxy.ErrorLog = log.New(io.Discard, "", 0) // the bank outlives the service, and goes on calling
		return proxy
	})
	relay := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { toService().ServeHTTP(rw, r) }))
	t.Cleanup(relay.Close)
	w.bank = sim.New(sim.Options{Seed: 1, TimeScale: 0.01},
		sim.Kaspi(sim.KaspiOptions{ScanWindow: scanWindow, ConfirmWindow: time.Second, PollInterval: time.Second, LateSuccess: true,
			NotifyURL: relay.URL + "/webhooks/kaspi-main"}),
		sim.Halyk(sim.HalykOptions{}),
		sim.WayForPay(sim.WayForPayOptions{Currencies: []string{"KZT", "UAH"}}))
	t.Cleanup(w.bank.Close)
	here := sim.Listen{Addr: "127.0.0.1:0"}
	doors, err := sim.Serve(w.bank, sim.ServerOptions{Faces: map[string]sim.Listen{"kaspi": here, "halyk": here, "wayforpay": here}})
	w.must(err)
	t.Cleanup(doors.Close)

	forget(t)
	c := config(doors, w.books)
	for _, change := range changes {
		change(&c)
	}
	house, err := app.New(t.Context(), c, app.Options{})
	w.must(err)
	w.address = house.GRPCAddr()
	service <- house
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- house.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Errorf("the service: %v", err)
		}
	})
	return w
}

// forget unsets whatever the person who runs the tests has set: it is not meant for them.
func forget(t *testing.T) {
	t.Helper()
	for _, name := range []string{"ADDRESS", "TENANT", "OPERATOR", "CA", "CERT", "KEY", "TOKEN_FILE"} {
		t.Setenv("PAYROUTER_"+name, "")
	}
}

func config(doors *sim.Server, books string) app.Config {
	at := func(face string) string { return "http://" + doors.Addr(face) }
	here := "127.0.0.1:0"
	return app.Config{
		GRPC:     app.GRPC{Address: here, DefaultTenant: "shop"},
		Webhooks: app.Webhooks{Address: here},
		Ops:      app.Ops{Address: here},
		Store:    app.Store{URL: providers.NewSecret("sqlite:" + books)},
		Keys:     app.Keys{Body: providers.NewSecret("only good for these tests")},
		Terms:    app.Terms{PollEvery: 20 * time.Millisecond, Ladder: []time.Duration{50 * time.Millisecond, time.Second}},
		Health:   app.Health{Consecutive: 1, OpenFor: time.Minute, ProbeFast: 20 * time.Millisecond, RampStep: time.Minute},
		Tenants: map[string]app.Tenant{"shop": {Rules: []app.Rule{
			{Gateway: "kaspi-main", Priority: 1}, {Gateway: "halyk-main", Priority: 2}, {Gateway: "wayforpay-main", Priority: 3}}}},
		Gateways: []app.Gateway{
			{Name: "kaspi-main", Provider: "kaspi", Books: app.Books{Formats: map[string]statement.Format{"cabinet": {Separator: ";", Currency: "KZT", Zone: "Asia/Almaty",
				Dates: []string{time.DateTime}, Columns: statement.Columns{Order: "order", Amount: "sum", At: "date"}}}}, Account: app.Account{Settings: app.Settings{Kaspi: &kaspi.Config{BaseURL: at("kaspi") + "/r3/v01", OrganizationBIN: sim.KaspiDefaultBIN,
				DeviceToken: providers.NewSecret(sim.KaspiDefaultDevice), NoticeSources: []string{"127.0.0.1"}, ConfirmWindow: time.Second,
				OfferLife: 10 * time.Second, Margin: time.Millisecond, Biller: kaspi.Biller{Service: "Qazaq Books"}}}}},
			{Name: "halyk-main", Provider: "halyk", Account: app.Account{Credentials: "2040-11", Expire: app.Day{Time: time.Date(2040, 11, 30, 0, 0, 0, 0, time.UTC)}, Settings: app.Settings{Halyk: &halyk.Config{TokenURL: at("halyk") + "/oauth2/token", APIURL: at("halyk"),
				ScriptURL: at("halyk") + "/payform/payment-api.js", ClientID: sim.HalykDefaultClient, ClientSecret: providers.NewSecret(sim.HalykDefaultSecret),
				TerminalID: sim.HalykDefaultTerminal, ShopID: "shop", QR: true, NoticeKey: providers.NewSecret("only good for these tests")}}}},
			{Name: "wayforpay-main", Provider: "wayforpay", Account: app.Account{Settings: app.Settings{WayForPay: &wayforpay.Config{APIBaseURL: at("wayforpay"), MerchantAccount: "test_merch_n1",
				MerchantSecret: providers.NewSecret("flk3409refn54t54t*FNJRET"), MerchantDomain: "shop.example.kz", Currencies: []string{"KZT", "UAH"}}}}},
		},
	}
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// eventually asks again and again until something that nothing announces is so.
func (w *world) eventually(what string, is func() bool) {
	w.Helper()
	for end := time.Now().Add(patience); !is(); {
		if time.Now().After(end) {
			w.Fatalf("after %s it is not yet so that %s", patience, what)
		}
	}
}

// payer says what the payers of a face do from now on.
func (w *world) payer(face, behaviour string) {
	w.Helper()
	_, err := w.bank.AddPayer(sim.PayerRule{Face: face, Behaviour: behaviour})
	w.must(err)
}

func (w *world) fault(f sim.Fault) {
	w.Helper()
	_, err := w.bank.AddFault(f)
	w.must(err)
}

// patience ends a command that would hang for ever.
const patience = 30 * time.Second

// ran is what one command left behind.
type ran struct {
	*testing.T
	line     string
	exit     int
	out, err string
}

// payctl runs one command line as a person would, against this world.
func (w *world) payctl(args ...string) ran {
	w.Helper()
	return payctl(w.T, append([]string{"--address", w.address}, args...)...)
}

func payctl(t *testing.T, args ...string) ran {
	t.Helper()
	var out, errs strings.Builder
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	exit := execute(ctx, args, &out, &errs)
	return ran{T: t, line: "payctl " + strings.Join(args, " "), exit: exit, out: out.String(), err: errs.String()}
}

// done demands exit status 0, a silent standard error, and texts in the output.
func (r ran) done(texts ...string) ran {
	r.Helper()
	if r.exit != exitDone || r.err != "" {
		r.Fatalf("%s\nexits with %d, want 0; standard error:\n%s", r.line, r.exit, r.err)
	}
	return r.says(texts...)
}

// fails demands an exit status, a silent standard output, and texts in the error.
func (r ran) fails(exit int, texts ...string) ran {
	r.Helper()
	if r.exit != exit || r.out != "" {
		r.Fatalf("%s\nexits with %d, want %d; standard output:\n%s\nstandard error:\n%s", r.line, r.exit, exit, r.out, r.err)
	}
	for _, text := range texts {
		if !strings.Contains(r.err, text) {
			r.Errorf("%s\nthe error lacks %q:\n%s", r.line, text, r.err)
		}
	}
	return r
}

// says demands texts in the output. Runs of spaces count as one: columns move.
func (r ran) says(texts ...string) ran {
	r.Helper()
	flat := squeezed(r.out)
	for _, text := range texts {
		if !strings.Contains(flat, text) {
			r.Errorf("%s\nthe output lacks %q:\n%s", r.line, text, r.out)
		}
	}
	return r
}

// lacks demands that texts are not in the output.
func (r ran) lacks(texts ...string) ran {
	r.Helper()
	flat := squeezed(r.out)
	for _, text := range texts {
		if strings.Contains(flat, text) {
			r.Errorf("%s\nthe output has %q:\n%s", r.line, text, r.out)
		}
	}
	return r
}

func squeezed(text string) string {
	var lines []string
	for line := range strings.Lines(text) {
		lines = append(lines, strings.Join(strings.Fields(line), " "))
	}
	return strings.Join(lines, "\n")
}

// read runs a command with -o json and reads its output as a program would.
func read[M proto.Message](w *world, m M, args ...string) M {
	w.Helper()
	r := w.payctl(append(args, "-o", "json")...).done()
	if err := protojson.Unmarshal([]byte(r.out), m); err != nil {
		w.Fatalf("%s\nis not a %s: %v\n%s", r.line, m.ProtoReflect().Descriptor().Name(), err, r.out)
	}
	return m
}

// create opens a payment and returns what a program gets.
func (w *world) create(args ...string) *payrouterv1.Payment {
	w.Helper()
	return read(w, &payrouterv1.Payment{}, append([]string{"payment", "create"}, args...)...)
}

// get reads a payment.
func (w *world) get(name string) *payrouterv1.Payment {
	w.Helper()
	return read(w, &payrouterv1.Payment{}, "payment", "get", name)
}

// paid opens a payment that its payer pays at once, and follows it to its end.
func (w *world) paid(args ...string) *payrouterv1.Payment {
	w.Helper()
	w.payer("wayforpay", sim.PayerPays)
	p := w.create(append([]string{"--method", "page", "--gateway", "wayforpay-main"}, args...)...)
	w.payctl("payment", "watch", p.GetName()).done("paid attempt 1 at wayforpay-main: approved")
	return w.get(p.GetName())
}

// card has a customer's card saved at Halyk, on the bank's own page.
func (w *world) card(customer string) string {
	w.Helper()
	p := w.create("--amount", "4500", "--method", "page", "--gateway", "halyk-main", "--customer", customer, "--save")
	page, err := url.Parse(p.GetAction().GetWidget().GetScriptUrl())
	w.must(err)
	page.Path = "/payform"
	response, err := http.PostForm(page.String(), url.Values{"payment": {p.GetAction().GetWidget().GetObjectJson()}})
	w.must(err)
	w.must(response.Body.Close())
	w.must(w.bank.Act("halyk", p.GetAttempts()[0].GetReference(), sim.ActPay))
	w.payctl("payment", "watch", p.GetName()).done("paid")
	instrument := w.get(p.GetName()).GetSavedInstrument()
	if instrument == "" {
		w.Fatal("no card was saved")
	}
	return instrument
}

// lines counts the lines of standard error that hold a text.
func (r ran) lines(text string) int {
	count := 0
	for line := range strings.Lines(r.err) {
		if strings.Contains(line, text) {
			count++
		}
	}
	return count
}
