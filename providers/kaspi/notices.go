package kaspi

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"net/http"
	"net/netip"
	"strings"

	"github.com/payrouter/payrouter/providers"
)

// Two dialects reach us. The merchant methods notifyPayment and scan (from the
// project's brief; no public specification) come as JSON by POST; the biller
// protocol comes as a query by GET. Neither is signed: the address of the sender
// and, for the biller, an agreed constant are all there is. So notifyPayment only
// wakes a look-up.
const (
	pathNotify = ""
	pathScan   = "scan"
	pathBiller = "biller"
)

// orderLimit is the longest order number that implementers of the bank admit.
const orderLimit = 200

// text is a reference that may come as a JSON number.
type text string

func (t *text) UnmarshalJSON(literal []byte) error {
	value, err := bare(literal)
	*t = text(value)
	return err
}

// notified is the body of notifyPayment and scan; only OrderId and Status are sure
// to come.
type notified struct {
	Order  text `json:"OrderId"`
	Status text `json:"Status"`
	ID     text `json:"QrPaymentId"`
	Amount tenge
}

// merchant is what Answer needs to know of a notifyPayment or scan.
type merchant struct {
	order string
	scan  bool
}

// Hear reads one request of the bank, or of somebody who says so.
func (g *Gateway) Hear(n providers.Notice) providers.Heard {
	var heard providers.Heard
	path := strings.Trim(n.Path, "/")
	switch path {
	case pathNotify, pathScan:
		heard = hearMerchant(n, path == pathScan)
	case pathBiller:
		heard = g.hearBiller(n)
	default:
		return providers.Heard{Err: errors.New("no such path")}
	}
	if !g.fromBank(n.Source) {
		return providers.Heard{Forged: true, Err: errors.New("source is not in notice_sources")}
	}
	return heard
}

func (g *Gateway) fromBank(source string) bool {
	address, err := netip.ParseAddr(source)
	if err != nil {
		return false
	}
	address = address.Unmap().WithZone("")
	for _, prefix := range g.sources {
		if prefix.Contains(address) {
			return true
		}
	}
	return false
}

func hearMerchant(n providers.Notice, scan bool) providers.Heard {
	noise := func(why string) providers.Heard {
		return providers.Heard{Err: errors.New(why), Detail: merchant{scan: scan}}
	}
	if n.Method != http.MethodPost {
		return noise("not a POST")
	}
	var body notified
	if err := json.Unmarshal(n.Body, &body); err != nil {
		return noise("the body is not readable")
	}
	if len(body.Order) > orderLimit {
		return noise("the order number is too long")
	}
	heard := providers.Heard{Kind: providers.Hint, Ref: providers.Ref{Order: string(body.Order)}, Detail: merchant{order: string(body.Order), scan: scan}}
	switch {
	case scan && body.Order != "":
		heard.Kind = providers.Question
	case body.Order != "":
		heard.Result.Code, heard.Result.Amount = word(string(body.Status)), body.Amount.money
	case !scan && number(body.ID).valid() && body.ID != "":
		heard.Ref.External = string(body.ID) // an invoice cannot carry our reference
	default:
		return noise("no order number")
	}
	return heard
}

// Answer writes what the bank wants to read. What is not authentic gets no result of the
// protocol, since that would be final: a debit that comes from an address not yet in
// notice_sources is real, and a 4xx makes the bank send it again (notes, section 7).
func (g *Gateway) Answer(h providers.Heard, r providers.Ruling) providers.Reply {
	if h.Forged {
		return providers.Reply{Status: http.StatusForbidden}
	}
	switch detail := h.Detail.(type) {
	case merchant:
		return detail.answer(h.Kind, r)
	case debit:
		return g.answerBiller(h.Kind, detail, r)
	}
	// Nothing of ours, or not even read because it could not be stored.
	if r.Kind == providers.TryLater {
		return providers.Reply{Status: http.StatusServiceUnavailable}
	}
	return providers.Reply{Status: http.StatusNotFound}
}

// answer knows two words: 0 understood, 1 not. What must come again is refused by
// HTTP, since the bank repeats only what got no 2xx.
func (m merchant) answer(kind providers.HeardKind, r providers.Ruling) providers.Reply {
	status, verdict := http.StatusOK, 1
	switch {
	case r.Kind == providers.TryLater:
		status = http.StatusServiceUnavailable
	case m.scan && kind == providers.Question && r.Kind == providers.Payable,
		!m.scan && kind == providers.Hint && r.Kind == providers.Accepted:
		verdict = 0
	}
	reply := struct {
		Order   string `json:"OrderId,omitempty"`
		Result  int
		Amount  *tenge `json:",omitempty"`
		Comment string `json:",omitempty"`
	}{Result: verdict}
	if m.scan {
		reply.Order, reply.Comment = m.order, r.Text
		if verdict == 0 {
			reply.Amount = &tenge{money: r.Amount}
		}
	}
	body, err := json.Marshal(reply)
	if err != nil {
		return providers.Reply{Status: http.StatusServiceUnavailable}
	}
	return providers.Reply{Status: status, ContentType: "application/json", Body: body}
}

// same compares a secret without telling by time how much of it fits.
func same(given, agreed string) bool {
	a, b := sha256.Sum256([]byte(given)), sha256.Sum256([]byte(agreed))
	return subtle.ConstantTimeCompare(a[:], b[:]) == 1
}
