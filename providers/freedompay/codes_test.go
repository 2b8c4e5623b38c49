package freedompay

import (
	"strings"
	"testing"

	"github.com/payrouter/payrouter/providers"
)

// classes is the table of the notes, section 6, by its own letters: D declined, G the
// gateway refused and nothing was charged, U look it up, M ours; M in brackets is about
// the state of a payment, and a star is what an operation has done already.
var classes = map[string]string{
	"D": `8889 10001 10003 10004 10005 10008 10006 10028 10007 10009 10010 10014 10017 10019 10022 10023 10024 10032 10040 10037 10038 10041
		11001 11009 11021 11023 11002 11007 11008 11010 11003 11004 11005 11006 11011 11012 11015 11019 11020 11051 11024 11028 11036 11037 11049
		11053 11050 9901 100171 100091 100094 10045 13713 100101 100384 100403 11062 11063 11065 100056 110501 10042 110100 100066 100228 1000661
		1000669 400 420`,
	"G":     "10013 10016 11027 11055 466 850",
	"G end": "10018 360",
	"U":     "9999 10000 10021 10025 11000 11014 11052 12000 99999 101156 999993 350 465 470 475 600 1000 2000",
	"U yes": "10011 10015 11013",
	"M us":  "1100 9992 9993 9994 9995 9996 9997 9998 100 101 110 130 200 365",
	"M ask": "8888 10020 10026 10029 10030 10031 11016 11022 11054 700 701 711",
	"M dup": "9991",
	"M [ ]": "9013 10012 10034 10035 10039 11025 11026 490",
	"M [*]": "10033 10036 11017 11018",
	"none":  "11068 340",
	"120":   "120",
}

var letters = map[string]class{"D": declined, "G": gateway, "G end": lapsed, "U": unclear, "U yes": charged, "M us": setup, "M ask": request,
	"M dup": duplicate, "M [ ]": forbidden, "M [*]": done, "none": missing, "120": clash}

func TestEveryCodeOfTheTableHasItsClass(t *testing.T) {
	n := 0
	for letter, list := range classes {
		for _, code := range strings.Fields(list) {
			n++
			if got := meant(code).class; got != letters[letter] {
				t.Errorf("%s is of class %d, want %q", code, got, letter)
			}
		}
	}
	if n != len(codes) {
		t.Errorf("the notes have %d codes, the table %d", n, len(codes))
	}
	for _, code := range []string{"", "0", "10", "987654", "10002", "x", "010009"} {
		if meant(code).class != undocumented {
			t.Errorf("%q is documented", code)
		}
	}
}

// Where a code stands decides what it means (notes, section 6).
func TestACodeMeansWhatItsPlaceMakesOfIt(t *testing.T) {
	type word struct {
		verdict providers.Verdict
		reason  providers.Reason
	}
	open := func(r providers.Reason) word { return word{providers.Unknown, r} }
	for _, c := range []struct {
		code                       string
		create, failure, operation word
	}{
		{"10037", word{providers.Declined, providers.DeclinedHard}, word{providers.Declined, providers.DeclinedHard}, word{providers.Declined, providers.Refused}},
		{"10009", word{providers.Declined, providers.DeclinedSoft}, word{providers.Declined, providers.DeclinedSoft}, word{providers.Declined, providers.Refused}},
		{"400", word{providers.Declined, providers.CanceledByPayer}, word{providers.Declined, providers.CanceledByPayer}, word{providers.Declined, providers.Refused}},
		{"850", word{providers.Unserved, providers.Maintenance}, word{providers.Unserved, providers.Maintenance}, word{providers.Unserved, providers.Maintenance}},
		{"10013", word{providers.Unserved, providers.Unsupported}, word{providers.Unserved, providers.Unsupported}, word{providers.Unserved, providers.Unsupported}},
		{"10018", word{providers.Unserved, providers.Unsupported}, word{providers.Declined, providers.Expired}, word{providers.Declined, providers.Refused}},
		{"101", word{providers.Unserved, providers.Misconfigured}, word{providers.Declined, providers.Expired}, word{providers.Unserved, providers.Misconfigured}},
		{"10000", open(providers.Ambiguous), word{providers.Declined, providers.DeclinedHard}, open(providers.Ambiguous)},
		{"99999", open(providers.Ambiguous), word{providers.Declined, providers.DeclinedHard}, open(providers.Ambiguous)},
		{"10011", open(providers.Ambiguous), open(providers.Ambiguous), open(providers.Ambiguous)},
		{"9998", word{providers.Unserved, providers.Misconfigured}, word{providers.Unserved, providers.Misconfigured}, word{providers.Unserved, providers.Misconfigured}},
		{"10030", word{providers.Unserved, providers.Unsupported}, word{providers.Unserved, providers.Unsupported}, word{providers.Declined, providers.Refused}},
		{"9991", open(providers.Duplicate), open(providers.Duplicate), open(providers.Ambiguous)},
		{"10034", open(providers.Ambiguous), word{providers.Declined, providers.DeclinedHard}, word{providers.Declined, providers.Refused}},
		{"10036", open(providers.Ambiguous), word{providers.Declined, providers.DeclinedHard}, open(providers.Ambiguous)},
		{"11068", open(providers.Ambiguous), word{providers.Declined, providers.DeclinedHard}, word{providers.Unserved, providers.NotFound}},
		{"120", word{providers.Unserved, providers.Misconfigured}, word{providers.Declined, providers.DeclinedHard}, open(providers.Ambiguous)},
		{"987654", open(providers.UnknownCode), word{providers.Declined, providers.DeclinedHard}, open(providers.UnknownCode)},
		{"", open(providers.UnknownCode), word{providers.Declined, providers.DeclinedHard}, open(providers.UnknownCode)},
	} {
		for place, got := range map[string]struct {
			result providers.Result
			want   word
		}{
			"create":    {meant(c.code).onCreate(c.code), c.create},
			"failure":   {meant(c.code).onFailure(c.code, c.code), c.failure},
			"operation": {meant(c.code).onOperation(c.code), c.operation},
		} {
			if (word{got.result.Verdict, got.result.Reason}) != got.want {
				t.Errorf("%q at a %s is %s %q, want %s %q", c.code, place, got.result.Verdict, got.result.Reason, got.want.verdict, got.want.reason)
			}
		}
	}
}

// No code anywhere says that money moved, and none that it may have moved is a refusal.
func TestNoCodeBelievesInMoney(t *testing.T) {
	for code, m := range codes {
		for _, r := range []providers.Result{m.onCreate(code), m.onFailure(code, code), m.onOperation(code)} {
			if r.Verdict.HasMoney() || r.Verdict == providers.Pending || r.Reason == providers.NoReason {
				t.Errorf("%s is %s %q", code, r.Verdict, r.Reason)
			}
		}
		if m.class == charged && (m.onCreate(code).Verdict != providers.Unknown || m.onFailure(code, code).Verdict != providers.Unknown) {
			t.Errorf("%s says that it was charged, and is a refusal", code)
		}
	}
}
