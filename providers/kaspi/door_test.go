package kaspi

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/payrouter/payrouter/providers"
)

// issue makes a self-signed certificate for the name and writes it with its key.
func issue(t *testing.T, folder, name string, changed time.Time) (cert, key string, pair tls.Certificate) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, DNSNames: []string{"localhost"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	cert, key = filepath.Join(folder, "cert.pem"), filepath.Join(folder, "key.pem")
	write(t, cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), changed)
	write(t, key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}), changed)
	return cert, key, tls.Certificate{Certificate: [][]byte{der}, PrivateKey: private}
}

func write(t *testing.T, file string, content []byte, changed time.Time) {
	t.Helper()
	if err := os.WriteFile(file, content, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(file, changed, changed); err != nil {
		t.Fatal(err)
	}
}

// copyFile puts the content of one file into another, changed then.
func copyFile(t *testing.T, from, to string, changed time.Time) {
	t.Helper()
	content, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	write(t, to, content, changed)
}

func TestCertificateAndRootsAreReadAgainWhenTheirFilesChange(t *testing.T) {
	const hour = time.Hour
	began := time.Now().Add(-10 * hour)
	var client string // who called last
	served := make(chan tls.Certificate, 1)
	rootFile, _, first := issue(t, t.TempDir(), "bank 1", began)
	served <- first
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		client = r.TLS.PeerCertificates[0].Subject.CommonName
		io.WriteString(w, `{"StatusCode":0}`)
	}))
	server.TLS = &tls.Config{
		ClientAuth: tls.RequireAnyClientCert,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			pair := <-served
			served <- pair
			return &pair, nil
		},
	}
	server.StartTLS()
	defer server.Close()
	_, port, _ := net.SplitHostPort(server.Listener.Addr().String())

	ca := filepath.Join(t.TempDir(), "ca.pem")
	copyFile(t, rootFile, ca, began)
	cert, key, _ := issue(t, t.TempDir(), "shop 1", began)
	c := basic(R3)
	c.BaseURL, c.CertFile, c.KeyFile, c.CAFile = "https://localhost:"+port+"/r3/v01", cert, key, ca
	g, err := New(c, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	called := func(name string) {
		t.Helper()
		is(t, g.Probe(t.Context()), providers.Approved, providers.NoReason)
		if client != name {
			t.Errorf("called by %q, want %q", client, name)
		}
	}
	called("shop 1")

	newCert, newKey, _ := issue(t, t.TempDir(), "shop 2", began)
	copyFile(t, newCert, cert, began.Add(hour))
	called("shop 1") // the key is still the old one: half of a replacement
	copyFile(t, newKey, key, began.Add(hour))
	called("shop 2")

	newRoot, _, second := issue(t, t.TempDir(), "bank 2", began)
	<-served
	served <- second
	g.Close()
	is(t, g.Probe(t.Context()), providers.Unserved, providers.NotSent) // a server that our roots do not know
	copyFile(t, newRoot, ca, began.Add(2*hour))
	called("shop 2")

	if err := os.Remove(cert); err != nil {
		t.Fatal(err)
	}
	called("shop 2") // a file that is gone changes nothing
}

func TestServerThatOurRootsDoNotKnowGetsNothing(t *testing.T) {
	server := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("a request arrived") }))
	defer server.Close()
	server.Config.ErrorLog = nil
	_, port, _ := net.SplitHostPort(server.Listener.Addr().String())
	c := basic(R1)
	c.BaseURL = "https://localhost:" + port + "/r1/v01"
	g, err := New(c, Options{})
	if err != nil {
		t.Fatal(err)
	}
	is(t, g.Charge(t.Context(), charge(providers.QR)), providers.Unserved, providers.NotSent)
	is(t, g.Lookup(t.Context(), bought(providers.QR)), providers.Unknown, providers.NotSent)
}
