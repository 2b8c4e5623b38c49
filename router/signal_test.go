package router

import (
	"errors"
	"fmt"
	"testing"

	"github.com/payrouter/payrouter/health"
	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router/payment"
)

// Only what a gateway could not do at that moment makes a move part of its outage, and only what
// is of use to a payer ends it.
func TestADeclineIsNoOutageAndNoService(t *testing.T) {
	closed := func(kind payment.EvidenceKind) *payment.Evidence { return &payment.Evidence{Kind: kind} }
	for _, c := range []struct {
		name           string
		a              payment.Attempt
		failed, serves bool
	}{
		{"never sent", payment.Attempt{Verdict: providers.Unserved, Reason: providers.NotSent, Closed: closed(payment.NotSent)}, true, false},
		{"an offer that nobody saw", payment.Attempt{Verdict: providers.Unknown, Reason: providers.Timeout, Closed: closed(payment.NeverShown)}, true, false},
		{"nobody knows", payment.Attempt{Verdict: providers.Unknown, Reason: providers.Timeout}, false, false},
		{"a soft decline", payment.Attempt{Verdict: providers.Declined, Reason: providers.DeclinedSoft, Closed: closed(payment.DeclinedFinally)}, false, false},
		{"a currency it does not take", payment.Attempt{Verdict: providers.Unserved, Reason: providers.Unsupported, Closed: closed(payment.RefusedByGate)}, false, false},
		{"our credentials", payment.Attempt{Verdict: providers.Unserved, Reason: providers.Misconfigured, Closed: closed(payment.RefusedByGate)}, false, false},
		{"paid", payment.Attempt{Verdict: providers.Approved}, false, true},
		{"an offer", payment.Attempt{Verdict: providers.Pending, Action: &providers.Action{}}, false, true},
		{"an invoice on a phone", payment.Attempt{Verdict: providers.Pending, Reason: providers.AwaitingPayer}, false, true},
		{"in the works", payment.Attempt{Verdict: providers.Pending, Reason: providers.Processing}, false, false},
	} {
		if failed(c.a) != c.failed || serves(c.a) != c.serves {
			t.Errorf("%s: failed %t, serves %t", c.name, failed(c.a), serves(c.a))
		}
	}
}

// A gateway that says "too many requests" is slowed down for, whether or not it says that
// it did nothing.
func TestAGatewayThatAsksForAPauseGetsOne(t *testing.T) {
	for _, r := range []providers.Result{{Verdict: providers.Unserved, Reason: providers.Throttled}, providers.Doubt(providers.Throttled, "429", nil)} {
		if s := signal(r); s != health.Throttled {
			t.Errorf("%s %s gives the signal %d", r.Verdict, r.Reason, s)
		}
	}
}

// SAFETY section 7: our own limits are excluded. A gateway that answers slowly and well must not
// be taken out because its own good answers kept our probe waiting for a seat.
func TestWhatWeHeldBackOurselvesSaysNothingAboutTheGateway(t *testing.T) {
	crowded := providers.HeldBack(errors.New("no seat"))
	if crowded.Verdict != providers.Unserved || crowded.Reason != providers.NotSent {
		t.Fatalf("it is %s %s: the next gateway may not be tried", crowded.Verdict, crowded.Reason)
	}
	for name, r := range map[string]providers.Result{
		"a charge":               crowded,
		"a look-up":              providers.Doubt(providers.NotSent, "", crowded.Err),
		"a refund not begun":     providers.Unsent(errors.Join(errors.New("not begun"), crowded.Err)),
		"a transaction not seen": providers.Unsent(fmt.Errorf("no transaction: %w", crowded.Err)),
	} {
		if s, p := signal(r), ProbeSignal(r); s != health.Neutral || p != health.Neutral {
			t.Errorf("%s gives the signal %s, of a probe %s", name, s, p)
		}
	}
	refused := providers.Unsent(errors.New("connection refused"))
	if s, p := signal(refused), ProbeSignal(refused); s != health.Unreachable || p != health.Unreachable {
		t.Errorf("a refused connection gives the signal %s, of a probe %s", s, p)
	}
	late := providers.Doubt(providers.Timeout, "", crowded.Err) // something was sent after all
	if s, p := signal(late), ProbeSignal(late); s != health.Fault || p != health.Fault {
		t.Errorf("a time-out gives the signal %s, of a probe %s", s, p)
	}
}

// Only what never left through our own doing is no fault of a probe's: a gateway that answers
// in no way that we know is not well.
func TestAProbeThatIsDoubtfulIsAFault(t *testing.T) {
	for _, r := range []providers.Result{{}, providers.Doubt(providers.Ambiguous, "", nil), providers.Unable(errors.New("no such method"))} {
		if s := ProbeSignal(r); s != health.Fault {
			t.Errorf("%s %s gives the signal %s", r.Verdict, r.Reason, s)
		}
	}
}
