package server

import (
	"context"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	pb "github.com/payrouter/payrouter/proto/payrouter/v1"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router"
)

// failing opens the breaker of the first gateway: nothing reaches it, and offers before
// that stay live there.
func (d *door) failing() {
	d.t.Helper()
	d.create(qr())
	for range 5 {
		d.kaspi.answer(always(providers.Unsent(errBroken)))
		d.create(qr())
	}
	if d.board.Failing("kaspi-main") == nil {
		d.t.Fatal("the gateway is believed to be well")
	}
}

func force(change ...func(*pb.CreateOverrideRequest)) *pb.CreateOverrideRequest {
	return drain(append([]func(*pb.CreateOverrideRequest){func(r *pb.CreateOverrideRequest) {
		r.Override.Mode, r.Override.Duration = pb.Override_MODE_ADMIT, durationpb.New(10*time.Minute)
	}}, change...)...)
}

// by gives an order as somebody.
func (d *door) by(who string, r *pb.CreateOverrideRequest) (*pb.Override, error) {
	return d.operations.CreateOverride(as(operatorKey, who), r)
}

func (d *door) goesTo(gateway string) *pb.Payment {
	d.t.Helper()
	p := d.create(qr())
	if p.GetAction().GetGateway() != "gateways/"+gateway {
		d.t.Fatalf("a payment went to %s, want %s", p.GetAction().GetGateway(), gateway)
	}
	return p
}

func TestForcingTrafficToAFailingGatewayTakesTwoPeople(t *testing.T) {
	for _, mode := range []pb.Override_Mode{pb.Override_MODE_ADMIT, pb.Override_MODE_OBSERVE_ONLY} {
		behind(t, func(d *door) {
			d.failing()
			as := func(r *pb.CreateOverrideRequest) { r.Override.Mode = mode }
			first := force(as)
			for range 2 { // the same key, and then the same person with another
				_, err := d.by("aida", first)
				m := d.refused(err, pb.ErrorReason_ERROR_REASON_SECOND_PERSON_NEEDED).GetMetadata()
				if m["exposed"] != "1500.00 KZT" || m["live_offers"] != "1" || m["open_attempts"] != "1" || !strings.Contains(m["why"], "breaker is open") || m["expire_time"] == "" ||
					m["name"] != "gateways/kaspi-main/overrides/"+first.GetRequestId() {
					t.Fatalf("metadata %v", m)
				}
			}
			_, err := d.by("aida", force(as))
			d.refused(err, pb.ErrorReason_ERROR_REASON_SECOND_PERSON_NEEDED)
			d.goesTo("halyk-main")
			for what, change := range map[string]func(*pb.CreateOverrideRequest){
				"longer": func(r *pb.CreateOverrideRequest) { r.Override.Duration = durationpb.New(11 * time.Minute) },
				"later":  func(r *pb.CreateOverrideRequest) { r.Override.StartTime = timestamppb.New(time.Now().Add(time.Hour)) },
			} {
				if _, err := d.by("bolat", force(as, change)); err == nil {
					t.Fatalf("%s: another order counts as the same", what)
				}
				d.goesTo("halyk-main")
			}
			second := force(as, func(r *pb.CreateOverrideRequest) { r.Override.Reason = "I have looked too" })
			o, err := d.by("bolat", second)
			d.must(err)
			if !o.GetActive() || o.GetActor() != "operator:bolat" || o.GetProposedBy() != "operator:aida" || o.GetProposalExpireTime() != nil {
				t.Fatalf("%v", o)
			}
			p := d.goesTo("kaspi-main")
			story, err := d.operations.ExplainPayment(context.Background(), &pb.ExplainPaymentRequest{Name: p.GetName()})
			d.must(err)
			if text := story.GetEvents()[1].GetText(); !strings.Contains(text, "though breaker is open, by the order of operator:bolat") {
				t.Fatalf("the story does not name the order: %s", text)
			}
			if again, err := d.by("bolat", second); err != nil || again.GetName() != o.GetName() {
				t.Fatalf("repeated: %v, error %v", again, err)
			}
		})
	}
}

func TestAnOrderThatNobodySecondsExpires(t *testing.T) {
	behind(t, func(d *door) {
		d.failing()
		first := force()
		_, err := d.by("aida", first)
		d.refused(err, pb.ErrorReason_ERROR_REASON_SECOND_PERSON_NEEDED)
		time.Sleep(15 * time.Minute)
		if d.board.Failing("kaspi-main") == nil {
			t.Fatal("the gateway came back by itself")
		}
		_, err = d.by("bolat", force())
		d.refused(err, pb.ErrorReason_ERROR_REASON_SECOND_PERSON_NEEDED)
		_, err = d.by("aida", first)
		d.refused(err, pb.ErrorReason_ERROR_REASON_OVERRIDE_ENDED)
	})
}

func TestAFirstPersonsOrderCanBeTakenBack(t *testing.T) {
	behind(t, func(d *door) {
		d.failing()
		_, err := d.by("aida", force())
		name := d.refused(err, pb.ErrorReason_ERROR_REASON_SECOND_PERSON_NEEDED).GetMetadata()["name"]
		page, err := d.operations.ListOverrides(context.Background(), &pb.ListOverridesRequest{Parent: anyGateway, ActiveOnly: true})
		d.must(err)
		if all := page.GetOverrides(); len(all) != 1 || all[0].GetName() != name || all[0].GetActive() || all[0].GetProposalExpireTime() == nil {
			t.Fatalf("%v", page)
		}
		_, err = d.operations.EndOverride(as(operatorKey, "bolat"), &pb.EndOverrideRequest{Name: name, Etag: page.GetOverrides()[0].GetEtag()})
		d.must(err)
		_, err = d.by("dana", force())
		d.refused(err, pb.ErrorReason_ERROR_REASON_SECOND_PERSON_NEEDED)
		d.goesTo("halyk-main")
		_, err = d.operations.EndOverride(as(operatorKey, "aida"), &pb.EndOverrideRequest{Name: name})
		if m := d.refused(err, pb.ErrorReason_ERROR_REASON_OVERRIDE_ENDED).GetMetadata(); m["ended_by"] != "operator:bolat" {
			t.Fatalf("metadata %v", m)
		}
	})
}

func TestAnOrderAboutAWellGatewayTakesOnePersonUnlessItBeginsLater(t *testing.T) {
	behind(t, func(d *door) {
		if o, err := d.by("aida", force()); err != nil || !o.GetActive() {
			t.Fatalf("%v, error %v", o, err)
		}
		if o, err := d.by("aida", drain()); err != nil || !o.GetActive() {
			t.Fatalf("%v, error %v", o, err)
		}
		_, err := d.by("aida", force(func(r *pb.CreateOverrideRequest) { r.Override.StartTime = timestamppb.New(time.Now().Add(time.Hour)) }))
		d.refused(err, pb.ErrorReason_ERROR_REASON_SECOND_PERSON_NEEDED)
	})
}

func TestADryRunSaysThatASecondPersonIsNeeded(t *testing.T) {
	behind(t, func(d *door) {
		only := func(r *pb.CreateOverrideRequest) { r.RequestId, r.ValidateOnly = "", true }
		o, err := d.by("aida", force(only))
		d.must(err)
		if o.GetForecast().GetNeedsSecondPerson() {
			t.Fatal("one person is enough")
		}
		d.failing()
		o, err = d.by("aida", force(only))
		d.must(err)
		if !o.GetForecast().GetNeedsSecondPerson() || o.GetForecast().GetLines()[1].GetKind() != "second_person" {
			t.Fatalf("%v", o.GetForecast())
		}
	})
}

// Whoever says wrongly that nothing was taken has the surplus charged to their decision.
func TestMoneyThatPeopleDeniedIsChargedToTheirDecision(t *testing.T) {
	behind(t, func(d *door) {
		p := d.create(qr())
		for _, who := range []string{"aida", "bolat"} {
			_, _ = d.resolve(who, p, pb.ResolveAttemptRequest_VERDICT_NOT_CHARGED, d.get(p.GetName()).GetEtag())
		}
		time.Sleep(time.Second)
		story := func() *pb.ExplainPaymentResponse {
			story, err := d.operations.ExplainPayment(context.Background(), &pb.ExplainPaymentRequest{Name: p.GetName()})
			d.must(err)
			return story
		}
		if said := story().GetDecisions(); len(said) != 0 {
			t.Fatalf("nothing happened, and it is charged to somebody: %v", said)
		}
		d.notice("kaspi-main", "paid "+p.GetAttempts()[0].GetReference())
		time.Sleep(time.Minute)
		said := story().GetDecisions()
		if len(said) != 1 || !strings.Contains(said[0], "operator:aida (") || !strings.Contains(said[0], "operator:bolat (") || !strings.Contains(said[0], "attempt 1 at kaspi-main") {
			t.Fatalf("%v\n%v", said, story().GetEvents())
		}
		t.Log(said)
	})
}

func TestADryRunTellsFeesAndLoad(t *testing.T) {
	behind(t, func(d *door) {
		d.create(qr())
		o, err := d.operations.CreateOverride(context.Background(), drain(func(r *pb.CreateOverrideRequest) { r.RequestId, r.ValidateOnly = "", true }))
		d.must(err)
		f := o.GetForecast()
		if len(f.GetFees()) != 1 || len(f.GetLoads()) != 1 {
			t.Fatalf("%v", f)
		}
		if fee := f.GetFees()[0]; fee.GetCurrencyCode() != "KZT" || fee.GetBeforeMinorUnits() != 1425 || fee.GetAfterMinorUnits() != 4125 || fee.GetKnownPayments() != 1 || fee.GetUnknownPayments() != 0 {
			t.Errorf("%v", fee)
		}
		if load := f.GetLoads()[0]; load.GetGateway() != "gateways/halyk-main" || load.GetRecentPeak() != 0 || load.GetMoving() != 1 || load.GetMaxConcurrent() != 64 {
			t.Errorf("%v", load)
		}
		text := map[string]string{}
		for _, l := range f.GetLines() {
			text[l.GetKind()] += l.GetText()
		}
		if text["fees"] != "fees of these payments by contract: 14.25 KZT, then 41.25 KZT (+27.00 KZT, of 1 payments)" ||
			text["capacity"] != "halyk-main had up to 0 calls at once, and up to 1 would come: 1 of the 64 that it may have, it fits" {
			t.Errorf("%q, %q", text["fees"], text["capacity"])
		}
	}, func(_ *Options, o *router.Options) {
		o.Fee = func(gateway string, _ providers.Method, amount providers.Money, _ time.Time) (providers.Money, bool) {
			points := map[string]int64{"kaspi-main": 95, "halyk-main": 275}[gateway]
			return providers.Money{Minor: amount.Minor * points / 10000, Currency: amount.Currency}, true
		}
	})
}

// A key belongs to the order that it came with first, of whichever gateway: an order with the
// same key is neither kept nor seconded, and nobody may take it for that.
func TestTheKeyOfAnotherGatewaysOrderIsRefused(t *testing.T) {
	behind(t, func(d *door) {
		later := func(r *pb.CreateOverrideRequest) { r.Override.StartTime = timestamppb.New(time.Now().Add(time.Hour)) }
		there := func(r *pb.CreateOverrideRequest) { r.Parent = "gateways/halyk-main" }
		first := force(later)
		with := func(key *pb.CreateOverrideRequest) func(*pb.CreateOverrideRequest) {
			return func(r *pb.CreateOverrideRequest) { r.RequestId = key.GetRequestId() }
		}
		_, err := d.by("aida", first)
		d.refused(err, pb.ErrorReason_ERROR_REASON_SECOND_PERSON_NEEDED)
		reused := func(who string, r *pb.CreateOverrideRequest) {
			t.Helper()
			_, err := d.by(who, r)
			if m := d.refused(err, pb.ErrorReason_ERROR_REASON_REQUEST_ID_REUSED).GetMetadata(); m["name"] != overrideName("kaspi-main", first.GetRequestId()) {
				t.Errorf("metadata %v", m)
			}
		}
		reused("aida", force(later, there, with(first)))
		_, err = d.by("aida", force(later, there))
		d.refused(err, pb.ErrorReason_ERROR_REASON_SECOND_PERSON_NEEDED)
		reused("bolat", force(later, there, with(first)))
		if o, err := d.by("bolat", force(later, there)); err != nil || o.GetProposedBy() != "operator:aida" {
			t.Errorf("the word that waits was used up: %v, error %v", o, err)
		}
	})
}
