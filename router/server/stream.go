package server

import (
	"context"
	"math/rand/v2"
	"time"
)

const (
	heartbeatEvery = 15 * time.Second // of silence, says the contract
	pollEvery      = time.Second      // for what other replicas changed
	slowAfter      = 30 * time.Second // a message that nobody takes, or sends, for so long ends the stream
)

// feed sends messages to one stream. A consumer that does not read fills its
// connection's window and no more: nothing is queued here, and after slowAfter it is
// cut off.
type feed[M any] struct {
	ctx      context.Context
	draining <-chan struct{} // nil for what is better sent to its end
	messages chan<- *M       // nil once stopped
	sent     <-chan error    // closed when the last message has left, or after the first error
	silence  *time.Timer
	life     *time.Timer
}

func newFeed[M any](ctx context.Context, life time.Duration, draining <-chan struct{}, send func(*M) error) *feed[M] {
	messages, sent := make(chan *M), make(chan error, 1)
	f := &feed[M]{ctx: ctx, draining: draining, messages: messages, sent: sent, silence: time.NewTimer(heartbeatEvery)}
	// Lives differ by up to a tenth, so that streams that began together end apart.
	f.life = time.NewTimer(life - rand.N(life/10+1))
	go func() {
		defer close(sent)
		for m := range messages {
			if err := send(m); err != nil {
				sent <- err
				return
			}
		}
	}()
	return f
}

// send hands a message over once the one before has left.
func (f *feed[M]) send(m *M) error {
	patience := time.NewTimer(slowAfter)
	defer patience.Stop()
	select {
	case f.messages <- m:
		f.silence.Reset(heartbeatEvery)
		return nil
	case err := <-f.sent:
		return err
	case <-patience.C:
		return tooSlow()
	case <-f.draining:
		return goingDown()
	case <-f.ctx.Done():
		return callerGone(f.ctx.Err())
	}
}

// finish waits until everything has left.
func (f *feed[M]) finish() error {
	f.stop()
	patience := time.NewTimer(slowAfter)
	defer patience.Stop()
	select {
	case err := <-f.sent:
		return err
	case <-patience.C:
		return tooSlow()
	case <-f.ctx.Done():
		return callerGone(f.ctx.Err())
	}
}

// stop lets the sender go. A send that hangs is released by grpc when the handler returns.
func (f *feed[M]) stop() {
	if f.messages != nil {
		close(f.messages)
		f.messages = nil
	}
	f.silence.Stop()
	f.life.Stop()
}

// wait rests until something may have changed. It reports that a heartbeat is due, or
// why the stream must end.
func (f *feed[M]) wait(changed <-chan struct{}) (silent bool, err error) {
	poll := time.NewTimer(pollEvery)
	defer poll.Stop()
	select {
	case <-changed:
	case <-poll.C:
	case <-f.silence.C:
		return true, nil
	case <-f.life.C:
		return false, reconnect("the stream has lived long enough: call again with the last sequence")
	case <-f.draining:
		return false, goingDown()
	case err := <-f.sent:
		return false, err
	case <-f.ctx.Done():
		return false, callerGone(f.ctx.Err())
	}
	return false, nil
}

func goingDown() *fault {
	return reconnect("the server is going down: call again with the last sequence")
}
