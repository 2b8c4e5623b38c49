package main

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/payrouter/payrouter/router/identity/authority"
)

func certificatesCommand() *cobra.Command {
	var dir string
	var w authority.Wanted
	var days int
	cmd := &cobra.Command{
		Use: "certificates --dir DIR [--server NAME,…] [--client NAME,…]", Short: "Make certificates for the service and those who call it", Args: cobra.NoArgs,
		Long: `Makes a certificate authority in a folder, if there is none, and from it one certificate for
the service (server.crt, server.key), with all its names and addresses, and one for each client
(NAME.crt, NAME.key). Run again, it makes new certificates from the same authority; the service
takes them up while it serves. With --once it makes only those that are missing, or that have
less than a third of their days before them, or that are for other names.

ca.crt is for everybody. Whoever has ca.key can call as anybody: keep it away from the service,
with --authority in a folder of its own.
Where there is an authority already (a company's own, cert-manager, a service mesh), use that.`,
		Example: "  payrouter certificates --dir certificates --server payrouter.example.kz,127.0.0.1 --client checkout,aida",
	}
	cmd.Flags().StringVar(&dir, "dir", "", "folder of the authority and of what it issues (required)")
	cmd.Flags().StringVar(&w.Authority, "authority", "", "folder of the authority alone (default: the same)")
	cmd.Flags().StringSliceVar(&w.Server, "server", nil, "names and addresses by which the service is reached")
	cmd.Flags().StringSliceVar(&w.Clients, "client", nil, "names of clients, one certificate each")
	cmd.Flags().BoolVar(&w.Once, "once", false, "leave what is there and good as it is")
	cmd.Flags().IntVar(&days, "days", 90, "how long a certificate lasts")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if dir == "" {
			return errors.New("--dir is required: the folder of the authority and of what it issues")
		}
		w.Life = time.Duration(days) * 24 * time.Hour
		made, err := authority.Fill(dir, w, time.Now())
		if err != nil {
			return err
		}
		said := "nothing to make: all is there, and good"
		if len(made) > 0 {
			said = "made " + strings.Join(made, ", ")
		}
		_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s: %s\n", dir, said)
		return err
	}
	return cmd
}
