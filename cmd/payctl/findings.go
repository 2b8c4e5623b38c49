package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	payrouterv1 "github.com/payrouter/payrouter/proto/payrouter/v1"
)

func (c *client) findingsCommand() *cobra.Command {
	var gateway, payment, run string
	var all bool
	var since time.Duration
	var limit int32
	request := &payrouterv1.ListFindingsRequest{}
	cmd := &cobra.Command{
		Use: "findings", Short: "List what somebody has to look at, newest first", Args: arguments(0, 0),
		Long: `Lists what differs between a gateway's books and ours, and what a payment wants people to
know. Without --all only what is open. A finding that a later statement explains closes
itself and says so.`,
		Example: `  payctl findings
  payctl findings --gateway halyk-main --kind unknown_to_us
  payctl findings --payment 019ac… --all`,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if err := checkLimit(limit); err != nil {
				return err
			}
			request.PageSize = limit
			if !all {
				request.State = payrouterv1.Finding_STATE_OPEN
			}
			for _, f := range []struct {
				into              *string
				collection, given string
			}{{&request.Gateway, "gateways", gateway}, {&request.Payment, "payments", payment}, {&request.Reconciliation, "reconciliations", run}} {
				if f.given != "" {
					*f.into = full(f.collection, f.given)
				}
			}
			if request.CreateTimeAfter, err = ago(cmd, since); err != nil {
				return err
			}
			request.Kind = strings.NewReplacer(" ", "_", "-", "_").Replace(request.GetKind()) // as tables write it, too
			ctx, cancel := c.call(cmd)
			defer cancel()
			found, err := c.finance().ListFindings(ctx, request)
			if err != nil {
				return err
			}
			if request.GetKind() == "" || len(found.GetFindings()) > 0 || c.output != "table" {
				return c.show(found, func() { c.printFindings(found) })
			}
			return c.otherKinds(ctx, request)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&gateway, "gateway", "", "only of this gateway")
	flags.StringVar(&request.Kind, "kind", "", "only of this kind, for example unknown_to_us")
	flags.StringVar(&payment, "payment", "", "only about this payment")
	flags.StringVar(&request.Owner, "owner", "", "only those that this person looks after")
	flags.StringVar(&run, "run", "", "only those that this run saw first")
	flags.DurationVar(&since, "since", 0, "only found within this time, for example 48h")
	flags.BoolVar(&all, "all", false, "also those that are closed")
	flags.Int32Var(&limit, "limit", 50, "how many at most, up to 1000")
	return cmd
}

// otherKinds says that there is nothing of a kind, and what there is of others: "none" must
// not be the answer to a kind that is misspelt.
func (c *client) otherKinds(ctx context.Context, request *payrouterv1.ListFindingsRequest) error {
	asked := request.GetKind()
	request.Kind, request.PageSize = "", mostPerPage
	others, err := c.finance().ListFindings(ctx, request)
	if err != nil {
		return err
	}
	count := map[string]int{}
	for _, f := range others.GetFindings() {
		count[f.GetKind()]++
	}
	var said []string
	for _, kind := range slices.Sorted(maps.Keys(count)) {
		said = append(said, fmt.Sprintf("%s (%d)", plain(kind), count[kind]))
	}
	if len(said) == 0 {
		said = []string{"none"}
	}
	where := "Of other kinds"
	if others.GetNextPageToken() != "" {
		where = "Of other kinds, among the newest"
	}
	c.sentence("There are no such findings of the kind %s. %s: %s.", plain(asked), where, strings.Join(said, ", "))
	return nil
}

func (c *client) printFindings(found *payrouterv1.ListFindingsResponse) {
	if len(found.GetFindings()) == 0 {
		fmt.Fprintln(c.out, "There are no such findings.")
		return
	}
	t := c.grid("FOUND", "GATEWAY", "KIND", "OURS", "THEIRS", "STATE", "OWNER", "FINDING")
	for _, f := range found.GetFindings() {
		t.row(when(f.GetCreateTime()), last(f.GetGateway()), strings.ReplaceAll(f.GetKind(), "_", " "), money(f.GetOurAmount()), money(f.GetTheirAmount()),
			findingState(f), f.GetOwner(), findingID(f.GetName()))
	}
	t.render()
	c.printMore(found.GetNextPageToken())
}

// findingID is how people name a finding: without its collection, unless the rest would be
// read as a flag. It may hold anything.
func findingID(name string) string {
	if id := strings.TrimPrefix(name, "findings/"); !strings.HasPrefix(id, "-") {
		return id
	}
	return findingName(name)
}

func findingState(f *payrouterv1.Finding) string {
	if f.GetState() != payrouterv1.Finding_STATE_CLOSED {
		return word(f.GetState().String(), "STATE_")
	}
	return cmp.Or(map[payrouterv1.Finding_Resolution]string{
		payrouterv1.Finding_RESOLUTION_PERSON: "closed by " + person(f.GetClosedBy()),
	}[f.GetResolution()], word(f.GetResolution().String(), "RESOLUTION_"), "closed")
}

func (c *client) findingCommand() *cobra.Command {
	return group("finding", "Look after one finding",
		c.findingShowCommand(), c.findingNoteCommand(), c.findingEndCommand(true), c.findingEndCommand(false), c.findingAdoptCommand())
}

func (c *client) findingShowCommand() *cobra.Command {
	return &cobra.Command{
		Use: "show FINDING", Short: "Show a finding", Args: arguments(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx, cancel := c.call(cmd)
			defer cancel()
			f, err := c.finance().GetFinding(ctx, &payrouterv1.GetFindingRequest{Name: findingName(args[0])})
			if err != nil {
				return err
			}
			return c.show(f, func() { c.printFinding(f) })
		},
	}
}

// findingName completes an id, in which a slash means nothing.
func findingName(id string) string { return "findings/" + strings.TrimPrefix(id, "findings/") }

func (c *client) findingNoteCommand() *cobra.Command {
	var owner, note string
	cmd := &cobra.Command{
		Use: "note FINDING", Short: "Say who looks after a finding, and what they know", Args: arguments(1, 1),
		Example: `  payctl finding note 019ac….line_amount_differs.1.jqq4xedhvftxmujz --owner bolat --note "asked the bank, case 81"`,
		RunE: func(cmd *cobra.Command, args []string) error {
			mask := &fieldmaskpb.FieldMask{}
			for _, field := range []string{"owner", "note"} {
				if cmd.Flags().Changed(field) {
					mask.Paths = append(mask.Paths, field)
				}
			}
			if len(mask.GetPaths()) == 0 {
				return usagef("give --owner, --note or both")
			}
			return c.change(cmd, args[0], func(before *payrouterv1.Finding) (*payrouterv1.Finding, error) {
				ctx, cancel := c.call(cmd)
				defer cancel()
				return c.finance().UpdateFinding(ctx, &payrouterv1.UpdateFindingRequest{UpdateMask: mask,
					Finding: &payrouterv1.Finding{Name: before.GetName(), Etag: before.GetEtag(), Owner: owner, Note: note}})
			})
		},
	}
	cmd.Flags().StringVar(&owner, "owner", "", "who looks after it")
	cmd.Flags().StringVar(&note, "note", "", "what is known; no personal data")
	return cmd
}

var errNoReason = usagef("--reason is required: it is what your colleagues read")

// findingEndCommand makes the command that closes a finding, or opens it again.
func (c *client) findingEndCommand(closes bool) *cobra.Command {
	cmd := &cobra.Command{
		Use: "reopen FINDING --reason TEXT", Short: "Open a finding again", Args: arguments(1, 1),
	}
	if closes {
		cmd.Use, cmd.Short = "close FINDING --reason TEXT", "Close a finding by your word"
		cmd.Long = `Closes a finding by your word. It stays closed while both sides say the same; should the
gateway's books or ours say something else one day, it is open again.`
	}
	var reason string
	cmd.Flags().StringVar(&reason, "reason", "", "why, for the record (required)")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if reason == "" {
			return errNoReason
		}
		return c.change(cmd, args[0], func(before *payrouterv1.Finding) (*payrouterv1.Finding, error) {
			ctx, cancel := c.call(cmd)
			defer cancel()
			if closes {
				return c.finance().CloseFinding(ctx, &payrouterv1.CloseFindingRequest{Name: before.GetName(), Reason: reason, Etag: before.GetEtag()})
			}
			return c.finance().ReopenFinding(ctx, &payrouterv1.ReopenFindingRequest{Name: before.GetName(), Reason: reason, Etag: before.GetEtag()})
		})
	}
	return cmd
}

func (c *client) findingAdoptCommand() *cobra.Command {
	var order, reason string
	var refund bool
	cmd := &cobra.Command{
		Use: "adopt FINDING --reason TEXT", Short: "Make money that is nobody's a payment, and give it back with --refund", Args: arguments(1, 1),
		Long: `Makes money that a gateway has, and that no payment of ours knows, a payment of --tenant. The
payment begins with the money: nothing is charged. With --refund what is left of it is given
back at once; without, payctl payment refund can do so later.`,
		Example: `  payctl finding adopt findings/-.unknown_to_us.0.3ufh2fplmzy7umvy --order 4711 --reason "paid at the till"
  payctl finding adopt findings/-.unknown_to_us.0.3ufh2fplmzy7umvy --refund --reason "the payer asked, case 81"`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if reason == "" {
				return errNoReason
			}
			return c.change(cmd, args[0], func(before *payrouterv1.Finding) (*payrouterv1.Finding, error) {
				ctx, cancel := c.call(cmd)
				defer cancel()
				return c.finance().AdoptFinding(ctx, &payrouterv1.AdoptFindingRequest{Name: before.GetName(), Etag: before.GetEtag(), OrderId: order, Refund: refund, Reason: reason})
			})
		},
	}
	cmd.Flags().StringVar(&order, "order", "", "the merchant's order that the money is for")
	cmd.Flags().BoolVar(&refund, "refund", false, "give back what is left of it")
	cmd.Flags().StringVar(&reason, "reason", "", "why, for the record (required)")
	return cmd
}

// change reads a finding, changes what was read, and shows it.
func (c *client) change(cmd *cobra.Command, id string, change func(*payrouterv1.Finding) (*payrouterv1.Finding, error)) error {
	if id == "" {
		return usageError{errors.New("name the finding")}
	}
	ctx, cancel := c.call(cmd)
	defer cancel()
	before, err := c.finance().GetFinding(ctx, &payrouterv1.GetFindingRequest{Name: findingName(id)})
	if err != nil {
		return err
	}
	after, err := change(before)
	if err != nil {
		return err
	}
	return c.show(after, func() { c.printFinding(after) })
}

func (c *client) printFinding(f *payrouterv1.Finding) {
	t := c.grid()
	row := func(name, value string) {
		if value != "" {
			t.row(name, value)
		}
	}
	row("finding", f.GetName())
	row("kind", f.GetKind())
	row("detail", f.GetDetail())
	row("state", findingState(f))
	row("gateway", last(f.GetGateway()))
	row("payment", f.GetPayment())
	row("attempt", last(f.GetAttempt()))
	row("ours", money(f.GetOurAmount()))
	row("theirs", money(f.GetTheirAmount()))
	row("their order", f.GetOrder())
	row("their id", f.GetExternalId())
	row("found", when(f.GetCreateTime()))
	row("on the statement of", f.GetDay())
	row("by run", last(f.GetReconciliation()))
	row("adopted as", f.GetAdoptedPayment())
	row("owner", f.GetOwner())
	row("note", f.GetNote())
	row("closed", and(when(f.GetCloseTime()), f.GetCloseReason()))
	row("etag", f.GetEtag())
	t.render()
}
