package freedompay

import (
	"context"
	"testing"
	"time"

	"github.com/payrouter/payrouter/providers"
)

var (
	unknownOrder = refuses("11068")
	opened       = says("pg_status", "ok", "pg_payment_id", paymentID)
)

// charges is an answer of card/direct.
func charges(word string, more ...string) reply {
	r := says("pg_status", "ok", "pg_payment_id", paymentID, "pg_payment_status", word)
	r.message.replace(more...)
	return r
}

func TestACardIsChargedByOneDirectCall(t *testing.T) {
	atDesk(t, nil, []reply{unknownOrder, opened, charges("success", "pg_amount", "14500", "pg_currency", "KZT", "pg_captured", "1")},
		func(t *testing.T, g *Gateway, d *desk) {
			got := g.Charge(context.Background(), chargeOf(cardRef(t)))
			verdict(t, got, providers.Approved, providers.NoReason)
			if got.Amount != tenge(t, "14500") || got.External != paymentID {
				t.Errorf("%s of %q", got.Amount, got.External)
			}
			if d.paths() != "get_status3.php card/init card/direct" {
				t.Fatalf("asked %s", d.paths())
			}
			init, direct := d.asked[1].fields, d.asked[2].fields
			for name, want := range map[string]string{"pg_user_id": "c-88", "pg_card_token": "tok-1", "pg_order_id": orderNumber, "pg_amount": "14500.00",
				"pg_currency": "KZT", "pg_auto_clearing": "1", "pg_testing_mode": "0", "pg_idempotency_key": orderNumber + ":create:1",
				"pg_result_url": notifyURL + "/result", "pg_lifetime": ""} {
				if init.text(name) != want {
					t.Errorf("card/init says %s=%q, want %q", name, init.text(name), want)
				}
			}
			if len(direct.children) != 4 || direct.text("pg_payment_id") != paymentID {
				t.Errorf("card/direct says %+v", direct)
			}
		})
}

// What card/direct answers, and what a status says where it must be asked.
func TestADirectAnswerIsBelievedAsFarAsItGoes(t *testing.T) {
	untouched, failure := stands("new"), stands("error", "pg_failure_code", "10037")
	for name, c := range map[string]struct {
		hold   bool
		direct reply
		looks  []reply
		want   providers.Verdict
		reason providers.Reason
	}{
		"held":                        {true, charges("success", "pg_captured", "0"), nil, providers.Held, providers.NoReason},
		"taken, though a hold":        {true, charges("success", "pg_captured", "1"), nil, providers.Approved, providers.NoReason},
		"held or taken":               {true, charges("success"), nil, providers.Unknown, providers.Ambiguous},
		"taken, nothing said of it":   {false, charges("success"), nil, providers.Approved, providers.NoReason},
		"under way":                   {false, charges("process"), nil, providers.Pending, providers.Processing},
		"ok and no word":              {false, says("pg_status", "ok", "pg_payment_id", paymentID), nil, providers.Unknown, providers.Ambiguous},
		"a word nobody knows":         {false, charges("teleported"), nil, providers.Unknown, providers.UnknownCode},
		"another payment":             {false, charges("success", "pg_payment_id", "915334408"), nil, providers.Unknown, providers.Mismatch},
		"no payment":                  {false, says("pg_status", "ok", "pg_payment_status", "success"), nil, providers.Unknown, providers.Mismatch},
		"another order":               {false, charges("success", "pg_order_id", "x1"), nil, providers.Unknown, providers.Mismatch},
		"another sum":                 {false, charges("success", "pg_amount", "1"), nil, providers.Unknown, providers.Mismatch},
		"another currency":            {false, charges("success", "pg_currency", "KGS"), nil, providers.Unknown, providers.Mismatch},
		"no signature":                {false, reply{message: charges("success").message, bare: true}, nil, providers.Unknown, providers.BadSignature},
		"an empty script":             {false, reply{message: charges("success").message, script: "-"}, nil, providers.Approved, providers.NoReason},
		"another script":              {false, reply{message: charges("success").message, script: "init"}, nil, providers.Unknown, providers.BadSignature},
		"HTTP 502":                    {false, reply{status: 502}, nil, providers.Unknown, providers.ServerError},
		"failed, and confirmed":       {false, charges("error", "pg_failure_code", "10037"), []reply{failure}, providers.Declined, providers.DeclinedHard},
		"failed, and charged":         {false, charges("error", "pg_failure_code", "10037"), []reply{stands("success", "pg_captured", "1")}, providers.Approved, providers.NoReason},
		"failed, and no status":       {false, charges("error", "pg_failure_code", "10037"), []reply{{status: 500}}, providers.Unknown, providers.ServerError},
		"failed, and not found":       {false, charges("error", "pg_failure_code", "10037"), []reply{unknownOrder}, providers.Unknown, providers.Ambiguous},
		"error, and failed twice":     {false, refuses("10037"), []reply{failure, failure}, providers.Declined, providers.DeclinedHard},
		"error, failed, then charged": {false, refuses("10037"), []reply{failure, stands("success", "pg_captured", "1")}, providers.Approved, providers.NoReason},
		"EX-1001":                     {true, refuses("120"), []reply{stands("success", "pg_captured", "0")}, providers.Held, providers.NoReason},
		"EX-1001, the status lags":    {false, refuses("120"), []reply{untouched, stands("success", "pg_captured", "1")}, providers.Approved, providers.NoReason},
		"120 and untouched":           {false, refuses("120"), []reply{untouched, untouched}, providers.Pending, providers.Processing},
		"a decline and untouched":     {false, refuses("10009"), []reply{untouched, untouched}, providers.Declined, providers.DeclinedSoft},
		"our account and untouched":   {false, refuses("9996"), []reply{untouched, untouched}, providers.Unserved, providers.Misconfigured},
		"unclear and untouched":       {false, refuses("10000"), []reply{untouched, untouched}, providers.Pending, providers.Processing},
		"unknown and untouched":       {false, refuses("987654"), []reply{untouched, untouched}, providers.Pending, providers.Processing},
		"a decline and under way":     {false, refuses("10009"), []reply{stands("process")}, providers.Pending, providers.Processing},
		"already successful":          {false, refuses("10011"), []reply{stands("success", "pg_captured", "1")}, providers.Approved, providers.NoReason},
	} {
		atDesk(t, nil, append([]reply{unknownOrder, opened, c.direct}, c.looks...), func(t *testing.T, g *Gateway, d *desk) {
			ref := cardRef(t)
			ref.TwoStage = c.hold
			got := g.Charge(context.Background(), chargeOf(ref))
			if got.Verdict != c.want || got.Reason != c.reason || got.Absent {
				t.Errorf("%s: %s %q, absent %t (%v), want %s %q", name, got.Verdict, got.Reason, got.Absent, got.Err, c.want, c.reason)
			}
			if got.External != paymentID {
				t.Errorf("%s: the payment is called %q", name, got.External)
			}
			direct := 0
			for _, a := range d.asked {
				if scriptOf(a.path) == "direct" {
					direct++
				}
			}
			if direct != 1 || len(d.answers) > 0 {
				t.Errorf("%s: %d direct calls, %d answers left: %s", name, direct, len(d.answers), d.paths())
			}
		})
	}
}

// Until card/direct has left nothing was taken, and another gateway may be tried; unless
// there is word of an earlier payment under the number.
func TestNothingIsTakenBeforeTheDirectCall(t *testing.T) {
	for name, c := range map[string]struct {
		answers []reply
		want    providers.Verdict
		reason  providers.Reason
	}{
		"the order is there":        {[]reply{stands("new")}, providers.Unknown, providers.Duplicate},
		"the order is charged":      {[]reply{stands("success", "pg_captured", "1")}, providers.Unknown, providers.Duplicate},
		"the order is another's":    {[]reply{stands("success", "pg_order_id", "x1")}, providers.Unknown, providers.Duplicate},
		"no status":                 {[]reply{{status: 502}}, providers.Unserved, providers.NotSent},
		"our account":               {[]reply{refuses("9996")}, providers.Unserved, providers.Misconfigured},
		"init is silent":            {[]reply{unknownOrder, {status: 504}}, providers.Unserved, providers.NotSent},
		"init is unreadable":        {[]reply{unknownOrder, {body: "<html/>"}}, providers.Unserved, providers.NotSent},
		"init is unsigned":          {[]reply{unknownOrder, {message: opened.message, bare: true}}, providers.Unserved, providers.NotSent},
		"init names no payment":     {[]reply{unknownOrder, says("pg_status", "ok")}, providers.Unserved, providers.NotSent},
		"init names another order":  {[]reply{unknownOrder, says("pg_status", "ok", "pg_payment_id", paymentID, "pg_order_id", "x1")}, providers.Unserved, providers.NotSent},
		"init declines":             {[]reply{unknownOrder, refuses("10037")}, providers.Declined, providers.DeclinedHard},
		"init: the number is taken": {[]reply{unknownOrder, refuses("9991")}, providers.Unknown, providers.Duplicate},
		"init: charged before":      {[]reply{unknownOrder, refuses("10015")}, providers.Unknown, providers.Ambiguous},
		"init: geography":           {[]reply{unknownOrder, refuses("11027")}, providers.Unserved, providers.Unsupported},
	} {
		atDesk(t, nil, c.answers, func(t *testing.T, g *Gateway, d *desk) {
			got := g.Charge(context.Background(), chargeOf(cardRef(t)))
			if got.Verdict != c.want || got.Reason != c.reason || len(d.asked) != len(c.answers) {
				t.Errorf("%s: %s %q after %s (%v), want %s %q", name, got.Verdict, got.Reason, d.paths(), got.Err, c.want, c.reason)
			}
		})
	}
}

func TestAPaymentThatEndsMeanwhileIsNotCharged(t *testing.T) {
	slow := opened
	slow.after = 2 * time.Second
	atDesk(t, nil, []reply{unknownOrder, slow}, func(t *testing.T, g *Gateway, d *desk) {
		c := chargeOf(cardRef(t))
		c.Expires = time.Now().Add(time.Second)
		verdict(t, g.Charge(context.Background(), c), providers.Unserved, providers.Unsupported)
		if d.paths() != "get_status3.php card/init" {
			t.Errorf("asked %s", d.paths())
		}
	})
}

func TestScriptNamesOfCardAnswersAreCounted(t *testing.T) {
	atDesk(t, nil, []reply{unknownOrder, {message: opened.message, script: "-"}, charges("success"), stands("success")}, func(t *testing.T, g *Gateway, _ *desk) {
		g.Charge(context.Background(), chargeOf(cardRef(t)))
		g.Lookup(context.Background(), cardRef(t))
		if segment, empty := g.CardScripts(); segment != 1 || empty != 1 {
			t.Errorf("%d by the last segment, %d by none", segment, empty)
		}
	})
}
