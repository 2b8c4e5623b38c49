package server

import (
	"context"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	pb "github.com/payrouter/payrouter/proto/payrouter/v1"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router"
)

func (d *door) refund(p *pb.Payment, units int64) (*pb.Refund, error) {
	r := &pb.CreateRefundRequest{Parent: p.GetName(), RequestId: newID(), Reason: "returned"}
	if units > 0 {
		r.Amount = &pb.Money{MinorUnits: units, CurrencyCode: "KZT"}
	}
	return d.payments.CreateRefund(context.Background(), r)
}

func TestRefundsNeverExceedWhatWasPaid(t *testing.T) {
	behind(t, func(d *door) {
		p := d.charged()
		first, err := d.refund(p, 100000)
		d.must(err)
		if first.GetState() != pb.Refund_STATE_DONE || first.GetGateway() != "gateways/kaspi-main" || first.GetExternalId() == "" || first.GetReason() != "returned" {
			t.Fatalf("%v", first)
		}
		_, err = d.refund(p, 50001)
		if info := d.refused(err, pb.ErrorReason_ERROR_REASON_REFUND_EXCEEDS_PAID); info.GetMetadata()["refundable_minor_units"] != "50000" || info.GetMetadata()["currency_code"] != "KZT" {
			t.Fatalf("metadata %v", info.GetMetadata())
		}
		rest, err := d.refund(p, 0)
		if err != nil || rest.GetAmount().GetMinorUnits() != 50000 {
			t.Fatalf("%v, error %v", rest, err)
		}
		_, err = d.refund(p, 0)
		d.refused(err, pb.ErrorReason_ERROR_REASON_REFUND_EXCEEDS_PAID)
		if after := d.get(p.GetName()); after.GetState() != pb.Payment_STATE_PAID || after.GetRefunded().GetMinorUnits() != 150000 || after.GetPaid().GetMinorUnits() != 150000 {
			t.Fatalf("%v", after)
		}
	})
}

func TestARepeatedRefundIsOneRefund(t *testing.T) {
	behind(t, func(d *door) {
		p := d.charged()
		r := &pb.CreateRefundRequest{Parent: p.GetName(), RequestId: newID(), Amount: &pb.Money{MinorUnits: 100, CurrencyCode: "KZT"}}
		first, err := d.payments.CreateRefund(context.Background(), r)
		d.must(err)
		again, err := d.payments.CreateRefund(context.Background(), r)
		if err != nil || !proto.Equal(first, again) || len(d.kaspi.refunds) != 1 {
			t.Fatalf("%v, error %v", again, err)
		}
		got, err := d.payments.GetRefund(context.Background(), &pb.GetRefundRequest{Name: first.GetName()})
		if err != nil || !proto.Equal(got, first) {
			t.Fatalf("%v, error %v", got, err)
		}
		r.Amount.MinorUnits = 200
		_, err = d.payments.CreateRefund(context.Background(), r)
		if info := d.refused(err, pb.ErrorReason_ERROR_REASON_REQUEST_ID_REUSED); info.GetMetadata()["name"] != first.GetName() {
			t.Fatalf("metadata %v", info.GetMetadata())
		}
		// The same id for another kind of wish is another body, too.
		_, err = d.payments.CancelPayment(context.Background(), &pb.CancelPaymentRequest{Name: p.GetName(), RequestId: r.GetRequestId()})
		if info := d.refused(err, pb.ErrorReason_ERROR_REASON_REQUEST_ID_REUSED); info.GetMetadata()["name"] != first.GetName() {
			t.Fatalf("metadata %v", info.GetMetadata())
		}
	})
}

func TestARefundThatTheGatewaySettlesLaterIsPendingAndReserved(t *testing.T) {
	behind(t, func(d *door) {
		p := d.charged()
		d.kaspi.refund = providers.Result{Verdict: providers.Pending, Reason: providers.Processing}
		r, err := d.refund(p, 100000)
		d.must(err)
		if r.GetState() != pb.Refund_STATE_PENDING || r.GetStateReason() != pb.Reason_REASON_PROCESSING {
			t.Fatalf("%v", r)
		}
		_, err = d.refund(p, 50001)
		d.refused(err, pb.ErrorReason_ERROR_REASON_REFUND_EXCEEDS_PAID)
		if after := d.get(p.GetName()); after.GetRefunded().GetMinorUnits() != 0 {
			t.Fatalf("%v was given back already", after.GetRefunded())
		}
	})
}

func TestARefundThatTheGatewayRefusesFailsAndFreesItsAmount(t *testing.T) {
	behind(t, func(d *door) {
		p := d.charged()
		d.kaspi.refund = providers.Result{Verdict: providers.Declined, Reason: providers.Refused}
		r, err := d.refund(p, 150000)
		if err != nil || r.GetState() != pb.Refund_STATE_FAILED || r.GetStateReason() != pb.Reason_REASON_REFUSED {
			t.Fatalf("%v, error %v", r, err)
		}
		d.kaspi.refund = providers.Result{}
		if r, err = d.refund(p, 150000); err != nil || r.GetState() != pb.Refund_STATE_DONE {
			t.Fatalf("%v, error %v", r, err)
		}
	})
}

func TestRefundsThatTheGatewayCannotMakeAreRefused(t *testing.T) {
	behind(t, func(d *door) {
		p := d.create(qr(func(r *pb.CreatePaymentRequest) {
			r.Methods, r.Instrument = []pb.Method{pb.Method_METHOD_INSTRUMENT}, d.saved("halyk-main", "c-2")
		}))
		_, err := d.refund(p, 100)
		d.refused(err, pb.ErrorReason_ERROR_REASON_AMOUNT_UNSUPPORTED)
		_, err = d.payments.CreateRefund(context.Background(), &pb.CreateRefundRequest{Parent: p.GetName(), RequestId: newID(), Amount: &pb.Money{MinorUnits: 100, CurrencyCode: "USD"}})
		d.refused(err, pb.ErrorReason_ERROR_REASON_INVALID_AMOUNT)
		if got := fields(err); len(got) != 1 || got[0] != "amount.currency_code" {
			t.Fatalf("fields %v", got)
		}
	})
	behind(t, func(d *door) {
		p := d.charged()
		_, err := d.refund(p, 0)
		if info := d.refused(err, pb.ErrorReason_ERROR_REASON_NO_CAPABLE_GATEWAY); info.GetMetadata()["gateway"] != "gateways/kaspi-main" {
			t.Fatalf("metadata %v", info.GetMetadata())
		}
	}, func(_ *Options, ro *router.Options) {
		quiet := newBank("kaspi", func(c *providers.Claims) { c.Refund = providers.RefundClaims{} })
		ro.Gateways[0].Provider = silent{quiet}
	})
	behind(t, func(d *door) {
		p := d.charged()
		_, err := d.refund(p, 99)
		d.refused(err, pb.ErrorReason_ERROR_REASON_AMOUNT_UNSUPPORTED)
	}, func(_ *Options, ro *router.Options) {
		ro.Gateways[0].Provider = newBank("kaspi", func(c *providers.Claims) { c.Refund.Min = providers.Money{Minor: 100, Currency: "KZT"} })
	})
}

func TestAnUnpaidPaymentHasNothingToRefund(t *testing.T) {
	behind(t, func(d *door) {
		p := d.create(qr())
		_, err := d.refund(p, 0)
		if info := d.refused(err, pb.ErrorReason_ERROR_REASON_REFUND_EXCEEDS_PAID); info.GetMetadata()["refundable_minor_units"] != "0" {
			t.Fatalf("metadata %v", info.GetMetadata())
		}
		_, err = d.payments.GetRefund(context.Background(), &pb.GetRefundRequest{Name: p.GetName() + "/refunds/" + newID()})
		d.refused(err, pb.ErrorReason_ERROR_REASON_NOT_FOUND)
	})
}

func TestRefundsAreListedOldestFirstInPagesThatStandStill(t *testing.T) {
	behind(t, func(d *door) {
		p := d.charged()
		var want []string
		for range 5 {
			r, err := d.refund(p, 1000)
			d.must(err)
			want = append(want, r.GetName())
			time.Sleep(time.Second)
		}
		r := &pb.ListRefundsRequest{Parent: p.GetName(), PageSize: 2}
		for n := 0; ; {
			page, err := d.payments.ListRefunds(context.Background(), r)
			d.must(err)
			for _, refund := range page.GetRefunds() {
				if n < len(want) && refund.GetName() != want[n] {
					t.Fatalf("refund %d is %s, want %s", n, refund.GetName(), want[n])
				}
				n++
			}
			if page.GetNextPageToken() == "" {
				if n != 6 {
					t.Fatalf("%d refunds", n)
				}
				return
			}
			if n == 2 {
				_, err := d.refund(p, 1000) // added between two pages
				d.must(err)
			}
			r.PageToken = page.GetNextPageToken()
		}
	})
}
