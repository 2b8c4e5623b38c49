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
	for _, o := range all.GetOverrides() {
		until := o.GetProposalExpireTime()
		if until == nil || !until.AsTime().After(time.Now()) || o.GetMode() != wanted.GetMode() || o.GetActor() == c.me() {
			continue
		}
		g, err := c.gateway(ctx, gateway)
		if err != nil {
			return err
		}
		if c.output == "table" {
			c.printStake(o, g)
		}
		return c.ask(cmd, fmt.Sprintf("Send new payments to %s all the same? Type its name to order it: ", last(gateway)), last(gateway), "nothing was ordered")
	}
	return nil
}

// printStake prints a colleague's order, and what can be lost at the gateway.
func (c *client) printStake(o *payrouterv1.Override, g *payrouterv1.Gateway) {
	c.printOverrides([]*payrouterv1.Override{o})
	fmt.Fprintf(c.out, "\nNew payments at %s now: %s\n", last(g.GetName()), and(admission(g), g.GetAdmissionDetail()))
	for _, r := range g.GetAtRisk() {
		fmt.Fprintf(c.out, "At risk there: %s is %s (attempts: %d)\n", exactly(r.GetAmount()), word(r.GetVerdict().String(), "VERDICT_"), r.GetCount())
	}
	if offers := liveOffers(g); offers != "" {
		fmt.Fprintf(c.out, "Offers that can still be paid there: %s\n", offers)
	}
	fmt.Fprintln(c.out)
}

// secondWord shows colleagues' words about an attempt that wait for a second person's,
// and what they put at stake, and asks. It does nothing where there are none.
func (c *client) secondWord(cmd *cobra.Command, payment, attempt string) error {
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
	if c.output == "table" {
		c.printEvents(said)
		fmt.Fprintf(c.out, "\nExposed: %s. If it was taken after all, the payer may be charged twice; what is seen later is\ngiven back, and stands as your decision in the payment's story.\n\n", exactly(story.GetPayment().GetAmount()))
	}
	return c.ask(cmd, fmt.Sprintf("Say the same? Type the attempt, %s, to say it: ", last(payment)+"/"+last(attempt)), last(payment)+"/"+last(attempt), "nothing was recorded")
}
