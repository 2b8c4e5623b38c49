package identity

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
)

// pair is the service's own certificate with its key, and with those between it and its
// authority.
type pair struct {
	certificate tls.Certificate
	ends        *x509.Certificate // the one of them that ends first
}

func readPair(contents [][]byte) (pair, error) {
	certificate, err := tls.X509KeyPair(contents[0], contents[1])
	if err != nil {
		return pair{}, err
	}
	p := pair{certificate: certificate}
	for _, der := range certificate.Certificate {
		c, err := x509.ParseCertificate(der)
		if err != nil {
			return pair{}, err
		}
		p.ends = sooner(p.ends, c)
	}
	return p, nil
}

// authorities are those whose client certificates are believed.
type authorities struct {
	pool *x509.CertPool
	ends *x509.Certificate // the one of them that ends first
}

// begin is how PEM begins whatever it holds.
var begin = []byte("-----BEGIN ")

// readAuthorities reads all of them or none. What is broken is not passed over, as PEM would have
// it: those who are known by the authority that is missing would be refused, and nobody told why.
func readAuthorities(contents [][]byte) (authorities, error) {
	all, blocks := authorities{pool: x509.NewCertPool()}, 0
	for block, rest := pem.Decode(contents[0]); block != nil; block, rest = pem.Decode(rest) {
		blocks++
		if block.Type != "CERTIFICATE" {
			return authorities{}, fmt.Errorf("it holds a %s, and only certificates belong there", block.Type)
		}
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return authorities{}, err
		}
		if !certificate.IsCA {
			return authorities{}, errors.New("it holds a certificate that is no authority's")
		}
		all.pool.AddCert(certificate)
		all.ends = sooner(all.ends, certificate)
	}
	switch {
	case bytes.Count(contents[0], begin) != blocks:
		return authorities{}, errors.New("a certificate in it is broken or cut off")
	case blocks == 0:
		return authorities{}, errors.New("it holds no PEM certificate")
	}
	return all, nil
}

// sooner is the one of two certificates that ends first. The first may be nil.
func sooner(a, b *x509.Certificate) *x509.Certificate {
	if a == nil || b.NotAfter.Before(a.NotAfter) {
		return b
	}
	return a
}
