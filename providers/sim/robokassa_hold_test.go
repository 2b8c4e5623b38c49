package sim_test

import (
	"net/url"
	"testing"
	"time"

	"github.com/payrouter/payrouter/providers/sim"
)

func (s *robo) confirm(number, sum string) string {
	s.t.Helper()
	return s.post("/Merchant/Payment/Confirm", url.Values{"MerchantLogin": {"sim-shop"}, "InvoiceID": {number}, "OutSum": {sum},
		"SignatureValue": {roboMD5("sim-shop", sum, number, "sim-pass-1")}})
}

func (s *robo) cancel(number string) string {
	s.t.Helper()
	return s.post("/Merchant/Payment/Cancel", url.Values{"MerchantLogin": {"sim-shop"}, "InvoiceID": {number},
		"SignatureValue": {roboMD5("sim-shop", "", number, "sim-pass-1")}})
}

func TestRobokassaHoldsAreConfirmedOnceAndForNoMore(t *testing.T) {
	inRobokassa(t, sim.RobokassaOptions{}, func(t *testing.T, s *robo) {
		s.held("1002")
		s.is("1002", "20")
		wantEqual(t, "the phase", s.object("1002").Phase, sim.Held)
		wantEqual(t, "the notices at ResultURL of a hold", len(s.forms()), 0)
		wantEqual(t, "too much", s.confirm("1002", "1500.51"), "{success:false}")
		wantEqual(t, "a part", s.confirm("1002", "1000.00"), "{success:true}")
		s.is("1002", "100")
		wantEqual(t, "OutSum", s.state("1002").Info.OutSum, "1000.000000")
		wantEqual(t, "again", s.confirm("1002", "1000.00"), "{success:false}")
		wantEqual(t, "a late cancel", s.cancel("1002"), "{success:false}")
		wantEqual(t, "the money", s.b.Ledger().Net("robokassa", "1002"), 100000)
		f := s.forms()
		wantEqual(t, "the notices after it", len(f), 1)
		wantEqual(t, "the sum told", f[0].Get("OutSum"), "1000.000000")
	})
}

func TestRobokassaHoldsAreCancelledOrEnd(t *testing.T) {
	inRobokassa(t, sim.RobokassaOptions{}, func(t *testing.T, s *robo) {
		s.held("1002")
		s.held("1003")
		wantEqual(t, "the answer", s.cancel("1002"), "{success:true}")
		s.is("1002", "10")
		wantEqual(t, "again", s.cancel("1002"), "{success:false}")
		wantEqual(t, "a confirm after it", s.confirm("1002", "1500.50"), "{success:false}")
		pass(7*24*time.Hour - time.Minute)
		s.is("1003", "20")
		pass(2 * time.Minute)
		s.is("1003", "10")
		for _, number := range []string{"1002", "1003"} {
			o := s.object(number)
			wantEqual(t, "the money taken", o.Captured, 0)
			wantEqual(t, "the phase", o.Phase, sim.Dead)
		}
		wantEqual(t, "the notices", len(s.forms()), 0)
	})
}

func TestRobokassaHoldRequestsAreSigned(t *testing.T) {
	inRobokassa(t, sim.RobokassaOptions{}, func(t *testing.T, s *robo) {
		s.held("1002")
		for _, form := range []url.Values{
			{"MerchantLogin": {"sim-shop"}, "InvoiceID": {"1002"}, "OutSum": {"1500.50"}, "SignatureValue": {roboMD5("sim-shop", "1500.50", "1002", "sim-pass-2")}},
			{"MerchantLogin": {"sim-shop"}, "InvoiceID": {"1002"}, "OutSum": {"1.00"}, "SignatureValue": {roboMD5("sim-shop", "1500.50", "1002", "sim-pass-1")}},
			{"MerchantLogin": {"demo"}, "InvoiceID": {"1002"}, "OutSum": {"1500.50"}, "SignatureValue": {roboMD5("demo", "1500.50", "1002", "sim-pass-1")}},
			{},
		} {
			wantEqual(t, "Confirm", s.post("/Merchant/Payment/Confirm", form), "{success:false}")
			wantEqual(t, "Cancel", s.post("/Merchant/Payment/Cancel", form), "{success:false}")
		}
		s.is("1002", "20")
	})
}

func TestRobokassaSpellsTheAnswerOfHoldsInThreeWays(t *testing.T) {
	for spelling, want := range map[string]string{"": "{success:true}", "space": "{success: true}", "json": `{"success":true}`} {
		inRobokassa(t, sim.RobokassaOptions{Switches: sim.RobokassaSwitches{HoldAnswer: spelling}}, func(t *testing.T, s *robo) {
			s.held("1002")
			wantEqual(t, spelling, s.confirm("1002", "1500.50"), want)
		})
	}
}

// recur asks for a charge of 700.00.
func (s *robo) recur(number, previous string) string {
	s.t.Helper()
	return s.post("/Merchant/Recurring", url.Values{"MerchantLogin": {"sim-shop"}, "InvoiceID": {number}, "PreviousInvoiceID": {previous},
		"OutSum": {"700.00"}, "Description": {"Monthly"}, "SignatureValue": {roboMD5("sim-shop", "700.00", number, "sim-pass-1")}})
}

func TestRobokassaRecurringIsAcceptedAndThenCharged(t *testing.T) {
	opt := sim.RobokassaOptions{
		Tokens: []sim.RobokassaToken{
			{InvoiceID: "501", Account: "510000******0001"}, {InvoiceID: "502", Declines: true}, {InvoiceID: "503", Refusal: "Recurring is not possible"},
		},
		Switches: sim.RobokassaSwitches{RecurringTakes: sim.Duration(time.Minute)},
	}
	inRobokassa(t, opt, func(t *testing.T, s *robo) {
		wantEqual(t, "the answer", s.recur("1003", "501"), "OK1003")
		s.is("1003", "5")
		wantEqual(t, "the money of what is only accepted", s.b.Ledger().Net("robokassa", "1003"), 0)
		wantEqual(t, "a decline", s.recur("1004", "502"), "OK1004") // it is accepted all the same
		wantEqual(t, "a refusal", s.recur("1005", "503"), "Recurring is not possible")
		wantEqual(t, "no first payment", s.recur("1006", "999"), "ERROR 35")
		wantEqual(t, "a used number", s.recur("1003", "501"), "ERROR 40")
		pass(time.Minute)
		s.is("1003", "100")
		wantEqual(t, "the card", s.state("1003").Info.IncAccount, "510000******0001")
		s.is("1004", "10")
		s.is("1005", "result 3")
		s.is("1006", "result 3")
		f := s.forms()
		wantEqual(t, "the notices", len(f), 1)
		wantEqual(t, "the number told", f[0].Get("InvId"), "1003")
		wantEqual(t, "the money", s.b.Ledger().Net("robokassa", "1003"), 70000)
	})
}

func TestRobokassaFirstPaymentsAllowFurtherOnes(t *testing.T) {
	inRobokassa(t, sim.RobokassaOptions{}, func(t *testing.T, s *robo) {
		s.offered("1001", "Recurring", "true")
		wantEqual(t, "before it is paid", s.recur("1002", "1001"), "ERROR 35")
		s.act("1001", sim.ActPay)
		s.paid("1004")
		wantEqual(t, "once it is paid", s.recur("1003", "1001"), "OK1003")
		wantEqual(t, "after a payment that is no first one", s.recur("1005", "1004"), "ERROR 35")
		bad := url.Values{"MerchantLogin": {"sim-shop"}, "InvoiceID": {"1006"}, "PreviousInvoiceID": {"1001"}, "OutSum": {"700.00"}, "SignatureValue": {"00"}}
		wantEqual(t, "a bad signature", s.post("/Merchant/Recurring", bad), "ERROR 29")
	})
}
