package main

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/reflect/protoreflect"

	payrouterv1 "github.com/payrouter/payrouter/proto/payrouter/v1"
)

// A shell that is asked for names asks payctl, which asks the service. Nobody waits for
// long while typing, and a service that does not answer has no names: nothing is said.

// completeWithin is how long the service may take to tell its names.
const completeWithin = time.Second

// mostNames is how many a shell is given.
const mostNames = 50

// names asks the service for what a word may be.
type names func(ctx context.Context, cmd *cobra.Command) ([]cobra.Completion, error)

// complete teaches all commands below to complete their arguments, by the word for them in
// their usage, and the flags whose values have names.
func (c *client) complete(root *cobra.Command) {
	kinds := map[string]names{"GATEWAY": c.gatewayNames, "RUN": c.runNames, "FINDING": c.findingNames, "DISPUTE": c.disputeNames}
	flags := map[string]names{"gateway": c.gatewayNames, "to": c.gatewayNames, "run": c.runNames}
	for _, cmd := range root.Commands() {
		c.complete(cmd)
		if _, after, ok := strings.Cut(cmd.Use, " "); ok && cmd.ValidArgsFunction == nil {
			kind, rest, _ := strings.Cut(strings.Trim(after, "[]"), " ")
			named, known := kinds[kind]
			if known && slices.Contains([]string{"restore", "reconciled"}, cmd.Name()) {
				named = c.orderedNames
			}
			if known {
				cmd.ValidArgsFunction = c.argument(named, strings.HasPrefix(rest, "FILE"))
			}
		}
		for flag, named := range flags {
			if f := cmd.LocalFlags().Lookup(flag); f != nil && (flag != "to" || strings.Contains(f.Usage, "gateway")) {
				_ = cmd.RegisterFlagCompletionFunc(flag, c.flagValue(named)) // fails for a flag that is not there, or told twice
			}
		}
		for flag, values := range closedFlags(cmd.CommandPath()) {
			_ = cmd.RegisterFlagCompletionFunc(flag, fixed(values...))
		}
	}
}

// closedFlags are the values of a command's flags that are closed sets.
func closedFlags(path string) map[string][]cobra.Completion {
	return map[string]map[string][]cobra.Completion{
		"payctl payment list":    {"state": wordsOf(payrouterv1.Payment_State(0).Descriptor(), "STATE_")},
		"payctl payment create":  {"method": wordsOf(payrouterv1.Method(0).Descriptor(), "METHOD_")},
		"payctl reconcile list":  {"state": wordsOf(payrouterv1.Reconciliation_State(0).Descriptor(), "STATE_")},
		"payctl dispute list":    {"state": wordsOf(payrouterv1.Dispute_State(0).Descriptor(), "STATE_")},
		"payctl statement":       {"language": {"ru", "kk", "en"}, "format": {"csv", "xlsx", "pdf"}},
		"payctl kaspi readiness": {"lang": {"ru", "kk", "en"}},
		"payctl rehearse":        {"fault": {"refuse", "hang", "act-hang", "http-error"}},
		"payctl resolve":         {"verdict": wordsOf(payrouterv1.ResolveAttemptRequest_Verdict(0).Descriptor(), "VERDICT_")},
	}[path]
}

// wordsOf are the values of an enum as the command line writes them, without the one that
// stands for none.
func wordsOf(enum protoreflect.EnumDescriptor, prefix string) (all []cobra.Completion) {
	for i := range enum.Values().Len() {
		if v := enum.Values().Get(i); v.Number() != 0 {
			all = append(all, strings.ReplaceAll(strings.ToLower(strings.TrimPrefix(string(v.Name()), prefix)), "_", "-"))
		}
	}
	return all
}

// argument completes the first argument. After it comes a file, or nothing.
func (c *client) argument(named names, file bool) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
		switch {
		case len(args) == 0:
			return c.namesFrom(cmd, named, begun)
		case file:
			return nil, cobra.ShellCompDirectiveDefault
		}
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
}

// flagValue completes a flag.
func (c *client) flagValue(named names) cobra.CompletionFunc {
	return func(cmd *cobra.Command, _ []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
		return c.namesFrom(cmd, named, begun)
	}
}

// namesFrom asks the service for the names that begin so.
func (c *client) namesFrom(cmd *cobra.Command, named names, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
	if c.conn != nil { // made before the command's flags were read
		_ = c.conn.Close()
	}
	if err := c.connect(cmd.Flags().Changed("as")); err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	ctx, cancel := context.WithTimeout(c.identify(cmd.Context()), completeWithin)
	defer cancel()
	all, err := named(ctx, cmd)
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return begins(all, begun), cobra.ShellCompDirectiveNoFileComp
}

// fixed completes a flag whose values are a closed set.
func fixed(values ...cobra.Completion) cobra.CompletionFunc {
	return func(_ *cobra.Command, _ []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
		return begins(slices.Clone(values), begun), cobra.ShellCompDirectiveNoFileComp
	}
}

// begins keeps what begins as was typed.
func begins(all []cobra.Completion, begun string) []cobra.Completion {
	return slices.DeleteFunc(all, func(name string) bool { return !strings.HasPrefix(name, begun) })
}

func (c *client) gatewayNames(ctx context.Context, _ *cobra.Command) (all []cobra.Completion, err error) {
	page, err := c.operations().ListGateways(ctx, &payrouterv1.ListGatewaysRequest{PageSize: mostNames})
	for _, g := range page.GetGateways() {
		all = append(all, cobra.CompletionWithDesc(last(g.GetName()), admission(g)))
	}
	return all, err
}

// orderedNames are the gateways with orders in force or to come that the command ends.
func (c *client) orderedNames(ctx context.Context, cmd *cobra.Command) (all []cobra.Completion, err error) {
	page, err := c.operations().ListOverrides(ctx, &payrouterv1.ListOverridesRequest{Parent: "gateways/-", ActiveOnly: true, PageSize: mostNames})
	told := map[string]bool{}
	for _, o := range page.GetOverrides() {
		ends := (o.GetMode() == payrouterv1.Override_MODE_RECONCILE) == (cmd.Name() == "reconciled")
		if name := last(o.GetGateway()); ends && !told[name] {
			told[name] = true
			all = append(all, cobra.CompletionWithDesc(name, word(o.GetMode().String(), "MODE_")+" by "+people(o)+": "+o.GetReason()))
		}
	}
	return all, err
}

func (c *client) runNames(ctx context.Context, _ *cobra.Command) (all []cobra.Completion, err error) {
	page, err := c.finance().ListReconciliations(ctx, &payrouterv1.ListReconciliationsRequest{PageSize: mostNames})
	for _, r := range page.GetReconciliations() {
		all = append(all, cobra.CompletionWithDesc(last(r.GetName()), last(r.GetGateway())+" "+word(r.GetState().String(), "STATE_")))
	}
	return all, err
}

func (c *client) findingNames(ctx context.Context, _ *cobra.Command) (all []cobra.Completion, err error) {
	page, err := c.finance().ListFindings(ctx, &payrouterv1.ListFindingsRequest{PageSize: mostNames})
	for _, f := range page.GetFindings() {
		all = append(all, cobra.CompletionWithDesc(findingID(f.GetName()), and(strings.ReplaceAll(f.GetKind(), "_", " "), last(f.GetGateway()))))
	}
	return all, err
}

func (c *client) disputeNames(ctx context.Context, _ *cobra.Command) (all []cobra.Completion, err error) {
	page, err := payrouterv1.NewDisputesClient(c.conn).ListDisputes(ctx, &payrouterv1.ListDisputesRequest{PageSize: mostNames})
	for _, d := range page.GetDisputes() {
		all = append(all, cobra.CompletionWithDesc(last(d.GetName()), and(word(d.GetState().String(), "STATE_"), last(d.GetPayment()))))
	}
	return all, err
}
