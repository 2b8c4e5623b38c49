package kaspi

import (
	"net/http"
	"net/netip"
	"net/url"
	"testing"

	"github.com/payrouter/payrouter/providers"
)

// The biller protocol is not signed: an agreed constant and the bank's address are all
// that authenticates it. Whatever byte of either is changed, the pay is no debit; and
// whatever else is changed, a debit says what its query says.
func FuzzChangedPay(f *testing.F) {
	for position := range uint16(100) {
		f.Add("15490.00", "4711", position, byte(1), uint8(0))
		f.Add("0.01", "004711", position, byte(0x20), uint8(position))
	}
	f.Add("1e3", "q3ncb5xeusdk7a2mzt4w", uint16(0), byte(0), uint8(0))
	f.Add("15490.00&sum=1", "1 ", uint16(0), byte(0), uint8(0))
	const secret = "steppe"
	g := listening(f, func(c *Config) { c.Biller.Secret = providers.NewSecret(secret) })
	bank := map[netip.Addr]bool{netip.MustParseAddr("194.187.247.152"): true, netip.MustParseAddr("194.187.245.108"): true}
	f.Fuzz(func(t *testing.T, sum, account string, position uint16, change byte, inSource uint8) {
		query := []byte("command=pay&txn_id=740012345679&account=" + account + "&sum=" + sum + "&txn_date=20261123140212&data1=" + secret)
		source := []byte(kaspiAddress)
		query[int(position)%len(query)] ^= change
		source[int(inSource)%len(source)] ^= inSource >> 4
		h := g.Hear(providers.Notice{Method: http.MethodGet, Path: "biller", Query: string(query), Source: string(source)})
		if h.Kind == providers.Fact || h.Kind == providers.Hint {
			t.Errorf("a query is a %s", h.Kind)
		}
		if h.Kind != providers.Debit {
			if h.Result != (providers.Result{}) {
				t.Errorf("a %s with %+v", h.Kind, h.Result)
			}
			return
		}
		address, err := netip.ParseAddr(string(source))
		if err != nil || !bank[address.Unmap().WithZone("")] {
			t.Errorf("a debit from %q", source)
		}
		values, err := url.ParseQuery(string(query))
		if err != nil || values.Get("data1") != secret || values.Get("command") != "pay" {
			t.Fatalf("a debit by %q", query)
		}
		for name, all := range values {
			if len(all) != 1 {
				t.Errorf("%s comes %d times", name, len(all))
			}
		}
		if !amounts(values.Get("sum"), h.Result.Amount.Minor) || h.Result.Amount.Minor <= 0 || h.Key != values.Get("txn_id") || len(h.Key) > 20 ||
			h.Ref.External != "" || h.Ref.Order != "" && !digits(h.Ref.Order) {
			t.Errorf("%q is heard as %+v", query, h)
		}
	})
}
