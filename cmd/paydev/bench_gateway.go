package main

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/providers/wayforpay"
)

// quickGateway is WayForPay with nothing behind it: a CHARGE is approved at once, any
// other question is answered "no such order", both signed. The simulated bank of package
// sim remembers every order and searches its lists: its share of the machine is twice as
// large and grows from charge to charge, so that no two runs would be alike. WayForPay was
// chosen because its charge by token is one request, where Halyk's needs an access token.
type quickGateway struct {
	server *http.Server
	url    string

	mu     sync.Mutex
	charge []byte // the adapter's own CHARGE, for calling the gateway without the service
}

// The public test merchant of WayForPay, as in the rest of paydev.
const (
	quickAccount = "test_merch_n1"
	quickKey     = "flk3409refn54t54t*FNJRET"
	quickToken   = "1a2b3c4d-0000-4000-8000-00000000c0de"
)

// openQuickGateway listens, and charges once through the adapter to see that it is understood.
func openQuickGateway(ctx context.Context) (*quickGateway, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	g := &quickGateway{url: "http://" + listener.Addr().String()}
	g.server = &http.Server{Handler: g, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = g.server.Serve(listener) }()
	adapter, err := wayforpay.New(g.config(), wayforpay.Options{})
	if err != nil {
		g.close()
		return nil, err
	}
	defer adapter.Close()
	result := adapter.Charge(ctx, providers.Charge{
		Ref:        providers.Ref{Order: "bench0000000000000000000000", Method: providers.Instrument, Amount: providers.Money{Minor: 1549000, Currency: "KZT"}},
		Instrument: providers.Token{Value: providers.NewSecret(quickToken)},
		Payer:      providers.Payer{Phone: "+77010000000", Name: "Aida", Email: "aida@example.kz", IP: "203.0.113.7"}, Description: "Books",
	})
	if result.Verdict != providers.Approved {
		g.close()
		return nil, fmt.Errorf("the benchmark's gateway is not understood by the adapter: %s %s", result.Verdict, result.Reason)
	}
	return g, nil
}

func (g *quickGateway) close() { _ = g.server.Close() }

// config is the gateway as the service is told of it.
func (g *quickGateway) config() wayforpay.Config {
	return wayforpay.Config{APIBaseURL: g.url, MerchantAccount: quickAccount, MerchantSecret: providers.NewSecret(quickKey),
		MerchantDomain: "shop.example.kz", Currencies: []string{"KZT", "UAH"}}
}

// ServeHTTP answers. The amount is signed as it stood in the request.
func (g *quickGateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the caller is gone
	}
	var asked struct {
		TransactionType string      `json:"transactionType"`
		OrderReference  string      `json:"orderReference"`
		Amount          json.Number `json:"amount"`
		Currency        string      `json:"currency"`
	}
	if err := json.Unmarshal(body, &asked); err != nil {
		http.Error(w, "not understood", http.StatusBadRequest)
		return
	}
	amount, authCode, card, status, code := asked.Amount.String(), "998877", "51****5977", "Approved", "1100"
	if asked.TransactionType != "CHARGE" {
		amount, authCode, card, status, code = `""`, "", "", "Declined", "1127"
	}
	mac := hmac.New(md5.New, []byte(quickKey))
	fmt.Fprint(mac, strings.Join([]string{quickAccount, asked.OrderReference, strings.Trim(amount, `"`), asked.Currency, authCode, card, status, code}, ";"))
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprintf(w, `{"merchantAccount":%q,"orderReference":%q,"merchantSignature":%q,"amount":%s,"currency":%q,"authCode":%q,"cardPan":%q,`+
		`"cardType":"MasterCard","recToken":%q,"transactionStatus":%q,"reason":"Ok","reasonCode":%s,"fee":0,"paymentSystem":"card"}`,
		quickAccount, asked.OrderReference, hex.EncodeToString(mac.Sum(nil)), amount, asked.Currency, authCode, card, quickToken, status, code)
	g.remember(asked.TransactionType, body)
}

// remember keeps the first charge.
func (g *quickGateway) remember(kind string, body []byte) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.charge == nil && kind == "CHARGE" {
		g.charge = body
	}
}

// bare calls the gateway without the service: the bytes that the adapter sends, over a
// connection of its own for each call, as the adapter does with everything that moves money.
func (g *quickGateway) bare(ctx context.Context, callers int, d time.Duration) sample {
	g.mu.Lock()
	charge := g.charge
	g.mu.Unlock()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	return load(ctx, callers, d, func(ctx context.Context) error {
		request, err := http.NewRequestWithContext(ctx, http.MethodPost, g.url+"/api", bytes.NewReader(charge))
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
		if err == nil && !bytes.Contains(answer, []byte(`"Approved"`)) {
			err = errors.New("the gateway did not approve")
		}
		return err
	})
}
