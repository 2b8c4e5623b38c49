package kaspi_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/providers/kaspi"
	"github.com/payrouter/payrouter/providers/providertest"
	"github.com/payrouter/payrouter/providers/sim"
)

// subject is an account under a scheme in front of the simulated Kaspi.
func subject(name string, scheme kaspi.Scheme, change ...func(*sim.KaspiOptions, *kaspi.Config)) providertest.Subject {
	options := sim.KaspiOptions{NotifyURL: providertest.NotifyURL, BillerURL: providertest.NotifyURL + "/biller"}
	config := kaspi.Config{Scheme: scheme, BaseURL: "http://127.0.0.1:1/" + string(scheme) + "/v01",
		DeviceToken: providers.NewSecret(sim.KaspiDefaultDevice), NoticeSources: []string{"127.0.0.1"}}
	switch scheme {
	case kaspi.R1:
		config.APIKey = providers.NewSecret(sim.KaspiDefaultKey)
	case kaspi.R3:
		config.OrganizationBIN = sim.KaspiDefaultBIN
	}
	for _, do := range change {
		do(&options, &config)
	}
	return providertest.Subject{
		Gateway: name,
		Bank:    func(providers.Method) sim.Face { return sim.Kaspi(options) },
		New: func(dial providertest.Dial) (providers.Provider, error) {
			return kaspi.New(config, kaspi.Options{Dial: dial})
		},
		Secrets:    []string{sim.KaspiDefaultDevice, sim.KaspiDefaultKey, billerSecret},
		ByExternal: true,
		Ask:        ask,
	}
}

const billerSecret = "steppe-wind-4711"

func withBiller(_ *sim.KaspiOptions, c *kaspi.Config) {
	c.Biller = kaspi.Biller{Service: "Qazaq Books", Secret: providers.NewSecret(billerSecret), Fields: []kaspi.Field{{Name: "Shop", Text: "Qazaq Books"}}}
}

// ask plays a payer who types an account number in the app.
func ask(bank *sim.Bank, q providertest.Question) (providertest.Made, error) {
	order := map[string]string{"command": "check", "account": q.Account, "data1": billerSecret}
	if q.Debit {
		order["command"], order["sum"] = "pay", q.Amount.Decimal()
	}
	body, err := json.Marshal(order)
	if err != nil {
		return providertest.Made{}, err
	}
	w := httptest.NewRecorder()
	bank.Control().ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/kaspi/biller", bytes.NewReader(body)))
	var report struct {
		Result string `json:"result"`
		Money  string `json:"money"`
	}
	if err := json.Unmarshal(w.Body.Bytes(), &report); err != nil || w.Code != http.StatusOK {
		return providertest.Made{}, fmt.Errorf("%d %s", w.Code, w.Body)
	}
	return providertest.Made{
		Allowed:  !q.Debit && report.Result == "0" || report.Money == "credited",
		Returned: report.Money == "returned",
		Waiting:  report.Money == "waiting",
	}, nil
}

func TestConformance(t *testing.T) {
	var records []providertest.Record
	for _, s := range []providertest.Subject{
		subject("kaspi r1", kaspi.R1),
		subject("kaspi r2", kaspi.R2),
		subject("kaspi r3", kaspi.R3, withBiller),
		only(subject("kaspi r3, own device", kaspi.R3, func(_ *sim.KaspiOptions, c *kaspi.Config) {
			c.DeviceToken, c.DeviceID, c.TradePointID = providers.Secret{}, "payrouter-1", 1
		}), providers.QR, providers.Push),
		only(subject("kaspi r3, other spellings", kaspi.R3, withXML, func(o *sim.KaspiOptions, _ *kaspi.Config) {
			o.TextNumbers, o.HourOffsets, o.BareNotices = true, true, true
		}), providers.Link, providers.Push, providers.Account),
	} {
		t.Run(s.Gateway, func(t *testing.T) { records = append(records, providertest.Run(t, s)) })
	}
	providertest.Keep(t, records...)
}

func withXML(o *sim.KaspiOptions, c *kaspi.Config) {
	withBiller(o, c)
	c.Biller.Format = "xml"
}

// only restricts the questions, where two banks differ in little.
func only(s providertest.Subject, methods ...providers.Method) providertest.Subject {
	s.Only = methods
	return s
}
