package server

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	pb "github.com/payrouter/payrouter/proto/payrouter/v1"

	"github.com/payrouter/payrouter/providers"
)

// SAFETY section 6: "store slow: nothing sent; UNAVAILABLE; key usable again".
func TestWhileTheStoreIsSlowNoNewChargeComesIn(t *testing.T) {
	behind(t, func(d *door) {
		var slow atomic.Int64
		d.server.pressure.wait = func(context.Context) error { time.Sleep(time.Duration(slow.Load())); return nil }
		slow.Store(int64(3 * time.Second))
		first := qr()
		p := d.create(first) // asks, and is not held up by that
		time.Sleep(storeTooSlow)
		d.create(qr()) // not too slow yet
		time.Sleep(time.Millisecond)
		refused := qr()
		_, err := d.payments.CreatePayment(context.Background(), refused)
		if delay := d.delayed(err, pb.ErrorReason_ERROR_REASON_STORE_UNAVAILABLE); delay < time.Second || delay > 2*time.Second {
			t.Errorf("to come back in %s", delay)
		}
		d.forgotten(refused)
		if again := d.create(first); again.GetName() != p.GetName() {
			t.Error("another payment")
		}
		if _, err := d.payments.CancelPayment(context.Background(), &pb.CancelPaymentRequest{Name: p.GetName(), RequestId: newID()}); err != nil {
			t.Errorf("a wish about money that moves already: %v", err)
		}
		slow.Store(0)
		time.Sleep(2500 * time.Millisecond)
		_, err = d.payments.CreatePayment(context.Background(), refused) // the last answer was a slow one, so another is due
		d.delayed(err, pb.ErrorReason_ERROR_REASON_STORE_UNAVAILABLE)
		synctest.Wait()
		d.create(refused)
		if n := len(d.kaspi.charges()); n != 3 {
			t.Errorf("%d sent", n)
		}
	})
}

func TestASlowStoreIsGivenFewerChargesAndThenMoreAgain(t *testing.T) {
	behind(t, func(d *door) {
		var slow atomic.Int64
		d.server.pressure.wait = func(context.Context) error { time.Sleep(time.Duration(slow.Load())); return nil }
		asked := func() int { // asks once and returns how many charges are let in after the answer
			d.server.pressure.look(time.Now(), d.server.working.Go)
			time.Sleep(askEvery + storeSlow + time.Millisecond)
			_, bears, _ := d.server.pressure.look(time.Now().Add(-askEvery), d.server.working.Go) // too soon to ask anew
			return bears
		}
		slow.Store(int64(storeSlow + time.Millisecond))
		for _, want := range []int{16, 8, 4, 2, 2} {
			if got := asked(); got != want {
				t.Fatalf("%d charges are let in, want %d", got, want)
			}
		}
		for d.server.seats[charges].take() && len(d.server.seats[charges]) < 2 {
		}
		refused := qr()
		_, err := d.payments.CreatePayment(context.Background(), refused)
		d.delayed(err, pb.ErrorReason_ERROR_REASON_STORE_UNAVAILABLE)
		d.forgotten(refused)
		slow.Store(0)
		time.Sleep(storeSlow + askEvery)
		if got := asked(); got != 4 {
			t.Fatalf("%d charges are let in", got)
		}
		d.create(refused)
		for range 16 {
			asked()
		}
		if got := asked(); got != 32 {
			t.Fatalf("%d charges are let in", got)
		}
	}, most(32, 0, 0))
}

func TestAnOldAnswerOfTheStoreRefusesNobody(t *testing.T) {
	behind(t, func(d *door) {
		d.server.pressure.wait = func(context.Context) error { time.Sleep(3 * time.Second); return nil }
		d.create(qr())
		time.Sleep(time.Minute)
		d.create(qr())
		time.Sleep(5 * time.Second)
	})
}

func TestACallIsRefusedWhoseCallerWaitsLessThanTheStoreTakes(t *testing.T) {
	behind(t, func(d *door) {
		d.server.pressure.wait = func(context.Context) error { time.Sleep(600 * time.Millisecond); return nil }
		d.create(qr())
		time.Sleep(600 * time.Millisecond)
		ctx, cancel := soon(500 * time.Millisecond)
		defer cancel()
		refused := qr()
		_, err := d.payments.CreatePayment(ctx, refused)
		d.delayed(err, pb.ErrorReason_ERROR_REASON_STORE_UNAVAILABLE)
		d.forgotten(refused)
		ctx, cancel = soon(800 * time.Millisecond)
		defer cancel()
		if _, err := d.payments.CreatePayment(ctx, refused); err != nil {
			t.Error(err)
		}
	})
}

func TestACallWhoseTimeIsOverReachesNoHandler(t *testing.T) {
	behind(t, func(d *door) {
		ctx, cancel := soon(time.Millisecond)
		defer cancel()
		<-ctx.Done()
		_, err := d.server.admitUnary(ctx, qr(), &grpc.UnaryServerInfo{FullMethod: pb.Payments_CreatePayment_FullMethodName},
			func(context.Context, any) (any, error) { t.Error("the handler ran"); return nil, nil })
		if status.Code(err) != codes.DeadlineExceeded {
			t.Error(err)
		}
		if n := len(d.server.seats[charges]); n > 0 {
			t.Errorf("%d seats taken", n)
		}
	})
}

// SAFETY section 6, status call: "payments wait, new charges capped by backlog".
func TestNewChargesWaitWhileEveryGatewayHasTooManyUndecided(t *testing.T) {
	behind(t, func(d *door) {
		p := d.doubtful()
		time.Sleep(countEvery + askEvery)
		d.create(qr()) // counts
		synctest.Wait()
		toKaspi := qr(func(r *pb.CreatePaymentRequest) { r.Gateways = []string{"gateways/kaspi-main"} })
		_, err := d.payments.CreatePayment(context.Background(), toKaspi)
		if delay := d.delayed(err, pb.ErrorReason_ERROR_REASON_ALL_GATEWAYS_UNAVAILABLE); delay < afterBacklog || delay > afterBacklog+5*time.Second {
			t.Errorf("to come back in %s", delay)
		}
		d.forgotten(toKaspi)
		d.create(qr()) // halyk has none
		d.kaspi.mu.Lock()
		d.kaspi.orders[p.GetAttempts()[0].GetReference()].verdict = providers.Approved
		d.kaspi.orders[p.GetAttempts()[0].GetReference()].captured = p.GetAmount().GetMinorUnits()
		d.kaspi.mu.Unlock()
		time.Sleep(5 * time.Minute)
		if p := d.get(p.GetName()); p.GetState() != pb.Payment_STATE_PAID {
			t.Fatalf("state %s", p.GetState())
		}
		d.create(toKaspi)
	}, most(0, 0, 1))
}
