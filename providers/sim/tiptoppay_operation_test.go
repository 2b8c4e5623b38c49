package sim

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"
)

func ttpByID(id string, more ttpObject) ttpObject {
	return ttpObject{"TransactionId": json.Number(id)}.with(more)
}

func TestTipTopPayHoldIsTakenInPartOnce(t *testing.T) {
	ttpBubble(t, TipTopPayOptions{}, func(s *ttpShop) {
		id := s.held("rt-1")
		confirm := func(amount string) ttpObject {
			return s.api("/payments/confirm", ttpByID(id, ttpObject{"Amount": json.Number(amount), "JsonData": ttpObject{}}))
		}
		s.phase("rt-1", Held)
		s.net("rt-1", 0)
		s.refusal(confirm("14500.01"), "Amount is more than authorized")
		s.refusal(confirm("0"), "Invalid Amount value")
		s.refusal(s.api("/payments/confirm", ttpByID(id, nil)), "Amount is required")
		s.refusal(s.refund(id, "1"), nil) // nothing is taken yet
		if a := confirm("5000"); a["Success"] != true || a["Model"] != nil {
			t.Fatalf("the confirm is answered %v", a)
		}
		s.net("rt-1", 500000)
		if m := s.status("rt-1", "Completed"); m["Amount"] != json.Number("5000.00") || m["ConfirmDateIso"] == nil {
			t.Errorf("it is %v", m)
		}
		s.refusal(confirm("100"), "Transaction is Completed")
		s.refusal(s.api("/payments/void", ttpByID(id, nil)), nil)
		s.net("rt-1", 500000)
		ttpLater(8 * 24 * time.Hour)
		s.net("rt-1", 500000)
		if got := s.told(); got != "pay Authorized 14500.00, confirm Completed 5000.00" {
			t.Errorf("the shop was told %s", got)
		}
	})
}

func TestTipTopPayHoldIsReleased(t *testing.T) {
	ttpBubble(t, TipTopPayOptions{}, func(s *ttpShop) {
		id := s.held("rt-1")
		if a := s.api("/payments/void", ttpByID(id, nil)); a["Success"] != true || a["Message"] != nil {
			t.Fatalf("the void is answered %v", a)
		}
		s.status("rt-1", "Cancelled")
		s.phase("rt-1", Dead)
		s.refusal(s.api("/payments/void", ttpByID(id, nil)), "Transaction is Cancelled")
		s.refusal(s.api("/payments/confirm", ttpByID(id, ttpObject{"Amount": 1})), nil)
		ttpLater(time.Minute)
		if got := s.told(); got != "pay Authorized 14500.00, cancel  14500.00" {
			t.Errorf("the shop was told %s", got)
		}
	})
}

func TestTipTopPayHoldEndsAfterSevenDays(t *testing.T) {
	ttpBubble(t, TipTopPayOptions{}, func(s *ttpShop) {
		s.order("rt-1", ttpObject{"RequireConfirmation": true})
		s.act("rt-1", ActPay)
		ttpLater(7*24*time.Hour - time.Minute)
		s.status("rt-1", "Authorized")
		ttpLater(time.Minute)
		s.status("rt-1", "Cancelled")
		s.net("rt-1", 0)
		s.act("rt-1", ActPay) // an order is used up by one authorisation
		s.net("rt-1", 0)
	})
}

func TestTipTopPayTerminalMayConfirmByItself(t *testing.T) {
	ttpBubble(t, TipTopPayOptions{Switches: TipTopPaySwitches{AutoConfirm: Duration(48 * time.Hour)}}, func(s *ttpShop) {
		s.held("rt-1")
		voided := s.held("rt-2")
		s.api("/payments/void", ttpByID(voided, nil))
		ttpLater(47 * time.Hour)
		s.net("rt-1", 0)
		ttpLater(2 * time.Hour)
		s.status("rt-1", "Completed")
		s.net("rt-1", 1450000)
		s.net("rt-2", 0)
		if last := s.heard[len(s.heard)-1]; last.kind != "confirm" {
			t.Errorf("the shop was told %s", s.told())
		}
	})
}

func TestTipTopPayRefundsInPartsUpToWhatWasTaken(t *testing.T) {
	ttpBubble(t, TipTopPayOptions{}, func(s *ttpShop) {
		id := ttpID(s.token("rt-1", ttpGoodToken))
		ttpLater(time.Second)
		a := s.refund(id, "5000", "X-Request-ID", "rt-1-refund-1")
		own := ttpID(a)
		if a["Success"] != true || own == id || len(ttpModel(a)) != 1 {
			t.Fatalf("the refund is answered %v", a)
		}
		if m := s.status("rt-1", "Completed"); m["Refunded"] != false || ttpID(s.find("rt-1")) != id || m["Amount"] != json.Number("14500.00") {
			t.Errorf("the payment is %v", m)
		}
		last := s.api("/v2/payments/find", ttpObject{"InvoiceId": "rt-1"})
		if m := ttpModel(last); ttpID(last) != own || fmt.Sprint(m["OriginalTransactionId"]) != id || fmt.Sprint(m["Type"]) != "1" || m["Amount"] != json.Number("5000.00") {
			t.Errorf("the last operation is %v", m)
		}
		s.refusal(s.refund(id, "9500.01"), "Amount is more than there is")
		s.refusal(s.refund(own, "1"), nil) // a refund is not refunded
		s.refund(id, "9500", "X-Request-ID", "rt-1-refund-2")
		if m := s.status("rt-1", "Completed"); m["Refunded"] != true {
			t.Error("it does not say that all went back")
		}
		s.net("rt-1", 0)
		ttpLater(time.Minute)
		if got := s.told(); got != "pay Completed 14500.00, refund  5000.00, refund  9500.00" {
			t.Errorf("the shop was told %s", got)
		}
		if h := s.heard[1].fields; h.Get("TransactionId") != own || h.Get("PaymentTransactionId") != id || h.Get("OperationType") != "Refund" {
			t.Errorf("the refund was told as %v", h)
		}
		s.blamed()
	})
}

func TestTipTopPayRefundsSwitch(t *testing.T) {
	ttpBubble(t, TipTopPayOptions{Switches: TipTopPaySwitches{RefundedAtFirstPartial: true}}, func(s *ttpShop) {
		id := ttpID(s.token("rt-1", ttpGoodToken))
		s.refund(id, "0.01")
		if s.status("rt-1", "Completed")["Refunded"] != true {
			t.Error("a partial refund does not show")
		}
	})
	ttpBubble(t, TipTopPayOptions{Switches: TipTopPaySwitches{RefundsFail: true}}, func(s *ttpShop) {
		id := ttpID(s.token("rt-1", ttpGoodToken))
		a := s.refund(id, "14500")
		if a["Success"] != true {
			t.Fatalf("the refund is answered %v", a)
		}
		s.net("rt-1", 1450000)
		s.is(s.api("/payments/get", ttpByID(ttpID(a), nil)), "Declined", false)
	})
	ttpBubble(t, TipTopPayOptions{}, func(s *ttpShop) {
		id := ttpID(s.token("rt-1", ttpGoodToken))
		ttpLater(366 * 24 * time.Hour)
		s.refusal(s.refund(id, "1"), "Transaction is older than a year")
	})
}

func TestTipTopPayPeopleSettleInTheCabinet(t *testing.T) {
	ttpBubble(t, TipTopPayOptions{}, func(s *ttpShop) {
		settle := func(invoice string, want bool) {
			t.Helper()
			if over, err := s.bank.Settle("tiptoppay", invoice); err != nil || over != want {
				t.Errorf("%s is over: %v, %v, want %v", invoice, over, err, want)
			}
		}
		s.order("unpaid", nil)
		s.held("held")
		s.refund(ttpID(s.token("paid", ttpGoodToken)), "500")
		s.order("begun", nil)
		s.act("begun", ActScan)
		for _, invoice := range []string{"unpaid", "held", "paid"} {
			settle(invoice, true)
			s.net(invoice, 0)
		}
		settle("begun", false)
		s.act("begun", ActConfirm)
		settle("begun", true)
		s.net("begun", 0)
		s.act("unpaid", ActPay)
		s.net("unpaid", 0)
	})
}
