package exchange

import (
	"fmt"
	"net"
	"syscall"
	"testing"
	"time"
)

// A listener whose backlog is full drops what knocks: connecting takes until the limit,
// and nothing is sent.
func TestAFullBacklogIsNotSent(t *testing.T) {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Close(fd) })
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Listen(fd, 0); err != nil {
		t.Fatal(err)
	}
	bound, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	address := fmt.Sprintf("127.0.0.1:%d", bound.(*syscall.SockaddrInet4).Port)
	full := false
	for range 16 {
		conn, err := net.DialTimeout("tcp", address, 100*time.Millisecond)
		if full = err != nil; full {
			break
		}
		t.Cleanup(func() { conn.Close() })
	}
	if !full {
		t.Fatal("nobody accepts, and yet connections are made")
	}
	call := post("http://" + address)
	call.Timeout = 5 * time.Second
	began := time.Now()
	answer := New(Options{ConnectTimeout: 200 * time.Millisecond}).Do(t.Context(), call)
	if took := time.Since(began); answer.Outcome != NotSent || took > 2*time.Second {
		t.Errorf("outcome %d after %s, error %v", answer.Outcome, took, answer.Err)
	}
}
