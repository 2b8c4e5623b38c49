//go:build unix

package app_test

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/google/uuid"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	pb "github.com/payrouter/payrouter/proto/payrouter/v1"
)

// callers pay steadily, and give some of it back. They know of UNAVAILABLE and of nothing
// else: whoever hears it comes again with the same request_id, at whichever replica.
type callers struct {
	fleet *fleet
	stop  chan struct{}
	leave func() // waits until every caller has got its last answer
	busy  sync.WaitGroup

	mu       sync.Mutex
	payments map[string]string // by request_id, as they were acknowledged
	refunds  map[string]string
	again    int // how often one came again
	wrong    []string
}

// steady is how many callers there are, and how long each waits after an answer.
const steady, rest = 4, 150 * time.Millisecond

func (f *fleet) callers() *callers {
	c := &callers{fleet: f, stop: make(chan struct{}), payments: map[string]string{}, refunds: map[string]string{}}
	f.came = c.came
	for n := range steady {
		c.busy.Go(func() {
			for i := n; c.waits(rest); i++ {
				c.buys(i%5 == 0)
			}
		})
	}
	c.leave = sync.OnceFunc(func() {
		close(c.stop)
		c.busy.Wait()
	})
	f.t.Cleanup(c.leave)
	return c
}

// came is how often callers have come again so far.
func (c *callers) came() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.again
}

// waits rests, and reports whether there is more to do.
func (c *callers) waits(d time.Duration) bool {
	select {
	case <-c.stop:
		return false
	case <-time.After(d):
		return true
	}
}

// buys makes one payment and, where its money has come, gives a part of it back.
func (c *callers) buys(returns bool) {
	wish := wishOfCard(wayforpayCard)
	var p *pb.Payment
	if !c.until(wish.GetRequestId(), c.payments, func(ctx context.Context, r *replica) (string, error) {
		var err error
		p, err = r.payments.CreatePayment(ctx, wish)
		return p.GetName(), err
	}) || !returns || p.GetState() != pb.Payment_STATE_PAID {
		return
	}
	back := &pb.CreateRefundRequest{Parent: p.GetName(), RequestId: uuid.NewString(), Reason: "returned", Amount: &pb.Money{MinorUnits: part, CurrencyCode: "KZT"}}
	c.until(back.GetRequestId(), c.refunds, func(ctx context.Context, r *replica) (string, error) {
		refund, err := r.payments.CreateRefund(ctx, back)
		return refund.GetName(), err
	})
}

// until makes a call until it is answered, and keeps what it was answered.
func (c *callers) until(request string, answers map[string]string, call call) bool {
	for began := time.Now(); ; {
		ctx, cancel := context.WithTimeout(context.Background(), 25*time.Second)
		name, err := call(ctx, c.fleet.next())
		cancel()
		c.mu.Lock()
		switch {
		case err == nil:
			answers[request] = name
		case status.Code(err) != codes.Unavailable:
			c.wrong = append(c.wrong, fmt.Sprintf("%s: %v", request, err))
		case time.Since(began) > patience || c.fleet.t.Failed():
			c.wrong = append(c.wrong, fmt.Sprintf("%s: no retry cured %v", request, err))
		default:
			c.again++
			c.mu.Unlock()
			<-time.After(100 * time.Millisecond)
			continue
		}
		c.mu.Unlock()
		return err == nil
	}
}

// follower follows the feed from its beginning, at whichever replica, and goes on after the
// last change that it got when a stream ends.
type follower struct {
	fleet *fleet
	stop  context.CancelFunc
	done  chan struct{}

	mu      sync.Mutex
	last    int64
	streams int
	at      time.Time // when the last change came
	silence time.Duration
	wrong   []string
}

func (f *fleet) follower() *follower {
	ctx, stop := context.WithCancel(context.Background())
	o := &follower{fleet: f, stop: stop, done: make(chan struct{})}
	go func() {
		defer close(o.done)
		for ctx.Err() == nil {
			stream, err := f.next().payments.WatchChanges(ctx, &pb.WatchChangesRequest{AfterSequence: o.reached()})
			if err == nil {
				err = o.read(stream)
			}
			if ctx.Err() == nil && status.Code(err) != codes.Unavailable {
				o.say("the stream ended with %v", err)
			}
			select {
			case <-ctx.Done():
			case <-time.After(50 * time.Millisecond):
			}
		}
	}()
	f.t.Cleanup(func() { o.leave() })
	return o
}

// read reads one stream to its end.
func (o *follower) read(stream grpc.ServerStreamingClient[pb.Change]) error {
	o.mu.Lock()
	o.streams++
	o.mu.Unlock()
	for {
		c, err := stream.Recv()
		if err != nil {
			return err
		}
		if c.GetHeartbeat() {
			continue
		}
		if want := o.reached() + 1; c.GetSequence() != want {
			o.say("change %d came where %d was to come", c.GetSequence(), want)
		}
		o.mu.Lock()
		o.last = c.GetSequence()
		if silence := time.Since(o.at); !o.at.IsZero() {
			o.silence = max(o.silence, silence)
		}
		o.at = time.Now()
		o.mu.Unlock()
	}
}

// longest is the longest time without a change since it was asked last.
func (o *follower) longest() time.Duration {
	o.mu.Lock()
	defer o.mu.Unlock()
	longest := o.silence
	if !o.at.IsZero() {
		longest = max(longest, time.Since(o.at))
	}
	o.silence = 0
	return longest.Round(10 * time.Millisecond)
}

func (o *follower) reached() int64 {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.last
}

func (o *follower) say(format string, args ...any) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.wrong = append(o.wrong, fmt.Sprintf(format, args...))
}

// leave ends the follower and returns what it saw that should not be.
func (o *follower) leave() []string {
	o.stop()
	<-o.done
	return o.wrong
}
