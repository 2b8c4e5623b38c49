package sim_test

import (
	"crypto/md5"
	"crypto/sha256"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/payrouter/payrouter/providers/sim"
)

// roboCall is one request of the protocol, ready to be made, and how the ledger shows that it was acted upon.
type roboCall struct {
	op    sim.Op
	ready func(s *robo)
	call  func(s *robo) (status int, body string)
	acted func(s *robo) bool
}

const roboForm = "application/x-www-form-urlencoded"

func roboCalls() map[string]roboCall {
	known := func(number string) func(s *robo) bool {
		return func(s *robo) bool {
			for _, o := range s.b.Ledger().Objects {
				if o.Reference == number {
					return true
				}
			}
			return false
		}
	}
	status := func(number string, phase sim.Phase) func(s *robo) bool {
		return func(s *robo) bool { return s.object(number).Phase == phase }
	}
	invoice := func(method, payload string) func(s *robo) (int, string) {
		return func(s *robo) (int, string) {
			token := roboJWT(`{"typ":"JWT","alg":"MD5"}`, payload, "sim-shop:sim-pass-1", md5.New)
			return s.send(http.MethodPost, "/InvoiceServiceWebApi/api/"+method, "application/json", `"`+token+`"`)
		}
	}
	form := func(path string, fields url.Values) func(s *robo) (int, string) {
		return func(s *robo) (int, string) { return s.send(http.MethodPost, path, roboForm, fields.Encode()) }
	}
	nothing := func(*robo) {}
	shp := roboStart("1001", "Shp_attempt", "a1", "SignatureValue", roboMD5("sim-shop", "1500.50", "1001", "sim-pass-1", "Shp_attempt=a1"))
	return map[string]roboCall{
		"Indexjson":     {sim.OpCreate, nothing, form("/Merchant/Indexjson.aspx", roboStart("1001")), known("1001")},
		"CreateInvoice": {sim.OpCreate, nothing, invoice("CreateInvoice", roboInvoice("1001")), known("1001")},
		"Recurring": {sim.OpCharge, nothing, form("/Merchant/Recurring", url.Values{"MerchantLogin": {"sim-shop"}, "InvoiceID": {"1001"},
			"PreviousInvoiceID": {"501"}, "OutSum": {"700.00"}, "SignatureValue": {roboMD5("sim-shop", "700.00", "1001", "sim-pass-1")}}), known("1001")},
		"Confirm": {sim.OpCapture, func(s *robo) { s.held("1001") }, form("/Merchant/Payment/Confirm", url.Values{"MerchantLogin": {"sim-shop"},
			"InvoiceID": {"1001"}, "OutSum": {"1500.50"}, "SignatureValue": {roboMD5("sim-shop", "1500.50", "1001", "sim-pass-1")}}), status("1001", sim.Charged)},
		"Cancel": {sim.OpVoid, func(s *robo) { s.held("1001") }, form("/Merchant/Payment/Cancel", url.Values{"MerchantLogin": {"sim-shop"},
			"InvoiceID": {"1001"}, "SignatureValue": {roboMD5("sim-shop", "", "1001", "sim-pass-1")}}), status("1001", sim.Dead)},
		"DeactivateInvoice": {sim.OpVoid, func(s *robo) { s.invoiceCall("CreateInvoice", roboInvoice("1001")) },
			invoice("DeactivateInvoice", roboAbout("InvId", "1001")), status("1001", sim.Dead)},
		"Refund": {sim.OpRefund, func(s *robo) { s.paid("1001") }, func(s *robo) (int, string) {
			token := roboJWT(`{"alg":"HS256"}`, `{"OpKey":"`+s.object("1001").ID+`"}`, "sim-pass-3", sha256.New)
			return s.send(http.MethodPost, "/RefundService/Refund/Create", "application/jwt", token)
		}, func(s *robo) bool { return s.object("1001").Refunded > 0 }},
		"GetState": {sim.OpStatus, func(s *robo) { s.paid("1001") }, func(s *robo) (int, string) {
			id := "none"
			for _, e := range s.b.Ledger().Entries {
				if e.Kind == sim.KindRefund {
					id = e.ID
				}
			}
			if id == "none" {
				if done, err := s.b.Settle("robokassa", "1001"); err != nil || !done {
					s.t.Fatal("no refund was made")
				}
				id = s.b.Ledger().Entries[1].ID
			}
			return s.send(http.MethodGet, "/RefundService/Refund/GetState?id="+id, "", "")
		}, nil},
		"OpStateExt": {sim.OpStatus, func(s *robo) {
			must(s.t, s.open(shp))
			s.act("1001", sim.ActPay)
		}, func(s *robo) (int, string) {
			return s.send(http.MethodGet, "/Merchant/WebService/Service.asmx/OpStateExt?MerchantLogin=sim-shop&InvoiceID=1001&Signature="+
				roboMD5("sim-shop", "1001", "sim-pass-2"), "", "")
		}, nil},
		"List": {sim.OpList, func(s *robo) { s.invoiceCall("CreateInvoice", roboInvoice("1001")) },
			invoice("GetInvoiceInformationList", `{"MerchantLogin":"sim-shop"}`), nil},
		"CalcOutSumm": {sim.OpProbe, nothing, form("/Merchant/WebService/Service.asmx/CalcOutSumm", url.Values{"MerchantLogin": {"sim-shop"},
			"IncSum": {"100"}, "Signature": {roboMD5("sim-shop", "100", "sim-pass-1")}}), nil},
	}
}

// TestRobokassaRefusesInItsOwnWords: a fault under which nothing happens changes nothing and answers as the provider would.
func TestRobokassaRefusesInItsOwnWords(t *testing.T) {
	opt := sim.RobokassaOptions{Tokens: []sim.RobokassaToken{{InvoiceID: "501"}}}
	for name, want := range map[string]map[sim.FaultKind]string{
		"Indexjson":         {sim.FaultCode: `"errorCode":500`, sim.FaultUnauthorized: `"errorCode":29`, sim.FaultNotFound: `"errorCode":53`},
		"CreateInvoice":     {sim.FaultCode: `"message":"500"`, sim.FaultUnauthorized: `"bad signature"`, sim.FaultNotFound: `"invoice not found"`},
		"DeactivateInvoice": {sim.FaultCode: `"message":"500"`, sim.FaultUnauthorized: `"bad signature"`, sim.FaultNotFound: `"invoice not found"`},
		"List":              {sim.FaultCode: `"message":"500"`, sim.FaultUnauthorized: `"bad signature"`, sim.FaultNotFound: `"invoice not found"`},
		"Recurring":         {sim.FaultCode: "ERROR 500", sim.FaultUnauthorized: "ERROR 29", sim.FaultNotFound: "ERROR 35"},
		"Confirm":           {sim.FaultCode: "{success:false}", sim.FaultUnauthorized: "{success:false}", sim.FaultNotFound: "{success:false}"},
		"Cancel":            {sim.FaultCode: "{success:false}", sim.FaultUnauthorized: "{success:false}", sim.FaultNotFound: "{success:false}"},
		"Refund":            {sim.FaultCode: `"message":"500"`, sim.FaultUnauthorized: "password 3", sim.FaultNotFound: `"OperationNotFound"`},
		"GetState":          {sim.FaultCode: `"message":"500"`, sim.FaultUnauthorized: "Unauthorized", sim.FaultNotFound: "Id is invalid"},
		"OpStateExt":        {sim.FaultCode: "<Code>500</Code>", sim.FaultUnauthorized: "<Code>1</Code>", sim.FaultNotFound: "<Code>3</Code>"},
		"CalcOutSumm":       {sim.FaultCode: "<Code>500</Code>", sim.FaultUnauthorized: "<Code>1</Code>", sim.FaultNotFound: "<Code>3</Code>"},
	} {
		want[sim.FaultThrottle] = "Too Many Requests"
		c := roboCalls()[name]
		for kind, words := range want {
			t.Run(name+" "+string(kind), func(t *testing.T) {
				inRobokassa(t, opt, func(t *testing.T, s *robo) {
					c.ready(s)
					fault := sim.Fault{Op: c.op, Kind: kind, Times: 1}
					if kind == sim.FaultCode {
						fault.Code = "500"
					}
					addFault(t, s.b, fault)
					if _, body := c.call(s); !strings.Contains(body, words) {
						t.Errorf("it says %s, want %s", body, words)
					}
					if c.acted != nil && c.acted(s) {
						t.Error("it was acted upon")
					}
					if _, body := c.call(s); strings.Contains(body, words) {
						t.Errorf("once the fault is over it says %s", body)
					}
					if c.acted != nil && !c.acted(s) {
						t.Error("it was not acted upon once the fault was over")
					}
				})
			})
		}
	}
}

// TestRobokassaLiesWhereItsAnswersHaveAPlaceForIt: the bank acts, and one thing in the answer is untrue; else it is the true one.
func TestRobokassaLiesWhereItsAnswersHaveAPlaceForIt(t *testing.T) {
	opt := sim.RobokassaOptions{Tokens: []sim.RobokassaToken{{InvoiceID: "501"}}}
	for name, places := range map[string]map[sim.FaultKind]string{
		"Indexjson":         {sim.FaultWrongReference: `"errorCode":0`, sim.FaultUnknownStatus: `"errorCode":987`},
		"CreateInvoice":     {sim.FaultWrongReference: `"invId":710017`},
		"DeactivateInvoice": {},
		"Recurring":         {sim.FaultWrongReference: "OK710017", sim.FaultUnknownStatus: "ACCEPTED"},
		"Confirm":           {sim.FaultUnknownStatus: "{success:maybe}"},
		"Cancel":            {sim.FaultUnknownStatus: "{success:maybe}"},
		"Refund":            {},
		"GetState":          {sim.FaultWrongAmount: `"amount":1501.50`, sim.FaultWrongReference: "finished", sim.FaultUnknownStatus: "postponed"},
		"OpStateExt":        {sim.FaultWrongAmount: "<OutSum>1501.500000", sim.FaultWrongReference: "<Value>other-a1", sim.FaultUnknownStatus: "<Code>987"},
		"List":              {sim.FaultWrongAmount: `"outSum":1501.50`, sim.FaultWrongReference: `"invId":710017`, sim.FaultUnknownStatus: "Frozen"},
		"CalcOutSumm":       {},
	} {
		c := roboCalls()[name]
		answer := func(t *testing.T, kind sim.FaultKind) (body string) {
			inRobokassa(t, opt, func(t *testing.T, s *robo) {
				c.ready(s)
				if kind != "" {
					addFault(t, s.b, sim.Fault{Op: c.op, Kind: kind})
				}
				_, body = c.call(s)
				if c.acted != nil && !c.acted(s) {
					t.Error("it was not acted upon")
				}
			})
			return body
		}
		for _, kind := range []sim.FaultKind{sim.FaultWrongAmount, sim.FaultWrongReference, sim.FaultUnknownStatus, sim.FaultBadSignature} {
			t.Run(name+" "+string(kind), func(t *testing.T) {
				truth, told := answer(t, ""), answer(t, kind)
				place, lies := places[kind]
				if lies == (truth == told) {
					t.Errorf("it says %s, the truth is %s", told, truth)
				}
				if !strings.Contains(told, place) {
					t.Errorf("it says %s, want %s", told, place)
				}
			})
		}
	}
}

func TestRobokassaUnknownStatusTakesTheWordOfTheRule(t *testing.T) {
	inRobokassa(t, sim.RobokassaOptions{}, func(t *testing.T, s *robo) {
		s.paid("1001")
		addFault(t, s.b, sim.Fault{Op: sim.OpStatus, Kind: sim.FaultUnknownStatus, Code: "70"})
		s.is("1001", "70")
	})
}

// TestRobokassaActsLateOnWhatItReadBefore: what became of the number meanwhile counts.
func TestRobokassaActsLateOnWhatItReadBefore(t *testing.T) {
	inRobokassa(t, sim.RobokassaOptions{}, func(t *testing.T, s *robo) {
		addFault(t, s.b, sim.Fault{Op: sim.OpCreate, Kind: sim.FaultActLate, Delay: sim.Duration(time.Minute), Times: 1})
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, roboServer+"/Merchant/Indexjson.aspx", strings.NewReader(roboStart("1001").Encode()))
		must(t, err)
		r.GetBody = nil
		r.Header.Set("Content-Type", roboForm)
		if res, err := s.client.Do(r); err == nil {
			res.Body.Close()
			t.Fatal("there was an answer")
		}
		s.paid("1001")
		pass(2 * time.Minute)
		wantEqual(t, "the number of objects", len(s.b.Ledger().Objects), 1)
		s.is("1001", "100")
	})
}

func TestRobokassaOffersWithALostAnswerCannotBePaid(t *testing.T) {
	inRobokassa(t, sim.RobokassaOptions{}, func(t *testing.T, s *robo) {
		addFault(t, s.b, sim.Fault{Op: sim.OpCreate, Kind: sim.FaultActHTTPError, Times: 1})
		c := roboCalls()["CreateInvoice"]
		status, _ := c.call(s)
		wantEqual(t, "the HTTP status", status, 503)
		wantEqual(t, "unseen", s.object("1001").Unseen, true)
		if err := s.b.Act("robokassa", "1001", sim.ActPay); err == nil {
			t.Error("somebody paid what nobody saw")
		}
	})
}

func TestRobokassaSwitchesAreReadReplacedAndChecked(t *testing.T) {
	inRobokassa(t, sim.RobokassaOptions{}, func(t *testing.T, s *robo) {
		s.switches(`{"credit":"1h"}`)
		if got := control(s.b, http.MethodGet, "/robokassa/switches", "").Body.String(); !strings.Contains(got, `"credit": "1h0m0s"`) {
			t.Errorf("the switches are %s", got)
		}
		for _, bad := range []string{`{"credit":"-1s"}`, `{"hold_answer":"xml"}`, `{"refund_body":"xml"}`, `{"unknown":1}`, `{"credit":5}`} {
			wantEqual(t, bad, control(s.b, http.MethodPut, "/robokassa/switches", bad).Code, 400)
		}
	})
}

func TestRobokassaOptionsThatMakeNoSensePanic(t *testing.T) {
	for name, opt := range map[string]sim.RobokassaOptions{
		"hash":     {Hash: "crc32"},
		"method":   {ResultMethod: "EMAIL"},
		"switches": {Switches: sim.RobokassaSwitches{Review: -1}},
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: nothing panics", name)
				}
			}()
			sim.Robokassa(opt)
		}()
	}
}

func TestRobokassaServesNothingElse(t *testing.T) {
	inRobokassa(t, sim.RobokassaOptions{}, func(t *testing.T, s *robo) {
		for _, v := range []struct{ method, path string }{
			{"GET", "/"}, {"GET", "/Merchant/Recurring"}, {"DELETE", "/Merchant/Index.aspx"}, {"GET", "/Merchant/Index/a/b"},
			{"POST", "/Merchant/Payment/CoFPayment"}, {"GET", "/Merchant/Payment/Confirm"}, {"GET", "/Merchant/Index/"},
		} {
			status, _ := s.send(v.method, v.path, "", "")
			wantEqual(t, v.method+" "+v.path, status, 404)
		}
		if err := s.b.Act("robokassa", "1001", sim.ActPay); err == nil {
			t.Error("an address that nobody was handed is paid")
		}
		s.offered("1001")
		if err := s.b.Act("robokassa", "1001", "dance"); err == nil {
			t.Error("a payer dances")
		}
	})
}
