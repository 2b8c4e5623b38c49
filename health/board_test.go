package health_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/payrouter/payrouter/health"
)

// quick are gateways with time-outs short enough for the default window.
func quick(names ...string) []health.Gateway {
	var all []health.Gateway
	for _, name := range names {
		timeouts := map[health.Op]time.Duration{}
		for _, op := range health.Ops() {
			timeouts[op] = 10 * time.Second
		}
		all = append(all, health.Gateway{Name: name, Timeout: timeouts})
	}
	return all
}

func board(t *testing.T, o health.Options) *health.Board {
	t.Helper()
	b, err := health.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// try admits one charge and reports it. It returns why it was refused.
func try(b *health.Board, gateway string, s health.Signal) error {
	permit, err := b.Admit(gateway, health.OpCharge, "payment-1")
	if err == nil {
		permit.Report(s)
	}
	return err
}

func TestFiveFaultsInARowOpenTheBreakerAndADeclineDoesNot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := board(t, health.Options{Gateways: quick("kaspi", "halyk")})
		for i := range 4 {
			if err := try(b, "kaspi", health.Fault); err != nil {
				t.Fatalf("fault %d: %v", i, err)
			}
		}
		try(b, "kaspi", health.Healthy) // a decline shows that the gateway works
		for range 5 {
			if err := try(b, "kaspi", health.Fault); err != nil {
				t.Fatal(err)
			}
		}
		if err := try(b, "kaspi", health.Healthy); !errors.Is(err, health.ErrBreakerOpen) {
			t.Fatalf("after five faults in a row: %v", err)
		}
		if err := try(b, "halyk", health.Healthy); err != nil {
			t.Fatalf("the other gateway: %v", err)
		}
	})
}

func TestFaultsInARowCountHoursApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := board(t, health.Options{Gateways: quick("kaspi")})
		for range 5 {
			if err := try(b, "kaspi", health.Fault); err != nil {
				t.Fatal(err)
			}
			time.Sleep(2 * time.Hour)
		}
		// Its open time is long over; without a probe, time alone leads to half-open.
		if got := b.Snapshot()[0].Breakers[health.OpCharge]; got == "closed" {
			t.Fatalf("breaker is %s after five faults in a row", got)
		}
	})
}

func TestHalfOfTwentyCallsOpensTheBreaker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := board(t, health.Options{Gateways: quick("kaspi")})
		for i := range 20 {
			s := health.Fault
			if i%2 == 0 {
				s = health.Healthy
			}
			if err := try(b, "kaspi", s); err != nil {
				t.Fatalf("call %d: %v", i, err)
			}
		}
		if err := b.Peek("kaspi", health.OpCharge, ""); !errors.Is(err, health.ErrBreakerOpen) {
			t.Fatalf("ten faults of twenty: %v", err)
		}
	})
}

// afterTwenty is a board whose gateway is slow after 3 s, and twenty charges there, each admitted.
func afterTwenty(t *testing.T, charge func(*health.Permit)) *health.Board {
	t.Helper()
	gateways := quick("kaspi")
	gateways[0].SlowAfter = map[health.Op]time.Duration{health.OpCharge: 3 * time.Second}
	b := board(t, health.Options{Gateways: gateways})
	for i := range 20 {
		permit, err := b.Admit("kaspi", health.OpCharge, "p")
		if err != nil {
			t.Fatalf("call %d: %v", i, err)
		}
		charge(permit)
	}
	return b
}

func TestSlowAnswersOpenTheBreaker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := afterTwenty(t, func(permit *health.Permit) {
			time.Sleep(4 * time.Second)
			permit.Report(health.Healthy)
		})
		if err := b.Peek("kaspi", health.OpCharge, ""); !errors.Is(err, health.ErrBreakerOpen) {
			t.Fatalf("twenty slow answers: %v", err)
		}
	})
}

// Between Admit and the call a payment's plan is made durable. A slow store of our own must
// not shut out a gateway that answers quickly, nor hide one that does not.
func TestSlownessIsTheGatewaysAndNotThatOfOurStore(t *testing.T) {
	for name, c := range map[string]struct {
		store, gateway time.Duration
		want           error
	}{
		"the store is slow":   {store: 4 * time.Second, gateway: time.Second},
		"the gateway is slow": {store: time.Second, gateway: 3 * time.Second, want: health.ErrBreakerOpen},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := afterTwenty(t, func(permit *health.Permit) {
					time.Sleep(c.store)
					permit.Begin()
					time.Sleep(c.gateway)
					permit.Report(health.Healthy)
				})
				if err := b.Peek("kaspi", health.OpCharge, ""); !errors.Is(err, c.want) {
					t.Errorf("after twenty calls: %v", err)
				}
			})
		})
	}
}

func TestNeutralOutcomesSayNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := board(t, health.Options{Gateways: quick("kaspi")})
		for range 50 {
			if err := try(b, "kaspi", health.Neutral); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// outage opens the breaker of kaspi.
func outage(t *testing.T, b *health.Board) {
	t.Helper()
	for range 5 {
		if err := try(b, "kaspi", health.Fault); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAfterAnOutageTrialsGoOneByOneAndTrafficRampsBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := board(t, health.Options{Gateways: quick("kaspi")})
		outage(t, b)
		time.Sleep(19 * time.Second) // 15 s and 20 %
		first, err := b.Admit("kaspi", health.OpCharge, "a")
		if err != nil {
			t.Fatalf("first trial: %v", err)
		}
		if err := b.Peek("kaspi", health.OpCharge, "b"); !errors.Is(err, health.ErrBreakerOpen) {
			t.Fatalf("a second trial beside the first: %v", err)
		}
		first.Report(health.Healthy)
		for range 2 {
			if err := try(b, "kaspi", health.Healthy); err != nil {
				t.Fatal(err)
			}
		}
		for _, step := range []struct{ low, high int }{{2, 9}, {15, 26}, {43, 57}, {100, 100}} {
			admitted := 0
			for i := range 1000 {
				if b.Peek("kaspi", health.OpCharge, fmt.Sprint("payment-", i)) == nil {
					admitted++
				}
			}
			if percent := admitted / 10; percent < step.low || percent > step.high {
				t.Fatalf("%d %% admitted, want %d to %d", percent, step.low, step.high)
			}
			time.Sleep(time.Minute)
		}
	})
}

func TestAFaultDuringTrialsOpensAgainForLonger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := board(t, health.Options{Gateways: quick("kaspi")})
		outage(t, b)
		time.Sleep(19 * time.Second)
		if err := try(b, "kaspi", health.Fault); err != nil {
			t.Fatal(err)
		}
		left := time.Until(b.Snapshot()[0].OpenUntil)
		if left < 24*time.Second || left > 36*time.Second {
			t.Fatalf("open for another %s, want 30 s give or take 20 %%", left)
		}
	})
}

func TestATrialThatNobodyReportsIsAFault(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := board(t, health.Options{Gateways: quick("kaspi")})
		outage(t, b)
		time.Sleep(19 * time.Second)
		if _, err := b.Admit("kaspi", health.OpCharge, "lost"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(21 * time.Second) // twice the time-out
		if err := try(b, "kaspi", health.Healthy); !errors.Is(err, health.ErrBreakerOpen) {
			t.Fatalf("who notices the lost trial goes where it was lost: %v", err)
		}
		left := time.Until(b.Snapshot()[0].OpenUntil)
		if left < 24*time.Second || left > 36*time.Second {
			t.Fatalf("open for another %s, want 30 s give or take 20 %%", left)
		}
		time.Sleep(left + time.Second)
		if err := try(b, "kaspi", health.Healthy); err != nil {
			t.Fatalf("the gateway stays half-open for ever: %v", err)
		}
	})
}

func TestProbesGoBeforePayersMoney(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var alive atomic.Bool
		gateways := quick("kaspi")
		gateways[0].Probe = func(context.Context) health.Signal {
			if alive.Load() {
				return health.Healthy
			}
			return health.Fault
		}
		b := board(t, health.Options{Gateways: gateways})
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); b.Run(ctx) }()
		time.Sleep(20 * time.Second)
		if err := b.Peek("kaspi", health.OpCharge, ""); !errors.Is(err, health.ErrProbeFailing) {
			t.Fatalf("three bad probes and no payment tried: %v", err)
		}
		outage := b.Snapshot()[0]
		if outage.Admitting || outage.Share != 0 {
			t.Fatalf("snapshot %+v", outage)
		}
		alive.Store(true)
		time.Sleep(2 * time.Second)
		if err := b.Peek("kaspi", health.OpCharge, ""); err == nil {
			t.Fatal("one good probe let payers in")
		}
		time.Sleep(6*time.Second + 4*time.Minute)
		if err := b.Peek("kaspi", health.OpCharge, ""); err != nil {
			t.Fatalf("good probes and the whole ramp: %v", err)
		}
		stop()
		<-done
	})
}

func TestDrainRefusesNewPaymentsOnlyAndEndsInARamp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := board(t, health.Options{Gateways: quick("kaspi")})
		b.SetOverrides([]health.Override{{ID: "1", Gateway: "kaspi", Mode: health.Drain, Start: time.Now(), End: time.Now().Add(time.Hour), MoveOpen: true}})
		for _, op := range health.Ops() {
			err := b.Peek("kaspi", op, "")
			if gated := op == health.OpCharge || op == health.OpCreate; gated != errors.Is(err, health.ErrDrained) {
				t.Errorf("%s: %v", op, err)
			}
		}
		if !b.MoveOpen("kaspi") {
			t.Error("the wish to move open payments is lost")
		}
		time.Sleep(time.Hour)
		if share := b.Snapshot()[0].Share; share != 5 {
			t.Errorf("share %d %% just after the drain, want 5", share)
		}
	})
}

func TestAdmitOverridesAnOpenBreaker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := board(t, health.Options{Gateways: quick("kaspi")})
		outage(t, b)
		b.SetOverrides([]health.Override{{ID: "1", Gateway: "kaspi", Mode: health.Admit, Start: time.Now(), End: time.Now().Add(time.Hour)}})
		if err := try(b, "kaspi", health.Fault); err != nil {
			t.Fatal(err)
		}
		b.SetOverrides(nil)
		if err := b.Peek("kaspi", health.OpCharge, ""); !errors.Is(err, health.ErrBreakerOpen) {
			t.Fatalf("after the order: %v", err)
		}
	})
}

func TestWhenNoGatewayCanBeReachedNoBreakerOpens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := board(t, health.Options{Gateways: quick("kaspi", "halyk", "idle")})
		try(b, "kaspi", health.Unreachable)
		for range 20 {
			for _, name := range []string{"kaspi", "halyk"} {
				if err := try(b, name, health.Unreachable); err != nil {
					t.Fatalf("%s: %v", name, err)
				}
			}
		}
		// The way out is back for one of them: the other is at fault by itself again.
		try(b, "halyk", health.Healthy)
		for range 5 {
			try(b, "kaspi", health.Unreachable)
		}
		if err := b.Peek("kaspi", health.OpCharge, ""); !errors.Is(err, health.ErrBreakerOpen) {
			t.Fatalf("kaspi alone out of reach: %v", err)
		}
	})
}

// The gauge says that no breaker opens. It must not say so for longer than it is true: neither
// of one gateway that is out of reach when nobody has tried another lately, nor while nobody
// calls at all.
func TestOurWayOutIsSaidToBeDownForAsLongAsItIsBelievedToBe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		registry := prometheus.NewRegistry()
		b := board(t, health.Options{Gateways: quick("kaspi", "halyk"), Registerer: registry})
		down := func() float64 {
			families, err := registry.Gather()
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range families {
				if f.GetName() == "payrouter_health_egress_down" {
					return f.GetMetric()[0].GetGauge().GetValue()
				}
			}
			t.Fatal("there is no gauge")
			return 0
		}
		try(b, "kaspi", health.Unreachable)
		try(b, "halyk", health.Unreachable)
		if down() != 1 {
			t.Fatal("nobody can be reached, and it is not said")
		}
		time.Sleep(3 * time.Minute)
		if down() != 0 {
			t.Error("nobody has tried for three minutes, and it is still said")
		}
		for range 5 {
			try(b, "kaspi", health.Unreachable)
		}
		if err := b.Peek("kaspi", health.OpCharge, ""); !errors.Is(err, health.ErrBreakerOpen) || down() != 0 {
			t.Errorf("of kaspi: %v, and our way out is said to be down: %v", err, down())
		}
	})
}

func TestTheConcurrencyLimitIsPerGateway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gateways := quick("kaspi", "halyk")
		gateways[0].MaxConcurrent = 2
		b := board(t, health.Options{Gateways: gateways})
		first, _ := b.Admit("kaspi", health.OpCharge, "")
		if _, err := b.Admit("kaspi", health.OpCreate, ""); err != nil {
			t.Fatal(err)
		}
		if err := b.Peek("kaspi", health.OpCharge, ""); !errors.Is(err, health.ErrBusy) {
			t.Fatalf("a third at once: %v", err)
		}
		if err := b.Peek("kaspi", health.OpStatus, ""); err != nil {
			t.Fatalf("a look-up was shed: %v", err)
		}
		if err := b.Peek("halyk", health.OpCharge, ""); err != nil {
			t.Fatal(err)
		}
		first.Report(health.Healthy)
		first.Report(health.Healthy) // the second report does nothing
		if got := b.Snapshot()[0].Flying; got != 1 {
			t.Fatalf("%d in flight", got)
		}
	})
}

func TestAThrottledGatewayGetsNoNewPaymentsForAMomentAndNoBreakerOpens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := board(t, health.Options{Gateways: quick("kaspi")})
		for i, pause := range []time.Duration{time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second, 16 * time.Second, 32 * time.Second, 64 * time.Second, 64 * time.Second} {
			if err := try(b, "kaspi", health.Throttled); err != nil {
				t.Fatalf("answer %d: %v", i, err)
			}
			time.Sleep(pause - time.Millisecond)
			if err := b.Peek("kaspi", health.OpCharge, ""); !errors.Is(err, health.ErrThrottled) {
				t.Fatalf("just before the end of %s: %v", pause, err)
			}
			if err := b.Peek("kaspi", health.OpStatus, ""); err != nil {
				t.Fatalf("a look-up was held back: %v", err)
			}
			time.Sleep(time.Millisecond)
		}
		if err := try(b, "kaspi", health.Healthy); err != nil {
			t.Fatal(err)
		}
	})
}

func TestAWindowUnderFourTimeoutsIsRefused(t *testing.T) {
	_, err := health.New(health.Options{Gateways: quick("kaspi"), Window: 39 * time.Second})
	if err == nil || !strings.Contains(err.Error(), "window 39s") || !strings.Contains(err.Error(), "kaspi") {
		t.Fatalf("error %v", err)
	}
	if _, err := health.New(health.Options{Gateways: quick("kaspi"), Window: 40 * time.Second}); err != nil {
		t.Fatal(err)
	}
}

// A pause below nothing would probe without end, trials below nothing would never be enough.
func TestSettingsBelowNothingAreRefused(t *testing.T) {
	for name, o := range map[string]health.Options{
		"open_for": {OpenFor: -1}, "open_at_most": {OpenAtMost: -1}, "probe_every": {ProbeEvery: -1}, "probe_fast": {ProbeFast: -1}, "probe_timeout": {ProbeTimeout: -1},
		"ramp_step": {RampStep: -1}, "forget": {Forget: -1}, "consecutive": {Consecutive: -1}, "completed": {Completed: -1}, "fault_share": {FaultShare: -1},
		"slow_share": {SlowShare: -1}, "probes_needed": {ProbesNeeded: -1}, "trials": {Trials: -1}, "max_openings": {MaxOpenings: -1},
	} {
		o.Gateways = quick("kaspi")
		if _, err := health.New(o); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

func TestTransitionsAreAtMostFourAnHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := board(t, health.Options{Gateways: quick("kaspi"), Ramp: []int{100}})
		transitions, was := 0, true
		end := time.Now().Add(time.Hour)
		for time.Now().Before(end) { // a gateway that fails five times, then works three times
			err := b.Peek("kaspi", health.OpCharge, "p")
			if is := err == nil; is != was {
				transitions, was = transitions+1, is
			}
			s := health.Fault
			if b.Snapshot()[0].Breakers[health.OpCharge] != "closed" {
				s = health.Healthy
			}
			try(b, "kaspi", s)
			time.Sleep(time.Second)
		}
		if transitions > 5 { // the last one shuts it for good
			t.Fatalf("%d transitions in an hour", transitions)
		}
	})
}

// People and callers go by the time that is told: it is when the gateway may be tried again.
func TestAGatewayThatStaysOutSaysUntilWhen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := board(t, health.Options{Gateways: quick("kaspi"), Ramp: []int{100}})
		first := time.Now()
		for range 2 {
			outage(t, b)
			time.Sleep(time.Minute)
			for range 3 {
				try(b, "kaspi", health.Healthy)
			}
		}
		outage(t, b)
		until := b.Snapshot()[0].OpenUntil
		if want := first.Add(time.Hour); !until.Equal(want) {
			t.Errorf("out until %s, want %s", until, want)
		}
		for _, at := range []struct {
			when    time.Time
			refused bool
		}{{until.Add(-time.Millisecond), true}, {until, false}} {
			time.Sleep(time.Until(at.when))
			if err := b.Peek("kaspi", health.OpCharge, "payment-1"); (err != nil) != at.refused {
				t.Errorf("%s before that: %v", until.Sub(at.when), err)
			}
		}
	})
}
