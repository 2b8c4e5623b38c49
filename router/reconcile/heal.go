package reconcile

import (
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
//	money, of the same sum      undecided, or refused                      held or approved
//	approved                    a hold, or a part of it (parts)            approved
//	declined, dated after it    a hold                                     declined: it is gone
//	refund approved, same sum   undecided, or refused                      approved: it was made
//	another sum or currency     any                                        never
//	no money                    undecided, or refused                      never: statements list
//	                                                                       every try, and a look decides
//	anything                    approved                                   never: denials are findings
//
// parts says that the gateway claims partial captures.
func Heal(l providers.StatementLine, e Entry, parts bool) (Step, bool) {
	result, ok := taught(l, e, parts)
	if !ok || l.Kind != e.Kind {
		return Step{}, false
	}
	result.External, result.Code = l.External, l.Code
	return Step{Payment: e.Payment, Attempt: e.Attempt, Operation: e.Operation, Result: result}, true
}

func taught(l providers.StatementLine, e Entry, parts bool) (providers.Result, bool) {
	is := read(l)
	same := l.Amount == e.Amount
	switch {
	case is == money && e.Kind == providers.LineRefund:
		return providers.Result{Verdict: providers.Approved}, same && !e.Verdict.HasMoney()
	case is == money && !e.Verdict.HasMoney():
		return providers.Result{Verdict: l.Verdict, Amount: l.Amount}, same
	case is == money && e.Verdict == providers.Held && l.Verdict == providers.Approved:
		return providers.Result{Verdict: providers.Approved, Amount: l.Amount}, same || parts && l.Amount.PartOf(e.Amount)
	case is == quiet && l.Verdict == providers.Declined && e.Verdict == providers.Held && e.Kind == providers.LineCharge:
		return providers.Result{Verdict: providers.Declined, Reason: providers.Released}, l.At.After(later(e.At, e.Last))
	}
	return providers.Result{}, false
}

// steps is what findings teach about the movements that they name.
func steps(found []Finding, parts bool) []Step {
	var all []Step
	for _, f := range found {
		if f.Kind == StateDiffers && f.Entry != nil && f.Line != nil {
			if s, ok := Heal(*f.Line, *f.Entry, parts); ok {
				all = append(all, s)
			}
		}
	}
	return all
}

// returns teaches of refunds that somebody made without us, in the gateway's cabinet or by
// the bank: how much of a captured charge has gone back in all. Whoever refunds the payment
// next must know it. What adds up to more than was captured is left to a person.
func returns(j Judgement, ours []Entry) []Step {
	strange, sum := map[movement]bool{}, map[movement]providers.Money{}
	back := func(payment string, attempt int, amount providers.Money) movement {
		charge := movement{payment: payment, attempt: attempt}
		if sum[charge].Currency == amount.Currency || sum[charge].Currency == "" {
			sum[charge] = providers.Money{Minor: sum[charge].Minor + amount.Minor, Currency: amount.Currency}
		}
		return charge
	}
	for _, p := range j.Matched {
		if p.Line.Kind == providers.LineRefund {
			back(p.Entry.Payment, p.Entry.Attempt, p.Line.Amount)
		}
	}
	for _, f := range j.Findings {
		if f.Kind == RefundUnknownToUs && f.Payment != "" && read(*f.Line) == money {
			strange[back(f.Payment, f.Attempt, f.Line.Amount)] = true
		}
	}
	var all []Step
	for _, e := range ours {
		returned := sum[e.movement()]
		if strange[e.movement()] && e.Verdict == providers.Approved && returned.PartOf(e.Amount) {
			all = append(all, Step{Payment: e.Payment, Attempt: e.Attempt, Result: providers.Result{
				Verdict: providers.Approved, External: e.External, Amount: e.Amount, Returned: returned,
			}})
		}
	}
	return all
}
