package reconcile

import (
	"time"

	"github.com/payrouter/payrouter/providers"
)

// Guess finds the movements of lines that name nothing at all, by the lines' places: the one
// entry of the same direction, money and state, dated within so long of the line. Where two
// could be meant, lines or entries, none is. A caller leaves out of near what another line has
// told of already.
func Guess(nameless []providers.StatementLine, near []Entry, within time.Duration) map[int]Entry {
	lines := make([][]int, len(near)) // that an entry could be meant by
	entries := make([]int, len(nameless))
	for i, l := range nameless {
		for k, e := range near {
			if guessed(l, e, within) {
				lines[k] = append(lines[k], i)
				entries[i]++
			}
		}
	}
	found := map[int]Entry{}
	for k, e := range near {
		if len(lines[k]) == 1 && entries[lines[k][0]] == 1 {
			found[lines[k][0]] = e
		}
	}
	return found
}

func guessed(l providers.StatementLine, e Entry, within time.Duration) bool {
	return e.Kind == l.Kind && e.Amount == l.Amount && e.Verdict == l.Verdict && read(l) == money &&
		!l.At.Before(e.At.Add(-within)) && !l.At.After(later(e.At, e.Last).Add(within))
}
