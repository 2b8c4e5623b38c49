package sim_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/payrouter/payrouter/providers/sim"
)

// faultCases say for every kind what the merchant sees of a create, and whether the bank acted.
var faultCases = []struct {
	kind  sim.FaultKind
	fault sim.Fault
	sees  string
	acted bool
}{
	{sim.FaultRefuse, sim.Fault{}, "refused", false},
	{sim.FaultHang, sim.Fault{}, "silence", false},
	{sim.FaultActHang, sim.Fault{}, "silence", true},
	{sim.FaultDrop, sim.Fault{}, "broken", false},
	{sim.FaultActDrop, sim.Fault{}, "broken", true},
	{sim.FaultHTTPError, sim.Fault{}, "HTTP 503", false},
	{sim.FaultActHTTPError, sim.Fault{Status: 500}, "HTTP 500", true},
	{sim.FaultHTML, sim.Fault{}, "page", false},
	{sim.FaultTruncate, sim.Fault{}, "broken", true},
	{sim.FaultHuge, sim.Fault{}, "endless", true},
	{sim.FaultSlow, sim.Fault{Delay: sim.Duration(time.Millisecond)}, "code 0", true},
	{sim.FaultTrickle, sim.Fault{Delay: sim.Duration(time.Microsecond)}, "code 0", true},
	{sim.FaultRedirect, sim.Fault{}, "HTTP 307", false},
	{sim.FaultWrongAmount, sim.Fault{}, "code 0", true}, // a Kaspi create carries no amount
	{sim.FaultWrongReference, sim.Fault{}, "code 0", true},
	{sim.FaultBadSignature, sim.Fault{}, "code 0", true}, // Kaspi signs nothing
	{sim.FaultThrottle, sim.Fault{}, "HTTP 429", false},
	{sim.FaultUnauthorized, sim.Fault{}, "code -10000", false},
	{sim.FaultCode, sim.Fault{Code: "990000018"}, "code 990000018", false},
	{sim.FaultUnknownStatus, sim.Fault{Code: "-4711"}, "code -4711", true},
	{sim.FaultActLate, sim.Fault{Delay: sim.Duration(time.Millisecond)}, "broken", true},
	{sim.FaultNotFound, sim.Fault{}, "code -1601", false},
}

func TestEveryFaultKindHasACase(t *testing.T) {
	covered := map[sim.FaultKind]bool{}
	for _, c := range faultCases {
		covered[c.kind] = true
	}
	for _, kind := range sim.FaultKinds() {
		if !covered[kind] {
			t.Errorf("no case for %s", kind)
		}
	}
}

func TestFaultsOverMemoryShowWhatTheyPromise(t *testing.T) {
	for _, c := range faultCases {
		t.Run(string(c.kind), func(t *testing.T) {
			inBubble(t, sim.Options{}, sim.KaspiOptions{}, func(t *testing.T, b *sim.Bank, s shop) {
				addFault(t, b, faultOf(c.kind, c.fault))
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				wantEqual(t, "what the merchant sees", s.look(ctx), c.sees)
				pass(time.Second) // act-late
				wantEqual(t, "the bank acted", len(b.Ledger().Objects) == 1, c.acted)
			})
		})
	}
}

func TestFaultsOverSocketsShowWhatTheyPromise(t *testing.T) {
	for _, c := range faultCases {
		t.Run(string(c.kind), func(t *testing.T) {
			b := sim.New(sim.Options{}, sim.Kaspi(sim.KaspiOptions{}))
			defer b.Close()
			server, err := sim.Serve(b, sim.ServerOptions{Faces: map[string]sim.Listen{"kaspi": {Addr: "127.0.0.1:0"}}})
			must(t, err)
			defer server.Close()
			transport := &http.Transport{}
			defer transport.CloseIdleConnections()
			s := shop{client: &http.Client{Transport: transport, CheckRedirect: noRedirect}, base: "http://" + server.Addr("kaspi")}

			addFault(t, b, faultOf(c.kind, c.fault))
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			if c.sees == "silence" {
				go func() {
					until(ctx, func() bool { return b.Ledger().Count("kaspi", sim.OpCreate, "pay_1") == 1 })
					cancel() // the bank has decided by now: it acts in the same breath as it counts
				}()
			}
			wantEqual(t, "what the merchant sees", s.look(ctx), c.sees)
			if c.kind == sim.FaultActLate {
				until(t.Context(), func() bool { return len(b.Ledger().Objects) == 1 })
			}
			wantEqual(t, "the bank acted", len(b.Ledger().Objects) == 1, c.acted)
		})
	}
}

// until waits for a condition that is about to come true; a broken bank makes it give up.
func until(ctx context.Context, holds func() bool) {
	ctx, done := context.WithTimeout(ctx, 10*time.Second)
	defer done()
	for !holds() && ctx.Err() == nil {
		runtime.Gosched()
	}
}

func faultOf(kind sim.FaultKind, f sim.Fault) sim.Fault {
	f.Kind, f.Face = kind, "kaspi"
	if kind != sim.FaultRefuse {
		f.Op = sim.OpCreate
	}
	return f
}

// look creates a QR and says in a word what came of it.
func (s shop) look(ctx context.Context) string {
	res, body, err := s.send(ctx, "POST", "qr/create", createBody("pay_1", "15490.00"))
	var e envelope
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return "refused"
	case ctx.Err() != nil:
		return "silence"
	case err != nil:
		return "broken"
	case len(body) == 1<<20:
		return "endless"
	case res.StatusCode != http.StatusOK:
		return "HTTP " + strings.Fields(res.Status)[0]
	case json.Unmarshal(body, &e) != nil:
		return "page"
	}
	return "code " + string(e.StatusCode)
}

func TestFaultSpoilsOnlyWhatItNames(t *testing.T) {
	inBubble(t, sim.Options{}, sim.KaspiOptions{}, func(t *testing.T, b *sim.Bank, s shop) {
		id := s.offer(t, "pay_1")
		addFault(t, b, sim.Fault{Face: "kaspi", Op: sim.OpCreate, Kind: sim.FaultCode, Code: "-999", After: 1, Times: 2})
		addFault(t, b, sim.Fault{Op: sim.OpStatus, Kind: sim.FaultNotFound, Match: "pay_2"})

		wantEqual(t, "status of another reference", s.status(t, id), "QrTokenCreated")
		s.offer(t, "pay_2") // After lets the first one pass
		for range 2 {
			wantCode(t, s.call(t, "POST", "qr/create", createBody("pay_3", "1")), "-999")
		}
		id = s.offer(t, "pay_2")
		wantCode(t, s.call(t, "GET", "payment/status/"+id, ""), "-1601")

		faults := b.Faults()
		wantEqual(t, "use of the first rule", faults[0].Used, 2)
		wantEqual(t, "removed", b.RemoveFault(faults[1].ID), true)
		wantEqual(t, "removed twice", b.RemoveFault(faults[1].ID), false)
		wantEqual(t, "status without the rule", s.status(t, id), "QrTokenCreated")
	})
}

func TestRefusalEndsByItselfAndCutsOpenConnections(t *testing.T) {
	inBubble(t, sim.Options{}, sim.KaspiOptions{}, func(t *testing.T, b *sim.Bank, s shop) {
		s.offer(t, "pay_1") // leaves an idle connection behind
		addFault(t, b, sim.Fault{Kind: sim.FaultRefuse, Delay: sim.Duration(time.Minute)})
		synctest.Wait()
		wantEqual(t, "during", s.look(t.Context()), "refused")
		pass(time.Minute + time.Millisecond)
		wantEqual(t, "after", s.look(t.Context()), "code 0")
		wantEqual(t, "rules left", len(b.Faults()), 0)
	})
}

func TestSlowAnswerIsTrueAndTakesItsTime(t *testing.T) {
	for _, c := range []struct {
		kind  sim.FaultKind
		least time.Duration
	}{{sim.FaultSlow, 30 * time.Second}, {sim.FaultTrickle, 20 * time.Second}} {
		inBubble(t, sim.Options{}, sim.KaspiOptions{}, func(t *testing.T, b *sim.Bank, s shop) {
			addFault(t, b, sim.Fault{Kind: c.kind, Op: sim.OpCreate})
			start := time.Now()
			s.offer(t, "pay_1")
			if took := time.Since(start); took < c.least {
				t.Errorf("%s took %s, want at least %s", c.kind, took, c.least)
			}
		})
	}
}

func TestLateActHappensAfterTheConnectionBroke(t *testing.T) {
	inBubble(t, sim.Options{}, sim.KaspiOptions{}, func(t *testing.T, b *sim.Bank, s shop) {
		addFault(t, b, sim.Fault{Kind: sim.FaultActLate, Op: sim.OpCreate, Delay: sim.Duration(10 * time.Second), Times: 1})
		wantEqual(t, "what the merchant sees", s.look(t.Context()), "broken")
		pass(9 * time.Second)
		wantEqual(t, "objects before", len(b.Ledger().Objects), 0)
		b.ClearFaults() // what is on its way still happens
		pass(2 * time.Second)
		objects := b.Ledger().Objects
		wantEqual(t, "objects after", len(objects), 1)
		wantEqual(t, "unseen", objects[0].Unseen, true)
	})
}

func TestFaultThatMakesNoSenseIsRefused(t *testing.T) {
	b := sim.New(sim.Options{}, sim.Kaspi(sim.KaspiOptions{}))
	defer b.Close()
	for _, f := range []sim.Fault{
		{Kind: "explode"},
		{Kind: sim.FaultHang, Face: "nobody"},
		{Kind: sim.FaultHang, Op: "steal"},
		{Kind: sim.FaultCode},
		{Kind: sim.FaultHang, Times: -1},
		{Kind: sim.FaultHTTPError, Status: 99},
		{Kind: sim.FaultRefuse, Op: sim.OpCreate},
	} {
		if id, err := b.AddFault(f); err == nil {
			t.Errorf("%+v got the id %s", f, id)
		}
	}
}

func TestCloseEndsHangingCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := sim.New(sim.Options{}, sim.Kaspi(sim.KaspiOptions{}))
		transport := b.Transport("kaspi")
		defer transport.CloseIdleConnections()
		addFault(t, b, sim.Fault{Kind: sim.FaultHang})
		time.AfterFunc(time.Second, b.Close)
		s := shop{client: &http.Client{Transport: transport}, base: "http://kaspi.invalid"}
		wantEqual(t, "the hanging call", s.look(t.Context()), "broken")
		wantEqual(t, "the next one", s.look(t.Context()), "refused")
	})
}

func TestOneSeedInventsTheSameIDs(t *testing.T) {
	ids := func(seed uint64) (out string) {
		inBubble(t, sim.Options{Seed: seed}, sim.KaspiOptions{}, func(t *testing.T, b *sim.Bank, s shop) {
			for _, reference := range []string{"pay_1", "pay_2", "pay_3"} {
				e := s.call(t, "POST", "qr/create", createBody(reference, "1.00"))
				out += e.field("QrPaymentId") + e.field("QrToken")
			}
		})
		return out
	}
	wantEqual(t, "the second run", ids(7), ids(7))
	if ids(7) == ids(8) {
		t.Error("two seeds invent the same ids")
	}
}
