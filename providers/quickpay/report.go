package quickpay

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/providers/internal/exchange"
)

const (
	pageSize = 100
	// listTime is how the list wants its times (notes, section 9).
	listTime = "2006-01-02 15:04:05 -0700"
)

var (
	errNoList   = errors.New("no list of payments")
	errDisorder = errors.New("quickpay: the list is not in the order of creation")
	errLoop     = errors.New("quickpay: the list repeats itself")
	errNextLink = errors.New("quickpay: the list goes on somewhere else")
)

// Report reads the movements of the window, payment by payment, the oldest first.
//
// Movements are operations, but the list is one of payments: a refund stands on a payment
// that may be weeks older. Whether the list's times are of creation or of change is not
// documented. So it is read from statement_reach before the window, and ends at the first
// payment that was created after the window: both readings then find everything.
func (g *Gateway) Report(ctx context.Context, w providers.Window, line func(providers.StatementLine) error) error {
	query := url.Values{
		"min_time": {w.From.Add(-g.config.StatementReach).UTC().Format(listTime)},
		"sort_dir": {"asc"}, "page": {"1"}, "page_size": {strconv.Itoa(pageSize)},
	}
	told, last := map[literal]bool{}, time.Time{}
	for {
		page, next, err := g.page(ctx, query)
		if err != nil {
			return err
		}
		news := 0
		for _, p := range page {
			if told[p.ID] {
				continue // a page moved on between two requests
			}
			told[p.ID] = true
			news++
			created, ok := p.CreatedAt.instant()
			switch {
			case !p.ID.isID() || !ok || !g.mine(p):
				return fmt.Errorf("quickpay: a payment of the list: %w", errMalformed)
			case created.Before(last):
				return errDisorder
			case !created.Before(w.To):
				return nil
			}
			last = created
			if err := p.tell(w, g.config.TestMode, line); err != nil {
				return err
			}
		}
		switch {
		case next == nil:
			return nil
		case news == 0:
			return errLoop
		}
		query = next
	}
}

// page reads one page, and finds the query of the next one: by the Link header where there
// is one, else the list goes on for as long as pages are full.
func (g *Gateway) page(ctx context.Context, query url.Values) ([]payment, url.Values, error) {
	got, no := g.exchange(ctx, g.lists, call{method: http.MethodGet, path: "/payments?" + query.Encode(), limit: g.config.Timeouts.Status})
	if no != nil {
		return nil, nil, fmt.Errorf("quickpay: page %s: %s %s: %w", shown(literal(query.Get("page"))), no.result.Reason, no.result.Code, errors.Join(errNoList, no.result.Err))
	}
	all, err := readPayments(got.Body)
	if err != nil {
		return nil, nil, err
	}
	next, err := g.next(got, query, len(all))
	return all, next, err
}

func (g *Gateway) next(got exchange.Answer, query url.Values, n int) (url.Values, error) {
	for _, header := range got.Header.Values("Link") {
		for entry := range strings.SplitSeq(header, "<") { // an address may have commas
			address, rest, _ := strings.Cut(entry, ">")
			if !strings.Contains(strings.ReplaceAll(rest, `"`, ""), "rel=next") {
				continue
			}
			found, err := g.api.Parse(address)
			if err != nil || found.Host != g.api.Host || found.RawQuery == query.Encode() {
				return nil, errNextLink // our key goes nowhere else
			}
			return found.Query(), nil
		}
	}
	page, err := strconv.Atoi(query.Get("page"))
	if n < pageSize || err != nil {
		return nil, nil
	}
	next := url.Values{}
	for name, values := range query {
		next[name] = values
	}
	next.Set("page", strconv.Itoa(page+1))
	return next, nil
}

// tell gives the lines of one payment. Money is told as it came and went: a capture is a
// charge, an authorize counts by itself only where nothing came of it, and of tries that
// were refused only the last, and only if nothing was approved after it. Money of the other mode
// than the account's is none: a statement heals our books, and whoever knows a test card's
// number, which is public, would have paid with it (notes, section 2).
func (p payment) tell(w providers.Window, test bool, line func(providers.StatementLine) error) error {
	t := p.count()
	if t.unreadable || p.Operations == nil {
		return p.untold("operations")
	}
	for i, o := range *p.Operations {
		l, ok := p.movement(t, i, o)
		if !ok {
			continue
		}
		at, readable := o.CreatedAt.instant()
		switch {
		case !readable:
			return p.untold("created_at")
		case at.Before(w.From) || !at.Before(w.To):
			continue
		}
		l.At, l.Order, l.Code = at, string(p.OrderID), shown(o.Code)
		if l.Verdict.HasMoney() && (p.TestMode == nil || *p.TestMode != test) {
			l.Verdict, l.Code = providers.Unknown, "test_mode"
		}
		if err := line(l); err != nil {
			return err
		}
	}
	return nil
}

// movement is the line of one operation, if it has any.
func (p payment) movement(t tally, i int, o operation) (providers.StatementLine, bool) {
	amount, _ := o.Amount.whole()
	l := providers.StatementLine{Kind: providers.LineCharge, External: string(p.ID), Amount: p.sum(amount), Verdict: o.standing()}
	switch o.Type {
	case capture:
		// One that is refused or under way took nothing yet; what is held is told by the authorize.
		return p.withFee(l, i), l.Verdict == providers.Approved || l.Verdict == providers.Unknown
	case authorize, recurring:
		switch {
		case t.captured > 0 || t.held && !o.approved():
			return l, false
		case !t.held && o != t.last:
			return l, false
		case o.approved() && (t.canceled || t.lapsed):
			l.Verdict = providers.Declined // a hold that was given back: no charge was made, and none returned
		case o.approved() && p.captures() && !t.refused:
			l.Verdict = providers.Pending // its capture is on the way
		case o.approved():
			l.Verdict = providers.Held
		}
		return l, true
	case refund:
		l.Kind, l.External = providers.LineRefund, string(p.ID)+"-"+shown(o.ID)
		return l, true
	case cancel, renew, session:
		return l, false
	}
	l.Verdict = providers.Unknown // no direction is known; people look
	return l, true
}

// standing is how an operation stands by itself.
func (o operation) standing() providers.Verdict {
	switch meant := o.meaning(); {
	case o.waits():
		return providers.Pending
	case meant.class == success:
		return providers.Approved
	case meant.class == undocumented, meant.class == elsewhere, meant.class == unclear:
		return providers.Unknown
	}
	return providers.Declined
}

// withFee adds the payment's fee to its first capture.
func (p payment) withFee(l providers.StatementLine, i int) providers.StatementLine {
	for _, before := range (*p.Operations)[:i] {
		if before.Type == capture {
			return l
		}
	}
	if fee, ok := p.Fee.whole(); ok {
		l.Fee = p.sum(fee)
	}
	return l
}

func (p payment) untold(field string) error {
	return fmt.Errorf("quickpay: payment %s: %s cannot be read", shown(p.ID), field)
}
