package reconcile_test

import (
	"testing"
	"time"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router/reconcile"
)

func TestWhatWasBelievedOfAGatewayIsHeldAgainstTheMinutesInWhichItTookMoney(t *testing.T) {
	day := reconcile.Day(november, time.UTC)
	minute := func(n int) time.Time { return day.From.Add(time.Duration(n)*time.Minute + 59*time.Second) }
	var worked reconcile.Minutes
	for _, n := range []int{0, 7, 8, 600, 1439} {
		worked.Add(minute(n), day)
	}
	worked.Add(day.From.Add(-time.Second), day)
	worked.Add(day.To, day)
	for n := range 1441 {
		if got, want := worked.Has(n), n == 0 || n == 7 || n == 8 || n == 600 || n == 1439; got != want {
			t.Errorf("minute %d: %t", n, got)
		}
	}
	diverted, unserved := map[int]int64{600: 3, 601: 40, 1439: 2}, map[int]int64{599: 5, 600: 1, 1440: 1}
	if got, want := reconcile.Weigh(diverted, unserved, worked), (reconcile.Signal{Diverted: 45, Wrongly: 5, Unserved: 7, Missed: 6}); got != want {
		t.Errorf("weighed %+v, want %+v", got, want)
	}
}

func TestAGatewayIsSeenToWorkByMoneyAlone(t *testing.T) {
	line := providers.StatementLine{Kind: providers.LineCharge, Verdict: providers.Approved, At: november}
	for name, c := range map[string]struct {
		change func(*providers.StatementLine)
		want   bool
	}{
		"a charge":         {func(*providers.StatementLine) {}, true},
		"a hold":           {func(l *providers.StatementLine) { l.Verdict = providers.Held }, true},
		"a refund":         {func(l *providers.StatementLine) { l.Kind = providers.LineRefund }, false},
		"a decline":        {func(l *providers.StatementLine) { l.Verdict = providers.Declined }, false},
		"a strange state":  {func(l *providers.StatementLine) { l.Verdict = providers.Unknown }, false},
		"without any time": {func(l *providers.StatementLine) { l.At = time.Time{} }, false},
	} {
		l := line
		c.change(&l)
		if got := reconcile.Taking(l); got != c.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}
