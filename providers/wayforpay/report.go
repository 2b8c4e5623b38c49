package wayforpay

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/payrouter/payrouter/providers"
)

// TRANSACTION_LIST has no pages and refuses more than 31 days, so it is asked a day at a
// time. Whether its window filters by creation or by processing is not documented:
// windows overlap by an hour and reach an hour beyond both ends (notes, section 9).
const (
	listWindow  = 24 * time.Hour
	listOverlap = time.Hour
)

// row is one line of TRANSACTION_LIST. Rows carry a payer's name, phone and e-mail; they
// are not read.
type row struct {
	TransactionType   literal `json:"transactionType"`
	OrderReference    literal `json:"orderReference"`
	CreatedDate       literal `json:"createdDate"`
	ProcessingDate    literal `json:"processingDate"`
	Amount            literal `json:"amount"`
	Currency          literal `json:"currency"`
	TransactionStatus literal `json:"transactionStatus"`
	ReasonCode        literal `json:"reasonCode"`
	Fee               literal `json:"fee"`
}

// Report reads the rows created in the window, in the provider's order. Every refund is
// a row of its own with the payment's order number. Rows that overlapping answers repeat
// are told once, while equal rows within one answer are all told: two equal partial
// refunds differ in nothing.
func (g *Gateway) Report(ctx context.Context, w providers.Window, line func(providers.StatementLine) error) error {
	told := map[row]int{}
	for from := w.From.Add(-listOverlap); from.Before(w.To); from = from.Add(listWindow - listOverlap) {
		rows, err := g.list(ctx, from, from.Add(listWindow), g.config.Timeouts.Status)
		if err != nil {
			return err
		}
		seen := map[row]int{}
		for _, r := range rows {
			at, err := r.at()
			if err != nil {
				return err
			}
			if at.Before(w.From) || !at.Before(w.To) {
				continue
			}
			if seen[r]++; seen[r] <= told[r] {
				continue
			}
			told[r] = seen[r]
			movement, err := r.line(at)
			if err != nil {
				return err
			}
			if err := line(movement); err != nil {
				return err
			}
		}
	}
	return nil
}

func (g *Gateway) list(ctx context.Context, from, to time.Time, timeout time.Duration) ([]row, error) {
	r := request{TransactionType: transactionList, MerchantAccount: g.config.MerchantAccount, APIVersion: 1,
		DateBegin: from.Unix(), DateEnd: to.Unix()}
	body, result, ok := g.post(ctx, g.lists, r.signed(g.config.MerchantSecret), timeout)
	day := from.UTC().Format(time.DateTime)
	if !ok {
		return nil, fmt.Errorf("wayforpay: list from %s: %s %s: %w", day, result.Reason, result.Code, errors.Join(errNoList, result.Err))
	}
	var answer struct {
		ReasonCode literal `json:"reasonCode"`
		Rows       *[]row  `json:"transactionList"`
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return nil, fmt.Errorf("wayforpay: list from %s: %w", day, errMalformed)
	}
	if answer.ReasonCode != okCode || answer.Rows == nil {
		return nil, fmt.Errorf("wayforpay: list from %s: answered %s: %w", day, shown(answer.ReasonCode, aNumber), errNoList)
	}
	return *answer.Rows, nil
}

var errNoList = errors.New("no list of transactions")

// at is when the row was created.
func (r row) at() (time.Time, error) {
	at, ok := unix(r.CreatedDate)
	if !ok {
		return time.Time{}, r.unreadable("createdDate")
	}
	return at, nil
}

// before reports whether whatever dates the row has are of before then. Which of the two the
// list's window is about is not documented, nor whether a refund has the payment's first one.
func (r row) before(then time.Time) bool {
	created, ok := unix(r.CreatedDate)
	if !ok || !created.Before(then) {
		return false
	}
	processed, ok := unix(r.ProcessingDate)
	return r.ProcessingDate == "" || ok && processed.Before(then)
}

// unix reads a date in unix seconds.
func unix(text literal) (time.Time, bool) {
	seconds, err := strconv.ParseInt(string(text), 10, 64)
	return time.Unix(seconds, 0).UTC(), err == nil && seconds > 0
}

func (r row) unreadable(field string) error {
	return fmt.Errorf("wayforpay: %s row of order %q: %s cannot be read", shown(r.TransactionType, aWord), providers.Plain(string(r.OrderReference), longestOrder, ";"), field)
}

func (r row) line(at time.Time) (providers.StatementLine, error) {
	amount, err := providers.ParseMoney(string(r.Amount), string(r.Currency))
	if err != nil {
		return providers.StatementLine{}, r.unreadable("amount")
	}
	if amount.Minor < 0 {
		amount.Minor = -amount.Minor // the type tells the direction
	}
	movement := providers.StatementLine{Order: string(r.OrderReference), Amount: amount, At: at, Code: shown(r.TransactionStatus, aWord)}
	if r.Fee != "" {
		if movement.Fee, err = providers.ParseMoney(string(r.Fee), string(r.Currency)); err != nil {
			return providers.StatementLine{}, r.unreadable("fee")
		}
	}
	switch movement.Kind = providers.LineCharge; {
	case r.TransactionType == "PURCHASE" || r.TransactionType == charge || r.TransactionType == settle:
		if movement.Verdict = r.charged(); r.TransactionStatus == voided {
			movement.Reason = providers.Released
		}
	case r.TransactionType == refund && r.TransactionStatus == voided:
		movement.Verdict, movement.Reason = providers.Declined, providers.Released // a hold given back: no charge was made and none returned
	case r.TransactionType == refund:
		movement.Kind = providers.LineRefund
		movement.Verdict = r.givenBack()
	default:
		movement.Code = shown(r.TransactionType, aWord) + " " + movement.Code // no direction is known; people look
	}
	return movement, nil
}

func (r row) charged() providers.Verdict {
	switch r.TransactionStatus {
	case approved, refunded, refundInProcessing: // the money came, whatever became of it
		return providers.Approved
	case waitingComplete:
		return providers.Held
	case created, inProcess, pending:
		return providers.Pending
	case statusDeclined, expired, voided:
		return providers.Declined
	}
	return providers.Unknown
}

func (r row) givenBack() providers.Verdict {
	switch r.TransactionStatus {
	case refunded:
		return providers.Approved
	case refundInProcessing:
		return providers.Pending
	case statusDeclined:
		return providers.Declined
	}
	return providers.Unknown
}
