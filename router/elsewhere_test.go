package router_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/providers/sim"
	"github.com/payrouter/payrouter/router/payment"
)

// counted is a house whose times to failover can be read.
func counted(t *testing.T, change ...func(*setup)) (h *house, failovers func(gateway string) (n uint64, took time.Duration)) {
	t.Helper()
	registry := prometheus.NewRegistry()
	h = build(t, append(change, func(s *setup) { s.health = registry })...)
	return h, func(gateway string) (n uint64, took time.Duration) {
		t.Helper()
		families, err := registry.Gather()
		h.must(err)
		for _, f := range families {
			for _, m := range f.GetMetric() {
				if f.GetName() == "payrouter_failover_seconds" && m.GetLabel()[0].GetValue() == gateway {
					return m.GetHistogram().GetSampleCount(), time.Duration(m.GetHistogram().GetSampleSum() * float64(time.Second)).Round(time.Millisecond)
				}
			}
		}
		t.Fatalf("nothing is told of %s", gateway)
		return 0, 0
	}
}

func TestTheTimeToFailoverIsThatOfTheFirstPayerWhereKaspiRefuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, failovers := counted(t)
		time.Sleep(time.Second) // the first probe was good
		if p := h.create(ask(providers.QR, providers.Page), patience); p.Attempts[0].Gateway != kaspiMain {
			t.Fatalf("it goes to %s", p.Attempts[0].Gateway)
		}
		if n, _ := failovers(kaspiMain); n != 0 {
			t.Fatalf("%d outages while all is well", n)
		}
		id := h.fault(sim.Fault{Face: "kaspi", Kind: sim.FaultRefuse})
		began := time.Now()
		p := h.create(ask(providers.QR, providers.Page), patience)
		took := time.Since(began).Round(time.Millisecond)
		if n, got := failovers(kaspiMain); n != 1 || got > took || len(p.Attempts) != 2 {
			t.Fatalf("%d outages, %s to failover, the payer waited %s\n%s", n, got, took, h.story(p))
		}
		for range 20 { // the breaker opens, probes fail: it is one outage
			h.create(ask(providers.QR, providers.Page), patience)
			time.Sleep(time.Second)
		}
		if n, _ := failovers(kaspiMain); n != 1 {
			t.Errorf("one outage is counted %d times", n)
		}
		if !h.bank.RemoveFault(id) {
			t.Fatal("it stays broken")
		}
		for range 60 { // its payments come back in steps
			h.create(ask(providers.QR, providers.Page), patience)
			time.Sleep(10 * time.Second)
		}
		h.fault(sim.Fault{Face: "kaspi", Kind: sim.FaultRefuse})
		h.create(ask(providers.QR, providers.Page), patience)
		if n, _ := failovers(kaspiMain); n != 2 {
			t.Errorf("two outages are counted as %d", n)
		}
		if n, _ := failovers(halykMain); n != 0 {
			t.Errorf("%d outages of the backup", n)
		}
	})
}

// Where it hangs the probe is what fails first: nobody has been sent away before it was asked.
func TestTheTimeToFailoverOfAGatewayThatHangsBeginsWithItsFirstProbe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, failovers := counted(t)
		time.Sleep(time.Second)
		h.fault(sim.Fault{Face: "kaspi", Kind: sim.FaultHang})
		broke := time.Now()
		var served payment.Payment
		for served.ID == "" && time.Since(broke) < 5*time.Minute {
			p := h.create(ask(providers.Push, providers.Page), patience)
			if a, _ := p.Last(); a.Gateway != kaspiMain {
				served = p
			}
			time.Sleep(time.Second)
		}
		n, took := failovers(kaspiMain)
		if n != 1 || served.ID == "" {
			t.Fatalf("%d outages", n)
		}
		// The first payment began to hang at the break, the time-out is some seconds, and what is
		// asked by a push is not asked elsewhere until it is known how it stands.
		if until := served.Attempts[len(served.Attempts)-1].Changed.Sub(broke).Round(time.Millisecond); took > until || took < until-time.Second {
			t.Errorf("%s to failover, the first payment was served elsewhere %s after the break\n%s", took, until, h.story(served))
		}
	})
}

func TestADrainIsNoOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, failovers := counted(t)
		time.Sleep(time.Second)
		h.drain(kaspiMain, false)
		p := h.create(ask(providers.QR, providers.Page), patience)
		if n, _ := failovers(kaspiMain); n != 0 || p.Attempts[0].Gateway == kaspiMain {
			t.Errorf("%d outages\n%s", n, h.story(p))
		}
	})
}
