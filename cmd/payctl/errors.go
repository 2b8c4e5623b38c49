package main

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/known/timestamppb"

	payrouterv1 "github.com/payrouter/payrouter/proto/payrouter/v1"
)

// explain tells an error as a person wants to read it: what was refused, in the command
// line's own words, and the way out. With -o json it is a google.rpc.Status. It is empty
// when there is nothing to say: a person who interrupts a reading knows why it ended.
func (c *client) explain(ctx context.Context, cmd *cobra.Command, err error) string {
	s, ok := status.FromError(err)
	if !ok {
		return "payctl: " + err.Error()
	}
	if c.output == "json" {
		if out, err := protojson.Marshal(s.Proto()); err == nil {
			return string(out)
		}
	}
	interrupted := ctx.Err() != nil
	if interrupted && c.repeat == "" {
		return ""
	}
	var b strings.Builder
	b.WriteString("payctl: " + c.headline(cmd, s, interrupted))
	line := func(key, value string) { fmt.Fprintf(&b, "\n  %-14s %s", key, plain(value)) }
	for _, detail := range s.Details() {
		switch d := detail.(type) {
		case *errdetails.ErrorInfo:
			line("reason", d.GetReason())
			metadata := instants(amounts(d.GetMetadata()))
			if days := metadata["days"]; days != "" {
				metadata["days"] = spans(strings.Fields(days))
			}
			for _, key := range slices.Sorted(maps.Keys(metadata)) {
				line(key, metadata[key])
			}
		case *errdetails.PreconditionFailure:
			for _, v := range d.GetViolations() {
				if gateway, ok := strings.CutPrefix(v.GetSubject(), "gateways/"); ok && !strings.Contains(gateway, "/") { // why each gateway of a route is out
					line(gateway, why(v.GetType(), v.GetDescription()))
				}
			}
		case *errdetails.RetryInfo:
			line("try again", "in "+d.GetRetryDelay().AsDuration().String())
		}
	}
	for _, hint := range c.wayOut(s) {
		b.WriteString("\n" + hint)
	}
	return b.String()
}

// headline is the error's first line, or one line for each field that is wrong.
func (c *client) headline(cmd *cobra.Command, s *status.Status, interrupted bool) string {
	for _, detail := range s.Details() {
		if bad, ok := detail.(*errdetails.BadRequest); ok && len(bad.GetFieldViolations()) > 0 {
			var lines []string
			for _, v := range bad.GetFieldViolations() {
				lines = append(lines, flagOf(cmd, v.GetField())+" "+v.GetDescription())
			}
			return strings.Join(lines, "\n        ")
		}
	}
	switch {
	case interrupted:
		return "interrupted"
	case s.Code() == codes.DeadlineExceeded:
		return fmt.Sprintf("%s gave no answer within %s (--timeout)", c.address, c.timeout)
	case s.Code() == codes.Unavailable && len(s.Details()) == 0:
		text := strings.TrimSuffix(strings.TrimPrefix(s.Message(), `connection error: desc = "`), `"`)
		return fmt.Sprintf("payrouter cannot be reached at %s: %s", c.address, strings.TrimPrefix(text, "transport: Error while dialing: "))
	}
	return strings.NewReplacer("payrouter-tenant", "--tenant", "payrouter-operator", "--as").Replace(s.Message())
}

// flagNames are the command line's words for fields of the API whose flags are named
// otherwise.
var flagNames = map[string]string{
	"minor_units": "amount", "currency_code": "currency", "methods": "method", "order_id": "order", "customer_id": "customer",
	"display_name": "name", "ip_address": "ip", "save_instrument": "save", "soft_decline_retry": "soft-retry", "capture_mode": "hold",
	"gateways": "gateway", "duration": "for", "page_size": "limit", "create_time_after": "since", "shown_time": "shown",
}

// flagOf is what the person typed for a field of the API: a flag, or else the argument.
func flagOf(cmd *cobra.Command, field string) string {
	base, index, indexed := strings.Cut(field[strings.LastIndexByte(field, '.')+1:], "[")
	if indexed {
		index = "[" + index
	}
	args := cmd.Flags().Args()
	if (field == "name" || field == "parent") && len(args) > 0 {
		return strconv.Quote(args[0])
	}
	name, renamed := flagNames[base]
	if !renamed {
		name = strings.ReplaceAll(base, "_", "-")
	}
	switch {
	case cmd.Flags().Lookup(name) != nil:
		return "--" + name + index
	case len(args) > 0:
		return strconv.Quote(args[0])
	}
	return field
}

// see is the command that shows a payment, a run, a dispute, or the orders about a gateway.
func see(name string) string {
	parts := strings.Split(name, "/")
	if parts[0] == "gateways" && len(parts) > 1 {
		return "payctl overrides " + parts[1]
	}
	if parts[0] == "evidence" {
		return "payctl kaspi evidence list"
	}
	if parts[0] == "reconciliations" && len(parts) > 1 {
		return "payctl reconcile show " + parts[1]
	}
	if parts[0] == "disputes" && len(parts) > 1 {
		return "payctl dispute show " + parts[1]
	}
	return "payctl payment get " + strings.Join(parts[:min(2, len(parts))], "/")
}

// amounts puts together what metadata can only carry apart: minor units and currency.
func amounts(metadata map[string]string) map[string]string {
	told := map[string]string{}
	for key, value := range metadata {
		name, isAmount := strings.CutSuffix(key, "_minor_units")
		minor, err := strconv.ParseInt(value, 10, 64)
		switch currency := metadata["currency_code"]; {
		case isAmount && err == nil && currency != "":
			told[name] = exactly(&payrouterv1.Money{MinorUnits: minor, CurrencyCode: currency})
		case key != "currency_code":
			told[key] = value
		}
	}
	return told
}

// instants tells instants as every table does, in the person's own zone.
func instants(metadata map[string]string) map[string]string {
	for key, value := range metadata {
		if at, err := time.Parse(time.RFC3339Nano, value); err == nil && strings.HasSuffix(key, "_time") {
			metadata[key] = when(timestamppb.New(at))
		}
	}
	return metadata
}

// spans writes days in their order, those that follow one another as one span.
func spans(days []string) string {
	var said []string
	for i := 0; i < len(days); {
		end := i
		for end+1 < len(days) && follows(days[end], days[end+1]) {
			end++
		}
		if end > i {
			said = append(said, days[i]+" to "+days[end])
		} else {
			said = append(said, days[i])
		}
		i = end + 1
	}
	return strings.Join(said, ", ")
}

// follows reports whether a day is the one after another.
func follows(day, next string) bool {
	at, err := time.Parse(time.DateOnly, day)
	return err == nil && at.AddDate(0, 0, 1).Format(time.DateOnly) == next
}

// wayOut says what can be done now.
func (c *client) wayOut(s *status.Status) []string {
	var hints []string
	info := &errdetails.ErrorInfo{}
	for _, detail := range s.Details() {
		if found, ok := detail.(*errdetails.ErrorInfo); ok {
			info = found
		}
	}
	of := info.GetMetadata()
	switch info.GetReason() {
	case "SECOND_PERSON_NEEDED":
		hints = append(hints, "Your word is recorded. A colleague who has looked too gives the same command under their own name.")
		if strings.HasPrefix(of["name"], "gateways/") {
			hints = append(hints, "It must be for as long as yours, or it is another order. Take yours back with: payctl restore "+strings.Split(of["name"], "/")[1])
		}
	case "ORDER_ALREADY_OPEN", "ORDER_ALREADY_PAID":
		if of["payment"] != "" {
			hints = append(hints, "See it with: payctl payment get "+of["payment"])
		}
	case "REQUEST_ID_REUSED":
		hints = append(hints, "See what it made the first time with: "+see(of["name"]))
	case "PAYMENT_NOT_CANCELABLE":
		if of["state"] == "PAID" {
			hints = append(hints, "Give the money back with: payctl payment refund "+of["name"])
		}
	case "STALE_ETAG", "FINDING_CLOSED", "FINDING_OPEN", "FINDING_NOT_ADOPTABLE", "DISPUTE_EXISTS", "DISPUTE_ANSWERED", "DISPUTE_CLOSED":
		switch {
		case strings.HasPrefix(of["name"], "findings/"):
			hints = append(hints, "See it with: payctl finding show "+findingID(of["name"]))
		case strings.HasPrefix(of["name"], "disputes/"):
			hints = append(hints, "See it with: "+see(of["name"]))
		}
	case "NOTHING_TAKEN":
		hints = append(hints, "See its attempts with: payctl explain "+last(of["name"])+", and name one with --attempt")
	case "NO_STATEMENT_SOURCE":
		hints = append(hints, "See what its provider offers with: payctl gateways "+last(of["gateway"])+" --claims")
	case "DAYS_MISSING":
		first, _, _ := strings.Cut(of["days"], " ")
		hints = append(hints, "Read a day with: payctl reconcile run "+last(of["gateway"])+" --day "+first+" --reason \"for the statement\"",
			"Or write what there is: --allow-missing-days names the others on the document")
	case "GATEWAY_NOT_FOUND":
		hints = append(hints, "See all with: payctl gateways")
	case "NOT_FOUND":
		if strings.HasPrefix(of["name"], "payments/") && c.tenant == "" {
			hints = append(hints, "Is it another tenant's? --tenant says whose.")
		}
	case "DAY_NOT_OVER":
		hints = append(hints, "It can be read from ready_time on.")
	case "ALL_GATEWAYS_UNAVAILABLE":
		hints = append(hints, "See why with: payctl gateways")
	case "UNAUTHENTICATED", "PERMISSION_DENIED":
		if hint := c.whoAmI(info.GetReason(), s.Message(), of); hint != "" {
			hints = append(hints, hint)
		}
	case "":
		if s.Code() == codes.Unavailable {
			hints = append(hints, cmp.Or(c.proof.unmet(s.Message()), "Is it running there? Name another address with --address or PAYROUTER_ADDRESS."))
		}
	}
	if c.repeat != "" && mayBeGoingOn(s.Code(), info.GetReason()) {
		hints = append(hints, "It may be going on without you. Repeat the command with these flags, and it is not done twice:", "  "+c.repeat)
	}
	return hints
}

// mayBeGoingOn reports whether a wish that ended with this error may be carried out all
// the same. What nobody listed may.
func mayBeGoingOn(code codes.Code, reason string) bool {
	switch code {
	case codes.InvalidArgument, codes.FailedPrecondition, codes.AlreadyExists, codes.NotFound, codes.Aborted, codes.PermissionDenied, codes.Unauthenticated,
		codes.Unimplemented:
		return false
	}
	return reason != "ALL_GATEWAYS_UNAVAILABLE" // which says that nothing was sent
}
