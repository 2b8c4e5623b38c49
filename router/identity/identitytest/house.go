// Package identitytest is a house whose callers can prove who they are: an authority, a server's
// certificate, clients' certificates, and an issuer of tokens, all in a test's own folder. Only
// tests import it.
package identitytest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/payrouter/payrouter/router/identity"
	"github.com/payrouter/payrouter/router/identity/authority"
)

// What the house's tokens say.
const (
	Issuer   = "https://login.example.kz"
	Audience = "payrouter"
	KeyID    = "first" // of the key that signs them
)

// life is how long certificates and tokens are good.
const life = time.Hour

// House is where the files are, and who signs. The server's certificate is for localhost,
// 127.0.0.1 and passthrough names that tests give as "bufnet".
type House struct {
	Dir               string
	CertFile, KeyFile string // the server's
	ClientCAFile      string // the authority's
	KeysFile          string // of the issuer of tokens

	t         testing.TB
	authority *authority.Authority
	signer    *ecdsa.PrivateKey
}

// New makes a house.
func New(t testing.TB) *House {
	t.Helper()
	dir := t.TempDir()
	h := &House{Dir: dir, CertFile: filepath.Join(dir, "server.crt"), KeyFile: filepath.Join(dir, "server.key"),
		ClientCAFile: filepath.Join(dir, "ca.crt"), KeysFile: filepath.Join(dir, "keys.json"), t: t}
	var err error
	h.authority, err = authority.New("house", time.Now(), 24*time.Hour)
	h.must(err)
	pair, err := h.authority.Pair()
	h.must(err)
	h.must(pair.Write(h.ClientCAFile, filepath.Join(dir, "ca.key")))
	pair, err = h.authority.Server([]string{"localhost", "127.0.0.1", "bufnet"}, time.Now(), life)
	h.must(err)
	h.must(pair.Write(h.CertFile, h.KeyFile))
	h.signer, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	h.must(err)
	h.WriteKeys(h.Key())
	return h
}

func (h *House) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

// Options are a gate's, by certificates and by tokens, for these entries.
func (h *House) Options(entries ...identity.Entry) identity.Options {
	h.t.Helper()
	d, err := identity.NewDirectory(entries)
	h.must(err)
	return identity.Options{Directory: d, CertFile: h.CertFile, KeyFile: h.KeyFile, ClientCAFile: h.ClientCAFile,
		Tokens: &identity.TokenOptions{KeysFile: h.KeysFile, Issuer: Issuer, Audience: Audience}}
}

// Gate is an open gate with these options, changed or not.
func (h *House) Gate(o identity.Options) *identity.Gate {
	h.t.Helper()
	g, err := identity.Open(o)
	h.must(err)
	return g
}

// Authority signs the house's certificates.
func (h *House) Authority() *authority.Authority { return h.authority }

// Client is a client's certificate with this name.
func (h *House) Client(name string) tls.Certificate {
	h.t.Helper()
	pair, err := h.authority.Client(name, time.Now(), life)
	h.must(err)
	certificate, err := tls.X509KeyPair(pair.Certificate, pair.Key)
	h.must(err)
	return certificate
}

// ClientTLS is how a client of this name connects; without a name it shows no certificate.
func (h *House) ClientTLS(name string) *tls.Config {
	h.t.Helper()
	roots := x509.NewCertPool()
	roots.AddCert(h.authority.Certificate)
	config := &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots, ServerName: "localhost", NextProtos: []string{"h2"}}
	if name != "" {
		config.Certificates = []tls.Certificate{h.Client(name)}
	}
	return config
}

// Key is the public key of the house's tokens.
func (h *House) Key() jose.JSONWebKey {
	return jose.JSONWebKey{Key: h.signer.Public(), KeyID: KeyID, Algorithm: string(jose.ES256), Use: "sig"}
}

// WriteKeys puts other keys in the place of those that verify tokens.
func (h *House) WriteKeys(keys ...jose.JSONWebKey) {
	h.t.Helper()
	text, err := json.Marshal(jose.JSONWebKeySet{Keys: keys})
	h.must(err)
	h.must(os.WriteFile(h.KeysFile, text, 0o600))
}

// Claims are those of a good token for this subject.
func (h *House) Claims(subject string) jwt.Claims {
	now := time.Now()
	return jwt.Claims{Issuer: Issuer, Audience: jwt.Audience{Audience}, Subject: subject,
		IssuedAt: jwt.NewNumericDate(now), NotBefore: jwt.NewNumericDate(now), Expiry: jwt.NewNumericDate(now.Add(life))}
}

// Token is a good token for this subject.
func (h *House) Token(subject string) string {
	h.t.Helper()
	return h.TokenOf(h.Claims(subject))
}

// TokenOf is a token of the house's issuer with these claims, good or not.
func (h *House) TokenOf(claims jwt.Claims) string {
	h.t.Helper()
	return h.Sign(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: h.signer, KeyID: KeyID}}, claims)
}

// Sign is a token that somebody signed by some key.
func (h *House) Sign(key jose.SigningKey, claims jwt.Claims) string {
	h.t.Helper()
	signer, err := jose.NewSigner(key, (&jose.SignerOptions{}).WithType("JWT"))
	h.must(err)
	text, err := jwt.Signed(signer).Claims(claims).Serialize()
	h.must(err)
	return text
}
