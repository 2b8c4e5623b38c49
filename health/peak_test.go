package health

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestThePeakOfTheLastQuarterHourIsRemembered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, err := New(Options{Gateways: []Gateway{{Name: "kaspi", MaxConcurrent: 8}}})
		if err != nil {
			t.Fatal(err)
		}
		peak := func(want int) {
			t.Helper()
			if h := b.Snapshot()[0]; h.Peak != want || h.Most != 8 {
				t.Errorf("peak %d of %d, want %d", h.Peak, h.Most, want)
			}
		}
		begin := func() func(Signal) {
			permit, err := b.Admit("kaspi", OpCharge, "p")
			if err != nil {
				t.Fatal(err)
			}
			return permit.Report
		}
		peak(0)
		first, second := begin(), begin()
		first(Healthy)
		second(Healthy)
		peak(2)
		time.Sleep(10 * time.Minute)
		begin()(Healthy)
		peak(2)
		time.Sleep(6 * time.Minute)
		peak(1)
		last := begin() // what is on its way counts however long
		time.Sleep(time.Hour)
		peak(1)
		last(Healthy)
		peak(0)
	})
}

func TestAGatewayIsFailingWhateverIsOrderedAboutIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, err := New(Options{Gateways: []Gateway{{Name: "kaspi"}, {Name: "halyk", ObserveOnly: true}}, Consecutive: 1})
		if err != nil {
			t.Fatal(err)
		}
		if err := b.Failing("kaspi"); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"kaspi", "halyk"} {
			permit, err := b.Admit(name, OpCharge, "p")
			if err != nil {
				t.Fatal(err)
			}
			permit.Report(Fault)
		}
		order := Override{Gateway: "kaspi", Mode: Admit, Start: time.Now(), End: time.Now().Add(time.Hour), Actor: "operator:aida"}
		b.SetOverrides([]Override{order})
		if err := b.Failing("kaspi"); !errors.Is(err, ErrBreakerOpen) {
			t.Errorf("failing: %v", err)
		}
		if said := b.Forced("kaspi"); said != "though breaker is open, by the order of operator:aida" {
			t.Errorf("forced: %q", said)
		}
		order.Mode = Drain
		b.SetOverrides([]Override{order})
		if err := b.Failing("kaspi"); !errors.Is(err, ErrBreakerOpen) || b.Forced("kaspi") != "" {
			t.Errorf("drained: failing %v, forced %q", err, b.Forced("kaspi"))
		}
		if err := b.Failing("halyk"); err != nil {
			t.Errorf("watched only: %v", err)
		}
		if err := b.Failing("nobody"); !errors.Is(err, ErrUnknownGateway) {
			t.Errorf("nobody: %v", err)
		}
	})
}
