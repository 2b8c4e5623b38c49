package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/types/known/timestamppb"

	payrouterv1 "github.com/payrouter/payrouter/proto/payrouter/v1"
	"github.com/payrouter/payrouter/providers"
)

func (c *client) paymentCommand() *cobra.Command {
	cmd := group("payment", "Create, follow, capture, cancel and refund payments",
		c.createCommand(), c.getCommand(), c.listCommand(), c.watchCommand(), c.captureCommand(), c.cancelCommand(),
		c.refundCommand(), c.refundsCommand())
	cmd.Aliases = []string{"payments", "pay"}
	return cmd
}

func (c *client) createCommand() *cobra.Command {
	var (
		amount, currency, deadline string
		methods, gateways          []string
		hold                       bool
		request                    payrouterv1.CreatePaymentRequest
		payer                      payrouterv1.Payer
	)
	cmd := &cobra.Command{
		Use:   "create --amount AMOUNT --method METHOD[,METHOD…]",
		Short: "Take an amount once",
		Long: `Opens a payment and prints what the payer must do, or the outcome. A payment that ends
declined or failed is an outcome too, with exit status 0: read its state.

Repeating the command with the same --request-id and the same flags is always safe: it
prints the same payment. A repetition needs --deadline as a time, because 15m from now is
another wish each time. A script that may have to repeat gives its own --request-id.`,
		Example: `  payctl payment create --amount 15490 --method qr,page --order 4711
  payctl payment create --amount 15490.00 --method instrument --instrument 019ac… --customer c-88
  payctl payment create --amount 15490 --method qr --dry-run`,
		Args: arguments(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			var err error
			if request.Amount, err = parseMoney(amount, currency); err != nil {
				return err
			}
			if request.Methods, err = parseMethods(methods); err != nil {
				return err
			}
			request.RequestId = c.once(request.RequestId)
			if deadline != "" {
				if request.Deadline, err = parseDeadline(deadline); err != nil {
					return err
				}
				c.repeat += " --deadline " + request.Deadline.AsTime().Format(time.RFC3339Nano)
			}
			if hold {
				request.CaptureMode = payrouterv1.CaptureMode_CAPTURE_MODE_MANUAL
			}
			if request.Instrument != "" {
				request.Instrument = full("instruments", request.Instrument)
			}
			for _, g := range gateways {
				request.Gateways = append(request.Gateways, full("gateways", g))
			}
			if request.ValidateOnly {
				c.repeat = "" // nothing is wished for
			}
			request.Payer = &payer
			ctx, cancel := c.call(cmd)
			defer cancel()
			p, err := c.payments().CreatePayment(ctx, &request)
			if err != nil {
				return err
			}
			return c.show(p, func() {
				if request.ValidateOnly {
					c.printPreview(p)
					return
				}
				c.printPayment(p)
			})
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&amount, "amount", "", "how much, as a decimal: 15490 or 15490.00 (required)")
	flags.StringVar(&currency, "currency", "KZT", "ISO 4217 code")
	flags.StringSliceVar(&methods, "method", nil, "qr, link, page, push, account or instrument, in order of preference (required)")
	flags.StringVar(&request.OrderId, "order", "", "your order; it can be paid once")
	flags.StringVar(&request.Instrument, "instrument", "", "saved instrument to charge, with --method instrument")
	flags.StringVar(&request.CustomerId, "customer", "", "your opaque id of the payer")
	flags.StringVar(&request.Description, "description", "", "what the payer reads")
	flags.StringVar(&request.ReturnUrl, "return-url", "", "where the browser comes back")
	flags.BoolVar(&hold, "hold", false, "authorise only; capture later")
	flags.BoolVar(&request.SaveInstrument, "save", false, "ask the gateway for a token; needs --customer")
	flags.BoolVar(&request.SoftDeclineRetry, "soft-retry", false, "try one other gateway after a soft decline")
	flags.StringVar(&deadline, "deadline", "", "no attempt begins and no offer lives after: 15m from now, or a time like 2026-07-01T15:04:05Z")
	flags.StringSliceVar(&gateways, "gateway", nil, "only these gateways")
	flags.StringVar(&payer.Phone, "phone", "", "payer's phone, +7…; needed for push")
	flags.StringVar(&payer.Email, "email", "", "payer's e-mail")
	flags.StringVar(&payer.DisplayName, "name", "", "payer's name")
	flags.StringVar(&payer.IpAddress, "ip", "", "payer's IP address")
	flags.StringVar(&request.RequestId, "request-id", "", "UUID of this wish; a new one when empty")
	flags.BoolVar(&request.ValidateOnly, "dry-run", false, "store and send nothing; print the route it would take")
	return cmd
}

// printPreview prints the route that a payment would take now.
func (c *client) printPreview(p *payrouterv1.Payment) {
	c.printRoute(p)
	fmt.Fprintln(c.out)
	if !slices.ContainsFunc(p.GetRoute(), (*payrouterv1.RouteChoice).GetTaken) {
		fmt.Fprintln(c.out, "No gateway would take it now.")
	}
	fmt.Fprintln(c.out, "Nothing was stored or sent.")
}

// parseMoney reads --amount and --currency.
func parseMoney(amount, currency string) (*payrouterv1.Money, error) {
	if amount == "" {
		return nil, usagef("--amount is required, for example --amount 15490.00")
	}
	m, err := providers.ParseMoney(amount, strings.ToUpper(currency))
	switch {
	case err != nil:
		return nil, usagef("--amount %s --currency %s: %v", amount, currency, err)
	case m.Minor <= 0:
		return nil, usagef("--amount %s: it must be more than zero", amount)
	}
	return &payrouterv1.Money{MinorUnits: m.Minor, CurrencyCode: m.Currency}, nil
}

func parseMethods(names []string) ([]payrouterv1.Method, error) {
	var known []string
	for _, m := range providers.Methods() {
		known = append(known, string(m))
	}
	var methods []payrouterv1.Method
	for _, name := range names {
		m, ok := payrouterv1.Method_value["METHOD_"+strings.ToUpper(name)]
		if !ok || m == 0 {
			return nil, usagef("--method %s: there are %s", name, strings.Join(known, ", "))
		}
		methods = append(methods, payrouterv1.Method(m))
	}
	if len(methods) == 0 {
		return nil, usagef("--method is required: one or more of %s", strings.Join(known, ", "))
	}
	return methods, nil
}

// parseDeadline reads a time, or how long from now it is.
func parseDeadline(text string) (*timestamppb.Timestamp, error) {
	if t, err := time.Parse(time.RFC3339Nano, text); err == nil {
		return timestamppb.New(t), nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 {
		return nil, usagef("--deadline %s: give how long from now, like 15m, or a time, like 2026-07-01T15:04:05Z", text)
	}
	return timestamppb.New(time.Now().Add(d).Truncate(time.Millisecond)), nil
}

func (c *client) getCommand() *cobra.Command {
	return &cobra.Command{
		Use: "get PAYMENT", Short: "Show a payment", Args: arguments(1, 1),
		Example: "  payctl payment get 019ac…\n  payctl payment get payments/019ac… -o json",
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx, cancel := c.call(cmd)
			defer cancel()
			p, err := c.payments().GetPayment(ctx, &payrouterv1.GetPaymentRequest{Name: full("payments", args[0])})
			if err != nil {
				return err
			}
			return c.show(p, func() { c.printPayment(p) })
		},
	}
}

func (c *client) captureCommand() *cobra.Command {
	var amount, currency, id string
	cmd := &cobra.Command{
		Use: "capture PAYMENT", Short: "Take held money, all of it or --amount", Args: arguments(1, 1),
		Long: "Takes held money, all of it or --amount. The rest of a hold is released.",
		RunE: func(cmd *cobra.Command, args []string) error {
			request := &payrouterv1.CapturePaymentRequest{Name: full("payments", args[0])}
			var err error
			if amount != "" {
				if request.Amount, err = parseMoney(amount, currency); err != nil {
					return err
				}
			}
			request.RequestId = c.once(id)
			ctx, cancel := c.call(cmd)
			defer cancel()
			p, err := c.payments().CapturePayment(ctx, request)
			if err != nil {
				return err
			}
			return c.show(p, func() { c.printPayment(p) })
		},
	}
	cmd.Flags().StringVar(&amount, "amount", "", "less than all that is held")
	cmd.Flags().StringVar(&currency, "currency", "KZT", "of --amount")
	cmd.Flags().StringVar(&id, "request-id", "", "UUID of this wish; a new one when empty")
	return cmd
}

func (c *client) cancelCommand() *cobra.Command {
	var reason, id string
	cmd := &cobra.Command{
		Use: "cancel PAYMENT", Short: "Ask that no money be taken", Args: arguments(1, 1),
		Long: `Asks that no money be taken. No attempt begins after it, a hold is released, and an offer
that can be withdrawn is. An offer that cannot be runs out first: until then the payment is
not canceled yet, and money that still arrives is given back.

What is already paid is refunded instead: payctl payment refund.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx, cancel := c.call(cmd)
			defer cancel()
			p, err := c.payments().CancelPayment(ctx, &payrouterv1.CancelPaymentRequest{Name: full("payments", args[0]),
				RequestId: c.once(id), Reason: reason})
			if err != nil {
				return err
			}
			return c.show(p, func() { c.printPayment(p) })
		},
	}
	cmd.Flags().StringVar(&reason, "reason", "", "why, for the record")
	cmd.Flags().StringVar(&id, "request-id", "", "UUID of this wish; a new one when empty")
	return cmd
}
