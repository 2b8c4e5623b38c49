package tiptoppay

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"

	"github.com/payrouter/payrouter/providers"
)

// basic is the Authorization header of every request.
func basic(publicID string, secret providers.Secret) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(publicID+":"+secret.Reveal()))
}

// sign is the value of both headers of a notice (notes, section 3).
func sign(secret providers.Secret, message string) string {
	mac := hmac.New(sha256.New, []byte(secret.Reveal()))
	mac.Write([]byte(message))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// trust says how a notice was proved to come from TipTop Pay.
type trust uint8

// The classes. The zero value is no trust at all.
const (
	forged  trust = iota
	decoded       // X-Content-HMAC: signed after URL-decoding
	raw           // Content-HMAC: signed as transmitted
)

// authentic verifies a notice's message, which is the raw body or the raw query. The
// headers must stand there once. Content-HMAC alone decides where it is given, and
// X-Content-HMAC otherwise.
func (g *Gateway) authentic(header http.Header, message string) trust {
	exact, loose := header.Values("Content-HMAC"), header.Values("X-Content-HMAC")
	switch {
	case len(exact) == 1:
		if g.signed(message, exact[0]) {
			return raw
		}
	case len(exact) == 0 && len(loose) == 1:
		text, err := plainText(message)
		if err == nil && g.signed(text, loose[0]) {
			return decoded
		}
	}
	return forged
}

func (g *Gateway) signed(message, signature string) bool {
	return verifies(g.config.APISecret, message, signature)
}

func verifies(secret providers.Secret, message, signature string) bool {
	return hmac.Equal([]byte(sign(secret, message)), []byte(signature))
}

// plainText is a message after form decoding, in which a plus is a space. JSON has
// nothing to decode.
func plainText(message string) (string, error) {
	if isObject(message) {
		return message, nil
	}
	return url.QueryUnescape(message)
}

func isObject(message string) bool {
	return strings.HasPrefix(strings.TrimLeft(message, " \t\r\n"), "{")
}
