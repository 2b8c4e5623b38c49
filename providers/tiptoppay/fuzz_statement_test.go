package tiptoppay

import (
	"bytes"
	"math/big"
	"net/http"
	"testing"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/providers/providertest"
)

// Whatever the list answers, a line says what its row said: the amount to the last digit,
// an instant inside the window, a verdict that the row's status allows. And what cannot be
// read is an error, never a shorter list.
func FuzzStatement(f *testing.F) {
	for _, status := range []uint16{200, 204, 302, 400, 401, 429, 500} {
		f.Add(status, "Completed", "14500.50", "KZT", "2026-03-14T09:21:07", "362.51", "", "0", []byte(nil))
		f.Add(status, "Completed", "5000", "KZT", "2026-03-14T10:00:00", "", txID, "1", []byte(nil))
	}
	f.Add(uint16(200), "Sold", "92233720368547758.08", "KZT", "2026-03-13T10:00:00", "1e1", "", "2", []byte(nil))
	for _, raw := range []string{`{"Success":true}`, `{"Success":false,"Model":[]}`, `{"Success":true,"Model":[null]}`, `{"Success":true,"Model":[[]]}`, "[]", "<html>"} {
		f.Add(uint16(200), "", "", "", "", "", "", "", []byte(raw))
	}
	w := &providertest.Scripted{}
	g := behind(f, w)
	f.Fuzz(func(t *testing.T, status uint16, state, amount, currency, created, fee, original, kind string, raw []byte) {
		state, amount, currency, created = valid(state), valid(amount), valid(currency), valid(created)
		fee, original, kind = valid(fee), valid(original), valid(kind)
		body := []byte(`{"Success":true,"Message":null,"Model":[` + providertest.Object(map[string]string{
			"TransactionId": refundID, "OriginalTransactionId": original, "Type": kind, "InvoiceId": orderNumber, "TestMode": "true", "Amount": amount, "Currency": currency,
			"Status": state, "CreatedDateIso": created, "TotalFee": fee, "Name": hisName, "Email": hisEmail, "Token": hisToken,
		}, true) + `]}`)
		if len(raw) > 0 {
			body = raw
		}
		status %= 1000
		asked := 0
		w.Answer = func(*http.Request) (int, []byte) { asked++; return int(status), body }
		var lines []providers.StatementLine
		err := g.Report(t.Context(), march, func(l providers.StatementLine) error { lines = append(lines, l); return nil })
		discreet(t, err, lines)
		if status != 200 && (err == nil || len(lines) > 0) || asked > 1 || len(lines) > bytes.Count(body, []byte{'{'}) {
			t.Fatalf("HTTP %d: %d lines by %d questions, error %v", status, len(lines), asked, err)
		}
		for _, l := range lines {
			if l.At.Before(march.From) || !l.At.Before(march.To) || l.Amount.Minor < 0 || l.Amount.Currency != "KZT" {
				t.Errorf("%+v", l)
			}
			if len(raw) > 0 {
				continue
			}
			back := original != "" && original != "0"
			want := map[string]providers.Verdict{"Completed": providers.Approved, "Authorized": providers.Held, "AwaitingAuthentication": providers.Pending,
				"Cancelled": providers.Declined, "Declined": providers.Declined}[state]
			if back && want == providers.Held {
				want = providers.Pending
			}
			if !back && kind != "" && kind != "0" {
				want = providers.Unknown
			}
			if !is(amount, l.Amount) || l.Verdict != want || (l.Kind == providers.LineRefund) != back || l.Order != orderNumber || l.External != refundID {
				t.Errorf("%s is read as %+v", body, l)
			}
			if l.Fee.Currency != "" && !is(fee, l.Fee) {
				t.Errorf("a fee of %q is read as %s", fee, l.Fee)
			}
		}
		if at, bad := readDate(literal(created)); status == 200 && len(raw) == 0 && err == nil && len(lines) == 0 &&
			(bad != nil || !at.Before(march.From) && at.Before(march.To)) {
			t.Errorf("%s is left out", body)
		}
	})
}

// The sum of what was given back is exact, or it is not told.
func FuzzTally(f *testing.F) {
	f.Add(int64(100), int64(200), int64(0), int64(300), "Completed", "Completed")
	f.Add(int64(100), int64(200), int64(200), int64(100), "Declined", "Completed")
	f.Add(int64(1)<<62, int64(1)<<62, int64(0), int64(1)<<62, "Completed", "Authorized")
	f.Add(int64(5), int64(5), int64(-5), int64(5), "Sold", "Completed")
	f.Fuzz(func(t *testing.T, one, other, before, amount int64, first, second string) {
		var s tally
		sum, open, unclear := new(big.Int), false, false
		for _, r := range []struct {
			minor  int64
			status string
		}{{one, first}, {other, second}} {
			s.add(transaction{Amount: literal(providers.Money{Minor: r.minor, Currency: "KZT"}.Decimal()), Currency: "KZT", Status: literal(r.status)})
			switch {
			case r.minor < 0:
				unclear = true
			case r.status == "Completed":
				sum.Add(sum, big.NewInt(r.minor))
			case r.status == "Authorized" || r.status == "AwaitingAuthentication":
				open = open || r.minor > 0
			case r.status != "Declined" && r.status != "Cancelled":
				unclear = true
			}
		}
		r := s.compare(providers.Refund{Amount: providers.Money{Minor: amount, Currency: "KZT"}, Before: providers.Money{Minor: before, Currency: "KZT"}})
		past := big.NewInt(before)
		after := new(big.Int).Add(past, big.NewInt(amount))
		wrong := false
		switch {
		case r.Absent:
			wrong = unclear || open || sum.Cmp(past) != 0
		case r.Verdict == providers.Approved:
			wrong = unclear || open || sum.Cmp(after) != 0 || amount <= 0
		case r.Verdict == providers.Pending:
			wrong = unclear || !open || sum.Cmp(past) != 0
		}
		if wrong || r.Verdict == providers.Declined || r.Verdict == providers.Unserved {
			t.Errorf("%d %s and %d %s, %d after %d: %s, absent %t", one, first, other, second, amount, before, r.Verdict, r.Absent)
		}
	})
}
