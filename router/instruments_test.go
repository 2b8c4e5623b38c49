package router

import "testing"

func TestOnlyMasksOfOneCardAreTheSame(t *testing.T) {
	for _, c := range []struct {
		a, b string
		same bool
	}{
		{"4405…5096", "440563...5096", true},
		{"4405 **** **** 5096", "44****5096", true},
		{"****5096", "4405-63**-****-5096", true},
		{"4405…5096", "5169…5096", false},
		{"4405…5096", "4405…5097", false},
		{"4405…5096", "", false},
		{"", "", false},
		{"4405…096", "4405…096", false},
		{"VISA", "VISA", false},
		{"5096", "5096", false},
	} {
		if got := sameCard(c.a, c.b); got != c.same {
			t.Errorf("%q and %q: %t", c.a, c.b, got)
		}
		if got := sameCard(c.b, c.a); got != c.same {
			t.Errorf("%q and %q: %t", c.b, c.a, got)
		}
	}
}
