package tiptoppay

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/payrouter/payrouter/providers"
)

// payBody is the example of the notes, section 7.
const payBody = "TransactionId=2346712901&Amount=14500.00&Currency=KZT&PaymentAmount=14500.00&PaymentCurrency=KZT&InvoiceId=KZ-2026-000481-a1" +
	"&AccountId=u-7781&DateTime=2026-03-14%2009%3A21%3A07&TestMode=1&Status=Completed&OperationType=Payment&CardFirstSix=424242&CardLastFour=4242" +
	"&CardType=Visa&CardExpDate=12%2F28&AuthCode=A1B2C3&Rrn=607309481234&Data=%7B%22attempt%22%3A%22a1%22%7D"

// sent is a genuine notice of a type.
func sent(kind, body string) providers.Notice {
	return providers.Notice{Method: http.MethodPost, Path: kind, Body: []byte(body),
		Header: http.Header{"Content-Type": {"application/x-www-form-urlencoded"}, "Content-Hmac": {sign(secret, body)}}}
}

// told is a notice's body with fields changed; an empty value takes one away.
func told(body string, pairs ...string) string {
	form, err := url.ParseQuery(body)
	if err != nil {
		panic(err)
	}
	for i := 0; i < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
		if pairs[i+1] == "" {
			form.Del(pairs[i])
		}
	}
	return form.Encode()
}

func TestTheExampleOfTheNotesIsAFact(t *testing.T) {
	g := deaf(t, nil)
	h := g.Hear(sent(noticePay, payBody))
	if h.Kind != providers.Fact || h.Ref.Order != "KZ-2026-000481-a1" || h.Result.Verdict != providers.Approved || h.Result.Amount != tenge(t, "14500") ||
		h.Result.External != "" || h.Result.Instrument != nil || h.Key == "" || strings.Contains(h.Key, "424242") {
		t.Errorf("%+v", h)
	}
	if reply := g.Answer(h, providers.Ruling{Kind: providers.Accepted}); reply.Status != 200 || string(reply.Body) != `{"code":0}` || reply.ContentType != "application/json" {
		t.Errorf("%+v: %s", reply, reply.Body)
	}
}

func TestWhatANoticeIsWorth(t *testing.T) {
	page, token := told(payBody, "InvoiceId", orderNumber), told(payBody, "InvoiceId", tokenOrder)
	failed := func(body, code string) string {
		return told(body, "Status", "", "AuthCode", "", "ReasonCode", code, "Reason", "InsufficientFunds")
	}
	fact := func(v providers.Verdict, reason providers.Reason) providers.Result {
		return providers.Result{Verdict: v, Reason: reason}
	}
	for name, c := range map[string]struct {
		kind, body string
		heard      providers.HeardKind
		result     providers.Result
	}{
		"paid on a page":                     {noticePay, page, providers.Fact, fact(providers.Approved, "")},
		"paid by token":                      {noticePay, token, providers.Fact, fact(providers.Approved, "")},
		"held":                               {noticePay, told(page, "Status", "Authorized"), providers.Fact, fact(providers.Held, "")},
		"paid, without a bank's code":        {noticePay, told(page, "AuthCode", ""), providers.Hint, providers.Result{}},
		"paid, in the other mode":            {noticePay, told(page, "TestMode", "0"), providers.Hint, providers.Result{}},
		"paid, in no mode":                   {noticePay, told(page, "TestMode", ""), providers.Hint, providers.Result{}},
		"paid, in another currency":          {noticePay, told(page, "Currency", "RUB"), providers.Hint, providers.Result{}},
		"paid, an amount in waves":           {noticePay, told(page, "Amount", "1e4"), providers.Hint, providers.Result{}},
		"paid, nothing":                      {noticePay, told(page, "Amount", "0.00"), providers.Hint, providers.Result{}},
		"paid, in a status nobody knows":     {noticePay, told(page, "Status", "Sold"), providers.Hint, providers.Result{}},
		"paid, and declined":                 {noticePay, told(page, "ReasonCode", "5051"), providers.Hint, providers.Result{}},
		"paid, and refunded":                 {noticePay, told(page, "OperationType", "Refund"), providers.Hint, providers.Result{}},
		"a refund at pay's address":          {noticePay, told(page, "PaymentTransactionId", txID), providers.Hint, providers.Result{}},
		"a check at pay's address":           {noticePay, told(page, "AuthCode", "", "Rrn", ""), providers.Hint, providers.Result{}},
		"a failure at pay's address":         {noticePay, failed(page, "5051"), providers.Hint, providers.Result{}},
		"failed on a page":                   {noticeFail, failed(page, "5051"), providers.Fact, fact(providers.Pending, providers.AwaitingPayer)},
		"failed on a page, by a system":      {noticeFail, failed(page, "5096"), providers.Fact, fact(providers.Pending, providers.AwaitingPayer)},
		"failed on a page, who knows why":    {noticeFail, failed(page, "9999"), providers.Hint, providers.Result{}},
		"failed on a page, for no reason":    {noticeFail, failed(page, "0"), providers.Hint, providers.Result{}},
		"failed by token":                    {noticeFail, failed(token, "5043"), providers.Hint, providers.Result{}},
		"a payment at fail's address":        {noticeFail, page, providers.Hint, providers.Result{}},
		"confirmed":                          {noticeConfirm, page, providers.Hint, providers.Result{}},
		"refunded":                           {noticeRefund, told(page, "Status", "", "PaymentTransactionId", txID, "OperationType", "Refund"), providers.Hint, providers.Result{}},
		"released":                           {noticeCancel, "TransactionId=2346712901&Amount=14500.00&DateTime=2026-03-14+10%3A02%3A44&InvoiceId=" + orderNumber, providers.Hint, providers.Result{}},
		"asked":                              {noticeCheck, told(page, "AuthCode", "", "Rrn", ""), providers.Question, providers.Result{}},
		"asked, about a token":               {noticeCheck, told(token, "AuthCode", "", "Rrn", ""), providers.Question, providers.Result{}},
		"paid, at check's address":           {noticeCheck, page, providers.Hint, providers.Result{}},
		"failed, at check's address":         {noticeCheck, failed(page, "5051"), providers.Hint, providers.Result{}},
		"empty fields are those that lack":   {noticePay, page + "&ReasonCode=&Token=&Reason=", providers.Fact, fact(providers.Approved, "")},
		"fields that nobody documented":      {noticePay, page + "&New=1&Amounts=2", providers.Fact, fact(providers.Approved, "")},
		"a recurrent payment":                {"recurrent", page, providers.Noise, providers.Result{}},
		"no type":                            {"", page, providers.Noise, providers.Result{}},
		"the types of two":                   {"pay/fail", page, providers.Noise, providers.Result{}},
		"no order":                           {noticePay, told(page, "InvoiceId", ""), providers.Noise, providers.Result{}},
		"an order of somebody else's making": {noticePay, told(page, "InvoiceId", "Заказ 481"), providers.Noise, providers.Result{}},
		"a field twice":                      {noticePay, page + "&Amount=1.00", providers.Noise, providers.Result{}},
		"no form":                            {noticePay, "a=%zz", providers.Noise, providers.Result{}},
		"no JSON":                            {noticePay, `{"a"`, providers.Noise, providers.Result{}},
	} {
		t.Run(name, func(t *testing.T) {
			g := deaf(t, nil)
			h := g.Hear(sent(c.kind, c.body))
			if h.Kind != c.heard || h.Result.Verdict != c.result.Verdict || h.Result.Reason != c.result.Reason || h.Forged || (h.Kind == providers.Noise) != (h.Err != nil) {
				t.Errorf("%s %s %s (%v), want %s %s %s", h.Kind, h.Result.Verdict, h.Result.Reason, h.Err, c.heard, c.result.Verdict, c.result.Reason)
			}
			if h.Result.Verdict.HasMoney() != (h.Result.Amount == tenge(t, "14500")) {
				t.Errorf("amount %s", h.Result.Amount)
			}
			if external := map[bool]string{true: txID}[h.Kind == providers.Fact && h.Ref.Order == tokenOrder]; h.Result.External != external {
				t.Errorf("external %q: a page's is the order's own id", h.Result.External)
			}
		})
	}
}

func TestWhatANoticeTellsOfIsTheTransactionThatALookUpFinds(t *testing.T) {
	heard := deaf(t, nil).Hear(sent(noticePay, told(payBody, "InvoiceId", orderNumber)))
	if heard.Result.Movement != txID {
		t.Errorf("the notice tells of %q", heard.Result.Movement)
	}
	again := deaf(t, nil).Hear(sent(noticePay, told(payBody, "InvoiceId", orderNumber, "TransactionId", "2346712999")))
	if again.Kind != providers.Fact || again.Result.Movement != "2346712999" {
		t.Errorf("a second payment on the page is %s of %q", again.Kind, again.Result.Movement)
	}
}

func TestTheOtherSignatureProvesNoFact(t *testing.T) {
	g := deaf(t, nil)
	body := told(payBody, "InvoiceId", orderNumber, "Description", "a&InvoiceId=other")
	text, err := plainText(body)
	if err != nil {
		t.Fatal(err)
	}
	n := sent(noticePay, body)
	n.Header = http.Header{"X-Content-Hmac": {sign(secret, text)}}
	if h := g.Hear(n); h.Kind != providers.Hint || h.Ref.Order != orderNumber || h.Result.Verdict != providers.Unknown {
		t.Errorf("%+v", h)
	}
	body = told(body, "AuthCode", "", "Rrn", "")
	n = sent(noticeCheck, body)
	if text, err = plainText(body); err != nil {
		t.Fatal(err)
	}
	n.Header = http.Header{"X-Content-Hmac": {sign(secret, text)}}
	if h := g.Hear(n); h.Kind != providers.Question {
		t.Errorf("%+v", h)
	}
}

func TestNoticesComeInThreeForms(t *testing.T) {
	g := deaf(t, nil)
	object := `{"TransactionId":2346712901,"Amount":14500.00,"Currency":"KZT","InvoiceId":"` + orderNumber +
		`","TestMode":true,"Status":"Completed","AuthCode":"A1B2C3","Token":"tk_new","CardFirstSix":"424242","CardLastFour":"4242","CardType":"Visa","CustomFields":[{"a":1}]}`
	query := told(payBody, "InvoiceId", orderNumber)
	for name, n := range map[string]providers.Notice{
		"a form":  sent(noticePay, query),
		"JSON":    sent(noticePay, object),
		"a query": {Method: http.MethodGet, Path: "pay/", Query: query, Header: http.Header{"Content-Hmac": {sign(secret, query)}}},
	} {
		h := g.Hear(n)
		if h.Kind != providers.Fact || h.Result.Verdict != providers.Approved || h.Result.Amount != tenge(t, "14500") || h.Ref.Order != orderNumber {
			t.Errorf("%s: %+v", name, h)
		}
		if name == "JSON" && (h.Result.Instrument == nil || h.Result.Instrument.Value.Reveal() != "tk_new" || h.Result.Instrument.Mask != "424242******4242") {
			t.Errorf("the saved card is %+v", h.Result.Instrument)
		}
	}
	for name, n := range map[string]providers.Notice{
		"a query that was posted": {Method: http.MethodPost, Path: noticePay, Query: query, Header: http.Header{"Content-Hmac": {sign(secret, query)}}},
		"a form that was got":     {Method: http.MethodGet, Path: noticePay, Body: []byte(query), Header: http.Header{"Content-Hmac": {sign(secret, query)}}},
		"a form that was put":     {Method: http.MethodPut, Path: noticePay, Body: []byte(query), Header: http.Header{"Content-Hmac": {sign(secret, query)}}},
	} {
		if h := g.Hear(n); h.Kind != providers.Noise {
			t.Errorf("%s: %+v", name, h)
		}
	}
}

func TestARepeatHasOneKeyAndAnotherNoticeAnother(t *testing.T) {
	g := deaf(t, nil)
	key := func(kind, body string) string { return g.Hear(sent(kind, body)).Key }
	first := key(noticePay, payBody)
	if again := key(noticePay, told(payBody)); first == "" || again != first { // the same fields in another order
		t.Errorf("%q, then %q", first, again)
	}
	for _, other := range []string{key(noticeConfirm, payBody), key(noticePay, told(payBody, "Status", "Authorized")),
		key(noticePay, told(payBody, "TransactionId", "2346712999")), key(noticePay, payBody+"&New=1")} {
		if other == first {
			t.Errorf("another notice has the key %q", other)
		}
	}
}

func TestWhatCheckIsAnswered(t *testing.T) {
	g := deaf(t, nil)
	end := time.Now().Add(time.Hour)
	ask := func(pairs ...string) string {
		return told(payBody, append([]string{"InvoiceId", orderNumber, "AuthCode", "", "Rrn", "", "Data", `{"until":` + itoa(end.Unix()) + `}`}, pairs...)...)
	}
	late := ask("Data", `{"until":`+itoa(time.Now().Unix())+`}`)
	for name, c := range map[string]struct {
		body   string
		ruling providers.RulingKind
		want   string // a code, or an HTTP status
	}{
		"payable":                           {ask(), providers.Payable, "0"},
		"a page that tells no end":          {ask("Data", ""), providers.Payable, "13"},
		"a page whose end is unreadable":    {ask("Data", "hello"), providers.Payable, "13"},
		"a page whose end is a word":        {ask("Data", `{"until":"soon"}`), providers.Payable, "13"},
		"a card, which has no end":          {ask("InvoiceId", tokenOrder, "Data", ""), providers.Payable, "0"},
		"paid, at check's address":          {told(payBody, "InvoiceId", orderNumber), providers.Accepted, "13"},
		"paid, there, of no order":          {told(payBody, "InvoiceId", orderNumber), providers.Unmatched, "13"},
		"paid, there, and our store down":   {told(payBody, "InvoiceId", orderNumber), providers.TryLater, "503"},
		"payable, the page is over":         {late, providers.Payable, "20"},
		"payable, another amount":           {ask("Amount", "1450.00"), providers.Payable, "12"},
		"payable, another currency":         {ask("Currency", "RUB"), providers.Payable, "12"},
		"payable, no amount":                {ask("Amount", ""), providers.Payable, "12"},
		"payable, in the other mode":        {ask("TestMode", "0"), providers.Payable, "13"},
		"moved, canceled or over":           {ask(), providers.Gone, "20"},
		"paid already":                      {ask(), providers.AlreadyPaid, "13"},
		"being decided":                     {ask(), providers.Busy, "13"},
		"no order of ours":                  {ask(), providers.Unmatched, "10"},
		"no order at all":                   {ask("InvoiceId", ""), providers.Rejected, "10"},
		"our store is down":                 {ask(), providers.TryLater, "503"},
		"a ruling that makes no sense":      {ask(), providers.Accepted, "13"},
		"a ruling that is not there":        {ask(), 99, "13"},
		"our store is down, and it is over": {late, providers.TryLater, "503"},
	} {
		t.Run(name, func(t *testing.T) {
			h := g.Hear(sent(noticeCheck, c.body))
			reply := g.Answer(h, providers.Ruling{Kind: c.ruling, Amount: tenge(t, "14500")})
			if want := `{"code":` + c.want + `}`; reply.Status == 200 && string(reply.Body) != want || reply.Status != 200 && itoa(int64(reply.Status)) != c.want {
				t.Errorf("%d %s, want %s", reply.Status, reply.Body, c.want)
			}
		})
	}
}

// A notice is repeated up to a hundred times until it reads code 0, so that is said of
// everything genuine that is stored, and of nothing else.
func TestWhatIsGenuineAndStoredIsAcknowledged(t *testing.T) {
	g := deaf(t, nil)
	stranger := sent(noticePay, payBody)
	stranger.Header = http.Header{"Content-Hmac": {sign(providers.NewSecret("another"), payBody)}}
	for name, c := range map[string]struct {
		notice providers.Notice
		ruling providers.RulingKind
		status int
	}{
		"understood":        {sent(noticePay, payBody), providers.Accepted, 200},
		"of no order":       {sent(noticePay, payBody), providers.Unmatched, 200},
		"not understood":    {sent(noticePay, "a=b"), providers.Rejected, 200},
		"of another type":   {sent("recurrent", payBody), providers.Rejected, 404},
		"of two types":      {sent("pay/check", payBody), providers.Rejected, 404},
		"of no type":        {sent("", payBody), providers.Accepted, 404},
		"not stored":        {sent(noticePay, payBody), providers.TryLater, 503},
		"ruled as no other": {sent(noticePay, payBody), providers.Busy, 503},
		"forged":            {stranger, providers.Rejected, 403},
		"forged, accepted":  {stranger, providers.Accepted, 403},
		"forged, no store":  {stranger, providers.TryLater, 503},
		"nothing":           {providers.Notice{}, providers.Rejected, 403},
	} {
		if reply := g.Answer(g.Hear(c.notice), providers.Ruling{Kind: c.ruling}); reply.Status != c.status || (reply.Status == 200) != (string(reply.Body) == `{"code":0}`) {
			t.Errorf("%s: %d %s", name, reply.Status, reply.Body)
		}
	}
}

// Acknowledged at another address than /check, a question would be a payment let through
// unasked.
func TestACheckAtAnotherAddressIsNeverLetThrough(t *testing.T) {
	g := deaf(t, nil)
	check := told(payBody, "InvoiceId", orderNumber, "AuthCode", "", "Rrn", "", "Data", `{"until":4102444800}`)
	for _, kind := range []string{noticePay, noticeFail, noticeConfirm, noticeRefund, noticeCancel} {
		for what, body := range map[string]string{
			"as it is": check, "without an operation": told(check, "OperationType", ""), "without a status": told(check, "Status", ""),
			"with a code of success": told(check, "ReasonCode", "0"), "of another's order": told(check, "InvoiceId", "Заказ 481"),
			"of no order": told(check, "InvoiceId", ""), "with a field twice": check + "&Amount=1.00",
		} {
			for _, ruling := range []providers.RulingKind{providers.Accepted, providers.Unmatched, providers.Rejected, providers.Payable} {
				h := g.Hear(sent(kind, body))
				if reply := g.Answer(h, providers.Ruling{Kind: ruling, Amount: tenge(t, "14500")}); string(reply.Body) != `{"code":13}` || h.Kind != providers.Hint && h.Err == nil {
					t.Errorf("at %s, %s, ruling %d: a %s, answered %s", kind, what, ruling, h.Kind, reply.Body)
				}
			}
		}
	}
}

func TestWhatNoCheckCouldBeIsAcknowledgedAtItsOwnAddress(t *testing.T) {
	g := deaf(t, nil)
	cancel := "TransactionId=2346712901&Amount=14500.00&DateTime=2026-03-14+10%3A02%3A44&InvoiceId=" + orderNumber + "&Rrn=&Email="
	for kind, body := range map[string]string{
		noticePay: told(payBody, "AuthCode", ""), noticeConfirm: told(payBody, "Rrn", ""), noticeCancel: cancel,
		noticeFail:   told(payBody, "Status", "", "AuthCode", "", "Rrn", "", "ReasonCode", "5051"),
		noticeRefund: told(cancel, "PaymentTransactionId", txID, "OperationType", "Refund"),
	} {
		if reply := g.Answer(g.Hear(sent(kind, body)), providers.Ruling{Kind: providers.Accepted}); string(reply.Body) != `{"code":0}` {
			t.Errorf("%s: %d %s", kind, reply.Status, reply.Body)
		}
	}
}

func TestAnEndThatComesAsAnObjectIsKept(t *testing.T) {
	g := deaf(t, nil)
	for end, want := range map[int64]string{time.Now().Add(time.Hour).Unix(): "0", time.Now().Unix(): "20"} {
		h := g.Hear(sent(noticeCheck, `{"TransactionId":2346712901,"Amount":14500.00,"Currency":"KZT","InvoiceId":"`+orderNumber+
			`","TestMode":1,"Status":"Completed","OperationType":"Payment","Data":{"until":`+itoa(end)+`}}`))
		if reply := g.Answer(h, providers.Ruling{Kind: providers.Payable, Amount: tenge(t, "14500")}); string(reply.Body) != `{"code":`+want+`}` {
			t.Errorf("%d: %s, want %s", end, reply.Body, want)
		}
	}
}
