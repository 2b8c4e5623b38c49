package sim_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/payrouter/payrouter/providers/sim"
)

func TestKaspiStatementCanBeTamperedWith(t *testing.T) {
	inBubble(t, sim.Options{}, sim.KaspiOptions{}, func(t *testing.T, b *sim.Bank, s shop) {
		ids := []string{}
		for i := range 3 {
			ids = append(ids, s.offer(t, fmt.Sprintf("pay_%d", i+1)))
			must(t, b.Act("kaspi", ids[i], sim.ActPay))
			pass(time.Hour)
		}
		s.call(t, "POST", "payment/return", returnBody(ids[0], "90.50"))
		sim.TamperCheck{
			Bank: b, Face: "kaspi", Match: "pay_2", Row: 1,
			Read: func() []map[string]string { return sim.CSVRows(statementOf(b, "2000-01-01").Body.String()) },
			Look: func() string {
				out := ""
				for _, id := range ids {
					out += fmt.Sprintf("%s %+v\n", s.status(t, id), s.call(t, "GET", "payment/status/"+id, ""))
				}
				return out
			},
			Wants: map[sim.TamperKind]map[string]string{
				sim.TamperDouble:   {"qr_payment_id": sim.TamperAnew},
				sim.TamperForeign:  {"qr_payment_id": sim.TamperAnew, "external_id": sim.TamperAnew},
				sim.TamperAmount:   {"amount": "15491.00", "net_amount": "15343.84"},
				sim.TamperWord:     {"operation_type": "Correction"},
				sim.TamperFee:      {"fee": "148.16", "net_amount": "15341.84"},
				sim.TamperLate:     {"operation_date": "2000-01-01T06:30:00.000+05:00"},
				sim.TamperNameless: {"qr_payment_id": "", "external_id": ""},
			},
		}.Run(t)
	})
}

func TestKaspiTamperAboutAReturnLeavesItsPurchaseAlone(t *testing.T) {
	inBubble(t, sim.Options{}, sim.KaspiOptions{}, func(t *testing.T, b *sim.Bank, s shop) {
		id := s.offer(t, "pay_1")
		must(t, b.Act("kaspi", id, sim.ActPay))
		back := s.call(t, "POST", "payment/return", returnBody(id, "90.50")).field("ReturnOperationId")
		shows := func() string {
			out := ""
			for _, row := range sim.CSVRows(statementOf(b, "2000-01-01").Body.String()) {
				out += fmt.Sprintf("%s %s %s\n", row["operation_type"], row["amount"], row["net_amount"])
			}
			return out
		}
		const purchase = "Purchase 15490.00 15342.84\n"
		for _, c := range []struct {
			rule sim.Tamper
			want string
		}{
			{sim.Tamper{Kind: sim.TamperAmount, Amount: 100}, purchase + "Return -91.50 -91.50\n"},
			{sim.Tamper{Kind: sim.TamperAmount, Amount: -1_000_000}, purchase + "Return 0.00 0.00\n"}, // never beyond nothing
			{sim.Tamper{Kind: sim.TamperOmit}, purchase},
			{sim.Tamper{Kind: sim.TamperDouble}, purchase + "Return -90.50 -90.50\nReturn -90.50 -90.50\n"},
			{sim.Tamper{Kind: sim.TamperForeign}, purchase + "Return -90.50 -90.50\n"}, // a foreign charge stands beside charges alone
		} {
			c.rule.Face, c.rule.Match = "kaspi", back
			addTamper(t, b, c.rule)
			wantEqual(t, string(c.rule.Kind), shows(), c.want)
			b.ClearTampers()
		}
	})
}
