//go:build unix

package app_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/payrouter/payrouter/providers/sim"
	"github.com/payrouter/payrouter/router/journal"
	"github.com/payrouter/payrouter/router/payment"
	"github.com/payrouter/payrouter/router/pgtest"
)

// fleet is the replicas of one service, of one version or of two, and whoever stands before
// them and sends each call to one that is ready.
type fleet struct {
	*world
	mu    sync.Mutex
	seats []*seat
	turn  int
	came  func() int // how often callers have come again
}

// seat is the place of one replica: it is empty while the replica is replaced.
type seat struct {
	*replica
	build build
	ops   string // where it tells how it is
	ready bool
}

// newFleet starts so many replicas of the version before, on a schema of that version.
func newFleet(t *testing.T, replicas int) (f *fleet, before, after build) {
	t.Helper()
	f = &fleet{world: newWorld(t, pgtest.URL(t))}
	f.configure("migrate: false", "migrate: true")
	before, after = builds(t, f.world)
	f.url = pgtest.URL(t) // the first has today's schema
	_, err := before.run(f.world, "migrate")
	f.must(err)
	f.saveCards()
	f.kept, err = journal.Open(journal.Options{URL: f.url, Due: func(payment.Payment, time.Time) time.Time { return time.Time{} }})
	f.must(err)
	t.Cleanup(func() { _ = f.kept.Close() })
	for range replicas {
		s := &seat{}
		f.seats = append(f.seats, s)
		f.fill(s, before)
	}
	return f, before, after
}

var serving = regexp.MustCompile(`msg=serving grpc=(\S+) webhooks=\S+ ops=(\S+)`)

// fill starts a replica, waits until it is ready, and lets calls come to it.
func (f *fleet) fill(s *seat, b build) {
	f.t.Helper()
	var said []string
	r := f.start(b.command(f.world, "serve"), func(r *replica) (string, error) {
		for began := time.Now(); time.Since(began) < patience; {
			text, err := os.ReadFile(r.log)
			if said = serving.FindStringSubmatch(string(text)); said != nil || err != nil {
				return said[1], err
			}
			if strings.Contains(string(text), "payrouter: ") {
				return "", errors.New(string(text))
			}
			<-time.After(20 * time.Millisecond)
		}
		return "", fmt.Errorf("it says nothing for %s", patience)
	})
	f.leash(r)
	f.eventually("a replica that is ready", func() bool {
		code, _ := f.ask(said[2], "/readyz")
		return code == http.StatusOK
	})
	f.mu.Lock()
	defer f.mu.Unlock()
	s.replica, s.build, s.ops, s.ready = r, b, said[2], true
}

// leash lets a replica die with us, be it that we are killed: the real program watches no parent.
func (f *fleet) leash(r *replica) {
	f.t.Helper()
	watch := exec.Command("sh", "-c", `read -r _; kill -9 "$1"`, "sh", strconv.Itoa(r.process.Pid))
	_, err := watch.StdinPipe() // closed when we are no more
	f.must(err)
	f.must(watch.Start())
	go func() {
		<-r.exited
		_ = watch.Process.Kill()
		_ = watch.Wait()
	}()
}

// replace replaces a replica as the runbook says: SIGTERM, its end, the other version, readyz.
// Whoever sends calls there does not know at once that it is gone: some callers have to come
// again. It returns how long the old one took to end.
func (f *fleet) replace(s *seat, b build) time.Duration {
	f.t.Helper()
	began, came := time.Now(), f.came()
	s.signal(syscall.SIGTERM)
	if end := s.ended(); !end.Exited() || end.ExitStatus() != 0 {
		f.t.Errorf("a replica of the version %s ended with %v", s.build.version, s.state)
	}
	took := time.Since(began)
	f.eventually("a caller that came again", func() bool { return f.came() > came })
	f.mu.Lock()
	s.ready = false
	f.mu.Unlock()
	f.fill(s, b)
	return took
}

// next is the replica that the next call goes to.
func (f *fleet) next() *replica {
	f.mu.Lock()
	defer f.mu.Unlock()
	for range f.seats {
		f.turn++
		if s := f.seats[f.turn%len(f.seats)]; s.ready {
			return s.replica
		}
	}
	return f.seats[0].replica // none is ready: it says so
}

// versions are those that the replicas say they are.
func (f *fleet) versions() []string {
	f.t.Helper()
	var all []string
	for _, s := range f.seats {
		_, text := f.ask(s.ops, "/metrics")
		said := regexp.MustCompile(`payrouter_build_info\{.*version="([^"]*)"`).FindStringSubmatch(text)
		if said == nil {
			f.t.Fatal("no payrouter_build_info")
		}
		all = append(all, said[1])
	}
	slices.Sort(all)
	return all
}

// ask gets a page of a replica's; the code is 0 where none answers.
func (f *fleet) ask(address, path string) (code int, text string) {
	client := &http.Client{Timeout: 5 * time.Second}
	answer, err := client.Get("http://" + address + path)
	if err != nil {
		return 0, ""
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	f.must(err)
	return answer.StatusCode, string(body)
}

// logs are what all replicas have said so far.
func (f *fleet) logs() string {
	f.t.Helper()
	var all strings.Builder
	for n := range f.born {
		text, err := os.ReadFile(fmt.Sprintf("%s/replica-%d.log", f.dir, n+1))
		f.must(err)
		all.Write(text)
	}
	return all.String()
}

// trouble lets gateways fail until it is ended: charges that are made and not answered, and
// then none that are taken.
func (f *fleet) trouble() (end func()) {
	f.t.Helper()
	f.fault(sim.Fault{Face: "wayforpay", Op: sim.OpCharge, Kind: sim.FaultActHang, Times: 1})
	f.fault(sim.Fault{Face: "wayforpay", Op: sim.OpCharge, Kind: sim.FaultActDrop, Times: 3})
	f.fault(sim.Fault{Face: "halyk", Op: sim.OpCharge, Kind: sim.FaultActDrop, Times: 2})
	refuse := time.AfterFunc(time.Second, func() {
		if _, err := f.bank.AddFault(sim.Fault{Face: "wayforpay", Kind: sim.FaultRefuse, Delay: sim.Duration(2 * time.Second)}); err != nil {
			f.t.Error(err)
		}
	})
	return func() {
		refuse.Stop()
		f.bank.ClearFaults()
	}
}
