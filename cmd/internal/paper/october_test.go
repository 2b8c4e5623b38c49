package paper

import (
	"bytes"
	"io"
	"iter"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/payrouter/payrouter/providers"
)

func kzt(minor int64) providers.Money { return providers.Money{Minor: minor, Currency: "KZT"} }

// october is a statement with all that one can have: a fee that was told, one that was not,
// a refund, three kinds of decimals, days that are missing, and texts from outside.
func october() Statement {
	at := time.Date(2026, 10, 1, 19, 0, 5, 0, time.UTC) // the second of October in Almaty
	return Statement{
		Head: Head{Merchant: "ТОО «Әлем Қаңғы»", Gateway: "halyk-main", Provider: "halyk", Account: "M-0012345", From: "2026-10-01", To: "2026-10-31",
			Zone: "Asia/Almaty", Missing: []string{"2026-10-04", "2026-10-05"}, Created: time.Date(2026, 11, 1, 4, 30, 0, 0, time.UTC)},
		Totals: []Total{
			{Currency: "KZT", Charges: Sum{2, kzt(1550900)}, Refunds: Sum{1, kzt(500050)}, Fees: kzt(14735), FeesExpected: kzt(19), Net: kzt(1036115), Open: 1},
			{Currency: "JPY", Charges: Sum{1, providers.Money{Minor: 1200, Currency: "JPY"}}, Refunds: Sum{0, providers.Money{Currency: "JPY"}}},
		},
		Rows: rows([]Row{
			{Time: at, Day: "2026-10-02", Kind: providers.LineCharge, Order: "A-1001", Reference: "b2uj5vopt6", External: "7001", Amount: kzt(1549000), Fee: kzt(14716), Net: kzt(1534284), State: "paid", Payout: at.Add(30 * time.Hour)},
			{Time: at.Add(time.Hour), Day: "2026-10-02", Kind: providers.LineRefund, Order: "A-1001", Reference: "b2uj5vopt6", External: "9001", Amount: kzt(500050), Fee: kzt(0), Net: kzt(-500050), State: "refunded"},
			{Time: at.Add(2 * time.Hour), Day: "2026-10-02", Kind: providers.LineCharge, Order: `=HYPERLINK("http://evil";"x")`, Reference: "-1+1", External: "@x", Amount: kzt(1900), Fee: kzt(19), FeeExpected: true, Net: kzt(1881), State: "paid"},
			{Time: at.Add(3 * time.Hour), Day: "2026-10-02", Kind: providers.LineCharge, Order: "two\r\nlines; and \"quotes\"", Reference: strings.Repeat("0123456789abcdef", 8), External: "x", Amount: providers.Money{Minor: 1200, Currency: "JPY"}, State: "their own word"},
		}),
	}
}

func rows(all []Row) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		for _, r := range all {
			if !yield(r, nil) {
				return
			}
		}
	}
}

type format struct {
	name  string
	write func(io.Writer, Statement, Language) error
}

func written(t *testing.T, f format, s Statement, l Language) []byte {
	t.Helper()
	var to bytes.Buffer
	if err := f.write(&to, s, l); err != nil {
		t.Fatalf("%s, %s: %v", f.name, l, err)
	}
	return to.Bytes()
}

// numbered are so many rows, made one by one.
func numbered(n int, asked *int) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		for i := range n {
			if asked != nil {
				*asked++
			}
			if !yield(Row{Time: time.Date(2026, 10, 1, 0, 0, i, 0, time.UTC), Day: "2026-10-01", Kind: providers.LineCharge, External: "id-" + strconv.Itoa(i+1), Amount: kzt(100), State: "paid"}, nil) {
				return
			}
		}
	}
}
