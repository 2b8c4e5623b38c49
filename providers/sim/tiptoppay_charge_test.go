package sim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestTipTopPayGreetsWhoKnowsTheSecret(t *testing.T) {
	s := ttpOpen(t, TipTopPayOptions{}, nil)
	rec, err := s.send(http.MethodPost, "/test", "", "Content-Type", "")
	if err != nil || rec.Code != http.StatusOK {
		t.Fatal(rec, err)
	}
	if a := ttpRead(t, rec.Body.Bytes()); a["Success"] != true || len(fmt.Sprint(a["Message"])) != 36 {
		t.Errorf("the greeting is %v", a)
	}
	for _, tt := range []struct {
		name, method, path, body string
		header                   []string
		want                     int
	}{
		{"no credentials", "POST", "/test", "", []string{"Authorization", ""}, 401},
		{"another secret", "POST", "/test", "", []string{"Authorization", "Basic cGtfNGIwZTJkNmE5MWM3NWYzZThkMjBhNmI0YzkxZjA6eA=="}, 401},
		{"the wrong method", "GET", "/payments/find", "", nil, 405},
		{"an unknown path", "POST", "/payments/look", "{}", nil, 404},
		{"a body of another kind", "POST", "/payments/find", "<x/>", []string{"Content-Type", "text/xml"}, 415},
		{"half a body", "POST", "/payments/find", `{"InvoiceId":`, nil, 400},
		{"two bodies", "POST", "/payments/find", `{}{}`, nil, 400},
		{"a list", "POST", "/payments/find", `[]`, nil, 400},
	} {
		if rec, err := s.send(tt.method, tt.path, tt.body, tt.header...); err != nil || rec.Code != tt.want {
			t.Errorf("%s is answered %v %v, want HTTP %d", tt.name, rec, err, tt.want)
		}
	}
}

func TestTipTopPayTokenIsChargedInsideTheCall(t *testing.T) {
	ttpBubble(t, TipTopPayOptions{}, func(s *ttpShop) {
		a := s.token("rt-1", ttpGoodToken)
		s.is(a, "Completed", true)
		m := ttpModel(a)
		for field, want := range map[string]any{
			"Amount": json.Number("14500.00"), "Currency": "KZT", "InvoiceId": "rt-1", "AccountId": "u-7781", "ReasonCode": json.Number("0"),
			"Reason": "Approved", "StatusCode": json.Number("3"), "TestMode": true, "Type": json.Number("0"), "Refunded": false, "Token": ttpGoodToken,
			"JsonData": `{"attempt":"a1"}`, "OriginalTransactionId": nil, "CreatedDateIso": "2000-01-01T00:00:00", "TotalFee": json.Number("290.00"),
		} {
			if m[field] != want {
				t.Errorf("%s is %v, want %v", field, m[field], want)
			}
		}
		s.net("rt-1", 1450000)
		ttpLater(time.Minute)
		if got := s.told(); got != "pay Completed 14500.00" {
			t.Errorf("the shop was told %s", got)
		}
		s.blamed()
	})
}

func TestTipTopPayDeclinedTokenIsAnsweredWithItsTransaction(t *testing.T) {
	ttpBubble(t, TipTopPayOptions{}, func(s *ttpShop) {
		a := s.token("rt-1", ttpPoorToken)
		s.is(a, "Declined", false)
		if m := ttpModel(a); a["Message"] != nil || fmt.Sprintf("%v %v %v", m["ReasonCode"], m["StatusCode"], m["Reason"]) != "5051 5 InsufficientFunds" {
			t.Errorf("the answer is %v", a)
		}
		s.status("rt-1", "Declined") // Success is false, and yet it is found
		s.phase("rt-1", Dead)
		s.net("rt-1", 0)
		ttpLater(time.Minute)
		if got := s.told(); got != "fail 5051 14500.00" {
			t.Errorf("the shop was told %s", got)
		}
	})
}

func TestTipTopPayRefusesWhatIsMissing(t *testing.T) {
	token := func(more ttpObject) ttpObject {
		return ttpWish("rt-1", ttpObject{"Token": ttpGoodToken, "TrInitiatorCode": 1}).with(more)
	}
	card := func(more ttpObject) ttpObject {
		return ttpWish("rt-1", ttpObject{"CardCryptogramPacket": "4000000000003055", "IpAddress": "203.0.113.9"}).with(more)
	}
	for _, tt := range []struct {
		path   string
		fields ttpObject
		want   string
	}{
		{"/orders/create", ttpWish("rt-1", ttpObject{"Amount": nil}), "Amount is required"},
		{"/orders/create", ttpWish("rt-1", ttpObject{"Amount": 0}), "Invalid Amount value"},
		{"/orders/create", ttpWish("rt-1", ttpObject{"Amount": -5}), "Invalid Amount value"},
		{"/orders/create", ttpWish("rt-1", ttpObject{"Amount": json.Number("1.005")}), "Invalid Amount value"},
		{"/orders/create", ttpWish("rt-1", ttpObject{"Amount": "14500.00"}), "Invalid Amount value"},
		{"/orders/create", ttpWish("rt-1", ttpObject{"Currency": nil}), "Currency is required"},
		{"/orders/create", ttpWish("rt-1", ttpObject{"Currency": "RUB"}), "Invalid Currency value"},
		{"/orders/create", ttpWish("rt-1", ttpObject{"Description": ""}), "Description is required"},
		{"/payments/tokens/charge", token(ttpObject{"Token": nil}), "Token is required"},
		{"/payments/tokens/charge", token(ttpObject{"Token": "tk_unknown"}), "Invalid Token value"},
		{"/payments/tokens/charge", token(ttpObject{"AccountId": nil}), "AccountId is required"},
		{"/payments/tokens/charge", token(ttpObject{"TrInitiatorCode": nil}), "TrInitiatorCode is required"},
		{"/payments/tokens/charge", token(ttpObject{"TrInitiatorCode": 2}), "Invalid TrInitiatorCode value"},
		{"/payments/tokens/charge", token(ttpObject{"TrInitiatorCode": 0}), "PaymentScheduled is required"},
		{"/payments/cards/charge", card(ttpObject{"IpAddress": nil}), "IpAddress is required"},
		{"/payments/cards/charge", card(ttpObject{"CardCryptogramPacket": nil}), "CardCryptogramPacket is required"},
		{"/payments/cards/charge", card(ttpObject{"CardCryptogramPacket": "01424242"}), "Invalid CardCryptogramPacket value"},
		{"/payments/get", ttpObject{}, "TransactionId is required"},
		{"/payments/get", ttpObject{"TransactionId": 7}, "Not found"},
		{"/payments/find", ttpObject{}, "InvoiceId is required"},
		{"/payments/confirm", ttpObject{"Amount": 1}, "TransactionId is required"},
		{"/payments/void", ttpObject{"TransactionId": 7}, "Not found"},
		{"/orders/cancel", ttpObject{}, "Id is required"},
		{"/orders/cancel", ttpObject{"Id": "hV7tq3XnB0s5LkQz"}, "Not found"},
	} {
		t.Run(tt.path+" "+tt.want, func(t *testing.T) {
			s := ttpOpen(t, TipTopPayOptions{}, nil)
			s.refusal(s.api(tt.path, tt.fields), tt.want)
			if n := len(s.bank.Ledger().Objects); n != 0 {
				t.Errorf("%d objects came into being", n)
			}
		})
	}
	s := ttpOpen(t, TipTopPayOptions{Switches: TipTopPaySwitches{RefusalStatus: 400, EmailRequired: true}}, nil)
	body, _ := json.Marshal(ttpWish("rt-1", nil))
	if rec, err := s.send(http.MethodPost, "/orders/create", string(body)); err != nil || rec.Code != 400 || !strings.Contains(rec.Body.String(), "Email is required") {
		t.Errorf("without Email it is answered %v %v", rec, err)
	}
}

func (o ttpObject) with(more ttpObject) ttpObject {
	for name, v := range more {
		o[name] = v
	}
	return o
}

func TestTipTopPayTestCardsDoAsPublished(t *testing.T) {
	for _, tt := range []struct {
		pan      string
		secure   bool
		declines string
	}{
		{"4242424242424242", true, ""}, {"5555555555554444", true, ""},
		{"4012888888881881", true, "5051"}, {"5105105105105100", true, "5051"},
		{"4000000000003055", false, ""}, {"5205000000003055", false, ""},
		{"4111111111111111", false, ""}, {"5200828282828210", false, ""},
		{"4000056655665556", false, "5051"}, {"5404000000000043", false, "5051"},
	} {
		t.Run(tt.pan, func(t *testing.T) {
			ttpBubble(t, TipTopPayOptions{}, func(s *ttpShop) {
				a := s.card("rt-1", tt.pan+"/1", nil)
				if tt.secure {
					m := ttpModel(a)
					if a["Success"] != false || a["Message"] != nil || m["PaReq"] == nil || m["AcsUrl"] != "http://example.com/acs" || m["Status"] != nil {
						t.Fatalf("it is answered %v", a)
					}
					s.phase("rt-1", Live)
					s.status("rt-1", "AwaitingAuthentication")
					a = s.api("/payments/cards/post3ds", ttpObject{"TransactionId": m["TransactionId"], "PaRes": "eJzVV1"})
				}
				if tt.declines != "" {
					s.is(a, "Declined", false)
					s.net("rt-1", 0)
					return
				}
				s.is(a, "Completed", true)
				s.net("rt-1", 1450000)
				s.refusal(s.card("rt-2", tt.pan+"/1", nil), "Invalid CardCryptogramPacket value") // single use
			})
		})
	}
}

func TestTipTopPaySavedTestCardLaterLacksMoney(t *testing.T) {
	s := ttpOpen(t, TipTopPayOptions{}, nil)
	if m := ttpModel(s.card("rt-1", "4111111111111111/1", nil)); m["Token"] != nil {
		t.Errorf("a card that nobody saved has the token %v", m["Token"])
	}
	a := s.card("rt-2", "4111111111111111/2", ttpObject{"SaveCard": true})
	token := fmt.Sprint(ttpModel(a)["Token"])
	s.is(s.token("rt-3", token), "Declined", false)
	s.refusal(s.api("/payments/tokens/charge", ttpWish("rt-4", ttpObject{"Token": token, "TrInitiatorCode": 1, "AccountId": "u-1"})), "Invalid Token value")
	rows := ttpRows(s.api("/payments/tokens/list", ttpObject{"PageNumber": 1}))
	if last := rows[len(rows)-1]; len(rows) != 4 || last["Token"] != token || last["AccountId"] != "u-7781" || last["CardMask"] != "411111******1111" {
		t.Errorf("the list has %d tokens, the last is %v", len(rows), last)
	}
}

func TestTipTopPay3DSecureWithoutPost3DSTakesNothing(t *testing.T) {
	ttpBubble(t, TipTopPayOptions{}, func(s *ttpShop) {
		s.card("rt-1", "4242424242424242", nil)
		s.act("rt-1", ActPay) // the payer agreed at the bank
		ttpLater(48 * time.Hour)
		s.status("rt-1", "AwaitingAuthentication")
		s.net("rt-1", 0)
		id := s.find("rt-1")
		s.act("rt-1", ActDecline) // and thought better of it
		s.refusal(s.api("/payments/cards/post3ds", ttpObject{"TransactionId": ttpModel(id)["TransactionId"]}), "PaRes is required")
		s.is(s.api("/payments/cards/post3ds", ttpObject{"TransactionId": ttpModel(id)["TransactionId"], "PaRes": "x"}), "Declined", false)
		if code := fmt.Sprint(s.status("rt-1", "Declined")["ReasonCode"]); code != "5206" {
			t.Errorf("the reason is %s", code)
		}
		s.refusal(s.api("/payments/cards/post3ds", ttpObject{"TransactionId": ttpModel(id)["TransactionId"], "PaRes": "y"}), "Transaction does not wait for authentication")
	})
}

func TestTipTopPay3DSecureMayCompleteWithoutUs(t *testing.T) {
	ttpBubble(t, TipTopPayOptions{Switches: TipTopPaySwitches{ThreeDSCompletes: true}}, func(s *ttpShop) {
		s.card("rt-1", "4242424242424242", nil)
		s.act("rt-1", ActPay)
		s.status("rt-1", "Completed")
		s.net("rt-1", 1450000)
	})
}

func TestTipTopPayFormsAreAsGoodAsJSON(t *testing.T) {
	s := ttpOpen(t, TipTopPayOptions{}, nil)
	form := "Amount=14500&Currency=KZT&InvoiceId=rt-1&AccountId=u-1&Token=" + ttpGoodToken + "&TrInitiatorCode=0&PaymentScheduled=1"
	rec, err := s.send(http.MethodPost, "/payments/tokens/charge", form, "Content-Type", "application/x-www-form-urlencoded")
	if err != nil {
		t.Fatal(err)
	}
	s.is(ttpRead(t, rec.Body.Bytes()), "Completed", true)
	s.net("rt-1", 1450000)
	id := s.find("rt-1")
	rounded := json.Number(ttpID(id) + ".4") // a fraction in an integer field is silently rounded
	s.is(s.api("/payments/get", ttpObject{"TransactionId": rounded}), "Completed", true)
}
