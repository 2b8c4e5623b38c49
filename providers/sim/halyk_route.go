package sim

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// halykRoute is one call of the API.
type halykRoute struct {
	method, path string // a segment "*" is halykWish.id
	op           Op
	key          halykKey
	read         func(h *halyk, c *call, w *halykWish) // fills the call from the request; may be nil
	act          func(h *halyk, c *call, w *halykWish) reply
	shape        halykShape
	absent       func() reply // the answer when there is no such object; nil is HTTP 404
}

// halykKey is the kind of token that a call needs.
type halykKey int

const (
	halykNoKey      halykKey = iota // none: the token endpoint, the public key, browsers
	halykAnyKey                     // any token of the client
	halykPaymentKey                 // a token bound to an invoice
	halykServiceKey                 // a token with the long scope, or a cabinet's
)

// halykShape is the envelope of an error.
type halykShape int

const (
	halykPlain  halykShape = iota // {"code","message"}
	halykOAuth                    // {"error","error_description"}
	halykResult                   // {"resultCode","resultMessage"}
)

func halykRoutes() []halykRoute {
	const post, get = http.MethodPost, http.MethodGet
	noTransaction := func() reply { return halykRefusal(halykTechnical, "transaction not found") }
	unknown := func() reply { return halykStatusAnswer(halykResultUnknown, nil) }
	return []halykRoute{
		{method: post, path: "/oauth2/token", op: OpToken, read: (*halyk).readToken, act: (*halyk).issueToken, shape: halykOAuth},
		{method: post, path: "/epay2/oauth2/token", op: OpToken, read: (*halyk).readToken, act: (*halyk).issueToken, shape: halykOAuth},

		{method: post, path: "/invoice", op: OpCreate, key: halykAnyKey, read: (*halyk).readInvoice, act: (*halyk).makeInvoice},
		{method: post, path: "/payment/qr/generate", op: OpCreate, key: halykPaymentKey, read: (*halyk).readQR, act: (*halyk).makeQR},
		{method: get, path: "/qr", op: OpStatus, key: halykAnyKey, read: (*halyk).readQRStatus, act: (*halyk).showQR, absent: halykNoBill},
		{method: post, path: "/payments/cards/auth", op: OpCharge, key: halykPaymentKey, read: (*halyk).readCharge, act: (*halyk).chargeSaved},
		{method: post, path: "/payment/cryptopay", op: OpCharge, key: halykPaymentKey, read: (*halyk).readCharge, act: (*halyk).chargeCryptogram},
		{method: post, path: "/payment/confirm", op: OpCharge, key: halykAnyKey, read: (*halyk).readConfirm, act: (*halyk).confirm, absent: noTransaction},
		{method: get, path: "/public.rsa", op: OpToken, act: (*halyk).showKey},

		{method: get, path: "/check-status/payment/transaction/*", op: OpStatus, key: halykServiceKey, read: (*halyk).readStatus, act: (*halyk).showByInvoice, shape: halykResult, absent: unknown},
		{method: get, path: "/check-status/payment/transactionId/*", op: OpStatus, key: halykServiceKey, read: (*halyk).readOperation, act: (*halyk).showByID, shape: halykResult, absent: unknown},
		{method: post, path: "/operation/*/charge", op: OpCapture, key: halykServiceKey, read: (*halyk).readCapture, act: (*halyk).capture, absent: noTransaction},
		{method: post, path: "/operation/*/cancel", op: OpVoid, key: halykServiceKey, read: (*halyk).readCancel, act: (*halyk).cancel, absent: noTransaction},
		{method: post, path: "/operation/*/refund", op: OpRefund, key: halykServiceKey, read: (*halyk).readRefund, act: (*halyk).refund, absent: noTransaction},
		{method: post, path: "/operations", op: OpList, key: halykServiceKey, act: (*halyk).list, absent: halykNoRecords},

		{method: get, path: "/cards/*", op: OpToken, key: halykServiceKey, act: (*halyk).listCards, absent: halykNoCards},
		{method: post, path: "/card/deactivate/*", op: OpToken, key: halykServiceKey, act: (*halyk).deactivateCard, absent: halykNoCards},

		{method: get, path: "/payform/payment-api.js", op: OpTest, act: (*halyk).showScript},
		{method: post, path: "/payform", op: OpTest, act: (*halyk).openPage},
		{method: get, path: "/payform/*", op: OpTest, act: (*halyk).showPage},
		{method: post, path: "/payform/*", op: OpTest, act: (*halyk).actOnPage},
	}
}

// halykWish is what the face read from a request.
type halykWish struct {
	route  *halykRoute // nil for an address that nobody knows
	id     string      // from the path
	query  url.Values
	form   url.Values // urlencoded or multipart
	fields halykBody  // JSON; nil when there was none
	broken bool       // the body is there, and not JSON
	grant  *halykGrant
	sale   halykSale
}

// route finds the call and what its path names. The older test host answers under /api, so a merchant may keep that prefix.
func (h *halyk) route(r *http.Request) (*halykRoute, string) {
	have := strings.Split(strings.TrimPrefix(r.URL.Path, "/api"), "/")
	for i := range h.routesOf {
		route := &h.routesOf[i]
		want := strings.Split(route.path, "/")
		if route.method != r.Method || len(want) != len(have) {
			continue
		}
		id, same := "", true
		for j := range want {
			if want[j] == "*" && have[j] != "" {
				id = have[j]
			} else if want[j] != have[j] {
				same = false
			}
		}
		if same {
			return route, id
		}
	}
	return nil, ""
}

func (h *halyk) read(r *http.Request, body []byte) *call {
	w := &halykWish{query: r.URL.Query()}
	c := &call{op: OpProbe, wants: w}
	if w.route, w.id = h.route(r); w.route == nil {
		return c
	}
	c.op = w.route.op
	if w.route.key == halykNoKey {
		w.form = halykForm(r, body)
	} else {
		w.grant = h.bearer(r, w.route.key)
		if len(body) > 0 {
			var err error
			w.fields, err = readHalykBody(body)
			w.broken = err != nil
		}
	}
	if w.route.read != nil {
		w.route.read(h, c, w)
	}
	return c
}

// bearer finds the token of a request; nil when it is missing, expired or not meant for such a call.
func (h *halyk) bearer(r *http.Request, key halykKey) *halykGrant {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	g := h.grants[token]
	if !ok || g == nil || !time.Now().Before(g.until) || key == halykPaymentKey && g.invoice == "" || key == halykServiceKey && !g.service {
		return nil
	}
	return g
}

func (h *halyk) act(c *call) reply {
	w, _ := c.wants.(*halykWish)
	switch {
	case w.route == nil:
		halykTwists(c)
		return halykNowhere()
	case w.route.key != halykNoKey && w.grant == nil:
		halykTwists(c)
		return halykUnauthorized(w.route.shape, 0)
	case w.broken:
		return halykSorry(c, halykFormat, "body is not JSON")
	}
	return w.route.act(h, c, w)
}

func (h *halyk) refuse(c *call, kind FaultKind, code string, status int) reply {
	w, _ := c.wants.(*halykWish)
	if w.route == nil {
		return halykNowhere()
	}
	switch kind {
	case FaultUnauthorized:
		return halykUnauthorized(w.route.shape, status)
	case FaultThrottle:
		rep := halykError(halykPlain, "429", "too many requests", cmp.Or(status, http.StatusTooManyRequests))
		rep.unprocessed = true
		return rep
	case FaultNotFound:
		rep := halykNowhere()
		if w.route.absent != nil {
			rep = w.route.absent()
		}
		rep.status = cmp.Or(status, rep.status)
		return rep
	}
	if w.route.shape == halykResult {
		status = cmp.Or(status, http.StatusOK)
	}
	return halykError(w.route.shape, code, halykMessages[code], status)
}

// halykTwists drops a twist for which an answer has no place, so that the core knows that the merchant got a true answer.
func halykTwists(c *call, places ...FaultKind) {
	if !slices.Contains(places, c.twist) {
		c.twist = ""
	}
}
