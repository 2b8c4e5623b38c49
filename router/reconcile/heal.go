package reconcile

import (
	"slices"

	"github.com/payrouter/payrouter/providers"
)

// Step is what a statement teaches about one of our movements: an observation to take in
// through the payment's own door, whose loop then acts as it does on any other news.
type Step struct {
	Payment   string
	Attempt   int
	Operation int // of a refund; 0 is the charge
	Result    providers.Result
}

// Heal says what a line that belongs to an entry teaches. It reports false where the line
// says nothing new, and where a person must look:
//
//	line                        our entry                                  becomes
//	money, of the same sum      undecided, or refused                      held or approved; a hold of ours
//	                                                                       that ended is never held again
//	approved                    a hold, or a part of it (parts)            approved
//	released, dated after it    a hold                                     declined: it is gone
//	refund approved, same sum,  undecided, or refused                      approved: it was made
//	  not older than the wish
//	money                       a debit that we refused, of a payment      never: the bank gives it back
//	                            that is still to be paid otherwise
//	another sum or currency     any                                        never
//	no money                    undecided, or refused                      never: statements list
//	                                                                       every try, and a look decides
//	anything                    approved                                   never: denials are findings
//
// Of the options it asks for Parts, and for NamesMovements: then what moved the money is known
// by its id from now on, and a second payment under the order is seen to be one.
func Heal(l providers.StatementLine, e Entry, o Options) (Step, bool) {
	result, ok := taught(l, e, o.Parts)
	if !ok || l.Kind != e.Kind {
		return Step{}, false
	}
	result.External, result.Code = l.External, l.Code
	if o.NamesMovements && l.Kind == providers.LineCharge && result.Verdict.HasMoney() {
		result.Movement = l.External
	}
	return Step{Payment: e.Payment, Attempt: e.Attempt, Operation: e.Operation, Result: result}, true
}

func taught(l providers.StatementLine, e Entry, parts bool) (providers.Result, bool) {
	is := read(l)
	same := l.Amount == e.Amount
	switch {
	case is == money && e.Kind == providers.LineRefund:
		return providers.Result{Verdict: providers.Approved}, same && !e.Verdict.HasMoney() && !l.At.Before(e.At.Add(-DefaultEdge))
	case is == money && (e.GoesBack || l.Verdict == providers.Held && e.WasHeld && e.refused()):
		return providers.Result{}, false
	case is == money && !e.Verdict.HasMoney():
		return providers.Result{Verdict: l.Verdict, Amount: l.Amount}, same
	case is == money && e.Verdict == providers.Held && l.Verdict == providers.Approved:
		return providers.Result{Verdict: providers.Approved, Amount: l.Amount}, same || parts && l.Amount.PartOf(e.Amount)
	case is == quiet && l.Verdict == providers.Declined && l.Reason == providers.Released && e.Verdict == providers.Held && e.Kind == providers.LineCharge:
		return providers.Result{Verdict: providers.Declined, Reason: providers.Released}, l.At.After(later(e.At, e.Last).Add(DefaultEdge))
	}
	return providers.Result{}, false
}

// steps is what the findings of a judgement teach: about the movements that they name, and of
// refunds that somebody made without us, in the gateway's cabinet or by the bank, how much of
// a charge has gone back in all. Whoever refunds the payment next must know that. Where the
// gateway shows more than one charge under an order nobody can say whose refunds they are, or
// which part was captured: that is left to a person, and so is what adds up to more than the
// charge.
func steps(j Judgement, ours []Entry, o Options) []Step {
	doubtful, strange := map[movement]bool{}, map[movement]bool{} // charges
	returned := map[movement]int64{}
	for _, f := range j.Findings {
		charge := movement{payment: f.Payment, attempt: f.Attempt}
		switch {
		case f.Payment == "" || f.Line == nil:
		case f.Entry == nil && f.Line.Kind != providers.LineRefund:
			doubtful[charge] = true
		case f.Kind == RefundUnknownToUs && read(*f.Line) == money:
			strange[charge] = true
			returned[charge] += f.Line.Amount.Minor
		}
	}
	var all []Step
	charges := map[movement]int{} // the place of a charge's step, counted from 1
	for _, f := range j.Findings {
		if f.Kind != StateDiffers || f.Entry == nil || f.Line == nil {
			continue
		}
		charge := movement{payment: f.Payment, attempt: f.Attempt}
		about := o
		about.Parts = o.Parts && !doubtful[charge]
		s, ok := Heal(*f.Line, *f.Entry, about)
		if !ok {
			continue
		}
		all = append(all, s)
		if s.Operation == 0 {
			charges[charge] = len(all)
		} else {
			returned[charge] += f.Entry.Amount.Minor
		}
	}
	for _, e := range ours {
		if e.Kind == providers.LineRefund && e.Verdict == providers.Approved {
			returned[movement{payment: e.Payment, attempt: e.Attempt}] += e.Amount.Minor
		}
	}
	for _, e := range ours {
		back := providers.Money{Minor: returned[e.movement()], Currency: e.Amount.Currency}
		if e.Kind != providers.LineCharge || !strange[e.movement()] || doubtful[e.movement()] || foreign(j, e) || !back.PartOf(e.Amount) {
			continue
		}
		switch i := charges[e.movement()]; {
		case i > 0 && all[i-1].Result.Verdict == providers.Approved: // in one word: the money came, and went back
			all[i-1].Result.Returned = back
		case e.Verdict == providers.Approved:
			all = append(all, Step{Payment: e.Payment, Attempt: e.Attempt, Result: providers.Result{
				Verdict: providers.Approved, External: e.External, Amount: e.Amount, Returned: back,
			}})
		}
	}
	return all
}

// foreign reports whether a refund that we did not make is told in another currency than the
// charge.
func foreign(j Judgement, e Entry) bool {
	return slices.ContainsFunc(j.Findings, func(f Finding) bool {
		return f.Kind == RefundUnknownToUs && f.Payment == e.Payment && f.Attempt == e.Attempt && f.Line.Amount.Currency != e.Amount.Currency
	})
}
