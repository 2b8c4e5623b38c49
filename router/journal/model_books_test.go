package journal_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router/journal"
	"github.com/payrouter/payrouter/router/payment"
)

// books is what a journal has to remember, in maps and slices, and how it answers: the
// obvious way. The stores are compared with it.
type books struct {
	payments map[string]*kept
	requests map[[2]string]used // by tenant and request id
	outbox   []journal.Change   // without a number yet
	feed     map[string][]journal.Change
	shelves
}

// kept is one payment.
type kept struct {
	p      payment.Payment
	events []payment.Event
	payer  providers.Payer
	due    int64 // microseconds; 0 means never

	archived int // so many events
}

// used is what a request id was used for.
type used struct {
	journal.Request
	payment string
}

func newBooks() *books {
	return &books{payments: map[string]*kept{}, requests: map[[2]string]used{}, feed: map[string][]journal.Change{}, shelves: newShelves()}
}

var (
	errRefused = errors.New("the database refuses it") // the model's word for a broken unique index
	errOwn     = errors.New("the decision fails by itself")
)

// kind is what a caller can tell an error by.
func kind(err error) string {
	var reused *journal.ReusedError
	var taken *journal.OrderTakenError
	switch {
	case err == nil:
		return "done"
	case errors.As(err, &reused):
		return "the id was used for " + reused.Payment
	case errors.As(err, &taken):
		return fmt.Sprintf("the order has %s, %s", taken.Payment, taken.Status)
	case errors.Is(err, context.Canceled):
		return "the caller hung up"
	case errors.Is(err, errRefused), journal.Trouble(err):
		return "the database refuses it"
	}
	for _, known := range []error{journal.ErrRepeated, journal.ErrNotFound, payment.ErrNotAllowed, errOwn} {
		if errors.Is(err, known) {
			return known.Error()
		}
	}
	return err.Error()
}

func (b *books) open(hungUp bool, r journal.Request, payer providers.Payer, e payment.Event) (payment.Payment, error) {
	p, err := payment.Payment{}.Apply(e)
	if err != nil {
		return p, err
	}
	if hungUp {
		return p, context.Canceled
	}
	if kept, err := b.repeated(r); !errors.Is(err, journal.ErrNotFound) {
		return kept, err
	}
	for id, k := range b.payments {
		if k.p.Order == p.Order && k.p.Tenant == p.Tenant && orderOpen(k.p) {
			return p, &journal.OrderTakenError{Payment: id, Status: string(k.p.Status())}
		}
	}
	b.payments[p.ID] = &kept{payer: payer}
	b.commit(p, []payment.Event{e}, &r)
	return p, nil
}

// orderOpen: an order is free again once its payment ended without money.
func orderOpen(p payment.Payment) bool {
	s := p.Status()
	return p.Order != "" && (!s.Final() || s == payment.StatusPaid)
}

func (b *books) repeated(r journal.Request) (payment.Payment, error) {
	first, ok := b.requests[[2]string{r.Tenant, r.ID}]
	switch {
	case !ok:
		return payment.Payment{}, journal.ErrNotFound
	case first.Kind != r.Kind || first.Hash != r.Hash:
		return payment.Payment{}, &journal.ReusedError{Payment: first.payment}
	}
	return b.payments[first.payment].p, journal.ErrRepeated
}

func (b *books) request(tenant, id string) (journal.Request, string, error) {
	first, ok := b.requests[[2]string{tenant, id}]
	if !ok {
		return journal.Request{Tenant: tenant, ID: id}, "", journal.ErrNotFound
	}
	return first.Request, first.payment, nil
}

// advance is Advance and, with a request, AdvanceOnce.
func (b *books) advance(hungUp bool, r *journal.Request, from payment.Payment, decide journal.Decide) (payment.Payment, error) {
	if r != nil {
		if hungUp {
			return payment.Payment{}, context.Canceled
		}
		if kept, err := b.repeated(*r); !errors.Is(err, journal.ErrNotFound) {
			return kept, err
		}
	}
	p := from
	if p.Seq == 0 {
		if hungUp {
			return payment.Payment{}, context.Canceled
		}
		now, ok := b.payments[from.ID]
		if !ok {
			return payment.Payment{}, journal.ErrNotFound
		}
		p = now.p
	}
	for {
		events, err := decide(p)
		if err != nil || len(events) == 0 {
			return p, err
		}
		next := p
		for i := range events {
			events[i].Seq = next.Seq + 1
			if next, err = next.Apply(events[i]); err != nil {
				return p, err
			}
		}
		if hungUp {
			return p, context.Canceled
		}
		if r != nil {
			if kept, err := b.repeated(*r); !errors.Is(err, journal.ErrNotFound) {
				return kept, err // a rival had the same request
			}
		}
		now := b.payments[p.ID].p
		switch {
		case now.Seq != p.Seq: // somebody was faster
			p = now
		case b.referenceUsed(next):
			return p, errRefused
		default:
			b.commit(next, events, r)
			return next, nil
		}
	}
}

// referenceUsed reports whether an attempt would go by a reference that another one at
// its gateway has (I11).
func (b *books) referenceUsed(p payment.Payment) bool {
	mine := map[[2]string]bool{}
	for _, a := range p.Attempts {
		key := [2]string{a.Gateway, a.Reference}
		if mine[key] {
			return true
		}
		mine[key] = true
	}
	for id, k := range b.payments {
		for _, a := range k.p.Attempts {
			if id != p.ID && mine[[2]string{a.Gateway, a.Reference}] {
				return true
			}
		}
	}
	return false
}

func (b *books) commit(p payment.Payment, events []payment.Event, r *journal.Request) {
	k, last := b.payments[p.ID], events[len(events)-1]
	k.p, k.events, k.due = p, append(k.events, events...), stored(due(p, last.At))
	b.outbox = append(b.outbox, journal.Change{Payment: p.ID, EventSeq: last.Seq})
	if r != nil {
		b.requests[[2]string{r.Tenant, r.ID}] = used{*r, p.ID}
	}
}

// stored is an instant as it is stored.
func stored(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// at is when a numbered or waiting change was made.
func (b *books) at(c journal.Change) time.Time { return b.payments[c.Payment].events[c.EventSeq-1].At }

func (b *books) number(n int) int {
	slices.SortFunc(b.outbox, func(x, y journal.Change) int {
		return cmp.Or(b.at(x).Compare(b.at(y)), cmp.Compare(x.Payment, y.Payment), cmp.Compare(x.EventSeq, y.EventSeq))
	})
	n = min(n, len(b.outbox))
	for _, c := range b.outbox[:n] {
		tenant := b.payments[c.Payment].p.Tenant
		c.Seq = int64(len(b.feed[tenant]) + 1)
		b.feed[tenant] = append(b.feed[tenant], c)
	}
	b.outbox = slices.Clone(b.outbox[n:])
	return n
}

func (b *books) changes(tenant string, after int64, n int) (page []journal.Change) {
	for _, c := range b.feed[tenant] {
		if c.Seq > after && len(page) < n {
			page = append(page, c)
		}
	}
	return page
}

// ids lists the payments' ids in order.
func (b *books) ids() (ids []string) {
	for id := range b.payments {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}

// lastGateway is where the payment was last sent to.
func lastGateway(p payment.Payment) string {
	last, _ := p.Last()
	return last.Gateway
}

// atRisk reports whether an attempt at the gateway, or at any, may still take money.
func atRisk(p payment.Payment, gateway string) bool {
	return slices.ContainsFunc(p.Attempts, func(a payment.Attempt) bool { return a.Open() && (gateway == "" || a.Gateway == gateway) })
}

// live reports whether the attempt has an offer that payers can still pay.
func live(a payment.Attempt) bool { return a.Closed == nil && a.Shown && !a.Verdict.HasMoney() }

// liveUntil is what the books say of an attempt's live offer.
func liveUntil(a payment.Attempt) any {
	switch {
	case !live(a):
		return nil
	case a.Until.IsZero():
		return int64(math.MaxInt64)
	}
	return a.Until.UnixMicro()
}
