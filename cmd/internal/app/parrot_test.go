//go:build unix

package app_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/payrouter/payrouter/providers/sim"
)

// parrot stands between a gateway's adapter and the bank. It hands the truth on, and when
// it is told to, it answers with all that it has heard and everything that it knows of
// whoever asked.
type parrot struct {
	bank     http.Handler
	listener net.Listener
	knows    string // secrets and persons, whom a gateway knows in any case

	mu     sync.Mutex
	kinds  map[string][]byte // the first true answer to each kind of request
	armed  string            // the kind that is answered badly
	tricks []trick           // how, one after another
	heard  strings.Builder   // whatever came
}

// trick is one bad answer.
type trick struct {
	name string
	// say writes it. Truth is the bank's answer, nil where the bank must not act.
	say  func(w io.Writer, quote string, truth *httptest.ResponseRecorder)
	acts bool
}

func newParrot(t *testing.T, bank *sim.Bank, gateway, knows string) *parrot {
	t.Helper()
	p := &parrot{bank: bank.Handler(gateway), knows: knows, kinds: map[string][]byte{}}
	var err error
	if p.listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: p}
	go func() { _ = server.Serve(p.listener) }()
	t.Cleanup(func() { _ = server.Close() })
	return p
}

var (
	variable        = regexp.MustCompile(`[^/]*[0-9][^/]*`)
	version         = regexp.MustCompile(`^v[0-9]+$`)
	transactionType = regexp.MustCompile(`"transactionType":"(\w+)"`)
)

// kindOf names requests that ask the same: method, path without numbers, and WayForPay's type.
func kindOf(r *http.Request, body []byte) string {
	parts := strings.Split(r.URL.Path, "/")
	for i, part := range parts {
		if variable.MatchString(part) && !version.MatchString(part) {
			parts[i] = "*"
		}
	}
	kind := r.Method + " " + strings.Join(parts, "/")
	if match := transactionType.FindSubmatch(body); match != nil {
		kind += " " + string(match[1])
	}
	return kind
}

// ServeHTTP answers one request.
func (p *parrot) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	kind := kindOf(r, body)
	quote := p.hear(r, body)
	bad, ok := p.next(kind)
	if !ok || bad.acts {
		truth := httptest.NewRecorder()
		r.Body = io.NopCloser(bytes.NewReader(body))
		p.bank.ServeHTTP(truth, r)
		if !ok {
			p.keep(kind, truth)
			maps.Copy(w.Header(), truth.Header())
			w.WriteHeader(truth.Code)
			_, _ = w.Write(truth.Body.Bytes())
			return
		}
		hijacked(w, func(c net.Conn) { bad.say(c, quote, truth) })
		return
	}
	hijacked(w, func(c net.Conn) { bad.say(c, quote, nil) })
}

// hijacked says something on the bare connection, and hangs up.
func hijacked(w http.ResponseWriter, say func(net.Conn)) {
	c, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		return
	}
	say(c)
	_ = c.Close()
}

// hear writes down what came, and returns the quotation of it.
func (p *parrot) hear(r *http.Request, body []byte) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s ", r.Method, r.URL.RequestURI())
	for name, values := range r.Header {
		fmt.Fprintf(&b, "%s: %s ", name, strings.Join(values, ","))
	}
	b.Write(body)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.heard.WriteString(b.String() + "\n")
	return p.knows + " " + b.String()
}

func (p *parrot) keep(kind string, truth *httptest.ResponseRecorder) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, ok := p.kinds[kind]; !ok && truth.Code < 300 {
		p.kinds[kind] = bytes.Clone(truth.Body.Bytes())
	}
}

// met lists the kinds of request that were answered well.
func (p *parrot) met() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Sorted(maps.Keys(p.kinds))
}

// sample is a true answer to a kind of request.
func (p *parrot) sample(kind string) []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.kinds[kind]
}

// said is all that was ever said to it.
func (p *parrot) said() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.heard.String()
}

// arm makes it answer requests of a kind by the tricks, each once.
func (p *parrot) arm(kind string, tricks []trick) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.armed, p.tricks = kind, tricks
}

// left is how many tricks nobody has met yet.
func (p *parrot) left() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.tricks)
}

func (p *parrot) next(kind string) (trick, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if kind != p.armed || len(p.tricks) == 0 {
		return trick{}, false
	}
	first := p.tricks[0]
	p.tricks = p.tricks[1:]
	return first, true
}

// framed quotes in a frame of HTTP: @ stands for the quotation in one line, # for it as it is.
func framed(name, frame string) trick {
	return trick{name: name, say: func(w io.Writer, quote string, _ *httptest.ResponseRecorder) {
		line := strings.Join(strings.Fields(quote), " ")
		_, _ = io.WriteString(w, strings.NewReplacer("@", line, "#", quote, "%", strings.ReplaceAll(line, " ", "+")).Replace(frame))
	}}
}

func answered(name string, status int, kind, body string) trick {
	return framed(name, fmt.Sprintf("HTTP/1.1 %d Quoted\r\nContent-Type: %s\r\nConnection: close\r\n\r\n%s", status, kind, body))
}

// broken are answers that are no HTTP. One client reads them for all adapters and all kinds
// of request, so that one kind of each gateway meets them.
func broken() []trick {
	return []trick{
		framed("no HTTP at all", "@"),
		framed("a status in its place", "HTTP/1.1 @\r\n\r\n"),
		framed("a reason", "HTTP/1.1 400 @\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"),
		framed("a header without a name", "HTTP/1.1 200 OK\r\n@\r\n\r\n"),
		framed("a header", "HTTP/1.1 500 Error\r\nX-Debug: @\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"),
		framed("a length", "HTTP/1.1 200 OK\r\nContent-Length: @\r\n\r\n"),
		framed("an encoding", "HTTP/1.1 200 OK\r\nTransfer-Encoding: @\r\n\r\n"),
		framed("the length of a chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n@\r\n"),
		framed("a trailer", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n@\r\n\r\n"),
		framed("half a body", "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n{\"message\":\"@"),
		framed("one answer too many", "HTTP/1.1 500 Error\r\nContent-Length: 0\r\n\r\nHTTP/1.1 200 OK\r\n\r\n@"),
		framed("a redirect that keeps the body", "HTTP/1.1 307 Elsewhere\r\nLocation: http://127.0.0.1:1/%\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"),
		{name: "nothing", say: func(io.Writer, string, *httptest.ResponseRecorder) {}},
		{name: "nothing in time", say: func(io.Writer, string, *httptest.ResponseRecorder) { time.Sleep(hastyLimit + 100*time.Millisecond) }},
	}
}

// quotations are answers for an adapter to read, which need nothing of its protocol.
func quotations() []trick {
	all := []trick{
		answered("a page of an error", 502, "text/html", "<html><body><h1>Bad gateway</h1><pre>#</pre></body></html>"),
		answered("a page of success", 200, "text/html", "<html><body>#</body></html>"),
		answered("JSON of nothing known", 200, "application/json", `{"error":"@","message":"@","code":"@"}`),
		framed("a redirect", "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/?%\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"),
		{name: "nothing, after it has acted", acts: true, say: func(io.Writer, string, *httptest.ResponseRecorder) {}},
		{name: "the truth, as an error", acts: true, say: func(w io.Writer, quote string, truth *httptest.ResponseRecorder) {
			retold(w, http.StatusInternalServerError, truth, append(truth.Body.Bytes(), quote...))
		}},
	}
	for _, status := range []int{400, 401, 404} {
		all = append(all, answered("plain text with "+strconv.Itoa(status), status, "text/plain", "could not process: #"))
	}
	return all
}

// retold is a true answer with another status or body.
func retold(w io.Writer, status int, truth *httptest.ResponseRecorder, body []byte) {
	_, _ = fmt.Fprintf(w, "HTTP/1.1 %d Said\r\nContent-Type: %s\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s",
		status, truth.Header().Get("Content-Type"), len(body), body)
}

// misquotes are true answers with the quotation in place of one of their texts.
func misquotes(sample []byte) []trick {
	var all []trick
	for i, leaf := range leaves(sample) {
		if i >= mostLeaves {
			break
		}
		all = append(all, trick{name: "in place of " + leaf.name, acts: true, say: func(w io.Writer, quote string, truth *httptest.ResponseRecorder) {
			body := truth.Body.Bytes()
			if at := slices.IndexFunc(leaves(body), func(l leafText) bool { return l.name == leaf.name }); at >= 0 {
				body = leaves(body)[at].replaced(quote)
			}
			retold(w, truth.Code, truth, body)
		}})
	}
	return all
}

// mostLeaves of one answer are replaced: more than any answer has names.
const mostLeaves = 60

// leafText is one text of a body, and how another takes its place.
type leafText struct {
	name     string
	replaced func(text string) []byte
}

// xmlText is the text of an element, formText a value of a form.
var (
	xmlText  = regexp.MustCompile(`<(\w+)[^<>]*>([^<>]+)</`)
	formText = regexp.MustCompile(`(\w+)=([^&]+)`)
)

// leaves are the texts of a body, JSON, XML or a form, one of each name.
func leaves(body []byte) []leafText {
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var root any
	var all []leafText
	switch {
	case d.Decode(&root) == nil:
		all = jsonLeaves("", root, func(v any) any { return v })
	case bytes.HasPrefix(bytes.TrimSpace(body), []byte("<")):
		all = textLeaves(body, xmlText, func(s string) string { return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(s) })
	default:
		all = textLeaves(body, formText, url.QueryEscape)
	}
	seen := map[string]bool{}
	return slices.DeleteFunc(all, func(l leafText) bool {
		again := seen[l.name]
		seen[l.name] = true
		return again
	})
}

func textLeaves(body []byte, pattern *regexp.Regexp, escape func(string) string) []leafText {
	var all []leafText
	for _, at := range pattern.FindAllSubmatchIndex(body, -1) {
		all = append(all, leafText{string(body[at[2]:at[3]]), func(text string) []byte {
			return slices.Concat(body[:at[4]], []byte(escape(text)), body[at[5]:])
		}})
	}
	return all
}

// jsonLeaves are the scalars below a value; whole puts the value into its document.
func jsonLeaves(path string, v any, whole func(any) any) []leafText {
	var all []leafText
	switch v := v.(type) {
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(v)) {
			all = append(all, jsonLeaves(path+"."+name, v[name], func(changed any) any {
				next := maps.Clone(v)
				next[name] = changed
				return whole(next)
			})...)
		}
	case []any:
		for i := range v {
			all = append(all, jsonLeaves(path+"[]", v[i], func(changed any) any {
				next := slices.Clone(v)
				next[i] = changed
				return whole(next)
			})...)
		}
	default:
		all = append(all, leafText{path, func(text string) []byte {
			b, err := json.Marshal(whole(text))
			if err != nil {
				panic(err)
			}
			return b
		}})
	}
	return all
}
