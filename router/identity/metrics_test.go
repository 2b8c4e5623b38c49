package identity_test

import (
	"maps"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/payrouter/payrouter/router/identity"
	"github.com/payrouter/payrouter/router/identity/authority"
	"github.com/payrouter/payrouter/router/identity/identitytest"
)

// gathered are the values of a metric by the certificate that it is about.
func gathered(t *testing.T, g *identity.Gate, name string) map[string]float64 {
	t.Helper()
	r := prometheus.NewPedanticRegistry()
	r.MustRegister(g)
	families, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]float64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() == name {
				found[m.GetLabel()[0].GetValue()] = m.GetGauge().GetValue()
			}
		}
	}
	return found
}

func TestWhenCertificatesEndIsShownAsTheFilesAreThen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, start := identitytest.New(t), time.Now()
		g := h.Gate(h.Options())
		shows := func(server, authority time.Duration) {
			t.Helper()
			want := map[string]float64{"server": float64(start.Add(server).Unix()), "client_ca": float64(start.Add(authority).Unix())}
			if ends := gathered(t, g, "payrouter_tls_expiry_timestamp_seconds"); !maps.Equal(ends, want) {
				t.Errorf("%v, want %v", ends, want)
			}
		}
		shows(time.Hour, 24*time.Hour)
		early := (5 * time.Minute).Seconds() // before it is made a certificate begins
		if lives := gathered(t, g, "payrouter_tls_lifetime_seconds"); lives["server"] != time.Hour.Seconds()+early || lives["client_ca"] != 24*time.Hour.Seconds()+early {
			t.Errorf("lifetimes %v", lives)
		}

		// The next certificate comes with one between it and its authority, which ends sooner; and
		// the next authority stands beside the old one.
		brief, err := authority.New("brief", start, 2*time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		next := must(h.Authority().Server([]string{"localhost"}, start, 5*time.Hour))
		next.Certificate = append(next.Certificate, must(brief.Pair()).Certificate...)
		if err := next.Write(h.CertFile, h.KeyFile); err != nil {
			t.Fatal(err)
		}
		lasting, err := authority.New("lasting", start, 1000*time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		both := append(must(lasting.Pair()).Certificate, must(h.Authority().Pair()).Certificate...)
		if err := os.WriteFile(h.ClientCAFile, both, 0o600); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		shows(2*time.Hour, 24*time.Hour)
		if err := os.WriteFile(h.ClientCAFile, must(lasting.Pair()).Certificate, 0o600); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		shows(2*time.Hour, 1000*time.Hour)
	})
}

func TestWithoutCertificatesNoneEnds(t *testing.T) {
	h := identitytest.New(t)
	o := h.Options()
	o.CertFile, o.KeyFile, o.ClientCAFile = "", "", ""
	if ends := gathered(t, h.Gate(o), "payrouter_tls_expiry_timestamp_seconds"); len(ends) != 0 {
		t.Errorf("%v", ends)
	}
	o = h.Options()
	o.ClientCAFile = ""
	if ends := gathered(t, h.Gate(o), "payrouter_tls_expiry_timestamp_seconds"); len(ends) != 1 || ends["server"] == 0 {
		t.Errorf("%v", ends)
	}
}
