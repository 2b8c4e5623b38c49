package kaspi

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/payrouter/payrouter/providers/internal/exchange"
)

// door is the way out to the bank with our client certificate as it stands in its
// files now. The bank replaces certificates every five years and on request; when
// a file changes, the next call goes out with the new ones and on new connections.
// Files that do not fit together (half of a replacement) leave the old ones in use.
type door struct {
	cert, key, ca string
	options       exchange.Options

	mu    sync.Mutex
	stamp stamps
	open  *exchange.Client
	ends  time.Time // when the certificate in use does; zero without one
}

// stamps tell whether any of the three files changed.
type stamps [3]struct {
	modified time.Time
	size     int64
}

func newDoor(cert, key, ca string, options exchange.Options) (*door, error) {
	d := &door{cert: cert, key: key, ca: ca, options: options}
	now, err := d.look()
	if err != nil {
		return nil, err
	}
	if d.open, d.ends, err = d.make(); err != nil {
		return nil, err
	}
	d.stamp = now
	return d, nil
}

// client is the Client to use now.
func (d *door) client() *exchange.Client {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.refresh()
	return d.open
}

// expires is when the certificate to use now ends.
func (d *door) expires() time.Time {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.refresh()
	return d.ends
}

// refresh takes up files that have changed. The caller holds the lock.
func (d *door) refresh() {
	now, err := d.look()
	if err != nil || now == d.stamp {
		return
	}
	if next, ends, err := d.make(); err == nil {
		d.open.Close() // what is in flight there finishes
		d.open, d.ends, d.stamp = next, ends, now
	}
}

func (d *door) close() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.open.Close()
}

func (d *door) look() (stamps, error) {
	var s stamps
	for i, file := range []struct{ field, name string }{{"cert_file", d.cert}, {"key_file", d.key}, {"ca_file", d.ca}} {
		if file.name == "" {
			continue
		}
		info, err := os.Stat(file.name)
		if err != nil {
			return s, fmt.Errorf("%s: %w", file.field, err)
		}
		s[i].modified, s[i].size = info.ModTime(), info.Size()
	}
	return s, nil
}

func (d *door) make() (*exchange.Client, time.Time, error) {
	var ends time.Time
	options := d.options
	options.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
	if d.cert != "" {
		pair, err := tls.LoadX509KeyPair(d.cert, d.key)
		if err != nil {
			return nil, ends, fmt.Errorf("cert_file and key_file: %w; both are PEM, the key without a password (openssl pkey removes one)", err)
		}
		// Handed over whatever the server says it accepts: a server that names only
		// its root would otherwise get none, and answer -10000.
		ends = pair.Leaf.NotAfter
		options.TLS.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &pair, nil }
	}
	if d.ca != "" {
		pem, err := os.ReadFile(d.ca)
		if err != nil {
			return nil, ends, fmt.Errorf("ca_file: %w", err)
		}
		roots := x509.NewCertPool()
		if !roots.AppendCertsFromPEM(pem) {
			return nil, ends, errors.New("ca_file: holds no PEM certificate")
		}
		options.TLS.RootCAs = roots
	}
	return exchange.New(options), ends, nil
}
