package server

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	pb "github.com/payrouter/payrouter/proto/payrouter/v1"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router"
	"github.com/payrouter/payrouter/router/journal"
	"github.com/payrouter/payrouter/router/readiness"
)

// readiness asks for the checklist and returns it by item.
func (d *door) readiness() (*pb.Readiness, map[string]*pb.Readiness_Item) {
	d.t.Helper()
	r, err := d.compliance.GetReadiness(as(operatorKey, "aida"), &pb.GetReadinessRequest{})
	d.must(err)
	items := map[string]*pb.Readiness_Item{}
	for _, i := range r.GetItems() {
		items[i.GetId()] = i
	}
	return r, items
}

// stands demands how an item stands, and texts in its value and evidence.
func stands(t *testing.T, i *pb.Readiness_Item, state pb.Readiness_Item_State, texts ...string) {
	t.Helper()
	if i.GetState() != state {
		t.Errorf("%s is %s: %s", i.GetId(), i.GetState(), i)
	}
	for _, text := range texts {
		if !strings.Contains(i.GetValue()+"\n"+i.GetEvidence(), text) {
			t.Errorf("%q is not in %s", text, i)
		}
	}
}

const (
	isMet      = pb.Readiness_Item_STATE_MET
	isNotMet   = pb.Readiness_Item_STATE_NOT_MET
	noEvidence = pb.Readiness_Item_STATE_NO_EVIDENCE
)

func TestReadinessOfANewHouseHasNothingToShow(t *testing.T) {
	behind(t, func(d *door) {
		r, items := d.readiness()
		if r.GetGateway() != "gateways/kaspi-main" || r.GetTimeZone() != "Asia/Almaty" || !r.GetCreateTime().AsTime().Equal(time.Now()) || len(items) != len(readiness.IDs()) {
			t.Errorf("%s", r)
		}
		for n, i := range r.GetItems() {
			if i.GetId() != readiness.IDs()[n] || i.GetTitle() == "" || i.GetNeeded() == "" || i.GetEvidence() == "" || i.GetQuery() == "" || i.GetState() == 0 {
				t.Errorf("item %d has an empty side: %s", n, i)
			}
			if strings.Contains(i.GetQuery(), "$") {
				t.Errorf("the query has no values: %s", i)
			}
		}
		stands(t, items["volume"], isNotMet, "1999-11: 0; 1999-12: 0")
		stands(t, items["volume.uninterrupted"], isNotMet, "no: 61 of 61 days")
		stands(t, items["sandbox.pay"], noEvidence, "payctl kaspi evidence record sandbox.pay --gateway kaspi-main")
		stands(t, items["uniqueness"], isMet, "0 duplicates of the latest 0 numbers")
		stands(t, items["retention.notices"], isMet, "kept for ever", "none yet")
		stands(t, items["egress"], noEvidence, "readiness.egress")
		stands(t, items["token"], noEvidence, "credentials_issued")
		stands(t, items["disputes"], noEvidence, "payctl dispute record")
		stands(t, items["reconciliation"], noEvidence, "payctl reconcile import kaspi-main")
	})
}

func TestReadinessIsShownByWhatStandsInTheBooks(t *testing.T) {
	atDesk(t, func(d *door) {
		time.Sleep(2 * time.Minute)
		paid := d.create(qr())
		d.pay(paid)
		d.pay(paid) // the gateway sends its notice again
		_, err := d.refund(paid, 50000)
		d.must(err)
		time.Sleep(time.Second)
		whole := d.create(qr())
		d.pay(whole)
		_, err = d.refund(whole, 150000)
		d.must(err)
		left := d.create(qr())
		_, err = d.payments.CancelPayment(context.Background(), &pb.CancelPaymentRequest{Name: left.GetName(), RequestId: newID()})
		d.must(err)
		d.kaspi.answer(always(providers.Doubt(providers.Timeout, "", errBroken)))
		short, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		doubted, err := d.payments.CreatePayment(short, d.byInstrument())
		cancel()
		d.must(err)
		time.Sleep(3 * time.Second)
		d.pay(doubted)
		_, err = d.operations.CreateOverride(as(operatorKey, "aida"), &pb.CreateOverrideRequest{Parent: "gateways/kaspi-main", RequestId: newID(),
			Override: &pb.Override{Mode: pb.Override_MODE_DRAIN, Reason: "rehearsal", Duration: durationpb.New(time.Hour)}})
		d.must(err)
		time.Sleep(time.Minute)
		elsewhere := d.create(qr())
		d.pay(elsewhere)
		d.ordered()
		time.Sleep(10 * time.Minute)

		_, items := d.readiness()
		stands(t, items["sandbox.pay"], isMet, "payments/", "kaspi-main: the latest payment that was paid, 1500.00 KZT")
		stands(t, items["sandbox.cancel"], isMet, left.GetName(), "that its caller canceled, proved not charged")
		stands(t, items["sandbox.refund"], isMet, whole.GetName(), "refunded 1500.00 KZT of 1500.00 KZT")
		stands(t, items["sandbox.timeout"], isMet, doubted.GetName(), "left the outcome unknown (timeout)", "approved by notice")
		stands(t, items["sandbox.double-send"], isMet, paid.GetName(), "one notice 2 times, and the payment was charged once")
		stands(t, items["refund.partial"], isMet, paid.GetName(), "refunded 500.00 KZT of 1500.00 KZT")
		stands(t, items["refund.full"], isMet, whole.GetName(), "in all")
		stands(t, items["backup"], isMet, "1 charges at other gateways", "drained by operator:aida from 2000-01-01 06:0")
		stands(t, items["uniqueness"], isMet, "0 duplicates of the latest 4 numbers")
		stands(t, items["retention.notices"], isMet, "the oldest of 2000-01-01 06:02:00")
		stands(t, items["reconciliation"], isMet, "read up to 1999-12-31; 0 open findings")
	})
}

func TestWhatBooksCannotShowIsRecordedByAPerson(t *testing.T) {
	behind(t, func(d *door) {
		time.Sleep(time.Hour)
		record := func(who string, change func(*pb.RecordEvidenceRequest)) (*pb.RecordedEvidence, error) {
			r := &pb.RecordEvidenceRequest{Item: "alerts", Reference: "case 81", Detail: "fired within 40 s", Reason: "quarterly test", RequestId: newID()}
			change(r)
			return d.compliance.RecordEvidence(as(operatorKey, who), r)
		}
		id := newID()
		first, err := record("aida", func(r *pb.RecordEvidenceRequest) { r.RequestId = id })
		if err != nil || first.GetName() != "evidence/"+id || first.GetGateway() != "gateways/kaspi-main" || first.GetActor() != "operator:aida" || first.GetReason() != "quarterly test" ||
			!first.GetShownTime().AsTime().Equal(time.Now()) || !proto.Equal(first.GetShownTime(), first.GetCreateTime()) {
			t.Fatalf("recorded %s, %v", first, err)
		}
		_, items := d.readiness()
		stands(t, items["alerts"], isMet, "case 81", "recorded by operator:aida: fired within 40 s")
		time.Sleep(time.Minute)
		again, err := record("aida", func(r *pb.RecordEvidenceRequest) { r.RequestId = strings.ToUpper(id) })
		if err != nil || !proto.Equal(again, first) {
			t.Errorf("the same again: %s, %v", again, err)
		}
		_, err = record("aida", func(r *pb.RecordEvidenceRequest) { r.RequestId, r.Reference = id, "case 82" })
		if info := d.refused(err, pb.ErrorReason_ERROR_REASON_REQUEST_ID_REUSED); info.GetMetadata()["name"] != first.GetName() {
			t.Errorf("metadata %v", info.GetMetadata())
		}
		_, err = record("bolat", func(r *pb.RecordEvidenceRequest) {
			r.Item, r.Reference, r.Gateway, r.ShownTime = "backup", "rehearsal.pdf", "gateways/kaspi-main", timestamppb.New(time.Now().AddDate(0, 0, -91))
		})
		d.must(err)
		_, items = d.readiness()
		stands(t, items["backup"], isNotMet, "rehearsal.pdf, 91 days ago")
		for field, change := range map[string]func(*pb.RecordEvidenceRequest){
			"item": func(r *pb.RecordEvidenceRequest) { r.Item = "volume" }, "reference": func(r *pb.RecordEvidenceRequest) { r.Reference = "" },
			"shown_time": func(r *pb.RecordEvidenceRequest) { r.ShownTime = timestamppb.New(time.Now().Add(time.Second)) },
			"gateway":    func(r *pb.RecordEvidenceRequest) { r.Gateway = "gateways/halyk-main" },
		} {
			_, err := record("aida", change)
			d.refused(err, pb.ErrorReason_ERROR_REASON_INVALID_FIELD)
			if got := strings.Join(fields(err), " "); got != field {
				t.Errorf("fields %q, want %s", got, field)
			}
		}
		_, err = record("aida", func(r *pb.RecordEvidenceRequest) { r.Gateway = "gateways/nobody" })
		d.refused(err, pb.ErrorReason_ERROR_REASON_GATEWAY_NOT_FOUND)

		_, err = record("bolat", func(r *pb.RecordEvidenceRequest) { r.Item, r.Gateway = "backup", "gateways/halyk-main" })
		d.must(err) // failover is rehearsed at any gateway
		if _, items = d.readiness(); items["backup"].GetValue() != "rehearsal.pdf, 91 days ago" {
			t.Errorf("another gateway's rehearsal is taken for Kaspi's: %s", items["backup"])
		}

		list := &pb.ListEvidenceRequest{PageSize: 1, Gateway: "gateways/kaspi-main"}
		var listed []string
		for {
			page, err := d.compliance.ListEvidence(as(operatorKey, "aida"), list)
			d.must(err)
			for _, e := range page.GetEvidence() {
				listed = append(listed, e.GetItem())
			}
			if list.PageToken = page.GetNextPageToken(); list.PageToken == "" {
				break
			}
		}
		if got := strings.Join(listed, " "); got != "backup alerts" {
			t.Errorf("listed %s", got)
		}
		one, err := d.compliance.ListEvidence(as(operatorKey, "aida"), &pb.ListEvidenceRequest{Item: "alerts"})
		if err != nil || len(one.GetEvidence()) != 1 || !proto.Equal(one.GetEvidence()[0], first) {
			t.Errorf("listed %s, %v", one, err)
		}
	})
}

func TestReadinessTellsWhatTheConfigurationSays(t *testing.T) {
	behind(t, func(d *door) {
		p := d.create(qr())
		for i, raised := range []time.Duration{50 * time.Hour, 25 * time.Hour, 23 * time.Hour} {
			_, err := d.store.RecordDispute(context.Background(), journal.Dispute{ID: fmt.Sprint("d", i), Payment: p.GetName()[len("payments/"):], Attempt: 1, Gateway: "kaspi-main",
				Kind: journal.Claim, Opened: time.Now().Add(-raised), Created: time.Now()})
			d.must(err)
		}
		_, items := d.readiness()
		stands(t, items["egress"], isMet, "203.0.113.7, 2001:db8::/64")
		stands(t, items["retention.payments"], isMet, "kept for ever")
		stands(t, items["token"], isMet, "credentials 2026: ", "issued 1999-12-02, 30 days ago; 335 days left, supposing a year")
		stands(t, items["disputes"], isNotMet, "2 of 3 unanswered for longer", "the oldest of 1999-12-30 04:00:00")
	}, func(o *Options, ro *router.Options) {
		ro.Gateways[0].Version, ro.Gateways[0].Issued = "2026", time.Now().AddDate(0, 0, -30)
		o.Readiness = Readiness{Egress: []string{"203.0.113.7", "2001:db8::/64"}}
	})
}

func TestReadinessIsOfAGatewayAtKaspi(t *testing.T) {
	ask := func(d *door, name string) error {
		_, err := d.compliance.GetReadiness(as(operatorKey, "aida"), &pb.GetReadinessRequest{Gateway: name})
		return err
	}
	behind(t, func(d *door) {
		d.must(ask(d, "gateways/kaspi-main"))
		d.refused(ask(d, "gateways/halyk-main"), pb.ErrorReason_ERROR_REASON_INVALID_FIELD)
		d.refused(ask(d, "gateways/nobody"), pb.ErrorReason_ERROR_REASON_GATEWAY_NOT_FOUND)
		d.breakStore()
		d.refused(ask(d, ""), pb.ErrorReason_ERROR_REASON_STORE_UNAVAILABLE)
	})
	second := newBank("kaspi", func(c *providers.Claims) { c.Reference = providers.ReferenceRule{Length: 21, Prefix: "z"} })
	behind(t, func(d *door) {
		d.refused(ask(d, ""), pb.ErrorReason_ERROR_REASON_INVALID_FIELD)
		d.must(ask(d, "gateways/kaspi-two"))
	}, func(_ *Options, ro *router.Options) {
		ro.Gateways = append(ro.Gateways, router.Gateway{Name: "kaspi-two", Credentials: router.Credentials{Provider: second}})
	})
}

func TestReadinessIsForOperatorsOnly(t *testing.T) {
	behind(t, func(d *door) {
		_, err := d.compliance.GetReadiness(context.Background(), &pb.GetReadinessRequest{})
		d.refused(err, pb.ErrorReason_ERROR_REASON_PERMISSION_DENIED)
		_, err = d.compliance.RecordEvidence(context.Background(), &pb.RecordEvidenceRequest{})
		d.refused(err, pb.ErrorReason_ERROR_REASON_PERMISSION_DENIED)
		_, err = d.compliance.ListEvidence(context.Background(), &pb.ListEvidenceRequest{})
		d.refused(err, pb.ErrorReason_ERROR_REASON_PERMISSION_DENIED)
	}, func(o *Options, _ *router.Options) { o.RequireOperator = true })
}
