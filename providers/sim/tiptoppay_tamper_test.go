package sim

import (
	"fmt"
	"testing"
	"time"
)

func TestTipTopPayStatementCanBeTamperedWith(t *testing.T) {
	ttpBubble(t, TipTopPayOptions{}, func(s *ttpShop) {
		first := ttpID(s.token("rt-1", ttpGoodToken))
		time.Sleep(time.Hour)
		second := ttpID(s.token("rt-2", ttpGoodToken))
		time.Sleep(time.Hour)
		s.token("rt-3", ttpPoorToken)
		s.refund(first, "5000")
		time.Sleep(23 * time.Hour) // past the day of payout
		var noDates = map[string]string{
			"AuthDate": "<nil>", "AuthDateIso": "<nil>", "ConfirmDate": "<nil>", "ConfirmDateIso": "<nil>", "PayoutDate": "<nil>",
			"PayoutDateIso": "<nil>", "PayoutAmount": "<nil>", "AuthCode": "<nil>", "Rrn": "<nil>", "TotalFee": "0.00",
			"Status": "Declined", "StatusCode": "5", "ReasonCode": "5051", "Reason": "InsufficientFunds", "CardHolderMessage": TamperAnew,
		}
		TamperCheck{
			Bank: s.bank, Face: "tiptoppay", Match: "rt-2", Row: 1,
			Read: func() []map[string]string {
				rows := []map[string]string{}
				for _, row := range ttpRows(s.period(0, 48*time.Hour, nil)) {
					rows = append(rows, FlatRow(map[string]any(row)))
				}
				return rows
			},
			Look: func() string {
				out := said(s.api("/payments/get", ttpByID(first, nil))) + said(s.api("/payments/get", ttpByID(second, nil)))
				for _, invoice := range []string{"rt-1", "rt-2", "rt-3"} {
					out += said(s.find(invoice)) + said(s.api("/v2/payments/find", ttpObject{"InvoiceId": invoice}))
				}
				return out
			},
			Wants: map[TamperKind]map[string]string{
				TamperDouble: {"TransactionId": TamperAnew, "AuthCode": TamperAnew, "Rrn": TamperAnew},
				TamperForeign: {
					"TransactionId": TamperAnew, "AuthCode": TamperAnew, "Rrn": TamperAnew, "InvoiceId": TamperAnew,
					"AccountId": "<nil>", "JsonData": "<nil>", "Description": "<nil>", "Token": "<nil>",
				},
				TamperAmount:   {"Amount": "14501.00", "PaymentAmount": "14501.00", "PayoutAmount": "14211.00"},
				TamperCurrency: {"Currency": "USD", "PaymentCurrency": "USD"},
				TamperWord:     {"Status": "Frozen", "StatusCode": "77"},
				TamperDeclined: noDates,
				TamperFee:      {"TotalFee": "291.00", "PayoutAmount": "14209.00"},
				TamperLate:     {"CreatedDate": "/Date(946690200000)/", "CreatedDateIso": "2000-01-01T01:30:00"},
				TamperUnpaid:   {"PayoutDate": "<nil>", "PayoutDateIso": "<nil>", "PayoutAmount": "<nil>"},
				TamperNameless: {"InvoiceId": "<nil>", "AccountId": "<nil>", "JsonData": "<nil>"},
			},
		}.Run(t)
	})
}

// A list of three pages in which a row is missing, or one too many, must not lose or repeat the others where pages meet.
func TestTamperedReadingIsWholeOverItsPages(t *testing.T) {
	for kind, want := range map[TamperKind][]int{TamperOmit: {100, 100, 4, 0}, TamperDouble: {100, 100, 6, 0}} {
		ttpBubble(t, TipTopPayOptions{}, func(s *ttpShop) {
			for i := range 205 {
				s.token(fmt.Sprintf("rt-%03d", i), ttpGoodToken)
				time.Sleep(time.Second)
			}
			if _, err := s.bank.AddTamper(Tamper{Face: "tiptoppay", Kind: kind, Match: "rt-120", Times: 1}); err != nil {
				t.Fatal(err)
			}
			read := func() (sizes []int, rows map[any]int) {
				rows = map[any]int{}
				for page := range 4 {
					got := ttpRows(s.period(0, time.Hour, ttpObject{"PageNumber": page + 1}))
					sizes = append(sizes, len(got))
					for _, row := range got {
						rows[row["InvoiceId"]]++
					}
					s.period(0, time.Second, nil) // another list, without the row, disturbs neither reading
				}
				return sizes, rows
			}
			for _, want := range [][]int{want, {100, 100, 5, 0}} {
				sizes, rows := read()
				if fmt.Sprint(sizes) != fmt.Sprint(want) {
					t.Errorf("%s: the pages have %v rows, want %v", kind, sizes, want)
				}
				for i := range 205 {
					if name := fmt.Sprintf("rt-%03d", i); i != 120 && rows[name] != 1 {
						t.Errorf("%s: %s stands there %d times", kind, name, rows[name])
					}
				}
			}
		})
	}
}
