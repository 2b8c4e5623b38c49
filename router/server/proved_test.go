package server

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"

	pb "github.com/payrouter/payrouter/proto/payrouter/v1"

	"github.com/payrouter/payrouter/router/identity"
	"github.com/payrouter/payrouter/router/identity/identitytest"
)

// turnedAway is somebody who must not get in, and what is said.
type turnedAway struct {
	ctx    context.Context
	reason pb.ErrorReason
	says   string // to the caller
	why    string // in the log, for those who are nobody
}

const noToken, noRight = pb.ErrorReason_ERROR_REASON_UNAUTHENTICATED, pb.ErrorReason_ERROR_REASON_PERMISSION_DENIED

// strangers are those whose token, names, tenant or role is wrong.
func (g *guarded) strangers() map[string]turnedAway {
	g.t.Helper()
	own, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	g.must(err)
	claims := func(change func(*jwt.Claims)) jwt.Claims {
		c := g.house.Claims("checkout@house")
		change(&c)
		return c
	}
	shared := make([]byte, 64)
	keyed := func(key any) jose.JSONWebKey { return jose.JSONWebKey{Key: key, KeyID: identitytest.KeyID} }
	part := base64.RawURLEncoding.EncodeToString
	_, body, _ := strings.Cut(g.house.Token("checkout@house"), ".")
	body, _, _ = strings.Cut(body, ".")
	unsigned := part([]byte(`{"alg":"none","kid":"`+identitytest.KeyID+`"}`)) + "." + body + "."
	bad := func(token, why string) turnedAway {
		return turnedAway{as(tokenKey, "Bearer "+token), noToken, identity.ErrInvalid.Error(), why}
	}
	return map[string]turnedAway{
		"no identity":     {context.Background(), noToken, identity.ErrNone.Error(), identity.ErrNone.Error()},
		"only words":      {as(tenantKey, "shop", callerKey, "checkout", operatorKey, "aida"), noToken, identity.ErrNone.Error(), identity.ErrNone.Error()},
		"an unknown name": {g.bearing("stranger"), noToken, identity.ErrUnknown.Error(), identity.ErrUnknown.Error()},
		"a forged token":  bad(g.house.Sign(jose.SigningKey{Algorithm: jose.ES256, Key: keyed(own)}, claims(func(*jwt.Claims) {})), "signature"),
		"an expired token": bad(g.house.TokenOf(claims(func(c *jwt.Claims) {
			c.IssuedAt, c.NotBefore, c.Expiry = nil, nil, jwt.NewNumericDate(time.Now().Add(-time.Minute))
		})), "expired"),
		"a token of tomorrow": bad(g.house.TokenOf(claims(func(c *jwt.Claims) {
			c.NotBefore = jwt.NewNumericDate(time.Now().Add(24 * time.Hour))
			c.Expiry = jwt.NewNumericDate(time.Now().Add(25 * time.Hour))
		})), "not valid yet"),
		"a token without an end": bad(g.house.TokenOf(claims(func(c *jwt.Claims) { c.Expiry = nil })), "no end"),
		"a token for others":     bad(g.house.TokenOf(claims(func(c *jwt.Claims) { c.Audience = jwt.Audience{"somebody-else"} })), "aud"),
		"a token of others":      bad(g.house.TokenOf(claims(func(c *jwt.Claims) { c.Issuer = "https://login.example.com" })), "iss"),
		"a token by HS256":       bad(g.house.Sign(jose.SigningKey{Algorithm: jose.HS256, Key: keyed(shared)}, claims(func(*jwt.Claims) {})), "algorithm"),
		"an unsigned token":      bad(unsigned, "algorithm"),
		"half a token":           bad(body, "no signed JWT"),
		"no scheme":              {as(tokenKey, g.house.Token("checkout@house")), noToken, "authorization is not the word Bearer and a token", "Bearer"},
		"a password":             {as(tokenKey, "Basic Y2hlY2tvdXQ6c2VjcmV0"), noToken, "authorization is not the word Bearer and a token", "Bearer"},
		"two tokens":             {g.bearing("checkout", tokenKey, "Bearer "+g.house.Token("billing@house")), noToken, "authorization is given more than once", "more than once"},
		"another caller's name":  {g.bearing("checkout", callerKey, "billing"), noToken, "payrouter-caller is not the name of whom the certificate or token is", "payrouter-caller"},
		"another person's name":  {g.bearing("checkout", operatorKey, "aida"), noToken, "payrouter-operator is not the name of whom the certificate or token is", "payrouter-operator"},
		"no choice of tenants":   {g.bearing("billing"), noToken, "payrouter-tenant is missing, and nothing else says whose payments it is about", "payrouter-tenant"},
		"a foreign tenant":       {g.bearing("checkout", tenantKey, "other"), noRight, "who calls has none of the roles that this needs", ""},
		"a tenant nobody has":    {g.bearing("checkout", tenantKey, "harbour"), noRight, "who calls has none of the roles that this needs", ""},
		"a person who would pay": {g.bearing("auditor"), noRight, "who calls has none of the roles that this needs", ""},
	}
}

// canaries are what is sent and must be in no answer and no log.
func canaries(ctx context.Context) []string {
	var sent []string
	said, _ := metadata.FromOutgoingContext(ctx)
	for _, value := range said.Get(tokenKey) {
		_, token, _ := strings.Cut(value, " ")
		for part := range strings.SplitSeq(token, ".") {
			if len(part) > 8 {
				sent = append(sent, part)
			}
		}
	}
	return append(sent, "harbour", "somebody-else", "login.example.com", "stranger@house")
}

// Whoever must not get in hears the documented reason before a single field of the request
// is looked at, leaves one line in the log, and nothing anywhere else.
func TestWhoeverIsNobodyOrHasNoRoleLeavesOneLineAndNothingElse(t *testing.T) {
	auditor := person("auditor", identity.Auditor, in("shop", identity.Auditor))
	behindGate(t, []identity.Entry{checkout, billing, auditor}, func(g *guarded) {
		conn, before := g.certified(""), g.everything()
		for name, c := range g.strangers() {
			for kind, call := range map[string]func() error{
				"good": func() error {
					_, err := pb.NewPaymentsClient(conn).CreatePayment(c.ctx, qr())
					return err
				},
				"malformed": func() error {
					_, err := pb.NewPaymentsClient(conn).CreatePayment(c.ctx, &pb.CreatePaymentRequest{OrderId: "4111111111111111"})
					return err
				},
				"stream": func() error {
					stream, err := pb.NewFinanceClient(conn).ImportStatement(c.ctx)
					g.must(err)
					_, err = stream.CloseAndRecv()
					return err
				},
			} {
				if kind == "stream" && name == "no choice of tenants" {
					continue // statements are no tenant's: it is denied for want of a role
				}
				since := len(g.log.String())
				err := call()
				info := g.refused(err, c.reason)
				if !strings.Contains(err.Error(), c.says) {
					t.Errorf("%s, %s: %v", name, kind, err)
				}
				if c.reason == noRight && (info.GetMetadata()["method"] == "" || info.GetMetadata()["tenant_roles"]+info.GetMetadata()["house_roles"] == "") {
					t.Errorf("%s, %s: metadata %v", name, kind, info.GetMetadata())
				}
				all := g.log.String()[since:]
				lines := g.lines("call", since)
				if len(lines) != 1 || strings.Count(all, "\n") != 1 {
					t.Fatalf("%s, %s leaves\n%s", name, kind, all)
				}
				line := lines[0]
				why, _ := line["why"].(string)
				if line["reason"] != info.GetReason() || c.reason == noToken && (line["peer"] != "bufconn" || !strings.Contains(why, c.why)) {
					t.Errorf("%s, %s leaves %v", name, kind, line)
				}
				for _, sent := range canaries(c.ctx) {
					if strings.Contains(all+err.Error()+info.String(), sent) {
						t.Errorf("%s, %s: what was sent comes back: %s: %v\n%s", name, kind, sent, err, all)
					}
				}
			}
		}
		if after := g.everything(); after != before {
			t.Errorf("the books changed:\n%s", after)
		}
		g.untouched()
	})
}

func TestWhetherAForeignTenantExistsIsNotTold(t *testing.T) {
	behindGate(t, []identity.Entry{checkout}, func(g *guarded) {
		payments := pb.NewPaymentsClient(g.certified("checkout"))
		var answers []string
		for _, tenant := range []string{"other", "nobody"} {
			_, err := payments.GetPayment(as(tenantKey, tenant), &pb.GetPaymentRequest{Name: paymentName(newID())})
			told := status.Convert(err) // the bytes of its details differ: their metadata is in no order
			answers = append(answers, fmt.Sprint(told.Code(), told.Message(), g.refused(err, noRight).GetMetadata()))
		}
		if answers[0] != answers[1] {
			t.Errorf("%s\n%s", answers[0], answers[1])
		}
	})
}

func TestTheRecordNamesWhoProvedIt(t *testing.T) {
	behindGate(t, []identity.Entry{checkout, billing, aida}, func(g *guarded) {
		for name, call := range map[string]struct {
			conn *grpc.ClientConn
			ctx  context.Context
		}{
			"by certificate":                 {g.certified("checkout"), as(callerKey, "checkout")},
			"by token":                       {g.certified(""), g.bearing("checkout", tenantKey, "shop")},
			"by token, whatever certificate": {g.certified("billing"), g.bearing("checkout")},
		} {
			p, err := pb.NewPaymentsClient(call.conn).CreatePayment(call.ctx, qr())
			g.must(err)
			story, err := pb.NewOperationsClient(g.certified("aida")).ExplainPayment(context.Background(), &pb.ExplainPaymentRequest{Name: p.GetName()})
			g.must(err)
			if actor := story.GetEvents()[0].GetActor(); actor != "caller:checkout" {
				t.Errorf("%s: opened by %s", name, actor)
			}
		}
		order, err := pb.NewOperationsClient(g.certified("aida")).CreateOverride(as(operatorKey, "aida"), &pb.CreateOverrideRequest{Parent: "gateways/kaspi-main", RequestId: newID(),
			Override: &pb.Override{Mode: pb.Override_MODE_DRAIN, Reason: "slow today"}})
		g.must(err)
		if order.GetActor() != "operator:aida" {
			t.Errorf("ordered by %s", order.GetActor())
		}
	})
}

// A word that puts money at risk wants two persons. A name that costs nothing would make two
// of one.
func TestNobodyIsTheirOwnSecondPersonUnderAnotherName(t *testing.T) {
	bolat := person("bolat", 0, in("shop", identity.Operator))
	behindGate(t, []identity.Entry{checkout, aida, bolat}, func(g *guarded) {
		g.payments = pb.NewPaymentsClient(g.certified("checkout"))
		p := g.doubtful()
		say := func(conn *grpc.ClientConn, ctx context.Context) (*pb.Payment, error) {
			g.t.Helper()
			now, err := g.payments.GetPayment(context.Background(), &pb.GetPaymentRequest{Name: p.GetName()})
			g.must(err)
			return pb.NewOperationsClient(conn).ResolveAttempt(ctx, &pb.ResolveAttemptRequest{Name: now.GetAttempts()[0].GetName(),
				Verdict: pb.ResolveAttemptRequest_VERDICT_NOT_CHARGED, Reason: "looked in the cabinet at noon", Etag: now.GetEtag()})
		}
		conn := g.certified("aida")
		_, err := say(conn, context.Background())
		g.refused(err, pb.ErrorReason_ERROR_REASON_SECOND_PERSON_NEEDED)
		_, err = say(conn, as(operatorKey, "bolat"))
		g.refused(err, pb.ErrorReason_ERROR_REASON_UNAUTHENTICATED)
		_, err = say(conn, context.Background())
		g.refused(err, pb.ErrorReason_ERROR_REASON_SECOND_PERSON_NEEDED)
		after, err := say(g.certified("bolat"), context.Background())
		g.must(err)
		if after.GetAttempts()[0].GetExposed() {
			t.Errorf("two persons said it: %v", after.GetAttempts()[0])
		}
	})
}

func TestAnIdentityThatEndsOrIsTakenAwayIsNobodyOnOpenConnectionsToo(t *testing.T) {
	behindGate(t, []identity.Entry{checkout, aida}, func(g *guarded) {
		list := func(conn *grpc.ClientConn) error {
			_, err := pb.NewPaymentsClient(conn).ListPayments(context.Background(), &pb.ListPaymentsRequest{})
			return err
		}
		ends, taken := g.certified("checkout"), g.certified("aida")
		g.must(list(ends))
		g.must(list(taken))
		directory, err := identity.NewDirectory([]identity.Entry{checkout})
		g.must(err)
		g.gate.SetDirectory(directory)
		g.refused(list(taken), pb.ErrorReason_ERROR_REASON_UNAUTHENTICATED)
		g.must(list(ends))
		time.Sleep(61 * time.Minute)
		g.refused(list(ends), pb.ErrorReason_ERROR_REASON_UNAUTHENTICATED)
	}, func(_ *identity.Options, o *Options) { o.WatchFor = 3 * time.Hour })
}

// A token in plain text is anybody's who listens: without TLS it is taken from this machine only.
func TestATokenInPlainTextIsTakenFromThisMachineOnly(t *testing.T) {
	behindGate(t, []identity.Entry{checkout}, func(g *guarded) {
		for from, good := range map[string]bool{"127.0.0.1:50000": true, "[::1]:50000": true, "10.0.0.5:50000": false, "[2001:db8::1]:50000": false} {
			ctx := peer.NewContext(metadata.NewIncomingContext(context.Background(), metadata.Pairs(tokenKey, "Bearer "+g.house.Token("checkout@house"))),
				&peer.Peer{Addr: net.TCPAddrFromAddrPort(netip.MustParseAddrPort(from))})
			_, err := g.server.identify(ctx, pb.Payments_GetPayment_FullMethodName, nil)
			if !good {
				g.refused(err, pb.ErrorReason_ERROR_REASON_UNAUTHENTICATED)
			} else if err != nil {
				t.Errorf("%s: %v", from, err)
			}
		}
	})
}
