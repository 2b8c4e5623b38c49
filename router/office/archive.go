package office

import (
	"context"
	"time"

	"github.com/payrouter/payrouter/router/journal"
)

// archive goes on with the archive's walks, a handful of histories in a commit. Where there is
// nothing to archive it looks at ever more payments at once: most rest already.
func (k Keeper) archive(ctx context.Context, pass string, now time.Time, a *Aging, may func() error) error {
	const mostLooks = 1024
	walks, err := k.Journal.ArchiveWalks(ctx, now)
	if err != nil {
		return err
	}
	for _, walk := range walks {
		for looks := journal.AtRest; ; {
			if err := may(); err != nil {
				return err
			}
			batch, err := k.Journal.Archive(ctx, pass, walk, now.Add(-a.Term), now, looks)
			if err != nil {
				return err
			}
			if batch.Rows == 0 {
				break
			}
			walk.After = batch.Last
			k.tell(a, batch)
			if batch.Done == 0 {
				looks = min(4*looks, mostLooks)
				continue
			}
			looks = journal.AtRest
			if pass != "" {
				pause(ctx, k.Pause/4) // a batch takes a few milliseconds
			}
		}
	}
	return nil
}
