package journal

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/payrouter/payrouter/router/audit"
	"github.com/payrouter/payrouter/router/payment"
)

// change is a record as a person's act makes it.
func change(n int) audit.Record {
	return audit.Record{Time: bought.Add(time.Duration(n)*time.Minute + 500*time.Nanosecond), Actor: "operator:aida", Roles: "operator", Tenant: "shop",
		Act: "/payrouter.v1.Operations/EndOverride", Subject: fmt.Sprintf("gateways/kaspi-main/overrides/%d", n), Reason: "банк отвечает", Phase: audit.Asked, Request: "00ff"}
}

func (s shelf) recorded(n int) audit.Record {
	s.t.Helper()
	r, err := s.AppendAudit(s.t.Context(), change(n))
	s.must(err)
	return r
}

// checked follows the chain as it stands.
func (s shelf) checked(known audit.Anchor) (audit.Anchor, *audit.BrokenError) {
	s.t.Helper()
	last, err := audit.Check(s.WalkAudit(s.t.Context()), known)
	broken, found := errors.AsType[*audit.BrokenError](err)
	if err != nil && !found {
		s.t.Fatal(err)
	}
	return last, broken
}

// unguarded takes the triggers off, as whoever owns the database can.
func (s shelf) unguarded() {
	if s.postgres {
		s.exec(`ALTER TABLE audit DISABLE TRIGGER USER`)
		return
	}
	for _, name := range []string{"audit_update", "audit_delete", "audit_replace"} {
		s.exec(`DROP TRIGGER ` + name)
	}
}

func TestARecordIsReadBackAsItWasLinked(t *testing.T) {
	aging(t, func(s shelf) {
		var want []audit.Record
		for n := 1; n <= 3; n++ {
			want = append(want, s.recorded(n))
		}
		odd := change(4)
		odd.Reason = "a\x00b\xff"
		r, err := s.AppendAudit(t.Context(), odd)
		s.must(err)
		var got []audit.Record
		for r, err := range s.WalkAudit(t.Context()) {
			s.must(err)
			got = append(got, r)
		}
		if diff := cmp.Diff(append(want, r), got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		for i, r := range got {
			if r.Number != int64(i+1) {
				t.Errorf("record %d has number %d", i+1, r.Number)
			}
		}
		if last, broken := s.checked(audit.Anchor{}); broken != nil || last.Number != 4 || last.Sum != r.Sum {
			t.Errorf("anchor %v, %v", last, broken)
		}
	})
}

func TestTwoReplicasThatAppendAtOnceMakeOneChainWithoutGaps(t *testing.T) {
	aging(t, func(s shelf) {
		stores := []*Store{s.Store, s.Store}
		if s.postgres { // a file has one writer, whoever it is
			other, err := Open(Options{URL: s.url, Due: func(payment.Payment, time.Time) time.Time { return time.Time{} }})
			s.must(err)
			defer other.Close()
			stores[1] = other
		}
		const writers, each = 8, 25
		var group sync.WaitGroup
		for w := range writers {
			group.Go(func() {
				for n := range each {
					if _, err := stores[w%2].AppendAudit(context.Background(), change(w*each+n)); err != nil {
						t.Error(err)
					}
				}
			})
		}
		group.Wait()
		if last, broken := s.checked(audit.Anchor{}); broken != nil || last.Number != writers*each {
			t.Errorf("anchor %v, %v", last, broken)
		}
	})
}

// A walk of many pages is one chain, as is one that others append to in between.
func TestAWalkGoesOnOverItsPages(t *testing.T) {
	aging(t, func(s shelf) {
		s.must(s.appendMany(2*auditPage + 1))
		n := int64(0)
		for r, err := range s.WalkAudit(t.Context()) {
			s.must(err)
			if n++; r.Number != n {
				t.Fatalf("record %d comes after %d", r.Number, n-1)
			}
			if n == auditPage {
				s.recorded(7)
			}
		}
		if n != 2*auditPage+2 {
			t.Errorf("%d records were walked", n)
		}
	})
}

// appendMany appends in one commit, for speed.
func (s shelf) appendMany(n int) error {
	return s.appendAudit(s.t.Context(), func(ctx context.Context, tx *sql.Tx) error {
		for i := range n {
			if _, err := link(ctx, tx, change(i)); err != nil {
				return err
			}
		}
		return nil
	})
}

func TestTheDatabaseRefusesToChangeOrRemoveARecord(t *testing.T) {
	aging(t, func(s shelf) {
		s.recorded(1)
		statements := []string{`UPDATE audit SET reason = 'other' WHERE number = 1`, `DELETE FROM audit`}
		if s.postgres {
			statements = append(statements, `TRUNCATE audit`, `INSERT INTO audit SELECT * FROM audit ON CONFLICT (number) DO UPDATE SET reason = 'other'`)
		} else {
			statements = append(statements, `INSERT OR REPLACE INTO audit SELECT number, at, 'other', roles, tenant, act, subject, reason, phase, asked, outcome, request, previous, sum FROM audit`)
		}
		for _, statement := range statements {
			if _, err := s.Store.write.ExecContext(t.Context(), statement); err == nil || !strings.Contains(err.Error(), "records of the audit are never") {
				t.Errorf("%s: error %v", statement, err)
			}
		}
		if last, broken := s.checked(audit.Anchor{}); broken != nil || last.Number != 1 {
			t.Errorf("anchor %v, %v", last, broken)
		}
	})
}

func TestWhatIsDoneToTheAuditByHandIsFound(t *testing.T) {
	for name, c := range map[string]struct {
		by     string
		number int64
		fault  audit.Fault
	}{
		"a changed word":    {`UPDATE audit SET actor = 'operator:berik' WHERE number = 2`, 2, audit.Changed},
		"a changed instant": {`UPDATE audit SET at = at + 1 WHERE number = 3`, 3, audit.Changed},
		"no sum":            {`UPDATE audit SET sum = '' WHERE number = 4`, 4, audit.Changed},
		"a removed record":  {`DELETE FROM audit WHERE number = 2`, 2, audit.Missing},
		"a removed first":   {`DELETE FROM audit WHERE number = 1`, 1, audit.Missing},
		"a cut tail":        {`DELETE FROM audit WHERE number > 3`, 4, audit.Cut},
		"nothing left":      {`DELETE FROM audit`, 1, audit.Cut},
		"one before all": {`INSERT INTO audit SELECT -1, at, actor, roles, tenant, act, subject || 'x', reason, phase, asked, outcome, request, previous, sum
			FROM audit WHERE number = 1`, -1, audit.OutOfOrder},
	} {
		t.Run(name, func(t *testing.T) {
			aging(t, func(s shelf) {
				s.must(s.appendMany(5))
				known, broken := s.checked(audit.Anchor{})
				if broken != nil {
					t.Fatal(broken)
				}
				s.unguarded()
				s.exec(c.by)
				if _, broken := s.checked(known); broken == nil || broken.Number != c.number || broken.Fault != c.fault {
					t.Errorf("%+v, want %s at %d", broken, c.fault, c.number)
				}
				if c.fault != audit.Cut {
					return
				}
				s.recorded(6) // the numbers go on, so that even without an anchor the hole shows
				if _, broken := s.checked(audit.Anchor{}); broken == nil || broken.Number != c.number || broken.Fault != audit.Missing {
					t.Errorf("after one more: %+v, want missing at %d", broken, c.number)
				}
			})
		})
	}
}

func TestOfWhatAllReplicasSeeOneNotesIt(t *testing.T) {
	aging(t, func(s shelf) {
		note := audit.Record{Time: bought, Actor: "router", Act: audit.OverrideExpired, Subject: "gateways/kaspi-main/overrides/1", Phase: audit.Note}
		var group sync.WaitGroup
		var lock sync.Mutex
		noted := 0
		for range 8 {
			group.Go(func() {
				mine, err := s.NoteAudit(context.Background(), note)
				if err != nil {
					t.Error(err)
				}
				if mine {
					lock.Lock()
					noted++
					lock.Unlock()
				}
			})
		}
		group.Wait()
		if last, broken := s.checked(audit.Anchor{}); broken != nil || last.Number != 1 || noted != 1 {
			t.Errorf("anchor %v, %d noted it, %v", last, noted, broken)
		}
		if _, err := s.AppendAudit(t.Context(), note); err == nil {
			t.Error("it is noted twice")
		}
		s.recorded(2)
		if last, broken := s.checked(audit.Anchor{}); broken != nil || last.Number != 2 {
			t.Errorf("after a refused one: anchor %v, %v", last, broken)
		}
	})
}

func TestTheAuditIsListedByWhatOneLooksFor(t *testing.T) {
	aging(t, func(s shelf) {
		for n, c := range []struct{ actor, act, subject string }{{"operator:aida", "a", "x"}, {"operator:berik", "a", "y"}, {"operator:aida", "b", "y"}, {"operator:aida", "a", "y"}} {
			r := change(n)
			r.Actor, r.Act, r.Subject = c.actor, c.act, c.subject
			_, err := s.AppendAudit(t.Context(), r)
			s.must(err)
		}
		numbers := func(f AuditFilter, before int64, n int) string {
			found, err := s.ListAudit(t.Context(), f, before, n)
			s.must(err)
			said := ""
			for _, r := range found {
				said += fmt.Sprint(r.Number)
			}
			return said
		}
		for _, c := range []struct {
			filter AuditFilter
			before int64
			n      int
			want   string
		}{
			{AuditFilter{}, 0, 10, "4321"},
			{AuditFilter{}, 0, 2, "43"},
			{AuditFilter{}, 3, 2, "21"},
			{AuditFilter{Actor: "operator:aida"}, 0, 10, "431"},
			{AuditFilter{Act: "a"}, 0, 10, "421"},
			{AuditFilter{Subject: "y"}, 0, 10, "432"},
			{AuditFilter{Actor: "operator:aida", Act: "a", Subject: "y"}, 0, 10, "4"},
			{AuditFilter{From: bought.Add(time.Minute)}, 0, 10, "432"},
			{AuditFilter{From: bought.Add(time.Minute), To: bought.Add(2 * time.Minute)}, 0, 10, "2"},
			{AuditFilter{Actor: "operator:nobody"}, 0, 10, ""},
		} {
			if got := numbers(c.filter, c.before, c.n); got != c.want {
				t.Errorf("%+v below %d, %d of them: %q, want %q", c.filter, c.before, c.n, got, c.want)
			}
		}
	})
}

// Records of people's acts live as long as those of money: no pass touches them, however old.
func TestRetentionLeavesTheAudit(t *testing.T) {
	aging(t, func(s shelf) {
		s.must(s.appendMany(3))
		known, _ := s.checked(audit.Anchor{})
		s.write("p", paid()...)
		s.notice("n", "fact", "p")
		s.drop("pass")
		if a := s.erase("pass"); a.Done != 1 {
			t.Fatalf("erased %+v", a)
		}
		if last, broken := s.checked(known); broken != nil || last != known {
			t.Errorf("anchor %v, %v", last, broken)
		}
	})
}
