package sim

import (
	"fmt"
	"time"
)

// arrive counts a request and checks what the merchant promised about it. The caller holds the lock;
// violations are returned so that they can be reported without it.
func (b *Bank) arrive(face string, c *call, witness error) []Violation {
	b.count(face, c.op, c.reference)
	var found []Violation
	beside := ""
	broken := func(id, format string, args ...any) {
		v := Violation{Time: time.Now(), Invariant: id, Face: face, Op: c.op, Reference: c.reference, Text: fmt.Sprintf(format, args...), Beside: beside}
		b.books.violations = append(b.books.violations, v)
		found = append(found, v)
	}
	if witness != nil {
		broken("I8", "the store does not know this request: %v", witness)
	}
	if c.create && c.payment != "" {
		for _, o := range b.books.objects {
			if o.Payment == c.payment && !sameObject(o, face, c) && o.Phase != Dead && !o.Unseen && !o.Excused && !(o.AsksFirst && o.Phase == Live) {
				beside = o.Reference
				broken("I7", "payment %s already has %s %s at %s (%s)", c.payment, o.Phase, o.Reference, o.Face, o.Status)
			}
		}
		for _, p := range b.books.pending {
			if p.payment == c.payment && p.counts && !(p.face == face && p.reference == c.reference) {
				beside = p.reference
				broken("I7", "payment %s already has a request on its way for %s at %s", c.payment, p.reference, p.face)
			}
		}
	}
	beside = ""
	if c.once != "" {
		key := face + "\x00" + c.once
		b.books.once[key]++
		if n := b.books.once[key]; n > 1 {
			broken("I9", "%s about %s arrived %d times", c.op, c.reference, n)
		}
	}
	if c.unique != "" {
		key := face + "\x00" + c.account + "\x00" + c.unique
		if first, taken := b.books.unique[key]; !taken {
			b.books.unique[key] = c.reference
		} else if first != c.reference {
			broken("I11", "%s collides with %s under the provider's rule (%s)", c.reference, first, c.unique)
		}
	}
	return found
}

// sameObject says that a create repeats an earlier one; that is I9's matter, not I7's.
func sameObject(o *Object, face string, c *call) bool {
	return o.Face == face && o.Reference == c.reference && c.reference != ""
}

// unprocessed takes an arrival back out of I9: the provider documents that it did not happen. The caller holds the lock.
func (b *Bank) unprocessed(face string, c *call) {
	if c.once != "" {
		b.books.once[face+"\x00"+c.once]--
	}
}

func (b *Bank) count(face string, op Op, reference string) {
	for i := range b.books.arrivals {
		a := &b.books.arrivals[i]
		if a.Face == face && a.Op == op && a.Reference == reference {
			a.Count++
			return
		}
	}
	b.books.arrivals = append(b.books.arrivals, Arrivals{Face: face, Op: op, Reference: reference, Count: 1})
}

// report tells the log and OnViolation. The lock must not be held.
func (b *Bank) report(found []Violation) {
	for _, v := range found {
		b.log.Error("invariant violated", "invariant", v.Invariant, "face", v.Face, "op", v.Op, "reference", v.Reference, "text", v.Text)
		if b.opt.OnViolation != nil {
			b.opt.OnViolation(v)
		}
	}
}
