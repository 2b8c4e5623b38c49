package app

import (
	"cmp"
	"errors"
	"fmt"
	"time"
	_ "time/tzdata" // the gateways' business days need zones, which an image may not have

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router/office"
	"github.com/payrouter/payrouter/router/reconcile"
	"github.com/payrouter/payrouter/router/statement"
)

// Books are how a gateway's own books are read and held against ours. All may be left out.
type Books struct {
	Zone     string        `yaml:"zone"`     // of its business days; default the provider's, such as Asia/Almaty
	Schedule string        `yaml:"schedule"` // cron, in that zone; default "30 5 * * *"; "off": by hand only
	Lag      time.Duration `yaml:"lag"`      // after a day's end, before it is read; default 2h
	Reread   *int          `yaml:"reread"`   // days that are read once more, for rows that are written late or change; default the provider's
	CatchUp  *int          `yaml:"catch_up"` // missed days that are made up for, at most; default 31
	Slice    time.Duration `yaml:"slice"`    // asked for at once; default the whole day

	Edge time.Duration `yaml:"edge"` // how far two books may date one movement apart; default 10m
	Late time.Duration `yaml:"late"` // a row dated later than this after ours is settled late; default 24h
	// Formats are the files that people may import, by name. Of providers that offer no list they
	// alone show what we do not know of.
	Formats map[string]statement.Format `yaml:"formats"`

	Fees []Fee `yaml:"fees"` // the contract; the newest that has begun counts; default none: fees are not looked at, and no dry run knows them
}

// Fee is one line of the contract with a provider.
type Fee struct {
	From      Day                `yaml:"from"`      // from when it counts; default always
	Methods   []providers.Method `yaml:"methods"`   // default all
	Currency  string             `yaml:"currency"`  // of the sums below, and of the payments it is about
	Percent   string             `yaml:"percent"`   // of the amount, such as "0.95"
	Fixed     int64              `yaml:"fixed"`     // besides, minor units
	Minimum   int64              `yaml:"minimum"`   // minor units
	Maximum   int64              `yaml:"maximum"`   // minor units; default none
	Round     reconcile.Rounding `yaml:"round"`     // up or down; default half up
	Refunds   reconcile.OnRefund `yaml:"refunds"`   // returned or charged; default the fee is kept
	Tolerance int64              `yaml:"tolerance"` // by how much a told fee may differ, minor units
}

// habits is how providers write their own books, from the notes' sections 9.
type habits struct {
	zone    string // where business days begin and end
	reread  int    // days: rows of older ones change no more, or nobody knows of it
	net     bool   // the fee is what is missing from the payout
	hides   bool   // refunds may have no rows
	feeless bool   // no fee of the contract is told
	moves   bool   // a charge's row bears the id that notices and look-ups call its movement
}

var habit = map[string]habits{
	// Whoever is walked is asked again for longer than a hold lives: late money, and what people
	// give back in the cabinet, is seen only when its payment is asked about.
	"kaspi":     {zone: "Asia/Almaty", reread: 8},
	"robokassa": {zone: "Europe/Moscow", reread: 8, hides: true}, // a partial refund changes no state
	// A registry tells refunds under the day of their payment. A status, which is what is walked
	// without one, hides none.
	"freedompay": {zone: "Asia/Almaty", reread: 8, hides: true, moves: true},
	"halyk":      {zone: "Asia/Almaty", reread: 8, net: true, hides: true}, // a row changes with its payment, and a refund only lowers its payout
	"tiptoppay":  {zone: "Asia/Almaty", reread: 8, moves: true},
	"wayforpay":  {zone: "Europe/Kyiv", reread: 3},
	"quickpay":   {zone: "UTC", reread: 3, feeless: true}, // its fee is what the payer is charged on top
}

// books are the books of all gateways, by name.
func (c Config) books() (map[string]office.Books, error) {
	all := map[string]office.Books{}
	for _, g := range c.Gateways {
		var err error
		if all[g.Name], err = g.Books.books(g.Provider); err != nil {
			return nil, fmt.Errorf("gateways.%s.books.%w", g.Name, err)
		}
	}
	return all, nil
}

// fees tells what a charge costs by the contract with its gateway, as reconciliation
// judges what the gateway tells.
func fees(books map[string]office.Books) func(string, providers.Method, providers.Money, time.Time) (providers.Money, bool) {
	return func(gateway string, method providers.Method, amount providers.Money, at time.Time) (providers.Money, bool) {
		return books[gateway].Fees.Expect(providers.LineCharge, method, amount, at)
	}
}

// books completes what was left out.
func (b Books) books(provider string) (office.Books, error) {
	var wrong []error
	zone, err := time.LoadLocation(cmp.Or(b.Zone, habit[provider].zone, "UTC"))
	if err != nil {
		wrong = append(wrong, fmt.Errorf("zone: %q is no time zone such as Asia/Almaty", b.Zone))
	}
	out := office.Books{Zone: zone, Schedule: cmp.Or(b.Schedule, "30 5 * * *"), Lag: cmp.Or(b.Lag, 2*time.Hour), Reread: or(b.Reread, habit[provider].reread), CatchUp: or(b.CatchUp, 31),
		Slice: b.Slice, Formats: b.Formats, Edge: b.Edge, Late: cmp.Or(b.Late, 24*time.Hour),
		NetFees: habit[provider].net, HidesRefunds: habit[provider].hides, NamesMovements: habit[provider].moves}
	if out.Schedule == "off" {
		out.Schedule = ""
	}
	if habit[provider].feeless && len(b.Fees) > 0 {
		wrong = append(wrong, fmt.Errorf("fees: %s tells no fee of the contract: leave them out", provider))
	}
	for i, f := range b.Fees {
		fee, err := f.fee(zone)
		if err != nil {
			wrong = append(wrong, fmt.Errorf("fees[%d]: %w", i, err))
		}
		out.Fees = append(out.Fees, fee)
	}
	if len(wrong) == 0 {
		wrong = append(wrong, out.Check())
	}
	return out, errors.Join(wrong...)
}

func (f Fee) fee(zone *time.Location) (reconcile.Fee, error) {
	points, err := reconcile.BasisPoints(cmp.Or(f.Percent, "0"))
	if err != nil {
		return reconcile.Fee{}, fmt.Errorf("percent: %w", err)
	}
	fee := reconcile.Fee{Methods: f.Methods, Currency: f.Currency, BasisPoints: points, Fixed: f.Fixed, Min: f.Minimum, Max: f.Maximum,
		Round: f.Round, Refunds: f.Refunds, Tolerance: f.Tolerance}
	if !f.From.IsZero() && zone != nil {
		y, m, d := f.From.Date()
		fee.From = time.Date(y, m, d, 0, 0, 0, 0, zone)
	}
	return fee, fee.Check()
}

func or(given *int, otherwise int) int {
	if given == nil {
		return otherwise
	}
	return *given
}
