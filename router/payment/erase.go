package payment

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"
)

// part names values of a JSON object: the whole of one, or parts of it.
type part map[string]part

// personal says what of an event's body is about the payer or was for the payer alone. What
// an offer showed may hold a phone or an e-mail address (Halyk's page does), and so may the
// caller's words that were shown beside it. That there was an offer, of which kind and until
// when, stays: the fold goes by it. So do reasons that people gave (I12), and a customer's
// opaque id, which leads to a person by the caller's own books only.
var personal = map[string]part{
	Opened{}.Kind():   {"description": nil, "return_url": nil},
	Observed{}.Kind(): {"action": {"url": nil, "text": nil, "fields": nil}},
}

// Erase takes what is personal out of an event's body as it is stored, and leaves every
// other byte as it was. A body that lost something says when, under "erased". It reports
// whether there was anything to take.
func Erase(kind string, body []byte, at time.Time) ([]byte, bool, error) {
	values, erased, err := without(body, personal[kind])
	if err != nil {
		return body, false, fmt.Errorf("erase of an event %q: %w", kind, err)
	}
	if !erased {
		return body, false, nil
	}
	when, err := json.Marshal(Instant(at))
	if err != nil {
		return body, false, err
	}
	return written(append(values, value{"erased", when})), true, nil
}

// value is one value of a JSON object, byte for byte.
type value struct {
	name string
	text json.RawMessage
}

// without reads an object's values but for those that are named.
func without(object []byte, named part) (kept []value, found bool, err error) {
	in := json.NewDecoder(bytes.NewReader(object))
	if start, err := in.Token(); err != nil || start != json.Delim('{') {
		return nil, false, fmt.Errorf("no object, but %v: %w", start, err)
	}
	for in.More() {
		name, err := in.Token()
		if err != nil {
			return nil, false, err
		}
		text, is := name.(string)
		if !is {
			return nil, false, fmt.Errorf("%v names no value", name)
		}
		v := value{name: text}
		if err := in.Decode(&v.text); err != nil {
			return nil, false, err
		}
		below, taken := named[v.name]
		switch {
		case taken && below == nil:
			found = true
			continue
		case taken && string(v.text) != "null":
			inner, some, err := without(v.text, below)
			if err != nil {
				return nil, false, err
			}
			if some {
				v.text, found = written(inner), true
			}
		}
		kept = append(kept, v)
	}
	_, err = in.Token()
	return kept, found, err
}

// written is an object of these values.
func written(values []value) []byte {
	out := []byte{'{'}
	for i, v := range values {
		if i > 0 {
			out = append(out, ',')
		}
		out = fmt.Appendf(out, "%q:", v.name) // names of ours, plain letters
		out = append(out, v.text...)
	}
	return append(out, '}')
}

// Impersonal is the payment as its events tell of it once they are erased.
func (p Payment) Impersonal() Payment {
	p = p.clone()
	p.Description, p.ReturnURL = "", ""
	for i, a := range p.Attempts {
		if a.Action != nil {
			action := *a.Action
			action.URL, action.Text, action.Fields = "", "", nil
			p.Attempts[i].Action = &action
		}
	}
	return p
}

// Settled reports whether the payment is over with all that belongs to it: nobody waits for
// anything of it, and no money is on its way or can still come.
func (p Payment) Settled() bool {
	if !p.Status().Final() || p.Sums().Surplus > 0 {
		return false
	}
	for _, a := range p.Attempts {
		if a.Open() {
			return false
		}
	}
	for _, o := range p.Operations {
		if !o.Settled() {
			return false
		}
	}
	for _, r := range p.Refunds {
		if r.State == RefundPending {
			return false
		}
	}
	return true
}
