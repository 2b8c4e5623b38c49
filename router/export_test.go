package router

import (
	"context"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router/payment"
)

// MaybeSwitch is what the worker does with a payment that rests.
func (r *Router) MaybeSwitch(ctx context.Context, p payment.Payment) (payment.Payment, error) {
	return r.maybeSwitch(ctx, p)
}

// AskOnce is what the schedule does.
func (r *Router) AskOnce(ctx context.Context, p payment.Payment, n int) (payment.Payment, error) {
	return r.askOnce(ctx, p, n)
}

// Debit is what becomes of a debit that was found to be an attempt's.
func (r *Router) Debit(ctx context.Context, p payment.Payment, n int, heard providers.Heard) providers.RulingKind {
	return r.debit(ctx, p, n, heard, verdict{}).ruling.Kind
}
