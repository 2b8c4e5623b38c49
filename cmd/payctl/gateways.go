package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	payrouterv1 "github.com/payrouter/payrouter/proto/payrouter/v1"
)

func (c *client) gatewaysCommand() *cobra.Command {
	var claims, watch bool
	var every time.Duration
	cmd := &cobra.Command{
		Use: "gateways [GATEWAY]", Aliases: []string{"gateway"}, Short: "Show which gateway is sick, or one gateway in full",
		Long: `Shows whether new payments go to each gateway, and why not. What is open there is looked
after in any case.

UNKNOWN is money that may have moved: it is being looked up, and nobody else is charged.
PENDING is money that has not moved and still may. Both with the number of attempts. LIVE
OFFERS are codes, links and pages that are with payers and can still be paid. A breaker
that is closed lets everything through.

With --watch the picture is drawn anew every two seconds until you interrupt it; where the
output is no terminal, whenever it has changed.`,
		Example: "  payctl gateways\n  payctl gateways --watch\n  payctl gateways kaspi-main --claims",
		Args:    arguments(0, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if watch {
				return c.watchGateways(cmd, every, args)
			}
			ctx, cancel := c.call(cmd)
			defer cancel()
			if len(args) == 1 {
				g, err := c.gateway(ctx, args[0])
				if err != nil {
					return err
				}
				return c.show(g, func() { c.printGateway(g, claims) })
			}
			all, err := c.operations().ListGateways(ctx, &payrouterv1.ListGatewaysRequest{PageSize: mostPerPage})
			if err != nil {
				return err
			}
			return c.show(all, func() {
				if all.GetEgressDown() {
					fmt.Fprint(c.out, egressDown+"\n\n")
				}
				c.printGateways(all.GetGateways())
				for _, g := range all.GetGateways() {
					if claims {
						c.printClaims(g)
					}
				}
			})
		},
	}
	cmd.Flags().BoolVar(&claims, "claims", false, "also show what the provider promises")
	cmd.Flags().BoolVar(&watch, "watch", false, "draw it again and again")
	cmd.Flags().DurationVar(&every, "every", 2*time.Second, "how often, with --watch")
	return cmd
}

// watchGateways draws all gateways, or one in full, until the person has seen enough.
func (c *client) watchGateways(cmd *cobra.Command, every time.Duration, args []string) error {
	if c.output != "table" || every <= 0 {
		return usagef("--watch draws tables, and --every is more than zero")
	}
	return c.live(cmd, every, func(ctx context.Context, view *client) (bool, error) {
		if len(args) == 1 {
			g, err := view.gateway(ctx, args[0])
			if err == nil {
				view.printGateway(g, false)
			}
			return false, err
		}
		all, err := view.operations().ListGateways(ctx, &payrouterv1.ListGatewaysRequest{PageSize: mostPerPage})
		if err != nil {
			return false, err
		}
		fmt.Fprintf(view.out, "%s\n\n", headline(all))
		view.printGateways(all.GetGateways())
		var orders []*payrouterv1.Override
		for _, g := range all.GetGateways() {
			orders = append(orders, g.GetOverrides()...)
		}
		if len(orders) > 0 {
			fmt.Fprint(view.out, "\nOrdered by people\n")
			view.printOverrides(orders)
		}
		return false, nil
	})
}

// egressDown is the outage that no table of gateways shows.
const egressDown = "! NO GATEWAY CAN BE REACHED: our own way out is down. No breaker opens for it, and no other gateway helps"

// headline is what a tired person must not miss.
func headline(seen *payrouterv1.ListGatewaysResponse) string {
	var out, partly []string
	all := seen.GetGateways()
	for _, g := range all {
		switch {
		case !g.GetAdmitting():
			out = append(out, last(g.GetName()))
		case g.GetSharePercent() < 100:
			partly = append(partly, last(g.GetName()))
		}
	}
	switch {
	case seen.GetEgressDown():
		return egressDown
	case len(all) > 0 && len(out) == len(all):
		return "! ALL GATEWAYS ARE OUT: no new payment is taken"
	case len(out) > 0:
		return "! OUT: " + strings.Join(out, ", ")
	case len(partly) > 0:
		return "Coming back: " + strings.Join(partly, ", ")
	}
	return "All gateways take new payments"
}

// admission is whether new payments go there, in a few words.
func admission(g *payrouterv1.Gateway) string {
	text := word(g.GetAdmission().String(), "ADMISSION_")
	switch {
	case g.GetAdmitting() && g.GetSharePercent() < 100:
		return fmt.Sprintf("%s, %d %%", text, g.GetSharePercent())
	case text == "":
		return "no, for a moment"
	}
	return text
}

func (c *client) printGateways(all []*payrouterv1.Gateway) {
	t := c.grid("GATEWAY", "NEW PAYMENTS", "UNKNOWN", "PENDING", "LIVE OFFERS")
	for _, g := range all {
		t.row(last(g.GetName()), admission(g), risks(g, payrouterv1.Verdict_VERDICT_UNKNOWN), risks(g, payrouterv1.Verdict_VERDICT_PENDING),
			count(g.GetLiveOffers()))
	}
	t.render()
	details := c.grid("", "")
	for _, g := range all {
		if g.GetAdmissionDetail() != "" {
			details.row(last(g.GetName()), g.GetAdmissionDetail())
		}
		for _, code := range g.GetUnknownCodes() {
			details.row(last(g.GetName()), unknownCode(code))
		}
	}
	if len(details.rows) > 0 {
		fmt.Fprint(c.out, "\nWhy, and what else is unusual\n")
		details.header = nil
		details.render()
	}
}

// risks are the sums at risk with one verdict, with how many attempts they are.
func risks(g *payrouterv1.Gateway, verdict payrouterv1.Verdict) string {
	var texts []string
	for _, r := range g.GetAtRisk() {
		if r.GetVerdict() == verdict {
			texts = append(texts, fmt.Sprintf("%s (%d)", exactly(r.GetAmount()), r.GetCount()))
		}
	}
	return strings.Join(texts, ", ")
}

// count is a number; nothing for none.
func count(n int64) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatInt(n, 10)
}

func unknownCode(u *payrouterv1.Gateway_UnknownCode) string {
	return fmt.Sprintf("sent a code that nobody documented, %q, seen %s, last at %s", u.GetCode(), times(u.GetCount()), when(u.GetLastTime()))
}

// credentials are how a set is called, and what must be known of its end; nothing where
// nobody has said either.
func credentials(set *payrouterv1.Gateway_Credentials) string {
	var texts []string
	if set.GetVersion() != "" {
		texts = append(texts, set.GetVersion())
	}
	if set.GetRetiring() {
		texts = append(texts, "retiring")
	}
	if end := set.GetExpireTime(); end != nil {
		texts = append(texts, "valid until "+when(end))
	}
	return strings.Join(texts, ", ")
}

func times(n int64) string {
	if n == 1 {
		return "once"
	}
	return strconv.FormatInt(n, 10) + " times"
}

func (c *client) printGateway(g *payrouterv1.Gateway, claims bool) {
	var methods []string
	for _, m := range g.GetMethods() {
		methods = append(methods, word(m.String(), "METHOD_"))
	}
	t := c.grid()
	t.row("gateway", last(g.GetName())+", provider "+g.GetProvider())
	t.row("takes", strings.Join(g.GetCurrencies(), ", ")+" by "+strings.Join(methods, ", "))
	t.row("new payments", and(admission(g), g.GetAdmissionDetail()))
	for _, r := range g.GetAtRisk() {
		t.row(word(r.GetVerdict().String(), "VERDICT_"), fmt.Sprintf("%s (%d), the oldest since %s", exactly(r.GetAmount()), r.GetCount(), when(r.GetOldestTime())))
	}
	if offers := liveOffers(g); offers != "" {
		t.row("live offers", offers)
	}
	for _, code := range g.GetUnknownCodes() {
		t.row("unknown code", unknownCode(code))
	}
	for _, set := range g.GetCredentials() {
		if text := credentials(set); text != "" {
			t.row("credentials", text)
		}
	}
	t.render()
	fmt.Fprintln(c.out)
	t = c.grid("BREAKER", "STATE", "FAULTS IN A ROW", "OPEN UNTIL", "LAST FAULT", "LAST SUCCESS")
	for _, b := range g.GetBreakers() {
		state := word(b.GetState().String(), "STATE_")
		if b.GetObserveOnly() {
			state += ", only watches"
		}
		t.row(word(b.GetOperation().String(), "OPERATION_"), state, count(int64(b.GetConsecutiveFailures())),
			when(b.GetOpenUntilTime()), when(b.GetLastFaultTime()), when(b.GetLastSuccessTime()))
	}
	t.render()
	if len(g.GetOverrides()) > 0 {
		fmt.Fprintln(c.out)
		c.printOverrides(g.GetOverrides())
	}
	if claims {
		c.printClaims(g)
		return
	}
	fmt.Fprintf(c.out, "\nWhat the provider promises: payctl gateways %s --claims\n", last(g.GetName()))
}

// liveOffers is the countdown of what payers can still pay there.
func liveOffers(g *payrouterv1.Gateway) string {
	if g.GetLiveOffers() == 0 {
		return ""
	}
	text := fmt.Sprintf("%d, of which %d opened or scanned", g.GetLiveOffers(), g.GetConfirmingOffers())
	if dies := g.GetLastOfferExpireTime(); dies != nil {
		text += "; the last one dies at " + when(dies)
	}
	return text
}

func (c *client) printClaims(g *payrouterv1.Gateway) {
	fmt.Fprintf(c.out, "\nWhat the provider of %s promises\n", last(g.GetName()))
	t := c.grid()
	for _, claim := range g.GetClaims() {
		t.row(claim.GetName(), claim.GetValue())
	}
	t.render()
}
