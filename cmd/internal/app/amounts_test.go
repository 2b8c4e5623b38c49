//go:build unix

package app_test

import (
	"context"
	"errors"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/payrouter/payrouter/cmd/internal/app"
	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router"
)

// Whatever amount a gateway cannot express is refused by what it claims, before anything is
// stored or planned. The adapter's own refusal is the measure: an amount that its claims
// let pass reaches the network.
func TestAnAmountThatAGatewayCannotExpressIsRefusedBeforeAnythingIsPlanned(t *testing.T) {
	books := filepath.Join(t.TempDir(), "books.db")
	c := everyConfig(t, books)
	saveEveryCard(t, books)
	var dialed atomic.Int64
	down := func(context.Context, string, string) (net.Conn, error) {
		dialed.Add(1)
		return nil, errors.New("nobody is there")
	}
	network := map[string]app.Dial{}
	for _, g := range c.Gateways {
		network[g.Name] = down
	}
	service, err := app.New(t.Context(), c, app.Options{Version: "test", Dial: network})
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range c.Gateways {
		t.Run(g.Provider, func(t *testing.T) {
			adapter := adapterOf(t, g, down)
			claims := adapter.Claims()
			refused, passed := 0, 0
			for _, m := range claims.Methods {
				for _, amount := range amounts(claims) {
					wish := wishOf(g.Name, claims, m.Method, amount)
					switch why := routed(t, service.Router(), wish); why {
					case router.WhyCurrency, router.WhyAmount:
						refused++
						before := dialed.Load()
						var no *router.RouteError
						if p, err := service.Router().Create(t.Context(), wish); !errors.As(err, &no) || p.ID != "" || dialed.Load() != before {
							t.Errorf("%s by %s is refused for its %s, and made payment %q, error %v", amount, m.Method, why, p.ID, err)
						}
					case router.WhyTaken:
						passed++
						charge := providers.Charge{Ref: providers.Ref{Order: numberOf(claims, m.Method), Method: m.Method, Amount: amount, Planned: time.Now(), TwoStage: wish.TwoStage},
							Payer: wish.Payer, CustomerID: shopper, Instrument: providers.Token{Value: providers.NewSecret(savedCards[g.Name])},
							Description: "Books", NotifyURL: "http://payrouter/webhooks/" + g.Name}
						r := adapter.Charge(t.Context(), charge)
						if r.Reason == providers.Unsupported || r.Reason == providers.InvalidRequest || r.Verdict == providers.Unknown {
							t.Errorf("%s by %s: an attempt would be planned, and the adapter says %s %s: %v", amount, m.Method, r.Verdict, r.Reason, r.Err)
						}
					default:
						t.Errorf("%s by %s is not routed: %s", amount, m.Method, why)
					}
				}
			}
			if refused == 0 || passed == 0 {
				t.Errorf("%d refused, %d passed: one of the two was never asked", refused, passed)
			}
		})
	}
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if err := service.Run(ctx); err != nil {
		t.Fatal(err)
	}
	if kept := rows(t, books, "SELECT id FROM payments UNION ALL SELECT reference FROM attempts UNION ALL SELECT request_id FROM requests"); len(kept) > 0 {
		t.Errorf("of amounts that were refused the books keep %q", kept)
	}
}

// amounts are those on both sides of every limit that an adapter knows, in its currencies
// and in others, up to the greatest that a caller may ask for.
func amounts(c providers.Claims) []providers.Money {
	minors := []int64{1, 99, 100, 101, 15490_37, 99_999_999_00, 99_999_999_01, 1_000_000_000_000_000}
	for _, m := range c.Methods {
		for _, l := range m.Limits {
			for _, limit := range []int64{l.Min.Minor, l.Max.Minor} {
				minors = append(minors, limit-1, limit, limit+1)
			}
		}
	}
	slices.Sort(minors)
	var all []providers.Money
	for _, currency := range append(slices.Clone(c.Currencies), "RUB", "JPY", "KWD") {
		for _, minor := range slices.Compact(minors) {
			if minor > 0 {
				all = append(all, providers.Money{Minor: minor, Currency: currency})
			}
		}
	}
	return all
}

// wishOf asks one gateway, by one method, for an amount.
func wishOf(gateway string, c providers.Claims, m providers.Method, amount providers.Money) router.Wish {
	w := router.Wish{Actor: "caller:test", Hash: "h", Payer: providers.Payer{Phone: "+77010000000", Email: "a@example.kz", Name: "Aida", IP: "203.0.113.7"}}
	w.Tenant, w.RequestID, w.Methods, w.Gateways, w.Customer = "shop", uuid.NewString(), []providers.Method{m}, []string{gateway}, shopper
	w.Amount, w.Deadline = amount, time.Now().Add(100*24*time.Hour)
	if m == providers.Instrument {
		w.Instrument = cardOf[gateway]
	}
	return w
}

// routed says why a gateway would be taken, or not.
func routed(t *testing.T, r *router.Router, w router.Wish) string {
	t.Helper()
	route, err := r.Preview(t.Context(), w)
	if err != nil {
		t.Fatal(err)
	}
	for _, choice := range route {
		if choice.Gateway == w.Gateways[0] {
			return choice.Why
		}
	}
	return "not on the route"
}

// numberOf is an order number under the adapter's rule.
func numberOf(c providers.Claims, m providers.Method) string {
	rule := c.ReferenceFor(m)
	return rule.Prefix + strings.Repeat("1", rule.Length-len(rule.Prefix))
}
