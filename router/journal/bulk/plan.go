package bulk

import (
	"encoding/base32"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router/payment"
)

// Plan says what the books hold. The zero values of all but Payments and Until are usable.
type Plan struct {
	Payments int
	Until    time.Time // the instant up to which things have happened
	PerDay   int       // payments a day, default 10,000: larger books are older ones
}

const day = 24 * time.Hour

// Default fills what was left out.
func (p Plan) Default() Plan {
	if p.PerDay == 0 {
		p.PerDay = 10_000
	}
	p.Until = payment.Instant(p.Until)
	return p
}

func (p Plan) validate() error {
	switch {
	case p.Payments < 1:
		return errors.New("bulk: Plan.Payments: at least one is needed")
	case p.Until.IsZero():
		return errors.New("bulk: Plan.Until is required")
	case p.PerDay < 1 || p.PerDay > 1_000_000:
		return errors.New("bulk: Plan.PerDay: from 1 to 1,000,000")
	}
	return nil
}

// Terms are what the core went by, and what a store of these books must go by: gateways that
// sign their notices and take refunds.
func Terms() payment.Terms {
	return payment.Terms{Claims: func(string) providers.Claims {
		return providers.Claims{Webhook: providers.Signed, Refund: providers.RefundClaims{API: true, Partial: true, OwnID: true}}
	}}.Default()
}

// Tenants are the merchants of the books, the largest first.
func Tenants() []string { return []string{"shop", "market", "kiosk"} }

// Gateways are where the payments of the books went.
func Gateways() []string { return []string{"kaspi-main", "halyk-main", "wayforpay-main"} }

// tenant is whose payment n is: six of ten are of the first.
func tenant(n int) string {
	switch d := draw(n, "tenant") % 10; {
	case d < 6:
		return "shop"
	case d < 9:
		return "market"
	}
	return "kiosk"
}

// Payment names payment n of the books, from 0, the oldest, and its tenant.
func (p Plan) Payment(n int) (id, of string) { return p.id(n), tenant(n) }

// At is when payment n was opened. They are spread evenly, and less regular than a clock.
func (p Plan) At(n int) time.Time {
	p = p.Default()
	gap := day / time.Duration(p.PerDay)
	at := p.Until.Add(-time.Duration(p.Payments-n) * gap)
	return payment.Instant(at.Add(time.Duration(draw(n, "at") % uint64(max(gap, time.Microsecond)))))
}

// id is a UUID of version 7, as the router makes them: the millisecond first.
func (p Plan) id(n int) string {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:], uint64(p.At(n).UnixMilli())<<16)
	rest := draw(n, "id")
	b[6], b[7] = byte(rest)&0x0f|0x70, byte(rest>>8)
	binary.BigEndian.PutUint64(b[8:], draw(n, "id, second half"))
	b[8] = b[8]&0x3f | 0x80
	return uuidText(b)
}

// RequestID is the request id under which payment n was opened: a random UUID, as callers
// make them.
func RequestID(n int) string { return requestID(n, "create") }

func requestID(n int, kind string) string {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:], draw(n, "request "+kind))
	binary.BigEndian.PutUint64(b[8:], draw(n, "request, second half "+kind))
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return uuidText(b)
}

func uuidText(b [16]byte) string {
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// Order is the merchant's own number of payment n.
func Order(n int) string { return fmt.Sprintf("order-%d", n) }

var alphabet = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// letters is a name of 26 letters in the alphabet of references that are derived.
func letters(n int, what string) string {
	var b [17]byte
	for i := range 2 {
		binary.BigEndian.PutUint64(b[8*i:], draw(n, fmt.Sprint(what, i)))
	}
	return alphabet.EncodeToString(b[:])[:26]
}

// draw is a number that looks random and is always the same for the same payment and purpose.
func draw(n int, what string) uint64 {
	const offset, prime = 14695981039346656037, 1099511628211 // FNV-1a
	h := uint64(offset)
	for i := range len(what) {
		h = (h ^ uint64(what[i])) * prime
	}
	h += uint64(n) * 0x9e3779b97f4a7c15 // and the finish of splitmix64
	h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
	h = (h ^ h>>27) * 0x94d049bb133111eb
	return h ^ h>>31
}
