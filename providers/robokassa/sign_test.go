package robokassa

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"net/url"
	"strings"
	"testing"
)

// The golden vectors of the notes, section 11. Where the password stands is marked with #n.
func TestSignaturesAreThoseOfTheGoldenVectors(t *testing.T) {
	const receipt = `%7B%22items%22%3A%5B%7B%22name%22%3A%22Order%201001%22%2C%22quantity%22%3A1%2C%22sum%22%3A1500.50%2C%22tax%22%3A%22none%22%7D%5D%7D`
	own := []parameter{{"Shp_order", "o1"}, {"Shp_attempt", "a1"}}
	for _, c := range []struct {
		what        string
		before      string
		password    int
		own         []parameter
		md5, sha256 string
	}{
		{"start", "sim-shop:1500.50:1001", 1, nil, "dee56bbaafbaa682ef250026ec10c5bf", "b167ae1c2cd9760aee14dcdce2c02cfef0c58199454f760e8322cb0a42c49b75"},
		{"start with own parameters", "sim-shop:1500.50:1001", 1, own, "8b6d8a96460bc95fe47cc26c786f6834", "ea2742b22b9b65546047d4bbc55a101d21f1148c054991c982b87e65ab9b2242"},
		{"start without a number", "sim-shop:1500.50:", 1, nil, "df08e24c8fbb51d6162ec99b7bd81f55", "8924a79734a00d2b144b22bf04838c99012bf4de7dd803e2c09c096555428cdd"},
		{"start of a hold", "sim-shop:1500.50:1002:true", 1, nil, "4bd23aa18b2ad2e1f5f22e13b34abbf4", "74f7a9e7d8bc3f389dfc1b8ee25eb9bd69bd74d94c06d30fe8704efef83973df"},
		{"start of a hold with ResultUrl2", "sim-shop:1500.50:1002:true:https%3A%2F%2Fpay.example.kz%2Fhook%2Frobokassa2", 1, nil,
			"135023014d0b3906f527cdaef7c1aa73", "3d7d25e27c092449d6f0bdd8422250d65998f0d2ce8a1c54e400738c35912884"},
		{"start with a receipt", "sim-shop:1500.50:1001:" + receipt, 1, nil, "eabdc126591ecf935bd80e8a09870a9f", "21fdf1451e5e20cdd99e049f1815f6e11f4bfc402a9087ea1f1d9d1b9a095532"},
		{"ResultURL", "1500.500000:1001", 2, nil, "62391c180edccdb4005884e43c8cdd59", "533513fba0368b1e41fddba0032bd85e5617888060d007b20fd5b93b4fa8e6e7"},
		{"ResultURL with own parameters", "1500.500000:1001", 2, own, "9b3d300fa900c0808ef2ae7fc3f1dd26", "86b68f9bd0b051d1bd2ecf9392a06f2deb68648cfd304a939aa17576ebae8a37"},
		{"SuccessURL", "1500.500000:1001", 1, nil, "037efd23429b8baf1827c09290dcdee9", "e8114b093d5be697d8822e53543708ce1d4a8621578b9ad0fc377715de7e7ffe"},
		{"OpStateExt", "sim-shop:1001", 2, nil, "2af637f7ed4f624234752659e21a8cd9", "eb2810900c8d890a9fd86b26cd85e29d220f1ac792cf733ce79e947994404764"},
		{"Confirm", "sim-shop:1500.50:1002", 1, nil, "750681ad223d8bc8baff34e9426220b2", "f1baa2f2fd2040fb85f78db85a404c1e90d9348890a5428f05bd0915af00d874"},
		{"Cancel", "sim-shop::1002", 1, nil, "df28d0e4797c128b20d9577460945d8f", "9b5c7a3522358f810ac96d9a37d3093a8bf3d0510d00d9a9a59db7f3daf9f486"},
		{"Recurring", "sim-shop:700.00:1003", 1, nil, "183a4cda621b981c5614664840a90120", "1786abed376c6cc60de1a02f450f023bd7877a6134b022e9395ff689faa2f03a"},
	} {
		m := message{before: strings.Split(c.before, ":"), own: c.own}
		for algorithm, golden := range map[string]string{"md5": c.md5, "sha256": c.sha256} {
			if got := m.sign(algorithm, secret(c.password)); got != golden {
				t.Errorf("%s by %s: %s, want %s", c.what, algorithm, got, golden)
			}
			for _, spelt := range []string{golden, strings.ToUpper(golden)} {
				if !m.verifies(algorithm, secret(c.password), spelt) {
					t.Errorf("%s by %s: %s does not verify", c.what, algorithm, spelt)
				}
			}
		}
	}
}

func TestEveryAlgorithmOfAShopSigns(t *testing.T) {
	m := message{before: []string{"1500.500000", "1001"}}
	for algorithm, golden := range map[string]string{
		"md5":       "62391c180edccdb4005884e43c8cdd59",
		"sha1":      "46ccba551789ed8e08cc83839875d131c466cfec",
		"sha256":    "533513fba0368b1e41fddba0032bd85e5617888060d007b20fd5b93b4fa8e6e7",
		"sha384":    "07cd1660e8c89110a1c9dc4909eb3d2df1bcd382d4aacb90a4da1165386ef884c1152c08106764307bb74e6b0e057a37",
		"sha512":    "15115f6bec6cfccb557aaf1f9f32ddc9f46ad6a41dfc7325385fb2d16026a4b82028fbe7be254090d1c029428e1a29731d1dec09a3e8417b2abe9321fd5a79d7",
		"ripemd160": "2479e4e779a333b747ebf19a5ffa505e93f341c6",
	} {
		if got := m.sign(algorithm, secret(2)); got != golden {
			t.Errorf("%s: %s, want %s", algorithm, got, golden)
		}
		for _, wrong := range []string{"", "0", golden[1:], golden + "00", "zz" + golden[2:], strings.Repeat("0", len(golden))} {
			if m.verifies(algorithm, secret(2), wrong) {
				t.Errorf("%s: %q verifies", algorithm, wrong)
			}
		}
	}
}

// The documentation's own sample, whose hash two clients agree on (notes, section 11).
func TestThePublishedSampleIsSigned(t *testing.T) {
	m := message{before: []string{"demo", "5.12", "5"}}
	if got := m.sign("md5", secretOf("securepass1")); got != "0d7a04ed253c24054aa1ac72871cdf8f" {
		t.Error(got)
	}
}

// The test vectors of RIPEMD-160's authors.
func TestRIPEMD160IsThatOfItsAuthors(t *testing.T) {
	h := hashes["ripemd160"]()
	for text, golden := range map[string]string{
		"":                           "9c1185a5c5e9fc54612808977ee8f548b2258d31",
		"a":                          "0bdc9d2d256b3ee9daae347be6f4dc835a467ffe",
		"abc":                        "8eb208f7e05d987a9b044a8e98c6b087f15a0bfc",
		"message digest":             "5d0689ef49d2fae572b881b123a85ffa21595f36",
		"abcdefghijklmnopqrstuvwxyz": "f71c27109c692c1b56bbdceb5b9d2865b3708dbc",
		"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq":       "12a053384a9c0c88e405a06c27dcf49ada62eb2b",
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789": "b0e20b6e3116640286ed3a87a5713079b21f5189",
		strings.Repeat("1234567890", 8):                                  "9b752e45573d4b39f4dbd3323cab82bf63326bfb",
		strings.Repeat("a", 1_000_000):                                   "52783243c1697bdbe16d37f97f68f08325dc1528",
	} {
		h.Reset()
		for piece := []byte(text); len(piece) > 0; piece = piece[min(len(piece), 1000):] {
			h.Write(piece[:min(len(piece), 1000)])
		}
		first := h.Sum([]byte("kept"))
		if got := hex.EncodeToString(first[4:]); got != golden || !bytes.HasPrefix(first, []byte("kept")) {
			t.Errorf("%.20q: %s, want %s", text, got, golden)
		}
		if again := h.Sum(nil); !bytes.Equal(again, first[4:]) {
			t.Errorf("%.20q: asking twice gives %x", text, again)
		}
	}
}

// The tokens of the notes, section 11.
func TestTokensAreThoseOfTheGoldenVectors(t *testing.T) {
	refund, err := token(refundHeader, newRefund{OpKey: key, RefundSum: "500.25"}, hashes["sha256"], secret(3))
	if golden := "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJPcEtleSI6IjExMTExMTExLTIyMjItMzMzMy00NDQ0LTU1NTU1NTU1NTU1NS1BYkNkRWZHaElqIiwiUmVmdW5kU3VtIjo1MDAuMjV9.rls6SlCa2g9Nk_HeHycihKjgWKYj9RdiSRoyiqC4ulc"; err != nil || refund != golden {
		t.Errorf("a refund is %s, %v", refund, err)
	}
	whole, err := token(refundHeader, map[string]string{"OpKey": key}, hashes["sha256"], secret(3))
	if golden := "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJPcEtleSI6IjExMTExMTExLTIyMjItMzMzMy00NDQ0LTU1NTU1NTU1NTU1NS1BYkNkRWZHaElqIn0.elgVcMyQtOPAhPwKD8ozAQdrF6dB10SFRAUPeGIXskM"; err != nil || whole != golden {
		t.Errorf("a refund of the whole is %s, %v", whole, err)
	}
	invoice := newInvoice{MerchantLogin: shop, InvoiceType: "OneTime", Culture: "ru", InvID: "1001", OutSum: "1500.50", Description: "Order 1001"}
	made, err := token(fmt.Sprintf(invoiceHeader, "MD5"), invoice, hashes["md5"], secretOf("sim-shop:sim-pass-1"))
	if golden := "eyJ0eXAiOiJKV1QiLCJhbGciOiJNRDUifQ.eyJNZXJjaGFudExvZ2luIjoic2ltLXNob3AiLCJJbnZvaWNlVHlwZSI6Ik9uZVRpbWUiLCJDdWx0dXJlIjoicnUiLCJJbnZJZCI6MTAwMSwiT3V0U3VtIjoxNTAwLjUwLCJEZXNjcmlwdGlvbiI6Ik9yZGVyIDEwMDEifQ.hA4BAJnmAgRKZ4cUSH_UgA"; err != nil || made != golden {
		t.Errorf("an invoice is %s, %v", made, err)
	}
}

func TestOwnParametersAreFoundInAnyCaseOfTheirPrefix(t *testing.T) {
	for name, own := range map[string]bool{"Shp_a": true, "shp_a": true, "SHP_a": true, "Shp_": false, "Shp": false, "XShp_a": false, "": false} {
		if isOwn(name) != own {
			t.Errorf("%q: %t", name, !own)
		}
	}
}

// query reads the fields of an address.
func query(t testing.TB, address string) url.Values {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	fields, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		t.Fatal(err)
	}
	return fields
}
