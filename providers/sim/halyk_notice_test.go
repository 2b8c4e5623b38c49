package sim_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/payrouter/payrouter/providers/sim"
)

// notices decodes what came to a path of the merchant.
func (s halykShop) notices(path string) []halykAnswer {
	s.t.Helper()
	var out []halykAnswer
	for _, body := range s.inbox.bodies(path) {
		a := halykAnswer{Text: body}
		d := json.NewDecoder(strings.NewReader(body))
		d.UseNumber()
		must(s.t, d.Decode(&a.Body))
		out = append(out, a)
	}
	return out
}

func (s halykShop) oneNotice(path string) halykAnswer {
	s.t.Helper()
	pass(time.Second)
	all := s.notices(path)
	if len(all) != 1 {
		s.t.Fatalf("%d notices came to %s, want 1: %v", len(all), path, s.b.Deliveries())
	}
	return all[0]
}

func TestHalykTellsTheMerchantAndEchoesTheSecret(t *testing.T) {
	inHalyk(t, sim.Options{}, sim.HalykOptions{}, func(s halykShop) {
		id := s.charge(halykInvoice, "15490").at("id")
		n := s.oneNotice("/hooks/halyk")
		for field, want := range map[string]string{
			"id": id, "dateTime": "2000-01-01T05:00:00.000+05:00", "invoiceId": halykInvoice, "amount": "15490", "amountBonus": "0",
			"currency": "KZT", "terminal": sim.HalykDefaultTerminal, "accountId": "cust-88", "description": "Order 4711", "language": "rus",
			"cardMask": "440563...5096", "cardType": "VISA", "cardId": halykSavedID, "issuer": "HALYK BANK", "secure": "no", "code": "ok",
			"reason": "success", "secret_hash": halykSecret,
		} {
			wantEqual(t, field, n.at(field), want)
		}
		if code, isNumber := n.Body["reasonCode"].(json.Number); !isNumber || code != "0" {
			t.Errorf("reasonCode is %v, want the number 0", n.Body["reasonCode"])
		}
		wantEqual(t, "content type", s.inbox.all()[0].header.Get("Content-Type"), "application/json; charset=utf-8")
		status := s.wantStatus(halykInvoice, "100", "CHARGE")
		wantEqual(t, "reference", n.at("reference"), status.at("transaction.reference"))
	})
}

func TestHalykTellsFailuresUnderTheirOwnLinkOrThePostLink(t *testing.T) {
	inHalyk(t, sim.Options{}, sim.HalykOptions{}, func(s halykShop) {
		s.token(halykInvoice, "100") // names no failure link
		s.act(halykInvoice, sim.ActDecline)
		n := s.oneNotice("/hooks/halyk")
		wantEqual(t, "code", n.at("code"), "error")
		wantEqual(t, "reasonCode", n.at("reasonCode"), "484")
		wantEqual(t, "secret_hash", n.at("secret_hash"), halykSecret)

		form := halykPaymentForm("261123000001", "100")
		form.Set("failurePostLink", halykHook+"/failed")
		s.mustToken(form)
		s.act("261123000001", sim.ActDecline)
		wantEqual(t, "invoiceId", s.oneNotice("/hooks/halyk/failed").at("invoiceId"), "261123000001")
	})
}

func TestHalykRepeatsANoticeThreeTimes(t *testing.T) {
	inHalyk(t, sim.Options{}, sim.HalykOptions{}, func(s halykShop) {
		s.inbox.handler = func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) }
		s.charge(halykInvoice, "100")
		for _, step := range []struct {
			after time.Duration
			tries int
		}{{time.Second, 1}, {5 * time.Second, 2}, {30 * time.Second, 3}, {5 * time.Minute, 4}, {time.Hour, 4}} {
			pass(step.after)
			wantEqual(t, "tries", s.b.Deliveries()[0].Tries, step.tries)
		}
		wantEqual(t, "state", s.b.Deliveries()[0].State, "given-up")
	})
}

func TestHalykForgedNoticeHasAnotherSecretOrAnotherAmount(t *testing.T) {
	for amount := range map[bool]bool{false: true, true: true} {
		inHalyk(t, sim.Options{}, sim.HalykOptions{ForgedAmount: amount}, func(s halykShop) {
			addNotice(t, s.b, sim.NoticeRule{Mode: sim.NoticeForged})
			s.charge(halykInvoice, "100")
			pass(time.Second)
			got := s.notices("/hooks/halyk")
			wantEqual(t, "notices", len(got), 2)
			wantEqual(t, "forged secret is right", got[0].at("secret_hash") == halykSecret, amount)
			wantEqual(t, "forged amount is right", got[0].at("amount") == "100", !amount)
			wantEqual(t, "true secret", got[1].at("secret_hash"), halykSecret)
			wantEqual(t, "true amount", got[1].at("amount"), "100")
		})
	}
}

func TestHalykNoticesGoWrongAsTheRulesSay(t *testing.T) {
	for mode, want := range map[string]int{sim.NoticeLost: 0, sim.NoticeDouble: 2, sim.NoticeBeforeAnswer: 1} {
		inHalyk(t, sim.Options{}, sim.HalykOptions{}, func(s halykShop) {
			addNotice(t, s.b, sim.NoticeRule{Mode: mode})
			s.charge(halykInvoice, "100")
			if mode == sim.NoticeBeforeAnswer {
				wantEqual(t, "notices before the answer", len(s.notices("/hooks/halyk")), 1)
			}
			pass(time.Minute)
			wantEqual(t, "notices of "+mode, len(s.notices("/hooks/halyk")), want)
		})
	}
}

func TestHalykWritesTheOtherSpellingsBySwitch(t *testing.T) {
	inHalyk(t, sim.Options{}, sim.HalykOptions{OtherSpellings: true}, func(s halykShop) {
		if charged := s.charge(halykInvoice, "100.50"); charged.at("terminal") != "98120001" {
			t.Errorf("the charge names terminal %s, want its number", charged.at("terminal"))
		}
		n := s.oneNotice("/hooks/halyk")
		for field, want := range map[string]string{
			"invoiceID": halykInvoice, "accountID": "cust-88", "cardID": halykSavedID, "secretHash": halykSecret,
			"invoiceId": "<none>", "accountId": "<none>", "cardId": "<none>", "secret_hash": "<none>",
		} {
			wantEqual(t, field, n.at(field), want)
		}
		for field, want := range map[string]string{"amount": "100.5", "reasonCode": "0"} {
			if text, isText := n.Body[field].(string); !isText || text != want {
				t.Errorf("%s is %v, want the text %s", field, n.Body[field], want)
			}
		}
		transaction, _ := s.wantStatus(halykInvoice, "100", "CHARGE").Body["transaction"].(map[string]any)
		if _, isText := transaction["secure"].(string); !isText {
			t.Errorf("secure is %v, want text", transaction["secure"])
		}
		if _, isNumber := transaction["terminal"].(json.Number); !isNumber {
			t.Errorf("terminal is %v, want a number", transaction["terminal"])
		}
	})
}

func TestHalykTellsAboutOperationsOnlyBySwitch(t *testing.T) {
	for told, want := range map[bool]int{false: 1, true: 3} {
		inHalyk(t, sim.Options{}, sim.HalykOptions{Terminals: halykTwoStep, OperationNotices: told}, func(s halykShop) {
			id := s.charge(halykInvoice, "100").at("id")
			s.operate(id, "charge", "")
			s.operate(id, "refund?amount=40", "")
			pass(time.Second)
			got := s.notices("/hooks/halyk")
			wantEqual(t, "notices", len(got), want)
			if told {
				wantEqual(t, "amount of the refund", got[2].at("amount"), "40")
			}
		})
	}
}

func TestHalykSendsNoNoticeWhereNobodyAskedForOne(t *testing.T) {
	inHalyk(t, sim.Options{}, sim.HalykOptions{}, func(s halykShop) {
		form := halykPaymentForm(halykInvoice, "100")
		form.Del("postLink")
		form.Del("secret_hash")
		s.mustToken(form)
		s.act(halykInvoice, sim.ActPay)
		pass(time.Minute)
		wantEqual(t, "deliveries", len(s.b.Deliveries()), 0)
	})
}
