package sim

import (
	"fmt"
	"testing"
	"time"
)

func TestQuickPayOperationsAreAsynchronousUnlessAskedToWait(t *testing.T) {
	inQuickPay(t, QuickPayOptions{}, func(s *qpShop) {
		p := s.paid("rt-0001")
		a := s.want(s.ask("POST", p+"/capture", `{"amount":150050}`), 202, "state", "new", "balance", "0", // the snapshot is an old one
			"operations.1.type", "capture", "operations.1.pending", "true", "operations.1.qp_status_code", "<nil>", "operations.1.qp_status_msg", "<nil>", "operations.1.aq_status_code", "<nil>")
		s.want(s.ask("GET", p, ""), 200, "state", "pending", "operations.1.pending", "true", "balance", "0")
		s.want(s.ask("POST", p+"/capture", `{"amount":150050}`), 400)
		s.switches(`{"busy_is_409":true}`)
		s.want(s.ask("POST", p+"/cancel", ``), 409, "errors", "map[]")
		s.stands("rt-0001", Held, 150050, 0, 0)
		s.pass(time.Second)
		s.want(s.ask("GET", p, ""), 200, "state", "processed", "operations.1.pending", "false", "operations.1.qp_status_code", "20000", "balance", "150050")
		s.want(s.ask("GET", p+"/operations/2", ""), 200, "id", "2", "type", "capture", "pending", "false", "amount", "150050")
		s.want(s.ask("GET", p+"/operations/3", ""), 404)
		s.want(s.ask("GET", p+"/operations/0", ""), 404)
		if a.at("id") == "" {
			t.Error("no id")
		}
		s.broken = nil // the second capture was a repeat, and meant to be one
	})
}

func TestQuickPaySynchronizedCallsWaitForTheAcquirer(t *testing.T) {
	for _, tt := range []struct {
		switches string
		status   int
		pending  string
		code     string
	}{
		{`{}`, 200, "false", "20000"},
		{`{"synchronized_is_202":true}`, 202, "false", "20000"},
		{`{"synchronized_still_pending":true}`, 202, "true", "<nil>"},
		{`{"synchronized_still_pending":true,"pending_has_code":true,"acquirer_takes":"1h"}`, 202, "true", "20200"},
	} {
		inQuickPay(t, QuickPayOptions{}, func(s *qpShop) {
			s.switches(tt.switches)
			p := s.paid("rt-0001")
			s.want(s.ask("POST", p+"/capture?synchronized", `{"amount":150050}`), tt.status, "operations.1.pending", tt.pending, "operations.1.qp_status_code", tt.code)
			s.pass(time.Hour)
			s.want(s.ask("GET", p, ""), 200, "operations.1.qp_status_code", "20000")
		})
	}
}

func TestQuickPayCapturesInPartsUntilNothingIsLeft(t *testing.T) {
	inQuickPay(t, QuickPayOptions{}, func(s *qpShop) {
		p := s.paid("rt-0001")
		s.want(s.ask("POST", p+"/refund?synchronized", `{"amount":1}`), 400)
		s.want(s.ask("POST", p+"/capture?synchronized", `{"amount":150051}`), 400)
		s.want(s.ask("POST", p+"/capture?synchronized", `{"amount":50}`), 200, "balance", "50", "state", "processed")
		s.want(s.ask("POST", p+"/cancel?synchronized", ``), 400) // a part of a hold is not cancelled
		s.want(s.ask("POST", p+"/capture?synchronized", `{"amount":150001}`), 400)
		s.want(s.ask("POST", p+"/capture?synchronized", `{"amount":150000}`), 200, "balance", "150050")
		s.want(s.ask("POST", p+"/capture?synchronized", `{"amount":1}`), 400, "message", "Transaction in wrong state for this operation")
		s.stands("rt-0001", Charged, 150050, 150050, 0)
	})
}

func TestQuickPayRefundsUntilTheBalanceIsNothing(t *testing.T) {
	inQuickPay(t, QuickPayOptions{}, func(s *qpShop) {
		p := s.captured("rt-0001")
		s.want(s.ask("POST", p+"/refund?synchronized", `{"amount":150051}`), 400)
		for range 2 { // two equal ones are two
			s.want(s.ask("POST", p+"/refund?synchronized", `{"amount":50,"vat_rate":0.25}`), 200, "state", "processed")
		}
		s.want(s.ask("POST", p+"/capture?synchronized", `{"amount":1}`), 400)
		s.want(s.ask("POST", p+"/refund?synchronized", `{"amount":149950}`), 200, "balance", "0", "accepted", "true")
		s.want(s.ask("POST", p+"/refund?synchronized", `{"amount":1}`), 400)
		s.stands("rt-0001", Charged, 150050, 150050, 150050)
		if net := s.bank.Ledger().Net("quickpay", "rt-0001"); net != 0 {
			t.Errorf("net is %d", net)
		}
	})
}

func TestQuickPayCancelReleasesAHold(t *testing.T) {
	inQuickPay(t, QuickPayOptions{}, func(s *qpShop) {
		p := s.paid("rt-0001")
		s.want(s.ask("POST", p+"/cancel?synchronized", `{}`), 200, "state", "processed", "accepted", "true", "balance", "0",
			"operations.1.type", "cancel", "operations.1.qp_status_code", "20000", "operations.1.amount", "<nil>")
		s.stands("rt-0001", Dead, 150050, 0, 0)
		for _, body := range []string{"/capture", "/refund", "/renew"} {
			s.want(s.ask("POST", p+body+"?synchronized", `{"amount":1}`), 400)
		}
		s.switches(`{"cancel_has_amount":true,"newer_state_text":true}`)
		s.want(s.ask("GET", p, ""), 200, "operations.1.amount", "150050")
		s.want(s.ask("POST", p+"/capture?synchronized", `{"amount":2}`), 400, "message", "Validation error: Payment is not in a valid state for capture")
	})
}

func TestQuickPayRefusesOperationsOnWhatIsNotPaid(t *testing.T) {
	inQuickPay(t, QuickPayOptions{}, func(s *qpShop) {
		p := s.offer("rt-0001", "")
		for _, operation := range []string{"capture", "refund", "cancel", "renew"} {
			s.want(s.ask("POST", p+"/"+operation+"?synchronized", `{"amount":1}`), 400, "errors", "map[]")
			s.want(s.ask("POST", "/payments/17/"+operation, `{"amount":1}`), 404)
		}
		p = s.paid("rt-0002")
		s.want(s.ask("POST", p+"/capture?synchronized", `{}`), 400, "errors.amount.0", "is invalid")
	})
}

func TestQuickPayRejectedOperationsAreAnsweredAsSuccess(t *testing.T) {
	for _, tt := range []struct {
		number, operation string
		phase             Phase
		captured          int64
	}{
		{QuickPayCaptureRejected, "capture", Held, 0},
		{QuickPayCancelRejected, "cancel", Held, 0},
		{QuickPayRefundRejected, "refund", Charged, 150050},
	} {
		inQuickPay(t, QuickPayOptions{TestMode: true}, func(s *qpShop) {
			p := s.paidWith("rt-0001", tt.number, "")
			n := 1
			if tt.captured > 0 {
				s.want(s.ask("POST", p+"/capture?synchronized", `{"amount":150050}`), 200, "operations.1.qp_status_code", "20000")
				n = 2
			}
			at := fmt.Sprintf("operations.%d.", n)
			s.want(s.ask("POST", p+"/"+tt.operation+"?synchronized", `{"amount":150050}`), 200,
				at+"type", tt.operation, at+"pending", "false", at+"qp_status_code", "40000", "accepted", "true", "test_mode", "true")
			s.stands("rt-0001", tt.phase, 150050, tt.captured, 0)
		})
	}
}

func TestQuickPayRejectedAutoCaptureLeavesAHold(t *testing.T) {
	inQuickPay(t, QuickPayOptions{TestMode: true}, func(s *qpShop) {
		p := s.paidWith("rt-0001", QuickPayCaptureRejected, `,"auto_capture":true`)
		s.want(s.ask("GET", p, ""), 200, "state", "new", "operations.1.type", "capture", "operations.1.qp_status_code", "40000")
		s.stands("rt-0001", Held, 150050, 0, 0)
		s.want(s.ask("POST", p+"/cancel?synchronized", ``), 200)
		s.stands("rt-0001", Dead, 150050, 0, 0)
	})
}

func TestQuickPayHoldEndsUnseen(t *testing.T) {
	inQuickPay(t, QuickPayOptions{Switches: QuickPaySwitches{HoldLife: Duration(7 * 24 * time.Hour)}}, func(s *qpShop) {
		p, renewed := s.paid("rt-0001"), s.paid("rt-0002")
		s.pass(6 * 24 * time.Hour)
		s.want(s.ask("POST", renewed+"/renew?synchronized", ``), 200, "state", "new", "operations.1.type", "renew", "operations.1.qp_status_code", "20000")
		s.pass(24 * time.Hour)
		s.want(s.ask("GET", p, ""), 200, "state", "new", "operations.1", "<none>", "updated_at", "2000-01-01T00:00:00Z")
		s.stands("rt-0001", Dead, 150050, 0, 0)
		s.stands("rt-0002", Held, 150050, 0, 0)
		for i, operation := range []string{"capture", "cancel", "renew"} {
			s.want(s.ask("POST", p+"/"+operation+"?synchronized", `{"amount":150050}`), 200, fmt.Sprintf("operations.%d.qp_status_code", i+1), "40002", "balance", "0")
		}
		s.stands("rt-0001", Dead, 150050, 0, 0)
		s.want(s.ask("POST", renewed+"/capture?synchronized", `{"amount":50}`), 200, "balance", "50")
		s.pass(7 * 24 * time.Hour)
		s.want(s.ask("POST", renewed+"/capture?synchronized", `{"amount":1}`), 200, "operations.3.qp_status_code", "40002", "balance", "50")
		s.stands("rt-0002", Charged, 150050, 50, 0)
		s.want(s.ask("POST", renewed+"/refund?synchronized", `{"amount":50}`), 200, "balance", "0")
	})
}

func TestQuickPayCurrencyThatNobodySettlesIsRefusedWhenPaid(t *testing.T) {
	inQuickPay(t, QuickPayOptions{Currencies: []string{"KZT"}}, func(s *qpShop) {
		p := s.offer("rt-0001", "") // in DKK
		s.act("rt-0001", ActPay)
		s.want(s.ask("GET", p, ""), 200, "state", "rejected", "operations.0.qp_status_code", "40004")
		s.stands("rt-0001", Live, 0, 0, 0)
	})
}

func TestQuickPaySettlesByHand(t *testing.T) {
	inQuickPay(t, QuickPayOptions{TestMode: true, CallbackURL: qpAccount}, func(s *qpShop) {
		s.offer("rt-offer", "")
		s.paidWith("rt-held", QuickPayCancelRejected, "")
		s.paidWith("rt-paid", QuickPayRefundRejected, `,"auto_capture":true`)
		s.paidWith("rt-queue", QuickPayQueued, "")
		for range 2 { // they may come again
			for _, order := range []string{"rt-offer", "rt-held", "rt-paid"} {
				if over, err := s.bank.Settle("quickpay", order); !over || err != nil {
					t.Errorf("%s: over %t, error %v", order, over, err)
				}
			}
		}
		s.act("rt-offer", ActPay)
		s.stands("rt-offer", Dead, 0, 0, 0)
		s.stands("rt-held", Dead, 150050, 0, 0)
		s.stands("rt-paid", Charged, 150050, 150050, 150050)
		if over, err := s.bank.Settle("quickpay", "rt-queue"); over || err != nil {
			t.Errorf("a payer before the bank is stopped: %t, %v", over, err)
		}
		s.pass(time.Minute)
		if over, err := s.bank.Settle("quickpay", "rt-queue"); !over || err != nil {
			t.Errorf("over %t, error %v", over, err)
		}
	})
}
