//go:build unix

package app_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	pb "github.com/payrouter/payrouter/proto/payrouter/v1"
	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/providers/sim"
	"github.com/payrouter/payrouter/router/journal"
	"github.com/payrouter/payrouter/router/payment"
)

// Waits are for conditions, and end when the condition holds: this bounds only how long
// a test that fails may take.
const patience = 90 * time.Second

// The same customer's card, saved at two gateways: the names of the instruments and the
// gateways' tokens.
const (
	shopper       = "c-88"
	wayforpayCard = "instruments/0190a1b2-0000-7000-8000-00000000c0de"
	wayforpayCode = "1a2b3c4d-0000-4000-8000-00000000c0de"
	halykCard     = "instruments/0190a1b2-0000-7000-8000-00000000ca4d"
	halykCode     = "8d2f3c1e-6a10-4f7b-9b52-0d7c7c1b9e20"
)

// hasty is a configuration whose waits are as short as they may be: a look-up waits
// until a send can no longer be running (a time-out and 5 s), and an absence is believed
// 30 s after the first.
const hasty = `
grpc: {address: 127.0.0.1:0}
webhooks: {address: 127.0.0.1:0}
ops: {address: 127.0.0.1:0}
store: {url: "${` + childStore + `}", max_conns: 4, migrate: false}
log: {format: text}
keys: {body: 0123456789abcdef}
terms: {ladder: [500ms, 1s], poll_every: 250ms}
health: {probe_every: 1m}
tenants:
  shop:
    rules:
      - {gateway: kaspi-main, priority: 1}
      - {gateway: wayforpay-main, priority: 2}
      - {gateway: halyk-main, priority: 3}
gateways:
  - name: kaspi-main
    provider: kaspi
    kaspi:
      base_url: http://{kaspi}/r3/v01
      organization_bin: "` + sim.KaspiDefaultBIN + `"
      device_token: ` + sim.KaspiDefaultDevice + `
      poll_interval: 1s
      timeouts: {charge: 4s, create: 4s, status: 4s, refund: 4s}
  - name: wayforpay-main
    provider: wayforpay
    wayforpay:
      api_base_url: http://{wayforpay}
      merchant_account: test_merch_n1
      merchant_secret: flk3409refn54t54t*FNJRET
      merchant_domain: shop.example.kz
      currencies: [KZT]
      absent: {after: 1s, times: 2, apart: 30s}
      refund_settle: 1s
      timeouts: {charge: 3s, create: 4s, status: 4s, refund: 2s}
  - name: halyk-main
    provider: halyk
    halyk:
      token_url: http://{halyk}/oauth2/token
      api_url: http://{halyk}
      script_url: http://{halyk}/payform/payment-api.js
      client_id: ` + sim.HalykDefaultClient + `
      client_secret: ` + sim.HalykDefaultSecret + `
      terminal_id: ` + sim.HalykDefaultTerminal + `
      notice_key: 0123456789abcdef
      timeouts: {charge: 3s, create: 3s, status: 3s, refund: 3s}
`

// world is the simulated bank on real sockets, and books that processes come and go on.
// Whatever invariant the bank sees broken on arrival (I7, I8, I9, I11) fails the test.
// Its notices are lost, as they are for a process that is dead: the truth must be found
// by look-ups.
type world struct {
	t      *testing.T
	bank   *sim.Bank
	dir    string
	config string
	url    string
	via    string // the books' URL as processes get it, when it is another than url
	born   int
	heard  clientLog
	shaky  bool            // the books come and go, and a caller may be told so
	lost   map[string]bool // references of attempts that a lost window left at gateways
	lease  time.Duration   // of workers; zero is the service's default
	page   int             // of the back office; zero is its default
	env    []string        // of processes, besides
	kept   *journal.Store  // open for questions, while nothing crashes
	// excuse says which broken invariant is the fault of what the test does.
	excuse func(sim.Violation) bool
	// inert says that an offer arriving at the face can be shown to nobody, because the
	// process that asked for it is about to die; the bank cannot know, and I7 does not
	// count it.
	inert func(face string) bool
}

func newWorld(t *testing.T, url string) *world {
	t.Helper()
	w := &world{t: t, dir: t.TempDir(), url: url, inert: func(string) bool { return false },
		excuse: func(sim.Violation) bool { return false }}
	if url == "" {
		w.url = "sqlite:" + filepath.Join(w.dir, "books.db")
	}
	w.bank = sim.New(sim.Options{
		Seed: 1, Witness: w.witness, PaymentOf: w.paymentOf,
		TimeScale: 0.1, // a refused notice comes again after half a second
		OnViolation: func(v sim.Violation) {
			if w.excuse(v) {
				return
			}
			t.Errorf("%s violated at %s: %s %s: %s", v.Invariant, v.Face, v.Op, v.Reference, v.Text)
		},
	},
		sim.Kaspi(sim.KaspiOptions{PollInterval: time.Second}),
		sim.WayForPay(sim.WayForPayOptions{Currencies: []string{"KZT"}, Tokens: []sim.WayForPayToken{{Token: wayforpayCode}}}),
		sim.Halyk(sim.HalykOptions{SavedCards: []sim.HalykSavedCard{{ID: halykCode, Account: shopper, PAN: "4405639704015096"}}}))
	t.Cleanup(w.bank.Close)
	if _, err := w.bank.AddNotice(sim.NoticeRule{Mode: sim.NoticeLost}); err != nil {
		t.Fatal(err)
	}
	faces := map[string]sim.Listen{}
	for _, face := range w.bank.Faces() {
		faces[face] = sim.Listen{Addr: "127.0.0.1:0"}
	}
	server, err := sim.Serve(w.bank, sim.ServerOptions{Faces: faces})
	w.must(err)
	t.Cleanup(server.Close)
	text := hasty
	for face := range faces {
		text = strings.ReplaceAll(text, "{"+face+"}", server.Addr(face))
	}
	w.config = filepath.Join(w.dir, "payrouter.yaml")
	w.must(os.WriteFile(w.config, []byte(text), 0o600))
	w.migrate()
	w.saveCards()
	return w
}

// configure changes the configuration of processes that start from now on.
func (w *world) configure(old, replacement string) {
	w.t.Helper()
	text, err := os.ReadFile(w.config)
	w.must(err)
	if !strings.Contains(string(text), old) {
		w.t.Fatalf("the configuration has no %q", old)
	}
	w.must(os.WriteFile(w.config, []byte(strings.ReplaceAll(string(text), old, replacement)), 0o600))
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// read opens the books beside the service, for one question: a connection that stayed
// open would take part in the crash.
func (w *world) read(ask func(*journal.Store) error) error {
	if w.kept != nil {
		return ask(w.kept)
	}
	store, err := journal.Open(journal.Options{URL: w.url, Due: func(payment.Payment, time.Time) time.Time { return time.Time{} }})
	if err != nil {
		return err
	}
	defer store.Close()
	return ask(store)
}

// migrating goes one by one: on PostgreSQL whoever finds another at it waits for 5 s.
var migrating sync.Mutex

func (w *world) migrate() {
	w.t.Helper()
	migrating.Lock()
	defer migrating.Unlock()
	w.must(w.read(func(s *journal.Store) error { return s.Migrate(w.t.Context()) }))
}

// saveCards puts two saved cards into the books, as earlier payments would have.
func (w *world) saveCards() {
	w.t.Helper()
	w.must(w.read(func(s *journal.Store) error {
		for _, card := range [][3]string{{wayforpayCard, "wayforpay-main", wayforpayCode}, {halykCard, "halyk-main", halykCode}} {
			if err := s.SaveInstrument(w.t.Context(), journal.Instrument{ID: strings.TrimPrefix(card[0], "instruments/"), Tenant: "shop", Customer: shopper,
				Gateway: card[1], Token: providers.Token{Value: providers.NewSecret(card[2]), Mask: "4405…5096"}, Payment: "earlier", Created: time.Now()}); err != nil {
				return err
			}
		}
		return nil
	}))
}

// find reads the payment and the attempt that a reference belongs to.
func (w *world) find(face, reference string) (p payment.Payment, a payment.Attempt, err error) {
	err = w.read(func(s *journal.Store) error {
		id, n, err := s.FindAttempt(context.Background(), face+"-main", providers.Ref{Order: reference})
		if err != nil {
			return err
		}
		if p, err = s.Get(context.Background(), id); err == nil {
			a = p.Attempts[n-1]
		}
		return err
	})
	return p, a, err
}

// witness is I8: what arrives at a gateway stands in the books already.
func (w *world) witness(m sim.Move) error {
	p, a, err := w.find(m.Face, m.Reference)
	switch {
	case err != nil:
		return err
	case m.Op == sim.OpCapture || m.Op == sim.OpRefund:
		for _, o := range p.Operations {
			if o.Attempt == a.N && !o.Settled() && o.Amount.Minor == m.AmountMinor {
				return nil
			}
		}
		return fmt.Errorf("no open operation of %d", m.AmountMinor)
	case p.Amount != (providers.Money{Minor: m.AmountMinor, Currency: m.Currency}):
		return fmt.Errorf("%d %s, the books say %s", m.AmountMinor, m.Currency, p.Amount)
	}
	return nil
}

func (w *world) paymentOf(face, reference string) string {
	p, _, err := w.find(face, reference)
	if err != nil || w.inert(face) {
		return ""
	}
	return p.ID
}

// eventually waits for a condition.
func (w *world) eventually(what string, is func() bool) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), patience)
	defer cancel()
	again := time.NewTicker(200 * time.Millisecond)
	defer again.Stop()
	for !is() {
		select {
		case <-again.C:
		case <-ctx.Done():
			w.t.Fatalf("never came true: %s", what)
		}
	}
}

// arrived counts the requests of an operation at a face, whatever they were about.
func (w *world) arrived(face string, op sim.Op) int {
	n := 0
	for _, a := range w.bank.Ledger().Arrivals {
		if a.Face == face && a.Op == op {
			n += a.Count
		}
	}
	return n
}

// follow waits until a payment is as it should be in the end.
func (w *world) follow(r *replica, name string, is func(*pb.Payment) bool) *pb.Payment {
	w.t.Helper()
	var p *pb.Payment
	defer func() {
		if w.t.Failed() {
			w.t.Logf("%v\n%s", p.GetState(), w.story(r, name))
		}
	}()
	w.eventually("the truth about "+name, func() bool {
		var err error
		p, err = r.payments.GetPayment(w.t.Context(), &pb.GetPaymentRequest{Name: name})
		if status.Code(err) != codes.Unavailable || !w.shaky {
			w.must(err)
		}
		return err == nil && is(p)
	})
	return p
}

// story is a payment's events in words.
func (w *world) story(r *replica, name string) string {
	ctx, cancel := context.WithTimeout(metadata.AppendToOutgoingContext(context.Background(), "payrouter-operator", "test"), 5*time.Second)
	defer cancel()
	story, err := r.people.ExplainPayment(ctx, &pb.ExplainPaymentRequest{Name: name})
	if err != nil {
		return err.Error()
	}
	var b strings.Builder
	for _, e := range story.GetEvents() {
		fmt.Fprintf(&b, "  %s  %s\n", e.GetTime().AsTime().Format("15:04:05.000"), e.GetText())
	}
	return b.String()
}
