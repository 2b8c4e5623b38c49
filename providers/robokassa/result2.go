package robokassa

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"net/http"
	"strings"

	"github.com/payrouter/payrouter/providers"
)

// The words of ResultUrl2 (notes, section 7.2).
const (
	stateNotification = "PaymentStateNotification"
	toldHold          = "HOLD"
	toldSuccess       = "OK"
)

var (
	errJWS       = errors.New("robokassa: the message is no signed message of the documented form")
	errOtherShop = errors.New("robokassa: the message is about another shop")
	errOtherKind = errors.New("robokassa: the message says something that is not documented")
)

// verifier holds Robokassa's public key.
type verifier struct{ key *rsa.PublicKey }

// newVerifier reads a certificate or a public key, PEM or DER.
func newVerifier(text []byte) (*verifier, error) {
	der := text
	if block, _ := pem.Decode(text); block != nil {
		der = block.Bytes
	}
	var key any
	if certificate, err := x509.ParseCertificate(der); err == nil {
		key = certificate.PublicKey
	} else if key, err = x509.ParsePKIXPublicKey(der); err != nil {
		return nil, errors.New("no certificate and no public key is in the file")
	}
	public, ok := key.(*rsa.PublicKey)
	if !ok {
		return nil, errors.New("the key is no RSA key, and messages are signed with RS256")
	}
	return &verifier{public}, nil
}

// verifies checks RS256 over the first two parts of a message, as they came.
func (v *verifier) verifies(signed string, signature []byte) bool {
	digest := sha256.Sum256([]byte(signed))
	return rsa.VerifyPKCS1v15(v.key, crypto.SHA256, digest[:], signature) == nil
}

// stateMessage is the payload of a message. The sum in it is what the payer paid, fees and
// all, and not ours; it is not read.
type stateMessage struct {
	Header struct {
		Type literal `json:"type"`
	} `json:"header"`
	Data struct {
		Shop  literal `json:"shop"`
		OpKey literal `json:"opKey"`
		InvID literal `json:"invId"`
		State literal `json:"state"`
	} `json:"data"`
}

// hearState reads a ResultUrl2. A verified hold is a Fact; it names no sum of ours, which is
// the one that the start was signed with. A success is a Hint, because a part of a hold may
// have been captured: ResultURL and the state say how much. Without a certificate all are.
func (g *Gateway) hearState(n providers.Notice) providers.Heard {
	if n.Method != http.MethodPost {
		return providers.Heard{Err: errMethod}
	}
	signed, payload, signature, err := splitJWS(n.Body)
	if err != nil {
		return providers.Heard{Err: err}
	}
	if g.verifier != nil && !g.verifier.verifies(signed, signature) {
		return providers.Heard{Forged: true, Err: errForged}
	}
	var said stateMessage
	if json.Unmarshal(payload, &said) != nil {
		return providers.Heard{Err: errJWS}
	}
	order, state := string(said.Data.InvID), said.Data.State
	switch {
	case string(said.Data.Shop) != g.config.MerchantLogin:
		return providers.Heard{Err: errOtherShop}
	case said.Header.Type != stateNotification, state != toldHold && state != toldSuccess, !isNumber(order), !aKey.MatchString(string(said.Data.OpKey)):
		return providers.Heard{Err: errOtherKind}
	}
	heard := providers.Heard{Kind: providers.Hint, Ref: providers.Ref{Order: order}, Key: order + ";" + string(state), Detail: told{order: order, jws: true}}
	if state == toldHold && g.verifier != nil {
		heard.Kind = providers.Fact
		heard.Result = providers.Result{Verdict: providers.Held, External: string(said.Data.OpKey), Code: toldHold}
	}
	return heard
}

// splitJWS takes a compact message apart, which may be wrapped as a JSON string. RS256 is the
// only algorithm; what names another is none of Robokassa's.
func splitJWS(body []byte) (signed string, payload, signature []byte, err error) {
	text := string(bytes.TrimSpace(body))
	if strings.HasPrefix(text, `"`) && json.Unmarshal([]byte(text), &text) != nil {
		return "", nil, nil, errJWS
	}
	parts := strings.Split(text, ".")
	if len(parts) != 3 {
		return "", nil, nil, errJWS
	}
	decoded := make([][]byte, len(parts))
	for i, part := range parts {
		if decoded[i], err = base64.RawURLEncoding.Strict().DecodeString(part); err != nil {
			return "", nil, nil, errJWS
		}
	}
	var header struct {
		Algorithm string `json:"alg"`
	}
	if json.Unmarshal(decoded[0], &header) != nil || header.Algorithm != "RS256" {
		return "", nil, nil, errJWS
	}
	return parts[0] + "." + parts[1], decoded[1], decoded[2], nil
}
