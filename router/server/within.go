package server

import (
	"context"
	"errors"
	"time"

	pb "github.com/payrouter/payrouter/proto/payrouter/v1"

	"github.com/payrouter/payrouter/router/journal"
	"github.com/payrouter/payrouter/router/payment"
)

// answerMargin is what is kept of a caller's deadline for the answer itself, so that
// the caller hears "processing" and not "deadline exceeded". Of a very short deadline
// it is half.
const answerMargin = 50 * time.Millisecond

// budget is the context of a call: its deadline leaves time for the answer.
func budget(ctx context.Context) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return ctx, func() {}
	}
	return context.WithDeadline(ctx, deadline.Add(-min(answerMargin, time.Until(deadline)/2)))
}

// within does what may take longer than its caller waits: a charge runs under its
// gateway's time-out and is never cut short. When the caller's time ends first, the
// answer is what the books say, and the work goes on without the caller. Where they say
// nothing yet, that is no proof: a write that has begun waits for its turn, for locks and
// for the standby without its caller, and is carried out once it stands. So nobody is told
// that nothing was sent. The work keeps the call's seat until it ends.
func (s *Server) within(ctx context.Context, work, books func(context.Context) (payment.Payment, error)) (payment.Payment, error) {
	type outcome struct {
		payment payment.Payment
		err     error
	}
	at := placeOf(ctx)
	if at.refused != nil {
		return s.before(ctx, at.refused, books)
	}
	at.share()
	done := make(chan outcome, 1)
	s.working.Go(func() {
		defer at.leave()
		makeRoom(0)
		var o outcome
		defer func() {
			if cause := recover(); cause != nil {
				o.err = s.panicked(ctx, cause)
			}
			done <- o
		}()
		o.payment, o.err = work(ctx)
	})
	select {
	case o := <-done:
		return o.payment, o.err
	case <-ctx.Done():
	}
	if errors.Is(ctx.Err(), context.Canceled) {
		return payment.Payment{}, ctx.Err()
	}
	late, cancel := lateAnswer(ctx)
	defer cancel()
	return books(late)
}

// makeRoom grows a new goroutine's stack while nothing is on it. A charge needs 40 KB, payments
// being large and its calls deep: step by step, all that is on the stack would be moved each time.
//
//go:noinline
func makeRoom(at int) byte {
	var room [40 << 10]byte
	return room[at] // or else the compiler leaves it out
}

// lateAnswer is the time that was kept back for the answer.
func lateAnswer(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), answerMargin*4/5)
}

// recorded finds what a request has made so far, by its request id.
func (s *Server) recorded(r journal.Request) func(context.Context) (payment.Payment, error) {
	return func(ctx context.Context) (payment.Payment, error) {
		p, err := s.router.Journal.Repeated(ctx, r)
		switch {
		case errors.Is(err, journal.ErrRepeated):
			return p, nil
		case errors.Is(err, journal.ErrNotFound):
			return p, errOutOfTime
		}
		return p, err
	}
}

// answer is the payment for the caller. After the caller's time it is made in the time
// that was kept back.
func (s *Server) answer(ctx context.Context, p payment.Payment) *pb.Payment {
	if ctx.Err() != nil {
		late, cancel := lateAnswer(ctx)
		defer cancel()
		return s.view(late, p)
	}
	return s.view(ctx, p)
}
