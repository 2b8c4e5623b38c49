//go:build linux

package main

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The image has nothing in it but what deploy/Containerfile copies: there, too, the service becomes
// ready, as a user who owns nothing, and ends when it is told to.
func TestTheServiceRunsFromAnEmptyRoot(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root may change the root folder")
	}
	image, err := os.ReadFile("../../deploy/Containerfile")
	if err != nil {
		t.Fatal(err)
	}
	_, final, _ := strings.Cut(string(image), "FROM scratch\n")
	root := t.TempDir()
	if err := os.Chmod(root, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, of := range regexp.MustCompile(`(?m)^COPY --from=build --chown=65532:65532 /empty (\S+)$`).FindAllStringSubmatch(final, -1) {
		if err := os.MkdirAll(filepath.Join(root, of[1]), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Chown(filepath.Join(root, of[1]), 65532, 65532); err != nil {
			t.Fatal(err)
		}
	}
	build := exec.CommandContext(t.Context(), "go", "build", "-buildvcs=false", "-o", filepath.Join(root, "usr/local/bin/payrouter"), ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if said, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	ops := freePort(t)
	for file, text := range map[string]string{
		"etc/payrouter/payrouter.yaml": fmt.Sprintf("grpc: {address: %q}\nwebhooks: {address: %q}\nops: {address: %q}\n", freePort(t), freePort(t), ops) +
			fmt.Sprintf(config, "payrouter.db"),
	} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(root, file)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(root, file), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}

	var said bytes.Buffer
	entry := regexp.MustCompile(`(?m)^ENTRYPOINT \["(\w+)"\]\nCMD \["(\w+)"\]$`).FindStringSubmatch(final)
	place := regexp.MustCompile(`(?m)^WORKDIR (\S+)$`).FindStringSubmatch(final)
	if entry == nil || place == nil {
		t.Fatal("the image does not say what it starts, and where")
	}
	service := exec.CommandContext(t.Context(), "/usr/local/bin/"+entry[1], entry[2])
	service.Dir, service.Stdout, service.Stderr = place[1], &said, &said
	service.Env = strings.Fields(regexp.MustCompile(`(?m)^ENV (.*)$`).FindStringSubmatch(final)[1])
	service.SysProcAttr = &syscall.SysProcAttr{Chroot: root, Credential: &syscall.Credential{Uid: 65532, Gid: 65532}}
	if err := service.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- service.Wait() }()
	for every := time.NewTicker(50 * time.Millisecond); ; {
		select {
		case err := <-ended:
			t.Fatalf("it ended with %v\n%s", err, &said)
		case <-every.C:
		}
		answer, err := http.Get("http://" + ops + "/readyz")
		if err != nil {
			continue
		}
		answer.Body.Close()
		if answer.StatusCode == http.StatusOK {
			break
		}
	}
	if err := service.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err != nil {
		t.Errorf("told to end, it ended with %v\n%s", err, &said)
	}
	if _, err := os.Stat(filepath.Join(root, place[1], "payrouter.db")); err != nil {
		t.Errorf("its books: %v", err)
	}
}

func freePort(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}
