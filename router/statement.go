package router

import (
	"context"
	"time"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router/payment"
)

// ObserveOperation is Observe for a refund: what a statement tells of one is recorded, and
// the payment's own loop acts on it. What its books say already is no event.
func (r *Router) ObserveOperation(ctx context.Context, p payment.Payment, operation int, source payment.Source, result providers.Result) error {
	o := p.Operations[operation-1]
	if o.Verdict == result.Verdict && (result.External == "" || result.External == o.External) {
		return nil
	}
	if _, err := r.learnOperation(ctx, p, o.OperationPlanned, source, time.Time{}, result); err != nil {
		return err
	}
	r.leave(p.Attempts[o.Attempt-1].Gateway, errand{payment: p.ID})
	return nil
}
