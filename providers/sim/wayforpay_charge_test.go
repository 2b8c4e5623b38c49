package sim

import (
	"fmt"
	"testing"
	"time"
)

const wfpEightNames = "merchantAccount orderReference amount currency authCode cardPan transactionStatus reasonCode"

func TestWayForPayChargesASavedCardInsideTheCall(t *testing.T) {
	wfpBubble(t, WayForPayOptions{}, func(s *wfpShop) {
		a := s.charge("rt-5", "250", nil)
		s.verify(a, wfpEightNames)
		s.is(a, "Approved", "1100")
		for field, want := range map[string]string{
			"amount": "250", "fee": "5", "cardPan": "51****5977", "cardType": "MasterCard", "recToken": wfpCardToken,
			"merchantTransactionType": "SALE", "paymentSystem": "card", "reason": "Ok",
		} {
			if got := fmt.Sprint(a[field]); got != want {
				t.Errorf("%s is %s, want %s", field, got, want)
			}
		}
		s.net("rt-5", 25000)
		s.status("rt-5", "Approved", "1100")
		wfpLater(time.Second)
		if s.told() != "Approved/1100" {
			t.Errorf("callbacks %s", s.told())
		}
		s.blameless()
	})
}

func TestWayForPayDeclinedChargeIsOver(t *testing.T) {
	wfpBubble(t, WayForPayOptions{}, func(s *wfpShop) {
		a := s.charge("rt-5", "250", wfpAnswer{"recToken": wfpPoorToken})
		s.verify(a, wfpEightNames)
		s.is(a, "Declined", "1104")
		s.act("rt-5", ActPay)
		s.status("rt-5", "Declined", "1104")
		s.net("rt-5", 0)
		if o := s.bank.Ledger().Objects[0]; o.Phase != Dead {
			t.Errorf("a declined charge is %s, want dead", o.Phase)
		}
	})
}

func TestWayForPayRepeatedReferenceIsRefusedWhateverBecameOfTheFirst(t *testing.T) {
	wfpBubble(t, WayForPayOptions{}, func(s *wfpShop) {
		s.charge("rt-1", "250", nil)
		again := s.charge("rt-1", "250", nil)
		s.verify(again, wfpEightNames)
		s.is(again, "Declined", "1112")
		if again["authCode"] != "" {
			t.Error("the refusal of a repeat carries the first charge's authCode")
		}
		s.net("rt-1", 25000)
		s.status("rt-1", "Approved", "1100")

		s.charge("rt-2", "250", wfpAnswer{"recToken": wfpPoorToken})
		s.is(s.charge("rt-2", "250", nil), "Declined", "1112")
		s.code(s.api("CREATE_INVOICE", wfpOrderOf("rt-2", "250", nil)), "1112")
		s.net("rt-2", 0)

		var repeats int
		for _, v := range s.broken {
			if v.Invariant != "I9" {
				t.Errorf("violation %v", v)
			}
			repeats++
		}
		if repeats != 3 {
			t.Errorf("%d repeats reported as I9, want 3", repeats)
		}
	})
}

func TestWayForPayIssuesATokenThatCanBeCharged(t *testing.T) {
	wfpBubble(t, WayForPayOptions{}, func(s *wfpShop) {
		s.invoice("rt-1", "10", nil)
		s.act("rt-1", ActDecline)
		wfpLater(time.Second)
		s.act("rt-1", ActPay)
		wfpLater(time.Second)
		if token := s.callbacks[0].body["recToken"]; token != "" {
			t.Errorf("a declined card has the token %v", token)
		}
		token := s.callbacks[1].body["recToken"]
		a := s.charge("rt-2", "20", wfpAnswer{"recToken": token})
		s.is(a, "Approved", "1100")
		if a["cardPan"] != s.callbacks[1].body["cardPan"] || a["recToken"] != token {
			t.Errorf("token of %v charged %v", s.callbacks[1].body["cardPan"], a["cardPan"])
		}
	})
}

func TestWayForPayChargeCanAskFor3DSecure(t *testing.T) {
	ask := func(s *wfpShop, reference string) wfpAnswer {
		s.t.Helper()
		a := s.charge(reference, "250", nil)
		s.verify(a, wfpEightNames)
		s.is(a, "InProcessing", "5100")
		for _, field := range []string{"authTicket", "d3AcsUrl", "d3Md", "d3Pareq"} {
			if fmt.Sprint(a[field]) == "" || a[field] == nil {
				s.t.Errorf("%s is missing", field)
			}
		}
		s.status(reference, "InProcessing", "5100")
		return a
	}
	complete := func(s *wfpShop, a wfpAnswer) wfpAnswer {
		s.t.Helper()
		body := fmt.Sprintf(`{"transactionType":"COMPLETE_3DS","authorization_ticket":%q,"d3ds_md":%q,"d3ds_pares":"eJzV"}`, a["authTicket"], a["d3Md"])
		return s.post(body)
	}
	always := WayForPayOptions{Switches: WayForPaySwitches{ThreeDS: true}}

	t.Run("and is completed by the merchant", func(t *testing.T) {
		wfpBubble(t, always, func(s *wfpShop) {
			a := ask(s, "rt-1")
			s.code(s.api("COMPLETE_3DS", wfpAnswer{"authorization_ticket": a["authTicket"], "d3ds_md": "wrong", "d3ds_pares": "x"}), "1109")
			s.code(s.api("COMPLETE_3DS", wfpAnswer{"authorization_ticket": "wrong", "d3ds_md": "x", "d3ds_pares": "x"}), "1127")
			s.code(s.api("COMPLETE_3DS", wfpAnswer{"authorization_ticket": a["authTicket"], "d3ds_md": a["d3Md"]}), "1115")
			s.net("rt-1", 0)
			done := complete(s, a)
			s.verify(done, wfpEightNames)
			s.is(done, "Approved", "1100")
			s.net("rt-1", 25000)
			s.code(complete(s, a), "1126")
			s.net("rt-1", 25000)
		})
	})
	t.Run("and is refused by the payer", func(t *testing.T) {
		wfpBubble(t, always, func(s *wfpShop) {
			a := ask(s, "rt-1")
			s.act("rt-1", ActDecline)
			s.status("rt-1", "Declined", "1108")
			s.code(complete(s, a), "1126")
			s.net("rt-1", 0)
		})
	})
	t.Run("and is left", func(t *testing.T) {
		wfpBubble(t, always, func(s *wfpShop) {
			ask(s, "rt-1")
			wfpLater(wfpSession)
			s.status("rt-1", "Declined", "1124")
			s.net("rt-1", 0)
		})
	})
	t.Run("and is confirmed behind the merchant's back", func(t *testing.T) {
		wfpBubble(t, always, func(s *wfpShop) {
			ask(s, "rt-1")
			s.act("rt-1", ActPay)
			s.status("rt-1", "Approved", "1100")
			wfpLater(wfpSession)
			s.status("rt-1", "Approved", "1100")
		})
	})
	t.Run("because the merchant wants it", func(t *testing.T) {
		wfpBubble(t, WayForPayOptions{}, func(s *wfpShop) {
			s.is(s.charge("rt-1", "250", wfpAnswer{"merchantTransactionSecureType": "3DS"}), "InProcessing", "5100")
			s.is(s.charge("rt-2", "250", wfpAnswer{"merchantTransactionSecureType": "AUTO"}), "Approved", "1100")
		})
	})
}

func TestWayForPayAllowsTheMerchantsCurrenciesOnly(t *testing.T) {
	wfpBubble(t, WayForPayOptions{Currencies: []string{"KZT", "UAH"}}, func(s *wfpShop) {
		a := s.charge("rt-1", "15490", wfpAnswer{"currency": "KZT"})
		s.is(a, "Approved", "1100")
		if a["currency"] != "KZT" {
			t.Errorf("currency %v, want KZT", a["currency"])
		}
		s.is(s.charge("rt-2", "10", nil), "Approved", "1100")
		all := wfpOrderOf("rt-3", "10", wfpAnswer{"currency": "USD", "recToken": wfpCardToken})
		s.code(s.api("CHARGE", all), "1110")
	})
}

func TestWayForPayKnowsOnlyItsOwnMerchant(t *testing.T) {
	s := wfpOpen(t, WayForPayOptions{Account: "shop_kz", Key: "another key"}, nil)
	s.code(s.api("CHECK_STATUS", wfpAnswer{"orderReference": "rt-1"}), "1121")
	s.key = "another key"
	a := s.api("CHECK_STATUS", wfpAnswer{"orderReference": "rt-1", "merchantAccount": "shop_kz"})
	s.verify(a, wfpEightNames)
	s.is(a, "Declined", "1127")
}
