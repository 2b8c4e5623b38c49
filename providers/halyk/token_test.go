package halyk

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/payrouter/payrouter/providers"
)

// numbered scripts a token of its own name and life in seconds.
func numbered(name string, life int) reply {
	return reply{to: toToken, body: fmt.Sprintf(`{"access_token":"%s","token_type":"Bearer","expires_in":"%d"}`, name, life)}
}

var seen102 = reply{to: toStatus, body: "status_unknown.json"}

func TestServiceTokenIsKeptUntilShortlyBeforeItsEnd(t *testing.T) {
	with(t, config(), []reply{numbered("ONE", 7200), seen102, seen102, numbered("TWO", 7200), seen102}, func(t *testing.T, g *Gateway, b *bank) {
		look := func() {
			if r := g.Lookup(t.Context(), ref(providers.Page)); !r.Absent {
				t.Errorf("result %+v", r)
			}
		}
		look()
		time.Sleep(2*time.Hour - time.Minute - time.Millisecond)
		look()
		time.Sleep(time.Millisecond)
		look()
		if n := strings.Count(b.log.String(), "Bearer ONE"); n != 2 {
			t.Errorf("the first token was used %d times", n)
		}
	})
}

func TestTokenOfUnknownLifeIsNotKept(t *testing.T) {
	with(t, config(), []reply{numbered("ONE", 0), seen102, numbered("TWO", 0), seen102}, func(t *testing.T, g *Gateway, _ *bank) {
		g.Lookup(t.Context(), ref(providers.Page))
		g.Lookup(t.Context(), ref(providers.Page))
	})
}

func TestManyLookupsFetchOneToken(t *testing.T) {
	slow := numbered("ONE", 7200)
	script := []reply{slow}
	for range 20 {
		script = append(script, seen102)
	}
	with(t, config(), script, func(t *testing.T, g *Gateway, b *bank) {
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() { g.Lookup(t.Context(), ref(providers.Page)) })
		}
		all.Wait()
		if n := strings.Count(b.log.String(), toToken); n != 1 {
			t.Errorf("%d tokens were fetched", n)
		}
	})
}

func TestCallerWhoGivesUpDoesNotSpoilTheTokenForOthers(t *testing.T) {
	with(t, config(), []reply{numbered("ONE", 7200), seen102}, func(t *testing.T, g *Gateway, _ *bank) {
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		expect(t, "gone", g.Lookup(gone, ref(providers.Page)), providers.Unknown, providers.NotSent)
		synctest.Wait() // the fetch that it began goes on
		if r := g.Lookup(t.Context(), ref(providers.Page)); !r.Absent {
			t.Errorf("result %+v", r)
		}
	})
}

func TestRefusedTokenIsReplacedOnceForQuestions(t *testing.T) {
	unauthorized := reply{to: toStatus, status: 401, body: `{"code":401,"message":"unauthorized"}`}
	with(t, config(), []reply{numbered("ONE", 7200), unauthorized, numbered("TWO", 7200), seen102}, func(t *testing.T, g *Gateway, _ *bank) {
		if r := g.Lookup(t.Context(), ref(providers.Page)); !r.Absent {
			t.Errorf("result %+v", r)
		}
	})
	with(t, config(), []reply{numbered("ONE", 7200), unauthorized, numbered("TWO", 7200), unauthorized}, func(t *testing.T, g *Gateway, _ *bank) {
		expect(t, "twice", g.Lookup(t.Context(), ref(providers.Page)), providers.Unknown, providers.Misconfigured)
	})
	// One client saw 400 for a token that had ended: the next question brings its own.
	with(t, config(), []reply{numbered("ONE", 7200), {to: toStatus, status: 400, body: `{"code":401}`}, numbered("TWO", 7200), seen102}, func(t *testing.T, g *Gateway, _ *bank) {
		expect(t, "400", g.Lookup(t.Context(), ref(providers.Page)), providers.Unknown, providers.UnknownCode)
		if r := g.Lookup(t.Context(), ref(providers.Page)); !r.Absent {
			t.Errorf("result %+v", r)
		}
	})
}

func TestWhatMovesMoneyUsesATokenFetchedForItAndIsNotRepeated(t *testing.T) {
	script := []reply{numbered("KEPT", 7200), seen102, numbered("OWN", 7200), {to: to("cancel"), status: 401}}
	with(t, config(), script, func(t *testing.T, g *Gateway, b *bank) {
		g.Lookup(t.Context(), ref(providers.Page))
		expect(t, "cancel", g.Cancel(t.Context(), paidRef()), providers.Unserved, providers.Misconfigured)
		if !strings.Contains(b.log.String(), "/cancel\nAuthorization: Bearer OWN") {
			t.Error("the kept token was used")
		}
	})
}

func TestEveryPaymentHasATokenOfItsOwn(t *testing.T) {
	with(t, config(), []reply{numbered("ONE", 7200), numbered("TWO", 7200)}, func(t *testing.T, g *Gateway, _ *bank) {
		first, second := g.Charge(t.Context(), charge(providers.Page)), g.Charge(t.Context(), charge(providers.Page))
		if !strings.Contains(first.Action.Text, `"ONE"`) || !strings.Contains(second.Action.Text, `"TWO"`) {
			t.Error("two payments share a token")
		}
	})
}

func TestLateReplacementIsNotDropped(t *testing.T) {
	var c tokenCache
	old, young := token{bearer: providers.NewSecret("old")}, token{bearer: providers.NewSecret("young"), life: time.Hour, ends: time.Now().Add(time.Hour)}
	c.put(young)
	c.drop(old)
	if _, ok := c.get(time.Now()); !ok {
		t.Error("dropping a token that was replaced lost the new one")
	}
}

func TestRefusedConnectionIsNotSent(t *testing.T) {
	g, err := New(config(), Options{Dial: refuseDial})
	if err != nil {
		t.Fatal(err)
	}
	for _, method := range []providers.Method{providers.Instrument, providers.Page, providers.Link, providers.QR} {
		expect(t, string(method), g.Charge(t.Context(), charge(method)), providers.Unserved, providers.NotSent)
	}
	expect(t, "lookup", g.Lookup(t.Context(), ref(providers.Page)), providers.Unknown, providers.NotSent)
	expect(t, "cancel", g.Cancel(t.Context(), paidRef()), providers.Unserved, providers.NotSent)
	expect(t, "probe", g.Probe(t.Context()), providers.Unserved, providers.NotSent)
}
