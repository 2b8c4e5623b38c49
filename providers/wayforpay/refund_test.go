package wayforpay

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/payrouter/payrouter/providers"
)

func partial(t *testing.T, amount, before string) providers.Refund {
	t.Helper()
	return providers.Refund{Ref: link(t, "rt-000000000001", "1500.5"), ID: "rf-000000000009", Amount: hryvnias(t, amount),
		Before: hryvnias(t, before), Reason: "partial return"}
}

func TestRefundAnswers(t *testing.T) {
	for _, c := range []struct {
		answer string
		want   providers.Verdict
		why    providers.Reason
	}{
		{read(t, "refund.answer.json"), providers.Approved, ""},
		{read(t, "refund_pending.answer.json"), providers.Pending, providers.Processing},
		{read(t, "refund_refused.answer.json"), providers.Declined, providers.Refused},
		{saysShort("RefundInProcessing", "1100", "rt-000000000001"), providers.Pending, providers.Processing},
		{saysShort("Voided", "1100", "rt-000000000001"), providers.Unknown, providers.Ambiguous},
		{saysShort("Refunded", "1128", "rt-000000000001"), providers.Unknown, providers.Ambiguous},
		{saysShort("Refunded", "77", "rt-000000000001"), providers.Unknown, providers.UnknownCode},
		{saysShort("Approved", "1100", "rt-000000000001"), providers.Unknown, providers.Ambiguous},
		{saysShort("Returned", "1100", "rt-000000000001"), providers.Unknown, providers.UnknownCode},
		{saysShort("Refunded", "1100", "rt-000000000002"), providers.Unknown, providers.Mismatch},
		{says("Refunded", "1100", "rt-000000000001", "500.25"), providers.Unknown, providers.BadSignature},
	} {
		g, d := open(t, nil, c.answer)
		verdict(t, g.Refund(t.Context(), partial(t, "500.25", "0")), c.want, c.why)
		golden(t, "refund.request.json", d.asked[0])
		if got := signature(t, d.asked[0]); got != "e5b03f939366bfef97ce6fe8888c7a4f" {
			t.Errorf("signature %s", got)
		}
	}
}

func TestRefundAlwaysHasAComment(t *testing.T) {
	for _, c := range []struct{ id, reason, want string }{
		{"rf1", "too big; \"too\" dear\n", "rf1 too big \"too\" dear"},
		{"rf1", "", "rf1"},
		{"", "", "refund of rt-000000000001"},
		{"rf1", strings.Repeat("ы", 500), "rf1 " + strings.Repeat("ы", longestComment-4)},
	} {
		g, d := open(t, nil, read(t, "refund.answer.json"))
		r := partial(t, "1", "0")
		r.ID, r.Reason = c.id, c.reason
		g.Refund(t.Context(), r)
		var sent request
		if err := json.Unmarshal([]byte(d.asked[0]), &sent); err != nil {
			t.Fatal(err)
		}
		if sent.Comment != c.want {
			t.Errorf("comment %q, want %q", sent.Comment, c.want)
		}
	}
}

func TestRefundOfMoreThanThePaymentIsNotSent(t *testing.T) {
	g, d := open(t, nil)
	verdict(t, g.Refund(t.Context(), partial(t, "1500.51", "0")), providers.Declined, providers.InvalidRequest)
	verdict(t, g.Refund(t.Context(), partial(t, "0", "0")), providers.Declined, providers.InvalidRequest)
	if len(d.asked) > 0 {
		t.Errorf("asked %s", d.kinds(t))
	}
}

func TestLookupRefundComparesTheSumReturned(t *testing.T) {
	for _, c := range []struct {
		status, code, returned string // returned "-" is not told
		before, amount         string
		want                   providers.Verdict
		absent                 bool
	}{
		{"Approved", "1100", "0", "0", "500.25", providers.Unknown, true},
		{"Approved", "1100", "0.00", "0", "500.25", providers.Unknown, true},
		{"Approved", "1136", "0", "0", "500.25", providers.Unknown, true},
		{"Approved", "1100", "-", "0", "500.25", providers.Unknown, false}, // untold is not nothing
		{"Approved", "1136", "-", "0", "500.25", providers.Unknown, false},
		{"Approved", "1100", "-", "100", "500.25", providers.Unknown, false}, // 100 vanished
		{"Refunded", "1100", "500.25", "0", "500.25", providers.Approved, false},
		{"Refunded", "1100", "100.00", "100", "500.25", providers.Unknown, true},
		{"Refunded", "1100", "600.25", "100", "500.25", providers.Approved, false},
		{"Refunded", "1100", "200", "100", "100", providers.Approved, false},
		{"Refunded", "1100", "1500.5", "100", "500.25", providers.Unknown, false}, // somebody else gave back too
		{"Refunded", "1100", "50", "100", "500.25", providers.Unknown, false},
		{"Refunded", "1100", "-", "0", "1500.5", providers.Unknown, false},
		{"RefundInProcessing", "1138", "0", "0", "500.25", providers.Pending, false},
		{"RefundInProcessing", "1138", "500.25", "0", "500.25", providers.Pending, false},
		{"RefundInProcessing", "1138", "3", "0", "500.25", providers.Unknown, false},
		{"RefundInProcessing", "1138", "-", "0", "500.25", providers.Unknown, false},
		{"Declined", "1127", "-", "0", "500.25", providers.Unknown, false}, // no absence of a refund
		{"Voided", "1100", "0", "0", "500.25", providers.Unknown, false},
		{"WaitingAuthComplete", "1100", "0", "0", "500.25", providers.Unknown, false},
		{"Created", "1131", "0", "0", "500.25", providers.Unknown, false},
	} {
		more := []string{"refundAmount", c.returned}
		if c.returned == "-" {
			more = nil
		}
		g, d := open(t, nil, says(c.status, c.code, "rt-000000000001", "1500.5", more...), `{"reasonCode":1100,"transactionList":[]}`)
		got := g.LookupRefund(t.Context(), partial(t, c.amount, c.before))
		if got.Verdict != c.want || got.Absent != c.absent {
			t.Errorf("%s, returned %s, before %s, amount %s: %+v", c.status, c.returned, c.before, c.amount, got)
		}
		want := "CHECK_STATUS"
		if c.absent {
			want += " TRANSACTION_LIST" // the second witness
		}
		if kinds := d.kinds(t); kinds != want {
			t.Errorf("asked %s, want %s", kinds, want)
		}
	}
}

func TestRefundThatTheListShowsOrMayShowIsNotAbsent(t *testing.T) {
	now := time.Now()
	listed := func(order, kind, status, amount string, at time.Time) string {
		return fmt.Sprintf(`{"transactionType":%q,"orderReference":%q,"createdDate":"%d","amount":%q,"currency":"UAH","transactionStatus":%q,"reasonCode":1100}`,
			kind, order, at.Unix(), amount, status)
	}
	const order = "rt-000000000001"
	// Which of its dates a row is listed by is not documented, nor what a refund's first one is.
	dated := func(row string, processed string) string {
		return strings.TrimSuffix(row, "}") + fmt.Sprintf(`,"processingDate":%q}`, processed)
	}
	refunded := listed(order, "REFUND", "Refunded", "500.25", day)
	for _, c := range []struct {
		name    string
		planned time.Time
		before  string
		rows    []string
		absent  bool
	}{
		{"no row at all", day, "0", nil, true},
		{"the payment, and refunds of others", day, "0", []string{listed(order, "PURCHASE", "Approved", "1500.50", now), listed("rt-2", "REFUND", "Refunded", "500.25", now)}, true},
		{"made", day, "0", []string{listed(order, "REFUND", "Refunded", "500.25", now)}, false},
		{"accepted", day, "0", []string{listed(order, "REFUND", "RefundInProcessing", "500.25", now)}, false},
		{"a status nobody knows", day, "0", []string{listed(order, "REFUND", "Sent", "500.25", now)}, false},
		{"refused", day, "0", []string{listed(order, "REFUND", "Declined", "500.25", now)}, true},
		{"an unreadable amount", day, "0", []string{listed(order, "REFUND", "Refunded", "much", now)}, false},
		{"confirmed before", now.Add(-time.Hour), "100", []string{listed(order, "REFUND", "Refunded", "100.00", now)}, true},
		{"one more than confirmed", now.Add(-time.Hour), "100", []string{listed(order, "REFUND", "Refunded", "100.00", now), listed(order, "REFUND", "Refunded", "500.25", now)}, false},
		{"perhaps the one confirmed before", day, "100", []string{listed(order, "REFUND", "Refunded", "100.00", now)}, false},
		{"of days ago", day, "100", []string{listed(order, "REFUND", "Refunded", "100.00", now.Add(-49*time.Hour))}, true},
		{"of the payment's day, and made now", day, "0", []string{dated(refunded, fmt.Sprint(now.Unix()))}, false},
		{"of the payment's day, and made nobody knows when", day, "0", []string{dated(refunded, "soon")}, false},
		{"of days ago, and made then", day, "0", []string{dated(refunded, fmt.Sprint(day.Unix()))}, true},
	} {
		status := says("Refunded", "1100", order, "1500.5", "refundAmount", c.before)
		g, _ := open(t, nil, status, `{"reasonCode":1100,"transactionList":[`+strings.Join(c.rows, ",")+`]}`)
		r := partial(t, "500.25", c.before)
		r.Ref.Planned = c.planned
		if got := g.LookupRefund(t.Context(), r); got.Verdict != providers.Unknown || got.Absent != c.absent || c.absent && got.Returned != r.Before || !c.absent && got.Returned != (providers.Money{}) {
			t.Errorf("%s: %+v", c.name, got)
		}
	}
}

func TestRefundIsNotAbsentWithoutAList(t *testing.T) {
	for _, list := range []string{"http 500", "<html>", `{"reasonCode":1109}`, `{"reasonCode":1100}`} {
		g, _ := open(t, nil, says("Approved", "1100", "rt-000000000001", "1500.5", "refundAmount", "0"), list)
		if got := g.LookupRefund(t.Context(), partial(t, "500.25", "0")); got.Verdict != providers.Unknown || got.Absent || got.Err == nil {
			t.Errorf("%s: %+v", list, got)
		}
	}
}

func TestFailedRefundLookupIsUnknown(t *testing.T) {
	for _, answer := range []string{"http 500", "<html>", `{"reasonCode":1127}`, says("Refunded", "1100", "rt-000000000001", "1500.49", "refundAmount", "500.25")} {
		g, _ := open(t, nil, answer)
		if got := g.LookupRefund(t.Context(), partial(t, "500.25", "0")); got.Verdict != providers.Unknown || got.Absent {
			t.Errorf("%s: %+v", answer, got)
		}
	}
}
