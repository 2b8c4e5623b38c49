package main

import (
	"strings"
	"testing"

	payrouterv1 "github.com/payrouter/payrouter/proto/payrouter/v1"
)

func drawn(width int) string {
	var out strings.Builder
	g := &grid{out: &out, width: width, header: []string{"GATEWAY", "CODE", "AT", "WHY"}}
	g.row("kaspi-main", "", "14:06:20 UTC", "ordered by aida until 14:41:10 UTC: bank reports an outage")
	g.row("halyk-main", "", "14:06:21 UTC", "")
	g.render()
	return out.String()
}

func TestATableFitsItsTerminalAndLosesNothing(t *testing.T) {
	for _, c := range []struct {
		width int
		want  string
	}{
		{0, `
GATEWAY     AT            WHY
kaspi-main  14:06:20 UTC  ordered by aida until 14:41:10 UTC: bank reports an outage
halyk-main  14:06:21 UTC
`},
		{60, `
GATEWAY     AT            WHY
kaspi-main  14:06:20 UTC  ordered by aida until 14:41:10
                          UTC: bank reports an outage
halyk-main  14:06:21 UTC
`},
		{36, `
gateway  kaspi-main
at       14:06:20 UTC
why      ordered by aida until
         14:41:10 UTC: bank reports
         an outage

gateway  halyk-main
at       14:06:21 UTC
`},
	} {
		if got := "\n" + drawn(c.width); got != c.want {
			t.Errorf("in %d columns:%s\nwant:%s", c.width, got, c.want)
		}
	}
	for width := 24; width < 100; width++ { // below, ids are broken into pieces
		letters := func(s string) string { return strings.ToLower(strings.Join(strings.Fields(s), "")) }
		for _, cell := range []string{"kaspi-main", "halyk-main", "14:06:20utc", "bankreportsanoutage"} {
			if got := drawn(width); !strings.Contains(letters(got), cell) {
				t.Errorf("in %d columns %q is lost:\n%s", width, cell, got)
			}
		}
		for line := range strings.Lines(drawn(width)) {
			if n := len(strings.TrimRight(line, "\n")); n > width {
				t.Errorf("in %d columns a line has %d: %q", width, n, line)
			}
		}
	}
}

func TestATableWithoutRowsIsNotPrinted(t *testing.T) {
	var out strings.Builder
	(&grid{out: &out, header: []string{"PAYMENT"}}).render()
	if out.String() != "" {
		t.Errorf("%q", out.String())
	}
}

func TestAGatewaysTextCannotSteerTheTerminal(t *testing.T) {
	var out strings.Builder
	c := &client{out: &out}
	c.printPayment(&payrouterv1.Payment{
		Name:   "payments/" + nobody,
		Action: &payrouterv1.Action{Kind: &payrouterv1.Action_Qr_{Qr: &payrouterv1.Action_Qr{Text: "qr\x1b]52;c;\x07"}}},
		Attempts: []*payrouterv1.Attempt{{Name: "payments/" + nobody + "/attempts/1", ProviderCode: "\x1b[2J-7\r\n\u202eKO",
			Verdict: payrouterv1.Verdict_VERDICT_DECLINED}},
	})
	if got := out.String(); strings.ContainsAny(got, "\x1b\x07\r\u202e") || !strings.Contains(got, "-7") {
		t.Errorf("%q", got)
	}
}

func TestASentenceIsBrokenBetweenWords(t *testing.T) {
	var out strings.Builder
	c := &client{out: &out, width: 20}
	c.sentence("New payments at %s now: probe failing", "kaspi-main")
	for line := range strings.Lines(out.String()) {
		if len(line) > 21 || strings.HasSuffix(line, " \n") {
			t.Errorf("a line is %q", line)
		}
	}
	if got := strings.Join(strings.Fields(out.String()), " "); got != "New payments at kaspi-main now: probe failing" {
		t.Errorf("it says %q", got)
	}
}
