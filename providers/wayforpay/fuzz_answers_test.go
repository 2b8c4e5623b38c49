package wayforpay

import (
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/providers/providertest"
)

// What the reason codes prove, from the notes, section 6, a second time.
var (
	provesDecline = providertest.Words("1101 1102 1103 1104 1105 1106 1108 1114 1124 1125 1135 1142 1146")
	provesNoSale  = providertest.Words("1109 1110 1113 1115 1116 1117 1118 1120 1121 1130 1133 1137 1143 1147 1148 1149")
	refusesAct    = providertest.Words("1110 1118 1122 1123 1128 1130 1137 1141 4107") // for good
	putsOffAct    = providertest.Words("1109 1113 1115 1117 1121 1127 1136 1147 1148 1149")
	hasMoney      = providertest.Words("Approved Refunded RefundInProcessing WaitingAuthComplete")
)

// The operations that FuzzOperations drives.
const (
	byToken uint8 = iota
	byTokenInTwo
	byLink
	byQR
	lookToken
	lookTokenInTwo
	lookLink
	capturing
	refunding
	lookRefund
	voiding
	withdrawing
	probing
	operations
)

var (
	sum    = providers.Money{Minor: 25000, Currency: "UAH"}
	part   = providers.Money{Minor: 10000, Currency: "UAH"}
	before = providers.Money{Minor: 5000, Currency: "UAH"}
)

// attempt is what the operation is about.
func attempt(op uint8) providers.Ref {
	ref := providers.Ref{Order: "rec-rt1", Method: providers.Instrument, Amount: sum, TwoStage: op == byTokenInTwo || op == lookTokenInTwo || op == capturing || op == voiding}
	switch op {
	case byLink, lookLink, withdrawing:
		ref.Order, ref.Method = "rt1", providers.Link
	case byQR:
		ref.Order, ref.Method = "rt1", providers.QR
	}
	return ref
}

func operate(g *Gateway, t *testing.T, op uint8) providers.Result {
	ref := attempt(op)
	switch op {
	case lookToken, lookTokenInTwo, lookLink:
		return g.Lookup(t.Context(), ref)
	case capturing:
		return g.Capture(t.Context(), ref, sum)
	case refunding:
		return g.Refund(t.Context(), providers.Refund{Ref: ref, ID: "rf-1", Amount: part, Before: before})
	case lookRefund:
		return g.LookupRefund(t.Context(), providers.Refund{Ref: ref, ID: "rf-1", Amount: part, Before: before})
	case voiding, withdrawing:
		return g.Cancel(t.Context(), ref)
	case probing:
		return g.Probe(t.Context())
	}
	return g.Charge(t.Context(), providers.Charge{
		Ref: ref, Payer: providers.Payer{Phone: "+" + hisPhone, Email: hisEmail, Name: hisName, IP: "203.0.113.7"},
		Instrument: providers.Token{Value: providers.NewSecret(hisToken)}, Save: true, NotifyURL: "https://pay.example.kz/hooks/wayforpay",
	})
}

// Whatever comes back from any call, with any HTTP status: money, an end and a refusal
// are believed only from a signed answer about our order, amount and account, for the
// reasons that the notes list (I10, SAFETY section 4).
func FuzzOperations(f *testing.F) {
	for op := range operations {
		for _, status := range []uint16{200, 201, 204, 302, 400, 404, 429, 500, 503} {
			f.Add(op, status, uint8(1), "", "250", "UAH", "Approved", "1100", "", []byte(nil))
			f.Add(op, status, uint8(2), "", "250", "UAH", "Declined", "1101", "", []byte(nil))
		}
		for _, s := range [][2]string{{"Refunded", "1100"}, {"Voided", "1100"}, {"Expired", "1124"}, {"WaitingAuthComplete", "1100"}, {"Declined", "1127"},
			{"Declined", "1118"}, {"Declined", "1128"}, {"RefundInProcessing", "1138"}, {"InProcessing", "5100"}, {"Sold", "1100"}, {"", "1113"}} {
			f.Add(op, uint16(200), uint8(1), "", "250", "UAH", s[0], s[1], "150", []byte(nil))
			f.Add(op, uint16(200), uint8(2), "", "250", "UAH", s[0], s[1], "150", []byte(nil))
			f.Add(op, uint16(200), uint8(0), "", "250", "UAH", s[0], s[1], "", []byte(nil))
		}
		for _, state := range []string{"Approved", "Refunded", "Voided", "WaitingAuthComplete", "Declined"} {
			for shape := uint8(1); shape < 3; shape++ { // one thing wrong at a time
				f.Add(op, uint16(200), shape, "rt-2", "250.0", "UAH", state, "1100", "150", []byte(nil))
				f.Add(op, uint16(200), shape|8, "", "250.00", "UAH", state, "1100", "150", []byte(nil))
				f.Add(op, uint16(200), shape|4, "", "250", "USD", state, "1100", "150", []byte(nil))
				f.Add(op, uint16(200), shape|4, "", "251", "UAH", state, "1100", "150", []byte(nil))
			}
		}
		f.Add(op, uint16(200), uint8(0), "", "", "", "", "", "", []byte("<html>maintenance</html>"))
	}
	for code := 1100; code <= 1151; code++ {
		for op, shape := range map[uint8]uint8{byToken: 1, lookToken: 1, lookLink: 1, capturing: 2, refunding: 2, voiding: 2} {
			f.Add(op, uint16(200), shape, "", "250", "UAH", "Declined", strconv.Itoa(code), "", []byte(nil))
		}
	}
	w := &providertest.Scripted{}
	g := behind(f, w)
	f.Fuzz(func(t *testing.T, op uint8, status uint16, shape uint8, order, amount, currency, state, code, returned string, raw []byte) {
		op %= operations
		s := told{account: account, order: attempt(op).Order, amount: valid(amount), currency: valid(currency), auth: "541963",
			pan: "41****8217", state: valid(state), code: valid(code), returned: valid(returned)}
		if order != "" {
			s.order = valid(order)
		}
		if shape&8 != 0 {
			s.account = "another_merch"
		}
		signature := []string{"", s.eight(), s.four(), hmacMD5("nonsense")}[shape&3]
		body := s.body(signature, shape&4 != 0)
		if len(raw) > 0 {
			body, shape = raw, 0
		}
		answered := int(status % 1000)
		w.Answer = func(r *http.Request) (int, []byte) {
			kind := kindOf(r)
			if kind == "TRANSACTION_LIST" {
				return 200, []byte(`{"reasonCode":1100,"transactionList":[]}`)
			}
			if (op == voiding || op == withdrawing) && kind == "CHECK_STATUS" {
				seen := told{account: account, order: attempt(op).Order, amount: "250", currency: "UAH", state: "WaitingAuthComplete", code: "1100"}
				if op == withdrawing {
					seen.state, seen.code = "Created", "1131"
				}
				return 200, seen.body(seen.eight(), true)
			}
			return answered, body
		}
		began := time.Now()
		result := operate(g, t, op)
		discreet(t, result.Code, " ", result.Err)
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("it took %s", took)
		}
		switch {
		case answered != 200:
			if result.Verdict != providers.Unknown || result.Absent {
				t.Errorf("HTTP %d is %s, absent %t", answered, result.Verdict, result.Absent)
			}
			if answered >= 500 && result.Reason != providers.ServerError {
				t.Errorf("HTTP %d is Unknown for %s", answered, result.Reason)
			}
		case len(raw) > 0:
			unproved(t, op, result)
		default:
			composed(t, op, s, shape, result)
		}
	})
}

func valid(text string) string { return strings.ToValidUTF8(text, "?") }

// unproved: bytes without a signature may at most show that the gateway lives or that
// an invoice, which nobody has seen, came or went.
func unproved(t *testing.T, op uint8, r providers.Result) {
	t.Helper()
	switch {
	case op == byLink || op == byQR:
		if r.Verdict != providers.Unknown && r.Verdict != providers.Pending {
			t.Errorf("an invoice is %s", r.Verdict)
		}
	case op == probing || op == withdrawing:
		if r.Verdict == providers.Held {
			t.Error("an unsigned answer holds money")
		}
	case r.Verdict != providers.Unknown || r.Absent:
		t.Errorf("an unsigned answer proves %s, absent %t", r.Verdict, r.Absent)
	}
}

// composed holds the Result of a composed answer against the notes.
func composed(t *testing.T, op uint8, s told, shape uint8, r providers.Result) {
	t.Helper()
	if op == byLink || op == byQR || op == probing || op == withdrawing {
		unsigned(t, op, s, r)
		return
	}
	signed := shape&3 == 1
	switch op {
	case capturing:
		signed = shape&3 == 1 || shape&3 == 2
	case refunding, voiding:
		signed = shape&3 == 2
	}
	ours := signed && s.account == account && s.order == attempt(op).Order
	if !ours {
		if r.Verdict != providers.Unknown || r.Absent {
			t.Errorf("an answer that is not ours is %s, absent %t: %+v", r.Verdict, r.Absent, s)
		}
		return
	}
	switch op {
	case capturing, refunding, voiding:
		acted(t, op, s, r)
	case lookRefund:
		back := map[bool]int64{r.Verdict == providers.Approved: before.Minor + part.Minor, r.Absent: before.Minor}[true]
		if (r.Verdict == providers.Approved || r.Absent) && (!amounts(s.amount, sum) || s.currency != "UAH" || !hasMoney[s.state] ||
			!amounts(s.returned, providers.Money{Minor: back})) || r.Verdict == providers.Held || r.Verdict == providers.Declined || r.Verdict == providers.Unserved {
			t.Errorf("a refund is %s, absent %t, by %+v", r.Verdict, r.Absent, s)
		}
	default:
		stands(t, op, s, r)
	}
}

// tellsOfNoPayment are the statuses beside which "not found" is no contradiction.
var tellsOfNoPayment = map[string]bool{"": true, "Declined": true, "Created": true, "Expired": true}

// stands: a charge or a look at one.
func stands(t *testing.T, op uint8, s told, r providers.Result) {
	t.Helper()
	looked := op == lookToken || op == lookTokenInTwo || op == lookLink
	if r.Absent != (looked && s.code == "1127" && tellsOfNoPayment[s.state]) {
		t.Errorf("absent %t by %+v", r.Absent, s)
	}
	exact := amounts(s.amount, sum) && s.currency == "UAH"
	switch r.Verdict {
	case providers.Held, providers.Approved:
		less := attempt(op).TwoStage && s.state != "WaitingAuthComplete" && s.currency == "UAH" && r.Amount.Minor > 0 && r.Amount.Minor < sum.Minor
		named := amounts(s.amount, r.Amount)
		if op == lookTokenInTwo && exact && r.Verdict == providers.Approved {
			named = r.Amount == providers.Money{} // it may be what was held
		}
		if !exact && !less || !named || !hasMoney[s.state] || (r.Verdict == providers.Held) != (s.state == "WaitingAuthComplete") || s.code == "1127" {
			t.Errorf("%s of %s by %+v", r.Verdict, r.Amount, s)
		}
	case providers.Declined:
		ended := s.state == "Expired" || s.state == "Voided"
		if s.amount != "" && !exact || !ended && (op == lookLink || s.state != "Declined" || !provesDecline[s.code]) || s.code == "1127" {
			t.Errorf("declined by %+v", s)
		}
	case providers.Unserved:
		if s.amount != "" && !exact || op == lookLink || s.state != "Declined" || !provesNoSale[s.code] && !(looked && s.code == "1122") {
			t.Errorf("unserved by %+v", s)
		}
		if looked && r.Reason.AboutTheQuestion() {
			t.Errorf("a look that was answered is refused as %s by %+v", r.Reason, s)
		}
	}
}

// acted: a capture, a refund or a void.
func acted(t *testing.T, op uint8, s told, r providers.Result) {
	t.Helper()
	done := map[uint8]string{capturing: "Approved", refunding: "Refunded", voiding: "Voided"}[op]
	switch r.Verdict {
	case providers.Approved:
		other := op == capturing && (s.amount != "" && !amounts(s.amount, sum) || s.currency != "" && s.currency != "UAH")
		if s.state != done || s.code != "1100" && s.code != "4100" || other {
			t.Errorf("carried out by %+v", s)
		}
	case providers.Pending:
		if s.state != "RefundInProcessing" || op == capturing {
			t.Errorf("pending by %+v", s)
		}
	case providers.Declined:
		if s.state != "Declined" && s.state != "" || !refusesAct[s.code] && !(op == refunding && s.code == "1126") {
			t.Errorf("refused by %+v", s)
		}
	case providers.Unserved:
		if s.state != "Declined" && s.state != "" || !putsOffAct[s.code] {
			t.Errorf("not carried out by %+v", s)
		}
	case providers.Held:
		t.Errorf("held by %+v", s)
	}
}

// unsigned: what WayForPay does not sign, or what rests on nothing.
func unsigned(t *testing.T, op uint8, s told, r providers.Result) {
	t.Helper()
	switch {
	case r.Verdict == providers.Held, op != withdrawing && r.Verdict == providers.Declined:
		t.Errorf("%s by %+v", r.Verdict, s)
	case (op == byLink || op == byQR) && r.Verdict != providers.Unknown && (r.Verdict != providers.Pending || s.code != "1100" || r.Action == nil || r.Until.IsZero()):
		t.Errorf("an invoice is %s by %+v", r.Verdict, s)
	case op == probing && r.Verdict == providers.Approved && s.code != "1127":
		t.Errorf("alive by %+v", s)
	case op == withdrawing && r.Verdict == providers.Approved && s.code != "1100":
		t.Errorf("withdrawn by %+v", s)
	case op == withdrawing && r.Verdict == providers.Declined && !refusesAct[s.code], op == withdrawing && r.Verdict == providers.Unserved && !putsOffAct[s.code]:
		t.Errorf("a withdrawal is %s by %+v", r.Verdict, s)
	}
}
