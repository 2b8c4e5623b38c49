package authority

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"time"
)

// lasts is how long an authority does: its clients would all have to learn of the next one.
const lasts = 5 * 365 * 24 * time.Hour

// Names of clients become names of files.
var clientPattern = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9._-]{0,63}$`)

// reserved are the names of files that are no client's.
var reserved = []string{"ca", "server"}

// Wanted is what a folder should hold.
type Wanted struct {
	Server  []string      // names and addresses of the service; none: no server's certificate
	Clients []string      // a certificate for each
	Life    time.Duration // of each certificate
	// Authority is the authority's own folder, away from those who get what it issues. Default:
	// the same one. Its certificate is in both.
	Authority string
	// Once leaves a certificate alone that is good for these names and has more than a third
	// of Life before it.
	Once bool
}

func (w Wanted) validate() error {
	var wrong []error
	if len(w.Server)+len(w.Clients) == 0 {
		wrong = append(wrong, errors.New("no certificate is asked for: name servers, clients, or both"))
	}
	if w.Life < time.Hour || w.Life > lasts {
		wrong = append(wrong, fmt.Errorf("a certificate lasts an hour or more, and no longer than its authority, which lasts %d days", int(lasts/(24*time.Hour))))
	}
	for _, name := range w.Server {
		if name == "" {
			wrong = append(wrong, errors.New("a server's name is empty"))
		}
	}
	for i, name := range w.Clients {
		if !clientPattern.MatchString(name) || slices.Contains(reserved, name) {
			wrong = append(wrong, fmt.Errorf("client %q: a letter, then up to 63 letters, digits, dots, dashes or underscores, and not one of %q", name, reserved))
		}
		if slices.Contains(w.Clients[:i], name) {
			wrong = append(wrong, fmt.Errorf("client %q is named twice", name))
		}
	}
	return errors.Join(wrong...)
}

// Fill makes the authority of a folder, if there is none, and the certificates that are wanted. It
// returns the names of the certificates that it made.
func Fill(folder string, w Wanted, now time.Time) (made []string, err error) {
	if err := w.validate(); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, err
	}
	a, fresh, err := authorityOf(cmp.Or(w.Authority, folder), now)
	if err != nil {
		return nil, err
	}
	if fresh {
		made = append(made, "ca")
	}
	if w.Authority != "" {
		pair, err := a.Pair()
		if err == nil {
			err = write(filepath.Join(folder, "ca.crt"), pair.Certificate, 0o644)
		}
		if err != nil {
			return made, err
		}
	}
	issue := func(name string, names []string, use x509.ExtKeyUsage, make func() (Pair, error)) error {
		certFile, keyFile := files(folder, name)
		if w.Once && a.good(certFile, keyFile, names, use, now.Add(w.Life/3)) {
			return nil
		}
		pair, err := make()
		if err == nil {
			err = pair.Write(certFile, keyFile)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		made = append(made, name)
		return nil
	}
	if len(w.Server) > 0 {
		err := issue("server", w.Server, x509.ExtKeyUsageServerAuth, func() (Pair, error) { return a.Server(w.Server, now, w.Life) })
		if err != nil {
			return made, err
		}
	}
	for _, name := range w.Clients {
		err := issue(name, []string{name}, x509.ExtKeyUsageClientAuth, func() (Pair, error) { return a.Client(name, now, w.Life) })
		if err != nil {
			return made, err
		}
	}
	return made, nil
}

func files(folder, name string) (certFile, keyFile string) {
	return filepath.Join(folder, name+".crt"), filepath.Join(folder, name+".key")
}

// authorityOf reads the folder's authority, or makes it. Half of one is no reason to make another:
// what the first one issued would be believed no more.
func authorityOf(folder string, now time.Time) (a *Authority, fresh bool, err error) {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, false, err
	}
	certFile, keyFile := files(folder, "ca")
	for _, name := range []string{certFile, keyFile} {
		if _, err := os.Stat(name); err == nil {
			a, err = Open(certFile, keyFile)
			return a, false, err
		} else if !errors.Is(err, fs.ErrNotExist) {
			return nil, false, err
		}
	}
	if a, err = New("payrouter "+now.UTC().Format(time.DateOnly), now, lasts); err != nil {
		return nil, false, err
	}
	pair, err := a.Pair()
	if err == nil {
		err = pair.Write(certFile, keyFile)
	}
	return a, true, err
}

// good reports whether a certificate is there that this authority issued for exactly these names
// and this use, and that lasts until then.
func (a *Authority) good(certFile, keyFile string, names []string, use x509.ExtKeyUsage, until time.Time) bool {
	pair, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		return false
	}
	roots := x509.NewCertPool()
	roots.AddCert(a.Certificate)
	if _, err := pair.Leaf.Verify(x509.VerifyOptions{Roots: roots, CurrentTime: until, KeyUsages: []x509.ExtKeyUsage{use}}); err != nil {
		return false
	}
	var has []string
	has = append(has, pair.Leaf.DNSNames...)
	for _, ip := range pair.Leaf.IPAddresses {
		has = append(has, ip.String())
	}
	dns, addresses := split(names)
	for _, ip := range addresses {
		dns = append(dns, ip.String())
	}
	return slices.Equal(slices.Sorted(slices.Values(has)), slices.Sorted(slices.Values(dns)))
}

// write writes a file that is there whole or not at all.
func write(name string, content []byte, mode fs.FileMode) (err error) {
	file, err := os.CreateTemp(filepath.Dir(name), ".certificate-*") // its owner's alone until it is whole
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(file.Name())
		}
	}()
	_, err = file.Write(content)
	if err := errors.Join(err, file.Chmod(mode), file.Sync(), file.Close()); err != nil {
		return err
	}
	return os.Rename(file.Name(), name)
}
