package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/types/known/timestamppb"

	payrouterv1 "github.com/payrouter/payrouter/proto/payrouter/v1"
)

// mostPerPage is what the service gives at a time.
const mostPerPage = 1000

func (c *client) listCommand() *cobra.Command {
	var (
		state, gateway string
		since          time.Duration
		limit          int32
		request        payrouterv1.ListPaymentsRequest
	)
	cmd := &cobra.Command{
		Use: "list", Short: "List payments, newest first", Args: arguments(0, 0),
		Example: `  payctl payment list --at-risk
  payctl payment list --state processing --gateway kaspi-main --since 2h
  payctl payment list --order 4711`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			switch v, ok := payrouterv1.Payment_State_value["STATE_"+strings.ToUpper(strings.NewReplacer("-", "_", " ", "_").Replace(state))]; {
			case state == "":
			case !ok || v == 0:
				return usagef("--state %s: there are processing, awaiting-payer, held, paid, declined, failed and canceled", state)
			default:
				request.State = payrouterv1.Payment_State(v)
			}
			if err := checkLimit(limit); err != nil {
				return err
			}
			if gateway != "" {
				request.Gateway = full("gateways", gateway)
			}
			if cmd.Flags().Changed("since") {
				if since <= 0 {
					return usagef("--since %s: it must be more than zero, for example 2h", since)
				}
				request.CreateTimeAfter = timestamppb.New(time.Now().Add(-since))
			}
			all := &payrouterv1.ListPaymentsResponse{}
			for left := limit; left > 0; {
				request.PageSize = min(left, mostPerPage)
				ctx, cancel := c.call(cmd)
				page, err := c.payments().ListPayments(ctx, &request)
				cancel()
				if err != nil {
					return err
				}
				all.Payments = append(all.Payments, page.GetPayments()...)
				all.NextPageToken, request.PageToken = page.GetNextPageToken(), page.GetNextPageToken()
				if left -= int32(len(page.GetPayments())); page.GetNextPageToken() == "" {
					break
				}
			}
			return c.show(all, func() { c.printPayments(all) })
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&state, "state", "", "only this state: processing, awaiting-payer, held, paid, declined, failed or canceled")
	flags.StringVar(&gateway, "gateway", "", "only with an attempt at this gateway")
	flags.StringVar(&request.OrderId, "order", "", "only of this order")
	flags.DurationVar(&since, "since", 0, "only created within this time, for example 2h")
	flags.BoolVar(&request.AtRiskOnly, "at-risk", false, "only where money may have moved or still may")
	flags.Int32Var(&limit, "limit", 50, "how many at most")
	return cmd
}

func checkLimit(limit int32) error {
	if limit < 1 {
		return usagef("--limit %d: it must be 1 or more", limit)
	}
	return nil
}

func (c *client) printPayments(all *payrouterv1.ListPaymentsResponse) {
	if len(all.GetPayments()) == 0 {
		fmt.Fprintln(c.out, "There are no such payments.")
		return
	}
	t := c.grid("PAYMENT", "CREATED", "AMOUNT", "ORDER", "GATEWAY", "STATE", "TELL THE PAYER")
	for _, p := range all.GetPayments() {
		gateway := ""
		if n := len(p.GetAttempts()); n > 0 {
			gateway = last(p.GetAttempts()[n-1].GetGateway())
		}
		t.row(last(p.GetName()), when(p.GetCreateTime()), money(p.GetAmount()), p.GetOrderId(), gateway, stateOf(p),
			advice(p.GetResolution().GetPayerAdvice()))
	}
	t.render()
	c.printMore(all.GetNextPageToken())
}

// printMore says that a list goes on.
func (c *client) printMore(nextPageToken string) {
	if nextPageToken != "" {
		fmt.Fprintln(c.out, "\nThere are more: raise --limit.")
	}
}
