package sim_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/payrouter/payrouter/providers/sim"
)

func TestHalykFaultCodesComeInTheRightEnvelope(t *testing.T) {
	inHalyk(t, sim.Options{}, sim.HalykOptions{}, func(s halykShop) {
		service, token := s.service(), s.token(halykInvoice, "100")
		status := "/check-status/payment/transaction/" + halykInvoice
		for _, fault := range []struct {
			op         sim.Op
			code       string
			path, body string
			http       int
			field      string
		}{
			{sim.OpCharge, "454", "/payments/cards/auth", halykCharge(halykInvoice, "100"), 400, "code"},
			{sim.OpCharge, "484", "/payments/cards/auth", halykCharge(halykInvoice, "100"), 400, "code"},
			{sim.OpCreate, "100", "/payment/qr/generate", halykQRBody, 400, "code"},
			{sim.OpRefund, "3225", "/operation/x/refund", "", 400, "code"},
			{sim.OpStatus, "103", status, "", 200, "resultCode"},
			{sim.OpStatus, "107", status, "", 200, "resultCode"},
			{sim.OpToken, "invalid_request", "/oauth2/token", "", 400, "error"},
		} {
			addFault(t, s.b, sim.Fault{Op: fault.op, Kind: sim.FaultCode, Code: fault.code, Times: 1})
			var a halykAnswer
			switch fault.op {
			case sim.OpStatus:
				a = s.get(fault.path, service)
			default:
				a = s.post(fault.path, token, fault.body)
			}
			if a.HTTP != fault.http || a.at(fault.field) != fault.code {
				t.Errorf("%s with code %s is answered %d %s", fault.op, fault.code, a.HTTP, a.Text)
			}
		}
		s.wantStatus(halykInvoice, "102", "") // none of them did anything
	})
}

func TestHalykFaultsInTheBanksOwnWords(t *testing.T) {
	inHalyk(t, sim.Options{}, sim.HalykOptions{}, func(s halykShop) {
		id := s.charge(halykInvoice, "100").at("id")
		service := s.service()
		path := "/check-status/payment/transaction/" + halykInvoice
		addFault(t, s.b, sim.Fault{Op: sim.OpStatus, Kind: sim.FaultNotFound, Times: 1})
		wantEqual(t, "resultCode of not-found", s.get(path, service).at("resultCode"), "102")
		addFault(t, s.b, sim.Fault{Op: sim.OpStatus, Kind: sim.FaultUnauthorized, Times: 1})
		wantEqual(t, "HTTP status of unauthorized", s.get(path, service).HTTP, 401)
		addFault(t, s.b, sim.Fault{Op: sim.OpStatus, Kind: sim.FaultThrottle, Times: 1})
		wantEqual(t, "HTTP status of throttle", s.get(path, service).HTTP, 429)
		addFault(t, s.b, sim.Fault{Op: sim.OpToken, Kind: sim.FaultUnauthorized, Times: 1})
		wantEqual(t, "error of unauthorized", s.askToken(halykServiceForm()).at("error"), "invalid_client")
		addFault(t, s.b, sim.Fault{Op: sim.OpRefund, Kind: sim.FaultNotFound, Times: 1})
		s.wantError(s.operate(id, "refund", ""), "100")
		addFault(t, s.b, sim.Fault{Op: sim.OpList, Kind: sim.FaultNotFound, Times: 1})
		total, _ := s.records(1, 10, "")
		wantEqual(t, "totalCount of not-found", total, "0")
	})
}

func TestHalykTwistedAnswersLieAboutATrueCharge(t *testing.T) {
	for kind, want := range map[sim.FaultKind]func(a halykAnswer) bool{
		sim.FaultWrongAmount:    func(a halykAnswer) bool { return a.at("amount") == "101.00" },
		sim.FaultWrongReference: func(a halykAnswer) bool { return a.at("invoiceId") != halykInvoice },
		sim.FaultUnknownStatus:  func(a halykAnswer) bool { return a.at("status") == "LIMBO" },
		sim.FaultBadSignature:   func(a halykAnswer) bool { return a.at("status") == "CHARGE" && a.at("invoiceId") == halykInvoice },
	} {
		inHalyk(t, sim.Options{}, sim.HalykOptions{}, func(s halykShop) {
			addFault(t, s.b, sim.Fault{Op: sim.OpCharge, Kind: kind})
			if a := s.charge(halykInvoice, "100"); a.HTTP != 200 || !want(a) {
				t.Errorf("%s answers %d %s", kind, a.HTTP, a.Text)
			}
			s.wantStatus(halykInvoice, "100", "CHARGE")
			s.wantNet(halykInvoice, 100_00)
		})
	}
}

func TestHalykTwistedStatusesLie(t *testing.T) {
	inHalyk(t, sim.Options{}, sim.HalykOptions{}, func(s halykShop) {
		s.charge(halykInvoice, "100")
		for _, fault := range []struct {
			kind       sim.FaultKind
			code       string
			path, want string
		}{
			{sim.FaultUnknownStatus, "PARTIAL_REFUND", "transaction.statusName", "PARTIAL_REFUND"},
			{sim.FaultWrongAmount, "", "transaction.amount", "101.00"},
		} {
			addFault(t, s.b, sim.Fault{Op: sim.OpStatus, Kind: fault.kind, Code: fault.code, Times: 1})
			wantEqual(t, string(fault.kind), s.status(halykInvoice).at(fault.path), fault.want)
		}
	})
}

func TestHalykQRWithAWrongNumberIsSeenByNobody(t *testing.T) {
	inHalyk(t, sim.Options{}, sim.HalykOptions{}, func(s halykShop) {
		token := s.token(halykInvoice, "100")
		addFault(t, s.b, sim.Fault{Op: sim.OpCreate, Kind: sim.FaultWrongReference, Times: 1})
		bill := s.post("/payment/qr/generate", token, halykQRBody).at("billNumber")
		s.wantError(s.get("/qr?billNumber="+bill, s.service()), "100")
		wantEqual(t, "unseen", s.b.Ledger().Objects[1].Unseen, true)
	})
}

func TestHalykChargeWhoseAnswerWasLostStands(t *testing.T) {
	for kind, want := range map[sim.FaultKind]int64{sim.FaultActDrop: 100_00, sim.FaultDrop: 0} {
		inHalyk(t, sim.Options{}, sim.HalykOptions{}, func(s halykShop) {
			token := s.token(halykInvoice, "100")
			addFault(t, s.b, sim.Fault{Op: sim.OpCharge, Kind: kind})
			if _, err := s.try("POST", "/payments/cards/auth", token, "", halykCharge(halykInvoice, "100")); err == nil {
				t.Fatal("the answer was not lost")
			}
			s.wantNet(halykInvoice, want)
			wantEqual(t, "phase of the token's page", s.b.Ledger().Objects[0].Phase, sim.Dead)
		})
	}
}

func TestHalykActsLateOnAChargeThatItDropped(t *testing.T) {
	inHalyk(t, sim.Options{}, sim.HalykOptions{}, func(s halykShop) {
		token := s.token(halykInvoice, "100")
		addFault(t, s.b, sim.Fault{Op: sim.OpCharge, Kind: sim.FaultActLate, Delay: sim.Duration(time.Minute)})
		if _, err := s.try("POST", "/payments/cards/auth", token, "", halykCharge(halykInvoice, "100")); err == nil {
			t.Fatal("the answer was not lost")
		}
		s.wantStatus(halykInvoice, "102", "")
		pass(time.Minute)
		s.wantStatus(halykInvoice, "100", "CHARGE")
	})
}

func TestHalykRefusesConnections(t *testing.T) {
	inHalyk(t, sim.Options{}, sim.HalykOptions{}, func(s halykShop) {
		addFault(t, s.b, sim.Fault{Kind: sim.FaultRefuse})
		if _, err := s.try("GET", "/qr", "", "", ""); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("error is %v, want a refused connection", err)
		}
	})
}

func TestHalykAsksTheWitnessBeforeMoneyMoves(t *testing.T) {
	var moves []string
	bank := sim.Options{Witness: func(m sim.Move) error {
		moves = append(moves, fmt.Sprintf("%s %s %d %s %t", m.Op, m.Reference, m.AmountMinor, m.Currency, m.Account == sim.HalykDefaultTerminal))
		if m.Op == sim.OpRefund {
			return errors.New("no such refund")
		}
		return nil
	}}
	inHalyk(t, bank, sim.HalykOptions{Terminals: halykTwoStep}, func(s halykShop) {
		id := s.charge(halykInvoice, "100").at("id")
		s.operate(id, "charge?amount=60", "")
		s.operate(id, "refund?amount=20", "")
		s.status(halykInvoice)
		want := []string{
			"create 261123004711 10000 KZT true", // the token is a page
			"charge 261123004711 10000 KZT true",
			"capture 261123004711 6000 KZT true",
			"refund 261123004711 2000 KZT true",
		}
		wantEqual(t, "moves", strings.Join(moves, "\n"), strings.Join(want, "\n"))
		wantEqual(t, "violations", s.violations(), "I8")
	})
}

func TestHalykLivePageForbidsAnotherAttempt(t *testing.T) {
	bank := sim.Options{PaymentOf: func(_, _ string) string { return "pay_1" }}
	inHalyk(t, bank, sim.HalykOptions{TokenLife: 20 * time.Minute}, func(s halykShop) {
		s.token("261123000001", "100")
		s.token("261123000001", "100") // the same attempt asks again
		wantEqual(t, "violations", s.violations(), "")
		s.token("261123000002", "100")
		if got := s.violations(); !strings.HasPrefix(got, "I7") {
			t.Errorf("violations are %q, want I7", got)
		}
		before := s.violations()
		pass(20 * time.Minute)
		s.token("261123000003", "100")
		wantEqual(t, "violations once all pages are dead", s.violations(), before)
	})
}

func TestHalykUnauthorizedChargeMayBeSentAgain(t *testing.T) {
	inHalyk(t, sim.Options{}, sim.HalykOptions{}, func(s halykShop) {
		token := s.token(halykInvoice, "100")
		addFault(t, s.b, sim.Fault{Op: sim.OpCharge, Kind: sim.FaultUnauthorized, Times: 1})
		wantEqual(t, "HTTP status", s.post("/payments/cards/auth", token, halykCharge(halykInvoice, "100")).HTTP, 401)
		wantEqual(t, "HTTP status", s.charge(halykInvoice, "100").HTTP, 200)
		wantEqual(t, "violations", s.violations(), "")
	})
}

func TestHalykHandlerServesWithoutANetwork(t *testing.T) {
	b := sim.New(sim.Options{}, sim.Halyk(sim.HalykOptions{}))
	defer b.Close()
	for path, want := range map[string]int{"/": 404, "/operation//x/cancel": 404, "/cards/cust-1": 401} {
		w := httptest.NewRecorder()
		b.Handler("halyk").ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, http.NoBody))
		wantEqual(t, "HTTP status of "+path, w.Code, want)
	}
	w := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodPost, "/oauth2/token", strings.NewReader(halykServiceForm().Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	b.Handler("halyk").ServeHTTP(w, r)
	if !strings.Contains(w.Body.String(), `"expires_in":"7200"`) { // on the real clock too
		t.Errorf("token is %s", w.Body)
	}
}

func TestHalykInventsTheSameIDsForTheSameSeed(t *testing.T) {
	run := func() (text string) {
		inHalyk(t, sim.Options{Seed: 7}, sim.HalykOptions{}, func(s halykShop) { text = s.charge(halykInvoice, "100").Text })
		return text
	}
	wantEqual(t, "second run", run(), run())
}
