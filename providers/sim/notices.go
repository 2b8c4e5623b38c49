package sim

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"
)

const (
	noticeDelay = 200 * time.Millisecond // after the event, so that a notice usually follows the answer
	doubleAfter = time.Second            // default pause of double
	reorderWait = time.Minute            // default of how long a held-back notice waits for another one to overtake it
	lateBy      = 10 * time.Minute       // default of late
)

// Ways in which notices go wrong.
const (
	NoticeLost         = "lost"          // never sent
	NoticeDouble       = "double"        // sent again, delay after it was accepted (default 1 s)
	NoticeBeforeAnswer = "before-answer" // delivered before the answer of the call that caused it
	NoticeReordered    = "reordered"     // held back until the next notice of the face is out, at most for delay (default 1 min)
	NoticeLate         = "late"          // sent delay later (default 10 min)
	NoticeForged       = "forged"        // an untrue or badly signed copy is sent first
)

func noticeModes() []string {
	return []string{NoticeLost, NoticeDouble, NoticeBeforeAnswer, NoticeReordered, NoticeLate, NoticeForged}
}

// NoticeRule makes notices go wrong. The first rule that matches a new notice and is not used up, in the order of adding, decides.
type NoticeRule struct {
	ID    string   `json:"id"`              // given by the bank
	Face  string   `json:"face"`            // empty or "*" is every face
	Mode  string   `json:"mode"`            // lost, double, before-answer, reordered, late or forged
	Delay Duration `json:"delay,omitempty"` // for double, reordered and late
	Times int      `json:"times,omitempty"` // how many notices; 0 is until removed
	Match string   `json:"match,omitempty"` // only notices about this reference
	Used  int      `json:"used"`            // how many notices it has spoiled so far
}

// Notice is one message to the merchant and what became of it, for GET /notices and for tests.
type Notice struct {
	Face      string    `json:"face"`
	Reference string    `json:"reference"`
	URL       string    `json:"url"`
	Body      string    `json:"body"`
	Forged    bool      `json:"forged,omitempty"`
	Created   time.Time `json:"created"`
	Tries     int       `json:"tries"`
	State     string    `json:"state"`            // waiting, accepted, given-up, lost or refused (a forged one)
	Answer    string    `json:"answer,omitempty"` // the last answer: HTTP status and body, or the transport's error
}

// letter is a notice on its way. Faces build it and hand it to Bank.notify.
type letter struct {
	Notice
	method       string                             // empty is POST; with GET the body is the query, behind the URL's own
	contentType  string                             // empty is application/json
	header       http.Header                        // extra headers; may be nil
	forgery      []byte                             // the body of the forged copy; nil makes none
	forgedHeader http.Header                        // headers of the forged copy; nil takes header
	accepted     func(status int, body []byte) bool // nil: any 2xx
	retry        func(n int) (time.Duration, bool)  // nil: the face's

	again time.Duration // set by notify: sent once more so long after it was accepted
}

// postbox is the mutable state of notices; Bank.mu guards it.
type postbox struct {
	rules   []*NoticeRule
	letters []*letter
	early   []*letter // for flush
	held    []*letter // reordered
}

// AddNotice checks a rule and puts it in force. It returns the rule's id.
func (b *Bank) AddNotice(n NoticeRule) (string, error) {
	if n.Face == "" {
		n.Face = "*"
	}
	switch {
	case n.Face != "*" && b.face(n.Face) == nil:
		return "", fmt.Errorf("face %q is unknown; there are %q", n.Face, b.Faces())
	case !slices.Contains(noticeModes(), n.Mode):
		return "", fmt.Errorf("mode %q is unknown; there are %q", n.Mode, noticeModes())
	case n.Delay < 0 || n.Times < 0:
		return "", errors.New("delay and times may not be negative")
	case n.Delay > 0 && (n.Mode == NoticeLost || n.Mode == NoticeBeforeAnswer || n.Mode == NoticeForged):
		return "", fmt.Errorf("mode %q takes no delay", n.Mode)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	n.ID, n.Used = "n"+strconv.Itoa(b.next()), 0
	b.post.rules = append(b.post.rules, &n)
	return n.ID, nil
}

// RemoveNotice takes a rule out of force and reports whether it existed. Notices already spoiled by it stay so.
func (b *Bank) RemoveNotice(id string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	before := len(b.post.rules)
	b.post.rules = slices.DeleteFunc(b.post.rules, func(n *NoticeRule) bool { return n.ID == id })
	return len(b.post.rules) < before
}

// ClearNotices takes every rule out of force: notices arrive as they should again.
func (b *Bank) ClearNotices() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.post.rules = nil
}

// Notices copies the rules in force, used-up ones included. Deliveries has what was sent.
func (b *Bank) Notices() []NoticeRule {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := []NoticeRule{}
	for _, n := range b.post.rules {
		out = append(out, *n)
	}
	return out
}

// Deliveries copies every notice made so far, oldest first.
func (b *Bank) Deliveries() []Notice {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := []Notice{}
	for _, l := range b.post.letters {
		out = append(out, l.Notice)
	}
	return out
}

// spoil finds the rule for a new notice and counts it. The caller holds the lock. A zero NoticeRule means none.
func (b *Bank) spoil(l *letter) NoticeRule {
	for _, n := range b.post.rules {
		if (n.Face == "*" || n.Face == l.Face) && (n.Match == "" || n.Match == l.Reference) && (n.Times == 0 || n.Used < n.Times) {
			n.Used++
			return *n
		}
	}
	return NoticeRule{}
}

// notify queues a notice built by a face (which fills Face, Reference, URL and Body). The caller holds the lock.
func (b *Bank) notify(l *letter) {
	if l.URL == "" {
		return
	}
	l.Created, l.State = time.Now(), "waiting"
	b.post.letters = append(b.post.letters, l)
	delay, early := noticeDelay, false
	switch rule := b.spoil(l); rule.Mode {
	case NoticeLost:
		l.State = "lost"
		return
	case NoticeReordered:
		if !slices.ContainsFunc(b.post.held, func(h *letter) bool { return h.Face == l.Face }) {
			b.post.held = append(b.post.held, l)
			b.after(orDefault(rule.Delay, reorderWait), func() { b.release(l) })
			return
		}
	case NoticeBeforeAnswer:
		early = true
	case NoticeLate:
		delay = orDefault(rule.Delay, lateBy)
	case NoticeForged:
		delay += b.forge(l, delay)
	case NoticeDouble:
		l.again = orDefault(rule.Delay, doubleAfter)
	}
	if early {
		b.post.early = append(b.post.early, l)
	} else {
		b.mail(l, delay)
	}
	for _, h := range b.post.held {
		if h.Face == l.Face {
			b.after(delay+time.Second, func() { b.release(h) })
		}
	}
}

// forge sends an untrue copy of l, and says how far ahead of l it must be. The caller holds the lock.
func (b *Bank) forge(l *letter, delay time.Duration) time.Duration {
	if l.forgery == nil {
		return 0
	}
	lie := &letter{Notice: l.Notice, method: l.method, contentType: l.contentType, header: l.header}
	if l.forgedHeader != nil {
		lie.header = l.forgedHeader
	}
	lie.Body, lie.Forged = string(l.forgery), true
	b.post.letters = append(b.post.letters, lie)
	b.mail(lie, delay)
	return noticeDelay
}

// release sends a held-back notice, once. The caller holds the lock.
func (b *Bank) release(l *letter) {
	if i := slices.Index(b.post.held, l); i >= 0 {
		b.post.held = slices.Delete(b.post.held, i, i+1)
		b.mail(l, 0)
	}
}

// mail sends a letter after d. The caller holds the lock.
func (b *Bank) mail(l *letter, d time.Duration) {
	b.plan(d, &plan{deliver: true, do: func() { b.spawn(func() { b.deliver(l) }) }})
}

// flush delivers the notices of before-answer now and waits for the merchant. The lock must not be held.
func (b *Bank) flush(face string) {
	b.mu.Lock()
	var now []*letter
	b.post.early = slices.DeleteFunc(b.post.early, func(l *letter) bool {
		if l.Face == face {
			now = append(now, l)
		}
		return l.Face == face
	})
	b.mu.Unlock()
	for _, l := range now {
		b.deliver(l)
	}
}
