package authority

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"
)

// early is by how much a certificate begins before it is made: clocks differ.
const early = 5 * time.Minute

// Authority signs certificates.
type Authority struct {
	Certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

// Pair is a certificate and its key, both PEM.
type Pair struct{ Certificate, Key []byte }

// New makes an authority that lasts for a life from now on.
func New(name string, now time.Time, life time.Duration) (*Authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{Subject: pkix.Name{CommonName: name}, NotBefore: now.Add(-early), NotAfter: now.Add(life),
		IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return nil, err
	}
	certificate, err := x509.ParseCertificate(der)
	return &Authority{Certificate: certificate, key: key}, err
}

// Open reads an authority that was written.
func Open(certFile, keyFile string) (*Authority, error) {
	pair, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		return nil, err
	}
	key, ok := pair.PrivateKey.(*ecdsa.PrivateKey)
	if !ok || !pair.Leaf.IsCA {
		return nil, fmt.Errorf("%s is no authority that was made here", certFile)
	}
	return &Authority{Certificate: pair.Leaf, key: key}, nil
}

// Pair is the authority itself, to be written.
func (a *Authority) Pair() (Pair, error) { return pairOf(a.Certificate.Raw, a.key) }

// Server issues a certificate for a server that is reached by these names and addresses.
func (a *Authority) Server(names []string, now time.Time, life time.Duration) (Pair, error) {
	if len(names) == 0 {
		return Pair{}, errors.New("a server's certificate needs a name or an address")
	}
	template := &x509.Certificate{Subject: pkix.Name{CommonName: names[0]}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	template.DNSNames, template.IPAddresses = split(names)
	return a.issue(template, now, life)
}

// Client issues a certificate for a client of this name: a URI such as spiffe://house/checkout, or
// anything else that stands as a DNS name.
func (a *Authority) Client(name string, now time.Time, life time.Duration) (Pair, error) {
	template := &x509.Certificate{Subject: pkix.Name{CommonName: name}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}
	if !strings.Contains(name, "://") {
		template.DNSNames = []string{name}
		return a.issue(template, now, life)
	}
	uri, err := url.Parse(name)
	if err != nil {
		return Pair{}, err
	}
	template.URIs = []*url.URL{uri}
	return a.issue(template, now, life)
}

func (a *Authority) issue(template *x509.Certificate, now time.Time, life time.Duration) (Pair, error) {
	if !now.Before(a.Certificate.NotAfter) {
		return Pair{}, fmt.Errorf("the authority ended on %s", a.Certificate.NotAfter.Format(time.DateOnly))
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return Pair{}, err
	}
	template.NotBefore, template.NotAfter, template.KeyUsage = now.Add(-early), now.Add(life), x509.KeyUsageDigitalSignature
	if template.NotAfter.After(a.Certificate.NotAfter) {
		template.NotAfter = a.Certificate.NotAfter
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.Certificate, &key.PublicKey, a.key)
	if err != nil {
		return Pair{}, err
	}
	return pairOf(der, key)
}

func pairOf(der []byte, key *ecdsa.PrivateKey) (Pair, error) {
	text, err := x509.MarshalPKCS8PrivateKey(key)
	return Pair{Certificate: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		Key: pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: text})}, err
}

// split tells names from addresses.
func split(names []string) (dns []string, addresses []net.IP) {
	for _, name := range names {
		if ip := net.ParseIP(name); ip != nil {
			addresses = append(addresses, ip)
			continue
		}
		dns = append(dns, name)
	}
	return dns, addresses
}

// Write writes the pair to two files, the key first: whoever reads them in between finds that
// they do not belong together, and looks again.
func (p Pair) Write(certFile, keyFile string) error {
	if err := write(keyFile, p.Key, 0o600); err != nil {
		return err
	}
	return write(certFile, p.Certificate, 0o644)
}
