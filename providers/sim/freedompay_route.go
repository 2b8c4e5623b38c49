package sim

import (
	"cmp"
	"net/http"
	"strings"
)

// fpRoute is one call of the API.
type fpRoute struct {
	path  string // without .php; what stands after /v1/merchant/{id} for calls about cards
	op    Op
	plain bool                                       // there is no .php variant of the address
	card  bool                                       // its answers are those that may be signed with an empty script name
	keyed bool                                       // pg_idempotency_key is documented for it
	page  bool                                       // a browser sends it, and is shown the page
	read  func(f *freedompay, c *call, q *fpRequest) // fills the call; may be nil
	act   func(f *freedompay, c *call, q *fpRequest) fpMessage
}

const fpMerchantPath = "/v1/merchant/"

func fpRoutes() []fpRoute {
	return []fpRoute{
		{path: "/init_payment", op: OpCreate, keyed: true, read: (*freedompay).readInit, act: (*freedompay).create},
		{path: "/payment", op: OpCreate, keyed: true, page: true, read: (*freedompay).readInit, act: (*freedompay).create},
		{path: "/make_recurring_payment", op: OpCharge, read: (*freedompay).readRecurring, act: (*freedompay).recur},

		{path: "/get_status", op: OpStatus, read: (*freedompay).readStatus, act: (*freedompay).legacyStatus},
		{path: "/get_status2", op: OpStatus, read: (*freedompay).readStatus, act: (*freedompay).legacyStatus},
		{path: "/get_status3", op: OpStatus, read: (*freedompay).readStatus, act: (*freedompay).status},
		{path: "/g2g/status_v2", plain: true, op: OpStatus, read: (*freedompay).readStatus, act: (*freedompay).status},

		{path: "/do_capture", op: OpCapture, read: (*freedompay).readCapture, act: (*freedompay).capture},
		{path: "/g2g/clearing", plain: true, op: OpCapture, read: (*freedompay).readCapture, act: (*freedompay).capture},
		{path: "/cancel", op: OpVoid, read: (*freedompay).readCancel, act: (*freedompay).cancel},
		{path: "/g2g/cancel", plain: true, op: OpVoid, read: (*freedompay).readCancel, act: (*freedompay).cancel},
		{path: "/revoke", op: OpRefund, keyed: true, read: (*freedompay).readRefund, act: (*freedompay).refund},
		{path: "/g2g/refund", plain: true, op: OpRefund, read: (*freedompay).readRefund, act: (*freedompay).refund},
		{path: "/g2g/payment", plain: true, op: OpCharge, act: (*freedompay).inactive},

		{path: "/get_registry", op: OpList, act: (*freedompay).registry},
		{path: "/ps_list", op: OpProbe, act: (*freedompay).systems},

		{path: "card/init", plain: true, card: true, keyed: true, op: OpToken, read: (*freedompay).readCardInit, act: (*freedompay).cardInit},
		{path: "card/direct", plain: true, card: true, op: OpCharge, read: (*freedompay).readDirect, act: (*freedompay).direct},
		{path: "card/pay", plain: true, card: true, op: OpCreate, read: (*freedompay).readDirect, act: (*freedompay).cardPay},
		{path: "cardstorage/add", plain: true, op: OpToken, act: (*freedompay).addCard},
		{path: "cardstorage/add2", plain: true, op: OpToken, act: (*freedompay).addCard},
		{path: "cardstorage/list", plain: true, op: OpToken, act: (*freedompay).listCards},
		{path: "cardstorage/remove", plain: true, op: OpToken, act: (*freedompay).removeCard},
	}
}

var fpTable = fpRoutes()

// fpFind finds the call of an address, and the merchant that a path of /v1 names. GET is for the .php addresses alone.
func fpFind(method, path string) (*fpRoute, string) {
	merchant := ""
	if rest, ok := strings.CutPrefix(path, fpMerchantPath); ok {
		if merchant, path, ok = strings.Cut(rest, "/"); !ok || merchant == "" {
			return nil, ""
		}
	}
	path, php := strings.CutSuffix(path, ".php")
	for i := range fpTable {
		route := &fpTable[i]
		ofCards := !strings.HasPrefix(route.path, "/")
		if route.path == path && ofCards == (merchant != "") && !(route.plain && php) && (method == http.MethodPost || method == http.MethodGet && php) {
			return route, merchant
		}
	}
	return nil, ""
}

// read sorts a request by operation.
func (f *freedompay) read(r *http.Request, body []byte) *call {
	q := f.parse(r, body)
	c := &call{op: OpProbe, account: f.opt.MerchantID, wants: q}
	switch {
	case q.page != nil:
		c.op, c.reference = OpTest, q.page.reference()
	case q.route != nil:
		c.op, c.reference = q.route.op, q.m.text("pg_order_id")
		q.p = f.find(q.m.text("pg_payment_id"), c.reference)
		if q.route.read != nil {
			q.route.read(f, c, q)
		}
	}
	return c
}

// about fills a call on an existing payment from that payment, whose number is all that the protocol carries.
func (q *fpRequest) about(c *call) {
	if q.p != nil {
		c.reference, c.amount, c.currency = q.p.Reference, q.p.Amount, q.p.Currency
	}
}

func fpWants(c *call) *fpRequest {
	q, _ := c.wants.(*fpRequest)
	return q
}

func (f *freedompay) act(c *call) reply {
	q := fpWants(c)
	switch {
	case q.page != nil:
		return f.browse(c, q)
	case q.route == nil:
		c.twist = ""
		return fpHTML(http.StatusNotFound, "Not found", "")
	}
	if no, ok := f.check(q); !ok {
		c.twist = ""
		return no
	}
	m := f.once(c, q)
	if q.route.page && m.text("pg_status") == "ok" {
		c.twist = "" // a page says nothing that a server reads
		return f.page(f.payment(m.text("pg_payment_id")))
	}
	return f.answer(c, q, m)
}

// fpReuse is the first answer under a pg_idempotency_key.
type fpReuse struct {
	content string
	answer  fpMessage
	made    *Object // what it offered; may be nil
}

// once does what is asked, or repeats the first answer under the same key, or refuses the key for anything else (section 8).
func (f *freedompay) once(c *call, q *fpRequest) fpMessage {
	key := q.m.text("pg_idempotency_key")
	switch {
	case q.m.text(fpSalt) == "":
		return fpSorry(fpMissing)
	case len(key) > 255:
		return fpSorry(fpBadParameter)
	case key == "" || !q.route.keyed || f.sw.IgnoreKeys:
		return q.route.act(f, c, q)
	}
	content := q.route.path + "\n" + q.m.without(fpSalt, fpSig).form("")
	first := f.kept[key]
	switch {
	case first == nil:
		m := q.route.act(f, c, q)
		f.kept[key] = &fpReuse{content, m, c.created}
		return m
	case first.content != content:
		return fpSorry(fpNotUnique)
	}
	if first.made != nil && first.made.Unseen && first.made.Style == StyleOffer {
		c.created = first.made // the first answer was lost; this one shows the offer
	}
	return first.answer
}

// refuse answers a fault under which nothing happens.
func (f *freedompay) refuse(c *call, kind FaultKind, code string, status int) reply {
	q := fpWants(c)
	switch {
	case kind == FaultThrottle: // no limit is documented, so neither is a form
		return reply{status: cmp.Or(status, http.StatusTooManyRequests), contentType: "text/plain; charset=utf-8", body: []byte("Too Many Requests\n")}
	case q.route == nil:
		return fpHTML(cmp.Or(status, http.StatusNotFound), "Not found", "")
	case kind == FaultUnauthorized:
		return f.unauthorized(status)
	case kind == FaultNotFound:
		rep := f.answer(c, q, f.notFound(q))
		rep.status = status
		return rep
	case code == fpBadSignature, code == fpNoMerchant:
		return fpUnsigned(code, status)
	}
	rep := f.answer(c, q, fpSorry(code))
	rep.status = status
	return rep
}
