package sim

import (
	"bytes"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

func TestFreedomPayPageIsPaidAndTold(t *testing.T) {
	fpBubble(t, FreedomPayOptions{}, func(s *fpShop) {
		first := s.call("/init_payment.php", fpInit("o1", "attempt", "a1", "pg_user_phone", "77010000001")...)
		fpWant(t, first, "pg_status", "ok", "pg_redirect_url_type", "need data")
		id := first.text("pg_payment_id")
		if len(id) != 10 || !isDigits(id) || !strings.HasPrefix(first.text("pg_redirect_url"), "http://api.example/pay.html?customer=") {
			t.Errorf("the answer is %s", first.form(""))
		}
		m := s.status(id)
		fpWant(t, m, "pg_payment_status", "new", "pg_order_id", "o1", "pg_amount", "14500.00", "pg_currency", "KZT")
		if m.has("pg_captured") || m.has("pg_clearing_amount") {
			t.Error("pg_captured stands there before a card was presented")
		}
		s.pay(id, ActPay)
		fpPass(time.Second)
		fpWant(t, s.status(id), "pg_payment_status", "success", "pg_captured", "1", "pg_clearing_amount", "14500.00", "pg_net_amount", "14079.50",
			"pg_can_reject", "0", "pg_card_pan", s.status(id).text("pg_card_pan"))
		heard := s.of("result")
		if len(heard) != 1 || !heard[0].signed {
			t.Fatalf("callbacks: %+v", heard)
		}
		fpWant(t, heard[0].m, "pg_result", "1", "pg_captured", "1", "pg_order_id", "o1", "pg_payment_id", id, "pg_amount", "14500.00",
			"pg_can_reject", "1", "attempt", "a1", "pg_testing_mode", "1", "pg_user_phone", "77010000001", "pg_ps_amount", "14500")
		if net := s.bank.Ledger().Net("freedompay", "o1"); net != 14500_00 {
			t.Errorf("the bank has %d", net)
		}
		s.pay(id, ActPayAgain)
		s.pay(id, ActPay)
		fpPass(time.Minute)
		if net := s.bank.Ledger().Net("freedompay", "o1"); net != 14500_00 || len(s.of("result")) != 1 {
			t.Errorf("paid again: %d, %d callbacks", net, len(s.of("result")))
		}
	})
}

func TestFreedomPayTakesEveryFormOfARequest(t *testing.T) {
	fpBubble(t, FreedomPayOptions{}, func(s *fpShop) {
		s.init("o1")
		ask := func(path string) fpMessage { return s.message(path, "pg_order_id", "o1") }
		var form bytes.Buffer
		w := multipart.NewWriter(&form)
		for _, f := range ask("get_status3.php") {
			if err := w.WriteField(f.name, f.value); err != nil {
				t.Fatal(err)
			}
		}
		_ = w.Close()
		multi := fpPost("/get_status3.php", form.String())
		multi.Header.Set("Content-Type", w.FormDataContentType())
		xml := string(ask("get_status3.php").xml("request"))
		for what, r := range map[string]*http.Request{
			"/get_status3.php":  multi,
			"/get_status3.php ": fpPost("/get_status3.php", "pg_xml="+url.QueryEscape(xml)),
			"/get_status3":      fpPost("/get_status3", ask("get_status3").form("")),
			"/g2g/status_v2":    fpPost("/g2g/status_v2", ask("status_v2").form("")),
			"/get_status3.php  ": httptest.NewRequest(http.MethodGet, "http://api.example/get_status3.php?"+
				ask("get_status3.php").form(""), nil),
		} {
			rec, err := s.exchange(r)
			if err != nil {
				t.Fatal(err)
			}
			m, signed := s.read(strings.TrimSpace(what), rec)
			if m.text("pg_payment_status") != "new" || !signed {
				t.Errorf("%s %s: %s, signed %t", r.Method, what, rec.Body, signed)
			}
		}
		for _, r := range []*http.Request{
			httptest.NewRequest(http.MethodGet, "http://api.example/g2g/status_v2?"+ask("status_v2").form(""), nil),
			httptest.NewRequest(http.MethodGet, "http://api.example/get_status3?"+ask("get_status3").form(""), nil),
			fpPost("/g2g/status_v2.php", ask("status_v2.php").form("")),
			fpPost("/v1/merchant/541027/get_status3.php", ask("get_status3.php").form("")),
			fpPost("/nowhere.php", ask("nowhere.php").form("")),
		} {
			if rec, err := s.exchange(r); err != nil || rec.Code != http.StatusNotFound {
				t.Errorf("%s %s: %v %v", r.Method, r.URL.Path, rec.Code, err)
			}
		}
	})
}

func TestFreedomPayKnowsMerchantAndSignature(t *testing.T) {
	forged := func(s *fpShop, path string, change func(*fpMessage)) *httptest.ResponseRecorder {
		m := s.message(path, "pg_order_id", "o1")
		change(&m)
		rec, err := s.exchange(fpPost(path, m.form("")))
		if err != nil {
			t.Fatal(err)
		}
		return rec
	}
	for name, c := range map[string]struct {
		soft   bool
		change func(*fpMessage)
		status int
		code   string
	}{
		"bad signature":          {false, func(m *fpMessage) { m.set("pg_order_id", "o2") }, 401, "1100"},
		"no signature":           {false, func(m *fpMessage) { *m = m.without("pg_sig") }, 401, "1100"},
		"an extra field":         {false, func(m *fpMessage) { *m = append(*m, fpLeaf("x", "")) }, 401, "1100"},
		"bad signature, soft":    {true, func(m *fpMessage) { m.set("pg_order_id", "o2") }, 200, "9998"},
		"somebody else":          {false, func(m *fpMessage) { m.set("pg_merchant_id", "1") }, 200, "9998"},
		"nobody":                 {false, func(m *fpMessage) { *m = m.without("pg_merchant_id") }, 200, "9998"},
		"a body that cannot be ": {false, func(m *fpMessage) { *m = fpFields("pg_xml", "<!DOCTYPE request><request></request>") }, 200, "9998"},
	} {
		fpBubble(t, FreedomPayOptions{Switches: FreedomPaySwitches{SoftUnauthorized: c.soft}}, func(s *fpShop) {
			rec := forged(s, "/get_status3.php", c.change)
			m, _ := s.read("/get_status3.php", rec)
			if rec.Code != c.status || m.has("pg_sig") {
				t.Errorf("%s: HTTP %d %s", name, rec.Code, rec.Body)
			}
			fpWant(t, m, "pg_status", "error", "pg_error_code", c.code)
		})
	}
	fpBubble(t, FreedomPayOptions{}, func(s *fpShop) {
		path := "/v1/merchant/999/card/direct"
		rec, _ := s.exchange(fpPost(path, s.message(path, "pg_payment_id", "1").form("")))
		if m, _ := s.read(path, rec); m.text("pg_error_code") != "9998" {
			t.Errorf("another merchant's path: %s", rec.Body)
		}
	})
}

func TestFreedomPayRefusesWhatInitCannotTake(t *testing.T) {
	fpBubble(t, FreedomPayOptions{}, func(s *fpShop) {
		for _, c := range []struct{ field, value, code string }{
			{"pg_amount", "", "200"}, {"pg_description", "", "200"}, {"pg_amount", "0.00", "10030"}, {"pg_amount", "-1", "10030"},
			{"pg_amount", "1.005", "11022"}, {"pg_amount", "1e3", "11022"}, {"pg_amount", "100000000", "11022"}, {"pg_currency", "USD", "11022"},
			{"pg_lifetime", "299", "11022"}, {"pg_lifetime", "604801", "11022"}, {"pg_lifetime", "1h", "11022"},
			{"pg_order_id", strings.Repeat("x", 51), "11022"}, {"pg_description", strings.Repeat("ы", 1025), "11022"},
			{"pg_request_method", "PUT", "11022"}, {"pg_result_url", "ftp://x", "11022"}, {"pg_user_phone", "87010000001", "10031"},
			{"pg_user_id", "a b", "11022"}, {"pg_auto_clearing", "2", "11022"}, {"pg_idempotency_key", strings.Repeat("k", 256), "11022"},
			{"pg_recurring_lifetime", "0", "11022"},
		} {
			m := s.call("/init_payment.php", fpInit("bad", c.field, c.value)...)
			fpWant(t, m, "pg_status", "error", "pg_error_code", c.code)
		}
		s.broken = nil // these came again on purpose
		if n := len(s.bank.Ledger().Objects); n != 0 {
			t.Errorf("%d objects were made", n)
		}
		for i, amount := range []string{"0.01", "99999999", "14500", "14500.5"} {
			s.init(fmt.Sprint("good", i), "pg_amount", amount, "pg_description", strings.Repeat("ы", 1024))
		}
		fpWant(t, s.call("/g2g/payment", "pg_amount", "1"), "pg_error_code", "9992")
	})
}

func TestFreedomPayLinkDiesByItsLifetimeAlone(t *testing.T) {
	fpBubble(t, FreedomPayOptions{}, func(s *fpShop) {
		id := s.init("o1")
		fpWant(t, s.call("/cancel.php", "pg_payment_id", id), "pg_status", "error", "pg_error_code", "10039")
		if o := s.object("o1"); o.Phase != Live {
			t.Errorf("after a cancel the link is %s", o.Phase)
		}
		fpPass(900 * time.Second)
		fpWant(t, s.status(id), "pg_payment_status", "incomplete")
		fpWant(t, s.call("/g2g/cancel", "pg_payment_id", id), "pg_error_code", "9013")
		s.pay(id, ActPay)
		s.pay(id, ActPayLate)
		fpPass(time.Minute)
		if o := s.object("o1"); o.Phase != Dead || len(s.heard) != 0 {
			t.Errorf("it is %s, %d callbacks", o.Phase, len(s.heard))
		}
	})
	fpBubble(t, FreedomPayOptions{Switches: FreedomPaySwitches{TellIncomplete: true, LateSuccess: true}}, func(s *fpShop) {
		id := s.init("o1")
		fpPass(901 * time.Second)
		if h := s.of("result"); len(h) != 1 || h[0].m.text("pg_result") != "2" {
			t.Errorf("callbacks: %+v", h)
		}
		s.pay(id, ActPayLate)
		fpPass(time.Minute)
		if o := s.object("o1"); o.Phase != Charged || !o.Excused {
			t.Errorf("late success: %+v", o)
		}
	})
}

func TestFreedomPayPayerMayBeSlowAndMayTryAgain(t *testing.T) {
	fpBubble(t, FreedomPayOptions{}, func(s *fpShop) {
		id := s.init("o1")
		s.pay(id, ActScan)
		fpWant(t, s.status(id), "pg_payment_status", "process", "pg_captured", "0")
		fpPass(10 * time.Minute)
		s.pay(id, ActConfirm)
		fpWant(t, s.status(id), "pg_payment_status", "success")

		left := s.init("o2")
		fpPass(890 * time.Second)
		s.pay(left, ActScan)
		fpPass(10 * time.Minute)
		fpWant(t, s.status(left), "pg_payment_status", "process") // the lifetime does not stop it
		fpPass(5 * time.Minute)
		fpWant(t, s.status(left), "pg_payment_status", "error", "pg_failure_code", "10014", "pg_error_code", "10014")

		poor := s.init("o3")
		s.pay(poor, ActDecline)
		s.pay(poor, ActPay) // final by default
		fpPass(time.Second)
		fpWant(t, s.status(poor), "pg_payment_status", "error", "pg_failure_code", "10009", "pg_captured", "0")
		h := s.of("result")
		fpWant(t, h[len(h)-1].m, "pg_result", "0", "pg_failure_code", "10009", "pg_order_id", "o3")
	})
	fpBubble(t, FreedomPayOptions{Switches: FreedomPaySwitches{RetryAfterDecline: true, DeclineCode: "10017"}}, func(s *fpShop) {
		id := s.init("o1")
		s.pay(id, ActDecline)
		fpWant(t, s.status(id), "pg_payment_status", "error", "pg_failure_code", "10017")
		s.pay(id, ActPay)
		fpPass(time.Second)
		h := s.of("result")
		if len(h) != 2 || h[0].m.text("pg_result") != "0" || h[1].m.text("pg_result") != "1" {
			t.Errorf("callbacks: %+v", h)
		}
		other := s.init("o2")
		s.pay(other, ActDecline)
		fpPass(16 * time.Minute)
		if o := s.object("o2"); o.Phase != Dead || o.Status != "error" {
			t.Errorf("it is %+v", o)
		}
	})
}

func TestFreedomPayShopInTestModeMakesEveryPaymentATest(t *testing.T) {
	for _, mode := range []bool{false, true} {
		fpBubble(t, FreedomPayOptions{TestMode: mode}, func(s *fpShop) {
			s.paid("o1", "pg_testing_mode", "0")
			fpWant(t, s.of("result")[0].m, "pg_testing_mode", fpBit(mode))
		})
	}
}

func TestFreedomPayDatesAreOfAlmaty(t *testing.T) {
	fpBubble(t, FreedomPayOptions{}, func(s *fpShop) { // the bubble begins at midnight of 2000-01-01, UTC
		id := s.init("o1")
		s.pay(id, ActPay)
		fpWant(t, s.status(id), "pg_create_date", "2000-01-01 05:00:00", "pg_payment_date", "2000-01-01 05:00:00",
			"pg_datetime", "2000-01-01T00:00:00+00:00")
		fpPass(time.Second)
		fpWant(t, s.of("result")[0].m, "pg_payment_date", "2000-01-01 05:00:00")
	})
}

func TestFreedomPaySwitchesCanBeReadAndReplaced(t *testing.T) {
	fpBubble(t, FreedomPayOptions{}, func(s *fpShop) {
		ask := func(method, body string) *httptest.ResponseRecorder {
			rec := httptest.NewRecorder()
			s.bank.Control().ServeHTTP(rec, httptest.NewRequest(method, "/freedompay/switches", strings.NewReader(body)))
			return rec
		}
		if rec := ask("PUT", `{"status_word":"frozen","status_lag":"-1s","short_amounts":true}`); rec.Code != 200 {
			t.Fatalf("PUT: %d %s", rec.Code, rec.Body)
		}
		if rec := ask("GET", ""); !strings.Contains(rec.Body.String(), `"status_word": "frozen"`) {
			t.Errorf("GET: %s", rec.Body)
		}
		fpWant(t, s.status(s.init("o1")), "pg_payment_status", "frozen", "pg_amount", "14500")
		for _, bad := range []string{`{"x":1}`, `{"hidden_for":"-1s"}`, `{"decline_code":"none"}`, `{`} {
			if rec := ask("PUT", bad); rec.Code != 400 {
				t.Errorf("%s: %d", bad, rec.Code)
			}
		}
	})
}
