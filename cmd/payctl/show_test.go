package main

import (
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	payrouterv1 "github.com/payrouter/payrouter/proto/payrouter/v1"
)

// What follows is rare, or lasts a moment only: it is made by hand.

func TestRareStatesOfAPaymentAreNotMisleading(t *testing.T) {
	tenge := func(minor int64) *payrouterv1.Money {
		return &payrouterv1.Money{MinorUnits: minor, CurrencyCode: "KZT"}
	}
	scan := &payrouterv1.Action_Qr_{Qr: &payrouterv1.Action_Qr{Text: "123"}}
	in := func(d time.Duration) *timestamppb.Timestamp { return timestamppb.New(time.Now().Add(d)) }
	approved := []*payrouterv1.Attempt{{Name: "payments/1/attempts/1", Verdict: payrouterv1.Verdict_VERDICT_APPROVED, Exposed: true}}
	for name, c := range map[string]struct {
		payment     *payrouterv1.Payment
		says, lacks []string
	}{
		"an offer whose time is over": {&payrouterv1.Payment{Action: &payrouterv1.Action{Kind: scan, Gateway: "gateways/kaspi-main", ExpireTime: in(-time.Second)}},
			[]string{"and no more. Whoever began in time may still pay at kaspi-main:", "scan 123"}, []string{"The payer pays"}},
		"an offer without an end": {&payrouterv1.Payment{Action: &payrouterv1.Action{Kind: scan, Gateway: "gateways/kaspi-main"}},
			[]string{"The payer pays at kaspi-main:"}, []string{"until"}},
		"a second offer": {&payrouterv1.Payment{Action: &payrouterv1.Action{Kind: scan, ExpireTime: in(time.Minute), SupersedesAttempt: "payments/1/attempts/1"}},
			[]string{"It replaces what attempt 1 offered: take that off the payer's screen."}, nil},
		"money that came too late": {&payrouterv1.Payment{State: payrouterv1.Payment_STATE_FAILED, Amount: tenge(500), Surplus: tenge(500), Attempts: approved},
			[]string{"state failed, too much money", "surplus 5.00 KZT more than the payment owes: being given back", "approved too late, being given back"}, []string{"CAN STILL CHARGE", "paid"}},
		"money that went back": {&payrouterv1.Payment{State: payrouterv1.Payment_STATE_CANCELED, Amount: tenge(500), Attempts: approved},
			[]string{"state canceled", "approved too late, given back"}, nil},
		"a payment that people look at": {&payrouterv1.Payment{State: payrouterv1.Payment_STATE_PROCESSING, Resolution: &payrouterv1.Resolution{InReview: true,
			PayerAdvice: payrouterv1.PayerAdvice_PAYER_ADVICE_CONTACT_SUPPORT, Reason: payrouterv1.Reason_REASON_TIMEOUT}},
			[]string{"people have been called: nothing automatic is left", "tell the payer do not pay again, contact support", "undecided timeout"}, nil},
		"what a newer service says": {&payrouterv1.Payment{State: 99, Resolution: &payrouterv1.Resolution{PayerAdvice: 99}},
			[]string{"state 99", "do not pay again"}, []string{"unspecified"}},
	} {
		t.Run(name, func(t *testing.T) {
			var out strings.Builder
			(&client{out: &out}).printPayment(c.payment)
			ran{T: t, line: name, out: out.String()}.says(c.says...).lacks(c.lacks...)
		})
	}
}

func TestTimesAreLocalAndNameTheirZone(t *testing.T) {
	almaty := time.FixedZone("+05", 5*60*60)
	now := time.Date(2026, 7, 1, 0, 30, 0, 0, almaty)
	for want, at := range map[string]time.Time{
		"00:29:59 +05":            now.Add(-time.Second).UTC(),
		"2026-06-30 23:59:59 +05": now.Add(-30*time.Minute - time.Second).UTC(),
		"2027-07-01 00:30:00 +05": now.AddDate(1, 0, 0).UTC(),
	} {
		if got := seenAt(now, at); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if got := when(nil); got != "" {
		t.Errorf("no time is %q", got)
	}
}

func TestAFactThatRepeatsItselfIsToldOnce(t *testing.T) {
	at := timestamppb.New(time.Date(2020, 2, 29, 22, 0, 1, 0, time.UTC))
	event := func(sequence int64, actor, text string) *payrouterv1.ExplainPaymentResponse_Event {
		return &payrouterv1.ExplainPaymentResponse_Event{Sequence: sequence, Time: at, Kind: "observed", Actor: actor, Text: text}
	}
	var out strings.Builder
	(&client{out: &out}).printEvents([]*payrouterv1.ExplainPaymentResponse_Event{event(1, "router", "sent"), event(2, "gateway:a", "pending"),
		event(3, "gateway:a", "pending"), event(4, "gateway:b", "pending"), event(5, "gateway:a", ""), event(6, "gateway:a", "pending")})
	ran{T: t, line: "events", out: out.String()}.says("1 "+when(at)+" router sent", "2–3 "+when(at)+" gateway:a pending (2 times, until "+when(at)+")",
		"4 "+when(at)+" gateway:b pending", "5 "+when(at)+" gateway:a observed", "6 "+when(at)+" gateway:a pending")
}
