package sim

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// ttpService is one method of the API.
type ttpService struct {
	op    Op
	read  func(t *tiptoppay, c *call, q *ttpRequest) // fills c beyond op and account; nil has nothing to fill
	serve func(t *tiptoppay, c *call, q *ttpRequest) ttpAnswer
}

func ttpServices() map[string]ttpService {
	charge := (*tiptoppay).readCharge
	all := map[string]ttpService{
		"/test":                   {OpProbe, nil, (*tiptoppay).test},
		"/orders/create":          {OpCreate, (*tiptoppay).readOrder, (*tiptoppay).createOrder},
		"/orders/cancel":          {OpVoid, (*tiptoppay).readCancel, (*tiptoppay).cancelOrder},
		"/payments/cards/charge":  {OpCharge, charge, (*tiptoppay).chargeCard},
		"/payments/cards/auth":    {OpCharge, charge, (*tiptoppay).chargeCard},
		"/payments/cards/post3ds": {OpCharge, (*tiptoppay).readPost3DS, (*tiptoppay).post3DS},
		"/payments/tokens/charge": {OpCharge, charge, (*tiptoppay).chargeToken},
		"/payments/tokens/auth":   {OpCharge, charge, (*tiptoppay).chargeToken},
		"/payments/get":           {OpStatus, (*tiptoppay).readByID, (*tiptoppay).get},
		"/payments/find":          {OpStatus, (*tiptoppay).readFind, (*tiptoppay).find},
		"/v2/payments/find":       {OpStatus, (*tiptoppay).readFind, (*tiptoppay).findLast},
		"/payments/confirm":       {OpCapture, (*tiptoppay).readConfirm, (*tiptoppay).confirm},
		"/payments/void":          {OpVoid, (*tiptoppay).readByID, (*tiptoppay).void},
		"/payments/refund":        {OpRefund, (*tiptoppay).readRefund, (*tiptoppay).refund},
		"/payments/list":          {OpList, nil, (*tiptoppay).listDay},
		"/v2/payments/list":       {OpList, nil, (*tiptoppay).listPeriod},
		"/chargebacks/list":       {OpList, nil, (*tiptoppay).listChargebacks},
		"/payments/tokens/list":   {OpList, nil, (*tiptoppay).listTokens},
	}
	for kind, name := range ttpTypeNames {
		all["/site/notifications/"+name+"/get"] = ttpService{OpToken, nil, func(t *tiptoppay, _ *call, _ *ttpRequest) ttpAnswer {
			return t.showAddress(kind)
		}}
		all["/site/notifications/"+name+"/update"] = ttpService{OpToken, nil, func(t *tiptoppay, _ *call, q *ttpRequest) ttpAnswer {
			return t.moveAddress(kind, q)
		}}
	}
	return all
}

// ttpRequest is a request as text.
type ttpRequest struct {
	path    string
	body    []byte      // as it came
	service *ttpService // nil: no method of the API
	status  int         // why it is not looked into, as an HTTP status; 0 is no refusal
	fields  map[string]ttpValue
	again   string     // its X-Request-ID; empty is none
	first   *ttpRepeat // what came first under that, this request included; nil without
	sale    *ttpSale   // the order whose page a browser asks for
	md      string     // the payment that a browser brings to the issuer's 3-D Secure page
}

// ttpValue is the value of a field: its text, and whether JSON wrote it as text.
type ttpValue struct {
	text   string
	quoted bool
}

func (q *ttpRequest) text(name string) string { return q.fields[name].text }

func (q *ttpRequest) flag(name string) bool { return strings.EqualFold(q.text(name), "true") }

// money reads an amount, which JSON must write as a number. The refusal is the gateway's text, empty when there is none.
func (q *ttpRequest) money(name string) (minor int64, refusal string) {
	v, given := q.fields[name]
	if !given || v.text == "" {
		return 0, name + " is required"
	}
	minor, err := parseMinor(v.text)
	if err != nil || minor <= 0 || v.quoted {
		return 0, "Invalid " + name + " value"
	}
	return minor, ""
}

// integer reads an integer field. A fraction is silently rounded (section 4).
func (q *ttpRequest) integer(name string) (int64, bool) {
	whole, frac, _ := strings.Cut(q.text(name), ".")
	n, err := strconv.ParseInt(whole, 10, 64)
	if err != nil || frac != "" && !isDigits(frac) {
		return 0, false
	}
	if frac >= "5" {
		n++
	}
	return n, true
}

// parse reads a request's text and what is wrong with it before anybody looks into the books.
func (t *tiptoppay) parse(r *http.Request, body []byte) *ttpRequest {
	q := &ttpRequest{path: r.URL.Path, body: body, fields: map[string]ttpValue{}}
	if id, page := strings.CutPrefix(r.URL.Path, "/d/"); page {
		if q.sale = t.sale(id); q.sale != nil {
			q.fields, _ = ttpForm(body)
			return q
		}
	}
	if r.URL.Path == ttpACS {
		q.fields, _ = ttpForm(body)
		q.md = q.text("MD")
		return q
	}
	service, known := t.services[r.URL.Path]
	if !known || r.URL.Path == "/chargebacks/list" && t.sw.NoChargebacks {
		q.status = http.StatusNotFound
		return q
	}
	q.service, q.again = &service, r.Header.Get("X-Request-ID")
	user, password, basic := r.BasicAuth()
	switch {
	case r.Method != http.MethodPost:
		q.status = http.StatusMethodNotAllowed
	case !basic || user != t.opt.PublicID || password != t.opt.Secret:
		q.status = http.StatusUnauthorized
	default:
		q.status = q.decode(r.Header.Get("Content-Type"))
	}
	return q
}

// decode reads the fields by content type. A body that is empty needs none.
func (q *ttpRequest) decode(contentType string) int {
	kind, _, err := mime.ParseMediaType(contentType)
	switch {
	case len(bytes.TrimSpace(q.body)) == 0:
		return 0
	case err == nil && kind == "application/json":
		q.fields, err = ttpJSON(q.body)
	case err == nil && kind == "application/x-www-form-urlencoded":
		q.fields, err = ttpForm(q.body)
	default:
		return http.StatusUnsupportedMediaType
	}
	if err != nil {
		return http.StatusBadRequest
	}
	return 0
}

// ttpJSON reads the fields of an object. Numbers keep their literal; objects and lists keep their JSON.
func ttpJSON(body []byte) (map[string]ttpValue, error) {
	d := json.NewDecoder(bytes.NewReader(body))
	var object map[string]json.RawMessage
	if err := d.Decode(&object); err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) || object == nil {
		return nil, errors.New("not one JSON object")
	}
	fields := map[string]ttpValue{}
	for name, raw := range object {
		var text string
		switch {
		case raw[0] == '"' && json.Unmarshal(raw, &text) == nil:
			fields[name] = ttpValue{text: text, quoted: true}
		case string(raw) != "null":
			var short bytes.Buffer
			if err := json.Compact(&short, raw); err != nil {
				return nil, err
			}
			fields[name] = ttpValue{text: short.String()}
		}
	}
	return fields, nil
}

func ttpForm(body []byte) (map[string]ttpValue, error) {
	values, err := url.ParseQuery(string(body))
	fields := map[string]ttpValue{}
	for name := range values {
		fields[name] = ttpValue{text: values.Get(name)}
	}
	return fields, err
}

// read sorts a request by operation. It changes nothing but the note that its X-Request-ID has come.
func (t *tiptoppay) read(r *http.Request, body []byte) *call {
	q := t.parse(r, body)
	c := &call{op: OpProbe, account: t.opt.PublicID, wants: q}
	switch {
	case q.sale != nil:
		c.op, c.reference = OpTest, q.sale.Reference
	case q.path == ttpACS:
		c.op = OpTest
	case q.service != nil:
		c.op = q.service.op
		if q.service.read != nil {
			q.service.read(t, c, q)
		}
		t.note(c, q)
	}
	return c
}

// ttpWants is what read understood.
func ttpWants(c *call) *ttpRequest {
	q, _ := c.wants.(*ttpRequest)
	return q
}

func (t *tiptoppay) act(c *call) reply {
	q := ttpWants(c)
	switch {
	case q.sale != nil:
		return t.browse(c, q)
	case q.path == ttpACS:
		return t.bankPage(c, q)
	case q.status != 0:
		c.twist = ""
		return reply{
			status: q.status, contentType: "text/plain; charset=utf-8", body: []byte(http.StatusText(q.status) + "\n"),
			unprocessed: q.status == http.StatusUnauthorized,
		}
	}
	return t.serve(c, q)
}
