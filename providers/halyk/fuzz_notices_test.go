package halyk

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha512"
	"encoding/hex"
	"net/http"
	"strings"
	"testing"

	"github.com/payrouter/payrouter/providers"
)

// Whatever byte of a notice's secret, or of the number it belongs to, is changed, the
// notice is refused; with X-Back-Sign whatever byte of the body or of the signature.
// What is left is a hint, never a fact.
func FuzzChangedNotice(f *testing.F) {
	for position := range len(postLink()) {
		f.Add(uint16(position), byte(1), position%2 == 0)
	}
	f.Add(uint16(7), byte(0x20), true)
	const backSecret = "a secret for X-Back-Sign"
	plain, err := New(config(), Options{})
	if err != nil {
		f.Fatal(err)
	}
	c := config()
	c.BackSignSecret = providers.NewSecret(backSecret)
	signed, err := New(c, Options{})
	if err != nil {
		f.Fatal(err)
	}
	genuine := []byte(postLink())
	mac := hmac.New(sha512.New, []byte(backSecret))
	mac.Write(genuine)
	signature := hex.EncodeToString(mac.Sum(nil))
	post := func(g *Gateway, body []byte, signature string) providers.Heard {
		return g.Hear(providers.Notice{Method: http.MethodPost, Body: body, Header: map[string][]string{"X-Back-Sign": {signature}}})
	}
	if h := post(plain, genuine, ""); h.Kind != providers.Hint || h.Ref.Order != order {
		f.Fatalf("%+v", h)
	}
	if h := post(signed, genuine, signature); h.Kind != providers.Hint || h.Ref.Order != order {
		f.Fatalf("%+v", h)
	}
	f.Fuzz(func(t *testing.T, position uint16, change byte, inSignature bool) {
		if change == 0 {
			return
		}
		body := bytes.Clone(genuine)
		body[int(position)%len(body)] ^= change
		h := post(plain, body, "")
		discreet(t, h.Err)
		kept := bytes.Contains(body, []byte(hashOf(order))) && bytes.Contains(body, []byte(order))
		if h.Kind != providers.Noise && (h.Kind != providers.Hint || h.Ref.Order != order || !kept) || h.Result != (providers.Result{}) {
			t.Errorf("%+v of %s", h, body)
		}

		other := signature
		if inSignature {
			body = genuine
			changed := []byte(signature)
			changed[int(position)%len(changed)] ^= change
			other = string(changed)
		}
		h = post(signed, body, other)
		if same := inSignature && strings.EqualFold(other, signature); !same && (h.Kind != providers.Noise || !h.Forged) {
			t.Errorf("believed, with %q over %s", other, body)
		}
		if reply := signed.Answer(h, providers.Ruling{Kind: providers.Rejected}); h.Forged && reply.Status != http.StatusForbidden {
			t.Errorf("a forgery is answered %d", reply.Status)
		}
	})
}
