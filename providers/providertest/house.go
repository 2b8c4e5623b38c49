package providertest

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/providers/sim"
)

// house is one question's world, in one bubble: a bank with one face, an adapter in
// front of it, the wire between them, and the post that brings the bank's notices.
type house struct {
	t        *testing.T
	subject  Subject
	method   providers.Method
	claims   providers.Claims
	bank     *sim.Bank
	face     string
	provider providers.Provider
	wire     *wire // nil on real sockets
	post     *post
	slack    time.Duration // what a call may take beyond its claimed limit
	deaf     bool          // nobody hears the bank's notices

	mu     sync.Mutex
	orders int
	asked  map[string]providers.Money // for what was charged, by order number
	given  map[string]string          // the gateway's ids of refunds, by ours
	moves  []sim.Move                 // money-moving requests as they arrived
	broken []sim.Violation            // of I9 and I11
	rude   bool                       // the question itself repeats what must not be repeated
}

// payer is a person who must not be found in anything that is kept or logged.
var payer = providers.Payer{Phone: "+77015550142", Email: "canary.personal@example.kz", Name: "Canaria Privatova", IP: "203.0.113.7"}

// attempt is one try, as the router would know it.
type attempt struct {
	charge providers.Charge
	ref    providers.Ref
	result providers.Result // of the charge
}

// open makes a house. Call it inside the bubble.
func open(t *testing.T, s Subject, m providers.Method) *house {
	t.Helper()
	h := found(t, s, m)
	h.wire = &wire{bank: h.bank, face: h.face, whole: -1}
	h.enter(s.New(h.wire.dial))
	return h
}

// found makes a house with a bank in it, and nobody in front of the bank yet.
func found(t *testing.T, s Subject, m providers.Method) *house {
	t.Helper()
	h := &house{t: t, subject: s, method: m, slack: patience, asked: map[string]providers.Money{}, given: map[string]string{}}
	face := s.Bank(m)
	h.face, h.post = face.Name(), &post{house: h}
	h.bank = sim.New(sim.Options{
		Seed: 1, Client: &http.Client{Transport: h.post},
		Witness: func(m sim.Move) error {
			h.mu.Lock()
			defer h.mu.Unlock()
			h.moves = append(h.moves, m)
			return nil
		},
		OnViolation: func(v sim.Violation) {
			h.mu.Lock()
			defer h.mu.Unlock()
			h.broken = append(h.broken, v)
		},
	}, face)
	t.Cleanup(func() {
		h.hangUp()
		h.bank.Close()
		for _, v := range h.broken {
			if !h.rude {
				t.Errorf("%s violated by a %s of %s: %s", v.Invariant, v.Op, v.Reference, v.Text)
			}
		}
	})
	return h
}

// enter puts an adapter in front of the bank.
func (h *house) enter(p providers.Provider, err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
	h.provider, h.claims = p, p.Claims()
	h.subject = h.subject.withDefaults(h.claims)
}

// owed is what an attempt was for. The subject's amount stands for one that is not known.
func (h *house) owed(ref providers.Ref) providers.Money {
	h.mu.Lock()
	defer h.mu.Unlock()
	if amount, ok := h.asked[ref.Order]; ok {
		return amount
	}
	return h.subject.Amount
}

// hangUp lets the adapter drop its idle connections, if it keeps any.
func (h *house) hangUp() {
	if closer, ok := h.provider.(interface{ Close() }); ok {
		closer.Close()
	}
}

// order makes the n-th order number under a rule, as long as the rule allows.
func order(rule providers.ReferenceRule, n int) string {
	room := rule.Length - len(rule.Prefix)
	if rule.Kind == providers.Counted {
		return fmt.Sprintf("%s%0*d", rule.Prefix, room, n)
	}
	const alphabet = "q3ncb5xeusdk7a2mzt4wjf6hgl0pyorv8i19"
	digits := "x" + strconv.Itoa(n)
	return rule.Prefix + strings.Repeat(alphabet, 1+room/len(alphabet))[:room-len(digits)] + digits
}

// wish is a charge by the method with a number of its own.
func (h *house) wish(m providers.Method) *attempt {
	h.mu.Lock()
	h.orders++
	n := h.orders
	h.mu.Unlock()
	ref := providers.Ref{Order: order(h.claims.ReferenceFor(m), n), Method: m, Amount: h.subject.Amount,
		Planned: time.Now().UTC(), TwoStage: h.subject.Holds && h.claims.Method(m).TwoStage}
	c := providers.Charge{Ref: ref, Payer: payer, CustomerID: h.subject.Customer, Description: "Order 4711",
		ReturnURL: "https://shop.example.kz/back", NotifyURL: NotifyURL}
	if m == providers.Instrument {
		c.Instrument = h.subject.Card
	}
	return &attempt{charge: c, ref: ref}
}

// begin charges what was wished.
func (h *house) begin(a *attempt) *attempt {
	h.t.Helper()
	h.charge(context.Background(), a)
	return a
}

// shown is an offer or an invoice that waits for its payer.
func (h *house) shown(m providers.Method) *attempt {
	h.t.Helper()
	a := h.begin(h.wish(m))
	if a.result.Verdict != providers.Pending {
		h.t.Fatalf("an attempt by %s is %s", m, describe(a.result))
	}
	return a
}

// held is an attempt with a hold on it.
func (h *house) held(m providers.Method) *attempt {
	h.t.Helper()
	a := h.wish(m)
	a.ref.TwoStage, a.charge.Ref.TwoStage = true, true
	h.take(h.begin(a))
	if r := h.lookup(a); r.Verdict != providers.Held || r.Amount != a.ref.Amount {
		h.t.Fatalf("a hold by %s is seen as %s", m, describe(r))
	}
	return a
}

// paid is an attempt whose whole amount is with us.
func (h *house) paid(m providers.Method) *attempt {
	h.t.Helper()
	a := h.wish(m)
	if a.ref.TwoStage {
		a = h.held(m)
		if r := h.capture(context.Background(), a, a.ref.Amount); r.Verdict != providers.Approved {
			h.t.Fatalf("a capture is %s", describe(r))
		}
	} else {
		h.take(h.begin(a))
	}
	if r := h.lookup(a); r.Verdict != providers.Approved {
		h.t.Fatalf("a payment by %s, charged as %s, is seen as %s", m, describe(a.result), describe(r))
	}
	return a
}

// take lets the payer pay, where somebody must.
func (h *house) take(a *attempt) {
	h.t.Helper()
	if h.claims.Method(a.ref.Method).Flow != providers.Direct {
		h.act(a, sim.ActPay)
	}
}

// act lets the payer of an attempt do something that must be possible.
func (h *house) act(a *attempt, act string) {
	h.t.Helper()
	if err := h.try(a, act); err != nil {
		h.t.Fatalf("the payer cannot %s: %v", act, err)
	}
}

// try lets the payer of an attempt do something. Whether it comes to anything stands
// in the ledger.
func (h *house) try(a *attempt, act string) error {
	o, found := h.object(a)
	if !found {
		return fmt.Errorf("the bank has nothing under %s", a.ref.Order)
	}
	return h.bank.Act(h.face, o.ID, act)
}

// everything a payer could try on an object, the promises broken that the bank keeps.
var everything = []string{sim.ActScan, sim.ActConfirm, sim.ActPay, sim.ActPayLate, sim.ActPayAgain}

// besiege lets every payer of the attempt try everything, now and for a week.
func (h *house) besiege(a *attempt) {
	for _, pause := range []time.Duration{0, time.Minute, time.Hour, 7 * 24 * time.Hour} {
		time.Sleep(pause)
		for _, o := range h.objects(a) {
			for _, act := range everything {
				_ = h.bank.Act(h.face, o.ID, act)
			}
		}
	}
}

// objects are what the bank has under the attempt's number, oldest first. A provider
// that carries our number in a comment carries it as the first word.
func (h *house) objects(a *attempt) []sim.Object {
	var found []sim.Object
	for _, o := range h.bank.Ledger().Of(h.face).Objects {
		if word, _, _ := strings.Cut(o.Reference, " "); word == a.ref.Order {
			found = append(found, o)
		}
	}
	return found
}

// object is the newest of them.
func (h *house) object(a *attempt) (sim.Object, bool) {
	all := h.objects(a)
	if len(all) == 0 {
		return sim.Object{}, false
	}
	return all[len(all)-1], true
}

// net is the money in minor units that the bank holds for us under the attempt's number.
func (h *house) net(a *attempt) int64 {
	var net int64
	for _, o := range h.objects(a) {
		net += o.Captured - o.Refunded
	}
	return net
}

// arrived counts the requests of an operation that reached the bank.
func (h *house) arrived(ops ...sim.Op) int {
	n := 0
	for _, a := range h.bank.Ledger().Of(h.face).Arrivals {
		if slices.Contains(ops, a.Op) {
			n += a.Count
		}
	}
	return n
}

// moving are the operations that move money or make it movable.
var moving = []sim.Op{sim.OpCreate, sim.OpCharge, sim.OpCapture, sim.OpVoid, sim.OpRefund}

// fault makes the bank misbehave.
func (h *house) fault(f sim.Fault) {
	h.t.Helper()
	f.Face = h.face
	if _, err := h.bank.AddFault(f); err != nil {
		h.t.Fatal(err)
	}
}

// heal makes the bank healthy, and lets the adapter notice which connections are gone.
func (h *house) heal() {
	h.bank.ClearFaults()
	synctest.Wait()
}

// spoiled fails unless the fault has met a request: otherwise a question asked nothing.
func (h *house) spoiled() {
	h.t.Helper()
	for _, f := range h.bank.Faults() {
		if f.Used == 0 && f.Kind != sim.FaultRefuse {
			h.t.Fatalf("the fault %s of %s met no request", f.Kind, f.Op)
		}
	}
}

func money(minor int64, like providers.Money) providers.Money {
	return providers.Money{Minor: minor, Currency: like.Currency}
}
