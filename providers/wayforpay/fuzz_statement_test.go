package wayforpay

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/providers/providertest"
)

// Whatever TRANSACTION_LIST answers, a line says what its row said: the amount to the
// last digit, an instant inside the window, a verdict that the row's status allows.
func FuzzStatement(f *testing.F) {
	for _, status := range []uint16{200, 204, 302, 400, 500} {
		f.Add(status, "PURCHASE", "Approved", "1500.50", "UAH", "1767225601", "30.01", false, []byte(nil))
		f.Add(status, "REFUND", "Refunded", "-500.25", "UAH", "1767226000", "0", true, []byte(nil))
	}
	f.Add(uint16(200), "REFUND", "Voided", "1", "UAH", "1767226000", "", true, []byte(nil))
	f.Add(uint16(200), "VERIFY", "Sold", "0", "USD", "1767226000", "", true, []byte(nil))
	f.Add(uint16(200), "SETTLE", "Approved", "92233720368547758.08", "UAH", "9223372036854775807", "", true, []byte(nil))
	for _, raw := range []string{`{"reasonCode":1100}`, `{"reasonCode":1109,"transactionList":[]}`, `{"reasonCode":1100,"transactionList":[null]}`, "[]", "<html>"} {
		f.Add(uint16(200), "", "", "", "", "", "", false, []byte(raw))
	}
	w := &providertest.Scripted{}
	g := behind(f, w)
	window := providers.Window{From: time.Unix(1767225600, 0), To: time.Unix(1767225600+3600, 0)}
	f.Fuzz(func(t *testing.T, status uint16, kind, state, amount, currency, created, fee string, numbers bool, raw []byte) {
		kind, state, amount, currency, created, fee = valid(kind), valid(state), valid(amount), valid(currency), valid(created), valid(fee)
		row := map[string]any{"transactionType": kind, "transactionStatus": state, "orderReference": "rt1", "amount": amount, "currency": currency,
			"createdDate": created, "fee": fee, "reasonCode": 1100, "phone": hisPhone, "email": hisEmail, "clientName": hisName}
		if numbers {
			for name, value := range map[string]string{"amount": amount, "createdDate": created, "fee": fee} {
				if providertest.JSONNumber.MatchString(value) {
					row[name] = json.Number(value)
				}
			}
		}
		body, err := json.Marshal(map[string]any{"reasonCode": "1100", "transactionList": []any{row, row}})
		if err != nil {
			t.Skip()
		}
		if len(raw) > 0 {
			body = raw
		}
		asked := 0
		w.Answer = func(*http.Request) (int, []byte) { asked++; return int(status % 1000), body }
		var lines []providers.StatementLine
		err = g.Report(t.Context(), window, func(l providers.StatementLine) error { lines = append(lines, l); return nil })
		if status%1000 != 200 && (err == nil || len(lines) > 0) {
			t.Fatalf("HTTP %d is a statement of %d lines", status%1000, len(lines))
		}
		if asked > 2 || len(lines) > bytes.Count(body, []byte{'{'}) {
			t.Errorf("%d lines by %d questions", len(lines), asked)
		}
		if len(raw) == 0 {
			discreet(t, err)
			if status%1000 == 200 && err == nil && len(lines) != 0 && len(lines) != 2 {
				t.Errorf("%d lines of two rows", len(lines))
			}
		}
		for _, l := range lines {
			if l.At.Before(window.From) || !l.At.Before(window.To) || l.Amount.Minor < 0 || l.Amount.Currency == "" || len(l.Code) > 60 {
				t.Errorf("%+v", l)
			}
			if len(raw) == 0 {
				lineOf(t, l, kind, state, amount, created, fee)
			}
		}
	})
}

// lineOf holds a line against the notes, sections 5 and 9.
func lineOf(t *testing.T, l providers.StatementLine, kind, state, amount, created, fee string) {
	t.Helper()
	exact := func(m providers.Money, text string) bool {
		digits, _ := providers.Exponent(m.Currency)
		scaled := strconv.FormatInt(m.Minor, 10) + "e-" + strconv.Itoa(digits)
		return equalScaled(scaled, text)
	}
	if !exact(l.Amount, strings.TrimPrefix(amount, "-")) || fee != "" && !exact(l.Fee, fee) || strconv.FormatInt(l.At.Unix(), 10) != strings.TrimLeft(created, "+0") {
		t.Errorf("%s and fee %s at %s, of %q, %q and %q", l.Amount, l.Fee, l.At, amount, fee, created)
	}
	sale := kind == "PURCHASE" || kind == "CHARGE" || kind == "SETTLE"
	allowed := map[providers.Verdict]bool{
		providers.Unknown:  true,
		providers.Held:     sale && state == "WaitingAuthComplete",
		providers.Approved: sale && (state == "Approved" || state == "Refunded" || state == "RefundInProcessing") || kind == "REFUND" && state == "Refunded",
		providers.Pending:  sale && providertest.Words("Created InProcessing Pending")[state] || kind == "REFUND" && state == "RefundInProcessing",
		providers.Declined: sale && providertest.Words("Declined Expired Voided")[state] || kind == "REFUND" && providertest.Words("Declined Voided")[state],
	}
	if !allowed[l.Verdict] || l.Kind == providers.LineRefund && kind != "REFUND" || l.Kind == "" {
		t.Errorf("a %s of %q %q is %s", l.Kind, kind, state, l.Verdict)
	}
}
