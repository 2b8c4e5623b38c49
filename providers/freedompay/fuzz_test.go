package freedompay

import (
	"bytes"
	"context"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/payrouter/payrouter/providers"
)

// oneAnswer is a gateway whose every request is answered with one HTTP answer, as it is.
func oneAnswer(tb testing.TB, status int, body func(script string) []byte) *Gateway {
	tb.Helper()
	c := config()
	c.Timeouts = providers.Timeouts{Charge: time.Second, Create: time.Second, Status: time.Second, Refund: time.Second}
	door := &pipes{conns: make(chan net.Conn), closed: make(chan struct{})}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(status)
		_, _ = w.Write(body(scriptOf(r.URL.Path)))
	})}
	go func() { _ = server.Serve(door) }()
	g, err := New(c, Options{Dial: door.dial})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		g.Close()
		_ = server.Close()
	})
	return g
}

// deeds are all calls, with what each may never say of an answer that proves nothing.
func deeds(tb testing.TB, g *Gateway) map[string]providers.Result {
	tb.Helper()
	ctx := context.Background()
	return map[string]providers.Result{
		"page":          g.Charge(ctx, chargeOf(pageRef(tb))),
		"card":          g.Charge(ctx, chargeOf(cardRef(tb))),
		"look-up":       g.Lookup(ctx, pageRef(tb)),
		"capture":       g.Capture(ctx, hold(pageRef(tb)), pageRef(tb).Amount),
		"cancel":        g.Cancel(ctx, hold(pageRef(tb))),
		"refund":        g.Refund(ctx, providers.Refund{Ref: pageRef(tb), ID: "r1", Amount: pageRef(tb).Amount}),
		"refund's look": g.LookupRefund(ctx, providers.Refund{Ref: pageRef(tb), ID: "r1", Amount: pageRef(tb).Amount}),
	}
}

// An answer with a status of 500 and more, whatever its body says, is never a decline and
// never money; and a charge or an operation that it answers is never proved undone.
func FuzzServerErrorsDecideNothing(f *testing.F) {
	f.Add(uint16(500), []byte(""))
	f.Add(uint16(502), []byte("<html/>"))
	f.Add(uint16(503), read(f, "init.answer.xml"))
	f.Add(uint16(504), read(f, "status_refunds.answer.xml"))
	f.Add(uint16(599), []byte("<response><pg_status>error</pg_status><pg_error_code>10009</pg_error_code></response>"))
	f.Fuzz(func(t *testing.T, status uint16, body []byte) {
		g := oneAnswer(t, 500+int(status%100), func(string) []byte { return body })
		for name, r := range deeds(t, g) {
			begun := name != "card" && name != "cancel" // those ask before they move anything
			if r.Verdict.HasMoney() || r.Verdict == providers.Declined || r.Verdict == providers.Pending || r.Absent ||
				begun && r.Verdict != providers.Unknown {
				t.Errorf("%s: %s %q, absent %t", name, r.Verdict, r.Reason, r.Absent)
			}
		}
	})
}

// No unsigned bytes make money, and none make a page or an end of one.
func FuzzUnsignedAnswersAreNeverBelieved(f *testing.F) {
	f.Add([]byte("<response><pg_status>ok</pg_status><pg_payment_id>915334407</pg_payment_id></response>"))
	f.Add([]byte("<response><pg_status>error</pg_status><pg_error_code>10009</pg_error_code></response>"))
	f.Add([]byte("<!DOCTYPE a><response/>"))
	f.Add([]byte(`{"pg_status":"ok"}`))
	f.Add(stands("success", "pg_captured", "1").written("another"))
	f.Add(read(f, "init.answer.xml"))
	f.Fuzz(func(t *testing.T, body []byte) {
		if bytes.Contains(body, []byte("b99e8cfe555c31e3a352813758ba855a")) || bytes.Contains(body, []byte("d1142f7cb2e581bee2409e2c33493831")) {
			t.Skip("signatures of the vectors are good ones")
		}
		g := oneAnswer(t, http.StatusOK, func(string) []byte { return body })
		for name, r := range deeds(t, g) {
			if r.Verdict.HasMoney() || r.Verdict == providers.Pending || r.Action != nil {
				t.Errorf("%s: %s %q of %s", name, r.Verdict, r.Reason, body)
			}
			if r.Err != nil && len(r.Err.Error()) > 400 || len(r.Code) > 64 {
				t.Errorf("%s: %q %v", name, r.Code, r.Err)
			}
		}
	})
}

// A well signed answer with any word and any sums: what it makes of them is bounded by
// what was asked for.
func FuzzSignedStatusesAreBoundedByWhatWasAsked(f *testing.F) {
	for _, c := range standings {
		m := c.answer().message
		f.Add(c.word, m.text("pg_captured"), m.text("pg_amount"), m.text("pg_clearing_amount"), m.text("pg_refund_amount"), m.text("pg_failure_code"), c.hold, c.card)
	}
	f.Fuzz(func(t *testing.T, word, captured, amount, clearing, refund, failure string, hold, card bool) {
		ref := pageRef(t)
		if card {
			ref = cardRef(t)
		}
		ref.TwoStage = hold
		a := answer{stands(word, "pg_captured", captured, "pg_amount", amount, "pg_clearing_amount", clearing, "pg_refund_amount", refund, "pg_failure_code", failure).message}
		seen, err := a.reading()
		if err != nil {
			return
		}
		r := seen.about(ref, true)
		switch {
		case r.Verdict == providers.Held && r.Amount != ref.Amount,
			r.Verdict == providers.Approved && (r.Amount.Currency != "KZT" || r.Amount.Minor <= 0 || r.Amount.Minor > ref.Amount.Minor || !hold && r.Amount != ref.Amount),
			r.Verdict == providers.Approved && (r.Returned.Minor < 0 || r.Returned.Minor > r.Amount.Minor),
			(r.Verdict == providers.Declined || r.Verdict == providers.Unserved) && seen.cleared.Minor > 0,
			states[word] == strange && r.Verdict != providers.Unknown,
			seen.amount != ref.Amount && r.Verdict != providers.Unknown:
			t.Errorf("%q captured %q, %s of %s, %s back: %s %q of %s, %s returned", word, captured, clearing, amount, refund, r.Verdict, r.Reason, r.Amount, r.Returned)
		}
		if len(r.Code) > 64 || strings.ContainsAny(r.Code, "\n\x00") {
			t.Errorf("the code is %q", r.Code)
		}
	})
}

// Any one changed byte of a signed notice either leaves the same fact, or none.
func FuzzAnyChangedByteOfANoticeIsNoOtherFact(f *testing.F) {
	genuine := posted("result", ownNotice())
	f.Add(uint16(0), byte('x'))
	f.Add(uint16(100), byte('0'))
	f.Add(uint16(300), byte('&'))
	g := listening(f, nil)
	want := g.Hear(genuine)
	f.Fuzz(func(t *testing.T, at uint16, to byte) {
		n := genuine
		n.Body = bytes.Clone(genuine.Body)
		n.Body[int(at)%len(n.Body)] = to
		heard := g.Hear(n)
		if heard.Kind == providers.Fact && (heard.Key != want.Key || heard.Ref != want.Ref || heard.Result != want.Result) {
			t.Errorf("byte %d as %q: %+v", at, to, heard)
		}
	})
}

// No input makes Hear panic, or believe what is not signed.
func FuzzNoticesAreNeverBelievedUnsigned(f *testing.F) {
	for _, n := range []providers.Notice{posted("result", heldNotice()), posted("check", failedNotice()), wrapped("request", posted("capture", heldNotice()))} {
		f.Add(n.Path, string(n.Body), true)
		f.Add("result", string(n.Body), false)
	}
	f.Add("result", "pg_xml=%3C!DOCTYPE+a%3E%3Crequest%2F%3E", true)
	f.Add("refund", "a[b][c]=1&a[b][d]=2;", true)
	g := listening(f, func(c *Config) { c.Secret = providers.NewSecret("a secret that no seed is signed with") })
	f.Fuzz(func(t *testing.T, path, body string, post bool) {
		n := providers.Notice{Method: http.MethodGet, Path: path, Query: body}
		if post {
			n = providers.Notice{Method: http.MethodPost, Path: path, Body: []byte(body)}
		}
		heard := g.Hear(n)
		if heard.Kind != providers.Noise || heard.Err == nil {
			t.Errorf("%q is heard as a %s", body, heard.Kind)
		}
		for _, kind := range []providers.RulingKind{providers.TryLater, providers.Accepted, providers.Rejected, providers.Payable, 99} {
			if reply := g.Answer(heard, providers.Ruling{Kind: kind}); reply.Status/100 == 2 || bytes.Contains(reply.Body, []byte(fieldSig)) {
				t.Errorf("noise is answered with %d %s", reply.Status, reply.Body)
			}
		}
	})
}

// What is read as XML has one meaning: written again it reads and signs the same.
func FuzzXMLIsReadOneWay(f *testing.F) {
	f.Add([]byte("<response><a>1</a><b><c>2</c><c/></b></response>"))
	f.Add(read(f, "init.answer.xml"))
	f.Add(read(f, "status_refunds.answer.xml"))
	f.Add([]byte("<!DOCTYPE a [<!ENTITY x 'y'>]><response>&x;</response>"))
	f.Add([]byte("<response><a>]]&gt;&#13;</a></response>"))
	f.Fuzz(func(t *testing.T, body []byte) {
		m, err := parseXML(body, "response")
		if err != nil {
			return
		}
		if bytes.Contains(body, []byte("<!DOCTYPE")) && !bytes.Contains(body, []byte("<!--")) && !bytes.Contains(body, []byte("CDATA")) {
			t.Errorf("a document type is read: %q", body)
		}
		again, err := parseXML(treeXML(m, "response"), "response")
		if err != nil {
			t.Fatalf("%q is read, and not once more: %v", body, err)
		}
		if a, b := m.sign("x", secret), again.sign("x", secret); a != b {
			t.Errorf("%q signs as %q, then as %q", body, m.values(), again.values())
		}
	})
}

func FuzzFormsAreReadOneWay(f *testing.F) {
	f.Add("a=1&b=2")
	f.Add("a[b]=1&a[c][d]=2&e=%D0%A7")
	f.Add("a=1;b=2&c")
	f.Fuzz(func(t *testing.T, text string) {
		m, err := parseForm(text)
		if err != nil {
			return
		}
		seen := map[string]bool{}
		for _, child := range m.children {
			if seen[child.name] || child.name == "" {
				t.Errorf("%q has the field %q twice, or no name", text, child.name)
			}
			seen[child.name] = true
		}
	})
}

func FuzzMomentsComeBack(f *testing.F) {
	f.Add("2026-03-14 14:21:07")
	f.Add("2024-02-29 23:30:00")
	f.Add("2024-03-01 00:00:00")
	f.Add("0000-01-01 00:00:00")
	f.Fuzz(func(t *testing.T, text string) {
		at, err := parseMoment(text)
		if err != nil {
			return
		}
		if again, err := parseMoment(at.In(almaty(at)).Format(time.DateTime)); err != nil || !again.Equal(at.Truncate(time.Second)) {
			t.Errorf("%q is %s, then %s (%v)", text, at, again, err)
		}
	})
}

// A registry's row is an error, or lines whose sums have no sign and whose word is known.
func FuzzRegistryRows(f *testing.F) {
	f.Add("success", "2026-03-14 14:21:07", "100.00", "100.00", "-40", "97.1")
	f.Add("error", "", "1e3", "", "", "")
	f.Add("refunded", "2026-03-14 14:21:07", "-100", "", "", "")
	w := providers.Window{To: time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)}
	f.Fuzz(func(t *testing.T, word, at, amount, clearing, refund, net string) {
		m := row("1", word, at, "pg_amount", amount, "pg_clearing_amount", clearing, "pg_refund_amount", refund, "pg_net_amount", net)
		_ = answer{m}.report(w, func(l providers.StatementLine) error {
			guessed := states[word] == strange && clearing == "" && l.Kind == providers.LineCharge && l.Verdict != providers.Unknown
			if l.Amount.Minor < 0 || l.Fee.Minor < 0 || l.Amount.Currency != "KZT" || l.External != "1" || guessed {
				t.Errorf("%+v", l)
			}
			return nil
		})
	})
}
