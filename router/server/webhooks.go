package server

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router"
)

const (
	maxNotice     = 256 << 10        // larger than any provider's notice by far
	noticeTimeout = 10 * time.Second // for a sender to get its body across
	// noticePatience is how long a notice that was read waits for a seat. Gateways send in
	// bursts and repeat after minutes, so a moment's wait is better than a refusal; and no
	// more wait than there are seats for bodies.
	noticePatience = 2 * time.Second
)

// Webhooks serves what gateways send: /webhooks/{gateway}/{rest...}, by any method. The
// request is handed on raw, for signatures are over bytes, and the answer is the
// adapter's, in its provider's own way.
func (s *Server) Webhooks() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			if cause := recover(); cause != nil {
				_ = s.panicked(r.Context(), cause)
				http.Error(w, "try again", http.StatusServiceUnavailable)
			}
		}()
		s.hear(w, r)
	})
}

// hear reads by hand what a ServeMux would: a mux redirects paths that it finds
// unclean, and a redirected POST loses its body.
func (s *Server) hear(w http.ResponseWriter, r *http.Request) {
	path, ours := strings.CutPrefix(r.URL.EscapedPath(), "/webhooks/")
	gateway, rest, _ := strings.Cut(path, "/")
	if !ours || !gatewayPattern.MatchString(gateway) {
		http.NotFound(w, r)
		return
	}
	if !s.seats[bodies].take() {
		s.turnAway(w, bodies)
		return
	}
	defer s.seats[bodies].leave()
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(noticeTimeout)) // in-memory connections of tests have none
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxNotice))
	if err != nil {
		code := http.StatusBadRequest
		if asType[*http.MaxBytesError](err) != nil {
			code = http.StatusRequestEntityTooLarge
		}
		http.Error(w, http.StatusText(code), code)
		return
	}
	if !s.seats[notices].takeWithin(r.Context(), noticePatience) {
		s.turnAway(w, notices)
		return
	}
	defer s.seats[notices].leave()
	reply, err := s.router.Hear(r.Context(), gateway, providers.Notice{Method: r.Method, Path: rest, Query: r.URL.RawQuery,
		Header: r.Header, Body: body, Source: s.source(r)})
	switch {
	case errors.Is(err, router.ErrUnknownGateway), errors.Is(err, router.ErrNotOffered):
		http.NotFound(w, r)
	case err != nil:
		s.log.Error("a notice could not be taken in", "gateway", gateway, "error", err.Error())
		http.Error(w, "try again", http.StatusServiceUnavailable)
	default:
		answerNotice(w, reply)
	}
}

// turnAway tells a sender to come again: there are too many notices, and this one was
// not stored. Gateways repeat what is not acknowledged, and look-ups do not wait for it.
func (s *Server) turnAway(w http.ResponseWriter, k kind) {
	s.metrics.overloaded(string(k))
	w.Header().Set("Retry-After", "5")
	http.Error(w, "try again", http.StatusServiceUnavailable)
}

// answerNotice writes the adapter's answer. One that names no status acknowledges nothing.
func answerNotice(w http.ResponseWriter, reply providers.Reply) {
	if reply.ContentType != "" {
		w.Header().Set("Content-Type", reply.ContentType)
	}
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if reply.Status == 0 {
		reply.Status = http.StatusServiceUnavailable
	}
	w.WriteHeader(reply.Status)
	_, _ = w.Write(reply.Body) // a sender that hung up has still told us
}

// source is the address that a request comes from: the socket's peer or, when that is
// one of our own proxies, the last entry of X-Forwarded-For that is not. What stands
// further left was written by the sender and is worth nothing.
func (s *Server) source(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	peer, err := netip.ParseAddr(host)
	if err != nil {
		return host
	}
	peer = peer.Unmap().WithZone("")
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0 && s.trusted(peer); i-- {
		hop, ok := parseHop(strings.TrimSpace(hops[i]))
		if !ok {
			break // our proxies write addresses; whoever wrote this is not one of them
		}
		peer = hop
	}
	return peer.String()
}

func (s *Server) trusted(addr netip.Addr) bool {
	for _, prefix := range s.proxies {
		if prefix.Contains(addr) {
			return true
		}
	}
	return false
}

// parseHop reads an entry of X-Forwarded-For, with or without a port.
func parseHop(text string) (netip.Addr, bool) {
	addr, err := netip.ParseAddr(text)
	if err != nil {
		withPort, portErr := netip.ParseAddrPort(text)
		if portErr != nil {
			return netip.Addr{}, false
		}
		addr = withPort.Addr()
	}
	return addr.Unmap().WithZone(""), true
}
