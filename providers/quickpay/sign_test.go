package quickpay

import (
	"net/http"
	"strings"
	"testing"

	"github.com/payrouter/payrouter/providers"
)

// The bodies of the notes, section 11.
const (
	body1 = `{"id":1234,"order_id":"rt-000000000001","accepted":true,"state":"new","currency":"DKK","balance":0,"test_mode":true,"operations":[{"id":1,"type":"authorize","amount":150050,"pending":false,"qp_status_code":"20000","qp_status_msg":"Approved"}]}`
	body2 = `{"id":1234,"order_id":"rt-000000000001","accepted":true,"state":"processed","currency":"DKK","balance":150050,"test_mode":true,"operations":[{"id":1,"type":"authorize","amount":150050,"pending":false,"qp_status_code":"20000","qp_status_msg":"Approved"},{"id":2,"type":"capture","amount":150050,"pending":false,"qp_status_code":"20000","qp_status_msg":"Approved"}]}`
	body3 = `{"id":1235,"order_id":"rt-000000000002","accepted":false,"state":"rejected","variables":{"merchant":"Чай"}}`
)

// Every computed vector of the notes, section 11.
var vectors = []struct{ key, body, sum string }{
	{privateKey.Reveal(), body1, "55688b0dbf99c5793c72217de088c84100464d116641bf53a1c30067de90aee7"},
	{privateKey.Reveal(), body2, "6b43ecdc6ded9f67c273fa641d03276f44ba7a8e1f6018c94e73e3430da171b0"},
	{privateKey.Reveal(), body3, "86c728bd01cf6be08a0a36e01b9c722277e094b7b8cf9548fbcc9f05ad796910"},
	{privateKey.Reveal(), "{}", "b50d38589c817fd51156f9a0add195fb5362c6adcad8016bcc986e47565f4a33"},
	{privateKey.Reveal(), "{}\n", "7f37405322412b03ba66faffafb5d9ee5b789055ea8e54c777873f1d1627ffc0"},
	{"secret", body1, "e1c1e21ad7bf7c429ea3788be3481426fd5fc297e7a6221bdcb03fc44b9b0077"},
	{"secret", body2, "bce27e6a013c0fab7b73e01b41fd294f0febb8199ee31ee54b326c42b4f3202e"},
	{"secret", body3, "88b57221f4e6d633da60d88f8d788d1622b9481a19360b2c4bc4b90921b6a181"},
}

func TestChecksumIsThatOfTheNotes(t *testing.T) {
	if len(body1) != 243 || len(body2) != 364 || len(body3) != 110 {
		t.Fatalf("the bodies have %d, %d and %d bytes", len(body1), len(body2), len(body3))
	}
	for _, v := range vectors {
		key := providers.NewSecret(v.key)
		if got := checksum(key, []byte(v.body)); got != v.sum {
			t.Errorf("%.20s…: got %s, want %s", v.body, got, v.sum)
		}
		for what, given := range map[string]string{"in capitals": strings.ToUpper(v.sum), "cut": v.sum[:63], "longer": v.sum + "0", "none": ""} {
			if verifies(key, given, []byte(v.body)) {
				t.Errorf("%.20s…: a checksum %s verifies", v.body, what)
			}
		}
		if !verifies(key, v.sum, []byte(v.body)) || verifies(key, v.sum, []byte(v.body+" ")) {
			t.Errorf("%.20s…: not verified to the byte", v.body)
		}
	}
	if unset := (providers.Secret{}); verifies(unset, checksum(unset, []byte("{}")), []byte("{}")) {
		t.Error("a key that is not set verifies")
	}
}

// The published checksum, whose key is not published, has the shape of ours.
func TestPublishedChecksumHasTheSameShape(t *testing.T) {
	const published = "e96f696596c38df228901a6f69f995ad1e917d7b64025f1f0e997a1080b2a35d"
	if got := checksum(privateKey, nil); len(got) != len(published) || strings.Trim(got, "0123456789abcdef") != "" {
		t.Errorf("got %s", got)
	}
}

// The Authorization headers of the notes, section 11, and what else every request carries.
func TestEveryRequestNamesKeyAndVersion(t *testing.T) {
	for key, want := range map[string]string{"sim-api-key-1": "Basic OnNpbS1hcGkta2V5LTE=", "user-key": "Basic OnVzZXIta2V5"} {
		g, d := open(t, func(c *Config) { c.APIKey = providers.NewSecret(key) }, step{"GET /ping", http.StatusOK, `{"msg":"Pong"}`})
		verdict(t, g.Probe(t.Context()), providers.Approved, providers.NoReason)
		for name, value := range map[string]string{"Authorization": want, "Accept-Version": "v10", "Accept": "application/json"} {
			if got := d.asked[0].header.Get(name); got != value {
				t.Errorf("%s: got %q, want %q", name, got, value)
			}
		}
	}
}
