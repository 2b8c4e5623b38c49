package router

import (
	"errors"

	"github.com/payrouter/payrouter/health"
	"github.com/payrouter/payrouter/providers"
)

// signal tells the breakers how a call went (FAILOVER section 2, column breaker).
// A decline shows that the gateway works.
func signal(r providers.Result) health.Signal {
	if r.HeldBack() { // the gateway was not tried: it is neither well nor out of reach
		return health.Neutral
	}
	switch r.Verdict {
	case providers.Pending, providers.Held, providers.Approved, providers.Declined:
		return health.Healthy
	case providers.Unserved:
		switch r.Reason {
		case providers.NotSent:
			return health.Unreachable
		case providers.Maintenance:
			return health.Fault
		case providers.Throttled:
			return health.Throttled
		}
		return health.Neutral
	}
	if r.Absent {
		return health.Healthy
	}
	switch r.Reason {
	case providers.NotSent: // a look-up that never left: Unknown, and the gateway out of reach
		return health.Unreachable
	case providers.Throttled: // asked to slow down, and it may have happened all the same
		return health.Throttled
	case providers.Timeout, providers.Broken, providers.ServerError, providers.Unreadable, providers.BadSignature, providers.Panicked:
		return health.Fault
	}
	return health.Neutral
}

// ProbeSignal tells the board how a probe went.
func ProbeSignal(r providers.Result) health.Signal {
	if r.Reason == providers.Misconfigured || r.Reason == providers.Throttled || r.Absent {
		return health.Healthy // it works, it only does not serve us: a person is paged elsewhere
	}
	switch s := signal(r); {
	case s == health.Healthy, s == health.Unreachable, r.HeldBack():
		return s
	}
	return health.Fault
}

// why turns the board's refusal into the route's word.
func why(err error) string {
	switch {
	case errors.Is(err, health.ErrDrained):
		return WhyDrained
	case errors.Is(err, health.ErrProbeFailing):
		return WhyProbeFailing
	case errors.Is(err, health.ErrRamping):
		return WhyRamping
	case errors.Is(err, health.ErrBusy):
		return WhyBusy
	case errors.Is(err, health.ErrThrottled):
		return WhyThrottled
	case errors.Is(err, health.ErrReconcile):
		return WhyReconcile
	}
	return WhyBreakerOpen
}
