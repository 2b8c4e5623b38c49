package server

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"
	"google.golang.org/grpc/credentials"
)

// handshakes is TLS that tells the log whom it refused and why. No call exists yet, so no
// call's line would. A scanner cannot flood the log: of each reason only so many lines are
// written, and the next one says how many were left out.
type handshakes struct {
	credentials.TransportCredentials
	refusals *refusals
	draining <-chan struct{}
}

func newHandshakes(config *tls.Config, log *slog.Logger, draining <-chan struct{}) handshakes {
	return handshakes{credentials.NewTLS(config), &refusals{log: log, of: map[string]*told{}}, draining}
}

// hurry is how long a handshake may take once the server goes down. grpc waits for all of them
// before it tells anybody to go elsewhere.
const hurry = time.Second

// ServerHandshake secures a connection.
func (h handshakes) ServerHandshake(conn net.Conn) (net.Conn, credentials.AuthInfo, error) {
	hurried := h.hurried(conn)
	secured, info, err := h.TransportCredentials.ServerHandshake(conn)
	hurried()
	if err != nil {
		h.refusals.note(conn.RemoteAddr(), err, time.Now())
	}
	return secured, info, err
}

// Clone copies it; what was told is shared.
func (h handshakes) Clone() credentials.TransportCredentials {
	return handshakes{h.TransportCredentials.Clone(), h.refusals, h.draining}
}

// hurried sets a connection a near end when the server goes down, until it is called off.
func (h handshakes) hurried(conn net.Conn) (callOff func()) {
	done, left := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(left)
		select {
		case <-h.draining:
			_ = conn.SetDeadline(time.Now().Add(hurry))
		case <-done:
		}
	}()
	return func() {
		close(done)
		<-left
	}
}

// How many lines a reason has: five at once, then one in twenty seconds.
const (
	linesAtOnce = 5
	lineEvery   = 20 * time.Second
)

// refusals are handshakes that failed, by reason. The reasons are a closed set.
type refusals struct {
	log *slog.Logger

	mu sync.Mutex
	of map[string]*told
}

// told is what the log has heard of one reason.
type told struct {
	lines *rate.Limiter
	kept  int // since the last line
}

// note writes a line about a handshake that failed, if its reason has one left.
func (r *refusals) note(from net.Addr, err error, now time.Time) {
	reason := handshakeReason(err)
	r.mu.Lock()
	t, known := r.of[reason]
	if !known {
		t = &told{lines: rate.NewLimiter(rate.Every(lineEvery), linesAtOnce)}
		r.of[reason] = t
	}
	if !t.lines.AllowN(now, 1) {
		t.kept++
		r.mu.Unlock()
		return
	}
	untold := t.kept
	t.kept = 0
	r.mu.Unlock()
	r.log.Warn("a TLS handshake was refused", "peer", from.String(), "reason", reason, "untold", untold)
}

// handshakeReason says in our own words why a handshake failed. The text of the error may
// hold what the client sent, such as names in its certificate, so it goes nowhere.
func handshakeReason(err error) string {
	var wrong *tls.CertificateVerificationError
	var foreign x509.UnknownAuthorityError
	var invalid x509.CertificateInvalidError
	var plain tls.RecordHeaderError
	var network *net.OpError
	switch text := err.Error(); {
	case errors.As(err, &foreign):
		return "the client certificate is of an authority that is not ours"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "the client certificate is expired or not yet valid"
	case errors.As(err, &wrong), errors.As(err, &invalid):
		return "the client certificate is not valid for this"
	case strings.Contains(text, "client didn't provide a certificate"):
		return "no client certificate"
	case strings.Contains(text, "client offered only unsupported versions"):
		return "TLS is too old"
	case errors.As(err, &plain):
		return "not TLS"
	case strings.Contains(text, "ALPN"), strings.Contains(text, "application protocol"):
		return "no HTTP/2"
	case errors.As(err, &network) && network.Op == "remote error":
		return "the client does not accept our certificate"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.As(err, &network):
		return "the client went away"
	}
	return "another reason"
}
