package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"runtime/debug"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc"

	"github.com/payrouter/payrouter/cmd/internal/traces"
	"github.com/payrouter/payrouter/health"
	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router"
	"github.com/payrouter/payrouter/router/identity"
	"github.com/payrouter/payrouter/router/journal"
	"github.com/payrouter/payrouter/router/office"
	"github.com/payrouter/payrouter/router/payment"
	"github.com/payrouter/payrouter/router/server"
)

// drainFor is how long calls in flight may take to finish after an order to stop. It is
// longer than the longest call to a gateway.
const drainFor = 35 * time.Second

// doorsFor is how long notices that are being kept may take at least: two writes and a read.
const doorsFor = 15 * time.Second

// Options are what a program gives besides the configuration. All may be left zero.
type Options struct {
	Version string
	Log     *slog.Logger
	// Dial replaces the network to the gateway of that name, in tests.
	Dial map[string]Dial
	// Step is called at named points of a payment, and of a run of the back office, for tests
	// that kill the process there.
	Step func(point string)
	// Lease is how long a worker's claim lasts, for tests that outlive it. Default 2 min; 1 min
	// in the back office.
	Lease time.Duration
	// Page is how many orders the back office judges, and lines it keeps, in one commit, for
	// tests that kill the process between two. Default 500.
	Page int
}

// App is the service, wired and listening, not yet serving.
type App struct {
	config   Config // as it is in force
	options  Options
	log      *slog.Logger
	store    *journal.Store
	board    *health.Board
	traces   *traces.Traces // nil when off
	router   *router.Router
	office   *office.Office
	gate     *identity.Gate // nil: callers are whoever they say they are
	server   *server.Server
	grpc     net.Listener
	webhooks net.Listener
	ops      net.Listener
	registry *prometheus.Registry
}

// NewLog makes the service's logger.
func NewLog(c Log, w io.Writer) (*slog.Logger, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(c.Level)); err != nil {
		return nil, fmt.Errorf("log.level: %w", err)
	}
	options := &slog.HandlerOptions{Level: level}
	if c.Format == "text" {
		return slog.New(slog.NewTextHandler(w, options)), nil
	}
	return slog.New(slog.NewJSONHandler(w, options)), nil
}

// New opens the books, makes the gateways, and listens. Nothing is left open when it
// returns an error.
func New(ctx context.Context, c Config, o Options) (app *App, err error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	a := &App{config: c, options: o, log: o.Log, registry: prometheus.NewRegistry()}
	defer func() {
		if err != nil {
			a.close()
		}
	}()
	a.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), buildInfo(o.Version))

	if a.gate, err = c.gate(o.Log); err != nil {
		return nil, err
	}
	if a.gate != nil {
		a.registry.MustRegister(a.gate)
	}
	if err = a.listen(ctx, c); err != nil {
		return nil, err
	}
	gateways, watched, err := a.gateways(c)
	if err != nil {
		return nil, err
	}
	if a.traces, err = a.openTraces(c.Traces); err != nil {
		return nil, err
	}
	terms := router.TermsOf(c.Terms.payment(), gateways)
	a.store, err = OpenStore(c, func(p payment.Payment, now time.Time) time.Time { return p.Due(now, terms) })
	if err != nil {
		return nil, err
	}
	if err = a.schema(ctx); err != nil {
		return nil, err
	}
	settings := c.Health.options()
	settings.Gateways, settings.Log, settings.Registerer = watched, o.Log, a.registry
	if a.board, err = health.New(settings); err != nil {
		return nil, err
	}
	tenants := map[string]router.Tenant{}
	for name, t := range c.Tenants {
		tenants[name] = t.rules()
	}
	books, err := c.books()
	if err != nil {
		return nil, err
	}
	a.router, err = router.New(router.Options{Journal: a.store, Board: a.board, Gateways: gateways, Tenants: tenants, Terms: c.Terms.payment(),
		Log: o.Log, Registerer: a.registry, Tracer: a.traces.Tracer(), DirectDeadline: c.Terms.DirectDeadline, OfferDeadline: c.Terms.OfferDeadline,
		MinBudget: c.Terms.MinBudget, PollEvery: c.Terms.PollEvery, Lease: o.Lease, Step: o.Step, Fee: fees(books)})
	if err != nil {
		return nil, err
	}
	if a.office, err = a.backOffice(c, books); err != nil {
		return nil, err
	}
	a.server, err = server.New(server.Options{Router: a.router, Board: a.board, Office: a.office, Log: o.Log, Registry: a.registry, Stats: a.traces.Stats(), BodyKey: c.Keys.Body,
		Gate: a.gate, DefaultTenant: c.GRPC.DefaultTenant, TrustedProxies: c.Webhooks.TrustedProxies, Version: o.Version,
		CallsPerSecond: c.GRPC.CallsPerSecond, StreamsPerCaller: c.GRPC.StreamsPerCaller,
		MaxCharges: c.GRPC.MaxCharges, MaxNotices: c.Webhooks.MaxNotices, MaxUndecided: c.Terms.MaxUndecided,
		Readiness: server.Readiness{Egress: c.Readiness.Egress}})
	return a, err
}

// schema brings the schema up to date or, where it may not, sees that somebody has. A database
// that does not answer yet is waited for elsewhere.
func (a *App) schema(ctx context.Context) error {
	if a.config.Store.MayMigrate() {
		return a.store.Migrate(ctx)
	}
	err := a.store.SchemaReady(ctx)
	if err != nil && journal.Trouble(err) {
		a.log.Warn("the database's schema cannot be looked at yet", "error", err.Error())
		return nil
	}
	return err
}

// OpenStore opens the books that a configuration names.
func OpenStore(c Config, due func(payment.Payment, time.Time) time.Time) (*journal.Store, error) {
	return journal.Open(journal.Options{URL: c.Store.URL.Reveal(), Due: due, MaxConns: c.Store.MaxConns,
		CommitTimeout: c.Store.CommitTimeout, GroupCommit: c.Store.GroupCommit})
}

func (a *App) listen(ctx context.Context, c Config) error {
	for _, door := range []struct {
		key, address string
		listener     *net.Listener
	}{
		{"grpc.address", c.GRPC.Address, &a.grpc}, {"webhooks.address", c.Webhooks.Address, &a.webhooks}, {"ops.address", c.Ops.Address, &a.ops},
	} {
		l, err := new(net.ListenConfig).Listen(ctx, "tcp", door.address)
		if err != nil {
			return fmt.Errorf("%s: %w", door.key, err)
		}
		*door.listener = l
	}
	return nil
}

// gateways makes the adapters, and says what health should watch of each.
func (a *App) gateways(c Config) ([]router.Gateway, []health.Gateway, error) {
	var watched []health.Gateway
	all, err := a.open(c)
	for i, g := range all {
		watched = append(watched, a.watch(c.Gateways[i], g.Provider))
	}
	return all, watched, err
}

// open makes the adapters that are not there already.
func (a *App) open(c Config) ([]router.Gateway, error) {
	public := strings.TrimSuffix(cmp.Or(c.Webhooks.PublicURL, "http://"+a.WebhooksAddr()), "/")
	var all []router.Gateway
	for _, g := range c.Gateways {
		made, err := g.open(a.options.Dial[g.Name], func(s Settings) providers.Provider { return a.kept(g.Name, s) })
		if err != nil {
			return nil, err
		}
		made.NotifyURL = public + "/webhooks/" + g.Name
		all = append(all, made)
	}
	return all, nil
}

// backOffice makes what reads the gateways' own books.
func (a *App) backOffice(c Config, books map[string]office.Books) (*office.Office, error) {
	return office.New(office.Options{Router: a.router, Journal: a.store, Books: books, Retention: c.Retention.office(), Log: a.log, Registerer: a.registry,
		Lease: a.options.Lease, Page: a.options.Page, Step: a.options.Step})
}

// watch says how health looks after a gateway.
func (a *App) watch(g Gateway, adapter providers.Provider) health.Gateway {
	t := adapter.Claims().Timeouts
	h := health.Gateway{Name: g.Name, MaxConcurrent: g.MaxConcurrent, ObserveOnly: g.ObserveOnly,
		Timeout: map[health.Op]time.Duration{health.OpCharge: t.Charge, health.OpCreate: t.Create, health.OpStatus: t.Status,
			health.OpCapture: t.Refund, health.OpVoid: t.Refund, health.OpRefund: t.Refund}}
	if g.SlowAfter > 0 {
		h.SlowAfter = map[health.Op]time.Duration{health.OpCharge: g.SlowAfter, health.OpCreate: g.SlowAfter}
	}
	if _, ok := adapter.(providers.Prober); ok {
		h.Probe = func(ctx context.Context) health.Signal { return a.router.Probe(ctx, g.Name) }
	}
	return h
}

// GRPCAddr is where internal services call.
func (a *App) GRPCAddr() string { return a.grpc.Addr().String() }

// WebhooksAddr is where gateways call us.
func (a *App) WebhooksAddr() string { return a.webhooks.Addr().String() }

// OpsAddr is where Prometheus scrapes.
func (a *App) OpsAddr() string { return a.ops.Addr().String() }

// Router is the loop inside, for programs that look at the books beside the service.
func (a *App) Router() *router.Router { return a.router }

// gcPercent lets the heap grow to four times what is in use, which is 10 MB or so, before it is
// collected. With Go's own 100 that was a tenth of the processor's time of a busy service. The
// environment's GOGC goes before it.
const gcPercent = 300

// Run serves until ctx ends, then drains: no new calls, those in flight finish, and
// what is left is in the books for whoever starts next.
func (a *App) Run(ctx context.Context) error {
	defer a.close()
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	webhooks := &http.Server{Handler: a.server.Webhooks(), ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 15 * time.Second, MaxHeaderBytes: 64 << 10}
	ops := &http.Server{Handler: a.server.Ops(), ReadHeaderTimeout: 10 * time.Second}
	// The loop outlives the doors: calls that are still being answered need it.
	loop, stopLoop := context.WithCancel(context.WithoutCancel(ctx))
	defer stopLoop()
	a.router.Begin(ctx)
	group, running := errgroup.WithContext(ctx)
	group.Go(func() error { return served(a.server.GRPC().Serve(a.grpc)) })
	group.Go(func() error { return served(webhooks.Serve(a.webhooks)) })
	group.Go(func() error { return served(ops.Serve(a.ops)) })
	group.Go(func() error { return a.router.Run(loop) })
	group.Go(func() error { return a.board.Run(loop) })
	group.Go(func() error { return a.office.Run(loop) })
	if a.gate == nil || a.gate.TLS() == nil {
		a.log.Warn("calls are in plain text, and are taken from this machine only", "grpc", a.GRPCAddr())
	}
	a.log.Info("serving", "grpc", a.GRPCAddr(), "webhooks", a.WebhooksAddr(), "ops", a.OpsAddr(), "store", a.store.Engine())
	group.Go(func() error {
		<-running.Done()
		a.log.Info("draining")
		a.server.Drain()
		limit, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainFor)
		defer cancel()
		a.stopGRPC(limit)
		if err := a.server.Wait(limit); err != nil {
			a.log.Error("calls to gateways were cut off; they will be asked about", "error", err.Error())
		}
		err := a.closeDoors(limit, webhooks, ops)
		stopLoop()
		return err
	})
	err := group.Wait()
	a.log.Info("stopped")
	return err
}

// stopGRPC lets calls finish, and cuts off what is left when the limit ends, or when that is
// nothing but answers that nobody reads.
func (a *App) stopGRPC(limit context.Context) {
	finished := make(chan struct{})
	go func() {
		defer close(finished)
		a.server.GRPC().GracefulStop()
	}()
	select {
	case <-finished:
		return
	case <-a.server.Idle(limit):
	case <-limit.Done():
	}
	a.server.GRPC().Stop()
	<-finished
}

// closeDoors closes what is no gRPC once those who are there have their answers. They have a time
// of their own for it: calls may have taken all that there was.
func (a *App) closeDoors(limit context.Context, doors ...*http.Server) error {
	if deadline, _ := limit.Deadline(); time.Until(deadline) < doorsFor {
		var cancel context.CancelFunc
		limit, cancel = context.WithTimeout(context.WithoutCancel(limit), doorsFor)
		defer cancel()
	}
	var failed []error
	for _, door := range doors {
		err := door.Shutdown(limit)
		if errors.Is(err, context.DeadlineExceeded) {
			a.log.Warn("requests were cut off; a notice among them was not acknowledged, and comes again")
			err = door.Close()
		}
		failed = append(failed, err)
	}
	return errors.Join(failed...)
}

// served is the error of a door that closed: none when it was asked to.
func served(err error) error {
	if errors.Is(err, http.ErrServerClosed) || errors.Is(err, grpc.ErrServerStopped) {
		return nil
	}
	return err
}

func (a *App) close() {
	for _, l := range []net.Listener{a.grpc, a.webhooks, a.ops} {
		if l != nil {
			_ = l.Close()
		}
	}
	a.traces.Close()
	if a.store != nil {
		if err := a.store.Close(); err != nil {
			a.log.Error("the books were not closed cleanly", "error", err.Error())
		}
	}
}
