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

// operation is the method of Store that called transact or commit, or settle or insist, which
// call them.
func operation() string {
	callers := make([]uintptr, 2)
	const above = 4 // Callers, operation, storeSpan and transact or commit
	callers = callers[:runtime.Callers(above, callers)]
	if len(callers) == 0 {
		return "write"
	}
	frames := runtime.CallersFrames(callers)
	frame, more := frames.Next()
	if more && (strings.HasSuffix(frame.Function, ".settle") || strings.HasSuffix(frame.Function, ".insist")) {
		frame, _ = frames.Next()
	}
	_, method, _ := strings.Cut(frame.Function, ".(*Store).")
	method, _, _ = strings.Cut(method, ".") // of a function within it
	if method == "" {
		return "write"
	}
	return strings.ToLower(method[:1]) + method[1:]
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
