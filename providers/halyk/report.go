package halyk

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/payrouter/payrouter/providers"
)

// reportPages bounds one report: a hundred thousand rows.
const reportPages = 1000

// Report reads the registry of a window. How the bank shows a refund is not
// published: as a row of its own, or by the payment's row changing its status. A
// REFUND row beside another row with money of the same number is the first kind
// and becomes one refund line. One that stands alone may be either, its payment
// being older than the window: the payment's status tells, whose id only the second
// kind has. That kind becomes the charge and its refund.
//
// A row that cannot be read for sure does not hide the others: it is told as Unknown. Its
// date, where that is what cannot be read, is the window's beginning.
func (g *Gateway) Report(ctx context.Context, w providers.Window, line func(providers.StatementLine) error) error {
	rows, err := g.registry(ctx, w, reportPages, time.Time{})
	if err != nil {
		return err
	}
	withMoney, counted := map[text]int{}, map[text]bool{}
	for _, row := range rows {
		if s := standings[row.Status]; (s == charged || s == givenBack) && !counted[row.ID] {
			counted[row.ID] = true
			withMoney[row.InvoiceID]++
		}
	}
	for _, row := range rows {
		at, err := time.Parse(time.RFC3339, string(row.CreatedDate))
		odd := err != nil
		if odd {
			at = w.From
		}
		if at.Before(w.From) || !at.Before(w.To) {
			continue
		}
		apart := withMoney[row.InvoiceID] > 1
		if standings[row.Status] == givenBack && !apart {
			var known bool
			if apart, known, err = g.refundApart(ctx, row); err != nil {
				return fmt.Errorf("registry: row %s: %w", rowID(row.ID), err)
			}
			odd = odd || !known
		}
		lines, err := row.lines(at.UTC(), apart)
		if err != nil || odd {
			lines = []providers.StatementLine{row.unclear(at.UTC())}
		}
		for _, l := range lines {
			if err := line(l); err != nil {
				return err
			}
		}
	}
	return nil
}

// refundApart reports whether a REFUND row is the refund's own: then its id is not
// the payment's. It is not known where the bank shows no payment.
func (g *Gateway) refundApart(ctx context.Context, row record) (apart, known bool, err error) {
	status, failed := g.inquire(ctx, time.Now().Add(g.config.Timeouts.Status), string(row.InvoiceID))
	switch {
	case failed != nil:
		return false, false, errors.Join(fmt.Errorf("the payment of a refund: %s %s", failed.Reason, failed.Code), failed.Err)
	case status.Transaction == nil || status.Transaction.ID == "":
		return false, false, nil
	}
	return status.Transaction.ID != row.ID, true, nil
}

// unclear is the line of an odd row, with its amount where that can be read.
func (r record) unclear(at time.Time) providers.StatementLine {
	amount, _ := r.money(r.Amount)
	return providers.StatementLine{Kind: providers.LineCharge, Order: string(r.InvoiceID), External: string(r.ID), Amount: amount, At: at, Code: word(r.Status)}
}

// lines are the movements that a row tells of.
func (r record) lines(at time.Time, apart bool) ([]providers.StatementLine, error) {
	l := providers.StatementLine{Kind: providers.LineCharge, Order: string(r.InvoiceID), External: string(r.ID), At: at, Code: word(r.Status)}
	var err error
	if l.Amount, err = r.money(r.Amount); err != nil {
		return nil, err
	}
	switch standings[r.Status] {
	case moving, stepUp:
		l.Verdict = providers.Pending
	case held:
		l.Verdict = providers.Held
	case charged:
		l.Verdict = providers.Approved
		l.Fee, err = r.fee(l.Amount)
	case released:
		l.Verdict, l.Reason = providers.Declined, providers.Released
	case failed, checked:
		l.Verdict = providers.Declined
	case givenBack:
		l.Verdict = providers.Approved
		back := l
		back.Kind = providers.LineRefund
		switch payout, err := r.money(r.PayoutAmount); {
		case apart:
			return []providers.StatementLine{back}, nil
		case err != nil || r.PayoutAmount == "" || !payout.IsZero():
			return []providers.StatementLine{l}, nil // how much of it came back is not told
		}
		return []providers.StatementLine{l, back}, nil
	}
	return []providers.StatementLine{l}, err
}

// money reads an amount; failed payments may show none, or zero without currency.
func (r record) money(t text) (providers.Money, error) {
	if t == "" {
		return providers.Money{}, nil
	}
	m, err := providers.ParseMoney(string(t), cmp.Or(string(r.Currency), currency))
	switch {
	case err != nil, r.Currency == "" && !m.IsZero():
		return providers.Money{}, errBadAmount
	case r.Currency == "":
		return providers.Money{}, nil
	case m.Minor < 0:
		m.Minor = -m.Minor // the line's kind tells the direction
	}
	return m, nil
}

// fee is what the bank kept: the amount less the payout, once it was paid out.
func (r record) fee(amount providers.Money) (providers.Money, error) {
	if r.PayoutDate == "" || r.PayoutAmount == "" {
		return providers.Money{}, nil
	}
	payout, err := r.money(r.PayoutAmount)
	if err != nil || payout.IsZero() || payout.Minor > amount.Minor {
		return providers.Money{}, err
	}
	return providers.Money{Minor: amount.Minor - payout.Minor, Currency: amount.Currency}, nil
}
