package wayforpay

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/payrouter/payrouter/providers"
)

func posted(body string) providers.Notice {
	return providers.Notice{Method: http.MethodPost, Body: []byte(body),
		Header: map[string][]string{"Content-Type": {"application/x-www-form-urlencoded"}}}
}

func TestNoticeIsHeardInEveryShapeItArrivesIn(t *testing.T) {
	g, _ := open(t, nil)
	body := read(t, "notice.json")
	var fields map[string]any
	decoder := json.NewDecoder(strings.NewReader(body))
	decoder.UseNumber()
	if err := decoder.Decode(&fields); err != nil {
		t.Fatal(err)
	}
	form, texts := url.Values{}, map[string]string{}
	for name, value := range fields {
		switch v := value.(type) {
		case string:
			form.Set(name, v)
			texts[name] = v
		case json.Number:
			form.Set(name, v.String())
			texts[name] = v.String()
		}
	}
	strung, err := json.Marshal(texts)
	if err != nil {
		t.Fatal(err)
	}
	for name, body := range map[string]string{
		"raw JSON":             body,
		"JSON, spaces":         "\n " + body + "\r\n",
		"JSON with strings":    string(strung),
		"JSON as a form's key": url.QueryEscape(body) + "=",
		"a real form":          form.Encode(),
	} {
		heard := g.Hear(posted(body))
		if heard.Kind != providers.Fact || heard.Ref.Order != "rt-000000000001" || heard.Err != nil || heard.Forged {
			t.Errorf("%s: %s %q, %v", name, heard.Kind, heard.Ref.Order, heard.Err)
			continue
		}
		verdict(t, heard.Result, providers.Approved, "")
		if heard.Result.Amount != hryvnias(t, "1500.5") || heard.Key != "rt-000000000001;Approved;1100;541963;1500.5" {
			t.Errorf("%s: amount %s, key %q", name, heard.Result.Amount, heard.Key)
		}
	}
}

func TestAnyChangedByteOfASignedFieldIsForgery(t *testing.T) {
	g, _ := open(t, nil)
	var fields map[string]json.RawMessage
	if err := json.Unmarshal([]byte(read(t, "notice.json")), &fields); err != nil {
		t.Fatal(err)
	}
	changed := 0
	for _, name := range []string{"merchantAccount", "orderReference", "amount", "currency", "authCode", "cardPan", "transactionStatus", "reasonCode", "merchantSignature"} {
		whole := fields[name]
		var text literal
		if err := text.UnmarshalJSON(whole); err != nil {
			t.Fatal(err)
		}
		for i := range text {
			for _, flip := range []byte{1, 2, 4, 8, 16} {
				bytes := []byte(text)
				bytes[i] ^= flip
				fields[name], _ = json.Marshal(string(bytes))
				body, err := json.Marshal(fields)
				if err != nil {
					t.Fatal(err)
				}
				if heard := g.Hear(posted(string(body))); heard.Kind != providers.Noise || !heard.Forged || heard.Result.Verdict != providers.Unknown {
					t.Errorf("%s as %q: %s, forged %t", name, bytes, heard.Kind, heard.Forged)
				}
				changed++
			}
		}
		delete(fields, name)
		body, _ := json.Marshal(fields)
		if heard := g.Hear(posted(string(body))); heard.Kind != providers.Noise || !heard.Forged {
			t.Errorf("without %s: %s, forged %t", name, heard.Kind, heard.Forged)
		}
		fields[name] = whole
	}
	if changed < 300 {
		t.Errorf("only %d changes were tried", changed)
	}
}

func TestNoticeThatIsNotForUsIsNoise(t *testing.T) {
	g, _ := open(t, nil)
	other := answer{MerchantAccount: "another", OrderReference: "rt-1", Amount: "1", Currency: "UAH", TransactionStatus: "Approved", ReasonCode: "1100"}
	nameless := answer{MerchantAccount: account, Amount: "1", Currency: "UAH", TransactionStatus: "Approved", ReasonCode: "1100"}
	for name, n := range map[string]providers.Notice{
		"a GET":           {Method: http.MethodGet, Body: []byte(read(t, "notice.json"))},
		"nothing":         posted(""),
		"a page":          posted("<html>%zz"),
		"half":            posted(`{"merchantAccount":"test_merch_n1"`),
		"an array":        posted(`[1]`),
		"an object":       posted(`{"amount":{"a":1}}`),
		"a yes":           posted(`{"amount":true}`),
		"another account": posted(other.composed(sign(secret, other.long("1")...))),
		"no order":        posted(nameless.composed(sign(secret, nameless.long("1")...))),
	} {
		heard := g.Hear(n)
		if heard.Kind != providers.Noise || heard.Result.Verdict != providers.Unknown || heard.Key != "" {
			t.Errorf("%s: %+v", name, heard)
		}
		if heard.Err == nil {
			t.Errorf("%s: no reason is given", name)
		}
		if reply := g.Answer(heard, providers.Ruling{Kind: providers.Accepted}); reply.Status == http.StatusOK {
			t.Errorf("%s: accepted", name)
		}
	}
}

// What a notice says, on an invoice and on a token charge. Only a number with the token
// prefix, which is under the signature, makes a decline final.
func TestFactsOfNotices(t *testing.T) {
	type want struct {
		kind    providers.HeardKind
		verdict providers.Verdict
		reason  providers.Reason
	}
	fact := func(v providers.Verdict, r providers.Reason) want { return want{providers.Fact, v, r} }
	hint := want{kind: providers.Hint}
	again := fact(providers.Pending, providers.AwaitingPayer)
	for _, c := range []struct {
		status, code    string
		invoice, direct want
	}{
		{"Approved", "1100", fact(providers.Approved, ""), fact(providers.Approved, "")},
		{"WaitingAuthComplete", "1100", fact(providers.Held, ""), fact(providers.Held, "")},
		{"Declined", "1101", again, fact(providers.Declined, providers.DeclinedHard)},
		{"Declined", "1104", again, fact(providers.Declined, providers.DeclinedSoft)},
		{"Declined", "1114", again, fact(providers.Declined, providers.DeclinedHard)},
		{"Declined", "1120", again, fact(providers.Unserved, providers.Maintenance)},
		{"Declined", "1116", again, fact(providers.Unserved, providers.Unsupported)},
		{"Declined", "1122", again, hint}, // safe only after CHECK_STATUS
		{"Declined", "1127", hint, hint},
		{"Declined", "1129", hint, hint},
		{"Declined", "9999", hint, hint},
		{"Expired", "1124", fact(providers.Declined, providers.Expired), fact(providers.Declined, providers.Expired)},
		{"Voided", "1100", fact(providers.Declined, providers.Released), fact(providers.Declined, providers.Released)},
		{"Created", "1131", again, fact(providers.Pending, providers.Processing)},
		{"InProcessing", "1131", fact(providers.Pending, providers.PayerConfirming), fact(providers.Pending, providers.Processing)},
		{"InProcessing", "5100", fact(providers.Pending, providers.StepUp), fact(providers.Pending, providers.StepUp)},
		{"Pending", "1134", fact(providers.Pending, providers.Review), fact(providers.Pending, providers.Review)},
		{"Refunded", "1100", hint, hint},
		{"RefundInProcessing", "1138", hint, hint},
		{"Approved", "1101", hint, hint},
		{"Sold", "1100", hint, hint},
	} {
		g, _ := open(t, nil)
		for order, want := range map[string]want{"rt-1": c.invoice, tokenPrefix + "1": c.direct} {
			heard := g.Hear(posted(says(c.status, c.code, order, "250")))
			if heard.Kind != want.kind || heard.Result.Verdict != want.verdict || heard.Result.Reason != want.reason || heard.Ref.Order != order {
				t.Errorf("%s %s of %s: %s, %s %q", c.status, c.code, order, heard.Kind, heard.Result.Verdict, heard.Result.Reason)
			}
			if heard.Result.Absent {
				t.Errorf("%s %s: a notice cannot say that there is no order", c.status, c.code)
			}
		}
	}
}

// Of a hold that was captured in part the amount may be either sum, and nobody documents which.
func TestApprovalOfWhatIsNotSaidToBeOneStageIsOnlyAHint(t *testing.T) {
	g, _ := open(t, nil)
	for kind, want := range map[string]providers.HeardKind{
		"": providers.Fact, "SALE": providers.Fact, "AUTH": providers.Hint, "SETTLE": providers.Hint, "AUTO": providers.Hint, "sold": providers.Hint,
	} {
		for _, order := range []string{"rt-1", tokenPrefix + "1"} {
			heard := g.Hear(posted(says("Approved", "1100", order, "250", "merchantTransactionType", kind)))
			if heard.Kind != want || want == providers.Hint && heard.Result.Verdict != providers.Unknown {
				t.Errorf("%q of %s: %s, %s of %s", kind, order, heard.Kind, heard.Result.Verdict, heard.Result.Amount)
			}
		}
		for status, held := range map[string]providers.Verdict{"WaitingAuthComplete": providers.Held, "Voided": providers.Declined} {
			if heard := g.Hear(posted(says(status, "1100", "rt-1", "250", "merchantTransactionType", kind))); heard.Kind != providers.Fact || heard.Result.Verdict != held {
				t.Errorf("%s of %q: %s, %s", status, kind, heard.Kind, heard.Result.Verdict)
			}
		}
	}
}

func TestMoneyWithoutAReadableAmountIsOnlyAHint(t *testing.T) {
	g, _ := open(t, nil)
	for _, amount := range []string{"", "1500,50", "1.5e3", "1500.505", "99999999999999999999"} {
		if heard := g.Hear(posted(says("Approved", "1100", "rt-1", amount))); heard.Kind != providers.Hint {
			t.Errorf("%q: %s", amount, heard.Kind)
		}
	}
}

func TestTokenOfANoticeIsHeard(t *testing.T) {
	g, _ := open(t, nil)
	heard := g.Hear(posted(says("Approved", "1100", "rt-1", "250", "recToken", "1a2b", "cardType", "Visa")))
	if i := heard.Result.Instrument; i == nil || i.Value.Reveal() != "1a2b" || i.Mask != "41****8217" || i.Brand != "Visa" {
		t.Errorf("instrument %+v", i)
	}
}

func TestKeyTellsRepeatsFromNews(t *testing.T) {
	g, _ := open(t, nil)
	first := g.Hear(posted(says("Approved", "1100", "rt-1", "250.50"))).Key
	if again := g.Hear(posted(says("Approved", "1100", "rt-1", "250.5", "fee", "1"))).Key; again != first || first == "" {
		t.Errorf("%q, then %q", first, again)
	}
	for _, body := range []string{says("Voided", "1100", "rt-1", "250.50"), says("Approved", "1136", "rt-1", "250.50"), says("Approved", "1100", "rt-2", "250.50"), says("Approved", "1100", "rt-1", "250.51")} {
		if g.Hear(posted(body)).Key == first {
			t.Errorf("%s has the key of another", body)
		}
	}
}

func TestOnlyAStoredNoticeIsAccepted(t *testing.T) {
	g, _ := open(t, nil)
	fact := g.Hear(posted(read(t, "notice.json")))
	hint := g.Hear(posted(says("Refunded", "1100", "rt-1", "250")))
	for _, heard := range []providers.Heard{fact, hint} {
		for ruling, status := range map[providers.RulingKind]int{
			providers.Accepted: 200, providers.Unmatched: 404, providers.TryLater: 503, providers.Rejected: 400,
			providers.Payable: 503, providers.Gone: 503, providers.AlreadyPaid: 503, providers.Busy: 503,
		} {
			reply := g.Answer(heard, providers.Ruling{Kind: ruling})
			if reply.Status != status || strings.Contains(string(reply.Body), "accept") != (status == 200) {
				t.Errorf("ruling %d: %d %s", ruling, reply.Status, reply.Body)
			}
		}
	}
	forged := g.Hear(posted(strings.Replace(read(t, "notice.json"), "1500.5", "1.5", 1)))
	if reply := g.Answer(forged, providers.Ruling{Kind: providers.Accepted}); reply.Status != http.StatusBadRequest {
		t.Errorf("a forged notice was answered %d %s", reply.Status, reply.Body)
	}
}

func TestAcceptIsSignedAndCarriesTheTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(time.Unix(1767225700, 0)))
		g, err := New(Config{MerchantAccount: account, MerchantSecret: secret, MerchantDomain: "shop.example.kz"}, Options{})
		if err != nil {
			t.Fatal(err)
		}
		reply := g.Answer(g.Hear(posted(read(t, "notice.json"))), providers.Ruling{Kind: providers.Accepted})
		if diff := cmp.Diff(read(t, "accept.json"), string(reply.Body)); diff != "" || reply.ContentType != "application/json" {
			t.Errorf("%s (-want +got):\n%s", reply.ContentType, diff)
		}
	})
}
