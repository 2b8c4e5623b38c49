package audit

import (
	"errors"
	"fmt"
	"iter"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var start = time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)

// chained links records in their order, as the books do.
func chained(records []Record) []Record {
	previous := Sum{}
	for i := range records {
		records[i].Number = int64(i + 1)
		records[i] = records[i].Linked(previous)
		previous = records[i].Sum
	}
	return records
}

func reading(records []Record) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		for _, r := range records {
			if !yield(r, nil) {
				return
			}
		}
	}
}

func anchorOf(r Record) Anchor { return Anchor{r.Number, r.Sum, r.Time} }

// drawn is any chain of at least some records.
func drawn(t *rapid.T, least int) []Record {
	text := rapid.StringMatching(`[a-zа-я0-9:/ ]{0,12}`)
	return chained(rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Record {
		return Record{Time: start.Add(time.Duration(rapid.IntRange(0, 1e9).Draw(t, "after")) * time.Microsecond), Actor: text.Draw(t, "actor"), Roles: text.Draw(t, "roles"),
			Tenant: text.Draw(t, "tenant"), Act: text.Draw(t, "act"), Subject: text.Draw(t, "subject"), Reason: text.Draw(t, "reason"),
			Phase: rapid.SampledFrom([]Phase{Asked, Ended, Note}).Draw(t, "phase"), Asked: rapid.Int64Range(0, 9).Draw(t, "asked"), Outcome: text.Draw(t, "outcome"),
			Request: text.Draw(t, "request")}
	}), least, 12).Draw(t, "records"))
}

// brokenAt demands where a chain is broken first, and how.
func brokenAt(t *rapid.T, records []Record, known Anchor, number int64, faults ...Fault) {
	t.Helper()
	last, err := Check(reading(records), known)
	broken, found := errors.AsType[*BrokenError](err)
	if !found || broken.Number != number || !slices.Contains(faults, broken.Fault) {
		t.Fatalf("error %v (%+v), want one of %v at %d", err, broken, faults, number)
	}
	if last.Number >= number && broken.Fault != Rewritten && broken.Fault != OutOfOrder { // of two with one number the first may be right
		t.Fatalf("record %d is called good, and the chain broken at %d", last.Number, number)
	}
}

func TestAChainThatNobodyTouchedHolds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		records := drawn(t, 1)
		last := records[len(records)-1]
		for _, known := range append([]Record{{}}, records...) {
			if got, err := Check(reading(records), anchorOf(Record{Number: known.Number, Sum: known.Sum})); err != nil || got != anchorOf(last) {
				t.Fatalf("with anchor %d: anchor %v, error %v", known.Number, got, err)
			}
		}
	})
	if got, err := Check(reading(nil), Anchor{}); err != nil || got != (Anchor{}) {
		t.Errorf("no records: anchor %v, error %v", got, err)
	}
}

func TestAnyChangeOfOneRecordIsFoundAtIt(t *testing.T) {
	changes := map[string]func(*Record){
		"time":     func(r *Record) { r.Time = r.Time.Add(time.Microsecond) },
		"actor":    func(r *Record) { r.Actor += "x" },
		"roles":    func(r *Record) { r.Roles += "x" },
		"tenant":   func(r *Record) { r.Tenant += "x" },
		"act":      func(r *Record) { r.Act += "x" },
		"subject":  func(r *Record) { r.Subject += "x" },
		"reason":   func(r *Record) { r.Reason += "x" },
		"phase":    func(r *Record) { r.Phase += "x" },
		"asked":    func(r *Record) { r.Asked++ },
		"outcome":  func(r *Record) { r.Outcome += "x" },
		"request":  func(r *Record) { r.Request += "x" },
		"previous": func(r *Record) { r.Previous[7]++ },
		"sum":      func(r *Record) { r.Sum[7]++ },
		"border":   func(r *Record) { r.Actor, r.Roles = r.Actor+"a", "" }, // a letter goes from one field to the next
	}
	rapid.Check(t, func(t *rapid.T) {
		records := drawn(t, 1)
		i := rapid.IntRange(0, len(records)-1).Draw(t, "which")
		for name, change := range changes {
			if name == "border" {
				records[i].Actor, records[i].Roles = "x", "a"
				records = chained(records)
			}
			touched := slices.Clone(records)
			change(&touched[i])
			t.Log(name)
			brokenAt(t, touched, Anchor{}, int64(i+1), Changed)
		}
		renumbered := slices.Clone(records)
		renumbered[i].Number += 1000
		brokenAt(t, renumbered, Anchor{}, int64(i+1), Missing)
	})
}

// Whoever gives the changed record a sum of its own breaks the link to the next one.
func TestARecordWithANewSumBreaksTheLinkToTheNext(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		records := drawn(t, 2)
		i := rapid.IntRange(0, len(records)-2).Draw(t, "which")
		records[i].Reason += "x"
		records[i] = records[i].Linked(records[i].Previous)
		brokenAt(t, records, Anchor{}, int64(i+2), Changed)
	})
}

func TestARemovedRecordIsMissing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		records := drawn(t, 2)
		i := rapid.IntRange(0, len(records)-2).Draw(t, "which")
		left := slices.Delete(slices.Clone(records), i, i+1)
		brokenAt(t, left, Anchor{}, int64(i+1), Missing)
		for j := i; j < len(left); j++ { // and the rest are numbered anew
			left[j].Number--
		}
		brokenAt(t, left, Anchor{}, int64(i+1), Changed)
	})
}

func TestRecordsThatChangedPlacesAreFoundAtTheFirstOfThem(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		records := drawn(t, 2)
		i := rapid.IntRange(0, len(records)-2).Draw(t, "one")
		j := rapid.IntRange(i+1, len(records)-1).Draw(t, "other")
		swapped := slices.Clone(records)
		swapped[i], swapped[j] = swapped[j], swapped[i]
		brokenAt(t, swapped, Anchor{}, int64(i+1), Missing) // and it comes later
		swapped[i].Number, swapped[j].Number = int64(i+1), int64(j+1)
		brokenAt(t, swapped, Anchor{}, int64(i+1), Changed)
	})
}

func TestAnAddedRecordIsFound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		records := drawn(t, 1)
		i := rapid.IntRange(0, len(records)-1).Draw(t, "before")
		added := records[i]
		added.Reason += "x"
		added = added.Linked(added.Previous)
		// It links as it should, and the one in whose place it stands comes after it.
		brokenAt(t, slices.Insert(slices.Clone(records), i, added), Anchor{}, int64(i+1), OutOfOrder)
		shifted := slices.Insert(slices.Clone(records), i, added)
		for j := range shifted {
			shifted[j].Number = int64(j + 1)
		}
		brokenAt(t, shifted, Anchor{}, int64(i+2), Changed)
	})
}

// The end of a chain holds together without what followed it: only an anchor tells.
func TestACutTailShowsByTheAnchor(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		records := drawn(t, 1)
		left := rapid.IntRange(0, len(records)-1).Draw(t, "left")
		if _, err := Check(reading(records[:left]), Anchor{}); err != nil {
			t.Fatalf("without an anchor: %v", err)
		}
		known := anchorOf(records[rapid.IntRange(left, len(records)-1).Draw(t, "anchor")])
		brokenAt(t, records[:left], known, int64(left+1), Cut)
	})
}

func TestAChainThatWasWrittenAnewShowsByTheAnchor(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		records := drawn(t, 1)
		i := rapid.IntRange(0, len(records)-1).Draw(t, "which")
		known := anchorOf(records[rapid.IntRange(i, len(records)-1).Draw(t, "anchor")])
		forged := slices.Clone(records)
		forged[i].Reason += "x"
		forged = chained(forged)
		if _, err := Check(reading(forged), Anchor{}); err != nil {
			t.Fatalf("without an anchor: %v", err)
		}
		brokenAt(t, forged, known, known.Number, Rewritten)
	})
}

func TestWhatCannotBeReadIsNotCalledBroken(t *testing.T) {
	gone := errors.New("gone")
	_, err := Check(func(yield func(Record, error) bool) { yield(Record{}, gone) }, Anchor{})
	if !errors.Is(err, gone) {
		t.Errorf("error %v", err)
	}
	if _, broken := errors.AsType[*BrokenError](err); broken {
		t.Error("it is called broken")
	}
}

// Sums that were written must stay what they are: no later version may compute others.
func TestTheSumOfARecordStays(t *testing.T) {
	r := Record{Number: 1, Time: start, Actor: "operator:aida", Roles: "operator", Tenant: "shop", Act: "/payrouter.v1.Operations/EndOverride", Subject: "gateways/kaspi-main",
		Reason: "банк отвечает", Phase: Asked, Request: "00ff"}
	const want = "3524e49308a1e11c675d5ae978496f020ea52be803217370325e3877afbad0e9"
	if got := r.Linked(Sum{}).Sum.String(); got != want {
		t.Errorf("sum %s, want %s", got, want)
	}
}

func TestAnAnchorIsOneLineThatReadsBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		records := drawn(t, 1)
		want := anchorOf(records[len(records)-1])
		if got, err := ParseAnchor(want.String()); err != nil || got != want {
			t.Fatalf("%s reads back as %v, error %v", want, got, err)
		}
	})
	if got, err := ParseAnchor(Anchor{}.String()); err != nil || got != (Anchor{}) {
		t.Errorf("the anchor of no records reads back as %v, error %v", got, err)
	}
}

func TestATextThatIsNoAnchorIsRefused(t *testing.T) {
	sum := Record{}.Linked(Sum{}).Sum.String()
	for _, text := range []string{"", "payrouter-audit-1", "payrouter-audit-2 1 " + sum + " 2026-11-23T09:00:00Z", "payrouter-audit-1 01 " + sum + " 2026-11-23T09:00:00Z",
		"payrouter-audit-1 -1 " + sum + " 2026-11-23T09:00:00Z", "payrouter-audit-1 0 " + sum + " 2026-11-23T09:00:00Z", "payrouter-audit-1 1 " + sum[2:] + " 2026-11-23T09:00:00Z",
		"payrouter-audit-1 1 " + sum + " 2026-11-23T09:00:00+05:00", "payrouter-audit-1 1 " + sum + " yesterday", "payrouter-audit-1 1 " + sum + " 2026-11-23T09:00:00Z\n",
		"payrouter-audit-1  1 " + sum + " 2026-11-23T09:00:00Z", "payrouter-audit-1 1 " + fmt.Sprintf("%064X", 255) + " 2026-11-23T09:00:00Z"} {
		if a, err := ParseAnchor(text); !errors.Is(err, ErrAnchor) {
			t.Errorf("%q reads as %v, error %v", text, a, err)
		}
	}
}

func FuzzAnAnchorsTextReadsBackAsItself(f *testing.F) {
	f.Add(Anchor{}.String())
	f.Add(Anchor{Number: 42, Sum: Record{}.Linked(Sum{}).Sum, Time: start.Add(time.Microsecond)}.String())
	f.Fuzz(func(t *testing.T, text string) {
		if a, err := ParseAnchor(text); err == nil && a.String() != text {
			t.Errorf("%q reads as %q", text, a)
		}
	})
}
