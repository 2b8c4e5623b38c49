package sim

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestQuickPayStatementCanBeTamperedWith(t *testing.T) {
	inQuickPay(t, QuickPayOptions{}, func(s *qpShop) {
		paths := []string{}
		for _, order := range []string{"rt-0001", "rt-0002", "rt-0003"} {
			paths = append(paths, s.captured(order))
			s.pass(time.Hour)
		}
		s.want(s.ask("POST", paths[0]+"/refund?synchronized", `{"amount":50050}`), 200)
		operation := func(n int, amount string) map[string]string {
			return map[string]string{fmt.Sprintf("operations.%d.amount", n): amount}
		}
		amounts := operation(0, "150150")
		amounts["operations.1.amount"], amounts["balance"] = "150150", "150150"
		declined := map[string]string{
			"state": "rejected", "accepted": "false", "balance": "0", "operations": "1", "operations.0.qp_status_code": "40000",
			"operations.0.qp_status_msg": "Rejected by acquirer", "operations.0.aq_status_code": "40000", "operations.0.aq_status_msg": "Rejected by acquirer",
		}
		foreign := map[string]string{
			"id": TamperAnew, "ulid": TamperAnew, "order_id": TamperAnew, "variables.attempt": TamperGone, "link": "<nil>",
		}
		for field := range FlatRow(s.ask("GET", paths[1], "").JSON) {
			switch {
			case strings.HasPrefix(field, "operations.1."):
				declined[field] = TamperGone
			case strings.HasPrefix(field, "link."):
				foreign[field] = TamperGone
			}
		}
		TamperCheck{
			Bank: s.bank, Face: "quickpay", Match: "rt-0002", Row: 1,
			Read: func() []map[string]string {
				rows := []map[string]string{}
				list, _ := s.ask("GET", "/payments?sort_dir=asc", "").JSON.([]any)
				for _, row := range list {
					rows = append(rows, FlatRow(row))
				}
				return rows
			},
			Look: func() string {
				out := ""
				for i, path := range paths {
					out += s.ask("GET", path, "").Text + s.ask("GET", "/payments?id="+strings.TrimPrefix(path, "/payments/"), "").Text
					out += s.ask("GET", fmt.Sprintf("/payments?order_id=rt-000%d", i+1), "").Text
				}
				return out
			},
			Wants: map[TamperKind]map[string]string{
				TamperDouble:   {"id": TamperAnew, "ulid": TamperAnew},
				TamperForeign:  foreign,
				TamperAmount:   amounts,
				TamperCurrency: {"currency": "USD"},
				TamperWord:     {"operations.1.qp_status_code": "29999"},
				TamperDeclined: declined,
				TamperFee:      {"fee": "100"},
				TamperLate: {
					"created_at": "2000-01-01T01:30:00Z", "updated_at": "2000-01-01T01:30:00Z",
					"operations.0.created_at": "2000-01-01T01:30:00Z", "operations.1.created_at": "2000-01-01T01:30:00Z",
				},
			},
		}.Run(t)
	})
}

func TestQuickPayPagesGoOnAfterAnInventedRow(t *testing.T) {
	inQuickPay(t, QuickPayOptions{}, func(s *qpShop) {
		for _, order := range []string{"rt-01", "rt-02", "rt-03"} {
			s.captured(order)
		}
		if _, err := s.bank.AddTamper(Tamper{Face: "quickpay", Kind: TamperForeign, Match: "rt-02", Word: "rt-xx"}); err != nil {
			t.Fatal(err)
		}
		if got := s.list("sort_dir=asc"); got != "01 02 xx 03" {
			t.Errorf("the list is %s", got)
		}
		key := s.ask("GET", "/payments?sort_dir=asc", "").at("2.id")
		if got := s.list("sort_dir=asc&page_key=" + key); got != "03" {
			t.Errorf("after the invented row comes %s", got)
		}
	})
}
