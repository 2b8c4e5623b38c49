package sim

import (
	"cmp"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
)

const (
	robokassaIndexPath   = "/Merchant/Index.aspx"
	robokassaServicePath = "/Merchant/WebService/Service.asmx/"
	robokassaRefundPath  = "/RefundService/Refund/"
	robokassaInvoicePath = "/InvoiceServiceWebApi/api/"
)

// robokassaRoute is one address.
type robokassaRoute struct {
	path   string // one that ends with a slash takes one more segment: robokassaWish.id
	post   bool   // POST only; else GET and POST
	op     Op
	page   bool                                          // for browsers: no fault applies
	russia bool                                          // not in the .kz documentation
	read   func(r *robokassa, c *call, w *robokassaWish) // fills the call from the request; may be nil
	act    func(r *robokassa, c *call, w *robokassaWish) reply
	refuse func(r *robokassa, c *call, kind FaultKind, code string, status int) reply
}

func robokassaRoutes() []robokassaRoute {
	xml := func(method string, act func(*robokassa, *call, *robokassaWish) reply) robokassaRoute {
		return robokassaRoute{path: robokassaServicePath + method, op: OpProbe, act: act, refuse: (*robokassa).refuseXML}
	}
	routes := []robokassaRoute{
		{path: robokassaIndexPath, op: OpTest, page: true, read: (*robokassa).readStart, act: (*robokassa).openPage},
		{path: "/Merchant/Index/", op: OpTest, page: true, read: (*robokassa).readPage, act: (*robokassa).browse},
		{path: "/Merchant/Invoice/", op: OpTest, page: true, read: (*robokassa).readPage, act: (*robokassa).browse},

		{path: "/Merchant/Indexjson.aspx", post: true, op: OpCreate, read: (*robokassa).readStart, act: (*robokassa).start, refuse: (*robokassa).refuseStart},
		{path: "/Merchant/Recurring", post: true, op: OpCharge, read: (*robokassa).readRecurring, act: (*robokassa).recur, refuse: (*robokassa).refuseRecurring},
		{path: "/Merchant/Payment/Confirm", post: true, op: OpCapture, read: (*robokassa).readHold, act: (*robokassa).confirm, refuse: (*robokassa).refuseHold},
		{path: "/Merchant/Payment/Cancel", post: true, op: OpVoid, read: (*robokassa).readHold, act: (*robokassa).cancel, refuse: (*robokassa).refuseHold},

		{path: robokassaServicePath + "OpStateExt", op: OpStatus, read: (*robokassa).readState, act: (*robokassa).showState, refuse: (*robokassa).refuseXML},
		xml("GetPaymentMethods", (*robokassa).showMethods),
		xml("GetCurrencies", (*robokassa).showCurrencies),
		xml("CalcOutSumm", (*robokassa).calculate),

		{path: robokassaRefundPath + "Create", post: true, russia: true, op: OpRefund, read: (*robokassa).readRefund, act: (*robokassa).refund, refuse: (*robokassa).refuseRefund},
		{path: robokassaRefundPath + "GetState", russia: true, op: OpStatus, read: (*robokassa).readRefundState, act: (*robokassa).showRefund, refuse: (*robokassa).refuseRefundState},

		{path: robokassaInvoicePath + "CreateInvoice", post: true, russia: true, op: OpCreate, read: (*robokassa).readInvoice, act: (*robokassa).createInvoice, refuse: (*robokassa).refuseInvoice},
		{path: robokassaInvoicePath + "DeactivateInvoice", post: true, russia: true, op: OpVoid, read: (*robokassa).readDeactivation, act: (*robokassa).deactivateInvoice, refuse: (*robokassa).refuseInvoice},
		{path: robokassaInvoicePath + "GetInvoiceInformationList", post: true, russia: true, op: OpList, act: (*robokassa).listInvoices, refuse: (*robokassa).refuseInvoice},
	}
	return routes
}

// robokassaWish is what the face read from a request.
type robokassaWish struct {
	route *robokassaRoute // nil for an address that nobody serves
	id    string          // from the path
	form  url.Values      // of the address and of the body
	token *robokassaJWT   // of the services that take one; nil when there was none
	raw   bool            // the token was not wrapped as a JSON string

	payment *robokassaPayment // what it is about; nil when the bank knows none
	code    string            // why a start is refused
	draft   *robokassaPayment // of a start that is not
}

func (r *robokassa) route(q *http.Request) (*robokassaRoute, string) {
	for i := range r.routesOf {
		route := &r.routesOf[i]
		id, longer := strings.CutPrefix(q.URL.Path, route.path)
		slash := strings.HasSuffix(route.path, "/")
		switch {
		case !longer || slash != (id != "") || strings.Contains(id, "/"):
		case q.Method != http.MethodPost && (route.post || q.Method != http.MethodGet):
		case route.russia && r.sw.Kazakhstan:
		default:
			return route, id
		}
	}
	return nil, ""
}

func (r *robokassa) read(q *http.Request, body []byte) *call {
	w := &robokassaWish{form: url.Values{}}
	c := &call{op: OpProbe, wants: w, account: r.opt.Shop}
	if w.route, w.id = r.route(q); w.route == nil {
		return c
	}
	c.op = w.route.op
	if w.route.russia && q.Method == http.MethodPost {
		w.token, w.raw = robokassaBody(body)
	} else {
		w.form = q.URL.Query()
		if sent, err := url.ParseQuery(string(body)); err == nil {
			for name, values := range sent {
				w.form[name] = append(values, w.form[name]...)
			}
		}
	}
	if w.route.read != nil {
		w.route.read(r, c, w)
	}
	return c
}

// robokassaBody reads a token that is the whole body, as it is or as a JSON string. Nil is neither.
func robokassaBody(body []byte) (t *robokassaJWT, raw bool) {
	text := strings.TrimSpace(string(body))
	raw = !strings.HasPrefix(text, `"`)
	if !raw && json.Unmarshal([]byte(text), &text) != nil {
		return nil, false
	}
	t, err := readRobokassaJWT(text)
	if err != nil {
		return nil, raw
	}
	return t, raw
}

func (r *robokassa) act(c *call) reply {
	w, _ := c.wants.(*robokassaWish)
	if w.route == nil {
		robokassaTwists(c)
		return robokassaNowhere()
	}
	return w.route.act(r, c, w)
}

func (r *robokassa) refuse(c *call, kind FaultKind, code string, status int) reply {
	w, _ := c.wants.(*robokassaWish)
	switch {
	case w.route == nil || w.route.refuse == nil:
		return robokassaNowhere()
	case kind == FaultThrottle: // no limit is documented, so neither is a form
		return robokassaText(cmp.Or(status, http.StatusTooManyRequests), "Too Many Requests")
	}
	return w.route.refuse(r, c, kind, code, status)
}
