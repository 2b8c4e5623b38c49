package server

import (
	"context"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	pb "github.com/payrouter/payrouter/proto/payrouter/v1"

	"github.com/payrouter/payrouter/router/identity"
)

// asDocumented is what docs/identity.md says that a call needs, by method; an order that is
// only tried has a name of its own.
func asDocumented(t *testing.T) map[string]map[string]string {
	t.Helper()
	text, err := os.ReadFile("../../docs/identity.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, found := strings.Cut(string(text), "\n## Rights\n")
	if !found {
		section, found = strings.CutPrefix(string(text), "## Rights\n")
	}
	if !found {
		t.Fatal("docs/identity.md has no section Rights")
	}
	section, _, _ = strings.Cut(section, "\n## ")
	table := map[string]map[string]string{}
	for _, row := range regexp.MustCompile(`(?m)^\| (\w+): (.+?) \|(.*?)\|(.*?)\|$`).FindAllStringSubmatch(section, -1) {
		needs := map[string]string{}
		for key, cell := range map[string]string{"tenant_roles": row[3], "house_roles": row[4]} {
			if roles := strings.ReplaceAll(strings.TrimSpace(cell), " ", ""); roles != "" {
				needs[key] = roles
			}
		}
		suffix := ""
		for _, name := range regexp.MustCompile("`(\\w+)`").FindAllStringSubmatch(row[2], -1) {
			if name[1] == "validate_only" {
				suffix = " " + name[1]
			}
		}
		for _, name := range regexp.MustCompile("`([A-Z]\\w+)`").FindAllStringSubmatch(row[2], -1) {
			table["/payrouter.v1."+row[1]+"/"+name[1]+suffix] = needs
		}
	}
	return table
}

// try is a call with a request of no content, which whoever may make it is told.
type try struct {
	name    string // of the table
	method  protoreflect.MethodDescriptor
	request proto.Message
	open    bool
}

// tries are one for every method that is served, and one for the forecast.
func (d *door) tries() []try {
	d.t.Helper()
	var all []try
	for service, info := range d.server.GRPC().GetServiceInfo() {
		found, err := protoregistry.GlobalFiles.FindDescriptorByName(protoreflect.FullName(service))
		d.must(err)
		for _, m := range info.Methods {
			method := found.(protoreflect.ServiceDescriptor).Methods().ByName(protoreflect.Name(m.Name))
			request, err := newMessage(method.Input())
			d.must(err)
			all = append(all, try{fullName(method), method, request, !strings.HasPrefix(service, "payrouter.")})
			if order, ok := request.(*pb.CreateOverrideRequest); ok {
				order = proto.CloneOf(order)
				order.ValidateOnly = true
				all = append(all, try{fullName(method) + " validate_only", method, order, false})
			}
		}
	}
	return all
}

// Whoever calls whatever with whichever role gets what the page says, and nothing else.
func TestEveryCallNeedsTheRolesThatThePageSays(t *testing.T) {
	words := map[string]identity.Roles{"caller": identity.Caller, "operator": identity.Operator, "auditor": identity.Auditor, "admin": identity.Admin}
	places := map[string]struct {
		house, tenant bool
		entry         func(name string, role identity.Roles) identity.Entry
		asks          string // the tenant that is named
	}{
		"tenant":  {false, true, func(n string, r identity.Roles) identity.Entry { return person(n, 0, in("shop", r)) }, ""},
		"named":   {false, true, func(n string, r identity.Roles) identity.Entry { return person(n, 0, in("shop", r)) }, "shop"},
		"every":   {false, true, func(n string, r identity.Roles) identity.Entry { return person(n, 0, in(identity.EveryTenant, r)) }, "shop"},
		"wrong":   {false, false, func(n string, r identity.Roles) identity.Entry { return person(n, r&^identity.Caller, in("other", r)) }, "shop"},
		"unknown": {false, false, func(n string, r identity.Roles) identity.Entry { return person(n, r&^identity.Caller, in("shop", r)) }, "nobody"},
		"house":   {true, false, func(n string, r identity.Roles) identity.Entry { return person(n, r&^identity.Caller, nil) }, ""},
		"both":    {true, true, func(n string, r identity.Roles) identity.Entry { return person(n, r&^identity.Caller, in("shop", r)) }, ""},
	}
	var entries []identity.Entry
	for place, p := range places {
		for word, role := range words {
			if place != "house" || role != identity.Caller { // no caller is the house's: no directory takes one
				entries = append(entries, p.entry(place+"-"+word, role))
			}
		}
	}
	documented := asDocumented(t)
	behindGate(t, entries, func(g *guarded) {
		conn, before, calls := g.certified(""), g.everything(), 0
		tries := g.tries()
		for place, p := range places {
			for word, role := range words {
				if place == "house" && role == identity.Caller {
					continue
				}
				ctx := g.bearing(place + "-" + word)
				if p.asks != "" {
					ctx = g.bearing(place+"-"+word, tenantKey, p.asks)
				}
				for _, c := range tries {
					needs := documented[c.name]
					holds := func(key string, here bool) bool {
						return needs[key] == "" || here && slices.Contains(strings.Split(needs[key], ","), word)
					}
					named := p.asks == "" || p.tenant // a tenant that is not one's own is never named in vain
					may := c.open || len(needs) > 0 && named && holds("tenant_roles", p.tenant) && holds("house_roles", p.house)
					err := invoke(ctx, conn, c.method, c.request)
					if !c.open {
						calls++
					}
					g.judge(place+"-"+word, c, err, may, needs)
				}
			}
		}
		for _, c := range tries { // and whoever is nobody
			err := invoke(context.Background(), conn, c.method, c.request)
			if code := status.Code(err); (code == codes.Unauthenticated) == c.open {
				t.Errorf("%s without an identity: %v", c.name, err)
			}
			if !c.open {
				calls++
			}
		}
		if n := len(g.lines("call", 0)); n != calls {
			t.Errorf("%d lines tell of %d calls", n, calls)
		}
		if after := g.everything(); after != before {
			t.Errorf("the books changed:\n%s", after)
		}
		g.untouched()
		for name := range documented {
			if !slices.ContainsFunc(tries, func(c try) bool { return c.name == name }) {
				t.Errorf("the page tells of %s, which is not served", name)
			}
		}
	}, func(_ *identity.Options, o *Options) { o.CallsPerSecond = 1e6 })
}

// judge holds one answer against what the page says of the call.
func (d *door) judge(who string, c try, err error, may bool, needs map[string]string) {
	d.t.Helper()
	st := status.Convert(err)
	if may {
		if code := st.Code(); code == codes.PermissionDenied || code == codes.Unauthenticated || code == codes.Internal {
			d.t.Errorf("%s may call %s: %v", who, c.name, err)
		}
		return
	}
	if st.Code() != codes.PermissionDenied {
		d.t.Errorf("%s may not call %s: %v", who, c.name, err)
		return
	}
	told := maps.Clone(needs)
	if told == nil {
		told = map[string]string{}
	}
	told["method"] = fullName(c.method)
	if info := st.Details()[0].(*errdetails.ErrorInfo); !maps.Equal(info.GetMetadata(), told) {
		d.t.Errorf("%s is told %v of %s, want %v", who, info.GetMetadata(), c.name, told)
	}
}

func TestAMethodThatIsMissingInTheTableIsRefusedToEverybody(t *testing.T) {
	behind(t, func(d *door) {
		const forgotten = "/payrouter.v1.Payments/Forgotten"
		_, err := d.server.identify(context.Background(), forgotten, nil)
		d.refused(err, pb.ErrorReason_ERROR_REASON_PERMISSION_DENIED)
		served := map[string]bool{}
		for _, c := range d.tries() {
			served[fullName(c.method)] = true
		}
		for name, needed := range rights {
			if !served[name] {
				t.Errorf("%s has rights and is not served", name)
			}
			if needed == (right{}) {
				t.Errorf("%s is refused to everybody", name)
			}
		}
	})
}
