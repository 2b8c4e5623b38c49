package sim

import (
	"crypto/hmac"
	"fmt"
	"net/http"
	"net/url"
	"time"
)

// Kinds of callbacks (section 7).
const (
	fpCheck     = "check"
	fpResult    = "result"
	fpRefund    = "refund"
	fpCapture   = "capture"
	fpCardSaved = "card"
)

const (
	fpRetry   = 30 * time.Minute
	fpRetries = 4 // two hours of them
)

// fpDispatch is one callback. It is written anew, with another salt, for every delivery that follows a refused one.
type fpDispatch struct {
	p       *fpPayment // nil for a saved card
	kind    string
	url     string
	method  string
	content fpMessage // less pg_can_reject, pg_salt and pg_sig

	l   *letter
	can bool // pg_can_reject is 1 in the letter as it stands
}

// retry follows section 7.
func (f *freedompay) retry(n int) (time.Duration, bool) { return fpRetry, n <= fpRetries }

// forbid ends the time in which a result can be rejected: the first delivery alone.
func (d *fpDispatch) forbid() {
	if d.p != nil && d.kind == fpResult {
		d.p.rejectable = false
	}
}

// tell sends a callback, if there is an address for it. The forged copy claims a payment, signed by nobody who could know of one.
func (f *freedompay) tell(d *fpDispatch) {
	if d.url == "" {
		return
	}
	f.compose(d)
	lie := fpDispatch{kind: d.kind, url: d.url, method: d.method, content: d.content.without("pg_result", "pg_failure_code", "pg_failure_description")}
	lie.content.set("pg_result", "1")
	lie.l = &letter{}
	f.sign(&lie, lie.content, fpStranger)
	d.l.forgery = []byte(lie.l.Body)
	f.b.notify(d.l)
}

// compose makes the letter of the first delivery.
func (f *freedompay) compose(d *fpDispatch) {
	d.l = &letter{
		Notice: Notice{Face: f.Name(), URL: d.url, Created: time.Now(), State: "waiting"}, contentType: "application/x-www-form-urlencoded",
		accepted: func(status int, body []byte) bool { return f.heard(d, status, body) },
		retry: func(n int) (time.Duration, bool) { // the delivery was refused, or never arrived
			d.forbid()
			f.write(d)
			return f.retry(n)
		},
	}
	if d.method == http.MethodGet {
		d.l.method = http.MethodGet
	}
	if d.p != nil {
		d.l.Reference = d.p.Reference
	}
	f.write(d)
}

// write writes the letter for the next delivery.
func (f *freedompay) write(d *fpDispatch) {
	m := d.content
	if d.kind == fpResult && m.text("pg_result") == "1" {
		d.can = d.p.rejectable
		m = append(m.without(), fpLeaf("pg_can_reject", fpBit(d.can)))
	}
	f.sign(d, m, f.opt.Secret)
}

// sign puts a signed message where the merchant's method wants it.
func (f *freedompay) sign(d *fpDispatch, m fpMessage, secret string) {
	m = f.signed(m, d.script(), secret)
	if d.method == "XML" {
		m = fpMessage{fpLeaf("pg_xml", string(m.xml("request")))}
	}
	d.l.Body = m.form("")
}

// script is the name under the signatures of both sides: the last segment of the merchant's own address.
func (d *fpDispatch) script() string {
	u, err := url.Parse(d.url)
	if err != nil { // addresses are checked when they come
		return ""
	}
	return fpScript(u.Path)
}

// heard reads the merchant's answer, obeys it, and says whether that is the end of this callback.
func (f *freedompay) heard(d *fpDispatch, status int, body []byte) bool {
	word := f.word(d, status, body)
	first := d.l.Tries == 1
	if d.can && first && word == "rejected" {
		f.undo(d.p)
	}
	d.forbid()
	return word == "ok" || word == "rejected"
}

// word is pg_status of a properly signed answer, or nothing.
func (f *freedompay) word(d *fpDispatch, status int, body []byte) string {
	m, err := fpParseXML(body, "response")
	if err != nil || status != http.StatusOK || !hmac.Equal([]byte(m.sign(d.script(), f.opt.Secret)), []byte(m.text(fpSig))) {
		return ""
	}
	return m.text("pg_status")
}

// ask is the check callback: asked once, while the payer waits, and anything but a signed ok refuses the payment.
func (f *freedompay) ask(p *fpPayment, then func(allowed bool)) {
	d := &fpDispatch{p: p, kind: fpCheck, url: p.check, method: p.method, content: append(f.basics(p, p.Amount), p.own...)}
	f.compose(d)
	f.b.post.letters = append(f.b.post.letters, d.l)
	f.b.spawn(func() {
		status, body, err := f.b.postTo(d.l)
		f.b.mu.Lock()
		d.l.Tries, d.l.Answer = 1, fmt.Sprintf("%d %s", status, body)
		if err != nil {
			d.l.Answer = err.Error()
		}
		allowed := err == nil && f.word(d, status, body) == "ok"
		d.l.State = "refused"
		if allowed {
			d.l.State = "accepted"
		}
		then(allowed)
		f.b.mu.Unlock()
		f.b.flush(f.Name())
	})
}
