package quickpay

import (
	"net/http"
	"testing"

	"github.com/payrouter/payrouter/providers"
)

const (
	doCapture = "POST /payments/714001/capture?synchronized"
	doCancel  = "POST /payments/714001/cancel?synchronized"
	doRefund  = "POST /payments/714001/refund?synchronized"
	delLink   = "DELETE /payments/714001/link"
	notify    = "https://pay.example.kz/webhooks/quickpay-main"
)

// inHold is the payment of a hold, with what was done to it.
func inHold(state string, more ...map[string]any) map[string]any {
	return object(state, append([]map[string]any{did("authorize", amount, "20000")}, more...)...)
}

func TestCaptureTakesWhatItSays(t *testing.T) {
	for minor, name := range map[int]string{amount: "capture.request.json", 50: "capture_part.request.json"} {
		g, d := open(t, func(c *Config) { c.NotifyURL = notify }, step{doCapture, http.StatusOK, text(t, inHold("processed", did("capture", minor, "20000")))})
		got := g.Capture(t.Context(), held(byCard()), kroner(int64(minor)))
		verdict(t, got, providers.Approved, providers.NoReason)
		if got.Amount != kroner(int64(minor)) || d.asked[0].header.Get("QuickPay-Callback-Url") != notify {
			t.Errorf("got %+v, header %v", got, d.asked[0].header)
		}
		golden(t, name, d.asked[0].body)
	}
}

// The columns of capture and cancel in the notes, section 6.1, and what an answer may lack.
func TestCaptureAndVoidReadTheOperation(t *testing.T) {
	type word struct {
		verdict providers.Verdict
		reason  providers.Reason
	}
	refused, unsure := word{providers.Declined, providers.Refused}, word{providers.Unknown, providers.Ambiguous}
	for _, kind := range []string{"capture", "cancel"} {
		for name, c := range map[string]struct {
			said map[string]any
			want word
		}{
			"approved":              {inHold("processed", did(kind, amount, "20000")), word{providers.Approved, providers.NoReason}},
			"pending":               {inHold("pending", doing(kind, amount)), word{providers.Pending, providers.Processing}},
			"waiting":               {inHold("processed", did(kind, amount, "20200")), unsure},
			"3-D Secure":            {inHold("processed", did(kind, amount, "30100")), word{providers.Unknown, providers.UnknownCode}},
			"rejected":              {inHold("processed", did(kind, amount, "40000")), refused},
			"data error":            {inHold("processed", did(kind, amount, "40001")), word{providers.Unserved, providers.Misconfigured}},
			"the hold is over":      {inHold("processed", did(kind, amount, "40002")), refused},
			"aborted":               {inHold("processed", did(kind, amount, "40003")), refused},
			"found invalid":         {inHold("processed", did(kind, amount, "40004")), word{providers.Unserved, providers.Misconfigured}},
			"gateway error":         {inHold("processed", did(kind, amount, "50000")), unsure},
			"communication error":   {inHold("processed", did(kind, amount, "50300")), unsure},
			"no code":               {inHold("processed", did(kind, amount, "")), unsure},
			"a new code":            {inHold("processed", did(kind, amount, "47110")), word{providers.Unknown, providers.UnknownCode}},
			"not there":             {inHold("new"), unsure},
			"no operations":         {with(inHold("new"), "operations", nil), word{providers.Unknown, providers.Unreadable}},
			"another amount":        {inHold("processed", did(kind, amount-1, "20000")), word{providers.Unknown, providers.Mismatch}},
			"another payment":       {with(inHold("processed", did(kind, amount, "20000")), "id", 714002), word{providers.Unknown, providers.Mismatch}},
			"a payment in disorder": {with(inHold("processed", did(kind, amount, "20000")), "balance", 7), unsure},
			"of a test":             {with(inHold("processed", did(kind, amount, "20000")), "test_mode", true), word{providers.Unknown, providers.Mismatch}},
		} {
			steps := []step{{doCapture, http.StatusAccepted, text(t, c.said)}}
			act := func(g *Gateway) providers.Result { return g.Capture(t.Context(), held(byCard()), kroner(amount)) }
			if kind == "cancel" {
				steps = []step{{byID, http.StatusOK, text(t, inHold("new"))}, {doCancel, http.StatusAccepted, text(t, c.said)}}
				act = func(g *Gateway) providers.Result { return g.Cancel(t.Context(), held(byCard())) }
			}
			g, _ := open(t, nil, steps...)
			if got := act(g); got.Verdict != c.want.verdict || got.Reason != c.want.reason || got.Absent {
				t.Errorf("%s, %s: got %+v", kind, name, got)
			}
		}
	}
	g, _ := open(t, nil, step{doCapture, http.StatusOK, text(t, inHold("processed", with(did("capture", 0, "20000"), "amount", nil)))})
	verdict(t, g.Capture(t.Context(), held(byCard()), kroner(amount)), providers.Unknown, providers.Mismatch) // it must say what was taken
}

// The column of operations in the notes, section 6.2.
func TestRefusedOperations(t *testing.T) {
	type word struct {
		verdict providers.Verdict
		reason  providers.Reason
	}
	setUp := word{providers.Unserved, providers.Misconfigured}
	for status, want := range map[int]word{
		401: setUp, 402: setUp, 403: setUp, 405: setUp, 406: setUp, 404: {providers.Unserved, providers.NotFound}, 429: {providers.Unserved, providers.Throttled},
		409: {providers.Unknown, providers.Ambiguous}, 422: {providers.Unknown, providers.Unreadable},
		500: {providers.Unknown, providers.ServerError}, 504: {providers.Unknown, providers.ServerError}, 307: {providers.Unknown, providers.Unreadable},
	} {
		g, _ := open(t, nil, step{doCapture, status, refusedBy()})
		verdict(t, g.Capture(t.Context(), held(byCard()), kroner(amount)), want.verdict, want.reason)
		g, _ = open(t, nil, step{doRefund, status, refusedBy()})
		verdict(t, g.Refund(t.Context(), giving(50, 0)), want.verdict, want.reason)
	}
	g, _ := open(t, nil, step{doCapture, 400, `{"message":"Error","errors":{},"error_code":"4711"}`})
	verdict(t, g.Capture(t.Context(), held(byCard()), kroner(amount)), providers.Unknown, providers.UnknownCode)
}

// A wrong state may be one of a moment: then it may be asked for again.
func TestWrongStateIsComparedWithThePayment(t *testing.T) {
	for name, c := range map[string]struct {
		look    step
		verdict providers.Verdict
		reason  providers.Reason
	}{
		"under way":     {step{byID, 200, text(t, inHold("pending", doing("capture", amount)))}, providers.Unserved, providers.Throttled},
		"captured":      {step{byID, 200, text(t, inHold("processed", did("capture", amount, "20000")))}, providers.Unknown, providers.Ambiguous},
		"a part of it":  {step{byID, 200, text(t, inHold("processed", did("capture", 50, "20000")))}, providers.Declined, providers.Refused},
		"released":      {step{byID, 200, text(t, inHold("processed", did("cancel", amount, "20000")))}, providers.Declined, providers.Refused},
		"a failed look": {step{byID, 500, ""}, providers.Unknown, providers.Ambiguous},
		"another":       {step{byID, 200, text(t, with(inHold("new"), "order_id", "rt-000000000002"))}, providers.Unknown, providers.Ambiguous},
	} {
		g, _ := open(t, nil, step{doCapture, 400, refusedBy()}, c.look)
		if got := g.Capture(t.Context(), held(byCard()), kroner(amount)); got.Verdict != c.verdict || got.Reason != c.reason {
			t.Errorf("%s: got %+v", name, got)
		}
	}
}

// What was done already, by a request whose answer was lost, is refused when it is asked for
// again. It is not refused for good: a look shows it done.
func TestWhatIsDoneAlreadyIsNotRefusedForGood(t *testing.T) {
	refused := func(on string, then map[string]any) []step {
		return []step{{on, 400, refusedBy()}, {byID, 200, text(t, then)}}
	}
	full := paidWith(did("refund", 50, "20000"), did("refund", amount-50, "20000"))
	for name, c := range map[string]struct {
		steps   []step
		act     func(g *Gateway) providers.Result
		verdict providers.Verdict
		reason  providers.Reason
	}{
		"a void": {append([]step{{byID, 200, text(t, inHold("new"))}}, refused(doCancel, inHold("processed", did("cancel", amount, "20000")))...),
			func(g *Gateway) providers.Result { return g.Cancel(t.Context(), held(byCard())) }, providers.Unknown, providers.Ambiguous},
		"a void of what is captured": {append([]step{{byID, 200, text(t, inHold("new"))}}, refused(doCancel, paidWith())...),
			func(g *Gateway) providers.Result { return g.Cancel(t.Context(), held(byCard())) }, providers.Declined, providers.Refused},
		"a refund": {refused(doRefund, full),
			func(g *Gateway) providers.Result { return g.Refund(t.Context(), giving(amount-50, 50)) }, providers.Unknown, providers.Ambiguous},
		"a refund that is too much": {refused(doRefund, paidWith(did("refund", 50, "20000"))),
			func(g *Gateway) providers.Result { return g.Refund(t.Context(), giving(amount, 50)) }, providers.Declined, providers.Refused},
		"a withdrawal": {append([]step{{byID, 200, text(t, linked(object("initial")))}}, refused(delLink, object("initial"))...),
			func(g *Gateway) providers.Result { return g.Cancel(t.Context(), byLink()) }, providers.Unknown, providers.Ambiguous},
	} {
		g, _ := open(t, func(c *Config) { c.WithdrawLinks = true }, c.steps...)
		if got := c.act(g); got.Verdict != c.verdict || got.Reason != c.reason {
			t.Errorf("%s: got %+v", name, got)
		}
	}
}

func TestOperationFindsTheIDThatWasLost(t *testing.T) {
	list := "[" + text(t, inHold("new")) + "]"
	g, _ := open(t, nil, step{byOrder, 200, list}, step{doCapture, 200, text(t, inHold("processed", did("capture", amount, "20000")))},
		step{byOrder, 200, "[]"}, step{byOrder, 503, ""})
	verdict(t, g.Capture(t.Context(), lost(held(byCard())), kroner(amount)), providers.Approved, providers.NoReason)
	verdict(t, g.Capture(t.Context(), lost(held(byCard())), kroner(amount)), providers.Unserved, providers.NotFound)
	verdict(t, g.Capture(t.Context(), lost(held(byCard())), kroner(amount)), providers.Unserved, providers.NotSent)
}

func TestNonsenseIsNotCaptured(t *testing.T) {
	g, _ := open(t, nil)
	for _, m := range []providers.Money{{}, kroner(0), kroner(-1), kroner(amount + 1), {Minor: amount, Currency: "SEK"}} {
		verdict(t, g.Capture(t.Context(), held(byCard()), m), providers.Declined, providers.InvalidRequest)
	}
}

// Cancel looks first: what it does depends on how the payment stands.
func TestCancelDoesWhatTheStateAllows(t *testing.T) {
	trusted := func(c *Config) { c.WithdrawLinks = true }
	for name, c := range map[string]struct {
		change  func(*Config)
		ref     providers.Ref
		steps   []step
		verdict providers.Verdict
		reason  providers.Reason
	}{
		"a paid one":                {nil, byCard(), []step{{byID, 200, text(t, inHold("processed", did("capture", amount, "20000")))}}, providers.Declined, providers.Refused},
		"a released one":            {nil, byCard(), []step{{byID, 200, text(t, inHold("processed", did("cancel", amount, "20000")))}}, providers.Approved, ""},
		"a declined card":           {nil, byCard(), []step{{byID, 200, text(t, object("rejected", did("authorize", amount, "40000")))}}, providers.Approved, ""},
		"a card under way":          {nil, byCard(), []step{{byID, 200, text(t, object("pending", doing("authorize", amount)))}}, providers.Unserved, providers.Unsupported},
		"a card nobody charged":     {nil, byCard(), []step{{byID, 200, text(t, object("initial"))}}, providers.Unserved, providers.NotFound},
		"no such payment":           {nil, lost(byLink()), []step{{byOrder, 200, "[]"}}, providers.Unserved, providers.NotFound},
		"a failed look":             {nil, byLink(), []step{{byID, 500, ""}}, providers.Unserved, providers.NotSent},
		"a capture under way":       {nil, held(byCard()), []step{{byID, 200, text(t, inHold("pending", doing("capture", amount)))}}, providers.Unserved, providers.NotSent},
		"a link, not trusted":       {nil, byLink(), []step{{byID, 200, text(t, linked(object("initial")))}}, providers.Unserved, providers.Unsupported},
		"a link":                    {trusted, byLink(), []step{{byID, 200, text(t, linked(object("initial")))}, {delLink, 204, ""}}, providers.Approved, ""},
		"a link without an end":     {trusted, byLink(), []step{{byID, 200, text(t, with(linked(object("initial")), "deadline_at", nil))}, {delLink, 204, ""}}, providers.Approved, ""},
		"the same, not trusted":     {nil, byLink(), []step{{byID, 200, text(t, with(linked(object("initial")), "deadline_at", nil))}}, providers.Unserved, providers.Unsupported},
		"a link, declined once":     {trusted, byLink(), []step{{byID, 200, text(t, linked(object("rejected", did("authorize", amount, "40000"))))}, {delLink, 204, ""}}, providers.Approved, ""},
		"a link by its order":       {trusted, lost(byLink()), []step{{byOrder, 200, "[" + text(t, linked(object("initial"))) + "]"}, {delLink, 204, ""}}, providers.Approved, ""},
		"a link with a payer at it": {trusted, byLink(), []step{{byID, 200, text(t, linked(object("pending", doing("authorize", amount))))}}, providers.Unserved, providers.Unsupported},
		"a link that is gone":       {trusted, byLink(), []step{{byID, 200, text(t, object("initial"))}}, providers.Unserved, providers.NotFound},
		"a link that is not there":  {trusted, byLink(), []step{{byID, 200, text(t, linked(object("initial")))}, {delLink, 404, refusedBy()}}, providers.Unserved, providers.NotFound},
		"a link, no answer":         {trusted, byLink(), []step{{byID, 200, text(t, linked(object("initial")))}, {delLink, 502, ""}}, providers.Unknown, providers.ServerError},
		"a link, and a page":        {trusted, byLink(), []step{{byID, 200, text(t, linked(object("initial")))}, {delLink, 200, "<html>maintenance</html>"}}, providers.Unknown, providers.Unreadable},
		"a link, paid meanwhile": {trusted, byLink(), []step{{byID, 200, text(t, linked(object("initial")))}, {delLink, 400, refusedBy()},
			{byID, 200, text(t, linked(inHold("new")))}}, providers.Declined, providers.Refused},
	} {
		g, _ := open(t, c.change, c.steps...)
		if got := g.Cancel(t.Context(), c.ref); got.Verdict != c.verdict || got.Reason != c.reason || got.Absent {
			t.Errorf("%s: got %+v", name, got)
		}
	}
}

func TestVoidSendsAnEmptyObject(t *testing.T) {
	g, d := open(t, func(c *Config) { c.NotifyURL = notify }, step{byID, 200, text(t, inHold("new"))},
		step{doCancel, 200, text(t, inHold("processed", with(did("cancel", 0, "20000"), "amount", nil)))})
	verdict(t, g.Cancel(t.Context(), held(byLink())), providers.Approved, providers.NoReason)
	golden(t, "cancel.request.json", d.asked[1].body)
	if d.asked[1].header.Get("QuickPay-Callback-Url") != notify {
		t.Errorf("headers %v", d.asked[1].header)
	}
}
