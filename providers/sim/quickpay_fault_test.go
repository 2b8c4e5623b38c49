package sim

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestQuickPayFaultCodeIsAnOperationThatFailed(t *testing.T) {
	for _, code := range []string{"30100", "40000", "40003", "50300"} {
		inQuickPay(t, QuickPayOptions{}, func(s *qpShop) {
			token := s.oneTime(fmt.Sprint(qpSaved))
			s.fault(Fault{Op: OpCharge, Kind: FaultCode, Code: code, Times: 1})
			p, a := s.charge("rt-0001", token)
			s.want(a, 200, "operations.0.qp_status_code", code, "operations.0.pending", "false", "state", "rejected")
			s.want(s.ask("GET", p, ""), 200, "operations.0.qp_status_code", code)
			s.stands("rt-0001", Dead, 0, 0, 0)

			held := s.paid("rt-0002")
			for i, op := range []struct {
				op   Op
				path string
			}{{OpCapture, "/capture"}, {OpVoid, "/cancel"}} {
				s.fault(Fault{Op: op.op, Kind: FaultCode, Code: code, Times: 1})
				s.want(s.ask("POST", held+op.path+"?synchronized", `{"amount":150050}`), 200, fmt.Sprintf("operations.%d.qp_status_code", i+1), code, "state", "new")
			}
			s.stands("rt-0002", Held, 150050, 0, 0)
		})
	}
}

func TestQuickPayFaultCodeThatNobodyKnowsIsForgotten(t *testing.T) {
	inQuickPay(t, QuickPayOptions{}, func(s *qpShop) {
		token := s.oneTime(fmt.Sprint(qpSaved))
		s.fault(Fault{Op: OpCharge, Kind: FaultCode, Code: "987654", Times: 1})
		p, a := s.charge("rt-0001", token)
		s.want(a, 200, "operations.0.qp_status_code", "987654", "operations.0.type", "authorize", "operations.0.amount", "150050")
		s.want(s.ask("GET", p, ""), 200, "operations", "[]", "state", "initial")
		if n := len(s.bank.Ledger().Objects); n != 0 {
			t.Errorf("%d objects: nothing may happen", n)
		}
		s.fault(Fault{Op: OpCreate, Kind: FaultCode, Code: "987654", Times: 1})
		s.want(s.ask("PUT", p+"/link", `{"amount":1}`), 400, "error_code", "987654", "errors", "map[]")
		s.fault(Fault{Op: OpStatus, Kind: FaultCode, Code: "x", Status: 402, Times: 1})
		s.want(s.ask("GET", p, ""), 402, "error_code", "x")
		s.fault(Fault{Op: OpCapture, Kind: FaultCode, Code: "40000", Times: 1})
		s.want(s.ask("POST", "/payments/17/capture", `{"amount":1}`), 404)
	})
}

func TestQuickPayFaultsThatRefuse(t *testing.T) {
	inQuickPay(t, QuickPayOptions{}, func(s *qpShop) {
		p := s.paid("rt-0001")
		for _, tt := range []struct {
			kind    FaultKind
			status  int
			message string
		}{
			{FaultThrottle, 429, "Too many requests"},
			{FaultUnauthorized, 401, "Invalid API key"},
			{FaultNotFound, 404, "Not found: No Payment with id " + strings.TrimPrefix(p, "/payments/")},
		} {
			s.fault(Fault{Kind: tt.kind, Times: 2})
			s.want(s.ask("GET", p, ""), tt.status, "message", tt.message)
			s.want(s.ask("POST", p+"/refund?synchronized", `{"amount":1}`), tt.status, "message", tt.message, "error_code", "<nil>")
		}
		s.fault(Fault{Kind: FaultNotFound, Times: 1})
		if a := s.ask("GET", "/payments?order_id=rt-0001", ""); a.HTTP != 200 || a.Text != "[]" {
			t.Errorf("not found by order is %d %s", a.HTTP, a.Text)
		}
		s.broken = nil // the refund after a not-found counts as a repeat
	})
}

func TestQuickPayRefusedCallMayComeAgain(t *testing.T) {
	inQuickPay(t, QuickPayOptions{}, func(s *qpShop) {
		p := s.paid("rt-0001")
		for _, kind := range []FaultKind{FaultThrottle, FaultUnauthorized} {
			s.fault(Fault{Kind: kind, Times: 1})
			s.ask("POST", p+"/capture?synchronized", `{"amount":150050}`)
		}
		s.header.Set("Accept-Version", "v9")
		s.want(s.ask("POST", p+"/capture?synchronized", `{"amount":150050}`), 406)
		s.header.Del("Accept-Version")
		s.want(s.ask("POST", p+"/capture?synchronized", `{"amount":150050}`), 200, "balance", "150050")
	})
}

func TestQuickPayFaultsThatSpoilTheAnswer(t *testing.T) {
	for _, tt := range []struct {
		name  string
		fault Fault
		path  string
		want  []string
	}{
		{"another amount", Fault{Kind: FaultWrongAmount}, "", []string{"operations.1.amount", "150150", "operations.0.amount", "150050"}},
		{"another payment", Fault{Kind: FaultWrongReference}, "", []string{"order_id", "other-rt-0001"}},
		{"an unknown code", Fault{Kind: FaultUnknownStatus}, "", []string{"operations.1.qp_status_code", "29999", "operations.0.qp_status_code", "20000"}},
		{"an invented code", Fault{Kind: FaultUnknownStatus, Code: "limbo"}, "", []string{"operations.1.qp_status_code", "limbo"}},
		{"another amount of an operation", Fault{Kind: FaultWrongAmount}, "/operations/2", []string{"amount", "150150"}},
		{"another operation", Fault{Kind: FaultWrongReference}, "/operations/2", []string{"id", "3"}},
		{"an unknown code of an operation", Fault{Kind: FaultUnknownStatus}, "/operations/2", []string{"qp_status_code", "29999"}},
		{"no signature to spoil", Fault{Kind: FaultBadSignature}, "", []string{"order_id", "rt-0001", "balance", "150050"}},
	} {
		inQuickPay(t, QuickPayOptions{}, func(s *qpShop) {
			p := s.captured("rt-0001")
			tt.fault.Times = 1
			s.fault(tt.fault)
			a := s.want(s.ask("GET", p+tt.path, ""), 200, tt.want...)
			if again := s.ask("GET", p+tt.path, ""); (a.Text == again.Text) != (tt.fault.Kind == FaultBadSignature) {
				t.Errorf("%s: %s, and without a fault %s", tt.name, a.Text, again.Text)
			}
			if tt.fault.Kind == FaultWrongReference && tt.path == "" && a.at("id") == strings.TrimPrefix(p, "/payments/") {
				t.Error("the id is the true one")
			}
		})
	}
}

func TestQuickPaySpoilsAnswersOfEveryKind(t *testing.T) {
	inQuickPay(t, QuickPayOptions{}, func(s *qpShop) {
		p := s.offer("rt-0001", "")
		s.fault(Fault{Op: OpStatus, Kind: FaultWrongAmount, Times: 2})
		s.want(s.ask("GET", p, ""), 200, "link.amount", "150150")
		s.want(s.ask("GET", "/payments?order_id=rt-0001", ""), 200, "0.link.amount", "150150")
		s.fault(Fault{Op: OpStatus, Kind: FaultUnknownStatus, Times: 1})
		s.want(s.ask("GET", p, ""), 200, "state", "limbo")
		s.fault(Fault{Op: OpToken, Kind: FaultWrongReference, Times: 1})
		s.want(s.ask("POST", "/payments", `{"order_id":"rt-0002","currency":"DKK"}`), 201, "order_id", "other-rt-0002")
		s.act("rt-0001", ActPay)
		s.fault(Fault{Op: OpVoid, Kind: FaultWrongAmount, Times: 1})
		s.want(s.ask("POST", p+"/cancel?synchronized", ""), 200, "operations.0.amount", "150150", "operations.1.amount", "<nil>")
	})
}

func TestQuickPayOfferWhoseAnswerHasNoPlaceForALieIsShown(t *testing.T) {
	for _, kind := range []FaultKind{FaultWrongAmount, FaultWrongReference, FaultBadSignature, FaultUnknownStatus} {
		inQuickPay(t, QuickPayOptions{}, func(s *qpShop) {
			p := s.create("rt-0001")
			s.fault(Fault{Op: OpCreate, Kind: kind, Times: 1})
			s.want(s.ask("PUT", p+"/link", `{"amount":150050}`), 200)
			s.act("rt-0001", ActPay)
			s.stands("rt-0001", Held, 150050, 0, 0)
		})
	}
}

func TestQuickPayActsLate(t *testing.T) {
	inQuickPay(t, QuickPayOptions{}, func(s *qpShop) {
		p := s.paid("rt-0001")
		s.fault(Fault{Op: OpCapture, Kind: FaultActLate, Times: 1})
		if _, err := s.try("POST", p+"/capture?synchronized", `{"amount":150050}`); err == nil {
			t.Fatal("it answered")
		}
		s.stands("rt-0001", Held, 150050, 0, 0)
		s.pass(31 * time.Second)
		s.stands("rt-0001", Charged, 150050, 150050, 0)
	})
}

func TestQuickPayMeetsTheSamePayerWhateverTheSeedRepeats(t *testing.T) {
	texts := [2]string{}
	for i := range texts {
		inQuickPay(t, QuickPayOptions{}, func(s *qpShop) { texts[i] = s.ask("GET", s.captured("rt-0001"), "").Text })
	}
	if texts[0] != texts[1] {
		t.Errorf("two runs of one seed differ:\n%s\n%s", texts[0], texts[1])
	}
}

// Nobody makes the face fail, whatever they send.
func FuzzQuickPayRequest(f *testing.F) {
	for _, path := range []string{"/ping", "/payments", "/payments/7140000001/link", "/payments/1/capture?synchronized", "/cards/1/authorize", "/payments/a%zz", "/payments?page=-1&min_time=x"} {
		f.Add("POST", path, "application/json", `{"order_id":"rt-0001","currency":"DKK","amount":"1","card":{"number":"1000000000000008","expiration":"3012"}}`)
		f.Add("GET", path, "application/x-www-form-urlencoded", "variables[a]=b&card[number]=1&x[=1")
	}
	f.Fuzz(func(t *testing.T, method, path, kind, body string) {
		b := New(Options{}, QuickPay(QuickPayOptions{Cards: []QuickPayCard{{ID: 1}}}))
		defer b.Close()
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
		u, err := r.URL.Parse(path)
		if err != nil {
			t.Skip()
		}
		r.Method, r.URL = method, u
		r.SetBasicAuth("", QuickPayDefaultAPIKey)
		r.Header.Set("Accept-Version", "v10")
		r.Header.Set("Content-Type", kind)
		rec := httptest.NewRecorder()
		b.Handler("quickpay").ServeHTTP(rec, r)
		if rec.Code/100 != 2 && rec.Code/100 != 4 {
			t.Errorf("%s %s is answered %d", method, path, rec.Code)
		}
		for _, e := range b.Ledger().Entries {
			t.Errorf("money moved without a payment: %+v", e)
		}
	})
}
