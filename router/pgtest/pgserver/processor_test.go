package pgserver

import (
	"testing"
	"time"
)

func TestTheTimesOfAProcessAreReadBehindItsName(t *testing.T) {
	got, err := parseTimes("4711 (post) gres: S 1)) S 42 4711 4711 0 -1 4194560 1 2 3 4 150 50 7 3 20 0 1 0 99 1 1\n")
	if want := (times{parent: 42, self: 2 * time.Second, ended: 100 * time.Millisecond}); err != nil || got != want {
		t.Errorf("%+v, error %v", got, err)
	}
	for _, wrong := range []string{"", "1 (postgres) S 42", "1 (postgres) S 42 1 1 0 -1 1 1 2 3 4 x 50 7 3 20"} {
		if got, err := parseTimes(wrong); err == nil {
			t.Errorf("%q was read: %+v", wrong, got)
		}
	}
}
