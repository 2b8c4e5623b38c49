package sim

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// plainFace charges whatever it is asked at POST /{reference}, under a rule that compares the last two characters of references.
type plainFace struct {
	name string
	b    *Bank
}

func (p *plainFace) Name() string                               { return p.name }
func (p *plainFace) attach(b *Bank)                             { p.b = b }
func (*plainFace) settleByHand(*Object)                         {}
func (p *plainFace) pay(string, string) error                   { return nil }
func (p *plainFace) retry(int) (time.Duration, bool)            { return 0, false }
func (p *plainFace) routes() map[string]http.HandlerFunc        { return nil }
func (p *plainFace) refuse(*call, FaultKind, string, int) reply { return reply{} }

func (p *plainFace) read(r *http.Request, _ []byte) *call {
	reference := strings.TrimPrefix(r.URL.Path, "/")
	return &call{
		op: OpCharge, reference: reference, account: r.Header.Get("Account"), money: true, create: true,
		once: reference, unique: reference[max(len(reference)-2, 0):], amount: 100, currency: "KZT",
	}
}

func (p *plainFace) act(c *call) reply {
	o := p.b.open(c, &Object{
		Face: p.name, Account: c.account, Reference: c.reference, ID: p.b.digits(6), Style: StyleCharge, Phase: Charged, Amount: c.amount,
	})
	p.b.book(o, KindCharge, "", c.amount, "")
	return reply{body: []byte("{}")}
}

func TestReferencesThatCollideUnderTheProvidersRuleViolateI11(t *testing.T) {
	b := New(Options{}, &plainFace{name: "plain"})
	defer b.Close()
	charge := func(account, reference string) {
		r := httptest.NewRequest(http.MethodPost, "/"+reference, nil)
		r.Header.Set("Account", account)
		b.Handler("plain").ServeHTTP(httptest.NewRecorder(), r)
	}
	charge("m1", "order-117")
	charge("m2", "order-217") // another account has references of its own
	if got := b.Ledger().Violations; len(got) != 0 {
		t.Fatalf("violations without a collision: %v", got)
	}
	charge("m1", "order-317")
	got := b.Ledger().Violations
	if len(got) != 1 || got[0].Invariant != "I11" || !strings.Contains(got[0].Text, "order-117") {
		t.Fatalf("violations after a collision: %v", got)
	}
}

func TestChargeAtOneFaceForbidsAnotherFaceByI7(t *testing.T) {
	opt := Options{PaymentOf: func(_, reference string) string { return strings.SplitN(reference, ".", 2)[0] }}
	b := New(opt, &plainFace{name: "plain"}, &plainFace{name: "other"})
	defer b.Close()
	charge := func(face, reference string) {
		b.Handler(face).ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "/"+reference, nil))
	}
	charge("plain", "pay1.11")
	charge("other", "pay2.12")
	charge("other", "pay1.13")
	got := b.Ledger().Violations
	if len(got) != 1 || got[0].Invariant != "I7" || got[0].Face != "other" || got[0].Reference != "pay1.13" {
		t.Fatalf("violations: %v", got)
	}
	if own := b.Ledger().Of("plain"); len(own.Entries) != 1 || len(own.Violations) != 0 || own.Net("", "pay1.11") != 100 {
		t.Errorf("ledger of one face: %+v", own)
	}
}

func TestTwoFacesOfOneNameAreAProgrammingMistake(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("New took two faces of one name")
		}
	}()
	New(Options{}, &plainFace{name: "plain"}, &plainFace{name: "plain"})
}

func TestAmountsAreReadDigitByDigit(t *testing.T) {
	for text, want := range map[string]int64{"0": 0, "1": 100, "15490.5": 1549050, "15490.00": 1549000, "-3.07": -307} {
		if got, err := parseMinor(text); err != nil || got != want {
			t.Errorf("parseMinor(%q) is %d, %v; want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"", ".", "1.", ".5", "1.005", "1e3", "+1", "--1", "1,5", "1 000", "1234567890123456", `"1"`, "٣"} {
		if got, err := parseMinor(text); err == nil {
			t.Errorf("parseMinor(%q) is %d", text, got)
		}
	}
	for minor, want := range map[int64]string{0: "0.00", 5: "0.05", 1549000: "15490.00", -307: "-3.07"} {
		if got := major(minor); got != want {
			t.Errorf("major(%d) is %s", minor, got)
		}
	}
}
