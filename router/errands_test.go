package router_test

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/payrouter/payrouter/providers"
)

// Books may be put back to an older state while an errand waits for its turn: the attempt that it
// is about is not in them any more.
func TestAnErrandAboutAnAttemptThatTheBooksLostIsNone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := build(t)
		p := h.create(at(ask(providers.QR), kaspiMain), patience)
		time.Sleep(time.Minute)
		lost := p
		second := p.Attempts[0]
		second.N = 2
		lost.Attempts = append(slices.Clone(p.Attempts), second)
		h.router.Refresh(lost)
		time.Sleep(5 * time.Second)
		if now := h.get(p); len(now.Attempts) != 1 {
			t.Errorf("%d attempts", len(now.Attempts))
		}
	})
}
