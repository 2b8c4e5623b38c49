package router

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// Where the database is slow, everybody finds the orders old at once. One reads them: were all
// to, the last of a hundred would wait a hundred times as long.
func TestWhoWaitedForAReadingOfTheOrdersDoesNotReadThemAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &Router{Options: Options{WatchEvery: time.Second}, orders: newOrders()} // without books: a reading panics
		was := time.Now()
		r.orders.asked.Store(&was)
		time.Sleep(time.Second)
		leave, err := r.orders.turn(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		for range 100 {
			go func() {
				defer func() {
					if recover() != nil {
						t.Error("the orders were read once more")
					}
				}()
				if err := r.knowOrders(context.Background()); err != nil {
					t.Error(err)
				}
			}()
		}
		synctest.Wait()
		now := time.Now()
		r.orders.asked.Store(&now)
		leave()
	})
}

// The monotonic clock stands still while the machine does, and the orders grow old.
func TestOrdersGrowOldWhileTheMachineIsSuspended(t *testing.T) {
	o, asked := newOrders(), time.Now().Add(-100*time.Millisecond)
	o.asked.Store(&asked)
	if o.older(time.Minute) {
		t.Fatal("what was read a moment ago is old")
	}
	asked = suspended(t, asked, -time.Hour).Add(-time.Hour)
	if !o.older(time.Minute) {
		t.Fatal("what was read an hour ago is not old")
	}
}
