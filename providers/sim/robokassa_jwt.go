package sim

import (
	"bytes"
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"errors"
	"hash"
	"strings"
)

var errRobokassaToken = errors.New("not a token")

// robokassaJWT is a request in the form of a JWT: header.payload.signature.
type robokassaJWT struct {
	alg       string
	fields    map[string]any // numbers as json.Number
	signed    string         // header.payload
	signature []byte
}

// The algorithms of the two services. Those of refunds are RFC 7518's (notes, 4.5); invoices name the hash itself (section 3).
var (
	robokassaRefundAlgs = map[string]func() hash.Hash{"HS256": sha256.New, "HS384": sha512.New384, "HS512": sha512.New}

	robokassaInvoiceAlgs = map[string]func() hash.Hash{
		"MD5": md5.New, "RIPEMD160": robokassaHashes["ripemd160"], "SHA1": sha1.New, "SHA256": sha256.New, "SHA384": sha512.New384, "SHA512": sha512.New,
	}
)

// readRobokassaJWT takes a token apart; it checks no signature.
func readRobokassaJWT(text string) (*robokassaJWT, error) {
	parts := strings.Split(text, ".")
	if len(parts) != 3 {
		return nil, errRobokassaToken
	}
	var raw [3][]byte
	for i, part := range parts {
		var err error
		if raw[i], err = base64.RawURLEncoding.Strict().DecodeString(part); err != nil {
			return nil, errRobokassaToken
		}
	}
	var header struct {
		Alg string `json:"alg"`
	}
	t := &robokassaJWT{signed: parts[0] + "." + parts[1], signature: raw[2]}
	d := json.NewDecoder(bytes.NewReader(raw[1]))
	d.UseNumber()
	if json.Unmarshal(raw[0], &header) != nil || d.Decode(&t.fields) != nil || d.More() || t.fields == nil {
		return nil, errRobokassaToken
	}
	t.alg = header.Alg
	return t, nil
}

// signedBy says that the token is signed by key with one of these algorithms.
func (t *robokassaJWT) signedBy(key string, algs map[string]func() hash.Hash) bool {
	alg := algs[t.alg]
	if alg == nil {
		return false
	}
	mac := hmac.New(alg, []byte(key))
	_, _ = mac.Write([]byte(t.signed))
	return hmac.Equal(mac.Sum(nil), t.signature)
}

// text is a field that is text or a number, as it was written; anything else counts as missing.
func (t *robokassaJWT) text(name string) string {
	if t == nil {
		return ""
	}
	switch v := t.fields[name].(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	}
	return ""
}

// has says that a field stands there, whatever it holds.
func (t *robokassaJWT) has(name string) bool { return t != nil && t.fields[name] != nil }

// inner is an object within the token.
func (t *robokassaJWT) inner(name string) *robokassaJWT {
	if t == nil {
		return nil
	}
	fields, _ := t.fields[name].(map[string]any)
	return &robokassaJWT{fields: fields}
}

// words are the texts of a list; nil when there is none.
func (t *robokassaJWT) words(name string) []string {
	if t == nil {
		return nil
	}
	list, _ := t.fields[name].([]any)
	var out []string
	for _, v := range list {
		if s, ok := v.(string); ok {
			out = append(out, s)
		}
	}
	return out
}
