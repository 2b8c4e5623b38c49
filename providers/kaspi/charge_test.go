package kaspi

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/payrouter/payrouter/providers"
)

var expires = time.Date(2026, 11, 23, 9, 3, 20, 417_000_000, time.UTC)

func equal(t *testing.T, got, want providers.Result) {
	t.Helper()
	if diff := cmp.Diff(want, got, cmpopts.EquateErrors()); diff != "" {
		t.Errorf("result (-want +got):\n%s", diff)
	}
}

func TestQRIsShownWithItsOwnEndAndPace(t *testing.T) {
	atCounter(t, func(t *testing.T, b *bank) {
		b.reads("/qr/create", "qr-create")
		for _, scheme := range []Scheme{R1, R2, R3} {
			equal(t, b.gateway(scheme).Charge(t.Context(), charge(providers.QR)), providers.Result{
				Verdict: providers.Pending, Reason: providers.AwaitingPayer, External: "12911004518",
				Action: &providers.Action{Kind: providers.ShowQR, Text: "57120334908127745519930246618820475513906", Expires: expires},
				Until:  expires.Add(65 * time.Second), AskIn: 5 * time.Second,
			})
		}
		b.expect("qr-create-r1", "qr-create-r2", "qr-create-r3")
	})
}

func TestLinkIsShownWithItsOwnEndAndPace(t *testing.T) {
	atCounter(t, func(t *testing.T, b *bank) {
		b.reads("/qr/create-link", "qr-create-link")
		equal(t, b.gateway(R3).Charge(t.Context(), charge(providers.Link)), providers.Result{
			Verdict: providers.Pending, Reason: providers.AwaitingPayer, External: "12911004519",
			Action: &providers.Action{Kind: providers.Redirect, URL: "https://pay.kaspi.kz/pay/291100451", Expires: expires},
			Until:  expires.Add(65 * time.Second), AskIn: 5 * time.Second,
		})
		b.expect("qr-create-link")
	})
}

func TestInvoiceRingsAtThePhoneForADay(t *testing.T) {
	atCounter(t, func(t *testing.T, b *bank) {
		b.reads("/remote/create", "remote-create")
		end := counter.Add(24*time.Hour + 65*time.Second) // to open, and then to confirm
		got := b.gateway(R3).Charge(t.Context(), charge(providers.Push))
		equal(t, got, providers.Result{
			Verdict: providers.Pending, Reason: providers.AwaitingPayer, External: "12911004520",
			Action: &providers.Action{Kind: providers.ConfirmPush, Service: "Kaspi.kz", Expires: counter.Add(24 * time.Hour)},
			Until:  got.Until,
		})
		if !got.Until.Equal(end) {
			t.Errorf("until %s, want %s", got.Until, end)
		}
		b.expect("remote-create")
	})
}

func TestLongDescriptionIsCutBehindTheReference(t *testing.T) {
	c := charge(providers.Push)
	c.Description = strings.Repeat("қ", 300)
	if got := comment(c); len([]rune(got)) != commentLength || !strings.HasPrefix(got, c.Ref.Order+" қ") {
		t.Errorf("comment %q", got)
	}
}

func TestAccountPaymentSendsNothingAndTellsThePayerWhatToType(t *testing.T) {
	atCounter(t, func(t *testing.T, b *bank) {
		c := charge(providers.Account)
		c.Ref.Order, c.Expires = "0000004711", counter.Add(time.Minute)
		equal(t, b.gateway(R1).Charge(t.Context(), c), providers.Result{
			Verdict: providers.Pending, Reason: providers.AwaitingPayer,
			Action: &providers.Action{Kind: providers.TypeAccount, Number: "0000004711", Service: "Qazaq Books", Expires: c.Expires},
		})
		b.silent()
	})
}

func TestWhatKaspiCannotDoIsRefusedWithoutSending(t *testing.T) {
	atCounter(t, func(t *testing.T, b *bank) {
		change := func(m providers.Method, f func(*providers.Charge)) providers.Charge {
			c := charge(m)
			f(&c)
			return c
		}
		noBiller := func(c *Config) { c.Biller = Biller{} }
		for name, try := range map[string]struct {
			gateway *Gateway
			charge  providers.Charge
		}{
			"dollars":             {b.gateway(R3), change(providers.QR, func(c *providers.Charge) { c.Ref.Amount.Currency = "USD" })},
			"nothing":             {b.gateway(R3), change(providers.QR, func(c *providers.Charge) { c.Ref.Amount.Minor = 0 })},
			"less than nothing":   {b.gateway(R3), change(providers.Push, func(c *providers.Charge) { c.Ref.Amount.Minor = -1 })},
			"a hold":              {b.gateway(R3), change(providers.QR, func(c *providers.Charge) { c.Ref.TwoStage = true })},
			"no reference":        {b.gateway(R3), change(providers.QR, func(c *providers.Charge) { c.Ref.Order = "" })},
			"a card page":         {b.gateway(R3), charge(providers.Page)},
			"a saved card":        {b.gateway(R3), charge(providers.Instrument)},
			"a push under r1":     {b.gateway(R1), charge(providers.Push)},
			"a push under r2":     {b.gateway(R2), charge(providers.Push)},
			"no phone":            {b.gateway(R3), change(providers.Push, func(c *providers.Charge) { c.Payer.Phone = "" })},
			"a foreign phone":     {b.gateway(R3), change(providers.Push, func(c *providers.Charge) { c.Payer.Phone = "+380441234567" })},
			"a national phone":    {b.gateway(R3), change(providers.Push, func(c *providers.Charge) { c.Payer.Phone = "87011234567" })},
			"no biller":           {b.gateway(R3, noBiller), charge(providers.Account)},
			"a QR too long":       {b.gateway(R3), change(providers.QR, func(c *providers.Charge) { c.Expires = time.Now().Add(245*time.Second - 1) })},
			"an invoice too long": {b.gateway(R3), change(providers.Push, func(c *providers.Charge) { c.Expires = time.Now().Add(24*time.Hour - 1) })},
		} {
			result := try.gateway.Charge(t.Context(), try.charge)
			if result.Verdict != providers.Unserved || result.Reason != providers.Unsupported || result.Err == nil {
				t.Errorf("%s: %+v", name, result)
			}
			if result.Err != nil && try.charge.Payer.Phone != "" && strings.Contains(result.Err.Error(), try.charge.Payer.Phone) {
				t.Errorf("%s: the error names the phone", name)
			}
		}
		b.silent()
	})
}

func TestOfferThatTurnsOutToOutliveThePaymentIsNotShown(t *testing.T) {
	atCounter(t, func(t *testing.T, b *bank) {
		b.says("/qr/create", 200, strings.Replace(answerFile(t, "qr-create"), "T14:03", "T14:04", 1))
		c := charge(providers.QR)
		c.Expires = time.Now().Add(250 * time.Second)
		result := b.gateway(R3).Charge(t.Context(), c)
		is(t, result, providers.Unserved, providers.Unsupported)
		if result.Action != nil || result.External != "12911004518" {
			t.Errorf("result %+v", result)
		}
	})
}

func TestLaterOfTwoDisagreeingEndsIsBelieved(t *testing.T) {
	atCounter(t, func(t *testing.T, b *bank) {
		b.reads("/qr/create", "qr-create")
		g := b.gateway(R3)
		time.Sleep(15 * time.Second) // as much as the margin covers
		if got := g.Charge(t.Context(), charge(providers.QR)).Until; !got.Equal(expires.Add(65 * time.Second)) {
			t.Errorf("within the margin: until %s", got)
		}
		time.Sleep(time.Second)
		if got, want := g.Charge(t.Context(), charge(providers.QR)).Until, time.Now().Add(245*time.Second); !got.Equal(want) {
			t.Errorf("our clock ahead: until %s, want %s", got, want)
		}
		time.Sleep(time.Until(expires))
		is(t, g.Charge(t.Context(), charge(providers.QR)), providers.Unknown, providers.Unreadable)
	})
}

func TestOptionsAreReadUnderEitherNameAndHaveDefaults(t *testing.T) {
	atCounter(t, func(t *testing.T, b *bank) {
		for options, want := range map[string][2]time.Duration{
			`,"PaymentBehaviorOptions":{"StatusPollingInterval":7,"PaymentConfirmationTimeout":"30"}`: {7 * time.Second, 30 * time.Second},
			`,"QrPaymentBehaviorOptions":{}`:   {5 * time.Second, 65 * time.Second},
			`,"QrPaymentBehaviorOptions":null`: {5 * time.Second, 65 * time.Second},
			``:                                 {5 * time.Second, 65 * time.Second},
		} {
			b.says("/qr/create", 200, `{"StatusCode":0,"Data":{"QrToken":"1","PaymentId":"2","ExpireDate":"2026-11-23T14:03:20.417+05"`+options+`}}`)
			result := b.gateway(R3).Charge(t.Context(), charge(providers.QR))
			if result.Verdict != providers.Pending || result.AskIn != want[0] || result.Until.Sub(expires) != want[1] {
				t.Errorf("%s: %+v", options, result)
			}
		}
	})
}

func TestMalformedOfferIsShownToNobody(t *testing.T) {
	atCounter(t, func(t *testing.T, b *bank) {
		g := b.gateway(R3)
		good := answerFile(t, "qr-create")
		for name, body := range map[string]string{
			"no text":              strings.Replace(good, "QrToken", "Token", 1),
			"text of a wrong type": strings.Replace(good, `"57120334908127745519930246618820475513906"`, "571", 1),
			"no number":            strings.Replace(good, "QrPaymentId", "Id", 1),
			"number of letters":    strings.Replace(good, "12911004518", `"abc"`, 1),
			"negative number":      strings.Replace(good, "12911004518", "-12911004518", 1),
			"number too long":      strings.Replace(good, "12911004518", "99999999999999999999", 1),
			"no end":               strings.Replace(good, "ExpireDate", "Date", 1),
			"end unreadable":       strings.Replace(good, "2026-11-23T14:03:20.417+05:00", "tomorrow", 1),
			"end is past":          strings.Replace(good, "T14:03", "T13:03", 1),
			"window unreadable":    strings.Replace(good, "65", `"a minute"`, 1),
			"Data is a list":       `{"StatusCode":0,"Data":[]}`,
			"no Data":              `{"StatusCode":0}`,
			"null Data":            `{"StatusCode":0,"Data":null}`,
			"no StatusCode":        strings.Replace(good, "StatusCode", "Code", 1),
			"null StatusCode":      strings.Replace(good, `"StatusCode":0`, `"StatusCode":null`, 1),
			"StatusCode words":     strings.Replace(good, `"StatusCode":0`, `"StatusCode":"ok"`, 1),
			"StatusCode 0.5":       strings.Replace(good, `"StatusCode":0`, `"StatusCode":0.5`, 1),
			"cut":                  good[:len(good)/2],
			"two answers":          good + good,
			"a page":               "<html>Login</html>",
			"empty":                "",
			"null":                 "null",
		} {
			b.says("/qr/create", 200, body)
			result := g.Charge(t.Context(), charge(providers.QR))
			if result.Verdict != providers.Unknown || result.Reason != providers.Unreadable || result.Action != nil {
				t.Errorf("%s: %+v", name, result)
			}
		}
		good = answerFile(t, "qr-create-link")
		for _, link := range []string{"", "pay.kaspi.kz/pay/1", "javascript:alert(1)", "https://"} {
			b.says("/qr/create-link", 200, strings.Replace(good, "https://pay.kaspi.kz/pay/291100451", link, 1))
			result := g.Charge(t.Context(), charge(providers.Link))
			is(t, result, providers.Unknown, providers.Unreadable)
			if result.External != "12911004519" {
				t.Error("the orphan's number is lost")
			}
		}
	})
}

func TestInvoiceWithoutANumberIsInDoubt(t *testing.T) {
	atCounter(t, func(t *testing.T, b *bank) {
		b.says("/remote/create", 200, `{"StatusCode":0,"Data":{}}`)
		is(t, b.gateway(R3).Charge(t.Context(), charge(providers.Push)), providers.Unknown, providers.Unreadable)
	})
}

func TestTransportFailuresOfACreation(t *testing.T) {
	atCounter(t, func(t *testing.T, b *bank) {
		g := b.gateway(R3)
		for method, path := range map[providers.Method]string{
			providers.QR: "/qr/create", providers.Link: "/qr/create-link", providers.Push: "/remote/create",
		} {
			for status, want := range map[int]providers.Reason{
				500: providers.ServerError, 503: providers.ServerError, 302: providers.Unreadable,
				400: providers.Unreadable, 404: providers.Unreadable, 429: providers.Throttled,
			} {
				b.says(path, status, "<html></html>")
				is(t, g.Charge(t.Context(), charge(method)), providers.Unknown, want)
			}
			for _, status := range []int{401, 403} {
				b.says(path, status, "<html></html>")
				result := g.Charge(t.Context(), charge(method))
				is(t, result, providers.Unserved, providers.Misconfigured)
				if result.Code != fmt.Sprint(status) {
					t.Errorf("code %q", result.Code)
				}
				b.says(path, status, `{"StatusCode":0,"Data":{}}`)
				is(t, g.Charge(t.Context(), charge(method)), providers.Unknown, providers.Unreadable)
			}
			b.says(path, 401, `{"StatusCode":-10000,"Message":"unauthorized"}`)
			result := g.Charge(t.Context(), charge(method))
			is(t, result, providers.Unserved, providers.Misconfigured)
			if result.Code != "-10000" {
				t.Errorf("code %q", result.Code)
			}
			b.says(path, 400, `{"StatusCode":990000028}`)
			is(t, g.Charge(t.Context(), charge(method)), providers.Unserved, providers.Unsupported)
			b.says(path, 503, `{"StatusCode":990000028}`)
			is(t, g.Charge(t.Context(), charge(method)), providers.Unknown, providers.ServerError)

			b.does(path, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }) // never answers
			is(t, g.Charge(t.Context(), charge(method)), providers.Unknown, providers.Timeout)
			b.does(path, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
			is(t, g.Charge(t.Context(), charge(method)), providers.Unknown, providers.Broken)
		}
		b.asked()
		b.listen.Close()
		is(t, g.Charge(t.Context(), charge(providers.Push)), providers.Unserved, providers.NotSent)
	})
}
