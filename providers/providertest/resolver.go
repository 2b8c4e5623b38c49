package providertest

import (
	"context"
	"errors"
	"net"
	"sync"
	"testing"
)

// ours is the name server that this process asks while a question wants one. It takes
// the place of the system's for good, since the resolver may be asked from goroutines
// that outlive their callers.
var ours struct {
	install sync.Once
	mu      sync.Mutex
	dial    func(context.Context) (net.Conn, error) // nil: there is none
}

var errNoNames = errors.New("nobody here asks for names")

func installResolver() {
	ours.install.Do(func() {
		net.DefaultResolver = &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
			ours.mu.Lock()
			dial := ours.dial
			ours.mu.Unlock()
			if dial == nil {
				return nil, errNoNames
			}
			return dial(ctx)
		}}
	})
}

// resolveBy answers this process's questions for names, or by nil does not, until the
// test ends.
func resolveBy(t *testing.T, reply func(query []byte) []byte) {
	t.Helper()
	server, err := net.ListenUDP("udp", &net.UDPAddr{IP: loopback})
	if err != nil {
		t.Fatal(err)
	}
	var served sync.WaitGroup
	served.Go(func() {
		query := make([]byte, 1500)
		for {
			n, from, err := server.ReadFromUDP(query)
			if err != nil {
				return
			}
			if answer := reply(query[:n]); answer != nil {
				_, _ = server.WriteToUDP(answer, from)
			}
		}
	})
	// The resolver waits for its server long after its callers have given up; when the
	// test ends, so do its connections.
	ended, end := context.WithCancel(context.Background())
	set := func(dial func(context.Context) (net.Conn, error)) {
		ours.mu.Lock()
		defer ours.mu.Unlock()
		ours.dial = dial
	}
	set(func(ctx context.Context) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, "udp", server.LocalAddr().String())
		if err == nil {
			context.AfterFunc(ended, func() { _ = conn.Close() })
		}
		return conn, err
	})
	t.Cleanup(func() {
		set(nil)
		end()
		_ = server.Close()
		served.Wait()
	})
}

// refusing replies with a response code and nothing else.
func refusing(code byte) func([]byte) []byte {
	return func(query []byte) []byte {
		const header = 12
		if len(query) < header {
			return nil
		}
		answer := append([]byte{}, query...)
		answer[2] |= 0x80 // a response
		answer[3] = answer[3]&0xf0 | code
		return answer
	}
}

// together does everything at the same time.
func together(all []func()) {
	var done sync.WaitGroup
	for _, do := range all {
		done.Go(do)
	}
	done.Wait()
}
