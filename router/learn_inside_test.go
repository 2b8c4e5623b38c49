package router

import (
	"testing"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router/payment"
)

// The books went back behind the plan, and another replica has gone on with the payment since.
func TestNothingIsKnownOfAnAttemptThatTheBooksLost(t *testing.T) {
	p := payment.Payment{Attempts: make([]payment.Attempt, 1)}
	if known(p, payment.Observed{Attempt: 2, Source: payment.FromResponse, Verdict: providers.Approved}) {
		t.Error("it is known")
	}
}
