package router

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router/journal"
	"github.com/payrouter/payrouter/router/payment"
)

// WhyAdopted is why an attempt is at a gateway that nobody sent it to.
const WhyAdopted = "adopted"

// Adoption is a person's order about money at a gateway that is nobody's: it is to be a
// payment of a tenant's, and may be given back at once.
type Adoption struct {
	Finding       journal.Finding         // of the money, as the person saw it
	Groups        []string                // of the lines that tell of it
	Line          providers.StatementLine // the charge
	Returned      int64                   // how much of it went back already; minor units
	Tenant, Order string                  // the order may be empty
	Refund        bool                    // give back what is left
	Actor, Reason string
}

// Adopt makes money that is nobody's a payment of a tenant's, with one attempt that was never
// sent. Nothing is charged: the payment begins with the money. The same order again answers
// with the payment that was made.
func (r *Router) Adopt(ctx context.Context, o Adoption) (payment.Payment, error) {
	if _, ok := r.Tenants[o.Tenant]; !ok {
		return payment.Payment{}, fmt.Errorf("%s: %w", o.Tenant, ErrUnknownTenant)
	}
	g, ok := r.Gateway(o.Finding.Gateway)
	if !ok {
		return payment.Payment{}, fmt.Errorf("%s: %w", o.Finding.Gateway, ErrUnknownGateway)
	}
	claims := g.Provider.Claims()
	way := claims.Methods[0] // nobody knows which one the payer took
	left := providers.Money{Minor: o.Line.Amount.Minor - o.Returned, Currency: o.Line.Amount.Currency}
	if o.Refund {
		if left.Minor <= 0 {
			return payment.Payment{}, ErrExceedsPaid
		}
		if err := r.refundable(g.Name, way.Method, left, o.Returned > 0); err != nil {
			return payment.Payment{}, err
		}
	}
	p, err := r.Journal.Adopt(ctx, journal.Adoption{
		Finding: o.Finding, Groups: o.Groups, Actor: o.Actor, Reason: o.Reason, Request: o.request(), Events: o.events(claims.Provider, way, left),
	})
	if errors.Is(err, journal.ErrRepeated) {
		return p, nil
	}
	if err != nil {
		return p, err
	}
	r.moved(payment.Payment{}, p)
	r.leave(g.Name, errand{payment: p.ID})
	return p, nil
}

// Adopted reads the payment that an adoption made. It returns [journal.ErrNotFound] when it
// made none, and a *[journal.ReusedError] when the money was adopted in another way.
func (r *Router) Adopted(ctx context.Context, o Adoption) (payment.Payment, error) {
	p, err := r.Journal.Repeated(ctx, o.request())
	if errors.Is(err, journal.ErrRepeated) {
		err = nil
	}
	return p, err
}

func (o Adoption) request() journal.Request {
	return journal.Request{Tenant: o.Tenant, ID: o.requestID("adopt"), Kind: "adopt", Hash: fmt.Sprintf("%q refund %t", o.Order, o.Refund)}
}

// requestID names an adoption's wishes: the same finding gives the same name.
func (o Adoption) requestID(what string) string {
	return uuid.NewSHA1(uuid.NameSpaceURL, []byte(what+"/"+o.Finding.ID())).String()
}

// events are the first ones of a payment that begins with its money.
func (o Adoption) events(provider string, way providers.MethodClaims, left providers.Money) []payment.Event {
	now, l := payment.Instant(time.Now()), o.Line
	said := "by " + o.Actor + ", of finding " + o.Finding.ID() + ": " + o.Reason
	bodies := []payment.Body{
		payment.Opened{ID: newID(), Tenant: o.Tenant, RequestID: o.requestID("adopt"), Order: o.Order, Amount: l.Amount, Methods: []providers.Method{way.Method}, Deadline: now},
		payment.Planned{Attempt: 1, Gateway: o.Finding.Gateway, Provider: provider, Method: way.Method, Flow: way.Flow, Reference: cmp.Or(l.Order, l.External),
			Route: []payment.Choice{{Gateway: o.Finding.Gateway, Method: way.Method, Taken: true, Why: WhyAdopted, Detail: said}}},
		payment.Observed{Attempt: 1, Source: payment.FromStatement, Verdict: providers.Approved, External: l.External, Amount: l.Amount,
			Returned: providers.Money{Minor: o.Returned, Currency: l.Amount.Currency}, Code: l.Code},
	}
	if o.Refund {
		bodies = append(bodies, payment.RefundRequested{Refund: newID(), RequestID: o.requestID("refund"), Amount: left, Reason: o.Reason})
	}
	var events []payment.Event
	for _, b := range bodies {
		events = append(events, payment.Event{At: now, Actor: o.Actor, Body: b})
	}
	return events
}
