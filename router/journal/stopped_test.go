package journal

import (
	"testing"
	"time"

	"github.com/payrouter/payrouter/router/payment"
	"github.com/payrouter/payrouter/router/pgtest"
)

// A process that is stopped between its statements and its COMMIT answers the server's questions all
// the same: its machine does. What it holds is everybody's: an end of the audit, a gateway's numbers.
func TestACounterThatAStoppedProcessHoldsIsLetGo(t *testing.T) {
	url := pgtest.URL(t)
	replica := func(timeout time.Duration) *Store {
		t.Helper()
		s, err := Open(Options{URL: url, CommitTimeout: timeout, Due: func(payment.Payment, time.Time) time.Time { return time.Time{} }})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close() })
		return s
	}
	stopped, other := replica(300*time.Millisecond), replica(3*time.Second)
	if err := other.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	tx, err := stopped.write.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := take(t.Context(), tx, auditCounter, 1); err != nil {
		t.Fatal(err)
	}
	if n, err := other.Take(t.Context(), auditCounter, 1); n != 1 || err != nil {
		t.Errorf("the other replica was given number %d, error %v", n, err)
	}
	if tx.Commit() == nil { // it wakes
		t.Error("what was let go is committed")
	}
	if stopped.assured.Load() < stopped.doubts.Load() {
		t.Error("it was not committed, and nobody need doubt it")
	}
	if n, err := stopped.Take(t.Context(), auditCounter, 1); n != 2 || err != nil {
		t.Errorf("after that it was given number %d, error %v", n, err)
	}
}

// Who set the session up otherwise had a reason.
func TestAnOperatorsOwnTimeForIdleTransactionsIsLeft(t *testing.T) {
	url := pgtest.URL(t)
	for given, want := range map[string]string{"": "5s", "&idle_in_transaction_session_timeout=7s": "7s"} {
		s := empty(t, url+given)
		var is string
		if err := s.write.QueryRowContext(t.Context(), `SHOW idle_in_transaction_session_timeout`).Scan(&is); err != nil || is != want {
			t.Errorf("%q: it is %q, error %v", given, is, err)
		}
	}
}
