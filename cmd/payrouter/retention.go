package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/payrouter/payrouter/cmd/internal/app"
	"github.com/payrouter/payrouter/router/journal"
	"github.com/payrouter/payrouter/router/office"
)

func retentionCommand(config *string) *cobra.Command {
	var look, yes bool
	cmd := &cobra.Command{
		Use: "retention (--dry-run | --yes)", Short: "Remove what has outlived its term, or show it", Args: cobra.NoArgs,
		Long: `Removes notices, and erases payers from payments, that are older than the configuration's
retention keeps them, as the service does by its schedule. Records of money are never removed.
With --dry-run it changes nothing and prints what it would do, and what is kept although it is
old, and why. It may run beside the service, on a database of this version's schema.`,
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
		out := cmd.OutOrStdout()
		return onStore(c, func(store *journal.Store) error {
			k := c.Keeper()
			k.Journal, k.Actor = store, "operator:"+cmp.Or(os.Getenv("PAYROUTER_OPERATOR"), os.Getenv("USER"), "unknown")
			k.Hold = func() error { return timely(cmd, store) }
			do := k.Look
			if yes {
				total := map[string]int64{}
				k.Told = func(what string, done, _ int64) {
					if total[what] += done; done > 0 {
						fmt.Fprintf(out, "%s: %d\n", what, total[what])
					}
				}
				do = k.Pass
			}
			all, err := do(cmd.Context())
			if err != nil {
				return err
			}
			return printAging(out, all, yes)
		})
	}
	return cmd
}

// timely refuses to go by a clock of the database's that a person would not believe.
func timely(cmd *cobra.Command, store *journal.Store) error {
	theirs, err := store.Clock(cmd.Context())
	if off := time.Since(theirs); err == nil && off.Abs() > time.Minute {
		err = fmt.Errorf("the database's clock is %s from this machine's: set it right first", off.Round(time.Second))
	}
	return err
}

func printAging(out io.Writer, all []office.Aging, done bool) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	due := "DUE NOW"
	if done {
		due = "REMOVED"
	}
	fmt.Fprintf(w, "WHAT\tKEPT FOR\tAT LEAST\tOLDEST\t%s\tOLD AND KEPT, FOR THEY\n", due)
	for _, a := range all {
		oldest, kept := "-", []string(nil)
		if !a.Oldest.IsZero() {
			oldest = a.Oldest.Format(time.DateOnly)
		}
		for _, why := range slices.Sorted(maps.Keys(a.Kept)) {
			kept = append(kept, fmt.Sprintf("%s: %d", why, a.Kept[why]))
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%d\t%s\n", a.What, office.Days(a.Term), office.Days(a.Least), oldest, a.Due, cmp.Or(strings.Join(kept, "; "), "-"))
	}
	return w.Flush()
}
