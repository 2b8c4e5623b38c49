package halyk

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/payrouter/payrouter/providers"
)

// lookup asks for the status of an attempt that was planned so long ago.
func lookup(t *testing.T, what string, script []reply, method providers.Method, age time.Duration, verdict providers.Verdict, reason providers.Reason) {
	t.Helper()
	lookupRef(t, what, config(), script, ref(method), age, verdict, reason)
}

func lookupRef(t *testing.T, what string, c Config, script []reply, asked providers.Ref, age time.Duration, verdict providers.Verdict, reason providers.Reason) {
	t.Helper()
	with(t, c, script, func(t *testing.T, g *Gateway, _ *bank) {
		t.Helper()
		if !asked.Planned.IsZero() {
			asked.Planned = time.Now().Add(-age)
		}
		r := g.Lookup(t.Context(), asked)
		expect(t, what, r, verdict, reason)
		if r.Absent != (r.Code == "102" && r.Err == nil) {
			t.Errorf("%s: absent %t with code %q", what, r.Absent, r.Code)
		}
	})
}

// shown is the sample answer with another statusName and reasonCode.
func shown(t *testing.T, name, reason string) string {
	t.Helper()
	return strings.NewReplacer(`"CHARGE"`, `"`+name+`"`, `"reasonCode":"0"`, `"reasonCode":`+reason).Replace(answer(t, "status_charge.json"))
}

func TestLookupByNumber(t *testing.T) {
	with(t, config(), status("status_charge.json"), func(t *testing.T, g *Gateway, b *bank) {
		r := g.Lookup(t.Context(), ref(providers.Page))
		golden(t, "lookup", b, show(r))
	})
}

func TestResultCodeIsAboutTheQuestion(t *testing.T) {
	whole := answer(t, "status_charge.json")
	coded := func(code string) string { return strings.Replace(whole, `"100"`, `"`+code+`"`, 1) }
	bare := func(code string) string { return `{"resultCode":"` + code + `","resultMessage":"text"}` }
	failed := strings.Replace(answer(t, "status_failed.json"), `"100"`, `"101"`, 1)
	for _, c := range []struct {
		what, body string
		verdict    providers.Verdict
		reason     providers.Reason
	}{
		{"100 with CHARGE", whole, providers.Approved, ""},
		{"100 as a number", strings.Replace(whole, `"100"`, `100`, 1), providers.Approved, ""},
		{"100 without a transaction", bare("100"), providers.Unknown, providers.Unreadable},
		{"100 with an empty transaction", `{"resultCode":"100","transaction":{}}`, providers.Unknown, providers.Unreadable},
		{"101 alone", bare("101"), providers.Unknown, providers.Ambiguous},
		{"101 with CHARGE", coded("101"), providers.Unknown, providers.Ambiguous},
		{"101 with FAILED", failed, providers.Declined, providers.DeclinedSoft},
		{"102", "status_unknown.json", providers.Unknown, ""},
		{"102 with null", `{"resultCode":"102","transaction":null}`, providers.Unknown, ""},
		{"102 with an empty transaction", `{"resultCode":"102","transaction":{}}`, providers.Unknown, ""},
		{"102 with a transaction", coded("102"), providers.Unknown, providers.Unreadable},
		{"103", bare("103"), providers.Unknown, providers.Ambiguous},
		{"104", bare("104"), providers.Unknown, providers.Misconfigured},
		{"106", bare("106"), providers.Unknown, providers.Misconfigured},
		{"107", bare("107"), providers.Pending, providers.Processing},
		{"107 whatever else is present", coded("107"), providers.Pending, providers.Processing},
		{"109", bare("109"), providers.Unknown, providers.Misconfigured},
		{"a code nobody documented", bare("110"), providers.Unknown, providers.UnknownCode},
	} {
		t.Run(c.what, func(t *testing.T) {
			lookup(t, c.what, status(c.body), providers.Instrument, time.Minute, c.verdict, c.reason)
			script := status(c.body)
			script[1].status = 400 // the body may come with it
			lookup(t, c.what+" with HTTP 400", script, providers.Instrument, time.Minute, c.verdict, c.reason)
		})
	}
}

func TestStatusNameSaysHowTheMoneyStands(t *testing.T) {
	offers := []providers.Method{providers.Page, providers.Link}
	all := append(offers, providers.Instrument)
	day := 60 * time.Hour // after the end of any offer
	for _, c := range []struct {
		name    string
		methods []providers.Method
		age     time.Duration
		verdict providers.Verdict
		reason  providers.Reason
	}{
		{"NEW", all, time.Minute, providers.Pending, providers.Processing},
		{"NEW", all, day, providers.Pending, providers.Processing},
		{"FINGERPRINT", all, day, providers.Pending, providers.StepUp},
		{"3D", all, time.Minute, providers.Pending, providers.StepUp},
		{"3D", all, day, providers.Declined, providers.Expired},
		{"AUTH", all, time.Minute, providers.Held, ""},
		{"CHARGE", all, time.Minute, providers.Approved, ""},
		{"CANCEL", all, time.Minute, providers.Declined, providers.Released},
		{"CANCEL_OLD", all, time.Minute, providers.Declined, providers.Released},
		{"REFUND", all, time.Minute, providers.Approved, ""},
		{"PARTIAL_REFUND", all, time.Minute, providers.Approved, ""},
		{"FAILED", []providers.Method{providers.Instrument}, time.Minute, providers.Declined, providers.DeclinedSoft},
		{"REJECT", []providers.Method{providers.Instrument}, time.Minute, providers.Declined, providers.DeclinedSoft},
		{"FAILED", offers, time.Minute, providers.Pending, providers.AwaitingPayer},
		{"REJECT", offers, time.Minute, providers.Pending, providers.AwaitingPayer},
		{"FAILED", all, day, providers.Declined, providers.DeclinedSoft},
		{"REJECT", all, day, providers.Declined, providers.DeclinedSoft},
		{"VERIFIED", all, time.Minute, providers.Unknown, providers.Mismatch},
		{"SETTLED", all, time.Minute, providers.Unknown, providers.UnknownCode},
		{"charge", all, time.Minute, providers.Unknown, providers.UnknownCode},
		{"", all, time.Minute, providers.Unknown, providers.UnknownCode},
	} {
		for _, method := range c.methods {
			t.Run(fmt.Sprintf("%s_%s_%s", c.name, method, c.age), func(t *testing.T) {
				lookup(t, c.name, status(shown(t, c.name, `"0"`)), method, c.age, c.verdict, c.reason)
			})
		}
	}
}

func TestStepUpFailsOnlyAfterTheTokenAndItsWindow(t *testing.T) {
	for _, method := range []providers.Method{providers.Page, providers.Instrument} {
		c := config()
		g, err := New(c, Options{})
		if err != nil {
			t.Fatal(err)
		}
		end := g.claims.Timeouts.Charge + 2*time.Hour + 15*time.Minute
		if method == providers.Page {
			end = g.claims.Timeouts.Create + 2*time.Hour + visible + 15*time.Minute
		}
		body := shown(t, "3D", `"455"`)
		lookup(t, "at its end", status(body), method, end, providers.Pending, providers.StepUp)
		lookup(t, "a moment later", status(body), method, end+time.Millisecond, providers.Declined, providers.DeclinedSoft)
	}
	unplanned := ref(providers.Page)
	unplanned.Planned = time.Time{}
	lookupRef(t, "planned nobody knows when", config(), status(shown(t, "3D", `"455"`)), unplanned, 0, providers.Pending, providers.StepUp)
	lookupRef(t, "failed, planned nobody knows when", config(), status("status_failed.json"), unplanned, 0, providers.Pending, providers.AwaitingPayer)
}

func TestFailedTryOnAPageCountsWhenTheOfferHasEnded(t *testing.T) {
	end := 20*time.Second + 2*time.Hour + visible
	lookup(t, "at its end", status("status_failed.json"), providers.Page, end, providers.Pending, providers.AwaitingPayer)
	lookup(t, "a moment later", status("status_failed.json"), providers.Page, end+time.Millisecond, providers.Declined, providers.DeclinedSoft)
	c := config()
	c.OneTry = true
	lookupRef(t, "with the bank's word", c, status("status_failed.json"), ref(providers.Page), time.Minute, providers.Declined, providers.DeclinedSoft)
}

func TestFailedStatusIsReadByItsReason(t *testing.T) {
	for reason, want := range map[string]providers.Result{
		`"465"`:  {Verdict: providers.Declined, Reason: providers.DeclinedHard, Code: "FAILED 465"},
		`484`:    {Verdict: providers.Declined, Reason: providers.DeclinedSoft, Code: "FAILED 484"},
		`"458"`:  {Verdict: providers.Unserved, Reason: providers.Maintenance, Code: "FAILED 458"},
		`"464"`:  {Verdict: providers.Unserved, Reason: providers.Unsupported, Code: "FAILED 464"},
		`"460"`:  {Verdict: providers.Declined, Reason: providers.DeclinedHard, Code: "FAILED 460"},
		`"7777"`: {Verdict: providers.Declined, Reason: providers.DeclinedSoft, Code: "FAILED 7777"},
		`null`:   {Verdict: providers.Declined, Reason: providers.DeclinedSoft, Code: "FAILED"},
	} {
		with(t, config(), status(shown(t, "FAILED", reason)), func(t *testing.T, g *Gateway, _ *bank) {
			r := g.Lookup(t.Context(), ref(providers.Instrument))
			expect(t, reason, r, want.Verdict, want.Reason)
			if r.Code != want.Code {
				t.Errorf("%s: code %q", reason, r.Code)
			}
		})
	}
}

func TestTransactionMustBeOurs(t *testing.T) {
	whole := answer(t, "status_charge.json")
	edit := func(old, with string) string {
		if !strings.Contains(whole, old) {
			t.Fatalf("%q is not in the answer", old)
		}
		return strings.Replace(whole, old, with, 1)
	}
	for what, c := range map[string]struct {
		body   string
		reason providers.Reason
	}{
		"another number":            {edit(order, "261123004712"), providers.Mismatch},
		"no number":                 {edit(`"invoiceID":"`+order+`",`, ""), providers.Unreadable},
		"another terminal":          {edit(terminal, "00000000-102f-4bd1-898e-370781d0074d"), providers.Mismatch},
		"no terminal":               {edit(terminal, ""), providers.Unreadable},
		"no id":                     {edit(payment, ""), providers.Unreadable},
		"less":                      {edit(`"amount":15490.00`, `"amount":15489.99`), providers.Mismatch},
		"more":                      {edit(`"amount":15490.00`, `"amount":15490.01`), providers.Mismatch},
		"more by bonus":             {edit(`"amountBonus":0`, `"amountBonus":0.01`), providers.Mismatch},
		"zero":                      {edit(`"amount":15490.00`, `"amount":0`), providers.Mismatch},
		"no amount":                 {edit(`"amount":15490.00,`, ``), providers.Unreadable},
		"an amount that is a bool":  {edit(`"amount":15490.00`, `"amount":true`), providers.Unreadable},
		"an amount that is a list":  {edit(`"amount":15490.00`, `"amount":[15490]`), providers.Unreadable},
		"an amount with a comma":    {edit(`"amount":15490.00`, `"amount":"15490,00"`), providers.Unreadable},
		"an amount beyond reason":   {edit(`"amount":15490.00`, `"amount":92233720368547758.08`), providers.Unreadable},
		"a sum beyond reason":       {edit(`15490.00,"amountBonus":0`, `92233720368547758.07,"amountBonus":92233720368547758.07`), providers.Unreadable},
		"dollars":                   {edit("KZT", "USD"), providers.Mismatch},
		"no currency":               {edit("KZT", ""), providers.Mismatch},
		"a transaction in a list":   {`{"resultCode":"100","transaction":[` + "{}" + `]}`, providers.Unreadable},
		"a transaction in a string": {`{"resultCode":"100","transaction":"CHARGE"}`, providers.Unreadable},
		"a result in an object":     {`{"resultCode":{"v":"100"}}`, providers.Unreadable},
	} {
		t.Run(what, func(t *testing.T) {
			lookup(t, what, status(c.body), providers.Page, time.Minute, providers.Unknown, c.reason)
		})
	}
}

func TestOtherSpellingsOfTheSameAnswerAreRead(t *testing.T) {
	whole := answer(t, "status_charge.json")
	for what, body := range map[string]string{
		"invoiceId":         strings.Replace(whole, "invoiceID", "invoiceId", 1),
		"amount as text":    strings.Replace(whole, "15490.00", `"15490"`, 1),
		"secure as text":    strings.Replace(whole, `"secure":true`, `"secure":"yes"`, 1),
		"reason as number":  strings.Replace(whole, `"reasonCode":"0"`, `"reasonCode":0`, 1),
		"terminal in caps":  strings.Replace(whole, terminal, strings.ToUpper(terminal), 1),
		"partly by bonuses": strings.Replace(whole, `15490.00,"amountBonus":0`, `15000.00,"amountBonus":490`, 1),
	} {
		lookup(t, what, status(body), providers.Page, time.Minute, providers.Approved, "")
	}
}

func TestKnownTransactionMayNotBecomeAnother(t *testing.T) {
	asked := ref(providers.Page)
	asked.External = "00000000-9b7b-4a3b-8a3e-3a6f4d0b7c11"
	lookupRef(t, "another id", config(), status("status_charge.json"), asked, time.Minute, providers.Unknown, providers.Mismatch)
	asked.External = payment
	lookupRef(t, "the same id", config(), status("status_charge.json"), asked, time.Minute, providers.Approved, "")
}

func TestIDIsKeptOnlyOfATransactionWithMoney(t *testing.T) {
	// A payer may try again after a failure, and the first id seen is kept for good.
	for name, want := range map[string]string{"NEW": "", "3D": "", "FAILED": "", "AUTH": payment, "CHARGE": payment, "REFUND": payment} {
		with(t, config(), status(shown(t, name, `"0"`)), func(t *testing.T, g *Gateway, _ *bank) {
			if r := g.Lookup(t.Context(), ref(providers.Page)); r.External != want {
				t.Errorf("%s: external %q", name, r.External)
			}
		})
	}
}

func TestPartialCaptureIsSeenAndTheWholeIsLeftUnnamed(t *testing.T) {
	c := config()
	c.TwoStage = true
	for sum, want := range map[string]providers.Money{"15490.00": {}, "300.00": tenge("300")} {
		body := strings.Replace(answer(t, "status_charge.json"), `"amount":15490.00`, `"amount":`+sum, 1)
		with(t, c, status(body), func(t *testing.T, g *Gateway, _ *bank) {
			asked := ref(providers.Page)
			asked.TwoStage = true
			r := g.Lookup(t.Context(), asked)
			expect(t, sum, r, providers.Approved, "")
			if r.Amount != want {
				t.Errorf("%s: amount %s", sum, r.Amount)
			}
		})
	}
	held := strings.Replace(shown(t, "AUTH", `"0"`), `"amount":15490.00`, `"amount":300`, 1)
	asked := ref(providers.Page)
	asked.TwoStage = true
	lookupRef(t, "less held", c, status(held), asked, time.Minute, providers.Unknown, providers.Mismatch)
}

func TestReturnedSumIsNeverGuessed(t *testing.T) {
	body := strings.Replace(shown(t, "REFUND", `"0"`), `"payoutAmount":15490.00`, `"payoutAmount":5000.00`, 1)
	with(t, config(), status(body), func(t *testing.T, g *Gateway, _ *bank) {
		if r := g.Lookup(t.Context(), ref(providers.Page)); r.Returned != (providers.Money{}) || r.Amount != (providers.Money{}) {
			t.Errorf("returned %s, amount %s", r.Returned, r.Amount)
		}
	})
}

func TestSavedCardComesWithThePagesStatus(t *testing.T) {
	body := strings.Replace(answer(t, "status_charge.json"), `"cardID":""`, `"cardID":"8d2f3c1e-6a10-4f7b-9b52-0d7c7c1b9e20"`, 1)
	for method, want := range map[providers.Method]bool{providers.Page: true, providers.Instrument: false} {
		with(t, config(), status(body), func(t *testing.T, g *Gateway, _ *bank) {
			r := g.Lookup(t.Context(), ref(method))
			if got := r.Instrument != nil; got != want {
				t.Fatalf("%s: instrument %v", method, r.Instrument)
			}
			if want && (r.Instrument.Value.Reveal() != "8d2f3c1e-6a10-4f7b-9b52-0d7c7c1b9e20" || r.Instrument.Mask != "440563...5096" || r.Instrument.Brand != "VISA") {
				t.Errorf("instrument %s %s", r.Instrument.Mask, r.Instrument.Brand)
			}
		})
	}
}

func TestFailedLookupProvesNothing(t *testing.T) {
	for what, c := range map[string]struct {
		script []reply
		reason providers.Reason
	}{
		"no token":      {[]reply{{to: toToken, status: 503}}, providers.NotSent},
		"token refused": {[]reply{{to: toToken, status: 401}}, providers.Misconfigured},
		// Go asks a read-only question again on a new connection when a kept one breaks.
		"cut":                          {[]reply{tokenReply, {to: toStatus, do: hangUp}, {to: toStatus, do: hangUp}}, providers.Broken},
		"silence":                      {[]reply{tokenReply, {to: toStatus, do: func(http.ResponseWriter) { time.Sleep(6 * time.Second) }}}, providers.Timeout},
		"server error":                 {[]reply{tokenReply, {to: toStatus, status: 500}}, providers.ServerError},
		"not found is no absence":      {[]reply{tokenReply, {to: toStatus, status: 404, body: "status_unknown.json"}}, providers.Unreadable},
		"forbidden":                    {[]reply{tokenReply, {to: toStatus, status: 403}}, providers.Misconfigured},
		"throttled":                    {[]reply{tokenReply, {to: toStatus, status: 429}}, providers.Throttled},
		"redirected":                   {[]reply{tokenReply, {to: toStatus, status: 302}}, providers.Unreadable},
		"a maintenance page":           {[]reply{tokenReply, {to: toStatus, body: "<html>"}}, providers.Unreadable},
		"an API error":                 {[]reply{tokenReply, {to: toStatus, status: 400, body: "error_484.json"}}, providers.Ambiguous},
		"an API error nobody knows":    {[]reply{tokenReply, {to: toStatus, status: 400, body: `{"code":98765}`}}, providers.UnknownCode},
		"an object with nothing in it": {[]reply{tokenReply, {to: toStatus, body: `{}`}}, providers.Unreadable},
	} {
		t.Run(what, func(t *testing.T) {
			lookup(t, what, c.script, providers.Instrument, time.Minute, providers.Unknown, c.reason)
		})
	}
}

func TestErrorsAndCodesHoldNothingPersonal(t *testing.T) {
	body := `{"resultCode":"100","transaction":{"invoiceID":"` + order + `","amount":"AIGERIM +77011234567","currency":"KZT","statusName":"AIGERIM K, +77011234567 <a@b.kz> and very much more of it"}}`
	with(t, config(), status(body), func(t *testing.T, g *Gateway, _ *bank) {
		r := g.Lookup(t.Context(), ref(providers.Page))
		if text := fmt.Sprint(r.Err); strings.Contains(text, "AIGERIM") || strings.ContainsAny(r.Code, " +@<") || len(r.Code) > 32 {
			t.Errorf("code %q, error %q", r.Code, text)
		}
	})
}
