//go:build unix

package app_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc"

	pb "github.com/payrouter/payrouter/proto/payrouter/v1"
	"github.com/payrouter/payrouter/router/payment"
)

// clientLog is what the callers of all processes wrote down: every answer, whole. It is
// all they know, and the books must agree with it (I2, I3).
type clientLog struct {
	mu      sync.Mutex
	answers []heardAnswer
}

// heardAnswer is one call as its caller saw it.
type heardAnswer struct {
	began, ended time.Time
	method       string
	request, to  any
	err          error
}

// listen writes down the calls of one connection.
func (l *clientLog) listen(ctx context.Context, method string, request, answer any, conn *grpc.ClientConn, call grpc.UnaryInvoker, options ...grpc.CallOption) error {
	a := heardAnswer{began: time.Now(), method: method[strings.LastIndex(method, "/")+1:], request: request, to: answer}
	a.err = call(ctx, method, request, answer, conn, options...)
	a.ended = time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.answers = append(l.answers, a)
	return a.err
}

// forget drops all answers so far.
func (l *clientLog) forget() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.answers = nil
}

// all copies the answers in the order in which they were heard.
func (l *clientLog) all() []heardAnswer {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]heardAnswer{}, l.answers...)
}

// payments are the payments in an answer.
func (a heardAnswer) payments() []*pb.Payment {
	switch to := a.to.(type) {
	case *pb.Payment:
		if a.err == nil {
			return []*pb.Payment{to}
		}
	case *pb.ListPaymentsResponse:
		return to.GetPayments()
	}
	return nil
}

// disagreements compares what callers heard with the books.
//
// Each answer says how its payment stood after a number of events: those events must be
// in the books and mean just that. And who asks after having heard an answer is never
// told an older one.
func (l *clientLog) disagreements(books map[string]history) (wrong []string) {
	say := func(a heardAnswer, format string, args ...any) {
		wrong = append(wrong, a.ended.Format("15:04:05.000 ")+a.method+": "+fmt.Sprintf(format, args...))
	}
	named := map[string]string{} // payments by request id
	type sight struct {
		at  time.Time
		seq int64
	}
	sights := map[string][]sight{}
	for _, a := range l.all() {
		for _, p := range a.payments() {
			h, kept := books[id(p)]
			if !kept || p.GetSequence() < 1 || p.GetSequence() > int64(len(h.events)) {
				say(a, "%s, event %d, is not in the books", p.GetName(), p.GetSequence())
				continue
			}
			then := h.after[p.GetSequence()-1]
			if said, was := stateOf(p), then.Status(); said != was {
				say(a, "%s was called %s after event %d, the books say %s", p.GetName(), said, p.GetSequence(), was)
			}
			if sums := then.Sums(); sums.Paid != p.GetPaid().GetMinorUnits() || sums.Refunded != p.GetRefunded().GetMinorUnits() {
				say(a, "%s had paid %v and refunded %v, the books say %+v", p.GetName(), p.GetPaid(), p.GetRefunded(), sums)
			}
			for _, s := range sights[id(p)] {
				if a.began.After(s.at) && p.GetSequence() < s.seq {
					say(a, "%s went back from event %d to %d", p.GetName(), s.seq, p.GetSequence())
				}
			}
			sights[id(p)] = append(sights[id(p)], sight{a.ended, p.GetSequence()})
			if first, again := named[p.GetRequestId()]; again && first != p.GetName() {
				say(a, "request %s made %s and %s", p.GetRequestId(), first, p.GetName())
			}
			named[p.GetRequestId()] = p.GetName()
		}
		if refund, ok := a.to.(*pb.Refund); ok && a.err == nil {
			if why := books[parent(refund)].lacks(refund); why != "" {
				say(a, "%s %s", refund.GetName(), why)
			}
		}
	}
	return wrong
}

// lacks says what the history does not hold of a refund that a caller was told of.
func (h history) lacks(told *pb.Refund) string {
	for _, p := range h.after {
		for _, r := range p.Refunds {
			if strings.HasSuffix(told.GetName(), "/"+r.Refund) {
				if now := h.now().Refunds; told.GetState() == pb.Refund_STATE_DONE && !done(now, r.Refund) {
					return "was done, and is not any more"
				}
				return ""
			}
		}
	}
	return "is not in the books"
}

func done(refunds []payment.Refund, id string) bool {
	for _, r := range refunds {
		if r.Refund == id {
			return r.State == payment.RefundDone
		}
	}
	return false
}

// id is the payment's id without its collection.
func id(p *pb.Payment) string { return strings.TrimPrefix(p.GetName(), "payments/") }

// parent is the id of the payment that a refund belongs to.
func parent(r *pb.Refund) string {
	name, _, _ := strings.Cut(strings.TrimPrefix(r.GetName(), "payments/"), "/")
	return name
}

// stateOf is a state in the books' word.
func stateOf(p *pb.Payment) payment.Status {
	return payment.Status(strings.ToLower(strings.TrimPrefix(p.GetState().String(), "STATE_")))
}
