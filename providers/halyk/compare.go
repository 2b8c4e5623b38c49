package halyk

import (
	"errors"
	"strings"

	"github.com/payrouter/payrouter/providers"
)

var (
	errOtherNumber   = errors.New("another payment's number")
	errOtherID       = errors.New("another transaction than the one that had our money")
	errOtherTerminal = errors.New("another terminal")
	errOtherAmount   = errors.New("another amount")
	errOtherCurrency = errors.New("another currency")
	errNoID          = errors.New("the transaction's id is none")
	errIncomplete    = errors.New("a field that identifies the payment is missing")
)

// compare holds a transaction against what we asked for (I10) and gives its
// amount. The number must always be ours. Where money is said to be held or
// charged, id, terminal, currency and amount must be there and ours; elsewhere
// they may be missing or zero, as the bank shows them for failed payments.
func (g *Gateway) compare(ref providers.Ref, t transaction, stands standing) (providers.Money, providers.Reason, error) {
	none := providers.Money{}
	money := stands == held || stands == charged || stands == givenBack
	switch {
	case t.InvoiceID == "", money && (t.ID == "" || t.TerminalID == ""):
		return none, providers.Unreadable, errIncomplete
	case t.ID != "" && !isID(t.ID):
		return none, providers.Unreadable, errNoID
	case string(t.InvoiceID) != ref.Order:
		return none, providers.Mismatch, errOtherNumber
	case t.TerminalID != "" && !strings.EqualFold(string(t.TerminalID), g.config.TerminalID):
		return none, providers.Mismatch, errOtherTerminal
	case t.ID != "" && ref.External != "" && ref.Method != providers.QR && string(t.ID) != ref.External:
		return none, providers.Mismatch, errOtherID // a QR's id is its bill number, not a transaction
	}
	exact := stands == held || stands == charged
	if t.Amount == "" && !exact {
		return none, providers.NoReason, nil
	}
	sum, err := t.sum()
	switch {
	case err != nil:
		return none, providers.Unreadable, err
	case string(t.Currency) != ref.Amount.Currency && (exact || t.Currency != ""):
		return none, providers.Mismatch, errOtherCurrency
	case exact && sum == ref.Amount,
		stands == charged && ref.TwoStage && sum.Minor > 0 && sum.Minor < ref.Amount.Minor, // captured in part
		stands == givenBack && sum.Minor <= ref.Amount.Minor,
		!money && (sum.IsZero() || sum == ref.Amount):
		return sum, providers.NoReason, nil
	}
	return none, providers.Mismatch, errOtherAmount
}

// sum is what was paid in all: bonuses and the card's part together.
func (t transaction) sum() (providers.Money, error) {
	sum, err := readAmount(t.Amount)
	if err != nil || t.AmountBonus == "" {
		return sum, err
	}
	bonus, err := readAmount(t.AmountBonus)
	if err != nil {
		return providers.Money{}, err
	}
	return addAmount(sum, bonus)
}
