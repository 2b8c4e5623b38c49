package router

import (
	"context"
	"time"
)

// remindAt are how long before the end of credentials people are told, so that nobody
// learns of it from refused charges. After the end they are told every day.
var remindAt = []time.Duration{30 * 24 * time.Hour, 7 * 24 * time.Hour, 24 * time.Hour, 0}

// reminder says once for each mark that credentials are near their end.
type reminder struct {
	told map[[2]string]told // by gateway and version
}

// told is what was last said about credentials.
type told struct {
	end  time.Time
	mark int // index in remindAt
	at   time.Time
}

// due reports whether it is time to speak about credentials that end at end, and remembers
// that it was done.
func (m *reminder) due(gateway, version string, end, now time.Time) bool {
	mark := -1
	for i, before := range remindAt {
		if !end.IsZero() && !now.Before(end.Add(-before)) {
			mark = i
		}
	}
	if mark < 0 {
		return false
	}
	key := [2]string{gateway, version}
	last, spoken := m.told[key]
	if spoken && last.end.Equal(end) && last.mark == mark && (mark < len(remindAt)-1 || now.Sub(last.at) < 24*time.Hour) {
		return false
	}
	m.told[key] = told{end: end, mark: mark, at: now}
	return true
}

// watchCredentials warns of credentials near their end: at the start, and then when a mark
// is passed.
func (r *Router) watchCredentials(ctx context.Context) {
	m := reminder{told: map[[2]string]told{}}
	for {
		now := time.Now()
		for _, g := range r.All() {
			for i, c := range g.Valid() {
				if end := c.End(); m.due(g.Name, c.Version, end, now) {
					r.remind(g.Name, c, end, now, i > 0)
				}
			}
		}
		if !pause(ctx, time.Hour) {
			return
		}
	}
}

func (r *Router) remind(gateway string, c Credentials, end, now time.Time, retiring bool) {
	log := r.Log.With("gateway", gateway, "credentials", c.Version, "retiring", retiring, "end", end.UTC().Format(time.RFC3339))
	left := end.Sub(now).Round(time.Minute)
	switch {
	case left <= 0:
		log.Error("a gateway's credentials have ended: rotate them")
	case left <= 24*time.Hour:
		log.Error("a gateway's credentials end within a day: rotate them", "left", left.String())
	default:
		log.Warn("a gateway's credentials end soon: rotate them", "left", left.String())
	}
}
