package payment_test

import (
	"testing"
	"time"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router/payment"
)

// typical payments, from the plainest to the longest that an ordinary day brings.
var typical = []struct {
	name string
	play func(*book)
}{
	{"direct charge", func(b *book) {
		b.plan(card)
		b.tell(of(amount, response(providers.Approved, "")))
	}},
	{"charge at the backup", func(b *book) {
		b.plan(card)
		b.tell(response(providers.Unserved, providers.NotSent))
		b.plan(backup)
		b.tell(on(2, of(amount, response(providers.Approved, ""))))
	}},
	{"QR paid at the fifth look", func(b *book) {
		b.plan(qr)
		b.tell(shown(time.Time{}))
		for range 4 {
			b.pass(20 * time.Second)
			b.tell(unpaid())
		}
		b.tell(of(amount, lookup(providers.Approved, "")))
	}},
	{"lost answer, found, refunded", func(b *book) {
		b.plan(card)
		b.tell(response(providers.Unknown, providers.Timeout))
		b.pass(time.Minute)
		b.tell(of(amount, lookup(providers.Approved, "")))
		b.tell(payment.RefundRequested{Refund: "f-1", RequestID: "r-2", Amount: amount})
		b.tell(done(b.operate(payment.OpRefund, amount.Minor), providers.Approved, ""))
	}},
}

// each runs a benchmark for every typical payment.
func each(b *testing.B, run func(*testing.B, *book)) {
	for _, c := range typical {
		b.Run(c.name, func(b *testing.B) {
			played := open(b)
			c.play(played)
			if got := played.p.Status(); got != payment.StatusPaid {
				b.Fatalf("came to %s", got)
			}
			b.ReportAllocs()
			run(b, played)
		})
	}
}

// BenchmarkFold reads a payment from its events, as every read of the journal does.
func BenchmarkFold(b *testing.B) {
	each(b, func(b *testing.B, played *book) {
		for b.Loop() {
			if _, err := payment.Fold(played.events); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkApply adds the last event to a payment.
func BenchmarkApply(b *testing.B) {
	each(b, func(b *testing.B, played *book) {
		last := len(played.events) - 1
		before, err := payment.Fold(played.events[:last])
		if err != nil {
			b.Fatal(err)
		}
		for b.Loop() {
			if _, err := before.Apply(played.events[last]); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkNext asks what is to be done now; of a payment that is over it is nothing.
func BenchmarkNext(b *testing.B) {
	each(b, func(b *testing.B, played *book) {
		terms := played.terms.Default()
		for b.Loop() {
			if s := played.p.Next(played.now, terms); s.Do != payment.Rest {
				b.Fatalf("the next step is %s", describe(s))
			}
		}
	})
}

// BenchmarkStatus computes what the caller sees.
func BenchmarkStatus(b *testing.B) {
	each(b, func(b *testing.B, played *book) {
		for b.Loop() {
			if s := played.p.Status(); s != payment.StatusPaid {
				b.Fatalf("status %s", s)
			}
		}
	})
}
