package audit

import (
	"fmt"
	"iter"
)

// Fault is what is wrong with a chain where it is broken first.
type Fault string

// The faults.
const (
	Changed    Fault = "changed"      // the record is not the one that was written
	Missing    Fault = "missing"      // there is no record of this number, and there are later ones
	OutOfOrder Fault = "out of order" // a record stands where its number does not belong
	Cut        Fault = "cut"          // the chain ends before the anchor
	Rewritten  Fault = "rewritten"    // it holds together, and is not the chain of the anchor
)

// BrokenError names the first link that does not hold.
type BrokenError struct {
	Number int64
	Fault  Fault
	Detail string // one sentence
}

func (e *BrokenError) Error() string {
	return fmt.Sprintf("the audit is broken at record %d: %s", e.Number, e.Detail)
}

// Check follows a chain from its first record to its last, one record at a time, and
// returns the anchor of the last one that holds. With an anchor that was exported before,
// the chain must also lead through it; the zero anchor asks for nothing. What is wrong with
// the chain is a *BrokenError; any other error is the reader's.
func Check(records iter.Seq2[Record, error], known Anchor) (Anchor, error) {
	last := Anchor{}
	broken := func(number int64, fault Fault, detail string, args ...any) (Anchor, error) {
		return last, &BrokenError{number, fault, fmt.Sprintf(detail, args...)}
	}
	for r, err := range records {
		next := last.Number + 1
		switch {
		case err != nil:
			return last, err
		case r.Number > next:
			return broken(next, Missing, "it is missing; the next that is there is %d", r.Number)
		case r.Number < next:
			return broken(r.Number, OutOfOrder, "it stands where %d belongs", next)
		case r.Sum != r.sum():
			return broken(r.Number, Changed, "its sum is not that of what it says: it was changed after it was written")
		case r.Previous != last.Sum:
			return broken(r.Number, Changed, "it does not follow record %d as that stands: one of the two was written anew", last.Number)
		}
		last = Anchor{r.Number, r.Sum, r.Time}
		if r.Number == known.Number && r.Sum != known.Sum {
			return broken(r.Number, Rewritten, "its sum is not the anchor's: it, or one before it, was written anew with all that follow")
		}
	}
	if last.Number < known.Number {
		return broken(last.Number+1, Cut, "it is missing with all after it, up to %d at least, which the anchor names", known.Number)
	}
	return last, nil
}
