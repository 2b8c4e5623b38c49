package server

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/grpc-ecosystem/go-grpc-middleware/v2/interceptors/recovery"
	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/reflection"
	"google.golang.org/grpc/stats"

	pb "github.com/payrouter/payrouter/proto/payrouter/v1"

	"github.com/payrouter/payrouter/health"
	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router"
	"github.com/payrouter/payrouter/router/identity"
	"github.com/payrouter/payrouter/router/office"
)

// Options wire a Server. Router, Board and BodyKey are required.
type Options struct {
	Router *router.Router
	Board  *health.Board  // the router's
	Office *office.Office // the router's; may be nil: then nothing is reconciled
	Log    *slog.Logger
	// Registry takes the metrics and is what /metrics shows. May be nil: then there are none.
	Registry *prometheus.Registry
	// BodyKey hashes the bodies kept beside request ids, and signs page tokens. It must
	// never change: with another key every repeated request looks like another body.
	BodyKey providers.Secret
	// Gate proves who calls, and is how the port listens. Nil: in plain text, and callers are
	// whoever they say they are.
	Gate *identity.Gate
	// DefaultTenant is whose money it is when a caller names no tenant. Empty: a caller must.
	// With a Gate a caller has no other default than the only tenant it has a role in.
	DefaultTenant string
	// DefaultOperator is who acts when nobody is named. Default "local".
	DefaultOperator string
	// RequireOperator refuses the service Operations to whoever names no operator.
	RequireOperator bool
	// CallsPerSecond is how many calls one identity may make, in a second and at once.
	// Default 1000.
	CallsPerSecond int
	// StreamsPerCaller is how many streams one identity may have open. Default 128.
	StreamsPerCaller int
	// TrustedProxies are the addresses or CIDR blocks whose X-Forwarded-For is believed.
	TrustedProxies []string
	// WatchFor is how long a stream lives before it is ended so that connections spread
	// again. Default 15 min.
	WatchFor time.Duration
	// MaxCharges is how many charges may be in progress at once, those included whose
	// callers have gone; see overload.go. More than the gateways take together would only
	// be refused later, after they were stored. Default 64 for each gateway, which is
	// health's default too.
	MaxCharges int
	// MaxNotices is how many webhooks may be stored and ruled on at once: as many may stand
	// before a charge at the store, even if all are forged. Default half of MaxCharges, for a
	// charge brings about one notice, with two commits to its three; 128 at most.
	MaxNotices int
	// MaxUndecided is how many attempts of which nobody knows what became a gateway may
	// have. While all that a payment may go to have as many, it is refused. Default 1000,
	// which a gateway's look-ups go through within minutes.
	MaxUndecided int
	// Stats sees each call begin and end, for traces. May be nil. Where it is given, /metrics
	// shows a trace beside a duration to those who ask for OpenMetrics.
	Stats stats.Handler
	// Readiness is what a bank's checklist is answered with besides the books.
	Readiness Readiness
	// Version is shown on the ops page.
	Version string
}

// Server is the door: gRPC, webhooks and the ops page.
type Server struct {
	options  Options
	router   *router.Router
	board    *health.Board
	log      *slog.Logger
	metrics  *metrics
	grpc     *grpc.Server
	proxies  []netip.Prefix
	unread   unread
	seats    map[kind]seats
	pressure *pressure

	limits    *limits      // of each identity
	strangers *limits      // of each address, in what needs no identity
	lines     *limits      // in the log, about refusals at the door
	untold    atomic.Int64 // refusals without a line, since the last line

	draining chan struct{} // closed by Drain
	drain    sync.Once
	working  sync.WaitGroup // work that may outlive its caller
}

// New checks the wiring and registers the services. Nothing is served before the
// listeners are: see GRPC, Webhooks and Ops.
func New(o Options) (*Server, error) {
	switch {
	case o.Router == nil || o.Board == nil:
		return nil, errors.New("server: Router and Board are required")
	case o.BodyKey.Empty():
		return nil, errors.New("server: BodyKey is required")
	case o.MaxCharges < 0 || o.MaxNotices < 0 || o.MaxUndecided < 0 || o.CallsPerSecond < 0 || o.StreamsPerCaller < 0:
		return nil, errors.New("server: MaxCharges, MaxNotices, MaxUndecided, CallsPerSecond and StreamsPerCaller must not be negative")
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.DefaultOperator == "" && !o.RequireOperator {
		o.DefaultOperator = "local"
	}
	if o.WatchFor == 0 {
		o.WatchFor = 15 * time.Minute
	}
	if err := o.Readiness.complete(); err != nil {
		return nil, fmt.Errorf("server: %w", err)
	}
	o.MaxCharges = cmp.Or(o.MaxCharges, 64*len(o.Router.Gateways))
	o.MaxNotices = cmp.Or(o.MaxNotices, min(max(o.MaxCharges/2, 1), 128))
	o.MaxUndecided = cmp.Or(o.MaxUndecided, 1000)
	if _, known := o.Router.Tenants[o.DefaultTenant]; o.DefaultTenant != "" && !known {
		return nil, fmt.Errorf("server: the default tenant %q is not configured", o.DefaultTenant)
	}
	s := &Server{options: o, router: o.Router, board: o.Board, log: o.Log, draining: make(chan struct{}), seats: seatsOf(o),
		lines: newLimits(refusalsPerSecond, refusalsAtOnce, 0)}
	calls := cmp.Or(o.CallsPerSecond, 1000)
	s.limits = newLimits(calls, calls, cmp.Or(o.StreamsPerCaller, 128))
	s.strangers = newLimits(checksPerSecond, checksPerSecond, cap(s.seats[checks])/2) // no address takes all seats
	s.pressure = s.newPressure()
	for _, text := range o.TrustedProxies {
		prefix, err := parseProxy(text)
		if err != nil {
			return nil, fmt.Errorf("server: trusted proxy %q is neither an address nor a CIDR block", text)
		}
		s.proxies = append(s.proxies, prefix)
	}
	if o.Registry != nil {
		s.metrics = newMetrics(o.Registry, s.seats)
	} else {
		s.metrics = newMetrics(nil, s.seats)
	}
	s.grpc = grpc.NewServer(s.callOptions()...)
	s.grpc.RegisterService(&pb.Payments_ServiceDesc, payments{Server: s})
	s.grpc.RegisterService(&pb.Operations_ServiceDesc, operations{Server: s})
	s.grpc.RegisterService(&pb.Finance_ServiceDesc, finance{Server: s})
	s.grpc.RegisterService(&pb.Disputes_ServiceDesc, disputes{Server: s})
	s.grpc.RegisterService(&pb.Compliance_ServiceDesc, compliance{Server: s})
	s.grpc.RegisterService(&pb.Audit_ServiceDesc, audits{Server: s})
	grpc_health_v1.RegisterHealthServer(s.grpc, &serving{server: s})
	reflection.Register(s.grpc)
	s.metrics.calls.InitializeMetrics(s.grpc)
	return s, nil
}

// maxHeaders is how much metadata a call may have: a token of a few KiB, and our own words.
const maxHeaders = 16 << 10

// handshakeWithin is how long whoever connects may take until calls can come: over a bad line a
// second or two. Until then nobody knows who it is.
const handshakeWithin = 10 * time.Second

// callOptions are the chain of doc.go, outermost first.
func (s *Server) callOptions() []grpc.ServerOption {
	recovered := recovery.WithRecoveryHandlerContext(s.panicked)
	options := append(s.traced(),
		grpc.ChainUnaryInterceptor(s.metrics.calls.UnaryServerInterceptor(exemplars), s.logUnary, recovery.UnaryServerInterceptor(recovered), s.admitUnary, s.auditUnary),
		grpc.ChainStreamInterceptor(s.metrics.calls.StreamServerInterceptor(), s.logStream, recovery.StreamServerInterceptor(recovered), s.admitStream, s.auditStream),
		grpc.ForceServerCodecV2(newCodec(&s.unread)),
		grpc.MaxRecvMsgSize(maxRead),
		grpc.MaxHeaderListSize(maxHeaders),
		grpc.ConnectionTimeout(handshakeWithin),
		grpc.MaxConcurrentStreams(mostStreams(s.seats)),
		// A dead connection is noticed within 40 s, and an old one is renewed so that load
		// spreads; streams end by themselves before the grace does.
		grpc.KeepaliveParams(keepalive.ServerParameters{Time: 30 * time.Second, Timeout: 10 * time.Second,
			MaxConnectionAge: s.options.WatchFor, MaxConnectionAgeGrace: s.options.WatchFor + time.Minute}),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: 10 * time.Second, PermitWithoutStream: true}),
	)
	if s.options.Gate != nil {
		if secured := s.options.Gate.TLS(); secured != nil {
			options = append(options, grpc.Creds(newHandshakes(secured, s.log, s.draining)))
		}
	}
	return options
}

// GRPC is the server to serve on the internal port, and to stop.
func (s *Server) GRPC() *grpc.Server { return s.grpc }

// Drain says that the process is going down: health checks fail from now on, and
// streams are ended with RECONNECT, so that GracefulStop need not wait for them.
func (s *Server) Drain() { s.drain.Do(func() { close(s.draining) }) }

func (s *Server) isDraining() bool {
	select {
	case <-s.draining:
		return true
	default:
		return false
	}
}

// How long no call may be in progress until nothing is expected any more, and how often that is
// looked at. Whoever reads has read an answer long before.
const (
	idleFor   = 2 * time.Second
	idleEvery = 100 * time.Millisecond
)

// Idle returns a channel that is closed once no call has been in progress for two seconds: what
// GracefulStop still waits for then are answers that nobody reads. With ctx it is given up.
func (s *Server) Idle(ctx context.Context) <-chan struct{} {
	idle := make(chan struct{})
	go func() {
		for since := time.Now(); time.Since(since) < idleFor; {
			if s.busy() {
				since = time.Now()
			}
			select {
			case <-ctx.Done():
				return
			case <-time.After(idleEvery):
			}
		}
		close(idle)
	}()
	return idle
}

// busy reports whether a call is in progress, or work that one has left.
func (s *Server) busy() bool {
	for k, seats := range s.seats {
		if k != notices && k != bodies && len(seats) > 0 {
			return true
		}
	}
	return false
}

// Wait returns when all work that outlived its caller is done, or when ctx ends. Call it
// after GracefulStop and before the store is closed: what is cut off is not lost, but
// has to be asked about.
func (s *Server) Wait(ctx context.Context) error {
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.working.Wait()
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
	}
	select { // there may have been nothing to wait for, and nobody yet who says so
	case <-done:
		return nil
	case <-time.After(idleEvery):
		return ctx.Err()
	}
}

// parseProxy reads an address or a block.
func parseProxy(text string) (netip.Prefix, error) {
	if strings.Contains(text, "/") {
		return netip.ParsePrefix(text)
	}
	addr, err := netip.ParseAddr(text)
	if err != nil {
		return netip.Prefix{}, err
	}
	return addr.Prefix(addr.BitLen())
}
