package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"
	"google.golang.org/protobuf/types/known/timestamppb"

	payrouterv1 "github.com/payrouter/payrouter/proto/payrouter/v1"
)

// around is how much before and after an incident is read, to compare with and to see its end.
const (
	leastAround = 15 * time.Minute
	mostAround  = time.Hour
	// olderThan is how long an offer may have been with its payer when the incident began.
	olderThan = 27 * time.Hour
	// storiesAtOnce keeps the reading from being felt by payments.
	storiesAtOnce = 4
	// orderLife is how long an order may last.
	orderLife = 24 * time.Hour
)

func (c *client) incidentCommand() *cobra.Command {
	return group("incident", "Write up what happened", c.incidentReportCommand())
}

func (c *client) incidentReportCommand() *cobra.Command {
	var from, to, file string
	cmd := &cobra.Command{
		Use: "report [GATEWAY] --from TIME", Short: "Write the report of an incident, as Markdown", Args: arguments(0, 1),
		Long: `Writes what the books know of an incident: when a gateway first failed, when new payments
began to pass it over, when the backup served the first of them and when it came back; what
people ordered meanwhile, and why; which payments were exposed, what became of them, and what
their payers may be told now; which came to nothing; and who served before, during and after.

Without GATEWAY it is about every gateway that failed payments which stand so, or was passed over
because it failed; with one, each payment there is read. Payments are those of one tenant
(--tenant). Times are written as for payctl stuck. It reads and changes nothing, and holds no
personal data but order numbers.`,
		Example: `  payctl incident report kaspi-main --from 14:05 --to 15:00
  payctl incident report --from "2026-11-24 14:05" --to "2026-11-24 15:00" --file incident.md`,
		RunE: func(cmd *cobra.Command, args []string) error {
			b := incidentBook{now: time.Now(), tenant: c.tenant}
			if from == "" {
				return usagef("--from is required: when it began, such as 14:05")
			}
			var err error
			if b.from, err = moment(from, b.now); err != nil {
				return usagef("--from %w", err)
			}
			if b.to = b.now; to != "" {
				if b.to, err = moment(to, b.now); err != nil {
					return usagef("--to %w", err)
				}
			}
			if b.to.After(b.now) {
				b.to = b.now
			}
			if !b.from.Before(b.to) || b.from.After(b.now) {
				return usagef("--from %s is not before --to %s, or is still to come", from, cmp.Or(to, "now"))
			}
			if len(args) == 1 {
				b.gateway = last(args[0])
			}
			if err := c.readIncident(cmd, &b); err != nil {
				return err
			}
			facts := b.facts()
			if file != "" {
				if err := written(file, func(out io.Writer) error { _, err := io.WriteString(out, facts.markdown()); return err }); err != nil {
					return err
				}
			}
			switch {
			case c.output == "json":
				encoder := json.NewEncoder(c.out)
				encoder.SetIndent("", "  ")
				return encoder.Encode(facts)
			case file != "":
				fmt.Fprintf(c.out, "%s is written.\n", file)
			default:
				fmt.Fprint(c.out, facts.markdown())
			}
			return nil
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&from, "from", "", "when it began, or somewhat earlier (required)")
	flags.StringVar(&to, "to", "", "when it was over, or somewhat later; now when empty")
	flags.StringVar(&file, "file", "", "write the report to this file, in place of showing it")
	return cmd
}

// readIncident reads all that a report is made of. It reads to the last page: a report that leaves
// payers out is worse than none.
func (c *client) readIncident(cmd *cobra.Command, b *incidentBook) error {
	ctx, cancel := c.call(cmd)
	defer cancel()
	if b.gateway != "" { // a misspelt name must not look like peace
		if _, err := c.gateway(ctx, b.gateway); err != nil {
			return err
		}
	}
	b.around = min(max(b.to.Sub(b.from), leastAround), mostAround)
	var err error
	if b.payments, err = c.touched(cmd, &payrouterv1.ListPaymentsRequest{PageSize: mostPerPage, CreateTimeAfter: timestamppb.New(b.from.Add(-b.around)),
		CreateTimeBefore: timestamppb.New(b.to.Add(b.around))}); err != nil {
		return err
	}
	b.sick = b.suspects()
	for _, gateway := range b.sick {
		// What was begun long before and is open still. What was decided meanwhile shows by its last change.
		older, err := c.touched(cmd, &payrouterv1.ListPaymentsRequest{PageSize: mostPerPage, Gateway: full("gateways", gateway),
			CreateTimeAfter: timestamppb.New(b.from.Add(-olderThan)), CreateTimeBefore: timestamppb.New(b.from.Add(-b.around))})
		if err != nil {
			return err
		}
		b.older = append(b.older, slices.DeleteFunc(older, func(p *payrouterv1.Payment) bool {
			return slices.ContainsFunc(b.older, func(o *payrouterv1.Payment) bool { return o.GetName() == p.GetName() })
		})...)
	}
	if err := c.readStories(cmd, b); err != nil {
		return err
	}
	if err := c.readOrders(cmd, b); err != nil {
		return err
	}
	return c.readFindings(cmd, b)
}

// readStories reads the facts of each payment that the incident may have touched.
func (c *client) readStories(cmd *cobra.Command, b *incidentBook) error {
	wanted := b.wanted()
	stories := make([]*payrouterv1.ExplainPaymentResponse, len(wanted))
	var done atomic.Int64
	told := time.Now()
	readers, reading := errgroup.WithContext(cmd.Context())
	readers.SetLimit(storiesAtOnce)
	for i, p := range wanted {
		if time.Since(told) > 2*time.Second {
			told = time.Now()
			fmt.Fprintf(cmd.ErrOrStderr(), "read %d of %d payments\n", done.Load(), len(wanted))
		}
		readers.Go(func() (err error) {
			ctx, cancel := context.WithTimeout(c.identify(reading), c.timeout)
			defer cancel()
			stories[i], err = c.operations().ExplainPayment(ctx, &payrouterv1.ExplainPaymentRequest{Name: p.GetName()})
			done.Add(1)
			return err
		})
	}
	if err := readers.Wait(); err != nil {
		return err
	}
	b.stories = stories
	return nil
}

// readOrders reads the orders that were in force, or given, around the incident.
func (c *client) readOrders(cmd *cobra.Command, b *incidentBook) error {
	request := &payrouterv1.ListOverridesRequest{Parent: full("gateways", cmp.Or(b.gateway, "-")), PageSize: 100}
	for {
		ctx, cancel := c.call(cmd)
		page, err := c.operations().ListOverrides(ctx, request)
		cancel()
		if err != nil {
			return err
		}
		for _, o := range page.GetOverrides() {
			if o.GetCreateTime().AsTime().Before(b.from.Add(-b.around - orderLife)) {
				return nil // newest first
			}
			b.orders = append(b.orders, o)
		}
		if request.PageToken = page.GetNextPageToken(); request.PageToken == "" {
			return nil
		}
	}
}

// readFindings reads what was found to be out of order since the incident began.
func (c *client) readFindings(cmd *cobra.Command, b *incidentBook) error {
	request := &payrouterv1.ListFindingsRequest{PageSize: mostPerPage, CreateTimeAfter: timestamppb.New(b.from)}
	if b.gateway != "" {
		request.Gateway = full("gateways", b.gateway)
	}
	touched := map[string]bool{}
	for _, s := range b.stories {
		touched[s.GetPayment().GetName()] = true
	}
	for {
		ctx, cancel := c.call(cmd)
		page, err := c.finance().ListFindings(ctx, request)
		cancel()
		if err != nil {
			return err
		}
		for _, f := range page.GetFindings() {
			if touched[f.GetPayment()] || f.GetCreateTime().AsTime().Before(b.to) && !strings.HasPrefix(f.GetKind(), "line_") {
				b.findings = append(b.findings, f)
			}
		}
		if request.PageToken = page.GetNextPageToken(); request.PageToken == "" {
			return nil
		}
	}
}
