package router_test

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/providers/sim"
	"github.com/payrouter/payrouter/router"
	"github.com/payrouter/payrouter/router/journal"
	"github.com/payrouter/payrouter/router/payment"
)

// The by-products of the events say what the events say, and whatever is open has a
// time to be looked at or stands before people (SAFETY L2), in the middle of an outage
// as well as after it.
func TestTheBooksAgreeWithTheirEventsAndNothingOpenIsForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "books.db")
		h := build(t, func(s *setup) { s.store, s.atOnce, s.broken = "sqlite:"+path, 200, true })
		db, err := sql.Open("sqlite", "file:"+path+"?_pragma=busy_timeout(5000)")
		h.must(err)
		defer db.Close()
		wishes := []func() router.Wish{
			func() router.Wish { return ask(providers.QR, providers.Page) },
			func() router.Wish { return ask(providers.Push, providers.Link) },
			func() router.Wish { return ask(providers.Account, providers.Page) },
			func() router.Wish { return byCard(halykMain, providers.Page) },
			func() router.Wish { return byCard(wayforpayMain) },
			func() router.Wish { w := ask(providers.Link); w.TwoStage = true; return w },
		}
		faults := []sim.Fault{
			{Face: "kaspi", Kind: sim.FaultActDrop, Times: 3}, {Face: "halyk", Kind: sim.FaultHang, Times: 3}, {Face: "wayforpay", Kind: sim.FaultHTTPError, Times: 3},
			{Face: "halyk", Op: sim.OpCharge, Kind: sim.FaultActHang, Times: 2}, {Face: "kaspi", Op: sim.OpStatus, Kind: sim.FaultUnknownStatus, Times: 5},
			{Face: "wayforpay", Op: sim.OpRefund, Kind: sim.FaultActDrop, Times: 1}, {Face: "wayforpay", Op: sim.OpCharge, Kind: sim.FaultWrongAmount, Times: 1},
		}
		var all []payment.Payment
		for round := range 8 {
			h.fault(faults[round%len(faults)])
			for i, wish := range wishes {
				ctx, cancel := context.WithTimeout(context.Background(), patience)
				w := wish()
				w.Order = fmt.Sprintf("order-%d-%d", round, i)
				p, err := h.router.Create(ctx, w)
				cancel()
				if err != nil {
					continue // no gateway is admitted just now
				}
				all = append(all, p)
				last, _ := p.Last()
				switch (round + i) % 4 {
				case 0:
					_ = h.bank.Act(faceOf(last.Gateway), last.Reference, sim.ActPay)
				case 1:
					_ = h.bank.Act(faceOf(last.Gateway), last.Reference, sim.ActDecline)
				case 2:
					_, _ = h.router.Cancel(context.Background(), command(p), "")
				}
				if p = h.get(p); p.Refundable() > 0 {
					_, _, _ = h.router.Refund(context.Background(), command(p), providers.Money{Minor: 100000, Currency: "KZT"}, "")
				}
			}
			time.Sleep(97 * time.Second)
			h.agree(db, all)
		}
		_, err = h.router.CreateOverride(context.Background(), journal.Override{ID: uuid.NewString(), Gateway: kaspiMain, Mode: "drain", MoveOpen: true,
			Actor: "operator:aida", Reason: "test", End: time.Now().Add(time.Hour)})
		h.must(err)
		for range 2 {
			time.Sleep(20 * time.Minute)
			h.agree(db, all)
		}
		if len(all) < 30 {
			t.Errorf("only %d payments were looked at", len(all))
		}
	})
}

// agree compares the index rows with the fold of the events.
func (h *house) agree(db *sql.DB, all []payment.Payment) {
	h.t.Helper()
	for _, p := range all {
		var (
			orderOpen, risk bool
			status, gateway string
			seq             int64
			due             *int64
		)
		h.must(db.QueryRow(`SELECT order_open, status, gateway, at_risk, seq, due_at FROM payments WHERE id = ?`, p.ID).Scan(&orderOpen, &status, &gateway, &risk, &seq, &due))
		p = h.get(p)
		if p.Seq != seq {
			continue // it moved between the two readings
		}
		open, last := false, ""
		for _, a := range p.Attempts {
			open, last = open || a.Open(), a.Gateway
			var verdict, reference string
			var unclosed, risky bool
			h.must(db.QueryRow(`SELECT verdict, reference, unclosed, at_risk FROM attempts WHERE payment_id = ? AND n = ?`, p.ID, a.N).Scan(&verdict, &reference, &unclosed, &risky))
			if verdict != a.Verdict.String() || reference != a.Reference || unclosed != (a.Closed == nil) || risky != a.Open() {
				h.t.Errorf("attempt %d of %s: the row says %s %t %t\n%s", a.N, p.ID, verdict, unclosed, risky, h.story(p))
			}
		}
		if status != string(p.Status()) || gateway != last || risk != open {
			h.t.Errorf("payment %s: the row says %s at %q, risk %t\n%s", p.ID, status, gateway, risk, h.story(p))
		}
		unpaid := p.Status() == payment.StatusDeclined || p.Status() == payment.StatusFailed || p.Status() == payment.StatusCanceled
		if orderOpen == unpaid {
			h.t.Errorf("payment %s is %s and its order open %t", p.ID, p.Status(), orderOpen)
		}
		waiting := open || p.Sums().Surplus > 0 || p.Status() == payment.StatusProcessing
		for _, o := range p.Operations {
			waiting = waiting || !o.Settled()
		}
		if waiting && due == nil && len(p.Findings) == 0 {
			h.t.Errorf("payment %s waits and nobody will look at it\n%s", p.ID, h.story(p))
		}
		if due != nil && time.Since(time.UnixMicro(*due)) > time.Minute {
			h.t.Errorf("payment %s has been due for %s\n%s", p.ID, time.Since(time.UnixMicro(*due)), h.story(p))
		}
	}
}
