package payment_test

import (
	"slices"
	"testing"
	"time"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router/payment"
)

// The truth table of Status, with the advice and the exposure that go with each row.
func TestStatusFollowsTheTruthTable(t *testing.T) {
	timeout := response(providers.Unknown, providers.Timeout)
	cancel := payment.CancelRequested{RequestID: "c"}
	tests := []struct {
		name    string
		gateway string // empty: no attempt
		facts   []payment.Body
		want    payment.Status
		advice  payment.Advice
		exposed bool // an attempt may still take money, or has
	}{
		// kept attempt
		{"approved", card, []payment.Body{response(providers.Approved, "")}, payment.StatusPaid, payment.AdviceNone, true},
		{"held", card, []payment.Body{response(providers.Held, "")}, payment.StatusHeld, payment.AdviceNone, true},
		// none, finished
		{"declined hard", card, []payment.Body{response(providers.Declined, providers.DeclinedHard)}, payment.StatusDeclined, payment.AdviceAnotherMethod, false},
		{"declined soft", card, []payment.Body{response(providers.Declined, providers.DeclinedSoft)}, payment.StatusDeclined, payment.AdviceAnotherMethod, false},
		{"invalid everywhere", card, []payment.Body{response(providers.Declined, providers.InvalidRequest)}, payment.StatusFailed, payment.AdvicePayAgainSafe, false},
		{"expired unpaid", card, []payment.Body{response(providers.Declined, providers.Expired)}, payment.StatusFailed, payment.AdvicePayAgainSafe, false},
		{"canceled before any attempt", "", []payment.Body{cancel}, payment.StatusCanceled, payment.AdvicePayAgainSafe, false},
		{"canceled, and the veto closed it", account, []payment.Body{cancel}, payment.StatusCanceled, payment.AdvicePayAgainSafe, false},
		// none, not finished
		{"nothing tried yet", "", nil, payment.StatusProcessing, payment.AdviceWait, false},
		{"planned", card, nil, payment.StatusProcessing, payment.AdviceWait, true},
		{"unknown", card, []payment.Body{timeout}, payment.StatusProcessing, payment.AdviceWait, true},
		{"pending, no action", card, []payment.Body{response(providers.Pending, providers.Processing)}, payment.StatusProcessing, payment.AdviceWait, true},
		{"shown", qr, []payment.Body{shown(time.Time{})}, payment.StatusAwaitingPayer, payment.AdviceWait, true},
		{"shown, then canceled", qr, []payment.Body{shown(time.Time{}), cancel}, payment.StatusProcessing, payment.AdviceWait, true},
		{"shown, then other money", qr, []payment.Body{shown(time.Time{}), of(tenge(1), notice(providers.Approved, ""))}, payment.StatusProcessing, payment.AdviceContactSupport, true},
		{"refused, the next gateway comes", card, []payment.Body{response(providers.Unserved, providers.Maintenance)}, payment.StatusProcessing, payment.AdviceWait, false},
		{"undecided too long", card, []payment.Body{timeout, payment.Noted{Finding: payment.Undecided, Attempt: 1}}, payment.StatusProcessing, payment.AdviceContactSupport, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := open(t)
			if tt.gateway != "" {
				b.plan(tt.gateway)
			}
			b.tell(tt.facts...)
			b.wantStatus(tt.want)
			if got := b.p.Resolution(b.now, b.terms).Advice; got != tt.advice {
				t.Errorf("advice %q, not %q", got, tt.advice)
			}
			exposed := slices.ContainsFunc(b.p.Attempts, func(a payment.Attempt) bool { return a.Exposure() != payment.ExposureCleared })
			if exposed != tt.exposed {
				t.Errorf("exposed: %t", exposed)
			}
			if !slices.Contains(payment.Statuses(), b.p.Status()) {
				t.Errorf("%q is not listed", b.p.Status())
			}
		})
	}
}

func TestOnlyPaidDeclinedFailedAndCanceledAreFinal(t *testing.T) {
	final := []payment.Status{payment.StatusPaid, payment.StatusDeclined, payment.StatusFailed, payment.StatusCanceled}
	for _, s := range payment.Statuses() {
		if s.Final() != slices.Contains(final, s) {
			t.Errorf("%s: final %t", s, s.Final())
		}
	}
}

func TestExposureSaysWhetherAnAttemptCanTakeMoney(t *testing.T) {
	tests := []struct {
		gateway string
		facts   []payment.Body
		want    payment.Exposure
	}{
		{card, nil, payment.ExposureSent},
		{account, nil, payment.ExposureLive},
		{qr, []payment.Body{shown(time.Time{})}, payment.ExposureLive},
		{card, []payment.Body{response(providers.Held, "")}, payment.ExposureHeld},
		{card, []payment.Body{response(providers.Approved, "")}, payment.ExposureHeld},
		{card, []payment.Body{response(providers.Unserved, providers.NotSent)}, payment.ExposureCleared},
	}
	for _, tt := range tests {
		b := open(t)
		b.plan(tt.gateway)
		b.tell(tt.facts...)
		a := b.p.Attempts[0]
		if got := a.Exposure(); got != tt.want {
			t.Errorf("%s after %v: %s, not %s", tt.gateway, tt.facts, got, tt.want)
		}
		if open := tt.want == payment.ExposureSent || tt.want == payment.ExposureLive; a.AtRisk() != open {
			t.Errorf("%s after %v: at risk %t", tt.gateway, tt.facts, a.AtRisk())
		}
	}
}

func TestAnUndecidedPaymentSaysWhenItWillBeDecided(t *testing.T) {
	b := open(t)
	b.plan(qr)
	b.pass(3 * time.Second)
	b.tell(shown(time.Time{}))
	r := b.p.Resolution(b.now, b.terms)
	if want := start.Add(5 * time.Second); !r.NextCheck.Equal(want) {
		t.Errorf("next check %s, not %s", r.NextCheck, want)
	}
	// The offer dies 260 s after it was shown; a day after that a person decides.
	if want := start.Add(263*time.Second + 24*time.Hour); !r.ResolveBy.Equal(want) {
		t.Errorf("resolved by %s, not %s", r.ResolveBy, want)
	}
	if r.Reason != providers.AwaitingPayer {
		t.Errorf("reason %s", r.Reason)
	}
}

// While money is on its way back the payer is told to wait, whatever the status says.
func TestASurplusIsNeverCalledSafe(t *testing.T) {
	b := open(t)
	b.plan(qr)
	b.tell(response(providers.Unknown, providers.Timeout))
	b.tell(payment.CancelRequested{RequestID: "c"})
	b.wantStatus(payment.StatusCanceled)
	b.tell(notice(providers.Approved, ""))
	if r := b.p.Resolution(b.now, b.terms); r.Advice != payment.AdviceWait {
		t.Fatalf("advice %q", r.Advice)
	}
	n := b.operate(payment.OpRefund, amount.Minor)
	b.tell(done(n, providers.Declined, providers.Refused))
	if r := b.p.Resolution(b.now, b.terms); r.Advice != payment.AdviceContactSupport {
		t.Fatalf("advice %q when it cannot go back", r.Advice)
	}
	b.tell(returned(amount.Minor, statement(providers.Approved, "")))
	if r := b.p.Resolution(b.now, b.terms); r.Advice != payment.AdvicePayAgainSafe {
		t.Fatalf("advice %q when it went back another way", r.Advice)
	}
}
