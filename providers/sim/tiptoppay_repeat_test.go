package sim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestTipTopPayRepeatWithinTheHourIsAnsweredFromMemory(t *testing.T) {
	ttpBubble(t, TipTopPayOptions{}, func(s *ttpShop) {
		first := s.token("rt-1", ttpGoodToken, "X-Request-ID", "rt-1-charge")
		ttpLater(59 * time.Minute)
		if again := s.token("rt-1", ttpGoodToken, "X-Request-ID", "rt-1-charge"); fmt.Sprint(again) != fmt.Sprint(first) {
			t.Errorf("the second answer is %v, want %v", again, first)
		}
		s.net("rt-1", 1450000)
		s.blamed()
		ttpLater(2 * time.Minute) // an hour after the answer it is forgotten
		s.token("rt-1", ttpGoodToken, "X-Request-ID", "rt-1-charge")
		s.net("rt-1", 2900000)
		s.blamed("I9")
	})
}

func TestTipTopPayRepeatOfEveryOperationMovesNothing(t *testing.T) {
	ttpBubble(t, TipTopPayOptions{}, func(s *ttpShop) {
		twice := func(path string, fields ttpObject) {
			t.Helper()
			first := s.api(path, fields, "X-Request-ID", path)
			entries := len(s.bank.Ledger().Entries)
			if again := s.api(path, fields, "X-Request-ID", path); fmt.Sprint(again) != fmt.Sprint(first) {
				t.Errorf("%s is answered %v, then %v", path, first, again)
			}
			if n := len(s.bank.Ledger().Entries); n != entries {
				t.Errorf("%s was processed again", path)
			}
		}
		twice("/orders/create", ttpWish("rt-1", nil))
		twice("/orders/cancel", ttpObject{"Id": s.bank.Ledger().Objects[0].ID})
		twice("/payments/confirm", ttpByID(s.held("rt-2"), ttpObject{"Amount": 14500}))
		twice("/payments/void", ttpByID(s.held("rt-3"), nil))
		twice("/payments/refund", ttpByID(ttpID(s.find("rt-2")), ttpObject{"Amount": 500}))
		twice("/payments/cards/charge", ttpWish("rt-4", ttpObject{"CardCryptogramPacket": "4242424242424242", "IpAddress": "203.0.113.9"}))
		twice("/payments/cards/post3ds", ttpByID(ttpID(s.find("rt-4")), ttpObject{"PaRes": "x"}))
		twice("/payments/tokens/charge", ttpWish("rt-5", ttpObject{"Token": ttpPoorToken, "TrInitiatorCode": 1}))
		if n := len(s.bank.Ledger().Objects); n != 5 {
			t.Errorf("%d objects came into being, want 5", n)
		}
		s.blamed()
	})
}

func TestTipTopPayRepeatedLookIsAsOldAsTheFirst(t *testing.T) {
	ttpBubble(t, TipTopPayOptions{}, func(s *ttpShop) {
		find := func() ttpObject {
			return s.api("/payments/find", ttpObject{"InvoiceId": "rt-1"}, "X-Request-ID", "look")
		}
		s.refusal(find(), "Not found")
		s.token("rt-1", ttpGoodToken)
		s.refusal(find(), "Not found") // the trap of one id for many looks
		ttpLater(time.Hour)
		s.is(find(), "Completed", true)
	})
}

func TestTipTopPayRepeatFetchesWhatWasLost(t *testing.T) {
	ttpBubble(t, TipTopPayOptions{}, func(s *ttpShop) {
		if _, err := s.bank.AddPayer(PayerRule{Behaviour: PayerPays}); err != nil {
			t.Fatal(err)
		}
		lose := func(op Op, kind FaultKind, path string, fields ttpObject) {
			t.Helper()
			s.fault(Fault{Op: op, Kind: kind, Times: 1})
			body, _ := json.Marshal(fields)
			if _, err := s.send(http.MethodPost, path, string(body), "X-Request-ID", path); err == nil {
				t.Fatal("the connection did not break")
			}
		}
		lose(OpCreate, FaultActDrop, "/orders/create", ttpWish("rt-1", nil))
		ttpLater(time.Minute)
		s.net("rt-1", 0)
		m := s.order("rt-1", nil, "X-Request-ID", "/orders/create")
		if o := s.bank.Ledger().Objects[0]; m["Id"] != o.ID || o.Unseen {
			t.Errorf("the repeat gave %v, the order is %+v", m["Id"], o)
		}
		ttpLater(time.Minute)
		s.net("rt-1", 1450000) // now somebody can show it
		if m := s.order("rt-1", nil, "X-Request-ID", "/orders/create"); m["Id"] != s.bank.Ledger().Objects[0].ID {
			t.Error("the third answer is another")
		}
		lose(OpCharge, FaultDrop, "/payments/tokens/charge", ttpWish("rt-2", ttpObject{"Token": ttpGoodToken, "TrInitiatorCode": 1}))
		s.absent("rt-2")
		s.is(s.token("rt-2", ttpGoodToken, "X-Request-ID", "/payments/tokens/charge"), "Completed", true)
		s.net("rt-2", 1450000)
		s.blamed()
	})
}

func TestTipTopPayDeclinesMayRunAgain(t *testing.T) {
	for again, want := range map[bool]int{false: 1, true: 2} {
		ttpBubble(t, TipTopPayOptions{Switches: TipTopPaySwitches{DeclinesRunAgain: again}}, func(s *ttpShop) {
			for range 2 {
				s.is(s.token("rt-1", ttpPoorToken, "X-Request-ID", "x"), "Declined", false)
				s.is(s.token("rt-2", ttpGoodToken, "X-Request-ID", "y"), "Completed", true)
			}
			declined := 0
			for _, row := range s.face.rows {
				if row.status == ttpDeclined {
					declined++
				}
			}
			if declined != want {
				t.Errorf("%d transactions were declined, want %d", declined, want)
			}
			s.net("rt-2", 1450000)
		})
	}
}

func TestTipTopPayOneIDForTwoRequestsIsReported(t *testing.T) {
	s := ttpOpen(t, TipTopPayOptions{}, nil)
	first := s.token("rt-1", ttpGoodToken, "X-Request-ID", "x")
	if second := s.token("rt-2", ttpGoodToken, "X-Request-ID", "x"); fmt.Sprint(second) != fmt.Sprint(first) {
		t.Errorf("the second request is answered %v", second)
	}
	s.net("rt-2", 0)
	s.blamed("I11")
}

func TestTipTopPayRepeatWhileTheFirstRunsIsHeldOrThrottled(t *testing.T) {
	for _, throttle := range []bool{false, true} {
		ttpBubble(t, TipTopPayOptions{NotifyTypes: []string{"check"}, Switches: TipTopPaySwitches{RunningIs429: throttle, CheckDirect: true}}, func(s *ttpShop) {
			s.answer = func(int, ttpHeard) (int, string, error) {
				time.Sleep(10 * time.Second) // the shop thinks it over, and the first request runs so long
				return http.StatusOK, `{"code":0}`, nil
			}
			body, _ := json.Marshal(ttpWish("rt-1", ttpObject{"Token": ttpGoodToken, "TrInitiatorCode": 1}))
			began := time.Now()
			var first *httptest.ResponseRecorder
			go func() {
				first, _ = s.send(http.MethodPost, "/payments/tokens/charge", string(body), "X-Request-ID", "x")
			}()
			time.Sleep(time.Second)
			second, err := s.send(http.MethodPost, "/payments/tokens/charge", string(body), "X-Request-ID", "x")
			if err != nil {
				t.Fatal(err)
			}
			took := time.Since(began)
			ttpLater(time.Minute)
			if throttle {
				if second.Code != http.StatusTooManyRequests || took > 2*time.Second {
					t.Errorf("it is answered %d after %s", second.Code, took)
				}
			} else if second.Body.String() != first.Body.String() || took < 10*time.Second {
				t.Errorf("it is answered %s after %s, the first %s", second.Body, took, first.Body)
			}
			s.net("rt-1", 1450000)
			s.blamed()
		})
	}
}

func TestTipTopPayRepeatOvertakesABankThatActsLate(t *testing.T) {
	for _, throttle := range []bool{false, true} {
		ttpBubble(t, TipTopPayOptions{Switches: TipTopPaySwitches{RunningIs429: throttle}}, func(s *ttpShop) {
			s.fault(Fault{Op: OpCharge, Kind: FaultActLate, Delay: Duration(time.Minute), Times: 1})
			body, _ := json.Marshal(ttpWish("rt-1", ttpObject{"Token": ttpGoodToken, "TrInitiatorCode": 1}))
			send := func() (*httptest.ResponseRecorder, error) {
				return s.send(http.MethodPost, "/payments/tokens/charge", string(body), "X-Request-ID", "x")
			}
			if _, err := send(); err == nil {
				t.Fatal("the connection did not break")
			}
			rec, err := send()
			if want := map[bool]int{false: 200, true: 429}[throttle]; err != nil || rec.Code != want {
				t.Errorf("it is answered %v %v, want %d", rec, err, want)
			}
			ttpLater(2 * time.Minute)
			if rec, err := send(); err != nil || !strings.Contains(rec.Body.String(), `"Completed"`) {
				t.Errorf("in the end it is answered %v %v", rec, err)
			}
			s.net("rt-1", 1450000) // once
			s.blamed()
		})
	}
}

func TestTipTopPayHeldRepeatEndsWithItsMerchant(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := ttpOpen(t, TipTopPayOptions{NotifyTypes: []string{"check"}, Switches: TipTopPaySwitches{CheckDirect: true}}, nil)
		s.answer = func(int, ttpHeard) (int, string, error) {
			time.Sleep(10 * time.Second)
			return http.StatusOK, `{"code":0}`, nil
		}
		client := &http.Client{Transport: s.bank.Transport("tiptoppay"), Timeout: 2 * time.Second}
		defer client.CloseIdleConnections()
		body, _ := json.Marshal(ttpWish("rt-1", ttpObject{"Token": ttpGoodToken, "TrInitiatorCode": 1}))
		for range 2 {
			r, err := http.NewRequest(http.MethodPost, "http://api.tiptoppay.kz/payments/tokens/charge", strings.NewReader(string(body)))
			if err != nil {
				t.Fatal(err)
			}
			r.SetBasicAuth(TipTopPayDefaultPublicID, TipTopPayDefaultSecret)
			r.Header.Set("Content-Type", "application/json")
			r.Header.Set("X-Request-ID", "x")
			if res, err := client.Do(r); err == nil {
				t.Errorf("it is answered HTTP %d", res.StatusCode)
			}
		}
		ttpLater(time.Minute)
		s.status("rt-1", "Completed")
		s.net("rt-1", 1450000)
	})
}
