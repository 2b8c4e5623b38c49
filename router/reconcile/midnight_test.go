package reconcile_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router/reconcile"
)

var midnight = next.From

// both runs the two days at midnight, each with the lines that are dated in it and with
// all entries.
func both(lines []providers.StatementLine, entries []reconcile.Entry) (before, after reconcile.Result) {
	var early, late []providers.StatementLine
	for _, l := range lines {
		if l.At.Before(midnight) {
			early = append(early, l)
		} else {
			late = append(late, l)
		}
	}
	return match(day, early, entries), match(next, late, entries)
}

// SAFETY section 6, row reconciliation: the day boundary.
func TestPairsAcrossMidnightMakeNoFindings(t *testing.T) {
	for _, c := range []struct{ line, entry time.Duration }{
		{-time.Second, time.Second}, {time.Second, -time.Second}, {0, -time.Nanosecond}, {-time.Nanosecond, 0},
		{-5 * time.Minute, 4 * time.Minute}, {9 * time.Minute, -time.Minute}, {-time.Minute, -time.Minute}, {time.Minute, time.Minute},
	} {
		before, after := both(theirs(charge(providers.Approved, 1000, at(midnight.Add(c.line)))), ours(paid(dated(midnight.Add(c.entry), time.Time{}))))
		if n := len(before.Findings) + len(after.Findings) + len(reconcile.Across(before, after)); n != 0 {
			t.Errorf("line at %s, entry at %s: %d findings", c.line, c.entry, n)
		}
		if len(before.Matched)+len(after.Matched) != 1 || len(before.Carried)+len(after.Carried) != 1 {
			t.Errorf("line at %s, entry at %s: %d matched, %d carried", c.line, c.entry, len(before.Matched)+len(after.Matched), len(before.Carried)+len(after.Carried))
		}
	}
}

func TestOnlyBeyondTheEdgeIsMissingMoneyTheDaysOwn(t *testing.T) {
	edge := reconcile.DefaultEdge
	for _, c := range []struct {
		at      time.Time
		missing bool
	}{
		{day.From.Add(edge), true}, {day.From.Add(edge - 1), false}, {day.To.Add(-edge - 1), true}, {day.To.Add(-edge), false},
		{day.From.Add(-time.Hour), false}, {day.To.Add(time.Hour), false},
	} {
		r := match(day, nil, ours(paid(dated(c.at, time.Time{}))))
		if (len(r.Findings) == 1) != c.missing || (len(r.Carried) == 1) == c.missing {
			t.Errorf("%s: found %q, %d carried", c.at, kinds(r.Findings), len(r.Carried))
		}
	}
}

// Money that neither day shows is carried by both: nothing is lost from sight.
func TestWhatEachDayLeftToTheOtherIsFoundOnceAcrossThem(t *testing.T) {
	for _, e := range ours(paid(dated(midnight, time.Time{})), paid(dated(noon, noon.Add(24*time.Hour))), refunded(1, 300, dated(noon, noon))) {
		if e.Kind == providers.LineRefund {
			e.At, e.Last = midnight.Add(-time.Minute), time.Time{}
		}
		before, after := both(nil, ours(e))
		if len(before.Findings)+len(after.Findings) != 0 {
			t.Errorf("one day alone finds %q", kinds(before.Findings)+kinds(after.Findings))
		}
		if n := len(reconcile.Across(before)) + len(reconcile.Across(after)); n != 0 {
			t.Errorf("one day alone makes %d findings", n)
		}
		found := reconcile.Across(after, before)
		if len(found) != 1 || found[0].Entry == nil || found[0].Payment != "p" {
			t.Fatalf("found %q", kinds(found))
		}
		sole := match(providers.Window{From: day.From.AddDate(0, 0, -1), To: next.To.AddDate(0, 0, 1)}, nil, ours(e))
		if len(reconcile.Fresh(found, map[string]bool{sole.Findings[0].Key: true})) != 0 {
			t.Errorf("the key is %s, a longer span gives %s", found[0].Key, sole.Findings[0].Key)
		}
	}
}

func TestDaysWithAGapBetweenThemSayNothingOfWhatMayLieInIt(t *testing.T) {
	e := paid(dated(noon, noon.AddDate(0, 0, 2)))
	first, second, third := match(day, nil, ours(e)), match(next, nil, ours(e)), match(reconcile.Day(noon.AddDate(0, 0, 2), zone), nil, ours(e))
	if n := len(reconcile.Across(first, third)) + len(reconcile.Across(first, second)); n != 0 {
		t.Errorf("%d findings with a day missing", n)
	}
	if n := len(reconcile.Across(first, second, third)); n != 1 {
		t.Errorf("%d findings with all days", n)
	}
}

func TestALineThatBothDaysTellIsDouble(t *testing.T) {
	early, late := charge(providers.Approved, 1000, at(midnight.Add(-time.Minute))), charge(providers.Approved, 1000, at(midnight.Add(time.Minute)))
	entry := ours(paid(dated(midnight, time.Time{})))
	before, after := both(theirs(early, late), entry)
	if found := reconcile.Across(before, after); kinds(found) != string(reconcile.DuplicateLine) || found[0].Line.At != late.At {
		t.Errorf("found %q", kinds(found))
	}
	if found := reconcile.Across(before, match(next, theirs(early), entry)); len(found) != 0 {
		t.Errorf("one line that both statements hold: found %q", kinds(found))
	}
}

func TestAHoldOfOneDayAndItsCaptureOfTheNextAreNotDouble(t *testing.T) {
	before := match(day, theirs(charge(providers.Held, 1000)), ours(paid(is(providers.Held))))
	after := match(next, theirs(charge(providers.Approved, 1000, at(next.From.Add(time.Hour)))), ours(paid(wasHeld)))
	if found := reconcile.Across(before, after); len(found) != 0 || len(before.Matched)+len(after.Matched) != 2 {
		t.Errorf("found %q", kinds(found))
	}
}

// WayForPay keeps the row of a hold as it was, and writes the capture or the release as a
// row of its own day. The first day may be run again after that.
func TestAHoldThatEndedOnALaterDayContradictsNothing(t *testing.T) {
	hold := charge(providers.Held, 1000)
	captured := paid(wasHeld, dated(noon, next.From.Add(12*time.Hour)))
	before, after := both(theirs(hold, charge(providers.Approved, 1000, at(captured.Last))), ours(captured))
	if len(before.Findings)+len(after.Findings)+len(reconcile.Across(before, after)) != 0 || len(after.Matched) != 1 {
		t.Errorf("captured: found %q and %q", kinds(before.Findings), kinds(after.Findings))
	}
	before, after = both(theirs(hold), ours(captured))
	if found := reconcile.Across(before, after, match(reconcile.Day(noon.AddDate(0, 0, -1), zone), nil, nil)); kinds(found) != string(reconcile.UnknownToThem) {
		t.Errorf("a capture that no day shows: found %q", kinds(found))
	}
	given := paid(is(providers.Declined), wasHeld, dated(noon, captured.Last))
	before, after = both(theirs(hold, charge(providers.Declined, 1000, released, at(given.Last))), ours(given))
	if len(before.Findings)+len(after.Findings) != 0 {
		t.Errorf("released: found %q and %q", kinds(before.Findings), kinds(after.Findings))
	}
}

func TestMoneyTakenBackLongAfterAllWeKnowIsFound(t *testing.T) {
	for _, v := range []providers.Verdict{providers.Held, providers.Approved} {
		_, after := both(theirs(charge(v, 1000), charge(providers.Declined, 1000, at(next.From.Add(12*time.Hour)))), ours(paid(is(v))))
		if kinds(after.Findings) != string(reconcile.StateDiffers) {
			t.Errorf("%s: found %q", v, kinds(after.Findings))
		}
		long := ours(paid(is(v), dated(noon, next.From.Add(12*time.Hour))))
		_, after = both(theirs(charge(providers.Declined, 1000, at(next.From.Add(time.Hour))), charge(providers.Declined, 1000, at(next.From.Add(20*time.Hour)))), long)
		if kinds(after.Findings) != string(reconcile.StateDiffers) {
			t.Errorf("%s, after a try: found %q", v, kinds(after.Findings))
		}
	}
}

func TestALineOfAnotherDayIsLeftToThatDay(t *testing.T) {
	for _, when := range []time.Time{day.From.Add(-1), day.To} {
		if r := match(day, theirs(charge(providers.Approved, 1000, at(when))), nil); len(r.Findings) != 0 || len(r.Carried) != 1 {
			t.Errorf("%s: found %q", when, kinds(r.Findings))
		}
	}
	if r := match(day, theirs(charge(providers.Approved, 1000, at(time.Time{}))), nil); len(r.Findings) != 1 {
		t.Errorf("a line without a date is nobody's: %d findings", len(r.Findings))
	}
}

// Whatever side of midnight each book is on, and whichever of them is ahead, the days
// agree; and should a line be missing, it is found once.
func TestSwappingTheSidesOfMidnightChangesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		shift := rapid.Int64Range(int64(-8*time.Minute), int64(8*time.Minute))
		apart := rapid.Int64Range(int64(-reconcile.DefaultEdge), int64(reconcile.DefaultEdge))
		var entries, swapped []reconcile.Entry
		var lines, mirrored []providers.StatementLine
		lost := 0
		for i := range rapid.IntRange(1, 8).Draw(t, "orders") {
			name := string(rune('a' + i))
			one := time.Duration(shift.Draw(t, "entry"))
			two := one + time.Duration(apart.Draw(t, "line"))
			e := paid(func(e *reconcile.Entry) { e.Payment, e.Reference = name, name })
			l := charge(providers.Approved, 1000, order(name))
			e.At, l.At = midnight.Add(one), midnight.Add(two)
			entries, lines = append(entries, e), append(lines, l)
			e.At, l.At = midnight.Add(two), midnight.Add(one)
			swapped, mirrored = append(swapped, e), append(mirrored, l)
			if rapid.IntRange(0, 5).Draw(t, "fate") == 0 {
				lines, mirrored = lines[:len(lines)-1], mirrored[:len(mirrored)-1]
				lost++
			}
		}
		previous, following := match(reconcile.Day(noon.AddDate(0, 0, -1), zone), nil, nil), match(reconcile.Day(noon.AddDate(0, 0, 2), zone), nil, nil)
		for _, w := range []struct {
			lines   []providers.StatementLine
			entries []reconcile.Entry
		}{{lines, entries}, {mirrored, swapped}} {
			before, after := both(w.lines, w.entries)
			found := reconcile.Across(previous, before, after, following)
			own := append(before.Findings, after.Findings...) // a missing one far enough from midnight is the day's own
			if len(before.Matched)+len(after.Matched) != len(w.lines) || len(found)+len(own) != lost {
				t.Errorf("%d of %d matched, %d findings of %d", len(before.Matched)+len(after.Matched), len(w.lines), len(found)+len(own), lost)
			}
			for _, f := range append(found, own...) {
				if f.Kind != reconcile.UnknownToThem {
					t.Errorf("found %s", f.Kind)
				}
			}
		}
	})
}
