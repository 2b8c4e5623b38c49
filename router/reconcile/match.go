package reconcile

import (
	"cmp"
	"slices"
	"time"

	"github.com/payrouter/payrouter/providers"
)

// DefaultEdge covers what puts a movement's two dates apart when nothing is wrong: the
// clocks of two companies, a request on its way and a statement in whole minutes come to
// a few minutes together. What takes longer, such as an offer that waits for its payer,
// is in the entry's own range.
const DefaultEdge = 10 * time.Minute

// Options of a match. The zero value of what is beyond Edge asks for nothing.
type Options struct {
	Edge time.Duration // how far the two books may date one movement apart; default DefaultEdge
	// Late is how long after the entry's range a line may be dated without being a finding.
	Late time.Duration
	// Payout is how long after a charge its payout may come, at a gateway that tells payouts;
	// what has none yet is late from Now on.
	Payout time.Duration
	Now    time.Time
	// Fees is the contract. NetFees says that the gateway tells what it pays out, and the fee
	// is what is missing: beside a refund that can be read as no fee.
	Fees    Fees
	NetFees bool
	Parts   bool // the gateway claims partial captures
	// HidesRefunds says that the gateway's list may show nothing of a refund.
	HidesRefunds bool
	// NamesMovements says that the id of a charge's line is the one that answers and notices call
	// its movement ([providers.Result]).
	NamesMovements bool
}

// Statement is what a gateway's own books say of one span of time, usually a [Day].
type Statement struct {
	Gateway string
	Span    providers.Window
	Lines   []providers.StatementLine
	// Read is as of when the lines are what the gateway says: what our books learnt later they
	// cannot contradict. Zero is as of now.
	Read time.Time

	read map[providers.StatementLine]time.Time // of lines that were read at other times
}

// asOf is as of when a line is what the gateway says.
func (s Statement) asOf(l providers.StatementLine) time.Time {
	if at, known := s.read[l]; known {
		return at
	}
	return s.Read
}

// Pair is a line and an entry. Both are there in Matched, and one of them in Carried and
// in Idle.
type Pair struct {
	Line  *providers.StatementLine
	Entry *Entry
}

// Result is where every line and every entry went, in an order that the order of the
// input does not change.
type Result struct {
	Gateway  string
	Span     providers.Window
	Edge     time.Duration
	Matched  []Pair
	Findings []Finding
	Carried  []Pair // entries that another day may show or nobody has decided; unmatched lines of another day
	Idle     []Pair // refused attempts and refunds; tries and steps before the money, and holds that ended
}

// Match holds a statement against our entries. The caller gives at least every entry
// whose range, widened by the edge, meets the span; more do no harm, and one given twice
// is one.
func Match(s Statement, ours []Entry, o Options) Result {
	m := matcher{Result: Result{Gateway: s.Gateway, Span: s.Span, Edge: cmp.Or(o.Edge, DefaultEdge)}, statement: s, hidesRefunds: o.HidesRefunds}
	for _, c := range gather(s.Lines, ours) {
		m.settle(c.owner, c.charges)
		m.settle(c.owner, c.refunds)
	}
	m.Findings = keyed(m.Findings)
	return m.Result
}

type matcher struct {
	Result
	statement    Statement
	hidesRefunds bool
}

// stale reports whether our books learnt of the entry after the line was read.
func (m *matcher) stale(l *providers.StatementLine, e *Entry) bool {
	at := m.statement.asOf(*l)
	return !at.IsZero() && later(e.At, e.Last).After(at)
}

// settle finds a place for everything that is said about one order in one direction:
// first the lines with money, then those that cannot be read, then those without money.
func (m *matcher) settle(owner *Entry, c claims) {
	c.lines = m.withoutPast(owner, c.lines)
	told := map[said]bool{}
	for _, want := range []reading{money, unclear} {
		side := claims{lines: those(c.lines, want), entries: c.entries, own: c.own, shared: c.shared}
		for _, p := range side.pair() {
			told[c.said(p.Line)] = true
			m.judge(p)
		}
		for _, l := range side.lines {
			m.strange(owner, l, c.id(l), told[c.said(l)] && want == money)
			told[c.said(l)] = true
		}
		c.entries = side.entries
	}
	claimed := claims{lines: those(c.lines, quiet), own: c.own, shared: c.shared}
	slices.Reverse(claimed.lines) // the latest tells most
	for _, e := range c.entries {
		if e.Verdict.HasMoney() {
			claimed.entries = append(claimed.entries, e)
		} else {
			m.absent(e)
		}
	}
	for _, p := range claimed.pair() {
		m.judge(p)
	}
	for _, l := range claimed.lines {
		m.Idle = append(m.Idle, Pair{Line: l})
	}
	for _, e := range claimed.entries {
		m.absent(e)
	}
}

// judge compares a line with its entry. A line that shows an earlier step of what may be
// dated on another day contradicts nothing.
func (m *matcher) judge(p Pair) {
	l, e := p.Line, p.Entry
	switch {
	case earlier(*l, *e, m.Edge) && m.stale(l, e):
		m.Idle = append(m.Idle, Pair{Line: l})
		m.wait(e)
	case earlier(*l, *e, m.Edge) && !e.inside(m.Span, m.Edge):
		m.Idle = append(m.Idle, Pair{Line: l})
		m.absent(e)
	case read(*l) != money:
		m.find(StateDiffers, e, l, e)
	case l.Amount.Currency != "" && l.Amount.Currency != e.Amount.Currency:
		m.find(CurrencyDiffers, e, l, e)
	case l.Verdict != e.Verdict:
		m.find(StateDiffers, e, l, e)
	case l.Amount != e.Amount:
		m.find(AmountDiffers, e, l, e)
	default:
		m.Matched = append(m.Matched, p)
	}
}

// absent places an entry that no line tells of.
func (m *matcher) absent(e *Entry) {
	switch {
	case e.refused():
		m.Idle = append(m.Idle, Pair{Entry: e})
	case e.undecided() || !e.inside(m.Span, m.Edge), e.Kind == providers.LineRefund && m.hidesRefunds:
		m.Carried = append(m.Carried, Pair{Entry: e})
	default:
		m.find(missing(e), e, nil, e)
	}
}

// wait places an entry that a statement read later may show.
func (m *matcher) wait(e *Entry) {
	if e.refused() {
		m.Idle = append(m.Idle, Pair{Entry: e})
		return
	}
	m.Carried = append(m.Carried, Pair{Entry: e})
}

func missing(e *Entry) Kind {
	if e.Kind == providers.LineRefund {
		return RefundMissing
	}
	return UnknownToThem
}

// strange places a line that has no entry. It repeats another one when its id and amount
// were told already or, if it has none, when its amount was told of the same instant. Another
// id is another movement, and so are equal refunds without ids of their own.
func (m *matcher) strange(owner *Entry, l *providers.StatementLine, id string, again bool) {
	refund := l.Kind == providers.LineRefund
	shared := id == "" || owner != nil && id == owner.External // all refunds of the payment may have it
	switch {
	case !l.At.IsZero() && (l.At.Before(m.Span.From) || !l.At.Before(m.Span.To)):
		m.Carried = append(m.Carried, Pair{Line: l})
	case again && !(refund && shared):
		m.find(DuplicateLine, owner, l, nil)
	case refund:
		m.find(RefundUnknownToUs, owner, l, nil)
	default:
		m.find(UnknownToUs, owner, l, nil)
	}
}

func (m *matcher) find(kind Kind, owner *Entry, l *providers.StatementLine, e *Entry) {
	f := Finding{Kind: kind, Gateway: m.Gateway, Line: l, Entry: e}
	if owner != nil {
		f.Payment, f.Attempt = owner.Payment, owner.Attempt
	}
	m.Findings = append(m.Findings, f)
}
