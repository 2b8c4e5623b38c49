package router

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router/journal"
	"github.com/payrouter/payrouter/router/payment"
)

// Command is a caller's wish about a payment that exists.
type Command struct {
	Tenant, Payment string
	Actor           string // "caller:shop"
	RequestID       string
	Hash            string // keyed hash of the canonical request body
}

// Errors of commands, for callers that must tell them apart. The payment returned
// with them says how it stands.
var (
	ErrNotCapturable   = errors.New("nothing is held, or a capture is on its way")
	ErrExceedsHeld     = errors.New("more than is held")
	ErrNotCancelable   = errors.New("paid or over already")
	ErrExceedsPaid     = errors.New("more than is left of what was paid")
	ErrNotOffered      = errors.New("the gateway that took the money does not offer this by API")
	ErrBelowMinimum    = errors.New("less than the gateway can give back")
	ErrForeignCurrency = errors.New("another currency than the payment's")
	ErrUnspeakable     = errors.New("the gateway cannot express this amount")
)

// Get reads a tenant's payment.
func (r *Router) Get(ctx context.Context, tenant, id string) (payment.Payment, error) {
	p, err := r.Journal.Get(ctx, id)
	if err == nil && p.Tenant != tenant {
		return payment.Payment{}, journal.ErrNotFound
	}
	return p, err
}

// Capture takes held money; the zero Money means all of it.
func (r *Router) Capture(ctx context.Context, c Command, amount providers.Money) (payment.Payment, error) {
	return r.command(ctx, c, "capture", "", func(p payment.Payment) (payment.Body, error) {
		kept, ok := p.Kept()
		want := amount
		if want == (providers.Money{}) {
			want = providers.Money{Minor: kept.Held, Currency: p.Amount.Currency}
		}
		switch {
		case !ok || kept.Verdict != providers.Held || p.Capture != nil:
			return nil, ErrNotCapturable
		case want.Currency != p.Amount.Currency:
			return nil, ErrForeignCurrency
		case want.Minor > kept.Held:
			return nil, ErrExceedsHeld
		case want.Minor < kept.Held && !r.terms.Claims(kept.Gateway).Capture.Partial:
			return nil, fmt.Errorf("a partial capture: %w", ErrNotOffered)
		case r.unspeakable(kept.Gateway, want):
			return nil, ErrUnspeakable
		}
		return payment.CaptureRequested{RequestID: c.RequestID, Amount: want}, nil
	})
}

// Cancel records the wish that no money be taken.
func (r *Router) Cancel(ctx context.Context, c Command, reason string) (payment.Payment, error) {
	return r.command(ctx, c, "cancel", "", func(p payment.Payment) (payment.Body, error) {
		if p.CanCancel() != nil {
			return nil, ErrNotCancelable
		}
		return payment.CancelRequested{RequestID: c.RequestID, Reason: reason}, nil
	})
}

// Refund gives money back; the zero Money means all that is left. It returns the
// refund's id; the amount is reserved before anything is sent.
func (r *Router) Refund(ctx context.Context, c Command, amount providers.Money, reason string) (payment.Payment, string, error) {
	id := newID()
	p, err := r.command(ctx, c, "refund", id, func(p payment.Payment) (payment.Body, error) {
		want := amount
		if want == (providers.Money{}) {
			want = providers.Money{Minor: p.Refundable(), Currency: p.Amount.Currency}
		}
		if want.Currency != p.Amount.Currency {
			return nil, ErrForeignCurrency
		}
		if p.CanRefund(want) != nil {
			return nil, ErrExceedsPaid
		}
		kept, _ := p.Kept()
		if err := r.refundable(kept.Gateway, kept.Method, want, want.Minor < kept.Captured); err != nil {
			return nil, err
		}
		return payment.RefundRequested{Refund: id, RequestID: c.RequestID, Amount: want, Reason: reason}, nil
	})
	for _, refund := range p.Refunds {
		if refund.RequestID == c.RequestID {
			return p, refund.Refund, err
		}
	}
	return p, id, err
}

// refundable is why a gateway cannot give back an amount, or a part of what it took.
func (r *Router) refundable(gateway string, method providers.Method, want providers.Money, part bool) error {
	all := r.terms.Claims(gateway)
	claims := all.Refund
	switch {
	case !all.Refunds(method):
		return fmt.Errorf("a refund: %w", ErrNotOffered)
	case part && !claims.Partial:
		return fmt.Errorf("a partial refund: %w", ErrNotOffered)
	case claims.Min.Currency == want.Currency && want.Minor < claims.Min.Minor:
		return fmt.Errorf("%w: at least %s", ErrBelowMinimum, claims.Min)
	case r.unspeakable(gateway, want):
		return ErrUnspeakable
	}
	return nil
}

// command appends a wish under its request id, once, and drives the payment.
func (r *Router) command(ctx context.Context, c Command, kind, object string, wish func(payment.Payment) (payment.Body, error)) (payment.Payment, error) {
	p, err := r.Get(ctx, c.Tenant, c.Payment)
	if err != nil {
		return p, err
	}
	before := p
	request := journal.Request{Tenant: c.Tenant, ID: c.RequestID, Kind: kind, Hash: c.Hash, Object: object}
	p, err = r.Journal.AdvanceOnce(ctx, request, p, func(p payment.Payment) ([]payment.Event, error) {
		body, err := wish(p)
		if err != nil {
			return nil, err
		}
		return r.decide(c.Actor, func(payment.Payment) payment.Body { return body })(p)
	})
	if errors.Is(err, journal.ErrRepeated) {
		return p, nil
	}
	if err != nil {
		return p, err
	}
	r.moved(before, p)
	r.Step("wished")
	moved, err := r.drive(ctx, p, true)
	if err != nil {
		r.Log.Error("payment left to the worker", "payment", p.ID, "error", err.Error())
		return p, nil
	}
	return moved, nil
}

// unspeakable reports whether the gateway cannot say the amount exactly.
func (r *Router) unspeakable(gateway string, m providers.Money) bool {
	return r.terms.Claims(gateway).WholeUnits && hasFraction(m)
}

// DeleteInstrument forgets a saved instrument, at the gateway first.
func (r *Router) DeleteInstrument(ctx context.Context, tenant, id string) error {
	i, err := r.Journal.Instrument(ctx, tenant, id)
	if err != nil {
		return err
	}
	g, _ := r.Gateway(i.Gateway)
	if forgetter, ok := g.Provider.(providers.Forgetter); ok {
		if result := forgetter.Forget(ctx, i.Token); result.Verdict != providers.Approved {
			// Ours is forgotten all the same: a token that nobody keeps cannot be charged.
			r.Log.Warn("the gateway did not confirm that an instrument is forgotten", "instrument", id, "gateway", i.Gateway, "code", result.Code)
		}
	}
	// The gateway may have taken all the time there was, and may have forgotten it in any case.
	_, err = r.Journal.DeleteInstrument(context.WithoutCancel(ctx), tenant, id, time.Now())
	return err
}
