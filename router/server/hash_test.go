package server

import (
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	pb "github.com/payrouter/payrouter/proto/payrouter/v1"

	"github.com/payrouter/payrouter/providers"
)

func fixed() *pb.CreatePaymentRequest {
	return &pb.CreatePaymentRequest{RequestId: "0190a1b2-0000-7000-8000-000000000001", OrderId: "order-7", Amount: &pb.Money{MinorUnits: 150000, CurrencyCode: "KZT"},
		Methods: []pb.Method{pb.Method_METHOD_QR, pb.Method_METHOD_PAGE}, Payer: &pb.Payer{Phone: "+77011234567"}, Deadline: &timestamppb.Timestamp{Seconds: 1800000000},
		Gateways: []string{"gateways/kaspi-main", "gateways/halyk-main"}}
}

// Hashes are kept for years. Should this one change, every request that is repeated
// after the upgrade would look like another body, and be refused.
func TestTheHashOfABodyNeverChanges(t *testing.T) {
	s := &Server{options: Options{BodyKey: providers.NewSecret("a key for tests")}}
	const want = "7f32b7d441f5b8dbc1d8bc371c1fa97bf7f7b0258c0497c2d5a5495b7444003a"
	if got := s.bodyHash(fixed()); got != want {
		t.Errorf("hash %s, want %s", got, want)
	}
}

func TestTheHashTellsBodiesApartAndNothingElse(t *testing.T) {
	s := &Server{options: Options{BodyKey: providers.NewSecret("a key for tests")}}
	first := s.bodyHash(fixed())
	for name, change := range map[string]func(*pb.CreatePaymentRequest){
		"the request id":   func(r *pb.CreatePaymentRequest) { r.RequestId = newID() },
		"the default mode": func(r *pb.CreatePaymentRequest) { r.CaptureMode = pb.CaptureMode_CAPTURE_MODE_AUTOMATIC },
		"the gateways' order": func(r *pb.CreatePaymentRequest) {
			r.Gateways = []string{"gateways/halyk-main", "gateways/kaspi-main", "gateways/halyk-main"}
		},
	} {
		r := fixed()
		change(r)
		sent := proto.Clone(r)
		if s.bodyHash(r) != first {
			t.Errorf("%s makes another body", name)
		}
		if !proto.Equal(r, sent) {
			t.Errorf("%s: the request itself was changed", name)
		}
	}
	for name, change := range map[string]func(*pb.CreatePaymentRequest){
		"the amount":          func(r *pb.CreatePaymentRequest) { r.Amount.MinorUnits++ },
		"the currency":        func(r *pb.CreatePaymentRequest) { r.Amount.CurrencyCode = "USD" },
		"the order":           func(r *pb.CreatePaymentRequest) { r.OrderId = "order-8" },
		"the methods' order":  func(r *pb.CreatePaymentRequest) { r.Methods = []pb.Method{pb.Method_METHOD_PAGE, pb.Method_METHOD_QR} },
		"the payer's phone":   func(r *pb.CreatePaymentRequest) { r.Payer.Phone = "+77011234568" },
		"the deadline":        func(r *pb.CreatePaymentRequest) { r.Deadline.Nanos = 1 },
		"the capture mode":    func(r *pb.CreatePaymentRequest) { r.CaptureMode = pb.CaptureMode_CAPTURE_MODE_MANUAL },
		"the gateways":        func(r *pb.CreatePaymentRequest) { r.Gateways = r.Gateways[:1] },
		"an unknown addition": func(r *pb.CreatePaymentRequest) { r.ProtoReflect().SetUnknown([]byte{0xf8, 0x7f, 0x01}) },
	} {
		r := fixed()
		change(r)
		if s.bodyHash(r) == first {
			t.Errorf("%s makes no other body", name)
		}
	}
	other := &Server{options: Options{BodyKey: providers.NewSecret("another key")}}
	if other.bodyHash(fixed()) == first {
		t.Error("the key does not matter")
	}
	// Two kinds of request with the same fields are two bodies.
	capture := &pb.CapturePaymentRequest{Name: "payments/x", RequestId: newID()}
	cancel := &pb.CancelPaymentRequest{Name: "payments/x", RequestId: capture.GetRequestId()}
	if s.bodyHash(capture) == s.bodyHash(cancel) {
		t.Error("a capture is a cancel")
	}
}
