package robokassa

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/payrouter/payrouter/providers"
)

// The table of the notes, section 5.
func TestStatesMeanWhatTheTableSays(t *testing.T) {
	token, hold := ref(providers.Instrument), held()
	seen := hold
	seen.External = key // a look or a notice has shown the hold
	link := ref(providers.Link)
	old := link
	old.Planned = time.Now().Add(-48 * time.Hour)
	for _, c := range []struct {
		what    string
		answer  string
		ref     providers.Ref
		verdict providers.Verdict
		reason  providers.Reason
	}{
		{"an address that was opened", says("5", "1500.500000"), link, providers.Pending, providers.PayerConfirming},
		{"an address that was opened and is over", says("5", "1500.500000"), old, providers.Pending, providers.PayerConfirming},
		{"a recurring charge under way", says("5", "1500.500000"), token, providers.Pending, providers.Processing},
		{"no money while the address is alive", says("10", "1500.500000"), link, providers.Pending, providers.AwaitingPayer},
		{"no money on an address that may be dead: only its end says so", says("10", "1500.500000"), old, providers.Pending, providers.AwaitingPayer},
		{"no money on a saved card", says("10", "1500.500000"), token, providers.Declined, providers.DeclinedHard},
		{"a hold that was given back", says("10", "1500.500000"), seen, providers.Declined, providers.Released},
		{"a card that the bank declined where a hold was asked for", says("10", "1500.500000"), hold, providers.Pending, providers.AwaitingPayer},
		{"another try where a hold was seen", strings.Replace(says("10", "1500.500000"), key, "another-key", 1), seen, providers.Unknown, providers.Ambiguous},
		{"a hold", says("20", "1500.500000"), hold, providers.Held, ""},
		{"money received", says("50", "1500.500000"), link, providers.Approved, ""},
		{"money given back", says("60", "1500.500000"), link, providers.Approved, ""},
		{"stopped", says("80", "1500.500000"), link, providers.Pending, providers.Review},
		{"success", says("100", "1500.500000"), link, providers.Approved, ""},
		{"success of a saved card", says("100", "1500.5"), token, providers.Approved, ""},
		{"an unknown state", says("70", "1500.500000"), link, providers.Unknown, providers.UnknownCode},
		{"a negative state", says("-100", "1500.500000"), link, providers.Unknown, providers.UnknownCode},
		{"no state", says("", "1500.500000"), link, providers.Unknown, providers.Unreadable},
		{"a state in words", says("paid", "1500.500000"), link, providers.Unknown, providers.Unreadable},
		{"a state with a zero before it", says("0100", "1500.500000"), link, providers.Unknown, providers.Unreadable},
		{"a bad signature", refuses("1"), link, providers.Unknown, providers.Misconfigured},
		{"no such shop", refuses("2"), link, providers.Unknown, providers.Misconfigured},
		{"not found", refuses("3"), link, providers.Unknown, providers.Ambiguous},
		{"two of one number", refuses("4"), link, providers.Unknown, providers.Ambiguous},
		{"an internal error", refuses("1000"), link, providers.Unknown, providers.Ambiguous},
		{"an unknown result", refuses("7"), link, providers.Unknown, providers.UnknownCode},
		{"no result", refuses(""), link, providers.Unknown, providers.Unreadable},
		{"another sum", says("100", "1500.510000"), link, providers.Unknown, providers.Mismatch},
		{"another sum of what is not paid", says("5", "1.000000"), link, providers.Unknown, providers.Mismatch},
		{"more decimals than there are", says("100", "1500.500001"), link, providers.Unknown, providers.Mismatch},
		{"a sum in words", says("100", "all"), link, providers.Unknown, providers.Mismatch},
		{"no sum", says("100", ""), link, providers.Unknown, providers.Unreadable},
		{"no sum of what is not paid", says("5", ""), link, providers.Pending, providers.PayerConfirming},
		{"less than a one-stage payment", says("100", "1000.000000"), link, providers.Unknown, providers.Mismatch},
		{"a part of a hold", says("100", "1000.000000"), hold, providers.Approved, ""},
		{"more than a hold", says("100", "1500.510000"), hold, providers.Unknown, providers.Mismatch},
		{"less held than asked", says("20", "1000.000000"), hold, providers.Unknown, providers.Mismatch},
		{"our parameter", with(says("100", "1500.5"), "Shp_attempt", attemptOf(link)), link, providers.Approved, ""},
		{"another number in our parameter", with(says("100", "1500.5"), "Shp_attempt", "7"), link, providers.Unknown, providers.Mismatch},
		{"our number, planned at another time", with(says("100", "1500.5"), "Shp_attempt", attemptOf(old)), link, providers.Unknown, providers.Mismatch},
		{"our number, without when it was planned", with(says("100", "1500.5"), "Shp_attempt", order), link, providers.Unknown, providers.Mismatch},
		{"no key of the operation", strings.Replace(says("100", "1500.5"), key, "", 1), link, providers.Unknown, providers.Unreadable},
		{"no parameter of ours", with(says("100", "1500.5"), "Shp_other", "7"), link, providers.Approved, ""},
		{"our parameter in another case", with(says("100", "1500.5"), "shp_attempt", attemptOf(link)), link, providers.Approved, ""},
	} {
		g, d := open(t, everything, map[string]string{toState: c.answer})
		r := g.Lookup(t.Context(), c.ref)
		want(t, c.what, r, c.verdict, c.reason)
		if r.Absent != strings.Contains(c.answer, "<Code>3</Code>") {
			t.Errorf("%s: absent %t", c.what, r.Absent)
		}
		if r.Verdict.HasMoney() != (r.Amount.Currency != "") || r.Verdict.HasMoney() != (r.External != "") {
			t.Errorf("%s: amount %s, id %q", c.what, r.Amount, r.External)
		}
		asked := d.last().form(t)
		if asked.Get("InvoiceID") != order || asked.Get("Signature") != byHand(shop, order, "sim-pass-2") {
			t.Errorf("%s: asked was %v", c.what, asked)
		}
	}
}

// A lost DeactivateInvoice must be seen as not carried out, or the router sends no second one.
func TestALinkThatNobodyHasOpenedWaitsForItsPayer(t *testing.T) {
	g, _ := open(t, everything, map[string]string{toState: refuses("3")})
	invoice := ref(providers.Link)
	invoice.External = invoiceKey + "i1"
	r := g.Lookup(t.Context(), invoice)
	want(t, "a link", r, providers.Pending, providers.AwaitingPayer)
	if r.Absent || !r.Until.IsZero() {
		t.Errorf("%+v", r)
	}
	refund := providers.Refund{Ref: invoice, ID: "rf", Amount: sum}
	want(t, "a refund of it", g.Refund(t.Context(), refund), providers.Unserved, providers.NotFound)
	want(t, "a refund of it, looked up", g.LookupRefund(t.Context(), refund), providers.Unknown, providers.Ambiguous)
}

// A counter that began anew, or another gateway with the same shop and prefix, gives out the
// number of a payment that was made before the attempt was planned.
func TestANumberThatWasUsedBeforeIsNotOurs(t *testing.T) {
	link := ref(providers.Link)
	for _, state := range []string{"5", "10", "20", "50", "60", "80", "100"} {
		g, d := open(t, everything, nil)
		for _, c := range []struct {
			ago     time.Duration
			foreign bool
		}{{48 * time.Hour, true}, {6 * time.Minute, true}, {4 * time.Minute, false}, {-time.Hour, false}} {
			for _, r := range []providers.Ref{link, ref(providers.Instrument), held()} {
				d.answers = map[string]string{toState: since(says(state, "1500.5"), r.Planned.Add(-c.ago))}
				if got := g.Lookup(t.Context(), r); (got.Reason == providers.Mismatch) != c.foreign || c.foreign && got.Verdict != providers.Unknown {
					t.Errorf("state %s of %s before the plan: it is %s %s, %v", state, c.ago, got.Verdict, got.Reason, got.Err)
				}
			}
		}
	}
	undated := since(says("100", "1500.5"), time.Time{})
	undated = strings.Replace(undated, dated(time.Time{}), "2026-01-01T03:05:01", 1) // in nobody knows which zone
	g, d := open(t, everything, map[string]string{toState: undated})
	want(t, "money without a time or a parameter of ours", g.Lookup(t.Context(), link), providers.Unknown, providers.Unreadable)
	d.answers[toState] = with(undated, "Shp_attempt", attemptOf(link))
	want(t, "money without a time, under our parameter", g.Lookup(t.Context(), link), providers.Approved, "")
}

// What a payment carries names the plan too, so that numbers which are given out twice differ.
func TestAnAttemptIsNamedByItsNumberAndItsPlan(t *testing.T) {
	r := ref(providers.Link)
	r.Planned = time.Date(2026, 1, 1, 5, 0, 0, 123_999_000, time.FixedZone("", 5*60*60))
	if got := attemptOf(r); got != order+"-1767225600123" {
		t.Error(got)
	}
	r.Planned = time.Time{}
	if got := attemptOf(r); got != order {
		t.Error(got)
	}
}

func TestMoneyIsToldWithTheKeyItStandsUnder(t *testing.T) {
	g, _ := open(t, everything, map[string]string{toState: says("100", "1500.500000")})
	known := ref(providers.Link)
	r := g.Lookup(t.Context(), known)
	if r.External != key || r.Amount != sum || !r.Returned.IsZero() || r.Code != "100" {
		t.Errorf("%+v", r)
	}
	if r.Instrument == nil || r.Instrument.Value.Reveal() != order || r.Instrument.Mask != "440043******1234" || r.Instrument.Brand != "BankCard" {
		t.Errorf("the saved card is %+v", r.Instrument)
	}
	known.External = r.External
	want(t, "under the known key", g.Lookup(t.Context(), known), providers.Approved, "")
	known.External = "another"
	want(t, "under another key", g.Lookup(t.Context(), known), providers.Unknown, providers.Mismatch)
	known.External = invoiceKey + "i1"
	want(t, "of an invoice", g.Lookup(t.Context(), known), providers.Approved, "")
}

// IncAccount is whatever account the payer used.
func TestOnlyAMaskedCardIsShown(t *testing.T) {
	for account, shown := range map[string]string{
		"440043******1234": "440043******1234", "4400****1234": "4400****1234", "+77011234567": "", "aida.saparova@example.kz": "", "4400430000001234": "", "": "",
	} {
		g, _ := open(t, everything, map[string]string{toState: strings.Replace(says("100", "1500.5"), "440043******1234", account, 1)})
		if r := g.Lookup(t.Context(), ref(providers.Link)); r.Instrument == nil || r.Instrument.Mask != shown {
			t.Errorf("%q is shown as %+v", account, r.Instrument)
		}
	}
}

func TestNoTokenIsToldWhereNoneCanBe(t *testing.T) {
	for what, c := range map[string]struct {
		change func(*Config)
		ref    providers.Ref
	}{
		"a shop without recurring charges": {nil, ref(providers.Link)},
		"a charge of a saved card":         {everything, ref(providers.Instrument)},
		"a captured hold":                  {everything, held()},
	} {
		g, _ := open(t, c.change, map[string]string{toState: says("100", "1500.5")})
		if r := g.Lookup(t.Context(), c.ref); r.Verdict != providers.Approved || r.Instrument != nil {
			t.Errorf("%s: %+v", what, r)
		}
	}
}

func TestWhatIsReturnedIsToldOnlyWhereItIsKnown(t *testing.T) {
	for state, returned := range map[string]providers.Money{"whole": sum, "any": {}} {
		g, _ := open(t, func(c *Config) { c.ReturnedState = state }, map[string]string{toState: says("60", "1500.5")})
		if r := g.Lookup(t.Context(), ref(providers.Link)); r.Returned != returned || r.Amount != sum {
			t.Errorf("%s: returned %s of %s", state, r.Returned, r.Amount)
		}
	}
}

// No document says which sum a state shows once a hold was captured in part.
func TestACapturedHoldNamesNoMoreThanIsKnown(t *testing.T) {
	for _, state := range []string{"50", "60", "100"} {
		for shown, want := range map[string]providers.Money{"1500.500000": {}, "500.250000": tenge(500_25)} {
			g, _ := open(t, nil, map[string]string{toState: says(state, shown)})
			back := providers.Money{}
			if state == "60" {
				back = want
			}
			if r := g.Lookup(t.Context(), held()); r.Verdict != providers.Approved || r.Amount != want || r.Returned != back {
				t.Errorf("%s of %s: %s of %s, %s returned", state, shown, r.Verdict, r.Amount, r.Returned)
			}
		}
	}
}

func TestAnAnswerMayHaveAnyOrderAndNoNamespace(t *testing.T) {
	for what, body := range map[string]string{
		"no namespace":     strings.Replace(says("100", "1500.5"), ` xmlns="http://merchant.roboxchange.com/WebService/"`, "", 1),
		"no declaration":   strings.Replace(says("100", "1500.5"), `<?xml version="1.0" encoding="utf-8"?>`, "", 1),
		"a mark before it": "\xef\xbb\xbf" + says("100", "1500.5"),
		"a prefix":         strings.NewReplacer("<OperationStateResponse xmlns=", "<m:OperationStateResponse xmlns:m=", "</Oper", "</m:Oper").Replace(says("100", "1500.5")),
		"another order": `<OperationStateResponse><Info><OutSum> 1500.50 </OutSum><OpKey>` + key + `</OpKey></Info><State><StateDate>` + dated(time.Now()) + `</StateDate><Code>
			100</Code></State><Result><Code>0</Code></Result><New a="b">field</New></OperationStateResponse>`,
		"escapes and comments": strings.Replace(says("100", "1500.5"), "Bank card", "B&amp;C <!-- x --><![CDATA[<y>]]>", 1),
	} {
		g, _ := open(t, nil, map[string]string{toState: body})
		want(t, what, g.Lookup(t.Context(), ref(providers.Link)), providers.Approved, "")
	}
}

func TestWhatIsNoAnswerSaysNothing(t *testing.T) {
	good := says("100", "1500.5")
	for what, body := range map[string]string{
		"nothing": "", "a page": "<html><body>Sorry</body></html>", "JSON": `{"State":{"Code":100}}`, "half of it": good[:len(good)/2], "all but the last byte": good[:len(good)-1],
		"a document type":        strings.Replace(good, "<OperationStateResponse", `<!DOCTYPE x [<!ENTITY a "100">]><OperationStateResponse`, 1),
		"an entity":              strings.Replace(good, "<Code>100<", "<Code>&a;<", 1),
		"an instruction":         strings.Replace(good, "<OperationStateResponse", `<?php 1 ?><OperationStateResponse`, 1),
		"two documents":          good + good,
		"text behind it":         good + "x",
		"two states":             strings.Replace(good, "<Code>100</Code>", "<Code>100</Code><Code>10</Code>", 1),
		"two infos":              strings.Replace(good, "</Info>", "</Info><Info><OutSum>1</OutSum></Info>", 1),
		"two state dates":        strings.Replace(good, "<StateDate>", "<StateDate/><StateDate>", 1),
		"two of our parameter":   with(with(good, "Shp_attempt", "7"), "Shp_attempt", order),
		"a name without a value": strings.Replace(with(good, "Shp_attempt", order), "<Value>"+order+"</Value>", "", 1),
		"a depth":                "<OperationStateResponse>" + strings.Repeat("<a>", 10) + strings.Repeat("</a>", 10) + "</OperationStateResponse>",
		"not found, and a state": strings.Replace(good, "<Result><Code>0<", "<Result><Code>3<", 1),
		"another encoding":       strings.Replace(good, "utf-8", "windows-1251", 1),
	} {
		g, _ := open(t, nil, map[string]string{toState: body})
		r := g.Lookup(t.Context(), ref(providers.Link))
		want(t, what, r, providers.Unknown, providers.Unreadable)
		if r.Absent {
			t.Errorf("%s is an absence", what)
		}
	}
}

// An unpaid number may be opened again (notes, section 8). When that ends, the offer's own end
// says, and not the link_life of today: that of the attempt may have been another.
func TestNoMoneyIsNeverTheEndOfAnOffer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, d := open(t, everything, nil)
		address, invoice, other := ref(providers.Link), ref(providers.Link), held()
		invoice.External, other.External = invoiceKey+"i1", "another-key"
		for _, c := range []struct {
			after time.Duration
			other meaning // another try at a number under which a hold was seen
		}{
			{0, meaning{providers.Unknown, providers.Ambiguous}}, {23 * time.Minute, meaning{providers.Unknown, providers.Ambiguous}},
			{23*time.Hour + 38*time.Minute, meaning{providers.Unknown, providers.Ambiguous}}, {2 * time.Minute, meaning{providers.Declined, providers.Released}},
			{90 * 24 * time.Hour, meaning{providers.Declined, providers.Released}},
		} {
			time.Sleep(c.after)
			d.answers = map[string]string{toState: says("10", "1500.5")}
			what := "after " + time.Since(address.Planned).String()
			want(t, what+" an address", g.Lookup(t.Context(), address), providers.Pending, providers.AwaitingPayer)
			want(t, what+" an invoice's link", g.Lookup(t.Context(), invoice), providers.Pending, providers.AwaitingPayer)
			want(t, what+" another try", g.Lookup(t.Context(), other), c.other.verdict, c.other.reason)
		}
	})
}

func TestOnlyANumberIsAskedAbout(t *testing.T) {
	g, d := open(t, nil, nil)
	for _, order := range []string{"", "x", "0", "01", "-1", "1 ", "9223372036854775808"} {
		r := ref(providers.Link)
		r.Order = order
		if r := g.Lookup(t.Context(), r); r.Verdict != providers.Unknown || r.Absent || d.was() != "" {
			t.Errorf("%q: %+v, asked was %s", order, r, d.was())
		}
	}
}

func TestAProbeNeedsOurShopAndOurSignature(t *testing.T) {
	for answer, wanted := range map[string]meaning{
		refuses("3"):          {providers.Approved, ""},
		refuses("1"):          {providers.Unserved, providers.Misconfigured},
		refuses("2"):          {providers.Unserved, providers.Misconfigured},
		refuses("1000"):       {providers.Unknown, providers.Ambiguous},
		refuses("77"):         {providers.Unknown, providers.UnknownCode},
		says("100", "1500.5"): {providers.Unknown, providers.UnknownCode},
		"<html/>":             {providers.Unknown, providers.Unreadable},
		"503 sorry":           {providers.Unknown, providers.ServerError},
		"403 sorry":           {providers.Unknown, providers.Unreadable},
	} {
		g, d := open(t, nil, map[string]string{toState: answer})
		want(t, "a probe answered "+answer, g.Probe(t.Context()), wanted.verdict, wanted.reason)
		if got := d.last().form(t).Get("InvoiceID"); got != "9223372036854775807" {
			t.Errorf("asked was %s", got)
		}
	}
}
