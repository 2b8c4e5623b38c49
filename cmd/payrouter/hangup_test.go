//go:build unix

package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// asProgram makes of the test's own binary the program, for tests that need a process.
const asProgram = "PAYROUTER_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
	}
	os.Exit(m.Run())
}

// Whoever gives all replicas new credentials hangs up on those, too, that are about to go: what
// they have in flight is not cut off.
func TestAHangupWhileTheServiceDrainsEndsNothing(t *testing.T) {
	folder := t.TempDir()
	file := filepath.Join(folder, "payrouter.yaml")
	text := fmt.Sprintf(config, filepath.Join(folder, "books.db")) + `
grpc: {address: "127.0.0.1:0"}
webhooks: {address: "127.0.0.1:0"}
ops: {address: "127.0.0.1:0"}
`
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	service := exec.CommandContext(t.Context(), os.Args[0], "--config", file, "serve")
	service.Env = append(os.Environ(), asProgram+"=yes")
	said, err := service.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := service.Start(); err != nil {
		t.Fatal(err)
	}
	log := bufio.NewScanner(said)
	says := func(what string) (line struct{ Msg, Webhooks string }) {
		t.Helper()
		for log.Scan() {
			if err := json.Unmarshal(log.Bytes(), &line); err == nil && line.Msg == what {
				return line
			}
		}
		t.Fatalf("it ended without a word of %q: %v", what, service.Wait())
		return line
	}
	signal := func(s os.Signal) {
		t.Helper()
		if err := service.Process.Signal(s); err != nil {
			t.Fatal(err)
		}
	}

	inFlight := halfANotice(t, says("serving").Webhooks)
	signal(syscall.SIGTERM)
	says("draining")
	signal(syscall.SIGHUP)
	if _, err := io.WriteString(inFlight, "{}"); err != nil {
		t.Error(err)
	}
	if answer, err := bufio.NewReader(inFlight).ReadString('\n'); err != nil || !strings.HasPrefix(answer, "HTTP/1.1 ") {
		t.Errorf("what was in flight was answered %q, error %v", answer, err)
	}
	says("stopped")
	if err := service.Wait(); err != nil {
		t.Errorf("it ended with %v", err)
	}
}

// halfANotice is a call that the service has begun to serve, and whose body it waits for.
func halfANotice(t *testing.T, webhooks string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", webhooks)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		t.Fatal(err)
	}
	_, err = io.WriteString(conn, "POST /webhooks/wayforpay-main/paid HTTP/1.1\r\nHost: shop\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n")
	if err != nil {
		t.Fatal(err)
	}
	goOn := make([]byte, len("HTTP/1.1 100 Continue\r\n\r\n"))
	if _, err := io.ReadFull(conn, goOn); err != nil || !strings.HasPrefix(string(goOn), "HTTP/1.1 100") {
		t.Fatalf("it answers %q, error %v", goOn, err)
	}
	return conn
}
