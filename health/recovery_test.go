package health_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/payrouter/payrouter/health"
)

func TestAProbeThatPanicsIsAFaultAndTheProcessLives(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gateways := quick("kaspi")
		gateways[0].Probe = func(context.Context) health.Signal { panic("an answer nobody thought of") }
		b := board(t, health.Options{Gateways: gateways})
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { b.Run(ctx); close(done) }()
		time.Sleep(10 * time.Second)
		if err := b.Peek("kaspi", health.OpCharge, ""); !errors.Is(err, health.ErrProbeFailing) {
			t.Errorf("after probes that panicked: %v", err)
		}
		stop()
		<-done
	})
}

// Calls that were on their way when the breaker opened answer long after it, slowly and
// badly. They are old news: the trial decides.
func TestStragglersOfAnOutageDoNotFailTheTrial(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gateways := quick("kaspi")
		gateways[0].SlowAfter = map[health.Op]time.Duration{health.OpCharge: 3 * time.Second}
		b := board(t, health.Options{Gateways: gateways})
		var stragglers []func(health.Signal)
		for range 30 {
			permit, err := b.Admit("kaspi", health.OpCharge, "p")
			if err != nil {
				t.Fatal(err)
			}
			stragglers = append(stragglers, permit.Report)
		}
		for range 5 {
			try(b, "kaspi", health.Fault)
		}
		if err := b.Peek("kaspi", health.OpCharge, "p"); !errors.Is(err, health.ErrBreakerOpen) {
			t.Fatalf("after five faults: %v", err)
		}
		time.Sleep(9 * time.Second)
		for _, report := range stragglers {
			report(health.Fault)
		}
		time.Sleep(20 * time.Second)
		for i := range 3 {
			if err := try(b, "kaspi", health.Healthy); err != nil {
				t.Fatalf("trial %d: %v", i, err)
			}
		}
		if got := b.Snapshot()[0].Breakers[health.OpCharge]; got != "closed" {
			t.Errorf("after three good trials the breaker is %s", got)
		}
	})
}

// Time-outs of calls from before the outage may come when the breaker has closed again.
// They are old news then too: five new faults open it, and not one.
func TestStragglersOfAnOutageDoNotOpenTheBreakerThatClosedAfterIt(t *testing.T) {
	for name, late := range map[string]health.Signal{"time-outs": health.Fault, "slow answers": health.Healthy} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				gateways := quick("kaspi")
				gateways[0].SlowAfter = map[health.Op]time.Duration{health.OpCharge: 3 * time.Second}
				b := board(t, health.Options{Gateways: gateways, Ramp: []int{100}})
				var stragglers []func(health.Signal)
				for range 20 {
					permit, err := b.Admit("kaspi", health.OpCharge, "p")
					if err != nil {
						t.Fatal(err)
					}
					stragglers = append(stragglers, permit.Report)
				}
				outage(t, b)
				time.Sleep(19 * time.Second)
				for range 3 {
					try(b, "kaspi", health.Healthy)
				}
				for _, report := range stragglers {
					report(late)
				}
				for i := range 4 {
					if err := try(b, "kaspi", health.Fault); err != nil {
						t.Fatalf("new fault %d: %v", i, err)
					}
				}
				if got := b.Snapshot()[0]; got.Breakers[health.OpCharge] != "closed" || got.Faults[health.OpCharge] != 4 {
					t.Errorf("after four new faults the breaker is %s, with %d in a row", got.Breakers[health.OpCharge], got.Faults[health.OpCharge])
				}
			})
		})
	}
}

// Each failed trial of a long outage doubles the open time. An outage of months ago doubles
// nothing.
func TestTheOpenTimeOfALongOutageIsForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := board(t, health.Options{Gateways: quick("kaspi"), Ramp: []int{100}, Rand: func() float64 { return 0.5 }})
		left := func() time.Duration { return time.Until(b.Snapshot()[0].OpenUntil) }
		outage(t, b)
		for i := range 20 { // well over an hour, so that the first of them are forgotten
			want := min(15*time.Second<<i, 5*time.Minute)
			if got := left(); got != want {
				t.Fatalf("open for %s after %d failed trials, want %s", got, i, want)
			}
			time.Sleep(left() - time.Millisecond)
			if got := b.Snapshot()[0].Breakers[health.OpCharge]; got != "open" {
				t.Fatalf("said to be %s a moment before it may be tried", got)
			}
			time.Sleep(time.Millisecond)
			time.Sleep(time.Second)
			if err := try(b, "kaspi", health.Fault); err != nil {
				t.Fatalf("trial %d: %v", i, err)
			}
		}
		time.Sleep(6 * time.Minute)
		for range 3 {
			try(b, "kaspi", health.Healthy)
		}
		time.Sleep(time.Hour)
		outage(t, b)
		if got := left(); got != 15*time.Second {
			t.Errorf("open for %s an hour after the last outage", got)
		}
	})
}

// The longest open time may be shorter than the first one: then it is that of all.
func TestTrialsGoOneByOneHoweverShortTheLongestOpenTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := board(t, health.Options{Gateways: quick("kaspi"), OpenFor: time.Minute, OpenAtMost: 10 * time.Second})
		outage(t, b)
		time.Sleep(13 * time.Second)
		trial, err := b.Admit("kaspi", health.OpCharge, "payment-1")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := b.Admit("kaspi", health.OpCharge, "payment-2"); !errors.Is(err, health.ErrBreakerOpen) {
			t.Errorf("beside the trial: %v", err)
		}
		trial.Report(health.Healthy)
		for range 2 {
			try(b, "kaspi", health.Healthy)
		}
		if got := b.Snapshot()[0].Breakers[health.OpCharge]; got != "closed" {
			t.Errorf("after three good trials: %s", got)
		}
	})
}

// A refusal that says nothing about the gateway (throttled, our credentials) must not
// use up the trials of a half-open breaker.
func TestNeutralTrialsDoNotUseUpTheTrials(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := board(t, health.Options{Gateways: quick("kaspi")})
		for range 5 {
			try(b, "kaspi", health.Fault)
		}
		time.Sleep(20 * time.Second)
		for i := range 10 {
			if err := try(b, "kaspi", health.Neutral); err != nil {
				t.Fatalf("neutral trial %d: %v", i, err)
			}
			if got := b.Snapshot()[0].Breakers[health.OpCharge]; got != "half_open" {
				t.Fatalf("after neutral trial %d: %s", i, got)
			}
		}
		for range 3 {
			try(b, "kaspi", health.Healthy)
		}
		if got := b.Snapshot()[0].Breakers[health.OpCharge]; got != "closed" {
			t.Errorf("after three good trials: %s", got)
		}
	})
}

func TestAPaymentThatNoOtherGatewayCanServeDoesNotWaitForTheRamp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := board(t, health.Options{Gateways: quick("kaspi")})
		b.SetOverrides([]health.Override{{ID: "1", Gateway: "kaspi", Mode: health.Drain, Start: time.Now(), End: time.Now().Add(time.Minute)}})
		if _, err := b.AdmitAlone("kaspi", health.OpCharge); !errors.Is(err, health.ErrDrained) {
			t.Fatalf("while it is drained: %v", err)
		}
		time.Sleep(time.Minute)
		for range 20 { // at 5 %, one payment of twenty would be admitted
			permit, err := b.AdmitAlone("kaspi", health.OpCharge)
			if err != nil {
				t.Fatal(err)
			}
			permit.Report(health.Healthy)
		}
	})
}

// Charges and offers have breakers of their own and come back by themselves: neither may
// end the ramp of the other, or begin one for it.
func TestTheRampOfChargesIsNotThatOfOffers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := board(t, health.Options{Gateways: quick("kaspi")})
		times := func(n int, op health.Op, s health.Signal) {
			t.Helper()
			for i := range n {
				permit, err := b.AdmitAlone("kaspi", op)
				if err != nil {
					t.Fatalf("%s %d: %v", op, i, err)
				}
				permit.Report(s)
			}
		}
		percent := func(op health.Op) (admitted int) {
			for i := range 1000 {
				if b.Peek("kaspi", op, fmt.Sprint("payment-", i)) == nil {
					admitted++
				}
			}
			return admitted / 10
		}
		times(5, health.OpCharge, health.Fault)
		time.Sleep(19 * time.Second)
		times(3, health.OpCharge, health.Healthy)
		if got := percent(health.OpCreate); got != 100 {
			t.Errorf("charges come back, and %d %% of the offers are admitted", got)
		}
		times(5, health.OpCreate, health.Fault)
		if got := percent(health.OpCharge); got > 9 {
			t.Errorf("the breaker of offers opens, and %d %% of the charges are admitted in their first step", got)
		}
		time.Sleep(4 * time.Minute)
		times(3, health.OpCreate, health.Healthy)
		if charges, offers := percent(health.OpCharge), percent(health.OpCreate); charges != 100 || offers > 9 {
			t.Errorf("offers come back: %d %% of the charges and %d %% of the offers are admitted", charges, offers)
		}
		if share := b.Snapshot()[0].Share; share != 5 {
			t.Errorf("share %d %%, want that of the offers", share)
		}
	})
}

func TestAnOrderToObserveOnlyShowsThatEverythingIsAdmitted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := board(t, health.Options{Gateways: quick("kaspi")})
		now := time.Now()
		b.SetOverrides([]health.Override{{ID: "1", Gateway: "kaspi", Mode: health.Drain, Start: now, End: now.Add(time.Minute)}})
		time.Sleep(time.Minute)
		b.SetOverrides([]health.Override{{ID: "2", Gateway: "kaspi", Mode: health.ObserveOnly, Start: now, End: now.Add(time.Hour)}})
		if share := b.Snapshot()[0].Share; share != 100 {
			t.Errorf("share %d %%", share)
		}
	})
}

// Only a real charge shows that charges are served again, and at night, or at a gateway that stands by
// for another, none may come for long. Nothing is learnt by asking faster meanwhile.
func TestAGatewayThatWaitsForARealChargeIsProbedAsWhenAllIsWell(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gateways := quick("kaspi")
		answer, probes := health.Healthy, 0
		gateways[0].Probe = func(context.Context) health.Signal { probes++; return answer }
		b := board(t, health.Options{Gateways: gateways, Ramp: []int{100}, OpenFor: time.Minute})
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { b.Run(ctx); close(done) }()
		within := func(d time.Duration) int {
			synctest.Wait()
			before := probes
			time.Sleep(d)
			synctest.Wait()
			return probes - before
		}
		outage(t, b)
		time.Sleep(90 * time.Second) // the breaker may be tried, and the probes are good
		if n := within(time.Hour); n > 241 {
			t.Errorf("%d probes in an hour without a charge, and 240 in one in which all is well", n)
		}
		answer = health.Fault
		time.Sleep(20 * time.Second)
		if n := within(time.Minute); n < 29 {
			t.Errorf("%d probes in a minute in which they fail", n)
		}
		answer = health.Healthy
		time.Sleep(20 * time.Second)
		if err := try(b, "kaspi", health.Fault); err != nil {
			t.Fatalf("the first charge is not tried: %v", err)
		}
		time.Sleep(15 * time.Second) // of the slow pace
		if n := within(4 * time.Second); n < 2 {
			t.Errorf("%d probes in four seconds after the trial failed", n)
		}
		stop()
		<-done
	})
}
