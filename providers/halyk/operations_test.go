package halyk

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/payrouter/payrouter/providers"
)

// paidRef is an attempt whose transaction is known.
func paidRef() providers.Ref {
	r := ref(providers.Page)
	r.External = payment
	return r
}

func to(verb string) string { return "POST /api/operation/" + payment + "/" + verb }

func TestCaptureSaysItsAmountTwice(t *testing.T) {
	for name, amount := range map[string]string{"capture": "15490", "capture_partial": "300.50"} {
		with(t, config(), []reply{tokenReply, {to: to("charge?amount=" + tenge(amount).Shortest()), body: `{"code":0,"message":"OK"}`}},
			func(t *testing.T, g *Gateway, b *bank) {
				r := g.Capture(t.Context(), paidRef(), tenge(amount))
				expect(t, name, r, providers.Approved, "")
				golden(t, name, b, show(r))
			})
	}
}

func TestCancelReleasesTheHold(t *testing.T) {
	with(t, config(), []reply{tokenReply, {to: to("cancel")}}, func(t *testing.T, g *Gateway, b *bank) {
		r := g.Cancel(t.Context(), paidRef())
		expect(t, "cancel", r, providers.Approved, "")
		golden(t, "cancel", b, show(r))
	})
}

func TestAnswerToAnOperationIsReadStrictly(t *testing.T) {
	for what, c := range map[string]struct {
		answer  reply
		verdict providers.Verdict
		reason  providers.Reason
	}{
		"an empty body":               {reply{body: ""}, providers.Approved, ""},
		"an empty object":             {reply{body: "{}"}, providers.Approved, ""},
		"code 0":                      {reply{body: `{"code":0}`}, providers.Approved, ""},
		"code 0 as text":              {reply{body: `{"code":"0"}`}, providers.Approved, ""},
		"a maintenance page":          {reply{body: "<html>"}, providers.Unknown, providers.Unreadable},
		"a list":                      {reply{body: "[]"}, providers.Unknown, providers.Unreadable},
		"half an object":              {reply{body: `{"code":0`}, providers.Unknown, providers.Unreadable},
		"an error with HTTP 200":      {reply{body: `{"code":454}`}, providers.Unknown, providers.Ambiguous},
		"a technical error":           {reply{status: 400, body: `{"code":100,"message":"wrong state"}`}, providers.Unknown, providers.Ambiguous},
		"a code that is not final":    {reply{status: 400, body: `{"code":454}`}, providers.Unknown, providers.Ambiguous},
		"a final refusal":             {reply{status: 400, body: `{"code":484}`}, providers.Declined, providers.Refused},
		"the contract's refund limit": {reply{status: 400, body: `{"code":3141}`}, providers.Declined, providers.Refused},
		"in progress":                 {reply{status: 400, body: `{"code":3225}`}, providers.Pending, providers.Processing},
		"merchant not valid":          {reply{status: 400, body: `{"code":464}`}, providers.Unserved, providers.Misconfigured},
		"a code nobody documented":    {reply{status: 400, body: `{"code":31337}`}, providers.Unknown, providers.UnknownCode},
		"HTTP 400 without a code":     {reply{status: 400, body: `{}`}, providers.Unknown, providers.Ambiguous},
		"HTTP 400 unreadable":         {reply{status: 400, body: `oops`}, providers.Unknown, providers.Unreadable},
		"unauthorized":                {reply{status: 401}, providers.Unserved, providers.Misconfigured},
		"forbidden":                   {reply{status: 403}, providers.Unserved, providers.Misconfigured},
		"not found":                   {reply{status: 404, body: `{"code":484}`}, providers.Unknown, providers.Unreadable},
		"server error":                {reply{status: 500, body: `{"code":484}`}, providers.Unknown, providers.ServerError},
		"cut":                         {reply{do: hangUp}, providers.Unknown, providers.Broken},
		"silence":                     {reply{do: func(http.ResponseWriter) { time.Sleep(16 * time.Second) }}, providers.Unknown, providers.Timeout},
	} {
		t.Run(what, func(t *testing.T) {
			for verb, call := range map[string]func(*testing.T, *Gateway) providers.Result{
				"charge?amount=100": func(t *testing.T, g *Gateway) providers.Result {
					return g.Capture(t.Context(), paidRef(), tenge("100"))
				},
				"cancel": func(t *testing.T, g *Gateway) providers.Result { return g.Cancel(t.Context(), paidRef()) },
				"refund?amount=100&externalID=rf1": func(t *testing.T, g *Gateway) providers.Result {
					return g.Refund(t.Context(), providers.Refund{Ref: paidRef(), ID: "rf1", Amount: tenge("100")})
				},
			} {
				c.answer.to = to(verb)
				with(t, config(), []reply{tokenReply, c.answer}, func(t *testing.T, g *Gateway, _ *bank) {
					expect(t, verb, call(t, g), c.verdict, c.reason)
				})
			}
		})
	}
}

func TestUnknownTransactionIsLookedUpFirst(t *testing.T) {
	asked := paidRef()
	asked.External = ""
	script := append(status(shown(t, "AUTH", `"0"`)), tokenReply, reply{to: to("cancel")})
	with(t, config(), script, func(t *testing.T, g *Gateway, _ *bank) {
		expect(t, "cancel", g.Cancel(t.Context(), asked), providers.Approved, "")
	})
	for what, c := range map[string]struct {
		script []reply
		reason providers.Reason
	}{
		"no such number":       {status("status_unknown.json"), providers.NotFound},
		"failed":               {status("status_failed.json"), providers.NotFound},
		"released":             {status(shown(t, "CANCEL", `"0"`)), providers.NotFound},
		"in progress":          {status(`{"resultCode":"107"}`), providers.NotFound},
		"another amount":       {status(shown(t, `AUTH","orgAmount":1,"amount":"1`, `"0"`)), providers.NotSent},
		"terminal refused":     {status(`{"resultCode":"106"}`), providers.NotSent},
		"the look-up failed":   {[]reply{tokenReply, {to: toStatus, status: 500}}, providers.NotSent},
		"no token":             {[]reply{{to: toToken, status: 500}}, providers.NotSent},
		"credentials refused":  {[]reply{{to: toToken, status: 401}}, providers.Misconfigured},
		"no token for the act": {append(status(shown(t, "AUTH", `"0"`)), reply{to: toToken, status: 500}), providers.NotSent},
	} {
		t.Run(what, func(t *testing.T) {
			with(t, config(), c.script, func(t *testing.T, g *Gateway, _ *bank) {
				expect(t, what, g.Cancel(t.Context(), asked), providers.Unserved, c.reason)
			})
		})
	}
}

func TestCaptureOfNothingIsRefused(t *testing.T) {
	g, err := New(config(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, amount := range []providers.Money{{}, {Minor: 100, Currency: "USD"}, tenge("0"), tenge("-1")} {
		expect(t, fmt.Sprint(amount), g.Capture(t.Context(), paidRef(), amount), providers.Declined, providers.Refused)
	}
}
