package main

import (
	"cmp"
	"encoding/csv"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/payrouter/payrouter/cmd/internal/paper"
	payrouterv1 "github.com/payrouter/payrouter/proto/payrouter/v1"
)

func (c *client) stuckCommand() *cobra.Command {
	var from, to, file string
	var all bool
	cmd := &cobra.Command{
		Use: "stuck GATEWAY --from TIME", Short: "Show whose payments met an incident, and what they may be told", Args: arguments(1, 1),
		Long: `Shows the payments that had an attempt at a gateway and were created within a time, by what
their payers may safely be told now: support reads it from top to bottom. Without --all only
those that are not at their end. Times are of your zone's day, 14:05 or 2026-11-24 14:05, or
with a zone as 2026-11-24T14:05:00+05:00.

With --csv the list is written for support: payment, order, customer, amount, and the words.
It holds no other personal data.`,
		Example: `  payctl stuck kaspi-main --from 14:05 --to 14:30
  payctl stuck kaspi-main --from "2026-11-24 14:05" --all --csv incident.csv`,
		RunE: func(cmd *cobra.Command, args []string) error {
			request := &payrouterv1.ListPaymentsRequest{Gateway: full("gateways", args[0]), PageSize: mostPerPage}
			for _, end := range []struct {
				flag, text string
				into       **timestamppb.Timestamp
			}{{"--from", from, &request.CreateTimeAfter}, {"--to", to, &request.CreateTimeBefore}} {
				if end.text == "" {
					continue
				}
				at, err := moment(end.text, time.Now())
				if err != nil {
					return usagef("%s %w", end.flag, err)
				}
				*end.into = timestamppb.New(at)
			}
			if request.CreateTimeAfter == nil {
				return usagef("--from is required: when it began, such as 14:05")
			}
			touched, err := c.touched(cmd, request)
			if err != nil {
				return err
			}
			found := slices.DeleteFunc(slices.Clone(touched), func(p *payrouterv1.Payment) bool { return !all && atItsEnd(p) })
			if file != "" {
				if err := written(file, func(out io.Writer) error { return writeStuck(out, found) }); err != nil {
					return err
				}
				fmt.Fprintf(c.out, "%s: %d payments\n", file, len(found))
				return nil
			}
			return c.show(&payrouterv1.ListPaymentsResponse{Payments: found}, func() { c.printStuck(found, len(touched)-len(found)) })
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&from, "from", "", "created at this time or later (required)")
	flags.StringVar(&to, "to", "", "created before this time; until now when empty")
	flags.BoolVar(&all, "all", false, "also those that are at their end")
	flags.StringVar(&file, "csv", "", "write them to this file, in place of showing them")
	return cmd
}

// moment reads a time of the day of now, of another day, or one with its zone.
func moment(text string, now time.Time) (time.Time, error) {
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return t, nil
	}
	for _, layout := range []string{"2006-01-02 15:04:05", "2006-01-02 15:04"} {
		for _, said := range []string{text, now.Format(time.DateOnly) + " " + text} {
			if t, err := time.ParseInLocation(layout, said, now.Location()); err == nil {
				return t, nil
			}
		}
	}
	return time.Time{}, fmt.Errorf("%s: write a time as 14:05, 2026-11-24 14:05 or 2026-11-24T14:05:00+05:00", text)
}

// touched reads all payments of a request, to the last page: a list that ends early would leave
// people out.
func (c *client) touched(cmd *cobra.Command, request *payrouterv1.ListPaymentsRequest) (found []*payrouterv1.Payment, err error) {
	for {
		ctx, cancel := c.call(cmd)
		page, err := c.payments().ListPayments(ctx, request)
		cancel()
		if err != nil {
			return nil, err
		}
		found = append(found, page.GetPayments()...)
		if request.PageToken = page.GetNextPageToken(); request.PageToken == "" {
			slices.SortStableFunc(found, func(a, b *payrouterv1.Payment) int { return cmp.Compare(urgency(a), urgency(b)) })
			return found, nil
		}
	}
}

// atItsEnd reports whether a payment is decided and nothing of it goes back.
func atItsEnd(p *payrouterv1.Payment) bool { return decided(p) && p.GetSurplus().GetMinorUnits() <= 0 }

// urgencies are what payers may be told, those first who need somebody now.
var urgencies = []payrouterv1.PayerAdvice{payrouterv1.PayerAdvice_PAYER_ADVICE_CONTACT_SUPPORT, payrouterv1.PayerAdvice_PAYER_ADVICE_WAIT,
	payrouterv1.PayerAdvice_PAYER_ADVICE_UNSPECIFIED, payrouterv1.PayerAdvice_PAYER_ADVICE_USE_ANOTHER_METHOD,
	payrouterv1.PayerAdvice_PAYER_ADVICE_PAY_AGAIN_SAFE, payrouterv1.PayerAdvice_PAYER_ADVICE_NONE}

func urgency(p *payrouterv1.Payment) int {
	return slices.Index(urgencies, p.GetResolution().GetPayerAdvice())
}

// tell is what a payer may be told, also when there is nothing to do.
func tell(p *payrouterv1.Payment) string {
	return cmp.Or(advice(p.GetResolution().GetPayerAdvice()), "nothing to do, it is paid")
}

// printStuck shows what was found, and how many were left out because they are at their end.
func (c *client) printStuck(found []*payrouterv1.Payment, ended int) {
	if len(found) == 0 && ended > 0 {
		fmt.Fprintf(c.out, "None waits. At their end: %d, which --all shows.\n", ended)
		return
	}
	if len(found) == 0 {
		fmt.Fprintln(c.out, "There are no such payments.")
		return
	}
	c.printStuckSums(found)
	fmt.Fprintln(c.out)
	t := c.grid("TELL THE PAYER", "PAYMENT", "CREATED", "AMOUNT", "ORDER", "CUSTOMER", "STATE")
	for _, p := range found {
		t.row(tell(p), last(p.GetName()), when(p.GetCreateTime()), money(p.GetAmount()), p.GetOrderId(), p.GetCustomerId(), stateOf(p))
	}
	t.render()
}

// printStuckSums prints how many may be told what, and how much money it is about.
func (c *client) printStuckSums(found []*payrouterv1.Payment) {
	t := c.grid("TELL THE PAYER", "PAYMENTS", "MONEY")
	for i, p := range found {
		if i > 0 && tell(found[i-1]) == tell(p) {
			continue
		}
		n, sums := int64(0), map[string]int64{}
		for _, other := range found[i:] {
			if tell(other) == tell(p) {
				n++
				sums[other.GetAmount().GetCurrencyCode()] += other.GetAmount().GetMinorUnits()
			}
		}
		text := ""
		for _, currency := range slices.Sorted(maps.Keys(sums)) {
			text += exactly(&payrouterv1.Money{MinorUnits: sums[currency], CurrencyCode: currency}) + " "
		}
		t.row(tell(p), count(n), text)
	}
	t.render()
}

// writeStuck writes the list for support.
func writeStuck(out io.Writer, found []*payrouterv1.Payment) error {
	w := csv.NewWriter(out)
	_ = w.Write([]string{"tell_the_payer", "payment", "created", "amount_minor_units", "currency", "order", "customer", "state"})
	for _, p := range found {
		_ = w.Write([]string{tell(p), last(p.GetName()), p.GetCreateTime().AsTime().Format(time.RFC3339), fmt.Sprint(p.GetAmount().GetMinorUnits()),
			p.GetAmount().GetCurrencyCode(), paper.Harmless(p.GetOrderId()), paper.Harmless(p.GetCustomerId()), stateOf(p)})
	}
	w.Flush()
	return w.Error()
}
