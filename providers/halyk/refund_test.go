package halyk

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/payrouter/payrouter/providers"
)

const toRegistry = "POST /api/operations"

func TestRefundCarriesItsAmountAndOurID(t *testing.T) {
	script := []reply{tokenReply, {to: to("refund?amount=5000&externalID=rf_01JD4R1K8Z"), body: "refund_ok.json"}}
	with(t, config(), script, func(t *testing.T, g *Gateway, b *bank) {
		r := g.Refund(t.Context(), providers.Refund{Ref: paidRef(), ID: "rf_01JD4R1K8Z", Amount: tenge("5000")})
		expect(t, "refund", r, providers.Approved, "")
		golden(t, "refund", b, show(r))
	})
}

func TestRefundBelowTenTengeIsRefused(t *testing.T) {
	g, err := New(config(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, amount := range []providers.Money{tenge("9.99"), tenge("0"), {Minor: 100_00, Currency: "USD"}} {
		r := g.Refund(t.Context(), providers.Refund{Ref: paidRef(), ID: "rf1", Amount: amount})
		expect(t, fmt.Sprint(amount), r, providers.Declined, providers.Refused)
	}
	if g.Claims().Refund.Min != tenge("10") {
		t.Errorf("the claims say %s", g.Claims().Refund.Min)
	}
}

func TestAnswerAboutAnotherRefundIsAMismatch(t *testing.T) {
	script := []reply{tokenReply, {to: to("refund?amount=5000&externalID=rf1"), body: "refund_ok.json"}}
	with(t, config(), script, func(t *testing.T, g *Gateway, _ *bank) {
		r := g.Refund(t.Context(), providers.Refund{Ref: paidRef(), ID: "rf1", Amount: tenge("5000")})
		expect(t, "refund", r, providers.Unknown, providers.Mismatch)
	})
}

// registry is an answer with rows of our number: the payment's own and those
// given, as status and amount.
func registry(rows ...string) reply {
	row := func(id, status, amount string) string {
		return fmt.Sprintf(`{"id":"%s","invoiceId":"%s","amount":%s,"currency":"KZT","status":"%s","createdDate":"2000-01-01T00:00:00+05:00"}`, id, order, amount, status)
	}
	all := []string{row(payment, "CHARGE", "15490"), strings.Replace(row("other", "REFUND", "777"), order, "261123009999", 1)}
	for i := 0; i < len(rows); i += 2 {
		all = append(all, row(fmt.Sprint("row", i), rows[i], rows[i+1]))
	}
	return reply{to: toRegistry, body: fmt.Sprintf(`{"totalCount":%d,"records":[%s]}`, len(all), strings.Join(all, ","))}
}

func TestLookupOfARefundSaysOnlyWhatCanBeKnown(t *testing.T) {
	charged := status("status_charge.json")
	named := shown(t, "REFUND", `"0"`)
	refunded := status(strings.Replace(named, `"payoutAmount":15490.00`, `"payoutAmount":0`, 1))
	partly, untold := status(named), status(strings.Replace(named, `"payoutAmount":15490.00,`, "", 1))
	for what, c := range map[string]struct {
		script         []reply
		before, amount string
		verdict        providers.Verdict
		reason         providers.Reason
		absent         bool
	}{
		"the whole, REFUND and nothing paid out":  {append(refunded, registry()), "0", "15490", providers.Approved, "", false},
		"the whole, REFUND but paid out":          {append(partly, registry()), "0", "15490", providers.Unknown, providers.Ambiguous, false},
		"the whole, REFUND and no payout told":    {append(untold, registry()), "0", "15490", providers.Unknown, providers.Ambiguous, false},
		"the whole, REFUND, but a part listed":    {append(refunded, registry("REFUND", "100")), "0", "15490", providers.Unknown, providers.Ambiguous, false},
		"the whole, REFUND and listed":            {append(partly, registry("REFUND", "15490")), "0", "15490", providers.Approved, "", false},
		"the whole, REFUND, registry not read":    {append(refunded, reply{to: toRegistry, status: 500}), "0", "15490", providers.Unknown, providers.Ambiguous, false},
		"a part, REFUND":                          {append(refunded, registry()), "0", "100", providers.Unknown, providers.Ambiguous, false},
		"the rest, REFUND, but maybe from before": {append(refunded, registry()), "490", "15000", providers.Unknown, providers.Ambiguous, false},
		"the whole, still CHARGE":                 {append(charged, registry()), "0", "15490", providers.Unknown, "", true},
		"the rest, still CHARGE":                  {append(charged, registry()), "490", "15000", providers.Unknown, "", true},
		"a part, CHARGE says nothing":             {append(charged, registry()), "0", "100", providers.Unknown, providers.Ambiguous, false},
		"a part, in the registry":                 {append(charged, registry("REFUND", "100")), "0", "100", providers.Approved, "", false},
		"a second part, in the registry":          {append(charged, registry("REFUND", "490", "REFUND", "100.50")), "490", "100.50", providers.Approved, "", false},
		"a second part, not in the registry":      {append(charged, registry("REFUND", "490")), "490", "100", providers.Unknown, providers.Ambiguous, false},
		"the rest, more returned than we know":    {append(charged, registry("REFUND", "500")), "490", "15000", providers.Unknown, providers.Ambiguous, false},
		"other rows are no refunds":               {append(charged, registry("FAILED", "100", "CHARGE", "100")), "0", "100", providers.Unknown, providers.Ambiguous, false},
		"an unreadable row":                       {append(charged, registry("REFUND", `"a lot"`)), "0", "100", providers.Unknown, providers.Ambiguous, false},
		"no registry":                             {append(charged, reply{to: toRegistry, status: 500}), "0", "15490", providers.Unknown, providers.Ambiguous, false},
		"not charged at all":                      {status("status_failed.json"), "0", "100", providers.Unknown, providers.Ambiguous, false},
		"no such number":                          {status("status_unknown.json"), "0", "100", providers.Unknown, providers.Ambiguous, false},
		"in progress":                             {status(`{"resultCode":"107"}`), "0", "100", providers.Unknown, providers.Ambiguous, false},
		"another number":                          {status(strings.Replace(answer(t, "status_charge.json"), order, "261123004712", 1)), "0", "100", providers.Unknown, providers.Mismatch, false},
		"the look-up failed":                      {[]reply{tokenReply, {to: toStatus, status: 500}}, "0", "100", providers.Unknown, providers.ServerError, false},
	} {
		t.Run(what, func(t *testing.T) {
			with(t, config(), c.script, func(t *testing.T, g *Gateway, _ *bank) {
				r := g.LookupRefund(t.Context(), providers.Refund{Ref: paidRef(), ID: "rf1", Amount: tenge(c.amount), Before: tenge(c.before)})
				expect(t, what, r, c.verdict, c.reason)
				if r.Absent != c.absent {
					t.Errorf("absent %t", r.Absent)
				}
			})
		})
	}
}

func TestPartlyCapturedPaymentIsWhollyRefundedByWhatWasCaptured(t *testing.T) {
	body := strings.NewReplacer(`"amount":15490.00`, `"amount":300`, `"payoutAmount":15490.00`, `"payoutAmount":0`).Replace(shown(t, "REFUND", `"0"`))
	with(t, config(), append(status(body), registry()), func(t *testing.T, g *Gateway, _ *bank) {
		asked := paidRef()
		asked.TwoStage = true
		r := g.LookupRefund(t.Context(), providers.Refund{Ref: asked, ID: "rf1", Amount: tenge("300"), Before: tenge("0")})
		expect(t, "refund", r, providers.Approved, "")
	})
}

func TestRefundSearchNeedsToKnowSinceWhen(t *testing.T) {
	with(t, config(), status("status_charge.json"), func(t *testing.T, g *Gateway, _ *bank) {
		asked := paidRef()
		asked.Planned = time.Time{}
		r := g.LookupRefund(t.Context(), providers.Refund{Ref: asked, ID: "rf1", Amount: tenge("100"), Before: tenge("0")})
		expect(t, "refund", r, providers.Unknown, providers.Ambiguous)
	})
}
