package halyk

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/payrouter/payrouter/providers"
)

// hashOf is the payment's secret, made independently of the code under test.
func hashOf(number string) string {
	mac := hmac.New(sha256.New, []byte("0123456789abcdef0123456789abcdef"))
	mac.Write([]byte(number))
	return hex.EncodeToString(mac.Sum(nil))
}

// postLink is the notes' sample with a good hash.
func postLink() string {
	return `{"id":"` + payment + `","dateTime":"2026-11-23T14:02:19.118+05:00","invoiceId":"` + order + `","amount":15490,
 "currency":"KZT","terminal":"` + terminal + `","accountId":"cust-88","description":"Order 4711","language":"rus",
 "cardMask":"440563...5096","cardType":"VISA","issuer":"HALYK BANK","reference":"632811904471","approvalCode":"170243","secure":"yes",
 "code":"ok","reason":"success","reasonCode":0,"secret_hash":"` + hashOf(order) + `"}`
}

func gateway(t *testing.T, edit func(*Config)) *Gateway {
	t.Helper()
	c := config()
	if edit != nil {
		edit(&c)
	}
	g, err := New(c, Options{})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func posted(body string) providers.Notice {
	return providers.Notice{Method: "POST", Body: []byte(body)}
}

func TestNoticeWithItsSecretIsAHint(t *testing.T) {
	g := gateway(t, nil)
	for what, body := range map[string]string{
		"as documented":      postLink(),
		"invoiceID":          strings.Replace(postLink(), "invoiceId", "invoiceID", 1),
		"secretHash":         strings.Replace(postLink(), "secret_hash", "secretHash", 1),
		"upper case":         strings.NewReplacer("invoiceId", "INVOICEID", "secret_hash", "SECRET_HASH", `"id"`, `"ID"`).Replace(postLink()),
		"numbers as strings": strings.NewReplacer("15490", `"15490"`, `"reasonCode":0`, `"reasonCode":"0"`).Replace(postLink()),
		"invoice as number":  strings.Replace(postLink(), `"invoiceId":"`+order+`"`, `"invoiceId":`+order, 1),
	} {
		h := g.Hear(posted(body))
		if h.Kind != providers.Hint || h.Ref.Order != order || h.Key != payment+"+ok+0" || h.Forged || h.Err != nil {
			t.Errorf("%s: heard %+v", what, h)
		}
		if h.Result != (providers.Result{}) || h.Ref.External != "" {
			t.Errorf("%s: the body is not covered by the secret, yet it was believed: %+v", what, h)
		}
		if r := g.Answer(h, providers.Ruling{Kind: providers.Accepted}); r.Status != 200 {
			t.Errorf("%s: answered %d", what, r.Status)
		}
	}
	if h := g.Hear(posted(strings.Replace(postLink(), `"id":"`+payment+`",`, "", 1))); h.Kind != providers.Hint || h.Key != "" {
		t.Errorf("a notice without id has no key of its own: %+v", h)
	}
}

func TestAnyWrongHashIsRefused(t *testing.T) {
	g := gateway(t, nil)
	good := hashOf(order)
	wrong := []string{"", good[:63], good + "0", strings.ToUpper(good), hashOf("261123004712"), "c6f0d6a9b1e24d0fb1c7a9d2f07c5e31"}
	for i := range good { // any one character changed
		other := byte('0')
		if good[i] == '0' {
			other = '1'
		}
		wrong = append(wrong, good[:i]+string(other)+good[i+1:])
	}
	bodies := []string{
		strings.Replace(postLink(), `"secret_hash":"`+good+`"`, `"secret_hash":null`, 1),
		strings.Replace(postLink(), `,"secret_hash":"`+good+`"`, "", 1),
		strings.Replace(postLink(), order, "261123004712", 1), // a good hash, of another payment
		strings.Replace(postLink(), `"invoiceId":"`+order+`"`, `"invoiceId":""`, 1),
		`{}`, `{"secret_hash":"` + hashOf("") + `"}`,
	}
	for _, hash := range wrong {
		bodies = append(bodies, strings.Replace(postLink(), good, hash, 1))
	}
	for _, body := range bodies {
		h := g.Hear(posted(body))
		if h.Kind != providers.Noise || !h.Forged || h.Err == nil || h.Ref != (providers.Ref{}) {
			t.Errorf("heard %+v in %s", h, body)
		}
		if r := g.Answer(h, providers.Ruling{Kind: providers.Rejected}); r.Status != 403 {
			t.Errorf("answered %d to %s", r.Status, body)
		}
	}
}

func TestUnreadableNoticeIsNoise(t *testing.T) {
	g := gateway(t, nil)
	for what, n := range map[string]providers.Notice{
		"a GET":          {Method: "GET", Body: []byte(postLink())},
		"another path":   {Method: "POST", Path: "cards", Body: []byte(postLink())},
		"nothing":        posted(""),
		"a form":         posted("invoiceId=" + order),
		"a list":         posted("[" + postLink() + "]"),
		"half":           posted(postLink()[:100]),
		"a nested field": posted(`{"invoiceId":{"a":1}}`),
		"two objects":    posted(postLink() + postLink()),
	} {
		h := g.Hear(n)
		if h.Kind != providers.Noise || h.Forged || h.Err == nil {
			t.Errorf("%s: heard %+v", what, h)
		}
		if r := g.Answer(h, providers.Ruling{Kind: providers.Rejected}); r.Status != 400 {
			t.Errorf("%s: answered %d", what, r.Status)
		}
	}
}

func TestOptionalSignatureCoversTheBody(t *testing.T) {
	g := gateway(t, func(c *Config) { c.BackSignSecret = providers.NewSecret("shared") })
	sign := func(body string) string {
		mac := hmac.New(sha512.New, []byte("shared"))
		mac.Write([]byte(body))
		return hex.EncodeToString(mac.Sum(nil))
	}
	n := posted(postLink())
	for what, c := range map[string]struct {
		header []string
		kind   providers.HeardKind
	}{
		"signed":        {[]string{sign(postLink())}, providers.Hint},
		"in upper case": {[]string{strings.ToUpper(sign(postLink()))}, providers.Hint},
		"not signed":    {nil, providers.Noise},
		"another body":  {[]string{sign(postLink() + " ")}, providers.Noise},
		"not hex":       {[]string{"zz"}, providers.Noise},
		"twice":         {[]string{sign(postLink()), sign(postLink())}, providers.Noise},
	} {
		n.Header = map[string][]string{"X-Back-Sign": c.header}
		if h := g.Hear(n); h.Kind != c.kind || h.Forged != (c.kind == providers.Noise) {
			t.Errorf("%s: heard %+v", what, h)
		}
	}
	forged := posted(strings.Replace(postLink(), hashOf(order), "x", 1))
	forged.Header = map[string][]string{"X-Back-Sign": {sign(string(forged.Body))}}
	if h := g.Hear(forged); h.Kind != providers.Noise || !h.Forged {
		t.Errorf("a signature does not replace the secret: %+v", h)
	}
}

func TestOnlyWhatIsStoredIsAcknowledged(t *testing.T) {
	g := gateway(t, nil)
	for kind, want := range map[providers.RulingKind]int{
		providers.Accepted: 200, providers.Unmatched: 200, providers.TryLater: 503, providers.Busy: 503, providers.Gone: 503,
	} {
		if r := g.Answer(providers.Heard{Kind: providers.Hint}, providers.Ruling{Kind: kind}); r.Status != want {
			t.Errorf("ruling %d: answered %d", kind, r.Status)
		}
	}
}
