package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/progress"
	"github.com/spf13/cobra"
	"google.golang.org/grpc/status"

	payrouterv1 "github.com/payrouter/payrouter/proto/payrouter/v1"
)

func (c *client) reconcileCommand() *cobra.Command {
	cmd := group("reconcile", "Hold a gateway's own books against ours",
		c.runCommand(), c.importCommand(), c.runsCommand(), c.runShowCommand(), c.runWatchCommand(), c.runCancelCommand())
	cmd.Long = `Holds a gateway's own books of a business day against ours. Days are run by themselves, as
the configuration says; these commands are for running one by hand, and for looking. What
differs is a finding: see payctl findings.`
	return cmd
}

func (c *client) finance() payrouterv1.FinanceClient { return payrouterv1.NewFinanceClient(c.conn) }

func (c *client) runCommand() *cobra.Command {
	var day, reason, id string
	var dry, wait bool
	cmd := &cobra.Command{
		Use: "run GATEWAY --reason TEXT", Short: "Read a gateway's books of one day, and hold them against ours", Args: arguments(1, 1),
		Long: `Reads a gateway's books of one business day, in the gateway's own time zone, and holds them
against ours. What they say that we did not know is taken in, and what differs is a
finding. A day may be run again at any time: a second run of the same books changes
nothing. The run goes on without you; with --wait you see it to its end.`,
		Example: `  payctl reconcile run halyk-main --reason "month end" --wait
  payctl reconcile run halyk-main --day 2026-11-24 --reason "the bank corrected its registry"`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if reason == "" {
				return errNoReason
			}
			if err := checkDay("--day", day); err != nil {
				return err
			}
			request := &payrouterv1.RunReconciliationRequest{Gateway: full("gateways", args[0]), Day: day, Reason: reason, ValidateOnly: dry}
			if !dry {
				request.RequestId = c.once(id)
			}
			ctx, cancel := c.call(cmd)
			defer cancel()
			r, err := c.finance().RunReconciliation(ctx, request)
			if err != nil {
				return err
			}
			if wait && !dry {
				if r, err = c.follow(cmd, r.GetName()); err != nil {
					return err
				}
			}
			return c.show(r, func() {
				c.printRun(r)
				if dry {
					fmt.Fprintln(c.out, "\nNothing was started.")
				}
			})
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&day, "day", "", "the business day, such as 2026-11-24; the last one that is over when empty")
	flags.StringVar(&reason, "reason", "", "why, for the record (required)")
	flags.BoolVar(&dry, "dry-run", false, "start nothing; say what would be run")
	flags.BoolVar(&wait, "wait", false, "show how far it is, until it has ended")
	flags.StringVar(&id, "request-id", "", "UUID of this order; a new one when empty")
	return cmd
}

func checkDay(flag, day string) error {
	if _, err := time.Parse(time.DateOnly, day); day != "" && err != nil {
		return usagef("%s %s: write a day as 2026-11-24", flag, day)
	}
	return nil
}

func (c *client) runsCommand() *cobra.Command {
	var state string
	var limit int32
	request := &payrouterv1.ListReconciliationsRequest{}
	cmd := &cobra.Command{
		Use: "list [GATEWAY]", Short: "List runs, newest first", Args: arguments(0, 1),
		Example: "  payctl reconcile list\n  payctl reconcile list halyk-main --from 2026-11-01 --to 2026-11-30 --state failed",
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := errors.Join(checkDay("--from", request.GetFromDay()), checkDay("--to", request.GetToDay()), checkLimit(limit)); err != nil {
				return usageError{err}
			}
			v, ok := payrouterv1.Reconciliation_State_value["STATE_"+strings.ToUpper(state)]
			if state != "" && (!ok || v == 0) {
				return usagef("--state %s: there are queued, reading, matching, done, failed and canceled", state)
			}
			request.State, request.PageSize = payrouterv1.Reconciliation_State(v), limit
			if len(args) == 1 {
				request.Gateway = full("gateways", args[0])
			}
			ctx, cancel := c.call(cmd)
			defer cancel()
			all, err := c.finance().ListReconciliations(ctx, request)
			if err != nil {
				return err
			}
			return c.show(all, func() {
				if len(all.GetReconciliations()) == 0 {
					fmt.Fprintln(c.out, "There are no such runs.")
				}
				t := c.grid("GATEWAY", "DAY", "STATE", "LINES", "MATCHED", "OPENED", "CLOSED", "HEALED", "BEGUN", "BY", "RUN")
				for _, r := range all.GetReconciliations() {
					t.row(last(r.GetGateway()), r.GetDay(), runState(r), count(r.GetLines()), count(r.GetMatched()), count(r.GetFindingsOpened()), count(r.GetFindingsClosed()),
						count(r.GetHealed()), when(r.GetCreateTime()), person(r.GetActor()), last(r.GetName()))
				}
				t.render()
				c.printMore(all.GetNextPageToken())
			})
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&request.FromDay, "from", "", "only this business day and later ones")
	flags.StringVar(&request.ToDay, "to", "", "only this business day and earlier ones")
	flags.StringVar(&state, "state", "", "only this state: queued, reading, matching, done, failed or canceled")
	flags.Int32Var(&limit, "limit", 20, "how many at most, up to 1000")
	return cmd
}

func (c *client) runShowCommand() *cobra.Command {
	return &cobra.Command{
		Use: "show RUN", Short: "Show a run", Args: arguments(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx, cancel := c.call(cmd)
			defer cancel()
			r, err := c.finance().GetReconciliation(ctx, &payrouterv1.GetReconciliationRequest{Name: full("reconciliations", args[0])})
			if err != nil {
				return err
			}
			return c.show(r, func() { c.printRun(r) })
		},
	}
}

func (c *client) runWatchCommand() *cobra.Command {
	return &cobra.Command{
		Use: "watch RUN", Short: "Follow a run until it has ended", Args: arguments(1, 1),
		Long: "Shows how far a run is, until it has ended. It waits as long as it takes: --timeout does not end it.",
		RunE: func(cmd *cobra.Command, args []string) error {
			r, err := c.follow(cmd, full("reconciliations", args[0]))
			if err != nil {
				return err
			}
			return c.show(r, func() { c.printRun(r) })
		},
	}
}

func (c *client) runCancelCommand() *cobra.Command {
	var reason string
	cmd := &cobra.Command{
		Use: "cancel RUN --reason TEXT", Short: "End a run that has not ended", Args: arguments(1, 1),
		Long: "Ends a run that has not ended. What it found stays, and the day can be run again.",
		RunE: func(cmd *cobra.Command, args []string) error {
			if reason == "" {
				return errNoReason
			}
			ctx, cancel := c.call(cmd)
			defer cancel()
			r, err := c.finance().CancelReconciliation(ctx, &payrouterv1.CancelReconciliationRequest{Name: full("reconciliations", args[0]), Reason: reason})
			if err != nil {
				return err
			}
			return c.show(r, func() { c.printRun(r) })
		},
	}
	cmd.Flags().StringVar(&reason, "reason", "", "why, for the record (required)")
	return cmd
}

func (c *client) printRun(r *payrouterv1.Reconciliation) {
	t := c.grid()
	row := func(name, value string) {
		if value != "" {
			t.row(name, value)
		}
	}
	row("run", r.GetName())
	row("gateway", last(r.GetGateway()))
	row("day", fmt.Sprintf("%s, from %s to %s", r.GetDay(), when(r.GetDayStartTime()), when(r.GetDayEndTime())))
	row("state", runState(r))
	row("ordered by", and(person(r.GetActor()), r.GetReason()))
	row("begun", when(r.GetCreateTime()))
	row("ended", when(r.GetEndTime()))
	row("error", r.GetError())
	row("tried again", when(r.GetRetryTime()))
	row("lines read", count(r.GetLines()))
	row("matched", count(r.GetMatched()))
	row("undecided", count(r.GetCarried()))
	row("healed", count(r.GetHealed()))
	row("findings", fmt.Sprintf("%d opened, %d closed", r.GetFindingsOpened(), r.GetFindingsClosed()))
	if n := r.GetAttemptsDiverted(); n > 0 {
		row("passed over", fmt.Sprintf("by %d attempts, believed to be down; in the minutes of %d of them it took money", n, r.GetAttemptsDivertedWrongly()))
	}
	if n := r.GetAttemptsUnserved(); n > 0 {
		row("gave no service", fmt.Sprintf("to %d attempts; in the minutes of %d of them it took no money from anybody", n, r.GetAttemptsMissed()))
	}
	t.render()
	if r.GetFindingsOpened() > 0 {
		fmt.Fprintf(c.out, "\nSee what it found with: payctl findings --run %s\n", last(r.GetName()))
	}
}

func runState(r *payrouterv1.Reconciliation) string {
	text := word(r.GetState().String(), "STATE_")
	if n := r.GetFailures(); n > 0 && r.GetEndTime() == nil {
		text += fmt.Sprintf(", failed %d times", n)
	}
	return text
}

// follow shows how far a run is until it has ended: on a terminal as a bar that moves, else
// as a line for each state, and for programs not at all.
func (c *client) follow(cmd *cobra.Command, name string) (*payrouterv1.Reconciliation, error) {
	show, done := c.lines(), func() {}
	switch {
	case c.output != "table":
		show = func(*payrouterv1.Reconciliation) {}
	case c.width > 0:
		show, done = bar(c.out)
	}
	defer done()
	for {
		r, err := c.watched(cmd, name, show)
		if errors.Is(err, io.EOF) {
			return r, nil
		}
		if !slices.ContainsFunc(status.Convert(err).Details(), asksToReconnect) {
			return r, err
		}
	}
}

// watched reads one stream to its end, and returns the run as it was last.
func (c *client) watched(cmd *cobra.Command, name string, show func(*payrouterv1.Reconciliation)) (*payrouterv1.Reconciliation, error) {
	stream, err := c.finance().WatchReconciliation(c.identify(cmd.Context()), &payrouterv1.WatchReconciliationRequest{Name: name})
	if err != nil {
		return nil, err
	}
	var r *payrouterv1.Reconciliation
	for {
		message, err := stream.Recv()
		if err != nil {
			return r, err
		}
		if now := message.GetReconciliation(); now != nil {
			r = now
			show(r)
		}
	}
}

func (c *client) lines() func(*payrouterv1.Reconciliation) {
	printed := ""
	return func(r *payrouterv1.Reconciliation) {
		if text := runState(r); text != printed {
			printed = text
			fmt.Fprintf(c.out, "%s  %s %s: %s\n", when(r.GetUpdateTime()), last(r.GetGateway()), r.GetDay(), text)
		}
	}
}

// bar shows a run as a bar: how much of the day has been read, and how many orders are
// judged for the lines that there are.
func bar(out io.Writer) (show func(*payrouterv1.Reconciliation), done func()) {
	w := progress.NewWriter()
	w.SetOutputWriter(out)
	w.SetAutoStop(false)
	w.SetUpdateFrequency(100 * time.Millisecond)
	w.Style().Visibility.ETA, w.Style().Visibility.Speed = false, false
	rendered := make(chan struct{})
	go func() { defer close(rendered); w.Render() }()
	trackers := map[payrouterv1.Reconciliation_State]*progress.Tracker{}
	move := func(state payrouterv1.Reconciliation_State, text string, at, whole int64) {
		t := trackers[state]
		if t == nil {
			t = &progress.Tracker{Message: text, Total: max(whole, 1)}
			trackers[state] = t
			w.AppendTracker(t)
		}
		t.UpdateMessage(text)
		t.UpdateTotal(max(whole, 1))
		t.SetValue(min(at, max(whole, 1)))
	}
	return func(r *payrouterv1.Reconciliation) {
			day := r.GetDayEndTime().AsTime().Sub(r.GetDayStartTime().AsTime())
			read := r.GetReadToTime().AsTime().Sub(r.GetDayStartTime().AsTime())
			over := r.GetState() == payrouterv1.Reconciliation_STATE_DONE
			move(payrouterv1.Reconciliation_STATE_READING, fmt.Sprintf("reading %s: %d lines", r.GetDay(), r.GetLines()), int64(read/time.Minute), int64(day/time.Minute))
			if over || r.GetState() == payrouterv1.Reconciliation_STATE_MATCHING {
				judged, all := r.GetOrders(), max(r.GetLines(), r.GetOrders()+1)
				if over {
					all = judged
				}
				move(payrouterv1.Reconciliation_STATE_MATCHING, fmt.Sprintf("matching: %d orders, %d findings", judged, r.GetFindingsOpened()), judged, all)
			}
		}, func() {
			for _, t := range trackers {
				t.MarkAsDone()
			}
			w.Stop()
			<-rendered
		}
}
