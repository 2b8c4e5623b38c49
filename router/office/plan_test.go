package office

import (
	"strings"
	"testing"
	"time"

	"github.com/payrouter/payrouter/router/journal"
)

// read and ran write days as "21 22": of November 2026, as the books have them.
func read(days string) []journal.StatementDay {
	var all []journal.StatementDay
	for _, day := range strings.Fields(days) {
		all = append(all, journal.StatementDay{Day: "2026-11-" + day})
	}
	return all
}

func ran(state journal.RunState, days string) []journal.Run {
	var all []journal.Run
	for _, day := range strings.Fields(days) {
		all = append(all, journal.Run{Day: "2026-11-" + day, State: state, Created: time.Date(2026, 11, 23, 6, 0, 0, 0, almaty)})
	}
	return all
}

func TestWhichDaysAreDue(t *testing.T) {
	b := Books{Zone: almaty, Schedule: "30 5 * * *", Lag: 2 * time.Hour, CatchUp: 5, Reread: 1}
	now := time.Date(2026, 11, 25, 6, 0, 0, 0, almaty) // the day before is over
	for name, c := range map[string]struct {
		read  []journal.StatementDay
		last  []journal.Run
		first string
		began time.Time
		now   time.Time
		want  string
	}{
		"nothing was ever read, and the tick was after the beginning":  {began: now.Add(-time.Hour), want: "24 schedule"},
		"nothing was ever read, and the tick was before the beginning": {began: now.Add(-time.Minute)},
		"every day was read":                            {read: read("20 21 22 23 24"), first: "2026-11-20", want: "23 reread 24 reread"},
		"a tick that has not come yet":                  {read: read("20 21 22 23"), first: "2026-11-20", now: time.Date(2026, 11, 25, 5, 0, 0, 0, almaty), want: "22 reread 23 reread"},
		"days were missed":                              {read: read("20 21"), first: "2026-11-20", want: "22 schedule 23 schedule 24 schedule"},
		"more were missed than are made up for":         {first: "2026-11-01", want: "19 schedule 20 schedule 21 schedule 22 schedule 23 schedule 24 schedule"},
		"the first days failed":                         {last: ran(journal.RunFailed, "21 22"), first: "2026-11-21", want: "23 schedule 24 schedule 21 schedule 22 schedule"},
		"a day that was read and not judged to its end": {read: read("20 21 22 23 24"), last: ran(journal.RunFailed, "21"), first: "2026-11-20", want: "23 reread 24 reread 21 schedule"},
		"a day whose run was canceled":                  {read: read("20 21 22 23 24"), last: ran(journal.RunCanceled, "22"), first: "2026-11-20", want: "22 schedule 23 reread 24 reread"},
		"an old day that somebody read by hand":         {read: read("03 24"), first: "2026-11-24", want: "24 reread"},
		"a day that was run after the tick": {read: read("24"), first: "2026-11-24",
			last: []journal.Run{{Day: "2026-11-24", State: journal.RunDone, Created: time.Date(2026, 11, 25, 5, 40, 0, 0, almaty)}}},
	} {
		if c.now.IsZero() {
			c.now = now
		}
		due, err := b.due(c.read, c.last, c.first, c.began, c.now)
		var got []string
		for _, w := range due {
			got = append(got, w.day[len("2026-11-"):], w.cause)
		}
		if strings.Join(got, " ") != c.want || err != nil {
			t.Errorf("%s: %q, %v; want %q", name, strings.Join(got, " "), err, c.want)
		}
	}
	b.Schedule = ""
	if due, err := b.due(nil, nil, "", now.Add(-time.Hour), now); len(due) > 0 || err != nil {
		t.Errorf("without a schedule %v is due, %v", due, err)
	}
}

func TestASettingThatCannotBeIsRefusedByItsName(t *testing.T) {
	for name, b := range map[string]Books{
		"zone": {}, "schedule": {Zone: almaty, Schedule: "every day"}, "five fields": {Zone: almaty, Schedule: "0 30 5 * * *"}, "lag": {Zone: almaty, Lag: -1},
		"reread": {Zone: almaty, Reread: -1}, "catch_up": {Zone: almaty, CatchUp: -1},
	} {
		if err := b.Check(); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := (Books{Zone: almaty, Schedule: "30 5 * * *"}).Check(); err != nil {
		t.Error(err)
	}
}

func TestTheDaysOfAMonthAreAllThereWhereOneHasNoMidnight(t *testing.T) {
	zone, err := time.LoadLocation("America/Santiago")
	if err != nil {
		t.Fatal(err)
	}
	b := Books{Zone: zone}
	days, err := b.days("2026-09-01", "2026-09-30")
	if err != nil || len(days) != 30 || b.name(days[5]) != "2026-09-06" {
		t.Errorf("%d days, %v", len(days), err)
	}
	if day, err := b.day("2026-09-06"); err != nil || b.name(day) != "2026-09-06" || b.name(b.after(day)) != "2026-09-07" || b.name(b.before(day)) != "2026-09-05" {
		t.Errorf("the day is %s, %v", b.name(day), err)
	}
}
