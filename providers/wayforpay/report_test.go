package wayforpay

import (
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/payrouter/payrouter/providers"
)

func collect(t *testing.T, g *Gateway, from, to time.Time) ([]providers.StatementLine, error) {
	t.Helper()
	var lines []providers.StatementLine
	err := g.Report(t.Context(), providers.Window{From: from, To: to}, func(l providers.StatementLine) error {
		lines = append(lines, l)
		return nil
	})
	return lines, err
}

func TestReportTellsEveryMovementOfTheDayOnce(t *testing.T) {
	list := read(t, "transaction_list.answer.json")
	g, d := open(t, nil, list, list) // the windows overlap, and the test merchant ignores them anyhow
	lines, err := collect(t, g, day, day.Add(24*time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	want := []providers.StatementLine{
		{Kind: providers.LineCharge, Order: "rt-000000000001", Verdict: providers.Approved, Amount: hryvnias(t, "1500.5"), Fee: hryvnias(t, "30.01"),
			At: time.Unix(1767225601, 0).UTC(), Code: "Approved"},
		{Kind: providers.LineRefund, Order: "rt-000000000001", Verdict: providers.Approved, Amount: hryvnias(t, "500.25"), Fee: hryvnias(t, "0"),
			At: time.Unix(1767230000, 0).UTC(), Code: "Refunded"},
	}
	if diff := cmp.Diff(want, lines); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
	golden(t, "transaction_list.request.json", d.asked[0])
}

func TestReportAsksForOverlappingDaysBeyondBothEnds(t *testing.T) {
	empty := `{"reasonCode":1100,"transactionList":[]}`
	for _, length := range []time.Duration{time.Second, time.Hour, 22 * time.Hour, 24 * time.Hour, 47 * time.Hour, 5*24*time.Hour + time.Minute} {
		answers := make([]string, 10)
		for i := range answers {
			answers[i] = empty
		}
		g, d := open(t, nil, answers...)
		from, to := day, day.Add(length)
		if _, err := collect(t, g, from, to); err != nil {
			t.Fatal(err)
		}
		covered := time.Time{}
		for i, body := range d.asked {
			var r request
			if err := json.Unmarshal([]byte(body), &r); err != nil {
				t.Fatal(err)
			}
			begin, end := time.Unix(r.DateBegin, 0), time.Unix(r.DateEnd, 0)
			if end.Sub(begin) != 24*time.Hour {
				t.Errorf("window of %s", end.Sub(begin))
			}
			if i == 0 && !begin.Equal(from.Add(-time.Hour)) || i > 0 && covered.Sub(begin) != time.Hour {
				t.Errorf("window %d begins at %s, the last ended at %s", i, begin, covered)
			}
			if r.MerchantSignature != sign(secret, account, strconv.FormatInt(r.DateBegin, 10), strconv.FormatInt(r.DateEnd, 10)) {
				t.Errorf("window %d is signed %s", i, r.MerchantSignature)
			}
			covered = end
		}
		if covered.Before(to.Add(time.Hour)) {
			t.Errorf("%s: asked up to %s", length, covered)
		}
	}
}

func rows(lines ...string) string {
	return `{"reasonCode":"1100","transactionList":[` + strings.Join(lines, ",") + `]}`
}

func statementRow(kind, status, amount string, at int64) string {
	return `{"transactionType":"` + kind + `","orderReference":"rt-1","createdDate":` + strconv.FormatInt(at, 10) + `,"processingDate":"1","amount":` + amount +
		`,"currency":"UAH","transactionStatus":"` + status + `","reasonCode":1100}`
}

// Two equal partial refunds differ in nothing, so rows are counted, not only compared.
func TestEqualRowsOfOneAnswerAreAllTold(t *testing.T) {
	at := day.Add(23 * time.Hour).Unix()
	refund := statementRow("REFUND", "Refunded", "10", at)
	g, _ := open(t, nil, rows(refund), rows(refund, refund))
	lines, err := collect(t, g, day, day.Add(24*time.Hour))
	if err != nil || len(lines) != 2 {
		t.Errorf("%d lines, error %v", len(lines), err)
	}
}

func TestRowsOutsideTheWindowAreNotTold(t *testing.T) {
	inside := statementRow("PURCHASE", "Approved", "10", day.Unix())
	list := rows(statementRow("PURCHASE", "Approved", "1", day.Unix()-1), inside, statementRow("PURCHASE", "Approved", "2", day.Add(time.Hour).Unix()))
	g, _ := open(t, nil, list, list)
	lines, err := collect(t, g, day, day.Add(time.Hour))
	if err != nil || len(lines) != 1 || lines[0].Amount != hryvnias(t, "10") {
		t.Errorf("%+v, error %v", lines, err)
	}
}

func TestRowsByTypeAndStatus(t *testing.T) {
	for _, c := range []struct {
		kind, status string
		want         providers.LineKind
		verdict      providers.Verdict
	}{
		{"PURCHASE", "Approved", providers.LineCharge, providers.Approved},
		{"CHARGE", "Approved", providers.LineCharge, providers.Approved},
		{"SETTLE", "Approved", providers.LineCharge, providers.Approved},
		{"CHARGE", "WaitingAuthComplete", providers.LineCharge, providers.Held},
		{"PURCHASE", "Refunded", providers.LineCharge, providers.Approved},
		{"PURCHASE", "RefundInProcessing", providers.LineCharge, providers.Approved},
		{"PURCHASE", "Declined", providers.LineCharge, providers.Declined},
		{"PURCHASE", "Expired", providers.LineCharge, providers.Declined},
		{"CHARGE", "Voided", providers.LineCharge, providers.Declined},
		{"PURCHASE", "Created", providers.LineCharge, providers.Pending},
		{"PURCHASE", "InProcessing", providers.LineCharge, providers.Pending},
		{"PURCHASE", "Pending", providers.LineCharge, providers.Pending},
		{"PURCHASE", "Sold", providers.LineCharge, providers.Unknown},
		{"REFUND", "Refunded", providers.LineRefund, providers.Approved},
		{"REFUND", "RefundInProcessing", providers.LineRefund, providers.Pending},
		{"REFUND", "Declined", providers.LineRefund, providers.Declined},
		{"REFUND", "Approved", providers.LineRefund, providers.Unknown},
		{"REFUND", "Voided", providers.LineCharge, providers.Declined},
		{"P2P_CREDIT", "Approved", providers.LineCharge, providers.Unknown},
	} {
		for _, amount := range []string{"10.5", `"10.50"`, "-10.50"} {
			g, _ := open(t, nil, rows(statementRow(c.kind, c.status, amount, day.Unix())))
			lines, err := collect(t, g, day, day.Add(time.Hour))
			if err != nil || len(lines) != 1 {
				t.Fatalf("%s %s: %v, error %v", c.kind, c.status, lines, err)
			}
			if l := lines[0]; l.Kind != c.want || l.Verdict != c.verdict || l.Amount != hryvnias(t, "10.5") || !strings.Contains(l.Code, c.status) {
				t.Errorf("%s %s: %+v", c.kind, c.status, l)
			}
		}
	}
}

func TestListThatCannotBeReadEndsTheReport(t *testing.T) {
	for _, answer := range []string{
		"http 500", "http 404", "<html>", `{}`, `{"reasonCode":1100}`, `{"reasonCode":1109,"reason":"period is too long","transactionList":[]}`,
		`{"reasonCode":1100,"transactionList":{}}`, `{"reasonCode":1100,"transactionList":[{"amount":[]}]}`,
		rows(statementRow("PURCHASE", "Approved", `"ten"`, day.Unix())),
		rows(statementRow("PURCHASE", "Approved", "10", 0)),
		rows(strings.Replace(statementRow("PURCHASE", "Approved", "10", day.Unix()), `"UAH"`, `"UAX"`, 1)),
		rows(strings.Replace(statementRow("PURCHASE", "Approved", "10", day.Unix()), `"reasonCode"`, `"fee":"free","reasonCode"`, 1)),
	} {
		g, _ := open(t, nil, answer)
		if lines, err := collect(t, g, day, day.Add(time.Hour)); err == nil || len(lines) > 0 {
			t.Errorf("%s: %v, no error", answer, lines)
		}
	}
}

func TestReportStopsAtTheReadersError(t *testing.T) {
	g, d := open(t, nil, read(t, "transaction_list.answer.json"))
	full := errors.New("full")
	told := 0
	err := g.Report(t.Context(), providers.Window{From: day, To: day.Add(24 * time.Hour)}, func(providers.StatementLine) error {
		told++
		return full
	})
	if !errors.Is(err, full) || told != 1 || len(d.asked) != 1 {
		t.Errorf("error %v after %d lines and %d requests", err, told, len(d.asked))
	}
}
