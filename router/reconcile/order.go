package reconcile

import (
	"fmt"
	"slices"
	"time"

	"github.com/payrouter/payrouter/providers"
)

// order is everything that both books say about one order.
type order struct {
	owner            *Entry // whose order it is: its charge, if we know it
	charges, refunds claims
}

// claims are what has no partner yet, in one direction.
type claims struct {
	lines   []*providers.StatementLine
	entries []*Entry
	own     map[string]bool // the order numbers that refunds have of their own
	shared  string          // the gateway's id of the charge, which its refunds may bear as well
}

// id tells one movement of the order from another, where a line has such a thing.
func (c claims) id(l *providers.StatementLine) string {
	if c.own[l.Order] {
		return l.Order
	}
	return l.External
}

// said is what two lines that tell the same share: id and amount, and the instant where they
// have no id.
type said struct {
	id     string
	amount providers.Money
	at     time.Time
}

func (c claims) said(l *providers.StatementLine) said {
	s := said{id: c.id(l), amount: l.Amount}
	if s.id == "" {
		s.at = l.At.UTC()
	}
	return s
}

// gather puts lines and entries together that speak of the same order.
func gather(lines []providers.StatementLine, entries []Entry) []*order {
	lines, entries = slices.Clone(lines), slices.Clone(entries)
	slices.SortFunc(lines, byLine)
	slices.SortFunc(entries, Entry.order)
	entries = slices.CompactFunc(entries, func(a, b Entry) bool { return a.order(b) == 0 }) // two days' lists overlap
	r := register{known: map[address]*order{}}
	for i := range entries {
		r.at(entries[i].name()).add(&entries[i])
	}
	for _, e := range entries { // only now, so that no other name hides an order number
		of := r.known[e.name()]
		if e.Kind == providers.LineRefund {
			r.alias(address{own, e.Own}, of)
		}
		r.alias(address{external, e.External}, of)
	}
	for i := range lines {
		r.of(lines[i]).say(&lines[i])
	}
	return r.orders
}

// address is a name under which an order is known.
type address struct{ space, text string }

const (
	reference = "reference" // our order number of an attempt
	own       = "own"       // our order number of a refund, which only a refund's line may use
	external  = "external"  // the gateway's id
	nameless  = "nameless"  // our own name of what has no order number
)

func (e Entry) name() address {
	if e.Reference == "" {
		return address{nameless, fmt.Sprintf("%q/%d", e.Payment, e.Attempt)}
	}
	return address{reference, e.Reference}
}

type register struct {
	orders []*order
	known  map[address]*order
}

// of finds the order of a line: by our reference, then by the gateway's id. A line
// without any name stays alone.
func (r *register) of(l providers.StatementLine) *order {
	byReference, byExternal := address{reference, l.Order}, address{external, l.External}
	switch {
	case l.Order == "" && l.External == "":
		return r.begin()
	case l.Order != "" && r.known[byReference] != nil:
		return r.known[byReference]
	case l.Kind == providers.LineRefund && l.Order != "" && r.known[address{own, l.Order}] != nil:
		return r.known[address{own, l.Order}]
	case l.External != "" && (l.Order == "" || r.known[byExternal] != nil):
		return r.at(byExternal)
	}
	return r.at(byReference)
}

func (r *register) at(a address) *order {
	if r.known[a] == nil {
		r.known[a] = r.begin()
	}
	return r.known[a]
}

func (r *register) begin() *order {
	o := &order{refunds: claims{own: map[string]bool{}}}
	r.orders = append(r.orders, o)
	return o
}

func (r *register) alias(a address, o *order) {
	if a.text != "" && r.known[a] == nil {
		r.known[a] = o
	}
}

func (o *order) say(l *providers.StatementLine) {
	if l.Kind == providers.LineRefund {
		o.refunds.lines = append(o.refunds.lines, l)
	} else {
		o.charges.lines = append(o.charges.lines, l)
	}
}

func (o *order) add(e *Entry) {
	if e.Kind == providers.LineRefund {
		o.refunds.entries = append(o.refunds.entries, e)
		if e.Own != "" {
			o.refunds.own[e.Own] = true
		}
	} else {
		o.charges.entries = append(o.charges.entries, e)
	}
	if o.owner == nil || o.owner.Kind == providers.LineRefund && e.Kind != providers.LineRefund {
		o.owner = e
	}
	if e.Kind != providers.LineRefund && e.External != "" {
		o.refunds.shared = e.External
	}
}
