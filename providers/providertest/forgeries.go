package providertest

import (
	"bytes"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/payrouter/payrouter/providers"
)

// forgeries takes genuine notices and changes them.
func (s *suite) forgeries(t *testing.T) {
	if s.claims.Webhook == providers.NoWebhook || len(s.payable()) == 0 {
		return
	}
	m := s.payable()[len(s.payable())-1].Method
	s.about(t, "forgeries", func(t *testing.T) {
		s.ask(t, "notices", "no changed byte changes a fact", m, s.changedBytes)
		s.ask(t, "notices", "no changed field changes a fact", m, func(h *house) {
			for _, l := range h.facts() {
				for _, damage := range damages(l.notice.Body) {
					n := l.notice
					n.Body = damage.body()
					h.sameFact(damage.what, l.heard, h.hear(n))
				}
			}
		})
		s.ask(t, "notices", "a fact cut short is none", m, func(h *house) {
			for _, l := range h.facts() {
				for i := range l.notice.Body {
					n := l.notice
					n.Body = l.notice.Body[:i]
					if heard := h.hear(n); i < len(bytes.TrimSpace(l.notice.Body)) && heard.Kind == providers.Fact {
						h.t.Errorf("%d bytes of it are heard as a fact", i)
					}
				}
			}
		})
		s.ask(t, "notices", "hearing changes nothing at the bank and nothing in the adapter", m, func(h *house) {
			h.paid(m)
			time.Sleep(time.Minute)
			before := h.bank.Ledger()
			h.wire.fresh()
			for _, l := range h.post.letters() {
				first, second := h.hear(l.notice), h.hear(l.notice)
				if !reflect.DeepEqual(first, second) { //nolint:govet // both errors come from the same code, so their contents compare
					h.t.Errorf("the same notice is heard as %+v, then as %+v", first, second)
				}
			}
			if dials, _, _, _ := h.wire.traffic(); dials != 0 || !reflect.DeepEqual(before, h.bank.Ledger()) {
				h.t.Errorf("hearing made %d connections", dials)
			}
		})
		if s.subject.Elsewhere != nil {
			s.ask(t, "notices", "what is meant for another account is not ours", m, s.anotherAccount)
		}
	})
}

// facts are the genuine letters that this trust class makes facts, or else its hints.
func (h *house) facts() []letter {
	h.t.Helper()
	a := h.paid(h.method)
	time.Sleep(time.Minute)
	all := h.post.about(a)
	if len(all) == 0 {
		h.t.Fatal("no notice came")
	}
	return all
}

// hear lets the adapter hear. It must neither panic nor give anything away.
func (h *house) hear(n providers.Notice) (heard providers.Heard) {
	h.t.Helper()
	defer func() {
		if cause := recover(); cause != nil {
			h.t.Errorf("%s %s?%s with %q: the adapter panicked: %v", n.Method, n.Path, n.Query, short(n.Body), cause)
		}
	}()
	heard = h.listener().Hear(n)
	if heard.Err != nil {
		h.discreet("error of a notice", heard.Err.Error())
	}
	return heard
}

func short(body []byte) string {
	if len(body) > 200 {
		return string(body[:200]) + "…"
	}
	return string(body)
}

// sameFact fails if a changed notice is a fact and says something else. The saved
// instrument is left out: WayForPay, the only provider here that signs, does not sign it.
func (h *house) sameFact(what string, genuine, changed providers.Heard) {
	h.t.Helper()
	if changed.Kind != providers.Fact {
		if changed.Kind == providers.Debit {
			h.t.Errorf("%s: it is heard as a debit", what)
		}
		return
	}
	if genuine.Kind != providers.Fact {
		h.t.Errorf("%s: it is heard as a fact", what)
		return
	}
	genuine.Result.Instrument, changed.Result.Instrument = nil, nil
	if genuine.Ref != changed.Ref || genuine.Key != changed.Key || !reflect.DeepEqual(genuine.Result, changed.Result) { //nolint:govet // both errors come from the same code
		h.t.Errorf("%s: it is heard as %+v %s, genuine is %+v %s", what, changed.Ref, describe(changed.Result), genuine.Ref, describe(genuine.Result))
	}
}

// changedBytes changes every byte of every genuine notice in several ways.
func (s *suite) changedBytes(h *house) {
	for _, l := range h.facts() {
		for i, was := range l.notice.Body {
			for _, is := range []byte{was ^ 1, was + 1, was ^ 0x20, '0', '9', '"', ' ', 0} {
				if is == was {
					continue
				}
				n := l.notice
				n.Body = bytes.Clone(l.notice.Body)
				n.Body[i] = is
				h.sameFact(fmt.Sprintf("byte %d is %q instead of %q", i, is, was), l.heard, h.hear(n))
			}
		}
	}
}

// anotherAccount hears what another merchant's account with the same secrets was told.
func (s *suite) anotherAccount(h *house) {
	other := open(h.t, *s.subject.Elsewhere, h.method)
	for _, l := range other.facts() {
		heard := h.hear(l.notice)
		if heard.Kind != providers.Noise {
			h.t.Errorf("it is heard as a %s: %s", heard.Kind, l.notice.Body)
		}
		if strings.Contains(string(h.listener().Answer(heard, providers.Ruling{Kind: providers.Rejected}).Body), "accept") {
			h.t.Error("it is acknowledged")
		}
	}
}

// strangeNotices asks whether any input makes the adapter panic, or believe in money.
func (s *suite) strangeNotices(t *testing.T) {
	if !can[providers.Listener](s.provider) {
		return
	}
	s.about(t, "strange notices", func(t *testing.T) {
		s.ask(t, "notices", "no input makes it panic or believe", "", func(h *house) {
			for _, method := range []string{"", http.MethodGet, http.MethodPost, http.MethodPut, "\x00"} {
				for _, path := range []string{"", "/", "scan", "scan/", "biller", "biller/", "notify", "../..", "\xff", strings.Repeat("a/", 500)} {
					for _, from := range []string{source, "203.0.113.9", ""} {
						for _, body := range strangeBodies {
							h.strange(providers.Notice{Method: method, Path: path, Body: body, Source: from})
						}
						for _, query := range strangeQueries {
							h.strange(providers.Notice{Method: method, Path: path, Query: query, Source: from})
						}
					}
				}
			}
			h.strange(providers.Notice{})
			h.strange(providers.Notice{Method: http.MethodPost, Header: map[string][]string{"X-Back-Sign": nil, "Content-Type": {"", "x"}, "": {""}}, Source: source})
		})
	})
}

// strange hears one notice and answers it in every way.
func (h *house) strange(n providers.Notice) {
	h.t.Helper()
	heard := h.hear(n)
	if heard.Kind == providers.Fact || heard.Kind == providers.Debit && n.Source != source {
		h.t.Errorf("%s %s?%s with %q is heard as a %s", n.Method, n.Path, n.Query, short(n.Body), heard.Kind)
	}
	for _, kind := range rulings {
		func() {
			defer func() {
				if cause := recover(); cause != nil {
					h.t.Errorf("%s %s?%s with %q, ruling %d: the answer panicked: %v", n.Method, n.Path, n.Query, short(n.Body), kind, cause)
				}
			}()
			h.wellAnswered("something strange", h.listener().Answer(heard, providers.Ruling{Kind: kind}))
		}()
	}
}

var strangeBodies = [][]byte{
	nil, []byte(" "), []byte("{}"), []byte("[]"), []byte("null"), []byte(`""`), []byte("0"), []byte("-"), []byte("{"), []byte(`{"`), []byte(`{"a"`), []byte("\x00"),
	[]byte("\xff\xfe\xfd"), []byte("\xef\xbb\xbf{}"), []byte(strings.Repeat("[", 20_000)), []byte(strings.Repeat(`{"a":`, 20_000)), []byte(strings.Repeat("9", 100_000)),
	[]byte(`{"OrderId":1e999,"Status":null}`), []byte(`{"OrderId":["x"],"Status":{}}`), []byte(`{"orderReference":{},"merchantSignature":[]}`),
	[]byte(`{"orderReference":"x","merchantSignature":"","transactionStatus":"Approved","reasonCode":1100,"amount":1,"currency":"UAH"}`),
	[]byte(`{"invoiceId":"x","secret_hash":null,"code":"ok"}`), []byte(`{"invoiceId":1,"invoiceID":2,"secret_hash":"","secretHash":""}`),
	[]byte("a=b&c=%zz"), []byte("%7B%7D="), []byte("=&=&="), []byte(`{"a":1}=&b=`), []byte("<xml/>"), []byte(strings.Repeat("\u202e", 1000)),
}

var strangeQueries = []string{
	"", "&", "=", "%zz", "command", "command=", "command=pay", "command=check", "command=pay&command=check", "command=pay&txn_id=&account=&sum=",
	"command=pay&txn_id=1&account=1&sum=1e9", "command=pay&txn_id=-1&account=1&sum=1", "command=pay&txn_id=1&account=1&sum=99999999999999999999",
	"command=check&txn_id=" + strings.Repeat("9", 5000), "command=check&account=%00&txn_id=1", "command=check&txn_id=1&account=" + strings.Repeat("1", 5000),
}
