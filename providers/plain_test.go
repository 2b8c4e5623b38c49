package providers_test

import (
	"testing"

	"github.com/payrouter/payrouter/providers"
)

func TestPlainTextHasNothingThatAGatewayCannotTake(t *testing.T) {
	for _, c := range []struct {
		text    string
		limit   int
		without string
		want    string
	}{
		{"Заказ 481", 100, "", "Заказ 481"},
		{"Заказ 481", 5, "", "Заказ"},
		{"Заказ 481", 6, "", "Заказ"}, // a space at the cut goes, too
		{" a\tb\r\n", 100, "", "a b"},
		{"a;b", 100, ";", "ab"},
		{"a;b", 100, "", "a;b"},
		{"a\xffb", 100, "", "ab"},
		{"", 10, ";", ""},
	} {
		if got := providers.Plain(c.text, c.limit, c.without); got != c.want {
			t.Errorf("%q to %d without %q: %q, want %q", c.text, c.limit, c.without, got, c.want)
		}
	}
}

func TestAPartIsMoreThanNothingAndAtMostTheWholeInTheSameCurrency(t *testing.T) {
	kzt := func(minor int64) providers.Money { return providers.Money{Minor: minor, Currency: "KZT"} }
	for _, c := range []struct {
		part, whole providers.Money
		want        bool
	}{
		{kzt(1), kzt(100), true}, {kzt(100), kzt(100), true}, {kzt(101), kzt(100), false}, {kzt(0), kzt(100), false}, {kzt(-1), kzt(100), false},
		{providers.Money{Minor: 1, Currency: "USD"}, kzt(100), false},
	} {
		if got := c.part.PartOf(c.whole); got != c.want {
			t.Errorf("%s of %s: %t", c.part, c.whole, got)
		}
	}
}
