package server

import (
	"context"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	pb "github.com/payrouter/payrouter/proto/payrouter/v1"

	"github.com/payrouter/payrouter/providers"
)

func (d *door) list(r *pb.ListPaymentsRequest) *pb.ListPaymentsResponse {
	d.t.Helper()
	page, err := d.payments.ListPayments(context.Background(), r)
	d.must(err)
	return page
}

func TestPagesStandStillWhilePaymentsAreAdded(t *testing.T) {
	behind(t, func(d *door) {
		var want []string
		for range 7 {
			want = append([]string{d.create(qr()).GetName()}, want...)
			time.Sleep(time.Second)
		}
		n := 0
		for r := (&pb.ListPaymentsRequest{PageSize: 3}); ; {
			page := d.list(r)
			for _, p := range page.GetPayments() {
				if p.GetName() != want[n] {
					t.Fatalf("payment %d is %s, want %s", n, p.GetName(), want[n])
				}
				n++
			}
			if page.GetNextPageToken() == "" {
				break
			}
			d.create(qr())
			time.Sleep(time.Second)
			r.PageToken = page.GetNextPageToken()
		}
		if n != len(want) {
			t.Fatalf("%d payments", n)
		}
	})
}

func TestTheLastPageHasNoTokenEvenWhenItIsFull(t *testing.T) {
	behind(t, func(d *door) {
		for range 4 {
			d.create(qr())
			time.Sleep(time.Second)
		}
		first := d.list(&pb.ListPaymentsRequest{PageSize: 2})
		last := d.list(&pb.ListPaymentsRequest{PageSize: 2, PageToken: first.GetNextPageToken()})
		if len(last.GetPayments()) != 2 || last.GetNextPageToken() != "" {
			t.Fatalf("%d payments, token %q", len(last.GetPayments()), last.GetNextPageToken())
		}
	})
}

func TestAPageTokenIsGoodForItsOwnListOnly(t *testing.T) {
	behind(t, func(d *door) {
		for range 3 {
			d.create(qr(func(r *pb.CreatePaymentRequest) { r.CustomerId = "c-1" }))
			time.Sleep(time.Second)
		}
		token := d.list(&pb.ListPaymentsRequest{PageSize: 1}).GetNextPageToken()
		d.list(&pb.ListPaymentsRequest{PageSize: 2, PageToken: token}) // another size is the same list
		for name, r := range map[string]*pb.ListPaymentsRequest{
			"another filter": {PageToken: token, State: pb.Payment_STATE_PAID},
			"changed":        {PageToken: token[:len(token)-2] + "AA"},
			"not base64":     {PageToken: "?"},
			"too short":      {PageToken: "AAAA"},
		} {
			_, err := d.payments.ListPayments(context.Background(), r)
			d.refused(err, pb.ErrorReason_ERROR_REASON_INVALID_FIELD)
			if got := fields(err); len(got) != 1 || got[0] != "page_token" {
				t.Errorf("%s: fields %v", name, got)
			}
		}
		_, err := d.payments.ListPayments(as(tenantKey, "other"), &pb.ListPaymentsRequest{PageToken: token})
		d.refused(err, pb.ErrorReason_ERROR_REASON_INVALID_FIELD)
		_, err = d.payments.ListInstruments(context.Background(), &pb.ListInstrumentsRequest{CustomerId: "c-1", PageToken: token})
		d.refused(err, pb.ErrorReason_ERROR_REASON_INVALID_FIELD)
	})
}

func TestListsAreFilteredByEveryField(t *testing.T) {
	behind(t, func(d *door) {
		began := time.Now()
		open := d.create(qr(func(r *pb.CreatePaymentRequest) { r.OrderId = "order-1" }))
		time.Sleep(time.Minute)
		paid := d.charged(func(r *pb.CreatePaymentRequest) { r.OrderId = "order-2" })
		time.Sleep(time.Minute)
		d.kaspi.answer(always(providers.Result{Verdict: providers.Declined, Reason: providers.DeclinedHard}))
		declined := d.charged()
		at := func(after time.Duration) *timestamppb.Timestamp { return timestamppb.New(began.Add(after)) }
		for name, c := range map[string]struct {
			filter *pb.ListPaymentsRequest
			want   []string
		}{
			"all":     {&pb.ListPaymentsRequest{}, []string{declined.GetName(), paid.GetName(), open.GetName()}},
			"state":   {&pb.ListPaymentsRequest{State: pb.Payment_STATE_PAID}, []string{paid.GetName()}},
			"order":   {&pb.ListPaymentsRequest{OrderId: "order-1"}, []string{open.GetName()}},
			"gateway": {&pb.ListPaymentsRequest{Gateway: "gateways/halyk-main"}, nil},
			"after":   {&pb.ListPaymentsRequest{CreateTimeAfter: paid.GetCreateTime()}, []string{declined.GetName(), paid.GetName()}},
			"before":  {&pb.ListPaymentsRequest{CreateTimeBefore: paid.GetCreateTime()}, []string{open.GetName()}},
			"between": {&pb.ListPaymentsRequest{CreateTimeAfter: at(30 * time.Second), CreateTimeBefore: at(90 * time.Second)}, []string{paid.GetName()}},
			"at risk": {&pb.ListPaymentsRequest{AtRiskOnly: true}, []string{open.GetName()}},
			"and":     {&pb.ListPaymentsRequest{AtRiskOnly: true, State: pb.Payment_STATE_PAID}, nil},
		} {
			var got []string
			for _, p := range d.list(c.filter).GetPayments() {
				got = append(got, p.GetName())
			}
			if len(got) != len(c.want) {
				t.Errorf("%s: %v, want %v", name, got, c.want)
				continue
			}
			for i := range got {
				if got[i] != c.want[i] {
					t.Errorf("%s: %v, want %v", name, got, c.want)
				}
			}
		}
	})
}
