// Command paydev is the whole of payrouter on one machine with nothing else: a
// simulated bank with three gateways, the service on SQLite, and a little traffic.
// It tells a story in half a minute (charges go to Kaspi, Kaspi is cut off, charges
// succeed at the backup, Kaspi returns), compares the books with the bank's ledgers
// line by line, and then stays up for trying things.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"syscall"
)

// version is set when the binary is built.
var version = "dev"

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

func run(args []string, out, errs io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if len(args) > 0 && args[0] == "bench" {
		return bench(ctx, args[1:], out, errs)
	}
	if len(args) > 0 && args[0] == "growth" {
		return growthCommand(ctx, args[1:], out, errs)
	}
	flags := flag.NewFlagSet("paydev", flag.ContinueOnError)
	flags.SetOutput(errs)
	var (
		once   = flags.Bool("once", false, "end after the story; the exit status is 0 only if books and ledgers agree")
		asJSON = flags.Bool("json", false, "print the result of the story as one JSON object, and nothing else")
		a      = addresses{}
	)
	flags.StringVar(&a.grpc, "grpc", "127.0.0.1:7070", "gRPC address")
	flags.StringVar(&a.webhooks, "webhooks", "127.0.0.1:7071", "webhooks address")
	flags.StringVar(&a.ops, "ops", "127.0.0.1:7072", "metrics and health address")
	flags.StringVar(&a.bank, "bank", "127.0.0.1:7080", "address of the simulated bank's controls")
	flags.StringVar(&a.data, "data", "", "folder for the books and the service's log; a temporary one when empty")
	flags.Usage = func() {
		fmt.Fprintf(errs, "paydev runs all of payrouter on this machine, with simulated gateways.\n\n  paydev [flags]          tell the story, then stay up\n  paydev -once            end after the story\n  paydev bench [flags]    measure (paydev bench -h)\n  paydev growth [flags]   measure how cost grows with the books (paydev growth -h)\n\nFlags:\n")
		flags.PrintDefaults()
	}
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		return 2
	case flags.NArg() > 0:
		fmt.Fprintf(errs, "paydev: %q is not a command; there are bench and growth (see paydev -h)\n", flags.Arg(0))
		return 2
	}
	if _, port, err := net.SplitHostPort(a.webhooks); err != nil || port == "0" { // the bank is told it before it is opened
		fmt.Fprintf(errs, "paydev: -webhooks %s: name a host and a port, which the simulated bank calls\n", a.webhooks)
		return 2
	}
	voice := out
	if *asJSON {
		voice = io.Discard
	}
	result, err := tell(ctx, a, newTeller(voice), !*once)
	if *asJSON && result != nil {
		e := json.NewEncoder(out)
		e.SetIndent("", "  ")
		if err := e.Encode(result); err != nil {
			fmt.Fprintln(errs, "paydev:", err)
		}
	}
	if err != nil && ctx.Err() == nil {
		fmt.Fprintln(errs, "paydev:", err)
		if errors.Is(err, syscall.EADDRINUSE) {
			fmt.Fprintln(errs, "Is another one running? -grpc, -webhooks, -ops and -bank name other addresses.")
		}
		return 1
	}
	if result == nil || !result.Agree {
		return 1
	}
	return 0
}

// tell starts the world, plays the story, and stays up afterwards if it should.
func tell(ctx context.Context, a addresses, t *teller, stay bool) (*Result, error) {
	w, err := start(ctx, a)
	if err != nil {
		return nil, err
	}
	defer w.stop()
	result, err := play(ctx, w, t)
	if err != nil || !stay {
		return result, err
	}
	t.farewell(w, result)
	select {
	case <-ctx.Done():
		t.say("stopped; nothing is left behind")
		return result, nil
	case err := <-w.failed:
		return result, err
	}
}
