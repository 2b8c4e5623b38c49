package payment

import (
	"cmp"
	"fmt"
	"slices"
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
//	Held      H       H!³     H    A        D¹       N¹
//	Approved  A       A!³     A!³  A        A!       A!
//	Declined  D       P!²     H!   A!       D        D
//	Unserved  N       P!²     H!   A!       N        N
//
// ¹ silent when we asked for the release. ² from a look-up only: a late notice
// that says "pending" changes nothing. ³ silent from a notice, or from the answer to the
// request itself: they overtake each other, and this one tells of an earlier step. A look-up that
// was put before the one that stands is taken as a notice is; where money stands, and it shows
// none, as one that says nothing.
func Merge(known, learnt providers.Verdict, source Source, released bool) (providers.Verdict, FindingKind) {
	if learnt == providers.Unknown {
		return known, ""
	}
	overtaken := (source == FromNotice || source == FromResponse) && (learnt == providers.Pending || learnt == providers.Held)
	switch known {
	case providers.Unknown, providers.Pending:
		return learnt, ""
	case providers.Held:
		switch learnt {
		case providers.Pending:
			if overtaken {
				return known, ""
			}
			return known, MoneyFlipped
		case providers.Declined, providers.Unserved:
			if released {
				return learnt, ""
			}
			return learnt, HoldVanished
		}
		return learnt, ""
	case providers.Approved:
		if learnt == providers.Approved || overtaken {
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
		if why := p.mismatch(o); why != "" {
			p.find(AmountDiffers, a.N, e.At, why)
			o.Verdict, o.Reason = providers.Unknown, providers.Mismatch
		}
	}
	if o.Source == FromNotice && o.Verdict == providers.Held && a.Closed != nil && (a.WasHeld || a.Closed.Kind == Voided) && !a.holdsAnew(o) {
		// The hold's own notice, overtaken by its release, or coming again. Without an id of
		// its own only a look-up can say that there is a hold again.
		o.Verdict, o.Reason = providers.Unknown, providers.NoReason
	}
	if o.Source == FromLookup && o.Verdict == providers.Unserved && o.Reason.AboutTheQuestion() {
		o.Verdict = providers.Unknown
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
	if o.Action != nil && o.Verdict == providers.Pending && a.Closed == nil { // what comes after the close is never handed out
		a.Action, a.Shown = o.Action, true
		if a.ShownAt.IsZero() {
			a.ShownAt = e.At
		}
	}
	if o.Verdict == providers.Pending && o.Until.After(a.Until) { // the latest end we were told of: the careful one
		a.Until = o.Until
	}
	a.Differs = a.Differs || o.Reason == providers.Mismatch
	a.remember(o, e)
	if o.Source == FromNotice && !a.Heard(o) {
		a.Facts = append(slices.Clip(a.Facts), o.fact())
	}

	before, learnt, source := a.Verdict, o.Verdict, o.Source
	switch {
	case before.HasMoney() && a.overtook(o):
		if source = FromNotice; !learnt.HasMoney() {
			learnt = providers.Unknown // it denies nothing: a hold that came after the question is not seen as gone
		}
	case a.refusedSince(o):
		source = FromNotice // about any other attempt without money it is heard, to be careful
	}
	after, finding := Merge(before, learnt, source, p.releaseAsked(a.N))
	if o.Source == FromOperator {
		after, finding = o.Verdict, ""
		if before.HasMoney() && !after.HasMoney() {
			finding = MoneyFlipped // a person's word, but the money was seen
		}
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
	switch {
	case a.Closed == nil:
	case after.HasMoney():
		a.Reopened = true // should the money vanish, that must be seen
	case a.Closed.Kind != ByOperator && a.revivedBy(o, after):
		a.Reopened = true
		p.find(Reappeared, a.N, e.At, fmt.Sprintf("closed as %s, then %s %s by %s", a.Closed.Kind, o.Verdict, o.Reason, o.Source))
	}
	changed := after != before || !a.Answered
	if changed && o.Source != FromOperator {
		a.Ruled = false
	}
	if changed || (o.Verdict == after && o.Verdict != providers.Unknown) || after == providers.Unknown {
		a.Reason, a.Source = o.Reason, o.Source
		if o.Code != "" {
			a.Code = o.Code
		}
	}
	if changed {
		a.Looks, a.Changed = 0, e.At
	}
	if changed && after == providers.Held {
		a.HeldAt = e.At
	}
	a.Answered, a.Verdict = true, after
	p.takeMoney(a, o, e)
	a.moved(p, o, e)
	return nil
}

// overtook reports whether a look-up was asked before the verdict that stands was learnt, or
// so soon after it that it may lag behind: it tells of an earlier step, as a late notice does.
func (a *Attempt) overtook(o Observed) bool {
	return o.Source == FromLookup && !o.Asked.IsZero() && o.Asked.Before(a.Changed.Add(o.Lag))
}

// refusedSince reports whether a look-up that was put after this one showed the refusal that
// stands. However a refusal was learnt otherwise, when the gateway made it is not known.
func (a *Attempt) refusedSince(o Observed) bool {
	return o.Source == FromLookup && !o.Asked.IsZero() && o.Asked.Before(a.Seen.At) && a.Seen.refused() && a.Seen.Verdict == a.Verdict
}

// InVain reports whether the gateway was to have the attempt and did not serve it: it could not
// be reached or was at work on itself, or nobody ever learnt what became of it, and there was
// nothing that a payer could have paid. What our own settings or a person decided is none.
func (a Attempt) InVain() bool {
	if a.Action != nil || a.Ruled {
		return false
	}
	if a.Verdict == providers.Unserved {
		return a.Reason == providers.NotSent || a.Reason == providers.Maintenance
	}
	return a.Closed != nil && (a.Verdict == providers.Unknown || a.Verdict == providers.Pending)
}

// holdsAnew reports whether the gateway names another hold than those that were seen.
func (a *Attempt) holdsAnew(o Observed) bool {
	return len(a.Movements) > 0 && o.MovesAnew(*a) || o.External != "" && a.External != "" && o.External != a.External
}

// MovesAnew reports whether the gateway names a payment with money that was not seen on the
// attempt before.
func (o Observed) MovesAnew(a Attempt) bool {
	return o.Movement != "" && o.Verdict.HasMoney() && !slices.Contains(a.Movements, o.Movement)
}

// moved keeps which of the gateway's payments brought money. A page may be paid twice: what
// the second one brought stands in no sum of ours, and people give it back.
func (a *Attempt) moved(p *Payment, o Observed, e Event) {
	if !o.MovesAnew(*a) {
		return
	}
	if len(a.Movements) > 0 {
		p.findAbout(MoneyTwice, a.N, o.Movement, e.At, fmt.Sprintf("paid by %s there, and by %s", a.Movements[0], o.Movement))
	}
	a.Movements = append(slices.Clip(a.Movements), o.Movement)
}

// fact is what a notice says, without when it came.
func (o Observed) fact() string {
	return fmt.Sprint(o.Verdict, o.Reason, o.External, o.Amount, o.Returned, o.Code, o.Movement)
}

// Heard reports whether a notice told the same of the attempt before. A payer may try
// twice on one page, so an old decline can come again after the money.
func (a Attempt) Heard(o Observed) bool { return slices.Contains(a.Facts, o.fact()) }

// knownThere reports whether a doubtful answer shows all the same that the gateway
// knows the attempt.
func knownThere(r providers.Reason) bool {
	return r == providers.UnknownCode || r == providers.Ambiguous || r == providers.Duplicate || r == providers.Mismatch
}

// revivedBy reports whether the closed attempt must be taken for open again: the
// gateway shows it on its way to money, or money that differs. What the merge leaves
// refused stays refused, and the unpaid leftovers of a dead offer are no life.
func (a *Attempt) revivedBy(o Observed, after providers.Verdict) bool {
	if o.Reason == providers.Mismatch {
		return true
	}
	if o.Verdict != providers.Pending || after != providers.Pending {
		return false
	}
	leftover := a.Closed.Kind == NeverShown || a.Closed.Kind == Withdrawn || a.Closed.Kind == ExpiredUnpaid
	return !leftover || o.Reason != providers.AwaitingPayer
}

// remember keeps what later evidence rests on: looks, absences and signs of life.
func (a *Attempt) remember(o Observed, e Event) {
	if o.Verdict == providers.Pending && o.Reason != providers.AwaitingPayer {
		a.Stirred = e.At
	}
	answered := o.Verdict != providers.Unknown || o.Absent || knownThere(o.Reason)
	if answered && !o.Absent {
		a.Absences = nil
	}
	if answered && o.AskIn > 0 {
		a.AskIn = o.AskIn
	}
	if o.Source != FromLookup {
		return
	}
	a.Looks++
	a.LastLook, a.LookSeq = e.At, e.Seq
	if !answered {
		a.FailedLooks++ // proves nothing, and breaks no run of absences
		a.Spare = o.AskIn
		return
	}
	a.FailedLooks, a.Spare = 0, 0
	at := asked(o.Asked, e)
	if !at.Before(a.Seen.At) { // two looks may overtake each other
		a.Seen = Look{At: at, Verdict: o.Verdict, Reason: o.Reason, Absent: o.Absent}
	}
	if o.Absent {
		a.Absences = appendLater(a.Absences, at)
	}
}

// asked is the time a look-up's answer speaks of: when it was asked, since writing
// the answer down may have taken long.
func asked(at time.Time, e Event) time.Time {
	if at.IsZero() || at.After(e.At) {
		return e.At
	}
	return at
}

// appendLater adds a time that is later than the last one. It never writes into an
// array that an older payment shares.
func appendLater(times []time.Time, at time.Time) []time.Time {
	if n := len(times); n > 0 && !at.After(times[n-1]) {
		return times
	}
	return append(slices.Clip(times), at)
}

// takeMoney keeps the sums. A gateway that names no amount means the one we asked for.
func (p *Payment) takeMoney(a *Attempt, o Observed, e Event) {
	if o.Returned.Currency == p.Amount.Currency && o.Returned.Minor > a.Returned {
		p.arrived(a.N, o, e)
		if known := p.returned(a, true); o.Returned.Minor > known {
			p.find(ReturnedElsewhere, a.N, e.At, fmt.Sprintf("%s returned, we know of %s", o.Returned, p.money(known)))
		}
		a.Returned = o.Returned.Minor
	}
	switch a.Verdict {
	case providers.Held:
		a.WasHeld = true
		if o.Verdict == providers.Held {
			a.Held = amountOr(o.Amount, p.Amount.Minor)
		}
	case providers.Approved:
		if a.Taken.IsZero() {
			a.Taken = e.At
		}
		if o.Verdict == providers.Approved {
			expected := p.Amount.Minor
			if a.WasHeld && p.Capture != nil {
				expected = p.Capture.Amount.Minor
			}
			taken := amountOr(o.Amount, expected)
			if before := cmp.Or(a.Captured, expected); taken != before {
				p.find(AmountDiffers, a.N, e.At, fmt.Sprintf("%s captured, %s expected", p.money(taken), p.money(before)))
			}
			a.Captured, a.Held = max(a.Captured, taken), 0 // money seen does not shrink by being told smaller
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
		if other.N != a.N && other.net(p) > 0 {
			p.find(MoneyTwice, a.N, e.At, fmt.Sprintf("also on attempt %d", other.N))
		}
	}
}

// mismatch says how the money seen differs from what was asked for (I10). Less than
// the amount may only be captured, of a hold.
func (p *Payment) mismatch(o Observed) string {
	switch {
	case o.Amount == providers.Money{}:
		return ""
	case o.Amount.Currency != p.Amount.Currency:
		return fmt.Sprintf("%s seen, %s asked for", o.Amount, p.Amount)
	case o.Amount.Minor > p.Amount.Minor || o.Amount.Minor <= 0,
		o.Amount.Minor < p.Amount.Minor && (!p.TwoStage || o.Verdict == providers.Held):
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
