package office

import (
	"fmt"
	"maps"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router/payment"
)

// From noon on our breaker is open for five minutes, in which three payments a minute go
// elsewhere. In the third of them the gateway takes money all the same: a payer pays an offer
// of before. Before noon two charges a minute had come to nothing there, but for the first minute.
func TestARunSaysHowWellTheGatewaysHealthWasKnown(t *testing.T) {
	at(t, func(t *testing.T, d *desk) {
		planned := func(at string, why string) payment.Planned {
			return payment.Planned{Attempt: 1, Gateway: at, Provider: "bank", Method: providers.QR, Flow: providers.Direct, Reference: "ref",
				Route: []payment.Choice{{Gateway: gateway, Why: why, Taken: at == gateway}, {Gateway: "other-main", Why: "taken", Taken: at != gateway}}}
		}
		write := func(minute, n int, p payment.Planned, more ...payment.Body) {
			id := fmt.Sprintf("%s-%s-%d-%d", p.Gateway, p.Route[0].Why, minute, n)
			p.Reference = "ref-" + id
			d.write(noon.Add(time.Duration(minute)*time.Minute+time.Second), tenge(1000), id, append([]payment.Body{p}, more...)...)
		}
		for minute := range 5 {
			for n := range 3 {
				write(minute, n, planned("other-main", payment.WhyBreakerOpen), learnt(providers.Approved))
			}
			write(minute, 3, planned("other-main", "drained"), learnt(providers.Approved)) // by a person, who believes nothing of its health
			for n := range 2 {
				write(minute-5, n, planned(gateway, "taken"), payment.Observed{Attempt: 1, Source: payment.FromResponse, Verdict: providers.Unserved, Reason: providers.NotSent})
			}
		}
		write(-5, 7, planned(gateway, "taken"), learnt(providers.Approved))
		write(-20, 8, planned(gateway, "taken"), learnt(providers.Declined)) // by the payer's bank
		write(-30, 9, planned(gateway, "taken"), learnt(providers.Approved))
		for _, c := range []struct{ minute, n, at int }{{-5, 7, -5}, {-30, 9, 2}} { // the second one waited for its payer
			d.tell(providers.StatementLine{Kind: providers.LineCharge, Order: fmt.Sprintf("ref-%s-taken-%d-%d", gateway, c.minute, c.n), Verdict: providers.Approved,
				Amount: tenge(1000), At: noon.Add(time.Duration(c.at)*time.Minute + 30*time.Second)})
		}
		for n := range 2 { // what its payers' banks declined shows nothing, and is no match
			d.tell(charged(fmt.Sprint("declined-", n), 1000, func(l *providers.StatementLine) { l.Verdict = providers.Declined }))
		}
		registry := prometheus.NewRegistry()
		d.Office = d.another(func(o *Options, _ *Books) { o.Registerer = registry })
		r := d.run(today)
		if c := r.Counts; c.Diverted != 15 || c.Wrongly != 3 || c.Unserved != 10 || c.Missed != 8 {
			t.Errorf("the run counts %+v", c)
		}
		want := map[string]float64{"diverted_attempts bank-main no": 12, "diverted_attempts bank-main yes": 3, "matched_ratio bank-main": 0.5,
			"unserved_attempts bank-main no": 2, "unserved_attempts bank-main yes": 8}
		got := scraped(t, registry, "payrouter_reconcile_")
		maps.DeleteFunc(got, func(name string, _ float64) bool { _, asked := want[name]; return !asked })
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("the scrape shows (-want +got):\n%s", diff)
		}
	})
}
