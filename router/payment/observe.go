package payment

import (
	"fmt"
	"time"

	"github.com/payrouter/payrouter/providers"
)

// Merge says what is known after known was already known and learnt is learnt,
// and which finding that raises. It is the whole truth table (rows: known,
// columns: learnt; DESIGN section 4):
//
//	          Unknown Pending Held Approved Declined Unserved
//	Unknown   U       P       H    A        D        N
//	Pending   P       P       H    A        D        N
//	Held      H       H!      H    A        D¹       N¹
//	Approved  A       A!      A!   A        A!       A!
//	Declined  D       P!²     H!   A!       D        D
//	Unserved  N       P!²     H!   A!       N        N
//
// ¹ silent when we asked for the release. ² from a look-up only: a late notice
// that says "pending" changes nothing.
func Merge(known, learnt providers.Verdict, source Source, released bool) (providers.Verdict, FindingKind) {
	if learnt == providers.Unknown {
		return known, ""
	}
	switch known {
	case providers.Unknown, providers.Pending:
		return learnt, ""
	case providers.Held:
		switch learnt {
		case providers.Pending:
			return known, MoneyFlipped
		case providers.Declined, providers.Unserved:
			if released {
				return learnt, ""
			}
			return learnt, HoldVanished
		}
		return learnt, ""
	case providers.Approved:
		if learnt == providers.Approved {
			return known, ""
		}
		return known, MoneyFlipped
	}
	// Declined or Unserved.
	switch learnt {
	case providers.Pending:
		if source == FromLookup || source == FromStatement {
			return learnt, Reappeared
		}
		return known, ""
	case providers.Held, providers.Approved:
		return learnt, MoneyAfterClose
	}
	return known, ""
}

// observe takes in a fact. It refuses nothing but an attempt that does not exist.
func (p *Payment) observe(o Observed, e Event) error {
	a, err := p.attempt(o.Attempt)
	if err != nil {
		return err
	}
	if o.Verdict.HasMoney() {
		if why := p.mismatch(a, o); why != "" {
			p.find(AmountDiffers, a.N, e.At, why)
			o.Verdict, o.Reason = providers.Unknown, providers.Mismatch
		}
	}
	if o.Verdict == providers.Unknown {
		switch o.Reason {
		case providers.Mismatch:
			p.find(AmountDiffers, a.N, e.At, o.Code)
		case providers.UnknownCode:
			p.find(UnknownCodeSeen, a.N, e.At, o.Code)
		}
	}
	if o.External != "" && a.External == "" {
		a.External = o.External
	}
	if o.Action != nil && o.Verdict == providers.Pending {
		a.Action, a.Shown = o.Action, true
		if a.ShownAt.IsZero() {
			a.ShownAt = e.At
		}
	}
	if !o.Until.IsZero() {
		a.Until = o.Until
	}
	a.remember(o, e)

	before := a.Verdict
	after, finding := Merge(before, o.Verdict, o.Source, p.releaseAsked(a.N))
	if o.Source == FromOperator {
		after, finding = o.Verdict, ""
		a.Ruled, a.Note = true, o.Note
	}
	if finding == MoneyAfterClose && a.Closed == nil {
		finding = MoneyFlipped
	}
	if finding != "" {
		p.find(finding, a.N, e.At, fmt.Sprintf("%s, then %s by %s %s", before, o.Verdict, o.Source, o.Code))
	}
	if a.Closed != nil && o.Verdict.HasMoney() {
		p.find(MoneyAfterClose, a.N, e.At, fmt.Sprintf("closed as %s, then %s by %s", a.Closed.Kind, o.Verdict, o.Source))
	}
	changed := after != before || !a.Answered
	if changed || (o.Verdict == after && o.Verdict != providers.Unknown) || after == providers.Unknown {
		a.Reason, a.Source = o.Reason, o.Source
		if o.Code != "" {
			a.Code = o.Code
		}
	}
	if changed {
		a.Looks = 0
	}
	a.Answered, a.Verdict = true, after
	p.takeMoney(a, o, e)
	return nil
}

// remember keeps what later evidence rests on: looks and absences.
func (a *Attempt) remember(o Observed, e Event) {
	if o.AskIn > 0 {
		a.AskIn = o.AskIn
	}
	if o.Source != FromLookup {
		return
	}
	a.Looks++
	a.LastLook = e.At
	if o.Verdict == providers.Unknown && !o.Absent {
		a.FailedLooks++ // proves nothing, and breaks no run of absences
		return
	}
	a.FailedLooks = 0
	a.Seen = Look{At: e.At, Verdict: o.Verdict, Reason: o.Reason, Absent: o.Absent}
	if !o.Absent {
		a.Absents, a.FirstAbsent, a.LastAbsent = 0, time.Time{}, time.Time{}
		return
	}
	if a.Absents == 0 {
		a.FirstAbsent = e.At
	}
	a.Absents++
	a.LastAbsent = e.At
}

// takeMoney keeps the sums. A gateway that names no amount means the one we asked for.
func (p *Payment) takeMoney(a *Attempt, o Observed, e Event) {
	if o.Returned.Currency == p.Amount.Currency && o.Returned.Minor > a.Returned {
		a.Returned = o.Returned.Minor
	}
	switch a.Verdict {
	case providers.Held:
		a.WasHeld = true
		if o.Verdict == providers.Held {
			a.Held = amountOr(o.Amount, p.Amount.Minor)
		}
	case providers.Approved:
		if o.Verdict == providers.Approved {
			expected := p.Amount.Minor
			if a.WasHeld && p.Capture != nil {
				expected = p.Capture.Amount.Minor
			}
			a.Captured, a.Held = amountOr(o.Amount, expected), 0
		}
	default:
		a.Held, a.Captured = 0, 0
	}
	if a.Verdict.HasMoney() && a.MoneySeq == 0 {
		a.MoneySeq = e.Seq
		p.lateMoney(a, e)
	}
}

// lateMoney raises the finding of money on a second attempt.
func (p *Payment) lateMoney(a *Attempt, e Event) {
	for _, other := range p.Attempts {
		if other.N != a.N && other.MoneySeq > 0 && other.net(*p) > 0 {
			p.find(MoneyTwice, a.N, e.At, fmt.Sprintf("also on attempt %d", other.N))
		}
	}
}

// mismatch says how the money seen differs from what was asked for (I10). Less than
// the amount is legitimate only after a hold.
func (p *Payment) mismatch(a *Attempt, o Observed) string {
	switch {
	case o.Amount == providers.Money{}:
		return ""
	case o.Amount.Currency != p.Amount.Currency:
		return fmt.Sprintf("%s seen, %s asked for", o.Amount, p.Amount)
	case o.Amount.Minor > p.Amount.Minor || o.Amount.Minor <= 0,
		o.Amount.Minor < p.Amount.Minor && !p.TwoStage:
		return fmt.Sprintf("%s seen, %s asked for", o.Amount, p.Amount)
	}
	return ""
}

func amountOr(m providers.Money, otherwise int64) int64 {
	if m.Currency == "" {
		return otherwise
	}
	return m.Minor
}
