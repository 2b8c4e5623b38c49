package sim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzTipTopPayRequest sends any body to any method: it is answered, and money moves only where a known card was charged.
func FuzzTipTopPayRequest(f *testing.F) {
	var paths []string
	for path := range ttpServices() {
		paths = append(paths, path)
	}
	for _, path := range []string{"/payments/tokens/charge", "/orders/create", "/payments/refund"} {
		f.Add(path, true, `{"Amount":14500.00,"Currency":"KZT","InvoiceId":"rt-1","AccountId":"u","Token":"tk_1","TrInitiatorCode":1,"Description":"x"}`)
		f.Add(path, false, "Amount=1&Currency=KZT&TransactionId=2346712901.5")
	}
	f.Add("/v2/payments/list", true, `{"PageNumber":99999999999,"CreatedDateGte":"0001-01-01T00:00:00Z","CreatedDateLte":"9999-12-31T23:59:59Z"}`)
	f.Add("/payments/list", true, `{"Date":"9999-12-31"}`)
	f.Fuzz(func(t *testing.T, path string, asJSON bool, body string) {
		known := false
		for _, p := range paths {
			known = known || p == path
		}
		if !known {
			path = "/payments/tokens/charge"
		}
		s := ttpOpen(t, TipTopPayOptions{}, nil)
		kind := map[bool]string{true: "application/json", false: "application/x-www-form-urlencoded"}[asJSON]
		rec, err := s.send(http.MethodPost, path, body, "Content-Type", kind)
		if err != nil || rec.Code >= 500 {
			t.Fatalf("it is answered %v %v", rec, err)
		}
		if rec.Code == http.StatusOK && !json.Valid(rec.Body.Bytes()) {
			t.Errorf("the answer is %s", rec.Body)
		}
		if n := len(s.bank.Ledger().Entries); n > 0 && !strings.Contains(body, "tk_") && !strings.Contains(path, "/cards/") {
			t.Errorf("%d movements without a card", n)
		}
	})
}

// FuzzTipTopPayNotice writes any text as a parameter: a reader gets it back, and the signatures are over what was sent.
func FuzzTipTopPayNotice(f *testing.F) {
	f.Add("Заказ №481", "aigerim+shop@example.kz", true)
	f.Add("100% & more = less", "\"\\<>\x00", false)
	f.Fuzz(func(t *testing.T, one, two string, plus bool) {
		fields := []ttpField{{name: "Description", value: one}, {name: "Data", value: two}}
		form := ttpEncode(fields, plus)
		read, err := url.ParseQuery(form)
		if err != nil || read.Get("Description") != one || read.Get("Data") != two || len(read) != 2 {
			t.Fatalf("%q is read as %q, %v", form, read, err)
		}
		h := ttpHeaders(TipTopPayDefaultSecret, form, true)
		if h.Get("Content-HMAC") != ttpHMAC(form) || h.Get("X-Content-HMAC") != ttpHMAC(fmt.Sprintf("Description=%s&Data=%s", one, two)) {
			t.Errorf("%q is signed %v", form, h)
		}
		if !utf8.ValidString(one) || !utf8.ValidString(two) {
			return
		}
		var object map[string]string
		if err := json.Unmarshal([]byte(ttpNoticeJSON(fields)), &object); err != nil || object["Description"] != one || object["Data"] != two {
			t.Errorf("as JSON it is read as %q, %v", object, err)
		}
	})
}
