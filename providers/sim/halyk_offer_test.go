package sim_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/payrouter/payrouter/providers/sim"
)

func halykInvoiceBody(more string) string {
	return fmt.Sprintf(`{"shop_id":"shop-1","account_id":"cust-88","invoice_id":%q,"amount":15490.00,"language":"rus",
		"description":"Order 4711","expire_period":"1d","currency":"KZT","post_link":%q%s}`, halykInvoice, halykHook, more)
}

const halykQRBody = `{"postLink":"https://pay.example.kz/hooks/halyk","description":"Order 4711","language":"rus","accountId":"cust-88"}`

// qr makes a QR and returns its billNumber.
func (s halykShop) qr(invoice, amount string) string {
	s.t.Helper()
	a := s.post("/payment/qr/generate", s.token(invoice, amount), halykQRBody)
	if a.HTTP != 200 || a.at("billNumber") == "" || a.at("qrcode") == "" || a.at("homebankLink") == "" || a.at("onlinebankLink") == "" {
		s.t.Fatalf("QR: %d %s", a.HTTP, a.Text)
	}
	return a.at("billNumber")
}

func TestHalykQRGoesFromNewToPaid(t *testing.T) {
	inHalyk(t, sim.Options{}, sim.HalykOptions{}, func(s halykShop) {
		bill := s.qr(halykInvoice, "15490")
		for _, step := range []struct{ act, want string }{
			{"", "NEW"}, {sim.ActScan, "SCANNED"}, {"block", "BLOCKED"}, {sim.ActPay, "PAID"},
		} {
			if step.act != "" {
				s.wantStatus(halykInvoice, "102", "")
				s.act(halykInvoice, step.act)
			}
			a := s.get("/qr?billNumber="+bill, s.service())
			wantEqual(t, "status", a.at("status"), step.want)
			wantEqual(t, "amount", a.at("amount"), "15490.00")
		}
		s.wantStatus(halykInvoice, "100", "CHARGE")
		s.wantNet(halykInvoice, 1549000)
		s.wantError(s.get("/qr?billNumber=1", s.service()), "100")
	})
}

func TestHalykQRIsRejectedAfterTwentyMinutes(t *testing.T) {
	inHalyk(t, sim.Options{}, sim.HalykOptions{}, func(s halykShop) {
		bill := s.qr(halykInvoice, "100")
		s.act(halykInvoice, sim.ActScan)
		pass(20*time.Minute - time.Second)
		wantEqual(t, "status", s.get("/qr?billNumber="+bill, s.service()).at("status"), "SCANNED")
		pass(time.Second)
		wantEqual(t, "status", s.get("/qr?billNumber="+bill, s.service()).at("status"), "REJECTED")
		s.act(halykInvoice, sim.ActPay)
		s.wantNet(halykInvoice, 0)
		s.wantStatus(halykInvoice, "102", "")
	})
}

func TestHalykQRThatThePayerLeftTakesNoMoney(t *testing.T) {
	for act, want := range map[string]string{"leave": "RETURN", "close": "CLOSED"} {
		inHalyk(t, sim.Options{}, sim.HalykOptions{}, func(s halykShop) {
			bill := s.qr(halykInvoice, "100")
			s.act(halykInvoice, act)
			s.act(halykInvoice, sim.ActPay)
			wantEqual(t, "status", s.get("/qr?billNumber="+bill, s.service()).at("status"), want)
			s.wantNet(halykInvoice, 0)
			pass(20 * time.Minute)
			wantEqual(t, "status", s.get("/qr?billNumber="+bill, s.service()).at("status"), "REJECTED")
		})
	}
}

func TestHalykQRDeclinedByItsPayerIsRejectedAndFailed(t *testing.T) {
	inHalyk(t, sim.Options{}, sim.HalykOptions{}, func(s halykShop) {
		bill := s.qr(halykInvoice, "100")
		s.act(halykInvoice, sim.ActDecline)
		a := s.get("/qr?billNumber="+bill, s.service())
		wantEqual(t, "status", a.at("status"), "REJECTED")
		wantEqual(t, "retCode", a.at("retCode"), "484")
		s.wantStatus(halykInvoice, "100", "FAILED")
	})
}

func TestHalykQRWithdrawsThePageOfItsToken(t *testing.T) {
	inHalyk(t, sim.Options{}, sim.HalykOptions{}, func(s halykShop) {
		s.qr(halykInvoice, "100")
		objects := s.b.Ledger().Objects
		wantEqual(t, "objects", len(objects), 2)
		wantEqual(t, "phase of the page", objects[0].Phase, sim.Dead)
		must(t, s.b.Act("halyk", objects[0].ID, sim.ActPay))
		s.wantNet(halykInvoice, 0)
		wantEqual(t, "phase of the QR", s.b.Ledger().Objects[1].Phase, sim.Live)
	})
}

func TestHalykTerminalWithoutPagesOffersNothingWithAToken(t *testing.T) {
	opt := sim.HalykOptions{Terminals: halykTerminal(func(term *sim.HalykTerminal) { term.NoPage = true })}
	inHalyk(t, sim.Options{}, opt, func(s halykShop) {
		s.token(halykInvoice, "100")
		wantEqual(t, "objects", len(s.b.Ledger().Objects), 0)
		wantEqual(t, "tokens", s.b.Ledger().Count("halyk", sim.OpToken, halykInvoice), 1)
	})
}

func TestHalykRefusesQRsItCannotMake(t *testing.T) {
	inHalyk(t, sim.Options{}, sim.HalykOptions{}, func(s halykShop) {
		s.wantError(s.post("/payment/qr/generate", s.token(halykInvoice, "100"), `{"postLink":"pay.example.kz"}`), "469")
		long := fmt.Sprintf(`{"description":%q}`, strings.Repeat("я", 63))
		s.wantError(s.post("/payment/qr/generate", s.token(halykInvoice, "100"), long), "3298")
		s.wantError(s.post("/payment/qr/generate", s.token(halykInvoice, "100"), `not json`), "469")
		wantEqual(t, "HTTP status with a service token", s.post("/payment/qr/generate", s.service(), halykQRBody).HTTP, 401)
	})
	opt := sim.HalykOptions{Terminals: halykTerminal(func(term *sim.HalykTerminal) { term.NoQR = true })}
	inHalyk(t, sim.Options{}, opt, func(s halykShop) {
		s.wantError(s.post("/payment/qr/generate", s.token(halykInvoice, "100"), halykQRBody), "464")
	})
}

func TestHalykInvoiceLinkIsPaidOnce(t *testing.T) {
	inHalyk(t, sim.Options{}, sim.HalykOptions{}, func(s halykShop) {
		a := s.post("/invoice", s.service(), halykInvoiceBody(""))
		wantEqual(t, "HTTP status", a.HTTP, 200)
		if !strings.HasSuffix(a.at("invoice_url"), "/payform/"+a.at("id")) {
			t.Errorf("answer is %s", a.Text)
		}
		wantEqual(t, "style", s.b.Ledger().Objects[0].Style, sim.StyleOffer)
		s.wantStatus(halykInvoice, "102", "")
		s.act(a.at("id"), sim.ActPay)
		s.wantStatus(halykInvoice, "100", "CHARGE")
		s.wantError(s.post("/invoice", s.service(), halykInvoiceBody("")), "100")
	})
}

func TestHalykMailsAnInvoiceLinkItself(t *testing.T) {
	inHalyk(t, sim.Options{}, sim.HalykOptions{}, func(s halykShop) {
		addPayer(t, s.b, sim.PayerRule{Behaviour: sim.PayerPays, After: sim.Duration(time.Minute)})
		addFault(t, s.b, sim.Fault{Op: sim.OpCreate, Kind: sim.FaultActDrop})
		if _, err := s.try("POST", "/invoice", s.service(), "", halykInvoiceBody(`,"recipient_contact":"a@example.kz"`)); err == nil {
			t.Fatal("the answer was not lost")
		}
		pass(2 * time.Minute)
		s.wantStatus(halykInvoice, "100", "CHARGE") // the payer had mail, whatever the merchant heard
		wantEqual(t, "unseen", s.b.Ledger().Objects[0].Unseen, false)
	})
}

func TestHalykInvoiceLinkExpires(t *testing.T) {
	inHalyk(t, sim.Options{}, sim.HalykOptions{}, func(s halykShop) {
		s.post("/invoice", s.service(), halykInvoiceBody(""))
		pass(24 * time.Hour)
		wantEqual(t, "phase", s.b.Ledger().Objects[0].Phase, sim.Dead)
		s.wantError(s.post("/invoice", s.service(), strings.Replace(halykInvoiceBody(""), `"1d"`, `"soon"`, 1)), "469")
		s.wantError(s.post("/invoice", s.service(), strings.Replace(halykInvoiceBody(""), `"shop-1"`, `""`, 1)), "464")
	})
}
