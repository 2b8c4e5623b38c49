package providertest

import (
	"context"
	"slices"
	"time"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/providers/sim"
)

// look asks the healthy bank how the attempt stands and holds the answer against the
// ledger. Whatever happened before, a look-up tells the truth, and moves nothing.
func (h *house) look(a *attempt) providers.Result {
	h.t.Helper()
	before := h.arrived(moving...)
	r := h.lookup(a)
	if n := h.arrived(moving...) - before; n != 0 {
		h.t.Errorf("a look-up sent %d money-moving requests", n)
	}
	h.truth(a, r)
	return r
}

// truth compares a look-up with what the bank really did.
//
//	at the bank          a look-up may say
//	charged              approved, with the amount captured where it names one
//	charged too much     a mismatch, or approved with what was captured
//	held                 held, with the amount
//	can still be paid    pending; of an offer nobody opened also "no such order"
//	dead, no money       declined or unserved; of an offer also pending, or "no such order"
//	nothing              unknown
func (h *house) truth(a *attempt, r providers.Result) {
	h.t.Helper()
	if h.subject.ByExternal && a.ref.External == "" {
		if r.Verdict != providers.Unknown || r.Absent {
			h.t.Errorf("a look-up without anything to ask by says %s", describe(r))
		}
		return
	}
	direct := h.claims.Method(a.ref.Method).Flow == providers.Direct
	nothing := r.Verdict == providers.Unknown && r.Absent
	o, found := h.decisive(a)
	ok := false
	switch {
	case !found:
		ok = nothing
	case o.Phase == sim.Charged && o.Captured > o.Amount && r.Reason == providers.Mismatch:
		ok = r.Verdict == providers.Unknown
	case o.Phase == sim.Charged:
		ok = r.Verdict == providers.Approved && names(r.Amount, o.Captured, o.Currency) && names(r.Returned, o.Refunded, o.Currency)
	case o.Phase == sim.Held:
		ok = r.Verdict == providers.Held && r.Amount == providers.Money{Minor: o.Authorized, Currency: o.Currency}
	case o.Phase == sim.Live:
		ok = r.Verdict == providers.Pending || nothing && !direct
	case o.Phase == sim.Dead:
		final := r.Verdict == providers.Declined || r.Verdict == providers.Unserved
		ok = final || !direct && (nothing || r.Verdict == providers.Pending && r.Reason == providers.AwaitingPayer)
	}
	if !ok {
		h.t.Errorf("a look-up says %s, at the bank it is %+v", describe(r), o)
	}
}

// decisive is the object that says how the attempt stands: the one with money, else
// one that can still be paid, else the newest.
func (h *house) decisive(a *attempt) (sim.Object, bool) {
	all := h.objects(a)
	for _, phase := range []sim.Phase{sim.Charged, sim.Held, sim.Live} {
		if i := slices.IndexFunc(all, func(o sim.Object) bool { return o.Phase == phase && !o.Unseen }); i >= 0 {
			return all[i], true
		}
	}
	if len(all) == 0 {
		return sim.Object{}, false
	}
	return all[len(all)-1], true
}

// names reports whether an amount that is told is the true one. No amount told is no lie.
func names(told providers.Money, minor int64, currency string) bool {
	return told.Currency == "" || told == providers.Money{Minor: minor, Currency: currency}
}

// harmless reports whether the router would take a look after an offer's end for proof
// that nobody paid and nobody is about to (FAILOVER section 1, EXPIRED_UNPAID).
func harmless(r providers.Result) bool {
	return r.Absent || r.Verdict == providers.Declined || r.Verdict == providers.Unserved ||
		r.Verdict == providers.Pending && r.Reason == providers.AwaitingPayer
}

// settled asks how a refund stands and holds the answer against the ledger, by the
// words of providers.Refunder: the sum before means absent, the sum after approved,
// anything else unknown.
func (h *house) settled(a *attempt, r providers.Refund) providers.Result {
	h.t.Helper()
	before := h.arrived(moving...)
	seen := h.lookupRefund(context.Background(), r)
	if n := h.arrived(moving...) - before; n != 0 {
		h.t.Errorf("a look-up of a refund sent %d money-moving requests", n)
	}
	if seen.Verdict == providers.Pending { // accepted, and given back later
		time.Sleep(48 * time.Hour)
		seen = h.lookupRefund(context.Background(), r)
	}
	o, _ := h.decisive(a)
	ok := h.subject.HidesRefunds && seen.Verdict == providers.Unknown && !seen.Absent
	switch o.Refunded {
	case r.Before.Minor:
		ok = ok || seen.Verdict == providers.Unknown && seen.Absent
	case r.Before.Minor + r.Amount.Minor:
		ok = ok || seen.Verdict == providers.Approved
	default:
		ok = seen.Verdict == providers.Unknown && !seen.Absent
	}
	if !names(seen.Returned, o.Refunded, o.Currency) {
		h.t.Errorf("a look-up of a refund tells %s returned, at the bank it is %d", seen.Returned, o.Refunded)
	}
	if !ok {
		h.t.Errorf("a look-up of a refund of %s after %s says %s, returned at the bank are %d", r.Amount, r.Before, describe(seen), o.Refunded)
	}
	return seen
}
