package tiptoppay

import (
	"strconv"
	"strings"
	"testing"

	"github.com/payrouter/payrouter/providers"
)

// The classes of the notes, section 6.2 and 6.3. M is our mistake, V our own veto.
const classes = `
D 5001 5003 5004 5005 5006 5007 5012 5014 5015 5017 5019 5033 5034 5036 5041 5043 5051 5054 5055 5057 5058 5059 5061 5062 5063 5065 5082 5206 5763
G 5013 5031 5113 5207 5300 5303
G* 5030 5091 5092 5096 5204
M 3001 3002 3003 3005 3006 3007 5761 5762
V 3004 3008`

func TestEveryCodeHasTheClassOfTheNotes(t *testing.T) {
	known := map[literal]bool{"": true, "0": true}
	for _, line := range strings.Split(strings.TrimSpace(classes), "\n") {
		words := strings.Fields(line)
		for _, code := range words[1:] {
			known[literal(code)] = true
			meant := codes[literal(code)]
			ok := false
			switch words[0] {
			case "D":
				ok = meant.class == declined && (meant == hard || meant == soft || meant == left || meant == suspected)
			case "G":
				ok = meant == unable || meant == limited
			case "G*":
				ok = meant == passing
			case "M":
				ok = meant == setUp || meant == down || meant == invalid
			case "V":
				ok = meant == vetoed || meant == over
			}
			if !ok {
				t.Errorf("%s, class %s, means %+v", code, words[0], meant)
			}
		}
	}
	for code := range codes {
		if !known[code] {
			t.Errorf("the notes have no code %s", code)
		}
	}
	for code := 6001; code <= 6025; code++ {
		if codes[literal(strconv.Itoa(code))].class != undocumented {
			t.Errorf("%d is known, and it is Russian", code)
		}
	}
}

// The schemes forbid to try the same card again after these, at whatever gateway.
func TestWhatMustNotBeRepeatedIsNoSoftDecline(t *testing.T) {
	for _, code := range []literal{"5001", "5003", "5005", "5012", "5017", "5033", "5034", "5057"} {
		if codes[code].reason == providers.DeclinedSoft {
			t.Errorf("%s is soft", code)
		}
	}
}

func TestADeclineOfATokenEndsByItsCode(t *testing.T) {
	g := deaf(t, nil)
	for code, meant := range codes {
		if code == "" || code == "0" {
			continue
		}
		for _, settled := range []bool{false, true} {
			got := g.about(saved(t), []byte(model(tokenOrder, "Declined", "ReasonCode", string(code))), view{settled: settled})
			want, reason := providers.Declined, meant.reason
			switch {
			case meant.again && !settled: // another bank may be at it
				want, reason = providers.Unknown, providers.Ambiguous
			case meant.class == safe:
				want = providers.Unserved
			}
			if got.Verdict != want || got.Reason != reason || got.Amount != (providers.Money{}) || got.External != txID && want != providers.Unknown {
				t.Errorf("%s, settled %t: %s %s of %s", code, settled, got.Verdict, got.Reason, got.External)
			}
		}
		onPage := g.about(page(t), []byte(model(orderNumber, "Declined", "ReasonCode", string(code))), view{offer: true})
		if onPage.Verdict != providers.Pending || onPage.Reason != providers.AwaitingPayer {
			t.Errorf("%s on a page: %s %s", code, onPage.Verdict, onPage.Reason)
		}
	}
}
