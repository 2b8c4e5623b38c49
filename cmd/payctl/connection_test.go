package main

import (
	"crypto/x509"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/payrouter/payrouter/cmd/internal/app"
	"github.com/payrouter/payrouter/router/identity/identitytest"
)

// secured is a world whose service knows who calls: aida by certificate, bolat by token, an
// auditor by both. strict wants a certificate on each connection.
type secured struct {
	*world
	house *identitytest.House
}

func newSecured(t *testing.T, strict bool) *secured {
	t.Helper()
	h := identitytest.New(t)
	w := newWorld(t, func(c *app.Config) {
		c.GRPC.TLS = &app.TLS{Cert: h.CertFile, Key: h.KeyFile, ClientCA: h.ClientCAFile}
		c.Identities = []app.Identity{
			{Name: "aida", Certificates: []string{"aida"}, House: []string{"operator"}, Tenants: map[string][]string{"shop": {"operator"}}},
			{Name: "watcher", Certificates: []string{"watcher"}, House: []string{"auditor"}},
		}
		if !strict {
			c.GRPC.Tokens = &app.Tokens{Keys: h.KeysFile, Issuer: identitytest.Issuer, Audience: identitytest.Audience}
			c.Identities = append(c.Identities, app.Identity{Name: "bolat", Subjects: []string{"bolat@house"}, House: []string{"operator"}})
		}
	})
	return &secured{w, h}
}

// pair writes somebody's certificate and returns the flags that show it.
func (s *secured) pair(h *identitytest.House, name string, made time.Time) []string {
	s.Helper()
	pair, err := h.Authority().Client(name, made, time.Hour)
	s.must(err)
	cert := filepath.Join(s.TempDir(), name+".crt")
	key := strings.TrimSuffix(cert, "crt") + "key"
	s.must(pair.Write(cert, key))
	return []string{"--ca", s.house.ClientCAFile, "--cert", cert, "--key", key}
}

// token writes a token and returns the flags that show it.
func (s *secured) token(text string) []string {
	s.Helper()
	file := filepath.Join(s.TempDir(), "token")
	s.must(os.WriteFile(file, []byte(text+"\n"), 0o600))
	return []string{"--ca", s.house.ClientCAFile, "--token-file", file}
}

func drained(flags []string, more ...string) []string {
	return append(append(append([]string{}, flags...), "drain", "kaspi-main", "--reason", "rehearsal"), more...)
}

func TestACertificateOrATokenSaysWhoYouAre(t *testing.T) {
	s := newSecured(t, false)
	aida := s.pair(s.house, "aida", time.Now())
	s.payctl(drained(aida)...).done("aida rehearsal")
	s.payctl(drained(aida, "--as", "aida")...).done("aida rehearsal")
	s.payctl(drained(aida, "--as", "bolat")...).fails(exitRefused, "payctl: --as is not the name of whom the certificate or token is", "UNAUTHENTICATED", "leave --as and PAYROUTER_OPERATOR out")
	s.payctl(append(aida, "payment", "list")...).done("There are no such payments.") // whose tenant it is, the service knows
	s.payctl(drained(s.token(s.house.Token("bolat@house")))...).done("bolat rehearsal")
	s.payctl(append(aida, "dispute", "take", nobody)...).fails(exitUsage, "--owner is required: only the service knows the name in your certificate")

	t.Setenv("PAYROUTER_CA", aida[1])
	t.Setenv("PAYROUTER_CERT", aida[3])
	t.Setenv("PAYROUTER_KEY", aida[5])
	s.payctl(drained(nil)...).done("aida rehearsal")
	t.Setenv("PAYROUTER_TOKEN_FILE", s.token(s.house.Token("bolat@house"))[3])
	s.payctl(drained(nil)...).done("bolat rehearsal")
}

func TestWhoeverIsNobodyIsToldWhatToShow(t *testing.T) {
	s := newSecured(t, false)
	ca := []string{"--ca", s.house.ClientCAFile}
	late := s.house.Claims("bolat@house")
	late.IssuedAt, late.NotBefore, late.Expiry = nil, nil, jwt.NewNumericDate(time.Now().Add(-time.Hour))
	ended := s.house.TokenOf(late)
	for _, c := range []struct {
		args []string
		says []string
	}{
		{append(ca, "gateways"), []string{"payctl: neither a client certificate nor a bearer token was presented", "give --ca with --cert and --key, or with --token-file"}},
		{append(s.token(ended), "gateways"), []string{"payctl: what was presented is forged, expired", "Is the token still good"}},
		{append(s.token(s.house.Token("stranger@house")), "gateways"), []string{"names nobody", "Have the name in your token listed under identities"}},
		{append(s.pair(s.house, "stranger", time.Now()), "gateways"), []string{"names nobody", "Have the name in your certificate listed"}},
		{drained(s.pair(s.house, "watcher", time.Now())), []string{"PERMISSION_DENIED", "house_roles    operator,admin", "It needs operator or admin about the house"}},
		{append(s.token(s.house.Token("bolat@house")), "payment", "list"), []string{"PERMISSION_DENIED", "caller or operator or auditor or admin about the tenant", "--tenant"}},
		{[]string{"gateways"}, []string{"payrouter cannot be reached", "The service speaks TLS, it seems: give --ca."}},
	} {
		r := s.payctl(c.args...).fails(exitRefused, c.says...)
		for part := range strings.SplitSeq(ended, ".") {
			if strings.Contains(r.err, part) {
				t.Errorf("the token is shown:\n%s", r.err)
			}
		}
	}
}

func TestAConnectionThatTLSRefusesSaysWhatIsMissing(t *testing.T) {
	s := newSecured(t, true)
	elsewhere := identitytest.New(t)
	wrongCA := []string{"--ca", elsewhere.ClientCAFile, "gateways"}
	for says, args := range map[string][]string{
		"The service wants a client certificate: give --cert and --key.": {"--ca", s.house.ClientCAFile, "gateways"},
		"The service does not take the certificate in --cert":            append(s.pair(elsewhere, "aida", time.Now()), "gateways"),
		"of the right authority, and not ended?":                         append(s.pair(s.house, "aida", time.Now().Add(-48*time.Hour)), "gateways"),
		"The service's certificate is not of the authority in --ca.":     wrongCA,
		"The service speaks plain text: leave --ca out.":                 append(s.pair(s.house, "aida", time.Now()), "--address", newWorld(t).address, "gateways"),
	} {
		payctl(t, append([]string{"--address", s.address}, args...)...).fails(exitRefused, "payctl: payrouter cannot be reached", says)
	}
	// Names that lead to this machine and are not in the certificate are not to be had everywhere.
	certificate := s.house.Client("aida").Leaf
	for _, host := range []string{"payrouter.example.kz", "127.0.0.2"} {
		err := x509.HostnameError{Certificate: certificate, Host: host}
		if hint := (proof{ca: "ca.crt"}).unmet("authentication handshake failed: " + err.Error()); !strings.Contains(hint, "--address") {
			t.Errorf("%v: %q", err, hint)
		}
	}
}

func TestATokenNeverLeavesInPlainText(t *testing.T) {
	forget(t)
	dir := t.TempDir()
	write := func(name, text string) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	h := identitytest.New(t)
	token, empty, spoilt := write("token", "one.two.three"), write("empty", " \n"), write("spoilt", "one.two.three\nfour")
	address, taken := silent(t)
	for _, c := range []struct{ args, says string }{
		{"--token-file " + token, "--ca is required with --cert and --token-file"},
		{"--cert a --key b", "--ca is required"},
		{"--ca " + h.ClientCAFile + " --cert a", "--cert and --key belong together"},
		{"--ca " + h.ClientCAFile + " --cert a --key b", "--cert, --key: open a: no such file"},
		{"--ca " + filepath.Join(dir, "none"), "--ca: open"},
		{"--ca " + token, "it holds no PEM certificate"},
		{"--ca " + h.ClientCAFile + " --token-file " + empty, "--token-file: " + empty + " does not hold one token"},
		{"--ca " + h.ClientCAFile + " --token-file " + spoilt, "does not hold one token"},
	} {
		r := payctl(t, append(strings.Fields(c.args), "--address", address, "gateways")...).fails(exitUsage, "payctl: ", c.says)
		if strings.Contains(r.err, "two") {
			t.Errorf("the token is shown:\n%s", r.err)
		}
	}
	select {
	case <-taken:
		t.Error("something was sent")
	default:
	}
}
