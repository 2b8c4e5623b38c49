// Command payctl is payrouter for people: it creates and follows payments, shows
// which gateway is sick, steers traffic for a while, and explains what happened.
//
// It decides nothing: every command is one or a few calls of the API. It prints tables
// for people and, with -o json, the API's own messages for programs. A wish whose
// answer was lost is never lost itself: the error names the request id that makes
// repeating it safe.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// version is set when the binary is built.
var version = "unknown"

func main() { os.Exit(run()) }

func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return execute(ctx, os.Args[1:], os.Stdout, os.Stderr)
}
