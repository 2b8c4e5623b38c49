package readiness

import (
	"slices"
	"strings"
	"testing"
	"time"
)

var almaty = time.FixedZone("Asia/Almaty", 5*60*60)

// now is on 10 November: September and October are the two whole months.
var now = time.Date(2026, 11, 10, 14, 0, 0, 0, almaty)

// good are facts with which everything is met.
func good() Facts {
	f := Facts{Gateway: "kaspi-main", Now: now, Zone: almaty, Egress: []string{"203.0.113.7"}, Disputes: Disputes{All: 3, Query: "disputes"}, ShownQuery: "evidence",
		Volume:  Volume{Query: "volume"},
		Notices: Records{Oldest: now.AddDate(0, -1, 0), Query: "notices"}, Records: Records{Oldest: now.AddDate(-1, 0, 0), Query: "payments"},
		Unique: Unique{Latest: 7, Index: true, Query: "unique"}, Token: Token{Issued: now.AddDate(0, -3, 0)},
		Books: Books{Day: "2026-10-31", Ends: now.AddDate(0, 0, -10), Lines: 12, Query: "books"},
		Shown: map[string]Shown{"alerts": {Actor: "operator:aida", Reference: "case 81", At: now.AddDate(0, -8, 0)}},
		Drain: Drain{Start: now.AddDate(0, 0, -89), End: now.AddDate(0, 0, -89).Add(time.Hour), Actor: "operator:aida", Elsewhere: 12, Query: "drain"}}
	for d := months()[0]; d.Before(months()[2]); d = d.AddDate(0, 0, 1) {
		f.Volume.Counts = append(f.Volume.Counts, Count{"halyk-main", d, 20}, Count{"wayforpay-main", d.Add(23*time.Hour + 45*time.Minute), 15})
	}
	for _, c := range []*Case{&f.Paid, &f.Cancel, &f.Refund, &f.Timeout, &f.Double, &f.Partial, &f.Full} {
		*c = Case{Payment: "payments/p", Gateway: "kaspi-main", At: now.AddDate(0, 0, -1), Detail: "what was seen", Query: "case"}
	}
	return f
}

func months() [3]time.Time { return Months(now, almaty) }

// judged is one requirement of facts that were changed.
func judged(t *testing.T, id string, change func(*Facts)) Item {
	t.Helper()
	f := good()
	change(&f)
	items := Judge(f)
	n := slices.IndexFunc(items, func(i Item) bool { return i.ID == id })
	if n < 0 {
		t.Fatalf("there is no %s", id)
	}
	return items[n]
}

func TestEveryRequirementHasItsQueryOrSaysHowItIsShown(t *testing.T) {
	for name, f := range map[string]Facts{"good": good(), "nothing is known": {Gateway: "kaspi-main", Now: now, Zone: almaty}} {
		items := Judge(f)
		if len(items) != len(IDs()) {
			t.Fatalf("%s: %d requirements of %d", name, len(items), len(IDs()))
		}
		for _, i := range items {
			if i.ID == "" || i.Title == "" || i.Needed == "" || i.Query == "" && i.Evidence == "" {
				t.Errorf("%s: %+v has an empty side", name, i)
			}
			if name == "good" && (i.State != Met || i.Value == "" || i.Query == "" || i.Evidence == "" || i.At.IsZero() && i.ID != "egress") {
				t.Errorf("%s is not met by good facts: %+v", i.ID, i)
			}
		}
	}
}

func TestNothingIsMetBySilence(t *testing.T) {
	for _, i := range Judge(Facts{Gateway: "kaspi-main", Now: now, Zone: almaty}) {
		// What the configuration keeps for ever is kept, be there anything yet or not.
		if kept := strings.HasPrefix(i.ID, "retention."); (i.State == Met) != kept {
			t.Errorf("%s: state %d, %q", i.ID, i.State, i.Value)
		}
	}
}

func TestRequirementsAreJudged(t *testing.T) {
	halve := func(f *Facts) {
		for i := range f.Volume.Counts {
			f.Volume.Counts[i].N = f.Volume.Counts[i].N*16/20 + 1 // 17 and 13 a day
		}
	}
	for what, c := range map[string]struct {
		id     string
		change func(*Facts)
		state  State
		value  string // or a part of it
	}{
		"enough in both months": {"volume", func(*Facts) {}, Met, "2026-09: 1,050 (halyk-main 600, wayforpay-main 450); 2026-10: 1,085 (halyk-main 620, wayforpay-main 465)"},
		"enough in one month":   {"volume", halve, NotMet, "2026-09: 900"},
		"so many that it is first": {"volume", func(f *Facts) {
			f.Volume.Counts = append(f.Volume.Counts, Count{"x", months()[0], 4000}, Count{"x", months()[1], 4000})
		}, Met, "; priority"},
		"the month that is not over": {"volume", func(f *Facts) { f.Volume.Counts = []Count{{"x", months()[2], 9000}} }, NotMet, "2026-09: 0; 2026-10: 0"},
		"the month before":           {"volume", func(f *Facts) { f.Volume.Counts = []Count{{"x", months()[0].Add(-15 * time.Minute), 9000}} }, NotMet, "2026-09: 0; 2026-10: 0"},
		"every day":                  {"volume.uninterrupted", func(*Facts) {}, Met, "yes: 61 of 61 days"},
		"the last quarter of a day": {"volume.uninterrupted", func(f *Facts) {
			f.Volume.Counts = slices.DeleteFunc(f.Volume.Counts, func(c Count) bool { return c.Gateway == "halyk-main" })
		}, Met, "yes"},
		"days without any":               {"volume.uninterrupted", without("2026-09-03", "2026-09-29", "2026-09-30", "2026-10-01"), NotMet, "no: 4 of 61 days without any: 2026-09-03, 2026-09-29 to 2026-10-01"},
		"more of them than can be named": {"volume.uninterrupted", without("2026-09-01", "2026-09-03", "2026-09-05", "2026-09-07", "2026-09-09", "2026-09-11", "2026-09-13"), NotMet, "2026-09-11, and others"},

		"shown by the books":       {"sandbox.pay", func(f *Facts) { f.Shown["sandbox.pay"] = Shown{Reference: "else"} }, Met, "payments/p"},
		"shown by a person":        {"sandbox.cancel", func(f *Facts) { f.Cancel = Case{}; f.Shown["sandbox.cancel"] = Shown{Reference: "case 7", At: now} }, Met, "case 7"},
		"shown by nobody":          {"sandbox.cancel", func(f *Facts) { f.Cancel = Case{} }, NoEvidence, ""},
		"another's evidence":       {"sandbox.timeout", func(f *Facts) { f.Timeout = Case{}; f.Shown["sandbox.cancel"] = Shown{Reference: "case 7"} }, NoEvidence, ""},
		"sent twice":               {"sandbox.double-send", func(f *Facts) { f.Double = Case{}; f.Shown["sandbox.double-send"] = Shown{Reference: "log"} }, Met, "log"},
		"a part":                   {"refund.partial", func(f *Facts) { f.Partial = Case{} }, NoEvidence, ""},
		"a whole":                  {"refund.full", func(f *Facts) { f.Full.Payment = "payments/q" }, Met, "payments/q"},
		"no duplicates":            {"uniqueness", func(*Facts) {}, Met, "0 duplicates of the latest 7 numbers"},
		"a duplicate":              {"uniqueness", func(f *Facts) { f.Unique.Duplicates = 1 }, NotMet, "1 duplicates"},
		"no index":                 {"uniqueness", func(f *Facts) { f.Unique.Index = false }, NotMet, "0 duplicates"},
		"webhooks for ever":        {"retention.notices", func(*Facts) {}, Met, "kept for ever"},
		"webhooks for 30 days":     {"retention.notices", func(f *Facts) { f.Notices.Term = 30 * day }, Met, "kept 30 days"},
		"webhooks for less":        {"retention.notices", func(f *Facts) { f.Notices.Term = 30*day - 1 }, NotMet, "kept 29 days"},
		"records for five years":   {"retention.payments", func(f *Facts) { f.Records.Term = recordsKept }, Met, "kept 1827 days"},
		"records for less":         {"retention.payments", func(f *Facts) { f.Records.Term = recordsKept - 1 }, NotMet, "kept 1826 days"},
		"no address":               {"egress", func(f *Facts) { f.Egress = nil }, NoEvidence, ""},
		"two addresses":            {"egress", func(f *Facts) { f.Egress = []string{"203.0.113.7", "2001:db8::/64"} }, Met, "203.0.113.7, 2001:db8::/64"},
		"alerts that nobody tried": {"alerts", func(f *Facts) { delete(f.Shown, "alerts") }, NoEvidence, ""},
		"a drain of 89 days ago":   {"backup", func(*Facts) {}, Met, "12 charges at other gateways"},
		"a drain of 91 days ago":   {"backup", func(f *Facts) { f.Drain.Start = now.AddDate(0, 0, -91) }, NotMet, "12 charges at other gateways, 91 days ago"},
		"a drain without charges":  {"backup", func(f *Facts) { f.Drain.Elsewhere = 0 }, NoEvidence, ""},
		"a newer rehearsal":        {"backup", func(f *Facts) { f.Shown["backup"] = Shown{Reference: "rehearsal.pdf", At: now.AddDate(0, 0, -2)} }, Met, "rehearsal.pdf"},
		"an older rehearsal":       {"backup", func(f *Facts) { f.Shown["backup"] = Shown{Reference: "rehearsal.pdf", At: now.AddDate(0, 0, -95)} }, Met, "12 charges"},
		"only an old rehearsal": {"backup", func(f *Facts) {
			f.Drain = Drain{}
			f.Shown["backup"] = Shown{Reference: "rehearsal.pdf", At: now.AddDate(0, 0, -95)}
		}, NotMet, "rehearsal.pdf, 95 days ago"},
		"a token with an issue":         {"token", func(f *Facts) { f.Token = Token{Issued: now.Add(-100 * day)} }, Met, "issued 2026-08-02, 100 days ago; 265 days left, supposing a year"},
		"a token with an end":           {"token", func(f *Facts) { f.Token = Token{Expires: now.Add(31 * day)} }, Met, "31 days left"},
		"a token about to end":          {"token", func(f *Facts) { f.Token = Token{Expires: now.Add(30*day - 1)} }, NotMet, "29 days left"},
		"a token that ended":            {"token", func(f *Facts) { f.Token = Token{Expires: now} }, NotMet, "ended 2026-11-10"},
		"a certificate that ends first": {"token", func(f *Facts) { f.Token = Token{Expires: now.Add(200 * day), Certificate: now.Add(10 * day)} }, NotMet, "200 days left; certificate: 10 days left"},
		"a certificate and no token":    {"token", func(f *Facts) { f.Token = Token{Certificate: now.Add(200 * day)} }, NoEvidence, "certificate: 200 days left"},
		"disputes are answered":         {"disputes", func(*Facts) {}, Met, "0 of 3 unanswered"},
		"no dispute was recorded":       {"disputes", func(f *Facts) { f.Disputes = Disputes{} }, NoEvidence, ""},
		"a dispute waits":               {"disputes", func(f *Facts) { f.Disputes = Disputes{All: 3, Overdue: 2, Oldest: now.Add(-2 * day)} }, NotMet, "2 of 3 unanswered"},
		"books that agree":              {"reconciliation", func(*Facts) {}, Met, "read up to 2026-10-31; 0 open findings"},
		"books that differ":             {"reconciliation", func(f *Facts) { f.Books.Open = 1 }, NotMet, "1 open findings"},
		"books of long ago":             {"reconciliation", func(f *Facts) { f.Books.Ends = now.Add(-booksRead - 1) }, NotMet, "read up to"},
		"books that nobody read":        {"reconciliation", func(f *Facts) { f.Books = Books{Open: 3} }, NoEvidence, ""},
	} {
		i := judged(t, c.id, c.change)
		if i.State != c.state || !strings.Contains(i.Value, c.value) || c.value == "" && i.Value != "" {
			t.Errorf("%s: state %d, %q; want %d, %q", what, i.State, i.Value, c.state, c.value)
		}
		if i.State == NoEvidence && i.Evidence == "" {
			t.Errorf("%s: nobody is told how it can be shown", what)
		}
	}
}

// without takes all charges of some days away.
func without(silent ...string) func(*Facts) {
	return func(f *Facts) {
		f.Volume.Counts = slices.DeleteFunc(f.Volume.Counts, func(c Count) bool { return slices.Contains(silent, c.At.In(almaty).Format(time.DateOnly)) })
	}
}

func TestTheCommandThatMakesWhatIsAttachedIsNamed(t *testing.T) {
	i := judged(t, "volume", func(*Facts) {})
	for _, want := range []string{"payctl statement halyk-main --from 2026-09-01 --to 2026-10-31 --format csv", "payctl statement wayforpay-main --from 2026-09-01"} {
		if !strings.Contains(i.Evidence, want) {
			t.Errorf("%q is not in %q", want, i.Evidence)
		}
	}
}

func TestMonthsAreThoseOfTheZoneAndWhole(t *testing.T) {
	for _, c := range []struct {
		now  time.Time
		want string
	}{
		{time.Date(2026, 11, 10, 0, 0, 0, 0, time.UTC), "2026-09-01 2026-10-01 2026-11-01"},
		{time.Date(2026, 10, 31, 20, 0, 0, 0, time.UTC), "2026-09-01 2026-10-01 2026-11-01"}, // November there
		{time.Date(2026, 10, 31, 18, 59, 0, 0, time.UTC), "2026-08-01 2026-09-01 2026-10-01"},
		{time.Date(2027, 1, 5, 0, 0, 0, 0, time.UTC), "2026-11-01 2026-12-01 2027-01-01"},
		{time.Date(2027, 3, 31, 0, 0, 0, 0, time.UTC), "2027-01-01 2027-02-01 2027-03-01"},
	} {
		var got []string
		for _, m := range Months(c.now, almaty) {
			if m.Hour() != 0 || m.Location() != almaty {
				t.Errorf("%s begins no month there", m)
			}
			got = append(got, m.Format(time.DateOnly))
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("at %s: %v, want %s", c.now, got, c.want)
		}
	}
}

func TestOnlyWhatBooksCannotShowIsRecorded(t *testing.T) {
	var all []string
	for _, id := range IDs() {
		if Recordable(id) {
			all = append(all, id)
		}
	}
	if got := strings.Join(all, " "); got != "sandbox.pay sandbox.cancel sandbox.refund sandbox.timeout sandbox.double-send refund.partial refund.full alerts backup" {
		t.Errorf("recorded are %s", got)
	}
	if Recordable("volume") || Recordable("") {
		t.Error("a volume is recorded")
	}
}
