package journal

import (
	"context"
	"errors"
	"runtime"
	"strings"

	"github.com/payrouter/payrouter/providers/spans"
)

// storeSpan begins the span of a transaction, named after the method of Store that makes
// it: "store advance". No statement and no value stands in it. Where nobody keeps the
// trace, nothing is looked up.
func storeSpan(ctx context.Context) (context.Context, spans.Span) {
	if !spans.Of(ctx).Recorded() {
		return ctx, spans.Span{}
	}
	return spans.Start(ctx, "store "+operation())
}

// operation is the method of Store that wrote, by whatever of the way to a transaction.
func operation() string {
	callers := make([]uintptr, 10)
	frames := runtime.CallersFrames(callers[:runtime.Callers(3, callers)]) // without Callers, operation and storeSpan
	for {
		frame, more := frames.Next()
		_, method, _ := strings.Cut(frame.Function, ".(*Store).")
		method, _, _ = strings.Cut(method, ".") // of a function within it
		switch method {
		case "transact", "commit", "settle", "insist", "untilAlone", "again":
		case "":
			return "write"
		default:
			return strings.ToLower(method[:1]) + method[1:]
		}
		if !more {
			return "write"
		}
	}
}

// ended ends a transaction's span. That somebody was faster, or came before, is how the
// books work and no failure of theirs.
func ended(span spans.Span, err error) {
	if !span.Recorded() {
		return
	}
	switch {
	case err == nil:
	case errors.Is(err, errConflict), errors.Is(err, ErrRepeated):
		span.Outcome("overtaken")
	default:
		span.Failed()
	}
	span.End()
}
