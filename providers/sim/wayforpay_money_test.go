package sim

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"
)

const wfpFourNames = "merchantAccount orderReference transactionStatus reasonCode"

func (s *wfpShop) settle(reference, amount string) wfpAnswer {
	s.t.Helper()
	return s.api("SETTLE", wfpAnswer{"orderReference": reference, "amount": json.Number(amount), "currency": "UAH"})
}

func (s *wfpShop) refund(reference, amount, comment string) wfpAnswer {
	s.t.Helper()
	a := s.api("REFUND", wfpAnswer{"orderReference": reference, "amount": json.Number(amount), "currency": "UAH", "comment": comment})
	if a["merchantSignature"] != nil {
		s.verify(a, wfpFourNames)
	}
	return a
}

func (s *wfpShop) hold(reference, amount string, more wfpAnswer) {
	s.t.Helper()
	all := wfpAnswer{"merchantTransactionType": "AUTH"}
	for k, v := range more {
		all[k] = v
	}
	s.is(s.charge(reference, amount, all), "WaitingAuthComplete", "1100")
	s.net(reference, 0)
}

func TestWayForPayRefundMayShowLate(t *testing.T) {
	wfpBubble(t, WayForPayOptions{Switches: WayForPaySwitches{RefundsShowAfter: Duration(5 * time.Minute)}}, func(s *wfpShop) {
		s.is(s.charge("rt-5", "250", nil), "Approved", "1100")
		shows := func(status, returned string) {
			t.Helper()
			if a := s.status("rt-5", status, "1100"); fmt.Sprint(a["refundAmount"]) != returned {
				t.Errorf("%s returned, want %s", a["refundAmount"], returned)
			}
		}
		wfpLater(time.Hour)
		shows("Approved", "0")
		s.is(s.refund("rt-5", "100", "one"), "Refunded", "1100")
		s.net("rt-5", 15000)
		wfpLater(4 * time.Minute)
		shows("Approved", "0")
		s.is(s.refund("rt-5", "50", "two"), "Refunded", "1100")
		wfpLater(time.Minute)
		shows("Refunded", "100")
		wfpLater(4 * time.Minute)
		shows("Refunded", "150")
		s.face.sw.NoRefundAmount = true
		if _, told := s.status("rt-5", "Refunded", "1100")["refundAmount"]; told {
			t.Error("refundAmount is told")
		}
	})
}

func TestWayForPayHoldIsSettledOnce(t *testing.T) {
	wfpBubble(t, WayForPayOptions{}, func(s *wfpShop) {
		s.hold("rt-3", "100", nil)
		s.status("rt-3", "WaitingAuthComplete", "1100")
		wfpLater(time.Second)
		a := s.settle("rt-3", "100")
		s.verify(a, wfpFourNames)
		s.is(a, "Approved", "1100")
		for _, field := range []string{"amount", "currency", "authCode", "cardPan"} {
			if fmt.Sprint(a[field]) == "" {
				t.Errorf("%s is empty in the answer of SETTLE", field)
			}
		}
		s.net("rt-3", 10000)
		s.is(s.settle("rt-3", "50"), "Declined", "1126")
		s.net("rt-3", 10000)
		s.status("rt-3", "Approved", "1100")
		wfpLater(wfpHoldLife)
		s.status("rt-3", "Approved", "1100") // the hold's end has nothing to release
		if got, want := s.told(), "WaitingAuthComplete/1100 Approved/1100"; got != want {
			t.Errorf("callbacks %s, want %s", got, want)
		}
	})
}

func TestWayForPaySettleSignsEightFieldsByItsSwitch(t *testing.T) {
	wfpBubble(t, WayForPayOptions{Switches: WayForPaySwitches{SettleSignsEight: true}}, func(s *wfpShop) {
		s.hold("rt-3", "100", nil)
		s.verify(s.settle("rt-3", "100"), wfpEightNames)
		s.verify(s.settle("rt-none", "100"), wfpEightNames)
	})
}

func TestWayForPayPartialSettleReleasesTheRest(t *testing.T) {
	wfpBubble(t, WayForPayOptions{}, func(s *wfpShop) {
		s.hold("rt-3", "100", nil)
		s.code(s.settle("rt-3", "100.01"), "1137")
		s.is(s.settle("rt-3", "60.5"), "Approved", "1100")
		if a := s.status("rt-3", "Approved", "1100"); fmt.Sprint(a["amount"]) != "60.5" {
			t.Errorf("amount %v after a partial SETTLE, want what was taken", a["amount"])
		}
		l := s.bank.Ledger()
		if o := l.Objects[0]; o.Captured != 6050 || o.Authorized != 10000 || o.Phase != Charged {
			t.Errorf("the object is %+v", o)
		}
		last := l.Entries[len(l.Entries)-1]
		if last.Kind != KindVoid || last.AmountMinor != 3950 {
			t.Errorf("the rest is booked as %+v", last)
		}
		s.is(s.refund("rt-3", "60.51", "too much"), "Declined", "1128")
		s.is(s.refund("rt-3", "60.5", "all"), "Refunded", "1100")
		s.net("rt-3", 0)
	})
}

func TestWayForPayHoldIsVoidedByARefundOfAllOfIt(t *testing.T) {
	wfpBubble(t, WayForPayOptions{}, func(s *wfpShop) {
		s.hold("rt-3", "100", nil)
		s.is(s.refund("rt-3", "40", "part"), "Declined", "1141")
		s.is(s.refund("rt-3", "100.01", "more"), "Declined", "1128")
		s.is(s.refund("rt-3", "100", "void"), "Voided", "1100")
		s.status("rt-3", "Voided", "1100")
		s.is(s.settle("rt-3", "100"), "Declined", "1126")
		s.is(s.refund("rt-3", "100", "again"), "Declined", "1126")
		s.net("rt-3", 0)
		l := s.bank.Ledger()
		if got := l.Count("wayforpay", OpVoid, "rt-3"); got != 3 {
			t.Errorf("%d voids arrived, want the 3 that came while money was held", got)
		}
		if got := l.Count("wayforpay", OpRefund, "rt-3"); got != 1 {
			t.Errorf("%d refunds arrived, want the one after the void", got)
		}
	})
}

func TestWayForPayHoldEndsByItself(t *testing.T) {
	for _, tt := range []struct {
		name string
		hold any
		life time.Duration
	}{{"after 21 days", nil, 21 * 24 * time.Hour}, {"after holdTimeout", 3600, time.Hour}, {"never later than 21 days", 99999999, 21 * 24 * time.Hour}} {
		t.Run(tt.name, func(t *testing.T) {
			wfpBubble(t, WayForPayOptions{}, func(s *wfpShop) {
				s.hold("rt-3", "100", wfpAnswer{"holdTimeout": tt.hold})
				wfpLater(tt.life - time.Second)
				s.status("rt-3", "WaitingAuthComplete", "1100")
				wfpLater(2 * time.Second)
				s.status("rt-3", "Voided", "1100")
				s.net("rt-3", 0)
			})
		})
	}
}

func TestWayForPayHeldInvoiceIsSettled(t *testing.T) {
	wfpBubble(t, WayForPayOptions{}, func(s *wfpShop) {
		s.invoice("rt-1", "100", wfpAnswer{"merchantTransactionType": "AUTH"})
		s.act("rt-1", ActPay)
		s.status("rt-1", "WaitingAuthComplete", "1100")
		s.code(s.api("REMOVE_INVOICE", wfpAnswer{"orderReference": "rt-1"}), "1126")
		s.is(s.settle("rt-1", "100"), "Approved", "1100")
		s.net("rt-1", 10000)
	})
}

func TestWayForPayRefundsPartsUpToTheWhole(t *testing.T) {
	wfpBubble(t, WayForPayOptions{}, func(s *wfpShop) {
		s.charge("rt-1", "1500.5", nil)
		a := s.refund("rt-1", "500.25", "rf-1 partial")
		s.is(a, "Refunded", "1100")
		for _, field := range []string{"amount", "currency", "authCode", "cardPan"} {
			if _, there := a[field]; there {
				t.Errorf("%s is in the answer of REFUND, where no document has it", field)
			}
		}
		if a := s.status("rt-1", "Refunded", "1100"); fmt.Sprint(a["refundAmount"]) != "500.25" || fmt.Sprint(a["amount"]) != "1500.5" {
			t.Errorf("refundAmount %v of %v", a["refundAmount"], a["amount"])
		}
		s.is(s.refund("rt-1", "1000.26", "rf-2"), "Declined", "1128")
		s.is(s.refund("rt-1", "1000.25", "rf-3"), "Refunded", "1100")
		s.is(s.refund("rt-1", "0.01", "rf-4"), "Declined", "1128")
		s.net("rt-1", 0)
		s.blameless()
	})
}

func TestWayForPayRefundHasNoProtectionAgainstRepetition(t *testing.T) {
	wfpBubble(t, WayForPayOptions{}, func(s *wfpShop) {
		s.charge("rt-1", "100", nil)
		s.is(s.refund("rt-1", "30", "rf-1"), "Refunded", "1100")
		s.is(s.refund("rt-1", "30", "rf-2"), "Refunded", "1100") // another refund of the same size is legitimate
		s.blameless()
		s.is(s.refund("rt-1", "30", "rf-2"), "Refunded", "1100") // the same one again is the merchant's mistake
		s.net("rt-1", 1000)
		if len(s.broken) != 1 || s.broken[0].Invariant != "I9" {
			t.Errorf("violations %v, want one of I9", s.broken)
		}
	})
}

func TestWayForPayRefundsWhatWasPaidOnly(t *testing.T) {
	wfpBubble(t, WayForPayOptions{}, func(s *wfpShop) {
		s.is(s.refund("rt-none", "1", "x"), "Declined", "1127")
		s.is(s.settle("rt-none", "1"), "Declined", "1127")
		s.invoice("rt-1", "10", nil)
		s.is(s.refund("rt-1", "10", "x"), "Declined", "1126")
		s.is(s.settle("rt-1", "10"), "Declined", "1126")
		s.charge("rt-2", "10", nil)
		s.code(s.refund("rt-2", "0", "x"), "1130")
		s.code(s.settle("rt-2", "0"), "1130")
		s.code(s.api("REFUND", wfpAnswer{"orderReference": "rt-2", "amount": 10, "currency": "USD", "comment": "x"}), "1110")
		s.code(s.api("SETTLE", wfpAnswer{"orderReference": "rt-2", "amount": 10, "currency": "USD"}), "1110")
		s.net("rt-2", 1000)
	})
}

func TestWayForPayRefundWaitsForTheMerchantsBalance(t *testing.T) {
	wfpBubble(t, WayForPayOptions{Switches: WayForPaySwitches{RefundsTake: Duration(time.Hour)}}, func(s *wfpShop) {
		s.charge("rt-1", "100", nil)
		wfpLater(time.Second)
		s.is(s.refund("rt-1", "30", "rf-1"), "RefundInProcessing", "1138")
		s.net("rt-1", 10000)
		wfpLater(30 * time.Minute)
		if a := s.status("rt-1", "RefundInProcessing", "1138"); fmt.Sprint(a["refundAmount"]) != "0" {
			t.Errorf("refundAmount %v before the money went back", a["refundAmount"])
		}
		s.is(s.refund("rt-1", "70.01", "rf-2"), "Declined", "1128") // what waits is not there to refund again
		s.is(s.refund("rt-1", "70", "rf-3"), "RefundInProcessing", "1138")
		wfpLater(31 * time.Minute)
		s.net("rt-1", 7000)
		s.status("rt-1", "RefundInProcessing", "1138")
		wfpLater(30 * time.Minute)
		s.net("rt-1", 0)
		s.status("rt-1", "Refunded", "1100")
		if got, want := s.told(), "Approved/1100 RefundInProcessing/1138 RefundInProcessing/1138 Refunded/1100"; got != want {
			t.Errorf("callbacks %s, want %s", got, want)
		}
	})
}
