package readiness

import "time"

// Facts are what is known of a gateway at one moment. Every Query is what was asked, in
// words that can be asked again; the zero value of a fact is that nothing was found.
type Facts struct {
	Gateway string
	Now     time.Time
	Zone    *time.Location // of days and months

	Volume  Volume
	Paid    Case    // the latest payment that was paid there
	Cancel  Case    // the latest that was canceled while its offer was there
	Refund  Case    // the latest refund that was done there
	Timeout Case    // the latest attempt there whose outcome was unknown, and was found out
	Double  Case    // the latest payment that the gateway reported twice, and that was charged once
	Partial Case    // the latest refund of a part, there or else anywhere
	Full    Case    // the latest refund of all, there or else anywhere
	Unique  Unique  // our numbers of attempts there
	Notices Records // what the gateway sent us
	Records Records // payments, of all gateways
	Drain   Drain   // the latest order to send nothing there under which others were charged
	Token   Token
	Books   Books // the gateway's own, held against ours

	Egress   []string // from which addresses we call, as the configuration says
	Disputes Disputes
	// Shown is what people recorded, by requirement: the newest of each.
	Shown map[string]Shown
	// ShownQuery is how it was looked for.
	ShownQuery string
}

// Volume is how many charges succeeded at other gateways within the months of [Months].
type Volume struct {
	Counts []Count
	Query  string
}

// Count is how many began within the quarter of an hour that begins at an instant. Every
// zone there is begins its days on a quarter.
type Count struct {
	Gateway string
	At      time.Time
	N       int64
}

// Case is something that happened to a payment. Without a payment it was not found.
type Case struct {
	Payment string // its name, payments/{payment}
	Gateway string
	At      time.Time
	Detail  string
	Query   string
}

// Unique is whether two attempts have one number.
type Unique struct {
	Latest     int64 // how many were looked at
	Duplicates int64
	Index      bool // the database refuses a second one by itself
	Query      string
}

// Records are rows that must be kept for a while.
type Records struct {
	Term   time.Duration // how long they are kept; zero means for ever
	Oldest time.Time     // zero: there is none yet
	Query  string
}

// Drain is an order to send nothing to the gateway, and what others took meanwhile.
type Drain struct {
	Start, End time.Time
	Actor      string
	Elsewhere  int64 // charges that succeeded at other gateways
	Query      string
}

// Token is what is known of the credentials of new attempts. Zero times were not told.
type Token struct {
	Version     string
	Issued      time.Time
	Expires     time.Time // as the configuration says
	Certificate time.Time // the end of the client certificate
}

// Books is how far the gateway's own books have been held against ours.
type Books struct {
	Day   string // the newest business day that has been read, such as 2026-11-24; empty: none
	Ends  time.Time
	Lines int64
	Open  int64 // findings that nobody has closed
	Query string
}

// Disputes are those of the gateway.
type Disputes struct {
	All     int64 // that were recorded
	Overdue int64 // unanswered for longer than the bank allows
	Oldest  time.Time
	Query   string
}

// Shown is a person's word that something was shown.
type Shown struct {
	Actor, Reference, Detail string
	At                       time.Time
}

// Months are the last two whole months before an instant: where each of them begins, and
// where the second ends.
func Months(now time.Time, zone *time.Location) [3]time.Time {
	y, m, _ := now.In(zone).Date()
	at := func(month time.Month) time.Time { return time.Date(y, month, 1, 0, 0, 0, 0, zone) }
	return [3]time.Time{at(m - 2), at(m - 1), at(m)}
}
