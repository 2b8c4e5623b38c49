package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/reflect/protoreflect"

	payrouterv1 "github.com/payrouter/payrouter/proto/payrouter/v1"
)

func (c *client) auditCommand() *cobra.Command {
	cmd := group("audit", "See who changed what, and that nobody changed the record of it", c.auditListCommand(), c.auditVerifyCommand(), c.auditAnchorCommand())
	cmd.Long = `Whatever a person changes is recorded before it is done, and its outcome after it. The records
are a chain: each carries the sum of the one before, so that none can be changed, removed or
added unseen. An anchor that is kept elsewhere shows also whether the end was cut off.`
	return cmd
}

func (c *client) audits() payrouterv1.AuditClient { return payrouterv1.NewAuditClient(c.conn) }

func (c *client) auditListCommand() *cobra.Command {
	var since time.Duration
	var actor, act string
	var limit int32
	request := &payrouterv1.ListAuditRecordsRequest{}
	cmd := &cobra.Command{
		Use: "list", Short: "List what people changed, newest first", Args: arguments(0, 0),
		Example: `  payctl audit list --since 24h
  payctl audit list --actor aida --act ResolveAttempt
  payctl audit list --subject payments/019ac…`,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if err := checkLimit(limit); err != nil {
				return err
			}
			request.PageSize, request.Act = limit, fullAct(act)
			if request.Actor = actor; actor != "" && actor != "router" && !strings.Contains(actor, ":") {
				request.Actor = "operator:" + actor
			}
			if request.CreateTimeAfter, err = ago(cmd, since); err != nil {
				return err
			}
			ctx, cancel := c.call(cmd)
			defer cancel()
			found, err := c.audits().ListAuditRecords(ctx, request)
			if err != nil {
				return err
			}
			return c.show(found, func() { c.printAudit(found) })
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&actor, "actor", "", "only of this person, or of router")
	flags.StringVar(&act, "act", "", "only of this act, for example CreateOverride or \"override expired\"")
	flags.StringVar(&request.Subject, "subject", "", "only about this resource, by its full name")
	flags.DurationVar(&since, "since", 0, "only within this time, for example 48h")
	flags.Int32Var(&limit, "limit", 50, "how many at most, up to 1000")
	return cmd
}

// fullAct completes a method's name as the audit writes it. What is no method stays.
func fullAct(act string) string {
	for _, file := range []protoreflect.FileDescriptor{payrouterv1.File_payrouter_v1_payments_proto, payrouterv1.File_payrouter_v1_operations_proto,
		payrouterv1.File_payrouter_v1_finance_proto, payrouterv1.File_payrouter_v1_disputes_proto, payrouterv1.File_payrouter_v1_compliance_proto} {
		service := file.Services().Get(0)
		if service.Methods().ByName(protoreflect.Name(act)) != nil {
			return "/" + string(service.FullName()) + "/" + act
		}
	}
	return act
}

func (c *client) printAudit(found *payrouterv1.ListAuditRecordsResponse) {
	if len(found.GetAuditRecords()) == 0 {
		fmt.Fprintln(c.out, "There are no such records.")
		return
	}
	t := c.grid("RECORD", "WHEN", "WHO", "WHAT", "PHASE", "OUTCOME", "ABOUT", "WHY")
	for _, r := range found.GetAuditRecords() {
		phase := word(r.GetPhase().String(), "PHASE_")
		if r.GetAskedRecord() != "" {
			phase += " (" + last(r.GetAskedRecord()) + ")"
		}
		t.row(last(r.GetName()), when(r.GetCreateTime()), person(r.GetActor()), last(r.GetAct()), phase, r.GetOutcome(), r.GetSubject(), r.GetReason())
	}
	t.render()
	c.printMore(found.GetNextPageToken())
}

// errBroken says that the answer is there, and that the chain does not hold.
var errBroken = fmt.Errorf("the audit is broken: %w", errNotMet)

func (c *client) auditVerifyCommand() *cobra.Command {
	var path string
	cmd := &cobra.Command{
		Use: "verify", Short: "Follow the whole chain of records", Args: arguments(0, 0),
		Long: `Follows the chain of records from the first to the last, and names the first that does not hold.
That the end was cut off, or the whole chain written anew, shows only by an anchor of before:
see payctl audit anchor.

Exit status: 0 when the chain holds, 3 when it is broken.`,
		Example: `  payctl audit verify
  payctl audit verify --anchor audit-2026-11.anchor`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			request := &payrouterv1.VerifyAuditRequest{}
			if path != "" {
				text, err := readAnchor(path)
				if err != nil {
					return err
				}
				request.Anchor = text
			}
			v, err := c.verifyAudit(cmd, request)
			if err != nil {
				return err
			}
			if err := c.show(v, func() { c.printVerified(v, path) }); err != nil {
				return err
			}
			return brokenOrNot(v)
		},
	}
	cmd.Flags().StringVar(&path, "anchor", "", "the file of an anchor of before; the chain must lead through it")
	return cmd
}

func (c *client) verifyAudit(cmd *cobra.Command, request *payrouterv1.VerifyAuditRequest) (*payrouterv1.VerifyAuditResponse, error) {
	ctx, cancel := c.call(cmd)
	defer cancel()
	return c.audits().VerifyAudit(ctx, request)
}

func brokenOrNot(v *payrouterv1.VerifyAuditResponse) error {
	if v.GetIntact() {
		return nil
	}
	return errBroken
}

// largestAnchor is more than any anchor has: whoever names another file by mistake does not
// send it.
const largestAnchor = 512

// readAnchor reads the one line of an anchor's file.
func readAnchor(path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", usagef("--anchor: %v", err)
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, largestAnchor))
	if err != nil {
		return "", usagef("--anchor: %v", err)
	}
	line := strings.TrimSpace(string(text))
	if line == "" || len(text) == largestAnchor || strings.ContainsAny(line, "\r\n") {
		return "", usagef("--anchor %s: it holds no anchor, which is one line as payctl audit anchor writes it", path)
	}
	return line, nil
}

// broken is what it means that a link does not hold.
var broken = map[payrouterv1.VerifyAuditResponse_Fault]string{
	payrouterv1.VerifyAuditResponse_FAULT_CHANGED:      "Somebody changed what stands there, or the database is damaged.",
	payrouterv1.VerifyAuditResponse_FAULT_MISSING:      "Somebody removed it, or the database lost it.",
	payrouterv1.VerifyAuditResponse_FAULT_OUT_OF_ORDER: "Somebody added a record, or numbered records anew.",
	payrouterv1.VerifyAuditResponse_FAULT_CUT:          "The database was put back to an older state, or somebody removed the newest records.",
	payrouterv1.VerifyAuditResponse_FAULT_REWRITTEN:    "Somebody who knows the program wrote the chain anew, or the anchor is another database's.",
}

func (c *client) printVerified(v *payrouterv1.VerifyAuditResponse, anchor string) {
	if v.GetIntact() {
		fmt.Fprintf(c.out, "The audit holds: %d records, none changed, removed or added in between.\n", v.GetRecordCount())
		if n := v.GetUnendedCount(); n > 0 {
			fmt.Fprintf(c.out, "%d acts were asked and have no end: they are going on, or were cut off. See payctl audit list.\n", n)
		}
		if anchor == "" {
			fmt.Fprintln(c.out, "Whether newer records were cut off shows only by an anchor: give one with --anchor.")
		}
		fmt.Fprintf(c.out, "anchor  %s\n", v.GetAnchor())
		return
	}
	fmt.Fprintf(c.out, "THE AUDIT IS BROKEN at record %d: %s.\n", v.GetBrokenNumber(), plain(v.GetDetail()))
	if meaning := broken[v.GetFault()]; meaning != "" {
		fmt.Fprintln(c.out, meaning)
	}
	before := "No record stands before it."
	if n := v.GetBrokenNumber() - 1; n > 0 {
		before = fmt.Sprintf("The records before it hold: %d.", n)
	}
	fmt.Fprintf(c.out, `%s What it and later ones say is not proved.
Do not mend it: copy the database as it is, compare the records with the last good copy, and
find out who could write to it. See "The audit" in docs/runbook.md.
`, before)
}

func (c *client) auditAnchorCommand() *cobra.Command {
	var path string
	var force bool
	cmd := &cobra.Command{
		Use: "anchor", Short: "Export the anchor of the last record", Args: arguments(0, 0),
		Long: `Follows the chain and writes the anchor of its last record: one line with its number, its sum and
its time. Keep it where nobody can write who can write the database, and verify with it later:
so a chain whose end was cut off, or that was written anew, shows.

Exit status: 0 when the chain holds, 3 when it is broken; then nothing is written.`,
		Example: `  payctl audit anchor
  payctl audit anchor --out audit-2026-11.anchor`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := free(path, force); err != nil {
				return err
			}
			v, err := c.verifyAudit(cmd, &payrouterv1.VerifyAuditRequest{})
			if err != nil {
				return err
			}
			if !v.GetIntact() {
				if err := c.show(v, func() { c.printVerified(v, "") }); err != nil {
					return err
				}
				return errBroken
			}
			if path == "" || path == "-" {
				return c.show(v, func() { fmt.Fprintln(c.out, v.GetAnchor()) })
			}
			err = written(path, func(to io.Writer) error {
				_, err := fmt.Fprintln(to, v.GetAnchor())
				return err
			})
			if err != nil {
				return err
			}
			return c.show(v, func() { fmt.Fprintf(c.out, "%s: the anchor of record %d\n", path, v.GetRecordCount()) })
		},
	}
	cmd.Flags().StringVar(&path, "out", "", "the file; the output when empty")
	cmd.Flags().BoolVar(&force, "force", false, "write over a file that is there already")
	return cmd
}
