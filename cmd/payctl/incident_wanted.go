package main

import (
	"cmp"
	"slices"
	"time"

	payrouterv1 "github.com/payrouter/payrouter/proto/payrouter/v1"
)

// outageReasons are why an attempt failed when its gateway is sick, and not the payer or we.
var outageReasons = []payrouterv1.Reason{payrouterv1.Reason_REASON_NOT_SENT, payrouterv1.Reason_REASON_THROTTLED, payrouterv1.Reason_REASON_MAINTENANCE,
	payrouterv1.Reason_REASON_TIMEOUT, payrouterv1.Reason_REASON_BROKEN, payrouterv1.Reason_REASON_SERVER_ERROR, payrouterv1.Reason_REASON_UNREADABLE,
	payrouterv1.Reason_REASON_BAD_SIGNATURE, payrouterv1.Reason_REASON_PANICKED}

// failureText is how a gateway fails, as people say it.
func failureText(r payrouterv1.Reason) string {
	return cmp.Or(map[payrouterv1.Reason]string{
		payrouterv1.Reason_REASON_NOT_SENT:     "no connection",
		payrouterv1.Reason_REASON_THROTTLED:    "it asks us to slow down",
		payrouterv1.Reason_REASON_MAINTENANCE:  "closed for maintenance",
		payrouterv1.Reason_REASON_TIMEOUT:      "no answer in time",
		payrouterv1.Reason_REASON_BROKEN:       "the connection broke",
		payrouterv1.Reason_REASON_SERVER_ERROR: "a server error",
		payrouterv1.Reason_REASON_UNREADABLE:   "an answer that cannot be read",
	}[r], word(r.String(), "REASON_"))
}

func sickly(v payrouterv1.Verdict, r payrouterv1.Reason) bool {
	return (v == payrouterv1.Verdict_VERDICT_UNKNOWN || v == payrouterv1.Verdict_VERDICT_UNSERVED) && slices.Contains(outageReasons, r)
}

// passing are a route's words for a gateway that could serve at another time.
var passing = []string{"breaker_open", "probe_failing", "ramping", "busy", "throttled", "drained"}

// shut reports whether a route's word means that the gateway was found to be failing.
func shut(why string) bool { return why == "breaker_open" || why == "probe_failing" }

// passedOver says why a gateway was passed over when a route was chosen.
func passedOver(route []*payrouterv1.RouteChoice, gateway string) (why string, ok bool) {
	for _, c := range route {
		if last(c.GetGateway()) == gateway && !c.GetTaken() && slices.Contains(passing, c.GetReason()) {
			return c.GetReason(), true
		}
	}
	return "", false
}

func (b *incidentBook) during(t time.Time) bool { return !t.Before(b.from) && t.Before(b.to) }

// suspects are the gateways that a report is about, by what the list of payments tells.
func (b *incidentBook) suspects() []string {
	if b.gateway != "" {
		return []string{b.gateway}
	}
	found := map[string]bool{}
	for _, p := range b.payments {
		if !b.during(p.GetCreateTime().AsTime()) {
			continue
		}
		for _, a := range p.GetAttempts() {
			failed := sickly(a.GetVerdict(), a.GetReason())
			for _, e := range a.GetClosedBy() {
				failed = failed || slices.Contains([]payrouterv1.Evidence_Kind{payrouterv1.Evidence_KIND_NOT_SENT, payrouterv1.Evidence_KIND_NEVER_SHOWN, payrouterv1.Evidence_KIND_ABSENT_CONFIRMED}, e.GetKind())
			}
			if failed {
				found[last(a.GetGateway())] = true
			}
		}
		for _, c := range p.GetRoute() {
			if !c.GetTaken() && shut(c.GetReason()) {
				found[last(c.GetGateway())] = true
			}
		}
	}
	var all []string
	for gateway := range found {
		all = append(all, gateway)
	}
	slices.Sort(all)
	return all
}

// wanted are the payments whose facts must be read: those that one of the gateways may have left
// in doubt, and those that went elsewhere because of it, up to the first that was served.
func (b *incidentBook) wanted() []*payrouterv1.Payment {
	everything := slices.Concat(b.older, b.payments)
	slices.SortStableFunc(everything, func(x, y *payrouterv1.Payment) int {
		return x.GetCreateTime().AsTime().Compare(y.GetCreateTime().AsTime())
	})
	var all []*payrouterv1.Payment
	passed := map[string]int{}
	for _, p := range everything {
		wanted := b.touches(p)
		for _, gateway := range b.sick {
			if _, ok := b.passes(p, gateway); ok && passed[gateway] < mostPassed {
				passed[gateway]++
				wanted = true
			}
		}
		if wanted {
			all = append(all, p)
		}
	}
	return all
}

// mostPassed is how many of the payments that passed a gateway over are read in full: one of them
// was the first to be served elsewhere. In a long outage they are thousands.
const mostPassed = 20

// passes is when a payment of that time passed a gateway over, by its latest route.
func (b *incidentBook) passes(p *payrouterv1.Payment, gateway string) (at time.Time, ok bool) {
	n := len(p.GetAttempts())
	if _, ok = passedOver(p.GetRoute(), gateway); !ok || n == 0 {
		return at, false
	}
	at = p.GetAttempts()[n-1].GetCreateTime().AsTime()
	return at, b.during(at)
}

// touches reports whether a payment was at a sick gateway and something of it happened, or was not
// yet known, in that time.
func (b *incidentBook) touches(p *payrouterv1.Payment) bool {
	for _, a := range p.GetAttempts() {
		begun := a.GetCreateTime().AsTime()
		if slices.Contains(b.sick, last(a.GetGateway())) && begun.Before(b.to) && (!begun.Before(b.from) || a.GetExposed() || a.GetUpdateTime().AsTime().After(b.from)) {
			return true
		}
	}
	return false
}
