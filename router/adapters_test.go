package router_test

import (
	"bytes"
	"context"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/providers/halyk"
	"github.com/payrouter/payrouter/providers/kaspi"
	"github.com/payrouter/payrouter/router"
	"github.com/payrouter/payrouter/router/payment"
)

// A gateway that is gone from the configuration with open attempts cannot be asked. Its
// payments wait like those of any gateway that cannot be reached, at the same pace.
func TestAPaymentOfARemovedGatewayIsNotDrivenInAHotLoop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		file, beside := inFile(t)
		h := build(t, file)
		p := h.create(at(ask(providers.Link), wayforpayMain), patience)
		o, _ := h.copied(beside)
		defer o.Journal.Close()
		var log bytes.Buffer
		o.Gateways, o.Tenants = o.Gateways[:2], nil
		o.Log = slog.New(slog.NewTextHandler(&log, nil))
		without, err := router.New(o)
		h.must(err)
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { without.Run(ctx); close(done) }()
		time.Sleep(20 * time.Minute)
		stop()
		<-done
		if n := strings.Count(log.String(), p.ID); n > 20 {
			t.Errorf("%d lines of log in 20 minutes", n)
		}
		p, err = o.Journal.Get(t.Context(), p.ID)
		h.must(err)
		if p.Attempts[0].Closed != nil {
			t.Fatalf("decided\n%s", h.story(p))
		}
	})
}

// panicking is an adapter with a bug that shows the payer's phone.
type panicking struct{ *kaspi.Gateway }

func (panicking) Charge(_ context.Context, c providers.Charge) providers.Result {
	panic("cannot say " + c.Payer.Phone)
}

func TestAPanickingAdapterShowsNoPersonalDataAndIsDoubt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := build(t, func(s *setup) {
			s.claims = func(name string, p providers.Provider) providers.Provider {
				if k, ok := p.(*kaspi.Gateway); ok {
					return panicking{k}
				}
				return p
			}
		})
		var log bytes.Buffer
		o := h.router.Options
		o.Registerer, o.Log = nil, slog.New(slog.NewTextHandler(&log, nil))
		r, err := router.New(o)
		h.must(err)
		p, err := r.Create(t.Context(), ask(providers.Push))
		h.must(err)
		if a := p.Attempts[0]; a.Verdict != providers.Unknown || a.Reason != providers.Panicked {
			t.Errorf("a panic means %s %s", a.Verdict, a.Reason)
		}
		if strings.Contains(log.String(), "77011234567") {
			t.Errorf("the log holds the payer's phone: %s", log.String())
		}
	})
}

// shortNumbered is a gateway whose order numbers are few.
type shortNumbered struct{ *halyk.Gateway }

func (g shortNumbered) Claims() providers.Claims {
	c := g.Gateway.Claims()
	c.Reference.Unique = 1
	return c
}

// A gateway whose order numbers are used up is one that cannot serve: the next one can.
func TestAGatewayWithoutOrderNumbersIsPassedOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := build(t, first(halykMain), func(s *setup) {
			s.claims = func(_ string, p providers.Provider) providers.Provider {
				if g, ok := p.(*halyk.Gateway); ok {
					return shortNumbered{g}
				}
				return p
			}
		})
		for range 9 {
			h.create(ask(providers.Page), patience)
		}
		if p := h.create(ask(providers.Page), patience); p.Attempts[0].Gateway != wayforpayMain || p.Status() != payment.StatusAwaitingPayer {
			t.Fatalf("payment is %s\n%s", p.Status(), h.story(p))
		}
	})
}

// Each gateway counts for itself: two in one account of a bank would give one number to two
// payments, and the money of one would be seen on the other.
func TestTwoGatewaysThatWouldCountInOneAccountAreRefusedAtTheStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := build(t, first(halykMain))
		o := router.Options{Journal: h.store, Board: h.board, Gateways: h.router.All()}
		i := slices.IndexFunc(o.Gateways, func(g router.Gateway) bool { return g.Name == halykMain })
		twin := o.Gateways[i]
		twin.Name = "halyk-second"
		o.Gateways = append(o.Gateways, twin)
		if _, err := router.New(o); err == nil || !strings.Contains(err.Error(), halykMain) || !strings.Contains(err.Error(), twin.Name) {
			t.Errorf("the error is %v", err)
		}
	})
}
