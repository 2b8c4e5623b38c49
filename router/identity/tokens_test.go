package identity_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/payrouter/payrouter/router/identity"
	"github.com/payrouter/payrouter/router/identity/identitytest"
)

// aida is known by her tokens.
var aida = identity.Entry{Name: "aida", Subjects: []string{"aida@example.kz"}, House: identity.Operator}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func TestATokenThatIsNoGoodIsRefusedAndNeverQuoted(t *testing.T) {
	h := identitytest.New(t)
	g := h.Gate(h.Options(aida))
	now := time.Now()
	changed := func(change func(*jwt.Claims)) string {
		c := h.Claims("aida@example.kz")
		change(&c)
		return h.TokenOf(c)
	}
	signed := func(algorithm jose.SignatureAlgorithm, key any, kid string) string {
		return h.Sign(jose.SigningKey{Algorithm: algorithm, Key: jose.JSONWebKey{Key: key, KeyID: kid}}, h.Claims("aida@example.kz"))
	}
	public, err := h.Key().MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	good := h.Token("aida@example.kz")
	parts := strings.Split(good, ".")
	plain := base64.RawURLEncoding
	another, err := json.Marshal(h.Claims("boss@example.kz"))
	if err != nil {
		t.Fatal(err)
	}
	other := newKey(t)
	embedded, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: other}, &jose.SignerOptions{EmbedJWK: true})
	if err != nil {
		t.Fatal(err)
	}
	withKey, err := jwt.Signed(embedded).Claims(h.Claims("aida@example.kz")).Serialize()
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ token, reason string }{
		"no signature":           {plain.EncodeToString([]byte(`{"alg":"none","kid":"first"}`)) + "." + parts[1] + ".", "algorithm"},
		"our key as a secret":    {signed(jose.HS256, public, identitytest.KeyID), "algorithm"},
		"another's key":          {signed(jose.ES256, other, identitytest.KeyID), "signature"},
		"a key it brings itself": {withKey, "kid"},
		"an unknown key":         {signed(jose.ES256, other, "second"), "not in the key set"},
		"no key":                 {signed(jose.ES256, other, ""), "kid"},
		"another algorithm":      {plain.EncodeToString([]byte(`{"alg":"RS256","kid":"first"}`)) + "." + parts[1] + "." + parts[2], "not in the key set"},
		"another subject":        {parts[0] + "." + plain.EncodeToString(another) + "." + parts[2], "signature"},
		"a signature cut short":  {good[:len(good)-4], "signature"},
		"words":                  {"aida@example.kz", "JWT"},
		"two parts":              {parts[0] + "." + parts[1], "JWT"},
		"another issuer":         {changed(func(c *jwt.Claims) { c.Issuer += "/" }), "(iss)"},
		"no issuer":              {changed(func(c *jwt.Claims) { c.Issuer = "" }), "(iss)"},
		"another audience":       {changed(func(c *jwt.Claims) { c.Audience = jwt.Audience{"warehouse"} }), "(aud)"},
		"no audience":            {changed(func(c *jwt.Claims) { c.Audience = nil }), "(aud)"},
		"no end":                 {changed(func(c *jwt.Claims) { c.Expiry = nil }), "no end (exp)"},
		"over":                   {changed(func(c *jwt.Claims) { c.Expiry = jwt.NewNumericDate(now.Add(-35 * time.Second)) }), "expired (exp)"},
		"not yet":                {changed(func(c *jwt.Claims) { c.NotBefore = jwt.NewNumericDate(now.Add(35 * time.Second)) }), "(nbf)"},
		"from the future":        {changed(func(c *jwt.Claims) { c.IssuedAt = jwt.NewNumericDate(now.Add(35 * time.Second)) }), "(iat)"},
		"nobody's":               {changed(func(c *jwt.Claims) { c.Subject = "" }), "(sub)"},
		"too long":               {changed(func(c *jwt.Claims) { c.ID = strings.Repeat("a", 9000) }), "too long"},
	} {
		who, err := g.Identify(nil, c.token, now)
		if !errors.Is(err, identity.ErrInvalid) || !strings.Contains(err.Error(), c.reason) || who.Name != "" {
			t.Errorf("%s: %+v, %v; want a reason with %q", name, who, err, c.reason)
			continue
		}
		for _, said := range append(strings.Split(c.token, "."), "aida", "second", "warehouse") {
			if said != "" && strings.Contains(err.Error(), said) {
				t.Errorf("%s: the error quotes %q", name, said)
			}
		}
	}
	if who, err := g.Identify(nil, good, now); err != nil || who.Name != "aida" {
		t.Errorf("the good one: %+v, %v", who, err)
	}
	if _, err := g.Identify(nil, h.Token("boss@example.kz"), now); !errors.Is(err, identity.ErrUnknown) {
		t.Errorf("a good one for somebody unknown: %v", err)
	}
}

func TestClocksMayDifferByHalfAMinute(t *testing.T) {
	h := identitytest.New(t)
	g := h.Gate(h.Options(aida))
	token, made := h.Token("aida@example.kz"), time.Now().Truncate(time.Second)
	for at, good := range map[time.Duration]bool{
		-31 * time.Second: false, -30 * time.Second: true, 0: true,
		time.Hour + 30*time.Second: true, time.Hour + 32*time.Second: false,
	} {
		if _, err := g.Identify(nil, token, made.Add(at)); (err == nil) != good {
			t.Errorf("%s after it was made: %v", at, err)
		}
	}
}

func TestTokensMayBeSignedByAnyPublicKeyAlgorithm(t *testing.T) {
	h := identitytest.New(t)
	old, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	_, modern, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	h.WriteKeys(jose.JSONWebKey{Key: old.Public(), KeyID: "old"}, jose.JSONWebKey{Key: modern.Public(), KeyID: "modern"})
	g := h.Gate(h.Options(aida))
	for algorithm, key := range map[jose.SignatureAlgorithm]jose.JSONWebKey{
		jose.RS256: {Key: old, KeyID: "old"}, jose.PS256: {Key: old, KeyID: "old"}, jose.EdDSA: {Key: modern, KeyID: "modern"},
	} {
		token := h.Sign(jose.SigningKey{Algorithm: algorithm, Key: key}, h.Claims("aida@example.kz"))
		if who, err := g.Identify(nil, token, time.Now()); err != nil || who.Name != "aida" {
			t.Errorf("%s: %+v, %v", algorithm, who, err)
		}
	}
}

func TestAKeySetThatIsNoGoodIsRefusedAndNeverQuoted(t *testing.T) {
	h := identitytest.New(t)
	weak, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Skipf("this build makes no weak keys: %v", err)
	}
	text := func(keys ...jose.JSONWebKey) string {
		made, err := json.Marshal(jose.JSONWebKeySet{Keys: keys})
		if err != nil {
			t.Fatal(err)
		}
		return string(made)
	}
	key := newKey(t)
	good := jose.JSONWebKey{Key: key.Public(), KeyID: "good"}
	for name, c := range map[string]struct{ text, want string }{
		"words":               {"secret", "no JSON Web Key Set"},
		"nothing":             {"{}", "no key that verifies"},
		"a private key":       {text(good, jose.JSONWebKey{Key: key, KeyID: "private"}), "keys[1] is secret"},
		"a shared secret":     {text(jose.JSONWebKey{Key: []byte("0123456789abcdef0123456789abcdef"), KeyID: "shared"}), "keys[0] is secret"},
		"a weak key":          {text(jose.JSONWebKey{Key: weak.Public(), KeyID: "weak"}), "fewer than 2048 bits"},
		"two of one name":     {text(good, good), "the kid of another"},
		"no name":             {text(jose.JSONWebKey{Key: key.Public()}), "no kid"},
		"a key of nothing":    {`{"keys":[{"kty":"EC","crv":"P-256","x":"secret","y":"AA","kid":"a"}]}`, "keys[0] is no JSON Web Key"},
		"an unknown kind":     {`{"keys":[{"kty":"NEW","kid":"a"}]}`, "no key that verifies"},
		"one for encryption":  {text(jose.JSONWebKey{Key: key.Public(), KeyID: "a", Use: "enc"}), "no key that verifies"},
		"longer than allowed": {strings.Repeat(" ", 1<<20) + text(good), "is longer than"},
	} {
		if err := os.WriteFile(h.KeysFile, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := identity.Open(h.Options())
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), h.KeysFile) || strings.Contains(err.Error(), "secret\"") {
			t.Errorf("%s: %v", name, err)
		}
	}
	known := text(good)
	both := strings.Replace(known, `{"keys":[`, `{"keys":[{"kty":"NEW","kid":"a"},`, 1)
	if err := os.WriteFile(h.KeysFile, bytes.TrimSpace([]byte(both)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := identity.Open(h.Options()); err != nil {
		t.Errorf("a key of an unknown kind beside a good one: %v", err)
	}
}
