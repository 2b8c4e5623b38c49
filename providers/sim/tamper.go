package sim

import (
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
)

// TamperKind names one way in which a row of a statement can be shown wrongly. doc.go has the table.
type TamperKind string

// The kinds of tampers.
const (
	TamperOmit     TamperKind = "omit"
	TamperAgain    TamperKind = "again"
	TamperDouble   TamperKind = "double"
	TamperForeign  TamperKind = "foreign"
	TamperAmount   TamperKind = "amount"
	TamperCurrency TamperKind = "currency"
	TamperWord     TamperKind = "word"
	TamperDeclined TamperKind = "declined"
	TamperFee      TamperKind = "fee"
	TamperLate     TamperKind = "late"
	TamperUnpaid   TamperKind = "unpaid"
	TamperNameless TamperKind = "nameless"
)

// TamperKinds lists every kind, in the order of the table in doc.go.
func TamperKinds() []TamperKind {
	return []TamperKind{
		TamperOmit, TamperAgain, TamperDouble, TamperForeign, TamperAmount, TamperCurrency, TamperWord, TamperDeclined, TamperFee, TamperLate,
		TamperUnpaid, TamperNameless,
	}
}

// tamperable says which kinds the statement of each face can show. The others have no place in its format: rows of WayForPay bear
// no id of its own, those of Kaspi and Robokassa no currency, those of Kaspi no state; only three faces tell when they pay out; and
// QuickPay knows no payment without an order_id.
var tamperable = map[string][]TamperKind{
	"kaspi": {
		TamperOmit, TamperAgain, TamperDouble, TamperForeign, TamperAmount, TamperWord, TamperFee, TamperLate, TamperNameless,
	},
	"halyk": TamperKinds(),
	"wayforpay": {
		TamperOmit, TamperAgain, TamperForeign, TamperAmount, TamperCurrency, TamperWord, TamperDeclined, TamperFee, TamperLate,
		TamperUnpaid, TamperNameless,
	},
	"robokassa": {
		TamperOmit, TamperAgain, TamperDouble, TamperForeign, TamperAmount, TamperWord, TamperDeclined, TamperFee, TamperLate, TamperNameless,
	},
	"tiptoppay": TamperKinds(),
	"freedompay": {
		TamperOmit, TamperAgain, TamperDouble, TamperForeign, TamperAmount, TamperCurrency, TamperWord, TamperDeclined, TamperFee, TamperLate,
		TamperNameless,
	},
	"quickpay": {
		TamperOmit, TamperAgain, TamperDouble, TamperForeign, TamperAmount, TamperCurrency, TamperWord, TamperDeclined, TamperFee, TamperLate,
	},
}

// Tamper is one rule about the statements of a face: its lists, registries and files. Rows that match are shown wrongly there; the
// ledger and the answers about one payment stay true. Several rules about one row add up, in the order of adding; omit wins.
type Tamper struct {
	ID   string     `json:"id"` // given by the bank
	Face string     `json:"face"`
	Kind TamperKind `json:"kind"`
	// Match is our reference, or the bank's id, of the rows that it is about. A reference also matches the rows of its refunds,
	// except for foreign and declined, which are about charges alone. Empty is every row.
	Match string `json:"match,omitempty"`
	// Amount is how much more, in minor units, amount shows as the sum, and fee as the fee. Less if negative, but never less than nothing.
	Amount   int64  `json:"amount_minor,omitempty"`
	Currency string `json:"currency,omitempty"` // what currency shows, ISO 4217 letters
	// Word is what word shows as the state (Kaspi has none, and shows it as the operation_type; default: one that nobody knows), and
	// foreign as the order (default: an invented number).
	Word string   `json:"word,omitempty"`
	By   Duration `json:"by,omitempty"` // how much later late dates a row
	// Times is how many readings it spoils; 0 is until removed. A reading is a list with a matching row, from its first page to its last.
	Times int `json:"times,omitempty"`
	Used  int `json:"used"` // how many readings it has spoiled so far

	reading bool // the newest reading is a spoiled one
}

// AddTamper checks a rule and puts it in force. It returns the rule's id.
func (b *Bank) AddTamper(t Tamper) (string, error) {
	if b.face(t.Face) == nil {
		return "", fmt.Errorf("face %q is unknown; there are %q", t.Face, b.Faces())
	}
	if err := t.validate(); err != nil {
		return "", err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	t.ID, t.Used, t.reading = "t"+strconv.Itoa(b.next()), 0, false
	b.tampers = append(b.tampers, &t)
	return t.ID, nil
}

func (t Tamper) validate() error {
	switch {
	case !slices.Contains(TamperKinds(), t.Kind):
		return fmt.Errorf("kind %q is unknown; there are %q", t.Kind, TamperKinds())
	case !slices.Contains(tamperable[t.Face], t.Kind):
		return fmt.Errorf("kind %q has no place in a statement of face %q, which can show %q", t.Kind, t.Face, tamperable[t.Face])
	case t.Kind == TamperForeign && t.Match == "":
		return errors.New(`kind "foreign" needs a match: the charge that the foreign one is shown beside`)
	case t.By < 0 || t.Times < 0:
		return errors.New("by and times may not be negative")
	case t.Currency != "" && (len(t.Currency) != 3 || strings.Trim(t.Currency, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != ""):
		return fmt.Errorf("currency is three capital letters, not %q", t.Currency)
	}
	for _, field := range []struct {
		name         string
		given, needs bool
		kinds        []TamperKind
	}{
		{"amount_minor", t.Amount != 0, true, []TamperKind{TamperAmount, TamperFee}},
		{"currency", t.Currency != "", true, []TamperKind{TamperCurrency}},
		{"by", t.By != 0, true, []TamperKind{TamperLate}},
		{"word", t.Word != "", false, []TamperKind{TamperWord, TamperForeign}},
	} {
		switch takes := slices.Contains(field.kinds, t.Kind); {
		case field.given && !takes:
			return fmt.Errorf("kind %q takes no %s", t.Kind, field.name)
		case takes && field.needs && !field.given:
			return fmt.Errorf("kind %q needs %s", t.Kind, field.name)
		}
	}
	return nil
}

// RemoveTamper takes a rule out of force and reports whether it existed.
func (b *Bank) RemoveTamper(id string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	before := len(b.tampers)
	b.tampers = slices.DeleteFunc(b.tampers, func(t *Tamper) bool { return t.ID == id })
	return len(b.tampers) < before
}

// ClearTampers takes every rule out of force: statements are true again.
func (b *Bank) ClearTampers() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.tampers = nil
}

// Tampers copies the rules in force, used-up ones included.
func (b *Bank) Tampers() []Tamper {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := []Tamper{}
	for _, t := range b.tampers {
		out = append(out, *t)
	}
	return out
}

// ruling is a Tamper for the length of one answer.
type ruling struct {
	*Tamper
	begins bool // the answer begins a reading
	met    bool // a row of the answer has matched
}

// rulings are the tampers of a face for the length of one answer.
type rulings struct {
	all     []*ruling
	matches map[string]bool // what they match
}

// rulings finds them. The caller holds the lock.
func (b *Bank) rulings(face string, begins bool) rulings {
	rules := rulings{matches: map[string]bool{}}
	for _, t := range b.tampers {
		if t.Face == face {
			rules.all = append(rules.all, &ruling{Tamper: t, begins: begins})
			rules.matches[t.Match] = true
		}
	}
	return rules
}

// about finds the rules that match a movement.
func (rules rulings) about(m movement) []*ruling {
	reference, id, back := m.rowName()
	if !rules.matches[""] && !rules.matches[reference] && !rules.matches[id] {
		return nil
	}
	var about []*ruling
	for _, r := range rules.all {
		chargesOnly := r.Kind == TamperForeign || r.Kind == TamperDeclined
		if (r.Match == "" || r.Match == reference || r.Match == id) && !(back && chargesOnly) {
			about = append(about, r)
		}
	}
	return about
}

// spoils says whether the rule is in force for this answer. A reading is spoiled as a whole or not at all: else the later pages of
// a list would not follow the earlier ones, and true rows would be lost between them.
func (r *ruling) spoils() bool {
	if r.begins && !r.met {
		return r.Times == 0 || r.Used < r.Times
	}
	return r.Times == 0 || r.reading
}

// meet notes that a row of the answer comes under the rule.
func (r *ruling) meet() {
	if r.begins && !r.met {
		if r.reading = r.spoils(); r.reading {
			r.Used++
		}
	}
	r.met = true
}

// lie is what the rule wants of the row with an id.
func (r *ruling) lie(id string) lie {
	h := fnv.New64a()
	_, _ = io.WriteString(h, r.ID+"\x00"+id) // a hash takes everything
	return lie{r.Tamper, h.Sum64()}
}

// lie is a Tamper about one row.
type lie struct {
	*Tamper
	seed uint64
}

// chance invents the ids of a row that does not exist, the same in every list.
func (l lie) chance() *rand.Rand { return rand.New(rand.NewPCG(l.seed, 0x74616d706572)) }

// farther changes a sum by so much away from nothing, or towards it, but never beyond it.
func farther(minor, by int64) int64 {
	if minor < 0 {
		return -max(-minor+by, 0)
	}
	return max(minor+by, 0)
}
