package router

import (
	"context"
	"sync"
	"time"
)

// hub wakes those who wait for something to change in this process. Other replicas'
// changes are found by polling.
type hub struct {
	mu      sync.Mutex
	waiting map[string]chan struct{}
}

// Keys beside payment ids, which are UUIDs.
const (
	anyKey  = "any"  // any payment changed
	feedKey = "feed" // changes were numbered
)

func newHub() *hub { return &hub{waiting: map[string]chan struct{}{}} }

// wait returns a channel that is closed at the key's next change.
func (h *hub) wait(key string) <-chan struct{} {
	h.mu.Lock()
	defer h.mu.Unlock()
	c, ok := h.waiting[key]
	if !ok {
		c = make(chan struct{})
		h.waiting[key] = c
	}
	return c
}

func (h *hub) wake(keys ...string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, key := range keys {
		if c, ok := h.waiting[key]; ok {
			close(c)
			delete(h.waiting, key)
		}
	}
}

// wakeAll wakes everybody, so that nothing is kept for payments that never change again.
// Whoever is woken looks again and finds nothing new.
func (h *hub) wakeAll() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, c := range h.waiting {
		close(c)
	}
	clear(h.waiting)
}

// sweep wakes everybody now and then.
func (r *Router) sweep(ctx context.Context) {
	for pause(ctx, time.Minute) {
		r.hub.wakeAll()
	}
}

// Changed returns a channel that is closed at the payment's next change in this process.
func (r *Router) Changed(id string) <-chan struct{} { return r.hub.wait(id) }

// Numbered returns a channel that is closed when this process next numbers changes of the feed.
func (r *Router) Numbered() <-chan struct{} { return r.hub.wait(feedKey) }
