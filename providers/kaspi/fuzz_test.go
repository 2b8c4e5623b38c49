package kaspi

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/providers/internal/exchange"
)

// Whatever bytes come back, money is seen only where the answer says so in full.
func FuzzAnswer(f *testing.F) {
	files, err := filepath.Glob("testdata/answers/*.json")
	if err != nil || len(files) == 0 {
		f.Fatal("no answers to begin with")
	}
	for _, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(200, body)
		f.Add(502, body)
	}
	f.Add(401, []byte(`{"StatusCode":-10000,"Message":"unauthorized"}`))
	g := listening(f)
	ref := providers.Ref{Order: "q3ncb5xeusdk7a2mzt4w", External: "12911004518", Method: providers.QR, Amount: price, Planned: counter}
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		answer := exchange.Answer{Outcome: exchange.Answered, Status: status, Body: body}
		success := status == 200

		var o offered
		result, ok := creating.read(answer, &o)
		if ok {
			result = g.show(providers.Charge{Ref: ref}, o, counter)
		}
		switch {
		case result.Verdict.HasMoney() || result.Verdict == providers.Declined:
			t.Errorf("a creation: %+v", result)
		case result.Verdict == providers.Pending && (!success || result.External == "" || result.Action == nil || result.Action.Text == "" ||
			!result.Until.After(counter) || result.AskIn <= 0):
			t.Errorf("an offer with something missing: %+v", result)
		case status >= 500 && result.Verdict != providers.Unknown:
			t.Errorf("HTTP %d: %+v", status, result)
		}

		for name, table := range map[string]codes{"creating": creating, "inviting": inviting, "withdrawing": withdrawing, "returning": returning, "asking": asking} {
			refusal, ok := table.read(answer, nil)
			if ok && (!success || !json.Valid(body)) {
				t.Errorf("%s: HTTP %d with %q is a success", name, status, body)
			}
			if !ok && (refusal.Verdict.HasMoney() || refusal.Verdict == providers.Pending || refusal.Absent) {
				t.Errorf("%s: %+v", name, refusal)
			}
			if name == "asking" && !ok && undecided(refusal).Verdict != providers.Unknown {
				t.Errorf("a failed question says %+v", refusal)
			}
		}

		var s standingNow
		if result, ok = asking.read(answer, &s); ok {
			result = s.judge(ref, counter, 180*time.Second)
			if result.Verdict == providers.Approved && (s.Status != "Processed" || s.Amount.told && s.Amount.money != price) {
				t.Errorf("%q is paid: %+v", body, result)
			}
			if len(result.Code) > 40 || strings.ContainsAny(result.Code, " +@\"\n") {
				t.Errorf("code %q", result.Code)
			}
		}
		var d detailed
		if _, ok = asking.read(answer, &d); ok {
			if sums, _, ok := d.judge(ref); ok && (sums.total != price || sums.left.Minor+sums.returned.Minor != price.Minor || sums.returned.Minor < 0) {
				t.Errorf("%q adds up to %+v", body, sums)
			}
		}
	})
}

// Whoever calls us with whatever, only a readable pay from the bank's address with
// the agreed secret is a debit, and every answer is one the bank can read.
func FuzzHear(f *testing.F) {
	f.Add("POST", "", "", []byte(`{"OrderId":"pay_01JD4Q7W3N","Status":"Processed","Amount":15490.00}`), kaspiAddress)
	f.Add("POST", "scan", "", []byte(`{"OrderId":"pay_01JD4Q7W3N"}`), kaspiAddress)
	f.Add("GET", "biller", "command=check&txn_id=740012345678&account=4711&sum=1.00&data1=steppe", []byte(nil), kaspiAddress)
	f.Add("GET", "biller", "command=pay&txn_id=740012345679&account=4711&sum=15490.00&txn_date=20261123140212&data1=steppe", []byte(nil), kaspiAddress)
	f.Add("GET", "biller", "command=pay&txn_id=1&account=1&sum=1.00&data1=steppes", []byte(nil), "127.0.0.1")
	secret := func(c *Config) { c.Biller.Secret = providers.NewSecret("steppe") }
	inJSON := listening(f, secret)
	inXML := listening(f, secret, func(c *Config) { c.Biller.Format = "xml" })
	f.Fuzz(func(t *testing.T, method, path, query string, body []byte, source string) {
		notice := providers.Notice{Method: method, Path: path, Query: query, Body: body, Source: source}
		heard := inJSON.Hear(notice)
		if heard.Kind == providers.Fact || heard.Kind != providers.Noise && (heard.Forged || heard.Err != nil) {
			t.Errorf("%+v", heard)
		}
		if heard.Kind != providers.Noise && !inJSON.fromBank(source) {
			t.Errorf("%+v from %q", heard, source)
		}
		if heard.Kind == providers.Debit && (method != http.MethodGet || !strings.Contains(query, "steppe") || !digits(heard.Key) ||
			heard.Ref.Order != "" && !digits(heard.Ref.Order) || heard.Result.Amount.Minor <= 0) {
			t.Errorf("%+v of %q", heard, query)
		}
		for kind := providers.TryLater; kind <= providers.Busy; kind++ {
			ruling := providers.Ruling{Kind: kind, Amount: price, ID: "90017", Text: query}
			answer := inJSON.Answer(heard, ruling)
			if len(answer.Body) > 0 && !json.Valid(answer.Body) {
				t.Errorf("answer %q", answer.Body)
			}
			if heard.Kind == providers.Noise && (strings.Contains(string(answer.Body), `"result":0`) || strings.Contains(string(answer.Body), `"Result":0`)) {
				t.Errorf("noise is answered %q", answer.Body)
			}
			if inXML.Answer(inXML.Hear(notice), ruling).Status == 0 {
				t.Error("no answer")
			}
		}
	})
}
