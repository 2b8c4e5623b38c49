package sim

import (
	"fmt"
	"testing"
	"time"
)

// oneTime makes a one-time token of a saved card.
func (s *qpShop) oneTime(card string) string {
	s.t.Helper()
	return s.want(s.ask("POST", "/cards/"+card+"/tokens", ""), 200, "is_used", "false").at("token")
}

// charge makes a payment and authorizes it with a token, one-stage.
func (s *qpShop) charge(order, token string) (string, qpAnswer) {
	s.t.Helper()
	p := s.create(order)
	return p, s.ask("POST", p+"/authorize?synchronized", fmt.Sprintf(`{"amount":150050,"auto_capture":true,"card":{"token":%q}}`, token))
}

func TestQuickPaySavedCardPaysByAOneTimeToken(t *testing.T) {
	inQuickPay(t, QuickPayOptions{}, func(s *qpShop) {
		token := s.oneTime(fmt.Sprint(qpSaved))
		_, a := s.charge("rt-0001", token)
		s.want(a, 200, "state", "processed", "balance", "150050", "operations.0.type", "authorize", "operations.1.type", "capture")
		s.stands("rt-0001", Charged, 150050, 150050, 0)
		_, a = s.charge("rt-0002", token) // the same one again
		s.want(a, 400, "message", "Validation error")
		_, a = s.charge("rt-0003", "invented")
		s.want(a, 400)
		s.want(s.ask("POST", "/cards/17/tokens", ""), 404, "message", "Not found: No Card with id 17")
		s.want(s.ask("POST", "/cards/00000000-0000-4000-8000-000000000000/tokens", ""), 404)
		if n := len(s.bank.Ledger().Objects); n != 1 {
			t.Errorf("%d objects, want what could be paid", n)
		}
	})
}

func TestQuickPayCardIsSavedBeforeItPays(t *testing.T) {
	inQuickPay(t, QuickPayOptions{TestMode: true}, func(s *qpShop) {
		a := s.want(s.ask("POST", "/cards", `{"variables":{"customer":"c-88"}}`), 201, "type", "Card", "state", "initial", "accepted", "false", "variables.customer", "c-88")
		card := a.at("id")
		s.want(s.ask("POST", "/cards/"+card+"/tokens", ""), 400)
		s.want(s.ask("POST", "/cards/"+card+"/authorize", `{"card":{"number":"4571"}}`), 400)
		s.want(s.ask("POST", "/cards/"+card+"/authorize", `{"card":{"number":"1000000000000016","expiration":"3013"}}`), 400)
		s.want(s.ask("POST", "/cards/"+card+"/authorize", `{"card":{"number":"1000000000000016","expiration":"3012","cvd":"123"}}`), 200, "state", "rejected", "accepted", "false")
		s.want(s.ask("POST", "/cards/"+card+"/authorize", `{"card":{"number":"1000010000000007","expiration":"3012","cvd":"398"}}`), 200, "state", "active", "accepted", "true",
			"metadata.brand", "mastercard", "metadata.country", "KAZ", "metadata.exp_year", "2030", "metadata.exp_month", "12", "test_mode", "true")
		s.want(s.ask("POST", "/cards/"+card+"/authorize", `{}`), 400)
		_, paid := s.charge("rt-0001", s.oneTime(card))
		s.want(paid, 200, "balance", "150050", "metadata.last4", "0007", "test_mode", "true")
		s.want(s.ask("GET", "/cards/"+card, ""), 200, "id", card)
	})
}

// The table of section 2, by its number in an authorize and at the window.
func TestQuickPayTestCardsBehaveAsPublished(t *testing.T) {
	for _, tt := range []struct {
		number, code string
		pending      string
	}{
		{QuickPayApproved, "20000", "false"},
		{QuickPayRejected, "40000", "false"},
		{QuickPayExpired, "40000", "false"},
		{QuickPayCaptureRejected, "20000", "false"},
		{QuickPayRefundRejected, "20000", "false"},
		{QuickPayCancelRejected, "20000", "false"},
		{QuickPayNoRecurring, "20000", "false"},
		{QuickPayWants3DS, "30100", "false"},
		{QuickPayOnce, "20000", "false"},
		{QuickPayQueued, "<nil>", "true"},
		{QuickPayMastercard, "20000", "false"},
	} {
		inQuickPay(t, QuickPayOptions{TestMode: true}, func(s *qpShop) {
			p := s.create("rt-direct")
			status := 200
			if tt.pending == "true" {
				status = 202
			}
			s.want(s.ask("POST", p+"/authorize?synchronized", fmt.Sprintf(`{"amount":100,"card":{"number":%q,"expiration":"3012","cvd":"208"}}`, tt.number)), status,
				"operations.0.qp_status_code", tt.code, "operations.0.pending", tt.pending)
			window := s.paidWith("rt-window", tt.number, "")
			s.want(s.ask("GET", window, ""), 200, "operations.0.qp_status_code", tt.code, "operations.0.pending", tt.pending, "test_mode", "true")
			phase := map[string][2]Phase{"20000": {Held, Held}, "<nil>": {Live, Live}}[tt.code]
			if phase == [2]Phase{} {
				phase = [2]Phase{Dead, Live} // at the window the payer may try again
			}
			for i, order := range []string{"rt-direct", "rt-window"} {
				if got := s.object(order).Phase; got != phase[i] {
					t.Errorf("%s with %s is %s, want %s", order, tt.number, got, phase[i])
				}
			}
		})
	}
}

func TestQuickPayQueuedCardIsApprovedAMinuteLater(t *testing.T) {
	inQuickPay(t, QuickPayOptions{TestMode: true, CallbackURL: qpAccount}, func(s *qpShop) {
		p := s.paidWith("rt-0001", QuickPayQueued, `,"auto_capture":true`)
		s.want(s.ask("GET", p, ""), 200, "state", "pending")
		s.want(s.ask("PUT", p+"/link", `{"amount":150050}`), 400)
		s.want(s.ask("DELETE", p+"/link", ""), 204)
		s.stands("rt-0001", Live, 0, 0, 0) // what is under way is not stopped
		s.pass(time.Minute - time.Millisecond)
		if n := len(s.callbacks()); n != 0 {
			t.Errorf("%d callbacks", n)
		}
		s.pass(time.Second)
		s.want(s.ask("GET", p, ""), 200, "state", "processed", "balance", "150050")
		s.stands("rt-0001", Charged, 150050, 150050, 0)
	})
}

func TestQuickPayOnceCardPaysOnce(t *testing.T) {
	inQuickPay(t, QuickPayOptions{TestMode: true, Cards: []QuickPayCard{{ID: 1, Number: QuickPayOnce}}}, func(s *qpShop) {
		_, a := s.charge("rt-0001", s.oneTime("1"))
		s.want(a, 200, "operations.0.qp_status_code", "20000")
		_, a = s.charge("rt-0002", s.oneTime("1"))
		s.want(a, 200, "operations.0.qp_status_code", "40000")
	})
}

func TestQuickPayTestCardsAreRejectedWhereTheyAreNotAllowed(t *testing.T) {
	inQuickPay(t, QuickPayOptions{Cards: []QuickPayCard{{ID: 1}, {ID: 2, Number: QuickPayApproved}}}, func(s *qpShop) {
		_, a := s.charge("rt-0001", s.oneTime("1"))
		s.want(a, 200, "operations.0.qp_status_code", "20000", "test_mode", "false")
		_, a = s.charge("rt-0002", s.oneTime("2"))
		s.want(a, 200, "operations.0.qp_status_code", "40000", "test_mode", "true")
		p := s.paidWith("rt-0003", QuickPayApproved, "")
		s.want(s.ask("GET", p, ""), 200, "state", "rejected")
	})
}

func TestQuickPaySavedCardsDeclineByTheirCode(t *testing.T) {
	for _, code := range []string{"30100", "40000", "40300", "41000", "42300", "50300"} {
		inQuickPay(t, QuickPayOptions{Cards: []QuickPayCard{{ID: 1, Code: code}}}, func(s *qpShop) {
			p, a := s.charge("rt-0001", s.oneTime("1"))
			s.want(a, 200, "state", "rejected", "accepted", "false", "operations.0.qp_status_code", code, "operations.0.pending", "false", "operations.1", "<none>")
			s.stands("rt-0001", Dead, 0, 0, 0)
			s.want(s.ask("GET", p, ""), 200, "operations.0.qp_status_code", code)
		})
	}
}

func TestQuickPayAuthorizesOncePerPayment(t *testing.T) {
	inQuickPay(t, QuickPayOptions{}, func(s *qpShop) {
		saved := fmt.Sprint(qpSaved)
		p, _ := s.charge("rt-0001", s.oneTime(saved))
		fresh := s.oneTime(saved)
		s.want(s.ask("POST", p+"/authorize?synchronized", fmt.Sprintf(`{"amount":150050,"card":{"token":%q}}`, fresh)), 400, "errors", "map[]")
		if len(s.broken) != 1 || s.broken[0].Invariant != "I9" {
			t.Errorf("a second charge of one payment is %v, want I9", s.broken)
		}
		s.broken = nil
		_, a := s.charge("rt-0002", fresh) // it was not used up
		s.want(a, 200, "balance", "150050")
		s.stands("rt-0001", Charged, 150050, 150050, 0)
	})
}

func TestQuickPayAsynchronousAuthorizeFinishesAMomentLater(t *testing.T) {
	inQuickPay(t, QuickPayOptions{}, func(s *qpShop) {
		p := s.create("rt-0001")
		body := fmt.Sprintf(`{"amount":150050,"auto_capture":true,"card":{"token":%q}}`, s.oneTime(fmt.Sprint(qpSaved)))
		s.want(s.ask("POST", p+"/authorize", body), 202, "state", "initial", "operations.0.pending", "true", "operations.1", "<none>")
		s.stands("rt-0001", Live, 0, 0, 0)
		s.pass(time.Second)
		s.want(s.ask("GET", p, ""), 200, "state", "processed", "balance", "150050")
	})
}
