package freedompay

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/payrouter/payrouter/providers"
)

// standingCase is one row of the table of the notes, section 5.
type standingCase struct {
	word   string
	more   string // further fields, name=value
	card   bool
	hold   bool
	oneTry bool
	want   providers.Verdict
	reason providers.Reason
	amount string // of Approved and Held
	back   string // returned
}

var standings = []standingCase{
	{word: "new", want: providers.Pending, reason: providers.AwaitingPayer},
	{word: "waiting", want: providers.Pending, reason: providers.AwaitingPayer},
	{word: "need data", want: providers.Pending, reason: providers.AwaitingPayer},
	{word: "new", card: true, want: providers.Pending, reason: providers.Processing},
	{word: "pending", want: providers.Pending, reason: providers.PayerConfirming},
	{word: "process", want: providers.Pending, reason: providers.PayerConfirming},
	{word: "processing", card: true, want: providers.Pending, reason: providers.Processing},
	{word: "partial", want: providers.Pending, reason: providers.PayerConfirming},
	{word: "process", more: "pg_clearing_amount=14500", want: providers.Unknown, reason: providers.Ambiguous},

	{word: "success", more: "pg_captured=0 pg_clearing_amount=0", hold: true, want: providers.Held, amount: "14500"},
	{word: "success", more: "pg_captured=0", hold: true, want: providers.Held, amount: "14500"},
	{word: "success", more: "pg_captured=0", want: providers.Held, amount: "14500"},
	{word: "ok", more: "pg_captured=1", want: providers.Approved, amount: "14500"},
	{word: "success", more: "pg_captured=1 pg_clearing_amount=14500.0", want: providers.Approved, amount: "14500"},
	{word: "success", want: providers.Approved, amount: "14500"},
	{word: "success", more: "pg_clearing_amount=0", hold: true, want: providers.Held, amount: "14500"},
	{word: "success", more: "pg_captured=0 pg_clearing_amount=14500", want: providers.Approved, amount: "14500"},
	{word: "success", more: "pg_captured=1 pg_clearing_amount=5000", hold: true, want: providers.Approved, amount: "5000"},
	{word: "success", more: "pg_captured=1 pg_clearing_amount=5000", want: providers.Unknown, reason: providers.Mismatch},
	{word: "success", more: "pg_captured=1 pg_clearing_amount=14501", hold: true, want: providers.Unknown, reason: providers.Mismatch},
	{word: "success", more: "pg_captured=1 pg_clearing_amount=0", want: providers.Unknown, reason: providers.Ambiguous},
	{word: "success", more: "pg_captured=2", want: providers.Unknown, reason: providers.UnknownCode},
	{word: "success", more: "pg_captured=0 pg_revoke_amount=14500", hold: true, want: providers.Declined, reason: providers.Released},
	{word: "success", more: "pg_captured=1 pg_clearing_amount=14500 pg_refund_amount=-40", want: providers.Approved, amount: "14500", back: "40"},
	{word: "success", more: "pg_captured=1 pg_clearing_amount=14500 pg_refund_amount=40.00", want: providers.Approved, amount: "14500", back: "40"},
	{word: "success", more: "pg_captured=1 pg_clearing_amount=14500 pg_refund_amount=-0", want: providers.Approved, amount: "14500", back: "0"},
	{word: "success", more: "pg_captured=1 pg_clearing_amount=14500 pg_refund_amount=-20000", want: providers.Unknown, reason: providers.Ambiguous},
	{word: "success", more: "pg_captured=1 pg_clearing_amount=-14500", want: providers.Unknown, reason: providers.Unreadable},
	{word: "success", more: "pg_amount=-14500 pg_captured=1", want: providers.Unknown, reason: providers.Mismatch},
	{word: "success", more: "pg_captured=1 pg_clearing_amount=all", want: providers.Unknown, reason: providers.Unreadable},
	{word: "success", more: "pg_captured=1 pg_refund_amount=1e3", want: providers.Unknown, reason: providers.Unreadable},

	{word: "refunded", more: "pg_captured=1 pg_clearing_amount=14500 pg_refund_amount=-14500", want: providers.Approved, amount: "14500", back: "14500"},
	{word: "refunded", want: providers.Approved, amount: "14500", back: "14500"},

	{word: "error", more: "pg_failure_code=10009", want: providers.Pending, reason: providers.AwaitingPayer},
	{word: "error", more: "pg_failure_code=10009", oneTry: true, want: providers.Declined, reason: providers.DeclinedSoft},
	{word: "error", more: "pg_failure_code=10037", card: true, want: providers.Declined, reason: providers.DeclinedHard},
	{word: "failed", more: "pg_error_code=10017", card: true, want: providers.Declined, reason: providers.DeclinedHard},
	{word: "rejected", card: true, want: providers.Declined, reason: providers.DeclinedHard},
	{word: "error", more: "pg_failure_code=99999", card: true, want: providers.Declined, reason: providers.DeclinedHard},
	{word: "error", more: "pg_failure_code=850", card: true, want: providers.Unserved, reason: providers.Maintenance},
	{word: "error", more: "pg_failure_code=10018", card: true, want: providers.Declined, reason: providers.Expired},
	{word: "error", more: "pg_failure_code=10011", card: true, want: providers.Unknown, reason: providers.Ambiguous},
	{word: "error", more: "pg_failure_code=10009 pg_captured=1 pg_clearing_amount=14500", card: true, want: providers.Approved, amount: "14500"},

	{word: "revoked", hold: true, want: providers.Declined, reason: providers.Released},
	{word: "canceled", hold: true, want: providers.Declined, reason: providers.Released},
	{word: "cancelled", more: "pg_captured=0 pg_clearing_amount=0 pg_revoke_amount=14500", hold: true, want: providers.Declined, reason: providers.Released},
	{word: "revoked", more: "pg_clearing_amount=14500 pg_refund_amount=-14500", want: providers.Approved, amount: "14500", back: "14500"},
	{word: "revoked", more: "pg_clearing_amount=14500", want: providers.Unknown, reason: providers.Ambiguous},
	{word: "incomplete", want: providers.Declined, reason: providers.Expired},
	{word: "expired", want: providers.Declined, reason: providers.Expired},
	{word: "incomplete", more: "pg_clearing_amount=14500", want: providers.Approved, amount: "14500"},

	{word: "teleported", want: providers.Unknown, reason: providers.UnknownCode},
	{word: "Success", more: "pg_captured=1 pg_clearing_amount=14500", want: providers.Unknown, reason: providers.UnknownCode},
	{word: "", want: providers.Unknown, reason: providers.Unreadable},
	{word: "success", more: "pg_amount=14500.01 pg_captured=1", want: providers.Unknown, reason: providers.Mismatch},
	{word: "success", more: "pg_amount=14500 pg_captured=1", want: providers.Approved, amount: "14500"},
	{word: "success", more: "pg_currency=USD pg_captured=1", want: providers.Unknown, reason: providers.Mismatch},
	{word: "success", more: "pg_currency= pg_captured=1", want: providers.Unknown, reason: providers.Unreadable},
	{word: "success", more: "pg_amount= pg_captured=1", want: providers.Unknown, reason: providers.Unreadable},
	{word: "error", more: "pg_amount=1 pg_failure_code=10009", card: true, want: providers.Unknown, reason: providers.Mismatch},
}

func (c standingCase) answer() reply {
	r := stands(c.word)
	for _, pair := range strings.Fields(c.more) {
		name, value, _ := strings.Cut(pair, "=")
		r.message.replace(name, value)
	}
	return r
}

func TestAStatusIsReadBySumsFirstAndWordsSecond(t *testing.T) {
	for _, c := range standings {
		ref := pageRef(t)
		if c.card {
			ref = cardRef(t)
		}
		ref.TwoStage = c.hold
		atDesk(t, func(config *Config) { config.OneTry = c.oneTry }, []reply{c.answer(), c.answer()}, func(t *testing.T, g *Gateway, d *desk) {
			got := g.Lookup(context.Background(), ref)
			if got.Verdict != c.want || got.Reason != c.reason {
				t.Errorf("%q %s: %s %q (%v), want %s %q", c.word, c.more, got.Verdict, got.Reason, got.Err, c.want, c.reason)
			}
			if c.amount != "" && got.Amount != tenge(t, c.amount) {
				t.Errorf("%q %s: an amount of %s, want %s", c.word, c.more, got.Amount, c.amount)
			}
			if c.back != "" && got.Returned != tenge(t, c.back) || c.back == "" && got.Returned.Minor != 0 {
				t.Errorf("%q %s: %s returned, want %q", c.word, c.more, got.Returned, c.back)
			}
			looks := 1
			if c.want == providers.Declined && states[c.word] == failed || c.want == providers.Unserved {
				looks = 2
			}
			if len(d.asked) != looks {
				t.Errorf("%q %s: %d looks, want %d", c.word, c.more, len(d.asked), looks)
			}
		})
	}
}

// EX-1001: what is called failed once may have been charged.
func TestAFailureIsBelievedWhenSeenTwice(t *testing.T) {
	failure, success := stands("error", "pg_failure_code", "10009"), stands("success", "pg_captured", "1")
	for name, c := range map[string]struct {
		second reply
		want   providers.Verdict
		reason providers.Reason
	}{
		"twice":             {failure, providers.Declined, providers.DeclinedSoft},
		"then charged":      {success, providers.Approved, providers.NoReason},
		"then under way":    {stands("process"), providers.Pending, providers.Processing},
		"then no answer":    {reply{status: 502}, providers.Unknown, providers.ServerError},
		"then not found":    {refuses("11068"), providers.Unknown, providers.Ambiguous},
		"then another word": {stands("teleported"), providers.Unknown, providers.UnknownCode},
		"then another sum":  {stands("success", "pg_amount", "1"), providers.Unknown, providers.Mismatch},
	} {
		atDesk(t, nil, []reply{failure, c.second}, func(t *testing.T, g *Gateway, d *desk) {
			got := g.Lookup(context.Background(), cardRef(t))
			if got.Verdict != c.want || got.Reason != c.reason {
				t.Errorf("%s: %s %q, want %s %q", name, got.Verdict, got.Reason, c.want, c.reason)
			}
			if len(d.asked) != 2 {
				t.Fatalf("%s: %d looks", name, len(d.asked))
			}
			if apart := d.asked[1].at.Sub(d.asked[0].at); apart < 1500*time.Millisecond {
				t.Errorf("%s: the looks are %s apart, the guidance is 1.5 to 2 seconds", name, apart)
			}
		})
	}
	atDesk(t, func(c *Config) { c.Timeouts.Status = time.Second }, []reply{failure}, func(t *testing.T, g *Gateway, _ *desk) {
		verdict(t, g.Lookup(context.Background(), cardRef(t)), providers.Unknown, providers.Ambiguous)
	})
	atDesk(t, nil, []reply{failure}, func(t *testing.T, g *Gateway, _ *desk) {
		ctx, giveUp := context.WithTimeout(context.Background(), time.Second)
		defer giveUp()
		verdict(t, g.Lookup(ctx, cardRef(t)), providers.Unknown, providers.Ambiguous)
	})
}

func TestNotFoundIsAbsentAndNothingElseIs(t *testing.T) {
	for name, c := range map[string]struct {
		answer reply
		absent bool
		reason providers.Reason
	}{
		"11068":                 {refuses("11068"), true, providers.Ambiguous},
		"340":                   {refuses("340"), true, providers.Ambiguous},
		"payment id 0":          {says("pg_status", "ok", "pg_payment_id", "0"), true, providers.Ambiguous},
		"11068 unsigned":        {reply{message: refuses("11068").message, bare: true}, true, providers.Ambiguous},
		"11068 wrongly signed":  {reply{message: refuses("11068").message, spoiled: true}, false, providers.BadSignature},
		"0 unsigned":            {reply{message: flat("pg_status", "ok", "pg_payment_id", "0"), bare: true}, false, providers.BadSignature},
		"11068 of another call": {reply{message: refuses("11068").message, script: "revoke.php"}, false, providers.BadSignature},
		"no payment id":         {says("pg_status", "ok"), false, providers.Unreadable},
		"our account":           {refuses("9996"), false, providers.Misconfigured},
		"system error":          {refuses("9999"), false, providers.ServerError},
		"unknown code":          {refuses("987654"), false, providers.UnknownCode},
		"a decline":             {refuses("10009"), false, providers.Ambiguous},
		"HTTP 404":              {reply{status: 404, body: "<response/>"}, false, providers.Unreadable},
		"another order":         {stands("success", "pg_order_id", "KZ-2026-000482"), false, providers.Mismatch},
		"another payment":       {stands("success", "pg_payment_id", "915334408"), false, providers.Mismatch},
		"no order":              {stands("success", "pg_order_id", ""), false, providers.Unreadable},
	} {
		atDesk(t, nil, []reply{c.answer}, func(t *testing.T, g *Gateway, _ *desk) {
			ref := pageRef(t)
			if c.absent {
				ref.External = ""
			}
			got := g.Lookup(context.Background(), ref)
			if got.Verdict != providers.Unknown || got.Absent != c.absent || got.Reason != c.reason {
				t.Errorf("%s: %s %q, absent %t (%v)", name, got.Verdict, got.Reason, got.Absent, got.Err)
			}
		})
		if !c.absent {
			continue
		}
		atDesk(t, nil, []reply{c.answer}, func(t *testing.T, g *Gateway, _ *desk) {
			if got := g.Lookup(context.Background(), pageRef(t)); got.Verdict != providers.Unknown || got.Absent {
				t.Errorf("%s, about a number that they gave: %s %q, absent %t", name, got.Verdict, got.Reason, got.Absent)
			}
		})
	}
}

func TestAPaymentIsAskedByItsIDOnceThatIsKnown(t *testing.T) {
	atDesk(t, nil, []reply{stands("new"), stands("new")}, func(t *testing.T, g *Gateway, d *desk) {
		ref := pageRef(t)
		ref.External = ""
		if got := g.Lookup(context.Background(), ref); got.External != paymentID {
			t.Errorf("the payment is called %q", got.External)
		}
		g.Lookup(context.Background(), pageRef(t))
		first, second := d.asked[0].fields, d.asked[1].fields
		if first.text("pg_order_id") != orderNumber || first.text("pg_payment_id") != "" || second.text("pg_payment_id") != paymentID || second.text("pg_order_id") != "" {
			t.Errorf("asked by %+v, then by %+v", first, second)
		}
		if d.paths() != "get_status3.php get_status3.php" || first.text(fieldSalt) == second.text(fieldSalt) {
			t.Errorf("asked %s with salts %q and %q", d.paths(), first.text(fieldSalt), second.text(fieldSalt))
		}
		verdict(t, g.Lookup(context.Background(), providers.Ref{}), providers.Unknown, providers.NotSent)
	})
}

// The answer of vector F3b, as it came.
func TestThePrintedStatusIsApprovedWithWhatWasReturned(t *testing.T) {
	atDesk(t, nil, []reply{{body: string(read(t, "status_refunds.answer.xml"))}}, func(t *testing.T, g *Gateway, _ *desk) {
		got := g.Lookup(context.Background(), pageRef(t))
		verdict(t, got, providers.Approved, providers.NoReason)
		if got.Amount != tenge(t, "14500") || got.Returned != tenge(t, "5000") {
			t.Errorf("%s, returned %s", got.Amount, got.Returned)
		}
	})
}

func TestAnAnswerThatIsNotVouchedForIsDoubt(t *testing.T) {
	good := stands("success", "pg_captured", "1")
	for name, c := range map[string]struct {
		answer reply
		reason providers.Reason
	}{
		"unsigned":                {reply{message: good.message, bare: true}, providers.BadSignature},
		"wrongly signed":          {reply{message: good.message, spoiled: true}, providers.BadSignature},
		"signed for another call": {reply{message: good.message, script: "get_status2.php"}, providers.BadSignature},
		"signed for no call":      {reply{message: good.message, script: "-"}, providers.BadSignature}, // the exception is about cards
		"another word than ok":    {stands("success", "pg_status", "okay"), providers.UnknownCode},
		"no word":                 {stands("success", "pg_status", ""), providers.UnknownCode},
		"HTTP 401 that says ok":   {reply{status: 401, body: string(good.written("get_status3.php"))}, providers.Unreadable},
		"HTTP 401 without a body": {reply{status: 401}, providers.Unreadable},
		"HTTP 401 with a decline": {reply{status: 401, body: string(refuses("10009").written("get_status3.php"))}, providers.Unreadable},
		"HTTP 401 with bad sig":   {reply{status: 401, body: "<response><pg_status>error</pg_status><pg_error_code>1100</pg_error_code></response>"}, providers.Misconfigured},
		"HTTP 200 with 9998":      {reply{message: refuses("9998").message, bare: true}, providers.Misconfigured},
		"HTTP 200 with 100":       {reply{message: refuses("100").message, bare: true}, providers.Misconfigured},
		"a document type":         {reply{body: `<!DOCTYPE r><response><pg_status>ok</pg_status></response>`}, providers.Unreadable},
		"HTML":                    {reply{body: "<html><body>Ведутся работы</body></html>"}, providers.Unreadable},
		"HTTP 429":                {reply{status: 429}, providers.Unreadable},
		"HTTP 503":                {reply{status: 503, body: string(good.written("get_status3.php"))}, providers.ServerError},
		"an id that is no number": {stands("success", "pg_payment_id", "abc"), providers.Unreadable},
		"two status words":        {func() reply { r := stands("success"); r.message.add("pg_payment_status", "error"); return r }(), providers.Unreadable},
		"a refund that is no sum": {func() reply { r := stands("success"); r.message.add("pg_refund_amount", "много"); return r }(), providers.Unreadable},
		"a huge sum":              {stands("success", "pg_amount", "99999999999999999999"), providers.Unreadable},
		"three decimals":          {stands("success", "pg_amount", "14500.001"), providers.Unreadable},
	} {
		atDesk(t, nil, []reply{c.answer}, func(t *testing.T, g *Gateway, _ *desk) {
			got := g.Lookup(context.Background(), pageRef(t))
			if got.Verdict != providers.Unknown || got.Absent || got.Reason != c.reason {
				t.Errorf("%s: %s %q, absent %t (%v), want %q", name, got.Verdict, got.Reason, got.Absent, got.Err, c.reason)
			}
		})
	}
}
