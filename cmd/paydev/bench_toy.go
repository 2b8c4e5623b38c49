package main

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/google/uuid"
	"github.com/sony/gobreaker/v2"
)

// toy is the control of outages: what is quickly written with gobreaker as it comes. It asks
// the first gateway whose breaker is closed, and whatever goes wrong, the next one. It keeps
// no books, and does not ask whether the first one may have taken the money.
type toy struct {
	urls     []string
	breakers []*gobreaker.CircuitBreaker[struct{}]
	client   *http.Client
}

func newToy(timeout time.Duration, urls ...string) *toy {
	t := &toy{urls: urls, client: &http.Client{Timeout: timeout, Transport: &http.Transport{DisableKeepAlives: true}}}
	for _, url := range urls {
		t.breakers = append(t.breakers, gobreaker.NewCircuitBreaker[struct{}](gobreaker.Settings{Name: url}))
	}
	return t
}

// charge tries one gateway after the other.
func (t *toy) charge(ctx context.Context) (outcome, error) {
	order := uuid.NewString()
	body, err := json.Marshal(question{TransactionType: "CHARGE", OrderReference: order, Amount: quickPrice, Currency: "KZT", ProductName: []string{order}})
	if err != nil {
		return outcome{}, err
	}
	o := outcome{order: order}
	for i, url := range t.urls {
		_, err := t.breakers[i].Execute(func() (struct{}, error) { return struct{}{}, post(ctx, t.client, url+"/api", body, `"Approved"`) })
		if err == nil {
			o.paid, o.backup = true, i > 0
			return o, nil
		}
		o.vain = o.vain || i == 0 && !errors.Is(err, gobreaker.ErrOpenState)
	}
	return o, nil
}
