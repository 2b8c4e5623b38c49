package router_test

import (
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router"
	"github.com/payrouter/payrouter/router/payment"
)

// An attempt that its gateway revived is open, so a person can decide about it.
func TestAPersonCanDecideAboutARevivedAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l atomic.Pointer[look]
		h := build(t, lookingBy(&l))
		p := h.expired()
		confirming := answering(providers.Result{Verdict: providers.Pending, Reason: providers.PayerConfirming})
		l.Store(&confirming)
		h.must(h.router.Observe(t.Context(), p, 1, payment.FromLookup, providers.Result{Verdict: providers.Pending, Reason: providers.PayerConfirming}))
		if p = h.get(p); !p.Attempts[0].Open() {
			t.Fatalf("not revived\n%s", h.story(p))
		}
		for _, who := range []string{"operator:aida", "operator:berik"} {
			p = h.get(p)
			_, err := h.router.Resolve(t.Context(), router.Word{Tenant: "shop", Payment: p.ID, Attempt: 1, Verdict: providers.Unserved,
				Actor: who, Reason: "the bank says so", Seq: p.Seq})
			if who == "operator:berik" && err != nil || who == "operator:aida" && !errors.Is(err, router.ErrSecondPerson) {
				t.Fatalf("%s: %v", who, err)
			}
		}
		if p = h.get(p); p.Attempts[0].Open() {
			t.Fatalf("two people's word left it open\n%s", h.story(p))
		}
	})
}
