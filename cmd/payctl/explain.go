package main

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	payrouterv1 "github.com/payrouter/payrouter/proto/payrouter/v1"
)

func (c *client) explainCommand() *cobra.Command {
	return &cobra.Command{
		Use: "explain PAYMENT", Short: "Tell a payment's whole story", Args: arguments(1, 1),
		Long: `Tells a payment's whole story: where it stands, every recorded fact in order, the proof
behind each move from one gateway to the next, and what is out of order.`,
		Example: "  payctl explain 019ac…",
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx, cancel := c.call(cmd)
			defer cancel()
			story, err := c.operations().ExplainPayment(ctx, &payrouterv1.ExplainPaymentRequest{Name: full("payments", args[0])})
			if err != nil {
				return err
			}
			return c.show(story, func() { c.printStory(story) })
		},
	}
}

func (c *client) printStory(s *payrouterv1.ExplainPaymentResponse) {
	c.printPayment(s.GetPayment())
	fmt.Fprintln(c.out)
	c.printEvents(s.GetEvents())
	if len(s.GetEvidence()) > 0 {
		fmt.Fprint(c.out, "\nProof that an attempt could not charge any more\n")
		t := c.grid()
		for _, sentence := range s.GetEvidence() {
			t.row("", sentence)
		}
		t.render()
	}
	if len(s.GetDecisions()) > 0 {
		fmt.Fprint(c.out, "\nWhat people's decisions came to\n")
		t := c.grid()
		for _, sentence := range s.GetDecisions() {
			t.row("", sentence)
		}
		t.render()
	}
	if len(s.GetFindings()) > 0 {
		fmt.Fprint(c.out, "\nOut of order\n")
		t := c.grid()
		for _, f := range s.GetFindings() {
			where := ""
			if f.GetAttempt() != "" {
				where = "attempt " + last(f.GetAttempt())
			}
			t.row(when(f.GetCreateTime()), where, and(strings.ReplaceAll(f.GetKind(), "_", " "), f.GetDetail()))
		}
		t.render()
	}
}

// printEvents prints facts in order. A fact that only repeats the one before, like a
// look-up that found nothing new, is counted and not printed again.
func (c *client) printEvents(all []*payrouterv1.ExplainPaymentResponse_Event) {
	t := c.grid("#", "TIME", "WHO", "WHAT")
	for i := 0; i < len(all); {
		first, text := all[i], told(all[i])
		end := i + 1
		for end < len(all) && all[end].GetActor() == first.GetActor() && told(all[end]) == text {
			end++
		}
		number := strconv.FormatInt(first.GetSequence(), 10)
		if n := end - i; n > 1 {
			latest := all[end-1]
			number += "–" + strconv.FormatInt(latest.GetSequence(), 10)
			text += fmt.Sprintf(" (%d times, until %s)", n, when(latest.GetTime()))
		}
		t.row(number, when(first.GetTime()), first.GetActor(), text)
		i = end
	}
	t.render()
}

func told(e *payrouterv1.ExplainPaymentResponse_Event) string {
	return cmp.Or(e.GetText(), e.GetKind())
}
