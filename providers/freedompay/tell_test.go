package freedompay

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/payrouter/payrouter/providers"
)

func TestAPaymentIsToldBySumsFirstAndWordsSecond(t *testing.T) {
	paidAt := time.Date(2026, 3, 14, 9, 21, 7, 0, time.UTC)
	for name, c := range map[string]struct {
		answer   reply
		verdict  providers.Verdict
		reason   providers.Reason
		amount   string
		returned string // of money that was taken; "" is not told
		fee      string
		dated    bool
	}{
		"paid":                  {stands("success", "pg_captured", "1", "pg_payment_date", "2026-03-14 14:21:07", "pg_net_amount", "14079.50"), providers.Approved, "", "14500", "0", "420.50", true},
		"paid, and no fee":      {stands("success", "pg_captured", "1"), providers.Approved, "", "14500", "0", "0", false},
		"another sum":           {stands("success", "pg_captured", "1", "pg_amount", "14501"), providers.Approved, "", "14501", "0", "0", false},
		"a part of a hold":      {stands("success", "pg_captured", "1", "pg_clearing_amount", "5000"), providers.Approved, "", "5000", "0", "0", false},
		"given back in part":    {stands("success", "pg_captured", "1", "pg_refund_amount", "-40", "pg_net_amount", "14079.50"), providers.Approved, "", "14500", "40", "0", false},
		"given back whole":      {stands("refunded"), providers.Approved, "", "14500", "14500", "0", false},
		"given back too much":   {stands("success", "pg_captured", "1", "pg_refund_amount", "-20000"), providers.Approved, "", "14500", "20000", "0", false},
		"held":                  {stands("success", "pg_captured", "0", "pg_payment_date", "2026-03-14 14:21:07"), providers.Held, "", "14500", "", "0", true},
		"released":              {stands("revoked"), providers.Declined, providers.Released, "14500", "", "0", false},
		"failed":                {stands("error", "pg_failure_code", "10009"), providers.Declined, "", "14500", "", "0", false},
		"failed, and taken":     {stands("error", "pg_clearing_amount", "14500"), providers.Approved, "", "14500", "0", "0", false},
		"waiting":               {stands("new"), providers.Pending, "", "14500", "", "0", false},
		"expired":               {stands("incomplete"), providers.Declined, "", "14500", "", "0", false},
		"a word of nobody's":    {stands("teleported"), providers.Unknown, "", "14500", "", "0", false},
		"words against sums":    {stands("process", "pg_clearing_amount", "14500"), providers.Unknown, "", "14500", "", "0", false},
		"a date of no calendar": {stands("success", "pg_captured", "1", "pg_payment_date", "soon"), providers.Approved, "", "14500", "0", "0", false},
	} {
		atDesk(t, nil, []reply{c.answer}, func(t *testing.T, g *Gateway, d *desk) {
			told, err := g.Tell(context.Background(), providers.Asked{Ref: pageRef(t)})
			want := providers.StatementLine{Kind: providers.LineCharge, Order: orderNumber, External: paymentID, Verdict: c.verdict, Reason: c.reason, Amount: tenge(t, c.amount), Code: told.Charge.Code}
			if c.fee != "0" {
				want.Fee = tenge(t, c.fee)
			}
			if c.dated {
				want.At = paidAt
			}
			if diff := cmp.Diff(want, told.Charge); err != nil || diff != "" || !told.Known || len(d.asked) != 1 {
				t.Errorf("%s: %v (-want +got):\n%s", name, err, diff)
			}
			if c.returned == "" && told.Returned != (providers.Money{}) || c.returned != "" && told.Returned != tenge(t, c.returned) {
				t.Errorf("%s: %s given back, want %q", name, told.Returned, c.returned)
			}
		})
	}
}

func TestOnlyNotFoundIsAnAbsence(t *testing.T) {
	for name, answer := range map[string]reply{"11068": refuses("11068"), "340": refuses("340"), "payment id 0": says("pg_status", "ok", "pg_payment_id", "0")} {
		for _, external := range []string{"", paymentID} {
			atDesk(t, nil, []reply{answer}, func(t *testing.T, g *Gateway, d *desk) {
				ref := pageRef(t)
				ref.External = external
				if told, err := g.Tell(context.Background(), providers.Asked{Ref: ref}); err != nil || told.Known {
					t.Errorf("%s, asked by %q: %+v, %v", name, external, told, err)
				}
				if by := d.asked[0].fields; by.text("pg_payment_id") != external || (by.text("pg_order_id") == "") != (external != "") {
					t.Errorf("asked by %+v", by)
				}
			})
		}
	}
	for name, answer := range map[string]reply{
		"11068 wrongly signed": {message: refuses("11068").message, spoiled: true}, "0 unsigned": {message: flat("pg_status", "ok", "pg_payment_id", "0"), bare: true},
		"no payment id": says("pg_status", "ok"), "our account": refuses("9996"), "system error": refuses("9999"), "unknown code": refuses("987654"),
		"HTTP 404": {status: 404, body: "<response/>"}, "HTTP 502": {status: 502}, "no XML": {body: "[]"},
		"another order": stands("success", "pg_order_id", "KZ-2026-000482"), "another payment": stands("success", "pg_payment_id", "915334408"),
		"a sum below zero": stands("success", "pg_amount", "-14500"), "no sum": stands("success", "pg_amount", ""), "a strange net sum": stands("success", "pg_captured", "1", "pg_net_amount", "all"),
	} {
		atDesk(t, nil, []reply{answer}, func(t *testing.T, g *Gateway, _ *desk) {
			if told, err := g.Tell(context.Background(), providers.Asked{Ref: pageRef(t)}); err == nil {
				t.Errorf("%s: %+v", name, told)
			}
		})
	}
}
