package identity_test

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"log/slog"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/payrouter/payrouter/router/identity"
	"github.com/payrouter/payrouter/router/identity/authority"
	"github.com/payrouter/payrouter/router/identity/identitytest"
)

// connect makes one connection to a server behind the gate, and returns the client's certificate
// as TLS verified it, if there was one, the server's, and why there is no connection.
func connect(t *testing.T, server, client *tls.Config) (shown, server1 *x509.Certificate, err error) {
	t.Helper()
	near, far := net.Pipe()
	defer near.Close()
	inside := tls.Server(far, server)
	done := make(chan error, 1)
	go func() {
		err := inside.Handshake()
		if err == nil { // the client hears only now that its certificate was believed
			_, err = inside.Write([]byte("!"))
		}
		_ = far.Close()
		done <- err
	}()
	outside := tls.Client(near, client)
	err = outside.Handshake()
	if err == nil {
		_, err = outside.Read(make([]byte, 1))
	}
	_ = near.Close()
	if refused := <-done; err == nil {
		err = refused
	}
	if err != nil {
		return nil, nil, err
	}
	if chains := inside.ConnectionState().VerifiedChains; len(chains) > 0 {
		shown = chains[0][0]
	}
	return shown, outside.ConnectionState().PeerCertificates[0], nil
}

// certificatesOnly is a house that takes no tokens.
func certificatesOnly(h *identitytest.House, entries ...identity.Entry) identity.Options {
	o := h.Options(entries...)
	o.Tokens = nil
	return o
}

func TestAClientCertificateIsRequiredUnlessATokenMaySayWhoCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, elsewhere := identitytest.New(t), identitytest.New(t)
		now := time.Now()
		strange := h.ClientTLS("")
		strange.Certificates = []tls.Certificate{elsewhere.Client("checkout")}
		over := h.ClientTLS("")
		over.Certificates = []tls.Certificate{pairOf(t, must(h.Authority().Client("checkout", now.Add(-2*time.Hour), time.Hour)))}
		servers := h.ClientTLS("")
		servers.Certificates = []tls.Certificate{pairOf(t, must(h.Authority().Server([]string{"checkout"}, now, time.Hour)))}
		old := h.ClientTLS("checkout")
		old.MinVersion, old.MaxVersion = tls.VersionTLS10, tls.VersionTLS11
		for name, c := range map[string]struct {
			client      *tls.Config
			alone, both string // who is connected: with certificates alone, and with tokens, too
		}{
			"a certificate":          {h.ClientTLS("checkout"), "checkout", "checkout"},
			"none":                   {h.ClientTLS(""), "refused", ""},
			"another authority's":    {strange, "refused", "refused"},
			"one that is over":       {over, "refused", "refused"},
			"a server's certificate": {servers, "refused", "refused"},
			"an old TLS":             {old, "refused", "refused"},
		} {
			for _, gate := range []struct {
				options identity.Options
				want    string
			}{{certificatesOnly(h), c.alone}, {h.Options(), c.both}} {
				got := "refused"
				shown, _, err := connect(t, h.Gate(gate.options).TLS(), c.client)
				if err == nil {
					got = ""
				}
				if shown != nil {
					got = identity.Names(shown)[0]
				}
				if got != gate.want {
					t.Errorf("%s, tokens: %t: %q, %v", name, gate.options.Tokens != nil, got, err)
				}
			}
		}
	})
}

func must(p authority.Pair, err error) authority.Pair {
	if err != nil {
		panic(err)
	}
	return p
}

func pairOf(t *testing.T, p authority.Pair) tls.Certificate {
	t.Helper()
	pair, err := tls.X509KeyPair(p.Certificate, p.Key)
	if err != nil {
		t.Fatal(err)
	}
	return pair
}

func TestATokenSaysWhoCallsAndABadOneIsNotPassedOver(t *testing.T) {
	h := identitytest.New(t)
	g, now := h.Gate(h.Options(caller("checkout", "checkout"), aida)), time.Now()
	certificate, stranger := h.Client("checkout").Leaf, h.Client("stranger").Leaf
	expired := h.Claims("aida@example.kz")
	expired.Expiry = nil
	for name, c := range map[string]struct {
		certificate *x509.Certificate
		token       string
		at          time.Time
		want        string
		err         error
	}{
		"nothing":                         {nil, "", now, "", identity.ErrNone},
		"a certificate":                   {certificate, "", now, "checkout", nil},
		"an unknown certificate":          {stranger, "", now, "", identity.ErrUnknown},
		"a certificate that ended since":  {certificate, "", now.Add(2 * time.Hour), "", identity.ErrInvalid},
		"a token":                         {nil, h.Token("aida@example.kz"), now, "aida", nil},
		"both":                            {certificate, h.Token("aida@example.kz"), now, "aida", nil},
		"a token over an unknown one":     {stranger, h.Token("aida@example.kz"), now, "aida", nil},
		"a certificate and a bad token":   {certificate, h.TokenOf(expired), now, "", identity.ErrInvalid},
		"a certificate and another token": {certificate, h.Token("boss@example.kz"), now, "", identity.ErrUnknown},
	} {
		who, err := g.Identify(c.certificate, c.token, c.at)
		if who.Name != c.want || !errors.Is(err, c.err) {
			t.Errorf("%s: %+v, %v", name, who, err)
		}
	}
	if _, err := h.Gate(certificatesOnly(h, caller("checkout", "checkout"))).Identify(certificate, h.Token("aida@example.kz"), now); !errors.Is(err, identity.ErrInvalid) {
		t.Errorf("a token where none is taken: %v", err)
	}
}

func TestADirectoryIsTakenUpWhileCallsGoOn(t *testing.T) {
	h := identitytest.New(t)
	g, certificate := h.Gate(h.Options(caller("checkout", "checkout"))), h.Client("checkout").Leaf
	var calls sync.WaitGroup
	for range 4 {
		calls.Go(func() {
			for range 200 {
				if who, err := g.Identify(certificate, "", time.Now()); err != nil && !errors.Is(err, identity.ErrUnknown) || err == nil && who.Name == "" {
					t.Errorf("%+v, %v", who, err)
				}
			}
		})
	}
	g.SetDirectory(directory(t, aida))
	calls.Wait()
	if _, err := g.Identify(certificate, "", time.Now()); !errors.Is(err, identity.ErrUnknown) {
		t.Errorf("who was taken away is still known: %v", err)
	}
}

// logged is what a gate says of its files.
type logged struct{ bytes.Buffer }

func (l *logged) to(o identity.Options) identity.Options {
	o.Log = slog.New(slog.NewTextHandler(l, nil))
	return o
}

// said is how often the log has said it since it was asked last.
func (l *logged) said(text string) int {
	defer l.Reset()
	return strings.Count(l.String(), text)
}

func TestANewCertificateOfTheServerIsTakenUpAndABrokenOneIsNot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := identitytest.New(t)
		var log logged
		config := h.Gate(log.to(h.Options())).TLS()
		serves := func() string {
			t.Helper()
			_, server, err := connect(t, config, h.ClientTLS(""))
			if err != nil {
				t.Fatal(err)
			}
			return server.SerialNumber.String()
		}
		first := serves()
		next := must(h.Authority().Server([]string{"localhost"}, time.Now(), time.Hour))
		if err := next.Write(h.CertFile, h.KeyFile); err != nil {
			t.Fatal(err)
		}
		if serves() != first {
			t.Error("the files are looked at more often than once a second")
		}
		time.Sleep(time.Second)
		second := serves()
		if second == first || log.said("taken up") != 1 {
			t.Errorf("after a second it still serves with the old certificate")
		}
		for i, breaks := range []func() error{
			func() error { return os.WriteFile(h.CertFile, []byte("nonsense"), 0o600) },
			func() error { return os.Remove(h.CertFile) },
			func() error { // the new certificate, and not yet its key
				return os.WriteFile(h.CertFile, must(h.Authority().Server([]string{"localhost"}, time.Now(), time.Hour)).Certificate, 0o600)
			},
		} {
			if err := breaks(); err != nil {
				t.Fatal(err)
			}
			for range 3 {
				time.Sleep(time.Second)
				if serves() != second {
					t.Errorf("%d: a broken file was taken up", i)
				}
			}
			if n := log.said("level=ERROR"); n != 1 {
				t.Errorf("%d: it was said %d times", i, n)
			}
		}
		if err := next.Write(h.CertFile, h.KeyFile); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		if serves() != second || log.said("level=ERROR") != 0 {
			t.Error("the files are good again, and it is not content")
		}
	})
}

func TestAnAuthorityThatWasTakenAwayIsBelievedNoMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := identitytest.New(t)
		config, client := h.Gate(certificatesOnly(h)).TLS(), h.ClientTLS("checkout")
		client.ClientSessionCache = tls.NewLRUClientSessionCache(4) // a session that is resumed shows no certificate
		if _, _, err := connect(t, config, client); err != nil {
			t.Fatal(err)
		}
		next, err := authority.New("next", time.Now(), time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		old, err := os.ReadFile(h.ClientCAFile)
		if err != nil {
			t.Fatal(err)
		}
		renewed := must(next.Pair()).Certificate
		newcomer := h.ClientTLS("")
		newcomer.Certificates = []tls.Certificate{pairOf(t, must(next.Client("checkout", time.Now(), time.Hour)))}
		for _, step := range []struct {
			bundle   []byte
			old, new bool
		}{{append(renewed, old...), true, true}, {renewed, false, true}, {[]byte("nonsense"), false, true},
			{append(old, renewed[:len(renewed)-40]...), false, true}} { // half of a file is none of it
			if err := os.WriteFile(h.ClientCAFile, step.bundle, 0o600); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Second)
			_, _, was := connect(t, config, client)
			_, _, is := connect(t, config, newcomer)
			if (was == nil) != step.old || (is == nil) != step.new {
				t.Errorf("the old authority's: %v, the new one's: %v", was, is)
			}
		}
	})
}

func TestANewKeyOfTheIssuerIsTakenUpAndABrokenKeySetIsNot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := identitytest.New(t)
		var log logged
		g := h.Gate(log.to(h.Options(aida)))
		key := newKey(t)
		token := h.Sign(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: key, KeyID: "next"}}, h.Claims("aida@example.kz"))
		known := func() bool {
			_, err := g.Identify(nil, token, time.Now())
			return err == nil
		}
		if known() {
			t.Fatal("a key that is not there yet")
		}
		h.WriteKeys(h.Key(), jose.JSONWebKey{Key: key.Public(), KeyID: "next"})
		time.Sleep(time.Second)
		if !known() || log.said("taken up") != 1 {
			t.Error("the new key is not taken up")
		}
		if err := os.WriteFile(h.KeysFile, []byte(`{"keys":[]}`), 0o600); err != nil {
			t.Fatal(err)
		}
		for range 3 {
			time.Sleep(time.Second)
			if !known() {
				t.Error("a key set without keys was taken up")
			}
		}
		if n := log.said("level=ERROR"); n != 1 {
			t.Errorf("it was said %d times", n)
		}
		h.WriteKeys(h.Key())
		time.Sleep(time.Second)
		if known() {
			t.Error("a key that was taken away is still believed")
		}
	})
}

func TestAGateThatCannotWorkIsNotOpened(t *testing.T) {
	h := identitytest.New(t)
	leaf := must(h.Authority().Client("checkout", time.Now(), time.Hour))
	notAuthority := h.Dir + "/leaf.crt"
	if err := leaf.Write(notAuthority, h.Dir+"/leaf.key"); err != nil {
		t.Fatal(err)
	}
	cutOff := h.Dir + "/cut.crt"
	if err := os.WriteFile(cutOff, append(bytes.Clone(leaf.Certificate[:len(leaf.Certificate)/2]), must(h.Authority().Pair()).Certificate...), 0o600); err != nil {
		t.Fatal(err)
	}
	for want, change := range map[string]func(*identity.Options){
		"needs its key":                 func(o *identity.Options) { o.KeyFile = "" },
		"needs a certificate":           func(o *identity.Options) { o.CertFile, o.KeyFile = "", "" },
		"nobody could prove":            func(o *identity.Options) { o.ClientCAFile, o.Tokens = "", nil },
		"/nowhere":                      func(o *identity.Options) { o.CertFile = "/nowhere" },
		"private key does not match":    func(o *identity.Options) { o.KeyFile = h.Dir + "/ca.key" },
		"no authority's":                func(o *identity.Options) { o.ClientCAFile = notAuthority },
		"holds no PEM certificate":      func(o *identity.Options) { o.ClientCAFile = h.KeysFile },
		"broken or cut off":             func(o *identity.Options) { o.ClientCAFile = cutOff },
		"holds a PRIVATE KEY":           func(o *identity.Options) { o.ClientCAFile = h.KeyFile },
		"an issuer and an audience":     func(o *identity.Options) { o.Tokens.Issuer = "" },
		"no JSON Web Key Set":           func(o *identity.Options) { o.Tokens.KeysFile = h.CertFile },
		"a file of keys, an issuer and": func(o *identity.Options) { o.Tokens = &identity.TokenOptions{} },
	} {
		o := h.Options()
		change(&o)
		if _, err := identity.Open(o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	o := h.Options(aida)
	o.CertFile, o.KeyFile, o.ClientCAFile = "", "", ""
	if g := h.Gate(o); g.TLS() != nil {
		t.Error("a gate without a certificate listens with TLS")
	}
}
