package sim

import (
	"testing"
	"time"
)

func TestWayForPayStatementCanBeTamperedWith(t *testing.T) {
	wfpBubble(t, WayForPayOptions{}, func(s *wfpShop) {
		opened := time.Now()
		for _, order := range []string{"rt-1", "rt-2", "rt-3"} {
			s.charge(order, "100", nil)
			wfpLater(time.Hour)
		}
		s.refund("rt-1", "40", "rf-1")
		TamperCheck{
			Bank: s.bank, Face: "wayforpay", Match: "rt-2", Row: 1,
			Read: func() []map[string]string {
				rows := []map[string]string{}
				for _, row := range s.rows(opened, nil) {
					rows = append(rows, FlatRow(map[string]any(row)))
				}
				return rows
			},
			Look: func() string {
				out := ""
				for _, order := range []string{"rt-1", "rt-2", "rt-3"} {
					out += said(s.api("CHECK_STATUS", wfpAnswer{"orderReference": order}))
				}
				return out
			},
			Wants: map[TamperKind]map[string]string{
				TamperForeign:  {"orderReference": TamperAnew},
				TamperAmount:   {"amount": "101.00", "baseAmount": "101.00", "settlementAmount": "99.00"},
				TamperCurrency: {"currency": "USD", "baseCurrency": "USD"},
				TamperWord:     {"transactionStatus": "Frozen"},
				TamperDeclined: {
					"transactionStatus": "Declined", "reason": "Insufficient Funds", "reasonCode": "1104", "fee": "0",
					"settlementDate": TamperGone, "settlementAmount": TamperGone,
				},
				TamperFee:      {"fee": "3.00", "settlementAmount": "97.00"},
				TamperLate:     {"createdDate": "946690200"},
				TamperUnpaid:   {"settlementDate": TamperGone, "settlementAmount": TamperGone},
				TamperNameless: {"orderReference": ""},
			},
		}.Run(t)
	})
}

func TestWayForPayTampersAboutAnOrderCoverItsRefund(t *testing.T) {
	wfpBubble(t, WayForPayOptions{}, func(s *wfpShop) {
		opened := time.Now()
		s.charge("rt-1", "100", nil)
		s.refund("rt-1", "40", "rf-1")
		s.charge("rt-2", "100", nil)
		const rest = "CHARGE rt-2 100.00 Approved 1100"
		for kind, want := range map[TamperKind]string{
			TamperOmit:     rest,
			TamperWord:     "CHARGE rt-1 100.00 HELD 1100\nREFUND rt-1 40.00 HELD 1100\n" + rest,
			TamperDeclined: "CHARGE rt-1 100.00 Declined 1104\nREFUND rt-1 40.00 Refunded 1100\n" + rest,
			TamperForeign:  "CHARGE rt-1 100.00 Approved 1100\nCHARGE HELD 100.00 Approved 1100\nREFUND rt-1 40.00 Refunded 1100\n" + rest,
		} {
			rule := Tamper{Face: "wayforpay", Kind: kind, Match: "rt-1"}
			if kind == TamperWord || kind == TamperForeign {
				rule.Word = "HELD"
			}
			id, err := s.bank.AddTamper(rule)
			if err != nil {
				t.Fatal(err)
			}
			if got := wfpLines(s.rows(opened, nil)); got != want {
				t.Errorf("%s shows\n%s\nwant\n%s", kind, got, want)
			}
			s.bank.RemoveTamper(id)
		}
	})
}
