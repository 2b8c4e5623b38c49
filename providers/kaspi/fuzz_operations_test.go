package kaspi

import (
	"cmp"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/providers/providertest"
)

// What the codes prove, from the notes, section 6, a second time.
var (
	offerRefused    = providertest.Words("-999 -10000 -1501 -1502 -1503 -14000002 -99000002 990000018 990000026 990000028 990000033")
	inviteRefused   = providertest.Words("-10000 -1401 -1404 -1501 -1502 -99000002 99000010 990000018 990000028 990000029 990000031 990000032")
	refundPutOff    = providertest.Words("-10000 -1501 -1502 -1601 -99000001 -99000002 -99000003 -99000011")
	refundRefused   = providertest.Words("-99000005 -99000020 990000018")
	withdrawRefused = providertest.Words("-10000 -1501 -99000001 -99000002 990000018")
	setUpRefused    = providertest.Words("-999 -10000 -1501 -1502 -1503 -14000002 -99000002 990000018 990000026")
)

// The operations that FuzzOperations drives.
const (
	byQR uint8 = iota
	byLink
	byPush
	lookQR
	lookPush
	withdrawingInvoice
	refunding
	lookRefund
	naming
	beginningReturn
	scanning
	listing
	probing
	tradePoints
	operations
)

var schemes = map[uint8]Scheme{beginningReturn: R2, scanning: R2, listing: R2}

func operate(g *Gateway, t *testing.T, op uint8) providers.Result {
	method := map[uint8]providers.Method{byLink: providers.Link, byPush: providers.Push, lookPush: providers.Push, withdrawingInvoice: providers.Push}[op]
	if method == "" {
		method = providers.QR
	}
	var r providers.Result
	switch op {
	case lookQR, lookPush:
		return g.Lookup(t.Context(), bought(method))
	case withdrawingInvoice:
		return g.Cancel(t.Context(), bought(method))
	case refunding:
		return g.Refund(t.Context(), refundOf(5000_00, 1000_00))
	case lookRefund:
		return g.LookupRefund(t.Context(), refundOf(5000_00, 1000_00))
	case naming:
		_, r = g.PayerName(t.Context(), "+"+hisPhone)
	case beginningReturn:
		r = g.BeginReturn(t.Context(), "rf-1")
	case scanning:
		_, r = g.ReturnScanned(t.Context(), "12911004518")
	case listing:
		_, r = g.Returnable(t.Context(), "12911004518")
	case probing:
		r = g.Probe(t.Context())
	case tradePoints:
		_, r = g.TradePoints(t.Context())
	default:
		r = g.Charge(t.Context(), charge(method))
	}
	return r
}

// Whatever comes back from any call, with any HTTP status: money and an end are
// believed only from an answer with our number and amount, and only for what the notes
// say (I10, SAFETY section 4).
func FuzzOperations(f *testing.F) {
	for op := range operations {
		for _, status := range []uint16{200, 201, 204, 205, 206, 302, 400, 401, 403, 404, 429, 500, 503} {
			f.Add(op, status, uint8(0), "0", "Processed", "15490.00", "15490", int32(180), "65", []byte(nil))
			f.Add(op, status, uint8(1), "-999", "", "", "", int32(0), "", []byte(nil))
		}
		for _, s := range [][2]string{{"0", "Error"}, {"0", "Wait"}, {"0", "Paid"}, {"0", "RemotePaymentCanceled"}, {"0", "CustomerIdentityObtained"}, {"0", "Sold"},
			{"-99000005", ""}, {"990000018", ""}, {"-1601", ""}, {"-99000020", ""}, {"77011234567", hisPhone}, {"1e2", desk}, {"", ""}} {
			f.Add(op, uint16(200), uint8(0), s[0], s[1], "15490", "14490.00", int32(180), "65", []byte(nil))
			f.Add(op, uint16(400), uint8(1), s[0], s[1], "15490", "9490.0", int32(-1), "", []byte(nil))
			f.Add(op, uint16(200), uint8(2|4), s[0], s[1], "1", "0", int32(1<<31-1), "2147483647", []byte(nil))
		}
		for _, state := range []string{"Processed", "Paid", "Error"} { // one thing wrong at a time
			f.Add(op, uint16(200), uint8(4), "0", state, "15490", "14490", int32(180), "65", []byte(nil))
			f.Add(op, uint16(200), uint8(4), "0", state, "15490", "9490", int32(180), "65", []byte(nil))
			f.Add(op, uint16(200), uint8(6), "0", state, "15490", "9490", int32(180), "65", []byte(nil))
			f.Add(op, uint16(200), uint8(0), "0", state, "15491", "15491", int32(180), "65", []byte(nil))
			f.Add(op, uint16(200), uint8(0), "0", state, "15490", "15491", int32(180), "65", []byte(nil))
		}
		f.Add(op, uint16(200), uint8(0), "", "", "", "", int32(0), "", []byte("<html>maintenance</html>"))
		f.Add(op, uint16(200), uint8(0), "", "", "", "", int32(0), "", []byte(`{"StatusCode":0,"Data":{"QrToken":"1","PaymentLink":"https://x/","QrPaymentId":1,"ExpireDate":"9999-12-31T23:59:59-12:00"}}`))
	}
	w := &providertest.Scripted{}
	f.Fuzz(func(t *testing.T, op uint8, status uint16, shape uint8, code, state, amount, left string, expires int32, window string, raw []byte) {
		op %= operations
		s := told{code: valid(code), state: valid(state), amount: valid(amount), left: valid(left), window: valid(window)}
		s.id = [4]string{"12911004518", "12911004518", "12911004519", ""}[shape>>1&3]
		if expires != 0 {
			s.expires = time.Now().Add(time.Duration(expires) * time.Second)
		}
		body, answered := s.body(shape&1 == 0, op == listing || op == tradePoints), int(status%1000)
		if len(raw) > 0 {
			body = raw
		}
		asked := 0
		w.Answer = func(*http.Request) (int, []byte) { asked++; return answered, body }
		through(t, w, cmp.Or(schemes[op], R3), func(g *Gateway) {
			began := time.Now()
			r := operate(g, t, op)
			discreet(t, r)
			if took := time.Since(began); took > 4*time.Second || asked > 2 {
				t.Errorf("it took %s and %d requests", took, asked)
			}
			if _, err := json.Marshal(r.Until); err != nil {
				t.Errorf("the books cannot keep %s", r.Until)
			}
			looks := op == lookQR || op == lookPush || op == lookRefund || op == scanning
			switch known := envelopeCode(answered, body); {
			case r.Verdict == providers.Held:
				t.Errorf("operation %d holds money", op)
			case !named[answered], known == "" && answered != 401 && answered != 403:
				if r.Verdict != providers.Unknown || r.Absent {
					t.Errorf("operation %d: HTTP %d with %q is %s, absent %t", op, answered, body, r.Verdict, r.Absent)
				}
			case answered == 401 || answered == 403:
				if r.Absent || r.Verdict != providers.Unknown && (r.Verdict != providers.Unserved || r.Reason != providers.Misconfigured || looks) {
					t.Errorf("operation %d: HTTP %d is %s %s", op, answered, r.Verdict, r.Reason)
				}
			case len(raw) == 0:
				composed(t, op, answered, known, s, r)
			}
		})
	})
}

// named are the HTTP statuses whose body the notes say anything of.
var named = map[int]bool{200: true, 400: true, 401: true, 403: true, 429: true}

func valid(text string) string { return strings.ToValidUTF8(text, "?") }

// envelopeCode is the StatusCode of a readable answer, else nothing. It reads the
// envelope another way than the adapter does.
func envelopeCode(status int, body []byte) string {
	if status == 204 || status == 304 {
		return ""
	}
	var fields map[string]json.RawMessage
	if json.Unmarshal(body, &fields) != nil {
		return ""
	}
	for name, value := range fields {
		if !strings.EqualFold(name, "StatusCode") {
			continue
		}
		if n, err := strconv.ParseInt(strings.Trim(string(value), `"`), 10, 64); err == nil {
			return strconv.FormatInt(n, 10)
		}
		if strings.Contains(string(value), `\`) {
			return "escaped"
		}
	}
	return ""
}

// composed holds the Result of a readable answer against the notes.
func composed(t *testing.T, op uint8, status int, code string, s told, r providers.Result) {
	t.Helper()
	fine := status == 200 && code == "0"
	bad := false
	switch op {
	case byQR, byLink, byPush:
		refused := map[bool]map[string]bool{true: inviteRefused, false: offerRefused}[op == byPush]
		ended := op != byPush && !s.expires.After(time.Now().Add(-time.Minute))
		bad = r.Verdict.HasMoney() || r.Verdict == providers.Declined || r.Verdict == providers.Unserved && !refused[code] ||
			r.Verdict == providers.Pending && (!fine || s.id == "" || r.External != s.id || r.Action == nil || ended || r.Until.Before(s.expires.Truncate(time.Second)) && op != byPush || r.Until.After(time.Now().Add(farthest)))
	case lookQR, lookPush:
		seen(t, fine, s, r)
	case withdrawingInvoice:
		bad = r.Verdict == providers.Approved && (!fine || s.state != "RemotePaymentCanceled") || r.Verdict == providers.Declined || r.Verdict == providers.Pending ||
			r.Verdict == providers.Unserved && !withdrawRefused[code]
	case refunding:
		bad = r.Verdict == providers.Approved && (!fine || s.id == "") || r.Verdict == providers.Pending || r.Verdict == providers.Declined && !refundRefused[code] ||
			r.Verdict == providers.Declined && code == "-99000005" || // no details came that show it
			r.Verdict == providers.Unserved && !refundPutOff[code]
	case lookRefund:
		ours := fine && s.id == "12911004518" && amounts(s.amount, price.Minor)
		bad = r.Verdict == providers.Approved && !(ours && amounts(s.left, price.Minor-6000_00)) || r.Absent && !(ours && amounts(s.left, price.Minor-1000_00)) ||
			r.Verdict != providers.Approved && r.Verdict != providers.Unknown
	case scanning:
		bad = r.Verdict == providers.Approved || r.Verdict == providers.Unserved || r.Verdict == providers.Declined && (!fine || s.state != "Error")
	default:
		bad = r.Verdict == providers.Declined || r.Verdict == providers.Approved && !fine || r.Verdict == providers.Unserved && !setUpRefused[code] && !inviteRefused[code]
	}
	if bad {
		t.Errorf("operation %d is %s %s, absent %t, by HTTP %d and %+v", op, r.Verdict, r.Reason, r.Absent, status, s)
	}
}

// seen: payment/status, and payment/details with the same Data.
func seen(t *testing.T, fine bool, s told, r providers.Result) {
	t.Helper()
	exact := amounts(s.amount, price.Minor)
	other := s.id != "" && s.id != "12911004518" && s.amount != "" && s.left != ""
	bad := r.Absent || r.Verdict == providers.Unserved || !fine && r.Verdict != providers.Unknown
	switch r.Verdict {
	case providers.Approved:
		surely := exact && s.id == "12911004518" && s.left != ""
		bad = bad || s.amount != "" && !exact || s.state != "Processed" && !(providertest.Words("Paid RemotePaymentPaid")[s.state] && surely) ||
			!r.Returned.IsZero() && !amounts(s.left, price.Minor-r.Returned.Minor)
		if other && exact && providertest.Decimal.MatchString(s.left) && !strings.HasPrefix(s.left, "-") && r.Returned.Currency != "" {
			bad = true // the sums of another purchase
		}
	case providers.Declined:
		bad = bad || !providertest.Words("Error RemotePaymentCanceled")[s.state] || s.amount != "" && !exact && !amounts(s.amount, 0)
	}
	if bad {
		t.Errorf("a look-up is %s %s, absent %t, returned %s, by %+v", r.Verdict, r.Reason, r.Absent, r.Returned, s)
	}
}
