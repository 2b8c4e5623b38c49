package reconcile

import (
	"errors"
	"testing"
	"time"

	"github.com/payrouter/payrouter/providers"
)

func TestMoneyThatIsNobodysIsOneChargeOrNothing(t *testing.T) {
	taken := time.Date(2026, 11, 23, 7, 0, 0, 0, time.UTC)
	line := func(kind providers.LineKind, external string, verdict providers.Verdict, minor int64, after time.Duration) providers.StatementLine {
		return providers.StatementLine{Kind: kind, Order: "o-1", External: external, Verdict: verdict, Amount: providers.Money{Minor: minor, Currency: "KZT"}, At: taken.Add(after)}
	}
	charge := line(providers.LineCharge, "x-1", providers.Approved, 1000, 0)
	nameless := charge
	nameless.Order, nameless.External = "", ""
	foreign := line(providers.LineRefund, "r-1", providers.Approved, 300, time.Hour)
	foreign.Amount.Currency = "USD"
	for name, c := range map[string]struct {
		lines    []providers.StatementLine
		returned int64
		err      error
	}{
		"one charge":                            {[]providers.StatementLine{charge}, 0, nil},
		"told twice":                            {[]providers.StatementLine{charge, charge}, 0, nil},
		"after tries in vain":                   {[]providers.StatementLine{line(providers.LineCharge, "x-0", providers.Declined, 1000, -time.Minute), charge}, 0, nil},
		"partly back":                           {[]providers.StatementLine{charge, line(providers.LineRefund, "r-1", providers.Approved, 300, time.Hour)}, 300, nil},
		"a refund told twice":                   {[]providers.StatementLine{charge, line(providers.LineRefund, "r-1", providers.Approved, 300, time.Hour), line(providers.LineRefund, "r-1", providers.Approved, 300, 2*time.Hour)}, 300, nil},
		"two refunds alike, with no id":         {[]providers.StatementLine{charge, line(providers.LineRefund, "", providers.Approved, 300, time.Hour), line(providers.LineRefund, "", providers.Approved, 300, time.Hour)}, 600, nil},
		"two refunds alike, by the charge's id": {[]providers.StatementLine{charge, line(providers.LineRefund, "x-1", providers.Approved, 300, time.Hour), line(providers.LineRefund, "x-1", providers.Approved, 300, time.Hour)}, 600, nil},
		"a refund that was refused":             {[]providers.StatementLine{charge, line(providers.LineRefund, "r-1", providers.Declined, 300, time.Hour)}, 0, nil},
		"more back than came":                   {[]providers.StatementLine{charge, line(providers.LineRefund, "r-1", providers.Approved, 1300, time.Hour)}, 0, ErrUnclear},
		"back in another currency":              {[]providers.StatementLine{charge, foreign}, 0, ErrUnclear},
		"two charges":                           {[]providers.StatementLine{charge, line(providers.LineCharge, "x-2", providers.Approved, 1000, time.Second)}, 0, ErrSeveral},
		"two sums":                              {[]providers.StatementLine{charge, line(providers.LineCharge, "x-1", providers.Approved, 999, time.Second)}, 0, ErrSeveral},
		"a hold":                                {[]providers.StatementLine{line(providers.LineCharge, "x-1", providers.Held, 1000, 0)}, 0, ErrNoCharge},
		"a refund alone":                        {[]providers.StatementLine{line(providers.LineRefund, "r-1", providers.Approved, 300, 0)}, 0, ErrNoCharge},
		"nothing":                               {nil, 0, ErrNoCharge},
		"gone since":                            {[]providers.StatementLine{charge, line(providers.LineCharge, "x-1", providers.Declined, 1000, time.Hour)}, 0, ErrUnclear},
		"what cannot be read":                   {[]providers.StatementLine{charge, line(providers.LineCharge, "x-1", providers.Unknown, 1000, time.Hour)}, 0, ErrUnclear},
		"without a name":                        {[]providers.StatementLine{nameless}, 0, ErrNameless},
	} {
		got, returned, err := Orphan(c.lines)
		if !errors.Is(err, c.err) || returned != c.returned || err == nil && got.External != "x-1" {
			t.Errorf("%s: %+v, %d back, %v", name, got, returned, err)
		}
	}
}
