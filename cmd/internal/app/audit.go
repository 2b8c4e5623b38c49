package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/payrouter/payrouter/router/audit"
	"github.com/payrouter/payrouter/router/journal"
)

// recorded does what a person wants at the command line between its two records in the audit.
// Without the first of them nothing is done.
func recorded(ctx context.Context, store *journal.Store, act audit.Record, do func() error) error {
	act.Time, act.Phase, act.Roles = time.Now(), audit.Asked, "shell"
	asked, err := store.AppendAudit(ctx, act)
	if err != nil {
		return fmt.Errorf("nothing was done, for it cannot be recorded: %w", err)
	}
	return endRecorded(ctx, store, asked, do())
}

// endRecorded records how an act ended, and returns that.
func endRecorded(ctx context.Context, store *journal.Store, asked audit.Record, done error) error {
	ended := asked
	ended.Time, ended.Phase, ended.Asked, ended.Outcome = time.Now(), audit.Ended, asked.Number, "OK"
	if done != nil {
		ended.Outcome = "Unknown"
	}
	if _, err := store.AppendAudit(context.WithoutCancel(ctx), ended); err != nil {
		return errors.Join(done, fmt.Errorf("the audit has no end of it: %w", err))
	}
	return done
}

// HoldLost holds all gateways until people have compared what the books lost, as a person
// says at the command line. It holds them also where that cannot be recorded, and says so:
// charging twice would be worse than a missing record.
func HoldLost(ctx context.Context, store *journal.Store, actor, reason string, hold func() error) error {
	asked, unrecorded := store.AppendAudit(ctx, audit.Record{Time: time.Now(), Actor: actor, Roles: "shell", Act: audit.LostWindow, Subject: "gateways/-", Reason: reason, Phase: audit.Asked})
	if unrecorded != nil {
		return errors.Join(hold(), fmt.Errorf("the audit has no record of it: %w", unrecorded))
	}
	return endRecorded(ctx, store, asked, hold())
}
