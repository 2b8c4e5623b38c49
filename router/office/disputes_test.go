package office

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/payrouter/payrouter/router/journal"
)

// scraped are the gauges and counters whose names begin so, as a scrape shows them now.
func scraped(t *testing.T, registry *prometheus.Registry, prefix string) map[string]float64 {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	series := map[string]float64{}
	for _, f := range families {
		if !strings.HasPrefix(f.GetName(), prefix) {
			continue
		}
		for _, m := range f.GetMetric() {
			var labels []string
			for _, l := range m.GetLabel() {
				labels = append(labels, l.GetValue())
			}
			series[strings.TrimPrefix(f.GetName(), prefix)+" "+strings.Join(labels, " ")] = m.GetGauge().GetValue() + m.GetCounter().GetValue()
		}
	}
	return series
}

func TestAScrapeShowsHowTheClocksOfDisputesStand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		registry := prometheus.NewRegistry()
		d := sit(t, "sqlite:", func(o *Options, _ *Books) { o.Registerer = registry })
		zero := map[string]float64{"open bank-main chargeback": 0, "open bank-main claim": 0, "open bank-main inquiry": 0, "overdue bank-main": 0, "oldest_unanswered_seconds bank-main": 0}
		if diff := cmp.Diff(zero, scraped(t, registry, "payrouter_disputes_")); diff != "" {
			t.Errorf("before anything happened (-want +got):\n%s", diff)
		}
		record := func(gateway string, kind journal.DisputeKind) string {
			id := fmt.Sprintf("%s-%s-%d", gateway, kind, time.Now().Unix())
			_, err := d.store.RecordDispute(t.Context(), journal.Dispute{ID: id, Payment: "p", Attempt: 1, Gateway: gateway, Kind: kind, Amount: tenge(100), Opened: time.Now(), RecordedBy: "operator:aida", Created: time.Now()})
			d.must(err)
			return id
		}
		first := record(gateway, journal.Chargeback)
		time.Sleep(20 * time.Hour)
		record(gateway, journal.Chargeback)
		record("gone-main", journal.Claim) // a gateway that is not configured any more
		time.Sleep(5 * time.Hour)
		want := map[string]float64{"open bank-main chargeback": 2, "open bank-main claim": 0, "open bank-main inquiry": 0, "overdue bank-main": 1, "oldest_unanswered_seconds bank-main": 25 * 3600,
			"open gone-main chargeback": 0, "open gone-main claim": 1, "open gone-main inquiry": 0, "overdue gone-main": 0, "oldest_unanswered_seconds gone-main": 5 * 3600}
		if diff := cmp.Diff(want, scraped(t, registry, "payrouter_disputes_")); diff != "" {
			t.Errorf("after 25 hours (-want +got):\n%s", diff)
		}
		_, err := d.store.ChangeDispute(t.Context(), first, 1, "operator:aida", "", time.Now(), func(d *journal.Dispute) error { d.State = journal.DisputeAnswered; return nil })
		d.must(err)
		want["open bank-main chargeback"], want["overdue bank-main"], want["oldest_unanswered_seconds bank-main"] = 1, 0, 5*3600
		if diff := cmp.Diff(want, scraped(t, registry, "payrouter_disputes_")); diff != "" {
			t.Errorf("answered (-want +got):\n%s", diff)
		}
		d.must(d.store.Close())
		if series := scraped(t, registry, "payrouter_disputes_"); len(series) > 0 {
			t.Errorf("without books: %v", series)
		}
	})
}
