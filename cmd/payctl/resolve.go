package main

import (
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	payrouterv1 "github.com/payrouter/payrouter/proto/payrouter/v1"
)

func (c *client) resolveCommand() *cobra.Command {
	var verdict, reason, etag string
	var yes bool
	cmd := &cobra.Command{
		Use:   "resolve PAYMENT/ATTEMPT --verdict VERDICT --reason TEXT",
		Short: "Record your word about an attempt that nothing else can decide",
		Long: `Your word counts as evidence, so a wrong one can charge a payer twice: look at the
provider's cabinet first.

  charged      the whole amount was taken
  held         the whole amount is authorised and not captured
  declined     nothing was taken, and no other gateway is tried
  not-charged  nothing was taken, and nothing can be any more: another gateway may be tried

"declined" and "not-charged" need a second person: the first word is recorded (and the exit
status is 1), and a colleague who has looked too gives the same command under their name.
They are shown what was said and what is at stake, and asked.
With --etag nothing is recorded if the payment has changed since you read it.`,
		Example: `  payctl resolve 019ac…/1 --verdict charged --reason "cabinet shows it, 14:06"
  payctl resolve payments/019ac…/attempts/1 --verdict not-charged --reason "not in the cabinet, statement of 3 July"`,
		Args: arguments(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			v, ok := payrouterv1.ResolveAttemptRequest_Verdict_value["VERDICT_"+strings.ToUpper(strings.ReplaceAll(verdict, "-", "_"))]
			switch {
			case verdict == "":
				return usagef("--verdict is required: charged, held, declined or not-charged")
			case !ok || v == 0:
				return usagef("--verdict %s: there are charged, held, declined and not-charged", verdict)
			case reason == "":
				return usagef("--reason is required: where you looked, and what you saw")
			}
			id, attempt, ok := strings.Cut(strings.TrimPrefix(args[0], "payments/"), "/")
			if !ok {
				return usagef("%s: name the attempt, for example 019ac…/1", args[0])
			}
			name := full("payments", id) + "/attempts/" + strings.TrimPrefix(attempt, "attempts/")
			sparing := map[payrouterv1.ResolveAttemptRequest_Verdict]payrouterv1.Verdict{
				payrouterv1.ResolveAttemptRequest_VERDICT_NOT_CHARGED: payrouterv1.Verdict_VERDICT_UNSERVED,
				payrouterv1.ResolveAttemptRequest_VERDICT_DECLINED:    payrouterv1.Verdict_VERDICT_DECLINED,
			}[payrouterv1.ResolveAttemptRequest_Verdict(v)]
			if sparing != payrouterv1.Verdict_VERDICT_UNSPECIFIED && !yes {
				if err := c.secondWord(cmd, full("payments", id), name, sparing); err != nil {
					return err
				}
			}
			ctx, cancel := c.call(cmd)
			defer cancel()
			if etag == "" {
				p, err := c.payments().GetPayment(ctx, &payrouterv1.GetPaymentRequest{Name: full("payments", id)})
				if err != nil {
					return err
				}
				etag = p.GetEtag()
			} else if _, err := strconv.Atoi(etag); err == nil { // a shell eats the quotes
				etag = strconv.Quote(etag)
			}
			p, err := c.operations().ResolveAttempt(ctx, &payrouterv1.ResolveAttemptRequest{
				Name: name, Verdict: payrouterv1.ResolveAttemptRequest_Verdict(v), Reason: reason, Etag: etag,
			})
			if err != nil {
				return err
			}
			return c.show(p, func() { c.printPayment(p) })
		},
	}
	cmd.Flags().StringVar(&verdict, "verdict", "", "charged, held, declined or not-charged (required)")
	cmd.Flags().StringVar(&reason, "reason", "", "where you looked, and what you saw (required)")
	cmd.Flags().StringVar(&etag, "etag", "", "the payment's etag as you read it; read anew when empty")
	cmd.Flags().BoolVar(&yes, "yes", false, "as the second person, say it without being asked")
	return cmd
}
