package sim

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// Listen says where a face is served.
type Listen struct {
	Addr     string       // "127.0.0.1:0" takes a free port; ignored with Listener
	Listener net.Listener // taken over; when a refusal ends, its address is bound again
	// TLS serves HTTPS. A client certificate is asked for, and checked if ClientCAs are given; the face decides what its absence means.
	TLS *tls.Config
}

// ServerOptions are the listeners of a Server.
type ServerOptions struct {
	Faces   map[string]Listen // by face name; a face that is not named is not served
	Control Listen            // no address and no listener: no control surface
}

// Server is a bank on real sockets: one listener per face, so that a refused connection is really refused, and one for control.
type Server struct {
	bank    *Bank
	doors   []*door
	addr    map[string]string
	control *http.Server
	ctlAddr string
}

// Serve opens the listeners and serves until Close. Nothing is left open when it returns an error.
func Serve(b *Bank, opt ServerOptions) (*Server, error) {
	s := &Server{bank: b, addr: map[string]string{}}
	for name := range opt.Faces {
		if b.face(name) == nil {
			return nil, fmt.Errorf("face %q is unknown; there are %q", name, b.Faces())
		}
	}
	for _, name := range b.Faces() {
		l, wanted := opt.Faces[name]
		if !wanted {
			continue
		}
		ln, err := listen(l)
		if err != nil {
			s.Close()
			return nil, fmt.Errorf("serve %s: %w", name, err)
		}
		d := socketDoor(b, name, ln, l.TLS)
		s.doors = append(s.doors, d)
		s.addr[name] = ln.Addr().String()
		b.addDoor(d)
	}
	if opt.Control.Addr == "" && opt.Control.Listener == nil {
		return s, nil
	}
	ln, err := listen(opt.Control)
	if err != nil {
		s.Close()
		return nil, fmt.Errorf("serve control: %w", err)
	}
	s.ctlAddr = ln.Addr().String()
	s.control = newServer(b.Control(), b.log)
	go func() { _ = s.control.Serve(ln) }()
	return s, nil
}

// Addr is the address a face listens on, "" when it is not served.
func (s *Server) Addr(face string) string { return s.addr[face] }

// ControlAddr is the address of the control surface, "" when there is none.
func (s *Server) ControlAddr() string { return s.ctlAddr }

// Close closes every listener and connection. The bank lives on.
func (s *Server) Close() {
	for _, d := range s.doors {
		s.bank.removeDoor(d)
		d.close()
	}
	if s.control != nil {
		_ = s.control.Close()
	}
}

// newServer has no read or write timeout for bodies: being slow is one of the things this bank does on purpose.
func newServer(h http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler: h, ReadHeaderTimeout: 30 * time.Second,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
}

func listen(l Listen) (net.Listener, error) {
	if l.Listener != nil {
		return l.Listener, nil
	}
	return new(net.ListenConfig).Listen(context.Background(), "tcp", l.Addr)
}
