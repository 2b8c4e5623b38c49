package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
	_ "time/tzdata" // the report is told in the bank's zone, which a machine may not know

	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/spf13/cobra"

	"github.com/payrouter/payrouter/cmd/internal/paper"
	payrouterv1 "github.com/payrouter/payrouter/proto/payrouter/v1"
)

func (c *client) kaspiCommand() *cobra.Command {
	cmd := group("kaspi", "Answer what Kaspi asks for", c.readinessCommand(), c.evidenceCommand())
	cmd.Long = `Answers Kaspi's checklist with facts: what stands in our books, what the configuration says,
and what people have recorded.`
	return cmd
}

func (c *client) compliance() payrouterv1.ComplianceClient {
	return payrouterv1.NewComplianceClient(c.conn)
}

// errNotMet says that the answer is there, and that something on it is not met.
var errNotMet = errors.New("not everything is met")

func (c *client) readinessCommand() *cobra.Command {
	var gateway, output, language string
	cmd := &cobra.Command{
		Use: "readiness", Short: "Print the bank's checklist, with facts in the place of ticks", Args: arguments(0, 0),
		Long: `Prints Kaspi's checklist: of each requirement what was found, what is asked for, what shows
it, and what was asked of the books, word for word. Nothing is met without evidence, and
nothing is sent to the bank. What books cannot show is recorded with payctl kaspi evidence
record.

Exit status: 0 when all is met, 3 when something is not met or without evidence.`,
		Example: `  payctl kaspi readiness
  payctl kaspi readiness --gateway kaspi-main -o readiness.pdf --lang kk
  payctl kaspi readiness -o json`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			switch isPDF := strings.HasSuffix(strings.ToLower(output), ".pdf"); {
			case output == "text", output == "table":
				c.output = "table"
			case output == "json":
				c.output = "json"
			case !isPDF:
				return usagef("-o %s: there are text and json, and the name of a file that ends with .pdf", output)
			}
			if paper.ReadinessTitle(paper.Language(language)) == "" {
				return usagef("--lang %s: there are ru, kk and en", language)
			}
			request := &payrouterv1.GetReadinessRequest{}
			if gateway != "" {
				request.Gateway = full("gateways", gateway)
			}
			ctx, cancel := c.call(cmd)
			defer cancel()
			r, err := c.compliance().GetReadiness(ctx, request)
			if err != nil {
				return err
			}
			if err := c.showReadiness(r, output, paper.Language(language)); err != nil {
				return err
			}
			if met(r) < len(r.GetItems()) {
				return errNotMet
			}
			return nil
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&gateway, "gateway", "", "the gateway; the only one at Kaspi when empty")
	// It hides the flag of all commands, which knows of no files.
	flags.StringVarP(&output, "output", "o", "text", "text, json, or a file that ends with .pdf")
	flags.StringVar(&language, "lang", "ru", "of a PDF's titles: ru, kk or en; text and json are in English")
	return cmd
}

// met counts what is met. What has a state that is not known is not.
func met(r *payrouterv1.Readiness) int {
	n := 0
	for _, i := range r.GetItems() {
		if i.GetState() == payrouterv1.Readiness_Item_STATE_MET {
			n++
		}
	}
	return n
}

func (c *client) showReadiness(r *payrouterv1.Readiness, output string, l paper.Language) error {
	if !strings.HasSuffix(strings.ToLower(output), ".pdf") {
		zone, err := time.LoadLocation(r.GetTimeZone())
		if err != nil {
			zone = time.UTC
		}
		return c.show(r, func() { c.printReadiness(r, zone) })
	}
	if err := written(output, func(to io.Writer) error { return checklistOf(r, l).WritePDF(to, l) }); err != nil {
		return err
	}
	fmt.Fprintf(c.out, "%s: readiness of %s, met: %d of %d\n", output, last(r.GetGateway()), met(r), len(r.GetItems()))
	return nil
}

// reportWidth is how wide a report is where no terminal says otherwise.
const reportWidth = 80

// printReadiness prints what stands how, and below it every requirement with what shows it.
func (c *client) printReadiness(r *payrouterv1.Readiness, zone *time.Location) {
	at := r.GetCreateTime().AsTime().In(zone)
	fmt.Fprintf(c.out, "Readiness of %s, %s %s\nMet: %d of %d\n\n", last(r.GetGateway()), at.Format("2006-01-02 15:04:05"), r.GetTimeZone(), met(r), len(r.GetItems()))
	t := c.grid("STATE", "ITEM", "REQUIREMENT")
	t.width = cmp.Or(c.width, reportWidth)
	for _, i := range r.GetItems() {
		t.row(itemState(i), i.GetId(), i.GetTitle())
	}
	t.render()
	for _, i := range r.GetItems() {
		fmt.Fprintf(c.out, "\n%s: %s\n", plain(i.GetId()), plain(i.GetTitle()))
		c.told("state", itemState(i))
		c.told("found", i.GetValue())
		c.told("needed", i.GetNeeded())
		c.told("evidence", i.GetEvidence())
		if i.GetTime() != nil {
			c.told("time", i.GetTime().AsTime().In(zone).Format("2006-01-02 15:04:05"))
		}
		c.told("query", i.GetQuery())
	}
}

// itemState is loud where something has to be done.
func itemState(i *payrouterv1.Readiness_Item) string {
	if i.GetState() == payrouterv1.Readiness_Item_STATE_NOT_MET {
		return "NOT MET"
	}
	return cmp.Or(word(i.GetState().String(), "STATE_"), "no evidence")
}

// told prints a line of a requirement, wrapped beside its name; nothing where nothing is said.
func (c *client) told(name, value string) {
	const wide = 10
	if value == "" {
		return
	}
	for line := range strings.Lines(text.WrapSoft(plain(value), max(cmp.Or(c.width, reportWidth)-wide-2, leastLast))) {
		fmt.Fprintln(c.out, strings.TrimRight(fmt.Sprintf("  %-*s%s", wide, name, line), " \n"))
		name = ""
	}
}

// checklistOf is the report as a document, its requirements in the language's words where
// there are any.
func checklistOf(r *payrouterv1.Readiness, l paper.Language) paper.Checklist {
	list := paper.Checklist{Title: paper.ReadinessTitle(l), Subtitle: "Kaspi · " + last(r.GetGateway()), Zone: r.GetTimeZone(), Created: r.GetCreateTime().AsTime()}
	states := map[payrouterv1.Readiness_Item_State]paper.State{payrouterv1.Readiness_Item_STATE_MET: paper.Met, payrouterv1.Readiness_Item_STATE_NOT_MET: paper.NotMet}
	for _, i := range r.GetItems() {
		name, needed, known := paper.Requirement(i.GetId(), l)
		if !known {
			name, needed = i.GetTitle(), i.GetNeeded()
		}
		one := paper.Item{Name: name, State: states[i.GetState()], Value: i.GetValue(), Needed: needed, Evidence: i.GetEvidence(), Query: i.GetQuery()}
		if i.GetTime() != nil {
			one.Time = i.GetTime().AsTime()
		}
		list.Items = append(list.Items, one)
	}
	return list
}
