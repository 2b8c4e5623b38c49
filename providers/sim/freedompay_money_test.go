package sim

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func (s *fpShop) held(order string) string {
	s.t.Helper()
	id := s.paid(order, "pg_auto_clearing", "0")
	if o := s.object(order); o.Phase != Held {
		s.t.Fatalf("it is %s", o.Phase)
	}
	return id
}

func TestFreedomPayHoldIsCapturedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := fpOpen(t, FreedomPayOptions{}, nil)
		defer s.bank.Close()
		id := s.held("o1")
		fpWant(t, s.status(id), "pg_payment_status", "success", "pg_captured", "0", "pg_clearing_amount", "0.00")
		fpWant(t, s.call("/revoke.php", "pg_payment_id", id), "pg_error_code", "10034")
		fpWant(t, s.call("/do_capture.php", "pg_payment_id", id, "pg_clearing_amount", "14500.01"), "pg_error_code", "10039")
		fpWant(t, s.call("/do_capture.php", "pg_payment_id", id, "pg_clearing_amount", "0"), "pg_error_code", "11022")
		fpWant(t, s.call("/do_capture.php", "pg_payment_id", id, "pg_clearing_amount", "10000"), "pg_status", "ok", "pg_amount", "14500.00", "pg_clearing_amount", "10000.00")
		fpWant(t, s.status(id), "pg_captured", "0") // it lags
		fpPass(2 * time.Second)
		fpWant(t, s.status(id), "pg_captured", "1", "pg_clearing_amount", "10000.00", "pg_amount", "14500.00")
		fpWant(t, s.call("/do_capture.php", "pg_payment_id", id), "pg_error_code", "10036")
		fpWant(t, s.call("/cancel.php", "pg_payment_id", id), "pg_error_code", "10012")
		if net := s.bank.Ledger().Net("freedompay", "o1"); net != 10000_00 {
			t.Errorf("the bank has %d", net)
		}
		if h := s.of("capture"); len(h) != 1 || !h[0].signed || h[0].m.text("pg_payment_id") != id {
			t.Errorf("callbacks: %+v", h)
		}
		twin := s.held("o2")
		fpWant(t, s.call("/g2g/clearing", "pg_payment_id", twin, "pg_amount", "14500.00"), "pg_status", "ok", "pg_status_clearing", "1", "pg_clearing_amount", "14500.00")
	})
}

func TestFreedomPayHoldIsCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := fpOpen(t, FreedomPayOptions{}, nil)
		defer s.bank.Close()
		id := s.held("o1")
		fpWant(t, s.call("/cancel.php", "pg_payment_id", id), "pg_status", "ok")
		m := s.status(id)
		fpWant(t, m, "pg_payment_status", "revoked", "pg_revoke_amount", "14500.00", "pg_captured", "0", "pg_clearing_amount", "0.00")
		if !strings.Contains(string(m.xml("r")), "<pg_revoked_payments><pg_revoked_payment>") {
			t.Errorf("no row of it: %s", m.xml("r"))
		}
		for path, code := range map[string]string{"/cancel.php": "10033", "/do_capture.php": "10033", "/revoke.php": "10033"} {
			fpWant(t, s.call(path, "pg_payment_id", id), "pg_error_code", code)
		}
		twin := s.held("o2")
		m = s.call("/g2g/cancel", "pg_payment_id", twin)
		fpWant(t, m, "pg_status", "ok", "pg_revoke_status", "success")
		if m.text("pg_payment_revoke_id") == "" || s.object("o2").Phase != Dead {
			t.Errorf("it is %s, %s", s.object("o2").Phase, m.form(""))
		}
	})
}

func TestFreedomPayHoldIsClearedByItselfAfterFiveDays(t *testing.T) {
	fpBubble(t, FreedomPayOptions{}, func(s *fpShop) {
		id := s.held("o1")
		fpPass(5*24*time.Hour - 10*time.Second)
		if o := s.object("o1"); o.Phase != Held {
			t.Errorf("too early it is %s", o.Phase)
		}
		fpPass(20 * time.Second)
		fpWant(t, s.status(id), "pg_payment_status", "success", "pg_captured", "1", "pg_clearing_amount", "14500.00")
		if o := s.object("o1"); o.Captured != 14500_00 || len(s.of("capture")) != 1 {
			t.Errorf("it is %+v, %d callbacks", o, len(s.of("capture")))
		}
	})
}

func TestFreedomPayRefundsUntilNothingIsLeft(t *testing.T) {
	fpBubble(t, FreedomPayOptions{}, func(s *fpShop) {
		id := s.paid("o1")
		fpWant(t, s.call("/revoke.php", "pg_payment_id", id, "pg_refund_amount", "3000.00"), "pg_status", "ok")
		if m := s.status(id); m.has("pg_refund_amount") {
			t.Error("the refund is seen at once")
		}
		fpPass(2 * time.Second)
		m := s.call("/g2g/refund", "pg_payment_id", id, "pg_amount", "2000")
		fpWant(t, m, "pg_status", "ok", "pg_refund_status", "success")
		fpPass(3 * time.Second)
		got := s.status(id)
		fpWant(t, got, "pg_payment_status", "success", "pg_refund_amount", "-5000.00", "pg_captured", "1", "pg_clearing_amount", "14500.00")
		if rows := string(got.xml("r")); strings.Count(rows, "<pg_refund_payment>") != 2 || !strings.Contains(rows, "<pg_amount>-2000.00</pg_amount>") ||
			!strings.Contains(rows, "<pg_payment_id>"+m.text("pg_payment_refund_id")+"</pg_payment_id>") {
			t.Errorf("the rows are %s", rows)
		}
		fpWant(t, s.call("/revoke.php", "pg_payment_id", id, "pg_refund_amount", "9500.01"), "pg_error_code", "10020")
		fpWant(t, s.call("/revoke", "pg_payment_id", id, "pg_refund_amount", "0"), "pg_status", "ok") // everything that is left
		fpPass(3 * time.Second)
		fpWant(t, s.status(id), "pg_payment_status", "refunded", "pg_refund_amount", "-14500.00")
		fpWant(t, s.call("/revoke.php", "pg_payment_id", id), "pg_error_code", "11018")
		h := s.of("refund")
		if len(h) != 3 || !h[0].signed {
			t.Fatalf("callbacks: %+v", h)
		}
		fpWant(t, h[1].m, "pg_amount", "2000.00", "pg_order_id", "o1", "pg_payment_id", id, "pg_refund_id", m.text("pg_payment_refund_id"))
		if net := s.bank.Ledger().Net("freedompay", "o1"); net != 0 {
			t.Errorf("the bank has %d", net)
		}
		for _, bad := range []string{"-1", "x", "1.001"} {
			fpWant(t, s.call("/revoke.php", "pg_payment_id", s.paid("bad"+bad), "pg_refund_amount", bad), "pg_error_code", "11022")
		}
		fpWant(t, s.call("/revoke.php", "pg_payment_id", s.init("unpaid")), "pg_error_code", "10034")
		old := s.paid("old")
		fpPass(181 * 24 * time.Hour)
		fpWant(t, s.call("/revoke.php", "pg_payment_id", old), "pg_error_code", "11054")
	})
	fpBubble(t, FreedomPayOptions{Switches: FreedomPaySwitches{RefundedIsSuccess: true, StatusLag: -1}}, func(s *fpShop) {
		id := s.paid("o1")
		s.call("/revoke.php", "pg_payment_id", id)
		fpWant(t, s.status(id), "pg_payment_status", "success", "pg_refund_amount", "-14500.00")
	})
}

func TestFreedomPayRefundsMayWait(t *testing.T) {
	fpBubble(t, FreedomPayOptions{Switches: FreedomPaySwitches{RefundsTake: Duration(time.Hour), StatusLag: -1}}, func(s *fpShop) {
		id := s.paid("o1")
		fpWant(t, s.call("/g2g/refund", "pg_payment_id", id, "pg_amount", "14500"), "pg_refund_status", "pending")
		m := s.status(id)
		if m.has("pg_refund_amount") || !strings.Contains(string(m.xml("r")), "<pg_payment_status>process</pg_payment_status>") {
			t.Errorf("while it waits: %s", m.xml("r"))
		}
		fpWant(t, s.call("/g2g/refund", "pg_payment_id", id, "pg_amount", "1"), "pg_error_code", "10020")
		fpPass(time.Hour)
		fpWant(t, s.status(id), "pg_payment_status", "refunded", "pg_refund_amount", "-14500.00")
	})
}

func TestFreedomPayRepeatsUnderAKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := fpOpen(t, FreedomPayOptions{}, nil)
		defer s.bank.Close()
		first := s.call("/init_payment.php", fpInit("o1", "pg_idempotency_key", "o1:create:1")...)
		again := s.call("/init_payment.php", fpInit("o1", "pg_idempotency_key", "o1:create:1")...)
		if first.text("pg_payment_id") != again.text("pg_payment_id") || first.text("pg_salt") == again.text("pg_salt") {
			t.Errorf("the first is %s, the second %s", first.form(""), again.form(""))
		}
		fpWant(t, s.call("/init_payment.php", fpInit("o1", "pg_idempotency_key", "o1:create:1", "pg_amount", "1")...), "pg_error_code", "9991")
		id := s.paid("o2")
		for range 2 {
			fpWant(t, s.call("/revoke.php", "pg_payment_id", id, "pg_refund_amount", "1000", "pg_idempotency_key", "o2:refund:1"), "pg_status", "ok")
		}
		fpWant(t, s.call("/revoke.php", "pg_payment_id", id, "pg_refund_amount", "1000", "pg_idempotency_key", "o1:create:1"), "pg_error_code", "9991")
		if net := s.bank.Ledger().Net("freedompay", "o2"); net != 13500_00 {
			t.Errorf("the bank has %d", net)
		}
		for range 2 { // no key: blind repeats take money twice
			s.call("/g2g/refund", "pg_payment_id", id, "pg_amount", "500", "pg_idempotency_key", "not documented here")
		}
		if net := s.bank.Ledger().Net("freedompay", "o2"); net != 12500_00 {
			t.Errorf("the bank has %d", net)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		s := fpOpen(t, FreedomPayOptions{Switches: FreedomPaySwitches{IgnoreKeys: true}}, nil)
		defer s.bank.Close()
		first, second := s.init("o1", "pg_idempotency_key", "k"), s.init("o1", "pg_idempotency_key", "k")
		if first == second {
			t.Error("the key is not ignored")
		}
	})
}

func TestFreedomPayOrderMayComeAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := fpOpen(t, FreedomPayOptions{}, nil)
		defer s.bank.Close()
		first := s.init("o1")
		second := s.init("o1")
		if first == second {
			t.Fatal("it is the same payment")
		}
		s.pay(first, ActPay)
		fpWant(t, s.call("/get_status3.php", "pg_order_id", "o1"), "pg_payment_id", second, "pg_payment_status", "new") // the last one
		fpWant(t, s.call("/get_status3.php", "pg_order_id", "o1", "pg_payment_id", first), "pg_payment_status", "success")
		fpWant(t, s.call("/get_status3.php", "pg_order_id", "o2", "pg_payment_id", first), "pg_error_code", "11068")
	})
	synctest.Test(t, func(t *testing.T) {
		s := fpOpen(t, FreedomPayOptions{Switches: FreedomPaySwitches{UniqueOrders: true}}, nil)
		defer s.bank.Close()
		s.init("o1")
		fpWant(t, s.call("/init_payment.php", fpInit("o1")...), "pg_status", "error", "pg_error_code", "9991")
	})
}

func TestFreedomPayNotFound(t *testing.T) {
	for _, c := range []struct {
		sw           FreedomPaySwitches
		status, code string
		id           string
	}{
		{FreedomPaySwitches{}, "error", "11068", ""}, {FreedomPaySwitches{LegacyNotFound: true}, "error", "340", ""},
		{FreedomPaySwitches{ZeroID: true}, "ok", "", "0"},
	} {
		fpBubble(t, FreedomPayOptions{Switches: c.sw}, func(s *fpShop) {
			fpWant(t, s.status("1"), "pg_status", c.status, "pg_error_code", c.code, "pg_payment_id", c.id)
			fpWant(t, s.call("/get_status3.php"), "pg_error_code", "200")
		})
	}
	fpBubble(t, FreedomPayOptions{Switches: FreedomPaySwitches{ZeroID: true, HiddenFor: Duration(time.Minute)}}, func(s *fpShop) {
		s.init("o1")
		for range 29 {
			fpWant(t, s.call("/get_status3.php", "pg_order_id", "o1"), "pg_status", "ok", "pg_payment_id", "0")
			fpPass(2 * time.Second)
		}
		fpPass(2 * time.Second)
		fpWant(t, s.call("/get_status3.php", "pg_order_id", "o1"), "pg_payment_status", "new")
	})
}

func TestFreedomPayLegacyStatusHasWordsOfItsOwn(t *testing.T) {
	fpBubble(t, FreedomPayOptions{Switches: FreedomPaySwitches{StatusLag: -1}}, func(s *fpShop) {
		word := func(order string, want, byID string) {
			t.Helper()
			m := s.call("/get_status.php", "pg_order_id", order)
			fpWant(t, m, "pg_transaction_status", want, "pg_payment_status", "")
			fpWant(t, s.call("/get_status2.php", "pg_payment_id", m.text("pg_payment_id")), "pg_transaction_status", byID)
		}
		id := s.init("o1")
		word("o1", "partial", "new")
		s.pay(id, ActScan)
		word("o1", "pending", "new")
		s.pay(id, ActConfirm)
		word("o1", "ok", "ok")
		s.call("/revoke.php", "pg_payment_id", id)
		word("o1", "refunded", "revoked")
		s.pay(s.init("o2"), ActDecline)
		word("o2", "failed", "failed")
		s.call("/cancel.php", "pg_payment_id", s.held("o3"))
		word("o3", "revoked", "revoked")
		s.init("o4")
		fpPass(time.Hour)
		word("o4", "incomplete", "incomplete")
	})
}

func TestFreedomPayRegistryIsADayOfAlmaty(t *testing.T) {
	fpBubble(t, FreedomPayOptions{}, func(s *fpShop) {
		s.paid("o1")
		s.init("unpaid")
		time.Sleep(19*time.Hour - time.Since(s.opened)) // midnight in Almaty
		s.paid("o2")
		for day, want := range map[string]string{"2000-01-01": "o1", "2000-01-02": "o2", "2000-01-03": ""} {
			m := s.call("/get_registry.php", "pg_date", day)
			text := string(m.xml("r"))
			if strings.Count(text, "<payment>") != len(want)/2 || want != "" && !strings.Contains(text, "<pg_order_id>"+want+"</pg_order_id>") {
				t.Errorf("%s: %s", day, text)
			}
		}
		fpWant(t, s.call("/get_registry.php", "pg_date", "yesterday"), "pg_error_code", "11022")
		fpWant(t, s.call("/get_registry.php"), "pg_error_code", "200")
		if m := s.call("/ps_list.php", "pg_amount", "100"); !strings.Contains(string(m.xml("r")), "EPAYWEBKZT") {
			t.Errorf("payment systems: %s", m.xml("r"))
		}
	})
}

func TestFreedomPaySettleLeavesNothingBehind(t *testing.T) {
	fpBubble(t, FreedomPayOptions{Switches: FreedomPaySwitches{RetryAfterDecline: true}}, func(s *fpShop) {
		s.init("offered")
		s.pay(s.init("declined"), ActDecline)
		s.held("held")
		s.call("/revoke.php", "pg_payment_id", s.paid("paid"), "pg_refund_amount", "1")
		for _, order := range []string{"offered", "declined", "held", "paid"} {
			if over, err := s.bank.Settle("freedompay", order); err != nil || !over {
				t.Errorf("%s: over %t, %v", order, over, err)
			}
			if net := s.bank.Ledger().Net("freedompay", order); net != 0 {
				t.Errorf("%s: the bank has %d", order, net)
			}
		}
		s.pay(s.init("busy"), ActScan)
		if over, _ := s.bank.Settle("freedompay", "busy"); over {
			t.Error("a payer before the card form was stopped")
		}
	})
}
