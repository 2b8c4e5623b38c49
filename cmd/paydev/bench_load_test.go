package main

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"
)

func TestOnlyWhatIsAnsweredAfterTheWarmUpIsMeasured(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		s := load(t.Context(), 4, 2*time.Second, func(context.Context) error {
			pause := 10 * time.Millisecond
			if time.Since(began) < 500*time.Millisecond {
				pause = 100 * time.Millisecond // cold
			}
			time.Sleep(pause)
			return nil
		})
		if s.done != 4*200 || s.all != 4*206 || s.perSecond() != 400 {
			t.Errorf("%d measured of %d, %.0f a second", s.done, s.all, s.perSecond())
		}
		if s.waits.quantile(p50) != 10*time.Millisecond || s.waits.most != 10*time.Millisecond {
			t.Errorf("p50 %s, most %s", s.waits.quantile(p50), s.waits.most)
		}
	})
}

func TestWhatFailsIsCountedAndNotMeasured(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n atomic.Int64
		broken := errors.New("broken")
		s := load(t.Context(), 1, time.Second, func(context.Context) error {
			time.Sleep(10 * time.Millisecond)
			if n.Add(1)%5 == 0 {
				return broken
			}
			return nil
		})
		if s.done != 80 || s.failed != 25 || !errors.Is(s.why, broken) {
			t.Errorf("%d measured, %d failed: %v", s.done, s.failed, s.why)
		}
	})
}

// One that is told to come back after 100 ms does so, and asks 7 times in all.
func TestWhoIsRefusedStaysAwayAsLongAsItIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		said, err := status.New(codes.ResourceExhausted, "too much").WithDetails(&errdetails.RetryInfo{RetryDelay: durationpb.New(100 * time.Millisecond)})
		if err != nil {
			t.Fatal(err)
		}
		refuse := func(context.Context) error { time.Sleep(100 * time.Millisecond); return refusedOr(said.Err()) }
		if s := load(t.Context(), 1, time.Second, refuse); s.refused != 7 || s.failed != 0 || s.why != nil {
			t.Errorf("%d refused, %d failed: %v", s.refused, s.failed, s.why)
		}
		if s := paced(t.Context(), 10, 8, time.Second, refuse); s.refused != 13 || s.failed != 0 || s.waits.n != 0 {
			t.Errorf("at a fixed rate %d refused, %d failed, %d answered", s.refused, s.failed, s.waits.n)
		}
		broken := refusedOr(status.Error(codes.Unavailable, "broken"))
		if s := load(t.Context(), 1, time.Second, func(context.Context) error { time.Sleep(time.Second); return broken }); s.failed != 2 || s.refused != 0 {
			t.Errorf("of a broken connection %d failed, %d refused", s.failed, s.refused)
		}
	})
}

func TestANoticeThatMustComeAgainWasRefused(t *testing.T) {
	for wait, want := range map[string]time.Duration{"5": 5 * time.Second, "": 0} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			if wait != "" {
				w.Header().Set("Retry-After", wait)
			}
			http.Error(w, "try again", http.StatusServiceUnavailable)
		}))
		err := post(t.Context(), server.Client(), server.URL, nil, "accept")
		server.Close()
		var s sample
		if away := s.fail(err); away != want || s.refused > 0 != (want > 0) || err == nil {
			t.Errorf("to come back after %q: %d refused, away for %s, error %v", wait, s.refused, away, err)
		}
	}
}

// Asked 100 times a second, somebody who takes 20 ms each falls behind by half: what waits
// is told with its whole wait, and what never began is counted too.
func TestAtAFixedRateNobodyWhoHadToWaitIsLeftOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := paced(t.Context(), 100, 1, time.Second, func(context.Context) error {
			time.Sleep(20 * time.Millisecond)
			return nil
		})
		if s.waits.n != 100 {
			t.Errorf("%d were to start in a second at 100 a second", s.waits.n)
		}
		if s.done != 50 || s.perSecond() != 50 {
			t.Errorf("%d were answered within the second", s.done)
		}
		// 125 were to start in 1.25 s, one was begun each 20 ms until 2.25 s.
		if begun := 113; s.all != begun || s.unstarted != 125-begun || s.late != 100-s.unstarted {
			t.Errorf("%d answered, %d not started, %d late", s.all, s.unstarted, s.late)
		}
		if s.waits.most < time.Second || s.waits.quantile(p50) < 700*time.Millisecond {
			t.Errorf("half waited %s, the last %s", s.waits.quantile(p50), s.waits.most)
		}
	})
}

// A closed loop sees one slow answer where 50 callers would have had to wait.
func TestAStandstillIsToldOfAllWhoWouldHaveComeInIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stall := func() func(context.Context) error {
			began := time.Now()
			return func(context.Context) error {
				if since := time.Since(began); since > time.Second && since < 1500*time.Millisecond {
					time.Sleep(1500*time.Millisecond - since)
				}
				time.Sleep(time.Millisecond)
				return nil
			}
		}
		closed := load(t.Context(), 1, 2*time.Second, stall())
		open := paced(t.Context(), 100, 1, 2*time.Second, stall())
		if closed.waits.quantile(p99) > 2*time.Millisecond {
			t.Errorf("the closed loop's p99 is %s", closed.waits.quantile(p99))
		}
		if open.waits.quantile(p99) < 400*time.Millisecond || open.unstarted != 0 || open.late < 45 {
			t.Errorf("the open loop's p99 is %s, %d late, %d not started", open.waits.quantile(p99), open.late, open.unstarted)
		}
	})
}

func TestAtAFixedRateWhatKeepsUpIsNeitherLateNorLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broken := errors.New("broken")
		var n atomic.Int64
		s := paced(t.Context(), 200, 64, time.Second, func(context.Context) error {
			time.Sleep(200 * time.Millisecond)
			if n.Add(1)%10 == 0 {
				return broken
			}
			return nil
		})
		if s.late != 0 || s.unstarted != 0 || s.failed != 25 || !errors.Is(s.why, broken) {
			t.Errorf("%d late, %d not started, %d failed: %v", s.late, s.unstarted, s.failed, s.why)
		}
		if s.waits.n != 180 || s.waits.most != 200*time.Millisecond || s.perSecond() != 180 {
			t.Errorf("%d of %s, %.0f a second", s.waits.n, s.waits.most, s.perSecond())
		}
	})
}

func TestAQuantileIsNeverTooSmallAndHardlyTooLarge(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 50 {
		var h, half histogram
		var all []time.Duration
		for i := range 1 + random.IntN(3000) {
			d := time.Duration(1) << random.IntN(36)
			d += time.Duration(random.Int64N(int64(d)))
			all = append(all, d)
			if i%2 == 0 {
				h.add(d)
			} else {
				half.add(d)
			}
		}
		h.merge(half)
		slices.Sort(all)
		for _, q := range []int64{1, p50, p90, p99, p999, 10000} {
			exact := all[max((int64(len(all))*q+9999)/10000, 1)-1]
			if got := h.quantile(q); got < exact || got > exact+exact/128 {
				t.Fatalf("%d of %d values: %d, exactly %d", q, len(all), got, exact)
			}
		}
		if h.most != all[len(all)-1] || h.n != int64(len(all)) {
			t.Fatalf("most %d of %d, exactly %d of %d", h.most, h.n, all[len(all)-1], len(all))
		}
	}
}

func TestAHistogramOfFewValuesIsExact(t *testing.T) {
	var none histogram
	if none.quantile(p99) != 0 {
		t.Error("there is a quantile of nothing")
	}
	var h histogram
	for i := range 100 {
		h.add(time.Duration(i + 1))
	}
	for q, want := range map[int64]time.Duration{1: 1, p50: 50, p90: 90, p99: 99, p999: 100, 10000: 100} {
		if got := h.quantile(q); got != want {
			t.Errorf("%d ten-thousandths: %d, not %d", q, got, want)
		}
	}
	var one histogram
	one.add(7 * time.Second)
	one.add(-1) // a clock that was set back
	if one.quantile(p50) != 0 || one.quantile(p99) != 7*time.Second {
		t.Errorf("%s, %s", one.quantile(p50), one.quantile(p99))
	}
}

// Buckets follow each other without a gap, to the largest duration there is.
func TestEveryDurationHasOneBucket(t *testing.T) {
	for bucket := range bucketOf(1<<63-1) + 1 {
		last := largestIn(bucket)
		if bucketOf(last) != bucket || last < 1<<63-1 && bucketOf(last+1) != bucket+1 {
			t.Fatalf("bucket %d ends at %d, which is in %d", bucket, last, bucketOf(last))
		}
	}
}
