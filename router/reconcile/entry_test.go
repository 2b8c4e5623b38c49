package reconcile_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router/payment"
	"github.com/payrouter/payrouter/router/reconcile"
)

// told folds a payment of 1000 at two gateways, one event a minute from noon on.
func told(t *testing.T, twoStage bool, bodies ...payment.Body) payment.Payment {
	t.Helper()
	events := []payment.Event{{At: noon, Actor: "test", Body: payment.Opened{ID: "p", Tenant: "shop", RequestID: "r", Amount: tenge(1000), TwoStage: twoStage}}}
	for i, b := range bodies {
		events = append(events, payment.Event{At: minute(i + 1), Actor: "test", Body: b})
	}
	for i := range events {
		events[i].Seq = int64(i + 1)
	}
	p, err := payment.Fold(events)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func minute(n int) time.Time { return noon.Add(time.Duration(n) * time.Minute) }

func planned(n int, gateway string, evidence ...payment.Evidence) payment.Planned {
	return payment.Planned{Attempt: n, Gateway: gateway, Provider: "halyk", Reference: "rt-" + string(rune('0'+n)), Evidence: evidence}
}

func learnt(n int, source payment.Source, v providers.Verdict) payment.Observed {
	return payment.Observed{Attempt: n, Source: source, Verdict: v, External: "x"}
}

func entries(t *testing.T, p payment.Payment, gateway string, want ...reconcile.Entry) {
	t.Helper()
	if diff := cmp.Diff(want, reconcile.EntriesOf(p, gateway)); diff != "" {
		t.Errorf("entries at %s (-want +got):\n%s", gateway, diff)
	}
}

func TestAPaymentsMoneyAndItsRefundsAreEntriesAtTheirGateway(t *testing.T) {
	closed := payment.Evidence{Attempt: 1, Kind: payment.AbsentConfirmed}
	p := told(t, false,
		planned(1, "kaspi-main"), payment.Closed{Attempt: 1, Evidence: closed}, planned(2, gateway, closed), learnt(2, payment.FromResponse, providers.Approved),
		payment.RefundRequested{Refund: "f", RequestID: "f", Amount: tenge(300)},
		payment.OperationPlanned{Operation: 1, Op: payment.OpRefund, Attempt: 2, Amount: tenge(300), Refund: "f", Reference: "rt-2-1"},
		payment.OperationObserved{Operation: 1, Source: payment.FromResponse, Verdict: providers.Unserved},
		payment.OperationPlanned{Operation: 2, Op: payment.OpRefund, Attempt: 2, Amount: tenge(300), Refund: "f"},
		payment.OperationObserved{Operation: 2, Source: payment.FromResponse, Verdict: providers.Approved, External: "y"},
		payment.RefundRequested{Refund: "g", RequestID: "g", Amount: tenge(200)},
		payment.OperationPlanned{Operation: 3, Op: payment.OpRefund, Attempt: 2, Amount: tenge(200), Refund: "g"},
	)
	base := reconcile.Entry{Kind: providers.LineCharge, Payment: "p", Attempt: 2, Reference: "rt-2", External: "x", Verdict: providers.Approved,
		Amount: tenge(1000), At: minute(3), Last: minute(4)}
	back := func(operation int, own, external string, v providers.Verdict, minor int64, at, last int) reconcile.Entry {
		e := base
		e.Kind, e.Operation, e.Own, e.External, e.Verdict, e.Amount, e.At, e.Last = providers.LineRefund, operation, own, external, v, tenge(minor), minute(at), minute(last)
		return e
	}
	entries(t, p, gateway, base, back(1, "rt-2-1", "", providers.Unserved, 300, 6, 7), back(2, "", "y", providers.Approved, 300, 8, 9),
		back(3, "", "", providers.Unknown, 200, 11, 11))
	dead := base
	dead.Attempt, dead.Reference, dead.External, dead.Verdict, dead.At, dead.Last = 1, "rt-1", "", providers.Unserved, minute(1), minute(1)
	entries(t, p, "kaspi-main", dead)
	entries(t, p, "elsewhere")
}

func TestAChargesRangeReachesAsFarAsTheGatewayMayDateIt(t *testing.T) {
	offer := learnt(1, payment.FromResponse, providers.Pending)
	offer.Action, offer.Until = &providers.Action{}, minute(500)
	for name, c := range map[string]struct {
		p    payment.Payment
		last int
		want providers.Verdict
		of   int64
	}{
		"its plan":                  {told(t, false, planned(1, gateway)), 1, providers.Unknown, 1000},
		"the notice that showed it": {told(t, false, planned(1, gateway), learnt(1, payment.FromNotice, providers.Approved)), 2, providers.Approved, 1000},
		"its offer's end":           {told(t, false, planned(1, gateway), offer), 500, providers.Pending, 1000},
		"no later than it was seen, whatever its offer's end": {told(t, false, planned(1, gateway), offer, learnt(1, payment.FromNotice, providers.Approved)), 3,
			providers.Approved, 1000},
		"nor by looks after that": {told(t, false, planned(1, gateway), learnt(1, payment.FromNotice, providers.Approved), learnt(1, payment.FromLookup, providers.Approved)), 2,
			providers.Approved, 1000},
		"the look that showed it":   {told(t, false, planned(1, gateway), learnt(1, payment.FromLookup, providers.Approved)), 2, providers.Approved, 1000},
		"while undecided":           {told(t, false, planned(1, gateway), learnt(1, payment.FromLookup, providers.Unknown)), 2, providers.Unknown, 1000},
		"a hold, however looked at": {told(t, true, planned(1, gateway), learnt(1, payment.FromLookup, providers.Held), learnt(1, payment.FromLookup, providers.Held)), 1, providers.Held, 1000},
		"its capture": {told(t, true, planned(1, gateway), learnt(1, payment.FromResponse, providers.Held),
			payment.CaptureRequested{RequestID: "c", Amount: tenge(400)}, payment.OperationPlanned{Operation: 1, Op: payment.OpCapture, Attempt: 1, Amount: tenge(400)},
			payment.OperationObserved{Operation: 1, Source: payment.FromResponse, Verdict: providers.Approved}, learnt(1, payment.FromNotice, providers.Approved)), 6, providers.Approved, 400},
		"its void": {told(t, true, planned(1, gateway), learnt(1, payment.FromResponse, providers.Held),
			payment.CancelRequested{RequestID: "c"}, payment.OperationPlanned{Operation: 1, Op: payment.OpVoid, Attempt: 1, Amount: tenge(1000)},
			payment.OperationObserved{Operation: 1, Source: payment.FromResponse, Verdict: providers.Approved}, learnt(1, payment.FromNotice, providers.Declined)), 5, providers.Declined, 1000},
	} {
		e := reconcile.EntriesOf(c.p, gateway)[0]
		if !e.At.Equal(minute(1)) || !e.Last.Equal(minute(c.last)) || e.Verdict != c.want || e.Amount != tenge(c.of) || e.WasHeld != (c.p.TwoStage) {
			t.Errorf("%s: %+v", name, e)
		}
	}
}

func TestADayIsTheGatewaysOwnAndMayHaveAnHourMoreOrLess(t *testing.T) {
	kyiv, err := time.LoadLocation("Europe/Kyiv")
	if err != nil {
		t.Skip("this machine has no time zones: ", err)
	}
	for _, c := range []struct {
		at    time.Time
		zone  *time.Location
		from  time.Time
		hours time.Duration
	}{
		{noon, zone, time.Date(2026, 3, 13, 19, 0, 0, 0, time.UTC), 24},
		{time.Date(2026, 3, 14, 19, 0, 0, 0, time.UTC), zone, time.Date(2026, 3, 14, 19, 0, 0, 0, time.UTC), 24},
		{time.Date(2026, 3, 14, 18, 59, 59, 0, time.UTC), zone, time.Date(2026, 3, 13, 19, 0, 0, 0, time.UTC), 24},
		{time.Date(2026, 3, 29, 12, 0, 0, 0, time.UTC), kyiv, time.Date(2026, 3, 28, 22, 0, 0, 0, time.UTC), 23},
		{time.Date(2026, 10, 25, 12, 0, 0, 0, time.UTC), kyiv, time.Date(2026, 10, 24, 21, 0, 0, 0, time.UTC), 25},
	} {
		if w := reconcile.Day(c.at, c.zone); !w.From.Equal(c.from) || w.To.Sub(w.From) != c.hours*time.Hour {
			t.Errorf("%s: %s to %s", c.at, w.From.UTC(), w.To.UTC())
		}
	}
}

// Some zones change their clocks at midnight, so that a day of the year has none.
func TestADayWithoutMidnightIsADayAllTheSame(t *testing.T) {
	for _, name := range []string{"America/Santiago", "America/Havana", "Africa/Cairo", "Asia/Almaty", "Europe/Kyiv"} {
		zone, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		for day := time.Date(2026, time.January, 1, 12, 0, 0, 0, zone); day.Year() == 2026; day = day.AddDate(0, 0, 1) {
			w := reconcile.Day(day, zone)
			if got := w.From.In(zone).Format(time.DateOnly); got != day.Format(time.DateOnly) {
				t.Errorf("%s: the day %s begins on %s", name, day.Format(time.DateOnly), got)
			}
			if next := reconcile.Day(w.To, zone); !next.From.Equal(w.To) || !next.To.After(w.To) {
				t.Errorf("%s: after %s comes %s to %s", name, w.To, next.From, next.To)
			}
		}
	}
}
