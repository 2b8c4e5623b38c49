package sim

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// halykScopes are the words of the long scope, verbatim.
var halykScopes = []string{"webapi", "usermanagement", "email_send", "verification", "statement", "statistics", "payment"}

// halykCabinetLife is how long a token for a cabinet's login lives.
const halykCabinetLife = 900 * time.Second

// halykGrant is a token that was given out.
type halykGrant struct {
	client   string
	terminal string // as the merchant named it: nonsense is found out when the token is used
	service  bool   // may ask for statuses, lists and operations
	life     time.Duration
	until    time.Time

	// Of a payment token only.
	invoice  string
	amount   int64
	currency string
	links    halykLinks
	page     *halykPayment // what a browser with this token can pay; nil where the terminal shows no pages
}

// halykLinks are where and with which secret the merchant hears of a payment.
type halykLinks struct {
	post, failure, secretHash string
}

// or fills what a payment request left out from its token. The secret comes with the token only.
func (l halykLinks) or(of *halykGrant) halykLinks {
	return halykLinks{
		post: cmp.Or(l.post, of.links.post), failure: cmp.Or(l.failure, of.links.failure), secretHash: of.links.secretHash,
	}
}

// readToken takes a payment token for what it is where pages are shown: an offer to whoever holds it.
func (h *halyk) readToken(c *call, w *halykWish) {
	c.reference, c.account, c.currency = w.form.Get("invoiceID"), w.form.Get("terminal"), w.form.Get("currency")
	amount, err := parseMinor(w.form.Get("amount"))
	c.amount = max(amount, 0)
	t := h.terminal(c.account)
	if c.reference == "" || err != nil || t == nil || t.NoPage || t.Client != w.form.Get("client_id") || t.Secret != w.form.Get("client_secret") {
		return
	}
	c.op = OpCreate
	if halykVerification(amount, c.currency) {
		return
	}
	c.money, c.create, c.inert = true, true, true
	c.unique = halykTail(c.reference)
}

// halykVerification is a card check: a payment of nothing, in dollars.
func halykVerification(amount int64, currency string) bool { return amount == 0 && currency == "USD" }

func (h *halyk) issueToken(c *call, w *halykWish) reply {
	halykTwists(c) // nothing in a token says what it is for
	form := w.form
	oops := func(code, why string) reply { return halykError(halykOAuth, code, why, 0) }
	g := &halykGrant{
		client: form.Get("client_id"), terminal: form.Get("terminal"), life: h.opt.TokenLife,
		links: halykLinks{post: form.Get("postLink"), failure: form.Get("failurePostLink"), secretHash: form.Get("secret_hash")},
	}
	switch form.Get("grant_type") {
	case "client_credentials":
	case "password":
		g.life = halykCabinetLife
	default:
		return oops("unsupported_grant_type", "grant_type is client_credentials or password")
	}
	if !h.authenticated(form) {
		return halykUnauthorized(halykOAuth, 0)
	}
	g.until = time.Now().Add(g.life)
	scope := strings.Fields(form.Get("scope"))
	for _, word := range scope {
		if !slices.Contains(halykScopes, word) {
			return oops("invalid_scope", "unknown scope "+word)
		}
	}
	g.service = slices.Contains(scope, "webapi")
	if invoice := form.Get("invoiceID"); invoice != "" {
		amount, err := parseMinor(form.Get("amount"))
		switch {
		case !slices.Contains(scope, "payment"):
			return oops("invalid_scope", "a payment needs the scope payment")
		case !isDigits(invoice) || len(invoice) < 6 || len(invoice) > 17: // the documented sample of an invoice link has 17
			return oops("invalid_request", "invoiceID is 6 to 15 digits")
		case err != nil || amount < 0 || g.terminal == "":
			return oops("invalid_request", "a payment token needs amount, currency and terminal")
		case c.currency != "KZT" && !halykVerification(amount, c.currency):
			return oops("invalid_request", "currency is KZT")
		}
		g.invoice, g.amount, g.currency = invoice, amount, c.currency
	} else if !g.service {
		return oops("invalid_request", "a payment token needs invoiceID")
	}
	if c.op == OpCreate && len(g.invoice) <= halykInvoiceMax {
		g.page = h.offer(c, h.terminal(g.terminal), halykSale{
			way: halykPage, invoice: g.invoice, amount: g.amount, currency: g.currency, links: g.links,
		}, g.until)
	}
	token := strings.ToUpper(strings.ReplaceAll(h.b.guid()+h.b.guid(), "-", ""))
	h.grants[token] = g
	return halykJSON(http.StatusOK, h.tokenObject(token, g, form))
}

func (h *halyk) tokenObject(token string, g *halykGrant, form url.Values) map[string]any {
	life := strconv.FormatInt(int64(g.life/time.Second), 10)
	o := map[string]any{
		"access_token": token, "expires_in": life, "refresh_token": "", "scope": form.Get("scope"), "token_type": "Bearer",
	}
	if h.opt.NumericExpiry {
		o["expires_in"] = halykNumber(life)
	}
	if form.Get("grant_type") == "password" {
		o["refresh_token"] = strings.ToUpper(strings.ReplaceAll(h.b.guid(), "-", ""))
	}
	return o
}

// authenticated checks the client, and the cabinet's login where that is what the token is for.
func (h *halyk) authenticated(form url.Values) bool {
	return slices.ContainsFunc(h.terminals, func(t *HalykTerminal) bool {
		if t.Client != form.Get("client_id") || t.Secret != form.Get("client_secret") {
			return false
		}
		return form.Get("grant_type") != "password" ||
			t.Login != "" && t.Login == form.Get("username") && t.Password == form.Get("password")
	})
}

// present withdraws the page behind a token that comes with a payment call for its invoice. The merchant kept it from browsers,
// and it must not stay an offer of two hours, whatever becomes of the call: so this happens on arrival, before any fault.
func (h *halyk) present(g *halykGrant, invoice string) {
	if g != nil && g.page != nil && g.invoice == invoice && g.page.o.Phase == Live && !g.page.begun() {
		h.kill(g.page, "WITHDRAWN")
	}
}
