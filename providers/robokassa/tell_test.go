package robokassa

import (
	"strings"
	"testing"
	"time"

	"github.com/payrouter/payrouter/providers"
)

func TestAStateIsToldAsALine(t *testing.T) {
	link, hold := ref(providers.Link), held()
	seen := hold
	seen.External = key
	other := link
	other.External = "another-key"
	at := time.Now().Truncate(time.Microsecond)
	undated := strings.Replace(says("100", "1500.5"), "<StateDate>", "<StateDate>?", 1)
	for _, c := range []struct {
		what, answer string
		ref          providers.Ref
		verdict      providers.Verdict
		minor        int64
		dated        bool
	}{
		{"opened", says("5", "1500.5"), link, providers.Pending, 1500_50, false},
		{"stopped", says("80", ""), link, providers.Pending, 1500_50, false},
		{"no money", says("10", "1500.5"), link, providers.Declined, 1500_50, false},
		{"a hold that is gone", says("10", "1500.5"), seen, providers.Declined, 1500_50, true},
		{"a hold", says("20", "1500.5"), hold, providers.Held, 1500_50, true},
		{"received", says("50", "1500.5"), link, providers.Approved, 1500_50, true},
		{"success", says("100", "1500.500000"), link, providers.Approved, 1500_50, true},
		{"another sum", says("100", "1500.51"), link, providers.Approved, 1500_51, true},
		{"a part of a hold", says("100", "1000"), hold, providers.Approved, 1000_00, true},
		{"given back", says("60", "1500.5"), link, providers.Approved, 1500_50, false},
		{"a state of nobody's", says("70", "1500.5"), link, providers.Unknown, 1500_50, false},
		{"two of one number", refuses("4"), link, providers.Unknown, 1500_50, false},
		{"a number that was used before", since(says("100", "7"), at.Add(-time.Hour)), link, providers.Unknown, 1500_50, false},
		{"another attempt", with(says("100", "7"), "Shp_attempt", "7"), link, providers.Unknown, 1500_50, false},
		{"under another key", says("100", "1500.5"), other, providers.Unknown, 1500_50, false},
		{"neither dated nor ours", undated, link, providers.Unknown, 1500_50, false},
	} {
		g, _ := open(t, everything, map[string]string{toState: c.answer})
		told, err := g.Tell(t.Context(), providers.Asked{Ref: c.ref})
		l := told.Charge
		if err != nil || !told.Known || l.Kind != providers.LineCharge || l.Order != order || l.Verdict != c.verdict || l.Amount != tenge(c.minor) || l.At.IsZero() == c.dated {
			t.Errorf("%s: %+v, %v", c.what, told, err)
		}
		if (l.External == key) != l.Verdict.HasMoney() || (l.Reason == providers.Released) != (c.what == "a hold that is gone") {
			t.Errorf("%s: under %q, %q", c.what, l.External, l.Reason)
		}
		if back := told.Returned; (back == sum) != (c.what == "given back") || back != sum && back != (providers.Money{}) {
			t.Errorf("%s: %s given back", c.what, back)
		}
	}
	g, _ := open(t, func(c *Config) { c.ReturnedState = "any" }, map[string]string{toState: says("60", "1500.5")})
	if told, err := g.Tell(t.Context(), providers.Asked{Ref: link}); err != nil || told.Returned != (providers.Money{}) {
		t.Errorf("given back in part: %+v, %v", told, err)
	}
}

func TestOnlyCode3IsAnAbsence(t *testing.T) {
	link := ref(providers.Link)
	g, d := open(t, everything, map[string]string{toState: refuses("3")})
	if told, err := g.Tell(t.Context(), providers.Asked{Ref: link}); err != nil || told.Known {
		t.Errorf("not found: %+v, %v", told, err)
	}
	for what, answer := range map[string]string{
		"a bad signature": refuses("1"), "no shop": refuses("2"), "an internal error": refuses("1000"), "an unknown result": refuses("7"), "no result": refuses(""),
		"no state": says("", "1500.5"), "a sum in words": says("100", "all"), "no sum": says("100", ""), "no key": strings.Replace(says("100", "1500.5"), key, "", 1),
		"a page": "<html/>", "HTTP 500": "500 sorry", "HTTP 404 that says so": "404 " + refuses("3"),
	} {
		d.answers[toState] = answer
		if told, err := g.Tell(t.Context(), providers.Asked{Ref: link}); err == nil {
			t.Errorf("%s: %+v", what, told)
		}
	}
}

func TestRefundsAreAskedAboutByTheirOwnID(t *testing.T) {
	link := ref(providers.Link)
	asked := providers.Asked{Ref: link, Refunds: []providers.Refund{{Ref: link, Amount: tenge(500_00)}, {Ref: link, External: "r-2", Amount: tenge(500_00)}}}
	for state, c := range map[string]struct {
		verdict providers.Verdict
		lines   int
		fails   bool
	}{
		`{"requestId":"r-2","amount":500.00,"label":"finished"}`:   {providers.Approved, 1, false},
		`{"requestId":"r-2","amount":500.00,"label":"processing"}`: {providers.Pending, 1, false},
		`{"requestId":"r-2","amount":500.00,"label":"canceled"}`:   {providers.Declined, 1, false},
		`{"requestId":"r-2","amount":500.00,"label":"postponed"}`:  {providers.Unknown, 1, false},
		`{"message":"Id is invalid or request id does not exist"}`: {providers.Unknown, 0, false},
		`{"message":"Internal error"}`:                             {fails: true},
		`{"requestId":"r-3","amount":500.00,"label":"finished"}`:   {fails: true},
		`{"requestId":"r-2","amount":"all","label":"finished"}`:    {fails: true},
		`[]`:                   {fails: true},
		`503 try again`:        {fails: true},
		`404 {"label":"none"}`: {fails: true},
	} {
		g, d := open(t, everything, map[string]string{toState: says("100", "1500.5"), toRefundID: state})
		told, err := g.Tell(t.Context(), asked)
		if (err != nil) != c.fails || len(told.Refunds) != c.lines {
			t.Errorf("%s: %+v, %v", state, told, err)
			continue
		}
		for _, l := range told.Refunds {
			if l.Kind != providers.LineRefund || l.Order != order || l.External != "r-2" || l.Verdict != c.verdict || l.Amount != tenge(500_00) || !l.At.IsZero() {
				t.Errorf("%s: %+v", state, l)
			}
		}
		if len(d.asked) != 2 {
			t.Errorf("asked %s", d.was())
		}
	}
	g, d := open(t, nil, map[string]string{toState: says("100", "1500.5")})
	if told, err := g.Tell(t.Context(), asked); err != nil || len(told.Refunds) != 0 || len(d.asked) != 1 {
		t.Errorf("where refunds are made by people: %+v, %v", told, err)
	}
}
