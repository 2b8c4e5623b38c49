package sim

import (
	"bytes"
	"crypto/hmac"
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"io"
	"math/big"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// What a request can be: a transactionType of /api, the hosted form, or something that no merchant's server sends.
const (
	wfpInvoice  = "CREATE_INVOICE"
	wfpRemove   = "REMOVE_INVOICE"
	wfpCharge   = "CHARGE"
	wfpComplete = "COMPLETE_3DS"
	wfpStatus   = "CHECK_STATUS"
	wfpSettle   = "SETTLE"
	wfpRefund   = "REFUND"
	wfpList     = "TRANSACTION_LIST"
	wfpPurchase = "PURCHASE" // the hosted form, and the payer's side of an invoice in TRANSACTION_LIST

	wfpBrowser = "browser" // a payer on one of our pages
	wfpNowhere = "nowhere" // no such address, or not this method
)

// wfpRequest is a request as text: numbers stand exactly as the merchant wrote them, because the signature is over that text.
type wfpRequest struct {
	kind   string
	fields map[string][]string
	broken bool      // not a JSON object, or not a form
	order  *wfpOrder // what a page or a COMPLETE_3DS is about, as neither says the merchant's reference
}

// wfpRefusal is why a request is not even looked into; a zero code is no refusal.
type wfpRefusal struct {
	code int
	text string // which field or rule, after the code's own name
}

func (q *wfpRequest) text(name string) string {
	if v := q.fields[name]; len(v) > 0 {
		return v[0]
	}
	return ""
}

// parts are the values of the named fields for signing: arrays in place, and an empty segment for a field without a value.
func (q *wfpRequest) parts(names ...string) []string {
	var out []string
	for _, name := range names {
		v := q.fields[name]
		if len(v) == 0 {
			v = []string{""}
		}
		out = append(out, v...)
	}
	return out
}

// wfpBasket are the fields under the signature of everything that begins an order; wfpSigned are those of all requests (section 3).
var (
	wfpBasket = []string{
		"merchantAccount", "merchantDomainName", "orderReference", "orderDate", "amount", "currency",
		"productName", "productCount", "productPrice",
	}
	wfpSigned = map[string][]string{
		wfpInvoice:  wfpBasket,
		wfpPurchase: wfpBasket,
		wfpCharge:   wfpBasket,
		wfpStatus:   {"merchantAccount", "orderReference"},
		wfpRemove:   {"merchantAccount", "orderReference"},
		wfpSettle:   {"merchantAccount", "orderReference", "amount", "currency"},
		wfpRefund:   {"merchantAccount", "orderReference", "amount", "currency"},
		wfpList:     {"merchantAccount", "dateBegin", "dateEnd"},
	}
	// wfpUnsigned are further fields without which a request is refused with 1115.
	wfpUnsigned = map[string][]string{
		wfpInvoice:  {"apiVersion"},
		wfpCharge:   {"apiVersion"},
		wfpStatus:   {"apiVersion"},
		wfpRemove:   {"apiVersion"},
		wfpSettle:   {"apiVersion"},
		wfpRefund:   {"apiVersion", "comment"},
		wfpList:     {"apiVersion"},
		wfpComplete: {"authorization_ticket", "d3ds_md", "d3ds_pares"},
	}
)

// wfpSign is the signature of both sides: lower-case hex of HMAC-MD5 over the values joined with semicolons.
func wfpSign(key string, parts ...string) string {
	mac := hmac.New(md5.New, []byte(key))
	_, _ = io.WriteString(mac, strings.Join(parts, ";"))
	return hex.EncodeToString(mac.Sum(nil))
}

// check is what WayForPay looks at before it looks into its books.
func (w *wayforpay) check(q *wfpRequest) wfpRefusal {
	if q.broken {
		return wfpRefusal{wfpFormat, "the body does not parse"}
	}
	if q.text("transactionType") == "" && q.kind != wfpPurchase {
		return wfpRefusal{wfpMissing, "transactionType"}
	}
	signed, needed := wfpSigned[q.kind], wfpUnsigned[q.kind]
	if signed == nil && needed == nil {
		return wfpRefusal{wfpFormat, "transactionType"}
	}
	for _, name := range slices.Concat(signed, needed) {
		if slices.Contains(q.parts(name), "") {
			return wfpRefusal{wfpMissing, name}
		}
	}
	if signed == nil {
		return wfpRefusal{}
	}
	if q.text("merchantAccount") != w.opt.Account {
		return wfpRefusal{code: wfpNoAccount}
	}
	want := wfpSign(w.opt.Key, q.parts(signed...)...)
	if !hmac.Equal([]byte(want), []byte(q.text("merchantSignature"))) {
		return wfpRefusal{code: wfpBadSignature}
	}
	if v := q.text("apiVersion"); v != "" && v != "1" && v != "2" {
		return wfpRefusal{wfpFormat, "apiVersion"}
	}
	return wfpRefusal{}
}

// parse reads a request's text, by its address.
func (w *wayforpay) parse(r *http.Request, body []byte) *wfpRequest {
	switch {
	case r.URL.Path == "/api" && r.Method == http.MethodPost:
		q := wfpParseJSON(body)
		q.kind = q.text("transactionType")
		if q.kind == wfpComplete {
			q.order = w.waiting3DS(q.text("authorization_ticket"))
		}
		if q.kind == wfpPurchase || q.kind == wfpBrowser || q.kind == wfpNowhere {
			q.kind = "" // words of ours, not transaction types
		}
		return q
	case r.URL.Path == "/pay" && r.Method == http.MethodPost:
		q := wfpParseForm(body)
		q.kind = wfpPurchase
		return q
	case r.Method == http.MethodGet || r.Method == http.MethodPost:
		id, invoice := strings.CutPrefix(r.URL.Path, "/invoice/")
		if !invoice && r.URL.Path == "/page" {
			id = r.URL.Query().Get("vkh")
		}
		if ord := w.ids[id]; ord != nil {
			q := wfpParseForm(body)
			q.kind, q.order = wfpBrowser, ord
			return q
		}
	}
	return &wfpRequest{kind: wfpNowhere}
}

func wfpParseJSON(body []byte) *wfpRequest {
	var object map[string]any
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber() // keeps the literal
	if err := d.Decode(&object); err != nil || d.More() || object == nil {
		return &wfpRequest{broken: true}
	}
	q := &wfpRequest{fields: map[string][]string{}}
	for name, v := range object {
		list, many := v.([]any)
		if !many {
			list = []any{v}
		}
		for _, one := range list {
			switch x := one.(type) {
			case string:
				q.fields[name] = append(q.fields[name], x)
			case json.Number:
				q.fields[name] = append(q.fields[name], x.String())
			case bool:
				q.fields[name] = append(q.fields[name], strconv.FormatBool(x))
			case nil:
				q.fields[name] = append(q.fields[name], "")
			} // an object has no text; no documented field is one
		}
	}
	return q
}

func wfpParseForm(body []byte) *wfpRequest {
	values, err := url.ParseQuery(string(body))
	q := &wfpRequest{fields: map[string][]string{}, broken: err != nil}
	for name, v := range values {
		q.fields[strings.TrimSuffix(name, "[]")] = v
	}
	return q
}

// wfpProduct is one line of the basket. Counts carry two decimals, as prices do: a shop may sell half a kilogram.
type wfpProduct struct {
	name         string
	count, price int64
}

// products reads the three arrays; they must be equally long and their sum must be the amount.
func (q *wfpRequest) products(minor int64) ([]wfpProduct, wfpRefusal) {
	names, counts, prices := q.fields["productName"], q.fields["productCount"], q.fields["productPrice"]
	if len(names) != len(counts) || len(names) != len(prices) {
		return nil, wfpRefusal{wfpFormat, "productName, productCount and productPrice differ in length"}
	}
	var out []wfpProduct
	sum := new(big.Int)
	for i, name := range names {
		count, errCount := parseMinor(counts[i])
		price, errPrice := parseMinor(prices[i])
		if errCount != nil || errPrice != nil || count <= 0 || price < 0 {
			return nil, wfpRefusal{wfpFormat, "productCount or productPrice"}
		}
		sum.Add(sum, new(big.Int).Mul(big.NewInt(count), big.NewInt(price)))
		out = append(out, wfpProduct{name, count, price})
	}
	if want := new(big.Int).Mul(big.NewInt(minor), big.NewInt(100)); sum.Cmp(want) != 0 { // count and price were both scaled
		return nil, wfpRefusal{wfpBadAmount, "the products do not add up to it"}
	}
	return out, wfpRefusal{}
}

// wfpUnix reads unix seconds. Milliseconds are refused: they would be a date some fifty thousand years off.
func wfpUnix(text string) (time.Time, bool) {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || !isDigits(text) || len(text) > 10 {
		return time.Time{}, false
	}
	return time.Unix(n, 0), true
}

// life reads a field in seconds; absent is the default.
func (q *wfpRequest) life(name string, absent time.Duration) (time.Duration, bool) {
	text := q.text(name)
	if text == "" {
		return absent, true
	}
	n, err := strconv.ParseInt(text, 10, 32)
	return time.Duration(n) * time.Second, err == nil && n > 0 && isDigits(text)
}
