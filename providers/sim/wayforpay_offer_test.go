package sim

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestWayForPayInvoiceIsPaidOnItsPage(t *testing.T) {
	wfpBubble(t, WayForPayOptions{}, func(s *wfpShop) {
		a := s.invoice("rt-1", "1500.5", wfpAnswer{"orderTimeout": 1800})
		if a["reason"] != "Ok" || !strings.HasPrefix(fmt.Sprint(a["invoiceUrl"]), "http://example.com/invoice/i") || a["qrCode"] == nil {
			t.Errorf("the offer is %v", a)
		}
		s.status("rt-1", "Created", "1131")
		s.net("rt-1", 0)
		s.act("rt-1", ActPay)
		paid := s.status("rt-1", "Approved", "1100")
		for field, want := range map[string]string{
			"amount": "1500.5", "currency": "UAH", "fee": "30.01", "settlementAmount": "1470.49", "refundAmount": "0", "merchantAccount": "test_merch_n1",
		} {
			if got := fmt.Sprint(paid[field]); got != want {
				t.Errorf("%s is %s, want %s", field, got, want)
			}
		}
		if paid["recToken"] != nil {
			t.Error("CHECK_STATUS shows the recToken")
		}
		if !regexp.MustCompile(`^4\d\*{4}\d{4}$`).MatchString(fmt.Sprint(paid["cardPan"])) {
			t.Errorf("cardPan is %v", paid["cardPan"])
		}
		s.net("rt-1", 150050)
		for _, act := range []string{ActPay, ActPayAgain, ActDecline, ActPayLate} { // what is paid cannot be paid again
			s.act("rt-1", act)
		}
		s.net("rt-1", 150050)
		wfpLater(2 * time.Hour)
		s.status("rt-1", "Approved", "1100")
		if got, want := s.told(), "Approved/1100"; got != want {
			t.Errorf("callbacks %s, want %s", got, want)
		}
		s.blameless()
	})
}

func TestWayForPayUnpaidInvoiceExpires(t *testing.T) {
	for _, tt := range []struct {
		name    string
		timeout any
		life    time.Duration
	}{{"by default after an hour", nil, time.Hour}, {"after its own timeout", 1800, 30 * time.Minute}, {"after a timeout in text", "86400", 24 * time.Hour}} {
		t.Run(tt.name, func(t *testing.T) {
			wfpBubble(t, WayForPayOptions{}, func(s *wfpShop) {
				s.invoice("rt-1", "10", wfpAnswer{"orderTimeout": tt.timeout})
				wfpLater(tt.life - time.Second)
				s.status("rt-1", "Created", "1131")
				wfpLater(2 * time.Second)
				s.status("rt-1", "Expired", "1124")
				s.act("rt-1", ActPayLate)
				s.status("rt-1", "Expired", "1124")
				s.net("rt-1", 0)
				if s.told() != "Expired/1124" {
					t.Errorf("callbacks %s", s.told())
				}
			})
		})
	}
}

func TestWayForPayLateSuccessBreaksThePromiseOfAnExpiredInvoice(t *testing.T) {
	wfpBubble(t, WayForPayOptions{Switches: WayForPaySwitches{LateSuccess: true}}, func(s *wfpShop) {
		s.invoice("rt-1", "10", nil)
		wfpLater(2 * time.Hour)
		s.act("rt-1", ActPay) // without being late the payer meets a closed page
		s.status("rt-1", "Expired", "1124")
		s.act("rt-1", ActPayLate)
		s.status("rt-1", "Approved", "1100")
		s.net("rt-1", 1000)
		if o := s.bank.Ledger().Objects[0]; !o.Excused {
			t.Error("the broken promise does not excuse the merchant")
		}
	})
}

func TestWayForPayUnpaidInvoiceCanLookLikeNothing(t *testing.T) {
	wfpBubble(t, WayForPayOptions{Switches: WayForPaySwitches{UnpaidInvoiceIs1127: true}}, func(s *wfpShop) {
		s.invoice("rt-1", "250", nil)
		if a := s.status("rt-1", "Declined", "1127"); fmt.Sprint(a["amount"]) != "250" {
			t.Errorf("amount %v, want 250", a["amount"])
		}
		s.act("rt-1", ActPay)
		s.status("rt-1", "Approved", "1100")
	})
}

func TestWayForPayUnknownOrderIsDeclinedWithEmptyFields(t *testing.T) {
	s := wfpOpen(t, WayForPayOptions{}, nil)
	a := s.status("rt-none", "Declined", "1127")
	for _, field := range []string{"amount", "currency", "authCode", "cardPan"} {
		if a[field] != "" {
			t.Errorf("%s is %v, want it empty", field, a[field])
		}
	}
}

func TestWayForPayDeclinedInvoiceCanBePaidAgain(t *testing.T) {
	wfpBubble(t, WayForPayOptions{}, func(s *wfpShop) {
		s.invoice("rt-1", "10", nil)
		s.act("rt-1", ActDecline)
		s.status("rt-1", "Declined", "1104")
		wfpLater(time.Second)
		if url := fmt.Sprint(s.callbacks[0].body["repayUrl"]); !strings.Contains(url, "/invoice/") {
			t.Errorf("repayUrl is %q while the payer may try again", url)
		}
		s.act("rt-1", ActPay)
		s.status("rt-1", "Approved", "1100")
		s.net("rt-1", 1000)
		wfpLater(time.Second)
		if got, want := s.told(), "Declined/1104 Approved/1100"; got != want {
			t.Errorf("callbacks %s, want %s", got, want)
		}
	})
}

func TestWayForPayDeclinedInvoiceStaysDeclinedWhenItsTimeIsOver(t *testing.T) {
	wfpBubble(t, WayForPayOptions{Switches: WayForPaySwitches{DeclineCode: 1101}}, func(s *wfpShop) {
		s.invoice("rt-1", "10", nil)
		s.act("rt-1", ActDecline)
		if o := s.bank.Ledger().Objects[0]; o.Phase != Live {
			t.Errorf("a declined invoice is %s, want live", o.Phase)
		}
		wfpLater(2 * time.Hour)
		s.act("rt-1", ActPay)
		s.status("rt-1", "Declined", "1101")
		if o := s.bank.Ledger().Objects[0]; o.Phase != Dead {
			t.Errorf("it is %s when its time is over, want dead", o.Phase)
		}
	})
}

func TestWayForPayScannedInvoiceIsInProcessing(t *testing.T) {
	wfpBubble(t, WayForPayOptions{}, func(s *wfpShop) {
		s.invoice("rt-1", "10", nil)
		s.act("rt-1", ActConfirm) // nothing is scanned yet
		s.act("rt-1", ActScan)
		s.status("rt-1", "InProcessing", "1131")
		s.act("rt-1", ActScan)
		wfpLater(time.Second)
		s.act("rt-1", ActConfirm)
		s.status("rt-1", "Approved", "1100")
		wfpLater(time.Second)

		s.invoice("rt-2", "10", wfpAnswer{"orderTimeout": 60})
		s.act("rt-2", ActScan)
		wfpLater(2 * time.Minute) // the link's time is over; the payer stands before the card form still
		s.status("rt-2", "InProcessing", "1131")
		wfpLater(wfpSession)
		s.status("rt-2", "Declined", "1124")
		if got, want := s.told(), "InProcessing/1131 Approved/1100 InProcessing/1131 Declined/1124"; got != want {
			t.Errorf("callbacks %s, want %s", got, want)
		}
	})
}

func TestWayForPayRemovesAnInvoiceOnce(t *testing.T) {
	wfpBubble(t, WayForPayOptions{}, func(s *wfpShop) {
		remove := func(reference, code string) wfpAnswer {
			t.Helper()
			a := s.api("REMOVE_INVOICE", wfpAnswer{"orderReference": reference})
			s.code(a, code)
			return a
		}
		remove("rt-none", "1127")

		s.invoice("rt-1", "10", nil)
		if a := remove("rt-1", "1100"); a["reason"] != "Removed" {
			t.Errorf("reason %v, want Removed", a["reason"])
		}
		remove("rt-1", "1127")
		s.act("rt-1", ActPay)
		s.status("rt-1", "Declined", "1127")
		s.net("rt-1", 0)
		s.code(s.api("CREATE_INVOICE", wfpOrderOf("rt-1", "10", nil)), "1112")

		s.invoice("rt-2", "10", nil)
		s.act("rt-2", ActPay)
		remove("rt-2", "1126")

		s.invoice("rt-3", "10", nil)
		s.act("rt-3", ActDecline)
		remove("rt-3", "1100")
		s.act("rt-3", ActPay)
		s.status("rt-3", "Declined", "1104")

		s.charge("rt-4", "10", nil)
		remove("rt-4", "1127") // no invoice
	})
}

func TestWayForPayRemovalDoesNotStopAPayerAtTheBank(t *testing.T) {
	wfpBubble(t, WayForPayOptions{}, func(s *wfpShop) {
		s.invoice("rt-1", "10", nil)
		s.act("rt-1", ActScan)
		s.code(s.api("REMOVE_INVOICE", wfpAnswer{"orderReference": "rt-1"}), "1100")
		s.status("rt-1", "InProcessing", "1131")
		s.act("rt-1", ActConfirm)
		s.status("rt-1", "Approved", "1100")
		s.net("rt-1", 1000)

		s.invoice("rt-2", "10", nil)
		s.act("rt-2", ActScan)
		s.code(s.api("REMOVE_INVOICE", wfpAnswer{"orderReference": "rt-2"}), "1100")
		s.act("rt-2", ActDecline)
		s.act("rt-2", ActPay) // no second attempt on a removed invoice
		s.status("rt-2", "Declined", "1104")
	})
}

func TestWayForPayReviewedPaymentIsPendingFirst(t *testing.T) {
	wfpBubble(t, WayForPayOptions{Switches: WayForPaySwitches{Review: Duration(10 * time.Minute)}}, func(s *wfpShop) {
		s.invoice("rt-1", "10", nil)
		s.act("rt-1", ActPay)
		s.status("rt-1", "Pending", "1134")
		s.net("rt-1", 0)
		wfpLater(10 * time.Minute)
		s.status("rt-1", "Approved", "1100")

		s.invoice("rt-2", "10", nil)
		s.act("rt-2", ActPay)
		s.act("rt-2", ActDecline)
		s.status("rt-2", "Declined", "1114")
		wfpLater(10 * time.Minute)
		s.status("rt-2", "Declined", "1114")
		s.net("rt-2", 0)
	})
}

func TestWayForPayPayersFollowTheirRules(t *testing.T) {
	for behaviour, want := range map[string]string{
		PayerPays: "Approved", PayerNever: "Expired", PayerDeclines: "Declined", PayerLate: "Expired", PayerTwice: "Approved",
	} {
		t.Run(behaviour, func(t *testing.T) {
			wfpBubble(t, WayForPayOptions{}, func(s *wfpShop) {
				if _, err := s.bank.AddPayer(PayerRule{Face: "wayforpay", Behaviour: behaviour, After: Duration(5 * time.Second)}); err != nil {
					t.Fatal(err)
				}
				s.invoice("rt-1", "10", nil)
				wfpLater(3 * time.Hour)
				if got := s.bank.Ledger().Objects[0].Status; got != want {
					t.Errorf("the invoice is %s, want %s", got, want)
				}
				if net := s.bank.Ledger().Net("", "rt-1"); net != 0 && net != 1000 {
					t.Errorf("the payer paid %d", net)
				}
			})
		})
	}
}

func TestWayForPayHostedFormIsAnOffer(t *testing.T) {
	for _, tt := range []struct {
		name, target string
		link         func(t *testing.T, body string) string
	}{
		{"offline", "/pay?behavior=offline", func(t *testing.T, body string) string {
			return fmt.Sprint(wfpDecode(t, []byte(body))["url"])
		}},
		{"in the browser", "/pay", func(t *testing.T, body string) string {
			return regexp.MustCompile(`action="([^"]+)"`).FindStringSubmatch(body)[1]
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			wfpBubble(t, WayForPayOptions{PageURL: "https://pages.example.kz/"}, func(s *wfpShop) {
				fields := s.signed("CREATE_INVOICE", wfpOrderOf("rt-1", "1500.50", wfpAnswer{"returnUrl": "https://shop.example.kz/back"}))
				delete(fields, "transactionType")
				rec, err := s.exchange(http.MethodPost, tt.target, wfpForm(fields))
				if err != nil || rec.Code != http.StatusOK {
					t.Fatal(rec, err)
				}
				link := tt.link(t, rec.Body.String())
				path, ours := strings.CutPrefix(link, "https://pages.example.kz/page?vkh=")
				if !ours {
					t.Fatalf("the payer is sent to %q", link)
				}
				s.status("rt-1", "Created", "1131")
				rec, err = s.exchange(http.MethodPost, "/page?vkh="+path, "act=pay")
				if err != nil || !strings.Contains(rec.Body.String(), `action="https://shop.example.kz/back"`) {
					t.Errorf("the payer does not come back: %v %v", rec.Body, err)
				}
				s.status("rt-1", "Approved", "1100")
				s.net("rt-1", 150050)
				s.code(s.api("REMOVE_INVOICE", wfpAnswer{"orderReference": "rt-1"}), "1127") // only for CREATE_INVOICE
				if s.bank.Ledger().Count("wayforpay", OpCreate, "rt-1") != 1 {
					t.Error("the form is not counted as a create")
				}
			})
		})
	}
}

func TestWayForPayReturnPostIsSigned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := wfpOpen(t, WayForPayOptions{}, nil)
		a := s.invoice("rt-1", "10", wfpAnswer{"returnUrl": "https://shop.example.kz/back"})
		path := strings.TrimPrefix(fmt.Sprint(a["invoiceUrl"]), "http://example.com")
		if rec, err := s.exchange(http.MethodGet, path, ""); err != nil || !strings.Contains(rec.Body.String(), "rt-1: 10.00 UAH") {
			t.Errorf("the page shows %v %v", rec, err)
		}
		if rec, err := s.exchange(http.MethodPost, path, "act=dance"); err != nil || rec.Code != http.StatusBadRequest {
			t.Errorf("an act nobody knows is answered %v %v", rec, err)
		}
		rec, err := s.exchange(http.MethodPost, path, "act=pay")
		if err != nil {
			t.Fatal(err)
		}
		back := wfpAnswer{}
		for _, m := range regexp.MustCompile(`name="(\w+)" value="([^"]*)"`).FindAllStringSubmatch(rec.Body.String(), -1) {
			back[m[1]] = m[2]
		}
		s.verify(back, "merchantAccount orderReference amount currency authCode cardPan transactionStatus reasonCode")
		s.is(back, "Approved", "1100")
	})
}
