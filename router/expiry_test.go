package router

import (
	"slices"
	"testing"
	"time"
)

func TestPeopleAreRemindedThirtySevenAndOneDayBeforeCredentialsEndAndDailyAfterwards(t *testing.T) {
	began := time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)
	end := began.Add(40 * 24 * time.Hour)
	m := reminder{told: map[[2]string]told{}}
	var days []int
	for hour := range 43 * 24 {
		if m.due("kaspi-main", "2026", end, began.Add(time.Duration(hour)*time.Hour)) {
			days = append(days, hour/24)
		}
	}
	if want := []int{10, 33, 39, 40, 41, 42}; !slices.Equal(days, want) {
		t.Errorf("reminded on days %v, want %v", days, want)
	}
}

func TestEachSetOfCredentialsIsRemindedOfForItself(t *testing.T) {
	now := time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)
	m := reminder{told: map[[2]string]told{}}
	for _, c := range []struct {
		what, gateway, version string
		end                    time.Time
		want                   bool
	}{
		{"near its end", "kaspi-main", "2026", now.Add(time.Hour), true},
		{"told already", "kaspi-main", "2026", now.Add(time.Hour), false},
		{"its successor", "kaspi-main", "2027", now.Add(400 * 24 * time.Hour), false},
		{"another gateway's", "halyk-main", "2026", now.Add(time.Hour), true},
		{"renewed under the same version, and near its end again", "kaspi-main", "2026", now.Add(2 * time.Hour), true},
		{"without an end", "halyk-main", "", time.Time{}, false},
	} {
		if got := m.due(c.gateway, c.version, c.end, now); got != c.want {
			t.Errorf("%s: %v, want %v", c.what, got, c.want)
		}
	}
}
