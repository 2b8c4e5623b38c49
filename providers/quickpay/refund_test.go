package quickpay

import (
	"net/http"
	"testing"

	"github.com/payrouter/payrouter/providers"
)

func giving(minor, before int64) providers.Refund {
	return providers.Refund{Ref: byCard(), ID: "rf-1", Amount: kroner(minor), Before: kroner(before), Reason: "Order 4711"}
}

// paidWith is a captured payment with what was given back of it.
func paidWith(more ...map[string]any) map[string]any {
	state := "processed"
	for _, o := range more {
		if o["pending"] == true {
			state = "pending"
		}
	}
	return inHold(state, append([]map[string]any{did("capture", amount, "20000")}, more...)...)
}

func TestRefundGivesBackOnce(t *testing.T) {
	g, d := open(t, func(c *Config) { c.NotifyURL = notify }, step{doRefund, http.StatusOK, text(t, paidWith(did("refund", 50, "20000"), did("refund", 50, "20000")))})
	got := g.Refund(t.Context(), giving(50, 50))
	verdict(t, got, providers.Approved, providers.NoReason)
	if got.Amount != kroner(50) || got.External != "714001-4" || d.asked[0].header.Get("QuickPay-Callback-Url") != notify {
		t.Errorf("got %+v, headers %v", got, d.asked[0].header)
	}
	golden(t, "refund.request.json", d.asked[0].body)
}

// The column of refunds in the notes, section 6.1. Two equal refunds are two: an answer
// that shows only the first of them says nothing about the second.
func TestRefundReadsTheOperation(t *testing.T) {
	for name, c := range map[string]struct {
		said    map[string]any
		before  int64
		verdict providers.Verdict
		reason  providers.Reason
	}{
		"pending":             {paidWith(doing("refund", 50)), 0, providers.Pending, providers.Processing},
		"rejected":            {paidWith(did("refund", 50, "40000")), 0, providers.Declined, providers.Refused},
		"expired":             {paidWith(did("refund", 50, "40002")), 0, providers.Declined, providers.Refused},
		"aborted":             {paidWith(did("refund", 50, "40003")), 0, providers.Declined, providers.Refused},
		"data error":          {paidWith(did("refund", 50, "40001")), 0, providers.Unserved, providers.Misconfigured},
		"found invalid":       {paidWith(did("refund", 50, "40004")), 0, providers.Unserved, providers.Misconfigured},
		"waiting":             {paidWith(did("refund", 50, "20200")), 0, providers.Unknown, providers.Ambiguous},
		"gateway error":       {paidWith(did("refund", 50, "50000")), 0, providers.Unknown, providers.Ambiguous},
		"communication error": {paidWith(did("refund", 50, "50300")), 0, providers.Unknown, providers.Ambiguous},
		"a new code":          {paidWith(did("refund", 50, "47110")), 0, providers.Unknown, providers.UnknownCode},
		"not for refunds":     {paidWith(did("refund", 50, "41000")), 0, providers.Unknown, providers.UnknownCode},
		"only the first":      {paidWith(did("refund", 50, "20000")), 50, providers.Unknown, providers.Ambiguous},
		"one that we missed":  {paidWith(did("refund", 7, "20000"), did("refund", 50, "20000")), 0, providers.Unknown, providers.Ambiguous},
		"another amount":      {paidWith(did("refund", 51, "20000")), 0, providers.Unknown, providers.Mismatch},
		"not there":           {paidWith(), 0, providers.Unknown, providers.Ambiguous},
	} {
		g, _ := open(t, nil, step{doRefund, http.StatusAccepted, text(t, c.said)})
		if got := g.Refund(t.Context(), giving(50, c.before)); got.Verdict != c.verdict || got.Reason != c.reason || got.Absent {
			t.Errorf("%s: got %+v", name, got)
		}
	}
}

func TestNonsenseIsNotRefunded(t *testing.T) {
	g, _ := open(t, nil)
	for _, m := range []providers.Money{{}, kroner(0), kroner(-1), kroner(amount + 1), {Minor: 50, Currency: "SEK"}} {
		r := giving(0, 0)
		r.Amount = m
		verdict(t, g.Refund(t.Context(), r), providers.Declined, providers.InvalidRequest)
	}
}

func TestLookupRefundComparesTheSumReturned(t *testing.T) {
	for name, c := range map[string]struct {
		said   map[string]any
		before int64
		want   providers.Result
	}{
		"not made":            {paidWith(), 0, providers.Result{Reason: providers.Ambiguous, Absent: true}},
		"made":                {paidWith(did("refund", 50, "20000")), 0, providers.Result{Verdict: providers.Approved, Amount: kroner(50)}},
		"the second not made": {paidWith(did("refund", 50, "20000")), 50, providers.Result{Reason: providers.Ambiguous, Absent: true}},
		"the second made":     {paidWith(did("refund", 50, "20000"), did("refund", 50, "20000")), 50, providers.Result{Verdict: providers.Approved, Amount: kroner(50)}},
		"refused":             {paidWith(did("refund", 50, "40000")), 0, providers.Result{Reason: providers.Ambiguous, Absent: true}},
		"under way":           {paidWith(doing("refund", 50)), 0, providers.Result{Verdict: providers.Pending, Reason: providers.Processing}},
		"nobody knows":        {paidWith(did("refund", 50, "50300")), 0, providers.Result{Reason: providers.Ambiguous}},
		"a new code":          {paidWith(did("refund", 50, "47110")), 0, providers.Result{Reason: providers.UnknownCode}},
		"another sum":         {paidWith(did("refund", 7, "20000")), 0, providers.Result{Reason: providers.Ambiguous}},
		"held only":           {inHold("new"), 0, providers.Result{Reason: providers.Ambiguous}},
		"nothing was tried":   {object("initial"), 0, providers.Result{Reason: providers.Ambiguous}},
		"declined":            {object("rejected", did("authorize", amount, "40000")), 0, providers.Result{Reason: providers.Ambiguous}},
		"another payment":     {with(paidWith(), "order_id", "rt-000000000002"), 0, providers.Result{Reason: providers.Mismatch}},
	} {
		r := giving(50, c.before)
		if name == "held only" {
			r.Ref.TwoStage = true
		}
		g, _ := open(t, nil, step{byID, http.StatusOK, text(t, c.said)})
		got := g.LookupRefund(t.Context(), r)
		if got.Verdict != c.want.Verdict || got.Reason != c.want.Reason || got.Absent != c.want.Absent || got.Amount != c.want.Amount {
			t.Errorf("%s: got %+v, want %+v", name, got, c.want)
		}
	}
}

// A refund that came back unfinished has QuickPay's number, and what became of it is known by
// that: what the acquirer refused later is refused for good, as it is when it is refused at once.
func TestLookupRefundTellsARefusalOfTheRefundThatItKnows(t *testing.T) {
	refusal := did("refund", 50, "40000")
	for name, c := range map[string]struct {
		said     map[string]any
		external string
		verdict  providers.Verdict
		reason   providers.Reason
	}{
		"refused":             {paidWith(refusal), "714001-3", providers.Declined, providers.Refused},
		"another refund's":    {paidWith(refusal), "714001-4", providers.Unknown, providers.Ambiguous},
		"another operation":   {paidWith(refusal), "714001-2", providers.Unknown, providers.Ambiguous},
		"no number":           {paidWith(refusal), "", providers.Unknown, providers.Ambiguous},
		"our set-up":          {paidWith(did("refund", 50, "40001")), "714001-3", providers.Unknown, providers.Ambiguous},
		"nobody knows":        {paidWith(did("refund", 50, "50300")), "714001-3", providers.Unknown, providers.Ambiguous},
		"another under way":   {paidWith(refusal, doing("refund", 50)), "714001-3", providers.Pending, providers.Processing},
		"made after all":      {paidWith(refusal, did("refund", 50, "20000")), "714001-3", providers.Approved, providers.NoReason},
		"another sum is gone": {paidWith(refusal, did("refund", 7, "20000")), "714001-3", providers.Unknown, providers.Ambiguous},
	} {
		r := giving(50, 0)
		r.External = c.external
		g, _ := open(t, nil, step{byID, http.StatusOK, text(t, c.said)})
		got := g.LookupRefund(t.Context(), r)
		if got.Verdict != c.verdict || got.Reason != c.reason || got.Verdict == providers.Declined && got.Absent {
			t.Errorf("%s: got %+v, want %s %q", name, got, c.verdict, c.reason)
		}
	}
}
