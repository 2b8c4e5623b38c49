package providers

import "testing"

func TestTwoGatewaysThatCountInOneAccountMeetUnlessTheirPrefixesDiffer(t *testing.T) {
	counted := func(account, prefix string) ReferenceRule {
		return ReferenceRule{Kind: Counted, Length: 15, Prefix: prefix, Account: account}
	}
	tail := func(prefix string) ReferenceRule {
		r := counted("a", prefix)
		r.Unique = 6
		return r
	}
	for name, c := range map[string]struct {
		one, other ReferenceRule
		meet       bool
	}{
		"one account, one prefix":            {counted("a", "1"), counted("a", "1"), true},
		"a prefix that the other one begins": {counted("a", "1"), counted("a", "12"), true},
		"no prefix":                          {counted("a", ""), counted("a", "7"), true},
		"prefixes that part":                 {counted("a", "1"), counted("a", "2"), false},
		"only the last digits are compared":  {tail("1"), tail("2"), true},
		"two accounts":                       {counted("a", "1"), counted("b", "1"), false},
		"nobody knows the account":           {counted("", "1"), counted("", "1"), false},
		"numbers that are not counted":       {ReferenceRule{Length: 15, Account: "a"}, ReferenceRule{Length: 15, Account: "a"}, false},
	} {
		if c.one.Meets(c.other) != c.meet || c.other.Meets(c.one) != c.meet {
			t.Errorf("%s: %t", name, c.one.Meets(c.other))
		}
	}
}
