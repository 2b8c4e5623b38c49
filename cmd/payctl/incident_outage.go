package main

import (
	payrouterv1 "github.com/payrouter/payrouter/proto/payrouter/v1"
)

// outage says how one gateway fared.
func (b *incidentBook) outage(gateway string, all []*try) *outage {
	o := &outage{Gateway: gateway}
	left := map[string]bool{} // payments that it failed
	for _, t := range all {
		if e, failed := t.failure(); failed && t.gateway == gateway && b.during(t.planned) {
			at := e.GetTime().AsTime()
			o.Began = earliest(o.Began, t.planned)
			if o.Failures++; o.Failed.IsZero() || at.Before(o.Failed) {
				o.Failed, o.How = at, failureText(e.GetReason())
			}
			o.lastFailed = latest(o.lastFailed, at)
			if left[t.payment.GetName()] = true; last(t.payment.GetAttempts()[len(t.payment.GetAttempts())-1].GetName()) != last(t.attempt.GetName()) {
				o.Left++
			}
		}
		if t.gateway == gateway {
			continue
		}
		_, passed := passedOver(t.route, gateway)
		passed = passed && b.during(t.planned)
		if at, served := t.served(); served && (passed || left[t.payment.GetName()]) && (o.Served.IsZero() || at.Before(o.Served)) {
			o.Served, o.Backup = at, t.gateway
		}
	}
	for _, p := range b.payments {
		if at, passed := b.passes(p, gateway); passed {
			if o.Passed++; o.Detected.IsZero() || at.Before(o.Detected) {
				o.Detected = at
				o.Why, _ = passedOver(p.GetRoute(), gateway)
			}
			if why, _ := passedOver(p.GetRoute(), gateway); shut(why) {
				o.lastShut = latest(o.lastShut, at)
			}
			o.LastPassed = latest(o.LastPassed, at)
		}
	}
	b.comeBack(o)
	return o
}

// comeBack looks for the first payment that the gateway answered after it had failed the last
// time and had last been passed over because of that.
func (b *incidentBook) comeBack(o *outage) {
	trouble := latest(o.lastFailed, latest(o.lastShut, o.Detected))
	if trouble.IsZero() {
		return
	}
	for _, p := range b.payments {
		for _, a := range p.GetAttempts() {
			at := a.GetCreateTime().AsTime()
			answered := a.GetVerdict() != payrouterv1.Verdict_VERDICT_UNSERVED && a.GetVerdict() != payrouterv1.Verdict_VERDICT_UNKNOWN
			if last(a.GetGateway()) != o.Gateway || !at.After(trouble) {
				continue
			}
			if o.Tried++; answered {
				o.Returned = earliest(o.Returned, at)
			}
		}
	}
}
