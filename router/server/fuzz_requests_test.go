package server

import (
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/timestamppb"

	pb "github.com/payrouter/payrouter/proto/payrouter/v1"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router/payment"
)

func asTenant(name string) context.Context {
	return context.WithValue(context.Background(), callKey{}, &call{who: actor{tenant: name}})
}

// requests lists the requests of every method.
func requests() []protoreflect.MessageDescriptor {
	var all []protoreflect.MessageDescriptor
	for _, s := range services() {
		for i := range s.Methods().Len() {
			all = append(all, s.Methods().Get(i).Input())
		}
	}
	return all
}

// Whatever bytes are sent to whatever method, they are judged without a panic, nothing
// of their texts comes back, and what passes is what the contract allows.
func FuzzRequests(f *testing.F) {
	all := requests()
	create, err := proto.Marshal(fixed())
	if err != nil {
		f.Fatal(err)
	}
	override, err := proto.Marshal(&pb.CreateOverrideRequest{Parent: "gateways/kaspi-main", RequestId: fixed().GetRequestId(), Override: &pb.Override{Mode: pb.Override_MODE_DRAIN, Reason: "tests"}})
	if err != nil {
		f.Fatal(err)
	}
	for i := range all {
		f.Add(uint8(i), create)
		f.Add(uint8(i), override)
		f.Add(uint8(i), []byte("\x0a\x244111 1111 1111 1111"))
		f.Add(uint8(i), []byte{})
		full, err := newMessage(all[i])
		if err != nil {
			f.Fatal(err)
		}
		fill(full.ProtoReflect())
		data, err := proto.Marshal(full)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(uint8(i), data)
	}
	f.Fuzz(func(t *testing.T, method uint8, data []byte) {
		request, err := newMessage(all[int(method)%len(all)])
		if err != nil {
			t.Fatal(err)
		}
		if proto.Unmarshal(data, request) != nil {
			return
		}
		if validate(request) == nil {
			allowed(t, request)
		}
		const canary = "<canary 5f1d0c>"
		mark(request.ProtoReflect(), canary)
		if err := validate(request); err != nil {
			if said := fmt.Sprint(err, status.Convert(err).Proto()); strings.Contains(said, canary) || len(said) > 64<<10 {
				t.Errorf("it comes back: %.500s", said)
			}
		}
	})
}

// fill puts something into every text, and an empty message into every message.
func fill(m protoreflect.Message) {
	for i := range m.Descriptor().Fields().Len() {
		switch f := m.Descriptor().Fields().Get(i); {
		case f.IsMap():
		case f.Kind() == protoreflect.StringKind && f.IsList():
			m.Mutable(f).List().Append(protoreflect.ValueOfString("x"))
		case f.Kind() == protoreflect.StringKind:
			m.Set(f, protoreflect.ValueOfString("x"))
		case f.Kind() == protoreflect.MessageKind && !f.IsList():
			fill(m.Mutable(f).Message())
		}
	}
}

// mark appends to every text.
func mark(m protoreflect.Message, canary string) {
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case f.IsMap():
		case f.Kind() == protoreflect.StringKind && f.IsList():
			for i := range v.List().Len() {
				v.List().Set(i, protoreflect.ValueOfString(v.List().Get(i).String()+canary))
			}
		case f.Kind() == protoreflect.StringKind:
			m.Set(f, protoreflect.ValueOfString(v.String()+canary))
		case f.Kind() == protoreflect.MessageKind && f.IsList():
			for i := range v.List().Len() {
				mark(v.List().Get(i).Message(), canary)
			}
		case f.Kind() == protoreflect.MessageKind:
			mark(v.Message(), canary)
		}
		return true
	})
}

// allowed checks what a payment that passed must be like.
func allowed(t *testing.T, request proto.Message) {
	t.Helper()
	r, ok := request.(*pb.CreatePaymentRequest)
	if !ok {
		return
	}
	_, known := providers.Exponent(r.GetAmount().GetCurrencyCode())
	minor := r.GetAmount().GetMinorUnits()
	if minor <= 0 || minor > 1_000_000_000_000_000 || !known || len(r.GetRequestId()) != 36 || len(r.GetMethods()) == 0 ||
		slices.Contains(r.GetMethods(), pb.Method_METHOD_UNSPECIFIED) || strings.Contains(r.GetCustomerId(), "@") || hasCardNumber(r.GetDescription()) ||
		r.GetSaveInstrument() && r.GetCustomerId() == "" || slices.Contains(r.GetMethods(), pb.Method_METHOD_INSTRUMENT) != (r.GetInstrument() != "") {
		t.Errorf("passed: %v", r)
	}
}

// An instant that passes fits the books: it comes back from them to the microsecond.
func FuzzInstants(f *testing.F) {
	for _, seconds := range []int64{0, -1, 1, 1700000000, 253402300799, 253402300800, -62135596800, 1 << 62, -1 << 63} {
		for _, nanos := range []int32{0, 1, 999, 1000, 999_999_999, 1_000_000_000, -1} {
			f.Add(seconds, nanos)
		}
	}
	f.Fuzz(func(t *testing.T, seconds int64, nanos int32) {
		sent := &timestamppb.Timestamp{Seconds: seconds, Nanos: nanos}
		v := &violations{}
		v.instant("deadline", sent)
		good := seconds >= 0 && seconds <= 253402300799 && nanos >= 0 && nanos < 1_000_000_000
		if passed := v.fault() == nil; passed != good {
			t.Fatalf("%d s %d ns passed: %t", seconds, nanos, passed)
		}
		if !good {
			return
		}
		at := payment.Instant(sent.AsTime())
		body, err := payment.EncodeBody(payment.Opened{Deadline: at})
		if err != nil {
			t.Fatal(err)
		}
		read, err := payment.DecodeBody("opened", body)
		if opened, ok := read.(payment.Opened); err != nil || !ok || !opened.Deadline.Equal(at) || !time.UnixMicro(at.UnixMicro()).Equal(at) ||
			instant(opened.Deadline).GetSeconds() != seconds || instant(opened.Deadline).GetNanos() != nanos/1000*1000 {
			t.Errorf("%d s %d ns comes back as %+v, %v", seconds, nanos, read, err)
		}
	})
}

// Two bodies share a hash if and only if they are the same by the contract: without
// request_id, with the default mode written out, with the gateways as a set.
func FuzzBodyHash(f *testing.F) {
	first, err := proto.MarshalOptions{Deterministic: true}.Marshal(fixed())
	if err != nil {
		f.Fatal(err)
	}
	for _, change := range []func(*pb.CreatePaymentRequest){
		func(*pb.CreatePaymentRequest) {},
		func(r *pb.CreatePaymentRequest) { r.RequestId = "" },
		func(r *pb.CreatePaymentRequest) { r.Gateways = append(r.Gateways, "gateways/a", r.GetGateways()[0]) },
		func(r *pb.CreatePaymentRequest) { r.Payer = &pb.Payer{} },
		func(r *pb.CreatePaymentRequest) { r.Payer = nil },
		func(r *pb.CreatePaymentRequest) { r.OrderId, r.CustomerId = "", r.GetOrderId() },
		func(r *pb.CreatePaymentRequest) { r.Amount.MinorUnits = -1 },
		func(r *pb.CreatePaymentRequest) { r.CaptureMode = pb.CaptureMode_CAPTURE_MODE_AUTOMATIC },
	} {
		r := fixed()
		change(r)
		other, err := proto.Marshal(r)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(first, other)
		f.Add(other, append(slices.Clone(first), other...)) // protobuf merges what comes twice
	}
	s := &Server{options: Options{BodyKey: providers.NewSecret("a key for tests")}}
	read := func(data []byte) *pb.CreatePaymentRequest {
		r := &pb.CreatePaymentRequest{}
		if (proto.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(data, r) != nil {
			return nil
		}
		return r
	}
	f.Fuzz(func(t *testing.T, a, b []byte) {
		one, two := read(a), read(b)
		if one == nil || two == nil {
			return
		}
		same := proto.Equal(canonical(one), canonical(two))
		if shared := s.bodyHash(one) == s.bodyHash(two); shared != same {
			t.Errorf("same %t, hash shared %t: %v and %v", same, shared, one, two)
		}
		again := proto.CloneOf(one)
		again.RequestId = "another"
		slices.Reverse(again.Gateways)
		again.Gateways = append(again.Gateways, again.GetGateways()...)
		if s.bodyHash(again) != s.bodyHash(one) {
			t.Errorf("another hash for the same body: %v", one)
		}
	})
}

// canonical is the body by the contract's words, written down a second time.
func canonical(r *pb.CreatePaymentRequest) *pb.CreatePaymentRequest {
	c := proto.CloneOf(r)
	c.RequestId = ""
	if c.GetCaptureMode() == 0 {
		c.CaptureMode = pb.CaptureMode_CAPTURE_MODE_AUTOMATIC
	}
	set := map[string]bool{}
	for _, gateway := range c.GetGateways() {
		set[gateway] = true
	}
	c.Gateways = nil
	for gateway := range set {
		c.Gateways = append(c.Gateways, gateway)
	}
	slices.Sort(c.Gateways)
	return c
}

// Whatever a sender writes into X-Forwarded-For, its address is the one that our own
// proxy saw; without a proxy of ours nothing in the header counts.
func FuzzForwardedFor(f *testing.F) {
	for _, left := range []string{"", "194.187.247.152", "10.0.0.1", "203.0.113.9:80, 10.0.0.1", "::1", "[::1]:80", "unknown", "for=194.187.247.152", ",,,", "194.187.247.152\r\nX: y", "::ffff:194.187.247.152"} {
		f.Add(left, "203.0.113.9", "10.0.0.7:443")
		f.Add(left, "194.187.247.152:80", "203.0.113.9:443")
		f.Add(left, "2001:db8::9", "[fd00::1%eth0]:443")
		f.Add(left, "10.1.1.1", "@")
	}
	s := &Server{}
	for _, text := range []string{"10.0.0.0/8", "fd00::/8"} {
		prefix, err := parseProxy(text)
		if err != nil {
			f.Fatal(err)
		}
		s.proxies = append(s.proxies, prefix)
	}
	f.Fuzz(func(t *testing.T, left, seen, peer string) {
		with := func(entries ...string) string {
			return s.source(&http.Request{RemoteAddr: peer, Header: http.Header{"X-Forwarded-For": entries}})
		}
		alone := s.source(&http.Request{RemoteAddr: peer})
		own, err := netip.ParseAddr(alone)
		if err != nil || !s.trusted(own) {
			if got := with(left, seen); got != alone {
				t.Errorf("%q by the header of %q", got, peer)
			}
			return
		}
		hop, ok := parseHop(strings.TrimSpace(seen))
		if !ok || s.trusted(hop) || strings.Contains(seen, ",") {
			return
		}
		if one, two := with(left, seen), with(left+","+seen); one != hop.String() || two != one {
			t.Errorf("%q and %q, but our proxy saw %q", one, two, hop)
		}
	})
}
