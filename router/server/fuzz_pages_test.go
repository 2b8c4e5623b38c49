package server

import (
	"bytes"
	"encoding/base64"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	pb "github.com/payrouter/payrouter/proto/payrouter/v1"

	"github.com/payrouter/payrouter/providers"
)

// A page token is taken back for the same list, filter and tenant, whatever the size of
// the page; changed in any byte, or used with anything else, it is refused.
func FuzzPageToken(f *testing.F) {
	f.Add("order-7", "gateways/kaspi-main", int64(0), "1700000000000000 0190a1b2-0000-7000-8000-000000000001", uint16(3), byte(1))
	f.Add("", "", int64(1700000000), "1 x", uint16(0), byte(0x80))
	f.Add("order-7", "", int64(-1), "1 x", uint16(60), byte(2)) // an empty time has a zero byte in the signed text
	f.Add("", "", int64(0), "", uint16(0), byte(0xff))
	s := &Server{options: Options{BodyKey: providers.NewSecret("a key for tests")}}
	shop, cafe := asTenant("shop"), asTenant("cafe")
	f.Fuzz(func(t *testing.T, order, gateway string, after int64, cursor string, position uint16, change byte) {
		r := &pb.ListPaymentsRequest{OrderId: strings.ToValidUTF8(order, ""), Gateway: strings.ToValidUTF8(gateway, "")}
		if after != 0 {
			r.CreateTimeAfter = &timestamppb.Timestamp{Seconds: after + 1}
		}
		token := s.pageToken(shop, r, cursor)
		same := proto.CloneOf(r)
		same.PageToken, same.PageSize = token, int32(position)
		if back, err := s.cursorOf(shop, same); err != nil || back != cursor {
			t.Fatalf("%q comes back as %q, %v", cursor, back, err)
		}
		if place, err := readTimeCursor(cursor); err == nil && cursor != "" {
			if again, err := readTimeCursor(timeCursor(place.Created, place.ID)); err != nil || again != place {
				t.Errorf("%q is %+v and then %+v, %v", cursor, place, again, err)
			}
		}
		if change != 0 {
			changed := []byte(token)
			changed[int(position)%len(changed)] ^= change
			same.PageToken = string(changed)
			// The last letter of base64 has bits that say nothing.
			if back, err := s.cursorOf(shop, same); err == nil && back != cursor && len(changed) > 0 {
				t.Errorf("changed to %q, it is %q", changed, back)
			}
		}

		other := proto.CloneOf(same)
		other.PageToken, other.OrderId = token, r.GetOrderId()+"x"
		if _, err := s.cursorOf(shop, other); err == nil {
			t.Error("it serves another filter")
		}
		same.PageToken = token
		if _, err := s.cursorOf(cafe, same); err == nil {
			t.Error("it serves another tenant")
		}
		if _, err := s.cursorOf(shop, &pb.ListRefundsRequest{PageToken: token}); err == nil {
			t.Error("it serves another list")
		}
		moved(t, s, r, cursor, token)
	})
}

// moved tries to move the beginning of the signed filter into the cursor, so that the
// same signature covers another filter.
func moved(t *testing.T, s *Server, r *pb.ListPaymentsRequest, cursor, token string) {
	t.Helper()
	text, err := proto.MarshalOptions{Deterministic: true}.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil {
		t.Fatal(err)
	}
	for i := range text {
		rest := &pb.ListPaymentsRequest{}
		if text[i] != 0 || proto.Unmarshal(text[i+1:], rest) != nil {
			continue
		}
		forged := append(bytes.Clone(raw[:signatureBytes]), cursor...)
		forged = append(append(forged, 0), text[:i]...)
		rest.PageToken = base64.RawURLEncoding.EncodeToString(forged)
		if back, err := s.cursorOf(asTenant("shop"), rest); err == nil {
			t.Errorf("a token for %v serves %v with the cursor %q", r, rest, back)
		}
	}
}

// A name has exactly one spelling: what is parsed is written the same, and is of one
// kind only.
func FuzzNames(f *testing.F) {
	const id, other = "0190a1b2-0000-7000-8000-000000000001", "0190a1b2-0000-7000-8000-000000000002"
	for _, name := range []string{paymentName(id), attemptName(id, 1), attemptName(id, 9999), refundName(id, other), instrumentName(id), gatewayName("kaspi-main"), overrideName("kaspi-main", id),
		anyGateway, "payments/" + strings.ToUpper(id), "payments/" + id + "/", "payments/" + id + "\n", "payments/" + id + "/attempts/01", "payments/" + id + "/attempts/+1",
		"//", "", "gateways/..", "gateways/a/overrides/" + id + "/x/y", `"1"`, `"01"`, `"-1"`, `W/"1"`, `"9223372036854775808"`} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		var written []string
		if id, ok := parsePayment(name); ok {
			written = append(written, paymentName(id))
		}
		if id, n, ok := parseAttempt(name); ok {
			written = append(written, attemptName(id, n))
		}
		if id, refund, ok := parseRefund(name); ok {
			written = append(written, refundName(id, refund))
		}
		if id, ok := parseInstrument(name); ok {
			written = append(written, instrumentName(id))
		}
		if gateway, ok := parseGateway(name); ok {
			written = append(written, gatewayName(gateway))
		}
		if gateway, id, ok := parseOverride(name); ok {
			written = append(written, overrideName(gateway, id))
		}
		if len(written) > 1 || len(written) == 1 && (written[0] != name || strings.ContainsAny(name, "\x00\n\r\t %?#\\") || len(name) > 150) {
			t.Errorf("%q is %q", name, written)
		}
		if version, ok := parseEtag(name); ok && (etag(version) != name || version <= 0) {
			t.Errorf("etag %q is version %d", name, version)
		}
		kindOf(name)
	})
}
