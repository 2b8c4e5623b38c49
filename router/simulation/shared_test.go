package simulation

import (
	"context"
	"database/sql/driver"
	"errors"
	"slices"
	"strings"
	"time"
)

// What befalls transactions that several payments share, and the time that a disk takes.

// errRefused is what a database says that cannot write.
var errRefused = errors.New("disk I/O error")

// take waits for the turn. Where commits take time many wait for it at once: each then goes on
// at an instant of its own.
func (s *session) take(ctx context.Context) error {
	d := s.d
	if d.disk.Load() > 0 {
		select {
		case <-d.turn:
			return nil
		default:
		}
	}
	select {
	case <-d.turn:
	case <-ctx.Done():
		return ctx.Err()
	}
	if s.p != nil && s.p.gone() {
		d.turn <- struct{}{}
		return errDead
	}
	// The turn may come in the very instant in which the wait ends: which of them is seen first
	// would be nobody's draw.
	if end, ok := ctx.Deadline(); ok && !time.Now().Before(end) {
		d.turn <- struct{}{}
		return context.DeadlineExceeded
	}
	if d.disk.Load() > 0 {
		_ = d.w.wait(context.Background(), time.Microsecond)
	}
	return nil
}

// spin is the time that the disk takes for a commit: until it is durable, and until whoever
// asked for it knows.
func (d *database) spin(p *process, writes []write) (until, after time.Duration) {
	most := time.Duration(d.disk.Load())
	if most == 0 {
		return 0, 0
	}
	took := d.w.latency(most, p.name+"disk", writes[0].query, writes[0].args)
	return took * 3 / 4, took / 4
}

// passes lets a time pass that may be none, and reports whether the process lived through it.
func (s *session) passes(d time.Duration) bool {
	return d == 0 || s.d.w.wait(context.Background(), d) == nil && !s.p.dead.Load()
}

// shares reports whether a transaction writes of several payments.
func shares(writes []write) bool {
	first := ""
	return slices.ContainsFunc(writes, func(w write) bool {
		events := w.events()
		if len(events) == 0 {
			return false
		}
		if first == "" {
			first = events[0].payment
		}
		return events[0].payment != first
	})
}

// happens are the ends of shared commits, as they are counted.
var happens = map[fate]string{
	dieBefore: "process killed before a shared commit", dieAfter: "process killed after a shared commit", dozes: "process stopped after a shared commit",
	answerLost: "shared commit's answer lost", answerLate: "shared commit carried out late", commitLost: "shared commit lost on its way",
	commitRefused: "shared commit refused", refusedOne: "statement of a shared commit refused", refusedAll: "shared transaction undone by its database",
}

// gone reports whether a process is dead and should not even wait to learn it. When a rush is
// killed its callers are told in no order, and what each would do next would take a time drawn
// from numbers that others draw from, too.
func (p *process) gone() bool { return p.w.swarm.disk > 0 && p.dead.Load() }

// share counts a commit of several payments, and says what happens at it, unless something
// does already.
func (p *process) share(already fate) fate {
	p.mu.Lock()
	f := p.shared.count()
	p.mu.Unlock()
	if already != lives {
		f = already
	} else if f != lives {
		p.w.note("%s: %s", p.name, happens[f])
	}
	if f != lives {
		p.w.count(happens[f])
	}
	return f
}

// refuse is the database's no to the events of a payment that shares its transaction with
// others: to these alone, or to all that came before them as well, as SQLite has it where it
// cannot write. Whoever tries again, each by itself, hears the same.
func (s *session) refuse(query string, args []driver.NamedValue) error {
	if s.p == nil || s.tx == nil {
		return nil
	}
	if strings.HasPrefix(query, "SAVEPOINT") {
		s.apart = true
	}
	this := []write{{query, args}}
	events := this[0].events()
	if len(events) == 0 {
		return nil
	}
	id, what := events[0].payment, lives
	s.p.mu.Lock()
	if s.apart {
		what = s.p.refused[id]
		delete(s.p.refused, id)
	} else if shares(append(slices.Clone(s.writes), this...)) {
		if what = s.p.members.count(); what != lives {
			s.p.refused[id] = what
		}
	}
	s.p.mu.Unlock()
	if what == lives {
		return nil
	}
	s.p.w.note("%s: %s", s.p.name, happens[what])
	s.p.w.count(happens[what])
	if what == refusedAll && s.apart {
		s.writes, s.kept = nil, 0
		if _, err := s.d.real.ExecContext(context.Background(), "ROLLBACK", nil); err != nil {
			panic(err)
		}
	}
	return errRefused
}
