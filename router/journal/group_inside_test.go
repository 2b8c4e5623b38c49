package journal

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// press is a group whose transactions take a second, and remembers who shared one.
type press struct {
	*group
	shared [][]string
}

func newPress(most, leaders int) *press {
	p := &press{}
	p.group = &group{most: most, leaders: leaders, run: func(members []*member) {
		var names []string
		for _, m := range members {
			name := m.write.mark.payment
			names = append(names, name)
			switch name {
			case "bad":
				m.err = errConflict
			case "stuck":
				m.alone = true
			}
		}
		p.mu.Lock()
		p.shared = append(p.shared, names)
		p.mu.Unlock()
		time.Sleep(time.Second)
	}}
	return p
}

func (p *press) write(name string) (bool, error) {
	return p.do(&member{write: &write{mark: mark{payment: name}}, ctx: context.Background(), until: time.Now().Add(5 * time.Second)})
}

func TestWhoComesWhileACommitIsUnderWayShareTheNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPress(3, 1)
		began := time.Now()
		took := map[string]time.Duration{}
		ended := make(chan func())
		for i, name := range []string{"a", "b", "bad", "stuck", "e"} {
			go func() {
				time.Sleep(time.Duration(i) * time.Millisecond)
				alone, err := p.write(name)
				at := time.Since(began).Round(time.Second)
				ended <- func() {
					took[name] = at
					if errors.Is(err, errConflict) != (name == "bad") || alone != (name == "stuck") {
						t.Errorf("%s: error %v, alone %v", name, err, alone)
					}
				}
			}()
		}
		for range 5 {
			(<-ended)()
		}
		if want := [][]string{{"a"}, {"b", "bad", "stuck"}, {"e"}}; !slices.EqualFunc(p.shared, want, slices.Equal) {
			t.Errorf("commits were shared by %v, want %v", p.shared, want)
		}
		if took["a"] != time.Second || took["bad"] != 2*time.Second || took["e"] != 3*time.Second {
			t.Errorf("they took %v: nobody waits for a commit that is not its own", took)
		}
		if p.leading != 0 || len(p.waiting) != 0 {
			t.Errorf("left behind: %d leaders, %d waiting", p.leading, len(p.waiting))
		}
	})
}

// Whoever led is gone; the others must not believe that their writes are durable.
func TestAPanicInASharedTransactionIsNoSuccess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPress(3, 1)
		calm := p.run
		p.run = func(members []*member) {
			calm(members)
			if members[0].write.mark.payment == "b" {
				panic("out of order")
			}
		}
		ended := make(chan error)
		for i, name := range []string{"a", "b", "c", "d", "e"} {
			go func() {
				time.Sleep(time.Duration(i) * time.Millisecond)
				defer func() {
					if cause := recover(); cause != nil && name != "b" {
						t.Errorf("%s panics for another one", name)
					}
				}()
				_, err := p.write(name)
				if errors.Is(err, errCutOff) != (name == "c" || name == "d") || err != nil && !Trouble(err) {
					t.Errorf("%s: %v", name, err)
				}
				ended <- err
			}()
		}
		for range 4 { // all but b
			<-ended
		}
	})
}

func TestAWriteWhoseTurnComesTooLateIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPress(1, 1)
		failed := make(chan error)
		for i := range 8 {
			go func() {
				time.Sleep(time.Duration(i) * time.Millisecond)
				_, err := p.write(fmt.Sprint(i))
				failed <- err
			}()
		}
		given := 0
		for range 8 {
			if err := <-failed; errors.Is(err, errWaited) && Trouble(err) {
				given++
			} else if err != nil {
				t.Error(err)
			}
		}
		if given != 2 || len(p.shared) != 6 { // of eight that came at once six had their turn within 5 s
			t.Errorf("%d were given up, %d written", given, len(p.shared))
		}
	})
}

// Two transactions at once, as on PostgreSQL, and members who are held up between any two steps,
// as a busy machine does it: each write is in one transaction, and nobody is answered before that
// one has ended.
func TestNobodyIsAnsweredBeforeItsOwnTransactionHasEnded(t *testing.T) {
	const most, leaders = 3, 2
	widest, fullest := 0, 0
	for seed := range uint64(300) {
		synctest.Test(t, func(t *testing.T) {
			dice := rand.New(rand.NewPCG(seed, 0))
			mayTake := make([]time.Duration, 1000)
			for i := range mayTake {
				mayTake[i] = time.Duration(dice.IntN(5)) * time.Millisecond
			}
			var mu sync.Mutex
			drawn, atOnce := 0, 0
			made := map[*member]int{}
			pause := func() {
				mu.Lock()
				drawn++
				d := mayTake[drawn%len(mayTake)]
				mu.Unlock()
				time.Sleep(d)
			}
			g := &group{most: most, leaders: leaders, run: func(members []*member) {
				mu.Lock()
				atOnce++
				widest, fullest = max(widest, atOnce), max(fullest, len(members))
				mu.Unlock()
				pause()
				mu.Lock()
				defer mu.Unlock()
				atOnce--
				for _, m := range members {
					made[m]++
				}
			}}
			var all sync.WaitGroup
			for range 6 {
				all.Go(func() {
					for range 5 {
						pause()
						m := &member{write: &write{}, ctx: context.Background(), until: time.Now().Add(time.Hour)}
						if g.join(m) {
							pause()
							g.lead(m)
						}
						mu.Lock()
						if made[m] != 1 || m.err != nil || m.alone {
							t.Errorf("seed %d: a write is answered after it was in %d transactions that ended", seed, made[m])
						}
						mu.Unlock()
					}
				})
			}
			all.Wait()
			if g.leading != 0 || len(g.waiting) != 0 {
				t.Errorf("seed %d: left behind: %d leaders, %d waiting", seed, g.leading, len(g.waiting))
			}
		})
		if t.Failed() {
			return
		}
	}
	if widest != leaders || fullest != most {
		t.Errorf("%d transactions at once and %d writes in one at most, and %d and %d may be", widest, fullest, leaders, most)
	}
}
