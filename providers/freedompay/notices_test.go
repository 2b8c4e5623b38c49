package freedompay

import (
	"net/http"
	"strings"
	"testing"

	"github.com/payrouter/payrouter/providers"
)

// listening is a gateway that reaches nobody.
func listening(t testing.TB, change func(*Config)) *Gateway {
	t.Helper()
	c := config()
	c.TestMode = true // as in the vectors
	if change != nil {
		change(&c)
	}
	g, err := New(c, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.Close)
	return g
}

// ownNotice is vector F6 as Freedom Pay would send it about a payment of ours: without the
// field that we did not send.
func ownNotice() node {
	m := heldNotice()
	m.children = m.children[1:]
	return m
}

// posted is a notice by form, signed for its path.
func posted(path string, m node) providers.Notice {
	m.add(fieldSig, m.sign(scriptOf(path), secret))
	return providers.Notice{Method: http.MethodPost, Path: path, Body: m.writeForm()}
}

func with(m node, pairs ...string) node {
	m.children = append([]node{}, m.children...)
	m.replace(pairs...)
	return m
}

func TestANoticeIsWorthWhatItsFieldsSay(t *testing.T) {
	const code = "result 1 captured "
	for name, c := range map[string]struct {
		notice providers.Notice
		kind   providers.HeardKind
		want   providers.Verdict
		reason providers.Reason
		code   string
	}{
		"held":                    {posted("result", ownNotice()), providers.Fact, providers.Held, providers.NoReason, code + "0"},
		"taken":                   {posted("result", with(ownNotice(), "pg_captured", "1")), providers.Fact, providers.Approved, providers.NoReason, code + "1"},
		"taken of a hold":         {posted("result", with(ownNotice(), "pg_captured", "1", "stage", "hold")), providers.Hint, 0, "", ""},
		"held, asked as a hold":   {posted("result", with(ownNotice(), "stage", "hold")), providers.Fact, providers.Held, providers.NoReason, code + "0"},
		"no word of a capture":    {posted("result", with(ownNotice(), "pg_captured", "")), providers.Hint, 0, "", ""},
		"another word":            {posted("result", with(ownNotice(), "pg_captured", "2")), providers.Hint, 0, "", ""},
		"failed, F6b":             {posted("result", failedNotice()), providers.Hint, 0, "", ""},
		"incomplete":              {posted("result", with(ownNotice(), "pg_result", "2")), providers.Hint, 0, "", ""},
		"no amount":               {posted("result", with(ownNotice(), "pg_amount", "")), providers.Hint, 0, "", ""},
		"nothing":                 {posted("result", with(ownNotice(), "pg_amount", "0")), providers.Hint, 0, "", ""},
		"less than nothing":       {posted("result", with(ownNotice(), "pg_amount", "-14500")), providers.Hint, 0, "", ""},
		"real money in a test":    {posted("result", with(ownNotice(), "pg_testing_mode", "0")), providers.Fact, providers.Unknown, providers.Mismatch, "testing mode 0"},
		"a field of somebody's":   {posted("result", heldNotice()), providers.Hint, 0, "", ""}, // F6 itself, with attempt=a1
		"a new field":             {posted("result", with(ownNotice(), "pg_new_field", "1")), providers.Hint, 0, "", ""},
		"a semicolon":             {posted("result", with(ownNotice(), "pg_description", "a;b")), providers.Hint, 0, "", ""},
		"a refund":                {posted("refund", with(ownNotice(), "pg_refund_id", "1")), providers.Hint, 0, "", ""},
		"a capture":               {posted("capture", flat("pg_order_id", orderNumber, "pg_payment_id", paymentID, "pg_salt", "s")), providers.Hint, 0, "", ""},
		"a check":                 {posted("check", ownNotice()), providers.Question, 0, "", ""},
		"another merchant":        {posted("result", with(ownNotice(), "pg_merchant_id", "541028")), providers.Noise, 0, "", ""},
		"our merchant":            {posted("result", with(ownNotice(), "pg_merchant_id", merchant)), providers.Fact, providers.Held, providers.NoReason, code + "0"},
		"no order":                {posted("result", with(ownNotice(), "pg_order_id", "")), providers.Noise, 0, "", ""},
		"no payment":              {posted("result", with(ownNotice(), "pg_payment_id", "0")), providers.Noise, 0, "", ""},
		"no salt":                 {posted("result", with(ownNotice(), "pg_salt", "")), providers.Noise, 0, "", ""},
		"by query":                {query(posted("result", ownNotice())), providers.Fact, providers.Held, providers.NoReason, code + "0"},
		"in XML":                  {wrapped("request", posted("result", ownNotice())), providers.Fact, providers.Held, providers.NoReason, code + "0"},
		"in XML of an answer":     {wrapped("response", posted("result", ownNotice())), providers.Fact, providers.Held, providers.NoReason, code + "0"},
		"in XML of something":     {wrapped("something", posted("result", ownNotice())), providers.Noise, 0, "", ""},
		"to no address of ours":   {posted("results", ownNotice()), providers.Noise, 0, "", ""},
		"to the bare address":     {posted("", ownNotice()), providers.Noise, 0, "", ""},
		"to an address too deep":  {posted("x/result", ownNotice()), providers.Noise, 0, "", ""},
		"to an address and slash": {providers.Notice{Method: http.MethodPost, Path: "result/", Body: posted("result", ownNotice()).Body}, providers.Noise, 0, "", ""},
		"by PUT":                  {providers.Notice{Method: http.MethodPut, Path: "result", Body: posted("result", ownNotice()).Body}, providers.Noise, 0, "", ""},
	} {
		heard := listening(t, nil).Hear(c.notice)
		if heard.Kind != c.kind || heard.Result.Verdict != c.want || heard.Result.Reason != c.reason || heard.Result.Code != c.code || heard.Forged {
			t.Errorf("%s: a %s, %s %q %q, forged %t (%v)", name, heard.Kind, heard.Result.Verdict, heard.Result.Reason, heard.Result.Code, heard.Forged, heard.Err)
		}
		if heard.Kind == providers.Noise != (heard.Err != nil) {
			t.Errorf("%s: error %v", name, heard.Err)
		}
		if heard.Kind != providers.Noise && (heard.Ref.Order != orderNumber || heard.Ref.External != paymentID || heard.Key == "") {
			t.Errorf("%s: about %+v under %q", name, heard.Ref, heard.Key)
		}
		if heard.Result.Verdict.HasMoney() && heard.Result.Amount != tenge(t, "14500") {
			t.Errorf("%s: %s", name, heard.Result.Amount)
		}
	}
}

func query(n providers.Notice) providers.Notice {
	return providers.Notice{Method: http.MethodGet, Path: n.Path, Query: string(n.Body)}
}

func wrapped(root string, n providers.Notice) providers.Notice {
	m, err := parseForm(string(n.Body))
	if err != nil {
		panic(err)
	}
	inside := flat("pg_xml", string(treeXML(m, root)))
	n.Body = inside.writeForm()
	return n
}

// The vectors' own signatures, as they stand in the notes.
func TestANoticeTellsWhichPaymentMovedTheMoney(t *testing.T) {
	g := listening(t, nil)
	for _, id := range []string{paymentID, "811000999"} {
		if h := g.Hear(posted("result", with(ownNotice(), "pg_payment_id", id))); h.Kind != providers.Fact || h.Result.Movement != id {
			t.Errorf("%s: %s of %q", id, h.Kind, h.Result.Movement)
		}
	}
}

func TestThePrintedNoticesAreAuthentic(t *testing.T) {
	for want, m := range map[string]node{"076fb2b84007f7cb6a00d163c1c24e57": heldNotice(), "b64797b163895843ca64840989a3c00b": failedNotice()} {
		m.add(fieldSig, want)
		n := providers.Notice{Method: http.MethodPost, Path: "result", Body: m.writeForm()}
		if heard := listening(t, nil).Hear(n); heard.Kind != providers.Hint {
			t.Errorf("%s: a %s (%v)", want, heard.Kind, heard.Err)
		}
		n.Path = "refund" // signed for another address
		if heard := listening(t, nil).Hear(n); !heard.Forged {
			t.Errorf("%s at another address: a %s", want, heard.Kind)
		}
	}
}

func TestAForgedNoticeIsNoise(t *testing.T) {
	genuine := posted("result", ownNotice())
	for name, change := range map[string]func(body string) string{
		"another amount":  func(b string) string { return strings.ReplaceAll(b, "pg_amount=14500.00", "pg_amount=24500.00") },
		"a field more":    func(b string) string { return b + "&pg_param1=1" },
		"a field less":    func(b string) string { return strings.ReplaceAll(b, "&pg_card_brand=VI", "") },
		"no signature":    func(b string) string { return b[:strings.Index(b, "&pg_sig=")] },
		"half of it":      func(b string) string { return b[:len(b)-1] },
		"a lying capture": func(b string) string { return strings.ReplaceAll(b, "pg_captured=0", "pg_captured=1") },
	} {
		n := genuine
		n.Body = []byte(change(string(genuine.Body)))
		if heard := listening(t, nil).Hear(n); heard.Kind != providers.Noise || !heard.Forged || heard.Err == nil {
			t.Errorf("%s: a %s, forged %t", name, heard.Kind, heard.Forged)
		}
	}
	other := listening(t, func(c *Config) { c.Secret = providers.NewSecret("another") })
	if heard := other.Hear(genuine); !heard.Forged {
		t.Errorf("by another secret: a %s", heard.Kind)
	}
}

// Only values are signed. Moving them to other names leaves the signature good, and must
// not make a fact of it.
func TestValuesUnderOtherNamesAreNoFact(t *testing.T) {
	body := string(posted("result", ownNotice()).Body)
	for _, change := range [][2]string{{"pg_captured=", "pg_captures="}, {"pg_amount=", "Pg_amount="}, {"pg_result=", "pg_resulu="}, {"pg_card_brand=", "pg_card_branc="},
		{"pg_description=", "pg_descriptioo="}} {
		n := providers.Notice{Method: http.MethodPost, Path: "result", Body: []byte(strings.Replace(body, change[0], change[1], 1))}
		heard := listening(t, nil).Hear(n)
		if heard.Forged {
			t.Errorf("%s: forged, so it shows nothing about names", change[1])
		}
		if heard.Kind == providers.Fact {
			t.Errorf("%s: a fact, %s", change[1], heard.Result.Verdict)
		}
	}
}

// No event id exists: what comes again differs in salt and signature alone.
func TestARepeatedNoticeHasTheSameKey(t *testing.T) {
	g := listening(t, nil)
	first := g.Hear(posted("result", ownNotice()))
	if again := g.Hear(posted("result", with(ownNotice(), "pg_salt", "another"))); again.Key != first.Key {
		t.Errorf("the keys are %q and %q", first.Key, again.Key)
	}
	for name, n := range map[string]providers.Notice{
		"another field":   posted("result", with(ownNotice(), "pg_reference", "1")),
		"another value":   posted("result", with(ownNotice(), "pg_net_amount", "1")),
		"another address": posted("refund", ownNotice()),
	} {
		if other := g.Hear(n); other.Key == first.Key || other.Key == "" {
			t.Errorf("%s has the key %q", name, other.Key)
		}
	}
}

func TestEveryRulingHasItsWord(t *testing.T) {
	g := listening(t, nil)
	rejectable, final := posted("result", ownNotice()), posted("result", with(ownNotice(), "pg_can_reject", "0"))
	owed := tenge(t, "14500")
	for _, c := range []struct {
		notice providers.Notice
		ruling providers.Ruling
		want   string // a word, or an HTTP status
	}{
		{rejectable, providers.Ruling{Kind: providers.Accepted}, "ok"},
		{rejectable, providers.Ruling{Kind: providers.Gone}, "rejected"},
		{rejectable, providers.Ruling{Kind: providers.AlreadyPaid}, "rejected"},
		{final, providers.Ruling{Kind: providers.Gone}, "ok"},
		{final, providers.Ruling{Kind: providers.AlreadyPaid}, "ok"},
		{rejectable, providers.Ruling{Kind: providers.Unmatched}, "error"},
		{rejectable, providers.Ruling{Kind: providers.Busy}, "error"},
		{rejectable, providers.Ruling{Kind: 99}, "error"},
		{rejectable, providers.Ruling{Kind: providers.Rejected}, "403"},
		{rejectable, providers.Ruling{}, "503"},
		{posted("refund", ownNotice()), providers.Ruling{Kind: providers.Gone}, "ok"},
		{posted("check", ownNotice()), providers.Ruling{Kind: providers.Payable, Amount: owed}, "ok"},
		{posted("check", ownNotice()), providers.Ruling{Kind: providers.Payable, Amount: tenge(t, "14500.01")}, "rejected"},
		{posted("check", ownNotice()), providers.Ruling{Kind: providers.Payable}, "rejected"},
		{posted("check", with(ownNotice(), "pg_testing_mode", "0")), providers.Ruling{Kind: providers.Payable, Amount: owed}, "rejected"},
		{posted("check", with(ownNotice(), "pg_amount", "много")), providers.Ruling{Kind: providers.Payable, Amount: owed}, "rejected"},
		{posted("check", ownNotice()), providers.Ruling{Kind: providers.Accepted, Amount: owed}, "rejected"},
		{posted("check", ownNotice()), providers.Ruling{Kind: providers.Gone, Amount: owed}, "rejected"},
		{posted("check", ownNotice()), providers.Ruling{Kind: providers.AlreadyPaid, Amount: owed}, "rejected"},
		{posted("check", ownNotice()), providers.Ruling{Kind: providers.Unmatched}, "rejected"},
		{posted("check", ownNotice()), providers.Ruling{Kind: providers.Busy}, "rejected"},
		{posted("check", ownNotice()), providers.Ruling{}, "503"},
	} {
		got := g.Answer(g.Hear(c.notice), c.ruling)
		if len(c.want) == 3 && c.want[0] != 'o' {
			if got.Status != map[string]int{"403": 403, "503": 503}[c.want] || strings.Contains(string(got.Body), fieldSig) {
				t.Errorf("%s, ruling %d: %d %s, want %s", c.notice.Path, c.ruling.Kind, got.Status, got.Body, c.want)
			}
			continue
		}
		m, err := parseXML(got.Body, "response")
		if err != nil || got.Status != http.StatusOK || m.text("pg_status") != c.want || !m.signedBy(c.notice.Path, secret) || m.text(fieldSalt) != "Rk3vT8" {
			t.Errorf("%s, ruling %d: %d %s, want %s (%v)", c.notice.Path, c.ruling.Kind, got.Status, got.Body, c.want, err)
		}
	}
	for kind, want := range map[providers.RulingKind]int{providers.Rejected: 403, providers.TryLater: 503, providers.Unmatched: 404, providers.Accepted: 404} {
		if got := g.Answer(providers.Heard{}, providers.Ruling{Kind: kind}); got.Status != want {
			t.Errorf("noise, ruling %d: %d", kind, got.Status)
		}
	}
}

// Vector F7: salt and words of the notes give the notes' signature.
func TestOurAnswerIsThePrintedOne(t *testing.T) {
	g := listening(t, nil)
	got := g.Answer(g.Hear(posted("result", ownNotice())), providers.Ruling{Kind: providers.Accepted})
	if strings.TrimSpace(string(got.Body)) != strings.TrimSpace(string(read(t, "accepted.answer.xml"))) {
		t.Errorf("it is %s", got.Body)
	}
}

func TestNoticesGiveNobodyAway(t *testing.T) {
	g := listening(t, nil)
	for _, n := range []providers.Notice{posted("result", ownNotice()), posted("result", failedNotice()), {Method: http.MethodPost, Path: "result", Body: []byte("pg_user_phone=77010000001")}} {
		heard := g.Hear(n)
		said := heard.Key + heard.Result.Code
		if heard.Err != nil {
			said += heard.Err.Error()
		}
		for _, person := range []string{"77010000001", "aigerim", "4400-43XX"} {
			if strings.Contains(said, person) {
				t.Errorf("%q says %s", said, person)
			}
		}
	}
}
