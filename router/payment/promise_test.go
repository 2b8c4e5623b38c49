package payment_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router/payment"
)

// Gateways that keep their promises lose answers, answer late, look the wrong way and
// have payers who pay at the last moment. At no gateway is an attempt begun while an
// earlier one takes money, then or ever after (I7), and no payer pays twice (I1).
func TestWhileGatewaysKeepTheirPromisesNobodyPaysTwice(t *testing.T) {
	moved := 0
	rapid.Check(t, func(t *rapid.T) {
		s := simulate(t, true)
		if s.paid() > 1 {
			t.Fatalf("%d attempts took money", s.paid())
		}
		if len(s.p.Attempts) > 1 {
			moved++
		}
	})
	if moved == 0 {
		t.Fatal("no payment ever moved: this test proves nothing")
	}
}

// Gateways that act after they promised not to make payers pay twice. What is too much
// goes back, exactly, whatever refunds and answers get lost on the way (N2).
func TestWhenGatewaysBreakTheirPromisesTheSurplusGoesBackExactly(t *testing.T) {
	twice := 0
	rapid.Check(t, func(t *rapid.T) {
		s := simulate(t, false)
		if s.paid() > 1 {
			twice++
		}
	})
	if twice == 0 {
		t.Fatal("nobody ever paid twice: this test proves nothing")
	}
}

// simulation drives one payment through the bank for four days.
type simulation struct {
	*book
	bank
	late []arrival // facts on their way
}

// arrival is a fact that will be known at a time.
type arrival struct {
	at   time.Time
	fact payment.Body
}

func simulate(t *rapid.T, honest bool) *simulation {
	s := &simulation{book: open(t, func(o *payment.Opened) { o.Deadline = start.Add(6 * time.Hour) }),
		bank: bank{rapid: t, honest: honest, refunds: map[int]*refunded{}}}
	leave := start.Add(s.between("leaves", 0, 8*time.Minute))
	cancel := start.Add(s.between("cancels", 0, 12*time.Hour))
	end := start.Add(96 * time.Hour)
	for range 20000 {
		s.deliver()
		s.wishes(&leave, &cancel)
		if s.step() {
			continue
		}
		if s.now.Equal(end) {
			s.judge()
			return s
		}
		s.pass(s.next(end, leave, cancel).Sub(s.now))
	}
	t.Fatalf("after %s the payment does not come to rest", s.now.Sub(start))
	return s
}

// deliver writes down the facts that have arrived.
func (s *simulation) deliver() {
	for i := 0; i < len(s.late); i++ {
		if a := s.late[i]; !s.now.Before(a.at) {
			s.late = append(s.late[:i:i], s.late[i+1:]...)
			i--
			s.tell(a.fact)
			if o, ok := a.fact.(payment.Observed); ok && o.Action != nil {
				s.accounts[o.Attempt-1].handed = s.p.Attempts[o.Attempt-1].Action != nil
			}
		}
	}
	facts, _ := s.notify(s.now)
	for _, f := range facts {
		s.tell(f)
	}
}

func (s *simulation) wishes(leave, cancel *time.Time) {
	if a, ok := s.p.OpenAttempt(); ok && !s.now.Before(*leave) {
		s.tell(payment.SwitchRequested{Attempt: a.N, Reason: "drained"})
		*leave = s.now.Add(time.Hour)
	}
	if !s.now.Before(*cancel) && s.p.CanCancel() == nil {
		s.tell(payment.CancelRequested{RequestID: "c"})
	}
}

// step does what is next at this instant, and reports whether there was anything.
func (s *simulation) step() bool {
	switch step := s.p.Next(s.now, s.terms); step.Do {
	case payment.Route:
		s.begin(rapid.SampledFrom([]string{card, backup, qr, page, push}).Draw(s.bank.rapid, "gateway"))
	case payment.Ask:
		o, at := s.lookUp(step.Attempt, s.now)
		s.settleLook(o, at)
	case payment.AskOp:
		s.tell(s.lookOperation(s.p.Operations[step.Operation-1], s.now))
	case payment.Operate:
		plan := step.Plan
		plan.Operation = len(s.p.Operations) + 1
		s.tell(plan)
		o, at := s.act(plan, s.now)
		s.late = append(s.late, arrival{at, o})
	default:
		return false
	}
	return true
}

// settleLook waits for a look's answer, as the loop does, while others write.
func (s *simulation) settleLook(o payment.Observed, at time.Time) {
	s.now = at
	s.deliver()
	s.tell(o)
}

// begin plans an attempt. That must be safe for the payer.
func (s *simulation) begin(gateway string) {
	for i, l := range s.accounts {
		if s.honest && l.takes() {
			s.book.t.Fatalf("attempt %d is planned at %s although attempt %d at %s takes money at %s (closed as %s)", len(s.accounts)+1,
				s.now.Sub(start), i+1, l.gateway, l.pays.Sub(start), s.closed(i+1))
		}
	}
	s.plan(gateway)
	n := len(s.p.Attempts)
	o, at := s.charge(gateway, n, s.now)
	s.late = append(s.late, arrival{at, o})
}

// next is when something happens again.
func (s *simulation) next(times ...time.Time) time.Time {
	times = append(times, s.p.Next(s.now, s.terms).Until)
	for _, a := range s.late {
		times = append(times, a.at)
	}
	_, notice := s.notify(s.now)
	first := time.Time{}
	for _, at := range append(times, notice) {
		if at.After(s.now) && (first.IsZero() || at.Before(first)) {
			first = at
		}
	}
	return first
}

func (s *simulation) paid() (n int) {
	for _, l := range s.accounts {
		if l.takes() {
			n++
		}
	}
	return n
}

// judge compares the books with the bank's, when all is quiet.
func (s *simulation) judge() {
	total := int64(0)
	for i, l := range s.accounts {
		taken := int64(0)
		if l.takes() {
			taken = amount.Minor
		}
		if l.back > taken {
			s.book.t.Fatalf("attempt %d took %d and gave back %d", i+1, taken, l.back)
		}
		total += taken - l.back
	}
	sums := s.p.Sums()
	waits := len(s.p.Findings) > 0 // a person was called
	switch status := s.p.Status(); {
	case status == payment.StatusPaid && total != amount.Minor-sums.Refunded+sums.Surplus:
		s.book.t.Fatalf("paid, and the payer is %d short", total)
	case status != payment.StatusPaid && total != sums.Surplus && !s.undecided():
		s.book.t.Fatalf("%s, and the payer is %d short", status, total)
	case !status.Final() && !waits:
		s.book.t.Fatalf("%s after four days, and nobody was told", status)
	case sums.Surplus > 0 && !waits:
		s.book.t.Fatalf("a surplus of %d, and nobody was told", sums.Surplus)
	}
}

// undecided reports whether an attempt was given to a person.
func (s *simulation) undecided() bool {
	a, open := s.p.OpenAttempt()
	return open && s.p.Found(payment.Undecided, a.N) && a.Verdict != providers.Approved
}
