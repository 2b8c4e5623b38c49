package sim_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/payrouter/payrouter/providers/sim"
)

func addTamper(t *testing.T, b *sim.Bank, rule sim.Tamper) string {
	t.Helper()
	id, err := b.AddTamper(rule)
	must(t, err)
	return id
}

// everyFace is a bank with all faces there are.
func everyFace(t *testing.T) *sim.Bank {
	t.Helper()
	b := sim.New(sim.Options{}, sim.Kaspi(sim.KaspiOptions{}), sim.Halyk(sim.HalykOptions{}), sim.WayForPay(sim.WayForPayOptions{}),
		sim.Robokassa(sim.RobokassaOptions{}), sim.TipTopPay(sim.TipTopPayOptions{}), sim.FreedomPay(sim.FreedomPayOptions{}),
		sim.QuickPay(sim.QuickPayOptions{}), sim.PlainPay(sim.PlainPayOptions{}))
	t.Cleanup(b.Close)
	return b
}

func TestEachFaceShowsTheKindsThatItsFormatHasAPlaceFor(t *testing.T) {
	b := everyFace(t)
	const all = "omit again double foreign amount currency word declined fee late unpaid nameless"
	for face, want := range map[string]string{
		"kaspi":      "omit again double foreign amount          word          fee late        nameless",
		"halyk":      all,
		"wayforpay":  "omit again        foreign amount currency word declined fee late unpaid nameless",
		"robokassa":  "omit again double foreign amount          word declined fee late        nameless",
		"tiptoppay":  all,
		"freedompay": "omit again double foreign amount currency word declined fee late        nameless",
		"quickpay":   "omit again double foreign amount currency word declined fee late",
		"plainpay":   "",
	} {
		var got []string
		for _, kind := range sim.TamperKinds() {
			rule := sim.TamperCheck{Face: face, Match: "rt-1"}.Rule(kind)
			if _, err := b.AddTamper(rule); err == nil {
				got = append(got, string(kind))
			} else if !strings.Contains(err.Error(), fmt.Sprintf("kind %q", kind)) {
				t.Errorf("%s: %s is refused with %q, which does not name it", face, kind, err)
			}
		}
		wantEqual(t, "what "+face+" shows", strings.Join(got, " "), strings.Join(strings.Fields(want), " "))
	}
	wantEqual(t, "kinds", fmt.Sprint(sim.TamperKinds()), "["+all+"]")
}

func TestTamperThatMakesNoSenseIsRefusedByTheNameOfItsField(t *testing.T) {
	b := everyFace(t)
	for want, rule := range map[string]sim.Tamper{
		`face "" is unknown`:             {Kind: sim.TamperOmit},
		`face "*" is unknown`:            {Face: "*", Kind: sim.TamperOmit},
		`face "kapsi" is unknown`:        {Face: "kapsi", Kind: sim.TamperOmit},
		`kind "" is unknown`:             {Face: "kaspi"},
		`kind "ommit" is unknown`:        {Face: "kaspi", Kind: "ommit"},
		`kind "currency" has no place`:   {Face: "kaspi", Kind: sim.TamperCurrency, Currency: "USD"},
		"needs a match":                  {Face: "halyk", Kind: sim.TamperForeign},
		`"amount" needs amount_minor`:    {Face: "halyk", Kind: sim.TamperAmount},
		`"fee" needs amount_minor`:       {Face: "halyk", Kind: sim.TamperFee},
		`"currency" needs currency`:      {Face: "halyk", Kind: sim.TamperCurrency},
		`"late" needs by`:                {Face: "halyk", Kind: sim.TamperLate},
		`"late" takes no amount_minor`:   {Face: "halyk", Kind: sim.TamperLate, By: 1, Amount: 1},
		`"omit" takes no by`:             {Face: "halyk", Kind: sim.TamperOmit, By: 1},
		`"omit" takes no currency`:       {Face: "halyk", Kind: sim.TamperOmit, Currency: "USD"},
		`"omit" takes no word`:           {Face: "halyk", Kind: sim.TamperOmit, Word: "FROZEN"},
		`three capital letters`:          {Face: "halyk", Kind: sim.TamperCurrency, Currency: "usd"},
		"by and times may not be":        {Face: "halyk", Kind: sim.TamperLate, By: -1},
		"by and times may not be negati": {Face: "halyk", Kind: sim.TamperOmit, Times: -1},
	} {
		if _, err := b.AddTamper(rule); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v is answered %v, want %q", rule, err, want)
		}
	}
	wantEqual(t, "rules in force", len(b.Tampers()), 0)
}

func TestTampersAboutOneRowAddUp(t *testing.T) {
	inHalyk(t, sim.Options{}, sim.HalykOptions{}, func(s halykShop) {
		s.charge(halykInvoice, "100")
		s.charge("261123004712", "100")
		rows := func() string {
			_, rows := s.records(1, 9, "")
			return strings.Join(rows, ", ")
		}
		add := func(rule sim.Tamper) {
			rule.Face, rule.Match = "halyk", halykInvoice
			addTamper(t, s.b, rule)
		}
		const other = "261123004712 CHARGE 100.00 100.00, "
		add(sim.Tamper{Kind: sim.TamperAmount, Amount: 100})
		add(sim.Tamper{Kind: sim.TamperAmount, Amount: 50})
		add(sim.Tamper{Kind: sim.TamperWord, Word: "FROZEN"})
		wantEqual(t, "changed thrice", rows(), other+halykInvoice+" FROZEN 101.50 101.50")
		add(sim.Tamper{Kind: sim.TamperAgain})
		add(sim.Tamper{Kind: sim.TamperDouble})
		wantEqual(t, "and repeated", rows(), other+strings.Repeat(halykInvoice+" FROZEN 101.50 101.50, ", 2)+halykInvoice+" FROZEN 101.50 101.50")
		add(sim.Tamper{Kind: sim.TamperOmit})
		wantEqual(t, "and left out", rows(), strings.TrimSuffix(other, ", "))
		s.b.ClearTampers()
		wantEqual(t, "the truth", rows(), other+halykInvoice+" CHARGE 100.00 100.00")
	})
}

func TestTamperWithoutAMatchIsAboutEveryRowOfItsFace(t *testing.T) {
	inHalyk(t, sim.Options{}, sim.HalykOptions{FeeBasisPoints: 200}, func(s halykShop) {
		s.charge(halykInvoice, "100")
		pass(time.Minute)
		s.charge("261123004712", "200")
		addTamper(t, s.b, sim.Tamper{Face: "halyk", Kind: sim.TamperFee, Amount: 100})
		_, rows := s.records(1, 9, "")
		wantEqual(t, "rows", fmt.Sprint(rows), "[261123004712 CHARGE 200.00 195.00 261123004711 CHARGE 100.00 97.00]")
	})
}
