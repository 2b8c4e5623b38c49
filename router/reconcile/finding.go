package reconcile

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/payrouter/payrouter/providers"
)

// Kind says how the two books disagree. The values share no word with
// payment.FindingKind, so that both may stand in one list.
type Kind string

// The kinds, with the words that finance people use for them.
const (
	UnknownToUs       Kind = "unknown_to_us"         // missing in our books: a charge, or another one under an order of ours
	UnknownToThem     Kind = "unknown_to_them"       // missing in the statement: we count on money they do not show
	AmountDiffers     Kind = "line_amount_differs"   // amount mismatch
	CurrencyDiffers   Kind = "line_currency_differs" // currency mismatch
	StateDiffers      Kind = "line_state_differs"    // status mismatch, or a state that cannot be read
	DuplicateLine     Kind = "duplicate_line"        // the same movement told more than once
	RefundMissing     Kind = "refund_missing"        // a refund of ours that they do not show
	RefundUnknownToUs Kind = "refund_unknown_to_us"  // a refund of theirs that we did not make
	FeeDiffers        Kind = "fee_differs"           // they took another fee than the contract says
	SettledLate       Kind = "settled_late"          // dated, or paid out, later than it should be
	HeldTwice         Kind = "held_twice"            // money of one payment on more than one attempt, and not given back
)

// Kinds lists the kinds in a fixed order.
func Kinds() []Kind {
	return []Kind{UnknownToUs, UnknownToThem, AmountDiffers, CurrencyDiffers, StateDiffers, DuplicateLine,
		RefundMissing, RefundUnknownToUs, FeeDiffers, SettledLate, HeldTwice}
}

// Finding is one disagreement. Payment and Attempt name ours as far as the order is
// known; Entry is nil where the line has none of its own, Line where there is no line.
// Where several things differ it has the kind of the gravest: a line without readable
// money, then currency, state, amount, fee, date.
type Finding struct {
	Key     string // the same in every run: of the gateway, the kind, and what it is about
	Kind    Kind
	Gateway string
	Payment string
	Attempt int
	Entry   *Entry
	Line    *providers.StatementLine
	Fee     providers.Money // by the contract, where it differs
}

// Detail says what each side has, for people: "approved 15490.00 KZT in our books,
// nothing in theirs".
func (f Finding) Detail() string {
	switch {
	case f.Kind == HeldTwice:
		return fmt.Sprintf("%s %s, besides what the payment owes", f.Entry.Verdict, f.Entry.Amount)
	case f.Kind == FeeDiffers:
		return fmt.Sprintf("a fee of %s for %s, and %s by the contract", f.Line.Fee, f.Line.Amount, f.Fee)
	case f.Kind == SettledLate && f.Line.Settled.IsZero():
		return fmt.Sprintf("dated %s, ours ended %s", stamp(f.Line.At), stamp(later(f.Entry.At, f.Entry.Last)))
	case f.Kind == SettledLate:
		return fmt.Sprintf("dated %s, paid out %s", stamp(f.Line.At), stamp(f.Line.Settled))
	}
	ours, theirs := "nothing", "nothing"
	if f.Entry != nil {
		ours = fmt.Sprintf("%s %s", f.Entry.Verdict, f.Entry.Amount)
	}
	if f.Line != nil {
		theirs = fmt.Sprintf("%s %s", f.Line.Verdict, f.Line.Amount)
	}
	return ours + " in our books, " + theirs + " in theirs"
}

// Fresh leaves out the findings whose key is known.
func Fresh(found []Finding, known map[string]bool) []Finding {
	var fresh []Finding
	for _, f := range found {
		if !known[f.Key] {
			fresh = append(fresh, f)
		}
	}
	return fresh
}

func stamp(at time.Time) string { return at.UTC().Format(time.RFC3339) }

func (f Finding) at() time.Time {
	if f.Line != nil {
		return f.Line.At
	}
	return f.Entry.At
}

// about is what the finding is about: our entry, or else the line. A line's instant and
// amount belong to it, since gateways without ids repeat an order number.
func (f Finding) about() string {
	if f.Entry != nil {
		return fmt.Sprintf("%q/%d/%d", f.Entry.Payment, f.Entry.Attempt, f.Entry.Operation)
	}
	return fmt.Sprintf("%s/%q/%q/%s/%s", f.Line.Kind, f.Line.Order, f.Line.External, f.Line.At.UTC().Format(time.RFC3339Nano), f.Line.Amount)
}

// keyed sorts the findings and gives them their keys. What has nothing of its own to be
// told apart by is counted.
func keyed(found []Finding) []Finding {
	for i, f := range found {
		found[i].Key = fmt.Sprintf("%s/%s/%s", f.Gateway, f.Kind, f.about())
	}
	slices.SortStableFunc(found, func(a, b Finding) int { return cmp.Or(a.at().Compare(b.at()), cmp.Compare(a.Key, b.Key)) })
	times := map[string]int{}
	for i, f := range found {
		if times[f.Key]++; times[f.Key] > 1 {
			found[i].Key = fmt.Sprintf("%s#%d", f.Key, times[f.Key])
		}
	}
	return found
}
