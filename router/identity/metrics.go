package identity

import (
	"crypto/x509"

	"github.com/prometheus/client_golang/prometheus"
)

var (
	tlsEndDesc = prometheus.NewDesc("payrouter_tls_expiry_timestamp_seconds",
		"When the service's certificate (server), or the first of the authorities of client certificates (client_ca), ends, in Unix time. Missing where none is configured.", []string{"certificate"}, nil)
	tlsLifeDesc = prometheus.NewDesc("payrouter_tls_lifetime_seconds",
		"How long that certificate lasts altogether, from its beginning to its end.", []string{"certificate"}, nil)
)

// Describe names the metrics.
func (g *Gate) Describe(ch chan<- *prometheus.Desc) {
	ch <- tlsEndDesc
	ch <- tlsLifeDesc
}

// Collect tells when the certificates that are in force end. Files that changed are taken up
// before.
func (g *Gate) Collect(ch chan<- prometheus.Metric) {
	tell := func(which string, ends *x509.Certificate) {
		ch <- prometheus.MustNewConstMetric(tlsEndDesc, prometheus.GaugeValue, float64(ends.NotAfter.Unix()), which)
		ch <- prometheus.MustNewConstMetric(tlsLifeDesc, prometheus.GaugeValue, ends.NotAfter.Sub(ends.NotBefore).Seconds(), which)
	}
	if g.pair != nil {
		tell("server", g.pair.current().ends)
	}
	if g.authorities != nil {
		tell("client_ca", g.authorities.current().ends)
	}
}
