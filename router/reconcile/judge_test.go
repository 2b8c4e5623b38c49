package reconcile_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router/payment"
	"github.com/payrouter/payrouter/router/reconcile"
)

// read is a complete statement of one business day.
func read(span providers.Window, lines ...providers.StatementLine) reconcile.Statement {
	return reconcile.Statement{Gateway: gateway, Span: span, Lines: lines}
}

// after is the business day n days after the one of these tests.
func after(n int) providers.Window { return reconcile.Day(noon.AddDate(0, 0, n), zone) }

func TestDaysThatAdjoinAreJudgedAsOneSpan(t *testing.T) {
	capture := after(1).From.Add(12 * time.Hour)
	for name, c := range map[string]struct {
		days []reconcile.Statement
		ours []reconcile.Entry
		want string
	}{
		"a pair on two sides of midnight": {
			[]reconcile.Statement{read(day, charge(providers.Approved, 1000, at(midnight.Add(-time.Minute)))), read(next)}, ours(paid(dated(midnight, midnight))), ""},
		"what no day of its range shows": {[]reconcile.Statement{read(next), read(day)}, ours(paid(dated(noon, capture))), "unknown_to_them"},
		"what may be dated on a day that nobody has read": {
			[]reconcile.Statement{read(day), read(after(2))}, ours(paid(dated(noon, capture))), ""},
		"a hold and its capture on the next day": {
			[]reconcile.Statement{read(day, charge(providers.Held, 1000)), read(next, charge(providers.Approved, 1000, at(capture)))}, ours(paid(wasHeld, dated(noon, capture))), ""},
		"a line that two days tell in the same words": {
			[]reconcile.Statement{read(day, charge(providers.Approved, 1000, at(midnight))), read(next, charge(providers.Approved, 1000, at(midnight.In(zone))))}, ours(paid(dated(midnight, midnight))), ""},
		"a line that one day tells twice": {
			[]reconcile.Statement{read(day, charge(providers.Approved, 1000), charge(providers.Approved, 1000)), read(next)}, ours(paid()), "duplicate_line"},
		"a movement that two days date differently": {
			[]reconcile.Statement{read(day, charge(providers.Approved, 1000, id("a"))), read(next, charge(providers.Approved, 1000, id("a"), at(capture)))}, ours(paid()), "duplicate_line"},
		"and two days with another between that nobody has read": {
			[]reconcile.Statement{read(day, charge(providers.Approved, 1000, id("a"))), read(after(2), charge(providers.Approved, 1000, id("a"), at(after(2).From)))}, ours(paid(dated(noon, after(2).From))), "duplicate_line"},
	} {
		if found := reconcile.Judge(c.days, c.ours, reconcile.Options{}).Findings; kinds(found) != c.want {
			t.Errorf("%s: found %q, want %q", name, kinds(found), c.want)
		}
	}
}

// What is judged together with others gets the findings that it gets alone: a run may take
// the orders of a day in pages of any size.
func TestOrdersDoNotTouchEachOther(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var days []reconcile.Statement
		for n := range rapid.IntRange(1, 4).Draw(t, "days") {
			if rapid.IntRange(0, 3).Draw(t, "read") > 0 {
				days = append(days, read(after(n-1)))
			}
		}
		alone := make([][]reconcile.Statement, 3)
		for i := range alone {
			alone[i] = slices.Clone(days)
		}
		var all []reconcile.Entry
		var want, got []string
		for i, name := range []string{"x", "y", "z"} {
			lines, entries := chaos(t)
			for j := range entries {
				e := &entries[j]
				e.Payment, e.Reference, e.Own, e.External = name+e.Payment, name+e.Reference, name+e.Own, name+e.External
			}
			for _, l := range lines {
				if l.Order, l.External = name+l.Order, name+l.External; len(days) > 0 {
					d := rapid.IntRange(0, len(days)-1).Draw(t, "day")
					alone[i][d].Lines = append(slices.Clip(alone[i][d].Lines), l)
					days[d].Lines = append(days[d].Lines, l)
				}
			}
			all = append(all, entries...)
			want = append(want, said(reconcile.Judge(alone[i], entries, reconcile.Options{}))...)
		}
		got = said(reconcile.Judge(days, all, reconcile.Options{}))
		slices.Sort(got)
		slices.Sort(want)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("alone and together (-alone +together):\n%s", diff)
		}
	})
}

// said is a judgement as lines of text, in no order.
func said(j reconcile.Judgement) []string {
	var all []string
	for _, f := range j.Findings {
		all = append(all, f.Key+": "+f.Detail())
	}
	for _, p := range j.Matched {
		all = append(all, fmt.Sprintf("matched %+v %+v", *p.Line, *p.Entry))
	}
	for _, p := range j.Carried {
		if p.Entry != nil {
			all = append(all, fmt.Sprintf("carried %+v", *p.Entry))
		}
	}
	for _, s := range j.Steps {
		all = append(all, fmt.Sprintf("step %+v", s))
	}
	return all
}

func TestWhatAgreesInMoneyIsLookedAtForItsFeeAndItsDate(t *testing.T) {
	fees := reconcile.Fees{{Currency: "KZT", BasisPoints: 200}}
	fee := func(minor int64) func(*providers.StatementLine) {
		return func(l *providers.StatementLine) { l.Fee = tenge(minor) }
	}
	settled := func(at time.Time) func(*providers.StatementLine) {
		return func(l *providers.StatementLine) { l.Settled = at }
	}
	week := reconcile.Options{Payout: 7 * 24 * time.Hour, Now: noon.AddDate(0, 0, 8)}
	two := reconcile.Options{Late: 2 * time.Hour}
	for name, c := range map[string]struct {
		o     reconcile.Options
		lines []providers.StatementLine
		ours  []reconcile.Entry
		want  string
	}{
		"the fee of the contract":       {reconcile.Options{Fees: fees}, theirs(charge(providers.Approved, 1000, fee(20))), ours(paid()), ""},
		"another fee":                   {reconcile.Options{Fees: fees}, theirs(charge(providers.Approved, 1000, fee(21))), ours(paid()), "fee_differs"},
		"no fee that is told":           {reconcile.Options{Fees: fees}, theirs(charge(providers.Approved, 1000)), ours(paid()), ""},
		"another fee of another amount": {reconcile.Options{Fees: fees}, theirs(charge(providers.Approved, 900, fee(21))), ours(paid()), "line_amount_differs"},
		"a net sum that a refund made smaller": {reconcile.Options{Fees: fees, NetFees: true},
			theirs(charge(providers.Approved, 1000, fee(320)), refund(providers.Approved, 300)), ours(paid(), refunded(1, 300)), ""},
		"a net sum that a refund of somebody else's made smaller": {reconcile.Options{Fees: fees, NetFees: true}, theirs(charge(providers.Approved, 1000, fee(320))),
			ours(paid(func(e *reconcile.Entry) { e.Returned = true })), ""},
		"a net sum without a refund": {reconcile.Options{Fees: fees, NetFees: true}, theirs(charge(providers.Approved, 1000, fee(320))), ours(paid()), "fee_differs"},
		"a date within the hours":    {two, theirs(charge(providers.Approved, 1000, at(noon.Add(2*time.Hour)))), ours(paid()), ""},
		"a date after them":          {two, theirs(charge(providers.Approved, 1000, at(noon.Add(2*time.Hour+1)))), ours(paid()), "settled_late"},
		"a date after all days":      {reconcile.Options{}, theirs(charge(providers.Approved, 1000, at(noon.Add(9*time.Hour)))), ours(paid()), ""},
		"a payout in time":           {week, theirs(charge(providers.Approved, 1000, settled(noon.AddDate(0, 0, 7)))), ours(paid()), ""},
		"a payout after its time":    {week, theirs(charge(providers.Approved, 1000, settled(noon.AddDate(0, 0, 7).Add(1)))), ours(paid()), "settled_late"},
		"a payout that is not there": {week, theirs(charge(providers.Approved, 1000)), ours(paid()), "settled_late"},
		"a payout that may come": {reconcile.Options{Payout: week.Payout, Now: noon.AddDate(0, 0, 7)},
			theirs(charge(providers.Approved, 1000)), ours(paid()), ""},
		"a hold, which is not paid out": {week, theirs(charge(providers.Held, 1000)), ours(paid(is(providers.Held))), ""},
	} {
		j := reconcile.Judge([]reconcile.Statement{read(day, c.lines...)}, c.ours, c.o)
		if kinds(j.Findings) != c.want || len(j.Matched)+len(j.Findings) != len(c.lines) {
			t.Errorf("%s: found %q, %d matched, want %q", name, kinds(j.Findings), len(j.Matched), c.want)
		}
		for _, f := range j.Findings {
			if f.Key == "" || f.Detail() == "" || f.Payment != "p" {
				t.Errorf("%s: %+v", name, f)
			}
		}
	}
}

func TestFindingsTeachWhatTheBooksDoNotKnow(t *testing.T) {
	lost := ours(paid(is(providers.Unknown)))
	j := reconcile.Judge([]reconcile.Statement{read(day, charge(providers.Approved, 1000, id("x")))}, lost, reconcile.Options{})
	want := []reconcile.Step{{Payment: "p", Attempt: 1, Result: providers.Result{Verdict: providers.Approved, External: "x", Amount: tenge(1000), Code: "approved"}}}
	if diff := cmp.Diff(want, j.Steps); diff != "" || kinds(j.Findings) != string(reconcile.StateDiffers) {
		t.Errorf("found %q (-want +got):\n%s", kinds(j.Findings), diff)
	}
}

// A refund that the bank made by itself must be known to whoever refunds next.
func TestRefundsThatWeDidNotMakeTeachHowMuchWentBackInAll(t *testing.T) {
	one, two := refund(providers.Approved, 300, id("r1")), refund(providers.Approved, 200, id("r2"))
	own := refunded(1, 200)
	own.External = "r2"
	for name, c := range map[string]struct {
		lines []providers.StatementLine
		ours  []reconcile.Entry
		want  int64
	}{
		"one of theirs":          {theirs(one), ours(paid()), 300},
		"theirs and ours":        {theirs(one, two), ours(paid(), own), 500},
		"ours alone":             {theirs(two), ours(paid(), own), 0},
		"all of it":              {theirs(one, two, refund(providers.Approved, 500, id("r3"))), ours(paid(), own), 1000},
		"more than was captured": {theirs(one, two, refund(providers.Approved, 501, id("r3"))), ours(paid(), own), 0},
		"one that was refused":   {theirs(refund(providers.Declined, 300, id("r1"))), ours(paid()), 0},
		"another currency":       {theirs(refund(providers.Approved, 300, id("r1"), func(l *providers.StatementLine) { l.Amount.Currency = "USD" })), ours(paid()), 0},
	} {
		j := reconcile.Judge([]reconcile.Statement{read(day, append(c.lines, charge(providers.Approved, 1000))...)}, c.ours, reconcile.Options{})
		var got int64
		for _, s := range j.Steps {
			got += s.Result.Returned.Minor
			if s.Result.Verdict != providers.Approved || s.Result.Amount != tenge(1000) || s.Attempt != 1 || s.Operation != 0 {
				t.Errorf("%s: %+v", name, s)
			}
		}
		if got != c.want {
			t.Errorf("%s: %d returned, want %d (found %q)", name, got, c.want, kinds(j.Findings))
		}
	}
}

func TestMoneyOnTwoAttemptsIsFoundUntilItIsGivenBack(t *testing.T) {
	closed := payment.Evidence{Attempt: 1, Kind: payment.AbsentConfirmed}
	bodies := []payment.Body{
		planned(1, "kaspi-main"), payment.Closed{Attempt: 1, Evidence: closed}, planned(2, gateway, closed), learnt(2, payment.FromResponse, providers.Approved),
		learnt(1, payment.FromNotice, providers.Approved),
	}
	p := told(t, false, bodies...)
	found := reconcile.Twice(p, minute(6))
	if len(found) != 1 || found[0].Kind != reconcile.HeldTwice || found[0].Gateway != "kaspi-main" || found[0].Attempt != 1 || found[0].Entry.Amount != tenge(1000) || found[0].Key == "" {
		t.Errorf("found %+v", found)
	}
	if found := reconcile.Twice(p, minute(5)); len(found) != 0 {
		t.Errorf("what was seen just now is found: %+v", found)
	}
	back := payment.OperationObserved{Operation: 1, Source: payment.FromResponse, Verdict: providers.Approved}
	p = told(t, false, append(bodies, payment.OperationPlanned{Operation: 1, Op: payment.OpRefund, Attempt: 1, Amount: tenge(1000)}, back)...)
	if found := reconcile.Twice(p, minute(9)); len(found) != 0 {
		t.Errorf("given back, and found: %+v", found)
	}
	if found := reconcile.Twice(told(t, false, bodies[:4]...), minute(9)); len(found) != 0 {
		t.Errorf("money on one attempt: %+v", found)
	}
}
