package sim

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// qpFields are the fields of a request body, each as it was written.
type qpFields map[string]json.RawMessage

// readQPFields reads a body: JSON, or a form, whose values are all text. Nothing at all is as good as {}; a list is refused.
func readQPFields(contentType string, body []byte) (qpFields, error) {
	if strings.HasPrefix(contentType, "application/x-www-form-urlencoded") {
		form, err := url.ParseQuery(string(body))
		if err != nil {
			return nil, err
		}
		return qpForm(form), nil
	}
	fields := qpFields{}
	if len(bytes.TrimSpace(body)) == 0 {
		return fields, nil
	}
	if err := json.Unmarshal(body, &fields); err != nil {
		return nil, err
	}
	if fields == nil {
		return nil, fmt.Errorf("the body is null")
	}
	return fields, nil
}

// qpForm reads form fields; variables[attempt]=a1 is a field of an object.
func qpForm(form url.Values) qpFields {
	fields, objects := qpFields{}, map[string]map[string]string{}
	for name, values := range form {
		outer, inner, nested := strings.Cut(strings.TrimSuffix(name, "]"), "[")
		if !nested {
			fields[name] = qpText(values[0])
			continue
		}
		if objects[outer] == nil {
			objects[outer] = map[string]string{}
		}
		objects[outer][inner] = values[0]
	}
	for name, object := range objects {
		fields[name], _ = json.Marshal(object) // text always can be
	}
	return fields
}

func qpText(s string) json.RawMessage {
	text, _ := json.Marshal(s) // a string always can be
	return text
}

// given says that a field is there and is not null.
func (f qpFields) given(name string) bool {
	return len(f[name]) > 0 && string(f[name]) != "null"
}

// text is a JSON string; anything else counts as missing.
func (f qpFields) text(name string) string {
	var s string
	if json.Unmarshal(f[name], &s) != nil {
		return ""
	}
	return s
}

// flag is a JSON true, or the same word as text.
func (f qpFields) flag(name string) bool {
	return strings.Trim(string(f[name]), `"`) == "true"
}

// number is a whole number above zero, with or without quotes.
func (f qpFields) number(name string) (int64, bool) {
	digits := strings.Trim(string(f[name]), `"`)
	if !isDigits(digits) {
		return 0, false
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	return n, err == nil && n > 0
}

// object is the fields of an object within; empty when there is none.
func (f qpFields) object(name string) qpFields {
	in := qpFields{}
	if json.Unmarshal(f[name], &in) != nil || in == nil {
		return qpFields{}
	}
	return in
}

func qpIsURL(text string) bool {
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != ""
}

// qpTime writes an instant as objects do.
func qpTime(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }

// qpPayload writes an object as answers and callbacks have it, without escaping for HTML.
func qpPayload(v any) []byte {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic("sim: quickpay answer: " + err.Error())
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n"))
}

// qpType is the content type to the letter: the official Python client decodes nothing else (section 10).
const qpType = "application/json"

func qpJSON(status int, v any) reply {
	return reply{status: status, contentType: qpType, body: qpPayload(v)}
}

// qpRefusal is an error body. Errors name fields; code is the error_code, empty is null.
func qpRefusal(status int, message string, errors map[string][]string, code string) reply {
	if errors == nil {
		errors = map[string][]string{}
	}
	body := struct {
		Message   string              `json:"message"`
		Errors    map[string][]string `json:"errors"`
		ErrorCode *string             `json:"error_code"`
	}{message, errors, nil}
	if code != "" {
		body.ErrorCode = &code
	}
	return qpJSON(status, body)
}

// qpInvalid is a validation error about one field.
func qpInvalid(field, text string) reply {
	return qpRefusal(http.StatusBadRequest, "Validation error", map[string][]string{field: {text}}, "")
}

// qpNoSuch is the 404 about an object.
func qpNoSuch(kind, id string) reply {
	return qpRefusal(http.StatusNotFound, fmt.Sprintf("Not found: No %s with id %s", kind, id), nil, "")
}

// qpUnauthorized is a wrong API key. Nothing happened, and the same request may come again.
func qpUnauthorized(status int) reply {
	rep := qpRefusal(cmp.Or(status, http.StatusUnauthorized), "Invalid API key", nil, "")
	rep.unprocessed = true
	return rep
}

// busy refuses an operation while another one is under way.
func (q *quickpay) busy(operation string) reply {
	if q.sw.BusyIs409 {
		return qpRefusal(http.StatusConflict, "Conflict", nil, "")
	}
	return q.wrongState(operation)
}

// wrongState refuses an operation that the payment's operations do not allow.
func (q *quickpay) wrongState(operation string) reply {
	if q.sw.NewerStateText {
		return qpRefusal(http.StatusBadRequest, "Validation error: Payment is not in a valid state for "+operation, nil, "")
	}
	return qpRefusal(http.StatusBadRequest, "Transaction in wrong state for this operation", nil, "")
}
