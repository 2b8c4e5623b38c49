package halyk

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/payrouter/payrouter/providers"
)

// november is the window of the sample rows.
var november = providers.Window{From: time.Date(2022, 11, 14, 18, 0, 0, 0, time.UTC), To: time.Date(2022, 11, 15, 18, 0, 0, 0, time.UTC)}

func report(t *testing.T, script []reply, w providers.Window) ([]providers.StatementLine, error) {
	t.Helper()
	var lines []providers.StatementLine
	var err error
	with(t, config(), append([]reply{tokenReply}, script...), func(t *testing.T, g *Gateway, _ *bank) {
		err = g.Report(t.Context(), w, func(l providers.StatementLine) error { lines = append(lines, l); return nil })
	})
	return lines, err
}

func TestReportReadsTheRegistry(t *testing.T) {
	refunded := reply{to: strings.Replace(toStatus, order, "261123004712", 1),
		body: `{"resultCode":"100","transaction":{"id":"aa0b0a5e-9b7b-4a3b-8a3e-3a6f4d0b7c12","invoiceID":"261123004712","statusName":"REFUND"}}`}
	with(t, config(), []reply{tokenReply, {to: toRegistry, body: "operations.json"}, refunded}, func(t *testing.T, g *Gateway, b *bank) {
		var text strings.Builder
		err := g.Report(t.Context(), november, func(l providers.StatementLine) error {
			fmt.Fprintf(&text, "%s %s %s %s %s fee %s %s %s\n", l.Kind, l.Verdict, l.Code, l.Order, l.Amount, l.Fee, l.At.Format(time.RFC3339Nano), l.External)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		golden(t, "report", b, text.String())
		if want := "2022-11-14T21:52:17.289853Z"; !strings.Contains(text.String(), want) {
			t.Errorf("createdDate is not read as %s", want)
		}
		for _, personal := range []string{"AIGERIM", "7701", "example.kz"} {
			if strings.Contains(text.String(), personal) {
				t.Errorf("a line holds %q", personal)
			}
		}
	})
}

// rows is one page of a registry that announces a total.
func rows(total int, ids ...string) reply {
	var all []string
	for _, id := range ids {
		all = append(all, fmt.Sprintf(`{"id":"%s","invoiceId":"inv%s","amount":100,"currency":"KZT","status":"CHARGE","createdDate":"2022-11-15T00:00:00Z"}`, id, id))
	}
	return reply{to: toRegistry, body: fmt.Sprintf(`{"totalCount":"%d","records":[%s]}`, total, strings.Join(all, ","))}
}

func TestPagesMayCountFromOneOrZero(t *testing.T) {
	for what, c := range map[string]struct {
		script []reply
		want   string
	}{
		"from one":             {[]reply{rows(3, "a", "b"), rows(3, "c")}, "abc"},
		"from zero":            {[]reply{rows(3, "c"), rows(3), rows(3, "a", "b")}, "abc"},
		"zero is one":          {[]reply{rows(4, "a", "b"), rows(4, "c", "d")}, "abcd"},
		"rows that come twice": {[]reply{rows(3, "a", "b"), rows(3, "b", "c")}, "abc"},
		"rows that are twice":  {[]reply{rows(4, "a", "b", "b"), rows(4, "b", "c")}, "abbc"},
		"none at all":          {[]reply{rows(0)}, ""},
	} {
		lines, err := report(t, c.script, november)
		got := ""
		for _, l := range lines {
			got += l.External
		}
		if got != c.want || err != nil {
			t.Errorf("%s: got %q, error %v", what, got, err)
		}
	}
}

func TestReportThatIsNotWholeFails(t *testing.T) {
	row := func(fields string) reply {
		return reply{to: toRegistry, body: `{"totalCount":1,"records":[{` + fields + `}]}`}
	}
	for what, script := range map[string][]reply{
		"rows are missing": {rows(3, "a"), rows(3), rows(3, "a")},
		"no total":         {{to: toRegistry, body: `{"records":[]}`}},
		"a negative total": {rows(-1)},
		"a row without id": {row(`"invoiceId":"1"`)},
		"unreadable":       {{to: toRegistry, body: `<html>`}},
		"refused":          {{to: toRegistry, status: 403}},
		"an API error":     {{to: toRegistry, status: 400, body: `{"code":100}`}},
		"server error":     {{to: toRegistry, status: 500}},
		"a refund unasked": {row(`"id":"a","invoiceId":"` + order + `","createdDate":"2022-11-15T00:00:00Z","currency":"KZT","amount":1,"status":"REFUND"`), {to: toStatus, status: 500}},
	} {
		if _, err := report(t, script, november); err == nil || strings.Contains(err.Error(), "AIGERIM") {
			t.Errorf("%s: error %v", what, err)
		}
	}
	stop := errors.New("stop")
	with(t, config(), []reply{tokenReply, rows(2, "a", "b")}, func(t *testing.T, g *Gateway, _ *bank) {
		n := 0
		err := g.Report(t.Context(), november, func(providers.StatementLine) error { n++; return stop })
		if !errors.Is(err, stop) || n != 1 {
			t.Errorf("after %d lines: %v", n, err)
		}
	})
}

// One odd row must not hide a day: it is told as a line of which nobody knows what it says.
func TestOddRowIsToldAsUnknownAndTheOthersAsTheyAre(t *testing.T) {
	const good = `{"id":"good","invoiceId":"261123000001","createdDate":"2022-11-15T00:00:00Z","currency":"KZT","amount":7,"status":"CHARGE"}`
	for what, c := range map[string]struct {
		row  string
		then []reply
		want string // amount and time
	}{
		"a date that is none":   {`"createdDate":"yesterday","currency":"KZT","amount":1,"status":"CHARGE"`, nil, "1.00 KZT " + november.From.UTC().Format(time.RFC3339)},
		"an amount that is not": {`"createdDate":"2022-11-15T00:00:00Z","currency":"KZT","amount":"AIGERIM","status":"CHARGE"`, nil, providers.Money{}.String() + " 2022-11-15T00:00:00Z"},
		"an amount of nothing":  {`"createdDate":"2022-11-15T00:00:00Z","currency":"","amount":5,"status":"CHARGE"`, nil, providers.Money{}.String() + " 2022-11-15T00:00:00Z"},
		"a fee that is not":     {`"createdDate":"2022-11-15T00:00:00Z","currency":"KZT","amount":5,"payoutDate":"2022-11-16","payoutAmount":"x","status":"CHARGE"`, nil, "5.00 KZT 2022-11-15T00:00:00Z"},
		"a refund of nobody":    {`"createdDate":"2022-11-15T00:00:00Z","currency":"KZT","amount":1,"status":"REFUND"`, []reply{{to: toStatus, body: `{"resultCode":"102"}`}}, "1.00 KZT 2022-11-15T00:00:00Z"},
	} {
		body := `{"totalCount":2,"records":[{"id":"odd","invoiceId":"` + order + `",` + c.row + `},` + good + `]}`
		lines, err := report(t, append([]reply{{to: toRegistry, body: body}}, c.then...), november)
		if err != nil || len(lines) != 2 || lines[1].External != "good" || lines[1].Verdict != providers.Approved {
			t.Errorf("%s: %+v, error %v", what, lines, err)
			continue
		}
		l := lines[0]
		if got := l.Amount.String() + " " + l.At.Format(time.RFC3339); got != c.want || l.Verdict != providers.Unknown ||
			l.Order != order || l.External != "odd" || l.Kind != providers.LineCharge {
			t.Errorf("%s: %s in %+v, want %s", what, got, l, c.want)
		}
	}
}

func TestWindowIsHalfOpen(t *testing.T) {
	body := `{"totalCount":3,"records":[
		{"id":"at the end","amount":1,"currency":"KZT","status":"CHARGE","createdDate":"2022-11-15T18:00:00Z"},
		{"id":"at the beginning","amount":1,"currency":"KZT","status":"CHARGE","createdDate":"2022-11-14T23:00:00+05:00"},
		{"id":"before","amount":1,"currency":"KZT","status":"CHARGE","createdDate":"2022-11-14T17:59:59.999Z"}]}`
	lines, err := report(t, []reply{{to: toRegistry, body: body}}, november)
	if err != nil || len(lines) != 1 || lines[0].External != "at the beginning" {
		t.Errorf("lines %+v, error %v", lines, err)
	}
}

func TestRowsBecomeLines(t *testing.T) {
	page := func(statuses ...string) reply {
		var all []string
		for i, s := range statuses { // a word, and what is still to be paid out
			s, payout, told := strings.Cut(s, " ")
			if told {
				payout = `"payoutAmount":` + payout + `,`
			}
			all = append(all, fmt.Sprintf(`{"id":"%d","invoiceId":"%s","amount":%d,"currency":"KZT",%s"status":"%s","createdDate":"2022-11-15T00:00:00Z"}`, i, order, 100+i, payout, s))
		}
		return reply{to: toRegistry, body: fmt.Sprintf(`{"totalCount":%d,"records":[%s]}`, len(all), strings.Join(all, ","))}
	}
	payment := func(id string) []reply {
		return []reply{{to: toStatus, body: fmt.Sprintf(`{"resultCode":"100","transaction":{"id":"%s","invoiceID":"%s","statusName":"REFUND"}}`, id, order)}}
	}
	for what, c := range map[string]struct {
		page reply
		then []reply
		want string
	}{
		"charged":                            {page("CHARGE"), nil, "charge approved 100.00 KZT"},
		"held":                               {page("AUTH"), nil, "charge held 100.00 KZT"},
		"begun":                              {page("NEW"), nil, "charge pending 100.00 KZT"},
		"released":                           {page("CANCEL_OLD"), nil, "charge declined 100.00 KZT"},
		"failed, then charged":               {page("CHARGE", "FAILED"), nil, "charge approved 100.00 KZT|charge declined 101.00 KZT"},
		"refunded in the payment's row":      {page("REFUND 0"), payment("0"), "charge approved 100.00 KZT|refund approved 100.00 KZT"},
		"refunded in part":                   {page("REFUND 70"), payment("0"), "charge approved 100.00 KZT"},
		"refunded, by nobody knows how much": {page("REFUND"), payment("0"), "charge approved 100.00 KZT"},
		"refunded in a row of its own":       {page("REFUND", "CHARGE"), nil, "refund approved 100.00 KZT|charge approved 101.00 KZT"},
		"its payment before the window":      {page("REFUND"), payment("older"), "refund approved 100.00 KZT"},
		"failed, then refunded":              {page("REFUND 0", "FAILED"), payment("0"), "charge approved 100.00 KZT|refund approved 100.00 KZT|charge declined 101.00 KZT"},
		"nobody documented it":               {page("SETTLED"), nil, "charge unknown 100.00 KZT"},
	} {
		lines, err := report(t, append([]reply{c.page}, c.then...), november)
		var got []string
		for _, l := range lines {
			got = append(got, fmt.Sprintf("%s %s %s", l.Kind, l.Verdict, l.Amount))
		}
		if text := strings.Join(got, "|"); text != c.want || err != nil {
			t.Errorf("%s: got %s, error %v", what, text, err)
		}
	}
}

func TestFeeIsToldOnlyOncePaidOut(t *testing.T) {
	amount := tenge("15490")
	for what, c := range map[string]struct {
		row  record
		want providers.Money
	}{
		"paid out":       {record{Currency: "KZT", PayoutDate: "2022-11-16", PayoutAmount: "15180.20"}, tenge("309.80")},
		"without a fee":  {record{Currency: "KZT", PayoutDate: "2022-11-16", PayoutAmount: "15490"}, tenge("0")},
		"not yet":        {record{Currency: "KZT", PayoutAmount: "0"}, providers.Money{}},
		"nothing":        {record{Currency: "KZT", PayoutDate: "2022-11-16", PayoutAmount: "0"}, providers.Money{}},
		"more than paid": {record{Currency: "KZT", PayoutDate: "2022-11-16", PayoutAmount: "15491"}, providers.Money{}},
	} {
		if got, err := c.row.fee(amount); got != c.want || err != nil {
			t.Errorf("%s: %s, error %v", what, got, err)
		}
	}
}
