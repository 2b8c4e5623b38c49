package providertest

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"

	"github.com/payrouter/payrouter/providers"
)

// post carries the bank's requests to the adapter, as the webhook door does, and keeps
// them. Without a listener nobody is at home.
type post struct {
	house *house

	mu     sync.Mutex
	ruling func(h providers.Heard, n int) providers.Ruling // of the n-th request, from 1; nil accepts
	came   []letter
}

// letter is one request of the bank, and what was made of it.
type letter struct {
	notice providers.Notice
	heard  providers.Heard
	ruling providers.Ruling
	reply  providers.Reply
}

// source is where the bank's requests come from.
const source = "127.0.0.1"

// RoundTrip is the bank's HTTP request to the merchant.
func (p *post) RoundTrip(r *http.Request) (*http.Response, error) {
	if p.house.deaf {
		return nil, errors.New("nobody listens")
	}
	listener, ok := p.house.provider.(providers.Listener)
	if !ok {
		return nil, errors.New("nobody listens")
	}
	var body []byte
	if r.Body != nil {
		var err error
		if body, err = io.ReadAll(r.Body); err != nil {
			return nil, err
		}
	}
	_, path, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/webhooks/"), "/")
	l := letter{notice: providers.Notice{Method: r.Method, Path: path, Query: r.URL.RawQuery, Header: r.Header, Body: body, Source: source}}
	l.heard = listener.Hear(l.notice)
	p.mu.Lock()
	l.ruling = p.rule(l.heard, len(p.came)+1)
	l.reply = listener.Answer(l.heard, l.ruling)
	p.came = append(p.came, l)
	p.mu.Unlock()
	return &http.Response{StatusCode: l.reply.Status, Header: http.Header{"Content-Type": {l.reply.ContentType}},
		Body: io.NopCloser(bytes.NewReader(l.reply.Body)), Request: r}, nil
}

func (p *post) rule(heard providers.Heard, n int) providers.Ruling {
	if p.ruling != nil {
		return p.ruling(heard, n)
	}
	return p.accept(heard)
}

// accept is the ruling on whatever is genuine. What is owed is what was asked for.
func (p *post) accept(heard providers.Heard) providers.Ruling {
	r := providers.Ruling{Kind: providers.Accepted, ID: "p-4711", Text: "Order 4711", Amount: p.house.owed(heard.Ref)}
	switch heard.Kind {
	case providers.Noise:
		r.Kind = providers.Rejected
	case providers.Question, providers.Debit:
		r.Kind = providers.Payable
	}
	return r
}

// rules decides about what comes from now on.
func (p *post) rules(ruling func(h providers.Heard, n int) providers.Ruling) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ruling, p.came = ruling, nil
}

// letters are what came so far.
func (p *post) letters() []letter {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]letter{}, p.came...)
}

// about are those that name the attempt and are not mere questions.
func (p *post) about(a *attempt) []letter {
	var found []letter
	for _, l := range p.letters() {
		if l.heard.Kind != providers.Noise && l.heard.Kind != providers.Question && named(l.heard.Ref, a) {
			found = append(found, l)
		}
	}
	return found
}

func named(ref providers.Ref, a *attempt) bool {
	return ref.Order == a.ref.Order || ref.Order == "" && ref.External != "" && ref.External == a.ref.External
}

// parses reads a body as its type wants.
func parses(kind string, body []byte) error {
	switch {
	case strings.HasSuffix(kind, "json"):
		var any any
		return json.Unmarshal(body, &any)
	case strings.HasSuffix(kind, "xml"):
		d := xml.NewDecoder(bytes.NewReader(body))
		for {
			switch _, err := d.Token(); {
			case errors.Is(err, io.EOF):
				return nil
			case err != nil:
				return err
			}
		}
	}
	return nil
}
