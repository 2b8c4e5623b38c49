package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"strings"
	"unicode"

	"github.com/spf13/pflag"
	"google.golang.org/grpc"
	secure "google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
)

// proof is how payctl knows the service, and proves to it who asks: all of them files, and
// none of them needed where the service takes callers by their word.
type proof struct {
	ca        string // the authority of the service's certificate; without it nothing is encrypted
	cert, key string // a client certificate
	tokenFile string // a bearer token
}

func (p *proof) addFlags(flags *pflag.FlagSet) {
	flags.StringVar(&p.ca, "ca", os.Getenv("PAYROUTER_CA"), "the authority of the service's certificate, a PEM file: with it TLS is spoken (PAYROUTER_CA)")
	flags.StringVar(&p.cert, "cert", os.Getenv("PAYROUTER_CERT"), "your client certificate, a PEM file (PAYROUTER_CERT)")
	flags.StringVar(&p.key, "key", os.Getenv("PAYROUTER_KEY"), "the key of your client certificate, a PEM file (PAYROUTER_KEY)")
	flags.StringVar(&p.tokenFile, "token-file", os.Getenv("PAYROUTER_TOKEN_FILE"), "the file with your bearer token, read again for each call (PAYROUTER_TOKEN_FILE)")
}

// saysWho reports that the certificate or the token tells the service who asks.
func (p proof) saysWho() bool { return p.cert != "" || p.tokenFile != "" }

// dialOptions check the files and are how the service is called. A certificate and a token
// are shown to a service that is known by --ca, and to nobody else.
func (p proof) dialOptions() ([]grpc.DialOption, error) {
	switch {
	case (p.cert == "") != (p.key == ""):
		return nil, usagef("--cert and --key belong together: give both")
	case p.ca == "" && p.saysWho():
		return nil, usagef("--ca is required with --cert and --token-file: who you are is told over TLS only, and to the right service")
	case p.ca == "":
		return []grpc.DialOption{grpc.WithTransportCredentials(insecure.NewCredentials())}, nil
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: x509.NewCertPool()}
	authority, err := os.ReadFile(p.ca)
	if err != nil {
		return nil, usagef("--ca: %w", err)
	}
	if !config.RootCAs.AppendCertsFromPEM(authority) {
		return nil, usagef("--ca %s: it holds no PEM certificate", p.ca)
	}
	if p.cert != "" {
		pair, err := tls.LoadX509KeyPair(p.cert, p.key)
		if err != nil {
			return nil, usagef("--cert, --key: %w", err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	options := []grpc.DialOption{grpc.WithTransportCredentials(secure.NewTLS(config))}
	if p.tokenFile != "" {
		token := bearer(p.tokenFile)
		if _, err := token.read(); err != nil {
			return nil, usagef("--token-file: %w", err)
		}
		options = append(options, grpc.WithPerRPCCredentials(token))
	}
	return options, nil
}

// bearer is a token in a file. It goes with each call as the file is then: whoever watches
// longer than a token lives has it renewed there.
type bearer string

func (b bearer) read() (string, error) {
	text, err := os.ReadFile(string(b))
	if err != nil {
		return "", err
	}
	token := strings.TrimSpace(string(text))
	if token == "" || strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return "", fmt.Errorf("%s does not hold one token and nothing else", string(b)) // never the text: half of it may be the token
	}
	return token, nil
}

// GetRequestMetadata puts the token into a call.
func (b bearer) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	token, err := b.read()
	if err != nil {
		return nil, err
	}
	return map[string]string{"authorization": "Bearer " + token}, nil
}

// RequireTransportSecurity keeps the token out of plain text.
func (b bearer) RequireTransportSecurity() bool { return true }

// connect checks what all commands share, and makes the connection. Nothing is dialled
// before the first call. named says that the person gave --as.
func (c *client) connect(named bool) error {
	c.named = named || os.Getenv("PAYROUTER_OPERATOR") != "" || !c.proof.saysWho()
	switch {
	case c.output != "table" && c.output != "json":
		return usagef("-o %s: there are table and json", c.output)
	case c.timeout <= 0:
		return usagef("--timeout %s: it must be more than zero", c.timeout)
	case c.named && (c.operator == "" || strings.ContainsFunc(c.operator, func(r rune) bool { return r > unicode.MaxASCII || !unicode.IsPrint(r) })):
		return usagef("--as %q: your name in the records begins with a letter and has Latin letters, digits, dots, dashes and underscores", c.operator)
	}
	options, err := c.proof.dialOptions()
	if err != nil {
		return err
	}
	conn, err := grpc.NewClient(c.address, options...)
	if err != nil {
		return usagef("--address %s: %w", c.address, err)
	}
	c.conn = conn
	return nil
}

// identify says who asks. Without a proof it is an assertion, which the service believes on
// loopback only; with one it is left out, unless the person insists.
func (c *client) identify(ctx context.Context) context.Context {
	var pairs []string
	if !c.proof.saysWho() {
		pairs = append(pairs, "payrouter-caller", "payctl")
	}
	if c.named {
		pairs = append(pairs, "payrouter-operator", c.operator)
	}
	if c.tenant != "" {
		pairs = append(pairs, "payrouter-tenant", c.tenant)
	}
	return metadata.AppendToOutgoingContext(ctx, pairs...)
}

// unmet is what a failed connection says about the proof that is missing or wrong, by what
// the libraries' errors say. It is empty when the connection failed otherwise.
func (p proof) unmet(text string) string {
	for _, hint := range []struct{ text, says string }{
		{"tls: certificate required", "The service wants a client certificate: give --cert and --key."},
		{"first record does not look like a TLS handshake", "The service speaks plain text: leave --ca out."},
		{"certificate signed by unknown authority", "The service's certificate is not of the authority in --ca."},
		{"x509: certificate has expired or is not yet valid", "The service's certificate has ended, or a clock is wrong."},
		{"x509: certificate is valid for", "The service's certificate is for another name: call it by one that it has, with --address."},
		{"x509: cannot validate certificate for", "The service's certificate is for other names: call it by one that it has, with --address."},
		{"remote error: tls:", "The service does not take the certificate in --cert: is it of the right authority, and not ended?"},
	} {
		if strings.Contains(text, hint.text) {
			return hint.says
		}
	}
	// Where the service hangs up while the first request is written, its word for why is lost.
	hungUp := strings.Contains(text, "broken pipe") || strings.Contains(text, "connection reset by peer")
	switch {
	case p.ca == "" || !hungUp:
	case p.cert == "":
		return "It hung up at once, perhaps for this: The service wants a client certificate: give --cert and --key."
	default:
		return "It hung up at once, perhaps for this: The service does not take the certificate in --cert: is it of the right authority, and not ended?"
	}
	if p.ca == "" && strings.Contains(text, "server preface") {
		return "The service speaks TLS, it seems: give --ca."
	}
	return ""
}

// whoAmI is what may be done about a caller who is nobody, or nobody who may.
func (c *client) whoAmI(reason, message string, needed map[string]string) string {
	switch {
	case reason == "PERMISSION_DENIED" && needed["tenant_roles"]+needed["house_roles"] != "":
		var places []string
		for _, place := range []struct{ key, of string }{{"tenant_roles", "about the tenant"}, {"house_roles", "about the house"}} {
			if roles := needed[place.key]; roles != "" {
				places = append(places, strings.ReplaceAll(roles, ",", " or ")+" "+place.of)
			}
		}
		hint := "It needs " + strings.Join(places, ", and ") + ": roles are given under identities in the service's configuration."
		if needed["tenant_roles"] != "" && c.tenant == "" {
			hint += " Which tenant is said by --tenant."
		}
		return hint
	case reason != "UNAUTHENTICATED":
		return ""
	case strings.Contains(message, "neither a client certificate nor a bearer token"):
		return "Prove who you are: give --ca with --cert and --key, or with --token-file."
	case strings.Contains(message, "is not the name of whom the certificate or token is"):
		return "Your certificate or token says who you are: leave --as and PAYROUTER_OPERATOR out."
	case strings.Contains(message, "forged, expired"):
		return "Is the " + c.proof.shown() + " still good, and meant for this service? Its log says what is wrong with it."
	case strings.Contains(message, "names nobody"):
		return "Have the name in your " + c.proof.shown() + " listed under identities in the service's configuration."
	}
	return ""
}

// shown is the word for what tells who asks. The token does where there are both.
func (p proof) shown() string {
	if p.tokenFile != "" {
		return "token"
	}
	return "certificate"
}
