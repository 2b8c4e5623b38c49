package health

import (
	"testing"
	"time"
	"unsafe"
)

// clockAhead is an instant at which the wall clock said more than it should have; the
// monotonic clock knows nothing of it. The time package has no way to make one.
func clockAhead(t *testing.T, now time.Time, by time.Duration) time.Time {
	t.Helper()
	wrong := now
	const second = 1 << 30 // of the wall clock, in an instant that has a monotonic reading
	*(*uint64)(unsafe.Pointer(&wrong)) += uint64(by/time.Second) * second
	if wrong.Sub(now) != 0 || wrong.Unix()-now.Unix() != int64(by/time.Second) {
		t.Fatalf("an instant is made otherwise than this test believes: %s, %s", now, wrong)
	}
	return wrong
}

// A process that starts with a wrong clock must not believe for hours, when the clock is
// put right, that nobody can be reached. The fake clock of synctest has no monotonic
// reading, so this test hands in its instants.
func TestAClockThatIsPutRightDoesNotHideWhoIsOutOfReach(t *testing.T) {
	b, err := New(Options{Gateways: []Gateway{{Name: "kaspi"}, {Name: "halyk"}, {Name: "idle"}}})
	if err != nil {
		t.Fatal(err)
	}
	kaspi, halyk, idle := b.gateways["kaspi"], b.gateways["halyk"], b.gateways["idle"]
	began := time.Now()
	ahead := clockAhead(t, began, 5*time.Hour)
	b.judge(halyk, Unreachable, ahead)
	b.judge(idle, Unreachable, ahead)
	later := began.Add(time.Minute)
	b.judge(halyk, Healthy, later)
	if got := b.judge(kaspi, Unreachable, later); got != Fault {
		t.Errorf("kaspi is out of reach and halyk is not: %s", got)
	}
}

// A call that we held back ourselves has not been anywhere.
func TestWhatWasNeverSentDoesNotSayThatOurWayOutWorksAgain(t *testing.T) {
	b, err := New(Options{Gateways: []Gateway{{Name: "kaspi"}, {Name: "halyk"}}})
	if err != nil {
		t.Fatal(err)
	}
	kaspi, halyk := b.gateways["kaspi"], b.gateways["halyk"]
	for _, step := range []struct {
		gateway *gateway
		signal  Signal
		out     bool
	}{{kaspi, Unreachable, false}, {halyk, Unreachable, true}, {kaspi, Neutral, true}, {kaspi, Fault, false}} {
		b.judge(step.gateway, step.signal, time.Now())
		if out := b.egressOut.Load(); out != step.out {
			t.Errorf("after %s of %s our way out is down: %t", step.signal, step.gateway.Name, out)
		}
	}
}
