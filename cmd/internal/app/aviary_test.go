//go:build unix

package app_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/payrouter/payrouter/cmd/internal/app"
	pb "github.com/payrouter/payrouter/proto/payrouter/v1"
	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/providers/sim"
)

// aviary is the service with all its gateways, each behind a parrot.
type aviary struct {
	t        *testing.T
	service  *app.App
	bank     *sim.Bank
	parrots  map[string]*parrot
	claims   map[string]providers.Claims
	payments pb.PaymentsClient
	people   pb.OperationsClient

	told atomic.Int64 // stories

	mu      sync.Mutex
	log     bytes.Buffer // all that the service logs
	answers strings.Builder
	names   map[string]bool // of payments
	posted  []posted        // notices as the bank sent them
}

// posted is a notice as it was sent.
type posted struct {
	method, target string
	header         http.Header
	body           []byte
}

// Write takes in what the service logs.
func (a *aviary) Write(line []byte) (int, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.log.Write(line)
}

// RoundTrip carries the bank's notices to the service.
func (a *aviary) RoundTrip(r *http.Request) (*http.Response, error) {
	var body []byte
	if r.Body != nil {
		body, _ = io.ReadAll(r.Body)
	}
	n := posted{r.Method, r.URL.RequestURI(), r.Header.Clone(), body}
	a.mu.Lock()
	a.posted = append(a.posted, n)
	a.mu.Unlock()
	return a.post(n)
}

func (a *aviary) post(n posted) (*http.Response, error) {
	r, err := http.NewRequest(n.method, "http://"+a.service.WebhooksAddr()+n.target, bytes.NewReader(n.body))
	if err != nil {
		return nil, err
	}
	r.Header = n.header
	return http.DefaultTransport.RoundTrip(r)
}

// aviaryOf starts the service. Dial goes to the parrots unless it is given.
func aviaryOf(t *testing.T, c app.Config, dial app.Dial) *aviary {
	t.Helper()
	a := &aviary{t: t, parrots: map[string]*parrot{}, claims: map[string]providers.Claims{}, names: map[string]bool{}}
	log.SetOutput(io.Discard) // as the program does
	a.bank = everyBank(&http.Client{Transport: a, Timeout: 5 * time.Second})
	t.Cleanup(a.bank.Close)
	network := map[string]app.Dial{}
	for _, g := range c.Gateways {
		var knows strings.Builder
		for _, known := range everyCanary() {
			knows.WriteString(known.text + " ")
		}
		p := newParrot(t, a.bank, g.Name, knows.String())
		a.parrots[g.Name] = p
		network[g.Name] = dial
		if dial == nil {
			network[g.Name] = func(ctx context.Context, _, _ string) (net.Conn, error) {
				return new(net.Dialer).DialContext(ctx, "tcp", p.listener.Addr().String())
			}
		}
		a.claims[g.Name] = adapterOf(t, g, nil).Claims()
	}
	var err error
	if a.service, err = app.New(t.Context(), c, app.Options{Version: "test", Dial: network, Log: slog.New(slog.NewJSONHandler(a, &slog.HandlerOptions{Level: slog.LevelDebug}))}); err != nil {
		t.Fatal(err)
	}
	connection, err := grpc.NewClient(a.service.GRPCAddr(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = connection.Close() })
	a.payments, a.people = pb.NewPaymentsClient(connection), pb.NewOperationsClient(connection)
	return a
}

// run serves until the returned function is called.
func (a *aviary) run() (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- a.service.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			a.t.Errorf("the service ended with %v", err)
		}
	})
	a.t.Cleanup(stop)
	return stop
}

// keep writes down what a caller was told. What the payer shall see and open is as the
// gateway made it, and for the payer's own eyes.
func (a *aviary) keep(answer any, err error) {
	if p, ok := answer.(*pb.Payment); ok && p != nil {
		p = proto.CloneOf(p)
		p.Action = nil
		answer = p
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	fmt.Fprintln(&a.answers, answer, err, status.Convert(err).Details())
}

// story is one payment's life at one gateway.
type story struct {
	gateway string
	method  providers.Method
	hold    bool
	pay     bool
	then    string // refund, capture or cancel
}

func (s story) String() string {
	return fmt.Sprintf("%s by %s, hold %t, paid %t, then %s", s.gateway, s.method, s.hold, s.pay, s.then)
}

// stories are all that a gateway claims.
func stories(gateway string, c providers.Claims) []story {
	var all []story
	for _, m := range c.Methods {
		all = append(all, story{gateway, m.Method, false, true, "refund"}, story{gateway, m.Method, false, false, "cancel"})
		if m.TwoStage {
			all = append(all, story{gateway, m.Method, true, true, "capture"}, story{gateway, m.Method, true, true, "cancel"})
		}
	}
	return all
}

var methodNumbers = map[providers.Method]pb.Method{providers.QR: pb.Method_METHOD_QR, providers.Link: pb.Method_METHOD_LINK, providers.Page: pb.Method_METHOD_PAGE,
	providers.Push: pb.Method_METHOD_PUSH, providers.Account: pb.Method_METHOD_ACCOUNT, providers.Instrument: pb.Method_METHOD_INSTRUMENT}

// A caller waits briefly where answers are bad on purpose, and long where all is well or
// the machine is slow.
const brief, long = 400 * time.Millisecond, 10 * time.Second

// tell plays a story as far as it goes, for a caller who waits so long at each step.
func (a *aviary) tell(s story, waits time.Duration) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*long)
	defer cancel()
	if s.then == probe {
		a.service.Router().Probe(ctx, s.gateway)
		return
	}
	request := &pb.CreatePaymentRequest{RequestId: uuid.NewString(), OrderId: uuid.NewString(), Methods: []pb.Method{methodNumbers[s.method]}, CustomerId: shopper,
		Description: "Books", Payer: person, Gateways: []string{"gateways/" + s.gateway},
		Amount: &pb.Money{MinorUnits: amount, CurrencyCode: a.claims[s.gateway].Currencies[0]}}
	if s.method == providers.Instrument {
		request.Instrument = "instruments/" + cardOf[s.gateway]
	}
	if a.told.Add(1)%2 == 0 {
		request.Payer = proto.CloneOf(person)
		request.Payer.DisplayName = cyrillic
	}
	if s.hold {
		request.CaptureMode = pb.CaptureMode_CAPTURE_MODE_MANUAL
	}
	hasty, left := context.WithTimeout(ctx, waits)
	p, err := a.payments.CreatePayment(hasty, request)
	left()
	a.keep(p, err)
	if err != nil || len(p.GetAttempts()) == 0 {
		return
	}
	a.mu.Lock()
	a.names[p.GetName()] = true
	a.mu.Unlock()
	if s.pay && s.method != providers.Instrument {
		_ = a.bank.Act(s.gateway, p.GetAttempts()[0].GetReference(), sim.ActPay) // where there is an offer
	}
	for end := time.Now().Add(waits); time.Now().Before(end); {
		state := p.GetState()
		if state != pb.Payment_STATE_PROCESSING && (state != pb.Payment_STATE_AWAITING_PAYER || !s.pay) {
			break
		}
		time.Sleep(50 * time.Millisecond)
		p, err = a.payments.GetPayment(ctx, &pb.GetPaymentRequest{Name: p.GetName()})
		a.keep(p, err)
	}
	switch s.then {
	case "refund":
		a.keep(a.payments.CreateRefund(ctx, &pb.CreateRefundRequest{Parent: p.GetName(), RequestId: uuid.NewString(), Reason: "returned",
			Amount: &pb.Money{MinorUnits: part, CurrencyCode: p.GetAmount().GetCurrencyCode()}}))
	case "capture":
		a.keep(a.payments.CapturePayment(ctx, &pb.CapturePaymentRequest{Name: p.GetName(), RequestId: uuid.NewString()}))
	case "cancel":
		a.keep(a.payments.CancelPayment(ctx, &pb.CancelPaymentRequest{Name: p.GetName(), RequestId: uuid.NewString()}))
	}
}

// probe is the story without a payment.
const probe = "probe"

// quoted lets each kind of request of a gateway meet each bad answer.
func (a *aviary) quoted(gateway string) {
	p := a.parrots[gateway]
	told := append([]story{{gateway: gateway, then: probe}}, stories(gateway, a.claims[gateway])...)
	origin := map[string]story{} // of each kind of request
	for _, s := range told {
		a.tell(s, long)
		for _, kind := range p.met() {
			if _, ok := origin[kind]; !ok {
				origin[kind] = s
			}
		}
	}
	if len(origin) < 4 {
		a.t.Errorf("%s was asked only %q", gateway, slices.Collect(maps.Keys(origin)))
	}
	for i, kind := range slices.Sorted(maps.Keys(origin)) {
		bad := append(quotations(), misquotes(p.sample(kind))...)
		if i == 0 {
			bad = append(bad, broken()...)
		}
		p.arm(kind, bad)
		// Most kinds are asked in the story where they were met first; a look-up may have
		// been one of an earlier story.
		idle := 0 // rounds in which nobody came: a machine that is busy needs more time
		for round := 0; p.left() > 0 && round < 100; round++ {
			before, s, waits := p.left(), origin[kind], min(brief<<min(idle, 5), long)
			if round > 20 {
				s, waits = told[round%len(told)], max(waits, time.Second)
			}
			var group sync.WaitGroup
			for range min(3, p.left()) {
				group.Go(func() { a.tell(s, waits) })
			}
			group.Wait()
			if idle++; p.left() < before {
				idle = 0
			}
		}
		if left := p.left(); left > 0 {
			a.t.Errorf("%s: nobody came for %d of the bad answers to %q", gateway, left, kind)
		}
	}
	p.arm("", nil)
}

// forge sends every notice that the bank has sent once more, with a quotation in place of
// each of its texts, of its headers and of all of it.
func (a *aviary) forge() {
	a.mu.Lock()
	genuine := slices.Clone(a.posted)
	a.mu.Unlock()
	sorts := map[string]bool{}
	for _, n := range genuine {
		path, query, _ := strings.Cut(n.target, "?")
		sort := n.method + " " + path
		if sorts[sort] {
			continue
		}
		sorts[sort] = true
		quote := a.parrots[strings.Split(path, "/")[2]].knows
		send := func(query string, header http.Header, body []byte) {
			response, err := a.post(posted{n.method, path + "?" + query, header, body})
			if err != nil {
				a.t.Error(err)
				return
			}
			answer, _ := io.ReadAll(response.Body)
			_ = response.Body.Close()
			a.keep(string(answer), nil)
		}
		for _, text := range leaves(n.body) {
			send(query, n.header, text.replaced(quote))
		}
		for _, text := range textLeaves([]byte(query), formText, url.QueryEscape) {
			send(string(text.replaced(quote)), n.header, n.body)
		}
		for name := range n.header {
			spoilt := n.header.Clone()
			spoilt.Set(name, quote)
			send(query, spoilt, n.body)
		}
		send(query, n.header, []byte(quote))
		send(url.QueryEscape(quote), n.header, nil)
	}
	if len(sorts) < 6 {
		a.t.Errorf("the bank sent only %d sorts of notices: %v", len(sorts), sorts)
	}
}

// refused asks for what is refused at the door.
func (a *aviary) refused(ctx context.Context) {
	for _, change := range []func(*pb.CreatePaymentRequest){
		func(r *pb.CreatePaymentRequest) { r.Description = "card " + cardNumber },
		func(r *pb.CreatePaymentRequest) { r.Payer.Phone = "tel:" + r.Payer.Phone },
		func(r *pb.CreatePaymentRequest) { r.Payer.Email = "<" + r.Payer.Email + ">" },
		func(r *pb.CreatePaymentRequest) { r.Payer.IpAddress += "/" + r.Payer.DisplayName },
		func(r *pb.CreatePaymentRequest) { r.CustomerId = r.Payer.Email },
		func(r *pb.CreatePaymentRequest) { r.Payer.DisplayName = strings.Repeat(r.Payer.DisplayName, 100) },
		func(r *pb.CreatePaymentRequest) { r.Gateways = []string{"gateways/" + kaspiDevice} },
		func(r *pb.CreatePaymentRequest) { r.Instrument = "instruments/" + savedCards["halyk"] + cardNumber },
	} {
		r := &pb.CreatePaymentRequest{RequestId: uuid.NewString(), Methods: []pb.Method{pb.Method_METHOD_QR}, Payer: proto.CloneOf(person),
			Amount: &pb.Money{MinorUnits: amount, CurrencyCode: "KZT"}}
		change(r)
		p, err := a.payments.CreatePayment(ctx, r)
		if err == nil {
			a.t.Errorf("taken: %v", r)
		}
		a.keep(p, err)
	}
}

// looked asks all that people and callers can ask.
func (a *aviary) looked(ctx context.Context) {
	ctx = metadata.AppendToOutgoingContext(ctx, "payrouter-operator", "test")
	a.keep(a.people.ListGateways(ctx, &pb.ListGatewaysRequest{}))
	a.keep(a.payments.ListInstruments(ctx, &pb.ListInstrumentsRequest{CustomerId: shopper}))
	a.mu.Lock()
	names := slices.Collect(maps.Keys(a.names))
	a.mu.Unlock()
	for _, name := range names {
		a.keep(a.payments.GetPayment(ctx, &pb.GetPaymentRequest{Name: name}))
		a.keep(a.people.ExplainPayment(ctx, &pb.ExplainPaymentRequest{Name: name}))
	}
}
