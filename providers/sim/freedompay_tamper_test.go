package sim

import (
	"testing"
	"time"
)

func TestFreedomPayStatementCanBeTamperedWith(t *testing.T) {
	fpBubble(t, FreedomPayOptions{}, func(s *fpShop) {
		ids := []string{}
		for _, order := range []string{"o1", "o2", "o3"} {
			ids = append(ids, s.paid(order))
			time.Sleep(time.Hour - 5*time.Second)
		}
		s.call("/revoke.php", "pg_payment_id", ids[0], "pg_refund_amount", "1")
		fpPass(5 * time.Second)
		TamperCheck{
			Bank: s.bank, Face: "freedompay", Match: "o2", Row: 1,
			Read: func() []map[string]string {
				rows := []map[string]string{}
				for _, field := range s.call("/get_registry.php", "pg_date", "2000-01-01") {
					if field.name == "payment" {
						row := map[string]string{}
						for _, leaf := range field.inner {
							row[leaf.name] = leaf.value
						}
						rows = append(rows, row)
					}
				}
				return rows
			},
			Look: func() string {
				out := ""
				for _, id := range ids {
					out += s.status(id).without(fpSalt, fpSig).form("") + "\n"
				}
				return out
			},
			Wants: map[TamperKind]map[string]string{
				TamperDouble:   {"pg_payment_id": TamperAnew},
				TamperForeign:  {"pg_payment_id": TamperAnew, "pg_order_id": TamperAnew},
				TamperAmount:   {"pg_amount": "14501.00", "pg_clearing_amount": "14501.00", "pg_net_amount": "14080.50"},
				TamperCurrency: {"pg_currency": "USD"},
				TamperWord:     {"pg_payment_status": "frozen"},
				TamperDeclined: {"pg_payment_status": "error", "pg_clearing_amount": TamperGone, "pg_net_amount": TamperGone},
				TamperFee:      {"pg_net_amount": "14078.50"},
				TamperLate:     {"pg_payment_date": "2000-01-01 06:30:00"},
				TamperNameless: {"pg_order_id": TamperGone},
			},
		}.Run(t)
	})
}
