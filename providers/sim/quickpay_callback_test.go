package sim

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// signed checks a callback as a merchant does: the checksum is over the bytes as they came.
func (h qpHeard) signed() bool {
	mac := hmac.New(sha256.New, []byte(QuickPayDefaultPrivateKey))
	mac.Write([]byte(h.body))
	return h.header.Get("QuickPay-Checksum-Sha256") == hex.EncodeToString(mac.Sum(nil))
}

func TestQuickPayCallbackIsASignedSnapshot(t *testing.T) {
	inQuickPay(t, QuickPayOptions{CallbackURL: qpAccount}, func(s *qpShop) {
		p := s.paid("rt-0001")
		s.pass(time.Minute)
		got := s.callbacks()
		if len(got) != 1 {
			t.Fatalf("%d callbacks, want one: creation and link have none", len(got))
		}
		h := got[0]
		if h.url != qpAccount || !h.signed() || h.header.Get("Content-Type") != "application/json" || h.header.Get("QuickPay-Resource-Type") != "Payment" ||
			h.header.Get("QuickPay-Account-Id") != "1234" || h.header.Get("Quickpay-Api-Version") != "v10" {
			t.Errorf("callback %+v", h)
		}
		if body := s.ask("GET", p, "").Text; h.body != body {
			t.Errorf("the callback says %s, GET says %s", h.body, body)
		}
	})
}

func TestQuickPayCallbacksGoWhereTheMakerOfTheOperationWants(t *testing.T) {
	inQuickPay(t, QuickPayOptions{CallbackURL: qpAccount}, func(s *qpShop) {
		p := s.offer("rt-0001", `,"callback_url":"`+qpHook+`/link"`)
		s.act("rt-0001", ActPay)
		s.want(s.ask("POST", p+"/capture?synchronized", `{"amount":150050}`), 200, "operations.1.callback_url", "<nil>")
		s.header.Set("Quickpay-Callback-Url", qpHook+"/header")
		s.want(s.ask("POST", p+"/refund?synchronized", `{"amount":1}`), 200, "operations.2.callback_url", qpHook+"/header")
		s.pass(time.Minute)
		urls := ""
		for _, h := range s.callbacks() {
			urls += " " + h.url
		}
		if want := " " + qpHook + "/link " + qpAccount + " " + qpHook + "/header"; urls != want {
			t.Errorf("callbacks went to%s, want%s", urls, want)
		}
	})
	inQuickPay(t, QuickPayOptions{}, func(s *qpShop) { // no address at all
		s.captured("rt-0001")
		s.pass(time.Minute)
		if n := len(s.callbacks()); n != 0 {
			t.Errorf("%d callbacks", n)
		}
	})
}

func TestQuickPayAcceptsAnswersAsDocumented(t *testing.T) {
	for status, ok := range map[int]bool{200: true, 201: true, 204: true, 302: true, 303: true, 301: false, 307: false, 400: false, 404: false, 500: false} {
		inQuickPay(t, QuickPayOptions{CallbackURL: qpAccount}, func(s *qpShop) {
			s.answer = func(int) int { return status }
			s.paid("rt-0001")
			s.pass(2*time.Hour + time.Minute)
			if n := len(s.callbacks()); ok != (n == 1) {
				t.Errorf("after %d it came %d times", status, n)
			}
		})
	}
}

func TestQuickPayRetriesHourlyAndGivesUpAfter24(t *testing.T) {
	inQuickPay(t, QuickPayOptions{CallbackURL: qpAccount}, func(s *qpShop) {
		s.answer = func(int) int { return 500 }
		s.paid("rt-0001")
		s.pass(100 * time.Hour)
		got := s.callbacks()
		if len(got) != 25 {
			t.Fatalf("it came %d times, want 25", len(got))
		}
		if got[24].at-got[0].at != 24*time.Hour || got[1].at-got[0].at != time.Hour {
			t.Errorf("it came after %s and %s", got[1].at-got[0].at, got[24].at-got[0].at)
		}
		if d := s.bank.Deliveries()[0]; d.State != "given-up" {
			t.Errorf("it is %s", d.State)
		}
	})
}

func TestQuickPayKeepsTheOrderOfOnePaymentAndLetsOthersPass(t *testing.T) {
	inQuickPay(t, QuickPayOptions{CallbackURL: qpAccount}, func(s *qpShop) {
		s.answer = func(n int) int { return map[bool]int{true: 500, false: 200}[n <= 2] }
		s.captured("first")
		s.pass(time.Minute)
		s.captured("other")
		s.pass(5 * time.Hour)
		seen := ""
		for _, h := range s.callbacks() {
			switch {
			case strings.Contains(h.body, `"type":"capture"`):
				seen += " capture"
			default:
				seen += " authorize"
			}
			seen += " " + map[bool]string{true: "first", false: "other"}[strings.Contains(h.body, `"first"`)]
		}
		// Both authorize callbacks are refused once; no capture overtakes its own authorize.
		if want := " authorize first authorize other authorize first capture first authorize other capture other"; seen != want {
			t.Errorf("callbacks came as%s, want%s", seen, want)
		}
	})
}

func TestQuickPayCallbackThatIsGivenUpLetsTheNextOneGo(t *testing.T) {
	inQuickPay(t, QuickPayOptions{CallbackURL: qpAccount}, func(s *qpShop) {
		s.answer = func(n int) int { return map[bool]int{true: 500, false: 200}[n <= 25] }
		s.captured("rt-0001")
		s.pass(25 * time.Hour)
		got := s.callbacks()
		if len(got) != 26 || !strings.Contains(got[25].body, `"type":"capture"`) {
			t.Errorf("%d callbacks, the last one %v", len(got), got[len(got)-1])
		}
	})
}

func TestQuickPayTellsOfPendingOperationsBySwitch(t *testing.T) {
	inQuickPay(t, QuickPayOptions{CallbackURL: qpAccount, Switches: QuickPaySwitches{PendingCallbacks: true}}, func(s *qpShop) {
		p := s.paid("rt-0001")
		s.want(s.ask("POST", p+"/capture", `{"amount":150050}`), 202)
		s.pass(time.Minute)
		got := s.callbacks()
		if len(got) != 3 || !strings.Contains(got[1].body, `"pending":true`) || !strings.Contains(got[1].body, `"state":"pending"`) || strings.Contains(got[2].body, `"pending":true`) {
			t.Errorf("callbacks are %v", got)
		}
	})
}

func TestQuickPayNoticesGoWrongAsRulesSay(t *testing.T) {
	for mode, want := range map[string]string{
		NoticeLost: "capture", NoticeDouble: "authorize authorize capture", NoticeForged: "forged authorize capture",
		NoticeReordered: "capture authorize", NoticeLate: "authorize capture", NoticeBeforeAnswer: "authorize capture",
	} {
		inQuickPay(t, QuickPayOptions{CallbackURL: qpAccount}, func(s *qpShop) {
			p := s.offer("rt-0001", "")
			if _, err := s.bank.AddNotice(NoticeRule{Mode: mode, Times: 1}); err != nil {
				t.Fatal(err)
			}
			s.act("rt-0001", ActPay)
			if mode == NoticeBeforeAnswer && len(s.callbacks()) != 1 {
				t.Errorf("before the act is over there are %d", len(s.callbacks()))
			}
			s.pass(10 * time.Second)
			s.want(s.ask("POST", p+"/capture?synchronized", `{"amount":150050}`), 200)
			s.pass(time.Hour)
			seen := []string{}
			for _, h := range s.callbacks() {
				switch {
				case !h.signed():
					seen = append(seen, "forged")
				case strings.Contains(h.body, `"type":"capture"`):
					seen = append(seen, "capture")
				default:
					seen = append(seen, "authorize")
				}
			}
			if got := strings.Join(seen, " "); got != want {
				t.Errorf("%s: %s, want %s", mode, got, want)
			}
		})
	}
}

func TestQuickPayForgedCallbackClaimsMore(t *testing.T) {
	inQuickPay(t, QuickPayOptions{CallbackURL: qpAccount}, func(s *qpShop) {
		s.offer("rt-0001", "")
		if _, err := s.bank.AddNotice(NoticeRule{Mode: NoticeForged}); err != nil {
			t.Fatal(err)
		}
		s.act("rt-0001", ActDecline)
		s.pass(time.Minute)
		got := s.callbacks()
		if len(got) != 2 || got[0].signed() || !got[1].signed() {
			t.Fatalf("callbacks are %v", got)
		}
		if !strings.Contains(got[0].body, `"qp_status_code":"20000"`) || !strings.Contains(got[0].body, `"amount":150150`) || strings.Contains(got[1].body, "20000") {
			t.Errorf("forged %s, true %s", got[0].body, got[1].body)
		}
	})
}

func TestQuickPayBadSignatureSpoilsTheCallbackAndKeepsNobodyWaiting(t *testing.T) {
	inQuickPay(t, QuickPayOptions{CallbackURL: qpAccount}, func(s *qpShop) {
		p := s.paid("rt-0001")
		s.pass(time.Minute)
		s.answer = func(n int) int { return map[bool]int{true: http.StatusForbidden, false: 200}[n == 2] }
		s.fault(Fault{Op: OpCapture, Kind: FaultBadSignature, Times: 1})
		s.want(s.ask("POST", p+"/capture?synchronized", `{"amount":150050}`), 200, "balance", "150050")
		s.want(s.ask("POST", p+"/refund?synchronized", `{"amount":50}`), 200)
		s.pass(time.Minute)
		got := s.callbacks()
		if len(got) != 3 || !got[0].signed() || got[1].signed() || !got[2].signed() {
			t.Errorf("signed: %s", fmt.Sprint(got))
		}
	})
}
