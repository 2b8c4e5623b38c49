package identity

import (
	"errors"
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

// String lists the roles of the set by name, in the order above, with commas.
func (r Roles) String() string {
	var names []string
	for i, name := range []string{"caller", "operator", "auditor", "admin"} {
		if r&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return strings.Join(names, ",")
}

// Identity is who calls, once a certificate or a token has proved it, and what it may do.
type Identity struct {
	Name    string           // one per service or person; stands in the books as the actor
	House   Roles            // about what is no tenant's: gateways, orders, findings, the audit
	Tenants map[string]Roles // about the payments of a tenant, by its name
}

// Whoever cannot be told apart is nobody. What was presented is never part of the text.
var (
	ErrNone    = errors.New("neither a client certificate nor a bearer token was presented")
	ErrUnknown = errors.New("the certificate or token is valid, and names nobody whom the configuration knows")
	ErrInvalid = errors.New("the bearer token is forged, expired, not yet valid, or meant for somebody else")
)
