package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/types/known/durationpb"

	payrouterv1 "github.com/payrouter/payrouter/proto/payrouter/v1"
)

// failover is one order to leave a gateway for another.
type failover struct {
	*client
	from, to, reason, id     string
	length, every            time.Duration
	moveOpen, dry, yes, away bool
}

func (c *client) failoverCommand() *cobra.Command {
	f := failover{client: c}
	cmd := &cobra.Command{
		Use: "failover GATEWAY --to GATEWAY --reason TEXT", Short: "Leave a gateway for its backup, step by step", Args: arguments(1, 1),
		Long: `Says what would happen if a gateway took no new payments, judged by the last minutes of real
traffic; asks; orders it; and shows what is still open there until it is safe. The rules
choose the backup: --to is the one you expect, and nothing is ordered when payments would go
elsewhere or it takes none now.

The order is a drain that ends by itself: "payctl drain" gives the same one without looking.
End it before its time with "payctl restore". Interrupting the picture leaves the order in
force.`,
		Example: `  payctl failover kaspi-main --to halyk-main --for 30m --reason "bank reports an outage" --dry-run
  payctl failover kaspi-main --to halyk-main --for 30m --reason "bank reports an outage"`,
		RunE: func(cmd *cobra.Command, args []string) error {
			f.from = args[0]
			return f.run(cmd)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.to, "to", "", "the gateway that new payments should go to (required)")
	flags.StringVar(&f.reason, "reason", "", "why, for the record: it is what your colleagues read (required)")
	flags.DurationVar(&f.length, "for", time.Hour, "how long, for example 30m; at most 24h")
	flags.BoolVar(&f.moveOpen, "move-open", false, "also move payments that are open there, each as soon as its offer is proved dead")
	flags.BoolVar(&f.dry, "dry-run", false, "change nothing; say what would happen")
	flags.BoolVar(&f.yes, "yes", false, "order it without asking")
	flags.BoolVar(&f.away, "no-watch", false, "end once it is ordered")
	flags.DurationVar(&f.every, "every", 2*time.Second, "how often the picture is drawn")
	flags.StringVar(&f.id, "request-id", "", "UUID of this order; a new one when empty")
	return cmd
}

func (f *failover) run(cmd *cobra.Command) error {
	switch {
	case f.reason == "":
		return errNoReason
	case f.to == "":
		return usagef("--to is required: the gateway that new payments should go to")
	case last(f.to) == last(f.from):
		return usagef("--to %s: it is the gateway that is to be left", last(f.to))
	case f.every <= 0:
		return usagef("--every %s: it must be more than zero", f.every)
	}
	forecast, err := f.forecast(cmd)
	if err != nil {
		return err
	}
	if f.dry {
		return f.show(forecast, func() { f.printForecast(forecast.GetForecast()) })
	}
	if f.output == "table" {
		f.printLines(forecast.GetForecast())
		fmt.Fprintln(f.out)
	}
	if err := f.confirm(cmd); err != nil {
		return err
	}
	request := f.request(false)
	request.RequestId = f.once(f.id)
	ctx, cancel := f.call(cmd)
	defer cancel()
	ordered, err := f.operations().CreateOverride(ctx, request)
	if err != nil {
		return err
	}
	if err := f.show(ordered, func() { f.printOrdered(ctx, ordered) }); err != nil || f.away || f.output != "table" {
		return err
	}
	fmt.Fprintln(f.out)
	return f.live(cmd, f.every, f.until)
}

func (f *failover) request(dry bool) *payrouterv1.CreateOverrideRequest {
	return &payrouterv1.CreateOverrideRequest{Parent: full("gateways", f.from), ValidateOnly: dry,
		Override: &payrouterv1.Override{Mode: payrouterv1.Override_MODE_DRAIN, MoveOpen: f.moveOpen, Reason: f.reason, Duration: durationpb.New(f.length)}}
}

// forecast says what the order would do, and refuses when that is not what the person expects.
func (f *failover) forecast(cmd *cobra.Command) (*payrouterv1.Override, error) {
	ctx, cancel := f.call(cmd)
	defer cancel()
	o, err := f.operations().CreateOverride(ctx, f.request(true))
	if err != nil {
		return nil, err
	}
	backup, err := f.gateway(ctx, f.to)
	if err != nil {
		return nil, err
	}
	if !backup.GetAdmitting() {
		return nil, fmt.Errorf("nothing was ordered: %s takes no new payments now (%s)", last(f.to), and(admission(backup), backup.GetAdmissionDetail()))
	}
	gains := gainer(o.GetForecast())
	if gains != "" && gains != last(f.to) {
		return nil, fmt.Errorf("nothing was ordered: by the rules most of these payments would go to %s, not to %s", gains, last(f.to))
	}
	return o, nil
}

// gainer is the gateway whose share would grow most, or nothing where none would.
func gainer(forecast *payrouterv1.Forecast) string {
	if len(forecast.GetShifts()) == 0 {
		return ""
	}
	gain := func(s *payrouterv1.Forecast_Shift) int32 { return s.GetAfterBasisPoints() - s.GetBeforeBasisPoints() }
	most := slices.MaxFunc(forecast.GetShifts(), func(a, b *payrouterv1.Forecast_Shift) int { return cmp.Compare(gain(a), gain(b)) })
	if gain(most) <= 0 {
		return ""
	}
	return last(most.GetGateway())
}

// confirm asks the person, who answers with the gateway's name: "y" is typed before one has read.
func (f *failover) confirm(cmd *cobra.Command) error {
	if f.yes {
		return nil
	}
	return f.ask(cmd, fmt.Sprintf("Send no new payments to %s for %s? Type its name to order it: ", last(f.from), span(f.length)), last(f.from), "nothing was ordered")
}

// until draws both gateways, until nothing of the one that was left can take money any more.
func (f *failover) until(ctx context.Context, view *client) (bool, error) {
	left, err := view.gateway(ctx, f.from)
	if err != nil {
		return false, err
	}
	backup, err := view.gateway(ctx, f.to)
	if err != nil {
		return false, err
	}
	view.printGateways([]*payrouterv1.Gateway{left, backup})
	fmt.Fprintln(view.out)
	if offers := liveOffers(left); offers != "" {
		view.sentence("Offers that can still be paid at %s: %s.", last(f.from), offers)
	}
	if left.GetOpenAttempts() > 0 {
		view.sentence("Not safe yet: attempts at %s that may still take money: %d. They are looked after to their end.", last(f.from), left.GetOpenAttempts())
		return false, nil
	}
	fmt.Fprintf(view.out, "Safe: nothing that was begun at %s can take money any more.\nEnd the order before its time with: payctl restore %s\n", last(f.from), last(f.from))
	return true, nil
}
