package office

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/payrouter/payrouter/router/journal"
	"github.com/payrouter/payrouter/router/payment"
	"github.com/payrouter/payrouter/router/reconcile"
)

// metrics count what this process does. What concerns days and findings is read from the
// books at each scrape: see books.
type metrics struct {
	runs, lines, matched, healed, removed *prometheus.CounterVec
	archived                              prometheus.Counter
}

// The ends of a run, as the label outcome names them: one that is tried again is retried.
const (
	outcomeDone    = "done"
	outcomeRetried = "retried"
	outcomeFailed  = "failed"
)

func newMetrics(o *Office) *metrics {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: "payrouter_reconcile_" + name, Help: help}, labels)
	}
	m := &metrics{
		runs:    counter("runs_total", "Ends of reconciliation runs in this process.", "gateway", "outcome"),
		lines:   counter("lines_total", "Lines of gateways' own books that finished runs have read.", "gateway"),
		matched: counter("matched_total", "Movements of which both books said the same, in finished runs.", "gateway"),
		healed:  counter("healed_total", "Disagreements that became an observation of the payment, in finished runs.", "gateway"),
		removed: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "payrouter_retention_removed_total",
			Help: "Notices that were removed, and payments from which the payer was erased, because their term was over, by this process."}, []string{"what"}),
	}
	m.archived = prometheus.NewCounter(prometheus.CounterOpts{Name: "payrouter_retention_archived_total",
		Help: "Payments whose history was moved into the archive, because they were over for long, by this process."})
	for _, what := range []string{AgedNotices, AgedPersonal} {
		m.removed.WithLabelValues(what)
	}
	for _, gateway := range slices.Sorted(maps.Keys(o.Books)) { // so that the first failure already shows as a rate
		for _, outcome := range []string{outcomeDone, outcomeRetried, outcomeFailed} {
			m.runs.WithLabelValues(gateway, outcome)
		}
		m.lines.WithLabelValues(gateway)
		m.matched.WithLabelValues(gateway)
		m.healed.WithLabelValues(gateway)
	}
	if o.Registerer != nil {
		o.Registerer.MustRegister(m.runs, m.lines, m.matched, m.healed, m.removed, m.archived, &books{o})
	}
	return m
}

// ended counts what came of a run.
func (m *metrics) ended(run journal.Run, outcome string) {
	m.runs.WithLabelValues(run.Gateway, outcome).Inc()
	if outcome == outcomeDone {
		m.lines.WithLabelValues(run.Gateway).Add(float64(run.Counts.Lines))
		m.matched.WithLabelValues(run.Gateway).Add(float64(run.Counts.Matched))
		m.healed.WithLabelValues(run.Gateway).Add(float64(run.Counts.Healed))
	}
}

// aged counts what was removed, erased or archived.
func (m *metrics) aged(what string, n int64) {
	if what == AgedHistory {
		m.archived.Add(float64(n))
		return
	}
	m.removed.WithLabelValues(what).Add(float64(n))
}

// books are the gauges that are facts of the books and not of this process.
type books struct{ *Office }

var (
	successDesc = prometheus.NewDesc("payrouter_reconcile_last_success_timestamp_seconds",
		"When a run of the gateway was done last, in Unix time; 0 when none ever was.", []string{"gateway"}, nil)
	readDesc = prometheus.NewDesc("payrouter_reconcile_read_to_timestamp_seconds",
		"The end of the newest business day whose statement has been read, in Unix time; 0 when none has.", []string{"gateway"}, nil)
	matchedDesc = prometheus.NewDesc("payrouter_reconcile_matched_ratio",
		"Of the lines of the newest reconciled day, the share of which both books say the same, 0 to 1; missing when there was no line. Holds that were captured, and tries that came to nothing, are lines, too, where a gateway lists them.", []string{"gateway"}, nil)
	divertedDesc = prometheus.NewDesc("payrouter_reconcile_diverted_attempts",
		"Attempts of the newest reconciled day that passed the gateway over, for another one, because it was believed to be down; wrongly is yes for those of minutes in which its own books show that it took money.", []string{"gateway", "wrongly"}, nil)
	unservedDesc = prometheus.NewDesc("payrouter_reconcile_unserved_attempts",
		"Attempts of the newest reconciled day that the gateway was to have and did not serve: out of reach, at work on itself, or never heard of; missed is yes for those of minutes in which its own books show no money, so that it seems to have been down and was not yet believed to be.", []string{"gateway", "missed"}, nil)
	openDesc = prometheus.NewDesc("payrouter_findings_open",
		"Findings that somebody has to look at, from the books.", []string{"gateway", "kind"}, nil)
	oldestDesc = prometheus.NewDesc("payrouter_findings_oldest_open_seconds",
		"Age of the oldest open finding, 0 without one.", []string{"gateway", "kind"}, nil)
	amountDesc = prometheus.NewDesc("payrouter_findings_open_amount",
		"Money that open findings are about, in minor units: what the gateway's books say, else what ours do.", []string{"gateway", "kind", "currency"}, nil)
	passDesc = prometheus.NewDesc("payrouter_retention_last_success_timestamp_seconds",
		"When all that had outlived its term was removed last, in Unix time; 0 when it never was.", nil, nil)
	upDesc = prometheus.NewDesc("payrouter_reconcile_books_up",
		"1 when the books could be read for this scrape; the gauges of days, findings and disputes are missing otherwise.", nil, nil)
)

// Describe sends the descriptors.
func (b *books) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{successDesc, readDesc, matchedDesc, divertedDesc, unservedDesc, openDesc, oldestDesc, amountDesc, passDesc, disputesDesc, unansweredDesc, overdueDesc, upDesc} {
		out <- d
	}
}

// scrapeLimit keeps a slow database from making the scrape slow.
const scrapeLimit = 3 * time.Second

// Collect reads the books.
func (b *books) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), scrapeLimit)
	defer cancel()
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	now := time.Now()
	read, err := b.Journal.Reconciled(ctx)
	open, disputed := []journal.OpenFindings(nil), []journal.OpenDisputes(nil)
	if err == nil {
		open, err = b.Journal.OpenFindings(ctx)
	}
	if err == nil {
		disputed, err = b.Journal.OpenDisputes(ctx, now)
	}
	pass := journal.Pass{}
	if err == nil {
		if pass, err = b.Journal.LastPass(ctx); errors.Is(err, journal.ErrNotFound) {
			err = nil
		}
	}
	if err != nil {
		gauge(upDesc, 0)
		return
	}
	gauge(upDesc, 1)
	gauge(passDesc, unix(pass.Ended))
	standingOf(slices.Sorted(maps.Keys(b.Books)), disputed, now).send(out)
	for _, gateway := range slices.Sorted(maps.Keys(b.Books)) {
		_, claims, err := b.claims(gateway)
		if _, known := read[gateway]; known || err == nil && claims.Statement.ByCall() { // others have no books to be late with
			gauge(successDesc, unix(read[gateway].Done), gateway)
			gauge(readDesc, unix(read[gateway].ReadTo), gateway)
			day := read[gateway].Newest
			if day.Lines > 0 {
				gauge(matchedDesc, float64(day.Matched)/float64(day.Lines), gateway)
			}
			gauge(divertedDesc, float64(day.Wrongly), gateway, "yes")
			gauge(divertedDesc, float64(day.Diverted-day.Wrongly), gateway, "no")
			gauge(unservedDesc, float64(day.Missed), gateway, "yes")
			gauge(unservedDesc, float64(day.Unserved-day.Missed), gateway, "no")
		}
	}
	type about struct{ gateway, kind string }
	counts, ages := map[about]int64{}, map[about]time.Duration{}
	for gateway := range b.Books {
		for _, kind := range findingKinds() {
			counts[about{gateway, kind}] += 0
		}
	}
	for _, f := range open { // also of gateways that are not configured any more
		of := about{f.Gateway, f.Kind}
		counts[of] += f.Count
		ages[of] = max(ages[of], now.Sub(f.Oldest))
		if f.Currency != "" {
			gauge(amountDesc, float64(f.Amount), f.Gateway, f.Kind, f.Currency)
		}
	}
	for of, n := range counts {
		gauge(openDesc, float64(n), of.gateway, of.kind)
		gauge(oldestDesc, ages[of].Seconds(), of.gateway, of.kind)
	}
}

func unix(at time.Time) float64 {
	if at.IsZero() {
		return 0
	}
	return float64(at.Unix())
}

// findingKinds are the kinds of all findings, of statements and of payments.
func findingKinds() []string {
	var all []string
	for _, k := range reconcile.Kinds() {
		all = append(all, string(k))
	}
	for _, k := range payment.FindingKinds() {
		all = append(all, string(k))
	}
	return all
}
