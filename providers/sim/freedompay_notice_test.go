package sim

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"
)

func (s *fpShop) answers(answer func(h fpHeard) (int, string)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answer = answer
}

func TestFreedomPayRepeatsCallbacksForTwoHours(t *testing.T) {
	for name, answer := range map[string]func(fpHeard) (int, string){
		"nobody listens":    func(fpHeard) (int, string) { return 0, "" },
		"HTTP 403":          func(fpHeard) (int, string) { return 403, "" },
		"HTTP 500, though":  func(fpHeard) (int, string) { return 500, "ok" },
		"not understood":    func(fpHeard) (int, string) { return 200, "error" },
		"an empty answer":   func(fpHeard) (int, string) { return 200, "" },
		"a word of our own": func(fpHeard) (int, string) { return 200, "fine" },
	} {
		for _, method := range []string{"POST", "GET", "XML"} {
			fpBubble(t, FreedomPayOptions{}, func(s *fpShop) {
				s.answers(answer)
				s.paid("o1", "pg_request_method", method, "pg_lifetime", "300")
				fpPass(24 * time.Hour)
				h := s.of("result")
				if len(h) != 5 {
					t.Fatalf("%s, %s: %d deliveries", name, method, len(h))
				}
				salts := map[string]bool{}
				for i, one := range h {
					if want := 200*time.Millisecond + time.Duration(i)*30*time.Minute; one.at != want || !one.signed {
						t.Errorf("%s, %s: delivery %d after %s, signed %t", name, method, i, one.at, one.signed)
					}
					if want := fpBit(i == 0); one.m.text("pg_can_reject") != want {
						t.Errorf("%s, %s: delivery %d has pg_can_reject %q", name, method, i, one.m.text("pg_can_reject"))
					}
					salts[one.m.text("pg_salt")] = true
				}
				if len(salts) != 5 {
					t.Errorf("%s, %s: salts are used again", name, method)
				}
				if d := s.bank.Deliveries(); len(d) != 1 || d[0].State != "given-up" || d[0].Tries != 5 {
					t.Errorf("%s, %s: the log says %+v", name, method, d)
				}
			})
		}
	}
}

func TestFreedomPayBelievesSignedAnswersAlone(t *testing.T) {
	fpBubble(t, FreedomPayOptions{}, func(s *fpShop) {
		s.key = "not the secret"
		s.paid("o1")
		if d := s.bank.Deliveries(); d[0].State != "waiting" || d[0].Tries != 1 {
			t.Errorf("a badly signed answer was taken: %+v", d)
		}
		s.mu.Lock()
		s.key = ""
		s.mu.Unlock()
		fpPass(time.Hour)
		if d := s.bank.Deliveries(); d[0].State != "accepted" || d[0].Tries != 2 {
			t.Errorf("it ends as %+v", d)
		}
	})
}

func TestFreedomPayRejectedGivesTheMoneyBackOnTheFirstDeliveryAlone(t *testing.T) {
	for _, hold := range []string{"0", "1"} {
		fpBubble(t, FreedomPayOptions{}, func(s *fpShop) {
			s.answers(func(fpHeard) (int, string) { return 200, "rejected" })
			s.paid("o1", "pg_auto_clearing", hold)
			o := s.object("o1")
			if o.Captured != o.Refunded || hold == "0" && o.Status != "revoked" || hold == "1" && o.Status != "refunded" {
				t.Errorf("auto clearing %s: it is %+v", hold, o)
			}
			fpPass(3 * time.Hour)
			if n := len(s.of("result")); n != 1 {
				t.Errorf("%d deliveries", n)
			}
		})
		fpBubble(t, FreedomPayOptions{}, func(s *fpShop) {
			n := 0
			s.answers(func(fpHeard) (int, string) {
				n++
				if n == 1 {
					return 0, ""
				}
				return 200, "rejected"
			})
			id := s.paid("o1", "pg_auto_clearing", hold)
			fpPass(3 * time.Hour)
			if o := s.object("o1"); o.Phase == Dead || o.Refunded != 0 || n != 2 {
				t.Errorf("auto clearing %s: after %d deliveries it is %+v", hold, n, o)
			}
			fpWant(t, s.status(id), "pg_payment_status", "success")
		})
	}
	fpBubble(t, FreedomPayOptions{}, func(s *fpShop) { // a second copy of what was accepted decides nothing
		if _, err := s.bank.AddNotice(NoticeRule{Mode: NoticeDouble}); err != nil {
			t.Fatal(err)
		}
		s.answers(func(h fpHeard) (int, string) {
			if h.at < time.Second {
				return 200, "ok"
			}
			return 200, "rejected"
		})
		s.paid("o1")
		if o := s.object("o1"); len(s.of("result")) != 2 || o.Refunded != 0 {
			t.Errorf("after %d deliveries it is %+v", len(s.of("result")), o)
		}
	})
	fpBubble(t, FreedomPayOptions{Switches: FreedomPaySwitches{NeverRejectable: true}}, func(s *fpShop) {
		s.answers(func(fpHeard) (int, string) { return 200, "rejected" })
		s.paid("o1")
		fpWant(t, s.of("result")[0].m, "pg_can_reject", "0")
		if o := s.object("o1"); o.Refunded != 0 {
			t.Errorf("it is %+v", o)
		}
	})
}

func TestFreedomPayAsksBeforeItTakesMoney(t *testing.T) {
	for name, c := range map[string]struct {
		status  int
		word    string
		allowed bool
	}{
		"ok": {200, "ok", true}, "rejected": {200, "rejected", false}, "error": {200, "error", false}, "nobody": {0, "", false}, "HTTP 500": {500, "ok", false},
	} {
		for _, method := range []string{"POST", "GET", "XML"} {
			fpBubble(t, FreedomPayOptions{}, func(s *fpShop) {
				s.answers(func(h fpHeard) (int, string) {
					if h.kind != "check" {
						return 200, "ok"
					}
					if len(s.bank.Ledger().Entries) != 0 {
						t.Error("money moved before the answer")
					}
					return c.status, c.word
				})
				id := s.paid("o1", "pg_check_url", fpShopURL+"check", "attempt", "a1", "pg_request_method", method)
				fpPass(3 * time.Hour)
				h := s.of("check")
				if len(h) != 1 || !h[0].signed || (h[0].method == "GET") != (method == "GET") {
					t.Fatalf("%s: questions: %+v", name, h)
				}
				fpWant(t, h[0].m, "pg_order_id", "o1", "pg_payment_id", id, "pg_amount", "14500.00", "pg_currency", "KZT", "attempt", "a1")
				if c.allowed {
					fpWant(t, s.status(id), "pg_payment_status", "success")
				} else {
					fpWant(t, s.status(id), "pg_payment_status", "error", "pg_failure_code", "10016")
				}
			})
		}
	}
	fpBubble(t, FreedomPayOptions{CheckURL: fpShopURL + "check"}, func(s *fpShop) { // of the cabinet, for a saved card
		id := s.cardInit("o1", fpGoodToken).text("pg_payment_id")
		fpWant(t, s.direct(id), "pg_payment_status", "process")
		fpPass(time.Second)
		fpWant(t, s.status(id), "pg_payment_status", "success")
	})
}

func TestFreedomPayCallbacksGoToTheCabinetsAddressElse(t *testing.T) {
	fpBubble(t, FreedomPayOptions{ResultURL: "https://shop.example/cabinet"}, func(s *fpShop) {
		s.paid("o1", "pg_result_url", "", "pg_request_method", "")
		h := s.of("cabinet")
		if len(h) != 1 || h[0].method != http.MethodGet || !h[0].signed {
			t.Errorf("callbacks: %+v", h)
		}
	})
	fpBubble(t, FreedomPayOptions{}, func(s *fpShop) {
		s.paid("o1", "pg_result_url", "")
		if len(s.heard) != 0 {
			t.Errorf("callbacks: %+v", s.heard)
		}
	})
}

// A slash at the end of the merchant's address makes the script's name empty, as in the official code.
func TestFreedomPayScriptOfAnAddressWithSlashIsEmpty(t *testing.T) {
	fpBubble(t, FreedomPayOptions{}, func(s *fpShop) {
		s.paid("o1", "pg_result_url", fpShopURL)
		h := s.of("")
		if len(h) != 1 || !h[0].signed {
			t.Errorf("callbacks: %+v", h)
		}
	})
}

func TestFreedomPayResultMayComeAfterTheRefund(t *testing.T) {
	fpBubble(t, FreedomPayOptions{Switches: FreedomPaySwitches{ResultAfterRefund: true}}, func(s *fpShop) {
		id := s.paid("o1")
		s.paid("o2")
		s.call("/revoke.php", "pg_payment_id", id, "pg_refund_amount", "100")
		fpPass(15 * time.Minute)
		var order []string
		for _, h := range s.heard {
			order = append(order, h.kind+" "+h.m.text("pg_order_id"))
		}
		if got := strings.Join(order, ", "); got != "refund o1, result o1, result o2" {
			t.Errorf("they come as %s", got)
		}
	})
}

func TestFreedomPayNoticeRulesApply(t *testing.T) {
	fpBubble(t, FreedomPayOptions{}, func(s *fpShop) {
		for _, mode := range []string{NoticeForged, NoticeDouble, NoticeLost} {
			if _, err := s.bank.AddNotice(NoticeRule{Mode: mode, Times: 1}); err != nil {
				t.Fatal(err)
			}
		}
		s.answers(func(h fpHeard) (int, string) {
			if !h.signed {
				return 403, ""
			}
			return 200, "ok"
		})
		s.pay(s.init("forged"), ActDecline)
		fpPass(5 * time.Second)
		h := s.of("result")
		if len(h) != 2 || h[0].signed || !h[1].signed {
			t.Fatalf("forged: %+v", h)
		}
		fpWant(t, h[0].m, "pg_result", "1", "pg_order_id", "forged")
		fpWant(t, h[1].m, "pg_result", "0", "pg_order_id", "forged")
		s.paid("double")
		s.paid("lost")
		fpPass(time.Hour)
		if h = s.of("result"); len(h) != 4 || h[2].m.text("pg_sig") != h[3].m.text("pg_sig") {
			t.Errorf("double: %+v", h)
		}
	})
}

func TestFreedomPayPageWorksInABrowser(t *testing.T) {
	fpBubble(t, FreedomPayOptions{PageURL: "https://customer.example/"}, func(s *fpShop) {
		m := s.call("/init_payment.php", fpInit("<o1>", "pg_success_url", "https://shop.example/thanks?x=1", "pg_failure_url", "https://shop.example/sorry")...)
		page := m.text("pg_redirect_url")
		if !strings.HasPrefix(page, "https://customer.example/pay.html?customer=") {
			t.Fatalf("the page is at %s", page)
		}
		look := func(method, body string) string {
			t.Helper()
			rec, err := s.exchange(httptest.NewRequest(method, page, strings.NewReader(body)))
			if err != nil {
				t.Fatal(err)
			}
			return rec.Body.String()
		}
		if text := look("GET", ""); !strings.Contains(text, "&lt;o1&gt;: 14500.00 KZT") || !strings.Contains(text, `value="pay"`) || strings.Contains(text, "shop.example") {
			t.Errorf("before: %s", text)
		}
		if text := look("POST", "act=dance"); !strings.Contains(text, "Not possible") {
			t.Errorf("an act that nobody knows: %s", text)
		}
		text := look("POST", "act=pay")
		if strings.Contains(text, `value="pay"`) || !regexp.MustCompile(`href="https://shop.example/thanks\?pg_order_id=`).MatchString(text) || !strings.Contains(text, "pg_sig=") {
			t.Errorf("after: %s", text)
		}
	})
	fpBubble(t, FreedomPayOptions{}, func(s *fpShop) { // the browser's own form of init
		rec, err := s.exchange(fpPost("/payment.php", s.message("/payment.php", fpInit("o1")...).form("")))
		if err != nil || !strings.Contains(rec.Body.String(), `value="pay"`) {
			t.Errorf("payment.php: %v %s", err, rec.Body)
		}
		if o := s.object("o1"); o.Unseen || o.Phase != Live {
			t.Errorf("it is %+v", o)
		}
		fpWant(t, s.call("/payment.php", fpInit("o2", "pg_amount", "")...), "pg_error_code", "200")
	})
}
