package freedompay

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/payrouter/payrouter/providers"
)

func TestDatesAreOfAlmaty(t *testing.T) {
	for text, want := range map[string]string{
		"2026-03-14 14:21:07": "2026-03-14T09:21:07Z", // UTC+5
		"2024-03-01 00:00:00": "2024-02-29T19:00:00Z",
		"2024-02-29 23:59:59": "2024-02-29T17:59:59Z", // UTC+6
		"2023-07-01 12:00:00": "2023-07-01T06:00:00Z",
		"2024-07-01 12:00:00": "2024-07-01T07:00:00Z",
	} {
		at, err := parseMoment(text)
		if err != nil || at.Format(time.RFC3339) != want {
			t.Errorf("%s is %s, %v, want %s", text, at.Format(time.RFC3339), err, want)
		}
		if again := at.In(almaty(at)).Format(time.DateTime); again != text {
			t.Errorf("%s comes back as %s", text, again)
		}
	}
	for _, bad := range []string{"", "2026-03-14", "2026-03-14T14:21:07", "2026-03-14 14:21:07+05:00", "14.03.2026 14:21:07", "2026-02-30 00:00:00", "x"} {
		if at, err := parseMoment(bad); err == nil {
			t.Errorf("%q is %s", bad, at)
		}
	}
}

// row is one payment of a registry.
func row(id, word, at string, more ...string) node {
	m := flat("pg_payment_id", id, "pg_order_id", "order-"+id, "pg_amount", "100.00", "pg_currency", "KZT", "pg_payment_status", word, "pg_payment_date", at)
	m.name = "payment"
	m.replace(more...)
	return m
}

func day(rows ...node) reply {
	r := says("pg_status", "ok")
	r.message.children = append(r.message.children, rows...)
	return r
}

func TestARegistryIsReadByDaysOfAlmaty(t *testing.T) {
	answers := []reply{
		day(row("1", "success", "2026-03-14 23:59:59"), row("2", "success", "2026-03-14 00:00:01")), // the second is before the window
		day(row("3", "refunded", "2026-03-15 10:00:00", "pg_clearing_amount", "100.00", "pg_refund_amount", "-40.00", "pg_net_amount", "97.10"),
			row("4", "error", "2026-03-15 11:00:00", "pg_failure_code", "10009"), row("5", "success", "2026-03-15 12:00:00", "pg_clearing_amount", "0"),
			row("6", "teleported", "2026-03-15 12:00:00"), row("7", "new", "2026-03-15 12:00:00")),
	}
	atDesk(t, func(c *Config) { c.Registry = true }, answers, func(t *testing.T, g *Gateway, d *desk) {
		reporter, ok := g.Provider().(providers.Reporter)
		if !ok {
			t.Fatal("no reporter")
		}
		if g.Provider().Claims().Statement != providers.StatementList {
			t.Error("no list is claimed")
		}
		w := providers.Window{From: time.Date(2026, 3, 14, 6, 0, 0, 0, time.UTC), To: time.Date(2026, 3, 15, 18, 0, 0, 0, time.UTC)}
		var got []string
		err := reporter.Report(context.Background(), w, func(l providers.StatementLine) error {
			got = append(got, fmt.Sprintf("%s %s %s %s fee %s %s", l.Kind, l.External, l.Verdict, l.Amount, l.Fee.Decimal(), l.At.Format("02T15:04")))
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		want := []string{"charge 1 approved 100.00 KZT fee 0 14T18:59", "charge 3 approved 100.00 KZT fee 2.90 15T05:00", "refund 3 approved 40.00 KZT fee 0 15T05:00",
			"charge 4 declined 100.00 KZT fee 0 15T06:00", "charge 5 held 100.00 KZT fee 0 15T07:00", "charge 6 unknown 100.00 KZT fee 0 15T07:00",
			"charge 7 pending 100.00 KZT fee 0 15T07:00"}
		if strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Errorf("it tells\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
		if len(d.asked) != 2 || d.asked[0].fields.text("pg_date") != "2026-03-14" || d.asked[1].fields.text("pg_date") != "2026-03-15" {
			t.Errorf("asked %+v", d.asked)
		}
	})
}

func TestARegistryThatIsNotWholeIsAnError(t *testing.T) {
	enough := errors.New("enough")
	for name, answer := range map[string]reply{
		"HTTP 502": {status: 502}, "refused": refuses("9994"), "unsigned": {message: flat("pg_status", "ok"), bare: true}, "no XML": {body: "[]"},
		"a row without a sum": day(row("1", "success", "2026-03-14 12:00:00", "pg_amount", "")), "a row without a date": day(row("1", "success", "")),
		"a sum below zero": day(row("1", "success", "2026-03-14 12:00:00", "pg_amount", "-100")), "a strange fee": day(row("1", "success", "2026-03-14 12:00:00", "pg_net_amount", "all")), "the reader's error": day(row("1", "success", "2026-03-14 12:00:00")),
	} {
		atDesk(t, func(c *Config) { c.Registry = true }, []reply{answer}, func(t *testing.T, g *Gateway, _ *desk) {
			w := providers.Window{From: time.Date(2026, 3, 14, 0, 0, 0, 0, time.UTC), To: time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)}
			if err := (Registered{g}).Report(context.Background(), w, func(providers.StatementLine) error { return enough }); err == nil {
				t.Errorf("%s: no error", name)
			}
		})
	}
}

func TestAProbeShowsThatTheAccountWorks(t *testing.T) {
	for name, c := range map[string]struct {
		answer reply
		want   providers.Verdict
		reason providers.Reason
	}{
		"not found":      {refuses("11068"), providers.Approved, providers.NoReason},
		"not found, old": {refuses("340"), providers.Approved, providers.NoReason},
		"zero":           {says("pg_status", "ok", "pg_payment_id", "0"), providers.Approved, providers.NoReason},
		"found":          {stands("new"), providers.Unknown, providers.Ambiguous},
		"bad signature":  {reply{status: 401, body: "<response><pg_status>error</pg_status><pg_error_code>1100</pg_error_code></response>"}, providers.Unserved, providers.Misconfigured},
		"no contract":    {refuses("9996"), providers.Unserved, providers.Misconfigured},
		"system error":   {refuses("9999"), providers.Unknown, providers.Ambiguous},
		"nobody knows":   {refuses("987654"), providers.Unknown, providers.UnknownCode},
		"HTTP 503":       {reply{status: 503}, providers.Unknown, providers.ServerError},
	} {
		atDesk(t, nil, []reply{c.answer}, func(t *testing.T, g *Gateway, _ *desk) {
			if got := g.Probe(context.Background()); got.Verdict != c.want || got.Reason != c.reason {
				t.Errorf("%s: %s %q (%v)", name, got.Verdict, got.Reason, got.Err)
			}
		})
	}
}
