package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/types/known/timestamppb"

	payrouterv1 "github.com/payrouter/payrouter/proto/payrouter/v1"
	"github.com/payrouter/payrouter/providers/sim"
)

func TestTheReportOfARealOutageTellsWhatHappenedAndWhatIsOpen(t *testing.T) {
	w := newWorld(t)
	instrument := w.card("c-1")
	from := time.Now().Format(time.RFC3339Nano)
	w.fault(sim.Fault{Face: "kaspi", Kind: sim.FaultRefuse})
	w.create("--amount", "200", "--method", "qr,page", "--order", "2")
	w.create("--amount", "300", "--method", "qr,page", "--order", "3")
	w.payctl("drain", "kaspi-main", "--for", "30m", "--reason", "bank | reports an outage", "--as", "aida").done()
	w.fault(sim.Fault{Face: "halyk", Op: sim.OpStatus, Kind: sim.FaultHTTPError})
	w.fault(sim.Fault{Face: "halyk", Op: sim.OpCharge, Kind: sim.FaultActDrop, Times: 1})
	// Its caller gives up soon: the payment goes on without one.
	w.payctl("payment", "create", "--amount", "4500", "--method", "instrument", "--instrument", instrument, "--customer", "c-1", "--order", "4711", "--timeout", "1s")
	found := read(w, &payrouterv1.ListPaymentsResponse{}, "payment", "list", "--order", "4711").GetPayments()
	if len(found) != 1 {
		t.Fatalf("payments of the order: %v", found)
	}
	open := found[0]

	r := w.payctl("incident", "report", "--from", from)
	if r.exit != exitDone || r.err != "" {
		t.Fatalf("it exits with %d: %s", r.exit, r.err)
	}
	r.says("# Incident: kaspi-main, halyk-main", "- kaspi-main failed a payment of ", ": no connection.", "new payments passed it over, 1 in all (breaker open)",
		"- halyk-main served the first payment in its place at", "- After its last failure, at ", "- halyk-main failed a payment of",
		"- Of 1 payment (4500.00 KZT) nobody knew for a while how they stood", "**1 of them is still open.**", "No payment that was taken on came to nothing.",
		"| kaspi-main fails for the first time: no connection |", "| new payments begin to pass kaspi-main over: breaker open |",
		`| aida orders: drain kaspi-main ("bank \| reports an outage") |`, "| now still open | 1 | 4500.00 KZT |",
		"| "+last(open.GetName())+" | 4711 | 4500.00 KZT | processing | halyk-main |", "| finish it or wait, do not pay again |", "| halyk-main | 1 (100 %) | 3 (100 %) |").
		lacks("| 2 | 200.00 KZT", "given back", "came to nothing, proved")

	w.payctl("incident", "report", "kaspi-main", "--from", from).done("# Incident: kaspi-main, ", "No payment was left in doubt.").lacks("halyk-main failed", "4500.00 KZT")
	var facts incidentFacts
	w.must(json.Unmarshal([]byte(w.payctl("incident", "report", "--from", from, "-o", "json").done().out), &facts))
	if o := facts.Outages; len(o) != 2 || o[0].Backup != "halyk-main" || o[0].Left != 1 || o[0].Served.Before(o[0].Failed) || facts.UndecidedThen.Money["KZT"] != 450000 || len(facts.Open) != 1 {
		t.Errorf("a program reads %+v", facts)
	}
	file := filepath.Join(t.TempDir(), "incident.md")
	w.payctl("incident", "report", "--from", from, "--file", file).done(file + " is written.")
	text, err := os.ReadFile(file)
	w.must(err)
	if !strings.HasPrefix(string(text), "# Incident: kaspi-main, halyk-main") {
		t.Errorf("the file says\n%s", text)
	}
}

func TestAReportOfAQuietHourSaysSoAndAMistakeIsTold(t *testing.T) {
	w := newWorld(t)
	w.paid("--amount", "700")
	w.payctl("incident", "report", "--from", time.Now().Add(-time.Minute).Format(time.RFC3339)).done("# Incident: no gateway failed", "No payment stands as failed by a gateway in this time.").lacks("What happened")
	w.payctl("incident", "report", "wayforpay-main", "--from", time.Now().Add(-time.Minute).Format(time.RFC3339)).done("The books show no failure of wayforpay-main in this time.", "No payment was left in doubt.")
	w.payctl("incident", "report", "kapsi-main", "--from", "00:00").fails(exitRefused, "no such gateway")
	w.payctl("incident", "report").fails(exitUsage, "--from is required")
	w.payctl("incident", "report", "--from", "noon").fails(exitUsage, "--from noon: write a time as 14:05")
	w.payctl("incident", "report", "--from", "2026-11-24 14:05", "--to", "2026-11-24 14:00").fails(exitUsage, "is not before --to")
}

func stamp(t time.Time) *timestamppb.Timestamp { return timestamppb.New(t) }

// anOutage is what is read of one: Kaspi hangs and is passed over, one payer paid twice.
func anOutage() *incidentBook {
	zone := time.FixedZone("", 5*60*60)
	day := time.Date(2026, 11, 24, 14, 0, 0, 0, zone)
	at := func(d time.Duration) time.Time { return day.Add(d) }
	b := &incidentBook{from: at(5 * time.Minute), to: at(time.Hour), around: 55 * time.Minute, now: at(3 * time.Hour)}
	const s, m = time.Second, time.Minute
	tenge := func(minor int64) *payrouterv1.Money {
		return &payrouterv1.Money{MinorUnits: minor, CurrencyCode: "KZT"}
	}
	payment := func(id string, created time.Duration, state payrouterv1.Payment_State, amount int64) *payrouterv1.Payment {
		p := &payrouterv1.Payment{Name: "payments/" + id, OrderId: "4" + id, State: state, Amount: tenge(amount), CreateTime: stamp(at(created)),
			Resolution: &payrouterv1.Resolution{PayerAdvice: payrouterv1.PayerAdvice_PAYER_ADVICE_NONE}}
		b.payments = append(b.payments, p)
		return p
	}
	attempt := func(p *payrouterv1.Payment, n string, gateway string, begun time.Duration, v payrouterv1.Verdict, r payrouterv1.Reason) *payrouterv1.Attempt {
		a := &payrouterv1.Attempt{Name: p.GetName() + "/attempts/" + n, Gateway: "gateways/" + gateway, Verdict: v, Reason: r, CreateTime: stamp(at(begun)), UpdateTime: stamp(at(begun + s))}
		p.Attempts = append(p.Attempts, a)
		return a
	}
	type event = payrouterv1.ExplainPaymentResponse_Event
	observed := func(a *payrouterv1.Attempt, when time.Duration, v payrouterv1.Verdict, r payrouterv1.Reason) *event {
		return &event{Kind: "observed", Attempt: a.GetName(), Time: stamp(at(when)), Verdict: v, Reason: r, Actor: "gateway:" + last(a.GetGateway())}
	}
	story := func(p *payrouterv1.Payment, events ...*event) {
		b.stories = append(b.stories, &payrouterv1.ExplainPaymentResponse{Payment: p, Events: events})
	}
	const (
		paid, failed, processing                    = payrouterv1.Payment_STATE_PAID, payrouterv1.Payment_STATE_FAILED, payrouterv1.Payment_STATE_PROCESSING
		unknown, approved, unserved, pending        = payrouterv1.Verdict_VERDICT_UNKNOWN, payrouterv1.Verdict_VERDICT_APPROVED, payrouterv1.Verdict_VERDICT_UNSERVED, payrouterv1.Verdict_VERDICT_PENDING
		noReason, timeout, notSent, noGateway, asks = payrouterv1.Reason_REASON_UNSPECIFIED, payrouterv1.Reason_REASON_TIMEOUT, payrouterv1.Reason_REASON_NOT_SENT, payrouterv1.Reason_REASON_NO_GATEWAY, payrouterv1.Reason_REASON_AWAITING_PAYER
	)
	for i, gateway := range []string{"kaspi-main", "kaspi-main", "kaspi-main", "halyk-main"} {
		attempt(payment("before"+string(rune('a'+i)), -time.Duration(i)*m, paid, 100000), "1", gateway, -time.Duration(i)*m, approved, noReason)
	}
	// It hung, and was charged all the same: found out before the end.
	p := payment("hung", 6*m, paid, 1549000)
	a := attempt(p, "1", "kaspi-main", 6*m, approved, noReason)
	story(p, observed(a, 6*m+15*s, unknown, timeout), observed(a, 9*m, approved, noReason))
	// It hung, and nobody knows to this hour; a look-up that fails says nothing of an offer.
	p = payment("open", 7*m, processing, 450000)
	p.Resolution = &payrouterv1.Resolution{PayerAdvice: payrouterv1.PayerAdvice_PAYER_ADVICE_CONTACT_SUPPORT, ResolveByTime: stamp(at(31 * time.Hour))}
	a = attempt(p, "1", "kaspi-main", 7*m, unknown, timeout)
	a.Exposed = true
	story(p, observed(a, 7*m+15*s, unknown, timeout), &event{Kind: "proposed", Attempt: a.GetName(), Time: stamp(at(70 * m)), Actor: "operator:aida", Text: "said to be declined, waiting for a second person: cabinet"})
	p = payment("offer", 4*m, paid, 99000)
	a = attempt(p, "1", "kaspi-main", 4*m, approved, noReason)
	a.UpdateTime = stamp(at(20 * m))
	story(p, observed(a, 4*m+s, pending, asks), observed(a, 8*m, unknown, timeout), observed(a, 20*m, approved, noReason))
	// It was never sent, and served elsewhere; then Kaspi took it, too, and it was given back.
	p = payment("twice", 8*m, paid, 200000)
	a = attempt(p, "1", "kaspi-main", 8*m, unserved, notSent)
	other := attempt(p, "2", "halyk-main", 8*m+s, approved, noReason)
	story(p, observed(a, 8*m+s/2, unserved, notSent), observed(other, 8*m+2*s, pending, asks), &event{Kind: "operation_planned", Operation: 1, GivesBack: true, Amount: tenge(200000), Time: stamp(at(12 * m))},
		&event{Kind: "operation_observed", Operation: 1, Verdict: approved, Time: stamp(at(13 * m))})
	for i := range 3 {
		begun := time.Duration(10+i) * m
		p = payment("passed"+string(rune('a'+i)), begun, paid, 50000)
		a = attempt(p, "1", "halyk-main", begun, approved, noReason)
		p.Route = []*payrouterv1.RouteChoice{{Gateway: "gateways/halyk-main", Taken: true, Reason: "taken"}, {Gateway: "gateways/kaspi-main", Reason: "breaker_open"}}
		story(p, &event{Kind: "planned", Attempt: a.GetName(), Time: stamp(at(begun)), Route: p.Route}, observed(a, begun+s, approved, noReason))
	}
	payment("lost", 11*m, failed, 70000).Reason = noGateway
	attempt(payment("back", 31*m, paid, 100000), "1", "kaspi-main", 31*m, approved, noReason)
	attempt(payment("later", 80*m, paid, 100000), "1", "kaspi-main", 80*m, approved, noReason)
	b.orders = []*payrouterv1.Override{
		{Gateway: "gateways/kaspi-main", Mode: payrouterv1.Override_MODE_DRAIN, Reason: "bank | reports <an outage>", Actor: "operator:aida", EndedBy: "operator:bolat", StartTime: stamp(at(14 * m)), EndTime: stamp(at(30 * m))},
		{Gateway: "gateways/kaspi-main", Mode: payrouterv1.Override_MODE_DRAIN, Reason: "another day", Actor: "operator:aida", StartTime: stamp(at(-20 * time.Hour)), EndTime: stamp(at(-19 * time.Hour))},
	}
	b.findings = []*payrouterv1.Finding{{Kind: "money_twice", Gateway: "gateways/kaspi-main", CreateTime: stamp(at(12 * m)), State: payrouterv1.Finding_STATE_CLOSED}}
	b.sick = b.suspects()
	return b
}

func TestAnIncidentReadsAsTheGoldenReport(t *testing.T) {
	got, golden := anOutage().facts().markdown(), filepath.Join("testdata", "incident.md")
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("the report changed; if that is meant, run the test with -update (-want +got):\n%s", diff)
	}
}

func TestOfThousandsThatPassedAGatewayOverTheFirstAreReadInFull(t *testing.T) {
	b := anOutage()
	for i := range 500 {
		at := b.from.Add(10*time.Minute + time.Duration(i)*time.Second)
		b.payments = append(b.payments, &payrouterv1.Payment{Name: "payments/more", CreateTime: stamp(at), Attempts: []*payrouterv1.Attempt{{Gateway: "gateways/halyk-main", CreateTime: stamp(at)}},
			Route: []*payrouterv1.RouteChoice{{Gateway: "gateways/kaspi-main", Reason: "probe_failing"}}})
	}
	if wanted := b.wanted(); len(wanted) != 5+mostPassed {
		t.Errorf("%d are read", len(wanted))
	}
	if o := b.facts().Outages[0]; o.Passed != 503 {
		t.Errorf("%d passed it over", o.Passed)
	}
}
