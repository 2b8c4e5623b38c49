//go:build unix

package app_test

import (
	"bufio"
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/payrouter/payrouter/cmd/internal/app"
	pb "github.com/payrouter/payrouter/proto/payrouter/v1"
)

// What a parent tells its child, by environment.
const (
	childConfig = "PAYROUTER_KILL_TEST_CONFIG" // the configuration file; its presence makes the child a service
	childStore  = "PAYROUTER_KILL_TEST_STORE"  // the books' URL, which the file names as ${…}
	childTrap   = "PAYROUTER_KILL_TEST_TRAP"   // a trap's text
	childLease  = "PAYROUTER_KILL_TEST_LEASE"  // how long its workers' claims last
	childPage   = "PAYROUTER_KILL_TEST_PAGE"   // how much its back office does in one commit
)

// trap is the signal that a child sends to itself at the n-th passing of a step of the
// router or of the back office. The zero trap never closes.
type trap struct {
	step   string
	nth    int
	signal syscall.Signal
	late   time.Duration // so long after the step, wherever the child is by then
	once   string        // a file, which the first child that is caught makes: no other is
}

// text writes the trap for a child.
func (t trap) text() string {
	return fmt.Sprintf("%s/%d/%d/%s/%s", t.step, t.nth, t.signal, t.late, t.once)
}

// catches reports whether no other child was caught before.
func (t trap) catches() bool {
	if t.once == "" {
		return true
	}
	mark, err := os.OpenFile(t.once, os.O_CREATE|os.O_EXCL, 0o600)
	if err == nil {
		_ = mark.Close()
	}
	return err == nil
}

// setTrap reads a trap's text and returns the hook.
func setTrap(text string) func(step string) {
	parts := strings.SplitN(text, "/", 5)
	var t trap
	if _, err := fmt.Sscanf(strings.Join(parts[1:3], " "), "%d %d", &t.nth, &t.signal); err != nil {
		panic("no trap: " + text)
	}
	var err error
	if t.late, err = time.ParseDuration(parts[3]); err != nil {
		panic("no trap: " + text)
	}
	t.step, t.once = parts[0], parts[4]
	var passed atomic.Int64
	return func(step string) {
		if step != t.step || passed.Add(1) != int64(t.nth) || !t.catches() {
			return
		}
		if t.late > 0 {
			time.AfterFunc(t.late, func() { _ = syscall.Kill(os.Getpid(), t.signal) })
			return
		}
		woken := make(chan os.Signal, 1)
		signal.Notify(woken, syscall.SIGCONT)
		_ = syscall.Kill(os.Getpid(), t.signal)
		// Another thread may take the signal, and this one run on for a moment: it must
		// not get past the step. Nobody wakes from SIGKILL.
		<-woken
	}
}

// beService is cmd/payrouter's serve, with the trap for its only addition.
func beService(path string) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	go func() { // our parent holds the other end: when it dies we do
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(3)
	}()
	fail := func(err error) int {
		fmt.Fprintln(os.Stderr, "child:", err)
		return 1
	}
	c, err := app.Load(path)
	if err != nil {
		return fail(err)
	}
	log, err := app.NewLog(c.Log, os.Stderr)
	if err != nil {
		return fail(err)
	}
	lease, err := time.ParseDuration(os.Getenv(childLease))
	if err != nil {
		return fail(err)
	}
	page, err := strconv.Atoi(os.Getenv(childPage))
	if err != nil {
		return fail(err)
	}
	service, err := app.New(ctx, c, app.Options{Version: "test", Log: log, Lease: lease, Page: page, Step: setTrap(os.Getenv(childTrap))})
	if err != nil {
		return fail(err)
	}
	fmt.Fprintln(os.Stdout, service.GRPCAddr())
	if err := service.Run(ctx); err != nil {
		return fail(err)
	}
	return 0
}

// replica is a child process that is the service, and a caller's connection to it.
type replica struct {
	t        *testing.T
	process  *os.Process
	exited   chan struct{}
	state    *os.ProcessState // once exited
	payments pb.PaymentsClient
	people   pb.OperationsClient
	finance  pb.FinanceClient
	log      string // the file that it writes to
}

// starts bounds how many children start at once: a start is work, the rest of a child's
// life mostly waiting.
var starts = make(chan struct{}, 4)

// replica starts a process on the world's books and waits until it listens.
func (w *world) replica(at trap) *replica {
	w.t.Helper()
	starts <- struct{}{}
	defer func() { <-starts }()
	self, err := os.Executable()
	w.must(err)
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), childConfig+"="+w.config, childStore+"="+cmp.Or(w.via, w.url), childTrap+"="+at.text(),
		childLease+"="+w.lease.String(), childPage+"="+strconv.Itoa(w.page))
	cmd.Env = append(cmd.Env, w.env...)
	leash, err := cmd.StdinPipe()
	w.must(err)
	w.t.Cleanup(func() { _ = leash.Close() })
	out, err := cmd.StdoutPipe()
	w.must(err)
	return w.start(cmd, func(*replica) (string, error) { return bufio.NewReader(out).ReadString('\n') })
}

// start starts a process that is the service, and waits until it says where it listens.
func (w *world) start(cmd *exec.Cmd, listens func(*replica) (address string, err error)) *replica {
	w.t.Helper()
	w.born++
	logPath := filepath.Join(w.dir, fmt.Sprintf("replica-%d.log", w.born))
	log, err := os.Create(logPath)
	w.must(err)
	defer log.Close()
	cmd.Stderr = log
	w.must(cmd.Start())
	r := &replica{t: w.t, process: cmd.Process, exited: make(chan struct{}), log: logPath}
	// What the process says is read to its end before it is waited for.
	address, err := listens(r)
	go func() {
		_ = cmd.Wait() // its state says more than the error
		r.state = cmd.ProcessState
		close(r.exited)
	}()
	w.t.Cleanup(func() {
		_ = r.process.Kill()
		<-r.exited
		if w.t.Failed() {
			text, _ := os.ReadFile(logPath)
			w.t.Logf("%s:\n%s", filepath.Base(logPath), text)
		}
	})
	if err != nil {
		w.t.Fatalf("the service did not start: %v", err)
	}
	conn, err := grpc.NewClient(strings.TrimSpace(address), grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithUnaryInterceptor(w.heard.listen))
	w.must(err)
	w.t.Cleanup(func() { _ = conn.Close() })
	r.payments, r.people, r.finance = pb.NewPaymentsClient(conn), pb.NewOperationsClient(conn), pb.NewFinanceClient(conn)
	return r
}

// ended waits for the process's end and returns how it ended.
func (r *replica) ended() syscall.WaitStatus {
	r.t.Helper()
	select {
	case <-r.exited:
	case <-time.After(patience):
		r.t.Fatal("the process does not end")
	}
	status, ok := r.state.Sys().(syscall.WaitStatus)
	if !ok {
		r.t.Fatalf("no wait status: %v", r.state)
	}
	return status
}

func (r *replica) signal(s syscall.Signal) {
	r.t.Helper()
	if err := r.process.Signal(s); err != nil {
		r.t.Fatal(err)
	}
}
