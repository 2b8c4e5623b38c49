package payment_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router/payment"
)

// The truth table of DESIGN section 4, with its findings spelt out.
//
//	¹ silent when we asked for the release
//	² from a look-up or a statement only
//	³ silent from a notice
const mergeTable = `
	known     unknown   pending             held                  approved              declined          unserved
	unknown   unknown   pending             held                  approved              declined          unserved
	pending   pending   pending             held                  approved              declined          unserved
	held      held      held!flipped³       held                  approved              declined!gone¹    unserved!gone¹
	approved  approved  approved!flipped³   approved!flipped³     approved              approved!flipped  approved!flipped
	declined  declined  pending!reappeared² held!late             approved!late         declined          declined
	unserved  unserved  pending!reappeared² held!late             approved!late         unserved          unserved
`

func TestMergeFollowsTheTruthTableCellByCell(t *testing.T) {
	findings := map[string]payment.FindingKind{"": "", "flipped": payment.MoneyFlipped, "gone": payment.HoldVanished,
		"reappeared": payment.Reappeared, "late": payment.MoneyAfterClose}
	lines := strings.Split(strings.TrimSpace(mergeTable), "\n")
	columns := strings.Fields(lines[0])[1:]
	cells := 0
	for _, line := range lines[1:] {
		fields := strings.Fields(line)
		for i, cell := range fields[1:] {
			known, learnt := verdict(t, fields[0]), verdict(t, columns[i])
			for _, source := range sources {
				for _, released := range []bool{false, true} {
					text := cell
					if strings.HasSuffix(text, "¹") {
						text, _, _ = strings.Cut(text, "¹")
						if released {
							text, _, _ = strings.Cut(text, "!")
						}
					}
					if strings.HasSuffix(text, "²") {
						text, _, _ = strings.Cut(text, "²")
						if source != payment.FromLookup && source != payment.FromStatement {
							text = fields[0] // changes nothing
						}
					}
					if strings.HasSuffix(text, "³") {
						text, _, _ = strings.Cut(text, "³")
						if source == payment.FromNotice || source == payment.FromResponse {
							text, _, _ = strings.Cut(text, "!")
						}
					}
					word, finding, _ := strings.Cut(text, "!")
					after, found := payment.Merge(known, learnt, source, released)
					if after != verdict(t, word) || found != findings[finding] {
						t.Errorf("%s, then %s by %s (release asked for: %t) = %s %q, want %s", known, learnt, source, released, after, found, text)
					}
				}
			}
			cells++
		}
	}
	if want := len(providers.Verdicts()) * len(providers.Verdicts()); cells != want {
		t.Errorf("%d cells, want %d", cells, want)
	}
}

var sources = []payment.Source{payment.FromResponse, payment.FromLookup, payment.FromNotice, payment.FromQuestion,
	payment.FromStatement, payment.FromOperator, payment.FromRouter}

func verdict(t *testing.T, name string) (v providers.Verdict) {
	t.Helper()
	if err := v.UnmarshalText([]byte(name)); err != nil {
		t.Fatal(err)
	}
	return v
}

// A look-up can be refused like any other request. That says nothing about the charge.
func TestARefusedLookupIsNoRefusalOfTheAttempt(t *testing.T) {
	for _, reason := range []providers.Reason{providers.NotSent, providers.Throttled, providers.Misconfigured, providers.NotFound} {
		t.Run(string(reason), func(t *testing.T) {
			b := open(t)
			b.plan(card)
			b.tell(response(providers.Unknown, providers.Timeout))
			b.tell(lookup(providers.Unserved, reason))
			if a := b.p.Attempts[0]; a.Verdict != providers.Unknown || !a.Open() || a.FailedLooks != 1 {
				t.Fatalf("verdict %s, open %t, failed looks %d", a.Verdict, a.Open(), a.FailedLooks)
			}
		})
	}
}

// An operator's word replaces the cell, whatever it is; money it denies stays on record.
func TestAnOperatorsWordReplacesWhatWasKnown(t *testing.T) {
	for _, known := range providers.Verdicts() {
		for _, said := range []providers.Verdict{providers.Approved, providers.Held, providers.Declined, providers.Unserved} {
			t.Run(fmt.Sprintf("%s then %s", known, said), func(t *testing.T) {
				b := open(t, twoStage, noDeadline)
				b.plan(card)
				b.tell(response(known, ""))
				b.tell(operator(said, ""))
				if got := b.p.Attempts[0].Verdict; got != said {
					t.Fatalf("verdict %s", got)
				}
				if denied := known.HasMoney() && !said.HasMoney(); b.p.Found(payment.MoneyFlipped, 1) != denied {
					t.Fatalf("findings %+v, money denied: %t", b.p.Findings, denied)
				}
			})
		}
	}
}

func TestMoneyOfAnotherAmountIsNeverTaken(t *testing.T) {
	less, more := tenge(amount.Minor-1), tenge(amount.Minor+1)
	tests := []struct {
		name     string
		twoStage bool
		seen     payment.Observed
		taken    bool
	}{
		{"the amount", false, of(amount, notice(providers.Approved, "")), true},
		{"no amount named", false, notice(providers.Approved, ""), true},
		{"one tiyn less", false, of(less, notice(providers.Approved, "")), false},
		{"one tiyn more", false, of(more, notice(providers.Approved, "")), false},
		{"another currency", false, of(providers.Money{Minor: amount.Minor, Currency: "UAH"}, notice(providers.Approved, "")), false},
		{"nothing", false, of(tenge(0), notice(providers.Approved, "")), false},
		{"part of a hold captured", true, of(less, notice(providers.Approved, "")), true},
		{"more than the hold captured", true, of(more, notice(providers.Approved, "")), false},
		{"less held", true, of(less, notice(providers.Held, "")), false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := open(t, func(o *payment.Opened) { o.TwoStage = tt.twoStage }, noDeadline)
			b.plan(card)
			b.tell(response(providers.Unknown, providers.Timeout), tt.seen)
			if _, kept := b.p.Kept(); kept != tt.taken {
				t.Fatalf("taken: %t", kept)
			}
			if !tt.taken {
				b.wantFindings(payment.AmountDiffers)
				if advice := b.p.Resolution(b.now, b.terms).Advice; advice != payment.AdviceContactSupport {
					t.Fatalf("advice %q", advice)
				}
			}
		})
	}
}

// Senders repeat notices for days, and a page lets its payer try twice: the decline of
// the first try comes again when the money is there.
func TestANoticeThatComesAgainIsKnown(t *testing.T) {
	b := open(t)
	b.plan(page)
	decline := payment.Observed{Attempt: 1, Source: payment.FromNotice, Verdict: providers.Pending, Reason: providers.AwaitingPayer, Code: "1101"}
	b.tell(decline)
	b.tell(payment.Observed{Attempt: 1, Source: payment.FromNotice, Verdict: providers.Approved})
	a := b.p.Attempts[0]
	if !a.Heard(decline) {
		t.Error("the first notice is not known")
	}
	decline.Code = "1102"
	if a.Heard(decline) {
		t.Error("a notice with another code is taken for known")
	}
}

// People closed an attempt whose hold had been seen, and seen to be gone. Its notice comes
// again: that is no new hold.
func TestAHoldsNoticeThatComesAgainAfterItsEndIsNoMoney(t *testing.T) {
	b := open(t, twoStage)
	b.plan(card)
	held := payment.Observed{Attempt: 1, Source: payment.FromNotice, Verdict: providers.Held, Amount: amount}
	b.tell(held)
	b.tell(payment.Observed{Attempt: 1, Source: payment.FromOperator, Verdict: providers.Unserved, Note: "released, seen in the bank's own list"})
	b.wantClosed(1, payment.ByOperator)
	b.tell(held)
	if b.p.Found(payment.MoneyAfterClose, 1) || b.p.Sums() != (payment.Sums{}) {
		t.Errorf("findings %v, sums %+v", b.p.Findings, b.p.Sums())
	}
}
