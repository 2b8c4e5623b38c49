package payment

import (
	"time"

	"github.com/payrouter/payrouter/providers"
)

// Dated is the span of time in which a gateway's own books may date the charge of an
// attempt, by our clock. It begins with the plan. It ends with the offer, the last look,
// and the capture or void, since gateways date a charge by any of these; money that was
// captured is dated before we first saw it so, and a hold is looked at every hour, which
// dates nothing.
func (p Payment) Dated(a Attempt) (first, last time.Time) {
	last = a.Planned
	reach := func(at time.Time) {
		if at.After(last) {
			last = at
		}
	}
	taken := a.Verdict == providers.Approved && !a.Taken.IsZero()
	switch {
	case taken:
		reach(a.Taken)
	case a.Verdict != providers.Held:
		reach(a.LastLook)
	}
	if a.Shown && !taken {
		reach(a.Until)
	}
	for _, o := range p.Operations {
		if o.Attempt == a.N && (o.Op == OpCapture || o.Op == OpVoid) {
			reach(o.SettledAt)
		}
	}
	return a.Planned, last
}
