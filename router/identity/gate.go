package identity

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"
)

// Options say how callers prove who they are, and who they may be. ClientCAFile or Tokens is
// required.
type Options struct {
	Directory Directory
	// CertFile and KeyFile are the server's own, PEM. Without them there is no TLS, and no
	// caller can show a certificate.
	CertFile, KeyFile string
	// ClientCAFile holds the authorities, PEM, one or several, whose client certificates are
	// believed. It needs CertFile.
	ClientCAFile string
	Tokens       *TokenOptions // nil: no token is taken
	Log          *slog.Logger  // told of files that changed; may be nil
}

// Gate proves who calls. It is safe for concurrent use, and is the collector of its own metrics.
type Gate struct {
	directory   atomic.Pointer[Directory]
	pair        *kept[pair]        // nil: no TLS
	authorities *kept[authorities] // nil: no client certificates
	tokens      *tokens            // nil: no tokens
}

// Open reads the files that the options name. Its errors name the file.
func Open(o Options) (*Gate, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	switch {
	case (o.CertFile == "") != (o.KeyFile == ""):
		return nil, errors.New("a certificate needs its key, and a key its certificate")
	case o.ClientCAFile != "" && o.CertFile == "":
		return nil, errors.New("client certificates are shown in TLS only, which needs a certificate of the server's own")
	case o.ClientCAFile == "" && o.Tokens == nil:
		return nil, errors.New("nobody could prove who it is: give an authority of client certificates, or the keys of tokens")
	}
	g := &Gate{}
	g.SetDirectory(o.Directory)
	var wrong []error
	var err error
	if o.CertFile != "" {
		g.pair, err = keep(o.Log, readPair, o.CertFile, o.KeyFile)
		wrong = append(wrong, err)
	}
	if o.ClientCAFile != "" {
		g.authorities, err = keep(o.Log, readAuthorities, o.ClientCAFile)
		wrong = append(wrong, err)
	}
	if o.Tokens != nil {
		g.tokens, err = openTokens(o.Log, *o.Tokens)
		wrong = append(wrong, err)
	}
	if err := errors.Join(wrong...); err != nil {
		return nil, err
	}
	return g, nil
}

// SetDirectory puts another directory in force: for calls from now on, whatever their
// connections began with.
func (g *Gate) SetDirectory(d Directory) { g.directory.Store(&d) }

// TLS is how a server listens, or nil when no certificate is configured. Each connection gets
// what is in the files then. Client certificates are required, unless a token may say who
// calls; one that is presented must be good in either case.
func (g *Gate) TLS() *tls.Config {
	if g.pair == nil {
		return nil
	}
	config := func(*tls.ClientHelloInfo) (*tls.Config, error) {
		// No session is resumed: it would bring a certificate along that nobody looks at again.
		c := &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: []string{"h2"}, SessionTicketsDisabled: true,
			Certificates: []tls.Certificate{g.pair.current().certificate}}
		switch {
		case g.authorities == nil:
			return c, nil
		case g.tokens == nil:
			c.ClientAuth = tls.RequireAndVerifyClientCert
		default:
			c.ClientAuth = tls.VerifyClientCertIfGiven
		}
		c.ClientCAs = g.authorities.current().pool
		return c, nil
	}
	return &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: []string{"h2"}, SessionTicketsDisabled: true, GetConfigForClient: config}
}

// Identify says who calls: by the token if there is one, else by the certificate. The certificate
// is one that TLS has verified (VerifiedChains), or nil; the token is without "Bearer ", or
// empty. The error is ErrNone, ErrUnknown, or ErrInvalid with a reason that may be logged and
// holds nothing of what was presented.
func (g *Gate) Identify(certificate *x509.Certificate, token string, now time.Time) (Identity, error) {
	switch {
	case token != "" && g.tokens == nil:
		return Identity{}, invalid("no tokens are taken here")
	case token != "":
		subject, err := g.tokens.subject(token, now)
		if err != nil {
			return Identity{}, err
		}
		return g.directory.Load().Subject(subject)
	case certificate == nil:
		return Identity{}, ErrNone
	case now.After(certificate.NotAfter): // connections outlive certificates
		return Identity{}, invalid("the certificate ended after the connection was made")
	}
	return g.directory.Load().Certificate(certificate)
}

// Still is whose the certificate or the token that proved an identity is by now, as the directory
// in force has it, or ErrUnknown when it is nobody's any more. Whether it has ended since is not
// asked.
func (g *Gate) Still(who Identity) (Identity, error) { return g.directory.Load().still(who.by) }

// invalid is ErrInvalid with its reason, which is always one of our own sentences.
func invalid(reason string) error { return fmt.Errorf("%w: %s", ErrInvalid, reason) }
