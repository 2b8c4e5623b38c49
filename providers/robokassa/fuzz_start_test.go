package robokassa

import (
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/payrouter/payrouter/providers"
)

// An address says what was asked for, under a signature that verifies, whatever the words.
func FuzzAddress(f *testing.F) {
	f.Add(int64(1500_50), order, "Order 1001", "https://shop.example.kz/back?a=1", "https://pay.example.kz/webhooks/r", int64(0), false)
	f.Add(int64(1), "1", "", "", "", int64(90), true)
	f.Add(int64(9_223_372_036_854_775_807), "9223372036854775806", "a:b&c=d#e", "x:y", "://", int64(61), true)
	f.Add(int64(-5), "0", "\x00\xff", "%zz", "/", int64(-1), false)
	f.Fuzz(func(t *testing.T, minor int64, number, words, back, notify string, left int64, hold bool) {
		synctest.Test(t, func(t *testing.T) {
			g, err := New(func() Config { c := least(); c.Holds = true; return c }(), Options{})
			if err != nil {
				t.Fatal(err)
			}
			c := charge(providers.Link)
			c.Ref.Amount, c.Ref.Order, c.Ref.TwoStage, c.Description, c.ReturnURL, c.NotifyURL = tenge(minor), number, hold, words, back, notify
			if left %= 100_000; left != 0 {
				c.Expires = time.Now().Add(time.Duration(left) * time.Second)
			}
			r := g.Charge(t.Context(), c)
			if r.Verdict == providers.Unserved && r.Reason == providers.Unsupported && r.Action == nil {
				if minor > 0 && isNumber(number) && number != probeNumber && (left == 0 || left > 61) {
					t.Errorf("it is refused: %v", r.Err)
				}
				return
			}
			if r.Verdict != providers.Pending || r.Action == nil || minor <= 0 || !isNumber(number) || left != 0 && r.Until.After(c.Expires) {
				t.Fatalf("it is %+v", r)
			}
			got := query(t, r.Action.URL)
			parts := []string{shop, got.Get("OutSum"), number}
			if hold {
				parts = append(parts, "true")
				if notify != "" {
					parts = append(parts, url.QueryEscape(got.Get("ResultUrl2")))
				}
			}
			if back != "" {
				parts = append(parts, url.QueryEscape(back), "GET", url.QueryEscape(back), "GET")
			}
			parts = append(parts, "sim-pass-1", "Shp_attempt="+attemptOf(c.Ref))
			if got.Get("SignatureValue") != byHand(parts...) || !amounts(got.Get("OutSum"), c.Ref.Amount) || got.Get("InvId") != number {
				t.Errorf("%v", got)
			}
			if about := got.Get("Description"); about == "" || !utf8.ValidString(about) || utf8.RuneCountInString(about) > 100 || strings.ContainsAny(about, "\x00\r\n") {
				t.Errorf("the payer reads %q", about)
			}
			if until, err := time.Parse(time.RFC3339, got.Get("ExpirationDate")); err != nil || !until.Equal(r.Until) {
				t.Errorf("it ends at %s, and says %s", got.Get("ExpirationDate"), r.Until)
			}
		})
	})
}
