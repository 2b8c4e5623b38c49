package sim

import (
	"crypto/tls"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"
)

// reopenPause is between attempts to take an address back after a refusal: somebody's ephemeral port may sit there for a while.
const reopenPause = time.Second

// door is one place where a face can be reached. While the face refuses, the door is shut: the listener and every open
// connection are closed, so that it is the network that refuses the merchant's next dial, and not we.
type door struct {
	face    string
	listen  func() (net.Listener, error)
	handler http.Handler
	pipes   *pipes // nil for a socket
	log     *slog.Logger

	mu     sync.Mutex
	server *http.Server // nil while shut
	at     net.Listener
	gone   bool
}

// set makes the door agree with want, which is asked under the door's lock so that the last word wins.
func (d *door) set(want func() bool) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	open := !d.gone && want()
	switch {
	case open == (d.server != nil):
		return nil
	case !open:
		_ = d.at.Close() // the server closes it only once it has begun to serve
		_ = d.server.Close()
		d.server, d.at = nil, nil
		return nil
	}
	ln, err := d.listen()
	if err != nil {
		return err
	}
	server := newServer(d.handler, d.log)
	d.server, d.at = server, ln
	go func() { _ = server.Serve(ln) }()
	return nil
}

// close shuts the door for ever.
func (d *door) close() {
	d.mu.Lock()
	d.gone = true
	d.mu.Unlock()
	_ = d.set(func() bool { return false })
}

func (b *Bank) addDoor(d *door) {
	b.mu.Lock()
	b.doors = append(b.doors, d)
	b.mu.Unlock()
	b.setDoors()
}

func (b *Bank) removeDoor(d *door) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.doors = slices.DeleteFunc(b.doors, func(x *door) bool { return x == d })
}

// setDoors makes every door agree with the faults. The lock must not be held.
func (b *Bank) setDoors() {
	b.mu.Lock()
	doors := slices.Clone(b.doors)
	b.mu.Unlock()
	for _, d := range doors {
		err := d.set(func() bool {
			b.mu.Lock()
			defer b.mu.Unlock()
			return !b.closed && !b.refused(d.face)
		})
		if err != nil {
			b.log.Error("simulated face cannot listen again yet", "face", d.face, "error", err)
			b.mu.Lock()
			b.after(reopenPause, func() { b.spawn(b.setDoors) })
			b.mu.Unlock()
		}
	}
}

// socketDoor serves a face on a socket that is bound already, and binds the same address again after each refusal.
func socketDoor(b *Bank, face string, bound net.Listener, conf *tls.Config) *door {
	addr := bound.Addr().String()
	return &door{face: face, handler: b.Handler(face), log: b.log, listen: func() (net.Listener, error) {
		ln := bound
		bound = nil
		if ln == nil {
			var err error
			if ln, err = listen(Listen{Addr: addr}); err != nil {
				return nil, err
			}
		}
		if conf == nil {
			return ln, nil
		}
		return tls.NewListener(ln, askForCertificate(conf)), nil
	}}
}

// askForCertificate lets a client come without a certificate: what that means is for the face to say, in its provider's words.
func askForCertificate(conf *tls.Config) *tls.Config {
	conf = conf.Clone()
	if conf.ClientCAs != nil {
		conf.ClientAuth = tls.VerifyClientCertIfGiven
	} else if conf.ClientAuth == tls.NoClientCert {
		conf.ClientAuth = tls.RequestClientCert
	}
	return conf
}
