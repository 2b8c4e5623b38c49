package reconcile_test

import (
	"testing"
	"time"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router/payment"
	"github.com/payrouter/payrouter/router/reconcile"
)

// Some gateways change a row when its payment goes on, and keep its date; days are read again
// for a while only. What our books learnt after that the row cannot contradict.

// six is six days, all read on the morning after the first; the lines are the first day's.
func six(lines ...providers.StatementLine) []reconcile.Statement {
	all := []reconcile.Statement{read(day, lines...)}
	for i := range 5 {
		all = append(all, read(after(i+1)))
	}
	all[0].Read = next.From.Add(6 * time.Hour)
	return all
}

func quiet(t *testing.T, what string, j reconcile.Judgement) {
	t.Helper()
	if len(j.Findings)+len(j.Steps) > 0 {
		t.Errorf("%s: found %q, steps %+v", what, kinds(j.Findings), j.Steps)
	}
}

func refundAt(minor int64, when time.Time, change ...func(*providers.StatementLine)) providers.StatementLine {
	return refund(providers.Approved, minor, append(change, at(when))...)
}

func TestALineThatWasReadBeforeContradictsNothingThatCameAfter(t *testing.T) {
	fourth := noon.AddDate(0, 0, 4)
	back := refunded(1, 300)
	back.Last = fourth
	quiet(t, "a hold that we voided", reconcile.Judge(six(charge(providers.Held, 1000, id("x"))), ours(paid(is(providers.Declined), wasHeld, dated(noon, fourth))), reconcile.Options{}))
	quiet(t, "a hold that was captured", reconcile.Judge(six(charge(providers.Held, 1000, id("x"))), ours(paid(wasHeld, dated(noon, fourth))), reconcile.Options{}))
	quiet(t, "a refund that was pending", reconcile.Judge(six(charge(providers.Approved, 1000), refund(providers.Pending, 300)), ours(paid(), back), reconcile.Options{}))
	fresh := six(charge(providers.Held, 1000, id("x")))
	fresh[0].Read = fourth.Add(time.Hour)
	if j := reconcile.Judge(fresh, ours(paid(wasHeld, dated(noon, fourth))), reconcile.Options{}); kinds(j.Findings) != string(reconcile.StateDiffers) {
		t.Errorf("a hold that was read after its capture: found %q", kinds(j.Findings))
	}
}

func TestAnEndedHoldIsNotHeldAgain(t *testing.T) {
	days := six(charge(providers.Held, 1000, id("x")))
	days[0].Read = time.Time{} // nobody knows when
	if j := reconcile.Judge(days, ours(paid(is(providers.Declined), wasHeld, dated(noon, noon.AddDate(0, 0, 4)))), reconcile.Options{}); len(j.Steps) > 0 {
		t.Errorf("steps %+v", j.Steps)
	}
}

func TestARefundOlderThanTheWishIsNotOurs(t *testing.T) {
	for _, v := range []providers.Verdict{providers.Unknown, providers.Declined} {
		mine := refunded(1, 300, is(v))
		mine.At, mine.Last = noon.AddDate(0, 0, 3), noon.AddDate(0, 0, 3).Add(time.Minute)
		j := reconcile.Judge(six(charge(providers.Approved, 1000, id("x")), refundAt(300, noon, id("cabinet"))), ours(paid(), mine), reconcile.Options{})
		if kinds(j.Findings) != string(reconcile.RefundUnknownToUs) || len(j.Steps) != 1 || j.Steps[0].Operation != 0 || j.Steps[0].Result.Returned != tenge(300) {
			t.Errorf("%s: found %q, steps %+v", v, kinds(j.Findings), j.Steps)
		}
	}
}

func TestWhoseRefundNobodyCanSayTeachesNothing(t *testing.T) {
	second := charge(providers.Approved, 1000, id("t2"), at(noon.Add(time.Minute)))
	j := reconcile.Judge([]reconcile.Statement{read(day, charge(providers.Approved, 1000, id("t1")), second, refund(providers.Approved, 1000, id("t3")))}, ours(paid()), reconcile.Options{})
	if len(j.Steps) > 0 || len(j.Findings) != 2 {
		t.Errorf("a page that was paid twice: found %q, steps %+v", kinds(j.Findings), j.Steps)
	}
	parts := []reconcile.Statement{read(day, charge(providers.Approved, 300, id("x")), charge(providers.Approved, 400, id("x"), at(noon.Add(time.Hour))))}
	if j := reconcile.Judge(parts, ours(paid(is(providers.Held), wasHeld)), reconcile.Options{Parts: true}); len(j.Steps) > 0 {
		t.Errorf("a hold that was captured in two parts: steps %+v", j.Steps)
	}
}

// Or the router would give it back once more.
func TestMoneyThatWentBackIsTaughtWithItsReturn(t *testing.T) {
	j := reconcile.Judge([]reconcile.Statement{read(day, charge(providers.Approved, 1000, id("t1")), refund(providers.Approved, 400, id("t3")))}, ours(paid(is(providers.Declined))), reconcile.Options{})
	if len(j.Steps) != 1 || j.Steps[0].Result.Verdict != providers.Approved || j.Steps[0].Result.Amount != tenge(1000) || j.Steps[0].Result.Returned != tenge(400) {
		t.Errorf("steps %+v", j.Steps)
	}
}

func TestWhatWentBackInAllCountsARefundOfOursThatHealsHere(t *testing.T) {
	lines := []reconcile.Statement{read(day, charge(providers.Approved, 1000), refund(providers.Approved, 300, id("r1")), refund(providers.Approved, 200, id("r2")))}
	j := reconcile.Judge(lines, ours(paid(), refunded(1, 300, is(providers.Unknown))), reconcile.Options{})
	if len(j.Steps) != 2 || j.Steps[0].Operation != 1 || j.Steps[1].Result.Returned != tenge(500) {
		t.Errorf("steps %+v", j.Steps)
	}
}

func TestWhatOneSpanToldIsNotMissingInAnother(t *testing.T) {
	mine := refunded(1, 1000)
	mine.At = noon.AddDate(0, 0, 2)
	quiet(t, "a refund on its payment's row", reconcile.Judge([]reconcile.Statement{read(day, charge(providers.Approved, 1000, id("x")), refundAt(1000, noon.Add(-time.Hour), id("x"))), read(after(2))},
		ours(paid(), mine), reconcile.Options{}))
}

func TestAHoldHasNoFeeYet(t *testing.T) {
	free := func(l *providers.StatementLine) { l.Fee = tenge(0) }
	quiet(t, "a hold", reconcile.Judge([]reconcile.Statement{read(day, charge(providers.Held, 1000, free))}, ours(paid(is(providers.Held))), reconcile.Options{Fees: reconcile.Fees{{Currency: "KZT", BasisPoints: 200}}}))
}

// WayForPay's rows have no ids, and a payer may try in two windows.
func TestADeclinedTryEndsNoHold(t *testing.T) {
	for _, later := range []time.Duration{0, time.Minute} {
		quiet(t, later.String(), reconcile.Judge([]reconcile.Statement{read(day, charge(providers.Declined, 1000, at(noon.Add(later))), charge(providers.Held, 1000))}, ours(paid(is(providers.Held))), reconcile.Options{}))
	}
}

func TestAnotherIDIsAnotherRefund(t *testing.T) {
	mine := refunded(1, 300)
	mine.External = "r1"
	j := reconcile.Judge([]reconcile.Statement{read(day, charge(providers.Approved, 1000), refund(providers.Approved, 300, id("r9")))}, ours(paid(), mine), reconcile.Options{})
	if kinds(j.Findings) != "refund_missing refund_unknown_to_us" {
		t.Errorf("found %q, matched %d", kinds(j.Findings), len(j.Matched))
	}
	charged := paid()
	charged.External = "x"
	quiet(t, "but for the charge's own", reconcile.Judge([]reconcile.Statement{read(day, charge(providers.Approved, 1000, id("x")), refund(providers.Approved, 300, id("x")))}, ours(charged, mine), reconcile.Options{}))
}

func TestWhereRefundsAreHiddenNoneIsMissing(t *testing.T) {
	days := []reconcile.Statement{read(day, charge(providers.Approved, 1000))}
	if j := reconcile.Judge(days, ours(paid(), refunded(1, 300)), reconcile.Options{HidesRefunds: true}); len(j.Findings) > 0 || len(j.Carried) != 1 {
		t.Errorf("found %q, carried %d", kinds(j.Findings), len(j.Carried))
	}
}

// Statements with a gap between them are looked at once more together.
func TestAHiddenRefundIsNotMissingBecauseOtherDaysWereReadToo(t *testing.T) {
	days := []reconcile.Statement{read(day, charge(providers.Approved, 1000)), read(after(2))}
	j := reconcile.Judge(days, ours(paid(), refunded(1, 300)), reconcile.Options{HidesRefunds: true})
	if len(j.Findings) > 0 || len(j.Carried) != 1 {
		t.Errorf("found %q, carried %d", kinds(j.Findings), len(j.Carried))
	}
}

func TestMoneyThatWentBackIsNotHeldBesideOther(t *testing.T) {
	closed := payment.Evidence{Attempt: 1, Kind: payment.AbsentConfirmed}
	p := told(t, false,
		planned(1, "kaspi-main"), payment.Closed{Attempt: 1, Evidence: closed}, planned(2, gateway, closed), learnt(2, payment.FromResponse, providers.Approved),
		payment.RefundRequested{Refund: "f", RequestID: "f", Amount: tenge(1000)},
		payment.OperationPlanned{Operation: 1, Op: payment.OpRefund, Attempt: 2, Amount: tenge(1000), Refund: "f"},
		payment.OperationObserved{Operation: 1, Source: payment.FromResponse, Verdict: providers.Approved},
		learnt(1, payment.FromNotice, providers.Approved))
	if found := reconcile.Twice(p, minute(99)); len(found) != 0 {
		t.Errorf("found %+v", found)
	}
}
