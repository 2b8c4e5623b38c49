package reconcile

import (
	"time"

	"github.com/payrouter/payrouter/providers"
)

// Minutes are the minutes of a day in which something was so, as a set of bits. The zero value
// is none of them.
type Minutes []byte

// Add puts the minute of an instant into the set. What is not of the day is left out.
func (m *Minutes) Add(at time.Time, day providers.Window) {
	if at.Before(day.From) || !at.Before(day.To) {
		return
	}
	minute := int(at.Sub(day.From) / time.Minute)
	for len(*m) <= minute/8 {
		*m = append(*m, 0)
	}
	(*m)[minute/8] |= 1 << (minute % 8)
}

// Has reports whether a minute, counted from the day's beginning, is in the set.
func (m Minutes) Has(minute int) bool {
	return minute >= 0 && minute/8 < len(m) && m[minute/8]&(1<<(minute%8)) != 0
}

// Taking reports whether a line shows that the gateway was taking money when it is dated.
func Taking(l providers.StatementLine) bool {
	return l.Kind == providers.LineCharge && read(l) == money && !l.At.IsZero()
}

// Signal is what was believed of a gateway's health on a day, against what its own books say
// afterwards (PRODUCT N19). A minute counts as one in which it worked when its books show that
// it took money then.
type Signal struct {
	Diverted int64 // attempts that passed it over because it was believed to be down,
	Wrongly  int64 // those among them of minutes in which it worked
	Unserved int64 // attempts that it was to have and did not serve,
	Missed   int64 // those among them of minutes in which it did not work either: the breaker saw it late
}

// Weigh holds what was done in the minutes of a day against those in which the gateway worked.
func Weigh(diverted, unserved map[int]int64, worked Minutes) Signal {
	var s Signal
	for minute, n := range diverted {
		s.Diverted += n
		if worked.Has(minute) {
			s.Wrongly += n
		}
	}
	for minute, n := range unserved {
		s.Unserved += n
		if !worked.Has(minute) {
			s.Missed += n
		}
	}
	return s
}
