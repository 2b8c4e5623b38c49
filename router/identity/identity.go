package identity

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Roles is a set of roles: what one may do.
type Roles uint8

// The roles.
const (
	Caller   Roles = 1 << iota // a service that takes payments
	Operator                   // a person on call: steers traffic, resolves, refunds
	Auditor                    // reads everything, changes nothing
	Admin                      // what an operator and an auditor may, and what changes the books' frame
)

// words are the names of the roles, in the order above.
var words = []string{"caller", "operator", "auditor", "admin"}

// every is the set of all roles there are.
const every = Caller | Operator | Auditor | Admin

// String lists the roles of the set by name, in the order above, with commas.
func (r Roles) String() string {
	var names []string
	for i, name := range words {
		if r&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return strings.Join(names, ",")
}

// ParseRoles is the set of the roles with these names. It refuses a word that names none.
func ParseRoles(names []string) (Roles, error) {
	var all Roles
	var wrong []error
	for _, name := range names {
		i := slices.Index(words, name)
		if i < 0 {
			wrong = append(wrong, fmt.Errorf("%q is no role; there are %q", name, words))
			continue
		}
		all |= 1 << i
	}
	return all, errors.Join(wrong...)
}

// Identity is who calls, once a certificate or a token has proved it, and what it may do.
type Identity struct {
	Name    string           // one per service or person; stands in the books as the actor
	House   Roles            // about what is no tenant's: gateways, orders, findings, the audit; never Caller
	Tenants map[string]Roles // about the payments of a tenant, by its name

	by proof
}

// proof is a name that was proved.
type proof struct {
	name  string
	token bool // the subject of a token; else a name in a certificate
}

// Whoever cannot be told apart is nobody. What was presented is never part of the text.
var (
	ErrNone    = errors.New("neither a client certificate nor a bearer token was presented")
	ErrUnknown = errors.New("the certificate or token is valid, and names nobody whom the configuration knows")
	ErrInvalid = errors.New("what was presented is forged, expired, not yet valid, or meant for somebody else")
)
