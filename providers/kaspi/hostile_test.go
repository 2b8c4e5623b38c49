package kaspi_test

import (
	"testing"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/providers/kaspi"
	"github.com/payrouter/payrouter/providers/providertest"
	"github.com/payrouter/payrouter/providers/sim"
)

// exposed is an account in front of real sockets.
func exposed(t *testing.T, scheme kaspi.Scheme) providertest.Exposed {
	cert, key := providertest.ClientCertificate(t)
	var config kaspi.Config
	s := subject("kaspi "+string(scheme), scheme, func(_ *sim.KaspiOptions, c *kaspi.Config) {
		c.CertFile, c.KeyFile = cert, key
		config = *c
	})
	return providertest.Exposed{Subject: s, At: func(base string, limits providers.Timeouts) (providers.Provider, error) {
		c := config
		c.BaseURL, c.Timeouts = base+"/"+string(scheme)+"/v01", limits
		return kaspi.New(c, kaspi.Options{})
	}}
}

func TestHostilePeers(t *testing.T) {
	for _, scheme := range []kaspi.Scheme{kaspi.R1, kaspi.R3} {
		t.Run(string(scheme), func(t *testing.T) { providertest.Hostile(t, exposed(t, scheme)) })
	}
}
