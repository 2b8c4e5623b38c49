package robokassa

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/providers/providertest"
)

// The shop of the golden vectors (notes, section 11), and a payment of ours.
const (
	shop  = "sim-shop"
	order = "100000000001001"
	key   = "11111111-2222-3333-4444-555555555555-AbCdEfGhIj"
)

func secret(n int) providers.Secret { return providers.NewSecret(fmt.Sprintf("sim-pass-%d", n)) }

func tenge(minor int64) providers.Money { return providers.Money{Minor: minor, Currency: "KZT"} }

var sum = tenge(1500_50)

// least is the smallest configuration that works.
func least() Config {
	return Config{MerchantLogin: shop, Password1: secret(1), Password2: secret(2)}
}

// everything is a shop with all that a contract can allow.
func everything(c *Config) {
	c.RefundBase, c.InvoiceBase, c.Password3 = "https://services.robokassa.ru", "https://services.robokassa.ru", secret(3)
	c.InvoiceLife = 24 * time.Hour
	c.Holds, c.Recurring = true, true
}

// The addresses of the desk, as its log writes them.
const (
	toStart      = "POST /Merchant/Indexjson.aspx"
	toRecurring  = "POST /Merchant/Recurring"
	toConfirm    = "POST /Merchant/Payment/Confirm"
	toCancel     = "POST /Merchant/Payment/Cancel"
	toState      = "POST /Merchant/WebService/Service.asmx/OpStateExt"
	toRefund     = "POST /RefundService/Refund/Create"
	toRefundID   = "GET /RefundService/Refund/GetState"
	toInvoice    = "POST /InvoiceServiceWebApi/api/CreateInvoice"
	toDeactivate = "POST /InvoiceServiceWebApi/api/DeactivateInvoice"
)

// desk answers by the address that is asked, and keeps what was asked.
type desk struct {
	t       testing.TB
	answers map[string]string // "401 text" is a status with a body; else HTTP 200

	mu    sync.Mutex
	asked []request
}

type request struct {
	to, host, kind, body string
	query                url.Values
}

// form are the fields of a request's body.
func (r request) form(t testing.TB) url.Values {
	t.Helper()
	fields, err := url.ParseQuery(r.body)
	if err != nil || r.kind != formType {
		t.Fatalf("%s is no form: %q of %s", r.to, r.body, r.kind)
	}
	return fields
}

func (d *desk) answer(r *http.Request) (int, []byte) {
	body, _ := io.ReadAll(r.Body)
	to := r.Method + " " + r.URL.Path
	d.mu.Lock()
	defer d.mu.Unlock()
	d.asked = append(d.asked, request{to, r.Host, r.Header.Get("Content-Type"), string(body), r.URL.Query()})
	text, ok := d.answers[to]
	if !ok {
		d.t.Errorf("nobody expected %s", to)
	}
	if code, rest, _ := strings.Cut(text, " "); len(code) == 3 && code >= "100" && code <= "599" {
		var status int
		fmt.Sscan(code, &status)
		return status, []byte(rest)
	}
	return http.StatusOK, []byte(text)
}

// was lists the addresses that were asked, in order.
func (d *desk) was() string {
	var all []string
	for _, r := range d.asked {
		all = append(all, r.to)
	}
	return strings.Join(all, ", ")
}

// last is the last request.
func (d *desk) last() request {
	d.t.Helper()
	if len(d.asked) == 0 {
		d.t.Fatal("nothing was asked")
	}
	return d.asked[len(d.asked)-1]
}

// open makes a gateway in front of a desk. Its addresses are plain, so that the desk needs
// no certificate.
func open(t testing.TB, change func(*Config), answers map[string]string) (*Gateway, *desk) {
	t.Helper()
	d := &desk{t: t, answers: answers}
	c := least()
	c.PageBase, c.WSBase, c.PaymentBase = "http://127.0.0.1:1", "http://127.0.0.1:2", "http://127.0.0.1:3"
	if change != nil {
		change(&c)
	}
	if c.RefundBase != "" {
		c.RefundBase = "http://127.0.0.1:4"
	}
	if c.InvoiceBase != "" {
		c.InvoiceBase = "http://127.0.0.1:5"
	}
	g, err := New(c, Options{Dial: (&providertest.Scripted{Answer: d.answer}).Dial})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.Close)
	return g, d
}

// ref is an attempt planned now.
func ref(m providers.Method) providers.Ref {
	return providers.Ref{Order: order, Method: m, Amount: sum, Planned: time.Now()}
}

// held is an attempt that asked for a hold.
func held() providers.Ref {
	r := ref(providers.Link)
	r.TwoStage = true
	return r
}

func charge(m providers.Method) providers.Charge {
	return providers.Charge{Ref: ref(m), Description: "Order 1001", ReturnURL: "https://shop.example.kz/back?a=1", NotifyURL: "https://pay.example.kz/webhooks/robokassa",
		Payer:      providers.Payer{Phone: "+77011234567", Email: "aida.saparova@example.kz", Name: "Aida Saparova", IP: "203.0.113.7"},
		Instrument: providers.Token{Value: providers.NewSecret("100000000000900")}}
}

// says writes an answer of OpStateExt about a state that came about now, as in the notes,
// section 4.2, without any parameter of ours.
func says(state, amount string) string {
	return fmt.Sprintf(`<?xml version="1.0" encoding="utf-8"?>
<OperationStateResponse xmlns="http://merchant.roboxchange.com/WebService/">
  <Result><Code>0</Code><Description/></Result>
  <State><Code>%s</Code><RequestDate>2026-01-01T03:10:00.1234567+03:00</RequestDate><StateDate>%s</StateDate></State>
  <Info><IncCurrLabel>BankCardPSKZ</IncCurrLabel><IncSum>1600.000000</IncSum><IncAccount>440043******1234</IncAccount>
    <PaymentMethod><Code>BankCard</Code><Description>Bank card</Description></PaymentMethod>
    <OutCurrLabel>KZT</OutCurrLabel><OutSum>%s</OutSum>
    <OpKey>%s</OpKey><BankCardRRN>600100000001</BankCardRRN></Info>
  <UserField></UserField>
</OperationStateResponse>`, state, dated(time.Now()), amount, key)
}

// dated writes a time as Robokassa does: seven digits of a second, and an offset.
func dated(at time.Time) string {
	return at.In(time.FixedZone("", 3*60*60)).Format("2006-01-02T15:04:05.0000000-07:00")
}

// since makes the state of an answer one that came about at another time.
func since(answer string, at time.Time) string {
	before, rest, _ := strings.Cut(answer, "<StateDate>")
	_, after, _ := strings.Cut(rest, "</StateDate>")
	return before + "<StateDate>" + dated(at) + "</StateDate>" + after
}

// with adds a parameter of the shop's to an answer.
func with(answer, name, value string) string {
	return strings.Replace(answer, "</UserField>", "<Field><Name>"+name+"</Name><Value>"+value+"</Value></Field></UserField>", 1)
}

// refuses writes an answer whose Result is not 0.
func refuses(code string) string {
	return `<OperationStateResponse xmlns="http://merchant.roboxchange.com/WebService/"><Result><Code>` + code + `</Code></Result></OperationStateResponse>`
}

// want compares what the router acts on.
func want(t testing.TB, what string, got providers.Result, verdict providers.Verdict, reason providers.Reason) {
	t.Helper()
	if got.Verdict != verdict || got.Reason != reason {
		t.Errorf("%s: it is %s %s (code %q, error %v), want %s %s", what, got.Verdict, got.Reason, got.Code, got.Err, verdict, reason)
	}
}

func secretOf(text string) providers.Secret { return providers.NewSecret(text) }
