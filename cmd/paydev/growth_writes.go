package main

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router/journal"
	"github.com/payrouter/payrouter/router/journal/bulk"
	"github.com/payrouter/payrouter/router/payment"
)

// writingOperations are the commits of a charge, each with its own payment.
func writingOperations() []operation {
	step := func(name, what string, before int) operation {
		return operation{name: name, what: what, writes: true, ready: func(ctx context.Context, b *grown) (call, error) {
			c := b.charge()
			for range before {
				if _, err := c.step(ctx); err != nil {
					return nil, err
				}
			}
			return c.step, nil
		}}
	}
	return []operation{
		step("open", "CreatePayment, first commit: the payment and its attempt", 0),
		step("observe", "CreatePayment, second commit: what came of it", 1),
	}
}

// charge is one payment that the measurement opens.
type charge struct {
	b    *grown
	n    int
	at   time.Time
	p    payment.Payment
	done int
}

// charge begins a payment after all others.
func (b *grown) charge() *charge {
	b.added++
	return &charge{b: b, n: b.plan.Payments + b.added, at: until.Add(time.Duration(b.added) * 10 * time.Millisecond)}
}

// step makes the payment's next commit.
func (c *charge) step(ctx context.Context) (_ int, err error) {
	c.done++
	gateway, at := bulk.Gateways()[c.n%3], c.at.Add(time.Duration(c.done)*time.Millisecond)
	if c.done == 1 {
		id, err := uuid.NewV7()
		if err != nil {
			return 0, err
		}
		tenant := bulk.Tenants()[c.n%2]
		r := journal.Request{Tenant: tenant, ID: uuid.NewString(), Kind: "create", Hash: "abcdefghijklmnopqrstuvwxyz"}
		c.p, err = c.b.store.Open(ctx, r, providers.Payer{Phone: "+77010000000", Email: "aida@example.kz", Name: "Aida", IP: "203.0.113.7"},
			payment.Event{At: at, Actor: "caller:" + tenant, Body: payment.Opened{ID: id.String(), Tenant: tenant, RequestID: r.ID, Order: "order " + r.ID,
				Amount: providers.Money{Minor: 150_000, Currency: "KZT"}, Methods: []providers.Method{providers.Instrument}, Deadline: at.Add(time.Minute)}},
			payment.Event{At: at, Actor: "router", Body: payment.Planned{Attempt: 1, Gateway: gateway, Provider: "p", Method: providers.Instrument,
				Flow: providers.Direct, Reference: "own-" + uuid.NewString(), Route: []payment.Choice{{Gateway: gateway, Method: providers.Instrument, Taken: true, Why: "taken"}}}})
		return 1, err
	}
	c.p, err = c.append(ctx, payment.Event{At: at, Actor: "gateway:" + gateway, Body: payment.Observed{Attempt: 1, Source: payment.FromResponse, Verdict: providers.Approved,
		External: "x" + c.p.RequestID, Amount: c.p.Amount}})
	return 1, err
}

func (c *charge) append(ctx context.Context, e payment.Event) (payment.Payment, error) {
	return c.b.store.Advance(ctx, c.p, func(payment.Payment) ([]payment.Event, error) { return []payment.Event{e}, nil })
}

// workOperations are what the background does all the time.
func workOperations() []operation {
	const batch = 20
	return []operation{
		{name: "claim", what: "the worker claims 20 payments that are due", writes: true, ready: func(ctx context.Context, b *grown) (call, error) {
			if err := b.wake(ctx, batch); err != nil {
				return nil, err
			}
			if _, err := b.store.DueAt(ctx, b.now()); err != nil { // as a worker looks before it claims
				return nil, err
			}
			return func(ctx context.Context) (int, error) {
				now := b.now()
				b.lease = now.Add(time.Hour)
				ids, err := b.store.Claim(ctx, now, b.lease, batch, bulk.Gateways()[0])
				if err == nil && len(ids) < batch {
					err = fmt.Errorf("%d were claimed", len(ids))
				}
				return len(ids), err
			}, nil
		}},
		reads("due", "the worker looks for what is due, every second", func(ctx context.Context, b *grown) (int, error) {
			gateways, err := b.store.DueAt(ctx, b.now())
			return len(gateways), err
		}),
		{name: "number", what: "the sequencer numbers the changes of 5 payments", writes: true, ready: func(ctx context.Context, b *grown) (call, error) {
			if _, err := b.store.Number(ctx, until, 1_000_000); err != nil { // what other operations left, all of it later
				return nil, err
			}
			for range 5 {
				if _, err := b.charge().step(ctx); err != nil {
					return nil, err
				}
			}
			return func(ctx context.Context) (int, error) {
				n, err := b.store.Number(ctx, until, 1000)
				if err == nil && n != 5 {
					err = fmt.Errorf("%d were numbered", n)
				}
				return n, err
			}, nil
		}},
		reads("feed", "WatchChanges: 100 changes in the middle of a feed, and their payments", func(ctx context.Context, b *grown) (int, error) {
			tenant := bulk.Tenants()[0]
			return b.catchUp(ctx, tenant, b.feed/4+b.dice.Int64N(b.feed/2))
		}),
		reads("feed end", "WatchChanges: the last 100 changes of a feed, and their payments", func(ctx context.Context, b *grown) (int, error) {
			tenant := bulk.Tenants()[0]
			return b.catchUp(ctx, tenant, b.feed-100)
		}),
	}
}

func (b *grown) catchUp(ctx context.Context, tenant string, after int64) (int, error) {
	changes, err := b.store.Changes(ctx, tenant, after, 100)
	seen := map[string]bool{}
	for _, c := range changes {
		if seen[c.Payment] || err != nil {
			continue
		}
		seen[c.Payment] = true
		_, err = b.store.Get(ctx, c.Payment)
	}
	return len(changes), err
}

// now is after everything that was written, and a second later each time: what waited long ago
// is out of the way of those who look for what waits now.
func (b *grown) now() time.Time {
	b.looks++
	return until.Add(time.Hour + time.Duration(b.looks)*time.Second)
}

// wake makes some of the last payments of the first gateway due, and lets those rest that a
// claim before has taken.
func (b *grown) wake(ctx context.Context, n int) error {
	for id := range b.due {
		seq, err := b.store.Seq(ctx, id)
		if err == nil {
			err = b.store.Defer(ctx, id, seq, b.lease, time.Time{})
		}
		if err != nil {
			return err
		}
	}
	clear(b.due)
	now := b.now()
	for tries := 0; len(b.due) < n && tries < 100*n; tries++ {
		p, err := b.store.Get(ctx, b.id(b.recent()))
		if err != nil {
			return err
		}
		if last, ok := p.Last(); !ok || last.Gateway != bulk.Gateways()[0] {
			continue
		}
		b.due[p.ID] = true
		if err := b.store.Wake(ctx, p.ID, now); err != nil {
			return err
		}
	}
	return nil
}
