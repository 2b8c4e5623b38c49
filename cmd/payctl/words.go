package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	payrouterv1 "github.com/payrouter/payrouter/proto/payrouter/v1"
	"github.com/payrouter/payrouter/providers"
)

// show prints a message as JSON when that was asked for, else by print.
func (c *client) show(m proto.Message, print func()) error {
	if c.output == "json" {
		return c.json(m, true)
	}
	print()
	return nil
}

// json prints a message of the API as it is. Empty lists and zeros are written too, so
// that a program finds every field.
func (c *client) json(m proto.Message, multiline bool) error {
	out, err := protojson.MarshalOptions{Multiline: multiline, UseProtoNames: true, EmitDefaultValues: true}.Marshal(m)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.out, "%s\n", out)
	return err
}

// money tells an amount for people; nothing for no money.
func money(m *payrouterv1.Money) string {
	if m.GetMinorUnits() == 0 {
		return ""
	}
	return exactly(m)
}

// exactly tells an amount, be it nothing.
func exactly(m *payrouterv1.Money) string {
	return providers.Money{Minor: m.GetMinorUnits(), Currency: m.GetCurrencyCode()}.String()
}

// word turns an enum's name into a word: STATE_AWAITING_PAYER is "awaiting payer". What
// is not set is nothing.
func word(name, prefix string) string {
	text := strings.ReplaceAll(strings.ToLower(strings.TrimPrefix(name, prefix)), "_", " ")
	if text == "unspecified" {
		return ""
	}
	return text
}

// when tells an instant in local time, with its zone, because gateways' cabinets and
// logs have others; and with the date when it is another day. It is nothing for none.
func when(t *timestamppb.Timestamp) string {
	if t == nil {
		return ""
	}
	return seenAt(time.Now(), t.AsTime())
}

// seenAt is when, for a reader at an instant and in a zone.
func seenAt(now, t time.Time) string {
	t = t.In(now.Location())
	if t.Format(time.DateOnly) == now.Format(time.DateOnly) {
		return t.Format("15:04:05 MST")
	}
	return t.Format("2006-01-02 15:04:05 MST")
}

// span tells a length of time as people write it: 10m, not 10m0s.
func span(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// last is the id at the end of a resource name.
func last(name string) string { return name[strings.LastIndex(name, "/")+1:] }

// full completes an id to a resource name.
func full(collection, id string) string {
	if strings.HasPrefix(id, collection+"/") {
		return id
	}
	return collection + "/" + id
}

// person is an actor of the records without the word for what kind it is.
func person(actor string) string { return strings.TrimPrefix(actor, "operator:") }

// stateOf is a payment's state together with what would mislead when left out.
func stateOf(p *payrouterv1.Payment) string {
	text := word(p.GetState().String(), "STATE_")
	switch refunded := p.GetRefunded().GetMinorUnits(); {
	case p.GetSurplus().GetMinorUnits() > 0:
		text += ", too much money"
	case refunded > 0 && refunded >= p.GetPaid().GetMinorUnits():
		text += ", refunded"
	case refunded > 0:
		text += ", partly refunded"
	case p.GetCancelTime() != nil && !decided(p):
		text += ", cancel asked for"
	}
	return text
}

// decided reports whether a payment's state is final.
func decided(p *payrouterv1.Payment) bool {
	return slices.Contains([]payrouterv1.Payment_State{payrouterv1.Payment_STATE_PAID, payrouterv1.Payment_STATE_DECLINED,
		payrouterv1.Payment_STATE_FAILED, payrouterv1.Payment_STATE_CANCELED}, p.GetState())
}

// advice is what the payer may be told.
func advice(a payrouterv1.PayerAdvice) string {
	switch a {
	case payrouterv1.PayerAdvice_PAYER_ADVICE_NONE:
		return ""
	case payrouterv1.PayerAdvice_PAYER_ADVICE_PAY_AGAIN_SAFE:
		return "paying again is safe"
	case payrouterv1.PayerAdvice_PAYER_ADVICE_USE_ANOTHER_METHOD:
		return "use another card or method"
	case payrouterv1.PayerAdvice_PAYER_ADVICE_CONTACT_SUPPORT:
		return "do not pay again, contact support"
	}
	return "finish it or wait, do not pay again" // also what is not set or not known
}

// why tells a route's code, with its detail, in words.
func why(code, detail string) string {
	text := cmp.Or(map[string]string{
		"capable":       "could take it, comes later in order",
		"method":        "does not serve the method",
		"currency":      "does not take the currency",
		"amount":        "cannot take the amount",
		"two_stage":     "cannot hold money",
		"no_token":      "has no token of the instrument",
		"tried":         "was tried before",
		"deadline":      "the deadline is too short",
		"probe_failing": "probes fail",
		"ramping":       "only a share goes there after an outage",
		"busy":          "is at its limit of calls",
	}[code], strings.ReplaceAll(code, "_", " "))
	if detail != "" {
		text += ": " + detail
	}
	return text
}

// ago is the instant that --since names, or nothing where it is not given.
func ago(cmd *cobra.Command, since time.Duration) (*timestamppb.Timestamp, error) {
	switch {
	case !cmd.Flags().Changed("since"):
		return nil, nil //nolint:nilnil // no limit
	case since <= 0:
		return nil, usagef("--since %s: it must be more than zero, for example 48h", since)
	}
	return timestamppb.New(time.Now().Add(-since)), nil
}
