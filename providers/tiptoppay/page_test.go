package tiptoppay

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/payrouter/payrouter/providers"
)

const laterTx = "2346712999"

// again is a later try on the page.
func again(status string, more ...string) string {
	return model(orderNumber, status, append([]string{"TransactionId", laterTx, "CreatedDateIso", `"2026-03-14T09:24:00"`}, more...)...)
}

// tried is a page that was planned as its first try began.
func tried(t *testing.T) providers.Ref {
	t.Helper()
	ref := page(t)
	ref.Planned = time.Date(2026, 3, 14, 9, 20, 0, 0, time.UTC)
	return ref
}

func TestNoTryOfAPageHidesAnother(t *testing.T) {
	declined := again("Declined", "ReasonCode", "5051")
	first := func(status string, more ...string) string { return model(orderNumber, status, more...) }
	full := make([]string, pageRows)
	for i := range full {
		full[i] = model("another", "Completed", "TransactionId", itoa(int64(1000+i)))
	}
	for name, c := range map[string]struct {
		last   string
		lists  []string
		want   providers.Verdict
		reason providers.Reason
	}{
		"paid before a decline":               {declined, []string{rows(first("Completed"), declined)}, providers.Approved, ""},
		"held before a decline":               {declined, []string{rows(first("Authorized"), declined)}, providers.Held, ""},
		"paid before a hold that was given":   {again("Cancelled"), []string{rows(first("Completed"), again("Cancelled"))}, providers.Approved, ""},
		"paid before one in 3-D Secure":       {again("AwaitingAuthentication"), []string{rows(first("Completed"))}, providers.Approved, ""},
		"paid since the look":                 {declined, []string{rows(first("Declined", "ReasonCode", "5051"), declined, again("Completed", "TransactionId", "2346713000"))}, providers.Approved, ""},
		"at it before a decline":              {declined, []string{rows(first("AwaitingAuthentication"), declined)}, providers.Pending, providers.StepUp},
		"at it, and nothing else":             {again("AwaitingAuthentication"), []string{rows()}, providers.Pending, providers.StepUp},
		"declined, all of them":               {declined, []string{rows(first("Declined", "ReasonCode", "5051"), declined)}, providers.Pending, providers.AwaitingPayer},
		"refunded, which is no try":           {declined, []string{rows(first("Completed"), declined, given(refundID, "14500", "Completed", "CreatedDateIso", `"2026-03-14T09:25:00"`))}, providers.Approved, ""},
		"others' money":                       {declined, []string{rows(model("another", "Completed"), declined)}, providers.Pending, providers.AwaitingPayer},
		"paid twice":                          {declined, []string{rows(first("Completed"), first("Completed", "TransactionId", "7"), declined)}, providers.Unknown, providers.Mismatch},
		"paid and held":                       {declined, []string{rows(first("Completed"), first("Authorized", "TransactionId", "7"), declined)}, providers.Unknown, providers.Mismatch},
		"in a status nobody knows before":     {declined, []string{rows(first("Sold"), declined)}, providers.Unknown, providers.UnknownCode},
		"another amount paid before":          {declined, []string{rows(first("Completed", "Amount", "1"), declined)}, providers.Unknown, providers.Mismatch},
		"the last one is not on the list":     {declined, []string{rows(first("Declined", "ReasonCode", "5051"))}, providers.Unknown, providers.Mismatch},
		"the list is not to be had":           {declined, []string{"502"}, providers.Unknown, providers.ServerError},
		"the list is refused":                 {declined, []string{refusal}, providers.Unknown, providers.Ambiguous},
		"the list is no list":                 {declined, []string{envelope("{}")}, providers.Unknown, providers.Unreadable},
		"the list ends in the middle":         {declined, []string{rows(full...), "502"}, providers.Unknown, providers.ServerError},
		"paid, on the list's second page":     {declined, []string{rows(full...), rows(first("Completed"), declined)}, providers.Approved, ""},
		"the last one does not say its time":  {again("Declined", "ReasonCode", "5051", "CreatedDateIso", "null"), nil, providers.Unknown, providers.Unreadable},
		"the last one is itself a doubt":      {again("Sold"), nil, providers.Unknown, providers.UnknownCode},
		"paid at last, and nothing is listed": {again("Completed"), nil, providers.Approved, ""},
	} {
		t.Run(name, func(t *testing.T) {
			g, d := open(t, nil, append([]string{envelope(c.last)}, c.lists...)...)
			r := g.Lookup(t.Context(), tried(t))
			verdict(t, r, c.want, c.reason)
			if r.Absent || r.External != "" || len(d.asked) != 1+len(c.lists) {
				t.Errorf("absent %t, external %q, asked %s", r.Absent, r.External, d.paths())
			}
			if (name == "paid and held" || name == "paid twice") != errors.Is(r.Err, errTwice) {
				t.Errorf("error %v", r.Err)
			}
			for i, a := range d.asked {
				if a.id != "" || i > 0 && !strings.HasSuffix(a.body, `,"CreatedDateGte":"2026-03-14T09:18:00Z","CreatedDateLte":"2026-03-14T09:26:01Z","TimeZone":"UTC"}`) {
					t.Errorf("asked %+v", a)
				}
			}
		})
	}
}

func TestAPagePlannedNobodyKnowsWhenIsDoubt(t *testing.T) {
	g, d := open(t, nil, envelope(again("Declined", "ReasonCode", "5051")))
	ref := tried(t)
	ref.Planned = time.Time{}
	verdict(t, g.Lookup(t.Context(), ref), providers.Unknown, providers.Ambiguous)
	if len(d.asked) != 1 {
		t.Errorf("asked %s", d.paths())
	}
}

// A payment that a later decline hides is acted on like any other.
func TestAHiddenPaymentIsRefundedCapturedAndReleased(t *testing.T) {
	declined := again("Declined", "ReasonCode", "5051")
	seen := func(status string) []string {
		return []string{envelope(declined), rows(model(orderNumber, status), declined)}
	}
	two := tried(t)
	two.TwoStage = true
	g, d := open(t, nil, append(seen("Completed"), `{"Model":{"TransactionId":2346790012},"Success":true,"Message":null}`)...)
	verdict(t, g.Refund(t.Context(), back(t, tried(t), "5000", "0")), providers.Approved, "")
	acted := []asked{d.asked[2]}
	g, d = open(t, nil, append(seen("Completed"), envelope(declined), rows(model(orderNumber, "Completed"), declined))...)
	if r := g.LookupRefund(t.Context(), back(t, tried(t), "5000", "0")); !r.Absent {
		t.Errorf("a refund that was not made is %s %s, asked %s", r.Verdict, r.Reason, d.paths())
	}
	g, d = open(t, nil, append(seen("Authorized"), done)...)
	verdict(t, g.Capture(t.Context(), two, two.Amount), providers.Approved, "")
	acted = append(acted, d.asked[2])
	g, d = open(t, nil, append(seen("Authorized"), done)...)
	verdict(t, g.Cancel(t.Context(), two), providers.Approved, "")
	acted = append(acted, d.asked[2])
	for _, a := range acted {
		if !strings.HasPrefix(a.body, `{"TransactionId":`+txID) {
			t.Errorf("asked %+v", a)
		}
	}
}

// A list longer than a page's life can explain is not read to its end, and proves nothing.
func TestAListWithoutAnEndIsDoubtInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		declined := again("Declined", "ReasonCode", "5051")
		number := int64(1000)
		g, l := scripted(t, nil, func(path string) (int, string) {
			if path == paymentsFind {
				return 200, envelope(declined)
			}
			full := make([]string, pageRows)
			for i := range full {
				number++
				full[i] = model("another", "Completed", "TransactionId", itoa(number))
			}
			return 200, rows(full...)
		})
		r := g.Lookup(t.Context(), tried(t))
		verdict(t, r, providers.Unknown, providers.Ambiguous)
		if !errors.Is(r.Err, errTooLong) || len(l.asked) != 1+mostPages {
			t.Errorf("%d requests, error %v", len(l.asked), r.Err)
		}
	})
}

func TestALookKeepsItsTimeHoweverSlowTheList(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		declined := again("Declined", "ReasonCode", "5051")
		number := int64(1000)
		g, _ := scripted(t, nil, func(path string) (int, string) {
			time.Sleep(10 * time.Second)
			if path == paymentsFind {
				return 200, envelope(declined)
			}
			full := make([]string, pageRows)
			for i := range full {
				number++
				full[i] = model("another", "Completed", "TransactionId", itoa(number))
			}
			return 200, rows(full...)
		})
		began := time.Now()
		verdict(t, g.Lookup(t.Context(), tried(t)), providers.Unknown, providers.Timeout)
		if took := time.Since(began); took > 2*g.config.Timeouts.Status || took > g.Claims().Timeouts.Status {
			t.Errorf("it took %s", took)
		}
		time.Sleep(time.Minute)
	})
}

// Each page of a long list has its time: the books of a busy terminal are read to the end.
func TestALookUpOfARefundReadsALongListToItsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(time.Date(2026, 3, 16, 0, 0, 0, 0, time.UTC)))
		other := given("12", "7", "Completed")
		page1 := []string{model(orderNumber, "Completed")}
		for i := range pageRows - 1 {
			page1 = append(page1, model("another", "Completed", "TransactionId", itoa(int64(1000+i))))
		}
		lists := []string{rows(page1...), rows(other, given(refundID, "5000", "Completed", "JsonData", `"{\"refund\":\"rf481b\"}"`))}
		g, _ := scripted(t, nil, func(path string) (int, string) {
			time.Sleep(10 * time.Second)
			switch path {
			case paymentsFind:
				return 200, found(orderNumber, "Completed")
			case operationFind:
				return 200, envelope(other)
			}
			next := lists[0]
			lists = lists[1:]
			return 200, next
		})
		verdict(t, g.LookupRefund(t.Context(), back(t, page(t), "5000", "0")), providers.Approved, "")
	})
}
