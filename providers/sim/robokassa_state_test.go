package sim_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/payrouter/payrouter/providers/sim"
)

func TestRobokassaStateTellsTheOperation(t *testing.T) {
	inRobokassa(t, sim.RobokassaOptions{}, func(t *testing.T, s *robo) {
		f := roboStart("1001", "Shp_attempt", "a1", "SignatureValue", roboMD5("sim-shop", "1500.50", "1001", "sim-pass-1", "Shp_attempt=a1"))
		must(t, s.open(f))
		s.act("1001", sim.ActPay)
		a := s.state("1001")
		wantEqual(t, "the namespace", a.XMLName.Space, "http://merchant.roboxchange.com/WebService/")
		wantEqual(t, "OutSum", a.Info.OutSum, "1500.500000")
		wantEqual(t, "IncSum", a.Info.IncSum, "1500.500000")
		wantEqual(t, "OpKey", a.Info.OpKey, s.object("1001").ID)
		wantEqual(t, "the currency", a.Info.OutCurrLabel, "KZT")
		wantEqual(t, "the card", a.Info.IncAccount, "440043******1234")
		wantEqual(t, "our parameter", a.UserField.Field[0].Name+"="+a.UserField.Field[0].Value, "Shp_attempt=a1")
		if _, err := time.Parse("2006-01-02T15:04:05.0000000-07:00", a.State.StateDate); err != nil {
			t.Errorf("the date: %v", err)
		}
	})
}

func TestRobokassaStateRefusesWithItsCodes(t *testing.T) {
	inRobokassa(t, sim.RobokassaOptions{}, func(t *testing.T, s *robo) {
		s.paid("1001")
		for name, v := range map[string]struct{ login, number, signature, code string }{
			"a bad signature": {"sim-shop", "1001", roboMD5("sim-shop", "1001", "sim-pass-1"), "1"},
			"another shop":    {"demo", "1001", roboMD5("demo", "1001", "sim-pass-2"), "2"},
			"no operation":    {"sim-shop", "1002", roboMD5("sim-shop", "1002", "sim-pass-2"), "3"},
		} {
			body := s.post("/Merchant/WebService/Service.asmx/OpStateExt",
				url.Values{"MerchantLogin": {v.login}, "InvoiceID": {v.number}, "Signature": {v.signature}})
			wantEqual(t, name, roboParse(t, body).code(), "result "+v.code)
			if strings.Contains(body, "OpKey") {
				t.Errorf("%s: the rest is not absent: %s", name, body)
			}
		}
	})
}

func TestRobokassaStateComesInAnotherSpellingWhereSwitched(t *testing.T) {
	inRobokassa(t, sim.RobokassaOptions{Switches: sim.RobokassaSwitches{OtherXML: true}}, func(t *testing.T, s *robo) {
		s.paid("1001")
		a := s.state("1001")
		wantEqual(t, "the namespace", a.XMLName.Space, "")
		wantEqual(t, "the state", a.code(), "100")
		_, body := s.send(http.MethodGet, "/Merchant/WebService/Service.asmx/OpStateExt?MerchantLogin=sim-shop&InvoiceID=1001&Signature="+
			roboMD5("sim-shop", "1001", "sim-pass-2"), "", "")
		if strings.Index(body, "<Result>") < strings.Index(body, "<Info>") {
			t.Error("the order of the elements is the usual one")
		}
	})
}

func TestRobokassaDeclineIsState10AndThePageOpensAgainWhereSwitched(t *testing.T) {
	inRobokassa(t, sim.RobokassaOptions{Switches: sim.RobokassaSwitches{DeclineIs10: true}}, func(t *testing.T, s *robo) {
		s.offered("1001", "ExpirationDate", time.Now().Add(time.Hour).UTC().Format(time.RFC3339))
		s.act("1001", sim.ActDecline)
		s.is("1001", "10")
		wantEqual(t, "the phase in 10", s.object("1001").Phase, sim.Live)
		if s.state("1001").Info.BankCardRRN == "" {
			t.Error("the bank has no number of the declined card")
		}
		s.act("1001", sim.ActScan)
		s.is("1001", "5")
		s.act("1001", sim.ActDecline)
		pass(2 * time.Hour)
		s.is("1001", "10")
		s.act("1001", sim.ActPay)
		wantEqual(t, "the phase after the end", s.object("1001").Phase, sim.Dead)
		wantEqual(t, "the money after the end", s.object("1001").Captured, int64(0))
		s.offered("1002")
		s.act("1002", sim.ActDecline)
		s.act("1002", sim.ActPay)
		s.is("1002", "100")
	})
}

func TestRobokassaStateOfAnOpenedPageLagsWhereSwitched(t *testing.T) {
	inRobokassa(t, sim.RobokassaOptions{Switches: sim.RobokassaSwitches{StateLags: sim.Duration(time.Minute)}}, func(t *testing.T, s *robo) {
		s.offered("1001")
		s.act("1001", sim.ActScan)
		s.is("1001", "result 3")
		pass(time.Minute)
		s.is("1001", "5")
	})
}

func TestRobokassaMoneyPassesThrough50AndThrough80WhereSwitched(t *testing.T) {
	opt := sim.RobokassaOptions{Switches: sim.RobokassaSwitches{Credit: sim.Duration(time.Hour)}}
	inRobokassa(t, opt, func(t *testing.T, s *robo) {
		s.paid("1001")
		s.is("1001", "50")
		wantEqual(t, "the phase in 50", s.object("1001").Phase, sim.Charged)
		wantEqual(t, "the notices in 50", len(s.forms()), 1)
		pass(time.Hour)
		s.is("1001", "100")
		wantEqual(t, "the notices in 100", len(s.forms()), 1)
	})
	opt.Switches = sim.RobokassaSwitches{Review: sim.Duration(time.Hour)}
	inRobokassa(t, opt, func(t *testing.T, s *robo) {
		s.offered("1001", "ExpirationDate", roboEnd(20*time.Minute))
		s.offered("1002", "ExpirationDate", roboEnd(20*time.Minute))
		s.act("1001", sim.ActPay)
		s.act("1002", sim.ActPay)
		pass(30 * time.Minute)
		s.is("1001", "80") // its time is over, and it may still be charged
		wantEqual(t, "the phase in 80", s.object("1001").Phase, sim.Live)
		s.act("1002", sim.ActDecline)
		s.is("1002", "10")
		pass(time.Hour)
		s.is("1001", "100")
		s.is("1002", "10")
		wantEqual(t, "the money", s.b.Ledger().Net("robokassa", "1002"), 0)
	})
}

func TestRobokassaTellsWhatThePayerPaidBesideOurAmount(t *testing.T) {
	inRobokassa(t, sim.RobokassaOptions{Switches: sim.RobokassaSwitches{PayerPaysFee: true, ShortSums: true}}, func(t *testing.T, s *robo) {
		s.paid("1001")
		a := s.state("1001")
		wantEqual(t, "OutSum", a.Info.OutSum, "1500.500000")
		wantEqual(t, "IncSum", a.Info.IncSum, "1553.020000")
		f := s.forms()[0]
		wantEqual(t, "the sums of the notice", f.Get("OutSum")+" "+f.Get("IncSum"), "1500.50 1553.02")
		wantEqual(t, "its signature", f.Get("SignatureValue"), strings.ToUpper(roboMD5("1500.50", "1001", "sim-pass-2")))
	})
}

func TestRobokassaOtherServicesAnswer(t *testing.T) {
	inRobokassa(t, sim.RobokassaOptions{}, func(t *testing.T, s *robo) {
		const services = "/Merchant/WebService/Service.asmx/"
		for method, want := range map[string]string{
			"GetPaymentMethods?MerchantLogin=sim-shop&Language=ru": `<Method Code="BankCard"`,
			"GetPaymentMethods?MerchantLogin=demo&Language=ru":     `<Code>2</Code>`,
			"GetCurrencies?MerchantLogin=sim-shop&Language=ru":     `Label="BankCardPSKZ"`,
			"GetCurrencies?MerchantLogin=demo":                     `<Code>2</Code>`,
			"CalcOutSumm?MerchantLogin=sim-shop&IncCurrLabel=BankCardPSKZ&IncSum=100&Signature=" + roboMD5("sim-shop", "100", "sim-pass-1"): `<OutSum>96.500000</OutSum>`,
			"CalcOutSumm?MerchantLogin=sim-shop&IncSum=100&Signature=" + roboMD5("sim-shop", "101", "sim-pass-1"):                           `<Code>1</Code>`,
		} {
			if _, body := s.send(http.MethodGet, services+method, "", ""); !strings.Contains(body, want) {
				t.Errorf("%s says %s", method, body)
			}
		}
		status, _ := s.send(http.MethodGet, services+"OpRefund", "", "")
		wantEqual(t, "an unknown method", status, 404)
	})
}

func TestRobokassaRegistryListsWhatWasOpened(t *testing.T) {
	inRobokassa(t, sim.RobokassaOptions{}, func(t *testing.T, s *robo) {
		first := s.paid("1001")
		s.refundCall(first.ID, "500.25")
		s.offered("1002")
		s.offered("1003", "ExpirationDate", roboEnd(time.Minute))
		s.act("1003", sim.ActScan)
		third := s.object("1003")
		pass(time.Hour)
		want := "InvId;OutSum;Fee;State;OpKey;PaidAt;RefundedSum\n" +
			"1001;1500.50;52.52;100;" + first.ID + ";2000-01-01T03:00:00+03:00;500.25\n" +
			"1003;1500.50;0.00;10;" + third.ID + ";;0.00\n"
		wantEqual(t, "the registry", control(s.b, http.MethodGet, "/robokassa/registry", "").Body.String(), want)
	})
}
