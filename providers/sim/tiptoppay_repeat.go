package sim

import (
	"bytes"
	"net/http"
	"slices"
	"time"
)

// ttpMemory is how long the result of a request with an X-Request-ID is kept (notes, section 8).
const ttpMemory = time.Hour

// ttpRepeat is what came under one X-Request-ID.
type ttpRepeat struct {
	path   string
	body   []byte
	at     time.Time     // of its coming, then of its answer
	ready  chan struct{} // closed once the answer is there; nil while nobody works on it
	answer *ttpAnswer    // nil until there is one; before faults spoil it
	sale   *ttpSale      // what it created
}

// note remembers that an X-Request-ID has come, and finds what came first under it. A repeat in time is no second request, so it
// is not counted.
func (t *tiptoppay) note(c *call, q *ttpRequest) {
	if q.again == "" || q.status != 0 {
		return
	}
	if q.first = t.repeats[q.again]; q.first != nil && time.Since(q.first.at) < ttpMemory {
		c.once = ""
		return
	}
	q.first = &ttpRepeat{path: q.path, body: q.body, at: time.Now()}
	t.repeats[q.again] = q.first
}

// serve answers an API request: from memory where its X-Request-ID has an answer, and by doing it otherwise.
func (t *tiptoppay) serve(c *call, q *ttpRequest) reply {
	first := q.first
	if first == nil {
		return t.say(c, q.service.serve(t, c, q))
	}
	if first.path != q.path || !bytes.Equal(first.body, q.body) {
		t.violated(c, "X-Request-ID "+q.again+" came again with another request")
	}
	if t.running(c, q) {
		if t.sw.RunningIs429 {
			c.twist = ""
			return ttpThrottled(0)
		}
		if !t.await(c, first) {
			return reply{cut: true}
		}
	}
	if first.answer == nil || t.sw.DeclinesRunAgain && !first.answer.success {
		first.ready = make(chan struct{})
		answer := q.service.serve(t, c, q)
		first.answer, first.at, first.sale = &answer, time.Now(), t.made(c)
		close(first.ready)
		first.ready = nil
	} else if o := first.sale; o != nil && o.Unseen {
		c.created = o.Object // lost the first time: this answer may show it
	}
	return t.say(c, *first.answer)
}

// running says whether somebody works on the first request of this X-Request-ID, or will: a bank that acts late has it still.
func (t *tiptoppay) running(c *call, q *ttpRequest) bool {
	if q.first.ready != nil {
		return true
	}
	return t.sw.RunningIs429 && q.first.answer == nil && slices.ContainsFunc(t.b.books.pending, func(p *pendingAct) bool {
		return p.face == t.Name() && p.reference == c.reference
	})
}

// await holds a repeat until the first is answered. It reports whether that came before the merchant, or the bank, was gone.
func (t *tiptoppay) await(c *call, first *ttpRepeat) bool {
	if first.ready == nil {
		return true
	}
	ready, answered := first.ready, false
	t.outside(func() {
		select {
		case <-ready:
			answered = true
		case <-c.r.Context().Done():
		case <-t.b.ctx.Done():
		}
	})
	return answered
}

// made is the sale that a call has just created; nil is none.
func (t *tiptoppay) made(c *call) *ttpSale {
	if c.created == nil {
		return nil
	}
	return t.sale(c.created.ID)
}

// violated records what the merchant promised and broke: an X-Request-ID is a reference that names one request.
func (t *tiptoppay) violated(c *call, text string) {
	v := Violation{Time: time.Now(), Invariant: "I11", Face: t.Name(), Op: c.op, Reference: c.reference, Text: text}
	t.b.books.violations = append(t.b.books.violations, v)
	t.b.spawn(func() { t.b.report([]Violation{v}) })
}

// ttpThrottled is the answer to one request too many.
func ttpThrottled(status int) reply {
	if status == 0 {
		status = http.StatusTooManyRequests
	}
	return reply{status: status, contentType: "text/plain; charset=utf-8", body: []byte("Too Many Requests\n"), unprocessed: true}
}
