package sim

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// noticeTimeout is how long the merchant may take to answer a notice: Kaspi and Halyk both give about this long.
const noticeTimeout = 15 * time.Second

// deliver tries once and plans what follows. The lock must not be held.
func (b *Bank) deliver(l *letter) {
	status, answer, err := b.postTo(l)
	b.mu.Lock()
	defer b.mu.Unlock()
	l.Tries++
	if err != nil {
		l.Answer = err.Error()
	} else {
		l.Answer = fmt.Sprintf("%d %s", status, answer)
	}
	ok := err == nil && status/100 == 2
	if err == nil && l.accepted != nil {
		ok = l.accepted(status, answer)
	}
	switch {
	case ok && l.State == "waiting":
		l.State = "accepted"
		if l.again > 0 {
			b.mail(l, l.again)
		}
	case ok || l.State == "accepted":
	case l.Forged:
		l.State = "refused"
	default:
		retry := b.face(l.Face).retry
		if l.retry != nil {
			retry = l.retry
		}
		pause, again := retry(l.Tries)
		if !again {
			l.State = "given-up"
			return
		}
		b.mail(l, b.scaled(pause))
	}
}

// scaled applies TimeScale to a cadence.
func (b *Bank) scaled(d time.Duration) time.Duration {
	if b.opt.TimeScale == 1 {
		return d
	}
	return time.Duration(float64(d) * b.opt.TimeScale)
}

// postTo makes one request to the merchant.
func (b *Bank) postTo(l *letter) (int, []byte, error) {
	address, body := l.URL, io.Reader(strings.NewReader(l.Body))
	if l.method == http.MethodGet {
		glue := "?"
		if strings.Contains(address, "?") {
			glue = "&"
		}
		address, body = address+glue+l.Body, nil
	}
	r, err := http.NewRequestWithContext(b.ctx, cmp.Or(l.method, http.MethodPost), address, body)
	if err != nil {
		return 0, nil, err
	}
	for k, v := range l.header {
		r.Header[http.CanonicalHeaderKey(k)] = v
	}
	if body != nil {
		r.Header.Set("Content-Type", cmp.Or(l.contentType, "application/json; charset=utf-8"))
	}
	return b.merchant(r)
}

// merchant sends one request to the merchant and reads a bounded answer in bounded time.
func (b *Bank) merchant(r *http.Request) (int, []byte, error) {
	ctx, done := context.WithTimeout(r.Context(), noticeTimeout)
	defer done()
	res, err := b.client.Do(r.WithContext(ctx))
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = res.Body.Close() }()
	answer, err := io.ReadAll(io.LimitReader(res.Body, maxRequest))
	return res.StatusCode, answer, err
}
