package server

import (
	"context"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	pb "github.com/payrouter/payrouter/proto/payrouter/v1"

	"github.com/payrouter/payrouter/router"
)

func drain(change ...func(*pb.CreateOverrideRequest)) *pb.CreateOverrideRequest {
	r := &pb.CreateOverrideRequest{Parent: "gateways/kaspi-main", RequestId: newID(), Override: &pb.Override{Mode: pb.Override_MODE_DRAIN, Reason: "kaspi is slow"}}
	for _, c := range change {
		c(r)
	}
	return r
}

func (d *door) order(r *pb.CreateOverrideRequest) *pb.Override {
	d.t.Helper()
	o, err := d.operations.CreateOverride(as(operatorKey, "aida"), r)
	d.must(err)
	return o
}

func TestADrainMovesNewPaymentsAndEndsByItself(t *testing.T) {
	behind(t, func(d *door) {
		r := drain()
		o := d.order(r)
		if !o.GetActive() || o.GetName() != "gateways/kaspi-main/overrides/"+r.GetRequestId() || o.GetGateway() != "gateways/kaspi-main" || o.GetActor() != "operator:aida" ||
			o.GetMode() != pb.Override_MODE_DRAIN || o.GetEndTime().AsTime().Sub(o.GetStartTime().AsTime()) != time.Hour || o.GetEtag() != `"1"` || o.GetForecast() != nil {
			t.Fatalf("%v", o)
		}
		if p := d.create(qr()); p.GetAction().GetGateway() != "gateways/halyk-main" {
			t.Fatalf("a payment went to %s", p.GetAction().GetGateway())
		}
		time.Sleep(61 * time.Minute)
		page, err := d.operations.ListOverrides(context.Background(), &pb.ListOverridesRequest{Parent: anyGateway})
		if err != nil || len(page.GetOverrides()) != 1 || page.GetOverrides()[0].GetActive() {
			t.Fatalf("%v, error %v", page, err)
		}
		time.Sleep(10 * time.Minute) // the ramp
		if p := d.create(qr()); p.GetAction().GetGateway() != "gateways/kaspi-main" {
			t.Fatalf("a payment went to %s", p.GetAction().GetGateway())
		}
	})
}

func TestARepeatedOrderIsTheSameOrderAndAnotherBodyIsRefused(t *testing.T) {
	behind(t, func(d *door) {
		r := drain(func(r *pb.CreateOverrideRequest) { r.Override.Duration = durationpb.New(10 * time.Minute) })
		first := d.order(r)
		time.Sleep(30 * time.Second)
		if again := d.order(r); !proto.Equal(again, first) {
			t.Fatalf("%v, then %v", first, again)
		}
		for what, change := range map[string]func(*pb.CreateOverrideRequest){
			"another mode":    func(r *pb.CreateOverrideRequest) { r.Override.Mode = pb.Override_MODE_ADMIT },
			"another reason":  func(r *pb.CreateOverrideRequest) { r.Override.Reason = "other" },
			"another length":  func(r *pb.CreateOverrideRequest) { r.Override.Duration = durationpb.New(time.Hour) },
			"another start":   func(r *pb.CreateOverrideRequest) { r.Override.StartTime = timestamppb.New(time.Now().Add(time.Hour)) },
			"another gateway": func(r *pb.CreateOverrideRequest) { r.Parent = "gateways/halyk-main" },
		} {
			other := proto.Clone(r).(*pb.CreateOverrideRequest)
			change(other)
			_, err := d.operations.CreateOverride(context.Background(), other)
			if info := d.refused(err, pb.ErrorReason_ERROR_REASON_REQUEST_ID_REUSED); info.GetMetadata()["name"] != first.GetName() {
				t.Errorf("%s: metadata %v", what, info.GetMetadata())
			}
		}
		time.Sleep(time.Hour)
		if again := d.order(r); again.GetActive() || again.GetName() != first.GetName() {
			t.Fatalf("after its end: %v", again)
		}
	})
}

func TestAnOverrideIsEndedByWhoeverSawItAsItIs(t *testing.T) {
	behind(t, func(d *door) {
		o := d.order(drain())
		end := func(etag string) (*pb.Override, error) {
			return d.operations.EndOverride(as(operatorKey, "bolat"), &pb.EndOverrideRequest{Name: o.GetName(), Etag: etag, Reason: "back again"})
		}
		_, err := end(`"7"`)
		d.refused(err, pb.ErrorReason_ERROR_REASON_STALE_ETAG)
		time.Sleep(time.Minute)
		ended, err := end(o.GetEtag())
		d.must(err)
		if ended.GetActive() || ended.GetEndedBy() != "operator:bolat" || ended.GetEtag() == o.GetEtag() || !ended.GetEndTime().AsTime().Equal(time.Now()) {
			t.Fatalf("%v", ended)
		}
		_, err = end("")
		if info := d.refused(err, pb.ErrorReason_ERROR_REASON_OVERRIDE_ENDED); info.GetMetadata()["end_time"] == "" {
			t.Fatalf("metadata %v", info.GetMetadata())
		}
		_, err = d.operations.EndOverride(context.Background(), &pb.EndOverrideRequest{Name: "gateways/kaspi-main/overrides/" + newID()})
		d.refused(err, pb.ErrorReason_ERROR_REASON_NOT_FOUND)
		if !strings.Contains(d.log.String(), "back again") {
			t.Error("the reason is on no record")
		}
	})
}

func TestOverridesNeedAnEndAndAGateway(t *testing.T) {
	behind(t, func(d *door) {
		past := func(r *pb.CreateOverrideRequest) {
			r.Override.StartTime = timestamppb.New(time.Now().Add(-2 * time.Hour))
		}
		for _, validateOnly := range []bool{false, true} {
			only := func(r *pb.CreateOverrideRequest) { r.ValidateOnly = validateOnly }
			_, err := d.operations.CreateOverride(context.Background(), drain(past, only))
			d.refused(err, pb.ErrorReason_ERROR_REASON_OVERRIDE_NEEDS_END)
			_, err = d.operations.CreateOverride(context.Background(), drain(only, func(r *pb.CreateOverrideRequest) { r.Parent = "gateways/nowhere" }))
			if info := d.refused(err, pb.ErrorReason_ERROR_REASON_GATEWAY_NOT_FOUND); info.GetMetadata()["name"] != "gateways/nowhere" {
				t.Fatalf("metadata %v", info.GetMetadata())
			}
		}
		d.untouched()
	})
}

func TestADryRunTellsWhatADrainWouldDoAndChangesNothing(t *testing.T) {
	behind(t, func(d *door) {
		for i := range 24 {
			d.create(qr(func(r *pb.CreatePaymentRequest) {
				if i%4 == 0 {
					r.Amount.MinorUnits = 150050 // which the backup cannot say
				}
			}))
		}
		r := drain(func(r *pb.CreateOverrideRequest) { r.RequestId, r.ValidateOnly = "", true })
		o, err := d.operations.CreateOverride(context.Background(), r)
		d.must(err)
		f := o.GetForecast()
		if o.GetName() != "" || o.GetEtag() != "" || o.GetActive() || o.GetMode() != pb.Override_MODE_DRAIN {
			t.Fatalf("%v", o)
		}
		if f.GetPaymentsConsidered() != 24 || f.GetUnservable() != 6 || f.GetLiveOffers() != 24 || f.GetLastOfferExpireTime() == nil || f.GetWindow().AsDuration() == 0 ||
			len(f.GetAtRisk()) != 1 || f.GetAtRisk()[0].GetVerdict() != pb.Verdict_VERDICT_PENDING || f.GetAtRisk()[0].GetCount() != 24 {
			t.Fatalf("%v", f)
		}
		shifts := map[string][2]int32{}
		for _, s := range f.GetShifts() {
			shifts[s.GetGateway()] = [2]int32{s.GetBeforeBasisPoints(), s.GetAfterBasisPoints()}
		}
		if shifts["gateways/kaspi-main"] != [2]int32{10000, 0} || shifts["gateways/halyk-main"] != [2]int32{0, 7500} {
			t.Fatalf("shifts %v", shifts)
		}
		text := map[string]string{}
		for _, l := range f.GetLines() {
			text[l.GetKind()] += l.GetText() + "\n"
			if (l.GetKind() == "unservable" || l.GetKind() == "live_offers") != l.GetWarning() {
				t.Errorf("%v", l)
			}
		}
		if text["unservable"] != "payments that could go nowhere: 6 of 24\n" || !strings.Contains(text["shift"], "halyk-main: 0.00 % of new payments, then 75.00 %") ||
			!strings.Contains(text["live_offers"], "can still be paid at kaspi-main: 24") || !strings.Contains(text["traffic"], "judged by payments of the last 15m0s: 24") {
			t.Fatalf("%v", text)
		}
		page, err := d.operations.ListOverrides(context.Background(), &pb.ListOverridesRequest{Parent: anyGateway})
		if err != nil || len(page.GetOverrides()) > 0 {
			t.Fatalf("%v, error %v", page, err)
		}
		if p := d.create(qr()); p.GetAction().GetGateway() != "gateways/kaspi-main" {
			t.Fatal("a dry run moved a payment")
		}
		// What is so already is no work of the order's.
		_, err = d.operations.CreateOverride(context.Background(), drain())
		d.must(err)
		o, err = d.operations.CreateOverride(context.Background(), r)
		d.must(err)
		if line := o.GetForecast().GetLines()[0]; line.GetText() != "payments that could go nowhere: 6 of 25; now it is 6" {
			t.Errorf("%v", line)
		}
	})
}

func TestADryRunWithoutTrafficSaysSo(t *testing.T) {
	behind(t, func(d *door) {
		o, err := d.operations.CreateOverride(context.Background(), drain(func(r *pb.CreateOverrideRequest) {
			r.ValidateOnly, r.Override.Mode = true, pb.Override_MODE_ADMIT
		}))
		d.must(err)
		lines := o.GetForecast().GetLines()
		if lines[0].GetKind() != "forced" || !lines[0].GetWarning() || lines[len(lines)-1].GetKind() != "traffic" || !lines[len(lines)-1].GetWarning() {
			t.Fatalf("%v", lines)
		}
	})
}

func TestOverridesAreListedNewestFirstInPages(t *testing.T) {
	behind(t, func(d *door) {
		var want []string
		for i := range 5 {
			r := drain(func(r *pb.CreateOverrideRequest) {
				r.Override.Duration = durationpb.New(time.Duration(i+1) * time.Minute)
				if i == 4 {
					r.Parent = "gateways/halyk-main"
				}
			})
			want = append([]string{d.order(r).GetName()}, want...)
			time.Sleep(time.Second)
		}
		n := 0
		for r := (&pb.ListOverridesRequest{Parent: anyGateway, PageSize: 2}); ; {
			page, err := d.operations.ListOverrides(context.Background(), r)
			d.must(err)
			for _, o := range page.GetOverrides() {
				if o.GetName() != want[n] {
					t.Fatalf("override %d is %s, want %s", n, o.GetName(), want[n])
				}
				n++
			}
			if page.GetNextPageToken() == "" {
				break
			}
			r.PageToken = page.GetNextPageToken()
		}
		if n != 5 {
			t.Fatalf("%d overrides", n)
		}
		time.Sleep(150 * time.Second)
		page, err := d.operations.ListOverrides(context.Background(), &pb.ListOverridesRequest{Parent: "gateways/kaspi-main", ActiveOnly: true})
		if err != nil || len(page.GetOverrides()) != 2 {
			t.Fatalf("%v, error %v", page, err)
		}
	})
}

func TestAReplicaWhoseClockIsWrongSendsOperatorsToAnother(t *testing.T) {
	behind(t, func(d *door) {
		time.Sleep(2 * time.Second)
		_, err := d.operations.CreateOverride(as(operatorKey, "aida"), drain())
		d.refused(err, pb.ErrorReason_ERROR_REASON_STORE_UNAVAILABLE)
		if !strings.Contains(err.Error(), "clock") {
			t.Error(err)
		}
		d.untouched()
	}, func(_ *Options, ro *router.Options) {
		ro.Clock = func(context.Context) (time.Time, error) { return time.Now().Add(time.Hour), nil }
	})
}
