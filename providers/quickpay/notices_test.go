package quickpay

import (
	"net/http"
	"testing"

	"github.com/payrouter/payrouter/providers"
)

// called is a callback signed with a key.
func called(key providers.Secret, body string) providers.Notice {
	return providers.Notice{Method: http.MethodPost, Body: []byte(body), Source: "203.0.113.9",
		Header: map[string][]string{signatureHeader: {checksum(key, []byte(body))}, "Content-Type": {"application/json"}, "Quickpay-Resource-Type": {"Payment"}}}
}

func listener(t *testing.T, change func(*Config)) *Gateway {
	t.Helper()
	g, _ := open(t, change)
	return g
}

// The golden bodies of the notes, section 11, as a test account hears them.
func TestCallbacksOfTheNotesAreHeard(t *testing.T) {
	g := listener(t, func(c *Config) { c.TestMode, c.MerchantID = true, 1234 })
	for body, want := range map[string]providers.Result{
		body1: {Verdict: providers.Held, Amount: kroner(amount), External: "1234"},
		body2: {Verdict: providers.Approved, Amount: kroner(amount), Returned: kroner(0), External: "1234"},
	} {
		heard := g.Hear(called(privateKey, body))
		got := heard.Result
		if heard.Kind != providers.Fact || heard.Ref != (providers.Ref{Order: order, External: "1234"}) || got.Verdict != want.Verdict || got.Amount != want.Amount ||
			got.Returned != want.Returned || got.External != want.External || len(heard.Key) != 64 {
			t.Errorf("%s: heard %+v", body, heard)
		}
	}
	// It names no operations, so that nothing can be read from it.
	if heard := g.Hear(called(privateKey, body3)); heard.Kind != providers.Hint || heard.Ref.Order != "rt-000000000002" || heard.Result != (providers.Result{}) {
		t.Errorf("heard %+v", heard)
	}
}

// Whoever is at a link twice may be charged twice: the second authorize is another movement,
// and what follows it on the way to the money is not.
func TestACallbackTellsWhichAuthorizeMovedTheMoney(t *testing.T) {
	g := listener(t, nil)
	movement := func(said map[string]any) string { return g.Hear(called(privateKey, text(t, said))).Result.Movement }
	held, taken, twice := movement(inHold("new")), movement(paidWith()), movement(inHold("new", did("authorize", amount, "20000")))
	if held == "" || taken != held || twice == held || twice == "" {
		t.Errorf("held by %q, taken by %q, held again by %q", held, taken, twice)
	}
}

func TestCallbackIsAFactWhereItLeavesNothingOpen(t *testing.T) {
	rejected := did("authorize", amount, "40000")
	for name, c := range map[string]struct {
		said    map[string]any
		kind    providers.HeardKind
		verdict providers.Verdict
		reason  providers.Reason
	}{
		"captured":             {paidWith(), providers.Fact, providers.Approved, ""},
		"refunded":             {paidWith(did("refund", 50, "20000")), providers.Fact, providers.Approved, ""},
		"without a type":       {with(inHold("new"), "type", nil), providers.Fact, providers.Held, ""},
		"held":                 {inHold("new"), providers.Fact, providers.Held, ""},
		"held by a link":       {linked(inHold("new")), providers.Fact, providers.Held, ""},
		"to be captured":       {with(linked(inHold("new")), "link", map[string]any{"amount": amount, "auto_capture": true}), providers.Hint, providers.Unknown, ""},
		"a card's to be taken": {with(inHold("new"), "variables", map[string]string{"attempt": order, "method": "instrument", "capture": "auto"}), providers.Hint, providers.Unknown, ""},
		"of a link deleted":    {with(linked(inHold("new")), "link", nil, "variables", map[string]string{"attempt": order, "method": "link", "capture": "auto"}), providers.Hint, providers.Unknown, ""},
		"a link without end":   {with(linked(object("rejected", rejected)), "deadline_at", nil), providers.Hint, providers.Unknown, ""},
		"released":             {inHold("processed", did("cancel", amount, "20000")), providers.Fact, providers.Declined, providers.Released},
		"a card declined":      {object("rejected", rejected), providers.Fact, providers.Declined, providers.DeclinedSoft},
		"a link declined":      {linked(object("rejected", rejected)), providers.Fact, providers.Pending, providers.AwaitingPayer},
		"we do not know which": {with(object("rejected", rejected), "variables", nil), providers.Fact, providers.Pending, providers.AwaitingPayer},
		"a payer at it":        {linked(object("pending", doing("authorize", amount))), providers.Fact, providers.Pending, providers.PayerConfirming},
		"aborted":              {object("rejected", did("authorize", amount, "40003")), providers.Hint, providers.Unknown, ""},
		"nobody knows":         {object("rejected", did("authorize", amount, "50300")), providers.Hint, providers.Unknown, ""},
		"a capture under way":  {inHold("pending", doing("capture", amount)), providers.Hint, providers.Unknown, ""},
		"a test payment":       {with(paidWith(), "test_mode", true), providers.Hint, providers.Unknown, ""},
		"no currency":          {with(paidWith(), "currency", nil), providers.Hint, providers.Unknown, ""},
		"contradictory":        {with(paidWith(), "balance", 1), providers.Hint, providers.Unknown, ""},
	} {
		heard := listener(t, nil).Hear(called(privateKey, text(t, c.said)))
		if heard.Kind != c.kind || heard.Result.Verdict != c.verdict || heard.Result.Reason != c.reason || heard.Ref.Order != order {
			t.Errorf("%s: heard %s %+v", name, heard.Kind, heard.Result)
		}
		if heard.Kind == providers.Hint && heard.Result != (providers.Result{}) {
			t.Errorf("%s: a hint says %+v", name, heard.Result)
		}
	}
}

func TestWhatIsNotSignedOrNotOursIsNoise(t *testing.T) {
	g := listener(t, func(c *Config) { c.MerchantID = 1234 })
	good := text(t, paidWith())
	change := func(do func(*providers.Notice)) providers.Notice {
		n := called(privateKey, good)
		do(&n)
		return n
	}
	for name, c := range map[string]struct {
		notice providers.Notice
		forged bool
	}{
		"no checksum":        {change(func(n *providers.Notice) { n.Header = nil }), true},
		"an empty checksum":  {change(func(n *providers.Notice) { n.Header[signatureHeader] = []string{""} }), true},
		"two checksums":      {change(func(n *providers.Notice) { n.Header[signatureHeader] = append(n.Header[signatureHeader], "x") }), true},
		"another key":        {called(providers.NewSecret("secret"), good), true},
		"the API key":        {called(apiKey, good), true},
		"a newline more":     {change(func(n *providers.Notice) { n.Body = append(n.Body, '\n') }), true},
		"no body":            {change(func(n *providers.Notice) { n.Body = nil }), true},
		"asked for by GET":   {change(func(n *providers.Notice) { n.Method = http.MethodGet }), false},
		"no object":          {called(privateKey, "[]"), false},
		"an empty object":    {called(privateKey, "{}"), false},
		"another account":    {called(privateKey, text(t, with(paidWith(), "merchant_id", 5678))), false},
		"a subscription":     {called(privateKey, text(t, with(paidWith(), "type", "Subscription"))), false},
		"no id":              {called(privateKey, text(t, with(paidWith(), "id", nil))), false},
		"no order number":    {called(privateKey, text(t, with(paidWith(), "order_id", nil))), false},
		"a strange number":   {called(privateKey, text(t, with(paidWith(), "order_id", "rt 1/../2"))), false},
		"an order of 21":     {called(privateKey, text(t, with(paidWith(), "order_id", "rt-000000000000000001"))), false},
		"wrong types in it":  {called(privateKey, text(t, with(paidWith(), "operations", "none"))), false},
		"something after it": {called(privateKey, good+"{}"), false},
	} {
		heard := g.Hear(c.notice)
		if heard.Kind != providers.Noise || heard.Forged != c.forged || heard.Err == nil {
			t.Errorf("%s: heard %+v", name, heard)
		}
		if reply := g.Answer(heard, providers.Ruling{Kind: providers.Accepted}); reply.Status != http.StatusBadRequest {
			t.Errorf("%s: answered %d", name, reply.Status)
		}
	}
}

func TestOnlyWhatIsStoredIsAcknowledged(t *testing.T) {
	g := listener(t, nil)
	heard := g.Hear(called(privateKey, text(t, paidWith())))
	for ruling, want := range map[providers.RulingKind]int{
		providers.Accepted: 200, providers.Unmatched: 404, providers.Rejected: 400, providers.TryLater: 503, providers.Busy: 503, providers.Payable: 503, 99: 503,
	} {
		if got := g.Answer(heard, providers.Ruling{Kind: ruling}); got.Status != want {
			t.Errorf("ruling %d: answered %d, want %d", ruling, got.Status, want)
		}
	}
}
