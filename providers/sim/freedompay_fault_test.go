package sim

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// fpAsk sends one request under a fault and gives the answer as it came.
func (s *fpShop) fpAsk(f Fault, path string, pairs ...string) (*httptest.ResponseRecorder, error) {
	s.t.Helper()
	f.Face, f.Times = "freedompay", 1
	if _, err := s.bank.AddFault(f); err != nil {
		s.t.Fatal(err)
	}
	return s.exchange(fpPost(path, s.message(path, pairs...).form("")))
}

func TestFreedomPayFaultsInItsOwnWords(t *testing.T) {
	type want struct {
		status int
		code   string
		signed bool
	}
	for name, c := range map[string]struct {
		fault Fault
		want  want
	}{
		"unauthorized":   {Fault{Kind: FaultUnauthorized}, want{401, "1100", false}},
		"not found":      {Fault{Kind: FaultNotFound}, want{200, "11068", true}},
		"code":           {Fault{Kind: FaultCode, Code: "10000"}, want{200, "10000", true}},
		"code, HTTP":     {Fault{Kind: FaultCode, Code: "9999", Status: 500}, want{500, "9999", true}},
		"code, unsigned": {Fault{Kind: FaultCode, Code: "9998"}, want{200, "9998", false}},
	} {
		for _, path := range []string{"/init_payment.php", "/get_status3.php", "/do_capture.php", "/cancel.php", "/revoke.php", fpCardPath + "card/direct"} {
			fpBubble(t, FreedomPayOptions{}, func(s *fpShop) {
				id := s.held("o1")
				before := len(s.bank.Ledger().Entries)
				rec, err := s.fpAsk(c.fault, path, append(fpInit("o2"), "pg_payment_id", id)...)
				if err != nil {
					t.Fatal(err)
				}
				m, signed := s.read(path, rec)
				if rec.Code != c.want.status || signed != c.want.signed || m.text("pg_error_code") != c.want.code || m.text("pg_status") != "error" {
					t.Errorf("%s, %s: HTTP %d, signed %t: %s", name, path, rec.Code, signed, rec.Body)
				}
				if o := s.object("o1"); o.Phase != Held || len(s.bank.Ledger().Entries) != before || len(s.bank.Ledger().Objects) != 1 {
					t.Errorf("%s, %s: something happened: %+v", name, path, o)
				}
			})
		}
	}
	fpBubble(t, FreedomPayOptions{}, func(s *fpShop) {
		if rec, err := s.fpAsk(Fault{Kind: FaultThrottle}, "/init_payment.php", fpInit("o1")...); err != nil || rec.Code != http.StatusTooManyRequests {
			t.Errorf("throttle: %v, %d", err, rec.Code)
		}
	})
}

func TestFreedomPayAnswersLieWhenToldTo(t *testing.T) {
	fpBubble(t, FreedomPayOptions{Switches: FreedomPaySwitches{StatusLag: -1}}, func(s *fpShop) {
		id := s.paid("o1")
		lie := func(kind FaultKind, code, path string, pairs ...string) (fpMessage, bool) {
			t.Helper()
			rec, err := s.fpAsk(Fault{Kind: kind, Code: code}, path, pairs...)
			if err != nil {
				t.Fatal(err)
			}
			return s.read(path, rec)
		}
		status := func(kind FaultKind, code string) (fpMessage, bool) {
			return lie(kind, code, "/get_status3.php", "pg_payment_id", id)
		}
		m, signed := status(FaultWrongAmount, "")
		if fpWant(t, m, "pg_amount", "14501.00", "pg_clearing_amount", "14501.00"); !signed {
			t.Error("wrong amount: not signed")
		}
		m, signed = status(FaultWrongReference, "")
		if fpWant(t, m, "pg_order_id", "other-o1"); m.text("pg_payment_id") == id || !signed {
			t.Errorf("wrong reference: signed %t: %s", signed, m.form(""))
		}
		if m, signed = status(FaultBadSignature, ""); signed || !m.has("pg_sig") || m.text("pg_payment_status") != "success" {
			t.Errorf("bad signature: signed %t: %s", signed, m.form(""))
		}
		m, _ = status(FaultUnknownStatus, "")
		fpWant(t, m, "pg_payment_status", "frozen", "pg_status", "ok")
		m, _ = status(FaultUnknownStatus, "melted")
		fpWant(t, m, "pg_payment_status", "melted")
		m, _ = status(FaultUnknownStatus, "77777")
		fpWant(t, m, "pg_status", "error", "pg_error_code", "77777")
		fpWant(t, s.status(id), "pg_amount", "14500.00", "pg_payment_status", "success", "pg_order_id", "o1")

		held := s.held("o2")
		m, _ = lie(FaultWrongAmount, "", "/do_capture.php", "pg_payment_id", held)
		fpWant(t, m, "pg_clearing_amount", "14501.00", "pg_status", "ok")
		m, _ = lie(FaultUnknownStatus, "", "/g2g/refund", "pg_payment_id", held)
		fpWant(t, m, "pg_refund_status", "frozen", "pg_status", "ok")
		m, _ = lie(FaultUnknownStatus, "", "/init_payment.php", fpInit("o3")...)
		fpWant(t, m, "pg_status", "frozen")
		m, _ = lie(FaultWrongAmount, "", "/get_registry.php", "pg_date", "2000-01-01")
		if text := string(m.xml("r")); strings.Count(text, "<pg_amount>14501.00</pg_amount>") != 1 {
			t.Errorf("registry: %s", text)
		}
		if o := s.object("o2"); o.Refunded != 14500_00 {
			t.Errorf("a lie acts: %+v", o)
		}
	})
}

// A twist that has no place in an answer is dropped, so that the offer counts as shown.
func TestFreedomPayTrueAnswersShowTheOffer(t *testing.T) {
	fpBubble(t, FreedomPayOptions{}, func(s *fpShop) {
		if _, err := s.fpAsk(Fault{Kind: FaultWrongAmount}, "/init_payment.php", fpInit("o1")...); err != nil {
			t.Fatal(err)
		}
		if o := s.object("o1"); o.Unseen {
			t.Error("a true answer hides the offer")
		}
		if _, err := s.fpAsk(Fault{Kind: FaultBadSignature}, "/init_payment.php", fpInit("o2")...); err != nil {
			t.Fatal(err)
		}
		if o := s.object("o2"); !o.Unseen {
			t.Error("an answer that does not verify shows the offer")
		}
	})
}

func TestFreedomPayLostOfferIsShownByARepeatUnderItsKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := fpOpen(t, FreedomPayOptions{}, nil)
		defer s.bank.Close()
		if _, err := s.bank.AddPayer(PayerRule{Behaviour: PayerPays}); err != nil {
			t.Fatal(err)
		}
		if _, err := s.fpAsk(Fault{Kind: FaultActDrop}, "/init_payment.php", fpInit("o1", "pg_idempotency_key", "k")...); err == nil {
			t.Fatal("the connection did not break")
		}
		fpPass(time.Second)
		if o := s.object("o1"); !o.Unseen || o.Phase != Live {
			t.Fatalf("it is %+v", o)
		}
		fpWant(t, s.call("/init_payment.php", fpInit("o1", "pg_idempotency_key", "k")...), "pg_status", "ok")
		fpPass(time.Second)
		if o := s.object("o1"); o.Unseen || o.Phase != Charged {
			t.Errorf("it is %+v", o)
		}
	})
}

func TestFreedomPayActLateComesLate(t *testing.T) {
	fpBubble(t, FreedomPayOptions{}, func(s *fpShop) {
		id := s.cardInit("o1", fpGoodToken).text("pg_payment_id")
		if _, err := s.fpAsk(Fault{Op: OpCharge, Kind: FaultActLate}, fpCardPath+"card/direct", "pg_payment_id", id); err == nil {
			t.Fatal("the connection did not break")
		}
		fpWant(t, s.status(id), "pg_payment_status", "new")
		fpPass(31 * time.Second)
		fpWant(t, s.status(id), "pg_payment_status", "success")
	})
}

func TestFreedomPayWitnessIsAskedAboutWhatMovesMoney(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var moves []string
		s := fpOpen(t, FreedomPayOptions{}, func(o *Options) {
			o.Witness = func(m Move) error {
				moves = append(moves, string(m.Op)+" "+m.Reference+" "+major(m.AmountMinor)+" "+m.Currency)
				return nil
			}
		})
		defer s.bank.Close()
		id := s.held("o1")
		s.call("/do_capture.php", "pg_payment_id", id, "pg_clearing_amount", "10000")
		s.call("/revoke.php", "pg_payment_id", id, "pg_refund_amount", "1")
		s.call("/g2g/refund", "pg_payment_id", id)
		s.call("/cancel.php", "pg_payment_id", s.held("o2"))
		s.direct(s.cardInit("o3", fpGoodToken).text("pg_payment_id"))
		want := "create o1 14500.00 KZT, capture o1 10000.00 KZT, refund o1 1.00 KZT, refund o1 9999.00 KZT, create o2 14500.00 KZT, void o2 14500.00 KZT, charge o3 14500.00 KZT"
		if got := strings.Join(moves, ", "); got != want {
			t.Errorf("they are %s", got)
		}
	})
}
