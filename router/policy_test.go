package router

import (
	"fmt"
	"testing"
	"time"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router/payment"
)

var noon = time.Date(2026, 11, 23, 7, 0, 0, 0, time.UTC)

// cards claims what three unlike gateways claim.
func cards(gateway string) providers.Claims {
	switch gateway {
	case "kaspi":
		return providers.Claims{Provider: "kaspi", Currencies: []string{"KZT"}, Methods: []providers.MethodClaims{
			{Method: providers.QR, Flow: providers.Offer, OfferLife: 245 * time.Second},
			{Method: providers.Push, Flow: providers.Pushed},
		}}
	case "halyk":
		return providers.Claims{Provider: "halyk", Currencies: []string{"KZT"}, Methods: []providers.MethodClaims{
			{Method: providers.Page, Flow: providers.Offer, OfferLife: 20 * time.Minute, TwoStage: true},
			{Method: providers.Instrument, Flow: providers.Direct, TwoStage: true, Limits: []providers.Limits{
				{Max: providers.Money{Minor: 2000, Currency: "USD"}}, {Min: providers.Money{Minor: 200, Currency: "KZT"}, Max: providers.Money{Minor: 1000000, Currency: "KZT"}}}},
		}}
	case "whole":
		return providers.Claims{Provider: "whole", Currencies: []string{"KZT", "UAH"}, WholeUnits: true, Methods: []providers.MethodClaims{
			{Method: providers.Link, Flow: providers.Offer},
		}}
	}
	return providers.Claims{}
}

func wish(change func(*payment.Opened)) payment.Payment {
	o := payment.Opened{ID: "p1", Tenant: "shop", Amount: providers.Money{Minor: 150000, Currency: "KZT"},
		Methods: []providers.Method{providers.QR, providers.Page}, Deadline: noon.Add(time.Hour)}
	if change != nil {
		change(&o)
	}
	p, err := payment.Payment{}.Apply(payment.Event{At: noon, Body: o})
	if err != nil {
		panic(err)
	}
	return p
}

func TestAGatewayIsSkippedForTheFirstThingItCannotDo(t *testing.T) {
	for _, c := range []struct {
		name    string
		rule    Rule
		tokens  map[string]bool
		change  func(*payment.Opened)
		why     string
		gateway string
	}{
		{name: "currency", gateway: "kaspi", change: func(o *payment.Opened) { o.Amount.Currency = "UAH" }, why: WhyCurrency},
		{name: "tenant's currencies", rule: Rule{Gateway: "kaspi", Currencies: []string{"UAH"}}, why: WhyCurrency},
		{name: "tenant's smallest amount", rule: Rule{Gateway: "kaspi", Min: 150001}, why: WhyAmount},
		{name: "tenant's largest amount", rule: Rule{Gateway: "kaspi", Max: 149999}, why: WhyAmount},
		{name: "method", gateway: "kaspi", change: func(o *payment.Opened) { o.Methods = []providers.Method{providers.Page} }, why: WhyMethod},
		{name: "tenant's methods", rule: Rule{Gateway: "kaspi", Methods: []providers.Method{providers.Push}}, why: WhyMethod},
		{name: "hold", gateway: "kaspi", change: func(o *payment.Opened) { o.TwoStage = true }, why: WhyTwoStage},
		{name: "no token", gateway: "halyk", change: func(o *payment.Opened) { o.Methods = []providers.Method{providers.Instrument} }, why: WhyNoToken},
		{name: "gateway's largest amount", gateway: "halyk", tokens: map[string]bool{"halyk": true}, change: func(o *payment.Opened) {
			o.Methods, o.Amount.Minor = []providers.Method{providers.Instrument}, 1000001
		}, why: WhyAmount},
		{name: "gateway's smallest amount", gateway: "halyk", tokens: map[string]bool{"halyk": true}, change: func(o *payment.Opened) {
			o.Methods, o.Amount.Minor = []providers.Method{providers.Instrument}, 199
		}, why: WhyAmount},
		{name: "fraction of a unit", gateway: "whole", change: func(o *payment.Opened) {
			o.Methods, o.Amount.Minor = []providers.Method{providers.Link}, 150050
		}, why: WhyAmount},
		{name: "offer outlives the deadline", gateway: "halyk", change: func(o *payment.Opened) { o.Deadline = noon.Add(19 * time.Minute) }, why: WhyDeadline},
		{name: "caller names others", gateway: "kaspi", change: func(o *payment.Opened) { o.Gateways = []string{"halyk"} }, why: WhyNotAllowed},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.rule.Gateway == "" {
				c.rule.Gateway = c.gateway
			}
			candidates, skipped := Rank(wish(c.change), []Rule{c.rule}, cards, c.tokens, noon)
			if len(candidates) != 0 || len(skipped) != 1 || skipped[0].Why != c.why || skipped[0].Taken {
				t.Fatalf("candidates %v, skipped %+v, want %s", candidates, skipped, c.why)
			}
		})
	}
}

func TestTheCallersFirstMethodThatAGatewayServesIsTaken(t *testing.T) {
	p := wish(func(o *payment.Opened) { o.Methods = []providers.Method{providers.Link, providers.Push, providers.QR} })
	candidates, _ := Rank(p, []Rule{{Gateway: "kaspi"}}, cards, nil, noon)
	if len(candidates) != 1 || candidates[0] != (Candidate{"kaspi", providers.Push, providers.Pushed}) {
		t.Fatalf("candidates %+v", candidates)
	}
}

func TestPriorityComesBeforeWeight(t *testing.T) {
	rules := []Rule{{Gateway: "halyk", Priority: 2, Weight: 100}, {Gateway: "kaspi", Priority: 1, Weight: 1}}
	candidates, _ := Rank(wish(nil), rules, cards, nil, noon)
	if len(candidates) != 2 || candidates[0].Gateway != "kaspi" || candidates[1].Gateway != "halyk" {
		t.Fatalf("candidates %+v", candidates)
	}
}

func TestWeightsShareOutPaymentsAndEveryReplicaAgrees(t *testing.T) {
	rules := []Rule{{Gateway: "kaspi", Weight: 3}, {Gateway: "halyk", Weight: 1}}
	first := 0
	const payments = 4000
	for i := range payments {
		p := wish(func(o *payment.Opened) { o.ID = fmt.Sprintf("payment-%d", i) })
		candidates, _ := Rank(p, rules, cards, nil, noon)
		again, _ := Rank(p, []Rule{rules[1], rules[0]}, cards, nil, noon)
		if candidates[0] != again[0] {
			t.Fatalf("payment %d: %v, and in another order of rules %v", i, candidates[0], again[0])
		}
		if candidates[0].Gateway == "kaspi" {
			first++
		}
	}
	if share := first * 100 / payments; share < 72 || share > 78 {
		t.Fatalf("a weight of 3 against 1 got %d %% of payments, want about 75", share)
	}
}

func TestAGatewayIsTriedOnce(t *testing.T) {
	p := wish(nil)
	var err error
	for _, body := range []payment.Body{
		payment.Planned{Attempt: 1, Gateway: "kaspi", Provider: "kaspi", Method: providers.QR, Flow: providers.Offer, Reference: "r1"},
	} {
		if p, err = p.Apply(payment.Event{At: noon, Body: body}); err != nil {
			t.Fatal(err)
		}
	}
	candidates, skipped := Rank(p, []Rule{{Gateway: "kaspi"}, {Gateway: "halyk"}}, cards, nil, noon)
	if len(candidates) != 1 || candidates[0].Gateway != "halyk" || len(skipped) != 1 || skipped[0].Why != WhyTried {
		t.Fatalf("candidates %+v, skipped %+v", candidates, skipped)
	}
}
