package main

import (
	"bufio"
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// page is what somebody who is on call for the first time follows.
const page = "../../docs/on-call.md"

// typed are the page's blocks for the second terminal.
var typed = regexp.MustCompile("(?ms)^```sh\n(.*?)^```$")

// The page is typed as it stands: only the addresses are others, and the binaries are there
// already. Its world is the one that make run starts.
func TestAnHourOnCallGoesAsItsPageSays(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes a minute")
	}
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	bin := filepath.Join(folder, "bin")
	typedOut(t, exec.CommandContext(t.Context(), "go", "build", "-o", bin+"/", ".", "../payctl"))
	at := startWorld(t, filepath.Join(bin, "paydev"))

	script := "set -euo pipefail\n"
	for _, block := range typed.FindAllStringSubmatch(string(text), -1) {
		script += block[1]
	}
	script = strings.NewReplacer("make build\n", "", "127.0.0.1:7070", at["grpc"], "127.0.0.1:7080", at["bank"]).Replace(script)
	if strings.Count(script, at["grpc"]) != 1 || strings.Count(script, at["bank"]) != 1 {
		t.Fatalf("the page does not name the addresses once each:\n%s", script)
	}
	shell := exec.CommandContext(t.Context(), "bash", "-c", script)
	shell.Dir, shell.Stdin = folder, strings.NewReader("kaspi-main\n")
	said := typedOut(t, shell)

	rest := said
	for _, want := range []string{
		`(?m)^kaspi-main +admitting$`,                      // before
		`(?m)15490.00 KZT +hour-1 +kaspi-main +paid$`,      //
		`(?m)^kaspi-main +(probe failing|breaker open)`,    // broken, and seen
		`attempt 1 at kaspi-main cannot take money`,        // the proof of the move
		`halyk-main: \S+ % of new payments, then 100`,      // the forecast
		`Nothing was changed.`,                             //
		`Type its name to order it`,                        // the order
		`Safe: nothing that was begun at kaspi-main`,       //
		`(?m)^kaspi-main +drain +in force .* hour on call`, //
		`(?m)^kaspi-main +drain +ended by aida`,            // restored
		`(?m)^kaspi-main +(admitting|ramping)`,             //
		`TELL THE PAYER`,                                   // the morning after
		`# Incident: kaspi-main`,                           //
		`kaspi-main fails for the first time: no connection`,
		`halyk-main serves the first payment in place of kaspi-main`,
		`aida +EndOverride`, // the audit, newest first
		`aida +CreateOverride`,
		`The audit holds: 4 records`,
		`the anchor of record 4`,
		`The audit holds: 4 records`,
	} {
		found := regexp.MustCompile(want).FindStringIndex(rest)
		if found == nil {
			t.Fatalf("there is no %s below what was found before, in\n%s", want, said)
		}
		rest = rest[found[1]:]
	}
}

// startWorld runs the program as make run does, on free ports, until the test ends. It returns
// where things are once the story is told.
func startWorld(t *testing.T, program string) map[string]string {
	t.Helper()
	at := map[string]string{}
	var args []string
	var taken []net.Listener
	for _, name := range []string{"grpc", "webhooks", "ops", "bank"} {
		l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		taken, at[name] = append(taken, l), l.Addr().String()
		args = append(args, "-"+name, at[name])
	}
	for _, l := range taken { // kept until all are different
		_ = l.Close()
	}
	ctx, stop := context.WithCancel(context.Background())
	world := exec.CommandContext(ctx, program, args...)
	world.Cancel = func() error { return world.Process.Signal(os.Interrupt) }
	world.WaitDelay = 10 * time.Second
	out, err := world.StdoutPipe()
	if err == nil {
		err = world.Start()
	}
	if err != nil {
		stop()
		t.Fatal(err)
	}
	ended := make(chan struct{})
	t.Cleanup(func() { stop(); <-ended; _ = world.Wait() })
	told := make(chan string, 1)
	go func() {
		defer close(ended)
		var said strings.Builder
		for lines := bufio.NewScanner(out); lines.Scan(); {
			said.WriteString(lines.Text() + "\n")
			if strings.HasPrefix(lines.Text(), "Everything stays up") {
				told <- ""
			}
		}
		told <- said.String() // it ended
	}()
	if said := <-told; said != "" {
		t.Fatalf("the world ended with its story:\n%s", said)
	}
	return at
}

// typedOut runs a command to its end and returns what it prints.
func typedOut(t *testing.T, command *exec.Cmd) string {
	t.Helper()
	said, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	return string(said)
}
