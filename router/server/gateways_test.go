package server

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	pb "github.com/payrouter/payrouter/proto/payrouter/v1"

	"github.com/payrouter/payrouter/health"
	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router"
)

func (d *door) gateway(name string) *pb.Gateway {
	d.t.Helper()
	g, err := d.operations.GetGateway(context.Background(), &pb.GetGatewayRequest{Name: "gateways/" + name})
	d.must(err)
	return g
}

func TestAGatewayShowsWhatBoardBooksAndAdapterKnow(t *testing.T) {
	behind(t, func(d *door) {
		first := d.create(qr())
		d.create(qr())
		d.create(qr(func(r *pb.CreatePaymentRequest) { r.Amount.CurrencyCode = "USD" }))
		d.doubtful()
		d.kaspi.mu.Lock()
		d.kaspi.orders[first.GetAttempts()[0].GetReference()].reason = providers.PayerConfirming
		d.kaspi.mu.Unlock()
		time.Sleep(20 * time.Second)
		g := d.gateway("kaspi-main")
		if g.GetProvider() != "kaspi" || len(g.GetCurrencies()) != 2 || len(g.GetMethods()) != 5 || !g.GetAdmitting() || g.GetSharePercent() != 100 ||
			g.GetAdmission() != pb.Gateway_ADMISSION_ADMITTING || len(g.GetBreakers()) != 6 {
			t.Fatalf("%v", g)
		}
		if g.GetOpenAttempts() != 4 || g.GetLiveOffers() != 3 || g.GetConfirmingOffers() != 1 || g.GetLastOfferExpireTime() == nil {
			t.Fatalf("open %d, live %d, confirming %d", g.GetOpenAttempts(), g.GetLiveOffers(), g.GetConfirmingOffers())
		}
		risks := map[string]int64{}
		for _, r := range g.GetAtRisk() {
			risks[r.GetVerdict().String()+" "+r.GetAmount().GetCurrencyCode()] = r.GetAmount().GetMinorUnits()
			if r.GetCount() == 0 || r.GetOldestTime() == nil {
				t.Errorf("%v", r)
			}
		}
		if risks["VERDICT_PENDING KZT"] != 300000 || risks["VERDICT_PENDING USD"] != 150000 || risks["VERDICT_UNKNOWN KZT"] != 150000 {
			t.Fatalf("at risk %v", risks)
		}
		claims := map[string]string{}
		for _, c := range g.GetClaims() {
			if claims[c.GetName()] != "" || c.GetValue() == "" {
				t.Errorf("claim %v", c)
			}
			claims[c.GetName()] = c.GetValue()
		}
		if claims["qr.withdraw"] != "binding" || claims["qr.offer_life"] != "180s" || claims["account.withdraw"] != "veto" || claims["page.min"] != "none" || claims["webhook.trust"] != "signed" {
			t.Fatalf("claims %v", claims)
		}
	})
}

func TestAnOrdersEndHasTheDayWhereItIsNotToday(t *testing.T) {
	now := time.Date(2026, 7, 1, 14, 6, 20, 0, time.UTC)
	for want, d := range map[string]time.Duration{"15:06:20 UTC": time.Hour, "2026-07-02 08:06:20 UTC": 18 * time.Hour} {
		if got := end(&health.Override{End: now.Add(d)}, now); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestAGatewaySaysWhyItIsOut(t *testing.T) {
	behind(t, func(d *door) {
		d.order(drain())
		g := d.gateway("kaspi-main")
		if g.GetAdmitting() || g.GetAdmission() != pb.Gateway_ADMISSION_DRAINED || g.GetSharePercent() != 0 || len(g.GetOverrides()) != 1 || !strings.Contains(g.GetAdmissionDetail(), "ordered by aida until 0") {
			t.Fatalf("%v", g)
		}
	})
	behind(t, func(d *door) {
		for range 5 {
			d.kaspi.answer(always(providers.Unsent(errBroken)))
			d.create(qr(func(r *pb.CreatePaymentRequest) { r.Amount.MinorUnits = 100 }))
		}
		g := d.gateway("kaspi-main")
		if g.GetAdmitting() || g.GetAdmission() != pb.Gateway_ADMISSION_BREAKER_OPEN || !strings.Contains(g.GetAdmissionDetail(), "last fault at") {
			t.Fatalf("%s: %s", g.GetAdmission(), g.GetAdmissionDetail())
		}
		for _, b := range g.GetBreakers() {
			open := b.GetOperation() == pb.Operation_OPERATION_CREATE
			if (b.GetState() == pb.Breaker_STATE_OPEN) != open || (b.GetOpenUntilTime() != nil) != open {
				t.Errorf("%v", b)
			}
		}
		_, err := d.by("aida", force())
		d.refused(err, pb.ErrorReason_ERROR_REASON_SECOND_PERSON_NEEDED)
		_, err = d.by("bolat", force())
		d.must(err)
		if g := d.gateway("kaspi-main"); g.GetAdmission() != pb.Gateway_ADMISSION_FORCED || !g.GetAdmitting() || !g.GetBreakers()[0].GetObserveOnly() {
			t.Fatalf("%v", g)
		}
	})
}

func TestEveryWayToBeOutHasItsWord(t *testing.T) {
	now := time.Now()
	for want, h := range map[pb.Gateway_Admission]health.Health{
		pb.Gateway_ADMISSION_ADMITTING:     {Admitting: true, Share: 100},
		pb.Gateway_ADMISSION_RAMPING:       {Admitting: true, Share: 20},
		pb.Gateway_ADMISSION_PROBE_FAILING: {Why: health.ErrProbeFailing.Error(), ProbeBad: 3, ProbedAt: now},
		pb.Gateway_ADMISSION_BREAKER_OPEN:  {Why: health.ErrBreakerOpen.Error(), OpenUntil: now},
		pb.Gateway_ADMISSION_DRAINED:       {Why: health.ErrDrained.Error(), Override: &health.Override{Mode: health.Drain}},
		pb.Gateway_ADMISSION_FORCED:        {Admitting: true, Share: 100, Override: &health.Override{Mode: health.Admit}},
		pb.Gateway_ADMISSION_UNSPECIFIED:   {Why: health.ErrThrottled.Error()},
	} {
		got, detail := admission(h)
		if got != want || detail == "" && want != pb.Gateway_ADMISSION_ADMITTING {
			t.Errorf("%s %q, want %s", got, detail, want)
		}
	}
}

func TestCodesThatNobodyDocumentedAreCounted(t *testing.T) {
	behind(t, func(d *door) {
		for range 2 {
			d.kaspi.answer(always(providers.Doubt(providers.UnknownCode, "E-777", nil)))
			ctx, cancel := context.WithTimeout(context.Background(), time.Second)
			_, err := d.payments.CreatePayment(ctx, d.byInstrument())
			cancel()
			d.must(err)
		}
		codes := d.gateway("kaspi-main").GetUnknownCodes()
		if len(codes) != 1 || codes[0].GetCode() != "E-777" || codes[0].GetCount() != 2 || codes[0].GetLastTime() == nil {
			t.Fatalf("%v", codes)
		}
	})
}

func TestGatewaysAreListedByNameInPages(t *testing.T) {
	behind(t, func(d *door) {
		first, err := d.operations.ListGateways(context.Background(), &pb.ListGatewaysRequest{PageSize: 1})
		d.must(err)
		second, err := d.operations.ListGateways(context.Background(), &pb.ListGatewaysRequest{PageSize: 1, PageToken: first.GetNextPageToken()})
		d.must(err)
		if first.GetGateways()[0].GetName() != "gateways/halyk-main" || second.GetGateways()[0].GetName() != "gateways/kaspi-main" || second.GetNextPageToken() != "" {
			t.Fatalf("%v, %v", first, second)
		}
		_, err = d.operations.GetGateway(context.Background(), &pb.GetGatewayRequest{Name: "gateways/nowhere"})
		d.refused(err, pb.ErrorReason_ERROR_REASON_GATEWAY_NOT_FOUND)
	})
}

func TestAListOfGatewaysTellsThatNoneCanBeReached(t *testing.T) {
	behind(t, func(d *door) {
		down := func() bool {
			d.t.Helper()
			all, err := d.operations.ListGateways(context.Background(), &pb.ListGatewaysRequest{})
			d.must(err)
			order, err := d.operations.CreateOverride(context.Background(), drain(func(r *pb.CreateOverrideRequest) { r.ValidateOnly = true }))
			d.must(err)
			told := slices.ContainsFunc(order.GetForecast().GetLines(), func(l *pb.Forecast_Line) bool { return l.GetKind() == "egress" && l.GetWarning() })
			if told != all.GetEgressDown() {
				d.t.Errorf("down: %t, a forecast tells: %t", all.GetEgressDown(), told)
			}
			return told
		}
		if down() {
			t.Error("it is down before anything was tried")
		}
		d.kaspi.answer(always(providers.Unsent(errBroken)))
		d.halyk.answer(always(providers.Unsent(errBroken)))
		d.create(qr())
		if !down() {
			t.Error("nobody could be reached, and it is not told")
		}
	})
}

func TestWhichCredentialsAreValidAndWhichAnAttemptKeepsIsSeen(t *testing.T) {
	behind(t, func(d *door) {
		first := d.create(qr())
		end := time.Now().Add(90 * 24 * time.Hour)
		all := d.router.All()
		for i, g := range all {
			if g.Name == "kaspi-main" {
				all[i].Credentials = router.Credentials{Version: "2027", Provider: d.kaspi, Expires: end}
				all[i].Retiring = []router.Credentials{{Version: "2026", Provider: d.kaspi}}
			}
		}
		d.must(d.router.Rotate(all))
		second := d.create(qr())
		sets := d.gateway("kaspi-main").GetCredentials()
		if len(sets) != 2 || sets[0].GetVersion() != "2027" || sets[0].GetRetiring() || !sets[0].GetExpireTime().AsTime().Equal(end) ||
			sets[1].GetVersion() != "2026" || !sets[1].GetRetiring() || sets[1].GetExpireTime() != nil {
			t.Errorf("the gateway shows %v", sets)
		}
		was, is := d.get(first.GetName()).GetAttempts()[0].GetCredentials(), second.GetAttempts()[0].GetCredentials()
		if was != "2026" || is != "2027" {
			t.Errorf("the attempts began with %q and %q", was, is)
		}
	}, func(_ *Options, ro *router.Options) { ro.Gateways[0].Version = "2026" })
}
