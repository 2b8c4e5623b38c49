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
