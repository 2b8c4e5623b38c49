package tiptoppay

import (
	"context"
	"errors"
	"time"

	"github.com/payrouter/payrouter/providers"
)

// mostPages is how much of the terminal's list is read for one look at a page: 5000
// operations between the page's creation and its last try.
const mostPages = 50

var (
	errUnplanned = errors.New("tiptoppay: a page made nobody knows when: its earlier tries cannot be listed")
	errCutOff    = errors.New("tiptoppay: the list lacks what look-ups show")
	errTwice     = errors.New("tiptoppay: SEVERAL PAYMENTS ON ONE PAGE: more than one of its transactions has money")
)

// whole reads all tries of a page whose last one has no money, for a try that has it, or
// that a payer is still in the middle of, may have come before. All of them were created
// since the page was planned and before the last, so the terminal's list is read between
// the two. Who speaks:
//
//	several tries with money        Unknown: two charges for one order, which a person settles
//	the try with money
//	a try that cannot be judged     Unknown
//	a try in 3-D Secure             if the list shows such ones at all (notes, section 9)
//	the last one
func (g *Gateway) whole(ctx context.Context, ref providers.Ref, last sight) sight {
	began, err := last.tx.created()
	switch {
	case err != nil:
		return sight{Result: providers.Doubt(providers.Unreadable, last.Code, err)}
	case ref.Planned.IsZero():
		return sight{Result: providers.Doubt(providers.Ambiguous, last.Code, errUnplanned)}
	}
	from, deadline := ref.Planned, time.Now().Add(g.config.Timeouts.Status)
	if began.Before(from) {
		from = began // by their clock
	}
	var tries []sight
	result, ok := g.list(ctx, providers.Window{From: from.Add(-listEdge), To: began.Add(listEdge)}, mostPages, func() time.Time { return deadline },
		func(row transaction) error {
			if string(row.InvoiceID) == ref.Order && !row.returns() {
				tries = append(tries, sight{row, g.reads(ref, row, view{offer: true})})
			}
			return nil
		})
	if !ok {
		return sight{Result: result}
	}
	return speaker(tries, last)
}

// speaker is, of the tries that a list shows, the one that tells how the page stands. A
// list without the last try is not
// the list that was asked for, unless it is of a kind that lists may leave out.
func speaker(tries []sight, last sight) sight {
	var money []sight
	var doubtful, stepUp *sight
	listed := last.tx.Status == awaiting
	for i, s := range tries {
		listed = listed || s.tx.TransactionID == last.tx.TransactionID
		switch {
		case s.Verdict.HasMoney():
			money = append(money, s)
		case s.Verdict == providers.Unknown:
			doubtful = &tries[i]
		case s.Reason == providers.StepUp:
			stepUp = &tries[i]
		}
	}
	switch {
	case len(money) > 1:
		return sight{Result: providers.Doubt(providers.Mismatch, money[0].Code, errTwice)}
	case len(money) == 1:
		return money[0]
	case doubtful != nil:
		return *doubtful
	case !listed:
		return sight{Result: providers.Doubt(providers.Mismatch, last.Code, errCutOff)}
	case stepUp != nil:
		return *stepUp
	}
	return last
}
