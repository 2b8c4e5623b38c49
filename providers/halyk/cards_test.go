package halyk

import (
	"strings"
	"testing"

	"github.com/payrouter/payrouter/providers"
)

const toForget = "POST /api/card/deactivate/8d2f3c1e-6a10-4f7b-9b52-0d7c7c1b9e20"

func TestSavedCardIsForgotten(t *testing.T) {
	card := charge(providers.Instrument).Instrument
	with(t, config(), []reply{tokenReply, {to: toForget}}, func(t *testing.T, g *Gateway, b *bank) {
		r := g.Forget(t.Context(), card)
		expect(t, "forget", r, providers.Approved, "")
		golden(t, "forget", b, show(r))
	})
	for what, c := range map[string]struct {
		answer  reply
		verdict providers.Verdict
		reason  providers.Reason
	}{
		"never there":              {reply{status: 400, body: `{"code":1373,"message":"no cards"}`}, providers.Approved, ""},
		"refused":                  {reply{status: 401}, providers.Unserved, providers.Misconfigured},
		"a code nobody documented": {reply{status: 400, body: `{"code":777777}`}, providers.Unknown, providers.UnknownCode},
		"server error":             {reply{status: 500}, providers.Unknown, providers.ServerError},
		"a maintenance page":       {reply{body: "<html>"}, providers.Unknown, providers.Unreadable},
	} {
		c.answer.to = toForget
		with(t, config(), []reply{tokenReply, c.answer}, func(t *testing.T, g *Gateway, _ *bank) {
			r := g.Forget(t.Context(), card)
			expect(t, what, r, c.verdict, c.reason)
			if r.Err != nil && strings.Contains(r.Err.Error(), card.Value.Reveal()) {
				t.Errorf("%s: the error names the token", what)
			}
		})
	}
	expect(t, "no card", gateway(t, nil).Forget(t.Context(), providers.Token{}), providers.Unserved, providers.Unsupported)
}

func TestProbeNeedsBothTokenAndStatus(t *testing.T) {
	const toProbe = "GET /api/check-status/payment/transaction/261123000000"
	with(t, config(), []reply{tokenReply, {to: toProbe, body: "status_unknown.json"}}, func(t *testing.T, g *Gateway, b *bank) {
		r := g.Probe(t.Context())
		expect(t, "probe", r, providers.Approved, "")
		golden(t, "probe", b, show(r))
	})
	for what, c := range map[string]struct {
		script  []reply
		verdict providers.Verdict
		reason  providers.Reason
	}{
		"credentials refused": {[]reply{{to: toToken, status: 401}}, providers.Unserved, providers.Misconfigured},
		"no token":            {[]reply{{to: toToken, status: 503}}, providers.Unserved, providers.NotSent},
		"no status":           {[]reply{tokenReply, {to: toProbe, status: 503}}, providers.Unknown, providers.ServerError},
		"forbidden":           {[]reply{tokenReply, {to: toProbe, status: 403}}, providers.Unserved, providers.Misconfigured},
		"another's terminal":  {[]reply{tokenReply, {to: toProbe, body: `{"resultCode":"109"}`}}, providers.Unserved, providers.Misconfigured},
		"ask again":           {[]reply{tokenReply, {to: toProbe, body: `{"resultCode":"103"}`}}, providers.Unknown, providers.Ambiguous},
		"a maintenance page":  {[]reply{tokenReply, {to: toProbe, body: `<html>`}}, providers.Unknown, providers.Unreadable},
	} {
		with(t, config(), c.script, func(t *testing.T, g *Gateway, _ *bank) {
			expect(t, what, g.Probe(t.Context()), c.verdict, c.reason)
		})
	}
}
