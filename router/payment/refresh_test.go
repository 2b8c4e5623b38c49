package payment_test

import (
	"testing"
	"time"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router/payment"
)

// refreshed counts the looks of somebody who asks every second for d.
func (b *book) refreshed(d time.Duration) int {
	looks := 0
	for range d / time.Second {
		b.now = b.now.Add(time.Second)
		if n, ok := b.p.Refresh(b.now, b.terms); ok {
			looks++
			b.tell(on(n, lookup(providers.Pending, providers.AwaitingPayer)))
		}
	}
	return looks
}

func TestACallerWhoAsksAllTheTimeCausesFewLooks(t *testing.T) {
	for _, c := range []struct {
		name     string
		schedule []time.Duration
		during   time.Duration
		want     int
	}{
		{"every five seconds at first", nil, 100 * time.Second, 20},
		{"the gateway's own pace, where it has one", []time.Duration{time.Minute, time.Hour}, 10 * time.Minute, 10},
		{"rarely, when it is old", nil, 24 * time.Hour, 150},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := open(t, noDeadline)
			b.terms.Claims = func(gateway string) providers.Claims {
				all := claims(gateway)
				all.Methods[0].Schedule = c.schedule
				return all
			}
			b.plan(push)
			b.tell(response(providers.Pending, providers.AwaitingPayer))
			if looks := b.refreshed(c.during); looks != c.want {
				t.Errorf("%d looks, not %d", looks, c.want)
			}
		})
	}
}

func TestNobodyIsAskedForTheSakeOfACallerWhenThatWouldBeOfNoUse(t *testing.T) {
	never := func(name string, b *book) {
		t.Helper()
		b.now = b.now.Add(time.Hour)
		if n, ok := b.p.Refresh(b.now, b.terms); ok {
			t.Errorf("%s: attempt %d is asked about", name, n)
		}
	}
	sent := open(t)
	sent.plan(card)
	never("it is being sent", sent)
	never("it is paid", paid(t))
	asks := open(t, noDeadline)
	asks.plan(account)
	asks.tell(response(providers.Pending, providers.AwaitingPayer))
	never("the gateway asks us", asks)
	spared := open(t, noDeadline)
	spared.plan(push)
	spared.tell(response(providers.Pending, providers.AwaitingPayer))
	spared.tell(payment.Observed{Attempt: 1, Source: payment.FromLookup, Reason: providers.Throttled, AskIn: 2 * time.Hour})
	never("it wants to be spared", spared)
}
