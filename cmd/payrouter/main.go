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
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/payrouter/payrouter/cmd/internal/app"
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
			Long: "Serves gRPC, webhooks, and metrics. On SIGTERM it takes no new calls, lets those in flight\nfinish, and leaves what is undecided in the books for whoever starts next.",
			RunE: func(cmd *cobra.Command, _ []string) error { return serve(cmd.Context(), *config) },
		},
		&cobra.Command{
			Use: "migrate", Short: "Bring the database's schema up to date", Args: cobra.NoArgs,
			RunE: func(cmd *cobra.Command, _ []string) error { return migrate(cmd.Context(), *config) },
		},
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
	return service.Run(ctx)
}

func migrate(ctx context.Context, path string) (err error) {
	c, err := app.Load(path)
	if err != nil {
		return err
	}
	store, err := app.OpenStore(c, func(payment.Payment, time.Time) time.Time { return time.Time{} })
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	return store.Migrate(ctx)
}
