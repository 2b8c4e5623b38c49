//go:build unix

package app_test

import (
	"context"
	"database/sql"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	pb "github.com/payrouter/payrouter/proto/payrouter/v1"
	"github.com/payrouter/payrouter/providers/sim"
	"github.com/payrouter/payrouter/router/pgtest/pgserver"
)

// ownServer starts a PostgreSQL that only this test uses, and that keeps what it
// acknowledged.
func ownServer(t *testing.T) *pgserver.Server {
	t.Helper()
	starts <- struct{}{}
	defer func() { <-starts }()
	server, err := pgserver.Launch(t.Context(), pgserver.Options{})
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skipf("NO POSTGRESQL THAT MAY BE STOPPED, so this test did not run: %v", err)
	}
	t.Cleanup(server.Stop)
	return server
}

// TestTheStoreGoesAndComesBackUnderCharges takes the store away from its replicas while
// charges and a refund are at the gateway, some of which will never be answered, and
// gives it back (SAFETY section 6: store down, before the attempt and at the outcome
// commit; webhook, store down).
func TestTheStoreGoesAndComesBackUnderCharges(t *testing.T) {
	t.Parallel()
	var rows sync.WaitGroup
	for name, lay := range map[string]func(*testing.T) *outage{
		"shut down": func(t *testing.T) *outage {
			return serverOutage(t, func(s *pgserver.Server) error { return s.Halt(pgserver.Fast) },
				func(s *pgserver.Server) error { return s.Start(t.Context()) })
		},
		"crashed": func(t *testing.T) *outage {
			return serverOutage(t, func(s *pgserver.Server) error { return s.Halt(pgserver.Immediate) },
				func(s *pgserver.Server) error { return s.Start(t.Context()) })
		},
		"frozen": func(t *testing.T) *outage { return serverOutage(t, (*pgserver.Server).Freeze, (*pgserver.Server).Thaw) },
		"locked": lockedFile,
	} {
		rows.Go(func() {
			t.Run(name, func(t *testing.T) {
				o := lay(t)
				o.prepare()
				o.must(o.down())
				o.during()
				o.must(o.up())
				o.after()
			})
		})
	}
	rows.Wait()
}

// serverOutage takes a PostgreSQL away from two replicas.
func serverOutage(t *testing.T, down, up func(*pgserver.Server) error) *outage {
	t.Helper()
	server := ownServer(t)
	o := newOutage(newWorld(t, server.URL), 2)
	o.down, o.up = func() error { return down(server) }, func() error { return up(server) }
	return o
}

// lockedFile keeps the one process that writes to a file from writing: another one holds
// SQLite's lock. What is in the file can be read all the while.
func lockedFile(t *testing.T) *outage {
	t.Helper()
	o := newOutage(newWorld(t, ""), 1)
	o.readable = true
	other, err := sql.Open("sqlite", "file:"+strings.TrimPrefix(o.url, "sqlite:")+"?_pragma=busy_timeout(5000)&_txlock=immediate")
	o.must(err)
	t.Cleanup(func() { other.Close() })
	var lock *sql.Tx
	o.down = func() (err error) { lock, err = other.Begin(); return err }
	o.up = func() error { return lock.Rollback() }
	return o
}

func newOutage(w *world, replicas int) *outage {
	w.shaky = true
	w.configure("migrate: false", "migrate: false, commit_timeout: 1s") // a store that hangs is given up soon
	o := &outage{world: w}
	for range replicas {
		o.replicas = append(o.replicas, w.replica(trap{}))
	}
	return o
}

// outage is what callers do before, during and after one.
type outage struct {
	*world
	down, up func() error
	readable bool // the books can be read during the outage, and not written
	replicas []*replica
	settled  string // a payment from before
	accepted int    // notices from before
	calls    []call
	answers  []<-chan answer
}

// prepare brings six charges and a refund to the gateway. Two of the charges and the
// refund are carried out and never answered, the others are answered during the outage.
// Only notices will tell of them, and these are on their way, too.
func (o *outage) prepare() {
	o.t.Helper()
	paidBack := refund(o.world, o.replicas[0])
	o.bank.ClearNotices()
	_, err := o.bank.AddNotice(sim.NoticeRule{Mode: sim.NoticeLate, Delay: sim.Duration(1500 * time.Millisecond)})
	o.must(err)
	o.fault(sim.Fault{Face: "wayforpay", Op: sim.OpStatus, Kind: sim.FaultHTTPError})
	o.fault(sim.Fault{Face: "wayforpay", Op: sim.OpCharge, Kind: sim.FaultActHang, Times: 2})
	o.fault(sim.Fault{Face: "wayforpay", Op: sim.OpCharge, Kind: sim.FaultSlow, Delay: sim.Duration(1500 * time.Millisecond), Times: 4})
	o.fault(sim.Fault{Face: "wayforpay", Op: sim.OpRefund, Kind: sim.FaultActHang, Times: 1})
	for range 6 {
		o.calls = append(o.calls, charge(wayforpayCard, "gateways/wayforpay-main")(o.world, nil))
	}
	o.calls = append(o.calls, paidBack)
	for i, c := range o.calls {
		o.answers = append(o.answers, inBackground(o.replicas[i%len(o.replicas)], c, patience))
	}
	o.eventually("all at the gateway", func() bool {
		return o.arrived("wayforpay", sim.OpCharge) == 7 && o.arrived("wayforpay", sim.OpRefund) == 1
	})
	for _, p := range o.histories() {
		if p.now().Status() == "paid" {
			o.settled = "payments/" + p.now().ID
		}
	}
	o.accepted = o.delivered("accepted")
}

// during sees that nothing is sent, that nobody is refused for good, and that no notice
// is acknowledged.
func (o *outage) during() {
	o.t.Helper()
	before := o.money()
	o.calls = append(o.calls, charge(wayforpayCard, "gateways/wayforpay-main")(o.world, nil), charge(halykCard, "gateways/halyk-main")(o.world, nil), offer(o.world, nil))
	var answers []<-chan answer
	for i, c := range slices.Concat(o.calls[:2], o.calls[6:]) { // two again, the refund again, and the new ones
		answers = append(answers, inBackground(o.replicas[i%len(o.replicas)], c, 20*time.Second))
	}
	for i, answered := range answers {
		a := <-answered
		again := o.readable && i < 3 && a.err == nil // what it made before can be read
		if status.Code(a.err) != codes.Unavailable && !again {
			o.t.Errorf("call %d, without a store: heard of %q, error %v", i, a.payment, a.err)
		}
	}
	for _, r := range o.replicas {
		ctx, cancel := context.WithTimeout(o.t.Context(), 20*time.Second)
		if _, err := r.payments.GetPayment(ctx, &pb.GetPaymentRequest{Name: o.settled}); (err == nil) != o.readable || err != nil && status.Code(err) != codes.Unavailable {
			o.t.Errorf("a question without a store: %v", err)
		}
		cancel()
	}
	o.eventually("every notice was sent and refused", func() bool {
		for _, n := range o.bank.Deliveries() {
			if n.State == "waiting" && n.Tries < 2 {
				return false
			}
		}
		return o.delivered("waiting") > 0
	})
	if accepted := o.delivered("accepted"); accepted != o.accepted {
		o.t.Errorf("%d notices were acknowledged without a store", accepted-o.accepted)
	}
	if sent := o.money(); sent != before {
		o.t.Errorf("%d requests that move money were sent without a store", sent-before)
	}
}

// after sees that all notices are taken, that they alone decide the charges, and that
// every call meets what it made.
func (o *outage) after() {
	o.t.Helper()
	for i, answered := range o.answers {
		if a := <-answered; a.err != nil && status.Code(a.err) != codes.Unavailable {
			o.t.Errorf("call %d, under way when the store went, heard %v", i, a.err)
		}
	}
	o.eventually("every notice is taken", func() bool { return o.delivered("waiting") == 0 })
	for i, c := range o.calls[:6] {
		r := o.replicas[i%len(o.replicas)]
		p := o.follow(r, o.repeat(r, c), func(p *pb.Payment) bool { return p.GetState() == pb.Payment_STATE_PAID })
		o.sentSo(r, p, sim.OpCharge, []int{1})
	}
	o.bank.ClearFaults()
	for i, c := range o.calls[6:] {
		r := o.replicas[i%len(o.replicas)]
		is := []truth{partReturned, paid, paid, paidOnSight}[i]
		p := o.follow(r, o.repeat(r, c), func(p *pb.Payment) bool { return is(o.world, p) })
		if i == 0 {
			o.sentSo(r, p, sim.OpRefund, []int{1})
		}
	}
	o.audit(o.replicas[0], 10)
}

// money counts the requests that may move money or make an offer, whatever became of them.
func (w *world) money() int {
	n := 0
	for _, a := range w.bank.Ledger().Arrivals {
		if slices.Contains([]sim.Op{sim.OpCreate, sim.OpCharge, sim.OpRefund, sim.OpCapture, sim.OpVoid}, a.Op) {
			n += a.Count
		}
	}
	return n
}

// delivered counts the notices that are in a state.
func (w *world) delivered(state string) int {
	n := 0
	for _, d := range w.bank.Deliveries() {
		if d.State == state {
			n++
		}
	}
	return n
}
