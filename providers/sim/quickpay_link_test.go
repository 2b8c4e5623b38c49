package sim

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestQuickPayLinkIsPaidAsAHold(t *testing.T) {
	inQuickPay(t, QuickPayOptions{CallbackURL: qpAccount}, func(s *qpShop) {
		p := s.create("rt-0001")
		url := s.want(s.ask("PUT", p+"/link", `{"amount":150050,"callback_url":"`+qpHook+`","deadline":600,"continue_url":"https://shop.example.kz/ok"}`), 200).at("url")
		if !strings.HasPrefix(url, "http://example.com/payments/") {
			t.Errorf("url is %s", url)
		}
		s.stands("rt-0001", Live, 0, 0, 0)
		s.want(s.ask("GET", p, ""), 200, "state", "initial", "link.url", url, "link.amount", "150050", "link.auto_capture", "false",
			"link.callback_url", qpHook, "link.continue_url", "https://shop.example.kz/ok", "link.cancel_url", "<nil>", "deadline_at", "2000-01-01T00:10:00Z")
		s.act("rt-0001", ActScan)
		s.want(s.ask("GET", p, ""), 200, "state", "initial", "operations", "[]")
		s.act("rt-0001", ActConfirm)
		s.want(s.ask("GET", p, ""), 200, "state", "new", "accepted", "true", "balance", "0", "acquirer", "clearhaus", "fee", "0",
			"metadata.last4", "4242", "metadata.is_3d_secure", "true", "test_mode", "false",
			"operations.0.id", "1", "operations.0.type", "authorize", "operations.0.amount", "150050", "operations.0.pending", "false",
			"operations.0.qp_status_code", "20000", "operations.0.qp_status_msg", "Approved", "operations.0.aq_status_code", "20000",
			"operations.0.callback_url", qpHook, "operations.1", "<none>")
		s.stands("rt-0001", Held, 150050, 0, 0)
		s.act("rt-0001", ActPayAgain)
		s.act("rt-0001", ActPay)
		s.stands("rt-0001", Held, 150050, 0, 0)
		s.want(s.ask("PUT", p+"/link", `{"amount":150050}`), 400)
	})
}

func TestQuickPayAutoCaptureTakesTheMoneyAtOnce(t *testing.T) {
	inQuickPay(t, QuickPayOptions{CallbackURL: qpAccount}, func(s *qpShop) {
		p := s.offer("rt-0001", `,"auto_capture":true,"callback_url":"`+qpHook+`"`)
		s.act("rt-0001", ActPay)
		s.want(s.ask("GET", p, ""), 200, "state", "processed", "balance", "150050", "operations.1.type", "capture", "operations.1.qp_status_code", "20000")
		s.stands("rt-0001", Charged, 150050, 150050, 0)
		s.pass(time.Minute)
		got := s.callbacks()
		if len(got) != 2 || got[0].url != qpHook || got[1].url != qpHook || !strings.Contains(got[0].body, `"state":"new"`) || !strings.Contains(got[1].body, `"state":"processed"`) {
			t.Errorf("callbacks are %v", got)
		}
	})
}

func TestQuickPayDeclinedPayerMayTryAgain(t *testing.T) {
	inQuickPay(t, QuickPayOptions{}, func(s *qpShop) {
		p := s.offer("rt-0001", "")
		s.act("rt-0001", ActDecline)
		s.want(s.ask("GET", p, ""), 200, "state", "rejected", "accepted", "false", "operations.0.qp_status_code", "40000")
		s.stands("rt-0001", Live, 0, 0, 0)
		s.act("rt-0001", "decline:30100")
		s.act("rt-0001", ActConfirm)
		s.want(s.ask("GET", p, ""), 200, "state", "new", "operations.1.qp_status_code", "30100", "operations.2.qp_status_code", "20000", "operations.2.id", "3")
		s.stands("rt-0001", Held, 150050, 0, 0)
	})
}

func TestQuickPayDeadlineMayBeIgnored(t *testing.T) {
	inQuickPay(t, QuickPayOptions{Switches: QuickPaySwitches{IgnoresDeadline: true}}, func(s *qpShop) {
		p := s.offer("rt-0001", `,"deadline":60`)
		s.want(s.ask("GET", p, ""), 200, "deadline_at", "<nil>")
		s.pass(24 * time.Hour)
		s.act("rt-0001", ActPay)
		s.stands("rt-0001", Held, 150050, 0, 0)
	})
}

func TestQuickPayCaptureOfOneStageMayTakeTime(t *testing.T) {
	inQuickPay(t, QuickPayOptions{Switches: QuickPaySwitches{CaptureTakes: Duration(time.Minute)}}, func(s *qpShop) {
		p := s.offer("rt-0001", `,"auto_capture":true`)
		s.act("rt-0001", ActPay)
		s.want(s.ask("GET", p, ""), 200, "state", "new")
		s.stands("rt-0001", Held, 150050, 0, 0)
		s.pass(time.Minute)
		s.stands("rt-0001", Charged, 150050, 150050, 0)
		p = s.offer("rt-0002", `,"auto_capture":true`)
		s.act("rt-0002", ActPay)
		s.want(s.ask("POST", p+"/cancel?synchronized", "{}"), 200)
		s.pass(time.Hour)
		s.stands("rt-0002", Dead, 150050, 0, 0)
	})
}

func TestQuickPayDeletedLinkCannotBePaid(t *testing.T) {
	inQuickPay(t, QuickPayOptions{}, func(s *qpShop) {
		for _, before := range [][]string{nil, {ActScan}, {ActDecline}} {
			order := "rt-000" + strings.Join(before, "")
			p := s.offer(order, "")
			for _, act := range before {
				s.act(order, act)
			}
			if a := s.want(s.ask("DELETE", p+"/link", ""), 204); a.Text != "" {
				t.Errorf("204 with %q", a.Text)
			}
			s.want(s.ask("GET", p, ""), 200, "link", "<nil>", "deadline_at", "<nil>")
			for _, act := range []string{ActScan, ActConfirm, ActPay, ActPayLate, ActPayAgain} {
				s.act(order, act)
			}
			s.stands(order, Dead, 0, 0, 0)
			s.want(s.ask("DELETE", p+"/link", ""), 204)
		}
		s.switches(`{"missing_link_is_404":true}`)
		s.want(s.ask("DELETE", s.create("rt-none")+"/link", ""), 404)
	})
}

func TestQuickPayDeletedLinkHasNoBodyOverRealHTTP(t *testing.T) {
	inQuickPay(t, QuickPayOptions{}, func(s *qpShop) {
		p := s.offer("rt-0001", "")
		transport := s.bank.Transport("quickpay")
		defer transport.CloseIdleConnections()
		for range 2 { // on one connection
			r, err := http.NewRequestWithContext(s.t.Context(), http.MethodDelete, "http://quickpay.invalid"+p+"/link", nil)
			if err != nil {
				t.Fatal(err)
			}
			r.SetBasicAuth("", QuickPayDefaultAPIKey)
			r.Header.Set("Accept-Version", "v10")
			res, err := transport.RoundTrip(r)
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(res.Body)
			if err != nil || res.StatusCode != http.StatusNoContent || len(body) != 0 {
				t.Errorf("%d %q %v", res.StatusCode, body, err)
			}
			_ = res.Body.Close()
		}
	})
}

func TestQuickPayOpenWindowOutlivesItsLinkBySwitch(t *testing.T) {
	inQuickPay(t, QuickPayOptions{Switches: QuickPaySwitches{WindowOutlivesLink: true}}, func(s *qpShop) {
		p := s.offer("rt-0001", "")
		s.act("rt-0001", ActScan)
		s.want(s.ask("DELETE", p+"/link", ""), 204)
		s.stands("rt-0001", Dead, 0, 0, 0)
		s.act("rt-0001", ActConfirm)
		s.stands("rt-0001", Held, 150050, 0, 0)
		if !s.object("rt-0001").Excused {
			t.Error("nobody told the merchant, and it is blamed")
		}
		s.want(s.ask("GET", p, ""), 200, "state", "new", "link", "<nil>")

		p = s.offer("rt-0003", "") // a decline in a dead window is nobody's fault, and nothing to excuse
		s.act("rt-0003", ActScan)
		s.want(s.ask("PUT", p+"/link", `{"amount":200}`), 200)
		s.act("rt-0003", ActDecline)
		s.act("rt-0003", ActPay)
		s.stands("rt-0003", Held, 200, 0, 0)
		if s.object("rt-0003").Excused {
			t.Error("what was paid by the merchant's newest link is excused")
		}

		s.offer("rt-0002", "") // nobody stood in this one
		s.want(s.ask("DELETE", "/payments/"+s.object("rt-0002").ID+"/link", ""), 204)
		s.act("rt-0002", ActScan)
		s.act("rt-0002", ActConfirm)
		s.stands("rt-0002", Dead, 0, 0, 0)
	})
}

func TestQuickPayReplacedLinkIsTheSamePayment(t *testing.T) {
	inQuickPay(t, QuickPayOptions{}, func(s *qpShop) {
		p := s.create("rt-0001")
		old := s.ask("PUT", p+"/link", `{"amount":100}`).at("url")
		s.act("rt-0001", ActScan)
		now := s.ask("PUT", p+"/link", `{"amount":200}`).at("url")
		s.act("rt-0001", ActConfirm) // the window went with the old address
		s.stands("rt-0001", Live, 0, 0, 0)
		s.want(s.ask("GET", strings.TrimPrefix(old, "http://example.com"), ""), 404)
		s.want(s.ask("GET", strings.TrimPrefix(now, "http://example.com"), ""), 200)
		s.act("rt-0001", ActPay)
		s.stands("rt-0001", Held, 200, 0, 0)
		if n := len(s.bank.Ledger().Objects); n != 1 {
			t.Errorf("%d objects", n)
		}
	})
}

func TestQuickPayDeadlineEndsTheWindow(t *testing.T) {
	inQuickPay(t, QuickPayOptions{}, func(s *qpShop) {
		s.offer("rt-0001", `,"deadline":600`)
		s.offer("rt-0002", "")
		s.act("rt-0001", ActScan)
		s.pass(10*time.Minute - time.Millisecond)
		s.stands("rt-0001", Live, 0, 0, 0)
		s.pass(time.Millisecond)
		for _, act := range []string{ActConfirm, ActPay, ActPayLate} {
			s.act("rt-0001", act)
		}
		s.stands("rt-0001", Dead, 0, 0, 0)
		s.pass(365 * 24 * time.Hour)
		s.act("rt-0002", ActPay) // without a deadline it stays
		s.stands("rt-0002", Held, 150050, 0, 0)
	})
}

func TestQuickPayPaysLateBySwitchAlone(t *testing.T) {
	inQuickPay(t, QuickPayOptions{Switches: QuickPaySwitches{LateSuccess: true}}, func(s *qpShop) {
		s.offer("rt-0001", `,"deadline":600`)
		s.act("rt-0001", ActPayLate)
		s.stands("rt-0001", Live, 0, 0, 0)
		s.pass(time.Hour)
		s.act("rt-0001", ActPayLate)
		s.stands("rt-0001", Held, 150050, 0, 0)
		if !s.object("rt-0001").Excused {
			t.Error("a broken promise is not the merchant's fault")
		}
	})
}

func TestQuickPayRefusesBadLinks(t *testing.T) {
	inQuickPay(t, QuickPayOptions{}, func(s *qpShop) {
		p := s.create("rt-0001")
		for _, body := range []string{
			`{}`, ``, `{"amount":0}`, `{"amount":-1}`, `{"amount":1.5}`, `{"amount":"1e3"}`, `{"amount":null}`, `{"amount":99999999999999999999}`,
			`{"amount":1,"deadline":0}`, `{"amount":1,"deadline":"soon"}`, `{"amount":1,"callback_url":"here"}`, `{"amount":1,"continue_url":"ftp://x"}`,
		} {
			s.want(s.ask("PUT", p+"/link", body), 400, "message", "Validation error")
		}
		if n := len(s.bank.Ledger().Objects); n != 0 {
			t.Errorf("%d objects", n)
		}
	})
}

func TestQuickPayLostLinkIsPaidByNobodyUntilItIsReplaced(t *testing.T) {
	inQuickPay(t, QuickPayOptions{}, func(s *qpShop) {
		p := s.create("rt-0001")
		s.fault(Fault{Op: OpCreate, Kind: FaultActDrop, Times: 1})
		if _, err := s.try("PUT", p+"/link", `{"amount":150050}`); err == nil {
			t.Fatal("the connection did not break")
		}
		if err := s.bank.Act("quickpay", "rt-0001", ActPay); err == nil {
			t.Error("somebody pays what nobody has seen")
		}
		s.want(s.ask("PUT", p+"/link", `{"amount":150050}`), 200)
		s.act("rt-0001", ActPay)
		s.stands("rt-0001", Held, 150050, 0, 0)
	})
}

func TestQuickPayWindowIsAPageForABrowser(t *testing.T) {
	inQuickPay(t, QuickPayOptions{PageURL: "https://payment.example/"}, func(s *qpShop) {
		p := s.create("rt-0001")
		url := s.ask("PUT", p+"/link", `{"amount":150050,"continue_url":"https://shop.example.kz/ok","cancel_url":"https://shop.example.kz/no"}`).at("url")
		page, found := strings.CutPrefix(url, "https://payment.example")
		if !found {
			t.Fatalf("url is %s", url)
		}
		if a := s.ask("GET", page, ""); a.HTTP != 200 || !strings.Contains(a.Text, `value="pay"`) {
			t.Errorf("the window is %d %s", a.HTTP, a.Text)
		}
		s.want(s.ask("POST", page, "act=rob"), http.StatusBadRequest)
		if a := s.ask("POST", page, "act=pay"); !strings.Contains(a.Text, "https://shop.example.kz/ok") || strings.Contains(a.Text, "button") {
			t.Errorf("after paying the window is %s", a.Text)
		}
		s.stands("rt-0001", Held, 150050, 0, 0)
	})
}

func TestQuickPayPayersDoAsTheyAreTold(t *testing.T) {
	inQuickPay(t, QuickPayOptions{}, func(s *qpShop) {
		s.offer("rt-0001", "")
		for _, act := range []string{"dance", "pay:abc", "decline:20000", "decline:no", "scan:1"} {
			if err := s.bank.Act("quickpay", "rt-0001", act); err == nil {
				t.Errorf("a payer can %q", act)
			}
		}
		for _, behaviour := range []string{PayerPays, PayerDeclines, PayerTwice, PayerLate} {
			if _, err := s.bank.AddPayer(PayerRule{Behaviour: behaviour, Times: 1, After: Duration(time.Second)}); err != nil {
				t.Fatal(err)
			}
		}
		for _, order := range []string{"pays", "declines", "twice", "late"} {
			s.offer(order, `,"deadline":60`)
		}
		s.pass(time.Hour)
		s.stands("pays", Held, 150050, 0, 0)
		s.stands("declines", Dead, 0, 0, 0)
		s.stands("twice", Held, 150050, 0, 0)
		s.stands("late", Dead, 0, 0, 0)
	})
}
