package reconcile_test

import (
	"math"
	"math/big"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router/reconcile"
)

func tenges(minor int64) providers.Money { return providers.Money{Minor: minor, Currency: "KZT"} }

var november = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)

// The contracts that the notes tell of, and what each comes to.
func TestAContractComesToTheFeesThatItSays(t *testing.T) {
	kaspi := reconcile.Fee{Currency: "KZT", BasisPoints: 95}
	for name, c := range map[string]struct {
		fee          reconcile.Fee
		kind         providers.LineKind
		amount, want int64
	}{
		"Kaspi's 0.95 %":                 {kaspi, providers.LineCharge, 1549000, 14716}, // 14715.5
		"nothing of a refund":            {kaspi, providers.LineRefund, 1549000, 0},
		"a part that is cut off":         {reconcile.Fee{Currency: "KZT", BasisPoints: 95, Round: reconcile.Down}, providers.LineCharge, 1549000, 14715},
		"a part that is made whole":      {reconcile.Fee{Currency: "KZT", BasisPoints: 95, Round: reconcile.Up}, providers.LineCharge, 101, 1}, // 0.9595
		"the least":                      {reconcile.Fee{Currency: "KZT", BasisPoints: 100, Min: 5000}, providers.LineCharge, 100000, 5000},
		"the most":                       {reconcile.Fee{Currency: "KZT", BasisPoints: 100, Max: 5000}, providers.LineCharge, 100000000, 5000},
		"a fixed part besides":           {reconcile.Fee{Currency: "KZT", BasisPoints: 200, Fixed: 3000}, providers.LineCharge, 1000000, 23000},
		"a share that comes back":        {reconcile.Fee{Currency: "KZT", BasisPoints: 200, Fixed: 3000, Refunds: reconcile.Returned}, providers.LineRefund, 500000, -10000},
		"a refund that costs as a sale":  {reconcile.Fee{Currency: "KZT", BasisPoints: 200, Fixed: 3000, Refunds: reconcile.Charged}, providers.LineRefund, 500000, 13000},
		"more than fits into a product":  {reconcile.Fee{Currency: "KZT", BasisPoints: 10_000}, providers.LineCharge, math.MaxInt64, math.MaxInt64},
		"no percentage, and a fixed one": {reconcile.Fee{Currency: "KZT", Fixed: 1}, providers.LineCharge, 1, 1},
	} {
		got, known := reconcile.Fees{c.fee}.Expect(c.kind, providers.QR, tenges(c.amount), november)
		if !known || got != tenges(c.want) || c.fee.Check() != nil {
			t.Errorf("%s: %s (%t), want %s; check %v", name, got, known, tenges(c.want), c.fee.Check())
		}
	}
}

func TestTheNewestContractAboutTheMovementCounts(t *testing.T) {
	fees := reconcile.Fees{
		{Currency: "KZT", BasisPoints: 100},
		{From: november, Currency: "KZT", BasisPoints: 200},
		{From: november, Currency: "KZT", Methods: []providers.Method{providers.Instrument}, BasisPoints: 300},
		{From: november.AddDate(0, 1, 0), Currency: "KZT", BasisPoints: 400},
	}
	for _, c := range []struct {
		method providers.Method
		at     time.Time
		want   int64
	}{
		{providers.QR, november.Add(-time.Second), 1000}, {providers.QR, november, 2000}, {providers.Instrument, november, 3000},
		{providers.Instrument, november.AddDate(0, 1, 0), 4000},
	} {
		if got, _ := fees.Expect(providers.LineCharge, c.method, tenges(100000), c.at); got.Minor != c.want {
			t.Errorf("%s at %s: %s", c.method, c.at, got)
		}
	}
	if got, known := fees.Expect(providers.LineCharge, providers.QR, providers.Money{Minor: 100, Currency: "USD"}, november); known {
		t.Errorf("of another currency: %s", got)
	}
}

func TestAToldFeeDiffersBeyondTheTolerance(t *testing.T) {
	fees := reconcile.Fees{{Currency: "KZT", BasisPoints: 95, Tolerance: 1}}
	line := providers.StatementLine{Kind: providers.LineCharge, Amount: tenges(1549000), At: november}
	for told, differs := range map[providers.Money]bool{
		tenges(14716): false, tenges(14715): false, tenges(14717): false, tenges(14714): true, tenges(14718): true, tenges(0): true,
		{}: false, {Minor: 14716, Currency: "USD"}: true,
	} {
		line.Fee = told
		if fees.Differs(line.Kind, providers.QR, line) != differs {
			t.Errorf("told %s: differs %t", told, !differs)
		}
	}
	line.Fee = tenges(99)
	if (reconcile.Fees{}).Differs(line.Kind, providers.QR, line) {
		t.Error("without a contract a fee differs")
	}
}

// Whatever the amount, the share is that of exact fractions.
func TestSharesAreExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		amount, points := rapid.Int64Range(0, math.MaxInt64).Draw(t, "amount"), rapid.Int64Range(0, 10_000).Draw(t, "basis points")
		exact := new(big.Rat).Mul(big.NewRat(amount, 1), big.NewRat(points, 10_000))
		for _, round := range []reconcile.Rounding{reconcile.HalfUp, reconcile.Up, reconcile.Down} {
			got, _ := reconcile.Fees{{Currency: "KZT", BasisPoints: points, Round: round}}.Expect(providers.LineCharge, providers.QR, tenges(amount), november)
			off := new(big.Rat).Sub(big.NewRat(got.Minor, 1), exact)
			low, high := map[reconcile.Rounding][2]int64{reconcile.HalfUp: {-1, 1}, reconcile.Up: {0, 2}, reconcile.Down: {-2, 0}}[round], big.NewRat(1, 2)
			least, most := new(big.Rat).Mul(big.NewRat(low[0], 1), high), new(big.Rat).Mul(big.NewRat(low[1], 1), high)
			if off.Cmp(least) < 0 || off.Cmp(most) > 0 {
				t.Fatalf("%d × %d points, rounded %q: %d, exact %s", amount, points, round, got.Minor, exact.FloatString(4))
			}
		}
	})
}

func TestAPercentageIsReadExactlyAndAContractTellsWhatIsWrong(t *testing.T) {
	for text, want := range map[string]int64{"0.95": 95, "1,5": 150, "2": 200, "0": 0, "100": 10_000} {
		if got, err := reconcile.BasisPoints(text); err != nil || got != want {
			t.Errorf("%q: %d, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "0.955", "101", "-1", "2 %", "1e1"} {
		if got, err := reconcile.BasisPoints(text); err == nil {
			t.Errorf("%q is read as %d", text, got)
		}
	}
	err := reconcile.Fee{Currency: "TENGE", BasisPoints: -1, Fixed: -1, Min: 2, Max: 1, Tolerance: -1, Round: "bank", Refunds: "all", Methods: []providers.Method{"cash"}}.Check()
	for _, field := range []string{"currency", "percent", "fixed", "maximum", "tolerance", "round", "refunds", "methods"} {
		if err == nil || !strings.Contains(err.Error(), field+": ") {
			t.Errorf("%s is not told in %v", field, err)
		}
	}
}
