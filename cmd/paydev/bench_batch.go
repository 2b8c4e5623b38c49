package main

import (
	"context"
	"errors"
	"time"
)

// mostInBatch is how many commits share one transaction at most.
const mostInBatch = 64

// wanted is a commit that somebody waits for.
type wanted struct {
	which int
	id    int64
	done  chan error // has room for the answer
}

// batchLoop makes the same two commits, and has one writer put whatever came while the last
// transaction was written into the next one. Nobody is answered before what it wanted is
// durable, and nobody waits for company.
func (p *preparedCommits) batchLoop(ctx context.Context, callers int, d time.Duration) sample {
	queue := make(chan wanted, callers)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for first := range queue {
			p.batch(ctx, first, queue)
		}
	}()
	s := load(ctx, callers, d, func(ctx context.Context) error {
		id := p.last.Add(1)
		for which := range p.both {
			w := wanted{which, id, make(chan error, 1)}
			queue <- w
			if err := <-w.done; err != nil {
				return err
			}
		}
		return nil
	})
	close(queue)
	<-ended
	return s
}

// batch writes the first and all that wait behind it in one transaction, and answers them.
func (p *preparedCommits) batch(ctx context.Context, first wanted, queue <-chan wanted) {
	all := []wanted{first}
	err := func() error {
		tx, err := p.db.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		for i := 0; i < len(all); i++ {
			if err := p.write(ctx, tx, all[i].which, all[i].id); err != nil {
				return errors.Join(err, tx.Rollback())
			}
			if len(all) == mostInBatch {
				continue
			}
			select {
			case next, open := <-queue:
				if open {
					all = append(all, next)
				}
			default:
			}
		}
		return tx.Commit()
	}()
	for _, w := range all {
		w.done <- err
	}
}
