package identity

import (
	"crypto/x509"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// Names of identities stand in the books as actors, and in the log.
var namePattern = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9._-]{0,63}$`)

// longest is how long a name in a certificate or a subject of a token may be.
const longest = 255

// EveryTenant stands for all tenants in Entry.Tenants, those included that are yet to come.
const EveryTenant = "*"

// Entry is one service or person, and what proves that it calls.
type Entry struct {
	Name         string           // ^[A-Za-z][A-Za-z0-9._-]{0,63}$, and nobody else's in whichever case
	Certificates []string         // names in its client certificates; see the package's text
	Subjects     []string         // "sub" of its tokens
	House        Roles            // about what is no tenant's; never Caller
	Tenants      map[string]Roles // by tenant; EveryTenant stands for all
}

// Directory says whose a proved name is. The zero Directory knows nobody. It does not change.
type Directory struct {
	certificates, subjects map[string]Identity
}

// NewDirectory makes a directory, or says everything that is wrong with the entries, in the
// words of the configuration.
func NewDirectory(entries []Entry) (Directory, error) {
	d := Directory{certificates: map[string]Identity{}, subjects: map[string]Identity{}}
	var wrong []error
	say := func(format string, args ...any) { wrong = append(wrong, fmt.Errorf(format, args...)) }
	names := map[string]string{} // as they are written, by their lower case
	for i, e := range entries {
		key := fmt.Sprintf("identities[%d]", i)
		if !namePattern.MatchString(e.Name) {
			say("%s.name: %q is not a letter, then up to 63 letters, digits, dots, dashes or underscores", key, e.Name)
		}
		if other, ok := names[strings.ToLower(e.Name)]; ok { // Aida and aida would be two people to the books, and one to whoever reads them
			say("%s.name: %q appears twice (%q); give one entry all its certificates and subjects", key, e.Name, other)
		}
		names[strings.ToLower(e.Name)] = e.Name
		if len(e.Certificates)+len(e.Subjects) == 0 {
			say("%s: nothing proves that it calls: give it certificates or subjects", key)
		}
		e.sayRoles(key, say)
		who := Identity{Name: e.Name, House: e.House, Tenants: maps.Clone(e.Tenants)}
		claim(key+".certificates", e.Certificates, false, who, d.certificates, say)
		claim(key+".subjects", e.Subjects, true, who, d.subjects, say)
	}
	if err := errors.Join(wrong...); err != nil {
		return Directory{}, err
	}
	return d, nil
}

// sayRoles says what is wrong with the roles of an entry.
func (e Entry) sayRoles(key string, say func(string, ...any)) {
	all := e.House
	for _, tenant := range slices.Sorted(maps.Keys(e.Tenants)) {
		if e.Tenants[tenant] == 0 {
			say("%s.tenants.%s: no role is given", key, tenant)
		}
		all |= e.Tenants[tenant]
	}
	if e.House&Caller != 0 {
		say("%s.house: a caller takes the payments of a tenant: give the role under tenants", key)
	}
	if all == 0 {
		say("%s: it may do nothing: give it roles under house or under tenants; there are %q", key, words)
	}
	if all&^every != 0 {
		say("%s: there are no roles but %q", key, words)
	}
}

// claim gives proved names to an identity, each of which is nobody else's.
func claim(key string, names []string, token bool, who Identity, taken map[string]Identity, say func(string, ...any)) {
	for i, name := range names {
		if name == "" || len(name) > longest {
			say("%s[%d]: a name of 1 to %d bytes is needed", key, i, longest)
			continue
		}
		if other, ok := taken[name]; ok {
			say("%s[%d]: %q belongs to %q already", key, i, name, other.Name)
			continue
		}
		who.by = proof{name, token}
		taken[name] = who
	}
}

// Subject is whose tokens carry this subject, or ErrUnknown.
func (d Directory) Subject(subject string) (Identity, error) {
	who, ok := d.subjects[subject]
	if !ok {
		return Identity{}, ErrUnknown
	}
	return who, nil
}

// Certificate is whose a verified certificate is, or ErrUnknown.
func (d Directory) Certificate(c *x509.Certificate) (Identity, error) {
	var found Identity
	for _, name := range Names(c) {
		who, ok := d.certificates[name]
		switch {
		case !ok:
		case found.Name != "" && found.Name != who.Name:
			return Identity{}, ErrUnknown // two names, and no telling whose turn it is
		default:
			found = who
		}
	}
	if found.Name == "" {
		return Identity{}, ErrUnknown
	}
	return found, nil
}

// still is whose a name is that was proved before, or ErrUnknown.
func (d Directory) still(p proof) (Identity, error) {
	if p.token {
		return d.Subject(p.name)
	}
	who, ok := d.certificates[p.name]
	if !ok {
		return Identity{}, ErrUnknown
	}
	return who, nil
}

// Names are the names of a certificate by which a directory knows it: its URI and DNS subject
// alternative names or, when it has neither, its subject's common name.
func Names(c *x509.Certificate) []string {
	var names []string
	for _, uri := range c.URIs {
		names = append(names, uri.String())
	}
	names = append(names, c.DNSNames...)
	if len(names) == 0 && c.Subject.CommonName != "" {
		names = append(names, c.Subject.CommonName)
	}
	return names
}
