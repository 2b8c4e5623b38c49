package robokassa

import (
	"bytes"
	"crypto/hmac"
	"encoding/base64"
	"encoding/json"
	"hash"

	"github.com/payrouter/payrouter/providers"
)

// The headers of our tokens, byte for byte as in the notes, section 11.
const (
	refundHeader  = `{"alg":"HS256","typ":"JWT"}`
	invoiceHeader = `{"typ":"JWT","alg":"%s"}`
)

// token writes a JSON Web Token: header and payload, and their HMAC. The key is revealed
// here and goes nowhere else.
func token(header string, payload any, algorithm func() hash.Hash, key providers.Secret) (string, error) {
	body, err := encode(payload)
	if err != nil {
		return "", err
	}
	signed := base64.RawURLEncoding.EncodeToString([]byte(header)) + "." + base64.RawURLEncoding.EncodeToString(body)
	mac := hmac.New(algorithm, []byte(key.Reveal()))
	mac.Write([]byte(signed))
	return signed + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil)), nil
}

// encode writes JSON without escaping HTML characters: it is for no browser.
func encode(v any) ([]byte, error) {
	var body bytes.Buffer
	encoder := json.NewEncoder(&body)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimRight(body.Bytes(), "\n"), nil
}
