package reconcile_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router/payment"
	"github.com/payrouter/payrouter/router/reconcile"
)

// The business day of these tests, and its noon.
var (
	zone = time.FixedZone("Asia/Almaty", 5*60*60)
	noon = time.Date(2026, 3, 14, 12, 0, 0, 0, zone).UTC()
	day  = reconcile.Day(noon, zone)
	next = reconcile.Day(noon.AddDate(0, 0, 1), zone)
)

const gateway = "halyk-main"

func tenge(minor int64) providers.Money { return providers.Money{Minor: minor, Currency: "KZT"} }

// paid is our entry of a charge of 1000 at noon, and changes to it.
func paid(change ...func(*reconcile.Entry)) reconcile.Entry {
	e := reconcile.Entry{Kind: providers.LineCharge, Payment: "p", Attempt: 1, Reference: "rt-1", Verdict: providers.Approved, Amount: tenge(1000), At: noon}
	for _, c := range change {
		c(&e)
	}
	return e
}

// refunded is our entry of a refund of paid, made an hour later.
func refunded(operation int, minor int64, change ...func(*reconcile.Entry)) reconcile.Entry {
	e := paid(change...)
	e.Kind, e.Operation, e.Amount, e.At = providers.LineRefund, operation, tenge(minor), noon.Add(time.Hour)
	return e
}

func is(v providers.Verdict) func(*reconcile.Entry) {
	return func(e *reconcile.Entry) { e.Verdict = v }
}

func wasHeld(e *reconcile.Entry) { e.WasHeld = true }

func dated(at, last time.Time) func(*reconcile.Entry) {
	return func(e *reconcile.Entry) { e.At, e.Last = at, last }
}

func ours(all ...reconcile.Entry) []reconcile.Entry                   { return all }
func theirs(all ...providers.StatementLine) []providers.StatementLine { return all }

// charge is a line about paid, at noon.
func charge(v providers.Verdict, minor int64, change ...func(*providers.StatementLine)) providers.StatementLine {
	l := providers.StatementLine{Kind: providers.LineCharge, Order: "rt-1", Verdict: v, Amount: tenge(minor), At: noon, Code: v.String()}
	for _, c := range change {
		c(&l)
	}
	return l
}

func refund(v providers.Verdict, minor int64, change ...func(*providers.StatementLine)) providers.StatementLine {
	l := charge(v, minor, change...)
	l.Kind, l.At = providers.LineRefund, l.At.Add(time.Hour)
	return l
}

func id(external string) func(*providers.StatementLine) {
	return func(l *providers.StatementLine) { l.External = external }
}

// released marks a line as a hold that was given back.
func released(l *providers.StatementLine) { l.Reason = providers.Released }

func order(text string) func(*providers.StatementLine) {
	return func(l *providers.StatementLine) { l.Order = text }
}

func at(t time.Time) func(*providers.StatementLine) {
	return func(l *providers.StatementLine) { l.At = t }
}

func match(span providers.Window, lines []providers.StatementLine, entries []reconcile.Entry) reconcile.Result {
	return reconcile.Match(reconcile.Statement{Gateway: gateway, Span: span, Lines: lines}, entries, reconcile.Options{})
}

func kinds(found []reconcile.Finding) string {
	var all []string
	for _, f := range found {
		all = append(all, string(f.Kind))
	}
	return strings.Join(all, " ")
}

// SAFETY section 6, row reconciliation: unknown, missing, different, double.
func TestEveryDisagreementIsFoundUnderItsKind(t *testing.T) {
	for _, c := range []struct {
		name    string
		lines   []providers.StatementLine
		entries []reconcile.Entry
		want    []reconcile.Kind
	}{
		{"a charge of no order of ours", theirs(charge(providers.Approved, 1000)), nil, []reconcile.Kind{reconcile.UnknownToUs}},
		{"a hold of no order of ours", theirs(charge(providers.Held, 1000)), nil, []reconcile.Kind{reconcile.UnknownToUs}},
		{"the same sum under another order", theirs(charge(providers.Approved, 1000, order("rt-2"))), ours(paid()),
			[]reconcile.Kind{reconcile.UnknownToUs, reconcile.UnknownToThem}},
		{"two charges that carry no name", theirs(charge(providers.Approved, 1000, order("")), charge(providers.Approved, 1000, order(""))), nil,
			[]reconcile.Kind{reconcile.UnknownToUs, reconcile.UnknownToUs}},
		{"a hold and a charge that carry no name", theirs(charge(providers.Held, 1000, order("")), charge(providers.Approved, 1000, order(""))), nil,
			[]reconcile.Kind{reconcile.UnknownToUs, reconcile.UnknownToUs}},
		{"money they do not show", nil, ours(paid()), []reconcile.Kind{reconcile.UnknownToThem}},
		{"a hold they do not show", nil, ours(paid(is(providers.Held))), []reconcile.Kind{reconcile.UnknownToThem}},
		{"less than we think", theirs(charge(providers.Approved, 999)), ours(paid()), []reconcile.Kind{reconcile.AmountDiffers}},
		{"more than we hold", theirs(charge(providers.Held, 1001)), ours(paid(is(providers.Held))), []reconcile.Kind{reconcile.AmountDiffers}},
		{"money without an amount", theirs(charge(providers.Approved, 1000, func(l *providers.StatementLine) { l.Amount = providers.Money{} })), ours(paid()),
			[]reconcile.Kind{reconcile.AmountDiffers}},
		{"the same figure in another currency", theirs(charge(providers.Approved, 1000, func(l *providers.StatementLine) { l.Amount.Currency = "USD" })),
			ours(paid()), []reconcile.Kind{reconcile.CurrencyDiffers}},
		{"captured there and held here", theirs(charge(providers.Approved, 1000)), ours(paid(is(providers.Held))), []reconcile.Kind{reconcile.StateDiffers}},
		{"held there and captured here", theirs(charge(providers.Held, 1000)), ours(paid()), []reconcile.Kind{reconcile.StateDiffers}},
		{"declined there and captured here", theirs(charge(providers.Declined, 0)), ours(paid()), []reconcile.Kind{reconcile.StateDiffers}},
		{"pending there and captured here", theirs(charge(providers.Pending, 1000)), ours(paid()), []reconcile.Kind{reconcile.StateDiffers}},
		{"captured there and declined here", theirs(charge(providers.Approved, 1000)), ours(paid(is(providers.Declined))), []reconcile.Kind{reconcile.StateDiffers}},
		{"captured there and undecided here", theirs(charge(providers.Approved, 1000)), ours(paid(is(providers.Unknown))), []reconcile.Kind{reconcile.StateDiffers}},
		{"a hold they still have and we gave back", theirs(charge(providers.Held, 1000)), ours(paid(is(providers.Declined), wasHeld)),
			[]reconcile.Kind{reconcile.StateDiffers}},
		{"a hold they gave back and we still have", theirs(charge(providers.Held, 1000), charge(providers.Declined, 1000, released, at(noon.Add(time.Minute)))),
			ours(paid(is(providers.Held))), []reconcile.Kind{reconcile.StateDiffers}},
		{"a charge that they took back afterwards", theirs(charge(providers.Approved, 1000, id("a")), charge(providers.Declined, 1000, id("a"), at(noon.Add(time.Minute)))),
			ours(paid()), []reconcile.Kind{reconcile.StateDiffers}},
		{"a charge of no order of ours that they took back afterwards", theirs(charge(providers.Approved, 1000, id("a")), charge(providers.Declined, 1000, id("a"), at(noon.Add(time.Minute)))),
			nil, []reconcile.Kind{reconcile.UnknownToUs}},
		{"a state nobody can read", theirs(charge(providers.Unknown, 1000)), ours(paid()), []reconcile.Kind{reconcile.StateDiffers}},
		{"a state nobody can read about what we do not know either", theirs(charge(providers.Unknown, 1000)), ours(paid(is(providers.Unknown))),
			[]reconcile.Kind{reconcile.StateDiffers}},
		{"a direction nobody can read", theirs(charge(providers.Approved, 1000, func(l *providers.StatementLine) { l.Kind = "chargeback" })), ours(paid()),
			[]reconcile.Kind{reconcile.StateDiffers}},
		{"a state nobody can read beside the money", theirs(charge(providers.Approved, 1000), charge(providers.Unknown, 1000)), ours(paid()),
			[]reconcile.Kind{reconcile.UnknownToUs}},
		{"a line told twice", theirs(charge(providers.Approved, 1000, id("a")), charge(providers.Approved, 1000, id("a"))), ours(paid()),
			[]reconcile.Kind{reconcile.DuplicateLine}},
		{"a line without ids told twice", theirs(charge(providers.Approved, 1000), charge(providers.Approved, 1000)), ours(paid()),
			[]reconcile.Kind{reconcile.DuplicateLine}},
		{"a line of no order of ours told three times", theirs(charge(providers.Approved, 7), charge(providers.Approved, 7), charge(providers.Approved, 7)), nil,
			[]reconcile.Kind{reconcile.UnknownToUs, reconcile.DuplicateLine, reconcile.DuplicateLine}},
		{"a second charge of another amount, without ids", theirs(charge(providers.Approved, 1000), charge(providers.Approved, 10)), ours(paid()),
			[]reconcile.Kind{reconcile.UnknownToUs}},
		{"a second charge under one order", theirs(charge(providers.Approved, 1000, id("a")), charge(providers.Approved, 1000, id("b"))), ours(paid()),
			[]reconcile.Kind{reconcile.UnknownToUs}},
		{"a second hold after the capture", theirs(charge(providers.Approved, 1000, id("a")), charge(providers.Held, 1000, id("b"))), ours(paid()),
			[]reconcile.Kind{reconcile.UnknownToUs}},
		{"a refund they do not show", theirs(charge(providers.Approved, 1000)), ours(paid(), refunded(1, 300)), []reconcile.Kind{reconcile.RefundMissing}},
		{"one of two equal refunds they do not show", theirs(charge(providers.Approved, 1000), refund(providers.Approved, 300)),
			ours(paid(), refunded(1, 300), refunded(2, 300)), []reconcile.Kind{reconcile.RefundMissing}},
		{"a refund we did not make", theirs(charge(providers.Approved, 1000), refund(providers.Approved, 300)), ours(paid()), []reconcile.Kind{reconcile.RefundUnknownToUs}},
		{"a refund of no order of ours", theirs(refund(providers.Approved, 300)), nil, []reconcile.Kind{reconcile.RefundUnknownToUs}},
		{"two equal refunds of which we made one", theirs(charge(providers.Approved, 1000), refund(providers.Approved, 300), refund(providers.Approved, 300)),
			ours(paid(), refunded(1, 300)), []reconcile.Kind{reconcile.RefundUnknownToUs}},
		{"a refund line told twice", theirs(charge(providers.Approved, 1000), refund(providers.Approved, 300, id("r")), refund(providers.Approved, 300, id("r"))),
			ours(paid(), refunded(1, 300)), []reconcile.Kind{reconcile.DuplicateLine}},
		{"a refund line under the refund's own number told twice, and an equal refund they do not show",
			theirs(charge(providers.Approved, 1000), refund(providers.Approved, 300, order("rt-1-r1")), refund(providers.Approved, 300, order("rt-1-r1"))),
			ours(paid(), refunded(1, 300, func(e *reconcile.Entry) { e.Own = "rt-1-r1" }), refunded(2, 300, func(e *reconcile.Entry) { e.Own = "rt-1-r2" })),
			[]reconcile.Kind{reconcile.DuplicateLine, reconcile.RefundMissing}},
		{"a charge under the number of a refund", theirs(charge(providers.Approved, 1000), charge(providers.Approved, 1000, order("rt-1-r1"))),
			ours(paid(), refunded(1, 300, is(providers.Declined), func(e *reconcile.Entry) { e.Own = "rt-1-r1" })), []reconcile.Kind{reconcile.UnknownToUs}},
		{"two refunds that carry the payment's id, of which we made one", theirs(refund(providers.Approved, 300, id("x")), refund(providers.Approved, 300, id("x"))),
			ours(paid(is(providers.Declined), func(e *reconcile.Entry) { e.External = "x" }), refunded(1, 300)), []reconcile.Kind{reconcile.RefundUnknownToUs}},
		{"a refund that is held, whatever that means, and one refused", theirs(refund(providers.Held, 300), refund(providers.Declined, 300)), nil,
			[]reconcile.Kind{reconcile.RefundUnknownToUs}},
		{"a refund of another amount", theirs(charge(providers.Approved, 1000), refund(providers.Approved, 299)), ours(paid(), refunded(1, 300)),
			[]reconcile.Kind{reconcile.AmountDiffers}},
		{"a refund that is done there and unknown here", theirs(charge(providers.Approved, 1000), refund(providers.Approved, 300)),
			ours(paid(), refunded(1, 300, is(providers.Unknown))), []reconcile.Kind{reconcile.StateDiffers}},
		{"a refund that is done there and refused here", theirs(charge(providers.Approved, 1000), refund(providers.Approved, 300)),
			ours(paid(), refunded(1, 300, is(providers.Declined))), []reconcile.Kind{reconcile.StateDiffers}},
		{"a refund that is pending there and done here", theirs(charge(providers.Approved, 1000), refund(providers.Pending, 300)),
			ours(paid(), refunded(1, 300)), []reconcile.Kind{reconcile.StateDiffers}},
		{"a refund of another amount than the refused one", theirs(charge(providers.Approved, 1000), refund(providers.Approved, 200)),
			ours(paid(), refunded(1, 300, is(providers.Declined))), []reconcile.Kind{reconcile.RefundUnknownToUs}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := match(day, c.lines, c.entries)
			var want []string
			for _, k := range c.want {
				want = append(want, string(k))
			}
			if got := kinds(r.Findings); len(r.Findings) != len(want) || !sameWords(got, strings.Join(want, " ")) {
				t.Fatalf("found %q, want %q", got, want)
			}
			for _, f := range r.Findings {
				if f.Gateway != gateway || f.Line == nil && f.Entry == nil || f.Entry != nil && f.Payment != "p" {
					t.Errorf("a finding does not say what it is about: %+v", f)
				}
			}
		})
	}
}

func sameWords(a, b string) bool {
	count := map[string]int{}
	for _, w := range strings.Fields(a) {
		count[w]++
	}
	for _, w := range strings.Fields(b) {
		count[w]--
	}
	for _, n := range count {
		if n != 0 {
			return false
		}
	}
	return true
}

// What gateways write when both books say the same (gateways notes, sections 9).
func TestWhatAgreesIsNoFindingHoweverItIsWritten(t *testing.T) {
	afterwards := noon.Add(time.Minute)
	for _, c := range []struct {
		name    string
		lines   []providers.StatementLine
		entries []reconcile.Entry
		matched int
	}{
		{"paid", theirs(charge(providers.Approved, 1000)), ours(paid()), 1},
		{"held", theirs(charge(providers.Held, 1000)), ours(paid(is(providers.Held), wasHeld)), 1},
		{"known by the gateway's id only", theirs(charge(providers.Approved, 1000, order(""), id("x"))),
			ours(paid(func(e *reconcile.Entry) { e.External = "x" })), 1},
		{"an order number of theirs, and the id we know", theirs(charge(providers.Approved, 1000, order("their-7"), id("x"))),
			ours(paid(func(e *reconcile.Entry) { e.External = "x" })), 1},
		{"two tries on the page before the money", theirs(charge(providers.Declined, 1000, id("a")), charge(providers.Declined, 0, id("b")), charge(providers.Approved, 1000, id("c"))),
			ours(paid(func(e *reconcile.Entry) { e.External = "a" })), 1},
		{"declined", theirs(charge(providers.Declined, 1000)), ours(paid(is(providers.Declined))), 0},
		{"a refused charge of no order of ours", theirs(charge(providers.Declined, 1000)), nil, 0},
		{"nothing there, and refused here", nil, ours(paid(is(providers.Unserved))), 0},
		{"an offer that nobody paid", theirs(charge(providers.Pending, 1000)), ours(paid(is(providers.Pending))), 0},
		{"a hold and its capture in part, in rows of their own", theirs(charge(providers.Held, 1000), charge(providers.Approved, 400, at(afterwards))),
			ours(paid(wasHeld, func(e *reconcile.Entry) { e.Amount = tenge(400) })), 1},
		{"a hold and its release in the same second", theirs(charge(providers.Held, 1000), charge(providers.Declined, 1000, released)),
			ours(paid(is(providers.Declined), wasHeld)), 0},
		{"a hold beside another payer's try", theirs(charge(providers.Held, 1000, id("a")), charge(providers.Declined, 1000, id("b"), at(afterwards))),
			ours(paid(is(providers.Held))), 1},
		{"a charge that they took back afterwards, and that we know of as refused", theirs(charge(providers.Approved, 1000, id("a")), charge(providers.Declined, 1000, id("a"), at(afterwards))),
			ours(paid(is(providers.Declined))), 0},
		{"a try that was refused and made again under its id", theirs(charge(providers.Declined, 1000, id("a")), charge(providers.Approved, 1000, id("a"), at(afterwards))),
			ours(paid()), 1},
		{"a refund that was refused beside one that was made, under the payment's id", theirs(charge(providers.Approved, 1000, id("x")), refund(providers.Approved, 300, id("x")),
			refund(providers.Declined, 300, id("x"), at(afterwards.Add(2*time.Hour)))), ours(paid(func(e *reconcile.Entry) { e.External = "x" }), refunded(1, 300)), 2},
		{"refunds in parts, without ids and in another order", theirs(charge(providers.Approved, 1000), refund(providers.Approved, 200), refund(providers.Approved, 300), refund(providers.Approved, 200)),
			ours(paid(), refunded(1, 300), refunded(2, 200), refunded(3, 200)), 4},
		{"refunds that carry the payment's id", theirs(charge(providers.Approved, 1000, id("x")), refund(providers.Approved, 200, id("x")), refund(providers.Approved, 300, id("x"))),
			ours(paid(func(e *reconcile.Entry) { e.External = "x" }), refunded(1, 300, func(e *reconcile.Entry) { e.External = "x" }), refunded(2, 200)), 3},
		{"a refund under an order number of its own", theirs(charge(providers.Approved, 1000), refund(providers.Approved, 200, order("rt-1-r2"))),
			ours(paid(), refunded(1, 200, is(providers.Declined)), refunded(2, 200, func(e *reconcile.Entry) { e.Own = "rt-1-r2" })), 2},
		{"a refund refused once and then made", theirs(charge(providers.Approved, 1000), refund(providers.Declined, 300), refund(providers.Approved, 300)),
			ours(paid(), refunded(1, 300, is(providers.Declined)), refunded(2, 300)), 2},
		{"an entry that the caller lists twice", theirs(charge(providers.Approved, 1000)), ours(paid(), paid()), 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := match(day, c.lines, c.entries)
			if len(r.Findings) != 0 || len(r.Matched) != c.matched {
				t.Errorf("%d matched, found %q", len(r.Matched), kinds(r.Findings))
			}
		})
	}
}

func TestWhatIsUndecidedIsCarriedUntilSomebodyKnows(t *testing.T) {
	r := match(day, theirs(charge(providers.Pending, 1000)), ours(paid(is(providers.Unknown)), refunded(1, 300, is(providers.Pending))))
	if len(r.Carried) != 2 || len(r.Findings) != 0 || len(r.Idle) != 1 {
		t.Errorf("%d carried, %d idle, found %q", len(r.Carried), len(r.Idle), kinds(r.Findings))
	}
}

// A finding about a line that has no entry still says whose order it is.
func TestALineUnderOurOrderNamesThePayment(t *testing.T) {
	for _, l := range theirs(refund(providers.Approved, 1), charge(providers.Approved, 1000, id("other")), charge(providers.Unknown, 5)) {
		r := match(day, theirs(charge(providers.Approved, 1000, id("x")), l), ours(paid(func(e *reconcile.Entry) { e.External = "x" })))
		if len(r.Findings) != 1 || r.Findings[0].Payment != "p" || r.Findings[0].Attempt != 1 || r.Findings[0].Entry != nil {
			t.Errorf("%s %s: %+v", l.Kind, l.Verdict, r.Findings)
		}
	}
}

// Of two charges under one order, the one whose id we know is ours.
func TestTheIdWeKnowSaysWhichLineIsOurs(t *testing.T) {
	lines := theirs(charge(providers.Approved, 1000, id("a")), charge(providers.Approved, 1000, id("b")), charge(providers.Approved, 900, id("c")))
	for _, known := range []string{"a", "b", "c"} {
		r := match(day, lines, ours(paid(func(e *reconcile.Entry) { e.External = known })))
		for _, f := range r.Findings {
			if told := f.Line.External == known; told != (f.Entry != nil) || told && f.Kind != reconcile.AmountDiffers {
				t.Errorf("known as %s: found %s about line %s", known, f.Kind, f.Line.External)
			}
		}
		if len(r.Matched)+len(r.Findings) != 3 || known != "c" && len(r.Findings) != 2 {
			t.Errorf("known as %s: %d matched, found %q", known, len(r.Matched), kinds(r.Findings))
		}
	}
}

func TestARefundsLineIsFirstAboutTheTryThatMayHaveBeenMade(t *testing.T) {
	second := refunded(2, 300, is(providers.Unknown))
	second.At = second.At.Add(time.Minute)
	r := match(day, theirs(refund(providers.Approved, 300)), ours(refunded(1, 300, is(providers.Unserved)), second))
	if len(r.Findings) != 1 || r.Findings[0].Entry == nil || r.Findings[0].Entry.Operation != 2 {
		t.Errorf("found %q: %+v", kinds(r.Findings), r.Findings)
	}
}

func TestAFindingSaysWhatEachSideHas(t *testing.T) {
	r := match(day, theirs(charge(providers.Approved, 90000)), ours(paid(is(providers.Held))))
	if got, want := r.Findings[0].Detail(), "held 10.00 KZT in our books, approved 900.00 KZT in theirs"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	r = match(day, nil, ours(paid()))
	if got, want := r.Findings[0].Detail(), "approved 10.00 KZT in our books, nothing in theirs"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// SAFETY section 6, row reconciliation: a second run changes nothing.
func TestASecondRunOfTheSameDayAddsNothing(t *testing.T) {
	lines := theirs(charge(providers.Approved, 900), charge(providers.Approved, 5, order("x")), charge(providers.Approved, 5, order("x")),
		charge(providers.Approved, 5, order("x")), charge(providers.Approved, 7, order("")), refund(providers.Approved, 9), refund(providers.Approved, 9))
	entries := ours(paid(), paid(func(e *reconcile.Entry) { e.Payment, e.Reference = "q", "rt-9" }))
	first := match(day, lines, entries)
	known := map[string]bool{}
	for _, f := range first.Findings {
		if known[f.Key] {
			t.Errorf("two findings have the key %s", f.Key)
		}
		known[f.Key] = true
	}
	if len(known) != 8 {
		t.Fatalf("%d findings: %s", len(known), kinds(first.Findings))
	}
	if again := reconcile.Fresh(match(day, lines, entries).Findings, known); len(again) != 0 {
		t.Errorf("a second run adds %q", kinds(again))
	}
	more := append(lines, charge(providers.Approved, 5, order("x")))
	if again := reconcile.Fresh(match(day, more, entries).Findings, known); kinds(again) != string(reconcile.DuplicateLine) {
		t.Errorf("one line more adds %q", kinds(again))
	}
	more = append(lines, charge(providers.Approved, 1, order("x")))
	if again := reconcile.Fresh(match(day, more, entries).Findings, known); len(again) != 1 || again[0].Line.Amount != tenge(1) {
		t.Errorf("one line of another amount adds %q", kinds(again))
	}
	if again := reconcile.Fresh(match(next, theirs(refund(providers.Approved, 9, at(next.From.Add(time.Hour)))), nil).Findings, known); len(again) != 1 {
		t.Errorf("the same refund on the next day adds %d", len(again))
	}
}

// Kinds of both packages stand in one list, and in one metric.
func TestNoKindIsCalledAsAKindOfThePayment(t *testing.T) {
	seen := map[string]bool{}
	for _, k := range payment.FindingKinds() {
		seen[string(k)] = true
	}
	for _, k := range reconcile.Kinds() {
		if seen[string(k)] {
			t.Errorf("%s is taken", k)
		}
		seen[string(k)] = true
	}
}

func BenchmarkMatch(b *testing.B) {
	for _, n := range []int{1000, 10_000, 100_000} { // linear: ten times the orders take ten times as long
		var lines []providers.StatementLine
		var entries []reconcile.Entry
		for i := range n {
			name := fmt.Sprint("order-", i)
			lines = append(lines, charge(providers.Approved, 1000, order(name)))
			entries = append(entries, paid(func(e *reconcile.Entry) { e.Reference = name }))
			if i%10 == 0 { // one order has a tenth of the refunds
				name = "order-0"
			}
			lines = append(lines, refund(providers.Approved, int64(i), order(name)))
			entries = append(entries, refunded(i+1, int64(i), func(e *reconcile.Entry) { e.Reference = name }))
		}
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			for b.Loop() {
				if r := match(day, lines, entries); len(r.Findings) != 0 {
					b.Fatal(kinds(r.Findings[:1]))
				}
			}
		})
	}
}
