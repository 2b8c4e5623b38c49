package halyk

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/providers/internal/exchange"
)

// answers seeds a fuzz target with all of testdata/answers.
func answers(f *testing.F) {
	f.Helper()
	files, err := filepath.Glob("testdata/answers/*.json")
	if err != nil || len(files) == 0 {
		f.Fatal("no answers", err)
	}
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(200, data)
		f.Add(400, data)
		f.Add(500, data)
	}
}

// harmless checks what must hold of any answer, however wrong.
func harmless(t *testing.T, r providers.Result, asked providers.Ref) {
	t.Helper()
	if r.Verdict.HasMoney() && r.Code != "REFUND" && r.Code != "PARTIAL_REFUND" {
		if r.Amount != asked.Amount {
			t.Errorf("money that is not ours: %+v", r)
		}
	}
	if r.Absent && r.Verdict != providers.Unknown {
		t.Errorf("absent and %s", r.Verdict)
	}
	if strings.ContainsAny(r.Code, "@+<>\"{}") || len(r.Code) > 70 {
		t.Errorf("code %q", r.Code)
	}
}

// FuzzStatusAnswer: whatever check-status says, money is believed only if it is ours.
func FuzzStatusAnswer(f *testing.F) {
	answers(f)
	g, err := New(config(), Options{})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, _ int, body []byte) {
		var status statusAnswer
		if readObject(body, &status) != nil {
			return
		}
		for _, method := range []providers.Method{providers.Instrument, providers.Page} {
			asked := ref(method)
			r := g.read(asked, status, time.Now())
			harmless(t, r, asked)
			if r.Verdict.HasMoney() && (status.Transaction == nil || string(status.Transaction.InvoiceID) != order ||
				!strings.EqualFold(string(status.Transaction.TerminalID), terminal) || r.External == "") {
				t.Errorf("money of somebody else: %+v", r)
			}
			if r.Absent && (status.ResultCode != "102" || status.Transaction != nil && *status.Transaction != (transaction{})) {
				t.Errorf("absent by %s", body)
			}
		}
	})
}

// FuzzChargeAnswer: no answer to a charge proves more than it may.
func FuzzChargeAnswer(f *testing.F) {
	answers(f)
	g, err := New(config(), Options{})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		answer := exchange.Answer{Outcome: exchange.Answered, Status: status, Body: body}
		asked := ref(providers.Instrument)
		said, settled := readCharge(answer, asked.Order)
		r := providers.Result{}
		if settled != nil {
			r = *settled
		} else {
			r = g.judgeCharge(asked, said)
		}
		harmless(t, r, asked)
		if status != 200 && status != 400 && status != 401 && status != 403 && r.Verdict != providers.Unknown {
			t.Errorf("HTTP %d gave %s", status, r.Verdict)
		}
		if r.Verdict.HasMoney() && (status != 200 || string(said.InvoiceID) != order) {
			t.Errorf("HTTP %d gave money for number %s", status, said.InvoiceID)
		}
		operated, _ := carriedOut(answer)
		if operated.Verdict == providers.Approved && status != 200 || status >= 500 && operated.Verdict != providers.Unknown {
			t.Errorf("HTTP %d: an operation was %s", status, operated.Verdict)
		}
	})
}

// FuzzHear: only a body with its number's own secret is more than noise, and it is
// never more than a hint.
func FuzzHear(f *testing.F) {
	f.Add("POST", "", []byte(postLink()))
	f.Add("POST", "", []byte(strings.Replace(postLink(), "secret_hash", "secretHash", 1)))
	f.Add("POST", "", []byte(`{"invoiceId":"`+order+`","secret_hash":""}`))
	f.Add("GET", "x", []byte(`{}`))
	g, err := New(config(), Options{})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, method, path string, body []byte) {
		h := g.Hear(providers.Notice{Method: method, Path: path, Body: body})
		switch h.Kind {
		case providers.Noise:
			if h.Err == nil || h.Ref != (providers.Ref{}) {
				t.Errorf("noise %+v", h)
			}
		case providers.Hint:
			if h.Ref.Order == "" || !strings.Contains(string(body), hashOf(h.Ref.Order)) && !strings.Contains(string(body), `\`) {
				t.Errorf("a hint without the secret: %s", body)
			}
		default:
			t.Errorf("heard a %s", h.Kind)
		}
		if reply := g.Answer(h, providers.Ruling{}); reply.Status != 503 {
			t.Errorf("not stored, yet answered %d", reply.Status)
		}
	})
}
