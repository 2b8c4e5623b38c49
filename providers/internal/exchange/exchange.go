package exchange

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/providers/spans"
)

// Outcome says how far an exchange got.
type Outcome uint8

// The outcomes. The zero value is the careful one.
const (
	Sent Outcome = iota
	NotSent
	Answered
)

// String is the outcome in a trace.
func (o Outcome) String() string {
	switch o {
	case NotSent:
		return "not_sent"
	case Answered:
		return "answered"
	}
	return "sent"
}

// Options configure a Client. All fields may be left zero.
type Options struct {
	TLS            *tls.Config   // client certificate and roots; nil means the system's
	ConnectTimeout time.Duration // default 2 s: failures here fail over for free, so it is short
	TLSTimeout     time.Duration // default 3 s
	MaxBody        int64         // default 1 MiB; a longer answer is doubt
	MaxConns       int           // connections to the gateway at once; default 64
	// Dial replaces the network in tests (in-memory listeners).
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// Client exchanges with one gateway. It is safe for concurrent use.
type Client struct {
	read    *http.Transport // look-ups, tokens: kept-alive connections
	money   *http.Transport // money-moving: a fresh connection each
	maxBody int64
}

// New makes a Client.
func New(o Options) *Client {
	if o.ConnectTimeout == 0 {
		o.ConnectTimeout = 2 * time.Second
	}
	if o.TLSTimeout == 0 {
		o.TLSTimeout = 3 * time.Second
	}
	if o.MaxBody == 0 {
		o.MaxBody = 1 << 20
	}
	if o.MaxConns == 0 {
		o.MaxConns = 64
	}
	dial := o.Dial
	if dial == nil {
		dialer := &net.Dialer{Timeout: o.ConnectTimeout, KeepAlive: 30 * time.Second}
		dial = dialer.DialContext
	}
	watchedDial := func(ctx context.Context, network, address string) (net.Conn, error) {
		if tried, ok := ctx.Value(triedKey{}).(*atomic.Bool); ok {
			tried.Store(true)
		}
		conn, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return watch(conn), nil
	}
	transport := func(fresh bool) *http.Transport {
		return &http.Transport{
			DialContext:            watchedDial,
			TLSClientConfig:        o.TLS,
			TLSHandshakeTimeout:    o.TLSTimeout,
			MaxConnsPerHost:        o.MaxConns,
			MaxIdleConnsPerHost:    o.MaxConns,
			IdleConnTimeout:        20 * time.Second, // well below what gateways keep open
			MaxResponseHeaderBytes: 64 << 10,
			DisableCompression:     true, // the limit counts the bytes that arrive
			DisableKeepAlives:      fresh,
		}
	}
	return &Client{read: transport(false), money: transport(true), maxBody: o.MaxBody}
}

// triedKey is where a call's context keeps whether a connection was tried for it. The
// transport dials with the values of the call that it dials for.
type triedKey struct{}

// Close drops idle connections.
func (c *Client) Close() {
	c.read.CloseIdleConnections()
	c.money.CloseIdleConnections()
}

// Call is one request.
type Call struct {
	Method      string
	URL         string
	Header      map[string]string
	ContentType string
	Body        []byte
	Timeout     time.Duration // from now to the last byte of the answer; required
	MovesMoney  bool          // must never be sent twice
}

// Answer is what came of a Call.
type Answer struct {
	Outcome Outcome
	Status  int
	Header  http.Header
	Body    []byte
	Err     error
}

var (
	errTooLarge = errors.New("answer is too large")
	errBroken   = errors.New("connection or answer is broken")
)

// HeldBack is the Answer of a call that our own limits or our own code kept from being
// sent: no connection was even tried for it.
func HeldBack(err error) Answer {
	return Answer{Outcome: NotSent, Err: providers.HeldBack(err).Err}
}

// Do makes the exchange. Cancellation of ctx counts only until a connection is
// obtained; from then on the call's own time-out alone ends it.
func (c *Client) Do(ctx context.Context, call Call) Answer {
	ctx, span := spans.Call(ctx, call.Method)
	defer span.End()
	answer := c.do(ctx, call)
	if span.Recorded() {
		traced(span, call, answer)
	}
	return answer
}

// traced says of an exchange with whom it was and how far it got: of the address the host
// alone, for paths and queries name payers and orders. The gateway learns nothing of it.
func traced(span spans.Span, call Call, answer Answer) {
	host := ""
	if u, err := url.Parse(call.URL); err == nil {
		host = u.Hostname()
	}
	span.HTTP(call.Method, host, answer.Status)
	span.Outcome(answer.Outcome.String())
	if answer.Outcome != Answered || answer.Status >= 500 {
		span.Failed()
	}
}

func (c *Client) do(ctx context.Context, call Call) Answer {
	if err := ctx.Err(); err != nil {
		return HeldBack(err)
	}
	if call.Timeout <= 0 {
		return HeldBack(errors.New("exchange: a call needs a time-out"))
	}
	wire, cancel := context.WithTimeout(context.WithoutCancel(ctx), call.Timeout)
	defer cancel()
	var got, tried atomic.Bool
	stop := context.AfterFunc(ctx, func() {
		if !got.Load() {
			cancel()
		}
	})
	defer stop()
	traced := httptrace.WithClientTrace(context.WithValue(wire, triedKey{}, &tried), &httptrace.ClientTrace{
		GotConn: func(info httptrace.GotConnInfo) {
			got.Store(true)
			if info.Reused {
				drained(info.Conn)
			}
		},
	})
	request, err := http.NewRequestWithContext(traced, call.Method, call.URL, bytes.NewReader(call.Body))
	if err != nil {
		return HeldBack(err)
	}
	request.GetBody = nil // without it the transport cannot send the body again
	for name, value := range call.Header {
		request.Header.Set(name, value)
	}
	if call.ContentType != "" {
		request.Header.Set("Content-Type", call.ContentType)
	}
	transport := c.read
	if call.MovesMoney {
		transport = c.money
	}
	// A bare RoundTrip follows no redirect and keeps no cookies.
	response, err := transport.RoundTrip(request)
	if err != nil {
		if got.Load() {
			return Answer{Outcome: Sent, Err: unquoted(err)}
		}
		if !tried.Load() { // it waited behind our own calls, or the transport refused what we wrote
			return HeldBack(err)
		}
		return Answer{Outcome: NotSent, Err: err}
	}
	defer response.Body.Close()
	if response.StatusCode == http.StatusSwitchingProtocols {
		// What would be read as its body is the bare connection, which no deadline ends.
		return Answer{Outcome: Answered, Status: response.StatusCode, Header: response.Header}
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, c.maxBody+1))
	if err == nil && int64(len(body)) > c.maxBody {
		err = errTooLarge
	}
	if err != nil {
		return Answer{Outcome: Sent, Status: response.StatusCode, Header: response.Header, Err: unquoted(err)}
	}
	return Answer{Outcome: Answered, Status: response.StatusCode, Header: response.Header, Body: body}
}

// Settle gives the Result of an exchange that ended before the provider's own
// words could be read: nothing sent, doubt after sending, a server error or a
// redirect. It reports false when there is an answer for the adapter to read,
// 4xx included.
func (a Answer) Settle() (providers.Result, bool) {
	switch {
	case a.Outcome == NotSent:
		return providers.Unsent(a.Err), true
	case a.Outcome == Sent:
		return providers.Doubt(a.doubt(), "", a.Err), true
	case a.Status >= 500:
		return providers.Doubt(providers.ServerError, fmt.Sprint(a.Status), nil), true
	case a.Status >= 300 && a.Status < 400:
		return providers.Doubt(providers.Unreadable, fmt.Sprint(a.Status), errors.New("redirected")), true
	case a.Status < 200:
		return providers.Doubt(providers.Unreadable, fmt.Sprint(a.Status), nil), true
	}
	return providers.Result{}, false
}

func (a Answer) doubt() providers.Reason {
	var timeout net.Error
	switch {
	case errors.Is(a.Err, errTooLarge):
		return providers.Unreadable
	case errors.Is(a.Err, context.DeadlineExceeded),
		errors.As(a.Err, &timeout) && timeout.Timeout():
		return providers.Timeout
	}
	return providers.Broken
}

// unquoted is what may be kept of an error that came after sending. net/http quotes
// what it could not read, and a gateway may have put a payer or a token there: only
// errors of the network and of the clock are kept as they are.
func unquoted(err error) error {
	var network *net.OpError
	switch {
	case errors.Is(err, errTooLarge):
		return errTooLarge
	case errors.Is(err, context.DeadlineExceeded):
		return context.DeadlineExceeded
	case errors.Is(err, context.Canceled):
		return context.Canceled
	case errors.As(err, &network):
		return network
	case errors.Is(err, io.ErrUnexpectedEOF):
		return io.ErrUnexpectedEOF
	case errors.Is(err, io.EOF):
		return io.EOF
	}
	return errBroken
}
