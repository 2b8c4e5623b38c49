package kaspi

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/payrouter/payrouter/providers"
)

func TestThePaidPurchaseIsToldWithItsDateAndWhatWentBack(t *testing.T) {
	atCounter(t, func(t *testing.T, b *bank) {
		line := providers.StatementLine{Kind: providers.LineCharge, Order: bought(providers.QR).Order, External: "12911004518", Verdict: providers.Approved,
			Amount: price, At: time.Date(2026, 11, 23, 9, 2, 12, 156_666_700, time.UTC), Code: "Processed"}
		for _, scheme := range []Scheme{R2, R3} {
			g := b.gateway(scheme)
			if g.Claims().Statement != providers.StatementWalk {
				t.Errorf("%s claims %q", scheme, g.Claims().Statement)
			}
			for _, status := range []string{"payment-status-processed", "payment-status-v01", "payment-status-strings"} {
				b.reads("/payment/status/12911004518", status)
				b.reads("/payment/details", "payment-details")
				told, err := g.Tell(t.Context(), providers.Asked{Ref: bought(providers.QR)})
				if diff := cmp.Diff(providers.Told{Known: true, Charge: line, Returned: kzt(0)}, told); err != nil || diff != "" {
					t.Errorf("%s: %v (-want +got):\n%s", status, err, diff)
				}
				b.reads("/payment/details", "payment-details-returned")
				if told, err = g.Tell(t.Context(), providers.Asked{Ref: bought(providers.QR)}); err != nil || told.Returned != kzt(5000_00) {
					t.Errorf("%s: %s returned, %v", status, told.Returned, err)
				}
			}
		}
		if g := b.gateway(R1); g.Claims().Statement != providers.StatementFile {
			t.Errorf("r1, which has no details, claims %q", g.Claims().Statement)
		}
	})
}

func TestWhatKaspiSaysIsToldEvenWhereItIsNotWhatWeAskedFor(t *testing.T) {
	atCounter(t, func(t *testing.T, b *bank) {
		g := b.gateway(R3)
		details := `{"StatusCode":0,"Data":{"QrPaymentId":12911004518,"TotalAmount":%s,"AvailableReturnAmount":%s%s}}`
		for _, c := range []struct {
			status, total, left, more string
			verdict                   providers.Verdict
			amount, returned          int64
			undated                   bool
		}{
			{`"Processed","Amount":15490`, "15490", "15490", "", providers.Approved, 15490_00, 0, true},
			{`"Processed"`, "15490", "0", `,"TransactionDate":"yesterday"`, providers.Approved, 15490_00, 15490_00, true},
			{`"Paid"`, "15490", "15490", `,"TransactionDate":"2026-11-23T14:02:12+05"`, providers.Approved, 15490_00, 0, false},
			{`"Processed","Amount":15490`, "15491", "15490", "", providers.Approved, 15491_00, 1_00, true}, // the sum counts
			{`"Processed","Amount":1`, "15490", "15490", "", providers.Approved, 15490_00, 0, true},
			{`"Wait","Amount":0.00`, "", "", "", providers.Pending, 15490_00, 0, true},
			{`"QrTokenCreated"`, "", "", "", providers.Pending, 15490_00, 0, true},
			{`"Error","Amount":15000`, "", "", "", providers.Declined, 15000_00, 0, true},
			{`"RemotePaymentCanceled"`, "", "", "", providers.Declined, 15490_00, 0, true},
			{`"Refunded"`, "", "", "", providers.Unknown, 15490_00, 0, true},
			{`""`, "", "", "", providers.Unknown, 15490_00, 0, true},
		} {
			b.says("/payment/status/12911004518", 200, `{"StatusCode":0,"Data":{"Status":`+c.status+`}}`)
			b.says("/payment/details", 200, fmt.Sprintf(details, c.total, c.left, c.more))
			told, err := g.Tell(t.Context(), providers.Asked{Ref: bought(providers.QR)})
			l := told.Charge
			if err != nil || !told.Known || l.Verdict != c.verdict || l.Amount != kzt(c.amount) || told.Returned.Minor != c.returned || l.At.IsZero() != c.undated {
				t.Errorf("%s: %+v, %v", c.status, told, err)
			}
			if (told.Returned.Currency == "") != (l.Verdict != providers.Approved) {
				t.Errorf("%s: a sum given back of %q", c.status, told.Returned.Currency)
			}
		}
	})
}

func TestOnlyKaspisOwnWordIsAnAbsence(t *testing.T) {
	atCounter(t, func(t *testing.T, b *bank) {
		g := b.gateway(R3)
		tell := func(ref providers.Ref) (providers.Told, error) { return g.Tell(t.Context(), providers.Asked{Ref: ref}) }
		b.reads("/payment/status/12911004518", "payment-status-unknown")
		if told, err := tell(bought(providers.QR)); err != nil || told.Known {
			t.Errorf("a number that they do not have: %+v, %v", told, err)
		}
		for _, status := range []int{301, 400, 401, 403, 404, 429, 500, 503} {
			for _, body := range []string{"", `{"StatusCode":-10000}`, `{"StatusCode":0,"Data":{"Status":"Error"}}`} {
				b.says("/payment/status/12911004518", status, body)
				if told, err := tell(bought(providers.QR)); err == nil {
					t.Errorf("HTTP %d %s: %+v", status, body, told)
				}
			}
		}
		for _, status := range []int{401, 403, 404, 500} {
			b.says("/payment/status/12911004518", status, `{"StatusCode":-1601}`)
			if told, err := tell(bought(providers.QR)); err == nil {
				t.Errorf("HTTP %d: %+v", status, told)
			}
		}
		for _, body := range []string{`{"StatusCode":-999}`, `{"StatusCode":-777}`, `{"StatusCode":0}`, `{"StatusCode":0,"Data":{"Status":"Processed","Amount":"all"}}`, "<html>"} {
			b.says("/payment/status/12911004518", 200, body)
			if told, err := tell(bought(providers.QR)); err == nil {
				t.Errorf("%s: %+v", body, told)
			}
		}
		b.reads("/payment/status/12911004518", "payment-status-processed")
		good := answerFile(t, "payment-details")
		for what, body := range map[string]string{
			"of another purchase": strings.Replace(good, "12911004518", "12911004519", 1), "not found": `{"StatusCode":-1601}`, "of no purchase": strings.Replace(good, "12911004518", "null", 1),
			"without a sum": strings.Replace(good, `"TotalAmount":15490.00,`, "", 1), "more left than there was": strings.Replace(good, `"AvailableReturnAmount":15490`, `"AvailableReturnAmount":15491`, 1),
			"less than nothing left": strings.Replace(good, `"AvailableReturnAmount":15490`, `"AvailableReturnAmount":-1`, 1), "maintenance": `{"StatusCode":-999}`,
		} {
			b.says("/payment/details", 200, body)
			if told, err := tell(bought(providers.QR)); err == nil {
				t.Errorf("details %s: %+v", what, told)
			}
		}
	})
}

func TestWhatHasNoLookUpIsNotAskedAbout(t *testing.T) {
	atCounter(t, func(t *testing.T, b *bank) {
		g := b.gateway(R3)
		unpaid, typed := charge(providers.Push).Ref, bought(providers.Account)
		for _, ref := range []providers.Ref{unpaid, typed} {
			if told, err := g.Tell(t.Context(), providers.Asked{Ref: ref}); err != nil || told.Known {
				t.Errorf("%s: %+v, %v", ref.Method, told, err)
			}
		}
		b.silent()
		for _, m := range g.Claims().Methods {
			if m.Unasked != (m.Method == providers.Account) {
				t.Errorf("%s: unasked %t", m.Method, m.Unasked)
			}
		}
	})
}
