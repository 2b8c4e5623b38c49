package sim

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

// The golden vectors of section 11, computed there by other programs.
func TestQuickPayChecksumsAreTheGoldenOnes(t *testing.T) {
	const (
		k2 = "secret"
		b1 = `{"id":1234,"order_id":"rt-000000000001","accepted":true,"state":"new","currency":"DKK","balance":0,"test_mode":true,"operations":[{"id":1,"type":"authorize","amount":150050,"pending":false,"qp_status_code":"20000","qp_status_msg":"Approved"}]}`
		b2 = `{"id":1234,"order_id":"rt-000000000001","accepted":true,"state":"processed","currency":"DKK","balance":150050,"test_mode":true,"operations":[{"id":1,"type":"authorize","amount":150050,"pending":false,"qp_status_code":"20000","qp_status_msg":"Approved"},{"id":2,"type":"capture","amount":150050,"pending":false,"qp_status_code":"20000","qp_status_msg":"Approved"}]}`
		b3 = `{"id":1235,"order_id":"rt-000000000002","accepted":false,"state":"rejected","variables":{"merchant":"Чай"}}`
	)
	for _, tt := range []struct {
		name, key, body string
		bytes           int
		want            string
	}{
		{"K1 B1", QuickPayDefaultPrivateKey, b1, 243, "55688b0dbf99c5793c72217de088c84100464d116641bf53a1c30067de90aee7"},
		{"K1 B2", QuickPayDefaultPrivateKey, b2, 364, "6b43ecdc6ded9f67c273fa641d03276f44ba7a8e1f6018c94e73e3430da171b0"},
		{"K1 B3", QuickPayDefaultPrivateKey, b3, 110, "86c728bd01cf6be08a0a36e01b9c722277e094b7b8cf9548fbcc9f05ad796910"},
		{"K1 {}", QuickPayDefaultPrivateKey, "{}", 2, "b50d38589c817fd51156f9a0add195fb5362c6adcad8016bcc986e47565f4a33"},
		{"K1 {} and a newline", QuickPayDefaultPrivateKey, "{}\n", 3, "7f37405322412b03ba66faffafb5d9ee5b789055ea8e54c777873f1d1627ffc0"},
		{"K2 B1", k2, b1, 243, "e1c1e21ad7bf7c429ea3788be3481426fd5fc297e7a6221bdcb03fc44b9b0077"},
		{"K2 B2", k2, b2, 364, "bce27e6a013c0fab7b73e01b41fd294f0febb8199ee31ee54b326c42b4f3202e"},
		{"K2 B3", k2, b3, 110, "88b57221f4e6d633da60d88f8d788d1622b9481a19360b2c4bc4b90921b6a181"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if len(tt.body) != tt.bytes {
				t.Errorf("the body has %d bytes, want %d", len(tt.body), tt.bytes)
			}
			if got := qpChecksum(tt.key, []byte(tt.body)); got != tt.want {
				t.Errorf("checksum %s, want %s", got, tt.want)
			}
		})
	}
}

func TestQuickPayLetsTheGoldenCredentialsIn(t *testing.T) {
	for key, header := range map[string]string{"": "Basic OnNpbS1hcGkta2V5LTE=", "user-key": "Basic OnVzZXIta2V5"} {
		b := New(Options{}, QuickPay(QuickPayOptions{APIKey: key}))
		r := httptest.NewRequest("GET", "/ping", nil)
		r.Header.Set("Authorization", header)
		r.Header.Set("Accept-Version", "v10")
		rec := httptest.NewRecorder()
		b.Handler("quickpay").ServeHTTP(rec, r)
		if rec.Code != http.StatusOK {
			t.Errorf("%s is answered %d %s", header, rec.Code, rec.Body)
		}
		b.Close()
	}
}
