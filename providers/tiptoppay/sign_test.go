package tiptoppay

import (
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/payrouter/payrouter/providers"
)

// The vectors of the notes, section 11.
var vectors = map[string]struct{ message, exact, loose string }{
	"T1": {
		"TransactionId=2346712901&Amount=14500.00&Currency=KZT&PaymentAmount=14500.00&PaymentCurrency=KZT&InvoiceId=KZ-2026-000481&AccountId=u-7781&DateTime=2026-03-14%2009%3A21%3A07&TestMode=1&Status=Completed&OperationType=Payment",
		"oDyFO7AZRXI9Y+BjUUhf73Hqi7C/aIcL2k+4rPzKKJ4=", "8i8nK5yq+uMaARN0RC306gKgSsjGyiKm0kJlhXPkVdA=",
	},
	"T2": {
		"TransactionId=2346712901&Amount=14500.00&Currency=KZT&InvoiceId=KZ-2026-000481&AccountId=u-7781&DateTime=2026-03-14+09%3A21%3A07&Name=AIGERIM+SEITKALI&Email=aigerim%2Bshop%40example.kz&Description=%D0%97%D0%B0%D0%BA%D0%B0%D0%B7+%E2%84%96481&Data=%7B%22attempt%22%3A%22a1%22%7D&Status=Completed&OperationType=Payment&TestMode=1",
		"X7aRBUNFmkoBbj1vXUBMoICpDtyzAFIabJxaf1bQOgU=", "worKxAlnLm3MJ9UtIuwjiyh9ZtvrBrhJPeTbHzW0QKw=",
	},
	"T3": {
		`{"TransactionId":2346712901,"Amount":14500.00,"Currency":"KZT","InvoiceId":"KZ-2026-000481","Reason":"InsufficientFunds","ReasonCode":5051}`,
		"WxpZgqm/z0OCkZCck96bQwWMQ+c5RVw48K2bnRQ/ZXM=", "WxpZgqm/z0OCkZCck96bQwWMQ+c5RVw48K2bnRQ/ZXM=",
	},
	"T4": {
		"TransactionId=2346712955&Amount=14500.00&DateTime=2026-03-14+10%3A02%3A44&InvoiceId=KZ-2026-000481",
		"vGPG2PuAL47AOu18ByU23Yz90TU3zTc+4q60igmOQeg=", "JKPOWYKOthk0LhTCa7cvkueKuHlyuqev7uqw7lhqzhM=",
	},
}

func TestEveryVectorOfTheNotes(t *testing.T) {
	if got, want := basic(publicID, secret), "Basic cGtfNGIwZTJkNmE5MWM3NWYzZThkMjBhNmI0YzkxZjA6OWMxZjZhMGQ0YmUyNDc4ZWE1ZjNkMDdiOGMyNmU5MTQ="; got != want {
		t.Errorf("T0: %s, want %s", got, want)
	}
	if got, want := sign(secret, ""), "Dt2XctqGMbqrG8PAf99F5fVikjDTxND6WEPp5HBk49I="; got != want {
		t.Errorf("T5: %s, want %s", got, want)
	}
	for name, v := range vectors {
		if got := sign(secret, v.message); got != v.exact {
			t.Errorf("%s: Content-HMAC %s, want %s", name, got, v.exact)
		}
		text, err := plainText(v.message)
		if got := sign(secret, text); err != nil || got != v.loose {
			t.Errorf("%s: X-Content-HMAC %s, want %s; error %v", name, got, v.loose, err)
		}
	}
}

func headers(pairs ...string) http.Header {
	h := http.Header{}
	for i := 0; i < len(pairs); i += 2 {
		h.Add(pairs[i], pairs[i+1])
	}
	return h
}

func TestWhichHeaderProvesHowMuch(t *testing.T) {
	g := deaf(t, nil)
	for name, v := range vectors {
		for what, c := range map[string]struct {
			header http.Header
			want   trust
		}{
			"both":                        {headers("Content-HMAC", v.exact, "X-Content-HMAC", v.loose), raw},
			"the exact one":               {headers("Content-HMAC", v.exact), raw},
			"the other one":               {headers("X-Content-HMAC", v.loose), decoded},
			"neither":                     {headers(), forged},
			"empty ones":                  {headers("Content-HMAC", "", "X-Content-HMAC", ""), forged},
			"the exact one wrong":         {headers("Content-HMAC", v.exact[1:], "X-Content-HMAC", v.loose), forged},
			"the exact one twice":         {http.Header{"Content-Hmac": {v.exact, v.exact}, "X-Content-Hmac": {v.loose}}, forged},
			"a digest in hex":             {headers("Content-HMAC", respelled(t, v.exact, hex.EncodeToString)), forged},
			"a digest for addresses":      {headers("Content-HMAC", respelled(t, v.exact, base64.RawURLEncoding.EncodeToString)), forged},
			"a digest in another case":    {headers("Content-HMAC", strings.ToLower(v.exact)), forged},
			"one of another message":      {headers("Content-HMAC", sign(secret, v.message+"&")), forged},
			"one of another secret":       {headers("Content-HMAC", sign(providers.NewSecret("another"), v.message)), forged},
			"a digest with a line's end":  {headers("Content-HMAC", v.exact+"\n"), forged},
			"one that keeps the plus":     {headers("X-Content-HMAC", sign(secret, keepingPlus(v.message))), trustKeepingPlus(v.message)},
			"the values in wrong headers": {headers("Content-HMAC", v.loose, "X-Content-HMAC", v.exact), trustSwapped(v.exact, v.loose)},
		} {
			if got := g.authentic(c.header, v.message); got != c.want {
				t.Errorf("%s with %s: trust %d, want %d", name, what, got, c.want)
			}
		}
	}
}

func respelled(t *testing.T, value string, encode func([]byte) string) string {
	t.Helper()
	digest, err := base64.StdEncoding.DecodeString(value)
	if err != nil {
		t.Fatal(err)
	}
	return encode(digest)
}

func keepingPlus(message string) string {
	text, err := url.PathUnescape(message)
	if err != nil {
		panic(err)
	}
	return text
}

// Where there is no plus to keep, both decoders agree.
func trustKeepingPlus(message string) trust {
	if isObject(message) || !strings.Contains(message, "+") {
		return decoded
	}
	return forged
}

// Of JSON both values are one.
func trustSwapped(exact, loose string) trust {
	if exact == loose {
		return raw
	}
	return forged
}

func TestABodyThatWasWrittenAnewIsForged(t *testing.T) {
	g := deaf(t, nil)
	for name, v := range vectors {
		if isObject(v.message) {
			continue
		}
		form, err := url.ParseQuery(v.message)
		if err != nil {
			t.Fatal(err)
		}
		for what, anew := range map[string]string{"order": form.Encode(), "a digit": strings.Replace(v.message, "14500", "14501", 1),
			"spaces": strings.NewReplacer("%20", "+", "+", "%20").Replace(v.message)} {
			if anew == v.message {
				t.Fatalf("%s: nothing changed", name)
			}
			if got := g.authentic(headers("Content-HMAC", v.exact), anew); got != forged {
				t.Errorf("%s with another %s: trust %d", name, what, got)
			}
		}
	}
}
