package server

import (
	"context"
	"crypto/tls"
	"database/sql"
	"encoding/json"
	"fmt"
	"net"
	"strings"
	"testing"
	"testing/synctest"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"

	"github.com/payrouter/payrouter/router"
	"github.com/payrouter/payrouter/router/identity"
	"github.com/payrouter/payrouter/router/identity/identitytest"
)

// guarded is a door behind a gate: TLS over the in-memory connection, and an authority and an
// issuer of tokens beside it.
type guarded struct {
	*door
	house *identitytest.House
	gate  *identity.Gate
}

// behindGate opens a door at which these may call, by client certificate or by token.
func behindGate(t *testing.T, entries []identity.Entry, test func(g *guarded), changes ...func(*identity.Options, *Options)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		g := &guarded{house: identitytest.New(t)}
		g.door = open(t, func(o *Options, _ *router.Options) {
			proofs := g.house.Options(entries...)
			o.DefaultTenant = ""
			for _, change := range changes {
				change(&proofs, o)
			}
			g.gate = g.house.Gate(proofs)
			o.Gate = g.gate
		})
		test(g)
	})
}

// Who may call in most tests. Each is known by its name in certificates and in tokens.
var (
	checkout = person("checkout", 0, in("shop", identity.Caller))
	billing  = person("billing", 0, map[string]identity.Roles{"shop": identity.Caller, "other": identity.Caller})
	aida     = person("aida", identity.Operator, in("shop", identity.Operator))
)

func in(tenant string, r identity.Roles) map[string]identity.Roles {
	return map[string]identity.Roles{tenant: r}
}

func person(name string, house identity.Roles, tenants map[string]identity.Roles) identity.Entry {
	return identity.Entry{Name: name, Certificates: []string{name + ".house"}, Subjects: []string{name + "@house"}, House: house, Tenants: tenants}
}

// dial connects with a TLS configuration of the client's.
func (g *guarded) dial(config *tls.Config) *grpc.ClientConn {
	g.t.Helper()
	conn, err := grpc.NewClient("passthrough:///payrouter", grpc.WithTransportCredentials(credentials.NewTLS(config)), grpc.WithIdleTimeout(0),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return g.listener.DialContext(ctx) }))
	g.must(err)
	g.t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// certified connects with the certificate of one who may call, or of nobody.
func (g *guarded) certified(name string) *grpc.ClientConn {
	g.t.Helper()
	if name != "" {
		name += ".house"
	}
	return g.dial(g.house.ClientTLS(name))
}

// bearing is a call with somebody's token.
func (g *guarded) bearing(name string, pairs ...string) context.Context {
	g.t.Helper()
	return as(append([]string{tokenKey, "Bearer " + g.house.Token(name+"@house")}, pairs...)...)
}

// lines are the log's lines with a message, since the log was that long.
func (d *door) lines(message string, since int) []map[string]any {
	d.t.Helper()
	var found []map[string]any
	for line := range strings.Lines(d.log.String()[since:]) {
		var fields map[string]any
		d.must(json.Unmarshal([]byte(line), &fields))
		if fields["msg"] == message {
			found = append(found, fields)
		}
	}
	return found
}

// everything is what the books hold, but for whose turn it is.
func (d *door) everything() string {
	d.t.Helper()
	db, err := sql.Open("sqlite", "file:"+d.books+"?mode=ro&_pragma=busy_timeout(5000)")
	d.must(err)
	defer db.Close()
	var all strings.Builder
	for _, table := range column(d, db, "SELECT name FROM sqlite_master WHERE type = 'table' AND name <> 'leases' ORDER BY name") {
		names := column(d, db, "SELECT name FROM pragma_table_info('"+table+"')")
		for _, row := range column(d, db, "SELECT quote("+strings.Join(names, ")||quote(")+") FROM "+table) {
			fmt.Fprintln(&all, table, row)
		}
	}
	return all.String()
}

func column(d *door, db *sql.DB, query string) []string {
	d.t.Helper()
	rows, err := db.Query(query)
	d.must(err)
	defer rows.Close()
	var found []string
	for rows.Next() {
		var value string
		d.must(rows.Scan(&value))
		found = append(found, value)
	}
	d.must(rows.Err())
	return found
}
