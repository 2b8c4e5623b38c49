package app

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"regexp"
	"strconv"

	"github.com/payrouter/payrouter/cmd/internal/traces"
)

// Traces are what OpenTelemetry is told of calls: see docs/traces.md. The environment
// variables of OpenTelemetry are not read.
type Traces struct {
	// Endpoint is the host:port of a collector that takes OTLP over gRPC. Without one nothing
	// is recorded, and the other keys of traces must be left out.
	Endpoint string `yaml:"endpoint"`
	Insecure bool   `yaml:"insecure"` // no TLS, which is for a collector on this machine
	// AllowPlaintext permits insecure although the collector is not on this machine: only
	// over a network that nobody else is on.
	AllowPlaintext bool   `yaml:"allow_plaintext"`
	CAFile         string `yaml:"ca_file"` // a PEM file with the roots that the collector's certificate is checked with; default the system's
	// Share is of how many in 10,000 traces are kept; 10000 keeps all. Callers can only make
	// it fewer. Default 100, which is one in a hundred.
	Share   int    `yaml:"share"`
	Service string `yaml:"service"` // the name that traces come under; default payrouter
}

// Names of services stand in other people's queries.
var servicePattern = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9._-]{0,63}$`)

func (t *Traces) defaults() {
	if t.Endpoint == "" {
		return
	}
	t.Share = cmp.Or(t.Share, 100)
	set(&t.Service, "payrouter")
}

func (t *Traces) validate(say func(string, ...any)) {
	if t.Endpoint == "" {
		if *t != (Traces{}) {
			say("traces: the other keys mean nothing without traces.endpoint: name a collector's host:port, or leave traces out")
		}
		return
	}
	host, port, err := net.SplitHostPort(t.Endpoint)
	if n, bad := strconv.Atoi(port); err != nil || host == "" || bad != nil || n < 1 || n > 65535 {
		say("traces.endpoint: %q is not host:port; a collector takes OTLP over gRPC on port 4317 as a rule, and no scheme or path stands here", t.Endpoint)
	} else if t.Insecure && !t.AllowPlaintext && !loopback(t.Endpoint) {
		say("traces.insecure: %s is not on this machine: leave insecure out (with ca_file where the certificate is your own), send to a collector on 127.0.0.1, or set traces.allow_plaintext on a network of your own", t.Endpoint)
	}
	if t.Insecure && t.CAFile != "" {
		say("traces.ca_file: insecure means that no certificate is looked at: leave one of the two out")
	}
	if t.AllowPlaintext && !t.Insecure {
		say("traces.allow_plaintext: means nothing without traces.insecure: set that too, or leave it out")
	}
	if t.Share < 0 || t.Share > traces.Whole {
		say("traces.share: %d is not between 1 and %d; leave traces.endpoint out to keep none", t.Share, traces.Whole)
	}
	if !servicePattern.MatchString(t.Service) {
		say("traces.service: %q is not a name: a letter, then up to 63 letters, digits, dots, dashes or underscores", t.Service)
	}
}

// secured is how the collector's certificate is checked; nil without TLS.
func (t *Traces) secured() (*tls.Config, error) {
	if t.Endpoint == "" || t.Insecure {
		return nil, nil //nolint:nilnil // plaintext
	}
	c := &tls.Config{MinVersion: tls.VersionTLS12}
	if t.CAFile == "" {
		return c, nil
	}
	text, err := os.ReadFile(t.CAFile)
	if err != nil {
		return nil, fmt.Errorf("traces.ca_file: %w", err)
	}
	if c.RootCAs = x509.NewCertPool(); !c.RootCAs.AppendCertsFromPEM(text) {
		return nil, errors.New("traces.ca_file: holds no PEM certificate")
	}
	return c, nil
}

// openTraces makes what spans go through: nil where there is no collector to tell.
func (a *App) openTraces(c Traces) (*traces.Traces, error) {
	if c.Endpoint == "" {
		return nil, nil //nolint:nilnil // nil Traces are off
	}
	secured, err := c.secured()
	if err != nil {
		return nil, err
	}
	return traces.Open(traces.Options{Endpoint: c.Endpoint, TLS: secured, Share: c.Share, Service: c.Service, Version: a.options.Version,
		Log: a.log, Registerer: a.registry})
}
