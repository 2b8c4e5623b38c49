package router

import (
	"context"
	"errors"
	"testing"
)

// One that nobody waits for would be used up for nothing.
func TestACallThatIsOverTakesNoOrderNumber(t *testing.T) {
	over, end := context.WithCancel(t.Context())
	end()
	n := &numbers{blocks: map[string]*numberBlock{"c": {turn: make(chan struct{}, 1), next: 7, end: 1000}}}
	for range 100 { // of two cases that are ready any may be chosen
		if _, err := n.next(over, "c"); !errors.Is(err, context.Canceled) {
			t.Fatalf("it is answered %v", err)
		}
	}
	if number, err := n.next(t.Context(), "c"); number != 7 || err != nil {
		t.Errorf("the next number is %d, %v", number, err)
	}
}

// Callers repeat a request to hear of it: that must not use up a gateway's order numbers.
func TestANumberThatWasNotUsedIsTheNextOne(t *testing.T) {
	n := &numbers{blocks: map[string]*numberBlock{"c": {turn: make(chan struct{}, 1), next: 7, end: 7 + block}}}
	take := func() int64 {
		t.Helper()
		number, err := n.next(t.Context(), "c")
		if err != nil {
			t.Fatal(err)
		}
		return number
	}
	first, second := take(), take()
	n.unused("c", first)
	if number := take(); number != first || second == first {
		t.Errorf("%d, %d and then %d", first, second, number)
	}
	if number := take(); number != second+1 {
		t.Errorf("the next number is %d", number)
	}
	n.unused("c", 6) // of a block that is gone
	if number := take(); number != second+2 {
		t.Errorf("the next number is %d", number)
	}
}
