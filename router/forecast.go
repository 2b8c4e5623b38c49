package router

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/payrouter/payrouter/health"
	"github.com/payrouter/payrouter/router/journal"
	"github.com/payrouter/payrouter/router/payment"
)

// Forecast says what an override would do, judged by recent payments.
type Forecast struct {
	Window     time.Duration
	Considered int64
	Shifts     []Shift
	Unservable int64               // payments that could go nowhere, and
	Nowhere    int64               // those that can go nowhere now
	Fees       []FeeShift          // by currency
	FeeUnknown map[string][]string // by currency: gateways whose fee of a payment that was considered nobody configured
	Loads      []Load              // of gateways that would get more
	Offers     int64
	LastOffer  time.Time
	AtRisk     []journal.Exposure
}

// Shift is one gateway's share of new payments, in basis points.
type Shift struct {
	Gateway       string
	Before, After int32
}

// FeeShift is what gateways would take for the payments that were considered, were all of
// them paid, by the contracts. A payment that can go nowhere costs nothing.
type FeeShift struct {
	Currency      string
	Before, After int64 // minor units, of the payments that Known counts
	Known         int64
	Unknown       int64 // payments whose fee is not known, before or after, and counted in neither
}

// Load is what would be on its way to a gateway at once, as this replica sees it: at most,
// for the peaks of two gateways need not meet.
type Load struct {
	Gateway      string
	Peak, Moving int   // in the window; and what would come on top
	Nowhere      int64 // payments of the window that can go nowhere now, and would come too: nobody knows how many at once
	Most         int   // that may be on its way at once
}

// Fits reports whether the gateway can take what is known of it.
func (l Load) Fits() bool { return l.Peak+l.Moving <= l.Most }

// forecastWindow and forecastMost bound what a forecast looks at.
const (
	forecastWindow = health.PeakWindow
	forecastMost   = 1000
)

// Forecast routes the tenant's recent payments anew, with and without the order.
func (r *Router) Forecast(ctx context.Context, tenant string, o journal.Override) (Forecast, error) {
	f := Forecast{Window: forecastWindow}
	if _, ok := r.Gateway(o.Gateway); !ok {
		return f, fmt.Errorf("%s: %w", o.Gateway, ErrUnknownGateway)
	}
	now := time.Now()
	recent, err := r.Journal.List(ctx, journal.Filter{Tenant: tenant, CreatedFrom: now.Add(-forecastWindow)}, journal.Cursor{}, forecastMost)
	if err != nil {
		return f, err
	}
	if len(recent) == forecastMost { // the newest ones
		f.Window = now.Sub(recent[len(recent)-1].Created).Round(time.Second)
	}
	moves, fees := moves{}, feeShifts{fee: r.Fee, at: now, unknown: map[string][]string{}}
	for _, p := range recent {
		fresh, err := payment.Payment{}.Apply(payment.Event{At: payment.Instant(now), Body: p.Opened})
		if err != nil {
			return f, err
		}
		fresh.Deadline = now.Add(p.Deadline.Sub(p.Created)) // as if it were asked for now
		instruments, err := r.instruments(ctx, p)
		if err != nil {
			return f, err
		}
		candidates, _ := r.rank(fresh, instruments)
		from, to := r.firstAdmitted(candidates, p.ID, "", o.Gateway), r.firstAdmitted(candidates, p.ID, health.Mode(o.Mode), o.Gateway)
		f.Considered++
		if to.Gateway == "" {
			f.Unservable++
		}
		moves.add(from.Gateway, to.Gateway)
		fees.add(p.Amount, from, to)
	}
	f.Nowhere = moves.at(0, "")
	f.Shifts, f.Loads = moves.shifts(r.names, f.Considered), moves.loads(r.Board.Snapshot())
	f.Fees, f.FeeUnknown = fees.all, fees.unknown
	if f.Offers, f.LastOffer, err = r.Journal.LiveOffers(ctx, o.Gateway); err != nil {
		return f, err
	}
	f.AtRisk, err = r.exposed(ctx, o.Gateway)
	return f, err
}

// exposed is the money at risk at one gateway.
func (r *Router) exposed(ctx context.Context, gateway string) ([]journal.Exposure, error) {
	all, err := r.Journal.AtRisk(ctx)
	return slices.DeleteFunc(all, func(e journal.Exposure) bool { return e.Gateway != gateway }), err
}

// firstAdmitted is where a payment would go, or the zero Candidate; with a mode, as if the
// order were in force. Like route it comes back to a gateway that is coming back when no
// other can serve.
func (r *Router) firstAdmitted(candidates []Candidate, key string, mode health.Mode, gateway string) Candidate {
	var ramping Candidate
	for _, c := range candidates {
		err := r.Board.Peek(c.Gateway, c.op(), key)
		if c.Gateway == gateway {
			err = ordered(err, mode)
		}
		switch {
		case err == nil:
			return c
		case errors.Is(err, health.ErrRamping) && ramping.Gateway == "":
			ramping = c
		}
	}
	return ramping
}

// ordered is health's answer as it would be with the order. A drain of the same gateway
// comes before other orders, and no order lets more through than may be on its way.
func ordered(err error, mode health.Mode) error {
	switch {
	case mode == health.Drain:
		return health.ErrDrained
	case mode == "":
		return err
	case errors.Is(err, health.ErrProbeFailing), errors.Is(err, health.ErrBreakerOpen), errors.Is(err, health.ErrRamping):
		return nil
	}
	return err
}
