package main

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	payrouterv1 "github.com/payrouter/payrouter/proto/payrouter/v1"
)

// reads wants sentences in a report, and none of the others.
func reads(t *testing.T, b *incidentBook, says []string, lacks ...string) {
	t.Helper()
	text := b.facts().markdown()
	for _, sentence := range says {
		if !strings.Contains(text, sentence) {
			t.Errorf("the report does not say %q:\n%s", sentence, text)
		}
	}
	for _, sentence := range lacks {
		if strings.Contains(text, sentence) {
			t.Errorf("the report says %q:\n%s", sentence, text)
		}
	}
}

// storyOf is the story of one of the outage's payments.
func (b *incidentBook) storyOf(t *testing.T, id string) *payrouterv1.ExplainPaymentResponse {
	t.Helper()
	i := slices.IndexFunc(b.stories, func(s *payrouterv1.ExplainPaymentResponse) bool { return last(s.GetPayment().GetName()) == id })
	if i < 0 {
		t.Fatalf("no story of %s", id)
	}
	return b.stories[i]
}

// A first person's order is in force for nobody until a second gives the same.
func TestAnOrderThatNobodyAgreedToIsNotToldAsOneThatWasInForce(t *testing.T) {
	b := anOutage()
	at := func(d time.Duration) time.Time { return b.from.Add(d) }
	asked := func(reason, endedBy string, when time.Duration) {
		b.orders = append(b.orders, &payrouterv1.Override{Gateway: "gateways/kaspi-main", Mode: payrouterv1.Override_MODE_ADMIT, Reason: reason, Actor: "operator:aida", EndedBy: endedBy,
			CreateTime: stamp(at(when)), StartTime: stamp(at(when)), EndTime: stamp(at(when + time.Hour)), ProposalExpireTime: stamp(at(when + 15*time.Minute))})
	}
	asked("nobody came", "", 15*time.Minute)
	asked("a mistake", "operator:bolat", 16*time.Minute)
	asked("they say so", "operator:bolat", 18*time.Minute)
	asked("just now", "", b.now.Sub(b.from)-15*time.Minute+time.Second)
	b.around = 2 * time.Hour
	b.orders = append(b.orders, &payrouterv1.Override{Gateway: "gateways/kaspi-main", Mode: payrouterv1.Override_MODE_ADMIT, Reason: "they say it is mended", Actor: "operator:bolat", ProposedBy: "operator:aida",
		CreateTime: stamp(at(20 * time.Minute)), StartTime: stamp(at(20 * time.Minute)), EndTime: stamp(at(25 * time.Minute))})
	reads(t, b, []string{
		`| 14:20:00 | aida asks to admit kaspi-main ("nobody came"): it needs a second person by 14:35:00, and had none |`,
		`aida asks to admit kaspi-main ("a mistake"): it needs a second person by 14:36:00, and bolat took it back |`,
		`aida asks to admit kaspi-main ("they say so"): it needs a second person by 14:38:00, and bolat gave the same |`,
		`aida asks to admit kaspi-main ("just now"): it needs a second person by 17:00:01, and waits for one |`,
		`| 14:25:00 | bolat orders: admit kaspi-main, as aida had asked ("they say it is mended") |`,
	}, "aida orders: admit", "| 15:20:00 | the order to admit", "bolat ends the order to admit")
}

func TestWhatAGatewayRefusedToGiveBackIsNotSaidToBeUnderWay(t *testing.T) {
	b := anOutage()
	s := b.storyOf(t, "twice")
	for _, e := range s.GetEvents() {
		if e.GetKind() == "operation_observed" {
			e.Verdict = payrouterv1.Verdict_VERDICT_DECLINED
		}
	}
	again := stamp(b.from.Add(time.Hour))
	s.Events = append(s.Events, &payrouterv1.ExplainPaymentResponse_Event{Kind: "operation_planned", Operation: 2, GivesBack: true, Amount: s.GetPayment().GetAmount(), Time: again},
		&payrouterv1.ExplainPaymentResponse_Event{Kind: "operation_observed", Operation: 2, Verdict: payrouterv1.Verdict_VERDICT_APPROVED, Time: again})
	reads(t, b, []string{"Too much was paid once, and 2000.00 KZT was given back."}, "not confirmed yet")
}

// A payment of before may be looked at again in that time, and its money had gone back long ago.
func TestWhatWasGivenBackBeforeItBeganIsNotOfTheIncident(t *testing.T) {
	b := anOutage()
	before := stamp(b.from.Add(-time.Second))
	for _, e := range b.storyOf(t, "twice").GetEvents() {
		if e.GetOperation() == 1 {
			e.Time = before
		}
	}
	reads(t, b, nil, "given back")
}

// Money that arrived at an attempt which was proved closed was never in doubt.
func TestASurplusIsListedAlthoughItWasNeverInDoubt(t *testing.T) {
	b := anOutage()
	s := b.storyOf(t, "twice")
	s.Events = s.Events[:3]
	s.Payment.Surplus = &payrouterv1.Money{MinorUnits: 200000, CurrencyCode: "KZT"}
	reads(t, b, []string{"| twice | 4twice | 2000.00 KZT | paid, too much money | kaspi-main |"})
}

func TestAPaymentInDoubtAtOneGatewayAfterAnotherIsOpenAtTheLast(t *testing.T) {
	b := anOutage()
	s := b.storyOf(t, "open")
	p := s.GetPayment()
	first := p.GetAttempts()[0]
	first.Verdict, first.Exposed = payrouterv1.Verdict_VERDICT_UNSERVED, false
	begun := b.from.Add(20 * time.Minute)
	second := &payrouterv1.Attempt{Name: p.GetName() + "/attempts/2", Gateway: "gateways/halyk-main", Verdict: payrouterv1.Verdict_VERDICT_UNKNOWN, Reason: payrouterv1.Reason_REASON_TIMEOUT,
		Exposed: true, CreateTime: stamp(begun), UpdateTime: stamp(begun)}
	p.Attempts = append(p.Attempts, second)
	s.Events = append(s.Events, &payrouterv1.ExplainPaymentResponse_Event{Kind: "observed", Attempt: first.GetName(), Time: stamp(begun.Add(-time.Second)), Verdict: payrouterv1.Verdict_VERDICT_UNSERVED},
		&payrouterv1.ExplainPaymentResponse_Event{Kind: "observed", Attempt: second.GetName(), Time: stamp(begun.Add(time.Second)), Verdict: payrouterv1.Verdict_VERDICT_UNKNOWN, Reason: payrouterv1.Reason_REASON_TIMEOUT})
	b.sick = b.suspects()
	if !slices.Equal(b.sick, []string{"halyk-main", "kaspi-main"}) {
		t.Fatalf("it is about %v", b.sick)
	}
	reads(t, b, []string{"# Incident: kaspi-main, halyk-main,", "**1 of them is still open.**", "| undecided at 15:00:00 | 1 | 4500.00 KZT |",
		"| open | 4open | 4500.00 KZT | processing | halyk-main | 14:25:01 |"})
}

func TestAGatewayThatIsPassedOverAgainHasNotComeBackBefore(t *testing.T) {
	b := anOutage()
	at := b.from.Add(40 * time.Minute)
	b.payments = append(b.payments, &payrouterv1.Payment{Name: "payments/again", CreateTime: stamp(at), Attempts: []*payrouterv1.Attempt{{Gateway: "gateways/halyk-main", CreateTime: stamp(at)}},
		Route: []*payrouterv1.RouteChoice{{Gateway: "gateways/kaspi-main", Reason: "probe_failing"}}})
	reads(t, b, []string{"kaspi-main served again from 15:20:00 on"}, "from 14:31:00 on")
}

func TestTheZoneIsThatOfTheIncidentAndNotOfTheDayOfWriting(t *testing.T) {
	kyiv, err := time.LoadLocation("Europe/Kyiv")
	if err != nil {
		t.Skip("no time zones here: ", err)
	}
	b := &incidentBook{from: time.Date(2026, 10, 24, 23, 30, 0, 0, kyiv), to: time.Date(2026, 10, 25, 1, 0, 0, 0, kyiv), around: time.Hour, now: time.Date(2026, 10, 26, 9, 0, 0, 0, kyiv), tenant: "shop"}
	reads(t, b, []string{"23:30:00 to 2026-10-25 01:00:00 (+03:00; in UTC 2026-10-24 20:30 to 2026-10-24 22:00). Written at 2026-10-26 09:00:00", "payments are those of the tenant shop,"})
}

// What programs read is a promise, as the API's messages are.
func TestThePageOfPayctlNamesEveryFieldOfAReport(t *testing.T) {
	page, err := os.ReadFile("../../docs/payctl.md")
	if err != nil {
		t.Fatal(err)
	}
	f := anOutage().facts()
	text, err := json.Marshal(f)
	if err != nil {
		t.Fatal(err)
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(text, &fields); err != nil {
		t.Fatal(err)
	}
	for _, list := range []string{"outages", "still_open", "shares", "timeline"} {
		var all []map[string]json.RawMessage
		if err := json.Unmarshal(fields[list], &all); err != nil || len(all) == 0 {
			t.Fatalf("%s: %v", list, err)
		}
		for field := range all[0] {
			fields[field] = nil
		}
	}
	for field := range becameTexts {
		fields[field] = nil
	}
	for _, field := range []string{"asked", "tenant", "payments", "minor_units"} {
		fields[field] = nil
	}
	for field := range fields {
		if !strings.Contains(string(page), "`"+field+"`") {
			t.Errorf("docs/payctl.md does not tell of `%s`", field)
		}
	}
}
