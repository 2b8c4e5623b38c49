package sim

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"slices"
	"strconv"
	"time"
)

const (
	qpRetries    = 24 // of a callback that was not accepted, an hour apart (section 7)
	qpRetryPause = time.Hour
	qpStranger   = "not the account's private key"
)

// qpChecksum signs a body to the byte.
func qpChecksum(key string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write(body)
	return hex.EncodeToString(mac.Sum(nil))
}

// tell queues the callback of an operation: the payment as it is now, to where the operation's maker wanted it. What
// happens to one payment is told in its order, one after the other; payments do not wait for each other.
func (q *quickpay) tell(p *qpPayment, op *qpOperation) {
	address := cmp.Or(op.callback, q.opt.CallbackURL)
	if address == "" {
		return
	}
	v := q.view(p)
	body := qpPayload(v)
	key := q.opt.PrivateKey
	if op.missign {
		key = qpStranger
	}
	// The forged copy claims an approval of more money, signed by nobody who could know of one.
	last := &v.Operations[len(v.Operations)-1]
	last.Pending, last.StatusCode, last.Amount = false, q.statusCode(qpApproved), qpMore(last.Amount)
	v.Accepted, v.Balance = true, v.Balance+100
	forgery := qpPayload(v)
	p.callbacks = append(p.callbacks, &letter{
		Notice:       Notice{Face: q.Name(), Reference: p.order, URL: address, Body: string(body)},
		contentType:  qpType,
		header:       q.callbackHeader(key, body),
		forgery:      forgery,
		forgedHeader: q.callbackHeader(qpStranger, forgery),
	})
	if len(p.callbacks) == 1 {
		q.post(p)
	}
}

func (q *quickpay) callbackHeader(key string, body []byte) http.Header {
	h := http.Header{}
	h.Set("QuickPay-Resource-Type", "Payment")
	h.Set("QuickPay-Account-ID", strconv.FormatInt(q.opt.MerchantID, 10))
	h.Set("QuickPay-API-Version", "v10")
	h.Set("QuickPay-Checksum-Sha256", qpChecksum(key, body))
	return h
}

// post sends the first callback in a payment's queue. One that a notice rule loses or holds back, and one that cannot
// verify, keeps nobody waiting.
func (q *quickpay) post(p *qpPayment) {
	l := p.callbacks[0]
	l.accepted = func(status int, _ []byte) bool {
		ok := status/100 == 2 || status == http.StatusFound || status == http.StatusSeeOther
		if ok {
			q.next(p, l)
		}
		return ok
	}
	q.b.notify(l)
	genuine := l.header.Get("QuickPay-Checksum-Sha256") == qpChecksum(q.opt.PrivateKey, []byte(l.Body))
	if l.State != "waiting" || slices.Contains(q.b.post.held, l) || !genuine {
		q.next(p, l)
	}
}

// next is the end of l, if it was the first in the queue.
func (q *quickpay) next(p *qpPayment, l *letter) {
	if len(p.callbacks) == 0 || p.callbacks[0] != l {
		return
	}
	p.callbacks = p.callbacks[1:]
	if len(p.callbacks) > 0 {
		q.b.after(0, func() { q.post(p) })
	}
}

// retry repeats hourly, and when it gives a callback up lets the next one of its payment go.
func (q *quickpay) retry(n int) (time.Duration, bool) {
	if n <= qpRetries {
		return qpRetryPause, true
	}
	for _, p := range q.payments {
		if len(p.callbacks) > 0 && p.callbacks[0].Tries >= n {
			q.next(p, p.callbacks[0])
		}
	}
	return 0, false
}
