package reconcile

import (
	"time"

	"github.com/payrouter/payrouter/providers"
)

// Guess finds the movements of a day's lines that name nothing at all, by the lines' places:
// the one entry of the same direction and money, dated within so long of the line. Where two
// could be meant, lines or entries, none is. So it is where our books do not say what the line
// says, or another day could tell of the entry, too: such an entry makes others doubtful, and
// is never found. A caller gives all entries that may have taken money about then, and leaves
// out those of which another line has told.
func Guess(nameless []providers.StatementLine, near []Entry, day providers.Window, within time.Duration) map[int]Entry {
	lines := make([][]int, len(near)) // that an entry could be meant by
	entries := make([]int, len(nameless))
	for i, l := range nameless {
		for k, e := range near {
			if couldBe(l, e, within) {
				lines[k] = append(lines[k], i)
				entries[i]++
			}
		}
	}
	found := map[int]Entry{}
	for k, e := range near {
		if len(lines[k]) != 1 {
			continue
		}
		if i := lines[k][0]; entries[i] == 1 && e.Verdict == nameless[i].Verdict && e.inside(day, within) {
			found[i] = e
		}
	}
	return found
}

func couldBe(l providers.StatementLine, e Entry, within time.Duration) bool {
	return e.Kind == l.Kind && e.Amount == l.Amount && read(l) == money &&
		!l.At.Before(e.At.Add(-within)) && !l.At.After(later(e.At, e.Last).Add(within))
}
