package payment

import (
	"time"

	"github.com/payrouter/payrouter/providers"
)

const (
	refreshPace  = 5 * time.Second // the least time between looks that callers cause
	refreshShare = 20              // and a twentieth of the attempt's age
)

// Refresh names the open attempt that is worth a look out of turn because somebody asks
// about the payment at this moment: the payer came back, or opened the order's page. Where
// a gateway forbids to be polled, as Kaspi does for invoices, a payment is learnt of soon so.
//
// A caller who asks every second makes a poll of it all the same. So the looks are as far
// apart as the first two of the gateway's own schedule, and grow rarer as the attempt grows
// old: some 150 in a day, whatever anybody does.
func (p Payment) Refresh(now time.Time, t Terms) (attempt int, ok bool) {
	a, open := p.OpenAttempt()
	if !open || !a.Answered || a.Flow == providers.AskFirst {
		return 0, false
	}
	pace := max(refreshPace, now.Sub(a.Planned)/refreshShare, a.Spare)
	if schedule := t.claims(a.Gateway).Method(a.Method).Schedule; len(schedule) > 0 {
		pace = max(pace, schedule[0])
	}
	last := a.LastLook
	if last.IsZero() {
		last = a.Planned
	}
	return a.N, !now.Before(last.Add(pace))
}
