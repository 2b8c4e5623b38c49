package router_test

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"net/url"
	"strconv"
	"sync"
	"sync/atomic"
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

// A status that lags behind the gateway's own notice shows an attempt that is over as it was:
// such a look-up does not use the hint up, and the next one finds the late money.
func TestALookUpThatLagsBehindItsHintDoesNotUseItUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l atomic.Pointer[look]
		h := build(t, lookingBy(&l), func(s *setup) {
			s.accounts.Bank.Kaspi.LateSuccess, s.accounts.Bank.Kaspi.NotifyURL, s.broken = true, "", true
		})
		p := h.expired()
		stale := answering(providers.Result{Verdict: providers.Declined, Reason: providers.Expired})
		l.Store(&stale)
		h.payer(kaspiMain, p.Attempts[0].Reference, sim.ActPayLate)
		h.hint(h.router, p.Attempts[0].Reference)
		time.Sleep(10 * time.Second)
		if looks := h.get(p).Attempts[0].Looks; looks == 0 {
			t.Fatal("the hint was not followed at all")
		}
		l.Store(nil)
		time.Sleep(5 * time.Minute)
		p = h.want(p, payment.StatusFailed, 0) // found, and given back
		if !p.Found(payment.MoneyAfterClose, 1) {
			t.Fatalf("late money nobody looked for\n%s", h.story(p))
		}
		before := h.bank.Ledger().Count("kaspi", sim.OpStatus, p.Attempts[0].Reference)
		time.Sleep(10 * time.Minute)
		if n := h.bank.Ledger().Count("kaspi", sim.OpStatus, p.Attempts[0].Reference) - before; n > 2 {
			t.Errorf("a hint that was followed made %d more look-ups", n)
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

// A debit of a number that is nobody's goes back by our first answer. Should the number
// be handed out afterwards, the bank's repeat must read that answer again: it would
// give the money back, and our books would call the new payment paid.
func TestADebitOfANumberHandedOutLaterIsAnsweredAsBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := build(t)
		p := h.create(ask(providers.Account), patience)
		n, err := strconv.Atoi(p.Attempts[0].Reference)
		h.must(err)
		next := fmt.Sprintf("%010d", n+1)
		if got := h.biller("pay", next, "t1"); got != `"result":1` {
			t.Fatalf("a debit of nobody's number is answered %s", got)
		}
		q := h.create(ask(providers.Account), patience)
		if q.Attempts[0].Reference != next {
			t.Fatalf("the next number is %s, not %s", q.Attempts[0].Reference, next)
		}
		if got := h.biller("pay", next, "t1"); got != `"result":1` {
			t.Errorf("the repeat is answered %s", got)
		}
		if q = h.get(q); q.Attempts[0].Verdict.HasMoney() {
			t.Errorf("paid by money that went back\n%s", h.story(q))
		}
		if got := h.biller("pay", next, "t2"); got != `"result":0` {
			t.Errorf("the payer's own debit is answered %s", got)
		}
	})
}

// A counter that began anew hands a number out again, while Robokassa still repeats what came of
// it before: nobody acknowledged that, since the books were lost. It pays nothing here.
func TestANoticeOfAnEarlierPaymentOfTheNumberPaysNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := build(t, func(s *setup) { s.gateways = []string{"robokassa"} })
		p := h.create(at(ask(providers.Page), "robokassa-main"), patience)
		number := p.Attempts[0].Reference
		told := func(planned time.Time) providers.Reply {
			attempt := fmt.Sprintf("%s-%d", number, planned.UnixMilli())
			signature := md5.Sum([]byte("15490.000000:" + number + ":" + h.settings.accounts.Robokassa.Password2.Reveal() + ":Shp_attempt=" + attempt))
			form := url.Values{"OutSum": {"15490.000000"}, "InvId": {number}, "Shp_attempt": {attempt}, "SignatureValue": {hex.EncodeToString(signature[:])}}
			reply, err := h.router.Hear(t.Context(), "robokassa-main", providers.Notice{Method: "POST", Body: []byte(form.Encode()), Source: "127.0.0.1"})
			h.must(err)
			return reply
		}
		if reply := told(p.Attempts[0].Planned.Add(-time.Hour)); reply.Status != 404 || h.get(p).Attempts[0].Verdict.HasMoney() {
			t.Errorf("answered %d %s\n%s", reply.Status, reply.Body, h.story(h.get(p)))
		}
		if reply := told(p.Attempts[0].Planned); reply.Status != 200 || h.get(p).Status() != payment.StatusPaid {
			t.Errorf("its own notice is answered %d %s\n%s", reply.Status, reply.Body, h.story(h.get(p)))
		}
	})
}

// What the books do not know may be what they lost: the bank is asked to come again, and
// not told to give the money back.
func TestWhileAWindowIsLostNoNumberIsCalledUnknown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := build(t)
		h.loseWindow()
		time.Sleep(2 * time.Second)
		for _, command := range []string{"check", "pay"} {
			if got := h.biller(command, "1234567890", "t1"); got != `"result":4` {
				t.Errorf("the bank's %s is answered %s", command, got)
			}
		}
	})
}

// Kaspi forbids to poll an invoice: it is looked at 1, 6 and 21 minutes after it was sent.
// A payer who paid in between opens the order's page, and must not wait there.
func TestAPaymentThatSomebodyAsksAboutIsLookedUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := build(t, func(s *setup) { s.accounts.Bank.Kaspi.NotifyURL = "" })
		p := h.create(ask(providers.Push), patience)
		time.Sleep(8 * time.Minute)
		h.payer(kaspiMain, p.Attempts[0].External, sim.ActPay)
		time.Sleep(10 * time.Second)
		if p = h.get(p); p.Status() == payment.StatusPaid {
			t.Fatalf("learnt without asking\n%s", h.story(p))
		}
		asked := h.requests()
		for range 20 {
			h.router.Refresh(p)
		}
		time.Sleep(2 * time.Second)
		h.want(p, payment.StatusPaid, p.Amount.Minor)
		if n := h.requests() - asked; n > 4 { // each look is two
			t.Errorf("%d requests", n)
		}
	})
}

// A page that is paid twice has its second payment told by a notice of the same sum: it
// tells nothing new but whose it is.
func TestANoticeOfASecondPaymentOfTheSameOrderIsNoRepeat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := build(t, first(wayforpayMain))
		p := h.create(ask(providers.Link), patience)
		tell := func(movement string) payment.Payment {
			h.must(h.router.Observe(t.Context(), h.get(p), 1, payment.FromNotice, providers.Result{Verdict: providers.Approved, Amount: p.Amount, Movement: movement}))
			return h.get(p)
		}
		once := tell("7001")
		if again := tell("7001"); again.Seq != once.Seq || again.Found(payment.MoneyTwice, 1) {
			t.Errorf("a repeat is written down\n%s", h.story(again))
		}
		if twice := tell("7002"); !twice.Found(payment.MoneyTwice, 1) {
			t.Errorf("a second payment is out of sight\n%s", h.story(twice))
		}
	})
}
