package health_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/payrouter/payrouter/health"
)

func TestADrainThatMovesOpenOffersIsNotHiddenByAnEarlierOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := board(t, health.Options{Gateways: quick("kaspi")})
		now := time.Now()
		drain := health.Override{ID: "1", Gateway: "kaspi", Mode: health.Drain, Start: now, End: now.Add(time.Hour)}
		moving := drain
		moving.ID, moving.MoveOpen, moving.End = "2", true, now.Add(30*time.Minute)
		b.SetOverrides([]health.Override{drain, moving})
		if !b.MoveOpen("kaspi") {
			t.Error("the second order, to move open offers, is not obeyed")
		}
		time.Sleep(31 * time.Minute)
		if b.MoveOpen("kaspi") {
			t.Error("the second order is over")
		}
		if err := b.Peek("kaspi", health.OpCharge, ""); !errors.Is(err, health.ErrDrained) {
			t.Errorf("the first drain is in force: %v", err)
		}
	})
}
