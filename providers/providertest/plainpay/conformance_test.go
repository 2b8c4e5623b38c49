package plainpay

import (
	"context"
	"flag"
	"net"
	"strings"
	"testing"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/providers/providertest"
	"github.com/payrouter/payrouter/providers/sim"
)

const key = "plainpay-key-4711"

func account(shop string) providertest.Subject {
	return providertest.Subject{
		Gateway: shop,
		Bank:    func(providers.Method) sim.Face { return sim.PlainPay(sim.PlainPayOptions{Shop: shop, Key: key}) },
		New: func(dial providertest.Dial) (providers.Provider, error) {
			return Config{BaseURL: "http://127.0.0.1:1", Shop: shop, Key: providers.NewSecret(key)}.Open(dial)
		},
		Secrets: []string{key},
	}
}

var _ = flag.Bool("update", false, "write the golden files anew") // for providertest.Keep

// In virtual time, against the face: is what is claimed true, and is doubt called doubt?
func TestConformance(t *testing.T) {
	main, other := account("plain"), account("other")
	main.Elsewhere = &other
	providertest.Keep(t, providertest.Run(t, main))
}

// On real sockets, against peers that break, stall, flood and lie.
func TestHostilePeers(t *testing.T) {
	exposed := func(shop string) providertest.Exposed {
		return providertest.Exposed{Subject: account(shop), Account: shop, At: func(base string, limits providers.Timeouts) (providers.Provider, error) {
			return Config{BaseURL: base, Shop: shop, Key: providers.NewSecret(key), Timeouts: limits}.Open(nil)
		}}
	}
	main, other := exposed("plain"), exposed("other")
	main.Other = &other
	providertest.Hostile(t, main)
}

// The suite asks what is the same everywhere; what it does not ask is for a test like this
// one: a bank, an adapter, one thing that happens.
func TestAnOrderThatExistsAlreadyIsDoubt(t *testing.T) {
	bank := sim.New(sim.Options{}, account("plain").Bank(providers.Link))
	defer bank.Close()
	g, err := account("plain").New(func(ctx context.Context, _, _ string) (net.Conn, error) { return bank.Dial(ctx, "plainpay") })
	if err != nil {
		t.Fatal(err)
	}
	c := providers.Charge{Ref: providers.Ref{Order: "4711", Method: providers.Link, Amount: providers.Money{Minor: 1549000, Currency: "KZT"}},
		Description: strings.Repeat("more than PlainPay shows ", 9)}
	if r := g.Charge(t.Context(), c); r.Verdict != providers.Pending {
		t.Fatalf("the first is %+v", r)
	}
	if r := g.Charge(t.Context(), c); r.Verdict != providers.Unknown || r.Reason != providers.Duplicate {
		t.Errorf("the second is %+v", r)
	}
}
