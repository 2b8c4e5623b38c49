// Command payrouter is the service: it takes payments through several gateways and
// keeps taking them while one is down.
package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"os"
	"os/signal"
	"os/user"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/payrouter/payrouter/cmd/internal/app"
	"github.com/payrouter/payrouter/router"
	"github.com/payrouter/payrouter/router/journal"
	"github.com/payrouter/payrouter/router/payment"
)

// version is set when the binary is built.
var version = "unknown"

func main() {
	// net/http writes surplus answers of a gateway to the standard logger, word for word:
	// payers and tokens may stand in them (I13). Our own log is slog's.
	log.SetOutput(io.Discard)
	os.Exit(run())
}

func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := root().ExecuteContext(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "payrouter:", err)
		return 1
	}
	return 0
}

func root() *cobra.Command {
	cmd := &cobra.Command{
		Use:           "payrouter",
		Short:         "A payment router with failover",
		Long:          "payrouter takes payments through several gateways, and through a backup while one is down.\nIt never charges a payer twice: what it does not know it looks up, and says so.",
		SilenceErrors: true,
		SilenceUsage:  true,
		Version:       version,
	}
	config := cmd.PersistentFlags().String("config", cmp.Or(os.Getenv("PAYROUTER_CONFIG"), "payrouter.yaml"), "configuration file (PAYROUTER_CONFIG)")
	cmd.AddCommand(
		&cobra.Command{
			Use: "serve", Short: "Serve until SIGTERM, then drain", Args: cobra.NoArgs,
			Long: "Serves gRPC, webhooks, and metrics. On SIGTERM it takes no new calls, lets those in flight\nfinish, and leaves what is undecided in the books for whoever starts next. On SIGHUP it reads the\nconfiguration again and takes up new credentials and identities, and nothing else.",
			RunE: func(cmd *cobra.Command, _ []string) error { return serve(cmd.Context(), *config) },
		},
		&cobra.Command{
			Use: "migrate", Short: "Bring the database's schema up to date", Args: cobra.NoArgs,
			RunE: func(cmd *cobra.Command, _ []string) error {
				if err := migrate(cmd.Context(), *config); err != nil {
					return err
				}
				_, err := fmt.Fprintln(cmd.OutOrStdout(), "The schema is up to date.")
				return err
			},
		},
		lostWindowCommand(config),
		retentionCommand(config),
		certificatesCommand(),
		&cobra.Command{
			Use: "check", Short: "Check the configuration file, and the files it names, and stop", Args: cobra.NoArgs,
			RunE: func(cmd *cobra.Command, _ []string) error {
				c, err := app.Load(*config)
				if err != nil {
					return err
				}
				if err := app.Check(c); err != nil {
					return fmt.Errorf("%s: %w", *config, err)
				}
				_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s is good (gateways: %d, tenants: %d)\n", *config, len(c.Gateways), len(c.Tenants))
				return err
			},
		},
		&cobra.Command{
			Use: "version", Short: "Print the version", Args: cobra.NoArgs,
			RunE: func(cmd *cobra.Command, _ []string) error {
				_, err := fmt.Fprintf(cmd.OutOrStdout(), "payrouter %s (commit %s, %s)\n", version, app.Commit(), runtime.Version())
				return err
			},
		},
	)
	return cmd
}

func serve(ctx context.Context, path string) error {
	// SIGHUP goes to all replicas at once, those among them that start or drain. By itself it
	// ends a process, and cuts off what is in flight: so it is ours to the very end.
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	c, err := app.Load(path)
	if err != nil {
		return err
	}
	log, err := app.NewLog(c.Log, os.Stderr)
	if err != nil {
		return err
	}
	service, err := app.New(ctx, c, app.Options{Version: version, Log: log})
	if err != nil {
		return err
	}
	go reload(ctx, hangups, path, service, log)
	return service.Run(ctx)
}

// reload takes up new credentials and identities at every hangup until ctx ends. Whoever drains
// takes up nothing new.
func reload(ctx context.Context, hangups <-chan os.Signal, path string, service *app.App, log *slog.Logger) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-hangups:
		}
		c, err := app.Load(path)
		if err == nil {
			err = service.Reload(c)
		}
		if err != nil {
			log.Error("the new configuration was not taken up; the old one stays in force", "error", err.Error())
		}
	}
}

func migrate(ctx context.Context, path string) (err error) {
	c, err := app.Load(path)
	if err != nil {
		return err
	}
	return onStore(c, func(store *journal.Store) error { return store.Migrate(ctx) })
}

// onStore opens the database for one errand.
func onStore(c app.Config, errand func(*journal.Store) error) (err error) {
	store, err := app.OpenStore(c, func(payment.Payment, time.Time) time.Time { return time.Time{} })
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	return errand(store)
}

// operator is who stands in the books for what is done here by hand, as with payctl.
func operator() string {
	name := os.Getenv("PAYROUTER_OPERATOR")
	if who, err := user.Current(); err == nil {
		name = cmp.Or(name, who.Username)
	}
	return "operator:" + cmp.Or(name, "unknown")
}

func lostWindowCommand(config *string) *cobra.Command {
	lost := router.Lost{Actor: operator()}
	cmd := &cobra.Command{
		Use: "lost-window --reason TEXT", Short: "Say that the database lost a window, before serving from it", Args: cobra.NoArgs,
		Long: `Run this after the database was put back to an older state, or after a failover that may
have lost commits, and before payrouter serves from it again. It writes an order to reconcile
for each gateway of the configuration: until "payctl reconciled" has ended them all, no charge,
offer, capture or refund is sent to any gateway, for whoever repeats a request of the lost
window would be charged again. Look-ups, notices and reading go on.

Replicas that run notice by themselves when their own last commits are gone, and do the same.
An order that is given while they serve is obeyed within a second: give it before.

The records name you by PAYROUTER_OPERATOR, or by the name you are logged in with.`,
		Example: `  payrouter lost-window --reason "restored the backup of 14:02, the database of 14:10 is lost"`,
	}
	cmd.Flags().StringVar(&lost.Reason, "reason", "", "what happened, and which window is lost (required)")
	cmd.Flags().Int64Var(&lost.Skip, "skip", router.SkipDefault, "order numbers to pass over: more than each gateway got in the window")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if lost.Reason == "" || lost.Skip < 1 {
			return errors.New("--reason is required, and --skip is 1 or more")
		}
		c, err := app.Load(*config)
		if err != nil {
			return err
		}
		for _, g := range c.Gateways {
			lost.Gateways = append(lost.Gateways, g.Name)
		}
		err = onStore(c, func(store *journal.Store) error {
			if c.Store.MayMigrate() { // the backup may be older than the program
				if err := store.Migrate(cmd.Context()); err != nil {
					return err
				}
			}
			return app.HoldLost(cmd.Context(), store, lost.Actor, lost.Reason, func() error { return router.HoldForReconciliation(cmd.Context(), store, lost) })
		})
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(cmd.OutOrStdout(), `Nothing that moves money is sent until the window is reconciled at each of: %s.
Compare it with each gateway's own books, give back what is unknown here, and then end its order:
  payctl reconciled GATEWAY --reason "what was compared"
`, strings.Join(lost.Gateways, ", "))
		return err
	}
	return cmd
}
