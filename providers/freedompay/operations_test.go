package freedompay

import (
	"context"
	"testing"

	"github.com/payrouter/payrouter/providers"
)

// operationCase is an operation's answer, and what a status says after it.
type operationCase struct {
	answer reply
	looks  []reply
	want   providers.Verdict
	reason providers.Reason
}

var (
	isHeld     = stands("success", "pg_captured", "0", "pg_clearing_amount", "0")
	isCharged  = stands("success", "pg_captured", "1", "pg_clearing_amount", "14500.00")
	isPart     = stands("success", "pg_captured", "1", "pg_clearing_amount", "5000.00")
	isReleased = stands("revoked")
)

func cleared(sum string) reply {
	return says("pg_status", "ok", "pg_amount", "14500.00", "pg_clearing_amount", sum)
}

func TestACaptureIsBelievedByItsSum(t *testing.T) {
	for name, c := range map[string]operationCase{
		"a part":                      {cleared("5000"), nil, providers.Approved, providers.NoReason},
		"another part":                {cleared("5000.01"), nil, providers.Unknown, providers.Mismatch},
		"all of it":                   {cleared("14500.00"), nil, providers.Unknown, providers.Mismatch},
		"no sum":                      {says("pg_status", "ok"), nil, providers.Unknown, providers.Unreadable},
		"no number":                   {cleared("all"), nil, providers.Unknown, providers.Mismatch},
		"another payment":             {says("pg_status", "ok", "pg_payment_id", "1", "pg_clearing_amount", "5000"), nil, providers.Unknown, providers.Mismatch},
		"unsigned":                    {reply{message: cleared("5000").message, bare: true}, nil, providers.Unknown, providers.BadSignature},
		"of another call":             {reply{message: cleared("5000").message, script: "cancel.php"}, nil, providers.Unknown, providers.BadSignature},
		"silence":                     {reply{status: 504}, nil, providers.Unknown, providers.ServerError},
		"already, as asked":           {refuses("10036"), []reply{isPart}, providers.Approved, providers.NoReason},
		"already, another sum":        {refuses("10036"), []reply{isCharged}, providers.Unknown, providers.Mismatch},
		"already, the status lags":    {refuses("10036"), []reply{isHeld}, providers.Unknown, providers.Ambiguous},
		"released":                    {refuses("10035"), []reply{isReleased}, providers.Declined, providers.Refused},
		"not paid":                    {refuses("10035"), []reply{stands("new")}, providers.Unknown, providers.Ambiguous},
		"refused":                     {refuses("10039"), []reply{isHeld}, providers.Declined, providers.Refused},
		"a setting":                   {refuses("9994"), []reply{isHeld}, providers.Unserved, providers.Misconfigured},
		"bad signature":               {reply{status: 401, body: "<response><pg_status>error</pg_status><pg_error_code>1100</pg_error_code></response>"}, []reply{isHeld}, providers.Unserved, providers.Misconfigured},
		"unclear":                     {refuses("9999"), []reply{isHeld}, providers.Unknown, providers.Ambiguous},
		"unknown":                     {refuses("987654"), []reply{isHeld}, providers.Unknown, providers.UnknownCode},
		"not found":                   {refuses("11068"), []reply{isHeld}, providers.Unserved, providers.NotFound},
		"refused, and no status":      {refuses("10039"), []reply{{status: 500}}, providers.Unknown, providers.Ambiguous},
		"refused, and done after all": {refuses("9999"), []reply{isPart}, providers.Approved, providers.NoReason},
	} {
		atDesk(t, nil, append([]reply{c.answer}, c.looks...), func(t *testing.T, g *Gateway, d *desk) {
			got := g.Capture(context.Background(), hold(pageRef(t)), tenge(t, "5000"))
			if got.Verdict != c.want || got.Reason != c.reason {
				t.Errorf("%s: %s %q (%v), want %s %q", name, got.Verdict, got.Reason, got.Err, c.want, c.reason)
			}
			if got.Verdict == providers.Approved && got.Amount != tenge(t, "5000") {
				t.Errorf("%s: %s", name, got.Amount)
			}
			if sent := d.asked[0].fields; d.asked[0].path != "do_capture.php" || sent.text("pg_clearing_amount") != "5000.00" || sent.text("pg_payment_id") != paymentID {
				t.Errorf("%s: asked %s %+v", name, d.asked[0].path, sent)
			}
			if len(d.answers) > 0 {
				t.Errorf("%s: asked %s only", name, d.paths())
			}
		})
	}
}

func TestAHoldIsReleasedOnlyWhenItIsSeen(t *testing.T) {
	done := says("pg_status", "ok")
	for name, c := range map[string]struct {
		first reply
		operationCase
		sent bool
	}{
		"held":                     {isHeld, operationCase{done, nil, providers.Approved, providers.NoReason}, true},
		"held, another payment":    {isHeld, operationCase{says("pg_status", "ok", "pg_payment_id", "1"), nil, providers.Unknown, providers.Mismatch}, true},
		"held, unsigned":           {isHeld, operationCase{reply{message: done.message, bare: true}, nil, providers.Unknown, providers.BadSignature}, true},
		"held, released already":   {isHeld, operationCase{refuses("10033"), []reply{isReleased}, providers.Approved, providers.NoReason}, true},
		"held, released, it lags":  {isHeld, operationCase{refuses("10033"), []reply{isHeld}, providers.Unknown, providers.Ambiguous}, true},
		"held, captured meanwhile": {isHeld, operationCase{refuses("10012"), []reply{isCharged}, providers.Declined, providers.Refused}, true},
		"held, refused":            {isHeld, operationCase{refuses("10012"), []reply{isHeld}, providers.Declined, providers.Refused}, true},
		"held, unclear":            {isHeld, operationCase{refuses("10000"), []reply{isHeld}, providers.Unknown, providers.Ambiguous}, true},
		"held, then no status":     {isHeld, operationCase{refuses("10012"), []reply{{status: 500}}, providers.Unknown, providers.Ambiguous}, true},
		"charged":                  {isCharged, operationCase{want: providers.Declined, reason: providers.Refused}, false},
		"released":                 {isReleased, operationCase{want: providers.Approved}, false},
		"over":                     {stands("incomplete"), operationCase{want: providers.Approved}, false},
		"unpaid":                   {stands("new"), operationCase{want: providers.Unserved, reason: providers.Unsupported}, false},
		"under way":                {stands("process"), operationCase{want: providers.Unserved, reason: providers.Unsupported}, false},
		"not found":                {unknownOrder, operationCase{want: providers.Unserved, reason: providers.NotSent}, false},
		"failed":                   {stands("error"), operationCase{want: providers.Unserved, reason: providers.Unsupported}, false},
		"not answered":             {reply{status: 500}, operationCase{want: providers.Unserved, reason: providers.NotSent}, false},
	} {
		answers := []reply{c.first}
		if c.sent {
			answers = append(append(answers, c.answer), c.looks...)
		}
		atDesk(t, nil, answers, func(t *testing.T, g *Gateway, d *desk) {
			got := g.Cancel(context.Background(), hold(pageRef(t)))
			if got.Verdict != c.want || got.Reason != c.reason {
				t.Errorf("%s: %s %q (%v), want %s %q", name, got.Verdict, got.Reason, got.Err, c.want, c.reason)
			}
			sent := len(d.asked) > 1 && d.asked[1].path == "cancel.php" && len(d.asked[1].fields.children) == 4
			if sent != c.sent || len(d.answers) > 0 {
				t.Errorf("%s: asked %s", name, d.paths())
			}
		})
	}
}

// Every operation needs Freedom Pay's id. One that cannot be found has not begun.
func TestAnOperationWithoutAnIDFindsItFirst(t *testing.T) {
	for name, c := range map[string]struct {
		find   reply
		want   providers.Verdict
		reason providers.Reason
	}{
		"found":        {isHeld, providers.Approved, providers.NoReason},
		"not found":    {unknownOrder, providers.Unserved, providers.NotFound},
		"not answered": {reply{status: 502}, providers.Unserved, providers.NotSent},
		"another's":    {stands("success", "pg_order_id", "x1"), providers.Unserved, providers.NotSent},
	} {
		for deed, do := range map[string]func(g *Gateway, ref providers.Ref) providers.Result{
			"capture": func(g *Gateway, ref providers.Ref) providers.Result {
				return g.Capture(context.Background(), ref, ref.Amount)
			},
			"refund": func(g *Gateway, ref providers.Ref) providers.Result {
				return g.Refund(context.Background(), providers.Refund{Ref: ref, ID: "r1", Amount: ref.Amount})
			},
		} {
			atDesk(t, nil, []reply{c.find, cleared("14500")}, func(t *testing.T, g *Gateway, d *desk) {
				ref := hold(pageRef(t))
				ref.External = ""
				got := do(g, ref)
				if got.Verdict != c.want || got.Reason != c.reason {
					t.Errorf("%s, %s: %s %q (%v)", deed, name, got.Verdict, got.Reason, got.Err)
				}
				asked := 1
				if c.want == providers.Approved {
					asked = 2
				}
				if len(d.asked) != asked || asked == 2 && d.asked[1].fields.text("pg_payment_id") != paymentID {
					t.Errorf("%s, %s: asked %s", deed, name, d.paths())
				}
			})
		}
	}
}

func TestNoOperationIsSentForNonsense(t *testing.T) {
	for _, amount := range []providers.Money{{}, {Minor: 100}, {Minor: 100, Currency: "USD"}, {Minor: -1, Currency: "KZT"}, {Minor: 14500_01, Currency: "KZT"}} {
		atDesk(t, nil, nil, func(t *testing.T, g *Gateway, d *desk) {
			verdict(t, g.Capture(context.Background(), hold(pageRef(t)), amount), providers.Declined, providers.InvalidRequest)
			verdict(t, g.Refund(context.Background(), providers.Refund{Ref: pageRef(t), ID: "r1", Amount: amount}), providers.Declined, providers.InvalidRequest)
			if len(d.asked) > 0 {
				t.Errorf("%s: asked %s", amount, d.paths())
			}
		})
	}
}
