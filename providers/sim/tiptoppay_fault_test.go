package sim

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestTipTopPayFaultCodeActsNot(t *testing.T) {
	for _, tt := range []struct {
		name, code string
		ask        func(s *ttpShop) ttpObject
		want       string // Success, ErrorCode, Status and ReasonCode
	}{
		{"published, of a charge", "5091", func(s *ttpShop) ttpObject { return s.token("rt-1", ttpGoodToken) }, "false <nil> Declined 5091"},
		{"of an answer to Check", "3003", func(s *ttpShop) ttpObject { return s.token("rt-1", ttpGoodToken) }, "false <nil> Declined 3003"},
		{"without a name", "5113", func(s *ttpShop) ttpObject { return s.token("rt-1", ttpGoodToken) }, "false <nil> Declined 5113"},
		{"unheard of", "987654", func(s *ttpShop) ttpObject { return s.token("rt-1", ttpGoodToken) }, "false 987654 <nil> 987654"},
		{"no number", "Busy", func(s *ttpShop) ttpObject { return s.token("rt-1", ttpGoodToken) }, "false Busy <nil> <nil>"},
		{"of an order", "987654", func(s *ttpShop) ttpObject { return s.api("/orders/create", ttpWish("rt-1", nil)) }, "false 987654 <nil> <nil>"},
		{"of a look", "987654", func(s *ttpShop) ttpObject { return s.find("rt-0") }, "false 987654 <nil> <nil>"},
		{"of a refund", "5051", func(s *ttpShop) ttpObject { return s.refund("2346712901", "1") }, "false 5051 <nil> <nil>"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := ttpOpen(t, TipTopPayOptions{}, nil)
			s.token("rt-0", ttpGoodToken)
			before := len(s.bank.Ledger().Entries)
			s.fault(Fault{Kind: FaultCode, Code: tt.code, Times: 1})
			a := tt.ask(s)
			m := ttpModel(a)
			if got := fmt.Sprint(a["Success"], " ", a["ErrorCode"], " ", m["Status"], " ", m["ReasonCode"]); got != tt.want {
				t.Errorf("it is answered %s, want %s", got, tt.want)
			}
			if n := len(s.bank.Ledger().Entries); n != before {
				t.Error("something happened")
			}
			s.absent("rt-1")
		})
	}
}

func TestTipTopPayFaultsThatRefuse(t *testing.T) {
	s := ttpOpen(t, TipTopPayOptions{}, nil)
	s.token("rt-1", ttpGoodToken)
	s.fault(Fault{Kind: FaultNotFound, Times: 1})
	s.absent("rt-1")
	body, _ := json.Marshal(ttpWish("rt-2", ttpObject{"Token": ttpGoodToken, "TrInitiatorCode": 1}))
	for kind, want := range map[FaultKind]int{FaultUnauthorized: 401, FaultThrottle: 429} {
		s.fault(Fault{Kind: kind, Times: 1})
		if rec, err := s.send(http.MethodPost, "/payments/tokens/charge", string(body)); err != nil || rec.Code != want || strings.Contains(rec.Body.String(), "{") {
			t.Errorf("%s is answered %v %v", kind, rec, err)
		}
	}
	s.is(s.token("rt-2", ttpGoodToken), "Completed", true) // the refused ones were not processed, so this is no repeat
	s.blamed()
}

func TestTipTopPayFaultsThatSpoilTheAnswer(t *testing.T) {
	charge := func(s *ttpShop) ttpObject { return ttpModel(s.token("rt-1", ttpGoodToken)) }
	order := func(s *ttpShop) ttpObject { return ttpModel(s.api("/orders/create", ttpWish("rt-1", nil))) }
	row := func(s *ttpShop) ttpObject {
		s.token("rt-1", ttpGoodToken)
		return ttpRows(s.period(0, time.Hour, nil))[0]
	}
	for _, tt := range []struct {
		name  string
		fault Fault
		ask   func(*ttpShop) ttpObject
		field string
		want  string
	}{
		{"another amount", Fault{Op: OpCharge, Kind: FaultWrongAmount}, charge, "Amount", "14501.00"},
		{"another amount paid", Fault{Op: OpCharge, Kind: FaultWrongAmount}, charge, "PaymentAmount", "14501.00"},
		{"another order's amount", Fault{Op: OpCreate, Kind: FaultWrongAmount}, order, "Amount", "14501.00"},
		{"another payment", Fault{Op: OpCharge, Kind: FaultWrongReference}, charge, "InvoiceId", "other-rt-1"},
		{"another transaction", Fault{Op: OpCharge, Kind: FaultWrongReference}, charge, "TransactionId", "2347712901"},
		{"an unknown status", Fault{Op: OpCharge, Kind: FaultUnknownStatus}, charge, "Status", "Frozen"},
		{"an invented status", Fault{Op: OpCharge, Kind: FaultUnknownStatus, Code: "Melting"}, charge, "Status", "Melting"},
		{"its number", Fault{Op: OpCharge, Kind: FaultUnknownStatus}, charge, "StatusCode", "77"},
		{"the first row", Fault{Op: OpList, Kind: FaultWrongAmount}, row, "Amount", "14501.00"},
		{"the first row's status", Fault{Op: OpList, Kind: FaultUnknownStatus}, row, "Status", "Frozen"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ttpBubble(t, TipTopPayOptions{}, func(s *ttpShop) {
				s.fault(tt.fault)
				if got := fmt.Sprint(tt.ask(s)[tt.field]); got != tt.want {
					t.Errorf("%s is %s, want %s", tt.field, got, tt.want)
				}
				if len(s.bank.Ledger().Objects) != 1 {
					t.Error("the bank did not act")
				}
			})
		})
	}
}

func TestTipTopPaySpoiledAnswerIsRemberedAsItWas(t *testing.T) {
	s := ttpOpen(t, TipTopPayOptions{}, nil)
	s.fault(Fault{Kind: FaultWrongAmount, Times: 1})
	s.token("rt-1", ttpGoodToken, "X-Request-ID", "x")
	if m := ttpModel(s.token("rt-1", ttpGoodToken, "X-Request-ID", "x")); m["Amount"] != json.Number("14500.00") {
		t.Errorf("the repeat says %v", m["Amount"])
	}
}

func TestTipTopPayAnOrderWithNothingToSpoilIsShown(t *testing.T) {
	for kind, unseen := range map[FaultKind]bool{
		FaultWrongAmount: true, FaultWrongReference: false, FaultBadSignature: false, FaultUnknownStatus: true, FaultTruncate: true,
	} {
		s := ttpOpen(t, TipTopPayOptions{}, nil)
		s.fault(Fault{Op: OpCreate, Kind: kind})
		body, _ := json.Marshal(ttpWish("rt-1", nil))
		if _, err := s.send(http.MethodPost, "/orders/create", string(body)); (err != nil) != (kind == FaultTruncate) {
			t.Errorf("%s: %v", kind, err)
		}
		if o := s.bank.Ledger().Objects[0]; o.Unseen != unseen {
			t.Errorf("%s: unseen is %v, want %v", kind, o.Unseen, unseen)
		}
	}
}

func TestTipTopPayReportsWhatTheMerchantBreaks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var moves []Move
		s := ttpOpen(t, TipTopPayOptions{}, func(o *Options) {
			o.PaymentOf = func(_, reference string) string { return strings.SplitN(reference, "-", 2)[0] }
			o.Witness = func(m Move) error {
				moves = append(moves, m)
				if m.Reference == "pay-3" {
					return errors.New("no such attempt")
				}
				return nil
			}
		})
		m := s.order("rt-1", nil)
		s.act("rt-1", ActDecline)
		s.token("rt-2", ttpGoodToken) // the declined order can still be paid
		id := ttpID(s.token("pay-3", ttpGoodToken))
		s.blamed("I7", "I8")
		s.refund(id, "5000")
		s.refund(id, "5000") // nothing tells it from a repeat
		s.blamed("I7", "I8", "I8", "I8", "I9")
		s.api("/orders/cancel", ttpObject{"Id": m["Id"]})
		s.broken = nil
		s.token("rt-4", ttpPoorToken)
		s.blamed("I7") // rt-2 took money
		want := Move{Face: "tiptoppay", Account: TipTopPayDefaultPublicID, Op: OpRefund, Reference: "pay-3", AmountMinor: 500000, Currency: "KZT"}
		if moves[3] != want {
			t.Errorf("witnessed %+v, want %+v", moves[3], want)
		}
		if l := s.bank.Ledger(); l.Count("tiptoppay", OpVoid, "rt-1") != 1 || l.Count("tiptoppay", OpRefund, "pay-3") != 2 {
			t.Errorf("arrivals %+v", l.Arrivals)
		}
	})
}

func TestTipTopPaySwitchesChangeWhileTheBankRuns(t *testing.T) {
	s := ttpOpen(t, TipTopPayOptions{}, nil)
	control := s.bank.Control()
	ask := func(method, body string) (int, string) {
		rec := httptest.NewRecorder()
		control.ServeHTTP(rec, httptest.NewRequest(method, "/tiptoppay/switches", strings.NewReader(body)))
		return rec.Code, rec.Body.String()
	}
	if code, body := ask(http.MethodPut, `{"found_is_success":true,"reserve_bank":"1h"}`); code != http.StatusOK {
		t.Fatal(code, body)
	}
	s.token("rt-1", ttpPoorToken)
	s.is(s.find("rt-1"), "Declined", true)
	if _, body := ask(http.MethodGet, ""); !strings.Contains(body, `"reserve_bank": "1h0m0s"`) {
		t.Errorf("the switches are %s", body)
	}
	for _, bad := range []string{
		`{"reserve":"1h"}`, `{"reserve_bank":"-1s"}`, `{"decline_code":-4}`, `{"auto_confirm":"-1h"}`, `{"refusal_status":500}`,
		`{"json_notices":true,"get_notices":true}`,
	} {
		if code, body := ask(http.MethodPut, bad); code != http.StatusBadRequest {
			t.Errorf("%s is answered %d %s", bad, code, body)
		}
	}
}

func TestTipTopPayOptionsThatMakeNoSensePanic(t *testing.T) {
	for name, opt := range map[string]TipTopPayOptions{
		"a negative life":            {HoldLife: -time.Second},
		"switches that contradict":   {Switches: TipTopPaySwitches{JSONNotices: true, GetNotices: true}},
		"a token without a name":     {Tokens: []TipTopPayToken{{}}},
		"a card number of one part":  {Tokens: []TipTopPayToken{{Token: "tk_1", CardPAN: "4242"}}},
		"a type that does not exist": {NotifyTypes: []string{"paid"}},
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s is accepted", name)
				}
			}()
			TipTopPay(opt)
		}()
	}
}

func TestTipTopPayAnyRequestIsAnswered(t *testing.T) {
	s := ttpOpen(t, TipTopPayOptions{}, nil)
	paths := []string{"/", "/d/", "/d/x", "/acs", "/payments", "/payments/find/"}
	for path := range s.face.services {
		paths = append(paths, path)
	}
	for _, path := range paths {
		for _, body := range []string{"", "{}", "null", "[]", `""`, "{", `{"TransactionId":[],"Id":{},"Amount":1e3,"InvoiceId":7,"PageNumber":1.9,"Statuses":{}}`, "\x00", "a=%zz"} {
			for _, kind := range []string{"application/json", "application/x-www-form-urlencoded", "", "x/y; z"} {
				if rec, err := s.send(http.MethodPost, path, body, "Content-Type", kind); err != nil || rec.Code >= 500 {
					t.Errorf("%s with %q as %q is answered %v %v", path, body, kind, rec, err)
				}
			}
		}
	}
	if n := len(s.bank.Ledger().Entries); n != 0 {
		t.Errorf("%d movements", n)
	}
}
