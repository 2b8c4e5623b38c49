package simulation

import (
	"context"
	"database/sql/driver"
	"errors"
	"net"
	"slices"
	"strings"
	"syscall"
	"time"

	"google.golang.org/grpc/metadata"

	"github.com/payrouter/payrouter/router/payment"
)

// connector gives one process its sessions. The process nil has no faults.
type connector struct {
	d *database
	p *process
}

// Connect opens a session.
func (c connector) Connect(context.Context) (driver.Conn, error) {
	if c.p != nil && c.p.dead.Load() {
		return nil, errDead
	}
	return &session{d: c.d, p: c.p}, nil
}

// Driver is asked for by database/sql and used by nobody.
func (c connector) Driver() driver.Driver { return nil }

// session is one connection of one process to the database.
type session struct {
	d      *database
	p      *process
	inTx   bool
	tx     driver.Tx // once the first statement came through
	ctx    context.Context
	writes []write
	kept   int  // of them, when the last savepoint was set
	apart  bool // its members have a savepoint each
}

var errDead = errors.New("the process is dead")

// lost is what a connection that broke looks like.
func lost(op string) error {
	return &net.OpError{Op: op, Net: "pipe", Err: syscall.ECONNRESET}
}

// Prepare is not needed: every statement comes with its arguments.
func (s *session) Prepare(string) (driver.Stmt, error) {
	return nil, errors.New("no prepared statements")
}

// Close ends an open transaction.
func (s *session) Close() error { return s.Rollback() }

// Begin is the old form of BeginTx.
func (s *session) Begin() (driver.Tx, error) {
	return s.BeginTx(context.Background(), driver.TxOptions{})
}

// BeginTx takes no turn yet: the first statement says what the transaction is about.
func (s *session) BeginTx(ctx context.Context, _ driver.TxOptions) (driver.Tx, error) {
	s.inTx, s.ctx, s.writes, s.apart = true, ctx, nil, false
	return s, nil
}

// enter waits for a statement's time, suffers what is wrong, and takes the turn.
func (s *session) enter(ctx context.Context, query string, args []driver.NamedValue) error {
	if s.tx != nil {
		if s.p != nil && s.p.dead.Load() {
			return errDead
		}
		return nil
	}
	if s.p != nil {
		if err := s.suffer(ctx, query, args); err != nil {
			return err
		}
	}
	if err := s.take(ctx); err != nil {
		return err
	}
	if !s.inTx {
		return nil
	}
	tx, err := s.d.real.BeginTx(context.Background(), driver.TxOptions{})
	if err != nil {
		s.d.turn <- struct{}{}
		return err
	}
	s.tx = tx
	return nil
}

func (s *session) suffer(ctx context.Context, query string, args []driver.NamedValue) error {
	if s.p.gone() {
		return errDead
	}
	took := s.d.w.latency(2*time.Millisecond, s.p.name+caller(ctx), query, args)
	if slow := time.Duration(s.d.slow.Load()); slow > 0 {
		took += s.d.w.latency(slow, s.p.name, "slow", args)
	}
	if err := s.d.w.wait(ctx, took); err != nil {
		return err
	}
	if err := s.p.awake(ctx); err != nil {
		return err
	}
	switch link := s.p.link(); {
	case link == silent:
		<-ctx.Done()
		return ctx.Err()
	case link == refused, s.d.down.Load():
		return lost("write")
	}
	return nil
}

// caller is for whom a statement runs. Callers who wait for one payment wake at one instant:
// each goes on at a pace of its own, or who is first would be nobody's draw.
func caller(ctx context.Context) string {
	known, _ := metadata.FromIncomingContext(ctx)
	return strings.Join(known.Get("payrouter-caller"), " ")
}

func (s *session) leave() {
	if s.tx == nil {
		s.d.turn <- struct{}{}
	}
}

// ExecContext runs one statement.
func (s *session) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	var result driver.Result
	err := s.statement(ctx, query, args, func() (err error) {
		result, err = s.d.exec(query, args)
		return err
	})
	return result, err
}

// QueryContext runs one statement and hands its rows over at once.
func (s *session) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	var all *answer
	err := s.statement(ctx, query, args, func() error {
		found, err := s.d.query(query, args)
		if err == nil {
			all, err = drained(found)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return all, nil
}

// statement runs one, and outside a transaction makes it durable.
func (s *session) statement(ctx context.Context, query string, args []driver.NamedValue, run func() error) error {
	if err := s.enter(ctx, query, args); err != nil {
		return err
	}
	defer s.leave()
	writes := !strings.HasPrefix(strings.TrimSpace(query), "SELECT")
	if s.tx != nil || !writes || s.p == nil {
		err := s.refuse(query, args)
		if err == nil {
			err = run()
		}
		switch {
		case err != nil || !writes:
		case strings.HasPrefix(query, "SAVEPOINT"):
			s.kept = len(s.writes)
		case strings.HasPrefix(query, "ROLLBACK TO"):
			s.writes = s.writes[:s.kept]
		default:
			s.writes = append(s.writes, write{query, args})
		}
		return err
	}
	if s.inTx { // cannot happen: a transaction has its tx by now
		panic("statement outside its transaction")
	}
	return s.effect(ctx, run, []write{{query, args}})
}

// plans reports whether a transaction plans an attempt or an operation: between this
// commit and the request that follows it, a process had better not be stopped.
func plans(writes []write) bool {
	return slices.ContainsFunc(writes, func(w write) bool {
		return slices.ContainsFunc(w.events(), func(e eventRow) bool {
			return e.kind == payment.Planned{}.Kind() || e.kind == payment.OperationPlanned{}.Kind()
		})
	})
}

// effect makes something durable, with what may go wrong around it: the process may die
// just before or just after, and the commit or its answer may be lost.
func (s *session) effect(ctx context.Context, apply func() error, writes []write) error {
	fate := s.p.effect("commit")
	if fate == lives && plans(writes) {
		fate = s.p.plan()
	}
	if shares(writes) {
		fate = s.p.share(fate)
	}
	if fate == dieBefore {
		s.p.kill("before a commit")
		return errDead
	}
	if fate == commitLost {
		s.d.w.count("commit lost on its way")
		return lost("write")
	}
	late := fate == answerLate && ctx.Err() == nil
	if late { // the database froze with the commit in its hands
		s.d.w.count("commit carried out late")
		time.Sleep(6 * time.Second)
	}
	until, after := s.d.spin(s.p, writes)
	if !s.passes(until) {
		return errDead
	}
	if fate == commitRefused {
		return errRefused
	}
	err := apply()
	if err == nil {
		s.d.w.committed(s.p, writes)
		if s.d.atPlan != nil && plans(writes) {
			s.d.atPlan()
		}
	}
	alive := s.passes(after)
	switch {
	case fate == dozes:
		s.p.stopFor(2*time.Minute + s.d.w.latency(8*time.Minute, s.p.name, "doze", nil))
	case fate == dieAfter:
		s.p.kill("after a commit")
		return errDead
	case !alive:
		return errDead
	case err == nil && (fate == answerLost || late):
		s.d.w.count("answer of a commit lost")
		return lost("read")
	}
	return err
}

// Commit makes the transaction durable.
func (s *session) Commit() error {
	if s.tx == nil {
		s.inTx = false
		return nil
	}
	if s.p == nil {
		err := s.tx.Commit()
		s.end()
		return err
	}
	if s.p.dead.Load() {
		return errors.Join(errDead, s.Rollback())
	}
	done := false
	err := s.effect(s.ctx, func() error { done = true; return s.tx.Commit() }, s.writes)
	if !done {
		_ = s.tx.Rollback()
	}
	s.end()
	if s.p.awake(context.Background()) != nil { // a stopped process does not even learn that it was done
		return errDead
	}
	return err
}

// Rollback undoes the transaction, if there is one.
func (s *session) Rollback() error {
	s.inTx = false
	if s.tx == nil {
		return nil
	}
	err := s.tx.Rollback()
	s.end()
	return err
}

func (s *session) end() {
	s.inTx, s.tx = false, nil
	s.d.turn <- struct{}{}
}
