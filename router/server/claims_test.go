package server

import (
	"testing"

	"github.com/payrouter/payrouter/providers"
)

func TestLimitsOfAmountsAreToldInEveryCurrency(t *testing.T) {
	claims := func(limits ...providers.Limits) map[string]string {
		found := map[string]string{}
		for _, l := range claimLines(providers.Claims{Methods: []providers.MethodClaims{{Method: providers.Page, Limits: limits}}}) {
			found[l.GetName()] = l.GetValue()
		}
		return found
	}
	money := func(minor int64, currency string) providers.Money {
		return providers.Money{Minor: minor, Currency: currency}
	}
	if c := claims(); c["page.min"] != "none" || c["page.max"] != "none" {
		t.Errorf("without limits: %q to %q", c["page.min"], c["page.max"])
	}
	c := claims(providers.Limits{Min: money(100, "KZT"), Max: money(500000, "KZT")}, providers.Limits{Max: money(9900, "USD")})
	if c["page.min"] != "1.00 KZT" || c["page.max"] != "5000.00 KZT, 99.00 USD" {
		t.Errorf("%q to %q", c["page.min"], c["page.max"])
	}
}
