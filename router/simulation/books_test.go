package simulation

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/providers/sim"
	"github.com/payrouter/payrouter/router/payment"
)

// books follow what becomes durable, commit by commit, and fold it by themselves: what
// the witness at the gateways knows, and what is checked after every step.
type books struct {
	w         *world
	mu        sync.Mutex
	payments  map[string]*payment.Payment
	order     []string          // in which payments were opened
	attempts  map[string]placed // by gateway and reference
	keys      map[string]string // tenant and request id to payment
	ambiguous int               // charges and pushes whose answer said nothing
}

// placed is where an attempt stands.
type placed struct {
	payment string
	n       int
}

func newBooks(w *world) *books {
	return &books{w: w, payments: map[string]*payment.Payment{}, attempts: map[string]placed{}, keys: map[string]string{}}
}

// committed takes in what a transaction made durable. The database's token is held.
func (w *world) committed(p *process, writes []write) {
	b := w.keep
	b.mu.Lock()
	defer b.mu.Unlock()
	changed := map[string]bool{}
	for _, s := range writes {
		switch text := strings.TrimSpace(s.query); {
		case strings.HasPrefix(text, "INSERT INTO events"):
			rows := s.events()
			if len(rows) == 0 {
				w.violated("I5", "events are written in a way that the simulation cannot read: %s", text)
			}
			for _, row := range rows {
				b.append(p, row)
				changed[row.payment] = true
			}
		case strings.HasPrefix(text, "UPDATE events"), strings.HasPrefix(text, "DELETE FROM events"):
			w.violated("I5", "an event was changed: %s", text)
		}
	}
	for id := range changed {
		b.check(id)
	}
	if len(changed) > 1 {
		w.count("commit of several payments")
	}
	if len(changed) > 0 {
		b.checkDue()
	}
}

// append adds one event as it was written.
func (b *books) append(p *process, row eventRow) {
	id, kind, actor := row.payment, row.kind, row.actor
	body, err := payment.DecodeBody(kind, []byte(row.body))
	if err != nil {
		b.w.violated("I5", "an event cannot be read: %v", err)
		return
	}
	e := payment.Event{Seq: row.seq, At: time.UnixMicro(row.at).UTC(), Actor: actor, Body: body}
	before := b.payments[id]
	if before == nil {
		before = &payment.Payment{}
		b.order = append(b.order, id)
	}
	was := before.Status()
	next, err := before.Apply(e)
	if err != nil {
		b.w.violated("I5", "event %d (%s) of payment %s does not follow: %v", e.Seq, kind, b.name(id), err)
		return
	}
	b.payments[id] = &next
	b.w.note("%s: %s %d %s by %s", p.name, b.name(id), e.Seq, told1(e), actor)
	if actor == "" {
		b.w.violated("I12", "event %d of %s has no actor", e.Seq, b.name(id))
	}
	if was.Final() && before.Seq > 0 && next.Status() != was {
		b.w.violated("I5", "%s went from %s to %s", b.name(id), was, next.Status())
	}
	defer b.index(next, body)
	switch body := body.(type) {
	case payment.Opened:
		key := next.Tenant + "\x00" + next.RequestID
		if other, taken := b.keys[key]; taken {
			b.w.violated("I3", "one key made %s and %s", b.name(other), b.name(id))
		}
	case payment.Planned:
		where := body.Gateway + "\x00" + body.Reference
		if other, taken := b.attempts[where]; taken {
			b.w.violated("I11", "%s of %s is used by %s and %s", body.Reference, body.Gateway, b.name(other.payment), b.name(id))
		}
	case payment.Closed:
		b.closing(next, next.Attempts[body.Attempt-1])
	case payment.Observed:
		if a := next.Attempts[body.Attempt-1]; body.Source == payment.FromResponse && a.Flow != providers.Offer && b.saysNothing(a, body) {
			b.ambiguous++
		}
		if body.Source == payment.FromOperator && body.Note == "" {
			b.w.violated("I12", "an operator's word about %s has no reason", b.name(id))
		}
	}
}

// closing is I10: an attempt is closed while it holds nothing, and while nobody has an
// offer in hands that could still be paid.
func (b *books) closing(p payment.Payment, a payment.Attempt) {
	ledger := b.w.bank.Ledger()
	for _, o := range ledger.Objects {
		if o.Face+"-main" != a.Gateway || order(o.Reference) != a.Reference || o.Excused {
			continue
		}
		if a.Flow == providers.AskFirst && (o.Status != "credited" || !b.w.lostWindow().payments[p.ID]) {
			continue // a debit that we had not answered yet is refused, or settled by hand
		}
		switch {
		case o.Captured > o.Refunded || o.Phase == sim.Held:
			b.w.violated("I10", "%s: attempt %d is closed as %s, and %s has the money", b.name(p.ID), a.N, a.Closed.Kind, o.Face)
		case o.AsksFirst && o.Phase == sim.Live: // we refuse
		case o.Phase == sim.Live && o.Style != sim.StyleCharge && (o.Style == sim.StylePush || b.w.isHanded(a.Reference)) && a.Closed.Kind != payment.ByOperator:
			b.w.violated("I10", "%s: attempt %d is closed as %s, and its offer at %s can be paid", b.name(p.ID), a.N, a.Closed.Kind, o.Face)
		}
	}
}

// saysNothing reports whether an answer left open what became of a request that arrived,
// whatever the code made of it.
func (b *books) saysNothing(a payment.Attempt, o payment.Observed) bool {
	face := strings.TrimSuffix(a.Gateway, "-main")
	arrived := b.w.bank.Ledger().Count(face, sim.OpCharge, a.Reference) > 0
	return o.Verdict == providers.Unknown || o.Verdict == providers.Unserved && o.Reason == providers.NotSent && arrived
}

// told1 says in a word what an event is about.
func told1(e payment.Event) string {
	switch b := e.Body.(type) {
	case payment.Planned:
		return fmt.Sprintf("planned #%d %s %s %s", b.Attempt, b.Gateway, b.Method, b.Reference)
	case payment.Observed:
		return fmt.Sprintf("observed #%d %s %s %s %s", b.Attempt, b.Verdict, b.Reason, b.Source, b.Code)
	case payment.Closed:
		return fmt.Sprintf("closed #%d %s", b.Attempt, b.Evidence.Kind)
	case payment.OperationPlanned:
		return fmt.Sprintf("%s planned #%d %d", b.Op, b.Attempt, b.Amount.Minor)
	case payment.OperationObserved:
		return fmt.Sprintf("operation %d %s %s %s", b.Operation, b.Verdict, b.Reason, b.Source)
	case payment.Noted:
		return fmt.Sprintf("finding %s #%d", b.Finding, b.Attempt)
	case payment.Finished:
		return fmt.Sprintf("finished %s %s", b.Outcome, b.Detail)
	}
	return e.Body.Kind()
}

// name is short and the same in every run of a seed.
func (b *books) name(id string) string {
	for i, other := range b.order {
		if other == id {
			return fmt.Sprintf("p%d", i+1)
		}
	}
	return id
}

// check holds a payment against what must be true after every step.
func (b *books) check(id string) {
	p := b.payments[id]
	alive, captured := 0, int64(0)
	for _, a := range p.Attempts {
		// A process that slept with an answer about somebody else's payment in its hands brings it when
		// ours is proved dead and another one is made: a person has to look, and nobody was wrong.
		late := a.Differs && a.Closed != nil
		if a.Exposure() != payment.ExposureCleared && !(a.Verdict == providers.Approved && a.Captured-a.Returned <= 0) && !late && !b.w.excusedAttempt(a) {
			alive++
		}
		captured = max(captured, a.Captured)
		if a.Held > p.Amount.Minor || a.Captured > p.Amount.Minor {
			b.w.violated("I4", "%s: attempt %d has %d held and %d captured of %d", b.name(id), a.N, a.Held, a.Captured, p.Amount.Minor)
		}
	}
	if alive > 1 {
		b.w.violated("I7", "%s: %d attempts may take money", b.name(id), alive)
	}
	var reserved int64
	asked := map[string]bool{}
	for _, r := range p.Refunds {
		if asked[r.RequestID] {
			b.w.violated("I3", "%s: one wish for a refund is two of them", b.name(id))
		}
		asked[r.RequestID] = true
		if r.State != payment.RefundFailed {
			reserved += r.Amount.Minor
		}
	}
	if reserved > captured {
		b.w.violated("I4", "%s: %d of refunds, %d captured", b.name(id), reserved, captured)
	}
}

// checkDue is L2: every attempt that may take money is looked at again, or is with people.
func (b *books) checkDue() {
	for _, row := range b.w.db.rows(`SELECT p.id FROM payments p WHERE p.due_at IS NULL
		AND EXISTS (SELECT 1 FROM attempts a WHERE a.payment_id = p.id AND a.at_risk)
		AND NOT EXISTS (SELECT 1 FROM findings f WHERE f.payment_id = p.id AND f.kind = 'undecided')`) {
		b.w.violated("L2", "nobody looks at %s again", b.name(row[0].(string)))
	}
}

// find is where a reference of a face stands in the books.
func (b *books) find(face, reference string) (placed, payment.Payment, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	where, ok := b.attempts[face+"-main\x00"+order(reference)]
	if !ok {
		return where, payment.Payment{}, false
	}
	return where, *b.payments[where.payment], true
}

// all lists the payments in the order of their opening.
func (b *books) all() []payment.Payment {
	b.mu.Lock()
	defer b.mu.Unlock()
	var all []payment.Payment
	for _, id := range b.order {
		if p := b.payments[id]; p != nil { // and not lost
			all = append(all, *p)
		}
	}
	return all
}

// order is our reference in what a gateway repeats: Kaspi's invoices on a phone carry
// it as the first word of a comment.
func order(reference string) string {
	word, _, _ := strings.Cut(reference, " ")
	return word
}

// witness is I8: what arrives at a gateway stands in the books already.
func (w *world) witness(m sim.Move) error {
	where, p, ok := w.keep.find(m.Face, m.Reference)
	w.note("arrived %s %s %s %d", m.Face, m.Op, order(m.Reference), m.AmountMinor)
	if w.isLost(m.Face, m.Reference) && !ok {
		return nil // planned in the window that the books lost
	}
	if !ok {
		return fmt.Errorf("no attempt has this reference")
	}
	if m.Op == sim.OpRefund || m.Op == sim.OpCapture {
		return w.witnessOperation(m, where, p)
	}
	if (m.Op == sim.OpCharge || m.Op == sim.OpCreate) && w.tooEarly(p.Attempts[where.n-1].Planned) {
		w.violated("I1", "%s #%d is sent to %s before the lost window is reconciled", w.keep.name(p.ID), where.n, m.Face)
	}
	if m.AmountMinor != 0 && (p.Amount.Minor != m.AmountMinor || p.Amount.Currency != m.Currency) {
		return fmt.Errorf("%d %s, the books say %s", m.AmountMinor, m.Currency, p.Amount)
	}
	return nil
}

// operationOf is what each of our operations that moves money is at the bank.
var operationOf = map[payment.OperationKind]sim.Op{payment.OpCapture: sim.OpCapture, payment.OpRefund: sim.OpRefund}

func (w *world) witnessOperation(m sim.Move, where placed, p payment.Payment) error {
	for _, o := range p.Operations {
		if o.Attempt == where.n && operationOf[o.Op] == m.Op && !o.Settled() && (m.AmountMinor == 0 || o.Amount.Minor == m.AmountMinor) {
			if w.tooEarly(o.At) {
				w.violated("I4", "%s of %s is sent before the lost window is reconciled", o.Op, w.keep.name(p.ID))
			}
			return nil
		}
	}
	if w.lostWindow().payments[p.ID] {
		return nil // it may be of the window that the books lost
	}
	return fmt.Errorf("no open operation of %d", m.AmountMinor)
}

func (w *world) paymentOf(face, reference string) string {
	where, _, _ := w.keep.find(face, reference)
	return where.payment
}

// excusedAttempt reports whether the gateway broke its promise about the attempt.
func (w *world) excusedAttempt(a payment.Attempt) bool {
	return slices.ContainsFunc(w.bank.Ledger().Objects, func(o sim.Object) bool {
		return o.Excused && o.Face+"-main" == a.Gateway && order(o.Reference) == a.Reference
	})
}

// excused reports whether a gateway broke its promise about the payment.
func (w *world) excused(id string) bool {
	for _, o := range w.bank.Ledger().Objects {
		if o.Excused && o.Payment == id {
			return true
		}
	}
	return false
}
