package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	payrouterv1 "github.com/payrouter/payrouter/proto/payrouter/v1"
)

func (c *client) instrumentsCommand() *cobra.Command {
	list := &cobra.Command{
		Use: "list CUSTOMER", Short: "List a customer's saved instruments", Args: arguments(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx, cancel := c.call(cmd)
			defer cancel()
			all, err := c.payments().ListInstruments(ctx, &payrouterv1.ListInstrumentsRequest{CustomerId: args[0], PageSize: mostPerPage})
			if err != nil {
				return err
			}
			return c.show(all, func() { c.printInstruments(args[0], all.GetInstruments()) })
		},
	}
	forget := &cobra.Command{
		Use: "delete INSTRUMENT", Short: "Forget a saved instrument", Args: arguments(1, 1),
		Long: "Forgets a saved instrument and its tokens at all gateways. It cannot be charged any more;\npayments made with it stay. There is no way back.",
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx, cancel := c.call(cmd)
			defer cancel()
			done, err := c.payments().DeleteInstrument(ctx, &payrouterv1.DeleteInstrumentRequest{Name: full("instruments", args[0])})
			if err != nil {
				return err
			}
			return c.show(done, func() { fmt.Fprintf(c.out, "%s is forgotten.\n", full("instruments", args[0])) })
		},
	}
	cmd := group("instruments", "List and forget saved instruments", list, forget)
	cmd.Aliases = []string{"instrument"}
	return cmd
}

func (c *client) printInstruments(customer string, all []*payrouterv1.Instrument) {
	if len(all) == 0 {
		fmt.Fprintf(c.out, "Customer %s has no saved instruments.\n", customer)
		return
	}
	t := c.grid("INSTRUMENT", "SAVED", "BRAND", "MASK", "CAN BE CHARGED AT")
	for _, i := range all {
		var gateways []string
		for _, token := range i.GetTokens() {
			gateways = append(gateways, last(token.GetGateway()))
		}
		t.row(last(i.GetName()), when(i.GetCreateTime()), i.GetBrand(), i.GetMask(), strings.Join(gateways, ", "))
	}
	t.render()
}
