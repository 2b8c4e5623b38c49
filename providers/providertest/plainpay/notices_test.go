package plainpay

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/payrouter/payrouter/providers"
)

// Hear reads a notice. It is a Fact only when a valid signature covers all that is read.
// Whether the amount is the one we asked for is the router's to compare: a Listener knows
// no payments.
func (g *Gateway) Hear(n providers.Notice) providers.Heard {
	mac := hmac.New(sha256.New, []byte(g.config.Key.Reveal()))
	mac.Write(n.Body) // the raw bytes: reading and writing again would change them
	signature, err := hex.DecodeString(http.Header(n.Header).Get("PlainPay-Signature"))
	if err != nil || !hmac.Equal(signature, mac.Sum(nil)) { // in constant time
		return providers.Heard{Forged: true, Err: errors.New("plainpay: the signature is missing or wrong")}
	}
	var a answer
	if err := json.Unmarshal(n.Body, &a); err != nil || a.Shop != g.config.Shop || a.Order == "" {
		return providers.Heard{Err: errors.New("plainpay: signed, but not for this account")}
	}
	heard := providers.Heard{Kind: providers.Hint, Ref: providers.Ref{Order: a.Order, External: a.ID}, Key: a.ID + " " + word(a.State)}
	if amount, err := providers.ParseMoney(a.Amount, a.Currency); err == nil {
		if result := a.stands(amount); result.Verdict != providers.Unknown {
			heard.Kind, heard.Result = providers.Fact, result
		}
	}
	return heard // a Hint where anything is strange: it wakes a look-up
}

// Answer acknowledges what is in our books, and nothing else: PlainPay repeats the rest.
func (g *Gateway) Answer(h providers.Heard, r providers.Ruling) providers.Reply {
	switch {
	case r.Kind == providers.Accepted && h.Kind != providers.Noise:
		return providers.Reply{Status: http.StatusNoContent}
	case r.Kind == providers.Rejected:
		return providers.Reply{Status: http.StatusBadRequest}
	case r.Kind == providers.Unmatched:
		return providers.Reply{Status: http.StatusNotFound}
	}
	return providers.Reply{Status: http.StatusServiceUnavailable}
}
