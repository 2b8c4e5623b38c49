package sim_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/netip"
	"syscall"
	"testing"
	"time"

	"github.com/payrouter/payrouter/providers/sim"
)

// serve puts a bank on sockets and returns a client of its Kaspi face.
func serve(t *testing.T, b *sim.Bank, conf *tls.Config, client *tls.Config) (*sim.Server, shop) {
	t.Helper()
	server, err := sim.Serve(b, sim.ServerOptions{
		Faces: map[string]sim.Listen{"kaspi": {Addr: "127.0.0.1:0", TLS: conf}}, Control: sim.Listen{Addr: "127.0.0.1:0"},
	})
	must(t, err)
	transport := &http.Transport{TLSClientConfig: client}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		server.Close()
		b.Close()
	})
	scheme := "http://"
	if conf != nil {
		scheme = "https://"
	}
	return server, shop{client: &http.Client{Transport: transport, CheckRedirect: noRedirect}, base: scheme + server.Addr("kaspi")}
}

func TestRefusedSocketIsBoundAgainAtTheSameAddress(t *testing.T) {
	b := sim.New(sim.Options{}, sim.Kaspi(sim.KaspiOptions{}))
	_, s := serve(t, b, nil, nil)
	wantEqual(t, "before", s.look(t.Context()), "code 0")
	for range 3 {
		id := addFault(t, b, sim.Fault{Face: "kaspi", Kind: sim.FaultRefuse})
		s.client.CloseIdleConnections() // the one that was cut would answer "broken"
		wantEqual(t, "during", s.look(t.Context()), "refused")
		b.RemoveFault(id)
		wantEqual(t, "after", s.look(t.Context()), "code 0")
	}
}

func TestControlStaysReachableWhileAFaceRefuses(t *testing.T) {
	b := sim.New(sim.Options{}, sim.Kaspi(sim.KaspiOptions{}))
	server, _ := serve(t, b, nil, nil)
	addFault(t, b, sim.Fault{Kind: sim.FaultRefuse})
	res, err := http.Get("http://" + server.ControlAddr() + "/healthz")
	must(t, err)
	body, err := io.ReadAll(res.Body)
	must(t, errors.Join(err, res.Body.Close()))
	wantEqual(t, "health", string(body), "ok\n")
}

func TestClosedServerRefusesAndItsBankLivesOn(t *testing.T) {
	b := sim.New(sim.Options{}, sim.Kaspi(sim.KaspiOptions{}))
	server, s := serve(t, b, nil, nil)
	s.offer(t, "pay_1")
	server.Close()
	_, _, err := s.send(t.Context(), "GET", "health/ping", "")
	wantEqual(t, "refused", errors.Is(err, syscall.ECONNREFUSED), true)

	transport := b.Transport("kaspi")
	defer transport.CloseIdleConnections()
	shop{client: &http.Client{Transport: transport}, base: "http://kaspi.invalid"}.offer(t, "pay_2")
	wantEqual(t, "purchases", len(b.Ledger().Objects), 2)
}

func TestServeLeavesNothingOpenWhenItFails(t *testing.T) {
	b := sim.New(sim.Options{}, sim.Kaspi(sim.KaspiOptions{}))
	server, s := serve(t, b, nil, nil)
	_, err := sim.Serve(b, sim.ServerOptions{Faces: map[string]sim.Listen{"nobody": {}}})
	if err == nil {
		t.Error("a face that does not exist was served")
	}
	_, err = sim.Serve(b, sim.ServerOptions{
		Faces:   map[string]sim.Listen{"kaspi": {Addr: "127.0.0.1:0"}},
		Control: sim.Listen{Addr: server.ControlAddr()}, // taken
	})
	wantEqual(t, "address in use", errors.Is(err, syscall.EADDRINUSE), true)
	wantEqual(t, "the first server", s.look(t.Context()), "code 0")
}

func TestKaspiAsksForAClientCertificate(t *testing.T) {
	ca, caKey := newCA(t)
	pool := x509.NewCertPool()
	pool.AddCert(ca)
	conf := &tls.Config{Certificates: []tls.Certificate{newCertificate(t, ca, caKey)}, ClientCAs: pool}
	for _, c := range []struct {
		name   string
		client []tls.Certificate
		code   string
	}{{"without", nil, "-10000"}, {"with", []tls.Certificate{newCertificate(t, ca, caKey)}, "0"}} {
		t.Run(c.name, func(t *testing.T) {
			b := sim.New(sim.Options{}, sim.Kaspi(sim.KaspiOptions{RequireCertificate: true}))
			_, s := serve(t, b, conf, &tls.Config{RootCAs: pool, Certificates: c.client})
			for _, scheme := range []string{"r2", "r3"} {
				e := s.call(t, "GET", "/"+scheme+"/v01/health/ping", "")
				wantEqual(t, "HTTP status", e.HTTP, http.StatusOK)
				wantCode(t, e, c.code)
			}
		})
	}
}

func TestKaspiR3TakesRegisteredAddressesOnly(t *testing.T) {
	for _, c := range []struct {
		source string
		drop   bool
		sees   string
	}{{"127.0.0.0/8", false, "code 0"}, {"10.0.0.0/8", false, "code -10000"}, {"10.0.0.0/8", true, "broken"}} {
		b := sim.New(sim.Options{}, sim.Kaspi(sim.KaspiOptions{Sources: []netip.Prefix{netip.MustParsePrefix(c.source)}, DropForeign: c.drop}))
		_, s := serve(t, b, nil, nil)
		wantEqual(t, "from 127.0.0.1 where "+c.source+" is registered", s.look(t.Context()), c.sees)
		wantCode(t, s.call(t, "GET", "/r2/v01/health/ping", ""), "0") // r2 has no list
	}
}

func newCA(t *testing.T) (*x509.Certificate, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test root"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	must(t, err)
	ca, err := x509.ParseCertificate(der)
	must(t, err)
	return ca, key
}

// newCertificate is good for both ends of a connection to 127.0.0.1.
func newCertificate(t *testing.T, ca *x509.Certificate, caKey *ecdsa.PrivateKey) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), IPAddresses: []net.IP{{127, 0, 0, 1}},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, ca, key.Public(), caKey)
	must(t, err)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}
