package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router/journal"
	"github.com/payrouter/payrouter/router/journal/bulk"
	"github.com/payrouter/payrouter/router/payment"
)

// grown are filled books under measurement.
type grown struct {
	url    string
	plan   bulk.Plan
	feed   int64 // how long the first tenant's feed is
	facts  bookFacts
	store  *journal.Store
	dice   *rand.Rand
	added  int             // payments that the measurement opened
	due    map[string]bool // that a claim took last
	lease  time.Time       // of that claim
	looks  int             // how often it was asked what time it is
	marked bool            // the store has committed something
	run    journal.Run     // the day that is reconciled
}

// until is the instant up to which the books are filled. It is the same in all of them, and
// in every run.
var until = time.Date(2026, 11, 24, 15, 0, 0, 0, time.UTC)

// errDisk says that filling was ended for want of room.
var errDisk = errors.New("the disk would have less free than -spare says")

// grown are books of a size: filled now, or those that are there.
func (g *growth) grown(ctx context.Context, e growthEngine, size int) (*grown, error) {
	url, filled, err := e.place(ctx, size)
	if err != nil {
		return nil, err
	}
	b := &grown{url: url, plan: bulk.Plan{Payments: size, Until: until}.Default(), dice: rand.New(rand.NewPCG(1, uint64(size))), due: map[string]bool{},
		facts: bookFacts{Engine: e.name(), Payments: size}}
	if !filled {
		if err := g.fill(ctx, e, b); err != nil {
			return nil, err
		}
	}
	if b.facts.Bytes, err = e.bytes(ctx, url); err != nil {
		return nil, err
	}
	g.say("%s: %d payments are there, %d bytes each", e.name(), size, b.facts.Bytes/int64(size))
	return b, nil
}

func (g *growth) fill(ctx context.Context, e growthEngine, b *grown) error {
	if err := b.connect(0); err != nil {
		return err
	}
	if err := errors.Join(b.store.Migrate(ctx), b.store.Close()); err != nil {
		return err
	}
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	began, told, size := time.Now(), time.Now(), b.plan.Payments
	filled, err := bulk.Fill(ctx, b.url, b.plan, func(done int) {
		if free, err := spareOf(g.folder); err == nil && free < g.spare {
			stop(errDisk)
		}
		if time.Since(told) > 10*time.Second || done == size {
			told = time.Now()
			g.say("%s: %d of %d payments written, %.0f a second", e.name(), done, size, float64(done)/time.Since(began).Seconds())
		}
	})
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	b.facts.FillMS, b.facts.Rows = time.Since(began).Milliseconds(), filled.Rows
	return err
}

// connect opens the store, with so many connections; 0 is as the service has them.
func (b *grown) connect(conns int) (err error) {
	b.marked = false
	terms := bulk.Terms()
	b.store, err = journal.Open(journal.Options{URL: b.url, MaxConns: conns, CommitTimeout: time.Minute,
		Due: func(p payment.Payment, now time.Time) time.Time { return p.Due(now, terms) }})
	return err
}

// open connects to filled books, and adds what only people and statements bring: orders about
// gateways, records of rehearsals, the statement of one day.
func (b *grown) open(ctx context.Context) error {
	if err := b.connect(0); err != nil {
		return err
	}
	if err := b.store.Migrate(ctx); err != nil { // books that were there may be of an earlier version
		return err
	}
	var err error
	if b.feed, err = b.feedEnd(ctx); err != nil {
		return err
	}
	for i := range 25 {
		start := b.middle().Add(-time.Duration(i) * time.Hour)
		o := journal.Override{ID: fmt.Sprintf("o-%d", i), Gateway: bulk.Gateways()[i%3], Mode: "drain", Actor: "operator:aida", Reason: "maintenance",
			Created: start, Start: start, End: start.Add(30 * time.Minute), Version: 1}
		if _, err := b.store.CreateOverride(ctx, o); err != nil {
			return err
		}
		e := journal.Evidence{ID: fmt.Sprintf("e-%d", i), Gateway: o.Gateway, Item: "backup", Shown: start, Reference: "r", Actor: "operator:aida", Reason: "rehearsed", Created: start}
		if _, err := b.store.RecordEvidence(ctx, e); err != nil {
			return err
		}
	}
	return b.statement(ctx)
}

// feedEnd looks for the last change of the first tenant's feed.
func (b *grown) feedEnd(ctx context.Context) (int64, error) {
	low, high := int64(0), int64(b.plan.Payments)*10 // none has that many
	for low < high {
		middle := (low + high + 1) / 2
		some, err := b.store.Changes(ctx, bulk.Tenants()[0], middle-1, 1)
		if err != nil {
			return 0, err
		}
		if len(some) > 0 {
			low = middle
		} else {
			high = middle - 1
		}
	}
	return low, nil
}

// middle is the instant by which half of the payments were opened.
func (b *grown) middle() time.Time { return b.plan.At(b.plan.Payments / 2) }

// day is one in the middle of the books, or, where they are not longer than that, all of it.
func (b *grown) day() providers.Window {
	from := b.middle().Add(-12 * time.Hour)
	return providers.Window{From: from, To: from.Add(24 * time.Hour)}
}

// statement reads a day of the first gateway, as reconciliation does when it asks about each
// payment.
func (b *grown) statement(ctx context.Context) error {
	gateway, span := bulk.Gateways()[0], b.day()
	days, err := b.store.StatementDays(ctx, gateway)
	if err != nil {
		return err
	}
	for _, d := range days { // of an earlier run in the same books
		b.run = journal.Run{Gateway: gateway, Day: d.Day, Reading: d.Reading, Staged: d.Lines}
		return nil
	}
	r := journal.Run{ID: "run-1", Gateway: gateway, Day: span.From.Format(time.DateOnly), Span: span, Source: providers.StatementWalk, Cause: "request", Actor: "operator:aida",
		State: journal.RunQueued, Created: until, Updated: until, ReadTo: span.From, Due: until}
	if _, _, err := b.store.StartRun(ctx, r); err != nil {
		return err
	}
	r, err = b.store.ClaimRun(ctx, "growth", until.Add(time.Second), time.Hour, []string{gateway})
	if err != nil {
		return fmt.Errorf("claim the day's run: %w", err)
	}
	r.Reading, r.State = "reading-1", journal.RunReading
	for after := (journal.Movement{}); ; {
		some, further, err := b.store.Walk(ctx, providers.LineCharge, gateway, span, after, 500)
		if err != nil {
			return err
		}
		if len(some) == 0 {
			break
		}
		after = further
		lines, err := b.lines(ctx, some, r)
		if err != nil {
			return err
		}
		r.Staged += int64(len(lines))
		if err := b.store.Stage(ctx, r, lines); err != nil {
			return err
		}
	}
	if err := b.store.Publish(ctx, r, until); err != nil {
		return err
	}
	b.run = r
	return b.store.Analyze(ctx)
}

// lines are what the gateway would say of attempts: of nine in ten, so that a page of what
// it does not tell of can be read, too.
func (b *grown) lines(ctx context.Context, some []journal.Walked, r journal.Run) ([]journal.StagedLine, error) {
	var ids []string
	for _, w := range some {
		ids = append(ids, w.Payment)
	}
	all, err := b.store.GetMany(ctx, ids)
	if err != nil {
		return nil, err
	}
	var lines []journal.StagedLine
	for _, p := range all {
		for _, a := range p.Attempts {
			if a.Gateway != r.Gateway || !a.Verdict.HasMoney() || a.Planned.UnixMicro()%10 == 0 {
				continue
			}
			lines = append(lines, journal.StagedLine{Day: r.Day, Seq: r.Staged + int64(len(lines)), Group: journal.GroupOf(p.ID, a.N), FoundBy: journal.ByReference,
				StatementLine: providers.StatementLine{Kind: providers.LineCharge, Order: a.Reference, External: a.External, Verdict: a.Verdict, Amount: p.Amount, At: a.Planned}})
		}
	}
	return lines, nil
}
