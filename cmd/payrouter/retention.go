package main

import (
	"errors"

	"github.com/spf13/cobra"

	"github.com/payrouter/payrouter/cmd/internal/app"
	"github.com/payrouter/payrouter/router/journal"
)

func retentionCommand(config *string) *cobra.Command {
	var look, yes bool
	cmd := &cobra.Command{
		Use: "retention (--dry-run | --yes)", Short: "Remove what has outlived its term, or show it", Args: cobra.NoArgs,
		Long: `Removes notices, and erases payers from payments, that are older than the configuration's
retention keeps them, and moves histories of payments that were over long ago into the archive,
as the service does by its schedule. Records of money are never removed.
With --dry-run it changes nothing and prints what it would do, and what is kept although it is
old, and why. It may run beside the service, on a database of this version's schema.

The records name you by PAYROUTER_OPERATOR, or by the name you are logged in with.`,
		Example: "  payrouter retention --dry-run\n  payrouter retention --yes",
	}
	cmd.Flags().BoolVar(&look, "dry-run", false, "show what is due, and change nothing")
	cmd.Flags().BoolVar(&yes, "yes", false, "remove it: what is removed cannot be brought back")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if look == yes {
			return errors.New("say --dry-run to see what is due, or --yes to remove it")
		}
		c, err := app.Load(*config)
		if err != nil {
			return err
		}
		return onStore(c, func(store *journal.Store) error {
			return app.Retain(cmd.Context(), c, store, operator(), yes, cmd.OutOrStdout())
		})
	}
	return cmd
}
