package server

import (
	"cmp"
	"context"
	"crypto/x509"
	"errors"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"time"

	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"

	"github.com/payrouter/payrouter/router/identity"
)

// What callers say of themselves. With a Gate the tenant is a choice among one's own, and
// the names must be those that are proved; without one they are believed.
const (
	tenantKey   = "payrouter-tenant"   // whose money it is; a configured default may stand in
	callerKey   = "payrouter-caller"   // the calling service, for the record
	operatorKey = "payrouter-operator" // the person on call, for acts that need one
	tokenKey    = "authorization"      // Bearer, and a token
)

// unnamedCaller is the record's word for a service that does not say who it is.
const unnamedCaller = "unnamed"

// actor is who calls: whose money it is about, and the names and the right for the record.
type actor struct {
	tenant, caller, operator string

	proved identity.Identity // with a Gate
	roles  identity.Roles    // by which the call is let in, where they were proved
}

// asCaller and asOperator are the actor as events record it.
func (a actor) asCaller() string   { return "caller:" + a.caller }
func (a actor) asOperator() string { return "operator:" + a.operator }

// Names of people and services become actors in the books and fields of logs.
var actorPattern = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9._-]{0,63}$`)

// identify says who calls, and refuses a call to whoever has no right to it. Of a request,
// which may be nil or malformed, it asks only whether an order is tried or meant. What it
// says of one who is refused is for the log.
func (s *Server) identify(ctx context.Context, method string, request any) (actor, error) {
	needed := rightOf(method, request)
	if needed.open {
		return actor{}, nil
	}
	said, err := saidBy(ctx)
	if err != nil {
		return actor{}, err
	}
	var proved identity.Identity
	var who actor
	if s.options.Gate == nil {
		proved, who, err = s.believe(said)
	} else {
		proved, who, err = s.prove(ctx, method, needed, said)
	}
	switch {
	case err != nil:
		return who, err
	case needed.granted(proved, who.tenant):
		if s.options.Gate != nil {
			who.roles = needed.by(proved, who.tenant)
		}
		return who, nil
	case who.tenant == "" && needed.somewhere(proved):
		return who, unauthenticated(tenantKey + " is missing, and nothing else says whose payments it is about")
	}
	return who, permissionDenied(method, needed)
}

// saidBy reads what callers say of themselves, each key once. An empty word is none.
func saidBy(ctx context.Context) (actor, error) {
	var said actor
	for key, word := range map[string]*string{tenantKey: &said.tenant, callerKey: &said.caller, operatorKey: &said.operator} {
		switch values := metadata.ValueFromIncomingContext(ctx, key); len(values) {
		case 0:
		case 1:
			*word = values[0]
		default:
			return actor{}, unauthenticated(key + " is given more than once")
		}
	}
	return said, nil
}

// believe takes callers by their word. Whoever names a person, or has one named by default,
// may what people may.
func (s *Server) believe(said actor) (identity.Identity, actor, error) {
	who := actor{tenant: cmp.Or(said.tenant, s.options.DefaultTenant), caller: cmp.Or(said.caller, unnamedCaller), operator: cmp.Or(said.operator, s.options.DefaultOperator)}
	// The tenant's name is looked up rather than matched, so that it is never echoed.
	if _, known := s.router.Tenants[who.tenant]; !known && who.tenant != "" {
		return identity.Identity{}, actor{}, unauthenticated(tenantKey + " names no tenant")
	}
	for key, name := range map[string]string{callerKey: who.caller, operatorKey: who.operator} {
		if name != "" && !actorPattern.MatchString(name) {
			return identity.Identity{}, actor{}, unauthenticated(key + " is not a name: a letter, then up to 63 letters, digits, dots, dashes or underscores")
		}
	}
	var people identity.Roles
	if who.operator != "" {
		people = identity.Operator | identity.Auditor | identity.Admin
	}
	return identity.Identity{Name: who.caller, House: people, Tenants: map[string]identity.Roles{who.tenant: identity.Caller | people}}, who, nil
}

// prove takes callers by their certificate or token. Whether a tenant that is none of
// theirs exists is not told.
func (s *Server) prove(ctx context.Context, method string, needed right, said actor) (identity.Identity, actor, error) {
	cert, token, err := presented(ctx)
	if err != nil {
		return identity.Identity{}, actor{}, err
	}
	proved, err := s.options.Gate.Identify(cert, token, time.Now())
	if err != nil {
		return identity.Identity{}, actor{}, unproved(err)
	}
	who := actor{caller: proved.Name, operator: proved.Name, proved: proved}
	for key, name := range map[string]string{callerKey: said.caller, operatorKey: said.operator} {
		if name != "" && name != proved.Name {
			return proved, who, unauthenticated(key + " is not the name of whom the certificate or token is")
		}
	}
	if _, known := s.router.Tenants[said.tenant]; known {
		who.tenant = said.tenant
	}
	switch own := s.tenantsOf(proved); {
	case said.tenant == "" && len(own) == 1:
		who.tenant = own[0]
	case said.tenant != "" && !slices.Contains(own, said.tenant):
		return proved, who, permissionDenied(method, needed)
	}
	return proved, who, nil
}

// still refuses to go on with a stream whose caller is nobody by now, or has lost the role.
func (s *Server) still(ctx context.Context, method string) error {
	needed := rights[method]
	if s.options.Gate == nil || needed.open {
		return nil
	}
	who := identityOf(ctx)
	switch now, err := s.options.Gate.Still(who.proved); {
	case err != nil:
		return unproved(err)
	case now.Name != who.caller || !needed.granted(now, who.tenant):
		return permissionDenied(method, needed)
	}
	return nil
}

// tenantsOf are those of our tenants about which an identity has any role.
func (s *Server) tenantsOf(who identity.Identity) []string {
	var own []string
	for name := range s.router.Tenants {
		if rolesAbout(who, name) != 0 {
			own = append(own, name)
		}
	}
	return own
}

// rolesAbout are an identity's roles about a tenant, those included that it has about every one.
func rolesAbout(who identity.Identity, tenant string) identity.Roles {
	return who.Tenants[tenant] | who.Tenants[identity.EveryTenant]
}

// presented is what a caller shows of itself: the certificate of its connection, once TLS has
// verified it, and the token of the call.
func presented(ctx context.Context) (*x509.Certificate, string, error) {
	var cert *x509.Certificate
	from, _ := peer.FromContext(ctx)
	secured, isTLS := credentials.TLSInfo{}, false
	if from != nil {
		secured, isTLS = from.AuthInfo.(credentials.TLSInfo)
	}
	if chains := secured.State.VerifiedChains; len(chains) > 0 && len(chains[0]) > 0 {
		cert = chains[0][0]
	}
	values := metadata.ValueFromIncomingContext(ctx, tokenKey)
	if len(values) == 0 {
		return cert, "", nil
	}
	scheme, token, _ := strings.Cut(values[0], " ")
	switch {
	case len(values) > 1:
		return nil, "", unauthenticated(tokenKey + " is given more than once")
	case !strings.EqualFold(scheme, "Bearer") || token == "":
		return nil, "", unauthenticated(tokenKey + " is not the word Bearer and a token")
	case !isTLS && !local(from):
		return nil, "", unauthenticated("a bearer token came from another machine in plain text: whoever listened has it too")
	}
	return cert, token, nil
}

// local reports that a connection does not leave the machine. What has no IP address is a
// socket of the machine's own.
func local(from *peer.Peer) bool {
	if from == nil || from.Addr == nil {
		return false
	}
	at, err := netip.ParseAddrPort(from.Addr.String())
	return err != nil || at.Addr().Unmap().IsLoopback()
}

// hostOf is the machine that a call comes from, or the network of an IPv6 address, in which a
// machine has as many as it likes. It is no name that an identity could have, unless there is
// no IP address.
func hostOf(ctx context.Context) string {
	at, err := netip.ParseAddrPort(peerOf(ctx))
	if err != nil {
		return peerOf(ctx)
	}
	host := at.Addr().Unmap().WithZone("")
	if host.Is6() {
		network, _ := host.Prefix(64) // of an IPv6 address there is one
		return network.String()
	}
	return host.String()
}

// peerOf is where a call comes from, for the log.
func peerOf(ctx context.Context) string {
	if from, ok := peer.FromContext(ctx); ok && from.Addr != nil {
		return from.Addr.String()
	}
	return "unknown"
}

// unproved says why nobody was recognised, in the words that package identity has for it.
// More than those words goes to the log alone.
func unproved(err error) *fault {
	words := "who calls could not be proved"
	for _, known := range []error{identity.ErrNone, identity.ErrUnknown, identity.ErrInvalid} {
		if errors.Is(err, known) {
			words = known.Error()
			break
		}
	}
	f := unauthenticated(words)
	f.cause = err
	return f
}
