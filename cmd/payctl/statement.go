package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/grpc"

	"github.com/payrouter/payrouter/cmd/internal/paper"
	payrouterv1 "github.com/payrouter/payrouter/proto/payrouter/v1"
	"github.com/payrouter/payrouter/providers"
)

// papers are the forms of a statement, by the word after --format.
var papers = map[string]func(io.Writer, paper.Statement, paper.Language) error{"csv": paper.WriteCSV, "xlsx": paper.WriteXLSX, "pdf": paper.WritePDF}

func (c *client) statementCommand() *cobra.Command {
	var month, format, language, merchant, account, path string
	request := &payrouterv1.StreamStatementRequest{}
	cmd := &cobra.Command{
		Use: "statement GATEWAY --month MONTH", Short: "Write what a gateway's own books say, for finance and for a bank", Args: arguments(1, 1),
		Long: `Writes what a gateway's own books say of a month, or of other days: every movement, fees,
what is paid out, and totals. It tells of what has been read (payctl reconcile list); days
that are missing are named, and with --allow-missing-days printed on the document. In
Russian, Kazakh or English; fees that the provider did not tell are by the contract, and
marked.`,
		Example: `  payctl statement halyk-main --month 2026-10 --format pdf --language kk --merchant "ТОО Qazaq Books"
  payctl statement halyk-main --from 2026-10-01 --to 2026-10-15 --format csv --out -`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := days(request, month); err != nil {
				return err
			}
			write, ok := papers[format]
			if !ok {
				return usagef("--format %s: there are csv, xlsx and pdf", format)
			}
			request.Gateway = full("gateways", args[0])
			if path == "" {
				path = fmt.Sprintf("%s-%s-%s.%s", last(request.GetGateway()), request.GetFromDay(), request.GetToDay(), format)
			}
			stream, err := c.finance().StreamStatement(c.identify(cmd.Context()), request)
			if err != nil {
				return err
			}
			first, err := stream.Recv()
			if err != nil {
				return err
			}
			s := statementOf(first.GetHead(), stream)
			s.Head.Merchant, s.Head.Account = merchant, account
			if path == "-" {
				return write(c.out, s, paper.Language(language))
			}
			if err := written(path, func(to io.Writer) error { return write(to, s, paper.Language(language)) }); err != nil {
				return err
			}
			return c.show(first.GetHead(), func() { c.printStatement(path, first.GetHead()) })
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&month, "month", "", "the month, such as 2026-10")
	flags.StringVar(&request.FromDay, "from", "", "the first business day, in place of a month")
	flags.StringVar(&request.ToDay, "to", "", "the last one")
	flags.StringVar(&format, "format", "xlsx", "csv, xlsx or pdf")
	flags.StringVar(&language, "language", "ru", "ru, kk or en")
	flags.StringVar(&merchant, "merchant", "", "the legal entity, as the document names it")
	flags.StringVar(&account, "account", "", "its account at the provider, as the document names it")
	flags.StringVar(&path, "out", "", "the file; - is the output; named after gateway and days when empty")
	flags.BoolVar(&request.AllowMissingDays, "allow-missing-days", false, "write it although days are missing, and name them on it")
	return cmd
}

// days fills in the days that a person named.
func days(request *payrouterv1.StreamStatementRequest, month string) error {
	if month != "" {
		first, err := time.Parse("2006-01", month)
		if err != nil || request.GetFromDay() != "" || request.GetToDay() != "" {
			return usagef("--month %s: write a month as 2026-10, without --from and --to", month)
		}
		request.FromDay, request.ToDay = first.Format(time.DateOnly), first.AddDate(0, 1, -1).Format(time.DateOnly)
	}
	if request.GetFromDay() == "" || request.GetToDay() == "" {
		return usagef("--month, or --from and --to, are required")
	}
	if err := errors.Join(checkDay("--from", request.GetFromDay()), checkDay("--to", request.GetToDay())); err != nil {
		return usageError{err}
	}
	return nil
}

// written writes a file that is there whole or not at all.
func written(path string, write func(io.Writer) error) (err error) {
	file, err := os.CreateTemp(filepath.Dir(path), ".payctl-*") // beside it: a file is not renamed from disk to disk
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(file.Name())
		}
	}()
	out := bufio.NewWriter(file)
	if err := errors.Join(write(out), out.Flush(), file.Chmod(0o644), file.Close()); err != nil {
		return err
	}
	return os.Rename(file.Name(), path)
}

func statementOf(head *payrouterv1.StreamStatementResponse_Head, stream grpc.ServerStreamingClient[payrouterv1.StreamStatementResponse]) paper.Statement {
	s := paper.Statement{Head: paper.Head{Gateway: last(head.GetGateway()), Provider: head.GetProvider(), From: head.GetFromDay(), To: head.GetToDay(), Zone: head.GetTimeZone(),
		Missing: head.GetMissingDays(), Created: head.GetCreateTime().AsTime()}, Rows: rowsOf(stream)}
	for _, t := range head.GetTotals() {
		of := func(minor int64) providers.Money { return providers.Money{Minor: minor, Currency: t.GetCurrencyCode()} }
		s.Totals = append(s.Totals, paper.Total{Currency: t.GetCurrencyCode(), Charges: paper.Sum{Number: t.GetCharges(), Amount: of(t.GetChargedMinorUnits())},
			Refunds: paper.Sum{Number: t.GetRefunds(), Amount: of(t.GetRefundedMinorUnits())}, Fees: of(t.GetFeesMinorUnits()), FeesExpected: of(t.GetFeesExpectedMinorUnits()),
			Net: of(t.GetNetMinorUnits()), Open: t.GetOpenFindings()})
	}
	return s
}

// rowsOf are the movements of a stream, as they come.
func rowsOf(stream grpc.ServerStreamingClient[payrouterv1.StreamStatementResponse]) iter.Seq2[paper.Row, error] {
	return func(yield func(paper.Row, error) bool) {
		for {
			part, err := stream.Recv()
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				yield(paper.Row{}, err)
				return
			}
			for _, r := range part.GetRows().GetRows() {
				if !yield(rowOf(r), nil) {
					return
				}
			}
		}
	}
}

func rowOf(r *payrouterv1.StreamStatementResponse_Row) paper.Row {
	of := func(m *payrouterv1.Money) providers.Money {
		return providers.Money{Minor: m.GetMinorUnits(), Currency: m.GetCurrencyCode()}
	}
	row := paper.Row{Time: r.GetTime().AsTime(), Day: r.GetDay(), Kind: providers.LineKind(r.GetKind()), Order: r.GetOrderId(), Reference: r.GetReference(), External: r.GetExternalId(),
		Amount: of(r.GetAmount()), Fee: of(r.GetFee()), FeeExpected: r.GetFeeExpected(), Net: of(r.GetNet()), State: "paid"}
	if r.GetKind() == string(providers.LineRefund) {
		row.State = "refunded"
	}
	if t := r.GetSettleTime(); t != nil {
		row.Payout = t.AsTime()
	}
	return row
}

func (c *client) printStatement(path string, head *payrouterv1.StreamStatementResponse_Head) {
	fmt.Fprintf(c.out, "%s: %s of %s to %s\n", path, last(head.GetGateway()), head.GetFromDay(), head.GetToDay())
	if missing := head.GetMissingDays(); len(missing) > 0 {
		fmt.Fprintf(c.out, "Missing, and named on it: %s\n", spans(missing))
	}
	t := c.grid("CURRENCY", "CHARGES", "CHARGED", "REFUNDS", "REFUNDED", "FEES", "NET", "OPEN FINDINGS")
	for _, s := range head.GetTotals() {
		of := func(minor int64) string {
			return money(&payrouterv1.Money{MinorUnits: minor, CurrencyCode: s.GetCurrencyCode()})
		}
		t.row(s.GetCurrencyCode(), count(s.GetCharges()), of(s.GetChargedMinorUnits()), count(s.GetRefunds()), of(s.GetRefundedMinorUnits()), of(s.GetFeesMinorUnits()),
			of(s.GetNetMinorUnits()), count(s.GetOpenFindings()))
	}
	t.render()
}
