package payment_test

import (
	"testing"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router/payment"
)

func TestAnAttemptIsInVainWhereTheGatewayGaveNoService(t *testing.T) {
	closed, page := &payment.Evidence{}, &providers.Action{}
	for name, c := range map[string]struct {
		attempt payment.Attempt
		want    bool
	}{
		"out of reach":                     {payment.Attempt{Verdict: providers.Unserved, Reason: providers.NotSent}, true},
		"at work on itself":                {payment.Attempt{Verdict: providers.Unserved, Reason: providers.Maintenance}, true},
		"our credentials":                  {payment.Attempt{Verdict: providers.Unserved, Reason: providers.Misconfigured}, false},
		"a person's word":                  {payment.Attempt{Verdict: providers.Unserved, Reason: providers.NotSent, Ruled: true}, false},
		"closed, and nobody knows of what": {payment.Attempt{Verdict: providers.Unknown, Closed: closed}, true},
		"closed while it waited":           {payment.Attempt{Verdict: providers.Pending, Closed: closed}, true},
		"undecided yet":                    {payment.Attempt{Verdict: providers.Unknown}, false},
		"declined by the bank":             {payment.Attempt{Verdict: providers.Declined, Closed: closed}, false},
		"paid":                             {payment.Attempt{Verdict: providers.Approved}, false},
		"a page that nobody came to":       {payment.Attempt{Verdict: providers.Unknown, Action: page, Closed: closed}, false},
	} {
		if got := c.attempt.InVain(); got != c.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}
