package kaspi

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/google/uuid"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/providers/internal/exchange"
)

// call is one request of the QR API.
type call struct {
	method  string
	url     string
	body    any // nil: none
	timeout time.Duration
	codes   codes
	moves   bool // moves money, or makes or ends something that can be paid
}

// envelope is around every answer. The decoder does not mind case, which the
// sandbox's lower-case "message" needs. The message itself is never kept: it may
// name a person.
type envelope struct {
	StatusCode statusCode      `json:"StatusCode"`
	Data       json.RawMessage `json:"Data"`
}

// statusCode is told or not: an answer without one is not Kaspi's.
type statusCode struct {
	told bool
	code int64
}

func (s *statusCode) UnmarshalJSON(literal []byte) error {
	text, err := bare(literal)
	if err != nil {
		return err
	}
	code, err := json.Number(text).Int64()
	if err != nil {
		return errors.New("StatusCode is not an integer")
	}
	*s = statusCode{told: true, code: code}
	return nil
}

// do makes the call and reads the Data of a success into data, which may be nil
// when the operation answers none. It reports false when the Result says it all.
func (g *Gateway) do(ctx context.Context, c call, data any) (providers.Result, bool) {
	request := exchange.Call{
		Method: c.method, URL: c.url, Timeout: c.timeout, MovesMoney: c.moves,
		Header: map[string]string{"Accept": "application/json", "X-Request-ID": requestID()},
	}
	if g.config.Scheme == R1 {
		request.Header["Api-Key"] = g.config.APIKey.Reveal()
	}
	if c.body != nil {
		body, err := json.Marshal(c.body)
		if err != nil {
			return providers.HeldBack(err), false
		}
		request.Body, request.ContentType = body, "application/json"
	}
	result, ok := c.codes.read(g.door.client().Do(ctx, request), data)
	if deviceGone(result.Code) {
		g.device.forget()
	}
	return result, ok
}

// requestID is new for every request; the document's example has no dashes.
func requestID() string {
	id := uuid.New()
	return hex.EncodeToString(id[:])
}

// read judges an answer. It is the only reader of the envelope.
func (c codes) read(a exchange.Answer, data any) (providers.Result, bool) {
	if result, settled := a.Settle(); settled {
		return result, false
	}
	if !readable(a.Status) {
		return unreadable(a, errors.New("an HTTP status that nobody documented")), false
	}
	var e envelope
	err := json.Unmarshal(a.Body, &e)
	told := err == nil && e.StatusCode.told
	denied := a.Status == http.StatusUnauthorized || a.Status == http.StatusForbidden
	switch {
	case denied && told && e.StatusCode.code != 0:
		return c.denied.result(codeText(e.StatusCode.code)), false
	case denied && !told:
		return c.denied.result(fmt.Sprint(a.Status)), false
	case !told && a.Status == http.StatusTooManyRequests:
		return providers.Doubt(providers.Throttled, fmt.Sprint(a.Status), nil), false // load protection; nothing says that it did nothing
	case !told:
		return unreadable(a, errors.Join(errors.New("not an answer of the QR API"), err)), false
	case e.StatusCode.code != 0:
		return c.result(e.StatusCode.code), false
	case a.Status != http.StatusOK:
		return unreadable(a, errors.New("a success inside an HTTP error")), false
	case data == nil:
		return providers.Result{}, true
	case len(e.Data) == 0 || bytes.Equal(e.Data, []byte("null")):
		return unreadable(a, errors.New("a success without Data")), false
	}
	if err := json.Unmarshal(e.Data, data); err != nil {
		return unreadable(a, err), false
	}
	return providers.Result{}, true
}

// readable reports whether a body with the HTTP status may be read: with 200 it may be a
// success, with the others no more than a refusal. Any other status leaves it open whether
// the body is Kaspi's, or whole (206).
func readable(status int) bool {
	switch status {
	case http.StatusOK, http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden, http.StatusTooManyRequests:
		return true
	}
	return false
}

func unreadable(a exchange.Answer, err error) providers.Result {
	return providers.Doubt(providers.Unreadable, fmt.Sprint(a.Status), err)
}

// undecided turns the Result of a question that was not answered into what a
// look-up may say: a question that never left says nothing about the purchase. Why it did
// not is kept: our own way out is told from the bank's trouble, and neither is an answer.
func undecided(r providers.Result) providers.Result {
	switch {
	case r.Verdict == providers.Unknown:
		return r
	case r.Reason == providers.NotSent, r.Reason == providers.Misconfigured:
		return providers.Doubt(r.Reason, r.Code, r.Err)
	case r.Reason == providers.Maintenance:
		return providers.Doubt(providers.ServerError, r.Code, r.Err)
	}
	return providers.Doubt(providers.Ambiguous, r.Code, r.Err)
}
