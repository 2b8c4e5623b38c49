package tiptoppay

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/payrouter/payrouter/providers"
)

// TipTop Pay answers 429 to one request too many.
func TestNoMoreRequestsAreUnderWayThanTheTerminalMayHave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		now, most := 0, 0
		g, l := scripted(t, func(c *Config) { c.MaxConcurrent = 3 }, func(string) (int, string) {
			mu.Lock()
			now++
			most = max(most, now)
			mu.Unlock()
			time.Sleep(300 * time.Millisecond)
			mu.Lock()
			now--
			mu.Unlock()
			return 200, found(tokenOrder, "Completed")
		})
		var all sync.WaitGroup
		for range 12 {
			all.Go(func() { verdict(t, g.Lookup(context.Background(), saved(t)), providers.Approved, providers.NoReason) })
			all.Go(func() {
				verdict(t, g.Charge(context.Background(), wish(t, saved(t))), providers.Approved, providers.NoReason)
			})
		}
		all.Wait()
		if most != 3 || len(l.asked) != 24 {
			t.Errorf("%d at once, %d in all", most, len(l.asked))
		}
	})
}

func TestWhoFindsNoSeatLeavesInTimeAndUnsent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, l := scripted(t, func(c *Config) { c.MaxConcurrent = 1 }, func(string) (int, string) {
			time.Sleep(10 * time.Minute)
			return 200, found(tokenOrder, "Completed")
		})
		var first sync.WaitGroup
		first.Go(func() {
			verdict(t, g.Charge(context.Background(), wish(t, saved(t))), providers.Unknown, providers.Timeout)
		})
		synctest.Wait()
		began := time.Now()
		crowded := g.Charge(context.Background(), wish(t, saved(t)))
		verdict(t, crowded, providers.Unserved, providers.NotSent)
		if took := time.Since(began); took != g.config.Timeouts.Charge/4 {
			t.Errorf("it waited %s", took)
		}
		ctx, giveUp := context.WithCancel(context.Background())
		time.AfterFunc(time.Second, giveUp)
		began = time.Now()
		left := g.Lookup(ctx, saved(t))
		verdict(t, left, providers.Unknown, providers.NotSent)
		if took := time.Since(began); took != time.Second {
			t.Errorf("whoever gave up waited %s", took)
		}
		began = time.Now()
		probed := g.Probe(context.Background())
		if took := time.Since(began); took != g.config.Timeouts.Status/4 {
			t.Errorf("the probe waited %s", took)
		}
		for name, r := range map[string]providers.Result{"charge": crowded, "look-up": left, "probe": probed} {
			if !r.HeldBack() {
				t.Errorf("the terminal is blamed for our own limit by a %s: %v", name, r.Err)
			}
		}
		first.Wait()
		time.Sleep(10 * time.Minute) // the bank comes to its end too
		if len(l.asked) != 1 {
			t.Errorf("%d requests left", len(l.asked))
		}
	})
}
