package freedompay

import (
	"context"
	"testing"

	"github.com/payrouter/payrouter/providers"
)

// returned is a charged payment of which sums were given back, each with a word.
func returned(sum string, rows ...string) reply {
	r := stands("success", "pg_captured", "1", "pg_clearing_amount", "14500.00")
	if sum != "" {
		r.message.add("pg_refund_amount", sum)
	}
	list := node{name: "pg_refund_payments"}
	for i := 0; i+1 < len(rows); i += 2 {
		row := flat("pg_payment_id", "91540221"+string(rune('1'+i)), "pg_payment_status", rows[i], "pg_amount", rows[i+1])
		row.name = "pg_refund_payment"
		list.children = append(list.children, row)
	}
	if len(list.children) > 0 {
		r.message.children = append(r.message.children, list)
	}
	return r
}

func part(t *testing.T) providers.Refund {
	return providers.Refund{Ref: pageRef(t), ID: "r2", Amount: tenge(t, "2000"), Before: tenge(t, "3000"), Reason: "half of it"}
}

func TestARefundIsToldByTheSumReturned(t *testing.T) {
	for name, c := range map[string]struct {
		status reply
		want   providers.Verdict
		reason providers.Reason
		absent bool
	}{
		"before and after":           {returned("-5000.00", "success", "-3000.00", "success", "-2000.00"), providers.Approved, providers.NoReason, false},
		"before":                     {returned("-3000.00", "success", "-3000.00"), providers.Unknown, providers.Ambiguous, true},
		"before, no list":            {returned("-3000"), providers.Unknown, providers.Ambiguous, true},
		"after, no list":             {returned("-5000"), providers.Approved, providers.NoReason, false},
		"after, unsigned sums":       {returned("5000", "success", "3000", "success", "2000"), providers.Approved, providers.NoReason, false},
		"neither":                    {returned("-4000"), providers.Unknown, providers.Ambiguous, false},
		"nothing":                    {returned(""), providers.Unknown, providers.Ambiguous, false},
		"ours is under way":          {returned("-3000", "success", "-3000", "process", "-2000"), providers.Pending, providers.Processing, false},
		"ours is counted, under way": {returned("-5000", "success", "-3000", "pending", "-2000"), providers.Pending, providers.Processing, false},
		"another is under way":       {returned("-3000", "success", "-3000", "process", "-100"), providers.Unknown, providers.Ambiguous, false},
		"ours has a strange word":    {returned("-3000", "success", "-3000", "teleported", "-2000"), providers.Pending, providers.Processing, false},
		"ours failed":                {returned("-3000", "success", "-3000", "error", "-2000"), providers.Unknown, providers.Ambiguous, true},
		"list and sum differ":        {returned("-5000", "success", "-3000"), providers.Unknown, providers.Ambiguous, false},
		"a row without a sum":        {returned("-5000", "success", ""), providers.Unknown, providers.Unreadable, false},
		"all of it, by the word":     {stands("refunded"), providers.Unknown, providers.Ambiguous, false},
		"not charged":                {isHeld, providers.Unknown, providers.Ambiguous, false},
		"not found":                  {unknownOrder, providers.Unknown, providers.Ambiguous, false},
		"no answer":                  {reply{status: 502}, providers.Unknown, providers.ServerError, false},
		"the printed answer":         {reply{body: string(read(t, "status_refunds.answer.xml"))}, providers.Approved, providers.NoReason, false},
	} {
		atDesk(t, nil, []reply{c.status}, func(t *testing.T, g *Gateway, _ *desk) {
			got := g.LookupRefund(context.Background(), part(t))
			if got.Verdict != c.want || got.Reason != c.reason || got.Absent != c.absent {
				t.Errorf("%s: %s %q, absent %t (%v), want %s %q, %t", name, got.Verdict, got.Reason, got.Absent, got.Err, c.want, c.reason, c.absent)
			}
			if got.Verdict == providers.Approved && (got.Amount != tenge(t, "2000") || got.Returned != tenge(t, "5000")) {
				t.Errorf("%s: %s, returned %s", name, got.Amount, got.Returned)
			}
		})
	}
	atDesk(t, nil, []reply{returned("")}, func(t *testing.T, g *Gateway, _ *desk) {
		first := part(t)
		first.Before = tenge(t, "0")
		if got := g.LookupRefund(context.Background(), first); !got.Absent {
			t.Errorf("nothing returned: %s %q, absent %t", got.Verdict, got.Reason, got.Absent)
		}
	})
}

func TestARefundIsSentOnceAndItsRefusalIsChecked(t *testing.T) {
	before, after := returned("-3000"), returned("-5000")
	for name, c := range map[string]struct {
		g2g    bool
		answer reply
		looks  []reply
		want   providers.Verdict
		reason providers.Reason
		id     string
	}{
		"revoke":                       {false, says("pg_status", "ok"), nil, providers.Approved, providers.NoReason, ""},
		"revoke, with a sum":           {false, says("pg_status", "ok", "pg_refund_amount", "-2000"), nil, providers.Approved, providers.NoReason, ""},
		"revoke, another sum":          {false, says("pg_status", "ok", "pg_refund_amount", "2001"), nil, providers.Unknown, providers.Mismatch, ""},
		"revoke, another payment":      {false, says("pg_status", "ok", "pg_payment_id", "1"), nil, providers.Unknown, providers.Mismatch, ""},
		"revoke, pending":              {false, says("pg_status", "ok", "pg_refund_status", "pending"), nil, providers.Pending, providers.Processing, ""},
		"g2g":                          {true, says("pg_status", "ok", "pg_refund_status", "success", "pg_payment_refund_id", "915402240"), nil, providers.Approved, providers.NoReason, "915402240"},
		"g2g, pending":                 {true, says("pg_status", "ok", "pg_refund_status", "process"), nil, providers.Pending, providers.Processing, ""},
		"g2g, no word":                 {true, says("pg_status", "ok"), nil, providers.Unknown, providers.Unreadable, ""},
		"unsigned":                     {false, reply{message: flat("pg_status", "ok"), bare: true}, nil, providers.Unknown, providers.BadSignature, ""},
		"silence":                      {false, reply{status: 504}, nil, providers.Unknown, providers.ServerError, ""},
		"too much":                     {false, refuses("10020"), []reply{before}, providers.Declined, providers.Refused, ""},
		"too much, and made":           {false, refuses("10020"), []reply{after}, providers.Approved, providers.NoReason, ""},
		"already refunded, and made":   {false, refuses("11018"), []reply{after}, providers.Approved, providers.NoReason, ""},
		"already refunded, not seen":   {false, refuses("11018"), []reply{before}, providers.Unknown, providers.Ambiguous, ""},
		"too old":                      {false, refuses("11054"), []reply{before}, providers.Declined, providers.Refused, ""},
		"not cleared":                  {false, refuses("10034"), []reply{isHeld}, providers.Declined, providers.Refused, ""},
		"not allowed":                  {true, refuses("9994"), []reply{before}, providers.Unserved, providers.Misconfigured, ""},
		"unclear":                      {false, refuses("9999"), []reply{before}, providers.Unknown, providers.Ambiguous, ""},
		"unknown":                      {false, refuses("987654"), []reply{before}, providers.Unknown, providers.UnknownCode, ""},
		"refused, another sum is seen": {false, refuses("10020"), []reply{returned("-4000")}, providers.Unknown, providers.Ambiguous, ""},
		"refused, no status":           {false, refuses("10020"), []reply{{status: 502}}, providers.Unknown, providers.Ambiguous, ""},
	} {
		change := func(config *Config) {
			if c.g2g {
				config.RefundCall = byG2G
			}
		}
		atDesk(t, change, append([]reply{c.answer}, c.looks...), func(t *testing.T, g *Gateway, d *desk) {
			got := g.Refund(context.Background(), part(t))
			if got.Verdict != c.want || got.Reason != c.reason || got.External != c.id {
				t.Errorf("%s: %s %q %q (%v), want %s %q %q", name, got.Verdict, got.Reason, got.External, got.Err, c.want, c.reason, c.id)
			}
			path, field := "revoke.php", "pg_refund_amount"
			if c.g2g {
				path, field = "g2g/refund", "pg_amount"
			}
			moves := 0
			for _, a := range d.asked {
				if a.path == path {
					moves++
				}
			}
			if sent := d.asked[0].fields; moves != 1 || sent.text(field) != "2000.00" || sent.text("pg_payment_id") != paymentID || len(d.answers) > 0 {
				t.Errorf("%s: asked %s, first %+v", name, d.paths(), sent)
			}
			if key := d.asked[0].fields.text("pg_idempotency_key"); (key == orderNumber+":refund:r2") == c.g2g {
				t.Errorf("%s: under the key %q", name, key)
			}
		})
	}
}
