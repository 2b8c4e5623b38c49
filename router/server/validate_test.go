package server

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/dynamicpb"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	pb "github.com/payrouter/payrouter/proto/payrouter/v1"
)

// services are those of ours, as the contract describes them.
func services() []protoreflect.ServiceDescriptor {
	return []protoreflect.ServiceDescriptor{
		pb.File_payrouter_v1_payments_proto.Services().Get(0), pb.File_payrouter_v1_operations_proto.Services().Get(0), pb.File_payrouter_v1_finance_proto.Services().Get(0),
		pb.File_payrouter_v1_disputes_proto.Services().Get(0),
		pb.File_payrouter_v1_compliance_proto.Services().Get(0), pb.File_payrouter_v1_audit_proto.Services().Get(0),
	}
}

// invoke calls any method with any request, and drops the answer.
func (d *door) invoke(m protoreflect.MethodDescriptor, request proto.Message) error {
	return invoke(context.Background(), d.conn, m, request)
}

func invoke(ctx context.Context, conn *grpc.ClientConn, m protoreflect.MethodDescriptor, request proto.Message) error {
	name := fullName(m)
	if !m.IsStreamingServer() {
		return conn.Invoke(ctx, name, request, dynamicpb.NewMessage(m.Output()))
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := conn.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true}, name)
	if err != nil {
		return err
	}
	if err := stream.SendMsg(request); err != nil {
		return err
	}
	if err := stream.CloseSend(); err != nil {
		return err
	}
	return stream.RecvMsg(dynamicpb.NewMessage(m.Output()))
}

// fullName is how grpc names a method.
func fullName(m protoreflect.MethodDescriptor) string {
	return "/" + string(m.Parent().FullName()) + "/" + string(m.Name())
}

func TestEveryMethodHasRulesForItsRequest(t *testing.T) {
	for _, s := range services() {
		for i := range s.Methods().Len() {
			input := s.Methods().Get(i).Input()
			m, err := newMessage(input)
			if err != nil {
				t.Fatal(err)
			}
			if !new(violations).rules(m) {
				t.Errorf("%s has no rules", input.FullName())
			}
		}
	}
}

func TestARequestOutOfShapeNamesItsFieldAndDoesNothing(t *testing.T) {
	money := func(units int64, currency string) *pb.Money {
		return &pb.Money{MinorUnits: units, CurrencyCode: currency}
	}
	create := func(change func(*pb.CreatePaymentRequest)) proto.Message { return qr(change) }
	name, long := paymentName(newID()), strings.Repeat("ы", 251)
	override := func(change func(*pb.CreateOverrideRequest)) proto.Message {
		r := &pb.CreateOverrideRequest{Parent: "gateways/kaspi-main", RequestId: newID(), Override: &pb.Override{Mode: pb.Override_MODE_DRAIN, Reason: "slow"}}
		change(r)
		return r
	}
	const (
		id       = pb.ErrorReason_ERROR_REASON_REQUEST_ID_REQUIRED
		amount   = pb.ErrorReason_ERROR_REASON_INVALID_AMOUNT
		currency = pb.ErrorReason_ERROR_REASON_UNKNOWN_CURRENCY
		field    = pb.ErrorReason_ERROR_REASON_INVALID_FIELD
		end      = pb.ErrorReason_ERROR_REASON_OVERRIDE_NEEDS_END
	)
	behind(t, func(d *door) {
		for what, c := range map[string]struct {
			request proto.Message
			reason  pb.ErrorReason
			fields  string
		}{
			"no request id":            {create(func(r *pb.CreatePaymentRequest) { r.RequestId = "" }), id, "request_id"},
			"a request id in words":    {create(func(r *pb.CreatePaymentRequest) { r.RequestId = "order-7" }), id, "request_id"},
			"the nil UUID":             {create(func(r *pb.CreatePaymentRequest) { r.RequestId = "00000000-0000-0000-0000-000000000000" }), id, "request_id"},
			"a UUID in braces":         {create(func(r *pb.CreatePaymentRequest) { r.RequestId = "{" + newID() + "}" }), id, "request_id"},
			"no amount":                {create(func(r *pb.CreatePaymentRequest) { r.Amount = nil }), amount, "amount"},
			"an amount of zero":        {create(func(r *pb.CreatePaymentRequest) { r.Amount = money(0, "KZT") }), amount, "amount.minor_units"},
			"a huge amount":            {create(func(r *pb.CreatePaymentRequest) { r.Amount = money(1e15+1, "KZT") }), amount, "amount.minor_units"},
			"a negative amount":        {create(func(r *pb.CreatePaymentRequest) { r.Amount = money(-1, "KZT") }), amount, "amount.minor_units"},
			"no currency":              {create(func(r *pb.CreatePaymentRequest) { r.Amount = money(1, "") }), currency, "amount.currency_code"},
			"a currency of nobody":     {create(func(r *pb.CreatePaymentRequest) { r.Amount = money(1, "XQX") }), currency, "amount.currency_code"},
			"a lower-case currency":    {create(func(r *pb.CreatePaymentRequest) { r.Amount = money(1, "kzt") }), currency, "amount.currency_code"},
			"a long order":             {create(func(r *pb.CreatePaymentRequest) { r.OrderId = strings.Repeat("ы", 65) }), field, "order_id"},
			"a line break":             {create(func(r *pb.CreatePaymentRequest) { r.OrderId = "a\nb" }), field, "order_id"},
			"a NUL":                    {create(func(r *pb.CreatePaymentRequest) { r.Description = "a\x00b" }), field, "description"},
			"no methods":               {create(func(r *pb.CreatePaymentRequest) { r.Methods = nil }), field, "methods"},
			"an unspecified method":    {create(func(r *pb.CreatePaymentRequest) { r.Methods = append(r.Methods, 0) }), field, "methods[1]"},
			"an unknown method":        {create(func(r *pb.CreatePaymentRequest) { r.Methods = append(r.Methods, 77) }), field, "methods[1]"},
			"a method twice":           {create(func(r *pb.CreatePaymentRequest) { r.Methods = append(r.Methods, r.Methods[0]) }), field, "methods[1]"},
			"an instrument for QR":     {create(func(r *pb.CreatePaymentRequest) { r.Instrument = instrumentName(newID()) }), field, "instrument"},
			"no instrument":            {create(func(r *pb.CreatePaymentRequest) { r.Methods = []pb.Method{pb.Method_METHOD_INSTRUMENT} }), field, "instrument"},
			"another thing's name":     {create(func(r *pb.CreatePaymentRequest) { r.Methods, r.Instrument = []pb.Method{6}, name }), field, "instrument"},
			"an e-mail for a customer": {create(func(r *pb.CreatePaymentRequest) { r.CustomerId = "aida@example.kz" }), field, "customer_id"},
			"a phone for a customer":   {create(func(r *pb.CreatePaymentRequest) { r.CustomerId = "+7 701 123-45-67" }), field, "customer_id"},
			"saving for nobody":        {create(func(r *pb.CreatePaymentRequest) { r.SaveInstrument = true }), field, "customer_id"},
			"a push to nobody":         {create(func(r *pb.CreatePaymentRequest) { r.Methods = []pb.Method{pb.Method_METHOD_PUSH} }), field, "payer.phone"},
			"a phone without a plus":   {create(func(r *pb.CreatePaymentRequest) { r.Payer = &pb.Payer{Phone: "87011234567"} }), field, "payer.phone"},
			"an e-mail with a name":    {create(func(r *pb.CreatePaymentRequest) { r.Payer = &pb.Payer{Email: "Aida <aida@example.kz>"} }), field, "payer.email"},
			"an address with a zone":   {create(func(r *pb.CreatePaymentRequest) { r.Payer = &pb.Payer{IpAddress: "fe80::1%eth0"} }), field, "payer.ip_address"},
			"a long name":              {create(func(r *pb.CreatePaymentRequest) { r.Payer = &pb.Payer{DisplayName: long} }), field, "payer.display_name"},
			"a long description":       {create(func(r *pb.CreatePaymentRequest) { r.Description = long }), field, "description"},
			"a relative URL":           {create(func(r *pb.CreatePaymentRequest) { r.ReturnUrl = "/back" }), field, "return_url"},
			"a script":                 {create(func(r *pb.CreatePaymentRequest) { r.ReturnUrl = "javascript:alert(1)" }), field, "return_url"},
			"a password in a URL":      {create(func(r *pb.CreatePaymentRequest) { r.ReturnUrl = "https://u:p@shop.example/" }), field, "return_url"},
			"an unknown capture mode":  {create(func(r *pb.CreatePaymentRequest) { r.CaptureMode = 9 }), field, "capture_mode"},
			"a time before 1970":       {create(func(r *pb.CreatePaymentRequest) { r.Deadline = &timestamppb.Timestamp{Seconds: -5} }), field, "deadline"},
			"a time that is none":      {create(func(r *pb.CreatePaymentRequest) { r.Deadline = &timestamppb.Timestamp{Nanos: -5} }), field, "deadline"},
			"a bare gateway":           {create(func(r *pb.CreatePaymentRequest) { r.Gateways = []string{"gateways/kaspi-main", "kaspi-main"} }), field, "gateways[1]"},
			"everything at once": {create(func(r *pb.CreatePaymentRequest) {
				r.RequestId, r.Amount, r.Methods, r.ReturnUrl = "", money(0, "?"), nil, "x"
			}), id, "request_id amount.minor_units amount.currency_code methods return_url"},

			"a payment's bare id":    {&pb.GetPaymentRequest{Name: newID()}, field, "name"},
			"a payment in capitals":  {&pb.GetPaymentRequest{Name: strings.ToUpper(name)}, field, "name"},
			"a payment of words":     {&pb.WatchPaymentRequest{Name: "payments/seven"}, field, "name"},
			"a place before all":     {&pb.WatchPaymentRequest{Name: name, AfterSequence: -1}, field, "after_sequence"},
			"a feed before all":      {&pb.WatchChangesRequest{AfterSequence: -1}, field, "after_sequence"},
			"a negative page":        {&pb.ListPaymentsRequest{PageSize: -1}, field, "page_size"},
			"a state of nobody":      {&pb.ListPaymentsRequest{State: 99}, field, "state"},
			"a filter on no gateway": {&pb.ListPaymentsRequest{Gateway: "kaspi"}, field, "gateway"},
			"a capture of nothing":   {&pb.CapturePaymentRequest{Name: name, RequestId: newID(), Amount: money(0, "KZT")}, amount, "amount.minor_units"},
			"a capture without id":   {&pb.CapturePaymentRequest{Name: name}, id, "request_id"},
			"a cancel's long reason": {&pb.CancelPaymentRequest{Name: name, RequestId: newID(), Reason: long}, field, "reason"},
			"a refund of no payment": {&pb.CreateRefundRequest{RequestId: newID(), Reason: long}, field, "parent reason"},
			"a refund's bare name":   {&pb.GetRefundRequest{Name: name}, field, "name"},
			"refunds of nothing":     {&pb.ListRefundsRequest{PageSize: -1}, field, "parent page_size"},
			"nobody's instruments":   {&pb.ListInstrumentsRequest{}, field, "customer_id"},
			"no instrument's name":   {&pb.GetInstrumentRequest{Name: "instruments/"}, field, "name"},
			"nothing to delete":      {&pb.DeleteInstrumentRequest{}, field, "name"},

			"a gateway's bare name":  {&pb.GetGatewayRequest{Name: "kaspi-main"}, field, "name"},
			"gateways backwards":     {&pb.ListGatewaysRequest{PageSize: -1}, field, "page_size"},
			"no order":               {&pb.CreateOverrideRequest{Parent: "gateways/kaspi-main", RequestId: newID()}, field, "override"},
			"no mode":                {override(func(r *pb.CreateOverrideRequest) { r.Override.Mode = 0 }), field, "override.mode"},
			"no reason":              {override(func(r *pb.CreateOverrideRequest) { r.Override.Reason = "  x  " }), field, "override.reason"},
			"no order's id":          {override(func(r *pb.CreateOverrideRequest) { r.RequestId = "" }), id, "request_id"},
			"moving without a drain": {override(func(r *pb.CreateOverrideRequest) { r.Override.Mode, r.Override.MoveOpen = pb.Override_MODE_ADMIT, true }), field, "override.move_open"},
			"an order for a week":    {override(func(r *pb.CreateOverrideRequest) { r.Override.Duration = &durationpb.Duration{Seconds: 86401} }), end, "override.duration"},
			"an order for no time":   {override(func(r *pb.CreateOverrideRequest) { r.Override.Duration = &durationpb.Duration{} }), end, "override.duration"},
			"an end of no override":  {&pb.EndOverrideRequest{Name: "gateways/kaspi-main", Etag: "1"}, field, "name etag"},
			"overrides of nothing":   {&pb.ListOverridesRequest{Parent: "gateways/*"}, field, "parent"},
			"a word about nothing":   {&pb.ResolveAttemptRequest{Name: name + "/attempts/0"}, field, "name verdict reason etag"},
			"a story of nothing":     {&pb.ExplainPaymentRequest{}, field, "name"},

			"a checklist of a bare gateway": {&pb.GetReadinessRequest{Gateway: "kaspi-main"}, field, "gateway"},
			"evidence of nothing":           {&pb.RecordEvidenceRequest{Gateway: "x", Item: "volume", Detail: strings.Repeat(long, 4)}, id, "gateway item reference detail reason request_id"},
			"records before all":            {&pb.ListAuditRecordsRequest{PageSize: -1, Actor: long, Act: long, Subject: strings.Repeat(long, 4)}, field, "page_size actor act subject"},
			"an anchor of nothing":          {&pb.VerifyAuditRequest{Anchor: "payrouter-audit-1 7"}, field, "anchor"},
			"evidence from nowhere":         {&pb.ListEvidenceRequest{PageSize: -1, Gateway: "x", Item: "Volume"}, field, "page_size gateway item"},
		} {
			err := d.call(c.request)
			st := status.Convert(err)
			if len(st.Details()) == 0 {
				t.Errorf("%s: %v", what, err)
				continue
			}
			info, _ := st.Details()[0].(*errdetails.ErrorInfo)
			got := fields(err)
			slices.Sort(got)
			want := strings.Fields(c.fields)
			slices.Sort(want)
			if info.GetReason() != reasonText(c.reason) || !slices.Equal(got, want) {
				t.Errorf("%s: reason %s, fields %v: %v", what, info.GetReason(), got, err)
			}
		}
		d.untouched()
	})
}

// call finds the method that takes the request.
func (d *door) call(request proto.Message) error {
	d.t.Helper()
	for _, s := range services() {
		for i := range s.Methods().Len() {
			if m := s.Methods().Get(i); m.Input().FullName() == request.ProtoReflect().Descriptor().FullName() {
				return d.invoke(m, request)
			}
		}
	}
	d.t.Fatalf("no method takes %T", request)
	return nil
}

func TestAMessageLargerThanTheServerReadsIsRefusedUndecoded(t *testing.T) {
	behind(t, func(d *door) {
		huge := qr(func(r *pb.CreatePaymentRequest) { r.Description = strings.Repeat("x", 1<<20) })
		_, err := d.payments.CreatePayment(context.Background(), huge)
		d.refused(err, pb.ErrorReason_ERROR_REASON_MESSAGE_TOO_LARGE)
		err = d.call(&pb.WatchPaymentRequest{Name: strings.Repeat("x", maxMessage)})
		d.refused(err, pb.ErrorReason_ERROR_REASON_MESSAGE_TOO_LARGE)
		huge.Description = strings.Repeat("x", 5<<20) // beyond what grpc reads at all
		if _, err := d.payments.CreatePayment(context.Background(), huge); status.Code(err) != codes.ResourceExhausted {
			t.Errorf("error %v", err)
		}
		d.untouched()
		if !strings.Contains(d.log.String(), "MESSAGE_TOO_LARGE") {
			t.Error("it was not logged")
		}
	})
}

func TestAMessageThatIsNoneIsRefused(t *testing.T) {
	behind(t, func(d *door) {
		for _, method := range []string{pb.Payments_CreatePayment_FullMethodName, pb.Operations_GetGateway_FullMethodName} {
			err := d.conn.Invoke(context.Background(), method, []byte{0x0a, 0xff}, &pb.Payment{}, grpc.ForceCodec(raw{}))
			if info := status.Convert(err).Details(); status.Code(err) != codes.InvalidArgument || len(info) == 0 {
				t.Fatalf("%s: %v", method, err)
			}
		}
		// Text that is not UTF-8 is no text.
		err := d.conn.Invoke(context.Background(), pb.Payments_GetPayment_FullMethodName, []byte{0x0a, 0x01, 0xff}, &pb.Payment{}, grpc.ForceCodec(raw{}))
		if !strings.Contains(err.Error(), "UTF-8") {
			t.Fatal(err)
		}
	})
}

// Where one message is all that may come, grpc has read two before it says that the second is
// one too many. The note about the first must not stay: health checks need no identity, and
// whoever sent two without end would fill our memory.
func TestNoNoteStaysOfAMessageThatIsNoneBeforeOneTooMany(t *testing.T) {
	behind(t, func(d *door) {
		for _, method := range []string{grpc_health_v1.Health_Watch_FullMethodName, pb.Payments_WatchPayment_FullMethodName} {
			stream, err := d.conn.NewStream(context.Background(), &grpc.StreamDesc{ServerStreams: true, ClientStreams: true}, method, grpc.ForceCodec(raw{}))
			d.must(err)
			d.must(stream.SendMsg([]byte{0x0a, 0x01, 0xff}))
			d.must(stream.SendMsg([]byte{0x0a, 0x01, 0xff}))
			if err := stream.RecvMsg(&pb.Payment{}); status.Code(err) != codes.Internal {
				t.Errorf("%s: %v", method, err)
			}
		}
		synctest.Wait()
		d.server.unread.notes.Range(func(message, _ any) bool {
			t.Errorf("a note about a %T is kept", message)
			return true
		})
	})
}

// raw sends bytes as they are.
type raw struct{}

func (raw) Marshal(v any) ([]byte, error)      { return v.([]byte), nil }
func (raw) Unmarshal(data []byte, v any) error { return proto.Unmarshal(data, v.(proto.Message)) }
func (raw) Name() string                       { return "proto" }

func newMessage(d protoreflect.MessageDescriptor) (proto.Message, error) {
	t, err := protoregistry.GlobalTypes.FindMessageByName(d.FullName())
	if err != nil {
		return nil, err
	}
	return t.New().Interface(), nil
}

// logged reads the log's lines.
func (d *door) logged() []map[string]any {
	d.t.Helper()
	var lines []map[string]any
	for line := range bytes.Lines([]byte(d.log.String())) {
		var fields map[string]any
		d.must(json.Unmarshal(line, &fields))
		lines = append(lines, fields)
	}
	return lines
}
