package main

import (
	"io"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// explained is a flag with its type, if any, and what it is for.
var explained = regexp.MustCompile(`--\S+( \S+)?  +\S+ \S+`)

func TestEveryCommandExplainsItself(t *testing.T) {
	t.Setenv("PAYROUTER_OPERATOR", "Айда") // help needs no good name and no service
	var walk func(cmd *cobra.Command)
	walk = func(cmd *cobra.Command) {
		path := strings.Fields(cmd.CommandPath())[1:]
		for _, args := range [][]string{append(path[:len(path):len(path)], "--help"), append([]string{"help"}, path...)} {
			r := payctl(t, args...).done("Usage:", "--help")
			for flag := range strings.Lines(cmd.LocalFlags().FlagUsages()) {
				if !explained.MatchString(flag) || !strings.Contains(r.out, flag) {
					t.Errorf("%s does not explain %s", r.line, flag)
				}
			}
			if cmd.Short == "" || strings.HasSuffix(cmd.Short, ".") {
				t.Errorf("%s: its short text is %q", cmd.CommandPath(), cmd.Short)
			}
		}
		for _, below := range cmd.Commands() {
			if below.IsAvailableCommand() {
				walk(below)
			}
		}
	}
	walk((&client{out: io.Discard}).root(io.Discard))
}

func TestPayctlAloneShowsWhatThereIs(t *testing.T) {
	payctl(t).done("see, steer and explain payments", "Exit status: 0 done", "drain Send no new payments to a gateway for a while")
	payctl(t, "payment").done("create Take an amount once")
	payctl(t, "--version").done("payctl version unknown")
	payctl(t, "licences").done("Bitstream Vera", "DejaVu")
}

func TestTheEnvironmentSaysWhereAndWho(t *testing.T) {
	w := newWorld(t)
	t.Setenv("PAYROUTER_ADDRESS", w.address)
	t.Setenv("PAYROUTER_OPERATOR", "aida")
	payctl(t, "drain", "kaspi-main", "--reason", "rehearsal").done("aida rehearsal")
	t.Setenv("PAYROUTER_TENANT", "nobody")
	payctl(t, "payment", "list").fails(exitRefused, "payctl: --tenant names no tenant")
}
