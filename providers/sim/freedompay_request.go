package sim

import (
	"bytes"
	"cmp"
	"crypto/hmac"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"strings"
	"time"
)

// fpRequest is a request as it was read.
type fpRequest struct {
	route    *fpRoute // nil for an address that nobody knows, and for pages
	script   string   // the last segment of the path: the name under the signature
	merchant string   // from the path of /v1; empty elsewhere
	m        fpMessage
	broken   bool       // the body is none of the three forms
	p        *fpPayment // what pg_payment_id or pg_order_id names, if anything
	page     *fpPage    // a payer's browser is here
}

// parse reads a request by its address.
func (f *freedompay) parse(r *http.Request, body []byte) *fpRequest {
	q := &fpRequest{script: fpScript(r.URL.Path)}
	if page := f.pages[r.URL.Query().Get("customer")]; page != nil && r.URL.Path == fpPagePath {
		q.page = page
		form, err := fpParseForm(string(body))
		q.m, q.broken = form, err != nil
		return q
	}
	q.route, q.merchant = fpFind(r.Method, r.URL.Path)
	if q.route == nil {
		return q
	}
	m, err := fpRead(r, body)
	q.m, q.broken = m, err != nil
	return q
}

// fpScript is the script's name of a path: what follows the last slash.
func fpScript(path string) string { return path[strings.LastIndexByte(path, '/')+1:] }

// fpRead reads a message in any of its forms: the query of a GET, a form, a multipart form, or one field pg_xml (section 4).
func fpRead(r *http.Request, body []byte) (m fpMessage, err error) {
	kind, params, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch {
	case r.Method == http.MethodGet:
		m, err = fpParseForm(r.URL.RawQuery)
	case kind == "multipart/form-data":
		m, err = fpParseMultipart(body, params["boundary"])
	default:
		m, err = fpParseForm(string(body))
	}
	if err != nil || !m.has("pg_xml") {
		return m, err
	}
	return fpParseXML([]byte(m.text("pg_xml")), "request")
}

func fpParseMultipart(body []byte, boundary string) (fpMessage, error) {
	var m fpMessage
	parts := multipart.NewReader(bytes.NewReader(body), boundary)
	for {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			return m, nil
		}
		if err != nil {
			return nil, errFPMessage
		}
		value, err := io.ReadAll(part) // the whole body is bounded
		if err != nil {
			return nil, errFPMessage
		}
		if err := m.put(part.FormName(), string(value)); err != nil {
			return nil, err
		}
	}
}

// check is what Freedom Pay looks at before anything else: who asks, and whether they signed. Both refusals are unsigned.
func (f *freedompay) check(q *fpRequest) (reply, bool) {
	switch {
	case q.broken, q.m.text("pg_merchant_id") != f.opt.MerchantID, q.merchant != "" && q.merchant != f.opt.MerchantID:
		return fpUnsigned(fpNoMerchant, 0), false
	case !hmac.Equal([]byte(q.m.sign(q.script, f.opt.Secret)), []byte(q.m.text(fpSig))):
		return f.unauthorized(0), false
	}
	return reply{}, true
}

func (f *freedompay) unauthorized(status int) reply {
	if f.sw.SoftUnauthorized {
		return fpUnsigned(fpNoMerchant, status)
	}
	return fpUnsigned(fpBadSignature, cmp.Or(status, http.StatusUnauthorized))
}

// answer signs a message and writes it, spoiled as c.twist asks.
func (f *freedompay) answer(c *call, q *fpRequest, m fpMessage) reply {
	m = f.spoil(c, m)
	script, secret := q.script, f.opt.Secret
	if f.sw.EmptyScript && q.route.card {
		script = ""
	}
	if c.twist == FaultBadSignature {
		secret = fpStranger
	}
	return fpXML(f.signed(m, script, secret), 0)
}

// fpStranger signs what must not verify.
const fpStranger = "not the merchant's secret"

// signed adds a fresh salt and the signature.
func (f *freedompay) signed(m fpMessage, script, secret string) fpMessage {
	m = append(m.without(fpSalt, fpSig), fpLeaf(fpSalt, f.b.digits(16)))
	return append(m, fpLeaf(fpSig, m.sign(script, secret)))
}

func fpXML(m fpMessage, status int) reply {
	return reply{status: status, contentType: "application/xml; charset=utf-8", body: m.xml("response")}
}

// fpUnsigned refuses who asks, not what is asked: the same request may come again.
func fpUnsigned(code string, status int) reply {
	rep := fpXML(fpSorry(code), status)
	rep.unprocessed = true
	return rep
}

// spoil makes an answer untrue. It leaves the signature to answer, and clears the twist where there is no place for it.
func (f *freedompay) spoil(c *call, m fpMessage) fpMessage {
	m = m.without() // a copy: the true answer may be kept for a repeat
	switch c.twist {
	case FaultWrongAmount:
		if !f.twist(m, func(was string) string {
			minor, err := parseMinor(was)
			if err != nil || minor == 0 {
				return was
			}
			return f.amount(minor + 100)
		}, "pg_amount", "pg_clearing_amount") {
			c.twist = ""
		}
	case FaultWrongReference:
		byID := f.twist(m, func(string) string { return f.newID() }, "pg_payment_id")
		byOrder := f.twist(m, func(was string) string { return "other-" + was }, "pg_order_id")
		if !byID && !byOrder {
			c.twist = ""
		}
	case FaultUnknownStatus:
		if isDigits(c.code) {
			return fpSorry(c.code)
		}
		invent := func(string) string { return cmp.Or(c.code, fpUndocumented) }
		if !f.twist(m, invent, "pg_payment_status", "pg_transaction_status", "pg_refund_status", "pg_revoke_status", "pg_status_clearing") {
			f.twist(m, invent, "pg_status")
		}
	}
	return m
}

// twist changes the named leaves, of the first row where the answer is a list. It reports whether anything is different now.
func (f *freedompay) twist(m fpMessage, change func(string) string, names ...string) bool {
	changed := false
	for i, field := range m {
		if field.inner != nil && field.name == fpRowName && !changed {
			m[i].inner = field.inner.without()
			changed = f.twist(m[i].inner, change, names...)
		}
		for _, name := range names {
			if field.inner == nil && field.name == name {
				m[i].value = change(field.value)
				changed = changed || m[i].value != field.value
			}
		}
	}
	return changed
}

// amount writes a sum of money.
func (f *freedompay) amount(minor int64) string {
	if f.sw.ShortAmounts {
		return shortMajor(minor)
	}
	return major(minor)
}

// newID invents a payment's number, which also numbers refunds and cancellations.
func (f *freedompay) newID() string { return "9" + f.b.digits(9) }

// fpAlmaty is the zone of pg_create_date and pg_payment_date, which do not say it: UTC+5, without summer time.
var fpAlmaty = time.FixedZone("Asia/Almaty", 5*60*60)

func fpLocal(t time.Time) string { return t.In(fpAlmaty).Format(time.DateTime) }
