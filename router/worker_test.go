package router_test

import (
	"context"
	"database/sql"
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

// A gateway that does not answer must not keep the payments of others waiting: they are
// looked up, refunded and given back as if it were well.
func TestAGatewayThatHangsDoesNotHoldUpThePaymentsOfOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var deaf atomic.Pointer[look]
		h := build(t, lookingBy(&deaf), func(s *setup) { s.accounts.Bank.Kaspi.NotifyURL, s.atOnce = "", 400 })
		for range 200 {
			h.create(at(ask(providers.QR), kaspiMain), patience)
		}
		hang := look(func(ask func() providers.Result) providers.Result { return ask() })
		deaf.Store(&hang) // no notices; looks go through
		h.fault(sim.Fault{Face: "kaspi", Op: sim.OpStatus, Kind: sim.FaultHang})
		time.Sleep(20 * time.Second)
		p := h.create(at(ask(providers.Link), wayforpayMain), patience)
		h.payer(wayforpayMain, p.Attempts[0].Reference, sim.ActPay)
		time.Sleep(10 * time.Second)
		h.want(p, payment.StatusPaid, p.Amount.Minor)
	})
}

// However many callers repeat one request while its outcome is unknown, the gateway is
// asked as the schedule says, not once for each of them.
func TestARetryStormIsNotALookUpStorm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := build(t, first(halykMain))
		h.fault(sim.Fault{Face: "halyk", Op: sim.OpCharge, Kind: sim.FaultActDrop, Times: 1})
		h.fault(sim.Fault{Face: "halyk", Op: sim.OpStatus, Kind: sim.FaultHang})
		wish := byCard(halykMain)
		var callers sync.WaitGroup
		for range 50 {
			callers.Go(func() {
				ctx, cancel := context.WithTimeout(context.Background(), patience)
				defer cancel()
				if _, err := h.router.Create(ctx, wish); err != nil {
					t.Error(err)
				}
			})
		}
		callers.Wait()
		p := h.only()
		if n := h.bank.Ledger().Count("halyk", sim.OpStatus, p.Attempts[0].Reference); n > 6 {
			t.Errorf("50 callers made %d look-ups in %s", n, patience)
		}
		time.Sleep(time.Minute)
	})
}

// What a worker had claimed when its process was told to stop is due at once, not
// after the lease.
func TestAWorkerThatStopsGivesItsClaimsBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		file, beside := inFile(t)
		h := build(t, file)
		for range 20 {
			h.create(at(ask(providers.QR), kaspiMain), patience)
		}
		o, copied := h.copied(beside)
		defer o.Journal.Close()
		h.fault(sim.Fault{Face: "kaspi", Op: sim.OpStatus, Kind: sim.FaultHang})
		r, err := router.New(o)
		h.must(err)
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { r.Run(ctx); close(done) }()
		time.Sleep(8 * time.Second)
		stop()
		<-done
		db, err := sql.Open("sqlite", "file:"+copied)
		h.must(err)
		defer db.Close()
		var leased int
		h.must(db.QueryRow(`SELECT COUNT(*) FROM payments WHERE due_at > ?`, time.Now().Add(time.Minute).UnixMicro()).Scan(&leased))
		if leased > 0 {
			t.Errorf("%d payments of 20 wait for the end of a lease that nobody holds", leased)
		}
	})
}
