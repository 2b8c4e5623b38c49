package main

import (
	"bufio"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	payrouterv1 "github.com/payrouter/payrouter/proto/payrouter/v1"
)

// What takes two people is said by the first and counts with the second. The second sees
// what is at stake before, and types a name: "y" is typed before one has read.

// ask has a person type a word, and says what was not done when it is another.
func (c *client) ask(cmd *cobra.Command, question, word, undone string) error {
	if c.output != "table" {
		return usagef("--yes is required with -o %s: nobody can be asked", c.output)
	}
	fmt.Fprint(c.out, question)
	answer, _ := bufio.NewReader(cmd.InOrStdin()).ReadString('\n')
	if strings.TrimSpace(answer) != word {
		fmt.Fprintln(c.out)
		return usagef("%s: the answer was not %q (--yes does not ask)", undone, word)
	}
	return nil
}

// me is how the records name whoever runs the command.
func (c *client) me() string { return "operator:" + c.operator }

// secondOrder shows a colleague's order that waits for a second person, and what it puts
// at stake, and asks. It does nothing where none waits.
func (c *client) secondOrder(cmd *cobra.Command, gateway string, wanted *payrouterv1.Override) error {
	ctx, cancel := c.call(cmd)
	defer cancel()
	all, err := c.operations().ListOverrides(ctx, &payrouterv1.ListOverridesRequest{Parent: full("gateways", gateway), ActiveOnly: true, PageSize: 100})
	if err != nil {
		return err
	}
	var first *payrouterv1.Override
	for _, o := range all.GetOverrides() { // newest first; of those that ask for the same, the oldest is confirmed
		until := o.GetProposalExpireTime()
		if until == nil || !until.AsTime().After(time.Now()) || o.GetMode() != wanted.GetMode() || o.GetActor() == c.me() {
			continue
		}
		if first == nil || alike(o, wanted) {
			first = o
		}
	}
	if first == nil {
		return nil
	}
	g, err := c.gateway(ctx, gateway)
	if err != nil {
		return err
	}
	question := fmt.Sprintf("Send new payments to %s all the same? Type its name to order it: ", last(gateway))
	if !alike(first, wanted) {
		question = fmt.Sprintf("Yours is another order, which waits for a second person in its turn: with --for %s\nit confirms this one. Type %s to order yours all the same: ",
			span(lengthOf(first)), last(gateway))
	}
	if c.output == "table" {
		c.printStake(first, g)
	}
	return c.ask(cmd, question, last(gateway), "nothing was ordered")
}

// alike reports whether an order that is wanted would confirm one that waits: the service
// asks for the same, and for as long.
func alike(waiting, wanted *payrouterv1.Override) bool {
	return waiting.GetMode() == wanted.GetMode() && waiting.GetMoveOpen() == wanted.GetMoveOpen() &&
		(lengthOf(waiting)-wanted.GetDuration().AsDuration()).Abs() < time.Millisecond
}

// lengthOf is how long an order lasts that is in the books.
func lengthOf(o *payrouterv1.Override) time.Duration {
	return o.GetEndTime().AsTime().Sub(o.GetStartTime().AsTime()).Round(time.Millisecond)
}

// printStake prints a colleague's order, and what can be lost at the gateway.
func (c *client) printStake(o *payrouterv1.Override, g *payrouterv1.Gateway) {
	c.printOverrides([]*payrouterv1.Override{o})
	fmt.Fprintln(c.out)
	c.sentence("New payments at %s now: %s", last(g.GetName()), plain(and(admission(g), g.GetAdmissionDetail())))
	for _, r := range g.GetAtRisk() {
		fmt.Fprintf(c.out, "At risk there: %s is %s (attempts: %d)\n", exactly(r.GetAmount()), word(r.GetVerdict().String(), "VERDICT_"), r.GetCount())
	}
	if offers := liveOffers(g); offers != "" {
		c.sentence("Offers that can still be paid there: %s", offers)
	}
	fmt.Fprintln(c.out)
}

// secondWord shows colleagues' words about an attempt that wait for a second person's,
// and what they put at stake, and asks. It does nothing where there are none. A verdict that
// is not the colleague's confirms nothing, and is asked about as what it is.
func (c *client) secondWord(cmd *cobra.Command, payment, attempt string, verdict payrouterv1.Verdict) error {
	ctx, cancel := c.call(cmd)
	defer cancel()
	story, err := c.operations().ExplainPayment(ctx, &payrouterv1.ExplainPaymentRequest{Name: payment})
	if err != nil {
		return err
	}
	var said []*payrouterv1.ExplainPaymentResponse_Event
	colleague := false
	for _, e := range story.GetEvents() {
		if e.GetKind() == "proposed" && e.GetAttempt() == attempt {
			said, colleague = append(said, e), e.GetActor() != c.me() // the last word is what waits
		}
	}
	if !colleague {
		return nil
	}
	name := last(payment) + "/" + last(attempt)
	question := fmt.Sprintf("Say the same? Type the attempt, %s, to say it: ", name)
	waits := said[len(said)-1]
	if theirs := waits.GetVerdict(); theirs != payrouterv1.Verdict_VERDICT_UNSPECIFIED && theirs != verdict {
		question = fmt.Sprintf("You say otherwise than %s: your word takes the place of theirs, and waits for a\nsecond person. Type the attempt, %s, to say it: ", person(waits.GetActor()), name)
	}
	if c.output == "table" {
		c.printEvents(said)
		fmt.Fprintf(c.out, "\nExposed: %s. If it was taken after all, the payer may be charged twice;\nwhat is seen later is given back, and stands as your decision in the payment's story.\n\n", exactly(story.GetPayment().GetAmount()))
	}
	return c.ask(cmd, question, name, "nothing was recorded")
}
