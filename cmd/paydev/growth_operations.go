package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router/journal"
	"github.com/payrouter/payrouter/router/journal/bulk"
	"github.com/payrouter/payrouter/router/payment"
)

// operation is something that is asked of the books, with what it stands for.
type operation struct {
	name, what string
	// ready does what has to be there first, and returns the call that is measured.
	ready  func(context.Context, *grown) (call, error)
	writes bool // it changes the books: each call needs a ready of its own
}

// call is one call of an operation. It tells how many it found or changed: one that found more has
// more to do.
type call func(context.Context) (found int, err error)

// seeks is an operation that needs nothing to be there first, and may find nothing.
func seeks(name, what string, read func(context.Context, *grown) (int, error)) operation {
	return operation{name: name, what: what, ready: func(_ context.Context, b *grown) (call, error) {
		return func(ctx context.Context) (int, error) { return read(ctx, b) }, nil
	}}
}

// reads is one that finds something: finding nothing, it would measure nothing.
func reads(name, what string, read func(context.Context, *grown) (int, error)) operation {
	return seeks(name, what, func(ctx context.Context, b *grown) (int, error) {
		n, err := read(ctx, b)
		if err == nil && n == 0 {
			err = errNothing
		}
		return n, err
	})
}

var errNothing = errors.New("it found nothing, which measures nothing")

// operations are all that is measured, in the order of the report.
func operations() []operation {
	return slices.Concat(writingOperations(), payerOperations(), listOperations(), workOperations(), officeOperations(), scrapeOperations(), rareOperations())
}

func operationNames() []string {
	var all []string
	for _, o := range operations() {
		all = append(all, o.name)
	}
	return all
}

// recent is the number of one of the last thousand payments, which callers ask for most.
func (b *grown) recent() int { return b.plan.Payments - 1 - b.dice.IntN(leastBooks) }

// any is the number of any payment: in large books, of one that nobody has asked for in years.
func (b *grown) any() int { return b.dice.IntN(b.plan.Payments) }

func (b *grown) id(n int) string { id, _ := b.plan.Payment(n); return id }

// payerOperations are what callers ask about one payment.
func payerOperations() []operation {
	get := func(which func(*grown) int) func(context.Context, *grown) (int, error) {
		return func(ctx context.Context, b *grown) (int, error) {
			_, err := b.store.Get(ctx, b.id(which(b)))
			return 1, err
		}
	}
	return []operation{
		reads("get", "GetPayment: one of the last thousand", get((*grown).recent)),
		reads("get any", "GetPayment: any of all", get((*grown).any)),
		reads("repeat", "CreatePayment repeated: one of the last thousand", func(ctx context.Context, b *grown) (int, error) {
			return b.repeated(ctx, b.recent())
		}),
		reads("repeat any", "CreatePayment repeated: any of all", func(ctx context.Context, b *grown) (int, error) {
			return b.repeated(ctx, b.any())
		}),
		reads("look", "whoever waits looks whether a payment changed", func(ctx context.Context, b *grown) (int, error) {
			_, err := b.store.Seq(ctx, b.id(b.recent()))
			return 1, err
		}),
		reads("notice", "a notice finds its attempt", func(ctx context.Context, b *grown) (int, error) {
			p, err := b.store.Get(ctx, b.id(b.recent()))
			if err != nil || len(p.Attempts) == 0 {
				return 1, err
			}
			_, _, err = b.store.FindAttempt(ctx, p.Attempts[0].Gateway, providers.Ref{Order: p.Attempts[0].Reference})
			return 1, err
		}),
	}
}

func (b *grown) repeated(ctx context.Context, n int) (int, error) {
	_, tenant := b.plan.Payment(n)
	_, _, err := b.store.Request(ctx, tenant, bulk.RequestID(n))
	if err != nil {
		return 0, err
	}
	_, err = b.store.Get(ctx, b.id(n))
	return 1, err
}

// nobody is a gateway where nothing went.
const nobody = "nobody-main"

// listOperations are pages of ListPayments, with the filters that its callers have.
func listOperations() []operation {
	const page = 50
	list := func(name, what string, filter func(*grown) (journal.Filter, journal.Cursor)) operation {
		return seeks("list "+name, "ListPayments: "+what, func(ctx context.Context, b *grown) (int, error) {
			f, after := filter(b)
			if f.Tenant == "" {
				f.Tenant = bulk.Tenants()[0]
			}
			found, err := b.store.List(ctx, f, after, page)
			if nothing := f.Gateway == nobody || f.Status == payment.StatusCanceled; err == nil && nothing != (len(found) == 0) {
				err = fmt.Errorf("%d were found", len(found))
			}
			return len(found), err
		})
	}
	first := func(f journal.Filter) func(*grown) (journal.Filter, journal.Cursor) {
		return func(*grown) (journal.Filter, journal.Cursor) { return f, journal.Cursor{} }
	}
	return []operation{
		list("first", "the first page", first(journal.Filter{})),
		list("middle", "a page in the middle", func(b *grown) (journal.Filter, journal.Cursor) {
			n := b.plan.Payments/4 + b.dice.IntN(b.plan.Payments/2)
			return journal.Filter{}, journal.Cursor{Created: b.plan.At(n), ID: b.id(n)}
		}),
		list("small", "the first page of a small tenant", first(journal.Filter{Tenant: bulk.Tenants()[2]})),
		list("day", "the first page of a day", func(b *grown) (journal.Filter, journal.Cursor) {
			return journal.Filter{CreatedFrom: b.day().From, CreatedBefore: b.day().To}, journal.Cursor{}
		}),
		list("paid", "the first page in state paid", first(journal.Filter{Status: payment.StatusPaid})),
		list("failed", "the first page in a state of two in a hundred", first(journal.Filter{Status: payment.StatusFailed})),
		list("processing", "those in processing", first(journal.Filter{Status: payment.StatusProcessing})),
		list("gateway", "the first page of a gateway", first(journal.Filter{Gateway: bulk.Gateways()[0]})),
		list("gateway middle", "a page of a gateway in the middle", func(b *grown) (journal.Filter, journal.Cursor) {
			n := b.plan.Payments/4 + b.dice.IntN(b.plan.Payments/2)
			return journal.Filter{Gateway: bulk.Gateways()[0]}, journal.Cursor{Created: b.plan.At(n), ID: b.id(n)}
		}),
		list("small gateway", "the first page of a gateway with one in ten", first(journal.Filter{Gateway: bulk.Gateways()[2]})),
		list("no gateway", "of a gateway where nothing went", first(journal.Filter{Gateway: nobody})),
		list("canceled", "those in a state that nobody is in, and so all that there are", first(journal.Filter{Status: payment.StatusCanceled})),
		list("order", "the payments of an order, any of all", func(b *grown) (journal.Filter, journal.Cursor) {
			n := b.any()
			_, tenant := b.plan.Payment(n)
			return journal.Filter{Tenant: tenant, Order: bulk.Order(n)}, journal.Cursor{}
		}),
		list("at risk", "those that may still take money", first(journal.Filter{AtRisk: true})),
	}
}

// officeOperations are what reconciliation reads of a day in the middle, page by page.
func officeOperations() []operation {
	const page = 200
	gateway := bulk.Gateways()[0]
	return []operation{
		reads("walk", "reconciliation: a page of a day's attempts, and their payments", func(ctx context.Context, b *grown) (int, error) {
			some, _, err := b.store.Walk(ctx, providers.LineCharge, gateway, b.day(), b.within(), page)
			if err != nil {
				return 0, err
			}
			var ids []string
			for _, w := range some {
				ids = append(ids, w.Payment)
			}
			slices.Sort(ids)
			all, err := b.store.GetMany(ctx, slices.Compact(ids))
			return len(all), err
		}),
		reads("walk first", "reconciliation: the first page of a day's attempts", func(ctx context.Context, b *grown) (int, error) {
			some, _, err := b.store.Walk(ctx, providers.LineCharge, gateway, b.day(), journal.Movement{}, page)
			return len(some), err
		}),
		seeks("walk refunds", "reconciliation: a day's refunds of other days", func(ctx context.Context, b *grown) (int, error) {
			some, _, err := b.store.Walk(ctx, providers.LineRefund, gateway, b.day(), journal.Movement{}, page)
			return len(some), err
		}),
		reads("untold", "reconciliation: a page of what a day's statement does not tell of", func(ctx context.Context, b *grown) (int, error) {
			groups, _, err := b.store.Untold(ctx, providers.LineCharge, gateway, b.run.Reading, b.run.Day, b.day(), journal.Movement{}, page)
			return len(groups), err
		}),
		reads("told", "reconciliation: a page of a day's lines", func(ctx context.Context, b *grown) (int, error) {
			groups, err := b.store.Groups(ctx, b.run.Reading, b.run.Day, providers.Window{}, b.id(b.inDay()), page)
			if err != nil {
				return 0, err
			}
			lines, err := b.store.LinesOf(ctx, gateway, groups, 1000)
			return len(lines), err
		}),
		reads("assign", "reconciliation: whose 100 lines are", func(ctx context.Context, b *grown) (int, error) {
			lines, err := b.store.Movements(ctx, b.run.Reading, b.run.Day, b.dice.Int64N(b.run.Staged/2), 100)
			if err == nil {
				err = b.store.Assign(ctx, gateway, lines)
			}
			return len(lines), err
		}),
		seeks("findings", "ListFindings: the first page of those that are open", func(ctx context.Context, b *grown) (int, error) {
			all, err := b.store.Findings(ctx, journal.FindingFilter{State: journal.FindingOpen}, journal.Cursor{}, 50)
			return len(all), err
		}),
		seeks("findings of", "the findings of a payment", func(ctx context.Context, b *grown) (int, error) {
			all, err := b.store.Findings(ctx, journal.FindingFilter{Payment: b.id(b.any())}, journal.Cursor{}, 50)
			return len(all), err // nearly none has one
		}),
	}
}

// once is how many were found of what there is one of.
func once(found bool) int {
	if found {
		return 1
	}
	return 0
}

// inDay is the number of a payment in the first half of the day that is reconciled.
func (b *grown) inDay() int {
	perDay := min(b.plan.PerDay, b.plan.Payments)
	return b.plan.Payments/2 - perDay/2 + b.dice.IntN(perDay/2)
}

// within is a place in the day, as a walk has it that is under way.
func (b *grown) within() journal.Movement {
	n := b.inDay()
	return journal.Movement{Last: b.plan.At(n).UnixMicro(), Payment: b.id(n), N: 1}
}

// scrapeOperations are what each scrape of the metrics, and each look at the books, reads.
func scrapeOperations() []operation {
	return []operation{
		{name: "look over", what: "a look at the books, every second", ready: func(ctx context.Context, b *grown) (call, error) {
			if !b.marked { // a process that has committed nothing looks for nothing
				b.marked = true
				if _, err := b.charge().step(ctx); err != nil {
					return nil, err
				}
			}
			return func(ctx context.Context) (int, error) {
				look, err := b.store.LookOver(ctx)
				if look.Gone || look.Behind || look.Moved {
					err = fmt.Errorf("the look shows %+v", look)
				}
				return 1, err
			}, nil
		}},
		reads("at risk", "scrape: money at risk", func(ctx context.Context, b *grown) (int, error) {
			all, err := b.store.AtRisk(ctx)
			return len(all), err
		}),
		reads("rehearsal", "scrape: when failover was last proven", func(ctx context.Context, b *grown) (int, error) {
			last, err := b.store.LastRehearsal(ctx, bulk.Gateways(), until)
			return once(!last.IsZero()), err
		}),
		reads("reconciled", "scrape: how far gateways are reconciled", func(ctx context.Context, b *grown) (int, error) {
			all, err := b.store.Reconciled(ctx)
			return len(all), err
		}),
		seeks("open findings", "scrape: findings that are open", func(ctx context.Context, b *grown) (int, error) {
			all, err := b.store.OpenFindings(ctx)
			return len(all), err
		}),
		seeks("open disputes", "scrape: disputes that are open", func(ctx context.Context, b *grown) (int, error) {
			all, err := b.store.OpenDisputes(ctx, until)
			return len(all), err // none was recorded
		}),
		seeks("hints", "every 15 s: notices that were not followed", func(ctx context.Context, b *grown) (int, error) {
			all, err := b.store.WaitingHints(ctx, until.Add(-24*time.Hour), until, 100)
			return len(all), err // none came
		}),
		reads("offers", "ListGateways: offers that are with payers", func(ctx context.Context, b *grown) (int, error) {
			n, _, err := b.store.LiveOffers(ctx, bulk.Gateways()[0])
			return int(n), err
		}),
	}
}

// rareOperations are what a person asks for now and then, and a job once a day.
func rareOperations() []operation {
	gateway := bulk.Gateways()[0]
	return []operation{
		reads("oldest", "retention, daily: the age of the books", func(ctx context.Context, b *grown) (int, error) {
			_, _, _, err := b.store.Oldest(ctx)
			return 1, err
		}),
		reads("gateways", "readiness: which gateways had attempts", func(ctx context.Context, b *grown) (int, error) {
			all, _, err := b.store.KnownGateways(ctx)
			return len(all), err
		}),
		reads("successes", "readiness: by quarter of an hour, where money came in a day", func(ctx context.Context, b *grown) (int, error) {
			all, _, err := b.store.Successes(ctx, bulk.Gateways(), b.day())
			return len(all), err
		}),
		reads("latest paid", "readiness: a gateway's latest payment", func(ctx context.Context, b *grown) (int, error) {
			_, _, _, err := b.store.LatestPaid(ctx, gateway)
			return 1, err
		}),
		seeks("latest refunds", "readiness: a gateway's latest refunds", func(ctx context.Context, b *grown) (int, error) {
			all, _, err := b.store.LatestRefunds(ctx, gateway, 20)
			return len(all), err
		}),
		seeks("latest canceled", "readiness: the latest that were canceled", func(ctx context.Context, b *grown) (int, error) {
			all, _, err := b.store.LatestCanceled(ctx, gateway, bulk.Tenants(), 20)
			return len(all), err // none was
		}),
		reads("latest unknown", "readiness: the latest whose answer was lost", func(ctx context.Context, b *grown) (int, error) {
			all, _, err := b.store.LatestUnknown(ctx, gateway, bulk.Tenants(), 20)
			return len(all), err
		}),
		reads("references", "readiness: whether the latest of our numbers at a gateway are unique", func(ctx context.Context, b *grown) (int, error) {
			all, _, _, _, err := b.store.References(ctx, gateway)
			return int(all), err
		}),
		reads("kept", "readiness: since when payments are kept", func(ctx context.Context, b *grown) (int, error) {
			oldest, _, err := b.store.PaymentsKept(ctx)
			return once(!oldest.IsZero()), err
		}),
		seeks("unknown codes", "a gateway's codes that nobody documented", func(ctx context.Context, b *grown) (int, error) {
			all, err := b.store.UnknownCodes(ctx, gateway, 20)
			return len(all), err // none was seen
		}),
	}
}
