package sim_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/payrouter/payrouter/providers/sim"
)

func TestHalykKnowsNothingOfAnInvoiceUntilItsPayerActs(t *testing.T) {
	inHalyk(t, sim.Options{}, sim.HalykOptions{}, func(s halykShop) {
		s.token(halykInvoice, "15490.00")
		a := s.wantStatus(halykInvoice, "102", "")
		wantEqual(t, "transaction", a.at("transaction"), "<none>")

		s.act(halykInvoice, sim.ActPay)
		a = s.wantStatus(halykInvoice, "100", "CHARGE")
		o := s.b.Ledger().Objects[0]
		for path, want := range map[string]string{
			"resultMessage": "SUCCESS", "transaction.id": o.ID, "transaction.invoiceID": halykInvoice, "transaction.amount": "15490.00",
			"transaction.amountBonus": "0.00", "transaction.payoutAmount": "15490.00", "transaction.orgAmount": "15490.00",
			"transaction.currency": "KZT", "transaction.terminal": "98120001", "transaction.terminalID": sim.HalykDefaultTerminal,
			"transaction.cardMask": "440563...5096", "transaction.cardType": "VISA", "transaction.issuer": "HALYK BANK",
			"transaction.secure": "true", "transaction.reason": "success", "transaction.reasonCode": "0", "transaction.language": "rus",
			"transaction.createdDate": "2000-01-01T05:00:00.000000+05:00",
		} {
			wantEqual(t, path, a.at(path), want)
		}
		wantEqual(t, "digits of the RRN", len(a.at("transaction.reference")), 12)
		if _, isText := a.Body["transaction"].(map[string]any)["reasonCode"].(string); !isText {
			t.Error("reasonCode of a status is not text")
		}
		wantEqual(t, "phase", o.Phase, sim.Charged)
		s.wantNet(halykInvoice, 1549000)

		s.act(halykInvoice, sim.ActPay)
		s.act(halykInvoice, sim.ActPayAgain)
		s.wantNet(halykInvoice, 1549000)
	})
}

func TestHalykStatusByTransactionID(t *testing.T) {
	inHalyk(t, sim.Options{}, sim.HalykOptions{}, func(s halykShop) {
		s.token(halykInvoice, "100")
		id := s.b.Ledger().Objects[0].ID
		path := "/check-status/payment/transactionId/" + id
		wantEqual(t, "resultCode before", s.get(path, s.service()).at("resultCode"), "102")
		s.act(id, sim.ActPay)
		wantEqual(t, "statusName", s.get(path, s.service()).at("transaction.statusName"), "CHARGE")
	})
}

func TestHalykStatusSaysWhatIsWrongWithTheTerminal(t *testing.T) {
	terminals := halykTerminal(func(*sim.HalykTerminal) {})
	second, foreign := terminals[0], terminals[0]
	second.ID, foreign.ID, foreign.Client = "second", "foreign", "other"
	inHalyk(t, sim.Options{}, sim.HalykOptions{Terminals: append(terminals, second, foreign)}, func(s halykShop) {
		s.token(halykInvoice, "100")
		s.act(halykInvoice, sim.ActPay)
		id := s.b.Ledger().Objects[0].ID
		for terminal, want := range map[string]string{"": "104", "nonsense": "106", "foreign": "109", "second": "102"} {
			form := halykServiceForm()
			form.Set("terminal", terminal)
			a := s.get("/check-status/payment/transaction/"+halykInvoice, s.mustToken(form))
			wantEqual(t, "resultCode at "+terminal, a.at("resultCode"), want)
		}
		form := halykServiceForm()
		form.Set("terminal", "second")
		a := s.get("/check-status/payment/transactionId/"+id, s.mustToken(form))
		wantEqual(t, "resultCode by id at another terminal", a.at("resultCode"), "106")
	})
}

func TestHalykPageDiesWithItsToken(t *testing.T) {
	inHalyk(t, sim.Options{}, sim.HalykOptions{TokenLife: 20 * time.Minute}, func(s halykShop) {
		s.token(halykInvoice, "100")
		pass(20*time.Minute - time.Second)
		wantEqual(t, "phase before", s.b.Ledger().Objects[0].Phase, sim.Live)
		pass(time.Second)
		wantEqual(t, "phase after", s.b.Ledger().Objects[0].Phase, sim.Dead)
		s.act(halykInvoice, sim.ActPay)
		s.act(halykInvoice, sim.ActPayLate)
		s.wantNet(halykInvoice, 0)
		s.wantStatus(halykInvoice, "102", "")
	})
}

func TestHalykLatePayerPaysOnlyWhereThePromiseIsBroken(t *testing.T) {
	inHalyk(t, sim.Options{}, sim.HalykOptions{LateSuccess: true}, func(s halykShop) {
		addPayer(t, s.b, sim.PayerRule{Behaviour: sim.PayerLate})
		s.token(halykInvoice, "100")
		pass(2*time.Hour + 2*time.Second)
		s.wantStatus(halykInvoice, "100", "CHARGE")
		s.wantNet(halykInvoice, 100_00)
		wantEqual(t, "excused", s.b.Ledger().Objects[0].Excused, true)
	})
}

func TestHalykPayerWithoutMoneyIsDeclined(t *testing.T) {
	for act, want := range map[string]struct{ result, name, code string }{
		sim.ActDecline:         {"100", "FAILED", "484"},
		"decline:455":          {"100", "FAILED", "455"},
		"reject":               {"101", "REJECT", "484"},
		"pay:4003032704547597": {"100", "FAILED", "465"}, // locked
		"pay:5578342710750560": {"100", "FAILED", "465"}, // locked
		"pay:377514500004820":  {"100", "CHARGE", "0"},
	} {
		inHalyk(t, sim.Options{}, sim.HalykOptions{}, func(s halykShop) {
			s.token(halykInvoice, "100")
			s.act(halykInvoice, act)
			a := s.wantStatus(halykInvoice, want.result, want.name)
			wantEqual(t, "reasonCode after "+act, a.at("transaction.reasonCode"), want.code)
			if want.name != "CHARGE" {
				s.act(halykInvoice, sim.ActPay) // the invoice is used: a second try needs another one
				s.wantNet(halykInvoice, 0)
			}
		})
	}
}

func TestHalykTransactionWaitsIn3DSecure(t *testing.T) {
	inHalyk(t, sim.Options{}, sim.HalykOptions{}, func(s halykShop) {
		s.token(halykInvoice, "100")
		for _, step := range []struct{ act, name string }{
			{sim.ActScan, "NEW"}, {"fingerprint", "FINGERPRINT"}, {"3d", "3D"}, {sim.ActConfirm, "CHARGE"},
		} {
			s.act(halykInvoice, step.act)
			s.wantStatus(halykInvoice, "100", step.name)
		}
		s.token("261123000001", "100")
		s.token("261123000002", "100")
		s.act("261123000001", sim.ActScan)
		s.act("261123000002", "3d")
		pass(2 * time.Hour)
		s.wantStatus("261123000001", "100", "FAILED")
		s.wantStatus("261123000002", "100", "3D") // the name stays, the life is over
		s.act("261123000002", sim.ActPay)
		s.wantNet("261123000002", 0)
		wantEqual(t, "phase", s.b.Ledger().Objects[2].Phase, sim.Dead)
	})
}

func TestHalykRefusesActsItDoesNotKnow(t *testing.T) {
	inHalyk(t, sim.Options{}, sim.HalykOptions{}, func(s halykShop) {
		s.token(halykInvoice, "100")
		for _, act := range []string{"dance", "leave", "decline:poor", "pay:1", "scan:2"} {
			if s.b.Act("halyk", halykInvoice, act) == nil {
				t.Errorf("a payer can %q", act)
			}
		}
		s.wantStatus(halykInvoice, "102", "")
	})
}

func TestHalykBonusesArePartOfTheAmount(t *testing.T) {
	inHalyk(t, sim.Options{}, sim.HalykOptions{}, func(s halykShop) {
		s.token(halykInvoice, "1000")
		s.act(halykInvoice, "pay-bonus")
		a := s.wantStatus(halykInvoice, "100", "CHARGE")
		wantEqual(t, "amount", a.at("transaction.amount"), "900.00")
		wantEqual(t, "amountBonus", a.at("transaction.amountBonus"), "100.00")
		s.wantNet(halykInvoice, 1000_00)
	})
}

func TestHalykTokenWhoseAnswerWasLostIsUnseen(t *testing.T) {
	inHalyk(t, sim.Options{}, sim.HalykOptions{}, func(s halykShop) {
		addFault(t, s.b, sim.Fault{Op: sim.OpCreate, Kind: sim.FaultActDrop, Times: 1})
		if _, err := s.try(http.MethodPost, "/oauth2/token", "", "application/x-www-form-urlencoded", halykPaymentForm(halykInvoice, "100").Encode()); err == nil {
			t.Fatal("the answer was not lost")
		}
		wantEqual(t, "unseen", s.b.Ledger().Objects[0].Unseen, true)
		s.token(halykInvoice, "100") // another token for the same invoice is free
		s.act(halykInvoice, sim.ActPay)
		s.wantNet(halykInvoice, 100_00)
		wantEqual(t, "phase of the lost offer", s.b.Ledger().Objects[0].Phase, sim.Dead)
		wantEqual(t, "violations", s.violations(), "")
	})
}

func TestHalykBlankFailuresShowNoAmount(t *testing.T) {
	inHalyk(t, sim.Options{}, sim.HalykOptions{BlankFailures: true}, func(s halykShop) {
		s.token(halykInvoice, "100")
		s.act(halykInvoice, sim.ActDecline)
		a := s.wantStatus(halykInvoice, "100", "FAILED")
		wantEqual(t, "amount", a.at("transaction.amount"), "0.00")
		wantEqual(t, "currency", a.at("transaction.currency"), "")
	})
}

func TestHalykBrowserCarriesThePaymentObjectToThePage(t *testing.T) {
	inHalyk(t, sim.Options{}, sim.HalykOptions{}, func(s halykShop) {
		auth := s.askToken(halykPaymentForm(halykInvoice, "15490"))
		object := map[string]any{
			"invoiceId": halykInvoice, "amount": json.Number("15490.00"), "currency": "KZT", "terminal": sim.HalykDefaultTerminal,
			"description": "Order 4711", "accountId": "cust-99", "cardSave": true, "backLink": "https://shop.kz/thanks",
			"failureBackLink": "https://shop.kz/sorry", "auth": auth.Body,
		}
		open := func() halykAnswer {
			text, err := json.Marshal(object)
			must(t, err)
			return s.ask(http.MethodPost, "/payform", "", "application/x-www-form-urlencoded", url.Values{"payment": {string(text)}}.Encode())
		}
		object["amount"] = json.Number("1")
		s.wantError(open(), "469")
		object["amount"], object["description"] = json.Number("15490.00"), strings.Repeat("я", 63)
		s.wantError(open(), "3298")
		object["description"] = "Order 4711"
		if page := open(); page.HTTP != 200 || !strings.Contains(page.Text, "15490.00 KZT") || !strings.Contains(page.Text, "Pay</button>") {
			t.Fatalf("page is %d %s", page.HTTP, page.Text)
		}
		id := s.b.Ledger().Objects[0].ID
		back := s.ask(http.MethodPost, "/payform/"+id, "", "application/x-www-form-urlencoded", "act=pay")
		if !strings.Contains(back.Text, `href="https://shop.kz/thanks"`) {
			t.Errorf("the page does not lead back: %s", back.Text)
		}
		a := s.wantStatus(halykInvoice, "100", "CHARGE")
		wantEqual(t, "accountID", a.at("transaction.accountID"), "cust-99")
		if cards := s.get("/cards/cust-99", s.service()); !strings.Contains(cards.Text, a.at("transaction.cardID")) {
			t.Errorf("cardSave saved no card: %s", cards.Text)
		}
		if script := s.get("/payform/payment-api.js", ""); !strings.Contains(script.Text, "pay: function") {
			t.Errorf("script is %s", script.Text)
		}
		wantEqual(t, "HTTP status of a used token", open().HTTP, 401)
	})
}

func TestHalykQROpensAPageInABrowser(t *testing.T) {
	inHalyk(t, sim.Options{}, sim.HalykOptions{}, func(s halykShop) {
		s.qr(halykInvoice, "100")
		path := "/payform/" + s.b.Ledger().Objects[1].ID
		press := func(act string) halykAnswer {
			return s.ask(http.MethodPost, path, "", "application/x-www-form-urlencoded", "act="+act)
		}
		if page := s.get(path, ""); page.HTTP != 200 || !strings.Contains(page.Text, "Status: NEW") {
			t.Errorf("page is %d %s", page.HTTP, page.Text)
		}
		wantEqual(t, "HTTP status of an unknown button", press("dance").HTTP, 400)
		if page := press("scan"); !strings.Contains(page.Text, "Status: SCANNED") {
			t.Errorf("page is %s", page.Text)
		}
		if page := press("decline"); !strings.Contains(page.Text, "Status: FAILED") || strings.Contains(page.Text, "button") {
			t.Errorf("page is %s", page.Text)
		}
		wantEqual(t, "HTTP status of an unknown page", s.get("/payform/nobody", "").HTTP, 404)
	})
}
