package router_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/payrouter/payrouter/health"
	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/providers/providertest/accounts"
	"github.com/payrouter/payrouter/providers/sim"
	"github.com/payrouter/payrouter/providers/spans"
	"github.com/payrouter/payrouter/router"
	"github.com/payrouter/payrouter/router/journal"
	"github.com/payrouter/payrouter/router/payment"
)

// house is the whole house in one synctest bubble: the simulated bank with its faces over
// in-memory pipes, the real adapters, and a router on real books. Every invariant that the
// bank can check on arrival (I7, I8, I9, I11) fails the test.
type house struct {
	t      *testing.T
	bank   *sim.Bank
	store  *journal.Store
	board  *health.Board
	router *router.Router
	url    string

	settings setup
}

// setup is what a test may change before the house is built.
type setup struct {
	accounts *accounts.All
	gateways []string // the providers, in the order of the tenant's rules
	rules    []router.Rule
	store    string
	terms    payment.Terms
	clock    func(context.Context) (time.Time, error) // the database's
	atOnce   int                                      // charges and offers at one gateway
	claims   func(name string, p providers.Provider) providers.Provider
	fee      func(string, providers.Method, providers.Money, time.Time) (providers.Money, bool)
	broken   bool // the test breaks a gateway's promise: violations are expected
	health   prometheus.Registerer
	tracer   spans.Tracer
}

const (
	kaspiMain, halykMain, wayforpayMain = "kaspi-main", "halyk-main", "wayforpay-main"
	customer                            = "c-88"
)

func faceOf(gateway string) string { return strings.TrimSuffix(gateway, "-main") }

// build makes a house. Call it inside the bubble.
func build(t *testing.T, change ...func(*setup)) *house {
	t.Helper()
	s := setup{store: "sqlite:", accounts: accounts.New("http://payrouter/webhooks", customer), gateways: accounts.Names[:3]}
	s.accounts.WayForPay.Currencies, s.accounts.Bank.WayForPay.Currencies = []string{"UAH", "KZT"}, []string{"UAH", "KZT"}
	s.accounts.Halyk.PageTokenLife = 2 * time.Hour
	for _, c := range change {
		c(&s)
	}
	for i, name := range s.gateways {
		if gateway := accounts.Gateway(name); !slices.ContainsFunc(s.rules, func(r router.Rule) bool { return r.Gateway == gateway }) {
			s.rules = append(s.rules, router.Rule{Gateway: gateway, Priority: i + 1})
		}
	}
	h := &house{t: t, url: s.store}
	h.bank = sim.New(sim.Options{
		Seed: 1, Client: &http.Client{Transport: doorstep{h}},
		Witness: h.witness, PaymentOf: h.paymentOf,
		OnViolation: func(v sim.Violation) {
			if !s.broken {
				t.Errorf("%s violated at %s: %s %s: %s", v.Invariant, v.Face, v.Op, v.Reference, v.Text)
			}
		},
	}, s.accounts.Faces(s.gateways...)...)
	h.settings = s
	h.router, h.store, h.board = h.replica()
	for _, name := range s.gateways {
		if card, saved := accounts.Card(name); saved {
			h.save(accounts.Gateway(name), card)
		}
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{}, 2)
	go func() { h.router.Run(ctx); done <- struct{}{} }()
	go func() { h.board.Run(ctx); done <- struct{}{} }()
	t.Cleanup(func() {
		stop()
		<-done
		<-done
		h.bank.Close()
		h.store.Close()
	})
	return h
}

// replica is one more process on the same books: adapters, health and router of its own.
func (h *house) replica() (*router.Router, *journal.Store, *health.Board) {
	h.t.Helper()
	s := h.settings
	dial := func(face string) func(context.Context, string, string) (net.Conn, error) {
		return func(ctx context.Context, _, _ string) (net.Conn, error) { return h.bank.Dial(ctx, face) }
	}
	var gateways []router.Gateway
	for _, name := range s.gateways {
		adapter, err := s.accounts.Open(name, dial(name))
		h.must(err)
		gateways = append(gateways, router.Gateway{Name: accounts.Gateway(name), Credentials: router.Credentials{Provider: adapter}})
	}
	var watched []health.Gateway
	for i, g := range gateways {
		gateways[i].NotifyURL = "http://payrouter/webhooks/" + g.Name
		if s.claims != nil {
			gateways[i].Provider = s.claims(g.Name, g.Provider)
		}
		c := g.Provider.Claims().Timeouts
		probe := g.Provider.(providers.Prober)
		watched = append(watched, health.Gateway{Name: g.Name, MaxConcurrent: s.atOnce, Timeout: map[health.Op]time.Duration{health.OpCharge: c.Charge, health.OpCreate: c.Create,
			health.OpStatus: c.Status, health.OpCapture: c.Refund, health.OpVoid: c.Refund, health.OpRefund: c.Refund},
			Probe: func(ctx context.Context) health.Signal { return router.ProbeSignal(probe.Probe(ctx)) }})
	}
	terms := router.TermsOf(s.terms, gateways)
	store := h.store
	if store == nil {
		var err error
		store, err = journal.Open(journal.Options{URL: h.url, Due: func(p payment.Payment, now time.Time) time.Time { return p.Due(now, terms) }})
		h.must(err)
		h.must(store.Migrate(h.t.Context()))
	}
	log := slog.New(slog.NewTextHandler(&testLog{h.t}, nil))
	board, err := health.New(health.Options{Gateways: watched, Log: log, Registerer: s.health})
	h.must(err)
	r, err := router.New(router.Options{Tracer: h.settings.tracer, Journal: store, Board: board, Gateways: gateways, Log: log, Terms: s.terms, Clock: s.clock, Fee: s.fee,
		Tenants: map[string]router.Tenant{"shop": {Rules: s.rules}}})
	h.must(err)
	return r, store, board
}

func (h *house) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

// save puts a saved card into the books as an earlier payment would have.
func (h *house) save(gateway string, card providers.Token) {
	h.must(h.store.SaveInstrument(h.t.Context(), journal.Instrument{ID: "i-" + gateway, Tenant: "shop", Customer: customer, Gateway: gateway,
		Token: card, Payment: "earlier", Created: time.Now()}))
}

// witness is I8: what arrives at a gateway stands in the books already.
func (h *house) witness(m sim.Move) error {
	m.Reference = order(m.Reference)
	id, n, err := h.store.FindAttempt(context.Background(), m.Face+"-main", providers.Ref{Order: m.Reference})
	if err != nil {
		return fmt.Errorf("%s %s: %w", m.Op, m.Reference, err)
	}
	p, err := h.store.Get(context.Background(), id)
	if err != nil {
		return err
	}
	if a := p.Attempts[n-1]; a.Reference != m.Reference {
		return fmt.Errorf("attempt %d has reference %s", n, a.Reference)
	}
	if m.Op == sim.OpRefund || m.Op == sim.OpCapture {
		for _, o := range p.Operations {
			if o.Attempt == n && !o.Settled() && (m.AmountMinor == 0 || o.Amount.Minor == m.AmountMinor) {
				return nil
			}
		}
		return fmt.Errorf("no open operation of %d", m.AmountMinor)
	}
	if m.AmountMinor != 0 && (p.Amount.Minor != m.AmountMinor || p.Amount.Currency != m.Currency) {
		return fmt.Errorf("%d %s, the books say %s", m.AmountMinor, m.Currency, p.Amount)
	}
	return nil
}

func (h *house) paymentOf(face, reference string) string {
	id, _, err := h.store.FindAttempt(context.Background(), face+"-main", providers.Ref{Order: order(reference)})
	if err != nil {
		return ""
	}
	return id
}

// doorstep carries the bank's notices to the router, as the webhook door does.
type doorstep struct{ h *house }

func (d doorstep) RoundTrip(r *http.Request) (*http.Response, error) {
	gateway, path, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/webhooks/"), "/")
	var body []byte
	if r.Body != nil {
		body, _ = io.ReadAll(r.Body)
	}
	reply, err := d.h.router.Hear(r.Context(), gateway, providers.Notice{Method: r.Method, Path: path, Query: r.URL.RawQuery, Header: r.Header, Body: body, Source: "127.0.0.1"})
	if err != nil {
		return nil, err
	}
	return &http.Response{StatusCode: reply.Status, Header: http.Header{"Content-Type": {reply.ContentType}}, Body: io.NopCloser(bytes.NewReader(reply.Body)), Request: r}, nil
}

type testLog struct{ t *testing.T }

func (l *testLog) Write(p []byte) (int, error) {
	if testing.Verbose() {
		fmt.Printf("%s", p)
	}
	return len(p), nil
}

// ask is a caller's wish with sensible defaults.
func ask(methods ...providers.Method) router.Wish {
	w := router.Wish{Actor: "caller:test", Hash: "h", Payer: providers.Payer{Phone: "+77011234567", Email: "a@example.kz", Name: "Aida S", IP: "203.0.113.7"}}
	w.Tenant, w.RequestID, w.Methods, w.Customer = "shop", uuid.NewString(), methods, customer
	w.Amount = providers.Money{Minor: 1549000, Currency: "KZT"}
	w.Description = "Order 4711"
	return w
}

// at restricts a wish to gateways.
func at(w router.Wish, gateways ...string) router.Wish {
	w.Gateways = gateways
	return w
}

// byCard is a wish to charge the card saved at a gateway, there or at another that
// holds a token of the same customer.
func byCard(gateway string, others ...providers.Method) router.Wish {
	w := ask(append([]providers.Method{providers.Instrument}, others...)...)
	w.Instrument = "i-" + gateway
	return w
}

// openedAndNoMore is a payment that an earlier version opened and was killed before it planned.
func (h *house) openedAndNoMore(w router.Wish) {
	h.t.Helper()
	o := w.Opened
	o.ID, o.Deadline = uuid.NewString(), payment.Instant(time.Now().Add(h.router.OfferDeadline))
	_, err := h.router.Journal.Open(context.Background(), journal.Request{Tenant: o.Tenant, ID: o.RequestID, Kind: "create", Hash: w.Hash},
		w.Payer, payment.Event{At: payment.Instant(time.Now()), Actor: w.Actor, Body: o})
	h.must(err)
}

// create calls Create with a caller's deadline.
func (h *house) create(w router.Wish, within time.Duration) payment.Payment {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	p, err := h.router.Create(ctx, w)
	h.must(err)
	return p
}

func (h *house) get(p payment.Payment) payment.Payment {
	h.t.Helper()
	p, err := h.router.Get(context.Background(), "shop", p.ID)
	h.must(err)
	return p
}

func (h *house) fault(f sim.Fault) string {
	h.t.Helper()
	id, err := h.bank.AddFault(f)
	h.must(err)
	return id
}

func (h *house) payer(gateway, reference, act string) {
	h.t.Helper()
	h.must(h.bank.Act(faceOf(gateway), reference, act))
}

// net is the money that all gateways together hold for a payment.
func (h *house) net(p payment.Payment) int64 {
	var sum int64
	for _, a := range p.Attempts {
		sum += h.held(a)
	}
	return sum
}

// held is the money that one gateway holds for an attempt.
func (h *house) held(a payment.Attempt) int64 {
	ledger := h.bank.Ledger()
	for _, o := range ledger.Objects {
		if o.Face == faceOf(a.Gateway) && order(o.Reference) == a.Reference {
			return ledger.Net(o.Face, o.Reference)
		}
	}
	return 0
}

// order is our reference in what a gateway repeats: Kaspi's invoices on a phone carry
// it as the first word of a comment.
func order(reference string) string {
	word, _, _ := strings.Cut(reference, " ")
	return word
}

// arrivals counts the requests that may move money or make something payable, at all gateways.
func (h *house) arrivals(gateway string) int {
	n := 0
	for _, a := range h.bank.Ledger().Arrivals {
		if a.Face == faceOf(gateway) && (a.Op == sim.OpCharge || a.Op == sim.OpCreate) {
			n += a.Count
		}
	}
	return n
}

// want fails the test unless the payment has the status and the gateways hold its net.
func (h *house) want(p payment.Payment, status payment.Status, net int64) payment.Payment {
	h.t.Helper()
	p = h.get(p)
	if p.Status() != status || h.net(p) != net {
		h.t.Fatalf("payment is %s with %d at the gateways, want %s with %d\n%s", p.Status(), h.net(p), status, net, h.story(p))
	}
	return p
}

func (h *house) story(p payment.Payment) string {
	story, err := h.router.Explain(context.Background(), "shop", p.ID)
	if err != nil {
		return err.Error()
	}
	var b strings.Builder
	for _, e := range story.Events {
		text, _ := router.Describe(e)
		fmt.Fprintf(&b, "  %s  %s\n", e.At.Format("15:04:05.000"), text)
	}
	return b.String()
}

// repeatOn lets clients repeat each of their keys on several replicas at once, and
// fails the test unless each key made one payment that was sent once and is paid.
func (h *house) repeatOn(keys int, replicas ...*router.Router) {
	h.t.Helper()
	var clients sync.WaitGroup
	var lock sync.Mutex
	ids := map[string]string{}
	for range keys {
		wish := byCard(halykMain)
		for _, r := range replicas {
			clients.Go(func() {
				ctx, cancel := context.WithTimeout(context.Background(), patience)
				defer cancel()
				p, err := r.Create(ctx, wish)
				if err != nil {
					h.t.Error(err)
					return
				}
				lock.Lock()
				defer lock.Unlock()
				if first, ok := ids[wish.RequestID]; ok && first != p.ID {
					h.t.Errorf("one key made %s and %s", first, p.ID)
				}
				ids[wish.RequestID] = p.ID
			})
		}
	}
	clients.Wait()
	time.Sleep(10 * time.Minute)
	for _, id := range ids {
		p := h.want(payment.Payment{Opened: payment.Opened{ID: id}}, payment.StatusPaid, 1549000)
		if n := h.bank.Ledger().Count("halyk", sim.OpCharge, p.Attempts[0].Reference); n != 1 || len(p.Attempts) != 1 {
			h.t.Errorf("%d attempts, the first was sent %d times", len(p.Attempts), n)
		}
	}
}
