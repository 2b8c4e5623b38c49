package sim

import (
	"fmt"
	"net/http"
	"time"
)

// asks reports whether the merchant is asked before a payment is made. Without an address for Check nobody is, and about a payment
// that the merchant's own server makes only where the switch says so.
func (t *tiptoppay) asks(style string) bool {
	return t.posts[TipTopPayCheck].enabled && (style != StyleCharge || t.sw.CheckDirect)
}

// ask sends Check and turns the answer into a ReasonCode: 0 lets the payment go on (notes, section 6.3). It is sent once, and the
// bank's lock is let go meanwhile.
func (t *tiptoppay) ask(tx *ttpTransaction) int {
	if !t.asks(tx.sale.Style) {
		return 0
	}
	l := t.letter(TipTopPayCheck, tx, t.opt.Secret, t.notice(TipTopPayCheck, tx))
	l.Created, l.State = time.Now(), "waiting"
	t.b.post.letters = append(t.b.post.letters, l)
	var status int
	var answer []byte
	var err error
	t.outside(func() { status, answer, err = t.b.postTo(l) })
	l.Tries, l.State, l.Answer = 1, "accepted", fmt.Sprintf("%d %s", status, answer)
	if err != nil {
		l.State, l.Answer = "given-up", err.Error()
		return ttpNoConnection
	}
	if status != http.StatusOK {
		l.State = "given-up"
		return ttpUnavailable
	}
	code, known := ttpCheckCodes[ttpAnswerCode(answer)]
	if !known {
		l.State = "given-up"
		return ttpFormatError
	}
	return code
}
