package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	payrouterv1 "github.com/payrouter/payrouter/proto/payrouter/v1"
)

func (c *client) drainCommand() *cobra.Command {
	var moveOpen bool
	cmd := c.orderCommand(payrouterv1.Override_MODE_DRAIN, &moveOpen, &cobra.Command{
		Use:   "drain GATEWAY --reason TEXT",
		Short: "Send no new payments to a gateway for a while",
		Long: `Stops new payments at a gateway on all replicas within about a second. What is open there
is looked after to its end: look-ups, webhooks, captures and refunds go on, and offers that
are with payers can still be paid. The order ends by itself; traffic then comes back in
steps. Try it with --dry-run first.`,
		Example: `  payctl drain kaspi-main --for 30m --reason "bank reports an outage" --dry-run
  payctl drain kaspi-main --for 30m --reason "bank reports an outage"`,
	})
	cmd.Flags().BoolVar(&moveOpen, "move-open", false, "also move payments that are open there, each as soon as its offer is proved dead")
	return cmd
}

func (c *client) admitCommand() *cobra.Command {
	return c.orderCommand(payrouterv1.Override_MODE_ADMIT, new(bool), &cobra.Command{
		Use:   "admit GATEWAY --reason TEXT",
		Short: "Send new payments to a gateway whatever breakers and probes say (dangerous)",
		Long: `Sends new payments to a gateway whatever its breakers and probes say, for a while. Payers
may then wait for a gateway that is down. A drain of the same gateway comes first.

Where its breaker is open or its probes fail, or the order begins later, two people are
needed: the first order is recorded, is in force for nobody (exit status 1) and waits 15
minutes. A colleague who has looked too gives the same order, with the same --for, under
their own name: it shows what is at stake, and asks. "payctl restore" takes it back.`,
		Example: `  payctl admit kaspi-main --for 10m --reason "the probe is wrong, bank confirms" --dry-run`,
	})
}

func (c *client) observeCommand() *cobra.Command {
	return c.orderCommand(payrouterv1.Override_MODE_OBSERVE_ONLY, new(bool), &cobra.Command{
		Use:   "observe GATEWAY --reason TEXT",
		Short: "Let a gateway's breakers and probes watch and refuse nothing",
		Long: `Lets a gateway's breakers and probes watch and count, and refuse nothing, for a while: a
trial of their thresholds on real traffic. Where they say now that it is down, two people
are needed, as for "payctl admit".`,
		Example: `  payctl observe kaspi-main --for 4h --reason "trying new thresholds"`,
	})
}

// orderCommand makes the command that orders a mode: cmd says what it is for.
func (c *client) orderCommand(mode payrouterv1.Override_Mode, moveOpen *bool, cmd *cobra.Command) *cobra.Command {
	var (
		length     time.Duration
		reason, id string
		dry, yes   bool
	)
	flags := cmd.Flags()
	flags.DurationVar(&length, "for", time.Hour, "how long, for example 30m; at most 24h")
	flags.StringVar(&reason, "reason", "", "why, for the record: it is what your colleagues read (required)")
	flags.BoolVar(&dry, "dry-run", false, "change nothing; say what would happen")
	flags.StringVar(&id, "request-id", "", "UUID of this order; a new one when empty")
	if mode != payrouterv1.Override_MODE_DRAIN {
		flags.BoolVar(&yes, "yes", false, "as the second person, order it without being asked")
	}
	cmd.Args = arguments(1, 1)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if reason == "" {
			return errNoReason
		}
		request := &payrouterv1.CreateOverrideRequest{Parent: full("gateways", args[0]), ValidateOnly: dry,
			Override: &payrouterv1.Override{Mode: mode, MoveOpen: *moveOpen, Reason: reason, Duration: durationpb.New(length)}}
		if !dry {
			request.RequestId = c.once(id)
		}
		if !dry && !yes && mode != payrouterv1.Override_MODE_DRAIN {
			if err := c.secondOrder(cmd, args[0], request.GetOverride()); err != nil {
				return err
			}
		}
		ctx, cancel := c.call(cmd)
		defer cancel()
		o, err := c.operations().CreateOverride(ctx, request)
		if err != nil {
			return err
		}
		return c.show(o, func() {
			if dry {
				c.printForecast(o.GetForecast())
				return
			}
			c.printOrdered(ctx, o)
		})
	}
	return cmd
}

func (c *client) printForecast(f *payrouterv1.Forecast) {
	c.printLines(f)
	fmt.Fprintln(c.out, "\nNothing was changed.")
}

// printLines prints a forecast in sentences, with a mark before those to think twice about.
func (c *client) printLines(f *payrouterv1.Forecast) {
	t := c.grid()
	for _, line := range f.GetLines() {
		mark := " "
		if line.GetWarning() {
			mark = "!"
		}
		t.row(mark, line.GetText())
	}
	t.render()
}

// printOrdered prints an order that was just given, with what else is ordered about the
// gateway and what stays open there.
func (c *client) printOrdered(ctx context.Context, o *payrouterv1.Override) {
	orders, offers := []*payrouterv1.Override{o}, ""
	// The order stands, whether or not the gateway can be read now.
	if g, err := c.gateway(ctx, o.GetGateway()); err == nil {
		for _, other := range g.GetOverrides() {
			if other.GetName() != o.GetName() {
				orders = append(orders, other)
			}
		}
		offers = liveOffers(g)
	}
	c.printOverrides(orders)
	if offers != "" && o.GetMode() == payrouterv1.Override_MODE_DRAIN {
		fmt.Fprintln(c.out)
		c.sentence("Offers that can still be paid there: %s.", offers)
	}
	fmt.Fprintf(c.out, "\nEnd it before its time with: payctl restore %s\n", last(o.GetGateway()))
}

func (c *client) gateway(ctx context.Context, name string) (*payrouterv1.Gateway, error) {
	return c.operations().GetGateway(ctx, &payrouterv1.GetGatewayRequest{Name: full("gateways", name)})
}

func (c *client) restoreCommand() *cobra.Command {
	return c.endCommand(false, &cobra.Command{
		Use: "restore GATEWAY", Short: "End all orders about a gateway; traffic comes back in steps",
		Long: `Ends all orders about a gateway, those of colleagues and those to come included. Control
goes back to breakers and probes, and after a drain traffic comes back in steps. An order
to reconcile stays: "payctl reconciled" ends it.`,
	})
}

func (c *client) reconciledCommand() *cobra.Command {
	return c.endCommand(true, &cobra.Command{
		Use: "reconciled GATEWAY --reason TEXT", Short: "Say that a gateway's part of a lost window is reconciled",
		Long: `Ends a gateway's order to reconcile. Such orders stand after the database lost a window: it
was put back to an older state, or a failover lost commits. Until the order of every gateway
is ended no charge, offer, capture or refund is sent to any gateway.

First compare the window with the gateway's own books: what was charged there and is
unknown here must be given back, and offers unknown here must be dead, for callers who
repeat their requests of that time are charged anew.`,
		Example: `  payctl reconciled halyk-main --reason "registry of 24 Nov 14:02-14:10 compared, 2 refunded by hand"`,
	})
}

// endCommand makes the command that ends orders: those to reconcile, or all others.
func (c *client) endCommand(reconciled bool, cmd *cobra.Command) *cobra.Command {
	var reason string
	cmd.Args = arguments(1, 1)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if reconciled && reason == "" {
			return usagef("--reason is required: it says what was compared, for the record")
		}
		ctx, cancel := c.call(cmd)
		defer cancel()
		// Not by the gateway, which may be gone from the configuration: its orders stand.
		all, err := c.operations().ListOverrides(ctx, &payrouterv1.ListOverridesRequest{Parent: full("gateways", args[0]), ActiveOnly: true, PageSize: 100})
		if err != nil {
			return err
		}
		if len(all.GetOverrides()) == 0 {
			if _, err := c.gateway(ctx, args[0]); err != nil {
				return err
			}
		}
		result := &payrouterv1.ListOverridesResponse{}
		for _, o := range all.GetOverrides() {
			if o.GetMode() == payrouterv1.Override_MODE_RECONCILE != reconciled {
				continue
			}
			// The etag is what this command has just read: an order that somebody changed in
			// between stays.
			var done *payrouterv1.Override
			done, err = c.operations().EndOverride(ctx, &payrouterv1.EndOverrideRequest{Name: o.GetName(), Reason: reason, Etag: o.GetEtag()})
			if by, ended := endedAlready(err); ended {
				if by != "" && c.output == "table" {
					fmt.Fprintf(c.out, "%s ended %q at the same moment, the order of %s.\n", person(by), o.GetReason(), person(o.GetActor()))
				}
				err = nil
				continue
			}
			if err != nil {
				break // and show what was ended before
			}
			result.Overrides = append(result.Overrides, done)
		}
		if err != nil && len(result.GetOverrides()) == 0 {
			return err
		}
		if shown := c.show(result, func() { c.printRestored(ctx, args[0], all.GetOverrides(), result.GetOverrides()) }); shown != nil {
			return shown
		}
		return err
	}
	cmd.Flags().StringVar(&reason, "reason", "", "why, for the record")
	return cmd
}

// endedAlready recognises an order that ended by itself, or by a colleague, who is named.
func endedAlready(err error) (by string, ended bool) {
	for _, detail := range status.Convert(err).Details() {
		if info, ok := detail.(*errdetails.ErrorInfo); ok && info.GetReason() == "OVERRIDE_ENDED" {
			return info.GetMetadata()["ended_by"], true
		}
	}
	return "", false
}

func (c *client) printRestored(ctx context.Context, gateway string, before, ended []*payrouterv1.Override) {
	gateway = last(gateway)
	switch {
	case len(ended) > 0:
		c.printOverrides(ended)
	case len(before) == 0:
		fmt.Fprintf(c.out, "No order about %s is in force or to come.\n", gateway)
	default:
		c.printOverrides(before)
		fmt.Fprintln(c.out, "\nNo order was ended. \"payctl reconciled\" ends an order to reconcile, \"payctl restore\" any other.")
	}
	if now, err := c.gateway(ctx, gateway); err == nil {
		fmt.Fprintln(c.out)
		c.sentence("New payments at %s now: %s", gateway, plain(and(admission(now), now.GetAdmissionDetail())))
	}
}

func (c *client) overridesCommand() *cobra.Command {
	var active bool
	var limit int32
	cmd := &cobra.Command{
		Use: "overrides [GATEWAY]", Short: "List operators' orders, newest first", Args: arguments(0, 1),
		Long: "Lists operators' orders about gateways, newest first. Ended ones stay as the record.",
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkLimit(limit); err != nil {
				return err
			}
			ctx, cancel := c.call(cmd)
			defer cancel()
			parent := "gateways/-"
			if len(args) == 1 {
				parent = full("gateways", args[0])
			}
			all, err := c.operations().ListOverrides(ctx, &payrouterv1.ListOverridesRequest{Parent: parent, ActiveOnly: active, PageSize: limit})
			if err != nil {
				return err
			}
			if len(args) == 1 && len(all.GetOverrides()) == 0 { // "none" must not be the answer to a misspelt name
				if _, err := c.gateway(ctx, args[0]); err != nil {
					return err
				}
			}
			return c.show(all, func() {
				if len(all.GetOverrides()) == 0 {
					fmt.Fprintln(c.out, "There are no such orders.")
				}
				c.printOverrides(all.GetOverrides())
				c.printMore(all.GetNextPageToken())
			})
		},
	}
	cmd.Flags().BoolVar(&active, "active", false, "only those in force or to come")
	cmd.Flags().Int32Var(&limit, "limit", 20, "how many at most, up to 1000")
	return cmd
}

func (c *client) printOverrides(all []*payrouterv1.Override) {
	t := c.grid("GATEWAY", "ORDER", "STATUS", "FROM", "UNTIL", "BY", "REASON")
	for _, o := range all {
		order := word(o.GetMode().String(), "MODE_")
		if o.GetMoveOpen() {
			order += ", move open"
		}
		until := when(o.GetEndTime())
		if o.GetMode() == payrouterv1.Override_MODE_RECONCILE && o.GetEndedBy() == "" {
			until = "reconciled"
		}
		t.row(last(o.GetGateway()), order, overrideStatus(o, time.Now()), when(o.GetStartTime()), until, people(o), o.GetReason())
	}
	t.render()
}

// people are who gave an order.
func people(o *payrouterv1.Override) string {
	if o.GetProposedBy() == "" {
		return person(o.GetActor())
	}
	return person(o.GetProposedBy()) + " and " + person(o.GetActor())
}

func overrideStatus(o *payrouterv1.Override, now time.Time) string {
	until := o.GetProposalExpireTime()
	switch {
	case until != nil && o.GetEndedBy() == "" && until.AsTime().After(now):
		return "waits for a second person until " + when(until)
	case until != nil && o.GetEndedBy() == "":
		return "nobody else said so"
	case until != nil && o.GetEndedBy() == o.GetActor(): // nobody confirms one's own
		return "taken back by " + person(o.GetEndedBy())
	case until != nil:
		return "answered by " + person(o.GetEndedBy())
	case o.GetEndedBy() != "":
		return "ended by " + person(o.GetEndedBy())
	case o.GetActive():
		return "in force"
	case o.GetStartTime().AsTime().After(now):
		return "to come"
	}
	return "over"
}
