package payment

import (
	"fmt"
	"time"

	"github.com/payrouter/payrouter/providers"
)

// Evidence is why an attempt cannot take money any more (FAILOVER section 1).
type Evidence struct {
	Attempt int          `json:"attempt"`
	Kind    EvidenceKind `json:"kind"`
	Source  Source       `json:"source"`
	At      time.Time    `json:"at"`
	Detail  string       `json:"detail,omitempty"` // the provider's code, or an operator's reason
}

// EvidenceKind is one of the ways to close an attempt. There are no others.
type EvidenceKind string

// The kinds of closing evidence.
const (
	NotSent         EvidenceKind = "not_sent"         // no connection was obtained, or the call never began
	RefusedByGate   EvidenceKind = "refused"          // documented: the request was not carried out
	DeclinedFinally EvidenceKind = "declined"         // a final refusal that the payer cannot repeat
	NeverShown      EvidenceKind = "never_shown"      // an offer only we could hand out, and we did not
	Withdrawn       EvidenceKind = "withdrawn"        // a binding cancel, confirmed by a later look; or our own veto
	ExpiredUnpaid   EvidenceKind = "expired_unpaid"   // dead by its own clock, and a look after that shows no payment
	AbsentConfirmed EvidenceKind = "absent_confirmed" // "no such order" often enough, late enough, where that counts
	Voided          EvidenceKind = "voided"           // a hold released and seen as released
	ByOperator      EvidenceKind = "operator"         // a named person, with a reason
)

// closingEvidence looks for evidence that closes an open attempt without money.
// It is the only place where an attempt becomes closed.
func (p Payment) closingEvidence(a Attempt, now time.Time, t Terms) (Evidence, bool) {
	evidence := func(kind EvidenceKind, source Source, detail string) (Evidence, bool) {
		return Evidence{Attempt: a.N, Kind: kind, Source: source, At: Instant(now), Detail: detail}, true
	}
	if a.Ruled && !a.Verdict.HasMoney() && (a.Verdict == providers.Declined || a.Verdict == providers.Unserved) {
		return evidence(ByOperator, FromOperator, a.Note)
	}
	switch a.Verdict {
	case providers.Unserved:
		if a.Reason == providers.NotSent {
			return evidence(NotSent, a.Source, a.Code)
		}
		return evidence(RefusedByGate, a.Source, detail(a))
	case providers.Declined:
		switch {
		case a.WasHeld:
			return evidence(Voided, a.Source, detail(a))
		case a.Reason == providers.Released:
			return evidence(Withdrawn, a.Source, detail(a))
		case a.Reason == providers.Expired:
			return evidence(ExpiredUnpaid, a.Source, detail(a))
		}
		return evidence(DeclinedFinally, a.Source, detail(a))
	case providers.Held, providers.Approved:
		return Evidence{}, false
	}

	claims := t.claims(a.Gateway)
	method := claims.Method(a.Method)
	if method.Withdraw == providers.Veto && p.leaving(a, now) {
		return evidence(Withdrawn, FromRouter, "veto")
	}
	if a.Flow == providers.Offer && method.NeverShown && !a.Shown && a.Verdict == providers.Unknown && a.Answered &&
		a.Reason != providers.Mismatch {
		return evidence(NeverShown, FromRouter, detail(a))
	}
	if w, ok := p.withdrawal(a.N); ok && w.Verdict == providers.Approved && method.Withdraw == providers.Binding &&
		a.Seen.At.After(w.SettledAt) && a.Seen.harmless() {
		return evidence(Withdrawn, FromLookup, detail(a))
	}
	if dead, ok := a.deadAt(method); ok && a.Seen.At.After(dead) && a.Seen.harmless() {
		return evidence(ExpiredUnpaid, FromLookup, fmt.Sprintf("dead at %s", dead.Format(time.RFC3339)))
	}
	if r := method.Absent; r.Counts && a.Absents >= r.Times && a.LastAbsent.Sub(a.FirstAbsent) >= r.Apart &&
		!a.FirstAbsent.Before(a.Planned.Add(t.sendWindow(claims, a)+r.After)) {
		return evidence(AbsentConfirmed, FromLookup, fmt.Sprintf("%d times over %s", a.Absents, a.LastAbsent.Sub(a.FirstAbsent).Round(time.Second)))
	}
	return Evidence{}, false
}

// detail names what the evidence rests on.
func detail(a Attempt) string {
	if a.Code == "" {
		return string(a.Reason)
	}
	return string(a.Reason) + " " + a.Code
}

// deadAt is when an offer cannot be paid any more by the gateway's own clock,
// margin included. It reports false while nothing bounds the offer's life.
func (a Attempt) deadAt(m providers.MethodClaims) (time.Time, bool) {
	switch {
	case a.Flow == providers.Direct || a.Flow == providers.Unclaimed:
		return time.Time{}, false
	case !a.Until.IsZero():
		return a.Until.Add(m.Margin), true
	case a.Shown && m.OfferLife > 0 && !a.ShownAt.IsZero():
		return a.ShownAt.Add(m.OfferLife + m.Margin), true
	}
	return time.Time{}, false
}
