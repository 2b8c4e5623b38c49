package quickpay

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/payrouter/payrouter/providers"
)

// refusal is why a request has no answer to read.
type refusal struct {
	// result is what it proves by itself. Of a 400 that is nothing: whoever asked looks at
	// the fields, or at the payment.
	result  providers.Result
	invalid bool     // 400, in QuickPay's words
	fields  []string // those that a 400 names; none means that the payment is in the wrong state
}

// names reports whether a validation error is about one of the fields, or about a part
// of one ("card.token").
func (r *refusal) names(fields ...string) bool {
	return slices.ContainsFunc(r.fields, func(named string) bool {
		whole, _, _ := strings.Cut(named, ".")
		return slices.Contains(fields, whole)
	})
}

// errorBody is the body of every 4xx.
type errorBody struct {
	Message   string          `json:"message"`
	Errors    json.RawMessage `json:"errors"` // an object from field to texts; may be empty
	ErrorCode literal         `json:"error_code"`
}

var (
	errWordless = errors.New("quickpay: the refusal is not in QuickPay's words")
	errRefused  = errors.New("quickpay: the request was refused")
	errInvalid  = errors.New("quickpay: the request was found invalid")
)

// readRefusal reads any answer below 500 that is no 2xx. The table is that of the notes,
// section 6.2; the texts are not read, since they change.
func readRefusal(status int, body []byte) refusal {
	code := fmt.Sprintf("http %d", status)
	var said errorBody
	if json.Unmarshal(body, &said) != nil || strings.TrimSpace(said.Message) == "" {
		return refusal{result: providers.Doubt(providers.Unreadable, code, errWordless)}
	}
	because := func(reason providers.Reason) refusal {
		return refusal{result: providers.Result{Verdict: providers.Unserved, Reason: reason, Code: code, Err: errRefused}}
	}
	switch status {
	case http.StatusBadRequest:
		return said.validation(code)
	case http.StatusUnauthorized, http.StatusPaymentRequired, http.StatusForbidden, http.StatusMethodNotAllowed, http.StatusNotAcceptable:
		return because(providers.Misconfigured)
	case http.StatusNotFound:
		return because(providers.NotFound)
	case http.StatusTooManyRequests:
		return because(providers.Throttled)
	case http.StatusConflict:
		return refusal{result: providers.Doubt(providers.Ambiguous, code, errRefused)}
	}
	return refusal{result: providers.Doubt(providers.Unreadable, code, errRefused)}
}

// validation reads a 400: fields, or the wrong state. With an error code and no field it
// may say anything.
func (e errorBody) validation(code string) refusal {
	var fields map[string]json.RawMessage
	if json.Unmarshal(e.Errors, &fields) != nil {
		fields = nil
	}
	if len(fields) == 0 && e.ErrorCode != "" {
		return refusal{result: providers.Doubt(providers.UnknownCode, code+" "+shown(e.ErrorCode), errInvalid)}
	}
	r := refusal{invalid: true, fields: slices.Sorted(maps.Keys(fields))}
	if len(r.fields) > 0 {
		code += " " + shown(literal(r.fields[0]))
	}
	r.result = providers.Doubt(providers.Ambiguous, code, errInvalid)
	return r
}

var aWord = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,24}$`)

// shown is a word of QuickPay's for people. What does not look like one is not repeated;
// it could hold anything.
func shown(l literal) string {
	if l != "" && !aWord.MatchString(string(l)) {
		return "?"
	}
	return string(l)
}

// onCharge is what a refusal says of a request that would have offered or charged.
// What it speaks of was made a moment ago, so "not found" is no end but a set-up gone wrong.
func (r *refusal) onCharge() providers.Result {
	result := r.result
	switch {
	case result.Verdict == providers.Unserved && result.Reason == providers.NotFound:
		result.Reason = providers.Misconfigured
	case r.invalid && len(r.fields) > 0:
		result.Verdict, result.Reason = providers.Unserved, providers.Misconfigured
		if r.names("amount", "currency", "card") { // this account cannot, another may
			result.Reason = providers.Unsupported
		}
	}
	return result
}
