package robokassa_test

import (
	"context"
	"flag"
	"sync"
	"testing"
	"time"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/providers/providertest"
	"github.com/payrouter/payrouter/providers/robokassa"
	"github.com/payrouter/payrouter/providers/sim"
)

var _ = flag.Bool("update", false, "write the golden files anew") // for providertest.Keep

// The shop of the golden vectors, and first payments of three cards at the simulated Robokassa.
const (
	shop     = "sim-shop"
	goodCard = "770000000000001"
	hardCard = "770000000000002"
	softCard = "770000000000003"
)

var secrets = []string{"sim-pass-1", "sim-pass-2", "sim-pass-3"}

// options are a bank with the three cards.
func options(switches sim.RobokassaSwitches) sim.RobokassaOptions {
	return sim.RobokassaOptions{ResultURL: providertest.NotifyURL, Switches: switches, Tokens: []sim.RobokassaToken{
		{InvoiceID: goodCard}, {InvoiceID: hardCard, Declines: true}, {InvoiceID: softCard, Declines: true},
	}}
}

// shopAt is the shop with everything that its contract can allow, towards a bank at base.
// Starts are asked of Indexjson.aspx: an address that is composed makes no call that the
// suite could spoil (start_test.go and offers_test.go ask about those).
func shopAt(base string, change ...func(*robokassa.Config)) robokassa.Config {
	c := robokassa.Config{PageBase: base, WSBase: base, PaymentBase: base, RefundBase: base, InvoiceBase: base, InvoiceLife: 24 * time.Hour,
		MerchantLogin: shop, Password1: providers.NewSecret(secrets[0]), Password2: providers.NewSecret(secrets[1]), Password3: providers.NewSecret(secrets[2]),
		Start: "json", Holds: true, Recurring: true,
		// Shorter than a true answer of 14 bytes takes at one byte a second, which the suite sends.
		Timeouts: providers.Timeouts{Charge: 12 * time.Second, Refund: 12 * time.Second}}
	for _, do := range change {
		do(&c)
	}
	return c
}

func subject(name string, switches sim.RobokassaSwitches, change func(*robokassa.Config), methods ...providers.Method) providertest.Subject {
	token := func(value string) providers.Token { return providers.Token{Value: providers.NewSecret(value)} }
	if change == nil {
		change = func(*robokassa.Config) {}
	}
	return providertest.Subject{
		Gateway: name,
		Bank:    func(providers.Method) sim.Face { return sim.Robokassa(options(switches)) },
		New: func(dial providertest.Dial) (providers.Provider, error) {
			g, err := robokassa.New(shopAt("http://127.0.0.1:1", change), robokassa.Options{Dial: dial})
			return &patient{Gateway: g, cards: map[string]providers.Token{}}, err
		},
		Secrets: append([]string{goodCard, hardCard, softCard}, secrets...),
		Card:    token(goodCard), Hard: token(hardCard), Soft: token(softCard), Customer: "c-88",
		HidesRefunds: true,
		Only:         methods,
	}
}

// patient stands between the suite and the adapter where Robokassa has no word for what
// the suite wants to hear at once. It never turns doubt into anything else.
//
//   - Recurring, Confirm and Refund/Create only accept; the router then looks. The suite
//     wants the outcome in the answer: here it is what the accepted request comes to, and the
//     suite's own look, by the real adapter, holds it against the ledger.
//   - State 10 has no reason. The suite wants two: here the card tells.
//   - Code 3 of an invoice says that its link waits for the payer. The suite wants to hear every
//     "not found" as one, and that it closes nothing: here it is told as such.
//   - No notice tells of a decline, and the suite waits for one: so none are claimed here, and
//     notices_test.go asks the suite's questions about notices.
type patient struct {
	*robokassa.Gateway
	slowRefunds bool // they are accepted and take their time: the suite waits

	mu    sync.Mutex
	cards map[string]providers.Token // by order number
}

func (p *patient) Claims() providers.Claims {
	c := p.Gateway.Claims()
	c.Webhook = providers.NoWebhook
	return c
}

func accepted(r providers.Result) bool {
	return r.Verdict == providers.Pending && r.Reason == providers.Processing
}

func (p *patient) Charge(ctx context.Context, c providers.Charge) providers.Result {
	r := p.Gateway.Charge(ctx, c)
	if c.Ref.Method != providers.Instrument {
		return r
	}
	p.mu.Lock()
	p.cards[c.Ref.Order] = c.Instrument
	p.mu.Unlock()
	switch {
	case !accepted(r):
		return r
	case c.Instrument.Value.Reveal() == goodCard:
		return providers.Result{Verdict: providers.Approved, Amount: c.Ref.Amount}
	}
	return p.reasoned(c.Ref.Order, providers.Result{Verdict: providers.Declined, Reason: providers.DeclinedHard})
}

func (p *patient) Lookup(ctx context.Context, ref providers.Ref) providers.Result {
	r := p.Gateway.Lookup(ctx, ref)
	if r.Verdict == providers.Pending && r.Code == "result 3" {
		r = providers.Result{Absent: true, Reason: providers.Ambiguous, Code: r.Code}
	}
	return p.reasoned(ref.Order, r)
}

func (p *patient) reasoned(order string, r providers.Result) providers.Result {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cards[order].Value.Reveal() == softCard && r.Verdict == providers.Declined && r.Reason == providers.DeclinedHard {
		r.Reason = providers.DeclinedSoft
	}
	return r
}

func (p *patient) Capture(ctx context.Context, ref providers.Ref, amount providers.Money) providers.Result {
	r := p.Gateway.Capture(ctx, ref, amount)
	if accepted(r) {
		return providers.Result{Verdict: providers.Approved, Amount: amount}
	}
	return r
}

func (p *patient) Refund(ctx context.Context, refund providers.Refund) providers.Result {
	r := p.Gateway.Refund(ctx, refund)
	if accepted(r) && !p.slowRefunds {
		return providers.Result{Verdict: providers.Approved, Amount: refund.Amount, External: r.External}
	}
	return r
}

func TestConformance(t *testing.T) {
	var records []providertest.Record
	slow := subject("robokassa, slow refunds", sim.RobokassaSwitches{RefundsTake: sim.Duration(time.Hour), RefundBody: "json"},
		func(c *robokassa.Config) { c.RefundBody = "json" }, providers.Instrument)
	newFast := slow.New
	slow.New = func(dial providertest.Dial) (providers.Provider, error) {
		p, err := newFast(dial)
		if fast, ok := p.(*patient); ok {
			fast.slowRefunds = true
		}
		return p, err
	}
	composed := subject("robokassa, composed links", sim.RobokassaSwitches{Kazakhstan: true},
		func(c *robokassa.Config) { c.InvoiceBase, c.RefundBase, c.Start = "", "", "url" }, providers.Link, providers.Page)
	composed.Composed = []providers.Method{providers.Link, providers.Page}
	for _, s := range []providertest.Subject{
		subject("robokassa", sim.RobokassaSwitches{DeclineIs10: true}, nil),
		subject("robokassa, no invoices", sim.RobokassaSwitches{HoldAnswer: "json", OtherXML: true, DeclineIs10: true, FinishLate: sim.Duration(5 * time.Minute)},
			func(c *robokassa.Config) { c.InvoiceBase = "" }, providers.Page),
		subject("robokassa kz", sim.RobokassaSwitches{Kazakhstan: true, HoldAnswer: "space", Credit: sim.Duration(10 * time.Minute)},
			func(c *robokassa.Config) { c.InvoiceBase, c.RefundBase = "", "" }),
		slow, composed,
	} {
		t.Run(s.Gateway, func(t *testing.T) { records = append(records, providertest.Run(t, s)) })
	}
	providertest.Keep(t, records...)
}
