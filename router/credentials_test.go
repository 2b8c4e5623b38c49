package router_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/providers/sim"
	"github.com/payrouter/payrouter/providers/wayforpay"
	"github.com/payrouter/payrouter/router"
	"github.com/payrouter/payrouter/router/payment"
)

// marked is WayForPay's adapter under a mark, which the calls it made are noted with.
type marked struct {
	*wayforpay.Gateway
	mark  string
	calls *[]string
}

func (m marked) note(call string) { *m.calls = append(*m.calls, m.mark+" "+call) }

func (m marked) Charge(ctx context.Context, c providers.Charge) providers.Result {
	m.note("charge")
	return m.Gateway.Charge(ctx, c)
}

func (m marked) Lookup(ctx context.Context, ref providers.Ref) providers.Result {
	m.note("look-up")
	return m.Gateway.Lookup(ctx, ref)
}

func (m marked) Refund(ctx context.Context, r providers.Refund) providers.Result {
	m.note("refund")
	return m.Gateway.Refund(ctx, r)
}

// rotated is a house whose WayForPay is about to get new credentials.
type rotated struct {
	*house
	calls    []string
	gateways []router.Gateway // as they were
	old      marked
}

func rotating(t *testing.T) *rotated {
	r := &rotated{}
	r.house = build(t, func(s *setup) {
		s.claims = func(name string, p providers.Provider) providers.Provider {
			if w, ok := p.(*wayforpay.Gateway); ok {
				r.old = marked{w, "old", &r.calls}
				return r.old
			}
			return p
		}
	})
	r.gateways = r.router.All()
	return r
}

// with are the gateways with other credentials for WayForPay.
func (r *rotated) with(now router.Credentials, retiring ...router.Credentials) []router.Gateway {
	all := slices.Clone(r.gateways)
	i := slices.IndexFunc(all, func(g router.Gateway) bool { return g.Name == wayforpayMain })
	all[i].Credentials, all[i].Retiring = now, retiring
	return all
}

func (r *rotated) renewed() marked { return marked{r.old.Gateway, "new", &r.calls} }

func TestAnAttemptKeepsTheCredentialsItBeganWith(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := rotating(t)
		first := r.create(at(byCard(wayforpayMain), wayforpayMain), patience)
		r.must(r.router.Rotate(r.with(router.Credentials{Version: "2027", Provider: r.renewed()}, router.Credentials{Provider: r.old})))
		second := r.create(at(byCard(wayforpayMain), wayforpayMain), patience)
		if a, b := first.Attempts[0].Credentials, second.Attempts[0].Credentials; a != "" || b != "2027" {
			t.Fatalf("attempts began with %q and %q", a, b)
		}
		r.calls = nil
		for _, p := range []payment.Payment{first, second} {
			_, _, err := r.router.Refund(t.Context(), command(p), p.Amount, "")
			r.must(err)
			synctest.Wait()
			r.want(p, payment.StatusPaid, 0)
		}
		if !slices.Contains(r.calls, "old refund") || !slices.Contains(r.calls, "new refund") {
			t.Errorf("calls: %q", r.calls)
		}
	})
}

func TestCredentialsThatAreGoneAreReplacedByThoseInForce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := rotating(t)
		r.fault(sim.Fault{Face: "wayforpay", Op: sim.OpCharge, Kind: sim.FaultActHang, Times: 1})
		_, err := r.bank.AddNotice(sim.NoticeRule{Face: "wayforpay", Mode: sim.NoticeLost})
		r.must(err)
		time.AfterFunc(time.Second, func() { // while the charge is under way
			r.must(r.router.Rotate(r.with(router.Credentials{Version: "2027", Provider: r.renewed()})))
		})
		p := r.create(at(byCard(wayforpayMain), wayforpayMain), patience)
		r.want(p, payment.StatusPaid, p.Amount.Minor)
		if want := []string{"old charge", "new look-up"}; !slices.Equal(r.calls, want) {
			t.Errorf("calls: %q, want %q\n%s", r.calls, want, r.story(p))
		}
	})
}

// signing believes notices of one signature only, and signs its answers.
type signing struct {
	marked
	key string
}

func (s signing) Hear(n providers.Notice) providers.Heard {
	if strings.Join(n.Header["Signature"], "") != s.key {
		return providers.Heard{Forged: true, Err: errors.New("another signature")}
	}
	return providers.Heard{Kind: providers.Hint, Ref: providers.Ref{Order: "nobody's"}}
}

func (s signing) Answer(providers.Heard, providers.Ruling) providers.Reply {
	return providers.Reply{Status: http.StatusOK, Body: []byte("signed with " + s.key)}
}

func TestANoticeIsBelievedAndAnsweredWithAnyCredentialsThatAreValid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := rotating(t)
		old, renewed := signing{r.old, "old key"}, signing{r.renewed(), "new key"}
		r.must(r.router.Rotate(r.with(router.Credentials{Version: "2027", Provider: renewed}, router.Credentials{Version: "2026", Provider: old})))
		for signature, answer := range map[string]string{"new key": "signed with new key", "old key": "signed with old key", "no key": "signed with new key"} {
			reply, err := r.router.Hear(t.Context(), wayforpayMain, providers.Notice{Header: map[string][]string{"Signature": {signature}}})
			r.must(err)
			if string(reply.Body) != answer {
				t.Errorf("a notice signed with %s is answered %q, want %q", signature, reply.Body, answer)
			}
		}
	})
}

// promising promises more than the account does.
type promising struct{ marked }

func (p promising) Claims() providers.Claims {
	c := p.marked.Claims()
	c.Refund.Partial = !c.Refund.Partial
	return c
}

func TestARotationChangesNothingButCredentials(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := rotating(t)
		for name, gateways := range map[string][]router.Gateway{
			"a gateway less":         r.gateways[1:],
			"other promises":         r.with(router.Credentials{Version: "2027", Provider: promising{r.renewed()}}),
			"a version twice":        r.with(router.Credentials{Version: "2027", Provider: r.renewed()}, router.Credentials{Version: "2027", Provider: r.old}),
			"credentials of nobody":  r.with(router.Credentials{Version: "2027"}),
			"a gateway under it all": append(slices.Clone(r.gateways), router.Gateway{Name: "more", Credentials: router.Credentials{Provider: r.old}}),
		} {
			if err := r.router.Rotate(gateways); err == nil {
				t.Errorf("%s: taken", name)
			}
		}
		if g, _ := r.router.Gateway(wayforpayMain); g.Version != "" || len(g.Retiring) > 0 {
			t.Errorf("credentials changed to %+v", g)
		}
	})
}

// certified has a certificate of its own.
type certified struct {
	marked
	end time.Time
}

func (c certified) Expires() time.Time { return c.end }

func TestCredentialsEndByTheConfigurationOrByTheirCertificateWhicheverIsSooner(t *testing.T) {
	day := func(n int) time.Time { return time.Date(2027, 1, n, 0, 0, 0, 0, time.UTC) }
	for _, c := range []struct{ configured, certificate, want time.Time }{
		{day(5), day(9), day(5)}, {day(9), day(5), day(5)}, {time.Time{}, day(5), day(5)}, {day(5), time.Time{}, day(5)}, {},
	} {
		got := router.Credentials{Expires: c.configured, Provider: certified{end: c.certificate}}.End()
		if !got.Equal(c.want) {
			t.Errorf("configured %v, certificate %v: %v", c.configured, c.certificate, got)
		}
	}
}
