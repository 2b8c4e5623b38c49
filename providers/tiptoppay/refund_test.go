package tiptoppay

import (
	"strings"
	"testing"
	"time"

	"github.com/payrouter/payrouter/providers"
)

const refundID = "2346790012"

// back is a refund of a part of a payment.
func back(t *testing.T, ref providers.Ref, amount, before string) providers.Refund {
	t.Helper()
	return providers.Refund{Ref: ref, ID: "rf481b", Amount: tenge(t, amount), Before: tenge(t, before), Reason: "Aigerim wants her money back"}
}

func TestARefundIsMadeAsTheNotesSay(t *testing.T) {
	g, d := open(t, nil, found(orderNumber, "Completed"), `{"Model":{"TransactionId":2346790012},"Success":true,"Message":null}`)
	r := g.Refund(t.Context(), back(t, page(t), "5000", "0"))
	verdict(t, r, providers.Approved, providers.NoReason)
	want := asked{refund, `{"TransactionId":2346712901,"Amount":5000.00,"JsonData":{"refund":"rf481b"}}`, "rf481b-refund"}
	if r.External != refundID || r.Amount != tenge(t, "5000") || len(d.asked) != 2 || d.asked[1] != want {
		t.Errorf("%+v, asked %+v, want %+v", r, d.asked, want)
	}
}

func TestWhatRefundsMean(t *testing.T) {
	paid := found(orderNumber, "Completed")
	for name, c := range map[string]struct {
		answers        []string
		amount, before string
		want           providers.Verdict
		reason         providers.Reason
	}{
		"refused":                       {[]string{paid, refusal}, "5000", "0", providers.Unknown, providers.Ambiguous},
		"refused with a word":           {[]string{paid, `{"Success":false,"Message":"Too old"}`}, "5000", "0", providers.Unknown, providers.Ambiguous},
		"done, without an id":           {[]string{paid, done}, "5000", "0", providers.Unknown, providers.Unreadable},
		"done, with the payment's id":   {[]string{paid, `{"Model":{"TransactionId":2346712901},"Success":true}`}, "5000", "0", providers.Unknown, providers.Mismatch},
		"lost":                          {[]string{paid, "502"}, "5000", "0", providers.Unknown, providers.ServerError},
		"throttled":                     {[]string{paid, "429 Too many requests"}, "5000", "0", providers.Unserved, providers.Throttled},
		"throttled, in another's words": {[]string{paid, "429 " + done}, "5000", "0", providers.Unknown, providers.Throttled},
		"more than was paid":            {nil, "14500.01", "0", providers.Declined, providers.InvalidRequest},
		"more than is left":             {[]string{paid}, "5000", "9500.01", providers.Declined, providers.Refused},
		"more than was captured":        {[]string{found(orderNumber, "Completed", "Amount", "4000")}, "5000", "0", providers.Declined, providers.Refused},
		"of a hold":                     {[]string{found(orderNumber, "Authorized")}, "5000", "0", providers.Unserved, providers.NotSent},
		"of a released hold":            {shows("Cancelled"), "5000", "0", providers.Declined, providers.Refused},
		"of a page nobody tried":        {[]string{notFound}, "5000", "0", providers.Unserved, providers.NotFound},
		"of what cannot be looked up":   {[]string{"500"}, "5000", "0", providers.Unserved, providers.NotSent},
	} {
		t.Run(name, func(t *testing.T) {
			ref := page(t)
			ref.TwoStage = true
			g, d := open(t, nil, c.answers...)
			verdict(t, g.Refund(t.Context(), back(t, ref, c.amount, c.before)), c.want, c.reason)
			if len(d.asked) != len(c.answers) {
				t.Errorf("asked %s", d.paths())
			}
		})
	}
}

// given is a row of a refund.
func given(id, amount, status string, more ...string) string {
	return model(orderNumber, status, append([]string{"TransactionId", id, "OriginalTransactionId", txID, "Type", "1", "Amount", amount,
		"CreatedDateIso", `"2026-03-15T10:00:00"`}, more...)...)
}

func rows(models ...string) string {
	return `{"Model":[` + strings.Join(models, ",") + `],"Success":true,"Message":null}`
}

// shows is what a look at a page reads whose only try has no money.
func shows(status string, more ...string) []string {
	return []string{found(orderNumber, status, more...), rows(model(orderNumber, status, more...))}
}

func envelope(model string) string { return `{"Model":` + model + `,"Success":true,"Message":null}` }

func TestHowALostRefundIsSettled(t *testing.T) {
	paid := found(orderNumber, "Completed")
	const ours, others = `"{\"refund\":\"rf481b\"}"`, `"{\"refund\":\"rf481a\"}"`
	own := model(orderNumber, "Completed")
	foreign := model("another", "Completed", "TransactionId", "2346790099", "OriginalTransactionId", "2346712000", "Type", "1")
	for name, c := range map[string]struct {
		answers  []string
		before   string
		want     providers.Verdict
		reason   providers.Reason
		absent   bool
		returned string
	}{
		"nothing was given back":            {[]string{paid, paid}, "0", providers.Unknown, providers.Ambiguous, true, "0"},
		"nothing, and something was before": {[]string{paid, paid}, "1000", providers.Unknown, providers.Ambiguous, false, "0"},
		"our refund is the last":            {[]string{paid, envelope(given(refundID, "5000", "Completed", "JsonData", ours))}, "1000", providers.Approved, "", false, ""},
		"ours has another amount":           {[]string{paid, envelope(given(refundID, "5001", "Completed", "JsonData", ours))}, "1000", providers.Unknown, providers.Mismatch, false, ""},
		"the sum shows it": {[]string{paid, envelope(given(refundID, "5000", "Completed")),
			rows(own, foreign, given(refundID, "5000", "Completed"))}, "0", providers.Approved, "", false, "5000"},
		"the sum shows that it is missing": {[]string{paid, envelope(given(refundID, "1000", "Completed", "JsonData", others)),
			rows(own, given(refundID, "1000", "Completed"))}, "1000", providers.Unknown, providers.Ambiguous, true, "1000"},
		"the sum fits neither": {[]string{paid, envelope(given("12", "1000", "Completed")),
			rows(own, given("11", "1000", "Completed"), given("12", "1000", "Completed"))}, "0", providers.Unknown, providers.Ambiguous, false, "2000"},
		"two equal refunds are two": {[]string{paid, envelope(given("12", "5000", "Completed")),
			rows(own, given("11", "5000", "Completed"), given("12", "5000", "Completed"))}, "5000", providers.Approved, "", false, "10000"},
		"ours stands under another's": {[]string{paid, envelope(given("12", "7", "Completed")),
			rows(own, given(refundID, "5000", "Completed", "JsonData", ours), given("12", "7", "Completed"))}, "1000", providers.Approved, "", false, ""},
		"ours stands there as an object": {[]string{paid, envelope(given("12", "7", "Completed")),
			rows(own, given(refundID, "5000", "Completed", "JsonData", `{"refund":"rf481b"}`))}, "1000", providers.Approved, "", false, ""},
		"ours stands under another's and has another amount": {[]string{paid, envelope(given("12", "7", "Completed")),
			rows(own, given(refundID, "5001", "Completed", "JsonData", ours))}, "1000", providers.Unknown, providers.Mismatch, false, ""},
		"one that failed later is none": {[]string{paid, envelope(given(refundID, "5000", "Declined", "JsonData", ours)),
			rows(own, given(refundID, "5000", "Declined"))}, "0", providers.Unknown, providers.Ambiguous, true, "0"},
		"one that is not through": {[]string{paid, envelope(given(refundID, "5000", "Authorized")),
			rows(own, given(refundID, "5000", "Authorized"))}, "0", providers.Pending, providers.Processing, false, "0"},
		"one in a status nobody knows": {[]string{paid, envelope(given(refundID, "5000", "Sold")),
			rows(own, given(refundID, "5000", "Sold"))}, "0", providers.Unknown, providers.Ambiguous, false, ""},
		"one of an amount nobody can read": {[]string{paid, envelope(given(refundID, "5000", "Completed")),
			rows(own, given(refundID, `"a lot"`, "Completed"))}, "0", providers.Unknown, providers.Ambiguous, false, ""},
		"the list lacks the payment": {[]string{paid, envelope(given(refundID, "5000", "Completed")), rows(given(refundID, "5000", "Completed"))}, "0", providers.Unknown, providers.Mismatch, false, ""},
		"the list lacks the refund":  {[]string{paid, envelope(given(refundID, "5000", "Completed")), rows(own)}, "0", providers.Unknown, providers.Mismatch, false, ""},
		"the list is another's":      {[]string{paid, envelope(given(refundID, "5000", "Completed")), rows(foreign)}, "0", providers.Unknown, providers.Mismatch, false, ""},
		"the list fails":             {[]string{paid, envelope(given(refundID, "5000", "Completed")), "502"}, "0", providers.Unknown, providers.ServerError, false, ""},
		"the list is refused":        {[]string{paid, envelope(given(refundID, "5000", "Completed")), refusal}, "0", providers.Unknown, providers.Ambiguous, false, ""},
		"the list is no list":        {[]string{paid, envelope(given(refundID, "5000", "Completed")), envelope(`{}`)}, "0", providers.Unknown, providers.Unreadable, false, ""},
		"a row has no date":          {[]string{paid, envelope(given(refundID, "5000", "Completed")), rows(own, given(refundID, "5000", "Completed", "CreatedDateIso", "null"))}, "0", providers.Unknown, providers.Unreadable, false, ""},
		"the last operation is not":  {[]string{paid, notFound}, "0", providers.Unknown, providers.Unreadable, false, ""},
		"it is of another order":     {[]string{paid, envelope(model("another", "Completed"))}, "0", providers.Unknown, providers.Mismatch, false, ""},
		"it cannot be asked for":     {[]string{paid, "401"}, "0", providers.Unknown, providers.Misconfigured, false, ""},
		"the payment is not found":   {[]string{notFound}, "0", providers.Unknown, providers.Ambiguous, false, ""},
		"the payment is a hold":      {[]string{found(orderNumber, "Authorized")}, "0", providers.Unknown, providers.Ambiguous, false, ""},
		"the payment is not shown":   {[]string{"503"}, "0", providers.Unknown, providers.ServerError, false, ""},
	} {
		t.Run(name, func(t *testing.T) {
			g, d := open(t, nil, c.answers...)
			r := g.LookupRefund(t.Context(), back(t, page(t), "5000", c.before))
			verdict(t, r, c.want, c.reason)
			want := providers.Money{}
			if c.returned != "" {
				want = tenge(t, c.returned)
			}
			if r.Absent != c.absent || r.Returned != want || r.Verdict == providers.Approved && r.Amount != tenge(t, "5000") {
				t.Errorf("absent %t, returned %s of %s", r.Absent, r.Returned, r.Amount)
			}
			if len(d.asked) != len(c.answers) {
				t.Errorf("asked %s", d.paths())
			}
			for _, a := range d.asked {
				if a.id != "" {
					t.Errorf("a look-up moves money: %+v", a)
				}
			}
		})
	}
}

// The books are read from the payment's own beginning to now.
func TestTheSumIsOfAllRefundsSinceThePayment(t *testing.T) {
	first := append(make([]string, 0, pageRows), model(orderNumber, "Completed"))
	for i := range pageRows - 1 {
		first = append(first, given(itoa(int64(100+i)), "1", "Completed"))
	}
	g, d := open(t, nil, found(orderNumber, "Completed"), envelope(given("200", "5000", "Completed")),
		rows(first...), rows(first[99], given("200", "5000", "Completed")))
	r := g.LookupRefund(t.Context(), back(t, page(t), "5000", "99"))
	verdict(t, r, providers.Approved, providers.NoReason)
	if len(d.asked) != 4 || !strings.HasPrefix(d.asked[3].body, `{"PageNumber":2,"CreatedDateGte":"2026-03-14T09:21:07Z","CreatedDateLte":"`) ||
		!strings.HasSuffix(d.asked[3].body, `,"TimeZone":"UTC"}`) {
		t.Errorf("asked %+v", d.asked)
	}
	_, to, _ := strings.Cut(d.asked[3].body, `"CreatedDateLte":"`)
	if end, err := time.Parse(time.RFC3339, to[:20]); err != nil || end.Before(time.Now()) {
		t.Errorf("it ends at %s", to)
	}
}
