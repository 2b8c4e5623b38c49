package main

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// teller prints the story, in a plain terminal's words.
type teller struct {
	out   io.Writer
	began time.Time
}

func newTeller(out io.Writer) *teller { return &teller{out: out, began: time.Now()} }

// act begins a part of the story.
func (t *teller) act(title string) {
	fmt.Fprintf(t.out, "\n%s\n%s\n", title, strings.Repeat("-", len([]rune(title))))
}

// say tells one thing that happened, with the time since the beginning.
func (t *teller) say(format string, args ...any) {
	fmt.Fprintf(t.out, "%5.1f s  %s\n", time.Since(t.began).Seconds(), fmt.Sprintf(format, args...))
}

// aside explains what was just told.
func (t *teller) aside(format string, args ...any) {
	fmt.Fprintf(t.out, "         %s\n", fmt.Sprintf(format, args...))
}

// books prints the comparison, line by line.
func (t *teller) books(r audit) {
	fmt.Fprintf(t.out, "\n  %-10s %-14s %-18s %14s %14s\n", "PAYMENT", "STATE", "MONEY IS AT", "OUR BOOKS", "THEIR LEDGER")
	for _, l := range r.Lines {
		mark := " "
		if !l.agrees() {
			mark = "!"
		}
		fmt.Fprintf(t.out, "%s %-10s %-14s %-18s %14s %14s\n", mark, l.Payment, l.State, strings.Join(append(l.Gateways, l.Returned...), "+"), decimal(l.Books), decimal(l.Ledger))
	}
	for _, s := range r.Strays {
		fmt.Fprintf(t.out, "! no payment of ours: %s\n", s)
	}
}

// farewell says what can be tried now.
func (t *teller) farewell(w *world, r *Result) {
	fmt.Fprintf(t.out, `
Everything stays up; stop it with Ctrl-C. Things to try in another terminal:

%[6]s  go run ./cmd/payctl gateways
  go run ./cmd/payctl payment create --amount 15490 --method qr,page
  go run ./cmd/payctl payment list
  go run ./cmd/payctl explain %[1]s
  go run ./cmd/payctl failover kaspi-main --to halyk-main --for 10m --reason "trying things" --dry-run
  go run ./cmd/payctl failover kaspi-main --to halyk-main --for 10m --reason "trying things"
  go run ./cmd/payctl restore kaspi-main
  go run ./cmd/payctl rehearse kaspi-main --to halyk-main --for 10s --control http://%[2]s

  # cut Kaspi off, create a payment, and let it return
  curl -d '{"face":"kaspi","kind":"refuse"}' http://%[2]s/faults
  curl -X DELETE http://%[2]s/faults
  # the bank's own books, all its controls, and our metrics
  curl http://%[2]s/ledger
  curl http://%[2]s/
  curl http://%[3]s/metrics

  go tool -modfile=.tools/go.mod grpcurl -plaintext %[4]s list
  go tool -modfile=.tools/go.mod grpcurl -plaintext -d '{"request_id":"2f0c6f0a-6a55-4b0e-8a55-0c1d2e3f4a5b","amount":{"minor_units":1549000,"currency_code":"KZT"},"methods":["METHOD_QR"]}' %[4]s payrouter.v1.Payments/CreatePayment

gRPC %[4]s, metrics and health %[3]s, simulated bank %[2]s, books and log in %[5]s
`, r.Example, w.server.ControlAddr(), w.opsAddr, w.grpcAddr, w.data, where(w.grpcAddr))
}

// where tells payctl the service's address, if it is another than payctl asks by itself.
func where(address string) string {
	if address == "127.0.0.1:7070" {
		return ""
	}
	return "  export PAYROUTER_ADDRESS=" + address + "\n"
}

// decimal writes tenge; nothing for no money.
func decimal(minor int64) string {
	if minor == 0 {
		return "-"
	}
	return fmt.Sprintf("%d.%02d", minor/100, minor%100)
}
