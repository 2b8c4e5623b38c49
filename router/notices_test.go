package router_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/providers/sim"
	"github.com/payrouter/payrouter/router"
	"github.com/payrouter/payrouter/router/payment"
)

// hint is the bank's unsigned word that something happened to an order.
func (h *house) hint(at *router.Router, reference string) providers.Reply {
	h.t.Helper()
	body := fmt.Sprintf(`{"OrderId":%q,"Status":"Processed"}`, reference)
	reply, err := at.Hear(context.Background(), kaspiMain, providers.Notice{Method: "POST", Body: []byte(body), Source: "127.0.0.1"})
	h.must(err)
	return reply
}

// expired is a payment whose QR nobody paid in time.
func (h *house) expired() payment.Payment {
	h.t.Helper()
	p := h.create(at(ask(providers.QR), kaspiMain), patience)
	time.Sleep(5 * time.Minute)
	return h.want(p, payment.StatusFailed, 0)
}

// A hint that was acknowledged outlives the process that heard it: nobody else would
// look at a payment that is over, and the late money would be out of sight (I2, I6).
func TestAnAcknowledgedHintOutlivesTheProcessThatHeardIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := build(t, func(s *setup) {
			s.accounts.Bank.Kaspi.LateSuccess, s.accounts.Bank.Kaspi.NotifyURL, s.broken = true, "", true
		})
		p := h.expired()
		h.payer(kaspiMain, p.Attempts[0].Reference, sim.ActPayLate)
		dying := h.stepped(nil) // it hears, and is gone before it does anything about it
		if reply := h.hint(dying, p.Attempts[0].Reference); reply.Status != 200 {
			t.Fatalf("not acknowledged: %d %s", reply.Status, reply.Body)
		}
		time.Sleep(5 * time.Minute)
		p = h.want(p, payment.StatusFailed, 0) // found, and given back
		if !p.Found(payment.MoneyAfterClose, 1) {
			t.Fatalf("late money nobody looked for\n%s", h.story(p))
		}
	})
}

// Hints cost nothing to send, so many of them about one order are one look-up or two.
func TestManyHintsAboutOneOrderAreFewLookUps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := build(t, func(s *setup) { s.accounts.Bank.Kaspi.NotifyURL = "" })
		p := h.expired()
		q := h.expired()
		before := h.bank.Ledger().Count("kaspi", sim.OpStatus, p.Attempts[0].Reference)
		var senders sync.WaitGroup
		for range 200 {
			senders.Go(func() { h.hint(h.router, p.Attempts[0].Reference) })
		}
		senders.Wait()
		h.hint(h.router, q.Attempts[0].Reference)
		asked := time.Now()
		time.Sleep(5 * time.Second)
		if n := h.bank.Ledger().Count("kaspi", sim.OpStatus, p.Attempts[0].Reference) - before; n < 1 || n > 6 {
			t.Errorf("200 hints of one moment made %d look-ups", n)
		}
		if q = h.get(q); q.Attempts[0].LastLook.Before(asked) {
			t.Errorf("another order's hint waits behind them")
		}
		time.Sleep(5 * time.Minute)
	})
}
