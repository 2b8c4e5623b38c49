// Package reconcile holds a gateway's statement of one business day against our
// books and says where they disagree (SAFETY I6; PRODUCT F1). It is pure: lines and
// entries come in, findings go out. It reads no statement, writes no finding, moves no
// money and knows no clock.
//
//	statement lines ──┐            ┌─► Matched   both books say the same
//	                  ├─► Match ───┼─► Findings  they disagree, under one Kind each
//	our entries ──────┘            ├─► Carried   not this day's to judge, or undecided
//	(EntriesOf a payment)          └─► Idle      claims no money, nor does the other side
//
// Every line and every entry ends in exactly one of the four. The order of the input
// means nothing, and the same input gives the same findings under the same keys: a
// second run of a day adds nothing ([Fresh]).
//
// A run of the back office asks [Judge], which matches all days that have been read of some
// orders at once, looks at the fees and dates of what agrees, and says what the findings
// teach: a [Step] is an observation that the payment takes in like any other. [Twice] looks
// at one payment over all gateways.
//
// # What belongs together
//
// A line finds its order by our reference, then by the gateway's own id. Amounts do not
// bring a line to an order, for two payments of one sum are two payments; but a line that
// names nothing at all is taken for the only movement that it can be ([Guess]). Only among the
// lines of one order do amounts help, because some gateways write refunds without ids
// (WayForPay, notes section 9); there a line goes to the entry with its own id, then to
// one of the same amount and state, then to whatever is left, which is a finding.
// Several lines for one entry (PRODUCT F2) are not summed up.
//
// Gateways show a hold and its capture or release as one row that changes (Halyk) or as
// rows of their own (WayForPay). So a hold that a line not earlier than it ends is a step
// of the story and Idle, like the payer's declined tries. So is a charge that a later line of
// the same id says is gone: the last word counts, and about money of ours it is a finding.
//
// # Midnight
//
// Two companies never agree on midnight. The gateway may have dated a movement anywhere
// from Entry.At to Entry.Last, give or take Options.Edge. Only an entry whose whole
// range lies inside the day is missing when no line tells of it; any other is Carried,
// and the caller gives it to the neighbouring day as well. What every day left to
// another, and what two days told twice, [Across] finds from their results.
//
// # What is careful here
//
// A line whose state or direction nobody could read agrees with nothing. An attempt that
// is undecided in our books agrees with no line that shows money: the line is an
// observation to take in first, and until then the difference is a finding.
package reconcile
