package robokassa

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"github.com/payrouter/payrouter/providers"
)

const created = `{"success":true,"message":null,"requestId":"0b6c2f9e-1111-4222-8333-444455556666"}`

func refundOf(minor, before int64) providers.Refund {
	return providers.Refund{Ref: ref(providers.Link), ID: fmt.Sprintf("rf-%d-%d", minor, before), Amount: tenge(minor), Before: tenge(before)}
}

func TestARefundIsAcceptedByTheKeyOfTheOperation(t *testing.T) {
	for body, kind := range map[string]string{"jwt": "application/jwt", "json": "application/json"} {
		g, d := open(t, func(c *Config) { everything(c); c.RefundBody = body }, map[string]string{toState: says("100", "1500.500000"), toRefund: created})
		r := g.Refund(t.Context(), refundOf(500_25, 0))
		want(t, "a refund", r, providers.Pending, providers.Processing)
		sent := strings.Trim(d.last().body, `"`)
		claims, _ := base64.RawURLEncoding.DecodeString(strings.Split(sent, ".")[1])
		if d.was() != toState+", "+toRefund || d.last().kind != kind || (body == "json") != (sent != d.last().body) ||
			string(claims) != `{"OpKey":"`+key+`","RefundSum":500.25}` || r.External != "0b6c2f9e-1111-4222-8333-444455556666" {
			t.Errorf("asked was %s with %s of %s, learnt %+v", d.was(), d.last().body, d.last().kind, r)
		}
	}
}

func TestRefundsThatCannotBeAreNotSent(t *testing.T) {
	for _, c := range []struct {
		what, state string
		refund      providers.Refund
		verdict     providers.Verdict
		reason      providers.Reason
	}{
		{"nothing", "", refundOf(0, 0), providers.Declined, providers.InvalidRequest},
		{"more than was paid", "", refundOf(1500_51, 0), providers.Declined, providers.InvalidRequest},
		{"more than is left", says("100", "1500.5"), refundOf(1000_00, 500_51), providers.Declined, providers.Refused},
		{"more than was captured", says("100", "1000.0"), providers.Refund{Ref: held(), ID: "rf", Amount: sum}, providers.Declined, providers.Refused},
		{"what was returned", says("60", "1500.5"), refundOf(1_00, 0), providers.Declined, providers.Refused},
		{"what is not paid", says("5", "1500.5"), refundOf(1_00, 0), providers.Declined, providers.Refused},
		{"what is held", says("20", "1500.5"), providers.Refund{Ref: held(), ID: "rf", Amount: sum}, providers.Declined, providers.Refused},
		{"what is not there", refuses("3"), refundOf(1_00, 0), providers.Unserved, providers.NotFound},
		{"what cannot be looked up", "503 x", refundOf(1_00, 0), providers.Unserved, providers.NotSent},
		{"another payment", says("100", "7.00"), refundOf(1_00, 0), providers.Unserved, providers.NotSent},
		{"a shop that is refused", refuses("1"), refundOf(1_00, 0), providers.Unserved, providers.Misconfigured},
	} {
		g, d := open(t, everything, map[string]string{toState: c.state})
		want(t, c.what, g.Refund(t.Context(), c.refund), c.verdict, c.reason)
		if strings.Contains(d.was(), toRefund) {
			t.Errorf("%s: it was sent", c.what)
		}
	}
	g, d := open(t, nil, nil)
	want(t, "without the service", g.Refund(t.Context(), refundOf(1_00, 0)), providers.Declined, providers.Refused)
	if d.was() != "" || g.Claims().Refund.API {
		t.Errorf("asked was %s, claimed is %+v", d.was(), g.Claims().Refund)
	}
}

func TestARefundsAnswerIsReadAsItIsDocumented(t *testing.T) {
	refusal := func(message string) string { return `{"success":false,"message":"` + message + `","requestId":null}` }
	for answer, wanted := range map[string]meaning{
		refusal("NotEnoughOperationFunds"):           {providers.Unserved, providers.Throttled},
		refusal("OperationNotFound"):                 {providers.Unserved, providers.NotFound},
		refusal("PartialRefundIsNotAllowed"):         {providers.Declined, providers.Refused},
		refusal(""):                                  {providers.Unknown, providers.UnknownCode},
		refusal("987654"):                            {providers.Unknown, providers.UnknownCode},
		refusal("Aida Saparova"):                     {providers.Unknown, providers.UnknownCode},
		strings.Replace(created, "true", "false", 1): {providers.Unknown, providers.Unreadable},
		`{"success":true,"requestId":null}`:          {providers.Unknown, providers.Unreadable},
		`{"success":"true","requestId":"a1"}`:        {providers.Unknown, providers.Unreadable},
		`{"requestId":"a1"}`:                         {providers.Unknown, providers.Unreadable},
		`{}`:                                         {providers.Unknown, providers.Unreadable},
		`<html>`:                                     {providers.Unknown, providers.Unreadable},
		"401 bad token":                              {providers.Unserved, providers.Misconfigured},
		"400 bad token":                              {providers.Unknown, providers.Unreadable},
		"429 slow":                                   {providers.Unknown, providers.Unreadable},
		"500 " + refusal("PartialIsNotAllowed"):      {providers.Unknown, providers.ServerError},
	} {
		g, _ := open(t, everything, map[string]string{toState: says("100", "1500.5"), toRefund: answer})
		r := g.Refund(t.Context(), refundOf(100_00, 0))
		want(t, answer, r, wanted.verdict, wanted.reason)
		if strings.Contains(r.Code, "Aida") {
			t.Errorf("%s: the code is %q", answer, r.Code)
		}
	}
}

func TestAStateTellsOfARefundOnlyWhenAllIsReturned(t *testing.T) {
	for _, c := range []struct {
		what, state string
		refund      providers.Refund
		returned    string
		verdict     providers.Verdict
	}{
		{"the whole, returned", says("60", "1500.5"), refundOf(1500_50, 0), "whole", providers.Approved},
		{"the last part, returned", says("60", "1500.5"), refundOf(500_50, 1000_00), "whole", providers.Approved},
		{"a part, all returned", says("60", "1500.5"), refundOf(500_50, 0), "whole", providers.Unknown},
		{"the whole, where 60 may mean a part", says("60", "1500.5"), refundOf(1500_50, 0), "any", providers.Unknown},
		{"the whole, not returned yet or at all", says("100", "1500.5"), refundOf(1500_50, 0), "whole", providers.Unknown},
		{"a part", says("100", "1500.5"), refundOf(1_00, 0), "whole", providers.Unknown},
		{"not found", refuses("3"), refundOf(1_00, 0), "whole", providers.Unknown},
		{"never paid", says("10", "1500.5"), refundOf(1_00, 0), "whole", providers.Unknown},
		{"no answer", "503 x", refundOf(1_00, 0), "whole", providers.Unknown},
	} {
		g, _ := open(t, func(cfg *Config) { cfg.ReturnedState = c.returned }, map[string]string{toState: c.state})
		r := g.LookupRefund(t.Context(), c.refund)
		if r.Verdict != c.verdict || r.Absent {
			t.Errorf("%s: it is %s %s, absent %t", c.what, r.Verdict, r.Reason, r.Absent)
		}
	}
}

func TestARefundIsFollowedByItsRequestOnceThatIsTold(t *testing.T) {
	g, d := open(t, everything, map[string]string{toState: says("100", "1500.5"), toRefund: created})
	refund := refundOf(500_25, 0)
	refund.External = g.Refund(t.Context(), refund).External
	label := func(id, amount, label string) string {
		return `{"requestId":"` + id + `","amount":` + amount + `,"label":"` + label + `"}`
	}
	const id = "0b6c2f9e-1111-4222-8333-444455556666"
	for answer, wanted := range map[string]meaning{
		label(id, "500.25", "processing"):                          {providers.Pending, providers.Processing},
		label(id, "500.250000", "finished"):                        {providers.Approved, ""},
		label(id, `"500.25"`, "canceled"):                          {providers.Declined, providers.Refused},
		label(id, "500.25", "lost"):                                {providers.Unknown, providers.UnknownCode},
		label(id, "500.26", "finished"):                            {providers.Unknown, providers.Mismatch},
		label("a1", "500.25", "finished"):                          {providers.Unknown, providers.Mismatch},
		`{"message":"Id is invalid or request id does not exist"}`: {providers.Unknown, providers.Unreadable},
		`<html>`: {providers.Unknown, providers.Unreadable},
		"404 x":  {providers.Unknown, providers.Unreadable},
		"502 x":  {providers.Unknown, providers.ServerError},
	} {
		d.answers[toRefundID] = answer
		want(t, answer, g.LookupRefund(t.Context(), refund), wanted.verdict, wanted.reason)
		if got := d.last(); got.to != toRefundID || got.query.Get("id") != id {
			t.Errorf("asked was %s %v", got.to, got.query)
		}
	}
	refund.External = "" // its answer was lost
	want(t, "without an id", g.LookupRefund(t.Context(), refund), providers.Unknown, providers.Ambiguous)
}
