package health

import "time"

// incident is one outage of a gateway as this process sees it: what the time to failover is
// measured by (PRODUCT N13). The zero value is a gateway that is well.
//
// It opens with the first charge, offer or probe that failed after the gateway was well, and it
// began when that call began: somebody waits from then on. A call that failed later and had begun
// earlier moves the beginning back, which matters until the incident is counted.
//
// It is counted once: when a payment that passed the gateway over, or left it, is first served
// elsewhere. A payment that was planned there before the incident began went for another reason.
// One in which nobody is served elsewhere is never counted: other metrics tell of it.
//
// It is over when the gateway is admitted in full again (breakers closed, probes good, the ramp at
// its end) and nothing has failed for calm. Where no breaker opened that is: when the faults have
// ceased. What operators order neither opens an incident nor ends one.
type incident struct {
	began   time.Time // zero: there is none
	fault   time.Time // the latest
	counted bool
}

// calm is how long nothing may fail before a fault is another incident's: longer than a call that
// hangs, and than the pause between probes.
const calm = 2 * time.Minute

// fail is the incident after a call that began and failed. whole says that the gateway was
// admitted in full before it.
func (i incident) fail(began, now time.Time, whole bool) incident {
	switch {
	case i.over(whole, now):
		return incident{began: began, fault: now}
	case began.Before(i.began):
		i.began = began
	}
	i.fault = now
	return i
}

// over reports whether there is no incident, or not any more.
func (i incident) over(whole bool, now time.Time) bool {
	return i.began.IsZero() || whole && now.Sub(i.fault) >= calm
}

// serve is the incident after a payment that was planned elsewhere because of the gateway is
// served there. It counts, and took so long, when it is the first of the incident.
func (i incident) serve(planned, now time.Time, whole bool) (after incident, took time.Duration, counts bool) {
	switch {
	case i.over(whole, now):
		return incident{}, 0, false
	case i.counted || planned.Before(i.began):
		return i, 0, false
	}
	i.counted = true
	return i, now.Sub(i.began), true
}

// whole reports whether breakers, probes and ramp admit the gateway in full, whatever is ordered.
func (g *gateway) whole(o Options, now time.Time) bool {
	return g.guards[OpCharge].notBefore.IsZero() && g.guards[OpCreate].notBefore.IsZero() &&
		(g.Probe == nil || g.probeBad < o.ProbesNeeded) && g.rampShare(o, now) >= 100
}

// failed notes that a charge, an offer or a probe that began at an instant failed.
func (g *gateway) failed(o Options, began, now time.Time) {
	g.incident = g.incident.fail(began, now, g.whole(o, now))
	g.uncounted.Store(!g.incident.counted)
}

// ServedElsewhere is told that a payment is served at another gateway, to which it was planned at
// an instant because this one refused it or failed it. While the gateway is well, or its incident
// is counted, that costs one atomic read.
func (b *Board) ServedElsewhere(name string, planned time.Time) {
	g, ok := b.gateways[name]
	if !ok || !g.uncounted.Load() {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	now := time.Now()
	after, took, counts := g.incident.serve(planned, now, g.whole(b.options, now))
	if counts {
		b.metrics.failover.WithLabelValues(name).Observe(took.Seconds())
		b.options.Log.Info("a payment is served elsewhere, the first of this outage", "gateway", name, "after", took.String())
	}
	g.incident = after
	g.uncounted.Store(!after.began.IsZero() && !after.counted)
}
