package office

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router"
	"github.com/payrouter/payrouter/router/journal"
	"github.com/payrouter/payrouter/router/reconcile"
	"github.com/payrouter/payrouter/router/statement"
)

// Books is how a gateway's own books are read and judged.
type Books struct {
	Zone *time.Location // of its business days. Required.
	// Schedule says when days that are over are read, as cron writes it, in Zone; empty means
	// by hand only.
	Schedule string
	// Lag is how long after a day's end its books may still change; before that it is not read.
	Lag time.Duration
	// Reread is how many of the last days are read once more at every tick, for providers
	// that write rows late.
	Reread int
	// CatchUp is how many missed days are made up for, at most.
	CatchUp int
	// Slice is how much of a day is asked for at once; zero means all of it. Adapters hold in
	// memory what they ask for.
	Slice time.Duration

	// Edge, Late and Payout are as in reconcile.Options. A line without names is taken for the
	// only movement of its sum in whose range it is dated, give or take Edge.
	Edge, Late, Payout time.Duration
	Fees               reconcile.Fees
	Formats            map[string]statement.Format // of files, by name
	NetFees            bool                        // as reconcile.Options
	HidesRefunds       bool                        // as reconcile.Options
	NamesMovements     bool                        // as reconcile.Options
}

// Options wire an Office. All are required unless said otherwise.
type Options struct {
	Router  *router.Router
	Journal *journal.Store
	Books   map[string]Books // by gateway; one that is not named has none
	Log     *slog.Logger
	// Retention is how long what may be removed is kept. The zero value removes nothing.
	Retention Retention
	// Registerer may be nil.
	Registerer prometheus.Registerer
	// Clock tells the time by the clock that all replicas share. Default Journal.Clock.
	Clock func(context.Context) (time.Time, error)
	// PollEvery is how often work is looked for. Default 2 s.
	PollEvery time.Duration
	// Lease is how long a run stays with a process that is not heard of. Default 1 min.
	Lease time.Duration
	// Page is how many orders are judged, and lines staged, at once. Default 500.
	Page int
	// Step is called at named points, for tests that kill the process there. May be nil.
	Step func(point string)
}

// Office is the back office of one process. It is safe for concurrent use.
type Office struct {
	Options
	owner   string // of the plan
	metrics *metrics
	began   time.Time // when it planned first; the planner's own
}

// New checks the wiring.
func New(o Options) (*Office, error) {
	if o.Router == nil || o.Journal == nil {
		return nil, errors.New("office: Router and Journal are required")
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Clock == nil {
		o.Clock = o.Journal.Clock
	}
	if o.PollEvery == 0 {
		o.PollEvery = 2 * time.Second
	}
	if o.Lease == 0 {
		o.Lease = time.Minute
	}
	if o.Page == 0 {
		o.Page = 500
	}
	if o.Step == nil {
		o.Step = func(string) {}
	}
	if o.Retention != (Retention{}) {
		if err := o.Retention.Check(); err != nil {
			return nil, fmt.Errorf("office: retention: %w", err)
		}
	}
	for name, b := range o.Books {
		if _, ok := o.Router.Gateway(name); !ok {
			return nil, fmt.Errorf("office: books of gateway %q, which is not configured", name)
		}
		if err := b.Check(); err != nil {
			return nil, fmt.Errorf("office: books of %s: %w", name, err)
		}
	}
	made := &Office{Options: o, owner: uuid.NewString()}
	made.metrics = newMetrics(made)
	return made, nil
}

// Run plans runs and does them, and reads files, until ctx ends. Several replicas may run.
// While there is nothing to do it asks the store two questions at a time: a store that is in
// trouble is not to be kept from those who take money.
func (o *Office) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	runs, files := make(chan struct{}, max(1, len(o.Books))), make(chan struct{}, 1) // a gateway that is slow to tell holds up no other
	old := make(chan struct{}, 1)
	for ticks, well := 0, true; ctx.Err() == nil; ticks++ {
		err := o.look(ctx, ticks, func(desk chan struct{}, work func(context.Context, time.Time) (bool, error)) {
			select {
			case desk <- struct{}{}:
				group.Go(func() error { o.busy(ctx, work); <-desk; return nil })
			default: // all are at work
			}
		}, runs, files, old)
		if err != nil && well && ctx.Err() == nil {
			o.Log.Error("the back office cannot work", "error", err.Error())
		}
		well = err == nil
		pause(ctx, o.PollEvery)
	}
	err := group.Wait()
	if err := o.Journal.Release(context.WithoutCancel(ctx), planner, o.owner); err != nil {
		o.Log.Warn("a lease was not given up and runs out by itself", "lease", planner, "error", err.Error())
	}
	return err
}

// look sees what there is to do, and has it done.
func (o *Office) look(ctx context.Context, ticks int, have func(chan struct{}, func(context.Context, time.Time) (bool, error)), runs, files, old chan struct{}) error {
	const planEvery, agedEvery, tidyEvery = 15, 30, 1800 // ticks
	now, err := o.Clock(ctx)
	if err != nil || o.Router.Mistimed() != nil {
		return err
	}
	if ticks%planEvery == 0 {
		if err := o.plan(ctx, now); err != nil {
			return err
		}
	}
	if ticks%tidyEvery == 0 {
		if err := o.tidy(ctx, now); err != nil {
			return err
		}
	}
	if ticks%agedEvery == 0 {
		due, err := o.agedDue(ctx, now)
		if err != nil {
			return err
		}
		if due {
			have(old, o.workAged)
		}
	}
	due, err := o.Journal.RunDue(ctx, now)
	if err != nil {
		return err
	}
	if due {
		have(runs, o.work)
	}
	if due, err = o.Journal.ImportDue(ctx, now); due {
		have(files, o.workImport)
	}
	return err
}

// busy works as long as there is more to do.
func (o *Office) busy(ctx context.Context, work func(context.Context, time.Time) (bool, error)) {
	for more := true; more && ctx.Err() == nil && o.Router.Mistimed() == nil; {
		now, err := o.Clock(ctx)
		if err == nil {
			more, err = work(ctx, now)
		}
		if err != nil {
			o.Log.Error("the back office cannot work", "error", err.Error())
			return
		}
	}
}

// pause waits for d, or until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// tidy drops what nobody needs any more: files hold names and phones.
func (o *Office) tidy(ctx context.Context, now time.Time) error {
	const unfinished, pieces = 24 * time.Hour, 100
	for {
		n, err := o.Journal.DropPieces(ctx, now.Add(-unfinished), pieces)
		if err != nil || n < pieces {
			return err
		}
	}
}

// claims are what the gateway's provider promises.
func (o *Office) claims(gateway string) (router.Gateway, providers.Claims, error) {
	g, ok := o.Router.Gateway(gateway)
	if !ok {
		return g, providers.Claims{}, fmt.Errorf("%s: %w", gateway, router.ErrUnknownGateway)
	}
	return g, g.Provider.Claims(), nil
}
