package robokassa

import (
	"crypto/md5"
	"encoding/hex"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/payrouter/payrouter/providers"
)

// genuine recomputes the signature of a form the long way.
func genuine(form url.Values) bool {
	parts := []string{form.Get("OutSum"), form.Get("InvId"), "sim-pass-2"}
	var own []string
	for name := range form {
		if len(name) > 4 && strings.EqualFold(name[:4], "shp_") {
			own = append(own, name)
		}
	}
	slices.Sort(own)
	for _, name := range own {
		parts = append(parts, name+"="+form.Get(name))
	}
	sum := md5.Sum([]byte(strings.Join(parts, ":")))
	return strings.EqualFold(form.Get("SignatureValue"), hex.EncodeToString(sum[:]))
}

// Nothing but a signed notice is believed or acknowledged, whatever it is.
func FuzzHear(f *testing.F) {
	for _, body := range []string{golden, signed("1500.500000", order, "sim-pass-2"), signed("1500.5", order, "sim-pass-2", "Shp_attempt="+order, "Fee=1"), signed("1", "2", "other"),
		signed("-1", order, "sim-pass-2"), "", "=", "&", "%zz", "OutSum=1&InvId=1&SignatureValue=", `{"OutSum":1}`, "OutSum=1&OutSum=2", golden + "&IsTest=1"} {
		f.Add(body, false, "")
		f.Add(body, true, "result")
		f.Add(body, false, "result2")
	}
	g, err := New(least(), Options{})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, body string, got bool, path string) {
		n := providers.Notice{Method: http.MethodPost, Path: path, Body: []byte(body)}
		if got {
			n = providers.Notice{Method: http.MethodGet, Path: path, Query: body}
		}
		heard := g.Hear(n)
		form, err := url.ParseQuery(body)
		believed := heard.Kind == providers.Fact
		if believed && (err != nil || !genuine(form) || heard.Result.Verdict != providers.Approved || heard.Ref.Order != form.Get("InvId") || !amounts(form.Get("OutSum"), heard.Result.Amount)) {
			t.Errorf("%q is heard as %+v", body, heard)
		}
		if !believed && heard.Result.Verdict != providers.Unknown || heard.Forged && heard.Kind != providers.Noise || (heard.Kind == providers.Noise) != (heard.Err != nil) {
			t.Errorf("%q is heard as %+v", body, heard)
		}
		reply := g.Answer(heard, providers.Ruling{Kind: providers.Accepted})
		if (reply.Status == http.StatusOK) != (heard.Kind != providers.Noise) {
			t.Errorf("%q is answered %d", body, reply.Status)
		}
		if again := g.Hear(n); heard.Kind != again.Kind || !alike(heard.Result, again.Result) || heard.Key != again.Key {
			t.Errorf("%q is heard as %+v, then as %+v", body, heard, again)
		}
	})
}

// Whatever byte of a signed notice is changed, it is refused or tells the same.
func FuzzChangedNotice(f *testing.F) {
	for position := range uint16(150) {
		f.Add("1500.500000", "Shp_x", "1", position*2, byte(1))
		f.Add("7", "shp_attempt2", "", position, byte(0x20))
	}
	g, err := New(least(), Options{})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, outSum, name, value string, position uint16, change byte) {
		form := url.Values{"OutSum": {outSum}, "InvId": {order}, "Fee": {"52.52"}, "EMail": {hisEmail}, "IncSum": {"1600.00"}}
		parts := []string{outSum, order, "sim-pass-2"}
		if isOwn(name) && name != attemptName {
			form.Set(name, value)
			parts = append(parts, name+"="+value)
		}
		form.Set("SignatureValue", strings.ToUpper(byHand(parts...)))
		body := []byte(form.Encode())
		first := g.Hear(providers.Notice{Method: http.MethodPost, Body: body})
		if first.Forged {
			t.Fatalf("%q is heard as %+v", body, first)
		}
		if first.Kind == providers.Fact && !amounts(outSum, first.Result.Amount) {
			t.Errorf("%s heard of %q", first.Result.Amount, outSum)
		}
		body[int(position)%len(body)] ^= change
		h := g.Hear(providers.Notice{Method: http.MethodPost, Body: body})
		same := h.Kind == first.Kind && h.Ref.Order == first.Ref.Order && h.Key == first.Key && alike(h.Result, first.Result)
		if h.Kind != providers.Noise && !same {
			t.Errorf("%q is heard as %+v, genuine is %+v", body, h, first)
		}
	})
}

// A message about a hold is a fact only as Robokassa signed it.
func FuzzHearState(f *testing.F) {
	good := jws(f, robokassaKey(), rs256, payloadOf(shop, order, "HOLD"))
	for _, body := range []string{good, `"` + good + `"`, jws(f, robokassaKey(), rs256, payloadOf(shop, order, "OK")), "", ".", "..", "...", `"`, `""`, "a.b.c", "e30.e30.e30", good + ".", strings.ToUpper(good)} {
		f.Add(body, uint16(0), byte(0))
		f.Add(body, uint16(7), byte(1))
		f.Add(body, uint16(400), byte(0x20))
	}
	g, _ := open(f, func(c *Config) { c.ResultCertificate = file(f, "public key", robokassaKey()) }, nil)
	f.Fuzz(func(t *testing.T, body string, position uint16, change byte) {
		sent := []byte(body)
		if len(sent) > 0 {
			sent[int(position)%len(sent)] ^= change
		}
		heard := g.Hear(providers.Notice{Method: http.MethodPost, Path: resultPath, Body: sent})
		if heard.Kind == providers.Noise {
			return
		}
		inside := strings.Trim(strings.TrimSpace(string(sent)), `"`)
		if heard.Ref.Order != order || heard.Kind == providers.Fact && (inside != good && !strings.Contains(string(sent), `\u00`) || heard.Result.Verdict != providers.Held) {
			t.Errorf("%q is heard as %+v", sent, heard)
		}
	})
}

// alike compares what was understood. Errors are equal when they are the same or both there.
func alike[T any](a, b T) bool {
	all := cmp.Exporter(func(reflect.Type) bool { return true })
	return cmp.Equal(a, b, all, cmpopts.EquateErrors())
}
