package sim

import (
	"fmt"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

func TestWayForPayCallbackIsJSONThatCallsItselfAForm(t *testing.T) {
	for _, sw := range []WayForPaySwitches{{}, {TwoDecimals: true}, {TextNumbers: true}} {
		wfpBubble(t, WayForPayOptions{Switches: sw}, func(s *wfpShop) {
			s.invoice("rt-1", "1500.5", wfpAnswer{
				"clientEmail": "a@example.kz", "clientPhone": "77010000000", "clientFirstName": "Aida", "clientLastName": "S", "apiVersion": 2,
			})
			s.act("rt-1", ActPay)
			wfpLater(time.Second)
			if len(s.callbacks) != 1 {
				t.Fatalf("%d callbacks, want 1", len(s.callbacks))
			}
			c := s.callbacks[0]
			if c.contentType != "application/x-www-form-urlencoded" {
				t.Errorf("content type %s", c.contentType)
			}
			s.verify(c.body, wfpEightNames)
			s.is(c.body, "Approved", "1100")
			for field, want := range map[string]string{
				"email": "a@example.kz", "phone": "77010000000", "clientName": "Aida S", "repayUrl": "", "merchantTransactionType": "SALE",
				"createdDate": "946684800",
			} {
				if got := fmt.Sprint(c.body[field]); got != want {
					t.Errorf("%s is %q, want %q", field, got, want)
				}
			}
			wantAmount := "1500.5"
			if sw.TwoDecimals {
				wantAmount = "1500.50"
			}
			if got := fmt.Sprint(c.body["amount"]); got != wantAmount {
				t.Errorf("amount %s, want %s", got, wantAmount)
			}
			if _, text := c.body["reasonCode"].(string); text != sw.TextNumbers {
				t.Errorf("reasonCode is %T", c.body["reasonCode"])
			}
			list, _ := c.body["products"].([]any)
			if want := fmt.Sprintf("[map[count:1 name:Order rt-1 price:%s]]", wantAmount); fmt.Sprint(list) != want {
				t.Errorf("products %v, want %s", list, want)
			}
		})
	}
}

func TestWayForPayRepeatsACallbackUntilItIsAccepted(t *testing.T) {
	wfpBubble(t, WayForPayOptions{}, func(s *wfpShop) {
		s.answer = func(n int, reference string) (int, string) {
			switch n {
			case 1:
				return http.StatusNotFound, "unknown order"
			case 2:
				return http.StatusOK, "OK"
			case 3:
				return http.StatusOK, s.accept("rt-2", "1767225700") // another order's
			case 4:
				return http.StatusInternalServerError, s.accept(reference, "1767225700")
			case 5, 6:
				return http.StatusOK, fmt.Sprintf(`{"orderReference":%q,"status":"accept","time":1,"signature":"0"}`, reference)
			}
			return http.StatusOK, s.accept(reference, "1767225700")
		}
		s.charge("rt-1", "10", nil)
		wfpLater(5 * 24 * time.Hour)
		var pauses []time.Duration
		for i := 1; i < len(s.callbacks); i++ {
			pauses = append(pauses, (s.callbacks[i].at - s.callbacks[i-1].at).Round(time.Second))
		}
		want := []time.Duration{5 * time.Second, 30 * time.Second, 2 * time.Minute, 10 * time.Minute, time.Hour, time.Hour}
		if !slices.Equal(pauses, want) {
			t.Errorf("pauses %v, want %v", pauses, want)
		}
		if d := s.bank.Deliveries(); len(d) != 1 || d[0].State != "accepted" || d[0].Tries != 7 {
			t.Errorf("deliveries %+v", d)
		}
	})
}

func TestWayForPayGivesACallbackUpAfterFourDays(t *testing.T) {
	wfpBubble(t, WayForPayOptions{}, func(s *wfpShop) {
		s.answer = func(int, string) (int, string) { return http.StatusServiceUnavailable, "" }
		s.charge("rt-1", "10", nil)
		wfpLater(10 * 24 * time.Hour)
		last := s.callbacks[len(s.callbacks)-1].at
		if last > 4*24*time.Hour || last < 4*24*time.Hour-time.Hour {
			t.Errorf("the last callback came after %s, want within the last hour of four days", last)
		}
		if d := s.bank.Deliveries(); d[0].State != "given-up" {
			t.Errorf("the callback is %s", d[0].State)
		}
	})
}

func TestWayForPaySendsOnlyApprovedAndDeclinedByItsSwitch(t *testing.T) {
	steps := func(s *wfpShop) {
		pause := func() { wfpLater(time.Second) }
		s.invoice("rt-1", "10", wfpAnswer{"merchantTransactionType": "AUTH"})
		s.act("rt-1", ActDecline)
		pause()
		s.act("rt-1", ActScan)
		pause()
		s.act("rt-1", ActConfirm)
		pause()
		s.settle("rt-1", "10")
		pause()
		s.refund("rt-1", "10", "rf-1")
		pause()
		s.hold("rt-2", "10", nil)
		pause()
		s.refund("rt-2", "10", "void")
		pause()
		s.invoice("rt-3", "10", nil)
		wfpLater(2 * time.Hour)
	}
	wfpBubble(t, WayForPayOptions{}, func(s *wfpShop) {
		steps(s)
		want := "Declined/1104 InProcessing/1131 WaitingAuthComplete/1100 Approved/1100 Refunded/1100 WaitingAuthComplete/1100 Voided/1100 Expired/1124"
		if got := s.told(); got != want {
			t.Errorf("callbacks %s, want %s", got, want)
		}
	})
	wfpBubble(t, WayForPayOptions{Switches: WayForPaySwitches{OnlyApprovedAndDeclined: true}}, func(s *wfpShop) {
		steps(s)
		if got, want := s.told(), "Declined/1104 Approved/1100"; got != want {
			t.Errorf("callbacks %s, want %s", got, want)
		}
	})
}

func TestWayForPayWithoutServiceURLSendsNothing(t *testing.T) {
	wfpBubble(t, WayForPayOptions{}, func(s *wfpShop) {
		s.charge("rt-1", "10", wfpAnswer{"serviceUrl": nil})
		wfpLater(time.Minute)
		if len(s.callbacks) != 0 {
			t.Errorf("callbacks %s", s.told())
		}
	})
}

func TestWayForPayForgedCallbackClaimsAPaymentWithABadSignature(t *testing.T) {
	wfpBubble(t, WayForPayOptions{}, func(s *wfpShop) {
		if _, err := s.bank.AddNotice(NoticeRule{Face: "wayforpay", Mode: NoticeForged}); err != nil {
			t.Fatal(err)
		}
		s.answer = func(n int, reference string) (int, string) {
			if n == 1 {
				return http.StatusBadRequest, ""
			}
			return http.StatusOK, s.accept(reference, "1767225700")
		}
		s.charge("rt-1", "10", wfpAnswer{"recToken": wfpPoorToken})
		wfpLater(time.Hour)
		if got, want := s.told(), "Approved/1100 Declined/1104"; got != want {
			t.Fatalf("callbacks %s, want %s", got, want)
		}
		forged, honest := s.callbacks[0].body, s.callbacks[1].body
		s.verify(honest, wfpEightNames)
		if forged["merchantSignature"] == s.signatureOf(forged, wfpEightNames) {
			t.Error("the forged copy verifies")
		}
		if d := s.bank.Deliveries(); len(d) != 2 {
			t.Errorf("deliveries %+v", d)
		}
	})
}

func TestWayForPayCallbackCanOvertakeTheAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := wfpOpen(t, WayForPayOptions{}, nil)
		if _, err := s.bank.AddNotice(NoticeRule{Mode: NoticeBeforeAnswer}); err != nil {
			t.Fatal(err)
		}
		s.charge("rt-1", "10", nil)
		if s.told() != "Approved/1100" { // no time has passed
			t.Errorf("callbacks %q when the answer came", s.told())
		}
	})
}
