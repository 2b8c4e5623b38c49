package server

import (
	"net/http"
	"strings"
	"testing"

	pb "github.com/payrouter/payrouter/proto/payrouter/v1"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router"
)

// ear keeps what it hears and answers as told.
type ear struct {
	silent
	heard []providers.Notice
	reply providers.Reply
}

func (e *ear) Hear(n providers.Notice) providers.Heard {
	if string(n.Body) == "panic" {
		panic("canary-inner-text")
	}
	e.heard = append(e.heard, n)
	return providers.Heard{}
}

func (e *ear) Answer(providers.Heard, providers.Ruling) providers.Reply { return e.reply }

// listening is a door whose first gateway is an ear.
func listening(t *testing.T, test func(d *door, e *ear), changes ...func(*Options, *router.Options)) {
	t.Helper()
	e := &ear{silent: silent{newBank("kaspi", nil)}, reply: providers.Reply{Status: 202, ContentType: "text/weird", Body: []byte("OK123")}}
	behind(t, func(d *door) { test(d, e) }, append(changes, func(_ *Options, ro *router.Options) {
		ro.Gateways[0].Provider = e
		ro.Gateways[1].Provider = silent{newBank("halyk", nil)}
	})...)
}

func (d *door) send(method, url, body string, change ...func(*http.Request)) *recorder {
	d.t.Helper()
	r, err := http.NewRequest(method, url, strings.NewReader(body))
	d.must(err)
	r.RemoteAddr = "192.0.2.7:4000"
	for _, c := range change {
		c(r)
	}
	w := &recorder{header: http.Header{}}
	d.server.Webhooks().ServeHTTP(w, r)
	return w
}

func TestANoticeIsHandedOnRawByWhateverMethod(t *testing.T) {
	listening(t, func(d *door, e *ear) {
		w := d.send("PUT", "http://p/webhooks/kaspi-main/biller//check%2F1?command=check&txn_id=1&a=%20", "\x00raw\xff", func(r *http.Request) { r.Header.Set("X-Signature", "s") })
		n := e.heard[0]
		if n.Method != "PUT" || n.Path != "biller//check%2F1" || n.Query != "command=check&txn_id=1&a=%20" || string(n.Body) != "\x00raw\xff" ||
			n.Header["X-Signature"][0] != "s" || n.Source != "192.0.2.7" {
			t.Fatalf("%+v", n)
		}
		if w.code != 202 || w.body.String() != "OK123" || w.header.Get("Content-Type") != "text/weird" {
			t.Fatalf("%d %q %v", w.code, w.body.String(), w.header)
		}
		d.send("GET", "http://p/webhooks/kaspi-main", "")
		if n := e.heard[1]; n.Method != "GET" || n.Path != "" {
			t.Fatalf("%+v", n)
		}
	})
}

func TestANoticeForNobodyIsNotFound(t *testing.T) {
	listening(t, func(d *door, e *ear) {
		for _, url := range []string{"http://p/webhooks/nowhere/x", "http://p/webhooks/halyk-main/x", "http://p/webhooks/", "http://p/", "http://p/webhooks/../kaspi-main", "http://p/WEBHOOKS/kaspi-main"} {
			if w := d.send("POST", url, "x"); w.code != http.StatusNotFound {
				t.Errorf("%s: %d", url, w.code)
			}
		}
		if len(e.heard) > 0 {
			t.Errorf("heard %v", e.heard)
		}
	})
}

func TestANoticeTooLargeIsRefusedUnread(t *testing.T) {
	listening(t, func(d *door, e *ear) {
		if w := d.send("POST", "http://p/webhooks/kaspi-main/x", strings.Repeat("x", maxNotice+1)); w.code != http.StatusRequestEntityTooLarge {
			t.Errorf("%d", w.code)
		}
		if w := d.send("POST", "http://p/webhooks/kaspi-main/x", strings.Repeat("x", maxNotice)); w.code != 202 {
			t.Errorf("%d", w.code)
		}
		if len(e.heard) != 1 {
			t.Errorf("heard %d", len(e.heard))
		}
	})
}

func TestAnAnswerWithoutAStatusAcknowledgesNothing(t *testing.T) {
	listening(t, func(d *door, e *ear) {
		e.reply = providers.Reply{}
		if w := d.send("POST", "http://p/webhooks/kaspi-main/x", "x"); w.code != http.StatusServiceUnavailable {
			t.Errorf("%d", w.code)
		}
	})
}

func TestANoticeThatCannotBeStoredIsNotAcknowledged(t *testing.T) {
	behind(t, func(d *door) {
		p := d.create(qr())
		d.must(d.store.Close())
		code, _ := d.notice("kaspi-main", "paid "+p.GetAttempts()[0].GetReference())
		if code != http.StatusServiceUnavailable {
			t.Errorf("%d", code)
		}
	})
}

func TestAnAdapterThatPanicsOnANoticeBringsNothingDown(t *testing.T) {
	listening(t, func(d *door, e *ear) {
		if w := d.send("POST", "http://p/webhooks/kaspi-main/x", "panic"); w.code == 0 {
			t.Error("no answer")
		}
		if w := d.send("POST", "http://p/webhooks/kaspi-main/x", "x"); w.code != 202 {
			t.Errorf("%d", w.code)
		}
	})
}

func TestOnlyOurOwnProxiesAreBelievedAboutTheSource(t *testing.T) {
	listening(t, func(d *door, e *ear) {
		for name, c := range map[string]struct {
			peer      string
			forwarded []string
			want      string
		}{
			"no proxy, a lie":             {"203.0.113.9:1", []string{"198.51.100.1"}, "203.0.113.9"},
			"one proxy":                   {"10.0.0.1:1", []string{"198.51.100.1"}, "198.51.100.1"},
			"one proxy, a lie before":     {"10.0.0.1:1", []string{"1.1.1.1, 198.51.100.1"}, "198.51.100.1"},
			"two proxies, two headers":    {"10.0.0.1:1", []string{"1.1.1.1,198.51.100.1", "10.0.0.2"}, "198.51.100.1"},
			"nothing but proxies":         {"10.0.0.1:1", []string{"10.0.0.3, 10.0.0.2"}, "10.0.0.3"},
			"a proxy that says nothing":   {"10.0.0.1:1", nil, "10.0.0.1"},
			"a proxy that says nonsense":  {"10.0.0.1:1", []string{"1.1.1.1, unknown"}, "10.0.0.1"},
			"a single trusted address":    {"[2001:db8::1]:1", []string{"2001:db8::5"}, "2001:db8::5"},
			"its neighbour":               {"[2001:db8::2]:1", []string{"2001:db8::5"}, "2001:db8::2"},
			"IPv4 in IPv6":                {"[::ffff:10.0.0.1]:1", []string{"::ffff:198.51.100.1"}, "198.51.100.1"},
			"a port":                      {"10.0.0.1:1", []string{"198.51.100.1:4711"}, "198.51.100.1"},
			"no address at all":           {"bufconn", []string{"198.51.100.1"}, "bufconn"},
			"a zone, which is no source":  {"[fe80::1%eth0]:1", nil, "fe80::1"},
			"an empty entry at the right": {"10.0.0.1:1", []string{"198.51.100.1,"}, "10.0.0.1"},
		} {
			e.heard = nil
			d.send("POST", "http://p/webhooks/kaspi-main/x", "x", func(r *http.Request) {
				r.RemoteAddr = c.peer
				for _, f := range c.forwarded {
					r.Header.Add("X-Forwarded-For", f)
				}
			})
			if got := e.heard[0].Source; got != c.want {
				t.Errorf("%s: %s, want %s", name, got, c.want)
			}
		}
	}, func(o *Options, _ *router.Options) { o.TrustedProxies = []string{"10.0.0.0/8", "2001:db8::1"} })
}

func TestANoticeMovesItsPayment(t *testing.T) {
	behind(t, func(d *door) {
		p := d.create(qr())
		if code, _ := d.notice("kaspi-main", "paid nobody"); code != http.StatusOK {
			t.Errorf("an authentic notice of a stranger: %d", code)
		}
		if code, _ := d.notice("kaspi-main", "forged"); code != http.StatusForbidden {
			t.Errorf("a forged notice: %d", code)
		}
		if now := d.get(p.GetName()); now.GetState() != pb.Payment_STATE_AWAITING_PAYER {
			t.Fatalf("state %s", now.GetState())
		}
		d.pay(p)
		if now := d.get(p.GetName()); now.GetState() != pb.Payment_STATE_PAID {
			t.Fatalf("state %s", now.GetState())
		}
	})
}
