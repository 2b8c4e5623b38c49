package router

import (
	"context"
	"fmt"
	"strings"

	"github.com/payrouter/payrouter/router/journal"
	"github.com/payrouter/payrouter/router/payment"
)

// instruments finds the tokens of the card that the caller named: its own and, for
// failover, those that the same customer saved of the same card at other gateways. A payment
// does not begin with a card that is unknown; one that has begun goes on without.
func (r *Router) instruments(ctx context.Context, p payment.Payment) (map[string]journal.Instrument, error) {
	if p.Instrument == "" {
		return nil, nil
	}
	all, err := r.tokens(ctx, p)
	if err == nil && len(all) == 0 && len(p.Attempts) == 0 {
		err = fmt.Errorf("%s: %w", p.Instrument, ErrUnknownInstrument)
	}
	return all, err
}

func (r *Router) tokens(ctx context.Context, p payment.Payment) (map[string]journal.Instrument, error) {
	wallet, err := r.Journal.Wallet(ctx, p.Tenant, p.Instrument)
	if err != nil || len(wallet) == 0 {
		return nil, err
	}
	named := wallet[0]
	if p.Customer != "" && named.Customer != p.Customer {
		return nil, nil // another customer's card is unknown to whoever pays for this one
	}
	all := map[string]journal.Instrument{named.Gateway: named}
	for _, i := range wallet[1:] {
		if _, ok := all[i.Gateway]; !ok && sameCard(named.Token.Mask, i.Token.Mask) {
			all[i.Gateway] = i
		}
	}
	return all, nil
}

// sameCard reports whether two masks can only mean one card of one customer: the last
// four digits are equal, and so are the first ones as far as both gateways show them. A
// payer who chose one card is not charged on another.
func sameCard(a, b string) bool {
	firstA, lastA := ends(a)
	firstB, lastB := ends(b)
	n := min(len(firstA), len(firstB))
	return len(lastA) == 4 && lastA == lastB && firstA[:n] == firstB[:n]
}

// ends are the digits before the part of a mask that is hidden, and the last four after it.
func ends(mask string) (first, last string) {
	digit := func(r rune) bool { return r >= '0' && r <= '9' }
	mask = strings.Map(func(r rune) rune {
		if r == ' ' || r == '-' {
			return -1
		}
		return r
	}, mask)
	first = mask[:len(mask)-len(strings.TrimLeftFunc(mask, digit))]
	last = mask[len(strings.TrimRightFunc(mask, digit)):]
	if len(first) == len(mask) || len(last) < 4 {
		return "", "" // nothing is hidden, or too much
	}
	return first, last[len(last)-4:]
}
