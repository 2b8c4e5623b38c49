package sim

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

func FuzzRobokassaSumsAreExactOrRefused(f *testing.F) {
	for _, seed := range []string{"1500.50", "1500.500000", "0", "0.00", "-1.00", "1,5", "1e2", "1500.505", "1500.5000001", "999999999999999.99", "", "."} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		minor, err := robokassaMinor(text)
		if err != nil {
			return
		}
		if again, err := robokassaMinor(robokassaLong(minor)); err != nil || again != minor || minor <= 0 {
			t.Errorf("%q is %d, and that is %d: %v", text, minor, again, err)
		}
		if strings.ContainsAny(text, "eE+-, ") {
			t.Errorf("%q is a sum", text)
		}
	})
}

func FuzzRobokassaNumbersAreIntegersAboveZero(f *testing.F) {
	for _, seed := range []string{"1", "0", "9223372036854775807", "9223372036854775808", "-1", "+1", "007", "1.0", "", "١"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		number, ok := robokassaNumber(text)
		if ok && strings.TrimLeft(text, "0") != number {
			t.Errorf("%q is %q", text, number)
		}
	})
}

// roboGoldenRefund is the token of the notes, section 11.
const roboGoldenRefund = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJPcEtleSI6IjExMTExMTExLTIyMjItMzMzMy00NDQ0LTU1NTU1NTU1NTU1NS1BYkNkRWZHaElqIiwiUmVmdW5kU3VtIjo1MDAuMjV9.rls6SlCa2g9Nk_HeHycihKjgWKYj9RdiSRoyiqC4ulc"

func FuzzRobokassaBelievesNoChangedToken(f *testing.F) {
	f.Add(roboGoldenRefund)
	f.Add(roboGoldenRefund[:len(roboGoldenRefund)-1] + "d") // the last character has bits to spare
	f.Add("eyJhbGciOiJub25lIn0.e30.")
	f.Add("a.b.c")
	f.Fuzz(func(t *testing.T, token string) {
		got, err := readRobokassaJWT(token)
		if good := err == nil && got.signedBy(robokassaPassword3, robokassaRefundAlgs); good != (token == roboGoldenRefund) {
			t.Errorf("%q is believed: %t", token, good)
		}
	})
}

func FuzzRobokassaOpensNothingButWhatIsSigned(f *testing.F) {
	f.Add("1500.50", "1001", "a1", "o1", "")
	f.Add("1500.5", "1001", "a1", "o1", "")
	f.Add("1500.50", "01001", "a1", "o1", "")
	f.Add("1500.50", "1001", "a1:Shp_order=o1", "", "")
	f.Add("1500.50", "1001", "a1", "o1", "USD")
	f.Fuzz(func(t *testing.T, sum, number, attempt, order, currency string) {
		r, ok := Robokassa(RobokassaOptions{}).(*robokassa)
		if !ok {
			t.Fatal("the face is another one")
		}
		b := New(Options{}, r)
		defer b.Close()
		q := url.Values{
			"MerchantLogin": {"sim-shop"}, "OutSum": {sum}, "InvId": {number}, "Shp_attempt": {attempt}, "Shp_order": {order},
			"OutSumCurrency": {currency}, "SignatureValue": {"8b6d8a96460bc95fe47cc26c786f6834"},
		}
		err := r.Open("http://robokassa.invalid/Merchant/Index.aspx?" + q.Encode())
		// The values are joined, so that a colon within one of them can move where it ends. The sum and the number are digits.
		signed := strings.Join([]string{sum, number}, ":") == "1500.50:1001" && "Shp_attempt="+attempt+":Shp_order="+order == "Shp_attempt=a1:Shp_order=o1"
		if (err == nil) != (signed && currency == "") {
			t.Errorf("%q opens with %v", q.Encode(), err)
		}
	})
}

// FuzzRobokassaSurvivesEveryRequest: whatever arrives, it is answered, and no money moves.
func FuzzRobokassaSurvivesEveryRequest(f *testing.F) {
	for _, route := range robokassaRoutes() {
		f.Add(route.path, "MerchantLogin=sim-shop&OutSum=1500.50&InvId=1001&SignatureValue=dee56bbaafbaa682ef250026ec10c5bf", "application/jwt")
		f.Add(route.path+"x", `"`+roboGoldenRefund+`"`, "application/json")
	}
	f.Fuzz(func(t *testing.T, path, body, contentType string) {
		b := New(Options{}, Robokassa(RobokassaOptions{}))
		defer b.Close()
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			r := httptest.NewRequest(method, "/", strings.NewReader(body))
			r.URL.Path, r.URL.RawQuery = path, body
			r.Header.Set("Content-Type", contentType)
			w := httptest.NewRecorder()
			b.Handler("robokassa").ServeHTTP(w, r)
			if w.Code >= http.StatusInternalServerError {
				t.Errorf("%s %s answers %d", method, path, w.Code)
			}
		}
		if n := len(b.Ledger().Entries); n != 0 {
			t.Errorf("%d entries", n)
		}
	})
}
