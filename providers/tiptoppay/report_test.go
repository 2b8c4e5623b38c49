package tiptoppay

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/payrouter/payrouter/providers"
)

var march = providers.Window{From: time.Date(2026, 3, 14, 0, 0, 0, 0, time.UTC), To: time.Date(2026, 3, 16, 0, 0, 0, 0, time.UTC)}

func report(t *testing.T, g *Gateway, w providers.Window) ([]providers.StatementLine, error) {
	t.Helper()
	var lines []providers.StatementLine
	err := g.Report(t.Context(), w, func(l providers.StatementLine) error {
		lines = append(lines, l)
		return nil
	})
	return lines, err
}

func TestEveryRowBecomesAMovement(t *testing.T) {
	row := func(id, status string, more ...string) string {
		return model(orderNumber, status, append([]string{"TransactionId", id}, more...)...)
	}
	g, d := open(t, nil, rows(
		row("1", "Completed"), row("2", "Authorized"), row("3", "Declined", "ReasonCode", "5051"), row("4", "Cancelled"),
		row("5", "AwaitingAuthentication"), row("6", "Sold"), row("7", "Completed", "TotalFee", "0.005", "Amount", "14500"),
		row("8", "Completed", "Type", "2"), given("9", "5000", "Completed"), given("10", "5000", "Declined"), given("11", "5000", "Authorized"),
		row("14", "Completed", "Currency", `"USD"`), row("1", "Completed"), row("12", "Completed", "CreatedDateIso", `"2026-03-13T23:59:59"`), row("13", "Completed", "CreatedDateIso", `"2026-03-16T00:00:00"`),
	))
	lines, err := report(t, g, march)
	if err != nil {
		t.Fatal(err)
	}
	at, later := time.Date(2026, 3, 14, 9, 21, 7, 0, time.UTC), time.Date(2026, 3, 15, 10, 0, 0, 0, time.UTC)
	line := func(id string, v providers.Verdict, code string) providers.StatementLine {
		return providers.StatementLine{Kind: providers.LineCharge, Order: orderNumber, External: id, Verdict: v, Amount: tenge(t, "14500"), Fee: tenge(t, "362.5"), At: at, Code: code}
	}
	back := func(id string, v providers.Verdict, code string) providers.StatementLine {
		l := line(id, v, code)
		l.Kind, l.Amount, l.At = providers.LineRefund, tenge(t, "5000"), later
		return l
	}
	seven := line("7", providers.Approved, "Completed")
	seven.Fee = providers.Money{}
	dollars := line("14", providers.Approved, "Completed")
	dollars.Amount.Currency, dollars.Fee.Currency = "USD", "USD"
	released := line("4", providers.Declined, "Cancelled")
	released.Reason = providers.Released
	want := []providers.StatementLine{
		line("1", providers.Approved, "Completed"), line("2", providers.Held, "Authorized"), line("3", providers.Declined, "Declined 5051"),
		released, line("5", providers.Pending, "AwaitingAuthentication"), line("6", providers.Unknown, "Sold"),
		seven, line("8", providers.Unknown, "type 2 Completed"),
		back("9", providers.Approved, "Completed"), back("10", providers.Declined, "Declined"), back("11", providers.Pending, "Authorized"), dollars,
	}
	if diff := cmp.Diff(want, lines); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if d.asked[0].body != `{"PageNumber":1,"CreatedDateGte":"2026-03-14T00:00:00Z","CreatedDateLte":"2026-03-16T00:00:01Z","TimeZone":"UTC"}` || d.asked[0].id != "" {
		t.Errorf("asked %+v", d.asked)
	}
}

func TestPagesAreReadUntilOneIsNotFull(t *testing.T) {
	full := func(from int) string {
		var all []string
		for i := range pageRows {
			all = append(all, model(orderNumber, "Completed", "TransactionId", itoa(int64(from+i))))
		}
		return rows(all...)
	}
	g, d := open(t, nil, full(1000), full(1099), rows()) // the second page begins with the first one's last row
	lines, err := report(t, g, march)
	if err != nil || len(lines) != 2*pageRows-1 || len(d.asked) != 3 {
		t.Errorf("%d lines, error %v, asked %s", len(lines), err, d.paths())
	}
	for i, a := range d.asked {
		if !strings.HasPrefix(a.body, `{"PageNumber":`+itoa(int64(i+1))+`,`) {
			t.Errorf("page %d was asked for by %s", i+1, a.body)
		}
	}
}

func TestAPageThatRepeatsTheLastOneEndsTheReading(t *testing.T) {
	var all []string
	for i := range pageRows {
		all = append(all, model(orderNumber, "Completed", "TransactionId", itoa(int64(1000+i))))
	}
	g, _ := open(t, nil, rows(all...), rows(all...))
	if lines, err := report(t, g, march); err == nil || len(lines) != pageRows {
		t.Errorf("%d lines, error %v", len(lines), err)
	}
}

func TestAListThatIsNotWholeIsAnError(t *testing.T) {
	for _, answer := range []string{"500", "401", "429", "", "{}", refusal, done, notFound, `{"Model":{},"Success":true}`, `{"Model":["x"],"Success":true}`,
		rows(model(orderNumber, "Completed", "CreatedDateIso", `"14.03.2026"`)), rows(model(orderNumber, "Completed", "Amount", "null")),
		rows(model(orderNumber, "Completed", "Amount", "-1")), rows(model(orderNumber, "Completed", "Currency", `"XXX"`)),
		rows(model(orderNumber, "Completed", "TransactionId", `"aigerim@example.kz"`)), rows(model(orderNumber, "Completed", "TestMode", "false"))} {
		g, _ := open(t, nil, answer)
		_, err := report(t, g, march)
		if err == nil || strings.Contains(err.Error(), "aigerim") {
			t.Errorf("%s: error %v", answer, err)
		}
	}
}

func TestTheReadersErrorEndsAReport(t *testing.T) {
	enough := errors.New("enough")
	g, _ := open(t, nil, rows(model(orderNumber, "Completed", "TransactionId", "1"), model(orderNumber, "Completed", "TransactionId", "2")))
	n := 0
	err := g.Report(context.Background(), march, func(providers.StatementLine) error {
		n++
		return enough
	})
	if !errors.Is(err, enough) || n != 1 {
		t.Errorf("%d lines, error %v", n, err)
	}
}

// Kazakhstan moved to one zone in 2024, which the code ALMT does not know.
func TestAListIsAskedForInUTC(t *testing.T) {
	g, d := open(t, nil, rows())
	almaty := time.FixedZone("+05", 5*3600)
	if _, err := report(t, g, providers.Window{From: time.Date(2026, 3, 14, 0, 0, 0, 0, almaty), To: time.Date(2026, 3, 15, 0, 0, 0, 0, almaty)}); err != nil {
		t.Fatal(err)
	}
	if want := `{"PageNumber":1,"CreatedDateGte":"2026-03-13T19:00:00Z","CreatedDateLte":"2026-03-14T19:00:01Z","TimeZone":"UTC"}`; d.asked[0].body != want {
		t.Errorf("asked %s, want %s", d.asked[0].body, want)
	}
}

// What a merchant has put into JsonData comes back with every row, a receipt of some kilobytes
// for instance. A hundred such rows are more than any other answer.
func TestAPageOfLongRowsIsRead(t *testing.T) {
	receipt := strconv.Quote(`{"receipt":"` + strings.Repeat("x", 20_000) + `"}`)
	var page []string
	for i := range pageRows {
		page = append(page, model(orderNumber, "Completed", "TransactionId", strconv.Itoa(i+1), "JsonData", receipt))
	}
	g, _ := open(t, nil, rows(page...), rows())
	if lines, err := report(t, g, march); err != nil || len(lines) != pageRows {
		t.Errorf("%d lines, error %v", len(lines), err)
	}
}
