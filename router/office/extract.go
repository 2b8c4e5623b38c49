package office

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router/journal"
	"github.com/payrouter/payrouter/router/payment"
	"github.com/payrouter/payrouter/router/reconcile"
)

// Extract is what a gateway's own books say of some business days.
type Extract struct {
	Gateway, Provider string
	FromDay, ToDay    string
	Zone              *time.Location
	Missing           []string // days of which no statement has been read
	Totals            []Total  // one for each currency, in their order
	Created           time.Time

	office *Office
	days   []journal.StatementDay
}

// ErrReadAnew says that a day was read anew while its statement was told: what was told of it is
// not all.
var ErrReadAnew = errors.New("its statement was read anew while it was told")

// Total is what an extract comes to in one currency, in minor units. What has findings and no
// movements has a total, too: without a currency where nobody could read one.
type Total struct {
	Currency           string
	Charges, Charged   int64
	Refunds, Refunded  int64
	Fees, FeesExpected int64 // the second is the part that nobody told
	Net                int64
	Open               int64 // findings that nobody has closed
}

// Movement is one line of an extract.
type Movement struct {
	journal.StagedLine
	Order       string // the merchant's
	Payment     string
	Fee         providers.Money // without a currency where it is not known
	FeeExpected bool            // by the contract, and not told
	Net         providers.Money // what is paid out of it: negative for a refund
}

// Extract reads what is needed to tell of some days, and adds them up.
func (o *Office) Extract(ctx context.Context, gateway, from, to string) (Extract, error) {
	e := Extract{Gateway: gateway, FromDay: from, ToDay: to, office: o}
	_, claims, err := o.claims(gateway)
	if err != nil {
		return e, err
	}
	books, ok := o.Books[gateway]
	if !ok {
		return e, fmt.Errorf("%s: %w", gateway, ErrNoBooks)
	}
	e.Provider, e.Zone = claims.Provider, books.Zone
	wanted, err := books.days(from, to)
	if err != nil {
		return e, err
	}
	if e.Created, err = o.Clock(ctx); err != nil {
		return e, err
	}
	read, err := o.Journal.StatementDays(ctx, gateway)
	if err != nil {
		return e, err
	}
	for _, span := range wanted {
		name := books.name(span)
		i := slices.IndexFunc(read, func(d journal.StatementDay) bool { return d.Day == name })
		if i < 0 {
			e.Missing = append(e.Missing, name)
			continue
		}
		e.days = append(e.days, read[i])
	}
	open, err := o.Journal.OpenOfDays(ctx, gateway, from, to)
	if err != nil {
		return e, err
	}
	sums := map[string]*Total{}
	for currency, n := range open {
		sums[currency] = &Total{Open: n}
	}
	err = e.Each(ctx, func(page []Movement) error {
		for _, m := range page {
			sum(sums, m)
		}
		return nil
	})
	for currency, t := range sums {
		t.Currency = currency
		e.Totals = append(e.Totals, *t)
	}
	slices.SortFunc(e.Totals, func(a, b Total) int { return cmp.Compare(a.Currency, b.Currency) })
	return e, err
}

func sum(sums map[string]*Total, m Movement) {
	t := sums[m.Amount.Currency]
	if t == nil {
		t = &Total{}
		sums[m.Amount.Currency] = t
	}
	if m.Kind == providers.LineRefund {
		t.Refunds, t.Refunded = t.Refunds+1, t.Refunded+m.Amount.Minor
	} else {
		t.Charges, t.Charged = t.Charges+1, t.Charged+m.Amount.Minor
	}
	t.Net += m.Net.Minor
	if m.Fee.Currency == m.Amount.Currency {
		t.Fees += m.Fee.Minor
		if m.FeeExpected {
			t.FeesExpected += m.Fee.Minor
		}
	}
}

// Each calls page with the movements, day by day and in the gateway's own order, as many at a
// time as are judged at once. It ends with ErrReadAnew where they were not all.
func (e Extract) Each(ctx context.Context, page func([]Movement) error) error {
	books := e.office.Books[e.Gateway]
	for _, d := range e.days {
		for after := int64(-1); ; {
			lines, err := e.office.Journal.Movements(ctx, d.Reading, d.Day, after, e.office.Page)
			if err != nil || len(lines) == 0 {
				if err != nil {
					return err
				}
				break
			}
			after = lines[len(lines)-1].Seq
			var ids []string
			for _, l := range lines {
				if id := journal.PaymentOf(l.Group); id != "" {
					ids = append(ids, id)
				}
			}
			slices.Sort(ids)
			orders, err := e.office.Journal.Orders(ctx, slices.Compact(ids))
			if err != nil {
				return err
			}
			known, err := e.office.known(ctx, books, lines)
			if err != nil {
				return err
			}
			var all []Movement
			for _, l := range lines {
				m := books.movement(l, known[l.Group])
				m.Order = orders[m.Payment]
				all = append(all, m)
			}
			if err := page(all); err != nil {
				return err
			}
		}
	}
	return e.stands(ctx)
}

// stands sees that the readings are still the statements of their days: only the lines of those
// are kept.
func (e Extract) stands(ctx context.Context) error {
	now, err := e.office.Journal.StatementDays(ctx, e.Gateway)
	if err != nil {
		return err
	}
	for _, d := range e.days {
		if !slices.ContainsFunc(now, func(n journal.StatementDay) bool { return n.Day == d.Day && n.Reading == d.Reading }) {
			return fmt.Errorf("%s: %w", d.Day, ErrReadAnew)
		}
	}
	return nil
}

// charge is what our books know of one that its fee depends on. The zero value is nothing.
type charge struct {
	way      providers.Method
	returned bool // some of it
}

// known are the charges of lines, by their groups, where the lines alone do not say the fee.
func (o *Office) known(ctx context.Context, books Books, lines []journal.StagedLine) (map[string]charge, error) {
	var groups []string
	for _, l := range lines {
		if books.asks(l.StatementLine) {
			groups = append(groups, l.Group)
		}
	}
	ours, err := o.paymentsOf(ctx, groups)
	known := map[string]charge{}
	for _, p := range ours {
		for _, a := range p.Attempts {
			back := a.Returned > 0 || slices.ContainsFunc(refundsOf(p, a), func(o payment.Operation) bool { return o.Verdict.HasMoney() })
			known[journal.GroupOf(p.ID, a.N)] = charge{a.Method, back}
		}
	}
	return known, err
}

// asks reports whether a line's fee depends on what our books know.
func (b Books) asks(l providers.StatementLine) bool {
	byWay := slices.ContainsFunc(b.Fees, func(f reconcile.Fee) bool { return len(f.Methods) > 0 })
	if l.Fee.Currency == "" {
		return byWay
	}
	expected, _ := b.Fees.Expect(l.Kind, "", l.Amount, l.At)
	return b.NetFees && l.Kind == providers.LineCharge && (byWay || l.Fee != expected)
}

// movement is a line with its fee, as told or else by the contract, and what is left. Where the
// fee is what the gateway did not pay out, a refund may be in it: then it is by the contract, too.
func (b Books) movement(l journal.StagedLine, known charge) Movement {
	m := Movement{StagedLine: l, Payment: journal.PaymentOf(l.Group), Fee: l.StatementLine.Fee, Net: l.Amount}
	kept := m.Fee
	expected, byContract := b.Fees.Expect(l.Kind, known.way, l.Amount, l.At)
	switch {
	case m.Fee.Currency == "":
		m.Fee, m.FeeExpected, kept = expected, byContract, expected
	case b.NetFees && l.Kind == providers.LineCharge && known.returned && m.Fee != expected:
		m.Fee, m.FeeExpected = expected, byContract
	}
	if l.Kind == providers.LineRefund {
		m.Net.Minor = -m.Net.Minor
	}
	if kept.Currency == m.Net.Currency {
		m.Net.Minor -= kept.Minor
	}
	return m
}
