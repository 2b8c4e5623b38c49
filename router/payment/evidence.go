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
func (p *Payment) closingEvidence(a *Attempt, now time.Time, t Terms) (Evidence, bool) {
	evidence := func(kind EvidenceKind, source Source, detail string) (Evidence, bool) {
		return Evidence{Attempt: a.N, Kind: kind, Source: source, At: Instant(now), Detail: detail}, true
	}
	switch {
	case a.Ruled && (a.Verdict == providers.Declined || a.Verdict == providers.Unserved):
		return evidence(ByOperator, FromOperator, a.Note)
	case a.Verdict.HasMoney(), a.Differs:
		return Evidence{}, false
	}
	if kind, ok := a.refusal(); ok {
		return evidence(kind, a.Source, detail(a))
	}
	claims := t.claims(a.Gateway)
	method := claims.Method(a.Method)
	if method.Withdraw == providers.Veto && p.leaving(a, now) && !t.lost(a) {
		return evidence(Withdrawn, FromRouter, "veto")
	}
	if method.NeverShown && a.neverShown() && !t.lost(a) && (a.Source == FromResponse || !now.Before(a.Planned.Add(t.sendWindow(claims, a)))) {
		return evidence(NeverShown, FromRouter, detail(a))
	}
	quiet := a.Seen.harmless() && a.Seen.At.After(a.Stirred)
	// A cancel that was only inferred from how the attempt looks is not the gateway's word.
	if w, ok := p.withdrawal(a.N); ok && w.Verdict == providers.Approved && w.Source != FromLookup &&
		method.Withdraw == providers.Binding && quiet && a.Seen.At.After(w.SettledAt.Add(method.WithdrawWait)) {
		return evidence(Withdrawn, FromLookup, detail(a))
	}
	if dead, ok := a.deadAt(t); ok && quiet && a.Seen.At.After(dead) {
		return evidence(ExpiredUnpaid, FromLookup, fmt.Sprintf("dead at %s", dead.Format(time.RFC3339)))
	}
	if a.absenceCounts(method) && (a.Flow == providers.Direct || !t.lost(a)) {
		late := since(a.Absences, a.absentFrom(t))
		if len(late) >= max(method.Absent.Times, leastAbsences) && span(late) >= max(method.Absent.Apart, leastApart) {
			return evidence(AbsentConfirmed, FromLookup, fmt.Sprintf("%d times over %s", len(late), span(late).Round(time.Second)))
		}
	}
	return Evidence{}, false
}

// Whatever an adapter claims, an absence is believed no sooner than this.
const (
	leastAbsences = 2
	leastApart    = 30 * time.Second
)

// refusal is what the verdict proves by itself.
func (a *Attempt) refusal() (EvidenceKind, bool) {
	if a.Verdict != providers.Declined && a.Verdict != providers.Unserved {
		return "", false
	}
	shown := a.Shown && a.Flow != providers.Direct
	switch {
	case a.WasHeld:
		// A notice may be a late word about an earlier try, and so may a look-up that was put
		// before the hold came: the hold must be seen as gone.
		return Voided, a.Source == FromStatement || a.Source == FromLookup && a.Seen.refused() && !a.Seen.At.Before(a.HeldAt)
	case a.Verdict == providers.Unserved && a.Reason == providers.NotSent:
		return NotSent, true
	case a.Verdict == providers.Unserved:
		return RefusedByGate, !shown // the gateway cannot now; an offer that is out may still be paid
	case shown && a.Source == FromStatement:
		return "", false // statements list every try, and a page lets the payer try again
	case a.Reason == providers.Released:
		return Withdrawn, true
	case a.Reason == providers.Expired:
		return ExpiredUnpaid, true
	}
	return DeclinedFinally, true
}

// neverShown reports whether the attempt is an offer that may exist, but that nobody
// got from us: its creation's answer was lost, or a look-up found it unopened.
func (a *Attempt) neverShown() bool {
	if a.Flow != providers.Offer || a.Shown || !a.Answered || !a.Stirred.IsZero() {
		return false
	}
	return a.Verdict == providers.Unknown || a.Verdict == providers.Pending && a.Reason == providers.AwaitingPayer && a.Source == FromLookup
}

// absenceCounts reports whether "no such order" could prove anything: not about an
// offer that is out, which is unknown there until the payer opens it, not about a
// push that may ring, and not once the gateway has known the attempt.
func (a *Attempt) absenceCounts(m providers.MethodClaims) bool {
	return m.Absent.Counts && m.Absent.After > 0 && a.Verdict == providers.Unknown && !a.Shown &&
		(a.Flow == providers.Direct || a.Flow == providers.Offer)
}

// absentFrom is the earliest time at which an absence counts: H after the last
// possible send.
func (a *Attempt) absentFrom(t Terms) time.Time {
	claims := t.claims(a.Gateway)
	return a.Planned.Add(t.sendWindow(claims, a) + claims.Method(a.Method).Absent.After)
}

// since drops the times before from.
func since(times []time.Time, from time.Time) []time.Time {
	for i, at := range times {
		if !at.Before(from) {
			return times[i:]
		}
	}
	return nil
}

// span is the time between the first and the last.
func span(times []time.Time) time.Duration {
	if len(times) == 0 {
		return 0
	}
	return times[len(times)-1].Sub(times[0])
}

// detail names what the evidence rests on.
func detail(a *Attempt) string {
	if a.Code == "" {
		return string(a.Reason)
	}
	return string(a.Reason) + " " + a.Code
}

// deadAt is when an offer cannot be paid any more by the gateway's own clock,
// margin included. It reports false while nothing bounds the offer's life.
func (a *Attempt) deadAt(t Terms) (time.Time, bool) {
	claims := t.claims(a.Gateway)
	m := claims.Method(a.Method)
	switch {
	case a.Flow == providers.Direct || a.Flow == providers.Unclaimed:
		return time.Time{}, false
	case !a.Until.IsZero():
		return a.Until.Add(m.Margin), true
	case m.OfferLife == 0:
		return time.Time{}, false
	case a.Shown:
		return a.ShownAt.Add(m.OfferLife + m.Margin), true
	case a.Flow == providers.Offer: // created, if at all, while the request could be on its way
		return a.Planned.Add(t.sendWindow(claims, a) + m.OfferLife + m.Margin), true
	}
	return time.Time{}, false
}
