package sim

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// The golden vectors of the notes, section 11. The secret is TipTopPayDefaultSecret.
const (
	ttpT1 = "TransactionId=2346712901&Amount=14500.00&Currency=KZT&PaymentAmount=14500.00&PaymentCurrency=KZT&InvoiceId=KZ-2026-000481" +
		"&AccountId=u-7781&DateTime=2026-03-14%2009%3A21%3A07&TestMode=1&Status=Completed&OperationType=Payment"
	ttpT2 = "TransactionId=2346712901&Amount=14500.00&Currency=KZT&InvoiceId=KZ-2026-000481&AccountId=u-7781&DateTime=2026-03-14+09%3A21%3A07" +
		"&Name=AIGERIM+SEITKALI&Email=aigerim%2Bshop%40example.kz&Description=%D0%97%D0%B0%D0%BA%D0%B0%D0%B7+%E2%84%96481" +
		"&Data=%7B%22attempt%22%3A%22a1%22%7D&Status=Completed&OperationType=Payment&TestMode=1"
	ttpT3 = `{"TransactionId":2346712901,"Amount":14500.00,"Currency":"KZT","InvoiceId":"KZ-2026-000481","Reason":"InsufficientFunds","ReasonCode":5051}`
	ttpT4 = "TransactionId=2346712955&Amount=14500.00&DateTime=2026-03-14+10%3A02%3A44&InvoiceId=KZ-2026-000481"
)

func TestTipTopPaySignsTheGoldenVectors(t *testing.T) {
	for _, tt := range []struct {
		name, message  string
		encoded        bool
		content, plain string
	}{
		{"T1", ttpT1, true, "oDyFO7AZRXI9Y+BjUUhf73Hqi7C/aIcL2k+4rPzKKJ4=", "8i8nK5yq+uMaARN0RC306gKgSsjGyiKm0kJlhXPkVdA="},
		{"T2", ttpT2, true, "X7aRBUNFmkoBbj1vXUBMoICpDtyzAFIabJxaf1bQOgU=", "worKxAlnLm3MJ9UtIuwjiyh9ZtvrBrhJPeTbHzW0QKw="},
		{"T3", ttpT3, false, "WxpZgqm/z0OCkZCck96bQwWMQ+c5RVw48K2bnRQ/ZXM=", "WxpZgqm/z0OCkZCck96bQwWMQ+c5RVw48K2bnRQ/ZXM="},
		{"T4", ttpT4, true, "vGPG2PuAL47AOu18ByU23Yz90TU3zTc+4q60igmOQeg=", "JKPOWYKOthk0LhTCa7cvkueKuHlyuqev7uqw7lhqzhM="},
		{"T5", "", true, "Dt2XctqGMbqrG8PAf99F5fVikjDTxND6WEPp5HBk49I=", "Dt2XctqGMbqrG8PAf99F5fVikjDTxND6WEPp5HBk49I="},
	} {
		h := ttpHeaders(TipTopPayDefaultSecret, tt.message, tt.encoded)
		if h.Get("Content-HMAC") != tt.content || h.Get("X-Content-HMAC") != tt.plain {
			t.Errorf("%s is signed %s and %s, want %s and %s", tt.name, h.Get("Content-HMAC"), h.Get("X-Content-HMAC"), tt.content, tt.plain)
		}
	}
	if got := ttpHeaders(TipTopPayDefaultSecret, ttpT2, true).Get("X-Content-HMAC"); got == "L5nJGPy1T/eNkM1Nc+Y6dTd0kKOPH03en9Enf0xpfJo=" {
		t.Error("a plus sign is not decoded to a space")
	}
}

func TestTipTopPayWritesParametersAsInTheGoldenVectors(t *testing.T) {
	text := func(pairs ...string) (fields []ttpField) {
		for i := 0; i < len(pairs); i += 2 {
			number := pairs[i] == "TransactionId" || pairs[i] == "Amount" || pairs[i] == "ReasonCode"
			fields = append(fields, ttpField{pairs[i], pairs[i+1], number})
		}
		return fields
	}
	one := text("TransactionId", "2346712901", "Amount", "14500.00", "Currency", "KZT", "PaymentAmount", "14500.00", "PaymentCurrency", "KZT",
		"InvoiceId", "KZ-2026-000481", "AccountId", "u-7781", "DateTime", "2026-03-14 09:21:07", "TestMode", "1", "Status", "Completed",
		"OperationType", "Payment")
	two := text("TransactionId", "2346712901", "Amount", "14500.00", "Currency", "KZT", "InvoiceId", "KZ-2026-000481", "AccountId", "u-7781",
		"DateTime", "2026-03-14 09:21:07", "Name", "AIGERIM SEITKALI", "Email", "aigerim+shop@example.kz", "Description", "Заказ №481",
		"Data", `{"attempt":"a1"}`, "Status", "Completed", "OperationType", "Payment", "TestMode", "1")
	three := text("TransactionId", "2346712901", "Amount", "14500.00", "Currency", "KZT", "InvoiceId", "KZ-2026-000481",
		"Reason", "InsufficientFunds", "ReasonCode", "5051")
	for name, pair := range map[string][2]string{
		"T1": {ttpEncode(one, false), ttpT1}, "T2": {ttpEncode(two, true), ttpT2}, "T3": {ttpNoticeJSON(three), ttpT3},
	} {
		if pair[0] != pair[1] {
			t.Errorf("%s is written %s, want %s", name, pair[0], pair[1])
		}
	}
}

func TestTipTopPayNoticesAreSignedAsTheyAreSent(t *testing.T) {
	for _, tt := range []struct {
		name     string
		switches TipTopPaySwitches
		method   string
		kind     string
	}{
		{"forms", TipTopPaySwitches{}, "POST", "application/x-www-form-urlencoded"},
		{"forms with plus signs and empty fields", TipTopPaySwitches{PlusForSpace: true, EmptyFields: true}, "POST", "application/x-www-form-urlencoded"},
		{"JSON", TipTopPaySwitches{JSONNotices: true}, "POST", "application/json"},
		{"queries", TipTopPaySwitches{GetNotices: true}, "GET", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ttpBubble(t, TipTopPayOptions{Switches: tt.switches}, func(s *ttpShop) {
				s.api("/payments/tokens/charge", ttpWish("rt-1", ttpObject{"Token": ttpGoodToken, "TrInitiatorCode": 1, "Email": "a+b@example.kz"}))
				ttpLater(time.Minute)
				if len(s.heard) != 1 {
					t.Fatalf("the shop was told %s", s.told())
				}
				h := s.heard[0]
				plain := h.message
				if !tt.switches.JSONNotices {
					var err error
					if plain, err = url.QueryUnescape(h.message); err != nil {
						t.Fatal(err)
					}
				}
				if h.header.Get("Content-HMAC") != ttpHMAC(h.message) || h.header.Get("X-Content-HMAC") != ttpHMAC(plain) {
					t.Errorf("%s is signed %v", h.message, h.header)
				}
				if h.method != tt.method || h.header.Get("Content-Type") != tt.kind {
					t.Errorf("it came by %s with %v", h.method, h.header)
				}
				for name, want := range map[string]string{
					"TransactionId": "2346712901", "Amount": "14500.00", "Currency": "KZT", "InvoiceId": "rt-1", "AccountId": "u-7781",
					"DateTime": "2000-01-01 00:00:00", "TestMode": "1", "Status": "Completed", "OperationType": "Payment", "Description": "Заказ 481",
					"Email": "a+b@example.kz", "Data": `{"attempt":"a1"}`, "Token": ttpGoodToken,
				} {
					if got := h.fields.Get(name); got != want {
						t.Errorf("%s is %q, want %q", name, got, want)
					}
				}
				if _, there := h.fields["Name"]; there != tt.switches.EmptyFields {
					t.Errorf("an empty Name is there: %v", there)
				}
				if state := s.bank.Deliveries()[0].State; state != "accepted" {
					t.Errorf("it is %s", state)
				}
			})
		})
	}
}

func TestTipTopPayEveryTypeHasItsOwnAddress(t *testing.T) {
	for address, want := range map[string]string{
		"http://payrouter/webhooks/ttp":               "http://payrouter/webhooks/ttp/pay",
		"http://payrouter/webhooks/ttp/":              "http://payrouter/webhooks/ttp/pay",
		"http://payrouter/webhooks/ttp?type={type}":   "http://payrouter/webhooks/ttp?type=pay",
		"http://payrouter/webhooks/ttp?key=1":         "http://payrouter/webhooks/ttp/pay?key=1",
		"http://payrouter/webhooks/ttp/{type}/notice": "http://payrouter/webhooks/ttp/pay/notice",
	} {
		if got := ttpPostBoxes(TipTopPayOptions{NotifyURL: address})[TipTopPayPay]; got.address != want || !got.enabled {
			t.Errorf("%s makes %+v, want %s", address, got, want)
		}
	}
	ttpBubble(t, TipTopPayOptions{NotifyURL: "http://payrouter/webhooks/ttp?type={type}", Switches: TipTopPaySwitches{GetNotices: true}}, func(s *ttpShop) {
		s.token("rt-1", ttpGoodToken)
		ttpLater(time.Minute)
		if h := s.heard[0]; !strings.HasPrefix(h.message, "type=pay&TransactionId=") || h.header.Get("Content-HMAC") != ttpHMAC(h.message) {
			t.Errorf("the query is %s, signed %v", h.message, h.header)
		}
	})
}

func TestTipTopPayTerminalSettingsMoveNotices(t *testing.T) {
	ttpBubble(t, TipTopPayOptions{NotifyTypes: []string{TipTopPayPay}}, func(s *ttpShop) {
		m := ttpModel(s.api("/site/notifications/Pay/get", ttpObject{}))
		if m["IsEnabled"] != true || m["Address"] != "http://merchant.example/webhooks/gateway/pay" || m["HttpMethod"] != "POST" {
			t.Errorf("the settings are %v", m)
		}
		update := func(kind string, more ttpObject) ttpObject {
			return s.api("/site/notifications/"+kind+"/update", ttpObject{"IsEnabled": true, "Address": "http://merchant.example/new/refund"}.with(more))
		}
		s.refusal(update("Check", nil), "Check cannot be updated")
		s.refusal(update("Refund", ttpObject{"Address": "nowhere"}), "Invalid Address value")
		s.refusal(update("Refund", ttpObject{"HttpMethod": "PUT"}), "Invalid HttpMethod value")
		s.refusal(update("Refund", ttpObject{"Encoding": "Windows1251"}), "Invalid Encoding value")
		s.refusal(update("Refund", ttpObject{"Format": "QIWI"}), "Invalid Format value")
		if a := update("Refund", nil); a["Success"] != true {
			t.Fatalf("the update is answered %v", a)
		}
		if a := update("Pay", ttpObject{"IsEnabled": false}); a["Success"] != true {
			t.Fatalf("the update is answered %v", a)
		}
		s.refund(ttpID(s.token("rt-1", ttpGoodToken)), "1")
		ttpLater(time.Minute)
		if got := s.told(); got != "refund  1.00" || s.heard[0].method != "GET" { // the default of the settings
			t.Errorf("the shop was told %s by %s", got, s.heard[0].method)
		}
	})
}

func TestTipTopPayRepeatsNoticesAHundredTimes(t *testing.T) {
	for name, answer := range map[string]func(int, ttpHeard) (int, string, error){
		"another code":   func(int, ttpHeard) (int, string, error) { return 200, `{"code":13}`, nil },
		"no code":        func(int, ttpHeard) (int, string, error) { return 200, `OK`, nil },
		"another status": func(int, ttpHeard) (int, string, error) { return 500, `{"code":0}`, nil },
		"nobody there":   func(int, ttpHeard) (int, string, error) { return 0, "", errors.New("nobody listens") },
	} {
		t.Run(name, func(t *testing.T) {
			ttpBubble(t, TipTopPayOptions{}, func(s *ttpShop) {
				s.answer = answer
				s.token("rt-1", ttpGoodToken)
				ttpLater(7 * 24 * time.Hour)
				if n := len(s.heard); n != 100 {
					t.Errorf("it came %d times", n)
				}
				if state := s.bank.Deliveries()[0].State; state != "given-up" {
					t.Errorf("in the end it is %s", state)
				}
				for i, want := range []time.Duration{time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute, 30 * time.Minute, 30 * time.Minute} {
					if got := (s.heard[i+1].at - s.heard[i].at).Round(time.Second); got != want {
						t.Errorf("pause %d is %s, want %s", i+1, got, want)
					}
				}
			})
		})
	}
}

func TestTipTopPayForgedNoticesAreUntrueAndBadlySigned(t *testing.T) {
	for _, get := range []bool{false, true} {
		ttpBubble(t, TipTopPayOptions{Switches: TipTopPaySwitches{GetNotices: get}}, func(s *ttpShop) {
			if _, err := s.bank.AddNotice(NoticeRule{Mode: NoticeForged}); err != nil {
				t.Fatal(err)
			}
			s.token("rt-1", ttpGoodToken)
			ttpLater(time.Minute)
			if len(s.heard) != 2 {
				t.Fatalf("the shop was told %s", s.told())
			}
			lie, truth := s.heard[0], s.heard[1]
			if lie.message == truth.message || lie.header.Get("Content-HMAC") == ttpHMAC(lie.message) || truth.header.Get("Content-HMAC") != ttpHMAC(truth.message) {
				t.Errorf("the lie is %s, signed %v", lie.message, lie.header)
			}
		})
	}
}

func TestTipTopPayAsksBeforeItAuthorises(t *testing.T) {
	for _, tt := range []struct {
		name   string
		status int
		answer string
		err    error
		want   string // ReasonCode, empty pays
	}{
		{"go on", 200, `{"code":0}`, nil, ""},
		{"unknown invoice", 200, `{"code":10}`, nil, "3001 InvalidInvoiceId"},
		{"wrong account", 200, `{"code":11}`, nil, "3002 InvalidAccountId"},
		{"wrong amount", 200, `{"code":12}`, nil, "3003 InvalidAmount"},
		{"not acceptable", 200, `{"code":13}`, nil, "3008 NotAccepted"},
		{"expired", 200, `{"code":20}`, nil, "3004 OutOfDate"},
		{"a code that does not exist", 200, `{"code":99}`, nil, "3005 FormatError"},
		{"no JSON", 200, `OK`, nil, "3005 FormatError"},
		{"a failure", 503, `{"code":0}`, nil, "3006 Unavailable"},
		{"nobody there", 0, "", errors.New("nobody listens"), "3007 UnableToConnect"},
	} {
		for _, fail := range []bool{false, true} {
			t.Run(tt.name, func(t *testing.T) {
				ttpBubble(t, TipTopPayOptions{NotifyTypes: []string{"check", "pay", "fail"}, Switches: TipTopPaySwitches{FailAfterCheck: fail}}, func(s *ttpShop) {
					s.answer = func(_ int, h ttpHeard) (int, string, error) {
						if h.kind == "check" {
							if _, there := h.fields["AuthCode"]; there || h.fields.Get("Status") != "Completed" || h.header.Get("Content-HMAC") != ttpHMAC(h.message) {
								t.Errorf("the question is %v", h.fields)
							}
							return tt.status, tt.answer, tt.err
						}
						return 200, `{"code":0}`, nil
					}
					s.order("rt-1", nil)
					s.act("rt-1", ActPay)
					told := "check Completed 14500.00"
					if tt.want == "" {
						s.status("rt-1", "Completed")
						s.net("rt-1", 1450000)
						told += ", pay Completed 14500.00"
					} else {
						m := s.status("rt-1", "Declined")
						if got := fmt.Sprintf("%v %v", m["ReasonCode"], m["Reason"]); got != tt.want {
							t.Errorf("the reason is %s, want %s", got, tt.want)
						}
						s.net("rt-1", 0)
						if fail {
							told += ", fail " + tt.want[:4] + " 14500.00"
						}
					}
					ttpLater(time.Hour)
					if got := s.told(); got != told { // and it is asked once only
						t.Errorf("the shop was told %s, want %s", got, told)
					}
				})
			})
		}
	}
}

func TestTipTopPayMayAskAboutSavedCardsToo(t *testing.T) {
	ttpBubble(t, TipTopPayOptions{NotifyTypes: []string{"check"}}, func(s *ttpShop) {
		s.is(s.token("rt-1", ttpGoodToken), "Completed", true)
		if got := s.told(); got != "" {
			t.Errorf("nobody pressed a button, and the shop was told %s", got)
		}
	})
	ttpBubble(t, TipTopPayOptions{NotifyTypes: []string{"check", "pay"}, Switches: TipTopPaySwitches{CheckDirect: true}}, func(s *ttpShop) {
		s.answer = func(_ int, h ttpHeard) (int, string, error) {
			if h.kind == "check" { // the shop may ask back meanwhile: nothing is known yet
				s.absent("rt-1")
			}
			return http.StatusOK, `{"code":13}`, nil
		}
		a := s.token("rt-1", ttpGoodToken)
		s.is(a, "Declined", false)
		if got := fmt.Sprint(ttpModel(a)["ReasonCode"]); got != "3008" {
			t.Errorf("the reason is %s", got)
		}
		s.net("rt-1", 0)
	})
}
