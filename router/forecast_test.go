package router_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"

	"github.com/payrouter/payrouter/health"
	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/providers/sim"
	"github.com/payrouter/payrouter/router"
	"github.com/payrouter/payrouter/router/journal"
)

// dryRun is traffic, an order, and what the forecast of the order is held against.
type dryRun struct {
	name    string
	rules   []router.Rule
	wish    func(i int) router.Wish
	prepare func(h *house) // before any traffic
	mode    health.Mode    // Drain when empty
	gateway string         // that the order is about; kaspi-main when empty
	n       int            // payments before, and as many after
	dice    bool           // weights: the shares are as even as dice are
}

// fee is what the gateways of these tests take: nobody knows what Halyk takes for pages.
func fee(gateway string, method providers.Method, amount providers.Money, _ time.Time) (providers.Money, bool) {
	points := map[string]int64{kaspiMain: 95, halykMain: 250, wayforpayMain: 275}[gateway]
	return providers.Money{Minor: (amount.Minor*points + 5000) / 10000, Currency: amount.Currency}, gateway != halykMain || method != providers.Page
}

// of gives every payment of the mix its amount, from a whole tenge up.
func of(w router.Wish, i int) router.Wish {
	w.Amount.Minor = int64(100 + i*i*700%250_000*100)
	return w
}

func uah(w router.Wish) router.Wish {
	w.Amount.Currency = "UAH"
	return w
}

// PRODUCT N3: the measured shift is within two points of the predicted one, whatever the
// mix; and so are what nobody can serve, and the fees.
func TestWhatADryRunPredictsIsWhatHappens(t *testing.T) {
	qrOrPage := func(i int) router.Wish { return of(ask(providers.QR, providers.Page), i) }
	for _, d := range []dryRun{
		{name: "one method", n: 60, wish: qrOrPage},
		{name: "methods that some gateways have", n: 80, wish: func(i int) router.Wish {
			return of([]router.Wish{ask(providers.QR), ask(providers.Push), ask(providers.QR, providers.Page), ask(providers.Page), byCard(halykMain)}[i%5], i)
		}},
		{name: "currencies", n: 60, wish: func(i int) router.Wish {
			if i%3 == 0 {
				return of(uah(ask(providers.Page)), i)
			}
			return qrOrPage(i)
		}},
		{name: "amounts that the backup cannot take", n: 80, wish: qrOrPage, rules: []router.Rule{{Gateway: kaspiMain, Priority: 1},
			{Gateway: halykMain, Priority: 2, Max: 10_000_000}, {Gateway: wayforpayMain, Priority: 3, Min: 15_000_000}}},
		{name: "weights", n: 300, dice: true, wish: qrOrPage, rules: []router.Rule{{Gateway: kaspiMain, Weight: 2},
			{Gateway: halykMain, Weight: 1}, {Gateway: wayforpayMain, Weight: 1}}},
		{name: "the backup is out", n: 60, wish: qrOrPage, prepare: func(h *house) {
			h.fault(sim.Fault{Face: "halyk", Kind: sim.FaultRefuse})
			time.Sleep(5 * time.Minute) // probes see it
		}},
		{name: "an order for the backup", n: 60, gateway: halykMain, wish: qrOrPage, rules: []router.Rule{{Gateway: kaspiMain, Priority: 1, Max: 12_000_000},
			{Gateway: halykMain, Priority: 2}, {Gateway: wayforpayMain, Priority: 3, Max: 16_000_000}}},
		{name: "admitted though a drain stands", n: 40, mode: health.Admit, wish: qrOrPage, prepare: func(h *house) { h.drain(kaspiMain, false) }},
	} {
		t.Run(d.name, func(t *testing.T) { synctest.Test(t, d.play) })
	}
}

// took is where payments went: by gateway, with the fees of those whose fee is known.
type took struct {
	at   map[string]int64
	fees map[string]int64
}

func (d dryRun) play(t *testing.T) {
	if d.gateway == "" {
		d.gateway = kaspiMain
	}
	if d.mode == "" {
		d.mode = health.Drain
	}
	h := build(t, func(s *setup) { s.rules, s.fee = d.rules, fee })
	if d.prepare != nil {
		d.prepare(h)
	}
	before := d.traffic(h, "before")
	order := journal.Override{ID: uuid.NewString(), Gateway: d.gateway, Mode: string(d.mode), Actor: "operator:aida", Reason: "dry run", End: time.Now().Add(time.Hour)}
	f, err := h.router.Forecast(context.Background(), "shop", order)
	h.must(err)
	if f.Considered != int64(d.n) {
		t.Fatalf("%d payments were considered, want %d", f.Considered, d.n)
	}
	_, err = h.router.CreateOverride(context.Background(), order)
	h.must(err)
	after := d.traffic(h, "after")

	points := func(n int64) int64 { return n * 10000 / int64(d.n) }
	near := func(what string, predicted, measured int64) {
		t.Helper()
		if off := predicted - measured; max(off, -off) > 200 || !d.dice && max(off, -off) > 1 {
			t.Errorf("%s: predicted %d, measured %d basis points", what, predicted, measured)
		}
	}
	predicted := map[string]router.Shift{}
	for _, s := range f.Shifts {
		predicted[s.Gateway] = s
	}
	for _, g := range []string{kaspiMain, halykMain, wayforpayMain} {
		near(g+" before", int64(predicted[g].Before), points(before.at[g]))
		near(g+" after", int64(predicted[g].After), points(after.at[g]))
	}
	near("unservable", points(f.Unservable), points(after.at[""]))
	near("unservable now", points(f.Nowhere), points(before.at[""]))
	for _, fees := range f.Fees {
		if fees.Unknown > 0 && !slices.Contains(f.FeeUnknown[fees.Currency], halykMain) {
			t.Errorf("%d fees are unknown, and nobody's: %v", fees.Unknown, f.FeeUnknown)
		}
		if fees.Unknown > 0 || d.dice { // what is not known, and dice, have no sum
			continue
		}
		if fees.Before != before.fees[fees.Currency] || fees.After != after.fees[fees.Currency] {
			t.Errorf("fees in %s: predicted %d, then %d, measured %d, then %d", fees.Currency, fees.Before, fees.After, before.fees[fees.Currency], after.fees[fees.Currency])
		}
	}
	t.Logf("predicted %+v, unservable %d, fees %+v; measured %v, then %v", f.Shifts, f.Unservable, f.Fees, before, after)
}

// traffic makes the mix's payments under ids that are the same in every run.
func (d dryRun) traffic(h *house, when string) took {
	h.t.Helper()
	all := took{at: map[string]int64{}, fees: map[string]int64{}}
	for i := range d.n {
		w := d.wish(i)
		w.ID = uuid.NewSHA1(uuid.NameSpaceOID, fmt.Appendf(nil, "%s/%s/%d", d.name, when, i)).String()
		p, err := h.router.Create(context.Background(), w)
		if errors.Is(err, router.ErrUnavailable) || errors.Is(err, router.ErrNoCapableGateway) {
			all.at[""]++
			continue
		}
		h.must(err)
		first := p.Attempts[0]
		all.at[first.Gateway]++
		if cost, known := fee(first.Gateway, first.Method, p.Amount, time.Now()); known {
			all.fees[cost.Currency] += cost.Minor
		}
	}
	return all
}

func (t took) String() string {
	var said []string
	for _, g := range slices.Sorted(maps.Keys(t.at)) {
		said = append(said, fmt.Sprintf("%s: %d", g, t.at[g]))
	}
	return fmt.Sprint(said)
}

func TestWithoutContractsTheFeesAreNotKnown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := build(t)
		h.create(ask(providers.QR, providers.Page), patience)
		f, err := h.router.Forecast(context.Background(), "shop", journal.Override{Gateway: kaspiMain, Mode: string(health.Drain)})
		h.must(err)
		if want := (router.FeeShift{Currency: "KZT", Unknown: 1}); len(f.Fees) != 1 || f.Fees[0] != want || !slices.Equal(f.FeeUnknown["KZT"], []string{kaspiMain, halykMain}) {
			t.Fatalf("%+v, unknown at %v", f.Fees, f.FeeUnknown)
		}
	})
}

// Whoever reads which contract is missing goes and asks for it: it must be the right one.
func TestAMissingContractIsNamedWithItsCurrency(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := build(t)
		h.create(at(ask(providers.QR), kaspiMain), patience)
		h.create(at(uah(ask(providers.Page)), wayforpayMain), patience)
		f, err := h.router.Forecast(context.Background(), "shop", journal.Override{Gateway: halykMain, Mode: string(health.Drain)})
		h.must(err)
		if !maps.EqualFunc(f.FeeUnknown, map[string][]string{"KZT": {kaspiMain}, "UAH": {wayforpayMain}}, slices.Equal) {
			t.Fatalf("unknown at %v", f.FeeUnknown)
		}
	})
}

// Nothing that can go nowhere has a peak to judge by: that it would come is told all the same.
func TestAForecastTellsOfLoadThatGoesNowhereNow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := build(t)
		for range 3 {
			h.create(at(ask(providers.QR), kaspiMain), patience)
		}
		h.fault(sim.Fault{Face: "kaspi", Kind: sim.FaultRefuse})
		time.Sleep(5 * time.Minute) // probes see it
		f, err := h.router.Forecast(context.Background(), "shop", journal.Override{Gateway: kaspiMain, Mode: string(health.Admit)})
		h.must(err)
		want := router.Load{Gateway: kaspiMain, Peak: 1, Nowhere: 3, Most: 64}
		if len(f.Loads) != 1 || f.Loads[0] != want {
			t.Fatalf("%+v, want %+v", f.Loads, want)
		}
	})
}

// What is on its way at once to a gateway that is left comes on top of the backup's own.
func TestAForecastSaysWhetherTheBackupCanTakeIt(t *testing.T) {
	for atOnce, fits := range map[int]bool{3: false, 8: true} {
		synctest.Test(t, func(t *testing.T) {
			h := build(t, func(s *setup) { s.atOnce = atOnce })
			h.fault(sim.Fault{Face: "kaspi", Op: sim.OpCreate, Kind: sim.FaultSlow, Delay: sim.Duration(2 * time.Second)})
			done := make(chan struct{})
			for range 3 {
				go func() { h.create(ask(providers.QR, providers.Page), patience); done <- struct{}{} }()
			}
			h.create(at(ask(providers.Page), halykMain), patience)
			for range 3 {
				<-done
			}
			f, err := h.router.Forecast(context.Background(), "shop", journal.Override{Gateway: kaspiMain, Mode: string(health.Drain)})
			h.must(err)
			want := router.Load{Gateway: halykMain, Peak: 1, Moving: 3, Most: atOnce}
			if len(f.Loads) != 1 || f.Loads[0] != want || f.Loads[0].Fits() != fits {
				t.Fatalf("%+v, want %+v", f.Loads, want)
			}
		})
	}
}
