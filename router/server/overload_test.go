package server

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	pb "github.com/payrouter/payrouter/proto/payrouter/v1"

	"github.com/payrouter/payrouter/health"
	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router"
	"github.com/payrouter/payrouter/router/journal"
	"github.com/payrouter/payrouter/router/payment"
)

// delayed returns the delay that a refusal names.
func (d *door) delayed(err error, reason pb.ErrorReason) time.Duration {
	d.t.Helper()
	d.refused(err, reason)
	for _, detail := range status.Convert(err).Details() {
		if retry, ok := detail.(*errdetails.RetryInfo); ok {
			return retry.GetRetryDelay().AsDuration()
		}
	}
	d.t.Fatalf("no RetryInfo in %v", err)
	return 0
}

// forgotten fails the test when the books know the request id.
func (d *door) forgotten(r *pb.CreatePaymentRequest) {
	d.t.Helper()
	if _, id, err := d.store.Request(context.Background(), "shop", r.GetRequestId()); !errors.Is(err, journal.ErrNotFound) {
		d.t.Fatalf("a refused request is in the books as payment %q, error %v", id, err)
	}
}

// fill takes all free seats of a kind and returns what gives them back.
func (d *door) fill(k kind) func() {
	n := 0
	for d.server.seats[k].take() {
		n++
	}
	return func() {
		for range n {
			d.server.seats[k].leave()
		}
	}
}

// soon is a caller who waits for d.
func soon(d time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), d)
}

func most(charges, notices, undecided int) func(*Options, *router.Options) {
	return func(o *Options, _ *router.Options) {
		o.MaxCharges, o.MaxNotices, o.MaxUndecided = charges, notices, undecided
	}
}

func TestOfAFloodEachIsAPaymentOrIsRefusedAtOnceAndLeavesNoTrace(t *testing.T) {
	behind(t, func(d *door) {
		d.kaspi.takes = 5 * time.Second
		card := d.saved("kaspi-main", "c-1")
		type outcome struct {
			request *pb.CreatePaymentRequest
			payment *pb.Payment
			err     error
			took    time.Duration
		}
		outcomes := make(chan outcome, 300)
		for range cap(outcomes) {
			r := qr(func(r *pb.CreatePaymentRequest) {
				r.Methods, r.Instrument = []pb.Method{pb.Method_METHOD_INSTRUMENT}, card
			})
			go func() {
				ctx, cancel := soon(30 * time.Second)
				defer cancel()
				began := time.Now()
				p, err := d.payments.CreatePayment(ctx, r)
				outcomes <- outcome{r, p, err, time.Since(began)}
			}()
		}
		paid := 0
		var refused []*pb.CreatePaymentRequest
		for range cap(outcomes) {
			o := <-outcomes
			if o.err == nil {
				if paid++; o.payment.GetState() != pb.Payment_STATE_PAID {
					t.Errorf("state %s", o.payment.GetState())
				}
				continue
			}
			if delay := d.delayed(o.err, pb.ErrorReason_ERROR_REASON_RATE_LIMITED); o.took > time.Second || delay < time.Second || delay > 2*time.Second {
				t.Fatalf("refused after %s, to come back in %s", o.took, delay)
			}
			d.forgotten(o.request)
			refused = append(refused, o.request)
		}
		if paid != 16 || len(d.kaspi.charges()) != 16 {
			t.Fatalf("%d paid and %d sent, of 16 seats", paid, len(d.kaspi.charges()))
		}
		d.kaspi.takes = 0
		for _, r := range refused { // the keys are usable again
			if p := d.create(r); p.GetState() != pb.Payment_STATE_PAID {
				t.Fatalf("state %s", p.GetState())
			}
		}
		synctest.Wait()
		if n := len(d.server.seats[charges]); n > 0 {
			t.Errorf("%d seats are still taken", n)
		}
	}, most(16, 0, 0))
}

// SAFETY I3: a caller who repeats learns what became of the payment, whatever the load.
func TestWhatWasGrantedBeforeIsAnsweredFromTheBooksWhileNoSeatIsFree(t *testing.T) {
	behind(t, func(d *door) {
		first := d.byInstrument()
		paid := d.create(first)
		refund := &pb.CreateRefundRequest{Parent: paid.GetName(), RequestId: newID(), Amount: &pb.Money{MinorUnits: 100, CurrencyCode: "KZT"}}
		_, err := d.payments.CreateRefund(context.Background(), refund)
		d.must(err)
		defer d.fill(charges)()
		defer d.fill(wishes)()
		sent := len(d.kaspi.charges())

		if again := d.create(first); again.GetName() != paid.GetName() || again.GetState() != pb.Payment_STATE_PAID {
			t.Errorf("%v", again)
		}
		if again, err := d.payments.CreateRefund(context.Background(), refund); err != nil || again.GetAmount().GetMinorUnits() != 100 {
			t.Errorf("%v, error %v", again, err)
		}
		first.Amount.MinorUnits++
		_, err = d.payments.CreatePayment(context.Background(), first)
		d.refused(err, pb.ErrorReason_ERROR_REASON_REQUEST_ID_REUSED)
		fresh := qr()
		_, err = d.payments.CreatePayment(context.Background(), fresh)
		d.delayed(err, pb.ErrorReason_ERROR_REASON_RATE_LIMITED)
		d.forgotten(fresh)
		refund.RequestId = newID()
		_, err = d.payments.CreateRefund(context.Background(), refund)
		d.delayed(err, pb.ErrorReason_ERROR_REASON_RATE_LIMITED)
		if p := d.get(paid.GetName()); p.GetRefunded().GetMinorUnits() != 100 || len(d.kaspi.charges()) != sent {
			t.Errorf("something was sent: %v", p)
		}

		// So many may look, and no more: they wait for the store too.
		defer d.fill(repeats)()
		first.Amount.MinorUnits--
		_, err = d.payments.CreatePayment(context.Background(), first)
		d.delayed(err, pb.ErrorReason_ERROR_REASON_RATE_LIMITED)
	})
}

// A payment that is in the books and has not begun waits for its caller: "processing"
// would be a lie. Earlier versions opened a payment before they planned its first attempt.
func TestWhatHasNotBegunIsNotAnsweredAsProcessing(t *testing.T) {
	behind(t, func(d *door) {
		r := qr(func(r *pb.CreatePaymentRequest) { r.Gateways = []string{"gateways/kaspi-main"} })
		o := opened("shop", r)
		o.ID, o.Deadline = uuid.NewString(), payment.Instant(time.Now().Add(time.Hour))
		_, err := d.store.Open(context.Background(), journal.Request{Tenant: "shop", ID: o.RequestID, Kind: "create", Hash: d.server.bodyHash(r)},
			providers.Payer{}, payment.Event{At: payment.Instant(time.Now()), Actor: "caller:shop", Body: o})
		d.must(err)
		empty := d.busy("kaspi-main")
		_, err = d.payments.CreatePayment(context.Background(), r)
		if delay := d.delayed(err, pb.ErrorReason_ERROR_REASON_ALL_GATEWAYS_UNAVAILABLE); delay > 2*time.Second {
			t.Errorf("hands are free in a moment, and the delay is %s", delay)
		}
		free := d.fill(charges)
		_, err = d.payments.CreatePayment(context.Background(), r)
		d.delayed(err, pb.ErrorReason_ERROR_REASON_RATE_LIMITED)
		free()
		empty()
		if p := d.create(r); len(p.GetAttempts()) != 1 || len(d.kaspi.charges()) != 1 {
			t.Errorf("%v", p)
		}
	})
}

// Where no gateway takes a payment nothing of it is kept: the caller may come with the same
// request, or another, and no order is held by a payment that nobody began.
func TestAPaymentThatNoGatewayTakesIsNotInTheBooks(t *testing.T) {
	behind(t, func(d *door) {
		r := qr(func(r *pb.CreatePaymentRequest) { r.Gateways = []string{"gateways/kaspi-main"} })
		empty := d.busy("kaspi-main")
		_, err := d.payments.CreatePayment(context.Background(), r)
		d.delayed(err, pb.ErrorReason_ERROR_REASON_ALL_GATEWAYS_UNAVAILABLE)
		d.forgotten(r)
		empty()
		if p := d.create(r); len(p.GetAttempts()) != 1 {
			t.Errorf("%v", p)
		}
	})
}

// busy gives a gateway its hands full until they are emptied.
func (d *door) busy(gateway string) (empty func()) {
	var full []func(health.Signal)
	for {
		permit, err := d.board.Admit(gateway, health.OpCreate, "")
		if err != nil {
			break
		}
		full = append(full, permit.Report)
	}
	return func() {
		for _, report := range full {
			report(health.Neutral)
		}
	}
}

func TestAChargeKeepsItsSeatWhenItsCallerHasGone(t *testing.T) {
	behind(t, func(d *door) {
		d.kaspi.takes = 5 * time.Second
		r := d.byInstrument()
		ctx, cancel := soon(time.Second)
		defer cancel()
		p, err := d.payments.CreatePayment(ctx, r)
		if err != nil || p.GetState() != pb.Payment_STATE_PROCESSING {
			t.Fatalf("%v, error %v", p, err)
		}
		_, err = d.payments.CreatePayment(context.Background(), qr())
		d.delayed(err, pb.ErrorReason_ERROR_REASON_RATE_LIMITED)
		time.Sleep(5 * time.Second)
		d.create(qr())
		if p := d.get(p.GetName()); p.GetState() != pb.Payment_STATE_PAID {
			t.Fatalf("state %s", p.GetState())
		}
	}, most(1, 0, 0))
}

// workOf is a call of each kind that callers make.
func (d *door) workOf(p, open *pb.Payment) map[kind]func() error {
	ctx := context.Background()
	received := func(stream interface{ RecvMsg(any) error }, err error, into any) error {
		if err != nil {
			return err
		}
		return stream.RecvMsg(into)
	}
	return map[kind]func() error{
		charges: func() error { return d.call(d.byInstrument()) },
		wishes:  func() error { return d.call(&pb.CancelPaymentRequest{Name: open.GetName(), RequestId: newID()}) },
		reads: func() error {
			return errors.Join(d.call(&pb.GetPaymentRequest{Name: p.GetName()}), d.call(qr(func(r *pb.CreatePaymentRequest) { r.ValidateOnly = true })))
		},
		lists: func() error { return d.call(&pb.ListPaymentsRequest{}) },
		streams: func() error {
			ctx, cancel := context.WithCancel(ctx)
			defer cancel()
			stream, err := d.payments.WatchPayment(ctx, &pb.WatchPaymentRequest{Name: p.GetName()})
			return received(stream, err, &pb.WatchPaymentResponse{})
		},
		operators: func() error { return d.call(&pb.ExplainPaymentRequest{Name: p.GetName()}) },
		uploads: func() error {
			_, err := d.sends(&pb.ImportStatementRequest_Start{}, "")
			if status.Code(err) == codes.InvalidArgument { // let in, and read
				return nil
			}
			return err
		},
		checks: func() error {
			_, err := grpc_health_v1.NewHealthClient(d.conn).Check(ctx, &grpc_health_v1.HealthCheckRequest{})
			return err
		},
		notices: func() error {
			if code, _ := d.notice("kaspi-main", "paid nobody"); code != http.StatusOK {
				return errors.New(http.StatusText(code))
			}
			return nil
		},
	}
}

func TestAFloodOfOneKindOfWorkStopsNoOther(t *testing.T) {
	behind(t, func(d *door) {
		p := d.charged()
		for full := range d.server.seats {
			free := d.fill(full)
			for k, work := range d.workOf(p, d.openAt("halyk-main")) {
				if err := work(); k != full && (full != bodies || k != notices) && err != nil {
					t.Errorf("%s are full, and of %s: %v", full, k, err)
				} else if k == full && err == nil {
					t.Errorf("%s are full, and one more came in", full)
				} else if k == full && k != notices && k != reads {
					d.delayed(err, pb.ErrorReason_ERROR_REASON_RATE_LIMITED)
				}
			}
			free()
			synctest.Wait()
		}
		for k, work := range d.workOf(p, d.openAt("halyk-main")) {
			if err := work(); err != nil {
				t.Errorf("after the floods, of %s: %v", k, err)
			}
		}
		synctest.Wait()
		for k, s := range d.server.seats {
			if len(s) > 0 {
				t.Errorf("%d of %s are still taken", len(s), k)
			}
		}
	})
}

// openAt puts a payment that awaits its payer into the books, through no door.
func (d *door) openAt(gateway string) *pb.Payment {
	d.t.Helper()
	s := payments{Server: d.server}
	ctx := context.WithValue(context.Background(), callKey{}, &call{who: actor{tenant: "shop", caller: "test"}})
	p, err := s.CreatePayment(ctx, qr(func(r *pb.CreatePaymentRequest) { r.Gateways = []string{gatewayName(gateway)} }))
	d.must(err)
	return p
}

func TestEveryMethodOfTheServerHasItsSeats(t *testing.T) {
	behind(t, func(d *door) {
		served := map[string]bool{}
		for service, info := range d.server.GRPC().GetServiceInfo() {
			for _, m := range info.Methods {
				name := "/" + service + "/" + m.Name
				served[name] = true
				if cap(d.server.seats[kinds[name]]) == 0 {
					t.Errorf("%s has no seat", name)
				}
				if own := kinds[name] == operators || kinds[name] == uploads || m.IsServerStream && kinds[name] == streams && strings.HasPrefix(service, "payrouter.v1.Finance"); own != rights[name].ofPeople() {
					t.Errorf("%s sits with %s", name, kinds[name])
				}
			}
		}
		for name := range kinds {
			if !served[name] {
				t.Errorf("%s has seats and is not served", name)
			}
		}
		if k := kindOfCall(pb.Payments_CreatePayment_FullMethodName, qr(func(r *pb.CreatePaymentRequest) { r.ValidateOnly = true })); k != reads {
			t.Errorf("a preview sits with %s", k)
		}
	})
}

func TestOnCallSeesWhichBoundWasReached(t *testing.T) {
	behind(t, func(d *door) {
		defer d.fill(charges)()
		_, err := d.payments.CreatePayment(context.Background(), qr())
		d.delayed(err, pb.ErrorReason_ERROR_REASON_RATE_LIMITED)
		metrics := d.ask("/metrics").body.String()
		for _, line := range []string{`payrouter_overload_refusals_total{cause="charges"} 1`, `payrouter_overload_refusals_total{cause="undecided"} 0`,
			`payrouter_seats{kind="charges"} 7`, `payrouter_seats_taken{kind="charges"} 7`, `payrouter_seats_taken{kind="notices"} 0`} {
			if !strings.Contains(metrics, line+"\n") {
				t.Errorf("no line %s", line)
			}
		}
	}, most(7, 0, 0))
}
