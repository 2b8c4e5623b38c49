package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/status"

	payrouterv1 "github.com/payrouter/payrouter/proto/payrouter/v1"
)

func (c *client) watchCommand() *cobra.Command {
	return &cobra.Command{
		Use: "watch PAYMENT", Short: "Follow a payment until it is decided", Args: arguments(1, 1),
		Long: `Follows a payment and prints a line when something changes, until it is decided and no
money is on its way back. With -o json each message is one line. It waits as long as it
takes: --timeout does not end it.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			w := watcher{client: c, request: &payrouterv1.WatchPaymentRequest{Name: full("payments", args[0])}}
			for {
				err := w.follow(cmd)
				if errors.Is(err, io.EOF) {
					return nil
				}
				if !slices.ContainsFunc(status.Convert(err).Details(), asksToReconnect) {
					return err
				}
			}
		},
	}
}

// asksToReconnect recognises the regular end of a long stream.
func asksToReconnect(detail any) bool {
	info, ok := detail.(*errdetails.ErrorInfo)
	return ok && info.GetReason() == "RECONNECT"
}

// watcher prints what a payment's stream says. It knows what it printed last, so that a
// look-up that found nothing new, or a new stream, prints nothing again.
type watcher struct {
	*client
	request *payrouterv1.WatchPaymentRequest
	printed string
}

// follow reads one stream to its end: io.EOF when the payment is decided.
func (w *watcher) follow(cmd *cobra.Command) error {
	stream, err := w.payments().WatchPayment(w.identify(cmd.Context()), w.request)
	if err != nil {
		return err
	}
	for {
		message, err := stream.Recv()
		if err != nil {
			return err
		}
		p := message.GetPayment()
		if p != nil {
			w.request.AfterSequence = p.GetSequence()
		}
		switch {
		case w.output == "json":
			if err := w.json(message, false); err != nil {
				return err
			}
		case p != nil && standing(p) != w.printed:
			w.printed = standing(p)
			fmt.Fprintf(w.out, "%s  %s\n", when(p.GetUpdateTime()), w.printed)
		}
	}
}

// standing is where a payment stands, in one line.
func standing(p *payrouterv1.Payment) string {
	text := fmt.Sprintf("%-14s", stateOf(p))
	if n := len(p.GetAttempts()); n > 0 {
		a := p.GetAttempts()[n-1]
		text += fmt.Sprintf("  attempt %s at %s: %s", last(a.GetName()), last(a.GetGateway()), verdictOf(p, a))
	}
	if a := p.GetAction(); a != nil {
		text += "; the payer can " + describeAction(a)
	}
	return strings.TrimSpace(text)
}
