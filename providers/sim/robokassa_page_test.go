package sim_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/payrouter/payrouter/providers/sim"
)

// roboEnd is an ExpirationDate so long from now.
func roboEnd(d time.Duration) string { return time.Now().Add(d).Format(time.RFC3339Nano) }

func TestRobokassaKnowsAnAddressOnlyOnceItsPayerComes(t *testing.T) {
	inRobokassa(t, sim.RobokassaOptions{}, func(t *testing.T, s *robo) {
		s.is("1001", "result 3")
		s.offered("1001", "ExpirationDate", roboEnd(20*time.Minute))
		o := s.object("1001")
		wantEqual(t, "the phase of what was handed out", o.Phase, sim.Live)
		wantEqual(t, "its status", o.Status, "unopened")
		wantEqual(t, "its life", time.Until(o.LiveUntil), 20*time.Minute)
		wantEqual(t, "the arrivals of create", s.b.Ledger().Count("robokassa", sim.OpCreate, "1001"), 1)
		s.is("1001", "result 3")
		s.act("1001", sim.ActScan)
		s.is("1001", "5")
		s.act("1001", sim.ActConfirm)
		s.is("1001", "100")
		wantEqual(t, "the money", s.b.Ledger().Net("robokassa", "1001"), 150050)
	})
}

func TestRobokassaPayersFollowRulesOnceTheyAreHandedTheAddress(t *testing.T) {
	inRobokassa(t, sim.RobokassaOptions{}, func(t *testing.T, s *robo) {
		addPayer(t, s.b, sim.PayerRule{Behaviour: sim.PayerTwice, After: sim.Duration(3 * time.Second)})
		body := `{"url":` + quoted(roboURL(roboStart("1001"))) + `}`
		wantEqual(t, "the control's answer", control(s.b, http.MethodPost, "/robokassa/open", body).Code, 200)
		wantEqual(t, "the answer to the same again", control(s.b, http.MethodPost, "/robokassa/open", body).Code, 200)
		pass(10 * time.Second)
		wantEqual(t, "the money", s.b.Ledger().Net("robokassa", "1001"), 150050)
		wantEqual(t, "the number of objects", len(s.b.Ledger().Objects), 1)
		wantEqual(t, "the answer to nonsense", control(s.b, http.MethodPost, "/robokassa/open", `{"url":"http://x/"}`).Code, 400)
	})
}

func quoted(s string) string { return `"` + strings.ReplaceAll(s, `"`, `\"`) + `"` }

// TestRobokassaAddressesAreWatchedLikeOtherOffers: I7 and I8 are asked when an address is handed out.
func TestRobokassaAddressesAreWatchedLikeOtherOffers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var moves []sim.Move
		face := sim.Robokassa(sim.RobokassaOptions{})
		b := sim.New(sim.Options{
			PaymentOf: func(string, string) string { return "pay_1" },
			Witness: func(m sim.Move) error {
				moves = append(moves, m)
				return nil
			},
		}, face)
		defer b.Close()
		s := &robo{t: t, b: b, face: face}
		s.offered("1001", "ExpirationDate", roboEnd(time.Minute))
		s.offered("1001", "ExpirationDate", roboEnd(time.Minute))
		wantEqual(t, "the moves witnessed", len(moves), 1)
		wantEqual(t, "the amount witnessed", moves[0].AmountMinor, 150050)
		s.offered("1002")
		found := b.Ledger().Violations
		if len(found) != 1 || found[0].Invariant != "I7" || found[0].Beside != "1001" {
			t.Errorf("a second live offer is seen as %+v", found)
		}
	})
}

func TestRobokassaObeysExpirationDate(t *testing.T) {
	inRobokassa(t, sim.RobokassaOptions{}, func(t *testing.T, s *robo) {
		s.offered("1", "ExpirationDate", roboEnd(20*time.Minute))
		s.offered("2", "ExpirationDate", roboEnd(20*time.Minute))
		s.offered("3")
		s.act("2", sim.ActScan)
		pass(20*time.Minute - time.Millisecond)
		s.is("2", "5")
		pass(2 * time.Millisecond)
		s.is("1", "result 3")
		s.is("2", "10")
		for _, number := range []string{"1", "2"} {
			for _, act := range []string{sim.ActPay, sim.ActConfirm, sim.ActPayLate, sim.ActPayAgain} {
				s.act(number, act)
			}
			wantEqual(t, "the phase of "+number, s.object(number).Phase, sim.Dead)
		}
		wantEqual(t, "the entries", len(s.b.Ledger().Entries), 0)
		if err := s.open(roboStart("4", "ExpirationDate", roboEnd(-time.Second))); err == nil || !strings.Contains(err.Error(), "33") {
			t.Errorf("an address that is over says %v", err)
		}
		if err := s.open(roboStart("1")); err == nil { // the first opening decided
			t.Error("an expired number is opened again without its ExpirationDate")
		}
		s.act("3", sim.ActPay) // without ExpirationDate it never ends
		s.is("3", "100")
	})
}

func TestRobokassaPayersWhoBeganMayFinishLateWhereSwitched(t *testing.T) {
	opt := sim.RobokassaOptions{Switches: sim.RobokassaSwitches{FinishLate: sim.Duration(5 * time.Minute)}}
	inRobokassa(t, opt, func(t *testing.T, s *robo) {
		for _, number := range []string{"1", "2", "3"} {
			s.offered(number, "ExpirationDate", roboEnd(20*time.Minute))
		}
		s.act("1", sim.ActScan)
		s.act("2", sim.ActScan)
		wantEqual(t, "the life of what was begun", time.Until(s.object("1").LiveUntil), 25*time.Minute)
		pass(24 * time.Minute)
		s.act("1", sim.ActConfirm)
		s.act("3", sim.ActPay)
		s.is("1", "100")
		s.is("2", "5")
		s.is("3", "result 3")
		pass(2 * time.Minute)
		s.is("2", "10")
	})
}

func TestRobokassaTurns10Into100WhereSwitched(t *testing.T) {
	opt := sim.RobokassaOptions{Switches: sim.RobokassaSwitches{LateSuccess: true}}
	inRobokassa(t, opt, func(t *testing.T, s *robo) {
		s.offered("1", "ExpirationDate", roboEnd(time.Minute))
		s.act("1", sim.ActScan)
		pass(time.Hour)
		s.is("1", "10")
		s.act("1", sim.ActPayLate)
		s.is("1", "100")
		wantEqual(t, "excused", s.object("1").Excused, true)
	})
}

func TestRobokassaDeclinesAreToldToNobody(t *testing.T) {
	inRobokassa(t, sim.RobokassaOptions{}, func(t *testing.T, s *robo) {
		s.offered("1001", "ExpirationDate", roboEnd(time.Hour))
		s.act("1001", sim.ActDecline)
		s.is("1001", "5")
		wantEqual(t, "the notices", len(s.forms()), 0)
		s.act("1001", sim.ActPay)
		s.is("1001", "100")
		s.offered("1002", "ExpirationDate", roboEnd(time.Hour))
		s.act("1002", sim.ActDecline)
		pass(2 * time.Hour)
		s.is("1002", "10")
		wantEqual(t, "the notices of a payment, a decline and an end", len(s.forms()), 1)
	})
}

func TestRobokassaPagesRefuseWithTheirCodes(t *testing.T) {
	long := strings.Repeat("я", 101)
	opt := sim.RobokassaOptions{Switches: sim.RobokassaSwitches{Kazakhstan: true, NoRecurring: true, NoHolds: true}}
	for name, v := range map[string]struct {
		code string
		form url.Values
	}{
		"no test passwords":     {"23", roboStart("1", "IsTest", "1")},
		"another shop":          {"26", roboStart("1", "MerchantLogin", "demo")},
		"another sum":           {"29", roboStart("1", "OutSum", "1500.51")},
		"a parameter unsigned":  {"29", roboStart("1", "Shp_attempt", "a1")},
		"a number of words":     {"30", roboStart("one")},
		"a negative number":     {"30", roboStart("-5")},
		"a number too great":    {"30", roboStart("9223372036854775808")},
		"a long description":    {"30", roboStart("1", "Description", long)},
		"an end without a zone": {"30", roboStart("1", "ExpirationDate", "2026-01-01T05:30:00")},
		"no sum":                {"31", roboStart("1", "OutSum", "0.00")},
		"three decimals":        {"31", roboStart("1", "OutSum", "1500.505")},
		"a comma":               {"31", roboStart("1", "OutSum", "1500,50")},
		"recurring":             {"34", roboStart("1", "Recurring", "true")},
		"hold":                  {"64", roboHold("1")},
		"a conversion in .kz": {"60", roboStart("1", "OutSumCurrency", "KZT",
			"SignatureValue", roboMD5("sim-shop", "1500.50", "1", "KZT", "sim-pass-1"))},
	} {
		t.Run(name, func(t *testing.T) {
			inRobokassa(t, opt, func(t *testing.T, s *robo) {
				if err := s.open(v.form); err == nil || !strings.HasSuffix(err.Error(), "error "+v.code) {
					t.Errorf("Open says %v, want %s", err, v.code)
				}
				_, page := s.send(http.MethodGet, "/Merchant/Index.aspx?"+v.form.Encode(), "", "")
				if !strings.Contains(page, "Error "+v.code) {
					t.Errorf("the page says %s, want %s", page, v.code)
				}
				wantEqual(t, "the number of objects", len(s.b.Ledger().Objects), 0)
				wantEqual(t, "errorCode", roboObject(t, s.post("/Merchant/Indexjson.aspx", v.form))["errorCode"], any(json.Number(v.code)))
			})
		})
	}
}

// TestRobokassaNumbersArePaidOnce: a paid number says 40; an unpaid one may be opened again, with its own sum only.
func TestRobokassaNumbersArePaidOnce(t *testing.T) {
	inRobokassa(t, sim.RobokassaOptions{}, func(t *testing.T, s *robo) {
		s.offered("1001")
		s.offered("1001")
		other := url.Values{"MerchantLogin": {"sim-shop"}, "OutSum": {"9.00"}, "InvId": {"1001"}, "SignatureValue": {roboMD5("sim-shop", "9.00", "1001", "sim-pass-1")}}
		if err := s.open(other); err == nil {
			t.Error("a number is opened with another sum")
		}
		s.act("1001", sim.ActPay)
		s.act("1001", sim.ActPayAgain)
		if err := s.open(roboStart("1001")); err == nil || !strings.Contains(err.Error(), "40") {
			t.Errorf("a paid number says %v", err)
		}
		wantEqual(t, "the money", s.b.Ledger().Net("robokassa", "1001"), 150050)
	})
}

func TestRobokassaBrowsersPayOnThePageAndGoBackSigned(t *testing.T) {
	opt := sim.RobokassaOptions{SuccessURL: "https://shop.example.kz/ok", FailURL: "https://shop.example.kz/no"}
	inRobokassa(t, opt, func(t *testing.T, s *robo) {
		_, page := s.send(http.MethodGet, "/Merchant/Index.aspx?"+roboStart("1001").Encode(), "", "")
		s.is("1001", "5")
		if !strings.Contains(page, opt.FailURL) || strings.Contains(page, "SignatureValue") {
			t.Errorf("an unpaid page leads elsewhere: %s", page)
		}
		_, rest, _ := strings.Cut(page, `action="`+roboServer)
		path, _, _ := strings.Cut(rest, `"`)
		page = s.post(path, url.Values{"act": {"pay"}})
		s.is("1001", "100")
		// The golden SuccessURL of the notes, section 11.
		if !strings.Contains(page, opt.SuccessURL) || !strings.Contains(page, "037efd23429b8baf1827c09290dcdee9") {
			t.Errorf("a paid page leads elsewhere: %s", page)
		}
		if again := s.post(path, url.Values{"act": {"pay"}}); !strings.Contains(again, "Error 40") {
			t.Errorf("paying again says %s", again)
		}
	})
}

func TestRobokassaIndexjsonLinksToThePage(t *testing.T) {
	inRobokassa(t, sim.RobokassaOptions{}, func(t *testing.T, s *robo) {
		a := roboObject(t, s.post("/Merchant/Indexjson.aspx", roboStart("1001")))
		id, _ := a["invoiceID"].(string)
		if id == "" || id == "1001" {
			t.Fatalf("the link is %v", a)
		}
		s.is("1001", "result 3")
		s.send(http.MethodGet, "/Merchant/Index/"+id, "", "")
		s.is("1001", "5")
		s.act("1001", sim.ActPay)
		s.is("1001", "100")
		wantEqual(t, "the error of a paid number", roboObject(t, s.post("/Merchant/Indexjson.aspx", roboStart("1001")))["errorCode"], any(json.Number("40")))
	})
}

// TestRobokassaTestPaymentsAreStoredNowhere: they have their own passwords, and OpStateExt says 3, or 4 beside a real one.
func TestRobokassaTestPaymentsAreStoredNowhere(t *testing.T) {
	opt := sim.RobokassaOptions{TestPassword1: "test-1", TestPassword2: "test-2"}
	inRobokassa(t, opt, func(t *testing.T, s *robo) {
		f := roboStart("1001", "IsTest", "1", "SignatureValue", roboMD5("sim-shop", "1500.50", "1001", "test-1"))
		_, page := s.send(http.MethodGet, "/Merchant/Index.aspx?"+f.Encode(), "", "")
		_, rest, _ := strings.Cut(page, `action="`+roboServer)
		path, _, _ := strings.Cut(rest, `"`)
		s.post(path, url.Values{"act": {"pay"}})
		s.is("1001", "result 3")
		wantEqual(t, "the number of objects", len(s.b.Ledger().Objects), 0)
		got := s.forms()[0]
		wantEqual(t, "IsTest", got.Get("IsTest"), "1")
		wantEqual(t, "the signature", got.Get("SignatureValue"), strings.ToUpper(roboMD5("1500.500000", "1001", "test-2")))
		s.paid("1001")
		s.is("1001", "result 4")
	})
}
