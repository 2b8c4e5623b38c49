package sim

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// kaspiRoute is one operation of the QR API.
type kaspiRoute struct {
	op      Op
	schemes string // digits of the schemes that have it
	do      func(*kaspi, *call, *kaspiRequest) kaspiAnswer
}

// kaspiRoutes are the operations by method and path under /rN/vNN; * is one path element.
func kaspiRoutes() map[string]kaspiRoute {
	return map[string]kaspiRoute{
		"GET health/ping":                {OpProbe, "123", (*kaspi).ping},
		"GET partner/tradepoints":        {OpToken, "12", (*kaspi).tradePoints},
		"GET partner/tradepoints/*":      {OpToken, "3", (*kaspi).tradePoints},
		"POST device/register":           {OpToken, "123", (*kaspi).registerDevice},
		"POST device/delete":             {OpToken, "123", (*kaspi).deleteDevice},
		"POST qr/create":                 {OpCreate, "123", (*kaspi).createQR},
		"POST qr/create-link":            {OpCreate, "123", (*kaspi).createLink},
		"GET remote/client-info":         {OpToken, "3", (*kaspi).clientInfo},
		"POST remote/create":             {OpCreate, "3", (*kaspi).createInvoice},
		"POST remote/cancel":             {OpVoid, "3", (*kaspi).cancelInvoice},
		"GET payment/status/*":           {OpStatus, "123", (*kaspi).status},
		"GET payment/details":            {OpStatus, "23", (*kaspi).details},
		"POST payment/return":            {OpRefund, "23", (*kaspi).refund},
		"POST return/create":             {OpRefund, "2", (*kaspi).createReturn},
		"GET return/status/*":            {OpRefund, "2", (*kaspi).returnStatus},
		"POST return/operations":         {OpRefund, "2", (*kaspi).returnOperations},
		"POST test/payment/scan":         {OpTest, "123", (*kaspi).emulate},
		"POST test/payment/confirm":      {OpTest, "123", (*kaspi).emulate},
		"POST test/payment/scanerror":    {OpTest, "123", (*kaspi).emulate},
		"POST test/payment/confirmerror": {OpTest, "123", (*kaspi).emulate},
	}
}

// kaspiRequest is what a request says.
type kaspiRequest struct {
	scheme   string
	version  string
	known    bool // there is such an operation in this scheme and version
	route    kaspiRoute
	last     string // the last element of the path
	body     kaspiBody
	bodyErr  error
	purchase *kaspiPurchase // the one it names, nil when there is none
}

func (k *kaspi) read(r *http.Request, body []byte) *call {
	q := k.find(r)
	c := &call{op: OpProbe, currency: "KZT", wants: q}
	if !q.known {
		return c
	}
	c.op = q.route.op
	token, bin := "", ""
	if r.Method == http.MethodPost {
		if q.body, q.bodyErr = readKaspiBody(body); q.bodyErr != nil {
			return c
		}
		token, bin = q.body.text("DeviceToken"), q.body.text("OrganizationBin")
	} else {
		token = r.URL.Query().Get("DeviceToken")
	}
	c.account = bin
	if d := k.device(token); d != nil {
		c.account = d.org.BIN
	}
	switch id := q.names(r); {
	case id != 0:
		if q.purchase = k.purchase(id); q.purchase != nil {
			c.reference = q.purchase.o.Reference
		}
	case c.op == OpCreate:
		c.reference = q.body.text("ExternalId")
		if q.remote() {
			c.reference = q.body.text("Comment") // a remote invoice has no other place for it
		}
	}
	if c.op == OpCreate || q.pays() {
		c.money = true
		c.amount, _ = q.body.amount("Amount") // a bad amount is for the operation to refuse
	}
	if c.op == OpCreate {
		c.create, c.inert = true, !q.remote()
		if c.reference != "" {
			c.once = "create " + c.reference
		}
	}
	return c
}

// find tells the operation from the path. A trailing slash is accepted, as some production clients send one.
func (k *kaspi) find(r *http.Request) *kaspiRequest {
	q := &kaspiRequest{scheme: k.opt.Scheme}
	parts := strings.Split(strings.TrimSuffix(strings.TrimPrefix(r.URL.Path, "/"), "/"), "/")
	if slices.Contains(kaspiSchemes, parts[0]) {
		if k.opt.Scheme != "" && k.opt.Scheme != parts[0] {
			return q
		}
		q.scheme, parts = parts[0], parts[1:]
	}
	if len(parts) > 0 && parts[0] != "test" {
		q.version, parts = parts[0], parts[1:]
	}
	if len(parts) == 0 {
		return q
	}
	q.last = parts[len(parts)-1]
	route, ok := k.routesOf[r.Method+" "+strings.Join(parts, "/")]
	if !ok {
		parts[len(parts)-1] = "*"
		route, ok = k.routesOf[r.Method+" "+strings.Join(parts, "/")]
	}
	q.route = route
	isStatus := parts[0] == "payment" && parts[1] == "status"
	switch {
	case !ok:
	case route.op == OpTest:
		q.known = true // whatever the scheme: the emulator is for people with curl, too
	case q.scheme == "" || !strings.Contains(route.schemes, q.scheme[1:]):
	default:
		q.known = q.version == "v01" || isStatus && (q.version == "v02" || q.version == "v04")
	}
	return q
}

// names finds the purchase id that a request speaks of; 0 is none.
func (q *kaspiRequest) names(r *http.Request) int64 {
	switch {
	case q.route.op == OpStatus && q.last != "details":
		return kaspiID(q.last)
	case r.Method == http.MethodGet:
		return kaspiID(r.URL.Query().Get("QrPaymentId"))
	}
	return q.body.id("QrPaymentId")
}

func (q *kaspiRequest) remote() bool { return q.route.schemes == "3" && q.route.op == OpCreate }

func (q *kaspiRequest) pays() bool { return q.route.op == OpRefund && q.route.schemes == "23" }

func (k *kaspi) act(c *call) reply {
	q, _ := c.wants.(*kaspiRequest) // read made it
	if a, refused := k.bar(c, q); refused {
		c.twist = ""
		return a.pack()
	}
	a := q.route.do(k, c, q)
	k.spoil(c, q, &a)
	return a.pack()
}

// bar refuses what comes to no operation at all. The answer to a bad body has no StatusCode: a merchant must not take that for 0.
func (k *kaspi) bar(c *call, q *kaspiRequest) (kaspiAnswer, bool) {
	switch {
	case !q.known:
		return kaspiAnswer{status: http.StatusNotFound, bare: `{"Message":"No HTTP resource was found"}`}, true
	case c.op != OpTest:
		if a, refused := k.authenticate(c.r, q.scheme); refused {
			return a, true
		}
		if !kaspiRequestID.MatchString(c.r.Header.Get("X-Request-ID")) {
			return kaspiAnswer{status: http.StatusBadRequest, bare: `{"Message":"X-Request-ID is required and must be a GUID"}`}, true
		}
	}
	if q.bodyErr != nil {
		return kaspiAnswer{status: http.StatusBadRequest, bare: `{"Message":"The request is invalid"}`}, true
	}
	return kaspiAnswer{}, false
}

// authenticate asks for the key of r1, the certificate of r2 and r3, and the registered address of r3.
func (k *kaspi) authenticate(r *http.Request, scheme string) (kaspiAnswer, bool) {
	if scheme == "r1" {
		if slices.Contains(k.opt.APIKeys, r.Header.Get("Api-Key")) {
			return kaspiAnswer{}, false
		}
		return kaspiUnauthorized(scheme), true
	}
	if k.opt.RequireCertificate && (r.TLS == nil || len(r.TLS.PeerCertificates) == 0) {
		return kaspiUnauthorized(scheme), true
	}
	if scheme == "r3" && len(k.opt.Sources) > 0 && !k.registered(r.RemoteAddr) {
		a := kaspiUnauthorized(scheme)
		a.reply.cut = k.opt.DropForeign
		return a, true
	}
	return kaspiAnswer{}, false
}

func (k *kaspi) registered(remote string) bool {
	at, err := netip.ParseAddrPort(remote)
	if err != nil {
		return false
	}
	return slices.ContainsFunc(k.opt.Sources, func(p netip.Prefix) bool { return p.Contains(at.Addr().Unmap()) })
}

// kaspiUnauthorized is HTTP 401 for a bad key and plain -10000 for a certificate or an address.
func kaspiUnauthorized(scheme string) kaspiAnswer {
	a := kaspiAnswer{code: kaspiNoCertificate, reply: reply{unprocessed: true}}
	if scheme == "r1" {
		a.status, a.bare = http.StatusUnauthorized, `{"StatusCode":-10000,"Message":"unauthorized"}`
	}
	return a
}

func (k *kaspi) refuse(c *call, kind FaultKind, code string, status int) reply {
	q, _ := c.wants.(*kaspiRequest) // read made it
	var a kaspiAnswer
	switch kind {
	case FaultCode:
		a.code, a.word = kaspiCode(kaspiID(code)), code
	case FaultNotFound:
		a.code = kaspiNotFound
		if c.op == OpRefund || c.op == OpVoid {
			a.code = kaspiNoPurchase
		}
	case FaultUnauthorized:
		a = kaspiUnauthorized(q.scheme)
	case FaultThrottle:
		a = kaspiThrottled()
	}
	if status != 0 {
		a.status = status
	}
	return a.pack()
}

func kaspiThrottled() kaspiAnswer {
	return kaspiAnswer{status: http.StatusTooManyRequests, bare: `{"Message":"Too many requests"}`, reply: reply{unprocessed: true}}
}

// retry follows the cadence of the project's notes: Kaspi publishes none.
func (k *kaspi) retry(n int) (time.Duration, bool) {
	pauses := []time.Duration{time.Second, 5 * time.Second, 30 * time.Second, 5 * time.Minute}
	if n > len(pauses) {
		return 0, false
	}
	return pauses[n-1], true
}
