package sim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestTipTopPayOrderIsNoTransactionBeforeItsPayerSubmits(t *testing.T) {
	ttpBubble(t, TipTopPayOptions{}, func(s *ttpShop) {
		m := s.order("rt-1", nil)
		id := fmt.Sprint(m["Id"])
		if len(id) != 16 || m["Url"] != "http://example.com/d/"+id || m["Status"] != "Created" || m["Amount"] != json.Number("14500.00") || m["InvoiceId"] != nil {
			t.Errorf("the order is %v", m)
		}
		s.absent("rt-1")
		s.act("rt-1", ActScan)
		s.status("rt-1", "AwaitingAuthentication")
		s.act("rt-1", ActConfirm)
		if m := s.status("rt-1", "Completed"); m["Token"] == nil {
			t.Error("the page saved no card for the account")
		}
		s.act("rt-1", ActPayAgain)
		s.act("rt-1", ActPay)
		s.net("rt-1", 1450000)
		ttpLater(time.Minute)
		if got := s.told(); got != "pay Completed 14500.00" {
			t.Errorf("the shop was told %s", got)
		}
		s.refusal(s.api("/orders/cancel", ttpObject{"Id": id}), "Order is paid")
		s.phase("rt-1", Charged)
		s.blamed()
	})
}

func TestTipTopPayDeclinedPayerTriesAgainUnderANewNumber(t *testing.T) {
	ttpBubble(t, TipTopPayOptions{Switches: TipTopPaySwitches{DeclineCode: 5005}}, func(s *ttpShop) {
		s.order("rt-1", nil)
		s.act("rt-1", ActDecline)
		first := s.status("rt-1", "Declined")
		s.phase("rt-1", Live)
		ttpLater(time.Minute)
		s.act("rt-1", ActPay)
		second := s.status("rt-1", "Completed")
		if first["TransactionId"] == second["TransactionId"] || first["InvoiceId"] != second["InvoiceId"] {
			t.Errorf("%v became %v", first["TransactionId"], second["TransactionId"])
		}
		s.is(s.api("/payments/get", ttpObject{"TransactionId": first["TransactionId"]}), "Declined", false)
		ttpLater(time.Minute)
		if got := s.told(); got != "fail 5005 14500.00, pay Completed 14500.00" {
			t.Errorf("the shop was told %s", got)
		}
	})
}

func TestTipTopPayReserveBankPaysAfterTheRefusal(t *testing.T) {
	ttpBubble(t, TipTopPayOptions{Switches: TipTopPaySwitches{DeclineCode: 5091, ReserveBank: Duration(30 * time.Second)}}, func(s *ttpShop) {
		m := s.order("rt-1", nil)
		s.act("rt-1", ActDecline)
		first := s.status("rt-1", "Declined")
		// The order is taken down meanwhile: what the gateway has begun is not stopped.
		if a := s.api("/orders/cancel", ttpObject{"Id": m["Id"]}); a["Success"] != true {
			t.Fatalf("the cancel is answered %v", a)
		}
		s.status("rt-1", "Declined")
		s.phase("rt-1", Live)
		s.act("rt-1", ActPay) // nobody can try beside it
		s.net("rt-1", 0)
		ttpLater(time.Minute)
		second := s.status("rt-1", "Completed")
		if second["FallBackScenarioDeclinedTransactionId"] != first["TransactionId"] || second["TransactionId"] == first["TransactionId"] {
			t.Errorf("the second is %v after %v", second, first["TransactionId"])
		}
		s.net("rt-1", 1450000)
		last := s.heard[len(s.heard)-1]
		if got := s.told(); got != "fail 5091 14500.00, pay Completed 14500.00" ||
			last.fields.Get("FallBackScenarioDeclinedTransactionId") != fmt.Sprint(first["TransactionId"]) {
			t.Errorf("the shop was told %s", got)
		}
		// It is technical refusals only, of saved cards as well.
		s.is(s.token("rt-2", ttpPoorToken), "Declined", false)
		s.is(s.token("rt-3", ttpSickToken), "Declined", false)
		s.phase("rt-2", Dead)
		s.phase("rt-3", Live)
		ttpLater(time.Minute)
		s.net("rt-2", 0)
		s.net("rt-3", 1450000)
	})
}

func TestTipTopPayCancelledOrderCannotBePaid(t *testing.T) {
	ttpBubble(t, TipTopPayOptions{}, func(s *ttpShop) {
		m := s.order("rt-1", nil)
		cancel := func() ttpObject { return s.api("/orders/cancel", ttpObject{"Id": m["Id"]}) }
		if a := cancel(); a["Success"] != true || a["Message"] != nil {
			t.Fatalf("the cancel is answered %v", a)
		}
		for _, act := range []string{ActScan, ActConfirm, ActPay, ActDecline, ActPayLate, ActPayAgain} {
			s.act("rt-1", act)
		}
		s.absent("rt-1")
		s.phase("rt-1", Dead)
		s.refusal(cancel(), "Order is closed")
		s.refusal(cancel(), nil) // the text is there every other time
		s.blamed()
	})
}

func TestTipTopPayPayerInside3DSecureOutlivesTheCancel(t *testing.T) {
	ttpBubble(t, TipTopPayOptions{}, func(s *ttpShop) {
		m := s.order("rt-1", nil)
		s.act("rt-1", ActScan)
		if a := s.api("/orders/cancel", ttpObject{"Id": m["Id"]}); a["Success"] != true {
			t.Fatalf("the cancel is answered %v", a)
		}
		s.status("rt-1", "AwaitingAuthentication")
		s.phase("rt-1", Live)
		ttpLater(time.Hour)
		s.act("rt-1", ActConfirm)
		s.net("rt-1", 1450000)
		ttpLater(time.Minute)
		if got := s.told(); got != "pay Completed 14500.00" {
			t.Errorf("the shop was told %s", got)
		}
	})
	ttpBubble(t, TipTopPayOptions{}, func(s *ttpShop) {
		m := s.order("rt-1", nil)
		s.act("rt-1", ActScan)
		s.api("/orders/cancel", ttpObject{"Id": m["Id"]})
		s.act("rt-1", ActDecline)
		s.status("rt-1", "Declined")
		s.phase("rt-1", Dead)
	})
}

func TestTipTopPayLatePayersPayOnlyWhereThePromiseIsBroken(t *testing.T) {
	for _, late := range []bool{false, true} {
		ttpBubble(t, TipTopPayOptions{OrderLife: time.Hour, Switches: TipTopPaySwitches{LateSuccess: late}}, func(s *ttpShop) {
			if _, err := s.bank.AddPayer(PayerRule{Behaviour: PayerLate}); err != nil {
				t.Fatal(err)
			}
			s.order("rt-1", nil)
			ttpLater(time.Hour)
			if o := s.bank.Ledger().Objects[0]; o.Status != "Expired" || o.Phase != Dead {
				t.Errorf("the order is %+v", o)
			}
			ttpLater(time.Minute)
			want := map[bool]int64{true: 1450000}[late]
			s.net("rt-1", want)
			if o := s.bank.Ledger().Objects[0]; o.Excused != late {
				t.Errorf("excused is %v, want %v", o.Excused, late)
			}
		})
	}
}

func TestTipTopPayTwoOrdersMayShareAnInvoice(t *testing.T) {
	s := ttpOpen(t, TipTopPayOptions{}, nil)
	first, second := s.order("rt-1", nil), s.order("rt-1", nil)
	if first["Id"] == second["Id"] || first["Number"] == second["Number"] {
		t.Error("the second create made no second order")
	}
	s.act(fmt.Sprint(first["Id"]), ActPay)
	s.act(fmt.Sprint(second["Id"]), ActPay)
	s.net("rt-1", 2900000) // the trap: find shows the last one only
	s.blamed("I9")
}

func TestTipTopPayMailedOrderHasAPayerWhateverBecomesOfTheAnswer(t *testing.T) {
	for mail, want := range map[bool]int64{false: 0, true: 1450000} {
		synctest.Test(t, func(t *testing.T) {
			s := ttpOpen(t, TipTopPayOptions{}, nil)
			if _, err := s.bank.AddPayer(PayerRule{Behaviour: PayerPays}); err != nil {
				t.Fatal(err)
			}
			s.fault(Fault{Op: OpCreate, Kind: FaultActDrop})
			body, _ := json.Marshal(ttpWish("rt-1", ttpObject{"SendEmail": mail, "Email": "a@example.kz"}))
			if _, err := s.send(http.MethodPost, "/orders/create", string(body)); err == nil {
				t.Fatal("the connection did not break")
			}
			ttpLater(time.Hour)
			s.net("rt-1", want)
		})
	}
}

func TestTipTopPayPagesWorkInABrowser(t *testing.T) {
	ttpBubble(t, TipTopPayOptions{}, func(s *ttpShop) {
		browse := func(method, target string, form url.Values) string {
			t.Helper()
			rec, err := s.send(method, target, form.Encode(), "Content-Type", "application/x-www-form-urlencoded", "Authorization", "")
			if err != nil {
				t.Fatal(err)
			}
			return rec.Body.String()
		}
		m := s.order("rt-1", ttpObject{"SuccessRedirectUrl": "https://shop.example.kz/ok", "FailRedirectUrl": "https://shop.example.kz/fail"})
		page := fmt.Sprint(m["Url"])
		if got := browse("GET", page, nil); !strings.Contains(got, `value="pay"`) || strings.Contains(got, "shop.example.kz") {
			t.Errorf("the page is %s", got)
		}
		if got := browse("POST", page, url.Values{"act": {"decline"}}); !strings.Contains(got, "https://shop.example.kz/fail") || !strings.Contains(got, `value="pay"`) {
			t.Errorf("after a decline the page is %s", got)
		}
		if got := browse("POST", page, url.Values{"act": {"pay"}}); !strings.Contains(got, "https://shop.example.kz/ok") || strings.Contains(got, `value="pay"`) {
			t.Errorf("when paid the page is %s", got)
		}
		browse("POST", page, url.Values{"act": {"dance"}})
		s.net("rt-1", 1450000)

		md := ttpID(s.card("rt-2", "4242424242424242", nil))
		if got := browse("POST", "/acs", url.Values{"MD": {md}, "PaReq": {"x"}, "TermUrl": {"https://shop.example.kz/term"}}); !strings.Contains(got, `value="confirm"`) {
			t.Errorf("the issuer's page is %s", got)
		}
		got := browse("POST", "/acs", url.Values{"MD": {md}, "TermUrl": {"https://shop.example.kz/term"}, "act": {"confirm"}})
		if !strings.Contains(got, `action="https://shop.example.kz/term"`) || !strings.Contains(got, `name="PaRes" value="eJz`) {
			t.Errorf("the way back is %s", got)
		}
		if got := browse("POST", "/acs", url.Values{"MD": {"7"}}); !strings.Contains(got, "Not Found") {
			t.Errorf("of nothing the issuer shows %s", got)
		}
		s.net("rt-2", 0)
	})
}
