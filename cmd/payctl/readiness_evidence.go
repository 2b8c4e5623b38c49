package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/types/known/timestamppb"

	payrouterv1 "github.com/payrouter/payrouter/proto/payrouter/v1"
)

func (c *client) evidenceCommand() *cobra.Command {
	return group("evidence", "Record what books cannot show, and see what was recorded", c.evidenceRecordCommand(), c.evidenceListCommand())
}

func (c *client) evidenceRecordCommand() *cobra.Command {
	var gateway, shown, id string
	request := &payrouterv1.RecordEvidenceRequest{}
	cmd := &cobra.Command{
		Use: "record ITEM --reference TEXT --reason TEXT", Short: "Record that something was shown", Args: arguments(1, 1),
		Long: `Records under your name that a requirement was shown: when, and where it can be looked up. A
record stays. A mistake is followed by another record, and the newest counts. Items are
those of payctl kaspi readiness that the books cannot show by themselves.`,
		Example: `  payctl kaspi evidence record alerts --reference "case 81" --detail "KaspiDown fired within 40 s" --reason "quarterly test"
  payctl kaspi evidence record backup --shown 2026-11-20T14:00:00+05:00 --reference rehearsal.pdf --reason "rehearsal with the shop"`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if request.GetReference() == "" || request.GetReason() == "" {
				return usagef("--reference and --reason are required: they are what the bank and your colleagues read")
			}
			if shown != "" {
				at, err := time.Parse(time.RFC3339, shown)
				if err != nil {
					return usagef("--shown %s: write a time as 2026-11-20T14:00:00+05:00", shown)
				}
				request.ShownTime = timestamppb.New(at)
			}
			if gateway != "" {
				request.Gateway = full("gateways", gateway)
			}
			request.Item, request.RequestId = args[0], c.once(id)
			ctx, cancel := c.call(cmd)
			defer cancel()
			e, err := c.compliance().RecordEvidence(ctx, request)
			if err != nil {
				return err
			}
			return c.show(e, func() { c.printEvidence(e) })
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&gateway, "gateway", "", "the gateway; the only one at Kaspi when empty")
	flags.StringVar(&shown, "shown", "", "when it was shown, such as 2026-11-20T14:00:00+05:00; now when empty")
	flags.StringVar(&request.Reference, "reference", "", "where it can be looked up: a payment, a case, a file (required)")
	flags.StringVar(&request.Detail, "detail", "", "what was seen; no personal data")
	flags.StringVar(&request.Reason, "reason", "", "why, for the record (required)")
	flags.StringVar(&id, "request-id", "", "UUID of this record; a new one when empty")
	return cmd
}

func (c *client) printEvidence(e *payrouterv1.RecordedEvidence) {
	t := c.grid()
	row := func(name, value string) {
		if value != "" {
			t.row(name, value)
		}
	}
	row("evidence", e.GetName())
	row("gateway", last(e.GetGateway()))
	row("item", e.GetItem())
	row("shown", when(e.GetShownTime()))
	row("reference", e.GetReference())
	row("detail", e.GetDetail())
	row("recorded", and(when(e.GetCreateTime()), and(person(e.GetActor()), e.GetReason())))
	t.render()
}

func (c *client) evidenceListCommand() *cobra.Command {
	var gateway string
	var limit int32
	request := &payrouterv1.ListEvidenceRequest{}
	cmd := &cobra.Command{
		Use: "list [ITEM]", Short: "List what was recorded, newest first", Args: arguments(0, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkLimit(limit); err != nil {
				return err
			}
			request.PageSize = limit
			if gateway != "" {
				request.Gateway = full("gateways", gateway)
			}
			if len(args) == 1 {
				request.Item = args[0]
			}
			ctx, cancel := c.call(cmd)
			defer cancel()
			all, err := c.compliance().ListEvidence(ctx, request)
			if err != nil {
				return err
			}
			return c.show(all, func() {
				if len(all.GetEvidence()) == 0 {
					fmt.Fprintln(c.out, "Nothing was recorded.")
				}
				t := c.grid("RECORDED", "GATEWAY", "ITEM", "SHOWN", "BY", "REFERENCE")
				for _, e := range all.GetEvidence() {
					t.row(when(e.GetCreateTime()), last(e.GetGateway()), e.GetItem(), when(e.GetShownTime()), person(e.GetActor()), e.GetReference())
				}
				t.render()
				c.printMore(all.GetNextPageToken())
			})
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&gateway, "gateway", "", "only of this gateway")
	flags.Int32Var(&limit, "limit", 50, "how many at most, up to 1000")
	return cmd
}
