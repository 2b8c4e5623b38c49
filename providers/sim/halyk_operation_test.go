package sim_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/payrouter/payrouter/providers/sim"
)

var halykTwoStep = halykTerminal(func(term *sim.HalykTerminal) { term.TwoStep = true })

// entries writes the ledger's lines about an invoice: "authorize 100.00".
func (s halykShop) entries(invoice string) []string {
	var out []string
	for _, e := range s.b.Ledger().Entries {
		if e.Reference == invoice {
			out = append(out, fmt.Sprintf("%s %d", e.Kind, e.AmountMinor))
		}
	}
	return out
}

// operate is one of the three operations on a transaction.
func (s halykShop) operate(id, operation, body string) halykAnswer {
	s.t.Helper()
	return s.post("/operation/"+id+"/"+operation, s.service(), body)
}

func TestHalykCapturesAHoldWhollyOrInPart(t *testing.T) {
	for call, want := range map[string]struct {
		entries string
		amount  string
	}{
		`charge |`:                            {"[authorize 100000 capture 100000]", "1000.00"},
		`charge?amount=300 |`:                 {"[authorize 100000 capture 30000 void 70000]", "300.00"},
		`charge |{"amount":300.50}`:           {"[authorize 100000 capture 30050 void 69950]", "300.50"},
		`charge?amount=300 |{"amount":300.0}`: {"[authorize 100000 capture 30000 void 70000]", "300.00"},
	} {
		inHalyk(t, sim.Options{}, sim.HalykOptions{Terminals: halykTwoStep}, func(s halykShop) {
			id := s.charge(halykInvoice, "1000").at("id")
			operation, body := halykSplit(call)
			a := s.operate(id, operation, body)
			wantEqual(t, "HTTP status", a.HTTP, 200)
			wantEqual(t, "code", a.at("code"), "0")
			wantEqual(t, "entries after "+call, fmt.Sprint(s.entries(halykInvoice)), want.entries)
			status := s.wantStatus(halykInvoice, "100", "CHARGE")
			wantEqual(t, "amount", status.at("transaction.amount"), want.amount)
			wantEqual(t, "payoutAmount", status.at("transaction.payoutAmount"), want.amount)
			wantEqual(t, "orgAmount", status.at("transaction.orgAmount"), "1000.00")
			s.wantError(s.operate(id, operation, body), "100")
		})
	}
}

func halykSplit(call string) (operation, body string) {
	for i, r := range call {
		if r == '|' {
			return call[:i-1], call[i+1:]
		}
	}
	return call, ""
}

func TestHalykRefusesCapturesThatMakeNoSense(t *testing.T) {
	inHalyk(t, sim.Options{}, sim.HalykOptions{Terminals: halykTwoStep}, func(s halykShop) {
		id := s.charge(halykInvoice, "1000").at("id")
		s.wantError(s.operate(id, "charge?amount=300", `{"amount":301}`), "469")
		s.wantError(s.operate(id, "charge?amount=1000.01", ""), "469")
		s.wantError(s.operate(id, "charge?amount=0", ""), "469")
		s.wantError(s.operate(id, "charge", `{"amount":"300"}`), "469")
		s.wantError(s.operate(halykInvoice, "charge", ""), "100") // the invoice is not the transaction
		s.wantError(s.operate(id, "refund", ""), "100")           // nothing was charged yet
		wantEqual(t, "entries", fmt.Sprint(s.entries(halykInvoice)), "[authorize 100000]")
	})
}

func TestHalykCancelReleasesAHold(t *testing.T) {
	inHalyk(t, sim.Options{}, sim.HalykOptions{Terminals: halykTwoStep}, func(s halykShop) {
		id := s.charge(halykInvoice, "1000").at("id")
		wantEqual(t, "HTTP status", s.operate(id, "cancel", "").HTTP, 200)
		s.wantStatus(halykInvoice, "100", "CANCEL")
		s.wantError(s.operate(id, "cancel", ""), "100")
		s.wantError(s.operate(id, "charge", ""), "100")
		wantEqual(t, "entries", fmt.Sprint(s.entries(halykInvoice)), "[authorize 100000 void 100000]")
	})
	inHalyk(t, sim.Options{}, sim.HalykOptions{}, func(s halykShop) {
		s.wantError(s.operate(s.charge(halykInvoice, "1000").at("id"), "cancel", ""), "100") // charged already
	})
}

func TestHalykRefundsInParts(t *testing.T) {
	inHalyk(t, sim.Options{}, sim.HalykOptions{}, func(s halykShop) {
		id := s.charge(halykInvoice, "15490").at("id")
		a := s.operate(id, "refund?amount=5000&externalID=rf_1", "")
		wantEqual(t, "HTTP status", a.HTTP, 200)
		wantEqual(t, "externalID", a.at("externalID"), "rf_1")
		status := s.wantStatus(halykInvoice, "100", "CHARGE")
		wantEqual(t, "payoutAmount", status.at("transaction.payoutAmount"), "10490.00")
		wantEqual(t, "amount", status.at("transaction.amount"), "15490.00")

		s.wantError(s.operate(id, "refund?amount=10490.01", ""), "469")
		wantEqual(t, "HTTP status", s.operate(id, "refund", "").HTTP, 200) // the rest
		s.wantStatus(halykInvoice, "100", "REFUND")
		s.wantError(s.operate(id, "refund", ""), "100")
		s.wantNet(halykInvoice, 0)
		wantEqual(t, "entries", fmt.Sprint(s.entries(halykInvoice)), "[charge 1549000 refund 500000 refund 1049000]")
	})
}

func TestHalykRefundsNoLessThanTenTenge(t *testing.T) {
	inHalyk(t, sim.Options{}, sim.HalykOptions{}, func(s halykShop) {
		id := s.charge(halykInvoice, "100").at("id")
		s.wantError(s.operate(id, "refund?amount=9.99", ""), "469")
		s.wantNet(halykInvoice, 100_00)
		wantEqual(t, "HTTP status", s.operate(id, "refund?amount=10", "").HTTP, 200)
		s.wantNet(halykInvoice, 90_00)
	})
}

func TestHalykCarelessRetryRefundsTwiceUnlessToldOtherwise(t *testing.T) {
	for refuses, net := range map[bool]int64{false: 80_00, true: 90_00} {
		inHalyk(t, sim.Options{}, sim.HalykOptions{RefuseExternalID: refuses}, func(s halykShop) {
			id := s.charge(halykInvoice, "100").at("id")
			s.operate(id, "refund?amount=10&externalID=rf_1", "")
			if again := s.operate(id, "refund?amount=10&externalID=rf_1", ""); refuses {
				s.wantError(again, "100")
			}
			s.wantNet(halykInvoice, net)
			wantEqual(t, "violations", s.violations(), "I9")
		})
	}
}

func TestHalykNamesAPartialRefundREFUNDBySwitch(t *testing.T) {
	inHalyk(t, sim.Options{}, sim.HalykOptions{RefundAtFirstPartial: true}, func(s halykShop) {
		id := s.charge(halykInvoice, "100").at("id")
		s.operate(id, "refund?amount=10", "")
		s.wantStatus(halykInvoice, "100", "REFUND")
		wantEqual(t, "HTTP status", s.operate(id, "refund?amount=20", "").HTTP, 200)
		s.wantNet(halykInvoice, 70_00)
	})
}

func TestHalykTransactionsAreTheirClientsOnly(t *testing.T) {
	terminals := halykTerminal(func(*sim.HalykTerminal) {})
	foreign := terminals[0]
	foreign.ID, foreign.Client = "foreign", "other"
	inHalyk(t, sim.Options{}, sim.HalykOptions{Terminals: append(terminals, foreign)}, func(s halykShop) {
		id := s.charge(halykInvoice, "100").at("id")
		form := halykServiceForm()
		form.Set("client_id", "other")
		form.Set("terminal", "foreign")
		token := s.mustToken(form)
		s.wantError(s.post("/operation/"+id+"/refund", token, ""), "100")
		wantEqual(t, "resultCode", s.get("/check-status/payment/transactionId/"+id, token).at("resultCode"), "109")
		wantEqual(t, "operations", s.post("/operations", token, `{"paging":{"page":1,"size":10}}`).at("totalCount"), "0")
	})
}

// halykRecords reads one page of the list of operations as "invoiceId status amount payoutAmount".
func (s halykShop) records(page, size int, filter string) (total string, rows []string) {
	s.t.Helper()
	a := s.post("/operations", s.service(), fmt.Sprintf(`{"searchParameters":[%s],"paging":{"page":%d,"size":%d},
		"orderParameters":[{"field":"created_date","typeOrder":"DESC"}]}`, filter, page, size))
	records, _ := a.Body["records"].([]any)
	for _, r := range records {
		row, _ := r.(map[string]any)
		rows = append(rows, fmt.Sprint(row["invoiceId"], " ", row["status"], " ", row["amount"], " ", row["payoutAmount"]))
	}
	return a.at("totalCount"), rows
}

func TestHalykListsOperationsInPages(t *testing.T) {
	inHalyk(t, sim.Options{}, sim.HalykOptions{FeeBasisPoints: 200}, func(s halykShop) {
		for i := range 3 {
			s.charge(fmt.Sprintf("26112300000%d", i), "100")
			pass(time.Minute)
		}
		s.token(halykInvoice, "100") // an offer is no operation
		total, first := s.records(1, 2, "")
		wantEqual(t, "totalCount", total, "3")
		wantEqual(t, "page 1", fmt.Sprint(first), "[261123000002 CHARGE 100.00 98.00 261123000001 CHARGE 100.00 98.00]")
		_, second := s.records(2, 2, "")
		wantEqual(t, "page 2", fmt.Sprint(second), "[261123000000 CHARGE 100.00 98.00]")
		_, beyond := s.records(3, 2, "")
		wantEqual(t, "page 3", len(beyond), 0)
		_, zeroth := s.records(0, 2, "")
		wantEqual(t, "page 0", fmt.Sprint(zeroth), fmt.Sprint(first))

		// The fake clock began at 2000-01-01T05:00:00+05:00; both ends of between belong to it.
		total, _ = s.records(1, 9, `{"name":"created_date","method":"between",
			"searchParameter":["2000-01-01T05:01:00+05:00","2000-01-01T05:02:00+05:00"]}`)
		wantEqual(t, "totalCount of a window", total, "2")
	})
}

func TestHalykCountsPagesFromZeroBySwitch(t *testing.T) {
	inHalyk(t, sim.Options{}, sim.HalykOptions{PagesFromZero: true}, func(s halykShop) {
		s.charge(halykInvoice, "100")
		_, zeroth := s.records(0, 10, "")
		_, first := s.records(1, 10, "")
		wantEqual(t, "rows of page 0", len(zeroth), 1)
		wantEqual(t, "rows of page 1", len(first), 0)
	})
}

func TestHalykListShowsRefundsInTheRowOrBesideIt(t *testing.T) {
	for separate, want := range map[bool]string{
		false: "[261123004711 CHARGE 100.00 60.00]",
		true:  "[261123004711 REFUND 40.00 -40.00 261123004711 CHARGE 100.00 100.00]",
	} {
		inHalyk(t, sim.Options{}, sim.HalykOptions{RefundRows: separate}, func(s halykShop) {
			id := s.charge(halykInvoice, "100").at("id")
			pass(time.Hour)
			s.operate(id, "refund?amount=40", "")
			_, rows := s.records(1, 10, "")
			wantEqual(t, "rows", fmt.Sprint(rows), want)
		})
	}
}

func TestHalykRefusesQueriesItWouldMisread(t *testing.T) {
	inHalyk(t, sim.Options{}, sim.HalykOptions{}, func(s halykShop) {
		for _, body := range []string{
			`{}`, `{"paging":{"page":1}}`, `{"paging":{"page":-1,"size":1}}`, `{"paging":{"page":1,"size":1001}}`,
			`{"paging":{"page":1,"size":1},"searchParameters":[{"name":"status","method":"equals","searchParameter":["CHARGE"]}]}`,
			`{"paging":{"page":1,"size":1},"searchParameters":[{"name":"created_date","method":"between","searchParameter":["today","now"]}]}`,
			`{"paging":{"page":1,"size":1},"orderParameters":[{"field":"amount","typeOrder":"DESC"}]}`,
		} {
			s.wantError(s.post("/operations", s.service(), body), "469")
		}
	})
}
