package kaspi

import (
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/payrouter/payrouter/providers"
)

const kaspiAddress = "194.187.247.152"

// listening is a gateway that is only called, never calls.
func listening(t testing.TB, changes ...func(*Config)) *Gateway {
	t.Helper()
	c := basic(R3)
	for _, change := range changes {
		change(&c)
	}
	g, err := New(c, Options{})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func posted(path, body string) providers.Notice {
	return providers.Notice{Method: http.MethodPost, Path: path, Body: []byte(body), Source: kaspiAddress}
}

func asked(query string) providers.Notice {
	return providers.Notice{Method: http.MethodGet, Path: "biller", Query: query, Source: kaspiAddress}
}

// reply is an answer as it stands in testdata/notices.
func reply(r providers.Reply) string {
	return fmt.Sprintf("%d %s\n\n%s\n", r.Status, r.ContentType, r.Body)
}

func TestNotifyPaymentIsOnlyAHint(t *testing.T) {
	g := listening(t)
	for body, want := range map[string]providers.Heard{
		`{"OrderId":"pay_01JD4Q7W3N","Status":"Processed"}`: {
			Ref: providers.Ref{Order: "pay_01JD4Q7W3N"}, Result: providers.Result{Code: "Processed"}},
		`{"OrderId":"pay_01JD4Q7W3N","Status":"Processed","QrPaymentId":12911004518,"Amount":15490.00,"TransactionDate":"2026-11-23T14:02:12"}`: {
			Ref: providers.Ref{Order: "pay_01JD4Q7W3N"}, Result: providers.Result{Code: "Processed", Amount: price}},
		`{"OrderId":4711,"Status":"Never heard of"}`: {
			Ref: providers.Ref{Order: "4711"}, Result: providers.Result{Code: "(unprintable)"}},
		`{"Status":"Processed","QrPaymentId":"12911004518"}`: {
			Ref: providers.Ref{External: "12911004518"}},
	} {
		heard := g.Hear(posted("", body))
		if heard.Kind != providers.Hint || heard.Ref != want.Ref || heard.Err != nil || heard.Forged {
			t.Errorf("%s: %+v", body, heard)
		}
		if diff := cmp.Diff(want.Result, heard.Result); diff != "" {
			t.Errorf("%s: %s", body, diff)
		}
	}
	heard := g.Hear(posted("", `{"OrderId":"pay_01JD4Q7W3N","Status":"Processed"}`))
	for name, ruling := range map[string]providers.RulingKind{
		"understood": providers.Accepted, "unmatched": providers.Unmatched, "rejected": providers.Rejected, "store-down": providers.TryLater,
	} {
		compare(t, filepath.Join("notices", "notify-"+name+".txt"), reply(g.Answer(heard, providers.Ruling{Kind: ruling})))
	}
}

func TestScanIsAQuestion(t *testing.T) {
	g := listening(t)
	heard := g.Hear(posted("scan/", `{"OrderId":"pay_01JD4Q7W3N"}`))
	if heard.Kind != providers.Question || heard.Ref.Order != "pay_01JD4Q7W3N" {
		t.Fatalf("%+v", heard)
	}
	for name, ruling := range map[string]providers.Ruling{
		"payable":    {Kind: providers.Payable, Amount: price, Text: "Order 4711"},
		"unmatched":  {Kind: providers.Unmatched},
		"gone":       {Kind: providers.Gone, Text: "Order is canceled"},
		"paid":       {Kind: providers.AlreadyPaid},
		"busy":       {Kind: providers.Busy},
		"rejected":   {Kind: providers.Rejected},
		"accepted":   {Kind: providers.Accepted}, // no answer to a question
		"store-down": {Kind: providers.TryLater},
	} {
		compare(t, filepath.Join("notices", "scan-"+name+".txt"), reply(g.Answer(heard, ruling)))
	}
}

func TestUnreadableNoticeIsNoise(t *testing.T) {
	g := listening(t)
	get := posted("", `{"OrderId":"1","Status":"Processed"}`)
	get.Method = http.MethodGet
	for name, notice := range map[string]providers.Notice{
		"not JSON":         posted("", "OrderId=1"),
		"a list":           posted("", `[{"OrderId":"1"}]`),
		"empty":            posted("", ""),
		"no order":         posted("", `{"Status":"Processed"}`),
		"null order":       posted("", `{"OrderId":null,"Status":"Processed"}`),
		"order of objects": posted("", `{"OrderId":{},"Status":"Processed"}`),
		"endless order":    posted("", `{"OrderId":"`+strings.Repeat("a", 201)+`","Status":"Processed"}`),
		"bad number":       posted("", `{"Status":"Processed","QrPaymentId":"x"}`),
		"scan of none":     posted("scan", `{"QrPaymentId":"12911004518"}`),
		"other path":       posted("refund", `{"OrderId":"1"}`),
		"GET":              get,
	} {
		heard := g.Hear(notice)
		if heard.Kind != providers.Noise || heard.Forged || heard.Err == nil {
			t.Errorf("%s: %+v", name, heard)
		}
		if answer := g.Answer(heard, providers.Ruling{Kind: providers.Accepted}); strings.Contains(string(answer.Body), `"Result":0`) {
			t.Errorf("%s is answered as understood", name)
		}
	}
}

func TestOnlyTheBanksAddressesAreHeard(t *testing.T) {
	own := func(c *Config) { c.NoticeSources = []string{"10.1.2.0/24", "2001:db8::7"} }
	for _, try := range []struct {
		gateway *Gateway
		source  string
		forged  bool
	}{
		{listening(t), "194.187.247.152", false},
		{listening(t), "194.187.245.108", false},
		{listening(t), "::ffff:194.187.247.152", false},
		{listening(t), "194.187.247.153", true},
		{listening(t), "127.0.0.1", true},
		{listening(t), "", true},
		{listening(t), "194.187.247.152, 10.0.0.1", true},
		{listening(t, own), "10.1.2.200", false},
		{listening(t, own), "2001:db8::7", false},
		{listening(t, own), "194.187.247.152", true},
	} {
		for _, notice := range []providers.Notice{
			posted("", `{"OrderId":"1","Status":"Processed"}`), posted("scan", `{"OrderId":"1"}`),
			asked("command=check&txn_id=1&account=1&sum=1.00"), asked("command=pay&txn_id=1&account=1&sum=1.00"),
		} {
			notice.Source = try.source
			heard := try.gateway.Hear(notice)
			if heard.Forged != try.forged || (heard.Kind == providers.Noise) != try.forged {
				t.Errorf("%s from %q: %+v", notice.Path, try.source, heard)
			}
			if try.forged && (heard.Ref != providers.Ref{} || heard.Key != "") {
				t.Errorf("a forged notice names %+v", heard)
			}
		}
	}
}

// The bank has debited the payer before it tells of it: from an address that is not in our
// list yet, or with a secret that was not agreed anew, it must come again, not be refused.
func TestForgedNoticeIsAnsweredSoThatAGenuineOneComesAgain(t *testing.T) {
	g := listening(t, func(c *Config) { c.Biller.Secret = providers.NewSecret("steppe") })
	for _, notice := range []providers.Notice{
		posted("", `{"OrderId":"1","Status":"Processed"}`), posted("scan", `{"OrderId":"1"}`), posted("", "{"),
		asked("command=check&txn_id=1&account=1&sum=1.00&data1=steppe"), asked("command=pay&txn_id=1&account=1&sum=1.00&data1=steppe"),
		asked("command=pay&txn_id=1&account=1&account=1"),
	} {
		notice.Source = "194.187.247.153"
		if answer := g.Answer(g.Hear(notice), providers.Ruling{Kind: providers.Rejected}); answer.Status != http.StatusForbidden || len(answer.Body) > 0 {
			t.Errorf("%s?%s from elsewhere: %s", notice.Path, notice.Query, reply(answer))
		}
	}
	wrong := g.Hear(asked("command=pay&txn_id=1&account=1&sum=1.00&data1=plain"))
	if answer := g.Answer(wrong, providers.Ruling{Kind: providers.Rejected}); answer.Status != http.StatusForbidden || len(answer.Body) > 0 {
		t.Errorf("another secret: %s", reply(answer))
	}
}

func TestCheckIsAQuestionAndPayIsADebit(t *testing.T) {
	g := listening(t)
	check := g.Hear(asked("command=check&txn_id=740012345678&account=0000004711&sum=1.00"))
	if check.Kind != providers.Question || check.Ref != (providers.Ref{Order: "0000004711"}) || check.Key != "" {
		t.Errorf("check: %+v", check)
	}
	pay := g.Hear(asked("command=pay&txn_id=740012345679&account=0000004711+&sum=15490.00&txn_date=20261123140212"))
	if pay.Kind != providers.Debit || pay.Ref != (providers.Ref{Order: "0000004711"}) || pay.Key != "740012345679" {
		t.Errorf("pay: %+v", pay)
	}
	equal(t, pay.Result, providers.Result{Verdict: providers.Approved, External: "740012345679", Amount: price, Code: "pay"})
	if at := pay.Detail.(debit).at; !at.Equal(time.Date(2026, 11, 23, 9, 2, 12, 0, time.UTC)) {
		t.Errorf("accounting date %s", at)
	}
}

func TestAccountThatCannotBeOursNamesNothing(t *testing.T) {
	g := listening(t)
	for _, account := range []string{"", "account=", "account=+", "account=q3ncb5xeusdk7a2mzt4w", "account=%2B77011234567", "account=4711x"} {
		for command, kind := range map[string]providers.HeardKind{"check": providers.Question, "pay": providers.Debit} {
			heard := g.Hear(asked("command=" + command + "&txn_id=1&sum=1.00&" + account))
			if heard.Kind != kind || heard.Ref != (providers.Ref{}) {
				t.Errorf("%s %s: %+v", command, account, heard)
			}
		}
	}
}

func TestNoticeThatCouldNotBeStoredIsNotAcknowledged(t *testing.T) {
	if answer := listening(t).Answer(providers.Heard{}, providers.Ruling{Kind: providers.TryLater}); answer.Status != http.StatusServiceUnavailable {
		t.Errorf("answer %+v", answer)
	}
}

func TestPayIsNotRefusedForItsDate(t *testing.T) {
	for _, date := range []string{"", "&txn_date=", "&txn_date=20261323", "&txn_date=yesterday"} {
		heard := listening(t).Hear(asked("command=pay&txn_id=1&account=1&sum=1.00" + date))
		if heard.Kind != providers.Debit || !heard.Detail.(debit).at.IsZero() {
			t.Errorf("%q: %+v", date, heard)
		}
	}
}

func TestBillerAnswersInBothFormats(t *testing.T) {
	shop := func(c *Config) { c.Biller.Fields = []Field{{"Shop", "Qazaq Books"}, {"Place", "Abay 150 & co"}} }
	xml := func(c *Config) { c.Biller.Format = "xml" }
	check := asked("command=check&txn_id=740012345678&account=4711&sum=1.00")
	pay := asked("command=pay&txn_id=740012345679&account=4711&sum=15490.00&txn_date=20261123140212")
	for format, g := range map[string]*Gateway{"json": listening(t, shop), "xml": listening(t, shop, xml)} {
		for name, try := range map[string]struct {
			notice providers.Notice
			ruling providers.Ruling
		}{
			"check-payable":   {check, providers.Ruling{Kind: providers.Payable, Amount: price}},
			"check-unmatched": {check, providers.Ruling{Kind: providers.Unmatched}},
			"check-gone":      {check, providers.Ruling{Kind: providers.Gone, Text: "Тапсырыс жойылды"}},
			"check-paid":      {check, providers.Ruling{Kind: providers.AlreadyPaid}},
			"check-busy":      {check, providers.Ruling{Kind: providers.Busy}},
			"check-later":     {check, providers.Ruling{Kind: providers.TryLater}},
			"check-rejected":  {check, providers.Ruling{Kind: providers.Rejected}},
			"check-accepted":  {check, providers.Ruling{Kind: providers.Accepted}}, // no answer to a question
			"pay-accepted":    {pay, providers.Ruling{Kind: providers.Accepted, ID: "90017"}},
			"pay-unmatched":   {pay, providers.Ruling{Kind: providers.Unmatched}},
			"pay-gone":        {pay, providers.Ruling{Kind: providers.Gone, ID: "90017"}},
			"pay-paid":        {pay, providers.Ruling{Kind: providers.AlreadyPaid, ID: "90017"}},
			"pay-busy":        {pay, providers.Ruling{Kind: providers.Busy, ID: "90017"}},
			"pay-later":       {pay, providers.Ruling{}},
			"pay-rejected":    {pay, providers.Ruling{Kind: providers.Rejected}},
			"pay-payable":     {pay, providers.Ruling{Kind: providers.Payable, Amount: price, ID: "90017"}},
		} {
			heard := g.Hear(try.notice)
			answer := reply(g.Answer(heard, try.ruling))
			compare(t, filepath.Join("notices", "biller-"+name+"-"+format+".txt"), answer)
			if again := reply(g.Answer(g.Hear(try.notice), try.ruling)); again != answer {
				t.Errorf("%s: the same request gets another answer", name)
			}
		}
	}
}

func TestBillerNoise(t *testing.T) {
	g := listening(t)
	post := asked("command=check&txn_id=1&account=1")
	post.Method = http.MethodPost
	for name, notice := range map[string]providers.Notice{
		"a POST":            post,
		"no command":        asked("txn_id=1&account=1&sum=1.00"),
		"another command":   asked("command=cancel&txn_id=1&account=1&sum=1.00"),
		"no txn_id":         asked("command=pay&account=1&sum=1.00"),
		"txn_id of letters": asked("command=pay&txn_id=1a&account=1&sum=1.00"),
		"txn_id too long":   asked("command=pay&txn_id=" + strings.Repeat("1", 21) + "&account=1&sum=1.00"),
		"two accounts":      asked("command=pay&txn_id=1&account=1&account=2&sum=1.00"),
		"two sums":          asked("command=pay&txn_id=1&account=1&sum=1.00&sum=2.00"),
		"no sum":            asked("command=pay&txn_id=1&account=1"),
		"sum of nothing":    asked("command=pay&txn_id=1&account=1&sum=0.00"),
		"negative sum":      asked("command=pay&txn_id=1&account=1&sum=-1.00"),
		"sum with a comma":  asked("command=pay&txn_id=1&account=1&sum=1,00"),
		"fractions of tiyn": asked("command=pay&txn_id=1&account=1&sum=1.001"),
		"broken query":      asked("command=pay&txn_id=1&account=%zz&sum=1.00"),
	} {
		heard := g.Hear(notice)
		if heard.Kind != providers.Noise || heard.Forged || heard.Err == nil || heard.Key != "" {
			t.Errorf("%s: %+v", name, heard)
		}
		if answer := g.Answer(heard, providers.Ruling{Kind: providers.Rejected}); answer.Status != 200 || !strings.Contains(string(answer.Body), `"result":5`) {
			t.Errorf("%s: answer %s", name, reply(answer))
		}
	}
	closed := listening(t, func(c *Config) { c.Biller = Biller{} })
	if heard := closed.Hear(asked("command=pay&txn_id=1&account=1&sum=1.00")); heard.Kind != providers.Noise {
		t.Errorf("a biller that is not configured hears %+v", heard)
	}
}

func TestAgreedSecretMustComeWithEveryBillerRequest(t *testing.T) {
	g := listening(t, func(c *Config) { c.Biller.Secret = providers.NewSecret("steppe") })
	for _, command := range []string{"check", "pay"} {
		query := "command=" + command + "&txn_id=1&account=1&sum=1.00"
		if heard := g.Hear(asked(query + "&data1=steppe")); heard.Kind == providers.Noise {
			t.Errorf("%s: %+v", command, heard)
		}
		for _, data := range []string{"", "&data1=", "&data1=stepp", "&data1=steppee", "&data1=Steppe", "&data2=steppe"} {
			heard := g.Hear(asked(query + data))
			if heard.Kind != providers.Noise || !heard.Forged || strings.Contains(heard.Err.Error(), "steppe") {
				t.Errorf("%s %s: %+v", command, data, heard)
			}
		}
	}
}
