package server

import (
	"context"
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/grpc/status"

	pb "github.com/payrouter/payrouter/proto/payrouter/v1"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router"
	"github.com/payrouter/payrouter/router/payment"
)

// received is one message of a stream with the time it took to come, or its end.
type received[M any] struct {
	message *M
	err     error
	at      time.Time
}

// reader reads a stream to its end.
func reader[M any](stream grpc.ServerStreamingClient[M]) <-chan received[M] {
	out := make(chan received[M], 1000)
	go func() {
		for {
			m, err := stream.Recv()
			out <- received[M]{m, err, time.Now()}
			if err != nil {
				close(out)
				return
			}
		}
	}()
	return out
}

func (d *door) watch(p *pb.Payment, after int64) (<-chan received[pb.WatchPaymentResponse], context.CancelFunc) {
	d.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	stream, err := d.payments.WatchPayment(ctx, &pb.WatchPaymentRequest{Name: p.GetName(), AfterSequence: after})
	d.must(err)
	return reader(stream), cancel
}

func TestAWatchedPaymentIsToldFirstAsItStandsThenAtEachChangeAndEndsWhenItIsFinal(t *testing.T) {
	behind(t, func(d *door) {
		p := d.create(qr())
		messages, cancel := d.watch(p, 0)
		defer cancel()
		if first := <-messages; first.message.GetPayment().GetSequence() != p.GetSequence() || first.message.GetHeartbeat() {
			t.Fatalf("%v, error %v", first.message, first.err)
		}
		began := time.Now()
		d.pay(p)
		paid := <-messages
		if paid.message.GetPayment().GetState() != pb.Payment_STATE_PAID || paid.at.Sub(began) > 100*time.Millisecond {
			t.Fatalf("%v after %s", paid.message, paid.at.Sub(began))
		}
		if end := <-messages; !errors.Is(end.err, io.EOF) {
			t.Fatalf("%v, error %v", end.message, end.err)
		}
		// The current state comes first in any case, also to whoever has seen it.
		again, cancel := d.watch(p, paid.message.GetPayment().GetSequence())
		defer cancel()
		if first := <-again; first.message.GetPayment().GetState() != pb.Payment_STATE_PAID {
			t.Fatalf("%v, error %v", first.message, first.err)
		}
		if end := <-again; !errors.Is(end.err, io.EOF) {
			t.Fatalf("error %v", end.err)
		}
	})
}

func TestASilentStreamShowsThatItLives(t *testing.T) {
	behind(t, func(d *door) {
		d.halyk.claims.Currencies = nil
		p := d.create(qr(func(r *pb.CreatePaymentRequest) { r.Methods = []pb.Method{pb.Method_METHOD_ACCOUNT} }))
		messages, cancel := d.watch(p, 0)
		<-messages
		began := time.Now()
		for i := range 3 {
			beat := <-messages
			if !beat.message.GetHeartbeat() || beat.message.GetPayment() != nil || beat.at.Sub(began) < time.Duration(i+1)*15*time.Second || beat.at.Sub(began) > time.Duration(i+1)*16*time.Second {
				t.Fatalf("%v after %s", beat.message, beat.at.Sub(began))
			}
		}
		cancel()
		if end := <-messages; status.Code(end.err) != codes.Canceled {
			t.Fatalf("error %v", end.err)
		}
	})
}

func TestAnotherReplicasChangesAreSeenByPolling(t *testing.T) {
	behind(t, func(d *door) {
		p := d.create(qr())
		messages, cancel := d.watch(p, 0)
		defer cancel()
		<-messages
		synctest.Wait()
		id, _ := parsePayment(p.GetName())
		began := time.Now()
		// Written past this process's router, as another replica would.
		_, err := d.store.Advance(context.Background(), payment.Payment{Opened: payment.Opened{ID: id}}, func(payment.Payment) ([]payment.Event, error) {
			return []payment.Event{{At: payment.Instant(time.Now()), Actor: "router", Body: payment.Observed{Attempt: 1, Source: payment.FromLookup,
				Verdict: providers.Pending, Reason: providers.PayerConfirming}}}, nil
		})
		d.must(err)
		if seen := <-messages; seen.message.GetPayment().GetSequence() <= p.GetSequence() || seen.at.Sub(began) > 2*time.Second {
			t.Fatalf("%v after %s", seen.message, seen.at.Sub(began))
		}
	})
}

func TestAStreamEndsAfterAWhileSoThatConnectionsSpread(t *testing.T) {
	behind(t, func(d *door) {
		p := d.create(qr(func(r *pb.CreatePaymentRequest) { r.Methods = []pb.Method{pb.Method_METHOD_ACCOUNT} }))
		messages, cancel := d.watch(p, 0)
		defer cancel()
		changes, err := d.payments.WatchChanges(context.Background(), &pb.WatchChangesRequest{})
		d.must(err)
		feed := reader(changes)
		began := time.Now()
		for _, last := range []func() error{
			func() (err error) {
				for m := range messages {
					err = m.err
				}
				return err
			},
			func() (err error) {
				for m := range feed {
					err = m.err
				}
				return err
			},
		} {
			d.refused(last(), pb.ErrorReason_ERROR_REASON_RECONNECT)
			if lived := time.Since(began); lived < 9*time.Minute || lived > 10*time.Minute {
				t.Errorf("it lived %s", lived)
			}
		}
	}, func(o *Options, _ *router.Options) { o.WatchFor = 10 * time.Minute })
}

func TestStreamsEndWhenTheServerGoesDown(t *testing.T) {
	behind(t, func(d *door) {
		p := d.create(qr())
		messages, cancel := d.watch(p, 0)
		defer cancel()
		<-messages
		d.server.Drain()
		stopped := make(chan struct{})
		go func() { d.server.GRPC().GracefulStop(); close(stopped) }()
		d.refused((<-messages).err, pb.ErrorReason_ERROR_REASON_RECONNECT)
		<-stopped
	})
}

func TestAPaymentThatIsNotThereIsNotWatched(t *testing.T) {
	behind(t, func(d *door) {
		messages, cancel := d.watch(&pb.Payment{Name: paymentName(newID())}, 0)
		defer cancel()
		d.refused((<-messages).err, pb.ErrorReason_ERROR_REASON_NOT_FOUND)
	})
}

func TestTheFeedTellsEveryChangeInOrderAndIsResumed(t *testing.T) {
	behind(t, func(d *door) {
		changes := func(after int64) <-chan received[pb.Change] {
			stream, err := d.payments.WatchChanges(context.Background(), &pb.WatchChangesRequest{AfterSequence: after})
			d.must(err)
			return reader(stream)
		}
		feed := changes(0)
		latest := map[string]pb.Payment_State{}
		place := int64(0)
		follow := func(feed <-chan received[pb.Change], until func() bool) {
			t.Helper()
			for !until() {
				c := <-feed
				if c.err != nil {
					t.Fatal(c.err)
				}
				if c.message.GetHeartbeat() {
					if c.message.GetSequence() != place || c.message.GetPayment() != nil {
						t.Fatalf("heartbeat %v at %d", c.message, place)
					}
					continue
				}
				if place++; c.message.GetSequence() != place {
					t.Fatalf("change %d after %d", c.message.GetSequence(), place-1)
				}
				latest[c.message.GetPayment().GetName()] = c.message.GetPayment().GetState()
			}
		}
		one, two := d.create(qr()), d.charged()
		follow(feed, func() bool { return latest[two.GetName()] == pb.Payment_STATE_PAID && latest[one.GetName()] != 0 })
		d.pay(one)
		began := time.Now()
		follow(feed, func() bool { return latest[one.GetName()] == pb.Payment_STATE_PAID })
		if late := time.Since(began); late > time.Second {
			t.Fatalf("a change came after %s", late)
		}
		// A consumer that comes back later misses nothing and gets nothing twice.
		three := d.charged()
		time.Sleep(time.Minute)
		follow(changes(place), func() bool { return latest[three.GetName()] == pb.Payment_STATE_PAID })
		// Another tenant's feed is another feed.
		stream, err := d.payments.WatchChanges(as(tenantKey, "other"), &pb.WatchChangesRequest{})
		d.must(err)
		if beat := <-reader(stream); !beat.message.GetHeartbeat() || beat.message.GetSequence() != 0 {
			t.Fatalf("%v, error %v", beat.message, beat.err)
		}
		d.refused((<-changes(place + 1000)).err, pb.ErrorReason_ERROR_REASON_INVALID_FIELD)
	})
}

// changed makes hundreds of changes, more than one stream's window takes.
func (d *door) changed(changed int) {
	d.t.Helper()
	var names []string
	for i := range 40 {
		names = append(names, d.create(qr(func(r *pb.CreatePaymentRequest) { r.Description = longText(i) })).GetName())
	}
	for i := range changed - 40 {
		id, _ := parsePayment(names[i%40])
		_, err := d.store.Advance(context.Background(), payment.Payment{Opened: payment.Opened{ID: id}}, func(payment.Payment) ([]payment.Event, error) {
			return []payment.Event{{At: payment.Instant(time.Now()), Actor: "router", Body: payment.Noted{Finding: payment.Undecided, Attempt: i}}}, nil
		})
		d.must(err)
	}
	time.Sleep(time.Minute)
}

// Its last words stand behind what it does not read, and grpc would wait for it without end.
func TestAConsumerThatReadsNothingDoesNotHoldUpTheDrain(t *testing.T) {
	behind(t, func(d *door) {
		d.changed(400)
		_, err := d.payments.WatchChanges(context.Background(), &pb.WatchChangesRequest{})
		d.must(err)
		time.Sleep(time.Second)
		if n := len(d.server.seats[streams]); n != 1 {
			t.Fatalf("%d streams are open", n)
		}
		began := time.Now()
		d.server.Drain()
		stopped := make(chan struct{})
		go func() { d.server.GRPC().GracefulStop(); close(stopped) }()
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		select {
		case <-stopped:
			t.Fatal("it was read, so the test shows nothing")
		case <-ctx.Done():
			t.Fatal("a call is in progress after a minute")
		case <-d.server.Idle(ctx):
		}
		if took := time.Since(began); took > 2*idleFor {
			t.Errorf("it took %s", took)
		}
		d.server.GRPC().Stop()
		<-stopped
	}, func(_ *Options, ro *router.Options) { ro.PollEvery = 10 * time.Second })
}

// unheard asks reflection for more than is in a connection's window, and reads nothing of it.
func (d *door) unheard(ctx context.Context) grpc_reflection_v1.ServerReflection_ServerReflectionInfoClient {
	d.t.Helper()
	stream, err := grpc_reflection_v1.NewServerReflectionClient(d.conn).ServerReflectionInfo(ctx)
	d.must(err)
	for range 100 {
		d.must(stream.Send(&grpc_reflection_v1.ServerReflectionRequest{MessageRequest: &grpc_reflection_v1.ServerReflectionRequest_FileContainingSymbol{FileContainingSymbol: "payrouter.v1.Payments"}}))
	}
	time.Sleep(time.Second)
	if n := len(d.server.seats[checks]); n != 1 {
		d.t.Fatalf("%d calls are in progress", n)
	}
	return stream
}

// Reflection needs no identity: whoever asks and does not read must not keep a seat that health
// checks need.
func TestAnswersOfReflectionThatNobodyReadsKeepNoSeat(t *testing.T) {
	behind(t, func(d *door) {
		stream := d.unheard(context.Background())
		time.Sleep(slowAfter)
		if n := len(d.server.seats[checks]); n != 0 {
			t.Fatalf("%d calls are in progress", n)
		}
		for {
			if _, err := stream.Recv(); err != nil {
				d.refused(err, pb.ErrorReason_ERROR_REASON_RATE_LIMITED)
				return
			}
		}
	})
}

func TestAnswersOfReflectionThatNobodyReadsDoNotHoldUpTheDrain(t *testing.T) {
	behind(t, func(d *door) {
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		d.unheard(ctx)
		began := time.Now()
		d.server.Drain()
		<-d.server.Idle(context.Background())
		if took := time.Since(began); took > 2*idleFor {
			t.Errorf("it took %s", took)
		}
	})
}

func TestAConsumerThatReadsTooSlowlyIsCutOffAndResumes(t *testing.T) {
	behind(t, func(d *door) {
		const changed = 400
		d.changed(changed)
		stream, err := d.payments.WatchChanges(context.Background(), &pb.WatchChangesRequest{})
		d.must(err)
		time.Sleep(time.Minute) // nobody reads
		last, n := int64(0), 0
		for {
			c, err := stream.Recv()
			if err != nil {
				d.refused(err, pb.ErrorReason_ERROR_REASON_RATE_LIMITED)
				break
			}
			last = c.GetSequence()
			n++
		}
		all, err := d.store.Changes(context.Background(), "shop", 0, 10*changed)
		d.must(err)
		if n == 0 || n >= len(all) {
			t.Fatalf("%d of %d changes came before the cut", n, len(all))
		}
		stream, err = d.payments.WatchChanges(context.Background(), &pb.WatchChangesRequest{AfterSequence: last})
		d.must(err)
		for last < all[len(all)-1].Seq {
			c, err := stream.Recv()
			d.must(err)
			if c.GetSequence() != last+1 {
				t.Fatalf("change %d after %d", c.GetSequence(), last)
			}
			last++
		}
	}, func(_ *Options, ro *router.Options) { ro.PollEvery = 10 * time.Second })
}

func longText(i int) string {
	text := make([]rune, 250)
	for j := range text {
		text[j] = rune('а' + (i+j)%32)
	}
	return string(text)
}
