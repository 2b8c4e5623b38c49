package server

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/reflect/protoreflect"

	pb "github.com/payrouter/payrouter/proto/payrouter/v1"
)

func TestCardNumbersAreFoundHoweverTheyAreWritten(t *testing.T) {
	for _, text := range []string{
		"4111111111111111", "4111 1111 1111 1111", "4111-1111-1111-1111", "my card 4111111111111111, thanks",
		"4111\u00a01111\u00a01111\u00a01111", "4111–1111–1111–1111", "card:4111111111111111exp", "4111 1111 1111 1111 12 27",
		"order 12 4111 1111 1111 1111", "2026-11-24 4111111111111111", "４１１１１１１１１１１１１１１１", "٤١١١١١١١١١١١١١١١",
		"378282246310005", "3782 822463 10005", "5555555555554444", "2223003122003222", "6011111111111117", "3530111333300000",
		"30569309025904", "3056 930902 5904", "6200000000000005", "6304000000000000", "2200000000000004", "8600000000000007",
		"4222222222222", "6205 5000 0000 0000 004", "x+4111 1111 1111 1111",
	} {
		if !hasCardNumber(text) {
			t.Errorf("%q passed", text)
		}
	}
}

func TestWhatOnlyResemblesACardNumberPasses(t *testing.T) {
	for _, text := range []string{
		"", "order-7", "4111111111111112", "1234567890123452", // check digit, prefix
		"41111111111111111111", "40817810099910004312", // 20 digits: a bank reference, an account
		"+77011234567", "+378282246310005", // phones
		"550e8400-e29b-41d4-a716-446655440000", "12345678-1234-4234-8234-123456789012", "41111111-1111-1111-1111-111111111111",
		"d2f1c0a4111111111111111aa0b1c2d3e4f5a6b7c8d9e0f1a2b3c4d5e6f7a8b9", // a digest
		"2026-11-24 12:30:45", "1732451445123", "KZ86125KZT5004100100", "990101300123", // a time, milliseconds, an IBAN, an IIN
		"1.234.567.890,00", "4111 1111 1111", "411111111111", "4111/1111/1111/1111",
	} {
		if hasCardNumber(text) {
			t.Errorf("%q was taken for a card number", text)
		}
	}
}

// Every text of every request is looked at: a number put into any of them is refused,
// names its field, and leaves no trace.
func TestACardNumberInAnyTextOfAnyRequestIsRefusedAndForgotten(t *testing.T) {
	behind(t, func(d *door) {
		tried := 0
		for _, s := range services() {
			for i := range s.Methods().Len() {
				m := s.Methods().Get(i)
				eachText(m.Input(), "", nil, func(path string, fill func(protoreflect.Message)) {
					request, err := newMessage(m.Input())
					d.must(err)
					fill(request.ProtoReflect())
					tried++
					err = d.invoke(m, request)
					var info *errdetails.ErrorInfo
					for _, detail := range status.Convert(err).Details() {
						if found, ok := detail.(*errdetails.ErrorInfo); ok {
							info = found
						}
					}
					if info.GetReason() != "CARD_NUMBER_REFUSED" || info.GetMetadata()["field"] != path || !slices.Contains(fields(err), path) {
						t.Errorf("%s of %s: %v (%v)", path, m.Name(), err, info)
					}
					if text := fmt.Sprint(err, status.Convert(err).Details()); strings.Contains(text, "6397") {
						t.Errorf("%s of %s: the number comes back", path, m.Name())
					}
				})
			}
		}
		if tried < 50 {
			t.Errorf("only %d texts were tried", tried)
		}
		d.untouched()
		if strings.Contains(d.log.String(), "6397") {
			t.Error("a card number was logged")
		}
	})
}

// eachText visits every text field reachable from a message, with a function that
// fills it with a card number.
func eachText(m protoreflect.MessageDescriptor, prefix string, seen []protoreflect.FullName, visit func(path string, fill func(protoreflect.Message))) {
	const card = "4405 6397 0401 5096"
	if slices.Contains(seen, m.FullName()) {
		return
	}
	seen = append(seen, m.FullName())
	for i := range m.Fields().Len() {
		f := m.Fields().Get(i)
		path := prefix + string(f.Name())
		switch {
		case f.IsMap(): // only in answers' actions
		case f.Kind() == protoreflect.StringKind && f.IsList():
			visit(path+"[0]", func(r protoreflect.Message) { r.Mutable(f).List().Append(protoreflect.ValueOfString(card)) })
		case f.Kind() == protoreflect.StringKind:
			visit(path, func(r protoreflect.Message) { r.Set(f, protoreflect.ValueOfString(card)) })
		case f.Kind() == protoreflect.MessageKind && f.IsList():
			eachText(f.Message(), path+"[0].", seen, func(path string, fill func(protoreflect.Message)) {
				visit(path, func(r protoreflect.Message) { fill(r.Mutable(f).List().AppendMutable().Message()) })
			})
		case f.Kind() == protoreflect.MessageKind:
			eachText(f.Message(), path+".", seen, func(path string, fill func(protoreflect.Message)) {
				visit(path, func(r protoreflect.Message) { fill(r.Mutable(f).Message()) })
			})
		}
	}
}

func TestRequestIDsOfAllDigitsAreNoCardNumbers(t *testing.T) {
	behind(t, func(d *door) {
		p := d.create(qr(func(r *pb.CreatePaymentRequest) {
			r.RequestId, r.OrderId = "41111111-1111-4111-8111-111111111111", "40817810099910004312"
		}))
		if text, err := json.Marshal(p.GetOrderId()); err != nil || string(text) != `"40817810099910004312"` {
			t.Fatalf("%s, error %v", text, err)
		}
	})
}

func FuzzTextsNeverMakeTheCardScannerFail(f *testing.F) {
	f.Add("4111 1111 1111 1111")
	f.Add("+7 701 123-45-67 ４１")
	f.Fuzz(func(t *testing.T, text string) {
		found := hasCardNumber(text)
		if wrapped := hasCardNumber("(" + text + ")"); found != wrapped && !strings.ContainsAny(text, "+") {
			t.Fatalf("%q: %t, in brackets %t", text, found, wrapped)
		}
	})
}
