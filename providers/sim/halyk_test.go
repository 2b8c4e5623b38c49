package sim_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/payrouter/payrouter/providers/sim"
)

const (
	halykLongScope = "webapi usermanagement email_send verification statement statistics payment"
	halykInvoice   = "261123004711"
	halykHook      = "https://pay.example.kz/hooks/halyk"
	halykSecret    = "c6f0d6a9b1e24d0fb1c7a9d2f07c5e31"
	halykSavedID   = "8d2f3c1e-6a10-4f7b-9b52-0d7c7c1b9e20"
)

// halykShop is a merchant of Halyk without opinions, who writes requests as the notes do.
type halykShop struct {
	t      *testing.T
	b      *sim.Bank
	client *http.Client
	inbox  *inbox
}

// halykAnswer is an answer with every number as it was written.
type halykAnswer struct {
	HTTP int
	Body map[string]any
	Text string
}

// at reads a field by its path: "transaction.statusName". What is missing is "<none>".
func (a halykAnswer) at(path string) string {
	var v any = a.Body
	for name := range strings.SplitSeq(path, ".") {
		in, _ := v.(map[string]any)
		field, ok := in[name]
		if !ok {
			return "<none>"
		}
		v = field
	}
	return fmt.Sprint(v)
}

// inHalyk runs a test on fake time. A terminal that is two-step, or shows no page, is asked for by change.
func inHalyk(t *testing.T, bank sim.Options, opt sim.HalykOptions, test func(s halykShop)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		in := &inbox{}
		bank.Client = in.client()
		if opt.SavedCards == nil {
			opt.SavedCards = []sim.HalykSavedCard{{ID: halykSavedID, Account: "cust-88", PAN: "4405639704015096"}}
		}
		b := sim.New(bank, sim.Halyk(opt))
		transport := b.Transport("halyk")
		defer b.Close()
		defer transport.CloseIdleConnections()
		test(halykShop{t: t, b: b, client: &http.Client{Transport: transport, CheckRedirect: noRedirect}, inbox: in})
	})
}

func halykTerminal(change func(*sim.HalykTerminal)) []sim.HalykTerminal {
	terminal := sim.HalykTerminal{ID: sim.HalykDefaultTerminal, Client: sim.HalykDefaultClient, Secret: sim.HalykDefaultSecret}
	change(&terminal)
	return []sim.HalykTerminal{terminal}
}

// ask makes one request and needs a whole answer. A body that is not JSON, or a list, stays text.
func (s halykShop) ask(method, path, token, contentType, body string) halykAnswer {
	s.t.Helper()
	a, err := s.try(method, path, token, contentType, body)
	if err != nil {
		s.t.Fatalf("%s %s: %v", method, path, err)
	}
	return a
}

func (s halykShop) try(method, path, token, contentType, body string) (halykAnswer, error) {
	header := []string{"Content-Type", contentType}
	if token != "" {
		header = append(header, "Authorization", "Bearer "+token)
	}
	res, got, err := shop{client: s.client, base: "http://halyk.invalid"}.send(s.t.Context(), method, path, body, header...)
	if err != nil {
		return halykAnswer{}, err
	}
	a := halykAnswer{HTTP: res.StatusCode, Text: string(got)}
	d := json.NewDecoder(bytes.NewReader(got))
	d.UseNumber()
	_ = d.Decode(&a.Body)
	return a, nil
}

func (s halykShop) post(path, token, body string) halykAnswer {
	s.t.Helper()
	return s.ask(http.MethodPost, path, token, "application/json", body)
}

func (s halykShop) get(path, token string) halykAnswer {
	s.t.Helper()
	return s.ask(http.MethodGet, path, token, "", "")
}

func (s halykShop) askToken(form url.Values) halykAnswer {
	s.t.Helper()
	return s.ask(http.MethodPost, "/oauth2/token", "", "application/x-www-form-urlencoded", form.Encode())
}

func halykServiceForm() url.Values {
	return url.Values{
		"grant_type": {"client_credentials"}, "scope": {halykLongScope}, "client_id": {sim.HalykDefaultClient},
		"client_secret": {sim.HalykDefaultSecret}, "terminal": {sim.HalykDefaultTerminal},
	}
}

func halykPaymentForm(invoice, amount string) url.Values {
	form := halykServiceForm()
	form.Set("scope", "payment")
	form.Set("invoiceID", invoice)
	form.Set("amount", amount)
	form.Set("currency", "KZT")
	form.Set("secret_hash", halykSecret)
	form.Set("postLink", halykHook)
	return form
}

// token gets a payment token; service one for everything else.
func (s halykShop) token(invoice, amount string) string {
	s.t.Helper()
	return s.mustToken(halykPaymentForm(invoice, amount))
}

func (s halykShop) service() string {
	s.t.Helper()
	return s.mustToken(halykServiceForm())
}

func (s halykShop) mustToken(form url.Values) string {
	s.t.Helper()
	a := s.askToken(form)
	if a.HTTP != http.StatusOK {
		s.t.Fatalf("token: %d %s", a.HTTP, a.Text)
	}
	return a.at("access_token")
}

func (s halykShop) status(invoice string) halykAnswer {
	s.t.Helper()
	return s.get("/check-status/payment/transaction/"+invoice, s.service())
}

// wantStatus checks the question's result and, unless it is empty, the transaction's name.
func (s halykShop) wantStatus(invoice, result, name string) halykAnswer {
	s.t.Helper()
	a := s.status(invoice)
	if a.HTTP != http.StatusOK || a.at("resultCode") != result || name != "" && a.at("transaction.statusName") != name {
		s.t.Errorf("status of %s: %d %s, want %s %s", invoice, a.HTTP, a.Text, result, name)
	}
	return a
}

func (s halykShop) act(invoice, act string) {
	s.t.Helper()
	must(s.t, s.b.Act("halyk", invoice, act))
}

// wantError checks the usual HTTP 400 with a code.
func (s halykShop) wantError(a halykAnswer, code string) {
	s.t.Helper()
	if a.HTTP != http.StatusBadRequest || a.at("code") != code || a.at("message") == "" {
		s.t.Errorf("got %d %s, want 400 with code %s", a.HTTP, a.Text, code)
	}
}

func (s halykShop) wantNet(invoice string, minor int64) {
	s.t.Helper()
	wantEqual(s.t, "net of "+invoice, s.b.Ledger().Net("halyk", invoice), minor)
}

func (s halykShop) violations() string {
	var ids []string
	for _, v := range s.b.Ledger().Violations {
		ids = append(ids, v.Invariant)
	}
	return strings.Join(ids, " ")
}

func TestHalykTokenIsAsTheSandboxGivesIt(t *testing.T) {
	inHalyk(t, sim.Options{}, sim.HalykOptions{}, func(s halykShop) {
		a := s.askToken(halykPaymentForm("000000001", "100"))
		wantEqual(t, "HTTP status", a.HTTP, 200)
		wantEqual(t, "token_type", a.at("token_type"), "Bearer")
		wantEqual(t, "refresh_token", a.at("refresh_token"), "")
		wantEqual(t, "scope", a.at("scope"), "payment")
		if expires, isText := a.Body["expires_in"].(string); !isText || expires != "7200" {
			t.Errorf("expires_in is %v, want the text 7200", a.Body["expires_in"])
		}
	})
}

func TestHalykWritesTheTokensLifeAsANumberBySwitch(t *testing.T) {
	inHalyk(t, sim.Options{}, sim.HalykOptions{NumericExpiry: true, TokenLife: 20 * time.Minute}, func(s halykShop) {
		if n, isNumber := s.askToken(halykServiceForm()).Body["expires_in"].(json.Number); !isNumber || n != "1200" {
			t.Errorf("expires_in is %v, want the number 1200", n)
		}
	})
}

func TestHalykReadsTokenFieldsFromAMultipartForm(t *testing.T) {
	inHalyk(t, sim.Options{}, sim.HalykOptions{}, func(s halykShop) {
		var body bytes.Buffer
		form := multipart.NewWriter(&body)
		for name, values := range halykPaymentForm(halykInvoice, "15490") {
			must(t, form.WriteField(name, values[0]))
		}
		must(t, form.Close())
		a := s.ask(http.MethodPost, "/oauth2/token", "", form.FormDataContentType(), body.String())
		wantEqual(t, "HTTP status", a.HTTP, 200)
		s.act(halykInvoice, sim.ActPay)
		s.wantNet(halykInvoice, 1549000)
	})
}

func TestHalykAnswersUnderTheOlderTestHostsPaths(t *testing.T) {
	inHalyk(t, sim.Options{}, sim.HalykOptions{}, func(s halykShop) {
		a := s.ask(http.MethodPost, "/epay2/oauth2/token", "", "application/x-www-form-urlencoded", halykServiceForm().Encode())
		got := s.get("/api/check-status/payment/transaction/"+halykInvoice, a.at("access_token"))
		wantEqual(t, "resultCode", got.at("resultCode"), "102")
	})
}

func TestHalykRefusesWrongCredentials(t *testing.T) {
	inHalyk(t, sim.Options{}, sim.HalykOptions{}, func(s halykShop) {
		form := halykPaymentForm(halykInvoice, "100")
		form.Set("client_secret", "guess")
		a := s.askToken(form)
		wantEqual(t, "HTTP status", a.HTTP, 401)
		wantEqual(t, "error", a.at("error"), "invalid_client")
		wantEqual(t, "objects", len(s.b.Ledger().Objects), 0)

		for name, token := range map[string]string{"invented": "ABC", "missing": "", "a payment's": s.token(halykInvoice, "100")} {
			a := s.get("/check-status/payment/transaction/"+halykInvoice, token)
			if a.HTTP != 401 || a.at("code") != "401" {
				t.Errorf("a token that is %s is answered %d %s", name, a.HTTP, a.Text)
			}
		}
		service := s.service()
		pass(2 * time.Hour)
		wantEqual(t, "HTTP status of an expired token", s.get("/check-status/payment/transaction/1", service).HTTP, 401)
	})
}

func TestHalykRefusesMalformedTokenRequests(t *testing.T) {
	inHalyk(t, sim.Options{}, sim.HalykOptions{}, func(s halykShop) {
		for _, wrong := range []struct{ field, value, code string }{
			{"grant_type", "refresh_token", "unsupported_grant_type"},
			{"scope", "everything", "invalid_scope"},
			{"scope", "webapi", "invalid_scope"},
			{"invoiceID", "", "invalid_request"},
			{"invoiceID", "12345", "invalid_request"},
			{"invoiceID", "26112300471a", "invalid_request"},
			{"amount", "1e3", "invalid_request"},
			{"terminal", "", "invalid_request"},
			{"currency", "EUR", "invalid_request"},
		} {
			form := halykPaymentForm(halykInvoice, "100")
			form.Set(wrong.field, wrong.value)
			if a := s.askToken(form); a.HTTP != 400 || a.at("error") != wrong.code {
				t.Errorf("%s=%q is answered %d %s, want %s", wrong.field, wrong.value, a.HTTP, a.Text, wrong.code)
			}
		}
	})
}

func TestHalykCabinetLoginGetsAShortTokenForInvoices(t *testing.T) {
	opt := sim.HalykOptions{Terminals: halykTerminal(func(term *sim.HalykTerminal) { term.Login, term.Password = "boss", "hunter2" })}
	inHalyk(t, sim.Options{}, opt, func(s halykShop) {
		form := halykServiceForm()
		form.Set("grant_type", "password")
		form.Set("username", "boss")
		form.Set("password", "hunter2")
		a := s.askToken(form)
		wantEqual(t, "expires_in", a.at("expires_in"), "900")
		if a.at("refresh_token") == "" {
			t.Error("a cabinet's token has no refresh token")
		}
		wantEqual(t, "HTTP status", s.post("/invoice", a.at("access_token"), halykInvoiceBody("")).HTTP, 200)
		form.Set("password", "wrong")
		wantEqual(t, "HTTP status", s.askToken(form).HTTP, 401)
	})
}
