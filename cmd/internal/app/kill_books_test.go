//go:build unix

package app_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	pb "github.com/payrouter/payrouter/proto/payrouter/v1"
)

// TestReconciliationOutlivesTheProcessesThatDoIt takes a run, or the reading of a file, from
// the one of two replicas that has it: by SIGKILL at its named points and at any moment
// between them, and by SIGSTOP for longer than its lease. The other one goes on, and what is
// left in the books is what an undisturbed run leaves, to the letter: the lines that the bank
// told, the disagreements that were planted, and one observation for each payment that the
// list knew more of. A second run changes nothing. It is a dozen processes at a time, which
// leaves nothing of a small machine to other tests.
func TestReconciliationOutlivesTheProcessesThatDoIt(t *testing.T) {
	y := newYesterday(t)
	w := y.undisturbed(t)
	seed := uint64(time.Now().UnixNano())
	t.Logf("moments by seed %d", seed)
	chance := rand.New(rand.NewPCG(seed, 0))
	moment := func(step string, of int) trap {
		return trap{step: step, nth: 1 + chance.IntN(of), late: time.Duration(1 + chance.IntN(20_000_000))}
	}
	var rows sync.WaitGroup
	places := make(chan struct{}, 4)
	play := func(name string, of func(disturbed)) {
		rows.Go(func() {
			places <- struct{}{}
			defer func() { <-places }()
			t.Run(name, func(t *testing.T) { of(disturbed{y.copied(t), w}) })
		})
	}
	for _, at := range []trap{
		{step: "lines staged", nth: 6}, {step: "slice read", nth: 2}, {step: "lines staged", nth: 16}, {step: "statement read", nth: 1}, {step: "page judged", nth: 8},
		moment("lines staged", 20), moment("statement read", 1), moment("page judged", 16),
	} {
		play("killed "+at.said(), func(d disturbed) { d.killed(at) })
	}
	for _, at := range []trap{{step: "lines staged", nth: 6}, {step: "page judged", nth: 5}} {
		play("both killed "+at.said(), func(d disturbed) { d.bothKilled(at) })
	}
	for _, at := range []trap{{step: "lines staged", nth: 16}, {step: "slice read", nth: 3}, {step: "page judged", nth: 8}} {
		play("asleep "+at.said(), func(d disturbed) { d.asleep(at) })
	}
	play("a file: its reader killed", func(d disturbed) { d.readerKilled(trap{step: "rows staged", nth: 8}) })
	play("a file: its receiver killed", disturbed.receiverKilled)
	play("a file: its reader asleep", func(d disturbed) { d.readerAsleep(trap{step: "rows staged", nth: 8}) })
	rows.Wait()
}

// said is where a trap closes, in words.
func (t trap) said() string {
	if t.late > 0 {
		return fmt.Sprintf("%s after %s %d", t.late, t.step, t.nth)
	}
	return fmt.Sprintf("at %s %d", t.step, t.nth)
}

// whole is what a run that nobody disturbs leaves behind.
type whole struct {
	*yesterday
	leaves []string
	counts string // of the run, as the books have them
	export string // the bank's list, as a file
}

// undisturbed runs the day once, and sees that it finds what was planted.
func (y *yesterday) undisturbed(t *testing.T) whole {
	t.Helper()
	b := y.copied(t)
	d := disturbed{b, whole{yesterday: y}}
	r := b.replica(trap{})
	d.ends(d.orders(r))
	w := whole{y, b.left(), b.rows(`SELECT counts FROM runs`)[0], b.file()}
	if diff := cmp.Diff(y.planted, b.found()); diff != "" {
		t.Fatalf("found (-planted +found):\n%s", diff)
	}
	if got := b.number(`SELECT COUNT(*) FROM findings WHERE resolution = 'healed'`); got == 0 || got != len(y.taught)-2 { // two were given back, which is a finding still
		t.Fatalf("%d findings healed, of %q", got, y.taught)
	}
	d.whole = w
	d.audit()
	d.again(r)
	return w
}

// disturbed are books on which a reconciliation is disturbed, and what must become of them.
type disturbed struct {
	books
	whole
}

// two starts two replicas. The one that comes to the trap first is caught, and the other
// passes.
func (d disturbed) two(at trap) []*replica {
	d.t.Helper()
	at.once = filepath.Join(d.dir, "caught")
	return []*replica{d.replica(at), d.replica(at)}
}

// killed lets the replica that has the run die.
func (d disturbed) killed(at trap) {
	at.signal = syscall.SIGKILL
	two := d.two(at)
	run := d.orders(two...)
	other := d.survivor(two)
	d.ends(run)
	if at.late > 0 {
		d.auditMoment()
	} else {
		d.audit()
		d.audited(run)
	}
	d.again(other)
}

// bothKilled lets each replica die when it comes to the trap, and starts a third.
func (d disturbed) bothKilled(at trap) {
	at.signal = syscall.SIGKILL
	two := []*replica{d.replica(at), d.replica(at)}
	run := d.orders(two...)
	for _, r := range two {
		r.died()
	}
	third := d.replica(trap{})
	d.ends(run)
	d.audit()
	d.audited(run)
	d.again(third)
}

// asleep lets the replica that has the run sleep until the other has ended it.
func (d disturbed) asleep(at trap) {
	at.signal = syscall.SIGSTOP
	two := d.two(at)
	run := d.orders(two...)
	sleeper := d.sleeper(two)
	d.ends(run)
	d.wakes(sleeper, "a reconciliation was ended, or taken up by another process")
	d.audit()
	d.audited(run)
	d.again(sleeper)
}

// readerKilled lets the replica that reads a file die.
func (d disturbed) readerKilled(at trap) {
	at.signal = syscall.SIGKILL
	two := d.two(at)
	file := uuid.NewString()
	d.hands(file, two...)
	other := d.survivor(two)
	d.accepted(file)
	d.again(other)
}

// readerAsleep lets the replica that reads a file sleep until the other has read it.
func (d disturbed) readerAsleep(at trap) {
	at.signal = syscall.SIGSTOP
	two := d.two(at)
	file := uuid.NewString()
	d.hands(file, two...)
	sleeper := d.sleeper(two)
	d.accepted(file)
	d.wakes(sleeper, "a file was taken up by another process")
	d.audit()
	d.again(sleeper)
}

// receiverKilled kills the replica that a client sends a file to. The client goes on with the
// other, from where the books say.
func (d disturbed) receiverKilled() {
	first, other := d.replica(trap{}), d.replica(trap{})
	file := uuid.NewString()
	sent := make(chan error, 1)
	go func() {
		_, err := d.send(first, file, 0, d.export[:len(d.export)/2], true)
		sent <- err
	}()
	received := func() int { return d.number(`SELECT COALESCE(SUM(received), 0) FROM imports`) }
	d.eventually("the first pieces", func() bool { return received() > 0 })
	first.signal(syscall.SIGKILL)
	first.died()
	if err := <-sent; status.Code(err) != codes.Unavailable {
		d.t.Errorf("the client of a process that was killed heard %v", err)
	}
	if n := received(); n == 0 || n > len(d.export)/2 {
		d.t.Fatalf("%d bytes of %d were received of a half", n, len(d.export))
	}
	d.hands(file, other)
	d.accepted(file)
	d.again(other)
}

// orders asks for a run of the day, of whoever answers, and returns its id.
func (d disturbed) orders(replicas ...*replica) (run string) {
	d.t.Helper()
	wish := &pb.RunReconciliationRequest{Gateway: "gateways/wayforpay-main", Day: d.day, Reason: "a test", RequestId: uuid.NewString()}
	d.eventually("an order to run the day", func() bool {
		return slices.ContainsFunc(replicas, func(r *replica) bool {
			ctx, cancel := context.WithTimeout(asPerson(d.t, "aida"), 5*time.Second)
			defer cancel()
			made, err := r.finance.RunReconciliation(ctx, wish)
			run = strings.TrimPrefix(made.GetName(), "reconciliations/")
			switch status.Code(err) {
			case codes.Unavailable, codes.DeadlineExceeded: // it is caught already
			case codes.FailedPrecondition: // the day has a moment to go
			default:
				d.must(err)
			}
			return err == nil
		})
	})
	return run
}

// ends waits until a run has come to its end.
func (d disturbed) ends(run string) {
	d.t.Helper()
	d.eventually("the end of the run", func() bool {
		return d.number(`SELECT COUNT(*) FROM runs WHERE id = $1 AND ended_at IS NOT NULL`, run) == 1
	})
	if got := d.rows(`SELECT state || ', failed ' || tries || ' times: ' || error FROM runs WHERE id = $1`, run)[0]; got != "done, failed 0 times: " {
		d.t.Errorf("the run is %s", got)
	}
}

// survivor waits until one of two replicas has been killed, and returns the other.
func (d disturbed) survivor(two []*replica) *replica {
	d.t.Helper()
	dead, other := two[0], two[1]
	select {
	case <-dead.exited:
	case <-other.exited:
		dead, other = other, dead
	case <-time.After(patience):
		d.t.Fatal("no process died")
	}
	dead.died()
	return other
}

// died waits until the process has been killed.
func (r *replica) died() {
	r.t.Helper()
	if end := r.ended(); !end.Signaled() || end.Signal() != syscall.SIGKILL {
		r.t.Fatalf("the process was not killed: %v", r.state)
	}
}

// sleeper waits until one of two replicas is asleep, and returns it.
func (d disturbed) sleeper(two []*replica) (sleeper *replica) {
	d.t.Helper()
	d.eventually("sleep", func() bool {
		i := slices.IndexFunc(two, (*replica).asleep)
		if i >= 0 {
			sleeper = two[i]
		}
		return i >= 0
	})
	return sleeper
}

// wakes wakes a replica, waits until it is through with its work, one way or the other, and
// sees that it has written nothing and says why.
func (d disturbed) wakes(sleeper *replica, why string) {
	d.t.Helper()
	if !sleeper.asleep() {
		d.t.Error("the process woke by itself")
	}
	before := d.everything()
	sleeper.signal(syscall.SIGCONT)
	said := ""
	d.eventually("the end of the sleeper's work", func() bool {
		text, err := os.ReadFile(sleeper.log)
		d.must(err)
		said = string(text)
		return slices.ContainsFunc([]string{why, "a reconciliation is done", "a reconciliation failed", "a file was read", "a file could not be read"},
			func(end string) bool { return strings.Contains(said, end) })
	})
	if diff := cmp.Diff(before, d.everything()); diff != "" {
		d.t.Errorf("the sleeper wrote (-before +after):\n%s", diff)
	}
	if !strings.Contains(said, why) {
		d.t.Errorf("the sleeper does not say that %s", why)
	}
}

// hands gives the file to whoever answers, as a client does: from where it was received.
func (d disturbed) hands(file string, replicas ...*replica) {
	d.t.Helper()
	d.eventually("all of the file to be received", func() bool {
		return slices.ContainsFunc(replicas, func(r *replica) bool {
			ctx, cancel := context.WithTimeout(asPerson(d.t, "aida"), 5*time.Second)
			defer cancel()
			i, err := r.finance.GetStatementImport(ctx, &pb.GetStatementImportRequest{Name: "imports/" + file})
			if err == nil && i.GetState() != pb.StatementImport_STATE_RECEIVING {
				return true
			}
			if err == nil || status.Code(err) == codes.NotFound {
				i, err = d.send(r, file, i.GetReceivedBytes(), d.export[i.GetReceivedBytes():], false)
			}
			switch status.Code(err) {
			case codes.Unavailable, codes.DeadlineExceeded: // it is caught already
			case codes.FailedPrecondition: // a piece came through after all: from there, then
			default:
				d.must(err)
			}
			return err == nil && i.GetReceivedBytes() == int64(len(d.export))
		})
	})
}

// send sends a part of the file in small pieces. It holds the stream open after that, if it
// is to.
func (d disturbed) send(r *replica, file string, offset int64, part string, hold bool) (*pb.StatementImport, error) {
	ctx, cancel := context.WithTimeout(asPerson(d.t, "aida"), patience)
	defer cancel()
	stream, err := r.finance.ImportStatement(ctx)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256([]byte(d.export))
	next := &pb.ImportStatementRequest{Piece: &pb.ImportStatementRequest_Start_{Start: &pb.ImportStatementRequest_Start{Gateway: "gateways/wayforpay-main", Format: "cabinet",
		FromDay: d.day, ToDay: d.day, FileName: "export.csv", SizeBytes: int64(len(d.export)), Sha256: hex.EncodeToString(sum[:]), Offset: offset, RequestId: file, Reason: "a test"}}}
	for stream.Send(next) == nil && part != "" { // what is wrong is heard at the end
		n := min(200, len(part))
		next, part = &pb.ImportStatementRequest{Piece: &pb.ImportStatementRequest_Chunk{Chunk: []byte(part[:n])}}, part[n:]
	}
	if hold {
		return nil, stream.RecvMsg(&pb.StatementImport{})
	}
	return stream.CloseAndRecv()
}

// accepted waits until a file was accepted and its day judged, and compares what is left.
func (d disturbed) accepted(file string) {
	d.t.Helper()
	d.eventually("the end of the reading", func() bool {
		return d.number(`SELECT COUNT(*) FROM imports WHERE id = $1 AND ended_at IS NOT NULL`, file) == 1
	})
	if got := d.rows(`SELECT state || ' after ' || tries || ' tries ' || refused_why FROM imports`)[0]; got != "accepted after 0 tries " {
		d.t.Fatalf("the file is %s", got)
	}
	runs := d.rows(`SELECT id FROM runs WHERE reading = $1`, file)
	if len(runs) != 1 {
		d.t.Fatalf("%d runs of one file", len(runs))
	}
	d.ends(runs[0])
	d.audit()
	d.audited(runs[0])
}

// audit compares what is left with what an undisturbed run leaves.
func (d disturbed) audit() {
	d.t.Helper()
	if diff := cmp.Diff(d.leaves, d.left()); diff != "" {
		d.t.Errorf("what is left (-undisturbed +disturbed):\n%s", diff)
	}
	d.balanced()
}

// audited compares what the run says that it did.
func (d disturbed) audited(run string) {
	d.t.Helper()
	if got := d.rows(`SELECT counts FROM runs WHERE id = $1`, run)[0]; got != d.counts {
		d.t.Errorf("the run counts %s, undisturbed %s", got, d.counts)
	}
}

// auditMoment is audit for a run that died anywhere. Between an observation and the record of
// it there are two commits: a payment that learnt something may stand without the closed
// finding that says so. Its own events say it in any case.
func (d disturbed) auditMoment() {
	d.t.Helper()
	open := func(all []string) []string {
		return slices.DeleteFunc(slices.Clone(all), func(row string) bool { return strings.HasPrefix(row, "finding ") && strings.Contains(row, ",healed,") })
	}
	if diff := cmp.Diff(open(d.leaves), open(d.left())); diff != "" {
		d.t.Errorf("what is left (-undisturbed +disturbed):\n%s", diff)
	}
	d.balanced()
}

// balanced sees that there are as many lines as the bank told, none of a reading that is not
// believed, and one observation for each payment that the list knew more of.
func (d disturbed) balanced() {
	d.t.Helper()
	if got := d.number(`SELECT COUNT(*) FROM statement_lines`); got != d.told {
		d.t.Errorf("%d lines are kept, the bank told %d", got, d.told)
	}
	if got := d.number(`SELECT COALESCE(SUM(lines), 0) FROM statement_days`); got != d.told {
		d.t.Errorf("the statement says it has %d lines, the bank told %d", got, d.told)
	}
	if diff := cmp.Diff(d.taught, d.rows(`SELECT payment_id FROM events WHERE body LIKE '%"statement"%' ORDER BY 1`)); diff != "" {
		d.t.Errorf("observations (-want +got):\n%s", diff)
	}
}

// again runs the day once more, which changes nothing.
func (d disturbed) again(r *replica) {
	d.t.Helper()
	before := d.left()
	run := d.orders(r)
	d.ends(run)
	if diff := cmp.Diff(before, d.left()); diff != "" {
		d.t.Errorf("a second run changed (-before +after):\n%s", diff)
	}
	if got := d.rows(`SELECT (counts::json->>'opened') || (counts::json->>'closed') || (counts::json->>'healed') FROM runs WHERE id = $1`, run)[0]; got != "000" {
		d.t.Errorf("a second run opened, closed and healed %s", got)
	}
	d.balanced()
}
