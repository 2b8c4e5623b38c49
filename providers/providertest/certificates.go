package providertest

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"testing"
	"time"

	"github.com/payrouter/payrouter/providers"
)

// certificates asks what the adapter makes of peers that are not who they should be, or
// do not speak TLS. Nothing of HTTP leaves before the peer has shown who it is.
func (s *siege) certificates(t *testing.T, d deed) {
	good := s.presents(t, nil)
	steps := s.rehearsed(t, d, good, false)
	for _, b := range s.impostors(t, good) {
		t.Run(b.sentence, func(t *testing.T) {
			calm(t)
			b.early = true
			s.suffer(t, d, b, steps, good)
		})
	}
}

// presents is a server's configuration whose certificate is the good one, with at most
// one thing wrong.
func (s *siege) presents(t *testing.T, change func(*x509.Certificate)) *tls.Config {
	t.Helper()
	a, err := trusted()
	if err != nil {
		t.Fatal(err)
	}
	return serving(t, a, change)
}

func serving(t *testing.T, a *authority, change func(*x509.Certificate)) *tls.Config {
	t.Helper()
	pair, err := a.issue(change)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{pair}, ClientAuth: tls.RequestClientCert}
}

// impostors are blows that fall before or in the handshake.
func (s *siege) impostors(t *testing.T, good *tls.Config) []blow {
	t.Helper()
	stranger, err := newAuthority("stranger")
	if err != nil {
		t.Fatal(err)
	}
	demanding := func(version uint16) *tls.Config {
		c := good.Clone()
		c.MaxVersion, c.ClientAuth, c.ClientCAs = version, tls.RequireAndVerifyClientCert, x509.NewCertPool()
		c.ClientCAs.AddCert(stranger.certificate)
		return c
	}
	ancient := good.Clone()
	ancient.MinVersion, ancient.MaxVersion = tls.VersionTLS10, tls.VersionTLS11
	shaking := func(c *tls.Config) func(*stroke) {
		return func(s *stroke) {
			_, _ = tls.Server(s.raw, c).Read(make([]byte, 1)) // whatever comes through is not wanted
		}
	}
	hour := time.Hour
	return []blow{
		{sentence: "a certificate of an authority that nobody trusts", unsent: true, strike: shaking(serving(t, stranger, nil))},
		{sentence: "a certificate for another host", unsent: true, strike: shaking(s.presents(t, func(c *x509.Certificate) {
			c.IPAddresses, c.DNSNames = []net.IP{net.IPv4(127, 0, 0, 2)}, []string{"bank.example"}
		}))},
		{sentence: "a certificate that has expired", unsent: true, strike: shaking(s.presents(t, func(c *x509.Certificate) {
			c.NotBefore, c.NotAfter = time.Now().Add(-2*hour), time.Now().Add(-hour)
		}))},
		{sentence: "a certificate that is not valid yet", unsent: true, strike: shaking(s.presents(t, func(c *x509.Certificate) {
			c.NotBefore, c.NotAfter = time.Now().Add(hour), time.Now().Add(2*hour)
		}))},
		{sentence: "a certificate that is not for servers", unsent: true, strike: shaking(s.presents(t, func(c *x509.Certificate) {
			c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
		}))},
		{sentence: "TLS 1.1", unsent: true, strike: shaking(ancient)},
		{sentence: "our client certificate refused, TLS 1.2", unsent: true, strike: shaking(demanding(tls.VersionTLS12))},
		// In TLS 1.3 a client is through before the server has looked at its certificate, and
		// may have written the request: that nobody could read it cannot be seen from here.
		{sentence: "our client certificate refused, TLS 1.3", undecided: true, strike: shaking(demanding(tls.VersionTLS13))},
		{sentence: "plain HTTP where TLS should be", unsent: true, strike: func(s *stroke) {
			s.say("HTTP/1.1 400 Bad Request\r\nContent-Length: 2\r\n\r\n{}")
			_, _ = s.conn.Read(make([]byte, 1))
		}},
		{sentence: "noise where TLS should be", unsent: true, strike: func(s *stroke) {
			s.pour(padding, len(padding))
		}},
		{sentence: "a reset instead of a handshake", unsent: true, strike: (*stroke).reset},
		{sentence: "a connection closed in the handshake", unsent: true, strike: func(s *stroke) {
			_, _ = s.conn.Read(make([]byte, 1))
		}},
		{sentence: "a reset after the handshake", reasons: []providers.Reason{providers.Broken}, strike: func(s *stroke) {
			_ = tls.Server(s.raw, good).Handshake()
			s.reset()
		}},
	}
}

// mute are peers that never finish a handshake.
var mute = []blow{
	{sentence: "a peer that never speaks TLS", early: true, stalls: true, unsent: true, strike: (*stroke).silence},
	{sentence: "a handshake byte by byte", early: true, stalls: true, unsent: true, strike: func(s *stroke) {
		s.drip("\x16\x03\x03\x40\x00\x02\x00\x3f\xfc" + string(padding[:0x3000]))
	}},
}
