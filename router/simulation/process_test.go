package simulation

import (
	"context"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/test/bufconn"

	"github.com/payrouter/payrouter/health"
	pb "github.com/payrouter/payrouter/proto/payrouter/v1"
	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router"
	"github.com/payrouter/payrouter/router/journal"
	"github.com/payrouter/payrouter/router/payment"
	"github.com/payrouter/payrouter/router/server"
)

// process is one incarnation of a replica: the real server, router, board, journal and
// adapters. It holds the database and the network by handles that die with it.
type process struct {
	w    *world
	name string // of the replica

	server     *server.Server
	router     *router.Router
	store      *journal.Store
	conn       *grpc.ClientConn
	payments   pb.PaymentsClient
	operations pb.OperationsClient

	stop    context.CancelFunc
	running sync.WaitGroup

	dead atomic.Bool

	mu      sync.Mutex
	wires   []*wire
	dials   map[string]int  // by whom they are for
	effects int             // commits and requests so far
	fates   map[int]fate    // what happens at one of them
	asleep  time.Time       // stopped until then, as by SIGSTOP
	plans   int             // of attempts and operations so far
	planned map[int]fate    // what happens at the commit of one of them
	shared  dooms           // commits of several payments, and what happens at them
	members dooms           // of transactions that may have such a commit
	refused map[string]fate // payments that it is said no to once more, by themselves
	noStore cut             // from the database
	noFace  map[string]bool // gateways out of reach
}

// cut says how a process is cut off from the database.
type cut uint8

const (
	connected cut = iota
	refused       // it hears at once that nobody is there
	silent        // it hears nothing
)

// fate is what becomes of a process at one of its effects.
type fate uint8

const (
	lives fate = iota
	dieBefore
	dieAfter
	answerLost
	answerLate
	commitLost    // the connection broke before it reached the database
	dozes         // stopped right after it, for longer than others wait
	commitRefused // the database says no, and nothing of it stands
	refusedOne    // a statement is refused, and what stands before it stands
	refusedAll    // a statement is refused, and the database undoes the whole transaction
)

// effect counts one and says what happens at it.
func (p *process) effect(kind string) fate {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.effects++
	f := p.fates[p.effects]
	delete(p.fates, p.effects)
	if kind == "request" && f > dieAfter {
		return lives
	}
	return f
}

// awake waits while the process is stopped.
func (p *process) awake(ctx context.Context) error {
	for {
		p.mu.Lock()
		left := time.Until(p.asleep)
		p.mu.Unlock()
		if p.dead.Load() {
			return errDead
		}
		if left <= 0 {
			return nil
		}
		if err := p.w.wait(ctx, left); err != nil {
			return err
		}
	}
}

// stopFor stops the process, as SIGSTOP does, and wakes it later.
func (p *process) stopFor(d time.Duration) {
	p.change(func() { p.asleep = time.Now().Add(d) })
	p.w.note("%s is stopped for %s", p.name, d.Round(time.Second))
	p.w.count("process stopped")
}

func (p *process) sleeps() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return time.Now().Before(p.asleep)
}

// plan counts one and says what happens at its commit.
func (p *process) plan() fate {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.plans++
	f := p.planned[p.plans]
	delete(p.planned, p.plans)
	return f
}

// reaches reports whether the process can reach a gateway now.
func (p *process) reaches(face string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return !p.noFace[face]
}

// link says how the process reaches the database now.
func (p *process) link() cut {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.noStore
}

// change alters what is wrong with the process.
func (p *process) change(how func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	how()
}

// terms are hours long in life; here they are long enough to be told apart.
func (w *world) terms() payment.Terms {
	return payment.Terms{ResolveLimit: 40 * time.Minute, SlowLook: 10 * time.Minute, GiveBackLimit: 0}
}

// start makes a replica's next incarnation and lets it serve.
func (w *world) start(name string) *process {
	p := &process{w: w, name: name, fates: map[int]fate{}, planned: map[int]fate{}, noFace: map[string]bool{}, dials: map[string]int{}, refused: map[string]fate{}}
	gateways, watched := p.gateways()
	terms := router.TermsOf(w.terms(), gateways)
	var err error
	p.store, err = journal.Open(journal.Options{Connector: connector{d: w.db, p: p}, MaxConns: 64, // never all of them: who waits for one is served in no order
		Due: func(p payment.Payment, now time.Time) time.Time { return p.Due(now, terms) }})
	w.must(err)
	board, err := health.New(health.Options{Gateways: watched, Log: w.log, Rand: w.draw("jitter " + name).Float64, ProbeEvery: w.pace.probe})
	w.must(err)
	p.router, err = router.New(router.Options{Journal: p.store, Board: board, Gateways: gateways, Log: w.log, Terms: w.terms(),
		PollEvery: w.pace.poll, WatchEvery: w.pace.watch, OfferDeadline: 25 * time.Minute, Tenants: w.tenants()})
	w.must(err)
	p.server, err = server.New(server.Options{Router: p.router, Board: board, Log: w.log, BodyKey: providers.NewSecret("0123456789abcdef")})
	w.must(err)

	door := bufconn.Listen(1 << 16)
	p.conn, err = grpc.NewClient("passthrough:///"+name, grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return door.DialContext(ctx) }))
	w.must(err)
	p.payments, p.operations = pb.NewPaymentsClient(p.conn), pb.NewOperationsClient(p.conn)
	ctx, cancel := context.WithCancel(context.Background())
	p.stop = cancel
	p.running.Go(func() {
		p.router.Begin(ctx)
		p.running.Go(func() { _ = p.router.Run(ctx) })
		_ = p.server.GRPC().Serve(door)
	})
	p.running.Go(func() { _ = board.Run(ctx) })
	w.mu.Lock()
	w.processes[name] = p
	w.mu.Unlock()
	w.note("%s starts", name)
	return p
}

// kill ends a process at this very moment: none of its handles works any more.
func (p *process) kill(why string) {
	if p.dead.Swap(true) {
		return
	}
	p.w.note("%s is killed %s", p.name, why)
	p.w.count("process killed")
	p.mu.Lock()
	for _, wire := range p.wires {
		wire.cut()
	}
	p.mu.Unlock()
	p.w.buried.Go(p.bury)
	if p.w.healed.Load() {
		return
	}
	back := time.Second + p.w.latency(20*time.Second, p.name, "restart", nil)
	p.w.later(back, func() {
		if !p.w.healed.Load() {
			p.w.start(p.name)
		}
	})
}

// bury frees what the dead process held in this one.
func (p *process) bury() {
	p.stop()
	p.server.GRPC().Stop()
	_ = p.conn.Close()
	p.running.Wait()
	ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
	defer cancel()
	_ = p.server.Wait(ctx)
	_ = p.store.Close()
}

// gateways makes the adapters as a configuration would.
func (p *process) gateways() ([]router.Gateway, []health.Gateway) {
	var all []router.Gateway
	var watched []health.Gateway
	for _, g := range p.w.adapters(p) {
		g.NotifyURL = "http://payrouter/webhooks/" + g.Name
		t := g.Provider.Claims().Timeouts
		prober := g.Provider.(providers.Prober)
		all = append(all, g)
		watched = append(watched, health.Gateway{Name: g.Name, Timeout: map[health.Op]time.Duration{health.OpCharge: t.Charge,
			health.OpCreate: t.Create, health.OpStatus: t.Status, health.OpCapture: t.Refund, health.OpVoid: t.Refund, health.OpRefund: t.Refund},
			Probe: func(ctx context.Context) health.Signal { return router.ProbeSignal(prober.Probe(ctx)) }})
	}
	return all, watched
}
