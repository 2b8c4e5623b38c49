package halyk

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/providers/providertest"
)

// Whatever the registry answers, a line says what its row said: the amount to the last
// digit, an instant inside the window, a verdict that the row's status allows; and the
// questions end.
func FuzzStatement(f *testing.F) {
	const day = "2026-11-23T14:02:17.289853+05:00"
	for _, status := range []uint16{200, 204, 302, 400, 401, 429, 500} {
		f.Add(status, "1", "CHARGE", "15490.00", "KZT", day, "2026-11-24T00:00:00+05:00", "15180.20", true, []byte(nil))
		f.Add(status, "1", "REFUND", "-15490", "KZT", day, "", "", false, []byte(nil))
	}
	f.Add(uint16(200), "1", "REFUND", "much", "KZT", "yesterday", "", "", false, []byte(nil))
	f.Add(uint16(200), "1", "FAILED", "0", "", day, "", "", true, []byte(nil))
	f.Add(uint16(200), "2", "SOLD", "1", "USD", "2026-11-23T09:02:17Z", "x", "2", true, []byte(nil))
	f.Add(uint16(200), "-1", "AUTH", "92233720368547758.07", "KZT", "9999-12-31T23:59:59-12:00", "", "", true, []byte(nil))
	for _, raw := range []string{`{"totalCount":100000,"records":[]}`, `{"totalCount":1,"records":[{}]}`, `{"totalCount":1,"records":[null]}`, `{}`, "[]", "<html>"} {
		f.Add(uint16(200), "1", "", "", "", "", "", "", false, []byte(raw))
	}
	w := &providertest.Scripted{}
	window := providers.Window{From: time.Date(2026, 11, 22, 19, 0, 0, 0, time.UTC), To: time.Date(2026, 11, 23, 19, 0, 0, 0, time.UTC)}
	f.Fuzz(func(t *testing.T, status uint16, count, state, amount, currency, created, paidOut, payout string, numbers bool, raw []byte) {
		count, state, amount, currency, created, paidOut, payout = valid(count), valid(state), valid(amount), valid(currency), valid(created), valid(paidOut), valid(payout)
		row := providertest.Object(map[string]string{"id": "aa0b0a5e-9b7b-4a3b-8a3e-3a6f4d0b7c12", "invoiceId": order, "status": state, "amount": amount, "currency": currency, "createdDate": created,
			"payoutDate": paidOut, "payoutAmount": payout, "payerName": hisName, "payerPhone": hisPhone, "payerEmail": hisEmail}, numbers)
		body := []byte(fmt.Sprintf(`{"totalCount":%s,"records":[%s]}`, map[bool]string{true: count, false: `"1"`}[providertest.JSONNumber.MatchString(count)], row))
		if len(raw) > 0 {
			body = raw
		}
		lists := 0
		w.Answer = func(r *http.Request) (int, []byte) {
			switch r.URL.Path {
			case "/oauth2/token":
				return 200, []byte(`{"access_token":"ACCESS-TOKEN-1","expires_in":"7200","token_type":"Bearer"}`)
			case "/api/operations":
				lists++
				return int(status % 1000), body
			}
			// The payment of a refund has another id than the row: the row is the refund's own.
			return 200, []byte(`{"resultCode":"100","transaction":{"id":"` + payment + `","invoiceID":"` + order + `","statusName":"CHARGE"}}`)
		}
		through(t, w, func(g *Gateway) {
			var lines []providers.StatementLine
			err := g.Report(t.Context(), window, func(l providers.StatementLine) error { lines = append(lines, l); return nil })
			if status%1000 != 200 && (err == nil || len(lines) > 0) {
				t.Errorf("HTTP %d is a statement of %d lines", status%1000, len(lines))
			}
			if lists > 4 || len(lines) > 1 && len(raw) == 0 {
				t.Errorf("%d lines by %d questions", len(lines), lists)
			}
			if len(raw) == 0 {
				discreet(t, err)
			}
			for _, l := range lines {
				if l.At.Before(window.From) || !l.At.Before(window.To) || l.Amount.Minor < 0 || l.Fee.Minor < 0 || l.Fee.Minor > l.Amount.Minor || len(l.Code) > 32 {
					t.Errorf("%+v", l)
				}
				if len(raw) == 0 {
					lineOf(t, l, state, amount)
				}
			}
		})
	})
}

// lineOf holds a line against the notes, section 5.
func lineOf(t *testing.T, l providers.StatementLine, state, amount string) {
	t.Helper()
	if l.Amount.Currency == "KZT" && !total(strings.TrimPrefix(amount, "-"), "", l.Amount) {
		t.Errorf("%s of %q", l.Amount, amount)
	}
	allowed := map[providers.Verdict]bool{
		providers.Unknown:  true,
		providers.Pending:  providertest.Words("NEW FINGERPRINT 3D")[state],
		providers.Held:     state == "AUTH",
		providers.Approved: providertest.Words("CHARGE REFUND PARTIAL_REFUND")[state],
		providers.Declined: providertest.Words("CANCEL CANCEL_OLD FAILED REJECT VERIFIED")[state],
	}
	refunded := state == "REFUND" || state == "PARTIAL_REFUND"
	kind := l.Verdict == providers.Unknown || (l.Kind == providers.LineRefund) == refunded // an odd row has no kind to tell
	if !allowed[l.Verdict] || !kind || l.Order != order {
		t.Errorf("a %s of %q is %s", l.Kind, state, l.Verdict)
	}
}
