package app_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	"github.com/payrouter/payrouter/cmd/internal/app"
	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router/identity"
	"github.com/payrouter/payrouter/router/identity/identitytest"
)

// proved is the least configuration whose callers prove who they are, with the house's files.
func proved(h *identitytest.House) string {
	return fmt.Sprintf(`
grpc:
  tls: {cert: %s, key: %s, client_ca: %s}
  tokens: {keys: %s, issuer: %q, audience: %s}
identities:
  - name: checkout
    certificates: [checkout.example.kz]
    tenants: {shop: [caller]}
  - name: aida
    subjects: [aida@example.kz]
    house: [operator]
    tenants: {"*": [operator, auditor]}
`, h.CertFile, h.KeyFile, h.ClientCAFile, h.KeysFile, identitytest.Issuer, identitytest.Audience) + least
}

func TestWhoMayCallIsCheckedKeyByKey(t *testing.T) {
	h := identitytest.New(t)
	good := proved(h)
	c := parsed(t, good)
	if len(c.Identities) != 2 || c.GRPC.TLS == nil || c.GRPC.Tokens.Audience != "payrouter" {
		t.Fatalf("read as %+v", c)
	}
	tls, tokens := between(t, good, "  tls:", "  tokens:"), between(t, good, "  tokens:", "identities:")
	list := between(t, good, "identities:", "\nkeys:")
	for _, c := range []struct{ name, old, new, want string }{
		{"no key", "key: ", "client_key: ", "client_key"},
		{"no certificate", h.CertFile, `""`, "grpc.tls: cert and key are required"},
		{"no identities", list, "", "identities: nobody is listed, and so nobody may call"},
		{"no proof", "grpc:\n" + tls + tokens, "", "identities: nothing proves who calls"},
		{"no tokens", tokens, "", "identities[1].subjects: no token is taken without grpc.tokens"},
		{"no certificates", tls, "", "identities[0].certificates: no certificate is believed without grpc.tls.client_ca"},
		{"no audience", "audience: payrouter", "audience: ''", "grpc.tokens: keys, issuer and audience are required"},
		{"an unknown tenant", "shop: [caller]", "shoe: [caller]", `identities[0].tenants: "shoe" is not among the tenants`},
		{"an unknown role", "shop: [caller]", "shop: [teller]", `identities[0].tenants.shop: "teller" is no role; there are ["caller"`},
		{"an unknown role in the house", "[operator]\n", "[root]\n", `identities[1].house: "root" is no role`},
		{"no role", "    tenants: {shop: [caller]}\n", "", "identities[0]: it may do nothing"},
		{"two of one name", "name: aida", "name: checkout", `identities[1].name: "checkout" appears twice`},
		{"a caller in the house", "[operator]\n", "[caller]\n", "identities[1].house: a caller takes the payments of a tenant"},
		{"two that differ by case", "name: aida", "name: Checkout", `identities[1].name: "Checkout" appears twice ("checkout")`},
		{"no name", "name: aida", "name: aida@example.kz", "identities[1].name"},
		{"an unknown key", "house: ", "home: ", "home"},
	} {
		t.Run(c.name, func(t *testing.T) {
			text := strings.Replace(good, c.old, c.new, 1)
			if text == good {
				t.Fatal("the test changes nothing")
			}
			_, err := app.Parse([]byte(text))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one that names %q", err, c.want)
			}
		})
	}
	if _, err := app.Parse([]byte(strings.Replace(good, "grpc:", "grpc:\n  address: 0.0.0.0:7070", 1))); err != nil {
		t.Errorf("open to the network, and all is proved: %v", err)
	}
}

// between is the part of a text from one mark to another.
func between(t *testing.T, text, from, to string) string {
	t.Helper()
	_, rest, found := strings.Cut(text, from)
	part, _, ends := strings.Cut(rest, to)
	if !found || !ends {
		t.Fatalf("%q and %q are not there", from, to)
	}
	return from + part
}

func TestCheckLooksAtTheFilesByWhichCallersProveWhoTheyAre(t *testing.T) {
	h := identitytest.New(t)
	missing := app.Check(parsed(t, strings.Replace(proved(h), h.ClientCAFile, "/nowhere/ca.crt", 1)))
	if missing == nil || !strings.Contains(missing.Error(), "/nowhere/ca.crt") {
		t.Errorf("error %v", missing)
	}
	if err := app.Check(parsed(t, proved(h))); err != nil {
		t.Error(err)
	}
}

// A configuration that was made otherwise than by reading a file is no way around.
func TestNobodyIsBelievedWhereIdentitiesAreListedOrOthersReachThePort(t *testing.T) {
	h := identitytest.New(t)
	for name, change := range map[string]func(*app.Config){
		"identities without a proof": func(c *app.Config) { c.GRPC.TLS, c.GRPC.Tokens = nil, nil },
		"an open port without a proof": func(c *app.Config) {
			c.GRPC.TLS, c.GRPC.Tokens, c.Identities, c.GRPC.Address = nil, nil, nil, "0.0.0.0:0"
		},
	} {
		c := parsed(t, proved(h))
		free(&c)
		change(&c)
		if err := app.Check(c); err == nil || !strings.Contains(err.Error(), "nothing proves who calls") {
			t.Errorf("%s is good: %v", name, err)
		}
		if _, err := app.New(t.Context(), c, app.Options{}); err == nil || !strings.Contains(err.Error(), "nothing proves who calls") {
			t.Errorf("%s serves: %v", name, err)
		}
	}
}

// reached asks the service whether it serves, and returns why it cannot be asked.
func reached(t *testing.T, address string, by credentials.TransportCredentials) error {
	t.Helper()
	connection, err := grpc.NewClient(address, grpc.WithTransportCredentials(by))
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	_, err = grpc_health_v1.NewHealthClient(connection).Check(ctx, &grpc_health_v1.HealthCheckRequest{})
	return err
}

func TestThePortIsReachedByTLSAloneOnceItIsConfigured(t *testing.T) {
	h := identitytest.New(t)
	alone := proved(h)
	for _, part := range []string{between(t, alone, "  tokens:", "identities:"), between(t, alone, "  - name: aida", "\nkeys:")} {
		alone = strings.Replace(alone, part, "", 1)
	}
	both, certificates := serve(t, parsed(t, proved(h))).GRPCAddr(), serve(t, parsed(t, alone)).GRPCAddr()
	for name, c := range map[string]struct {
		by           credentials.TransportCredentials
		both, single bool
	}{
		"a certificate": {credentials.NewTLS(h.ClientTLS("checkout.example.kz")), true, true},
		"none":          {credentials.NewTLS(h.ClientTLS("")), true, false},
		"plain text":    {insecure.NewCredentials(), false, false},
	} {
		if err := reached(t, both, c.by); (err == nil) != c.both || err != nil && status.Code(err) != codes.Unavailable {
			t.Errorf("%s, where tokens are taken: %v", name, err)
		}
		if err := reached(t, certificates, c.by); (err == nil) != c.single || err != nil && status.Code(err) != codes.Unavailable {
			t.Errorf("%s, where none is: %v", name, err)
		}
	}
}

func TestAReloadTakesUpWhoMayCall(t *testing.T) {
	h := identitytest.New(t)
	service := serve(t, parsed(t, proved(h)))
	known := func(name string) error {
		_, err := service.Gate().Identify(h.Client(name).Leaf, "", time.Now())
		return err
	}
	if err := known("checkout.example.kz"); err != nil {
		t.Fatal(err)
	}
	next := parsed(t, strings.Replace(proved(h), "[checkout.example.kz]", "[till.example.kz]", 1))
	free(&next)
	next.Store = service.Config().Store
	if err := service.Reload(next); err != nil {
		t.Fatal(err)
	}
	if err := known("till.example.kz"); err != nil || !errors.Is(known("checkout.example.kz"), identity.ErrUnknown) {
		t.Errorf("the new one: %v, the old one: %v", err, known("checkout.example.kz"))
	}
	other := parsed(t, strings.Replace(proved(h), "audience: payrouter", "audience: warehouse", 1))
	free(&other)
	other.Store = service.Config().Store
	if err := service.Reload(other); !errors.Is(err, app.ErrRestart) {
		t.Errorf("another audience: %v", err)
	}
}

func TestTheServiceSaysThatCallsAreInPlainText(t *testing.T) {
	for text, want := range map[string]int{least: 1, proved(identitytest.New(t)): 0} {
		var said bytes.Buffer
		c := parsed(t, text)
		free(&c)
		c.Store.URL = providers.NewSecret("sqlite:" + filepath.Join(t.TempDir(), "books.db"))
		service, err := app.New(t.Context(), c, app.Options{Log: slog.New(slog.NewTextHandler(&said, nil))})
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		stop()
		if err := service.Run(ctx); err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(said.String(), "in plain text"); n != want {
			t.Errorf("it is said %d times, want %d:\n%s", n, want, &said)
		}
	}
}

// housed is a configuration of deploy/ whose certificates and keys are a test's own.
func housed(h *identitytest.House, text string) string {
	for _, folder := range []string{"/etc/payrouter/tls/", "/etc/payrouter-tls/"} {
		text = strings.NewReplacer(folder+"server.crt", h.CertFile, folder+"server.key", h.KeyFile, folder+"tls.crt", h.CertFile, folder+"tls.key", h.KeyFile,
			folder+"ca.crt", h.ClientCAFile, folder+"keys.json", h.KeysFile).Replace(text)
	}
	return text
}
