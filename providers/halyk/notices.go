package halyk

import (
	"crypto/hmac"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"net/http"
	"strings"

	"github.com/payrouter/payrouter/providers"
)

// notice is what is read of a postLink. The rest of its fields tell nothing that
// the look-up it wakes does not tell better.
type notice struct {
	ID         text `json:"id"`
	InvoiceID  text `json:"invoiceId"`
	Code       text `json:"code"` // ok or error, of the step; a hold is ok too
	ReasonCode text `json:"reasonCode"`
	SecretHash text `json:"secret_hash"`
	CamelHash  text `json:"secretHash"` // the other spelling
}

var (
	errNotPost  = errors.New("a notice is a POST to the gateway's own address")
	errBadHash  = errors.New("secret_hash is missing or not this payment's")
	errBackSign = errors.New("X-Back-Sign is missing or wrong")
)

// Hear reads a postLink notice. Its secret_hash is a bearer secret: whoever knows
// it may say anything in the body. So even a good notice is only a hint, which
// wakes a look-up.
func (g *Gateway) Hear(n providers.Notice) providers.Heard {
	if n.Method != http.MethodPost || n.Path != "" {
		return providers.Heard{Err: errNotPost}
	}
	if !g.backSigned(n) {
		return providers.Heard{Forged: true, Err: errBackSign}
	}
	var said notice
	if err := readObject(n.Body, &said); err != nil {
		return providers.Heard{Err: err}
	}
	hash := said.SecretHash
	if hash == "" {
		hash = said.CamelHash
	}
	want := g.secretHash(string(said.InvoiceID))
	if said.InvoiceID == "" || !hmac.Equal([]byte(hash), []byte(want)) { // in constant time
		return providers.Heard{Forged: true, Err: errBadHash}
	}
	heard := providers.Heard{Kind: providers.Hint, Ref: providers.Ref{Order: string(said.InvoiceID)}}
	if said.ID != "" {
		heard.Key = strings.Join([]string{string(said.ID), string(said.Code), string(said.ReasonCode)}, "+")
	}
	return heard
}

// backSigned checks the optional signature over the raw body.
func (g *Gateway) backSigned(n providers.Notice) bool {
	if g.config.BackSignSecret.Empty() {
		return true
	}
	values := n.Header[http.CanonicalHeaderKey("X-Back-Sign")]
	if len(values) != 1 {
		return false
	}
	got, err := hex.DecodeString(values[0])
	mac := hmac.New(sha512.New, []byte(g.config.BackSignSecret.Reveal()))
	mac.Write(n.Body)
	return err == nil && hmac.Equal(got, mac.Sum(nil))
}

// Answer acknowledges what was stored with 200; anything else may be repeated by
// the bank. A notice without its secret gets 403.
func (g *Gateway) Answer(h providers.Heard, r providers.Ruling) providers.Reply {
	status := http.StatusServiceUnavailable
	switch r.Kind {
	case providers.Accepted, providers.Unmatched:
		status = http.StatusOK
	case providers.Rejected:
		status = http.StatusBadRequest
		if h.Forged {
			status = http.StatusForbidden
		}
	}
	return providers.Reply{Status: status, ContentType: "text/plain; charset=utf-8", Body: []byte(http.StatusText(status))}
}
