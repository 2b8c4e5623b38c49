package reconcile

import (
	"cmp"
	"time"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router/payment"
)

// Entry is what our books say about one movement at the gateway: the charge of an
// attempt, or one refund of it. Attempts and refunds without money are entries too, so
// that money the gateway shows for them names the payment.
type Entry struct {
	Kind      providers.LineKind
	Payment   string
	Attempt   int
	Operation int    // the refund's operation; 0 for a charge
	Reference string // the attempt's order number at the gateway
	Own       string // the refund's own order number, where it was given one
	External  string // the gateway's id of this movement, once known
	Method    providers.Method
	Verdict   providers.Verdict // Held or Approved claim money, Unknown and Pending are undecided
	Amount    providers.Money   // what is held, captured or given back; without money what was asked for
	WasHeld   bool              // of a charge: it was authorised first
	GoesBack  bool              // of a charge: we refused its debit, and the payment is still to be paid otherwise
	Returned  bool              // of a charge: the gateway has told that some of it went back
	At        time.Time         // the earliest instant the gateway may date it by our clock
	Last      time.Time         // the latest one; zero means At
}

// EntriesOf lists what a payment's books say about its attempts at one gateway, dated as
// [payment.Payment.Dated] says. A refund that was never sent is no entry; a give-back of
// surplus is.
func EntriesOf(p payment.Payment, gateway string) []Entry {
	var all []Entry
	for _, a := range p.Attempts {
		if a.Gateway != gateway {
			continue
		}
		all = append(all, chargeOf(p, a))
		for _, o := range p.Operations {
			if o.Attempt == a.N && o.Op == payment.OpRefund {
				all = append(all, Entry{
					Kind: providers.LineRefund, Payment: p.ID, Attempt: a.N, Operation: o.Operation,
					Reference: a.Reference, Own: o.Reference, External: o.External, Method: a.Method,
					Verdict: o.Verdict, Amount: o.Amount, At: o.At, Last: later(o.At, o.SettledAt),
				})
			}
		}
	}
	return all
}

func chargeOf(p payment.Payment, a payment.Attempt) Entry {
	e := Entry{
		Kind: providers.LineCharge, Payment: p.ID, Attempt: a.N, Reference: a.Reference, External: a.External, Method: a.Method,
		Verdict: a.Verdict, Amount: p.Amount, WasHeld: a.WasHeld, Returned: a.Returned > 0,
	}
	if _, kept := p.Kept(); !kept && p.Finished == nil {
		e.GoesBack = a.Flow == providers.AskFirst && p.Found(payment.ReturnExpected, a.N)
	}
	e.At, e.Last = p.Dated(a)
	switch {
	case a.Verdict == providers.Approved:
		e.Amount.Minor = a.Captured
	case a.Verdict == providers.Held:
		e.Amount.Minor = a.Held
	case !a.Open() && e.undecided():
		e.Verdict = providers.Unserved // closed by evidence: shown to hold nothing
	}
	return e
}

func (e Entry) undecided() bool {
	return e.Verdict == providers.Unknown || e.Verdict == providers.Pending
}

func (e Entry) refused() bool { return !e.undecided() && !e.Verdict.HasMoney() }

// inside reports whether the gateway can have dated the movement in w only.
func (e Entry) inside(w providers.Window, edge time.Duration) bool {
	return !e.At.Add(-edge).Before(w.From) && later(e.At, e.Last).Add(edge).Before(w.To)
}

// order is a total order in which entries that claim money come first: they are the
// first to get a line.
func (e Entry) order(o Entry) int {
	rank := func(e Entry) int {
		switch {
		case e.refused():
			return 2
		case e.undecided():
			return 1
		}
		return 0
	}
	return cmp.Or(cmp.Compare(rank(e), rank(o)), e.At.Compare(o.At), e.Last.Compare(o.Last),
		cmp.Compare(e.Reference, o.Reference), cmp.Compare(e.Payment, o.Payment), cmp.Compare(e.Attempt, o.Attempt),
		cmp.Compare(e.Operation, o.Operation), cmp.Compare(e.Kind, o.Kind), cmp.Compare(e.Own, o.Own),
		cmp.Compare(e.External, o.External), cmp.Compare(e.Method, o.Method), cmp.Compare(e.Verdict, o.Verdict), byMoney(e.Amount, o.Amount), byBool(e.WasHeld, o.WasHeld), byBool(e.GoesBack, o.GoesBack), byBool(e.Returned, o.Returned))
}

// Day is the business day of an instant in the gateway's own zone, from midnight to
// midnight. It has 23 or 25 hours where clocks are changed.
func Day(at time.Time, zone *time.Location) providers.Window {
	y, m, d := at.In(zone).Date()
	return providers.Window{From: midnight(y, m, d, zone), To: midnight(y, m, d+1, zone)}
}

// midnight is when a day begins: where clocks skip that hour, when they are changed.
func midnight(y int, m time.Month, d int, zone *time.Location) time.Time {
	at := time.Date(y, m, d, 0, 0, 0, 0, zone)
	if at.Hour() == 23 { // of the day before
		_, at = at.ZoneBounds()
	}
	return at
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

func byMoney(a, b providers.Money) int {
	return cmp.Or(cmp.Compare(a.Currency, b.Currency), cmp.Compare(a.Minor, b.Minor))
}

func byBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}
