package quickpay

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"

	"github.com/payrouter/payrouter/providers"
)

// signatureHeader is in the form in which Go's HTTP server writes names.
const signatureHeader = "Quickpay-Checksum-Sha256"

var (
	errNotPosted = errors.New("quickpay: a callback is posted")
	errForged    = errors.New("quickpay: the callback's checksum is missing or wrong")
	errNotOurs   = errors.New("quickpay: the callback is about no payment of this account")
)

// Hear reads a callback: the whole payment, signed. An authentic one is a Fact, unless it
// leaves open what happened: then it only wakes a look-up.
//
// There is neither time nor nonce under the signature, so a replayed snapshot verifies for
// ever. Key makes repeats recognisable; that an older snapshot changes nothing is the
// router's merge. Which amount was asked for only the router knows, and it compares. A hold
// that QuickPay is about to capture by itself is none: it only wakes a look-up.
func (g *Gateway) Hear(n providers.Notice) providers.Heard {
	if n.Method != http.MethodPost {
		return providers.Heard{Err: errNotPosted}
	}
	if given := n.Header[signatureHeader]; len(given) != 1 ||
		!verifies(g.config.PrivateKey, given[0], n.Body) {
		return providers.Heard{Forged: true, Err: errForged}
	}
	p, err := readPayment(n.Body)
	switch {
	case err != nil:
		return providers.Heard{Err: err}
	case p.Type != "" && p.Type != "Payment", p.MerchantID != "" && !g.account(p.MerchantID), !p.ID.isID(), !orderly(string(p.OrderID)):
		return providers.Heard{Err: errNotOurs}
	}
	digest := sha256.Sum256(n.Body)
	heard := providers.Heard{
		Kind: providers.Hint,
		Ref:  providers.Ref{Order: string(p.OrderID), External: string(p.ID)},
		Key:  hex.EncodeToString(digest[:]),
	}
	offer := p.ours().Method != string(providers.Instrument)
	result := p.about(providers.Ref{}, view{offer: offer, test: g.config.TestMode})
	if result.Verdict != providers.Unknown && !(result.Verdict == providers.Held && p.captures()) {
		result.External = string(p.ID)
		heard.Kind, heard.Result = providers.Fact, result
	}
	return heard
}

// Answer accepts only what was authentic and is stored. QuickPay repeats everything that
// is not answered with 2xx.
func (g *Gateway) Answer(h providers.Heard, r providers.Ruling) providers.Reply {
	authentic := h.Kind == providers.Fact || h.Kind == providers.Hint
	switch {
	case r.Kind == providers.Accepted && authentic:
		return reply(http.StatusOK, "stored")
	case r.Kind == providers.Unmatched:
		return reply(http.StatusNotFound, "no such order")
	case r.Kind == providers.Rejected, r.Kind == providers.Accepted:
		return reply(http.StatusBadRequest, "refused")
	}
	return reply(http.StatusServiceUnavailable, "try later")
}

func reply(status int, text string) providers.Reply {
	return providers.Reply{Status: status, ContentType: "text/plain; charset=utf-8", Body: []byte(text + "\n")}
}
