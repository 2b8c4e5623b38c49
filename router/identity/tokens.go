package identity

import (
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

const (
	leeway      = 30 * time.Second // by which our clock and the issuer's may differ
	longestJWT  = 8 << 10          // bytes; a token with a dozen claims has one or two thousand
	shortestRSA = 2048             // bits
)

// algorithms are those by which a token may be signed: with a key that only its issuer has.
// "none", and HMAC, whose key would have to lie here, are not among them.
var algorithms = []jose.SignatureAlgorithm{jose.ES256, jose.ES384, jose.ES512, jose.EdDSA,
	jose.RS256, jose.RS384, jose.RS512, jose.PS256, jose.PS384, jose.PS512}

// TokenOptions say whose tokens are taken. All are required.
type TokenOptions struct {
	KeysFile string // the issuer's public keys, a JSON Web Key Set (RFC 7517)
	Issuer   string // "iss", exactly
	Audience string // one of "aud": us
}

// tokens verifies JSON Web Tokens.
type tokens struct {
	keys     *kept[map[string]jose.JSONWebKey] // by key id
	expected jwt.Expected
}

func openTokens(log *slog.Logger, o TokenOptions) (*tokens, error) {
	if o.KeysFile == "" || o.Issuer == "" || o.Audience == "" {
		return nil, errors.New("tokens need a file of keys, an issuer and an audience")
	}
	keys, err := keep(log, readKeys, o.KeysFile)
	if err != nil {
		return nil, err
	}
	return &tokens{keys: keys, expected: jwt.Expected{Issuer: o.Issuer, AnyAudience: jwt.Audience{o.Audience}}}, nil
}

// subject is whom a token was made out to, or ErrInvalid and why.
func (t *tokens) subject(token string, now time.Time) (string, error) {
	if len(token) > longestJWT {
		return "", invalid("the token is too long")
	}
	parsed, err := jwt.ParseSigned(token, algorithms)
	var algorithm *jose.ErrUnexpectedSignatureAlgorithm
	if errors.As(err, &algorithm) {
		return "", invalid("the token is not signed by an algorithm that is taken")
	}
	if err != nil || len(parsed.Headers) != 1 {
		return "", invalid("the token is no signed JWT")
	}
	head := parsed.Headers[0]
	if head.KeyID == "" {
		return "", invalid("the token names no key (kid)")
	}
	key, ok := t.keys.current()[head.KeyID]
	if !ok || key.Algorithm != "" && key.Algorithm != head.Algorithm {
		return "", invalid("the token is signed by a key that is not in the key set")
	}
	var claims jwt.Claims
	if err := parsed.Claims(key.Key, &claims); err != nil {
		return "", invalid("the token's signature is wrong, or its claims are")
	}
	if claims.Expiry == nil {
		return "", invalid("the token has no end (exp)")
	}
	expected := t.expected
	expected.Time = now
	if err := claims.ValidateWithLeeway(expected, leeway); err != nil {
		return "", invalid(reason(err))
	}
	if claims.Subject == "" {
		return "", invalid("the token is made out to nobody (sub)")
	}
	return claims.Subject, nil
}

// reason says in our own words which claim does not hold.
func reason(err error) string {
	switch {
	case errors.Is(err, jwt.ErrInvalidIssuer):
		return "the token is of another issuer (iss)"
	case errors.Is(err, jwt.ErrInvalidAudience):
		return "the token is meant for somebody else (aud)"
	case errors.Is(err, jwt.ErrExpired):
		return "the token has expired (exp)"
	case errors.Is(err, jwt.ErrNotValidYet):
		return "the token is not valid yet (nbf)"
	case errors.Is(err, jwt.ErrIssuedInTheFuture):
		return "the token was issued in the future (iat)"
	}
	return "a claim of the token does not hold"
}

// readKeys reads a key set. Keys of a kind that cannot verify what is taken are passed over, as
// the standard asks; a secret key is refused, for it must not lie about.
func readKeys(contents [][]byte) (map[string]jose.JSONWebKey, error) {
	var set struct{ Keys []json.RawMessage }
	if err := json.Unmarshal(contents[0], &set); err != nil {
		return nil, errors.New("it is no JSON Web Key Set")
	}
	keys := map[string]jose.JSONWebKey{}
	for i, text := range set.Keys {
		var key jose.JSONWebKey
		err := json.Unmarshal(text, &key)
		switch {
		case errors.Is(err, jose.ErrUnsupportedKeyType):
			continue
		case err != nil:
			return nil, fmt.Errorf("keys[%d] is no JSON Web Key", i) // the error might quote it
		case !key.IsPublic():
			return nil, fmt.Errorf("keys[%d] is secret: only public keys belong there", i)
		case key.Use != "" && key.Use != "sig":
			continue
		case key.KeyID == "":
			return nil, fmt.Errorf("keys[%d] has no kid", i)
		}
		if public, ok := key.Key.(*rsa.PublicKey); ok && public.N.BitLen() < shortestRSA {
			return nil, fmt.Errorf("keys[%d] has fewer than %d bits", i, shortestRSA)
		}
		if _, twice := keys[key.KeyID]; twice {
			return nil, fmt.Errorf("keys[%d] has the kid of another", i)
		}
		keys[key.KeyID] = key
	}
	if len(keys) == 0 {
		return nil, errors.New("it holds no key that verifies signatures")
	}
	return keys, nil
}
