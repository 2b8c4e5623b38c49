package server

import (
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// limits are how much one name may ask for, whatever seats are free: no caller that has run
// wild takes the seats of all others. A server has three: by identity, for calls; by the
// address they come from, for health checks and reflection, which need no identity; and for
// the log's lines about whoever is refused at the door.
//
// Where identities are proved there is one entry for each that the configuration knows.
// Where they are asserted, and of addresses, a name costs nothing, so the entries are bounded
// too: those who are at rest make room, and while nobody is, newcomers share one allowance.
type limits struct {
	perSecond, atOnce int // calls
	streams           int // open
	most              int // names

	mu     sync.Mutex
	of     map[string]*allowance
	others *allowance
	swept  time.Time
}

// allowance is what one identity has left.
type allowance struct {
	calls   *rate.Limiter
	streams int       // open now
	used    time.Time // after a rest the calls are all there again
}

// mostNames is how many identities are told apart.
const mostNames = 1024

// overuse is a limit that was reached: its label among the causes of refusals, and what the
// caller hears.
type overuse struct{ name, text string }

// The limits, as the label cause names them.
var (
	overCalls   = &overuse{"caller_calls", "whoever calls makes more calls a second than one may"}
	overStreams = &overuse{"caller_streams", "whoever calls has as many streams open as one may"}
)

// What one address may ask for without an identity, and how many lines about refusals it
// may cause: a hundred at once, which are a morning's mistakes, and then one a second.
const (
	checksPerSecond   = 500
	refusalsAtOnce    = 100
	refusalsPerSecond = 1
)

func newLimits(perSecond, atOnce, streams int) *limits {
	l := &limits{perSecond: perSecond, atOnce: atOnce, streams: streams, most: mostNames, of: map[string]*allowance{}}
	l.others = l.fresh()
	return l
}

func (l *limits) fresh() *allowance {
	return &allowance{calls: rate.NewLimiter(rate.Limit(l.perSecond), l.atOnce)}
}

// enter takes a call off the caller's allowance, or says which limit it has reached. leave
// ends the call.
func (l *limits) enter(name string, stream bool, now time.Time) (leave func(), over *overuse) {
	l.mu.Lock()
	defer l.mu.Unlock()
	a := l.allowanceOf(name, now)
	a.used = now
	switch {
	case !a.calls.AllowN(now, 1):
		return nil, overCalls
	case !stream:
		return func() {}, nil
	case a.streams >= l.streams:
		return nil, overStreams
	}
	a.streams++
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		a.streams--
	}, nil
}

func (l *limits) allowanceOf(name string, now time.Time) *allowance {
	a, known := l.of[name]
	if known {
		return a
	}
	if len(l.of) >= l.most && now.Sub(l.swept) >= time.Second { // a name that is new each time must not cost a sweep each time
		l.swept = now
		rest := time.Duration(l.atOnce) * time.Second / time.Duration(l.perSecond)
		for name, a := range l.of {
			if a.streams == 0 && now.Sub(a.used) >= rest {
				delete(l.of, name)
			}
		}
	}
	if len(l.of) >= l.most {
		return l.others
	}
	a = l.fresh()
	l.of[name] = a
	return a
}
