package main

import (
	"time"

	payrouterv1 "github.com/payrouter/payrouter/proto/payrouter/v1"
)

// try is one attempt as its facts tell it, in order.
type try struct {
	payment *payrouterv1.Payment
	gateway string
	attempt *payrouterv1.Attempt
	planned time.Time
	route   []*payrouterv1.RouteChoice
	learnt  []*payrouterv1.ExplainPaymentResponse_Event
	closed  time.Time
}

// tries are the attempts of a story.
func tries(s *payrouterv1.ExplainPaymentResponse) []*try {
	var all []*try
	byName := map[string]*try{}
	for _, a := range s.GetPayment().GetAttempts() {
		t := &try{payment: s.GetPayment(), gateway: last(a.GetGateway()), attempt: a, planned: a.GetCreateTime().AsTime()}
		all, byName[a.GetName()] = append(all, t), t
	}
	for _, e := range s.GetEvents() {
		t, ok := byName[e.GetAttempt()]
		if !ok {
			continue
		}
		switch e.GetKind() {
		case "planned":
			t.planned, t.route = e.GetTime().AsTime(), e.GetRoute()
		case "observed":
			t.learnt = append(t.learnt, e)
		case "closed":
			if t.closed.IsZero() {
				t.closed = e.GetTime().AsTime()
			}
		}
	}
	return all
}

// failure is the gateway's first answer, where that was no answer or no service.
func (t *try) failure() (*payrouterv1.ExplainPaymentResponse_Event, bool) {
	if len(t.learnt) == 0 || !sickly(t.learnt[0].GetVerdict(), t.learnt[0].GetReason()) {
		return nil, false
	}
	return t.learnt[0], true
}

// served is when the gateway first had the money, or had asked the payer for it.
func (t *try) served() (time.Time, bool) {
	for _, e := range t.learnt {
		switch e.GetVerdict() {
		case payrouterv1.Verdict_VERDICT_HELD, payrouterv1.Verdict_VERDICT_APPROVED:
			return e.GetTime().AsTime(), true
		case payrouterv1.Verdict_VERDICT_PENDING:
			if asksThePayer(e.GetReason()) {
				return e.GetTime().AsTime(), true
			}
		}
	}
	return time.Time{}, false
}

func asksThePayer(r payrouterv1.Reason) bool {
	return r == payrouterv1.Reason_REASON_AWAITING_PAYER || r == payrouterv1.Reason_REASON_PAYER_CONFIRMING || r == payrouterv1.Reason_REASON_STEP_UP
}

// doubt is from when to when nobody knew whether money had moved; an open end is zero. A look-up
// that tells nothing takes nothing from what was known before it.
func (t *try) doubt() (from, to time.Time, ok bool) {
	for i, e := range t.learnt {
		unknown := e.GetVerdict() == payrouterv1.Verdict_VERDICT_UNKNOWN
		switch at := e.GetTime().AsTime(); {
		case unknown && i == 0:
			from, ok = at, true
		case !unknown && ok:
			return from, at, true
		}
	}
	if len(t.learnt) == 0 && t.attempt.GetExposed() { // sent, and nothing was heard
		from, ok = t.planned, true
	}
	return from, t.closed, ok
}
