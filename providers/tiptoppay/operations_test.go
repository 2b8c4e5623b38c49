package tiptoppay

import (
	"testing"

	"github.com/payrouter/payrouter/providers"
)

func TestAHoldIsCaptured(t *testing.T) {
	for _, amount := range []string{"14500", "5000.01"} {
		ref := page(t)
		ref.TwoStage = true
		g, d := open(t, nil, found(ref.Order, "Authorized"), done)
		r := g.Capture(t.Context(), ref, tenge(t, amount))
		verdict(t, r, providers.Approved, providers.NoReason)
		want := asked{confirm, `{"TransactionId":2346712901,"Amount":` + tenge(t, amount).Decimal() + `}`, orderNumber + "-confirm-2346712901-" + tenge(t, amount).Decimal()}
		if r.Amount != tenge(t, amount) || len(d.asked) != 2 || d.asked[1] != want {
			t.Errorf("%s, asked %+v, want %+v", r.Amount, d.asked, want)
		}
	}
}

func TestWhatCapturesMean(t *testing.T) {
	for name, c := range map[string]struct {
		answers []string
		want    providers.Verdict
		reason  providers.Reason
	}{
		"refused":                      {[]string{found(orderNumber, "Authorized"), refusal}, providers.Unknown, providers.Ambiguous},
		"refused with a word":          {[]string{found(orderNumber, "Authorized"), `{"Success":false,"Message":"Amount is too large"}`}, providers.Unknown, providers.Ambiguous},
		"lost":                         {[]string{found(orderNumber, "Authorized"), "502"}, providers.Unknown, providers.ServerError},
		"nothing said":                 {[]string{found(orderNumber, "Authorized"), "{}"}, providers.Unknown, providers.Unreadable},
		"throttled":                    {[]string{found(orderNumber, "Authorized"), "429 Too many requests"}, providers.Unserved, providers.Throttled},
		"credentials refused":          {[]string{found(orderNumber, "Authorized"), "401"}, providers.Unserved, providers.Misconfigured},
		"a request that was wrong":     {[]string{found(orderNumber, "Authorized"), "400"}, providers.Unknown, providers.Unreadable},
		"captured before":              {[]string{found(orderNumber, "Completed")}, providers.Approved, providers.NoReason},
		"another sum captured before":  {[]string{found(orderNumber, "Completed", "Amount", "1")}, providers.Declined, providers.Refused},
		"released":                     {shows("Cancelled"), providers.Declined, providers.Refused},
		"nobody has paid":              {[]string{notFound}, providers.Unserved, providers.NotFound},
		"the payer is at it":           {shows("AwaitingAuthentication"), providers.Unserved, providers.NotSent},
		"the look fails":               {[]string{"502"}, providers.Unserved, providers.NotSent},
		"the look's credentials fail":  {[]string{"401"}, providers.Unserved, providers.Misconfigured},
		"the look shows another order": {[]string{found("other", "Authorized")}, providers.Unserved, providers.NotSent},
	} {
		t.Run(name, func(t *testing.T) {
			ref := page(t)
			ref.TwoStage = true
			g, d := open(t, nil, c.answers...)
			verdict(t, g.Capture(t.Context(), ref, ref.Amount), c.want, c.reason)
			if len(d.asked) != len(c.answers) {
				t.Errorf("asked %s", d.paths())
			}
		})
	}
}

func TestNoMoreThanAskedForIsCaptured(t *testing.T) {
	g, d := open(t, nil)
	for _, amount := range []providers.Money{{}, {Minor: -1, Currency: "KZT"}, {Minor: 100, Currency: "USD"}, {Minor: 14500_01, Currency: "KZT"}} {
		verdict(t, g.Capture(t.Context(), page(t), amount), providers.Declined, providers.InvalidRequest)
	}
	if len(d.asked) != 0 {
		t.Errorf("asked %s", d.paths())
	}
}

func TestWhatACancelDoesDependsOnWhatItSees(t *testing.T) {
	token, lost, mistaken := saved(t), page(t), page(t)
	lost.External, mistaken.External = "", txID
	for name, c := range map[string]struct {
		ref     providers.Ref
		answers []string
		asked   string
		want    providers.Verdict
		reason  providers.Reason
	}{
		"a page nobody tried":            {page(t), []string{notFound, done}, ordersCancel, providers.Approved, ""},
		"a page with a declined try":     {page(t), append(shows("Declined", "ReasonCode", "5051"), done), ordersCancel, providers.Approved, ""},
		"a page that is not withdrawn":   {page(t), []string{notFound, `{"Success":false,"Message":"Order is paid"}`}, ordersCancel, providers.Unknown, providers.Ambiguous},
		"a page whose answer is lost":    {page(t), []string{notFound, "504"}, ordersCancel, providers.Unknown, providers.ServerError},
		"a page whose id got lost":       {lost, []string{notFound}, "", providers.Unserved, providers.NotFound},
		"a page with a payment's id":     {mistaken, []string{notFound}, "", providers.Unserved, providers.NotFound},
		"a page with a payer at it":      {page(t), shows("AwaitingAuthentication"), "", providers.Unserved, providers.Unsupported},
		"a hold on a page":               {page(t), []string{found(orderNumber, "Authorized"), done}, void, providers.Approved, ""},
		"a hold on a page without an id": {lost, []string{found(orderNumber, "Authorized"), done}, void, providers.Approved, ""},
		"a hold that is not released":    {page(t), []string{found(orderNumber, "Authorized"), refusal}, void, providers.Unknown, providers.Ambiguous},
		"a paid page":                    {page(t), []string{found(orderNumber, "Completed")}, "", providers.Declined, providers.Refused},
		"a released hold":                {page(t), shows("Cancelled"), "", providers.Approved, ""},
		"a look that fails":              {page(t), []string{"500"}, "", providers.Unserved, providers.NotSent},
		"a token nobody charged":         {token, []string{notFound, notFound}, "", providers.Unserved, providers.NotSent},
		"a token that was declined":      {token, []string{found(tokenOrder, "Declined", "ReasonCode", "5051")}, "", providers.Approved, ""},
		"a hold on a card":               {token, []string{found(tokenOrder, "Authorized"), done}, void, providers.Approved, ""},
	} {
		t.Run(name, func(t *testing.T) {
			g, d := open(t, nil, c.answers...)
			verdict(t, g.Cancel(t.Context(), c.ref), c.want, c.reason)
			if len(d.asked) != len(c.answers) {
				t.Fatalf("asked %s", d.paths())
			}
			last := d.asked[len(d.asked)-1]
			want := map[string]asked{
				"":           {last.path, last.body, ""},
				ordersCancel: {ordersCancel, `{"Id":"hV7tq3XnB0s5LkQz"}`, orderNumber + "-cancel-" + orderID},
				void:         {void, `{"TransactionId":2346712901}`, c.ref.Order + "-void-" + txID},
			}[c.asked]
			if last != want {
				t.Errorf("asked %+v, want %+v", last, want)
			}
		})
	}
}

func TestAProbeShowsLife(t *testing.T) {
	for answer, want := range map[string]providers.Result{
		`{"Success":true,"Message":"5b1c8d1e-6a3f-4a11-9d0c-1f2e3d4c5b6a"}`: {Verdict: providers.Approved},
		`401`:            {Verdict: providers.Unserved, Reason: providers.Misconfigured},
		`429`:            {Reason: providers.Throttled},
		`429 ` + refusal: {Verdict: providers.Unserved, Reason: providers.Throttled},
		`503`:            {Reason: providers.ServerError},
		refusal:          {Reason: providers.Ambiguous},
		`{}`:             {Reason: providers.Unreadable},
		`<ok>`:           {Reason: providers.Unreadable},
	} {
		g, d := open(t, nil, answer)
		verdict(t, g.Probe(t.Context()), want.Verdict, want.Reason)
		if d.asked[0] != (asked{path: ping}) {
			t.Errorf("asked %+v", d.asked)
		}
	}
}
