//go:build unix

package app_test

import (
	"context"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	pb "github.com/payrouter/payrouter/proto/payrouter/v1"
	"github.com/payrouter/payrouter/providers/sim"
	"github.com/payrouter/payrouter/router/pgtest"
)

// What is paid, and what is given back of it, in minor units.
const amount, part = 1549000, 500000

// flow is a call of which every step may be the process's last. It is made, dies with
// its process, and is repeated word for word against the next one.
type flow struct {
	name    string
	face    string // whose gateway the call is sent to
	op      sim.Op // as what
	prepare func(*world, *replica) call
	crashes []crash
}

// call makes the request, the same whenever it is made, and returns the payment's name.
type call func(context.Context, *replica) (payment string, err error)

// crash is where the process dies, and the truth that is found afterwards.
type crash struct {
	at     string // a step of the router; or heard or acted: the gateway got the request
	nth    int    // the n-th passing of the step; 0 means the first
	is     truth
	sent   []int  // how often the gateway of each attempt got the request in question
	refuse string // this face refuses connections until the process is dead
	slow   bool   // the truth takes most of a minute
}

// truth is what must become of the payment.
type truth func(*world, *pb.Payment) bool

const (
	heard = "heard" // the gateway heard the request and did nothing
	acted = "acted" // the gateway did what was asked, and its answer was lost
)

func paid(_ *world, p *pb.Payment) bool { return p.GetState() == pb.Payment_STATE_PAID }

// undecided: the look-ups say "no such number", which proves nothing for minutes yet.
func undecided(w *world, p *pb.Payment) bool {
	last := p.GetAttempts()[len(p.GetAttempts())-1]
	return p.GetState() == pb.Payment_STATE_PROCESSING && last.GetExposed() &&
		w.bank.Ledger().Count(last.GetProvider(), sim.OpStatus, last.GetReference()) > 1
}

// paidOnSight is paid, by a payer who pays any offer that is shown.
func paidOnSight(w *world, p *pb.Payment) bool {
	if p.GetState() == pb.Payment_STATE_AWAITING_PAYER && p.GetAction() != nil {
		last := p.GetAttempts()[len(p.GetAttempts())-1]
		if w.bank.Ledger().Net(last.GetProvider(), last.GetReference()) == 0 {
			w.must(w.bank.Act(last.GetProvider(), last.GetReference(), sim.ActPay))
		}
	}
	return paid(w, p)
}

// partReturned is a refund that was made.
func partReturned(_ *world, p *pb.Payment) bool { return p.GetRefunded().GetMinorUnits() == part }

// flows are the ways in which money moves.
var flows = []flow{
	{name: "charge of a token, with a backup", face: "wayforpay", op: sim.OpCharge, prepare: charge(wayforpayCard), crashes: []crash{
		{at: "planned", is: paid, sent: []int{0, 1}, slow: true},
		{at: heard, is: paid, sent: []int{1, 1}, slow: true},
		{at: "before plan", is: paid, sent: []int{1}},
		{at: acted, is: paid, sent: []int{1}},
		{at: "answered", is: paid, sent: []int{1}},
		{at: "recorded", is: paid, sent: []int{1}},
	}},
	{name: "capture of a hold", face: "wayforpay", op: sim.OpCapture, prepare: capture, crashes: []crash{
		{at: "operation planned", is: paid, sent: []int{1}, slow: true},
		{at: "wished", is: paid, sent: []int{1}},
		{at: "before operation", is: paid, sent: []int{1}},
		{at: acted, is: paid, sent: []int{1}},
		{at: "operation answered", is: paid, sent: []int{1}},
	}},
	{name: "refund", face: "wayforpay", op: sim.OpRefund, prepare: refund, crashes: []crash{
		{at: "operation planned", is: partReturned, sent: []int{1}, slow: true},
		{at: heard, is: partReturned, sent: []int{2}, slow: true}, // the second after proof that the first did nothing
		{at: "wished", is: partReturned, sent: []int{1}},
		{at: "before operation", is: partReturned, sent: []int{1}},
		{at: acted, is: partReturned, sent: []int{1}},
		{at: "operation answered", is: partReturned, sent: []int{1}},
	}},
	{name: "charge of a card", face: "halyk", op: sim.OpCharge, prepare: charge(halykCard, "gateways/halyk-main"), crashes: []crash{
		{at: "before plan", is: paid, sent: []int{1}},
		{at: "planned", is: undecided, sent: []int{0}},
		{at: heard, is: undecided, sent: []int{1}},
		{at: acted, is: paid, sent: []int{1}},
		{at: "answered", is: paid, sent: []int{1}},
		{at: "recorded", is: paid, sent: []int{1}},
	}},
	{name: "charge at the backup", face: "halyk", op: sim.OpCharge, prepare: charge(wayforpayCard), crashes: []crash{
		{at: "planned", nth: 2, is: undecided, sent: []int{0, 0}, refuse: "wayforpay"},
		{at: acted, is: paid, sent: []int{0, 1}, refuse: "wayforpay"},
		{at: "answered", nth: 2, is: paid, sent: []int{0, 1}, refuse: "wayforpay"},
	}},
	{name: "QR code, with a backup", face: "kaspi", op: sim.OpCreate, prepare: offer, crashes: []crash{
		{at: "before plan", is: paidOnSight, sent: []int{1}},
		{at: "planned", is: paidOnSight, sent: []int{0, 1}},
		{at: heard, is: paidOnSight, sent: []int{1, 1}},
		{at: acted, is: paidOnSight, sent: []int{1, 1}},
		{at: "answered", is: paidOnSight, sent: []int{1, 1}},
		{at: "recorded", is: paidOnSight, sent: []int{1}},
	}},
}

func wish(methods ...pb.Method) *pb.CreatePaymentRequest {
	return &pb.CreatePaymentRequest{RequestId: uuid.NewString(), OrderId: uuid.NewString(), Methods: methods, CustomerId: shopper, Description: "Books",
		Amount: &pb.Money{MinorUnits: amount, CurrencyCode: "KZT"},
		Payer:  &pb.Payer{Phone: "+77010000000", DisplayName: "Aida", Email: "aida@example.kz", IpAddress: "203.0.113.7"}}
}

// wishOfCard is a payment by a saved card, at these gateways or at any.
func wishOfCard(card string, gateways ...string) *pb.CreatePaymentRequest {
	wish := wish(pb.Method_METHOD_INSTRUMENT)
	wish.Instrument, wish.Gateways = card, gateways
	return wish
}

func create(wish *pb.CreatePaymentRequest) call {
	return func(ctx context.Context, r *replica) (string, error) {
		p, err := r.payments.CreatePayment(ctx, wish)
		return p.GetName(), err
	}
}

func charge(card string, gateways ...string) func(*world, *replica) call {
	return func(*world, *replica) call { return create(wishOfCard(card, gateways...)) }
}

func offer(*world, *replica) call {
	wish := wish(pb.Method_METHOD_QR)
	wish.Gateways = []string{"gateways/kaspi-main", "gateways/wayforpay-main"}
	return create(wish)
}

// took makes a payment that stands when the call under test begins.
func took(w *world, r *replica, mode pb.CaptureMode, state pb.Payment_State) *pb.Payment {
	w.t.Helper()
	wish := wishOfCard(wayforpayCard, "gateways/wayforpay-main")
	wish.CaptureMode = mode
	p, err := r.payments.CreatePayment(w.t.Context(), wish)
	w.must(err)
	return w.follow(r, p.GetName(), func(p *pb.Payment) bool { return p.GetState() == state })
}

func capture(w *world, r *replica) call {
	held := took(w, r, pb.CaptureMode_CAPTURE_MODE_MANUAL, pb.Payment_STATE_HELD)
	wish := &pb.CapturePaymentRequest{Name: held.GetName(), RequestId: uuid.NewString()}
	return func(ctx context.Context, r *replica) (string, error) {
		_, err := r.payments.CapturePayment(ctx, wish)
		return held.GetName(), err
	}
}

func refund(w *world, r *replica) call {
	kept := took(w, r, pb.CaptureMode_CAPTURE_MODE_AUTOMATIC, pb.Payment_STATE_PAID)
	wish := &pb.CreateRefundRequest{Parent: kept.GetName(), RequestId: uuid.NewString(), Reason: "returned",
		Amount: &pb.Money{MinorUnits: part, CurrencyCode: "KZT"}}
	return func(ctx context.Context, r *replica) (string, error) {
		_, err := r.payments.CreateRefund(ctx, wish)
		return kept.GetName(), err
	}
}

// seats bounds how many crashes are under way: most of a crash is waiting, and the
// simulated banks need some of the processor too.
var seats = make(chan struct{}, 24)

// TestAProcessKilledAtAnyStepSendsNothingTwice kills the service with SIGKILL at every
// step of every flow, starts it again on the same books, repeats the call, and waits for
// the truth (SAFETY section 6).
func TestAProcessKilledAtAnyStepSendsNothingTwice(t *testing.T) {
	t.Parallel()
	var crashes sync.WaitGroup
	defer crashes.Wait()
	for _, slow := range []bool{true, false} { // the slow ones first
		for _, f := range flows {
			for _, c := range f.crashes {
				for engine, books := range stores {
					if c.slow != slow {
						continue
					}
					seats <- struct{}{}
					crashes.Go(func() {
						defer func() { <-seats }()
						t.Run(engine+"/"+f.name+"/"+c.at, func(t *testing.T) { f.crash(newWorld(t, books(t)), c) })
					})
				}
			}
		}
	}
}

// stores make books of a test's own, by engine.
var stores = map[string]func(*testing.T) string{
	"sqlite":     func(*testing.T) string { return "" },
	"postgresql": func(t *testing.T) string { return pgtest.URL(t) },
}

// crash plays one flow with one crash.
func (f flow) crash(w *world, c crash) {
	w.inert = func(face string) bool { return f.op == sim.OpCreate && c.at == "answered" && face == f.face }
	at := trap{step: c.at, nth: max(c.nth, 1), signal: syscall.SIGKILL}
	first := w.replica(at)
	call := f.prepare(w, first)
	if c.refuse != "" {
		w.fault(sim.Fault{Face: c.refuse, Kind: sim.FaultRefuse})
	}
	f.die(w, first, call, c)
	w.bank.ClearFaults()

	second := w.replica(trap{})
	name := w.repeat(second, call)
	p := w.follow(second, name, func(p *pb.Payment) bool { return c.is(w, p) })
	if sent := w.sent(p, f.op); !slices.Equal(sent, c.sent) {
		w.t.Errorf("the gateways of the attempts got the request %v times, want %v\n%s", sent, c.sent, w.story(second, name))
	}
	before := len(w.bank.Ledger().Entries)
	w.repeat(second, call)
	if after := len(w.bank.Ledger().Entries); after != before {
		w.t.Errorf("repeated after the end, the call moved money: %d entries in the ledger, %d before", after, before)
	}
	w.audit(second, 1)
}

// die makes the call, and sees it die with its process.
func (f flow) die(w *world, r *replica, call call, c crash) {
	w.t.Helper()
	already := w.arrived(f.face, f.op)
	switch c.at {
	case heard:
		w.fault(sim.Fault{Face: f.face, Op: f.op, Kind: sim.FaultHang})
	case acted:
		w.fault(sim.Fault{Face: f.face, Op: f.op, Kind: sim.FaultActHang})
	}
	answered := inBackground(r, call, patience)
	if c.at == heard || c.at == acted {
		w.eventually("the request's arrival", func() bool { return w.arrived(f.face, f.op) > already })
		r.signal(syscall.SIGKILL)
	}
	if end := r.ended(); !end.Signaled() || end.Signal() != syscall.SIGKILL {
		w.t.Fatalf("the process was not killed: %v", r.state)
	}
	if a := <-answered; status.Code(a.err) != codes.Unavailable {
		w.t.Fatalf("the caller of a process that was killed heard of %q, error %v", a.payment, a.err)
	}
}

// answer is what a caller heard.
type answer struct {
	payment string
	err     error
}

// inBackground makes a call for a caller who waits so long.
func inBackground(r *replica, call call, waits time.Duration) <-chan answer {
	answered := make(chan answer, 1)
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), waits)
		defer cancel()
		name, err := call(ctx, r)
		answered <- answer{name, err}
	}()
	return answered
}

// sent counts how often the gateway of each attempt got a request about it.
func (w *world) sent(p *pb.Payment, op sim.Op) []int {
	var sent []int
	for _, a := range p.GetAttempts() {
		sent = append(sent, w.bank.Ledger().Count(a.GetProvider(), op, a.GetReference()))
	}
	return sent
}

// repeat makes the call again, as a caller does until it is answered, and returns the
// payment's name.
func (w *world) repeat(r *replica, call call) (name string) {
	w.t.Helper()
	w.eventually("an answer", func() bool {
		ctx, cancel := context.WithTimeout(w.t.Context(), 3*time.Second)
		defer cancel()
		var err error
		name, err = call(ctx, r)
		if code := status.Code(err); code != codes.DeadlineExceeded && (code != codes.Unavailable || !w.shaky) {
			w.must(err)
		}
		return err == nil
	})
	return name
}

func (w *world) fault(f sim.Fault) {
	w.t.Helper()
	_, err := w.bank.AddFault(f)
	w.must(err)
}
