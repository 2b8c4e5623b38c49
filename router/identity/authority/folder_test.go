package authority_test

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/payrouter/payrouter/router/identity/authority"
)

var now = time.Now()

const month = 30 * 24 * time.Hour

// filled fills a folder, and says what was made.
func filled(t *testing.T, folder string, w authority.Wanted, at time.Time) []string {
	t.Helper()
	made, err := authority.Fill(folder, w, at)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func leaf(t *testing.T, folder, name string) *x509.Certificate {
	t.Helper()
	pair, err := tls.LoadX509KeyPair(filepath.Join(folder, name+".crt"), filepath.Join(folder, name+".key"))
	if err != nil {
		t.Fatal(err)
	}
	return pair.Leaf
}

func TestAFolderHoldsAnAuthorityAndWhatItIssued(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "certificates")
	made := filled(t, folder, authority.Wanted{Server: []string{"payrouter", "127.0.0.1", "::1"}, Clients: []string{"checkout", "A._-9"}, Life: month}, now)
	if !slices.Equal(made, []string{"ca", "server", "checkout", "A._-9"}) {
		t.Errorf("made %q", made)
	}
	entries, err := os.ReadDir(folder)
	if err != nil || len(entries) != 8 {
		t.Errorf("%d files, %v: a pair each, and nothing left over", len(entries), err)
	}
	for _, e := range entries {
		info, err := e.Info()
		want := os.FileMode(0o644)
		if filepath.Ext(e.Name()) == ".key" {
			want = 0o600
		}
		if err != nil || info.Mode().Perm() != want {
			t.Errorf("%s is open to others: %s, %v", e.Name(), info.Mode(), err)
		}
	}
	roots := x509.NewCertPool()
	roots.AddCert(leaf(t, folder, "ca"))
	for name, c := range map[string]struct {
		use  x509.ExtKeyUsage
		host string
	}{
		"server": {x509.ExtKeyUsageServerAuth, "payrouter"}, "checkout": {x509.ExtKeyUsageClientAuth, "checkout"}, "A._-9": {x509.ExtKeyUsageClientAuth, ""},
	} {
		certificate := leaf(t, folder, name)
		for _, use := range []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth} {
			_, err := certificate.Verify(x509.VerifyOptions{Roots: roots, DNSName: c.host, CurrentTime: now.Add(time.Minute), KeyUsages: []x509.ExtKeyUsage{use}})
			if (err == nil) != (use == c.use) {
				t.Errorf("%s, for use %d: %v", name, use, err)
			}
		}
		if left := certificate.NotAfter.Sub(now); left > month || left < month-time.Minute {
			t.Errorf("%s lasts %s", name, left)
		}
	}
	if err := errors.Join(leaf(t, folder, "server").VerifyHostname("127.0.0.1"), leaf(t, folder, "server").VerifyHostname("::1")); err != nil {
		t.Error(err)
	}
}

func TestOnceMakesOnlyWhatIsMissingOrEndsSoonOrIsForOthers(t *testing.T) {
	folder := t.TempDir()
	w := authority.Wanted{Server: []string{"payrouter", "127.0.0.1"}, Clients: []string{"checkout"}, Life: month, Once: true}
	filled(t, folder, w, now)
	for _, step := range []struct {
		name   string
		change func()
		at     time.Duration
		made   []string
	}{
		{"all is there", func() {}, time.Hour, nil},
		{"in another order", func() { w.Server = []string{"127.0.0.1", "payrouter"} }, time.Hour, nil},
		{"another client", func() { w.Clients = append(w.Clients, "till") }, time.Hour, []string{"till"}},
		{"another name", func() { w.Server = append(w.Server, "localhost") }, time.Hour, []string{"server"}},
		{"a third of their life is left", func() {}, month*2/3 + 2*time.Hour, []string{"server", "checkout", "till"}},
		{"a client's as the server's", func() {
			for _, end := range []string{".crt", ".key"} {
				if err := os.Rename(filepath.Join(folder, "till"+end), filepath.Join(folder, "server"+end)); err != nil {
					t.Fatal(err)
				}
			}
		}, month * 2 / 3, []string{"server", "till"}},
		{"every time", func() { w.Once = false }, month * 2 / 3, []string{"server", "checkout", "till"}},
	} {
		step.change()
		if made := filled(t, folder, w, now.Add(step.at)); !slices.Equal(made, step.made) {
			t.Errorf("%s: made %q", step.name, made)
		}
	}
}

func TestAnAuthorityIsNeverReplaced(t *testing.T) {
	folder := t.TempDir()
	w := authority.Wanted{Clients: []string{"checkout"}, Life: month}
	filled(t, folder, w, now)
	first := leaf(t, folder, "ca").SerialNumber
	if made := filled(t, folder, w, now.Add(time.Hour)); !slices.Equal(made, []string{"checkout"}) || leaf(t, folder, "ca").SerialNumber.Cmp(first) != 0 {
		t.Errorf("made %q", made)
	}
	if _, err := authority.Fill(folder, w, now.Add(6*365*24*time.Hour)); err == nil || !strings.Contains(err.Error(), "the authority ended on") {
		t.Errorf("after its end: %v", err)
	}
	almost := leaf(t, folder, "ca").NotAfter.Add(-time.Hour)
	filled(t, folder, w, almost)
	if end := leaf(t, folder, "checkout").NotAfter; end.After(leaf(t, folder, "ca").NotAfter) {
		t.Errorf("a certificate lasts until %s, and its authority does not", end)
	}
	for _, half := range []string{"ca.key", "ca.crt"} {
		if err := os.Rename(filepath.Join(folder, half), filepath.Join(folder, "away")); err != nil {
			t.Fatal(err)
		}
		if _, err := authority.Fill(folder, w, now); err == nil || !strings.Contains(err.Error(), half) {
			t.Errorf("without %s: %v", half, err)
		}
		if err := os.Rename(filepath.Join(folder, "away"), filepath.Join(folder, half)); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAnAuthorityMayHaveAFolderOfItsOwn(t *testing.T) {
	folder, own := t.TempDir(), filepath.Join(t.TempDir(), "authority")
	w := authority.Wanted{Clients: []string{"checkout"}, Life: month, Authority: own, Once: true}
	filled(t, folder, w, now)
	if made := filled(t, folder, w, now); len(made) != 0 {
		t.Errorf("made %q", made)
	}
	if _, err := os.Stat(filepath.Join(folder, "ca.key")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the authority's key is beside what it issued: %v", err)
	}
	here, err := os.ReadFile(filepath.Join(folder, "ca.crt"))
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(here)
	if _, err := leaf(t, folder, "checkout").Verify(x509.VerifyOptions{Roots: roots, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}); err != nil {
		t.Error(err)
	}
	leaf(t, own, "ca")
}

func TestWhatCannotBeACertificateIsRefusedBeforeAnythingIsMade(t *testing.T) {
	for want, w := range map[string]authority.Wanted{
		"no certificate is asked for":  {Life: month},
		"lasts an hour or more":        {Clients: []string{"a"}, Life: time.Minute},
		"no longer than its authority": {Clients: []string{"a"}, Life: 20 * 365 * 24 * time.Hour},
		`client "../a"`:                {Clients: []string{"../a"}, Life: month},
		`client "server"`:              {Clients: []string{"server"}, Life: month},
		`client "a" is named twice`:    {Clients: []string{"a", "a"}, Life: month},
		"a server's name is empty":     {Server: []string{""}, Life: month},
	} {
		folder := filepath.Join(t.TempDir(), "new")
		if _, err := authority.Fill(folder, w, now); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
		if _, err := os.Stat(folder); err == nil {
			t.Errorf("%s: the folder is there", want)
		}
	}
}
