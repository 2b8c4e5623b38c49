package reconcile

import (
	"time"

	"github.com/payrouter/payrouter/providers"
)

// Guess finds the movement of a line that names nothing that we know: the one entry of
// the same direction and money, dated within so long of it. Two that could be meant are
// none, and so is one that another line has already told of, which the caller leaves out
// of near. It is the last resort for lines without any id, and what was found by it says so.
func Guess(l providers.StatementLine, near []Entry, within time.Duration) (Entry, bool) {
	var found []Entry
	for _, e := range near {
		if e.Kind == l.Kind && e.Amount == l.Amount && e.Verdict.HasMoney() && read(l) == money &&
			!l.At.Before(e.At.Add(-within)) && !l.At.After(later(e.At, e.Last).Add(within)) {
			found = append(found, e)
		}
	}
	if len(found) != 1 {
		return Entry{}, false
	}
	return found[0], true
}
