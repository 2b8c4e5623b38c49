package evidence

import (
	"fmt"
	"strings"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router/payment"
)

// readme says what is contested, how the payment stands, and what the files are.
func (b Bundle) readme() string {
	d, p, t := b.Dispute, b.Payment, &strings.Builder{}
	fmt.Fprintf(t, "Evidence about the %s %s at %s\n", d.Kind, d.caseOf(), d.Gateway)
	fmt.Fprintf(t, "As the books stood %s\n", b.both(b.asOf()))
	list := func(title string, rows ...[2]string) {
		fmt.Fprintf(t, "\n%s\n", title)
		for _, row := range rows {
			if row[1] != "" {
				fmt.Fprintf(t, "  %-14s %s\n", row[0], plain(row[1]))
			}
		}
	}
	list("What is contested", [2]string{"dispute", d.ID}, [2]string{"case", d.Case}, [2]string{"payment", p.ID}, [2]string{"attempt", fmt.Sprintf("%d at %s", d.Attempt, d.Gateway)},
		[2]string{"amount", fmt.Sprintf("%s of %s", d.Amount, taken(d.Taken))}, [2]string{"detail", d.Detail}, [2]string{"raised", b.both(d.Opened)},
		[2]string{"answer due", b.both(d.Due)}, [2]string{"answered", b.both(d.Answered)}, [2]string{"answer", d.Answer}, [2]string{"state", strings.TrimSpace(d.State + " " + d.Outcome)},
		[2]string{"closed", b.both(d.Closed)})
	sums := p.Sums()
	of := func(minor int64) string {
		if minor == 0 {
			return ""
		}
		return providers.Money{Minor: minor, Currency: p.Amount.Currency}.String()
	}
	list("How the payment stands", [2]string{"order", p.Order}, [2]string{"amount", p.Amount.String()}, [2]string{"state", strings.ReplaceAll(string(p.Status()), "_", " ")},
		[2]string{"held", of(sums.Held)}, [2]string{"paid", of(sums.Paid)}, [2]string{"given back", of(sums.Refunded)}, [2]string{"surplus", of(sums.Surplus)},
		[2]string{"asked for", b.both(p.Created)})
	var attempts []string
	for _, a := range p.Attempts {
		attempts = append(attempts, told(a))
	}
	section(t, "Attempts", attempts)
	t.WriteString(files)
	if len(b.Cut) > 0 {
		fmt.Fprintf(t, "\nNot whole: %s. The books hold more rows than an archive takes.\n", strings.Join(b.Cut, ", "))
	}
	return t.String()
}

// taken is what the attempt took. One that took nothing by our books may be contested too.
func taken(m providers.Money) string {
	if m.IsZero() {
		return "nothing that our books show as taken"
	}
	return m.String() + " taken"
}

func told(a payment.Attempt) string {
	text := fmt.Sprintf("%d at %s by %s: %s, our reference %s", a.N, a.Gateway, a.Method, a.Verdict, a.Reference)
	if a.External != "" {
		text += ", the gateway's id " + a.External
	}
	return text
}

const files = `
The files
  timeline.txt   every recorded fact in order, in words, in the gateway's time and in UTC
  timeline.csv   the same for programs, with repetitions
  payment.json   the payment as the API of payrouter tells it
  notices.csv    which webhooks came about it, what became of them, and the SHA-256 of each body
  statement.csv  what the gateway's own books say of it, as far as they have been read
  manifest.txt   the SHA-256 of every other file; check with: sha256sum --check manifest.txt

How to read them
  caller         the merchant's own system, which asked for the payment
  router         payrouter, which sends each attempt to one gateway and asks what came of it
  gateway        what the provider said: in its answer, when asked (lookup), or by a webhook
                 (notice), or in its own books (statement)
  operator       a person of the merchant
  approved       the provider says that the money was taken; held: set aside and not taken yet
  declined       the payer's side said no; unserved: it is proved that nothing was taken on
  pending        not decided yet; unknown: nobody can tell yet, so it may have been taken
  fact           of a webhook: its word counts; hint: its word alone counts for nothing, and
                 a lookup is to follow; followed: one did; question, debit: the gateway asked,
                 and was answered; repeated: it had come before; unmatched, unreadable or
                 forged: it counts for nothing

Facts are recorded when they happen and never changed after. Nothing here was written for
this dispute but what its own lines in the timeline say. Bodies of webhooks and data of
persons are left out. People who acted for the merchant are named: read all of it before it
is given to somebody else.
`
