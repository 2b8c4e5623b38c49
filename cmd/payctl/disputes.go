package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	payrouterv1 "github.com/payrouter/payrouter/proto/payrouter/v1"
)

func (c *client) disputes() payrouterv1.DisputesClient {
	return payrouterv1.NewDisputesClient(c.conn)
}

func (c *client) disputeCommand() *cobra.Command {
	cmd := group("dispute", "Record what a bank contests, answer it in time, and prove it",
		c.disputeRecordCommand(), c.disputeListCommand(), c.disputeShowCommand(), c.disputeTakeCommand(), c.disputeAnswerCommand(), c.disputeCloseCommand(),
		c.disputeEvidenceCommand())
	cmd.Long = `Looks after disputes: chargebacks, claims and banks' inquiries about a payment. Kaspi asks
that each is answered within 24 hours of being raised. The usual way:

  payctl dispute record PAYMENT --kind chargeback --case-number 81   as soon as it is heard of
  payctl dispute take DISPUTE                                        who answers it
  payctl dispute evidence DISPUTE                                    what the books know, as a ZIP
  payctl dispute answer DISPUTE --answer "delivered, evidence sent"  once the bank has the answer
  payctl dispute close DISPUTE --outcome won --reason TEXT           once the bank has decided

A dispute is a record and moves no money: a lost one leaves the payment as it is, and what
the bank takes back is found on its statement. No text here is a place for card data or names.`
	cmd.Aliases = []string{"disputes"}
	return cmd
}

// kindsOfDispute are the words after --kind, and so on for the others.
var (
	kindsOfDispute    = []string{"chargeback", "claim", "inquiry"}
	statesOfDispute   = []string{"open", "answered", "closed"}
	outcomesOfDispute = []string{"won", "lost", "withdrawn"}
)

// oneOf is the value of an enum that a word names.
func oneOf(flag, word, prefix string, values map[string]int32, words []string) (int32, error) {
	value := values[prefix+strings.ToUpper(word)]
	if value == 0 {
		return 0, usagef("--%s %s: there are %s and %s", flag, word, strings.Join(words[:len(words)-1], ", "), words[len(words)-1])
	}
	return value, nil
}

func (c *client) disputeRecordCommand() *cobra.Command {
	var kind, amount, currency, raised, id string
	var attempt int
	d := &payrouterv1.Dispute{}
	cmd := &cobra.Command{
		Use: "record PAYMENT --kind KIND", Short: "Write down that a payment is contested", Args: arguments(1, 1),
		Long: `Writes down that a bank or a payer contests a payment, and starts the clock of 24 hours: from
--open-time, or from now. It is about the attempt that holds the payment's money and all that
this took, or --attempt and --amount. A case number of a gateway can be recorded once.`,
		Example: `  payctl dispute record 019ac… --kind chargeback --case-number 81 --open-time 2026-11-24T09:30:00+05:00
  payctl dispute record 019ac… --kind claim --amount 500 --detail "one book of three did not arrive"`,
		RunE: func(cmd *cobra.Command, args []string) error {
			d.Payment = full("payments", args[0])
			value, err := oneOf("kind", kind, "KIND_", payrouterv1.Dispute_Kind_value, kindsOfDispute)
			if err != nil {
				return err
			}
			d.Kind = payrouterv1.Dispute_Kind(value)
			if attempt != 0 {
				d.Attempt = d.GetPayment() + "/attempts/" + strconv.Itoa(attempt)
			}
			if amount != "" {
				if d.Amount, err = parseMoney(amount, currency); err != nil {
					return err
				}
			}
			if d.OpenTime, err = parseMoment("--open-time", raised); err != nil {
				return err
			}
			ctx, cancel := c.call(cmd)
			defer cancel()
			out, err := c.disputes().RecordDispute(ctx, &payrouterv1.RecordDisputeRequest{Dispute: d, RequestId: c.once(id)})
			if err != nil {
				return err
			}
			return c.show(out, func() { c.printDispute(out) })
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&kind, "kind", "", "chargeback, claim or inquiry (required)")
	flags.StringVar(&d.CaseNumber, "case-number", "", "the bank's number of the case; may be added later with take")
	flags.IntVar(&attempt, "attempt", 0, "the attempt it is about; the one that holds the money when 0")
	flags.StringVar(&amount, "amount", "", "less than all that the attempt took")
	flags.StringVar(&currency, "currency", "KZT", "of --amount")
	flags.StringVar(&d.Detail, "detail", "", "what is contested, in short; no card data, no names")
	flags.StringVar(&raised, "open-time", "", "when it was raised, such as 2026-11-24T09:30:00+05:00; now when empty")
	flags.StringVar(&d.Owner, "owner", "", "who looks after it")
	flags.StringVar(&id, "request-id", "", "UUID of this dispute; a new one when empty")
	return cmd
}

// parseMoment reads an instant that is over. It is nothing for no text.
func parseMoment(flag, text string) (*timestamppb.Timestamp, error) {
	if text == "" {
		return nil, nil
	}
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return nil, usagef("%s %s: write a time with its zone, such as 2026-11-24T09:30:00+05:00", flag, text)
	}
	return timestamppb.New(t), nil
}

func (c *client) disputeListCommand() *cobra.Command {
	var gateway, payment, state string
	var since time.Duration
	var limit int32
	request := &payrouterv1.ListDisputesRequest{}
	cmd := &cobra.Command{
		Use: "list", Short: "List disputes, those recorded last first", Args: arguments(0, 0),
		Example: `  payctl dispute list --state open
  payctl dispute list --overdue --gateway kaspi-main`,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if err := checkLimit(limit); err != nil {
				return err
			}
			request.PageSize = limit
			if state != "" {
				value, err := oneOf("state", state, "STATE_", payrouterv1.Dispute_State_value, statesOfDispute)
				if err != nil {
					return err
				}
				request.State = payrouterv1.Dispute_State(value)
			}
			if gateway != "" {
				request.Gateway = full("gateways", gateway)
			}
			if payment != "" {
				request.Payment = full("payments", payment)
			}
			if request.CreateTimeAfter, err = ago(cmd, since); err != nil {
				return err
			}
			ctx, cancel := c.call(cmd)
			defer cancel()
			found, err := c.disputes().ListDisputes(ctx, request)
			if err != nil {
				return err
			}
			return c.show(found, func() { c.printDisputes(found) })
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&gateway, "gateway", "", "only of this gateway")
	flags.StringVar(&payment, "payment", "", "only about this payment")
	flags.StringVar(&state, "state", "", "only those that are open, answered or closed")
	flags.BoolVar(&request.OverdueOnly, "overdue", false, "only those whose 24 hours are over without an answer")
	flags.StringVar(&request.Owner, "owner", "", "only those that this person looks after")
	flags.DurationVar(&since, "since", 0, "only recorded within this time, for example 48h")
	flags.Int32Var(&limit, "limit", 50, "how many at most, up to 1000")
	return cmd
}

func (c *client) disputeShowCommand() *cobra.Command {
	return &cobra.Command{
		Use: "show DISPUTE", Short: "Show a dispute", Args: arguments(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx, cancel := c.call(cmd)
			defer cancel()
			d, err := c.disputes().GetDispute(ctx, &payrouterv1.GetDisputeRequest{Name: full("disputes", args[0])})
			if err != nil {
				return err
			}
			return c.show(d, func() { c.printDispute(d) })
		},
	}
}

func (c *client) disputeTakeCommand() *cobra.Command {
	wanted := &payrouterv1.Dispute{}
	cmd := &cobra.Command{
		Use: "take DISPUTE", Short: "Say who looks after a dispute: you, or --owner", Args: arguments(1, 1),
		Long: `Says who looks after a dispute, so that nobody waits for somebody else: you, or --owner. What
is known goes into --note, which stays in the house, and the bank's number of the case into
--case-number once it is known.`,
		Example: `  payctl dispute take 019ac… --note "delivery note asked for"
  payctl dispute take 019ac… --owner bolat --case-number 81`,
		RunE: func(cmd *cobra.Command, args []string) error {
			mask := &fieldmaskpb.FieldMask{Paths: []string{"owner"}}
			if !cmd.Flags().Changed("owner") {
				if !c.named {
					return usagef("--owner is required: only the service knows the name in your %s", c.proof.shown())
				}
				wanted.Owner = c.operator
			}
			for flag, field := range map[string]string{"note": "note", "case-number": "case_number"} {
				if cmd.Flags().Changed(flag) {
					mask.Paths = append(mask.Paths, field)
				}
			}
			return c.changeDispute(cmd, args[0], func(before *payrouterv1.Dispute) (*payrouterv1.Dispute, error) {
				ctx, cancel := c.call(cmd)
				defer cancel()
				wanted.Name, wanted.Etag = before.GetName(), before.GetEtag()
				return c.disputes().UpdateDispute(ctx, &payrouterv1.UpdateDisputeRequest{Dispute: wanted, UpdateMask: mask})
			})
		},
	}
	cmd.Flags().StringVar(&wanted.Owner, "owner", "", "somebody else who looks after it")
	cmd.Flags().StringVar(&wanted.Note, "note", "", "what is known; no card data, no names")
	cmd.Flags().StringVar(&wanted.CaseNumber, "case-number", "", "the bank's number of the case")
	return cmd
}

func (c *client) disputeAnswerCommand() *cobra.Command {
	var answer, at string
	cmd := &cobra.Command{
		Use: "answer DISPUTE --answer TEXT", Short: "Write down what the bank was answered, and stop the clock", Args: arguments(1, 1),
		Long: `Writes down what the bank was answered, and stops the clock. It sends nothing: answer in the
bank's own cabinet first, and say here what and, unless it was just now, when.`,
		Example: `  payctl dispute answer 019ac… --answer "goods handed over, evidence sent as case 81"`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if answer == "" {
				return usagef("--answer is required: what was the bank told?")
			}
			moment, err := parseMoment("--answer-time", at)
			if err != nil {
				return err
			}
			return c.changeDispute(cmd, args[0], func(before *payrouterv1.Dispute) (*payrouterv1.Dispute, error) {
				ctx, cancel := c.call(cmd)
				defer cancel()
				return c.disputes().AnswerDispute(ctx, &payrouterv1.AnswerDisputeRequest{Name: before.GetName(), Answer: answer, AnswerTime: moment, Etag: before.GetEtag()})
			})
		},
	}
	cmd.Flags().StringVar(&answer, "answer", "", "what was answered; no card data, no names (required)")
	cmd.Flags().StringVar(&at, "answer-time", "", "when it was, such as 2026-11-24T17:00:00+05:00; now when empty")
	return cmd
}

func (c *client) disputeCloseCommand() *cobra.Command {
	var outcome, reason string
	cmd := &cobra.Command{
		Use: "close DISPUTE --outcome OUTCOME --reason TEXT", Short: "Write down how a dispute ended", Args: arguments(1, 1),
		Long: `Writes down how a dispute ended: won, lost, or withdrawn by whoever raised it. The payment
stays as it is, also when the dispute is lost: what the bank took back is on its statement,
and payctl findings shows where that differs from our books.`,
		Example: `  payctl dispute close 019ac… --outcome won --reason "the bank agrees, letter of 26 Nov"`,
		RunE: func(cmd *cobra.Command, args []string) error {
			value, err := oneOf("outcome", outcome, "OUTCOME_", payrouterv1.Dispute_Outcome_value, outcomesOfDispute)
			if err != nil {
				return err
			}
			if reason == "" {
				return usagef("--reason is required: it is what your colleagues read")
			}
			return c.changeDispute(cmd, args[0], func(before *payrouterv1.Dispute) (*payrouterv1.Dispute, error) {
				ctx, cancel := c.call(cmd)
				defer cancel()
				return c.disputes().CloseDispute(ctx, &payrouterv1.CloseDisputeRequest{Name: before.GetName(), Outcome: payrouterv1.Dispute_Outcome(value),
					Reason: reason, Etag: before.GetEtag()})
			})
		},
	}
	cmd.Flags().StringVar(&outcome, "outcome", "", "won, lost or withdrawn (required)")
	cmd.Flags().StringVar(&reason, "reason", "", "why, for the record (required)")
	return cmd
}

// changeDispute reads a dispute, changes what was read, and shows it.
func (c *client) changeDispute(cmd *cobra.Command, id string, change func(*payrouterv1.Dispute) (*payrouterv1.Dispute, error)) error {
	ctx, cancel := c.call(cmd)
	defer cancel()
	before, err := c.disputes().GetDispute(ctx, &payrouterv1.GetDisputeRequest{Name: full("disputes", id)})
	if err != nil {
		return err
	}
	after, err := change(before)
	if err != nil {
		return err
	}
	return c.show(after, func() { c.printDispute(after) })
}

func (c *client) printDisputes(found *payrouterv1.ListDisputesResponse) {
	if len(found.GetDisputes()) == 0 {
		fmt.Fprintln(c.out, "There are no such disputes.")
		return
	}
	t := c.grid("RAISED", "GATEWAY", "KIND", "CASE", "AMOUNT", "STATE", "ANSWER", "OWNER", "DISPUTE")
	for _, d := range found.GetDisputes() {
		t.row(when(d.GetOpenTime()), last(d.GetGateway()), word(d.GetKind().String(), "KIND_"), d.GetCaseNumber(), money(d.GetAmount()), disputeState(d),
			answerClock(d, time.Now()), d.GetOwner(), last(d.GetName()))
	}
	t.render()
	c.printMore(found.GetNextPageToken())
}

func disputeState(d *payrouterv1.Dispute) string {
	return and(word(d.GetState().String(), "STATE_"), word(d.GetOutcome().String(), "OUTCOME_"))
}

// answerClock says how the answer and its time stand.
func answerClock(d *payrouterv1.Dispute, now time.Time) string {
	due := d.GetAnswerDueTime().AsTime()
	switch answered := d.GetAnswerTime(); {
	case answered != nil && answered.AsTime().After(due):
		return "given late"
	case answered != nil:
		return "given in time"
	case d.GetState() == payrouterv1.Dispute_STATE_CLOSED:
		return "never given"
	case now.After(due):
		return "OVERDUE by " + now.Sub(due).Truncate(time.Minute).String()
	}
	return "due in " + due.Sub(now).Truncate(time.Minute).String()
}

func (c *client) printDispute(d *payrouterv1.Dispute) {
	t := c.grid()
	row := func(name, value string) {
		if value != "" {
			t.row(name, value)
		}
	}
	row("dispute", d.GetName())
	row("kind", word(d.GetKind().String(), "KIND_"))
	row("case number", d.GetCaseNumber())
	row("state", disputeState(d))
	row("payment", d.GetPayment())
	row("attempt", last(d.GetAttempt())+" at "+last(d.GetGateway()))
	row("amount", money(d.GetAmount()))
	row("detail", d.GetDetail())
	row("raised", when(d.GetOpenTime()))
	row("answer due", when(d.GetAnswerDueTime())+", "+answerClock(d, time.Now()))
	row("answered", and(when(d.GetAnswerTime()), d.GetAnswer()))
	row("answered by", person(d.GetAnsweredBy()))
	row("owner", d.GetOwner())
	row("note", d.GetNote())
	row("recorded", and(when(d.GetCreateTime()), person(d.GetActor())))
	row("closed", and(when(d.GetCloseTime()), d.GetCloseReason()))
	row("closed by", person(d.GetClosedBy()))
	row("etag", d.GetEtag())
	t.render()
}
