package router

import (
	"log/slog"
	"testing"
	"time"

	"github.com/payrouter/payrouter/health"
	"github.com/payrouter/payrouter/router/journal"
	"github.com/payrouter/payrouter/router/payment"
)

// What was read of the orders may be seconds old when their endings are noted. An order that a
// person ended in between has their record, and did not end by itself.
func TestAnOrderThatAPersonJustEndedDidNotEndByItself(t *testing.T) {
	store, err := journal.Open(journal.Options{URL: "sqlite:", Due: func(payment.Payment, time.Time) time.Time { return time.Time{} }})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	if err := store.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	r := &Router{Options: Options{Journal: store, Log: slog.New(slog.DiscardHandler)}}
	r.clock.Store(&clock{})
	now := time.Now()
	var read []journal.Override
	for id, end := range map[string]time.Time{"over": now, "nearly over": now.Add(warnEnd)} {
		o, err := store.CreateOverride(t.Context(), journal.Override{ID: id, Gateway: "kaspi-main", Mode: string(health.Drain), Actor: "operator:aida",
			Reason: "rehearsal", Created: now.Add(-time.Hour), Start: now.Add(-time.Hour), End: end})
		if err != nil {
			t.Fatal(err)
		}
		read = append(read, o)
		if ended, err := store.EndOverride(t.Context(), o.ID, o.Version, "operator:bolat", now.Add(-time.Second)); err != nil || !ended {
			t.Fatalf("ended %v, error %v", ended, err)
		}
	}
	r.noteEndings(t.Context(), read, newEndings())
	for record, err := range store.WalkAudit(t.Context()) {
		t.Errorf("the audit tells %s of %s, error %v", record.Act, record.Subject, err)
	}
}
