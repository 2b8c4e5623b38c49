package freedompay

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/payrouter/payrouter/providers"
)

// Registered is a Gateway whose account answers get_registry.php. The call stands only in
// the SDK of the company that the protocol comes from, and nobody has shown that Freedom
// Pay answers it: it is asked where Config.Registry says so.
type Registered struct{ *Gateway }

// Provider is the Gateway with the powers that its configuration gives it.
func (g *Gateway) Provider() providers.Provider {
	if g.config.Registry {
		return Registered{g}
	}
	return g
}

// Claims are the Gateway's, with a list of payments.
func (r Registered) Claims() providers.Claims {
	c := r.Gateway.Claims()
	c.Statement = providers.StatementList
	return c
}

// Report reads the payments of the window, a day of Almaty at a time. A payment and what
// was given back of it are two lines with the payment's own time, for the registry
// tells sums and no dates of refunds: a refund is found under the day of its payment.
func (r Registered) Report(ctx context.Context, w providers.Window, line func(providers.StatementLine) error) error {
	local := w.From.In(almaty(w.From))
	day := time.Date(local.Year(), local.Month(), local.Day(), 0, 0, 0, 0, time.UTC)
	for ; ; day = day.AddDate(0, 0, 1) {
		begins, err := parseMoment(day.Format(time.DateTime))
		if err != nil {
			return err
		}
		if !begins.Before(w.To) {
			return nil
		}
		rows, err := r.registry(ctx, day.Format(time.DateOnly))
		if err != nil {
			return err
		}
		for _, row := range rows {
			if err := row.report(w, line); err != nil {
				return err
			}
		}
	}
}

var errRegistry = errors.New("no registry of payments")

func (r Registered) registry(ctx context.Context, day string) ([]answer, error) {
	said, result, ok := r.ask(ctx, call{path: "get_registry.php", fields: flat("pg_date", day), timeout: r.config.Timeouts.Status})
	switch {
	case !ok:
		return nil, fmt.Errorf("freedompay: registry of %s: %s %s: %w", day, result.Reason, result.Code, errors.Join(errRegistry, result.Err))
	case !said.ok():
		return nil, fmt.Errorf("freedompay: registry of %s: answered %s: %w", day, said.code(), errRegistry)
	}
	var rows []answer
	for _, child := range said.children {
		if child.name == "payment" {
			rows = append(rows, answer{child})
		}
	}
	return rows, nil
}

// report tells the lines of one row that are inside the window.
func (a answer) report(w providers.Window, line func(providers.StatementLine) error) error {
	seen, err := a.reading()
	if err == nil && seen.amount.Minor < 0 {
		err = errAmounts // a refund as a row of its own is documented nowhere
	}
	if err != nil {
		return fmt.Errorf("registry row of payment %q: %w", shown(a.text("pg_payment_id")), err)
	}
	at, err := parseMoment(a.text("pg_payment_date"))
	if err != nil {
		return fmt.Errorf("registry row of payment %q: %w", seen.id, err)
	}
	if at.Before(w.From) || !at.Before(w.To) {
		return nil
	}
	charge := providers.StatementLine{Kind: providers.LineCharge, Order: seen.order, External: seen.id, Verdict: seen.registered(),
		Amount: seen.amount, At: at, Code: seen.code()}
	if seen.cleared.Minor > 0 {
		charge.Amount = seen.cleared.Money
	}
	if charge.Fee, err = a.fee(seen, charge); err != nil {
		return fmt.Errorf("registry row of payment %q: %w", seen.id, err)
	}
	if err := line(charge); err != nil {
		return err
	}
	if seen.refunded.Minor == 0 {
		return nil
	}
	return line(providers.StatementLine{Kind: providers.LineRefund, Order: seen.order, External: seen.id, Verdict: providers.Approved,
		Amount: seen.refunded.Money, At: at, Code: seen.code()})
}

// registered says what a row means for the money: sums first, as ever.
func (r reading) registered() providers.Verdict {
	if r.cleared.Minor > 0 {
		return providers.Approved
	}
	switch r.state() {
	case paid:
		if r.cleared.told {
			return providers.Held
		}
		return providers.Approved
	case returnedWhole:
		return providers.Approved
	case unopened, underWay:
		return providers.Pending
	case failed, released, expired:
		return providers.Declined
	case strange:
	}
	return providers.Unknown
}
