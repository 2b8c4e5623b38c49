package sim

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

func TestWayForPayFaultCodeAnswersInTheFormOfTheOperation(t *testing.T) {
	for _, tt := range []struct {
		name, code, status string
		signed             string // fields, empty is unsigned
		ask                func(s *wfpShop) wfpAnswer
	}{
		{"declined charge", "1104", "Declined", wfpEightNames, func(s *wfpShop) wfpAnswer { return s.charge("rt-1", "10", nil) }},
		{"fraud", "1114", "Declined", wfpEightNames, func(s *wfpShop) wfpAnswer { return s.charge("rt-1", "10", nil) }},
		{"charge in processing", "1131", "InProcessing", wfpEightNames, func(s *wfpShop) wfpAnswer { return s.charge("rt-1", "10", nil) }},
		{"charge in review", "1134", "Pending", wfpEightNames, func(s *wfpShop) wfpAnswer { return s.charge("rt-1", "10", nil) }},
		{"duplicate", "1112", "Declined", wfpEightNames, func(s *wfpShop) wfpAnswer { return s.charge("rt-1", "10", nil) }},
		{"format", "1109", "", "", func(s *wfpShop) wfpAnswer { return s.charge("rt-1", "10", nil) }},
		{"script error", "1129", "", "", func(s *wfpShop) wfpAnswer { return s.charge("rt-1", "10", nil) }},
		{"undocumented", "1999", "", "", func(s *wfpShop) wfpAnswer { return s.charge("rt-1", "10", nil) }},
		{"no number at all", "E-17", "", "", func(s *wfpShop) wfpAnswer { return s.charge("rt-1", "10", nil) }},
		{"refused invoice", "1118", "", "", func(s *wfpShop) wfpAnswer { return s.api("CREATE_INVOICE", wfpOrderOf("rt-1", "10", nil)) }},
		{"status", "1101", "Declined", wfpEightNames, func(s *wfpShop) wfpAnswer { return s.api("CHECK_STATUS", wfpAnswer{"orderReference": "rt-0"}) }},
		{"settle", "1126", "Declined", wfpFourNames, func(s *wfpShop) wfpAnswer { return s.settle("rt-0", "10") }},
		{"refund", "1123", "Declined", wfpFourNames, func(s *wfpShop) wfpAnswer { return s.refund("rt-0", "10", "x") }},
		{"refund pending", "1138", "RefundInProcessing", wfpFourNames, func(s *wfpShop) wfpAnswer { return s.refund("rt-0", "10", "x") }},
		{"removal", "1126", "", "", func(s *wfpShop) wfpAnswer {
			return s.api("REMOVE_INVOICE", wfpAnswer{"orderReference": "rt-0"})
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := wfpOpen(t, WayForPayOptions{}, nil)
			s.charge("rt-0", "10", nil)
			before := len(s.bank.Ledger().Entries)
			s.fault(Fault{Kind: FaultCode, Code: tt.code, Times: 1})
			a := tt.ask(s)
			if tt.signed == "" {
				s.code(a, tt.code)
			} else {
				s.verify(a, tt.signed)
				s.is(a, tt.status, tt.code)
			}
			if got := len(s.bank.Ledger().Entries); got != before {
				t.Errorf("%d entries, want %d: nothing may happen", got, before)
			}
			s.status("rt-1", "Declined", "1127")
		})
	}
}

func TestWayForPayFaultsThatRefuse(t *testing.T) {
	s := wfpOpen(t, WayForPayOptions{}, nil)
	s.charge("rt-1", "10", nil)
	s.fault(Fault{Kind: FaultNotFound, Times: 1})
	if a := s.status("rt-1", "Declined", "1127"); a["amount"] != "" {
		t.Errorf("not-found knows the amount %v", a["amount"])
	}
	s.fault(Fault{Kind: FaultUnauthorized, Times: 1})
	s.code(s.charge("rt-2", "10", nil), "1113")
	s.fault(Fault{Kind: FaultThrottle, Times: 1})
	body, err := json.Marshal(s.signed("CHECK_STATUS", wfpAnswer{"orderReference": "rt-1"}))
	if err != nil {
		t.Fatal(err)
	}
	if rec, err := s.exchange(http.MethodPost, "/api", string(body)); err != nil || rec.Code != http.StatusTooManyRequests {
		t.Errorf("throttled with %v %v", rec, err)
	}
	s.is(s.charge("rt-2", "10", nil), "Approved", "1100") // the refused one was not processed, so this is no repeat
	s.blameless()
}

func TestWayForPayBalanceTooSmallMayBeRetried(t *testing.T) {
	s := wfpOpen(t, WayForPayOptions{}, nil)
	s.charge("rt-1", "10", nil)
	s.fault(Fault{Op: OpRefund, Kind: FaultCode, Code: "1136", Times: 1})
	s.is(s.refund("rt-1", "10", "rf-1"), "Declined", "1136")
	s.is(s.refund("rt-1", "10", "rf-1"), "Refunded", "1100")
	s.blameless()
}

func TestWayForPayFaultsThatSpoilTheAnswer(t *testing.T) {
	charge := func(s *wfpShop) wfpAnswer { return s.charge("rt-1", "10", nil) }
	for _, tt := range []struct {
		name   string
		fault  Fault
		ask    func(*wfpShop) wfpAnswer
		field  string
		want   string
		signed string
	}{
		{"another amount", Fault{Kind: FaultWrongAmount}, charge, "amount", "11", wfpEightNames},
		{"another order", Fault{Kind: FaultWrongReference}, charge, "orderReference", "other-rt-1", wfpEightNames},
		{"an unknown status", Fault{Kind: FaultUnknownStatus}, charge, "transactionStatus", "Frozen", wfpEightNames},
		{"an invented status", Fault{Kind: FaultUnknownStatus, Code: "Melting"}, charge, "transactionStatus", "Melting", wfpEightNames},
		{"an invented code", Fault{Kind: FaultUnknownStatus, Code: "1777"}, charge, "reasonCode", "1777", wfpEightNames},
		{"of an invoice", Fault{Kind: FaultUnknownStatus}, func(s *wfpShop) wfpAnswer {
			return s.api("CREATE_INVOICE", wfpOrderOf("rt-1", "10", nil))
		}, "reasonCode", "1999", ""},
		{"of a refund's status", Fault{Op: OpRefund, Kind: FaultUnknownStatus}, func(s *wfpShop) wfpAnswer {
			s.charge("rt-1", "10", nil)
			return s.refund("rt-1", "10", "x")
		}, "transactionStatus", "Frozen", wfpFourNames},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := wfpOpen(t, WayForPayOptions{}, nil)
			s.fault(tt.fault)
			a := tt.ask(s)
			if got := fmt.Sprint(a[tt.field]); got != tt.want {
				t.Errorf("%s is %s, want %s", tt.field, got, tt.want)
			}
			if tt.signed != "" {
				s.verify(a, tt.signed)
			}
			if len(s.bank.Ledger().Objects) != 1 {
				t.Error("the bank did not act")
			}
		})
	}
	t.Run("a bad signature", func(t *testing.T) {
		s := wfpOpen(t, WayForPayOptions{}, nil)
		s.fault(Fault{Kind: FaultBadSignature})
		a := charge(s)
		if a["merchantSignature"] == s.signatureOf(a, wfpEightNames) {
			t.Error("the signature verifies")
		}
		s.net("rt-1", 1000)
	})
	t.Run("the first row of a list", func(t *testing.T) {
		wfpBubble(t, WayForPayOptions{}, func(s *wfpShop) {
			opened := time.Now()
			charge(s)
			for kind, want := range map[FaultKind]string{
				FaultWrongAmount: "CHARGE rt-1 11 Approved 1100", FaultWrongReference: "CHARGE other-rt-1 10.00 Approved 1100",
				FaultUnknownStatus: "CHARGE rt-1 10.00 Frozen 1100", FaultBadSignature: "CHARGE rt-1 10.00 Approved 1100",
			} {
				s.fault(Fault{Op: OpList, Kind: kind})
				if got := wfpLines(s.rows(opened, nil)); got != want {
					t.Errorf("%s: %s, want %s", kind, got, want)
				}
				s.bank.ClearFaults()
			}
		})
	})
}

func TestWayForPayAnOfferWithNothingToSpoilIsShown(t *testing.T) {
	for kind, unseen := range map[FaultKind]bool{
		FaultWrongAmount: false, FaultWrongReference: false, FaultBadSignature: false, FaultUnknownStatus: true, FaultTruncate: true,
	} {
		s := wfpOpen(t, WayForPayOptions{}, nil)
		s.fault(Fault{Op: OpCreate, Kind: kind})
		body, err := json.Marshal(s.signed("CREATE_INVOICE", wfpOrderOf("rt-1", "10", nil)))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.exchange(http.MethodPost, "/api", string(body)); (err != nil) != (kind == FaultTruncate) {
			t.Errorf("%s: %v", kind, err)
		}
		if o := s.bank.Ledger().Objects[0]; o.Unseen != unseen {
			t.Errorf("%s: unseen is %v, want %v", kind, o.Unseen, unseen)
		}
	}
}

func TestWayForPayLostChargeTookTheMoneyOnce(t *testing.T) {
	wfpBubble(t, WayForPayOptions{}, func(s *wfpShop) {
		s.fault(Fault{Op: OpCharge, Kind: FaultActDrop, Times: 1})
		body, err := json.Marshal(s.signed("CHARGE", wfpOrderOf("rt-1", "10", wfpAnswer{"recToken": wfpCardToken})))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.exchange(http.MethodPost, "/api", string(body)); err == nil {
			t.Fatal("the connection did not break")
		}
		s.status("rt-1", "Approved", "1100")
		s.net("rt-1", 1000)
	})
}

func TestWayForPayLateChargeIsNotFoundFirst(t *testing.T) {
	wfpBubble(t, WayForPayOptions{}, func(s *wfpShop) {
		s.fault(Fault{Op: OpCharge, Kind: FaultActLate, Delay: Duration(time.Minute), Times: 1})
		body, err := json.Marshal(s.signed("CHARGE", wfpOrderOf("rt-1", "10", wfpAnswer{"recToken": wfpCardToken})))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.exchange(http.MethodPost, "/api", string(body)); err == nil {
			t.Fatal("the connection did not break")
		}
		s.status("rt-1", "Declined", "1127")
		wfpLater(time.Minute)
		s.status("rt-1", "Approved", "1100")
		s.net("rt-1", 1000)
	})
}

func TestWayForPayReportsWhatTheMerchantBreaks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stored := map[string]bool{"rt-1": true, "rt-2": true}
		var moves []Move
		s := wfpOpen(t, WayForPayOptions{}, func(o *Options) {
			o.PaymentOf = func(_, reference string) string { return strings.SplitN(reference, "-", 2)[0] }
			o.Witness = func(m Move) error {
				moves = append(moves, m)
				if !stored[m.Reference] {
					return errors.New("no such attempt")
				}
				return nil
			}
		})
		s.invoice("rt-1", "10", nil)
		s.act("rt-1", ActDecline)
		s.charge("rt-2", "10", nil) // the declined invoice can still be paid
		s.charge("pay-3", "10", nil)
		var got []string
		for _, v := range s.broken {
			got = append(got, v.Invariant+" "+v.Reference)
		}
		if want := "I7 rt-2, I8 pay-3"; strings.Join(got, ", ") != want {
			t.Errorf("violations %v, want %s", got, want)
		}
		want := Move{Face: "wayforpay", Account: "test_merch_n1", Op: OpCharge, Reference: "rt-2", AmountMinor: 1000, Currency: "UAH"}
		if len(moves) != 3 || moves[1] != want {
			t.Errorf("witnessed %+v, want %+v second", moves, want)
		}
	})
}

func TestWayForPayRemovedInvoiceFreesThePayment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := wfpOpen(t, WayForPayOptions{}, func(o *Options) { o.PaymentOf = func(string, string) string { return "one" } })
		s.invoice("rt-1", "10", nil)
		s.code(s.api("REMOVE_INVOICE", wfpAnswer{"orderReference": "rt-1"}), "1100")
		s.charge("rt-2", "10", nil)
		s.blameless()
	})
}

func TestWayForPaySwitchesChangeWhileTheBankRuns(t *testing.T) {
	s := wfpOpen(t, WayForPayOptions{}, nil)
	s.invoice("rt-1", "10", nil)
	control := s.bank.Control()
	ask := func(method, body string) (int, string) {
		rec := httptest.NewRecorder()
		control.ServeHTTP(rec, httptest.NewRequest(method, "/wayforpay/switches", strings.NewReader(body)))
		return rec.Code, rec.Body.String()
	}
	if code, body := ask(http.MethodPut, `{"unpaid_invoice_is_1127":true,"refunds_take":"1h"}`); code != http.StatusOK {
		t.Fatal(code, body)
	}
	s.status("rt-1", "Declined", "1127")
	if _, body := ask(http.MethodGet, ""); !strings.Contains(body, `"refunds_take": "1h0m0s"`) {
		t.Errorf("the switches are %s", body)
	}
	for _, bad := range []string{`{"unpaid":true}`, `{"review":"-1s"}`, `{"decline_code":-4}`} {
		if code, body := ask(http.MethodPut, bad); code != http.StatusBadRequest {
			t.Errorf("%s is answered %d %s", bad, code, body)
		}
	}
}

func TestWayForPayIsReachedThroughMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := wfpOpen(t, WayForPayOptions{}, nil)
		trip := s.bank.Transport("wayforpay")
		defer trip.CloseIdleConnections()
		post := func() (wfpAnswer, error) {
			body, err := json.Marshal(s.signed("CHARGE", wfpOrderOf("rt-1", "10", wfpAnswer{"recToken": wfpCardToken})))
			if err != nil {
				return nil, err
			}
			res, err := (&http.Client{Transport: trip}).Post("http://api.wayforpay.com/api", "application/json", bytes.NewReader(body))
			if err != nil {
				return nil, err
			}
			defer func() { _ = res.Body.Close() }()
			text, err := io.ReadAll(res.Body)
			return wfpDecode(t, text), err
		}
		s.fault(Fault{Face: "wayforpay", Kind: FaultRefuse, Delay: Duration(time.Minute)})
		if _, err := post(); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("while it refuses: %v", err)
		}
		wfpLater(2 * time.Minute)
		a, err := post()
		if err != nil {
			t.Fatal(err)
		}
		s.verify(a, wfpEightNames)
		s.is(a, "Approved", "1100")
		s.blameless()
	})
}
