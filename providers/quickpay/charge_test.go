package quickpay

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/payrouter/payrouter/providers"
)

const (
	putLink   = "PUT /payments/714001/link"
	authorise = "POST /payments/714001/authorize?synchronized"
)

var (
	tokenMade = step{"POST /cards/900000000001/tokens", http.StatusCreated, `{"token":"t-0001","is_used":false,"created_at":"2026-01-01T00:00:00Z"}`}
	linkMade  = step{putLink, http.StatusOK, `{"url":"https://payment.quickpay.net/payments/0123abcd"}`}
)

func created(t *testing.T) step {
	t.Helper()
	return step{"POST /payments", http.StatusCreated, text(t, object("initial"))}
}

// saved is a charge of a saved card.
func saved() providers.Charge {
	c := providers.Charge{Ref: lost(byCard()), Instrument: providers.Token{Value: providers.NewSecret("900000000001")},
		Payer:     providers.Payer{Phone: "+77011234567", Email: "aida.saparova@example.kz", Name: "Aida Saparova", IP: "203.0.113.7"},
		ReturnURL: "https://shop.example.kz/back", NotifyURL: "https://pay.example.kz/webhooks/quickpay", Description: "Order 4711"}
	return c
}

func offered() providers.Charge {
	c := saved()
	c.Ref.Method, c.Instrument = providers.Link, providers.Token{}
	return c
}

func TestLinkIsOfferedAsAsked(t *testing.T) {
	g, d := open(t, func(c *Config) { c.Language, c.PaymentMethods = "da", []string{"creditcard", "mobilepay"} }, created(t), linkMade)
	began := time.Now()
	got := g.Charge(t.Context(), offered())
	verdict(t, got, providers.Pending, providers.AwaitingPayer)
	if got.External != "714001" || got.Action == nil || got.Action.Kind != providers.Redirect || got.Action.URL != "https://payment.quickpay.net/payments/0123abcd" {
		t.Errorf("got %+v", got)
	}
	if end := began.Add(20 * time.Minute); got.Action.Expires.Before(end) || got.Until.Before(got.Action.Expires) || got.Until.After(end.Add(time.Minute)) {
		t.Errorf("it expires at %s and ends at %s", got.Action.Expires, got.Until)
	}
	golden(t, "payment_link.request.json", d.asked[0].body)
	golden(t, "link.request.json", d.asked[1].body)
	for _, a := range d.asked {
		if a.header.Get("Content-Type") != "application/json" {
			t.Errorf("%s is sent as %q", a.line, a.header.Get("Content-Type"))
		}
		for _, person := range []string{"Aida", "77011234567", "aida.", "203.0.113.7"} {
			if strings.Contains(a.body, person) {
				t.Errorf("%s tells %s", a.line, person)
			}
		}
	}
}

func TestHoldIsNotCapturedByItself(t *testing.T) {
	g, d := open(t, nil, created(t), linkMade)
	c := offered()
	c.Ref.TwoStage, c.NotifyURL, c.ReturnURL = true, "", ""
	verdict(t, g.Charge(t.Context(), c), providers.Pending, providers.AwaitingPayer)
	golden(t, "link_hold.request.json", d.asked[1].body)
}

func TestSavedCardIsCharged(t *testing.T) {
	g, d := open(t, nil, created(t), tokenMade,
		step{authorise, http.StatusOK, text(t, object("processed", did("authorize", amount, "20000"), did("capture", amount, "20000")))})
	got := g.Charge(t.Context(), saved())
	verdict(t, got, providers.Approved, providers.NoReason)
	if got.Amount != kroner(amount) || got.External != "714001" || got.Instrument != nil {
		t.Errorf("got %+v", got)
	}
	golden(t, "payment_card.request.json", d.asked[0].body)
	golden(t, "token.request.json", d.asked[1].body)
	golden(t, "authorize.request.json", d.asked[2].body)
	if got := d.asked[2].header.Get("QuickPay-Callback-Url"); got != "https://pay.example.kz/webhooks/quickpay" {
		t.Errorf("the callback goes to %q", got)
	}
}

func TestSavedCardIsHeld(t *testing.T) {
	g, d := open(t, nil, created(t), tokenMade, step{authorise, http.StatusAccepted, text(t, object("new", did("authorize", amount, "20000")))})
	c := saved()
	c.Ref.TwoStage = true
	verdict(t, g.Charge(t.Context(), c), providers.Held, providers.NoReason)
	golden(t, "authorize_hold.request.json", d.asked[2].body)
}

// ?synchronized is asked for everywhere, and pending: true is understood all the same.
func TestSavedCardThatIsStillPending(t *testing.T) {
	g, _ := open(t, nil, created(t), tokenMade, step{authorise, http.StatusAccepted, text(t, object("pending", doing("authorize", amount)))})
	verdict(t, g.Charge(t.Context(), saved()), providers.Pending, providers.Processing)
}

// Nothing was charged before the authorize left, so another gateway may be tried.
func TestWhatFailsBeforeTheAuthorizeIsUnserved(t *testing.T) {
	tokens := tokenMade.line
	for name, c := range map[string]struct {
		answer step
		reason providers.Reason
	}{
		"no such card":        {step{tokens, 404, refusedBy()}, providers.Unsupported},
		"card never accepted": {step{tokens, 400, refusedBy()}, providers.Unsupported},
		"no permission":       {step{tokens, 403, refusedBy()}, providers.Misconfigured},
		"throttled":           {step{tokens, 429, refusedBy()}, providers.Throttled},
		"server error":        {step{tokens, 502, ""}, providers.NotSent},
		"conflict":            {step{tokens, 409, refusedBy()}, providers.NotSent},
		"no token":            {step{tokens, 200, `{"token":""}`}, providers.NotSent},
		"no answer at all":    {step{tokens, 200, "<html>"}, providers.NotSent},
	} {
		g, _ := open(t, nil, created(t), c.answer)
		got := g.Charge(t.Context(), saved())
		if got.Verdict != providers.Unserved || got.Reason != c.reason || got.External != "714001" {
			t.Errorf("%s: got %+v", name, got)
		}
	}
}

// A payment that may or may not exist is looked up: the very same attempt may have charged
// it before its commit was lost.
func TestLostCreationIsDoubt(t *testing.T) {
	for name, answer := range map[string]step{
		"server error":     {"POST /payments", 500, refusedBy()},
		"conflict":         {"POST /payments", 409, refusedBy()},
		"unreadable":       {"POST /payments", 201, "{"},
		"another order":    {"POST /payments", 201, text(t, with(object("initial"), "order_id", "rt-000000000002"))},
		"another currency": {"POST /payments", 201, text(t, with(object("initial"), "currency", "SEK"))},
		"not new":          {"POST /payments", 201, text(t, object("new", did("authorize", amount, "20000")))},
		"wrong state":      {"POST /payments", 400, refusedBy()},
		"wordless":         {"POST /payments", 401, "denied"},
	} {
		for _, c := range []providers.Charge{saved(), offered()} {
			g, _ := open(t, nil, answer)
			if got := g.Charge(t.Context(), c); got.Verdict != providers.Unknown || got.Absent {
				t.Errorf("%s by %s: got %+v", name, c.Ref.Method, got)
			}
		}
	}
}

// The table of the notes, section 6.2, for what makes payments, links and charges.
func TestRefusedChargeIsUnservedInQuickPaysWordsOnly(t *testing.T) {
	type word struct {
		verdict providers.Verdict
		reason  providers.Reason
	}
	setUp := word{providers.Unserved, providers.Misconfigured}
	for status, want := range map[int]word{
		401: setUp, 402: setUp, 403: setUp, 404: setUp, 405: setUp, 406: setUp,
		429: {providers.Unserved, providers.Throttled}, 409: {providers.Unknown, providers.Ambiguous}, 422: {providers.Unknown, providers.Unreadable},
		500: {providers.Unknown, providers.ServerError}, 502: {providers.Unknown, providers.ServerError},
	} {
		for _, body := range []string{refusedBy(), "", "{}", `{"message":""}`, `{"message":5}`, "<html>no</html>"} {
			w := want
			if body != refusedBy() && status < 500 {
				w = word{providers.Unknown, providers.Unreadable}
			}
			g, _ := open(t, nil, created(t), step{putLink, status, body})
			verdict(t, g.Charge(t.Context(), offered()), w.verdict, w.reason)
			g, _ = open(t, nil, created(t), tokenMade, step{authorise, status, body})
			verdict(t, g.Charge(t.Context(), saved()), w.verdict, w.reason)
		}
	}
}

func TestInvalidLinkIsOurs(t *testing.T) {
	for field, want := range map[string]providers.Reason{"amount": providers.Unsupported, "callback_url": providers.Misconfigured, "": ""} {
		body, verdictWanted := refusedBy(field), providers.Unserved
		if field == "" { // the wrong state
			body, verdictWanted, want = refusedBy(), providers.Unknown, providers.Ambiguous
		}
		g, _ := open(t, nil, created(t), step{putLink, 400, body})
		verdict(t, g.Charge(t.Context(), offered()), verdictWanted, want)
	}
	g, _ := open(t, nil, created(t), step{putLink, 400, `{"message":"Error","errors":{},"error_code":"4711"}`})
	verdict(t, g.Charge(t.Context(), offered()), providers.Unknown, providers.UnknownCode)
}

// An authorize that was found invalid is looked at before it is believed.
func TestInvalidAuthorizeIsUnservedOnceALookShowsNoOperation(t *testing.T) {
	invalid := step{authorise, 400, refusedBy("card.token")}
	for name, c := range map[string]struct {
		look    step
		verdict providers.Verdict
		reason  providers.Reason
	}{
		"no operation":  {step{byID, 200, text(t, object("initial"))}, providers.Unserved, providers.Unsupported},
		"an operation":  {step{byID, 200, text(t, object("rejected", did("authorize", amount, "40000")))}, providers.Unknown, providers.Ambiguous},
		"money":         {step{byID, 200, text(t, object("new", did("authorize", amount, "20000")))}, providers.Unknown, providers.Ambiguous},
		"a failed look": {step{byID, 503, ""}, providers.Unknown, providers.Ambiguous},
	} {
		g, _ := open(t, nil, created(t), tokenMade, invalid, c.look)
		got := g.Charge(t.Context(), saved())
		if got.Verdict != c.verdict || got.Reason != c.reason || got.External != "714001" || got.Absent {
			t.Errorf("%s: got %+v", name, got)
		}
	}
}

func TestExistingOrderNumberIsReadAndNeverChargedAgain(t *testing.T) {
	duplicate := step{"POST /payments", 400, `{"message":"Validation error","errors":{"order_id":["already exists on another payment"]},"error_code":null}`}
	auth, take := did("authorize", amount, "20000"), did("capture", amount, "20000")
	type word struct {
		verdict providers.Verdict
		reason  providers.Reason
	}
	doubt := word{providers.Unknown, providers.Duplicate}
	list := func(o map[string]any) string { return "[" + text(t, o) + "]" }
	for name, c := range map[string]struct {
		charge providers.Charge
		look   step
		link   bool // made anew
		want   word
	}{
		"a card, charged":   {saved(), step{byOrder, 200, list(object("processed", auth, take))}, false, word{providers.Approved, providers.NoReason}},
		"a card, declined":  {saved(), step{byOrder, 200, list(object("rejected", did("authorize", amount, "40000")))}, false, word{providers.Declined, providers.DeclinedSoft}},
		"a card, not tried": {saved(), step{byOrder, 200, list(object("initial"))}, false, doubt},
		"a card, pending":   {saved(), step{byOrder, 200, list(object("pending", doing("authorize", amount)))}, false, doubt},
		"a card, not found": {saved(), step{byOrder, 200, "[]"}, false, doubt},
		"a card, no answer": {saved(), step{byOrder, 500, ""}, false, doubt},
		"a link's payment":  {saved(), step{byOrder, 200, list(linked(object("initial")))}, false, word{providers.Unknown, providers.Mismatch}},
		"somebody else's":   {offered(), step{byOrder, 200, list(with(linked(object("initial")), "variables", []string{}))}, false, word{providers.Unknown, providers.Mismatch}},
		"another attempt's": {offered(), step{byOrder, 200, list(with(linked(object("initial")), "variables", map[string]string{"attempt": "rt-2", "method": "link"}))},
			false, word{providers.Unknown, providers.Mismatch}},
		"a link, not made":       {offered(), step{byOrder, 200, list(with(linked(object("initial")), "link", nil))}, true, word{providers.Pending, providers.AwaitingPayer}},
		"a link, shown":          {offered(), step{byOrder, 200, list(linked(object("initial")))}, true, word{providers.Pending, providers.AwaitingPayer}},
		"a link without an end":  {offered(), step{byOrder, 200, list(with(linked(object("initial")), "deadline_at", nil))}, true, word{providers.Pending, providers.AwaitingPayer}},
		"a link, tried":          {offered(), step{byOrder, 200, list(linked(object("rejected", did("authorize", amount, "40000"))))}, true, word{providers.Pending, providers.AwaitingPayer}},
		"a link, being paid":     {offered(), step{byOrder, 200, list(linked(object("pending", doing("authorize", amount))))}, false, word{providers.Pending, providers.PayerConfirming}},
		"a link, nobody knows":   {offered(), step{byOrder, 200, list(linked(object("rejected", did("authorize", amount, "50300"))))}, false, word{providers.Pending, providers.PayerConfirming}},
		"a link, paid":           {offered(), step{byOrder, 200, list(linked(object("processed", auth, take)))}, false, word{providers.Approved, providers.NoReason}},
		"a link, other amount":   {offered(), step{byOrder, 200, list(with(linked(object("initial")), "link", map[string]any{"amount": 7}))}, false, word{providers.Unknown, providers.Mismatch}},
		"a link, other currency": {offered(), step{byOrder, 200, list(with(linked(object("initial")), "currency", "SEK"))}, false, doubt},
	} {
		steps := []step{duplicate, c.look}
		if c.link {
			steps = append(steps, linkMade)
		}
		g, d := open(t, nil, steps...)
		got := g.Charge(t.Context(), c.charge)
		if got.Verdict != c.want.verdict || got.Reason != c.want.reason || got.Absent {
			t.Errorf("%s: got %+v, want %+v", name, got, c.want)
		}
		if strings.Contains(d.lines(), "authorize") {
			t.Errorf("%s: a card was charged again", name)
		}
		if got.Verdict == providers.Pending && got.Until.IsZero() {
			t.Errorf("%s: nobody knows when it ends", name)
		}
	}
}

func TestAnExistingLinkEndsWhenItSays(t *testing.T) {
	duplicate := step{"POST /payments", 400, refusedBy("order_id")}
	said := linked(object("pending", doing("authorize", amount)))
	for end, want := range map[string]time.Time{"2999-01-01T00:00:00Z": time.Date(2999, 1, 1, 0, 0, 0, 0, time.UTC), ending: {}, "": {}} {
		g, _ := open(t, nil, duplicate, step{byOrder, 200, "[" + text(t, with(said, "deadline_at", end)) + "]"})
		least := time.Now().Add(g.config.LinkLife)
		got := g.Charge(t.Context(), offered())
		verdict(t, got, providers.Pending, providers.PayerConfirming)
		if !want.IsZero() && !got.Until.Equal(want) || got.Until.Before(least) {
			t.Errorf("%q: it ends at %s", end, got.Until)
		}
	}
}

func TestNothingIsSentThatTheAccountCannotDo(t *testing.T) {
	for name, change := range map[string]func(*providers.Charge){
		"a method":         func(c *providers.Charge) { c.Ref.Method = providers.QR },
		"a currency":       func(c *providers.Charge) { c.Ref.Amount.Currency = "KZT" },
		"nothing":          func(c *providers.Charge) { c.Ref.Amount.Minor = 0 },
		"less":             func(c *providers.Charge) { c.Ref.Amount.Minor = -1 },
		"a short number":   func(c *providers.Charge) { c.Ref.Order = "rt-" },
		"a long number":    func(c *providers.Charge) { c.Ref.Order = "rt-000000000000000001" },
		"a strange number": func(c *providers.Charge) { c.Ref.Order = "rt-00/000001" },
		"no card":          func(c *providers.Charge) { c.Ref.Method = providers.Instrument },
		"a strange card":   func(c *providers.Charge) { *c = saved(); c.Instrument.Value = providers.NewSecret("1/../2") },
		"a card too late":  func(c *providers.Charge) { *c = saved(); c.Expires = time.Now().Add(-time.Second) },
		"a link too late":  func(c *providers.Charge) { c.Expires = time.Now().Add(time.Minute) },
	} {
		g, _ := open(t, nil)
		c := offered()
		change(&c)
		if got := g.Charge(t.Context(), c); got.Verdict != providers.Unserved || got.Reason != providers.Unsupported {
			t.Errorf("%s: got %+v", name, got)
		}
	}
}

func TestLinkThatNobodyMayOpenIsNotShown(t *testing.T) {
	for _, address := range []string{"", "/payments/x", "javascript:alert(1)", "https://", "https://user@payment.quickpay.net/x", "ftp://payment.quickpay.net/x", "https://pay ment/x"} {
		g, _ := open(t, nil, created(t), step{putLink, 200, text(t, map[string]string{"url": address})})
		got := g.Charge(t.Context(), offered())
		verdict(t, got, providers.Unknown, providers.Unreadable)
		if got.Action != nil || got.External != "714001" {
			t.Errorf("%q: got %+v", address, got)
		}
	}
	g, err := New(least(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := g.window("http://payment.quickpay.net/x"); ok {
		t.Error("plain http is shown by a real account")
	}
}

// QuickPay counts a link's life from when it hears of the link: an answer that came late
// leaves open whether the link ends with the payment.
func TestLinkThatMayOutliveItsPaymentIsNotShown(t *testing.T) {
	for pause, want := range map[time.Duration]providers.Verdict{0: providers.Pending, 4 * time.Second: providers.Pending, 12 * time.Second: providers.Unknown} {
		synctest.Test(t, func(t *testing.T) {
			g, d := open(t, nil, created(t), linkMade)
			d.pause = pause
			c := offered()
			c.Expires = time.Now().Add(5 * time.Minute)
			got := g.Charge(t.Context(), c)
			if got.Verdict != want {
				t.Errorf("after %s it is %+v", pause, got)
			}
			if got.Verdict == providers.Pending && got.Until.After(c.Expires) {
				t.Errorf("after %s it ends at %s, the payment at %s", pause, got.Until, c.Expires)
			}
		})
	}
}
