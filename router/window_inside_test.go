package router

import (
	"testing"
	"time"
)

func TestBooksAreTrustedAgainOnceAllLooksOfASpanWentSoon(t *testing.T) {
	const soon, span = time.Second, 7 * time.Second
	began := time.Date(2026, 11, 30, 9, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		took    map[int]time.Duration // of the look of a second, where it was not quick
		doubted int                   // in this second once more
		sure    int                   // the first second in which the books are trusted
	}{
		"quick looks":                {sure: 7},
		"the first is slow":          {took: map[int]time.Duration{0: soon}, sure: 8},
		"one in between is slow":     {took: map[int]time.Duration{3: 2 * time.Second}, sure: 11},
		"one in between goes wrong":  {doubted: 5, sure: 13},
		"the last is slow":           {took: map[int]time.Duration{7: soon}, sure: 15},
		"all are nearly slow":        {took: map[int]time.Duration{0: soon - 1, 4: soon - 1, 7: soon - 1}, sure: 7},
		"slow ones after it is sure": {took: map[int]time.Duration{8: soon, 9: soon}, sure: 7},
	} {
		t.Run(name, func(t *testing.T) {
			var books trust
			if books.err() != nil {
				t.Fatal("books are doubted without a reason")
			}
			books.doubt()
			for second := range 20 {
				if c.doubted > 0 && second == c.doubted {
					books.doubt()
				} else {
					books.look(began.Add(time.Duration(second)*time.Second), max(c.took[second], time.Millisecond), soon, span)
				}
				if trusted := books.err() == nil; trusted != (second >= c.sure) {
					t.Fatalf("second %d: trusted is %v, and they are from second %d on", second, trusted, c.sure)
				}
			}
		})
	}
}
