package sim

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"
)

// Acts of a payer. Every face understands pay, decline, pay-late and pay-again; Kaspi also knows its two steps scan and confirm.
const (
	ActScan     = "scan"      // opens the offer, without paying
	ActConfirm  = "confirm"   // agrees to pay what was scanned
	ActPay      = "pay"       // does everything it takes to pay
	ActDecline  = "decline"   // looks and says no, or has no money
	ActPayLate  = "pay-late"  // pays although the offer's time is over; takes money only where the face's options let it
	ActPayAgain = "pay-again" // pays once more what is paid already; takes money only where the provider lets it
)

// Behaviours of payers for newly shown offers.
const (
	PayerPays     = "pay"
	PayerNever    = "never"
	PayerDeclines = "decline"
	PayerLate     = "late"
	PayerTwice    = "twice"
)

// twicePause is between the two payments of a payer who pays twice: a human pressing the button again.
const twicePause = time.Second

// PayerRule says what the payers of newly shown offers do. Without a rule nobody pays. The first rule that matches an offer and
// is not used up decides. Limited rules (times or match) are asked before unlimited ones, in the order of adding; of the unlimited
// ones the newest is asked first. So a script of exceptions can be laid over a habit, and a habit can be changed.
type PayerRule struct {
	ID        string   `json:"id"`              // given by the bank
	Face      string   `json:"face"`            // empty or "*" is every face
	Behaviour string   `json:"behaviour"`       // pay, never, decline, late or twice
	After     Duration `json:"after,omitempty"` // how long the payer waits; late waits so long after the offer's end (default 1 s)
	Times     int      `json:"times,omitempty"` // how many offers; 0 is all
	Match     string   `json:"match,omitempty"` // only this reference
	Used      int      `json:"used"`            // how many offers it has decided so far
}

func (p *PayerRule) limited() bool { return p.Times > 0 || p.Match != "" }

func payerBehaviours() []string {
	return []string{PayerPays, PayerNever, PayerDeclines, PayerLate, PayerTwice}
}

// opener is a face whose offers the merchant composes alone: the bank hears of one when a payer opens its address.
type opener interface {
	Open(address string) error
}

// Open lets a payer's browser open the address of an offer, where the bank learns of offers by that. Elsewhere nothing happens: who
// has an offer's address could open it, but the bank knows the offer already.
func (b *Bank) Open(face, address string) error {
	f := b.face(face)
	if f == nil {
		return fmt.Errorf("face %q is unknown; there are %q", face, b.Faces())
	}
	if o, ok := f.(opener); ok {
		return o.Open(address)
	}
	return nil
}

// AddPayer checks a rule and puts it in force. It returns the rule's id.
func (b *Bank) AddPayer(p PayerRule) (string, error) {
	if p.Face == "" {
		p.Face = "*"
	}
	switch {
	case p.Face != "*" && b.face(p.Face) == nil:
		return "", fmt.Errorf("face %q is unknown; there are %q", p.Face, b.Faces())
	case !slices.Contains(payerBehaviours(), p.Behaviour):
		return "", fmt.Errorf("behaviour %q is unknown; there are %q", p.Behaviour, payerBehaviours())
	case p.After < 0 || p.Times < 0:
		return "", errors.New("after and times may not be negative")
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	p.ID, p.Used = "p"+strconv.Itoa(b.next()), 0
	habits := slices.IndexFunc(b.payers, func(q *PayerRule) bool { return !q.limited() })
	if habits < 0 {
		habits = len(b.payers)
	}
	b.payers = slices.Insert(b.payers, habits, &p)
	return p.ID, nil
}

// RemovePayer takes a rule out of force and reports whether it existed. Payers already waiting still do what they meant to.
func (b *Bank) RemovePayer(id string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	before := len(b.payers)
	b.payers = slices.DeleteFunc(b.payers, func(p *PayerRule) bool { return p.ID == id })
	return len(b.payers) < before
}

// ClearPayers removes every rule: nobody pays any more, except through Act. Payers already waiting still do what they meant to.
func (b *Bank) ClearPayers() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.payers = nil
}

// Payers copies the rules in the order in which they are asked.
func (b *Bank) Payers() []PayerRule {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := []PayerRule{}
	for _, p := range b.payers {
		out = append(out, *p)
	}
	return out
}

// Act makes the payer of one object do something now. which is the bank's id or the merchant's reference (the newest object of
// that reference). The error says what was wrong with the wish; an act without effect at the provider is not an error.
// An offer whose answer was lost has no payer who could act.
func (b *Bank) Act(face, which, act string) error {
	f := b.face(face)
	if f == nil {
		return fmt.Errorf("face %q is unknown; there are %q", face, b.Faces())
	}
	b.mu.Lock()
	o := b.find(face, which)
	if o == nil {
		b.mu.Unlock()
		return fmt.Errorf("%s has nothing with id or reference %q", face, which)
	}
	if o.Unseen {
		b.mu.Unlock()
		return fmt.Errorf("the answer that offered %q was lost: nobody can pay it", which)
	}
	err := f.pay(o.ID, act)
	b.mu.Unlock()
	b.flush(face)
	return err
}

// find looks for an object by id first, then for the newest one by reference. The caller holds the lock.
func (b *Bank) find(face, which string) *Object {
	var found *Object
	for _, o := range b.books.objects {
		if o.Face != face {
			continue
		}
		if o.ID == which {
			return o
		}
		if o.Reference == which && which != "" {
			found = o
		}
	}
	return found
}

// meetPayer lets the payer of a newly shown object decide what to do. The caller holds the lock.
func (b *Bank) meetPayer(f Face, o *Object) {
	i := slices.IndexFunc(b.payers, func(p *PayerRule) bool {
		return (p.Face == "*" || p.Face == o.Face) && (p.Match == "" || p.Match == o.Reference) && (p.Times == 0 || p.Used < p.Times)
	})
	if i < 0 {
		return
	}
	rule := b.payers[i]
	rule.Used++
	does := func(after time.Duration, act string) {
		b.after(after, func() {
			if err := f.pay(o.ID, act); err != nil {
				b.log.Debug("simulated payer failed", "face", o.Face, "reference", o.Reference, "act", act, "error", err)
			}
		})
	}
	wait := time.Duration(rule.After)
	switch rule.Behaviour {
	case PayerPays:
		does(wait, ActPay)
	case PayerDeclines:
		does(wait, ActDecline)
	case PayerLate:
		does(time.Until(o.LiveUntil)+orDefault(rule.After, time.Second), ActPayLate)
	case PayerTwice:
		does(wait, ActPay)
		does(wait+twicePause, ActPayAgain)
	}
}
