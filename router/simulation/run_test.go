package simulation

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/cryptotest"
	"testing/synctest"
	"time"

	"github.com/payrouter/payrouter/providers/sim"
	"github.com/payrouter/payrouter/router/payment"
)

// result is what one seed gave.
type result struct {
	Seed       uint64
	Hash       string
	Violations []violation
	Counts     map[string]int
	Payments   int
	Attempts   int
	Ambiguous  int
	Took       time.Duration
	Trace      string `json:"-"`
}

// simulate runs one seed.
func simulate(t *testing.T, seed uint64) result {
	t.Helper()
	began := time.Now()
	var r result
	cryptotest.SetGlobalRandom(t, seed)
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, seed)
		w.live()
		w.settle()
		w.atRest()
		if len(w.broken) == 0 {
			w.tellAgain()
		}
		w.close()
		r = w.result()
	})
	r.Took = time.Since(began)
	return r
}

// live is the time in which things go wrong.
func (w *world) live() {
	w.payers()
	w.typists()
	w.trouble()
	if w.swarm.operator {
		w.drains()
	}
	w.rushes()
	draw := w.draw("clients")
	var clients sync.WaitGroup
	for _, name := range []string{"shop-1", "shop-2", "other-1"}[:1+draw.IntN(3)] {
		tenant, _, _ := strings.Cut(name, "-")
		c := &client{w: w, name: name, tenant: tenant, draw: w.draw(name), ids: w.draw("request ids " + name)}
		if tenant == "other" { // a key belongs to its tenant: two of them may use the same
			c.ids = w.draw("request ids shop-1")
		}
		n := 4 + draw.IntN(6)
		clients.Go(func() { c.shop(n) })
	}
	_ = w.wait(w.t.Context(), troubled)
	w.heal()
	clients.Wait()
}

// settle lets time pass until nothing is undecided but what is with people, and then
// lets people decide.
func (w *world) settle() {
	w.timers.Wait() // payers who come late, too
	for range 2 {
		deadline := time.Now().Add(3 * time.Hour)
		for time.Now().Before(deadline) && w.restless() {
			time.Sleep(time.Minute)
			w.reconcile()
		}
		w.review()
	}
	time.Sleep(2 * time.Minute)
	w.reconcile() // what a gateway did later than it may
}

// restless reports whether something may still happen by itself.
func (w *world) restless() bool {
	if w.swarm.brokenPromises && time.Since(w.began) < troubled+25*time.Minute {
		return true // a gateway may act that late
	}
	if slices.ContainsFunc(w.up(), (*process).sleeps) || w.toReconcile() {
		return true
	}
	if slices.ContainsFunc(w.bank.Ledger().Objects, func(o sim.Object) bool { return o.Style == sim.StyleDebit && o.Status == "waiting" }) {
		return true
	}
	if slices.ContainsFunc(w.bank.Deliveries(), func(n sim.Notice) bool { return n.State == "waiting" && !n.Forged }) {
		return true
	}
	return slices.ContainsFunc(w.keep.all(), func(p payment.Payment) bool {
		status := p.Status()
		a, open := p.OpenAttempt()
		if open && (time.Now().Before(a.Until) || !withPeopleAbout(p, a.N)) {
			return true // people have nothing to say about an offer that can still be paid, and were called about each attempt by itself
		}
		return refundWaits(p) || (p.Sums().Surplus > 0 || !status.Final() && status != payment.StatusHeld) && !withPeople(p)
	})
}

// refundWaits reports whether a refund is to be made by itself. A finding about the amount
// that was charged says nothing of it.
func refundWaits(p payment.Payment) bool {
	return slices.ContainsFunc(p.Refunds, func(r payment.Refund) bool { return r.State == payment.RefundPending }) &&
		!slices.ContainsFunc(p.Attempts, func(a payment.Attempt) bool { return withPeopleAboutReturn(p, a.N) })
}

// withPeople reports whether a finding asks for a person's word.
func withPeople(p payment.Payment) bool {
	return slices.ContainsFunc(p.Attempts, func(a payment.Attempt) bool { return withPeopleAbout(p, a.N) })
}

// withPeopleAbout reports whether a finding asks for a person's word about an attempt.
func withPeopleAbout(p payment.Payment, n int) bool {
	return withPeopleAboutReturn(p, n) || p.Found(payment.AmountDiffers, n)
}

// withPeopleAboutReturn reports whether a finding asks for a person's word before money of an
// attempt can go back.
func withPeopleAboutReturn(p payment.Payment, n int) bool {
	return slices.ContainsFunc([]payment.FindingKind{payment.Undecided, payment.OperationFailed, payment.CannotGiveBack, payment.ReturnExpected},
		func(kind payment.FindingKind) bool { return p.Found(kind, n) })
}

// close ends everything that runs in the bubble.
func (w *world) close() {
	for _, p := range w.up() {
		p.kill("at the end")
	}
	w.bank.Close()
	w.timers.Wait()
	w.buried.Wait()
	time.Sleep(time.Minute) // what dials for nobody any more gives up
	_ = w.db.close()
}

func (w *world) result() result {
	r := result{Seed: w.seed, Hash: w.hash(), Violations: w.broken, Counts: w.counts, Ambiguous: w.keep.ambiguous, Trace: strings.Join(w.trace, "\n")}
	for _, p := range w.keep.all() {
		r.Payments++
		r.Attempts += len(p.Attempts)
	}
	return r
}
