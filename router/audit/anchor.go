package audit

import (
	"errors"
	"strconv"
	"strings"
	"time"
)

// Anchor is the last record of a chain as it was at one moment. The zero anchor is that of
// an empty chain, and asks nothing of any.
type Anchor struct {
	Number int64
	Sum    Sum
	Time   time.Time // of that record
}

// anchorWord begins an anchor's text: people find it in a folder years later.
const anchorWord = "payrouter-audit-1"

// ErrAnchor says that a text is no anchor. It quotes nothing.
var ErrAnchor = errors.New("an anchor is payrouter-audit-1, a number, a sum of 64 hexadecimal digits and an instant in UTC, in one line")

// String is the anchor in one line:
//
//	payrouter-audit-1 42 9f86d081…0f00a08 2026-11-23T09:00:00.000001Z
func (a Anchor) String() string {
	return strings.Join([]string{anchorWord, strconv.FormatInt(a.Number, 10), a.Sum.String(), a.Time.UTC().Format(time.RFC3339Nano)}, " ")
}

// ParseAnchor reads what String wrote, and nothing else.
func ParseAnchor(text string) (Anchor, error) {
	parts := strings.Split(text, " ")
	if len(parts) != 4 {
		return Anchor{}, ErrAnchor
	}
	number, err := strconv.ParseInt(parts[1], 10, 64)
	if err != nil {
		return Anchor{}, ErrAnchor
	}
	at, err := time.Parse(time.RFC3339Nano, parts[3])
	if err != nil {
		return Anchor{}, ErrAnchor
	}
	sum, ok := ParseSum(parts[2])
	a := Anchor{Number: number, Sum: sum, Time: at.UTC()}
	if !ok || number < 0 || number == 0 && a != (Anchor{}) || a.String() != text {
		return Anchor{}, ErrAnchor
	}
	return a, nil
}
