package halyk

import (
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/providers/providertest"
)

// What the codes prove, from the notes, section 6, a second time: only those that the
// bank marks as final settle anything by themselves.
var (
	provesDecline = providertest.Words(`459 455 473 499 500 503 877 457 471 472 478 485 501 522 462 463 466 480 487 490 495 521 523 527 2872
		465 467 479 481 482 483 489 492 524 525 468 484 486 488 491 2740 469 477 528 2357`)
	provesNoSale = providertest.Words("476 493 494 498 529 2678 464 470")
	failedNames  = providertest.Words("FAILED REJECT")
)

// The operations that FuzzOperations drives.
const (
	byCard uint8 = iota
	byPage
	byLink
	byQR
	lookCard
	lookPage
	lookQR
	capturing
	voiding
	refunding
	lookRefund
	forgetting
	probing
	operations
)

func asked(op uint8) providers.Ref {
	r := ref(map[uint8]providers.Method{byPage: providers.Page, lookPage: providers.Page, byLink: providers.Link, byQR: providers.QR, lookQR: providers.QR}[op])
	switch op {
	case lookQR:
		r.External = "BILL-1"
	case capturing, voiding, refunding, lookRefund:
		r.External = payment
	}
	if r.Method == "" {
		r.Method = providers.Instrument
	}
	return r
}

func operate(g *Gateway, t *testing.T, op uint8) providers.Result {
	r := asked(op)
	refund := providers.Refund{Ref: r, ID: "rf-1", Amount: tenge("5000"), Before: tenge("1000")}
	switch op {
	case lookCard, lookPage, lookQR:
		return g.Lookup(t.Context(), r)
	case capturing:
		return g.Capture(t.Context(), r, r.Amount)
	case voiding:
		return g.Cancel(t.Context(), r)
	case refunding:
		return g.Refund(t.Context(), refund)
	case lookRefund:
		return g.LookupRefund(t.Context(), refund)
	case forgetting:
		return g.Forget(t.Context(), providers.Token{Value: providers.NewSecret(hisCard)})
	case probing:
		return g.Probe(t.Context())
	}
	c := charge(r.Method)
	c.Ref = r
	return g.Charge(t.Context(), c)
}

// Whatever comes back from any call, with any HTTP status: money and an end are
// believed only from an answer about our number, amount and terminal, and only for what
// the notes call final (I10, SAFETY section 4).
func FuzzOperations(f *testing.F) {
	for op := range operations {
		for _, status := range []uint16{200, 201, 204, 302, 400, 401, 403, 404, 429, 500, 503} {
			f.Add(op, status, uint8(0), "15490", "", "KZT", "CHARGE", "0", "100", []byte(nil))
			f.Add(op, status, uint8(64), "15490.00", "0", "KZT", "FAILED", "484", "100", []byte(nil))
		}
		for _, s := range [][3]string{{"AUTH", "", "100"}, {"REFUND", "0", "100"}, {"CANCEL", "", "100"}, {"NEW", "", "107"}, {"3D", "455", "100"}, {"PAID", "ok", "100"},
			{"REJECTED", "484", "100"}, {"", "484", ""}, {"", "3225", ""}, {"", "1373", ""}, {"", "100", ""}, {"", "", "102"}, {"REJECT", "476", "101"}, {hisPhone, hisCard, hisPhone}} {
			f.Add(op, uint16(200), uint8(0), "15000", "490", "KZT", s[0], s[1], s[2], []byte(nil))
			f.Add(op, uint16(400), uint8(1), "15490", "", "KZT", s[0], s[1], s[2], []byte(nil))
			f.Add(op, uint16(200), uint8(4|16), "1", "", "USD", s[0], s[1], s[2], []byte(nil))
		}
		for _, state := range []string{"CHARGE", "AUTH", "FAILED", "CANCEL", "PAID"} { // one thing wrong at a time
			for _, shape := range []uint8{1, 2, 4, 8, 16, 32} {
				f.Add(op, uint16(200), shape, "15490", "", "KZT", state, "0", "100", []byte(nil))
			}
			f.Add(op, uint16(200), uint8(0), "15491", "", "KZT", state, "0", "100", []byte(nil))
			f.Add(op, uint16(200), uint8(0), "15490", "1", "KZT", state, "0", "100", []byte(nil))
			f.Add(op, uint16(200), uint8(0), "15490", "", "USD", state, "0", "100", []byte(nil))
		}
		f.Add(op, uint16(200), uint8(0), "", "", "", "", "", "", []byte("<html>maintenance</html>"))
	}
	for code := range providertest.Words("100 293 454 458 456 460 462 464 470 476 484 493 498 502 529 1373 1611 1612 3141 3225 3240 3298 3339 9999") {
		for _, op := range []uint8{byCard, byLink, capturing, refunding, lookCard, lookQR} {
			f.Add(op, uint16(400), uint8(0), "15490", "", "KZT", "FAILED", code, "", []byte(nil))
			f.Add(op, uint16(200), uint8(0), "15490", "", "KZT", "FAILED", code, "100", []byte(nil))
		}
	}
	w := &providertest.Scripted{}
	f.Fuzz(func(t *testing.T, op uint8, status uint16, shape uint8, amount, bonus, currency, state, code, result string, raw []byte) {
		op %= operations
		s := told{amount: valid(amount), bonus: valid(bonus), currency: valid(currency), state: valid(state), code: valid(code), result: valid(result)}
		s.number = [4]string{order, "261123004712", "", order}[shape&3]
		s.terminal = [4]string{terminal, "98120001", "", strings.ToUpper(terminal)}[shape>>2&3]
		s.id = [4]string{payment, "aa0b0a5e-9b7b-4a3b-8a3e-3a6f4d0b7c12", "", payment}[shape>>4&3]
		body, answered := s.body(shape&64 != 0), int(status%1000)
		if len(raw) > 0 {
			body = raw
		}
		w.Answer = func(r *http.Request) (int, []byte) {
			switch {
			case r.URL.Path == "/oauth2/token":
				return 200, []byte(`{"access_token":"ACCESS-TOKEN-1","expires_in":"7200","token_type":"Bearer"}`)
			case r.URL.Path == "/api/operations":
				return 200, []byte(`{"totalCount":0,"records":[]}`)
			case op == lookQR && r.URL.Path != "/api/qr":
				return 200, []byte(`{"resultCode":"102"}`)
			}
			return answered, body
		}
		through(t, w, func(g *Gateway) {
			began := time.Now()
			got := operate(g, t, op)
			discreet(t, got.Code, " ", got.Err)
			if took := time.Since(began); took > 4*time.Second {
				t.Errorf("it took %s", took)
			}
			if op == byPage { // the bank is asked for a token only
				return
			}
			undocumented := answered != 200 && answered != 400 && answered != 401 && answered != 403
			switch {
			case undocumented && (got.Verdict != providers.Unknown || got.Absent):
				t.Errorf("HTTP %d is %s, absent %t", answered, got.Verdict, got.Absent)
			case answered >= 500 && got.Reason != providers.ServerError:
				t.Errorf("HTTP %d is Unknown for %s", answered, got.Reason)
			case answered == 401 || answered == 403:
				if got.Absent || got.Verdict != providers.Unknown && (got.Verdict != providers.Unserved || got.Reason != providers.Misconfigured || looks(op)) {
					t.Errorf("HTTP %d is %s %s", answered, got.Verdict, got.Reason)
				}
			case answered == 200 || answered == 400:
				if len(raw) == 0 {
					composed(t, op, answered, s, got)
				} else if got.Verdict.HasMoney() && !strings.Contains(unescaped(raw), order) && op != lookQR && !acts(op) && op != probing {
					t.Errorf("money by %q", raw)
				}
			}
		})
	})
}

func looks(op uint8) bool {
	return op == lookCard || op == lookPage || op == lookQR || op == lookRefund
}
func acts(op uint8) bool {
	return op == capturing || op == voiding || op == refunding || op == forgetting
}

func valid(text string) string { return strings.ToValidUTF8(text, "?") }

// unescaped gives up on raw bodies that may spell our number by escapes.
func unescaped(raw []byte) string {
	if strings.Contains(string(raw), `\u`) {
		return order
	}
	return string(raw)
}

// plainCode is a code as the bank's own numbers: 0484 and 484 are one.
func plainCode(code string) string {
	if n, err := strconv.Atoi(code); err == nil {
		return strconv.Itoa(n)
	}
	return code
}

// composed holds the Result of a composed answer with HTTP 200 or 400 against the notes.
func composed(t *testing.T, op uint8, status int, s told, r providers.Result) {
	t.Helper()
	code := plainCode(s.code)
	fine := code == "" || code == "0" || code == "ok"
	switch {
	case op == byCard:
		chargeOf(t, status, s, code, fine, r)
	case op == byLink || op == byQR:
		if r.Verdict == providers.Pending && (status != 200 || !fine || op == byLink && s.number != order && s.number != "" || r.Until.IsZero() || r.Action == nil) ||
			r.Verdict == providers.Unserved && !provesDecline[code] && !provesNoSale[code] || r.Verdict.HasMoney() || r.Verdict == providers.Declined {
			t.Errorf("an offer is %s by HTTP %d and %+v", r.Verdict, status, s)
		}
	case acts(op):
		if r.Verdict == providers.Approved && (status != 200 || !fine) && !(op == forgetting && code == "1373") || r.Verdict == providers.Held ||
			r.Verdict == providers.Pending && code != "3225" || r.Verdict == providers.Declined && !provesDecline[code] && code != "3141" ||
			r.Verdict == providers.Unserved && !provesNoSale[code] {
			t.Errorf("an operation is %s by HTTP %d and %+v", r.Verdict, status, s)
		}
	case op == probing:
		if r.Verdict == providers.Approved && !providertest.Words("100 101 102 107")[s.result] {
			t.Errorf("alive by %+v", s)
		}
	case op == lookQR:
		seenQR(t, s, r)
	case op == lookRefund:
		// The registry has no rows, so neither can be proved of a second partial refund.
		if r.Verdict != providers.Unknown || r.Absent {
			t.Errorf("a refund is %s, absent %t, by %+v", r.Verdict, r.Absent, s)
		}
	default:
		seen(t, op, s, r)
	}
}

// chargeOf: the answer to a saved card's charge.
func chargeOf(t *testing.T, status int, s told, code string, fine bool, r providers.Result) {
	t.Helper()
	ours := s.number == order || s.number == ""
	here := s.terminal == "" || s.terminal == "98120001" || strings.EqualFold(s.terminal, terminal) // a number tells no terminal
	exact := total(s.amount, s.bonus, tenge("15490")) && s.currency == "KZT" && s.number == order && s.id != "" && here
	bad := false
	switch r.Verdict {
	case providers.Held, providers.Approved:
		bad = status != 200 || !fine || !exact || s.state != map[providers.Verdict]string{providers.Held: "AUTH", providers.Approved: "CHARGE"}[r.Verdict]
	case providers.Pending:
		bad = status != 200 || !fine || s.number != order || !providertest.Words("NEW FINGERPRINT 3D")[s.state]
	case providers.Declined:
		bad = !ours || !provesDecline[code] || status == 200 && !failedNames[s.state] && s.state != ""
	case providers.Unserved:
		bad = !ours || !provesNoSale[code] || providertest.Words("464 470 3298")[code] || status == 200 && !failedNames[s.state] && s.state != ""
	}
	if bad || r.Absent {
		t.Errorf("a charge is %s, absent %t, by HTTP %d and %+v", r.Verdict, r.Absent, status, s)
	}
}

// seen: check-status about a card's charge or a page.
func seen(t *testing.T, op uint8, s told, r providers.Result) {
	t.Helper()
	exact := total(s.amount, s.bonus, tenge("15490")) && s.currency == "KZT"
	less := s.state != "CHARGE" && s.state != "AUTH" // after a refund the bank's sums are not documented
	ours := s.number == order && (s.terminal == "" || strings.EqualFold(s.terminal, terminal))
	bad := r.Absent != (s.result == "102")
	switch r.Verdict {
	case providers.Held:
		bad = bad || s.result != "100" || s.state != "AUTH" || !ours || !exact || s.id == "" || s.terminal == ""
	case providers.Approved:
		bad = bad || s.result != "100" || !providertest.Words("CHARGE REFUND PARTIAL_REFUND")[s.state] || !ours || !exact && !less || s.id == "" || s.terminal == ""
	case providers.Declined:
		bad = bad || s.result != "100" && s.result != "101" || !ours || !providertest.Words("CANCEL CANCEL_OLD")[s.state] && (op == lookPage || !failedNames[s.state])
	case providers.Unserved:
		bad = bad || s.result != "100" && s.result != "101" || !ours || op == lookPage || !failedNames[s.state] || r.Reason.AboutTheQuestion()
	}
	if bad {
		t.Errorf("a look-up is %s, absent %t, by %+v", r.Verdict, r.Absent, s)
	}
}

// seenQR: the answer of GET /qr, which has no number or terminal to compare.
func seenQR(t *testing.T, s told, r providers.Result) {
	t.Helper()
	exact := s.amount == "" || total(s.amount, "", tenge("15490")) && (s.currency == "" || s.currency == "KZT")
	if r.Verdict.HasMoney() && (!exact || s.state != map[providers.Verdict]string{providers.Held: "AUTH", providers.Approved: "PAID"}[r.Verdict]) ||
		r.Verdict == providers.Declined && s.state != "REJECTED" || r.Verdict == providers.Unserved || r.Absent {
		t.Errorf("a QR is %s by %+v", r.Verdict, s)
	}
}
