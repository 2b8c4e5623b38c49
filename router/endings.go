package router

import (
	"context"
	"time"

	"github.com/payrouter/payrouter/router/audit"
	"github.com/payrouter/payrouter/router/journal"
)

// An override ends without a person's asking, so the audit would tell of its beginning only.
// Every replica sees the end come; one of them notes it.
const (
	warnEnd = 10 * time.Minute // before an override ends by itself (PRODUCT N4)
	noteEnd = time.Hour        // after its end it is still noted, by whoever runs then
)

// endingOf is what is to be noted of an order now, or nothing. One that a person ended has
// their own record, and one of ten minutes or less is not warned of.
func endingOf(o journal.Override, now time.Time) string {
	switch left := o.End.Sub(now); {
	case !o.Ended.IsZero():
		return ""
	case left <= 0:
		return audit.OverrideExpired
	case left <= warnEnd && o.End.Sub(o.Start) > warnEnd:
		return audit.OverrideWarned
	}
	return ""
}

// endings are what this process knows to be noted, and what it could not note.
type endings struct{ noted, failed map[string]bool }

func newEndings() endings { return endings{noted: map[string]bool{}, failed: map[string]bool{}} }

// noteEndings notes in the audit, and says in the log, which orders end soon and which ended
// by themselves: once over all replicas. What cannot be noted is tried again. The orders may
// have been read a while ago: before one is noted it is looked at as it stands.
func (r *Router) noteEndings(ctx context.Context, orders []journal.Override, known endings) {
	now := r.byBooks(time.Now())
	for _, o := range orders {
		act := endingOf(o, now)
		key := act + " " + o.ID
		if act == "" || known.noted[key] {
			continue
		}
		mine := false
		stands, err := r.Journal.Override(ctx, o.Gateway, o.ID)
		if err == nil && endingOf(stands, now) == act {
			mine, err = r.Journal.NoteAudit(ctx, audit.Record{Time: now, Actor: "router", Act: act, Subject: "gateways/" + o.Gateway + "/overrides/" + o.ID,
				Reason: o.Reason, Phase: audit.Note})
		}
		if err != nil {
			if ctx.Err() == nil && !known.failed[key] {
				known.failed[key] = true
				r.metrics.storeFailed("overrides")
				r.Log.Error("an override's ending cannot be put into the audit yet", "gateway", o.Gateway, "mode", o.Mode, "end", o.End, "actor", o.Actor, "ending", act, "error", err.Error())
			}
			continue
		}
		known.noted[key] = true
		switch {
		case mine && act == audit.OverrideWarned:
			r.Log.Warn("an override ends soon", "gateway", o.Gateway, "mode", o.Mode, "end", o.End, "actor", o.Actor)
		case mine:
			r.Log.Info("override expired", "gateway", o.Gateway, "mode", o.Mode, "end", o.End, "actor", o.Actor)
		}
	}
}
