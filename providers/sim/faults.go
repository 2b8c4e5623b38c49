package sim

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"
)

// FaultKind names one way in which a face can misbehave. doc.go has the table.
type FaultKind string

// The kinds of faults.
const (
	FaultRefuse         FaultKind = "refuse"
	FaultHang           FaultKind = "hang"
	FaultActHang        FaultKind = "act-hang"
	FaultDrop           FaultKind = "drop"
	FaultActDrop        FaultKind = "act-drop"
	FaultHTTPError      FaultKind = "http-error"
	FaultActHTTPError   FaultKind = "act-http-error"
	FaultHTML           FaultKind = "html"
	FaultTruncate       FaultKind = "truncate"
	FaultHuge           FaultKind = "huge"
	FaultSlow           FaultKind = "slow"
	FaultTrickle        FaultKind = "trickle"
	FaultRedirect       FaultKind = "redirect"
	FaultWrongAmount    FaultKind = "wrong-amount"
	FaultWrongReference FaultKind = "wrong-reference"
	FaultBadSignature   FaultKind = "bad-signature"
	FaultThrottle       FaultKind = "throttle"
	FaultUnauthorized   FaultKind = "unauthorized"
	FaultCode           FaultKind = "code"
	FaultUnknownStatus  FaultKind = "unknown-status"
	FaultActLate        FaultKind = "act-late"
	FaultNotFound       FaultKind = "not-found"
)

// FaultKinds lists every kind, in the order of the table in doc.go.
func FaultKinds() []FaultKind {
	return []FaultKind{
		FaultRefuse, FaultHang, FaultActHang, FaultDrop, FaultActDrop, FaultHTTPError, FaultActHTTPError, FaultHTML, FaultTruncate,
		FaultHuge, FaultSlow, FaultTrickle, FaultRedirect, FaultWrongAmount, FaultWrongReference, FaultBadSignature, FaultThrottle,
		FaultUnauthorized, FaultCode, FaultUnknownStatus, FaultActLate, FaultNotFound,
	}
}

// Fault is one rule. The first rule that matches a request, in the order of adding, decides about it.
type Fault struct {
	ID   string    `json:"id"`   // given by the bank
	Face string    `json:"face"` // empty or "*" is every face
	Op   Op        `json:"op"`   // empty or "*" is every operation
	Kind FaultKind `json:"kind"`
	// Delay is the pause of slow and act-late (default 30 s), between the bytes of trickle (default 100 ms),
	// and how long refuse lasts (default: until removed).
	Delay Duration `json:"delay,omitempty"`
	Times int      `json:"times,omitempty"` // how many requests it spoils; 0 is until removed
	After int      `json:"after,omitempty"` // how many matching requests it lets pass first
	// Status is the HTTP status of http-error and act-http-error (default 503) and, where the provider has more than one, of code.
	Status int    `json:"status,omitempty"`
	Code   string `json:"code,omitempty"`  // the provider's own code for code, its invented word for unknown-status
	Match  string `json:"match,omitempty"` // only requests about this reference
	// BrokenPromise marks objects made under this rule as the bank's own fault, so that I7 does not blame the merchant:
	// for act-late later than the provider ever promised.
	BrokenPromise bool `json:"broken_promise,omitempty"`
	Used          int  `json:"used"` // how many requests it has spoiled so far

	passed int
}

// AddFault checks a rule and puts it in force. It returns the rule's id.
func (b *Bank) AddFault(f Fault) (string, error) {
	if f.Face == "" {
		f.Face = "*"
	}
	if f.Op == "" {
		f.Op = "*"
	}
	switch {
	case f.Face != "*" && b.face(f.Face) == nil:
		return "", fmt.Errorf("face %q is unknown; there are %q", f.Face, b.Faces())
	case !slices.Contains(faultOps(), f.Op):
		return "", fmt.Errorf("op %q is unknown; there are %q", f.Op, faultOps())
	case !slices.Contains(FaultKinds(), f.Kind):
		return "", fmt.Errorf("kind %q is unknown; there are %q", f.Kind, FaultKinds())
	case f.Delay < 0 || f.Times < 0 || f.After < 0:
		return "", errors.New("delay, times and after may not be negative")
	case f.Status != 0 && (f.Status < 200 || f.Status > 599):
		return "", fmt.Errorf("status %d is not between 200 and 599", f.Status)
	case f.Kind == FaultCode && f.Code == "":
		return "", errors.New(`kind "code" needs a code in the provider's words`)
	case f.Kind == FaultRefuse && (f.Op != "*" || f.Times != 0 || f.After != 0 || f.Match != ""):
		return "", errors.New(`kind "refuse" closes the whole face: it takes face and delay (how long) only`)
	}
	b.mu.Lock()
	f.ID = "f" + strconv.Itoa(b.next())
	f.Used, f.passed = 0, 0
	b.faults = append(b.faults, &f)
	if f.Kind == FaultRefuse && f.Delay > 0 {
		b.after(time.Duration(f.Delay), func() { b.dropFault(f.ID) })
	}
	b.mu.Unlock()
	b.setDoors()
	return f.ID, nil
}

func faultOps() []Op {
	return []Op{"*", OpCreate, OpCharge, OpStatus, OpRefund, OpCapture, OpVoid, OpToken, OpList, OpProbe}
}

// dropFault removes a refusal whose time is over. The caller holds the lock; the doors follow without it.
func (b *Bank) dropFault(id string) {
	b.faults = slices.DeleteFunc(b.faults, func(f *Fault) bool { return f.ID == id })
	b.spawn(b.setDoors)
}

// RemoveFault takes a rule out of force and reports whether it existed.
func (b *Bank) RemoveFault(id string) bool {
	b.mu.Lock()
	before := len(b.faults)
	b.faults = slices.DeleteFunc(b.faults, func(f *Fault) bool { return f.ID == id })
	removed := len(b.faults) < before
	b.mu.Unlock()
	b.setDoors()
	return removed
}

// ClearFaults takes every rule out of force: the bank is healthy again. Late acts already on their way still happen.
func (b *Bank) ClearFaults() {
	b.mu.Lock()
	b.faults = nil
	b.mu.Unlock()
	b.setDoors()
}

// Faults copies the rules in force, used-up ones included.
func (b *Bank) Faults() []Fault {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := []Fault{}
	for _, f := range b.faults {
		out = append(out, *f)
	}
	return out
}

// pick finds the rule for a request and counts it. The caller holds the lock. A zero Fault means none.
func (b *Bank) pick(face string, c *call) Fault {
	if c.op == OpTest {
		return Fault{}
	}
	for _, f := range b.faults {
		if f.Face != "*" && f.Face != face || f.Op != "*" && f.Op != c.op || f.Match != "" && f.Match != c.reference {
			continue
		}
		if f.passed < f.After {
			f.passed++
			continue
		}
		if f.Times > 0 && f.Used >= f.Times {
			continue
		}
		f.Used++
		return *f
	}
	return Fault{}
}

// refused says whether a face's door is shut. The caller holds the lock.
func (b *Bank) refused(face string) bool {
	return slices.ContainsFunc(b.faults, func(f *Fault) bool {
		return f.Kind == FaultRefuse && (f.Face == "*" || f.Face == face)
	})
}

// Duration is a time.Duration that JSON writes as text: "1.5s".
type Duration time.Duration

// MarshalJSON writes the duration in Go's text form.
func (d Duration) MarshalJSON() ([]byte, error) {
	return json.Marshal(time.Duration(d).String())
}

// UnmarshalJSON reads Go's text form; a bare number is refused, because it does not say its unit.
func (d *Duration) UnmarshalJSON(text []byte) error {
	var s string
	if err := json.Unmarshal(text, &s); err != nil {
		return fmt.Errorf(`a duration is text such as "1.5s", not %s`, text)
	}
	v, err := time.ParseDuration(s)
	if err != nil {
		return err
	}
	*d = Duration(v)
	return nil
}
