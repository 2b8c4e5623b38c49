package tiptoppay

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/payrouter/payrouter/providers"
)

const (
	pageRows = 100             // a list has pages of so many, and no count of them (notes, section 9)
	listEdge = 2 * time.Minute // how far two clocks may differ
	listZone = "UTC"           // never ALMT, which is not what Almaty has
	listTime = time.RFC3339    // with an offset
)

// listRequest asks for the operations created in a span of time, both ends included.
type listRequest struct {
	PageNumber int
	From       string `json:"CreatedDateGte"`
	To         string `json:"CreatedDateLte"`
	TimeZone   string
}

// list calls row for every operation of the window, oldest first, and for none twice: a
// page may move while we read. Row's error ends it and is the Result's. Each page has the
// limit that until gives, and a list of more than the given pages is none; 0 is no bound.
func (g *Gateway) list(ctx context.Context, w providers.Window, pages int, until func() time.Time, row func(transaction) error) (providers.Result, bool) {
	told := map[literal]bool{}
	for page := 1; ; page++ {
		said, result, ok := g.ask(ctx, call{path: operationList, body: listRequest{
			PageNumber: page, From: w.From.UTC().Truncate(time.Second).Format(listTime), To: w.To.UTC().Add(time.Second).Format(listTime), TimeZone: listZone,
		}}, until())
		if !ok {
			result.Verdict = providers.Unknown
			return result, false
		}
		var rows []transaction
		switch {
		case !said.Success:
			return providers.Doubt(providers.Ambiguous, "refused", errNoList), false
		case said.Model == nil || json.Unmarshal(said.Model, &rows) != nil:
			return providers.Doubt(providers.Unreadable, "", errNoList), false
		}
		known := len(told)
		for _, t := range rows {
			if told[t.TransactionID] {
				continue
			}
			told[t.TransactionID] = true
			at, err := t.created()
			if err == nil && (at.Before(w.From) || !at.Before(w.To)) {
				continue
			}
			if err == nil {
				err = row(t)
			}
			if err != nil {
				return providers.Doubt(providers.Unreadable, "", err), false
			}
		}
		switch {
		case len(rows) < pageRows:
			return providers.Result{}, true
		case len(told) == known: // or it would never end
			return providers.Doubt(providers.Unreadable, "", errRepeats), false
		case page == pages:
			return providers.Doubt(providers.Ambiguous, "", errTooLong), false
		}
	}
}

var (
	errTooLong = errors.New("tiptoppay: the list has more pages than are read for one look-up")
	errNoList  = errors.New("tiptoppay: no list of operations")
	errRepeats = errors.New("tiptoppay: a page of the list repeats what was told")
)

// eachPage is the limit of a page that has a look-up's time to itself.
func (g *Gateway) eachPage() time.Time { return time.Now().Add(g.config.Timeouts.Status) }

// Report reads the operations created in the window, in TipTop Pay's order. A hold that is
// confirmed later, or a payment that is given back, changes in an old window: read a week
// back to see it.
func (g *Gateway) Report(ctx context.Context, w providers.Window, line func(providers.StatementLine) error) error {
	result, ok := g.list(ctx, w, 0, g.eachPage, func(t transaction) error {
		movement, err := g.line(t)
		if err != nil {
			return err
		}
		return line(movement)
	})
	if !ok {
		return fmt.Errorf("tiptoppay: list from %s: %s %s: %w", w.From.UTC().Format(time.DateTime), result.Reason, result.Code, errors.Join(errNotWhole, result.Err))
	}
	return nil
}

var errNotWhole = errors.New("not read to its end")

// line is one operation as a movement. Refunds name the payment's order and have ids of
// their own.
func (g *Gateway) line(t transaction) (providers.StatementLine, error) {
	unreadable := func(field string) (providers.StatementLine, error) {
		return providers.StatementLine{}, fmt.Errorf("tiptoppay: operation %s: %s cannot be read", shown(t.TransactionID, aTransactionID), field)
	}
	at, err := t.created()
	if err != nil {
		return unreadable("CreatedDateIso")
	}
	if !aTransactionID.MatchString(string(t.TransactionID)) {
		return unreadable("TransactionId")
	}
	amount, err := providers.ParseMoney(string(t.Amount), string(t.Currency)) // the books tell of every currency
	if err != nil || amount.Minor < 0 {
		return unreadable("Amount")
	}
	if g.config.TestMode != (t.TestMode == "true") {
		return providers.StatementLine{}, errTestMode
	}
	movement := providers.StatementLine{Kind: providers.LineCharge, Order: string(t.InvoiceID), External: string(t.TransactionID),
		Amount: amount, At: at, Code: t.code()}
	if fee, err := providers.ParseMoney(string(t.TotalFee), string(t.Currency)); err == nil && fee.Minor >= 0 {
		movement.Fee = fee // a fee that the currency cannot express is not told
	}
	switch {
	case t.OriginalID != "" && t.OriginalID != "0":
		movement.Kind, movement.Verdict = providers.LineRefund, moved(t.Status)
		if t.Status == authorized {
			movement.Verdict = providers.Pending
		}
	case t.returns():
		movement.Code = "type " + shown(t.Type, aNumber) + " " + movement.Code // no direction is known; people look
	default:
		if movement.Verdict = moved(t.Status); t.Status == cancelled {
			movement.Reason = providers.Released
		}
	}
	return movement, nil
}

// moved is what a status says of the money of a row.
func moved(status literal) providers.Verdict {
	switch status {
	case completed:
		return providers.Approved
	case authorized:
		return providers.Held
	case awaiting:
		return providers.Pending
	case statusDeclined, cancelled:
		return providers.Declined
	}
	return providers.Unknown
}
