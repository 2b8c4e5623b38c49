package router

import (
	"fmt"
	"testing"
)

// Nobody may ever change a payment that was watched: what is kept for it must go all the same.
func TestWhatWasWatchedAndNeverChangesIsForgotten(t *testing.T) {
	h := newHub()
	var waiting []<-chan struct{}
	for i := range 1000 {
		waiting = append(waiting, h.wait(fmt.Sprint(i)))
	}
	h.wakeAll()
	for _, c := range waiting {
		select {
		case <-c:
		default:
			t.Fatal("somebody waits for a channel that nobody will close")
		}
	}
	if len(h.waiting) != 0 {
		t.Fatalf("%d keys are kept", len(h.waiting))
	}
}
