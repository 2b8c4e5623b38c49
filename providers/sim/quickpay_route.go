package sim

import (
	"cmp"
	"crypto/subtle"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// qpRoute is one call of the API, or a payer's window.
type qpRoute struct {
	method, path string // in the words of permissions: /payments/:id/link
	op           Op
	kind         string // what an id in the path names
	operation    string // the type of operation it makes
	listing      bool   // answers many objects, or none
	act          func(q *quickpay, c *call, w *qpWish) reply
}

// qpRoutes are looked through in this order.
var qpRoutes = []qpRoute{
	{method: "GET", path: "/ping", op: OpProbe, act: (*quickpay).ping},
	{method: "POST", path: "/payments", op: OpToken, act: (*quickpay).create},
	{method: "GET", path: "/payments", op: OpList, listing: true, act: (*quickpay).list},
	{method: "GET", path: "/payments/:id", op: OpStatus, kind: "Payment", act: (*quickpay).get},
	{method: "PATCH", path: "/payments/:id", op: OpToken, kind: "Payment", act: (*quickpay).patch},
	{method: "PUT", path: "/payments/:id/link", op: OpCreate, kind: "Payment", act: (*quickpay).putLink},
	{method: "DELETE", path: "/payments/:id/link", op: OpVoid, kind: "Payment", act: (*quickpay).deleteLink},
	{method: "POST", path: "/payments/:id/authorize", op: OpCharge, kind: "Payment", operation: qpAuthorize, act: (*quickpay).authorize},
	{method: "POST", path: "/payments/:id/capture", op: OpCapture, kind: "Payment", operation: qpCapture, act: (*quickpay).capture},
	{method: "POST", path: "/payments/:id/refund", op: OpRefund, kind: "Payment", operation: qpRefund, act: (*quickpay).refund},
	{method: "POST", path: "/payments/:id/cancel", op: OpVoid, kind: "Payment", operation: qpCancel, act: (*quickpay).cancel},
	{method: "POST", path: "/payments/:id/renew", op: OpToken, kind: "Payment", operation: qpRenew, act: (*quickpay).renew},
	{method: "GET", path: "/payments/:id/operations/:id", op: OpStatus, kind: "Payment", act: (*quickpay).getOperation},
	{method: "POST", path: "/cards", op: OpToken, act: (*quickpay).makeCard},
	{method: "GET", path: "/cards/:id", op: OpToken, kind: "Card", act: (*quickpay).getCard},
	{method: "POST", path: "/cards/:id/authorize", op: OpToken, kind: "Card", act: (*quickpay).saveCard},
	{method: "POST", path: "/cards/:id/tokens", op: OpToken, kind: "Card", act: (*quickpay).makeToken},
	{method: "GET", path: "/account/private-key", op: OpToken, act: (*quickpay).privateKey},
}

// qpWish is a request as it was understood.
type qpWish struct {
	route        qpRoute
	id           string // the first one in the path
	n            int64  // the second one
	query        url.Values
	fields       qpFields
	synchronized bool
	callback     string     // where the callback of the operation shall go; empty is the account-wide address
	payment      *qpPayment // named by the path; nil where there is none
	card         *qpCard    // likewise
	window       *qpPayment // whose window a browser shows
	no           *reply     // the request is refused whatever it wants
	forced       string     // by a fault: the code that the acquirer answers
}

func qpWants(c *call) *qpWish {
	w, _ := c.wants.(*qpWish)
	return w
}

// qpID reads an id of a path; 0 is none.
func qpID(text string) int64 {
	if !isDigits(text) {
		return 0
	}
	n, _ := strconv.ParseInt(text, 10, 64)
	return n
}

// read sorts a request by route. What it is about is looked up again by nobody: objects are never deleted.
func (q *quickpay) read(r *http.Request, body []byte) *call {
	w := &qpWish{query: r.URL.Query(), callback: r.Header.Get("QuickPay-Callback-Url")}
	c := &call{wants: w, account: strconv.FormatInt(q.opt.MerchantID, 10)}
	if q.browser(w, r, body) {
		c.op, c.reference = OpTest, w.window.order
		return c
	}
	known := false
	w.route, w.id, w.n, known = qpFind(r.Method, r.URL.Path)
	c.op = cmp.Or(w.route.op, OpProbe)
	w.synchronized = w.query.Has("synchronized")
	fields, err := readQPFields(r.Header.Get("Content-Type"), body)
	w.fields = fields
	switch w.route.kind {
	case "Payment":
		w.payment = q.payment(qpID(w.id))
	case "Card":
		w.card = q.card(qpID(w.id))
	}
	w.no = q.objection(r, w, known, err)
	q.describe(c, w)
	return c
}

// describe fills in what the bank checks about a request.
func (q *quickpay) describe(c *call, w *qpWish) {
	if order := w.query.Get("order_id"); w.route.listing && order != "" {
		c.op, c.reference = OpStatus, order
	}
	if w.route.method == http.MethodPost && w.route.path == "/payments" {
		c.reference, c.currency = w.fields.text("order_id"), w.fields.text("currency")
		c.unique = c.reference
	}
	p := w.payment
	if p == nil {
		return // nothing can move by an id that is not there
	}
	c.reference, c.currency = p.order, p.currency
	c.amount, _ = w.fields.number("amount")
	id := strconv.FormatInt(p.id, 10)
	switch {
	case c.op == OpCreate:
		c.money, c.create, c.inert = true, true, true // a repeat replaces the link, so it may come again
	case c.op == OpCharge:
		c.money, c.create, c.once = true, true, "authorize/"+id
	case c.op == OpCapture:
		c.money, c.once = true, "capture/"+id+"/"+strconv.FormatInt(c.amount, 10)
	case c.op == OpRefund:
		// There is no refund id: two equal refunds are two refunds. Only one that comes again before the first has happened is a repeat.
		c.money, c.once = true, "refund/"+id+"/"+strconv.FormatInt(c.amount, 10)+"/"+strconv.Itoa(p.count(qpRefund))+"/"+w.callback
	case w.route.operation == qpCancel:
		c.money, c.once, c.amount = true, "cancel/"+id, p.uncaptured()
	}
}

// qpFind finds the route of a request and the ids in its path; known says that the path is there for other methods at least.
func qpFind(method, path string) (found qpRoute, id string, n int64, known bool) {
	parts := strings.Split(path, "/")
	for _, route := range qpRoutes {
		pattern := strings.Split(route.path, "/")
		ids := []string{}
		fits := len(parts) == len(pattern)
		for i := 0; fits && i < len(parts); i++ {
			if pattern[i] == ":id" {
				ids = append(ids, parts[i])
			} else {
				fits = pattern[i] == parts[i]
			}
		}
		known = known || fits
		if fits && route.method == method {
			ids = append(ids, "", "")
			return route, ids[0], qpID(ids[1]), true
		}
	}
	return qpRoute{}, "", 0, known
}

// objection says why a request is refused before anybody looks at what it wants.
func (q *quickpay) objection(r *http.Request, w *qpWish, known bool, body error) *reply {
	user, key, _ := r.BasicAuth()
	permission := w.route.method + " " + w.route.path
	var no reply
	switch {
	case !known:
		no = qpRefusal(http.StatusNotFound, "Not found", nil, "")
	case w.route.path == "":
		no = qpRefusal(http.StatusMethodNotAllowed, "Method not allowed", nil, "")
	case r.Header.Get("Accept-Version") != "v10":
		no = qpRefusal(http.StatusNotAcceptable, "The requested version is not supported: send Accept-Version: v10", nil, "")
	case user != "" || subtle.ConstantTimeCompare([]byte(key), []byte(q.opt.APIKey)) != 1:
		no = qpUnauthorized(0)
	case slices.Contains(q.sw.Forbidden, permission):
		no = qpRefusal(http.StatusForbidden, "Not authorized: Not authorized to "+permission, nil, "")
	case body != nil:
		no = qpRefusal(http.StatusBadRequest, "Validation error: the body is no object", nil, "")
	case w.route.kind != "" && w.payment == nil && w.card == nil:
		no = qpNoSuch(w.route.kind, w.id)
	default:
		return nil
	}
	no.unprocessed = true
	return &no
}

func (q *quickpay) act(c *call) reply {
	w := qpWants(c)
	switch {
	case w.window != nil:
		return q.browse(c, w)
	case w.no != nil:
		return qpHonest(c, *w.no)
	}
	if w.route.operation == "" && c.twist == FaultBadSignature || strings.HasPrefix(w.route.path, "/cards") {
		c.twist = "" // no answer is signed, and no callback follows; nothing about a card is an amount or a payment
	}
	return w.route.act(q, c, w)
}

func (q *quickpay) ping(c *call, _ *qpWish) reply {
	return qpHonest(c, qpJSON(http.StatusOK, map[string]any{"msg": "Pong from QuickPay API V10", "scope": "merchant", "version": "v10", "params": map[string]string{}}))
}

func (q *quickpay) privateKey(c *call, _ *qpWish) reply {
	return qpHonest(c, qpJSON(http.StatusOK, map[string]any{"private_key": q.opt.PrivateKey}))
}
