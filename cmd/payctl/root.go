package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/user"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"
	"google.golang.org/grpc"

	"github.com/payrouter/payrouter/cmd/internal/paper"
	payrouterv1 "github.com/payrouter/payrouter/proto/payrouter/v1"
)

// The exit statuses. A decline is an answer and no refusal: it exits with done.
const (
	exitDone        = 0
	exitRefused     = 1 // refused by the service, or the service was not reached
	exitUsage       = 2 // a mistake at the command line: nothing was sent
	exitNotMet      = 3 // a checklist was printed, and something on it is not met; or the audit is broken
	exitInterrupted = 130
)

// client is what every command needs: the connection, who asks, and where to print.
type client struct {
	address, tenant, operator, output string
	timeout                           time.Duration
	proof                             proof
	named                             bool // the operator's name is sent

	out           io.Writer
	width, height int // of the terminal; 0 when out is none
	conn          *grpc.ClientConn
	// repeat are the flags that make a repetition of this command the same wish.
	repeat string
}

// execute runs one command line and returns the exit status.
func execute(ctx context.Context, args []string, out, errs io.Writer) int {
	c := &client{out: out}
	c.width, c.height = terminalSize(out)
	root := c.root(errs)
	root.SetArgs(append([]string{}, args...)) // for nil, cobra takes the arguments of this process
	cmd, err := root.ExecuteContextC(ctx)
	understood := c.conn != nil // cobra refuses a command line before it connects
	if understood {
		_ = c.conn.Close()
	}
	if err == nil {
		return exitDone
	}
	if errors.Is(err, errNotMet) {
		return exitNotMet // what was printed says it
	}
	if text := c.explain(ctx, cmd, err); text != "" {
		fmt.Fprintln(errs, text)
	}
	mistake := usageError{}
	switch {
	case !understood, errors.As(err, &mistake):
		return exitUsage
	case ctx.Err() != nil:
		return exitInterrupted
	}
	return exitRefused
}

func (c *client) root(errs io.Writer) *cobra.Command {
	root := group("payctl", "See, steer and explain payments",
		c.paymentCommand(), c.gatewaysCommand(), c.failoverCommand(), c.rehearseCommand(), c.drainCommand(), c.admitCommand(), c.observeCommand(), c.restoreCommand(), c.reconciledCommand(),
		c.overridesCommand(), c.stuckCommand(), c.incidentCommand(), c.resolveCommand(), c.explainCommand(), c.reconcileCommand(), c.findingsCommand(), c.findingCommand(), c.disputeCommand(), c.statementCommand(), c.kaspiCommand(), c.instrumentsCommand(), c.auditCommand(), c.licencesCommand())
	root.Long = `payctl is payrouter for people: see, steer and explain payments.

Who you are is recorded with everything you change. It comes from --as or PAYROUTER_OPERATOR where
the service is on this machine and believes it; elsewhere --ca with --cert and --key, or with
--token-file, prove it.
Tables are for people and may change; -o json prints the API's own messages, errors included.

Exit status: 0 done (a decline is an answer), 1 refused or not reached, 2 a mistake at the
command line, 3 something on a checklist is not met, or the audit is broken, 130 interrupted.
docs/payctl.md says what each means for the money, and "payctl completion --help" how a shell
completes names.`
	root.Example = `  payctl gateways
  payctl payment list --at-risk
  payctl explain 019ac…
  payctl findings
  payctl dispute list --overdue
  payctl failover kaspi-main --to halyk-main --for 30m --reason "bank reports an outage"
  payctl payment create --amount 15490 --method qr,page --order 4711`
	root.SilenceErrors, root.SilenceUsage, root.Version = true, true, version
	flags := root.PersistentFlags()
	root.PersistentPreRunE = func(cmd *cobra.Command, _ []string) error {
		if strings.HasPrefix(cmd.Name(), cobra.ShellCompRequestCmd) || cmd.HasParent() && cmd.Parent().Name() == "completion" {
			return nil // names connect by themselves, and a shell's script needs no connection
		}
		return c.connect(flags.Changed("as"))
	}
	flags.StringVar(&c.address, "address", cmp.Or(os.Getenv("PAYROUTER_ADDRESS"), "127.0.0.1:7070"), "the service's gRPC address (PAYROUTER_ADDRESS)")
	flags.StringVar(&c.tenant, "tenant", os.Getenv("PAYROUTER_TENANT"), "whose money; the service's default tenant when empty (PAYROUTER_TENANT)")
	flags.StringVar(&c.operator, "as", cmp.Or(os.Getenv("PAYROUTER_OPERATOR"), login()), "your name in the records; left to your certificate or token, if you show one and say nothing (PAYROUTER_OPERATOR)")
	c.proof.addFlags(flags)
	flags.StringVarP(&c.output, "output", "o", "table", "table or json")
	flags.DurationVar(&c.timeout, "timeout", 20*time.Second, "how long to wait for an answer; a payment goes on without you")
	root.SetOut(c.out)
	root.SetErr(errs)
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	root.SetHelpCommand(helpCommand())
	c.complete(root)
	_ = root.RegisterFlagCompletionFunc("output", fixed("table", "json"))
	return root
}

func (c *client) payments() payrouterv1.PaymentsClient {
	return payrouterv1.NewPaymentsClient(c.conn)
}

func (c *client) operations() payrouterv1.OperationsClient {
	return payrouterv1.NewOperationsClient(c.conn)
}

// call gives a command's context its deadline.
func (c *client) call(cmd *cobra.Command) (context.Context, context.CancelFunc) {
	return context.WithTimeout(c.identify(cmd.Context()), c.timeout)
}

// once is the key of a wish, a new one when the person gave none. It is kept for the
// error that must name it.
func (c *client) once(id string) string {
	id = cmp.Or(id, uuid.NewString())
	c.repeat = "--request-id " + id
	return id
}

func login() string {
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return "unknown"
}

// group is a command that only has others below it.
func group(use, short string, commands ...*cobra.Command) *cobra.Command {
	cmd := &cobra.Command{
		Use: use, Short: short, Args: cobra.ArbitraryArgs, DisableFlagsInUseLine: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return cmd.Help()
			}
			return unknown(cmd, args[0])
		},
	}
	cmd.AddCommand(commands...)
	return cmd
}

// licencesCommand shows what must go with every copy of what is part of this program.
func (c *client) licencesCommand() *cobra.Command {
	return &cobra.Command{
		Use: "licences", Short: "Print the licences of the fonts that documents are set in", Args: arguments(0, 0),
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintln(c.out, paper.FontLicence)
			return err
		},
	}
}

// unknown is the error about a command that does not exist, with its nearest names.
func unknown(parent *cobra.Command, name string) error {
	hint := fmt.Sprintf("see %s --help", parent.CommandPath())
	parent.SuggestionsMinimumDistance = 2
	if near := parent.SuggestionsFor(name); len(near) > 0 {
		hint = "did you mean " + strings.Join(near, " or ") + "?"
	}
	return usagef("%s has no command %q: %s", parent.CommandPath(), name, hint)
}

// helpCommand is cobra's, but for a command that does not exist, which is a mistake.
func helpCommand() *cobra.Command {
	return &cobra.Command{
		Use: "help [COMMAND]", Short: "Explain a command", DisableFlagsInUseLine: true,
		PersistentPreRunE: func(*cobra.Command, []string) error { return nil }, // needs no connection
		RunE: func(cmd *cobra.Command, args []string) error {
			found, rest, err := cmd.Root().Find(args)
			if err != nil {
				return usageError{err}
			}
			if len(rest) > 0 {
				return unknown(found, rest[0])
			}
			found.InitDefaultHelpFlag()
			return found.Help()
		},
	}
}

// usageError is the person's mistake at the command line.
type usageError struct{ error }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// arguments asks for a number of them, with an error that shows how the command is used.
func arguments(least, most int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) < least || len(args) > most {
			return usagef("%d arguments are given; usage: %s", len(args), cmd.UseLine())
		}
		return nil
	}
}
