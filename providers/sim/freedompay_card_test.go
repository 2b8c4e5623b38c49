package sim

import (
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

const fpCardPath = "/v1/merchant/541027/"

// cardInit begins a payment by a saved card.
func (s *fpShop) cardInit(order, token string, more ...string) fpMessage {
	s.t.Helper()
	return s.call(fpCardPath+"card/init", fpInit(order, append([]string{"pg_card_token", token, "pg_user_id", fpShopUser}, more...)...)...)
}

func (s *fpShop) direct(id string) fpMessage {
	s.t.Helper()
	return s.call(fpCardPath+"card/direct", "pg_payment_id", id)
}

func TestFreedomPaySavedCardPaysInTwoSteps(t *testing.T) {
	fpBubble(t, FreedomPayOptions{}, func(s *fpShop) {
		first := s.cardInit("o1", fpGoodToken)
		id := first.text("pg_payment_id")
		fpWant(t, s.status(id), "pg_payment_status", "new")
		if err := s.bank.Act("freedompay", id, ActPay); err == nil || len(s.bank.Ledger().Entries) != 0 {
			t.Error("somebody paid what nobody was shown")
		}
		if o := s.object("o1"); !o.Unseen || o.Phase != Live {
			t.Errorf("after card/init it is %+v", o)
		}
		fpWant(t, s.direct(id), "pg_status", "ok", "pg_payment_status", "success", "pg_captured", "1", "pg_amount", "14500.00", "pg_order_id", "o1")
		if o := s.object("o1"); o.Unseen || o.Phase != Charged {
			t.Errorf("after card/direct it is %+v", o)
		}
		fpPass(time.Second)
		h := s.of("result")
		if len(h) != 1 {
			t.Fatalf("%d callbacks", len(h))
		}
		fpWant(t, h[0].m, "pg_result", "1", "pg_card_token", fpGoodToken)

		poor := s.cardInit("o2", fpPoorToken).text("pg_payment_id")
		fpWant(t, s.direct(poor), "pg_status", "ok", "pg_payment_status", "error", "pg_failure_code", "10009")
		fpWant(t, s.status(poor), "pg_payment_status", "error", "pg_failure_code", "10009", "pg_captured", "0")
		held := s.cardInit("o3", fpGoodToken, "pg_auto_clearing", "0").text("pg_payment_id")
		fpWant(t, s.direct(held), "pg_payment_status", "success", "pg_captured", "0", "pg_clearing_amount", "0.00")
	})
}

// EX-1001: a repeated card/direct answers an error although the first call took the money.
func TestFreedomPayRepeatedDirectSaysWrongStatus(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := fpOpen(t, FreedomPayOptions{}, nil)
		defer s.bank.Close()
		id := s.cardInit("o1", fpGoodToken, "pg_auto_clearing", "0").text("pg_payment_id")
		s.direct(id)
		fpWant(t, s.direct(id), "pg_status", "error", "pg_error_code", "120")
		fpWant(t, s.status(id), "pg_payment_status", "success", "pg_captured", "0")
		if len(s.broken) != 1 || s.broken[0].Invariant != "I9" {
			t.Errorf("violations: %+v", s.broken)
		}
	})
	fpBubble(t, FreedomPayOptions{Switches: FreedomPaySwitches{WrongStatus: true}}, func(s *fpShop) {
		id := s.cardInit("o1", fpGoodToken, "pg_auto_clearing", "0").text("pg_payment_id")
		fpWant(t, s.direct(id), "pg_status", "error", "pg_error_code", "120")
		if o := s.object("o1"); o.Phase != Held {
			t.Errorf("it is %s", o.Phase)
		}
		fpPass(50 * time.Second)
		if len(s.of("result")) != 0 {
			t.Error("the callback came at once")
		}
		fpPass(20 * time.Second)
		if h := s.of("result"); len(h) != 1 || h[0].m.text("pg_result") != "1" {
			t.Errorf("callbacks: %+v", h)
		}
	})
}

func TestFreedomPayDirectMayPendOrBeBare(t *testing.T) {
	fpBubble(t, FreedomPayOptions{Switches: FreedomPaySwitches{DirectPends: Duration(20 * time.Second), BareErrors: true}}, func(s *fpShop) {
		id := s.cardInit("o1", fpGoodToken).text("pg_payment_id")
		fpWant(t, s.direct(id), "pg_status", "ok", "pg_payment_status", "process")
		if s.pay(id, ActConfirm); s.object("o1").Phase != Live {
			t.Error("a payer confirmed what only the bank decides")
		}
		fpPass(21 * time.Second)
		fpWant(t, s.status(id), "pg_payment_status", "success")
	})
	fpBubble(t, FreedomPayOptions{Switches: FreedomPaySwitches{BareErrors: true}}, func(s *fpShop) {
		m := s.direct(s.cardInit("o1", fpOldToken).text("pg_payment_id"))
		fpWant(t, m, "pg_status", "error", "pg_error_code", "10017")
		if m.has("pg_payment_status") {
			t.Errorf("it is not bare: %s", m.form(""))
		}
	})
}

func TestFreedomPayCardCallsRefuse(t *testing.T) {
	fpBubble(t, FreedomPayOptions{}, func(s *fpShop) {
		fpWant(t, s.cardInit("o1", "tok-nobody"), "pg_error_code", "10032")
		fpWant(t, s.cardInit("o1", fpGoodToken, "pg_user_id", "user_2"), "pg_error_code", "10032")
		fpWant(t, s.cardInit("", fpGoodToken), "pg_error_code", "200")
		fpWant(t, s.cardInit("o1", fpGoodToken, "pg_amount", "x"), "pg_error_code", "11022")
		fpWant(t, s.direct("1234567890"), "pg_error_code", "11068")
		fpWant(t, s.direct(""), "pg_error_code", "200")
		fpWant(t, s.direct(s.init("page")), "pg_error_code", "10039")
		late := s.cardInit("o2", fpGoodToken).text("pg_payment_id")
		fpPass(901 * time.Second)
		fpWant(t, s.direct(late), "pg_error_code", "10018")
		if len(s.bank.Ledger().Entries) != 0 {
			t.Error("money moved")
		}
	})
}

func TestFreedomPayCardAnswersMayHaveAnEmptyScript(t *testing.T) {
	fpBubble(t, FreedomPayOptions{Switches: FreedomPaySwitches{EmptyScript: true}}, func(s *fpShop) {
		path := fpCardPath + "card/init"
		rec, err := s.exchange(fpPost(path, s.message(path, fpInit("o1", "pg_card_token", fpGoodToken, "pg_user_id", fpShopUser)...).form("")))
		if err != nil {
			t.Fatal(err)
		}
		m, usual := s.read(path, rec)
		if usual || fpOwnSign(m, "", FreedomPayDefaultSecret) != m.text("pg_sig") {
			t.Errorf("it is signed otherwise: %s", rec.Body)
		}
		s.init("o2") // every other answer has its script
	})
}

func TestFreedomPayCardPayAsksThePayer(t *testing.T) {
	fpBubble(t, FreedomPayOptions{}, func(s *fpShop) {
		id := s.cardInit("o1", fpGoodToken).text("pg_payment_id")
		m := s.call(fpCardPath+"card/pay", "pg_payment_id", id)
		fpWant(t, m, "pg_status", "ok", "pg_payment_id", id)
		if !strings.Contains(m.text("pg_redirect_url"), "/pay.html?customer=") {
			t.Errorf("there is no page: %s", m.form(""))
		}
		fpWant(t, s.status(id), "pg_payment_status", "new")
		s.pay(id, ActPay)
		fpWant(t, s.status(id), "pg_payment_status", "success", "pg_card_token", fpGoodToken)
	})
}

func TestFreedomPayRecurringPayments(t *testing.T) {
	fpBubble(t, FreedomPayOptions{}, func(s *fpShop) {
		recur := func(profile, order string) fpMessage {
			return s.call("/make_recurring_payment.php", fpInit(order, "pg_recurring_profile", profile)...)
		}
		m := recur("77001122", "r1")
		fpWant(t, m, "pg_status", "ok")
		fpWant(t, s.status(m.text("pg_payment_id")), "pg_payment_status", "success")
		fpWant(t, recur("1", "r2"), "pg_error_code", "10032")
		s.paid("o1", "pg_recurring_start", "1", "pg_recurring_lifetime", "1")
		profile := s.of("result")[1].m.text("pg_recurring_profile")
		fpWant(t, recur(profile, "r3"), "pg_status", "ok")
		fpPass(32 * 24 * time.Hour)
		fpWant(t, recur(profile, "r4"), "pg_error_code", "365")
		if net := s.bank.Ledger().Net("freedompay", "r3"); net != 14500_00 {
			t.Errorf("the bank has %d", net)
		}
	})
}

func TestFreedomPayCardStorage(t *testing.T) {
	fpBubble(t, FreedomPayOptions{}, func(s *fpShop) {
		m := s.call(fpCardPath+"cardstorage/add2", "pg_user_id", "user_9", "pg_post_link", fpShopURL+"card", "pg_back_link", "https://shop.example/ok")
		page := m.text("pg_redirect_url")
		rec, err := s.exchange(httptest.NewRequest("GET", page, nil))
		if err != nil || !strings.Contains(rec.Body.String(), "save") {
			t.Fatalf("the page: %v %s", err, rec.Body)
		}
		r := httptest.NewRequest("POST", page, strings.NewReader("act=save"))
		if rec, err = s.exchange(r); err != nil || !strings.Contains(rec.Body.String(), "https://shop.example/ok") {
			t.Fatalf("the page after saving: %v %s", err, rec.Body)
		}
		fpPass(time.Second)
		h := s.of("card")
		if len(h) != 1 || !h[0].signed || h[0].m.text("pg_user_id") != "user_9" {
			t.Fatalf("callbacks: %+v", h)
		}
		token := h[0].m.text("pg_card_token")
		list := s.call(fpCardPath+"cardstorage/list", "pg_user_id", "user_9")
		if !strings.Contains(string(list.xml("r")), "<pg_card_token>"+token+"</pg_card_token>") {
			t.Errorf("the list is %s", list.xml("r"))
		}
		id := s.cardInit("o1", token, "pg_user_id", "user_9").text("pg_payment_id")
		fpWant(t, s.direct(id), "pg_payment_status", "success")
		fpWant(t, s.call(fpCardPath+"cardstorage/remove", "pg_user_id", "user_9", "pg_card_token", token), "pg_status", "ok")
		fpWant(t, s.cardInit("o2", token, "pg_user_id", "user_9"), "pg_error_code", "10032")
		fpWant(t, s.call(fpCardPath+"cardstorage/add", "pg_user_id", ""), "pg_error_code", "200")
	})
}

// A payment that card/init began and nobody went on with does not stand in the way of another gateway; one that card/direct took does.
func TestFreedomPayCardInitIsNoPaymentYet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := fpOpen(t, FreedomPayOptions{}, func(o *Options) {
			o.PaymentOf = func(_, reference string) string { return "p-" + reference[:1] }
		})
		defer s.bank.Close()
		first := s.cardInit("a1", fpGoodToken).text("pg_payment_id")
		s.init("a2")
		if len(s.broken) != 0 {
			t.Fatalf("violations: %+v", s.broken)
		}
		s.direct(first)
		if len(s.broken) != 1 || s.broken[0].Invariant != "I7" {
			t.Errorf("violations: %+v", s.broken)
		}
	})
}
