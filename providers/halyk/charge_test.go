package halyk

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/payrouter/payrouter/providers"
)

const toCards = "POST /api/payments/cards/auth"

func TestSavedCardIsChargedWithATokenOfItsOwn(t *testing.T) {
	with(t, config(), []reply{tokenReply, {to: toCards, body: "cards_auth.json"}}, func(t *testing.T, g *Gateway, b *bank) {
		r := g.Charge(t.Context(), charge(providers.Instrument))
		expect(t, "charge", r, providers.Approved, providers.NoReason)
		golden(t, "instrument", b, show(r))
	})
}

// chargeWith charges the saved card and lets the bank answer as scripted.
func chargeWith(t *testing.T, what string, c Config, ask providers.Charge, answer reply, verdict providers.Verdict, reason providers.Reason) {
	t.Helper()
	answer.to = toCards
	with(t, c, []reply{tokenReply, answer}, func(t *testing.T, g *Gateway, _ *bank) {
		t.Helper()
		ask.Ref.Planned = time.Now()
		expect(t, what, g.Charge(t.Context(), ask), verdict, reason)
	})
}

func TestAnswerOfASavedCardIsReadStrictly(t *testing.T) {
	good := `{"id":"` + payment + `","invoiceId":"` + order + `","amount":15490.00,"amountBonus":0,"currency":"KZT","terminal":"` + terminal + `","status":"CHARGE"}`
	edit := func(old, with string) string {
		if !strings.Contains(good, old) {
			t.Fatalf("%q is not in the answer", old)
		}
		return strings.Replace(good, old, with, 1)
	}
	for what, c := range map[string]struct {
		body    string
		verdict providers.Verdict
		reason  providers.Reason
	}{
		"charged":                        {good, providers.Approved, ""},
		"held":                           {edit("CHARGE", "AUTH"), providers.Held, ""},
		"numbers as strings":             {edit("15490.00", `"15490.00"`), providers.Approved, ""},
		"part paid with bonuses":         {edit(`15490.00,"amountBonus":0`, `15000,"amountBonus":490`), providers.Approved, ""},
		"success said as code ok":        {edit(`"status"`, `"code":"ok","status"`), providers.Approved, ""},
		"success said as code 0":         {edit(`"status"`, `"code":0,"status"`), providers.Approved, ""},
		"charged, but with an error":     {edit(`"status"`, `"code":454,"status"`), providers.Unknown, providers.Ambiguous},
		"charged, but with a new code":   {edit(`"status"`, `"code":9999,"status"`), providers.Unknown, providers.UnknownCode},
		"just begun":                     {edit("CHARGE", "NEW"), providers.Pending, providers.Processing},
		"fingerprint":                    {edit("CHARGE", "FINGERPRINT"), providers.Pending, providers.StepUp},
		"3-D Secure after all":           {edit("CHARGE", "3D"), providers.Pending, providers.StepUp},
		"failed for no given reason":     {edit("CHARGE", "FAILED"), providers.Unknown, providers.Ambiguous},
		"failed for a final reason":      {edit(`"status":"CHARGE"`, `"status":"FAILED","code":"465"`), providers.Declined, providers.DeclinedHard},
		"failed for an open reason":      {edit(`"status":"CHARGE"`, `"status":"FAILED","code":"454"`), providers.Unknown, providers.Ambiguous},
		"failed, of another number":      {edit(order, "261123004712") + " ", providers.Unknown, providers.Mismatch},
		"canceled":                       {edit("CHARGE", "CANCEL"), providers.Unknown, providers.Ambiguous},
		"refunded":                       {edit("CHARGE", "REFUND"), providers.Unknown, providers.Ambiguous},
		"a card check":                   {edit("CHARGE", "VERIFIED"), providers.Unknown, providers.Ambiguous},
		"a status nobody documented":     {edit("CHARGE", "SETTLED"), providers.Unknown, providers.UnknownCode},
		"another number":                 {edit(order, "261123004712"), providers.Unknown, providers.Mismatch},
		"no number":                      {edit(`"invoiceId":"`+order+`",`, ""), providers.Unknown, providers.Unreadable},
		"no id":                          {edit(`"id":"`+payment+`",`, ""), providers.Unknown, providers.Unreadable},
		"another amount":                 {edit("15490.00", "1549.00"), providers.Unknown, providers.Mismatch},
		"more than asked for":            {edit(`"amountBonus":0`, `"amountBonus":1`), providers.Unknown, providers.Mismatch},
		"no amount":                      {edit(`"amount":15490.00,`, ""), providers.Unknown, providers.Unreadable},
		"a negative amount":              {edit("15490.00", "-15490.00"), providers.Unknown, providers.Unreadable},
		"an amount with an exponent":     {edit("15490.00", "1.549e4"), providers.Unknown, providers.Unreadable},
		"an amount with too many digits": {edit("15490.00", "15490.001"), providers.Unknown, providers.Unreadable},
		"an amount that is an object":    {edit("15490.00", `{"v":15490}`), providers.Unknown, providers.Unreadable},
		"another currency":               {edit("KZT", "USD"), providers.Unknown, providers.Mismatch},
		"no currency":                    {edit(`"currency":"KZT",`, ""), providers.Unknown, providers.Mismatch},
		"the terminal's number":          {edit(terminal, "98120001"), providers.Approved, ""}, // as the status names it
		"no terminal":                    {edit(terminal, ""), providers.Approved, ""},
		"another terminal":               {edit(terminal, "00000000-102f-4bd1-898e-370781d0074d"), providers.Unknown, providers.Mismatch},
		"an error code alone":            {`{"code":484,"message":"x"}`, providers.Declined, providers.DeclinedSoft},
		"nothing at all":                 {``, providers.Unknown, providers.Unreadable},
		"an empty object":                {`{}`, providers.Unknown, providers.Unreadable},
		"an array":                       {`[]`, providers.Unknown, providers.Unreadable},
		"a maintenance page":             {`<html>back soon</html>`, providers.Unknown, providers.Unreadable},
		"half an object":                 {good[:len(good)-9], providers.Unknown, providers.Unreadable},
	} {
		t.Run(what, func(t *testing.T) {
			chargeWith(t, what, config(), charge(providers.Instrument), reply{body: c.body}, c.verdict, c.reason)
		})
	}
}

func TestHTTPStatusOfAChargeDecides(t *testing.T) {
	for status, want := range map[int]providers.Result{
		401: {Verdict: providers.Unserved, Reason: providers.Misconfigured},
		403: {Verdict: providers.Unserved, Reason: providers.Misconfigured},
		404: {Verdict: providers.Unknown, Reason: providers.Unreadable},
		409: {Verdict: providers.Unknown, Reason: providers.Unreadable},
		429: {Verdict: providers.Unknown, Reason: providers.Unreadable}, // limits are not published
		302: {Verdict: providers.Unknown, Reason: providers.Unreadable},
		500: {Verdict: providers.Unknown, Reason: providers.ServerError},
		503: {Verdict: providers.Unknown, Reason: providers.ServerError},
	} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			body := "error_484.json" // a final decline, which must not count here
			chargeWith(t, "charge", config(), charge(providers.Instrument), reply{status: status, body: body}, want.Verdict, want.Reason)
		})
	}
}

func TestRepeatedNumberIsDoubt(t *testing.T) {
	chargeWith(t, "charge", config(), charge(providers.Instrument), reply{status: 400, body: "error_100.json"}, providers.Unknown, providers.Ambiguous)
}

func TestLostChargeIsDoubtAndIsNotSentAgain(t *testing.T) {
	chargeWith(t, "cut", config(), charge(providers.Instrument), reply{do: hangUp}, providers.Unknown, providers.Broken)
	silent := func(http.ResponseWriter) { time.Sleep(16 * time.Second) }
	chargeWith(t, "silence", config(), charge(providers.Instrument), reply{do: silent}, providers.Unknown, providers.Timeout)
}

func TestWithoutATokenNothingIsCharged(t *testing.T) {
	for what, c := range map[string]struct {
		answer reply
		reason providers.Reason
	}{
		"wrong credentials":      {reply{status: 401, body: "token_refused.json"}, providers.Misconfigured},
		"refused the OAuth way":  {reply{status: 400, body: "token_refused.json"}, providers.Misconfigured},
		"throttled":              {reply{status: 429}, providers.Throttled},
		"server error":           {reply{status: 500}, providers.NotSent},
		"redirected":             {reply{status: 307}, providers.NotSent},
		"undocumented success":   {reply{status: 204}, providers.NotSent},
		"cut":                    {reply{do: hangUp}, providers.NotSent},
		"silence":                {reply{do: func(http.ResponseWriter) { time.Sleep(6 * time.Second) }}, providers.NotSent},
		"a maintenance page":     {reply{body: "<html></html>"}, providers.NotSent},
		"no token in it":         {reply{body: `{"expires_in":"7200"}`}, providers.NotSent},
		"another kind of token":  {reply{body: `{"access_token":"x","token_type":"mac"}`}, providers.NotSent},
		"a token that is a list": {reply{body: `{"access_token":["x"]}`}, providers.NotSent},
	} {
		t.Run(what, func(t *testing.T) {
			for _, method := range []providers.Method{providers.Instrument, providers.Page, providers.Link, providers.QR} {
				c.answer.to = toToken
				setup := config()
				setup.Timeouts.Create = 5 * time.Second // which limits a page's token
				with(t, setup, []reply{c.answer}, func(t *testing.T, g *Gateway, _ *bank) {
					expect(t, string(method), g.Charge(t.Context(), charge(method)), providers.Unserved, c.reason)
				})
			}
		})
	}
}

func TestWhatTheTerminalCannotDoIsRefusedBeforeSending(t *testing.T) {
	for what, c := range map[string]struct {
		edit    func(*Config, *providers.Charge)
		verdict providers.Verdict
		reason  providers.Reason
	}{
		"a hold on a one-stage terminal": {func(_ *Config, c *providers.Charge) { c.Ref.TwoStage = true }, providers.Unserved, providers.Unsupported},
		"a hold by QR": {func(g *Config, c *providers.Charge) {
			g.TwoStage, c.Ref.TwoStage, c.Ref.Method = true, true, providers.QR
		}, providers.Unserved, providers.Unsupported},
		"dollars":               {func(_ *Config, c *providers.Charge) { c.Ref.Amount.Currency = "USD" }, providers.Unserved, providers.Unsupported},
		"nothing":               {func(_ *Config, c *providers.Charge) { c.Ref.Amount.Minor = 0 }, providers.Declined, providers.InvalidRequest},
		"five digits":           {func(_ *Config, c *providers.Charge) { c.Ref.Order = "12345" }, providers.Unserved, providers.Unsupported},
		"sixteen digits":        {func(_ *Config, c *providers.Charge) { c.Ref.Order = "1234567890123456" }, providers.Unserved, providers.Unsupported},
		"letters":               {func(_ *Config, c *providers.Charge) { c.Ref.Order = "26112300471a" }, providers.Unserved, providers.Unsupported},
		"a push":                {func(_ *Config, c *providers.Charge) { c.Ref.Method = providers.Push }, providers.Unserved, providers.Unsupported},
		"a link without a shop": {func(g *Config, c *providers.Charge) { g.ShopID, c.Ref.Method = "", providers.Link }, providers.Unserved, providers.Unsupported},
		"a QR without QR":       {func(g *Config, c *providers.Charge) { g.QR, c.Ref.Method = false, providers.QR }, providers.Unserved, providers.Unsupported},
		"a QR without notices":  {func(_ *Config, c *providers.Charge) { c.NotifyURL, c.Ref.Method = "", providers.QR }, providers.Unserved, providers.Unsupported},
		"no saved card":         {func(_ *Config, c *providers.Charge) { c.Instrument = providers.Token{} }, providers.Unserved, providers.Unsupported},
		"a charge too late":     {func(_ *Config, c *providers.Charge) { c.Expires = time.Now().Add(-time.Second) }, providers.Unserved, providers.Unsupported},
		"a page that outlives":  {outlivedBy(providers.Page, 2*time.Hour), providers.Unserved, providers.Unsupported},
		"a QR that outlives":    {outlivedBy(providers.QR, 20*time.Minute), providers.Unserved, providers.Unsupported},
		"a link that outlives":  {outlivedBy(providers.Link, 50*time.Hour), providers.Unserved, providers.Unsupported},
	} {
		t.Run(what, func(t *testing.T) {
			setup, ask := config(), charge(providers.Instrument)
			c.edit(&setup, &ask)
			g, err := New(setup, Options{})
			if err != nil {
				t.Fatal(err)
			}
			r := *g.refuse(ask, time.Now())
			expect(t, what, r, c.verdict, c.reason)
			expect(t, what, g.Charge(t.Context(), ask), c.verdict, c.reason) // no bank is there
		})
	}
}

// outlivedBy gives a payment a second less than the method's offers live.
func outlivedBy(m providers.Method, life time.Duration) func(*Config, *providers.Charge) {
	return func(_ *Config, c *providers.Charge) {
		c.Ref.Method, c.Expires = m, time.Now().Add(life-time.Second)
	}
}

func TestHoldIsReportedAsSeenOnEitherTerminal(t *testing.T) {
	for _, twoStage := range []bool{false, true} {
		setup, ask := config(), charge(providers.Instrument)
		setup.TwoStage, ask.Ref.TwoStage = true, twoStage
		body := strings.Replace(answer(t, "cards_auth.json"), "CHARGE", "AUTH", 1)
		chargeWith(t, fmt.Sprintf("two-stage %t", twoStage), setup, ask, reply{body: body}, providers.Held, "")
		chargeWith(t, "charged at once all the same", setup, ask, reply{body: "cards_auth.json"}, providers.Approved, "")
	}
}

func TestDescriptionIsCutAtALetter(t *testing.T) {
	for text, want := range map[string]string{
		"Заказ 4711":                    "Заказ 4711",
		"":                              order,
		strings.Repeat("ы", 63):         strings.Repeat("ы", 62), // 126 bytes
		strings.Repeat("a", 126):        strings.Repeat("a", 125),
		"a" + strings.Repeat("₸", 50):   "a" + strings.Repeat("₸", 41),
		"bad \xff byte":                 "bad  byte",
		strings.Repeat("a", 124) + " b": strings.Repeat("a", 124),
	} {
		c := charge(providers.Page)
		c.Description = text
		if got := describe(c); got != want || len(got) > descriptionLimit {
			t.Errorf("%q: got %q (%d bytes), want %q", text, got, len(got), want)
		}
	}
}

func TestOnlyLatinNamesAreSent(t *testing.T) {
	for name, want := range map[string]string{"AIGERIM K": "AIGERIM K", "Айгерім": "", "A\nB": "", "": ""} {
		if got := latin(name); got != want {
			t.Errorf("%q: got %q, want %q", name, got, want)
		}
	}
}
