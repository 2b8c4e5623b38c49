package payment_test

import (
	"bytes"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router/payment"
)

// kinds are the names under which bodies are stored.
func kinds() []string {
	var names []string
	for _, body := range samples() {
		names = append(names, body.Kind())
	}
	return names
}

// What stands in the books is read or refused, never misread: a kind that nobody knows
// is refused, and what was read is written so that it is read as the same again.
func FuzzDecodeBody(f *testing.F) {
	for _, body := range samples() {
		data, err := payment.EncodeBody(body)
		if err != nil {
			f.Fatal(err)
		}
		for _, kind := range append(kinds(), "Opened", "opened ", "forgotten", "") {
			f.Add(kind, data)
		}
	}
	for _, data := range []string{"null", "{}", "[]", `{"attempt":1e0}`, `{"attempt":1}{}`, `{"verdict":5}`, `{"verdict":"sold"}`, `{"verdict":"Held"}`, `{"flow":"push","FLOW":"direct"}`,
		`{"until":"9999-12-31T23:59:59-12:00"}`, `{"amount":{"minor":1.5}}`, `{"amount":{"minor":9223372036854775808}}`, `{"action":{"fields":{"a":"\u0000\ud800"}}}`, `{"ask_in":"5s"}`, ""} {
		for _, kind := range kinds() {
			f.Add(kind, []byte(data))
		}
	}
	known := kinds()
	f.Fuzz(func(t *testing.T, kind string, data []byte) {
		body, err := payment.DecodeBody(kind, data)
		if !slices.Contains(known, kind) {
			if err == nil || body != nil {
				t.Fatalf("kind %q is read as %T", kind, body)
			}
			return
		}
		if err != nil {
			return
		}
		if body.Kind() != kind {
			t.Fatalf("a %s is read as a %s", kind, body.Kind())
		}
		written, err := payment.EncodeBody(body)
		if err != nil {
			t.Fatalf("%s was read from %q and cannot be written: %v", kind, data, err)
		}
		again, err := payment.DecodeBody(kind, written)
		if err != nil {
			t.Fatalf("%s was written and cannot be read: %v", written, err)
		}
		if twice, err := payment.EncodeBody(again); err != nil || !bytes.Equal(twice, written) {
			t.Errorf("%s is written as %s the second time, %v", written, twice, err)
		}
	})
}

// Whatever one event of the books says, it is applied or refused as not allowed; a fact
// about an attempt or an operation that exists is never refused (I5), and money taken by
// it is never more than it says (I4).
func FuzzEventAfterAHistory(f *testing.F) {
	for _, body := range samples() {
		data, err := payment.EncodeBody(body)
		if err != nil {
			f.Fatal(err)
		}
		for stage := range uint8(4) {
			f.Add(stage, body.Kind(), data)
		}
	}
	for _, data := range []string{`{"attempt":1,"source":"notice","verdict":"approved","amount":{"minor":-9223372036854775808,"currency":"KZT"}}`,
		`{"attempt":1,"source":"lookup","verdict":"held","amount":{"minor":9223372036854775807,"currency":"KZT"},"returned":{"minor":9223372036854775807,"currency":"KZT"}}`,
		`{"attempt":-1,"source":"?","verdict":"declined"}`, `{"attempt":9,"operation":-1,"op":"steal","amount":{"minor":1,"currency":"USD"}}`} {
		for _, kind := range []string{"observed", "operation_observed", "operation_planned", "refund_requested", "closed", "noted"} {
			for stage := range uint8(4) {
				f.Add(stage, kind, []byte(data))
			}
		}
	}
	f.Fuzz(func(t *testing.T, stage uint8, kind string, data []byte) {
		body, err := payment.DecodeBody(kind, data)
		if err != nil {
			return
		}
		b := open(t)
		if stage%4 > 0 {
			b.plan(card)
		}
		if stage%4 > 1 {
			b.tell(response(providers.Approved, providers.NoReason))
		}
		if stage%4 > 2 {
			b.tell(payment.RefundRequested{Refund: "rf-0", RequestID: "r-9", Amount: tenge(100)})
			b.operate(payment.OpRefund, 100)
		}
		before := b.p.Sums()
		next, err := b.p.Apply(payment.Event{At: b.now.Add(time.Second), Actor: "test", Body: body})
		if before != b.p.Sums() {
			t.Error("the payment itself was changed")
		}
		if err != nil {
			if fact, isFact := body.(payment.Observed); isFact && errors.Is(err, payment.ErrNotAllowed) && fact.Attempt == 1 && stage%4 > 0 {
				t.Errorf("a fact is refused: %v", err)
			}
			return
		}
		sums := next.Sums()
		if sums.Held < 0 || sums.Paid < 0 || sums.Surplus < 0 {
			t.Errorf("%+v after %s %s", sums, kind, data)
		}
		b.p = next
		b.settle()
		b.p.Next(b.now.Add(24*time.Hour), b.terms)
	})
}
