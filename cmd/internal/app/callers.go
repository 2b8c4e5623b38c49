package app

import (
	"errors"
	"fmt"
	"log/slog"

	"github.com/payrouter/payrouter/router/identity"
)

// TLS is how calls are encrypted, and how services prove who they are. The files are read again
// when they change.
type TLS struct {
	Cert string `yaml:"cert"` // the service's certificate, a PEM file, with those between it and its authority; required
	Key  string `yaml:"key"`  // its key, a PEM file without a password; required
	// ClientCA is a PEM file with the authorities, one or several, whose client certificates
	// are believed. Every caller then needs one, unless grpc.tokens lets a token speak for it.
	ClientCA string `yaml:"client_ca"`
}

// Tokens are JSON Web Tokens by which callers prove who they are: "authorization: Bearer …". All
// keys are required.
type Tokens struct {
	Keys     string `yaml:"keys"`     // a file with the issuer's public keys, a JSON Web Key Set; it is read again when it changes
	Issuer   string `yaml:"issuer"`   // what "iss" must be
	Audience string `yaml:"audience"` // what must be among "aud": a name for this service
}

// Identity is one service or person who may call, what proves it, and what it may do. The list
// is taken up at SIGHUP, too.
type Identity struct {
	Name string `yaml:"name"` // stands in the books as who acted: a letter, then up to 63 letters, digits, dots, dashes or underscores
	// Certificates are names in its client certificates: URI and DNS names, or the subject's
	// common name of a certificate that has neither.
	Certificates []string            `yaml:"certificates"`
	Subjects     []string            `yaml:"subjects"` // what "sub" of its tokens is
	House        []string            `yaml:"house"`    // roles about what is no tenant's: operator, auditor or admin
	Tenants      map[string][]string `yaml:"tenants"`  // roles about a tenant's payments, by tenant; "*" is every tenant
}

// directory is the list of identities, or everything that is wrong with it.
func (c Config) directory() (identity.Directory, error) {
	var wrong []error
	roles := func(key string, names []string) identity.Roles {
		r, err := identity.ParseRoles(names)
		if err != nil {
			wrong = append(wrong, fmt.Errorf("%s: %w", key, err))
		}
		return r
	}
	var entries []identity.Entry
	for i, who := range c.Identities {
		key := fmt.Sprintf("identities[%d]", i)
		e := identity.Entry{Name: who.Name, Certificates: who.Certificates, Subjects: who.Subjects, House: roles(key+".house", who.House),
			Tenants: map[string]identity.Roles{}}
		for tenant, names := range who.Tenants {
			e.Tenants[tenant] = roles(key+".tenants."+tenant, names)
		}
		entries = append(entries, e)
	}
	d, err := identity.NewDirectory(entries)
	return d, errors.Join(append(wrong, err)...)
}

// gate proves who calls, or is nil where nothing is configured that could.
func (c Config) gate(log *slog.Logger) (*identity.Gate, error) {
	if c.GRPC.TLS == nil && c.GRPC.Tokens == nil {
		if len(c.Identities) > 0 || !loopback(c.GRPC.Address) { // Load has said it in more words
			return nil, errors.New("grpc: without tls and tokens nothing proves who calls, and everybody is believed: only on loopback, and without identities")
		}
		return nil, nil
	}
	d, err := c.directory()
	if err != nil {
		return nil, err
	}
	o := identity.Options{Directory: d, Log: log}
	if t := c.GRPC.TLS; t != nil {
		o.CertFile, o.KeyFile, o.ClientCAFile = t.Cert, t.Key, t.ClientCA
	}
	if t := c.GRPC.Tokens; t != nil {
		o.Tokens = &identity.TokenOptions{KeysFile: t.Keys, Issuer: t.Issuer, Audience: t.Audience}
	}
	g, err := identity.Open(o)
	if err != nil {
		return nil, fmt.Errorf("grpc.tls and grpc.tokens: %w", err)
	}
	return g, nil
}

// validateCallers says what is wrong with how callers prove who they are.
func (c *Config) validateCallers(say func(string, ...any)) {
	t, tokens := c.GRPC.TLS, c.GRPC.Tokens
	if !loopback(c.GRPC.Address) && (t == nil || len(c.Identities) == 0) {
		say("grpc.address: %s is not loopback, and other machines need grpc.tls, and identities who may call: give both (payrouter certificates makes certificates), or listen on 127.0.0.1", c.GRPC.Address)
	}
	if t != nil {
		if t.Cert == "" || t.Key == "" {
			say("grpc.tls: cert and key are required; payrouter certificates makes them")
		}
		if t.ClientCA == "" && tokens == nil {
			say("grpc.tls.client_ca: nobody can prove who it is: name the authority of client certificates, or give grpc.tokens")
		}
	}
	if tokens != nil && (tokens.Keys == "" || tokens.Issuer == "" || tokens.Audience == "") {
		say("grpc.tokens: keys, issuer and audience are required")
	}
	switch proved := t != nil || tokens != nil; {
	case proved && len(c.Identities) == 0:
		say("identities: nobody is listed, and so nobody may call: list who may, or take grpc.tls and grpc.tokens away")
	case !proved && len(c.Identities) > 0:
		say("identities: nothing proves who calls: give grpc.tls with client_ca, or grpc.tokens")
	}
	for i, who := range c.Identities {
		if len(who.Certificates) > 0 && (t == nil || t.ClientCA == "") {
			say("identities[%d].certificates: no certificate is believed without grpc.tls.client_ca", i)
		}
		if len(who.Subjects) > 0 && tokens == nil {
			say("identities[%d].subjects: no token is taken without grpc.tokens", i)
		}
		for tenant := range who.Tenants {
			if _, known := c.Tenants[tenant]; !known && tenant != identity.EveryTenant {
				say("identities[%d].tenants: %q is not among the tenants", i, tenant)
			}
		}
	}
	if _, err := c.directory(); err != nil {
		say("%w", err)
	}
}
