package sim_test

import (
	"strings"
	"testing"
	"time"

	"github.com/payrouter/payrouter/providers/sim"
)

func TestNobodyPaysByDefault(t *testing.T) {
	inBubble(t, sim.Options{}, sim.KaspiOptions{}, func(t *testing.T, b *sim.Bank, s shop) {
		id := s.offer(t, "pay_1")
		pass(time.Hour)
		wantEqual(t, "status", s.status(t, id), "Error")
		wantEqual(t, "entries", len(b.Ledger().Entries), 0)
	})
}

func TestPayersDoWhatTheirRuleSays(t *testing.T) {
	for _, c := range []struct {
		behaviour string
		late      bool // KaspiOptions.LateSuccess
		status    string
		net       int64
	}{
		{sim.PayerPays, false, "Processed", 1549000},
		{sim.PayerNever, false, "Error", 0},
		{sim.PayerDeclines, false, "Error", 0},
		{sim.PayerLate, false, "Error", 0},
		{sim.PayerLate, true, "Processed", 1549000},
		{sim.PayerTwice, false, "Processed", 2 * 1549000},
	} {
		t.Run(c.behaviour, func(t *testing.T) {
			inBubble(t, sim.Options{}, sim.KaspiOptions{LateSuccess: c.late}, func(t *testing.T, b *sim.Bank, s shop) {
				addPayer(t, b, sim.PayerRule{Behaviour: c.behaviour, After: sim.Duration(3 * time.Second)})
				id := s.offer(t, "pay_1")
				pass(2 * time.Second)
				wantEqual(t, "status before", s.status(t, id), "QrTokenCreated")
				pass(time.Hour)
				wantEqual(t, "status after", s.status(t, id), c.status)
				wantEqual(t, "money", b.Ledger().Net("kaspi", "pay_1"), c.net)
			})
		})
	}
}

func TestLimitedPayersAreAskedBeforeHabits(t *testing.T) {
	inBubble(t, sim.Options{}, sim.KaspiOptions{}, func(t *testing.T, b *sim.Bank, s shop) {
		addPayer(t, b, sim.PayerRule{Behaviour: sim.PayerNever})
		addPayer(t, b, sim.PayerRule{Behaviour: sim.PayerPays}) // the newer habit
		addPayer(t, b, sim.PayerRule{Behaviour: sim.PayerDeclines, Times: 1})
		addPayer(t, b, sim.PayerRule{Behaviour: sim.PayerNever, Match: "pay_3"})

		var got []string
		for _, reference := range []string{"pay_1", "pay_2", "pay_3", "pay_4"} {
			id := s.offer(t, reference)
			pass(time.Second)
			got = append(got, s.status(t, id))
		}
		wantEqual(t, "statuses", strings.Join(got, " "), "Error Processed QrTokenCreated Processed")

		rules := b.Payers()
		wantEqual(t, "removed", b.RemovePayer(rules[2].ID), true)
		wantEqual(t, "removed twice", b.RemovePayer(rules[2].ID), false)
		b.ClearPayers()
		wantEqual(t, "rules left", len(b.Payers()), 0)
	})
}

func TestActGoesToTheIDOrToTheNewestOfAReference(t *testing.T) {
	inBubble(t, sim.Options{}, sim.KaspiOptions{}, func(t *testing.T, b *sim.Bank, s shop) {
		first, second := s.offer(t, "pay_1"), s.offer(t, "pay_1")
		must(t, b.Act("kaspi", "pay_1", sim.ActScan))
		wantEqual(t, "the newest", s.status(t, second), "Wait")
		must(t, b.Act("kaspi", first, sim.ActPay))
		wantEqual(t, "by id", s.status(t, first), "Processed")
		must(t, b.Act("kaspi", second, sim.ActConfirm))
		must(t, b.Act("kaspi", second, sim.ActPay)) // comes to nothing, and is not an error
		wantEqual(t, "money", b.Ledger().Net("", "pay_1"), 2*1549000)

		for _, wish := range [][3]string{{"nobody", first, sim.ActPay}, {"kaspi", "pay_9", sim.ActPay}, {"kaspi", first, "steal"}} {
			if b.Act(wish[0], wish[1], wish[2]) == nil {
				t.Errorf("the wish %q was taken", wish)
			}
		}
	})
}

func TestOfferIsPaidOnlyOnceItsAnswerIsOut(t *testing.T) {
	inBubble(t, sim.Options{}, sim.KaspiOptions{}, func(t *testing.T, b *sim.Bank, s shop) {
		addPayer(t, b, sim.PayerRule{Behaviour: sim.PayerPays})
		addFault(t, b, sim.Fault{Kind: sim.FaultSlow, Delay: sim.Duration(20 * time.Second)})
		go s.offer(t, "pay_1")
		pass(19 * time.Second)
		wantEqual(t, "unseen before", b.Ledger().Objects[0].Unseen, true)
		wantEqual(t, "money before", b.Ledger().Net("", "pay_1"), 0)
		pass(2 * time.Second)
		wantEqual(t, "unseen after", b.Ledger().Objects[0].Unseen, false)
		wantEqual(t, "money after", b.Ledger().Net("", "pay_1"), 1549000)
	})
}

func TestWhatIsPlannedForOneInstantHappensInTheOrderOfPlanning(t *testing.T) {
	inBubble(t, sim.Options{}, sim.KaspiOptions{}, func(t *testing.T, b *sim.Bank, s shop) {
		addPayer(t, b, sim.PayerRule{Behaviour: sim.PayerPays, After: sim.Duration(3 * time.Second)})
		want := []string{"pay_4", "pay_1", "pay_3", "pay_5", "pay_2"}
		for _, reference := range want {
			s.offer(t, reference)
			pass(0)
		}
		pass(time.Minute)
		var got []string
		for _, e := range b.Ledger().Entries {
			got = append(got, e.Reference)
		}
		wantEqual(t, "payments", strings.Join(got, " "), strings.Join(want, " "))
	})
}

func TestPayerRuleThatMakesNoSenseIsRefused(t *testing.T) {
	b := sim.New(sim.Options{}, sim.Kaspi(sim.KaspiOptions{}))
	defer b.Close()
	for _, p := range []sim.PayerRule{{}, {Behaviour: "haggle"}, {Behaviour: sim.PayerPays, Face: "nobody"}, {Behaviour: sim.PayerPays, Times: -1}} {
		if _, err := b.AddPayer(p); err == nil {
			t.Errorf("%+v was taken", p)
		}
	}
}
