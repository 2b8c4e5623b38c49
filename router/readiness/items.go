package readiness

import (
	"slices"
	"time"
)

// Item is one requirement and how it stands.
type Item struct {
	ID       string // a word that stays
	Title    string
	State    State
	Value    string // what was found
	Needed   string // what is asked for
	Evidence string // what shows it, or how it can be shown
	Query    string // what was asked
	At       time.Time
	Recorded bool // it can be shown by what people record
}

// State is how a requirement stands.
type State int

// The states. The zero value is the careful one.
const (
	NoEvidence State = iota
	Met
	NotMet
)

// States lists the states in a fixed order.
func States() []State { return []State{NoEvidence, Met, NotMet} }

// What the bank asks for.
const (
	enough      = 1000 // charges a month through other gateways
	priority    = 5000 // with so many the bank takes a merchant first
	day         = 24 * time.Hour
	noticesKept = 30 * day
	// Five years may hold two leap days.
	recordsKept = (5*365 + 2) * day
	rehearsed   = 90 * day // how old a rehearsal of the backup may be
	renewed     = 30 * day // what must be left of credentials
	year        = 365 * day
	// Files of Kaspi's own books come by hand, once a month, and some days after its end.
	booksRead = 35 * day
)

// line is one requirement of the checklist.
type line struct {
	id, title, needed string
	recorded          bool
	judge             func(Facts) Item
}

// lines are the checklist, in the bank's order.
var lines = []line{
	{"volume", "Charges through other gateways, two months", "1,000 a month (priority: 5,000)", false, volume},
	{"volume.uninterrupted", "Charges through others on every day", "none of the days without any", false, uninterrupted},
	{"sandbox.pay", "Scenario: a payment is paid", "shown once", true, func(f Facts) Item { return scenario(f, "sandbox.pay", f.Paid) }},
	{"sandbox.cancel", "Scenario: a payment is canceled", "shown once", true, func(f Facts) Item { return scenario(f, "sandbox.cancel", f.Cancel) }},
	{"sandbox.refund", "Scenario: a payment is refunded", "shown once", true, func(f Facts) Item { return scenario(f, "sandbox.refund", f.Refund) }},
	{"sandbox.timeout", "Scenario: an answer does not come in time", "shown once, and what became of it", true, func(f Facts) Item { return scenario(f, "sandbox.timeout", f.Timeout) }},
	{"sandbox.double-send", "Scenario: the same is sent twice", "shown once, and charged once", true, func(f Facts) Item { return scenario(f, "sandbox.double-send", f.Double) }},
	{"refund.partial", "A part of a payment is refunded", "shown once", true, func(f Facts) Item { return scenario(f, "refund.partial", f.Partial) }},
	{"refund.full", "A whole payment is refunded", "shown once", true, func(f Facts) Item { return scenario(f, "refund.full", f.Full) }},
	{"uniqueness", "Our payment numbers are unique", "no duplicates, and an index that refuses them", false, unique},
	{"retention.notices", "Webhooks are logged and kept", "30 days", false, notices},
	{"retention.payments", "Records of transactions are kept", "5 years", false, records},
	{"egress", "Addresses for the bank's allow-list", "at least one", false, egress},
	{"alerts", "Alerts fired in a test", "shown once", true, alerts},
	{"backup", "The backup gateway is proven", "within the last 90 days", true, backup},
	{"token", "Credentials are renewed in time", "30 days left, renewed about once a year", false, token},
	{"disputes", "Disputes are answered within 24 hours", "none unanswered for longer", false, disputes},
	{"reconciliation", "The gateway's books agree with ours", "read within 35 days, no open findings", false, reconciled},
}

// Judge answers the checklist.
func Judge(f Facts) []Item {
	var items []Item
	for _, l := range lines {
		i := l.judge(f)
		i.ID, i.Title, i.Needed, i.Recorded = l.id, l.title, l.needed, l.recorded
		items = append(items, i)
	}
	return items
}

// IDs lists the words of all requirements in the bank's order.
func IDs() []string {
	var all []string
	for _, l := range lines {
		all = append(all, l.id)
	}
	return all
}

// Recordable reports whether people can show the requirement of that word.
func Recordable(id string) bool {
	return slices.ContainsFunc(lines, func(l line) bool { return l.id == id && l.recorded })
}
