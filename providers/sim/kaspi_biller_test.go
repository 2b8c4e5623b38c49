package sim_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/payrouter/payrouter/providers/sim"
)

// billed runs a test with a merchant that answers the biller protocol.
func billed(t *testing.T, in *inbox, test func(t *testing.T, b *sim.Bank)) {
	t.Helper()
	opt := sim.Options{Client: in.client()}
	inBubble(t, opt, sim.KaspiOptions{BillerURL: "http://shop.invalid/kaspi/pay"}, func(t *testing.T, b *sim.Bank, _ shop) { test(t, b) })
}

// answers makes a merchant that gives these results in turn, the last one for ever. "broken" is a 502, "xml 0" is the XML form.
func answers(results ...string) *inbox {
	in := &inbox{}
	n := 0
	in.handler = func(w http.ResponseWriter, r *http.Request) {
		result := results[min(n, len(results)-1)]
		n++
		txn := r.URL.Query().Get("txn_id")
		switch xml, isXML := strings.CutPrefix(result, "xml "); {
		case result == "broken":
			w.WriteHeader(http.StatusBadGateway)
		case result == "foreign":
			_, _ = fmt.Fprint(w, `{"txn_id":"1","result":0}`)
		case isXML:
			_, _ = fmt.Fprintf(w, `<?xml version="1.0" encoding="UTF-8"?><response><txn_id>%s</txn_id><result>%s</result></response>`, txn, xml)
		default:
			_, _ = fmt.Fprintf(w, `{"txn_id":%q,"result":%s,"comment":"x"}`, txn, result)
		}
	}
	return in
}

type billerReport struct {
	TxnID  string `json:"txn_id"`
	Status int    `json:"status"`
	Result string `json:"result"`
	Money  string `json:"money"`
}

func order(t *testing.T, b *sim.Bank, body string) billerReport {
	t.Helper()
	w := control(b, "POST", "/kaspi/biller", body)
	if w.Code != http.StatusOK {
		t.Fatalf("%s is answered %d %s", body, w.Code, w.Body)
	}
	var report billerReport
	must(t, json.Unmarshal(w.Body.Bytes(), &report))
	return report
}

func TestBillerCheckAsksTheMerchantAndMovesNothing(t *testing.T) {
	in := answers("0")
	billed(t, in, func(t *testing.T, b *sim.Bank) {
		got := order(t, b, `{"command":"check","account":"4711","txn_id":"740012345678"}`)
		wantEqual(t, "report", got, billerReport{TxnID: "740012345678", Status: 200, Result: "0"})
		wantEqual(t, "path", in.all()[0].path, "/kaspi/pay")
		wantEqual(t, "query", in.all()[0].query, "account=4711&command=check&sum=1.00&txn_id=740012345678")
		wantEqual(t, "entries", len(b.Ledger().Entries), 0)
	})
}

func TestBillerPayCarriesTheAccountingDateAndTheAgreedField(t *testing.T) {
	in := answers("0")
	billed(t, in, func(t *testing.T, b *sim.Bank) {
		date := time.Now().In(time.FixedZone("", 5*3600)).Format("20060102150405")
		order(t, b, `{"command":"pay","account":"4711","sum":"15490","data1":"agreed"}`)
		q, err := url.ParseQuery(in.all()[0].query)
		must(t, err)
		wantEqual(t, "sum", q.Get("sum"), "15490.00")
		wantEqual(t, "txn_date", q.Get("txn_date"), date)
		wantEqual(t, "data1", q.Get("data1"), "agreed")
		wantEqual(t, "digits of txn_id", len(q.Get("txn_id")), 12)
	})
}

func TestBillerMoneyFollowsTheMerchantsAnswer(t *testing.T) {
	for _, c := range []struct {
		results string // in turn
		first   string // the money right after the first call
		last    string // and an hour later
		calls   int
		net     int64
	}{
		{"0", "credited", "credited", 1, 100},
		{"xml 0", "credited", "credited", 1, 100},
		{"1", "returned", "returned", 1, 0},
		{"2", "returned", "returned", 1, 0},
		{"xml 3", "returned", "returned", 1, 0},
		{"4,4,0", "waiting", "credited", 3, 100},
		{"4", "waiting", "by-hand", 5, 100},
		{"5", "by-hand", "by-hand", 1, 100},
		{"foreign", "by-hand", "by-hand", 1, 100},
		{"broken,broken,1", "waiting", "returned", 3, 0},
		{"broken", "waiting", "by-hand", 5, 100},
	} {
		t.Run(c.results, func(t *testing.T) {
			in := answers(strings.Split(c.results, ",")...)
			billed(t, in, func(t *testing.T, b *sim.Bank) {
				wantEqual(t, "money at first", order(t, b, `{"command":"pay","account":"4711","sum":"1.00"}`).Money, c.first)
				pass(time.Hour)
				wantEqual(t, "money in the end", b.Ledger().Objects[0].Status, c.last)
				wantEqual(t, "calls", len(in.all()), c.calls)
				wantEqual(t, "net", b.Ledger().Net("kaspi", "4711"), c.net)
				for _, d := range in.all() {
					wantEqual(t, "every repeat", d.query, in.all()[0].query)
				}
			})
		})
	}
}

func TestBillerDebitStandsBeforeTheMerchantIsAsked(t *testing.T) {
	var b *sim.Bank
	var before int64
	in := &inbox{handler: func(http.ResponseWriter, *http.Request) { before = b.Ledger().Net("", "4711") }}
	b = sim.New(sim.Options{Client: in.client()}, sim.Kaspi(sim.KaspiOptions{BillerURL: "http://shop.invalid/"}))
	defer b.Close()
	order(t, b, `{"command":"pay","account":"4711","sum":"1.00"}`)
	wantEqual(t, "money when the merchant was asked", before, 100)
}

func TestBillerRepeatOfATransactionDebitsNobody(t *testing.T) {
	in := answers("0", "1") // a merchant that changes its mind is not followed
	billed(t, in, func(t *testing.T, b *sim.Bank) {
		for range 2 {
			got := order(t, b, `{"command":"pay","account":"4711","sum":"1.00","txn_id":"740000000001"}`)
			wantEqual(t, "money", got.Money, "credited")
		}
		wantEqual(t, "calls", len(in.all()), 2)
		wantEqual(t, "entries", len(b.Ledger().Entries), 1)
	})
}

func TestBillerOrderThatMakesNoSenseIsRefused(t *testing.T) {
	billed(t, answers("0"), func(t *testing.T, b *sim.Bank) {
		for _, body := range []string{
			`{"command":"steal","account":"1"}`, `{"command":"check"}`, `{"command":"pay","account":"1"}`,
			`{"command":"pay","account":"1","sum":"0"}`, `{"command":"pay","account":"1","sum":"1.001"}`,
			`{"command":"pay","account":"1","sum":"1","txn_id":"x"}`, `{"command":"pay","account":"1","sum":"1","txn_id":"1234567890123456789"}`,
		} {
			wantEqual(t, "HTTP status of "+body, control(b, "POST", "/kaspi/biller", body).Code, http.StatusBadRequest)
		}
		wantEqual(t, "entries", len(b.Ledger().Entries), 0)
	})
}

func statementOf(b *sim.Bank, date string) *httptest.ResponseRecorder {
	return control(b, "GET", "/kaspi/statement?date="+date, "")
}

func TestKaspiStatementHasEveryMovementOfADay(t *testing.T) {
	in := answers("1")
	opt := sim.KaspiOptions{BillerURL: "http://shop.invalid/pay"}
	inBubble(t, sim.Options{Client: in.client()}, opt, func(t *testing.T, b *sim.Bank, s shop) {
		// A bubble begins at 2000-01-01T00:00Z, which is 05:00 in Kazakhstan.
		id := s.offer(t, "pay_1")
		must(t, b.Act("kaspi", id, sim.ActPay))
		back := s.call(t, "POST", "payment/return", returnBody(id, "90.50")).field("ReturnOperationId")
		order(t, b, `{"command":"pay","account":"4711","sum":"1.00","txn_id":"740000000001"}`)
		returned := b.Ledger().Entries[3].ID
		pass(19 * time.Hour) // midnight there, 19:00Z
		late := s.offer(t, "pay_2")
		must(t, b.Act("kaspi", late, sim.ActPay))

		head := "\ufeffoperation_date;operation_type;qr_payment_id;return_operation_id;external_id;trade_point_id;organization_bin;amount;fee;net_amount;product_type\n"
		wantEqual(t, "the first day", statementOf(b, "2000-01-01").Body.String(), head+
			"2000-01-01T05:00:00.000+05:00;Purchase;"+id+";;pay_1;1;240540012345;15490.00;147.16;15342.84;Gold\n"+
			"2000-01-01T05:00:00.000+05:00;Return;"+id+";"+back+";pay_1;1;240540012345;-90.50;0.00;-90.50;Gold\n"+
			"2000-01-01T05:00:00.000+05:00;Purchase;740000000001;;4711;;240540012345;1.00;0.01;0.99;Gold\n"+
			"2000-01-01T05:00:00.000+05:00;Return;740000000001;"+returned+";4711;;240540012345;-1.00;0.00;-1.00;Gold\n")
		wantEqual(t, "the second day", statementOf(b, "2000-01-02").Body.String(), head+
			"2000-01-02T00:00:00.000+05:00;Purchase;"+late+";;pay_2;1;240540012345;15490.00;147.16;15342.84;Gold\n")
		wantEqual(t, "an empty day", statementOf(b, "2000-01-03").Body.String(), head)
		wantEqual(t, "no day", statementOf(b, "yesterday").Code, http.StatusBadRequest)
	})
}
