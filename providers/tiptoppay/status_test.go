package tiptoppay

import (
	"errors"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/payrouter/payrouter/providers"
)

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

func TestWhatALookUpShows(t *testing.T) {
	type want struct {
		verdict providers.Verdict
		reason  providers.Reason
	}
	for name, c := range map[string]struct {
		more        []string
		status      string
		page, token want
	}{
		"AwaitingAuthentication":  {nil, "AwaitingAuthentication", want{providers.Pending, providers.StepUp}, want{providers.Pending, providers.StepUp}},
		"Authorized":              {nil, "Authorized", want{providers.Held, ""}, want{providers.Held, ""}},
		"Completed":               {nil, "Completed", want{providers.Approved, ""}, want{providers.Approved, ""}},
		"Cancelled":               {nil, "Cancelled", want{providers.Declined, providers.Released}, want{providers.Declined, providers.Released}},
		"Declined":                {[]string{"ReasonCode", "5043"}, "Declined", want{providers.Pending, providers.AwaitingPayer}, want{providers.Declined, providers.DeclinedHard}},
		"Declined by a system":    {[]string{"ReasonCode", "5096"}, "Declined", want{providers.Pending, providers.AwaitingPayer}, want{providers.Unserved, providers.Maintenance}},
		"Declined, who knows why": {[]string{"ReasonCode", "987654"}, "Declined", want{providers.Pending, providers.AwaitingPayer}, want{providers.Declined, providers.DeclinedHard}},
		"Declined by nobody":      {nil, "Declined", want{providers.Unknown, providers.Ambiguous}, want{providers.Unknown, providers.Ambiguous}},
		"Sold":                    {nil, "Sold", want{providers.Unknown, providers.UnknownCode}, want{providers.Unknown, providers.UnknownCode}},
		"":                        {nil, "", want{providers.Unknown, providers.UnknownCode}, want{providers.Unknown, providers.UnknownCode}},
	} {
		for _, ref := range []providers.Ref{page(t), saved(t)} {
			w := c.page
			ref.Planned = time.Now().Add(-time.Hour)
			if ref.Method == providers.Instrument {
				w = c.token
			}
			g, d := open(t, nil, found(ref.Order, c.status, c.more...), rows(model(ref.Order, c.status, c.more...)))
			r := g.Lookup(t.Context(), ref)
			want := paymentsFind
			if ref.Method != providers.Instrument && !w.verdict.HasMoney() && w.verdict != providers.Unknown {
				want += " " + operationList // for its other tries
			}
			if r.Verdict != w.verdict || r.Reason != w.reason || r.Verdict.HasMoney() && r.Amount != ref.Amount || r.Absent {
				t.Errorf("%s by %s: %s %s of %s (%v)", name, ref.Method, r.Verdict, r.Reason, r.Amount, r.Err)
			}
			if d.paths() != want || d.asked[0].id != "" || !strings.Contains(d.asked[0].body, strconv.Quote(ref.Order)) {
				t.Errorf("asked %+v", d.asked)
			}
			if external := map[bool]string{true: txID}[ref.Method == providers.Instrument && w.verdict != providers.Unknown]; r.External != external {
				t.Errorf("%s by %s: external %q", name, ref.Method, r.External)
			}
		}
	}
}

func TestNotFoundIsAbsentAndNothingElseIs(t *testing.T) {
	for answer, absent := range map[string]bool{
		notFound: true, `{"Success":false,"Message":"Not Found."}`: true, `{"Model":null,"Success":false,"Message":"Not found","ErrorCode":null}`: true,
		refusal: false, done: false, `{"Success":true,"Message":"Not found"}`: false, `{"Success":false,"Message":"InvoiceId is required"}`: false,
		`{"Success":false,"Model":[]}`: false, `{"Message":"Not found"}`: false, `404`: false, `404 ` + notFound: false, `500 ` + notFound: false,
		`401`: false, `429`: false, ``: false, `<html>Not found</html>`: false,
	} {
		g, _ := open(t, nil, answer)
		if r := g.Lookup(t.Context(), page(t)); r.Verdict != providers.Unknown || r.Absent != absent {
			t.Errorf("%s: %s %s, absent %t", answer, r.Verdict, r.Reason, r.Absent)
		}
	}
}

// Fail of one transaction, then Pay of another by the reserve bank.
func TestWhicheverTransactionOfATokenChargeHasTheMoneySpeaks(t *testing.T) {
	declined := found(tokenOrder, "Declined", "ReasonCode", "5096")
	second := func(status string, more ...string) string {
		return found(tokenOrder, status, append(more, "TransactionId", "2346712999", "FallBackScenarioDeclinedTransactionId", txID)...)
	}
	for name, c := range map[string]struct {
		answers  []string
		want     providers.Verdict
		reason   providers.Reason
		external string
	}{
		"the second is found":               {[]string{second("Completed")}, providers.Approved, "", "2346712999"},
		"the second was declined too":       {[]string{second("Declined", "ReasonCode", "5051"), declined}, providers.Declined, providers.DeclinedSoft, "2346712999"},
		"the second hides the first":        {[]string{second("Declined", "ReasonCode", "5051"), found(tokenOrder, "Completed")}, providers.Approved, "", txID},
		"none is found by our number":       {[]string{notFound, found(tokenOrder, "Completed")}, providers.Approved, "", txID},
		"neither is found":                  {[]string{notFound, notFound}, providers.Unknown, providers.Ambiguous, ""},
		"the first cannot be asked for":     {[]string{second("Declined", "ReasonCode", "5051"), "502"}, providers.Unknown, providers.ServerError, ""},
		"the payer of the first is at it":   {[]string{second("Declined", "ReasonCode", "5051"), found(tokenOrder, "AwaitingAuthentication")}, providers.Pending, providers.StepUp, txID},
		"another one answers for the first": {[]string{notFound, second("Completed")}, providers.Unknown, providers.Mismatch, ""},
	} {
		t.Run(name, func(t *testing.T) {
			g, d := open(t, nil, c.answers...)
			ref := saved(t)
			ref.Planned = time.Now().Add(-time.Hour)
			r := g.Lookup(t.Context(), ref)
			verdict(t, r, c.want, c.reason)
			if r.External != c.external || r.Absent || len(d.asked) != len(c.answers) {
				t.Errorf("external %q, absent %t, asked %s", r.External, r.Absent, d.paths())
			}
		})
	}
}

func TestAPartMayBeCapturedOnlyOfAHold(t *testing.T) {
	for _, two := range []bool{false, true} {
		for status, fits := range map[string]bool{"Completed": two, "Authorized": false} {
			ref := page(t)
			ref.TwoStage = two
			g, _ := open(t, nil, found(ref.Order, status, "Amount", "5000"))
			r := g.Lookup(t.Context(), ref)
			if fits != (r.Verdict == providers.Approved && r.Amount == tenge(t, "5000")) || !fits && r.Reason != providers.Mismatch {
				t.Errorf("two-stage %t, %s: %s %s of %s", two, status, r.Verdict, r.Reason, r.Amount)
			}
		}
	}
}

func TestTestAndLiveAreNeverMixedUp(t *testing.T) {
	for _, test := range []bool{false, true} {
		g, _ := open(t, func(c *Config) { c.TestMode = test }, found(orderNumber, "Completed", "TestMode", strconv.FormatBool(!test)))
		r := g.Lookup(t.Context(), page(t))
		verdict(t, r, providers.Unknown, providers.Mismatch)
		if !errors.Is(r.Err, errTestMode) {
			t.Errorf("the error is %v", r.Err)
		}
	}
}

func TestAQuestionWithoutANumberIsNotAsked(t *testing.T) {
	g, d := open(t, nil)
	verdict(t, g.Lookup(t.Context(), providers.Ref{}), providers.Unknown, providers.NotSent)
	if len(d.asked) != 0 {
		t.Errorf("asked %s", d.paths())
	}
}

func TestNothingPersonalIsRepeated(t *testing.T) {
	for _, status := range []string{"aigerim@example.kz", "Completed\n", "77015550142", strings.Repeat("A", 99)} {
		g, _ := open(t, nil, found(orderNumber, "Completed", "Status", strconv.Quote(status), "ReasonCode", `"77015550142"`))
		if r := g.Lookup(t.Context(), page(t)); r.Code != "? ?" || r.Verdict != providers.Unknown {
			t.Errorf("%q: code %q", status, r.Code)
		}
	}
}

// After a technical refusal TipTop Pay may be trying a second bank, so a charge by token
// is not free to go elsewhere before its answer is as late as it can be.
func TestARefusalThatAnotherBankMayMakeGoodEndsLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for code, want := range map[string]providers.Result{
			"5096": {Verdict: providers.Unserved, Reason: providers.Maintenance}, "5300": {Verdict: providers.Unserved, Reason: providers.Unsupported},
			"5034": {Verdict: providers.Declined, Reason: providers.DeclinedHard}, "987654": {Verdict: providers.Declined, Reason: providers.DeclinedHard},
		} {
			g, _ := scripted(t, nil, func(string) (int, string) { return 200, found(tokenOrder, "Declined", "ReasonCode", code) })
			ref := saved(t)
			for _, r := range []providers.Result{g.Charge(t.Context(), wish(t, ref)), g.Lookup(t.Context(), ref)} {
				if r.Verdict != providers.Unknown {
					t.Errorf("%s: at once it is %s %s", code, r.Verdict, r.Reason)
				}
			}
			time.Sleep(5*time.Minute + 30*time.Second - 1)
			if r := g.Lookup(t.Context(), ref); r.Verdict != providers.Unknown {
				t.Errorf("%s: a moment too soon it is %s %s", code, r.Verdict, r.Reason)
			}
			time.Sleep(time.Nanosecond)
			verdict(t, g.Lookup(t.Context(), ref), want.Verdict, want.Reason)
			ref.Planned = time.Time{}
			if r := g.Lookup(t.Context(), ref); r.Verdict != providers.Unknown {
				t.Errorf("%s: planned nobody knows when, it is %s %s", code, r.Verdict, r.Reason)
			}
		}
	})
}
