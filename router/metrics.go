package router

import (
	"context"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router/journal"
	"github.com/payrouter/payrouter/router/payment"
)

// metrics count what this process does. What concerns money is not counted but read
// from the books at each scrape: see books.
type metrics struct {
	attempts  *prometheus.CounterVec
	decided   *prometheus.CounterVec
	payments  *prometheus.CounterVec
	failovers *prometheus.CounterVec
	findings  *prometheus.CounterVec
	calls     *prometheus.CounterVec
	refused   *prometheus.CounterVec
	seconds   *prometheus.HistogramVec
	notices   *prometheus.CounterVec
	unknown   *prometheus.CounterVec
	store     *prometheus.CounterVec
	offset    prometheus.Gauge
}

// The calls as the label op names them.
var callNames = []string{"charge", "status", "capture", "void", "withdraw", "refund", "probe"}

// refusalReasons are why a call was not carried out, as the label reason names them.
var refusalReasons = []providers.Reason{providers.NotSent, providers.Throttled, providers.Maintenance, providers.Misconfigured, providers.Unsupported, providers.NotFound}

// The background jobs that can fail for want of the store, as the label job names them.
var storeJobs = []string{"claim", "number", "overrides", "scrape", "clock"}

// latencyBuckets reach from an answer out of memory to the longest time-out.
var latencyBuckets = []float64{0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15, 30}

// newMetrics makes every series exist from the start: labels come from closed sets,
// so the first failure already shows as a rate.
func newMetrics(r *Router) *metrics {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: "payrouter_" + name, Help: help}, labels)
	}
	m := &metrics{
		attempts:  counter("attempts_total", "Attempts committed, each before anything was sent.", "gateway", "method"),
		decided:   counter("attempt_verdicts_total", "Verdicts that attempts came to, one for each change.", "gateway", "verdict"),
		payments:  counter("payments_total", "Payments that came to a status, one for each change.", "status"),
		failovers: counter("failovers_total", "Payments that went to another gateway than the rules' first: kind new when health refused the first, kind open after a closed attempt.", "from", "to", "kind"),
		findings:  counter("findings_total", "Findings raised, by kind.", "kind"),
		calls:     counter("gateway_calls_total", "Calls to gateways by operation and verdict.", "gateway", "op", "verdict"),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "payrouter_gateway_call_seconds",
			Help: "Duration of calls to gateways.", Buckets: latencyBuckets}, []string{"gateway", "op"}),
		notices: counter("notices_total", "Inbound requests of gateways by what became of them.", "gateway", "outcome"),
		unknown: counter("unknown_codes_total", "Codes, statuses and fields that the adapter's tables do not know.", "provider"),
		store:   counter("store_failures_total", "Background jobs that the database failed.", "job"),
		offset: prometheus.NewGauge(prometheus.GaugeOpts{Name: "payrouter_clock_offset_seconds",
			Help: "The database's clock less this process's, as last measured. Beyond a second, either way, this replica sends and concludes nothing."}),
	}
	m.refused = counter("gateway_refusals_total", "Calls that a gateway refused to carry out or that never left, by reason; misconfigured means that our credentials or set-up were refused and a person is needed.", "gateway", "reason")
	m.fill(r)
	if r.Registerer != nil {
		r.Registerer.MustRegister(m.attempts, m.decided, m.payments, m.failovers, m.findings, m.calls, m.refused, m.seconds, m.notices,
			m.unknown, m.store, m.offset, &books{router: r})
	}
	return m
}

func (m *metrics) fill(r *Router) {
	for _, g := range r.names {
		for _, method := range providers.Methods() {
			m.attempts.WithLabelValues(g, string(method))
		}
		for _, v := range providers.Verdicts() {
			m.decided.WithLabelValues(g, v.String())
			for _, op := range callNames {
				m.calls.WithLabelValues(g, op, v.String())
			}
		}
		for _, op := range callNames {
			m.seconds.WithLabelValues(g, op)
		}
		for _, to := range r.names {
			if g != to {
				m.failovers.WithLabelValues(g, to, "new")
				m.failovers.WithLabelValues(g, to, "open")
			}
		}
		for _, reason := range refusalReasons {
			m.refused.WithLabelValues(g, string(reason))
		}
		for _, outcome := range noticeOutcomes {
			m.notices.WithLabelValues(g, outcome)
		}
		m.unknown.WithLabelValues(r.terms.Claims(g).Provider)
	}
	for _, s := range payment.Statuses() {
		m.payments.WithLabelValues(string(s))
	}
	for _, k := range payment.FindingKinds() {
		m.findings.WithLabelValues(string(k))
	}
	for _, job := range storeJobs {
		m.store.WithLabelValues(job)
	}
}

// moved counts what changed between two states of a payment.
func (m *metrics) moved(before, after payment.Payment) {
	if was, is := before.Status(), after.Status(); was != is || before.Seq == 0 {
		m.payments.WithLabelValues(string(is)).Inc()
	}
	for i, a := range after.Attempts {
		if i >= len(before.Attempts) {
			m.attempts.WithLabelValues(a.Gateway, string(a.Method)).Inc()
			if from, kind := divertedFrom(after, i); from != "" {
				m.failovers.WithLabelValues(from, a.Gateway, kind).Inc()
			}
		}
		if a.Answered && (i >= len(before.Attempts) || !before.Attempts[i].Answered || before.Attempts[i].Verdict != a.Verdict) {
			m.decided.WithLabelValues(a.Gateway, a.Verdict.String()).Inc()
		}
	}
	for _, f := range after.Findings[min(len(before.Findings), len(after.Findings)):] {
		m.findings.WithLabelValues(string(f.Kind)).Inc()
	}
}

// divertedFrom names the gateway that attempt i went away from, if it did.
func divertedFrom(p payment.Payment, i int) (from, kind string) {
	if i > 0 {
		if last := p.Attempts[i-1].Gateway; last != p.Attempts[i].Gateway {
			return last, "open"
		}
		return "", ""
	}
	for _, c := range p.Attempts[i].Route {
		if !c.Taken && isHealthReason(c.Why) && c.Gateway != p.Attempts[i].Gateway {
			return c.Gateway, "new"
		}
	}
	return "", ""
}

func (m *metrics) called(ctx context.Context, gateway, op string, result providers.Result, took time.Duration) {
	m.calls.WithLabelValues(gateway, op, result.Verdict.String()).Inc()
	timed(ctx, m.seconds.WithLabelValues(gateway, op), took)
	if slices.Contains(refusalReasons, result.Reason) {
		m.refused.WithLabelValues(gateway, string(result.Reason)).Inc()
	}
}

func (m *metrics) noticed(gateway, outcome string) { m.notices.WithLabelValues(gateway, outcome).Inc() }

func (m *metrics) unknownCode(provider string) { m.unknown.WithLabelValues(provider).Inc() }

func (m *metrics) storeFailed(job string) { m.store.WithLabelValues(job).Inc() }

// books are the gauges of money at risk, read from the database when scraped: what
// is at risk is a fact of the books and not of this process (PRODUCT N6).
type books struct{ router *Router }

var (
	riskAmountDesc = prometheus.NewDesc("payrouter_at_risk_amount",
		"Money that may have moved or still may, in minor units, from the books.", []string{"gateway", "verdict", "currency"}, nil)
	riskCountDesc = prometheus.NewDesc("payrouter_at_risk_attempts",
		"Attempts behind payrouter_at_risk_amount.", []string{"gateway", "verdict", "currency"}, nil)
	riskOldestDesc = prometheus.NewDesc("payrouter_at_risk_oldest_seconds",
		"Age of the oldest attempt behind payrouter_at_risk_amount, 0 without one.", []string{"gateway", "verdict", "currency"}, nil)
	openDesc = prometheus.NewDesc("payrouter_open_attempts",
		"Attempts that may still take money and have not, from the books.", []string{"gateway"}, nil)
	oldestDesc = prometheus.NewDesc("payrouter_oldest_open_attempt_seconds",
		"Age of the oldest open attempt, 0 without one.", []string{"gateway"}, nil)
	credentialsDesc = prometheus.NewDesc("payrouter_credentials_expiry_timestamp_seconds",
		"When a gateway's credentials end, in Unix time, by the configuration or by their own word. Missing where nobody says.", []string{"gateway", "credentials"}, nil)
	rehearsalDesc = prometheus.NewDesc("payrouter_rehearsal_timestamp_seconds",
		"When failover was last proven, in Unix time: by a recorded rehearsal, or by an order to drain a gateway under which another was paid. 0 when it never was.", nil, nil)
	booksUpDesc = prometheus.NewDesc("payrouter_books_up",
		"1 when the books could be read for this scrape; the gauges of money are missing otherwise.", nil, nil)
)

// Describe sends the descriptors.
func (b *books) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{riskAmountDesc, riskCountDesc, riskOldestDesc, openDesc, oldestDesc, credentialsDesc, rehearsalDesc, booksUpDesc} {
		out <- d
	}
}

// scrapeLimit keeps a slow database from making the scrape slow.
const scrapeLimit = 3 * time.Second

// Collect reads the books.
func (b *books) Collect(out chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	for _, g := range b.router.All() {
		for _, c := range g.Valid() {
			if end := c.End(); !end.IsZero() {
				gauge(credentialsDesc, float64(end.Unix()), g.Name, c.Version)
			}
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), scrapeLimit)
	defer cancel()
	now := time.Now()
	exposed, err := b.router.Journal.AtRisk(ctx)
	var rehearsed time.Time
	if err == nil {
		rehearsed, err = b.router.Journal.LastRehearsal(ctx, b.router.names, now)
	}
	if err != nil {
		b.router.metrics.storeFailed("scrape")
		gauge(booksUpDesc, 0)
		return
	}
	gauge(booksUpDesc, 1)
	if rehearsed.IsZero() {
		rehearsed = time.Unix(0, 0)
	}
	gauge(rehearsalDesc, float64(rehearsed.Unix()))
	shown, open, oldest := map[[3]string]bool{}, map[string]int64{}, map[string]time.Duration{}
	show := func(e journal.Exposure) {
		key := [3]string{e.Gateway, e.Verdict, e.Currency}
		if !shown[key] {
			shown[key] = true
			gauge(riskAmountDesc, float64(e.Amount), key[:]...)
			gauge(riskCountDesc, float64(e.Count), key[:]...)
			age := 0.0
			if e.Count > 0 {
				age = now.Sub(e.Oldest).Seconds()
			}
			gauge(riskOldestDesc, age, key[:]...)
		}
	}
	for _, e := range exposed { // also of gateways that are not configured any more
		show(e)
		open[e.Gateway] += e.Count
		oldest[e.Gateway] = max(oldest[e.Gateway], now.Sub(e.Oldest))
	}
	for _, name := range b.router.names {
		open[name] += 0
		for _, verdict := range []providers.Verdict{providers.Unknown, providers.Pending} {
			for _, currency := range b.router.terms.Claims(name).Currencies {
				show(journal.Exposure{Gateway: name, Verdict: verdict.String(), Currency: currency})
			}
		}
	}
	for name, count := range open {
		gauge(openDesc, float64(count), name)
		gauge(oldestDesc, oldest[name].Seconds(), name)
	}
}
