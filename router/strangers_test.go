package router_test

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/providers/sim"
	"github.com/payrouter/payrouter/router"
	"github.com/payrouter/payrouter/router/payment"
)

// While versions are mixed, and after a roll-back, there may be payments of which a later
// version wrote what this one cannot read. Nobody can say here what may be sent for them.
func TestWhatALaterVersionWroteOfIsLeftToItsReplicas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		file, beside := inFile(t)
		h := build(t, file, func(s *setup) { s.accounts.Bank.Kaspi.NotifyURL, s.atOnce = "", 400 })
		var log bytes.Buffer
		o := h.router.Options
		o.Registerer, o.Log = nil, slog.New(slog.NewTextHandler(&log, nil))
		old, err := router.New(o)
		h.must(err)

		own := h.create(at(ask(providers.QR), kaspiMain), patience)
		var theirs []payment.Payment
		for range 100 {
			p := h.create(at(ask(providers.QR), kaspiMain), patience)
			theirs = append(theirs, p)
		}
		for _, p := range theirs {
			p = h.get(p)
			beside(`INSERT INTO events (payment_id, seq, at, actor, kind, body, writer) VALUES (?, ?, ?, 'router', 'invented', '{}', 'later')`, p.ID, p.Seq+1, time.Now().UnixMicro())
			beside(`UPDATE payments SET seq = ?, due_at = ? WHERE id = ?`, p.Seq+1, time.Now().UnixMicro(), p.ID)
			h.payer(kaspiMain, p.Attempts[0].Reference, sim.ActPay)
		}
		sent := len(h.bank.Ledger().Entries)
		h.payer(kaspiMain, own.Attempts[0].Reference, sim.ActPay)
		stop := running(t, old)
		time.Sleep(10 * time.Second)
		h.want(own, payment.StatusPaid, own.Amount.Minor)

		time.Sleep(49*time.Second + 500*time.Millisecond) // in between: at the full minute it is said again, and claimed again
		stop()
		synctest.Wait() // nobody has just claimed them
		for _, p := range theirs {
			if _, err := h.router.Get(t.Context(), "shop", p.ID); !errors.Is(err, payment.ErrUnreadable) {
				t.Fatalf("error %v", err)
			}
			if due := h.due(p); due.After(time.Now().Add(15 * time.Second)) {
				t.Fatalf("a replica that can read it has to wait until %s", due)
			}
		}
		if now := len(h.bank.Ledger().Entries); now != sent+1 {
			t.Errorf("%d entries at the bank, want the %d of the payers and one", now, sent)
		}
		if n := strings.Count(log.String(), "are left to its replicas"); n != 1 || strings.Contains(log.String(), "cannot be driven") {
			t.Errorf("in a minute the log says so %d times:\n%.2000s", n, log.String())
		}

		// A replica that can read them goes on.
		beside(`DELETE FROM events WHERE kind = 'invented'`)
		beside(`UPDATE payments SET seq = seq - 1 WHERE seq > (SELECT MAX(e.seq) FROM events e WHERE e.payment_id = payments.id)`)
		time.Sleep(30 * time.Second)
		for _, p := range theirs {
			h.want(p, payment.StatusPaid, p.Amount.Minor)
		}
	})
}
