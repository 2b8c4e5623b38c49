package main

import (
	"fmt"

	"github.com/spf13/cobra"

	payrouterv1 "github.com/payrouter/payrouter/proto/payrouter/v1"
)

func (c *client) refundCommand() *cobra.Command {
	var amount, currency, reason, id string
	cmd := &cobra.Command{
		Use: "refund PAYMENT", Short: "Give back what was paid, all that is left or --amount", Args: arguments(1, 1),
		Long: `Gives back what was paid, all that is left or --amount, through the gateway that took it.
The amount is reserved at once. A gateway that is down delays a refund and does not fail it:
see payctl payment refunds.`,
		Example: `  payctl payment refund 019ac… --amount 500 --reason "one book was missing"`,
		RunE: func(cmd *cobra.Command, args []string) error {
			request := &payrouterv1.CreateRefundRequest{Parent: full("payments", args[0]), Reason: reason}
			var err error
			if amount != "" {
				if request.Amount, err = parseMoney(amount, currency); err != nil {
					return err
				}
			}
			request.RequestId = c.once(id)
			ctx, cancel := c.call(cmd)
			defer cancel()
			r, err := c.payments().CreateRefund(ctx, request)
			if err != nil {
				return err
			}
			return c.show(r, func() { c.printRefunds(r) })
		},
	}
	cmd.Flags().StringVar(&amount, "amount", "", "less than all that is left")
	cmd.Flags().StringVar(&currency, "currency", "KZT", "of --amount")
	cmd.Flags().StringVar(&reason, "reason", "", "why; some gateways show it to the payer")
	cmd.Flags().StringVar(&id, "request-id", "", "UUID of this wish; a new one when empty")
	return cmd
}

func (c *client) refundsCommand() *cobra.Command {
	return &cobra.Command{
		Use: "refunds PAYMENT", Short: "List a payment's refunds", Args: arguments(1, 1),
		Long: `Lists the refunds that were asked for, oldest first. Money that came too late and was given
back by itself is no refund: payctl explain tells of it.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx, cancel := c.call(cmd)
			defer cancel()
			all, err := c.payments().ListRefunds(ctx, &payrouterv1.ListRefundsRequest{Parent: full("payments", args[0]), PageSize: mostPerPage})
			if err != nil {
				return err
			}
			return c.show(all, func() {
				if len(all.GetRefunds()) == 0 {
					fmt.Fprintln(c.out, "No refund was asked for.")
				}
				c.printRefunds(all.GetRefunds()...)
			})
		},
	}
}

func (c *client) printRefunds(all ...*payrouterv1.Refund) {
	t := c.grid("REFUND", "CREATED", "AMOUNT", "GATEWAY", "GATEWAY'S ID", "STATE", "REASON")
	for _, r := range all {
		t.row(last(r.GetName()), when(r.GetCreateTime()), money(r.GetAmount()), last(r.GetGateway()), r.GetExternalId(),
			and(word(r.GetState().String(), "STATE_"), word(r.GetStateReason().String(), "REASON_")), r.GetReason())
	}
	t.render()
}
