package sim_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/payrouter/payrouter/providers/sim"
)

func TestHalykStatementCanBeTamperedWith(t *testing.T) {
	inHalyk(t, sim.Options{}, sim.HalykOptions{FeeBasisPoints: 200, RefundRows: true}, func(s halykShop) {
		ids := []string{}
		for i := range 3 {
			ids = append(ids, s.charge(fmt.Sprintf("26112300000%d", i), "100").at("id"))
			pass(time.Hour)
		}
		s.operate(ids[0], "refund?amount=40", "")
		sim.TamperCheck{
			Bank: s.b, Face: "halyk", Match: "261123000001", Row: 1,
			Read: func() []map[string]string {
				a := s.post("/operations", s.service(), `{"paging":{"page":1,"size":100},"orderParameters":[{"field":"created_date","typeOrder":"ASC"}]}`)
				records, _ := a.Body["records"].([]any)
				rows := []map[string]string{}
				for _, row := range records {
					rows = append(rows, sim.FlatRow(row))
				}
				wantEqual(t, "totalCount", a.at("totalCount"), fmt.Sprint(len(rows)))
				return rows
			},
			Look: func() string {
				out := ""
				for i, id := range ids {
					out += s.status(fmt.Sprintf("26112300000%d", i)).Text + s.get("/check-status/payment/transactionId/"+id, s.service()).Text
				}
				return out
			},
			Wants: map[sim.TamperKind]map[string]string{
				sim.TamperDouble:   {"id": sim.TamperAnew, "reference": sim.TamperAnew},
				sim.TamperForeign:  {"id": sim.TamperAnew, "reference": sim.TamperAnew, "invoiceId": sim.TamperAnew},
				sim.TamperAmount:   {"amount": "101.00", "payoutAmount": "99.00"},
				sim.TamperCurrency: {"currency": "USD"},
				sim.TamperWord:     {"status": "LIMBO"},
				sim.TamperDeclined: {"status": "FAILED", "payoutDate": "", "payoutAmount": "0.00", "approvalCode": ""},
				sim.TamperFee:      {"payoutAmount": "97.00"},
				sim.TamperLate:     {"createdDate": "2000-01-01T06:30:00.000000+05:00"},
				sim.TamperUnpaid:   {"payoutDate": ""},
				sim.TamperNameless: {"invoiceId": "", "reference": ""},
			},
		}.Run(t)
	})
}

func TestLateRowStandsWhereItsNewDateBelongs(t *testing.T) {
	inHalyk(t, sim.Options{}, sim.HalykOptions{}, func(s halykShop) {
		for i := range 3 {
			s.charge(fmt.Sprintf("26112300000%d", i), "100")
			pass(time.Hour)
		}
		addTamper(t, s.b, sim.Tamper{Face: "halyk", Kind: sim.TamperLate, Match: "261123000000", By: sim.Duration(90 * time.Minute)})
		between := func(from, to string) string {
			return fmt.Sprintf(`{"name":"created_date","method":"between","searchParameter":["2000-01-01T%s+05:00","2000-01-01T%s+05:00"]}`, from, to)
		}
		_, all := s.records(1, 9, "")
		wantEqual(t, "the list, newest first", fmt.Sprint(all),
			"[261123000002 CHARGE 100.00 100.00 261123000000 CHARGE 100.00 100.00 261123000001 CHARGE 100.00 100.00]")
		total, _ := s.records(1, 9, between("05:00:00", "05:59:59"))
		wantEqual(t, "rows in the hour of the truth", total, "0")
		total, _ = s.records(1, 9, between("06:30:00", "06:30:00"))
		wantEqual(t, "rows at the new date", total, "1")
	})
}
