package office

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router/payment"
)

// gave is a refund of the attempt, an hour later each.
func gave(n int, minor int64, v providers.Verdict, before int64, external string) payment.Operation {
	return payment.Operation{OperationPlanned: payment.OperationPlanned{Operation: n, Op: payment.OpRefund, Attempt: 1, Amount: tenge(minor), Before: before},
		At: noon.Add(time.Duration(n) * time.Hour), Verdict: v, External: external}
}

func TestASumGivenBackIsSpreadOverOurRefunds(t *testing.T) {
	const done, open, refused = providers.Approved, providers.Unknown, providers.Declined
	named := func(minor int64, v providers.Verdict, id string) providers.StatementLine {
		return providers.StatementLine{Kind: providers.LineRefund, Verdict: v, Amount: tenge(minor), External: id}
	}
	for name, c := range map[string]struct {
		ours []payment.Operation
		told providers.Told
		want string // what each line is, and at which hour its movement began
	}{
		"nothing":                          {nil, providers.Told{}, ""},
		"all of ours":                      {[]payment.Operation{gave(1, 100, done, 0, "a"), gave(2, 200, done, 100, "")}, providers.Told{Returned: tenge(300)}, "100 a at 1, 200  at 2"},
		"the newest is missing":            {[]payment.Operation{gave(1, 100, done, 0, "a"), gave(2, 200, done, 100, "b")}, providers.Told{Returned: tenge(100)}, "100 a at 1"},
		"a part of the newest":             {[]payment.Operation{gave(1, 100, done, 0, "a"), gave(2, 200, done, 100, "b")}, providers.Told{Returned: tenge(150)}, "100 a at 1, 50 b at 2"},
		"more than ours":                   {[]payment.Operation{gave(1, 100, done, 0, "a")}, providers.Told{Returned: tenge(500)}, "100 a at 1, 400  at 0"},
		"a lost one that was made":         {[]payment.Operation{gave(1, 100, done, 0, "a"), gave(2, 200, open, 100, "")}, providers.Told{Returned: tenge(300)}, "100 a at 1, 200  at 2"},
		"a lost one that was not":          {[]payment.Operation{gave(1, 100, done, 0, "a"), gave(2, 200, open, 100, "")}, providers.Told{Returned: tenge(100)}, "100 a at 1"},
		"a lost one, and who knows":        {[]payment.Operation{gave(1, 100, done, 0, "a"), gave(2, 200, open, 100, "")}, providers.Told{Returned: tenge(350)}, "100 a at 1, 250  at 0"},
		"a lost one after one by the bank": {[]payment.Operation{gave(1, 200, open, 200, "")}, providers.Told{Returned: tenge(200)}, "200  at 0"},
		"both of them":                     {[]payment.Operation{gave(1, 200, open, 200, "")}, providers.Told{Returned: tenge(400)}, "200  at 1, 200  at 0"},
		"a refused one is nobody's":        {[]payment.Operation{gave(1, 200, refused, 0, "")}, providers.Told{Returned: tenge(200)}, "200  at 0"},
		"one by one":                       {[]payment.Operation{gave(1, 100, done, 0, "a"), gave(2, 200, done, 100, "b")}, providers.Told{Refunds: []providers.StatementLine{named(200, done, "b")}}, "200 b at 2"},
		"one by one, and the whole":        {[]payment.Operation{gave(1, 100, done, 0, "a"), gave(2, 200, done, 100, "b")}, providers.Told{Refunds: []providers.StatementLine{named(200, done, "b")}, Returned: tenge(1000)}, "200 b at 2, 100 a at 1, 700  at 0"},
		"one that they canceled":           {[]payment.Operation{gave(1, 100, done, 0, "a")}, providers.Told{Refunds: []providers.StatementLine{named(100, refused, "a")}}, "100 a declined at 1"},
		"no sum told":                      {[]payment.Operation{gave(1, 100, done, 0, "a")}, providers.Told{}, ""},
	} {
		a := payment.Attempt{N: 1, Planned: noon, Reference: "ref"}
		c.told.Known, c.told.Charge = true, providers.StatementLine{Kind: providers.LineCharge, Order: "ref", Verdict: providers.Approved, Amount: tenge(1000)}
		var said []string
		for _, l := range linesOf(payment.Payment{Operations: c.ours}, a, c.told)[1:] {
			what := fmt.Sprintf("%d %s", l.Amount.Minor, l.External)
			if l.Verdict != providers.Approved {
				what += " " + l.Verdict.String()
			}
			said = append(said, fmt.Sprintf("%s at %d", what, l.began.Sub(noon)/time.Hour))
			if !l.At.Equal(l.began) || l.Kind != providers.LineRefund {
				t.Errorf("%s: %+v", name, l)
			}
		}
		if got := strings.Join(said, ", "); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
	if lines := linesOf(payment.Payment{}, payment.Attempt{}, providers.Told{}); len(lines) != 0 {
		t.Errorf("what they do not have has lines: %v", lines)
	}
}

func TestALineWithoutATimeHasThatOfOurBooks(t *testing.T) {
	taken, theirs := noon.Add(time.Minute), noon.Add(time.Hour)
	for _, c := range []struct{ told, taken, want time.Time }{{theirs, taken, theirs}, {time.Time{}, taken, taken}, {time.Time{}, time.Time{}, noon}} {
		a := payment.Attempt{N: 1, Planned: noon, Taken: c.taken}
		lines := linesOf(payment.Payment{}, a, providers.Told{Known: true, Charge: providers.StatementLine{At: c.told}})
		if len(lines) != 1 || !lines[0].At.Equal(c.want) || !lines[0].began.Equal(noon) {
			t.Errorf("%+v", lines)
		}
	}
}
