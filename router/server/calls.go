package server

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	pb "github.com/payrouter/payrouter/proto/payrouter/v1"
)

// call is what is known of one call, for the log line at its end. It travels in the
// context.
type call struct {
	method string // full name
	who    actor
	began  time.Time
	place  *place // once it is let in
	over   bool   // refused because its caller has reached a limit
}

type callKey struct{}

// identityOf is who makes the call that ctx belongs to.
func identityOf(ctx context.Context) actor {
	if c, ok := ctx.Value(callKey{}).(*call); ok {
		return c.who
	}
	return actor{}
}

// logUnary writes one line about each call of ours: who, what, how it went and how long
// it took. What was sent and answered stays out of it, but for the payment's id.
func (s *Server) logUnary(ctx context.Context, request any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
	c := &call{method: info.FullMethod, began: time.Now()}
	answer, err := handler(context.WithValue(ctx, callKey{}, c), request)
	s.ended(ctx, c, answer, err)
	return answer, err
}

func (s *Server) logStream(srv any, stream grpc.ServerStream, info *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
	c := &call{method: info.FullMethod, began: time.Now()}
	err := handler(srv, &serverStream{stream, context.WithValue(stream.Context(), callKey{}, c)})
	s.ended(stream.Context(), c, nil, err)
	return err
}

func (s *Server) ended(ctx context.Context, c *call, answer any, err error) {
	if rights[c.method].open {
		return // health checks and reflection would drown the rest
	}
	code, level := status.Code(err), slog.LevelInfo
	attrs := []slog.Attr{slog.String("method", c.method[strings.LastIndexByte(c.method, '/')+1:]), slog.String("code", code.String()),
		slog.Duration("took", time.Since(c.began)), slog.String("tenant", c.who.tenant), slog.String("caller", c.who.caller)}
	if rights[c.method].ofPeople() {
		attrs = append(attrs, slog.String("operator", c.who.operator))
	}
	payment := ""
	if named, ok := answer.(interface{ GetName() string }); ok && err == nil {
		if found := strings.Split(named.GetName(), "/"); found[0] == "payments" && len(found) > 1 {
			payment = found[1]
			attrs = append(attrs, slog.String("payment", payment))
		}
	}
	attrs = inTrace(ctx, attrs, payment)
	f := asType[*fault](err)
	if f != nil && f.reason != pb.ErrorReason_ERROR_REASON_UNSPECIFIED {
		attrs = append(attrs, slog.String("reason", reasonText(f.reason)))
		s.metrics.refused(f.reason)
		if f.cause != nil && (code == codes.Internal || code == codes.Unavailable) {
			attrs = append(attrs, slog.String("error", f.cause.Error()))
		}
		if code == codes.Unauthenticated { // where it came from is all there is to find it by
			attrs = append(attrs, slog.String("peer", peerOf(ctx)), slog.String("why", why(f)))
		}
	}
	if code == codes.Unauthenticated || c.over {
		if _, quiet := s.lines.enter(cmp.Or(c.who.caller, hostOf(ctx)), false, time.Now()); quiet != nil {
			s.untold.Add(1) // the log is not theirs to fill
			return
		}
		attrs = append(attrs, slog.Int64("untold", s.untold.Swap(0)))
	}
	switch {
	case code == codes.Internal || code == codes.Unknown:
		level = slog.LevelError
	case code == codes.Unavailable && f != nil && f.reason != pb.ErrorReason_ERROR_REASON_RECONNECT:
		level = slog.LevelWarn
	}
	s.log.LogAttrs(ctx, level, "call", attrs...)
}

// why is what a fault has to say to those who read the log.
func why(f *fault) string {
	if f.cause != nil {
		return f.cause.Error()
	}
	return f.Error()
}

// panicked keeps the process alive. The value of the panic may hold anything, so only
// what Go's runtime says is written down.
func (s *Server) panicked(ctx context.Context, cause any) error {
	why := fmt.Sprintf("a %T", cause)
	if err, ok := cause.(runtime.Error); ok {
		why = err.Error()
	}
	stack := make([]byte, 16<<10)
	stack = stack[:runtime.Stack(stack, false)]
	s.log.ErrorContext(ctx, "a call panicked", "cause", why, "stack", string(stack))
	f := internal()
	f.cause = errors.New("panic: " + why)
	return f
}

// admitUnary is what every call passes: who calls and may it, is it well formed, how long
// may it take, and is there a seat.
func (s *Server) admitUnary(ctx context.Context, request any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
	unread, _ := s.unread.take(request) // the codec's note comes off, whoever calls
	leave, err := s.admit(ctx, info.FullMethod, request, false)
	if err != nil {
		return nil, err
	}
	defer leave()
	if unread != nil {
		return nil, unread
	}
	if err := wellFormed(info.FullMethod, request); err != nil {
		return nil, err
	}
	ctx, done := budget(ctx)
	defer done()
	at, refused := s.seat(ctx, info.FullMethod, request)
	if refused != nil {
		return nil, refused
	}
	defer at.leave()
	answer, err := handler(ctx, request)
	return answer, s.settle(ctx, err)
}

// admitStream is the same for streams. Their deadline is the consumer's own affair.
func (s *Server) admitStream(srv any, stream grpc.ServerStream, info *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
	ctx := stream.Context()
	leave, err := s.admit(ctx, info.FullMethod, nil, true)
	if err != nil {
		return err
	}
	defer leave()
	at, refused := s.seat(ctx, info.FullMethod, nil)
	if refused != nil {
		return refused
	}
	defer at.leave()
	return s.settle(ctx, handler(srv, &checkedStream{stream, s, info.FullMethod}))
}

// admit says who calls, and refuses whoever may not, or calls too much. What a caller has no
// right to counts among its calls, too. leave is to be called at the call's end.
func (s *Server) admit(ctx context.Context, method string, request any, stream bool) (leave func(), err error) {
	who, err := s.identify(ctx, method, request)
	c, logged := ctx.Value(callKey{}).(*call)
	if logged {
		c.who = who
	}
	of, name := s.limits, who.caller
	switch {
	case rights[method].open:
		of, name = s.strangers, hostOf(ctx)
	case err != nil && name == "": // nobody, and refused
		return nil, err
	}
	leave, cause := of.enter(name, stream, time.Now())
	if cause != nil {
		if logged {
			c.over = true
		}
		s.metrics.overloaded(cause.name)
		return nil, tooMuch(cause.text)
	}
	if err != nil {
		leave()
		return nil, err
	}
	return leave, nil
}

// wellFormed refuses a request whose shape breaks the contract.
func wellFormed(method string, request any) error {
	if rights[method].open {
		return nil
	}
	return validate(request)
}

// serverStream is a stream with another context.
type serverStream struct {
	grpc.ServerStream
	ctx context.Context
}

// Context is the call's.
func (s *serverStream) Context() context.Context { return s.ctx }

// checkedStream refuses malformed requests where a stream reads them, and ends with its caller's
// right to it: at the next message or, as there are heartbeats, within seconds.
type checkedStream struct {
	grpc.ServerStream
	server *Server
	method string
}

// SendMsg sends a message to whoever still may have it.
func (s *checkedStream) SendMsg(m any) error {
	if err := s.server.still(s.Context(), s.method); err != nil {
		return err
	}
	if !rights[s.method].open {
		return s.ServerStream.SendMsg(m) // a feed has the patience for it
	}
	return s.tell(m)
}

// tell sends an answer to a stranger, and does not wait without end until it is read. A send that
// hangs is released by grpc when the handler returns.
func (s *checkedStream) tell(m any) error {
	sent := make(chan error, 1)
	go func() { sent <- s.ServerStream.SendMsg(m) }()
	patience := time.NewTimer(slowAfter)
	defer patience.Stop()
	late, draining := tooSlow, s.server.draining
	for {
		select {
		case err := <-sent:
			return err
		case <-patience.C:
			return late()
		case <-draining: // whoever reads has the answer soon
			late, draining = goingDown, nil
			patience.Reset(idleEvery)
		}
	}
}

// RecvMsg reads a request and validates it.
func (s *checkedStream) RecvMsg(m any) error {
	if err := s.server.still(s.Context(), s.method); err != nil {
		return err
	}
	err := s.next(m)
	f, unread := s.server.unread.take(m) // the codec's note comes off, also where something else is wrong with the stream
	switch {
	case err != nil:
		return err
	case unread:
		return f
	}
	return wellFormed(s.method, m)
}

// next reads a message, and waits for none without end: whoever sends nothing has a seat that
// others need, and the server waits for it when it goes down. A read that hangs is released by
// grpc when the handler returns.
func (s *checkedStream) next(m any) error {
	read, left := make(chan error), make(chan struct{})
	defer close(left)
	go func() {
		err := s.received(m)
		select {
		case read <- err:
		case <-left:
			_, _ = s.server.unread.take(m) // nobody else takes it
		}
	}()
	patience := time.NewTimer(slowAfter)
	defer patience.Stop()
	if rights[s.method].open {
		patience.Stop() // reflection is asked whenever a person types
	}
	select {
	case err := <-read:
		return err
	case <-patience.C:
		return reconnect("nothing was sent for " + slowAfter.String() + ": call again, and go on where the answers say")
	case <-s.server.draining:
		return reconnect("the server is going down: call again, and go on where the answers say")
	}
}

// received reads a message in a goroutine, where nobody else would survive a panic.
func (s *checkedStream) received(m any) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = s.server.panicked(s.Context(), cause)
		}
	}()
	return s.ServerStream.RecvMsg(m)
}
