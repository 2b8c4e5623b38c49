package robokassa

import (
	"errors"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"github.com/payrouter/payrouter/providers"
)

var (
	errSource    = errors.New("robokassa: the notice comes from an address that is not in notice_sources")
	errMethod    = errors.New("robokassa: a notice is posted or got")
	errForm      = errors.New("robokassa: the notice is no form of the documented kind")
	errForged    = errors.New("robokassa: the notice's signature is missing or wrong")
	errBadNotice = errors.New("robokassa: the notice is signed, and its number or sum cannot be read")
)

// told is what Answer needs of a notice that was understood.
type told struct {
	order string
	jws   bool // ResultUrl2, which any 2xx ends
}

// Hear reads a ResultURL, or a ResultUrl2 where the path says so.
//
// ResultURL comes only after success, signed over the sum, the number and our own parameters:
// a Fact. Of a first payment it tells the saved card, since nobody looks at what a notice has
// decided. There is neither time nor nonce under the signature, so a replayed notice verifies
// for ever; Key makes repeats recognisable. Everything else in it may be changed by anybody
// and is not read, but IsTest: where no test is configured a test notice does not verify, and
// one that does all the same only wakes a look.
func (g *Gateway) Hear(n providers.Notice) providers.Heard {
	switch {
	case !g.knows(n.Source):
		return providers.Heard{Forged: true, Err: errSource}
	case strings.Trim(n.Path, "/") == resultPath:
		return g.hearState(n)
	}
	fields, err := readForm(n)
	if err != nil {
		return providers.Heard{Err: err}
	}
	sum, order := fields.text("OutSum"), fields.text("InvId")
	m := message{before: []string{sum, order}, own: fields.own()}
	if !g.noticed(m, fields.text("SignatureValue")) {
		return providers.Heard{Forged: true, Err: errForged}
	}
	amount, err := providers.ParseMoney(sum, g.config.Currency)
	number, planned := readAttempt(fields.text(attemptName))
	if err != nil || amount.Minor <= 0 || !isNumber(order) || number != "" && number != order {
		return providers.Heard{Err: errBadNotice}
	}
	heard := providers.Heard{Kind: providers.Fact, Ref: providers.Ref{Order: order, Planned: planned}, Key: order + ";" + amount.Shortest(), Detail: told{order: order}}
	if fields.text("IsTest") == "1" && !g.config.Test {
		heard.Kind = providers.Hint
		return heard
	}
	heard.Result = providers.Result{Verdict: providers.Approved, Amount: amount, Code: "ResultURL"}
	if g.config.Recurring && fields.text(saveName) == "1" {
		heard.Result.Instrument = savedCard(order)
	}
	return heard
}

// noticed checks the signature of a notice.
func (g *Gateway) noticed(m message, signature string) bool {
	return m.verifies(g.config.Hash, g.config.noticePassword(), signature)
}

// knows reports whether a notice may come from an address.
func (g *Gateway) knows(source string) bool {
	if len(g.sources) == 0 {
		return true
	}
	address, err := netip.ParseAddr(source)
	if err != nil {
		return false
	}
	for _, prefix := range g.sources {
		if prefix.Contains(address.Unmap()) {
			return true
		}
	}
	return false
}

// fields are a notice's, each of them once.
type fields url.Values

func (f fields) text(name string) string { return url.Values(f).Get(name) }

// own are the shop's own parameters, all of which are signed.
func (f fields) own() []parameter {
	var all []parameter
	for name, values := range f {
		if isOwn(name) {
			all = append(all, parameter{name, values[0]})
		}
	}
	return all
}

// readForm takes the fields from the body of a POST or the query of a GET. A field that
// comes twice could be signed as one and read as the other.
func readForm(n providers.Notice) (fields, error) {
	var text string
	switch n.Method {
	case http.MethodPost:
		text = string(n.Body)
	case http.MethodGet:
		text = n.Query
	default:
		return nil, errMethod
	}
	form, err := url.ParseQuery(text)
	if err != nil || len(form) == 0 {
		return nil, errForm
	}
	for _, values := range form {
		if len(values) > 1 {
			return nil, errForm
		}
	}
	return fields(form), nil
}

// Answer acknowledges only what was understood and is stored. Anything else is answered so
// that Robokassa repeats it. To a ResultURL nothing but OK and the number counts.
func (g *Gateway) Answer(h providers.Heard, r providers.Ruling) providers.Reply {
	notice, ok := h.Detail.(told)
	switch {
	case r.Kind == providers.Unmatched:
		return reply(http.StatusNotFound, "no such payment")
	case r.Kind == providers.Rejected || r.Kind == providers.Accepted && !ok:
		return reply(http.StatusBadRequest, "refused")
	case r.Kind != providers.Accepted:
		return reply(http.StatusServiceUnavailable, "try later")
	case notice.jws:
		return reply(http.StatusOK, "OK")
	}
	return reply(http.StatusOK, "OK"+notice.order)
}

func reply(status int, text string) providers.Reply {
	return providers.Reply{Status: status, ContentType: "text/plain; charset=utf-8", Body: []byte(text)}
}
