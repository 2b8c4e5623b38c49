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

	Edge, Late, Payout time.Duration // as reconcile.Options
	Within             time.Duration // of a line without names and the only movement that it can be
	Fees               reconcile.Fees
	Formats            map[string]statement.Format // of files, by name
	NetFees            bool                        // as reconcile.Options
	HidesRefunds       bool                        // as reconcile.Options
}

// Options wire an Office. All are required unless said otherwise.
type Options struct {
	Router  *router.Router
	Journal *journal.Store
	Books   map[string]Books // by gateway; one that is not named has none
	Log     *slog.Logger
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

// Run plans runs and does them until ctx ends. Several replicas may run.
func (o *Office) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { o.forever(ctx, 15*o.PollEvery, o.plan); return nil })
	group.Go(func() error { o.forever(ctx, o.PollEvery, o.workImport); return nil })
	group.Go(func() error { o.forever(ctx, time.Hour, o.tidy); return nil })
	for range max(1, len(o.Books)) { // a gateway that is slow to tell holds up no other
		group.Go(func() error { o.forever(ctx, o.PollEvery, o.work); return nil })
	}
	return group.Wait()
}

// forever does something again and again. It is given the time that all replicas share, and
// says whether there may be more to do at once.
func (o *Office) forever(ctx context.Context, every time.Duration, do func(context.Context, time.Time) (bool, error)) {
	for ctx.Err() == nil {
		more := false
		now, err := o.Clock(ctx)
		if err == nil && o.Router.Mistimed() == nil {
			more, err = do(ctx, now)
		}
		if err != nil && ctx.Err() == nil {
			o.Log.Error("the back office cannot work", "error", err.Error())
		}
		if more && err == nil {
			continue
		}
		timer := time.NewTimer(every)
		select {
		case <-ctx.Done():
		case <-timer.C:
		}
		timer.Stop()
	}
}

// tidy drops what nobody needs any more: files hold names and phones.
func (o *Office) tidy(ctx context.Context, now time.Time) (bool, error) {
	const unfinished, pieces = 24 * time.Hour, 100
	n, err := o.Journal.DropPieces(ctx, now.Add(-unfinished), pieces)
	return n == pieces, err
}

// claims are what the gateway's provider promises.
func (o *Office) claims(gateway string) (router.Gateway, providers.Claims, error) {
	g, ok := o.Router.Gateway(gateway)
	if !ok {
		return g, providers.Claims{}, fmt.Errorf("%s: %w", gateway, router.ErrUnknownGateway)
	}
	return g, g.Provider.Claims(), nil
}
