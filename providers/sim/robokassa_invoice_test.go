package sim_test

import (
	"crypto/md5"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/payrouter/payrouter/providers/sim"
)

func roboAbout(name, value string) string {
	return fmt.Sprintf(`{"MerchantLogin":"sim-shop",%q:%q}`, name, value)
}

func TestRobokassaInvoicesArePaidByTheirLink(t *testing.T) {
	inRobokassa(t, sim.RobokassaOptions{}, func(t *testing.T, s *robo) {
		a := s.invoiceCall("CreateInvoice", roboInvoice("1001"))
		wantEqual(t, "isSuccess", a["isSuccess"], any(true))
		wantEqual(t, "invId", fmt.Sprint(a["invId"]), "1001")
		link := roboText(a, "url")
		if !strings.HasPrefix(link, roboServer+"/Merchant/Invoice/") {
			t.Fatalf("the link is %s", link)
		}
		opener, _ := s.face.(interface{ Open(string) error })
		must(t, opener.Open(link)) // the bank knows it already
		s.is("1001", "result 3")
		s.send(http.MethodGet, strings.TrimPrefix(link, roboServer), "", "")
		s.is("1001", "5")
		s.act("1001", sim.ActPay)
		s.is("1001", "100")
		wantEqual(t, "a used number", roboText(s.invoiceCall("CreateInvoice", roboInvoice("1001")), "message"), "InvId is used")
		if err := opener.Open(roboServer + "/Merchant/Invoice/nothing"); err == nil {
			t.Error("an invoice that is not has a page")
		}
	})
}

func TestRobokassaInvoicesAreDeactivatedByAnyOfTheirNames(t *testing.T) {
	inRobokassa(t, sim.RobokassaOptions{}, func(t *testing.T, s *robo) {
		for number, about := range map[string]func(a map[string]any) string{
			"1001": func(map[string]any) string { return `{"MerchantLogin":"sim-shop","InvId":1001}` },
			"1002": func(a map[string]any) string { return roboAbout("Id", roboText(a, "id")) },
			"1003": func(a map[string]any) string {
				return roboAbout("EncodedId", strings.TrimPrefix(roboText(a, "url"), roboServer+"/Merchant/Invoice/"))
			},
		} {
			a := s.invoiceCall("CreateInvoice", roboInvoice(number))
			wantEqual(t, number, s.invoiceCall("DeactivateInvoice", about(a))["isSuccess"], any(true))
			wantEqual(t, number+" again", s.invoiceCall("DeactivateInvoice", about(a))["isSuccess"], any(false))
			for _, act := range []string{sim.ActScan, sim.ActPay, sim.ActPayLate} {
				s.act(number, act)
			}
			wantEqual(t, "the phase of "+number, s.object(number).Phase, sim.Dead)
			_, page := s.send(http.MethodGet, strings.TrimPrefix(roboText(a, "url"), roboServer), "", "")
			if !strings.Contains(page, "Error 53") {
				t.Errorf("the page of %s says %s", number, page)
			}
			s.is(number, "result 3")
		}
		wantEqual(t, "what is not", s.invoiceCall("DeactivateInvoice", roboAbout("InvId", "77"))["isSuccess"], any(false))
	})
}

// TestRobokassaDeactivationDoesNotStopAPayerAtThePage: they may still pay, for a while, and only OpStateExt says what came of it.
func TestRobokassaDeactivationDoesNotStopAPayerAtThePage(t *testing.T) {
	inRobokassa(t, sim.RobokassaOptions{}, func(t *testing.T, s *robo) {
		for _, number := range []string{"1", "2", "3"} {
			s.invoiceCall("CreateInvoice", roboInvoice(number))
			s.act(number, sim.ActScan)
			if number != "3" {
				wantEqual(t, number, s.invoiceCall("DeactivateInvoice", roboAbout("InvId", number))["isSuccess"], any(true))
			}
		}
		s.act("1", sim.ActConfirm)
		s.is("1", "100")
		s.act("3", sim.ActPay)
		wantEqual(t, "what is paid", s.invoiceCall("DeactivateInvoice", roboAbout("InvId", "3"))["isSuccess"], any(false))
		pass(20 * time.Minute)
		s.is("2", "10")
		s.act("2", sim.ActPay)
		wantEqual(t, "the money", s.b.Ledger().Net("robokassa", "2"), 0)
	})
}

func TestRobokassaInvoicesEnd(t *testing.T) {
	payload := strings.Replace(roboInvoice("1001"), `"OutSum"`, `"ExpirationDate":"2000-01-01T00:20:00Z","OutSum"`, 1)
	for obeys, life := range map[bool]time.Duration{false: 2 * time.Hour, true: 20 * time.Minute} {
		opt := sim.RobokassaOptions{Switches: sim.RobokassaSwitches{InvoiceLife: sim.Duration(2 * time.Hour), InvoiceObeysExpirationDate: obeys}}
		inRobokassa(t, opt, func(t *testing.T, s *robo) {
			a := s.invoiceCall("CreateInvoice", payload)
			wantEqual(t, "its life", time.Until(s.object("1001").LiveUntil), life)
			pass(life)
			s.act("1001", sim.ActPay)
			wantEqual(t, "its phase", s.object("1001").Phase, sim.Dead)
			_, page := s.send(http.MethodGet, strings.TrimPrefix(roboText(a, "url"), roboServer), "", "")
			if !strings.Contains(page, "Error 51") {
				t.Errorf("its page says %s", page)
			}
		})
	}
}

func TestRobokassaInvoiceServiceRefusesWithHTTP200(t *testing.T) {
	inRobokassa(t, sim.RobokassaOptions{}, func(t *testing.T, s *robo) {
		payload := roboInvoice("1001")
		good := roboJWT(`{"typ":"JWT","alg":"MD5"}`, payload, "sim-shop:sim-pass-1", md5.New)
		for name, body := range map[string]string{
			"raw":            good,
			"another key":    `"` + roboJWT(`{"alg":"MD5"}`, payload, "sim-pass-1", md5.New) + `"`,
			"no algorithm":   `"` + roboJWT(`{"alg":"none"}`, payload, "sim-shop:sim-pass-1", md5.New) + `"`,
			"another shop":   `"` + roboJWT(`{"alg":"MD5"}`, strings.Replace(payload, "sim-shop", "demo", 1), "sim-shop:sim-pass-1", md5.New) + `"`,
			"nothing":        ``,
			"no sum":         `"` + roboJWT(`{"alg":"MD5"}`, strings.Replace(payload, "1500.50", "0", 1), "sim-shop:sim-pass-1", md5.New) + `"`,
			"no type":        `"` + roboJWT(`{"alg":"MD5"}`, strings.Replace(payload, "OneTime", "Often", 1), "sim-shop:sim-pass-1", md5.New) + `"`,
			"no good number": `"` + roboJWT(`{"alg":"MD5"}`, strings.Replace(payload, "1001,", `"a1",`, 1), "sim-shop:sim-pass-1", md5.New) + `"`,
		} {
			for _, method := range []string{"CreateInvoice", "DeactivateInvoice", "GetInvoiceInformationList"} {
				if method != "CreateInvoice" && strings.HasPrefix(name, "no ") && name != "no algorithm" {
					continue
				}
				status, got := s.send(http.MethodPost, "/InvoiceServiceWebApi/api/"+method, "application/json", body)
				wantEqual(t, "the HTTP status of "+name, status, 200)
				wantEqual(t, method+" of "+name, roboObject(t, got)["isSuccess"], any(false))
			}
		}
		_, got := s.send(http.MethodPost, "/InvoiceServiceWebApi/api/CreateInvoice", "application/jwt", `"`+good+`"`)
		wantEqual(t, "another content type", roboObject(t, got)["isSuccess"], any(false))
		wantEqual(t, "the number of objects", len(s.b.Ledger().Objects), 0)
	})
}

func TestRobokassaListsInvoicesAndNothingElse(t *testing.T) {
	inRobokassa(t, sim.RobokassaOptions{}, func(t *testing.T, s *robo) {
		for _, number := range []string{"1", "2", "3"} {
			s.invoiceCall("CreateInvoice", roboInvoice(number))
			pass(time.Hour)
		}
		s.paid("4")
		s.act("1", sim.ActPay)
		s.invoiceCall("DeactivateInvoice", roboAbout("InvId", "2"))
		list := func(more string) string {
			a := s.invoiceCall("GetInvoiceInformationList", `{"MerchantLogin":"sim-shop"`+more+`}`)
			rows, ok := a["invoices"].([]any)
			if !ok {
				return fmt.Sprint(a["message"])
			}
			out := fmt.Sprint(a["totalCount"])
			for _, row := range rows {
				r, _ := row.(map[string]any)
				out += fmt.Sprintf(" %v %v %v", r["invId"], r["status"], r["outSum"])
			}
			return out
		}
		wantEqual(t, "everything", list(""), "3 1 Paid 1500.50 2 Expired 1500.50 3 Notpaid 1500.50")
		wantEqual(t, "one status", list(`,"InvoiceStatuses":["Notpaid"]`), "1 3 Notpaid 1500.50")
		wantEqual(t, "the second page", list(`,"CurrentPage":2,"PageSize":2`), "3 3 Notpaid 1500.50")
		wantEqual(t, "a page too far", list(`,"CurrentPage":9,"PageSize":2`), "3")
		wantEqual(t, "a window", list(`,"DateFrom":"2000-01-01T00:30:00Z","DateTo":"2000-01-01T01:30:00Z"`), "1 2 Expired 1500.50")
		wantEqual(t, "a page 0", list(`,"CurrentPage":0`), "bad parameters")
		wantEqual(t, "another type", list(`,"InvoiceTypes":["Reusable"]`), "0")
	})
}
