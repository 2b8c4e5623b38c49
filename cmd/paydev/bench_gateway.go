package main

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/providers/wayforpay"
)

// quickGateway is WayForPay with nothing behind it: a CHARGE is approved, an invoice is made,
// any other question is answered "no such order", all after the same pause. The simulated
// bank of package sim remembers every order and searches its lists: its share of the machine
// is twice as large and grows from charge to charge, so that no two runs would be alike.
// WayForPay was chosen because its charge by token is one request, where Halyk's needs an
// access token.
type quickGateway struct {
	server *http.Server
	url    string
	pause  time.Duration // before every answer

	mu     sync.Mutex
	charge []byte // the adapter's own CHARGE, for calling the gateway without the service
}

// The public test merchant of WayForPay, as in the rest of paydev.
const (
	quickAccount = "test_merch_n1"
	quickKey     = "flk3409refn54t54t*FNJRET"
	quickToken   = "1a2b3c4d-0000-4000-8000-00000000c0de"
	quickCard    = "51****5977"
	quickSum     = 1549000 // tiyn: what every charge and offer is about
	quickPrice   = "15490"
)

// openQuickGateway listens, and charges once through the adapter to see that it is understood.
func openQuickGateway(ctx context.Context, pause time.Duration) (*quickGateway, error) {
	g := &quickGateway{pause: pause}
	var err error
	if g.server, g.url, err = listenHTTP(ctx, g); err != nil {
		return nil, err
	}
	adapter, err := wayforpay.New(quickConfig(g.url), wayforpay.Options{})
	if err != nil {
		g.close()
		return nil, err
	}
	defer adapter.Close()
	result := adapter.Charge(ctx, providers.Charge{
		Ref:        providers.Ref{Order: "bench0000000000000000000000", Method: providers.Instrument, Amount: providers.Money{Minor: quickSum, Currency: "KZT"}},
		Instrument: providers.Token{Value: providers.NewSecret(quickToken)},
		Payer:      providers.Payer{Phone: "+77010000000", Name: "Aida", Email: "aida@example.kz", IP: "203.0.113.7"}, Description: "Books",
	})
	if result.Verdict != providers.Approved {
		g.close()
		return nil, fmt.Errorf("the benchmark's gateway is not understood by the adapter: %s %s", result.Verdict, result.Reason)
	}
	return g, nil
}

// listenHTTP serves on a loopback port of its own.
func listenHTTP(ctx context.Context, handler http.Handler) (*http.Server, string, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, "", err
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = server.Serve(listener) }()
	return server, "http://" + listener.Addr().String(), nil
}

func (g *quickGateway) close() { _ = g.server.Close() }

// quickConfig is a gateway at that address as the service is told of it.
func quickConfig(url string) wayforpay.Config {
	return wayforpay.Config{APIBaseURL: url, MerchantAccount: quickAccount, MerchantSecret: providers.NewSecret(quickKey),
		MerchantDomain: "shop.example.kz", Currencies: []string{"KZT", "UAH"}}
}

// question is what the gateway reads of a request.
type question struct {
	TransactionType string      `json:"transactionType"`
	OrderReference  string      `json:"orderReference"`
	Amount          json.Number `json:"amount"`
	Currency        string      `json:"currency"`
	ProductName     []string    `json:"productName"`
}

// readQuestion reads a request; it reports false, and has answered, when there is none.
func readQuestion(w http.ResponseWriter, r *http.Request) (q question, body []byte, ok bool) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return q, nil, false // the caller is gone
	}
	if err := json.Unmarshal(body, &q); err != nil {
		http.Error(w, "not understood", http.StatusBadRequest)
		return q, nil, false
	}
	return q, body, true
}

func (g *quickGateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	q, body, ok := readQuestion(w, r)
	if !ok {
		return
	}
	if q.TransactionType == "CHARGE" {
		g.remember(body)
	}
	if g.pause > 0 {
		time.Sleep(g.pause)
	}
	w.Header().Set("Content-Type", "application/json")
	if q.TransactionType == "CREATE_INVOICE" {
		page := "http://" + r.Host + payPath + q.OrderReference
		fmt.Fprintf(w, `{"reason":"Ok","reasonCode":1100,"invoiceUrl":%q,"qrCode":%q}`, page, page)
		return
	}
	_, _ = w.Write(q.answer(q.TransactionType == "CHARGE"))
}

// payPath is where the page of an offer is: its last part is the order's number.
const payPath = "/pay/"

// answer is what the gateway says of an order, signed: that it is paid, or that there is
// none. The amount is signed as it stood in the request.
func (q question) answer(paid bool) []byte {
	amount, authCode, card, status, code := q.Amount.String(), "998877", quickCard, "Approved", "1100"
	if !paid {
		amount, authCode, card, status, code = `""`, "", "", "Declined", "1127"
	}
	mac := hmac.New(md5.New, []byte(quickKey))
	fmt.Fprint(mac, strings.Join([]string{quickAccount, q.OrderReference, strings.Trim(amount, `"`), q.Currency, authCode, card, status, code}, ";"))
	return fmt.Appendf(nil, `{"merchantAccount":%q,"orderReference":%q,"merchantSignature":%q,"amount":%s,"currency":%q,"authCode":%q,"cardPan":%q,`+
		`"cardType":"MasterCard","recToken":%q,"transactionStatus":%q,"reason":"Ok","reasonCode":%s,"fee":0,"paymentSystem":"card"}`,
		quickAccount, q.OrderReference, hex.EncodeToString(mac.Sum(nil)), amount, q.Currency, authCode, card, quickToken, status, code)
}

// remember keeps the first charge.
func (g *quickGateway) remember(charge []byte) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.charge == nil {
		g.charge = charge
	}
}

// call calls the gateway without the service: the bytes that the adapter sends, over a
// connection of its own for each call, as the adapter does with everything that moves money.
func (g *quickGateway) call() func(context.Context) error {
	g.mu.Lock()
	charge := g.charge
	g.mu.Unlock()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	return func(ctx context.Context) error { return post(ctx, client, g.url+"/api", charge, `"Approved"`) }
}

// bare measures callers who wait for such calls.
func (g *quickGateway) bare(ctx context.Context, callers int, d time.Duration) sample {
	return load(ctx, callers, d, g.call())
}

// post sends a body and insists on an answer with that text in it. Who is told when to come
// back was refused.
func post(ctx context.Context, client *http.Client, url string, body []byte, want string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err == nil && !bytes.Contains(answer, []byte(want)) {
		err = fmt.Errorf("%s without %s", response.Status, want)
		if seconds, wrong := strconv.Atoi(response.Header.Get("Retry-After")); wrong == nil {
			err = refusal{err, time.Duration(seconds) * time.Second}
		}
	}
	return err
}
