package health_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/payrouter/payrouter/health"
)

// One burst that is throttled is one answer: the pause begins at a second however many
// calls were on their way.
func TestABurstOfThrottledAnswersIsOnePause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := board(t, health.Options{Gateways: quick("kaspi")})
		var burst []func(health.Signal)
		for range 20 {
			permit, err := b.Admit("kaspi", health.OpCharge, "p")
			if err != nil {
				t.Fatal(err)
			}
			burst = append(burst, permit.Report)
		}
		for _, report := range burst {
			report(health.Throttled)
		}
		time.Sleep(time.Second)
		if err := b.Peek("kaspi", health.OpCharge, "p"); err != nil {
			t.Errorf("a second after one burst: %v", err)
		}
	})
}

// Our own look-ups may come too fast; that is no reason to sell nothing.
func TestAThrottledLookUpHoldsNoNewPaymentBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := board(t, health.Options{Gateways: quick("kaspi")})
		permit, err := b.Admit("kaspi", health.OpStatus, "")
		if err != nil {
			t.Fatal(err)
		}
		permit.Report(health.Throttled)
		if err := b.Peek("kaspi", health.OpCharge, "p"); err != nil {
			t.Errorf("after a throttled look-up: %v", err)
		}
	})
}

func TestAGoodLookUpDoesNotShortenThePauses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := board(t, health.Options{Gateways: quick("kaspi")})
		for i, pause := range []time.Duration{time.Second, 2 * time.Second, 4 * time.Second} {
			if err := try(b, "kaspi", health.Throttled); err != nil {
				t.Fatalf("answer %d: %v", i, err)
			}
			if permit, err := b.Admit("kaspi", health.OpStatus, ""); err == nil {
				permit.Report(health.Healthy)
			}
			time.Sleep(pause - time.Millisecond)
			if err := b.Peek("kaspi", health.OpCharge, ""); !errors.Is(err, health.ErrThrottled) {
				t.Fatalf("just before the end of %s: %v", pause, err)
			}
			time.Sleep(time.Millisecond)
		}
	})
}
