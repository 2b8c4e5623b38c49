package sim

import (
	"cmp"
	"slices"
	"time"
)

// Phase says what an object of the bank can still do to the payer's money, whatever its provider calls that.
type Phase string

// The phases of an object.
const (
	Live    Phase = "live"    // nothing taken yet; it still can be
	Held    Phase = "held"    // authorised and not captured
	Charged Phase = "charged" // money was taken (some or all of it may have been refunded since)
	Dead    Phase = "dead"    // holds nothing; by the provider's promise it never will
)

// Kinds of ledger entries.
const (
	KindAuthorize = "authorize"
	KindCharge    = "charge"
	KindCapture   = "capture"
	KindVoid      = "void"
	KindRefund    = "refund"
)

// Ways in which an object reaches its payer.
const (
	StyleOffer  = "offer"  // a QR, link or page that only the merchant can show: unseen when the answer was lost
	StylePush   = "push"   // the bank itself contacts the payer
	StyleCharge = "charge" // money moves inside the merchant's call
	StyleDebit  = "debit"  // the payer pays first, the bank tells the merchant afterwards
)

// Entry is one line of the bank's books. AmountMinor is never negative: Kind says which way the money went.
type Entry struct {
	Seq         int       `json:"seq"`
	Time        time.Time `json:"time"`
	Face        string    `json:"face"`
	Account     string    `json:"account,omitempty"`
	Kind        string    `json:"kind"`
	Reference   string    `json:"reference"`
	ID          string    `json:"id"`
	AmountMinor int64     `json:"amount_minor"`
	Currency    string    `json:"currency"`
	RefundOf    string    `json:"refund_of,omitempty"`
	Note        string    `json:"note,omitempty"`
}

// Object is a purchase, invoice or charge in its present state.
type Object struct {
	Face       string    `json:"face"`
	Account    string    `json:"account,omitempty"`
	Reference  string    `json:"reference"`
	ID         string    `json:"id"`
	Payment    string    `json:"payment,omitempty"`
	Style      string    `json:"style"`
	Status     string    `json:"status"` // in the provider's own word
	Phase      Phase     `json:"phase"`
	Amount     int64     `json:"amount_minor"`
	Authorized int64     `json:"authorized_minor"`
	Captured   int64     `json:"captured_minor"`
	Refunded   int64     `json:"refunded_minor"`
	Currency   string    `json:"currency"`
	Created    time.Time `json:"created"`
	LiveUntil  time.Time `json:"live_until,omitzero"`
	// Unseen is an offer whose creating answer was lost: nobody can show it, so nobody can pay it, and I7 ignores it.
	Unseen bool `json:"unseen,omitempty"`
	// Excused objects come from a fault that breaks the provider's own promise; I7 ignores them.
	Excused bool `json:"excused,omitempty"`
	// AsksFirst objects take no money without the merchant's leave, which therefore ends them: I7 ignores one that is live.
	AsksFirst bool `json:"asks_first,omitempty"`
}

// Violation is an invariant that the merchant's side broke, as seen from the bank.
type Violation struct {
	Time      time.Time `json:"time"`
	Invariant string    `json:"invariant"` // I7, I8, I9 or I11
	Face      string    `json:"face"`
	Op        Op        `json:"op"`
	Reference string    `json:"reference"`
	Text      string    `json:"text"`
	// Beside is the reference of the other object or request, for I7.
	Beside string `json:"beside,omitempty"`
}

// Arrivals counts the requests of one operation about one reference, whatever became of them.
type Arrivals struct {
	Face      string `json:"face"`
	Op        Op     `json:"op"`
	Reference string `json:"reference"`
	Count     int    `json:"count"`
}

// Ledger is a copy of the bank's books.
type Ledger struct {
	Entries    []Entry     `json:"entries"`
	Objects    []Object    `json:"objects"`
	Violations []Violation `json:"violations"`
	Arrivals   []Arrivals  `json:"arrivals"`
}

// Net is the money in minor units that a reference moved to the merchant at one face: charges and captures less refunds.
// An empty face means every face.
func (l Ledger) Net(face, reference string) int64 {
	var net int64
	for _, e := range l.Entries {
		if e.Reference != reference || face != "" && e.Face != face {
			continue
		}
		switch e.Kind {
		case KindCharge, KindCapture:
			net += e.AmountMinor
		case KindRefund:
			net -= e.AmountMinor
		}
	}
	return net
}

// Count is how often requests of op arrived about a reference at a face.
func (l Ledger) Count(face string, op Op, reference string) int {
	for _, a := range l.Arrivals {
		if a.Face == face && a.Op == op && a.Reference == reference {
			return a.Count
		}
	}
	return 0
}

// Of keeps only what belongs to one face. An empty name keeps everything.
func (l Ledger) Of(face string) Ledger {
	if face == "" {
		return l
	}
	return Ledger{
		Entries:    slices.DeleteFunc(slices.Clone(l.Entries), func(e Entry) bool { return e.Face != face }),
		Objects:    slices.DeleteFunc(slices.Clone(l.Objects), func(o Object) bool { return o.Face != face }),
		Violations: slices.DeleteFunc(slices.Clone(l.Violations), func(v Violation) bool { return v.Face != face }),
		Arrivals:   slices.DeleteFunc(slices.Clone(l.Arrivals), func(a Arrivals) bool { return a.Face != face }),
	}
}

// Ledger copies the books as they stand now.
func (b *Bank) Ledger() Ledger {
	b.mu.Lock()
	defer b.mu.Unlock()
	l := Ledger{
		Entries:    append([]Entry{}, b.books.entries...),
		Objects:    []Object{},
		Violations: append([]Violation{}, b.books.violations...),
		Arrivals:   append([]Arrivals{}, b.books.arrivals...),
	}
	for _, o := range b.books.objects {
		l.Objects = append(l.Objects, *o)
	}
	return l
}

// books is the mutable state behind Ledger; Bank.mu guards it.
type books struct {
	entries    []Entry
	objects    []*Object
	violations []Violation
	arrivals   []Arrivals
	once       map[string]int    // I9: arrivals that may have been processed
	unique     map[string]string // I11: key under the provider's own rule to the reference that took it
	pending    []*pendingAct
}

// pendingAct is a request that an act-late fault will still execute.
type pendingAct struct {
	face, reference, payment string
	counts                   bool
}

func newBooks() books {
	return books{once: map[string]int{}, unique: map[string]string{}}
}

// open adds a new object. The caller holds the lock and fills every field but Created and Payment.
func (b *Bank) open(c *call, o *Object) *Object {
	o.Created = time.Now()
	o.Payment = c.payment
	o.Excused = o.Excused || c.excused
	b.books.objects = append(b.books.objects, o)
	c.created = o
	return o
}

// book writes one line about o and moves its sums along. The caller holds the lock and sets Status and Phase itself.
// id is the bank's id of this movement; empty means the object's own.
func (b *Bank) book(o *Object, kind, id string, minor int64, note string) {
	e := Entry{
		Seq: len(b.books.entries) + 1, Time: time.Now(), Face: o.Face, Account: o.Account, Kind: kind,
		Reference: o.Reference, ID: cmp.Or(id, o.ID), AmountMinor: minor, Currency: o.Currency, Note: note,
	}
	switch kind {
	case KindAuthorize:
		o.Authorized += minor
	case KindCharge:
		o.Authorized += minor
		o.Captured += minor
	case KindCapture:
		o.Captured += minor
	case KindRefund:
		o.Refunded += minor
		e.RefundOf = o.ID
	}
	b.books.entries = append(b.books.entries, e)
	b.log.Debug("simulated bank books", "face", e.Face, "kind", kind, "reference", e.Reference, "id", e.ID, "amount_minor", minor)
}
