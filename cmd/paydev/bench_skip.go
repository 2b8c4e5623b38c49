package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/payrouter/payrouter/health"
	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/providers/wayforpay"
	"github.com/payrouter/payrouter/router"
	"github.com/payrouter/payrouter/router/payment"
)

// skipDecisions are enough for a p99 that a hundred of them decide on.
const skipDecisions = 100_000

// skipping is how long it takes to decide against a gateway that is down.
type skipping struct {
	Decisions int64 `json:"decisions"`
	P50NS     int64 `json:"p50_ns"`
	P99NS     int64 `json:"p99_ns"`
	MaxNS     int64 `json:"max_ns"`
}

// decide takes the decision that the router takes for every payment, with the parts that it
// takes it with: the policy ranks two gateways, the board refuses the first one, whose breaker
// real faults have opened, and admits the second. What the books are asked before it, which
// gateways have saved the card, is not part of it.
func decide(times int) (skipping, error) {
	board, err := health.New(health.Options{Gateways: []health.Gateway{{Name: mainGateway}, {Name: backupGateway}}, Registerer: prometheus.NewRegistry()})
	if err != nil {
		return skipping{}, err
	}
	adapter, err := wayforpay.New(quickConfig("http://127.0.0.1:1"), wayforpay.Options{})
	if err != nil {
		return skipping{}, err
	}
	defer adapter.Close()
	claims := adapter.Claims()
	now := time.Now()
	wish, err := payment.Payment{}.Apply(payment.Event{At: payment.Instant(now), Body: payment.Opened{ID: savedCard, Tenant: "shop", RequestID: savedCard, Order: savedCard,
		Amount: providers.Money{Minor: quickSum, Currency: "KZT"}, Methods: []providers.Method{providers.Instrument}, Instrument: savedCard,
		Customer: savedCustomer, Description: "Books", Deadline: now.Add(15 * time.Minute)}})
	if err != nil {
		return skipping{}, err
	}
	rules := []router.Rule{{Gateway: mainGateway, Priority: 1}, {Gateway: backupGateway, Priority: 2}}
	tokens := map[string]bool{mainGateway: true, backupGateway: true}
	choose := func() (permit *health.Permit, chosen string, err error) {
		candidates, _ := router.Rank(wish, rules, func(string) providers.Claims { return claims }, tokens, time.Now())
		for _, c := range candidates {
			var refused error
			if permit, refused = board.Admit(c.Gateway, health.OpCharge, wish.ID); refused == nil {
				return permit, c.Gateway, nil
			}
			err = errors.Join(err, refused)
		}
		return nil, "", err
	}
	for range 100 {
		permit, chosen, err := choose()
		switch {
		case err != nil:
			return skipping{}, err
		case chosen == backupGateway:
			permit.Report(health.Healthy)
			return skipTimes(times, choose)
		}
		permit.Report(health.Fault)
	}
	return skipping{}, errors.New("a hundred faults have not opened the breaker")
}

func skipTimes(times int, choose func() (*health.Permit, string, error)) (skipping, error) {
	var took histogram
	for range times {
		began := time.Now()
		permit, chosen, err := choose()
		took.add(time.Since(began))
		if err != nil || chosen != backupGateway {
			return skipping{}, fmt.Errorf("the choice fell on %q, with error %w", chosen, err)
		}
		permit.Report(health.Healthy)
	}
	return skipping{Decisions: took.n, P50NS: took.quantile(p50).Nanoseconds(), P99NS: took.quantile(p99).Nanoseconds(), MaxNS: took.most.Nanoseconds()}, nil
}
