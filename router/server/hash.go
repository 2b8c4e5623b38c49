package server

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	pb "github.com/payrouter/payrouter/proto/payrouter/v1"
)

// bodyHash says whether two requests are the same: a keyed hash of the canonical body.
// It is kept beside the request id for as long as the payment, and the key keeps those
// who read the database from testing guesses of a phone number against it.
//
// The canonical body leaves out request_id, which names the request, and writes alike
// what means alike: no capture mode and AUTOMATIC, and the same gateways in any order.
// The rest is protobuf's deterministic form, fields in the order of their numbers; a
// test pins one hash, because a changed form would turn repeats into other bodies.
func (s *Server) bodyHash(request proto.Message) string {
	body := proto.Clone(request)
	clearFields(body, "request_id")
	if create, ok := body.(*pb.CreatePaymentRequest); ok {
		if create.GetCaptureMode() == pb.CaptureMode_CAPTURE_MODE_UNSPECIFIED {
			create.CaptureMode = pb.CaptureMode_CAPTURE_MODE_AUTOMATIC
		}
		slices.Sort(create.Gateways)
		create.Gateways = slices.Compact(create.Gateways)
	}
	return hex.EncodeToString(s.keyed("body", body))
}

// keyed is the MAC of a message, for one purpose.
func (s *Server) keyed(purpose string, m proto.Message, more ...string) []byte {
	text, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	if err != nil {
		// Only text that is not UTF-8 fails here, and such a request was never read.
		panic(err)
	}
	mac := hmac.New(sha256.New, []byte(s.options.BodyKey.Reveal()))
	words := append([]string{purpose, string(m.ProtoReflect().Descriptor().FullName())}, more...)
	mac.Write([]byte(strings.Join(words, "\x00")))
	mac.Write([]byte{0})
	mac.Write(text)
	return mac.Sum(nil)
}

func clearFields(m proto.Message, names ...protoreflect.Name) {
	r := m.ProtoReflect()
	for _, name := range names {
		if f := r.Descriptor().Fields().ByName(name); f != nil {
			r.Clear(f)
		}
	}
}
