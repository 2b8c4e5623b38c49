package health

import "time"

// PeakWindow is how far back the most that was on its way at once is remembered.
const PeakWindow = 15 * time.Minute

// peaks remembers, minute by minute, how much was on its way at once.
type peaks [PeakWindow/time.Minute + 1]struct {
	minute int64
	most   int
}

// note is for something more that is on its way.
func (p *peaks) note(now time.Time, flying int) {
	minute := now.Unix() / 60
	at := &p[minute%int64(len(p))]
	if at.minute != minute {
		at.minute, at.most = minute, 0
	}
	at.most = max(at.most, flying)
}

// most is the peak of the window.
func (p *peaks) most(now time.Time) (n int) {
	for _, at := range p {
		if now.Unix()/60-at.minute < int64(len(p)) {
			n = max(n, at.most)
		}
	}
	return n
}
