package server

import (
	"context"
	"testing"
	"time"

	pb "github.com/payrouter/payrouter/proto/payrouter/v1"
)

func TestHeldMoneyIsCapturedOnceAndNeverBeyondTheHold(t *testing.T) {
	behind(t, func(d *door) {
		p := d.held()
		if p.GetHeld().GetMinorUnits() != 150000 || p.GetPaid().GetMinorUnits() != 0 || p.GetCaptureMode() != pb.CaptureMode_CAPTURE_MODE_MANUAL {
			t.Fatalf("%v", p)
		}
		capture := func(id string, units int64, currency string) (*pb.Payment, error) {
			return d.payments.CapturePayment(context.Background(), &pb.CapturePaymentRequest{Name: p.GetName(), RequestId: id, Amount: &pb.Money{MinorUnits: units, CurrencyCode: currency}})
		}
		_, err := capture(newID(), 150001, "KZT")
		if info := d.refused(err, pb.ErrorReason_ERROR_REASON_CAPTURE_EXCEEDS_HELD); info.GetMetadata()["held_minor_units"] != "150000" || info.GetMetadata()["currency_code"] != "KZT" {
			t.Fatalf("metadata %v", info.GetMetadata())
		}
		_, err = capture(newID(), 100, "USD")
		d.refused(err, pb.ErrorReason_ERROR_REASON_INVALID_AMOUNT)
		id := newID()
		for range 2 {
			captured, err := capture(id, 100000, "KZT")
			d.must(err)
			if captured.GetState() != pb.Payment_STATE_PAID || captured.GetPaid().GetMinorUnits() != 100000 || captured.GetHeld().GetMinorUnits() != 0 {
				t.Fatalf("%v", captured)
			}
		}
		_, err = capture(id, 100001, "KZT")
		if info := d.refused(err, pb.ErrorReason_ERROR_REASON_REQUEST_ID_REUSED); info.GetMetadata()["name"] != p.GetName() {
			t.Fatalf("metadata %v", info.GetMetadata())
		}
		_, err = capture(newID(), 1, "KZT")
		if info := d.refused(err, pb.ErrorReason_ERROR_REASON_PAYMENT_NOT_CAPTURABLE); info.GetMetadata()["state"] != "PAID" {
			t.Fatalf("metadata %v", info.GetMetadata())
		}
	})
}

func TestAPartThatTheGatewayCannotCaptureIsRefused(t *testing.T) {
	behind(t, func(d *door) {
		p := d.create(qr(func(r *pb.CreatePaymentRequest) {
			r.Methods, r.Instrument = []pb.Method{pb.Method_METHOD_INSTRUMENT}, d.saved("halyk-main", "c-2")
			r.CaptureMode = pb.CaptureMode_CAPTURE_MODE_MANUAL
		}))
		_, err := d.payments.CapturePayment(context.Background(), &pb.CapturePaymentRequest{Name: p.GetName(), RequestId: newID(), Amount: &pb.Money{MinorUnits: 100, CurrencyCode: "KZT"}})
		d.refused(err, pb.ErrorReason_ERROR_REASON_AMOUNT_UNSUPPORTED)
		whole, err := d.payments.CapturePayment(context.Background(), &pb.CapturePaymentRequest{Name: p.GetName(), RequestId: newID()})
		if err != nil || whole.GetPaid().GetMinorUnits() != 150000 {
			t.Fatalf("%v, error %v", whole, err)
		}
	})
}

func TestACanceledPaymentIsCanceledOnceItIsCertain(t *testing.T) {
	behind(t, func(d *door) {
		p := d.create(qr())
		r := &pb.CancelPaymentRequest{Name: p.GetName(), RequestId: newID(), Reason: "out of stock"}
		c, err := d.payments.CancelPayment(context.Background(), r)
		d.must(err)
		if c.GetCancelTime() == nil || c.GetState() == pb.Payment_STATE_CANCELED && c.GetAttempts()[0].GetExposed() {
			t.Fatalf("%v", c)
		}
		if c.GetState() != pb.Payment_STATE_CANCELED && c.GetResolution().GetResolveByTime() == nil {
			t.Fatal("nobody can tell when the cancellation is certain")
		}
		if c.GetAction() != nil {
			t.Fatal("a payer is still sent to pay")
		}
		time.Sleep(time.Minute)
		again, err := d.payments.CancelPayment(context.Background(), r)
		d.must(err)
		if again.GetState() != pb.Payment_STATE_CANCELED || again.GetReason() != pb.Reason_REASON_CANCELED_BY_CALLER || again.GetResolution().GetPayerAdvice() != pb.PayerAdvice_PAYER_ADVICE_PAY_AGAIN_SAFE {
			t.Fatalf("%v", again)
		}
		r.RequestId = newID()
		_, err = d.payments.CancelPayment(context.Background(), r)
		d.refused(err, pb.ErrorReason_ERROR_REASON_PAYMENT_NOT_CANCELABLE)
	})
}

func TestAPaidPaymentIsNotCanceled(t *testing.T) {
	behind(t, func(d *door) {
		p := d.charged()
		_, err := d.payments.CancelPayment(context.Background(), &pb.CancelPaymentRequest{Name: p.GetName(), RequestId: newID()})
		if info := d.refused(err, pb.ErrorReason_ERROR_REASON_PAYMENT_NOT_CANCELABLE); info.GetMetadata()["state"] != "PAID" {
			t.Fatalf("metadata %v", info.GetMetadata())
		}
	})
}

func TestAHoldIsReleasedByACancel(t *testing.T) {
	behind(t, func(d *door) {
		p := d.held()
		_, err := d.payments.CancelPayment(context.Background(), &pb.CancelPaymentRequest{Name: p.GetName(), RequestId: newID()})
		d.must(err)
		time.Sleep(time.Minute)
		c := d.get(p.GetName())
		if c.GetState() != pb.Payment_STATE_CANCELED || c.GetHeld().GetMinorUnits() != 0 || c.GetAttempts()[0].GetClosedBy()[0].GetKind() != pb.Evidence_KIND_VOIDED {
			t.Fatalf("%v", c)
		}
	})
}
